//! The provider's signing keys and the algorithms they may be used with.
//!
//! Each key is bound to the algorithms of its type when metadata is loaded, so a signature's
//! own claim can choose among them and never beyond: no HMAC with a public key, no SHA-1.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, VerificationAlgorithm,
};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::refused;
use crate::identity::{VerifyCode, VerifyError};

/// Signature algorithms by their URI (RFC 6931 2.3), for RSA from 2048 bits. ECDSA values are
/// raw `r‖s` (XML-DSig 1.1, 6.4.3).
const RSA: [(&str, &dyn VerificationAlgorithm); 6] = [
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", &RSA_PKCS1_2048_8192_SHA256),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", &RSA_PKCS1_2048_8192_SHA384),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", &RSA_PKCS1_2048_8192_SHA512),
    ("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", &RSA_PSS_2048_8192_SHA256),
    ("http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1", &RSA_PSS_2048_8192_SHA384),
    ("http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1", &RSA_PSS_2048_8192_SHA512),
];
const P256: [(&str, &dyn VerificationAlgorithm); 1] =
    [("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", &ECDSA_P256_SHA256_FIXED)];
const P384: [(&str, &dyn VerificationAlgorithm); 1] =
    [("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", &ECDSA_P384_SHA384_FIXED)];

/// Whether any key could be used with this signature algorithm.
pub(super) fn allows(uri: &str) -> bool {
    RSA.iter().chain(&P256).chain(&P384).any(|(known, _)| *known == uri)
}

/// The digest algorithm of this URI, if it is allowed. SHA-1 is not: collisions are for sale.
pub(super) fn digest_of(uri: &str) -> Option<&'static digest::Algorithm> {
    match uri {
        "http://www.w3.org/2001/04/xmlenc#sha256" => Some(&digest::SHA256),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Some(&digest::SHA384),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Some(&digest::SHA512),
        _ => None,
    }
}

/// Every key of a provider. Never empty, because metadata without a key is refused.
#[derive(Debug, Default)]
pub(super) struct Keys {
    parsed: Vec<(&'static str, ParsedPublicKey)>,
    /// Subject public key infos, to recognise a key that is listed twice.
    known: Vec<Vec<u8>>,
}

/// A certificate whose key can't be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unusable(pub(super) String);

impl Keys {
    /// Adds the key of a DER certificate. Its dates do not matter (facts 2.2): metadata says
    /// which keys count.
    pub(super) fn add(&mut self, certificate: &[u8]) -> Result<(), Unusable> {
        let unreadable = |fault: &dyn std::fmt::Display| Unusable(format!("not a certificate ({fault})"));
        let (rest, certificate) = X509Certificate::from_der(certificate).map_err(|f| unreadable(&f))?;
        if !rest.is_empty() {
            return Err(unreadable(&"more bytes follow it"));
        }
        let info = certificate.public_key();
        if self.known.iter().any(|known| known == info.raw) {
            return Ok(());
        }
        let key = info.parsed().map_err(|f| unreadable(&f))?;
        let algorithms: &[(&'static str, &'static dyn VerificationAlgorithm)] = match &key {
            PublicKey::RSA(rsa) if (2048..=8192).contains(&rsa.key_size()) => &RSA,
            PublicKey::RSA(rsa) => return Err(Unusable(format!("an RSA key of {} bits", rsa.key_size()))),
            PublicKey::EC(point) if point.key_size() == 256 => &P256,
            PublicKey::EC(point) if point.key_size() == 384 => &P384,
            _ => return Err(Unusable(format!("a key of type {}", info.algorithm.algorithm))),
        };
        for (uri, algorithm) in algorithms {
            let parsed = ParsedPublicKey::new(*algorithm, info.raw)
                .map_err(|rejected| Unusable(format!("a key that is rejected: {rejected}")))?;
            self.parsed.push((uri, parsed));
        }
        self.known.push(info.raw.to_vec());
        Ok(())
    }

    /// How many different keys there are.
    pub(super) const fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether one of the keys made this signature, by this algorithm.
    pub(super) fn verify(
        &self,
        algorithm: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let mut candidates = self.parsed.iter().filter(|(uri, _)| *uri == algorithm).peekable();
        if candidates.peek().is_none() {
            let expected = "an algorithm for a key of the provider's metadata";
            return Err(refused(VerifyCode::Signature, "saml.signature.key", expected, algorithm));
        }
        if candidates.any(|(_, key)| key.verify_sig(message, signature).is_ok()) {
            return Ok(());
        }
        let expected = "a signature by a key of the provider's metadata";
        Err(refused(VerifyCode::Signature, "saml.signature.value", expected, "another signature"))
    }
}
