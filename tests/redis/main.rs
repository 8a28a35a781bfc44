//! The store's contract on real Redis servers, started for each test: one, one behind Sentinels, a cluster, and one that
//! wants TLS on both sides and a user with few rights. And how the store bears that they freeze, die, fail over and come back.
//!
//! `cargo test --test redis`; the plain `cargo test` leaves it out, because it needs `redis-server` (Debian's package).

mod cluster;
#[path = "../../src/store/contract.rs"]
mod contract;
mod failover;
mod server;
mod standalone;
mod tls;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use rolegate::clock::Moment;
use rolegate::store::redis::RedisStore;
use rolegate::store::{Claim, Claimed, News, ReplayCache as _, Revocation, Scope, Store};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use self::cluster::Cluster;
use self::failover::Watched;
use self::server::Server;
use self::tls::Guarded;

const NOW: Moment = Moment::from_unix(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);
/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the stores wait for an answer.
const TIMEOUT: Duration = Duration::from_millis(500);

fn stores() -> Vec<(Arc<dyn Store>, Box<dyn Any>)> {
    let (server, watched) = (Server::start(), Watched::start(0, 1));
    let (cluster, guarded) = (Cluster::start(), Guarded::start());
    vec![
        (Arc::new(server.store()), Box::new(server)),
        (Arc::new(watched.store(0)), Box::new(watched)),
        (Arc::new(cluster.store()), Box::new(cluster)),
        (Arc::new(guarded.store()), Box::new(guarded)),
    ]
}

fn claim(id: u8) -> Claim {
    Claim { id: [id; 32], scope: Scope::Whole, until: NOW.plus(HOUR) }
}

/// The claim of one of many documents.
fn numbered(number: u32) -> Claim {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Claim { id, ..claim(0) }
}

fn revocation(id: u8) -> Revocation {
    Revocation { id: [id; 16], issued_before: NOW, asserted_before: NOW, until: NOW.plus(HOUR) }
}

async fn heard(news: &mut Receiver<News>) -> News {
    timeout(PATIENCE, news.recv()).await.unwrap().unwrap()
}

/// What becomes of a claim once the store works.
async fn claimed(node: &RedisStore, claim: Claim) -> Claimed {
    let asking = async {
        loop {
            if let Ok(claimed) = node.claim(claim, NOW).await {
                return claimed;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asking).await.unwrap()
}
