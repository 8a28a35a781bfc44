//! Responses: of strangers, mutated, encrypted, and with whatever content.

use std::sync::LazyLock;

use arbitrary::Unstructured;
use aws_lc_rs::rsa::PublicEncryptingKey;
use rolegate::identity::saml::{Expect, SamlProvider, unverified_issuer};

use super::shown;
use crate::encrypt::{self, Encryption};
use crate::fixture::{self, ASSERTION, Key, base64};
use crate::world::{
    ANY, ASKED, ASSERTIONS, DECRYPTING, DOCUMENTS, IDENTITIES, LAX, NEVER, PROVIDER, STRANGER, everything,
    now,
};
use crate::{honest, mutate, reader};

/// Any bytes, as a document and as what is posted: no panic, and nobody is believed whose key is
/// not known, whoever signed.
pub fn response(bytes: &[u8]) {
    let encoded = base64(bytes);
    let posted = std::str::from_utf8(bytes).ok();
    for text in [Some(encoded.as_str()), posted].into_iter().flatten() {
        let _ = unverified_issuer(text);
        for expect in [ASKED, ANY].into_iter().chain(NEVER) {
            assert_eq!(verified(&STRANGER, text, expect), None, "a stranger is believed");
        }
    }
}

/// An honest signed document, mutated: whenever it is accepted, it says what an honest one says,
/// in every part, and it is never accepted where an honest one would not be.
pub fn signed_mutations(bytes: &[u8]) {
    let Ok(document) = mutate::document(&DOCUMENTS, &mut Unstructured::new(bytes)) else { return };
    let text = base64(&document);
    for (provider, expect) in [(&PROVIDER, ASKED), (&PROVIDER, ANY), (&LAX, ASKED)] {
        if let Some(seen) = verified(provider, &text, expect) {
            assert!(IDENTITIES.contains(&seen), "nobody signed this: {seen}\n{}", shown(&document));
        }
    }
    for expect in NEVER {
        assert_eq!(verified(&PROVIDER, &text, expect), None, "not for us: {}", shown(&document));
    }
}

/// An honest signed assertion, mutated and encrypted to us, as anybody can, in a response that may
/// be mutated too: whenever it is accepted, it says what an honest one says.
pub fn encryption(bytes: &[u8]) {
    static RECIPIENT: LazyLock<PublicEncryptingKey> = LazyLock::new(|| DECRYPTING.0.recipient());
    let mut input = Unstructured::new(bytes);
    let Ok(assertion) = mutate::document(&ASSERTIONS, &mut input) else { return };
    let Ok(assertion) = std::str::from_utf8(&assertion) else { return };
    let encrypted = encrypt::encrypt(assertion, &RECIPIENT, &Encryption::default());
    let mut document = fixture::response(&encrypted).into_bytes();
    if !input.is_empty() {
        let whole = std::str::from_utf8(&document).unwrap_or_default();
        let Ok(mutated) = mutate::document(&[whole], &mut input) else { return };
        document = mutated;
    }
    if let Some(seen) = verified(&DECRYPTING.1, &base64(&document), ASKED) {
        assert!(IDENTITIES.contains(&seen), "nobody signed this: {seen}\n{assertion}");
    }
}

/// Whatever a trusted provider signs: no panic, and who is accepted is who stands there, read by
/// another parser.
pub fn signed_content(bytes: &[u8]) {
    static SIGNER: LazyLock<(Key, SamlProvider)> = LazyLock::new(|| {
        let key = honest::elliptic();
        let metadata = fixture::metadata(&[&key]);
        let provider = SamlProvider::new(fixture::settings(), metadata.as_bytes(), now());
        (key, provider.expect("honest metadata"))
    });
    let (key, provider) = &*SIGNER;
    let mut input = Unstructured::new(bytes);
    let Ok(assertion) = mutate::document(&[ASSERTION, honest::AWS_ASSERTION], &mut input) else { return };
    let Ok(assertion) = std::str::from_utf8(&assertion) else { return };
    let Some(signed) = honest::signed_by(key, assertion) else { return };
    let document = fixture::response(&signed);
    if let Ok(identity) = provider.verify(&base64(document.as_bytes()), ANY, now()) {
        let read = reader::read(&document).expect("well-formed, for it was accepted");
        assert_eq!(identity.subject(), read.subject, "{document}");
        assert_eq!(identity.attributes(), &read.attributes, "{document}");
    }
}

/// Everything that is believed of a response, if it is accepted. `explain` must come to the same.
fn verified(provider: &SamlProvider, posted: &str, expect: Expect<'_>) -> Option<String> {
    let identity = provider.verify(posted, expect, now());
    let seen = identity.as_ref().map(everything);
    let explained = provider.explain(posted, expect, now()).identity;
    assert_eq!(seen, explained.as_ref().map(everything), "verify and explain disagree");
    seen.ok()
}
