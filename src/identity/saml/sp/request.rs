//! Login requests (SAML Core 3.4.1, Profiles 4.1.4.1): what we ask a provider for, and how.

use super::binding::{Binding, Endpoint, Message, Outbound, Parameter};
use super::keys::{SigningFailed, SpKey, SpKeys};
use super::sign::{Canonical, attribute, text};
use crate::clock::Moment;
use crate::entropy::{self, Entropy, NoEntropy};
use crate::identity::VerifyError;
use crate::identity::saml::SamlSettings;
use crate::identity::saml::metadata::Metadata;
use crate::identity::saml::names::{ASSERTION, POST_BINDING, PROTOCOL};

/// The format whose names nobody creates for us (SAML Core 3.4.1.1, erratum E14).
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/// Our side towards a provider, which is not in its metadata either.
#[derive(Debug, Clone, Default)]
pub struct SpSettings {
    /// Our keys.
    pub keys: SpKeys,
    /// Whether our requests are signed. There must be a key then.
    pub sign_requests: bool,
    /// How requests leave; `None`: what the provider offers, by redirect if it can.
    pub request_binding: Option<Binding>,
    /// Whether the provider must ask the person again, whatever session they have.
    pub force_authn: bool,
    /// The `NameID` format to ask for. Many providers refuse one that they do not know.
    pub name_id_format: Option<String>,
    /// Where our single logout service is.
    pub slo_url: Option<String>,
}

/// A login that a browser is about to be sent on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRequest {
    /// What the response must answer: [`Answer::To`](crate::identity::saml::Answer::To).
    pub id: String,
    /// What the browser must do.
    pub outbound: Outbound,
}

/// No login request could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// No metadata says where to.
    #[error(transparent)]
    NoMetadata(Box<VerifyError>),
    /// There is no randomness for its id.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// It could not be signed.
    #[error(transparent)]
    Unsigned(#[from] SigningFailed),
    /// The provider does not take it by the binding that is configured.
    #[error("the identity provider's metadata offers no sign-in by {0}")]
    NotOffered(Binding),
}

/// What is asked, and where the answer goes.
pub(crate) struct Question<'a> {
    /// Who we are, and what we want.
    pub(crate) settings: &'a SamlSettings,
    /// The assertion consumer that is to get the answer.
    pub(crate) acs_url: &'a str,
    /// What must come back with the answer.
    pub(crate) relay_state: Option<&'a str>,
    /// Whether the provider must ask the person again.
    pub(crate) afresh: bool,
}

impl Question<'_> {
    /// Writes an `AuthnRequest` with a fresh id and packs it for the provider.
    pub(crate) fn ask(
        &self,
        metadata: &Metadata,
        entropy: &dyn Entropy,
        at: Moment,
    ) -> Result<LoginRequest, RequestFault> {
        let (binding, endpoint) = chosen(metadata, self.settings.sp.request_binding)?;
        let id = fresh_id(entropy)?;
        let message = Message {
            parameter: Parameter::Request,
            content: self.content(endpoint, &id, at),
            relay_state: self.relay_state,
            key: self.signer()?,
        };
        Ok(LoginRequest { outbound: message.send(binding, endpoint)?, id })
    }

    /// Who signs, if anybody is to. A request that was meant to be signed never leaves without.
    fn signer(&self) -> Result<Option<&SpKey>, SigningFailed> {
        let sp = &self.settings.sp;
        if !sp.sign_requests {
            return Ok(None);
        }
        sp.keys.signer().map(Some).ok_or(SigningFailed)
    }

    fn content(&self, endpoint: &Endpoint, id: &str, at: Moment) -> Canonical {
        let force = if self.afresh || self.settings.sp.force_authn { " ForceAuthn=\"true\"" } else { "" };
        let head = format!(
            "<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" AssertionConsumerServiceURL=\"{}\" Destination=\"{}\"\
             {force} ID=\"{id}\" IssueInstant=\"{at}\" ProtocolBinding=\"{POST_BINDING}\" Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"{ASSERTION}\">{}</saml:Issuer>",
            attribute(self.acs_url),
            attribute(endpoint.location()),
            text(&self.settings.entity_id),
        );
        let tail = format!("{}{}</samlp:AuthnRequest>", self.name_id_policy(), self.contexts());
        Canonical { id: id.to_owned(), head, tail }
    }

    fn name_id_policy(&self) -> String {
        let Some(format) = self.settings.sp.name_id_format.as_deref() else { return String::new() };
        let create = if format == TRANSIENT { "" } else { " AllowCreate=\"true\"" };
        format!("<samlp:NameIDPolicy{create} Format=\"{}\"></samlp:NameIDPolicy>", attribute(format))
    }

    fn contexts(&self) -> String {
        if self.settings.authn_contexts.is_empty() {
            return String::new();
        }
        let classes = self.settings.authn_contexts.iter().map(|class| {
            let class = text(class);
            format!(
                "<saml:AuthnContextClassRef xmlns:saml=\"{ASSERTION}\">{class}</saml:AuthnContextClassRef>"
            )
        });
        let classes: String = classes.collect();
        format!("<samlp:RequestedAuthnContext Comparison=\"exact\">{classes}</samlp:RequestedAuthnContext>")
    }
}

/// The endpoint to ask at: by the binding that was asked for, or the first that is offered.
pub(crate) fn chosen(
    metadata: &Metadata,
    wanted: Option<Binding>,
) -> Result<(Binding, &Endpoint), RequestFault> {
    let offered = |binding| match binding {
        Binding::Redirect => Some((binding, metadata.sso_redirect.as_ref()?)),
        Binding::Post => Some((binding, metadata.sso_post.as_ref()?)),
    };
    let found = match wanted {
        Some(binding) => offered(binding),
        None => offered(Binding::Redirect).or_else(|| offered(Binding::Post)),
    };
    found.ok_or(RequestFault::NotOffered(wanted.unwrap_or(Binding::Redirect)))
}

/// 128 unguessable bits in the form of an XML name (SAML Core 1.3.4).
pub(crate) fn fresh_id(entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let random = entropy::bytes::<16>(entropy)?;
    Ok(format!("_{:032x}", u128::from_be_bytes(random)))
}
