//! What a logout message must say, and what is read from it.

use std::time::Duration;

use rolegate::identity::saml::{LogoutStatus, PresentedLogout};
use rolegate::identity::{ProviderSession, VerifyCode};

use super::super::encrypt::{AES_256_CBC, Encryption, encrypt};
use super::super::fixture::{
    ASSERTION, ATTACKER, IDP, Key, OURS, SKEW, accepted, noon, response, signed as signed_assertion, swap,
};
use super::fixture::{
    ASKED, OUR_KEY, PROVIDER, REQUEST, RESPONSE, STATUS, answers, by_post, by_redirect, form, redirect,
    refused, refused_both_ways, requests, signed,
};

#[test]
fn a_request_names_a_login() {
    for request in requests("honest", REQUEST) {
        assert_eq!(request.issued(), noon());
        let session = request.session();
        assert_eq!(
            (session.name_id.value.as_str(), &session.session_indexes[..]),
            ("ann", &["_s1".to_owned()][..])
        );
        assert_eq!(request.one_time().until, noon().plus(Duration::from_secs(240)).plus(SKEW));
        assert_eq!(request.marks().ended(), request.marks().sessions);
    }
    let [one, other] = requests("honest", REQUEST);
    assert_eq!((one.one_time(), one.marks()), (other.one_time(), other.marks()));
}

/// The login of an assertion and its logout have the same marks, also where one leaves out what
/// the other writes.
#[test]
fn a_logout_finds_the_login() {
    let assertion = swap(ASSERTION, " SessionNotOnOrAfter", " SessionIndex=\"_s1\" SessionNotOnOrAfter");
    let identity = accepted("with an index", &response(&signed_assertion(&assertion)));
    let login = identity.login().unwrap();
    assert_eq!(login.asserted_at, noon());
    assert!(matches!(&login.session, ProviderSession::Saml(session) if session.session_indexes == ["_s1"]));
    let format = " Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\"";
    let qualified = format!("{format} NameQualifier=\"{IDP}\" SPNameQualifier=\"{OURS}\"");
    let plain = accepted("no index", &response(&signed_assertion(ASSERTION)));
    let unnamed = &plain.login().unwrap().marks;
    assert_eq!(unnamed.subject, login.marks.subject);
    assert_eq!(unnamed.ended(), unnamed.sessions);
    let ended = [login.marks.sessions[0], unnamed.sessions[0]];
    for (what, xml) in [
        ("as written", REQUEST.to_owned()),
        ("without a Format", swap(REQUEST, format, "")),
        ("with qualifiers", swap(REQUEST, format, &qualified)),
        ("with white space", swap(REQUEST, ">ann<", "> ann\n<")),
        (
            "with extensions",
            swap(
                REQUEST,
                "</saml:Issuer>",
                "</saml:Issuer><samlp:Extensions><x:y xmlns:x=\"urn:x\"></x:y></samlp:Extensions>",
            ),
        ),
        ("without an end", swap(REQUEST, " NotOnOrAfter=\"2026-11-22T12:04:00Z\"", "")),
    ] {
        for request in requests(what, &xml) {
            assert_eq!(request.marks().subject, login.marks.subject, "{what}");
            assert_eq!(request.marks().ended(), ended, "{what}");
        }
    }
    let everything = swap(REQUEST, "<samlp:SessionIndex>_s1</samlp:SessionIndex>", "");
    for request in requests("no index", &everything) {
        assert_eq!(request.marks().ended(), [login.marks.subject]);
    }
    let two = swap(
        REQUEST,
        "<samlp:SessionIndex>",
        "<samlp:SessionIndex>_s0</samlp:SessionIndex><samlp:SessionIndex>",
    );
    for request in requests("two indexes", &two) {
        assert_eq!(request.marks().ended()[1..], ended);
    }
}

#[test]
fn a_response_says_how_it_went() {
    assert_eq!(answers("honest", RESPONSE), LogoutStatus::Success);
    let code = "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>";
    let with = |top: &str, below: &str| {
        let below = format!("<samlp:StatusCode Value=\"{STATUS}{below}\"></samlp:StatusCode>");
        let both = format!("<samlp:StatusCode Value=\"{STATUS}{top}\">{below}</samlp:StatusCode>");
        swap(RESPONSE, code, &format!("{both}<samlp:StatusMessage>no</samlp:StatusMessage>"))
    };
    for (xml, status) in [
        (with("Success", "PartialLogout"), LogoutStatus::Partial),
        (with("Responder", "PartialLogout"), LogoutStatus::Partial),
        (
            with("Requester", "UnknownPrincipal"),
            LogoutStatus::Failed(format!("{STATUS}Requester {STATUS}UnknownPrincipal no")),
        ),
    ] {
        assert_eq!(answers("a status", &xml), status);
    }
}

#[test]
fn from_for_and_when_it_must_be() {
    for honest in [REQUEST, RESPONSE] {
        let with = |from: &str, to: &str| swap(honest, from, to);
        let destination = " Destination=\"https://broker.example.com/saml/corp/slo\"";
        let issuer = "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://idp.example.com/metadata</saml:Issuer>";
        for (what, xml, code, check) in [
            (
                "another issuer",
                with(">https://idp.", ">https://other."),
                VerifyCode::Issuer,
                "saml.logout.issuer",
            ),
            (
                "another SP",
                with("/saml/corp/slo", "/saml/other/slo"),
                VerifyCode::Audience,
                "saml.logout.destination",
            ),
            (
                "a longer destination",
                with("/slo\"", "/slo/\""),
                VerifyCode::Audience,
                "saml.logout.destination",
            ),
            ("our ACS", with("/slo\"", "/acs\""), VerifyCode::Audience, "saml.logout.destination"),
            ("no destination", with(destination, ""), VerifyCode::Audience, "saml.logout.destination"),
            ("another version", with("\"2.0\"", "\"1.1\""), VerifyCode::Malformed, "saml.logout.version"),
            ("no version", with(" Version=\"2.0\"", ""), VerifyCode::Malformed, "saml.logout.version"),
            (
                "a time without its zone",
                with("12:00:00Z\"", "12:00:00\""),
                VerifyCode::Malformed,
                "saml.logout.issue-instant",
            ),
            (
                "from the future",
                with("T12:00:00Z", "T12:01:01Z"),
                VerifyCode::NotYetValid,
                "saml.logout.not-yet-issued",
            ),
            ("too old", with("T12:00:00Z", "T11:54:00Z"), VerifyCode::Expired, "saml.logout.too-old"),
            (
                "an unknown child",
                with("</saml:Issuer>", "</saml:Issuer><x:y xmlns:x=\"urn:x\"></x:y>"),
                VerifyCode::Malformed,
                "saml.structure.child",
            ),
            (
                "text between",
                with("</saml:Issuer>", "</saml:Issuer>x"),
                VerifyCode::Malformed,
                "saml.structure.text",
            ),
            (
                "two issuers",
                with("</saml:Issuer>", &format!("</saml:Issuer>{issuer}")),
                VerifyCode::Malformed,
                "saml.structure.order",
            ),
        ] {
            refused_both_ways(what, &xml, code, check);
        }
        // By POST the signature would not find its place without an issuer.
        let anonymous = redirect(&with(issuer, ""));
        assert_eq!(refused("no issuer", by_redirect(&anonymous), "saml.logout.issuer"), VerifyCode::Issuer);
        let edge = with("T12:00:00Z", "T12:01:00Z");
        assert!(by_redirect(&redirect(&edge)).is_ok() && by_post(&form(&signed(&edge))).is_ok());
        let edge = with("T12:00:00Z", "T11:54:00.001Z");
        assert!(by_redirect(&redirect(&edge)).is_ok());
    }
}

#[test]
fn a_request_is_whole() {
    let with = |from: &str, to: &str| swap(REQUEST, from, to);
    let index = "<samlp:SessionIndex>_s1</samlp:SessionIndex>";
    let name = &REQUEST[REQUEST.find("<saml:NameID").unwrap()..REQUEST.find("<samlp:SessionIndex").unwrap()];
    let many = |n: usize| -> String {
        (0..n).map(|n| format!("<samlp:SessionIndex>{n}</samlp:SessionIndex>")).collect()
    };
    let encrypted =
        "<saml:EncryptedID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"></saml:EncryptedID>";
    for (what, xml, check) in [
        ("over", with("12:04:00Z", "11:59:00Z"), "saml.logout.expired"),
        ("an end that is no time", with("2026-11-22T12:04:00Z", "soon"), "saml.logout.not-on-or-after"),
        ("no name", with(name, ""), "saml.logout.name-id"),
        ("two names", with(name, &name.repeat(2)), "saml.structure.order"),
        ("an empty name", with(">ann<", "> <"), "saml.name-id"),
        ("a name with elements", with(">ann<", "><b></b><"), "saml.name-id"),
        ("a long name", with(">ann<", &format!(">{}<", "a".repeat(1025))), "saml.name-id.length"),
        ("an empty encrypted name", with(name, encrypted), "saml.encryption.structure"),
        (
            "a base id",
            with(name, "<saml:BaseID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"></saml:BaseID>"),
            "saml.logout.name-id",
        ),
        ("an empty index", with("_s1", " "), "saml.logout.session-index"),
        ("an index with elements", with("_s1", "<b></b>"), "saml.logout.session-index"),
        ("a long index", with("_s1", &"1".repeat(1025)), "saml.session-index.length"),
        ("many indexes", with(index, &many(17)), "saml.session-index.count"),
        (
            "an index before the name",
            with(index, "").replace(name, &format!("{index}{name}")),
            "saml.structure.order",
        ),
        ("a response's name", REQUEST.replace("LogoutRequest", "AuthnRequest"), "saml.logout.root"),
    ] {
        let code = if check == "saml.logout.expired" { VerifyCode::Expired } else { VerifyCode::Malformed };
        refused_both_ways(what, &xml, code, check);
    }
    assert_eq!(requests("16 indexes", &with(index, &many(16)))[0].marks().sessions.len(), 16 + 1);
    let unnamed = redirect(&with(" ID=\"_l\"", ""));
    refused("no ID", by_redirect(&unnamed), "saml.logout.id");
}

#[test]
fn a_response_answers_what_this_browser_asked() {
    refused_both_ways(
        "another",
        &swap(RESPONSE, "_logout", "_other"),
        VerifyCode::Unsolicited,
        "saml.logout.in-response-to",
    );
    refused_both_ways(
        "none",
        &swap(RESPONSE, " InResponseTo=\"_logout\"", ""),
        VerifyCode::Unsolicited,
        "saml.logout.in-response-to",
    );
    let query = redirect(RESPONSE);
    let awaiting = |awaited| PROVIDER.verify_logout(PresentedLogout::Redirect(&query), awaited, noon());
    assert!(awaiting(Some(ASKED)).is_ok());
    refused("nobody asked", awaiting(None), "saml.logout.in-response-to");
    let silent = redirect(&swap(RESPONSE, " InResponseTo=\"_logout\"", ""));
    let silent = PROVIDER.verify_logout(PresentedLogout::Redirect(&silent), None, noon());
    refused("nobody asked, nothing answered", silent, "saml.logout.in-response-to");
    let code = "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>";
    refused_both_ways("no status", &swap(RESPONSE, code, ""), VerifyCode::Malformed, "saml.logout.status");
}

/// The provider's signature covers the ciphertext, so this is its word as much as a name in clear.
#[test]
fn a_name_may_be_encrypted_to_us() {
    let name = &REQUEST[REQUEST.find("<saml:NameID").unwrap()..REQUEST.find("<samlp:SessionIndex").unwrap()];
    let [clear, _] = requests("in clear", REQUEST);
    let encrypted = |plain: &str, key: &Key, how: &Encryption<'_>| {
        let element = encrypt(plain, &key.recipient(), how).replace("EncryptedAssertion", "EncryptedID");
        swap(REQUEST, name, &element)
    };
    let gcm = Encryption::default();
    for request in requests("encrypted", &encrypted(name, &OUR_KEY, &gcm)) {
        assert_eq!((request.session(), request.marks()), (clear.session(), clear.marks()));
    }
    let statement = "<saml:Audience xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">ann</saml:Audience>";
    let cbc = Encryption { cipher: AES_256_CBC, ..Encryption::default() };
    for (what, xml, check) in [
        ("to somebody else", encrypted(name, &ATTACKER, &gcm), "saml.encryption.failed"),
        ("something else", encrypted(statement, &OUR_KEY, &gcm), "saml.logout.encrypted-id"),
        ("no XML", encrypted("ann", &OUR_KEY, &gcm), "saml.xml.root"),
        (
            "with a document type",
            encrypted(&format!("<!DOCTYPE x>{name}"), &OUR_KEY, &gcm),
            "saml.xml.doctype",
        ),
        ("by AES-CBC", encrypted(name, &OUR_KEY, &cbc), "saml.encryption.cbc"),
    ] {
        refused_both_ways(what, &xml, VerifyCode::Malformed, check);
    }
}
