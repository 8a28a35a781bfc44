//! A provider's metadata (SAML Metadata 2.0): who it is, where it takes login requests, and
//! which keys are its own. Whoever configures a provider vouches for this document; it passes
//! the same scan and parser as a response all the same.

use super::binding::Endpoint;
use super::chars;
use super::keys::Keys;
use super::names::{DSIG, METADATA, POST_BINDING, PROTOCOL, REDIRECT_BINDING};
use super::parse::parse;
use super::scan;
use super::tree::Element;
use crate::clock::Moment;
use crate::identity::VerifyError;

/// Keys of one provider (facts 2.4). Each may cost a signature check.
const MAX_KEYS: usize = 10;

/// Metadata that no provider can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It isn't XML of the kind that is accepted.
    #[error("the metadata can't be read")]
    Unreadable(#[source] VerifyError),
    /// Its root is something else.
    #[error("the metadata's root is <{0}>: give the <EntityDescriptor> of one identity provider")]
    NotAnEntity(String),
    /// It has no entity id.
    #[error("the metadata has no entityID: without it no response can be matched to the provider")]
    NoEntityId,
    /// It describes no SAML 2.0 identity provider.
    #[error("the metadata has no IDPSSODescriptor for SAML 2.0: is it the metadata of a service provider?")]
    NoIdentityProvider,
    /// It takes no login requests.
    #[error(
        "the metadata has no SingleSignOnService for HTTP-Redirect or HTTP-POST with an http or https URL"
    )]
    NoLoginUrl,
    /// It has no signing key.
    #[error("the metadata has no signing certificate: without one every response would be refused")]
    NoKeys,
    /// It has more keys than a provider may have.
    #[error("the metadata has more than 10 signing keys: remove those that are out of use")]
    TooManyKeys,
    /// A signing certificate can't be used.
    #[error(
        "signing certificate {number} of the metadata is {reason}: use RSA of 2048 to 8192 bits, or ECDSA on P-256 or P-384"
    )]
    UnusableKey {
        /// Which one, counted from 1.
        number: usize,
        /// What it is instead.
        reason: String,
    },
    /// A time can't be read.
    #[error("validUntil {0:?} of the metadata is not a time with its zone")]
    BadTime(String),
    /// It was valid once.
    #[error("the metadata was valid until {0}: fetch it again from the identity provider")]
    Expired(Moment),
}

/// What is used of a provider's metadata.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) entity_id: String,
    pub(super) sso_redirect: Option<Endpoint>,
    pub(super) sso_post: Option<Endpoint>,
    pub(super) want_authn_requests_signed: bool,
    pub(super) keys: Keys,
    pub(super) valid_until: Option<Moment>,
}

impl Metadata {
    /// Reads the metadata of one identity provider, as of `at`.
    pub(super) fn read(xml: &[u8], at: Moment) -> Result<Self, MetadataError> {
        let text = scan::scan(xml, &scan::METADATA).map_err(MetadataError::Unreadable)?;
        let tree = parse(text, &scan::METADATA).map_err(MetadataError::Unreadable)?;
        let root = tree.root().map_err(MetadataError::Unreadable)?;
        if !root.is(METADATA, "EntityDescriptor") {
            return Err(MetadataError::NotAnEntity(root.name().local.to_owned()));
        }
        let entity_id = root.attribute("entityID").filter(|id| !id.is_empty());
        let entity_id = entity_id.ok_or(MetadataError::NoEntityId)?;
        let speaks_saml2 = |role: &Element<'_, '_>| {
            let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
            protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
        };
        let provider = root.children_named(METADATA, "IDPSSODescriptor").find(speaks_saml2);
        let provider = provider.ok_or(MetadataError::NoIdentityProvider)?;
        let valid_until = match (valid_until(root)?, valid_until(provider)?) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        if let Some(until) = valid_until.filter(|until| *until <= at) {
            return Err(MetadataError::Expired(until));
        }
        let keys = signing_keys(provider)?;
        let sso_redirect = login_endpoint(provider, REDIRECT_BINDING);
        let sso_post = login_endpoint(provider, POST_BINDING);
        if sso_redirect.is_none() && sso_post.is_none() {
            return Err(MetadataError::NoLoginUrl);
        }
        Ok(Self {
            entity_id: entity_id.to_owned(),
            sso_redirect,
            sso_post,
            want_authn_requests_signed: matches!(
                provider.attribute("WantAuthnRequestsSigned"),
                Some("true" | "1")
            ),
            keys,
            valid_until,
        })
    }
}

fn valid_until(element: Element<'_, '_>) -> Result<Option<Moment>, MetadataError> {
    let Some(text) = element.attribute("validUntil") else { return Ok(None) };
    let until = Moment::parse_rfc3339(text).ok_or_else(|| MetadataError::BadTime(text.to_owned()))?;
    Ok(Some(until))
}

fn login_endpoint(provider: Element<'_, '_>, binding: &str) -> Option<Endpoint> {
    provider
        .children_named(METADATA, "SingleSignOnService")
        .filter(|service| service.attribute("Binding") == Some(binding))
        .find_map(|service| Endpoint::at(service.attribute("Location")?))
}

/// Every certificate of every descriptor whose use is signing or unspecified.
fn signing_keys(provider: Element<'_, '_>) -> Result<Keys, MetadataError> {
    let mut keys = Keys::default();
    let certificates = provider
        .children_named(METADATA, "KeyDescriptor")
        .filter(|descriptor| matches!(descriptor.attribute("use"), None | Some("signing")))
        .flat_map(|descriptor| descriptor.children_named(DSIG, "KeyInfo"))
        .flat_map(|info| info.children_named(DSIG, "X509Data"))
        .flat_map(|data| data.children_named(DSIG, "X509Certificate"));
    for (index, certificate) in certificates.enumerate() {
        let unusable = |reason: String| MetadataError::UnusableKey { number: index + 1, reason };
        let der = certificate.text().and_then(chars::base64);
        let der = der.ok_or_else(|| unusable("not base64".to_owned()))?;
        keys.add(&der).map_err(|fault| unusable(fault.0))?;
        if keys.len() > MAX_KEYS {
            return Err(MetadataError::TooManyKeys);
        }
    }
    if keys.len() == 0 { Err(MetadataError::NoKeys) } else { Ok(keys) }
}
