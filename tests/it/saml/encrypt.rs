//! Encrypts as identity providers do (XML Encryption 1.1), so that a test can change any part.
//!
//! Content key and initialization vector never change: nothing here is a secret, and a key
//! for one recipient fits the data for another. The texts are canonical as they stand, so
//! that a response around them can be signed.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepAlgorithm, OaepPublicEncryptingKey, PublicEncryptingKey};

pub(crate) const AES_128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
pub(crate) const AES_192_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes192-gcm";
pub(crate) const AES_256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
pub(crate) const AES_128_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
pub(crate) const AES_256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
pub(crate) const RSA_OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";

const CONTENT_KEY: [u8; 32] = *b"a content key that is no secret.";
const IV: [u8; 16] = *b"not random at al";

/// Where the wrapped key stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the `KeyInfo` of the data.
    Inline,
    /// Behind the data.
    Beside,
    /// Behind the data, where a `RetrievalMethod` in its `KeyInfo` leads.
    Referred,
}

/// How to encrypt. The default is what most identity providers do.
#[derive(Clone)]
pub(crate) struct Encryption<'a> {
    /// The algorithm of the data.
    pub(crate) cipher: &'a str,
    /// The algorithm of the key, its parameters as XML, and what they mean.
    pub(crate) transport: &'a str,
    pub(crate) parameters: String,
    pub(crate) oaep: &'static OaepAlgorithm,
    pub(crate) place: Place,
}

impl Default for Encryption<'_> {
    fn default() -> Self {
        Self {
            cipher: AES_256_GCM,
            transport: RSA_OAEP_MGF1P,
            parameters: String::new(),
            oaep: &OAEP_SHA1_MGF1SHA1,
            place: Place::Inline,
        }
    }
}

/// The `saml:EncryptedAssertion` of an assertion.
pub(crate) fn encrypt(assertion: &str, recipient: &PublicEncryptingKey, how: &Encryption<'_>) -> String {
    let key = encrypted_key(recipient, how);
    let (key_info, beside) = match how.place {
        Place::Inline => {
            (key_info(&key.replace(" xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"", "")), "")
        }
        Place::Beside => (String::new(), key.as_str()),
        Place::Referred => (key_info("<ds:RetrievalMethod URI=\"#_k\"></ds:RetrievalMethod>"), key.as_str()),
    };
    format!(
        "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">\
         <xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
         Type=\"http://www.w3.org/2001/04/xmlenc#Element\">\
         <xenc:EncryptionMethod Algorithm=\"{}\"></xenc:EncryptionMethod>{key_info}{}\
         </xenc:EncryptedData>{beside}</saml:EncryptedAssertion>",
        how.cipher,
        cipher_data(&sealed(how.cipher, assertion.as_bytes())),
    )
}

/// The `xenc:EncryptedKey` for a recipient.
pub(crate) fn encrypted_key(recipient: &PublicEncryptingKey, how: &Encryption<'_>) -> String {
    let wrapped = wrapped(&CONTENT_KEY[..key_length(how.cipher)], recipient, how.oaep);
    format!(
        "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" Id=\"_k\">\
         <xenc:EncryptionMethod Algorithm=\"{}\">{}</xenc:EncryptionMethod>{}</xenc:EncryptedKey>",
        how.transport,
        how.parameters,
        cipher_data(&wrapped),
    )
}

/// A `ds:KeyInfo` around `content`.
pub(crate) fn key_info(content: &str) -> String {
    format!("<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{content}</ds:KeyInfo>")
}

/// A `xenc:CipherData` of these octets.
pub(crate) fn cipher_data(octets: &[u8]) -> String {
    let value = base64_simd::STANDARD.encode_to_string(octets);
    format!("<xenc:CipherData><xenc:CipherValue>{value}</xenc:CipherValue></xenc:CipherData>")
}

/// `key`, encrypted to a recipient.
pub(crate) fn wrapped(key: &[u8], recipient: &PublicEncryptingKey, oaep: &'static OaepAlgorithm) -> Vec<u8> {
    let recipient = OaepPublicEncryptingKey::new(recipient.clone()).unwrap();
    let mut room = vec![0; recipient.ciphertext_size()];
    recipient.encrypt(oaep, key, &mut room, None).unwrap().to_vec()
}

/// `plain`, encrypted with the content key; for AES-CBC with padding that is not PKCS #7.
pub(crate) fn sealed(cipher: &str, plain: &[u8]) -> Vec<u8> {
    if cipher.ends_with("-cbc") {
        let count = 16 - plain.len() % 16;
        let mut padded = [plain, &[0xa5; 16][..count]].concat();
        *padded.last_mut().unwrap() = u8::try_from(count).unwrap();
        return cbc(cipher, &padded);
    }
    let algorithm = match key_length(cipher) {
        16 => &aead::AES_128_GCM,
        24 => &aead::AES_192_GCM,
        _ => &aead::AES_256_GCM,
    };
    let key = UnboundKey::new(algorithm, &CONTENT_KEY[..key_length(cipher)]).unwrap();
    let nonce = Nonce::try_assume_unique_for_key(&IV[..12]).unwrap();
    let mut body = plain.to_vec();
    LessSafeKey::new(key).seal_in_place_append_tag(nonce, Aad::empty(), &mut body).unwrap();
    [&IV[..12], &body].concat()
}

/// Whole blocks, encrypted as they are.
pub(crate) fn cbc(cipher: &str, blocks: &[u8]) -> Vec<u8> {
    let algorithm = if key_length(cipher) == 16 { &cipher::AES_128 } else { &cipher::AES_256 };
    let key = UnboundCipherKey::new(algorithm, &CONTENT_KEY[..key_length(cipher)]).unwrap();
    let context = EncryptionContext::Iv128(FixedLength::from(&IV));
    let mut body = blocks.to_vec();
    EncryptingKey::cbc(key).unwrap().less_safe_encrypt(&mut body, context).unwrap();
    [&IV, body.as_slice()].concat()
}

fn key_length(cipher: &str) -> usize {
    match cipher {
        AES_128_GCM | AES_128_CBC => 16,
        AES_192_GCM => 24,
        _ => 32,
    }
}
