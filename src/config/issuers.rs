//! `preset` of an OpenID Connect provider: what is known of well-known issuers stands in for what
//! nobody wrote, and trust policies are held to what their tokens must be asked.

use std::collections::HashMap;

use url::Url;

use super::document::{Item, Place, Written};
use super::fault::Faults;
use super::settings::{OidcProviderSettings, ProviderSettings, TokenReplay};
use crate::arn::ProviderArn;
use crate::directory::{Directory, Verifier};
use crate::fetch::{Reach, is_permitted};
use crate::identity::oidc::{AMAZON_ISSUER, AMAZON_TOKEN_INFO, KeySource};
use crate::policy::TrustPolicy;
use crate::policy::issuers::{self, Address, KNOWN_ISSUERS, KnownIssuer};

/// Microsoft's tokens name the tenant that somebody is of, and never one of these.
const NO_TENANTS: [&str; 3] = ["/common/", "/organizations/", "/consumers/"];

/// An issuer, with what its preset adds.
pub(super) struct Issuer {
    pub(super) issuer: String,
    pub(super) client_ids: Vec<String>,
    /// Empty: whatever is usual.
    pub(super) algorithms: Vec<String>,
}

/// What is written about a provider together with its preset.
pub(super) fn resolve(written: &OidcProviderSettings, place: &Place, faults: &mut Faults) -> Option<Issuer> {
    let known = match &written.preset {
        Some(name) => Some(preset(name, place, faults)?),
        None => None,
    };
    let issuer = match (known, &written.issuer) {
        (None, Some(issuer)) => issuer.clone(),
        (None, None) => {
            let help = "write the issuer exactly as its tokens do, or name a preset";
            faults.error(place.at("issuer"), "there is no issuer", help);
            return None;
        }
        (Some(known), issuer) => of_preset(known, issuer.as_deref(), place, faults)?,
    };
    let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let unless_written = |written: &[String], known: Option<&'static [&'static str]>| {
        if written.is_empty() { owned(known.unwrap_or_default()) } else { written.to_vec() }
    };
    Some(Issuer {
        issuer,
        client_ids: unless_written(&written.client_ids, known.map(|known| known.client_ids)),
        algorithms: unless_written(&written.algorithms, known.map(|known| known.algorithms)),
    })
}

/// What tokens of `issuer` are verified with.
pub(super) fn key_source(
    written: &OidcProviderSettings,
    issuer: &str,
    place: &Place,
    faults: &mut Faults,
) -> Option<KeySource> {
    if issuer != AMAZON_ISSUER {
        if written.token_info.is_some() {
            let help = "take it out, or write preset = \"login-with-amazon\"";
            faults.error(place.at("token_info"), format!("{issuer} is not asked about its tokens"), help);
        }
        return Some(match &written.jwks {
            None => KeySource::Discovery,
            Some(file) => KeySource::File(place.resolve(file)),
        });
    }
    let pointless = [
        ("jwks", written.jwks.is_some()),
        ("keys_refresh", written.keys_refresh.is_some()),
        ("keys_max_age", written.keys_max_age.is_some()),
        ("algorithms", !written.algorithms.is_empty()),
        ("accept_access_tokens", written.accept_access_tokens),
        ("login", written.login.is_some()),
        ("replay", written.replay == TokenReplay::Once),
    ];
    for (key, _) in pointless.into_iter().filter(|(_, is_written)| *is_written) {
        let message = format!("{key} has no meaning for Login with Amazon");
        faults.error(place.at(key), message, "take it out: Amazon is asked about each access token");
    }
    let address = written.token_info.as_deref().unwrap_or(AMAZON_TOKEN_INFO);
    let reach = Reach { private: written.allow_private_addresses, loopback: written.allow_loopback_http };
    match Url::parse(address) {
        Ok(url) if is_permitted(&url, reach) && url.query().is_none() => Some(KeySource::TokenInfo(url)),
        _ => {
            let message = format!("{address:?} is not an https URL without a query");
            faults.error(place.at("token_info"), message, format!("leave it out: it is {AMAZON_TOKEN_INFO}"));
            None
        }
    }
}

fn preset(name: &str, place: &Place, faults: &mut Faults) -> Option<&'static KnownIssuer> {
    let known = issuers::by_preset(name);
    if known.is_none() {
        let all: Vec<_> = KNOWN_ISSUERS.iter().map(|known| known.preset).collect();
        let message = format!("there is no preset called {name:?}");
        faults.error(place.at("preset"), message, format!("write one of {}", all.join(", ")));
    }
    known
}

fn of_preset(
    known: &KnownIssuer,
    issuer: Option<&str>,
    place: &Place,
    faults: &mut Faults,
) -> Option<String> {
    let (name, form) = (known.preset, form(known.address));
    match (known.address, issuer) {
        (Address::Fixed(only), None) => return Some(only.to_owned()),
        (address, Some(issuer)) if address.fits(issuer) => {
            let tenant = NO_TENANTS.into_iter().find(|tenant| issuer.contains(tenant));
            if name != "microsoft" || tenant.is_none() {
                return Some(issuer.to_owned());
            }
            let message = format!("{issuer} issues no token: each names the tenant that the person is of");
            faults.error(place.at("issuer"), message, format!("write the tenant's id: {form}"));
        }
        (_, Some(issuer)) => {
            let message = format!("{issuer} is no issuer of the preset {name}");
            faults.error(place.at("issuer"), message, format!("write {form}, or leave the preset out"));
        }
        (_, None) => {
            let message = format!("the preset {name} has an issuer a customer");
            faults.error(place.at("preset"), message, format!("add issuer = \"{form}\""));
        }
    }
    None
}

fn form(address: Address) -> String {
    match address {
        Address::Fixed(only) => only.to_owned(),
        Address::Like(form) => form.replace("{}", "…"),
        Address::Own => "https://…".to_owned(),
    }
}

/// What is known of a provider's issuer. What it is counts for more than what it is called.
pub(super) fn known(written: &OidcProviderSettings) -> Option<&'static KnownIssuer> {
    let by_issuer = written.issuer.as_deref().and_then(issuers::by_issuer);
    by_issuer.or_else(|| issuers::by_preset(written.preset.as_deref()?))
}

/// The well-known issuers among the providers, by ARN.
pub(super) struct Shared(HashMap<ProviderArn, &'static KnownIssuer>);

impl Shared {
    pub(super) fn among(written: &Written, directory: &Directory) -> Self {
        let known = written.providers.iter().filter_map(|Item { value, .. }| {
            let ProviderSettings::Oidc(oidc) = value else { return None };
            Some((directory.provider(&oidc.name)?.arn.clone(), known(oidc)?))
        });
        Self(known.collect())
    }

    /// Refuses a trust policy that lets everybody in whom a shared issuer vouches for (facts 3.6).
    pub(super) fn refuse_everybody(
        &self,
        trust: &TrustPolicy,
        directory: &Directory,
        place: &Place,
        faults: &mut Faults,
    ) {
        for arn in trust.federated_principals().filter_map(|principal| principal.parse::<ProviderArn>().ok())
        {
            let Some(known) = self.0.get(&arn).filter(|known| !known.guards.is_empty()) else { continue };
            let Some(Verifier::Oidc(oidc)) = directory.provider_by_arn(&arn).map(|found| &found.verifier)
            else {
                continue;
            };
            let issuer = &oidc.settings().issuer;
            let host = issuer.split_once("://").map_or(issuer.as_str(), |(_, rest)| rest);
            for statement in trust.unguarded(&arn, issuer, known.guards) {
                let message = format!(
                    "Statement[{}] of the trust policy lets everybody in who has a token of {host}, which anybody can get",
                    statement.index
                );
                let forms: Vec<_> = known.guards.iter().map(|guard| format!("{host}:{guard}")).collect();
                let help = format!(
                    "ask for somebody and not for everybody, by one of these, with StringLike where there is a *, else \
                     with StringEquals\n{}",
                    forms.join("\n")
                );
                faults.error(place.at("trust_policy"), message, help);
            }
        }
    }
}
