//! Our side of the conversation: login requests by the Redirect binding (SAML Bindings 3.4),
//! and the metadata that introduces us to an identity provider.

use url::Url;

use super::chars::escape_attribute;
use super::names::{ASSERTION, METADATA, POST_BINDING, PROTOCOL};
use crate::clock::Moment;
use crate::entropy::{self, Entropy, NoEntropy};
use crate::identity::VerifyError;

/// A login that a browser is about to be sent on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRequest {
    /// What the response must answer: [`super::Answer::To`].
    pub id: String,
    /// Where the browser goes.
    pub url: String,
}

/// Why nobody can be sent to log in.
#[derive(Debug, thiserror::Error)]
pub enum LoginRequestError {
    /// No metadata says where to.
    #[error(transparent)]
    NoMetadata(#[from] VerifyError),
    /// The provider takes login requests, but not in this way.
    #[error("the identity provider takes no login requests by HTTP-Redirect")]
    NoBinding,
    /// There is no randomness for its id.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// Writes an unsigned `AuthnRequest` and packs it into `login_url`.
pub(super) fn login(
    login_url: &Url,
    entity_id: &str,
    acs_url: &str,
    relay_state: Option<&str>,
    (entropy, at): (&dyn Entropy, Moment),
) -> Result<LoginRequest, LoginRequestError> {
    let id = fresh_id(entropy)?;
    let xml = format!(
        "<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{at}\" \
         Destination=\"{}\" AssertionConsumerServiceURL=\"{}\" ProtocolBinding=\"{POST_BINDING}\">\
         <saml:Issuer xmlns:saml=\"{ASSERTION}\">{}</saml:Issuer></samlp:AuthnRequest>",
        escaped(login_url.as_str()),
        escaped(acs_url),
        escaped(entity_id),
    );
    let deflated = miniz_oxide::deflate::compress_to_vec(xml.as_bytes(), 6);
    let mut url = login_url.clone();
    url.query_pairs_mut().append_pair("SAMLRequest", &base64_simd::STANDARD.encode_to_string(deflated));
    if let Some(state) = relay_state {
        url.query_pairs_mut().append_pair("RelayState", state);
    }
    Ok(LoginRequest { id, url: url.into() })
}

/// Our `EntityDescriptor`: one POST consumer, and the wish that assertions be signed.
pub(super) fn sp_metadata(entity_id: &str, acs_url: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{}\">\n  \
         <md:SPSSODescriptor AuthnRequestsSigned=\"false\" WantAssertionsSigned=\"true\" \
         protocolSupportEnumeration=\"{PROTOCOL}\">\n    \
         <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>\n    \
         <md:AssertionConsumerService Binding=\"{POST_BINDING}\" Location=\"{}\" index=\"0\" isDefault=\"true\"/>\n  \
         </md:SPSSODescriptor>\n\
         </md:EntityDescriptor>\n",
        escaped(entity_id),
        escaped(acs_url),
    )
}

/// 128 unguessable bits in the form of an XML name (SAML Core 1.3.4).
fn fresh_id(entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let random = entropy::bytes::<16>(entropy)?;
    Ok(format!("_{:032x}", u128::from_be_bytes(random)))
}

/// Good for text too, where more is escaped than must be.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    escape_attribute(&mut out, value);
    out
}
