//! `[[role]]` and `[[rule]]` become roles of the directory, trust policies and compiled rules; what their
//! sessions may do is read in `rights`.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::document::{Item, Place, Written};
use super::fault::Faults;
use super::issuers::Shared;
use super::names::Names;
use super::providers::declared_account;
use super::rights::{Documents, read_policy, sound};
use super::settings::{RoleSettings, RuleEffectSetting, RuleSettings};
use crate::arn::{ProviderArn, RoleArn, RoleId};
use crate::directory::{Directory, Provider, Role, Verifier};
use crate::policy::rights::{Rights, RoleRights};
use crate::policy::{Doubt, Policies, RuleEffect, RuleSource, Rules, TrustPolicy, Vouching};

/// A role's maximum session, facts 1.6.
const MAX_SESSION: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(3600)..=Duration::from_secs(43_200);

/// Adds the roles to `directory` and compiles what decides about them.
pub(super) fn build(written: &Written, directory: &mut Directory, faults: &mut Faults) -> Option<Policies> {
    let mut trusts = HashMap::new();
    let (mut documents, mut rights) = (Documents::default(), Rights::default());
    rights.service_control = documents.service_control(&written.accounts, faults);
    let shared = Shared::among(written, directory);
    for Item { value, place } in &written.roles {
        if let Some((role, trust, of_role)) = role(value, place, directory, &mut documents, faults) {
            shared.refuse_everybody(&trust, directory, place, faults);
            warn_of_doubts(&trust, place, directory, faults);
            trusts.insert(role.arn.clone(), trust);
            let arn = role.arn.clone();
            rights.roles.insert(arn.clone(), of_role);
            if directory.add_role(role).is_err() {
                let message = format!("role {arn} is declared twice");
                faults.error(place.at("arn"), message, "keep one of the two [[role]] entries");
            }
        }
    }
    let rules = rules(written, directory, faults)?;
    warn_of_dead_ends(written, &trusts, directory, faults);
    Some(Policies::new(rules, trusts, rights))
}

fn role(
    written: &RoleSettings,
    place: &Place,
    directory: &Directory,
    documents: &mut Documents,
    faults: &mut Faults,
) -> Option<(Role, TrustPolicy, RoleRights)> {
    let arn = match written.arn.parse::<RoleArn>() {
        Ok(arn) => Some(arn),
        Err(error) => {
            faults.error(place.at("arn"), error.to_string(), "write the role's whole ARN");
            None
        }
    };
    if let Some(arn) = &arn {
        declared_account(&arn.account().to_string(), "arn", place, directory, faults);
    }
    if !MAX_SESSION.contains(&written.max_session_duration.0) {
        let message = format!("{} s is not between 1h and 12h", written.max_session_duration.0.as_secs());
        faults.error(place.at("max_session_duration"), message, "write 1h to 12h");
    }
    if written.issuer != "local" {
        let message = format!("there is no issuer called {:?}", written.issuer);
        faults.error(place.at("issuer"), message, "write \"local\": the broker makes the credentials");
    }
    let rights = documents.role(written, place, faults);
    let text = read_policy(&written.trust_policy, place, "trust_policy", faults)?;
    let trust = sound(TrustPolicy::parse(&text), &written.trust_policy, place, "trust_policy", faults)?;
    let arn = arn?;
    warn_of_strangers(&arn, &trust, place, directory, faults);
    let role = Role {
        id: RoleId::of_declared(&arn),
        arn,
        description: written.description.clone(),
        max_session_duration: written.max_session_duration.0,
    };
    Some((role, trust, rights))
}

/// A misspelt provider in a trust policy refuses everybody, and silently.
fn warn_of_strangers(
    role: &RoleArn,
    trust: &TrustPolicy,
    place: &Place,
    directory: &Directory,
    faults: &mut Faults,
) {
    if faults.any_error() {
        return; // The provider may be there, and faulty: one fault is said once.
    }
    for principal in trust.federated_principals() {
        let provider = principal.parse::<ProviderArn>().ok();
        let known = provider.and_then(|arn| directory.provider_by_arn(&arn));
        let message = match known {
            None => format!("the trust policy names {principal}, which is no [[provider]]"),
            Some(provider) if provider.arn.account() != role.account() => {
                format!("the trust policy names {principal}, which serves roles of its own account only")
            }
            Some(_) => continue,
        };
        faults.warning(
            place.at("trust_policy"),
            message,
            "nobody comes in by it: compare it with the provider's ARN",
        );
    }
}

/// What is valid, and probably not meant.
fn warn_of_doubts(trust: &TrustPolicy, place: &Place, directory: &Directory, faults: &mut Faults) {
    let known = |arn: &str| named(directory, arn).map(vouching);
    for Doubt { statement, message, help } in trust.doubts(known) {
        let message = format!("Statement[{}] of the trust policy {message}", statement.index);
        faults.warning(place.at("trust_policy"), message, help);
    }
}

fn vouching(provider: &Provider) -> Vouching<'_> {
    match &provider.verifier {
        Verifier::Saml(_) => Vouching { issuer: None, client_ids: &[] },
        Verifier::Oidc(oidc) => {
            let settings = oidc.settings();
            Vouching { issuer: Some(&settings.issuer), client_ids: &settings.client_ids }
        }
    }
}

/// The provider that a principal names.
fn named<'d>(directory: &'d Directory, principal: &str) -> Option<&'d Provider> {
    directory.provider_by_arn(&principal.parse().ok()?)
}

/// A rule whose offer no trust policy takes up, and a role that nothing offers.
fn warn_of_dead_ends(
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
    let offering = written.rules.iter().filter(|rule| rule.value.effect == RuleEffectSetting::Offer);
    for Item { value, place } in offering {
        let is_for = |provider: &Provider| value.provider.as_ref().is_none_or(|name| *name == provider.name);
        for role in value.roles.iter().filter_map(|text| text.parse::<RoleArn>().ok()) {
            if !trusts(&role, &is_for) {
                let whose = value.provider.as_deref().unwrap_or("that is configured");
                let message = format!("{role} is offered, and its trust policy names no provider {whose}");
                let help = "add the provider's ARN to the trust policy, or take the role out of the rule";
                faults.warning(place.at("roles"), message, help);
            }
            offered.insert(role);
        }
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

fn rules(written: &Written, directory: &Directory, faults: &mut Faults) -> Option<Rules> {
    let sources = written.rules.iter().map(|rule| source(rule, &written.names, directory, faults)).collect();
    match Rules::compile(sources) {
        Ok(rules) => Some(rules),
        Err(problems) => {
            for problem in problems {
                let Some(rule) = written.rules.get(problem.rule) else { continue };
                let help = match problem.field {
                    "roles" if !rule.value.roles.is_empty() => continue, // Each was told to be none.
                    "roles" => "name a [[role]] by its ARN",
                    "name" => "give each rule its own name: logs and explanations use it",
                    _ => "docs/rules.md lists what an expression may use",
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
        effect: match written.effect {
            RuleEffectSetting::Offer => RuleEffect::Offer,
            RuleEffectSetting::Deny => RuleEffect::Deny,
        },
        provider: written.provider.clone(),
        when: written.when.clone(),
        roles,
        session_name: written.session_name.clone(),
        source_identity: written.source_identity.clone(),
        tags: written.tags.clone().into_iter().collect(),
        transitive_tags: written.transitive_tags.clone(),
        duration: written.duration.map(|span| span.0),
    }
}
