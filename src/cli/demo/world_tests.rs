//! The demo's world against the real verifiers, rules and policies.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::arn::{ProviderArn, RoleArn};
use crate::cli::demo::idp::{self, Idp};
use crate::cli::demo::people::{ANN, BEN, CLEO, Person};
use crate::clock::{ManualClock, Moment};
use crate::config::Settings;
use crate::entropy::SystemEntropy;
use crate::identity::saml::{Answer, Expect, SamlProvider, SamlSettings, SpSettings};
use crate::policy::Circumstances;
use crate::policy::iam::{Policy, PolicyKind};
use crate::policy::{RuleSource, Rules, TrustPolicy};

fn world(folder: &Path) -> World {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    World { folder: folder.into(), public: at(8080), idp: at(8081), operations: at(8082) }
}

fn written() -> (tempfile::TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    world.keys(&SystemEntropy::new()).unwrap();
    world.write("<EntityDescriptor/>").unwrap();
    let text = fs::read_to_string(world.settings()).unwrap();
    assert!(!text.contains("@PUBLIC") && !text.contains("@ISSUER"), "{text}");
    (folder, toml::from_str(&text).unwrap())
}

#[test]
fn the_configuration_is_complete() {
    let (folder, settings) = written();
    let roles: Vec<RoleArn> = settings.role.iter().map(|role| role.arn.parse().unwrap()).collect();
    assert!(roles.len() >= 5 && settings.account.len() == 2);
    for role in &settings.role {
        for policy in role.policies.iter().chain([&role.trust_policy]) {
            let text = fs::read_to_string(folder.path().join(policy)).unwrap();
            assert!(!text.contains("ACS@") && !text.contains("@ISSUER"), "{text}");
            assert!(text.contains("2012-10-17"));
            if *policy == role.trust_policy {
                TrustPolicy::parse(&text).unwrap();
            } else {
                Policy::parse(PolicyKind::Identity, &text).unwrap();
            }
        }
    }
    for rule in &settings.rule {
        for role in &rule.roles {
            assert!(roles.iter().any(|declared| declared.as_str() == role), "{role}");
        }
    }
    assert!(folder.path().join("idp/metadata.xml").exists());
}

#[test]
fn trust_policies_name_the_providers() {
    let (folder, settings) = written();
    let written: toml::Table =
        fs::read_to_string(folder.path().join("rolegate.toml")).unwrap().parse().unwrap();
    for provider in written["provider"].as_array().unwrap() {
        let text = |key: &str| provider[key].as_str().unwrap();
        let account = text("account").parse().unwrap();
        let arn = match text("kind") {
            "saml" => ProviderArn::saml(account, text("name")),
            _ => ProviderArn::oidc(account, text("issuer")),
        };
        let trusted = settings.role.iter().any(|role| {
            let text = fs::read_to_string(folder.path().join(&role.trust_policy)).unwrap();
            text.contains(&format!("\"{arn}\"")) && role.arn.contains(&arn.account().to_string())
        });
        assert!(trusted, "nobody trusts {arn}");
    }
}

#[test]
fn keys_are_kept_and_private() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path());
    let first = world.keys(&SystemEntropy::new()).unwrap();
    let second = world.keys(&SystemEntropy::new()).unwrap();
    assert_eq!(first.token.jwks(), second.token.jwks());
    assert!(first.portal_secret.same_as(second.portal_secret.expose().as_bytes()));
    for name in ["idp/saml-key.pem", "idp/token-key.pem", "idp/portal-secret", "certs/sp.pem"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// What the written rules offer to whom a genuine response is about.
#[test]
fn everybody_is_offered_what_the_tour_says() {
    let now = Moment::from_unix(1_800_000_000);
    let (folder, settings) = written();
    let (world, entropy) = (world(folder.path()), Arc::new(SystemEntropy::new()));
    let (broker, keys) = (world.broker(), world.keys(entropy.as_ref()).unwrap());
    let corp = SamlSettings {
        arn: "arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap(),
        name: "corp".into(),
        entity_id: broker.corp.entity_id.clone(),
        audiences: vec![broker.corp.entity_id.clone()],
        recipients: vec![broker.corp.acs.clone()],
        clock_skew: Duration::from_secs(60),
        max_age: Duration::from_secs(300),
        authn_contexts: Vec::new(),
        must_be_encrypted: false,
        accept: crate::identity::saml::Accept::default(),
        sp: SpSettings::default(),
    };
    let idp = Idp::new(world.issuer(), broker, keys, Arc::new(ManualClock::at(now)), entropy);
    let corp = SamlProvider::new(corp, idp.saml_metadata().as_bytes(), now).unwrap();
    let sources = settings.rule.into_iter().map(|rule| RuleSource {
        name: rule.name,
        provider: rule.provider,
        when: rule.when,
        roles: rule.roles.iter().map(|role| role.parse().unwrap()).collect(),
        session_name: rule.session_name,
        source_identity: rule.source_identity,
        tags: rule.tags.into_iter().collect(),
        transitive_tags: rule.transitive_tags,
        duration: rule.duration.map(|span| span.0),
        ..RuleSource::default()
    });
    let rules = Rules::compile(sources.collect()).unwrap();
    let offers = |person: &Person| {
        let response = idp.saml_response(person, None).unwrap();
        let expect = Expect { recipient: None, in_response_to: Answer::Any };
        let identity = corp.verify(&response, expect, now).unwrap();
        let matching = rules.matching(&identity, None, Circumstances::at(now)).into_iter();
        matching
            .flat_map(|(rule, mapping)| rule.roles().iter().map(move |role| (role.clone(), mapping.clone())))
            .map(|(role, mapping)| (role.name().to_owned(), mapping.session_name.unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    let ann = ["Deploy", "ReadOnly"].map(|role| (role.to_owned(), ANN.email.to_owned()));
    assert_eq!(offers(&ANN), ann);
    assert_eq!(offers(&BEN), [("Auditor".to_owned(), BEN.email.to_owned())]);
    assert_eq!(offers(&CLEO), []);
}

#[test]
fn the_broker_accepts_the_configuration() {
    let now = Moment::from_unix(1_800_000_000);
    let folder = tempfile::tempdir().unwrap();
    let (world, entropy) = (world(folder.path()), Arc::new(SystemEntropy::new()));
    let keys = world.keys(entropy.as_ref()).unwrap();
    let idp = Idp::new(world.issuer(), world.broker(), keys, Arc::new(ManualClock::at(now)), entropy);
    world.write(&idp.saml_metadata()).unwrap();
    let loaded = crate::config::load(&world.settings(), now).unwrap_or_else(|faults| panic!("{faults}"));
    let told = loaded.warnings.to_string();
    assert!(told.ends_with("0 warning(s)") && told.lines().count() == 1, "{told}");
}

#[tokio::test]
async fn the_provider_answers_over_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, entropy) = (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::new(SystemEntropy::new()));
    let world = World { idp: listener.local_addr().unwrap(), ..world(folder.path()) };
    let keys = world.keys(entropy.as_ref()).unwrap();
    let clock = Arc::new(ManualClock::at(Moment::from_unix(1_800_000_000)));
    let idp = Arc::new(Idp::new(world.issuer(), world.broker(), keys, clock, entropy));
    let server = idp::serve(idp, listener).unwrap();
    let address = format!("{}/.well-known/openid-configuration", world.issuer());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let discovery = client.get(address).send().await.unwrap().text().await.unwrap();
    assert!(discovery.contains(&format!("\"issuer\":\"{}\"", world.issuer())), "{discovery}");
    server.stop(false).await;
}
