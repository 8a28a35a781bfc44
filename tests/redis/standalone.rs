//! How the store bears that its only server freezes, dies and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rolegate::store::redis::Servers;
use rolegate::store::{
    Claim, Claimed, News, NodeNote, Nodes as _, ReplayCache as _, Revocation, Revocations as _, Scope,
    SessionKey, SessionStore as _, Store as _,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use tokio::time::timeout;

use super::server::{Server, open, settings};
use super::{HOUR, NOW, PATIENCE, claim, heard, revocation};

#[tokio::test]
async fn of_two_nodes_one_is_first() {
    let server = Server::start();
    let (one, two) = (Arc::new(server.store()), Arc::new(server.store()));
    let racers: Vec<_> = (0..2000_u32)
        .map(|number| {
            let store = Arc::clone(if number % 2 == 0 { &one } else { &two });
            let mut id = [0; 32];
            id[..4].copy_from_slice(&(number / 2).to_be_bytes());
            tokio::spawn(async move { store.claim(Claim { id, ..claim(0) }, NOW).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for racer in racers {
        first += usize::from(racer.await.unwrap() == Claimed::First);
    }
    assert_eq!(first, 1000);
}

#[tokio::test]
async fn what_one_node_revokes_the_others_hear() {
    let server = Server::start();
    let (one, two) = (server.store(), server.store());
    let mut news = two.news().unwrap();
    assert_eq!(heard(&mut news).await, News::Gap, "what was before must be loaded");
    one.revoke(revocation(1), NOW).await.unwrap();
    assert_eq!(heard(&mut news).await, News::Revoked(revocation(1)));
    let longer = Revocation { until: NOW.plus(2 * HOUR), issued_before: NOW.minus(HOUR), ..revocation(1) };
    one.revoke(longer, NOW).await.unwrap();
    let joined = Revocation { until: longer.until, ..revocation(1) };
    assert_eq!(heard(&mut news).await, News::Revoked(joined), "with what it held before");
    assert_eq!(two.revocations(NOW).await.unwrap(), [joined]);
}

#[tokio::test]
async fn nodes_see_what_others_say_while_it_can_be_believed() {
    let server = Server::start();
    let (one, two) = (server.store(), server.store());
    let note = |node: u8, sealed: &[u8], until| NodeNote { node: [node; 8], sealed: sealed.to_vec(), until };
    let (first, second) = (note(1, b"first", NOW.plus(HOUR)), note(2, b"second", NOW.plus(2 * HOUR)));
    assert_eq!(one.exchange(first.clone(), NOW).await.unwrap(), Some(vec![]));
    assert_eq!(two.exchange(second.clone(), NOW).await.unwrap(), Some(vec![first]));
    let again = note(1, b"again", NOW.plus(HOUR));
    assert_eq!(one.exchange(again.clone(), NOW).await.unwrap(), Some(vec![second.clone()]));
    assert_eq!(two.exchange(second.clone(), NOW).await.unwrap(), Some(vec![again]));
    assert_eq!(two.exchange(second, NOW.plus(HOUR)).await.unwrap(), Some(vec![]));
    assert_eq!(server.cli(&["HLEN", "rolegate:nodes"]), "1\n", "what is over is swept");
}

#[tokio::test]
async fn a_gap_is_told_when_it_is_over() {
    let mut server = Server::start();
    let (one, two) = (server.store(), server.store());
    let mut news = two.news().unwrap();
    assert_eq!(heard(&mut news).await, News::Gap);
    server.again();
    let News::Lost(_) = heard(&mut news).await else { panic!("it was not noticed") };
    while let News::Lost(_) = heard(&mut news).await {}
    while one.revoke(revocation(2), NOW).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(heard(&mut news).await, News::Revoked(revocation(2)));
}

/// A revocation that can't be read could be any. Nobody goes on as if there were none.
#[tokio::test]
async fn a_revocation_that_is_damaged_is_not_left_out() {
    let server = Server::start();
    let store = server.store();
    let mut news = store.news().unwrap();
    assert_eq!(heard(&mut news).await, News::Gap);
    store.revoke(revocation(1), NOW).await.unwrap();
    assert_eq!(heard(&mut news).await, News::Revoked(revocation(1)));
    server.cli(&["PUBLISH", "rolegate:revoked", "something else"]);
    assert_eq!(heard(&mut news).await, News::Gap);
    server.cli(&["HSET", "rolegate:revoked", "sixteen bytes id", "soon"]);
    let fault = store.revocations(NOW).await.unwrap_err().to_string();
    assert!(fault.ends_with("an entry of rolegate:revoked is none: see who writes there"), "{fault}");
}

/// A server that hangs is noticed though its connection stands.
#[tokio::test]
async fn a_frozen_server_is_not_listened_to_for_ever() {
    let server = Server::start();
    let store = server.store();
    let mut news = store.news().unwrap();
    assert_eq!(heard(&mut news).await, News::Gap);
    assert_eq!(store.unfit().await.unwrap(), None);
    server.signal("-STOP");
    let News::Lost(reason) = heard(&mut news).await else { panic!("it was not noticed") };
    assert_eq!(reason, "no echo within 2 s");
    server.signal("-CONT");
    while let News::Lost(_) = heard(&mut news).await {}
}

/// Nobody waits longer than half a second, and after a few nobody waits at all.
#[tokio::test]
async fn a_frozen_server_holds_nobody_up() {
    let server = Server::start();
    let store = Arc::new(server.store());
    assert_eq!(store.claim(claim(1), NOW).await.unwrap(), Claimed::First);
    server.signal("-STOP");
    let began = Instant::now();
    let asked = (0..200).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.claim(claim(1), NOW).await.unwrap_err().to_string() })
    });
    for answer in asked.collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap(), "the store failed while claiming: no answer within 500 ms");
    }
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let (began, before) = (Instant::now(), tasks());
    for _ in 0..1000 {
        let refused = store.claim(claim(1), NOW).await.unwrap_err().to_string();
        assert!(refused.ends_with("Redis did not answer a moment ago") || refused.ends_with("within 500 ms"));
    }
    assert!(tasks() <= before + 10, "what was not sent is not taken back: {} {before}", tasks());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    server.signal("-CONT");
    let back = async {
        while store.claim(claim(1), NOW).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, back).await.unwrap();
    assert_eq!(store.claim(claim(1), NOW).await.unwrap(), Claimed::AlreadyUsed, "it forgot nothing");
}

#[tokio::test]
async fn what_is_queued_is_written_before_the_end() {
    let server = Server::start();
    let store = server.store();
    let key = |id: u8| SessionKey { holder: [1; 16], until: NOW.plus(HOUR), id: [id; 16] };
    (0..=255).for_each(|id| store.put(key(id), vec![id], NOW).unwrap());
    store.flushed().await.unwrap();
    drop(store);
    let other = server.store();
    let expected: Vec<_> = (0..=255).rev().map(|id| (key(id), vec![id])).collect();
    assert_eq!(other.of_holder([1; 16], 1000, NOW).await.unwrap(), expected);
}

/// What was answered with a fault is not used up, though the server got it and did it later.
#[tokio::test]
async fn a_claim_without_an_answer_is_taken_back() {
    let server = Server::start();
    let store = server.store();
    assert_eq!(store.claim(claim(1), NOW).await.unwrap(), Claimed::First);
    server.signal("-STOP");
    store.claim(claim(2), NOW).await.unwrap_err();
    let part = Claim { scope: Scope::Part([7; 32]), ..claim(3) };
    store.claim(part, NOW).await.unwrap_err();
    store.claim(claim(1), NOW).await.unwrap_err();
    tokio::task::yield_now().await;
    server.signal("-CONT");
    assert_eq!(store.claim(claim(2), NOW).await.unwrap(), Claimed::First);
    assert_eq!(store.claim(claim(2), NOW).await.unwrap(), Claimed::AlreadyUsed);
    assert_eq!(store.claim(part, NOW).await.unwrap(), Claimed::First);
    assert_eq!(store.claim(claim(1), NOW).await.unwrap(), Claimed::AlreadyUsed, "that was given before");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_and_used_when_it_is() {
    let mut server = Server::start();
    let store = server.store();
    server.kill();
    let failed = store.claim(claim(1), NOW).await.unwrap_err().to_string();
    assert!(failed.starts_with("the store failed while claiming: "), "{failed}");
    server.again();
    assert_eq!(store.claim(claim(2), NOW).await.unwrap(), Claimed::First, "at once");
    server.again();
    assert_eq!(store.claim(claim(3), NOW).await.unwrap(), Claimed::First, "though the connection broke");
}

/// What Redis may throw away could be used again.
#[tokio::test]
async fn a_server_that_throws_things_away_is_refused() {
    let server = Server::start();
    let store = server.store();
    assert_eq!(store.unfit().await.unwrap(), None);
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]);
    assert_eq!(store.unfit().await.unwrap(), None, "it has no bound, so it throws nothing away");
    server.cli(&["CONFIG", "SET", "maxmemory", "100mb"]);
    let reason = store.unfit().await.unwrap().unwrap();
    assert_eq!(
        reason,
        "Redis's maxmemory-policy is volatile-lru; set it to noeviction: what is thrown away could be used again"
    );
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    assert_eq!(store.unfit().await.unwrap(), None);
}

#[tokio::test]
async fn a_full_server_accepts_nothing_and_forgets_nothing() {
    let server = Server::start();
    let store = server.store();
    assert_eq!(store.claim(claim(1), NOW).await.unwrap(), Claimed::First);
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    for refused in [claim(1), claim(2)] {
        let claimed = store.claim(refused, NOW).await;
        assert!(!matches!(claimed, Ok(Claimed::First)), "{claimed:?}");
    }
    let full = store.claim(claim(2), NOW).await.unwrap_err().to_string();
    assert!(full.contains("OOM"), "{full}");
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(store.claim(claim(2), NOW).await.unwrap(), Claimed::First);
    assert_eq!(store.claim(claim(1), NOW).await.unwrap(), Claimed::AlreadyUsed);
}

/// A way to the server on which answers get lost: once it is told so, the next answer does not arrive, and the connection
/// breaks.
async fn lossy(server: &Server, loses: Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let socket = server.socket();
    drop(tokio::spawn(async move {
        while let Ok((here, _)) = listener.accept().await {
            let there = UnixStream::connect(&socket).await.unwrap();
            let loses = Arc::clone(&loses);
            drop(tokio::spawn(async move {
                let (mut asked, mut answers) = here.into_split();
                let (mut answered, mut asks) = there.into_split();
                let asking = tokio::io::copy(&mut asked, &mut asks);
                let answering = async {
                    let mut bytes = [0; 4096];
                    while let Ok(length @ 1..) = answered.read(&mut bytes).await {
                        if loses.swap(false, Ordering::SeqCst) {
                            return;
                        }
                        answers.write_all(&bytes[..length]).await.unwrap();
                    }
                };
                tokio::select! {
                    _ = asking => {}
                    () = answering => {}
                }
            }));
        }
    }));
    url
}

/// What was done, though the answer got lost with the connection, is asked again, and is no other's.
#[tokio::test]
async fn an_answer_that_is_lost_is_no_claim_of_somebody_else() {
    let server = Server::start();
    let loses = Arc::new(AtomicBool::new(false));
    let store = open(&settings(Servers::Standalone(lossy(&server, Arc::clone(&loses)).await)));
    assert_eq!(store.claim(claim(1), NOW).await.unwrap(), Claimed::First);
    loses.store(true, Ordering::SeqCst);
    assert_eq!(store.claim(claim(2), NOW).await.unwrap(), Claimed::First);
    assert!(!loses.load(Ordering::SeqCst), "an answer was lost");
    assert_eq!(store.claim(claim(2), NOW).await.unwrap(), Claimed::AlreadyUsed);
    assert_eq!(server.store().claim(claim(2), NOW).await.unwrap(), Claimed::AlreadyUsed);
}
