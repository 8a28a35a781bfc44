//! What may be pasted into a ticket, and what a hostile document can't do to a terminal.

use serde_json::Value;

use super::world::{DEPLOY, World, ann, ann_with, signed_by};
use crate::saml::fixture::{ATTACKER, HONEST, swap};

/// Everything about Ann, her request and her documents.
const PERSONAL: &[&str] = &[
    "ann-7f3a",
    "Ann Keller",
    "Keller",
    "corp.example",
    "rocket",
    "engineering",
    "staff",
    "_responseOfAnn",
    "_requestOfAnn",
];

/// Ann's response with IDs that can be looked for.
fn document() -> String {
    swap(&ann_with("_request", "_requestOfAnn"), "ID=\"_r\"", "ID=\"_responseOfAnn\"")
}

#[track_caller]
fn is_silent(said: &str) {
    for word in PERSONAL {
        assert!(!said.contains(word), "{word} stands in:\n{said}");
    }
}

/// Both formats without the person, each after it was seen with her.
#[test]
fn nothing_about_the_person_is_left() {
    let world = World::new();
    let document = document();
    for format in ["text", "json"] {
        let told = world.explain(&document, &["--format", format]);
        for word in PERSONAL {
            assert!(told.out.contains(word), "{word} is missing in:\n{}", told.out);
        }
        let redacted = world.explain(&document, &["--format", format, "--redact"]);
        assert_eq!(redacted.code, Some(0));
        is_silent(&redacted.out);
        for kept in [
            "https://idp.example.com/metadata",
            "https://broker.example.com/saml/corp/acs",
            "urn:amazon:webservices",
            "attr.department",
            "saml.audience",
            DEPLOY,
        ] {
            assert!(redacted.out.contains(kept), "{kept} is missing in:\n{}", redacted.out);
        }
    }
}

/// The same value is the same placeholder, so that one sees what was equal.
#[test]
fn equality_and_lengths_stay_visible() {
    let told = World::new().explain(&signed_by(&HONEST, &ann()), &["--redact"]);
    let identity = "  subject        ‹value 4: 8 characters› (persistent)
  attr.department         ‹value 5: 11 characters›
  attr.displayName        ‹value 6: 10 characters›
  attr.groups             ‹value 7: 5 characters›
                          ‹value 8: 8 characters›
  attr.mail               ‹value 9: 23 characters›
  attr.team               ‹value 10: 6 characters›";
    assert_eq!(told.section("Identity (what the rules see)"), identity);
    let rule = "  matched   ‹value 8: 8 characters› deploys
            when      \"‹value 8: 8 characters›\" in groups && attr.department[0] == \"‹value 5: 11
                      characters›\"
            offers    arn:aws:iam::111122223333:role/eng/Deploy\n";
    assert!(told.section("Rules").starts_with(rule), "{}", told.out);
    let role = "  granted   arn:aws:iam::111122223333:role/eng/Deploy
            offered by    ‹value 8: 8 characters› deploys
            session name  ‹value 9: 23 characters›
            source id     ‹value 4: 8 characters›
            tag           team = ‹value 10: 6 characters›\n";
    assert!(told.section("Roles").starts_with(role), "{}", told.out);
}

/// A policy that speaks of one person says so, and does not say of whom.
#[test]
fn conditions_about_the_person_are_redacted() {
    let world = World::new();
    let trust = r#"{"Statement": {"Effect": "Allow", "Action": "sts:*",
      "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/corp"},
      "Condition": {"StringEquals": {"saml:sub": "bob-9c1d", "saml:aud": "https://x.example.com/acs"}}}}"#;
    world.write("deploy.json", trust);
    let told = world.explain(&signed_by(&HONEST, &ann()), &["--redact"]);
    is_silent(&told.out);
    let condition = "                        Condition StringEquals saml:sub
                          wanted  ‹value 11: 8 characters›
                          saw     ‹value 4: 8 characters›
                        Condition StringEquals saml:aud
                          wanted  https://x.example.com/acs
                          saw     https://broker.example.com/saml/corp/acs\n";
    assert!(told.section("Roles").contains(condition), "{}", told.out);
}

/// What fails may show the person, too.
#[test]
fn refusals_are_redacted() {
    let world = World::new();
    let failed = "</samlp:Status>";
    let message = "<samlp:StatusMessage>No account for Ann Keller</samlp:StatusMessage></samlp:Status>";
    let status = swap(&document(), "status:Success", "status:Responder");
    let denied = swap(&status, failed, message);
    let told = world.explain(&denied, &["--redact"]);
    is_silent(&told.out);
    let seen = "  saw       urn:oasis:names:tc:SAML:2.0:status:Responder ‹value 5: 26 characters›";
    assert!(told.section("Answer").contains(seen), "{}", told.out);

    let role = "<saml:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/Role\"><saml:AttributeValue>";
    let role =
        format!("{role}Ann Keller,{DEPLOY}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>");
    let malformed = ann_with("</saml:AttributeStatement>", &role);
    for document in [malformed, ann_with(">ann.keller@", ">Ann Keller@"), signed_by(&ATTACKER, &ann())] {
        let told = world.explain(&document, &["--redact"]);
        assert_eq!(told.code, Some(3), "{}", told.out);
        is_silent(&told.out);
    }
}

/// XML may hold what terminals obey (control characters above U+007F) and what misleads eyes.
#[test]
fn a_document_can_not_write_on_the_terminal() {
    let hostile = "x\u{9b}2J\u{202e}&#10;&#10;Answer&#10;  GRANTED   all\u{200b}";
    let with = |from: &str, to: &str| swap(&signed_by(&HONEST, &ann()), from, to);
    let world = World::new();
    for document in [
        ann_with(">ann-7f3a<", &format!(">{hostile}<")),
        ann_with(">staff<", &format!(">{hostile}<")),
        ann_with("\"team\"", &format!("\"{hostile}\"")),
        ann_with("nameid-format:persistent", &format!("nameid-format:{hostile}")),
        ann_with("</saml:Audience>", &format!("{hostile}</saml:Audience>")),
        with("</saml:Issuer>", &format!("{hostile}</saml:Issuer>")),
        with("ID=\"_r\"", &format!("ID=\"{hostile}\"")),
        with("status:Success", &format!("status:{hostile}")),
        with("<saml:Subject>", &format!("<saml:Subject>{hostile}&y;")),
    ] {
        for arguments in [&["--format", "text"][..], &["--format", "json"], &["--redact"]] {
            let said = world.explain(&document, arguments).out;
            let obeyed = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
            assert_eq!(said.chars().find(|c| obeyed(*c)), None, "{said}");
            assert!(!said.contains("\n  GRANTED   all"), "{said}");
        }
    }
}

/// JSON for machines: the names hold, and escapes come out as what they stand for.
#[test]
fn json_says_the_same() {
    let document = ann_with(">staff<", ">st\u{9b}aff<");
    let told = World::new().explain(&document, &["--format", "json", "--role", DEPLOY]);
    let json: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(
        json["answer"],
        serde_json::json!({"granted": true, "roles": [DEPLOY], "may": null, "refused": null})
    );
    assert_eq!(json["identity"]["attributes"][2]["values"][0], "st\u{9b}aff");
    assert_eq!(json["rules"][2]["reason"], "Index out of bounds: Int(0)");
    assert_eq!(json["rules"][3]["outcome"], "other-provider");
    assert_eq!(json["roles"][0]["actions"][1]["action"], "sts:TagSession");
    assert_eq!(json["roles"][0]["session"]["seconds"], 3600);
    let audience = json["checks"].as_array().unwrap().iter().find(|c| c["check"] == "saml.audience").unwrap();
    let expected = serde_json::json!({
        "check": "saml.audience",
        "outcome": "passed",
        "expected": "https://broker.example.com or urn:amazon:webservices",
        "seen": "https://broker.example.com",
        "advice": null,
    });
    assert_eq!(*audience, expected);
}
