//! The end of tokens before their time.

use std::time::Duration;

use base64_simd::STANDARD;
use rolegate::clock::{Clock, Moment};
use rolegate::store::{Revocation, Revocations};
use serde_json::{Value, json};

use super::exchange::{further, opened};
use super::fixture::{
    API, AWS_CREDENTIALS, DEV, Fields, ISSUER, PHOTOS, SAML2, SERVER_SECRET, SETTINGS, TOKEN_EXCHANGE,
};
use super::world::{Answer, World};
use crate::saml::fixture::{ASSERTION, honest, response, signed, swap};

async fn revoke(world: &World, client: &str, token: &str) -> String {
    let asked = Fields::of(&[("client_id", client), ("token", token)]);
    let answer = world.post("/oauth2/revoke", &asked, &[]).await;
    if answer.status == 200 {
        assert_eq!((answer.body.as_str(), answer.header("cache-control")), ("", "no-store"));
        return "200".to_owned();
    }
    answer.refusal()
}

async fn is_active(world: &World, token: &str) -> Value {
    world.introspect(token).await["active"].clone()
}

#[actix_web::test]
async fn a_client_ends_what_is_its_own() {
    let world = World::start().await;
    let token = world.token(&world.exchange()).await.access_token();
    let other = world.token(&world.exchange().with("client_id", "phone")).await.access_token();
    let next = world.token(&further(&token, PHOTOS)).await.access_token();
    for (what, client, token, expected) in [
        ("nobody's token", "app", "x", "200"),
        ("an ID token", "app", &world.id_token(), "200"),
        ("another client's token", "phone", &token, "400 invalid_grant"),
        ("no client's", "nobody", &token, "401 invalid_client"),
        ("no token", "app", "", "400 invalid_request"),
    ] {
        assert_eq!(revoke(&world, client, token).await, expected, "{what}");
        assert_eq!(is_active(&world, &next).await, true, "{what}");
    }
    assert_eq!(revoke(&world, "app", &token).await, "200");
    assert_eq!(revoke(&world, "app", &token).await, "200", "it is over");
    assert_eq!([is_active(&world, &token).await, is_active(&world, &next).await], [false, false]);
    assert_eq!(world.token(&further(&token, PHOTOS)).await.refusal(), "400 invalid_request");
    assert_eq!(is_active(&world, &other).await, true, "of another exchange");
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(revoke(&world, "phone", &other).await, "200", "its time is over");
}

#[actix_web::test]
async fn a_refresh_token_takes_all_along() {
    let world = World::start().await;
    let asked = world.exchange().with("client_id", "phone").without("audience");
    let given = world.token(&asked.with("requested_token_type", AWS_CREDENTIALS)).await;
    let (first, credentials) = (given.refresh_token(), given.json()["credentials"].clone());
    let second = world.token(&world.refresh(&first)).await.refresh_token();
    assert!(world.caller(&credentials).await.ends_with("/cleo-phone"));
    let session_token = credentials["SessionToken"].as_str().unwrap();
    assert_eq!(revoke(&world, "phone", session_token).await, "400 unsupported_token_type");
    assert_eq!(revoke(&world, "app", &second).await, "400 invalid_grant");
    assert!(world.caller(&credentials).await.ends_with("/cleo-phone"), "nothing was revoked yet");
    assert_eq!(revoke(&world, "phone", &second).await, "200");
    assert_eq!(world.caller(&credentials).await, "403 ExpiredToken");
    assert_eq!(is_active(&world, session_token).await, false);
    assert_eq!(world.token(&world.refresh(&second)).await.refusal(), "400 invalid_grant");
    let world = world.again(SETTINGS).await;
    assert_eq!(world.caller(&credentials).await, "403 ExpiredToken", "after a restart");
    assert_eq!(world.token(&world.refresh(&second)).await.refusal(), "400 invalid_grant");
}

/// What can't be made to last is said not to be done, and holds here all the same.
#[actix_web::test]
async fn a_store_that_fails_is_told() {
    let world = World::start().await;
    let token = world.token(&world.exchange()).await.access_token();
    world.store.fail(true);
    assert_eq!(revoke(&world, "app", &token).await, "503 temporarily_unavailable");
    world.store.fail(false);
    assert_eq!(is_active(&world, &token).await, false);
}

/// A login that the provider ends takes tokens and refresh tokens along.
#[actix_web::test]
async fn the_end_of_a_login_ends_its_tokens() {
    let world = World::start().await;
    let asked = Fields::of(&[
        ("grant_type", TOKEN_EXCHANGE),
        ("client_id", "phone"),
        ("subject_token", &STANDARD.encode_to_string(honest())),
        ("subject_token_type", SAML2),
        ("role", DEV),
        ("audience", API),
    ]);
    let given = world.token(&asked).await;
    let (token, refresh) = (given.access_token(), given.refresh_token());
    let (_, claims) = opened(&token);
    let marks = claims["rolegate"]["login"].as_array().unwrap();
    assert_eq!((marks.len(), is_active(&world, &token).await), (2, true.into()));
    let now = world.clock.now();
    let mark = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(marks[1].as_str().unwrap()).unwrap();
    let id = mark.try_into().unwrap();
    let until = now.plus(Duration::from_secs(3600));
    world.revoked.add(Revocation { id, issued_before: now, asserted_before: now, until }, now);
    assert_eq!(is_active(&world, &token).await, false);
    assert_eq!(
        world.token(&world.refresh(&refresh)).await.said(),
        "400 invalid_grant: The role is no longer granted to this person, or their login was ended: sign in again."
    );
}

/// The same by a logout token of the provider, and for good.
#[actix_web::test]
async fn a_logout_token_ends_its_tokens() {
    let with_login = "client_ids = [\"app\"]\nlogin = { client_id = \"app\" }";
    let settings = SETTINGS.replacen("client_ids = [\"app\"]", with_login, 1);
    let world = World::configured(&settings).await;
    let mut claims = world.claims();
    claims["sid"] = "s1".into();
    let by_phone = |token: &str| world.exchange().with("client_id", "phone").with("subject_token", token);
    let given = world.token(&by_phone(&world.id_token_of(&claims))).await;
    claims["sid"] = "s2".into();
    let other = world.token(&by_phone(&world.id_token_of(&claims))).await;
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let now = world.clock.now().unix();
    let logout = json!({
        "iss": claims["iss"], "aud": "app", "iat": now, "exp": now + 120, "jti": "1", "sid": "s1", "events": event,
    });
    let posted = Fields::of(&[("logout_token", &world.id_token_of(&logout))]);
    assert_eq!(world.post("/oidc/mobile/backchannel-logout", &posted, &[]).await.status, 200);
    let world = world.again(&settings).await;
    let (token, refresh) = (given.access_token(), given.refresh_token());
    assert_eq!(is_active(&world, &token).await, false);
    assert_eq!(world.token(&world.refresh(&refresh)).await.refusal(), "400 invalid_grant");
    assert_eq!(is_active(&world, &other.access_token()).await, true, "another session");
    assert_eq!(world.token(&world.refresh(&other.refresh_token())).await.status, 200);
}

/// The mark of a login that was ended is kept for as long as a refresh token may ask about it.
#[actix_web::test]
async fn a_logout_is_remembered_as_long_as_one_may_refresh() {
    let day = Duration::from_secs(24 * 3600);
    for (settings, remembered) in [(SETTINGS.to_owned(), true), (without_refresh(), false)] {
        let world = World::configured(&settings).await;
        let form = Fields::of(&[("SAMLResponse", &STANDARD.encode_to_string(unsolicited()))]);
        let answer = world.post("/saml/corp/acs", &form, &[]).await;
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let sign_out = Fields::of(&[("Action", "logout")]);
        let headers = [("cookie", cookie.as_str()), ("origin", "https://broker.example.com")];
        let out = world.post("/federation", &sign_out, &headers).await;
        assert_eq!(out.status, 200, "{out:?}");
        let live = |at: Moment| world.store.revocations(at);
        assert_eq!(live(world.clock.now()).await.unwrap().len(), 1);
        let later = live(world.clock.now().plus(29 * day)).await.unwrap().len();
        assert_eq!(later == 1, remembered);
    }
}

/// A configuration that comes back finds no refresh token of its own revived.
#[actix_web::test]
async fn what_was_revoked_stays_so_under_a_configuration_that_comes_back() {
    let hour = Duration::from_secs(3600);
    let mut world = World::start().await;
    let asked = world.exchange().with("client_id", "tablet");
    let (given, late) = (world.token(&asked).await, world.token(&asked).await);
    let kept = world.token(&asked).await;
    for settings in
        [SETTINGS.replace("id = \"tablet\"", "id = \"tablet\"\nrefresh_lifetime = \"1h\""), without_refresh()]
    {
        world = world.again(&settings).await;
        world.clock.advance(hour);
    }
    assert_eq!(revoke(&world, "tablet", &given.access_token()).await, "200");
    world.clock.advance(14 * hour);
    world = world.again(&without_refresh()).await;
    assert_eq!(revoke(&world, "tablet", &late.access_token()).await, "200");
    world.clock.advance(14 * hour);
    world = world.again(SETTINGS).await;
    let refresh =
        |world: &World, given: &Answer| world.refresh(&given.refresh_token()).with("client_id", "tablet");
    let refused = "400 invalid_grant: The refresh_token is none of this client, or no longer good: exchange a new subject_token.";
    assert_eq!(world.token(&refresh(&world, &given)).await.said(), refused);
    assert_eq!(world.token(&refresh(&world, &late)).await.said(), refused);
    assert_eq!(world.token(&refresh(&world, &kept)).await.status, 200);
}

/// The person's device shows a token whose time is over; its refresh token goes on.
#[actix_web::test]
async fn a_token_that_is_over_still_ends_its_exchange() {
    let world = World::start().await;
    let given = world.token(&world.exchange().with("client_id", "phone")).await;
    world.clock.advance(Duration::from_secs(7200));
    assert_eq!(is_active(&world, &given.access_token()).await, false);
    assert_eq!(revoke(&world, "app", &given.access_token()).await, "400 invalid_grant");
    assert_eq!(revoke(&world, "phone", &given.access_token()).await, "200");
    let refused = world.token(&world.refresh(&given.refresh_token())).await;
    assert_eq!(refused.refusal(), "400 invalid_grant");
}

/// An issuer is a provider in each account that it serves. Its session ends in all of them, but for
/// those of other clients of its, and of other keys. Nobody needs to sign in by the browser for that.
#[actix_web::test]
async fn a_logout_ends_the_session_in_every_account() {
    let provider = |name: &str, account: &str, client: &str, jwks: &str| {
        format!(
            "[[provider]]\nkind = \"oidc\"\nname = \"{name}\"\naccount = \"{account}\"\n\
             issuer = \"https://accounts.example.com\"\nclient_ids = [\"{client}\"]\njwks = \"{jwks}\"\n\
             [[role]]\narn = \"arn:aws:iam::{account}:role/Upload\"\ntrust_policy = \"{name}.json\"\n\
             [[rule]]\nname = \"{name}\"\nprovider = \"{name}\"\nwhen = 'true'\n\
             roles = [\"arn:aws:iam::{account}:role/Upload\"]\n"
        )
    };
    let settings = [
        SETTINGS,
        &provider("second", "444455556666", "app", "jwks.json"),
        "[[account]]\nid = \"777788889999\"\n",
        &provider("third", "777788889999", "portal", "jwks.json"),
    ]
    .concat();
    let world = World::configured(&settings).await;
    let mut claims = world.claims();
    claims["sid"] = "s1".into();
    let mut for_portal = claims.clone();
    for_portal["aud"] = "portal".into();
    let by_phone = |claims: &serde_json::Value, role: &str| {
        let token = world.id_token_of(claims);
        world.exchange().with("client_id", "phone").with("subject_token", &token).with("role", role)
    };
    let given = world.token(&by_phone(&claims, "arn:aws:iam::444455556666:role/Upload")).await;
    let other = world.token(&by_phone(&for_portal, "arn:aws:iam::777788889999:role/Upload")).await;
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let now = world.clock.now().unix();
    let logout = json!({ "iss": ISSUER, "aud": "app", "iat": now, "exp": now + 60, "jti": "1", "sid": "s1", "events": event });
    let header = json!({ "alg": "ES256", "kid": "mobile", "typ": "logout+jwt" });
    let posted = Fields::of(&[("logout_token", &world.issuer_key.sign(&header, &logout))]);
    assert_eq!(world.post("/oidc/mobile/backchannel-logout", &posted, &[]).await.status, 200);
    assert_eq!(is_active(&world, &given.access_token()).await, false);
    assert_eq!(world.token(&world.refresh(&given.refresh_token())).await.refusal(), "400 invalid_grant");
    assert_eq!(is_active(&world, &other.access_token()).await, true, "a session of another client");
}

/// The honest response, to nobody's question.
fn unsolicited() -> String {
    let answers = " InResponseTo=\"_request\"";
    swap(&response(&signed(&swap(ASSERTION, answers, ""))), answers, "")
}

fn without_refresh() -> String {
    SETTINGS.replace(", \"refresh\"]", "]").replace("refresh_idle = \"7d\"\n", "")
}

#[actix_web::test]
async fn a_secret_is_asked_for_where_there_is_one() {
    let world = World::start().await;
    let token = world.token(&world.exchange().by_server()).await.access_token();
    assert_eq!(revoke(&world, "server", &token).await, "401 invalid_client");
    let asked = Fields::of(&[("client_id", "server"), ("client_secret", SERVER_SECRET), ("token", &token)]);
    assert_eq!(world.post("/oauth2/revoke", &asked, &[]).await.status, 200);
    assert_eq!(is_active(&world, &token).await, false);
}

/// Whoever revokes a thousand times has not filled anybody's memory.
#[actix_web::test]
async fn what_one_person_revokes_is_bounded() {
    let world = World::start().await;
    for _ in 0..600 {
        let token = world.token(&world.exchange()).await.access_token();
        assert_eq!(revoke(&world, "app", &token).await, "200");
    }
    let held = world.revoked.len();
    assert!((128..=256).contains(&held), "{held}");
}
