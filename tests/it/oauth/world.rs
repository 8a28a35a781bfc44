//! A broker whose clock stands still, with an issuer of ID tokens, a SAML provider and clients.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, redirect};
use rolegate::broker::{Broker, Parts, RevocationSet};
use rolegate::clock::{Clock, ManualClock};
use rolegate::config;
use rolegate::entropy::{Entropy, SystemEntropy};
use rolegate::http::{Surface, serve_operations, serve_public};
use rolegate::identity::sigv4::{Payload, SignedRequest, SigningCredential, sign};
use rolegate::issuer::jwt::SigningKeys;
use rolegate::issuer::local::LocalIssuer;
use rolegate::seal::KeyRing;
use rolegate::secret::Secret;
use rolegate::store::Store;
use serde_json::{Value, json};

use super::fixture::{
    API, AUDITOR_SECRET, Fields, ID_TOKEN, ISSUER, SETTINGS, TOKEN_EXCHANGE, TokenKey, UPLOAD, write,
};
use crate::saml::fixture::noon;
use crate::saml::logout::flaky::Flaky;

/// The broker on a port, and all that it holds.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<Flaky>,
    url: String,
    http: Client,
    server: ServerHandle,
    operations: (String, ServerHandle),
    folder: tempfile::TempDir,
    pub(crate) issuer_key: TokenKey,
    signing: Secret<String>,
    pub(crate) revoked: Arc<RevocationSet>,
}

/// Credentials that a client signs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

/// What it said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) body: String,
}

/// `token` with another character at `index`.
pub(crate) fn changed(token: &str, index: usize) -> String {
    let other = if &token[index..=index] == "A" { "B" } else { "A" };
    [&token[..index], other, &token[index + 1..]].concat()
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
        self.operations.1.stop(false).await;
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
        let ring = Arc::new(KeyRing::of(Secret::new([7; 32])));
        let issuer = Arc::new(LocalIssuer::new(Arc::clone(&ring), Arc::clone(&entropy)));
        let loaded = config::load(&folder.path().join("rolegate.toml"), noon())
            .unwrap_or_else(|faults| panic!("{faults}"));
        let longest_refresh = loaded.snapshot.directory.longest_refresh();
        let revoked = RevocationSet::load(store.as_ref(), longest_refresh, clock.now()).await.unwrap();
        let revoked = Arc::new(revoked);
        let kept: Arc<dyn Store> = store.clone();
        let parts = Parts {
            issuer: issuer.clone(),
            secrets: issuer,
            store: kept,
            revoked: Arc::clone(&revoked),
            ring,
            signing: Arc::new(SigningKeys::from_pem(signing.expose()).unwrap()),
            entropy: Arc::clone(&entropy),
            unheard_for: None,
            clock: clock.clone(),
        };
        let broker = Arc::new(Broker::new(loaded.snapshot, parts));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let surface = Surface {
            settings: None,
            broker,
            clock: clock.clone(),
            entropy,
            trusted_proxies: Arc::new([]),
            admin_token: loaded.process.admin_token.map(Arc::new),
        };
        let server = serve_public(surface.clone(), listener, None).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let operations = format!("http://{}", listener.local_addr().unwrap());
        let server = serve_operations(surface, listener).unwrap();
        let operations = (operations, server.handle());
        actix_web::rt::spawn(server);
        let http = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
        Self { clock, store, url, http, server: handle, operations, folder, issuer_key, signing, revoked }
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
        let request =
            SignedRequest { method: "GET", path: "/", query, headers: &headers, payload: Payload::Body(b"") };
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
        let code = || format!("{} {}", answer.status, answer.element("Code").unwrap_or_default());
        answer.element("Arn").unwrap_or_else(code)
    }

    /// A call of the STS API, signed with `keys`.
    pub(crate) async fn signed(&self, keys: &Keys, parameters: &[(&str, &str)]) -> Answer {
        let all = [parameters, &[("Version", "2011-06-15")]].concat();
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let headers = self.sign("POST", "", &body, &form, keys);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.send(Method::POST, "/", &headers, body).await
    }

    /// The same by `GET`, with the parameters in the address.
    pub(crate) async fn signed_get(&self, keys: &Keys, parameters: &[(&str, &str)]) -> Answer {
        let all = [parameters, &[("Version", "2011-06-15")]].concat();
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        // A signature reads a plus as it stands, a form as a blank.
        let query = query.replace('+', "%20");
        let headers = self.sign("GET", &query, "", &[], keys);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.get(&format!("/?{query}"), &headers).await
    }

    /// These headers, and those that sign the request.
    fn sign(
        &self,
        method: &str,
        query: &str,
        body: &str,
        headers: &[(&'static str, &'static str)],
        keys: &Keys,
    ) -> Vec<(&'static str, String)> {
        let host = self.url.trim_start_matches("http://");
        let own: Vec<(&str, &[u8])> = std::iter::once(("host", host.as_bytes()))
            .chain(headers.iter().map(|(name, value)| (*name, value.as_bytes())))
            .collect();
        let payload = Payload::Body(body.as_bytes());
        let request = SignedRequest { method, path: "/", query, headers: &own, payload };
        let credential = SigningCredential {
            access_key_id: &keys.id,
            secret_access_key: &Secret::new(keys.secret.clone()),
            session_token: keys.token.as_deref(),
            region: "us-east-1",
            service: "sts",
        };
        let signed = sign(&request, &credential, self.clock.now());
        signed.into_iter().chain(headers.iter().map(|(name, value)| (*name, (*value).to_owned()))).collect()
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

    /// What those in charge send to `/admin/v1`.
    pub(crate) async fn admin(&self, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let request = self.http.post(format!("{}/admin/v1/{path}", self.operations.0)).body(body);
        Answer::of(with(request, headers)).await
    }

    /// What the operations listener says at `path`.
    pub(crate) async fn operations(&self, path: &str) -> Answer {
        Answer::of(self.http.get(format!("{}/{path}", self.operations.0))).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        Answer::of(with(self.http.get(format!("{}{path}", self.url)), headers)).await
    }
}

fn with(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

impl Answer {
    /// The text of an element of an XML answer.
    pub(crate) fn element(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        rest.split_once('<').map(|(value, _)| value.to_owned())
    }

    /// The credentials in an answer of the STS API.
    #[track_caller]
    pub(crate) fn keys(&self) -> Keys {
        assert_eq!(self.status, 200, "{self:?}");
        let text = |name: &str| self.element(name).unwrap();
        Keys { id: text("AccessKeyId"), secret: text("SecretAccessKey"), token: Some(text("SessionToken")) }
    }

    /// Status, code and message of a refusal by the STS API; `200` if it is none.
    pub(crate) fn sts_refusal(&self) -> String {
        let text = |name: &str| self.element(name).unwrap_or_default();
        if self.status == 200 {
            "200".into()
        } else {
            format!("{} {}: {}", self.status, text("Code"), text("Message"))
        }
    }

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
