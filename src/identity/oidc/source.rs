//! Where a provider's keys come from, and how fresh they are: what whoever keeps them fresh, `/readyz`
//! and explanations ask.

use std::sync::Arc;
use std::time::Duration;

use super::OidcProvider;
use super::cache::{KeyCache, KeyState};
use super::pinned::PinnedKeys;
use super::token_info::TokenInfo;
use crate::clock::Moment;
use crate::entropy::Entropy;
use crate::fetch::earlier_by_chance;
use crate::watched_file::FILE_INTERVAL;

/// See the module.
pub(super) enum Keys {
    /// Keys from the configuration; the cache knows where to send a login.
    Pinned(Arc<PinnedKeys>, Arc<KeyCache>),
    Published(Arc<KeyCache>),
    /// None: the issuer is asked about each token.
    Asked(TokenInfo),
}

impl OidcProvider {
    /// Fetches the keys anew, or looks at their file, so that tokens find them. Says whether they are
    /// fresh now; `None` where they never change.
    pub async fn refresh(&self, at: Moment) -> Option<bool> {
        match &self.keys {
            Keys::Pinned(pinned, _) if pinned.are_watched() => {
                let (pinned, issuer) = (Arc::clone(pinned), self.settings.issuer.clone());
                let looking = tokio::task::spawn_blocking(move || pinned.renew(&issuer, at));
                // A join error means that the runtime is shutting down.
                Some(looking.await.unwrap_or(false))
            }
            Keys::Pinned(..) | Keys::Asked(..) => None,
            Keys::Published(cache) => Some(cache.renew_ahead(at).await),
        }
    }

    /// How long to wait from `at` until [`Self::refresh`] is due, up to a tenth less by chance so
    /// that many brokers don't ask at once. `None` where the keys never change.
    pub fn refresh_in(&self, at: Moment, entropy: &dyn Entropy) -> Option<Duration> {
        match &self.keys {
            Keys::Pinned(pinned, _) => pinned.are_watched().then_some(FILE_INTERVAL),
            Keys::Asked(..) => None,
            Keys::Published(cache) => Some(earlier_by_chance(cache.renewal_due_in(at), entropy)),
        }
    }

    /// The ids of the keys that may be used at `at`.
    pub fn key_ids(&self, at: Moment) -> Vec<String> {
        match &self.keys {
            Keys::Pinned(pinned, _) => pinned.keys().ids().map(str::to_owned).collect(),
            Keys::Published(cache) => cache.key_ids(at),
            Keys::Asked(..) => Vec::new(),
        }
    }

    /// The keys of the configuration that are of no use, each with what is wrong with it.
    pub fn unusable_keys(&self) -> Vec<String> {
        match &self.keys {
            Keys::Pinned(pinned, _) => pinned.keys().skipped().iter().map(ToString::to_string).collect(),
            Keys::Published(_) | Keys::Asked(..) => Vec::new(),
        }
    }

    /// Whether it has keys at all; else it is asked about each token.
    pub const fn has_keys(&self) -> bool {
        !matches!(self.keys, Keys::Asked(..))
    }

    /// How well the provider's keys are known.
    pub fn key_state(&self, at: Moment) -> KeyState {
        match &self.keys {
            Keys::Asked(..) => KeyState::Fresh { age: Duration::ZERO },
            Keys::Pinned(pinned, _) => pinned.state(at),
            Keys::Published(cache) => cache.state(at),
        }
    }
}
