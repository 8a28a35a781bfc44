//! What comes after a sign-in by OpenID Connect at the demo provider: userinfo, and the end of the
//! session from either side.
//!
//! The provider keeps no sessions, so there is nothing to end here. It sends browsers back that sign
//! out, and tells the broker by a logout token to end everything that it has of a person.

use std::sync::PoisonError;

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::oidc::{Client, OF_USERINFO, OpenIdProvider};
use crate::cli::demo::people::Person;
use crate::clock::Moment;
use crate::entropy::{self, Entropy};

/// What a logout token reports (Back-Channel Logout 1.0, section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long a logout token lasts, in seconds; the specification advises two minutes at most.
const LOGOUT_TOKEN_LIFETIME: i64 = 120;

/// The query of `/end-session`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EndSessionRequest {
    /// The application.
    pub(crate) client_id: String,
    /// Where the browser goes then.
    pub(crate) post_logout_redirect_uri: String,
    /// Comes back untouched.
    pub(crate) state: Option<String>,
}

impl OpenIdProvider {
    /// What userinfo says to the holder of `access_token`.
    pub(crate) fn userinfo(&self, access_token: &str, at: Moment) -> Option<Value> {
        let accesses = self.accesses.lock().unwrap_or_else(PoisonError::into_inner);
        let person = accesses.get(access_token).filter(|access| access.until > at)?.person;
        let mut claims = person.claims();
        claims.retain(|name, _| OF_USERINFO.contains(&name.as_str()));
        claims.insert("sub".into(), json!(person.id));
        Some(Value::Object(claims))
    }

    /// Where a browser goes that signed out; `None` if the address is not registered.
    pub(crate) fn end_session(&self, request: &EndSessionRequest) -> Option<String> {
        let registered = &self.client(&request.client_id)?.logout.as_ref()?.signed_out;
        if *registered != request.post_logout_redirect_uri {
            return None;
        }
        let mut url = Url::parse(registered).ok()?;
        if let Some(state) = &request.state {
            url.query_pairs_mut().append_pair("state", state);
        }
        Some(url.into())
    }

    /// A token to end everything of `person` with each application that takes one, and where it goes.
    pub(crate) fn logout_tokens(
        &self,
        person: &Person,
        at: Moment,
        entropy: &dyn Entropy,
    ) -> Option<Vec<(&str, String)>> {
        let told = self.clients.iter().filter_map(|client| Some((client, client.logout.as_ref()?)));
        let token = |client: &Client| {
            let id = BASE64URL.encode_to_string(entropy::bytes::<16>(entropy).ok()?);
            let claims = json!({
                "iss": self.issuer, "aud": client.id, "sub": person.id, "jti": id, "iat": at.unix(),
                "exp": at.unix() + LOGOUT_TOKEN_LIFETIME, "events": { EVENT: {} },
            });
            self.key.sign_as("logout+jwt", &claims).ok()
        };
        told.map(|(client, uris)| Some((uris.backchannel.as_str(), token(client)?))).collect()
    }
}
