//! The task that keeps SAML metadata fresh: one for all providers, each in its own rhythm.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::Snapshot;
use crate::directory::Verifier;
use crate::entropy::Entropy;
use crate::identity::saml::{Refreshed, SamlProvider};
use crate::telemetry;

/// How long a start waits for the first answers. A provider that is slower, or dead, begins with
/// its last good copy, or with none; the fetch goes on.
const FIRST_ANSWERS: Duration = Duration::from_secs(5);

/// What the task needs.
pub(super) struct Keeper {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Keeper {
    /// Starts the task, and waits until every source was asked once, or long enough.
    pub(super) async fn start(self) -> JoinHandle<()> {
        let (asked, mut all_asked) = mpsc::channel::<()>(1);
        let task = tokio::spawn(self.run(asked));
        // Nothing is ever sent: the channel closes with the last that was to be asked.
        if tokio::time::timeout(FIRST_ANSWERS, all_asked.recv()).await.is_err() {
            tracing::warn!("some identity providers have not sent their metadata yet; starting without");
        }
        task
    }

    async fn run(self, asked: mpsc::Sender<()>) {
        let providers = self.snapshot.directory.providers().iter();
        let sources = providers.filter_map(|provider| match &provider.verifier {
            Verifier::Saml(saml) => Some(self.keep(&saml.provider, asked.clone())),
            Verifier::Oidc(_) => None,
        });
        let all = join_all(sources);
        drop(asked);
        all.await;
    }

    /// Ends only where there is nothing to look at.
    async fn keep(&self, provider: &SamlProvider, asked: mpsc::Sender<()>) {
        let name = &provider.settings().name;
        let mut first = Some(asked);
        loop {
            match provider.refresh(self.clock.now()).await {
                Refreshed::Unchanged => telemetry::count_metadata_look(name, "unchanged"),
                Refreshed::Failed => telemetry::count_metadata_look(name, "failed"),
                Refreshed::Renewed { gone } => {
                    telemetry::count_metadata_look(name, "renewed");
                    gone.iter().for_each(|fingerprint| telemetry::forget_certificate(name, fingerprint));
                }
            }
            drop(first.take());
            let Some(wait) = provider.refresh_in(self.clock.now(), self.entropy.as_ref()) else { return };
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
#[path = "metadata_tests.rs"]
mod tests;
