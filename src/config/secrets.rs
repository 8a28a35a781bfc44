//! Secrets, read from where the configuration says that they stand.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::document::{Place, read_text};
use super::fault::Faults;
use super::settings::SecretRef;
use crate::secret::Secret;

/// Larger secrets are a wrong file.
const LARGEST_SECRET: u64 = 64 * 1024;

/// The secret behind `reference`, without trailing line ends; the error says why there is none.
pub(super) fn read_secret(reference: &SecretRef, place: &Place) -> Result<Secret<String>, String> {
    let text = Secret::new(match reference {
        SecretRef::File(file) => read_text(&place.resolve(file), LARGEST_SECRET)?,
        SecretRef::Env(name) => {
            std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"))?
        }
    });
    let trimmed = text.expose().trim_end_matches(['\r', '\n']);
    if trimmed.is_empty() { Err("the secret is empty".into()) } else { Ok(Secret::new(trimmed.to_owned())) }
}

/// Where a secret stands, for a fault's text.
pub(super) fn named(reference: &SecretRef, place: &Place) -> String {
    match reference {
        SecretRef::File(file) => place.resolve(file).display().to_string(),
        SecretRef::Env(name) => format!("${name}"),
    }
}

/// The mode of the secret's file if others than its owner may read it.
pub(super) fn exposed(reference: &SecretRef, place: &Place) -> Option<u32> {
    let SecretRef::File(file) = reference else { return None };
    let mode = fs::metadata(place.resolve(file)).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// The secret behind `reference`, which is `what`; without one, and where others may read it, that is a fault at
/// `key`.
pub(super) fn private_secret(
    reference: &SecretRef,
    what: &str,
    key: &str,
    place: &Place,
    faults: &mut Faults,
) -> Option<Secret<String>> {
    if let Some(mode) = exposed(reference, place) {
        let message =
            format!("{} holds {what}, and others may read it (mode {mode:o})", named(reference, place));
        faults.warning(place.at(key), message, "make it 600");
    }
    match read_secret(reference, place) {
        Ok(secret) => Some(secret),
        Err(problem) => {
            faults.error(place.at(key), problem, "name a file or variable that holds it");
            None
        }
    }
}
