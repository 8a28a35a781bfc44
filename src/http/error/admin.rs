//! Errors of the admin endpoints: `{"error": {"code": …, "message": …}}`, for people in charge.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::WWW_AUTHENTICATE;
use serde_json::json;

use super::uncached;
use crate::broker::RevokeFault;
use crate::telemetry;

/// An error of an admin endpoint.
#[derive(Debug)]
pub(in crate::http) struct AdminError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl AdminError {
    /// The request is none.
    pub(in crate::http) fn invalid(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "invalid-request", message: message.into() }
    }

    /// Nobody is in charge here.
    pub(in crate::http) fn off() -> Self {
        let message = "The admin API is off: set token in [admin].".into();
        Self { status: StatusCode::NOT_FOUND, code: "off", message }
    }

    /// Whoever asks is not in charge.
    pub(in crate::http) fn stranger() -> Self {
        let message = "Send the token of [admin] as Authorization: Bearer.".into();
        Self { status: StatusCode::UNAUTHORIZED, code: "unauthorized", message }
    }

    pub(in crate::http) fn answer(self) -> HttpResponse {
        if self.status == StatusCode::UNAUTHORIZED {
            telemetry::count_refusal("admin.token");
            tracing::warn!(target: "audit", event = "refused", check = "admin.token");
        }
        let mut answer = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        uncached(&mut answer).body(body.to_string())
    }
}

impl From<RevokeFault> for AdminError {
    fn from(fault: RevokeFault) -> Self {
        let (status, code) = match fault {
            RevokeFault::Unknown { .. } => (StatusCode::NOT_FOUND, "unknown"),
            RevokeFault::Future(_) => (StatusCode::BAD_REQUEST, "invalid-request"),
            RevokeFault::NotKept(_) => (StatusCode::SERVICE_UNAVAILABLE, "store"),
        };
        let message = match &fault {
            RevokeFault::NotKept(cause) => {
                format!("It holds on this node, until that ends: {cause}. Send it again.")
            }
            RevokeFault::Unknown { .. } | RevokeFault::Future(_) => fault.to_string(),
        };
        Self { status, code, message }
    }
}
