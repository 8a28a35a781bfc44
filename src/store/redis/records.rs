//! Session records, which nobody waits for: many at once are written behind the requests. Beside each stands its id among
//! those of its holder.

use std::sync::Arc;

use futures_util::future::try_join_all;
use redis::Cmd;
use tokio::sync::{mpsc, oneshot};

use super::link::Link;
use super::{HOLDERS, SESSIONS, held_until, keep, key, set, until_of};
use crate::clock::Moment;
use crate::store::{HolderId, SWEEP_MARGIN, SessionKey, StoreFault};

/// Records that may wait to be written. More than this is an overload, and refused.
const QUEUE: usize = 8192;
/// Records that go at once.
const BATCH: usize = 256;

/// See the module.
pub(super) struct Records {
    queue: mpsc::Sender<Work>,
}

/// What the writer does, in this order.
enum Work {
    Write([Cmd; 5]),
    /// Tells that all before it is written.
    Tell(oneshot::Sender<()>),
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
        let (until, lasts) = (session.until, keep(session.until, at));
        let holder = key(HOLDERS, &[&session.holder]);
        let of_holder = |word: &str| {
            let mut command = redis::cmd(word);
            command.arg(&holder);
            command
        };
        let (mut add, mut sweep) = (of_holder("ZADD"), of_holder("ZREMRANGEBYSCORE"));
        add.arg(until.unix_millis()).arg(held_until(until, &session.id));
        sweep.arg("-inf").arg(at.minus(SWEEP_MARGIN).unix_millis());
        let (mut first, mut longer) = (of_holder("PEXPIRE"), of_holder("PEXPIRE"));
        first.arg(lasts).arg("NX");
        longer.arg(lasts).arg("GT");
        let commands = [set(session_key(session), sealed, lasts), add, sweep, first, longer];
        self.queue.try_send(Work::Write(commands)).map_err(full)
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
        let (mut commands, mut waiting) = (Vec::with_capacity(batch.len() * 5), Vec::new());
        for work in batch.drain(..) {
            match work {
                Work::Write(record) => commands.extend(record),
                Work::Tell(tell) => waiting.push(tell),
            }
        }
        let operations = commands.len();
        let written = if operations == 0 { Ok(()) } else { link.all("recording sessions", commands).await };
        if let Err(fault) = written {
            tracing::error!(fault = fault.to_string(), operations, "the store could not write");
        }
        for tell in waiting {
            let _ = tell.send(()); // Whoever does not wait any more needs no answer.
        }
    }
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
    command.arg(key(HOLDERS, &[&holder])).arg("+inf").arg(format!("({}", at.unix_millis()));
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

fn session_key(session: SessionKey) -> Vec<u8> {
    let SessionKey { holder, until, id } = session;
    key(SESSIONS, &[&holder, &held_until(until, &id)])
}
