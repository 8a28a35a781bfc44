//! A provider made of two keys and a socket, and what its tokens must and must not achieve.

mod cached;
mod claims;
mod logins;
mod pinned;
mod shapes;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use super::*;
use crate::fetch::http_client;

/// Where the issuers of these tests are.
pub(super) const HERE: Reach = Reach { private: false, loopback: true };

/// The moment at which the tokens of these tests are shown.
pub(super) const NOW: Moment = Moment::from_unix(1_795_000_000);

/// A private key, and its public half as a JWK with the id `rsa` or `ec`.
pub(super) struct TestKey {
    pub(super) private: EncodingKey,
    pub(super) jwk: Value,
    pub(super) algorithm: jsonwebtoken::Algorithm,
}

pub(super) static RSA: LazyLock<TestKey> = LazyLock::new(|| {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8 = pair.as_der().unwrap();
    // The PKCS #1 key is what follows the 26 bytes of the PKCS #8 header of a 2048-bit key;
    // the modulus is what follows the 9 bytes of the PKCS #1 public key's.
    let private = EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]);
    let n = b64(&pair.public_key().as_ref()[9..9 + 256]);
    let jwk = json!({"kty": "RSA", "kid": "rsa", "use": "sig", "n": n, "e": "AQAB"});
    TestKey { private, jwk, algorithm: jsonwebtoken::Algorithm::RS256 }
});

pub(super) static EC: LazyLock<TestKey> = LazyLock::new(|| ec_key("ec"));

pub(super) fn ec_key(id: &str) -> TestKey {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let jwk =
        json!({"kty": "EC", "crv": "P-256", "kid": id, "x": b64(&point[1..33]), "y": b64(&point[33..65])});
    let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
    TestKey { private, jwk, algorithm: jsonwebtoken::Algorithm::ES256 }
}

pub(super) fn b64(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// A token whose header and claims are exactly `header` and `claims`.
pub(super) fn signed(key: &TestKey, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", b64(header.as_bytes()), b64(claims.as_bytes()));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key.private, key.algorithm).unwrap();
    format!("{message}.{signature}")
}

/// A token by the EC key with the id `ec`.
pub(super) fn token(claims: &Value) -> String {
    signed(&EC, r#"{"alg":"ES256","typ":"JWT","kid":"ec"}"#, &claims.to_string())
}

/// Claims that are accepted, with `changes` merged in; null takes a claim away.
pub(super) fn claims(changes: Value) -> Value {
    let now = NOW.unix();
    let mut claims = json!({
        "iss": "https://idp.example.com/r", "sub": "ann", "aud": "app", "iat": now - 10, "exp": now + 300,
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

pub(super) fn settings(issuer: &str, keys: KeySource) -> OidcSettings {
    let account = "111122223333".parse().unwrap();
    OidcSettings {
        arn: ProviderArn::oidc(account, issuer),
        name: String::from("corp"),
        issuer: issuer.to_owned(),
        client_ids: vec![String::from("app"), String::from("ios")],
        algorithms: vec![Algorithm::RS256, Algorithm::ES256, Algorithm::PS256],
        clock_skew: Duration::from_secs(60),
        keys,
        key_ages: KeyAges::default(),
        one_time: false,
        access_tokens: false,
        reach: HERE,
        login: None,
        claims: ClaimSettings::default(),
    }
}

/// A provider that knows both keys from its configuration.
pub(super) fn provider() -> OidcProvider {
    provider_with(vec![RSA.jwk.clone(), EC.jwk.clone()])
}

pub(super) fn provider_with(keys: Vec<Value>) -> OidcProvider {
    let keys = KeySource::Given(json!({ "keys": keys }).to_string());
    OidcProvider::new(settings("https://idp.example.com/r", keys), http_client(HERE).unwrap()).unwrap()
}

/// The same, set otherwise.
pub(super) fn provider_of(change: impl FnOnce(&mut OidcSettings)) -> OidcProvider {
    let keys = KeySource::Given(json!({ "keys": [RSA.jwk, EC.jwk] }).to_string());
    let mut settings = settings("https://idp.example.com/r", keys);
    change(&mut settings);
    OidcProvider::new(settings, http_client(HERE).unwrap()).unwrap()
}

/// The check that refuses `token`, or `accepted`.
pub(super) async fn check(provider: &OidcProvider, token: &str) -> &'static str {
    provider.verify(token, None, NOW).await.map_or_else(|error| error.check(), |_| "accepted")
}

/// An HTTP server on loopback that serves the documents it holds and counts who asks.
pub(super) struct Server {
    pub(super) issuer: String,
    shared: Arc<Shared>,
}

struct Shared {
    documents: Mutex<HashMap<String, (u16, String)>>,
    requests: Mutex<Vec<String>>,
    keys_asked: AtomicUsize,
    gate: (Mutex<bool>, Condvar),
}

impl Server {
    /// Starts a server that publishes `keys`.
    pub(super) fn start(keys: &[&Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            documents: Mutex::default(),
            requests: Mutex::default(),
            keys_asked: AtomicUsize::new(0),
            gate: (Mutex::new(true), Condvar::new()),
        });
        let server = Self { issuer, shared: Arc::clone(&shared) };
        let endpoint = |path: &str| format!("{}{path}", server.issuer);
        server.serve(
            "/.well-known/openid-configuration",
            200,
            &json!({
                "issuer": server.issuer, "jwks_uri": endpoint("/keys"),
                "authorization_endpoint": endpoint("/authorize"), "token_endpoint": endpoint("/token"),
            })
            .to_string(),
        );
        server.publish(keys);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.answer(stream.unwrap()));
            }
        });
        server
    }

    pub(super) fn publish(&self, keys: &[&Value]) {
        self.serve("/keys", 200, &json!({ "keys": keys }).to_string());
    }

    /// From now on `path` is answered so.
    pub(super) fn serve(&self, path: &str, status: u16, body: &str) {
        self.shared.documents.lock().unwrap().insert(path.to_owned(), (status, body.to_owned()));
    }

    /// How often the key set was fetched.
    pub(super) fn fetches(&self) -> usize {
        self.shared.keys_asked.load(Ordering::SeqCst)
    }

    /// What was asked for last, head and body.
    pub(super) fn last_request(&self) -> String {
        self.shared.requests.lock().unwrap().last().cloned().unwrap_or_default()
    }

    /// Holds every answer back until it is opened again.
    pub(super) fn open(&self, open: bool) {
        *self.shared.gate.0.lock().unwrap() = open;
        self.shared.gate.1.notify_all();
    }

    /// A provider that discovers its keys here.
    pub(super) fn provider(&self) -> OidcProvider {
        OidcProvider::new(settings(&self.issuer, KeySource::Discovery), http_client(HERE).unwrap()).unwrap()
    }

    /// A token of this issuer, by `key`, named `kid`.
    pub(super) fn token(&self, key: &TestKey, kid: &str) -> String {
        let header = json!({"alg": "ES256", "kid": kid}).to_string();
        let life = NOW.unix() + 10 * 86_400;
        signed(key, &header, &claims(json!({"iss": self.issuer, "exp": life})).to_string())
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) {
        let request = read_request(&mut stream);
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        self.requests.lock().unwrap().push(request);
        if path == "/keys" {
            self.keys_asked.fetch_add(1, Ordering::SeqCst);
        }
        let open = self.gate.1.wait_while(self.gate.0.lock().unwrap(), |open| !*open).unwrap();
        drop(open);
        let found = self.documents.lock().unwrap().get(&path).cloned();
        let (status, body) = found.unwrap_or((404, String::new()));
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
        let head =
            format!("{head}location: /keys\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n");
        // The client may have hung up, as it does on a body that is too large.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    }
}

/// Head and body of one request.
fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return String::from_utf8(request).unwrap();
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return String::new(),
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
}
