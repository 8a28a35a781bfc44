//! From rules as written to compiled rules, or everything that is wrong with them.

use std::collections::HashSet;

use cel::Env;

use super::expression::Expression;
use super::rule::{CompiledTag, Rule};
use super::section::SectionSource;
use super::types::Kind;
use super::{RuleEffect, RuleFault, RuleSource};
use crate::policy::tags::{self, TagFault};

/// Compiles rule after rule and gathers what is wrong.
pub(super) struct Compiler<'e> {
    env: &'e Env,
    sections: &'e [SectionSource],
    /// The place of the rule at hand.
    rule: usize,
    pub(super) faults: Vec<RuleFault>,
}

impl<'e> Compiler<'e> {
    pub(super) const fn new(env: &'e Env, sections: &'e [SectionSource]) -> Self {
        Self { env, sections, rule: 0, faults: Vec::new() }
    }

    /// Compiles every rule that can be.
    pub(super) fn rules(&mut self, sources: Vec<RuleSource>) -> Vec<Rule> {
        let mut names = HashSet::new();
        let mut rules = Vec::new();
        for (index, source) in sources.into_iter().enumerate() {
            self.rule = index;
            if !names.insert(source.name.clone()) {
                self.fault("name", format!("there is another rule called {:?}", source.name));
            }
            rules.extend(self.compile(source));
        }
        rules
    }

    fn compile(&mut self, source: RuleSource) -> Option<Rule> {
        match source.effect {
            RuleEffect::Offer if source.roles.is_empty() && source.roles_from.is_none() => {
                self.fault("roles", "it offers no role");
            }
            RuleEffect::Offer => {}
            RuleEffect::Deny => self.sets_nothing(&source),
        }
        let section = self.section(&source);
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
            effect: source.effect,
            section: (source.effect == RuleEffect::Offer).then_some(section),
            roles: source.roles,
            roles_from: source.roles_from,
            duration: source.duration,
            written: source.when,
            when: when?,
            session_name: session_name.flatten(),
            source_identity: source_identity.flatten(),
            tags: tags.into_iter().collect::<Option<_>>()?,
        })
    }

    /// The place of the section that it names, or of the last one.
    fn section(&mut self, source: &RuleSource) -> usize {
        let Some(name) = &source.section else { return self.sections.len() };
        let found = self.sections.iter().position(|section| section.name == *name);
        found.unwrap_or_else(|| {
            self.fault("section", format!("there is no section called {name:?}"));
            self.sections.len()
        })
    }

    /// What a rule sets is for those whom it offers something.
    fn sets_nothing(&mut self, source: &RuleSource) {
        let set = [
            ("section", source.section.is_some()),
            ("roles_from", source.roles_from.is_some()),
            ("session_name", source.session_name.is_some()),
            ("source_identity", source.source_identity.is_some()),
            ("tags", !source.tags.is_empty()),
            ("duration", source.duration.is_some()),
        ];
        for (field, _) in set.into_iter().filter(|(_, is_set)| *is_set) {
            let what = match field {
                "section" => "a rule that denies does so whatever section offers: leave it out",
                "roles_from" => "a rule that denies names its roles: leave it out",
                _ => "a rule that denies sets nothing: leave it out",
            };
            self.fault(field, what);
        }
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
        let wanted = if field == "when" { Kind::Bool } else { Kind::Text };
        Expression::compile(self.env, source, &wanted).map_err(|message| self.fault(field, message)).ok()
    }

    fn fault(&mut self, field: &'static str, message: impl Into<String>) {
        self.faults.push(RuleFault { rule: self.rule, field, message: message.into() });
    }
}
