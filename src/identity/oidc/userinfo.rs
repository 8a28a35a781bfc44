//! The userinfo endpoint (OpenID Connect Core 5.3): what the provider says about the person beside
//! the ID token.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use super::LoginError;
use super::discovery::Publisher;
use super::members::unique_members;
use crate::fetch::{self, with_causes};
use crate::identity::{VerifyCode, VerifyError};
use crate::secret::Secret;

/// Bytes of an answer. A person's claims with some thousand groups fit.
const LARGEST: usize = 64 * 1024;

/// The claims at `endpoint` about the holder of `access_token`, who must be `subject`: tokens could
/// be of two people (Core 5.3.2).
pub(super) async fn fetch(
    publisher: &Publisher,
    endpoint: Option<String>,
    access_token: &Secret<String>,
    subject: &str,
) -> Result<Map<String, Value>, LoginError> {
    let failed = |reason: String| LoginError::Provider(format!("userinfo: {reason}"));
    let endpoint =
        endpoint.ok_or_else(|| failed("its discovery document has no userinfo_endpoint".into()))?;
    let url = Url::parse(&endpoint).map_err(|_| failed(format!("{endpoint:?} is not a URL")))?;
    let request =
        publisher.http.get(url).header(ACCEPT, "application/json").bearer_auth(access_token.expose());
    let request = request.build().map_err(|_| failed("the access token can't stand in a header".into()))?;
    let response = fetch::send(&publisher.http, request, publisher.reach).await;
    let response = response.map_err(|error| failed(with_causes(&error)))?;
    if response.status() != StatusCode::OK {
        return Err(failed(format!("status {}", response.status())));
    }
    check_type(response.headers().get(CONTENT_TYPE))?;
    let body = fetch::body(response, LARGEST).await.map_err(|error| failed(with_causes(&error)))?;
    let claims =
        unique_members(&body).map_err(|error| failed(format!("the answer can't be read: {error}")))?;
    match claims.get("sub") {
        Some(Value::String(sub)) if sub == subject => Ok(claims),
        _ => {
            let (expected, seen) = ("the sub of the ID token", "another or none");
            Err(VerifyError::new(VerifyCode::Claim, "oidc.userinfo.sub", expected, seen).into())
        }
    }
}

/// JSON alone. A signed answer says nothing that TLS does not vouch for, and is refused by its name,
/// so that whoever registered the client knows what to change.
fn check_type(written: Option<&HeaderValue>) -> Result<(), VerifyError> {
    let written = written.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = written.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let expected = if media_type.eq_ignore_ascii_case("application/jwt") {
        "application/json: register the client without userinfo_signed_response_alg and encryption"
    } else {
        "application/json"
    };
    Err(VerifyError::new(VerifyCode::Claim, "oidc.userinfo.type", expected, written))
}
