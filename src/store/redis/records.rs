//! Session records, which nobody waits for: many at once are written behind the requests. Beside each stands its id among
//! those of its holder.

use std::sync::Arc;

use base64_simd::URL_SAFE_NO_PAD;
use futures_util::future::try_join_all;
use redis::{Cmd, Pipeline, Script};
use tokio::sync::{mpsc, oneshot};

use super::link::Link;
use super::reach::Connection;
use super::{HOLDERS, SESSIONS, held_until, keep, until_of};
use crate::clock::Moment;
use crate::store::{HolderId, SWEEP_MARGIN, SessionKey, StoreFault};

/// Records that may wait to be written. More than this is an overload, and refused.
const QUEUE: usize = 8192;
/// Records that go at once.
const BATCH: usize = 256;

/// A record of so many takes what is over out of its holder's.
const SWEEP_EVERY: u8 = 8;

/// Keeps a record (`KEYS[1]`) and notes it among those of its holder (`KEYS[2]`). `ARGV` has the record, how long to keep it, when
/// it ends, what is noted, and, now and then, up to when others are over.
const PUT: &str = r"
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
if ARGV[5] ~= '' then redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[5]) end
return 1
";

/// See the module.
pub(super) struct Records {
    queue: mpsc::Sender<Work>,
}

/// What the writer does, in this order.
enum Work {
    Write(Put),
    /// Tells that all before it is written.
    Tell(oneshot::Sender<()>),
}

/// A record that is to be written.
struct Put {
    session: SessionKey,
    sealed: Vec<u8>,
    at: Moment,
}

impl Put {
    /// Does it by `script`, which is its text or its hash.
    fn by(&self, word: &str, script: &str) -> Cmd {
        let Self { session, sealed, at } = self;
        // Ids are hashes, so it is done once in so many times.
        let sweeps = session.id[0].is_multiple_of(SWEEP_EVERY);
        let over = sweeps.then(|| at.minus(SWEEP_MARGIN).unix_millis().to_string());
        let mut command = redis::cmd(word);
        command.arg(script).arg(2).arg(session_key(*session)).arg(holder_key(session.holder));
        command.arg(&sealed[..]).arg(keep(session.until, *at)).arg(session.until.unix_millis());
        command.arg(held_until(session.until, &session.id)).arg(over.unwrap_or_default());
        command
    }
}

impl Records {
    pub(super) fn over(link: Arc<Link>) -> Self {
        let (queue, queued) = mpsc::channel(QUEUE);
        drop(tokio::spawn(write_all(link, queued)));
        Self { queue }
    }

    /// Will keep `sealed` under `session`.
    pub(super) fn put(&self, session: SessionKey, sealed: Vec<u8>, at: Moment) -> Result<(), StoreFault> {
        let full = |_| StoreFault::new("recording a session", "too many operations are waiting");
        self.queue.try_send(Work::Write(Put { session, sealed, at })).map_err(full)
    }

    /// Returns when all that was queued is written.
    pub(super) async fn flushed(&self) -> Result<(), StoreFault> {
        let (tell, told) = oneshot::channel();
        let ended = || StoreFault::new("writing what is queued", "the writer has ended");
        self.queue.send(Work::Tell(tell)).await.map_err(|_| ended())?;
        told.await.map_err(|_| ended())
    }
}

/// Writes what is queued; ends with the store.
async fn write_all(link: Arc<Link>, mut queued: mpsc::Receiver<Work>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queued.recv_many(&mut batch, BATCH).await > 0 {
        let (mut puts, mut waiting) = (Vec::with_capacity(batch.len()), Vec::new());
        for work in batch.drain(..) {
            match work {
                Work::Write(put) => puts.push(put),
                Work::Tell(tell) => waiting.push(tell),
            }
        }
        let operations = puts.len();
        let written = if operations == 0 { Ok(()) } else { write(&link, &puts).await };
        if let Err(fault) = written {
            tracing::error!(fault = fault.to_string(), operations, "the store could not write");
        }
        for tell in waiting {
            let _ = tell.send(()); // Whoever does not wait any more needs no answer.
        }
    }
}

async fn write(link: &Link, puts: &[Put]) -> Result<(), StoreFault> {
    let script = Script::new(PUT);
    let asking = async |connection| match connection {
        Connection::Server(mut connection) => {
            let mut pipeline = Pipeline::with_capacity(puts.len() + 1);
            // So that the server knows what follows.
            pipeline.cmd("SCRIPT").arg("LOAD").arg(PUT).ignore();
            for put in puts {
                pipeline.add_command(put.by("EVALSHA", script.get_hash())).ignore();
            }
            pipeline.exec_async(&mut connection).await
        }
        // Each may be with another node.
        Connection::Cluster(connection) => {
            let each = puts.iter().map(|put| {
                let (mut connection, command) = (connection.clone(), put.by("EVAL", PUT));
                async move { command.exec_async(&mut connection).await }
            });
            try_join_all(each).await.map(drop)
        }
    };
    link.ask("recording sessions", asking).await
}

/// What is kept of `holder` at `at`: those that end last come first, and no more than `most`.
pub(super) async fn of_holder(
    link: &Link,
    holder: HolderId,
    most: usize,
    at: Moment,
) -> Result<Vec<(SessionKey, Vec<u8>)>, StoreFault> {
    const DOING: &str = "reading sessions";
    let mut command = redis::cmd("ZREVRANGEBYSCORE");
    command.arg(holder_key(holder)).arg("+inf").arg(format!("({}", at.unix_millis()));
    command.arg("LIMIT").arg(0).arg(most);
    let held: Vec<Vec<u8>> = link.command(DOING, &command).await?;
    let keys = held.iter().filter_map(|held| {
        let (until, id) = until_of(held)?;
        Some(SessionKey { holder, until, id: id.try_into().ok()? })
    });
    let records = keys.map(async |session| {
        let mut command = redis::cmd("GET");
        command.arg(session_key(session));
        let sealed: Option<Vec<u8>> = link.command(DOING, &command).await?;
        Ok(sealed.map(|sealed| (session, sealed)))
    });
    Ok(try_join_all(records).await?.into_iter().flatten().collect())
}

/// In a cluster, what is of one holder is with one node: the braces say what decides it.
fn session_key(session: SessionKey) -> Vec<u8> {
    let SessionKey { holder, until, id } = session;
    [SESSIONS, tag_of(holder).as_bytes(), &held_until(until, &id)].concat()
}

fn holder_key(holder: HolderId) -> Vec<u8> {
    [HOLDERS, tag_of(holder).as_bytes()].concat()
}

fn tag_of(holder: HolderId) -> String {
    format!("{{{}}}", URL_SAFE_NO_PAD.encode_to_string(holder))
}

/// The session whose record is under `key`.
pub(super) fn session_of(key: &[u8]) -> Option<SessionKey> {
    let (tag, rest) = key.strip_prefix(SESSIONS)?.strip_prefix(b"{")?.split_at_checked(22)?;
    let holder = URL_SAFE_NO_PAD.decode_to_vec(tag).ok()?.try_into().ok()?;
    let (until, id) = until_of(rest.strip_prefix(b"}")?)?;
    Some(SessionKey { holder, until, id: id.try_into().ok()? })
}
