//! What other nodes revoke, as they do it.
//!
//! A connection of its own listens to the channel. Whatever may have been missed, from before it listened or while it
//! did not, is told as a gap, and whoever follows loads everything again. Where nothing is heard for a while, an empty message
//! is sent the way that a revocation takes, and must come back: a connection may look well and bring nothing, a master may be
//! none any more, a cluster may be in two parts.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::PubSubStream;
use redis::{Msg, RedisError};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::REVOKED;
use super::link::Link;
use crate::clock::Moment;
use crate::store::{News, Revocation};

/// News that may wait to be heard. Whoever is slower than that waits for nothing: the channel does.
const QUEUE: usize = 1024;
/// After how long a silence something is said.
const ECHO: Duration = Duration::from_secs(5);
/// How long that may take to be heard, and a connection to be made.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long after a connection was lost the next is made.
const PAUSE: Duration = Duration::from_millis(200);

/// Follows the channel until nobody listens.
pub(super) fn follow(link: Arc<Link>) -> mpsc::Receiver<News> {
    let (tell, told) = mpsc::channel(QUEUE);
    drop(tokio::spawn(async move {
        for tries in 0.. {
            let lost = tokio::select! {
                lost = listen(&link, tries, &tell) => lost,
                () = link.moved() => "another server is the master".to_owned(),
                () = tell.closed() => return,
            };
            if tell.send(News::Lost(lost)).await.is_err() {
                return;
            }
            sleep(PAUSE).await;
        }
    }));
    told
}

/// Listens until the connection is lost; why.
async fn listen(link: &Link, tries: usize, tell: &mpsc::Sender<News>) -> String {
    let connecting = async {
        let mut connection = link.listening(tries).await?.get_async_pubsub().await?;
        connection.subscribe(REVOKED).await?;
        Ok::<_, RedisError>(connection)
    };
    let mut messages = match timeout(PATIENCE, connecting).await {
        Ok(Ok(connection)) => connection.into_on_message(),
        Ok(Err(error)) => return error.to_string(),
        Err(_) => return format!("no connection within {} s", PATIENCE.as_secs()),
    };
    let mut heard = News::Gap;
    loop {
        if tell.send(heard).await.is_err() {
            return String::new();
        }
        heard = match next(link, &mut messages).await {
            Ok(news) => news,
            Err(lost) => return lost,
        };
    }
}

/// The next that is heard.
async fn next(link: &Link, messages: &mut PubSubStream) -> Result<News, String> {
    loop {
        let message = match timeout(ECHO, messages.next()).await {
            Ok(message) => message,
            Err(_) => timeout(PATIENCE, echo(link, messages))
                .await
                .unwrap_or_else(|_| Err(format!("no echo within {} s", PATIENCE.as_secs())))?,
        };
        let message = message.ok_or("the connection was closed")?;
        let payload = message.get_payload_bytes();
        if !payload.is_empty() {
            let revocation = payload.split_at_checked(16).and_then(|(id, times)| read(id, times));
            // What can't be read may have been any: all that is kept is loaded again.
            return Ok(revocation.map_or(News::Gap, News::Revoked));
        }
    }
}

/// What is heard once something was said.
async fn echo(link: &Link, messages: &mut PubSubStream) -> Result<Option<Msg>, String> {
    let mut command = redis::cmd("PUBLISH");
    command.arg(REVOKED).arg("");
    let saying = async { command.exec_async(&mut link.connection().await?).await };
    saying.await.map_err(|error: RedisError| error.to_string())?;
    Ok(messages.next().await)
}

/// A revocation as it is kept: its id, and three times as text.
pub(super) fn read(id: &[u8], times: &[u8]) -> Option<Revocation> {
    let times = std::str::from_utf8(times).ok()?;
    let mut times = times.split(' ').map(|time| time.parse().ok().map(Moment::from_unix_millis));
    let (issued_before, asserted_before, until) = (times.next()??, times.next()??, times.next()??);
    let nothing_else = times.next().is_none();
    let id = id.try_into().ok().filter(|_| nothing_else)?;
    Some(Revocation { id, issued_before, asserted_before, until })
}
