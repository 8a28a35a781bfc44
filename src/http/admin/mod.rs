//! What those in charge ask, at `/admin/v1` of the operations listener.
//!
//! Whoever asks holds the token of `[admin]`, as a bearer (RFC 6750 section 2.1); without that section there is
//! nothing here. JSON both ways.

mod copy;
mod revocations;

use actix_web::http::header::{ALLOW, AUTHORIZATION};
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, Route, web};
use serde_json::Value;

use super::error::{AdminError, uncached};
use super::{Surface, body, request_log};
use crate::broker::RequestContext;

/// Longest `Authorization` header that is looked at.
const LONGEST_AUTHORIZATION: usize = 4096;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    let mut endpoint = |path, method: &'static str, route: Route| {
        let not_so =
            move || async move { HttpResponse::MethodNotAllowed().insert_header((ALLOW, method)).finish() };
        let resource = web::resource(path).route(route).default_service(web::to(not_so));
        config.service(resource.wrap(from_fn(request_log::observe)));
    };
    endpoint("/admin/v1/revocations", "POST", web::post().to(revocations::answer));
    endpoint("/admin/v1/store", "GET", web::get().to(copy::answer));
}

/// Reads what was posted by somebody in charge, and answers what `work` makes of it.
async fn posted(
    request: &HttpRequest,
    surface: &Surface,
    payload: web::Payload,
    work: impl AsyncFnOnce(&RequestContext<'_>, &[u8]) -> Result<Value, AdminError>,
) -> HttpResponse {
    // Strangers are not listened to.
    if let Err(error) = in_charge(request, surface) {
        return error.answer();
    }
    let body = match body::read(payload, body::SMALL).await {
        Ok(body) => body,
        Err(unread) => return unread.answer(),
    };
    match work(&surface.context(request), &body).await {
        Ok(answer) => uncached(&mut HttpResponse::Ok()).body(answer.to_string()),
        Err(error) => error.answer(),
    }
}

fn in_charge(request: &HttpRequest, surface: &Surface) -> Result<(), AdminError> {
    let Some(wanted) = &surface.admin_token else { return Err(AdminError::off()) };
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return Err(AdminError::stranger());
    };
    let sent = header.to_str().ok().filter(|text| text.len() <= LONGEST_AUTHORIZATION);
    let sent = sent.and_then(|text| text.split_once(' '));
    let token =
        sent.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    if token.is_some_and(|token| wanted.same_as(token.as_bytes())) {
        Ok(())
    } else {
        Err(AdminError::stranger())
    }
}
