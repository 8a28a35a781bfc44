//! The pages of those in charge.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{NOTHING, OwnSessionView, render, saying_where_from};

/// How the broker and its providers do.
#[derive(Template)]
#[template(path = "admin.html")]
pub(in crate::http) struct AdminPage {
    pub(in crate::http) dependencies: Vec<DependencyView>,
    pub(in crate::http) certificates: Vec<CertificateView>,
    /// Of the configuration.
    pub(in crate::http) revision: String,
}

/// A thing the broker depends on.
pub(in crate::http) struct DependencyView {
    pub(in crate::http) name: String,
    pub(in crate::http) state: &'static str,
    pub(in crate::http) detail: Option<String>,
    pub(in crate::http) means: &'static str,
}

/// A certificate that a provider signs with.
pub(in crate::http) struct CertificateView {
    pub(in crate::http) provider: String,
    pub(in crate::http) fingerprint: String,
    pub(in crate::http) ends: String,
    pub(in crate::http) ends_machine: String,
    pub(in crate::http) days: u64,
}

/// What came of something.
pub(in crate::http) struct Notice {
    text: String,
    is_good: bool,
}

impl Notice {
    pub(in crate::http) const fn good(text: String) -> Self {
        Self { text, is_good: true }
    }

    pub(in crate::http) const fn bad(text: String) -> Self {
        Self { text, is_good: false }
    }
}

/// What is open for a person.
#[derive(Template)]
#[template(path = "admin_sessions.html")]
pub(in crate::http) struct AdminSessionsPage {
    pub(in crate::http) providers: Vec<OptionView>,
    pub(in crate::http) kinds: Vec<OptionView>,
    pub(in crate::http) provider: String,
    pub(in crate::http) subject: String,
    /// Nothing, where nobody was asked about.
    pub(in crate::http) sessions: Option<Vec<OwnSessionView>>,
    pub(in crate::http) notice: Option<Notice>,
}

/// One of several to choose.
pub(in crate::http) struct OptionView {
    pub(in crate::http) value: String,
    pub(in crate::http) text: String,
    pub(in crate::http) is_chosen: bool,
}

/// Why a document is refused, or what it gives.
#[derive(Template)]
#[template(path = "admin_explain.html")]
pub(in crate::http) struct ExplainPage {
    pub(in crate::http) role: String,
    pub(in crate::http) notice: Option<Notice>,
    pub(in crate::http) report: Option<String>,
}

/// What the configuration's file would change.
#[derive(Template)]
#[template(path = "admin_rules.html")]
pub(in crate::http) struct RulesPage {
    pub(in crate::http) revision: String,
    pub(in crate::http) cases: String,
    pub(in crate::http) notice: Option<Notice>,
    pub(in crate::http) changes: Vec<String>,
    pub(in crate::http) people: Vec<String>,
}

pub(in crate::http) fn admin(request: &HttpRequest, view: &AdminPage) -> HttpResponse {
    page(request, view)
}

pub(in crate::http) fn admin_sessions(request: &HttpRequest, view: &AdminSessionsPage) -> HttpResponse {
    page(request, view)
}

pub(in crate::http) fn admin_explain(request: &HttpRequest, view: &ExplainPage) -> HttpResponse {
    page(request, view)
}

pub(in crate::http) fn admin_rules(request: &HttpRequest, view: &RulesPage) -> HttpResponse {
    page(request, view)
}

fn page(request: &HttpRequest, view: &impl Template) -> HttpResponse {
    saying_where_from(render(request, StatusCode::OK, view, &NOTHING))
}
