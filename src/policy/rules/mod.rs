//! Attribute rules: CEL expressions over an identity that offer roles.
//!
//! [`Rules::compile`] refuses what can't be evaluated safely (`shape`). [`Rules::matching`] and
//! [`Rules::evaluate`] ask only the rules that can match: those of the identity's provider (`index`),
//! where the identity has what their conditions can't be true without (`needs`). A rule whose evaluation
//! fails, in any of its expressions, does not match: a mistake never grants.

mod clauses;
mod compiler;
mod expression;
mod index;
mod needs;
mod shape;
mod source;
mod types;
mod view;

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cel::{Context, Env};

pub use self::clauses::{Clause, Read};
use self::compiler::Compiler;
use self::expression::Expression;
use self::index::Index;
use self::view::View;
use crate::arn::RoleArn;
use crate::clock::Moment;
use crate::identity::{FederatedIdentity, SessionTag};

/// Stack to parse rules on. The worst source that `shape` lets through needs about 8 MiB in a
/// debug build, where a level of brackets costs 200 KiB; only what is touched is ever taken.
const PARSER_STACK: usize = 64 << 20;

/// A rule as written: every expression is CEL source.
#[derive(Debug, Clone, Default)]
pub struct RuleSource {
    /// What messages call it; no two rules share one.
    pub name: String,
    /// The one provider whose identities it looks at; `None`: all of them.
    pub provider: Option<String>,
    /// What it does where it matches.
    pub effect: RuleEffect,
    /// Whether it matches: a boolean.
    pub when: String,
    /// The roles it offers or denies; a rule that denies and names none denies every one.
    pub roles: Vec<RoleArn>,
    /// The session name: a string.
    pub session_name: Option<String>,
    /// The source identity: a string.
    pub source_identity: Option<String>,
    /// Session tags by key, each value a string.
    pub tags: Vec<(String, String)>,
    /// Which of the tags go along to the next role of a chain.
    pub transitive_tags: Vec<String>,
    /// How long sessions last unless the caller asks.
    pub duration: Option<Duration>,
}

/// What a rule does where it matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RuleEffect {
    /// It offers its roles.
    #[default]
    Offer,
    /// It takes its roles away, whatever offers them, and so it does where it can't be evaluated.
    Deny,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct RuleFault {
    /// Which rule, from 0.
    pub rule: usize,
    /// Which of its fields.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
}

/// Compiled rules, in the order written.
pub struct Rules {
    env: Arc<Env>,
    rules: Vec<Rule>,
    /// Those that offer.
    index: Index,
    /// The places of those that deny. Each is asked every time: one that fails denies, too.
    denies: Vec<usize>,
    /// Those that offer a role.
    by_role: HashMap<RoleArn, Index>,
}

/// One compiled rule.
#[derive(Debug)]
pub struct Rule {
    name: String,
    provider: Option<String>,
    effect: RuleEffect,
    roles: Vec<RoleArn>,
    duration: Option<Duration>,
    /// `when` as its author wrote it.
    written: String,
    when: Expression,
    session_name: Option<Expression>,
    source_identity: Option<Expression>,
    tags: Vec<CompiledTag>,
}

#[derive(Debug)]
struct CompiledTag {
    key: String,
    value: Expression,
    transitive: bool,
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

impl Rules {
    /// Compiles `sources`; all faults of all rules at once. The parser recurses so greedily
    /// that it gets a stack of its own; a panic of it is a fault like any other.
    pub fn compile(sources: Vec<RuleSource>) -> Result<Self, Vec<RuleFault>> {
        thread::scope(|scope| {
            let parser = thread::Builder::new().stack_size(PARSER_STACK);
            let compiled = parser.spawn_scoped(scope, || Self::compile_here(sources));
            compiled.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| {
                let message = "the rules could not be compiled: no stack for it".to_owned();
                Err(vec![RuleFault { rule: 0, field: "when", message }])
            })
        })
    }

    fn compile_here(sources: Vec<RuleSource>) -> Result<Self, Vec<RuleFault>> {
        let env = expression::environment();
        let mut compiler = Compiler::new(&env);
        let rules = compiler.rules(sources);
        if compiler.faults.is_empty() { Ok(Self::index(env, rules)) } else { Err(compiler.faults) }
    }

    fn index(env: Arc<Env>, rules: Vec<Rule>) -> Self {
        let (mut index, mut by_role) = (Index::default(), HashMap::<RoleArn, Index>::new());
        let is_deny = |rule: &Rule| rule.effect == RuleEffect::Deny;
        let denies = rules.iter().enumerate().filter(|(_, rule)| is_deny(rule)).map(|(at, _)| at).collect();
        for (position, rule) in rules.iter().enumerate().filter(|(_, rule)| !is_deny(rule)) {
            let needs = rule.when.needs();
            index.add(position, rule, needs.as_deref());
            for role in &rule.roles {
                by_role.entry(role.clone()).or_default().add(position, rule, needs.as_deref());
            }
        }
        Self { env, rules, index, denies, by_role }
    }

    /// Every rule, in the order written.
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that take roles away from `identity`, in the order written: those that match, and those
    /// that can't be evaluated.
    pub fn denying(&self, identity: &FederatedIdentity, at: Moment) -> Vec<(&Rule, Outcome)> {
        if self.denies.is_empty() {
            return Vec::new();
        }
        let denies = self.denies.iter().map(|position| &self.rules[*position]);
        let mut outcomes = self.ask(identity, at, denies.filter(|rule| rule.looks_at(identity)));
        outcomes.retain(|(_, outcome)| *outcome != Outcome::Declines);
        outcomes
    }

    /// The rules that match `identity` and offer something, in the order written. With `role`, only rules that
    /// offer it are evaluated.
    pub fn matching(
        &self,
        identity: &FederatedIdentity,
        role: Option<&RoleArn>,
        at: Moment,
    ) -> Vec<(&Rule, Mapping)> {
        let outcomes = self.evaluate(identity, role, at).into_iter();
        outcomes
            .filter_map(|(rule, outcome)| match outcome {
                Outcome::Matches(mapping) => Some((rule, mapping)),
                Outcome::Declines | Outcome::Fails { .. } => None,
            })
            .collect()
    }

    /// The rules that offer and can match `identity`, in the order written, with what each said and why. With
    /// `role`, only those that offer it. Whoever is left out would decline, or fail.
    pub fn evaluate(
        &self,
        identity: &FederatedIdentity,
        role: Option<&RoleArn>,
        at: Moment,
    ) -> Vec<(&Rule, Outcome)> {
        let index = role.map_or(Some(&self.index), |role| self.by_role.get(role));
        let found = index.map(|index| index.find(identity)).unwrap_or_default();
        self.ask(identity, at, found.into_iter().map(|position| &self.rules[position]))
    }

    /// Every rule that looks at identities of this provider, with what it said and why: for
    /// explanations, as it costs as much as there are rules.
    pub fn evaluate_all(&self, identity: &FederatedIdentity, at: Moment) -> Vec<(&Rule, Outcome)> {
        self.ask(identity, at, self.rules.iter().filter(|rule| rule.looks_at(identity)))
    }

    /// The parts of the condition of `rule`, with what each saw of `identity`: for explanations.
    pub fn clauses(&self, rule: &Rule, identity: &FederatedIdentity, at: Moment) -> Vec<Clause> {
        let view = View::new(identity, at);
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.set_variable_resolver(&view);
        rule.when.clauses(&rule.written, identity, &context)
    }

    fn ask<'r>(
        &self,
        identity: &FederatedIdentity,
        at: Moment,
        rules: impl Iterator<Item = &'r Rule>,
    ) -> Vec<(&'r Rule, Outcome)> {
        let view = View::new(identity, at);
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.set_variable_resolver(&view);
        rules.map(|rule| (rule, rule.evaluate(&context))).collect()
    }
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.rules.iter().map(Rule::name)).finish()
    }
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

    /// Whether it takes `role` away where it matches.
    pub fn denies(&self, role: &RoleArn) -> bool {
        self.effect == RuleEffect::Deny && (self.roles.is_empty() || self.roles.contains(role))
    }

    fn looks_at(&self, identity: &FederatedIdentity) -> bool {
        self.provider().is_none_or(|only| only == identity.provider_name())
    }

    /// The roles it offers or denies.
    pub fn roles(&self) -> &[RoleArn] {
        &self.roles
    }

    /// How long sessions last unless the caller asks.
    pub const fn duration(&self) -> Option<Duration> {
        self.duration
    }

    fn evaluate(&self, context: &Context<'_, '_>) -> Outcome {
        match self.when.boolean(context) {
            Ok(true) => self
                .map(context)
                .map_or_else(|(field, reason)| Outcome::Fails { field, reason }, Outcome::Matches),
            Ok(false) => Outcome::Declines,
            Err(reason) => Outcome::Fails { field: "when", reason },
        }
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

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "index_tests.rs"]
mod index_tests;
