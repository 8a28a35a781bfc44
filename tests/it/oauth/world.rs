//! A broker whose clock stands still, with an issuer of ID tokens, a SAML provider and clients.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, redirect};
use rolegate::broker::{Broker, Parts, RevocationSet};
use rolegate::clock::{Clock, ManualClock};
use rolegate::config;
use rolegate::entropy::{Entropy, SystemEntropy};
use rolegate::http::{Surface, serve_public};
use rolegate::identity::sigv4::{SignedRequest, SigningCredential, sign};
use rolegate::issuer::jwt::SigningKeys;
use rolegate::issuer::local::LocalIssuer;
use rolegate::seal::KeyRing;
use rolegate::secret::Secret;
use rolegate::store::{Revocations, Store};
use serde_json::{Value, json};

use crate::saml::fixture::{HONEST, metadata, noon};
use crate::saml::logout::flaky::Flaky;

/// The broker's address for clients, which is what our tokens are issued by.
pub(crate) const PUBLIC_URL: &str = "https://broker.example.com";

/// The issuer of provider `mobile`.
pub(crate) const ISSUER: &str = "https://accounts.example.com";
/// Two services.
pub(crate) const API: &str = "https://api.example.com";
pub(crate) const PHOTOS: &str = "https://photos.example.com";
/// Cleo's role, and that of employees.
pub(crate) const UPLOAD: &str = "arn:aws:iam::111122223333:role/app/Upload";
pub(crate) const DEV: &str = "arn:aws:iam::111122223333:role/Dev";
/// The grant, and types of tokens.
pub(crate) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(crate) const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
pub(crate) const SAML2: &str = "urn:ietf:params:oauth:token-type:saml2";
pub(crate) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub(crate) const AWS_CREDENTIALS: &str = "urn:rolegate:params:oauth:token-type:aws-credentials";
/// The secrets of the clients that have one.
pub(crate) const SERVER_SECRET: &str = "5fb5aa1b0d3c4e5e8f9a/server=";
pub(crate) const AUDITOR_SECRET: &str = "9fb5aa1b0d3c4e5e8f9a/auditor=";

/// The broker on a port, and all that it holds.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<Flaky>,
    url: String,
    http: Client,
    server: ServerHandle,
    folder: tempfile::TempDir,
    pub(crate) issuer_key: TokenKey,
    signing: Secret<String>,
    pub(crate) revoked: Arc<RevocationSet>,
}

/// A key of an issuer of ID tokens.
pub(crate) struct TokenKey {
    pair: EcdsaKeyPair,
    id: &'static str,
}

impl TokenKey {
    pub(crate) fn new(id: &'static str) -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(), id }
    }

    fn jwks(&self) -> String {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let encoded = |half: &[u8]| BASE64URL.encode_to_string(half);
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": self.id, "x": encoded(x), "y": encoded(y),
        }] })
        .to_string()
    }

    /// `claims` behind `header`.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let encoded = |part: &Value| BASE64URL.encode_to_string(part.to_string());
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.pair.sign_digest(&digest(&SHA256, signed.as_bytes())).unwrap();
        format!("{signed}.{}", BASE64URL.encode_to_string(signature.as_ref()))
    }
}

/// What it said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) body: String,
}

impl World {
    /// A broker whose clients are `app` (in a browser), `server` (with a secret, for provider `mobile`)
    /// and `auditor` (with a secret).
    pub(crate) async fn start() -> Self {
        Self::configured(SETTINGS).await
    }

    /// A broker with other settings.
    pub(crate) async fn configured(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let issuer_key = TokenKey::new("mobile");
        let signing = SigningKeys::generate_pem().unwrap();
        Self::on(folder, issuer_key, signing, Arc::new(ManualClock::at(noon())), settings).await
    }

    /// The same broker, stopped and started again with other settings.
    pub(crate) async fn again(self, settings: &str) -> Self {
        self.server.stop(false).await;
        while Arc::strong_count(&self.store) > 1 {
            tokio::task::yield_now().await;
        }
        let Self { clock, store, folder, issuer_key, signing, .. } = self;
        drop(store);
        Self::on(folder, issuer_key, signing, clock, settings).await
    }

    async fn on(
        folder: tempfile::TempDir,
        issuer_key: TokenKey,
        signing: Secret<String>,
        clock: Arc<ManualClock>,
        settings: &str,
    ) -> Self {
        write(folder.path(), &issuer_key, settings);
        let store = Arc::new(Flaky::new(folder.path()));
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let ring = Arc::new(KeyRing::new(Secret::new([7; 32]), Vec::new()));
        let issuer = Arc::new(LocalIssuer::new(Arc::clone(&ring), Arc::clone(&entropy)));
        let revoked = Arc::new(RevocationSet::new(store.revocations(clock.now()).await.unwrap()));
        let kept: Arc<dyn Store> = store.clone();
        let parts = Parts {
            issuer: issuer.clone(),
            secrets: issuer,
            store: kept,
            revoked: Arc::clone(&revoked),
            ring,
            signing: Arc::new(SigningKeys::from_pem(signing.expose()).unwrap()),
            entropy: Arc::clone(&entropy),
            clock: clock.clone(),
        };
        let loaded = config::load(&folder.path().join("rolegate.toml"), noon())
            .unwrap_or_else(|faults| panic!("{faults}"));
        let broker = Arc::new(Broker::new(loaded.snapshot, parts));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = serve_public(Surface { broker, clock: clock.clone(), entropy }, listener, None).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let http = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
        Self { clock, store, url, http, server: handle, folder, issuer_key, signing, revoked }
    }

    /// What `cleo`, who pays, would be said of now.
    pub(crate) fn claims(&self) -> Value {
        let now = self.clock.now().unix();
        json!({
            "iss": ISSUER, "sub": "cleo", "aud": "app", "iat": now, "exp": now + 300, "plan": "premium",
        })
    }

    /// An ID token of hers.
    pub(crate) fn id_token(&self) -> String {
        self.id_token_of(&self.claims())
    }

    pub(crate) fn id_token_of(&self, claims: &Value) -> String {
        self.issuer_key.sign(&json!({ "alg": "ES256", "kid": "mobile" }), claims)
    }

    /// `GetCallerIdentity` with `credentials`: the ARN, or status and code.
    pub(crate) async fn caller(&self, credentials: &Value) -> String {
        let host = self.url.trim_start_matches("http://");
        let query = "Action=GetCallerIdentity&Version=2011-06-15";
        let headers: [(&str, &[u8]); 1] = [("host", host.as_bytes())];
        let request = SignedRequest { method: "GET", path: "/", query, headers: &headers, body: b"" };
        let text = |name: &str| credentials[name].as_str().unwrap();
        let credential = SigningCredential {
            access_key_id: text("AccessKeyId"),
            secret_access_key: &Secret::new(text("SecretAccessKey").to_owned()),
            session_token: Some(text("SessionToken")),
            region: "us-east-1",
            service: "sts",
        };
        let signed = sign(&request, &credential, self.clock.now());
        let mut headers: Vec<_> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("host", host));
        let answer = self.get(&format!("/?{query}"), &headers).await;
        let field = |name: &str| {
            let (_, rest) = answer.body.split_once(&format!("<{name}>"))?;
            rest.split_once('<').map(|(value, _)| value.to_owned())
        };
        field("Arn").unwrap_or_else(|| format!("{} {}", answer.status, field("Code").unwrap_or_default()))
    }

    /// The form of an exchange of `app` for a token for `API`, which tests change.
    pub(crate) fn exchange(&self) -> Fields {
        Fields::of(&[
            ("grant_type", TOKEN_EXCHANGE),
            ("client_id", "app"),
            ("subject_token", &self.id_token()),
            ("subject_token_type", ID_TOKEN),
            ("role", UPLOAD),
            ("role_session_name", "cleo-phone"),
            ("audience", API),
        ])
    }

    pub(crate) async fn token(&self, fields: &Fields) -> Answer {
        self.post("/oauth2/token", fields, &[]).await
    }

    /// The form by which `phone` uses a refresh token.
    pub(crate) fn refresh(&self, token: &str) -> Fields {
        Fields::of(&[("grant_type", "refresh_token"), ("client_id", "phone"), ("refresh_token", token)])
    }

    /// What `auditor` is told of a token.
    pub(crate) async fn introspect(&self, token: &str) -> Value {
        let asked =
            Fields::of(&[("client_id", "auditor"), ("client_secret", AUDITOR_SECRET), ("token", token)]);
        let answer = self.post("/oauth2/introspect", &asked, &[]).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
        answer.json()
    }

    pub(crate) async fn post(&self, path: &str, fields: &Fields, headers: &[(&str, &str)]) -> Answer {
        let request = self.http.post(format!("{}{path}", self.url)).form(&fields.0);
        Answer::of(with(request, headers)).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let request = self.http.request(method, format!("{}{path}", self.url)).body(body);
        Answer::of(with(request, headers)).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        Answer::of(with(self.http.get(format!("{}{path}", self.url)), headers)).await
    }
}

fn with(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

/// The fields of a form, each once.
#[derive(Debug, Clone)]
pub(crate) struct Fields(BTreeMap<String, String>);

impl Fields {
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name).unwrap();
        self
    }

    /// As the client `server` sends it.
    pub(crate) fn by_server(self) -> Self {
        self.with("client_id", "server").with("client_secret", SERVER_SECRET)
    }

    pub(crate) fn encoded(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
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

    /// Status and error of a refusal, which is JSON that nobody keeps.
    #[track_caller]
    pub(crate) fn refusal(&self) -> String {
        let error = self.json();
        assert_eq!(
            (self.header("content-type"), self.header("cache-control")),
            ("application/json", "no-store")
        );
        assert_eq!(self.header("www-authenticate").is_empty(), self.status != 401, "{self:?}");
        assert_eq!(self.header("retry-after").is_empty(), self.status != 503, "{self:?}");
        let said = error["error_description"].as_str().unwrap();
        let may_be_said = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        assert!(said.chars().all(may_be_said), "RFC 6749 section 5.2: {said}");
        format!("{} {}", self.status, error["error"].as_str().unwrap())
    }

    /// Status, error and description of a refusal; `200` if it is none.
    #[track_caller]
    pub(crate) fn said(&self) -> String {
        if self.status == 200 {
            return "200".to_owned();
        }
        format!("{}: {}", self.refusal(), self.json()["error_description"].as_str().unwrap())
    }

    /// The `access_token` of what was given.
    #[track_caller]
    pub(crate) fn access_token(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// The `refresh_token` of what was given.
    #[track_caller]
    pub(crate) fn refresh_token(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["refresh_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Writes the configuration and what it names.
fn write(folder: &Path, issuer_key: &TokenKey, settings: &str) {
    let save = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let secret = |name: &str, text: &str| {
        save(name, text);
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    };
    save("jwks.json", &issuer_key.jwks());
    save("corp.xml", &metadata(&[&HONEST]));
    secret("server-secret", SERVER_SECRET);
    secret("auditor-secret", AUDITOR_SECRET);
    let trust = |action: &str, providers: &[&str]| {
        json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": [action, "sts:TagSession"], "Principal": { "Federated": providers },
        }] })
        .to_string()
    };
    let oidc = |host: &str| format!("arn:aws:iam::111122223333:oidc-provider/{host}");
    let (mobile, other) = (oidc("accounts.example.com"), oidc("other.example.com"));
    save("upload.json", &trust("sts:AssumeRoleWithWebIdentity", &[&mobile, &other]));
    save("dev.json", &trust("sts:AssumeRoleWithSAML", &["arn:aws:iam::111122223333:saml-provider/corp"]));
    save("rolegate.toml", settings);
}

/// See [`World::start`].
pub(crate) const SETTINGS: &str = r#"
public_url = "https://broker.example.com"
[[account]]
id = "111122223333"
[[account]]
id = "444455556666"

[[provider]]
kind = "oidc"
name = "mobile"
account = "111122223333"
issuer = "https://accounts.example.com"
client_ids = ["app"]
jwks = "jwks.json"
[[provider]]
kind = "oidc"
name = "other"
account = "111122223333"
issuer = "https://other.example.com"
client_ids = ["app"]
jwks = "jwks.json"
[[provider]]
kind = "saml"
name = "corp"
account = "111122223333"
metadata = { file = "corp.xml" }
idp_initiated = true
entity_id = "https://broker.example.com"

[[role]]
arn = "arn:aws:iam::111122223333:role/app/Upload"
trust_policy = "upload.json"
max_session_duration = "2h"
[[role]]
arn = "arn:aws:iam::111122223333:role/Dev"
trust_policy = "dev.json"
[[role]]
arn = "arn:aws:iam::111122223333:role/Untrusting"
trust_policy = "dev.json"

[[rule]]
name = "paying customers upload"
when = '"premium" in attr.plan'
roles = ["arn:aws:iam::111122223333:role/app/Upload", "arn:aws:iam::111122223333:role/Untrusting"]
tags = { plan = 'attr.plan[0]' }
[[rule]]
name = "employees develop"
provider = "corp"
when = '"platform" in attr.groups'
roles = ["arn:aws:iam::111122223333:role/Dev"]
session_name = 'subject'

[[client]]
id = "app"
origins = ["https://app.example.com"]
grants = ["token-exchange"]
audiences = ["https://api.example.com", "https://photos.example.com"]
[[client]]
id = "server"
secret = { file = "server-secret" }
grants = ["token-exchange"]
audiences = ["https://api.example.com"]
providers = ["mobile"]
[[client]]
id = "phone"
grants = ["token-exchange", "refresh"]
audiences = ["https://api.example.com"]
refresh_idle = "7d"
[[client]]
id = "tablet"
grants = ["token-exchange", "refresh"]
audiences = ["https://api.example.com"]
[[client]]
id = "auditor"
secret = { file = "auditor-secret" }
introspection = true
"#;
