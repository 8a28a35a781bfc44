//! The log against a model, and what is left of it when something breaks.

use proptest::prelude::*;

use super::*;
use crate::store::Scope;
use crate::store::memory::MemoryStore;
use crate::store::tests::contract::{listed, record};

const START: Moment = Moment::from_unix(1_800_000_000);
const MINUTE: Duration = Duration::from_secs(60);
/// Small, so that a few entries fill one.
const SMALL: u64 = 1500;

fn claim(id: u8, until: Moment) -> Claim {
    Claim { id: [id; 32], scope: Scope::Whole, until }
}

fn revocation(id: u8, issued: Moment, until: Moment) -> Revocation {
    Revocation { id: [id; 16], issued_before: issued, asserted_before: issued, until }
}

/// The bytes of all segments, the oldest first.
fn segments(folder: &Path) -> Vec<(PathBuf, u64)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let logs = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "log"));
    let mut logs: Vec<_> = logs.map(|file| (file.path(), file.metadata().unwrap().len())).collect();
    logs.sort();
    logs
}

#[derive(Debug, Clone)]
enum Step {
    Claim(u8, Option<u8>, u8),
    Put(u8, u8),
    Keep(u8, u8),
    Forget(u8),
    Revoke(u8, u8),
    Wait(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let (id, minutes) = (0..8_u8, 0..90_u8);
    prop_oneof![
        8 => (id.clone(), prop::option::of(0..3_u8), minutes.clone()).prop_map(|(id, part, end)| Step::Claim(id, part, end)),
        4 => (id.clone(), minutes.clone()).prop_map(|(id, end)| Step::Put(id, end)),
        4 => (id.clone(), minutes.clone()).prop_map(|(id, end)| Step::Keep(id, end)),
        2 => id.clone().prop_map(Step::Forget),
        4 => (id, minutes.clone()).prop_map(|(id, end)| Step::Revoke(id, end)),
        2 => minutes.prop_map(Step::Wait),
        1 => Just(Step::Reopen),
    ]
}

async fn follows_the_model(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let model = MemoryStore::default();
    let mut store = EmbeddedStore::with_segments(folder.path(), SMALL).unwrap();
    let mut now = START;
    for (number, step) in steps.into_iter().enumerate() {
        let end = |minutes: u8| now.plus(MINUTE * u32::from(minutes));
        match step {
            Step::Claim(id, part, minutes) => {
                let scope = part.map_or(Scope::Whole, |part| Scope::Part([part; 32]));
                let claim = Claim { scope, ..claim(id, end(minutes)) };
                assert_eq!(store.claim(claim, now).await.unwrap(), model.claim(claim, now).await.unwrap());
            }
            Step::Put(id, minutes) => {
                let key = SessionKey { holder: [id % 3; 16], until: end(minutes), id: [id; 16] };
                let sealed = vec![number as u8; 100];
                store.put(key, sealed.clone(), now).unwrap();
                model.put(key, sealed, now).unwrap();
            }
            Step::Keep(id, minutes) => {
                let sealed = vec![number as u8; 30];
                store.keep([id; 32], sealed.clone(), end(minutes), now).await.unwrap();
                model.keep([id; 32], sealed, end(minutes), now).await.unwrap();
            }
            Step::Forget(id) => {
                store.forget([id; 32], now).await.unwrap();
                model.forget([id; 32], now).await.unwrap();
            }
            Step::Revoke(id, minutes) => {
                let revocation = revocation(id, now, end(minutes));
                store.revoke(revocation, now).await.unwrap();
                model.revoke(revocation, now).await.unwrap();
            }
            Step::Wait(minutes) => now = end(minutes),
            Step::Reopen => {
                drop(store);
                store = EmbeddedStore::with_segments(folder.path(), SMALL).unwrap();
            }
        }
        store.flushed().await.unwrap();
        assert_eq!(listed(&store, now).await.unwrap(), listed(&model, now).await.unwrap());
        let value = [number as u8 % 8; 32];
        assert_eq!(store.kept(value, now).await.unwrap(), model.kept(value, now).await.unwrap());
        let [found, expected]: [&dyn SessionStore; 2] = [&store, &model];
        let of = async |store: &dyn SessionStore| store.of_holder([1; 16], 3, now).await.unwrap();
        assert_eq!(of(found).await, of(expected).await);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn it_holds_what_a_store_in_memory_holds(steps in prop::collection::vec(step(), 1..160)) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(follows_the_model(steps));
    }
}

/// What is over makes room, though something from the beginning is held for ever.
#[tokio::test]
async fn the_log_does_not_grow_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::with_segments(folder.path(), SMALL).unwrap();
    let (ever, mut now) = (START.plus(MINUTE * 1_000_000), START);
    store.keep([1; 32], b"kept".to_vec(), ever, now).await.unwrap();
    store.revoke(revocation(2, START, ever), now).await.unwrap();
    let key = SessionKey { holder: [3; 16], until: ever, id: [3; 16] };
    store.put(key, b"sealed".to_vec(), now).unwrap();
    assert_eq!(store.claim(claim(4, ever), now).await.unwrap(), Claimed::First);
    for number in 0..3000_u32 {
        now = now.plus(MINUTE);
        let mut id = [9; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let short = Claim { id, scope: Scope::Whole, until: now.plus(MINUTE) };
        assert_eq!(store.claim(short, now).await.unwrap(), Claimed::First);
        store.keep(id, vec![8; 40], now.plus(MINUTE), now).await.unwrap();
        let id = id[..16].try_into().unwrap();
        store.put(SessionKey { holder: id, until: now.plus(MINUTE), id }, vec![7; 200], now).unwrap();
        store.revoke(Revocation { id, ..revocation(0, now, now.plus(MINUTE)) }, now).await.unwrap();
    }
    store.flushed().await.unwrap();
    now = now.plus(MINUTE);
    let held: u64 = segments(folder.path()).iter().map(|(_, length)| length).sum();
    assert!(held < 40 * SMALL, "{held} bytes after more than a million");
    drop(store);
    let store = EmbeddedStore::with_segments(folder.path(), SMALL).unwrap();
    assert_eq!(store.kept([1; 32], now).await.unwrap(), Some(b"kept".to_vec()));
    assert_eq!(record(&store, key, now).await, Some(b"sealed".to_vec()));
    assert_eq!(store.revocations(now).await.unwrap(), [revocation(2, START, ever)]);
    assert_eq!(store.claim(claim(4, ever), now).await.unwrap(), Claimed::AlreadyUsed);
}

/// What is held already, and on its way to the disk, is not there yet for who reads; that is no fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_on_its_way_to_the_disk_is_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(EmbeddedStore::open(folder.path()).unwrap());
    let key = |number: u32| {
        let mut id = [1; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        SessionKey { holder: id, until: START.plus(MINUTE), id }
    };
    let sealed = vec![7; 50_000];
    let (writing, bytes) = (Arc::clone(&store), sealed.clone());
    let writer = tokio::spawn(async move {
        for number in 0..150 {
            writing.put(key(number), bytes.clone(), START).unwrap();
            writing.flushed().await.unwrap();
        }
    });
    let mut number = 0;
    while number < 150 {
        match record(store.as_ref(), key(number), START).await {
            Some(read) => {
                assert_eq!(read, sealed);
                number += 1;
            }
            None => tokio::task::yield_now().await,
        }
    }
    writer.await.unwrap();
}

/// A store with three entries, each in a frame of its own, and where they end.
async fn three(folder: &Path) -> Vec<u64> {
    let store = EmbeddedStore::open(folder).unwrap();
    let mut ends = Vec::new();
    for id in 1..=3 {
        store.claim(claim(id, START.plus(MINUTE)), START).await.unwrap();
        ends.push(segments(folder)[0].1);
    }
    ends
}

/// Which of the three are held.
async fn which(folder: &Path) -> Vec<bool> {
    let store = EmbeddedStore::open(folder).unwrap();
    let mut held = Vec::new();
    for id in 1..=3 {
        held.push(store.claim(claim(id, START.plus(MINUTE)), START).await.unwrap() == Claimed::AlreadyUsed);
    }
    held
}

#[tokio::test]
async fn half_a_frame_at_the_end_is_left_out() {
    let whole = tempfile::tempdir().unwrap();
    let ends = three(whole.path()).await;
    let bytes = fs::read(&segments(whole.path())[0].0).unwrap();
    for length in 0..=bytes.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0000000001.log");
        for rest in [&[][..], &[0; 300]] {
            fs::write(&path, [&bytes[..length], rest].concat()).unwrap();
            let expected: Vec<_> = ends.iter().map(|end| length as u64 >= *end).collect();
            if length < 15 && !rest.is_empty() {
                assert!(EmbeddedStore::open(folder.path()).is_err(), "this is no log at all");
                continue;
            }
            assert_eq!(which(folder.path()).await, expected, "{length} bytes");
            assert_eq!(which(folder.path()).await, [true; 3], "it goes on from there");
            fs::remove_file(&path).unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_damaged_before_the_end_is_not_passed_over() {
    let whole = tempfile::tempdir().unwrap();
    let ends = three(whole.path()).await;
    let bytes = fs::read(&segments(whole.path())[0].0).unwrap();
    let second = usize::try_from(ends[1]).unwrap();
    for at in 0..bytes.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0000000001.log");
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        fs::write(&path, changed).unwrap();
        if at < second {
            let fault = EmbeddedStore::open(folder.path()).unwrap_err().to_string();
            let file = path.display();
            let expected = format!("the store failed while opening its folder: {file} is damaged at byte ");
            assert!(fault.starts_with(&expected), "{at}: {fault}");
        } else {
            // Nobody can tell it from half a frame.
            assert_eq!(which(folder.path()).await, [true, true, false], "{at}");
        }
    }
}

#[tokio::test]
async fn an_earlier_builds_file_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(EARLIER), "").unwrap();
    let fault = EmbeddedStore::open(folder.path()).unwrap_err().to_string();
    assert!(fault.contains("store.redb there is of an earlier build"), "{fault}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("0000000001.log"), "rolegate log 1\nand more").unwrap();
    let fault = EmbeddedStore::open(folder.path()).unwrap_err().to_string();
    assert!(fault.contains("0000000001.log is of an earlier build, and can't be read"), "{fault}");
}
