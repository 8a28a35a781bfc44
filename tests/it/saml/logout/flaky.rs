//! A store that can be made to fail, and to dawdle.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rolegate::clock::Moment;
use rolegate::store::dump::Entry;
use rolegate::store::embedded::EmbeddedStore;
use rolegate::store::{
    Claim, Claimed, HolderId, Inventory, Nodes, ReplayCache, Revocation, Revocations, SessionKey,
    SessionStore, Store, StoreFault, StoreFuture, ValueKey, ValueStore,
};
use tokio::sync::{Notify, mpsc};

/// A store on disk whose disk fails on command.
pub(crate) struct Flaky {
    inner: EmbeddedStore,
    fault: StoreFault,
    fails: AtomicBool,
    fails_to_revoke: AtomicBool,
    /// Whether the next claim waits, and what it waits for.
    dawdles: AtomicBool,
    arrived: Notify,
    go_on: Notify,
    /// What values were kept under, and until when.
    values: Mutex<Vec<(ValueKey, Moment)>>,
}

impl Flaky {
    pub(crate) fn new(folder: &Path) -> Self {
        let file = folder.join("file");
        fs::write(&file, "").unwrap();
        let Err(fault) = EmbeddedStore::open(&file) else { panic!("a file is no folder") };
        let inner = EmbeddedStore::open(&folder.join("store")).unwrap();
        Self {
            inner,
            fault,
            fails: AtomicBool::new(false),
            fails_to_revoke: AtomicBool::new(false),
            dawdles: AtomicBool::new(false),
            arrived: Notify::new(),
            go_on: Notify::new(),
            values: Mutex::default(),
        }
    }

    /// Whether every operation fails from now on.
    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// Whether revoking alone fails from now on.
    pub(crate) fn fail_to_revoke(&self, fails: bool) {
        self.fails_to_revoke.store(fails, Ordering::SeqCst);
    }

    /// Lets the next claim wait until [`Flaky::go_on`].
    pub(crate) fn dawdle(&self) {
        self.dawdles.store(true, Ordering::SeqCst);
    }

    /// Waits until a claim waits.
    pub(crate) async fn is_waiting(&self) {
        self.arrived.notified().await;
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.go_on.notify_one();
    }

    /// Lets the two values that were kept last change their places, as somebody may who can write there.
    pub(crate) async fn swap_values(&self, at: Moment) {
        let kept = self.values.lock().unwrap().clone();
        let [.., (one, until), (other, other_until)] = kept[..] else {
            panic!("there are not two: {kept:?}")
        };
        let [in_one, in_other] = [self.inner.kept(one, at).await, self.inner.kept(other, at).await];
        self.inner.keep(one, in_other.unwrap().unwrap(), until, at).await.unwrap();
        self.inner.keep(other, in_one.unwrap().unwrap(), other_until, at).await.unwrap();
    }

    fn unless_failing<'a, T: Send + 'a>(&'a self, works: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        if !self.fails.load(Ordering::SeqCst) {
            return works;
        }
        Box::pin(std::future::ready(Err(self.fault.clone())))
    }
}

impl ReplayCache for Flaky {
    fn claim(&self, claim: Claim, at: Moment) -> StoreFuture<'_, Claimed> {
        let claimed = self.unless_failing(self.inner.claim(claim, at));
        if !self.dawdles.swap(false, Ordering::SeqCst) {
            return claimed;
        }
        Box::pin(async move {
            self.arrived.notify_one();
            self.go_on.notified().await;
            claimed.await
        })
    }
}

impl SessionStore for Flaky {
    fn put(&self, key: SessionKey, sealed: Vec<u8>, at: Moment) -> Result<(), StoreFault> {
        self.inner.put(key, sealed, at)
    }

    fn of_holder(
        &self,
        holder: HolderId,
        most: usize,
        at: Moment,
    ) -> StoreFuture<'_, Vec<(SessionKey, Vec<u8>)>> {
        self.unless_failing(self.inner.of_holder(holder, most, at))
    }
}

impl ValueStore for Flaky {
    fn keep(&self, key: ValueKey, sealed: Vec<u8>, until: Moment, at: Moment) -> StoreFuture<'_, ()> {
        self.values.lock().unwrap().push((key, until));
        self.unless_failing(self.inner.keep(key, sealed, until, at))
    }

    fn kept(&self, key: ValueKey, at: Moment) -> StoreFuture<'_, Option<Vec<u8>>> {
        self.unless_failing(self.inner.kept(key, at))
    }

    fn forget(&self, key: ValueKey, at: Moment) -> StoreFuture<'_, ()> {
        self.unless_failing(self.inner.forget(key, at))
    }
}

impl Revocations for Flaky {
    fn revoke(&self, revocation: Revocation, at: Moment) -> StoreFuture<'_, ()> {
        if self.fails_to_revoke.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(self.fault.clone())));
        }
        self.unless_failing(self.inner.revoke(revocation, at))
    }

    fn revocations(&self, at: Moment) -> StoreFuture<'_, Vec<Revocation>> {
        self.unless_failing(self.inner.revocations(at))
    }
}

impl Nodes for Flaky {}

impl Inventory for Flaky {
    fn list(&self, at: Moment, tell: mpsc::Sender<Vec<Entry>>) -> StoreFuture<'_, ()> {
        self.unless_failing(self.inner.list(at, tell))
    }
}

impl Store for Flaky {
    fn describe(&self) -> &'static str {
        "flaky"
    }

    fn flushed(&self) -> StoreFuture<'_, ()> {
        self.unless_failing(self.inner.flushed())
    }
}
