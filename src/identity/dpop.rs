//! Proofs that a client holds a key (DPoP, RFC 9449): a signed note about one request.
//!
//! ES256 alone: it is what the keystores of phones and browsers' WebCrypto make.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64_simd::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use url::Url;

use super::{OneTime, VerifyCode, VerifyError};
use crate::clock::Moment;

/// The one algorithm.
pub const ALGORITHM: &str = "ES256";
/// Longest proof. A header with a key of P-256 and five claims take some 600 characters.
const LONGEST: usize = 4096;
/// Longest `jti`.
const LONGEST_ID: usize = 256;
/// How far a client's clock may be off, and how old a proof may be (RFC 9449 section 11.1).
const WINDOW: Duration = Duration::from_secs(120);

/// A proof that was verified. Made by [`verify`] alone.
#[derive(Debug, Clone)]
pub struct Proof {
    thumbprint: String,
    nonce: Option<String>,
    one_time: OneTime,
}

impl Proof {
    /// The key's thumbprint (RFC 7638), as tokens name it in `cnf.jkt`.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The nonce that it holds, whoever gave it.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// How the proof is claimed: it is good once.
    pub const fn one_time(&self) -> OneTime {
        self.one_time
    }
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    d: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    nonce: Option<String>,
}

/// Verifies a proof about a request by `method` to `url` at `at` (RFC 9449 section 4.3).
pub fn verify(proof: &str, method: &str, url: &str, at: Moment) -> Result<Proof, VerifyError> {
    let parts = (proof.len() <= LONGEST).then(|| parts(proof)).flatten();
    let [header, claims, signature] =
        parts.ok_or_else(|| refused(VerifyCode::Malformed, "dpop.jwt", "a short compact JWS", "other"))?;
    let header: Header = json("dpop.header", header)?;
    if header.typ != "dpop+jwt" {
        return Err(refused(VerifyCode::Malformed, "dpop.type", "dpop+jwt", &header.typ));
    }
    if header.alg != ALGORITHM || header.jwk.kty != "EC" || header.jwk.crv != "P-256" {
        let seen = format!("{} with {} {}", header.alg, header.jwk.kty, header.jwk.crv);
        return Err(refused(VerifyCode::Signature, "dpop.algorithm", "ES256 with EC P-256", &seen));
    }
    if header.crit.is_some() || header.jwk.d.is_some() {
        let expected = "no `crit`, and a public key";
        return Err(refused(VerifyCode::Malformed, "dpop.header", expected, "one or a private key"));
    }
    let point = point(&header.jwk)
        .ok_or_else(|| refused(VerifyCode::Malformed, "dpop.key", "two coordinates of 32 bytes", "other"))?;
    let signed = proof.rsplit_once('.').map_or("", |(signed, _)| signed);
    let signature = URL_SAFE_NO_PAD.decode_to_vec(signature).unwrap_or_default();
    let verified =
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).verify(signed.as_bytes(), &signature);
    verified.map_err(|_| refused(VerifyCode::Signature, "dpop.signature", "one by the key", "other"))?;
    let claims: Claims = json("dpop.claims", claims)?;
    about(&claims, method, url, at)?;
    let thumbprint = p256_thumbprint(&point[1..33], &point[33..]);
    // One more window: a proof of the future is good until then.
    let until = Moment::from_unix(claims.iat).plus(WINDOW);
    let one_time = OneTime::new(&format!("dpop:{thumbprint}"), &claims.jti, until).only_once(true);
    Ok(Proof { thumbprint, nonce: claims.nonce, one_time })
}

/// The thumbprint of a key on P-256 (RFC 7638 section 3.2).
pub(crate) fn p256_thumbprint(x: &[u8], y: &[u8]) -> String {
    let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode_to_string(half));
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode_to_string(digest(&SHA256, members.as_bytes()))
}

fn refused(code: VerifyCode, check: &'static str, expected: &str, seen: &str) -> VerifyError {
    VerifyError::new(code, check, expected, seen)
}

fn parts(proof: &str) -> Option<[&str; 3]> {
    let parts: Vec<&str> = proof.splitn(4, '.').collect();
    parts.try_into().ok()
}

/// A JSON object whose known members are unique.
fn json<T: DeserializeOwned>(check: &'static str, part: &str) -> Result<T, VerifyError> {
    let bytes = URL_SAFE_NO_PAD.decode_to_vec(part);
    let bytes = bytes.map_err(|_| refused(VerifyCode::Malformed, check, "base64url", "other characters"))?;
    let expected = "a JSON object with the members of RFC 9449";
    serde_json::from_slice(&bytes)
        .map_err(|error| refused(VerifyCode::Malformed, check, expected, &error.to_string()))
}

/// The point, uncompressed. Whether it is on the curve is looked at with the signature.
fn point(jwk: &Jwk) -> Option<Vec<u8>> {
    let half = |text: &str| URL_SAFE_NO_PAD.decode_to_vec(text).ok().filter(|bytes| bytes.len() == 32);
    Some([vec![4], half(&jwk.x)?, half(&jwk.y)?].concat())
}

/// Whether the note is about this request.
fn about(claims: &Claims, method: &str, url: &str, at: Moment) -> Result<(), VerifyError> {
    if claims.jti.is_empty() || claims.jti.len() > LONGEST_ID {
        let seen = claims.jti.len().to_string();
        return Err(refused(VerifyCode::Claim, "dpop.jti", "1 to 256 bytes", &seen));
    }
    if claims.htm != method {
        return Err(refused(VerifyCode::Audience, "dpop.htm", method, &claims.htm));
    }
    if addressed(&claims.htu).as_deref() != Some(url) {
        return Err(refused(VerifyCode::Audience, "dpop.htu", url, &claims.htu));
    }
    let issued = Moment::from_unix(claims.iat);
    let (now, seen) = (at.to_rfc3339(), issued.to_rfc3339());
    if at >= issued.plus(WINDOW) {
        return Err(refused(VerifyCode::Expired, "dpop.iat", &now, &seen));
    }
    if issued > at.plus(WINDOW) {
        return Err(refused(VerifyCode::NotYetValid, "dpop.iat", &now, &seen));
    }
    Ok(())
}

/// `htu` without query and fragment, normalized (RFC 9449 section 4.3).
fn addressed(htu: &str) -> Option<String> {
    let mut url = Url::parse(htu).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::{Value, json};

    use super::*;

    const URL: &str = "https://broker.example.com/oauth2/token";
    const NOW: Moment = Moment::from_unix(1_800_000_000);

    struct Device(EcdsaKeyPair);

    impl Device {
        fn new() -> Self {
            Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
        }

        fn jwk(&self) -> Value {
            let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
            let encoded = |half: &[u8]| URL_SAFE_NO_PAD.encode_to_string(half);
            json!({ "kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y) })
        }

        fn header(&self) -> Value {
            json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() })
        }

        fn sign(&self, header: &str, claims: &str) -> String {
            let encoded = |part: &str| URL_SAFE_NO_PAD.encode_to_string(part);
            let signed = format!("{}.{}", encoded(header), encoded(claims));
            let signature = self.0.sign_digest(&digest(&SHA256, signed.as_bytes())).unwrap();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode_to_string(signature.as_ref()))
        }
    }

    fn claims() -> Value {
        json!({ "jti": "one", "htm": "POST", "htu": URL, "iat": NOW.unix() })
    }

    fn check(proof: &str, at: Moment) -> &'static str {
        verify(proof, "POST", URL, at).map_or_else(|error| error.check(), |_| "ok")
    }

    fn with(mut value: Value, name: &str, member: Value) -> String {
        value[name] = member;
        value.to_string()
    }

    #[test]
    fn a_proof_names_its_key_and_is_claimed_by_key_and_id() {
        let (device, other) = (Device::new(), Device::new());
        let of = |device: &Device, claims: &str| {
            verify(&device.sign(&device.header().to_string(), claims), "POST", URL, NOW).unwrap()
        };
        let proof = of(&device, &claims().to_string());
        assert_eq!(proof.thumbprint().len(), 43);
        assert_eq!(proof.one_time().until, NOW.plus(WINDOW));
        assert!(proof.one_time().only_once);
        let again = of(&device, &with(claims(), "iat", json!(NOW.unix() + 1)));
        assert_eq!((again.thumbprint(), again.one_time().id), (proof.thumbprint(), proof.one_time().id));
        assert_ne!(of(&device, &with(claims(), "jti", json!("two"))).one_time().id, proof.one_time().id);
        let other = of(&other, &claims().to_string());
        assert!(other.thumbprint() != proof.thumbprint() && other.one_time().id != proof.one_time().id);
    }

    #[test]
    fn a_note_is_about_one_request_for_a_while() {
        let device = Device::new();
        let header = device.header().to_string();
        for (claims, expected) in [
            (claims().to_string(), "ok"),
            (with(claims(), "ath", json!("x")), "ok"),
            (with(claims(), "htu", json!(format!("{URL}?a=b#c"))), "ok"),
            (with(claims(), "htu", json!("https://BROKER.example.com:443/oauth2/token")), "ok"),
            (with(claims(), "htu", json!("https://broker.example.com/oauth2/revoke")), "dpop.htu"),
            (with(claims(), "htu", json!("http://broker.example.com/oauth2/token")), "dpop.htu"),
            (with(claims(), "htu", json!("https://evil.example.com/oauth2/token")), "dpop.htu"),
            (with(claims(), "htu", json!("/oauth2/token")), "dpop.htu"),
            (with(claims(), "htm", json!("GET")), "dpop.htm"),
            (with(claims(), "htm", json!("post")), "dpop.htm"),
            (with(claims(), "jti", json!("")), "dpop.jti"),
            (with(claims(), "jti", json!("x".repeat(257))), "dpop.jti"),
            (with(claims(), "iat", json!(NOW.unix() - 119)), "ok"),
            (with(claims(), "iat", json!(NOW.unix() - 120)), "dpop.iat"),
            (with(claims(), "iat", json!(NOW.unix() + 120)), "ok"),
            (with(claims(), "iat", json!(NOW.unix() + 121)), "dpop.iat"),
            (with(claims(), "iat", json!("1800000000")), "dpop.claims"),
            (r#"{"jti":"a","jti":"b","htm":"POST","htu":"x","iat":1}"#.to_owned(), "dpop.claims"),
            ("{}".to_owned(), "dpop.claims"),
        ] {
            assert_eq!(check(&device.sign(&header, &claims), NOW), expected, "{claims}");
        }
    }

    #[test]
    fn only_the_key_in_the_header_counts_and_only_as_it_must_be() {
        let (device, thief) = (Device::new(), Device::new());
        let claims = claims().to_string();
        let header = |name: &str, member: Value| with(device.header(), name, member);
        let mut private = device.jwk();
        private["d"] = json!("AA");
        let mut short = device.jwk();
        short["x"] = json!("AA");
        let mut nowhere = device.jwk();
        nowhere["y"] = nowhere["x"].clone();
        for (header, expected) in [
            (device.header().to_string(), "ok"),
            (header("kid", json!("mine")), "ok"),
            (header("typ", json!("JWT")), "dpop.type"),
            (header("alg", json!("none")), "dpop.algorithm"),
            (header("alg", json!("HS256")), "dpop.algorithm"),
            (header("alg", json!("ES384")), "dpop.algorithm"),
            (header("crit", json!(["x"])), "dpop.header"),
            (header("jwk", private), "dpop.header"),
            (header("jwk", short), "dpop.key"),
            (header("jwk", nowhere), "dpop.signature"),
            (header("jwk", thief.jwk()), "dpop.signature"),
            (header("jwk", Value::Null), "dpop.header"),
        ] {
            assert_eq!(check(&device.sign(&header, &claims), NOW), expected, "{header}");
        }
        let good = device.sign(&device.header().to_string(), &claims);
        for (what, proof, expected) in [
            ("cut", good[..good.len() - 2].to_owned(), "dpop.signature"),
            ("no signature", format!("{}.", good.rsplit_once('.').unwrap().0), "dpop.signature"),
            ("a fourth part", format!("{good}.x"), "dpop.jwt"),
            ("nothing", String::new(), "dpop.jwt"),
            ("a very long one", "a.".repeat(4000), "dpop.jwt"),
        ] {
            assert_eq!(check(&proof, NOW), expected, "{what}");
        }
    }
}
