//! How a message of ours leaves by the browser: in the query of a redirect (SAML Bindings 3.4),
//! or in a form (3.5).

use std::fmt;

use url::Url;

use super::keys::{SigningFailed, SpKey};
use super::sign::{self, Canonical};
use crate::identity::saml::names::{POST_BINDING, REDIRECT_BINDING};

/// A way for a message through the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// `HTTP-Redirect`
    Redirect,
    /// `HTTP-POST`
    Post,
}

impl Binding {
    /// Its URI.
    pub(crate) const fn uri(self) -> &'static str {
        match self {
            Self::Redirect => REDIRECT_BINDING,
            Self::Post => POST_BINDING,
        }
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redirect => "HTTP-Redirect",
            Self::Post => "HTTP-POST",
        })
    }
}

/// What a message is called where it travels as a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameter {
    /// `SAMLRequest`
    Request,
    /// `SAMLResponse`
    Response,
}

impl Parameter {
    /// The name of the query parameter or form field.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// Where a provider takes messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    location: String,
    url: Url,
}

impl Endpoint {
    /// The endpoint at this http or https URL. Anything else could be a script.
    pub(crate) fn at(location: &str) -> Option<Self> {
        let location = location.trim_ascii();
        let url = Url::parse(location).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        Some(Self { location: location.to_owned(), url })
    }

    /// Its URL as the provider writes it, which is what it compares `Destination` with.
    pub(crate) fn location(&self) -> &str {
        &self.location
    }

    /// Its scheme and authority.
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

/// A message on its way: what the browser must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outbound {
    /// Go to this URL.
    Redirect(String),
    /// Send this form.
    Post(Form),
}

/// A form that carries a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Where it goes.
    pub action: String,
    /// Scheme and authority of that.
    pub origin: String,
    /// Names and values.
    pub fields: Vec<(&'static str, String)>,
}

/// A message for an endpoint.
pub(crate) struct Message<'a> {
    /// Whether it asks or answers.
    pub(crate) parameter: Parameter,
    /// What it says.
    pub(crate) content: Canonical,
    /// What the receiver must hand back: at most 80 bytes (SAML Bindings 3.4.3, 3.5.3).
    pub(crate) relay_state: Option<&'a str>,
    /// Who signs it.
    pub(crate) key: Option<&'a SpKey>,
}

impl Message<'_> {
    /// Packs it for `endpoint`, as `binding` wants it.
    pub(crate) fn send(self, binding: Binding, endpoint: &Endpoint) -> Result<Outbound, SigningFailed> {
        match binding {
            Binding::Redirect => self.redirect(endpoint),
            Binding::Post => self.post(endpoint),
        }
    }

    /// The signature stands beside the message, so the message has none (SAML Bindings 3.4.4.1).
    fn redirect(self, endpoint: &Endpoint) -> Result<Outbound, SigningFailed> {
        let xml = self.content.unsigned();
        let deflated = miniz_oxide::deflate::compress_to_vec(xml.as_bytes(), 6);
        let packed = base64_simd::STANDARD.encode_to_string(deflated);
        let query = sign::query(self.parameter, &packed, self.relay_state, self.key)?;
        let mut url = endpoint.url.clone();
        let query = match url.query() {
            Some(before) if !before.is_empty() => format!("{before}&{query}"),
            _ => query,
        };
        url.set_query(Some(&query));
        Ok(Outbound::Redirect(url.into()))
    }

    fn post(self, endpoint: &Endpoint) -> Result<Outbound, SigningFailed> {
        let xml = match self.key {
            Some(key) => self.content.signed(key)?,
            None => self.content.unsigned(),
        };
        let mut fields = vec![(self.parameter.name(), base64_simd::STANDARD.encode_to_string(xml))];
        fields.extend(self.relay_state.map(|state| ("RelayState", state.to_owned())));
        let (action, origin) = (endpoint.location.clone(), endpoint.origin());
        Ok(Outbound::Post(Form { action, origin, fields }))
    }
}
