//! The provider's signing keys and the algorithms they may be used with.
//!
//! Each key is bound to the algorithms of its type when metadata is loaded, so a signature's
//! own claim can choose among them and never beyond: no HMAC with a public key, no key of one
//! type with the algorithm of another.

use aws_lc_rs::digest::{self, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    VerificationAlgorithm,
};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::refused;
use crate::clock::Moment;
use crate::identity::{VerifyCode, VerifyError};

type Algorithms = [(&'static str, &'static dyn VerificationAlgorithm)];

/// Signature algorithms by their URI (RFC 6931 2.3), for RSA from 2048 bits. ECDSA values are
/// raw `r‖s` (XML-DSig 1.1, 6.4.3).
const RSA: &Algorithms = &[
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", &RSA_PKCS1_2048_8192_SHA256),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", &RSA_PKCS1_2048_8192_SHA384),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", &RSA_PKCS1_2048_8192_SHA512),
    ("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", &RSA_PSS_2048_8192_SHA256),
    ("http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1", &RSA_PSS_2048_8192_SHA384),
    ("http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1", &RSA_PSS_2048_8192_SHA512),
    (RSA_SHA1, &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
];
const P256: &Algorithms =
    &[("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", &ECDSA_P256_SHA256_FIXED)];
const P384: &Algorithms =
    &[("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", &ECDSA_P384_SHA384_FIXED)];
const P521: &Algorithms =
    &[("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", &ECDSA_P521_SHA512_FIXED)];
/// Only where a provider's `accept` names `sha1`: collisions are for sale.
const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";

/// Whether any key could be used with this signature algorithm.
pub(super) fn allows(uri: &str, sha1: bool) -> bool {
    let mut known = RSA.iter().chain(P256).chain(P384).chain(P521);
    known.any(|(known, _)| *known == uri) && (sha1 || uri != RSA_SHA1)
}

/// The digest algorithm of this URI, if it is allowed.
pub(super) fn digest_of(uri: &str, sha1: bool) -> Option<&'static digest::Algorithm> {
    match uri {
        "http://www.w3.org/2001/04/xmlenc#sha256" => Some(&digest::SHA256),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Some(&digest::SHA384),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Some(&digest::SHA512),
        "http://www.w3.org/2000/09/xmldsig#sha1" if sha1 => Some(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        _ => None,
    }
}

/// What is told of a signing certificate. Its dates decide nothing (facts 2.2): metadata says
/// which keys count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the DER, in hexadecimal.
    pub fingerprint: String,
    /// Its subject's distinguished name.
    pub subject: String,
    /// Its `notAfter`.
    pub not_after: Moment,
}

/// Every key of a provider. Never empty, because metadata without a key is refused.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Algorithm, key, and the number of its certificate.
    parsed: Vec<(&'static str, ParsedPublicKey, usize)>,
    /// Subject public key infos, to recognise a key that is listed twice.
    known: Vec<Vec<u8>>,
    certificates: Vec<Certificate>,
}

/// A certificate whose key can't be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unusable(pub(super) String);

impl Keys {
    /// Adds the key of a DER certificate, if it is new.
    pub(super) fn add(&mut self, der: &[u8]) -> Result<(), Unusable> {
        let unreadable = |fault: &dyn std::fmt::Display| Unusable(format!("not a certificate ({fault})"));
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|f| unreadable(&f))?;
        if !rest.is_empty() {
            return Err(unreadable(&"more bytes follow it"));
        }
        let info = certificate.public_key();
        if self.known.iter().any(|known| known == info.raw) {
            return Ok(());
        }
        let key = info.parsed().map_err(|f| unreadable(&f))?;
        let algorithms = match &key {
            PublicKey::RSA(rsa) if (2048..=8192).contains(&rsa.key_size()) => RSA,
            PublicKey::RSA(rsa) => return Err(Unusable(format!("an RSA key of {} bits", rsa.key_size()))),
            PublicKey::EC(point) if point.key_size() == 256 => P256,
            PublicKey::EC(point) if point.key_size() == 384 => P384,
            // Rounded up to whole bytes.
            PublicKey::EC(point) if matches!(point.key_size(), 521 | 528) => P521,
            _ => return Err(Unusable(format!("a key of type {}", info.algorithm.algorithm))),
        };
        for (uri, algorithm) in algorithms {
            let parsed = ParsedPublicKey::new(*algorithm, info.raw)
                .map_err(|rejected| Unusable(format!("a key that is rejected: {rejected}")))?;
            self.parsed.push((uri, parsed, self.certificates.len()));
        }
        self.known.push(info.raw.to_vec());
        self.certificates.push(Certificate {
            fingerprint: fingerprint(der),
            subject: certificate.subject().to_string(),
            not_after: Moment::from_unix(certificate.validity().not_after.timestamp()),
        });
        Ok(())
    }

    /// How many different keys there are.
    pub(super) const fn len(&self) -> usize {
        self.known.len()
    }

    /// The certificates that the keys came in, one a key.
    pub(super) fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The certificate of the key that made this signature by this algorithm.
    pub(super) fn verify(
        &self,
        algorithm: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<&Certificate, VerifyError> {
        let mut candidates = self.parsed.iter().filter(|(uri, ..)| *uri == algorithm).peekable();
        if candidates.peek().is_none() {
            let expected = "an algorithm for a key of the provider's metadata";
            return Err(refused(VerifyCode::Signature, "saml.signature.key", expected, algorithm));
        }
        let made_it = candidates.find(|(_, key, _)| key.verify_sig(message, signature).is_ok());
        made_it.map(|(.., number)| &self.certificates[*number]).ok_or_else(|| {
            let expected = "a signature by a key of the provider's metadata";
            refused(VerifyCode::Signature, "saml.signature.value", expected, "another signature")
        })
    }
}

/// SHA-256 over a certificate's DER, in hexadecimal.
pub(super) fn fingerprint(der: &[u8]) -> String {
    digest(&digest::SHA256, der).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
