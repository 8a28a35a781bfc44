//! The shape of a response: one of everything, in the order of its schema, each ID once.

use super::fixture::{ASSERTION, Signing, enveloped, honest, response, signed, signed_whole, swap};
use super::suite::{Table, hold};

#[test]
fn is_held() {
    hold(&tables());
}

const ORDER: &str = "saml.structure.order";
const CHILD: &str = "saml.structure.child";
const COUNT: &str = "saml.structure.assertion-count";
const UNIQUE: &str = "saml.structure.id-unique";
const NAMESPACE: &str = "saml.structure.id-namespace";
const NO_ID: &str = "saml.structure.id";

pub(super) fn tables() -> Vec<Table> {
    vec![children_of_the_response(), children_of_the_assertion(), ids(), ids_by_other_names()]
}

/// What stands from `<name` to `</name>` in `text`, and the text without it.
fn cut(text: &str, name: &str) -> (String, String) {
    let (from, end) = (text.find(&format!("<{name}")).unwrap(), format!("</{}>", name.trim_end_matches('>')));
    let to = text.find(&end).unwrap() + end.len();
    (text[from..to].to_owned(), [&text[..from], &text[to..]].concat())
}

fn children_of_the_response() -> Table {
    let document = honest();
    let unknown = "<x:y xmlns:x=\"urn:x\"></x:y>";
    let encrypted = "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>";
    let put = |before: &str, text: &str| swap(&document, before, &format!("{text}{before}"));
    let (status, without_status) = cut(&document, "samlp:Status>");
    let status = status.as_str();
    let (issuer, without_issuer) = cut(&document, "saml:Issuer");
    let end = "</samlp:Response>";
    let signature = Signing::of("_r").sign(&document);
    let version =
        |text: &str| swap(&document, "Version=\"2.0\"><saml:Issuer x", &format!("{text}><saml:Issuer x"));
    Table::new("the response")
        .twin("as it should be", &document)
        .twin("without an issuer", &without_issuer)
        .attacks([
            ("version 1.1", version("Version=\"1.1\""), "saml.structure.version"),
            ("version 2", version("Version=\"2\""), "saml.structure.version"),
            ("no version", version(""), "saml.structure.version"),
            ("no assertion", response(""), COUNT),
            ("two honest assertions", response(&signed(ASSERTION).repeat(2)), COUNT),
            (
                "an encrypted assertion beside it",
                response(&format!("{}{encrypted}", signed(ASSERTION))),
                COUNT,
            ),
            (
                "an encrypted assertion before it",
                response(&format!("{encrypted}{}", signed(ASSERTION))),
                COUNT,
            ),
            ("an unknown child", put("<samlp:Status>", unknown), CHILD),
            ("an unknown child at the end", put(end, unknown), CHILD),
            ("text between", put("<samlp:Status>", "x"), "saml.structure.text"),
            ("text at the end", put(end, "x"), "saml.structure.text"),
            ("a blank that is none", put(end, "\u{a0}"), "saml.structure.text"),
            ("the status at the end", swap(&without_status, end, &format!("{status}{end}")), ORDER),
            (
                "the status first",
                swap(&without_status, "<saml:Issuer", &format!("{status}<saml:Issuer")),
                ORDER,
            ),
            ("the issuer at the end", swap(&without_issuer, end, &format!("{issuer}{end}")), ORDER),
            ("two issuers", put("<samlp:Status>", &issuer), ORDER),
            ("the signature at the end", put(end, &signature), ORDER),
            ("the signature first", put("<saml:Issuer", &signature), ORDER),
            ("two signatures", put("<samlp:Status>", &signature.repeat(2)), "saml.signature.count"),
            (
                "two signatures, apart",
                swap(&put("<samlp:Status>", &signature), end, &format!("{signature}{end}")),
                ORDER,
            ),
        ])
}

fn children_of_the_assertion() -> Table {
    let signature = Signing::of("_a").sign(ASSERTION);
    let honest = |text: &str| response(&signed(text));
    let put = |before: &str, text: &str| honest(&swap(ASSERTION, before, &format!("{text}{before}")));
    let moved = |name: &str, before: &str| {
        let (part, rest) = cut(ASSERTION, name);
        honest(&swap(&rest, before, &format!("{part}{before}")))
    };
    let statement = "<saml:AuthnStatement AuthnInstant=\"2026-11-22T12:00:00Z\"></saml:AuthnStatement>";
    let end = "</saml:Assertion>";
    Table::new("the assertion")
        .twin("as it should be", honest(ASSERTION))
        .twin("several statements", put(end, statement))
        .twin("statements in another order", moved("saml:AuthnStatement", end))
        .attacks([
            (
                "version 1.1",
                honest(&swap(ASSERTION, "Version=\"2.0\"", "Version=\"1.1\"")),
                "saml.structure.version",
            ),
            ("no version", honest(&swap(ASSERTION, " Version=\"2.0\"", "")), "saml.structure.version"),
            ("an unknown child", put("<saml:Subject>", "<x:y xmlns:x=\"urn:x\"></x:y>"), CHILD),
            ("an unknown statement", put(end, "<saml:Statement></saml:Statement>"), CHILD),
            ("a decision", put(end, "<saml:AuthzDecisionStatement></saml:AuthzDecisionStatement>"), CHILD),
            ("text between", put("<saml:Subject>", "x"), "saml.structure.text"),
            ("two subjects", put("<saml:Conditions", "<saml:Subject></saml:Subject>"), ORDER),
            ("two conditions", put("<saml:Conditions", "<saml:Conditions></saml:Conditions>"), ORDER),
            ("two issuers", put("<saml:Subject>", &cut(ASSERTION, "saml:Issuer").0), ORDER),
            ("the conditions first", moved("saml:Conditions", "<saml:Subject>"), ORDER),
            ("the subject last", moved("saml:Subject>", end), ORDER),
            ("the conditions last", moved("saml:Conditions", end), ORDER),
            ("two signatures", response(&enveloped(ASSERTION, &signature.repeat(2))), "saml.signature.count"),
            (
                "the signature at the end",
                response(&swap(ASSERTION, end, &format!("{signature}{end}"))),
                ORDER,
            ),
            (
                "the signature first",
                response(&swap(ASSERTION, "<saml:Issuer>", &format!("{signature}<saml:Issuer>"))),
                ORDER,
            ),
            (
                "the signature behind the subject",
                response(&swap(ASSERTION, "</saml:Subject>", &format!("</saml:Subject>{signature}"))),
                ORDER,
            ),
        ])
}

fn ids() -> Table {
    let document = honest();
    let within = |attribute: &str| swap(&document, "<samlp:Status>", &format!("<samlp:Status {attribute}>"));
    let named = |id: &str| {
        let assertion = swap(ASSERTION, "ID=\"_a\"", &format!("ID=\"{id}\""));
        response(&enveloped(&assertion, &Signing::of(id).sign(&assertion)))
    };
    Table::new("IDs")
        .twin("as they should be", &document)
        .twin("another ID", within("ID=\"_other\""))
        .twin("an ID by a reference", swap(&document, "ID=\"_a\"", "ID=\"&#x5f;a\""))
        .twin("an ID in another alphabet", named("_ä"))
        .attacks([
            ("response and assertion alike", swap(&document, "ID=\"_r\"", "ID=\"_a\""), UNIQUE),
            (
                "response and assertion alike, both signed",
                signed_whole(&document).replace("\"_r\"", "\"_a\"").replace("#_r", "#_a"),
                UNIQUE,
            ),
            ("an ID elsewhere", within("ID=\"_a\""), UNIQUE),
            ("an ID elsewhere, by a reference", within("ID=\"&#95;a\""), UNIQUE),
            (
                "two strangers alike",
                swap(&within("ID=\"_s\""), "<samlp:StatusCode ", "<samlp:StatusCode ID=\"_s\" "),
                UNIQUE,
            ),
            ("an ID of the signature", swap(&document, "<ds:Signature ", "<ds:Signature Id=\"_a\" "), UNIQUE),
            ("no ID", swap(&document, " ID=\"_a\"", ""), NO_ID),
            ("an empty ID", named(""), NO_ID),
            ("a blank before the ID", named(" _a"), NO_ID),
            ("two words", named("_a _b"), NO_ID),
            ("a number", named("1"), NO_ID),
            ("a prefix within", named("x:a"), NO_ID),
            ("a pointer", named("xpointer(/)"), NO_ID),
        ])
}

fn ids_by_other_names() -> Table {
    let document = honest();
    let within = |attribute: &str| swap(&document, "<samlp:Status>", &format!("<samlp:Status {attribute}>"));
    let saml = "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let wsu = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
    let on_assertion = |attribute: &str| swap(&document, "ID=\"_a\"", attribute);
    Table::new("IDs by other names").twin("another Id", within("Id=\"_other\"")).attacks([
        ("Id", within("Id=\"_a\""), UNIQUE),
        ("id", within("id=\"_a\""), UNIQUE),
        ("iD", within("iD=\"_a\""), UNIQUE),
        ("Id and ID of one element", within("ID=\"_s\" Id=\"_s\""), UNIQUE),
        ("xml:id", within("xml:id=\"_a\""), NAMESPACE),
        ("xml:id of its own", within("xml:id=\"_other\""), NAMESPACE),
        ("xml:Id", within("xml:Id=\"_a\""), NAMESPACE),
        ("a prefixed ID", within("x:ID=\"_a\" xmlns:x=\"urn:x\""), NAMESPACE),
        ("a prefixed id of its own", within("x:id=\"_other\" xmlns:x=\"urn:x\""), NAMESPACE),
        ("saml:ID", within(&format!("saml:ID=\"_a\" {saml}")), NAMESPACE),
        ("wsu:Id", within(&format!("wsu:Id=\"_a\" xmlns:wsu=\"{wsu}\"")), NAMESPACE),
        ("xml:id beside the assertion's ID", on_assertion("ID=\"_a\" xml:id=\"_b\""), NAMESPACE),
        ("xml:id instead of the assertion's ID", on_assertion("xml:id=\"_a\""), NAMESPACE),
        ("saml:ID instead of the assertion's ID", on_assertion("saml:ID=\"_a\""), NAMESPACE),
        ("Id instead of the assertion's ID", on_assertion("Id=\"_a\""), NO_ID),
        ("id instead of the assertion's ID", on_assertion("id=\"_a\""), NO_ID),
        ("AssertionID, as in SAML 1.1", on_assertion("AssertionID=\"_a\""), NO_ID),
    ])
}
