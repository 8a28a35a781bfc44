//! The provider's metadata: what is read of it, and what is wrong with it.

use std::time::Duration;

use rcgen::KeyPair;
use rolegate::clock::Moment;
use rolegate::identity::VerifyCode;
use rolegate::identity::saml::{MetadataError, SamlProvider};

use super::fixture::{
    ASSERTION, ATTACKER, EXPECTED, HONEST, IDP, Key, base64, enveloped, honest, metadata, noon, response,
    settings, swap,
};

/// A self-signed certificate with an RSA key of 1024 bits.
const WEAK: &str = concat!(
    "MIIBizCB9aADAgECAgEBMA0GCSqGSIb3DQEBCwUAMAwxCjAIBgNVBAMMAXgwHhcNMjAwMTAxMDAw",
    "MDAwWhcNMjEwMTAxMDAwMDAwWjAMMQowCAYDVQQDDAF4MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB",
    "iQKBgQDSLP1EdJJDbIqXVIdjJbGugU+HtNM+0Oq3EBIta20njAXhfnYOFhQ8DOE7NWSrgKQrHogB",
    "GX//Ed8ZNDg2hpTjAtcjS3eGGIAzYggBZlEXXf2S1tnpSQtJW923EGuLXidQXJN4GnsUAjyDd1Yd",
    "+D3Ah/ilQOzE9QKkHNZXM6z/dQIDAQABMA0GCSqGSIb3DQEBCwUAA4GBAMdEbWGVXpzzP3grOeHH",
    "k33sJDb+1Li2kZqIrN9T7aQ5QBqET2fJETADKj6PhMAE3QdHcq7TQsAqy1/Ape0FepuxqowZDeLz",
    "nJTIq8cwUQGJhrcsjKMuUO/SBBf4EdNQ4e/vmikS4FRroMCuKovEPPYkjRfGIdE5pWX/H4CGWme8",
);

fn read(xml: &str) -> Result<SamlProvider, MetadataError> {
    SamlProvider::new(settings(), xml.as_bytes(), noon())
}

fn verifies(provider: &SamlProvider, document: &str, at: Moment) -> &'static str {
    provider.verify(&base64(document.as_bytes()), EXPECTED, at).map_or_else(|fault| fault.check(), |_| "")
}

#[test]
fn names_what_is_wrong_with_it() {
    let good = metadata(&[&HONEST]);
    assert_eq!(read(&good).unwrap().issuer(), Some(IDP));
    let foreign = Key::of(KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap());
    let many: Vec<Key> =
        (0..11).map(|_| Key::of(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap())).collect();
    let certificate = base64(&HONEST.certificate);
    let cut_time = format!("BadTime(\"{}…\")", "x".repeat(200));
    for (xml, expected) in [
        (String::new(), "Unreadable"),
        (format!("<!DOCTYPE x>{good}"), "Unreadable"),
        (format!("<a>{}</a>", "x".repeat(10_000_000)), "Unreadable"),
        ("<a></a>".to_owned(), "NotMetadata"),
        (good.replace("EntityDescriptor", "EntitiesDescriptor"), "Aggregate"),
        (swap(&good, "entityID", "entityid"), "NoEntityId"),
        (swap(&good, IDP, ""), "NoEntityId"),
        (swap(&good, IDP, &"x".repeat(1025)), "NoEntityId"),
        (good.replace("IDPSSODescriptor", "SPSSODescriptor"), "NoIdentityProvider"),
        (swap(&good, "SAML:2.0:protocol", "SAML:1.1:protocol"), "NoIdentityProvider"),
        (swap(&good, "HTTP-Redirect", "SOAP"), "NoLoginUrl"),
        (swap(&good, "HTTP-Redirect", "HTTP-POST-SimpleSign"), "NoLoginUrl"),
        (swap(&good, "https://idp.example.com/sso", "javascript:alert(1)"), "NoLoginUrl"),
        (metadata(&[]), "NoKeys"),
        (swap(&good, "<KeyDescriptor>", "<KeyDescriptor use=\"encryption\">"), "NoKeys"),
        (metadata(&[&foreign]), "NoUsableKey(\"signing certificate 1 is a key of type 1.3.101.112\")"),
        (
            swap(&good, &certificate, "bm90IGEgY2VydGlmaWNhdGU="),
            "NoUsableKey(\"signing certificate 1 is not a",
        ),
        (swap(&good, &certificate, WEAK), "NoUsableKey(\"signing certificate 1 is an RSA key of 1024 bits"),
        (swap(&good, &certificate, "*"), "NoUsableKey(\"signing certificate 1 is not base64"),
        (metadata(&many.iter().collect::<Vec<_>>()), "TooManyKeys"),
        (swap(&good, "entityID", "validUntil=\"2026-11-22T12:00:00Z\" entityID"), "Expired"),
        (swap(&good, "protocolS", "validUntil=\"2026-11-22T12:00:00Z\" protocolS"), "Expired"),
        (swap(&good, "entityID", "validUntil=\"tomorrow\" entityID"), "BadTime(\"tomorrow\")"),
        (swap(&good, "entityID", &format!("validUntil=\"{}\" entityID", "x".repeat(300))), &cut_time),
    ] {
        let seen = format!("{:?}", read(&xml).unwrap_err());
        assert!(seen.starts_with(expected), "{expected}: {seen}");
    }
}

/// Providers list keys that only others understand.
#[test]
fn a_certificate_that_cannot_be_used_is_passed_over() {
    let foreign = Key::of(KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap());
    let listed = metadata(&[&foreign, &HONEST, &ATTACKER]);
    let provider = read(&swap(&listed, &base64(&ATTACKER.certificate), WEAK)).unwrap();
    assert_eq!(verifies(&provider, &honest(), noon()), "");
    assert_eq!(
        provider.metadata_warnings(),
        [
            "signing certificate 1 is a key of type 1.3.101.112, and is passed over",
            "signing certificate 3 is an RSA key of 1024 bits, and is passed over",
        ]
    );
    assert_eq!(provider.metadata_state(noon()).certificates.len(), 1);
    let odd = swap(&metadata(&[&HONEST]), "entityID", "cacheDuration=\"soon\" entityID");
    let warned = read(&odd).unwrap().metadata_warnings();
    assert_eq!(warned, ["cacheDuration \"soon\" is not an xs:duration, and is ignored"]);
}

#[test]
fn comments_and_repeated_keys_are_borne() {
    let good = metadata(&[&HONEST, &HONEST, &ATTACKER]);
    let certificate = base64(&HONEST.certificate);
    let commented = swap(
        &good,
        &certificate,
        &format!("<!-- a > b -->{}<!-- -->{}", &certificate[..8], &certificate[8..]),
    );
    let provider = read(&format!("<!-- ours -->{commented}")).unwrap();
    assert_eq!(verifies(&provider, &honest(), noon()), "");
}

#[test]
fn any_listed_key_may_sign() {
    let provider = read(&metadata(&[&ATTACKER, &HONEST])).unwrap();
    for key in [&*ATTACKER, &*HONEST] {
        let signing = super::fixture::Signing { key, ..super::fixture::Signing::of("_a") };
        assert_eq!(
            verifies(&provider, &response(&enveloped(ASSERTION, &signing.sign(ASSERTION))), noon()),
            ""
        );
    }
}

#[test]
fn metadata_that_runs_out_takes_its_keys_along() {
    let xml = swap(&metadata(&[&HONEST]), "entityID", "validUntil=\"2026-11-22T12:01:00Z\" entityID");
    let provider = read(&xml).unwrap();
    let end = noon().plus(Duration::from_secs(60));
    assert_eq!(provider.valid_until(), Some(end));
    assert_eq!(verifies(&provider, &honest(), end.minus(Duration::from_millis(1))), "");
    assert_eq!(verifies(&provider, &honest(), end), "saml.metadata-expired");
    let fault = provider.verify(&base64(honest().as_bytes()), EXPECTED, end).unwrap_err();
    assert_eq!(fault.code(), VerifyCode::KeysUnavailable);
}
