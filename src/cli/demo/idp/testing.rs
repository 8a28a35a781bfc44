//! The broker as the demo provider's tests know it.

use std::time::Duration;

use super::authn_request::RequestKey;
use super::saml::{SamlSigner, new_key_pem};
use crate::clock::Moment;
use crate::identity::saml::{Accept, Binding, SamlProvider, SamlSettings, SpKey, SpKeys, SpSettings};

/// Its consumer.
pub(super) const ACS: &str = "http://127.0.0.1:8080/saml/corp/acs";
/// Its name.
pub(super) const ENTITY_ID: &str = "http://127.0.0.1:8080/saml/corp/metadata";
/// When it asks.
pub(super) const NOON: Moment = Moment::from_unix(1_800_000_000);

/// The broker's own login requests, and the key that verifies them.
pub(super) fn broker(binding: Binding) -> (SamlProvider, RequestKey) {
    let key = SpKey::from_pem(new_key_pem().unwrap().expose()).unwrap();
    let known = RequestKey::of(key.certificate()).unwrap();
    let sp = SpSettings {
        keys: SpKeys::new(vec![key]).unwrap(),
        sign_requests: true,
        request_binding: Some(binding),
        ..SpSettings::default()
    };
    let settings = SamlSettings {
        arn: "arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap(),
        name: "corp".into(),
        entity_id: ENTITY_ID.into(),
        audiences: vec![ENTITY_ID.into()],
        recipients: vec![ACS.into()],
        clock_skew: Duration::from_secs(60),
        max_age: Duration::from_secs(300),
        authn_contexts: Vec::new(),
        must_be_encrypted: false,
        accept: Accept::default(),
        sp,
    };
    let metadata = SamlSigner::generate("urn:idp", "http://127.0.0.1:8081/saml/sso").unwrap().metadata();
    (SamlProvider::new(settings, metadata.as_bytes(), NOON).unwrap(), known)
}
