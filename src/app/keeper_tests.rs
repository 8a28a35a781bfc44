//! The keeper at work, and a whole broker between a living and a dead identity provider.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use super::*;
use crate::app::{self, Listeners};
use crate::clock::{ManualClock, SystemClock};
use crate::config::{self, Loaded};
use crate::entropy::SystemEntropy;

const METADATA: &str = include_str!("../../config/providers/corp-metadata.xml");

/// A configuration with these providers: name and `metadata`.
fn configured(folder: &Path, providers: &[(&str, String)]) -> Loaded {
    let mut text = String::from(
        "public_url = \"http://127.0.0.1:8080\"\n[store]\nkind = \"memory\"\n[sealing]\nring = \"ring\"\n\
         [saml]\nmetadata_cache = \"kept\"\n[[account]]\nid = \"111122223333\"\n",
    );
    for (name, metadata) in providers {
        text += &format!(
            "[[provider]]\nkind = \"saml\"\nname = \"{name}\"\naccount = \"111122223333\"\n\
             allow_loopback_http = true\nmetadata = {metadata}\n"
        );
    }
    let file = folder.join("rolegate.toml");
    fs::write(&file, text).unwrap();
    config::load(&file, SystemClock.now()).unwrap_or_else(|faults| panic!("{faults}"))
}

fn saml<'a>(snapshot: &'a Snapshot, name: &str) -> &'a SamlProvider {
    match &snapshot.directory.provider(name).unwrap().verifier {
        Verifier::Saml(saml) => &saml.provider,
        Verifier::Oidc(_) => panic!("{name} is no SAML provider"),
    }
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_looking() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("corp.xml");
    fs::write(&file, METADATA).unwrap();
    let loaded = configured(folder.path(), &[("corp", "{ file = \"corp.xml\" }".to_owned())]);
    let snapshot = Arc::new(loaded.snapshot);
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let entropy = Arc::new(SystemEntropy::new());
    let task = Keeper { snapshot: snapshot.clone(), clock, entropy }.start().await;
    let provider = saml(&snapshot, "corp");
    for year in [3000, 4000] {
        assert!(
            !provider.valid_until().is_some_and(|until| until.to_string().starts_with(&year.to_string()))
        );
        let until = format!("validUntil=\"{year}-01-01T00:00:00Z\" entityID");
        fs::write(&file, METADATA.replace("entityID", &(" ".repeat(year / 1000) + &until))).unwrap();
        // The clock of this runtime runs as fast as nobody has anything to do.
        while !provider.valid_until().is_some_and(|until| until.to_string().starts_with(&year.to_string())) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
}

/// An identity provider that answers every request with its metadata.
fn living() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/metadata", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request) = (stream.unwrap(), [0; 4096]);
            let _ = stream.read(&mut request);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", METADATA.len());
            let _ = stream.write_all((head + METADATA).as_bytes());
        }
    });
    url
}

/// A provider that only its metadata names is found once that is there, in its place.
#[tokio::test]
async fn providers_are_found_by_what_their_metadata_says() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("corp.xml"), METADATA).unwrap();
    let issuer = "https://idp.example.com/metadata";
    let providers = [
        ("unnamed", format!("{{ url = \"{}\" }}", living())),
        ("file", "{ file = \"corp.xml\" }".to_owned()),
        ("named", format!("{{ url = \"{}\", entity = \"{issuer}\" }}", living())),
        ("other", format!("{{ url = \"{}\", entity = \"urn:other\" }}", living())),
    ];
    let snapshot = Arc::new(configured(folder.path(), &providers).snapshot);
    let found = || -> Vec<_> {
        snapshot.directory.saml_providers(issuer).map(|provider| provider.name.as_str()).collect()
    };
    assert_eq!(found(), ["file", "named"]);
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy::new()));
    let task = Keeper { snapshot: snapshot.clone(), clock, entropy }.start().await;
    assert_eq!(found(), ["unnamed", "file", "named"]);
    assert!(!saml(&snapshot, "other").metadata_state(SystemClock.now()).is_usable);
    task.abort();
}

#[actix_web::test]
async fn a_dead_identity_provider_keeps_nobody_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}/metadata", bind().local_addr().unwrap());
    let providers =
        [("alive", living()), ("dead", dead)].map(|(name, url)| (name, format!("{{ url = \"{url}\" }}")));
    let loaded = configured(folder.path(), &providers);
    let (public, operations) = (bind(), bind());
    let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
    let (broker, ops) = (address(&public), address(&operations));
    let running = app::start(loaded, Listeners { public, operations }).await.unwrap();

    let get = async |url: String| {
        let answer = reqwest::get(url).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, ready) = get(format!("{ops}/readyz")).await;
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    assert_eq!((status, &ready["ready"]), (200, &true.into()));
    let states: Vec<_> = ready["dependencies"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["ok", "ok", "ok", "failing"], "{ready}");
    let detail = ready["dependencies"][3]["detail"].as_str().unwrap();
    assert!(detail.starts_with("not renewed since ") && detail.contains("no answer"), "{detail}");

    let (_, metrics) = get(format!("{ops}/metrics")).await;
    let fingerprint = "8de4756efb1e21736dbdd7f0c4bef07438d523447a03f14d8b805b31928b6247";
    for line in [
        "rolegate_saml_metadata_usable{provider=\"alive\"} 1".to_owned(),
        "rolegate_saml_metadata_usable{provider=\"dead\"} 0".to_owned(),
        "rolegate_saml_metadata_looks_total{provider=\"alive\",outcome=\"renewed\"} 1".to_owned(),
        "rolegate_saml_metadata_looks_total{provider=\"dead\",outcome=\"failed\"} 1".to_owned(),
        "rolegate_saml_metadata_valid_until_timestamp_seconds{provider=\"alive\"} NaN".to_owned(),
        "rolegate_saml_certificates_not_after_timestamp_seconds{provider=\"alive\"} 4948965709".to_owned(),
        format!(
            "rolegate_saml_certificate_not_after_timestamp_seconds{{provider=\"alive\",fingerprint=\"{fingerprint}"
        ),
    ] {
        assert!(metrics.lines().any(|one| one.starts_with(&line)), "{line} is missing in\n{metrics}");
    }
    let age = metrics
        .lines()
        .find_map(|line| line.strip_prefix("rolegate_saml_metadata_age_seconds{provider=\"alive\"} "));
    assert!(age.unwrap().parse::<f64>().unwrap() >= 0.0);

    let (status, page) = get(format!("{broker}/saml/dead/login")).await;
    assert!(status >= 400, "{status} {page}");
    assert_eq!(fs::read_dir(folder.path().join("kept")).unwrap().count(), 1, "the living one's copy");
    running.stop().await;
}
