//! What anybody may read: our keys (RFC 7517) and what we offer (RFC 8414).

use actix_web::http::header::{self, ContentType};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::token::TOKEN_EXCHANGE;
use crate::http::Surface;

/// How long a copy is good for: a key is published for so long before it signs.
const CACHE: &str = "public, max-age=3600";

pub(super) async fn jwks(surface: web::Data<Surface>) -> HttpResponse {
    document(surface.broker.jwks().to_owned())
}

/// RFC 8414 section 2. A member that the RFC lets us leave out is there only if it says something.
pub(super) async fn metadata(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let url = &context.snapshot().public_url;
    let clients = || context.snapshot().directory.clients();
    let grants: Vec<_> =
        clients().any(|client| client.may_exchange).then_some(TOKEN_EXCHANGE).into_iter().collect();
    let offered = json!({
        "issuer": url,
        "token_endpoint": format!("{url}/oauth2/token"),
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        // There is no authorization endpoint.
        "response_types_supported": [],
        "grant_types_supported": grants,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    });
    document(offered.to_string())
}

fn document(json: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .insert_header((header::CACHE_CONTROL, CACHE))
        .body(json)
}
