//! The composition root: the only place that picks adapters.
//!
//! [`start`] turns a loaded configuration into a running broker; [`Running`] stops it, letting
//! requests under way finish.

mod keeper;
mod keys;

use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::task::JoinHandle;

use self::keeper::Keeper;
pub use self::keys::RingFile;
use self::keys::{follow, open_signing_keys};
use crate::broker::{Broker, Parts, RevocationSet};
use crate::clock::{Clock, SystemClock};
use crate::config::{Loaded, Process, StorePlace};
use crate::entropy::{Entropy, SystemEntropy};
use crate::http::{self, Surface};
use crate::issuer::local::LocalIssuer;
use crate::seal::KeyRing;
use crate::store::embedded::EmbeddedStore;
use crate::store::memory::MemoryStore;
use crate::store::redis::RedisStore;
use crate::store::{Store, StoreFault};
use crate::telemetry;

/// How long the workers may take to let go of the store.
const LETTING_GO: Duration = Duration::from_secs(5);
/// How often the metrics' buffers are emptied.
const UPKEEP: Duration = Duration::from_secs(5);

/// The two sockets, bound before anything else so that a taken port is known at once.
pub struct Listeners {
    /// STS, sign-in, console.
    pub public: TcpListener,
    /// Health and metrics.
    pub operations: TcpListener,
}

impl Listeners {
    /// Binds what the configuration names.
    pub fn bind(process: &Process) -> Result<Self, StartError> {
        let bind =
            |address| TcpListener::bind(address).map_err(|cause| StartError::Listen { address, cause });
        Ok(Self { public: bind(process.public)?, operations: bind(process.operations)? })
    }
}

/// Why the broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address can't be listened on.
    #[error("can't listen on {address}: {cause}. Stop what uses it, or choose another address in [listen]")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The store can't be opened.
    #[error("{0}; is another broker running on the same [store] path? Or does its Redis not answer?")]
    Store(#[from] StoreFault),
    /// The store may not keep what it is given.
    #[error("the store is not fit: {0}")]
    Unfit(String),
    /// The key ring can't be read or made.
    #[error("the key ring {path} can't be used: {problem}", path = .path.display())]
    Ring {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The signing keys can't be read or made.
    #[error("the signing keys {path} can't be used: {problem}", path = .path.display())]
    SigningKeys {
        /// Where they should be.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A listener could not be served.
    #[error("the HTTP server did not start: {0}")]
    Serve(#[from] io::Error),
}

/// A broker that serves.
pub struct Running {
    public: ServerHandle,
    operations: ServerHandle,
    tasks: Vec<JoinHandle<io::Result<()>>>,
    keepers: Vec<JoinHandle<()>>,
    store: Arc<dyn Store>,
}

impl Running {
    /// Stops listening, lets requests under way finish, then ends.
    pub async fn stop(self) {
        self.public.stop(true).await;
        self.operations.stop(true).await;
        self.keepers.iter().for_each(JoinHandle::abort);
        for task in self.tasks {
            if let Ok(Err(error)) = task.await {
                tracing::error!(%error, "a listener ended badly");
            }
        }
        close(self.store).await;
    }
}

/// Starts the broker on `listeners`.
pub async fn start(loaded: Loaded, listeners: Listeners) -> Result<Running, StartError> {
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let process = loaded.process;
    let ring_file = RingFile::at(process.ring);
    let keys = ring_file.open(clock.as_ref(), entropy.as_ref());
    let keys = keys.map_err(|problem| StartError::Ring { path: ring_file.path().to_owned(), problem })?;
    let ring = Arc::new(KeyRing::new(keys, clock.now()));
    let signing = Arc::new(open_signing_keys(&process.signing_keys)?);
    let store = open_store(&process.store, entropy.as_ref())?;
    let news = store.news();
    let issuer = Arc::new(LocalIssuer::new(Arc::clone(&ring), Arc::clone(&entropy)));
    let kept = Arc::clone(&store);
    telemetry::metrics();
    let longest_refresh = loaded.snapshot.directory.longest_refresh();
    match store.unfit().await {
        Ok(Some(reason)) => return Err(StartError::Unfit(reason)),
        Err(fault) if !process.starts_without_store => return Err(fault.into()),
        Ok(None) | Err(_) => {}
    }
    let revoked = match RevocationSet::load(store.as_ref(), longest_refresh, clock.now()).await {
        Err(fault) if process.starts_without_store => {
            tracing::error!(fault = fault.to_string(), "it is not known what was revoked; it will be loaded");
            RevocationSet::unknown(longest_refresh, fault.to_string(), clock.now())
        }
        loaded => loaded?,
    };
    let revoked = Arc::new(revoked);
    let keys = follow(&ring_file, Arc::clone(&ring), Arc::clone(&clock));
    let parts = Parts {
        issuer: issuer.clone(),
        secrets: issuer,
        store,
        revoked,
        ring,
        signing,
        entropy: Arc::clone(&entropy),
        unheard_for: process.unheard_for,
        clock: Arc::clone(&clock),
    };
    let broker = Arc::new(Broker::new(loaded.snapshot, parts));
    let others = news.map(|news| {
        let following = Arc::clone(&broker);
        tokio::spawn(async move { following.follow(news).await })
    });
    let comparing = Arc::clone(&broker);
    let comparing = tokio::spawn(async move { comparing.compare_with_others().await });
    let keeper = Keeper { snapshot: broker.snapshot(), clock: clock.clone(), entropy: entropy.clone() };
    let keeper = keeper.start().await;
    let (trusted_proxies, admin_token) = (process.trusted_proxies.into(), process.admin_token.map(Arc::new));
    let settings = Some(loaded.path.into());
    let surface = Surface { broker, clock, entropy, trusted_proxies, admin_token, settings };
    let tls = process.tls.map(|files| files.server);
    let public = http::serve_public(surface.clone(), listeners.public, tls)?;
    let operations = http::serve_operations(surface, listeners.operations)?;
    tokio::spawn(upkeep());
    Ok(Running {
        public: public.handle(),
        operations: operations.handle(),
        tasks: vec![tokio::spawn(public), tokio::spawn(operations)],
        keepers: [keeper, keys, comparing].into_iter().chain(others).collect(),
        store: kept,
    })
}

/// The store that the configuration names. Within a runtime.
pub fn open_store(place: &StorePlace, entropy: &dyn Entropy) -> Result<Arc<dyn Store>, StoreFault> {
    Ok(match place {
        StorePlace::Embedded(path) => Arc::new(EmbeddedStore::open(path)?),
        StorePlace::Redis(settings) => Arc::new(RedisStore::open(settings, entropy)?),
        StorePlace::Memory => Arc::new(MemoryStore::default()),
    })
}

/// Closes the store once the workers, which end a moment after their listener, have let go of it.
async fn close(store: Arc<dyn Store>) {
    let alone = async {
        while Arc::strong_count(&store) > 1 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    if tokio::time::timeout(LETTING_GO, alone).await.is_err() {
        tracing::warn!("the store is still in use; it is checked at the next start");
    }
    if !matches!(tokio::time::timeout(LETTING_GO, store.flushed()).await, Ok(Ok(()))) {
        tracing::warn!("the last session records may not be written");
    }
}

/// Keeps the metrics from piling up while nobody reads them.
async fn upkeep() {
    let mut every = tokio::time::interval(UPKEEP);
    while let Some(metrics) = telemetry::metrics() {
        every.tick().await;
        metrics.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config;

    #[actix_web::test]
    async fn stopping_lets_go_of_everything() {
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("rolegate.toml");
        fs::write(&settings, "public_url = \"http://127.0.0.1:8080\"\n[store]\npath = \"store\"\n").unwrap();
        let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
        let (public, operations) = (bind(), bind());
        let ready = format!("http://{}/readyz", operations.local_addr().unwrap());
        let loaded = config::load(&settings, SystemClock.now()).unwrap_or_else(|faults| panic!("{faults}"));
        let running = start(loaded, Listeners { public, operations }).await.unwrap();
        assert_eq!(reqwest::get(&ready).await.unwrap().status(), 200);
        assert!(EmbeddedStore::open(&folder.path().join("store")).is_err(), "the store is in use");
        running.stop().await;
        assert!(EmbeddedStore::open(&folder.path().join("store")).is_ok(), "the store is free again");
    }
}
