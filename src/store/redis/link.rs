//! The connection that all requests share, and how long anybody waits for it.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{
    Client, Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo, Pipeline, RedisConnectionInfo,
    RedisError, RedisResult,
};
use tokio::time::timeout;

use super::breaker::Breaker;
use crate::secret::Secret;
use crate::store::StoreFault;

/// How long a request waits for an answer.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a connection may take to stand.
const CONNECTING: Duration = Duration::from_millis(300);
/// How long what was sent may be without a sign that it arrived, before the connection counts as lost.
#[cfg(target_os = "linux")]
const UNHEARD: Duration = Duration::from_secs(3);

/// Where Redis is, and who we are there.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// `redis://host:port/db`, or `rediss://` for TLS.
    pub url: String,
    /// The ACL user; without one, `default`.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret<String>>,
}

impl RedisSettings {
    /// What the client needs to know; the error says what is wrong with the URL.
    pub fn connection(&self) -> Result<ConnectionInfo, String> {
        let info = self.url.as_str().into_connection_info().map_err(|error| error.to_string())?;
        let mut who: RedisConnectionInfo = info.redis_settings().clone();
        if let Some(username) = &self.username {
            who = who.set_username(username);
        }
        if let Some(password) = &self.password {
            who = who.set_password(password.expose());
        }
        let tcp = TcpSettings::default().set_nodelay(true);
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(UNHEARD);
        Ok(info.set_redis_settings(who).set_tcp_settings(tcp))
    }
}

/// See the module.
pub(super) struct Link {
    client: Client,
    manager: ConnectionManager,
    breaker: Breaker,
}

impl Link {
    /// One that connects when it is asked first, and again whenever it must.
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, String> {
        let client = Client::open(settings.connection()?).map_err(|error| error.to_string())?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(None); // `asked` has its own.
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config);
        Ok(Self { client, manager: manager.map_err(|error| error.to_string())?, breaker: Breaker::default() })
    }

    /// For connections of somebody's own.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(super) fn connection(&self) -> ConnectionManager {
        self.manager.clone()
    }

    /// Asks, within the time that a request has.
    pub(super) async fn ask<T>(
        &self,
        doing: &'static str,
        asking: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, StoreFault> {
        self.ask_within(PATIENCE, doing, asking).await
    }

    pub(super) async fn ask_within<T>(
        &self,
        patience: Duration,
        doing: &'static str,
        asking: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, StoreFault> {
        self.may_ask(doing)?;
        self.wait(patience, doing, asking).await
    }

    /// Whether anything is sent now.
    pub(super) fn may_ask(&self, doing: &'static str) -> Result<(), StoreFault> {
        let fault = || StoreFault::new(doing, "Redis did not answer a moment ago");
        self.breaker.lets_through().then_some(()).ok_or_else(fault)
    }

    /// [`Link::ask`] after [`Link::may_ask`], for whoever must know whether it was sent.
    pub(super) async fn asked<T>(
        &self,
        doing: &'static str,
        asking: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, StoreFault> {
        self.wait(PATIENCE, doing, asking).await
    }

    async fn wait<T>(
        &self,
        patience: Duration,
        doing: &'static str,
        asking: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, StoreFault> {
        let fault = match timeout(patience, asking).await {
            Err(_) => StoreFault::new(doing, format!("no answer within {} ms", patience.as_millis())),
            Ok(Err(error)) if is_link_fault(&error) => StoreFault::new(doing, error),
            Ok(answer) => {
                self.breaker.answered();
                return answer.map_err(|error| StoreFault::new(doing, error));
            }
        };
        self.breaker.failed();
        Err(fault)
    }

    pub(super) async fn command<T: FromRedisValue>(
        &self,
        doing: &'static str,
        command: &Cmd,
    ) -> Result<T, StoreFault> {
        self.ask(doing, command.query_async(&mut self.connection())).await
    }

    pub(super) async fn pipeline(&self, doing: &'static str, pipeline: &Pipeline) -> Result<(), StoreFault> {
        self.ask(doing, pipeline.exec_async(&mut self.connection())).await
    }
}

/// Whether the connection is at fault, and not what was asked.
fn is_link_fault(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_timeout()
        || error.is_connection_dropped()
        || error.is_unrecoverable_error()
}
