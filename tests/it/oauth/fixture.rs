//! What the broker of these tests is configured with, and what is sent to it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use rolegate::clock::Moment;
use serde_json::{Value, json};

use crate::saml::fixture::{HONEST, metadata};

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
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub(crate) const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
pub(crate) const SAML2: &str = "urn:ietf:params:oauth:token-type:saml2";
pub(crate) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub(crate) const AWS_CREDENTIALS: &str = "urn:rolegate:params:oauth:token-type:aws-credentials";
/// The secrets of the clients that have one.
pub(crate) const SERVER_SECRET: &str = "5fb5aa1b0d3c4e5e8f9a/server=";
pub(crate) const AUDITOR_SECRET: &str = "9fb5aa1b0d3c4e5e8f9a/auditor=";

/// What those in charge show.
pub(crate) const ADMIN_TOKEN: &str = "those-in-charge-show-this-token-1";

/// Proofs that were made; each has an id of its own.
static PROOFS: AtomicU32 = AtomicU32::new(0);

/// A key of an issuer of ID tokens, or of a client.
pub(crate) struct TokenKey {
    pair: EcdsaKeyPair,
    id: &'static str,
}

impl TokenKey {
    pub(crate) fn new(id: &'static str) -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(), id }
    }

    /// It as a set of keys.
    pub(crate) fn jwks(&self) -> String {
        let mut key = self.jwk();
        key["kid"] = json!(self.id);
        json!({ "keys": [key] }).to_string()
    }

    /// The public half.
    pub(crate) fn jwk(&self) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let encoded = |half: &[u8]| BASE64URL.encode_to_string(half);
        json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "x": encoded(x), "y": encoded(y) })
    }

    /// RFC 7638, by a library.
    pub(crate) fn thumbprint(&self) -> String {
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(self.jwk()).unwrap();
        jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap()
    }

    /// A DPoP proof about a `POST` to `url` at `at` (RFC 9449 section 4.2).
    pub(crate) fn prove(&self, url: &str, at: Moment) -> String {
        self.prove_with(&json!({}), url, at)
    }

    /// As [`TokenKey::prove`], with these claims as well.
    pub(crate) fn prove_with(&self, more: &Value, url: &str, at: Moment) -> String {
        let id = PROOFS.fetch_add(1, Ordering::Relaxed).to_string();
        let mut claims = json!({ "jti": id, "htm": "POST", "htu": url, "iat": at.unix() });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.sign(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() }), &claims)
    }

    /// `claims` behind `header`.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let encoded = |part: &Value| BASE64URL.encode_to_string(part.to_string());
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.pair.sign_digest(&digest(&SHA256, signed.as_bytes())).unwrap();
        format!("{signed}.{}", BASE64URL.encode_to_string(signature.as_ref()))
    }
}

/// The fields of a form, each once.
#[derive(Debug, Clone)]
pub(crate) struct Fields(pub(super) BTreeMap<String, String>);

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

/// Secrets of users, where the settings name them.
pub(crate) const BOT_SECRET: &str = "bot/bot/bot/bot/bot/bot/bot/bot/bot/bot+";
pub(crate) const ANN_SECRET: &str = "ann/ann/ann/ann/ann/ann/ann/ann/ann/ann+";
/// `12345678901234567890`
const ANN_APP: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Writes the configuration and what it names.
pub(crate) fn write(folder: &Path, issuer_key: &TokenKey, settings: &str) {
    let save = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let secret = |name: &str, text: &str| {
        save(name, text);
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    };
    save("jwks.json", &issuer_key.jwks());
    save("corp.xml", &metadata(&[&HONEST]));
    secret("server-secret", SERVER_SECRET);
    secret("admin-token", ADMIN_TOKEN);
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
    for (name, account) in [("second", "444455556666"), ("third", "777788889999")] {
        let arn = format!("arn:aws:iam::{account}:oidc-provider/accounts.example.com");
        save(&format!("{name}.json"), &trust("sts:AssumeRoleWithWebIdentity", &[&arn]));
    }
    save("dev.json", &trust("sts:AssumeRoleWithSAML", &["arn:aws:iam::111122223333:saml-provider/corp"]));
    rights(&save);
    secret("bot-secret", BOT_SECRET);
    secret("ann-secret", ANN_SECRET);
    secret("ann-app", ANN_APP);
    save("rolegate.toml", settings);
}

/// What sessions may do, where the settings name it.
fn rights(save: &impl Fn(&str, &str)) {
    let statement = |sid: &str, effect: &str, action: &str, resource: &str| json!({ "Sid": sid, "Effect": effect, "Action": action, "Resource": resource });
    let policy =
        |statements: &[Value]| json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let of_the_plan = "arn:aws:s3:::photos/${aws:PrincipalTag/plan}/*";
    let photos = "arn:aws:s3:::photos/*";
    let mine = [
        statement("OfThePlan", "Allow", "s3:*", of_the_plan),
        statement("Keep", "Deny", "s3:DeleteObject", photos),
    ];
    save("photos.json", &policy(&mine));
    save("reading.json", &policy(&[statement("Read", "Allow", "s3:Get*", "*")]));
    save("photos-only.json", &policy(&[statement("Photos", "Allow", "s3:*", photos)]));
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
id = "wallet"
grants = ["token-exchange", "refresh"]
audiences = ["https://api.example.com"]
dpop = true
[[client]]
id = "bank"
grants = ["token-exchange", "refresh"]
audiences = ["https://api.example.com"]
dpop_nonces = true
[[client]]
id = "broker"
grants = ["token-exchange", "refresh"]
audiences = ["https://api.example.com"]
dpop_nonces = true
[[client]]
id = "auditor"
secret = { file = "auditor-secret" }
introspection = true
"#;
