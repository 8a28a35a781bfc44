//! What anybody may read: our keys (RFC 7517) and what we offer (RFC 8414).

use actix_web::http::header::{self, ContentType};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::http::{Surface, get_or_head};

/// How long a copy is good for: a key is published for so long before it signs.
const CACHE: &str = "public, max-age=3600";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/.well-known/jwks.json", get_or_head().to(jwks))
        .route("/.well-known/oauth-authorization-server", get_or_head().to(metadata));
}

async fn jwks(surface: web::Data<Surface>) -> HttpResponse {
    document(surface.broker.jwks().to_owned())
}

/// RFC 8414 section 2. A member that the RFC lets us leave out is there only if it says something.
async fn metadata(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let url = &context.snapshot().public_url;
    let document_of = json!({
        "issuer": url,
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        // There is no authorization endpoint.
        "response_types_supported": [],
    });
    document(document_of.to_string())
}

fn document(json: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .insert_header((header::CACHE_CONTROL, CACHE))
        .body(json)
}
