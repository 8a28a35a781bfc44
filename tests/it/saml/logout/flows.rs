//! The provider ends a login, and what came of it is over.

use std::time::Duration;

use super::super::fixture::{ATTACKER, HONEST, noon, swap};
use super::fixture::{REQUEST, deflated, encoded, form, redirect, signed, signed_query};
use super::world::{Answer, World};

const SECOND: Duration = Duration::from_secs(1);
const EXPIRED: &str = "403 ExpiredToken";

/// The provider's request to end the session `index` of `subject`, or all of theirs; issued at
/// 12:00:00.
fn request(id: &str, subject: &str, index: Option<&str>) -> String {
    let xml = swap(REQUEST, "\"_l\"", &format!("\"{id}\""));
    let xml = swap(&xml, ">ann<", &format!(">{subject}<"));
    let element = "<samlp:SessionIndex>_s1</samlp:SessionIndex>";
    match index {
        Some(index) => swap(&xml, ">_s1<", &format!(">{index}<")),
        None => swap(&xml, element, ""),
    }
}

/// Sends it to `corp`, which must answer by this status.
async fn end(world: &World, xml: &str, status: &str) -> Answer {
    let answer = world.get(&format!("/saml/corp/slo?{}", redirect(xml)), None).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(answer.location.starts_with("https://idp.example.com/slo/done?SAMLResponse="), "{answer:?}");
    let query = answer.location.split_once('?').unwrap().1;
    let packed = url::form_urlencoded::parse(query.as_bytes()).next().unwrap().1.into_owned();
    let inflated = base64_simd::STANDARD.decode_to_vec(packed).unwrap();
    let response = String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&inflated).unwrap()).unwrap();
    assert!(
        response.contains(&format!("Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"")),
        "{response}"
    );
    answer
}

#[actix_web::test]
async fn one_session_ends_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let ended = world.credentials("ann", Some("_s1")).await;
    let other = world.credentials("ann", Some("_s2")).await;
    let bob = world.credentials("bob", Some("_s1")).await;
    let (console, other_console) =
        (world.console_of("ann", Some("_s1")).await, world.console_of("ann", Some("_s2")).await);
    let token = world.signin_token(&ended).await.unwrap();
    assert_eq!((world.caller(&ended).await.as_str(), world.console(&console).await), ("200", 200));

    end(&world, &request("_1", "ann", Some("_s1")), "Success").await;
    assert_eq!(world.caller(&ended).await, EXPIRED);
    assert_eq!(world.console(&console).await, 303);
    assert_eq!(world.signin_token(&ended).await, None);
    assert_eq!(world.login(&token).await.heading(), "This sign-in link is no longer good");
    for still in [&other, &bob] {
        assert_eq!(world.caller(still).await, "200");
    }
    assert_eq!(world.console(&other_console).await, 200);
    assert!(world.signin_token(&other).await.is_some());
    world.stop().await;
}

#[actix_web::test]
async fn without_an_index_everything_of_a_person_ends() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let ann = [world.credentials("ann", Some("_s1")).await, world.credentials("ann", None).await];
    let bob = world.credentials("bob", None).await;
    let body = form(&signed(&request("_l", "ann", None)));
    let fields: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = world.post("/saml/corp/slo", &fields, &[]).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    for credentials in &ann {
        assert_eq!(world.caller(credentials).await, EXPIRED);
    }
    assert_eq!(world.caller(&bob).await, "200");
    world.stop().await;
}

/// A logout holds for assertions that were issued before it and come later (Core 3.7.3.1), and
/// for none that was issued after it, though it be of the same session.
#[actix_web::test]
async fn a_new_login_works_and_an_old_assertion_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let unused = world.response("ann", Some("_s1"), noon());
    let later = world.response("ann", Some("_s1"), noon().plus(SECOND));
    end(&world, &request("_1", "ann", Some("_s1")), "Success").await;
    assert_eq!(world.assume(&unused).await.err().as_deref(), Some("400 ExpiredTokenException"));
    let answer = world.post("/saml/corp/acs", &[("SAMLResponse", &unused)], &[]).await;
    assert_eq!(answer.heading(), "This sign-in has expired");
    world.clock.advance(SECOND);
    let new = world.assume(&later).await.unwrap();
    assert_eq!(world.caller(&new).await, "200");
    world.stop().await;
}

#[actix_web::test]
async fn a_request_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let xml = request("_1", "ann", None);
    end(&world, &xml, "Success").await;
    world.clock.advance(SECOND);
    let new = world.credentials("ann", None).await;
    let again = world.get(&format!("/saml/corp/slo?{}", redirect(&xml)), None).await;
    assert_eq!((again.status, again.heading().as_str()), (400, "This sign-out was done already"));
    assert_eq!(world.caller(&new).await, "200", "the copy ended nothing");
    end(&world, &request("_2", "ann", None), "Success").await;
    assert_eq!(world.caller(&new).await, EXPIRED, "another request does");
    world.stop().await;
}

#[actix_web::test]
async fn a_restart_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let (ended, console) =
        (world.credentials("ann", Some("_s1")).await, world.console_of("ann", Some("_s1")).await);
    let bob = world.credentials("bob", Some("_s1")).await;
    end(&world, &request("_1", "ann", Some("_s1")), "Success").await;
    world.stop().await;
    let world = World::start(folder.path()).await;
    assert_eq!((world.caller(&ended).await.as_str(), world.console(&console).await), (EXPIRED, 303));
    assert_eq!(world.caller(&bob).await, "200");
    world.stop().await;
}

/// The disk fails: the provider is told so, and this node holds to the logout all the same.
#[actix_web::test]
async fn what_does_not_last_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let ended = world.credentials("ann", Some("_s1")).await;
    world.store.fail(true);
    end(&world, &request("_1", "ann", Some("_s1")), "Responder").await;
    assert_eq!(world.caller(&ended).await, EXPIRED);
    world.store.fail(false);
    end(&world, &request("_2", "ann", Some("_s1")), "Success").await;
    assert_eq!(world.caller(&ended).await, EXPIRED);
    world.stop().await;
}

/// While a logout waits for the store, the person signs in by an assertion of before it.
#[actix_web::test]
async fn what_is_issued_while_a_logout_waits_is_over_too() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    world.store.dawdle();
    let xml = request("_1", "ann", Some("_s1"));
    let logout = end(&world, &xml, "Success");
    let meanwhile = async {
        world.store.is_waiting().await;
        world.clock.advance(SECOND);
        let response = world.response("ann", Some("_s1"), noon());
        let credentials = world.assume(&response).await.unwrap();
        assert_eq!(world.caller(&credentials).await, "200");
        world.store.go_on();
        credentials
    };
    let (_, credentials) = tokio::join!(logout, meanwhile);
    assert_eq!(world.caller(&credentials).await, EXPIRED);
    world.clock.advance(SECOND);
    let later = world.response("ann", Some("_s1"), noon().plus(SECOND));
    let credentials = world.assume(&later).await.unwrap();
    assert_eq!(world.caller(&credentials).await, "200", "a new login");
    world.stop().await;
}

/// The assertion named no session and the logout names one, which may be that.
#[actix_web::test]
async fn a_login_without_an_index_ends_with_any() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let unnamed = world.credentials("ann", None).await;
    let (named, bob) = (world.credentials("ann", Some("_s2")).await, world.credentials("bob", None).await);
    end(&world, &request("_1", "ann", Some("_s1")), "Success").await;
    assert_eq!(world.caller(&unnamed).await, EXPIRED);
    assert_eq!(world.caller(&named).await, "200");
    assert_eq!(world.caller(&bob).await, "200");
    world.stop().await;
}

#[actix_web::test]
async fn nobody_else_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let ann = world.credentials("ann", Some("_s1")).await;
    let xml = request("_1", "ann", Some("_s1"));
    // Another provider may end what its own Ann has, and that is nothing.
    let theirs = swap(&xml, "https://idp.example.com/metadata", "https://idp.other.example/metadata");
    let theirs = swap(&theirs, "/saml/corp/slo", "/saml/other/slo");
    let query = signed_query(&ATTACKER, &[("SAMLRequest", &deflated(&theirs))]);
    let answer = world.get(&format!("/saml/other/slo?{query}"), None).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(world.caller(&ann).await, "200");

    let refused = "The sign-out was not accepted";
    let unsigned = encoded(&[("SAMLRequest", &deflated(&xml))]);
    let stranger = signed_query(&ATTACKER, &[("SAMLRequest", &deflated(&xml))]);
    let elsewhere = signed_query(&HONEST, &[("SAMLRequest", &deflated(&xml))]);
    for (path, query, heading) in [
        ("/saml/corp/slo", unsigned, refused),
        ("/saml/corp/slo", stranger, refused),
        ("/saml/corp/slo", String::new(), refused),
        ("/saml/other/slo", elsewhere.clone(), refused),
        ("/saml/keyless/slo", elsewhere.clone(), "Single logout is not set up"),
        ("/saml/nobody/slo", elsewhere, "No such identity provider"),
    ] {
        let answer = world.get(&format!("{path}?{query}"), None).await;
        assert_eq!(answer.heading(), heading, "{path}");
        assert!(answer.location.is_empty());
    }
    assert_eq!(world.caller(&ann).await, "200");
    end(&world, &xml, "Success").await;
    assert_eq!(world.caller(&ann).await, EXPIRED, "the twin of all");
    world.stop().await;
}
