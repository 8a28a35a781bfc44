//! Where the document comes from, and the exit codes.

use super::world::{DEPLOY, LOOK, World, ann, signed_by};
use crate::saml::fixture::{HONEST, base64};

/// The same document in every form that people have at hand.
#[test]
fn the_document_comes_as_people_have_it() {
    let world = World::new();
    let document = signed_by(&HONEST, &ann());
    let encoded = base64(document.as_bytes());
    let lines: Vec<_> = encoded.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line)).collect();
    let quoted: String = url::form_urlencoded::byte_serialize(encoded.as_bytes()).collect();
    for input in [
        encoded.clone(),
        lines.join("\r\n") + "\n",
        document,
        format!("RelayState=%2Fconsole&SAMLResponse={quoted}"),
        quoted,
        format!("SAMLResponse: {encoded}\n"),
    ] {
        let told = world.run("-", &input, &[]);
        assert_eq!(told.section("Answer"), format!("  GRANTED   {DEPLOY}\n"), "{input}\n{}", told.out);
        assert_eq!((told.code, told.err.as_str()), (Some(0), ""));
    }
}

#[test]
fn what_is_no_response_is_refused() {
    for (input, check) in [
        ("not base64", "saml.base64"),
        ("<a/>", "saml.structure.root"),
        ("<a>&x;</a>", "saml.xml.entity"),
        ("PGE+", "saml.xml.markup"),
    ] {
        let told = World::new().run("-", input, &[]);
        assert_eq!(told.code, Some(3), "{input}");
        assert!(told.section("Answer").starts_with(&format!("  REFUSED   by {check}: ")), "{}", told.out);
        assert!(told.refusals().starts_with(&format!("  REFUSED   {check}\n")), "{}", told.out);
    }
}

#[test]
fn bad_usage_and_bad_configuration_are_exit_code_2() {
    let world = World::new();
    let document = base64(signed_by(&HONEST, &ann()).as_bytes());
    for (input, arguments, problem) in [
        ("", &[][..], "--saml: - holds no response: it is empty"),
        ("RelayState=SAMLResponse", &[], "or a form without SAMLResponse"),
        (&document, &["--provider", "crop"], "--provider: there is no provider called \"crop\""),
        (&document, &["--role", "Deploy"], "invalid value 'Deploy' for '--role <ARN>'"),
        (&document, &["--at", "yesterday"], "write a time with its zone, such as 2030-01-01T09:00:00Z"),
        (&document, &["--source-ip", "home"], "invalid value 'home' for '--source-ip <ADDRESS>'"),
        (&document, &["--format", "xml"], "invalid value 'xml'"),
    ] {
        let told = world.run("-", input, arguments);
        assert_eq!((told.code, told.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(told.err.contains(problem), "{problem} is missing in:\n{}", told.err);
    }
    let large = world.run("-", &"A".repeat(2 * 1024 * 1024 + 1), &[]);
    assert!(large.err.contains("has more than 2097152 bytes"), "{}", large.err);
    let missing = world.run("missing.txt", "", &[]);
    assert!(missing.err.contains("--saml: can't read missing.txt: No such file"), "{}", missing.err);
    let broken = world.configured("kind = \"saml\"", "kind = \"sampl\"").run("-", &document, &[]);
    assert!(broken.err.contains("rolegate.toml:"), "{}", broken.err);
    assert_eq!((large.code, missing.code, broken.code), (Some(2), Some(2), Some(2)));
}

#[test]
fn a_provider_of_another_protocol_is_refused() {
    let told = World::new().explain(&signed_by(&HONEST, &ann()), &["--provider", "mobile"]);
    assert!(told.section("Answer").starts_with("  REFUSED   by provider.protocol: "), "{}", told.out);
    assert_eq!(told.code, Some(3));
}

#[test]
fn a_recipient_can_be_asked_for() {
    let world = World::new();
    let document = signed_by(&HONEST, &ann());
    let told = world.explain(&document, &["--recipient", "https://broker.example.com/saml/corp/acs"]);
    assert_eq!(told.code, Some(0), "{}", told.out);
    assert!(!told.out.contains("--recipient"), "{}", told.out);
    let told = world.explain(&document, &["--recipient", "https://broker.example.com/saml"]);
    assert!(told.section("Answer").starts_with("  REFUSED   by saml.destination: "), "{}", told.out);
}

/// Two accounts, one identity provider: the role's account decides, or the order, and a note says so.
#[test]
fn several_providers_may_have_one_entity_id() {
    let second = "[[account]]\nid = \"444455556666\"\n\n[[provider]]\nkind = \"saml\"\nname = \"sandbox\"\n\
                  account = \"444455556666\"\nmetadata = { file = \"corp.xml\" }\n\n\
                  [[provider]]\nkind = \"oidc\"";
    let world = World::new().configured("[[provider]]\nkind = \"oidc\"", second);
    let document = signed_by(&HONEST, &ann());
    let told = world.explain(&document, &[]);
    let note = "  - corp, sandbox have this entity id; corp was taken, choose by --provider.\n";
    assert!(told.section("Notes").starts_with(note), "{}", told.out);
    assert!(told.section("Provider").starts_with("  corp  "), "{}", told.out);
    let told = world.explain(&document, &["--role", "arn:aws:iam::444455556666:role/Any"]);
    assert!(told.section("Provider").starts_with("  sandbox  "), "{}", told.out);
    let told = world.explain(&document, &["--provider", "corp", "--role", LOOK]);
    assert!(told.section("Provider").starts_with("  corp  "), "{}", told.out);
}

/// It needs nothing that a broker has: no store, no key ring, no port.
#[test]
fn nothing_is_left_behind() {
    let world = World::new();
    let before = world.files();
    assert_eq!(world.run("-", &base64(signed_by(&HONEST, &ann()).as_bytes()), &[]).code, Some(0));
    assert_eq!(world.files(), before);
}
