//! What `check` says of users and groups that can't be.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;

/// The faults and warnings of the users' settings, changed so.
fn checked(from: &str, to: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "public_url = \"https://broker.example.com\"\n[[account]]\nid = \"111122223333\"\n[[account]]\nid = \"444455556666\"\n{USERS}"
    );
    assert!(settings.contains(from), "{from}");
    fs::write(folder.path().join("rolegate.toml"), settings.replacen(from, to, 1)).unwrap();
    POLICIES.iter().for_each(|(name, text)| fs::write(folder.path().join(name), text).unwrap());
    for (name, secret) in [
        ("bot-secret", BOT_SECRET),
        ("ann-secret", ANN_SECRET),
        ("ann-app", "GEZDGNBVGY3TQOJQ"),
        ("short", "ab"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, secret).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(if name == "short" { 0o644 } else { 0o600 }))
            .unwrap();
    }
    faults(folder.path())
}

/// What `check` says of the configuration in `folder`.
pub(super) fn faults(folder: &Path) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rolegate"));
    let output = command.current_dir(folder).args(["check", "--config", "rolegate.toml"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = said.lines().filter_map(|line| line.split_once("error: ").or(line.split_once("warning: ")));
    lines.map(|(_, message)| message.to_owned()).collect()
}

#[test]
fn check_names_what_is_wrong_with_users_and_groups() {
    assert_eq!(checked("[[user]]", "[[user]]"), [""; 0]);
    let (bot, ann) = ("arn:aws:iam::111122223333:user/ci/bot", "arn:aws:iam::111122223333:user/ann");
    let engineers = "arn:aws:iam::111122223333:group/people/engineers";
    for (from, to, expected) in [
        (bot, ann, vec![format!("user {ann} is declared twice")]),
        ("AKIAANNANNANNANNANNA", "AKIABOTBOTBOTBOTBOTB", vec!["access key AKIABOTBOTBOTBOTBOTB is declared twice".into()]),
        ("AKIABOTBOTBOTBOTOLDB", "AKIABOTBOTBOTBOTBOTB", vec!["access key AKIABOTBOTBOTBOTBOTB is declared twice".into()]),
        ("AKIAANNANNANNANNANNA", "ASIAANNANNANNANNANNA", vec!["\"ASIAANNANNANNANNANNA\" is not the id of a long-term access key".into()]),
        (bot, "arn:aws:iam::999900001111:user/ci/bot", vec!["account 999900001111 is not declared".into()]),
        ("status = \"inactive\"", "status = \"inactive\"\n[[user.access_key]]\nid = \"AKIABOTBOTBOTBOTTHRE\"\nsecret = { file = \"bot-secret\" }", vec!["3 access keys are more than 2".into()]),
        ("file = \"ann-secret\"", "file = \"short\"", vec![
            "short holds a user's secret, and others may read it (mode 644)".into(),
            "the secret in short is not of 40 or more visible ASCII characters".into(),
        ]),
        ("file = \"ann-app\"", "file = \"ann-secret\"", vec!["the secret in ann-secret is not base32 of 16 characters or more".into()]),
        ("arn:aws:iam::111122223333:mfa/ann", "mfa ann", vec!["\"mfa ann\" can't be the serial number of a device".into()]),
        (&format!("groups = [\"{engineers}\"]"), "groups = [\"arn:aws:iam::111122223333:group/people/engineer\"]", vec!["there is no group arn:aws:iam::111122223333:group/people/engineer".into()]),
        (ann, "arn:aws:iam::444455556666:user/ann", vec![format!("{engineers} is of another account than the user")]),
        (engineers, "arn:aws:iam::444455556666:group/people/engineers", vec!["there is no group arn:aws:iam::111122223333:group/people/engineers".into()]),
        ("arn:aws:iam::111122223333:policy/limits/Assuming", "Assuming", vec!["\"Assuming\" is not a policy ARN such as arn:aws:iam::111122223333:policy/path/Name or arn:aws:iam::aws:policy/Name (name 1-128 of [A-Za-z0-9_+=,.@-])".into()]),
        ("arn:aws:iam::444455556666:policy/Assuming", "arn:aws:iam::111122223333:policy/limits/Assuming", vec!["policy arn:aws:iam::111122223333:policy/limits/Assuming is declared twice".into()]),
        ("arn:aws:iam::444455556666:policy/Assuming", "arn:aws:iam::999900001111:policy/Assuming", vec!["account 999900001111 is not declared".into()]),
        ("document = \"s3-reading.json\"", "document = \"account-trust.json\"", vec!["account-trust.json is not a valid policy: Statement.Principal: a Principal stands in trust and resource policies only".into()]),
        ("[[group]]\n", "[[group]]\narn = \"devs\"\n[[group]]\n", vec!["\"devs\" is not a group ARN such as arn:aws:iam::111122223333:group/path/name (name 1-64 of [A-Za-z0-9_+=,.@-])".into()]),
    ] {
        let said = checked(from, to);
        for message in expected {
            assert!(said.contains(&message), "{message}\n{said:#?}");
        }
    }
}
