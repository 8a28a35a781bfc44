//! The decision of one policy on one request (facts 5.4).
//!
//! A deny that applies outweighs every allow, and the order of statements means nothing.

use std::iter::once_with;

use super::caller::Caller;
use super::condition::Condition;
use super::context::RequestContext;
use super::document::{Actions, Effect, Policy, Resources, Statement};
use super::pattern;
use super::principals::{Naming, Principals};

/// One question to a policy.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub caller: Caller<'a>,
    /// To do what: `service:Name`.
    pub action: &'a str,
    /// To what. Trust policies speak of their own role and ignore it.
    pub resource: Option<&'a str>,
    /// What else is known.
    pub context: &'a RequestContext<'a>,
}

/// What a policy says, and by which statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// These statements allow it, and none denies it.
    Allow(Vec<StatementRef>),
    /// These statements deny it.
    ExplicitDeny(Vec<StatementRef>),
    /// Nothing allows it.
    ImplicitDeny,
}

impl Decision {
    /// Whether it is allowed.
    pub const fn is_allow(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

/// A statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRef {
    /// Its place, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
}

impl Policy {
    /// Decides on `request`.
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        let (mut allows, mut denies) = (Vec::new(), Vec::new());
        for (index, statement) in self.statements.iter().enumerate() {
            if statement.applies(request) {
                let reference = StatementRef { index, sid: statement.sid.clone() };
                match statement.effect {
                    Effect::Allow => allows.push(reference),
                    Effect::Deny => denies.push(reference),
                }
            }
        }
        match (denies.is_empty(), allows.is_empty()) {
            (false, _) => Decision::ExplicitDeny(denies),
            (true, false) => Decision::Allow(allows),
            (true, true) => Decision::ImplicitDeny,
        }
    }
}

impl Policy {
    /// How its statement, which allows something, names `caller`; nothing where it names nobody.
    pub fn naming(&self, statement: &StatementRef, caller: Caller<'_>) -> Option<Naming> {
        let principals = self.statements.get(statement.index)?.principals.as_ref()?;
        principals.naming(caller, Effect::Allow)
    }
}

/// An element of a statement that does not fit a request.
pub(super) enum Misfit<'s> {
    Principal(&'s Principals),
    Action,
    Resource,
    Condition(&'s Condition),
}

impl Statement {
    fn applies(&self, request: &Request<'_>) -> bool {
        self.misfits(request).next().is_none()
    }

    /// What keeps the statement from applying, one after the other: `decide` stops at the first.
    pub(super) fn misfits(&self, request: &Request<'_>) -> impl Iterator<Item = Misfit<'_>> {
        let principal = || {
            let principals = self.principals.as_ref();
            principals.filter(|p| !p.include(request.caller, self.effect)).map(Misfit::Principal)
        };
        let action = || (!self.actions.include(request.action)).then_some(Misfit::Action);
        let resource = || {
            let resources = self.resources.as_ref();
            resources.filter(|resources| !resources.include(request)).map(|_| Misfit::Resource)
        };
        let elements = once_with(principal).chain(once_with(action)).chain(once_with(resource));
        let conditions = self.conditions.iter().filter(|condition| !self.is_met(condition, request));
        elements.flatten().chain(conditions.map(Misfit::Condition))
    }

    /// Whether a condition holds. One that nobody can tell keeps an allow from applying, and no deny.
    fn is_met(&self, condition: &Condition, request: &Request<'_>) -> bool {
        condition.holds(request.context).unwrap_or(self.effect == Effect::Deny)
    }
}

impl Actions {
    pub(super) fn include(&self, action: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(action)) != self.negated
    }
}

impl Resources {
    /// A request without a resource is about everything, which only `*` covers.
    fn include(&self, request: &Request<'_>) -> bool {
        let resource = request.resource.unwrap_or("*");
        let mut resolved = self.patterns.iter().filter_map(|pattern| pattern.resolve(request.context));
        resolved.any(|units| pattern::matches(&units, resource)) != self.negated
    }
}

#[cfg(test)]
#[path = "eval_tests.rs"]
mod tests;
