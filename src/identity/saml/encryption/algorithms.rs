//! The ciphers and key transports that are allowed, and their use (XML-Enc 1.1, 5.2 and 5.5.2).

use std::fmt;

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};
use zeroize::Zeroizing;

use super::shape::WrappedKey;
use crate::identity::VerifyError;
use crate::identity::saml::malformed;

/// Before the ciphertext of AES-GCM: 96 bits.
const GCM_IV: usize = aead::NONCE_LEN;
/// Behind it: 128 bits.
const GCM_TAG: usize = 16;
/// A block of AES, and before the ciphertext of AES-CBC the initialization vector.
const BLOCK: usize = 16;
/// The longest AES key.
const LONGEST_KEY: usize = 32;
/// The longest RSA key that aws-lc-rs takes, 8192 bits.
const LONGEST_RSA: usize = 1024;

const RSA_OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const RSA_OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";

/// Digest and mask generation function. SHA-1 is no weakness here: OAEP needs no collision
/// resistance of its hash.
const OAEP: [(&str, &str, &OaepAlgorithm); 5] = [
    (SHA1, MGF1_SHA1, &OAEP_SHA1_MGF1SHA1),
    (
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2009/xmlenc11#mgf1sha256",
        &OAEP_SHA256_MGF1SHA256,
    ),
    (
        "http://www.w3.org/2001/04/xmlenc#sha384",
        "http://www.w3.org/2009/xmlenc11#mgf1sha384",
        &OAEP_SHA384_MGF1SHA384,
    ),
    (
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
        "http://www.w3.org/2009/xmlenc11#mgf1sha384",
        &OAEP_SHA384_MGF1SHA384,
    ),
    (
        "http://www.w3.org/2001/04/xmlenc#sha512",
        "http://www.w3.org/2009/xmlenc11#mgf1sha512",
        &OAEP_SHA512_MGF1SHA512,
    ),
];

/// One of our private keys. Every one of them decrypts.
pub(crate) struct DecryptionKey {
    rsa: OaepPrivateDecryptingKey,
    /// Makes the key that stands for one that does not unwrap.
    decoy: hmac::Key,
}

/// An AES key, genuine or a decoy.
pub(super) struct ContentKey {
    bytes: Zeroizing<[u8; LONGEST_KEY]>,
    genuine: Choice,
}

/// How the data is encrypted.
#[derive(Clone, Copy)]
pub(super) enum Cipher {
    Gcm(&'static aead::Algorithm),
    Cbc { algorithm: &'static cipher::Algorithm, key_length: usize },
}

impl DecryptionKey {
    /// Takes an RSA key of 2048 to 8192 bits, a PKCS #8 document in DER.
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyRejected> {
        let rsa = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(pkcs8)?)?;
        Ok(Self { rsa, decoy: hmac::Key::new(hmac::HMAC_SHA256, pkcs8) })
    }

    /// The content key that was wrapped for us, or a decoy: the same one for the same input, so
    /// that asking twice tells nothing either.
    pub(super) fn unwrap(&self, wrapped: &WrappedKey, cipher: Cipher) -> ContentKey {
        let mut decoy = hmac::Context::with_key(&self.decoy);
        decoy.update(b"rolegate/decoy-content-key");
        decoy.update(&wrapped.ciphertext);
        let mut bytes = Zeroizing::new([0; LONGEST_KEY]);
        bytes.copy_from_slice(decoy.sign().as_ref());
        let mut room = Zeroizing::new([0; LONGEST_RSA]);
        let unwrapped = self.rsa.decrypt(wrapped.oaep, &wrapped.ciphertext, room.as_mut_slice(), None);
        let genuine = match unwrapped {
            Ok(key) if key.len() == cipher.key_length() => {
                bytes[..key.len()].copy_from_slice(key);
                1
            }
            _ => 0,
        };
        ContentKey { bytes, genuine: Choice::from(genuine) }
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKey({} bits)", self.rsa.key_size_bits())
    }
}

impl Cipher {
    /// The algorithm of this URI, if it is allowed for data.
    pub(super) fn named(uri: &str) -> Option<Self> {
        let cbc = |algorithm, key_length| Self::Cbc { algorithm, key_length };
        Some(match uri {
            "http://www.w3.org/2009/xmlenc11#aes128-gcm" => Self::Gcm(&aead::AES_128_GCM),
            "http://www.w3.org/2009/xmlenc11#aes192-gcm" => Self::Gcm(&aead::AES_192_GCM),
            "http://www.w3.org/2009/xmlenc11#aes256-gcm" => Self::Gcm(&aead::AES_256_GCM),
            "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => cbc(&cipher::AES_128, cipher::AES_128_KEY_LEN),
            "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => cbc(&cipher::AES_256, cipher::AES_256_KEY_LEN),
            _ => return None,
        })
    }

    /// Whether it is AES-CBC, which authenticates nothing.
    pub(super) const fn is_cbc(self) -> bool {
        matches!(self, Self::Cbc { .. })
    }

    /// Bytes of its key.
    pub(super) fn key_length(self) -> usize {
        match self {
            Self::Gcm(algorithm) => algorithm.key_len(),
            Self::Cbc { key_length, .. } => key_length,
        }
    }

    /// Whether anything at all could have been encrypted to so many bytes.
    pub(super) const fn admits(self, length: usize) -> bool {
        match self {
            Self::Gcm(_) => length > GCM_IV + GCM_TAG,
            Self::Cbc { .. } => length > BLOCK && length.is_multiple_of(BLOCK),
        }
    }

    /// The plaintext of `sealed`, if the key is the one it was encrypted with.
    pub(super) fn open(self, key: &ContentKey, sealed: &[u8]) -> Option<String> {
        let bytes = &key.bytes[..self.key_length()];
        let (plain, fits) = match self {
            Self::Gcm(algorithm) => (open_gcm(algorithm, bytes, sealed)?, Choice::from(1)),
            Self::Cbc { algorithm, .. } => open_cbc(algorithm, bytes, sealed)?,
        };
        let text = String::from_utf8(plain).ok();
        text.filter(|_| bool::from(key.genuine & fits))
    }
}

/// The parameters of a key transport. What it does not say is SHA-1.
pub(super) fn oaep(
    uri: &str,
    digest: Option<&str>,
    mask: Option<&str>,
) -> Result<&'static OaepAlgorithm, VerifyError> {
    let (digest, mask) = (digest.unwrap_or(SHA1), mask.unwrap_or(MGF1_SHA1));
    let known = match uri {
        // Its mask is not a parameter.
        RSA_OAEP_MGF1P => mask == MGF1_SHA1,
        RSA_OAEP => true,
        _ => return Err(malformed("saml.encryption.key-transport", "RSA-OAEP", uri)),
    };
    let found = OAEP.iter().find(|entry| known && (entry.0, entry.1) == (digest, mask));
    found.map(|(_, _, algorithm)| *algorithm).ok_or_else(|| {
        let expected = "RSA-OAEP with one hash for digest and mask";
        malformed("saml.encryption.oaep", expected, format!("{digest} with {mask}"))
    })
}

fn open_gcm(algorithm: &'static aead::Algorithm, key: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (iv, sealed) = sealed.split_at_checked(GCM_IV)?;
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(iv).ok()?;
    let mut plain = sealed.to_vec();
    let length = key.open_in_place(nonce, Aad::empty(), &mut plain).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

/// Decrypts, and takes the padding off: its last byte counts it, the others are anything
/// (XML-Enc 1.1, 5.2). Gives a text too where the padding is wrong, and the truth beside it, so
/// that both take as long.
fn open_cbc(algorithm: &'static cipher::Algorithm, key: &[u8], sealed: &[u8]) -> Option<(Vec<u8>, Choice)> {
    let (iv, sealed) = sealed.split_first_chunk::<BLOCK>()?;
    let key = DecryptingKey::cbc(UnboundCipherKey::new(algorithm, key).ok()?).ok()?;
    let mut plain = sealed.to_vec();
    key.decrypt(&mut plain, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?;
    let (count, longest) = (*plain.last()?, BLOCK as u8);
    let fits = !count.ct_eq(&0) & !count.ct_gt(&longest);
    let count = u8::conditional_select(&longest, &count, fits);
    let length = plain.len() - usize::from(count);
    plain.truncate(length);
    Some((plain, fits))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::{KeySize, OaepPublicEncryptingKey};

    use super::*;

    #[test]
    fn a_decoy_is_the_same_each_time_and_never_genuine() {
        let pkcs8 = || PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
        let (ours, other) = (pkcs8(), pkcs8());
        let key = |pkcs8: &[u8], first: u8| {
            let mut ciphertext = vec![0; 256];
            ciphertext[0] = first;
            let wrapped = WrappedKey { oaep: &OAEP_SHA1_MGF1SHA1, ciphertext };
            let key = DecryptionKey::from_pkcs8(pkcs8).unwrap();
            let key = key.unwrap(&wrapped, Cipher::Gcm(&aead::AES_256_GCM));
            assert!(!bool::from(key.genuine));
            *key.bytes
        };
        let decoy = key(ours.as_ref(), 1);
        assert_eq!(key(ours.as_ref(), 1), decoy);
        assert_ne!(key(ours.as_ref(), 2), decoy);
        assert_ne!(key(other.as_ref(), 1), decoy);
    }

    #[test]
    fn a_key_of_another_length_is_a_decoy() {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let recipient = OaepPublicEncryptingKey::new(private.public_key()).unwrap();
        let ours = DecryptionKey::from_pkcs8(private.as_der().unwrap().as_ref()).unwrap();
        let genuine = |length: usize, cipher| {
            let (oaep, mut ciphertext) = (&OAEP_SHA1_MGF1SHA1, vec![0; 256]);
            recipient.encrypt(oaep, &vec![7; length], &mut ciphertext, None).unwrap();
            bool::from(ours.unwrap(&WrappedKey { oaep, ciphertext }, cipher).genuine)
        };
        let (short, long) = (Cipher::Gcm(&aead::AES_128_GCM), Cipher::Gcm(&aead::AES_256_GCM));
        assert!(genuine(16, short) && genuine(32, long));
        for length in [0, 15, 17, 24, 31, 33, 64] {
            assert!(!genuine(length, short) && !genuine(length, long), "{length} bytes");
        }
        assert!(!genuine(16, long) && !genuine(32, short));
    }

    /// Whoever guessed a decoy must not be let in by it.
    #[test]
    fn a_decoy_opens_nothing() {
        let bytes = Zeroizing::new([7; LONGEST_KEY]);
        let mut sealed = b"a text".to_vec();
        let key = LessSafeKey::new(UnboundKey::new(&aead::AES_256_GCM, bytes.as_slice()).unwrap());
        let nonce = Nonce::assume_unique_for_key([0; GCM_IV]);
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed).unwrap();
        let sealed = [[0; GCM_IV].as_slice(), &sealed].concat();
        let cipher = Cipher::Gcm(&aead::AES_256_GCM);
        let open = |genuine| {
            cipher.open(&ContentKey { bytes: bytes.clone(), genuine: Choice::from(genuine) }, &sealed)
        };
        assert_eq!(open(1).unwrap(), "a text");
        assert!(open(0).is_none());
    }
}
