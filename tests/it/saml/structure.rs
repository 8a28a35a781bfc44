//! Signature wrapping and its relatives: a genuine assertion is present in each of these, and
//! so is something else that a reader might take for it.

use rolegate::identity::VerifyCode;

use super::fixture::{
    ASSERTION, ATTACKER, HONEST, Key, Signing, accepted, enveloped, honest, refused, response, signed, swap,
};

/// What the attacker would like to be.
fn evil() -> String {
    swap(&swap(ASSERTION, ">ann<", ">admin<"), "ID=\"_a\"", "ID=\"_evil\"")
}

/// The evil assertion, signed by this key.
fn evil_signed(key: &Key) -> String {
    enveloped(&evil(), &Signing { key, ..Signing::of("_evil") }.sign(&evil()))
}

fn check(what: &str, document: &str, expected: &str) {
    refused(what, document, VerifyCode::Malformed, expected);
}

#[test]
fn the_eight_classic_wrappings() {
    let genuine = signed(ASSERTION);
    let signature = Signing::of("_a").sign(ASSERTION);
    accepted("the twin of all", &response(&genuine));
    let whole = honest();
    let whole_signature = Signing::of("_r").sign(&whole);
    let evil_response = |extra: &str| {
        let evil = swap(&whole, "ID=\"_r\"", "ID=\"_evil\"").replace(">ann<", ">admin<");
        swap(&evil, "</saml:Issuer>", &format!("</saml:Issuer>{extra}"))
    };
    let wrapped = |holder: &str| {
        let with = format!("{holder}{ASSERTION}</ds:Object></ds:Signature>");
        swap(&signature, "</ds:Signature>", &with)
    };
    let object = "<ds:Object>";
    let within_signature = swap(&whole_signature, "</ds:Signature>", &format!("{whole}</ds:Signature>"));
    let extensions = format!("<samlp:Extensions>{}</samlp:Extensions>", evil());
    for (what, document, expected) in [
        (
            "1: the response within the signature",
            evil_response(&within_signature),
            "saml.structure.response-place",
        ),
        (
            "2: the response before the signature",
            evil_response(&format!("{whole}{whole_signature}")),
            "saml.structure.response-place",
        ),
        (
            "3: evil before genuine",
            response(&format!("{}{genuine}", evil())),
            "saml.structure.assertion-count",
        ),
        (
            "3: evil behind genuine",
            response(&format!("{genuine}{}", evil())),
            "saml.structure.assertion-count",
        ),
        (
            "4: genuine within evil",
            response(&swap(&evil(), "</saml:Assertion>", &format!("{genuine}</saml:Assertion>"))),
            "saml.structure.assertion-place",
        ),
        (
            "5: evil takes the signature",
            response(&format!("{}{ASSERTION}", enveloped(&evil(), &signature))),
            "saml.structure.assertion-count",
        ),
        (
            "6: genuine within the signature of evil",
            response(&enveloped(
                &evil(),
                &swap(&signature, "</ds:Signature>", &format!("{ASSERTION}</ds:Signature>")),
            )),
            "saml.structure.assertion-place",
        ),
        (
            "7: evil in Extensions",
            swap(&response(&genuine), "<samlp:Status>", &format!("{extensions}<samlp:Status>")),
            "saml.structure.assertion-place",
        ),
        (
            "8: genuine in an Object",
            response(&enveloped(&evil(), &wrapped(object))),
            "saml.structure.assertion-place",
        ),
    ] {
        check(what, &document, expected);
    }
}

#[test]
fn what_is_known_stands_in_its_place() {
    let document = honest();
    accepted("the twin of all", &document);
    let signature = Signing::of("_a").sign(ASSERTION);
    let unknown = "<x:y xmlns:x=\"urn:x\"></x:y>";
    let advice = format!("<saml:Advice>{}</saml:Advice><saml:AuthnStatement", evil());
    let encrypted = "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>";
    for (what, document, expected) in [
        ("another root", document.replace("samlp:Response", "samlp:LogoutResponse"), "saml.structure.root"),
        (
            "another namespace",
            swap(&document, "SAML:2.0:protocol", "SAML:3.0:protocol"),
            "saml.structure.root",
        ),
        ("a bare assertion", signed(ASSERTION), "saml.structure.root"),
        (
            "version 1.1",
            swap(&document, "Version=\"2.0\"><saml:Issuer x", "Version=\"1.1\"><saml:Issuer x"),
            "saml.structure.version",
        ),
        (
            "version 1.1 of the assertion",
            response(&signed(&swap(ASSERTION, "Version=\"2.0\"", "Version=\"1.1\""))),
            "saml.structure.version",
        ),
        ("no assertion", response(""), "saml.structure.assertion-count"),
        ("two honest assertions", response(&signed(ASSERTION).repeat(2)), "saml.structure.assertion-count"),
        ("an encrypted one", response(encrypted), "saml.encryption.not-configured"),
        (
            "an encrypted one beside",
            response(&format!("{}{encrypted}", signed(ASSERTION))),
            "saml.structure.assertion-count",
        ),
        (
            "an assertion as advice",
            response(&signed(&swap(ASSERTION, "<saml:AuthnStatement", &advice))),
            "saml.structure.assertion-place",
        ),
        (
            "an unknown child",
            swap(&document, "<samlp:Status>", &format!("{unknown}<samlp:Status>")),
            "saml.structure.child",
        ),
        (
            "an unknown child of the assertion",
            response(&signed(&swap(ASSERTION, "<saml:Subject>", &format!("{unknown}<saml:Subject>")))),
            "saml.structure.child",
        ),
        ("text between", swap(&document, "<samlp:Status>", "x<samlp:Status>"), "saml.structure.text"),
        (
            "a second subject",
            response(&signed(&swap(
                ASSERTION,
                "<saml:Conditions",
                "<saml:Subject></saml:Subject><saml:Conditions",
            ))),
            "saml.structure.order",
        ),
        (
            "two signatures",
            swap(&document, "</ds:Signature>", &format!("</ds:Signature>{signature}")),
            "saml.signature.count",
        ),
        (
            "the signature at the end",
            response(&swap(ASSERTION, "</saml:Assertion>", &format!("{signature}</saml:Assertion>"))),
            "saml.structure.order",
        ),
        (
            "a signature in the subject",
            response(&swap(&signed(ASSERTION), "<saml:Subject>", &format!("<saml:Subject>{signature}"))),
            "saml.signature.place",
        ),
        ("no status", document.replace("samlp:Status>", "samlp:State>"), "saml.structure.status"),
        (
            "a status without a code",
            swap(&document, "samlp:StatusCode Value", "samlp:StatusCode value"),
            "saml.structure.status",
        ),
    ] {
        check(what, &document, expected);
    }
}

#[test]
fn ids_are_plain_and_unique() {
    let document = honest();
    accepted("the twin of all", &document);
    let within = |attribute: &str| swap(&document, "<samlp:Status>", &format!("<samlp:Status {attribute}>"));
    accepted("another id", &within("ID=\"_other\""));
    for (what, document, expected) in [
        (
            "response and assertion alike",
            swap(&document, "ID=\"_r\"", "ID=\"_a\""),
            "saml.structure.id-unique",
        ),
        ("an ID elsewhere", within("ID=\"_a\""), "saml.structure.id-unique"),
        ("an Id elsewhere", within("Id=\"_a\""), "saml.structure.id-unique"),
        ("an id elsewhere", within("id=\"_a\""), "saml.structure.id-unique"),
        ("xml:id", within("xml:id=\"_a\""), "saml.structure.id-namespace"),
        ("a prefixed ID", within("x:ID=\"_a\" xmlns:x=\"urn:x\""), "saml.structure.id-namespace"),
        ("no ID", swap(&document, " ID=\"_a\"", ""), "saml.structure.id"),
        (
            "an empty ID",
            swap(&swap(&document, "ID=\"_a\"", "ID=\"\""), "URI=\"#_a\"", "URI=\"#\""),
            "saml.structure.id",
        ),
    ] {
        check(what, &document, expected);
    }
}

#[test]
fn an_attackers_signature_is_worth_nothing() {
    accepted("the twin", &response(&evil_signed(&HONEST)));
    let document = response(&evil_signed(&ATTACKER));
    refused("the attacker's key", &document, VerifyCode::Signature, "saml.signature.value");
    let certificate = super::fixture::base64(&ATTACKER.certificate);
    let info = format!(
        "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    );
    let document = swap(&document, "</ds:SignatureValue>", &info);
    refused("the attacker's certificate", &document, VerifyCode::Signature, "saml.signature.value");
}
