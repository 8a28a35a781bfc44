//! Keys that the operator keeps in a file, for providers that can't be reached.
//!
//! The file is looked at again and again, so that a key that is taken out of it is no longer accepted.
//! A file that is no key set any more, or is gone, takes no keys away: those in force stay, and the log
//! and [`PinnedKeys::state`] say why they are no newer.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::cache::KeyState;
use super::discovery::LARGEST_DOCUMENT;
use super::keys::KeySet;
use crate::clock::Moment;
use crate::watched_file::WatchedFile;

/// See the module.
pub(super) struct PinnedKeys {
    /// None where the keys were given themselves.
    file: Option<WatchedFile>,
    held: ArcSwap<Held>,
}

struct Held {
    keys: Arc<KeySet>,
    /// Since when the file is no good, and why.
    failing: Option<(Moment, String)>,
}

impl PinnedKeys {
    /// Keys that stay as they are: a JWK set.
    pub(super) fn given(json: &[u8]) -> Result<Self, String> {
        Self::of(None, json)
    }

    /// Keys from a file, which must be a usable JWK set now.
    pub(super) fn in_file(path: PathBuf) -> Result<Self, String> {
        let file = WatchedFile::new(path);
        let json = file.look(LARGEST_DOCUMENT)?.unwrap_or_default();
        Self::of(Some(file), &json)
    }

    fn of(file: Option<WatchedFile>, json: &[u8]) -> Result<Self, String> {
        let keys = Arc::new(KeySet::parse(json).map_err(|error| error.to_string())?);
        Ok(Self { file, held: ArcSwap::from_pointee(Held { keys, failing: None }) })
    }

    /// Whether they can change.
    pub(super) const fn are_watched(&self) -> bool {
        self.file.is_some()
    }

    /// The keys in force.
    pub(super) fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.held.load().keys)
    }

    /// How well they are known.
    pub(super) fn state(&self, at: Moment) -> KeyState {
        match &self.held.load().failing {
            None => KeyState::Fresh { age: std::time::Duration::ZERO },
            Some((since, reason)) => KeyState::Stale { age: at.since(*since), reason: reason.clone() },
        }
    }

    /// Looks at the file of the provider `issuer`, and says whether its keys are those in force. It
    /// reads, so it is for a thread that may wait.
    pub(super) fn renew(&self, issuer: &str, at: Moment) -> bool {
        let Some(file) = &self.file else { return true };
        let before = self.held.load_full();
        let read = match file.look(LARGEST_DOCUMENT) {
            Ok(None) => return before.failing.is_none(),
            Ok(Some(json)) => KeySet::parse(&json).map_err(|error| error.to_string()),
            Err(problem) => Err(problem),
        };
        let held = match read {
            Ok(keys) => {
                if before.failing.is_some() {
                    tracing::info!(issuer, "verification keys are renewed again");
                }
                keys.tell_change(&before.keys, issuer);
                Held { keys: Arc::new(keys), failing: None }
            }
            Err(reason) => {
                let since = before.failing.as_ref().map_or(at, |(since, _)| *since);
                if before.failing.as_ref().is_none_or(|(_, known)| *known != reason) {
                    tracing::warn!(issuer, reason, "verification keys not renewed");
                }
                Held { keys: Arc::clone(&before.keys), failing: Some((since, reason)) }
            }
        };
        let is_renewed = held.failing.is_none();
        self.held.store(Arc::new(held));
        is_renewed
    }
}
