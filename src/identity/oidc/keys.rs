//! A provider's published keys (RFC 7517), reduced to those that may verify an ID token.
//!
//! Each key is read on its own: one that is broken, weak or meant for something else is left out
//! with a reason, and the others stay usable. A key is parsed once for every algorithm that it
//! can serve, so that no token can pair it with another (RFC 8725 section 3.1). `cache` keeps
//! the sets fresh.

use std::fmt;

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents};
use serde_json::{Map, Value};

use super::Algorithm;

/// Keys in one set; AWS takes as many of each family (facts 3.2).
const MOST_KEYS: usize = 100;

/// Bits of an RSA modulus. Below 2048 it can be factored in earnest (RFC 7518 section 3.3);
/// above 8192 verifying is expensive enough to be an attack.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Bytes of an RSA exponent: the longest in use, 65537, takes three.
const RSA_EXPONENT_LENGTH: std::ops::RangeInclusive<usize> = 1..=4;

const RSA_ALGORITHMS: [(Algorithm, &RsaParameters); 6] = [
    (Algorithm::RS256, &signature::RSA_PKCS1_2048_8192_SHA256),
    (Algorithm::RS384, &signature::RSA_PKCS1_2048_8192_SHA384),
    (Algorithm::RS512, &signature::RSA_PKCS1_2048_8192_SHA512),
    (Algorithm::PS256, &signature::RSA_PSS_2048_8192_SHA256),
    (Algorithm::PS384, &signature::RSA_PSS_2048_8192_SHA384),
    (Algorithm::PS512, &signature::RSA_PSS_2048_8192_SHA512),
];

/// The usable keys of a provider, and why the others are not.
pub(super) struct KeySet {
    keys: Vec<Key>,
    skipped: Vec<Skipped>,
}

/// A key of the set that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Skipped {
    /// Its id, if it has a readable one.
    pub(super) key_id: Option<String>,
    /// What is wrong with it.
    pub(super) reason: String,
}

struct Key {
    id: String,
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
}

/// Why a whole set can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeySetError {
    #[error("not a JSON object with a `keys` array")]
    NotAKeySet,
    #[error("{0} keys, more than 100")]
    TooManyKeys(usize),
    #[error("no usable key ({0})")]
    NoUsableKey(String),
}

impl KeySet {
    /// Reads a JWK set. It must hold at least one usable key (facts 3.2).
    pub(super) fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        let document: Value = serde_json::from_slice(json).map_err(|_| KeySetError::NotAKeySet)?;
        let members = document.get("keys").and_then(Value::as_array).ok_or(KeySetError::NotAKeySet)?;
        if members.len() > MOST_KEYS {
            return Err(KeySetError::TooManyKeys(members.len()));
        }
        let mut set = Self { keys: Vec::new(), skipped: Vec::new() };
        for member in members {
            set.add(member);
        }
        if set.keys.is_empty() {
            return Err(KeySetError::NoUsableKey(set.why_skipped()));
        }
        Ok(set)
    }

    /// The key for a token of `algorithm` that names `key_id`. Without an id, the key must be the
    /// only one that fits (facts 3.2).
    pub(super) fn find(&self, key_id: Option<&str>, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| key_id.is_none_or(|id| key.id == id))
            .filter_map(|key| key.verifier(algorithm));
        let found = fitting.next()?;
        fitting.next().is_none().then_some(found)
    }

    /// Number of usable keys.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The ids of the usable keys.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// Tells the log which keys came and went since `before`, for whoever looks for the reason of
    /// refusals.
    pub(super) fn tell_change(&self, before: &Self, issuer: &str) {
        let only_in = |these: &Self, those: &Self| {
            let known: Vec<_> = those.ids().collect();
            these.ids().filter(|id| !known.contains(id)).collect::<Vec<_>>().join(", ")
        };
        let (came, gone) = (only_in(self, before), only_in(before, self));
        if !(came.is_empty() && gone.is_empty()) {
            tracing::warn!(issuer, came, gone, "the provider's keys changed");
        }
    }

    /// The keys that are left out.
    pub(super) fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// A later key replaces an earlier one of the same id (facts 3.2).
    fn add(&mut self, jwk: &Value) {
        match Key::parse(jwk) {
            Ok(key) => {
                self.keys.retain(|earlier| earlier.id != key.id);
                self.keys.push(key);
            }
            Err(reason) => {
                let key_id = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
                self.skipped.push(Skipped { key_id, reason });
            }
        }
    }

    fn why_skipped(&self) -> String {
        self.skipped.first().map_or_else(|| String::from("the set is empty"), ToString::to_string)
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key_id.as_deref().unwrap_or("?"), self.reason)
    }
}

impl Key {
    fn parse(jwk: &Value) -> Result<Self, String> {
        let jwk = jwk.as_object().ok_or("not an object")?;
        let id = text(jwk, "kid")?.to_owned();
        check_use(jwk)?;
        let mut verifiers = match text(jwk, "kty")? {
            "RSA" => rsa(jwk)?,
            "EC" => ec(jwk)?,
            "OKP" => okp(jwk)?,
            other => return Err(format!("key type {other:?} is not a public signature key")),
        };
        if let Some(only) = jwk.get("alg") {
            verifiers.retain(|(algorithm, _)| {
                only.as_str().and_then(|name| name.parse().ok()) == Some(*algorithm)
            });
        }
        if verifiers.is_empty() {
            return Err(String::from("`alg` is not a signature algorithm of this key type"));
        }
        Ok(Self { id, verifiers })
    }

    fn verifier(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        self.verifiers.iter().find(|(served, _)| *served == algorithm).map(|(_, key)| key)
    }
}

/// A key that is published for something other than signatures is not borrowed for them
/// (RFC 7517 sections 4.2 and 4.3).
fn check_use(jwk: &Map<String, Value>) -> Result<(), String> {
    if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err(String::from("`use` is not `sig`"));
    }
    let verifies = |operations: &Value| {
        operations.as_array().is_some_and(|listed| listed.iter().any(|operation| operation == "verify"))
    };
    if jwk.get("key_ops").is_some_and(|operations| !verifies(operations)) {
        return Err(String::from("`key_ops` does not list `verify`"));
    }
    Ok(())
}

fn rsa(jwk: &Map<String, Value>) -> Result<Vec<(Algorithm, ParsedPublicKey)>, String> {
    let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    if !RSA_BITS.contains(&bits) {
        return Err(format!("an RSA modulus of {bits} bits; 2048 to 8192 are accepted"));
    }
    if !RSA_EXPONENT_LENGTH.contains(&e.len()) || e.last().is_none_or(|byte| byte % 2 == 0) || e == [1] {
        return Err(String::from("an RSA exponent that is even, 1 or too long"));
    }
    let components = RsaPublicKeyComponents { n, e };
    RSA_ALGORITHMS
        .into_iter()
        .map(|(algorithm, parameters)| Ok((algorithm, components.to_parsed_public_key(parameters)?)))
        .collect::<Result<_, aws_lc_rs::error::KeyRejected>>()
        .map_err(|rejected| rejected.to_string())
}

fn ec(jwk: &Map<String, Value>) -> Result<Vec<(Algorithm, ParsedPublicKey)>, String> {
    let (algorithm, verification, size) = match text(jwk, "crv")? {
        "P-256" => (Algorithm::ES256, &signature::ECDSA_P256_SHA256_FIXED, 32),
        "P-384" => (Algorithm::ES384, &signature::ECDSA_P384_SHA384_FIXED, 48),
        "P-521" => (Algorithm::ES512, &signature::ECDSA_P521_SHA512_FIXED, 66),
        other => return Err(format!("curve {other:?} is not supported")),
    };
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != size || y.len() != size {
        return Err(format!("coordinates must be {size} bytes long"));
    }
    // SEC 1 section 2.3.3: 4 marks an uncompressed point.
    let point = [&[4][..], &x, &y].concat();
    let key = ParsedPublicKey::new(verification, point).map_err(|rejected| rejected.to_string())?;
    Ok(vec![(algorithm, key)])
}

fn okp(jwk: &Map<String, Value>) -> Result<Vec<(Algorithm, ParsedPublicKey)>, String> {
    match text(jwk, "crv")? {
        "Ed25519" => {
            let x = Some(bytes(jwk, "x")?).filter(|x| x.len() == 32).ok_or("`x` must be 32 bytes long")?;
            let key =
                ParsedPublicKey::new(&signature::ED25519, x).map_err(|rejected| rejected.to_string())?;
            Ok(vec![(Algorithm::EDDSA, key)])
        }
        other => Err(format!("curve {other:?} is not supported")),
    }
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    let member = jwk.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    member.ok_or_else(|| format!("no `{name}`"))
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let encoded = text(jwk, name)?;
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(encoded).map_err(|_| format!("`{name}` is not base64url"))
}
