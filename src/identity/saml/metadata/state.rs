//! How a provider's metadata is doing, for `/readyz` and the metrics.

use std::time::Duration;

use super::live::Story;
use super::{Certificate, Metadata};
use crate::clock::Moment;

/// From here on an end is near.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How a provider's metadata is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataState {
    /// Whether responses can be verified with it.
    pub is_usable: bool,
    /// When its source was last seen to have what is in force.
    pub confirmed: Option<Moment>,
    /// Until when it may be used, if it says so.
    pub valid_until: Option<Moment>,
    /// The certificates of its signing keys.
    pub certificates: Vec<Certificate>,
    /// What somebody should look at, in words.
    pub troubles: Vec<String>,
}

/// The state at `at` of metadata that is fetched, or is not.
pub(super) fn of(metadata: Option<&Metadata>, story: &Story, is_fetched: bool, at: Moment) -> MetadataState {
    let mut troubles = Vec::new();
    if metadata.is_none() && story.failing.is_none() {
        troubles.push("not fetched yet".to_owned());
    }
    if let Some(failing) = &story.failing {
        troubles.push(format!("not renewed since {}: {}", failing.since, failing.reason));
    }
    let valid_until = metadata.and_then(|metadata| metadata.valid_until);
    if let Some(until) = valid_until {
        troubles.extend(near_end(until, story.prolonged.filter(|_| is_fetched), at));
    }
    let certificates = metadata.map(|metadata| metadata.keys.certificates().to_vec()).unwrap_or_default();
    troubles.extend(certificates.iter().filter_map(|certificate| ending(certificate, at)));
    MetadataState {
        is_usable: metadata.is_some() && valid_until.is_none_or(|until| until > at),
        confirmed: story.confirmed,
        valid_until,
        certificates,
        troubles,
    }
}

/// What is fetched is replaced long before its end, so that many publishers make it last some
/// days only: its end is near when half of what it had has passed and nobody prolonged it.
fn near_end(until: Moment, prolonged: Option<Moment>, at: Moment) -> Option<String> {
    if until <= at {
        return Some(format!("it was valid until {until}"));
    }
    let left = until.since(at);
    let is_near = left < SOON && prolonged.is_none_or(|prolonged| left < until.since(prolonged) / 2);
    is_near.then(|| format!("it is valid until {until} only"))
}

fn ending(certificate: &Certificate, at: Moment) -> Option<String> {
    let Certificate { fingerprint, not_after, .. } = certificate;
    if *not_after <= at {
        return Some(format!(
            "signing certificate {fingerprint} expired at {not_after}; its key still counts"
        ));
    }
    (not_after.since(at) < SOON).then(|| format!("signing certificate {fingerprint} expires at {not_after}"))
}
