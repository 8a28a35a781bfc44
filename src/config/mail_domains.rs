//! The mail domains whose people a provider signs in.

use super::document::Place;
use super::fault::Faults;
use super::settings::ProviderSettings;

/// Those of `provider`, in small letters; a fault for each that is none.
pub(super) fn checked(provider: &ProviderSettings, place: &Place, faults: &mut Faults) -> Vec<String> {
    let written = match provider {
        ProviderSettings::Saml(saml) => &saml.mail_domains,
        ProviderSettings::Oidc(oidc) => &oidc.mail_domains,
    };
    for domain in written.iter().filter(|domain| !is_domain(domain)) {
        let message = format!("{domain:?} is not the domain of a mail address");
        faults.error(
            place.at("mail_domains"),
            message,
            "write what stands behind the @, such as example.com",
        );
    }
    written.iter().map(|domain| domain.to_ascii_lowercase()).collect()
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(fits)
    };
    text.len() <= 253 && text.split('.').all(is_label)
}
