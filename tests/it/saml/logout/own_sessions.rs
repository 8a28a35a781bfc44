//! People see what is open for them, and end one of it.

use std::time::Duration;

use rolegate::clock::Clock as _;
use rolegate::store::Store as _;
use serde_json::Value;

use super::super::fixture::OURS;
use super::world::{Answer, CONSOLE, Credentials, World};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0";
const PHONE: &str =
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36";
const SECOND: Duration = Duration::from_secs(1);

/// Signs `subject` in by a browser that calls itself so.
async fn browser(world: &World, user_agent: &str, subject: &str, index: &str) -> String {
    let response = world.response(subject, Some(index), world.clock.now());
    let sent =
        world.post("/saml/corp/acs", &[("SAMLResponse", &response)], &[("user-agent", user_agent)]).await;
    assert_eq!(sent.status, 303, "{sent:?}");
    sent.cookie(CONSOLE)
}

/// The page of whoever has `cookie`.
async fn page(world: &World, cookie: &str) -> Answer {
    world.store.flushed().await.unwrap();
    world.get("/portal/sessions", Some(&format!("{CONSOLE}={cookie}"))).await
}

/// Each entry of the page: what it is, and what its button sends.
async fn listed(world: &World, cookie: &str) -> Vec<(String, Option<String>)> {
    let page = page(world, cookie).await;
    assert_eq!((page.status, page.heading().as_str()), (200, "Your sessions"));
    let between = |text: &str, from: &str, to: &str| {
        text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(found, _)| found.to_owned())
    };
    let entry = |entry: &str| {
        let what = between(entry, "\">", "</strong>").unwrap();
        let here = if entry.contains(">This browser<") { ", this one" } else { "" };
        (what + here, between(entry, "name=\"end\" value=\"", "\""))
    };
    page.body.split("<strong id=\"").skip(1).map(entry).collect()
}

async fn names(world: &World, cookie: &str) -> Vec<String> {
    listed(world, cookie).await.into_iter().map(|(name, _)| name).collect()
}

async fn press(world: &World, cookie: &str, id: &str, origin: &str) -> Answer {
    let cookie = format!("{CONSOLE}={cookie}");
    world.post("/portal/sessions", &[("end", id)], &[("cookie", &cookie), ("origin", origin)]).await
}

/// Presses the button of what is called `name`.
async fn end(world: &World, cookie: &str, name: &str) {
    let listed = listed(world, cookie).await;
    let id = listed.iter().find_map(|(what, id)| (what == name).then(|| id.clone().unwrap())).unwrap();
    let ended = press(world, cookie, &id, OURS).await;
    assert_eq!((ended.status, ended.location.as_str()), (303, "/portal/sessions"));
}

#[actix_web::test]
async fn each_of_ones_own_is_shown_and_ended_alone() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let mine = browser(&world, FIREFOX, "ann", "_s1").await;
    world.clock.advance(SECOND);
    let phone = browser(&world, PHONE, "ann", "_s2").await;
    world.clock.advance(SECOND);
    let bobs = browser(&world, PHONE, "bob", "_s3").await;
    let (one, two) = (world.credentials("ann", None).await, world.credentials("ann", None).await);
    let bobs_own = world.credentials("bob", None).await;
    let named = |credentials: &Credentials| format!("Credentials {}", credentials.access_key_id);
    let mut all = names(&world, &mine).await;
    assert_eq!(all.drain(..2).collect::<Vec<_>>(), ["Firefox on Linux, this one", "Chrome on Android"]);
    all.sort();
    let mut expected = [named(&one), named(&two)];
    expected.sort();
    assert_eq!(all, expected);
    assert_eq!(names(&world, &bobs).await, ["Chrome on Android, this one".to_owned(), named(&bobs_own)]);
    let shown = page(&world, &mine).await.body;
    for part in ["Dev in 111122223333, as session, from 127.0.0.1", "<strong>ann</strong>"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }

    end(&world, &mine, &named(&one)).await;
    assert_eq!(world.caller(&one).await, "403 ExpiredToken");
    end(&world, &mine, "Chrome on Android").await;
    assert_eq!((world.console(&phone).await, world.console(&mine).await), (303, 200));
    assert_eq!(names(&world, &mine).await, ["Firefox on Linux, this one".to_owned(), named(&two)]);
    assert_eq!((world.caller(&two).await, world.caller(&bobs_own).await), ("200".into(), "200".into()));
    assert_eq!(world.console(&bobs).await, 200);
    world.stop().await;
}

/// With the browser, all ends that came of its sign-in, unless that is the sign-in of who asks.
#[actix_web::test]
async fn a_browser_is_ended_with_its_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let mine = browser(&world, FIREFOX, "ann", "_s1").await;
    browser(&world, PHONE, "ann", "_s2").await;
    let (by_theirs, by_mine) =
        (world.credentials("ann", Some("_s2")).await, world.credentials("ann", Some("_s1")).await);
    end(&world, &mine, "Chrome on Android").await;
    assert_eq!(world.caller(&by_theirs).await, "403 ExpiredToken");
    world.clock.advance(SECOND);
    let copied = browser(&world, PHONE, "ann", "_s1").await;
    end(&world, &mine, "Chrome on Android").await;
    assert_eq!((world.console(&copied).await, world.console(&mine).await), (303, 200));
    assert_eq!(world.caller(&by_mine).await, "200");
    world.stop().await;
}

#[actix_web::test]
async fn only_ones_own_page_ends_and_only_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let (mine, bobs) =
        (browser(&world, FIREFOX, "ann", "_s1").await, browser(&world, PHONE, "bob", "_s2").await);
    let phone = browser(&world, PHONE, "ann", "_s3").await;
    let id = listed(&world, &mine).await[1].1.clone().unwrap();
    for (cookie, origin, status) in
        [(&mine, "https://evil.example", 403), (&bobs, OURS, 303), (&"forged".to_owned(), OURS, 303)]
    {
        assert_eq!(press(&world, cookie, &id, origin).await.status, status, "{origin}");
        assert_eq!(world.console(&phone).await, 200, "{origin}");
    }
    assert_eq!(press(&world, "forged", &id, OURS).await.location, "/portal");
    assert_eq!(world.get("/portal/sessions", None).await.location, "/portal");
    let own = format!("{CONSOLE}={mine}");
    assert_eq!(world.get(&format!("/portal/sessions?end={id}"), Some(&own)).await.status, 200);
    assert_eq!(world.post("/portal/sessions", &[("start", &id)], &[("cookie", &own)]).await.status, 400);
    assert_eq!(world.console(&phone).await, 200);
    assert_eq!((press(&world, &mine, &id, OURS).await.status, world.console(&phone).await), (303, 303));
    assert_eq!(press(&world, &mine, &id, OURS).await.status, 303, "over already, as it should be");
    world.stop().await;
}

/// Each is remembered, so they are bounded.
#[actix_web::test]
async fn who_ends_too_many_must_wait() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let mine = browser(&world, FIREFOX, "ann", "_s1").await;
    for _ in 0..30 {
        assert_eq!(press(&world, &mine, "none", OURS).await.status, 303);
    }
    let refused = press(&world, &mine, "none", OURS).await;
    assert_eq!((refused.status, refused.heading().as_str()), (429, "Too many sessions were ended"));
    world.clock.advance(10 * SECOND);
    assert_eq!(press(&world, &mine, "none", OURS).await.status, 303);
    world.stop().await;
}

#[actix_web::test]
async fn a_store_that_fails_shows_nothing_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let mine = browser(&world, FIREFOX, "ann", "_s1").await;
    let phone = browser(&world, PHONE, "ann", "_s2").await;
    let id = listed(&world, &mine).await[1].1.clone().unwrap();
    let own = format!("{CONSOLE}={mine}");
    world.store.fail(true);
    for answer in [world.get("/portal/sessions", Some(&own)).await, press(&world, &mine, &id, OURS).await] {
        let heading = "Your sessions are out of reach at the moment";
        assert_eq!((answer.status, answer.heading().as_str()), (503, heading));
    }
    world.store.fail(false);
    world.store.fail_to_revoke(true);
    assert_eq!(press(&world, &mine, &id, OURS).await.status, 503);
    assert_eq!((world.console(&mine).await, world.console(&phone).await), (200, 303), "here it holds");
    world.stop().await;
}

/// An app that asks again is one entry, with what it got; it is ended with that.
#[actix_web::test]
async fn an_app_is_shown_as_one_and_ended_with_all_that_it_got() {
    let folder = tempfile::tempdir().unwrap();
    let client = "[[client]]\nid = \"photo-app\"\ngrants = [\"token-exchange\", \"refresh\"]\nproviders = [\"corp\"]\n\
                  refresh_idle = \"30m\"\n";
    let world = World::with(folder.path(), client).await;
    let mine = browser(&world, FIREFOX, "ann", "_s1").await;
    let response = world.response("ann", Some("_s9"), world.clock.now());
    let asked = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", "photo-app"),
        ("subject_token", &response),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:saml2"),
        ("role", "arn:aws:iam::111122223333:role/Dev"),
        ("requested_token_type", "urn:rolegate:params:oauth:token-type:aws-credentials"),
    ];
    let json = |answer: &Answer| serde_json::from_str::<Value>(&answer.body).unwrap();
    let given = json(&world.post("/oauth2/token", &asked, &[("user-agent", "Photos/7.1")]).await);
    let refresh = async |token: &Value| {
        let token = token.as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("client_id", "photo-app"), ("refresh_token", token)];
        world.post("/oauth2/token", &form, &[]).await
    };
    world.clock.advance(SECOND);
    let again = json(&refresh(&given["refresh_token"]).await);
    let alone = world.credentials("ann", Some("_s9")).await;
    let names = names(&world, &mine).await;
    assert_eq!(names[..2], ["Firefox on Linux, this one", "photo-app"]);
    assert_eq!(names[2..], [format!("Credentials {}", alone.access_key_id)]);

    end(&world, &mine, "photo-app").await;
    assert_eq!(refresh(&again["refresh_token"]).await.status, 400);
    for given in [&given, &again] {
        let got = Credentials::of(&given["credentials"]);
        assert_eq!(world.caller(&got).await, "403 ExpiredToken");
    }
    assert_eq!(world.caller(&alone).await, "200");
    assert_eq!(self::names(&world, &mine).await.len(), 2);

    let response = world.response("ann", Some("_s9"), world.clock.now());
    let asked = asked.map(|(name, value)| (name, if name == "subject_token" { &response } else { value }));
    assert_eq!(world.post("/oauth2/token", &asked, &[]).await.status, 200);
    assert!(self::names(&world, &mine).await.contains(&"photo-app".to_owned()));
    world.clock.advance(30 * 60 * SECOND);
    assert!(!self::names(&world, &mine).await.contains(&"photo-app".to_owned()), "it may ask no more");
    world.stop().await;
}

/// A browser where nobody was for too long is signed out.
#[actix_web::test]
async fn what_is_over_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), "[console]\nidle = \"30m\"\n").await;
    let mine = browser(&world, FIREFOX, "ann", "_s1").await;
    browser(&world, PHONE, "ann", "_s2").await;
    world.clock.advance(29 * 60 * SECOND);
    let noted = page(&world, &mine).await.cookie(CONSOLE);
    world.clock.advance(60 * SECOND);
    assert_eq!(names(&world, &noted).await, ["Firefox on Linux, this one"]);
    let shown = page(&world, &noted).await.body;
    assert!(shown.contains("last <time datetime=\"2026-11-22T12:29:00Z\">"), "{shown}");
    world.stop().await;
}

/// A browser that signs in again, and by another role, is the same.
#[actix_web::test]
async fn a_browser_that_signs_in_again_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let first = browser(&world, FIREFOX, "ann", "_s1").await;
    let credentials = world.credentials("ann", Some("_s1")).await;
    let token = world.signin_token(&credentials).await.unwrap();
    world.clock.advance(SECOND);
    let path = format!("/federation?Action=login&SigninToken={token}");
    let again = world.get(&path, Some(&format!("{CONSOLE}={first}"))).await.cookie(CONSOLE);
    let names = names(&world, &again).await;
    assert_eq!(names[1..], [format!("Credentials {}", credentials.access_key_id)]);
    assert!(names[0].ends_with(", this one"), "{names:?}");
    world.stop().await;
}

#[actix_web::test]
async fn of_too_many_browsers_the_first_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), "[console]\nmost_sessions = 2\n").await;
    let one = browser(&world, FIREFOX, "ann", "_s1").await;
    let bobs = browser(&world, FIREFOX, "bob", "_s1").await;
    world.clock.advance(SECOND);
    let two = browser(&world, FIREFOX, "ann", "_s2").await;
    let credentials = world.credentials("ann", Some("_s1")).await;
    assert_eq!((world.console(&one).await, world.console(&two).await), (200, 200));
    world.clock.advance(SECOND);
    let three = browser(&world, PHONE, "ann", "_s3").await;
    let open = [world.console(&one).await, world.console(&two).await, world.console(&three).await];
    assert_eq!(open, [303, 200, 200]);
    assert_eq!((world.console(&bobs).await, world.caller(&credentials).await), (200, "200".into()));
    world.clock.advance(SECOND);
    let token = world.signin_token(&credentials).await.unwrap();
    let path = format!("/federation?Action=login&SigninToken={token}");
    let again = world.get(&path, Some(&format!("{CONSOLE}={three}"))).await.cookie(CONSOLE);
    let open = [world.console(&two).await, world.console(&again).await];
    assert_eq!(open, [200, 200], "the same browser once more");
    world.stop().await;
}

/// One that can't be counted is not let in: the limit is a rule of those in charge.
#[actix_web::test]
async fn nobody_comes_in_uncounted() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), "[console]\nmost_sessions = 1\n").await;
    let one = browser(&world, FIREFOX, "ann", "_s1").await;
    world.store.fail_to_revoke(true);
    let response = world.response("ann", Some("_s2"), world.clock.now().plus(SECOND));
    world.clock.advance(SECOND);
    let refused = world.post("/saml/corp/acs", &[("SAMLResponse", &response)], &[]).await;
    assert_eq!((refused.status, refused.cookies.len()), (503, 0));
    assert_eq!(world.console(&one).await, 303, "whom it was to replace, it ended here");
    world.stop().await;
}

#[actix_web::test]
async fn a_cookie_elsewhere_opens_nothing() {
    for (bound_to, elsewhere) in [("", 200), ("bound_to = [\"program\"]", 303)] {
        let folder = tempfile::tempdir().unwrap();
        let world = World::with(folder.path(), &format!("[console]\n{bound_to}\n")).await;
        let mine = browser(&world, FIREFOX, "ann", "_s1").await;
        let newer = FIREFOX.replace("133", "134");
        for (user_agent, status) in [(FIREFOX, 200), (&newer, 200), (PHONE, elsewhere), ("curl/8", elsewhere)]
        {
            let asked = world.get_as(user_agent, "/console", &format!("{CONSOLE}={mine}")).await;
            assert_eq!(asked.status, status, "{bound_to} {user_agent}");
        }
        world.stop().await;
    }
}

/// Nor do they hide a browser from being counted.
#[actix_web::test]
async fn many_credentials_hide_no_browser() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), "[console]\nmost_sessions = 1\n").await;
    let one = browser(&world, FIREFOX, "ann", "_s1").await;
    world.clock.advance(SECOND);
    for _ in 0..301 {
        world.credentials("ann", Some("_s9")).await;
    }
    let shown = names(&world, &one).await;
    assert_eq!((shown[0].as_str(), shown.len()), ("Firefox on Linux, this one", 301));
    browser(&world, PHONE, "ann", "_s2").await;
    assert_eq!(world.console(&one).await, 303);
    world.stop().await;
}
