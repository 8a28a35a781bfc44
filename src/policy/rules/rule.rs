//! One compiled rule, and what it says about an identity.

use std::time::Duration;

use cel::Context;

use super::RuleEffect;
use super::derived::RolesFrom;
use super::expression::Expression;
use crate::arn::RoleArn;
use crate::identity::{FederatedIdentity, SessionTag};

/// One compiled rule.
#[derive(Debug)]
pub struct Rule {
    pub(super) name: String,
    pub(super) provider: Option<String>,
    pub(super) effect: RuleEffect,
    /// The place of its section; a rule that denies is in none.
    pub(super) section: Option<usize>,
    pub(super) roles: Vec<RoleArn>,
    pub(super) roles_from: Option<RolesFrom>,
    pub(super) duration: Option<Duration>,
    /// `when` as its author wrote it.
    pub(super) written: String,
    pub(super) when: Expression,
    pub(super) session_name: Option<Expression>,
    pub(super) source_identity: Option<Expression>,
    pub(super) tags: Vec<CompiledTag>,
}

#[derive(Debug)]
pub(super) struct CompiledTag {
    pub(super) key: String,
    pub(super) value: Expression,
    pub(super) transitive: bool,
}

/// What a rule said about an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It offers its roles, with this.
    Matches(Mapping),
    /// It has nothing to offer.
    Declines,
    /// It could not be evaluated, and so offers nothing.
    Fails {
        /// The expression at fault.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// It would match, and does not count: its section, or an earlier one, ended with the rule of
    /// this name.
    PassedOver {
        /// See there.
        by: String,
    },
}

/// What a matching rule sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Session name.
    pub session_name: Option<String>,
    /// Source identity.
    pub source_identity: Option<String>,
    /// Session tags.
    pub tags: Vec<SessionTag>,
}

impl Rule {
    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The one provider whose identities it looks at; `None`: all of them.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// Its condition as written.
    pub fn when(&self) -> &str {
        &self.written
    }

    /// What it does where it matches.
    pub const fn effect(&self) -> RuleEffect {
        self.effect
    }

    /// The roles that it offers to whomever it matches, or denies.
    pub fn roles(&self) -> &[RoleArn] {
        &self.roles
    }

    /// How it finds further roles in what the identity says.
    pub const fn roles_from(&self) -> Option<&RolesFrom> {
        self.roles_from.as_ref()
    }

    /// How long sessions last unless the caller asks.
    pub const fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// The roles that it offers to `identity` where it matches.
    pub fn offered_to<'r>(&'r self, identity: &'r FederatedIdentity) -> impl Iterator<Item = &'r RoleArn> {
        self.roles.iter().chain(self.roles_from.iter().flat_map(|from| from.found_in(identity)))
    }

    /// Whether somebody can be offered `role` by it.
    pub fn can_offer(&self, role: &RoleArn) -> bool {
        let derives = |from: &RolesFrom| from.value_of(role).is_some();
        self.effect == RuleEffect::Offer
            && (self.roles.contains(role) || self.roles_from.as_ref().is_some_and(derives))
    }

    /// Whether it takes `role` away where it matches.
    pub fn denies(&self, role: &RoleArn) -> bool {
        self.effect == RuleEffect::Deny && (self.roles.is_empty() || self.roles.contains(role))
    }

    /// Whether it sets nothing of the session, so that it can't fail where its condition holds.
    pub(super) fn sets_nothing(&self) -> bool {
        self.session_name.is_none() && self.source_identity.is_none() && self.tags.is_empty()
    }

    pub(super) fn looks_at(&self, identity: &FederatedIdentity) -> bool {
        self.provider().is_none_or(|only| only == identity.provider_name())
    }

    pub(super) fn evaluate(&self, identity: &FederatedIdentity, context: &Context<'_, '_>) -> Outcome {
        match self.when.boolean(context) {
            Ok(true) if self.offers_nothing_to(identity) => Outcome::Declines,
            Ok(true) => self
                .map(context)
                .map_or_else(|(field, reason)| Outcome::Fails { field, reason }, Outcome::Matches),
            Ok(false) => Outcome::Declines,
            Err(reason) => Outcome::Fails { field: "when", reason },
        }
    }

    fn offers_nothing_to(&self, identity: &FederatedIdentity) -> bool {
        self.effect == RuleEffect::Offer && self.offered_to(identity).next().is_none()
    }

    fn map(&self, context: &Context<'_, '_>) -> Result<Mapping, (&'static str, String)> {
        let text = |field, expression: &Option<Expression>| {
            expression.as_ref().map(|e| e.text(context)).transpose().map_err(|reason| (field, reason))
        };
        let tags = self.tags.iter().map(|tag| {
            let value =
                tag.value.text(context).map_err(|reason| ("tags", format!("{}: {reason}", tag.key)))?;
            Ok(SessionTag { key: tag.key.clone(), value, transitive: tag.transitive })
        });
        Ok(Mapping {
            session_name: text("session_name", &self.session_name)?,
            source_identity: text("source_identity", &self.source_identity)?,
            tags: tags.collect::<Result<_, _>>()?,
        })
    }
}
