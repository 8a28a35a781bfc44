//! Encrypted assertions within responses: what is believed of what comes out.
//!
//! What may stand in a ciphertext, and every way in which one does not open, is seen at
//! `identity::saml::encryption` itself.

use std::sync::LazyLock;

use rolegate::identity::FederatedIdentity;
use rolegate::identity::Outcome;
use rolegate::identity::saml::{SamlProvider, SamlSettings, SpKeys};

use super::encrypt::{AES_128_CBC, AES_256_CBC, AES_256_GCM, Encryption, Place, encrypt};
use super::fixture::{
    ASSERTION, ATTACKER, EXPECTED, HONEST, Key, Signing, accepted, base64, enveloped, honest, metadata, noon,
    response, settings, signed, swap,
};

/// Our keys: the one in use, and the next.
static FIRST: LazyLock<Key> = LazyLock::new(Key::rsa);
static SECOND: LazyLock<Key> = LazyLock::new(Key::rsa);

/// A provider that may encrypt to our two keys.
fn provider(change: impl FnOnce(&mut SamlSettings)) -> SamlProvider {
    let mut settings = settings();
    settings.sp.keys = SpKeys::new(vec![FIRST.ours(), SECOND.ours()]).unwrap();
    change(&mut settings);
    SamlProvider::new(settings, metadata(&[&HONEST]).as_bytes(), noon()).unwrap()
}

fn with_cbc() -> SamlProvider {
    provider(|settings| settings.accept.aes_cbc = true)
}

/// The check that refuses `document`, or nothing.
fn check(provider: &SamlProvider, document: &str) -> &'static str {
    provider.verify(&base64(document.as_bytes()), EXPECTED, noon()).map_or_else(|fault| fault.check(), |_| "")
}

/// A response around `assertion`, encrypted to our first key.
fn encrypted(assertion: &str) -> String {
    encrypted_by(AES_256_GCM, assertion)
}

fn encrypted_by(cipher: &str, assertion: &str) -> String {
    response(&encrypt(assertion, &FIRST.recipient(), &Encryption { cipher, ..Encryption::default() }))
}

/// The response, signed by this key.
fn sealed_by(key: &Key, response: &str) -> String {
    enveloped(response, &Signing { key, ..Signing::of("_r") }.sign(response))
}

#[test]
fn says_what_it_would_say_in_clear() {
    let told = |identity: &FederatedIdentity| {
        let (once, ends) = (identity.one_time(), identity.session_ends());
        (identity.subject().to_owned(), identity.attributes().clone(), once, ends)
    };
    let clear = told(&accepted("in clear", &honest()));
    let must = provider(|settings| settings.must_be_encrypted = true);
    for key in [&FIRST, &SECOND] {
        for place in [Place::Inline, Place::Beside, Place::Referred] {
            let how = Encryption { place, ..Encryption::default() };
            let document = response(&encrypt(&signed(ASSERTION), &key.recipient(), &how));
            for document in [sealed_by(&HONEST, &document), document] {
                let identity = must.verify(&base64(document.as_bytes()), EXPECTED, noon()).unwrap();
                assert_eq!(told(&identity), clear);
            }
        }
    }
    assert_eq!(check(&must, &honest()), "saml.encryption.required");
}

#[test]
fn what_comes_out_is_believed_by_its_signature() {
    let provider = provider(|_| {});
    assert_eq!(check(&provider, &encrypted(&signed(ASSERTION))), "");
    let by_attacker = enveloped(ASSERTION, &Signing { key: &ATTACKER, ..Signing::of("_a") }.sign(ASSERTION));
    let forged = swap(&signed(ASSERTION), ">ann<", ">eve<");
    let late = signed(&swap(ASSERTION, "2026-11-22T12:10:00Z", "2026-11-22T11:10:00Z"));
    let elsewhere = signed(&swap(ASSERTION, "<saml:Audience>https://broker", "<saml:Audience>https://other"));
    for (what, assertion, expected) in [
        ("no signature", ASSERTION.to_owned(), "saml.signature.absent"),
        ("another's signature", by_attacker, "saml.signature.value"),
        ("changed", forged, "saml.signature.digest"),
        ("expired", late, "saml.expired"),
        ("for another audience", elsewhere, "saml.audience"),
    ] {
        assert_eq!(check(&provider, &encrypted(&assertion)), expected, "{what}");
        let by_provider = sealed_by(&HONEST, &encrypted(&assertion));
        assert_eq!(check(&provider, &by_provider), expected, "{what}, in a signed response");
    }
}

#[test]
fn a_signed_response_vouches_for_its_ciphertext_where_that_is_borne() {
    let lax = provider(|settings| settings.accept.signed_response = true);
    let bare = encrypted(ASSERTION);
    assert_eq!(check(&lax, &sealed_by(&HONEST, &bare)), "");
    assert_eq!(check(&provider(|_| {}), &sealed_by(&HONEST, &bare)), "saml.signature.absent");
    assert_eq!(check(&lax, &bare), "saml.signature.absent");
    assert_eq!(check(&lax, &sealed_by(&ATTACKER, &bare)), "saml.signature.value");
    // Anybody can encrypt to us, so another ciphertext may be as good as the first: not here.
    let evil = encrypt(&swap(ASSERTION, ">ann<", ">eve<"), &FIRST.recipient(), &Encryption::default());
    let genuine = sealed_by(&HONEST, &bare);
    let (before, rest) = genuine.split_once("<saml:EncryptedAssertion").unwrap();
    let (_, after) = rest.split_once("</saml:EncryptedAssertion>").unwrap();
    assert_eq!(check(&lax, &format!("{before}{evil}{after}")), "saml.signature.digest");
}

#[test]
fn cbc_only_under_a_signature() {
    for cipher in [AES_128_CBC, AES_256_CBC] {
        let document = encrypted_by(cipher, &signed(ASSERTION));
        let by_provider = sealed_by(&HONEST, &document);
        assert_eq!(check(&with_cbc(), &by_provider), "");
        assert_eq!(check(&provider(|_| {}), &by_provider), "saml.encryption.cbc");
        assert_eq!(check(&with_cbc(), &document), "saml.encryption.cbc-unauthenticated");
        // These two are refused before anything is decrypted.
        assert_eq!(check(&with_cbc(), &sealed_by(&ATTACKER, &document)), "saml.signature.value");
        let (value, other) = ("<xenc:CipherValue>", "<xenc:CipherValue>AAAA");
        assert_eq!(check(&with_cbc(), &swap(&by_provider, value, other)), "saml.signature.digest");
    }
}

#[test]
fn what_comes_out_is_one_assertion() {
    let provider = provider(|_| {});
    let genuine = signed(ASSERTION);
    let namespace = " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let again = encrypt(&genuine, &FIRST.recipient(), &Encryption::default());
    let (_, data) = again.split_once(&format!("<saml:EncryptedAssertion{namespace}>")).unwrap();
    let (data, _) = data.split_once("</saml:EncryptedAssertion>").unwrap();
    let hidden = format!("<saml:Advice>{again}</saml:Advice><saml:AuthnStatement");
    let name = "<saml:EncryptedID></saml:EncryptedID><saml:SubjectConfirmation ";
    assert_eq!(check(&provider, &encrypted(&genuine)), "");
    for (what, plaintext, expected) in [
        ("a blank", " ".to_owned(), "saml.xml.root"),
        ("no XML", "ann".to_owned(), "saml.xml.root"),
        ("two assertions", genuine.repeat(2), "saml.xml.root"),
        ("a document type", format!("<!DOCTYPE a>{genuine}"), "saml.xml.doctype"),
        ("a prefix of the document around it", swap(&genuine, namespace, ""), "saml.xml.namespace"),
        ("encrypted again", again.clone(), "saml.encryption.content"),
        ("encrypted again, without a word", data.to_owned(), "saml.encryption.content"),
        ("a response", response(&genuine), "saml.encryption.content"),
        ("of SAML 1", genuine.replace("SAML:2.0:assertion", "SAML:1.0:assertion"), "saml.encryption.content"),
        (
            "encrypted advice",
            swap(&genuine, "<saml:AuthnStatement", &hidden),
            "saml.structure.assertion-place",
        ),
        ("an encrypted subject", swap(&genuine, "<saml:SubjectConfirmation ", name), "saml.encrypted"),
    ] {
        assert_eq!(check(&provider, &encrypted(&plaintext)), expected, "{what}");
    }
}

#[test]
fn what_is_not_for_us_stays_closed() {
    let document = encrypted(&signed(ASSERTION));
    let keys = |keys: Vec<&Key>| {
        let keys = SpKeys::new(keys.into_iter().map(Key::ours).collect()).unwrap();
        provider(|settings| settings.sp.keys = keys)
    };
    assert_eq!(check(&keys(vec![&FIRST]), &document), "");
    assert_eq!(check(&keys(vec![&SECOND]), &document), "saml.encryption.failed");
    assert_eq!(check(&keys(vec![&ATTACKER, &SECOND]), &document), "saml.encryption.failed");
    assert_eq!(check(&keys(vec![]), &document), "saml.encryption.not-configured");
    let clear = signed(ASSERTION);
    let beside = swap(&document, "<saml:EncryptedAssertion", &format!("{clear}<saml:EncryptedAssertion"));
    assert_eq!(check(&provider(|_| {}), &beside), "saml.structure.assertion-count");
    assert_eq!(check(&provider(|_| {}), &swap(&document, "#Element", "#Content")), "saml.encryption.type");
}

#[test]
fn an_explanation_tells_how_it_was_encrypted() {
    let steps = |provider: &SamlProvider, document: &str| {
        let explanation = provider.explain(&base64(document.as_bytes()), EXPECTED, noon());
        assert!(explanation.identity.is_ok());
        let of_encryption = explanation.steps.into_iter().filter(|step| step.check.contains("encryption"));
        of_encryption.map(|step| (step.check, step.outcome)).collect::<Vec<_>>()
    };
    let opened = ("saml.encryption", Outcome::Passed);
    assert_eq!(steps(&provider(|_| {}), &encrypted(&signed(ASSERTION))), [opened]);
    let by_cbc = sealed_by(&HONEST, &encrypted_by(AES_256_CBC, &signed(ASSERTION)));
    assert_eq!(steps(&with_cbc(), &by_cbc), [("saml.encryption.cbc", Outcome::Waived), opened]);
    assert_eq!(steps(&with_cbc(), &honest()), []);
}
