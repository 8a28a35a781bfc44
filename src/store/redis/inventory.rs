//! All that Redis holds of us, key by key, from each server that has some of it.

use futures_util::future::try_join_all;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::{Cmd, FromRedisValue, RedisResult};
use tokio::sync::mpsc;

use super::link::Link;
use super::reach::Connection;
use super::records::session_of;
use super::{CLAIMS, LOADING, REVOKED, VALUES, news, until_of};
use crate::clock::Moment;
use crate::store::dump::Entry;
use crate::store::{Claim, Scope, StoreFault};

const DOING: &str = "listing all";
/// Keys that are asked for at a time.
const COUNT: usize = 512;

/// Hands everything that is live at `at` to `tell`, until nobody listens.
pub(super) async fn list(link: &Link, at: Moment, tell: mpsc::Sender<Vec<Entry>>) -> Result<(), StoreFault> {
    for server in servers(link).await? {
        let mut cursor = 0_u64;
        loop {
            let mut command = redis::cmd("SCAN");
            command.arg(cursor).arg("MATCH").arg("rolegate:*").arg("COUNT").arg(COUNT);
            let asking = async |connection| ask_server(connection, server.as_ref(), &command).await;
            let (next, keys): (u64, Vec<Vec<u8>>) = link.ask_within(LOADING, DOING, asking).await?;
            let read = try_join_all(keys.iter().map(|key| read(link, key, at))).await?;
            if tell.send(read.into_iter().flatten().collect()).await.is_err() {
                return Ok(());
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
    }
    Ok(())
}

/// Host and port of each server of a cluster that has keys; one `None` for a single server.
async fn servers(link: &Link) -> Result<Vec<Option<(String, u16)>>, StoreFault> {
    let command = {
        let mut command = redis::cmd("CLUSTER");
        command.arg("NODES");
        command
    };
    let nodes: Option<String> = link
        .ask_within(LOADING, DOING, async |connection| match connection {
            Connection::Server(_) => Ok(None),
            Connection::Cluster(mut connection) => command.query_async(&mut connection).await.map(Some),
        })
        .await?;
    let Some(nodes) = nodes else { return Ok(vec![None]) };
    let masters = nodes.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (address, flags) = (words.next()?, words.next()?);
        let is_master = flags.split(',').any(|flag| flag == "master");
        let (host, port) = address.split('@').next()?.rsplit_once(':')?;
        is_master.then_some(Some((host.to_owned(), port.parse().ok()?)))
    });
    Ok(masters.collect())
}

async fn ask_server<T: FromRedisValue>(
    connection: Connection,
    server: Option<&(String, u16)>,
    command: &Cmd,
) -> RedisResult<T> {
    match (connection, server) {
        (Connection::Cluster(mut connection), Some((host, port))) => {
            let node = SingleNodeRoutingInfo::ByAddress { host: host.clone(), port: *port };
            let answer = connection.route_command(command.clone(), RoutingInfo::SingleNode(node)).await?;
            Ok(T::from_redis_value(answer)?)
        }
        (mut connection, _) => command.query_async(&mut connection).await,
    }
}

/// What stands under `key`, as far as it is live at `at`.
async fn read(link: &Link, key: &[u8], at: Moment) -> Result<Vec<Entry>, StoreFault> {
    if key == REVOKED {
        let held: Vec<(Vec<u8>, Vec<u8>)> = ask(link, "HGETALL", key).await?;
        let revocations: Option<Vec<_>> = held.iter().map(|(id, times)| news::read(id, times)).collect();
        let live = revocations.ok_or_else(damaged)?.into_iter().filter(|held| held.until > at);
        return Ok(live.map(Entry::Revocation).collect());
    }
    if let Some(id) = id_of::<32>(key, CLAIMS) {
        let held: Vec<(Vec<u8>, String)> = ask(link, "HGETALL", key).await?;
        let claims = held.iter().map(|(part, held)| {
            let until = Moment::from_unix_millis(held.split(' ').next()?.parse().ok()?);
            let scope = match part.as_slice() {
                [] => Scope::Whole,
                part => Scope::Part(part.try_into().ok()?),
            };
            Some(Claim { id, scope, until })
        });
        let claims = claims.collect::<Option<Vec<_>>>().ok_or_else(damaged)?;
        return Ok(claims.into_iter().filter(|claim| claim.until > at).map(Entry::Claim).collect());
    }
    if let Some(session) = session_of(key) {
        let held: Option<Vec<u8>> = ask(link, "GET", key).await?;
        let live = held.filter(|_| session.until > at);
        return Ok(live.map(|sealed| Entry::Session(session, sealed)).into_iter().collect());
    }
    if let Some(id) = id_of::<32>(key, VALUES) {
        let held: Option<Vec<u8>> = ask(link, "GET", key).await?;
        let live = held.as_deref().and_then(until_of).filter(|(until, _)| *until > at);
        return Ok(live
            .map(|(until, sealed)| Entry::Value(id, sealed.to_vec(), until))
            .into_iter()
            .collect());
    }
    Ok(Vec::new())
}

/// Without what can't be read, a list would say that it was not there.
fn damaged() -> StoreFault {
    StoreFault::new(DOING, "a claim or a revocation can't be read: see who writes there")
}

async fn ask<T: FromRedisValue>(link: &Link, word: &str, key: &[u8]) -> Result<T, StoreFault> {
    let mut command = redis::cmd(word);
    command.arg(key);
    let asking = async |mut connection| command.query_async(&mut connection).await;
    link.ask_within(LOADING, DOING, asking).await
}

/// What follows `kind` in a key.
fn id_of<const N: usize>(key: &[u8], kind: &[u8]) -> Option<[u8; N]> {
    key.strip_prefix(kind)?.try_into().ok()
}
