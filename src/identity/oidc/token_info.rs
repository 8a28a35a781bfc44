//! Access tokens that nobody but their issuer can read: it is asked whose each one is, as Login with Amazon has it
//! (Login with Amazon, Developer Guide, "Obtain Customer Profile Information", `tokeninfo`).
//!
//! What it answers over TLS is its word, as a signature else is, and is held to the same checks. A token that is
//! nobody's costs a request to the issuer all the same, so only so many are under way at once. The token stands in
//! the request's URL, where the issuer wants it: no error repeats that.

use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use url::Url;

use super::discovery::Publisher;
use crate::clock::Moment;
use crate::fetch::{self, FetchError};
use crate::identity::{VerifyCode, VerifyError};

/// The issuer of Login with Amazon.
pub const AMAZON_ISSUER: &str = "https://www.amazon.com";
/// What STS calls it (facts 3.6).
pub const AMAZON_PROVIDER_ID: &str = "www.amazon.com";
/// Where it says whose an access token is.
pub const AMAZON_TOKEN_INFO: &str = "https://api.amazon.com/auth/o2/tokeninfo";

/// How its access tokens begin.
const PREFIX: &str = "Atza|";
/// Characters of a token that STS takes (facts 3.3); Amazon's have up to 2048.
const LONGEST: usize = 20_000;
/// Bytes of an answer.
const LARGEST: usize = 16 * 1024;
/// Seconds that a token is good for, of which nobody says when it was given.
const LIFETIME: i64 = 3600;
/// Requests under way.
const AT_ONCE: usize = 32;

/// Where one issuer is asked.
pub(super) struct TokenInfo {
    url: Url,
    room: Semaphore,
}

/// What is used of an answer.
#[derive(Deserialize)]
struct Answer {
    iss: String,
    user_id: String,
    aud: String,
    app_id: String,
    /// When it was given.
    iat: Option<i64>,
    /// Seconds that it is still good for.
    exp: u32,
}

impl TokenInfo {
    pub(super) const fn at(url: Url) -> Self {
        Self { url, room: Semaphore::const_new(AT_ONCE) }
    }

    /// The claims that an ID token of the same person and app would have, by the issuer's answer about `token`.
    pub(super) async fn claims(
        &self,
        token: &str,
        publisher: &Publisher,
        at: Moment,
    ) -> Result<Map<String, Value>, VerifyError> {
        let form = "a Login with Amazon access token, which begins with Atza|";
        if !token.starts_with(PREFIX)
            || token.len() > LONGEST
            || !token.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(VerifyError::new(
                VerifyCode::Malformed,
                "oidc.token-info.form",
                form,
                "another text",
            ));
        }
        let _room = self.room.try_acquire().map_err(|_| silent("too many tokens are asked about at once"))?;
        let answer = self.ask(token, publisher).await?;
        let until = at.unix() + i64::from(answer.exp);
        let claims = [
            ("iss", json!(answer.iss)),
            ("sub", json!(answer.user_id)),
            ("aud", json!(answer.aud)),
            ("iat", json!(answer.iat.unwrap_or(until - LIFETIME))),
            ("exp", json!(until)),
            ("app_id", json!(answer.app_id)),
            ("user_id", json!(answer.user_id)),
        ];
        Ok(claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    async fn ask(&self, token: &str, publisher: &Publisher) -> Result<Answer, VerifyError> {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("access_token", token);
        let request = publisher.http.get(url).header(ACCEPT, "application/json").build();
        let request = request.map_err(|error| silent(&error.without_url().to_string()))?;
        let response = fetch::send(&publisher.http, request, publisher.reach).await.map_err(no_answer)?;
        match response.status() {
            StatusCode::OK => {}
            status @ (StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED) => {
                let (expected, seen) = ("a token that the issuer knows", format!("its status {status}"));
                return Err(VerifyError::new(
                    VerifyCode::Signature,
                    "oidc.token-info.refused",
                    expected,
                    seen,
                ));
            }
            status => return Err(silent(&format!("status {status}"))),
        }
        let body = fetch::body(response, LARGEST).await.map_err(no_answer)?;
        serde_json::from_slice(&body).map_err(|error| silent(&format!("its answer can't be read: {error}")))
    }
}

/// It can't be said whether the token is good.
fn silent(reason: &str) -> VerifyError {
    VerifyError::new(
        VerifyCode::KeysUnavailable,
        "oidc.token-info",
        "the issuer's word about the token",
        reason,
    )
}

fn no_answer(error: FetchError) -> VerifyError {
    let without_url = match error {
        FetchError::Transport(error) => FetchError::Transport(error.without_url()),
        FetchError::Insecure(_) => return silent("its address is not https"),
        other => other,
    };
    silent(&fetch::with_causes(&without_url))
}
