//! Logout messages that nobody signed, or somebody else, or that were changed on their way.

use rolegate::identity::VerifyCode;

use super::super::fixture::{ATTACKER, HONEST, Signing, base64, enveloped, swap};
use super::fixture::{
    REQUEST, RESPONSE, by_post, by_redirect, deflated, encoded, form, redirect, refused, signed, signed_query,
};

#[test]
fn nobody_else_signs() {
    let packed = deflated(REQUEST);
    let unsigned = encoded(&[("SAMLRequest", &packed), ("RelayState", "r s")]);
    assert_eq!(refused("unsigned", by_redirect(&unsigned), "saml.signature.absent"), VerifyCode::Unsigned);
    let good = redirect(REQUEST);
    let stripped = good.split("&SigAlg").next().unwrap();
    refused("stripped", by_redirect(stripped), "saml.signature.absent");
    let stranger = signed_query(&ATTACKER, &[("SAMLRequest", &packed)]);
    assert_eq!(
        refused("a stranger's", by_redirect(&stranger), "saml.signature.value"),
        VerifyCode::Signature
    );
    let inside = encoded(&[("SAMLRequest", &deflated(&signed(REQUEST)))]);
    refused("by redirect, signed inside only", by_redirect(&inside), "saml.signature.absent");
    refused("signed inside as well", by_redirect(&redirect(&signed(REQUEST))), "saml.logout.signature-place");

    assert_eq!(refused("unsigned", by_post(&form(REQUEST)), "saml.signature.absent"), VerifyCode::Unsigned);
    let stranger = Signing { key: &ATTACKER, ..Signing::of("_l") }.sign(REQUEST);
    refused("a stranger's", by_post(&form(&enveloped(REQUEST, &stranger))), "saml.signature.value");
    refused("by POST, signed as a query", by_post(&good), "saml.xml.encoding");
    let sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    let weak = Signing { algorithm: sha1, ..Signing::of("_l") }.sign(REQUEST);
    refused("SHA-1", by_post(&form(&enveloped(REQUEST, &weak))), "saml.signature.algorithm");
    let weak = good.replace("rsa-sha256", "rsa-sha1");
    refused("SHA-1", by_redirect(&weak), "saml.signature.algorithm");
}

#[test]
fn what_was_changed_is_found_out() {
    let good = signed(REQUEST);
    assert!(by_post(&form(&good)).is_ok());
    let evil = swap(REQUEST, ">ann<", ">eve<").replace("_l\"", "_e\"");
    let signature = Signing::of("_l").sign(REQUEST);
    for (what, xml, check) in [
        ("a name", swap(&good, ">ann<", ">eve<"), "saml.signature.digest"),
        (
            "an index less",
            swap(&good, "<samlp:SessionIndex>_s1</samlp:SessionIndex>", ""),
            "saml.signature.digest",
        ),
        (
            "another message around the signature",
            enveloped(&evil, &signature),
            "saml.signature.reference-uri",
        ),
        ("the same id", enveloped(&evil.replace("_e\"", "_l\""), &signature), "saml.signature.digest"),
        (
            "the signed one within",
            swap(
                &evil,
                "</saml:Issuer>",
                &format!("</saml:Issuer><samlp:Extensions>{good}</samlp:Extensions>"),
            ),
            "saml.signature.absent",
        ),
        (
            "the signed one within, its signature moved",
            {
                let inner = format!("<samlp:Extensions>{REQUEST}</samlp:Extensions>");
                enveloped(&swap(&evil, "</saml:Issuer>", &format!("</saml:Issuer>{inner}")), &signature)
            },
            "saml.signature.reference-uri",
        ),
        (
            "the same id twice",
            {
                let inner = format!("<samlp:Extensions>{REQUEST}</samlp:Extensions>");
                let evil = evil.replace("_e\"", "_l\"");
                enveloped(&swap(&evil, "</saml:Issuer>", &format!("</saml:Issuer>{inner}")), &signature)
            },
            "saml.structure.id-unique",
        ),
        ("two signatures", enveloped(&good, &signature), "saml.signature.count"),
        ("a comment in the name", swap(&good, ">ann<", ">ann<!-- -->.eve<"), "saml.xml.comment"),
        ("a document type", format!("<!DOCTYPE x>{good}"), "saml.xml.doctype"),
    ] {
        refused(what, by_post(&form(&xml)), check);
    }
}

#[test]
fn each_parameter_stands_once() {
    let good = redirect(REQUEST);
    let parts: Vec<&str> = good.split('&').collect();
    let turned = parts.iter().rev().copied().collect::<Vec<_>>().join("&");
    assert!(by_redirect(&turned).is_ok(), "the order does not matter");
    let evil = encoded(&[("SAMLRequest", &deflated(&swap(REQUEST, ">ann<", ">eve<")))]);
    for (what, query, check) in [
        ("a second message", format!("{good}&{evil}"), "saml.query.repeated"),
        ("a second message first", format!("{evil}&{good}"), "saml.query.repeated"),
        ("a second RelayState", format!("{good}&RelayState=x"), "saml.query.repeated"),
        ("both kinds", format!("{good}&SAMLResponse=x"), "saml.query.message"),
        ("a request as a response", good.replace("SAMLRequest=", "SAMLResponse="), "saml.signature.value"),
        ("another RelayState", good.replace("r+s", "r+t"), "saml.signature.value"),
        ("written in another way", good.replace("r+s", "r%20s"), "saml.signature.value"),
        ("nothing", String::new(), "saml.query.message"),
    ] {
        refused(what, by_redirect(&query), check);
    }
    let good = form(&signed(REQUEST));
    assert!(by_post(&good).is_ok());
    for (what, form) in [
        ("a second message", format!("{good}&SAMLRequest=x")),
        ("a second RelayState", format!("{good}&RelayState=x")),
        ("both kinds", format!("{good}&SAMLResponse=x")),
        ("nothing", "RelayState=x".to_owned()),
    ] {
        refused(what, by_post(&form), "saml.logout.form");
    }
    // The name that a message travels under is not signed by POST, but must fit.
    let renamed = good.replace("SAMLRequest=", "SAMLResponse=");
    refused("a request as a response", by_post(&renamed), "saml.logout.root");
    let renamed = signed_query(&HONEST, &[("SAMLRequest", &deflated(RESPONSE))]);
    refused("a response as a request", by_redirect(&renamed), "saml.logout.root");
}

#[test]
fn costs_little() {
    let stuffed = |bytes: usize| {
        let filler = "x".repeat(bytes - REQUEST.len() - "<samlp:Extensions></samlp:Extensions>".len());
        swap(
            REQUEST,
            "</saml:Issuer>",
            &format!("</saml:Issuer><samlp:Extensions>{filler}</samlp:Extensions>"),
        )
    };
    let limit = 64 * 1024;
    assert!(by_redirect(&redirect(&stuffed(limit))).is_ok());
    refused("one byte more", by_redirect(&redirect(&stuffed(limit + 1))), "saml.logout.deflate");
    refused("a bomb", by_redirect(&redirect(&stuffed(20_000_000))), "saml.logout.deflate");
    refused("a large form", by_post(&form(&stuffed(limit + 1))), "saml.xml.size");
    refused("a larger form", by_post(&form(&stuffed(2 * limit))), "saml.logout.size");
    let query = |packed: &str| signed_query(&HONEST, &[("SAMLRequest", packed)]);
    refused("no deflate", by_redirect(&query(&base64(REQUEST.as_bytes()))), "saml.logout.deflate");
    refused("no base64", by_redirect(&query("***")), "saml.logout.base64");
    refused(
        "not UTF-8",
        by_redirect(&query(&base64(&miniz_oxide::deflate::compress_to_vec(b"\xff", 6)))),
        "saml.xml.encoding",
    );
    let state = |length: usize| {
        signed_query(&HONEST, &[("SAMLRequest", &deflated(REQUEST)), ("RelayState", &"s".repeat(length))])
    };
    assert!(by_redirect(&state(1024)).is_ok());
    refused("a long RelayState", by_redirect(&state(1025)), "saml.logout.relay-state");
}
