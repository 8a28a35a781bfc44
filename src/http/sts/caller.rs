//! Who signed a request, and what it may learn: `GetCallerIdentity`, `GetAccessKeyInfo`,
//! `DecodeAuthorizationMessage`.

use actix_web::HttpRequest;
use actix_web::http::{Method, header};

use super::invalid;
use super::parameters::{self, Parameters};
use super::xml::{self, Element};
use crate::broker::{Failure, RequestContext};
use crate::http::error::{Calling, StsError};
use crate::identity::sigv4::{Payload, SignedRequest};
use crate::identity::{Holder, Principal};

/// Who signed `request`.
pub(super) fn of(
    context: &RequestContext<'_>,
    request: &HttpRequest,
    body: &[u8],
) -> Result<Principal, StsError> {
    let mut headers: Vec<(&str, &[u8])> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    // HTTP/2 has no Host header; the authority is signed as one.
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    if let Some(authority) = authority.as_deref().filter(|_| !request.headers().contains_key(header::HOST)) {
        headers.push(("host", authority.as_bytes()));
    }
    let method = if request.method() == Method::GET { "GET" } else { "POST" };
    let (path, query) = (request.uri().path(), request.query_string());
    let payload = Payload::Body(body);
    let signed = SignedRequest { method, path, query, headers: &headers, payload };
    context.caller(&signed, "sts").map_err(failed)
}

/// `GetCallerIdentity`, which no policy can deny.
pub(super) fn identity(caller: &Principal) -> String {
    let holder = Holder::from(caller.session());
    let result = [
        Element::text("Arn", holder.arn()),
        Element::text("UserId", holder.user_id()),
        Element::text("Account", holder.account().to_string()),
    ];
    xml::result("GetCallerIdentity", &result)
}

/// `GetAccessKeyInfo`: the account of any key id that could be one.
pub(super) fn access_key_info(
    context: &RequestContext<'_>,
    caller: &Principal,
    parameters: &Parameters<'_>,
) -> Result<String, StsError> {
    let id = parameters::access_key_id(parameters)?;
    let account = context.account_of_key(caller, id).map_err(failed)?;
    let account = account.ok_or_else(|| invalid(id))?;
    Ok(xml::result("GetAccessKeyInfo", &[Element::text("Account", account.to_string())]))
}

/// `DecodeAuthorizationMessage`: why a service refused something.
pub(super) fn decoded_message(
    context: &RequestContext<'_>,
    caller: &Principal,
    parameters: &Parameters<'_>,
) -> Result<String, StsError> {
    let encoded = parameters::encoded_message(parameters)?;
    let message = context.decoded_message(caller, encoded).map_err(failed)?;
    Ok(xml::result("DecodeAuthorizationMessage", &[Element::text("DecodedMessage", message)]))
}

fn failed(failure: Failure) -> StsError {
    StsError::of(failure, Calling::Signed)
}
