//! Which client asks (RFC 6749 section 2.3): `client_secret_basic`, `client_secret_post`, or none for
//! a public client. One way only.

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, ORIGIN};
use base64_simd::STANDARD;
use url::form_urlencoded;

use super::form::Form;
use crate::directory::{Client, Directory};
use crate::http::error::OAuthError;
use crate::secret::Secret;

/// Longest header that is looked at.
const LONGEST_AUTHORIZATION: usize = 4096;

/// The client that `request` proves to come from. If a page sent it, it must be one of the client's.
pub(super) fn client<'d>(
    request: &HttpRequest,
    form: &Form<'_>,
    directory: &'d Directory,
) -> Result<&'d Client, OAuthError> {
    let in_body = form.get("client_secret").map(|secret| Secret::new(secret.to_owned()));
    let (id, secret) = match (basic(request)?, in_body) {
        (Some(_), Some(_)) => {
            let description = "Send the client's secret by HTTP Basic or as client_secret, not by both.";
            return Err(OAuthError::invalid_request(description));
        }
        (Some((id, _)), None) if form.get("client_id").is_some_and(|other| other != id) => {
            return Err(OAuthError::invalid_request("client_id is not the one of the Authorization header."));
        }
        (Some((id, secret)), None) => (id, Some(secret)),
        (None, secret) => {
            let missing = "Say which client asks: by HTTP Basic, or by client_id.";
            (form.get("client_id").ok_or_else(|| OAuthError::invalid_client(missing))?.to_owned(), secret)
        }
    };
    let client = proved(directory.client(&id), secret).ok_or_else(unknown)?;
    at_home(request, client)
}

/// The service that `request` proves to come from, by HTTP Basic: it has a secret.
pub(in crate::http) fn service<'d>(
    request: &HttpRequest,
    directory: &'d Directory,
) -> Result<&'d Client, OAuthError> {
    let missing = "Say which client asks, by HTTP Basic.";
    let (id, secret) = basic(request)?.ok_or_else(|| OAuthError::invalid_client(missing))?;
    at_home(request, proved(directory.client(&id), Some(secret)).ok_or_else(unknown)?)
}

/// If a page sent it, it must be one of the client's.
fn at_home<'d>(request: &HttpRequest, client: &'d Client) -> Result<&'d Client, OAuthError> {
    match request.headers().get(ORIGIN) {
        Some(origin) if !origin.to_str().is_ok_and(|origin| client.is_at(origin)) => {
            let description =
                "Pages of this origin may not ask in this client's name: add it to its origins.";
            Err(OAuthError::unauthorized_client(description))
        }
        _ => Ok(client),
    }
}

fn unknown() -> OAuthError {
    OAuthError::invalid_client("There is no such client, or its secret is another one.")
}

/// A client with a secret must send it; one without must send none.
fn proved(client: Option<&Client>, sent: Option<Secret<String>>) -> Option<&Client> {
    let client = client?;
    match (&client.secret, sent) {
        (Some(secret), Some(sent)) => secret.same_as(sent.expose().as_bytes()).then_some(client),
        (None, None) => Some(client),
        (Some(_), None) | (None, Some(_)) => None,
    }
}

/// User and password of `Authorization: Basic` (RFC 7617), each encoded as in a form (RFC 6749
/// section 2.3.1). A client's id and a client's secret are the same encoded and not.
fn basic(request: &HttpRequest) -> Result<Option<(String, Secret<String>)>, OAuthError> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let Some(header) = headers.next() else { return Ok(None) };
    let refused = || {
        OAuthError::invalid_client(
            "The Authorization header is not one HTTP Basic header of client id and secret.",
        )
    };
    if headers.next().is_some() || header.len() > LONGEST_AUTHORIZATION {
        return Err(refused());
    }
    let (scheme, encoded) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(refused());
    }
    let decoded = STANDARD.decode_to_vec(encoded.trim()).map_err(|_| refused())?;
    let decoded = String::from_utf8(decoded).map(Secret::new).map_err(|_| refused())?;
    let (id, secret) = decoded.expose().split_once(':').ok_or_else(refused)?;
    Ok(Some((plain(id), Secret::new(plain(secret)))))
}

/// `text` without the encoding of a form. Neither `&` nor `=` separates anything here.
fn plain(text: &str) -> String {
    let text = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}
