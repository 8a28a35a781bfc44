//! What the log comes to: all that is held, found without a look at the disk. Session records alone stay there; where each of
//! them stands is known.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::log::{Place, Record};
use crate::clock::Moment;
use crate::store::dump::Entry;
use crate::store::{
    Claim, Claimed, HolderId, Revocation, RevocationId, SessionKey, ValueKey, claim_key, claim_of, conflicts,
    keys_of,
};

/// Entries of each kind that one sweep looks at for each operation: more than one adds, so that it keeps up.
const LOOKED_AT: usize = 4;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct State {
    claims: Kind<[u8; 64], Moment>,
    sessions: Kind<SessionKey, ()>,
    values: Kind<ValueKey, (Moment, Vec<u8>)>,
    revocations: Kind<RevocationId, Revocation>,
    /// Bytes of the log that say what is held.
    live: u64,
}

/// Everything of one kind, and where it stands in the log.
#[derive(Debug)]
struct Kind<K, V> {
    held: BTreeMap<K, (V, Place)>,
    /// How far the last sweep came.
    swept: Option<K>,
}

impl<K, V> Default for Kind<K, V> {
    fn default() -> Self {
        Self { held: BTreeMap::new(), swept: None }
    }
}

/// What was held before a record was, to take it back.
pub(super) enum Before {
    Claim([u8; 64], Option<(Moment, Place)>),
    Session(SessionKey, Option<((), Place)>),
    Value(ValueKey, Option<((Moment, Vec<u8>), Place)>),
    Revocation(RevocationId, Option<(Revocation, Place)>),
}

impl State {
    /// Whether `claim` would be the first.
    pub(super) fn would_be(&self, claim: &Claim, at: Moment) -> Claimed {
        let is_taken = |keys| self.claims.held.range(keys).any(|(_, (until, _))| *until > at);
        if conflicts(claim).into_iter().any(is_taken) { Claimed::AlreadyUsed } else { Claimed::First }
    }

    /// What `revocation` comes to beside what its id holds.
    pub(super) fn joined(&self, revocation: Revocation) -> Revocation {
        let before = self.revocations.held.get(&revocation.id);
        before.map_or(revocation, |(before, _)| before.joined(revocation))
    }

    /// Holds what `record` says, which stands at `place`; what was held before.
    pub(super) fn apply(&mut self, record: Record, place: Place) -> Before {
        let live = &mut self.live;
        match record {
            Record::Holds(Entry::Claim(claim)) => {
                let key = claim_key(claim.id, claim.scope);
                Before::Claim(key, self.claims.set(key, Some((claim.until, place)), live))
            }
            Record::Holds(Entry::Session(key, _)) => {
                Before::Session(key, self.sessions.set(key, Some(((), place)), live))
            }
            Record::Holds(Entry::Value(key, sealed, until)) => {
                Before::Value(key, self.values.set(key, Some(((until, sealed), place)), live))
            }
            Record::Holds(Entry::Revocation(revocation)) => {
                let key = revocation.id;
                Before::Revocation(key, self.revocations.set(key, Some((revocation, place)), live))
            }
            Record::Forgets(key) => Before::Value(key, self.values.set(key, None, live)),
        }
    }

    /// Takes back what was applied since `before`.
    pub(super) fn take_back(&mut self, before: Before) {
        let live = &mut self.live;
        match before {
            Before::Claim(key, held) => drop(self.claims.set(key, held, live)),
            Before::Session(key, held) => drop(self.sessions.set(key, held, live)),
            Before::Value(key, held) => drop(self.values.set(key, held, live)),
            Before::Revocation(key, held) => drop(self.revocations.set(key, held, live)),
        }
    }

    /// Whether what `record` said at `place` is still so.
    pub(super) fn still_holds(&self, record: &Record, place: Place) -> bool {
        let held = match record {
            Record::Holds(Entry::Claim(claim)) => self.claims.place(&claim_key(claim.id, claim.scope)),
            Record::Holds(Entry::Session(key, _)) => self.sessions.place(key),
            Record::Holds(Entry::Value(key, ..)) => self.values.place(key),
            Record::Holds(Entry::Revocation(revocation)) => self.revocations.place(&revocation.id),
            // What it forgot stood in an older segment, and those are gone.
            Record::Forgets(_) => None,
        };
        held == Some(place)
    }

    /// Forgets some of what was over at `at`, after so many `operations`.
    pub(super) fn sweep(&mut self, at: Moment, operations: usize) {
        let (steps, live) = (operations * LOOKED_AT, &mut self.live);
        self.claims.sweep(steps, live, |_, until| *until <= at);
        self.sessions.sweep(steps, live, |key, ()| key.until <= at);
        self.values.sweep(steps, live, |_, (until, _)| *until <= at);
        self.revocations.sweep(steps, live, |_, revocation| revocation.until <= at);
    }

    /// How many bytes of the log say what is held.
    pub(super) const fn live(&self) -> u64 {
        self.live
    }

    pub(super) fn session(&self, key: SessionKey, at: Moment) -> Option<Place> {
        self.sessions.place(&key).filter(|_| key.until > at)
    }

    /// What `holder` has at `at`: those that end last come first, and no more than `most`.
    pub(super) fn sessions_of(&self, holder: HolderId, most: usize, at: Moment) -> Vec<SessionKey> {
        self.sessions.held.range(keys_of(holder, at)).rev().take(most).map(|(key, _)| *key).collect()
    }

    pub(super) fn value(&self, key: &ValueKey, at: Moment) -> Option<Vec<u8>> {
        let ((until, sealed), _) = self.values.held.get(key)?;
        (*until > at).then(|| sealed.clone())
    }

    pub(super) fn revocations(&self, at: Moment) -> Vec<Revocation> {
        let all = self.revocations.held.values().map(|(revocation, _)| *revocation);
        all.filter(|revocation| revocation.until > at).collect()
    }

    /// Up to `count` claims behind `after` that are live at `at`, and how far it came.
    pub(super) fn claims_after(
        &self,
        after: Option<[u8; 64]>,
        count: usize,
        at: Moment,
    ) -> Part<[u8; 64], Entry> {
        self.claims
            .some(after, count, |key, until| (*until > at).then(|| Entry::Claim(claim_of(key, *until))))
    }

    /// As [`State::claims_after`], of where session records stand.
    pub(super) fn sessions_after(
        &self,
        after: Option<SessionKey>,
        count: usize,
        at: Moment,
    ) -> Part<SessionKey, SessionKey> {
        self.sessions.some(after, count, |key, ()| (key.until > at).then_some(*key))
    }

    /// As [`State::claims_after`], of values.
    pub(super) fn values_after(
        &self,
        after: Option<ValueKey>,
        count: usize,
        at: Moment,
    ) -> Part<ValueKey, Entry> {
        let entry = |key: &ValueKey, (until, sealed): &(Moment, Vec<u8>)| {
            (*until > at).then(|| Entry::Value(*key, sealed.clone(), *until))
        };
        self.values.some(after, count, entry)
    }
}

/// A part of a kind, and the key that they go up to; without one, it was all.
pub(super) struct Part<K, T> {
    pub(super) entries: Vec<T>,
    pub(super) up_to: Option<K>,
}

impl<K: Ord + Copy, V> Kind<K, V> {
    fn place(&self, key: &K) -> Option<Place> {
        self.held.get(key).map(|(_, place)| *place)
    }

    /// Holds this under `key`; what was there before.
    fn set(&mut self, key: K, held: Option<(V, Place)>, live: &mut u64) -> Option<(V, Place)> {
        *live += held.as_ref().map_or(0, |(_, place)| u64::from(place.length));
        let before = match held {
            Some(held) => self.held.insert(key, held),
            None => self.held.remove(&key),
        };
        *live -= before.as_ref().map_or(0, |(_, place)| u64::from(place.length));
        before
    }

    fn after(&self, key: Option<K>) -> std::collections::btree_map::Range<'_, K, (V, Place)> {
        self.held.range((key.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded))
    }

    fn sweep(&mut self, steps: usize, live: &mut u64, is_over: impl Fn(&K, &V) -> bool) {
        let mut over = Vec::new();
        let mut last = None;
        for (at, (key, (value, _))) in self.after(self.swept).take(steps).enumerate() {
            if is_over(key, value) {
                over.push(*key);
            }
            // The end is reached where fewer are left.
            last = (at + 1 == steps).then_some(*key);
        }
        self.swept = last;
        for key in over {
            self.set(key, None, live);
        }
    }

    fn some<T>(&self, after: Option<K>, count: usize, entry: impl Fn(&K, &V) -> Option<T>) -> Part<K, T> {
        let mut entries = Vec::with_capacity(count);
        let mut last = None;
        for (at, (key, (value, _))) in self.after(after).take(count).enumerate() {
            entries.extend(entry(key, value));
            last = (at + 1 == count).then_some(*key);
        }
        Part { entries, up_to: last }
    }
}
