//! Reading a request's body: so much of it, for so long, and not too many at once.
//!
//! A body is buffered before anybody knows whose it is, so every limit stands here: the surface's
//! own size, a deadline, and a bound on what all requests together may hold.

use std::ops::Deref;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// A SAML response of 256 KiB, in base64 and percent-encoded.
pub(super) const ACS: usize = 512 * 1024;
/// `AssumeRoleWithSAML`: 100,000 characters of assertion, percent-encoded, and a policy.
pub(super) const STS: usize = 384 * 1024;
/// Credentials for a sign-in; a logout token of 20,000 characters.
pub(super) const SMALL: usize = 96 * 1024;
/// The picker's form with an ID token of 20,000 characters and 80 KiB of further claims, sealed.
pub(super) const CHOICE: usize = 160 * 1024;

/// A logout message of 64 KiB, in base64 and percent-encoded.
pub(super) const LOGOUT: usize = 192 * 1024;

/// How long a body may take to arrive.
const DEADLINE: Duration = Duration::from_secs(15);
/// What the bodies of all requests under way may hold together, in KiB.
const TOGETHER: usize = 256 * 1024;

static ROOM: Semaphore = Semaphore::const_new(TOGETHER);

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// More than the surface takes.
    TooLarge,
    /// It did not arrive in time, or broke off.
    Incomplete,
    /// Too many bodies are on their way already.
    Crowded,
}

impl Unread {
    /// The answer, without a body: whoever sends such a thing reads none (facts 1.1).
    pub(super) fn answer(self) -> HttpResponse {
        tracing::info!(reason = ?self, "body not read");
        match self {
            Self::TooLarge => HttpResponse::PayloadTooLarge().finish(),
            Self::Incomplete => HttpResponse::RequestTimeout().force_close().finish(),
            Self::Crowded => HttpResponse::ServiceUnavailable().insert_header(("retry-after", "1")).finish(),
        }
    }
}

/// A whole body, and the room that it takes for as long as it is held.
#[derive(Debug)]
pub(super) struct Body<'r> {
    bytes: Bytes,
    _room: Option<SemaphorePermit<'r>>,
}

impl Deref for Body<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The whole body, of at most `largest` bytes.
pub(super) async fn read(payload: Payload, largest: usize) -> Result<Body<'static>, Unread> {
    read_within(payload, largest, &ROOM, DEADLINE).await
}

async fn read_within(
    mut payload: Payload,
    largest: usize,
    room: &Semaphore,
    deadline: Duration,
) -> Result<Body<'_>, Unread> {
    let mut body = BytesMut::new();
    let (mut taken, mut held) = (None::<SemaphorePermit<'_>>, 0);
    let reading = async {
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Unread::Incomplete)?;
            if body.len() + chunk.len() > largest {
                return Err(Unread::TooLarge);
            }
            // By the whole body so far: a client chooses its chunks, and may send a byte in each.
            let kib = (body.len() + chunk.len()).div_ceil(1024);
            if kib > held {
                let more = u32::try_from(kib - held).unwrap_or(u32::MAX);
                let more = room.try_acquire_many(more).map_err(|_| Unread::Crowded)?;
                match &mut taken {
                    Some(taken) => taken.merge(more),
                    None => taken = Some(more),
                }
                held = kib;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(())
    };
    timeout(deadline, reading).await.map_err(|_| Unread::Incomplete)??;
    Ok(Body { bytes: body.freeze(), _room: taken })
}

#[cfg(test)]
mod tests {
    use actix_web::FromRequest;
    use actix_web::test::TestRequest;

    use super::*;

    async fn payload(body: &'static [u8]) -> Payload {
        let (request, mut payload) = TestRequest::default().set_payload(body).to_http_parts();
        Payload::from_request(&request, &mut payload).await.unwrap()
    }

    #[actix_web::test]
    async fn takes_what_fits_and_no_more() {
        let room = Semaphore::new(8);
        let read = async |largest| read_within(payload(b"12345").await, largest, &room, DEADLINE).await;
        assert_eq!(*read(5).await.unwrap(), *b"12345");
        assert_eq!(read(4).await.err(), Some(Unread::TooLarge));
        let held: Vec<_> = futures_util::future::join_all((0..8).map(|_| read(5))).await;
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(read(5).await.err(), Some(Unread::Crowded), "while the others are at work");
        drop(held);
        assert!(read(5).await.is_ok());
    }

    /// Eight KiB in single bytes take eight KiB of the room, not eight thousand.
    #[actix_web::test]
    async fn many_small_chunks_take_what_they_hold() {
        let room = Semaphore::new(8);
        let chunks = |n: usize| {
            let bytes = std::iter::repeat_with(|| Ok(Bytes::from_static(b"x"))).take(n);
            actix_http::Payload::from(
                Box::pin(futures_util::stream::iter(bytes)) as actix_http::BoxedPayloadStream
            )
        };
        let request = TestRequest::default().to_http_request();
        for (bytes, expected) in [(8 * 1024, Ok(8 * 1024)), (8 * 1024 + 1, Err(Unread::Crowded))] {
            let payload = Payload::from_request(&request, &mut chunks(bytes)).await.unwrap();
            let read = read_within(payload, STS, &room, DEADLINE).await;
            assert_eq!(read.map(|body| body.len()), expected);
            assert_eq!(room.available_permits(), 8, "what was taken is given back");
        }
    }

    #[actix_web::test]
    async fn gives_up_on_a_body_that_does_not_come() {
        let (request, _) = TestRequest::default().to_http_parts();
        let (_sender, stream) = actix_http::h1::Payload::create(false);
        let mut never = actix_http::Payload::from(stream);
        let never = Payload::from_request(&request, &mut never).await.unwrap();
        let answer = read_within(never, 5, &ROOM, Duration::from_millis(1)).await;
        assert_eq!(answer.err(), Some(Unread::Incomplete));
    }
}
