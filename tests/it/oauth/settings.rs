//! What may be written about clients.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rolegate::config::{self, Severity};

use crate::saml::fixture::noon;

/// Every fault of a configuration with this client: `E` or `W`, and the message.
fn faults(client: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    save("jwks.json", r#"{"keys":[]}"#);
    for (name, secret, mode) in [
        ("secret", "0123456789abcdef0123\n", 0o600),
        ("short", "0123456789abcdef012\n", 0o600),
        ("plus", "0123456789abcdef+0123\n", 0o600),
        ("open", "0123456789abcdef0123\n", 0o644),
    ] {
        save(name, secret);
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let head = "public_url = \"https://broker.example.com\"\n[[account]]\nid = \"111122223333\"\n\
                [[provider]]\nkind = \"saml\"\nname = \"corp\"\naccount = \"111122223333\"\n\
                metadata = { url = \"https://idp.example.com/metadata\" }\n\
                [[provider]]\nkind = \"oidc\"\nname = \"machines\"\naccount = \"111122223333\"\n\
                issuer = \"https://ci.example.com\"\nclient_ids = [\"app\"]\n";
    save("rolegate.toml", &format!("{head}[[client]]\n{client}"));
    let found = match config::load(&folder.path().join("rolegate.toml"), noon()) {
        Ok(loaded) => loaded.warnings,
        Err(faults) => faults,
    };
    let about_client = |fault: &&config::Fault| {
        fault.spot.as_ref().is_some_and(|spot| spot.line_and_column().0 > head.lines().count())
    };
    let shown = |fault: &config::Fault| {
        let kind = if fault.severity == Severity::Error { "E" } else { "W" };
        format!("{kind} {}", fault.message).replace(&format!("{}/", folder.path().display()), "")
    };
    found.0.iter().filter(about_client).map(shown).collect()
}

#[test]
fn what_makes_sense_is_taken() {
    for client in [
        "id = \"app\"\ngrants = [\"token-exchange\"]",
        "id = \"app\"\ngrants = [\"token-exchange\", \"refresh\"]\nrefresh_lifetime = \"90d\"\nrefresh_idle = \"7d\"\n\
         origins = [\"https://app.example.com\", \"https://app.example.com:8443\", \"http://localhost:3000\", \
         \"http://127.0.0.1:3000\"]\naudiences = [\"https://api.example.com\", \"api\"]\nproviders = [\"corp\"]",
        "id = \"tv\"\nlabel = \"Living room\"\ngrants = [\"device\", \"refresh\"]",
        "id = \"gateway\"\nsecret = { file = \"secret\" }\nintrospection = true",
        "id = \"store\"\nsecret = { file = \"secret\" }\nauthorization = true",
    ] {
        assert_eq!(faults(client), [""; 0], "{client}");
    }
}

#[test]
fn what_makes_none_is_said() {
    let grants = "grants = [\"token-exchange\"]";
    let not_origin = |text: &str| format!("E \"{text}\" is not an origin that a client's pages may have");
    for (client, expected) in [
        ("id = \"\"", "E \"\" can't be a client's id".to_owned()),
        ("id = \"a b\"", "E \"a b\" can't be a client's id".into()),
        (
            "id = \"a\"\n[[client]]\ngrants = [\"token-exchange\"]\nid = \"a\"",
            "E there is another client with the id \"a\"".into(),
        ),
        ("id = \"a\"\nlabel = \" \"", "E \" \" can't be what people are shown".into()),
        ("id = \"a\"\nlabel = \"a\\nb\"", "E \"a\\nb\" can't be what people are shown".into()),
        ("id = \"a\"\norigins = [\"*\"]", not_origin("*")),
        ("id = \"a\"\norigins = [\"null\"]", not_origin("null")),
        ("id = \"a\"\norigins = [\"https://app.example.com/\"]", not_origin("https://app.example.com/")),
        (
            "id = \"a\"\norigins = [\"https://app.example.com:443\"]",
            not_origin("https://app.example.com:443"),
        ),
        ("id = \"a\"\norigins = [\"https://App.example.com\"]", not_origin("https://App.example.com")),
        ("id = \"a\"\norigins = [\"https://*.example.com\"]", not_origin("https://*.example.com")),
        ("id = \"a\"\norigins = [\"http://app.example.com\"]", not_origin("http://app.example.com")),
        ("id = \"a\"\norigins = [\"file:///app\"]", not_origin("file:///app")),
        ("id = \"a\"\naudiences = [\"\"]", "E \"\" can't be the name of a service".into()),
        ("id = \"a\"\naudiences = [\"x y\"]", "E \"x y\" can't be the name of a service".into()),
        ("id = \"a\"\naudiences = [\"x\", \"x\"]", "E \"x\" stands there twice".into()),
        ("id = \"a\"\nproviders = []", "E there is no provider whose word the client may bring".into()),
        ("id = \"a\"\nproviders = [\"crop\"]", "E there is no provider called \"crop\"".into()),
        (
            "id = \"a\"\nsecret = { file = \"short\" }",
            "E the secret in short is not of 20 or more visible ASCII characters without `+` and `%`".into(),
        ),
        (
            "id = \"a\"\nsecret = { file = \"plus\" }",
            "E the secret in plus is not of 20 or more visible ASCII characters without `+` and `%`".into(),
        ),
        (
            "id = \"a\"\nsecret = { env = \"ROLEGATE_NO_SUCH_VARIABLE\" }",
            "E the environment variable ROLEGATE_NO_SUCH_VARIABLE is not set".into(),
        ),
        (
            "id = \"a\"\nsecret = { file = \"open\" }",
            "W open holds a client's secret, and others may read it (mode 644)".into(),
        ),
        (
            "id = \"a\"\nsecret = { file = \"secret\" }\norigins = [\"https://app.example.com\"]",
            "W this client has a secret and pages of its own: what a page knows, its visitors know".into(),
        ),
        (
            "id = \"a\"\nintrospection = true",
            "E a client without a secret can't ask about tokens: anybody could in its name".into(),
        ),
        (
            "id = \"a\"\nauthorization = true",
            "E a client without a secret can't ask about tokens: anybody could in its name".into(),
        ),
        (
            "id = \"a\"\nrefresh_lifetime = \"1h\"",
            "E refresh_lifetime is set, and the client may not refresh".into(),
        ),
        ("id = \"a\"\nrefresh_idle = \"1h\"", "E refresh_idle is set, and the client may not refresh".into()),
    ] {
        assert_eq!(faults(&format!("{grants}\n{client}")), [expected], "{client}");
    }
    for (client, expected) in [
        ("id = \"a\"", "E the client may do nothing"),
        (
            "id = \"a\"\ngrants = [\"password\"]",
            "E unknown variant `password`, expected one of `token-exchange`, `device`, `refresh`",
        ),
        (
            "id = \"a\"\ngrants = [\"refresh\"]",
            "E the client may refresh, and nothing gives it a refresh token",
        ),
        (
            "id = \"a\"\ngrants = [\"token-exchange\", \"refresh\"]\nrefresh_lifetime = \"91d\"",
            "E 7862400 s is not between 1h and 90d",
        ),
        (
            "id = \"a\"\ngrants = [\"token-exchange\", \"refresh\"]\nrefresh_lifetime = \"59m\"",
            "E 3540 s is not between 1h and 90d",
        ),
        (
            "id = \"a\"\ngrants = [\"token-exchange\", \"refresh\"]\nrefresh_idle = \"31d\"",
            "E 2678400 s is not between 1m and the refresh_lifetime",
        ),
        (
            "id = \"a\"\ngrants = [\"device\"]\nproviders = [\"machines\"]",
            "W nobody can approve a device of this client: no provider of its signs people in by browser",
        ),
    ] {
        assert_eq!(faults(client), [expected], "{client}");
    }
}

#[test]
fn a_pipelines_token_should_end_with_its_job() {
    let pipelines = "[[provider]]\nkind = \"oidc\"\nname = \"ci\"\naccount = \"111122223333\"\npreset = \"github-actions\"";
    let warning =
        "W anybody can refresh for weeks what a token of ci gives, which should end with its job".to_owned();
    for (client, expected) in [
        ("grants = [\"token-exchange\", \"refresh\"]", vec![warning]),
        ("grants = [\"token-exchange\", \"refresh\"]\nproviders = [\"corp\"]", vec![]),
        ("grants = [\"token-exchange\", \"refresh\"]\nsecret = { file = \"secret\" }", vec![]),
        ("grants = [\"token-exchange\"]", vec![]),
        ("grants = [\"device\", \"refresh\"]", vec![]),
    ] {
        assert_eq!(faults(&format!("id = \"a\"\n{client}\n{pipelines}")), expected, "{client}");
    }
}

/// Whoever writes one there reads about it, in a terminal or in a pipeline's log that others read too.
#[test]
fn a_secret_that_stands_in_the_configuration_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rolegate.toml");
    let head = "public_url = \"https://broker.example.com\"\n[[account]]\nid = \"111122223333\"\n";
    let provider = "[[provider]]\nkind = \"oidc\"\nname = \"m\"\naccount = \"111122223333\"\n\
                    issuer = \"https://a.example.com\"\nclient_ids = [\"a\"]\n[provider.login]\nclient_id = \"a\"\n";
    for section in [
        "[[client]]\nid = \"a\"\nsecret = \"hunter2\" # hunter2\n",
        "[[client]]\nid = \"a\"\nsecret = { inline = \"hunter2\" }\n",
        "[[client]]\nid = \"a\"\nsecret = \"hunter2\\nhunter2\"\n",
        &format!("{provider}client_secret = \"hunter2\"\n"),
    ] {
        fs::write(&file, format!("{head}{section}")).unwrap();
        let said = config::load(&file, noon()).err().unwrap().to_string();
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.contains("error: a secret can't stand in the configuration itself\n"), "{said}");
        assert!(said.contains("secret = "), "where it stands is shown: {said}");
        assert!(said.contains("  help: write { file = \"…\" } or { env = \"…\" }, and "), "{said}");
    }
}
