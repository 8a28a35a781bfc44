//! What all policies together say to one signed request (facts 5.4).
//!
//! A deny in any of them decides. Else every level of service control policies must allow, and then:
//!
//! | the resource's policy names the caller | in its own account | from another account |
//! |---|---|---|
//! | by its own ARN | that is enough | identity, boundary and session must allow, too |
//! | by its role, or as one of everybody | boundary and session must allow, too | the same |
//! | by its account | identity, boundary and session must allow, too | the same |
//! | not at all | identity, boundary and session decide | not allowed |
//!
//! A trust policy is the policy of a role, without which nobody may assume it, of whichever account. A
//! boundary or a session policy that is not there limits nothing.

use std::sync::Arc;

use super::{Access, Ground, Layer, NamedPolicy, PolicyReview};
use crate::arn::AccountId;
use crate::policy::iam::{
    AwsCaller, Caller, Decision, Naming, Policy, PolicyKind, Request, RequestContext, StatementReview,
};

/// Every policy that speaks of a request.
#[derive(Debug, Clone, Copy)]
pub struct Applicable<'p> {
    /// The service control policies of the caller's account, a list for each level of the organization.
    pub service_control: &'p [Vec<Arc<NamedPolicy>>],
    /// What is attached to the caller, and to the groups that it is in.
    pub identity: &'p [Arc<NamedPolicy>],
    /// Its permissions boundary.
    pub boundary: Option<&'p NamedPolicy>,
    /// The policies of its session.
    pub session: SessionLimit<'p>,
    /// The resource's own policy; of a role, its trust policy.
    pub resource: Option<&'p Policy>,
    /// The account that the resource belongs to.
    pub resource_account: AccountId,
}

/// What a session leaves of the rights of whoever it is of.
#[derive(Debug, Clone, Copy)]
pub enum SessionLimit<'p> {
    /// All of them: there is no session, or it is one of a role and has no policy.
    Whole,
    /// What one of these allows. A session of a federated user has nothing without them.
    To(&'p [Arc<NamedPolicy>]),
}

/// A request that its caller signed.
#[derive(Debug, Clone, Copy)]
pub struct SignedCall<'a> {
    /// Whose request it is.
    pub caller: AwsCaller<'a>,
    /// To do what: `service:Name`.
    pub action: &'a str,
    /// To what: an ARN.
    pub resource: &'a str,
    /// What else is known.
    pub context: &'a RequestContext<'a>,
}

/// What the policies of one layer say, or those of one level of it.
struct Answer {
    layer: Layer,
    allows: Vec<Ground>,
    denies: Vec<Ground>,
}

impl Applicable<'_> {
    /// Decides on `call`.
    pub fn decide(&self, call: &SignedCall<'_>) -> Access {
        let request = call.request();
        let answers = self.answers(&request);
        let denies: Vec<_> = answers.iter().flat_map(|answer| &answer.denies).cloned().collect();
        if !denies.is_empty() {
            return Access::Denied(denies);
        }
        let is_foreign = call.caller.account != self.resource_account;
        let naming = self.naming(&request);
        let is_needed = |layer: Layer| match layer {
            Layer::ServiceControl | Layer::Trust => true,
            Layer::Resource => is_foreign,
            Layer::Identity => is_foreign || naming < Some(Naming::Role),
            Layer::Boundary | Layer::Session => is_foreign || naming < Some(Naming::Itself),
        };
        let missing = answers.iter().find(|answer| is_needed(answer.layer) && answer.allows.is_empty());
        if let Some(missing) = missing {
            return Access::NotAllowed(missing.layer);
        }
        let counts = |answer: &Answer| is_needed(answer.layer) || answer.layer == Layer::Resource;
        Access::Allowed(answers.into_iter().filter(counts).flat_map(|answer| answer.allows).collect())
    }

    /// What every statement of every policy says to `call`, for explanations.
    pub fn review(&self, call: &SignedCall<'_>) -> Vec<PolicyReview> {
        let request = call.request();
        let review = |(layer, (name, policy)): (Layer, Cited<'_>)| {
            let statements: Vec<StatementReview> = policy.review(&request);
            PolicyReview { layer, policy: name.to_owned(), statements }
        };
        let layers = self.layers().into_iter();
        layers.flat_map(|(layer, cited)| cited.into_iter().map(move |it| (layer, it))).map(review).collect()
    }

    /// The policies of each layer, and of each level of it; boundary and session where they are there.
    fn layers(&self) -> Vec<(Layer, Vec<Cited<'_>>)> {
        let control = self.service_control.iter().map(|level| (Layer::ServiceControl, cited(level)));
        let is_trust = self.resource.is_some_and(|policy| policy.kind() == PolicyKind::Trust);
        let resource = if is_trust { Layer::Trust } else { Layer::Resource };
        let of_resource =
            (resource, self.resource.map(|policy| (resource.name(), policy)).into_iter().collect());
        let identity = (Layer::Identity, cited(self.identity));
        let boundary = self.boundary.map(|boundary| (Layer::Boundary, vec![boundary.cited()]));
        let session = match self.session {
            SessionLimit::Whole => None,
            SessionLimit::To(policies) => Some((Layer::Session, cited(policies))),
        };
        control.chain([of_resource, identity]).chain(boundary).chain(session).collect()
    }

    fn answers(&self, request: &Request<'_>) -> Vec<Answer> {
        self.layers().into_iter().map(|(layer, policies)| Answer::of(layer, policies, request)).collect()
    }

    /// How the resource's policy names the caller, by the worthiest of the statements that allow.
    fn naming(&self, request: &Request<'_>) -> Option<Naming> {
        let policy = self.resource?;
        let Decision::Allow(statements) = policy.decide(request) else { return None };
        statements.iter().filter_map(|statement| policy.naming(statement, request.caller)).max()
    }
}

/// A policy's name, and the policy.
type Cited<'p> = (&'p str, &'p Policy);

fn cited(policies: &[Arc<NamedPolicy>]) -> Vec<Cited<'_>> {
    policies.iter().map(|named| named.cited()).collect()
}

impl NamedPolicy {
    fn cited(&self) -> Cited<'_> {
        (&self.name, &self.policy)
    }
}

impl<'a> SignedCall<'a> {
    /// The question that each policy is asked.
    pub(super) const fn request(&self) -> Request<'a> {
        let Self { caller, action, resource, context } = *self;
        Request { caller: Caller::Aws(caller), action, resource: Some(resource), context }
    }
}

impl Answer {
    fn of(layer: Layer, policies: Vec<Cited<'_>>, request: &Request<'_>) -> Self {
        let mut answer = Self { layer, allows: Vec::new(), denies: Vec::new() };
        for (name, policy) in policies {
            let (said, statements) = match policy.decide(request) {
                Decision::Allow(statements) => (&mut answer.allows, statements),
                Decision::ExplicitDeny(statements) => (&mut answer.denies, statements),
                Decision::ImplicitDeny => continue,
            };
            let ground = |statement| Ground { layer, policy: name.to_owned(), statement };
            said.extend(statements.into_iter().map(ground));
        }
        answer
    }
}

#[cfg(test)]
#[path = "combine_tests.rs"]
mod tests;
