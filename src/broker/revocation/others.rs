//! What other nodes revoke, heard by this one.

use std::time::Duration;

use tokio::sync::mpsc;

use super::Others;
use crate::broker::{Broker, RequestContext};
use crate::store::{News, Revocation, StoreFault};

/// How soon what was missed is asked for again.
const AGAIN: Duration = Duration::from_millis(500);

impl RequestContext<'_> {
    /// Fails where nothing is to be believed any more because other nodes may have revoked it.
    pub(in crate::broker) fn knows_revocations(&self) -> Result<(), StoreFault> {
        let Some(longest) = self.parts.unheard_for else { return Ok(()) };
        match self.parts.revoked.others() {
            Some(Others::Lost { since, reason }) if self.at.since(since) >= longest => {
                Err(StoreFault::new("hearing what other nodes revoke", reason))
            }
            _ => Ok(()),
        }
    }
}

impl Broker {
    /// Holds to what other nodes tell, until nothing is told any more.
    pub async fn follow(&self, mut news: mpsc::Receiver<News>) {
        while let Some(news) = news.recv().await {
            match news {
                News::Revoked(revocation) => self.hold(&[revocation]),
                News::Gap => self.catch_up().await,
                News::Lost(reason) => self.lose(reason),
            }
        }
    }

    /// Tells it once, however often it is tried.
    fn lose(&self, reason: String) {
        if !matches!(self.parts.revoked.others(), Some(Others::Lost { .. })) {
            tracing::error!(reason, "revocations of other nodes are not heard");
        }
        self.parts.revoked.lost(reason, self.parts.clock.now());
    }

    /// Loads what was revoked while nobody listened; the store may need some tries.
    async fn catch_up(&self) {
        loop {
            match self.load_all().await {
                Ok(count) => {
                    self.parts.revoked.heard();
                    tracing::info!(count, "revocations of other nodes are heard");
                    return;
                }
                Err(fault) => self.lose(fault.to_string()),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn load_all(&self) -> Result<usize, StoreFault> {
        // It may be another server by now.
        if let Some(reason) = self.parts.store.unfit().await? {
            return Err(StoreFault::new("making sure that it keeps what it is given", reason));
        }
        let all = self.parts.store.revocations(self.parts.clock.now()).await?;
        self.hold(&all);
        Ok(all.len())
    }

    fn hold(&self, revocations: &[Revocation]) {
        self.parts.revoked.hold(revocations, self.parts.clock.now());
    }
}
