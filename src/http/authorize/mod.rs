//! `POST /v1/authorize`: may the holder of this do that?
//!
//! A service asks, which proves by HTTP Basic to be an OAuth client with `authorization = true`. It
//! sends the session token of credentials, or a token of ours, with an action, a resource and what it
//! knows itself; it gets the decision, in AWS's words, and with `"explain": true` what each policy says
//! to it. JSON both ways. What is not readable, or asked by nobody who may, is an error as at the OAuth
//! endpoints; a token that is not ours, or over, is an answer: not allowed.

mod answer;
mod question;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use self::answer::Answer;
use self::question::Question;
use super::error::OAuthError;
use super::oauth::{authentication, only_by_post, posted};
use super::{Surface, body};
use crate::broker::RequestContext;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    let resource = web::resource("/v1/authorize").route(web::post().to(answer));
    config.service(resource.default_service(web::to(only_by_post)));
}

async fn answer(request: HttpRequest, surface: web::Data<Surface>, payload: web::Payload) -> HttpResponse {
    posted(&request, &surface, payload, body::SMALL, async |context, request, body| {
        answered(context, request, body)
    })
    .await
}

fn answered(context: &RequestContext<'_>, request: &HttpRequest, body: &[u8]) -> Result<Value, OAuthError> {
    let client = authentication::service(request, &context.snapshot().directory)?;
    let asked = Question::read(request, body)?;
    let answered = context.access(client, &asked.token, &asked.question()?, asked.explain);
    let answered = answered.map_err(OAuthError::of)?;
    let answer = match &answered {
        None => serde_json::to_value(Answer::about_nobody()),
        Some(answered) => serde_json::to_value(Answer::of(answered, &asked)),
    };
    answer.map_err(|_| OAuthError::invalid_request("The answer can not be written."))
}
