//! Callers that signed their request, and others who hold something of ours.

use serde::Serialize;

use super::session::{Ancestry, FederatedUser, RoleSession, Session, UserSession};
use crate::arn::AccountId;
use crate::clock::Moment;

/// A caller whose SigV4 signature was verified. Made by `identity::sigv4` alone.
#[derive(Debug, Clone)]
pub struct Principal {
    access_key_id: String,
    session: Session,
}

impl Principal {
    pub(in crate::identity) const fn new(access_key_id: String, session: Session) -> Self {
        Self { access_key_id, session }
    }

    /// The access key id that it was signed by.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The temporary credentials that everything got by it comes of.
    pub fn ancestry(&self) -> Ancestry {
        let earlier = match &self.session {
            Session::Role(session) => session.ancestry.clone(),
            Session::User(_) | Session::FederatedUser(_) => Ancestry::default(),
        };
        earlier.and(&self.access_key_id)
    }

    /// What the request was signed by.
    pub const fn session(&self) -> &Session {
        &self.session
    }
}

/// Whoever holds a session, however it is kept. It is written as [`Session`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Holder<'s> {
    /// Of a role.
    Role(&'s RoleSession),
    /// A user.
    User(&'s UserSession),
    /// Somebody whom a user made credentials for.
    FederatedUser(&'s FederatedUser),
}

impl<'s> From<&'s Session> for Holder<'s> {
    fn from(session: &'s Session) -> Self {
        match session {
            Session::Role(session) => Self::Role(session),
            Session::User(session) => Self::User(session),
            Session::FederatedUser(session) => Self::FederatedUser(session),
        }
    }
}

impl<'s> From<&'s RoleSession> for Holder<'s> {
    fn from(session: &'s RoleSession) -> Self {
        Self::Role(session)
    }
}

impl Holder<'_> {
    /// The account that it belongs to.
    pub const fn account(self) -> AccountId {
        match self {
            Self::Role(session) => session.role.account(),
            Self::User(session) => session.user.account(),
            Self::FederatedUser(session) => session.made_by.account(),
        }
    }

    /// Its ARN, as `GetCallerIdentity` says it (facts 1.5).
    pub fn arn(self) -> String {
        match self {
            Self::Role(session) => session.arn(),
            Self::User(session) => session.user.to_string(),
            Self::FederatedUser(session) => session.made_by.federated_arn(&session.name),
        }
    }

    /// Its unique id, as `GetCallerIdentity` says it (facts 1.5).
    pub fn user_id(self) -> String {
        match self {
            Self::Role(session) => session.user_id(),
            Self::User(session) => session.user_id.as_str().to_owned(),
            Self::FederatedUser(session) => format!("{}:{}", session.made_by.account(), session.name),
        }
    }

    /// When a second factor was proved, if that is known.
    pub const fn mfa(self) -> Option<Moment> {
        match self {
            Self::Role(session) => session.mfa,
            Self::User(session) => session.mfa,
            Self::FederatedUser(_) => None,
        }
    }

    /// When its credentials were made; nothing of a long-term key.
    pub fn issued(self) -> Option<Moment> {
        match self {
            Self::Role(session) => Some(session.issued),
            Self::User(session) => session.lifetime.map(|life| life.issued),
            Self::FederatedUser(session) => Some(session.lifetime.issued),
        }
    }

    /// When its credentials end; nothing of a long-term key.
    pub fn expires(self) -> Option<Moment> {
        match self {
            Self::Role(session) => Some(session.expires),
            Self::User(session) => session.lifetime.map(|life| life.expires),
            Self::FederatedUser(session) => Some(session.lifetime.expires),
        }
    }
}
