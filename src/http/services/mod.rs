//! What services ask: `POST /v1/verify`, whose request is this, and `POST /v1/authorize`, may they do that.
//!
//! A service proves by HTTP Basic to be an OAuth client with `authorization = true`. JSON both ways. What is not
//! readable, or asked by nobody who may, is an error as at the OAuth endpoints; that a request or a token is not
//! good is an answer.

mod answer;
mod authorize;
mod question;
mod verify;

use actix_web::{Route, web};

use super::oauth::only_by_post;

/// Of an answer that serde can't write, which none is.
const UNWRITABLE: &str = "The answer can not be written.";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    let mut endpoint = |path, route: Route| {
        config.service(web::resource(path).route(route).default_service(web::to(only_by_post)));
    };
    endpoint("/v1/authorize", web::post().to(authorize::answer));
    endpoint("/v1/verify", web::post().to(verify::answer));
}
