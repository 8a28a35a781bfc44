//! A policy taken apart, for whoever doubts that it means what it says.

use std::fmt;

use super::document::{Effect, Policy, Statement};
use super::eval::StatementRef;
use super::operator::{Comparison, Operator};
use super::principals::Principals;

/// A statement's elements, as written.
#[derive(Debug)]
pub struct StatementParts<'p> {
    /// Which statement.
    pub statement: StatementRef,
    /// The federated principals, where it speaks of no others.
    pub federated: Vec<&'p str>,
    inner: &'p Statement,
}

/// A condition, as written.
#[derive(Debug, Clone, Copy)]
pub struct ConditionParts<'p> {
    /// Such as `StringEquals`.
    pub operator: &'p str,
    /// Such as `saml:aud`.
    pub key: &'p str,
    /// The values it may have.
    pub values: &'p [String],
}

impl Policy {
    /// Its statements, in the order written.
    pub fn parts(&self) -> impl Iterator<Item = StatementParts<'_>> {
        self.statements.iter().enumerate().map(|(index, inner)| StatementParts {
            statement: StatementRef { index, sid: inner.sid.clone() },
            federated: inner.principals.iter().flat_map(|principals| principals.only_federated()).collect(),
            inner,
        })
    }
}

impl<'p> StatementParts<'p> {
    /// Its conditions.
    pub fn conditions(&self) -> impl Iterator<Item = ConditionParts<'p>> {
        self.inner.conditions.iter().map(|condition| {
            let written = condition.written();
            ConditionParts { operator: &written.operator, key: &written.key, values: &written.values }
        })
    }

    /// What it does where it applies.
    pub fn effect(&self) -> Effect {
        self.inner.effect
    }

    /// Whether it speaks of everybody.
    pub fn speaks_of_anyone(&self) -> bool {
        self.inner.principals.as_ref().is_some_and(|principals| principals.anyone)
    }

    /// The federated principals that it names, among others or not.
    pub fn named_federated(&self) -> impl Iterator<Item = &'p str> {
        self.inner.principals.iter().flat_map(Principals::federated)
    }

    /// Those that sign their requests whom it names, for people.
    pub fn named_callers(&self) -> Vec<String> {
        self.inner.principals.as_ref().map(Principals::callers).unwrap_or_default()
    }

    /// Its actions, in lower case; those of a `NotAction` behind `all but`.
    pub fn actions(&self) -> Vec<String> {
        let but = if self.inner.actions.negated { "all but " } else { "" };
        self.inner.actions.patterns.iter().map(|pattern| format!("{but}{pattern}")).collect()
    }

    /// The actions or `NotAction`s, in lower case, that none of `known` is meant by.
    pub fn actions_beyond(&self, known: &[&str]) -> Vec<String> {
        let patterns = self.inner.actions.patterns.iter();
        let unknown = patterns.filter(|pattern| !known.iter().any(|action| pattern.matches(action)));
        unknown.map(ToString::to_string).collect()
    }
}

impl fmt::Display for ConditionParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} = {}", self.operator, self.key, self.values.join(" or "))
    }
}

impl ConditionParts<'_> {
    /// Whether it compares texts to the letter, so that no `*` is a wildcard.
    pub fn is_literal(&self) -> bool {
        let comparison = Operator::parse(self.operator).map(|operator| operator.comparison);
        matches!(comparison, Some(Comparison::StringEquals | Comparison::StringEqualsIgnoreCase))
    }

    /// Whether it compares texts without regard to case.
    pub fn folds_case(&self) -> bool {
        let comparison = Operator::parse(self.operator).map(|operator| operator.comparison);
        comparison == Some(Comparison::StringEqualsIgnoreCase)
    }

    /// Whether it must be met by one of its values: not by another, and not by none.
    pub fn wants_one_of_its_values(&self) -> bool {
        Operator::parse(self.operator).is_some_and(|operator| !operator.negated && !operator.if_exists)
    }
}
