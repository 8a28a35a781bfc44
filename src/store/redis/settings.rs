//! Where Redis is, and who we are there.

use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo,
    TlsCertificates, TlsMode,
};

use crate::secret::Secret;

/// How long a connection may take to stand.
pub(super) const CONNECTING: Duration = Duration::from_millis(300);
/// How long what was sent may be without a sign that it arrived, before the connection counts as lost.
#[cfg(target_os = "linux")]
const UNHEARD: Duration = Duration::from_secs(3);
/// How often the cluster's client tries by itself: where a slot moves, the first node only says where to.
const CLUSTER_TRIES: u32 = 3;
/// How long it waits in between, in milliseconds.
const CLUSTER_PAUSE: u64 = 50;

/// Where Redis is, and who we are there.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// The servers.
    pub servers: Servers,
    /// Who we are to them.
    pub account: RedisAccount,
    /// What TLS needs beyond the system's authorities.
    pub tls: RedisTls,
    /// How many replicas must have a claim before it counts. Not with a cluster.
    pub replicas: u16,
    /// How long a request waits for an answer.
    pub patience: Duration,
}

/// Which servers there are. URLs are `redis://host:port/db`, `rediss://` for TLS, or `redis+unix:///socket`.
#[derive(Debug, Clone)]
pub enum Servers {
    /// One.
    Standalone(String),
    /// Some of which one is the master at a time, as the Sentinels at these URLs say.
    Sentinel {
        /// The Sentinels, which speak TLS if the servers do.
        urls: Vec<String>,
        /// What they call the master.
        master: String,
        /// Who we are to the Sentinels.
        account: RedisAccount,
    },
    /// A cluster, some of whose nodes are at these URLs.
    Cluster(Vec<String>),
}

/// Who we are.
#[derive(Debug, Clone, Default)]
pub struct RedisAccount {
    /// The ACL user; without one, `default`.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret<String>>,
}

/// What TLS needs beyond the system's authorities. All of it is PEM.
#[derive(Debug, Clone, Default)]
pub struct RedisTls {
    /// Who vouches for the servers, instead of the system's authorities.
    pub authorities: Option<Vec<u8>>,
    /// Our own certificate, and its key.
    pub client: Option<(Vec<u8>, Secret<Vec<u8>>)>,
}

/// How the servers are asked.
pub(super) enum Clients {
    Standalone(Box<Client>),
    Sentinel(Box<SentinelClient>),
    /// The whole, and the nodes that are known from the start.
    Cluster(Box<ClusterClient>, Vec<Client>),
}

impl RedisSettings {
    /// Whether they make sense; the error says what does not.
    pub fn check(&self) -> Result<(), String> {
        self.clients().map(drop)
    }

    pub(super) fn clients(&self) -> Result<Clients, String> {
        let said = |error: redis::RedisError| error.to_string();
        match &self.servers {
            Servers::Standalone(url) => Ok(Clients::Standalone(Box::new(self.client(url)?))),
            Servers::Sentinel { urls, master, account } => {
                Ok(Clients::Sentinel(Box::new(self.sentinels(urls, master, account)?)))
            }
            Servers::Cluster(urls) => {
                let seeds: Vec<_> = urls.iter().map(|url| self.client(url)).collect::<Result<_, _>>()?;
                let mut builder = ClusterClientBuilder::new(urls.iter().map(String::as_str))
                    .retries(CLUSTER_TRIES)
                    .min_retry_wait(CLUSTER_PAUSE / 2)
                    .max_retry_wait(CLUSTER_PAUSE)
                    .connection_timeout(CONNECTING)
                    .response_timeout(self.patience)
                    .tcp_settings(tcp());
                if let Some(username) = &self.account.username {
                    builder = builder.username(username);
                }
                if let Some(password) = &self.account.password {
                    builder = builder.password(password.expose());
                }
                if let Some(certificates) = self.tls.certificates() {
                    builder = builder.certs(certificates);
                }
                Ok(Clients::Cluster(Box::new(builder.build().map_err(said)?), seeds))
            }
        }
    }

    /// What asks the server at `url`.
    fn client(&self, url: &str) -> Result<Client, String> {
        let info = parsed(url)?;
        let who = self.account.added_to(info.redis_settings().clone());
        let info = info.set_redis_settings(who).set_tcp_settings(tcp());
        let client = match self.tls.certificates() {
            Some(certificates) => Client::build_with_tls(info, certificates),
            None => Client::open(info),
        };
        client.map_err(|error| format!("{url:?}: {error}"))
    }

    fn sentinels(
        &self,
        urls: &[String],
        master: &str,
        account: &RedisAccount,
    ) -> Result<SentinelClient, String> {
        let infos: Vec<_> = urls.iter().map(|url| parsed(url)).collect::<Result<_, _>>()?;
        let addresses: Vec<_> = infos.iter().map(|info| info.addr().clone()).collect();
        let speaks_tls = |address: &ConnectionAddr| matches!(address, ConnectionAddr::TcpTls { .. });
        let secure = addresses.iter().any(speaks_tls);
        if !addresses.iter().all(|address| speaks_tls(address) == secure) {
            return Err("some of the urls are for TLS, and some are not".into());
        }
        let said = |error: redis::RedisError| error.to_string();
        let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)
            .map_err(said)?
            .set_client_to_redis_tcp_settings(tcp())
            .set_client_to_sentinel_tcp_settings(tcp())
            .set_client_to_redis_db(infos.first().map_or(0, |info| info.redis_settings().db()));
        if secure {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
            builder = builder.set_client_to_sentinel_tls_mode(TlsMode::Secure);
        }
        if let Some(certificates) = self.tls.certificates() {
            builder = builder.set_client_to_redis_certificates(certificates.clone());
            builder = builder.set_client_to_sentinel_certificates(certificates);
        }
        if let Some(username) = &self.account.username {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = &self.account.password {
            builder = builder.set_client_to_redis_password(password.expose());
        }
        if let Some(username) = &account.username {
            builder = builder.set_client_to_sentinel_username(username);
        }
        if let Some(password) = &account.password {
            builder = builder.set_client_to_sentinel_password(password.expose());
        }
        builder.build().map_err(said)
    }
}

impl RedisAccount {
    fn added_to(&self, mut who: RedisConnectionInfo) -> RedisConnectionInfo {
        if let Some(username) = &self.username {
            who = who.set_username(username);
        }
        if let Some(password) = &self.password {
            who = who.set_password(password.expose());
        }
        who
    }
}

impl RedisTls {
    fn certificates(&self) -> Option<TlsCertificates> {
        let client_tls = self.client.as_ref().map(|(certificate, key)| ClientTlsConfig {
            client_cert: certificate.clone(),
            client_key: key.expose().clone(),
        });
        let is_needed = client_tls.is_some() || self.authorities.is_some();
        is_needed.then(|| TlsCertificates { client_tls, root_cert: self.authorities.clone() })
    }
}

fn parsed(url: &str) -> Result<ConnectionInfo, String> {
    url.into_connection_info().map_err(|error| format!("{url:?} is no address of a Redis: {error}"))
}

fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(UNHEARD);
    settings
}
