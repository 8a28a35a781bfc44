//! The demo provider over HTTP.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, AUTHORIZATION, LOCATION};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{Data, Form, Path, Query, ServiceConfig, get, post, resource};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use base64_simd::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::json;

use super::authn_request::AuthnRequest;
use super::logout::Ended;
use super::oidc::{AuthorizeError, AuthorizeRequest, Granted, TokenError, TokenRequest};
use super::oidc_session::EndSessionRequest;
use super::pages::{self, Carry, Chooser, Landing, Problem, SignedOut};
use super::{Idp, MOBILE_CLIENT, PORTAL_CLIENT, ServiceProvider, Terms};
use crate::cli::demo::people::{PEOPLE, Person};

/// Every route of the provider.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/", get().to(landing))
        .route("/style.css", get().to(async || asset("text/css; charset=utf-8", pages::STYLE)))
        .route("/submit.js", get().to(async || asset("text/javascript; charset=utf-8", pages::SUBMIT)))
        .route("/saml/metadata", get().to(saml_metadata))
        .service(resource("/saml/sso").route(get().to(saml_ask)).route(post().to(saml_answer)))
        .route("/saml/start", post().to(saml_start))
        .route("/saml/end", post().to(saml_end))
        .route("/saml/slo", get().to(saml_slo))
        .route("/saml-response/{person}", get().to(raw_response))
        .route("/.well-known/openid-configuration", get().to(discovery))
        .route("/jwks.json", get().to(jwks))
        .service(resource("/authorize").route(get().to(authorize_ask)).route(post().to(authorize_answer)))
        .route("/token", post().to(token))
        .route("/userinfo", get().to(userinfo))
        .route("/end-session", get().to(end_session))
        .route("/oidc/end", post().to(oidc_end))
        .route("/token/{person}", get().to(raw_token));
}

/// Headers of every answer. Forms may lead to the broker, and nothing else may be loaded.
pub(crate) fn headers(broker: &str) -> DefaultHeaders {
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self' {broker}; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    DefaultHeaders::new()
        .add((header::CONTENT_SECURITY_POLICY, policy))
        .add((header::CACHE_CONTROL, "no-store"))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::REFERRER_POLICY, "no-referrer"))
}

/// A form at `/saml/sso`: a request by POST, who one is, or both.
#[derive(Deserialize)]
struct SsoForm {
    #[serde(rename = "SAMLRequest")]
    request: Option<String>,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
    person: Option<String>,
}

/// Who one says one is.
#[derive(Deserialize)]
struct Choice {
    person: String,
}

/// The query of `/token/{person}`.
#[derive(Deserialize)]
struct RawTokenQuery {
    client: Option<String>,
}

async fn landing(idp: Data<Idp>) -> HttpResponse {
    let clients = [MOBILE_CLIENT, PORTAL_CLIENT];
    let portal = format!("{}/portal", idp.broker.origin);
    show(
        StatusCode::OK,
        "Demo identity provider",
        &Landing { portal: &portal, people: &PEOPLE, clients: &clients },
    )
}

async fn saml_metadata(idp: Data<Idp>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/samlmetadata+xml").body(idp.saml_metadata())
}

async fn saml_ask(idp: Data<Idp>, http: HttpRequest) -> HttpResponse {
    match AuthnRequest::by_redirect(http.query_string(), &idp.requests) {
        Ok((request, _)) => match idp.asking(&request) {
            Ok(_) => choose(&http, "Rolegate", &[]),
            Err(reason) => problem(reason),
        },
        Err(reason) => problem(reason),
    }
}

/// A request by POST, or the choice after one by either binding, which carries the request along.
async fn saml_answer(idp: Data<Idp>, form: Form<SsoForm>, http: HttpRequest) -> HttpResponse {
    let asked = match &form.request {
        Some(packed) => {
            let request = AuthnRequest::by_post(packed, &idp.requests);
            request.map(|request| (request, form.relay_state.clone()))
        }
        None => AuthnRequest::by_redirect(http.query_string(), &idp.requests),
    };
    let (request, relay_state) = match asked {
        Ok(asked) => asked,
        Err(reason) => return problem(reason),
    };
    let to = match idp.asking(&request) {
        Ok(to) => to,
        Err(reason) => return problem(reason),
    };
    let Some(person) = &form.person else {
        let state = relay_state.as_deref().map(|state| ("RelayState", state));
        let request = form.request.as_deref().map(|packed| ("SAMLRequest", packed));
        return choose(&http, "Rolegate", &request.into_iter().chain(state).collect::<Vec<_>>());
    };
    match Person::find(person) {
        Some(person) => carry(&idp, person, to, Some(&request.id), relay_state.as_deref()),
        None => problem("There is nobody of that name here."),
    }
}

async fn saml_start(idp: Data<Idp>, choice: Form<Choice>) -> HttpResponse {
    match Person::find(&choice.person) {
        Some(person) => carry(&idp, person, &idp.broker.corp, None, None),
        None => problem("There is nobody of that name here."),
    }
}

/// Ends what a person has at the broker.
async fn saml_end(idp: Data<Idp>, choice: Form<Choice>) -> HttpResponse {
    match Person::find(&choice.person).map(|person| idp.logout(person)) {
        Some(Ok(location)) => see_other(&location),
        Some(Err(error)) => fault(&error),
        None => problem("There is nobody of that name here."),
    }
}

async fn saml_slo(idp: Data<Idp>, http: HttpRequest) -> HttpResponse {
    match idp.logged_out(http.query_string()) {
        Ok(Ended::Answer(location)) => see_other(&location),
        Ok(Ended::ByBroker) => show(StatusCode::OK, "Signed out", &SignedOut { account: "prod" }),
        Ok(Ended::Failed) => problem("Rolegate could not make the sign-out last. Try again."),
        Err(reason) => problem(reason),
    }
}

async fn raw_response(idp: Data<Idp>, id: Path<String>) -> HttpResponse {
    let Some(person) = Person::find(&id) else { return nobody() };
    match idp.saml_response(person, None) {
        Ok(response) => text(response),
        Err(error) => fault(&error),
    }
}

async fn discovery(idp: Data<Idp>) -> HttpResponse {
    HttpResponse::Ok().json(idp.oidc.discovery())
}

async fn jwks(idp: Data<Idp>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/jwk-set+json").body(idp.oidc.jwks().to_string())
}

async fn authorize_ask(idp: Data<Idp>, query: Query<AuthorizeRequest>, http: HttpRequest) -> HttpResponse {
    match idp.oidc.check(&query) {
        Ok(client) => choose(&http, client.id, &[]),
        Err(error) => not_authorized(error),
    }
}

async fn authorize_answer(
    idp: Data<Idp>,
    query: Query<AuthorizeRequest>,
    choice: Form<Choice>,
) -> HttpResponse {
    let Some(person) = Person::find(&choice.person) else { return nobody() };
    match idp.oidc.approve(&query, person, idp.clock.now(), idp.entropy.as_ref()) {
        Ok(location) => see_other(&location),
        Err(error) => not_authorized(error),
    }
}

async fn token(idp: Data<Idp>, form: Form<TokenRequest>, http: HttpRequest) -> HttpResponse {
    let mut request = form.into_inner();
    if let Some((client_id, client_secret)) = basic_credentials(&http) {
        (request.client_id, request.client_secret) = (client_id, client_secret);
    }
    match idp.oidc.redeem(&request, idp.clock.now()) {
        Ok(Granted { id_token, access_token }) => HttpResponse::Ok().json(json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": super::oidc::TOKEN_LIFETIME.as_secs(),
            "id_token": id_token,
        })),
        Err(error) => {
            let mut answer = match error {
                TokenError::InvalidClient => HttpResponse::Unauthorized(),
                TokenError::ServerError => HttpResponse::InternalServerError(),
                TokenError::InvalidGrant | TokenError::UnsupportedGrantType => HttpResponse::BadRequest(),
            };
            answer.json(json!({ "error": error.code() }))
        }
    }
}

async fn userinfo(idp: Data<Idp>, http: HttpRequest) -> HttpResponse {
    let header = http.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer "));
    match token.and_then(|token| idp.oidc.userinfo(token, idp.clock.now())) {
        Some(claims) => HttpResponse::Ok().json(claims),
        None => HttpResponse::Unauthorized().insert_header((header::WWW_AUTHENTICATE, "Bearer")).finish(),
    }
}

/// A browser that signed out at the broker.
async fn end_session(idp: Data<Idp>, query: Query<EndSessionRequest>) -> HttpResponse {
    match idp.oidc.end_session(&query) {
        Some(location) => see_other(&location),
        None => problem("This address is not registered for browsers that signed out."),
    }
}

/// Ends what a person has at the broker, behind the browser's back.
async fn oidc_end(idp: Data<Idp>, choice: Form<Choice>) -> HttpResponse {
    let Some(person) = Person::find(&choice.person) else { return nobody() };
    if idp.log_out(person).await {
        show(StatusCode::OK, "Signed out", &SignedOut { account: "sandbox" })
    } else {
        problem("Rolegate did not take the logout token.")
    }
}

async fn raw_token(idp: Data<Idp>, id: Path<String>, query: Query<RawTokenQuery>) -> HttpResponse {
    let Some(person) = Person::find(&id) else { return nobody() };
    let Some(client) = idp.oidc.client(query.client.as_deref().unwrap_or(MOBILE_CLIENT)) else {
        return HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("no such client\n");
    };
    match idp.oidc.id_token(person, client.id, idp.clock.now()) {
        Ok(token) => text(token),
        Err(error) => fault(&error),
    }
}

/// `Authorization: Basic`. Ids and secrets here have no character that RFC 6749 section 2.3.1
/// would encode, so there is nothing to decode.
fn basic_credentials(http: &HttpRequest) -> Option<(String, String)> {
    let value = http.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let decoded = BASE64.decode_to_vec(value.strip_prefix("Basic ")?).ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The page that asks who one is; its form comes back to the address it was asked at.
fn choose(http: &HttpRequest, application: &str, hidden: &[(&str, &str)]) -> HttpResponse {
    let action = http.uri().to_string();
    show(StatusCode::OK, "Who are you?", &Chooser { action: &action, hidden, application, people: &PEOPLE })
}

/// The page that carries a response to the broker's ACS, and nowhere else.
fn carry(
    idp: &Idp,
    person: &'static Person,
    to: &ServiceProvider,
    in_response_to: Option<&str>,
    relay_state: Option<&str>,
) -> HttpResponse {
    let terms = Terms { recipient: &to.acs, audience: &to.entity_id, in_response_to, ..idp.terms() };
    match idp.saml_response_on(person, terms) {
        Ok(response) => {
            let content = Carry { acs: &to.acs, response: &response, relay_state };
            show(StatusCode::OK, "One moment", &content)
        }
        Err(error) => fault(&error),
    }
}

fn not_authorized(error: AuthorizeError) -> HttpResponse {
    match error {
        AuthorizeError::Stay(reason) => problem(reason),
        AuthorizeError::Return(location) => see_other(&location),
        AuthorizeError::Fault => fault(&"the sign-in could not be prepared"),
    }
}

fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, location)).finish()
}

fn problem(reason: &str) -> HttpResponse {
    show(StatusCode::BAD_REQUEST, "That did not work", &Problem { reason })
}

fn nobody() -> HttpResponse {
    HttpResponse::NotFound()
        .content_type("text/plain; charset=utf-8")
        .body("there is nobody of that name here\n")
}

fn text(body: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(body)
}

fn asset(kind: &'static str, body: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).body(body)
}

fn show(status: StatusCode, title: &'static str, content: &impl Template) -> HttpResponse {
    match pages::page(title, content) {
        Ok(page) => HttpResponse::build(status).content_type("text/html; charset=utf-8").body(page),
        Err(error) => fault(&error),
    }
}

fn fault(error: &dyn std::fmt::Display) -> HttpResponse {
    tracing::error!(%error, "the demo identity provider failed");
    HttpResponse::InternalServerError().finish()
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
