//! `POST /oauth2/device_authorization`: where the sign-in of a device begins (RFC 8628 section 3.1).

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::form::Form;
use super::{authentication, posted, token};
use crate::broker::{DeviceAsk, RequestContext};
use crate::http::error::OAuthError;
use crate::http::{Surface, body, device};

/// Where it is.
pub(super) const PATH: &str = "/oauth2/device_authorization";
/// The grant of RFC 8628 section 3.4.
pub(super) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) async fn answer(
    request: HttpRequest,
    surface: web::Data<Surface>,
    payload: web::Payload,
) -> HttpResponse {
    posted(&request, &surface, payload, body::SMALL, begun).await
}

/// RFC 8628 section 3.2, with what an exchange may ask for as well.
async fn begun(
    context: &RequestContext<'_>,
    request: &HttpRequest,
    body: &[u8],
) -> Result<Value, OAuthError> {
    let form = Form::read(request, body)?;
    let client = authentication::client(request, &form, &context.snapshot().directory)?;
    token::refuse_scope(&form)?;
    let role = token::role(&form)?;
    let (_, wanted) = token::wanted(&form)?;
    let ask = DeviceAsk { client, wanted, role: role.as_ref(), duration: token::duration(&form)? };
    let begun = context.authorize_device(&ask).await.map_err(OAuthError::of)?;
    let page = format!("{}{}", context.snapshot().public_url, device::PATH);
    Ok(json!({
        "device_code": begun.device_code.expose(),
        "user_code": begun.user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={}", begun.user_code),
        "expires_in": begun.lasts.as_secs(),
        "interval": begun.interval.as_secs(),
    }))
}
