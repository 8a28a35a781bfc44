//! The store of a fleet: one Redis that all nodes share.
//!
//! | key | type | what | lives |
//! |---|---|---|---|
//! | `rolegate:c:` and 32 bytes | hash | a claim: for the whole (an empty field) or each part (its hash), until when and whose | until its last end |
//! | `rolegate:s:` and 40 bytes | string | a session record, by when it ends and its id | until it ends |
//! | `rolegate:v:` and 32 bytes | string | until when, and a value | until it ends |
//! | `rolegate:revoked` | hash | by its id, what a revocation ends and until when | as long as its longest |
//!
//! Everything lives ten minutes longer (`SWEEP_MARGIN`). Times are those of the nodes, in milliseconds: what is over is
//! decided by whoever asks, and Redis's own clock decides nothing but when memory is freed. Each claim is one script, so
//! that two nodes can't both be first. `rolegate:revoked` is a channel, too, on which a node tells the others
//! (`news`).
//!
//! A claim that got no answer in time gives nothing, and is taken back by whoever made it, behind it on the same connection:
//! when Redis goes on, the document is free again. Where that does not arrive either, it stays used up.
//!
//! No request waits longer than half a second for Redis (`link`). After a few failures in a row none waits at all for a
//! moment, and then one asks again (`breaker`).
//!
//! Redis replicates behind its own back: what it acknowledged a moment before it died may be unknown to the replica that
//! takes over, claims included.

mod breaker;
mod link;
mod news;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Pipeline, Script};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use self::link::Link;
pub use self::link::RedisSettings;
use super::{
    Claim, Claimed, News, ReplayCache, Revocation, Revocations, SWEEP_MARGIN, Scope, SessionKey,
    SessionStore, Store, StoreFault, StoreFuture, ValueKey, ValueStore,
};
use crate::clock::Moment;
use crate::entropy::{self, Entropy};

/// How long a claim is tried to be taken back.
const LATE: Duration = Duration::from_secs(30);
/// How long the list of what was revoked may take. No request waits for it.
const LOADING: Duration = Duration::from_secs(10);
/// Session records that may wait to be written. More than this is an overload, and refused.
const QUEUE: usize = 8192;
/// Records that go in one pipeline.
const BATCH: usize = 256;

const CLAIMS: &[u8] = b"rolegate:c:";
const SESSIONS: &[u8] = b"rolegate:s:";
const VALUES: &[u8] = b"rolegate:v:";
const REVOKED: &[u8] = b"rolegate:revoked";

/// Takes a claim: `KEYS[1]` the document, `ARGV` the part (empty: the whole), now, its end, how long to keep it, and who
/// takes it.
const CLAIM: &str = r"
local function live(held) return held and tonumber(string.match(held, '^%S+')) > tonumber(ARGV[2]) end
if ARGV[1] == '' then
  for _, held in ipairs(redis.call('HVALS', KEYS[1])) do
    if live(held) then return 0 end
  end
elseif live(redis.call('HGET', KEYS[1], '')) or live(redis.call('HGET', KEYS[1], ARGV[1])) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3] .. ' ' .. ARGV[5])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1
";

/// Takes a claim back, if it is that of `ARGV[2]`.
const TAKE_BACK: &str = r"
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and string.match(held, '%S+$') == ARGV[2] then return redis.call('HDEL', KEYS[1], ARGV[1]) end
return 0
";

/// Joins a revocation with what its id held before, and tells the others. `ARGV` has the id, the three times, and how
/// long to keep it.
const REVOKE: &str = r"
local held, times = redis.call('HGET', KEYS[1], ARGV[1]), {ARGV[2], ARGV[3], ARGV[4]}
if held then
  local at = 0
  for before in string.gmatch(held, '%S+') do
    at = at + 1
    if tonumber(before) > tonumber(times[at]) then times[at] = before end
  end
end
local joined = table.concat(times, ' ')
redis.call('HSET', KEYS[1], ARGV[1], joined)
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
redis.call('PUBLISH', KEYS[1], ARGV[1] .. joined)
return 1
";

/// See the module.
pub struct RedisStore {
    link: Arc<Link>,
    scripts: Scripts,
    records: mpsc::Sender<Work>,
    /// By which this node names its claims: itself, and a number.
    node: String,
    claims: AtomicU64,
}

struct Scripts {
    claim: Script,
    revoke: Script,
}

/// What the writer does, in this order.
enum Work {
    Write(Record),
    /// Tells that all before it is written.
    Tell(oneshot::Sender<()>),
}

struct Record {
    key: Vec<u8>,
    sealed: Vec<u8>,
    keep: u64,
}

impl RedisStore {
    /// A store that connects when it is asked first, and again whenever it must. Within a runtime.
    pub fn open(settings: &RedisSettings, entropy: &dyn Entropy) -> Result<Self, StoreFault> {
        let failed = |error: &dyn ToString| StoreFault::new("reading its settings", error.to_string());
        let node = entropy::bytes::<8>(entropy).map_err(|error| failed(&error))?;
        let node = format!("{:016x}", u64::from_be_bytes(node));
        let link = Arc::new(Link::new(settings).map_err(|error| failed(&error))?);
        let scripts = Scripts { claim: Script::new(CLAIM), revoke: Script::new(REVOKE) };
        let (records, queued) = mpsc::channel(QUEUE);
        drop(tokio::spawn(write_all(Arc::clone(&link), queued)));
        Ok(Self { link, scripts, records, node, claims: AtomicU64::new(0) })
    }
}

/// Writes what is queued; ends with the store.
async fn write_all(link: Arc<Link>, mut queued: mpsc::Receiver<Work>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queued.recv_many(&mut batch, BATCH).await > 0 {
        let (mut pipeline, mut count, mut waiting) = (Pipeline::new(), 0, Vec::new());
        for work in batch.drain(..) {
            match work {
                Work::Write(Record { key, sealed, keep }) => {
                    pipeline.cmd("SET").arg(key).arg(sealed).arg("PX").arg(keep).ignore();
                    count += 1;
                }
                Work::Tell(tell) => waiting.push(tell),
            }
        }
        let written = if count == 0 { Ok(()) } else { link.pipeline("recording sessions", &pipeline).await };
        if let Err(fault) = written {
            tracing::error!(fault = fault.to_string(), operations = count, "the store could not write");
        }
        for tell in waiting {
            let _ = tell.send(()); // Whoever does not wait any more needs no answer.
        }
    }
}

impl ReplayCache for RedisStore {
    fn claim(&self, claim: Claim, at: Moment) -> StoreFuture<'_, Claimed> {
        Box::pin(async move {
            let (link, scripts) = (&self.link, &self.scripts);
            let whose = format!("{}:{}", self.node, self.claims.fetch_add(1, Ordering::Relaxed));
            let mut invocation = scripts.claim.prepare_invoke();
            invocation.key(claim_key(&claim)).arg(part_of(&claim)).arg(at.unix_millis());
            invocation.arg(claim.until.unix_millis()).arg(keep(claim.until, at)).arg(&whose);
            let mut connection = link.connection();
            link.may_ask("claiming")?;
            match link.asked("claiming", invocation.invoke_async(&mut connection)).await {
                Ok(true) => Ok(Claimed::First),
                Ok(false) => Ok(Claimed::AlreadyUsed),
                Err(fault) => {
                    drop(tokio::spawn(take_back(Arc::clone(link), claim, whose)));
                    Err(fault)
                }
            }
        })
    }
}

/// Takes a claim back that may have been made, if Redis answers in a while.
async fn take_back(link: Arc<Link>, claim: Claim, whose: String) {
    // The whole script in one message, which stands right behind the claim.
    let mut command = redis::cmd("EVAL");
    command.arg(TAKE_BACK).arg(1).arg(claim_key(&claim)).arg(part_of(&claim)).arg(whose);
    let mut connection = link.connection();
    if !matches!(timeout(LATE, command.exec_async(&mut connection)).await, Ok(Ok(()))) {
        tracing::warn!("a claim may have been made that gave nothing: its document may count as used");
    }
}

fn claim_key(claim: &Claim) -> Vec<u8> {
    key(CLAIMS, &[&claim.id])
}

fn part_of(claim: &Claim) -> &[u8] {
    match &claim.scope {
        Scope::Whole => b"",
        Scope::Part(part) => part,
    }
}

impl SessionStore for RedisStore {
    fn put(&self, session: SessionKey, sealed: Vec<u8>, at: Moment) -> Result<(), StoreFault> {
        let record = Record { key: session_key(session), sealed, keep: keep(session.until, at) };
        let queued = self.records.try_send(Work::Write(record));
        queued.map_err(|_| StoreFault::new("recording a session", "too many operations are waiting"))
    }

    fn get(&self, session: SessionKey, at: Moment) -> StoreFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            if session.until <= at {
                return Ok(None);
            }
            let mut command = redis::cmd("GET");
            command.arg(session_key(session));
            self.link.command("reading a session", &command).await
        })
    }
}

impl ValueStore for RedisStore {
    fn keep(&self, value: ValueKey, sealed: Vec<u8>, until: Moment, at: Moment) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let held = [&until.unix_millis().to_be_bytes()[..], &sealed].concat();
            let mut command = redis::cmd("SET");
            command.arg(key(VALUES, &[&value])).arg(held).arg("PX").arg(keep(until, at));
            self.link.command("keeping a value", &command).await
        })
    }

    fn kept(&self, value: ValueKey, at: Moment) -> StoreFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let mut command = redis::cmd("GET");
            command.arg(key(VALUES, &[&value]));
            let held: Option<Vec<u8>> = self.link.command("reading a value", &command).await?;
            let held = held.as_deref().and_then(<[u8]>::split_first_chunk);
            let live = held.filter(|(until, _)| Moment::from_unix_millis(i64::from_be_bytes(**until)) > at);
            Ok(live.map(|(_, sealed)| sealed.to_vec()))
        })
    }

    fn forget(&self, value: ValueKey, _at: Moment) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut command = redis::cmd("DEL");
            command.arg(key(VALUES, &[&value]));
            self.link.command("forgetting a value", &command).await
        })
    }
}

impl Revocations for RedisStore {
    fn revoke(&self, revocation: Revocation, at: Moment) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let Revocation { id, issued_before, asserted_before, until } = revocation;
            let mut invocation = self.scripts.revoke.prepare_invoke();
            invocation.key(REVOKED).arg(&id[..]);
            for time in [issued_before, asserted_before, until] {
                invocation.arg(time.unix_millis());
            }
            invocation.arg(keep(until, at));
            let mut connection = self.link.connection();
            self.link.ask("revoking", invocation.invoke_async(&mut connection)).await
        })
    }

    fn revocations(&self, at: Moment) -> StoreFuture<'_, Vec<Revocation>> {
        Box::pin(async move {
            const DOING: &str = "reading revocations";
            let mut command = redis::cmd("HGETALL");
            command.arg(REVOKED);
            let mut connection = self.link.connection();
            let asking = command.query_async(&mut connection);
            let held: Vec<(Vec<u8>, Vec<u8>)> = self.link.ask_within(LOADING, DOING, asking).await?;
            let held: Option<Vec<_>> = held.iter().map(|(id, times)| news::read(id, times)).collect();
            // What can't be read may have been any: without it, nobody knows what is revoked.
            let damaged =
                || StoreFault::new(DOING, "an entry of rolegate:revoked is none: see who writes there");
            let (live, over): (Vec<_>, Vec<_>) =
                held.ok_or_else(damaged)?.into_iter().partition(|revocation| revocation.until > at);
            let gone: Vec<_> = over.iter().filter(|held| held.until.plus(SWEEP_MARGIN) <= at).collect();
            if !gone.is_empty() {
                let mut command = redis::cmd("HDEL");
                command.arg(REVOKED);
                for held in gone {
                    command.arg(&held.id[..]);
                }
                let () = self.link.command("forgetting revocations", &command).await?;
            }
            Ok(live)
        })
    }

    fn news(&self) -> Option<mpsc::Receiver<News>> {
        Some(news::follow(self.link.client()))
    }
}

impl Store for RedisStore {
    fn describe(&self) -> &'static str {
        "redis"
    }

    fn flushed(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let (tell, told) = oneshot::channel();
            let ended = || StoreFault::new("writing what is queued", "the writer has ended");
            self.records.send(Work::Tell(tell)).await.map_err(|_| ended())?;
            told.await.map_err(|_| ended())
        })
    }
}

fn key(kind: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    [kind, &parts.concat()].concat()
}

fn session_key(session: SessionKey) -> Vec<u8> {
    key(SESSIONS, &[&session.until.unix_millis().to_be_bytes(), &session.id])
}

/// How long Redis keeps what is over at `until`, in milliseconds from now.
fn keep(until: Moment, at: Moment) -> u64 {
    let left = until.since(at) + SWEEP_MARGIN;
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
}
