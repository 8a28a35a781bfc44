//! What the stores cost: a claim and a record, as every sign-in makes them, and what a session takes up.
//!
//! `cargo bench --bench store` prints the figures and files them in `target/speed.json`. It starts a `redis-server` of its own
//! on loopback. Costs are the CPU time of this process, its threads together, with 256 sign-ins under way; rounds alternate
//! between the stores. The embedded store is as it is in use: an answer comes when a claim is on the disk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A benchmark that can't run should stop.

mod report;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mimalloc::MiMalloc;
use rolegate::clock::Moment;
use rolegate::entropy::SystemEntropy;
use rolegate::store::embedded::EmbeddedStore;
use rolegate::store::redis::{RedisAccount, RedisSettings, RedisStore, RedisTls, Servers};
use rolegate::store::{Claim, Claimed, Scope, SessionKey, Store};
use serde_json::{Value, json};

use self::report::{file, median};

/// As in the product.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const NOW: Moment = Moment::from_unix(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);
/// As many bytes as the record of a usual session: `session_token_bytes` of `cargo bench --bench credentials`, unencoded.
const RECORD: usize = 219;
/// Sign-ins under way.
const AT_ONCE: usize = 256;
/// Sign-ins of a round.
const EACH: u64 = 20_000;
const ROUNDS: usize = 7;
const MILLION: u64 = 1_000_000;
/// Entries of one kind that Redis is measured with.
const MANY: u64 = 100_000;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let redis = Redis::start(folder.path());
    let number = Arc::new(AtomicU64::new(0));
    let path = folder.path().join("embedded");
    let embedded: Arc<dyn Store> = Arc::new(EmbeddedStore::open(&path).unwrap());
    let shared: Arc<dyn Store> = Arc::new(redis.store());

    let alone = alone(&embedded, &number).await;
    let (mut ours, mut theirs, mut walls) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (cpu, wall) = sign_ins(&embedded, &number, EACH).await;
        ours.push(cpu);
        walls.push(wall);
        theirs.push(sign_ins(&shared, &number, EACH).await.0);
    }
    let (embedded_us, redis_us) = (median(ours), median(theirs));

    let size = store_file(&path);
    // One after the other: what they count by is shared.
    sign_ins(&embedded, &number, MILLION).await;
    let bytes = (store_file(&path) - size) / MILLION as f64;
    let (redis_bytes, claim_bytes) =
        (sessions_only(&shared, &redis).await, claims_only(&shared, &redis).await);
    let full: Vec<f64> = {
        let mut full = Vec::new();
        for _ in 0..ROUNDS {
            full.push(sign_ins(&embedded, &number, EACH).await.0);
        }
        full
    };
    let resident = resident_mb();
    drop(embedded);
    let began = Instant::now();
    let again = EmbeddedStore::open(&path).unwrap();
    let opened = began.elapsed().as_secs_f64();
    drop(again);
    file(vec![
        measured("embedded_open_1m_s", opened, "s until a store with a million is open"),
        entry("embedded_claim_and_record_us", embedded_us, "us of CPU", 20.0),
        entry("embedded_claim_and_record_wall_us", median(walls), "us, amortized over 256 at once", 20.0),
        measured("embedded_claim_alone_us", alone, "us until it is on the disk, one at a time"),
        measured("embedded_1m_vs_few", median(full) / embedded_us, "times, with a million more of them"),
        entry("sts_redis_extra_us", redis_us - embedded_us, "us of CPU", 10.0),
        entry("bytes_per_session", bytes, "bytes", 320.0),
        entry("bytes_per_session_redis", redis_bytes, "bytes", 700.0),
        measured(
            "bytes_per_claim_redis",
            claim_bytes,
            "bytes beside it, as long as the document would be good",
        ),
        entry("rss_1m_sessions_mb", resident, "MiB", 400.0),
    ]);
}

/// Microseconds of CPU and of time that a sign-in takes.
async fn sign_ins(store: &Arc<dyn Store>, number: &Arc<AtomicU64>, count: u64) -> (f64, f64) {
    let (cpu, began) = (process_cpu(), Instant::now());
    let last = number.load(Ordering::Relaxed) + count;
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (store, number) = (Arc::clone(store), Arc::clone(number));
            tokio::spawn(async move {
                loop {
                    let mine = number.fetch_add(1, Ordering::Relaxed);
                    if mine >= last {
                        return;
                    }
                    sign_in(store.as_ref(), mine).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    store.flushed().await.unwrap();
    ((process_cpu() - cpu) / count as f64, began.elapsed().as_secs_f64() * 1e6 / count as f64)
}

async fn sign_in(store: &dyn Store, number: u64) {
    let mut id = [0; 32];
    // As hashes are: at no place in particular.
    for (at, part) in id.chunks_exact_mut(8).enumerate() {
        let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(at as u32 * 13);
        part.copy_from_slice(&(mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes());
    }
    let claim = Claim { id, scope: Scope::Whole, until: NOW.plus(HOUR) };
    assert_eq!(store.claim(claim, NOW).await.unwrap(), Claimed::First);
    let (holder, id) = id.split_at(16);
    let [holder, id] = [holder, id].map(|half| half.try_into().unwrap());
    let key = SessionKey { holder, until: NOW.plus(HOUR + Duration::from_millis(number / 20)), id };
    // A broker would go on without the record; what it costs is to be counted.
    while store.put(key, vec![0x5a; RECORD], NOW).is_err() {
        tokio::task::yield_now().await;
    }
}

/// Bytes that an empty Redis needs for each of many sessions, every one of another person.
async fn sessions_only(store: &Arc<dyn Store>, redis: &Redis) -> f64 {
    let held = redis.emptied();
    for number in 0..MANY {
        let key = SessionKey { holder: numbered(number), until: NOW.plus(HOUR), id: numbered(number) };
        while store.put(key, vec![0x5a; RECORD], NOW).is_err() {
            tokio::task::yield_now().await;
        }
    }
    store.flushed().await.unwrap();
    (redis.memory() - held) / MANY as f64
}

/// The same for claims.
async fn claims_only(store: &Arc<dyn Store>, redis: &Redis) -> f64 {
    let held = redis.emptied();
    for number in 0..MANY {
        let (id, scope) = ([numbered(number); 2].concat().try_into().unwrap(), Scope::Whole);
        let claim = Claim { id, scope, until: NOW.plus(HOUR) };
        assert_eq!(store.claim(claim, NOW).await.unwrap(), Claimed::First);
    }
    (redis.memory() - held) / MANY as f64
}

fn numbered(number: u64) -> [u8; 16] {
    let mut id = [7; 16];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id
}

/// Microseconds until one claim is answered, with nobody else there.
async fn alone(store: &Arc<dyn Store>, number: &AtomicU64) -> f64 {
    let mut times = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        sign_in(store.as_ref(), number.fetch_add(1, Ordering::Relaxed)).await;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    median(times)
}

fn process_cpu() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}

fn store_file(folder: &Path) -> f64 {
    let lengths = fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
    lengths.sum::<u64>() as f64
}

fn resident_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1024.0
}

/// A server that keeps everything in memory.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is needed: apt-get install redis-server");
        let server = Self { child, port };
        while server.cli(&["PING"]) != "PONG\n" {
            std::thread::yield_now();
        }
        server
    }

    fn store(&self) -> RedisStore {
        let servers = Servers::Standalone(format!("redis://127.0.0.1:{}", self.port));
        let (account, tls) = (RedisAccount::default(), RedisTls::default());
        let settings = RedisSettings { servers, account, tls, replicas: 0, patience: Duration::from_secs(5) };
        RedisStore::open(&settings, &SystemEntropy::new()).unwrap()
    }

    /// Bytes that it holds, without what its scripts left behind.
    fn memory(&self) -> f64 {
        assert_eq!(self.cli(&["SCRIPT", "FLUSH", "SYNC"]), "OK\n");
        let said = self.cli(&["INFO", "memory"]);
        let line = said.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
        line.trim().parse().unwrap()
    }

    /// Forgets everything; bytes that it holds then.
    fn emptied(&self) -> f64 {
        assert_eq!(self.cli(&["FLUSHALL", "SYNC"]), "OK\n");
        self.memory()
    }

    fn cli(&self, words: &[&str]) -> String {
        let said = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(words).output();
        String::from_utf8(said.unwrap().stdout).unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn measured(name: &'static str, value: f64, unit: &str) -> (&'static str, Value) {
    println!("{name}: {value:.2} {unit}");
    (name, json!({ "value": value, "unit": unit, "command": "cargo bench --bench store" }))
}

fn entry(name: &'static str, value: f64, unit: &str, most: f64) -> (&'static str, Value) {
    let met = value <= most;
    println!("{name}: {value:.2} {unit}, goal ≤ {most}{}", if met { "" } else { ": NOT MET" });
    let goal = format!("≤ {most} {unit}");
    (
        name,
        json!({ "value": value, "unit": unit, "goal": goal, "met": met, "command": "cargo bench --bench store" }),
    )
}
