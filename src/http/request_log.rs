//! Every request gets an id, a log line, a metric and the headers that every answer carries.
//!
//! The line (at level debug where all is well) says method, path and status. It never holds the query or the body: both carry
//! credentials (facts 4.5).

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use tracing::Instrument;

use super::Surface;
use crate::entropy;
use crate::telemetry;

/// Longest path that a log line shows.
const LONGEST_PATH: usize = 200;

/// The id that a request's answer and its log lines share: a UUID (RFC 9562, version 4).
#[derive(Clone, Copy)]
pub(super) struct RequestId([u8; 36]);

impl RequestId {
    const UNKNOWN: Self = Self(*b"00000000-0000-0000-0000-000000000000");

    /// The id of `request`.
    pub(super) fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().copied().unwrap_or(Self::UNKNOWN)
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    fn from_bytes(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let mut id = Self::UNKNOWN;
        let places = (0..36).filter(|place| !matches!(place, 8 | 13 | 18 | 23));
        let digits = bytes.into_iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        for (place, digit) in places.zip(digits) {
            id.0[place] = b"0123456789abcdef"[usize::from(digit)];
        }
        id
    }
}

/// The middleware of the public listener.
pub(super) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let surface = request.app_data::<web::Data<Surface>>().cloned();
    let random = surface.as_ref().and_then(|surface| entropy::bytes(surface.entropy.as_ref()).ok());
    let id = random.map_or(RequestId::UNKNOWN, RequestId::from_bytes);
    request.extensions_mut().insert(id);
    let path = request.path();
    let path = &path[..path.floor_char_boundary(LONGEST_PATH)];
    let span = tracing::info_span!("request", id = id.as_str(), method = request.method().as_str(), path);
    let observed = async move {
        let started = Instant::now();
        let mut response = next.call(request).await?;
        let (status, seconds) = (response.status().as_u16(), started.elapsed().as_secs_f64());
        let surface_name = surface_name(response.request().match_pattern().as_deref());
        telemetry::count_request(surface_name, status, seconds);
        answered(status, seconds);
        let https = surface.is_some_and(|surface| surface.broker.snapshot().is_https);
        dress(response.headers_mut(), &id, https);
        Ok(response)
    };
    observed.instrument(span).await
}

/// What was done is in the audit's line already, and a broker does it thousands of times a second: only
/// what went wrong has a line of its own.
fn answered(status: u16, seconds: f64) {
    let ms = (seconds * 1e6).round() / 1000.0;
    if status < 400 {
        tracing::debug!(status, ms, "answered");
    } else {
        tracing::info!(status, ms, "answered");
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What every answer carries. A handler that set a header itself keeps it.
fn dress(headers: &mut HeaderMap, id: &RequestId, https: bool) {
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in fixed {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if https {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}

/// The metric's label: few values, whatever is sent.
fn surface_name(pattern: Option<&str>) -> &'static str {
    match pattern {
        Some("/") => "sts",
        Some("/federation") => "federation",
        Some("/console" | "/device") => "pages",
        Some(path) if path.starts_with("/oauth2") || path.starts_with("/.well-known") => "oauth",
        Some(path) if path.starts_with("/portal") || path.starts_with("/go/") => "pages",
        Some(path) if path.starts_with("/authz") => "authz",
        Some(path) if path.starts_with("/saml") => "saml",
        Some(path) if path.starts_with("/oidc") => "oidc",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_uuids() {
        assert_eq!(RequestId::from_bytes([0xff; 16]).as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let counted = std::array::from_fn(|index| u8::try_from(index).unwrap() * 17);
        assert_eq!(RequestId::from_bytes(counted).as_str(), "00112233-4455-4677-8899-aabbccddeeff");
    }
}
