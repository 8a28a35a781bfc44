//! A policy document: JSON in, [`Policy`] out, or every fault in it.
//!
//! What is compiled here is all that evaluation (`eval`) looks at; the JSON is not kept.
//! The grammar differs by [`PolicyKind`] (facts 5.1), and is read by `grammar`.

use std::fmt;

use super::condition::Condition;
use super::grammar;
use super::json::Node;
use super::pattern::FoldedPattern;
use super::principals::Principals;
use super::variable::Template;

/// Where a policy stands, which decides its grammar and its size (facts 5.1, 5.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// Who may assume a role.
    Trust,
    /// What a user, group or role may do.
    Identity,
    /// What others refer to by its ARN.
    Managed,
    /// What is left of a role's rights in one session.
    Session,
    /// The most that a user or role may be given: a permissions boundary.
    Boundary,
    /// The most that anybody of an account may do: a service control policy.
    ServiceControl,
    /// Who may do what with a resource, as the resource itself says it.
    Resource,
}

impl PolicyKind {
    /// The longest document in characters. Whitespace is not counted but in a session policy, which is
    /// counted as sent. Trust policies get the largest quota that AWS grants on request, a role's inline
    /// total bounds an identity policy, a managed policy's size a boundary; the largest policy of a
    /// resource is that of a bucket.
    const fn limit(self) -> usize {
        match self {
            Self::Trust => 8192,
            Self::Identity | Self::ServiceControl => 10_240,
            Self::Session => 2048,
            Self::Boundary | Self::Managed => 6144,
            Self::Resource => 20_480,
        }
    }

    fn length(self, text: &str) -> usize {
        match self {
            Self::Session => text.chars().count(),
            _ => text.chars().filter(|c| !c.is_whitespace()).count(),
        }
    }

    /// Whether its statements say who they speak of. Others are about whoever they are attached to.
    pub(super) const fn names_principals(self) -> bool {
        matches!(self, Self::Trust | Self::Resource)
    }
}

/// A compiled policy. Nothing is parsed when it is evaluated.
#[derive(Debug, Clone)]
pub struct Policy {
    kind: PolicyKind,
    id: Option<String>,
    pub(super) statements: Vec<Statement>,
}

impl Policy {
    /// Reads a document of `kind`; all faults at once, unless the JSON itself is broken.
    pub fn parse(kind: PolicyKind, text: &str) -> Result<Self, Vec<PolicyFault>> {
        let limit = kind.limit();
        if kind.length(text) > limit {
            let message = format!("the document is longer than {limit} characters");
            return Err(vec![PolicyFault::new("document", message)]);
        }
        let document: Node = serde_json::from_str(text).map_err(|error| vec![json_fault(&error)])?;
        let (id, statements) = grammar::read(kind, &document)?;
        Ok(Self { kind, id, statements })
    }

    /// Where it stands.
    pub const fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// The federated principals that its statements name, provider ARNs or bare domains.
    pub fn federated_principals(&self) -> impl Iterator<Item = &str> {
        self.statements
            .iter()
            .filter_map(|statement| statement.principals.as_ref())
            .flat_map(Principals::federated)
    }

    /// Calls the federated principals otherwise for which `called` has another name.
    pub(in crate::policy) fn rename_federated(&mut self, called: &dyn Fn(&str) -> Option<String>) {
        let principals = self.statements.iter_mut().filter_map(|statement| statement.principals.as_mut());
        principals.for_each(|principals| principals.rename_federated(called));
    }

    /// Its `Id`, if it has one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// What is wrong in a document, and where: a path such as
/// `Statement[1].Condition.StringLike`, or a line and column where the JSON itself is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}")]
pub struct PolicyFault {
    at: String,
    message: String,
}

impl PolicyFault {
    pub(super) fn new(at: impl fmt::Display, message: impl Into<String>) -> Self {
        Self { at: at.to_string(), message: message.into() }
    }

    /// Where.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// What.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// One statement.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    /// Trust and resource policies only.
    pub(super) principals: Option<Principals>,
    pub(super) actions: Actions,
    /// Absent in trust policies.
    pub(super) resources: Option<Resources>,
    pub(super) conditions: Vec<Condition>,
}

/// What a statement does where it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It allows, unless another denies.
    Allow,
    /// It denies, whatever else allows.
    Deny,
}

/// `Action`, or `NotAction`.
#[derive(Debug, Clone)]
pub(super) struct Actions {
    pub(super) negated: bool,
    pub(super) patterns: Vec<FoldedPattern>,
}

/// `Resource`, or `NotResource`.
#[derive(Debug, Clone)]
pub(super) struct Resources {
    pub(super) negated: bool,
    pub(super) patterns: Vec<Template>,
}

/// `serde_json` ends its messages with the place; here it comes first.
fn json_fault(error: &serde_json::Error) -> PolicyFault {
    let place = format!("line {} column {}", error.line(), error.column());
    let message = error.to_string();
    let message = message.strip_suffix(&format!(" at {place}")).unwrap_or(&message);
    PolicyFault::new(place, message)
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
