//! What services ask: `POST /v1/verify`, whose request is this, and `POST /v1/authorize`, may they do that.
//!
//! A service proves by HTTP Basic to be an OAuth client with `authorization = true`. JSON both ways. What is not
//! readable, or asked by nobody who may, is an error as at the OAuth endpoints; that a request or a token is not
//! good is an answer.

mod answer;
mod authorize;
mod question;
mod verify;

use actix_web::{HttpRequest, HttpResponse, Route, web};
use serde_json::Value;

use super::error::OAuthError;
use super::oauth::{only_by_post, posted};
use super::{Surface, body};
use crate::broker::RequestContext;

/// Of an answer that serde can't write, which none is.
const UNWRITABLE: &str = "The answer can not be written.";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    let mut endpoint = |path, route: Route| {
        config.service(web::resource(path).route(route).default_service(web::to(only_by_post)));
    };
    endpoint(
        "/v1/authorize",
        web::post().to(|request, surface, payload| answer(request, surface, payload, authorize::answer)),
    );
    endpoint(
        "/v1/verify",
        web::post().to(|request, surface, payload| answer(request, surface, payload, verify::answer)),
    );
}

async fn answer(
    request: HttpRequest,
    surface: web::Data<Surface>,
    payload: web::Payload,
    work: fn(&RequestContext<'_>, &HttpRequest, &[u8]) -> Result<Value, OAuthError>,
) -> HttpResponse {
    posted(&request, &surface, payload, body::SMALL, async |context, request, body| {
        work(context, request, body)
    })
    .await
}
