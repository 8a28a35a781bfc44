//! The broker as an OAuth 2.0 authorization server.
//!
//! - `documents` publishes our keys and what we offer
//! - `token` gives credentials and tokens
//! - `authentication` and `form` read what clients send
//! - `cors` says which pages may ask

mod authentication;
mod cors;
mod documents;
mod form;
mod token;

use actix_web::http::header::ALLOW;
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, Route, web};

use super::get_or_head;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    let documents: [(&str, fn() -> Route); 2] = [
        ("/.well-known/jwks.json", || get_or_head().to(documents::jwks)),
        ("/.well-known/oauth-authorization-server", || get_or_head().to(documents::metadata)),
    ];
    for (path, route) in documents {
        config.service(web::resource(path).route(route()).wrap(from_fn(cors::read)));
    }
    let endpoints: [(&str, fn() -> Route); 1] = [("/oauth2/token", || web::post().to(token::answer))];
    for (path, route) in endpoints {
        let resource = web::resource(path).route(route()).default_service(web::to(only_by_post));
        config.service(resource.wrap(from_fn(cors::posted)));
    }
}

async fn only_by_post() -> HttpResponse {
    HttpResponse::MethodNotAllowed().insert_header((ALLOW, "POST")).finish()
}
