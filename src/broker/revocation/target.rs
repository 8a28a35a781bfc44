//! What somebody in charge may end, and the marks by which a session is known to be of it.
//!
//! A session token carries all of it already, so nothing is added to a token that a revocation may
//! come to; a mark is a hash, made when it is asked for.

use std::fmt;

use crate::arn::{AccessKeyId, ProviderArn, RoleArn, UserArn};
use crate::identity::{Holder, hash_of};
use crate::store::RevocationId;

/// What is ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Temporary credentials, and all that was got by them: further roles, consoles.
    Session(AccessKeyId),
    /// Everything of one person, as their provider names them.
    Subject {
        /// The provider.
        provider: ProviderArn,
        /// Its name for the person.
        subject: String,
    },
    /// Everything of a provider.
    Provider(ProviderArn),
    /// Everything under one source identity, in every account.
    SourceIdentity(String),
    /// The sessions of a role, not of the roles that were assumed by them: what AWS's policy
    /// `AWSRevokeOlderSessions` ends.
    Role(RoleArn),
    /// The temporary credentials of a user, of whom it made some for, and of the roles that it assumed.
    User(UserArn),
}

impl Target {
    /// What it is called in the audit.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::Subject { .. } => "subject",
            Self::Provider(_) => "provider",
            Self::SourceIdentity(_) => "source-identity",
            Self::Role(_) => "role",
            Self::User(_) => "user",
        }
    }

    /// The mark that it is revoked by.
    pub(super) fn mark(&self) -> RevocationId {
        match self {
            Self::Session(id) => of_session(id.as_str()),
            Self::Subject { provider, subject } => of_subject(provider, subject),
            Self::Provider(provider) => of_provider(provider),
            Self::SourceIdentity(name) => of_source_identity(name),
            Self::Role(role) => of_role(role),
            Self::User(user) => of_user(user.as_str()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "{id}"),
            Self::Subject { provider, subject } => write!(f, "{subject} of {provider}"),
            Self::Provider(provider) => write!(f, "{provider}"),
            Self::SourceIdentity(name) => f.write_str(name),
            Self::Role(role) => write!(f, "{role}"),
            Self::User(user) => write!(f, "{user}"),
        }
    }
}

/// The marks of the credentials `id`.
pub(in crate::broker) fn of_session(id: &str) -> RevocationId {
    mark("session", &[id])
}

/// The marks of everything of a person at a provider.
pub(in crate::broker) fn of_subject(provider: &ProviderArn, subject: &str) -> RevocationId {
    mark("subject", &[provider.as_str(), subject])
}

/// The mark of everything of a provider.
pub(super) fn of_provider(provider: &ProviderArn) -> RevocationId {
    mark("provider", &[provider.as_str()])
}

fn of_source_identity(name: &str) -> RevocationId {
    mark("source-identity", &[name])
}

fn of_role(role: &RoleArn) -> RevocationId {
    mark("role", &[role.as_str()])
}

fn of_user(user: &str) -> RevocationId {
    mark("user", &[user])
}

/// Whether `ends` is true of a mark of `holder`.
pub(super) fn any_mark(holder: Holder<'_>, ends: impl Fn(&RevocationId) -> bool) -> bool {
    let session = match holder {
        Holder::Role(session) => session,
        Holder::User(session) => return ends(&of_user(session.user.as_str())),
        Holder::FederatedUser(session) => return ends(&of_user(session.made_by.as_str())),
    };
    let provider = session.provider.as_ref();
    ends(&of_role(&session.role))
        || provider.is_some_and(|provider| ends(&of_provider(provider)))
        || session.person().is_some_and(|(provider, subject)| ends(&of_subject(provider, subject)))
        || session.source_identity.as_deref().is_some_and(|name| ends(&of_source_identity(name)))
        || session.ancestry.ids().any(|id| ends(&of_session(id.as_str())))
        // Where it was no user, nobody revokes by the name.
        || session.assumed_by.as_deref().is_some_and(|caller| ends(&of_user(caller)))
}

fn mark(kind: &str, names: &[&str]) -> RevocationId {
    let mut mark = RevocationId::default();
    mark.copy_from_slice(&hash_of(&[&["rolegate/revoked", kind], names].concat())[..16]);
    mark
}
