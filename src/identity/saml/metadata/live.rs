//! The copy in force. A verification takes it once and keeps it to its end; a new one replaces it
//! only when it was read, and is of the same entity.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwapOption;

use super::{Certificate, Metadata, MetadataError, MetadataTerms};
use crate::clock::Moment;
use crate::identity::saml::refused;
use crate::identity::{VerifyCode, VerifyError};

/// A provider's metadata as it is now.
#[derive(Debug)]
pub(in crate::identity::saml) struct Live {
    pub(super) terms: MetadataTerms,
    current: ArcSwapOption<Metadata>,
    /// Who the provider is. Once known, it never changes.
    entity_id: OnceLock<String>,
    story: Mutex<Story>,
}

/// How the metadata came to be what it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Story {
    /// When the `validUntil` in force was first read.
    pub(super) prolonged: Option<Moment>,
    /// When the source last had what is in force.
    pub(super) confirmed: Option<Moment>,
    /// What went wrong since.
    pub(super) failing: Option<Failing>,
}

/// A source that does not give what it should.
#[derive(Debug, Clone)]
pub(super) struct Failing {
    /// Since when.
    pub(super) since: Moment,
    /// How often in a row.
    pub(super) times: u32,
    /// Why, the last time.
    pub(super) reason: String,
}

/// What a new copy changed: fingerprints of certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KeyChange {
    /// Whether there was no copy before.
    pub(super) is_first: bool,
    pub(super) came: Vec<String>,
    pub(super) gone: Vec<String>,
}

impl Live {
    /// No metadata yet.
    pub(super) fn new(terms: MetadataTerms) -> Self {
        let entity_id = OnceLock::new();
        if let Some(entity) = &terms.entity {
            entity_id.get_or_init(|| entity.clone());
        }
        Self { terms, current: ArcSwapOption::empty(), entity_id, story: Mutex::default() }
    }

    /// Metadata that is given once and for all.
    pub(in crate::identity::saml) fn given(xml: &[u8], at: Moment) -> Result<Self, MetadataError> {
        let live = Self::new(MetadataTerms::default());
        live.offer(xml, at)?;
        Ok(live)
    }

    /// Who the provider is, as far as configuration or metadata have said it.
    pub(in crate::identity::saml) fn entity_id(&self) -> Option<&str> {
        self.entity_id.get().map(String::as_str)
    }

    /// The copy in force, whether or not its time is over.
    pub(in crate::identity::saml) fn current(&self) -> Option<Arc<Metadata>> {
        self.current.load_full()
    }

    /// The copy that responses are verified with at `at`.
    pub(in crate::identity::saml) fn usable(&self, at: Moment) -> Result<Arc<Metadata>, VerifyError> {
        let unavailable =
            |check, expected: String, seen| refused(VerifyCode::KeysUnavailable, check, expected, seen);
        let Some(metadata) = self.current() else {
            let reason = self.story().failing.as_ref().map(|failing| failing.reason.clone());
            let reason = reason.unwrap_or_else(|| "not fetched yet".to_owned());
            return Err(unavailable("saml.metadata-missing", "the provider's metadata".to_owned(), reason));
        };
        match metadata.valid_until.filter(|until| *until <= at) {
            Some(until) => {
                let expected = format!("metadata valid at {at}");
                Err(unavailable("saml.metadata-expired", expected, until.to_string()))
            }
            None => Ok(metadata),
        }
    }

    /// Takes a document that was fetched, if it is good; otherwise nothing changes.
    pub(super) fn offer(&self, xml: &[u8], at: Moment) -> Result<KeyChange, MetadataError> {
        let metadata = Metadata::read(xml, &self.terms, at)?;
        let expected = self.entity_id.get_or_init(|| metadata.entity_id.clone());
        if *expected != metadata.entity_id {
            return Err(MetadataError::OtherEntity { expected: expected.clone(), seen: metadata.entity_id });
        }
        self.is_no_older(&metadata)?;
        let new = Arc::new(metadata);
        let old = self.current.swap(Some(Arc::clone(&new)));
        let mut story = self.story();
        if old.as_ref().is_none_or(|old| old.valid_until != new.valid_until) {
            story.prolonged = Some(at);
        }
        (story.confirmed, story.failing) = (Some(at), None);
        Ok(KeyChange::between(old.as_deref(), &new))
    }

    /// A signature does not say when it was made, so who can answer in the publisher's place could
    /// bring back withdrawn keys with a copy of yesterday. The end of its time tells it apart.
    fn is_no_older(&self, new: &Metadata) -> Result<(), MetadataError> {
        let Some(in_force) = self.current().filter(|_| self.terms.signers.is_some()) else { return Ok(()) };
        match in_force.valid_until {
            Some(until) if new.valid_until.is_none_or(|seen| seen < until) => {
                Err(MetadataError::Older { seen: new.valid_until, in_force: until })
            }
            _ => Ok(()),
        }
    }

    /// The source has nothing newer than what is in force, which is no comfort once that is over.
    pub(super) fn confirm(&self, at: Moment) -> Result<(), MetadataError> {
        let Some(metadata) = self.current() else {
            return Err(MetadataError::Unavailable("it is said not to have changed".to_owned()));
        };
        if let Some(until) = metadata.valid_until.filter(|until| *until <= at) {
            return Err(MetadataError::Expired(until));
        }
        let mut story = self.story();
        (story.confirmed, story.failing) = (Some(at), None);
        Ok(())
    }

    /// When the copy in force was confirmed, where that was before it was read here.
    pub(super) fn confirmed_at(&self, confirmed: Moment) {
        self.story().confirmed = Some(confirmed);
    }

    /// Notes that the source failed, and tells whether that is news.
    pub(super) fn fail(&self, reason: &str, at: Moment) -> bool {
        let mut story = self.story();
        let before = story.failing.take();
        let is_news = before.as_ref().is_none_or(|before| before.reason != reason);
        let (since, times) = before.map_or((at, 0), |before| (before.since, before.times));
        story.failing = Some(Failing { since, times: times.saturating_add(1), reason: reason.to_owned() });
        is_news
    }

    /// How it came to be so. Never held over a wait.
    pub(super) fn story(&self) -> MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyChange {
    fn between(old: Option<&Metadata>, new: &Metadata) -> Self {
        let before = old.map_or(&[][..], |old| old.keys.certificates());
        Self {
            is_first: old.is_none(),
            came: only_in(new.keys.certificates(), before),
            gone: only_in(before, new.keys.certificates()),
        }
    }
}

/// The fingerprints of `these` that are not among `those`.
fn only_in(these: &[Certificate], those: &[Certificate]) -> Vec<String> {
    these.iter().filter(|one| !those.contains(one)).map(|one| one.fingerprint.clone()).collect()
}
