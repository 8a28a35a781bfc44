//! What other nodes revoke, as they do it.
//!
//! A connection of its own listens to the channel. Whatever may have been missed, from before it listened or while it
//! did not, is told as a gap, and whoever follows loads everything again. A connection that looks well and brings nothing is
//! found out by an echo.

use std::time::Duration;

use futures_util::StreamExt as _;
use redis::Client;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::REVOKED;
use crate::clock::Moment;
use crate::store::{News, Revocation};

/// News that may wait to be heard. Whoever is slower than that waits for nothing: the channel does.
const QUEUE: usize = 1024;
/// How often the connection is asked whether it is one.
const ECHO: Duration = Duration::from_secs(5);
/// How long it may take to answer, and to be made.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long after a connection was lost the next is made.
const PAUSE: Duration = Duration::from_millis(200);

/// Follows the channel until nobody listens.
pub(super) fn follow(client: Client) -> mpsc::Receiver<News> {
    let (tell, told) = mpsc::channel(QUEUE);
    drop(tokio::spawn(async move {
        loop {
            let lost = listen(&client, &tell).await;
            if tell.is_closed() || tell.send(News::Lost(lost)).await.is_err() {
                return;
            }
            sleep(PAUSE).await;
        }
    }));
    told
}

/// Listens until the connection is lost; why.
async fn listen(client: &Client, tell: &mpsc::Sender<News>) -> String {
    let connecting = async {
        let mut connection = client.get_async_pubsub().await?;
        connection.subscribe(REVOKED).await?;
        Ok::<_, redis::RedisError>(connection)
    };
    let connection = match timeout(PATIENCE, connecting).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return error.to_string(),
        Err(_) => return format!("no connection within {} s", PATIENCE.as_secs()),
    };
    if tell.send(News::Gap).await.is_err() {
        return String::new();
    }
    let (mut asking, mut messages) = connection.split();
    loop {
        match timeout(ECHO, messages.next()).await {
            Ok(Some(message)) => {
                let payload = message.get_payload_bytes();
                let revocation = payload.split_at_checked(16).and_then(|(id, times)| read(id, times));
                // What can't be read may have been any: all that is kept is loaded again.
                if tell.send(revocation.map_or(News::Gap, News::Revoked)).await.is_err() {
                    return String::new();
                }
            }
            Ok(None) => return "the connection was closed".to_owned(),
            Err(_) => match timeout(PATIENCE, asking.ping::<redis::Value>()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return error.to_string(),
                Err(_) => return format!("no echo within {} s", PATIENCE.as_secs()),
            },
        }
    }
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
