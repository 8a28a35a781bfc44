//! The built binary, as a user runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use aws_lc_rs::digest::{SHA256, digest};

pub(crate) fn rolegate(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rolegate"))
        .current_dir(folder)
        .args(arguments)
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_demo_walks_every_flow_and_its_files_are_a_valid_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let walked = rolegate(folder.path(), &["demo", "--once", "--listen", "127.0.0.1:0"]);
    let said = text(&walked.stdout);
    assert_eq!(walked.status.code(), Some(0), "{said}{}", text(&walked.stderr));
    assert!(said.ends_with(" steps, 0 failed\n"), "{said}");
    assert!(
        said.contains("a SAML response used twice") && said.contains("400 InvalidIdentityToken"),
        "{said}"
    );

    let checked = rolegate(folder.path(), &["check", "--config", "var/demo-once/rolegate.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
}

#[test]
fn the_shipped_configuration_is_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checked = rolegate(root, &["check", "--config", "config/rolegate.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    assert_eq!(text(&checked.stdout), "config/rolegate.toml: the configuration is valid\n");
    assert_eq!(text(&checked.stderr), "");
}

/// All faults of one run, each with its place and the way out.
#[test]
fn check_reports_every_fault_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let trust = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Permit", "Action": "*"}]}"#;
    fs::write(folder.path().join("trust.json"), trust).unwrap();
    let config = r#"public_url = "http://broker.example.com"
colour = "blue"

[[account]]
id = "1111"

[[provider]]
kind = "oidc"
name = "mobile"
account = "111122223333"
issuer = "https://accounts.example.com"
client_ids = []
mail_domains = ["@example.com"]

[[role]]
arn = "arn:aws:iam::111122223333:role/Deploy"
trust_policy = "trust.json"
max_session_duration = "4 hours"

[[role]]
arn = "arn:aws:iam::111122223333:role/Look"
trust_policy = "trust.json"
signed_in_within = "30s"

[[rule]]
name = "broken"
when = '"platform" in attr.groups &&'
roles = ["arn:aws:iam::111122223333:role/Gone"]
"#;
    fs::write(folder.path().join("rolegate.toml"), config).unwrap();
    let checked = rolegate(folder.path(), &["check", "--config", "rolegate.toml"]);
    assert_eq!(checked.status.code(), Some(2));
    let said = text(&checked.stderr);
    for fault in [
        "rolegate.toml:2:10: error: unknown field `colour`",
        "rolegate.toml:18:24: error: \"4 hours\" is not a length of time",
        "rolegate.toml:1:14: error: \"http://broker.example.com\" is not https",
        "rolegate.toml:5:6: error: \"1111\" is not an account id of 12 digits",
        "rolegate.toml:10:11: error: account 111122223333 is not declared",
        "rolegate.toml:12:14: error: there is no client id",
        "rolegate.toml:13:16: error: \"@example.com\" is not the domain of a mail address",
        "rolegate.toml:22:16: error: trust.json is not a valid policy",
        "rolegate.toml:23:20: error: signed_in_within is not between 1m and 30d",
        "rolegate.toml:27:8: error: ",
        "rolegate.toml:28:9: error: there is no role arn:aws:iam::111122223333:role/Gone",
        "  help: there are \"arn:aws:iam::111122223333:role/Deploy\", \"arn:aws:iam::111122223333:role/Look\"",
    ] {
        assert!(said.contains(fault), "{fault} is missing in:\n{said}");
    }
}

/// Whoever names a provider or a role that has a fault is not at fault.
#[test]
fn check_says_one_mistake_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = r#"public_url = "https://broker.example.com"

[[account]]
id = "111122223333"

[[provider]]
kind = "saml"
name = "corp"
account = "111122223333"
metadata = "corp.xml"

[[provider]]
kind = "saml"
name = "partner"
account = "111122223333"
metadata = { file = "partner.xml" }

[[role]]
arn = "arn:aws:iam::111122223333:role/Deploy"
trust_policy = "trust.json"

[[rule]]
name = "corp"
provider = "corp"
when = 'true'
roles = ["arn:aws:iam::111122223333:role/Deploy"]

[[rule]]
name = "partner"
provider = "partnr"
when = 'true'
roles = ["arn:aws:iam::111122223333:role/Deploi"]

[[rule]]
name = "partner"
provider = "partner"
when = 'true'
roles = []
"#;
    fs::write(folder.path().join("rolegate.toml"), config).unwrap();
    let checked = rolegate(folder.path(), &["check", "--config", "rolegate.toml"]);
    let said = text(&checked.stderr);
    let faults: Vec<_> = (said.lines())
        .filter_map(|line| line.strip_prefix("rolegate.toml:").or_else(|| line.strip_prefix("  help: ")))
        .collect();
    let expected = [
        "10:12: error: invalid type: string \"corp.xml\", expected { file = \"…\" } or { url = \"…\" }",
        "`rolegate schema` describes every key",
        "16:21: error: the metadata can't be had: can't read partner.xml: No such file or directory (os error 2)",
        "save the metadata that the identity provider publishes or exports there",
        "20:16: error: can't read trust.json: No such file or directory (os error 2)",
        "name an IAM policy in JSON",
        "30:12: error: there is no provider called \"partnr\"",
        "did you mean \"partner\"?",
        "32:9: error: there is no role arn:aws:iam::111122223333:role/Deploi",
        "did you mean \"arn:aws:iam::111122223333:role/Deploy\"?",
        "35:8: error: there is another rule called \"partner\"",
        "give each rule its own name: logs and explanations use it",
        "38:9: error: it offers no role",
        "name a [[role]] by its ARN",
    ];
    assert_eq!(faults, expected, "{said}");
}

/// A wrong key within a section, or a missing address, hides nothing else.
#[test]
fn check_goes_on_after_a_faulty_section() {
    let folder = tempfile::tempdir().unwrap();
    let config = r#"[listen]
operatons = "127.0.0.1:9090"

[log]
level = 5

[[account]]
id = "1111"
"#;
    fs::write(folder.path().join("rolegate.toml"), config).unwrap();
    let checked = rolegate(folder.path(), &["check", "--config", "rolegate.toml"]);
    assert_eq!(checked.status.code(), Some(2));
    let said = text(&checked.stderr);
    for fault in [
        "missing field `public_url`",
        "rolegate.toml:2:1: error: unknown field `operatons`",
        "rolegate.toml:5:9: error: invalid type: integer `5`, expected a string",
        "rolegate.toml:8:6: error: \"1111\" is not an account id of 12 digits",
        "4 error(s), 0 warning(s)",
    ] {
        assert!(said.contains(fault), "{fault} is missing in:\n{said}");
    }
}

/// A provider called `name` with this `metadata`.
fn saml_provider(name: &str, metadata: &str) -> String {
    format!(
        "[[provider]]\nkind = \"saml\"\nname = \"{name}\"\naccount = \"111122223333\"\nmetadata = {metadata}\n"
    )
}

#[test]
fn check_reports_what_is_wrong_with_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/providers/corp-metadata.xml");
    fs::copy(shipped, folder.path().join("corp.xml")).unwrap();
    fs::write(folder.path().join("empty.pem"), "no certificate").unwrap();
    let mut config =
        String::from("public_url = \"https://broker.example.com\"\n[[account]]\nid = \"111122223333\"\n");
    let cases = [
        ("{}", "metadata has neither a file nor a url"),
        ("{ file = 'corp.xml', url = 'https://idp.example.com/' }", "metadata has both a file and a url"),
        ("{ file = 'corp.xml', refresh = '6h' }", "refresh is for a url only"),
        ("{ url = 'https://idp.example.com/', refresh = '4m' }", "240 s is not between 5m and 7d"),
        ("{ url = 'https://idp.example.com/', refresh = '8d' }", "691200 s is not between 5m and 7d"),
        ("{ url = 'http://127.0.0.1/metadata' }", "http://127.0.0.1/metadata can't be asked for metadata"),
        ("{ url = 'idp.example.com' }", "\"idp.example.com\" is not a URL"),
        ("{ file = 'corp.xml', signed_by = 'missing.pem' }", "can't read missing.pem"),
        ("{ file = 'corp.xml', signed_by = 'empty.pem' }", "empty.pem: there is no certificate in it"),
        ("{ file = 'corp.xml', entity = '' }", "entity is empty"),
        ("{ file = 'corp.xml', entity = 'urn:x' }", "and not of \"urn:x\""),
        ("{ file = 'corp.xml', sign_by = 'x' }", "unknown field `sign_by`"),
    ];
    for (number, (metadata, _)) in cases.iter().enumerate() {
        config += &saml_provider(&format!("p{number}"), metadata);
    }
    fs::write(folder.path().join("rolegate.toml"), config).unwrap();
    let checked = rolegate(folder.path(), &["check", "--config", "rolegate.toml"]);
    assert_eq!(checked.status.code(), Some(2));
    let said = text(&checked.stderr);
    for (number, (_, fault)) in cases.iter().enumerate() {
        let line = format!("rolegate.toml:{}:", 4 + number * 5 + 4);
        let found = said.lines().any(|one| one.starts_with(&line) && one.contains(fault));
        assert!(found, "{line} {fault} is missing in:\n{said}");
    }
    assert!(said.ends_with("12 error(s), 0 warning(s)\n"), "{said}");
}

/// `check` asks nobody: of metadata from a URL it sees the copy that was kept.
#[test]
fn check_looks_at_the_copy_of_fetched_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let url = "https://idp.invalid/metadata";
    let config = String::from(
        "public_url = \"https://broker.example.com\"\n[saml]\nmetadata_cache = \"kept\"\n[[account]]\nid = \"111122223333\"\n",
    );
    let config = config + &saml_provider("corp", &format!("{{ url = \"{url}\", refresh = \"5m\" }}"));
    fs::write(folder.path().join("rolegate.toml"), config).unwrap();
    let check = || {
        let checked = rolegate(folder.path(), &["check", "--config", "rolegate.toml"]);
        assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
        text(&checked.stderr)
    };
    assert_eq!(check(), "", "no copy, and nothing to say about it");
    let tag: String =
        digest(&SHA256, url.as_bytes()).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    fs::create_dir(folder.path().join("kept")).unwrap();
    let copy = folder.path().join(format!("kept/corp-{tag}.xml"));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/providers/corp-metadata.xml");
    let good = fs::read_to_string(shipped).unwrap();
    fs::write(&copy, &good).unwrap();
    assert_eq!(check(), "");
    let strange = "<KeyDescriptor><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data>\
                   <X509Certificate>AAAA</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOn";
    fs::write(&copy, good.replace("<SingleSignOn", strange)).unwrap();
    let said = check();
    assert!(said.contains("10:12: warning: signing certificate 2 is not a certificate"), "{said}");
    fs::write(&copy, good.replace("<X509Certificate>", "<X509Certificate>!")).unwrap();
    let said = check();
    assert!(said.contains("10:20: warning: the last good copy can't be used"), "{said}");
}

#[test]
fn two_demos_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("var/demo-once");
    fs::create_dir_all(&world).unwrap();
    let lock = fs::File::create(world.join("lock")).unwrap();
    lock.lock().unwrap();
    let second = rolegate(folder.path(), &["demo", "--once", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("another demo runs in var/demo-once"), "{}", text(&second.stderr));
    assert!(!world.join("rolegate.toml").exists());
}

/// What is valid, and yet surely not meant.
#[test]
fn check_warns_of_a_provider_that_does_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    let trust = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/crop"},
        "Action": "sts:AssumeRoleWithSAML"}]}"#;
    fs::write(folder.path().join("trust.json"), trust).unwrap();
    let config = r#"public_url = "https://broker.example.com"
[[account]]
id = "111122223333"
[[role]]
arn = "arn:aws:iam::111122223333:role/Deploy"
trust_policy = "trust.json"
"#;
    fs::write(folder.path().join("rolegate.toml"), config).unwrap();
    let checked = rolegate(folder.path(), &["check", "--config", "rolegate.toml"]);
    assert_eq!(checked.status.code(), Some(0));
    let said = text(&checked.stderr);
    let warning =
        "rolegate.toml:6:16: warning: the trust policy names arn:aws:iam::111122223333:saml-provider/crop";
    assert!(said.starts_with(warning), "{said}");
}

#[test]
fn bad_usage_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["serve"][..], &["dance"], &["check", "--config", "missing.toml"]] {
        assert_eq!(rolegate(folder.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn the_schema_describes_every_setting() {
    let printed = rolegate(Path::new("."), &["schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    let mut silent = Vec::new();
    undescribed("", &schema, &mut silent);
    assert!(silent.is_empty(), "settings without a description: {silent:?}");
    assert!(schema["properties"]["public_url"]["description"].as_str().unwrap().contains("https"));
}

/// Properties below `schema` that nothing is said about.
fn undescribed(path: &str, schema: &serde_json::Value, silent: &mut Vec<String>) {
    let Some(object) = schema.as_object() else { return };
    if let Some(properties) = object.get("properties").and_then(serde_json::Value::as_object) {
        for (name, property) in properties {
            let is_tag = name == "kind" && property.get("const").is_some();
            let said_above = properties.len() == 1 && object.contains_key("description");
            if property.get("description").is_none() && !is_tag && !said_above {
                silent.push(format!("{path}/{name}"));
            }
        }
    }
    for (name, inner) in object {
        match inner {
            serde_json::Value::Array(items) => {
                items.iter().for_each(|item| undescribed(&format!("{path}/{name}"), item, silent));
            }
            _ => undescribed(&format!("{path}/{name}"), inner, silent),
        }
    }
}

/// What is valid and probably not meant, each with its twin that is meant.
#[test]
fn check_warns_of_what_a_trust_policy_hardly_means() {
    let settings = "issuer = \"https://k8s.example.com\"\nclient_ids = [\"shop\"]";
    let host = "k8s.example.com";
    let warned = |message: &str, help: &str| {
        format!(
            "warning: Statement[0] of the trust policy {message}\n   |\n13 | trust_policy = \"trust.json\"\n   |                ^\n  help: {help}\n"
        )
    };
    let there_are = "there are k8s.example.com:sub, k8s.example.com:aud, k8s.example.com:oaud, k8s.example.com:amr, \
                     k8s.example.com:azp, k8s.example.com:email, sts:RoleAuthorizedByIdp, aws:CurrentTime, aws:EpochTime, \
                     aws:PrincipalAccount, aws:PrincipalType, aws:RequestTag/, aws:SourceIp, aws:TagKeys, aws:userid, \
                     sts:DurationSeconds, sts:RoleSessionName, sts:SourceIdentity, sts:TransitiveTagKeys";
    for (condition, expected) in [
        (
            r#""StringEquals": {"k8s.example.com:sub": "system:serviceaccount:shop:*"}"#,
            warned(
                "compares \"system:serviceaccount:shop:*\" by StringEquals, to which a wildcard is a letter",
                "write StringLike, where * and ? are wildcards",
            ),
        ),
        (
            r#""ForAnyValue:StringNotEqualsIgnoreCaseIfExists": {"k8s.example.com:amr": "p?d"}"#,
            warned(
                "compares \"p?d\" by ForAnyValue:StringNotEqualsIgnoreCaseIfExists, to which a wildcard is a letter",
                "write ForAnyValue:StringNotLikeIfExists, where * and ? are wildcards",
            ),
        ),
        (r#""StringLike": {"k8s.example.com:sub": "system:serviceaccount:shop:*"}"#, String::new()),
        (r#""StringEquals": {"k8s.example.com:sub": "${*}"}"#, String::new()),
        (
            r#""StringEquals": {"other.example.com:sub": "ann"}"#,
            warned(
                "asks for other.example.com:sub, which no request here has",
                "did you mean k8s.example.com:sub?",
            ),
        ),
        (
            r#""StringEquals": {"ci:AUD": "shop"}"#,
            warned("asks for ci:AUD, which no request here has", "did you mean k8s.example.com:aud?"),
        ),
        (
            r#""StringNotEquals": {"k8s.example.com:role": "x"}"#,
            warned("asks for k8s.example.com:role, which no request here has", there_are),
        ),
        (
            r#""IpAddress": {"aws:SourceIP4": "192.0.2.0/24"}"#,
            warned("asks for aws:SourceIP4, which no request here has", "did you mean aws:SourceIp?"),
        ),
        (r#""IpAddress": {"AWS:sourceip": "192.0.2.0/24"}"#, String::new()),
        (r#""StringEquals": {"aws:RequestTag/team": "shop"}"#, String::new()),
        (
            r#""StringEquals": {"aws:RequestTags/team": "shop"}"#,
            warned("asks for aws:RequestTags/team, which no request here has", there_are),
        ),
        (
            r#""StringEquals": {"k8s.example.com:aud": "Shop"}"#,
            warned(
                "wants k8s.example.com:aud to be \"Shop\", which is none of client_ids",
                "no token of another client is taken: compare the two",
            ),
        ),
        (r#""StringEqualsIgnoreCase": {"k8s.example.com:aud": "Shop"}"#, String::new()),
        (
            r#""StringEquals": {"k8s.example.com:aud": ["shop", "mall"]}"#,
            warned(
                "wants k8s.example.com:aud to be \"mall\", which is none of client_ids",
                "no token of another client is taken: compare the two",
            ),
        ),
        (
            r#""StringEquals": {"k8s.example.com:aud": "sho?"}"#,
            warned(
                "compares \"sho?\" by StringEquals, to which a wildcard is a letter",
                "write StringLike, where * and ? are wildcards",
            ),
        ),
        (r#""StringEquals": {"k8s.example.com:aud": "shop"}"#, String::new()),
        (r#""StringNotEquals": {"k8s.example.com:aud": "mall"}"#, String::new()),
        (r#""StringLike": {"k8s.example.com:aud": "mall"}"#, String::new()),
    ] {
        let said = checked_with(settings, host, condition);
        if expected.is_empty() {
            assert_eq!(said, "", "{condition}");
        } else {
            let found = said.matches(": warning: ").count();
            assert!(found == 1 && said.contains(&expected), "{condition}\n{said}");
        }
    }
}

#[test]
fn check_warns_of_actions_and_offers_that_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let trust = |action: &str| {
        format!(
            r#"{{"Statement": [{{"Effect": "Allow", "Action": ["{action}", "sts:*Identity*"],
                "Principal": {{"Federated": "arn:aws:iam::111122223333:oidc-provider/a.example.com"}}}}]}}"#
        )
    };
    let config = |rule: &str| {
        let provider = |name: &str| {
            format!(
                "[[provider]]\nkind = \"oidc\"\nname = \"{name}\"\naccount = \"111122223333\"\n\
                 issuer = \"https://{name}.example.com\"\nclient_ids = [\"x\"]\n"
            )
        };
        format!(
            "public_url = \"https://broker.example.com\"\n[[account]]\nid = \"111122223333\"\n{}{}\
             [[role]]\narn = \"arn:aws:iam::111122223333:role/Look\"\ntrust_policy = \"trust.json\"\n{rule}",
            provider("a"),
            provider("b"),
        )
    };
    let rule = |provider: &str| {
        format!(
            "[[rule]]\nname = \"r\"\n{provider}when = 'true'\nroles = [\"arn:aws:iam::111122223333:role/Look\"]\n"
        )
    };
    let good = "sts:AssumeRoleWithWebIdentity";
    for (action, rule, message) in [
        (good, rule(""), ""),
        (good, rule("provider = \"a\"\n"), ""),
        ("sts:Assume*", rule(""), ""),
        (
            good,
            rule("provider = \"b\"\n"),
            "arn:aws:iam::111122223333:role/Look is offered, and its trust policy names no provider b\n",
        ),
        (good, String::new(), "nothing offers arn:aws:iam::111122223333:role/Look: nobody can have it\n"),
        (
            "sts:AssumeRoleWithWebIdentities",
            rule(""),
            "Statement[0] of the trust policy speaks of sts:assumerolewithwebidentities, which is no action of a \
             trust policy\n",
        ),
    ] {
        fs::write(folder.path().join("trust.json"), trust(action)).unwrap();
        fs::write(folder.path().join("rolegate.toml"), config(&rule)).unwrap();
        let said = text(&rolegate(folder.path(), &["check", "--config", "rolegate.toml"]).stderr);
        assert_eq!(said.matches(": warning: ").count(), usize::from(!message.is_empty()), "{said}");
        assert!(said.contains(message), "{said}");
    }
}

/// The key of RFC 8037 appendix A.2, with an id and without.
const ED25519_KEYS: &str = r#"{"keys": [
    {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
]}"#;

#[test]
fn check_tells_which_keys_of_a_file_are_not_used() {
    let provider = "issuer = \"https://k8s.example.com\"\nclient_ids = [\"x\"]\njwks = \"jwks.json\"";
    let said = checked_with(provider, "k8s.example.com", r#""StringEquals": {"k8s.example.com:sub": "ann"}"#);
    let expected = "warning: a key that is not used: ?: no `kid`\n   |\n11 | jwks = \"jwks.json\"\n   |        ^\n  \
                    help: tokens that it signs are refused; mend it, or take it out\n\n0 error(s), 1 warning(s)\n";
    assert!(said.ends_with(expected), "{said}");
}

/// A complete configuration with this provider of OpenID Connect and a role that trusts it on this
/// condition; what `check` says of it.
fn checked_with(provider: &str, arn: &str, condition: &str) -> String {
    checked_naming(provider, &format!("arn:aws:iam::111122223333:oidc-provider/{arn}"), condition)
}

/// As [`checked_with`], where the trust policy says `principal`.
fn checked_naming(provider: &str, principal: &str, condition: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let trust = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {{"Federated": "{principal}"}}, "Condition": {{{condition}}}}}]}}"#
    );
    fs::write(folder.path().join("trust.json"), trust).unwrap();
    fs::write(folder.path().join("jwks.json"), ED25519_KEYS).unwrap();
    let config = format!(
        "public_url = \"https://broker.example.com\"\n[[account]]\nid = \"111122223333\"\n\
         [[provider]]\nkind = \"oidc\"\nname = \"ci\"\naccount = \"111122223333\"\ngrant = \"trust-policy\"\n{provider}\n\
         [[role]]\narn = \"arn:aws:iam::111122223333:role/Deploy\"\ntrust_policy = \"trust.json\"\n"
    );
    fs::write(folder.path().join("rolegate.toml"), config).unwrap();
    text(&rolegate(folder.path(), &["check", "--config", "rolegate.toml"]).stderr)
}

#[test]
fn check_refuses_who_lets_everybody_of_a_shared_issuer_in() {
    let github = "preset = \"github-actions\"";
    let (host, google) = ("token.actions.githubusercontent.com", "accounts.google.com");
    let google_settings = "issuer = \"https://accounts.google.com\"\nclient_ids = [\"app\"]";
    let outlook = "login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0";
    let personal = format!("preset = \"microsoft\"\nissuer = \"https://{outlook}\"\nclient_ids = [\"app\"]");
    let cluster = "preset = \"kubernetes\"\nissuer = \"https://k8s.example.com\"";
    for (provider, host, condition, fault) in [
        (github, host, String::new(), "which anybody can get"),
        (
            github,
            host,
            format!(r#""StringEquals": {{"{host}:aud": "sts.amazonaws.com"}}"#),
            "which anybody can get",
        ),
        (github, host, format!(r#""StringLike": {{"{host}:sub": "repo:*"}}"#), "which anybody can get"),
        (github, host, format!(r#""StringLike": {{"{host}:sub": "repo:acme/*"}}"#), ""),
        // Whose repository it is, subjects need not say: whoever owns it decides what they say.
        (
            github,
            host,
            format!(r#""StringLike": {{"{host}:sub": "repository_owner:*"}}"#),
            "which anybody can get",
        ),
        (
            github,
            host,
            format!(r#""StringEquals": {{"{host}:sub": "environment:production"}}"#),
            "which anybody can get",
        ),
        (
            github,
            host,
            format!(r#""StringLike": {{"{host}:job_workflow_ref": "acme/ci/.github/workflows/a.yml@*"}}"#),
            "which anybody can get",
        ),
        (github, host, format!(r#""StringLike": {{"{host}:sub": "repository_owner:acme:*"}}"#), ""),
        (github, host, format!(r#""StringEquals": {{"{host}:repository_owner_id": "77"}}"#), ""),
        (google_settings, google, String::new(), "which anybody can get"),
        (google_settings, google, format!(r#""StringEquals": {{"{google}:aud": "app"}}"#), ""),
        (
            google_settings,
            google,
            format!(r#""StringLike": {{"{google}:sub": "1*"}}"#),
            "which anybody can get",
        ),
        (&personal, outlook, String::new(), "which anybody can get"),
        (&personal, outlook, format!(r#""StringEquals": {{"{outlook}:aud": "app"}}"#), ""),
        (cluster, "k8s.example.com", String::new(), "which anybody can get"),
        (
            cluster,
            "k8s.example.com",
            r#""StringEquals": {"k8s.example.com:sub": "system:serviceaccount:shop:checkout"}"#.to_owned(),
            "",
        ),
        ("issuer = \"https://k8s.example.com\"\nclient_ids = [\"x\"]", "k8s.example.com", String::new(), ""),
    ] {
        let said = checked_with(provider, host, &condition);
        assert_eq!(said.is_empty(), fault.is_empty(), "{provider} {condition}: {said}");
        assert!(said.contains(fault), "{provider} {condition}: {said}");
    }
    let said = checked_with(github, host, "");
    let expected = format!(
        "error: Statement[0] of the trust policy lets everybody in who has a token of {host}, which anybody can get\n"
    );
    assert!(said.contains(&expected), "{said}");
    let help = format!(
        "  help: ask for somebody and not for everybody, by one of these, with StringLike where there is a *, else with StringEquals\n        \
         {host}:sub = \"repo:…/*\"\n        {host}:sub = \"repository:…/*\"\n        {host}:sub = \"repository_id:…:*\"\n"
    );
    assert!(said.contains(&help), "{said}");
}

/// AWS's own trust policies name some issuers by their host, and no provider of the account (facts 3.6).
#[test]
fn check_knows_a_well_known_issuer_by_its_host() {
    let google = "preset = \"google\"\nclient_ids = [\"app\"]";
    let amazon = "preset = \"login-with-amazon\"\nclient_ids = [\"app\"]";
    let cognito = "preset = \"cognito-identity\"\nclient_ids = [\"eu-west-1:pool\"]";
    for (provider, host, condition, fault) in [
        (google, "accounts.google.com", "", "error: Statement[0] of the trust policy lets everybody in"),
        (google, "accounts.google.com", r#""StringEquals": {"accounts.google.com:aud": "app"}"#, ""),
        (amazon, "www.amazon.com", "", "error: Statement[0] of the trust policy lets everybody in"),
        (amazon, "www.amazon.com", r#""StringEquals": {"www.amazon.com:app_id": "app"}"#, ""),
        (
            cognito,
            "cognito-identity.amazonaws.com",
            "",
            "error: Statement[0] of the trust policy lets everybody in",
        ),
        // Whoever else is meant by a host, nobody is.
        (
            "issuer = \"https://idp.example.com\"\nclient_ids = [\"app\"]",
            "idp.example.com",
            "",
            "warning: the trust policy names idp.example.com, which is no [[provider]]",
        ),
    ] {
        let said = checked_naming(provider, host, condition);
        assert_eq!(said.is_empty(), fault.is_empty(), "{provider} {condition}: {said}");
        assert!(said.contains(fault), "{provider} {condition}: {said}");
    }
}

#[test]
fn check_knows_what_a_preset_leaves_open() {
    let tenant = "https://login.microsoftonline.com/6f4b2c1e-9a37-4b62-8f0d-1c2d3e4f5a6b/v2.0";
    for (provider, fault) in [
        ("preset = \"githup\"", "there is no preset called \"githup\"\n"),
        ("client_ids = [\"x\"]", "there is no issuer\n"),
        ("preset = \"gitlab\"", "there is no client id: every token would be refused\n"),
        (
            "preset = \"gitlab\"\nissuer = \"https://gitlab.example.com\"\nclient_ids = [\"x\"]",
            "https://gitlab.example.com is no issuer of the preset gitlab\n",
        ),
        ("preset = \"microsoft\"\nclient_ids = [\"x\"]", "the preset microsoft has an issuer a customer\n"),
        (
            "preset = \"microsoft\"\nissuer = \"https://login.microsoftonline.com/common/v2.0\"\nclient_ids = [\"x\"]",
            "issues no token: each names the tenant that the person is of\n",
        ),
        (&format!("preset = \"microsoft\"\nissuer = \"{tenant}\"\nclient_ids = [\"x\"]"), ""),
        ("preset = \"hcp-terraform\"\nalgorithms = [\"RS256\"]", ""),
        ("preset = \"login-with-amazon\"\nclient_ids = [\"x\"]", ""),
        (
            "preset = \"login-with-amazon\"\nclient_ids = [\"x\"]\nreplay = \"once\"",
            "replay has no meaning for Login with Amazon\n",
        ),
        (
            "preset = \"login-with-amazon\"\nclient_ids = [\"x\"]\nalgorithms = [\"RS256\"]",
            "algorithms has no meaning for Login with Amazon\n",
        ),
        (
            "preset = \"login-with-amazon\"\nclient_ids = [\"x\"]\ntoken_info = \"http://127.0.0.1/\"",
            "\"http://127.0.0.1/\" is not an https URL without a query\n",
        ),
        (
            "preset = \"google\"\nclient_ids = [\"x\"]\ntoken_info = \"https://api.amazon.com/\"",
            "https://accounts.google.com is not asked about its tokens\n",
        ),
        ("preset = \"github-actions\"\nkeys_refresh = \"30s\"", "30 s is not between 1m and 1d\n"),
        ("preset = \"github-actions\"\nkeys_max_age = \"1m\"", "60 s is not between keys_refresh and 7d\n"),
        (
            "preset = \"github-actions\"\nkeys_max_age = \"8d\"",
            "691200 s is not between keys_refresh and 7d\n",
        ),
        (
            "preset = \"github-actions\"\njwks = \"trust.json\"",
            "the key set can't be used: not a JSON object",
        ),
        (
            "preset = \"github-actions\"\njwks = \"jwks.json\"\nkeys_max_age = \"2d\"",
            "keys_max_age is for keys that are fetched\n",
        ),
    ] {
        let said =
            checked_with(provider, "other.example.com", r#""StringEquals": {"aws:SourceIp": "1.1.1.1"}"#);
        let errors = said.lines().filter(|line| line.contains(": error: ")).count();
        assert_eq!(errors, usize::from(!fault.is_empty()), "{provider}: {said}");
        assert!(said.contains(fault), "{provider}: {said}");
    }
}

fn with_ring(folder: &Path) {
    fs::write(folder.join("rolegate.toml"), "public_url = \"http://127.0.0.1:8080\"\n").unwrap();
}

fn keys(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let ran =
        rolegate(folder, &[&["keys", arguments[0], "--config", "rolegate.toml"], &arguments[1..]].concat());
    (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
}

/// The name and the state of each key.
fn listed(folder: &Path) -> Vec<(String, String)> {
    let (code, said, error) = keys(folder, &["list"]);
    assert_eq!(code, Some(0), "{error}");
    let (head, lines) = said.split_once('\n').unwrap();
    assert_eq!(head, "KEY       SEALS FROM            NOW");
    lines.lines().map(|line| (line[..8].to_owned(), line[32..].to_owned())).collect()
}

#[test]
fn keys_are_made_turned_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    with_ring(folder);
    let ring = folder.join("var/keys/ring");
    let (code, _, error) = keys(folder, &["list"]);
    assert_eq!(code, Some(1));
    assert!(
        error.ends_with("var/keys/ring: it is not there; `rolegate keys generate` makes it\n"),
        "{error}"
    );

    let (code, said, error) = keys(folder, &["generate"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let first = listed(folder);
    assert!(said.ends_with(&format!("ring was made; key {} seals\n", first[0].0)), "{said}");
    assert_eq!((first.len(), first[0].1.as_str()), (1, "seals"));
    let (code, _, error) = keys(folder, &["generate"]);
    assert_eq!(code, Some(1));
    assert!(error.ends_with("it is there already; `rolegate keys rotate` adds a key\n"), "{error}");

    let (code, said, _) = keys(folder, &["rotate"]);
    assert_eq!(code, Some(0));
    assert!(said.ends_with("give every other node this file before the key seals\n"), "{said}");
    let waiting = listed(folder);
    assert_eq!((waiting[0].1.as_str(), &waiting[1]), ("opens, and waits for its time", &first[0]));
    assert!(said.starts_with(&format!("key {} was added; it seals from 20", waiting[0].0)), "{said}");

    let (code, _, _) = keys(folder, &["rotate", "--seals-in", "0s"]);
    assert_eq!(code, Some(0));
    let states: Vec<_> = listed(folder).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states[..2], ["opens, and waits for its time", "seals"]);
    assert!(states[2].starts_with("opens what it sealed, until 20"), "{states:?}");

    // As it would be two days later: what the first key sealed is over.
    let aged = fs::read_to_string(&ring).unwrap().replace("\n20", "\n10");
    fs::write(&ring, aged).unwrap();
    assert_eq!(listed(folder)[2], (first[0].0.clone(), "of no use; the next rotation takes it out".into()));
    let (_, said, _) = keys(folder, &["rotate"]);
    let out = format!("\nkey {} was taken out: what it sealed is over\n", first[0].0);
    assert!(said.contains(&out), "{said}");

    let (code, said, _) = keys(folder, &["rotate", "--compromised"]);
    assert_eq!((code, said.matches("nothing that it sealed is good").count()), (Some(0), 2), "{said}");
    let left = listed(folder);
    assert_eq!((left.len(), left[0].1.as_str()), (1, "seals"));
    let secret = fs::read_to_string(&ring).unwrap();
    assert!(!said.contains(secret.trim_end().rsplit(' ').next().unwrap()), "the key itself is not told");
}

#[test]
fn keys_of_a_ring_that_is_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    with_ring(folder);
    keys(folder, &["generate"]);
    let ring = folder.join("var/keys/ring");
    let good = fs::read(&ring).unwrap();
    fs::write(&ring, "scrambled\n").unwrap();
    for asked in [&["list"][..], &["rotate"], &["rotate", "--compromised"]] {
        let (code, said, error) = keys(folder, asked);
        assert_eq!((code, said.as_str()), (Some(1), ""));
        assert!(error.contains("var/keys/ring: line 1 is not a time and 32 bytes of base64"), "{error}");
    }
    assert_eq!(fs::read_to_string(&ring).unwrap(), "scrambled\n");
    fs::write(&ring, good).unwrap();
    let (code, _, error) = keys(folder, &["rotate", "--compromised", "--seals-in", "1h"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("'--compromised' cannot be used with '--seals-in <SPAN>'"), "{error}");
}

#[test]
fn check_names_terms_of_the_console_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    for (key, fault) in [
        ("idle = \"59s\"", Some("console.idle is shorter than a minute")),
        ("lifetime = \"500ms\"", Some("console.lifetime is shorter than a minute")),
        ("[portal]\nlifetime = \"1m\"", Some("portal.lifetime is not between 5m and 7d")),
        ("most_sessions = 0", Some("invalid value: integer `0`, expected a nonzero usize")),
        ("bound_to = [\"moon\"]", Some("unknown variant `moon`, expected `program` or `address`")),
        ("idle = \"1m\"\nlifetime = \"12h\"\nmost_sessions = 1\nbound_to = [\"program\", \"address\"]", None),
    ] {
        let config = format!("public_url = \"https://broker.example.com\"\n[console]\n{key}\n");
        fs::write(folder.path().join("rolegate.toml"), config).unwrap();
        let checked = rolegate(folder.path(), &["check", "--config", "rolegate.toml"]);
        let said = text(&checked.stderr);
        let found = said.lines().find_map(|line| line.split_once("error: ")).map(|(_, fault)| fault);
        assert_eq!(found, fault, "{said}");
    }
}

#[test]
fn check_names_aliases_that_are_none_or_twice() {
    let folder = tempfile::tempdir().unwrap();
    let trust = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}}"#;
    fs::write(folder.path().join("trust.json"), trust).unwrap();
    for (aliases, fault) in [
        (["Deploy!", "look"], "rolegate.toml:6:9: error: alias is not 1 to 64 of a-z, 0-9 and -"),
        (["look", "look"], "rolegate.toml:10:9: error: another role has this alias"),
    ] {
        let role = |name: &str, alias: &str| {
            format!(
                "[[role]]\narn = \"arn:aws:iam::111122223333:role/{name}\"\nalias = \"{alias}\"\ntrust_policy = \"trust.json\"\n"
            )
        };
        let config = format!(
            "public_url = \"https://broker.example.com\"\n[[account]]\nid = \"111122223333\"\n{}{}",
            role("Deploy", aliases[0]),
            role("Look", aliases[1]),
        );
        fs::write(folder.path().join("rolegate.toml"), config).unwrap();
        let checked = rolegate(folder.path(), &["check", "--config", "rolegate.toml"]);
        let said = text(&checked.stderr);
        assert!(said.contains(fault), "{said}");
    }
}
