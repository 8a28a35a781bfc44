//! The pages, as templates (`pages/*.html`): server-rendered, and whole without JavaScript. Scripts
//! press a button, find roles while one types, copy and count down; each stands in its page, allowed by its hash. `device` has those about devices, `portal` those of a person's
//! roles, `sessions` the one of what is open for them, `why` the one about roles that they miss, `admin` those of people in charge.

mod admin;
mod device;
mod portal;
mod sessions;
mod why;

use actix_web::http::header::HeaderValue;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};

pub(super) use self::admin::{
    AdminPage, AdminSessionsPage, CertificateView, DependencyView, ExplainPage, Notice, OptionView,
    RulesPage, admin, admin_explain, admin_rules, admin_sessions,
};
pub(super) use self::device::{
    ApprovePage, DevicePage, DeviceSignInPage, approve, decided, device, device_sign_in,
};
pub(super) use self::portal::{CredentialsPage, RoleRow, RolesPage, credentials, roles};
pub(super) use self::sessions::{OwnSessionView, SessionsPage, sessions, sessions_failure};
pub(super) use self::why::{ClauseView, RuleView, WhyPage, why};
use super::error::PageError;
use super::request_log::RequestId;
use crate::broker::Failure;
use crate::identity::saml::{Form, LogoutStatus, Outbound};
use crate::secret::Secret;

const STYLESHEET: &str = include_str!("../pages/rolegate.css");
/// Sends the form of [`CarryPage`] for people whose browser runs scripts.
const SUBMIT: &str = "document.getElementById(\"carry\").submit();";

/// The sign-in page.
#[derive(Template)]
#[template(path = "portal.html")]
pub(super) struct PortalPage {
    pub(super) buttons: Vec<SignInButton>,
    /// The session that is open already.
    pub(super) session: Option<String>,
    /// Whether some are shown only for a mail address.
    pub(super) asks_for_mail: bool,
    /// The one that was typed.
    pub(super) mail: String,
    /// Whether no provider is for it.
    pub(super) is_unknown: bool,
}

impl PortalPage {
    /// These ways, and nothing else.
    pub(super) const fn of(buttons: Vec<SignInButton>) -> Self {
        Self { buttons, session: None, asks_for_mail: false, mail: String::new(), is_unknown: false }
    }
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
    pub(super) roles: Vec<OfferedRole>,
}

/// A role to choose.
pub(super) struct OfferedRole {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// Whether there is no other.
    pub(super) is_only: bool,
}

/// Who one is, and until when.
#[derive(Template)]
#[template(path = "console.html")]
pub(super) struct ConsolePage {
    /// The other consoles of the browser: for the link, what each is called, and in which account.
    pub(super) others: Vec<(String, String, String)>,
    pub(super) arn: String,
    /// The role, or whom a user made the session for.
    pub(super) title: String,
    pub(super) role_arn: Option<String>,
    pub(super) account: String,
    pub(super) session_name: String,
    /// The person, and who vouches for them.
    pub(super) person: Option<(String, String)>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) until: String,
    pub(super) until_for_people: String,
    pub(super) remaining: String,
}

/// Carries a SAML message to an identity provider (SAML Bindings 3.5.4).
#[derive(Template)]
#[template(path = "carry.html")]
struct CarryPage<'a> {
    title: &'a str,
    form: &'a Form,
    script: &'static str,
}

/// Leads to an identity provider that must ask the person again. It is a page of its own, because browsers judge a redirect after
/// a form by the `form-action` of the form's page.
#[derive(Template)]
#[template(path = "again.html")]
struct AgainPage<'a> {
    url: &'a str,
}

/// Leads to somebody else's console.
#[derive(Template)]
#[template(path = "elsewhere.html")]
struct ElsewherePage<'a> {
    url: &'a str,
    host: &'a str,
}

/// Leads on to a page of ours that may lead to another site, for the same reason.
#[derive(Template)]
#[template(path = "onward.html")]
struct OnwardPage<'a> {
    path: &'a str,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage {
    text: &'static str,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    text: &'a str,
    next: &'a str,
    /// The one thing to do, and where.
    link: (&'a str, &'a str),
    request_id: &'a str,
}

/// `leads_to` is where its sign-out goes on to.
pub(super) fn portal(request: &HttpRequest, view: &PortalPage, leads_to: Option<&str>) -> HttpResponse {
    with_sign_out(request, view, leads_to)
}

/// `origins` are those that the choice may end at: browsers judge the redirect after a form by
/// `form-action` too.
pub(super) fn picker(request: &HttpRequest, view: &PickerPage, origins: &[String]) -> HttpResponse {
    render(request, StatusCode::OK, view, &Allowed { forms: &origins.join(" "), script: "", connects: false })
}

/// `leads_to` is where its sign-out goes on to.
pub(super) fn console(request: &HttpRequest, view: &ConsolePage, leads_to: Option<&str>) -> HttpResponse {
    with_sign_out(request, view, leads_to)
}

/// A page with the button. The referrer policy lets browsers say by which page it was pressed;
/// where a sign-out goes on to, the identity provider may send the browser through others.
fn with_sign_out(request: &HttpRequest, view: &impl Template, leads_to: Option<&str>) -> HttpResponse {
    let forms = leads_to.map_or_else(String::new, |origin| format!("{origin} https:"));
    saying_where_from(render(
        request,
        StatusCode::OK,
        view,
        &Allowed { forms: &forms, script: "", connects: false },
    ))
}

fn saying_where_from(mut response: HttpResponse) -> HttpResponse {
    let policy = HeaderValue::from_static("same-origin");
    response.headers_mut().insert(header::REFERRER_POLICY, policy);
    response
}

/// The page for somebody who signed out; `at_provider` is what the identity provider says to it.
pub(super) fn signed_out(request: &HttpRequest, at_provider: Option<&LogoutStatus>) -> HttpResponse {
    let text = match at_provider {
        None => "Credentials and console sessions that came of this sign-in no longer work.",
        Some(LogoutStatus::Success) => "You are signed out here and at your identity provider.",
        Some(LogoutStatus::Partial) => {
            "You are signed out here. Your identity provider reported that it could not sign you out everywhere: \
             close your browser to be safe."
        }
        Some(LogoutStatus::Failed(_)) => {
            "You are signed out here. Your identity provider reported that you are not signed out there."
        }
    };
    render(request, StatusCode::OK, &SignedOutPage { text }, &NOTHING)
}

/// The page for a sign-out that failed.
pub(super) fn logout_failure(request: &HttpRequest, failure: &Failure) -> HttpResponse {
    error(request, &PageError::of_logout(failure))
}

/// The page for a button that a page of somebody else pressed; `next` says which one to press.
pub(super) fn foreign(request: &HttpRequest, next: &'static str) -> HttpResponse {
    tracing::info!("a form of another site was refused");
    let text = "The request came from a page of another site, so nothing was done.".to_owned();
    error(request, &PageError { status: StatusCode::FORBIDDEN, title: "Not from here", text, next })
}

/// A form that sends itself to where `form` says. Where it is redirected to from there is the
/// identity provider's affair, so any `https` place may follow.
pub(super) fn carry(request: &HttpRequest, title: &'static str, form: &Form) -> HttpResponse {
    let forms = format!("{} https:", form.origin);
    let allowed = Allowed { forms: &forms, script: SUBMIT, connects: false };
    render(request, StatusCode::OK, &CarryPage { title, form, script: SUBMIT }, &allowed)
}

/// A page that leads to `outbound`, where the person is to sign in again.
pub(super) fn again(request: &HttpRequest, outbound: &Outbound) -> HttpResponse {
    match outbound {
        Outbound::Redirect(url) => render(request, StatusCode::OK, &AgainPage { url }, &NOTHING),
        Outbound::Post(form) => carry(request, "Sign in again", form),
    }
}

/// A page that leads to somebody else's console at `host`. Browsers keep no copy, and tell nobody where they come from.
pub(super) fn elsewhere(request: &HttpRequest, url: &Secret<String>, host: &str) -> HttpResponse {
    render(request, StatusCode::OK, &ElsewherePage { url: url.expose(), host }, &NOTHING)
}

/// A page that leads on to `path`.
pub(super) fn onward(request: &HttpRequest, path: &str) -> HttpResponse {
    render(request, StatusCode::OK, &OnwardPage { path }, &NOTHING)
}

/// The page for a flow that failed.
pub(super) fn failure(request: &HttpRequest, failure: &Failure) -> HttpResponse {
    error(request, &PageError::of(failure))
}

/// The page for a sign-in URL that opened nothing; `back` is where there are others.
pub(super) fn signin_failure(request: &HttpRequest, failure: &Failure, back: Option<&str>) -> HttpResponse {
    let link = back.map_or(TO_SIGN_IN, |back| ("Get a new link", back));
    error_with(request, &PageError::of(failure), link)
}

/// The page for a visit that did not end well, at the application's own origin, which has none of our pages.
pub(super) fn visit_failure(request: &HttpRequest, failure: &Failure) -> HttpResponse {
    error_with(request, &PageError::of(failure), ("Start again", "/"))
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

/// The page for an address that somebody opened, or opened again, which takes responses only.
pub(super) async fn only_by_post(request: HttpRequest) -> HttpResponse {
    let shown = PageError {
        status: StatusCode::METHOD_NOT_ALLOWED,
        title: "Nothing was sent",
        text: "Identity providers send their responses here, and this request brought none.".to_owned(),
        next: "Start at the sign-in page.",
    };
    let mut response = error(&request, &shown);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

pub(super) async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/css; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(STYLESHEET)
}

/// Where most errors lead to.
const TO_SIGN_IN: (&str, &str) = ("To the sign-in page", "/portal");

fn error(request: &HttpRequest, shown: &PageError) -> HttpResponse {
    error_with(request, shown, TO_SIGN_IN)
}

fn error_with(request: &HttpRequest, shown: &PageError, link: (&str, &str)) -> HttpResponse {
    let id = RequestId::of(request);
    let PageError { title, text, next, .. } = shown;
    let view = ErrorPage { title, text, next, link, request_id: id.as_str() };
    render(request, shown.status, &view, &NOTHING)
}

/// What a page's content security policy allows besides its own style sheet and its own origin.
struct Allowed<'a> {
    /// Sources that its form may be sent to.
    forms: &'a str,
    /// The text of its one inline script, allowed by its hash; empty: no script at all.
    script: &'static str,
    /// Whether that script may ask us.
    connects: bool,
}

const NOTHING: Allowed<'static> = Allowed { forms: "", script: "", connects: false };

impl Allowed<'_> {
    fn policy(&self) -> String {
        let script = if self.script.is_empty() {
            String::new()
        } else {
            let hash = digest(&SHA256, self.script.as_bytes());
            let connects = if self.connects { "connect-src 'self'; " } else { "" };
            format!("script-src 'sha256-{}'; {connects}", base64_simd::STANDARD.encode_to_string(hash))
        };
        format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; {script}form-action 'self' {}; \
             base-uri 'none'; frame-ancestors 'none'",
            self.forms
        )
    }
}

fn render(
    request: &HttpRequest,
    status: StatusCode,
    view: &impl Template,
    allowed: &Allowed<'_>,
) -> HttpResponse {
    let Ok(html) = view.render() else {
        tracing::error!(path = request.path(), "a page could not be rendered");
        return HttpResponse::InternalServerError().finish();
    };
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, allowed.policy()))
        .body(html)
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;

    use super::*;

    #[actix_web::test]
    async fn a_form_carries_a_message_and_runs_one_script_only() {
        let form = Form {
            action: "https://idp.example.com/sso?a=1&b=\"><script>".into(),
            origin: "https://idp.example.com".into(),
            fields: vec![("SAMLRequest", "PHg+".into()), ("RelayState", "\"><b>".into())],
        };
        let page = carry(&TestRequest::default().to_http_request(), "Signing you in", &form);
        let policy = page.headers().get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
        let expected = "default-src 'none'; style-src 'self'; img-src 'self'; \
                        script-src 'sha256-TVotEiAbeKH4eZ0f/HacCkZpbP67B65E/5K8zSKQPhM='; form-action 'self' https://idp.example.com https:; \
                        base-uri 'none'; frame-ancestors 'none'";
        assert_eq!(policy, expected);
        let html = String::from_utf8(to_bytes(page.into_body()).await.unwrap().to_vec()).unwrap();
        assert_eq!(html.matches("<script>").count(), 1, "{html}");
        for part in [
            "action=\"https://idp.example.com/sso?a=1&#38;b=&#34;&#62;&#60;script&#62;\" method=\"post\"",
            "<input type=\"hidden\" name=\"SAMLRequest\" value=\"PHg+\">",
            "<input type=\"hidden\" name=\"RelayState\" value=\"&#34;&#62;&#60;b&#62;\">",
            "type=\"submit\">Continue</button>",
            "<script>document.getElementById(\"carry\").submit();</script>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn other_pages_run_no_script() {
        assert_eq!(
            NOTHING.policy(),
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' ; base-uri 'none'; \
             frame-ancestors 'none'"
        );
    }
}
