//! Sections, roles by the names of groups, and what rules see of a sign-in, from the files that an
//! administrator writes to what `check`, `test` and `who-can` say.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

const CONFIGURATION: &str = r#"public_url = "https://broker.example.com"

[[account]]
id = "111122223333"

[[account]]
id = "444455556666"

[[provider]]
kind = "oidc"
name = "corp"
account = "111122223333"
issuer = "https://login.example.com"
client_ids = ["desk"]

[[provider]]
kind = "oidc"
name = "other"
account = "444455556666"
issuer = "https://login.example.com"
client_ids = ["desk"]
grant = "trust-policy"

[[role]]
arn = "arn:aws:iam::111122223333:role/eng/Deploy"
trust_policy = "trust.json"

[[role]]
arn = "arn:aws:iam::111122223333:role/Look"
trust_policy = "trust.json"

[[role]]
arn = "arn:aws:iam::111122223333:role/Admin"
trust_policy = "trust.json"

# Of another account, whose roles this provider can't serve.
[[role]]
arn = "arn:aws:iam::444455556666:role/Deploy"
trust_policy = "other.json"

[[section]]
name = "break glass"
on_match = "stop"

[[section]]
name = "kind of person"
offers = "first"

[[rule]]
name = "on call"
section = "break glass"
provider = "corp"
when = '"on-call" in groups && "otp" in authn.methods && time - authn.time < 600 && source_ip.within("192.0.2.0/24")'
roles = ["arn:aws:iam::111122223333:role/Admin"]

[[rule]]
name = "contractors"
section = "kind of person"
when = 'attr.kind[0] == "contractor"'
roles = ["arn:aws:iam::111122223333:role/Look"]

[[rule]]
name = "named by groups"
section = "kind of person"
provider = "corp"
when = 'true'
roles_from = { pattern = "AWS-{account}-{role}" }
session_name = 'subject'
"#;

const TRUST: &str = r#"{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
    "Principal": {"Federated": "arn:aws:iam::ACCOUNT:oidc-provider/login.example.com"}}]}"#;

/// The configuration, changed so.
fn configured(changes: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = CONFIGURATION.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not in the configuration");
        text = text.replace(from, to);
    }
    fs::write(folder.path().join("rolegate.toml"), text).unwrap();
    fs::write(folder.path().join("trust.json"), TRUST.replace("ACCOUNT", "111122223333")).unwrap();
    fs::write(folder.path().join("other.json"), TRUST.replace("ACCOUNT", "444455556666")).unwrap();
    folder
}

/// Exit code, standard output and standard error.
fn run(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rolegate"))
        .current_dir(folder.path())
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The warnings and errors of `check`, each without its place.
fn checked(changes: &[(&str, &str)]) -> Vec<String> {
    let said = run(&configured(changes), &["check", "--config", "rolegate.toml"]).2;
    let lines = said.lines().filter_map(|line| line.split_once("error: ").or(line.split_once("warning: ")));
    lines.map(|(_, message)| message.to_owned()).collect()
}

/// Somebody, what they say of themselves, and the names of the roles that they are offered.
fn case(name: &str, lines: &str, roles: &[&str]) -> String {
    let role = |name: &&str| format!("{{ role = \"arn:aws:iam::111122223333:role/{name}\" }}");
    let roles: Vec<_> = roles.iter().map(role).collect();
    format!(
        "[[case]]\nname = \"{name}\"\nprovider = \"corp\"\nsubject = \"ann\"\nsession_name = \"desk\"\n{lines}\noffers = [{}]\n",
        roles.join(", ")
    )
}

#[test]
fn who_is_offered_what() {
    let groups =
        r#"groups = ["AWS-111122223333-Deploy", "AWS-444455556666-Deploy", "AWS-111122223333-Gone"]"#;
    let on_call = r#"groups = ["on-call", "AWS-111122223333-Deploy"], amr = ["pwd", "otp"]"#;
    let fresh = "authn_time = \"2029-12-31T23:55:00Z\"\nsource_ip = \"192.0.2.7\"";
    let cases = [
        case("by a group", &format!("claims = {{ kind = [\"staff\"], {groups} }}"), &["eng/Deploy"]),
        case("a contractor", &format!("claims = {{ kind = [\"contractor\"], {groups} }}"), &["Look"]),
        // The rule about contractors fails, and so nobody knows whether the next one may count.
        case("of no kind", &format!("claims = {{ {groups} }}"), &[]),
        case("on call", &format!("claims = {{ kind = [\"staff\"], {on_call} }}\n{fresh}"), &["Admin"]),
        case(
            "not on call",
            &format!("claims = {{ kind = [\"staff\"], {groups}, amr = [\"otp\"] }}\n{fresh}"),
            &["eng/Deploy"],
        ),
        case(
            "on call from elsewhere",
            &format!(
                "claims = {{ kind = [\"staff\"], {on_call} }}\n{}",
                fresh.replace("192.0.2.7", "198.51.100.7")
            ),
            &["eng/Deploy"],
        ),
        case(
            "on call since an hour",
            &format!("claims = {{ kind = [\"staff\"], {on_call} }}\n{}", fresh.replace("23:55", "22:55")),
            &["eng/Deploy"],
        ),
        // Rules that stop do so where they fail, too.
        case(
            "on call at nobody knows when",
            &format!("claims = {{ kind = [\"staff\"], {on_call} }}\nsource_ip = \"192.0.2.7\""),
            &[],
        ),
    ];
    let folder = configured(&[]);
    fs::write(folder.path().join("cases.toml"), cases.concat()).unwrap();
    let (code, out, err) = run(&folder, &["test", "--config", "rolegate.toml", "cases.toml"]);
    assert!(out.contains("8 cases, 0 failed"), "{out}{err}");
    assert!(out.contains("rules that a case matches: 3 of 3"), "{out}");
    assert_eq!(code, Some(0));
}

#[test]
fn who_can_tells_groups_and_what_comes_first() {
    let expected = "arn:aws:iam::111122223333:role/eng/Deploy\n\nby provider corp\n  rule       named by groups\n    \
                    when     true\n    and      \"AWS-111122223333-Deploy\" is among attribute \"groups\"\n    \
                    unless   an earlier rule of section \"break glass\" matches\n    \
                    unless   an earlier rule of section \"kind of person\" matches\n  \
                    Statement[0]: Allow sts:assumerolewithwebidentity\n";
    let arguments = ["who-can", "--config", "rolegate.toml", "arn:aws:iam::111122223333:role/eng/Deploy"];
    assert_eq!(run(&configured(&[]), &arguments), (Some(0), expected.to_owned(), String::new()));
}

#[test]
fn check_names_what_is_wrong_with_sections_and_patterns() {
    assert_eq!(checked(&[]), [""; 0]);
    for (changes, expected) in [
        (
            &[("section = \"break glass\"", "section = \"brake glass\"")][..],
            &["there is no section called \"brake glass\""][..],
        ),
        (
            &[("name = \"kind of person\"", "name = \"break glass\"")],
            &["there is another section called \"break glass\""],
        ),
        (
            &[("AWS-{account}-{role}", "AWS-{account}")],
            &["\"AWS-{account}\" does not say {role}, so it can't tell roles apart"],
        ),
        (
            &[("AWS-{account}-{role}", "AWS-{role}-{stage}")],
            &["\"AWS-{role}-{stage}\" has \"{stage}\" in it; {account} and {role} are what can stand there"],
        ),
        (
            &[(
                "provider = \"corp\"\nwhen = 'true'\nroles_from = { pattern = \"AWS-{account}-{role}\" }",
                "when = 'true'\nroles_from = { pattern = \"AWS-{role}\" }",
            )],
            &[
                "\"AWS-Deploy\" would be both arn:aws:iam::111122223333:role/eng/Deploy and arn:aws:iam::444455556666:role/Deploy",
            ],
        ),
        (
            &[("roles_from = { pattern", "roles_from = { patern")],
            &["unknown field `patern`, expected `attribute` or `pattern`"],
        ),
        (
            &[("roles_from = {", "effect = \"deny\"\nroles_from = {")],
            &[
                "a rule that denies does so whatever section offers: leave it out",
                "a rule that denies names its roles: leave it out",
                "a rule that denies sets nothing: leave it out",
            ],
        ),
    ] {
        let said = checked(changes);
        let missing: Vec<_> =
            expected.iter().filter(|message| !said.iter().any(|line| line == *message)).collect();
        assert!(missing.is_empty(), "{missing:?} of {said:?}");
    }
}

#[test]
fn check_refuses_proxies_that_are_none() {
    let with = |proxy: &str| {
        format!("public_url = \"https://broker.example.com\"\n[listen]\ntrusted_proxies = [\"{proxy}\"]\n")
    };
    for (proxy, expected) in [
        ("127.0.0.1", None),
        ("2001:db8::/32", None),
        ("proxy", Some("\"proxy\" is no address and no network")),
        ("0.0.0.0/0", Some("\"0.0.0.0/0\" is everybody: whoever calls could say where from")),
    ] {
        let said = checked(&[("public_url = \"https://broker.example.com\"\n", &with(proxy))]);
        assert_eq!(said.first().map(String::as_str), expected);
    }
}

#[test]
fn check_warns_of_rules_that_never_count() {
    let deny = |when: &str, roles: &str| {
        format!(
            "[[rule]]\nname = \"never\"\neffect = \"deny\"\nwhen = '{when}'\n{roles}[[rule]]\nname = \"contractors\""
        )
    };
    let rule = "[[rule]]\nname = \"contractors\"";
    let look = "roles = [\"arn:aws:iam::111122223333:role/Look\"]\n";
    let contractor = r#"attr.kind[0] == "contractor""#;
    for (from, to, expected) in [
        (
            rule,
            deny(contractor, look),
            "rule \"contractors\" offers what rule \"never\" denies wherever it matches",
        ),
        (
            "when = 'attr.kind[0] == \"contractor\"'",
            "when = 'true'".to_owned(),
            "rule \"named by groups\" never counts: wherever it matches, rule \"contractors\" matched before it",
        ),
        (
            "when = 'attr.kind[0] == \"contractor\"'",
            "when = 'false'".to_owned(),
            "rule \"contractors\" never matches",
        ),
        (
            "[[section]]\nname = \"kind of person\"",
            "[[section]]\nname = \"spare\"\n[[section]]\nname = \"kind of person\"".to_owned(),
            "no rule is in section \"spare\"",
        ),
    ] {
        let said = checked(&[(from, &to)]);
        assert!(said.iter().any(|line| line == expected), "{expected}: {said:?}");
    }
    let again = format!(
        "[[rule]]\nname = \"again\"\nsection = \"kind of person\"\nwhen = '{contractor} && subject == \"bob\"'\n{look}\
         [[rule]]\nname = \"named by groups\""
    );
    let changes = [("offers = \"first\"", ""), ("[[rule]]\nname = \"named by groups\"", &again)];
    let expected = "rule \"again\" changes nothing: rule \"contractors\" offers the same wherever it matches";
    assert_eq!(checked(&changes), [expected]);
    let narrower = deny(r#"attr.kind[0] == "contractor" && "night" in groups"#, look);
    assert_eq!(checked(&[(rule, &narrower)]), [""; 0], "it denies some of them only");
}
