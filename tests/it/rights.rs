//! What may be written about the rights of roles and accounts.

use std::fs;

use rolegate::config;
use serde_json::json;

use crate::saml::fixture::noon;

const CORP: &str = "arn:aws:iam::111122223333:saml-provider/corp";
const ALLOW: &str = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;

/// Every fault of a configuration in which one account and two roles have these further settings, with
/// its line.
fn faults(account: &str, roles: [&str; 2]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    save("allow.json", ALLOW);
    save("bad.json", r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#);
    save("long.json", &ALLOW.replace("s3:*", &format!("s3:{}", "a".repeat(6144))));
    let trust = json!({ "Statement": {
        "Effect": "Allow", "Principal": { "Federated": CORP }, "Action": "sts:AssumeRoleWithSAML",
    } });
    save("trust.json", &trust.to_string());
    let role = |name: &str, settings: &str| {
        format!(
            "[[role]]\narn = \"arn:aws:iam::111122223333:role/{name}\"\ntrust_policy = \"trust.json\"\n{settings}\n"
        )
    };
    let text = format!(
        "public_url = \"https://broker.example.com\"\n[[account]]\nid = \"111122223333\"\n{account}\n\
         [[provider]]\nkind = \"saml\"\nname = \"corp\"\naccount = \"111122223333\"\nassert_roles = true\n\
         metadata = {{ url = \"https://idp.example.com/metadata\" }}\n{}{}",
        role("A", roles[0]),
        role("B", roles[1])
    );
    save("rolegate.toml", &text);
    let found = match config::load(&folder.path().join("rolegate.toml"), noon()) {
        Ok(loaded) => loaded.warnings,
        Err(faults) => faults,
    };
    let shown = |fault: &config::Fault| {
        let line = fault.spot.as_ref().map_or(0, |spot| spot.line_and_column().0);
        let line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        format!("{line}: {}", fault.message).replace(&format!("{}/", folder.path().display()), "")
    };
    found.0.iter().map(shown).collect()
}

#[test]
fn what_makes_sense_is_taken() {
    let role = "policies = [\"allow.json\", \"long.json\"]\npermissions_boundary = \"allow.json\"";
    let levels = "service_control_policies = [[\"allow.json\"], [\"long.json\", \"allow.json\"]]";
    assert_eq!(faults(levels, [role, ""]), [""; 0]);
}

#[test]
fn what_makes_none_is_said_where_it_stands() {
    let principal = "bad.json is not a valid policy: Statement.Principal: a Principal stands in trust and resource policies only";
    for (account, role, expected) in [
        ("", "policies = [\"bad.json\"]", principal),
        ("", "permissions_boundary = \"bad.json\"", principal),
        ("service_control_policies = [[\"bad.json\"]]", "", principal),
        (
            "",
            "permissions_boundary = \"long.json\"",
            "long.json is not a valid policy: document: the document is longer than 6144 characters",
        ),
        ("service_control_policies = [[]]", "", "a level without a policy allows nothing"),
        ("service_control_policies = [[\"allow.json\"], []]", "", "a level without a policy allows nothing"),
        (
            "",
            "permissions_boundary = \"gone.json\"",
            "can't read gone.json: No such file or directory (os error 2)",
        ),
    ] {
        let line = if account.is_empty() { role } else { account };
        assert_eq!(faults(account, [role, ""]), [format!("{line}: {expected}")], "{account}{role}");
    }
}

/// A document that several roles share is read once, and so its fault is told once.
#[test]
fn a_shared_document_is_at_fault_once() {
    let role = "policies = [\"bad.json\"]";
    assert_eq!(faults("", [role, role]).len(), 1);
    assert_eq!(faults("", [role, "permissions_boundary = \"bad.json\""]).len(), 2);
}
