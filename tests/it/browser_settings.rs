//! What `check` says of settings about browsers: consoles, the portal, web applications, people in charge.

use std::fs;

use rolegate::config::{self, Severity};

use crate::saml::fixture::noon;

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRoleWithSAML",
    "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/corp"}}}"#;
const HEAD: &str = r#"public_url = "https://broker.example.com"
[[account]]
id = "111122223333"
[[provider]]
kind = "saml"
name = "corp"
account = "111122223333"
metadata = { url = "https://idp.example.com/metadata" }
[[role]]
arn = "arn:aws:iam::111122223333:role/Wiki"
trust_policy = "trust.json"
[[role]]
arn = "arn:aws:iam::111122223333:role/Fresh"
trust_policy = "trust.json"
signed_in_within = "15m"
[[rule]]
name = "everybody"
provider = "corp"
when = 'true'
session_name = 'subject'
roles = ["arn:aws:iam::111122223333:role/Wiki", "arn:aws:iam::111122223333:role/Fresh"]
"#;

/// The faults and warnings of a configuration with this beside the rest: `E` or `W`, message, and what to do.
fn faults(more: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("trust.json"), TRUST).unwrap();
    fs::write(folder.path().join("rolegate.toml"), format!("{HEAD}{more}")).unwrap();
    let found = match config::load(&folder.path().join("rolegate.toml"), noon()) {
        Ok(loaded) => loaded.warnings,
        Err(faults) => faults,
    };
    let shown = |fault: &config::Fault| {
        let kind = if fault.severity == Severity::Error { "E" } else { "W" };
        format!("{kind} {}: {}", fault.message, fault.help)
    };
    found.0.iter().map(shown).collect()
}

fn application(name: &str, origin: &str, roles: &str) -> String {
    format!("[[application]]\nname = \"{name}\"\norigin = \"{origin}\"\nroles = [{roles}]\n")
}

const WIKI: &str = "\"arn:aws:iam::111122223333:role/Wiki\"";

#[test]
fn what_makes_sense_is_taken() {
    for more in [
        application("wiki", "https://wiki.example.com", WIKI),
        application("wiki", "https://wiki.example.com:8443", WIKI),
        application("a-1", "http://localhost:8092", WIKI) + &application("b", "http://127.0.0.1:8092", WIKI),
        "[console]\nside_by_side = 1\nreuse_signin_tokens = true\nissuers = [\"https://a.example\", \"http://localhost:1\"]\n"
            .to_owned(),
        "[portal]\nshows_rules = true\n".to_owned(),
        "[admin]\nrole = \"arn:aws:iam::111122223333:role/Fresh\"\n".to_owned(),
    ] {
        assert_eq!(faults(&more), [""; 0], "{more}");
    }
}

#[test]
fn what_makes_none_is_said() {
    let origin = "https://wiki.example.com";
    let no_name = "use 1 to 64 of a-z, 0-9 and -";
    let no_origin =
        "write scheme and host, such as https://wiki.example.com; http is for loopback addresses only";
    let an_origin = "is not an origin of an application";
    for (more, expected) in [
        (application("Wiki", origin, WIKI), format!("E \"Wiki\" can't be an application's name: {no_name}")),
        (application("", origin, WIKI), format!("E \"\" can't be an application's name: {no_name}")),
        (
            application("wiki", "https://wiki.example.com/", WIKI),
            format!("E \"https://wiki.example.com/\" {an_origin}: write \"https://wiki.example.com\""),
        ),
        (
            application("wiki", "http://wiki.example.com", WIKI),
            format!("E \"http://wiki.example.com\" {an_origin}: {no_origin}"),
        ),
        (application("wiki", "wiki", WIKI), format!("E \"wiki\" {an_origin}: {no_origin}")),
        (
            application("wiki", origin, "\"arn:aws:iam::111122223333:role/Wikki\""),
            "E there is no role \"arn:aws:iam::111122223333:role/Wikki\": did you mean \
             \"arn:aws:iam::111122223333:role/Wiki\"?"
                .to_owned(),
        ),
        (
            application("wiki", origin, ""),
            "E nobody may enter: name the roles that may, by their ARNs".to_owned(),
        ),
        (
            application("wiki", origin, WIKI) + &application("wiki", "https://other.example.com", WIKI),
            "E application \"wiki\" is declared twice: give each application a name of its own".to_owned(),
        ),
        (
            application("wiki", origin, WIKI) + &application("other", origin, WIKI),
            "E another application is at \"https://wiki.example.com\", too: give each application an origin of its own"
                .to_owned(),
        ),
        (
            "[console]\nside_by_side = 6\n".to_owned(),
            "E 6 consoles side by side are not 1 to 5: write 1 to 5".to_owned(),
        ),
        (
            "[console]\nissuers = [\"http://a.example\"]\n".to_owned(),
            "E \"http://a.example\" is not an origin that a sign-in may lead back to: write scheme and host, such as \
             https://console.example.com"
                .to_owned(),
        ),
        (
            "[admin]\nrole = \"arn:aws:iam::111122223333:role/Fersh\"\n".to_owned(),
            "E there is no role \"arn:aws:iam::111122223333:role/Fersh\": did you mean \
             \"arn:aws:iam::111122223333:role/Fresh\"?"
                .to_owned(),
        ),
        (
            "[admin]\nrole = \"arn:aws:iam::111122223333:role/Wiki\"\n".to_owned(),
            "W who left a browser open is in charge by it as long as the portal lasts: set signed_in_within of the role, \
             such as 15m"
                .to_owned(),
        ),
    ] {
        assert_eq!(faults(&more), [expected], "{more}");
    }
}
