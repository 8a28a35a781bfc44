//! Sections: rules in an order that counts.
//!
//! A section in which every rule offers, and after which the next one is asked, needs none but the rules
//! that can match. In any other it matters what a rule said that comes before, even that it could not be
//! evaluated: whatever fails there ends the section, so that nobody gets by a mistake what a later
//! rule offers.

use std::collections::HashMap;

use super::index::Index;
use super::rule::{Outcome, Rule};
use crate::arn::RoleArn;
use crate::identity::FederatedIdentity;

/// A section as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionSource {
    /// What its rules call it.
    pub name: String,
    /// Which of its rules count.
    pub offers: SectionOffers,
    /// Whether the sections behind it are asked where one of its rules matches, or fails.
    pub goes_on: bool,
}

/// Which rules of a section count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SectionOffers {
    /// Each that matches.
    #[default]
    All,
    /// The first that matches. One that fails ends the section, too.
    First,
}

/// A section and its rules.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// Empty for the last one, which nobody calls.
    name: String,
    offers: SectionOffers,
    stops: bool,
    /// The places of its rules.
    rules: Vec<usize>,
    index: Index,
    /// Those that offer a role.
    by_role: HashMap<RoleArn, Index>,
}

impl Section {
    pub(super) fn new(source: &SectionSource) -> Self {
        Self { name: source.name.clone(), offers: source.offers, stops: !source.goes_on, ..Self::default() }
    }

    /// Adds a rule that offers.
    pub(super) fn add(&mut self, position: usize, rule: &Rule) {
        self.rules.push(position);
        if self.is_ordered() {
            return;
        }
        let needs = rule.when.needs();
        self.index.add(position, rule, needs.as_deref());
        for role in &rule.roles {
            self.by_role.entry(role.clone()).or_default().add(position, rule, needs.as_deref());
        }
        for (role, need) in rule.roles_from.iter().flat_map(|from| from.needs()) {
            if !rule.roles.contains(role) {
                self.by_role.entry(role.clone()).or_default().add(position, rule, Some(&[need]));
            }
        }
    }

    /// What its rules call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The place of its first rule.
    pub(super) fn first(&self) -> Option<usize> {
        self.rules.first().copied()
    }

    /// Whether what a rule says matters to those behind it.
    fn is_ordered(&self) -> bool {
        self.takes_first() || self.stops
    }

    /// Whether the first of its rules that matches is the only one that counts.
    pub(super) fn takes_first(&self) -> bool {
        self.offers == SectionOffers::First
    }

    /// Whether no section behind it is asked where one of its rules matches.
    pub(super) const fn stops(&self) -> bool {
        self.stops
    }

    /// The places of the rules that can match `identity`, or offer it `role`, in the order written; of an
    /// ordered section, all.
    pub(super) fn candidates(&self, identity: &FederatedIdentity, role: Option<&RoleArn>) -> Vec<usize> {
        if self.is_ordered() {
            return self.rules.clone();
        }
        let index = role.map_or(Some(&self.index), |role| self.by_role.get(role));
        index.map(|index| index.find(identity)).unwrap_or_default()
    }

    /// Whether the section ends with a rule that said this.
    pub(super) fn ends_with(&self, outcome: &Outcome) -> bool {
        self.takes_first() && counts(outcome)
    }

    /// Whether no section behind it is asked where one of its rules said this.
    pub(super) fn stops_with(&self, outcome: &Outcome) -> bool {
        self.stops && counts(outcome)
    }
}

/// Whether a rule that said this is one that an order is about.
fn counts(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Matches(_) | Outcome::Fails { .. })
}
