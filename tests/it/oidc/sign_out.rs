//! A person signs out, and goes to the provider to sign out there.

use std::collections::BTreeMap;
use std::time::Duration;

use rolegate::clock::Clock;
use serde_json::json;
use url::Url;

use super::world::{Answer, CONSOLE, LOGOUT, OURS, World};

const HERE: &str = "Credentials and console sessions that came of this sign-in no longer work.";
const EXPIRED: &str = "403 ExpiredToken";

fn query(answer: &Answer) -> BTreeMap<String, String> {
    assert_eq!(answer.status, 303, "{answer:?}");
    Url::parse(&answer.location).unwrap().query_pairs().into_owned().collect()
}

#[actix_web::test]
async fn the_login_ends_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let credentials = world.credentials(json!({"sid": "s1"})).await;
    let other = world.credentials(json!({"sid": "s2"})).await;
    let console = world.console_of(json!({"sid": "s1"})).await;
    let page = world.get("/console", Some(&format!("{CONSOLE}={console}"))).await;
    let allowed = format!("form-action 'self' {} https:;", world.issuer.url);
    assert!(page.policy.contains(&allowed), "{}", page.policy);

    let answer = world.sign_out(&console).await;
    assert!(answer.location.starts_with(&format!("{}/end?t=1&", world.issuer.url)), "{answer:?}");
    let mut sent = query(&answer);
    let state = sent.remove("state").unwrap();
    assert_eq!(state.len(), 43);
    let expected = [
        ("t", "1"),
        ("client_id", "broker"),
        ("post_logout_redirect_uri", &format!("{OURS}/oidc/staff/signed-out")),
        ("logout_hint", "s1"),
    ];
    assert_eq!(sent, expected.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect());
    assert_eq!(answer.cookie(CONSOLE), "");
    assert_eq!((world.caller(&credentials).await.as_str(), world.console(&console).await), (EXPIRED, 303));
    assert_eq!(world.caller(&other).await, "200", "another session");

    let cookie = format!("{LOGOUT}={}", answer.cookie(LOGOUT));
    let landed = world.get(&format!("/oidc/staff/signed-out?state={state}"), Some(&cookie)).await;
    assert_eq!((landed.status, landed.heading().as_str()), (200, "You are signed out"));
    assert!(landed.body.contains("You are signed out here and at your identity provider."), "{landed:?}");
    assert_eq!(landed.cookie(LOGOUT), "");
    world.stop().await;
}

#[actix_web::test]
async fn who_comes_back_is_who_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let answer = world.sign_out(&world.console_of(json!({"sid": "s1"})).await).await;
    let (state, cookie) = (query(&answer)["state"].clone(), format!("{LOGOUT}={}", answer.cookie(LOGOUT)));
    let (good, forged) = (format!("/oidc/staff/signed-out?state={state}"), format!("{LOGOUT}=Zm9yZ2Vk"));
    let other = format!("/oidc/other/signed-out?state={state}");
    for (path, cookie) in [
        (good.as_str(), None),
        (&good, Some(forged.as_str())),
        ("/oidc/staff/signed-out", Some(&cookie)),
        ("/oidc/staff/signed-out?state=", Some(&cookie)),
        (&format!("{good}x"), Some(&cookie)),
        (&other, Some(&cookie)),
    ] {
        let landed = world.get(path, cookie).await;
        let shown = (landed.status, landed.heading());
        assert_eq!(shown, (400, "This sign-out did not start here".to_owned()), "{path} {cookie:?}");
        assert!(landed.cookies.is_empty(), "{path}");
    }
    world.clock.advance(Duration::from_secs(15 * 60 - 1));
    assert_eq!(world.get(&good, Some(&cookie)).await.status, 200);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.get(&good, Some(&cookie)).await.status, 400);
    world.stop().await;
}

/// Where the provider has no place for it, the login ends here all the same.
#[actix_web::test]
async fn some_sign_outs_stay_here() {
    for endpoint in
        [json!(null), json!("http://idp.example.com/end"), json!("/end"), json!("javascript:alert(1)")]
    {
        let folder = tempfile::tempdir().unwrap();
        let world = World::start(folder.path()).await;
        world.issuer.discovery(&json!({ "end_session_endpoint": endpoint }));
        let console = world.console_of(json!({"sid": "s1"})).await;
        let page = world.get("/console", Some(&format!("{CONSOLE}={console}"))).await;
        assert!(page.policy.contains("form-action 'self' ;"), "{}", page.policy);
        let answer = world.sign_out(&console).await;
        assert!(answer.status == 200 && answer.body.contains(HERE), "{answer:?}");
        assert_eq!(world.console(&console).await, 303, "{endpoint}");
        world.stop().await;
    }
}

/// By credentials the way led through the STS API, where the provider signed nobody in.
#[actix_web::test]
async fn a_console_by_credentials_ends_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let credentials = world.credentials(json!({"jti": "1"})).await;
    let phone = world.credentials(json!({"jti": "2"})).await;
    let browser = world.console_of(json!({})).await;
    let token = world.signin_token(&credentials).await.unwrap();
    let console = world.login(&token).await.cookie(CONSOLE);
    assert_eq!(world.console(&console).await, 200);
    let answer = world.sign_out(&console).await;
    assert!(answer.status == 200 && answer.body.contains(HERE), "{answer:?}");
    assert_eq!((world.caller(&credentials).await.as_str(), world.console(&console).await), (EXPIRED, 303));
    assert_eq!(world.caller(&phone).await, "200", "who leaves the console does not stop their phone");
    assert_eq!(world.console(&browser).await, 200);

    let answer = world.sign_out(&browser).await;
    assert_eq!(query(&answer).get("logout_hint"), None, "the provider has no name for it");
    assert_eq!((world.caller(&phone).await.as_str(), world.console(&browser).await), ("200", 303));
    world.stop().await;
}

/// The provider's session may outlive a sign-out that it did not hear of: signing in again works.
#[actix_web::test]
async fn who_signs_out_may_sign_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let console = world.console_of(json!({"sid": "s1"})).await;
    world.sign_out(&console).await;
    world.clock.advance(Duration::from_millis(1));
    let again = world.console_of(json!({"sid": "s1"})).await;
    assert_eq!((world.console(&console).await, world.console(&again).await), (303, 200));
    world.stop().await;
}

#[actix_web::test]
async fn a_sign_out_that_does_not_last_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let console = world.console_of(json!({"sid": "s1"})).await;
    world.store.fail(true);
    let answer = world.sign_out(&console).await;
    let shown = (answer.status, answer.heading());
    assert_eq!(shown, (503, "You are not signed out everywhere".to_owned()));
    assert_eq!((answer.cookie(CONSOLE).as_str(), world.console(&console).await), ("", 303));
    world.stop().await;
}

/// The provider's clock may be ahead as far as is borne; then a token of before the sign-out is dated after it.
#[actix_web::test]
async fn a_token_of_before_is_over_though_its_clock_is_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let ahead = world.clock.now().unix() + 50;
    let token = world.id_token(&json!({"sid": "s1", "iat": ahead}));
    let credentials = world.assume(&token).await.unwrap();
    let console = world.console_of(json!({"sid": "s1", "iat": ahead})).await;
    world.sign_out(&console).await;
    assert_eq!(world.caller(&credentials).await, EXPIRED);
    assert_eq!(world.assume(&token).await.err().unwrap(), "400 ExpiredTokenException");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.sign_in(&json!({"sid": "s1"})).await.status, 303, "a new login is new by its nonce");
    world.clock.advance(Duration::from_secs(60));
    assert!(world.assume(&world.id_token(&json!({"sid": "s1"}))).await.is_ok(), "what is asserted later");
    world.stop().await;
}
