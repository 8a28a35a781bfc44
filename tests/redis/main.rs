//! The store's contract on real Redis servers, each started for one test on a socket of its own; and how the store
//! bears that a server freezes, dies and comes back.
//!
//! `cargo test --test redis`; the plain `cargo test` leaves it out, because it needs `redis-server` (Debian's package).

#[path = "../../src/store/contract.rs"]
mod contract;

use std::any::Any;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rolegate::clock::Moment;
use rolegate::entropy::SystemEntropy;
use rolegate::store::redis::{RedisSettings, RedisStore};
use rolegate::store::{
    Claim, Claimed, News, ReplayCache as _, Revocation, Revocations as _, Scope, SessionKey,
    SessionStore as _, Store, ValueStore as _,
};
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

const NOW: Moment = Moment::from_unix(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);
/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server, killed with its test.
struct Server {
    child: Child,
    folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = Self::run(&folder);
        let server = Self { child, folder };
        server.wait_until_it_listens();
        server
    }

    /// Everything stays in memory.
    fn run(folder: &TempDir) -> Child {
        Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(folder.path().join("socket"))
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is needed: apt-get install redis-server")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn wait_until_it_listens(&self) {
        let deadline = Instant::now() + PATIENCE;
        while std::os::unix::net::UnixStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < deadline, "redis-server does not listen");
            std::thread::yield_now();
        }
    }

    /// The same server, without anything that it held.
    fn again(&mut self) {
        self.kill();
        self.child = Self::run(&self.folder);
        self.wait_until_it_listens();
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let _ = std::fs::remove_file(self.socket());
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    fn cli(&self, words: &[&str]) {
        let mut command = Command::new("redis-cli");
        let said = command.arg("-s").arg(self.socket()).args(words).output().unwrap();
        assert!(said.status.success(), "{said:?}");
    }

    /// A node's store.
    fn store(&self) -> RedisStore {
        let url = format!("redis+unix://{}", self.socket().display());
        let settings = RedisSettings { url, username: None, password: None };
        RedisStore::open(&settings, &SystemEntropy::new()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn stores() -> Vec<(Arc<dyn Store>, Box<dyn Any>)> {
    let server = Server::start();
    vec![(Arc::new(server.store()), Box::new(server))]
}

fn claim(id: u8) -> Claim {
    Claim { id: [id; 32], scope: Scope::Whole, until: NOW.plus(HOUR) }
}

fn revocation(id: u8) -> Revocation {
    Revocation { id: [id; 16], issued_before: NOW, asserted_before: NOW, until: NOW.plus(HOUR) }
}

async fn heard(news: &mut Receiver<News>) -> News {
    timeout(PATIENCE, news.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn of_two_nodes_one_is_first() {
    let server = Server::start();
    let (one, two) = (Arc::new(server.store()), Arc::new(server.store()));
    let racers: Vec<_> = (0..2000_u32)
        .map(|number| {
            let store = Arc::clone(if number % 2 == 0 { &one } else { &two });
            let mut id = [0; 32];
            id[..4].copy_from_slice(&(number / 2).to_be_bytes());
            tokio::spawn(async move { store.claim(Claim { id, ..claim(0) }, NOW).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for racer in racers {
        first += usize::from(racer.await.unwrap() == Claimed::First);
    }
    assert_eq!(first, 1000);
}

#[tokio::test]
async fn what_one_node_revokes_the_others_hear() {
    let server = Server::start();
    let (one, two) = (server.store(), server.store());
    let mut news = two.news().unwrap();
    assert_eq!(heard(&mut news).await, News::Gap, "what was before must be loaded");
    one.revoke(revocation(1), NOW).await.unwrap();
    assert_eq!(heard(&mut news).await, News::Revoked(revocation(1)));
    let longer = Revocation { until: NOW.plus(2 * HOUR), issued_before: NOW.minus(HOUR), ..revocation(1) };
    one.revoke(longer, NOW).await.unwrap();
    let joined = Revocation { until: longer.until, ..revocation(1) };
    assert_eq!(heard(&mut news).await, News::Revoked(joined), "with what it held before");
    assert_eq!(two.revocations(NOW).await.unwrap(), [joined]);
}

#[tokio::test]
async fn a_gap_is_told_when_it_is_over() {
    let mut server = Server::start();
    let (one, two) = (server.store(), server.store());
    let mut news = two.news().unwrap();
    assert_eq!(heard(&mut news).await, News::Gap);
    server.again();
    let News::Lost(_) = heard(&mut news).await else { panic!("it was not noticed") };
    while let News::Lost(_) = heard(&mut news).await {}
    while one.revoke(revocation(2), NOW).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(heard(&mut news).await, News::Revoked(revocation(2)));
}

/// A revocation that can't be read could be any. Nobody goes on as if there were none.
#[tokio::test]
async fn a_revocation_that_is_damaged_is_not_left_out() {
    let server = Server::start();
    let store = server.store();
    let mut news = store.news().unwrap();
    assert_eq!(heard(&mut news).await, News::Gap);
    store.revoke(revocation(1), NOW).await.unwrap();
    assert_eq!(heard(&mut news).await, News::Revoked(revocation(1)));
    server.cli(&["PUBLISH", "rolegate:revoked", "something else"]);
    assert_eq!(heard(&mut news).await, News::Gap);
    server.cli(&["HSET", "rolegate:revoked", "sixteen bytes id", "soon"]);
    let fault = store.revocations(NOW).await.unwrap_err().to_string();
    assert!(fault.ends_with("an entry of rolegate:revoked is none: see who writes there"), "{fault}");
}

/// A server that hangs is noticed though its connection stands.
#[tokio::test]
async fn a_frozen_server_is_not_listened_to_for_ever() {
    let server = Server::start();
    let store = server.store();
    let mut news = store.news().unwrap();
    assert_eq!(heard(&mut news).await, News::Gap);
    server.signal("-STOP");
    let News::Lost(reason) = heard(&mut news).await else { panic!("it was not noticed") };
    assert_eq!(reason, "no echo within 2 s");
    server.signal("-CONT");
    while let News::Lost(_) = heard(&mut news).await {}
}

/// Nobody waits longer than half a second, and after a few nobody waits at all.
#[tokio::test]
async fn a_frozen_server_holds_nobody_up() {
    let server = Server::start();
    let store = Arc::new(server.store());
    assert_eq!(store.claim(claim(1), NOW).await.unwrap(), Claimed::First);
    server.signal("-STOP");
    let began = Instant::now();
    let asked = (0..200).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.claim(claim(1), NOW).await.unwrap_err().to_string() })
    });
    for answer in asked.collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap(), "the store failed while claiming: no answer within 500 ms");
    }
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let (began, before) = (Instant::now(), tasks());
    for _ in 0..1000 {
        let refused = store.claim(claim(1), NOW).await.unwrap_err().to_string();
        assert!(refused.ends_with("Redis did not answer a moment ago") || refused.ends_with("within 500 ms"));
    }
    assert!(tasks() <= before + 10, "what was not sent is not taken back: {} {before}", tasks());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    server.signal("-CONT");
    let back = async {
        while store.claim(claim(1), NOW).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, back).await.unwrap();
    assert_eq!(store.claim(claim(1), NOW).await.unwrap(), Claimed::AlreadyUsed, "it forgot nothing");
}

#[tokio::test]
async fn what_is_queued_is_written_before_the_end() {
    let server = Server::start();
    let store = server.store();
    let key = |id: u8| SessionKey { until: NOW.plus(HOUR), id: [id; 32] };
    (0..=255).for_each(|id| store.put(key(id), vec![id], NOW).unwrap());
    store.flushed().await.unwrap();
    drop(store);
    let other = server.store();
    for id in 0..=255 {
        assert_eq!(other.get(key(id), NOW).await.unwrap(), Some(vec![id]));
    }
}

/// What was answered with a fault is not used up, though the server got it and did it later.
#[tokio::test]
async fn a_claim_without_an_answer_is_taken_back() {
    let server = Server::start();
    let store = server.store();
    assert_eq!(store.claim(claim(1), NOW).await.unwrap(), Claimed::First);
    server.signal("-STOP");
    store.claim(claim(2), NOW).await.unwrap_err();
    let part = Claim { scope: Scope::Part([7; 32]), ..claim(3) };
    store.claim(part, NOW).await.unwrap_err();
    store.claim(claim(1), NOW).await.unwrap_err();
    tokio::task::yield_now().await;
    server.signal("-CONT");
    assert_eq!(store.claim(claim(2), NOW).await.unwrap(), Claimed::First);
    assert_eq!(store.claim(claim(2), NOW).await.unwrap(), Claimed::AlreadyUsed);
    assert_eq!(store.claim(part, NOW).await.unwrap(), Claimed::First);
    assert_eq!(store.claim(claim(1), NOW).await.unwrap(), Claimed::AlreadyUsed, "that was given before");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_and_used_when_it_is() {
    let mut server = Server::start();
    let store = server.store();
    server.kill();
    let failed = store.claim(claim(1), NOW).await.unwrap_err().to_string();
    assert!(failed.starts_with("the store failed while claiming: "), "{failed}");
    server.child = Server::run(&server.folder);
    server.wait_until_it_listens();
    let back = async {
        while store.claim(claim(2), NOW).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, back).await.unwrap();
}
