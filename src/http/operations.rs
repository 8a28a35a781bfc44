//! The operations listener: is it alive, is it ready, how is it doing.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::{Surface, get_or_head};
use crate::directory::Verifier;
use crate::identity::oidc::KeyState;
use crate::telemetry;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/healthz", get_or_head().to(healthz))
        .route("/readyz", get_or_head().to(readyz))
        .route("/metrics", web::get().to(metrics));
}

/// The process answers.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    dependencies: Vec<Dependency>,
}

/// A thing the broker depends on.
#[derive(Serialize)]
struct Dependency {
    name: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    means: &'static str,
}

/// Whether requests should be sent here. A provider that can't be reached does not make the
/// broker unready: others still work, and so do known keys.
async fn readyz(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let store = context.store_answers().await;
    let mut dependencies = vec![Dependency {
        name: format!("store ({})", surface.broker.store_kind()),
        state: if store.is_ok() { "ok" } else { "failing" },
        detail: store.as_ref().err().map(ToString::to_string),
        means: if store.is_ok() {
            "assertions are accepted once"
        } else {
            "SAML sign-in and sign-in tokens are refused with 503, logouts hold until a restart only; OIDC tokens are \
             exchanged without a record"
        },
    }];
    for provider in context.snapshot().directory.providers() {
        if let Verifier::Oidc(oidc) = &provider.verifier {
            let (state, detail, means) = match oidc.key_state(context.at()) {
                KeyState::Fresh { .. } => ("ok", None, "its tokens are verified with known keys"),
                KeyState::Stale { age, reason } => (
                    "degraded",
                    Some(format!("keys are {} s old: {reason}", age.as_secs())),
                    "tokens by known keys are accepted; new keys are not seen",
                ),
                KeyState::Missing { reason } => (
                    "unknown",
                    Some(reason),
                    "its keys are fetched with its first token; until that succeeds, its tokens are refused",
                ),
            };
            dependencies.push(Dependency {
                name: format!("provider {}", provider.name),
                state,
                detail,
                means,
            });
        }
    }
    let readiness = Readiness { ready: store.is_ok(), dependencies };
    if readiness.ready {
        HttpResponse::Ok().json(readiness)
    } else {
        HttpResponse::ServiceUnavailable().json(readiness)
    }
}

async fn metrics() -> HttpResponse {
    match telemetry::metrics() {
        Some(handle) => HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render()),
        None => HttpResponse::ServiceUnavailable().body("another recorder holds this process's metrics\n"),
    }
}
