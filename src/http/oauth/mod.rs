//! The broker as an OAuth 2.0 authorization server.
//!
//! - `documents` publishes our keys and what we offer
//! - `token` gives credentials and tokens
//! - `authentication` and `form` read what clients send

mod authentication;
mod documents;
mod form;
mod token;

use actix_web::http::header::ALLOW;
use actix_web::{HttpResponse, web};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    documents::routes(config);
    config.service(endpoint("/oauth2/token").route(web::post().to(token::answer)));
}

/// A resource that takes `POST` alone (RFC 6749 section 3.2).
fn endpoint(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(only_by_post))
}

async fn only_by_post() -> HttpResponse {
    HttpResponse::MethodNotAllowed().insert_header((ALLOW, "POST")).finish()
}
