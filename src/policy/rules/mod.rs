//! Attribute rules: CEL expressions over an identity that offer roles.
//!
//! [`Rules::compile`] refuses what can't be evaluated safely (`shape`). [`Rules::matching`] and
//! [`Rules::evaluate`] ask only the rules that can match: those of the identity's provider (`index`),
//! where the identity has what their conditions can't be true without (`needs`); in sections whose order
//! counts (`section`) every rule up to the one that ends them. A rule whose evaluation fails, in any
//! of its expressions, does not match: a mistake never grants.

mod clauses;
mod compiler;
mod derived;
mod expression;
mod index;
mod needs;
mod network;
mod rule;
mod section;
mod shape;
mod source;
mod types;
mod unreachable;
mod view;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cel::{Context, Env};

pub use self::clauses::{Clause, Read};
use self::compiler::Compiler;
pub use self::derived::{RolesFrom, RolesFromFault};
pub use self::rule::{Mapping, Outcome, Rule};
use self::section::Section;
pub use self::section::{SectionOffers, SectionSource};
pub use self::unreachable::{Shadow, Unreachable};
use self::view::View;
use super::Circumstances;
use crate::arn::RoleArn;
use crate::identity::FederatedIdentity;

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
    /// The section that it is in; `None`: the last, in which all rules offer.
    pub section: Option<String>,
    /// The roles it offers or denies; a rule that denies and names none denies every one.
    pub roles: Vec<RoleArn>,
    /// How it finds further roles to offer in what the identity says.
    pub roles_from: Option<RolesFrom>,
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
    /// In their order; the last is of the rules that name none.
    sections: Vec<Section>,
    /// The places of those that deny. Each is asked every time: one that fails denies, too.
    denies: Vec<usize>,
}

impl Rules {
    /// Compiles `sources`, which name no section.
    pub fn compile(sources: Vec<RuleSource>) -> Result<Self, Vec<RuleFault>> {
        Self::compile_in(&[], sources)
    }

    /// Compiles `sources` in `sections`; all faults of all rules at once. The parser recurses so greedily
    /// that it gets a stack of its own; a panic of it is a fault like any other.
    pub fn compile_in(sections: &[SectionSource], sources: Vec<RuleSource>) -> Result<Self, Vec<RuleFault>> {
        thread::scope(|scope| {
            let parser = thread::Builder::new().stack_size(PARSER_STACK);
            let compiled = parser.spawn_scoped(scope, || Self::compile_here(sections, sources));
            compiled.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| {
                let message = "the rules could not be compiled: no stack for it".to_owned();
                Err(vec![RuleFault { rule: 0, field: "when", message }])
            })
        })
    }

    fn compile_here(sections: &[SectionSource], sources: Vec<RuleSource>) -> Result<Self, Vec<RuleFault>> {
        let env = expression::environment();
        let mut compiler = Compiler::new(&env, sections);
        let rules = compiler.rules(sources);
        if !compiler.faults.is_empty() {
            return Err(compiler.faults);
        }
        let mut sections: Vec<_> = sections.iter().map(Section::new).collect();
        sections.push(Section::default());
        let mut denies = Vec::new();
        for (position, rule) in rules.iter().enumerate() {
            match rule.section {
                Some(section) => sections[section].add(position, rule),
                None => denies.push(position),
            }
        }
        Ok(Self { env, rules, sections, denies })
    }

    /// Every rule, in the order written.
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// The sections whose rules, where one matches, keep `rule` from counting.
    pub fn sections_before<'r>(&'r self, rule: &'r Rule) -> impl Iterator<Item = &'r str> {
        let place = rule.section.unwrap_or_default();
        let is_first = move |section: &Section| {
            section.first().is_some_and(|first| std::ptr::eq(&raw const self.rules[first], rule))
        };
        let keeps = move |(number, section): &(usize, &Section)| {
            (*number < place && section.stops())
                || (*number == place && section.takes_first() && !is_first(section))
        };
        self.sections.iter().enumerate().filter(keeps).map(|(_, section)| section.name())
    }

    /// The rules that take roles away from `identity`, in the order written: those that match, and those
    /// that can't be evaluated.
    pub fn denying(&self, identity: &FederatedIdentity, when: Circumstances) -> Vec<(&Rule, Outcome)> {
        if self.denies.is_empty() {
            return Vec::new();
        }
        let view = View::new(identity, when);
        let context = self.context(&view);
        let denies = self.denies.iter().map(|position| &self.rules[*position]);
        let asked = denies.filter(|rule| rule.looks_at(identity));
        let outcomes = asked.map(|rule| (rule, rule.evaluate(identity, &context)));
        outcomes.filter(|(_, outcome)| *outcome != Outcome::Declines).collect()
    }

    /// The rules that match `identity` and offer something, in the order of their sections and then as
    /// written. With `role`, only those that offer it.
    pub fn matching(
        &self,
        identity: &FederatedIdentity,
        role: Option<&RoleArn>,
        when: Circumstances,
    ) -> Vec<(&Rule, Mapping)> {
        let offers = |rule: &Rule| role.is_none_or(|role| rule.offered_to(identity).any(|one| one == role));
        let outcomes = self.evaluate(identity, role, when).into_iter();
        outcomes
            .filter_map(|(rule, outcome)| match outcome {
                Outcome::Matches(mapping) if offers(rule) => Some((rule, mapping)),
                _ => None,
            })
            .collect()
    }

    /// The rules that offer and are asked, in the order of their sections and then as written, with what
    /// each said and why. Whoever is left out would decline or fail, or does not count. With `role`, only
    /// those that may offer it, or come before one that may.
    pub fn evaluate(
        &self,
        identity: &FederatedIdentity,
        role: Option<&RoleArn>,
        when: Circumstances,
    ) -> Vec<(&Rule, Outcome)> {
        let view = View::new(identity, when);
        let context = self.context(&view);
        let mut said = Vec::new();
        for section in &self.sections {
            let mut stops = false;
            let candidates = section.candidates(identity, role).into_iter();
            for rule in candidates.map(|position| &self.rules[position]).filter(|it| it.looks_at(identity)) {
                let outcome = rule.evaluate(identity, &context);
                let ends = section.ends_with(&outcome);
                stops |= section.stops_with(&outcome);
                said.push((rule, outcome));
                if ends {
                    break;
                }
            }
            if stops {
                break;
            }
        }
        said
    }

    /// Every rule that looks at identities of this provider, in the order written, with what it said and
    /// why: for explanations, as it costs as much as there are rules.
    pub fn evaluate_all(&self, identity: &FederatedIdentity, when: Circumstances) -> Vec<(&Rule, Outcome)> {
        let view = View::new(identity, when);
        let context = self.context(&view);
        let asked = self.rules.iter().filter(|rule| rule.looks_at(identity));
        let mut said: Vec<_> = asked.map(|rule| (rule, rule.evaluate(identity, &context))).collect();
        let mut ended: Vec<Option<&str>> = vec![None; self.sections.len()];
        for (number, section) in self.sections.iter().enumerate() {
            for (rule, outcome) in said.iter_mut().filter(|(rule, _)| rule.section == Some(number)) {
                if let Some(by) = ended[number] {
                    if matches!(outcome, Outcome::Matches(_)) {
                        *outcome = Outcome::PassedOver { by: by.to_owned() };
                    }
                    continue;
                }
                if section.ends_with(outcome) {
                    ended[number] = Some(rule.name());
                }
                if section.stops_with(outcome) {
                    for end in &mut ended[number + 1..] {
                        *end = end.or(Some(rule.name()));
                    }
                }
            }
        }
        said
    }

    /// The parts of the condition of `rule`, with what each saw of `identity`: for explanations.
    pub fn clauses(&self, rule: &Rule, identity: &FederatedIdentity, when: Circumstances) -> Vec<Clause> {
        let view = View::new(identity, when);
        let context = self.context(&view);
        let mut clauses = rule.when.clauses(&rule.written, identity, &context);
        clauses.extend(rule.roles_from().map(|from| clauses::of_roles(from, identity)));
        clauses
    }

    fn context<'c>(&self, view: &'c View<'_>) -> Context<'c, 'c> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.set_variable_resolver(view);
        context
    }
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.rules.iter().map(Rule::name)).finish()
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "section_tests.rs"]
mod section_tests;

#[cfg(test)]
#[path = "index_tests.rs"]
mod index_tests;
