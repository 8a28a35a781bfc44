//! `metadata = { … }` of a SAML provider becomes its verifier.
//!
//! Nothing is fetched here: a provider with a URL begins with the copy that was kept, or with
//! none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Client;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::Url;

use super::document::{Place, read_text};
use super::fault::Faults;
use super::providers::with_causes;
use super::settings::SamlProviderSettings;
use crate::clock::Moment;
use crate::identity::saml::{MetadataError, MetadataTerms, MetadataUrl, SamlProvider, SamlSettings};

/// Seldom enough for the largest federation, often enough that a withdrawn key does not count for
/// a day.
const DEFAULT_REFRESH: Duration = Duration::from_secs(6 * 3600);
/// More often is a burden on the publisher.
const SHORTEST_REFRESH: Duration = Duration::from_secs(5 * 60);
/// More seldom is no refresh.
const LONGEST_REFRESH: Duration = Duration::from_secs(7 * 24 * 3600);
/// An aggregate of 128 MiB at 20 Mbit/s.
const PATIENCE: Duration = Duration::from_secs(60);
/// More certificates than that are a wrong file.
const LARGEST_PEM: u64 = 64 * 1024;

/// One provider's `metadata`, and what is needed to make sense of it.
pub(super) struct Written<'a> {
    pub(super) provider: &'a SamlProviderSettings,
    pub(super) place: &'a Place,
    /// Where copies of fetched metadata are kept.
    pub(super) copies: &'a Path,
    pub(super) http: &'a Client,
    pub(super) at: Moment,
}

impl Written<'_> {
    /// The verifier, with the metadata that can be had offline.
    pub(super) fn verifier(&self, settings: SamlSettings, faults: &mut Faults) -> Option<SamlProvider> {
        let metadata = &self.provider.metadata;
        let terms = self.terms(faults);
        let refresh = self.refresh(faults);
        let verifier = match (&metadata.file, &metadata.url) {
            (Some(file), None) => self.of_file(settings, self.place.resolve(file), terms?, faults)?,
            (None, Some(url)) => {
                let from = self.address(url, refresh?, faults)?;
                self.of_url(settings, from, terms?, faults)?
            }
            (file, _) => {
                let seen = if file.is_some() { "both a file and a url" } else { "neither a file nor a url" };
                let help = "write { file = \"corp.xml\" } or { url = \"https://idp.example.com/metadata\" }";
                faults.error(self.place.at("metadata"), format!("metadata has {seen}"), help);
                return None;
            }
        };
        for warning in verifier.metadata_warnings() {
            let help = "tell the identity provider's administrator; what else the metadata holds is used";
            faults.warning(self.place.at("metadata"), warning, help);
        }
        Some(verifier)
    }

    fn of_file(
        &self,
        settings: SamlSettings,
        file: PathBuf,
        terms: MetadataTerms,
        faults: &mut Faults,
    ) -> Option<SamlProvider> {
        let made = SamlProvider::from_file(settings, file.clone(), terms, self.at);
        made.inspect_err(|error| {
            let message = match error {
                MetadataError::Unavailable(_) => error.to_string(), // It names the file.
                _ => format!("{}: {}", file.display(), with_causes(error)),
            };
            faults.error(self.place.at("metadata.file"), message, help(error));
        })
        .ok()
    }

    fn of_url(
        &self,
        settings: SamlSettings,
        from: MetadataUrl,
        terms: MetadataTerms,
        faults: &mut Faults,
    ) -> Option<SamlProvider> {
        let spot = self.place.at("metadata.url");
        let made = SamlProvider::from_url(settings, from, terms, self.http.clone());
        let help = "write the https address; http is for loopback, together with allow_loopback_http";
        let verifier = made.inspect_err(|error| faults.error(spot.clone(), with_causes(error), help)).ok()?;
        if let Err(error) = verifier.take_copy(self.at) {
            let message = format!("the last good copy can't be used: {}", with_causes(&error));
            let help = "until the URL gives metadata that can, the provider's responses are refused";
            faults.warning(spot, message, help);
        }
        Some(verifier)
    }

    fn address(&self, url: &str, refresh: Duration, faults: &mut Faults) -> Option<MetadataUrl> {
        let Ok(url) = Url::parse(url) else {
            let help = "write the address that the identity provider publishes its metadata at";
            faults.error(self.place.at("metadata.url"), format!("{url:?} is not a URL"), help);
            return None;
        };
        Some(MetadataUrl {
            url,
            refresh,
            patience: PATIENCE,
            allow_loopback_http: self.provider.allow_loopback_http,
            copies: self.copies.to_owned(),
        })
    }

    fn refresh(&self, faults: &mut Faults) -> Option<Duration> {
        let metadata = &self.provider.metadata;
        let Some(refresh) = metadata.refresh else { return Some(DEFAULT_REFRESH) };
        let spot = self.place.at("metadata.refresh");
        if metadata.url.is_none() {
            let help = "leave it out: a file is read again when it changes";
            faults.error(spot, "refresh is for a url only", help);
            return None;
        }
        if !(SHORTEST_REFRESH..=LONGEST_REFRESH).contains(&refresh.0) {
            let message = format!("{} s is not between 5m and 7d", refresh.0.as_secs());
            faults.error(spot, message, "write 6h, or leave it out");
            return None;
        }
        Some(refresh.0)
    }

    fn terms(&self, faults: &mut Faults) -> Option<MetadataTerms> {
        let metadata = &self.provider.metadata;
        if metadata.entity.as_ref().is_some_and(String::is_empty) {
            faults.error(
                self.place.at("metadata.entity"),
                "entity is empty",
                "write an entityID, or leave it out",
            );
            return None;
        }
        let terms = MetadataTerms::new(metadata.entity.clone());
        let Some(file) = &metadata.signed_by else { return Some(terms) };
        let file = self.place.resolve(file);
        let signed = certificates(&file).and_then(|certificates| {
            let signed = terms.signed_by(&certificates);
            signed.map_err(|error| format!("{}: {}", file.display(), with_causes(&error)))
        });
        signed
            .inspect_err(|problem| {
                let help = "save the certificate that the publisher signs its metadata with there, as PEM";
                faults.error(self.place.at("metadata.signed_by"), problem, help);
            })
            .ok()
    }
}

/// What mends metadata from a file.
const fn help(error: &MetadataError) -> &'static str {
    use MetadataError::{
        Aggregate, EntityTwice, InclusiveC14n, NoSuchEntity, OtherEntity, Signature, Unavailable, Unsigned,
    };
    match error {
        Aggregate { .. } | NoSuchEntity { .. } | EntityTwice(_) | OtherEntity { .. } => {
            "write the entityID of the identity provider as `entity`"
        }
        Unsigned | InclusiveC14n(_) | Signature(_) => {
            "name the certificate of whoever signs it; without signed_by, whoever may write the file is trusted"
        }
        Unavailable(_) => "save the metadata that the identity provider publishes or exports there",
        _ => "export the metadata from the identity provider again",
    }
}

/// The certificates of a PEM file.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read_text(file, LARGEST_PEM)?;
    let read = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>();
    read.map_err(|error| format!("can't read certificates from {}: {error}", file.display()))
}
