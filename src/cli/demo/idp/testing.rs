//! The demo provider's tests: the broker as they know it, and the provider.

use std::sync::Arc;
use std::time::Duration;

use super::authn_request::RequestKey;
use super::saml::{SamlSigner, new_key_pem};
use super::token::TokenKey;
use super::{Broker, Idp, Keys, ServiceProvider};
use crate::clock::{ManualClock, Moment};
use crate::entropy::SystemEntropy;
use crate::identity::saml::{Accept, Binding, SamlProvider, SamlSettings, SpKey, SpKeys, SpSettings};
use crate::secret::Secret;

/// Where it is.
pub(super) const BROKER: &str = "http://127.0.0.1:8080";
/// Where it takes authorization codes.
pub(super) const CALLBACK: &str = "http://127.0.0.1:8080/oidc/staff/callback";
/// Its consumer.
pub(super) const ACS: &str = "http://127.0.0.1:8080/saml/corp/acs";
/// Its logout service.
pub(super) const SLO: &str = "http://127.0.0.1:8080/saml/corp/slo";
/// Its name.
pub(super) const ENTITY_ID: &str = "http://127.0.0.1:8080/saml/corp/metadata";
/// When it asks.
pub(super) const NOON: Moment = Moment::from_unix(1_800_000_000);

/// The broker's own login requests, and the key that verifies them.
pub(super) fn broker(binding: Binding) -> (SamlProvider, RequestKey) {
    let (key, known) = key();
    let signer = SamlSigner::generate("urn:idp", "http://127.0.0.1:8081/saml/sso").unwrap();
    (broker_of(key, binding, &signer.metadata()), known)
}

/// A key of the broker's.
pub(super) fn key() -> (SpKey, RequestKey) {
    let key = SpKey::from_pem(new_key_pem().unwrap().expose()).unwrap();
    let known = RequestKey::of(key.certificate()).unwrap();
    (key, known)
}

/// The broker with this key, towards the provider of this metadata.
pub(super) fn broker_of(key: SpKey, binding: Binding, metadata: &str) -> SamlProvider {
    let sp = SpSettings {
        keys: SpKeys::new(vec![key]).unwrap(),
        sign_requests: true,
        request_binding: Some(binding),
        slo_url: Some(SLO.into()),
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
    SamlProvider::new(settings, metadata.as_bytes(), NOON).unwrap()
}

/// The provider, to which that key is the broker's.
pub(super) fn idp(requests: RequestKey) -> Idp {
    let known_as = |name: &str| ServiceProvider {
        entity_id: format!("{BROKER}/saml/{name}/metadata"),
        acs: format!("{BROKER}/saml/{name}/acs"),
        slo: format!("{BROKER}/saml/{name}/slo"),
    };
    let broker = Broker {
        origin: BROKER.into(),
        corp: known_as("corp"),
        sandbox: known_as("sandbox"),
        callback: CALLBACK.into(),
        backchannel: "http://127.0.0.1:8080/oidc/staff/backchannel-logout".into(),
        signed_out: "http://127.0.0.1:8080/oidc/staff/signed-out".into(),
    };
    let signer =
        SamlSigner::generate("http://127.0.0.1:8081/saml/metadata", "http://127.0.0.1:8081/saml/sso");
    let keys = Keys {
        requests,
        saml: signer.unwrap().with_logout_at("http://127.0.0.1:8081/saml/slo"),
        token: TokenKey::generate().unwrap(),
        portal_secret: Secret::new("opensesame".into()),
    };
    let clock = Arc::new(ManualClock::at(NOON));
    Idp::new("http://127.0.0.1:8081".into(), broker, keys, clock, Arc::new(SystemEntropy::new()))
}
