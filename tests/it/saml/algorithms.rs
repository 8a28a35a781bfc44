//! Algorithms: those that are allowed, each bound to its type of key, and all others.

use aws_lc_rs::hmac;
use rcgen::KeyPair;
use rolegate::identity::saml::{Accept, SamlProvider};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::fixture::{
    ASSERTION, EXPECTED, HONEST, Key, Signing, base64, element, enveloped, honest, metadata, noon,
    provider_of, response, settings, signature_of, swap,
};
use super::old_key::{CUBED, FORGED, OLD_CERTIFICATE, SHA1_ONCE, SHA1_TWICE};
use super::suite::{Table, hold};

const ALGORITHMS: [(&str, &str); 9] = [
    ("RSA", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
    ("RSA", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"),
    ("RSA", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"),
    ("RSA", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"),
    ("RSA", "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1"),
    ("RSA", "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1"),
    ("P-256", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
    ("P-384", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"),
    ("P-521", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"),
];
const DIGESTS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];

fn verify(provider: &SamlProvider, signing: &Signing<'_>) -> &'static str {
    let document = response(&enveloped(ASSERTION, &signing.sign(ASSERTION)));
    provider.verify(&base64(document.as_bytes()), EXPECTED, noon()).map_or_else(|f| f.check(), |_| "")
}

#[test]
fn each_is_bound_to_its_type_of_key() {
    let keys = [
        ("RSA", Key::rsa()),
        ("P-256", Key::of(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap())),
        ("P-384", Key::of(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap())),
        ("P-521", Key::of(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap())),
    ];
    let provider = provider_of;
    let all = provider(&keys.iter().map(|(_, key)| key).collect::<Vec<_>>());
    for (kind, algorithm) in ALGORITHMS {
        let key = &keys.iter().find(|(name, _)| *name == kind).unwrap().1;
        for digest_algorithm in DIGESTS {
            let signing = Signing { key, algorithm, digest_algorithm, ..Signing::of("_a") };
            assert_eq!(verify(&all, &signing), "", "{algorithm} {digest_algorithm}");
        }
        for (other, only) in &keys {
            let signing = Signing { key, algorithm, ..Signing::of("_a") };
            let expected = if *other == kind { "" } else { "saml.signature.key" };
            assert_eq!(verify(&provider(&[only]), &signing), expected, "{algorithm} with {other}");
        }
    }
}

#[test]
fn others_are_refused() {
    hold(&tables());
}

const ALGORITHM: &str = "saml.signature.algorithm";
const SHAPE: &str = "saml.signature.structure";
const VALUE: &str = "saml.signature.value";
const KEY: &str = "saml.signature.key";

pub(super) fn tables() -> Vec<Table> {
    vec![
        signatures(),
        digests(),
        sha1(),
        sha1_where_it_is_borne(),
        secrets(),
        renamed(),
        elliptic(),
        forged(),
    ]
}

/// The honest assertion, signed in another way.
fn signed_by(change: impl FnOnce(&mut Signing<'_>)) -> String {
    let mut signing = Signing::of("_a");
    change(&mut signing);
    response(&enveloped(ASSERTION, &signing.sign(ASSERTION)))
}

fn signatures() -> Table {
    let by = |uri: &str| {
        let info = Signing::of("_a").info(ASSERTION).replace(super::fixture::RSA_SHA256, uri);
        response(&enveloped(ASSERTION, &Signing::of("_a").seal(&info)))
    };
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    let newer = "http://www.w3.org/2007/05/xmldsig-more#";
    let old = "http://www.w3.org/2000/09/xmldsig#";
    let rsa = super::fixture::RSA_SHA256;
    let unknown = [
        ("RSA-MD5", format!("{more}rsa-md5")),
        ("RSA-RIPEMD160", format!("{more}rsa-ripemd160")),
        ("RSA-SHA224", format!("{more}rsa-sha224")),
        ("RSA-PSS with parameters", format!("{newer}rsa-pss")),
        ("RSA-PSS with SHA-1", format!("{newer}sha1-rsa-MGF1")),
        ("RSA-PSS with SHA-224", format!("{newer}sha224-rsa-MGF1")),
        ("RSA-PSS with SHA3-256", format!("{newer}sha3-256-rsa-MGF1")),
        ("DSA-SHA1", format!("{old}dsa-sha1")),
        ("DSA-SHA256", "http://www.w3.org/2009/xmldsig11#dsa-sha256".to_owned()),
        ("ECDSA-SHA1", format!("{more}ecdsa-sha1")),
        ("ECDSA-SHA224", format!("{more}ecdsa-sha224")),
        ("Ed25519", "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519".to_owned()),
        ("none", "none".to_owned()),
        ("an empty one", String::new()),
        ("RSA of XML encryption", "http://www.w3.org/2001/04/xmlenc#rsa-1_5".to_owned()),
        ("a digest", super::fixture::SHA256.to_owned()),
        ("upper case", rsa.to_uppercase()),
        ("HTTPS", rsa.replace("http:", "https:")),
        ("a blank", format!("{rsa} ")),
        ("the name alone", "rsa-sha256".to_owned()),
        ("the name of JOSE", "RS256".to_owned()),
        ("an OID", "urn:oid:1.2.840.113549.1.1.11".to_owned()),
    ];
    let method = element("SignatureMethod", rsa);
    let sealed = |text: &str| {
        let info = swap(&Signing::of("_a").info(ASSERTION), &method, text);
        response(&enveloped(ASSERTION, &Signing::of("_a").seal(&info)))
    };
    let holding = |content: &str| sealed(&method.replace("></", &format!(">{content}</")));
    Table::new("signature algorithms")
        .twin("RSA-SHA256", by(rsa))
        .attacks(unknown.map(|(what, uri)| (what, by(&uri), ALGORITHM)))
        .attacks([
            ("no method", sealed(""), SHAPE),
            ("two methods", sealed(&method.repeat(2)), SHAPE),
            ("a method without an algorithm", sealed("<ds:SignatureMethod></ds:SignatureMethod>"), SHAPE),
            ("an output length", holding("<ds:HMACOutputLength>8</ds:HMACOutputLength>"), SHAPE),
            (
                "parameters of RSA-PSS",
                holding(
                    "<p:RSAPSSParams xmlns:p=\"http://www.w3.org/2007/05/xmldsig-more#\"></p:RSAPSSParams>",
                ),
                SHAPE,
            ),
            ("text", holding("x"), SHAPE),
        ])
}

fn digests() -> Table {
    let by = |uri: &str| {
        let info = Signing::of("_a").info(ASSERTION).replace(super::fixture::SHA256, uri);
        response(&enveloped(ASSERTION, &Signing::of("_a").seal(&info)))
    };
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    let check = "saml.signature.digest-algorithm";
    Table::new("digest algorithms").twin("SHA-256", by(super::fixture::SHA256)).attacks([
        ("SHA-1", signed_by(|s| s.digest_algorithm = SHA1), check),
        ("MD5", by(&format!("{more}md5")), check),
        ("SHA-224", by(&format!("{more}sha224")), check),
        ("SHA3-256", by("http://www.w3.org/2007/05/xmldsig-more#sha3-256"), check),
        ("RIPEMD-160", by("http://www.w3.org/2001/04/xmlenc#ripemd160"), check),
        ("Whirlpool", by("http://www.w3.org/2007/05/xmldsig-more#whirlpool"), check),
        ("none", by("none"), check),
        ("an empty one", by(""), check),
        ("SHA-256 of another document", by(&format!("{more}sha256")), check),
        ("upper case", by("http://www.w3.org/2001/04/xmlenc#SHA256"), check),
        ("a signature algorithm", by(super::fixture::RSA_SHA256), check),
        // Allowed, and not what was computed.
        ("SHA-512 for SHA-256", by("http://www.w3.org/2001/04/xmlenc#sha512"), "saml.signature.digest"),
    ])
}

const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";

/// The honest assertion with a kept signature of the old key.
fn by_old_key(algorithm: &str, digest_algorithm: &str, value: &str) -> String {
    let signing = Signing { algorithm, digest_algorithm, ..Signing::of("_a") };
    response(&enveloped(ASSERTION, &signature_of(&signing.info(ASSERTION), value)))
}

fn old() -> SamlProvider {
    provider_of(&[&Key::of_certificate(OLD_CERTIFICATE)])
}

fn sha1() -> Table {
    Table::new("SHA-1")
        .at(old())
        .twin(
            "SHA-256 by the same key",
            by_old_key(super::fixture::RSA_SHA256, super::fixture::SHA256, CUBED),
        )
        .attacks([
            ("for both", by_old_key(RSA_SHA1, SHA1, SHA1_TWICE), ALGORITHM),
            ("for the signature", by_old_key(RSA_SHA1, super::fixture::SHA256, SHA1_ONCE), ALGORITHM),
        ])
}

fn sha1_where_it_is_borne() -> Table {
    let mut settings = settings();
    settings.accept = Accept { sha1: true, ..Accept::default() };
    let xml = metadata(&[&Key::of_certificate(OLD_CERTIFICATE), &HONEST]);
    let both = by_old_key(RSA_SHA1, SHA1, SHA1_TWICE);
    Table::new("SHA-1 where it is borne")
        .at(SamlProvider::new(settings, xml.as_bytes(), noon()).unwrap())
        .twin("for both", &both)
        .twin("for the signature", by_old_key(RSA_SHA1, super::fixture::SHA256, SHA1_ONCE))
        .twin("for the digest", signed_by(|s| s.digest_algorithm = SHA1))
        .attacks([
            ("a subject changed", swap(&both, ">ann<", ">bob<"), "saml.signature.digest"),
            ("another value", by_old_key(RSA_SHA1, SHA1, SHA1_ONCE), VALUE),
            (
                "MD5",
                by_old_key("http://www.w3.org/2001/04/xmldsig-more#rsa-md5", SHA1, SHA1_TWICE),
                ALGORITHM,
            ),
            (
                "ECDSA",
                by_old_key("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1", SHA1, SHA1_TWICE),
                ALGORITHM,
            ),
            (
                "RSA-PSS",
                by_old_key("http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1", SHA1, SHA1_TWICE),
                ALGORITHM,
            ),
        ])
}

/// Whoever has the public key has the "secret" of these.
fn secrets() -> Table {
    let certificate = HONEST.certificate.as_slice();
    let (_, parsed) = X509Certificate::from_der(certificate).unwrap();
    let public = parsed.public_key().raw;
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", base64(public));
    let by = |algorithm: &str, hash, secret: &[u8]| {
        let info = Signing { algorithm, ..Signing::of("_a") }.info(ASSERTION);
        let tag = hmac::sign(&hmac::Key::new(hash, secret), info.as_bytes());
        response(&enveloped(ASSERTION, &signature_of(&info, &base64(tag.as_ref()))))
    };
    let old = "http://www.w3.org/2000/09/xmldsig#hmac-sha1";
    let (sha256, sha512) = (
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512",
    );
    Table::new("HMAC with what is public").twin("RSA", honest()).attacks([
        ("the certificate", by(sha256, hmac::HMAC_SHA256, certificate), ALGORITHM),
        (
            "the certificate in base64",
            by(sha256, hmac::HMAC_SHA256, base64(certificate).as_bytes()),
            ALGORITHM,
        ),
        ("the public key", by(sha256, hmac::HMAC_SHA256, public), ALGORITHM),
        ("the public key in PEM", by(sha256, hmac::HMAC_SHA256, pem.as_bytes()), ALGORITHM),
        ("nothing", by(sha256, hmac::HMAC_SHA256, b""), ALGORITHM),
        ("SHA-512", by(sha512, hmac::HMAC_SHA512, public), ALGORITHM),
        ("SHA-1", by(old, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, public), ALGORITHM),
        ("called RSA", by(super::fixture::RSA_SHA256, hmac::HMAC_SHA256, public), VALUE),
    ])
}

/// A good signature under another algorithm's name.
fn renamed() -> Table {
    let rows = ALGORITHMS[1..6].iter().map(|(_, algorithm)| {
        let document = signed_by(|s| s.algorithm = algorithm);
        let name = algorithm.rsplit_once('#').unwrap().1;
        (format!("{name} called RSA-SHA256"), document.replace(algorithm, ALGORITHMS[0].1), VALUE)
    });
    let rows: Vec<_> = rows.collect();
    let backwards = ALGORITHMS[1..6].iter().map(|(_, algorithm)| {
        let name = algorithm.rsplit_once('#').unwrap().1;
        (format!("RSA-SHA256 called {name}"), honest().replace(ALGORITHMS[0].1, algorithm), VALUE)
    });
    let elliptic = ALGORITHMS[6..].iter().map(|(_, algorithm)| {
        let name = algorithm.rsplit_once('#').unwrap().1;
        (format!("RSA-SHA256 called {name}"), honest().replace(ALGORITHMS[0].1, algorithm), KEY)
    });
    Table::new("renamed").twin("RSA-SHA256", honest()).attacks(rows).attacks(backwards).attacks(elliptic)
}

/// The value of XML-DSig is `r‖s` (1.1, 6.4.3), each of the curve's length.
fn elliptic() -> Table {
    let key = Key::of(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap());
    let algorithm = ALGORITHMS[6].1;
    let signing = Signing { key: &key, algorithm, ..Signing::of("_a") };
    let info = signing.info(ASSERTION);
    let raw = key.sign(algorithm, info.as_bytes());
    let (r, s) = raw.split_at(32);
    let zero = [0; 32];
    let order = [
        &[0xff; 4][..],
        &[0; 4],
        &[0xff; 8],
        &[0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51],
    ]
    .concat();
    let value =
        |parts: &[&[u8]]| response(&enveloped(ASSERTION, &signature_of(&info, &base64(&parts.concat()))));
    let by_rsa = signed_by(|s| s.algorithm = ALGORITHMS[0].1);
    Table::new("ECDSA").at(provider_of(&[&key])).twin("r‖s", value(&[r, s])).attacks([
        ("DER", value(&[&der(r, s)]), VALUE),
        ("s‖r", value(&[s, r]), VALUE),
        ("zeros", value(&[&zero, &zero]), VALUE),
        ("r of zero", value(&[&zero, s]), VALUE),
        ("s of zero", value(&[r, &zero]), VALUE),
        ("the group's order twice", value(&[&order, &order]), VALUE),
        ("r alone", value(&[r]), VALUE),
        ("a byte less", value(&[r, &s[..31]]), VALUE),
        ("a byte more", value(&[r, s, &[0]]), VALUE),
        ("as long as for P-384", value(&[&[0; 16], r, &[0; 16], s]), VALUE),
        ("nothing", value(&[]), VALUE),
        (
            "another curve's name",
            response(&enveloped(ASSERTION, &signing.sign(ASSERTION))).replace("ecdsa-sha256", "ecdsa-sha384"),
            KEY,
        ),
        ("RSA", by_rsa, KEY),
    ])
}

/// Two positive integers as ASN.1 has them.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let bytes = &bytes[bytes.iter().take_while(|b| **b == 0).count()..];
        let sign = if bytes[0] < 0x80 { &[][..] } else { &[0] };
        [&[2, (sign.len() + bytes.len()) as u8], sign, bytes].concat()
    };
    let both = [integer(r), integer(s)].concat();
    [&[0x30, both.len() as u8], &both[..]].concat()
}

/// With an exponent of 3, a signature can be forged where padding is checked carelessly.
fn forged() -> Table {
    let sha256 = |value: &str| by_old_key(super::fixture::RSA_SHA256, super::fixture::SHA256, value);
    Table::new("padding")
        .at(old())
        .twin("genuine", sha256(CUBED))
        .attacks([("a cube root", sha256(FORGED), VALUE), ("of SHA-1", sha256(SHA1_ONCE), VALUE)])
}
