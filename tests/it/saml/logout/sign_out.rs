//! A person signs out, and the provider is told.

use std::time::Duration;

use rolegate::clock::Clock;
use rolegate::store::Revocations;

use super::super::fixture::{ATTACKER, OURS, swap};
use super::fixture::{RESPONSE, deflated, form, redirect, signed, signed_query};
use super::world::{Answer, CONSOLE, LOGOUT, World};

const SIGN_OUT: [(&str, &str); 1] = [("Action", "logout")];
const HERE: &str = "Credentials and console sessions that came of this sign-in no longer work.";

async fn sign_out(world: &World, cookie: &str, headers: &[(&str, &str)]) -> Answer {
    let cookie = format!("{CONSOLE}={cookie}");
    world.post("/federation", &SIGN_OUT, &[headers, &[("cookie", cookie.as_str())]].concat()).await
}

/// The request that the browser is sent on with.
fn sent(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    let query = answer.location.strip_prefix("https://idp.example.com/slo?t=1&").unwrap();
    let packed = url::form_urlencoded::parse(query.as_bytes()).next().unwrap().1.into_owned();
    let deflated = base64_simd::STANDARD.decode_to_vec(packed).unwrap();
    String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&deflated).unwrap()).unwrap()
}

fn id(xml: &str) -> &str {
    xml.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0
}

#[actix_web::test]
async fn the_login_ends_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let credentials = world.credentials("ann", Some("_s1")).await;
    let other = world.credentials("ann", Some("_s2")).await;
    let console = world.console_of("ann", Some("_s1")).await;
    let page = world.get("/console", Some(&format!("{CONSOLE}={console}"))).await;
    assert!(page.policy.contains("form-action 'self' https://idp.example.com https:;"), "{}", page.policy);

    let answer = sign_out(&world, &console, &[("origin", OURS), ("sec-fetch-site", "same-origin")]).await;
    let request = sent(&answer);
    assert!(
        request.contains("nameid-format:persistent\">ann</saml:NameID><samlp:SessionIndex>_s1<"),
        "{request}"
    );
    assert_eq!(answer.cookie(CONSOLE), "");
    assert_eq!(
        (world.caller(&credentials).await.as_str(), world.console(&console).await),
        ("403 ExpiredToken", 303)
    );
    assert_eq!(world.caller(&other).await, "200", "another session");

    let logout = format!("{LOGOUT}={}", answer.cookie(LOGOUT));
    let response = swap(RESPONSE, "_logout", id(&request));
    let back = |query: String| format!("/saml/corp/slo?{query}");
    let landed = world.get(&back(redirect(&response)), Some(&logout)).await;
    assert_eq!((landed.status, landed.heading().as_str()), (200, "You are signed out"));
    assert!(landed.body.contains("You are signed out here and at your identity provider."), "{landed:?}");
    assert_eq!(landed.cookie(LOGOUT), "");
    let partial = "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:PartialLogout\"></samlp:StatusCode></samlp:StatusCode>";
    let partial = redirect(&swap(&response, "</samlp:StatusCode>", partial));
    let landed = world.get(&back(partial), Some(&logout)).await;
    assert!(landed.body.contains("could not sign you out everywhere"), "{landed:?}");
    let failed = redirect(&swap(&response, "status:Success", "status:Requester"));
    let landed = world.get(&back(failed), Some(&logout)).await;
    assert!(landed.body.contains("you are not signed out there"), "{landed:?}");
    world.stop().await;
}

#[actix_web::test]
async fn an_answer_belongs_to_a_sign_out_of_this_browser() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let console = world.console_of("ann", Some("_s1")).await;
    let answer = sign_out(&world, &console, &[]).await;
    let cookie = format!("{LOGOUT}={}", answer.cookie(LOGOUT));
    let query = redirect(&swap(RESPONSE, "_logout", id(&sent(&answer))));
    let path = format!("/saml/corp/slo?{query}");
    let other = format!("/saml/corp/slo?{}", redirect(RESPONSE));
    let forged = format!("{LOGOUT}=Zm9yZ2Vk");
    for (path, cookie) in [(&path, None), (&other, Some(cookie.as_str())), (&path, Some(forged.as_str()))] {
        let landed = world.get(path, cookie).await;
        assert_eq!((landed.status, landed.heading().as_str()), (400, "This sign-out did not start here"));
    }
    let theirs = swap(RESPONSE, "_logout", id(&sent(&answer)));
    let theirs = swap(&theirs, "https://idp.example.com/metadata", "https://idp.other.example/metadata");
    let theirs = deflated(&swap(&theirs, "/saml/corp/slo", "/saml/other/slo"));
    let theirs = signed_query(&ATTACKER, &[("SAMLResponse", &theirs)]);
    let landed = world.get(&format!("/saml/other/slo?{theirs}"), Some(&cookie)).await;
    assert_eq!(landed.heading(), "This sign-out did not start here", "another provider answers");
    world.clock.advance(Duration::from_secs(120));
    assert_eq!(world.get(&path, Some(&cookie)).await.heading(), "You are signed out");
    let posted = form(&signed(&swap(RESPONSE, "_logout", id(&sent(&answer)))));
    let fields: Vec<_> = url::form_urlencoded::parse(posted.as_bytes()).into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let landed = world.post("/saml/corp/slo", &fields, &[("cookie", cookie.as_str())]).await;
    assert_eq!(landed.heading(), "You are signed out", "by POST as well");
    world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(world.get(&path, Some(&cookie)).await.heading(), "This sign-out has expired");
    world.stop().await;
}

/// Only a page of ours may press the button, and a link does not revoke.
#[actix_web::test]
async fn other_sites_sign_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let credentials = world.credentials("ann", Some("_s1")).await;
    let console = world.console_of("ann", Some("_s1")).await;
    let (site, same) = ("sec-fetch-site", "same-origin");
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("origin", "https://broker.example.com.evil.example")],
        &[("origin", "http://broker.example.com")],
        &[("origin", OURS), (site, "cross-site")],
        &[("origin", OURS), (site, "same-site")],
        &[(site, "none")],
        &[("origin", "https://evil.example"), (site, same)],
    ] {
        let answer = sign_out(&world, &console, headers).await;
        assert_eq!((answer.status, answer.heading().as_str()), (403, "Not from here"), "{headers:?}");
        assert!(answer.cookies.is_empty(), "{headers:?}");
    }
    let cookie = format!("{CONSOLE}={console}");
    let link = world.get("/federation?Action=logout", Some(&cookie)).await;
    assert_eq!((link.status, link.cookie(CONSOLE).as_str()), (302, ""));
    assert_eq!((world.caller(&credentials).await.as_str(), world.console(&console).await), ("200", 200));
    for headers in [&[("origin", OURS)][..], &[(site, same)], &[]] {
        let console = world.console_of("ann", Some("_s1")).await;
        let answer = sign_out(&world, &console, headers).await;
        assert_eq!((answer.status, world.console(&console).await), (303, 303), "{headers:?}");
        world.clock.advance(Duration::from_secs(1)); // What is asserted later is another login.
    }
    assert_eq!(world.caller(&credentials).await, "403 ExpiredToken");
    world.stop().await;
}

/// Where nobody can be told, the login ends here all the same.
#[actix_web::test]
async fn some_sign_outs_stay_here() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let credentials = world.credentials("ann", Some("_s1")).await;
    let token = world.signin_token(&credentials).await.unwrap();
    let (one, two) = (world.login(&token).await.cookie(CONSOLE), world.credentials("ann", Some("_s2")).await);
    // A sign-in by token does not know how the provider names the login, but what it is marked by.
    let answer = sign_out(&world, &one, &[]).await;
    assert_eq!((answer.status, answer.cookie(CONSOLE).as_str()), (200, ""));
    assert!(answer.body.contains(HERE), "{answer:?}");
    assert_eq!(
        (world.caller(&credentials).await.as_str(), world.console(&one).await),
        ("403 ExpiredToken", 303)
    );
    assert_eq!(world.caller(&two).await, "200");

    // A name that no cookie can hold beside everything else.
    let name = "a".repeat(1024);
    let console = world.console_of(&name, Some(&"s".repeat(1000))).await;
    assert!(console.len() < 3900, "{}", console.len());
    let answer = sign_out(&world, &console, &[]).await;
    assert!(answer.status == 200 && answer.body.contains(HERE), "{answer:?}");
    assert_eq!(world.console(&console).await, 303);

    for cookie in ["", "Zm9yZ2Vk"] {
        let answer = sign_out(&world, cookie, &[]).await;
        assert_eq!((answer.status, answer.cookie(CONSOLE).as_str()), (200, ""), "nobody was signed in");
    }
    world.stop().await;
}

/// A session that comes of no SAML login, as by OpenID Connect, is ended for who has a copy, too.
#[actix_web::test]
async fn a_session_without_a_login_ends_by_its_cookie() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let (ann, bob) = (world.console_without_login("ann"), world.console_without_login("bob"));
    assert_eq!(world.console(&ann).await, 200);
    let answer = sign_out(&world, &ann, &[]).await;
    assert_eq!((answer.status, answer.heading().as_str()), (200, "You are signed out"));
    assert_eq!((world.console(&ann).await, world.console(&bob).await), (303, 200));
    world.stop().await;
}

/// One button ends all of a person: the sessions of other browsers, and what was given as credentials.
#[actix_web::test]
async fn somebody_ends_all_that_they_were_given() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let (here, there) =
        (world.console_of("ann", Some("_s1")).await, world.console_of("ann", Some("_s2")).await);
    let (given, bobs) = (world.credentials("ann", Some("_s3")).await, world.credentials("bob", None).await);
    let signin = world.signin_token(&given).await.unwrap();
    let before = world.response("ann", Some("_s4"), world.clock.now());
    let page = world.get("/console", Some(&format!("{CONSOLE}={here}"))).await;
    assert!(page.body.contains("value=\"logout-everywhere\">End all my sessions</button>"), "{}", page.body);
    let press = async |headers: &[(&str, &str)]| {
        let cookie = format!("{CONSOLE}={here}");
        let headers = [headers, &[("cookie", cookie.as_str())]].concat();
        world.post("/federation", &[("Action", "logout-everywhere")], &headers).await
    };
    let foreign = press(&[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]).await;
    assert_eq!((foreign.status, world.console(&there).await), (403, 200));
    let by_link = world.get("/federation?Action=logout-everywhere", Some(&format!("{CONSOLE}={here}"))).await;
    assert_eq!((by_link.status, world.console(&there).await), (400, 200));

    let answer = press(&[("origin", OURS), ("sec-fetch-site", "same-origin")]).await;
    assert!(sent(&answer).contains("<samlp:SessionIndex>_s1<"), "the provider is told of this one");
    assert_eq!((world.console(&here).await, world.console(&there).await), (303, 303));
    assert_eq!(world.caller(&given).await, "403 ExpiredToken");
    assert_eq!(world.login(&signin).await.status, 400);
    assert!(world.assume(&before).await.is_err(), "what was asserted before");
    assert_eq!(world.caller(&bobs).await, "200", "somebody else");
    world.clock.advance(Duration::from_secs(1));
    let again = world.console_of("ann", Some("_s5")).await;
    assert_eq!(world.console(&again).await, 200, "nobody is kept out");
    world.stop().await;
}

/// Who signs in and out with the same credentials for hours fills nothing, and is not locked out.
#[actix_web::test]
async fn many_sign_outs_leave_few_marks() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    for _ in 0..200 {
        let console = world.console_without_login("ann");
        assert_eq!((sign_out(&world, &console, &[]).await.status, world.console(&console).await), (200, 303));
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(world.console(&world.console_without_login("ann")).await, 200);
    }
    let marks = world.store.revocations(world.clock.now()).await.unwrap().len();
    assert!((32..=64).contains(&marks), "{marks}");
    world.stop().await;
}

#[actix_web::test]
async fn a_sign_out_that_does_not_last_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let credentials = world.credentials("ann", Some("_s1")).await;
    let console = world.console_of("ann", Some("_s1")).await;
    world.store.fail(true);
    let answer = sign_out(&world, &console, &[]).await;
    assert_eq!((answer.status, answer.heading().as_str()), (503, "You are not signed out everywhere"));
    assert_eq!(answer.cookie(CONSOLE), "");
    assert_eq!(
        (world.caller(&credentials).await.as_str(), world.console(&console).await),
        ("403 ExpiredToken", 303)
    );
    world.stop().await;
}
