//! The broker as an OAuth 2.0 authorization server.
//!
//! - `documents` publishes our keys and what we offer

mod documents;

use actix_web::web;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    documents::routes(config);
}
