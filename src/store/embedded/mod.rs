//! The default store: a log on disk and what it comes to in memory, for one process.
//!
//! One writer thread owns the log. It takes what has queued up, writes it in one frame
//! and answers only after that is on disk, so what was acknowledged survives a crash of
//! process or machine, and many concurrent requests share one disk flush. Whether a claim is the first, and what a value is, is
//! known in memory; session records stay on the disk. What is over is swept along with the writes, and when less than half of
//! the log says what is held, the oldest segment's part of it is written anew and the segment removed. When the disk fails,
//! what was not written is taken back, and the next write tries another segment: a full disk that was emptied needs no restart.

mod log;
mod state;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use self::log::{Log, Record, read_record};
use self::state::State;
use self::writer::Writer;
use super::dump::Entry;
use super::{
    Claim, Claimed, HolderId, Inventory, Nodes, ReplayCache, Revocation, Revocations, SessionKey,
    SessionStore, Store, StoreFault, StoreFuture, ValueKey, ValueStore,
};
use crate::clock::Moment;

/// Operations that may wait for the writer. More than this is an overload, and refused.
const QUEUE: usize = 8192;
/// Operations that share one commit at most, so that nobody waits long.
const BATCH: usize = 2048;
/// How long a request waits for its commit. What is written later counts all the same.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of a segment, after which the next is begun.
const SEGMENT: u64 = 16 * 1024 * 1024;
/// Entries that are handed out at a time.
const LISTED: usize = 512;
/// The file that says whose the folder is.
const LOCK: &str = "lock";
/// What earlier builds kept everything in.
const EARLIER: &str = "store.redb";

/// See the module.
#[derive(Debug)]
pub struct EmbeddedStore {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    queue: SyncSender<Job>,
    urgent: Arc<AtomicUsize>,
    folder: PathBuf,
    state: Arc<Mutex<State>>,
    writer: JoinHandle<()>,
    /// Held as long as the folder is ours.
    _lock: File,
}

struct Job {
    operation: Operation,
    at: Moment,
    /// `None`: nobody waits.
    answer: Option<Answer>,
}

type Answer = oneshot::Sender<Result<Option<Claimed>, StoreFault>>;

enum Operation {
    Claim(Claim),
    Put(SessionKey, Vec<u8>),
    Keep(ValueKey, Vec<u8>, Moment),
    Forget(ValueKey),
    Revoke(Revocation),
    /// Nothing, behind all that is queued.
    Flush,
}

impl EmbeddedStore {
    /// Opens the store in `folder`, and makes it if it is not there. The folder is readable by
    /// its owner only. A second process that opens the same folder is refused.
    pub fn open(folder: &Path) -> Result<Self, StoreFault> {
        Self::with_segments(folder, SEGMENT)
    }

    /// As [`EmbeddedStore::open`], with segments of so many bytes.
    fn with_segments(folder: &Path, segment: u64) -> Result<Self, StoreFault> {
        let failed = |error: io::Error| StoreFault::new("opening its folder", error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let lock = File::create(folder.join(LOCK)).map_err(failed)?;
        let taken = |_| StoreFault::new("opening its folder", "another process has it");
        lock.try_lock().map_err(taken)?;
        if folder.join(EARLIER).exists() {
            let cause = format!(
                "{EARLIER} there is of an earlier build, and can't be read: remove it once all that it gave is over"
            );
            return Err(StoreFault::new("opening its folder", cause));
        }
        let mut state = State::default();
        let log =
            Log::open(folder, segment, |record, place| drop(state.apply(record, place))).map_err(failed)?;
        let state = Arc::new(Mutex::new(state));
        let (queue, jobs) = sync_channel(QUEUE);
        let urgent = Arc::new(AtomicUsize::new(0));
        let writer =
            Writer { log, state: Arc::clone(&state), urgent: Arc::clone(&urgent), reclaims_above: 0 };
        let writer = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.write_all(&jobs))
            .map_err(failed)?;
        let folder = folder.to_owned();
        Ok(Self { open: Some(Open { queue, urgent, folder, state, writer, _lock: lock }) })
    }

    fn opened(&self, doing: &'static str) -> Result<&Open, StoreFault> {
        self.open.as_ref().ok_or_else(|| StoreFault::new(doing, "it is closed"))
    }

    fn enqueue(
        &self,
        doing: &'static str,
        operation: Operation,
        at: Moment,
        answer: Option<Answer>,
    ) -> Result<(), StoreFault> {
        let is_urgent = answer.is_some();
        let open = self.opened(doing)?;
        // Before it is sent: the writer may have it at once.
        open.urgent.fetch_add(usize::from(is_urgent), Ordering::SeqCst);
        let sent = open.queue.try_send(Job { operation, at, answer });
        if sent.is_err() {
            open.urgent.fetch_sub(usize::from(is_urgent), Ordering::SeqCst);
        }
        sent.map_err(|error| match error {
            TrySendError::Full(_) => StoreFault::new(doing, "too many operations are waiting"),
            TrySendError::Disconnected(_) => StoreFault::new(doing, "the writer has ended"),
        })?;
        if is_urgent {
            open.writer.thread().unpark();
        }
        Ok(())
    }

    async fn write(
        &self,
        doing: &'static str,
        operation: Operation,
        at: Moment,
    ) -> Result<Option<Claimed>, StoreFault> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(doing, operation, at, Some(answer))?;
        timeout(PATIENCE, answered)
            .await
            .map_err(|_| StoreFault::new(doing, "the disk did not answer in time"))?
            .map_err(|_| StoreFault::new(doing, "the writer has ended"))?
    }

    fn state(&self, doing: &'static str) -> Result<MutexGuard<'_, State>, StoreFault> {
        Ok(lock(&self.opened(doing)?.state))
    }

    /// The session records of these keys, as far as they are there.
    async fn records(&self, keys: Vec<SessionKey>, at: Moment) -> Result<Vec<Entry>, StoreFault> {
        const DOING: &str = "reading a session";
        let opened = self.opened(DOING)?;
        let (folder, state) = (opened.folder.clone(), Arc::clone(&opened.state));
        let reading = move || {
            let mut entries = Vec::with_capacity(keys.len());
            for key in keys {
                // Where it stands changes when segments do: then it is looked for once more.
                for _ in 0..2 {
                    let place = lock(&state).session(key, at);
                    let Some(place) = place else { break };
                    if let Some(Record::Holds(entry)) = read_record(&folder, place)? {
                        entries.push(entry);
                        break;
                    }
                }
            }
            Ok(entries)
        };
        let failed = |error: &dyn ToString| StoreFault::new(DOING, error.to_string());
        let read: io::Result<_> =
            tokio::task::spawn_blocking(reading).await.map_err(|error| failed(&error))?;
        read.map_err(|error| failed(&error))
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for EmbeddedStore {
    /// Writes what is queued and closes the file, so that the next start finds it clean.
    fn drop(&mut self) {
        if let Some(Open { queue, writer, _lock, .. }) = self.open.take() {
            drop(queue);
            writer.thread().unpark();
            if writer.join().is_err() {
                tracing::error!("the store's writer ended by a panic");
            }
        }
    }
}

impl ReplayCache for EmbeddedStore {
    fn claim(&self, claim: Claim, at: Moment) -> StoreFuture<'_, Claimed> {
        Box::pin(async move {
            let answer = self.write("claiming", Operation::Claim(claim), at).await?;
            answer.ok_or_else(|| StoreFault::new("claiming", "no answer"))
        })
    }
}

impl SessionStore for EmbeddedStore {
    fn put(&self, key: SessionKey, sealed: Vec<u8>, at: Moment) -> Result<(), StoreFault> {
        self.enqueue("recording a session", Operation::Put(key, sealed), at, None)
    }

    fn of_holder(
        &self,
        holder: HolderId,
        most: usize,
        at: Moment,
    ) -> StoreFuture<'_, Vec<(SessionKey, Vec<u8>)>> {
        Box::pin(async move {
            let keys = self.state("reading a session")?.sessions_of(holder, most, at);
            let records = self.records(keys, at).await?;
            let session = |entry| match entry {
                Entry::Session(key, sealed) => Some((key, sealed)),
                _ => None,
            };
            Ok(records.into_iter().filter_map(session).collect())
        })
    }
}

impl ValueStore for EmbeddedStore {
    fn keep(&self, key: ValueKey, sealed: Vec<u8>, until: Moment, at: Moment) -> StoreFuture<'_, ()> {
        let operation = Operation::Keep(key, sealed, until);
        Box::pin(async move { self.write("keeping a value", operation, at).await.map(|_| ()) })
    }

    fn kept(&self, key: ValueKey, at: Moment) -> StoreFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.state("reading a value")?.value(&key, at)) })
    }

    fn forget(&self, key: ValueKey, at: Moment) -> StoreFuture<'_, ()> {
        Box::pin(
            async move { self.write("forgetting a value", Operation::Forget(key), at).await.map(|_| ()) },
        )
    }
}

impl Revocations for EmbeddedStore {
    fn revoke(&self, revocation: Revocation, at: Moment) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.write("revoking", Operation::Revoke(revocation), at).await.map(|_| ()) })
    }

    fn revocations(&self, at: Moment) -> StoreFuture<'_, Vec<Revocation>> {
        Box::pin(async move { Ok(self.state("reading revocations")?.revocations(at)) })
    }
}

impl Nodes for EmbeddedStore {}

impl Inventory for EmbeddedStore {
    fn list(&self, at: Moment, tell: mpsc::Sender<Vec<Entry>>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            const DOING: &str = "listing all";
            let revocations = self.state(DOING)?.revocations(at);
            let mut goes_on =
                tell.send(revocations.into_iter().map(Entry::Revocation).collect()).await.is_ok();
            let mut after = None;
            while goes_on {
                let part = self.state(DOING)?.claims_after(after, LISTED, at);
                goes_on = tell.send(part.entries).await.is_ok() && part.up_to.is_some();
                after = part.up_to;
            }
            let (mut after, mut goes_on) = (None, !tell.is_closed());
            while goes_on {
                let part = self.state(DOING)?.values_after(after, LISTED, at);
                goes_on = tell.send(part.entries).await.is_ok() && part.up_to.is_some();
                after = part.up_to;
            }
            let (mut after, mut goes_on) = (None, !tell.is_closed());
            while goes_on {
                let part = self.state(DOING)?.sessions_after(after, LISTED, at);
                let records = self.records(part.entries, at).await?;
                goes_on = tell.send(records).await.is_ok() && part.up_to.is_some();
                after = part.up_to;
            }
            Ok(())
        })
    }
}

impl Store for EmbeddedStore {
    fn describe(&self) -> &'static str {
        "embedded"
    }

    fn flushed(&self) -> StoreFuture<'_, ()> {
        let flush = self.write("writing what is queued", Operation::Flush, Moment::from_unix(0));
        Box::pin(async move { flush.await.map(|_| ()) })
    }
}
