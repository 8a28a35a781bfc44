//! The configuration as it is valid: immutable, shared by reference.

use std::time::Duration;

use url::Url;

use super::document::{Item, Written};
use super::fault::Faults;
use super::revision::Revision;
use super::settings::{AccountSettings, Binding, Settings};
use super::{applications, clients, policies, providers, upstreams};
use crate::arn::{AccountId, RoleArn};
use crate::clock::Moment;
use crate::console::{ConsoleTerms, Destinations};
use crate::directory::{Account, Directory};
use crate::issuer::upstream::Upstreams;
use crate::policy::Policies;

/// Shorter times for a browser are a mistake.
const SHORTEST_CONSOLE: Duration = Duration::from_secs(60);
/// Consoles that a browser has open at once, at most.
const MOST_CONSOLES: usize = 5;
/// How long people stay at the portal.
const PORTAL_LIFETIME: Duration = Duration::from_secs(8 * 3600);
/// How short and how long that may be.
const PORTAL_LIFETIMES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(5 * 60)..=Duration::from_secs(7 * 24 * 3600);

/// Everything that decides about a request.
pub struct Snapshot {
    /// The broker's own address, without a trailing slash.
    pub public_url: String,
    /// Whether that address is HTTPS, so that cookies may be `Secure`.
    pub is_https: bool,
    /// The AWS-like assertion consumer: `{public_url}/saml`.
    pub common_acs_url: String,
    /// What tells it from others.
    pub revision: Revision,
    /// What exists.
    pub directory: Directory,
    /// Rules and trust policies.
    pub policies: Policies,
    /// The STS of others that make the credentials of some roles.
    pub upstreams: Upstreams,
    /// Where a sign-in may land.
    pub destinations: Destinations,
    /// How long a browser's session may last.
    pub console: ConsoleTerms,
    /// How people stay at the portal.
    pub portal: PortalTerms,
    /// The role whose people are in charge at the portal.
    pub admin_role: Option<RoleArn>,
}

/// How people stay at the portal.
#[derive(Debug, Clone, Copy)]
pub struct PortalTerms {
    /// How long, without signing in again.
    pub lifetime: Duration,
    /// Whether they are told which rules there are about a role that is not theirs.
    pub shows_rules: bool,
}

impl Snapshot {
    pub(super) fn build(written: &Written, at: Moment, faults: &mut Faults) -> Option<Self> {
        let public = public_url(&written.main, faults);
        let mut directory = Directory::default();
        accounts(&written.accounts, &mut directory, faults);
        // A wrong address is one fault; the providers are looked at all the same.
        let address = public.clone().or_else(|| Url::parse("https://broker.invalid").ok())?;
        providers::fill(written, &address, at, &mut directory, faults);
        clients::fill(written, &mut directory, faults);
        let policies = policies::build(written, &mut directory, faults);
        applications::fill(written, &mut directory, faults);
        let upstreams = upstreams::build(written, faults);
        let public = public?;
        let destinations = destinations(&written.main, &public, faults)?;
        let public_url = public.as_str().trim_end_matches('/').to_owned();
        Some(Self {
            is_https: public.scheme() == "https",
            common_acs_url: format!("{public_url}/saml"),
            revision: Revision::of(written),
            public_url,
            directory,
            policies: policies?,
            upstreams,
            destinations,
            console: console_terms(&written.main, faults),
            admin_role: admin_role(written, faults),
            portal: PortalTerms {
                lifetime: portal_lifetime(&written.main, faults),
                shows_rules: written.main.value.portal.shows_rules,
            },
        })
    }
}

fn public_url(main: &Item<Settings>, faults: &mut Faults) -> Option<Url> {
    let text = &main.value.public_url;
    let help = "write the address that people use, such as https://broker.example.com";
    let spot = main.place.at("public_url");
    let Ok(url) = Url::parse(text) else {
        faults.error(spot, format!("{text:?} is not a URL"), help);
        return None;
    };
    let loopback = is_loopback(&url);
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        faults.error(spot, format!("{text:?} is not https; http is for loopback addresses only"), help);
        return None;
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        faults.error(spot, format!("{text:?} is more than scheme, host and port"), help);
        return None;
    }
    Some(url)
}

/// Whether the URL names this machine by an address that can't be anything else.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn destinations(main: &Item<Settings>, public: &Url, faults: &mut Faults) -> Option<Destinations> {
    let console = &main.value.console;
    let mut origins = |written: &[String], key, what| -> Vec<Url> {
        let is_one = |url: &Url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
        let mut found = Vec::new();
        for text in written {
            match Url::parse(text).ok().filter(is_one) {
                Some(url) => found.push(url),
                None => faults.error(
                    main.place.at(key),
                    format!("{text:?} is not an origin that {what}"),
                    "write scheme and host, such as https://console.example.com",
                ),
            }
        }
        found
    };
    let further = origins(&console.destinations, "console.destinations", "a sign-in may land on");
    let issuers = origins(&console.issuers, "console.issuers", "a sign-in may lead back to");
    Destinations::new(public, &further, &issuers)
}

fn admin_role(written: &Written, faults: &mut Faults) -> Option<RoleArn> {
    let Item { value, place } = &written.main;
    let role = value.admin.role.as_ref()?;
    if !written.names.has("role", role) {
        let message = format!("there is no role {role:?}");
        faults.error(place.at("admin.role"), message, written.names.help("role", role));
    }
    let declared = written.roles.iter().find(|declared| declared.value.arn == *role);
    if declared.is_some_and(|declared| declared.value.signed_in_within.is_none()) {
        faults.warning(
            place.at("admin.role"),
            "who left a browser open is in charge by it as long as the portal lasts",
            "set signed_in_within of the role, such as 15m",
        );
    }
    // A role whose ARN is none was said to be a fault already.
    role.parse().ok()
}

fn portal_lifetime(main: &Item<Settings>, faults: &mut Faults) -> Duration {
    let lifetime = main.value.portal.lifetime.map_or(PORTAL_LIFETIME, |span| span.0);
    if !PORTAL_LIFETIMES.contains(&lifetime) {
        let message = "portal.lifetime is not between 5m and 7d";
        faults.error(main.place.at("portal.lifetime"), message, "write 5m to 7d, such as 8h");
    }
    lifetime
}

fn console_terms(main: &Item<Settings>, faults: &mut Faults) -> ConsoleTerms {
    let (written, mut terms) = (&main.value.console, ConsoleTerms::default());
    for (key, span, term) in [
        ("console.idle", written.idle, &mut terms.idle),
        ("console.lifetime", written.lifetime, &mut terms.lifetime),
    ] {
        *term = span.map(|span| span.0);
        if term.is_some_and(|length| length < SHORTEST_CONSOLE) {
            let message = format!("{key} is shorter than a minute");
            faults.error(main.place.at(key), message, "write 1m or more, such as 30m");
        }
    }
    terms.side_by_side = written.side_by_side.unwrap_or(MOST_CONSOLES);
    if !(1..=MOST_CONSOLES).contains(&terms.side_by_side) {
        let message = format!("{} consoles side by side are not 1 to {MOST_CONSOLES}", terms.side_by_side);
        faults.error(main.place.at("console.side_by_side"), message, "write 1 to 5");
    }
    terms.most_sessions = written.most_sessions;
    terms.reuses_signin_tokens = written.reuse_signin_tokens;
    terms.bound_to_program = written.bound_to.contains(&Binding::Program);
    terms.bound_to_address = written.bound_to.contains(&Binding::Address);
    terms
}

fn accounts(written: &[Item<AccountSettings>], directory: &mut Directory, faults: &mut Faults) {
    for Item { value, place } in written {
        match value.id.parse::<AccountId>() {
            Ok(id) => {
                if directory.add_account(Account { id, alias: value.alias.clone() }).is_err() {
                    let message = format!("account {id} is declared twice");
                    faults.error(place.at("id"), message, "keep one of the two [[account]] entries");
                }
            }
            Err(error) => faults.error(place.at("id"), error.to_string(), "write twelve digits in quotes"),
        }
    }
}
