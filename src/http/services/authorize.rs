//! `POST /v1/authorize`: may the holder of this do that?
//!
//! A service sends the session token of credentials, or a token of ours, with an action, a resource and
//! what it knows itself; it gets the decision, in AWS's words, and with `"explain": true` what each policy says
//! to it. A token that is not ours, or over, is an answer: not allowed.

use actix_web::HttpRequest;
use serde_json::Value;

use super::answer::Answer;
use super::question::{self, Question};
use crate::broker::RequestContext;
use crate::http::error::OAuthError;
use crate::http::oauth::authentication;

pub(super) fn answer(
    context: &RequestContext<'_>,
    request: &HttpRequest,
    body: &[u8],
) -> Result<Value, OAuthError> {
    let client = authentication::service(request, &context.snapshot().directory)?;
    let asked: Question<'_> = question::read(request, body, WANTED)?;
    let token = asked.token.as_deref().ok_or_else(|| OAuthError::invalid_request(NO_TOKEN))?;
    let answered = context.access(client, token, &asked.question()?, asked.explain);
    let answered = answered.map_err(OAuthError::of)?;
    let answer = match &answered {
        None => serde_json::to_value(Answer::about_nobody()),
        Some(answered) => serde_json::to_value(Answer::of(answered, &asked)),
    };
    answer.map_err(|_| OAuthError::invalid_request(super::UNWRITABLE))
}

const NO_TOKEN: &str = "Send the token that you ask about: a session token, or a token of this broker.";
/// What a body holds.
const WANTED: &str =
    "token, action, resource and, if need be, resource_account, resource_policy, context and explain";
