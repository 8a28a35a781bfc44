//! What credentials stand for: what a session token carries and a caller is known by.
//!
//! Plain data; it proves nothing by itself, and is read back from sealed bytes only.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{LoginMarks, SessionPolicies};
use crate::arn::{AccessKeyId, ProviderArn, RoleArn, RoleId, UserArn, UserId};
use crate::clock::Moment;

/// What credentials stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Session {
    /// A role, for whoever assumed it.
    Role(Box<RoleSession>),
    /// A user.
    User(UserSession),
    /// Somebody whom a user made credentials for (`GetFederationToken`).
    FederatedUser(Box<FederatedUser>),
}

/// A session of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSession {
    /// The role.
    pub role: RoleArn,
    /// The role's unique id at the time of issue.
    pub role_id: RoleId,
    /// 2 to 64 characters of `[\w+=,.@-]`.
    pub session_name: String,
    /// The federation provider, if the session came from one, be it by way of other roles.
    pub provider: Option<ProviderArn>,
    /// The subject that the provider vouched for.
    pub subject: Option<String>,
    /// Who assumed the role by credentials of its own; nobody where a provider's word did.
    pub assumed_by: Option<String>,
    /// The temporary credentials that it was got by, and those that they were: who ends one of them, ends
    /// this.
    pub ancestry: Ancestry,
    /// When a second factor was proved, if that is known.
    pub mfa: Option<Moment>,
    /// Set once a chain.
    pub source_identity: Option<String>,
    /// Session tags.
    pub tags: Vec<SessionTag>,
    /// What limits it.
    pub policies: SessionPolicies,
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
    /// `arn:aws:sts::{account}:assumed-role/{role}/{session}`.
    pub fn arn(&self) -> String {
        self.role.session_arn(&self.session_name)
    }

    /// The person, as their provider names them.
    pub fn person(&self) -> Option<(&ProviderArn, &str)> {
        self.provider.as_ref().zip(self.subject.as_deref())
    }

    /// `{role id}:{session name}`.
    pub fn user_id(&self) -> String {
        [self.role_id.as_str(), ":", &self.session_name].concat()
    }

    /// How long it lasts from `at`.
    pub fn remaining(&self, at: Moment) -> Duration {
        self.expires.since(at)
    }
}

/// The temporary credentials that others were got by, the first of a chain of roles first. Of a chain that is
/// longer than anybody plans, those in the middle are forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestry(Vec<AccessKeyId>);

impl Ancestry {
    /// How many are remembered: 21 bytes each, in every session token of the chain.
    const LONGEST: usize = 8;

    /// With what comes next. A user's own key is no part: it is ended by its status.
    #[must_use]
    pub fn and(&self, access_key_id: &str) -> Self {
        let mut ids = self.0.clone();
        if let Ok(id) = access_key_id.parse() {
            if ids.len() == Self::LONGEST {
                ids.remove(1);
            }
            ids.push(id);
        }
        Self(ids)
    }

    /// Each of them.
    pub fn ids(&self) -> impl Iterator<Item = &AccessKeyId> {
        self.0.iter()
    }
}

/// A user, by a long-term key or by temporary credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSession {
    /// The user.
    pub user: UserArn,
    /// The user's unique id.
    pub user_id: UserId,
    /// Of temporary credentials (`GetSessionToken`).
    pub lifetime: Option<Lifetime>,
    /// When a second factor was proved.
    pub mfa: Option<Moment>,
}

/// Somebody whom a user made credentials for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FederatedUser {
    /// What the user calls them: 2 to 32 characters of `[\w+=,.@-]`.
    pub name: String,
    /// The user.
    pub made_by: UserArn,
    /// The user's unique id.
    pub user_id: UserId,
    /// What limits them; without it, they may do nothing but what a resource lets them.
    pub policies: SessionPolicies,
    /// Session tags.
    pub tags: Vec<SessionTag>,
    /// Since when and until when.
    pub lifetime: Lifetime,
}

/// Since when and until when credentials are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetime {
    /// When they were issued.
    pub issued: Moment,
    /// When they end.
    pub expires: Moment,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ancestry_keeps_its_beginning_and_its_end() {
        let id = |letter: char| format!("ASIA{}", String::from(letter).repeat(16));
        let long = ('A'..='K').fold(Ancestry::default(), |ancestry, letter| ancestry.and(&id(letter)));
        let kept: Vec<_> = long.ids().map(ToString::to_string).collect();
        let expected: Vec<_> = ['A', 'E', 'F', 'G', 'H', 'I', 'J', 'K'].map(id).into();
        assert_eq!(kept, expected);
        assert_eq!(long.and("AKIABOTBOTBOTBOTBOTB"), long);
    }
}
