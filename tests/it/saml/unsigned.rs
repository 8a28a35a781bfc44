//! Nobody vouches for these, or nobody whose word counts.

use rolegate::identity::saml::Accept;

use super::fixture::{
    ASSERTION, ATTACKER, Signing, element, enveloped, evil, honest, honest_twice, response, signature_of,
    signed_whole, swap,
};
use super::suite::{Table, hold};

#[test]
fn is_refused() {
    hold(&tables());
}

const ABSENT: &str = "saml.signature.absent";
const SHAPE: &str = "saml.signature.structure";

pub(super) fn tables() -> Vec<Table> {
    vec![strictly(), where_a_signed_response_counts(), almost_signed()]
}

fn strictly() -> Table {
    let unsigned = response(ASSERTION);
    Table::new("unsigned")
        .twins([("the assertion signed", honest()), ("both signed", honest_twice())])
        .attacks([
            ("nothing signed", unsigned.clone(), ABSENT),
            ("evil", response(&evil()), ABSENT),
            ("the response alone signed", signed_whole(&unsigned), ABSENT),
            (
                "the response alone signed, by another",
                enveloped(&unsigned, &Signing { key: &ATTACKER, ..Signing::of("_r") }.sign(&unsigned)),
                "saml.signature.value",
            ),
            (
                "a comment that says it is signed",
                swap(&unsigned, "<samlp:Status>", "<!-- <ds:Signature> --><samlp:Status>"),
                "saml.xml.comment",
            ),
        ])
}

fn where_a_signed_response_counts() -> Table {
    let unsigned = response(ASSERTION);
    let without_id = swap(ASSERTION, "ID=\"_a\" ", "");
    let named = |id: &str| signed_whole(&response(&swap(ASSERTION, "ID=\"_a\"", &format!("ID=\"{id}\""))));
    Table::new("where a signed response counts")
        .accepting(Accept { signed_response: true, ..Accept::default() })
        .twins([("the response signed", signed_whole(&unsigned)), ("the assertion signed", honest())])
        .attacks([
            ("nothing signed", unsigned.clone(), ABSENT),
            ("evil", response(&evil()), ABSENT),
            (
                "signed by another",
                enveloped(&unsigned, &Signing { key: &ATTACKER, ..Signing::of("_r") }.sign(&unsigned)),
                "saml.signature.value",
            ),
            // What is used once is known by its ID.
            ("an assertion without an ID", signed_whole(&response(&without_id)), "saml.structure.id"),
            ("an assertion with an empty ID", named(""), "saml.structure.id"),
            ("an assertion whose ID is no name", named("a b"), "saml.structure.id"),
        ])
}

/// Something that looks like a signature.
fn almost_signed() -> Table {
    let info = Signing::of("_a").info(ASSERTION);
    let with = |signature: &str| response(&enveloped(&swap(&evil(), "_evil", "_a"), signature));
    let ds = "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";
    let in_ds = |content: &str| format!("<ds:Signature {ds}>{content}</ds:Signature>");
    let inner = info.replacen(&format!(" {ds}"), "", 1);
    let empty = signature_of(&info, "");
    let none = info.replacen(
        &element("SignatureMethod", super::fixture::RSA_SHA256),
        &element("SignatureMethod", "http://www.w3.org/2000/09/xmldsig#none"),
        1,
    );
    Table::new("almost signed").twin("signed", honest()).attacks([
        ("an empty signature", with(&in_ds("")), SHAPE),
        ("a signature of text", with(&in_ds("signed")), SHAPE),
        ("no SignatureValue", with(&in_ds(&inner)), SHAPE),
        ("no SignedInfo", with(&in_ds("<ds:SignatureValue></ds:SignatureValue>")), SHAPE),
        ("KeyInfo alone", with(&in_ds("<ds:KeyInfo></ds:KeyInfo>")), SHAPE),
        ("KeyInfo first", with(&in_ds(&format!("<ds:KeyInfo></ds:KeyInfo>{inner}"))), SHAPE),
        (
            "two KeyInfo",
            with(&swap(&empty, "</ds:Signature>", "<ds:KeyInfo/><ds:KeyInfo/></ds:Signature>")),
            SHAPE,
        ),
        ("an empty SignatureValue", with(&empty), "saml.signature.value"),
        (
            "an empty SignedInfo",
            with(&in_ds("<ds:SignedInfo/><ds:SignatureValue/>")),
            "saml.signature.reference-count",
        ),
        ("the algorithm \"none\"", with(&signature_of(&none, "")), "saml.signature.algorithm"),
        (
            "a signature in lower case",
            with(&empty.replace("ds:Signature ", "ds:signature ").replace("ds:Signature>", "ds:signature>")),
            "saml.structure.child",
        ),
        (
            "another's signature",
            with(&Signing { key: &ATTACKER, ..Signing::of("_a") }.sign(&swap(&evil(), "_evil", "_a"))),
            "saml.signature.value",
        ),
    ])
}
