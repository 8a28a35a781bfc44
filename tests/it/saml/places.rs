//! Places in which a second assertion, response or signature can hide: what is known by its name
//! may stand nowhere but where it belongs, whether or not the place is signed.

use super::fixture::{
    ASSERTION, Signing, element, enveloped, evil, honest, response, signature_of, signed, swap,
};
use super::suite::{Table, hold};

#[test]
fn hold_nothing() {
    hold(&tables());
}

const PLACE: &str = "saml.structure.assertion-place";

pub(super) fn tables() -> Vec<Table> {
    vec![outside(), signed_along(), in_the_signature(), other_things()]
}

/// In parts of the response that no signature covers.
fn outside() -> Table {
    let document = honest();
    let evil = evil();
    let detail = |content: &str| format!("<samlp:StatusDetail>{content}</samlp:StatusDetail></samlp:Status>");
    let put = |before: &str, text: String| swap(&document, before, &text);
    let success = "status:Success\"></samlp:StatusCode>";
    Table::new("beside the signed assertion")
        .twin("a harmless detail", put("</samlp:Status>", detail("<x></x>")))
        .attacks([
            ("StatusDetail", put("</samlp:Status>", detail(&evil)), PLACE),
            ("StatusDetail, deeper", put("</samlp:Status>", detail(&format!("<x><y>{evil}</y></x>"))), PLACE),
            (
                "StatusMessage",
                put(
                    "</samlp:Status>",
                    format!("<samlp:StatusMessage>{evil}</samlp:StatusMessage></samlp:Status>"),
                ),
                PLACE,
            ),
            ("StatusCode", put(success, format!("status:Success\">{evil}</samlp:StatusCode>")), PLACE),
            ("Status", put("</samlp:Status>", format!("{evil}</samlp:Status>")), PLACE),
            ("Issuer", put("</saml:Issuer>", format!("{evil}</saml:Issuer>")), PLACE),
            (
                "Extensions",
                put("<samlp:Status>", format!("<samlp:Extensions>{evil}</samlp:Extensions><samlp:Status>")),
                PLACE,
            ),
            (
                "Extensions that are empty",
                put("<samlp:Status>", "<samlp:Extensions></samlp:Extensions><samlp:Status>".to_owned()),
                "saml.structure.child",
            ),
            (
                "an unknown element",
                put("<samlp:Status>", format!("<x:y xmlns:x=\"urn:x\">{evil}</x:y><samlp:Status>")),
                PLACE,
            ),
        ])
}

/// In parts of the assertion: the provider signed them, so a reader that looks for the first
/// assertion, or for any, would believe them.
fn signed_along() -> Table {
    let evil = evil();
    let put = |before: &str, text: String| response(&signed(&swap(ASSERTION, before, &text)));
    let advice = |content: &str| {
        put("<saml:AuthnStatement", format!("<saml:Advice>{content}</saml:Advice><saml:AuthnStatement"))
    };
    let context = format!(
        "<saml:AuthnContext><saml:AuthnContextDecl>{evil}</saml:AuthnContextDecl></saml:AuthnContext></saml:AuthnStatement>"
    );
    Table::new("within the signed assertion")
        .twin("harmless advice", advice("<saml:AssertionIDRef>_other</saml:AssertionIDRef>"))
        .attacks([
            ("Advice", advice(&evil), PLACE),
            ("Advice, signed itself", advice(&enveloped(&evil, &Signing::of("_evil").sign(&evil))), PLACE),
            ("Subject", put("</saml:Subject>", format!("{evil}</saml:Subject>")), PLACE),
            ("NameID", put("</saml:NameID>", format!("{evil}</saml:NameID>")), PLACE),
            (
                "SubjectConfirmationData",
                put("</saml:SubjectConfirmationData>", format!("{evil}</saml:SubjectConfirmationData>")),
                PLACE,
            ),
            ("Conditions", put("</saml:Conditions>", format!("{evil}</saml:Conditions>")), PLACE),
            ("AuthnContextDecl", put("</saml:AuthnStatement>", context), PLACE),
            ("AttributeValue", put(">staff<", format!(">{evil}<")), PLACE),
            (
                "AttributeStatement",
                put("</saml:AttributeStatement>", format!("{evil}</saml:AttributeStatement>")),
                PLACE,
            ),
            (
                "an encrypted one in Advice",
                advice("<saml:EncryptedAssertion></saml:EncryptedAssertion>"),
                PLACE,
            ),
        ])
}

/// In the signature itself, which is left out of what is signed.
fn in_the_signature() -> Table {
    let evil = evil();
    let info = Signing::of("_a").info(ASSERTION);
    let value = "</ds:SignatureValue>";
    let (document, signature) = (honest(), Signing::of("_a").sign(ASSERTION));
    let holding = |content: String| swap(&document, value, &format!("{value}{content}"));
    let key_info = |content: &str| holding(format!("<ds:KeyInfo>{content}</ds:KeyInfo>"));
    let object = |content: &str| holding(format!("<ds:Object>{content}</ds:Object>"));
    let sealed = |from: &str, to: &str| {
        response(&enveloped(ASSERTION, &Signing::of("_a").seal(&swap(&info, from, to))))
    };
    let method = format!("{}</ds:SignatureMethod>", evil);
    let property = format!(
        "<ds:SignatureProperties><ds:SignatureProperty Target=\"#_a\">{evil}</ds:SignatureProperty></ds:SignatureProperties>"
    );
    Table::new("within the signature")
        .twin("a key's name", key_info("<ds:KeyName>ours</ds:KeyName>"))
        .twin("a signature by parts", response(&enveloped(ASSERTION, &Signing::of("_a").seal(&info))))
        .attacks([
            ("KeyInfo", key_info(&evil), PLACE),
            ("KeyInfo, deeper", key_info(&format!("<ds:X509Data>{evil}</ds:X509Data>")), PLACE),
            ("Object", object(&evil), PLACE),
            ("SignatureProperties", object(&property), PLACE),
            ("a Manifest", object(&format!("<ds:Manifest>{evil}</ds:Manifest>")), PLACE),
            ("SignatureValue", swap(&document, value, &format!("{evil}{value}")), PLACE),
            ("SignatureMethod", sealed("</ds:SignatureMethod>", &method), PLACE),
            ("Transforms", sealed("</ds:Transforms>", &format!("{evil}</ds:Transforms>")), PLACE),
            ("DigestValue", sealed("</ds:DigestValue>", &format!("{evil}</ds:DigestValue>")), PLACE),
            ("SignedInfo", sealed("</ds:SignedInfo>", &format!("{evil}</ds:SignedInfo>")), PLACE),
            ("another signature in Object", object(&signature_of(&info, "AAAA")), "saml.signature.place"),
            ("another signature in KeyInfo", key_info(&signature), "saml.signature.place"),
            ("an empty Object", object(""), "saml.signature.structure"),
            ("an empty Manifest", object("<ds:Manifest></ds:Manifest>"), "saml.signature.structure"),
        ])
}

/// Responses, signatures and what can't be read at all.
fn other_things() -> Table {
    let document = honest();
    let signature = Signing::of("_a").sign(ASSERTION);
    let in_status = |content: &str| {
        let detail = format!("<samlp:StatusDetail>{content}</samlp:StatusDetail></samlp:Status>");
        swap(&document, "</samlp:Status>", &detail)
    };
    let in_subject = |content: &str| {
        let subject = format!("<saml:Subject>{content}");
        response(&swap(&signed(ASSERTION), "<saml:Subject>", &subject))
    };
    let digest = format!(
        "<ds:DigestValue xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{}</ds:DigestValue>",
        super::fixture::base64(&[0; 32])
    );
    let method = swap(
        &element("Reference", "x"),
        " Algorithm=\"x\"",
        " URI=\"#_a\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"",
    );
    let evil_signed = enveloped(&swap(&evil(), "_evil", "_a"), &signature);
    Table::new("other things in wrong places")
        .twin("nothing", &document)
        .twin("a digest that belongs to nothing", in_status(&digest))
        .attacks([
            ("a response in StatusDetail", in_status(&response(&evil())), "saml.structure.response-place"),
            ("the genuine signature in StatusDetail", in_status(&signature), "saml.signature.place"),
            ("a signature in the subject", in_subject(&signature), "saml.signature.place"),
            (
                "an encrypted name in the subject",
                in_subject("<saml:EncryptedID></saml:EncryptedID>"),
                "saml.encrypted",
            ),
            (
                "an encrypted assertion in StatusDetail",
                in_status("<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>"),
                PLACE,
            ),
            // CVE-2024-45409: the digest was found by a search over the whole document.
            (
                "another DigestValue in StatusDetail",
                swap(&in_status(&digest), &signed(ASSERTION), &evil_signed),
                "saml.signature.digest",
            ),
            (
                "another Reference in StatusDetail",
                swap(&in_status(&method), &signed(ASSERTION), &evil_signed),
                "saml.signature.digest",
            ),
        ])
}
