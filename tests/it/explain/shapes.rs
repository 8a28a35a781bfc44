//! Documents of other shapes: encrypted, with attributes by their long names, with several values
//! where one is expected.

use std::sync::LazyLock;

use super::world::{DEPLOY, World, ann, ann_with, signed_by};
use crate::saml::encrypt::{Encryption, encrypt};
use crate::saml::fixture::{HONEST, Key, swap};

const MAIL: &str = "urn:oid:0.9.2342.19200300100.1.3";
const METADATA: &str = "metadata = { file = \"corp.xml\" }";

/// Our key.
static OURS: LazyLock<Key> = LazyLock::new(Key::rsa);

/// Ann's response with its assertion encrypted to us.
fn encrypted() -> String {
    let clear = signed_by(&HONEST, &ann());
    let start = clear.find("<saml:Assertion ").unwrap();
    let end = clear.find("</samlp:Response>").unwrap();
    let sealed = encrypt(&clear[start..end], &OURS.recipient(), &Encryption::default());
    [&clear[..start], &sealed, &clear[end..]].concat()
}

#[test]
fn an_encrypted_assertion_is_opened_with_our_keys() {
    let world = World::new().configured(METADATA, &format!("{METADATA}\nkeys = [{{ file = \"sp.pem\" }}]"));
    world.write("sp.pem", &OURS.pem());
    let told = world.explain(&encrypted(), &[]);
    assert_eq!(told.section("Answer"), format!("  GRANTED   {DEPLOY}\n"), "{}{}", told.out, told.err);
    let assertion = "  Assertion      encrypted; ID _a, answers _request
                 issued by https://idp.example.com/metadata at 2026-11-22T12:00:00Z
                 signed by rsa-sha256, digest sha256: and the signature holds";
    assert!(told.section("Document (what it says of itself)").ends_with(assertion), "{}", told.out);
    assert!(
        told.section("Checks").contains("  ok        saml.encryption                 one\n"),
        "{}",
        told.out
    );
    assert!(!told.out.contains("PRIVATE"));
}

#[test]
fn an_encrypted_assertion_stays_closed_without_keys() {
    let told = World::new().explain(&encrypted(), &[]);
    assert!(
        told.section("Answer").starts_with("  REFUSED   by saml.encryption.not-configured: "),
        "{}",
        told.out
    );
    let document = told.section("Document (what it says of itself)");
    assert!(document.ends_with("  Assertion      encrypted"), "{document}");
}

#[test]
fn attributes_are_shown_by_every_name_that_rules_can_use() {
    let told = World::new().explain(&ann_with("\"mail\"", &format!("\"{MAIL}\"")), &[]);
    let shown = "  attr[\"urn:oid:0.9.2342.19200300100.1.3\"]
  attr.mail               ann.keller@corp.example";
    assert!(told.section("Identity (what the rules see)").ends_with(shown), "{}", told.out);
    assert!(told.out.contains("            session name  ann.keller@corp.example\n"), "{}", told.out);

    // Two that could be meant: the rule that asks for it fails, and so says why.
    let second = "\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress\"";
    let both = swap(&ann(), "\"mail\"", &format!("\"{MAIL}\""));
    let both = swap(&both, "\"displayName\"", second);
    let told = World::new().explain(&signed_by(&HONEST, &both), &[]);
    let shown = "  attr.mail               could be several of these: a rule that asks for it fails";
    assert!(told.section("Identity (what the rules see)").ends_with(shown), "{}", told.out);
    let failed = "failed in session_name: Error executing function 'attr': \"mail\"";
    assert!(told.section("Rules").contains(failed), "{}", told.out);
    assert_eq!(told.code, Some(3));
}

#[test]
fn a_key_that_nobody_can_tell_is_named() {
    let world = World::new();
    let trust = r#"{"Statement": {"Effect": "Allow", "Action": "sts:*",
      "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/corp"},
      "Condition": {"StringEquals": {"saml:mail": "ann.keller@corp.example"}}}}"#;
    world.write("deploy.json", trust);
    let short = "<saml:Attribute Name=\"mail\"><saml:AttributeValue>";
    let twice = format!(
        "<saml:Attribute Name=\"{MAIL}\"><saml:AttributeValue>other@corp.example</saml:AttributeValue>\
         <saml:AttributeValue>"
    );
    let told = world.explain(&ann_with(short, &twice), &["--role", DEPLOY]);
    let condition = "Condition StringEquals saml:mail
                          wanted  ann.keller@corp.example
                          saw     several values where one is expected: nobody can tell which";
    assert!(told.section("Roles").contains(condition), "{}", told.out);
    assert_eq!(told.code, Some(3));
}

/// It asks nobody: what the broker keeps of fetched metadata is what there is.
#[test]
fn metadata_from_an_address_is_what_was_kept_of_it() {
    let url = "metadata = { url = \"https://idp.example.com/metadata\" }";
    let world = World::new().configured(METADATA, url);
    let document = signed_by(&HONEST, &ann());
    let told = world.explain(&document, &["--provider", "corp"]);
    let answer = "  REFUSED   by saml.metadata-missing: expected the provider's metadata\n  saw       not fetched yet\n";
    assert!(told.section("Answer").starts_with(answer), "{}{}", told.out, told.err);
    assert!(told.section("Provider").ends_with("  look at        not fetched yet"), "{}", told.out);

    let told = world.explain(&document, &[]);
    assert!(told.section("Answer").starts_with("  REFUSED   by provider.unknown: "), "{}", told.out);
    let note = "  - Without metadata yet, choose by --provider: corp.";
    assert_eq!(told.section("Notes"), note, "{}", told.out);
}
