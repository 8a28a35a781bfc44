//! Attribute pollution: an attribute in a namespace beside, or instead of, the one that counts.
//! What counts is in no namespace. The provider signed these, or nobody does.

use super::fixture::{ASSERTION, Signing, adorned, attributes_of, enveloped, honest, response, signed, swap};
use super::suite::{Table, hold};

#[test]
fn changes_nothing() {
    hold(&tables());
}

pub(super) fn tables() -> Vec<Table> {
    vec![instead(), in_signed_info(), in_the_envelope(), twice()]
}

/// `text` with this attribute of the first such element in the namespace `urn:x`. Canonical: a
/// declaration comes first, an attribute with a namespace last.
fn moved(text: &str, element: &str, attribute: &str) -> String {
    let range = attributes_of(text, element);
    let attributes = &text[range.clone()];
    let name = format!(" {attribute}=\"");
    let from = attributes.find(&name).unwrap();
    let to = from + name.len() + attributes[from + name.len()..].find('"').unwrap() + 1;
    let (it, rest) = (&attributes[from + 1..to], [&attributes[..from], &attributes[to..]].concat());
    let declared = if rest.starts_with(" xmlns") { rest.find("\" ").unwrap() + 1 } else { 0 };
    let (declared, plain) = rest.split_at(declared);
    let (before, behind) = (&text[..range.start], &text[range.end..]);
    format!("{before}{declared} xmlns:x=\"urn:x\"{plain} x:{it}{behind}")
}

/// What is asked for is missing, whatever another namespace says.
fn instead() -> Table {
    let document = |element: &str, attribute: &str| response(&signed(&moved(ASSERTION, element, attribute)));
    let data = "saml:SubjectConfirmationData";
    let beside = swap(
        ASSERTION,
        "></saml:SubjectConfirmationData>",
        " x:Recipient=\"urn:other\"></saml:SubjectConfirmationData>",
    );
    let beside = adorned(&beside, data, "xmlns:x=\"urn:x\"");
    Table::new("instead of what counts").twin("beside what counts", response(&signed(&beside))).attacks([
        ("Version", document("saml:Assertion", "Version"), "saml.structure.version"),
        ("IssueInstant", document("saml:Assertion", "IssueInstant"), "saml.issue-instant"),
        ("Format", document("saml:NameID", "Format"), "saml.name-id.format"),
        ("Method", document("saml:SubjectConfirmation", "Method"), "saml.confirmation.method"),
        ("Recipient", document(data, "Recipient"), "saml.recipient.missing"),
        ("InResponseTo", document(data, "InResponseTo"), "saml.in-response-to"),
        ("NotOnOrAfter", document(data, "NotOnOrAfter"), "saml.confirmation.not-on-or-after"),
        ("AuthnInstant", document("saml:AuthnStatement", "AuthnInstant"), "saml.authn-instant"),
        ("Name", document("saml:Attribute", "Name"), "saml.attribute.name"),
    ])
}

fn in_signed_info() -> Table {
    let info = Signing::of("_a").info(ASSERTION);
    let sealed = |element: &str, attribute: &str| {
        response(&enveloped(ASSERTION, &Signing::of("_a").seal(&moved(&info, element, attribute))))
    };
    Table::new("in SignedInfo").twin("none", honest()).attacks([
        ("URI", sealed("ds:Reference", "URI"), "saml.signature.reference-uri"),
        (
            "Algorithm of the canonicalization",
            sealed("ds:CanonicalizationMethod", "Algorithm"),
            "saml.signature.canonicalization",
        ),
        ("Algorithm of the signature", sealed("ds:SignatureMethod", "Algorithm"), "saml.signature.structure"),
        ("Algorithm of a transform", sealed("ds:Transform", "Algorithm"), "saml.signature.transforms"),
        ("Algorithm of the digest", sealed("ds:DigestMethod", "Algorithm"), "saml.signature.structure"),
    ])
}

/// Nobody signed the envelope here.
fn in_the_envelope() -> Table {
    let document = honest();
    let foreign = |element: &str, attribute: &str| moved(&document, element, attribute);
    let beside = |attribute: &str, value: &str| {
        adorned(&document, "samlp:Response", &format!("xmlns:x=\"urn:x\" x:{attribute}=\"{value}\""))
    };
    Table::new("in the envelope")
        .twin("another Destination in a namespace", beside("Destination", "urn:other"))
        .twin("another InResponseTo in a namespace", beside("InResponseTo", "_other"))
        .twin("Destination in a namespace alone", foreign("samlp:Response", "Destination"))
        .attacks([
            ("Version", foreign("samlp:Response", "Version"), "saml.structure.version"),
            ("Value", foreign("samlp:StatusCode", "Value"), "saml.structure.status"),
            ("ID", foreign("samlp:Response", "ID"), "saml.structure.id-namespace"),
            ("ID beside", beside("ID", "_b"), "saml.structure.id-namespace"),
            (
                "a good Destination beside a bad one",
                swap(
                    &beside("Destination", "https://broker.example.com/saml/corp/acs"),
                    " Destination=\"https",
                    " Destination=\"http",
                ),
                "saml.destination",
            ),
            (
                "a good InResponseTo beside a bad one",
                swap(
                    &beside("InResponseTo", "_request"),
                    " InResponseTo=\"_request\"",
                    " InResponseTo=\"_other\"",
                ),
                "saml.in-response-to",
            ),
        ])
}

/// One attribute, two values.
fn twice() -> Table {
    let document = honest();
    let put = |from: &str, to: &str| swap(&document, from, to);
    let check = "saml.xml.duplicate-attribute";
    let spaces = "xmlns:x=\"urn:x\" xmlns:y=\"urn:x\"";
    Table::new("twice")
        .twin(
            "once in two namespaces",
            put(
                "<samlp:Status>",
                "<samlp:Status xmlns:x=\"urn:x\" xmlns:y=\"urn:y\" x:a=\"\" y:a=\"\" a=\"\">",
            ),
        )
        .attacks([
            ("ID", put("ID=\"_a\"", "ID=\"_a\" ID=\"_b\""), check),
            ("ID, the same", put("ID=\"_a\"", "ID=\"_a\" ID=\"_a\""), check),
            ("Recipient", put("Recipient=", "Recipient=\"urn:other\" Recipient="), check),
            (
                "NotOnOrAfter",
                put("NotOnOrAfter=", "NotOnOrAfter=\"2036-11-22T12:05:00Z\" NotOnOrAfter="),
                check,
            ),
            ("Value", put("Value=", "Value=\"x\" Value="), check),
            ("URI", put("URI=", "URI=\"#_b\" URI="), check),
            ("Algorithm", put("Algorithm=", "Algorithm=\"x\" Algorithm="), check),
            (
                "one namespace by two prefixes",
                put("<samlp:Status>", &format!("<samlp:Status {spaces} x:a=\"1\" y:a=\"2\">")),
                check,
            ),
            ("xml:lang", put("<samlp:Status>", "<samlp:Status xml:lang=\"a\" xml:lang=\"b\">"), check),
        ])
}
