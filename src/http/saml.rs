//! SAML in the browser: `/saml` and `/saml/{provider}/…`.

use actix_web::http::header::{self, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use aws_lc_rs::digest::{SHA256, digest};

use super::browser::{arrived, begin_login, chosen};
use super::cookies::{self, Jar};
use super::page::{self, Picker};
use super::{Surface, body, get_or_head};
use crate::arn::RoleArn;
use crate::broker::{Refusal, SamlAnswer};
use crate::directory::Verifier;
use crate::identity::saml::RequestFault;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/saml", web::post().to(common_acs))
        .route("/saml", get_or_head().to(page::only_by_post))
        .route("/saml/{provider}/acs", web::post().to(acs))
        .route("/saml/{provider}/acs", get_or_head().to(page::only_by_post))
        .route("/saml/{provider}/login", web::get().to(login))
        .route("/saml/{provider}/metadata", get_or_head().to(metadata));
}

async fn login(request: HttpRequest, surface: web::Data<Surface>, name: web::Path<String>) -> HttpResponse {
    begin_login(&request, &surface, &name, |verifier| matches!(verifier, Verifier::Saml(_))).await
}

async fn acs(
    request: HttpRequest,
    surface: web::Data<Surface>,
    name: web::Path<String>,
    payload: web::Payload,
) -> HttpResponse {
    match body::read(payload, body::ACS).await {
        Ok(body) => consume(&request, &surface, Some(&name), &body).await,
        Err(unread) => unread.answer(),
    }
}

async fn common_acs(
    request: HttpRequest,
    surface: web::Data<Surface>,
    payload: web::Payload,
) -> HttpResponse {
    match body::read(payload, body::ACS).await {
        Ok(body) => consume(&request, &surface, None, &body).await,
        Err(unread) => unread.answer(),
    }
}

/// The first of each field counts, as at the STS API.
async fn consume(request: &HttpRequest, surface: &Surface, name: Option<&str>, body: &[u8]) -> HttpResponse {
    let (mut response, mut relay_state, mut role_index, mut device) = (None, None, None, None);
    for (field, value) in url::form_urlencoded::parse(body) {
        let slot = match field.as_ref() {
            "SAMLResponse" => &mut response,
            "RelayState" => &mut relay_state,
            "roleIndex" => &mut role_index,
            "device" => &mut device,
            _ => continue,
        };
        slot.get_or_insert(value);
    }
    let context = surface.context(request);
    let https = context.snapshot().is_https;
    let Some(response) = response else {
        return page::incomplete(request, "The form has no SAMLResponse.");
    };
    let role = match role_index.as_deref().map(str::parse::<RoleArn>).transpose() {
        Ok(role) => role,
        Err(_) => return page::incomplete(request, "roleIndex is not the ARN of a role."),
    };
    let chosen = match chosen(request, &context, role.as_ref(), device.as_deref()) {
        Ok(chosen) => chosen,
        Err(refused) => return refused.answer(request),
    };
    let login = cookies::login_of(request, relay_state.as_deref(), https);
    let cookie = login.as_deref().and_then(|tag| Jar::Login(tag).read(request, https));
    let answer = SamlAnswer {
        provider: name,
        response: &response,
        relay_state: relay_state.as_deref(),
        cookie: cookie.as_deref(),
        chosen,
    };
    let picker = Picker {
        action: name.map_or_else(|| "/saml".to_owned(), |name| format!("/saml/{name}/acs")),
        hidden: vec![
            ("RelayState", relay_state.clone().unwrap_or_default().into_owned()),
            ("SAMLResponse", response.clone().into_owned()),
            ("name", String::new()),
        ],
    };
    let outcome = context.saml_answer(&answer).await;
    arrived(request, &context, outcome, login.as_deref(), picker)
}

/// Our metadata towards the provider; with `signed=true`, signed.
async fn metadata(
    request: HttpRequest,
    surface: web::Data<Surface>,
    name: web::Path<String>,
) -> HttpResponse {
    let context = surface.context(&request);
    let provider = context.snapshot().directory.provider(&name).map(|provider| &provider.verifier);
    let Some(Verifier::Saml(saml)) = provider else {
        return page::failure(&request, &Refusal::unknown_provider(&name).into());
    };
    let signed = url::form_urlencoded::parse(request.query_string().as_bytes())
        .any(|(name, value)| name == "signed" && value != "false");
    if !signed {
        return document(&request, saml.provider.sp_metadata());
    }
    match saml.provider.signed_sp_metadata(context.at()) {
        Ok(Some(xml)) => document(&request, xml),
        Ok(None) => {
            page::incomplete(&request, "There is no key that could sign: the provider has no `keys`.")
        }
        Err(fault) => page::failure(&request, &RequestFault::from(fault).into()),
    }
}

/// Metadata, or word that what the client has is still good (RFC 9110, 13.1.2).
fn document(request: &HttpRequest, xml: String) -> HttpResponse {
    let hash = digest(&SHA256, xml.as_bytes());
    let tag = EntityTag::new_strong(base64_simd::URL_SAFE_NO_PAD.encode_to_string(hash));
    let known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|other| other.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header(ETag(tag)).insert_header((header::CACHE_CONTROL, "no-cache"));
    if known {
        return response.finish();
    }
    response.insert_header((header::CONTENT_TYPE, "application/samlmetadata+xml")).body(xml)
}
