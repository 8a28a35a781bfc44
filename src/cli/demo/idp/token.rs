//! ID tokens: the provider's RSA key, the key set it publishes, and RS256 signatures.
//!
//! The JWS is put together here rather than by the library that the broker checks it with, so
//! that the demo doesn't pass because both sides share a mistake.

use aws_lc_rs::digest;
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use rcgen::{KeyPair, PKCS_RSA_SHA256, PublicKeyData, RsaKeySize, SigningKey};
use serde_json::{Value, json};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::secret::Secret;

/// A key that ID tokens are signed with.
pub(crate) struct TokenKey {
    pair: KeyPair,
    id: String,
    modulus: String,
    exponent: String,
}

/// A key that could not be made, read or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The library's complaint.
    #[error("the RSA key of the demo identity provider can't be used")]
    Library(#[from] rcgen::Error),
    /// Not an RSA key.
    #[error("the key of the demo identity provider is not an RSA key")]
    NotRsa,
}

impl TokenKey {
    /// A new key of 2048 bits.
    pub(crate) fn generate() -> Result<Self, KeyError> {
        Self::from_pair(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?)
    }

    /// The key that [`TokenKey::to_pem`] wrote.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::from_pair(KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_RSA_SHA256)?)
    }

    /// The private key as PKCS #8.
    pub(crate) fn to_pem(&self) -> Secret<String> {
        Secret::new(self.pair.serialize_pem())
    }

    /// The public half as a JWK Set (RFC 7517 section 5).
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256",
            "kid": self.id, "n": self.modulus, "e": self.exponent,
        }] })
    }

    /// `claims` as a signed compact JWS.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, KeyError> {
        self.sign_as("JWT", claims)
    }

    /// The same with another `typ`.
    pub(crate) fn sign_as(&self, typ: &str, claims: &Value) -> Result<String, KeyError> {
        let header = json!({ "alg": "RS256", "typ": typ, "kid": self.id });
        let encode = |part: &Value| BASE64URL.encode_to_string(part.to_string());
        let message = format!("{}.{}", encode(&header), encode(claims));
        let signature = self.pair.sign(message.as_bytes())?;
        Ok(format!("{message}.{}", BASE64URL.encode_to_string(signature)))
    }

    fn from_pair(pair: KeyPair) -> Result<Self, KeyError> {
        let spki = pair.subject_public_key_info();
        let (_, info) = SubjectPublicKeyInfo::from_der(&spki).map_err(|_| KeyError::NotRsa)?;
        let Ok(PublicKey::RSA(key)) = info.parsed() else { return Err(KeyError::NotRsa) };
        let number = |bytes: &[u8]| {
            let significant = bytes.iter().skip_while(|byte| **byte == 0).copied().collect::<Vec<_>>();
            BASE64URL.encode_to_string(significant)
        };
        let (modulus, exponent) = (number(key.modulus), number(key.exponent));
        let id = BASE64URL.encode_to_string(&digest::digest(&digest::SHA256, &spki).as_ref()[..12]);
        Ok(Self { pair, id, modulus, exponent })
    }
}
