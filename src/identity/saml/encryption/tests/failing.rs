//! What is well-formed and does not open: no word about the reason.

use super::encrypt::{cbc, sealed, wrapped};
use super::*;

#[test]
fn whatever_fails_inside_fails_alike() {
    let gcm = OURS.encrypted(&Encryption::default());
    let cbc_way = Encryption { cipher: AES_256_CBC, ..Encryption::default() };
    let cbc_document = OURS.encrypted(&cbc_way);
    accepted("the twin", &gcm);
    accepted("the twin with CBC", &cbc_document);
    let flipped = |mut bytes: Vec<u8>, at: usize| {
        bytes[at] ^= 1;
        bytes
    };
    let data = sealed(AES_256_GCM, ASSERTION.as_bytes());
    let last = data.len() - 1;
    let for_us = |key: &[u8]| wrapped(key, &OURS.public, &OAEP_SHA1_MGF1SHA1);
    let key = for_us(&[7; 32]);
    let padded = |count: u8| cbc(AES_256_CBC, &[[b'x'; 31].as_slice(), &[count]].concat());
    let expected = OURS.open(&OTHER.encrypted(&Encryption::default()), LAX).unwrap_err();
    assert_eq!(expected.check(), "saml.encryption.failed");
    for (what, document) in [
        ("the key of somebody else, CBC", OTHER.encrypted(&cbc_way)),
        ("another content key", with_key(&gcm, &key)),
        ("another content key, CBC", with_key(&cbc_document, &key)),
        ("a shorter content key", with_key(&gcm, &for_us(&[7; 16]))),
        ("a shorter content key, CBC", with_key(&cbc_document, &for_us(&[7; 16]))),
        ("a longer content key", with_key(&gcm, &for_us(&[7; 33]))),
        ("an empty content key", with_key(&gcm, &for_us(&[]))),
        ("a changed wrapped key", with_key(&gcm, &flipped(key.clone(), 255))),
        ("a cut wrapped key", with_key(&gcm, &key[1..])),
        ("a long wrapped key", with_key(&gcm, &[key.as_slice(), &[0]].concat())),
        ("an empty wrapped key", with_key(&gcm, &[])),
        ("a wrapped key of zeros", with_key(&gcm, &[0; 256])),
        ("a wrapped key beyond the modulus", with_key(&gcm, &[255; 256])),
        ("a changed initialization vector", with_data(&gcm, &flipped(data.clone(), 0))),
        ("a changed ciphertext", with_data(&gcm, &flipped(data.clone(), 12))),
        ("a changed tag", with_data(&gcm, &flipped(data.clone(), last))),
        ("a cut tag", with_data(&gcm, &data[..last])),
        ("bytes that are no text", with_data(&gcm, &sealed(AES_256_GCM, b"<a>\xff</a>"))),
        ("bytes that are no text, CBC", with_data(&cbc_document, &sealed(AES_256_CBC, b"<a>\xff</a>"))),
        ("no padding", with_data(&cbc_document, &padded(0))),
        ("padding beyond a block", with_data(&cbc_document, &padded(17))),
        ("padding beyond everything", with_data(&cbc_document, &padded(255))),
        ("CBC as GCM", swap(&cbc_document, AES_256_CBC, AES_256_GCM)),
        ("another hash", parameter_of_1_1(&gcm, &[DIGEST_SHA256, MASK_SHA256].concat())),
    ] {
        assert_eq!(OURS.open(&document, LAX).unwrap_err(), expected, "{what}");
    }
    assert_eq!(OURS.open(&with_data(&cbc_document, &padded(16)), LAX).unwrap(), "x".repeat(16));
}

#[test]
fn cbc_needs_leave_and_a_signature() {
    let policy = |cbc, authenticated| Policy { cbc, authenticated };
    for cipher in [AES_128_CBC, AES_256_CBC] {
        let document = OURS.encrypted(&Encryption { cipher, ..Encryption::default() });
        let seen = |policy| OURS.open(&document, policy).map_err(|fault| fault.check());
        assert_eq!(seen(policy(true, true)).unwrap(), ASSERTION);
        assert_eq!(seen(policy(true, false)), Err("saml.encryption.cbc-unauthenticated"));
        assert_eq!(seen(policy(false, true)), Err("saml.encryption.cbc"));
        assert_eq!(seen(policy(false, false)), Err("saml.encryption.cbc"));
        // Not even with a key that is not ours: whether it is, must not be told.
        let foreign = OTHER.encrypted(&Encryption { cipher, ..Encryption::default() });
        let fault = OURS.open(&foreign, policy(true, false)).unwrap_err();
        assert_eq!(fault.check(), "saml.encryption.cbc-unauthenticated");
    }
    assert_eq!(OURS.open(&OURS.encrypted(&Encryption::default()), STRICT).unwrap(), ASSERTION);
}

#[test]
fn without_keys_of_ours_nothing_opens() {
    let document = OURS.encrypted(&Encryption::default());
    let fault = open(&document, &[], LAX).unwrap_err();
    assert_eq!(fault.check(), "saml.encryption.not-configured");
}

#[test]
fn ciphertexts_have_a_length() {
    let gcm = OURS.encrypted(&Encryption::default());
    let cbc_document = OURS.encrypted(&Encryption { cipher: AES_128_CBC, ..Encryption::default() });
    for (document, length, expected) in [
        (&gcm, 0, "saml.encryption.length"),
        (&gcm, 28, "saml.encryption.length"),
        (&gcm, 29, "saml.encryption.failed"),
        (&cbc_document, 16, "saml.encryption.length"),
        (&cbc_document, 31, "saml.encryption.length"),
        (&cbc_document, 33, "saml.encryption.length"),
    ] {
        check(&format!("{length} bytes"), &with_data(document, &vec![0; length]), expected);
    }
    let long = |characters: usize| with_data(&gcm, &vec![0; characters / 4 * 3]);
    check("the longest", &long(MAX_CIPHERTEXT), "saml.encryption.failed");
    check("too long", &long(MAX_CIPHERTEXT + 4), "saml.encryption.size");
}
