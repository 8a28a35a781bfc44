//! Errors of the OAuth 2.0 endpoints (RFC 6749 section 5.2, RFC 8693 section 2.2.2).
//!
//! `error` is one of the RFCs' words. `error_description` says what to do next, to whoever writes the
//! client; it holds nothing of what was sent, but for what a service asks about others' rights.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde_json::json;

use super::{cut, log};
use crate::broker::{ExchangeRefusal, Failure, Refusal};
use crate::identity::{VerifyCode, VerifyError};
use crate::issuer::upstream::UpstreamFault;
use crate::policy::{Denial, SessionNameFault};
use crate::telemetry;

/// Who asks is unknown, or did not prove to be who it says.
const INVALID_CLIENT: &str = "invalid_client";

/// What is said of an identity that was remembered.
const NO_LONGER: &str =
    "The role is no longer granted to this person, or their login was ended: sign in again.";

/// An error of an OAuth 2.0 endpoint.
#[derive(Debug)]
pub(in crate::http) struct OAuthError {
    status: StatusCode,
    error: &'static str,
    description: String,
    cause: Option<Failure>,
    is_expected: bool,
}

impl OAuthError {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        let (status, description) = (StatusCode::BAD_REQUEST, description.into());
        Self { status, error, description, cause: None, is_expected: false }
    }

    /// The request is not one, or what it brings is not accepted.
    pub(in crate::http) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    /// The client is unknown, or did not prove to be who it says.
    pub(in crate::http) fn invalid_client(description: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..Self::new(INVALID_CLIENT, description) }
    }

    /// The client is who it says, and may not do that.
    pub(in crate::http) fn unauthorized_client(description: impl Into<String>) -> Self {
        Self::new("unauthorized_client", description)
    }

    /// No such grant.
    pub(in crate::http) fn unsupported_grant_type(description: impl Into<String>) -> Self {
        Self::new("unsupported_grant_type", description)
    }

    /// Scopes mean nothing here.
    pub(in crate::http) fn invalid_scope(description: impl Into<String>) -> Self {
        Self::new("invalid_scope", description)
    }

    /// Nobody answered the device's request yet. That is no refusal, and nothing to tell the log.
    pub(in crate::http) fn authorization_pending() -> Self {
        let description = "Nobody has answered yet: ask again after the interval.";
        Self { is_expected: true, ..Self::new("authorization_pending", description) }
    }

    /// The answer to `failure`.
    pub(in crate::http) fn of(failure: Failure) -> Self {
        let error = match &failure {
            Failure::Refusal(refusal) => refused(refusal),
            Failure::Fault(_) => unavailable("The broker can not do it at the moment. Try again."),
        };
        Self { cause: Some(failure), ..error }
    }

    /// There is no good proof of a key (RFC 9449 section 5).
    pub(in crate::http) fn invalid_dpop_proof(description: impl Into<String>) -> Self {
        Self::new("invalid_dpop_proof", description)
    }

    /// The proof lacks the nonce that goes with this answer (RFC 9449 section 8). Clients begin so, and it is
    /// nothing to tell the log.
    pub(in crate::http) fn use_dpop_nonce() -> Self {
        let description = "Make another DPoP proof, with the nonce of this answer's DPoP-Nonce header.";
        Self { is_expected: true, ..Self::new("use_dpop_nonce", description) }
    }

    /// The answer to `failure` of a proof.
    pub(in crate::http) fn of_proof(failure: VerifyError) -> Self {
        let description =
            "The DPoP proof is not one by ES256 about this request of now: the broker's log says why.";
        Self { cause: Some(failure.into()), ..Self::invalid_dpop_proof(description) }
    }

    /// The answer to `failure` of a refresh: whatever is wrong with the token, or would be with what it
    /// gives, is `invalid_grant`.
    pub(in crate::http) fn of_refresh(failure: Failure) -> Self {
        let error = match &failure {
            Failure::Refusal(Refusal::Exchange(refusal)) => exchange(refusal),
            Failure::Refusal(Refusal::TooMany { .. }) => return Self::of(failure),
            Failure::Refusal(_) => invalid_grant(NO_LONGER),
            Failure::Fault(_) => return Self::of(failure),
        };
        Self { cause: Some(failure), ..error }
    }

    /// Tells the log, and answers.
    pub(in crate::http) fn answer(&self) -> HttpResponse {
        match &self.cause {
            Some(failure) => log(failure, self.error),
            None if self.is_expected => {}
            None => {
                let (answered, reason) = (self.error, cut(&self.description));
                let check = if answered == INVALID_CLIENT { "oauth.client" } else { "oauth.request" };
                telemetry::count_refusal(check);
                tracing::info!(target: "audit", event = "refused", answered, check, reason);
            }
        }
        let mut response = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"rolegate\""));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, "1"));
        }
        let body = json!({ "error": self.error, "error_description": self.description });
        uncached(&mut response).body(body.to_string())
    }
}

/// A JSON answer that nobody keeps (RFC 6749 section 5.1).
pub(in crate::http) fn uncached(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response
        .content_type(header::ContentType::json())
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"))
}

fn invalid_grant(description: &str) -> OAuthError {
    OAuthError::new("invalid_grant", description)
}

fn unavailable(description: &str) -> OAuthError {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    OAuthError { status, ..OAuthError::new("temporarily_unavailable", description) }
}

fn refused(refusal: &Refusal) -> OAuthError {
    let invalid = |description: &str| OAuthError::invalid_request(description);
    match refusal {
        Refusal::NotBelieved(error) => not_believed(error),
        Refusal::UnknownProvider { .. } => {
            invalid("No identity provider of the role's account issues this subject_token.")
        }
        Refusal::AlreadyUsed => invalid("The subject_token was used before: get a new one."),
        Refusal::Denied(denial) => denied(denial),
        Refusal::Exchange(refusal) => exchange(refusal),
        Refusal::Question(fault) => invalid(&sayable(&fault.to_string())),
        Refusal::Destination(fault) => invalid(&sayable(&fault.to_string())),
        Refusal::TooMany { .. } => unavailable("There are too many of these requests: try again in a while."),
        Refusal::Upstream(fault) => match &**fault {
            UpstreamFault::Unfit { reason, .. } => invalid(reason),
            _ => not_granted(),
        },
        Refusal::NotOffered { .. }
        | Refusal::NoRoles { .. }
        | Refusal::Signature(_)
        | Refusal::NoSuchLogin { .. }
        | Refusal::LoginFailed { .. }
        | Refusal::LogoutNotOffered { .. }
        | Refusal::SigninToken { .. }
        | Refusal::SigninRequest(_)
        | Refusal::DeviceCode
        | Refusal::Caller(_)
        | Refusal::TooLargeToRemember => not_granted(),
    }
}

/// What was asked, as a description may hold it (RFC 6749 section 5.2).
fn sayable(text: &str) -> String {
    let sayable = |c| match c {
        '"' => '\'',
        ' '..='~' if c != '\\' => c,
        _ => '?',
    };
    cut(text).chars().map(sayable).collect()
}

/// Rules and trust policy answer alike: nobody learns by asking which roles exist.
fn not_granted() -> OAuthError {
    OAuthError::invalid_request("The role is not granted to this subject_token: ask your administrator.")
}

fn not_believed(error: &VerifyError) -> OAuthError {
    let description = match error.code() {
        VerifyCode::KeysUnavailable => {
            return unavailable("The identity provider's keys can not be had at the moment. Try again.");
        }
        VerifyCode::Expired => "The subject_token has expired: get a new one.",
        VerifyCode::NotYetValid => "The subject_token is not yet valid: compare the clocks.",
        VerifyCode::Malformed => "The subject_token is not of the subject_token_type, or not readable.",
        VerifyCode::Audience => "The subject_token is meant for somebody else.",
        VerifyCode::ProviderRefused => "The identity provider did not authenticate the person.",
        VerifyCode::Unsigned
        | VerifyCode::Signature
        | VerifyCode::Issuer
        | VerifyCode::Unsolicited
        | VerifyCode::Claim => "The subject_token is not accepted: the broker's log says which check failed.",
    };
    OAuthError::invalid_request(description)
}

fn denied(denial: &Denial) -> OAuthError {
    let invalid = |description: &str| OAuthError::invalid_request(description);
    match denial {
        Denial::NotTrusted(_) | Denial::Caller(_) | Denial::RoleNotInToken => not_granted(),
        Denial::SessionName(SessionNameFault::Missing) => {
            invalid("No rule and no assertion names the session: send role_session_name.")
        }
        Denial::SessionName(SessionNameFault::Malformed { .. }) => {
            invalid("The session's name must be 2 to 64 of letters, digits and _+=,.@-")
        }
        Denial::DurationOverRoleMaximum { .. } => {
            invalid("duration_seconds is more than the role's max_session_duration.")
        }
        Denial::SignInTooOld { .. } => {
            invalid_grant("The role wants a sign-in that is not so long ago: sign in again.")
        }
        Denial::SessionOver => invalid("The session at the identity provider is over: sign in again."),
        Denial::SourceIdentity(_)
        | Denial::Tags(_)
        | Denial::TooLarge { .. }
        | Denial::SessionPolicy(_)
        | Denial::NoSuchPolicy(_) => {
            invalid("Tags or source identity of the session are not acceptable: the broker's log says why.")
        }
    }
}

fn exchange(refusal: &ExchangeRefusal) -> OAuthError {
    match refusal {
        ExchangeRefusal::Grant { .. } => OAuthError::unauthorized_client(
            "This client may not do this: see its grants, introspection and authorization.",
        ),
        ExchangeRefusal::Target => OAuthError::new(
            "invalid_target",
            "This client may not ask for this audience or resource: it must be one of its audiences.",
        ),
        ExchangeRefusal::Provider { .. } => OAuthError::unauthorized_client(
            "This client may not bring the word of the provider that issued the subject_token.",
        ),
        ExchangeRefusal::OnlyToken => OAuthError::invalid_request(
            "A token of this broker can be exchanged for a token only: \
             set requested_token_type to urn:ietf:params:oauth:token-type:access_token.",
        ),
        ExchangeRefusal::NoProof => {
            OAuthError::invalid_dpop_proof("This client must prove its key: send a DPoP header.")
        }
        ExchangeRefusal::ProofUsed => {
            OAuthError::invalid_dpop_proof("The DPoP proof was used before: make one for each request.")
        }
        ExchangeRefusal::RefreshToken(_) => invalid_grant(
            "The refresh_token is none of this client, or no longer good: exchange a new subject_token.",
        ),
        ExchangeRefusal::Reused => {
            invalid_grant("The refresh_token was used before. All that came of it is revoked: sign in again.")
        }
        ExchangeRefusal::ProviderGone => {
            invalid_grant("The identity provider is gone, or its token is no longer taken: sign in again.")
        }
        ExchangeRefusal::LoginEnded => invalid_grant(NO_LONGER),
        ExchangeRefusal::DeviceCode(_) => invalid_grant(
            "The device_code is none of this client, or was used: begin at the device_authorization_endpoint.",
        ),
        ExchangeRefusal::DeviceExpired => OAuthError::new(
            "expired_token",
            "Nobody answered while the code was good: begin at the device_authorization_endpoint.",
        ),
        ExchangeRefusal::DeviceDenied => {
            OAuthError::new("access_denied", "The person denied it: tell them, and ask no more.")
        }
        ExchangeRefusal::DeviceTooFast => {
            OAuthError::new("slow_down", "Wait five seconds longer between two requests from now on.")
        }
        ExchangeRefusal::OfAnother => invalid_grant("The token was given to another client."),
        ExchangeRefusal::NotRevocable => OAuthError::new(
            "unsupported_token_type",
            "Credentials can not be revoked by their session token: revoke the refresh_token they came with.",
        ),
        ExchangeRefusal::SubjectToken(_) => {
            OAuthError::invalid_request("The subject_token is no token of this client, or no longer good.")
        }
    }
}
