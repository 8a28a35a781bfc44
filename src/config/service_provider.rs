//! Our side of a SAML provider: keys, and how a login is asked for.

use super::document::Place;
use super::fault::Faults;
use super::secrets::{exposed, named, read_secret};
use super::settings::{Encryption, RequestBinding, SamlProviderSettings, SecretRef};
use crate::clock::Moment;
use crate::identity::saml::{Binding, SamlProvider, SpKey, SpKeys, SpSettings};

/// What mends a key that can't be used.
const KEY_HELP: &str =
    "put one RSA private key and its certificate into one PEM file; docs/saml.md says how to make them";

/// What is written about our side. `None` where a provider can't be built from it.
pub(super) fn settings(
    written: &SamlProviderSettings,
    base: &str,
    at: Moment,
    place: &Place,
    faults: &mut Faults,
) -> Option<SpSettings> {
    let keys = keys(&written.keys, at, place, faults)?;
    demands(written, &keys, place, faults);
    Some(SpSettings {
        sign_requests: written.sign_requests.unwrap_or(!keys.is_empty()),
        keys,
        request_binding: written.request_binding.map(|binding| match binding {
            RequestBinding::Redirect => Binding::Redirect,
            RequestBinding::Post => Binding::Post,
        }),
        force_authn: written.force_authn,
        name_id_format: written.name_id_format.clone(),
        slo_url: Some(format!("{base}/saml/{}/slo", written.name)),
    })
}

/// What needs a key, and what must be a URI.
fn demands(written: &SamlProviderSettings, keys: &SpKeys, place: &Place, faults: &mut Faults) {
    if written.sign_requests == Some(true) && keys.is_empty() {
        faults.error(
            place.at("sign_requests"),
            "login requests can't be signed: the provider has no keys",
            "add keys = [{ file = \"sp.pem\" }], or leave sign_requests out",
        );
    }
    if written.force_authn && !written.sign_requests.unwrap_or(!keys.is_empty()) {
        faults.warning(
            place.at("force_authn"),
            "force_authn is asked for by requests without a signature, which can be changed on their way",
            "add keys = [{ file = \"sp.pem\" }], and let the provider demand signed requests",
        );
    }
    if written.encryption == Encryption::Required && keys.is_empty() {
        faults.error(
            place.at("encryption"),
            "nothing can be encrypted to us: the provider has no keys",
            "add keys = [{ file = \"sp.pem\" }], or leave encryption out",
        );
    }
    let uris = written.authn_contexts.iter().map(|uri| ("authn_contexts", uri));
    for (key, uri) in uris.chain(written.name_id_format.iter().map(|uri| ("name_id_format", uri))) {
        if uri.is_empty() || uri.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let help = "write it as the identity provider's documentation does";
            faults.error(place.at(key), format!("{uri:?} is not a URI"), help);
        }
    }
}

/// What only the provider's metadata can tell about those settings.
pub(super) fn check(provider: &SamlProvider, place: &Place, faults: &mut Faults) {
    if let Err(fault) = provider.offers_login() {
        let help = "write the other binding, or leave request_binding out";
        faults.error(place.at("request_binding"), fault.to_string(), help);
    }
    if provider.wants_signed_requests() && !provider.settings().sp.sign_requests {
        faults.warning(
            place.at("sign_requests"),
            "the identity provider wants signed login requests (WantAuthnRequestsSigned), and ours are not signed",
            "add keys = [{ file = \"sp.pem\" }], and give the provider our metadata again",
        );
    }
}

fn keys(written: &[SecretRef], at: Moment, place: &Place, faults: &mut Faults) -> Option<SpKeys> {
    let read: Vec<_> = written.iter().map(|reference| key(reference, at, place, faults)).collect();
    let read = read.into_iter().collect::<Option<Vec<_>>>()?;
    match SpKeys::new(read) {
        Ok(keys) => Some(keys),
        Err(fault) => {
            faults.error(
                place.at("keys"),
                fault.to_string(),
                "keep the key in use and, if there is one, the next",
            );
            None
        }
    }
}

fn key(reference: &SecretRef, at: Moment, place: &Place, faults: &mut Faults) -> Option<SpKey> {
    let name = named(reference, place);
    let pem = match read_secret(reference, place) {
        Ok(pem) => pem,
        Err(problem) => {
            faults.error(place.at("keys"), problem, KEY_HELP);
            return None;
        }
    };
    match SpKey::from_pem(pem.expose()) {
        Ok(key) => {
            if let Some(mode) = exposed(reference, place) {
                let message = format!("{name} holds a private key, and others may read it (mode {mode:o})");
                faults.warning(place.at("keys"), message, "make it 600");
            }
            if key.not_after() <= at {
                let message = format!("the certificate in {name} ended at {}", key.not_after());
                let help =
                    "some identity providers refuse it: make a new one, and give them our metadata again";
                faults.warning(place.at("keys"), message, help);
            }
            Some(key)
        }
        Err(fault) => {
            faults.error(place.at("keys"), format!("{name}: {fault}"), KEY_HELP);
            None
        }
    }
}
