//! The STS Query API: `POST /` and `GET /?Action=…` (facts 1).

mod parameters;
mod xml;

use std::time::Duration;

use actix_web::http::header::{self, ContentType};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use self::parameters::Parameters;
use self::xml::Element;
use super::error::StsError;
use super::request_log::RequestId;
use super::{Surface, body};
use crate::arn::{ProviderArn, RoleArn};
use crate::broker::{Arrival, Ask, Door, Failure, Federated, Refusal, RequestContext};
use crate::directory::Provider;
use crate::identity::sigv4::SignedRequest;
use crate::identity::{Presented, Principal, Protocol, oidc};
use crate::issuer::TemporaryCredentials;
use crate::policy;

/// The one version of the API.
const VERSION: &str = "2011-06-15";
/// Operations of the API that this broker does not offer, so that the answer can say so.
const NOT_SUPPORTED: [&str; 8] = [
    "AssumeRole",
    "AssumeRoot",
    "DecodeAuthorizationMessage",
    "GetAccessKeyInfo",
    "GetDelegatedAccessToken",
    "GetFederationToken",
    "GetSessionToken",
    "GetWebIdentityToken",
];
/// The limit of an inline session policy (facts 1.7): 100 % of `PackedPolicySize`.
const LARGEST_POLICY: usize = 2048;

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
    let result = match (action, parameters.get("Version")) {
        ("AssumeRoleWithSAML", Some(VERSION)) => assume_with_saml(&context, parameters).await,
        ("AssumeRoleWithWebIdentity", Some(VERSION)) => assume_with_web_identity(&context, parameters).await,
        ("GetCallerIdentity", Some(VERSION)) => caller_identity(&context, request, body),
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
    response.content_type(ContentType(mime_xml())).body(document)
}

fn mime_xml() -> actix_web::mime::Mime {
    actix_web::mime::TEXT_XML
}

async fn assume_with_saml(
    context: &RequestContext<'_>,
    parameters: &Parameters<'_>,
) -> Result<String, StsError> {
    const ACTION: &str = "AssumeRoleWithSAML";
    let asked = parameters::saml(parameters)?;
    let failed = |failure: Failure| StsError::of(failure, Protocol::Saml);
    let principal = asked.principal_arn.parse::<ProviderArn>().map_err(|_| invalid(asked.principal_arn))?;
    let provider = context.snapshot().directory.provider_by_arn(&principal);
    let provider = provider.ok_or_else(|| failed(unknown_provider(principal.as_str())))?;
    let role = asked.role_arn.parse::<RoleArn>().map_err(|_| invalid(asked.role_arn))?;
    let arrival =
        Arrival { presented: Presented::SamlResponse(asked.assertion), provider, door: Door::StsApi };
    let ask = Ask {
        action: ACTION,
        role: &role,
        session_name: None,
        duration: asked.duration,
        session_policy: asked.policy,
    };
    let federated = context.federate(&arrival, &ask).await.map_err(failed)?;
    let identity = &federated.identity;
    let mut result = common_result(&federated);
    result.extend([
        Element::text("Subject", identity.subject()),
        Element::text("SubjectType", identity.subject_type().unwrap_or_default()),
        Element::text("Issuer", identity.issuer()),
        Element::text("Audience", identity.audience()),
        Element::text("NameQualifier", policy::name_qualifier(identity.issuer(), identity.provider())),
    ]);
    Ok(xml::result(ACTION, &result))
}

async fn assume_with_web_identity(
    context: &RequestContext<'_>,
    parameters: &Parameters<'_>,
) -> Result<String, StsError> {
    const ACTION: &str = "AssumeRoleWithWebIdentity";
    let asked = parameters::web_identity(parameters)?;
    let failed = |failure: Failure| StsError::of(failure, Protocol::Oidc);
    let role = asked.role_arn.parse::<RoleArn>().map_err(|_| invalid(asked.role_arn))?;
    let provider = web_identity_provider(context, &role, asked.token).map_err(failed)?;
    let arrival = Arrival { presented: Presented::IdToken(asked.token), provider, door: Door::StsApi };
    let ask = Ask {
        action: ACTION,
        role: &role,
        session_name: Some(asked.session_name),
        duration: asked.duration,
        session_policy: asked.policy,
    };
    let federated = context.federate(&arrival, &ask).await.map_err(failed)?;
    let identity = &federated.identity;
    let mut result = common_result(&federated);
    result.extend([
        Element::text("SubjectFromWebIdentityToken", identity.subject()),
        Element::text("Audience", identity.audience()),
        Element::text("Provider", identity.provider().as_str()),
    ]);
    Ok(xml::result(ACTION, &result))
}

/// The provider that the token says it comes from. Verification then decides whether it does.
fn web_identity_provider<'a>(
    context: &'a RequestContext<'_>,
    role: &RoleArn,
    token: &str,
) -> Result<&'a Provider, Failure> {
    let issuer = oidc::unverified_issuer(token)?;
    let provider = context.snapshot().directory.oidc_provider(role.account(), &issuer);
    provider.ok_or_else(|| unknown_provider(&issuer))
}

fn caller_identity(
    context: &RequestContext<'_>,
    request: &HttpRequest,
    body: &[u8],
) -> Result<String, StsError> {
    let caller = caller(context, request, body).map_err(|failure| StsError::of(failure, Protocol::Oidc))?;
    let result = [
        Element::text("Arn", caller.arn()),
        Element::text("UserId", caller.user_id()),
        Element::text("Account", caller.session().role.account().to_string()),
    ];
    Ok(xml::result("GetCallerIdentity", &result))
}

fn caller(context: &RequestContext<'_>, request: &HttpRequest, body: &[u8]) -> Result<Principal, Failure> {
    let mut headers: Vec<(&str, &[u8])> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    // HTTP/2 has no Host header; the authority is signed as one.
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    if let Some(authority) = authority.as_deref().filter(|_| !request.headers().contains_key(header::HOST)) {
        headers.push(("host", authority.as_bytes()));
    }
    let method = if request.method() == Method::GET { "GET" } else { "POST" };
    let (path, query) = (request.uri().path(), request.query_string());
    context.caller(&SignedRequest { method, path, query, headers: &headers, body }, "sts")
}

/// What both AssumeRoleWith… answers have in common, in AWS's order (facts 1.5).
fn common_result(federated: &Federated) -> Vec<Element<'_>> {
    let session = federated.session.session();
    let mut result = vec![
        Element::group(
            "AssumedRoleUser",
            vec![
                Element::text("AssumedRoleId", session.user_id()),
                Element::text("Arn", session.role.session_arn(&session.session_name)),
            ],
        ),
        credentials(&federated.credentials),
    ];
    if let Some(source_identity) = &session.source_identity {
        result.push(Element::text("SourceIdentity", source_identity.as_str()));
    }
    if let Some(policy) = &session.session_policy {
        let percent = (policy.chars().count() * 100).div_ceil(LARGEST_POLICY).min(100);
        result.push(Element::text("PackedPolicySize", percent.to_string()));
    }
    result
}

fn credentials(made: &TemporaryCredentials) -> Element<'_> {
    Element::group(
        "Credentials",
        vec![
            Element::text("AccessKeyId", made.access_key_id().as_str()),
            Element::text("SecretAccessKey", made.secret_access_key().expose().as_str()),
            Element::text("SessionToken", made.session_token().expose().as_str()),
            Element::text("Expiration", made.expires().to_rfc3339()),
        ],
    )
}

fn invalid(value: &str) -> StsError {
    StsError::validation(format!("{} is invalid", value.chars().take(200).collect::<String>()))
}

fn unknown_provider(seen: &str) -> Failure {
    Refusal::unknown_provider(seen).into()
}

/// A duration that a caller asked for, in whole seconds.
const fn seconds(value: i32) -> Duration {
    Duration::from_secs(value.unsigned_abs() as u64)
}
