//! `rolegate diff` and `rolegate who-can`, as an administrator runs them.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const DEPLOY: &str = "arn:aws:iam::111122223333:role/eng/Deploy";
const UPLOADER: &str = "arn:aws:iam::111122223333:role/app/PhotoUploader";

/// A copy of the shipped configuration, changed so.
fn copy(changes: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    for part in ["", "policies", "providers"] {
        fs::create_dir_all(folder.path().join(part)).unwrap();
        for entry in fs::read_dir(shipped.join(part)).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_file() {
                fs::copy(&entry, folder.path().join(part).join(entry.file_name().unwrap())).unwrap();
            }
        }
    }
    let path = folder.path().join("rolegate.toml");
    let mut text = fs::read_to_string(&path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not in the configuration");
        text = text.replace(from, to);
    }
    fs::write(path, text).unwrap();
    folder
}

/// Exit code, standard output and standard error.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rolegate"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The change from the shipped configuration, for those whom its tests describe.
fn diff(changes: &[(&str, &str)]) -> (Option<i32>, String) {
    let new = copy(changes);
    let new = new.path().join("rolegate.toml");
    let arguments = ["diff", "config/rolegate.toml", new.to_str().unwrap(), "--identities", "config/tests"];
    let (code, out, err) = run(&arguments);
    assert_eq!(err, "");
    (code, out)
}

#[test]
fn nothing_changes_by_no_change() {
    assert_eq!(diff(&[]), (Some(0), "5 described, 0 with another outcome\n".to_owned()));
    let comment = [("[[rule]]\nname = \"platform", "# Nothing.\n[[rule]]\nname = \"platform")];
    assert_eq!(diff(&comment).0, Some(0));
}

#[test]
fn whoever_gains_or_loses_is_named() {
    let sales = [("== \"engineering\"", "== \"sales\"")];
    let expected = format!(
        "a platform engineer deploys (ann-7f3a by corp)\n  loses    {DEPLOY}\n           session ann@example.com, \
         3600 s, source identity ann-7f3a, tag team = \"rocket\"\n\
         a platform engineer of sales does not (bob-1b2c by corp)\n  gains    {DEPLOY}\n           session \
         bob@example.com, 3600 s, source identity bob-1b2c, tag team = \"rocket\"\n\
         5 described, 2 with another outcome\n"
    );
    assert_eq!(diff(&sales), (Some(1), expected));
    let unverified = [("claim.email_verified == true", "true")];
    let expected = format!(
        "an address that nobody verified uploads nothing (mallory by mobile)\n  gains    {UPLOADER}\n           \
         session caller, 3600 s\n5 described, 1 with another outcome\n"
    );
    assert_eq!(diff(&unverified), (Some(1), expected));
}

#[test]
fn another_session_is_a_change() {
    let expected = format!(
        "a platform engineer deploys (ann-7f3a by corp)\n  changes  {DEPLOY}\n           from session \
         ann@example.com, 3600 s, source identity ann-7f3a, tag team = \"rocket\"\n           to   session \
         ann@example.com, 7200 s, source identity ann-7f3a, tag squad = \"rocket\"\n\
         5 described, 1 with another outcome\n"
    );
    let changes = [("tags = { team = ", "duration = \"2h\"\ntags = { squad = ")];
    assert_eq!(diff(&changes), (Some(1), expected));
}

/// What no trust policy allows any more is a change, though the rule offers it still.
#[test]
fn a_role_that_is_refused_now_is_a_change() {
    let (code, out) = diff(&[("policies/deploy-trust.json", "policies/photo-uploader-trust.json")]);
    assert_eq!(code, Some(1));
    assert!(out.contains("           to   refused by policy.denied\n"), "{out}");
}

#[test]
fn a_provider_that_goes_takes_its_peoples_roles_along() {
    let (code, out) = diff(&[
        ("include = [\"providers/*.toml\"]", "include = [\"providers/corp.toml\"]"),
        ("provider = \"mobile\"\n", ""),
        ("providers = [\"mobile\"]", "providers = [\"corp\"]"),
    ]);
    assert_eq!(code, Some(1));
    assert!(out.contains(&format!("(cleo by mobile)\n  loses    {UPLOADER}\n")), "{out}");
}

#[test]
fn what_can_not_be_compared_is_exit_code_2() {
    for (arguments, problem) in [
        (
            ["diff", "config/rolegate.toml", "gone.toml", "--identities", "config/tests"],
            "can't read gone.toml",
        ),
        (["diff", "config/rolegate.toml", "config/rolegate.toml", "--identities", "gone"], "can't read gone"),
    ] {
        let (code, out, err) = run(&arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(err.contains(problem), "{err}");
    }
}

#[test]
fn who_can_tells_callers() {
    let folder = copy(&[("policies/deploy-trust.json", "account.json")]);
    let trust = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole",
         "Principal": {"AWS": ["444455556666", "arn:aws:iam::111122223333:user/ci/bot"]},
         "Condition": {"StringEquals": {"sts:ExternalId": "x-1"}}},
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"},
         "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}]}"#;
    fs::write(folder.path().join("account.json"), trust).unwrap();
    let config = folder.path().join("rolegate.toml");
    let expected = format!(
        "{DEPLOY}\n\nby credentials (AssumeRole)\n  caller     arn:aws:iam::111122223333:user/ci/bot\n  caller     \
         444455556666\n  Statement[0]: Allow sts:assumerole\n    StringEquals sts:ExternalId = x-1\n  caller     *\n  \
         Statement[1]: Deny sts:assumerole\n    Bool aws:MultiFactorAuthPresent = false\n"
    );
    let seen = run(&["who-can", "--config", config.to_str().unwrap(), DEPLOY]);
    assert_eq!(seen, (Some(0), expected, String::new()));
}

#[test]
fn who_can_tells_rules_providers_and_statements() {
    let config = ["who-can", "--config", "config/rolegate.toml"];
    let expected = format!(
        "{DEPLOY}\n\nby provider corp\n  rule       platform engineers deploy\n    when     \"platform\" in attr.groups \
         && attr.department[0] == \"engineering\"\n  Statement[0]: Allow sts:assumerolewithsaml, sts:tagsession, \
         sts:setsourceidentity\n    StringEquals saml:aud = https://broker.example.com/saml/corp/acs or \
         https://broker.example.com/saml\n"
    );
    let seen = run(&[&config[..], &[DEPLOY]].concat());
    assert_eq!(seen, (Some(0), expected, String::new()));
    let gone = run(&[&config[..], &["arn:aws:iam::111122223333:role/Gone"]].concat());
    let expected = "there is no role arn:aws:iam::111122223333:role/Gone\n";
    assert_eq!(gone, (Some(2), String::new(), expected.to_owned()));
}

/// A rule that denies is somebody's loss, and stands among the ways to a role.
#[test]
fn what_a_rule_denies_is_told() {
    let deny = "[[rule]]\nname = \"no rockets\"\neffect = \"deny\"\nwhen = '\"rocket\" in attr.team'\n[[rule]]\nname = \"platform";
    let changes = [("[[rule]]\nname = \"platform", deny)];
    let (code, out) = diff(&changes);
    assert_eq!(code, Some(1));
    assert!(
        out.starts_with(&format!("a platform engineer deploys (ann-7f3a by corp)\n  loses    {DEPLOY}\n")),
        "{out}"
    );
    let folder = copy(&changes);
    let path = folder.path().join("rolegate.toml");
    let (_, out, _) = run(&["who-can", "--config", path.to_str().unwrap(), DEPLOY]);
    assert!(out.contains("\n  but not    no rockets\n    when     \"rocket\" in attr.team\n"), "{out}");
    let (code, out, _) = run(&["test", "--config", path.to_str().unwrap(), "config/tests"]);
    assert_eq!(code, Some(1));
    assert!(out.contains("rules that a case matches: 3 of 3\n"), "{out}");
}

#[test]
fn who_can_names_every_way_and_nobody_where_there_is_none() {
    let told = |changes: &[(&str, &str)], role: &str| {
        let folder = copy(changes);
        let path = folder.path().join("rolegate.toml");
        let corp = folder.path().join("providers/corp.toml");
        let text = fs::read_to_string(&corp).unwrap() + "\nassert_roles = true\ngrant = \"trust-policy\"\n";
        fs::write(corp, text).unwrap();
        run(&["who-can", "--config", path.to_str().unwrap(), role]).1
    };
    let deploy = told(&[], DEPLOY);
    let ways = "  asserted   whoever the provider itself names the role for (assert_roles)\n  \
                by ARN     whoever asks for it (grant = \"trust-policy\")\n  Statement[0]: Allow";
    assert!(deploy.contains(ways), "{deploy}");
    let swapped = [("policies/photo-uploader-trust.json", "policies/deploy-trust.json")];
    let uploader = told(&swapped, UPLOADER);
    assert!(
        uploader.contains("\nby provider corp\n  asserted") && !uploader.contains("mobile"),
        "{uploader}"
    );
    let nobody = [("policies/deploy-trust.json", "policies/photo-uploader-trust.json")];
    let nobody = told(&nobody, DEPLOY);
    let expected = format!("{DEPLOY}\n\nnobody: no provider that its trust policy allows offers it\n");
    assert_eq!(nobody, expected);
}
