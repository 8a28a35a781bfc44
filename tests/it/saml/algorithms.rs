//! Every allowed algorithm, and none with a key of another type.

use rcgen::KeyPair;
use rolegate::identity::saml::SamlProvider;

use super::fixture::{
    ASSERTION, EXPECTED, Key, Signing, base64, enveloped, metadata, noon, response, settings,
};

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
    let provider = |keys: &[&Key]| SamlProvider::new(settings(), metadata(keys).as_bytes(), noon()).unwrap();
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
fn an_algorithm_may_not_be_renamed() {
    let key = Key::rsa();
    let provider = SamlProvider::new(settings(), metadata(&[&key]).as_bytes(), noon()).unwrap();
    for (_, algorithm) in &ALGORITHMS[1..6] {
        let signing = Signing { key: &key, algorithm, ..Signing::of("_a") };
        let document = response(&enveloped(ASSERTION, &signing.sign(ASSERTION)));
        let renamed = document.replace(algorithm, ALGORITHMS[0].1);
        let seen = provider.verify(&base64(renamed.as_bytes()), EXPECTED, noon()).unwrap_err();
        assert_eq!(seen.check(), "saml.signature.value", "{algorithm}");
    }
}
