//! How long anybody waits for Redis, and who does not wait at all.

use std::time::Duration;

use redis::{Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind};
use tokio::time::timeout;

use super::breaker::Breaker;
use super::reach::{Connection, Reach};
use super::settings::RedisSettings;
use crate::store::StoreFault;

/// See the module.
pub(super) struct Link {
    reach: Reach,
    breaker: Breaker,
    patience: Duration,
}

impl Link {
    /// One that connects when it is asked first, and again whenever it must. Within a runtime.
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, String> {
        let (reach, patience) = (Reach::new(settings)?, settings.patience);
        Ok(Self { reach, breaker: Breaker::default(), patience })
    }

    /// How long a request waits.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    pub(super) async fn connection(&self) -> RedisResult<Connection> {
        self.reach.connection().await
    }

    /// For a connection of somebody's own, who tried as often before.
    pub(super) async fn listening(&self, tries: usize) -> RedisResult<Client> {
        self.reach.listening(tries).await
    }

    /// Returns when another server must be asked.
    pub(super) async fn moved(&self) {
        self.reach.moved().await;
    }

    /// Asks, within the time that a request has.
    pub(super) async fn ask<T, F: Future<Output = RedisResult<T>>>(
        &self,
        doing: &'static str,
        asking: impl Fn(Connection) -> F,
    ) -> Result<T, StoreFault> {
        self.ask_within(self.patience, doing, asking).await
    }

    pub(super) async fn ask_within<T, F: Future<Output = RedisResult<T>>>(
        &self,
        patience: Duration,
        doing: &'static str,
        asking: impl Fn(Connection) -> F,
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
    pub(super) async fn asked<T, F: Future<Output = RedisResult<T>>>(
        &self,
        doing: &'static str,
        asking: impl Fn(Connection) -> F,
    ) -> Result<T, StoreFault> {
        self.wait(self.patience, doing, asking).await
    }

    async fn wait<T, F: Future<Output = RedisResult<T>>>(
        &self,
        patience: Duration,
        doing: &'static str,
        asking: impl Fn(Connection) -> F,
    ) -> Result<T, StoreFault> {
        let once = async || asking(self.connection().await?).await;
        // A connection that broke, or could not be made a while ago, tells whoever comes next. All that is asked can be
        // asked again.
        let twice = async || match once().await {
            Err(error) if is_link_fault(&error) => once().await,
            answer => answer,
        };
        let fault = match timeout(patience, twice()).await {
            Err(_) => StoreFault::new(doing, format!("no answer within {} ms", patience.as_millis())),
            Ok(Err(error)) if is_link_fault(&error) => StoreFault::new(doing, error),
            Ok(answer) => {
                self.breaker.answered();
                return answer.map_err(|error| StoreFault::new(doing, error));
            }
        };
        self.breaker.failed();
        self.reach.doubt();
        Err(fault)
    }

    pub(super) async fn command<T: FromRedisValue>(
        &self,
        doing: &'static str,
        command: &Cmd,
    ) -> Result<T, StoreFault> {
        self.ask(doing, async |mut connection| command.query_async(&mut connection).await).await
    }
}

/// Whether the connection or its other end is at fault, and not what was asked.
fn is_link_fault(error: &RedisError) -> bool {
    let is_no_master = matches!(
        error.kind(),
        ErrorKind::ClusterConnectionNotFound
            | ErrorKind::Server(
                ServerErrorKind::ReadOnly
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::BusyLoading
            )
    );
    is_no_master
        || error.is_io_error()
        || error.is_timeout()
        || error.is_connection_dropped()
        || error.is_unrecoverable_error()
}
