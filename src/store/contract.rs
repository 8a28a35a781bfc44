//! What every store must do. An adapter is added by one line in [`each_store`].

use std::sync::Arc;
use std::time::Duration;

use super::embedded::EmbeddedStore;
use super::memory::MemoryStore;
use super::{
    Claim, Claimed, ReplayCache, Revocation, Revocations, Scope, SessionKey, SessionStore, Store, ValueStore,
};
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

/// A clock that is set back after other requests ran ahead does not free what was claimed.
#[tokio::test]
async fn a_clock_that_is_set_back_frees_nothing() {
    each_store(|store| async move {
        assert_eq!(store.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::First);
        let ahead = NOW.plus(HOUR + Duration::from_secs(300));
        for _ in 0..2000 {
            store.forget([9; 32], ahead).await.unwrap();
        }
        assert_eq!(store.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::AlreadyUsed);
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

const fn session(id: u8, until: Moment) -> SessionKey {
    SessionKey { until, id: [id; 32] }
}

#[tokio::test]
async fn sessions_are_kept_until_their_end() {
    each_store(|store| async move {
        let (key, sibling) = (session(3, NOW.plus(HOUR)), session(3, NOW.plus(2 * HOUR)));
        assert_eq!(store.get(key, NOW).await.unwrap(), None);
        store.put(key, b"sealed".to_vec(), NOW).unwrap();
        store.put(sibling, b"longer".to_vec(), NOW).unwrap();
        store.forget([9; 32], NOW).await.unwrap(); // Behind it in the queue.
        assert_eq!(store.get(key, NOW).await.unwrap(), Some(b"sealed".to_vec()));
        assert_eq!(store.get(sibling, NOW).await.unwrap(), Some(b"longer".to_vec()));
        assert_eq!(store.get(session(4, key.until), NOW).await.unwrap(), None);
        assert_eq!(store.get(key, key.until).await.unwrap(), None);
        store.put(key, b"again".to_vec(), NOW).unwrap();
        store.forget([9; 32], NOW).await.unwrap();
        assert_eq!(store.get(key, NOW).await.unwrap(), Some(b"again".to_vec()));
    })
    .await;
}

/// Not even a clock set far back shows one that is over.
#[tokio::test]
async fn sessions_are_swept() {
    each_store(|store| async move {
        let (over, live) = (session(1, NOW.plus(HOUR)), session(2, NOW.plus(3 * HOUR)));
        store.put(over, b"over".to_vec(), NOW).unwrap();
        store.put(live, b"live".to_vec(), NOW).unwrap();
        for _ in 0..2000 {
            store.forget([9; 32], NOW.plus(2 * HOUR)).await.unwrap();
        }
        assert_eq!(store.get(over, NOW).await.unwrap(), None);
        assert_eq!(store.get(live, NOW).await.unwrap(), Some(b"live".to_vec()));
    })
    .await;
}

#[tokio::test]
async fn values_are_kept_until_their_end() {
    each_store(|store| async move {
        let key = [3; 32];
        assert_eq!(store.kept(key, NOW).await.unwrap(), None);
        store.keep(key, b"first".to_vec(), NOW.plus(HOUR), NOW).await.unwrap();
        assert_eq!(store.kept(key, NOW).await.unwrap(), Some(b"first".to_vec()));
        assert_eq!(store.kept(key, NOW.plus(HOUR)).await.unwrap(), None);
        store.keep(key, b"again".to_vec(), NOW.plus(2 * HOUR), NOW).await.unwrap();
        for _ in 0..2000 {
            store.forget([9; 32], NOW.plus(HOUR + HOUR / 2)).await.unwrap();
        }
        assert_eq!(store.kept(key, NOW.plus(HOUR + HOUR / 2)).await.unwrap(), Some(b"again".to_vec()));
        store.forget(key, NOW).await.unwrap();
        assert_eq!(store.kept(key, NOW).await.unwrap(), None);
    })
    .await;
}

fn revocation(id: u8, issued: Moment, until: Moment) -> Revocation {
    Revocation { id: [id; 16], issued_before: issued, asserted_before: issued, until }
}

#[tokio::test]
async fn revocations_are_listed_until_their_end() {
    each_store(|store| async move {
        assert_eq!(store.revocations(NOW).await.unwrap(), []);
        let (short, long) = (revocation(1, NOW, NOW.plus(HOUR)), revocation(2, NOW, NOW.plus(2 * HOUR)));
        store.revoke(short, NOW).await.unwrap();
        store.revoke(long, NOW).await.unwrap();
        let mut both = store.revocations(NOW).await.unwrap();
        both.sort_unstable_by_key(|revocation| revocation.id);
        assert_eq!(both, [short, long]);
        assert_eq!(store.revocations(NOW.plus(HOUR)).await.unwrap(), [long]);
        assert_eq!(store.revocations(NOW.plus(2 * HOUR)).await.unwrap(), []);
    })
    .await;
}

/// Whatever the order in which they come, and also after the first one's end was swept.
#[tokio::test]
async fn a_second_revocation_takes_nothing_back() {
    each_store(|store| async move {
        let early = revocation(1, NOW, NOW.plus(HOUR));
        let late = Revocation { asserted_before: NOW.minus(HOUR), ..revocation(1, NOW.plus(HOUR), NOW) };
        let both = Revocation { issued_before: NOW.plus(HOUR), ..early };
        store.revoke(early, NOW).await.unwrap();
        store.revoke(late, NOW).await.unwrap();
        assert_eq!(store.revocations(NOW.minus(HOUR)).await.unwrap(), [both]);
        let longer = revocation(1, NOW, NOW.plus(3 * HOUR));
        store.revoke(longer, NOW).await.unwrap();
        store.revoke(early, NOW).await.unwrap();
        for _ in 0..2000 {
            store.forget([9; 32], NOW.plus(2 * HOUR)).await.unwrap();
        }
        let lasting = Revocation { until: longer.until, ..both };
        assert_eq!(store.revocations(NOW.plus(2 * HOUR)).await.unwrap(), [lasting]);
    })
    .await;
}

/// An entry that is over is gone from the file as well: not even a clock set far back shows it.
#[tokio::test]
async fn revocations_are_swept() {
    each_store(|store| async move {
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
    assert_eq!(reopened.get(key, NOW).await.unwrap(), Some(b"sealed".to_vec()));
    assert_eq!(reopened.kept([5; 32], NOW).await.unwrap(), Some(b"kept".to_vec()));
    assert_eq!(reopened.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::AlreadyUsed);
    assert_eq!(reopened.revocations(NOW).await.unwrap(), [revoked]);
}
