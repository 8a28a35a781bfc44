//! With what credentials?
//!
//! A [`CredentialIssuer`] turns an [`AuthorizedSession`] into [`TemporaryCredentials`]. Without
//! that proof of authorization there is nothing to call it with. It does not know who the person
//! was. [`local`] makes the broker's own credentials, [`jwt`] signed tokens.

pub mod jwt;
pub mod local;

use std::future::Future;
use std::pin::Pin;

use crate::arn::AccessKeyId;
use crate::clock::Moment;
use crate::identity::Session;
use crate::policy::{AuthorizedSession, AuthorizedUserSession};
use crate::secret::Secret;

/// Credentials for a while. Made by issuers only.
#[derive(Debug)]
pub struct TemporaryCredentials {
    access_key_id: AccessKeyId,
    secret_access_key: Secret<String>,
    session_token: Secret<String>,
    sealed_session: Vec<u8>,
    expires: Moment,
}

impl TemporaryCredentials {
    /// `ASIA…`
    pub const fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key_id
    }

    /// 40 characters of base64.
    pub const fn secret_access_key(&self) -> &Secret<String> {
        &self.secret_access_key
    }

    /// Base64, opaque to clients.
    pub const fn session_token(&self) -> &Secret<String> {
        &self.session_token
    }

    /// Key id and session as the session token holds them, sealed. Without the ring it opens nothing, and
    /// the secret access key can't be told from it.
    pub fn sealed_session(&self) -> &[u8] {
        &self.sealed_session
    }

    /// When they end: whole seconds.
    pub const fn expires(&self) -> Moment {
        self.expires
    }
}

/// No credentials could be made. Our side's fault, never the caller's.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no credentials could be issued: {0}")]
pub struct IssueFault(String);

/// What [`CredentialIssuer::issue`] gives.
pub type IssueFuture<'a> =
    Pin<Box<dyn Future<Output = Result<TemporaryCredentials, IssueFault>> + Send + 'a>>;

/// What a session token stands for.
#[derive(Debug, Clone)]
pub struct IssuedSession {
    /// The access key id that it belongs to.
    pub access_key_id: AccessKeyId,
    /// The session.
    pub session: Session,
}

/// A maker of temporary credentials.
pub trait CredentialIssuer: Send + Sync {
    /// Makes the credentials of `session`.
    fn issue<'a>(&'a self, session: &'a AuthorizedSession, at: Moment) -> IssueFuture<'a>;

    /// Makes temporary credentials of a user, or of somebody whom a user makes them for.
    fn issue_to_user<'a>(&'a self, session: &'a AuthorizedUserSession) -> IssueFuture<'a>;

    /// What a session token stands for, whoever shows it: to tell about it, never to act for it.
    /// `None` if it is not one of this issuer's. Whether it is over or revoked is not looked at.
    fn session_of(&self, session_token: &str) -> Option<IssuedSession>;
}
