//! Encrypted assertions: XML Encryption 1.1 as SAML uses it (Core 2.3.4 and 6.1, facts 2.3).
//! `EncryptedID` and `EncryptedAttribute` have the same shape and would take the same way.
//!
//! Decrypting proves nothing: anybody can encrypt to us. What comes out is one more untrusted
//! text, to be scanned, parsed, held against the allow-list and verified like one that came in
//! clear. It may be of another namespace context than the document around it: prefixes that it
//! does not declare itself are refused by the parser, as always. Exclusive canonicalization, by
//! which encryptors serialize, leaves none.
//!
//! `shape` reads by allow-list what is there, and fetches nothing. `algorithms` does the work.
//!
//! **No oracle.** A wrong key, a wrong tag, wrong padding and a plaintext that is no text give
//! one answer, `saml.encryption.failed`, without a detail and by one path: where unwrapping a
//! content key fails, a decoy takes its place (derived from the private key and the
//! ciphertext), and decrypting goes on. What is refused before that, is refused by what the
//! sender himself wrote.
//!
//! **CBC** is malleable, and any later complaint about the plaintext would be an oracle for it,
//! even for what was encrypted with GCM under the same key ("How to Break XML Encryption" 2011,
//! "One Bad Apple" 2013). So it is used only where the provider's signature over the response
//! was verified and covers it, besides being switched on.
//!
//! **Refused for good**: RSA PKCS #1 v1.5 (Bleichenbacher). **Refused for want of a safe
//! interface** in aws-lc-rs: RSA-OAEP with two different hashes, such as SHA-256 with
//! MGF1-SHA-1, which facts 2.3 saw accepted.

mod algorithms;
mod shape;
#[cfg(test)]
mod tests;

pub(super) use self::algorithms::DecryptionKey;
use super::facts::Trace;
use super::malformed;
use super::xml::RESPONSE;
use crate::identity::VerifyError;
use crate::identity::saml::xml::Element;

/// More than any plaintext of a document can have: a document's limit is a ciphertext's too.
const MAX_CIPHERTEXT: usize = RESPONSE.bytes;

/// For whom something is encrypted, and how it may be.
pub(super) struct Recipient<'a> {
    /// Our keys: two at most, by configuration.
    pub(super) keys: &'a [&'a DecryptionKey],
    /// Whether the provider may use AES-CBC at all (`aes-cbc`).
    pub(super) cbc: bool,
    /// Whether what is decrypted was read from bytes that the provider's own signature covers,
    /// and that signature was verified.
    pub(super) authenticated: bool,
    /// Where it is noted.
    pub(super) trace: &'a Trace,
}

impl Recipient<'_> {
    /// The plaintext of an element with one `xenc:EncryptedData`. Tries every wrapped key (at
    /// most four) with each of ours.
    pub(super) fn decrypt(&self, encrypted: Element<'_, '_>) -> Result<String, VerifyError> {
        if self.keys.is_empty() {
            let expected = "an assertion in clear, or `keys` of our own for this provider";
            return Err(malformed("saml.encryption.not-configured", expected, "an encrypted assertion"));
        }
        let parts = shape::read(encrypted)?;
        if parts.cipher.is_cbc() {
            self.admit_cbc()?;
        }
        let pairs = parts.keys.iter().flat_map(|wrapped| self.keys.iter().map(move |ours| (wrapped, ours)));
        let expected = "an assertion encrypted to one of our keys";
        for (wrapped, ours) in pairs {
            let content_key = ours.unwrap(wrapped, parts.cipher);
            if let Some(plain) = parts.cipher.open(&content_key, &parts.ciphertext) {
                self.trace.passed("saml.encryption", || (expected.to_owned(), "one".to_owned()));
                return Ok(plain);
            }
        }
        Err(malformed("saml.encryption.failed", expected, "another"))
    }

    fn admit_cbc(&self) -> Result<(), VerifyError> {
        let seen = "AES-CBC";
        if !self.cbc {
            return Err(malformed("saml.encryption.cbc", "AES-GCM", seen));
        }
        if !self.authenticated {
            let expected = "AES-GCM, or a signed Response";
            return Err(malformed("saml.encryption.cbc-unauthenticated", expected, seen));
        }
        self.trace.waived("saml.encryption.cbc", || ("AES-GCM".to_owned(), seen.to_owned()));
        Ok(())
    }
}
