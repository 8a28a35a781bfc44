//! The operations listener: is it alive, is it ready, how is it doing.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::health::{self, Dependency};
use super::{Surface, get_or_head};
use crate::clock::Moment;
use crate::directory::Verifier;
use crate::identity::saml::MetadataState;
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

/// Whether requests should be sent here. A provider that can't be reached does not make the
/// broker unready: others still work, and so do known keys.
async fn readyz(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let store = context.store_answers().await;
    let dependencies = health::dependencies(&context, &surface.broker, store.as_ref().err());
    let readiness = Readiness { ready: store.is_ok(), dependencies };
    if readiness.ready {
        HttpResponse::Ok().json(readiness)
    } else {
        HttpResponse::ServiceUnavailable().json(readiness)
    }
}

/// Gauges that depend on the time are set when they are read.
async fn metrics(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    for provider in context.snapshot().directory.providers() {
        let (name, at) = (&provider.name, context.at());
        match &provider.verifier {
            Verifier::Saml(saml) => show(name, &saml.provider.metadata_state(at), at),
            Verifier::Oidc(oidc) if !oidc.has_keys() => {}
            Verifier::Oidc(oidc) => {
                let age = oidc.key_state(at).age().map(|age| age.as_secs_f64());
                telemetry::show_keys(name, oidc.key_ids(at).len(), age);
            }
        }
    }
    match telemetry::metrics() {
        Some(handle) => HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render()),
        None => HttpResponse::ServiceUnavailable().body("another recorder holds this process's metrics\n"),
    }
}

fn show(provider: &str, state: &MetadataState, at: Moment) {
    let each = state.certificates.iter();
    let certificates: Vec<_> = each.map(|one| (one.fingerprint.as_str(), one.not_after.unix())).collect();
    telemetry::show_metadata(&telemetry::MetadataGauges {
        provider,
        is_usable: state.is_usable,
        age: state.confirmed.map(|confirmed| at.since(confirmed).as_secs_f64()),
        valid_until: state.valid_until.map(Moment::unix),
        certificates: &certificates,
    });
}
