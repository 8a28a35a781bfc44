//! The store of a fleet: a Redis that all nodes share, which is one server, one behind Sentinels, or a cluster.
//!
//! | key | type | what | lives |
//! |---|---|---|---|
//! | `rolegate:c:` and 32 bytes | hash | a claim: for the whole (an empty field) or each part (its hash), until when and whose | until its last end |
//! | `rolegate:s:`, whose it is in braces, 24 bytes | string | a session record, by when it ends and its id | until it ends |
//! | `rolegate:h:`, who it is in braces | sorted set | when each of somebody's session records ends, and its id, in this order | until the last ends |
//! | `rolegate:v:` and 32 bytes | string | until when, and a value | until it ends |
//! | `rolegate:revoked` | hash | by its id, what a revocation ends and until when | as long as its longest |
//! | `rolegate:nodes` | hash | by its id, until when a node can be believed, and what it says | as long as the last |
//!
//! Everything lives ten minutes longer (`SWEEP_MARGIN`). Times are those of the nodes, in milliseconds: what is over is
//! decided by whoever asks, and Redis's own clock decides nothing but when memory is freed. Whatever is done at once is done
//! with one key, or with two of one holder, so that a cluster can do it as well.
//! `rolegate:revoked` is a channel, too, on which a node tells the others (`news`).
//!
//! No request waits longer for Redis than the settings say (`link`). After a few failures in a row none waits at all for a
//! moment, and then one asks again (`breaker`).
//!
//! Redis replicates behind its own back: what it acknowledged a moment before it died may be unknown to the replica that
//! takes over, claims included, unless replicas are waited for (`replicated`).

mod breaker;
mod claims;
mod inventory;
mod link;
mod news;
mod reach;
mod records;
mod replicated;
mod sentinel;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Script, Value};
use tokio::sync::mpsc;

use self::claims::Claims;
use self::link::Link;
use self::records::Records;
pub use self::settings::{RedisAccount, RedisSettings, RedisTls, Servers};
use super::dump::Entry;
use super::{
    Claim, Claimed, HolderId, Inventory, News, NodeNote, Nodes, ReplayCache, Revocation, Revocations,
    SWEEP_MARGIN, SessionKey, SessionStore, Store, StoreFault, StoreFuture, ValueKey, ValueStore,
};
use crate::clock::Moment;
use crate::entropy::{self, Entropy};

/// How long what is asked at the start may take. No request waits for it.
const LOADING: Duration = Duration::from_secs(10);

const CLAIMS: &[u8] = b"rolegate:c:";
const SESSIONS: &[u8] = b"rolegate:s:";
const HOLDERS: &[u8] = b"rolegate:h:";
const VALUES: &[u8] = b"rolegate:v:";
const REVOKED: &[u8] = b"rolegate:revoked";
const NODES: &[u8] = b"rolegate:nodes";

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
    claims: Claims,
    records: Records,
    revoke: Script,
}

impl RedisStore {
    /// A store that connects when it is asked first, and again whenever it must. Within a runtime.
    pub fn open(settings: &RedisSettings, entropy: &dyn Entropy) -> Result<Self, StoreFault> {
        let failed = |error: &dyn ToString| StoreFault::new("reading its settings", error.to_string());
        let node = entropy::bytes::<8>(entropy).map_err(|error| failed(&error))?;
        let node = format!("{:016x}", u64::from_be_bytes(node));
        let link = Arc::new(Link::new(settings).map_err(|error| failed(&error))?);
        let claims = Claims::new(settings, &link, node).map_err(|error| failed(&error))?;
        let records = Records::over(Arc::clone(&link));
        Ok(Self { link, claims, records, revoke: Script::new(REVOKE) })
    }
}

impl ReplayCache for RedisStore {
    fn claim(&self, claim: Claim, at: Moment) -> StoreFuture<'_, Claimed> {
        Box::pin(self.claims.claim(claim, at))
    }
}

impl SessionStore for RedisStore {
    fn put(&self, session: SessionKey, sealed: Vec<u8>, at: Moment) -> Result<(), StoreFault> {
        self.records.put(session, sealed, at)
    }

    fn of_holder(
        &self,
        holder: HolderId,
        most: usize,
        at: Moment,
    ) -> StoreFuture<'_, Vec<(SessionKey, Vec<u8>)>> {
        Box::pin(records::of_holder(&self.link, holder, most, at))
    }
}

impl ValueStore for RedisStore {
    fn keep(&self, value: ValueKey, sealed: Vec<u8>, until: Moment, at: Moment) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let held = held_until(until, &sealed);
            let command = set(key(VALUES, &[&value]), held, keep(until, at));
            self.link.command("keeping a value", &command).await
        })
    }

    fn kept(&self, value: ValueKey, at: Moment) -> StoreFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let mut command = redis::cmd("GET");
            command.arg(key(VALUES, &[&value]));
            let held: Option<Vec<u8>> = self.link.command("reading a value", &command).await?;
            let live = held.as_deref().and_then(until_of).filter(|(until, _)| *until > at);
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
            let mut invocation = self.revoke.prepare_invoke();
            invocation.key(REVOKED).arg(&id[..]);
            for time in [issued_before, asserted_before, until] {
                invocation.arg(time.unix_millis());
            }
            invocation.arg(keep(until, at));
            let asking = async |mut connection| invocation.invoke_async(&mut connection).await;
            self.link.ask("revoking", asking).await
        })
    }

    fn revocations(&self, at: Moment) -> StoreFuture<'_, Vec<Revocation>> {
        Box::pin(async move {
            const DOING: &str = "reading revocations";
            let mut command = redis::cmd("HGETALL");
            command.arg(REVOKED);
            let asking = async |mut connection| command.query_async(&mut connection).await;
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
        Some(news::follow(Arc::clone(&self.link)))
    }
}

impl Nodes for RedisStore {
    fn exchange(&self, note: NodeNote, at: Moment) -> StoreFuture<'_, Option<Vec<NodeNote>>> {
        Box::pin(async move {
            const DOING: &str = "reading what other nodes say";
            let held = held_until(note.until, &note.sealed);
            let mut pipeline = redis::pipe();
            pipeline.cmd("HSET").arg(NODES).arg(&note.node[..]).arg(held).ignore();
            pipeline.cmd("PEXPIRE").arg(NODES).arg(keep(note.until, at)).ignore();
            pipeline.cmd("HGETALL").arg(NODES);
            let asking = async |mut connection| pipeline.query_async(&mut connection).await;
            let (said,): (Vec<(Vec<u8>, Vec<u8>)>,) = self.link.ask(DOING, asking).await?;
            let said = said.into_iter().filter_map(|(node, held)| {
                let (until, sealed) = until_of(&held)?;
                Some(NodeNote { node: node.try_into().ok()?, sealed: sealed.to_vec(), until })
            });
            let (live, over): (Vec<_>, Vec<_>) = said.partition(|said| said.until > at);
            if !over.is_empty() {
                let mut command = redis::cmd("HDEL");
                command.arg(NODES).arg(over.iter().map(|said| &said.node[..]).collect::<Vec<_>>());
                let () = self.link.command(DOING, &command).await?;
            }
            Ok(Some(live.into_iter().filter(|said| said.node != note.node).collect()))
        })
    }
}

impl Inventory for RedisStore {
    fn list(&self, at: Moment, tell: mpsc::Sender<Vec<Entry>>) -> StoreFuture<'_, ()> {
        Box::pin(inventory::list(&self.link, at, tell))
    }
}

impl Store for RedisStore {
    fn describe(&self) -> &'static str {
        "redis"
    }

    /// A Redis that throws away what it was told to keep would let what was used be used again.
    fn unfit(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(async move {
            const DOING: &str = "asking for its memory policy";
            let mut command = redis::cmd("INFO");
            command.arg("memory");
            let asking = async |mut connection| command.query_async(&mut connection).await;
            let said = texts(self.link.ask_within(LOADING, DOING, asking).await?);
            let value = |text: &str, key: &str| {
                text.lines().find_map(|line| line.strip_prefix(key).map(|value| value.trim().to_owned()))
            };
            for text in said {
                let (most, policy) = (value(&text, "maxmemory:"), value(&text, "maxmemory_policy:"));
                if let (Some(most), Some(policy)) = (most, policy)
                    && most != "0"
                    && policy != "noeviction"
                {
                    let help = "set it to noeviction: what is thrown away could be used again";
                    return Ok(Some(format!("Redis's maxmemory-policy is {policy}; {help}")));
                }
            }
            Ok(None)
        })
    }

    fn flushed(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.records.flushed())
    }
}

/// What one server says, or each of a cluster.
fn texts(answer: Value) -> Vec<String> {
    match answer {
        Value::BulkString(text) => vec![String::from_utf8_lossy(&text).into_owned()],
        Value::VerbatimString { text, .. } => vec![text],
        Value::Map(each) => each.into_iter().flat_map(|(_, answer)| texts(answer)).collect(),
        Value::Array(each) => each.into_iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn key(kind: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    [kind, &parts.concat()].concat()
}

fn set(key: Vec<u8>, held: Vec<u8>, keep: u64) -> Cmd {
    let mut command = redis::cmd("SET");
    command.arg(key).arg(held).arg("PX").arg(keep);
    command
}

fn held_until(until: Moment, sealed: &[u8]) -> Vec<u8> {
    [&until.unix_millis().to_be_bytes()[..], sealed].concat()
}

fn until_of(held: &[u8]) -> Option<(Moment, &[u8])> {
    let (until, sealed) = held.split_first_chunk()?;
    Some((Moment::from_unix_millis(i64::from_be_bytes(*until)), sealed))
}

/// How long Redis keeps what is over at `until`, in milliseconds from now.
fn keep(until: Moment, at: Moment) -> u64 {
    let left = until.since(at) + SWEEP_MARGIN;
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
}
