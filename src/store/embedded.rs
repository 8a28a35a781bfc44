//! The default store: one durable file, for one process.
//!
//! One writer thread owns the file. It takes what has queued up, writes it in one transaction
//! and answers only after the commit is on disk, so what was acknowledged survives a crash of
//! process or machine, and many concurrent requests share one disk flush. Expired entries are
//! swept along with the writes. When the disk fails, the file is opened anew with the next write:
//! a full disk that was emptied needs no restart.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{
    Claim, Claimed, ReplayCache, SWEEP_MARGIN, SessionKey, SessionStore, Store, StoreFault, StoreFuture,
    claim_key, conflicts,
};
use crate::clock::Moment;

/// Claim key to the millisecond at which the claim ends.
const CLAIMS: TableDefinition<'_, [u8; 64], i64> = TableDefinition::new("claims");
/// Session key to end and sealed record.
const SESSIONS: TableDefinition<'_, [u8; 32], (i64, &[u8])> = TableDefinition::new("sessions");
/// What ends when; a session's key is padded with zeros.
const ENDINGS: TableDefinition<'_, (i64, u8, [u8; 64]), ()> = TableDefinition::new("endings");
const CLAIM: u8 = 0;
const SESSION: u8 = 1;

/// Operations that may wait for the writer. More than this is an overload, and refused.
const QUEUE: usize = 8192;
/// Operations that share one commit at most, so that nobody waits long.
const BATCH: usize = 512;
/// How long a request waits for its commit. What is written later counts all the same.
const PATIENCE: Duration = Duration::from_secs(2);
/// Expired entries that one commit sweeps at most.
const SWEEP: usize = 1024;

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
    Put(SessionKey, Vec<u8>, Moment),
    Remove(SessionKey),
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
        let job = Job { operation, at, answer };
        self.open_file(doing)?.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreFault::new(doing, "too many operations are waiting"),
            TrySendError::Disconnected(_) => StoreFault::new(doing, "the writer has ended"),
        })
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
}

impl Drop for EmbeddedStore {
    /// Writes what is queued and closes the file, so that the next start finds it clean.
    fn drop(&mut self) {
        if let Some(Open { queue, file, writer }) = self.open.take() {
            drop((queue, file));
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
    fn put(&self, key: SessionKey, sealed: Vec<u8>, until: Moment, at: Moment) -> Result<(), StoreFault> {
        self.enqueue("recording a session", Operation::Put(key, sealed, until), at, None)
    }

    fn get(&self, key: SessionKey, at: Moment) -> StoreFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let database = self.open_file("reading a session")?.file.database.load_full();
            let database = database.ok_or_else(|| StoreFault::new("reading a session", "the disk failed"))?;
            let read = tokio::task::spawn_blocking(move || read_session(&database, key, at)).await;
            read.map_err(|error| StoreFault::new("reading a session", error))?
                .map_err(|error| StoreFault::new("reading a session", error))
        })
    }

    fn remove(&self, key: SessionKey, at: Moment) -> StoreFuture<'_, ()> {
        Box::pin(
            async move { self.write("forgetting a session", Operation::Remove(key), at).await.map(|_| ()) },
        )
    }
}

impl Store for EmbeddedStore {
    fn describe(&self) -> &'static str {
        "embedded"
    }
}

fn private_folder(folder: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Opens or makes the file, which its owner alone can read.
fn open_database(path: &Path) -> Result<Database, redb::Error> {
    let database = Database::create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    let transaction = database.begin_write()?;
    transaction.open_table(CLAIMS)?;
    transaction.open_table(SESSIONS)?;
    transaction.open_table(ENDINGS)?;
    transaction.commit()?;
    Ok(database)
}

fn read_session(database: &Database, key: SessionKey, at: Moment) -> Result<Option<Vec<u8>>, redb::Error> {
    let sessions = database.begin_read()?.open_table(SESSIONS)?;
    let found = sessions.get(&key)?;
    Ok(found.and_then(|entry| {
        let (until, sealed) = entry.value();
        (until > at.unix_millis()).then(|| sealed.to_vec())
    }))
}

/// The writer: ends when the store is dropped and the queue is empty.
fn write_all(file: &StoreFile, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
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

fn write_batch(database: &Database, batch: &[Job]) -> Result<Vec<Option<Claimed>>, redb::Error> {
    let transaction = database.begin_write()?;
    let mut answers = Vec::with_capacity(batch.len());
    for job in batch {
        answers.push(match &job.operation {
            Operation::Claim(claim) => Some(claim_in(&transaction, claim, job.at)?),
            Operation::Put(key, sealed, until) => {
                put_in(&transaction, *key, sealed, *until)?;
                None
            }
            Operation::Remove(key) => {
                transaction.open_table(SESSIONS)?.remove(key)?;
                None
            }
        });
    }
    if let Some(latest) = batch.iter().map(|job| job.at).max() {
        sweep(&transaction, latest.minus(SWEEP_MARGIN))?;
    }
    transaction.commit()?;
    Ok(answers)
}

fn claim_in(transaction: &WriteTransaction, claim: &Claim, at: Moment) -> Result<Claimed, redb::Error> {
    let mut claims = transaction.open_table(CLAIMS)?;
    for keys in conflicts(claim) {
        for entry in claims.range(keys)? {
            if entry?.1.value() > at.unix_millis() {
                return Ok(Claimed::AlreadyUsed);
            }
        }
    }
    let key = claim_key(claim.id, claim.scope);
    claims.insert(&key, claim.until.unix_millis())?;
    transaction.open_table(ENDINGS)?.insert((claim.until.unix_millis(), CLAIM, key), ())?;
    Ok(Claimed::First)
}

fn put_in(
    transaction: &WriteTransaction,
    key: SessionKey,
    sealed: &[u8],
    until: Moment,
) -> Result<(), redb::Error> {
    let until = until.unix_millis();
    transaction.open_table(SESSIONS)?.insert(&key, (until, sealed))?;
    let mut padded = [0; 64];
    padded[..32].copy_from_slice(&key);
    transaction.open_table(ENDINGS)?.insert((until, SESSION, padded), ())?;
    Ok(())
}

/// Removes what has ended. An entry that was written again with a later end stays: its later
/// ending stands in the table as well.
fn sweep(transaction: &WriteTransaction, at: Moment) -> Result<(), redb::Error> {
    let mut endings = transaction.open_table(ENDINGS)?;
    let due: Vec<(i64, u8, [u8; 64])> = endings
        .range(..(at.unix_millis(), CLAIM, [0; 64]))?
        .take(SWEEP)
        .map(|entry| entry.map(|(key, _)| key.value()))
        .collect::<Result<_, _>>()?;
    if due.is_empty() {
        return Ok(());
    }
    let mut claims = transaction.open_table(CLAIMS)?;
    let mut sessions = transaction.open_table(SESSIONS)?;
    for (until, kind, key) in due {
        endings.remove((until, kind, key))?;
        if kind == CLAIM {
            let ended = claims.get(&key)?.is_some_and(|entry| entry.value() == until);
            if ended {
                claims.remove(&key)?;
            }
        } else {
            let mut session = [0; 32];
            session.copy_from_slice(&key[..32]);
            let ended = sessions.get(&session)?.is_some_and(|entry| entry.value().0 == until);
            if ended {
                sessions.remove(&session)?;
            }
        }
    }
    Ok(())
}
