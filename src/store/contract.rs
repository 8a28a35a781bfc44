//! What every store must do. It is read by the tests of the library, for the stores that need no server, and by
//! `tests/redis`; either says in `super::stores` which stores there are.

use std::sync::Arc;
use std::time::Duration;

use rolegate::clock::Moment;
use rolegate::store::dump::{Entry, take_in};
use rolegate::store::memory::MemoryStore;
use rolegate::store::{Claim, Claimed, Revocation, Scope, SessionKey, Store, StoreFault};
use tokio::sync::mpsc;

use super::stores;

const NOW: Moment = Moment::from_unix(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// Runs `check` on a fresh store of every kind.
async fn each_store<F: Future<Output = ()>>(check: impl Fn(Arc<dyn Store>) -> F) {
    for (store, _guard) in stores() {
        check(store).await;
    }
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
    SessionKey { holder: [5; 16], until, id: [id; 16] }
}

/// What `store` keeps under `key` at `at`.
pub(crate) async fn record(store: &dyn Store, key: SessionKey, at: Moment) -> Option<Vec<u8>> {
    let all = store.of_holder(key.holder, 100, at).await.unwrap();
    all.into_iter().find_map(|(of, sealed)| (of == key).then_some(sealed))
}

/// Returns when the store has what was queued for it.
async fn holds(store: &Arc<dyn Store>, key: SessionKey, sealed: &[u8]) {
    let written = async {
        while record(store.as_ref(), key, NOW).await.as_deref() != Some(sealed) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), written).await.unwrap();
}

#[tokio::test]
async fn sessions_are_kept_until_their_end() {
    each_store(|store| async move {
        let (key, sibling) = (session(3, NOW.plus(HOUR)), session(3, NOW.plus(2 * HOUR)));
        assert_eq!(record(store.as_ref(), key, NOW).await, None);
        store.put(key, b"sealed".to_vec(), NOW).unwrap();
        store.put(sibling, b"longer".to_vec(), NOW).unwrap();
        holds(&store, key, b"sealed").await;
        holds(&store, sibling, b"longer").await;
        assert_eq!(record(store.as_ref(), session(4, key.until), NOW).await, None);
        assert_eq!(record(store.as_ref(), key, key.until).await, None);
        store.put(key, b"again".to_vec(), NOW).unwrap();
        holds(&store, key, b"again").await;
    })
    .await;
}

#[tokio::test]
async fn each_holder_has_their_own_sessions_and_the_last_to_end_come_first() {
    each_store(|store| async move {
        let of = |holder: u8, minutes: u64, id: u8| {
            let until = NOW.plus(Duration::from_secs(60 * minutes));
            SessionKey { holder: [holder; 16], until, id: [id; 16] }
        };
        let [short, long, middle] = [of(2, 1, 7), of(2, 60, 1), of(2, 30, 9)];
        for key in [of(1, 90, 1), short, long, middle, of(3, 90, 1)] {
            store.put(key, vec![key.id[0]], NOW).unwrap();
        }
        holds(&store, of(3, 90, 1), &[1]).await;
        let found = async |most, at| store.of_holder([2; 16], most, at).await.unwrap();
        let [short, long, middle] = [short, long, middle].map(|key| (key, vec![key.id[0]]));
        assert_eq!(found(100, NOW).await, [long.clone(), middle.clone(), short.clone()]);
        assert_eq!(found(2, NOW).await, [long.clone(), middle.clone()]);
        assert_eq!(found(100, short.0.until).await, [long.clone(), middle]);
        assert_eq!(found(100, long.0.until).await, []);
        assert_eq!(store.of_holder([4; 16], 100, NOW).await.unwrap(), []);
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

/// All that is live in `store` at `at`, in an order of its own.
pub(crate) async fn listed(store: &dyn Store, at: Moment) -> Result<Vec<Entry>, StoreFault> {
    let (tell, mut told) = mpsc::channel(1);
    let gather = async {
        let mut all = Vec::new();
        while let Some(entries) = told.recv().await {
            all.extend(entries);
        }
        all.sort_by_cached_key(|entry| format!("{entry:?}"));
        all
    };
    let (done, all) = tokio::join!(store.list(at, tell), gather);
    done.map(|()| all)
}

#[tokio::test]
async fn all_that_is_live_is_listed_and_another_store_can_hold_it() {
    each_store(|store| async move {
        let (soon, late) = (NOW.plus(HOUR), NOW.plus(2 * HOUR));
        let mut all = Vec::new();
        for number in 0..700_u16 {
            let mut id = [7; 32];
            id[..2].copy_from_slice(&number.to_be_bytes());
            let until = if number % 7 == 0 { soon } else { late };
            all.push(match number % 5 {
                0 => Entry::Claim(Claim { id, scope: Scope::Whole, until }),
                1 => Entry::Claim(Claim { id, scope: Scope::Part([9; 32]), until }),
                2 => {
                    let (holder, id) = ([number as u8 % 3; 16], id[..16].try_into().unwrap());
                    Entry::Session(SessionKey { holder, until, id }, vec![number as u8])
                }
                3 => Entry::Value(id, vec![number as u8; 3], until),
                _ => {
                    let id = id[..16].try_into().unwrap();
                    Entry::Revocation(Revocation { id, issued_before: NOW, asserted_before: soon, until })
                }
            });
        }
        all.sort_by_cached_key(|entry| format!("{entry:?}"));
        take_in(store.as_ref(), all.clone(), NOW).await.unwrap();
        assert_eq!(listed(store.as_ref(), NOW).await.unwrap(), all);
        let later = listed(store.as_ref(), soon).await.unwrap();
        assert_eq!(later.len(), 600, "what is over is left out");
        let other = MemoryStore::default();
        take_in(&other, later.clone(), soon).await.unwrap();
        take_in(&other, all, soon).await.unwrap();
        assert_eq!(listed(&other, soon).await.unwrap(), later);
    })
    .await;
}

/// What was decided since a copy was made stays decided.
#[tokio::test]
async fn a_copy_that_comes_back_changes_nothing_that_is_known_better() {
    each_store(|store| async move {
        store.keep([3; 32], b"old".to_vec(), NOW.plus(HOUR), NOW).await.unwrap();
        let copy = listed(store.as_ref(), NOW).await.unwrap();
        store.keep([3; 32], b"new".to_vec(), NOW.plus(HOUR), NOW).await.unwrap();
        assert_eq!(store.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::First);
        take_in(store.as_ref(), copy, NOW).await.unwrap();
        assert_eq!(store.kept([3; 32], NOW).await.unwrap(), Some(b"new".to_vec()));
        assert_eq!(store.claim(claim(1, Scope::Whole), NOW).await.unwrap(), Claimed::AlreadyUsed);
    })
    .await;
}
