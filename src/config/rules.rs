//! `[[section]]` and `[[rule]]` become compiled rules; what is written for nobody is warned of.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::document::{Item, Place, Written};
use super::fault::Faults;
use super::names::Names;
use super::policies::named;
use super::settings::{RuleEffectSetting, RuleSettings, SectionMatch, SectionOffersSetting, SectionSettings};
use crate::arn::RoleArn;
use crate::directory::{Directory, Provider};
use crate::policy::rules::{RolesFrom, SectionOffers, SectionSource, Shadow, Unreachable};
use crate::policy::{RuleEffect, RuleSource, Rules, TrustPolicy};

/// Compiles the rules in their sections.
pub(super) fn build(written: &Written, directory: &Directory, faults: &mut Faults) -> Option<Rules> {
    let sections = sections(written, faults);
    let sources = written.rules.iter().map(|rule| source(rule, &written.names, directory, faults)).collect();
    match Rules::compile_in(&sections, sources) {
        Ok(rules) => Some(rules),
        Err(problems) => {
            for problem in problems {
                let Some(rule) = written.rules.get(problem.rule) else { continue };
                let section = rule.value.section.as_deref().unwrap_or_default();
                let is_offer = rule.value.effect == RuleEffectSetting::Offer;
                let help = match problem.field {
                    // Each was told to be none.
                    "roles" if !rule.value.roles.is_empty() || rule.value.roles_from.is_some() => continue,
                    "roles" => "name a [[role]] by its ARN",
                    // It is there, and was told to be faulty.
                    "section" if is_offer && written.names.has("section", section) => continue,
                    "section" if is_offer => &written.names.help("section", section),
                    "name" => "give each rule its own name: logs and explanations use it",
                    _ => "docs/rules.md lists what a rule may say",
                };
                faults.error(rule.place.at(problem.field), problem.message, help);
            }
            None
        }
    }
}

fn source(
    rule: &Item<RuleSettings>,
    names: &Names,
    directory: &Directory,
    faults: &mut Faults,
) -> RuleSource {
    let Item { value: written, place } = rule;
    let unknown = |name: &&String| directory.provider(name).is_none() && !names.has("provider", name);
    if let Some(name) = written.provider.as_ref().filter(unknown) {
        let message = format!("there is no provider called {name:?}");
        faults.error(place.at("provider"), message, names.help("provider", name));
    }
    let mut roles = Vec::with_capacity(written.roles.len());
    for text in &written.roles {
        match text.parse::<RoleArn>() {
            Ok(arn) if directory.role(&arn).is_some() => roles.push(arn),
            Ok(_) if names.has("role", text) => {}
            Ok(arn) => {
                let message = format!("there is no role {arn}");
                faults.error(place.at("roles"), message, names.help("role", text));
            }
            Err(error) => faults.error(place.at("roles"), error.to_string(), "name a [[role]] by its ARN"),
        }
    }
    RuleSource {
        name: written.name.clone(),
        section: written.section.clone(),
        effect: match written.effect {
            RuleEffectSetting::Offer => RuleEffect::Offer,
            RuleEffectSetting::Deny => RuleEffect::Deny,
        },
        provider: written.provider.clone(),
        when: written.when.clone(),
        roles,
        roles_from: roles_from(written, place, directory, faults),
        session_name: written.session_name.clone(),
        source_identity: written.source_identity.clone(),
        tags: written.tags.clone().into_iter().collect(),
        transitive_tags: written.transitive_tags.clone(),
        duration: written.duration.map(|span| span.0),
    }
}

fn roles_from(
    written: &RuleSettings,
    place: &Place,
    directory: &Directory,
    faults: &mut Faults,
) -> Option<RolesFrom> {
    let from = written.roles_from.as_ref()?;
    let provider = written.provider.as_ref().and_then(|name| directory.provider(name));
    // A provider serves roles of its own account only.
    let is_served = |role: &&RoleArn| provider.is_none_or(|it| it.arn.account() == role.account());
    let roles: BTreeSet<_> = directory.roles().map(|role| &role.arn).filter(is_served).collect();
    match RolesFrom::new(&from.attribute, &from.pattern, roles) {
        Ok(from) => Some(from),
        Err(fault) => {
            let help = "write what a value looks like, such as \"AWS-{account}-{role}\"";
            faults.error(place.at("roles_from.pattern"), fault.to_string(), help);
            None
        }
    }
}

fn sections(written: &Written, faults: &mut Faults) -> Vec<SectionSource> {
    let mut names = HashSet::new();
    for Item { value, place } in &written.sections {
        if !names.insert(&value.name) {
            let message = format!("there is another section called {:?}", value.name);
            faults.error(place.at("name"), message, "give each section its own name");
        }
        let uses = |rule: &Item<RuleSettings>| rule.value.section.as_ref() == Some(&value.name);
        if !written.rules.iter().any(uses) {
            let help = format!("write section = {:?} in a [[rule]], or take the section out", value.name);
            faults.warning(place.at("name"), format!("no rule is in section {:?}", value.name), help);
        }
    }
    let section = |Item { value, .. }: &Item<SectionSettings>| SectionSource {
        name: value.name.clone(),
        offers: match value.offers {
            SectionOffersSetting::All => SectionOffers::All,
            SectionOffersSetting::First => SectionOffers::First,
        },
        goes_on: value.on_match == SectionMatch::Continue,
    };
    written.sections.iter().map(section).collect()
}

/// Rules that can't count, whoever comes.
pub(super) fn warn_of_unreachable(rules: &Rules, written: &Written, faults: &mut Faults) {
    for Unreachable { rule, why } in rules.unreachable() {
        let Some(Item { value, place }) = written.rules.get(rule) else { continue };
        let name = &value.name;
        let (message, help) = match why {
            Shadow::Never => (format!("rule {name:?} never matches"), "take it out"),
            Shadow::Denied(by) => (
                format!("rule {name:?} offers what rule {by:?} denies wherever it matches"),
                "narrow what is denied, or take the rule out",
            ),
            Shadow::PassedOver(by) => (
                format!("rule {name:?} never counts: wherever it matches, rule {by:?} matched before it"),
                "move it before that rule, or take it out",
            ),
            Shadow::Repeated(by) => (
                format!("rule {name:?} changes nothing: rule {by:?} offers the same wherever it matches"),
                "take it out, or move it before that rule if what it sets was meant",
            ),
        };
        faults.warning(place.at("when"), message, help);
    }
}

/// A rule whose offer no trust policy takes up, and a role that nothing offers.
pub(super) fn warn_of_dead_ends(
    rules: &Rules,
    written: &Written,
    trusts: &HashMap<RoleArn, TrustPolicy>,
    directory: &Directory,
    faults: &mut Faults,
) {
    if faults.any_error() {
        return; // What is missing may be what is faulty: one fault is said once.
    }
    let trusts = |role: &RoleArn, fits: &dyn Fn(&Provider) -> bool| {
        let mut principals = trusts.get(role).into_iter().flat_map(TrustPolicy::federated_principals);
        principals.any(|principal| named(directory, principal).is_some_and(fits))
    };
    let mut offered = HashSet::new();
    let offering = rules.all().iter().zip(&written.rules).filter(|(it, _)| it.effect() == RuleEffect::Offer);
    for (rule, Item { place, .. }) in offering {
        let is_for = |provider: &Provider| rule.provider().is_none_or(|name| *name == provider.name);
        for role in rule.roles() {
            if !trusts(role, &is_for) {
                let whose = rule.provider().unwrap_or("that is configured");
                let message = format!("{role} is offered, and its trust policy names no provider {whose}");
                let help = "add the provider's ARN to the trust policy, or take the role out of the rule";
                faults.warning(place.at("roles"), message, help);
            }
        }
        offered.extend(rule.roles());
        offered.extend(rule.roles_from().into_iter().flat_map(RolesFrom::roles));
    }
    let by_itself = |provider: &Provider| provider.asserts_roles || provider.grants_by_trust_policy;
    for Item { value, place } in &written.roles {
        let Ok(role) = value.arn.parse::<RoleArn>() else { continue };
        // Where it trusts no provider that is configured, that was said.
        if !offered.contains(&role) && trusts(&role, &|_| true) && !trusts(&role, &by_itself) {
            let help = "name it in a [[rule]], or set grant = \"trust-policy\" at a provider that it trusts";
            faults.warning(place.at("arn"), format!("nothing offers {role}: nobody can have it"), help);
        }
    }
}
