//! One provider's keys, at hand.
//!
//! A token whose key is known is verified from memory, always: a slow or dead provider costs it
//! nothing. The set is renewed in the background before it is missed, by whoever keeps it fresh or
//! else by the next token, and dropped when it is too old to be trusted. A key id that is not known makes the cache ask again, because providers rotate
//! keys; but seldom, because anybody can invent key ids. At most one fetch is under way at any
//! time, and it is finished even if the request that caused it is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use aws_lc_rs::signature::ParsedPublicKey;
use tokio::sync::Mutex;

use super::Algorithm;
use super::discovery::{Metadata, Publisher};
use super::keys::KeySet;
use crate::clock::Moment;
use crate::identity::{VerifyCode, VerifyError};

/// How old a set may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAges {
    /// From this age on it is renewed. A withdrawn key is noticed this soon, while the provider can
    /// be asked.
    pub refresh: Duration,
    /// From this age on it is not used. It bounds how long a provider that is cut off, perhaps by
    /// the thief of its old key, still counts.
    pub max: Duration,
}

impl Default for KeyAges {
    /// Five minutes, and a day.
    fn default() -> Self {
        Self { refresh: Duration::from_secs(5 * 60), max: Duration::from_secs(24 * 60 * 60) }
    }
}

/// How often unknown key ids may cause a fetch.
pub(super) const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(30);

/// How soon a fetch is tried again after one that was begun. Longer than a fetch may take: while
/// a provider is down, most callers get their refusal at once.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// How soon whoever keeps a set fresh asks again after a first failure; twice as long after each
/// further one, up to the age at which a set is renewed.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// How well a provider's keys are known, for `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// Fetched lately, or those of the configured file.
    Fresh {
        /// Time since they were fetched.
        age: Duration,
    },
    /// Usable, and due to be renewed.
    Stale {
        /// Time since they were fetched, or since the file that holds them is no good.
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

impl KeyState {
    /// Time since the keys were known to be those of the provider, if there are any.
    pub const fn age(&self) -> Option<Duration> {
        match self {
            Self::Fresh { age } | Self::Stale { age, .. } => Some(*age),
            Self::Missing { .. } => None,
        }
    }
}

/// See the module.
pub(super) struct KeyCache {
    publisher: Publisher,
    ages: KeyAges,
    snapshot: ArcSwapOption<Snapshot>,
    failure: ArcSwapOption<String>,
    /// How many renewals ahead failed in a row.
    failures: AtomicU32,
    one_fetch: Mutex<()>,
    /// When a token last caused a fetch.
    attempted: Last,
    /// When whoever keeps the set fresh last caused one. Apart from the tokens': what failed then may
    /// be there when the first token comes.
    looked: Last,
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
    /// The set will be stale soon.
    Ahead,
}

impl KeyCache {
    pub(super) fn new(publisher: Publisher, ages: KeyAges) -> Arc<Self> {
        Arc::new(Self {
            publisher,
            ages,
            snapshot: ArcSwapOption::empty(),
            failure: ArcSwapOption::empty(),
            failures: AtomicU32::new(0),
            one_fetch: Mutex::new(()),
            attempted: Last::never(),
            looked: Last::never(),
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
        } else if at.since(snapshot.fetched) >= self.ages.refresh && self.is_needed(Need::Renewal, at) {
            drop(tokio::spawn(Arc::clone(self).fetch_once(Need::Renewal, at)));
        }
        match snapshot.keys.find(key_id, algorithm) {
            Some(key) => Ok(verify(key)),
            None if self.failure.load().is_some() => Err(self.unavailable()),
            None => Err(unknown_key(key_id, &snapshot.keys)),
        }
    }

    /// Renews the set before it is missed, and says whether there is a fresh one now.
    pub(super) async fn renew_ahead(self: &Arc<Self>, at: Moment) -> bool {
        self.fetch(Need::Ahead, at).await;
        self.failure.load().is_none() && self.usable(at).is_some()
    }

    /// How long after a renewal at `at`, or a try at one, the next is due: before the set is stale.
    pub(super) fn renewal_due_in(&self, at: Moment) -> Duration {
        let refresh = self.ages.refresh;
        match self.failures.load(Ordering::Acquire).checked_sub(1) {
            Some(doublings) => refresh.min(FIRST_PAUSE.saturating_mul(1 << doublings.min(20))),
            None => {
                let fetched = self.snapshot.load().as_ref().map_or(at, |held| held.fetched);
                refresh.saturating_sub(at.since(fetched)).max(RETRY_INTERVAL)
            }
        }
    }

    /// The ids of the usable keys at `at`, or nothing if there are none.
    pub(super) fn key_ids(&self, at: Moment) -> Vec<String> {
        self.usable(at).map(|snapshot| snapshot.keys.ids().map(str::to_owned).collect()).unwrap_or_default()
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
            Some(age) if age < self.ages.refresh => KeyState::Fresh { age },
            Some(age) => {
                let reason = failure.unwrap_or_else(|| String::from("no token has asked for them since"));
                KeyState::Stale { age, reason }
            }
        }
    }

    fn usable(&self, at: Moment) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full().filter(|snapshot| at.since(snapshot.fetched) < self.ages.max)
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
        match need {
            Need::Ahead => self.looked.happened(at),
            Need::Renewal => self.attempted.happened(at),
            Need::UnknownKey => {
                self.attempted.happened(at);
                self.asked_for_unknown.happened(at);
            }
        }
        match self.download(at).await {
            Ok(snapshot) => {
                for skipped in snapshot.keys.skipped() {
                    let key_id = skipped.key_id.as_deref().unwrap_or_default();
                    tracing::debug!(issuer = self.publisher.issuer, key_id, skipped.reason, "key not used");
                }
                let new = Arc::new(snapshot);
                let old = self.snapshot.swap(Some(Arc::clone(&new)));
                if let Some(old) = old {
                    new.keys.tell_change(&old.keys, &self.publisher.issuer);
                }
                if self.failure.swap(None).is_some() {
                    tracing::info!(issuer = self.publisher.issuer, "verification keys are renewed again");
                }
                self.failures.store(0, Ordering::Release);
            }
            Err(reason) => {
                let is_news = self.failure.load().as_ref().is_none_or(|before| **before != reason);
                if is_news {
                    tracing::warn!(issuer = self.publisher.issuer, reason, "verification keys not renewed");
                }
                self.failure.store(Some(Arc::new(reason)));
                if matches!(need, Need::Ahead) {
                    self.failures.fetch_add(1, Ordering::AcqRel);
                }
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
            Need::Ahead => self.looked.is_due(RETRY_INTERVAL, at),
            Need::UnknownKey => self.asked_for_unknown.is_due(UNKNOWN_KEY_INTERVAL, at),
            Need::Renewal => {
                let snapshot = self.snapshot.load();
                let fresh = snapshot.as_ref().is_some_and(|held| at.since(held.fetched) < self.ages.refresh);
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
