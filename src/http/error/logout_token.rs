//! The answer to a logout token that was not carried out (OpenID Connect Back-Channel Logout 1.0,
//! section 2.8): JSON, for the provider's log.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;

use super::log;
use crate::broker::{Failure, Refusal};
use crate::identity::VerifyCode;

/// How long a provider is asked to wait before it tries again, in seconds: a store that was away
/// for a moment is back, and keys that could not be fetched are asked for once more.
const RETRY_AFTER: &str = "10";

#[derive(Serialize)]
struct Body {
    error: &'static str,
    error_description: String,
}

/// The answer to `failure`. It names the check, which is ours to tell whoever holds the provider's
/// key and nothing to anybody else; what was expected and seen stays in the log.
pub(in crate::http) fn of_logout_token(failure: &Failure) -> HttpResponse {
    let answer = match failure {
        Failure::Fault(_) => try_again("the logout could not be made to last; send it again"),
        Failure::Refusal(Refusal::NotBelieved(error)) if error.code() == VerifyCode::KeysUnavailable => {
            try_again("the provider's keys can't be had at the moment; send it again")
        }
        Failure::Refusal(Refusal::UnknownProvider { .. }) => {
            refuse(StatusCode::NOT_FOUND, "no OpenID provider of this name is set up here".into())
        }
        Failure::Refusal(refusal) => {
            let description = format!("the logout token was refused by the check {}", refusal.check());
            refuse(StatusCode::BAD_REQUEST, description)
        }
    };
    log(failure, "logout token refused");
    answer
}

/// The answer to a request that is none.
pub(in crate::http) fn no_logout_token() -> HttpResponse {
    tracing::info!("a back-channel logout without exactly one logout_token");
    refuse(StatusCode::BAD_REQUEST, "the form must have exactly one logout_token".into())
}

fn refuse(status: StatusCode, error_description: String) -> HttpResponse {
    HttpResponse::build(status).json(Body { error: "invalid_request", error_description })
}

fn try_again(description: &str) -> HttpResponse {
    let body = Body { error: "temporarily_unavailable", error_description: description.to_owned() };
    HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, RETRY_AFTER)).json(body)
}
