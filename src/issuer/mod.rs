//! With what credentials?
//!
//! A [`CredentialIssuer`] turns an [`AuthorizedSession`] into [`TemporaryCredentials`]. Without
//! that proof of authorization there is nothing to call it with. It does not know who the person
//! was. [`local`] makes the broker's own credentials, [`upstream`] asks somebody else's STS for its, [`jwt`] makes
//! signed tokens. [`Admission`] lets a browser into a web application.

mod admission;
pub mod jwt;
pub mod local;
pub mod upstream;

use std::future::Future;
use std::pin::Pin;

pub use self::admission::Admission;
use self::upstream::UpstreamFault;
use crate::arn::AccessKeyId;
use crate::clock::Moment;
use crate::identity::{Presented, Session};
use crate::policy::{AuthorizedSession, AuthorizedUserSession};
use crate::secret::Secret;

/// Credentials for a while. Made by issuers only.
#[derive(Debug, Clone)]
pub struct TemporaryCredentials {
    access_key_id: String,
    secret_access_key: Secret<String>,
    session_token: Secret<String>,
    sealed_session: Option<Vec<u8>>,
    upstream: Option<FromUpstream>,
    expires: Moment,
}

/// What another STS says beside its credentials.
#[derive(Debug, Clone)]
struct FromUpstream {
    name: String,
    assumed: Option<(String, String)>,
}

impl TemporaryCredentials {
    /// `ASIA…`, or what another STS calls them.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// 40 characters of base64, or what another STS gives.
    pub const fn secret_access_key(&self) -> &Secret<String> {
        &self.secret_access_key
    }

    /// Base64, opaque to clients.
    pub const fn session_token(&self) -> &Secret<String> {
        &self.session_token
    }

    /// Key id and session as the session token holds them, sealed; nothing of what another STS gives. Without
    /// the ring it opens nothing, and the secret access key can't be told from it.
    pub fn sealed_session(&self) -> Option<&[u8]> {
        self.sealed_session.as_deref()
    }

    /// Id and ARN of the session, where another STS says how it knows it.
    pub fn assumed(&self) -> Option<(&str, &str)> {
        let (id, arn) = self.upstream.as_ref()?.assumed.as_ref()?;
        Some((id, arn))
    }

    /// The name of the STS that they come from, if not from this broker.
    pub fn upstream(&self) -> Option<&str> {
        self.upstream.as_ref().map(|upstream| upstream.name.as_str())
    }

    /// When they end.
    pub const fn expires(&self) -> Moment {
        self.expires
    }
}

/// Why there are no credentials.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IssueFault {
    /// None could be made here. Our side's fault, never the caller's.
    #[error("no credentials could be issued: {0}")]
    Own(String),
    /// Another STS gave none.
    #[error(transparent)]
    Upstream(Box<UpstreamFault>),
}

impl From<UpstreamFault> for IssueFault {
    fn from(fault: UpstreamFault) -> Self {
        Self::Upstream(Box::new(fault))
    }
}

/// What [`CredentialIssuer::issue`] gives.
pub type IssueFuture<'a> =
    Pin<Box<dyn Future<Output = Result<TemporaryCredentials, IssueFault>> + Send + 'a>>;

/// What credentials are wanted for.
#[derive(Clone, Copy)]
pub struct Issuance<'a> {
    /// What was allowed.
    pub session: &'a AuthorizedSession,
    /// What it was verified by, where the caller showed somebody's word just now.
    pub presented: Option<Presented<'a>>,
    /// When.
    pub at: Moment,
    /// Whether credentials of this session that were begun at a time are over since, so that they are of no use
    /// any more.
    pub is_ended: &'a (dyn Fn(Moment) -> bool + Sync),
}

/// What a session token stands for.
#[derive(Debug, Clone)]
pub struct IssuedSession {
    /// The access key id that it belongs to.
    pub access_key_id: AccessKeyId,
    /// The session.
    pub session: Session,
}

/// A maker of temporary credentials of roles.
pub trait CredentialIssuer: Send + Sync {
    /// Makes them.
    fn issue<'a>(&'a self, issuance: &'a Issuance<'a>) -> IssueFuture<'a>;
}

/// The maker of credentials that this broker knows again.
pub trait OwnIssuer: CredentialIssuer {
    /// Makes temporary credentials of a user, or of somebody whom a user makes them for.
    fn issue_to_user(&self, session: &AuthorizedUserSession) -> Result<TemporaryCredentials, IssueFault>;

    /// What a session token stands for, whoever shows it: to tell about it, never to act for it.
    /// `None` if it is not one of this issuer's. Whether it is over or revoked is not looked at.
    fn session_of(&self, session_token: &str) -> Option<IssuedSession>;
}
