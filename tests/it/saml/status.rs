//! What the provider says of its own success. Where nobody signed the envelope this can make a
//! refusal only; where it is signed, an answer with two meanings has none.

use super::fixture::{honest, honest_twice, response, signed_whole, swap};
use super::suite::{Table, hold};

#[test]
fn is_success_and_nothing_else() {
    hold(&tables());
}

const STATUS: &str = "saml.status";
const SHAPE: &str = "saml.structure.status";
const GOOD: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BAD: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";

pub(super) fn tables() -> Vec<Table> {
    vec![failures(), shapes(), signed_failures()]
}

fn code(value: &str, within: &str) -> String {
    format!("<samlp:StatusCode Value=\"{value}\">{within}</samlp:StatusCode>")
}

/// The honest response with another content of its status.
fn with_status(content: &str) -> String {
    swap(&honest(), &code(GOOD, ""), content)
}

fn failures() -> Table {
    let plain = |value: &str| with_status(&code(value, ""));
    let failed_without = swap(&response(""), GOOD, BAD);
    let second = |of: &str| code(&GOOD.replace("Success", of), "");
    Table::new("failures")
        .twin("success", plain(GOOD))
        .twin(
            "success with a message",
            with_status(&format!("{}<samlp:StatusMessage>fine</samlp:StatusMessage>", code(GOOD, ""))),
        )
        .attacks([
            ("a failure without an assertion", failed_without, STATUS),
            ("a failure with one", plain(BAD), STATUS),
            ("the requester's failure", plain(&GOOD.replace("Success", "Requester")), STATUS),
            ("a version's mismatch", plain(&GOOD.replace("Success", "VersionMismatch")), STATUS),
            ("a code of the second level", plain(&GOOD.replace("Success", "PartialLogout")), STATUS),
            ("success within a failure", with_status(&code(BAD, &code(GOOD, ""))), STATUS),
            ("a failed login", with_status(&code(BAD, &second("AuthnFailed"))), STATUS),
            ("more than success", plain(&format!("{GOOD}2")), STATUS),
            ("less than success", plain(&GOOD[..GOOD.len() - 1]), STATUS),
            ("success in lower case", plain(&GOOD.to_lowercase()), STATUS),
            ("success with a blank", plain(&format!("{GOOD} ")), STATUS),
            ("success of SAML 1.1", plain("samlp:Success"), STATUS),
            ("success with a Cyrillic letter", plain(&GOOD.replace("cc", "c\u{441}")), STATUS),
            ("an empty code", plain(""), STATUS),
        ])
}

fn shapes() -> Table {
    let status = format!("<samlp:Status>{}</samlp:Status>", code(GOOD, ""));
    let failed = status.replace(GOOD, BAD);
    let all = |text: &str| swap(&honest(), &status, text);
    Table::new("shapes").twin("one success", all(&status)).attacks([
        ("none", all(""), SHAPE),
        ("two successes", all(&status.repeat(2)), SHAPE),
        ("success, then failure", all(&[status.as_str(), &failed].concat()), SHAPE),
        ("failure, then success", all(&[failed.as_str(), &status].concat()), SHAPE),
        ("an empty one", with_status(""), SHAPE),
        ("a code without a value", with_status("<samlp:StatusCode></samlp:StatusCode>"), SHAPE),
        ("a value in lower case", with_status(&code(GOOD, "").replace("Value", "value")), SHAPE),
        ("a success for text", with_status(&format!("<samlp:StatusCode>{GOOD}</samlp:StatusCode>")), SHAPE),
        ("two codes of success", with_status(&code(GOOD, "").repeat(2)), SHAPE),
        ("success beside failure", with_status(&[code(GOOD, ""), code(BAD, "")].concat()), SHAPE),
        ("failure beside success", with_status(&[code(BAD, ""), code(GOOD, "")].concat()), SHAPE),
        ("deeper", with_status(&format!("<samlp:Status>{}</samlp:Status>", code(GOOD, ""))), SHAPE),
        (
            "a status of the assertion's namespace",
            honest().replace("samlp:Status>", "saml:Status>").replacen(
                "<saml:Status>",
                "<saml:Status xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">",
                1,
            ),
            SHAPE,
        ),
    ])
}

/// The provider signed these whole: it says both that it failed and who it is about.
fn signed_failures() -> Table {
    let whole = |text: &str| signed_whole(&with_status(text));
    Table::new("signed whole").twin("success", honest_twice()).attacks([
        ("a failure", whole(&code(BAD, "")), STATUS),
        ("success within a failure", whole(&code(BAD, &code(GOOD, ""))), STATUS),
        ("success beside failure", whole(&[code(GOOD, ""), code(BAD, "")].concat()), SHAPE),
        ("a success that was a failure", swap(&whole(&code(BAD, "")), BAD, GOOD), "saml.signature.digest"),
    ])
}
