//! The STS Query API: `POST /` and `GET /?Action=…` (facts 1).

mod caller;
mod credentials;
mod federated;
mod parameters;
mod results;
mod xml;

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use self::parameters::Parameters;
use super::error::StsError;
use super::request_log::RequestId;
use super::{Surface, body};

/// The one version of the API.
const VERSION: &str = "2011-06-15";
/// Operations of the API that this broker does not offer, so that the answer can say so.
const NOT_SUPPORTED: [&str; 3] = ["AssumeRoot", "GetDelegatedAccessToken", "GetWebIdentityToken"];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/").route(web::post().to(post)).route(web::get().to(get)));
}

async fn post(request: HttpRequest, surface: web::Data<Surface>, payload: web::Payload) -> HttpResponse {
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return to_portal();
    }
    let body = match body::read(payload, body::STS).await {
        Ok(body) => body,
        Err(unread) => return unread.answer(),
    };
    answer(&request, &surface, Parameters::parse(&body), &body).await
}

async fn get(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let parameters = Parameters::parse(request.query_string().as_bytes());
    answer(&request, &surface, parameters, b"").await
}

/// A browser, not a client of the API.
fn to_portal() -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, "/portal")).finish()
}

async fn answer(
    request: &HttpRequest,
    surface: &Surface,
    parameters: Option<Parameters<'_>>,
    body: &[u8],
) -> HttpResponse {
    let Some(parameters) = &parameters else { return HttpResponse::PayloadTooLarge().finish() };
    let Some(action) = parameters.get("Action") else { return to_portal() };
    let context = surface.context(request);
    let signed = || caller::of(&context, request, body);
    let result = match (action, parameters.get("Version")) {
        ("AssumeRoleWithSAML", Some(VERSION)) => federated::with_saml(&context, parameters).await,
        ("AssumeRoleWithWebIdentity", Some(VERSION)) => {
            federated::with_web_identity(&context, parameters).await
        }
        ("AssumeRole", Some(VERSION)) => match signed() {
            Ok(caller) => credentials::assume_role(&context, &caller, parameters).await,
            Err(error) => Err(error),
        },
        ("GetSessionToken", Some(VERSION)) => match signed() {
            Ok(caller) => credentials::session_token(&context, &caller, parameters).await,
            Err(error) => Err(error),
        },
        ("GetFederationToken", Some(VERSION)) => match signed() {
            Ok(caller) => credentials::federation_token(&context, &caller, parameters).await,
            Err(error) => Err(error),
        },
        ("GetCallerIdentity", Some(VERSION)) => signed().map(|caller| caller::identity(&caller)),
        ("DecodeAuthorizationMessage", Some(VERSION)) => {
            signed().and_then(|caller| caller::decoded_message(&context, &caller, parameters))
        }
        ("GetAccessKeyInfo", Some(VERSION)) => {
            signed().and_then(|caller| caller::access_key_info(&context, &caller, parameters))
        }
        (_, Some(VERSION)) if NOT_SUPPORTED.contains(&action) => Err(StsError::not_supported(action)),
        (_, version) => Err(StsError::unknown_action(action, version)),
    };
    let id = RequestId::of(request);
    let (status, document) = match result {
        Ok(result) => (StatusCode::OK, xml::response(action, result, id.as_str())),
        Err(error) => {
            error.log();
            (error.status(), xml::error(&error, id.as_str()))
        }
    };
    let mut response = HttpResponse::build(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((header::RETRY_AFTER, "1"));
    }
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/xml"))).body(document)
}

fn invalid(value: &str) -> StsError {
    StsError::validation(format!("{} is invalid", value.chars().take(200).collect::<String>()))
}

/// A duration that a caller asked for, in whole seconds.
const fn seconds(value: i32) -> Duration {
    Duration::from_secs(value.unsigned_abs() as u64)
}
