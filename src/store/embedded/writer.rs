//! The thread that owns the log: what it writes together, and what it writes anew to make room.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::log::{Frame, Log, Record};
use super::state::{Before, State};
use super::{Answer, BATCH, Job, Operation, lock};
use crate::store::dump::Entry;
use crate::store::{Claimed, SWEEP_MARGIN, StoreFault};

/// How long what nobody waits for is gathered before it is committed. A commit costs as much as dozens
/// of entries.
const GATHERING: Duration = Duration::from_millis(50);

/// The thread that writes.
pub(super) struct Writer {
    pub(super) log: Log,
    pub(super) state: Arc<Mutex<State>>,
    /// How many jobs are queued that somebody waits for.
    pub(super) urgent: Arc<AtomicUsize>,
    /// The size of the log above which it is tried to reclaim a segment: more, after that failed.
    pub(super) reclaims_above: u64,
}

impl Writer {
    /// Ends when the store is dropped and the queue is empty.
    pub(super) fn write_all(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            // Whoever was queued meanwhile may have woken us before there was anything to wake: hence the count.
            if self.urgent.load(Ordering::SeqCst) == 0 {
                // Woken early by who waits, and now and then by nobody, which costs a smaller commit.
                thread::park_timeout(GATHERING);
            }
            let batch: Vec<Job> = std::iter::once(first).chain(jobs.try_iter().take(BATCH - 1)).collect();
            let answered = batch.iter().filter(|job| job.answer.is_some()).count();
            self.urgent.fetch_sub(answered, Ordering::SeqCst);
            let (operations, latest) = (batch.len(), batch.iter().map(|job| job.at).max());
            let mut waiting = Vec::with_capacity(operations);
            let written = self.write(batch, &mut waiting);
            if let Err(fault) = &written {
                tracing::error!(fault = fault.to_string(), operations, "the store could not write");
            }
            for (tell, answer) in waiting {
                // Whoever gave up waiting needs no answer.
                let _ = tell.send(written.clone().map(|()| answer));
            }
            if let Some(latest) = latest {
                lock(&self.state).sweep(latest.minus(SWEEP_MARGIN), operations);
            }
            if let Err(error) = self.reclaim() {
                self.reclaims_above = self.log.size() + self.log.segment();
                tracing::error!(%error, "an old segment of the store could not be reclaimed");
            }
        }
    }

    /// Does everything in `batch`, or nothing. Who waits for it, and for what, is left in `waiting`.
    fn write(
        &mut self,
        batch: Vec<Job>,
        waiting: &mut Vec<(Answer, Option<Claimed>)>,
    ) -> Result<(), StoreFault> {
        let failed = |error: io::Error| StoreFault::new("writing", error);
        let mut changes = match self.log.frame() {
            Ok(frame) => Changes { frame, before: Vec::with_capacity(batch.len()), fault: None },
            Err(error) => {
                waiting.extend(batch.into_iter().filter_map(|job| Some((job.answer?, None))));
                return Err(failed(error));
            }
        };
        let mut state = lock(&self.state);
        for Job { operation, at, answer } in batch {
            let mut claimed = None;
            let record = match operation {
                Operation::Claim(claim) => {
                    let first = state.would_be(&claim, at);
                    claimed = Some(first);
                    (first == Claimed::First).then_some(Record::Holds(Entry::Claim(claim)))
                }
                Operation::Put(key, sealed) => Some(Record::Holds(Entry::Session(key, sealed))),
                Operation::Keep(key, sealed, until) => Some(Record::Holds(Entry::Value(key, sealed, until))),
                Operation::Forget(key) => Some(Record::Forgets(key)),
                Operation::Revoke(revocation) => {
                    Some(Record::Holds(Entry::Revocation(state.joined(revocation))))
                }
                Operation::Flush => None,
            };
            if let Some(record) = record {
                changes.hold(&mut state, record);
            }
            waiting.extend(answer.map(|answer| (answer, claimed)));
        }
        drop(state);
        self.commit(changes).map_err(failed)
    }

    /// Writes `changes`, or takes them back.
    fn commit(&mut self, changes: Changes) -> io::Result<()> {
        let Changes { frame, before, fault } = changes;
        let written = match fault {
            Some(error) => Err(error),
            None if frame.is_empty() => Ok(()),
            None => self.log.commit(frame),
        };
        written.inspect_err(|_| {
            let mut state = lock(&self.state);
            before.into_iter().rev().for_each(|was| state.take_back(was));
        })
    }

    /// Writes what still holds of the oldest segment anew and removes it, if less than half of the log holds.
    fn reclaim(&mut self) -> io::Result<()> {
        let live = lock(&self.state).live();
        let (size, segment) = (self.log.size(), self.log.segment());
        if size < 2 * (live + segment) || size < self.reclaims_above {
            return Ok(());
        }
        let Some(records) = self.log.oldest()? else { return Ok(()) };
        let mut changes = Changes { frame: self.log.frame()?, before: Vec::new(), fault: None };
        for (record, place) in records {
            let mut state = lock(&self.state);
            if state.still_holds(&record, place) {
                changes.hold(&mut state, record);
            }
        }
        self.commit(changes)?;
        self.log.remove_oldest()
    }
}

/// What is about to be written, and held already.
struct Changes {
    frame: Frame,
    /// What was held before, in this order.
    before: Vec<Before>,
    fault: Option<io::Error>,
}

impl Changes {
    fn hold(&mut self, state: &mut State, record: Record) {
        match self.frame.push(&record) {
            Ok(place) => self.before.push(state.apply(record, place)),
            Err(error) => self.fault = Some(error),
        }
    }
}
