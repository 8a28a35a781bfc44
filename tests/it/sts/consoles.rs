//! Consoles by credentials, at the federation endpoint: which may open one, for how long, and what becomes of the link.

use std::time::Duration;

use serde_json::json;

use super::{NEXT, START, ann, assume, bot, settings, world};
use crate::oauth::world::{Answer, Keys, World};

const SECOND: Duration = Duration::from_secs(1);
/// In-house portals, one of which links lead back to.
const CONSOLE: &str = "\n[console]\nissuers = [\"https://intranet.example.com\"]\n";
const PORTAL: &str = "https://intranet.example.com/consoles?of=ann";

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What `getSigninToken` answers for `keys`.
async fn asked(world: &World, keys: &Keys, more: &str) -> Answer {
    let session = json!({ "sessionId": keys.id, "sessionKey": keys.secret, "sessionToken": keys.token });
    let session = encoded(&session.to_string());
    world.get(&format!("/federation?Action=getSigninToken&Session={session}{more}"), &[]).await
}

async fn token(world: &World, keys: &Keys, more: &str) -> String {
    let answer = asked(world, keys, more).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["SigninToken"].as_str().unwrap().to_owned()
}

async fn login(world: &World, token: &str, issuer: &str) -> Answer {
    let issuer = encoded(issuer);
    world.get(&format!("/federation?Action=login&Issuer={issuer}&SigninToken={token}"), &[]).await
}

/// The browser's cookie.
fn cookie(opened: &Answer) -> String {
    assert_eq!(opened.status, 302, "{opened:?}");
    opened.header("set-cookie").split(';').next().unwrap().to_owned()
}

async fn console(world: &World, cookie: &str) -> Answer {
    world.get("/console", &[("cookie", cookie)]).await
}

async fn federated(world: &World, seconds: &str) -> Keys {
    let call = [("Action", "GetFederationToken"), ("Name", "cleo"), ("DurationSeconds", seconds)];
    world.signed(&bot(), &call).await.keys()
}

/// Whose credentials open a console, and how long it lasts: facts 4.2.
#[actix_web::test]
async fn each_kind_of_credentials_has_its_rule() {
    let world = world().await;
    let start = assume(&world, &bot(), START, &[]).await.keys();
    let next = assume(&world, &start, NEXT, &[]).await.keys();
    let cleo = federated(&world, "900").await;
    let long = federated(&world, "129600").await;
    let session = world.signed(&ann(), &[("Action", "GetSessionToken")]).await.keys();
    let by_session = assume(&world, &session, START, &[]).await.keys();
    let user = Keys { token: Some(String::new()), ..bot() };
    let hours = |count: u32| Ok(format!("({count} h 00 min left)"));
    let of_user =
        Err("credentials of a user open no console; those of AssumeRole* and GetFederationToken do");
    let of_cleo =
        Err("SessionDuration is not for credentials of GetFederationToken, whose DurationSeconds says it");
    let chained =
        Err("SessionDuration is 3601; it must be 900 to 3600 seconds where one role assumed another");
    let bad = Err("Invalid Credentials Parameter");
    for (what, keys, more, expected) in [
        ("a role", &start, "", hours(1)),
        ("a role, for longer", &start, "&SessionDuration=43200", hours(12)),
        ("a chained role", &next, "", hours(1)),
        ("a chained role, for an hour", &next, "&SessionDuration=3600", hours(1)),
        ("a chained role, for longer", &next, "&SessionDuration=3601", chained),
        ("a role by a user's temporary credentials", &by_session, "&SessionDuration=43200", hours(12)),
        ("somebody", &cleo, "", Ok("(0 h 15 min left)".to_owned())),
        ("somebody, for longer", &cleo, "&SessionDuration=900", of_cleo),
        ("somebody for 36 hours", &long, "", hours(12)),
        ("a user's temporary credentials", &session, "", of_user),
        ("a user's key", &user, "", bad),
    ] {
        let answer = asked(&world, keys, more).await;
        match expected {
            Ok(left) => {
                assert_eq!(answer.status, 200, "{what}: {answer:?}");
                let opened = login(&world, answer.json()["SigninToken"].as_str().unwrap(), "x").await;
                let page = console(&world, &cookie(&opened)).await.body;
                assert!(page.contains(&left), "{what}: {left} in {page}");
            }
            Err(text) => {
                assert_eq!(answer.status, 400, "{what}: {answer:?}");
                assert!(answer.body.contains(text), "{what}: {answer:?}");
            }
        }
    }
}

/// It says whom the user made it for, and ends with the user's word.
#[actix_web::test]
async fn somebody_whom_a_user_made_credentials_for_has_a_console() {
    let world = world().await;
    let keys = federated(&world, "3600").await;
    let unused = token(&world, &keys, "").await;
    let cookie = cookie(&login(&world, &token(&world, &keys, "").await, "x").await);
    let page = console(&world, &cookie).await;
    assert_eq!(page.status, 200, "{page:?}");
    for part in ["<h1>cleo</h1>", "arn:aws:sts::111122223333:federated-user/cleo", "111122223333"] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    for part in ["<dt>Role</dt>", "<dt>Person</dt>", "End all my sessions"] {
        assert!(!page.body.contains(part), "{part} in {}", page.body);
    }
    let mine = world.get("/portal/sessions", &[("cookie", &cookie)]).await;
    assert_eq!(mine.status, 200, "{mine:?}");
    let without =
        settings().replace("AKIABOTBOTBOTBOTBOTB", "AKIABOTBOTBOTBOTNEWB").replace("ci/bot", "ci/new");
    let world = world.again(&without).await;
    assert_eq!(console(&world, &cookie).await.status, 303, "the user is gone");
    assert_eq!(login(&world, &unused, "x").await.status, 400);
}

#[actix_web::test]
async fn a_link_opens_once_unless_it_is_to_be_reused() {
    for (more, again) in [("", 400), ("\n[console]\nreuse_signin_tokens = true\n", 302)] {
        let world = World::configured(&format!("{}{more}", settings())).await;
        let keys = assume(&world, &bot(), START, &[]).await.keys();
        let token = token(&world, &keys, "").await;
        assert_eq!(login(&world, &token, "x").await.status, 302);
        assert_eq!(login(&world, &token, "x").await.status, again, "{more}");
        world.clock.advance(15 * 60 * SECOND);
        let stale = login(&world, &token, "x").await;
        assert_eq!(stale.status, 400);
        assert!(stale.body.contains("href=\"/portal\""), "{stale:?}");
    }
}

#[actix_web::test]
async fn who_comes_too_late_is_led_back() {
    let world = World::configured(&format!("{}{CONSOLE}", settings())).await;
    let keys = assume(&world, &bot(), START, &[]).await.keys();
    let token = async || token(&world, &keys, "&SessionDuration=900").await;
    let (used, elsewhere) = (token().await, token().await);
    let at_issuers = cookie(&login(&world, &used, PORTAL).await);
    let at_ours = cookie(&login(&world, &elsewhere, "https://evil.example/").await);
    let stale = login(&world, &used, PORTAL).await;
    assert_eq!(stale.status, 400);
    let link = "href=\"https://intranet.example.com/consoles?of=ann\">Get a new link</a>";
    assert!(stale.body.contains(link), "{stale:?}");
    for foreign in ["https://evil.example/", "Example.org", "javascript:alert(1)", ""] {
        let stale = login(&world, &used, foreign).await;
        assert!(stale.body.contains("href=\"/portal\">To the sign-in page</a>"), "{foreign}: {stale:?}");
    }
    world.clock.advance(899 * SECOND);
    assert_eq!(console(&world, &at_issuers).await.status, 200);
    world.clock.advance(SECOND);
    for (cookie, leads_to) in [(&at_issuers, PORTAL), (&at_ours, "/portal")] {
        let over = console(&world, cookie).await;
        assert_eq!((over.status, over.header("location")), (303, leads_to));
    }
    let without = world.again(&settings()).await;
    assert_eq!(console(&without, &at_issuers).await.header("location"), "/portal", "no issuer any more");
}
