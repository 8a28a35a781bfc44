//! Signing out: `/saml/{provider}/slo`, and what the button on the console page does.

use actix_web::{HttpRequest, HttpResponse, web};

use super::browser::{in_browser, is_from_here, leave};
use super::cookies::{Jar, with_cookies, without_consoles};
use super::error::log;
use super::{Surface, body, page};
use crate::broker::{LogoutOutcome, RequestContext, SignedOut};
use crate::identity::saml::PresentedLogout;

/// What a form is called that carries a logout message.
const SIGNING_OUT: &str = "Signing you out";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/saml/{provider}/slo").route(web::get().to(redirected)).route(web::post().to(posted)),
    );
}

async fn redirected(
    request: HttpRequest,
    surface: web::Data<Surface>,
    name: web::Path<String>,
) -> HttpResponse {
    let presented = PresentedLogout::Redirect(request.query_string());
    message(&request, &surface, &name, presented).await
}

async fn posted(
    request: HttpRequest,
    surface: web::Data<Surface>,
    name: web::Path<String>,
    payload: web::Payload,
) -> HttpResponse {
    match body::read(payload, body::LOGOUT).await {
        Ok(body) => message(&request, &surface, &name, PresentedLogout::Post(&body)).await,
        Err(unread) => unread.answer(),
    }
}

/// A message of the provider. The console cookie plays no part: providers log out in frames, where
/// browsers keep it back, and what is revoked is over with it and without it.
async fn message(
    request: &HttpRequest,
    surface: &Surface,
    name: &str,
    presented: PresentedLogout<'_>,
) -> HttpResponse {
    let context = surface.context(request);
    let https = context.snapshot().is_https;
    let cookie = Jar::Logout.read(request, https);
    match context.saml_logout(name, presented, cookie.as_deref()).await {
        Ok(LogoutOutcome::Ended { answer: Some(answer), failure }) => {
            if let Some(failure) = &failure {
                log(failure, "LogoutResponse, Responder");
            }
            leave(request, SIGNING_OUT, &answer)
        }
        Ok(LogoutOutcome::Ended { answer: None, failure: Some(failure) }) | Err(failure) => {
            page::logout_failure(request, &failure)
        }
        Ok(LogoutOutcome::Ended { answer: None, failure: None }) => page::signed_out(request, None),
        Ok(LogoutOutcome::Answered(status)) => {
            let mut response = page::signed_out(request, Some(&status));
            with_cookies(&mut response, [Jar::Logout.clear(https)]);
            response
        }
    }
}

/// The button. Only a page of ours may press it: who is signed out by another one loses work.
pub(super) async fn sign_out(
    request: &HttpRequest,
    context: &RequestContext<'_>,
    everywhere: bool,
) -> HttpResponse {
    if !is_from_here(request, &context.snapshot().public_url) {
        return page::foreign(request, "Use the button on the console page.");
    }
    let https = context.snapshot().is_https;
    let mut cookies = without_consoles(request, https);
    cookies.push(Jar::Portal.clear(https));
    let signed_out = match in_browser(request, context).await {
        Ok(here) => context.sign_out(&here, everywhere).await,
        Err(failure) => Err(failure),
    };
    let mut response = match signed_out {
        Ok(SignedOut::Here) => page::signed_out(request, None),
        Ok(SignedOut::AtProvider { outbound, cookie, lasts }) => {
            cookies.push(Jar::Logout.set(cookie, lasts, https));
            leave(request, SIGNING_OUT, &outbound)
        }
        Err(failure) => page::logout_failure(request, &failure),
    };
    with_cookies(&mut response, cookies);
    response
}
