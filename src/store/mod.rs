//! What must be remembered: one-time claims, session records, values under a name, and what was revoked.
//!
//! The store holds opaque bytes and times; what the bytes mean is not its business (they are
//! sealed, see `seal`). Traits stand here, the adapters [`memory`], [`embedded`] and [`redis`] beside them,
//! and `contract` is the suite that every adapter passes. Times come in as arguments: an entry
//! whose time is over at `at` is as good as absent, whether or not it was swept yet.

pub mod dump;
pub mod embedded;
pub mod memory;
pub mod redis;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use self::dump::Entry;
use crate::clock::Moment;

/// Entries are kept so much longer than they are valid: a clock that is set back, or a request
/// that was overtaken, must not find a claim gone that it should meet.
const SWEEP_MARGIN: Duration = Duration::from_secs(600);

/// What every operation gives: its answer, or a fault of the store itself.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreFault>> + Send + 'a>>;

/// The store could not do it. One-time claims fail closed on this: nothing is accepted that
/// might have been accepted before.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the store failed while {doing}: {cause}")]
pub struct StoreFault {
    doing: &'static str,
    cause: String,
}

impl StoreFault {
    /// It failed while `doing` something.
    pub fn new(doing: &'static str, cause: impl ToString) -> Self {
        Self { doing, cause: cause.to_string() }
    }
}

/// A claim to use a document (assertion, code, ticket) for the only time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What is claimed: a SHA-256 hash.
    pub id: [u8; 32],
    /// How much of it.
    pub scope: Scope,
    /// When the claim may be forgotten, because the document is refused anyhow.
    pub until: Moment,
}

/// How much of a document a claim uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// All of it: no other claim, whole or part, succeeds before or after.
    Whole,
    /// One part, such as one role, named by a SHA-256 hash: succeeds once a part.
    Part([u8; 32]),
}

/// The answer to a [`Claim`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// It was free, and is now taken.
    First,
    /// It was taken before.
    AlreadyUsed,
}

/// One-time claims.
pub trait ReplayCache: Send + Sync {
    /// Takes `claim` unless it conflicts with one whose time is not over at `at`. Atomic: of two
    /// conflicting claims at most one is [`Claimed::First`].
    fn claim(&self, claim: Claim, at: Moment) -> StoreFuture<'_, Claimed>;
}

/// Whose sessions: the first half of a SHA-256 hash.
pub type HolderId = [u8; 16];

/// The key of a session record, in the order in which a holder's stand together, by their ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionKey {
    /// Whose it is.
    pub holder: HolderId,
    /// When the record may be forgotten.
    pub until: Moment,
    /// Which of those that end then: the first half of a SHA-256 hash.
    pub id: [u8; 16],
}

/// Session records.
pub trait SessionStore: Send + Sync {
    /// Will keep `sealed` under `key`, instead of what was there. It is queued, and nobody waits for it: a
    /// request that is done must not wait for a disk or a network. A full queue is a fault.
    fn put(&self, key: SessionKey, sealed: Vec<u8>, at: Moment) -> Result<(), StoreFault>;

    /// What is kept of `holder` at `at`: those that end last come first, and no more than `most`.
    fn of_holder(
        &self,
        holder: HolderId,
        most: usize,
        at: Moment,
    ) -> StoreFuture<'_, Vec<(SessionKey, Vec<u8>)>>;
}

/// The key of a value: a SHA-256 hash.
pub type ValueKey = [u8; 32];

/// Values that somebody comes back for who knows nothing of them but a name.
pub trait ValueStore: Send + Sync {
    /// Keeps `sealed` under `key` until `until`, instead of what was there. Durable, and there for every
    /// reader, before it answers.
    fn keep(&self, key: ValueKey, sealed: Vec<u8>, until: Moment, at: Moment) -> StoreFuture<'_, ()>;

    /// What is kept under `key` at `at`.
    fn kept(&self, key: ValueKey, at: Moment) -> StoreFuture<'_, Option<Vec<u8>>>;

    /// Forgets `key`.
    fn forget(&self, key: ValueKey, at: Moment) -> StoreFuture<'_, ()>;
}

/// Names what is revoked: the first half of a SHA-256 hash, because session tokens carry it too.
pub type RevocationId = [u8; 16];

/// Sessions that ended before their time. What a session is, and how many of its names are
/// revoked, is the business of whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// What is revoked, such as a login, or a person at a provider.
    pub id: RevocationId,
    /// Sessions that were issued up to this moment, itself included, are over.
    pub issued_before: Moment,
    /// Documents that were asserted up to this moment, by the clock of who asserted them, open no
    /// session any more, though they come later.
    pub asserted_before: Moment,
    /// When the revocation may be forgotten, because all that it revokes is over anyhow.
    pub until: Moment,
}

impl Revocation {
    /// What revokes all that either of two does, which share their id.
    pub fn joined(self, other: Self) -> Self {
        Self {
            id: self.id,
            issued_before: self.issued_before.max(other.issued_before),
            asserted_before: self.asserted_before.max(other.asserted_before),
            until: self.until.max(other.until),
        }
    }
}

/// What was revoked. Nobody asks a store whether a session is among it: a node loads the list when
/// it starts and holds it in memory, so that verifying a credential needs no look-up.
pub trait Revocations: Send + Sync {
    /// Remembers `revocation`, [joined](Revocation::joined) with what its id held before. Durable
    /// before it answers.
    fn revoke(&self, revocation: Revocation, at: Moment) -> StoreFuture<'_, ()>;

    /// Every revocation whose time is not over at `at`, in no order.
    fn revocations(&self, at: Moment) -> StoreFuture<'_, Vec<Revocation>>;

    /// What other nodes revoke from now on, and this one, too; nothing where no other node shares the store.
    fn news(&self) -> Option<mpsc::Receiver<News>> {
        None
    }
}

/// What is heard of other nodes' revocations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// This is revoked.
    Revoked(Revocation),
    /// From now on everything is heard; what was revoked before must be loaded.
    Gap,
    /// Nothing is heard any more, and why.
    Lost(String),
}

/// What a node says of itself to those that share its store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeNote {
    /// Who it is, until it ends.
    pub node: [u8; 8],
    /// What it says, sealed.
    pub sealed: Vec<u8>,
    /// How long it can be believed.
    pub until: Moment,
}

/// What nodes say of themselves.
pub trait Nodes: Send + Sync {
    /// Keeps `note`, instead of what its node said before, and gives what others said that can be believed at `at`.
    /// Nothing where no other node can share the store.
    fn exchange(&self, note: NodeNote, at: Moment) -> StoreFuture<'_, Option<Vec<NodeNote>>> {
        drop((note, at));
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// Giving away all that is held.
pub trait Inventory: Send + Sync {
    /// Hands everything that is live at `at` to `tell`, some at a time, in no order. What comes in meanwhile may be missing.
    /// Ends early if nobody listens any more.
    fn list(&self, at: Moment, tell: mpsc::Sender<Vec<Entry>>) -> StoreFuture<'_, ()>;
}

/// A whole store, as `app` picks one.
pub trait Store: ReplayCache + SessionStore + ValueStore + Revocations + Nodes + Inventory {
    /// What it is, for `/readyz` and logs.
    fn describe(&self) -> &'static str;

    /// Why it may not keep what it is given, as far as one can ask; nothing if it will.
    fn unfit(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Returns when all session records that were queued are written. For the end of a process, of a store that does not
    /// see to that itself when it is dropped.
    fn flushed(&self) -> StoreFuture<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// A claim's key: id and scope, where the whole document is the scope of zeros.
fn claim_key(id: [u8; 32], scope: Scope) -> [u8; 64] {
    let mut key = [0; 64];
    key[..32].copy_from_slice(&id);
    if let Scope::Part(part) = scope {
        key[32..].copy_from_slice(&part);
    }
    key
}

/// The claim of a key.
fn claim_of(key: &[u8; 64], until: Moment) -> Claim {
    let (mut id, mut part) = ([0; 32], [0; 32]);
    id.copy_from_slice(&key[..32]);
    part.copy_from_slice(&key[32..]);
    Claim { id, scope: if part == [0; 32] { Scope::Whole } else { Scope::Part(part) }, until }
}

/// The keys among which a conflicting claim would stand.
fn conflicts(claim: &Claim) -> Vec<std::ops::RangeInclusive<[u8; 64]>> {
    let whole = claim_key(claim.id, Scope::Whole);
    match claim.scope {
        Scope::Whole => vec![whole..=claim_key(claim.id, Scope::Part([0xff; 32]))],
        Scope::Part(_) => {
            let part = claim_key(claim.id, claim.scope);
            vec![whole..=whole, part..=part]
        }
    }
}

/// The keys among which what `holder` has at `at` stands.
fn keys_of(holder: HolderId, at: Moment) -> std::ops::RangeInclusive<SessionKey> {
    let first = SessionKey { holder, until: at.plus(Duration::from_millis(1)), id: [0; 16] };
    let last = SessionKey { holder, until: Moment::from_unix_millis(i64::MAX), id: [0xff; 16] };
    first..=last
}
