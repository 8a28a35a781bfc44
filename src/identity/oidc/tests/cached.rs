//! Keys that are published, rotated, withheld and asked for too often.

use super::cache::{RETRY_INTERVAL, UNKNOWN_KEY_INTERVAL};
use super::*;

/// No chance at all.
struct Punctual;

impl Entropy for Punctual {
    fn fill(&self, out: &mut [u8]) -> Result<(), crate::entropy::NoEntropy> {
        out.fill(0);
        Ok(())
    }
}

fn ages() -> KeyAges {
    KeyAges::default()
}

async fn check_at(provider: &OidcProvider, token: &str, at: Moment) -> &'static str {
    provider.verify(token, None, at).await.map_or_else(|error| error.check(), |_| "accepted")
}

/// Makes a server publish something else.
type Spoil<'a> = &'a dyn Fn(&Server);

/// Waits until `condition` holds.
async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the condition to come true");
}

#[tokio::test]
async fn keys_are_fetched_once_and_kept() {
    let server = Server::start(&[&EC.jwk]);
    let provider = server.provider();
    assert!(matches!(provider.key_state(NOW), KeyState::Missing { .. }));
    for _ in 0..3 {
        assert_eq!(check(&provider, &server.token(&EC, "ec")).await, "accepted");
    }
    assert_eq!(server.fetches(), 1);
    assert_eq!(provider.key_state(NOW), KeyState::Fresh { age: Duration::ZERO });
}

#[tokio::test]
async fn a_new_key_is_found_when_a_token_names_it() {
    let server = Server::start(&[&EC.jwk]);
    let provider = server.provider();
    assert_eq!(check(&provider, &server.token(&EC, "ec")).await, "accepted");
    let new = ec_key("new");
    server.publish(&[&EC.jwk, &new.jwk]);
    assert_eq!(check(&provider, &server.token(&new, "new")).await, "accepted");
    assert_eq!(check(&provider, &server.token(&EC, "ec")).await, "accepted");
    assert_eq!(server.fetches(), 2);
}

#[tokio::test]
async fn invented_key_ids_cause_one_fetch_in_thirty_seconds() {
    let server = Server::start(&[&EC.jwk]);
    let provider = Arc::new(server.provider());
    assert_eq!(check(&provider, &server.token(&EC, "ec")).await, "accepted");
    let flood: Vec<_> = (0..50)
        .map(|number| {
            let (provider, token) = (Arc::clone(&provider), server.token(&EC, &format!("bad{number}")));
            tokio::spawn(async move { check(&provider, &token).await })
        })
        .collect();
    for answer in flood {
        assert_eq!(answer.await.unwrap(), "oidc.key.unknown");
    }
    assert_eq!(server.fetches(), 2);
    let bad = server.token(&EC, "bad");
    let soon = NOW.plus(UNKNOWN_KEY_INTERVAL);
    assert_eq!(check_at(&provider, &bad, soon.minus(Duration::from_millis(1))).await, "oidc.key.unknown");
    assert_eq!(server.fetches(), 2);
    assert_eq!(check_at(&provider, &bad, soon).await, "oidc.key.unknown");
    assert_eq!(server.fetches(), 3);
}

#[tokio::test]
async fn a_dead_issuer_does_not_hurt_known_keys() {
    let server = Server::start(&[&EC.jwk]);
    let provider = server.provider();
    assert_eq!(check(&provider, &server.token(&EC, "ec")).await, "accepted");
    server.serve("/keys", 500, "");
    let late = NOW.plus(ages().max).minus(Duration::from_secs(1));
    assert_eq!(check_at(&provider, &server.token(&EC, "ec"), late).await, "accepted");
    until(|| server.fetches() == 2).await;
    assert_eq!(check_at(&provider, &server.token(&EC, "other"), late).await, "oidc.keys");
    assert!(matches!(provider.key_state(late), KeyState::Stale { ref reason, .. } if reason.contains("500")));
    let too_late = NOW.plus(ages().max).plus(RETRY_INTERVAL);
    assert_eq!(check_at(&provider, &server.token(&EC, "ec"), too_late).await, "oidc.keys");
    assert!(matches!(provider.key_state(too_late), KeyState::Missing { .. }));
}

#[tokio::test]
async fn a_hanging_issuer_does_not_delay_known_keys() {
    let server = Server::start(&[&EC.jwk]);
    let provider = Arc::new(server.provider());
    assert_eq!(check(&provider, &server.token(&EC, "ec")).await, "accepted");
    server.open(false);
    let waiting = {
        let (provider, token) = (Arc::clone(&provider), server.token(&EC, "new"));
        tokio::spawn(async move { check(&provider, &token).await })
    };
    until(|| server.last_request().contains("openid-configuration")).await;
    assert_eq!(check_at(&provider, &server.token(&EC, "ec"), NOW.plus(ages().refresh)).await, "accepted");
    assert!(!waiting.is_finished());
    server.open(true);
    assert_eq!(waiting.await.unwrap(), "oidc.key.unknown");
}

#[tokio::test]
async fn all_who_need_a_new_key_wait_for_the_one_fetch() {
    let server = Server::start(&[&EC.jwk]);
    let provider = Arc::new(server.provider());
    assert_eq!(check(&provider, &server.token(&EC, "ec")).await, "accepted");
    let new = ec_key("new");
    server.publish(&[&new.jwk]);
    server.open(false);
    let token = server.token(&new, "new");
    let first = {
        let (provider, token) = (Arc::clone(&provider), token.clone());
        tokio::spawn(async move { check(&provider, &token).await })
    };
    until(|| server.last_request().contains("openid-configuration")).await;
    let verify = |provider: Arc<OidcProvider>| {
        let token = token.clone();
        tokio::spawn(async move { check(&provider, &token).await })
    };
    let (second, third) = (verify(Arc::clone(&provider)), verify(Arc::clone(&provider)));
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    server.open(true);
    for waiting in [first, second, third] {
        assert_eq!(waiting.await.unwrap(), "accepted");
    }
    assert_eq!(server.fetches(), 2);
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_stop_the_fetch() {
    let server = Server::start(&[&EC.jwk]);
    let provider = server.provider();
    server.open(false);
    let token = server.token(&EC, "ec");
    tokio::select! {
        biased;
        () = until(|| server.last_request().contains("openid-configuration")) => {}
        _ = check(&provider, &token) => unreachable!("the server does not answer"),
    }
    server.open(true);
    until(|| matches!(provider.key_state(NOW), KeyState::Fresh { .. })).await;
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn stale_keys_are_renewed_behind_the_scenes() {
    let server = Server::start(&[&EC.jwk]);
    let provider = server.provider();
    assert_eq!(check(&provider, &server.token(&EC, "ec")).await, "accepted");
    let successor = ec_key("ec");
    server.publish(&[&successor.jwk]);
    let later = NOW.plus(ages().refresh);
    assert!(matches!(provider.key_state(later), KeyState::Stale { .. }));
    assert_eq!(check_at(&provider, &server.token(&EC, "ec"), later).await, "accepted");
    until(|| provider.key_state(later) == KeyState::Fresh { age: Duration::ZERO }).await;
    assert_eq!(check_at(&provider, &server.token(&EC, "ec"), later).await, "oidc.signature");
    assert_eq!(check_at(&provider, &server.token(&successor, "ec"), later).await, "accepted");
    assert_eq!(server.fetches(), 2);
}

#[tokio::test]
async fn a_failed_fetch_is_not_repeated_at_once() {
    let server = Server::start(&[&EC.jwk]);
    let provider = server.provider();
    server.serve("/keys", 503, "");
    for _ in 0..5 {
        let error = provider.verify(&server.token(&EC, "ec"), None, NOW).await.unwrap_err();
        assert_eq!((error.code(), error.check()), (VerifyCode::KeysUnavailable, "oidc.keys"));
    }
    assert_eq!(server.fetches(), 1);
    server.publish(&[&EC.jwk]);
    assert_eq!(check_at(&provider, &server.token(&EC, "ec"), NOW.plus(RETRY_INTERVAL)).await, "accepted");
}

#[tokio::test]
async fn documents_that_must_not_be_used() {
    let keys = json!({"keys": [EC.jwk]}).to_string();
    let document = |server: &Server, issuer: &str, jwks_uri: &str| {
        let document = json!({"issuer": issuer, "jwks_uri": jwks_uri}).to_string();
        server.serve("/.well-known/openid-configuration", 200, &document);
    };
    let spoil: [(&str, Spoil); 7] = [
        ("that of \"https://evil", &|server| {
            document(server, "https://evil", &format!("{}/keys", server.issuer))
        }),
        ("without https", &|server| document(server, &server.issuer, "http://idp.example.com/keys")),
        ("without https", &|server| document(server, &server.issuer, "file:///etc/passwd")),
        ("status 302", &|server| server.serve("/.well-known/openid-configuration", 302, "")),
        ("can't be read", &|server| server.serve("/.well-known/openid-configuration", 200, "<html>")),
        ("more than 262144 bytes", &|server| {
            server.serve("/keys", 200, &format!("{keys}{}", " ".repeat(262_144)))
        }),
        ("no usable key", &|server| server.publish(&[&json!({"kty": "oct", "kid": "ec", "k": "AAAA"})])),
    ];
    for (reason, spoil) in spoil {
        let server = Server::start(&[&EC.jwk]);
        spoil(&server);
        let error = server.provider().verify(&server.token(&EC, "ec"), None, NOW).await.unwrap_err();
        assert_eq!((error.code(), error.check()), (VerifyCode::KeysUnavailable, "oidc.keys"));
        assert!(error.seen().contains(reason), "{reason}: {}", error.seen());
    }
}

#[tokio::test]
async fn garbage_causes_no_fetch() {
    let server = Server::start(&[&EC.jwk]);
    let provider = server.provider();
    let foreign = token(&claims(json!({"iss": "https://evil.example.com"})));
    let hmac =
        signed(&EC, r#"{"alg":"HS256","kid":"ec"}"#, &claims(json!({"iss": server.issuer})).to_string());
    for (garbage, expected) in [("x.y.z", "oidc.jwt"), (&foreign, "oidc.issuer"), (&hmac, "oidc.algorithm")] {
        assert_eq!(check(&provider, garbage).await, expected);
    }
    assert_eq!(server.last_request(), "");
}

/// Whoever renews ahead of the tokens spares them every wait, and notices what was withdrawn.
#[tokio::test]
async fn keys_are_renewed_before_they_are_missed() {
    let server = Server::start(&[&EC.jwk]);
    let provider = server.provider();
    let due = |at| provider.refresh_in(at, &Punctual).unwrap();
    assert_eq!(provider.refresh(NOW).await, Some(true));
    assert_eq!((provider.key_ids(NOW), due(NOW)), (vec!["ec".to_owned()], ages().refresh));
    assert_eq!(check(&provider, &server.token(&EC, "ec")).await, "accepted");
    assert_eq!(server.fetches(), 1, "the first token finds them there");

    let next = ec_key("next");
    server.publish(&[&next.jwk]);
    let later = NOW.plus(ages().refresh).minus(Duration::from_secs(15));
    assert_eq!(due(later), Duration::from_secs(15));
    assert_eq!(provider.refresh(later).await, Some(true));
    assert_eq!(provider.key_ids(later), ["next"]);
    assert_eq!(check_at(&provider, &server.token(&next, "next"), later).await, "accepted");
    assert_eq!(check_at(&provider, &server.token(&EC, "ec"), later).await, "oidc.key.unknown", "withdrawn");
    assert_eq!(provider.refresh(later).await, Some(true), "not asked again at once");
    assert_eq!(server.fetches(), 3);
}

#[tokio::test]
async fn an_outage_is_asked_through_ever_more_seldom() {
    let server = Server::start(&[&EC.jwk]);
    let provider = server.provider();
    assert_eq!(provider.refresh(NOW).await, Some(true));
    server.serve("/keys", 503, "");
    let mut at = NOW.plus(ages().refresh);
    for seconds in [30, 60, 120, 240, 300, 300] {
        assert_eq!(provider.refresh(at).await, Some(false));
        assert_eq!(provider.refresh_in(at, &Punctual), Some(Duration::from_secs(seconds)));
        assert_eq!(check_at(&provider, &server.token(&EC, "ec"), at).await, "accepted");
        at = at.plus(Duration::from_secs(seconds));
    }
    assert!(matches!(provider.key_state(at), KeyState::Stale { ref reason, .. } if reason.contains("503")));
    server.publish(&[&EC.jwk]);
    assert_eq!(provider.refresh(at).await, Some(true));
    assert_eq!(provider.refresh_in(at, &Punctual), Some(ages().refresh));
    let early = provider.refresh_in(at, &crate::entropy::SystemEntropy::new()).unwrap();
    assert!(early <= ages().refresh && early > ages().refresh * 9 / 10, "{early:?}");
}

/// What failed when nobody asked does not keep the first token from asking.
#[tokio::test]
async fn a_provider_that_came_up_late_is_found_by_the_first_token() {
    let server = Server::start(&[&EC.jwk]);
    let provider = server.provider();
    server.serve("/keys", 503, "");
    assert_eq!(provider.refresh(NOW).await, Some(false));
    server.publish(&[&EC.jwk]);
    assert_eq!(check(&provider, &server.token(&EC, "ec")).await, "accepted");
}

#[tokio::test]
async fn pinned_keys_are_not_fetched() {
    let pinned = provider();
    assert_eq!((pinned.refresh(NOW).await, pinned.refresh_in(NOW, &Punctual)), (None, None));
    assert_eq!(pinned.key_ids(NOW), ["rsa", "ec"]);
}

/// What a provider names, and where it stands, must not lead into our own network.
#[tokio::test]
async fn private_addresses_are_not_asked() {
    let server = Server::start(&[&EC.jwk]);
    let document = |jwks_uri: &str| {
        let document = json!({"issuer": server.issuer, "jwks_uri": jwks_uri}).to_string();
        server.serve("/.well-known/openid-configuration", 200, &document);
    };
    for address in ["10.0.0.1", "169.254.169.254", "[fd00:ec2::254]", "[::ffff:10.0.0.1]"] {
        document(&format!("https://{address}/latest"));
        let error = server.provider().verify(&server.token(&EC, "ec"), None, NOW).await.unwrap_err();
        assert_eq!((error.code(), error.check()), (VerifyCode::KeysUnavailable, "oidc.keys"));
        assert!(error.seen().contains("which is no public address"), "{}", error.seen());
    }
    document(&format!("{}/keys", server.issuer));
    assert_eq!(check(&server.provider(), &server.token(&EC, "ec")).await, "accepted");
}
