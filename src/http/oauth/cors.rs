//! Which pages' scripts may read our answers (Fetch standard, 3.3): those of the origins that a client
//! is configured with, named one by one. Never every origin, and never with cookies, which these
//! endpoints don't look at.
//!
//! A preflight does not say which client will ask, so it is answered for the origins of all of them;
//! `authentication` then holds the request to the origins of its own client.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};

use crate::http::Surface;

/// What a script may send besides what every form may.
const HEADERS: &str = "authorization, content-type, dpop";
/// What a script may read besides the body.
const EXPOSED: &str = "dpop-nonce";
/// How long a browser need not ask again, in seconds. Taking an origin away takes so long.
const MAX_AGE: &str = "600";

/// The middleware of what is read.
pub(super) async fn read(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    answer(request, next, "GET").await
}

/// The middleware of what is posted to.
pub(super) async fn posted(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    answer(request, next, "POST").await
}

async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    method: &'static str,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let origin = allowed(&request);
    let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_METHOD).cloned();
    let mut response = match asked {
        Some(asked) if request.method() == Method::OPTIONS => {
            let granted = origin.is_some() && asked.as_bytes() == method.as_bytes();
            request.into_response(preflight(granted, method))
        }
        _ => next.call(request).await?.map_into_boxed_body(),
    };
    dress(response.headers_mut(), origin);
    Ok(response)
}

/// The request's origin, if it is that of some client.
fn allowed(request: &ServiceRequest) -> Option<HeaderValue> {
    let mut origins = request.headers().get_all(header::ORIGIN);
    let (Some(origin), None) = (origins.next(), origins.next()) else { return None };
    let snapshot = request.app_data::<web::Data<Surface>>()?.broker.snapshot();
    origin.to_str().is_ok_and(|text| snapshot.directory.has_origin(text)).then(|| origin.clone())
}

fn preflight(granted: bool, method: &'static str) -> HttpResponse {
    if !granted {
        return HttpResponse::Forbidden().finish();
    }
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, method))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE))
        .finish()
}

fn dress(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}
