//! What must open, whoever encrypted it, and every refusal beside its honest twin.
//!
//! `foreign/` was made by other tools for the key beside it, which opens nothing else:
//! `aes128-gcm` by xmlsec1 1.2.37, the others by libxmlsec1 1.3.9 through python-xmlsec.

#[path = "../../../../../tests/it/saml/encrypt.rs"]
mod encrypt;
mod failing;
mod refused;

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    PrivateDecryptingKey, PublicEncryptingKey,
};

use self::encrypt::{
    AES_128_CBC, AES_128_GCM, AES_192_GCM, AES_256_CBC, AES_256_GCM, Encryption, Place, RSA_OAEP_MGF1P,
    cipher_data,
};
use super::super::xml::parse;
use super::*;
use crate::identity::VerifyCode;

const ASSERTION: &str =
    "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\">Zoë</saml:Assertion>";
const DIGEST_SHA256: &str = "<ds:DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
     Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>";
const MASK_SHA256: &str = "<x:MGF xmlns:x=\"http://www.w3.org/2009/xmlenc11#\" \
     Algorithm=\"http://www.w3.org/2009/xmlenc11#mgf1sha256\"/>";
const RSA_OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
/// What may be encrypted by AES-CBC: nothing, which is the default, or what is signed.
#[derive(Clone, Copy)]
struct Policy {
    cbc: bool,
    authenticated: bool,
}
const STRICT: Policy = Policy { cbc: false, authenticated: false };
const LAX: Policy = Policy { cbc: true, authenticated: true };

/// Somebody to encrypt to.
struct Owner {
    ours: [DecryptionKey; 1],
    public: PublicEncryptingKey,
}

impl Owner {
    fn new() -> Self {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let ours = [DecryptionKey::from_pkcs8(private.as_der().unwrap().as_ref()).unwrap()];
        Self { ours, public: private.public_key() }
    }

    fn encrypted(&self, how: &Encryption<'_>) -> String {
        encrypt::encrypt(ASSERTION, &self.public, how)
    }

    fn open(&self, document: &str, policy: Policy) -> Result<String, VerifyError> {
        open(document, &self.ours, policy)
    }
}

static OURS: LazyLock<Owner> = LazyLock::new(Owner::new);
static OTHER: LazyLock<Owner> = LazyLock::new(Owner::new);

fn open(document: &str, keys: &[DecryptionKey], policy: Policy) -> Result<String, VerifyError> {
    let tree = parse(document, &RESPONSE)?;
    let (keys, Policy { cbc, authenticated }) = (keys.iter().collect::<Vec<_>>(), policy);
    Recipient { keys: &keys, cbc, authenticated, trace: &Trace::off() }.decrypt(tree.root()?)
}

#[track_caller]
fn accepted(what: &str, document: &str) {
    match OURS.open(document, LAX) {
        Ok(plain) => assert_eq!(plain, ASSERTION, "{what}"),
        Err(fault) => panic!("{what}: refused by {fault}"),
    }
}

/// `text` with the first occurrence of `from` replaced.
#[track_caller]
fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} does not occur");
    text.replacen(from, to, 1)
}

#[track_caller]
fn check(what: &str, document: &str, expected: &str) {
    match OURS.open(document, LAX) {
        Ok(_) => panic!("{what}: opened, though {expected} should refuse it"),
        Err(fault) => {
            assert_eq!((fault.check(), fault.code()), (expected, VerifyCode::Malformed), "{what}: {fault}");
        }
    }
}

/// The document with another ciphertext of the data.
fn with_data(document: &str, ciphertext: &[u8]) -> String {
    let (before, _) = document.rsplit_once("<xenc:CipherData>").unwrap();
    let (_, after) = document.rsplit_once("</xenc:CipherData>").unwrap();
    format!("{before}{}{after}", cipher_data(ciphertext))
}

/// The document with another ciphertext of the key.
fn with_key(document: &str, ciphertext: &[u8]) -> String {
    let (before, rest) = document.split_once("<xenc:CipherData>").unwrap();
    let (_, after) = rest.split_once("</xenc:CipherData>").unwrap();
    format!("{before}{}{after}", cipher_data(ciphertext))
}

/// The document with the key transport of 1.1 and a parameter of it.
fn parameter_of_1_1(document: &str, parameter: &str) -> String {
    swap(document, &format!("{RSA_OAEP_MGF1P}\"></"), &format!("{RSA_OAEP}\">{parameter}</"))
}

#[test]
fn opens_what_other_tools_encrypt() {
    let ours = [DecryptionKey::from_pkcs8(include_bytes!("foreign/key.der")).unwrap()];
    for document in [
        include_str!("foreign/aes128-gcm.xml"),
        include_str!("foreign/aes256-gcm.xml"),
        include_str!("foreign/aes256-cbc.xml"),
    ] {
        assert_eq!(open(document, &ours, LAX).unwrap(), ASSERTION);
    }
}

#[test]
fn opens_every_algorithm_that_is_allowed() {
    for cipher in [AES_128_GCM, AES_192_GCM, AES_256_GCM, AES_128_CBC, AES_256_CBC] {
        accepted(cipher, &OURS.encrypted(&Encryption { cipher, ..Encryption::default() }));
    }
    let digest = |uri: &str| swap(DIGEST_SHA256, "http://www.w3.org/2001/04/xmlenc#sha256", uri);
    let mask = |name: &str| swap(MASK_SHA256, "mgf1sha256", name);
    let both = |uri: &str, name: &str| digest(uri) + &mask(name);
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    let [sha256, sha384, sha512] =
        [256, 384, 512].map(|bits| format!("http://www.w3.org/2001/04/xmlenc#sha{bits}"));
    let sha384_of_signatures = "http://www.w3.org/2001/04/xmldsig-more#sha384";
    for (transport, parameters, oaep) in [
        (RSA_OAEP_MGF1P, String::new(), &OAEP_SHA1_MGF1SHA1),
        (RSA_OAEP_MGF1P, digest(sha1), &OAEP_SHA1_MGF1SHA1),
        (RSA_OAEP_MGF1P, both(sha1, "mgf1sha1"), &OAEP_SHA1_MGF1SHA1),
        (RSA_OAEP_MGF1P, "<xenc:OAEPparams> </xenc:OAEPparams>".to_owned(), &OAEP_SHA1_MGF1SHA1),
        (RSA_OAEP, String::new(), &OAEP_SHA1_MGF1SHA1),
        (RSA_OAEP, mask("mgf1sha1"), &OAEP_SHA1_MGF1SHA1),
        (RSA_OAEP, both(&sha256, "mgf1sha256"), &OAEP_SHA256_MGF1SHA256),
        (RSA_OAEP, mask("mgf1sha256") + &digest(&sha256), &OAEP_SHA256_MGF1SHA256),
        (RSA_OAEP, both(&sha384, "mgf1sha384"), &OAEP_SHA384_MGF1SHA384),
        (RSA_OAEP, both(sha384_of_signatures, "mgf1sha384"), &OAEP_SHA384_MGF1SHA384),
        (RSA_OAEP, both(&sha512, "mgf1sha512"), &OAEP_SHA512_MGF1SHA512),
    ] {
        let what = format!("{transport} {parameters}");
        accepted(
            &what,
            &OURS.encrypted(&Encryption { transport, parameters, oaep, ..Encryption::default() }),
        );
    }
}

#[test]
fn opens_every_shape_that_is_sent() {
    let honest = OURS.encrypted(&Encryption::default());
    for place in [Place::Inline, Place::Beside, Place::Referred] {
        let how = Encryption { place, ..Encryption::default() };
        accepted("our key alone", &OURS.encrypted(&how));
        // The key for somebody else comes first.
        let ours = encrypt::encrypted_key(&OURS.public, &how).replace("_k", "_ours");
        let document = OTHER.encrypted(&how);
        let together = match place {
            Place::Inline => swap(&document, "</ds:KeyInfo>", &format!("{ours}</ds:KeyInfo>")),
            _ => swap(&document, "</saml:EncryptedAssertion>", &format!("{ours}</saml:EncryptedAssertion>")),
        };
        accepted("our key second", &together);
    }
    for (what, from, to) in [
        ("no Type", " Type=\"http://www.w3.org/2001/04/xmlenc#Element\"", ""),
        ("a MimeType", " Type=", " MimeType=\"text/xml\" Type="),
        ("a Recipient", " Id=\"_k\"", " Id=\"_k\" Recipient=\"https://elsewhere.example.com\""),
        ("a KeySize", "gcm\">", "gcm\"><xenc:KeySize>256</xenc:KeySize>"),
        (
            "the names of a key",
            "<xenc:EncryptedKey",
            "<ds:KeyName>sp</ds:KeyName><ds:X509Data/><xenc:EncryptedKey",
        ),
        (
            "a key info of the key",
            "</xenc:EncryptionMethod><xenc:CipherData>",
            "</xenc:EncryptionMethod><ds:KeyInfo><ds:KeyName>sp</ds:KeyName></ds:KeyInfo><xenc:CipherData>",
        ),
        (
            "what the key is for",
            "</xenc:EncryptedKey>",
            "<xenc:ReferenceList><xenc:DataReference URI=\"#_d\"/></xenc:ReferenceList>\
             <xenc:CarriedKeyName>sp</xenc:CarriedKeyName></xenc:EncryptedKey>",
        ),
        ("line breaks", "<xenc:CipherValue>", "\n  <xenc:CipherValue>\r\n    "),
    ] {
        accepted(what, &swap(&honest, from, to));
    }
}

#[test]
fn every_key_of_ours_is_tried() {
    let ours = || include_bytes!("foreign/key.der").as_slice();
    let other = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
    let document = include_str!("foreign/aes128-gcm.xml");
    for (what, pair) in [("first", [ours(), other.as_ref()]), ("second", [other.as_ref(), ours()])] {
        let keys = pair.map(|key| DecryptionKey::from_pkcs8(key).unwrap());
        assert_eq!(open(document, &keys, STRICT).unwrap(), ASSERTION, "{what}");
    }
}

#[test]
fn padding_of_every_length_comes_off() {
    for length in 0..33 {
        let plain = "x".repeat(length);
        for cipher in [AES_128_CBC, AES_256_CBC] {
            let how = Encryption { cipher, ..Encryption::default() };
            let document = encrypt::encrypt(&plain, &OURS.public, &how);
            assert_eq!(OURS.open(&document, LAX).unwrap(), plain, "{length} bytes");
        }
    }
}

#[test]
fn a_key_shows_nothing_of_itself() {
    assert_eq!(format!("{:?}", OURS.ours[0]), "DecryptionKey(2048 bits)");
}

#[test]
fn a_key_must_be_rsa_of_2048_bits() {
    let of = |key: rcgen::KeyPair| DecryptionKey::from_pkcs8(&key.serialize_der()).map(|_| ());
    assert!(DecryptionKey::from_pkcs8(b"not a key").is_err());
    assert!(of(rcgen::KeyPair::generate().unwrap()).is_err(), "an elliptic curve");
    assert!(
        of(rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap())
            .is_ok()
    );
}

/// The document around it declares `saml`; the plaintext must do so itself.
#[test]
fn a_plaintext_stands_alone() {
    let bare = swap(ASSERTION, " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "");
    let plain = OURS.open(&encrypt::encrypt(&bare, &OURS.public, &Encryption::default()), STRICT).unwrap();
    assert_eq!(plain, bare);
    assert_eq!(parse(&plain, &RESPONSE).map(|_| ()).unwrap_err().check(), "saml.xml.namespace");
    let several = ASSERTION.repeat(2);
    let plain = OURS.open(&encrypt::encrypt(&several, &OURS.public, &Encryption::default()), STRICT).unwrap();
    assert_eq!(parse(&plain, &RESPONSE).map(|_| ()).unwrap_err().check(), "saml.xml.root");
}
