//! A master with replicas, and Sentinels that choose another when it dies.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rolegate::store::redis::{RedisAccount, RedisSettings, RedisStore, Servers};
use rolegate::store::{Claimed, News, ReplayCache as _, Revocations as _};

use super::server::{Sentinel, Server, eventually, free_ports, open, settings};
use super::{NOW, TIMEOUT, claim, claimed, heard, numbered, revocation};

/// A master, its replicas, and who watches them.
pub(super) struct Watched {
    servers: Vec<Server>,
    ports: [u16; 3],
    sentinels: Vec<Sentinel>,
}

impl Watched {
    pub(super) fn start(replicas: usize, sentinels: u8) -> Self {
        let ports: [u16; 3] = free_ports();
        let master = ports[0].to_string();
        let mut servers = vec![Server::on(ports[0], &["--repl-diskless-sync-delay", "0"])];
        for port in &ports[1..=replicas] {
            servers.push(Server::on(*port, &["--replicaof", "127.0.0.1", &master]));
        }
        let attached = format!("connected_slaves:{replicas}");
        let is_online = |server: &Server| {
            let info = server.cli(&["INFO", "replication"]);
            info.contains(&attached) && info.matches("state=online").count() == replicas
        };
        eventually("the replicas follow", || is_online(&servers[0]));
        let quorum = sentinels / 2 + 1;
        let sentinels: Vec<_> = (0..sentinels).map(|_| Sentinel::of(ports[0], quorum)).collect();
        let others = format!("num-slaves\n{replicas}\n");
        let peers = format!("num-other-sentinels\n{}\n", sentinels.len() - 1);
        eventually("the sentinels know them all", || {
            sentinels.iter().all(|sentinel| {
                let said = sentinel.cli(&["SENTINEL", "MASTER", Sentinel::MASTER]);
                said.contains(&others) && said.contains(&peers)
            })
        });
        Self { servers, ports, sentinels }
    }

    /// A node's store, for whose claims so many replicas must vouch.
    pub(super) fn store(&self, replicas: u16) -> RedisStore {
        let urls = self.sentinels.iter().map(Sentinel::url).collect();
        let (master, account) = (Sentinel::MASTER.to_owned(), RedisAccount::default());
        open(&RedisSettings { replicas, ..settings(Servers::Sentinel { urls, master, account }) })
    }

    /// Where the Sentinels say that the master is.
    fn master(&self) -> usize {
        let said = self.sentinels[0].cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Sentinel::MASTER]);
        let port: u16 = said.lines().nth(1).unwrap().parse().unwrap();
        self.ports.iter().position(|one| *one == port).unwrap()
    }
}

/// Two nodes claim each of many documents again and again while the master dies, is frozen, and is another. With replicas
/// that vouch, none is accepted twice, nobody waits too long, and what was refused in between can be sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_accepted_twice_while_masters_change() {
    let mut watched = Watched::start(2, 3);
    let nodes = [Arc::new(watched.store(1)), Arc::new(watched.store(1))];
    let mut news = nodes[0].news().unwrap();
    assert_eq!(heard(&mut news).await, News::Gap);
    let goes_on = Arc::new(AtomicBool::new(true));
    let racers: Vec<_> = (0..16_u32)
        .map(|racer| {
            let (node, goes_on) = (Arc::clone(&nodes[racer as usize % 2]), Arc::clone(&goes_on));
            tokio::spawn(async move {
                let (mut accepted, mut refused, mut longest) = (Vec::new(), 0_u32, Duration::ZERO);
                let mut number = 0;
                while goes_on.load(Ordering::Relaxed) {
                    // Each document is sent by several racers, and again after a while.
                    number = (number + 1) % 4000;
                    let began = Instant::now();
                    let answer = node.claim(numbered(number), NOW).await;
                    longest = longest.max(began.elapsed());
                    match answer {
                        Ok(Claimed::First) => accepted.push(number),
                        Ok(Claimed::AlreadyUsed) => {}
                        Err(_) => {
                            refused += 1;
                            tokio::task::yield_now().await;
                        }
                    }
                }
                (accepted, refused, longest)
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    watched.servers[0].kill();
    let moved = || eventually("another is the master", || watched.master() != 0);
    tokio::task::block_in_place(moved);
    goes_on_working(&nodes, 5000).await;
    let second = watched.master();
    watched.servers[second].signal("-STOP");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    watched.servers[second].signal("-CONT");
    watched.servers[0].again();
    goes_on_working(&nodes, 5001).await;
    goes_on.store(false, Ordering::Relaxed);
    let (mut times, mut refusals, mut longest) = (HashMap::new(), 0, Duration::ZERO);
    for racer in racers {
        let (accepted, refused, its_longest) = racer.await.unwrap();
        accepted.into_iter().for_each(|number| *times.entry(number).or_insert(0) += 1);
        (refusals, longest) = (refusals + refused, longest.max(its_longest));
    }
    let twice = times.values().filter(|count| **count > 1).count();
    println!("accepted {}, twice {twice}, refused {refusals}, longest {longest:?}", times.len());
    assert_eq!(twice, 0);
    assert!(refusals > 0, "the outage was not noticed");
    assert!(longest < TIMEOUT + Duration::from_millis(500), "{longest:?}");
    for number in times.into_keys() {
        assert_eq!(claimed(&nodes[1], numbered(number)).await, Claimed::AlreadyUsed);
    }
    while nodes[1].revoke(revocation(1), NOW).await.is_err() {
        tokio::task::yield_now().await;
    }
    loop {
        match heard(&mut news).await {
            News::Revoked(heard) => break assert_eq!(heard, revocation(1)),
            News::Gap | News::Lost(_) => {}
        }
    }
}

/// Returns when every node claims again.
async fn goes_on_working(nodes: &[Arc<RedisStore>], number: u32) {
    for node in nodes {
        claimed(node, numbered(number)).await;
    }
}

/// What Redis can't promise by itself, and what it can when replicas are waited for.
#[tokio::test]
async fn a_master_that_is_cut_off_forgets_what_no_replica_has() {
    let watched = Watched::start(1, 1);
    let [master, replica] =
        [watched.ports[0], watched.ports[1]].map(|port| format!("redis://127.0.0.1:{port}"));
    let at = |url: &str, replicas| {
        open(&RedisSettings { replicas, ..settings(Servers::Standalone(url.to_owned())) })
    };
    assert_eq!(claimed(&at(&master, 1), claim(1)).await, Claimed::First);
    watched.servers[1].cli(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(at(&replica, 0).claim(claim(1), NOW).await.unwrap(), Claimed::AlreadyUsed);

    assert_eq!(at(&master, 0).claim(claim(2), NOW).await.unwrap(), Claimed::First);
    assert_eq!(at(&replica, 0).claim(claim(2), NOW).await.unwrap(), Claimed::First, "accepted twice");

    let careful = at(&master, 1);
    let refused = careful.claim(claim(3), NOW).await.unwrap_err().to_string();
    assert_eq!(refused, "the store failed while claiming: 0 replicas have it; `replicas` wants 1");
    assert_eq!(at(&replica, 0).claim(claim(3), NOW).await.unwrap(), Claimed::First, "accepted once");
}

/// What is refused because a replica is missing is not used up.
#[tokio::test]
async fn a_claim_that_no_replica_has_is_taken_back() {
    let watched = Watched::start(1, 1);
    let store = watched.store(1);
    assert_eq!(claimed(&store, claim(1)).await, Claimed::First);
    watched.servers[1].signal("-STOP");
    let refused = store.claim(claim(2), NOW).await.unwrap_err().to_string();
    assert_eq!(refused, "the store failed while claiming: 0 replicas have it; `replicas` wants 1");
    watched.servers[1].signal("-CONT");
    assert_eq!(claimed(&store, claim(2)).await, Claimed::First);
    assert_eq!(claimed(&store, claim(2)).await, Claimed::AlreadyUsed);
    assert_eq!(claimed(&store, claim(1)).await, Claimed::AlreadyUsed);
}
