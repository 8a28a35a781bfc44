//! Session records, which nobody waits for: many at once are written behind the requests.

use std::sync::Arc;

use redis::Cmd;
use tokio::sync::{mpsc, oneshot};

use super::link::Link;
use crate::store::StoreFault;

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
    Write(Cmd),
    /// Tells that all before it is written.
    Tell(oneshot::Sender<()>),
}

impl Records {
    pub(super) fn over(link: Arc<Link>) -> Self {
        let (queue, queued) = mpsc::channel(QUEUE);
        drop(tokio::spawn(write_all(link, queued)));
        Self { queue }
    }

    /// Will do `command`, which writes a record.
    pub(super) fn write(&self, command: Cmd) -> Result<(), StoreFault> {
        let full = |_| StoreFault::new("recording a session", "too many operations are waiting");
        self.queue.try_send(Work::Write(command)).map_err(full)
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
        let (mut commands, mut waiting) = (Vec::with_capacity(batch.len()), Vec::new());
        for work in batch.drain(..) {
            match work {
                Work::Write(command) => commands.push(command),
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
