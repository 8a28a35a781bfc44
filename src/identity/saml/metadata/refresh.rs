//! When a provider's metadata is looked at again, and what comes of it.
//!
//! The task that waits stands in `app`; here is nothing that waits for anything but the answer,
//! so a test can walk through a year.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;

use super::live::{KeyChange, Live};
use super::source::{Document, Source};
use super::{MetadataError, MetadataState, MetadataTerms, MetadataUrl, copy, state};
use crate::clock::Moment;
use crate::entropy::Entropy;
use crate::fetch::{earlier_by_chance, with_causes};
use crate::identity::saml::{SamlProvider, SamlSettings};
use crate::watched_file::FILE_INTERVAL;

/// How soon a failed fetch is tried again the first time, and how seldom at least any source is
/// asked, whatever the document wants.
const SHORTEST: Duration = Duration::from_secs(30);
/// How long at most between tries while there is nothing that responses can be verified with.
const URGENT: Duration = Duration::from_secs(5 * 60);

/// Characters of a reason: some of it may be the document's own words.
const LONGEST_REASON: usize = 1000;

/// What a look at the source brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The copy in force is still what the source has.
    Unchanged,
    /// There is a new copy.
    Renewed {
        /// Fingerprints of certificates that are no longer in it.
        gone: Vec<String>,
    },
    /// There is nothing good, and the copy in force, if any, stays.
    Failed,
}

impl SamlProvider {
    /// A provider whose metadata is the file at `path`, which must be good at `at`, and is looked
    /// at again by [`Self::refresh`].
    pub fn from_file(
        settings: SamlSettings,
        path: PathBuf,
        terms: MetadataTerms,
        at: Moment,
    ) -> Result<Self, MetadataError> {
        let (metadata, source) = (Live::new(terms), Source::file(path));
        if let Some(document) = source.look(metadata.terms.limits().bytes)? {
            metadata.offer(&document.xml, at)?;
        }
        Ok(Self { settings, metadata: Arc::new(metadata), source: Arc::new(source) })
    }

    /// A provider whose metadata is fetched by [`Self::refresh`]; until then it has none, unless
    /// there is a copy ([`Self::take_copy`]). The address must be one that may be asked.
    pub fn from_url(
        settings: SamlSettings,
        from: MetadataUrl,
        terms: MetadataTerms,
        http: Client,
    ) -> Result<Self, MetadataError> {
        let source = Source::url(&settings.name, from, http)?;
        Ok(Self { settings, metadata: Arc::new(Live::new(terms)), source: Arc::new(source) })
    }

    /// Takes the copy that was kept of fetched metadata, if there is one that is good at `at`.
    /// Says whether there was one.
    pub fn take_copy(&self, at: Moment) -> Result<bool, MetadataError> {
        let Source::Url { copy: path, .. } = self.source.as_ref() else { return Ok(false) };
        let kept = copy::read(path, self.metadata.terms.limits().bytes);
        let failed = |error| MetadataError::Unavailable(format!("can't read {}: {error}", path.display()));
        let Some((xml, confirmed)) = kept.map_err(failed)? else { return Ok(false) };
        self.metadata.offer(&xml, at)?;
        self.metadata.confirmed_at(confirmed);
        Ok(true)
    }

    /// Looks at the source. What it has is taken over if it is good; otherwise the log and
    /// [`Self::metadata_state`] say why not, and the copy in force stays.
    pub async fn refresh(&self, at: Moment) -> Refreshed {
        let was_failing = self.metadata.story().failing.is_some();
        let outcome = match self.source.fetch(self.metadata.terms.limits().bytes).await {
            Ok(Some(document)) => self.take(document, at).await,
            Ok(None) => self.confirm(at),
            Err(fault) => Err(fault),
        };
        let provider = &self.settings.name;
        let refreshed = outcome.unwrap_or_else(|fault| {
            let reason: String = with_causes(&fault).chars().take(LONGEST_REASON).collect();
            if self.metadata.fail(&reason, at) {
                tracing::warn!(provider, reason, "metadata not renewed; the copy in force, if any, stays");
            }
            Refreshed::Failed
        });
        if was_failing && self.metadata.story().failing.is_none() {
            tracing::info!(provider, "metadata is renewed again");
        }
        refreshed
    }

    /// How long to wait from `at` until the next look, up to a tenth less by chance so that many
    /// brokers don't ask at once. `None`: there is nothing to look at.
    pub fn refresh_in(&self, at: Moment, entropy: &dyn Entropy) -> Option<Duration> {
        let wished = match self.source.as_ref() {
            Source::Given => return None,
            Source::File(_) => return Some(FILE_INTERVAL),
            Source::Url { from, .. } => self.pace(from.refresh, at),
        };
        let failures = self.metadata.story().failing.as_ref().map_or(0, |failing| failing.times);
        let interval = match failures.checked_sub(1) {
            None => wished,
            Some(doublings) => wished.min(SHORTEST.saturating_mul(1 << doublings.min(20))),
        };
        Some(earlier_by_chance(interval, entropy))
    }

    /// How the metadata is doing at `at`.
    pub fn metadata_state(&self, at: Moment) -> MetadataState {
        let is_fetched = matches!(*self.source, Source::Url { .. });
        state::of(self.metadata.current().as_deref(), &self.metadata.story().clone(), is_fetched, at)
    }

    /// What the copy in force holds that could not be used.
    pub fn metadata_warnings(&self) -> Vec<String> {
        self.metadata.current().map(|metadata| metadata.warnings.clone()).unwrap_or_default()
    }

    /// The least of what was configured, what the document wants, and a quarter of what is left
    /// until it is over.
    fn pace(&self, refresh: Duration, at: Moment) -> Duration {
        let Ok(metadata) = self.metadata.usable(at) else { return refresh.min(URGENT) };
        let quarter = metadata.valid_until.map_or(Duration::MAX, |until| until.since(at) / 4);
        let wanted = metadata.cache_duration.unwrap_or(Duration::MAX);
        refresh.min(wanted).min(quarter).max(SHORTEST)
    }

    /// Reads on a thread where reading may take its time.
    async fn take(&self, document: Document, at: Moment) -> Result<Refreshed, MetadataError> {
        let (metadata, source) = (Arc::clone(&self.metadata), Arc::clone(&self.source));
        let reading = tokio::task::spawn_blocking(move || {
            let change = metadata.offer(&document.xml, at)?;
            source.accepted(document, at);
            Ok(change)
        });
        let change = reading.await.unwrap_or_else(|_| Err(MetadataError::interrupted()))?;
        self.tell(&change);
        Ok(Refreshed::Renewed { gone: change.gone })
    }

    fn confirm(&self, at: Moment) -> Result<Refreshed, MetadataError> {
        // A file that was read and was no good is as bad as it was.
        let is_known_bad = matches!(*self.source, Source::File(_)) && self.metadata.story().failing.is_some();
        if is_known_bad {
            return Ok(Refreshed::Unchanged);
        }
        self.metadata.confirm(at).inspect_err(|_| self.source.distrust())?;
        self.source.confirmed(at);
        Ok(Refreshed::Unchanged)
    }

    /// A provider's keys decide who may come in: that they change must not go unseen.
    fn tell(&self, change: &KeyChange) {
        let provider = &self.settings.name;
        let (came, gone) = (change.came.join(" "), change.gone.join(" "));
        if change.is_first {
            tracing::info!(provider, certificates = came, "metadata was fetched for the first time");
        } else if !came.is_empty() || !gone.is_empty() {
            tracing::warn!(provider, came, gone, "the provider's signing certificates have changed");
        }
        for warning in self.metadata_warnings() {
            tracing::warn!(provider, warning, "metadata that is not used");
        }
    }
}
