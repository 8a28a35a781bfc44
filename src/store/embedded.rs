//! The default store: one durable file, for one process.
//!
//! One writer thread owns the file. It takes what has queued up, writes it in one transaction
//! and answers only after the commit is on disk, so what was acknowledged survives a crash of
//! process or machine, and many concurrent requests share one disk flush. Expired entries are
//! swept along with the writes. When the disk fails, the file is opened anew with the next write:
//! a full disk that was emptied needs no restart.

mod tables;

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redb::Database;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use self::tables::{list_all, open_database, read_revocations, read_session, read_value, write_batch};
use super::dump::Entry;
use super::{
    Claim, Claimed, Inventory, Nodes, ReplayCache, Revocation, Revocations, SessionKey, SessionStore, Store,
    StoreFault, StoreFuture, ValueKey, ValueStore,
};
use crate::clock::Moment;

/// Operations that may wait for the writer. More than this is an overload, and refused.
const QUEUE: usize = 8192;
/// Operations that share one commit at most, so that nobody waits long.
const BATCH: usize = 2048;
/// How long what nobody waits for is gathered before it is committed. A commit costs as much as dozens
/// of entries.
const GATHERING: Duration = Duration::from_millis(50);
/// How long a request waits for its commit. What is written later counts all the same.
const PATIENCE: Duration = Duration::from_secs(2);
/// See the module.
#[derive(Debug)]
pub struct EmbeddedStore {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    queue: SyncSender<Job>,
    file: Arc<StoreFile>,
    writer: JoinHandle<()>,
}

/// The database, unless the last write failed.
#[derive(Debug)]
struct StoreFile {
    path: PathBuf,
    database: ArcSwapOption<Database>,
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
        let failed = |error: &dyn ToString| StoreFault::new("opening its file", error.to_string());
        private_folder(folder).map_err(|error| failed(&error))?;
        let path = folder.join("store.redb");
        let database = open_database(&path).map_err(|error| failed(&error))?;
        let file = Arc::new(StoreFile { path, database: ArcSwapOption::from_pointee(database) });
        let (queue, jobs) = sync_channel(QUEUE);
        let written = Arc::clone(&file);
        let writer = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_all(&written, &jobs))
            .map_err(|error| failed(&error))?;
        Ok(Self { open: Some(Open { queue, file, writer }) })
    }

    fn open_file(&self, doing: &'static str) -> Result<&Open, StoreFault> {
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
        let open = self.open_file(doing)?;
        open.queue.try_send(Job { operation, at, answer }).map_err(|error| match error {
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

    /// Lets `read` look at the last commit, off the event loop.
    async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        read: impl FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let database = self.open_file(doing)?.file.database.load_full();
        let database = database.ok_or_else(|| StoreFault::new(doing, "the disk failed"))?;
        tokio::task::spawn_blocking(move || read(&database))
            .await
            .map_err(|error| StoreFault::new(doing, error))?
            .map_err(|error| StoreFault::new(doing, error))
    }
}

impl Drop for EmbeddedStore {
    /// Writes what is queued and closes the file, so that the next start finds it clean.
    fn drop(&mut self) {
        if let Some(Open { queue, file, writer }) = self.open.take() {
            drop((queue, file));
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

    fn get(&self, key: SessionKey, at: Moment) -> StoreFuture<'_, Option<Vec<u8>>> {
        Box::pin(self.read("reading a session", move |database| read_session(database, key, at)))
    }
}

impl ValueStore for EmbeddedStore {
    fn keep(&self, key: ValueKey, sealed: Vec<u8>, until: Moment, at: Moment) -> StoreFuture<'_, ()> {
        let operation = Operation::Keep(key, sealed, until);
        Box::pin(async move { self.write("keeping a value", operation, at).await.map(|_| ()) })
    }

    fn kept(&self, key: ValueKey, at: Moment) -> StoreFuture<'_, Option<Vec<u8>>> {
        Box::pin(self.read("reading a value", move |database| read_value(database, key, at)))
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
        Box::pin(self.read("reading revocations", move |database| read_revocations(database, at)))
    }
}

impl Nodes for EmbeddedStore {}

impl Inventory for EmbeddedStore {
    /// As of one moment, while others go on reading and writing.
    fn list(&self, at: Moment, tell: mpsc::Sender<Vec<Entry>>) -> StoreFuture<'_, ()> {
        Box::pin(self.read("listing all", move |database| {
            list_all(database, at, |entries| tell.blocking_send(entries).is_ok())
        }))
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

fn private_folder(folder: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The writer: ends when the store is dropped and the queue is empty.
fn write_all(file: &StoreFile, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        if first.answer.is_none() {
            // Woken early by who waits, and now and then by nobody, which costs a smaller commit.
            thread::park_timeout(GATHERING);
        }
        let batch: Vec<Job> = std::iter::once(first).chain(jobs.try_iter().take(BATCH - 1)).collect();
        let mut answers = file.write(&batch).map(Vec::into_iter);
        if let Err(fault) = &answers {
            tracing::error!(fault = fault.to_string(), operations = batch.len(), "the store could not write");
        }
        for job in batch {
            let answer = match &mut answers {
                Ok(answers) => Ok(answers.next().flatten()),
                Err(fault) => Err(fault.clone()),
            };
            if let Some(waiting) = job.answer {
                let _ = waiting.send(answer); // Whoever gave up waiting needs no answer.
            }
        }
    }
}

impl StoreFile {
    fn write(&self, batch: &[Job]) -> Result<Vec<Option<Claimed>>, StoreFault> {
        let failed = |error: redb::Error| StoreFault::new("writing", error);
        let database = match self.database.load_full() {
            Some(database) => database,
            None => {
                let database = Arc::new(open_database(&self.path).map_err(failed)?);
                self.database.store(Some(Arc::clone(&database)));
                database
            }
        };
        write_batch(&database, batch).map_err(|error| {
            self.database.store(None);
            failed(error)
        })
    }
}
