//! A role's trust policy, asked whether a federated identity may assume the role.
//!
//! Three actions can be in question: the federation call itself, `sts:TagSession` when there
//! are session tags, and `sts:SetSourceIdentity` when a source identity is set (facts 1.7).
//! Each must be allowed. The provider must be registered in the role's own account (facts 5.4).

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::iam::{
    Caller, Decision, Effect, Guard, Policy, PolicyFault, PolicyKind, Request, RequestContext,
    StatementParts, StatementRef, StatementReview,
};
use super::{facts, issuers};
use crate::arn::{AccountId, ProviderArn, RoleArn};
use crate::clock::Moment;
use crate::identity::{FederatedIdentity, Protocol, SessionTag};

/// A compiled trust policy.
#[derive(Debug, Clone)]
pub struct TrustPolicy(Policy);

impl TrustPolicy {
    /// Reads a trust policy document; all faults at once.
    pub fn parse(text: &str) -> Result<Self, Vec<PolicyFault>> {
        Policy::parse(PolicyKind::Trust, text).map(Self)
    }

    /// The same of a role in `account`, whose providers well-known issuers are that it names by their host alone
    /// (facts 3.6).
    #[must_use]
    pub fn of_account(mut self, account: AccountId) -> Self {
        let called = |name: &str| Some(issuers::by_host(name, account)?.as_str().to_owned());
        self.0.rename_federated(&called);
        self
    }

    /// The document.
    pub(super) const fn policy(&self) -> &Policy {
        &self.0
    }

    /// The providers that it names.
    pub fn federated_principals(&self) -> impl Iterator<Item = &str> {
        self.0.federated_principals()
    }

    /// Its statements, as written.
    pub(super) fn statements(&self) -> Vec<TrustStatement> {
        let statement = |parts: StatementParts<'_>| TrustStatement {
            effect: parts.effect(),
            anyone: parts.speaks_of_anyone(),
            federated: parts.named_federated().map(str::to_owned).collect(),
            callers: parts.named_callers(),
            actions: parts.actions(),
            conditions: parts.conditions().map(|condition| condition.to_string()).collect(),
            statement: parts.statement,
        };
        self.0.parts().map(statement).collect()
    }

    /// Its statements, taken apart.
    pub(super) fn parts(&self) -> impl Iterator<Item = StatementParts<'_>> {
        self.0.parts()
    }

    /// The statements that let everybody in whom `provider` vouches for, whose issuer is `issuer`,
    /// though `guards` could tell who it is.
    pub fn unguarded(&self, provider: &ProviderArn, issuer: &str, guards: &[Guard]) -> Vec<StatementRef> {
        let issuer = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
        self.0.unguarded(provider.as_str(), "sts:AssumeRoleWithWebIdentity", issuer, guards)
    }

    /// Which statements allow which action, or the first action that is refused.
    pub(super) fn ask(&self, question: &TrustQuestion<'_>) -> Result<Vec<AllowedAction>, Untrusted> {
        if question.is_foreign() {
            return Err(Untrusted { action: question.action(), reason: TrustRefusal::ForeignProvider });
        }
        let context = facts::context(question);
        let answer = |action| match self.0.decide(&question.request(action, &context)) {
            Decision::Allow(statements) => Ok(AllowedAction { action, statements }),
            Decision::ExplicitDeny(statements) => {
                Err(Untrusted { action, reason: TrustRefusal::ExplicitDeny(statements) })
            }
            Decision::ImplicitDeny => Err(Untrusted { action, reason: TrustRefusal::ImplicitDeny }),
        };
        question.actions().map(answer).collect()
    }

    /// What every statement says to every action in question. Nothing where the provider is of
    /// another account: then no statement is asked.
    pub(super) fn review(&self, question: &TrustQuestion<'_>) -> Vec<ActionReview> {
        if question.is_foreign() {
            return Vec::new();
        }
        let context = facts::context(question);
        let review = |action| {
            let request = question.request(action, &context);
            ActionReview { action, decision: self.0.decide(&request), statements: self.0.review(&request) }
        };
        question.actions().map(review).collect()
    }
}

/// A statement of a trust policy, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustStatement {
    /// Which.
    pub statement: StatementRef,
    /// What it does.
    pub effect: Effect,
    /// Whether it speaks of everybody.
    pub anyone: bool,
    /// The providers that it names.
    pub federated: Vec<String>,
    /// The users, roles, sessions and accounts that it names.
    pub callers: Vec<String>,
    /// Its actions, in lower case; those of a `NotAction` behind `all but`.
    pub actions: Vec<String>,
    /// Its conditions, each in a line.
    pub conditions: Vec<String>,
}

/// What a trust policy is asked.
pub(super) struct TrustQuestion<'a> {
    pub(super) identity: &'a FederatedIdentity,
    pub(super) role: &'a RoleArn,
    pub(super) session_name: &'a str,
    pub(super) source_identity: Option<&'a str>,
    pub(super) tags: &'a [SessionTag],
    pub(super) duration: Duration,
    pub(super) source_ip: Option<IpAddr>,
    pub(super) at: Moment,
}

impl TrustQuestion<'_> {
    /// The action that the identity's protocol calls.
    pub(super) fn action(&self) -> &'static str {
        match self.identity.protocol() {
            Protocol::Saml => "sts:AssumeRoleWithSAML",
            Protocol::Oidc => "sts:AssumeRoleWithWebIdentity",
        }
    }

    /// Every action that must be allowed.
    fn actions(&self) -> impl Iterator<Item = &'static str> {
        let tagged = (!self.tags.is_empty()).then_some("sts:TagSession");
        let named = self.source_identity.map(|_| "sts:SetSourceIdentity");
        [Some(self.action()), tagged, named].into_iter().flatten()
    }

    /// Whether the provider is registered in another account than the role's.
    fn is_foreign(&self) -> bool {
        self.identity.provider().account() != self.role.account()
    }

    fn request<'r>(&'r self, action: &'r str, context: &'r RequestContext<'r>) -> Request<'r> {
        let caller = Caller::Federated(self.identity.provider().as_str());
        Request { caller, action, resource: None, context }
    }
}

/// An action that the trust policy allows, and by which statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedAction {
    /// Such as `sts:TagSession`.
    pub action: &'static str,
    /// The statements that allow it.
    pub statements: Vec<StatementRef>,
}

/// What a trust policy says to one action, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionReview {
    /// Such as `sts:AssumeRoleWithSAML`.
    pub action: &'static str,
    /// What comes of all statements together.
    pub decision: Decision,
    /// Every statement, in the order written.
    pub statements: Vec<StatementReview>,
}

/// An action that is refused. The reason is for the log; a caller learns neither
/// it nor whether the role exists (facts 1.4).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action}: {reason}")]
pub struct Untrusted {
    /// Such as `sts:AssumeRoleWithSAML`.
    pub action: &'static str,
    /// Why.
    pub reason: TrustRefusal,
}

/// Why an action is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustRefusal {
    /// There is no such role.
    NoSuchRole,
    /// The provider is registered in another account than the role's.
    ForeignProvider,
    /// No statement allows it.
    ImplicitDeny,
    /// These statements deny it.
    ExplicitDeny(Vec<StatementRef>),
}

impl fmt::Display for TrustRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchRole => f.write_str("there is no such role"),
            Self::ForeignProvider => f.write_str("the provider is not registered in the role's account"),
            Self::ImplicitDeny => f.write_str("no statement of the trust policy allows it"),
            Self::ExplicitDeny(statements) => {
                f.write_str("denied by the trust policy's statement")?;
                for StatementRef { index, sid } in statements {
                    write!(f, " {index}")?;
                    if let Some(sid) = sid {
                        write!(f, " ({sid})")?;
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
