//! What a logout at the provider ends here, and what it does not.

use std::time::Duration;

use rolegate::clock::Clock;
use serde_json::json;

use super::world::{BACKCHANNEL, CONSOLE, OPS, World};

const SECOND: Duration = Duration::from_secs(1);
const EXPIRED: &str = "403 ExpiredToken";

#[actix_web::test]
async fn one_session_ends_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let ended = world.credentials(json!({"sid": "s1"})).await;
    let other = world.credentials(json!({"sid": "s2"})).await;
    let bob = world.credentials(json!({"sub": "bob", "sid": "s3"})).await;
    let (console, other_console) =
        (world.console_of(json!({"sid": "s1"})).await, world.console_of(json!({"sid": "s2"})).await);
    let token = world.signin_token(&ended).await.unwrap();
    assert_eq!((world.caller(&ended).await.as_str(), world.console(&console).await), ("200", 200));

    world.end("1", &json!({"sub": "ann", "sid": "s1"})).await;
    assert_eq!((world.caller(&ended).await.as_str(), world.console(&console).await), (EXPIRED, 303));
    assert_eq!(world.signin_token(&ended).await, None);
    assert_eq!(world.login(&token).await.heading(), "This sign-in link is no longer good");
    for still in [&other, &bob] {
        assert_eq!(world.caller(still).await, "200");
    }
    assert_eq!(world.console(&other_console).await, 200);
    world.stop().await;
}

/// The session's name is enough: the token need not say whose it is.
#[actix_web::test]
async fn a_session_ends_by_its_name_alone() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let ended = world.credentials(json!({"sid": "s1"})).await;
    let console = world.console_of(json!({"sid": "s1"})).await;
    let (other, unnamed) =
        (world.credentials(json!({"sid": "s2"})).await, world.credentials(json!({})).await);
    world.end("1", &json!({"sid": "s1"})).await;
    assert_eq!((world.caller(&ended).await.as_str(), world.console(&console).await), (EXPIRED, 303));
    assert_eq!(world.caller(&other).await, "200");
    assert_eq!(world.caller(&unnamed).await, "200", "nobody knows whose session it was");
    world.stop().await;
}

/// A token without `sid` might have come of the session that ends.
#[actix_web::test]
async fn an_unnamed_session_ends_with_any_of_the_persons() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let (ann, bob) = (world.credentials(json!({})).await, world.credentials(json!({"sub": "bob"})).await);
    let console = world.console_of(json!({})).await;
    world.end("1", &json!({"sub": "ann", "sid": "s9"})).await;
    assert_eq!((world.caller(&ann).await.as_str(), world.console(&console).await), (EXPIRED, 303));
    assert_eq!(world.caller(&bob).await, "200");
    world.stop().await;
}

#[actix_web::test]
async fn without_a_session_everything_of_a_person_ends() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let ann = [
        world.credentials(json!({"sid": "s1"})).await,
        world.credentials(json!({})).await,
        world.credentials(json!({"aud": "app", "sid": "s2"})).await,
    ];
    let bob = world.credentials(json!({"sub": "bob"})).await;
    let console = world.console_of(json!({"sid": "s3"})).await;
    world.end("1", &json!({"sub": "ann"})).await;
    for credentials in &ann {
        assert_eq!(world.caller(credentials).await, EXPIRED);
    }
    assert_eq!((world.console(&console).await, world.caller(&bob).await.as_str()), (303, "200"));
    world.stop().await;
}

/// What was asserted before opens nothing more; what comes later is a new login.
#[actix_web::test]
async fn tokens_of_before_are_over_too() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let (old, bobs) = (world.id_token(&json!({})), world.id_token(&json!({"sub": "bob"})));
    let away = world.begin().await;
    world.grants(&away, &json!({}));
    world.end("1", &json!({"sub": "ann"})).await;
    world.clock.advance(SECOND);
    assert_eq!(world.assume(&old).await.err().as_deref(), Some("400 ExpiredTokenException"));
    let late = world.back(&away).await;
    assert_eq!((late.status, late.heading().as_str()), (400, "This sign-in has expired"));
    assert!(world.assume(&bobs).await.is_ok());

    let again = world.credentials(json!({})).await;
    assert_eq!(world.caller(&again).await, "200");
    let answer = world.sign_in(&json!({})).await;
    assert_eq!(world.console(&answer.cookie(CONSOLE)).await, 200);
    world.stop().await;
}

/// A login that was begun after the logout is a new one, though the provider's clock be behind.
#[actix_web::test]
async fn clocks_that_differ_lock_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let before = world.begin().await;
    let (now, sid) = (world.clock.now().unix(), "s1");
    world.end("1", &json!({"sub": "ann", "sid": sid})).await;
    let behind = json!({"iat": now - 30, "sid": sid});
    assert_eq!(
        world.assume(&world.id_token(&behind)).await.err().as_deref(),
        Some("400 ExpiredTokenException")
    );
    world.grants(&before, &behind);
    assert_eq!(world.back(&before).await.heading(), "This sign-in has expired");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.sign_in(&behind).await.status, 303);
    world.stop().await;
}

/// Equal names at two providers are two.
#[actix_web::test]
async fn another_provider_ends_nothing_here() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let credentials = world.credentials(json!({"sid": "s1"})).await;
    let claims = world.logout_claims("1", &json!({"iss": world.other.url, "sub": "ann", "sid": "s1"}));
    let token =
        super::issuer::ATTACKER.sign(&json!({"alg": "ES256", "kid": "k", "typ": "logout+jwt"}), &claims);
    let form = [("logout_token", token.as_str())];
    assert_eq!(world.post("/oidc/other/backchannel-logout", &form, &[]).await.status, 200);
    assert_eq!(world.caller(&credentials).await, "200");
    world.stop().await;
}

#[actix_web::test]
async fn what_ended_stays_over_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let (ann, bob) = (world.credentials(json!({})).await, world.credentials(json!({"sub": "bob"})).await);
    let token = world.logout_token("1", &json!({"sub": "ann"}));
    assert_eq!(world.log_out(&token).await.0, 200);
    let world = world.restarted().await;
    assert_eq!((world.caller(&ann).await.as_str(), world.caller(&bob).await.as_str()), (EXPIRED, "200"));
    assert_eq!(world.log_out(&token).await.1, "the logout token was refused by the check replay");
    world.stop().await;
}

/// Held at once, and called done only when it lasts.
#[actix_web::test]
async fn a_store_that_is_down_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let credentials = world.credentials(json!({})).await;
    let token = world.logout_token("1", &json!({"sub": "ann"}));
    world.store.fail(true);
    let answer = world.post(BACKCHANNEL, &[("logout_token", &token)], &[]).await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        (&answer.headers["retry-after"], &answer.headers["cache-control"]),
        (&"10".parse().unwrap(), &"no-store".parse().unwrap())
    );
    assert!(answer.body.contains("\"error\":\"temporarily_unavailable\""), "{answer:?}");
    assert_eq!(world.caller(&credentials).await, EXPIRED, "this node holds to it");
    world.store.fail(false);
    assert_eq!(world.log_out(&token).await, (200, String::new()), "nothing was used up");
    let world = world.restarted().await;
    assert_eq!(world.caller(&credentials).await, EXPIRED);
    world.stop().await;
}

/// A token that was claimed, and whose effect was not saved, is made to last when it comes again. It
/// ends nothing more by that.
#[actix_web::test]
async fn what_was_not_saved_is_saved_by_the_next_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let before = world.credentials(json!({})).await;
    let token = world.logout_token("1", &json!({"sub": "ann"}));
    world.store.fail_to_revoke(true);
    assert_eq!(world.log_out(&token).await.0, 503);
    assert_eq!(world.log_out(&token).await.0, 503, "still not saved");
    world.clock.advance(SECOND);
    let after = world.credentials(json!({})).await;
    world.store.fail_to_revoke(false);
    assert_eq!(world.log_out(&token).await, (200, String::new()));
    assert_eq!(world.log_out(&token).await.1, "the logout token was refused by the check replay");
    let world = world.restarted().await;
    assert_eq!((world.caller(&before).await.as_str(), world.caller(&after).await.as_str()), (EXPIRED, "200"));
    world.stop().await;
}

/// Keys that can't be had are no reason to call a token bad.
#[actix_web::test]
async fn a_provider_without_keys_is_asked_to_try_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    world.issuer.serve("/keys", 500, &json!({}));
    let token = world.logout_token("1", &json!({"sub": "ann"}));
    let answer = world.post(BACKCHANNEL, &[("logout_token", &token)], &[]).await;
    assert_eq!((answer.status, answer.headers["retry-after"].to_str().unwrap()), (503, "10"));
    world.stop().await;
}

/// Nor does a role that is chosen after the logout.
#[actix_web::test]
async fn a_picker_that_waits_is_over_too() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let (ann, bob) = (world.begin().await, world.begin().await);
    world.grants(&ann, &json!({"groups": "ops", "sid": "s1"}));
    let anns = world.back(&ann).await;
    world.grants(&bob, &json!({"groups": ["ops"], "sub": "bob", "sid": "s2"}));
    let bobs = world.back(&bob).await;
    assert_eq!((anns.status, bobs.status), (200, 200));
    world.end("1", &json!({"sid": "s1"})).await;
    assert_eq!(world.choose(&ann, &anns, OPS).await.heading(), "This sign-in has expired");
    assert_eq!(world.choose(&bob, &bobs, OPS).await.status, 303);
    let redeemed = world.issuer.requests("/token");
    assert_eq!(redeemed.len(), 2, "choosing redeems nothing");
    assert!(redeemed[0].text.contains("code=c"), "{:?}", redeemed[0]);
    world.stop().await;
}
