//! Attribute rules: CEL expressions over an identity that offer roles.
//!
//! [`Rules::compile`] refuses what can't be evaluated safely (`shape`); [`Rules::matching`]
//! looks only at the rules of the identity's provider. A rule whose evaluation fails, in any of
//! its expressions, does not match: a mistake never grants. The reason is kept for `explain`.

mod expression;
mod shape;
mod view;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cel::{Context, Env};

use self::expression::Expression;
use self::view::View;
use super::tags::{self, TagFault};
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
    /// Whether it matches: a boolean.
    pub when: String,
    /// The roles it offers.
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
    /// For each provider that a rule names: its rules and those for every provider, in order.
    by_provider: HashMap<String, Vec<usize>>,
    /// The rules for every provider.
    for_all: Vec<usize>,
}

/// One compiled rule.
#[derive(Debug)]
pub struct Rule {
    name: String,
    provider: Option<String>,
    roles: Vec<RoleArn>,
    duration: Option<Duration>,
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
        let mut compiler = Compiler { env: &env, rule: 0, faults: Vec::new() };
        let mut names = HashSet::new();
        let mut rules = Vec::new();
        for (index, source) in sources.into_iter().enumerate() {
            compiler.rule = index;
            if !names.insert(source.name.clone()) {
                compiler.fault("name", format!("there is another rule called {:?}", source.name));
            }
            rules.extend(compiler.rule(source));
        }
        if compiler.faults.is_empty() { Ok(Self::index(env, rules)) } else { Err(compiler.faults) }
    }

    fn index(env: Arc<Env>, rules: Vec<Rule>) -> Self {
        let indexes_for = |provider: Option<&str>| {
            let looks = |rule: &Rule| rule.provider.is_none() || rule.provider.as_deref() == provider;
            (0..rules.len()).filter(|index| looks(&rules[*index])).collect::<Vec<_>>()
        };
        let providers: HashSet<&str> = rules.iter().filter_map(|rule| rule.provider.as_deref()).collect();
        let by_provider =
            providers.into_iter().map(|name| (name.to_owned(), indexes_for(Some(name)))).collect();
        let for_all = indexes_for(None);
        Self { env, rules, by_provider, for_all }
    }

    /// The rules that match `identity`, in the order written. With `role`, only rules that
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

    /// Every rule that looks at `identity`, with what it said and why.
    pub fn evaluate(
        &self,
        identity: &FederatedIdentity,
        role: Option<&RoleArn>,
        at: Moment,
    ) -> Vec<(&Rule, Outcome)> {
        let view = View::new(identity, at);
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.set_variable_resolver(&view);
        self.by_provider
            .get(identity.provider_name())
            .unwrap_or(&self.for_all)
            .iter()
            .map(|index| &self.rules[*index])
            .filter(|rule| role.is_none_or(|role| rule.roles.contains(role)))
            .map(|rule| (rule, rule.evaluate(&context)))
            .collect()
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

    /// The roles it offers.
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

/// Compiles rule after rule and gathers what is wrong.
struct Compiler<'e> {
    env: &'e Env,
    rule: usize,
    faults: Vec<RuleFault>,
}

impl Compiler<'_> {
    fn rule(&mut self, source: RuleSource) -> Option<Rule> {
        if source.roles.is_empty() {
            self.fault("roles", "it offers no role");
        }
        for key in &source.transitive_tags {
            if !source.tags.iter().any(|(tag, _)| tags::same_key(tag, key)) {
                self.fault("transitive_tags", format!("{key:?} is not among its tags"));
            }
        }
        self.tag_keys(&source.tags);
        let when = self.expression("when", &source.when);
        let session_name = source.session_name.map(|text| self.expression("session_name", &text));
        let source_identity = source.source_identity.map(|text| self.expression("source_identity", &text));
        let transitive = source.transitive_tags;
        let tags: Vec<Option<CompiledTag>> = (source.tags.into_iter())
            .map(|(key, text)| {
                let transitive = transitive.iter().any(|name| tags::same_key(name, &key));
                Some(CompiledTag { value: self.expression("tags", &text)?, key, transitive })
            })
            .collect();
        Some(Rule {
            name: source.name,
            provider: source.provider,
            roles: source.roles,
            duration: source.duration,
            when: when?,
            session_name: session_name.flatten(),
            source_identity: source_identity.flatten(),
            tags: tags.into_iter().collect::<Option<_>>()?,
        })
    }

    fn tag_keys(&mut self, tags: &[(String, String)]) {
        if tags.len() > tags::MAX_TAGS {
            self.fault("tags", TagFault::TooMany(tags.len()).to_string());
        }
        for (index, (key, _)) in tags.iter().enumerate() {
            if let Err(fault) = tags::check_key(key) {
                self.fault("tags", fault.to_string());
            } else if tags[..index].iter().any(|(other, _)| tags::same_key(other, key)) {
                self.fault("tags", format!("{key:?}: {}", TagFault::Duplicate));
            }
        }
    }

    fn expression(&mut self, field: &'static str, source: &str) -> Option<Expression> {
        Expression::compile(self.env, source).map_err(|message| self.fault(field, message)).ok()
    }

    fn fault(&mut self, field: &'static str, message: impl Into<String>) {
        self.faults.push(RuleFault { rule: self.rule, field, message: message.into() });
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
