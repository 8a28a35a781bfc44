//! `[[upstream]]` becomes somebody else's STS, and the roles that name it are asked for there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::document::{Item, Place, Written};
use super::fault::Faults;
use super::secrets::private_secret;
use super::settings::{
    RoleSettings, RoleUpstreamSettings, UpstreamConsoleSettings, UpstreamKeySettings, UpstreamKind,
    UpstreamSettings,
};
use crate::arn::RoleArn;
use crate::issuer::upstream::{self, By, UpstreamConsole, UpstreamKey, UpstreamRole, UpstreamSts, Upstreams};

/// The name of the issuer that needs no entry.
const LOCAL: &str = "local";
/// How long a session of a console may last (facts 4.2).
const CONSOLE_DURATION: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(900)..=Duration::from_secs(43_200);
/// Where signatures are for, if nobody says.
const DEFAULT_REGION: &str = "us-east-1";

/// The upstreams, and the roles that they make credentials for.
pub(super) fn build(written: &Written, faults: &mut Faults) -> Upstreams {
    let mut declared: HashMap<&str, Option<Arc<UpstreamSts>>> = HashMap::new();
    for Item { value, place } in &written.upstreams {
        if value.name == LOCAL || value.name.is_empty() {
            let message = format!("{:?} can't be the name of an upstream", value.name);
            faults.error(place.at("name"), message, "give it a name of its own, such as \"aws\"");
        }
        let sts = sts(value, place, faults).map(Arc::new);
        if declared.insert(&value.name, sts).is_some() {
            let message = format!("upstream {:?} is declared twice", value.name);
            faults.error(place.at("name"), message, "give each its own name");
        }
        if !written.roles.iter().any(|role| role.value.issuer == value.name) {
            let message = format!("no role has the issuer {:?}", value.name);
            faults.warning(place.at("name"), message, "name it as the issuer of a role, or take it out");
        }
    }
    let forwards = |item: &&Item<UpstreamSettings>| item.value.console.as_ref().is_some_and(|it| it.forward);
    if let Some(second) = written.upstreams.iter().filter(forwards).nth(1) {
        let message = "foreign credentials are handed to another upstream already";
        faults.error(second.place.at("console.forward"), message, "set forward for one upstream only");
    }
    let mut roles = HashMap::new();
    for Item { value, place } in &written.roles {
        if value.issuer == LOCAL {
            if value.upstream.is_some() {
                let help = "name the upstream as the role's issuer, or take this out";
                faults.error(place.at("upstream"), "the broker itself makes this role's credentials", help);
            }
            continue;
        }
        match declared.get(value.issuer.as_str()) {
            Some(Some(sts)) => {
                if let Some((arn, role)) = role(value, sts, place, faults) {
                    roles.insert(arn, role);
                }
            }
            Some(None) => {}
            None if written.names.has("upstream", &value.issuer) => {}
            None => {
                let message = format!("there is no upstream called {:?}", value.issuer);
                let help = written.names.help("upstream", &value.issuer);
                faults.error(place.at("issuer"), message, format!("{help}; \"local\" is the broker itself"));
            }
        }
    }
    Upstreams::new(declared.into_values().flatten().collect(), roles)
}

fn sts(written: &UpstreamSettings, place: &Place, faults: &mut Faults) -> Option<UpstreamSts> {
    let region = region(written, place, faults);
    let endpoint = endpoint(written, region?, place, faults);
    let access_key = match &written.access_key {
        Some(key) => Some(access_key(key, place, faults)?),
        None => None,
    };
    let settings = upstream::UpstreamSettings {
        name: written.name.clone(),
        endpoint: endpoint?,
        region: region?.to_owned(),
        access_key,
        kind: match written.kind {
            UpstreamKind::Aws => upstream::UpstreamKind::Aws,
            UpstreamKind::Minio => upstream::UpstreamKind::Minio,
        },
        reuse: written.reuse,
        console: console(written, region?, place, faults),
    };
    match UpstreamSts::new(settings) {
        Ok(sts) => Some(sts),
        Err(error) => {
            faults.error(place.at("name"), error.to_string(), "look at the system's certificates");
            None
        }
    }
}

fn region<'w>(written: &'w UpstreamSettings, place: &Place, faults: &mut Faults) -> Option<&'w str> {
    let region = written.region.as_deref().unwrap_or(DEFAULT_REGION);
    let fits = (1..=64).contains(&region.len())
        && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !fits {
        let help = "write one such as eu-west-1";
        faults.error(place.at("region"), format!("{region:?} is not a region"), help);
    }
    fits.then_some(region)
}

/// Where it was written to be, or where AWS has it (facts 1.1).
fn endpoint(written: &UpstreamSettings, region: &str, place: &Place, faults: &mut Faults) -> Option<Url> {
    let Some(text) = &written.endpoint else {
        if written.kind == UpstreamKind::Minio || region.contains("-iso") {
            let help = "write where it is, such as https://minio.example.com:9000";
            faults.error(place.at("name"), format!("upstream {:?} has no endpoint", written.name), help);
            return None;
        }
        return Url::parse(&regional(region)).ok();
    };
    let is_bare = |url: &Url| {
        let is_nobodys = url.username().is_empty() && url.password().is_none();
        is_nobodys && url.query().is_none() && url.fragment().is_none()
    };
    let url = Url::parse(text).ok().filter(is_bare).filter(UpstreamSts::is_permitted);
    if url.is_none() {
        let message = format!("{text:?} is not the address of an STS");
        faults.error(
            place.at("endpoint"),
            message,
            "write https and the host; http is for this machine alone",
        );
    }
    url
}

/// Where its console is: where it was written to be, or where AWS has it.
fn console(
    written: &UpstreamSettings,
    region: &str,
    place: &Place,
    faults: &mut Faults,
) -> Option<UpstreamConsole> {
    let none = UpstreamConsoleSettings::default();
    let console = written.console.as_ref().unwrap_or(&none);
    let of_aws = || UpstreamConsole::of_aws(region).filter(|_| written.endpoint.is_none());
    let default = of_aws().filter(|_| written.kind == UpstreamKind::Aws);
    if written.console.is_some() && written.kind == UpstreamKind::Minio {
        let help = "take it out: MinIO opens no console by credentials of a role";
        faults.error(place.at("console"), "an upstream of kind \"minio\" has no such console", help);
        return None;
    }
    let mut address = |text: &Option<String>, key| {
        let text = text.as_ref()?;
        let is_bare =
            |url: &Url| url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        let url = Url::parse(text).ok().filter(is_bare).filter(UpstreamSts::is_permitted);
        if url.is_none() {
            let message = format!("{text:?} is not an address of a console");
            let help = "write https, the host and the path; http is for this machine alone";
            faults.error(place.at(key), message, help);
        }
        url
    };
    let federation = address(&console.federation, "console.federation");
    let home = address(&console.home, "console.home");
    let (default_federation, default_home) =
        default.map(|default| (default.federation, default.home)).unzip();
    match (federation.or(default_federation), home.or(default_home)) {
        (Some(federation), Some(home)) => {
            let (leaves_first, takes_foreign) = (console.leave_first, console.forward);
            Some(UpstreamConsole { federation, home, leaves_first, takes_foreign })
        }
        _ => {
            let is_written = console.federation.is_some() && console.home.is_some();
            if written.console.is_some() && !is_written {
                let help = "write both, federation and home, or take it out";
                faults.error(place.at("console"), "the console lacks an address", help);
            }
            None
        }
    }
}

/// The STS of AWS in a region, by the partition that the region is of.
fn regional(region: &str) -> String {
    let suffix = match region.split('-').next() {
        Some("cn") => "amazonaws.com.cn",
        Some("eusc") => "amazonaws.eu",
        _ => "amazonaws.com",
    };
    format!("https://sts.{region}.{suffix}/")
}

fn access_key(written: &UpstreamKeySettings, place: &Place, faults: &mut Faults) -> Option<UpstreamKey> {
    let fits =
        (3..=128).contains(&written.id.len()) && written.id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !fits {
        let message = format!("{:?} is not the id of an access key", written.id);
        faults.error(place.at("access_key.id"), message, "write it as the STS's owner gave it to you");
    }
    let mut read = |reference, key| private_secret(reference, "a key to an upstream", key, place, faults);
    let secret = read(&written.secret, "access_key.secret");
    let session_token = match &written.session_token {
        Some(token) => Some(read(token, "access_key.session_token")?),
        None => None,
    };
    fits.then_some(UpstreamKey { id: written.id.clone(), secret: secret?, session_token })
}

fn role(
    written: &RoleSettings,
    sts: &Arc<UpstreamSts>,
    place: &Place,
    faults: &mut Faults,
) -> Option<(RoleArn, UpstreamRole)> {
    let none = RoleUpstreamSettings::default();
    let asked = written.upstream.as_ref().unwrap_or(&none);
    let there = asked.role.as_ref().unwrap_or(&written.arn);
    if !(20..=2048).contains(&there.len()) || !there.starts_with("arn:") {
        let message = format!("{there:?} is not the ARN of a role");
        faults.error(place.at("upstream.role"), message, "write the whole ARN that the role has there");
        return None;
    }
    let by = by(asked, sts, place, faults)?;
    let arn = written.arn.parse().ok()?;
    let console_duration = asked.console_duration.map(|span| span.0);
    if console_duration.is_some_and(|length| !CONSOLE_DURATION.contains(&length)) {
        let message = "console_duration is not between 15m and 12h";
        faults.error(place.at("upstream.console_duration"), message, "write 15m to 12h, such as 8h");
    }
    Some((arn, UpstreamRole { sts: Arc::clone(sts), role: there.clone(), by, console_duration }))
}

fn by(asked: &RoleUpstreamSettings, sts: &UpstreamSts, place: &Place, faults: &mut Faults) -> Option<By> {
    if asked.pass_through {
        if asked.external_id.is_some() {
            let help = "take one of the two out";
            faults.error(place.at("upstream.external_id"), "pass_through sends no external_id", help);
            return None;
        }
        return Some(By::PassThrough { saml_provider: asked.saml_provider.clone() });
    }
    if asked.saml_provider.is_some() {
        let help = "set pass_through, or take it out";
        faults.error(place.at("upstream.saml_provider"), "saml_provider is for pass_through", help);
        return None;
    }
    if !sts.has_key() {
        let message = format!("upstream {:?} has no access_key to assume the role by", sts.name());
        let help = "add [upstream.access_key], or set pass_through for the role";
        faults.error(place.at("issuer"), message, help);
        return None;
    }
    Some(By::AssumeRole { external_id: asked.external_id.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own_domain() {
        for (region, expected) in [
            ("eu-west-1", "https://sts.eu-west-1.amazonaws.com/"),
            ("us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com/"),
            ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn/"),
            ("eusc-de-east-1", "https://sts.eusc-de-east-1.amazonaws.eu/"),
        ] {
            assert_eq!(regional(region), expected);
        }
    }
}
