//! Our own keys towards a provider: the first signs what we send, every one is published and may
//! decrypt what we get.
//!
//! A key is one PEM text with an RSA private key (PKCS #8 or PKCS #1) and the certificate that
//! carries it to the provider. The certificate is a container (SAML Metadata Interoperability
//! Profile 2.3): nobody looks at its issuer, and many look at its dates.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::clock::Moment;
use crate::identity::saml::encryption::DecryptionKey;
use crate::secret::Secret;

/// A key in use and its successor. More would make the provider's own limits matter.
const MAX_KEYS: usize = 2;

/// Keys that can't be ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpKeyFault {
    /// A PEM block does not end, or its content is not base64.
    #[error("a PEM block of it is damaged")]
    Damaged,
    /// The private key is missing, or there are several.
    #[error("it holds {0} private keys instead of one")]
    PrivateKeys(usize),
    /// The certificate is missing, or there are several.
    #[error("it holds {0} certificates instead of one, that of the key")]
    Certificates(usize),
    /// The private key is encrypted.
    #[error("its private key is protected by a passphrase")]
    Passphrase,
    /// The private key is of a kind or size that is not accepted.
    #[error("its private key is not an RSA key of 2048 to 8192 bits ({0})")]
    Unusable(String),
    /// The certificate can't be read.
    #[error("its certificate can't be read ({0})")]
    NotACertificate(String),
    /// Key and certificate are of different pairs.
    #[error("its certificate belongs to another private key")]
    Mismatch,
    /// There are more keys than two.
    #[error("there are {0} keys, and at most two can be in use: the current one and the next")]
    TooMany(usize),
    /// A key is there twice.
    #[error("both keys are the same")]
    Repeated,
}

/// The crypto library did not sign. It has no reason to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message to the identity provider could not be signed")]
pub struct SigningFailed;

/// One key and its certificate. Its `Debug` shows neither.
pub struct SpKey {
    certificate: Vec<u8>,
    not_after: Moment,
    pair: RsaKeyPair,
    decryption: DecryptionKey,
}

impl SpKey {
    /// Reads a private key and its certificate, in either order.
    pub fn from_pem(pem: &str) -> Result<Self, SpKeyFault> {
        let (mut private, mut certificates) = (Vec::new(), Vec::new());
        for block in blocks(pem)? {
            match block.label {
                "CERTIFICATE" => certificates.push(block.der),
                "ENCRYPTED PRIVATE KEY" => return Err(SpKeyFault::Passphrase),
                label if label.ends_with("PRIVATE KEY") => private.push(block),
                _ => {}
            }
        }
        let [private] = &private[..] else { return Err(SpKeyFault::PrivateKeys(private.len())) };
        let [certificate] = &certificates[..] else {
            return Err(SpKeyFault::Certificates(certificates.len()));
        };
        Self::new(private, certificate.expose())
    }

    fn new(private: &Block<'_>, certificate: &[u8]) -> Result<Self, SpKeyFault> {
        let unusable = |reason: String| SpKeyFault::Unusable(reason);
        let der = private.der.expose();
        let pair = match private.label {
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8(der),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(der),
            other => return Err(unusable(format!("it says {other}"))),
        };
        let pair = pair.map_err(|rejected| unusable(rejected.to_string()))?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| unusable("it can't be encoded".to_owned()))?;
        let decryption = DecryptionKey::from_pkcs8(pkcs8.as_ref());
        let decryption = decryption.map_err(|rejected| unusable(rejected.to_string()))?;
        let unreadable = |fault: &dyn fmt::Display| SpKeyFault::NotACertificate(fault.to_string());
        let (rest, parsed) = X509Certificate::from_der(certificate).map_err(|f| unreadable(&f))?;
        if !rest.is_empty() {
            return Err(unreadable(&"more bytes follow it"));
        }
        if *parsed.public_key().subject_public_key.data != *pair.public_key().as_ref() {
            return Err(SpKeyFault::Mismatch);
        }
        let not_after = Moment::from_unix(parsed.validity().not_after.timestamp());
        Ok(Self { certificate: certificate.to_vec(), not_after, pair, decryption })
    }

    /// The certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// When the certificate's time is over. Providers that look at dates refuse the key then.
    pub const fn not_after(&self) -> Moment {
        self.not_after
    }

    /// The private key, to decrypt with.
    pub(crate) const fn decryption(&self) -> &DecryptionKey {
        &self.decryption
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 over `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let signed = self.pair.sign_digest(&RSA_PKCS1_SHA256, &digest(&SHA256, message), &mut signature);
        signed.map_err(|_| SigningFailed)?;
        Ok(signature)
    }
}

impl fmt::Debug for SpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpKey").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

/// Our keys towards one provider: none, one, or one and its successor. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct SpKeys(Arc<[SpKey]>);

impl SpKeys {
    /// These keys, the one that signs first.
    pub fn new(keys: Vec<SpKey>) -> Result<Self, SpKeyFault> {
        if keys.len() > MAX_KEYS {
            return Err(SpKeyFault::TooMany(keys.len()));
        }
        if let [one, other] = &keys[..]
            && one.pair.public_key().as_ref() == other.pair.public_key().as_ref()
        {
            return Err(SpKeyFault::Repeated);
        }
        Ok(Self(keys.into()))
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every key, the one that signs first.
    pub fn iter(&self) -> impl Iterator<Item = &SpKey> {
        self.0.iter()
    }

    /// The key that signs.
    pub(crate) fn signer(&self) -> Option<&SpKey> {
        self.0.first()
    }
}

/// A block of a PEM text (RFC 7468).
struct Block<'p> {
    label: &'p str,
    der: Secret<Vec<u8>>,
}

/// Every block of `pem`; what stands between them is explanation (RFC 7468, 2).
fn blocks(pem: &str) -> Result<Vec<Block<'_>>, SpKeyFault> {
    let mut found = Vec::new();
    let mut rest = pem;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let (label, body) = after.split_once("-----").ok_or(SpKeyFault::Damaged)?;
        let end = format!("-----END {label}-----");
        let (body, after) = body.split_once(end.as_str()).ok_or(SpKeyFault::Damaged)?;
        if body.contains("ENCRYPTED") {
            return Err(SpKeyFault::Passphrase);
        }
        let mut packed = Vec::with_capacity(body.len());
        packed.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
        let packed = Secret::new(packed);
        let der = base64_simd::STANDARD.decode_to_vec(packed.expose()).map_err(|_| SpKeyFault::Damaged)?;
        found.push(Block { label, der: Secret::new(der) });
        rest = after;
    }
    Ok(found)
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
