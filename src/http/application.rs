//! Web applications behind a proxy: `/authz`, which the proxy asks, and what a browser passes that has to sign in.
//!
//! The proxy says by `?application=` which one it stands before, so that nothing in a request that it hands on can choose
//! another. `/authz/{application}/…` is to be had at the application's own origin, as `/.rolegate/…`: cookies are set there,
//! which our own pages never see, nor the application ours. `/portal/application/{application}` is at ours.

use std::fmt::Write as _;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::browser::{in_browser, noted, remembering};
use super::cookies::{Jar, with_cookies};
use super::page::{self, PortalPage};
use super::portal::{providers_of, see_other};
use super::{Surface, error, form};
use crate::broker::{Entered, RequestContext, Visitor};
use crate::directory::Application;

/// Below what the proxy leads to us.
const OWN: &str = "/.rolegate";
/// Characters of a name that is none that the log shows.
const LONGEST_NAME: usize = 64;
/// A visit's name: SHA-256 in base64url.
const VISIT: usize = 43;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/authz", web::route().to(authorize))
        .route("/authz/{application}/start", web::get().to(start))
        .route("/authz/{application}/arrive", web::get().to(arrive))
        .route("/authz/{application}/sign-out", web::get().to(sign_out))
        .route("/portal/application/{application}", web::get().to(enter));
}

/// Where somebody on a visit signs in.
pub(super) fn entrance(application: &str, visit: &str) -> String {
    format!("/portal/application/{application}?visit={visit}")
}

/// What the proxy asks: `200` and who it is, or `401`; `403` is for nobody, because who may not be here was never let in.
/// With `unauthenticated=redirect` a browser that goes to a page is sent to sign in instead, for proxies that hand our
/// answer on.
async fn authorize(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let name = field(&request, "application").unwrap_or_default();
    let Some(application) = context.snapshot().directory.application(&name) else {
        let application: String = name.chars().take(LONGEST_NAME).collect();
        tracing::warn!(application, "a proxy asks about an application that is not configured");
        let text = "No [[application]] of this name. Ask as /authz?application=NAME.\n";
        return HttpResponse::NotFound().insert_header((header::CONTENT_TYPE, TEXT)).body(text);
    };
    let cookie = Jar::Application(&application.name).read(&request, application.is_https);
    let visitor = cookie.map_or(Ok(None), |cookie| context.visitor(application, &cookie));
    match visitor {
        Ok(Some(visitor)) => introduced(&visitor),
        Ok(None) => {
            let redirect = field(&request, "unauthenticated").as_deref() == Some("redirect");
            if redirect && goes_to_a_page(request.headers(), forwarded(&request, "x-forwarded-method")) {
                let place = forwarded(&request, "x-forwarded-uri").unwrap_or("/");
                let to = format!("{}{OWN}/start?return={place}", application.origin);
                return HttpResponse::Found().insert_header((header::LOCATION, to)).finish();
            }
            unauthenticated()
        }
        Err(failure) => {
            error::log(&failure, "who is at an application");
            HttpResponse::ServiceUnavailable().finish()
        }
    }
}

const TEXT: &str = "text/plain; charset=utf-8";

/// Whether a visit can be called so.
pub(super) fn is_visit(name: &str) -> bool {
    name.len() == VISIT && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn unauthenticated() -> HttpResponse {
    HttpResponse::Unauthorized()
        .insert_header((header::WWW_AUTHENTICATE, "Rolegate"))
        .insert_header((header::CONTENT_TYPE, TEXT))
        .body("Not signed in, or no longer. Open the application in a browser.\n")
}

fn introduced(visitor: &Visitor) -> HttpResponse {
    let session = visitor.admission.session();
    let mut response = HttpResponse::Ok();
    let said = [
        ("x-rolegate-user", session.subject.clone().unwrap_or_default()),
        ("x-rolegate-role", session.role.to_string()),
        ("x-rolegate-session", session.arn()),
        ("x-rolegate-identity", visitor.introduction.expose().clone()),
    ];
    for (name, value) in said {
        if let Ok(value) = HeaderValue::from_str(&in_header(&value)) {
            response.insert_header((HeaderName::from_static(name), value));
        }
    }
    response.finish()
}

/// `text` with all but visible ASCII, and `%`, as in URLs.
fn in_header(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            written.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(written, "%{byte:02X}");
        }
    }
    written
}

/// Whether a browser goes to a page: a script that asks in the background can't follow to a sign-in.
fn goes_to_a_page(headers: &HeaderMap, method: Option<&str>) -> bool {
    let mode = headers.get("sec-fetch-mode").map(|mode| mode.to_str().unwrap_or_default());
    matches!(method, None | Some("GET" | "HEAD")) && mode.is_none_or(|mode| mode == "navigate")
}

fn forwarded<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

fn field(request: &HttpRequest, name: &str) -> Option<String> {
    let mut fields = form::fields(request.query_string().as_bytes());
    fields.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

fn application<'a>(context: &'a RequestContext<'_>, request: &HttpRequest) -> Option<&'a Application> {
    context.snapshot().directory.application(request.match_info().get("application")?)
}

/// At the application's origin: off to sign in.
async fn start(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let Some(application) = application(&context, &request) else { return page::not_found(&request) };
    if !goes_to_a_page(request.headers(), None) {
        return unauthenticated();
    }
    // Proxies put the address in as it came, so it goes up to the end, whatever stands in it.
    let place = request.query_string().split_once("return=").map_or("/", |(_, place)| place);
    match context.begin_visit(application, place) {
        Ok(visit) => {
            let to = entrance(&application.name, &visit.visit);
            let jar = Jar::Visit(&application.name);
            HttpResponse::SeeOther()
                .cookie(jar.set(visit.cookie, visit.lasts, application.is_https))
                .insert_header((header::LOCATION, format!("{}{to}", context.snapshot().public_url)))
                .finish()
        }
        Err(failure) => page::failure(&request, &failure),
    }
}

/// At our origin: in, or to the providers first.
async fn enter(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let Some(application) = application(&context, &request) else { return page::not_found(&request) };
    let Some(visit) = field(&request, "visit").filter(|visit| is_visit(visit)) else {
        return page::incomplete(&request, "The address does not say which visit it is for.");
    };
    let here = match in_browser(&request, &context).await {
        Ok(here) => here,
        Err(failure) => return page::failure(&request, &failure),
    };
    let Some(person) = &here.person else {
        let accounts: Vec<_> = application.roles.iter().map(|role| role.account()).collect();
        let wish = [("application", application.name.as_str()), ("visit", &visit)];
        let buttons = providers_of(&context, &accounts, &wish);
        return match &buttons[..] {
            [only] => see_other(&only.href),
            _ => page::portal(&request, &PortalPage::of(buttons), None),
        };
    };
    let mut response = match context.enter(application, person, &visit).await {
        Ok(Entered::By(code)) => see_other(&format!("{}{OWN}/arrive?code={code}", application.origin)),
        Ok(Entered::SignInAgain(start)) => {
            let response = page::again(&request, &start.outbound);
            return remembering(&request, response, start, context.snapshot().is_https);
        }
        Err(failure) => page::failure(&request, &failure),
    };
    with_cookies(&mut response, noted(&context, &here).await);
    response
}

/// At the application's origin: back, and in.
async fn arrive(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let Some(application) = application(&context, &request) else { return page::not_found(&request) };
    let (name, https) = (&application.name, application.is_https);
    let Some(code) = field(&request, "code") else {
        return page::incomplete(&request, "The address has no code in it.");
    };
    let cookie = Jar::Visit(name).read(&request, https);
    match context.arrive_at_application(application, &code, cookie.as_deref()).await {
        Ok(at) => HttpResponse::SeeOther()
            .cookie(Jar::Application(name).set(at.cookie, at.lasts, https))
            .cookie(Jar::Visit(name).clear(https))
            .insert_header((header::LOCATION, format!("{}{}", application.origin, at.place)))
            .finish(),
        Err(failure) => page::visit_failure(&request, &failure),
    }
}

/// At the application's origin: its cookie is forgotten. Any page may lead here, so nothing is revoked.
async fn sign_out(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let Some(application) = application(&context, &request) else { return page::not_found(&request) };
    let portal = format!("{}{}", context.snapshot().public_url, super::portal::PATH);
    HttpResponse::SeeOther()
        .cookie(Jar::Application(&application.name).clear(application.is_https))
        .insert_header((header::LOCATION, portal))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_takes_any_name() {
        assert_eq!(in_header("ann@example.com"), "ann@example.com");
        assert_eq!(in_header("Zoë 100%\r\nX: y"), "Zo%C3%AB%20100%25%0D%0AX:%20y");
    }
}
