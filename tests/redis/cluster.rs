//! A cluster: each key is with one of its nodes.

use rolegate::store::redis::{RedisStore, Servers};
use rolegate::store::{
    Claimed, News, ReplayCache as _, Revocations as _, SessionKey, SessionStore as _, Store as _,
};

use super::contract::record;
use super::server::{Server, eventually, free_ports, open, settings};
use super::{HOUR, NOW, claimed, heard, numbered, revocation};

/// Three nodes, with a third of the keys each.
pub(super) struct Cluster {
    nodes: Vec<Server>,
    urls: Vec<String>,
}

impl Cluster {
    pub(super) fn start() -> Self {
        let (ports, buses): ([u16; 3], [u16; 3]) = {
            let [one, two, three, four, five, six] = free_ports();
            ([one, two, three], [four, five, six])
        };
        let nodes: Vec<_> = ports.into_iter().zip(buses).map(|(port, bus)| node(port, bus)).collect();
        let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
        for (node, (first, last)) in nodes.iter().zip(slots) {
            assert_eq!(node.cli(&["CLUSTER", "ADDSLOTSRANGE", first, last]), "OK\n");
        }
        for (port, bus) in ports.into_iter().zip(buses).skip(1) {
            let (port, bus) = (port.to_string(), bus.to_string());
            assert_eq!(nodes[0].cli(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]), "OK\n");
        }
        eventually("the nodes know each other", || {
            let is_whole = |node: &Server| {
                let info = node.cli(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            };
            nodes.iter().all(is_whole)
        });
        let urls = ports.iter().map(|port| format!("redis://127.0.0.1:{port}")).collect();
        Self { nodes, urls }
    }

    /// Gives the last node a replica that follows it.
    fn add_replica(&mut self) {
        let [port, bus] = free_ports();
        let replica = node(port, bus);
        let (port, bus) = (port.to_string(), bus.to_string());
        assert_eq!(self.nodes[2].cli(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]), "OK\n");
        let master = self.nodes[2].cli(&["CLUSTER", "MYID"]).trim().to_owned();
        let follows = || replica.cli(&["CLUSTER", "REPLICATE", &master]) == "OK\n";
        eventually("the replica knows its master", follows);
        let is_online = || self.nodes[2].cli(&["INFO", "replication"]).contains("state=online");
        eventually("the replica follows", is_online);
        let is_known = |node: &Server| node.cli(&["CLUSTER", "NODES"]).matches(" slave ").count() == 1;
        eventually("all know the replica", || self.nodes.iter().all(is_known));
        self.nodes.push(replica);
    }

    /// A node's store, which knows the first of the servers only.
    pub(super) fn store(&self) -> RedisStore {
        open(&settings(Servers::Cluster(self.urls[..1].to_vec())))
    }
}

fn node(port: u16, bus: u16) -> Server {
    let bus = bus.to_string();
    let more = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "2000"];
    Server::on(port, &more)
}

#[tokio::test]
async fn each_key_is_with_one_node_and_all_hear_of_revocations() {
    let cluster = Cluster::start();
    let (one, two) = (cluster.store(), cluster.store());
    let mut news = two.news().unwrap();
    assert_eq!(heard(&mut news).await, News::Gap);
    assert_eq!(one.unfit().await.unwrap(), None);
    for number in 0..200 {
        let (store, other) = if number % 2 == 0 { (&one, &two) } else { (&two, &one) };
        assert_eq!(store.claim(numbered(number), NOW).await.unwrap(), Claimed::First);
        assert_eq!(other.claim(numbered(number), NOW).await.unwrap(), Claimed::AlreadyUsed);
    }
    let key = |id: u8| SessionKey { holder: [id; 16], until: NOW.plus(HOUR), id: [id; 16] };
    (0..=255).for_each(|id| one.put(key(id), vec![id], NOW).unwrap());
    one.flushed().await.unwrap();
    for id in 0..=255 {
        assert_eq!(record(&two, key(id), NOW).await, Some(vec![id]));
    }
    for node in &cluster.nodes {
        let held: u32 = node.cli(&["DBSIZE"]).trim().parse().unwrap();
        assert!((140..=340).contains(&held), "{held} of 712");
    }
    one.revoke(revocation(1), NOW).await.unwrap();
    assert_eq!(heard(&mut news).await, News::Revoked(revocation(1)));
}

/// What is there goes on; what is with the node that died is refused, and comes back with it.
#[tokio::test]
async fn a_node_that_dies_takes_nothing_else_along() {
    let mut cluster = Cluster::start();
    for node in &cluster.nodes {
        node.cli(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]);
    }
    let store = cluster.store();
    for number in 0..60 {
        assert_eq!(store.claim(numbered(number), NOW).await.unwrap(), Claimed::First);
    }
    cluster.nodes[2].kill();
    let (mut used, mut refused) = (0, 0);
    for number in 0..60 {
        match store.claim(numbered(number), NOW).await {
            Ok(claimed) => {
                assert_eq!(claimed, Claimed::AlreadyUsed);
                used += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0 && used + refused == 60, "{used} and {refused}");
}

#[tokio::test]
async fn a_replica_takes_over() {
    let mut cluster = Cluster::start();
    cluster.add_replica();
    let store = cluster.store();
    for number in 0..60 {
        assert_eq!(claimed(&store, numbered(number)).await, Claimed::First);
    }
    let has_all = |of: &Server| of.cli(&["DBSIZE"]);
    eventually("the replica has all", || has_all(&cluster.nodes[2]) == has_all(&cluster.nodes[3]));
    cluster.nodes[2].kill();
    for number in 0..60 {
        assert_eq!(claimed(&store, numbered(number)).await, Claimed::AlreadyUsed);
    }
}
