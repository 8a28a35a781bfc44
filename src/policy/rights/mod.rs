//! What the holder of a session may do, by all policies that speak of it.
//!
//! The policies and the boundary of a role or a user, and the service control policies of its account, are compiled at
//! load; a session's own policy, and that of a resource, come with the request. `facts` is what is known
//! of a request, `combine` what the policies make of it. Whoever enforces the answer is somebody else:
//! the service that asked.

mod combine;
mod facts;
mod message;
mod standing;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

pub use self::combine::{Applicable, SessionLimit, SignedCall};
pub(in crate::policy) use self::facts::of_holder;
pub use self::message::AuthorizationMessage;
pub(in crate::policy) use self::standing::Standing;
use super::iam::{Policy, PolicyFault, PolicyKind, RequestContext, StatementRef, StatementReview};
use super::{Policies, TrustPolicy};
use crate::arn::{AccountId, PolicyArn, RoleArn, UserArn};
use crate::clock::Moment;
use crate::identity::Holder;

/// A policy, and what people call it.
#[derive(Debug)]
pub struct NamedPolicy {
    /// Such as the name of its file.
    pub name: String,
    /// What it says.
    pub policy: Policy,
}

/// What a user, or the sessions of a role, may do at most.
#[derive(Debug, Clone, Default)]
pub struct HolderRights {
    /// Its policies.
    pub identity: Vec<Arc<NamedPolicy>>,
    /// Its permissions boundary.
    pub boundary: Option<Arc<NamedPolicy>>,
}

/// The rights of all roles and users, and what limits those of whole accounts.
#[derive(Debug, Default)]
pub struct Rights {
    /// By role; a role without an entry may do nothing.
    pub roles: HashMap<RoleArn, HolderRights>,
    /// By user, as by role.
    pub users: HashMap<UserArn, HolderRights>,
    /// Managed policies by ARN.
    pub managed: HashMap<PolicyArn, Arc<NamedPolicy>>,
    /// Service control policies by account, a list for each level of the organization. Each level must
    /// allow; an account without an entry is not limited.
    pub service_control: HashMap<AccountId, Vec<Vec<Arc<NamedPolicy>>>>,
}

/// What a service asks: may a session do that?
#[derive(Debug, Clone, Default)]
pub struct AccessQuestion<'a> {
    /// `service:Name`.
    pub action: &'a str,
    /// An ARN.
    pub resource: &'a str,
    /// The account that the resource belongs to; else the one in its ARN, else the session's.
    pub resource_account: Option<AccountId>,
    /// The resource's own policy, as JSON.
    pub resource_policy: Option<&'a str>,
    /// What else the service knows: condition keys and their values.
    pub context: Vec<(&'a str, Vec<&'a str>)>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// These statements allow it.
    Allowed(Vec<Ground>),
    /// These statements deny it, whatever else allows.
    Denied(Vec<Ground>),
    /// Nothing in this layer allows it.
    NotAllowed(Layer),
}

/// A statement that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The kind of its policy.
    pub layer: Layer,
    /// The policy's name.
    pub policy: String,
    /// The statement.
    pub statement: StatementRef,
}

/// The kinds of policies that are asked, in the order in which one that does not allow is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer {
    /// What anybody of the account may do.
    ServiceControl,
    /// Who may assume a role.
    Trust,
    /// Who may do what with a resource.
    Resource,
    /// What the caller may do.
    Identity,
    /// What the caller may be given at most.
    Boundary,
    /// What the session leaves of it.
    Session,
}

/// What one policy says to a request, statement by statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyReview {
    /// The kind of policy.
    pub layer: Layer,
    /// Its name.
    pub policy: String,
    /// Its statements, in the order written.
    pub statements: Vec<StatementReview>,
}

/// A question that can't be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskFault {
    /// The service says what the broker alone knows.
    #[error("the condition key {0:?} is known from the session: leave it out")]
    OurKey(String),
    /// Not an action.
    #[error("{0:?} is not an action such as s3:GetObject")]
    Action(String),
    /// Not a resource.
    #[error("{0:?} is not an ARN")]
    Resource(String),
    /// Not the account of the resource.
    #[error("the resource belongs to the account {0}, as its ARN says")]
    Account(AccountId),
    /// The resource's policy is of no use.
    #[error("the resource's policy is not valid: {0}")]
    ResourcePolicy(String),
}

/// A question that can be answered.
pub struct Asked<'a> {
    policies: &'a Policies,
    standing: Standing<'a>,
    action: &'a str,
    to: &'a str,
    context: RequestContext<'a>,
    of_resource: Option<Policy>,
    resource_account: AccountId,
}

impl AccessQuestion<'_> {
    /// Whether it can be asked, of whichever session.
    pub fn check(&self) -> Result<(), AskFault> {
        facts::check_keys(&self.context)?;
        self.account().map(|_| ())
    }

    /// The account in its resource's ARN, if it is a question at all.
    fn account(&self) -> Result<Option<AccountId>, AskFault> {
        if !is_action(self.action) {
            return Err(AskFault::Action(self.action.to_owned()));
        }
        match self.resource {
            "*" => Ok(None),
            arn => account_of(arn).ok_or_else(|| AskFault::Resource(arn.to_owned())),
        }
    }
}

impl Policies {
    /// Reads a question about `holder`.
    pub fn ask<'a>(
        &'a self,
        holder: Holder<'a>,
        question: &AccessQuestion<'a>,
        at: Moment,
    ) -> Result<Asked<'a>, AskFault> {
        let AccessQuestion { action, resource, .. } = *question;
        let resource_account = match (question.account()?, question.resource_account) {
            (Some(named), Some(said)) if named != said => return Err(AskFault::Account(named)),
            (named, said) => named.or(said).unwrap_or_else(|| holder.account()),
        };
        let of_resource = question.resource_policy.map(|text| Policy::parse(PolicyKind::Resource, text));
        let of_resource =
            of_resource.transpose().map_err(|faults| AskFault::ResourcePolicy(told(&faults)))?;
        Ok(Asked {
            policies: self,
            standing: Standing::of(&self.rights, holder),
            action,
            to: resource,
            context: facts::context(holder, &question.context, at)?,
            of_resource,
            resource_account,
        })
    }
}

impl Asked<'_> {
    /// Whether it may.
    pub fn decide(&self) -> Access {
        self.applicable().decide(&self.call())
    }

    /// What every policy says of it.
    pub fn review(&self) -> Vec<PolicyReview> {
        self.applicable().review(&self.call())
    }

    fn call(&self) -> SignedCall<'_> {
        let caller = self.standing.caller();
        SignedCall { caller, action: self.action, resource: self.to, context: &self.context }
    }

    fn applicable(&self) -> Applicable<'_> {
        let resource = self.trust_policy().or(self.of_resource.as_ref());
        self.standing.applicable(resource, self.resource_account)
    }

    /// That of the role which is to be assumed.
    fn trust_policy(&self) -> Option<&Policy> {
        let is_assuming = ASSUMING.iter().any(|action| self.action.eq_ignore_ascii_case(action));
        let role = is_assuming.then(|| self.to.parse::<RoleArn>().ok()).flatten()?;
        self.policies.trusts.get(&role).map(TrustPolicy::policy)
    }
}

impl Access {
    /// Whether it is allowed.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// It in a word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Allowed(_) => "allow",
            Self::Denied(_) => "explicit-deny",
            Self::NotAllowed(_) => "implicit-deny",
        }
    }

    /// The statements that decided.
    pub fn grounds(&self) -> &[Ground] {
        match self {
            Self::Allowed(grounds) | Self::Denied(grounds) => grounds,
            Self::NotAllowed(_) => &[],
        }
    }

    /// Why it is refused, in AWS's words; nothing where it is not.
    pub fn because(&self, action: &str) -> Option<String> {
        match self {
            Self::Allowed(_) => None,
            Self::NotAllowed(layer) => Some(format!("because no {layer} allows the {action} action")),
            Self::Denied(grounds) => {
                let layer = grounds.first()?.layer;
                let article = match layer {
                    Layer::Trust => "the",
                    Layer::Identity => "an",
                    _ => "a",
                };
                Some(format!("with an explicit deny in {article} {layer}"))
            }
        }
    }
}

/// What is asked of a trust policy.
const ASSUMING: [&str; 3] = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];

fn told(faults: &[PolicyFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// `service:Name`, without wildcards.
fn is_action(text: &str) -> bool {
    let is_word =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    text.len() <= 256 && text.split_once(':').is_some_and(|(service, name)| is_word(service) && is_word(name))
}

/// The account in an ARN, which some leave empty; nothing where it is no ARN.
fn account_of(arn: &str) -> Option<Option<AccountId>> {
    let mut parts = arn.splitn(6, ':');
    let account = parts.nth(4).filter(|_| arn.starts_with("arn:"))?;
    parts.next().filter(|resource| !resource.is_empty())?;
    match account {
        "" | "aws" => Some(None),
        account => account.parse().ok().map(Some),
    }
}

impl Layer {
    /// What AWS calls it in its refusals (facts 5.6).
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceControl => "service control policy",
            Self::Trust => "role trust policy",
            Self::Resource => "resource-based policy",
            Self::Identity => "identity-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
