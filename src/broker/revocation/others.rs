//! What other nodes revoke, heard by this one.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::broker::Broker;
use crate::store::{News, Revocation, StoreFault};

/// How soon what was missed is asked for again.
const AGAIN: Duration = Duration::from_millis(500);

impl Broker {
    /// Holds to what other nodes tell, until nothing is told any more.
    pub async fn follow(&self, mut news: mpsc::Receiver<News>) {
        while let Some(news) = news.recv().await {
            match news {
                News::Revoked(revocation) => self.hold(&[revocation]),
                News::Gap => self.catch_up().await,
                News::Lost(reason) => {
                    let seen = self.parts.revoked.others();
                    self.parts.revoked.lost(reason.clone(), self.parts.clock.now());
                    if !matches!(seen, Some(super::Others::Lost { .. })) {
                        tracing::error!(reason, "revocations of other nodes are not heard");
                    }
                }
            }
        }
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
                Err(fault) => self.parts.revoked.lost(fault.to_string(), self.parts.clock.now()),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn load_all(&self) -> Result<usize, StoreFault> {
        let all = self.parts.store.revocations(self.parts.clock.now()).await?;
        self.hold(&all);
        Ok(all.len())
    }

    fn hold(&self, revocations: &[Revocation]) {
        self.parts.revoked.hold(revocations, self.parts.clock.now());
    }
}
