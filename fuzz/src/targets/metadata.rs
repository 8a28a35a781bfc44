//! Metadata: any, and such as the federation must have signed.

use std::sync::LazyLock;

use arbitrary::Unstructured;
use rolegate::entropy::{Entropy, NoEntropy};
use rolegate::identity::saml::{MetadataTerms, SamlProvider};

use super::shown;
use crate::fixture::{self, ACS, HONEST, IDP, base64};
use crate::mutate;
use crate::world::{ANY, DOCUMENTS, IDENTITIES, METADATA, PUBLISHED, everything, now};

/// A provider's metadata: no panic, whatever it says.
pub fn metadata(bytes: &[u8]) {
    let provider = SamlProvider::new(fixture::settings(), bytes, now());
    if let Ok(provider) = provider {
        assert!(provider.issuer().is_some_and(|issuer| !issuer.is_empty()));
        let identity = provider.verify(&base64(DOCUMENTS[0].as_bytes()), ANY, now());
        let known = identity.map(|identity| everything(&identity));
        assert!(known.is_err() || known.as_ref() == Ok(&IDENTITIES[0]), "{known:?}");
    }
}

/// Metadata that must be signed by the federation, mutated: whenever it is accepted, it names the
/// keys, the addresses and the end that were signed.
pub fn signed_metadata(bytes: &[u8]) {
    static SIGNED: LazyLock<String> = LazyLock::new(|| pinned(PUBLISHED[0].as_bytes()).expect("honest"));
    let documents: [&str; 3] = [&PUBLISHED[0], &PUBLISHED[1], METADATA];
    let Ok(document) = mutate::document(&documents, &mut Unstructured::new(bytes)) else { return };
    if let Some(seen) = pinned(&document) {
        assert_eq!(seen, *SIGNED, "{}", shown(&document));
    }
}

/// What a provider of the federation becomes by this metadata, if it is accepted.
fn pinned(metadata: &[u8]) -> Option<String> {
    let file = std::env::temp_dir().join(format!("rolegate-fuzz-{}.xml", std::process::id()));
    std::fs::write(&file, metadata).expect("room for a file");
    let terms = MetadataTerms::new(Some(IDP.to_owned())).signed_by(&[&HONEST.certificate]).expect("a key");
    let provider = SamlProvider::from_file(fixture::settings(), file.clone(), terms, now());
    std::fs::remove_file(&file).expect("the file");
    let provider = provider.ok()?;
    let state = provider.metadata_state(now());
    let login = provider.login_request(ACS, None, false, &Zeros, now());
    Some(format!("{:?} {:?} {:?} {login:?}", provider.issuer(), state.certificates, state.valid_until))
}

/// No randomness, so that two of a kind are equal.
struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, out: &mut [u8]) -> Result<(), NoEntropy> {
        out.fill(0);
        Ok(())
    }
}
