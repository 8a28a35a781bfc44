//! The form that every OAuth 2.0 endpoint takes.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;

use crate::http::error::OAuthError;
use crate::http::form::fields;

/// An exchange has a dozen parameters.
const MOST_PARAMETERS: usize = 64;

/// The parameters of a request, each once (RFC 6749 section 3.2).
pub(super) struct Form<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Form<'a> {
    /// Reads `body`. What stands in the URL stands in logs too, so nothing is taken from there.
    pub(super) fn read(request: &HttpRequest, body: &'a [u8]) -> Result<Self, OAuthError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let description = "Send the parameters as a body of application/x-www-form-urlencoded.";
            return Err(OAuthError::invalid_request(description));
        }
        if !request.query_string().is_empty() {
            return Err(OAuthError::invalid_request("Send the parameters in the body, none in the URL."));
        }
        let parameters: Vec<_> = fields(body).take(MOST_PARAMETERS + 1).collect();
        if parameters.len() > MOST_PARAMETERS {
            return Err(OAuthError::invalid_request("Send fewer parameters."));
        }
        for (index, (name, _)) in parameters.iter().enumerate() {
            if parameters[..index].iter().any(|(other, _)| other == name) {
                return Err(OAuthError::invalid_request("Send each parameter once."));
            }
        }
        Ok(Self(parameters))
    }

    /// The value of `name`. Without a value it counts as left out (RFC 6749 section 3.2).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_ref())
            .filter(|it| !it.is_empty())
    }

    /// The value of `name`, which must be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::invalid_request(format!("{name} is missing: send it.")))
    }
}
