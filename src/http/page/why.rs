//! The page that tells why one does not see a role.

use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::with_sign_out;

/// See the module.
#[derive(Template)]
#[template(path = "why.html")]
pub(in crate::http) struct WhyPage {
    pub(in crate::http) person: String,
    /// The identity provider, for people.
    pub(in crate::http) provider: String,
    /// What it says of the person.
    pub(in crate::http) told: Vec<(String, Vec<String>)>,
    /// The role that was typed.
    pub(in crate::http) role: String,
    /// The answer about it.
    pub(in crate::http) verdict: Option<String>,
    /// The rules about it.
    pub(in crate::http) rules: Vec<RuleView>,
    pub(in crate::http) has_more_rules: bool,
}

/// A rule, and what it says to the person.
pub(in crate::http) struct RuleView {
    pub(in crate::http) name: String,
    pub(in crate::http) outcome: &'static str,
    pub(in crate::http) clauses: Vec<ClauseView>,
}

/// A part of its condition.
pub(in crate::http) struct ClauseView {
    pub(in crate::http) text: String,
    /// Whether it holds, if that can be told.
    pub(in crate::http) holds: Option<bool>,
    /// What it looks at, and what is there.
    pub(in crate::http) reads: Vec<(String, String)>,
}

/// `leads_to` is where its sign-out goes on to.
pub(in crate::http) fn why(request: &HttpRequest, view: &WhyPage, leads_to: Option<&str>) -> HttpResponse {
    with_sign_out(request, view, leads_to)
}
