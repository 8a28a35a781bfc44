//! `[[client]]` becomes a client of the directory.

use std::collections::HashSet;
use std::time::Duration;

use super::document::{Item, Place, Written};
use super::fault::Faults;
use super::issuers;
use super::origins;
use super::secrets::{exposed, named, read_secret};
use super::settings::{ClientGrant, ClientSettings, DEFAULT_REFRESH_LIFETIME, ProviderSettings};
use crate::directory::{Client, Directory, RefreshTerms};
use crate::secret::Secret;

/// A secret that one may guess is none. 20 characters of base64 are 120 bits.
const SHORTEST_SECRET: usize = 20;
/// Longest name of a service; it stands in each token.
const LONGEST_AUDIENCE: usize = 512;
/// Longest label that a page has room for.
const LONGEST_LABEL: usize = 64;
/// How long refreshing may go on.
const REFRESH_LIFETIME: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(3600)..=Duration::from_secs(90 * 24 * 3600);
/// The shortest idle time that an app can keep.
const SHORTEST_IDLE: Duration = Duration::from_secs(60);

/// Adds every client.
pub(super) fn fill(written: &Written, directory: &mut Directory, faults: &mut Faults) {
    for Item { value, place } in &written.clients {
        id(&value.id, place, faults);
        label(value, place, faults);
        devices(value, directory, place, faults);
        origins(value, place, faults);
        audiences(value, place, faults);
        providers(value, written, place, faults);
        workloads(value, written, place, faults);
        let secret = value.secret.as_ref().and_then(|_| secret(value, place, faults));
        let refresh = refresh(value, place, faults);
        may_something(value, place, faults);
        let client = Client {
            id: value.id.clone(),
            label: value.label.clone(),
            secret,
            origins: value.origins.clone(),
            may_exchange: value.grants.contains(&ClientGrant::TokenExchange),
            may_use_devices: value.grants.contains(&ClientGrant::Device),
            refresh,
            audiences: value.audiences.clone(),
            providers: value.providers.clone(),
            may_introspect: value.introspection,
            may_authorize: value.authorization,
            must_prove_key: value.dpop || value.dpop_nonces,
            proves_with_nonce: value.dpop_nonces,
        };
        if directory.add_client(client).is_err() {
            let message = format!("there is another client with the id {:?}", value.id);
            faults.error(place.at("id"), message, "give each client its own id");
        }
    }
}

/// Whoever finds a pipeline's token, which is over in minutes, could make it last for weeks with a client
/// that anybody can be.
fn workloads(client: &ClientSettings, written: &Written, place: &Place, faults: &mut Faults) {
    let takes_any = client.secret.is_none() && client.providers.is_none();
    let lengthens =
        [ClientGrant::TokenExchange, ClientGrant::Refresh].iter().all(|g| client.grants.contains(g));
    let of_workloads = written.providers.iter().find_map(|Item { value, .. }| match value {
        ProviderSettings::Oidc(oidc) if issuers::known(oidc)?.workloads => Some(&oidc.name),
        _ => None,
    });
    if let Some(provider) = of_workloads.filter(|_| takes_any && lengthens) {
        faults.warning(
            place.at("providers"),
            format!("anybody can refresh for weeks what a token of {provider} gives, which should end with its job"),
            "name the providers of this client's own people in `providers`",
        );
    }
}

fn id(id: &str, place: &Place, faults: &mut Faults) {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if id.is_empty() || id.len() > 128 || !id.bytes().all(fits) {
        let message = format!("{id:?} can't be a client's id");
        faults.error(place.at("id"), message, "use 1 to 128 letters, digits, `.`, `_` or `-`");
    }
}

fn label(written: &ClientSettings, place: &Place, faults: &mut Faults) {
    let Some(label) = &written.label else { return };
    if label.trim().is_empty() || label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control)
    {
        let message = format!("{label:?} can't be what people are shown");
        let help = format!("write 1 to {LONGEST_LABEL} characters that can be seen");
        faults.error(place.at("label"), message, help);
    }
}

/// Somebody must be able to sign in to approve it.
fn devices(written: &ClientSettings, directory: &Directory, place: &Place, faults: &mut Faults) {
    if !written.grants.contains(&ClientGrant::Device) {
        return;
    }
    let may_use = |name: &String| written.providers.as_ref().is_none_or(|names| names.contains(name));
    let mut providers = directory.providers().iter();
    if !providers.any(|provider| may_use(&provider.name) && provider.signs_in_by_browser()) {
        faults.warning(
            place.at("grants"),
            "nobody can approve a device of this client: no provider of its signs people in by browser",
            "add a provider of kind \"saml\", or [provider.login] to one of kind \"oidc\"",
        );
    }
}

fn origins(written: &ClientSettings, place: &Place, faults: &mut Faults) {
    for text in &written.origins {
        if let Some(help) = origins::instead_of(text, "https://app.example.com") {
            let message = format!("{text:?} is not an origin that a client's pages may have");
            faults.error(place.at("origins"), message, help);
        }
    }
    if written.secret.is_some() && !written.origins.is_empty() {
        faults.warning(
            place.at("origins"),
            "this client has a secret and pages of its own: what a page knows, its visitors know",
            "leave the secret to a server, and give the pages a client without one",
        );
    }
}

fn audiences(written: &ClientSettings, place: &Place, faults: &mut Faults) {
    let mut seen = HashSet::new();
    for audience in &written.audiences {
        let visible = audience.bytes().all(|byte| byte.is_ascii_graphic());
        if audience.is_empty() || audience.len() > LONGEST_AUDIENCE || !visible {
            let message = format!("{audience:?} can't be the name of a service");
            let help = format!("write 1 to {LONGEST_AUDIENCE} visible ASCII characters, such as its URL");
            faults.error(place.at("audiences"), message, help);
        } else if !seen.insert(audience) {
            let message = format!("{audience:?} stands there twice");
            faults.error(place.at("audiences"), message, "keep one of the two");
        }
    }
}

fn providers(written: &ClientSettings, all: &Written, place: &Place, faults: &mut Faults) {
    let Some(names) = &written.providers else { return };
    if names.is_empty() {
        let help = "name the providers, or leave `providers` out: then it is every one";
        faults.error(place.at("providers"), "there is no provider whose word the client may bring", help);
    }
    for name in names.iter().filter(|name| !all.names.has("provider", name)) {
        let message = format!("there is no provider called {name:?}");
        faults.error(place.at("providers"), message, all.names.help("provider", name));
    }
}

fn secret(written: &ClientSettings, place: &Place, faults: &mut Faults) -> Option<Secret<String>> {
    let reference = written.secret.as_ref()?;
    let name = named(reference, place);
    let secret = match read_secret(reference, place) {
        Ok(secret) => secret,
        Err(problem) => {
            faults.error(place.at("secret"), problem, "name a file or variable that holds it");
            return None;
        }
    };
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'+' | b'%');
    if secret.expose().len() < SHORTEST_SECRET || !secret.expose().bytes().all(fits) {
        let message = format!(
            "the secret in {name} is not of {SHORTEST_SECRET} or more visible ASCII characters without `+` and `%`"
        );
        faults.error(place.at("secret"), message, "make one: openssl rand -hex 32");
    }
    if let Some(mode) = exposed(reference, place) {
        let message = format!("{name} holds a client's secret, and others may read it (mode {mode:o})");
        faults.warning(place.at("secret"), message, "make it 600");
    }
    Some(secret)
}

fn refresh(written: &ClientSettings, place: &Place, faults: &mut Faults) -> Option<RefreshTerms> {
    let may_refresh = written.grants.contains(&ClientGrant::Refresh);
    for (key, set) in [("refresh_lifetime", written.refresh_lifetime), ("refresh_idle", written.refresh_idle)]
    {
        if set.is_some() && !may_refresh {
            let help = "add \"refresh\" to grants, or leave it out";
            faults.error(place.at(key), format!("{key} is set, and the client may not refresh"), help);
        }
    }
    if !may_refresh {
        return None;
    }
    if written.grants.iter().all(|grant| *grant == ClientGrant::Refresh) {
        let message = "the client may refresh, and nothing gives it a refresh token";
        faults.error(place.at("grants"), message, "add \"token-exchange\" or \"device\"");
    }
    let lifetime = written.refresh_lifetime.unwrap_or(DEFAULT_REFRESH_LIFETIME).0;
    if !REFRESH_LIFETIME.contains(&lifetime) {
        let message = format!("{} s is not between 1h and 90d", lifetime.as_secs());
        faults.error(place.at("refresh_lifetime"), message, "write 1h to 90d");
    }
    let idle = written.refresh_idle.map(|span| span.0);
    if let Some(idle) = idle.filter(|idle| *idle < SHORTEST_IDLE || *idle > lifetime) {
        let message = format!("{} s is not between 1m and the refresh_lifetime", idle.as_secs());
        faults.error(place.at("refresh_idle"), message, "write less than refresh_lifetime, or leave it out");
    }
    Some(RefreshTerms { lifetime, idle })
}

/// What needs a secret, and that there is something.
fn may_something(written: &ClientSettings, place: &Place, faults: &mut Faults) {
    let asks = [("introspection", written.introspection), ("authorization", written.authorization)];
    for (key, _) in asks.into_iter().filter(|(_, asks)| *asks && written.secret.is_none()) {
        faults.error(
            place.at(key),
            "a client without a secret can't ask about tokens: anybody could in its name",
            format!("give it a secret, or leave {key} out"),
        );
    }
    if written.grants.is_empty() && !asks.iter().any(|(_, asks)| *asks) {
        let help = "write grants = [\"token-exchange\"] or grants = [\"device\"]";
        faults.error(place.at("grants"), "the client may do nothing", help);
    }
}
