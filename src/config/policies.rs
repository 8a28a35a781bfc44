//! `[[role]]` becomes a role of the directory and its trust policy; what decides about it beside, `rules`
//! and `rights` read.

use std::collections::HashMap;
use std::time::Duration;

use super::document::{Item, Place, Written};
use super::fault::Faults;
use super::issuers::Shared;
use super::names::is_word;
use super::providers::declared_account;
use super::rights::{Documents, read_policy, sound};
use super::settings::RoleSettings;
use super::{rules, users};
use crate::arn::{ProviderArn, RoleArn, RoleId};
use crate::directory::{Directory, Provider, Role, Verifier};
use crate::policy::rights::{HolderRights, Rights};
use crate::policy::{Doubt, Policies, TrustPolicy, Vouching};

/// How long ago a role may want its people to have signed in.
const SIGN_IN_AGE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(30 * 24 * 3600);
/// A role's maximum session, facts 1.6.
const MAX_SESSION: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(3600)..=Duration::from_secs(43_200);

/// Adds the roles to `directory` and compiles what decides about them.
pub(super) fn build(written: &Written, directory: &mut Directory, faults: &mut Faults) -> Option<Policies> {
    let mut trusts = HashMap::new();
    let (mut documents, mut rights) = (Documents::default(), Rights::default());
    rights.service_control = documents.service_control(&written.accounts, faults);
    rights.managed = documents.managed(&written.policies, directory, faults);
    rights.users = users::fill(written, directory, &mut documents, faults);
    let shared = Shared::among(written, directory);
    for Item { value, place } in &written.roles {
        if let Some((role, trust, of_role)) = role(value, place, directory, &mut documents, faults) {
            shared.refuse_everybody(&trust, directory, place, faults);
            warn_of_doubts(&trust, place, directory, faults);
            trusts.insert(role.arn.clone(), trust);
            let arn = role.arn.clone();
            rights.roles.insert(arn.clone(), of_role);
            if directory.role(&arn).is_some() {
                let message = format!("role {arn} is declared twice");
                faults.error(place.at("arn"), message, "keep one of the two [[role]] entries");
            } else if directory.add_role(role).is_err() {
                let message = "another role has this alias";
                faults.error(place.at("alias"), message, "give each role an alias of its own");
            }
        }
    }
    let rules = rules::build(written, directory, faults)?;
    rules::warn_of_unreachable(&rules, written, faults);
    rules::warn_of_dead_ends(&rules, written, &trusts, directory, faults);
    Some(Policies::new(rules, trusts, rights))
}

fn role(
    written: &RoleSettings,
    place: &Place,
    directory: &Directory,
    documents: &mut Documents,
    faults: &mut Faults,
) -> Option<(Role, TrustPolicy, HolderRights)> {
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
    if written.alias.as_deref().is_some_and(|alias| !is_word(alias)) {
        let message = "alias is not 1 to 64 of a-z, 0-9 and -";
        faults.error(place.at("alias"), message, "write a word for links, such as prod-deploy");
    }
    if written.signed_in_within.is_some_and(|within| !SIGN_IN_AGE.contains(&within.0)) {
        let message = "signed_in_within is not between 1m and 30d";
        faults.error(place.at("signed_in_within"), message, "write 1m to 30d, such as 15m");
    }
    let rights = documents.role(written, place, faults);
    let text = read_policy(&written.trust_policy, place, "trust_policy", faults)?;
    let trust = sound(TrustPolicy::parse(&text), &written.trust_policy, place, "trust_policy", faults)?;
    let arn = arn?;
    let trust = trust.of_account(arn.account());
    warn_of_strangers(&arn, &trust, place, directory, faults);
    let role = Role {
        id: RoleId::of_declared(&arn),
        arn,
        description: written.description.clone(),
        alias: written.alias.clone(),
        max_session_duration: written.max_session_duration.0,
        signed_in_within: written.signed_in_within.map(|within| within.0),
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
pub(super) fn named<'d>(directory: &'d Directory, principal: &str) -> Option<&'d Provider> {
    directory.provider_by_arn(&principal.parse().ok()?)
}
