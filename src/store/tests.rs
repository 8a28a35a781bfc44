//! The contract on the stores that need no server, and what only they can promise.

#[path = "contract.rs"]
pub(crate) mod contract;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use self::contract::record;
use super::embedded::EmbeddedStore;
use super::memory::MemoryStore;
use super::{
    Claim, Claimed, ReplayCache, Revocation, Revocations, Scope, SessionKey, SessionStore, Store, ValueStore,
};
use crate::clock::Moment;

const NOW: Moment = Moment::from_unix(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// A fresh store of every kind, each with what must outlive it.
fn stores() -> Vec<(Arc<dyn Store>, Box<dyn Any>)> {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Arc::new(EmbeddedStore::open(folder.path()).unwrap());
    vec![(Arc::new(MemoryStore::default()), Box::new(())), (embedded, Box::new(folder))]
}

async fn each_local<F: Future<Output = ()>>(check: impl Fn(Arc<dyn Store>) -> F) {
    for (store, _guard) in stores() {
        check(store).await;
    }
}

fn claim(id: u8, scope: Scope) -> Claim {
    Claim { id: [id; 32], scope, until: NOW.plus(HOUR) }
}

const fn session(id: u8, until: Moment) -> SessionKey {
    SessionKey { holder: [5; 16], until, id: [id; 16] }
}

fn revocation(id: u8, issued: Moment, until: Moment) -> Revocation {
    Revocation { id: [id; 16], issued_before: issued, asserted_before: issued, until }
}

/// Not even a clock set far back shows one that is over.
#[tokio::test]
async fn sessions_are_swept() {
    each_local(|store| async move {
        let (over, live) = (session(1, NOW.plus(HOUR)), session(2, NOW.plus(3 * HOUR)));
        store.put(over, b"over".to_vec(), NOW).unwrap();
        store.put(live, b"live".to_vec(), NOW).unwrap();
        for _ in 0..2000 {
            store.forget([9; 32], NOW.plus(2 * HOUR)).await.unwrap();
        }
        assert_eq!(store.of_holder(live.holder, 100, NOW).await.unwrap(), [(live, b"live".to_vec())]);
    })
    .await;
}

/// An entry that is over is gone from the file as well: not even a clock set far back shows it.
#[tokio::test]
async fn revocations_are_swept() {
    each_local(|store| async move {
        store.revoke(revocation(1, NOW, NOW.plus(HOUR)), NOW).await.unwrap();
        for _ in 0..2000 {
            store.forget([9; 32], NOW.plus(2 * HOUR)).await.unwrap();
        }
        assert_eq!(store.revocations(NOW).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn the_embedded_store_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let key = session(3, NOW.plus(HOUR));
    store.put(key, b"sealed".to_vec(), NOW).unwrap();
    store.keep([5; 32], b"kept".to_vec(), NOW.plus(HOUR), NOW).await.unwrap();
    assert_eq!(store.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::First);
    let revoked = revocation(4, NOW, NOW.plus(HOUR));
    store.revoke(revoked, NOW).await.unwrap();
    assert!(EmbeddedStore::open(folder.path()).is_err(), "two processes on one file");
    drop(store);

    let reopened = EmbeddedStore::open(folder.path()).unwrap();
    assert_eq!(record(&reopened, key, NOW).await, Some(b"sealed".to_vec()));
    assert_eq!(reopened.kept([5; 32], NOW).await.unwrap(), Some(b"kept".to_vec()));
    assert_eq!(reopened.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::AlreadyUsed);
    assert_eq!(reopened.revocations(NOW).await.unwrap(), [revoked]);
}
