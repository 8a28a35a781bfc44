//! The connection to whichever server must be asked: the only one, the one that the Sentinels call the master, or that
//! of a cluster which has the key.

use std::future::pending;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster_async::ClusterConnection;
use redis::{Client, Cmd, Pipeline, RedisFuture, RedisResult, Value};

use super::sentinel::Master;
use super::settings::{CONNECTING, Clients, RedisSettings};

/// See the module.
pub(super) enum Reach {
    Standalone(Box<Client>, ConnectionManager),
    Sentinel(Master),
    Cluster(ClusterConnection, Vec<Client>),
}

/// What commands are sent by. Everybody has a copy of the same.
#[derive(Clone)]
pub(super) enum Connection {
    Server(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Reach {
    /// One that connects when it is asked first, and again whenever it must. Within a runtime.
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, String> {
        Ok(match settings.clients()? {
            Clients::Standalone(client) => {
                let connection = managed(&client).map_err(|error| error.to_string())?;
                Self::Standalone(client, connection)
            }
            Clients::Sentinel(sentinels) => Self::Sentinel(Master::follow(*sentinels)),
            Clients::Cluster(cluster, seeds) => {
                let connection = cluster.get_pending_async_connection_with_config(Default::default());
                Self::Cluster(connection, seeds)
            }
        })
    }

    /// The connection, as soon as it is known where to.
    pub(super) async fn connection(&self) -> RedisResult<Connection> {
        match self {
            Self::Standalone(_, connection) => Ok(Connection::Server(connection.clone())),
            Self::Sentinel(master) => Ok(Connection::Server(master.current().await?.connection)),
            Self::Cluster(connection, _) => Ok(Connection::Cluster(connection.clone())),
        }
    }

    /// For a connection of one's own, to a server that tells what is published anywhere. At each of its `tries` in a row
    /// another, where there are some.
    pub(super) async fn listening(&self, tries: usize) -> RedisResult<Client> {
        match self {
            Self::Standalone(client, _) => Ok(Client::clone(client)),
            Self::Sentinel(master) => Ok(master.current().await?.client),
            Self::Cluster(_, seeds) => Ok(seeds[tries % seeds.len()].clone()),
        }
    }

    /// That something failed: another server may have to be asked by now.
    pub(super) fn doubt(&self) {
        if let Self::Sentinel(master) = self {
            master.doubt();
        }
    }

    /// Returns when another server must be asked than at the time of the call.
    pub(super) async fn moved(&self) {
        match self {
            Self::Sentinel(master) => master.moved().await,
            Self::Standalone(..) | Self::Cluster(..) => pending().await,
        }
    }
}

/// A connection that is made again whenever it is lost, once for all who ask meanwhile.
pub(super) fn managed(client: &Client) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(CONNECTING))
        .set_response_timeout(None); // `Link` has its own.
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
