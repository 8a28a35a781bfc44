//! An OpenID Connect provider for benchmarks, whose keys are pinned: nothing is fetched.

use std::time::Duration;

use rolegate::fetch::{Reach, http_client};
use rolegate::identity::oidc::{Algorithm, ClaimSettings, KeyAges, KeySource, OidcProvider, OidcSettings};
use serde_json::{Value, json};

/// Its ARN.
pub(crate) const ARN: &str = "arn:aws:iam::111122223333:oidc-provider/accounts.example.com";
/// Its issuer.
pub(crate) const ISSUER: &str = "https://accounts.example.com";

/// The provider `mobile`, for client `app`, that signs by `algorithm` with the key `jwk`.
pub(crate) fn provider(algorithm: Algorithm, jwk: &Value) -> OidcProvider {
    let settings = OidcSettings {
        arn: ARN.parse().unwrap(),
        name: "mobile".into(),
        issuer: ISSUER.into(),
        client_ids: vec!["app".into()],
        algorithms: vec![algorithm],
        clock_skew: Duration::from_secs(60),
        keys: KeySource::Given(json!({"keys": [jwk]}).to_string()),
        key_ages: KeyAges::default(),
        one_time: false,
        access_tokens: false,
        reach: Reach::default(),
        login: None,
        claims: ClaimSettings::default(),
    };
    OidcProvider::new(settings, http_client(Reach::default()).unwrap()).unwrap()
}
