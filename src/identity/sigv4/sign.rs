//! Signing, for the demo's own walk, for upstream STS calls and for tests.

use std::time::Duration;

use super::SignedRequest;
use super::canonical::{self, ALGORITHM, SIGNATURE_PARAMETER, Scope, encode};
use crate::clock::Moment;
use crate::secret::Secret;

/// Whom to sign as, and for what.
#[derive(Debug, Clone, Copy)]
pub struct SigningCredential<'a> {
    /// `ASIA…` or `AKIA…`.
    pub access_key_id: &'a str,
    /// The secret access key.
    pub secret_access_key: &'a Secret<String>,
    /// The session token of a temporary credential.
    pub session_token: Option<&'a str>,
    /// The region of the scope.
    pub region: &'a str,
    /// The service of the scope, such as `sts`.
    pub service: &'a str,
}

/// The headers that sign `request`: `x-amz-date`, `x-amz-security-token` where there is one, and
/// `authorization`. Every header of `request` is signed; `host` must be among them.
pub fn sign(
    request: &SignedRequest<'_>,
    credential: &SigningCredential<'_>,
    at: Moment,
) -> Vec<(&'static str, String)> {
    let amz_date = at.to_amz_date();
    let mut added = vec![("x-amz-date", amz_date.clone())];
    if let Some(token) = credential.session_token {
        added.push(("x-amz-security-token", token.to_owned()));
    }
    let mut headers = request.headers.to_vec();
    headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
    let names = names(&headers);
    let scope = scope(credential, &amz_date);
    let signature =
        signature(&SignedRequest { headers: &headers, ..*request }, &names, credential, &amz_date);
    let (id, scope, names) = (credential.access_key_id, scope.to_text(), names.join(";"));
    added.push((
        "authorization",
        format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"),
    ));
    added
}

/// The whole query string of the presigned form of `request`, good for `lifetime`.
pub fn presign(
    request: &SignedRequest<'_>,
    credential: &SigningCredential<'_>,
    lifetime: Duration,
    at: Moment,
) -> String {
    let amz_date = at.to_amz_date();
    let names = names(request.headers);
    let named = format!("{}/{}", credential.access_key_id, scope(credential, &amz_date).to_text());
    let mut query = request.query.to_owned();
    let mut add = |name: &str, value: &str| {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(&format!("{name}={}", encode(value.as_bytes())));
    };
    add("X-Amz-Algorithm", ALGORITHM);
    add("X-Amz-Credential", &named);
    add("X-Amz-Date", &amz_date);
    add("X-Amz-Expires", &lifetime.as_secs().to_string());
    add("X-Amz-SignedHeaders", &names.join(";"));
    if let Some(token) = credential.session_token {
        add("X-Amz-Security-Token", token);
    }
    let signature = signature(&SignedRequest { query: &query, ..*request }, &names, credential, &amz_date);
    format!("{query}&{SIGNATURE_PARAMETER}={signature}")
}

fn names(headers: &[(&str, &[u8])]) -> Vec<String> {
    let mut names: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn scope<'a>(credential: &SigningCredential<'a>, amz_date: &'a str) -> Scope<'a> {
    let date = amz_date.get(..8).unwrap_or_default();
    Scope { date, region: credential.region, service: credential.service }
}

fn signature(
    request: &SignedRequest<'_>,
    names: &[String],
    credential: &SigningCredential<'_>,
    amz_date: &str,
) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let canonical = canonical::request(request, &names).unwrap_or_default();
    canonical::signature(credential.secret_access_key, amz_date, scope(credential, amz_date), &canonical)
}
