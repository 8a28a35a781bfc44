//! The pages, as templates (`pages/*.html`): server-rendered, without JavaScript.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::error::PageError;
use super::request_log::RequestId;
use crate::broker::Failure;

const STYLESHEET: &str = include_str!("pages/rolegate.css");

/// The sign-in page.
#[derive(Template)]
#[template(path = "portal.html")]
pub(super) struct PortalPage {
    pub(super) buttons: Vec<SignInButton>,
    /// The session that is open already.
    pub(super) session: Option<String>,
}

/// One way to sign in.
pub(super) struct SignInButton {
    pub(super) label: String,
    pub(super) href: String,
}

/// The form around the choice of a role.
pub(super) struct Picker {
    pub(super) action: String,
    pub(super) hidden: Vec<(&'static str, String)>,
}

/// The role picker. Ids, names and classes are those that command-line tools look for (facts 2.5).
#[derive(Template)]
#[template(path = "picker.html")]
pub(super) struct PickerPage {
    pub(super) picker: Picker,
    pub(super) subject: String,
    pub(super) accounts: Vec<PickerAccount>,
}

/// An account's part of the picker.
pub(super) struct PickerAccount {
    pub(super) heading: String,
    pub(super) roles: Vec<Choice>,
}

/// A role to choose.
pub(super) struct Choice {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
}

/// Who one is, and until when.
#[derive(Template)]
#[template(path = "console.html")]
pub(super) struct ConsolePage {
    pub(super) arn: String,
    pub(super) role: String,
    pub(super) role_arn: String,
    pub(super) account: String,
    pub(super) session_name: String,
    pub(super) subject: String,
    pub(super) provider: String,
    pub(super) tags: Vec<(String, String)>,
    pub(super) until: String,
    pub(super) until_for_people: String,
    pub(super) remaining: String,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    text: &'a str,
    next: &'a str,
    request_id: &'a str,
}

pub(super) fn portal(request: &HttpRequest, view: &PortalPage) -> HttpResponse {
    render(request, StatusCode::OK, view, &[])
}

/// `origins` are those that the choice may end at: browsers judge the redirect after a form by
/// `form-action` too.
pub(super) fn picker(request: &HttpRequest, view: &PickerPage, origins: &[String]) -> HttpResponse {
    render(request, StatusCode::OK, view, origins)
}

pub(super) fn console(request: &HttpRequest, view: &ConsolePage) -> HttpResponse {
    render(request, StatusCode::OK, view, &[])
}

/// The page for a flow that failed.
pub(super) fn failure(request: &HttpRequest, failure: &Failure) -> HttpResponse {
    error(request, &PageError::of(failure))
}

/// The page for a request that lacks something.
pub(super) fn incomplete(request: &HttpRequest, text: &str) -> HttpResponse {
    tracing::info!(text, "incomplete request");
    let status = StatusCode::BAD_REQUEST;
    let next = "Go back to where you came from and try again.";
    error(request, &PageError { status, title: "The request is incomplete", text: text.into(), next })
}

/// The page for a path that does not exist.
pub(super) fn not_found(request: &HttpRequest) -> HttpResponse {
    let text = "There is nothing at this address.".to_owned();
    let next = "Start at the sign-in page.";
    error(request, &PageError { status: StatusCode::NOT_FOUND, title: "Not found", text, next })
}

pub(super) async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/css; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(STYLESHEET)
}

fn error(request: &HttpRequest, shown: &PageError) -> HttpResponse {
    let id = RequestId::of(request);
    let view = ErrorPage { title: shown.title, text: &shown.text, next: shown.next, request_id: id.as_str() };
    render(request, shown.status, &view, &[])
}

fn render(
    request: &HttpRequest,
    status: StatusCode,
    view: &impl Template,
    form_origins: &[String],
) -> HttpResponse {
    let Ok(html) = view.render() else {
        tracing::error!(path = request.path(), "a page could not be rendered");
        return HttpResponse::InternalServerError().finish();
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {}; base-uri 'none'; \
         frame-ancestors 'none'",
        form_origins.join(" ")
    );
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .body(html)
}
