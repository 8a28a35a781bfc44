//! `POST /oauth2/token`: token exchange (RFC 8693), refresh (RFC 6749 section 6), and what a person approved
//! for a device (RFC 8628 section 3.4).

use std::borrow::Cow;
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::device::DEVICE_CODE;
use super::form::Form;
use super::{authentication, posted};
use crate::arn::RoleArn;
use crate::broker::{ConsoleAsk, Exchange, Exchanged, Granted, Polled, RequestContext, SubjectToken, Wanted};
use crate::clock::Moment;
use crate::directory::Client;
use crate::http::error::OAuthError;
use crate::http::{Surface, body};
use crate::identity::Presented;
use crate::identity::dpop::Proof;
use crate::issuer::TemporaryCredentials;

/// Where it is.
pub(super) const PATH: &str = "/oauth2/token";
/// The grant of RFC 8693.
pub(super) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The grant of RFC 6749 section 6.
pub(super) const REFRESH: &str = "refresh_token";
/// Token types (RFC 8693 section 3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const SAML2: &str = "urn:ietf:params:oauth:token-type:saml2";
/// Our own: temporary credentials in the shape of `credential_process`.
pub(super) const AWS_CREDENTIALS: &str = "urn:rolegate:params:oauth:token-type:aws-credentials";

/// Our own: a link that opens a console.
const CONSOLE_URL: &str = "urn:rolegate:params:oauth:token-type:console-url";

/// What changes what is given, and is not done here: it is refused rather than ignored.
const NOT_SUPPORTED: [&str; 3] = ["actor_token", "actor_token_type", "policy"];
/// What a refresh can't change.
const KEPT: [&str; 6] =
    ["audience", "resource", "role", "role_session_name", "duration_seconds", "requested_token_type"];
/// `duration_seconds`, as at the STS API.
const DURATION: std::ops::RangeInclusive<u64> = 900..=43_200;

pub(super) async fn answer(
    request: HttpRequest,
    surface: web::Data<Surface>,
    payload: web::Payload,
) -> HttpResponse {
    let mut response = posted(&request, &surface, payload, body::STS, granted).await;
    if let Some(NextNonce(nonce)) = request.extensions_mut().remove() {
        response.headers_mut().insert(NONCE, nonce);
    }
    response
}

/// The nonce that the client's next proof is to hold, whatever this request is answered.
struct NextNonce(HeaderValue);

/// RFC 9449 section 8.
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

async fn granted(
    context: &RequestContext<'_>,
    request: &HttpRequest,
    body: &[u8],
) -> Result<Value, OAuthError> {
    let form = Form::read(request, body)?;
    let client = authentication::client(request, &form, &context.snapshot().directory)?;
    let grant_type = form.required("grant_type")?;
    if !matches!(grant_type, TOKEN_EXCHANGE | REFRESH | DEVICE_CODE) {
        let description = format!("Send one of {TOKEN_EXCHANGE}, {REFRESH}, {DEVICE_CODE} as grant_type.");
        return Err(OAuthError::unsupported_grant_type(description));
    }
    refuse_scope(&form)?;
    refuse(&form, &NOT_SUPPORTED, "is not supported")?;
    let proof = proof(context, request, client)?;
    match grant_type {
        REFRESH => refresh(context, client, &form, proof.as_ref()).await,
        DEVICE_CODE => device(context, client, &form, proof.as_ref()).await,
        _ => exchange(context, client, &form, proof.as_ref()).await,
    }
}

pub(super) fn refuse_scope(form: &Form<'_>) -> Result<(), OAuthError> {
    let refused = "There are no scopes: send role, and audience or resource.";
    form.get("scope").map_or(Ok(()), |_| Err(OAuthError::invalid_scope(refused)))
}

/// The key that the client proves to hold, if it sends a proof (RFC 9449 section 4.3).
fn proof(
    context: &RequestContext<'_>,
    request: &HttpRequest,
    client: &Client,
) -> Result<Option<Proof>, OAuthError> {
    let mut headers = request.headers().get_all("dpop");
    let Some(header) = headers.next() else { return Ok(None) };
    let refused = || OAuthError::invalid_dpop_proof("Send one DPoP header with one proof.");
    let text = header.to_str().ok().filter(|_| headers.next().is_none()).ok_or_else(refused)?;
    let proof = context.prove(text, PATH).map_err(OAuthError::of_proof)?;
    if client.proves_with_nonce {
        let nonce = context.proof_nonce(client).map_err(|error| OAuthError::of(error.into()))?;
        if let Ok(nonce) = HeaderValue::from_str(&nonce) {
            request.extensions_mut().insert(NextNonce(nonce));
        }
        if !context.has_proof_nonce(client, &proof) {
            return Err(OAuthError::use_dpop_nonce());
        }
    }
    Ok(Some(proof))
}

fn refuse(form: &Form<'_>, names: &[&str], why: &str) -> Result<(), OAuthError> {
    let found = names.iter().find(|name| form.get(name).is_some());
    let refused = |name: &&str| OAuthError::invalid_request(format!("{name} {why}: leave it out."));
    found.map_or(Ok(()), |name| Err(refused(name)))
}

async fn refresh(
    context: &RequestContext<'_>,
    client: &Client,
    form: &Form<'_>,
    proof: Option<&Proof>,
) -> Result<Value, OAuthError> {
    refuse(form, &KEPT, "stays what it was with a refresh_token")?;
    let exchanged = context.refresh(client, form.required("refresh_token")?, proof).await;
    let exchanged = exchanged.map_err(OAuthError::of_refresh)?;
    Ok(success(&exchanged, issued_type(&exchanged.granted), proof.is_some(), context.at()))
}

async fn device(
    context: &RequestContext<'_>,
    client: &Client,
    form: &Form<'_>,
    proof: Option<&Proof>,
) -> Result<Value, OAuthError> {
    refuse(form, &KEPT, "stays what it was with a device_code")?;
    let polled = context.collect_device(client, form.required("device_code")?, proof).await;
    match polled.map_err(OAuthError::of_refresh)? {
        Polled::Pending => Err(OAuthError::authorization_pending()),
        Polled::Given(exchanged) => {
            Ok(success(&exchanged, issued_type(&exchanged.granted), proof.is_some(), context.at()))
        }
    }
}

const fn issued_type(granted: &Granted) -> &'static str {
    match granted {
        Granted::Token(_) => ACCESS_TOKEN,
        Granted::Credentials(_) => AWS_CREDENTIALS,
    }
}

/// RFC 8693 section 2.1, with `role`, `role_session_name` and `duration_seconds` of our own.
async fn exchange(
    context: &RequestContext<'_>,
    client: &Client,
    form: &Form<'_>,
    proof: Option<&Proof>,
) -> Result<Value, OAuthError> {
    let token = form.required("subject_token")?;
    let role = role(form)?;
    let response;
    let presented = match form.required("subject_token_type")? {
        ID_TOKEN | JWT => Some(Presented::IdToken(token)),
        SAML2 => {
            response = saml_response(token)?;
            Some(Presented::SamlResponse(&response))
        }
        ACCESS_TOKEN => None,
        _ => {
            let description =
                format!("Send one of {ID_TOKEN}, {JWT}, {SAML2}, {ACCESS_TOKEN} as subject_token_type.");
            return Err(OAuthError::invalid_request(description));
        }
    };
    let subject = match (presented, &role) {
        (Some(presented), Some(role)) => {
            let session_name = form.get("role_session_name");
            SubjectToken::Presented { presented, role, session_name }
        }
        (Some(_), None) => return Err(OAuthError::invalid_request("role is missing: send the role's ARN.")),
        (None, None) => SubjectToken::Ours(token),
        (None, Some(_)) => {
            let description = "A token of this broker keeps its role: leave role out.";
            return Err(OAuthError::invalid_request(description));
        }
    };
    if form.get("requested_token_type") == Some(CONSOLE_URL) {
        let wanted = Wanted::Credentials;
        let asked = Exchange { client, subject, wanted, duration: None, proof };
        return console_url(context, form, &asked).await;
    }
    refuse(form, &OF_LINKS, "is for a link to a console")?;
    let (issued_type, wanted) = wanted(form)?;
    let asked = Exchange { client, subject, wanted, duration: duration(form)?, proof };
    let exchanged = context.exchange(&asked).await.map_err(OAuthError::of)?;
    Ok(success(&exchanged, issued_type, proof.is_some(), context.at()))
}

/// What only a link takes.
const OF_LINKS: [&str; 2] = ["destination", "issuer"];

/// A link to the console of the role, instead of a token.
async fn console_url(
    context: &RequestContext<'_>,
    form: &Form<'_>,
    asked: &Exchange<'_>,
) -> Result<Value, OAuthError> {
    refuse(form, &["audience", "resource"], "is not for a link to a console")?;
    let [destination, issuer] = OF_LINKS.map(|name| form.get(name));
    let console = ConsoleAsk { destination, issuer, duration: duration(form)? };
    let made = context.console_url(asked, &console).await.map_err(OAuthError::of)?;
    Ok(json!({
        "access_token": made.url.expose(),
        "token_type": "N_A",
        "expires_in": made.lasts.as_secs(),
        "issued_token_type": CONSOLE_URL,
    }))
}

pub(super) fn role(form: &Form<'_>) -> Result<Option<RoleArn>, OAuthError> {
    let role = form.get("role").map(str::parse::<RoleArn>).transpose();
    role.map_err(|_| OAuthError::invalid_request("role is not the ARN of a role."))
}

/// What is asked for; a token for a service unless said otherwise.
pub(super) fn wanted<'f>(form: &'f Form<'_>) -> Result<(&'static str, Wanted<'f>), OAuthError> {
    let target = match (form.get("audience"), form.get("resource")) {
        (Some(_), Some(_)) => {
            return Err(OAuthError::invalid_request("Send audience or resource, not both."));
        }
        (audience, resource) => audience.or(resource),
    };
    let issued_type = match form.get("requested_token_type") {
        None | Some(ACCESS_TOKEN) => ACCESS_TOKEN,
        Some(JWT) => JWT,
        Some(AWS_CREDENTIALS) if target.is_some() => {
            let description = "Credentials are for no audience and no resource: leave both out.";
            return Err(OAuthError::invalid_request(description));
        }
        Some(AWS_CREDENTIALS) => return Ok((AWS_CREDENTIALS, Wanted::Credentials)),
        Some(_) => {
            let description =
                format!("Send one of {AWS_CREDENTIALS}, {ACCESS_TOKEN}, {JWT} as requested_token_type.");
            return Err(OAuthError::invalid_request(description));
        }
    };
    let missing = "A token is for one service: send audience or resource.";
    let audience = target.ok_or_else(|| OAuthError::invalid_request(missing))?;
    Ok((issued_type, Wanted::Token { audience }))
}

pub(super) fn duration(form: &Form<'_>) -> Result<Option<Duration>, OAuthError> {
    let Some(text) = form.get("duration_seconds") else { return Ok(None) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|seconds| digits && DURATION.contains(seconds));
    let refused = || OAuthError::invalid_request("duration_seconds is not a number from 900 to 43200.");
    Ok(Some(Duration::from_secs(seconds.ok_or_else(refused)?)))
}

/// The base64 of a SAML response. RFC 8693 section 3 writes it as base64url, which is taken without
/// padding. What has a character that base64url has not is read as at `AssumeRoleWithSAML`, which is
/// how browsers get it: so one text is never two documents.
fn saml_response(token: &str) -> Result<Cow<'_, str>, OAuthError> {
    let is_url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !token.bytes().all(is_url) {
        return Ok(Cow::Borrowed(token));
    }
    let refused = |_| OAuthError::invalid_request("The subject_token is no base64url of a SAML response.");
    let response = URL_SAFE_NO_PAD.decode_to_vec(token).map_err(refused)?;
    Ok(Cow::Owned(STANDARD.encode_to_string(response)))
}

/// RFC 8693 section 2.2.1.
fn success(exchanged: &Exchanged, issued_type: &str, is_bound: bool, at: Moment) -> Value {
    let mut answer = match &exchanged.granted {
        Granted::Token(token) => json!({
            "access_token": token.text.expose(),
            "token_type": if is_bound { "DPoP" } else { "Bearer" },
            "expires_in": token.expires.since(at).as_secs(),
        }),
        Granted::Credentials(made) => json!({
            "access_token": made.session_token().expose(),
            // Not one that opens anything by itself: the credentials sign requests.
            "token_type": "N_A",
            "expires_in": made.expires().since(at).as_secs(),
            "credentials": credentials(made),
        }),
    };
    answer["issued_token_type"] = json!(issued_type);
    if let Some(refresh) = &exchanged.refresh {
        answer["refresh_token"] = json!(refresh.expose());
    }
    answer
}

/// As a `credential_process` prints them for AWS's SDKs.
fn credentials(made: &TemporaryCredentials) -> Value {
    json!({
        "Version": 1,
        "AccessKeyId": made.access_key_id(),
        "SecretAccessKey": made.secret_access_key().expose(),
        "SessionToken": made.session_token().expose(),
        "Expiration": made.expires().to_rfc3339(),
    })
}
