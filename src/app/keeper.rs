//! The task that keeps SAML metadata and the keys of OpenID Connect providers fresh: one for all
//! providers, each in its own rhythm.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::Snapshot;
use crate::directory::{Provider, Verifier};
use crate::entropy::Entropy;
use crate::identity::oidc::OidcProvider;
use crate::identity::saml::{Refreshed, SamlProvider};
use crate::telemetry;

/// How long a start waits for the first answers. A provider that is slower, or dead, begins with
/// its last good copy, or with none; the fetch goes on.
const FIRST_ANSWERS: Duration = Duration::from_secs(5);

/// How many key sets are fetched at one time. A broker may have ten thousand issuers.
const KEY_FETCHES: usize = 16;

/// What the task needs.
pub(super) struct Keeper {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Keeper {
    /// Starts the task, and waits until every source of metadata was asked once, or long enough. Nobody
    /// waits for keys: the first token fetches them if they are not there yet.
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
        let fetches = Semaphore::new(KEY_FETCHES);
        let providers = self.snapshot.directory.providers().iter();
        let all = join_all(providers.map(|provider| self.keep(provider, asked.clone(), &fetches)));
        drop(asked);
        all.await;
    }

    async fn keep(&self, provider: &Provider, asked: mpsc::Sender<()>, fetches: &Semaphore) {
        match &provider.verifier {
            Verifier::Saml(saml) => self.keep_metadata(&saml.provider, asked).await,
            Verifier::Oidc(oidc) => {
                drop(asked);
                self.keep_keys(oidc, fetches).await;
            }
        }
    }

    /// Ends only where the keys are pinned.
    async fn keep_keys(&self, provider: &OidcProvider, fetches: &Semaphore) {
        let name = &provider.settings().name;
        loop {
            // The semaphore is never closed.
            let turn = fetches.acquire().await;
            match provider.refresh(self.clock.now()).await {
                None => return,
                Some(true) => telemetry::count_key_look(name, "renewed"),
                Some(false) => telemetry::count_key_look(name, "failed"),
            }
            drop(turn);
            let Some(wait) = provider.refresh_in(self.clock.now(), self.entropy.as_ref()) else { return };
            tokio::time::sleep(wait).await;
        }
    }

    /// Ends only where there is nothing to look at.
    async fn keep_metadata(&self, provider: &SamlProvider, asked: mpsc::Sender<()>) {
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
#[path = "keeper_tests.rs"]
mod tests;
