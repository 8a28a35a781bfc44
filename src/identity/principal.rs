//! Callers that signed their request.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::LoginMarks;
use crate::arn::{ProviderArn, RoleArn, RoleId};
use crate::clock::Moment;

/// A caller whose SigV4 signature was verified. Made by `identity::sigv4` alone.
#[derive(Debug, Clone)]
pub struct Principal {
    session: RoleSession,
}

impl Principal {
    pub(in crate::identity) const fn new(session: RoleSession) -> Self {
        Self { session }
    }

    /// The role session that the request was signed by.
    pub const fn session(&self) -> &RoleSession {
        &self.session
    }

    /// `arn:aws:sts::{account}:assumed-role/{role}/{session}`.
    pub fn arn(&self) -> String {
        self.session.role.session_arn(&self.session.session_name)
    }

    /// `{role id}:{session name}`, as `GetCallerIdentity` says it.
    pub fn user_id(&self) -> String {
        self.session.user_id()
    }
}

/// The facts of a session of a role: what a session token carries and a caller is known by.
/// Plain data; it proves nothing by itself, and is read back from sealed bytes only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSession {
    /// The role.
    pub role: RoleArn,
    /// The role's unique id at the time of issue.
    pub role_id: RoleId,
    /// 2 to 64 characters of `[\w+=,.@-]`.
    pub session_name: String,
    /// The federation provider, if the session came from one.
    pub provider: Option<ProviderArn>,
    /// The subject that the provider vouched for.
    pub subject: Option<String>,
    /// Set once a chain.
    pub source_identity: Option<String>,
    /// Session tags.
    pub tags: Vec<SessionTag>,
    /// The inline session policy, as sent.
    pub session_policy: Option<String>,
    /// When the provider's own session ends (SAML `SessionNotOnOrAfter`): nothing that comes of
    /// it may outlive that.
    pub provider_session_ends: Option<Moment>,
    /// The login that it comes of, where that may end before its time.
    pub login: Option<LoginMarks>,
    /// What the token endpoint gave it by, where that can be revoked.
    pub grant: Option<GrantId>,
    /// When it was issued.
    pub issued: Moment,
    /// When it ends.
    pub expires: Moment,
}

impl RoleSession {
    /// `{role id}:{session name}`.
    pub fn user_id(&self) -> String {
        format!("{}:{}", self.role_id.as_str(), self.session_name)
    }

    /// How long it lasts from `at`.
    pub fn remaining(&self, at: Moment) -> Duration {
        self.expires.since(at)
    }
}

/// Names an exchange at the token endpoint and all that comes of it, which is revoked by it (RFC 7009
/// section 2.1).
pub type GrantId = [u8; 16];

/// A session tag (facts 1.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTag {
    /// 1 to 128 characters, compared without regard to case.
    pub key: String,
    /// 0 to 256 characters.
    pub value: String,
    /// Whether it goes along to the next role of a chain.
    pub transitive: bool,
}
