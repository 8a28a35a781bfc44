//! Rules that can't count, whoever comes: what is written for nobody.
//!
//! Found is what can be read off the text: a condition whose parts, joined by `&&`, are all parts of
//! another's holds wherever the other does. Who is told nothing is not safe.

use std::collections::HashMap;

use super::clauses::conjuncts;
use super::section::Section;
use super::{Rule, RuleEffect, Rules};

/// Rules that are compared with one: more would cost more than the warning is worth.
const MOST: usize = 64;

/// A rule that can't count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// Which, from 0.
    pub rule: usize,
    /// Why.
    pub why: Shadow,
}

/// Why a rule can't count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shadow {
    /// Its condition is `false`.
    Never,
    /// The rule of this name denies what it offers, wherever it matches.
    Denied(String),
    /// The rule of this name matches wherever it does, and ends their section or the sections before.
    PassedOver(String),
    /// The rule of this name offers the same roles wherever it matches.
    Repeated(String),
}

impl Rules {
    /// The rules that can't count.
    pub fn unreachable(&self) -> Vec<Unreachable> {
        let parts: Vec<_> = self.rules.iter().map(Parts::of).collect();
        let known = Known::among(&parts);
        let mut found = Vec::new();
        for (position, rule) in self.rules.iter().enumerate().filter(|(_, it)| it.effect == RuleEffect::Offer)
        {
            let others = known.covering(&parts, position).map(|other| (other, &self.rules[other]));
            let why = if parts[position].never {
                Some(Shadow::Never)
            } else {
                others.filter_map(|other| self.shadow((position, rule), other)).next()
            };
            found.extend(why.map(|why| Unreachable { rule: position, why }));
        }
        found
    }

    /// What `other`, which matches wherever `rule` does, takes from it.
    fn shadow(&self, (position, rule): (usize, &Rule), (at, other): (usize, &Rule)) -> Option<Shadow> {
        let is_for_all = other.provider.is_none() || other.provider == rule.provider;
        if at == position || !is_for_all || other.roles_from.is_some() {
            return None;
        }
        let name = || other.name.clone();
        let Some((section, its)) = other.section.zip(rule.section) else {
            let denied = rule.roles.iter().all(|role| other.denies(role));
            let all = other.roles.is_empty() || rule.roles_from.is_none();
            return (denied && all).then(|| Shadow::Denied(name()));
        };
        let of = |section: usize| -> &Section { &self.sections[section] };
        let is_before = section < its || (section == its && at < position);
        let ends = (section == its && of(section).takes_first()) || (section < its && of(section).stops());
        let repeats = section == its && rule.roles_from.is_none() && other.sets_nothing();
        if !is_before {
            None
        } else if ends {
            Some(Shadow::PassedOver(name()))
        } else {
            let offers_all = rule.roles.iter().all(|role| other.roles.contains(role));
            (repeats && offers_all).then(|| Shadow::Repeated(name()))
        }
    }
}

/// The parts of a condition.
struct Parts<'r> {
    /// Those that must hold, each once; none where it always holds.
    all: Vec<&'r str>,
    never: bool,
}

impl<'r> Parts<'r> {
    fn of(rule: &'r Rule) -> Self {
        let mut all = conjuncts(&rule.written);
        let never = all.contains(&"false");
        all.retain(|part| *part != "true");
        all.sort_unstable();
        all.dedup();
        Self { all, never }
    }

    /// Whether it holds wherever `other` does.
    fn covers(&self, other: &Self) -> bool {
        self.all.iter().all(|part| other.all.binary_search(part).is_ok())
    }
}

/// Rules by the part that the fewest of them have.
struct Known<'r> {
    always: Vec<usize>,
    by_part: HashMap<&'r str, Vec<usize>>,
}

impl<'r> Known<'r> {
    fn among(parts: &[Parts<'r>]) -> Self {
        let mut counts = HashMap::<&str, usize>::new();
        parts.iter().flat_map(|it| &it.all).for_each(|part| *counts.entry(part).or_default() += 1);
        let mut known = Self { always: Vec::new(), by_part: HashMap::new() };
        for (position, it) in parts.iter().enumerate() {
            let list = match it.all.iter().min_by_key(|part| counts.get(**part)) {
                Some(rarest) => known.by_part.entry(rarest).or_default(),
                None => &mut known.always,
            };
            if list.len() < MOST {
                list.push(position);
            }
        }
        known
    }

    /// The rules that match wherever the one at `position` does.
    fn covering<'k>(&'k self, parts: &'k [Parts<'_>], position: usize) -> impl Iterator<Item = usize> + 'k {
        let mine = &parts[position];
        let lists = mine.all.iter().filter_map(|part| self.by_part.get(*part)).flatten();
        self.always.iter().chain(lists).copied().filter(|other| parts[*other].covers(mine))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::RuleSource;
    use crate::policy::rules::section::{SectionOffers, SectionSource};

    fn rule(name: &str, when: &str, roles: &[&str]) -> RuleSource {
        let arn = |name: &&str| format!("arn:aws:iam::111122223333:role/{name}").parse().unwrap();
        RuleSource {
            name: name.into(),
            when: when.into(),
            roles: roles.iter().map(arn).collect(),
            ..RuleSource::default()
        }
    }

    fn deny(name: &str, when: &str, roles: &[&str]) -> RuleSource {
        RuleSource { effect: RuleEffect::Deny, ..rule(name, when, roles) }
    }

    fn within(section: &str, source: RuleSource) -> RuleSource {
        RuleSource { section: Some(section.into()), ..source }
    }

    fn of(provider: &str, source: RuleSource) -> RuleSource {
        RuleSource { provider: Some(provider.into()), ..source }
    }

    /// Each rule that can't count, with why.
    fn unreachable(sources: Vec<RuleSource>) -> Vec<String> {
        let section = |name: &str, offers, goes_on| SectionSource { name: name.into(), offers, goes_on };
        let sections = [
            section("first", SectionOffers::First, true),
            section("stop", SectionOffers::All, false),
            section("plain", SectionOffers::All, true),
        ];
        let rules = Rules::compile_in(&sections, sources).unwrap_or_else(|faults| panic!("{faults:?}"));
        let name = |it: &Unreachable| format!("{}: {:?}", rules.all()[it.rule].name(), it.why);
        rules.unreachable().iter().map(name).collect()
    }

    const STAFF: &str = r#""staff" in groups"#;
    const STAFF_AND_MORE: &str = r#"subject == "a b" && ("staff" in groups)"#;

    #[test]
    fn what_another_denies_wherever_it_matches() {
        for (sources, expected) in [
            (
                vec![rule("r", STAFF_AND_MORE, &["a"]), deny("d", STAFF, &["a", "b"])],
                &[r#"r: Denied("d")"#][..],
            ),
            (vec![rule("r", STAFF, &["a"]), deny("d", "true", &[])], &[r#"r: Denied("d")"#]),
            (
                vec![of("corp", rule("r", STAFF, &["a"])), of("corp", deny("d", STAFF, &[]))],
                &[r#"r: Denied("d")"#],
            ),
            // Each of these may still match.
            (vec![rule("r", STAFF, &["a", "c"]), deny("d", STAFF, &["a", "b"])], &[]),
            (vec![rule("r", STAFF, &["a"]), deny("d", STAFF_AND_MORE, &["a"])], &[]),
            (vec![rule("r", STAFF, &["a"]), of("corp", deny("d", STAFF, &["a"]))], &[]),
            (vec![rule("r", r#""staff" in groups || true"#, &["a"]), deny("d", STAFF, &["a"])], &[]),
        ] {
            assert_eq!(unreachable(sources.clone()), expected, "{sources:?}");
        }
    }

    #[test]
    fn what_comes_too_late() {
        let late = |section: &str| within(section, rule("late", STAFF_AND_MORE, &["b"]));
        for (sources, expected) in [
            (
                vec![within("first", rule("r", STAFF, &["a"])), late("first")],
                &[r#"late: PassedOver("r")"#][..],
            ),
            (vec![within("stop", rule("r", STAFF, &["a"])), late("plain")], &[r#"late: PassedOver("r")"#]),
            (vec![late("plain"), within("stop", rule("r", "true", &["a"]))], &[r#"late: PassedOver("r")"#]),
            (vec![late("first"), within("first", rule("r", STAFF, &["a"]))], &[]),
            (vec![within("first", rule("r", STAFF, &["a"])), late("plain")], &[]),
            (vec![within("stop", rule("r", STAFF, &["a"])), late("stop")], &[]),
            (vec![within("stop", rule("r", STAFF, &["a"])), late("first")], &[]),
        ] {
            assert_eq!(unreachable(sources.clone()), expected, "{sources:?}");
        }
    }

    #[test]
    fn what_another_offers_as_well() {
        let named = RuleSource { session_name: Some("attr.name[0]".into()), ..rule("r", STAFF, &["a"]) };
        for (sources, expected) in [
            (
                vec![rule("r", STAFF, &["a", "b"]), rule("again", STAFF_AND_MORE, &["b"])],
                &[r#"again: Repeated("r")"#][..],
            ),
            (vec![rule("r", STAFF, &["a"]), rule("again", STAFF, &["a", "b"])], &[]),
            // Where nobody has a name, the second offers.
            (vec![named, rule("again", STAFF, &["a"])], &[]),
            (vec![rule("r", "false && true", &["a"])], &["r: Never"]),
        ] {
            assert_eq!(unreachable(sources.clone()), expected, "{sources:?}");
        }
    }

    /// However many there are that are always true, comparing them stays cheap.
    #[test]
    fn many_alike_are_not_all_compared() {
        let alike = |number: usize| rule(&format!("r{number}"), "true", &[&format!("x{number}")]);
        assert_eq!(unreachable((0..500).map(alike).collect()), [""; 0]);
    }
}
