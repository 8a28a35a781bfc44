//! What was revoked, as this node knows it.
//!
//! Verifying a credential must not wait for a store, so the live revocations stand in memory:
//! loaded at the start, added to with each logout, pruned as they end. Readers take no lock. An
//! entry is some hundred bytes and lives as long as what it ends: the longest session, and before that as
//! long as some client may refresh. What clients might once, the store remembers too, so that a
//! configuration that comes back finds no revocation forgotten that its refresh tokens outlived. Each
//! costs somebody a signed logout or a login at their provider; signing in and out with the same
//! credentials joins into some entries a person. A million of them, seven a second for all that time,
//! is 100 MB.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::clock::Moment;
use crate::identity::{LoginMarks, hash_of};
use crate::policy::LONGEST_SESSION;
use crate::store::{Revocation, RevocationId, Store, StoreFault};
use crate::telemetry;

/// Adding copies one shard, so there are some.
const SHARDS: usize = 64;

type Shard = HashMap<RevocationId, Revocation>;

/// The live revocations. One a process.
pub struct RevocationSet {
    shards: [ArcSwap<Shard>; SHARDS],
    writing: Mutex<()>,
    /// Those that the store may not have, each with when it ends.
    unsaved: Mutex<HashMap<RevocationId, Moment>>,
    /// How long what is revoked could be used.
    kept_for: Duration,
    /// Whether other nodes are heard; nothing where there are none.
    others: ArcSwapOption<Others>,
}

/// Whether what other nodes revoke is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Others {
    /// As it happens.
    Heard,
    /// No more.
    Lost {
        /// Since when.
        since: Moment,
        /// Why.
        reason: String,
    },
}

/// How long the store remembers what clients may do now: for good.
const FOR_GOOD: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

impl RevocationSet {
    /// What `store` remembers, at the start of a node whose clients may refresh for `longest_refresh`.
    pub async fn load(store: &dyn Store, longest_refresh: Duration, at: Moment) -> Result<Self, StoreFault> {
        let live = store.revocations(at).await?;
        let refreshing = remembered_refresh(store, longest_refresh, at).await?;
        Ok(Self { kept_for: refreshing + LONGEST_SESSION, ..Self::new(live) })
    }

    /// What is known at the start of a node whose store does not answer: nothing, for `reason`, until others are heard.
    pub fn unknown(longest_refresh: Duration, reason: String, at: Moment) -> Self {
        let set = Self { kept_for: longest_refresh + LONGEST_SESSION, ..Self::new(Vec::new()) };
        set.lost(reason, at);
        set
    }

    /// A set of `live` revocations, for clients that never refresh.
    pub fn new(live: Vec<Revocation>) -> Self {
        let mut shards: [Shard; SHARDS] = std::array::from_fn(|_| Shard::new());
        for revocation in live {
            join(&mut shards[shard_of(&revocation.id)], revocation);
        }
        let shards = shards.map(|shard| ArcSwap::new(Arc::new(shard)));
        let (writing, unsaved) = (Mutex::default(), Mutex::default());
        let others = ArcSwapOption::empty();
        let set = Self { shards, writing, unsaved, kept_for: LONGEST_SESSION, others };
        telemetry::count_live_revocations(set.len());
        set
    }

    /// Adds `revocation`, which the store does not have yet, and forgets what is over at `at`.
    pub fn add(&self, revocation: Revocation, at: Moment) {
        let mut unsaved = self.unsaved();
        unsaved.retain(|_, until| *until > at);
        unsaved.insert(revocation.id, revocation.until);
        drop(unsaved);
        self.hold(&[revocation], at);
    }

    /// Adds what the store has, and forgets what is over at `at`. A shard is copied once, however many of them there are.
    pub fn hold(&self, revocations: &[Revocation], at: Moment) {
        let mut shards: HashMap<usize, Vec<Revocation>> = HashMap::new();
        for revocation in revocations {
            shards.entry(shard_of(&revocation.id)).or_default().push(*revocation);
        }
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, added) in shards {
            let mut entries = Shard::clone(&self.shards[index].load());
            entries.retain(|_, held| held.until > at);
            added.into_iter().for_each(|revocation| join(&mut entries, revocation));
            self.shards[index].store(Arc::new(entries));
        }
        drop(writing);
        telemetry::count_live_revocations(self.len());
    }

    /// Whether other nodes are heard; nothing where there are none.
    pub fn others(&self) -> Option<Others> {
        self.others.load().as_deref().cloned()
    }

    /// Everything that other nodes revoked is here, and will be.
    pub(super) fn heard(&self) {
        self.others.store(Some(Arc::new(Others::Heard)));
    }

    /// What other nodes revoke from `at` on may not be here.
    pub(super) fn lost(&self, reason: String, at: Moment) {
        let since = match self.others() {
            Some(Others::Lost { since, .. }) => since,
            _ => at,
        };
        self.others.store(Some(Arc::new(Others::Lost { since, reason })));
    }

    /// When nothing can be used any more that was given before `now`.
    pub fn keeps_until(&self, now: Moment) -> Moment {
        now.plus(self.kept_for)
    }

    /// The store has `revocation` now. If more was added in the meantime, that is yet to be saved.
    pub fn saved(&self, revocation: &Revocation) {
        let mut unsaved = self.unsaved();
        if unsaved.get(&revocation.id).is_some_and(|until| *until <= revocation.until) {
            unsaved.remove(&revocation.id);
        }
    }

    /// Those of `ids` that the store may not have, as they are held.
    pub fn unsaved_of(&self, ids: &[RevocationId]) -> Vec<Revocation> {
        let unsaved = self.unsaved();
        ids.iter().filter(|id| unsaved.contains_key(*id)).filter_map(|id| self.find(id)).collect()
    }

    /// Whether a session of the login `marks` is over that was issued at `issued`, by our clock.
    pub fn ends_session(&self, marks: &LoginMarks, issued: Moment) -> bool {
        marks.all().any(|mark| self.ends(mark, issued))
    }

    /// Whether nothing more may come of an assertion about the login `marks` that was issued at
    /// `asserted`, by the provider's clock.
    pub fn ends_assertion(&self, marks: &LoginMarks, asserted: Moment) -> bool {
        marks.all().any(|mark| self.ends_asserted(mark, asserted))
    }

    /// Whether nothing more may come of documents that were issued at `asserted`, by whoever's clock.
    pub(super) fn ends_asserted(&self, id: &RevocationId, asserted: Moment) -> bool {
        self.find(id).is_some_and(|held| asserted <= held.asserted_before)
    }

    /// Whether something is over that began at `begun`, by our clock.
    pub fn ends(&self, id: &RevocationId, begun: Moment) -> bool {
        self.find(id).is_some_and(|held| begun <= held.issued_before)
    }

    /// How many there are, over or not.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.load().len()).sum()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn unsaved(&self) -> MutexGuard<'_, HashMap<RevocationId, Moment>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: &RevocationId) -> Option<Revocation> {
        self.shards[shard_of(id)].load().get(id).copied()
    }
}

/// The longest that a refresh token could be used which was given up to now. One that was given when
/// clients might refresh for longer counts until it is over.
async fn remembered_refresh(
    store: &dyn Store,
    longest: Duration,
    at: Moment,
) -> Result<Duration, StoreFault> {
    let key = hash_of(&["rolegate/longest-refresh"]);
    let remembered = store.kept(key, at).await?.and_then(|bytes| bytes.try_into().ok());
    let before = remembered.map_or(Duration::ZERO, |bytes| Duration::from_secs(u64::from_be_bytes(bytes)));
    let (counts, until) =
        if longest >= before { (longest, at.plus(FOR_GOOD)) } else { (before, at.plus(before)) };
    if !counts.is_zero() {
        store.keep(key, counts.as_secs().to_be_bytes().to_vec(), until, at).await?;
    }
    Ok(counts)
}

fn join(entries: &mut Shard, revocation: Revocation) {
    entries.entry(revocation.id).and_modify(|held| *held = held.joined(revocation)).or_insert(revocation);
}

/// Ids are hashes, so their bytes are spread evenly.
fn shard_of(id: &RevocationId) -> usize {
    usize::from(id[0]) % SHARDS
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Moment = Moment::from_unix(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(3600);
    const MILLISECOND: Duration = Duration::from_millis(1);

    fn revocation(id: u8) -> Revocation {
        let asserted_before = NOW.minus(HOUR);
        Revocation { id: [id; 16], issued_before: NOW, asserted_before, until: NOW.plus(HOUR) }
    }

    fn marks(subject: u8, sessions: &[u8]) -> LoginMarks {
        let sessions = sessions.iter().map(|id| [*id; 16]).collect();
        LoginMarks { subject: [subject; 16], sessions, unnamed: Some([200; 16]) }
    }

    #[test]
    fn what_was_issued_before_is_over_and_what_comes_later_is_not() {
        let set = RevocationSet::new(vec![revocation(1)]);
        let (ann, later) = (marks(1, &[7]), NOW.plus(MILLISECOND));
        assert!(set.ends_session(&ann, NOW.minus(HOUR)) && set.ends_session(&ann, NOW));
        assert!(!set.ends_session(&ann, later));
        assert!(set.ends_assertion(&ann, NOW.minus(HOUR)));
        assert!(!set.ends_assertion(&ann, NOW.minus(HOUR).plus(MILLISECOND)));
        assert!(!set.ends_session(&marks(2, &[3]), NOW), "somebody else");
    }

    #[test]
    fn one_session_or_all_of_a_person() {
        let later = NOW.plus(MILLISECOND);
        let set = RevocationSet::new(Vec::new());
        assert!(set.is_empty());
        set.add(revocation(7), NOW);
        assert!(set.ends_session(&marks(1, &[6, 7]), NOW));
        assert!(!set.ends_session(&marks(1, &[6]), NOW), "another session of the same person");
        set.add(revocation(1), NOW);
        assert!(set.ends_session(&marks(1, &[6]), NOW) && set.ends_session(&marks(1, &[]), NOW));
        assert!(set.ends(&[7; 16], NOW) && !set.ends(&[7; 16], later) && !set.ends(&[6; 16], NOW));
    }

    #[test]
    fn adding_takes_nothing_back() {
        let set = RevocationSet::new(vec![revocation(1), revocation(65)]);
        set.add(Revocation { issued_before: NOW.minus(HOUR), ..revocation(1) }, NOW);
        assert!(set.ends_session(&marks(1, &[]), NOW));
        assert_eq!(set.len(), 2);
    }

    #[test]
    fn what_the_store_lacks_is_known() {
        let set = RevocationSet::new(vec![revocation(2)]);
        set.add(revocation(1), NOW);
        assert_eq!(set.unsaved_of(&[[1; 16], [2; 16], [3; 16]]), [revocation(1)]);
        let longer = Revocation { until: NOW.plus(2 * HOUR), ..revocation(1) };
        set.add(longer, NOW);
        set.saved(&revocation(1));
        assert_eq!(set.unsaved_of(&[[1; 16]]), [longer], "more was added since");
        set.saved(&longer);
        assert_eq!(set.unsaved_of(&[[1; 16]]), []);
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let set = RevocationSet::new(vec![revocation(1)]);
        set.add(revocation(65), NOW.plus(HOUR - MILLISECOND)); // In the same shard.
        assert_eq!(set.len(), 2);
        set.add(Revocation { until: NOW.plus(2 * HOUR), ..revocation(129) }, NOW.plus(HOUR));
        assert!(!set.ends(&[1; 16], NOW) && !set.ends(&[65; 16], NOW) && set.ends(&[129; 16], NOW));
    }
}
