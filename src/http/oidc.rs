//! OpenID Connect in the browser: `/oidc/{provider}/…`.

use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse, web};

use super::Surface;
use super::body;
use super::browser::{arrived, begin_login, chosen};
use super::cookies::{Jar, with_cookies};
use super::error::{no_logout_token, of_logout_token};
use super::page::{self, Picker};
use crate::arn::RoleArn;
use crate::broker::{Choice, OidcAnswer, Refusal, login_tag};
use crate::directory::Verifier;
use crate::identity::saml::LogoutStatus;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/oidc/{provider}/login", web::get().to(login)).service(
        web::resource("/oidc/{provider}/callback")
            .route(web::get().to(callback))
            .route(web::post().to(choice)),
    );
    config
        .route("/oidc/{provider}/backchannel-logout", web::post().to(backchannel_logout))
        .route("/oidc/{provider}/signed-out", web::get().to(signed_out));
}

async fn login(request: HttpRequest, surface: web::Data<Surface>, name: web::Path<String>) -> HttpResponse {
    begin_login(&request, &surface, &name, |verifier| matches!(verifier, Verifier::Oidc(_))).await
}

/// The provider sends the browser back, with a code or with an error (RFC 6749, 4.1.2).
async fn callback(
    request: HttpRequest,
    surface: web::Data<Surface>,
    name: web::Path<String>,
) -> HttpResponse {
    let query = request.query_string().as_bytes();
    if let Some(code) = first(query, "error") {
        let description = first(query, "error_description").unwrap_or_default();
        let cut = |text: Cow<'_, str>| text.chars().take(200).collect();
        let refusal = Refusal::LoginFailed { code: cut(code), description: cut(description) };
        return page::failure(&request, &refusal.into());
    }
    let (Some(code), Some(state)) = (first(query, "code"), first(query, "state")) else {
        return page::incomplete(&request, "The answer has no code or no state.");
    };
    let login = login_tag(&state);
    let issuer = first(query, "iss");
    let came = OidcAnswer::Code { code: &code, state: &state, issuer: issuer.as_deref() };
    answer(&request, &surface, &name, &login, came).await
}

/// The picker's form.
async fn choice(
    request: HttpRequest,
    surface: web::Data<Surface>,
    name: web::Path<String>,
    payload: web::Payload,
) -> HttpResponse {
    let body = match body::read(payload, body::CHOICE).await {
        Ok(body) => body,
        Err(unread) => return unread.answer(),
    };
    let role = first(&body, "roleIndex").and_then(|role| role.parse::<RoleArn>().ok());
    let chosen =
        chosen(&request, &surface.context(&request), role.as_ref(), first(&body, "device").as_deref());
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(refused) => return refused.answer(&request),
    };
    let fields = (first(&body, "choice"), first(&body, "login"), chosen);
    let (Some(carried), Some(login), Choice::Role(_) | Choice::Device(_)) = fields else {
        let text = "The form lacks choice or login, or roleIndex is not the ARN of a role.";
        return page::incomplete(&request, text);
    };
    answer(&request, &surface, &name, &login, OidcAnswer::Choice { carried: &carried, chosen }).await
}

/// The provider ended a login, and says so itself (Back-Channel Logout 1.0, section 2.5).
async fn backchannel_logout(
    request: HttpRequest,
    surface: web::Data<Surface>,
    name: web::Path<String>,
    payload: web::Payload,
) -> HttpResponse {
    let body = match body::read(payload, body::SMALL).await {
        Ok(body) => body,
        Err(unread) => return unread.answer(),
    };
    let mut tokens = url::form_urlencoded::parse(&body).filter(|(name, _)| name == "logout_token");
    let (Some((_, token)), None) = (tokens.next(), tokens.next()) else { return no_logout_token() };
    match surface.context(&request).backchannel_logout(&name, &token).await {
        Ok(()) => HttpResponse::Ok().finish(),
        Err(failure) => of_logout_token(&failure),
    }
}

/// The provider sends the browser back that it signed out (RP-Initiated Logout 1.0, section 3).
async fn signed_out(
    request: HttpRequest,
    surface: web::Data<Surface>,
    name: web::Path<String>,
) -> HttpResponse {
    let context = surface.context(&request);
    let https = context.snapshot().is_https;
    let (state, cookie) =
        (first(request.query_string().as_bytes(), "state"), Jar::Logout.read(&request, https));
    match context.signed_out_at_provider(&name, state.as_deref(), cookie.as_deref()) {
        Ok(()) => {
            let mut response = page::signed_out(&request, Some(&LogoutStatus::Success));
            with_cookies(&mut response, [Jar::Logout.clear(https)]);
            response
        }
        Err(failure) => page::logout_failure(&request, &failure),
    }
}

async fn answer(
    request: &HttpRequest,
    surface: &Surface,
    name: &str,
    login: &str,
    answer: OidcAnswer<'_>,
) -> HttpResponse {
    let context = surface.context(request);
    let cookie = Jar::Login(login).read(request, context.snapshot().is_https);
    let hidden = vec![("login", login.to_owned())];
    let picker = Picker { action: format!("/oidc/{name}/callback"), hidden };
    let outcome = context.oidc_answer(name, answer, cookie.as_deref()).await;
    arrived(request, &context, outcome, Some(login), picker)
}

fn first<'a>(form: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    url::form_urlencoded::parse(form).find(|(field, _)| field == name).map(|(_, value)| value)
}
