//! Which server the Sentinels call the master.
//!
//! They are asked every second, and at once when something failed. As long as none of them answers, the last
//! master stays it: it may well be one.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::sentinel::SentinelClient;
use redis::{Client, ErrorKind, RedisError, RedisResult};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::reach::managed;

/// How often they are asked.
const EVERY: Duration = Duration::from_secs(1);
/// How often at most.
const PAUSE: Duration = Duration::from_millis(100);
/// How long they may take to answer, and the master to confirm it.
const PATIENCE: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Master {
    found: watch::Receiver<Option<Found>>,
    doubted: Arc<Notify>,
}

/// Where the master is.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) client: Client,
    pub(super) connection: ConnectionManager,
}

impl Master {
    /// Follows it until it is dropped. Within a runtime.
    pub(super) fn follow(sentinels: SentinelClient) -> Self {
        let (tell, found) = watch::channel(None);
        let doubted = Arc::new(Notify::new());
        drop(tokio::spawn(follow(sentinels, tell, Arc::clone(&doubted))));
        Self { found, doubted }
    }

    /// The master; before any was found, waits for it.
    pub(super) async fn current(&self) -> RedisResult<Found> {
        let mut found = self.found.clone();
        let found = found.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
        found.ok_or_else(|| RedisError::from((ErrorKind::Client, "the Sentinels are not asked any more")))
    }

    pub(super) fn doubt(&self) {
        self.doubted.notify_one();
    }

    /// Returns when it is another.
    pub(super) async fn moved(&self) {
        let mut found = self.found.clone();
        // Nobody follows any more: then it is nobody.
        if found.wait_for(Option::is_some).await.is_ok() {
            let _ = found.changed().await;
        }
    }
}

async fn follow(mut sentinels: SentinelClient, tell: watch::Sender<Option<Found>>, doubted: Arc<Notify>) {
    let mut trouble = None;
    while !tell.is_closed() {
        let problem = match timeout(PATIENCE, sentinels.async_get_client()).await {
            Ok(Ok(client)) => found(&tell, client).err().map(|error| error.to_string()),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        if let Some(problem) = &problem
            && trouble.is_none()
        {
            tracing::warn!(problem, "the Sentinels name no master that says it is one; the last one stays");
        }
        trouble = problem;
        sleep(PAUSE).await;
        tokio::select! {
            () = sleep(EVERY) => {}
            () = doubted.notified() => {}
            () = tell.closed() => {}
        }
    }
}

fn found(tell: &watch::Sender<Option<Found>>, client: Client) -> RedisResult<()> {
    let address = client.get_connection_info().addr();
    let is_known =
        tell.borrow().as_ref().is_some_and(|known| known.client.get_connection_info().addr() == address);
    if !is_known {
        tracing::info!(%address, "the Sentinels call this the master");
        let connection = managed(&client)?;
        tell.send_replace(Some(Found { client, connection }));
    }
    Ok(())
}
