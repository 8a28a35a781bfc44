//! The console federation endpoint: `/federation` (facts 4).
//!
//! Clients send credentials in the query here. The request log never shows a query, and every
//! answer forbids caching and referrers.

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use zeroize::Zeroize;

use super::Surface;
use super::body;
use super::browser::{Jars, signed_in};
use super::cookies::{with_cookies, without_consoles};
use super::logout::sign_out;
use super::page;
use crate::broker::{Refusal, RequestContext};
use crate::secret::Secret;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/federation").route(web::get().to(get)).route(web::post().to(post)));
}

async fn get(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let fields = Fields::parse(request.query_string().as_bytes());
    answer(&request, &surface, fields).await
}

async fn post(request: HttpRequest, surface: web::Data<Surface>, payload: web::Payload) -> HttpResponse {
    match body::read(payload, body::SMALL).await {
        Ok(body) => answer(&request, &surface, Fields::parse(&body)).await,
        Err(unread) => unread.answer(),
    }
}

/// The parameters of the endpoint; the first of a name counts.
#[derive(Default)]
struct Fields {
    action: Option<String>,
    session: Option<Secret<String>>,
    session_duration: Option<String>,
    signin_token: Option<String>,
    destination: Option<String>,
    issuer: Option<String>,
}

impl Fields {
    fn parse(form: &[u8]) -> Self {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            let slot = match name.as_ref() {
                "Action" => &mut fields.action,
                "SessionDuration" => &mut fields.session_duration,
                "SigninToken" => &mut fields.signin_token,
                "Destination" => &mut fields.destination,
                "Issuer" => &mut fields.issuer,
                "Session" => {
                    fields.session.get_or_insert_with(|| Secret::new(value.into_owned()));
                    continue;
                }
                _ => continue,
            };
            slot.get_or_insert_with(|| value.into_owned());
        }
        fields
    }
}

/// The `Session` parameter.
#[derive(Deserialize)]
struct SessionCredentials {
    #[serde(rename = "sessionId")]
    access_key_id: String,
    #[serde(rename = "sessionKey")]
    secret_access_key: String,
    #[serde(rename = "sessionToken")]
    session_token: String,
}

impl Drop for SessionCredentials {
    fn drop(&mut self) {
        self.secret_access_key.zeroize();
        self.session_token.zeroize();
    }
}

#[derive(Serialize)]
struct SigninTokenAnswer {
    #[serde(rename = "SigninToken")]
    signin_token: String,
}

async fn answer(request: &HttpRequest, surface: &Surface, fields: Fields) -> HttpResponse {
    let context = surface.context(request);
    match fields.action.as_deref() {
        Some("getSigninToken") => signin_token(request, &context, &fields).await,
        Some("login") => {
            let Some(token) = &fields.signin_token else {
                return page::incomplete(request, "SigninToken is missing.");
            };
            let before = Jars::read(request, context.snapshot().is_https);
            let destination = fields.destination.as_deref();
            let issuer = fields.issuer.as_deref();
            match context.redeem_signin_token(token, destination, issuer, before.cookies()).await {
                Ok(opened) => signed_in(request, &context, &opened, StatusCode::FOUND),
                Err(failure) => {
                    let back = issuer.and_then(|issuer| context.snapshot().destinations.lead_back(issuer));
                    page::signin_failure(request, &failure, back.as_deref())
                }
            }
        }
        // The buttons of our own pages.
        Some("logout") if request.method() == Method::POST => sign_out(request, &context, false).await,
        Some("logout-everywhere") if request.method() == Method::POST => {
            sign_out(request, &context, true).await
        }
        // As on AWS: any page may lead here, so this browser forgets its session, and no more.
        Some("logout") => {
            let mut response = HttpResponse::Found().insert_header((header::LOCATION, "/portal")).finish();
            with_cookies(&mut response, without_consoles(request, context.snapshot().is_https));
            response
        }
        _ => page::incomplete(request, "Action must be getSigninToken, login or logout."),
    }
}

async fn signin_token(request: &HttpRequest, context: &RequestContext<'_>, fields: &Fields) -> HttpResponse {
    let Some(session) = &fields.session else { return page::incomplete(request, "Session is missing.") };
    let Ok(mut session) = serde_json::from_str::<SessionCredentials>(session.expose()) else {
        return page::incomplete(
            request,
            "Session is not JSON with the strings sessionId, sessionKey and sessionToken.",
        );
    };
    let seconds = match fields.session_duration.as_deref().map(str::parse::<u64>).transpose() {
        Ok(seconds) => seconds,
        Err(_) => {
            let refusal = Refusal::SigninRequest("SessionDuration is not a number of seconds".into());
            return page::failure(request, &refusal.into());
        }
    };
    let secret = Secret::new(std::mem::take(&mut session.secret_access_key));
    match context.signin_token(&session.access_key_id, &secret, &session.session_token, seconds).await {
        Ok(signin_token) => HttpResponse::Ok().json(SigninTokenAnswer { signin_token }),
        Err(failure) => page::failure(request, &failure),
    }
}
