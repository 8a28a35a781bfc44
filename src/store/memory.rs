//! A store that lives and dies with the process. For tests and for trying things out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::dump::Entry;
use super::{
    Claim, Claimed, HolderId, Inventory, Nodes, ReplayCache, Revocation, RevocationId, Revocations,
    SWEEP_MARGIN, SessionKey, SessionStore, Store, StoreFault, StoreFuture, ValueKey, ValueStore, claim_key,
    claim_of, conflicts, keys_of,
};
use crate::clock::Moment;

/// Expired entries are swept whenever this many operations have gone by.
const SWEEP_EVERY: u32 = 1024;

/// See the module.
#[derive(Debug, Default)]
pub struct MemoryStore {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    claims: BTreeMap<[u8; 64], Moment>,
    sessions: BTreeMap<SessionKey, Vec<u8>>,
    values: HashMap<ValueKey, (Vec<u8>, Moment)>,
    revocations: HashMap<RevocationId, Revocation>,
    operations: u32,
}

impl MemoryStore {
    fn held(&self, at: Moment) -> MutexGuard<'_, Held> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.operations += 1;
        if held.operations >= SWEEP_EVERY {
            held.operations = 0;
            let gone = at.minus(SWEEP_MARGIN);
            held.claims.retain(|_, until| *until > gone);
            held.sessions.retain(|key, _| key.until > gone);
            held.values.retain(|_, (_, until)| *until > gone);
            held.revocations.retain(|_, revocation| revocation.until > gone);
        }
        held
    }
}

impl ReplayCache for MemoryStore {
    fn claim(&self, claim: Claim, at: Moment) -> StoreFuture<'_, Claimed> {
        let mut held = self.held(at);
        let taken =
            conflicts(&claim).into_iter().any(|keys| held.claims.range(keys).any(|(_, until)| *until > at));
        let answer = if taken {
            Claimed::AlreadyUsed
        } else {
            held.claims.insert(claim_key(claim.id, claim.scope), claim.until);
            Claimed::First
        };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

impl SessionStore for MemoryStore {
    fn put(&self, key: SessionKey, sealed: Vec<u8>, at: Moment) -> Result<(), StoreFault> {
        self.held(at).sessions.insert(key, sealed);
        Ok(())
    }

    fn of_holder(
        &self,
        holder: HolderId,
        most: usize,
        at: Moment,
    ) -> StoreFuture<'_, Vec<(SessionKey, Vec<u8>)>> {
        let held = self.held(at);
        let live = held.sessions.range(keys_of(holder, at)).rev().take(most);
        Box::pin(std::future::ready(Ok(live.map(|(key, sealed)| (*key, sealed.clone())).collect())))
    }
}

impl ValueStore for MemoryStore {
    fn keep(&self, key: ValueKey, sealed: Vec<u8>, until: Moment, at: Moment) -> StoreFuture<'_, ()> {
        self.held(at).values.insert(key, (sealed, until));
        Box::pin(std::future::ready(Ok(())))
    }

    fn kept(&self, key: ValueKey, at: Moment) -> StoreFuture<'_, Option<Vec<u8>>> {
        let held = self.held(at);
        let live = held.values.get(&key).filter(|(_, until)| *until > at);
        Box::pin(std::future::ready(Ok(live.map(|(sealed, _)| sealed.clone()))))
    }

    fn forget(&self, key: ValueKey, at: Moment) -> StoreFuture<'_, ()> {
        self.held(at).values.remove(&key);
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Revocations for MemoryStore {
    fn revoke(&self, revocation: Revocation, at: Moment) -> StoreFuture<'_, ()> {
        let mut held = self.held(at);
        let before = held.revocations.get(&revocation.id).copied();
        let joined = before.map_or(revocation, |before| before.joined(revocation));
        held.revocations.insert(joined.id, joined);
        Box::pin(std::future::ready(Ok(())))
    }

    fn revocations(&self, at: Moment) -> StoreFuture<'_, Vec<Revocation>> {
        let live = self.held(at).revocations.values().filter(|held| held.until > at).copied().collect();
        Box::pin(std::future::ready(Ok(live)))
    }
}

impl Nodes for MemoryStore {}

impl Inventory for MemoryStore {
    fn list(&self, at: Moment, tell: mpsc::Sender<Vec<Entry>>) -> StoreFuture<'_, ()> {
        let held = self.held(at);
        let claims = held.claims.iter().filter(|(_, until)| **until > at);
        let sessions = held.sessions.iter().filter(|(key, _)| key.until > at);
        let values = held.values.iter().filter(|(_, (_, until))| *until > at);
        let revocations = held.revocations.values().filter(|revocation| revocation.until > at);
        let all: Vec<_> = claims
            .map(|(key, until)| Entry::Claim(claim_of(key, *until)))
            .chain(sessions.map(|(key, sealed)| Entry::Session(*key, sealed.clone())))
            .chain(values.map(|(key, (sealed, until))| Entry::Value(*key, sealed.clone(), *until)))
            .chain(revocations.map(|revocation| Entry::Revocation(*revocation)))
            .collect();
        Box::pin(async move {
            let _ = tell.send(all).await; // Nobody listens any more.
            Ok(())
        })
    }
}

impl Store for MemoryStore {
    fn describe(&self) -> &'static str {
        "memory"
    }
}
