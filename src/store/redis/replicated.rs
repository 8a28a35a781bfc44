//! Claims that count only when replicas have them.
//!
//! Redis answers before its replicas know. Who wants to be sure asks by `WAIT` afterwards, on the same connection, which
//! nothing else passes meanwhile: so claims have one of their own, and as many as have queued up share one `WAIT`.

use std::sync::Arc;
use std::time::Duration;

use redis::Pipeline;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::claims::{ClaimAsk, claimed, take_back};
use super::link::Link;
use crate::store::{Claimed, StoreFault};

/// Claims that may wait to be sent. More than this is an overload, and refused.
const QUEUE: usize = 8192;
/// Claims that share one `WAIT`.
const BATCH: usize = 256;
const DOING: &str = "claiming";

/// See the module.
pub(super) struct Replicated {
    queue: mpsc::Sender<Waiting>,
    patience: Duration,
}

struct Waiting {
    ask: ClaimAsk,
    tell: oneshot::Sender<Result<Claimed, StoreFault>>,
}

impl Replicated {
    /// Claims by `link`, which is for nothing else, until `replicas` have them.
    pub(super) fn over(link: Arc<Link>, replicas: u16) -> Self {
        let (queue, queued) = mpsc::channel(QUEUE);
        let patience = link.patience();
        drop(tokio::spawn(claim_all(link, replicas, queued)));
        Self { queue, patience }
    }

    /// Claims, within the time that a request has.
    pub(super) async fn claim(&self, ask: ClaimAsk) -> Result<Claimed, StoreFault> {
        let (tell, told) = oneshot::channel();
        let full = |_| StoreFault::new(DOING, "too many operations are waiting");
        self.queue.try_send(Waiting { ask, tell }).map_err(full)?;
        let late = || StoreFault::new(DOING, format!("no answer within {} ms", self.patience.as_millis()));
        let told = timeout(self.patience, told).await.map_err(|_| late())?;
        told.map_err(|_| StoreFault::new(DOING, "nobody claims any more"))?
    }
}

/// Claims what is queued; ends with the store.
async fn claim_all(link: Arc<Link>, replicas: u16, mut queued: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queued.recv_many(&mut batch, BATCH).await > 0 {
        // Whoever gave up waiting wants nothing any more.
        batch.retain(|waiting| !waiting.tell.is_closed());
        if batch.is_empty() {
            continue;
        }
        if let Err(fault) = link.may_ask(DOING) {
            batch.drain(..).for_each(|waiting| drop(waiting.tell.send(Err(fault.clone()))));
            continue;
        }
        let outcome = claim_batch(&link, replicas, &batch).await;
        for (index, Waiting { ask, tell }) in batch.drain(..).enumerate() {
            let claimed = outcome.as_ref().map(|claimed| claimed[index]).map_err(StoreFault::clone);
            // What is not known to have been taken by somebody else may have been taken by this.
            let is_open = !matches!(claimed, Ok(Claimed::AlreadyUsed));
            let failed = claimed.is_err();
            let is_heard = tell.send(claimed).is_ok();
            if is_open && (failed || !is_heard) {
                drop(tokio::spawn(take_back(Arc::clone(&link), ask)));
            }
        }
    }
}

/// What becomes of each, in order.
async fn claim_batch(link: &Link, replicas: u16, batch: &[Waiting]) -> Result<Vec<Claimed>, StoreFault> {
    let mut pipeline = Pipeline::with_capacity(batch.len() + 1);
    for waiting in batch {
        pipeline.add_command(waiting.ask.whole());
    }
    // So that Redis's answer comes before nobody waits for it any more.
    let patience = link.patience() / 2;
    pipeline.cmd("WAIT").arg(replicas).arg(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX));
    let answers: Vec<u16> =
        link.asked(DOING, async |mut connection| pipeline.query_async(&mut connection).await).await?;
    let (have, taken) = answers.split_last().ok_or_else(|| StoreFault::new(DOING, "no answer"))?;
    if *have < replicas {
        let cause = format!("{have} replicas have it; `replicas` wants {replicas}");
        return Err(StoreFault::new(DOING, cause));
    }
    Ok(taken.iter().map(|taken| claimed(*taken)).collect())
}
