//! A provider made of a key and a socket. It answers what a test told it to, and remembers what it
//! was asked.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// A private key, and its public half as a JWK.
pub(crate) struct Key {
    private: EncodingKey,
    jwk: Value,
}

impl Key {
    fn new(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (b64(&point[1..33]), b64(&point[33..65]));
        let jwk = json!({"kty": "EC", "crv": "P-256", "kid": id, "x": x, "y": y});
        Self { private: EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()), jwk }
    }

    /// A token whose header and claims are exactly these.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message =
            format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims.to_string().as_bytes()));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    }
}

/// The provider's key.
pub(crate) static HONEST: LazyLock<Key> = LazyLock::new(|| Key::new("k"));
/// The key of another one, with the same id.
pub(crate) static ATTACKER: LazyLock<Key> = LazyLock::new(|| Key::new("k"));

pub(crate) fn b64(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// What one path is answered with.
#[derive(Clone)]
struct Document {
    status: u16,
    kind: &'static str,
    body: String,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) text: String,
}

#[derive(Default)]
struct Shared {
    documents: Mutex<HashMap<String, Document>>,
    requests: Mutex<Vec<Request>>,
}

/// The provider.
pub(crate) struct Issuer {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

impl Issuer {
    /// One that publishes `key` and every endpoint.
    pub(crate) fn start(key: &Key) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Self { url, shared: Arc::default() };
        issuer.discovery(&json!({}));
        issuer.serve("/keys", 200, &json!({ "keys": [key.jwk] }));
        let shared = Arc::clone(&issuer.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.answer(stream.unwrap()));
            }
        });
        issuer
    }

    /// Publishes the discovery document with `changes`; null takes a member away.
    pub(crate) fn discovery(&self, changes: &Value) {
        let at = |path: &str| format!("{}{path}", self.url);
        let document = json!({
            "issuer": self.url, "jwks_uri": at("/keys"), "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"), "userinfo_endpoint": at("/userinfo"),
            "end_session_endpoint": at("/end?t=1"),
        });
        self.serve("/.well-known/openid-configuration", 200, &changed(document, changes));
    }

    /// From now on `path` is answered so.
    pub(crate) fn serve(&self, path: &str, status: u16, body: &Value) {
        self.serve_as(path, status, "application/json", body.to_string());
    }

    /// From now on `path` is answered so, with a body of another type.
    pub(crate) fn serve_as(&self, path: &str, status: u16, kind: &'static str, body: String) {
        self.shared.documents.lock().unwrap().insert(path.to_owned(), Document { status, kind, body });
    }

    /// The requests for `path` so far.
    pub(crate) fn requests(&self, path: &str) -> Vec<Request> {
        let requests = self.shared.requests.lock().unwrap();
        requests.iter().filter(|request| request.path == path).cloned().collect()
    }
}

/// `document` with the members of `changes`; null takes one away.
pub(crate) fn changed(mut document: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(document.as_object_mut().unwrap().remove(name)),
            value => document[name] = value.clone(),
        }
    }
    document
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) {
        let text = read(&mut stream);
        let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
        self.requests.lock().unwrap().push(Request { path: path.clone(), text });
        let found = self.documents.lock().unwrap().get(&path).cloned();
        let Document { status, kind, body } =
            found.unwrap_or(Document { status: 404, kind: "text/plain", body: String::new() });
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-length: {}\r\ncontent-type: {kind}\r\nlocation: /keys\r\n\
             connection: close\r\n\r\n",
            body.len()
        );
        // The client may have hung up, as it does on a body that is too large.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    }
}

/// Head and body of one request.
fn read(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return String::new(),
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
}
