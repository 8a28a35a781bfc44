//! A broker whose clock stands still, with an issuer of ID tokens, a SAML provider and clients.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, redirect};
use rolegate::broker::{Broker, Parts, RevocationSet};
use rolegate::clock::{Clock, ManualClock};
use rolegate::config;
use rolegate::entropy::{Entropy, SystemEntropy};
use rolegate::http::{Surface, serve_public};
use rolegate::issuer::jwt::SigningKeys;
use rolegate::issuer::local::LocalIssuer;
use rolegate::seal::KeyRing;
use rolegate::secret::Secret;
use rolegate::store::{Revocations, Store};
use serde_json::Value;

use crate::saml::fixture::noon;
use crate::saml::logout::flaky::Flaky;

/// The broker's address for clients, which is what our tokens are issued by.
pub(crate) const PUBLIC_URL: &str = "https://broker.example.com";

/// The broker on a port, and all that it holds.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<Flaky>,
    url: String,
    http: Client,
    server: ServerHandle,
    _folder: tempfile::TempDir,
}

/// What it said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) body: String,
}

impl World {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(noon()));
        let store = Arc::new(Flaky::new(folder.path()));
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let ring = Arc::new(KeyRing::new(Secret::new([7; 32]), Vec::new()));
        let issuer = Arc::new(LocalIssuer::new(Arc::clone(&ring), Arc::clone(&entropy)));
        let revoked = Arc::new(RevocationSet::new(store.revocations(clock.now()).await.unwrap()));
        let signing = SigningKeys::from_pem(SigningKeys::generate_pem().unwrap().expose()).unwrap();
        let kept: Arc<dyn Store> = store.clone();
        let parts = Parts {
            issuer: issuer.clone(),
            secrets: issuer,
            store: kept,
            revoked,
            ring,
            signing: Arc::new(signing),
            entropy: Arc::clone(&entropy),
            clock: clock.clone(),
        };
        let loaded =
            config::load(&settings(folder.path()), noon()).unwrap_or_else(|faults| panic!("{faults}"));
        let broker = Arc::new(Broker::new(loaded.snapshot, parts));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = serve_public(Surface { broker, clock: clock.clone(), entropy }, listener, None).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let http = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
        Self { clock, store, url, http, server: handle, _folder: folder }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        Answer::of(with(self.http.get(format!("{}{path}", self.url)), headers)).await
    }
}

fn with(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

impl Answer {
    async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Self { status, headers, body: answer.text().await.unwrap() }
    }

    /// A header's only value; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert!(values.len() <= 1, "{name}: {values:?}");
        values.first().map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Writes the configuration.
fn settings(folder: &Path) -> PathBuf {
    let text = format!("public_url = \"{PUBLIC_URL}\"\n[[account]]\nid = \"111122223333\"\n");
    let file = folder.join("rolegate.toml");
    fs::write(&file, text).unwrap();
    file
}
