//! `POST /v1/verify`: whose request is this, and may they do what it asks?
//!
//! A service that got a request signed by SigV4 hands on what the signature covers: method, path, query, headers
//! and the hash that it computed of the body. It gets who signed it, or AWS's code and words for why nobody did;
//! and with `access` the answer of `/v1/authorize` about them.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{Decided, Principal};
use super::question::{self, Question, named_values};
use crate::broker::{RequestContext, Verified, VerifyAsk};
use crate::clock::Moment;
use crate::http::error::{OAuthError, status_of};
use crate::http::oauth::authentication;
use crate::identity::sigv4::{Payload, SigV4Error, SignedRequest};
use crate::identity::{Holder, SessionTag};

/// SHA-256 of nothing.
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// What a body holds.
const WANTED: &str = "service, method, path, headers and, if need be, query, body_sha256 and access (action, resource and so on)";

/// A request that a service got.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'a> {
    service: String,
    method: String,
    /// As it came, still encoded.
    path: String,
    /// What followed the `?`, still encoded.
    #[serde(default)]
    query: String,
    #[serde(deserialize_with = "named_values")]
    headers: Vec<(String, Vec<String>)>,
    body_sha256: Option<String>,
    #[serde(borrow)]
    access: Option<Question<'a>>,
}

/// The answer about a request whose signature is good.
#[derive(Serialize)]
struct Signed<'a> {
    valid: bool,
    principal: Principal<'a>,
    session: Session<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<Decided<'a>>,
}

/// The answer about any other: what a service of AWS would answer itself.
#[derive(Serialize)]
struct Unsigned {
    valid: bool,
    status: u16,
    code: &'static str,
    message: String,
}

/// What is known of the caller's session.
#[derive(Default, Serialize)]
struct Session<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assumed_by: Option<&'a str>,
    tags: BTreeMap<&'a str, &'a str>,
    /// When a second factor was proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

pub(super) fn answer(
    context: &RequestContext<'_>,
    request: &HttpRequest,
    body: &[u8],
) -> Result<Value, OAuthError> {
    let client = authentication::service(request, &context.snapshot().directory)?;
    let asked: Asked<'_> = question::read(request, body, WANTED)?;
    asked.check()?;
    let headers = asked.headers.iter();
    let headers: Vec<_> = headers
        .flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value.as_bytes())))
        .collect();
    let ask = VerifyAsk {
        request: SignedRequest {
            method: &asked.method,
            path: &asked.path,
            query: &asked.query,
            headers: &headers,
            payload: Payload::Sha256(asked.body_sha256.as_deref().unwrap_or(OF_NOTHING)),
        },
        service: &asked.service,
        question: asked.access.as_ref().map(Question::question).transpose()?,
        explain: asked.access.as_ref().is_some_and(|access| access.explain),
    };
    let verified = context.verified(client, &ask).map_err(OAuthError::of)?;
    let answer = match &verified {
        Ok(verified) => serde_json::to_value(Signed::of(verified, asked.access.as_ref())),
        Err(error) => serde_json::to_value(Unsigned::of(error)),
    };
    answer.map_err(|_| OAuthError::invalid_request(super::UNWRITABLE))
}

impl Asked<'_> {
    fn check(&self) -> Result<(), OAuthError> {
        let is_hash =
            |text: &String| text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if self.body_sha256.as_ref().is_some_and(|text| !is_hash(text)) {
            let wanted = "body_sha256 must be 64 digits of lower-case hexadecimal, of the body that you got.";
            return Err(OAuthError::invalid_request(wanted));
        }
        if self.access.as_ref().is_some_and(|access| access.token.is_some()) {
            let wanted = "access has no token: it is about whoever signed the request.";
            return Err(OAuthError::invalid_request(wanted));
        }
        Ok(())
    }
}

impl<'a> Signed<'a> {
    fn of(verified: &'a Verified, asked: Option<&Question<'_>>) -> Self {
        let holder = Holder::from(verified.caller.session());
        let access = verified.access.as_ref().zip(asked);
        let access = access.map(|(decided, asked)| Decided::of(decided, holder, asked));
        Self { valid: true, principal: Principal::of(holder), session: Session::of(holder), access }
    }
}

impl Unsigned {
    fn of(error: &SigV4Error) -> Self {
        let (status, code) = (status_of(error).as_u16(), error.code());
        Self { valid: false, status, code, message: error.to_string() }
    }
}

impl<'a> Session<'a> {
    fn of(holder: Holder<'a>) -> Self {
        let told = |at: Moment| at.to_rfc3339();
        let (issued, expires) = (holder.issued().map(told), holder.expires().map(told));
        let by_key =
            |tags: &'a [SessionTag]| tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
        match holder {
            Holder::Role(session) => Self {
                name: Some(&session.session_name),
                provider: session.provider.as_ref().map(|provider| provider.as_str()),
                subject: session.subject.as_deref(),
                assumed_by: session.assumed_by.as_deref(),
                tags: by_key(&session.tags),
                mfa: session.mfa.map(told),
                issued,
                expires,
            },
            Holder::User(session) => Self { mfa: session.mfa.map(told), issued, expires, ..Self::default() },
            Holder::FederatedUser(session) => Self {
                name: Some(&session.name),
                tags: by_key(&session.tags),
                issued,
                expires,
                ..Self::default()
            },
        }
    }
}
