//! The keys that sign our tokens: ECDSA on P-256 with SHA-256 (`ES256`, RFC 7518 section 3.4).
//!
//! The first key signs, every key is published and verifies. So a successor is published before
//! it signs, and a predecessor after it signed for the last time.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::identity::dpop::p256_thumbprint;
use crate::secret::Secret;

/// How many keys there may be: one that signs, one before it, one after it, and some to spare.
const MOST_KEYS: usize = 8;
/// Characters of a line of PEM (RFC 7468 section 2).
const PEM_LINE: usize = 64;

/// Why keys can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The file is no PEM.
    #[error("it is not PEM: {0}")]
    Pem(String),
    /// There is none.
    #[error("it holds no private key; remove it, and a new one is made")]
    None,
    /// There are too many.
    #[error("it holds more than {MOST_KEYS} keys; remove those that signed nothing for twelve hours")]
    TooMany,
    /// One is not what it must be.
    #[error("its key number {0} is no ECDSA key on P-256")]
    Kind(usize),
    /// One stands there twice.
    #[error("its key number {0} stands there twice")]
    Twice(usize),
    /// No key could be made.
    #[error("no key could be made")]
    NotMade,
}

/// The keys, newest first. Never empty.
pub struct SigningKeys {
    keys: Vec<SigningKey>,
    jwks: String,
}

/// One key, and what follows from it.
struct SigningKey {
    pair: EcdsaKeyPair,
    id: String,
    /// The header of every access token that it signs, encoded.
    header: String,
    /// That of every introduction.
    introduction: String,
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

impl SigningKeys {
    /// One new key, as [`SigningKeys::from_pem`] reads it.
    pub fn generate_pem() -> Result<Secret<String>, KeyFault> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyFault::NotMade)?;
        let der = pair.to_pkcs8v1().map_err(|_| KeyFault::NotMade)?;
        let encoded = Zeroizing::new(STANDARD.encode_to_string(der.as_ref()));
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        for (index, letter) in encoded.chars().enumerate() {
            if index > 0 && index % PEM_LINE == 0 {
                pem.push('\n');
            }
            pem.push(letter);
        }
        pem.push_str("\n-----END PRIVATE KEY-----\n");
        Ok(Secret::new(pem))
    }

    /// The private keys in `pem`, the newest first.
    pub fn from_pem(pem: &str) -> Result<Self, KeyFault> {
        let mut keys: Vec<SigningKey> = Vec::new();
        for (index, der) in PrivateKeyDer::pem_slice_iter(pem.as_bytes()).enumerate() {
            let der = der.map_err(|error| KeyFault::Pem(error.to_string()))?;
            if index == MOST_KEYS {
                return Err(KeyFault::TooMany);
            }
            let key = SigningKey::from_der(der.secret_der()).ok_or(KeyFault::Kind(index + 1))?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(KeyFault::Twice(index + 1));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(KeyFault::None);
        }
        let jwks = json!({ "keys": keys.iter().map(SigningKey::jwk).collect::<Vec<_>>() }).to_string();
        Ok(Self { keys, jwks })
    }

    /// The public halves as a JWK Set (RFC 7517 section 5), the one that signs first.
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// `claims`, a JSON object, as a compact JWS (RFC 7515 section 7.1). `None` if the signature
    /// fails, which no input makes it do.
    pub(super) fn sign(&self, claims: &str) -> Option<String> {
        let key = self.keys.first()?;
        key.sign(&key.header, claims)
    }

    /// As [`SigningKeys::sign`], of a token that tells an application who asks.
    pub(super) fn sign_introduction(&self, claims: &str) -> Option<String> {
        let key = self.keys.first()?;
        key.sign(&key.introduction, claims)
    }

    /// The claims of `token` if one of these keys signed it.
    ///
    /// The header is not read: it must be, to the letter, the one that we write. So nothing in it can
    /// choose an algorithm or a key, and a token of another kind is none (RFC 8725 sections 3.1, 3.11).
    pub(super) fn verified(&self, token: &str) -> Option<Vec<u8>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let key = self.keys.iter().find(|key| key.header == header)?;
        let signature = URL_SAFE_NO_PAD.decode_to_vec(signature).ok()?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.pair.public_key().as_ref());
        public.verify(signed.as_bytes(), &signature).ok()?;
        URL_SAFE_NO_PAD.decode_to_vec(claims).ok()
    }
}

impl SigningKey {
    fn from_der(der: &[u8]) -> Option<Self> {
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok()?;
        let [x, y] = coordinates(&pair);
        let id = p256_thumbprint(x, y);
        let header = |kind| {
            URL_SAFE_NO_PAD.encode_to_string(format!(r#"{{"typ":"{kind}","alg":"ES256","kid":"{id}"}}"#))
        };
        let (header, introduction) = (header("at+jwt"), header("introduction+jwt"));
        Some(Self { pair, id, header, introduction })
    }

    fn sign(&self, header: &str, claims: &str) -> Option<String> {
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode_to_string(claims));
        let signature = self.pair.sign_digest(&digest(&SHA256, signed.as_bytes())).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode_to_string(signature.as_ref())))
    }

    fn jwk(&self) -> Value {
        let [x, y] = coordinates(&self.pair).map(|half| URL_SAFE_NO_PAD.encode_to_string(half));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": self.id })
    }
}

/// Both halves of the public point, which is written uncompressed: 4, x, y.
fn coordinates(pair: &EcdsaKeyPair) -> [&[u8]; 2] {
    let point = pair.public_key().as_ref();
    let (x, y) = point[1..].split_at((point.len() - 1) / 2);
    [x, y]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(pem: &str) -> SigningKeys {
        SigningKeys::from_pem(pem).unwrap()
    }

    /// RFC 7638 has an RSA example only; this is the key of RFC 7515 A.3, whose thumbprint was
    /// computed with Python's hashlib.
    #[test]
    fn the_key_id_is_the_thumbprint() {
        let d = URL_SAFE_NO_PAD.decode_to_vec("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI").unwrap();
        let sec1 = [
            [0x30, 0x31, 2, 1, 1, 4, 32].as_slice(),
            d.as_slice(),
            &[0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
        ];
        let key = SigningKey::from_der(&sec1.concat()).unwrap();
        let jwk = key.jwk();
        assert_eq!(jwk["x"], "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
        assert_eq!(jwk["y"], "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        assert_eq!(jwk["kid"], "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    }

    #[test]
    fn the_first_key_signs_and_every_key_verifies() {
        let (old, new) = (SigningKeys::generate_pem().unwrap(), SigningKeys::generate_pem().unwrap());
        let rotated = keys(&[new.expose().as_str(), old.expose()].concat());
        let (old, new) = (keys(old.expose()), keys(new.expose()));
        let ids = |keys: &SigningKeys| keys.keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&rotated), [ids(&new), ids(&old)].concat());
        let token = rotated.sign("{}").unwrap();
        assert_eq!(new.verified(&token).as_deref(), Some(b"{}".as_slice()));
        assert_eq!(old.verified(&token), None);
        assert!(rotated.verified(&old.sign("{}").unwrap()).is_some(), "what the predecessor signed");
        let published: Value = serde_json::from_str(rotated.jwks()).unwrap();
        assert_eq!(published["keys"].as_array().unwrap().len(), 2);
        assert!(published["keys"][0]["d"].is_null(), "the private half stays here");
    }

    #[test]
    fn what_is_no_list_of_keys_is_refused() {
        let one = SigningKeys::generate_pem().unwrap();
        let many: String = (0..9).map(|_| SigningKeys::generate_pem().unwrap().expose().clone()).collect();
        let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
        let fault = |pem: &str| SigningKeys::from_pem(pem).map(|_| ()).unwrap_err();
        assert_eq!(fault(""), KeyFault::None);
        assert_eq!(fault("no PEM"), KeyFault::None);
        assert!(matches!(fault("-----BEGIN PRIVATE KEY-----\n!\n"), KeyFault::Pem(_)));
        assert_eq!(fault(&many), KeyFault::TooMany);
        assert_eq!(fault(&p384), KeyFault::Kind(1));
        assert_eq!(fault(&[one.expose().as_str(), one.expose()].concat()), KeyFault::Twice(2));
    }

    /// Of each token, the honest one is believed, and no other with its claims.
    #[test]
    fn nothing_but_our_own_signature_counts() {
        let ours = keys(SigningKeys::generate_pem().unwrap().expose());
        let foreign = keys(SigningKeys::generate_pem().unwrap().expose());
        let token = ours.sign(r#"{"sub":"ann"}"#).unwrap();
        assert!(ours.verified(&token).is_some());
        let parts: Vec<&str> = token.split('.').collect();
        let header = |text: &str| URL_SAFE_NO_PAD.encode_to_string(text);
        let kid = &ours.keys[0].id;
        let public = ours.keys[0].pair.public_key().as_ref().to_vec();
        let hmac = |header: &str| {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &public);
            let signed = format!("{header}.{}", parts[1]);
            let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode_to_string(tag.as_ref()))
        };
        let hs256 = header(&format!(r#"{{"typ":"at+jwt","alg":"HS256","kid":"{kid}"}}"#));
        let none = header(&format!(r#"{{"typ":"at+jwt","alg":"none","kid":"{kid}"}}"#));
        let id_token = header(&format!(r#"{{"typ":"JWT","alg":"ES256","kid":"{kid}"}}"#));
        let other = foreign.sign(r#"{"sub":"ann"}"#).unwrap();
        let other: Vec<&str> = other.split('.').collect();
        for (what, forged) in [
            ("none", format!("{none}.{}.", parts[1])),
            ("none behind our header", format!("{}.{}.", parts[0], parts[1])),
            ("HMAC with the public key", hmac(&hs256)),
            ("HMAC behind our header", hmac(parts[0])),
            ("another type", format!("{id_token}.{}.{}", parts[1], parts[2])),
            ("other claims", format!("{}.{}.{}", parts[0], header("{}"), parts[2])),
            ("another key", format!("{}.{}.{}", other[0], other[1], other[2])),
            ("another key behind our header", format!("{}.{}.{}", parts[0], other[1], other[2])),
            ("zeros", format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode_to_string([0; 64]))),
            ("padding", format!("{token}=")),
            ("a fourth part", format!("{token}.x")),
            ("a part less", format!("{}.{}", parts[0], parts[1])),
            ("nothing", String::new()),
        ] {
            assert_eq!(ours.verified(&forged), None, "{what}");
        }
    }
}
