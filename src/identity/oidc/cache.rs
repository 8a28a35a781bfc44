//! One provider's keys, at hand.
//!
//! A token whose key is known is verified from memory, always: a slow or dead provider costs it
//! nothing. The set is renewed in the background when it is stale and dropped when it is too old
//! to be trusted. A key id that is not known makes the cache ask again, because providers rotate
//! keys; but seldom, because anybody can invent key ids. At most one fetch is under way at any
//! time, and it is finished even if the request that caused it is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use aws_lc_rs::signature::ParsedPublicKey;
use jsonwebtoken::Algorithm;
use tokio::sync::Mutex;

use super::discovery::{Metadata, Publisher};
use super::keys::KeySet;
use crate::clock::Moment;
use crate::identity::{VerifyCode, VerifyError};

/// From this age on a set is renewed in the background. A withdrawn key is noticed this soon.
pub(super) const RENEW_AFTER: Duration = Duration::from_secs(5 * 60);

/// From this age on a set is not used. It bounds how long a provider that is cut off, perhaps
/// by the thief of its old key, still counts.
pub(super) const HARD_MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// How often unknown key ids may cause a fetch.
pub(super) const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(30);

/// How soon a fetch is tried again after one that was begun. Longer than a fetch may take: while
/// a provider is down, most callers get their refusal at once.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// How well a provider's keys are known, for `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// Fetched within the last five minutes, or part of the configuration.
    Fresh {
        /// Time since they were fetched.
        age: Duration,
    },
    /// Usable, and due to be renewed.
    Stale {
        /// Time since they were fetched.
        age: Duration,
        /// Why they are not fresh.
        reason: String,
    },
    /// There are none, or none that may still be used: no token can be verified.
    Missing {
        /// Why there are none.
        reason: String,
    },
}

/// See the module.
pub(super) struct KeyCache {
    publisher: Publisher,
    snapshot: ArcSwapOption<Snapshot>,
    failure: ArcSwapOption<String>,
    one_fetch: Mutex<()>,
    /// When a fetch was last begun.
    attempted: Last,
    /// When an unknown key id last caused a fetch.
    asked_for_unknown: Last,
}

struct Snapshot {
    keys: KeySet,
    metadata: Metadata,
    fetched: Moment,
}

/// When something last happened, if ever.
struct Last(AtomicI64);

impl Last {
    const NEVER: i64 = i64::MIN;

    const fn never() -> Self {
        Self(AtomicI64::new(Self::NEVER))
    }

    /// Whether it never happened or is `interval` ago.
    fn is_due(&self, interval: Duration, at: Moment) -> bool {
        let last = self.0.load(Ordering::Acquire);
        last == Self::NEVER || at.since(Moment::from_unix_millis(last)) >= interval
    }

    fn happened(&self, at: Moment) {
        self.0.store(at.unix_millis(), Ordering::Release);
    }
}

/// What makes a fetch necessary.
#[derive(Clone, Copy)]
enum Need {
    /// There is no usable set, or it is stale.
    Renewal,
    /// The set does not hold the key that was asked for.
    UnknownKey,
}

impl KeyCache {
    pub(super) fn new(publisher: Publisher) -> Arc<Self> {
        Arc::new(Self {
            publisher,
            snapshot: ArcSwapOption::empty(),
            failure: ArcSwapOption::empty(),
            one_fetch: Mutex::new(()),
            attempted: Last::never(),
            asked_for_unknown: Last::never(),
        })
    }

    /// Gives the key for a token of `algorithm` that names `key_id` to `verify`, or says why
    /// there is none.
    pub(super) async fn with_key<T>(
        self: &Arc<Self>,
        key_id: Option<&str>,
        algorithm: Algorithm,
        at: Moment,
        verify: impl FnOnce(&ParsedPublicKey) -> T,
    ) -> Result<T, VerifyError> {
        if self.usable(at).is_none() {
            self.fetch(Need::Renewal, at).await;
        }
        let mut snapshot = self.usable(at).ok_or_else(|| self.unavailable())?;
        if snapshot.keys.find(key_id, algorithm).is_none() {
            self.fetch(Need::UnknownKey, at).await;
            snapshot = self.usable(at).ok_or_else(|| self.unavailable())?;
        } else if at.since(snapshot.fetched) >= RENEW_AFTER && self.is_needed(Need::Renewal, at) {
            drop(tokio::spawn(Arc::clone(self).fetch_once(Need::Renewal, at)));
        }
        match snapshot.keys.find(key_id, algorithm) {
            Some(key) => Ok(verify(key)),
            None if self.failure.load().is_some() => Err(self.unavailable()),
            None => Err(unknown_key(key_id, &snapshot.keys)),
        }
    }

    /// What the provider published about itself.
    pub(super) async fn metadata(self: &Arc<Self>, at: Moment) -> Result<Metadata, VerifyError> {
        if self.usable(at).is_none() {
            self.fetch(Need::Renewal, at).await;
        }
        self.usable(at).map(|snapshot| snapshot.metadata.clone()).ok_or_else(|| self.unavailable())
    }

    /// How well the keys are known.
    pub(super) fn state(&self, at: Moment) -> KeyState {
        let failure = self.failure.load_full().map(|reason| (*reason).clone());
        match self.usable(at).map(|snapshot| at.since(snapshot.fetched)) {
            None => KeyState::Missing { reason: failure.unwrap_or_else(|| String::from("not fetched yet")) },
            Some(age) if age < RENEW_AFTER => KeyState::Fresh { age },
            Some(age) => {
                let reason = failure.unwrap_or_else(|| String::from("no token has asked for them since"));
                KeyState::Stale { age, reason }
            }
        }
    }

    fn usable(&self, at: Moment) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full().filter(|snapshot| at.since(snapshot.fetched) < HARD_MAX_AGE)
    }

    fn unavailable(&self) -> VerifyError {
        let reason = self.failure.load_full();
        let reason = reason.map_or_else(|| String::from("a fetch is under way"), |text| (*text).clone());
        VerifyError::new(VerifyCode::KeysUnavailable, "oidc.keys", "the provider's keys", reason)
    }

    /// Fetches in a task of its own: if the caller hangs up, the next one finds the result.
    async fn fetch(self: &Arc<Self>, need: Need, at: Moment) {
        if self.is_needed(need, at) {
            // A join error means that the runtime is shutting down: nobody waits for the answer.
            let _ = tokio::spawn(Arc::clone(self).fetch_once(need, at)).await;
        } else {
            // A fetch that is under way may bring what is missing; if none is, this is no wait.
            drop(self.one_fetch.lock().await);
        }
    }

    async fn fetch_once(self: Arc<Self>, need: Need, at: Moment) {
        let _alone = self.one_fetch.lock().await;
        if !self.is_needed(need, at) {
            return;
        }
        self.attempted.happened(at);
        if matches!(need, Need::UnknownKey) {
            self.asked_for_unknown.happened(at);
        }
        match self.download(at).await {
            Ok(snapshot) => {
                for skipped in snapshot.keys.skipped() {
                    let key_id = skipped.key_id.as_deref().unwrap_or_default();
                    tracing::debug!(issuer = self.publisher.issuer, key_id, skipped.reason, "key not used");
                }
                self.snapshot.store(Some(Arc::new(snapshot)));
                self.failure.store(None);
            }
            Err(reason) => {
                tracing::warn!(issuer = self.publisher.issuer, reason, "verification keys not renewed");
                self.failure.store(Some(Arc::new(reason)));
            }
        }
    }

    async fn download(&self, at: Moment) -> Result<Snapshot, String> {
        let metadata = self.publisher.metadata().await.map_err(|error| error.to_string())?;
        let keys = self.publisher.keys(&metadata).await.map_err(|error| error.to_string())?;
        Ok(Snapshot { keys, metadata, fetched: at })
    }

    /// Whether nobody has fetched for this `need` lately.
    fn is_needed(&self, need: Need, at: Moment) -> bool {
        match need {
            Need::UnknownKey => self.asked_for_unknown.is_due(UNKNOWN_KEY_INTERVAL, at),
            Need::Renewal => {
                let snapshot = self.snapshot.load();
                let fresh = snapshot.as_ref().is_some_and(|held| at.since(held.fetched) < RENEW_AFTER);
                !fresh && self.attempted.is_due(RETRY_INTERVAL, at)
            }
        }
    }
}

/// A refusal of a token whose key is not in the set.
pub(super) fn unknown_key(key_id: Option<&str>, keys: &KeySet) -> VerifyError {
    let expected = format!("one of the provider's {} usable keys", keys.len());
    let seen = key_id.map_or_else(|| String::from("no key id, and not exactly one key fits"), str::to_owned);
    VerifyError::new(VerifyCode::Signature, "oidc.key.unknown", expected, seen)
}
