//! `[[application]]` becomes an application of the directory.

use std::collections::HashSet;

use url::Url;

use super::document::{Item, Place, Written};
use super::fault::Faults;
use super::names::is_word;
use super::settings::ApplicationSettings;
use super::snapshot::is_loopback;
use crate::arn::RoleArn;
use crate::directory::{Application, Directory};

/// Longest label that a page has room for.
const LONGEST_LABEL: usize = 64;

/// Adds every application. The roles must be there already.
pub(super) fn fill(written: &Written, directory: &mut Directory, faults: &mut Faults) {
    let mut origins = HashSet::new();
    for Item { value, place } in &written.applications {
        if !is_word(&value.name) {
            let message = format!("{:?} can't be an application's name", value.name);
            faults.error(place.at("name"), message, "use 1 to 64 of a-z, 0-9 and -");
        }
        label(value, place, faults);
        let is_https = origin(value, place, faults);
        // Of each, `/.rolegate/` leads to one application.
        if !origins.insert(&value.origin) {
            let message = format!("another application is at {:?}, too", value.origin);
            faults.error(place.at("origin"), message, "give each application an origin of its own");
        }
        let application = Application {
            name: value.name.clone(),
            label: value.label.clone().unwrap_or_else(|| value.name.clone()),
            origin: value.origin.clone(),
            is_https,
            roles: roles(value, written, place, faults),
        };
        if directory.add_application(application).is_err() {
            let message = format!("application {:?} is declared twice", value.name);
            faults.error(place.at("name"), message, "give each application a name of its own");
        }
    }
}

fn label(written: &ApplicationSettings, place: &Place, faults: &mut Faults) {
    let Some(label) = &written.label else { return };
    let fits = (1..=LONGEST_LABEL).contains(&label.chars().count()) && !label.trim().is_empty();
    if !fits || label.chars().any(char::is_control) {
        let message = format!("{label:?} can't be what people are shown");
        faults.error(
            place.at("label"),
            message,
            format!("write 1 to {LONGEST_LABEL} characters that can be seen"),
        );
    }
}

/// Whether it is HTTPS. The browser is sent to it as it is written, so it is to be nothing but an origin.
fn origin(written: &ApplicationSettings, place: &Place, faults: &mut Faults) -> bool {
    let url = Url::parse(&written.origin).ok();
    let is_web = |url: &Url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
    let exact = url.as_ref().filter(|url| is_web(url)).map(|url| url.origin().ascii_serialization());
    if exact.as_ref() != Some(&written.origin) {
        let help = match exact {
            Some(exact) => format!("write {exact:?}"),
            None => "write scheme and host, such as https://wiki.example.com; http is for loopback \
                     addresses only"
                .into(),
        };
        faults.error(
            place.at("origin"),
            format!("{:?} is not an origin of an application", written.origin),
            help,
        );
    }
    url.is_some_and(|url| url.scheme() == "https")
}

fn roles(written: &ApplicationSettings, all: &Written, place: &Place, faults: &mut Faults) -> Vec<RoleArn> {
    if written.roles.is_empty() {
        faults.error(place.at("roles"), "nobody may enter", "name the roles that may, by their ARNs");
    }
    for role in written.roles.iter().filter(|role| !all.names.has("role", role)) {
        let message = format!("there is no role {role:?}");
        faults.error(place.at("roles"), message, all.names.help("role", role));
    }
    // One whose ARN is none was said to be a fault already.
    written.roles.iter().filter_map(|role| role.parse().ok()).collect()
}
