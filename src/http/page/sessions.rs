//! The page of a person's own sessions.

use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{error, with_sign_out};
use crate::broker::Failure;
use crate::http::error::PageError;

/// What is open for a person.
#[derive(Template)]
#[template(path = "sessions.html")]
pub(in crate::http) struct SessionsPage {
    pub(in crate::http) person: String,
    pub(in crate::http) sessions: Vec<OwnSessionView>,
    /// Whether whoever is here is known by a provider's name for them.
    pub(in crate::http) is_person: bool,
}

/// A browser, an app, credentials or a token. Times are for people, and beside it for machines.
pub(in crate::http) struct OwnSessionView {
    pub(in crate::http) id: String,
    pub(in crate::http) what: String,
    /// Whether it is the browser that shows the page.
    pub(in crate::http) is_this: bool,
    /// Where it is: a role's session, or the portal.
    pub(in crate::http) role: String,
    pub(in crate::http) from: Option<String>,
    pub(in crate::http) since: String,
    pub(in crate::http) since_machine: String,
    /// When it was there last, if that was later: for machines, for people.
    pub(in crate::http) last: Option<(String, String)>,
    pub(in crate::http) until: String,
    pub(in crate::http) until_machine: String,
}

/// `leads_to` is where its sign-out goes on to.
pub(in crate::http) fn sessions(
    request: &HttpRequest,
    view: &SessionsPage,
    leads_to: Option<&str>,
) -> HttpResponse {
    with_sign_out(request, view, leads_to)
}

/// The page where they could not be shown, or one of them could not be ended.
pub(in crate::http) fn sessions_failure(request: &HttpRequest, failure: &Failure) -> HttpResponse {
    error(request, &PageError::of_sessions(failure))
}
