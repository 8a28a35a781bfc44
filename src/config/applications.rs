//! `[[application]]` becomes an application of the directory.

use std::collections::HashSet;

use super::document::{Item, Place, Written};
use super::fault::Faults;
use super::names::is_word;
use super::origins;
use super::settings::ApplicationSettings;
use crate::arn::RoleArn;
use crate::directory::{Application, Directory};

/// Adds every application. The roles must be there already.
pub(super) fn fill(written: &Written, directory: &mut Directory, faults: &mut Faults) {
    let mut taken = HashSet::new();
    for Item { value, place } in &written.applications {
        if !is_word(&value.name) {
            let message = format!("{:?} can't be an application's name", value.name);
            faults.error(place.at("name"), message, "use 1 to 64 of a-z, 0-9 and -");
        }
        // The browser is sent to it as it is written.
        if let Some(help) = origins::instead_of(&value.origin, "https://wiki.example.com") {
            let message = format!("{:?} is not an origin of an application", value.origin);
            faults.error(place.at("origin"), message, help);
        }
        // Of each, `/.rolegate/` leads to one application.
        if !taken.insert(&value.origin) {
            let message = format!("another application is at {:?}, too", value.origin);
            faults.error(place.at("origin"), message, "give each application an origin of its own");
        }
        let application = Application {
            name: value.name.clone(),
            origin: value.origin.clone(),
            is_https: value.origin.starts_with("https:"),
            roles: roles(value, written, place, faults),
        };
        if directory.add_application(application).is_err() {
            let message = format!("application {:?} is declared twice", value.name);
            faults.error(place.at("name"), message, "give each application a name of its own");
        }
    }
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
