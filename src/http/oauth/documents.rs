//! What anybody may read: our keys (RFC 7517) and what we offer (RFC 8414).

use actix_web::http::header::{self, ContentType};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::device::{self, DEVICE_CODE};
use super::token::{PATH, REFRESH, TOKEN_EXCHANGE};
use crate::directory::Client;
use crate::http::Surface;
use crate::identity::dpop::ALGORITHM;

/// How long a copy is good for: a key is published for so long before it signs.
const CACHE: &str = "public, max-age=3600";

pub(super) async fn jwks(surface: web::Data<Surface>) -> HttpResponse {
    document(surface.broker.jwks().to_owned())
}

/// RFC 8414 section 2. A member that the RFC lets us leave out is there only if it says something.
pub(super) async fn metadata(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let url = &context.snapshot().public_url;
    let some = |may: fn(&Client) -> bool| context.snapshot().directory.clients().any(may);
    let mut grants = Vec::new();
    grants.extend(some(|client| client.may_exchange).then_some(TOKEN_EXCHANGE));
    let devices = some(|client| client.may_use_devices);
    grants.extend(devices.then_some(DEVICE_CODE));
    grants.extend(some(|client| client.refresh.is_some()).then_some(REFRESH));
    let methods = ["client_secret_basic", "client_secret_post", "none"];
    let mut offered = json!({
        "issuer": url,
        "token_endpoint": format!("{url}{PATH}"),
        "revocation_endpoint": format!("{url}/oauth2/revoke"),
        "introspection_endpoint": format!("{url}/oauth2/introspect"),
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        // There is no authorization endpoint.
        "response_types_supported": [],
        "grant_types_supported": grants,
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": &methods[..2],
        "dpop_signing_alg_values_supported": [ALGORITHM],
    });
    if devices {
        offered["device_authorization_endpoint"] = json!(format!("{url}{}", device::PATH));
    }
    document(offered.to_string())
}

fn document(json: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .insert_header((header::CACHE_CONTROL, CACHE))
        .body(json)
}
