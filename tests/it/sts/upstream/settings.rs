//! What `check` says of upstreams that can't be.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::sts::settings::faults;

/// The faults and warnings of the roles' settings, changed so.
fn checked(from: &str, to: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let (roles, _) = ROLES.split_once("[[rule]]").unwrap();
    let roles = roles
        .replace("ENDPOINT", "https://sts.example.com")
        .replace("[admin]\ntoken = { file = \"admin-token\" }\n", "");
    let settings =
        format!("public_url = \"https://broker.example.com\"\n[[account]]\nid = \"111122223333\"\n{roles}");
    assert!(settings.contains(from), "{from}");
    save("rolegate.toml", &settings.replacen(from, to, 1));
    save(
        "real-trust.json",
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": "111122223333"}}}"#,
    );
    save("bot-secret", BOT_SECRET);
    fs::set_permissions(folder.path().join("bot-secret"), fs::Permissions::from_mode(0o600)).unwrap();
    faults(folder.path())
}

#[test]
fn check_names_what_is_wrong_with_upstreams() {
    assert_eq!(checked("there", "there"), [""; 0]);
    let key = "access_key = { id = \"AKIATHERETHERETHERE2\", secret = { file = \"bot-secret\" } }\n";
    for (from, to, message) in [
        ("name = \"there\"", "name = \"local\"", "\"local\" can't be the name of an upstream"),
        ("name = \"there\"", "name = \"minio\"", "upstream \"minio\" is declared twice"),
        ("issuer = \"there\"", "issuer = \"theer\"", "there is no upstream called \"theer\""),
        ("issuer = \"minio\"", "issuer = \"there\"", "no role has the issuer \"minio\""),
        ("issuer = \"there\"\n", "", "the broker itself makes this role's credentials"),
        ("region = \"eu-central-1\"", "region = \"Frankfurt\"", "\"Frankfurt\" is not a region"),
        (
            "https://sts.example.com",
            "http://sts.example.com",
            "\"http://sts.example.com\" is not the address of an STS",
        ),
        (
            "https://sts.example.com",
            "https://me:it@sts.example.com",
            "\"https://me:it@sts.example.com\" is not the address of an STS",
        ),
        (
            "kind = \"minio\"\nregion = \"eu-central-1\"\nendpoint = \"https://sts.example.com\"\n",
            "kind = \"minio\"\n",
            "upstream \"minio\" has no endpoint",
        ),
        (key, "", "upstream \"there\" has no access_key to assume the role by"),
        (
            "reuse = false\n",
            "reuse = false\nconsole = { leave_first = true }\n",
            "an upstream of kind \"minio\" has no such console",
        ),
        (
            key,
            &format!("{key}console = {{ home = \"https://c.example\" }}\n"),
            "the console lacks an address",
        ),
        (
            key,
            &format!(
                "{key}console = {{ home = \"http://c.example/\", federation = \"https://c.example/f\" }}\n"
            ),
            "\"http://c.example/\" is not an address of a console",
        ),
        (
            "external_id = \"contract-9\"",
            "console_duration = \"14m\"",
            "console_duration is not between 15m and 12h",
        ),
        ("AKIATHERETHERETHERE2", "not a key", "\"not a key\" is not the id of an access key"),
        ("bot-secret", "gone", "can't read gone: No such file or directory (os error 2)"),
        ("arn:aws:iam::999988887777:role/Real", "Real", "\"Real\" is not the ARN of a role"),
        (
            "external_id = \"contract-9\"",
            "external_id = \"contract-9\", pass_through = true",
            "pass_through sends no external_id",
        ),
        ("external_id = \"contract-9\"", "saml_provider = \"corp\"", "saml_provider is for pass_through"),
    ] {
        let said = checked(from, to);
        assert!(said.contains(&message.to_owned()), "{message}\n{said:#?}");
    }
}
