//! Which PEM texts are a key of ours.

use rcgen::{CertificateParams, KeyPair as Generated, PKCS_RSA_SHA256, RsaKeySize};

use super::*;
use crate::identity::saml::keys::Keys;
use crate::identity::saml::names::RSA_SHA256;

fn armoured(label: &str, der: &[u8]) -> String {
    let text = base64_simd::STANDARD.encode_to_string(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn generated() -> Generated {
    Generated::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

fn certificate(key: &Generated) -> String {
    armoured("CERTIFICATE", CertificateParams::default().self_signed(key).unwrap().der())
}

#[test]
fn reads_both_forms_of_a_key_and_signs_with_it() {
    let key = generated();
    let pkcs8 = key.serialize_der();
    let certificate = certificate(&key);
    // RSA keys of 2048 bits have a head of 26 bytes around what PKCS #1 defines.
    let pkcs1 = armoured("RSA PRIVATE KEY", &pkcs8[26..]);
    for pem in [
        format!("{}{certificate}", key.serialize_pem()),
        format!("# the other way round\r\n{certificate}\n{pkcs1}\nand a last word"),
    ] {
        let read = SpKey::from_pem(&pem).unwrap();
        let mut keys = Keys::default();
        keys.add(read.certificate()).unwrap();
        let signature = read.sign(b"message").unwrap();
        assert!(keys.verify(RSA_SHA256, b"message", &signature).is_ok());
        assert!(keys.verify(RSA_SHA256, b"another", &signature).is_err());
        assert_eq!(read.not_after().to_rfc3339(), "4096-01-01T00:00:00Z");
    }
}

#[test]
fn says_what_is_wrong_with_the_others() {
    let key = generated();
    let (private, certificate) = (key.serialize_pem(), certificate(&key));
    let good = format!("{private}{certificate}");
    assert!(SpKey::from_pem(&good).is_ok());
    let elliptic = Generated::generate().unwrap();
    for (pem, expected) in [
        (String::new(), "it holds 0 private keys instead of one"),
        (certificate.clone(), "it holds 0 private keys instead of one"),
        (format!("{private}{good}"), "it holds 2 private keys instead of one"),
        (private.clone(), "it holds 0 certificates instead of one, that of the key"),
        (format!("{good}{certificate}"), "it holds 2 certificates instead of one, that of the key"),
        (good.replace("-----END PRIVATE KEY-----", ""), "a PEM block of it is damaged"),
        (good.replacen("\nMII", "\n*II", 1), "a PEM block of it is damaged"),
        (good.replace(" PRIVATE", " ENCRYPTED PRIVATE"), "its private key is protected by a passphrase"),
        (
            good.replace(" PRIVATE KEY-----\nMII", " RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMII")
                .replace("END PRIVATE", "END RSA PRIVATE"),
            "its private key is protected by a passphrase",
        ),
        (
            good.replace(" PRIVATE KEY", " EC PRIVATE KEY"),
            "its private key is not an RSA key of 2048 to 8192 bits (it says EC PRIVATE KEY)",
        ),
        (
            format!("{}{certificate}", elliptic.serialize_pem()),
            "its private key is not an RSA key of 2048 to 8192 bits (",
        ),
        (format!("{WEAK}{certificate}"), "its private key is not an RSA key of 2048 to 8192 bits (TooSmall)"),
        (format!("{private}{}", armoured("CERTIFICATE", b"none")), "its certificate can't be read ("),
        (
            format!("{private}{}", self::certificate(&elliptic)),
            "its certificate belongs to another private key",
        ),
        (
            format!("{private}{}", self::certificate(&generated())),
            "its certificate belongs to another private key",
        ),
    ] {
        let seen = SpKey::from_pem(&pem).unwrap_err().to_string();
        assert!(
            seen == expected || expected.ends_with('(') && seen.starts_with(expected),
            "{expected}: {seen}"
        );
    }
}

#[test]
fn there_is_one_key_and_its_successor() {
    let pem = |key: &Generated| format!("{}{}", key.serialize_pem(), certificate(key));
    let (one, other) = (pem(&generated()), pem(&generated()));
    let read = |pems: &[&String]| SpKeys::new(pems.iter().map(|pem| SpKey::from_pem(pem).unwrap()).collect());
    assert!(SpKeys::default().is_empty());
    let both = read(&[&one, &other]).unwrap();
    let first = SpKey::from_pem(&one).unwrap();
    assert_eq!(both.signer().unwrap().certificate(), first.certificate());
    assert_eq!(both.iter().count(), 2);
    assert_eq!(read(&[&one, &one]).unwrap_err(), SpKeyFault::Repeated);
    assert_eq!(read(&[&one, &other, &one]).unwrap_err(), SpKeyFault::TooMany(3));
}

#[test]
fn debug_shows_no_key() {
    let key = generated();
    let keys =
        SpKeys::new(vec![SpKey::from_pem(&format!("{}{}", key.serialize_pem(), certificate(&key))).unwrap()]);
    assert_eq!(format!("{:?}", keys.unwrap()), "SpKeys([SpKey { not_after: 4096-01-01T00:00:00Z, .. }])");
}

/// An RSA key of 1024 bits.
const WEAK: &str = "\
-----BEGIN RSA PRIVATE KEY-----\n\
MIICWwIBAAKBgQDCSVKrZKDmHqFN0sXs1VeYltbZMJXfixZIF9M+yx0j235/wPH9\n\
2HS6ldq+Vk+QPWZHS544T9pq8Noh+9Ud1mOTzuc99C68j6qSTL0k3v26CaZCNMe1\n\
7KOmY9ldPKIpCAv73NMT/uaeqMUMZoRpKi6s1hhDvO21ib1bz/lvAvNfzQIDAQAB\n\
AoGAHl8h+kMX2AFvy9+oKzbKo8LowTkUJMb0a761ujo8Su+0HbqG2dztmoF0mY6a\n\
j3zZsUmD6V+qUE9oeimJDkoGdL3uBBjydhZM5lA9zJGxbECYXP9eWhrVoVwD4o8M\n\
OMFCkIz/5Atg0V2+xJwewjtydOqp4GFXCna3EIq55+9dWS0CQQDrb6uQM78c9ppW\n\
Kld9HOAtM3sy3t2CWhkG1UJ+vwWFmg123F7NQSdGcpICBL+WZmdCJcjE8EToE5Nq\n\
v8EJWTbHAkEA00GMK2TjMRxAmWQhOqXOZCqsOixgJO2EbTO3hFIjsonf0Pm0iZta\n\
SMGdbaKPwn4GIYIb70iiFqSUM30HuXOQywJAB9w2kh3oJ4NkK7RGL3sjUN8DIfOm\n\
2Y9AfqXoDms6N/eos2swDxI5yXRRw5d8/fx1PhQc29ZZtpXQuiOkwjckSQJARl8U\n\
WTQvNiHKJw6ivw2Sde19F5fGoyZ3sYTDwhE2kPe6lbtId3pHlerhDS9Uoh4m3qyf\n\
r5LLY62JLKmelBk6BwJAMrpb+OO7HSr2Y10TEOoHGkDkbGRAQUQ3kU9FpGe03edv\n\
rDw6Zje8eepK9eXNT6hQ92WqMRqBVv/pjPdmX4fnYw==\n\
-----END RSA PRIVATE KEY-----\n\
";
