//! Which rules can match an identity, without asking all of them.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::Rule;
use super::needs::{Need, Place, Text};
use crate::identity::FederatedIdentity;

/// The place of a rule in the order written.
type Position = usize;

/// Finds rules by provider, and by what an identity must have for them.
#[derive(Debug, Default)]
pub(super) struct Index {
    of_provider: HashMap<String, Finder>,
    of_all: Finder,
}

impl Index {
    /// Adds a rule that can match only where one of `needs` is met; `None`: anywhere.
    pub(super) fn add(&mut self, position: Position, rule: &Rule, needs: Option<&[Need]>) {
        let finder = match &rule.provider {
            Some(provider) => self.of_provider.entry(provider.clone()).or_default(),
            None => &mut self.of_all,
        };
        finder.add(position, needs);
    }

    /// The rules that can match `identity`, in the order written, each once.
    pub(super) fn find(&self, identity: &FederatedIdentity) -> Vec<Position> {
        let mut found = Vec::new();
        self.of_all.find(identity, &mut found);
        if let Some(finder) = self.of_provider.get(identity.provider_name()) {
            finder.find(identity, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Rules by what they need.
#[derive(Debug, Default)]
struct Finder {
    /// Those of which nobody knows.
    always: Vec<Position>,
    subject: Texts,
    issuer: Texts,
    attributes: HashMap<String, Texts>,
    claims: HashMap<String, Texts>,
}

impl Finder {
    fn add(&mut self, position: Position, needs: Option<&[Need]>) {
        let Some(needs) = needs else { return self.always.push(position) };
        for Need { place, text } in needs {
            let texts = match place {
                Place::Subject => &mut self.subject,
                Place::Issuer => &mut self.issuer,
                Place::Attribute(name) => self.attributes.entry(name.clone()).or_default(),
                Place::Claim(name) => self.claims.entry(name.clone()).or_default(),
            };
            texts.add(position, text);
        }
    }

    fn find(&self, identity: &FederatedIdentity, found: &mut Vec<Position>) {
        found.extend(&self.always);
        self.subject.find(identity.subject(), found);
        self.issuer.find(identity.issuer(), found);
        if !self.attributes.is_empty() {
            self.find_by_attributes(identity, found);
        }
        for (name, value) in identity.claims().into_iter().flatten() {
            if let Some(texts) = self.claims.get(name) {
                texts_of(value).for_each(|text| texts.find(text, found));
            }
        }
    }

    /// By every name that rules know an attribute by.
    fn find_by_attributes(&self, identity: &FederatedIdentity, found: &mut Vec<Position>) {
        let attributes = identity.attributes();
        let aliases = identity.aliases().iter();
        let by_alias = aliases.filter_map(|(alias, meant)| Some((alias, attributes.get(meant.as_ref()?)?)));
        for (name, values) in attributes.iter().chain(by_alias) {
            if let Some(texts) = self.attributes.get(name) {
                values.iter().for_each(|value| texts.find(value, found));
            }
        }
    }
}

/// What is a text in a claim, in its items, or in the names of its members.
fn texts_of(claim: &Json) -> Box<dyn Iterator<Item = &str> + '_> {
    match claim {
        Json::String(text) => Box::new(std::iter::once(text.as_str())),
        Json::Array(items) => Box::new(items.iter().filter_map(Json::as_str)),
        Json::Object(members) => Box::new(members.keys().map(String::as_str)),
        Json::Null | Json::Bool(_) | Json::Number(_) => Box::new(std::iter::empty()),
    }
}

/// Rules by the text that they need in one place.
#[derive(Debug, Default)]
struct Texts {
    whole: HashMap<String, Vec<Position>>,
    beginnings: HashMap<String, Vec<Position>>,
    /// Bytes of the beginnings, each length once.
    lengths: Vec<usize>,
}

impl Texts {
    fn add(&mut self, position: Position, text: &Text) {
        match text {
            Text::Is(text) => self.whole.entry(text.clone()).or_default().push(position),
            Text::Begins(text) => {
                self.beginnings.entry(text.clone()).or_default().push(position);
                if !self.lengths.contains(&text.len()) {
                    self.lengths.push(text.len());
                }
            }
        }
    }

    fn find(&self, text: &str, found: &mut Vec<Position>) {
        found.extend(self.whole.get(text).into_iter().flatten());
        for length in &self.lengths {
            let beginning = text.get(..*length).and_then(|beginning| self.beginnings.get(beginning));
            found.extend(beginning.into_iter().flatten());
        }
    }
}
