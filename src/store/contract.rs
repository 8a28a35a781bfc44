//! What every store must do. An adapter is added by one line in [`each_store`].

use std::sync::Arc;
use std::time::Duration;

use super::embedded::EmbeddedStore;
use super::memory::MemoryStore;
use super::{Claim, Claimed, ReplayCache, Scope, SessionStore, Store};
use crate::clock::Moment;

const NOW: Moment = Moment::from_unix(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// Runs `check` on a fresh store of every kind.
async fn each_store<F: Future<Output = ()>>(check: impl Fn(Arc<dyn Store>) -> F) {
    let folder = tempfile::tempdir().unwrap();
    check(Arc::new(MemoryStore::default())).await;
    check(Arc::new(EmbeddedStore::open(folder.path()).unwrap())).await;
}

fn claim(id: u8, scope: Scope) -> Claim {
    Claim { id: [id; 32], scope, until: NOW.plus(HOUR) }
}

#[tokio::test]
async fn the_whole_is_claimed_once() {
    each_store(|store| async move {
        assert_eq!(store.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::First);
        assert_eq!(store.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::AlreadyUsed);
        assert_eq!(store.claim(claim(1, Scope::Part([7; 32])), NOW).await.unwrap(), Claimed::AlreadyUsed);
        assert_eq!(store.claim(claim(2, Scope::Whole), NOW).await.unwrap(), Claimed::First);
    })
    .await;
}

#[tokio::test]
async fn each_part_is_claimed_once_and_uses_up_the_whole() {
    each_store(|store| async move {
        assert_eq!(store.claim(claim(1, Scope::Part([7; 32])), NOW).await.unwrap(), Claimed::First);
        assert_eq!(store.claim(claim(1, Scope::Part([7; 32])), NOW).await.unwrap(), Claimed::AlreadyUsed);
        assert_eq!(store.claim(claim(1, Scope::Part([8; 32])), NOW).await.unwrap(), Claimed::First);
        assert_eq!(store.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::AlreadyUsed);
    })
    .await;
}

#[tokio::test]
async fn a_claim_ends_with_its_time_and_not_before() {
    each_store(|store| async move {
        let last = NOW.plus(HOUR - Duration::from_millis(1));
        assert_eq!(store.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::First);
        assert_eq!(store.claim(claim(1, Scope::Whole), last).await.unwrap(), Claimed::AlreadyUsed);
        assert_eq!(store.claim(claim(1, Scope::Whole), NOW.plus(HOUR)).await.unwrap(), Claimed::First);
    })
    .await;
}

#[tokio::test]
async fn of_many_at_once_one_is_first() {
    each_store(|store| async move {
        let racers: Vec<_> = (0..200)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.claim(claim(1, Scope::Whole), NOW).await.unwrap() })
            })
            .collect();
        let mut first = 0;
        for racer in racers {
            first += usize::from(racer.await.unwrap() == Claimed::First);
        }
        assert_eq!(first, 1);
    })
    .await;
}

#[tokio::test]
async fn sessions_are_kept_until_their_end() {
    each_store(|store| async move {
        let key = [3; 32];
        assert_eq!(store.get(key, NOW).await.unwrap(), None);
        store.put(key, b"sealed".to_vec(), NOW.plus(HOUR), NOW).unwrap();
        store.remove([9; 32], NOW).await.unwrap(); // Behind it in the queue.
        assert_eq!(store.get(key, NOW).await.unwrap(), Some(b"sealed".to_vec()));
        assert_eq!(store.get(key, NOW.plus(HOUR)).await.unwrap(), None);
        store.put(key, b"again".to_vec(), NOW.plus(2 * HOUR), NOW).unwrap();
        store.remove([9; 32], NOW.plus(HOUR + HOUR / 2)).await.unwrap();
        assert_eq!(store.get(key, NOW.plus(HOUR + HOUR / 2)).await.unwrap(), Some(b"again".to_vec()));
        store.remove(key, NOW).await.unwrap();
        assert_eq!(store.get(key, NOW).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_embedded_store_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    store.put([3; 32], b"sealed".to_vec(), NOW.plus(HOUR), NOW).unwrap();
    assert_eq!(store.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::First);
    assert!(EmbeddedStore::open(folder.path()).is_err(), "two processes on one file");
    drop(store);

    let reopened = EmbeddedStore::open(folder.path()).unwrap();
    assert_eq!(reopened.get([3; 32], NOW).await.unwrap(), Some(b"sealed".to_vec()));
    assert_eq!(reopened.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::AlreadyUsed);
}
