//! A role's trust policy, asked whether a federated identity may assume the role.
//!
//! Three actions can be in question: the federation call itself, `sts:TagSession` when there
//! are session tags, and `sts:SetSourceIdentity` when a source identity is set (facts 1.7).
//! Each must be allowed. The provider must be registered in the role's own account (facts 5.4).

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::facts;
use super::iam::{Caller, Decision, Policy, PolicyFault, PolicyKind, Request, StatementRef};
use crate::arn::RoleArn;
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

    /// The providers that it names.
    pub fn federated_principals(&self) -> impl Iterator<Item = &str> {
        self.0.federated_principals()
    }

    /// Which statements allow which action, or the first action that is refused.
    pub(super) fn ask(&self, question: &TrustQuestion<'_>) -> Result<Vec<AllowedAction>, Untrusted> {
        let provider = question.identity.provider();
        let action = question.action();
        if provider.account() != question.role.account() {
            return Err(Untrusted { action, reason: TrustRefusal::ForeignProvider });
        }
        let context = facts::context(question);
        let tagged = (!question.tags.is_empty()).then_some("sts:TagSession");
        let named = question.source_identity.map(|_| "sts:SetSourceIdentity");
        [Some(action), tagged, named]
            .into_iter()
            .flatten()
            .map(|action| {
                let caller = Caller::Federated(provider.as_str());
                let request = Request { caller, action, resource: None, context: &context };
                match self.0.decide(&request) {
                    Decision::Allow(statements) => Ok(AllowedAction { action, statements }),
                    Decision::ExplicitDeny(statements) => {
                        Err(Untrusted { action, reason: TrustRefusal::ExplicitDeny(statements) })
                    }
                    Decision::ImplicitDeny => Err(Untrusted { action, reason: TrustRefusal::ImplicitDeny }),
                }
            })
            .collect()
    }
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
}

/// An action that the trust policy allows, and by which statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedAction {
    /// Such as `sts:TagSession`.
    pub action: &'static str,
    /// The statements that allow it.
    pub statements: Vec<StatementRef>,
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
