//! Who says so, and is it genuine, for us, and now?
//!
//! One folder a protocol turns what was [`Presented`] into a [`FederatedIdentity`], or a signed
//! request into a [`Principal`]. Both can be made in this room only: holding one is proof that
//! the check was done. Nothing here knows roles or rules; `policy` reads these values next.

mod authentication;
pub mod dpop;
mod login;
pub mod oidc;
mod principal;
mod remembered;
pub mod saml;
mod session;
mod session_policies;
pub mod sigv4;
mod totp;
mod trace;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

pub use self::authentication::Authentication;
use self::authentication::AuthnStatements;
pub use self::login::{Login, LoginMark, LoginMarks, NameId, OidcSession, ProviderSession, SamlSession};
pub use self::principal::{Holder, Principal};
pub use self::session::{
    Ancestry, FederatedUser, GrantId, Lifetime, RoleSession, Session, SessionTag, UserSession,
};
pub use self::session_policies::SessionPolicies;
pub use self::totp::TotpSecret;
pub use self::trace::{Explanation, Outcome, Step};
use crate::arn::ProviderArn;
use crate::clock::Moment;

/// What a caller sent, before anybody believed it.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    /// Base64 of a whole `samlp:Response`.
    SamlResponse(&'a str),
    /// A compact JWS that claims to be an ID token.
    IdToken(&'a str),
    /// An access token of Login with Amazon, which only Amazon can read.
    AmazonToken(&'a str),
}

impl Presented<'_> {
    /// The issuer that it says it is of, before anything is verified: good for picking the provider that will verify it, and
    /// for nothing else.
    pub fn unverified_issuer(self) -> Result<String, VerifyError> {
        match self {
            Self::SamlResponse(response) => saml::unverified_issuer(response),
            Self::IdToken(token) => oidc::unverified_issuer(token),
            Self::AmazonToken(_) => Ok(oidc::AMAZON_ISSUER.to_owned()),
        }
    }
}

/// The protocol that an identity arrived by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// A SAML 2.0 assertion.
    Saml,
    /// An OpenID Connect ID token.
    Oidc,
}

/// A person or workload whose identity provider's word was verified: signature, issuer,
/// audience, recipient and time. Made by `identity::saml` and `identity::oidc` alone, and read back
/// only from what this room sealed of one ([`FederatedIdentity::remember`]).
#[derive(Debug, Clone)]
pub struct FederatedIdentity {
    verified: Verified,
}

/// What a verifier read from authenticated bytes. Only `identity` can turn it into a
/// [`FederatedIdentity`].
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Verified {
    protocol: Protocol,
    provider: ProviderArn,
    provider_name: String,
    issuer: String,
    subject: String,
    subject_type: Option<String>,
    audience: String,
    /// Whether it came by an access token, which not every provider's settings allow.
    by_access_token: bool,
    attributes: BTreeMap<String, Vec<String>>,
    aliases: BTreeMap<String, Option<String>>,
    #[serde(with = "remembered::claims")]
    claims: Option<serde_json::Map<String, serde_json::Value>>,
    /// SAML only: tokens say it in claims.
    authn: AuthnStatements,
    session_ends: Option<Moment>,
    /// Of the document, which is not remembered.
    #[serde(skip)]
    one_time: Option<OneTime>,
    login: Option<Login>,
    asserted: Asserted,
}

/// What the provider itself asserted about the session, by the attributes that AWS defines
/// (facts 2.1, 3.5). Raw text: `policy` decides whether it may be used, and checks its form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asserted {
    /// Role and provider ARN pairs of the SAML `Role` attribute, in either order; for OIDC the
    /// role ARNs of the `roles` claim with the provider left empty. `None`: not asserted.
    pub roles: Option<Vec<(String, String)>>,
    /// `RoleSessionName`.
    pub session_name: Option<String>,
    /// `SessionDuration`, 15 minutes to 12 hours.
    pub session_duration: Option<Duration>,
    /// `PrincipalTag:*`, in the order sent.
    pub tags: Vec<(String, String)>,
    /// `TransitiveTagKeys`.
    pub transitive_tag_keys: Vec<String>,
    /// `SourceIdentity`.
    pub source_identity: Option<String>,
}

/// A document that may be used once, until `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneTime {
    /// SHA-256 over issuer and the document's own id. Not over our provider: two entries for one
    /// identity provider must not give a document two lives.
    pub id: [u8; 32],
    /// Expiry of the document plus the provider's clock skew: later it is refused anyhow.
    pub until: Moment,
    /// Whether its author said so: then no setting lets it be used twice.
    pub only_once: bool,
}

impl OneTime {
    fn new(issuer: &str, document_id: &str, until: Moment) -> Self {
        Self { id: hash_of(&[issuer, document_id]), until, only_once: false }
    }

    const fn only_once(self, only_once: bool) -> Self {
        Self { only_once, ..self }
    }
}

/// SHA-256 over `parts`, each with its length, so that no two lists of parts look alike.
pub(crate) fn hash_of(parts: &[&str]) -> [u8; 32] {
    let mut text = Vec::with_capacity(parts.iter().map(|part| 8 + part.len()).sum());
    for part in parts {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, &text).as_ref());
    hash
}

/// Longest subject, in bytes: it stands in every session token. SAML bounds a persistent NameID at
/// 256 characters (Core 8.3.7), OpenID Connect a `sub` at 255 (Core 2).
const LONGEST_SUBJECT: usize = 1024;

impl FederatedIdentity {
    const fn new(verified: Verified) -> Self {
        Self { verified }
    }

    /// The protocol it arrived by.
    pub const fn protocol(&self) -> Protocol {
        self.verified.protocol
    }

    /// The provider that vouched, as an ARN.
    pub const fn provider(&self) -> &ProviderArn {
        &self.verified.provider
    }

    /// The provider's name in the configuration.
    pub fn provider_name(&self) -> &str {
        &self.verified.provider_name
    }

    /// SAML: the assertion's `Issuer`. OIDC: `iss`.
    pub fn issuer(&self) -> &str {
        &self.verified.issuer
    }

    /// SAML: the `NameID`. OIDC: `sub`.
    pub fn subject(&self) -> &str {
        &self.verified.subject
    }

    /// SAML only: the `NameID` format as AWS reports it (facts 1.5, `SubjectType`).
    pub fn subject_type(&self) -> Option<&str> {
        self.verified.subject_type.as_deref()
    }

    /// SAML: the `Recipient`. OIDC: `azp` if present, else the one `aud` (facts 1.5).
    pub fn audience(&self) -> &str {
        &self.verified.audience
    }

    /// Attributes by name, each a list. An OIDC claim that is a string, or a list of strings,
    /// stands here too, so that rules need not care which it was.
    pub const fn attributes(&self) -> &BTreeMap<String, Vec<String>> {
        &self.verified.attributes
    }

    /// SAML only: short names of attributes, for rules, each with the name that it means; `None`
    /// where it could mean several. None of them is the name of an attribute itself.
    pub const fn aliases(&self) -> &BTreeMap<String, Option<String>> {
        &self.verified.aliases
    }

    /// OIDC only: every claim as it was sent.
    pub const fn claims(&self) -> Option<&serde_json::Map<String, serde_json::Value>> {
        self.verified.claims.as_ref()
    }

    /// SAML `SessionNotOnOrAfter`: no session may outlive it.
    pub const fn session_ends(&self) -> Option<Moment> {
        self.verified.session_ends
    }

    /// How the document may be claimed, if it is for one use.
    pub const fn one_time(&self) -> Option<OneTime> {
        self.verified.one_time
    }

    /// The login at the provider, for when it ends.
    pub const fn login(&self) -> Option<&Login> {
        self.verified.login.as_ref()
    }

    /// What the provider asserted about the session itself.
    pub const fn asserted(&self) -> &Asserted {
        &self.verified.asserted
    }
}

/// Why an identity was not believed. `code` is stable; [`VerifyError::check`] names the exact
/// check, for the log, with what was expected and what was seen. The public
/// answer (`http::error`) says no more than AWS's own does, so that it is no oracle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{check}: expected {expected}, saw {seen}")]
pub struct VerifyError {
    code: VerifyCode,
    check: &'static str,
    expected: String,
    seen: String,
}

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VerifyCode {
    /// Not a readable document of the protocol, or of a shape that is not accepted.
    Malformed,
    /// No signature where one is mandatory.
    Unsigned,
    /// The signature or digest is wrong, or made by an unknown key or a refused algorithm.
    Signature,
    /// From an issuer other than the provider's.
    Issuer,
    /// Meant for somebody else: audience, recipient, destination or client.
    Audience,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// An answer to a question that was not asked here: `InResponseTo`, `nonce` or `state`.
    Unsolicited,
    /// The provider itself reports a failure.
    ProviderRefused,
    /// A claim that the protocol requires is missing or malformed.
    Claim,
    /// The provider's verification keys can't be had at the moment.
    KeysUnavailable,
}

impl VerifyError {
    /// A refusal by `check`, a stable name such as `saml.audience`.
    pub fn new(
        code: VerifyCode,
        check: &'static str,
        expected: impl Into<String>,
        seen: impl Into<String>,
    ) -> Self {
        Self { code, check, expected: expected.into(), seen: shortened(seen.into()) }
    }

    /// What kind of refusal it is.
    pub const fn code(&self) -> VerifyCode {
        self.code
    }

    /// The exact check that failed.
    pub const fn check(&self) -> &'static str {
        self.check
    }

    /// What the check wanted.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What it saw, cut to 200 characters.
    pub fn seen(&self) -> &str {
        &self.seen
    }
}

/// Untrusted text, cut to what a log line bears.
fn shortened(mut text: String) -> String {
    if let Some((cut, _)) = text.char_indices().nth(200) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

/// Identities for the tests of other rooms; no build that ships has this module.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// An identity in the making, believed without a check.
    pub(crate) struct IdentityBuilder(Verified);

    impl IdentityBuilder {
        /// `https://idp.example.com/saml` vouches for `subject` as provider `name`.
        pub(crate) fn saml(provider: &str, name: &str, subject: &str) -> Self {
            Self(Verified {
                protocol: Protocol::Saml,
                provider: provider.parse().unwrap(),
                provider_name: name.to_owned(),
                issuer: "https://idp.example.com/saml".to_owned(),
                subject: subject.to_owned(),
                subject_type: Some("persistent".to_owned()),
                audience: "https://broker.example.com/saml".to_owned(),
                by_access_token: false,
                attributes: BTreeMap::new(),
                aliases: BTreeMap::new(),
                claims: None,
                authn: AuthnStatements::default(),
                session_ends: None,
                one_time: None,
                login: None,
                asserted: Asserted::default(),
            })
        }

        /// `issuer` vouches for `claims` as provider `name`.
        pub(crate) fn oidc(provider: &str, name: &str, issuer: &str, claims: serde_json::Value) -> Self {
            let text = |claim: &str| claims[claim].as_str().unwrap_or_default().to_owned();
            let mut builder = Self::saml(provider, name, &text("sub"));
            builder.0.protocol = Protocol::Oidc;
            builder.0.issuer = issuer.to_owned();
            builder.0.subject_type = None;
            builder.0.audience = if claims["azp"].is_string() { text("azp") } else { text("aud") };
            builder.0.claims = claims.as_object().cloned();
            builder
        }

        /// With an attribute.
        pub(crate) fn attribute(mut self, name: &str, values: &[&str]) -> Self {
            self.0.attributes.insert(name.to_owned(), values.iter().map(|v| (*v).to_owned()).collect());
            self
        }

        /// With a short name for an attribute, or for nobody knows which.
        pub(crate) fn alias(mut self, alias: &str, name: Option<&str>) -> Self {
            self.0.aliases.insert(alias.to_owned(), name.map(str::to_owned));
            self
        }

        /// With another issuer.
        pub(crate) fn issuer(mut self, issuer: &str) -> Self {
            self.0.issuer = issuer.to_owned();
            self
        }

        /// With what the provider asserted.
        pub(crate) fn asserted(mut self, asserted: Asserted) -> Self {
            self.0.asserted = asserted;
            self
        }

        /// With an authentication statement.
        pub(crate) fn authenticated(mut self, at: Moment, context: &str) -> Self {
            self.0.authn = AuthnStatements { at: Some(at), context: Some(context.to_owned()) };
            self
        }

        /// With a `SessionNotOnOrAfter`.
        pub(crate) fn session_ends(mut self, at: Moment) -> Self {
            self.0.session_ends = Some(at);
            self
        }

        /// The identity.
        pub(crate) fn build(self) -> FederatedIdentity {
            FederatedIdentity::new(self.0)
        }
    }
}
