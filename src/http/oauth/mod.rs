//! The broker as an OAuth 2.0 authorization server.
//!
//! - `documents` publishes our keys and what we offer
//! - `token` gives credentials and tokens, `introspection` tells of them and ends them
//! - `device` begins the sign-in of a device, whose page is `http::device`
//! - `authentication` and `form` read what clients send
//! - `cors` says which pages may ask

pub(super) mod authentication;
mod cors;
mod device;
mod documents;
mod form;
mod introspection;
mod token;

use actix_web::http::header::ALLOW;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, Route, web};
use serde_json::Value;

use super::error::{OAuthError, uncached};
use super::{Surface, body, get_or_head};
use crate::broker::RequestContext;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    let mut document = |path, route: Route| {
        config.service(web::resource(path).route(route).wrap(from_fn(cors::read)));
    };
    document("/.well-known/jwks.json", get_or_head().to(documents::jwks));
    document("/.well-known/oauth-authorization-server", get_or_head().to(documents::metadata));
    let mut endpoint = |path, route: Route| {
        let resource = web::resource(path).route(route).default_service(web::to(only_by_post));
        config.service(resource.wrap(from_fn(cors::posted)));
    };
    endpoint(token::PATH, web::post().to(token::answer));
    endpoint(device::PATH, web::post().to(device::answer));
    endpoint("/oauth2/revoke", web::post().to(introspection::revoke));
    // Of servers, not of pages: there are no cross-origin answers.
    let introspect = web::post().to(introspection::introspect);
    let resource = web::resource("/oauth2/introspect").route(introspect);
    config.service(resource.default_service(web::to(only_by_post)));
}

/// Reads what was posted, of at most `largest` bytes, and answers what `work` makes of it: JSON, or nothing
/// where that is `null`, kept by nobody; or an error.
pub(super) async fn posted(
    request: &HttpRequest,
    surface: &Surface,
    payload: web::Payload,
    largest: usize,
    work: impl AsyncFnOnce(&RequestContext<'_>, &HttpRequest, &[u8]) -> Result<Value, OAuthError>,
) -> HttpResponse {
    let body = match body::read(payload, largest).await {
        Ok(body) => body,
        Err(unread) => return unread.answer(),
    };
    let context = surface.context(request);
    match work(&context, request, &body).await {
        Ok(Value::Null) => uncached(&mut HttpResponse::Ok()).finish(),
        Ok(answer) => uncached(&mut HttpResponse::Ok()).body(answer.to_string()),
        Err(error) => error.answer(),
    }
}

/// RFC 6749 section 3.2.
pub(super) async fn only_by_post() -> HttpResponse {
    HttpResponse::MethodNotAllowed().insert_header((ALLOW, "POST")).finish()
}
