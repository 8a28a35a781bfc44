//! Web applications behind a proxy: who asks there, and how people come in.

use std::path::Path;
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use rolegate::clock::Clock;
use serde_json::{Value, json};

use super::browser::{Browser, ann};
use super::fixture::{OURS, noon};
use super::logout::world::{Answer, Said, World};

const WIKI: &str = "https://wiki.example.com";
const AT: &str = "__Host-rolegate-at-wiki";
const VISIT: &str = "__Host-rolegate-visit-wiki";
const SECOND: Duration = Duration::from_secs(1);
const ASK: &str = "/authz?application=wiki";

/// Two applications; the first takes admins who signed in lately, and whoever has the other role.
const CONFIG: &str = r#"
[[role]]
arn = "arn:aws:iam::111122223333:role/Admin"
trust_policy = "tagging.json"
policies = ["nothing.json"]
signed_in_within = "2m"

[[role]]
arn = "arn:aws:iam::111122223333:role/Nobody"
trust_policy = "trust.json"
policies = ["nothing.json"]

[[rule]]
name = "admins"
provider = "corp"
when = '"admins" in attr.groups'
roles = ["arn:aws:iam::111122223333:role/Admin"]
session_name = 'subject'
tags = { team = '"Ops + Söhne"' }

[[application]]
name = "wiki"
origin = "https://wiki.example.com"
roles = ["arn:aws:iam::111122223333:role/Admin", "arn:aws:iam::111122223333:role/Dev"]

[[application]]
name = "vault"
origin = "https://vault.example.com"
roles = ["arn:aws:iam::111122223333:role/Admin"]

[[application]]
name = "closed"
origin = "https://closed.example.com"
roles = ["arn:aws:iam::111122223333:role/Nobody"]
"#;

/// The trust of a role whose sessions have tags.
const TAGGING: &str = r#"{"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
    "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/corp"}
}]}"#;

async fn world(folder: &Path) -> World {
    std::fs::write(folder.join("tagging.json"), TAGGING).unwrap();
    World::with(folder, CONFIG).await
}

/// A browser is two here: its cookies at the application's origin, and those at ours.
struct Person {
    there: Browser,
    here: Browser,
}

impl Person {
    async fn at_portal(world: &World, said: &Said<'_>) -> Self {
        Self { there: Browser::default(), here: Browser::sign_in(world, said).await }
    }

    /// Leaves `application` at `place`; the entrance that it is led to.
    async fn leave(&mut self, world: &World, application: &str, place: &str) -> String {
        let started = self.there.get(world, &format!("/authz/{application}/start?return={place}")).await;
        assert_eq!(started.status, 303, "{started:?}");
        started.location.strip_prefix(OURS).unwrap().to_owned()
    }

    /// Back at `application`, by what the entrance answered.
    async fn arrive(&mut self, world: &World, application: &str, entered: &Answer) -> Answer {
        let prefix = format!("https://{application}.example.com/.rolegate/arrive");
        let code = entered.location.strip_prefix(&prefix).unwrap_or_else(|| panic!("{entered:?}"));
        self.there.get(world, &format!("/authz/{application}/arrive{code}")).await
    }

    /// The whole way into the wiki.
    async fn visit(&mut self, world: &World, place: &str) -> Answer {
        let entrance = self.leave(world, "wiki", place).await;
        let entered = self.here.get(world, &entrance).await;
        self.arrive(world, "wiki", &entered).await
    }

    async fn asks(&self, world: &World) -> u16 {
        self.there.clone().get(world, ASK).await.status
    }
}

/// What the application reads of its signed header, as any library reads it.
async fn introduction(world: &World, answer: &Answer) -> Value {
    let token = answer.headers["x-rolegate-identity"].to_str().unwrap();
    let keys: JwkSet = serde_json::from_str(&world.get("/.well-known/jwks.json", None).await.body).unwrap();
    let header = decode_header(token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("introduction+jwt"));
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.set_audience(&[WIKI]);
    validation.set_issuer(&[OURS]);
    decode::<Value>(token, &key, &validation).unwrap().claims
}

#[actix_web::test]
async fn a_person_signs_in_and_the_application_knows_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut person = Person { there: Browser::default(), here: Browser::default() };
    let stranger = person.there.get(&world, ASK).await;
    assert_eq!((stranger.status, stranger.headers["www-authenticate"].to_str().unwrap()), (401, "Rolegate"));
    let entrance = person.leave(&world, "wiki", "/a%20page?x=1&return=2").await;
    let ways = person.here.get(&world, &entrance).await;
    assert_eq!((ways.status, ways.heading().as_str()), (200, "Sign in"));
    let (_, way) = ways.body.split_once("href=\"/saml/corp/login?").unwrap();
    let way = format!("/saml/corp/login?{}", way.split_once('"').unwrap().0.replace("&#38;", "&"));
    let begun = person.here.get(&world, &way).await;
    let said = Said { group: "admins", ..ann(&world) };
    let arrived = person.here.answer(&world, begun.location.split_once('?').unwrap().1, &said).await;
    assert_eq!((arrived.status, arrived.heading().as_str()), (200, "You are signed in"));
    assert!(arrived.body.contains(&format!("href=\"{entrance}\"")), "{entrance} in {}", arrived.body);
    let entered = person.here.get(&world, &entrance).await;
    assert_eq!(entered.status, 303, "{entered:?}");
    let back = person.arrive(&world, "wiki", &entered).await;
    assert_eq!((back.status, back.location), (303, format!("{WIKI}/a%20page?x=1&return=2")));
    assert_eq!(person.there.0.len(), 1, "the visit's cookie is gone");
    let cookie = back.cookies.iter().find(|cookie| cookie.starts_with(AT)).unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=3600"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }

    let known = person.there.get(&world, ASK).await;
    assert_eq!(known.status, 200, "{known:?}");
    for (name, value) in [
        ("x-rolegate-user", "ann"),
        ("x-rolegate-role", "arn:aws:iam::111122223333:role/Admin"),
        ("x-rolegate-session", "arn:aws:sts::111122223333:assumed-role/Admin/ann"),
    ] {
        assert_eq!(known.headers[name], value);
    }
    let mut claims = introduction(&world, &known).await;
    assert!(claims["sub"].take().as_str().is_some_and(|sub| sub.len() == 43));
    let role = json!({
        "role": "arn:aws:iam::111122223333:role/Admin", "role_session_name": "ann", "subject": "ann",
        "provider": "arn:aws:iam::111122223333:saml-provider/corp", "tags": { "team": "Ops + Söhne" },
    });
    let (iat, exp) = (noon().unix(), noon().unix() + 60);
    let expected = json!({ "iss": OURS, "sub": null, "aud": WIKI, "iat": iat, "exp": exp, "rolegate": role });
    assert_eq!(claims, expected);
    world.stop().await;
}

/// Who may not have the first role enters as the next.
#[actix_web::test]
async fn people_enter_as_the_first_role_that_they_may_have() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut person = Person::at_portal(&world, &ann(&world)).await;
    let back = person.visit(&world, "/").await;
    assert_eq!((back.status, back.location), (303, format!("{WIKI}/")));
    let known = person.there.get(&world, ASK).await;
    assert_eq!(known.headers["x-rolegate-role"], "arn:aws:iam::111122223333:role/Dev");
    for (application, heading) in [("vault", "No role for you here"), ("closed", "No role for you here")] {
        let entrance = person.leave(&world, application, "/").await;
        let refused = person.here.get(&world, &entrance).await;
        assert_eq!((refused.status, refused.heading().as_str()), (403, heading), "{application}");
    }
    world.stop().await;
}

#[actix_web::test]
async fn a_code_is_good_once_for_a_minute_and_in_its_own_browser() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut person = Person::at_portal(&world, &ann(&world)).await;
    let refused = "This sign-in did not start here";
    let heading = |answer: &Answer| (answer.status, answer.heading());

    let entrance = person.leave(&world, "wiki", "/").await;
    let entered = person.here.get(&world, &entrance).await;
    // Somebody else's browser, which was led to the code.
    let mut thief = Person { there: Browser::default(), here: Browser::default() };
    assert_eq!(heading(&thief.arrive(&world, "wiki", &entered).await), (400, refused.into()));
    thief.leave(&world, "wiki", "/").await;
    assert_eq!(heading(&thief.arrive(&world, "wiki", &entered).await), (400, refused.into()));
    let state = person.there.clone();
    assert_eq!(person.arrive(&world, "wiki", &entered).await.status, 303, "and it is good still");
    person.there.0.extend(state.0);
    assert_eq!(heading(&person.arrive(&world, "wiki", &entered).await), (400, refused.into()), "again");

    let mut late = Person { there: Browser::default(), here: person.here.clone() };
    let entrance = late.leave(&world, "wiki", "/").await;
    let entered = late.here.get(&world, &entrance).await;
    world.clock.advance(60 * SECOND);
    assert_eq!(heading(&late.arrive(&world, "wiki", &entered).await), (400, refused.into()));
    let entered = late.here.get(&world, &entrance).await;
    world.clock.advance(59 * SECOND);
    assert_eq!(late.arrive(&world, "wiki", &entered).await.status, 303);

    for path in ["/authz/wiki/arrive?code=", "/authz/wiki/arrive?code=AAAA"] {
        let mut visitor = late.there.clone();
        visitor.get(&world, "/authz/wiki/start").await;
        assert_eq!(heading(&visitor.get(&world, path).await), (400, refused.into()), "{path}");
    }
    assert_eq!(late.there.get(&world, "/authz/wiki/arrive").await.heading(), "The request is incomplete");
    let refused = late.there.get(&world, "/authz/wiki/arrive?code=x").await;
    assert!(refused.body.contains("href=\"/\">Start again</a>"), "a page that is there: {}", refused.body);
    world.stop().await;
}

/// Each cookie is for one purpose, and of one application.
#[actix_web::test]
async fn a_cookie_opens_nothing_but_its_own_application() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let said = Said { group: "admins", ..ann(&world) };
    let mut person = Person::at_portal(&world, &said).await;
    person.visit(&world, "/").await;
    let portal = person.here.value("__Host-rolegate-portal");
    let own = person.there.value(AT);
    let ask = async |path: &str, name: &str, value: &str| {
        world.get(path, Some(&format!("{name}={value}"))).await.status
    };
    assert_eq!(ask(ASK, AT, &own).await, 200);
    assert_eq!(ask("/authz?application=vault", AT, &own).await, 401);
    assert_eq!(ask("/authz?application=vault", "__Host-rolegate-at-vault", &own).await, 401);
    assert_eq!(ask(ASK, AT, &portal).await, 401);
    assert_eq!(ask(ASK, AT, &own[..own.len() - 2]).await, 401);
    assert_eq!(ask(ASK, "rolegate-at-wiki", &own).await, 401, "a neighbour may have planted it");
    assert_eq!(ask("/console", "__Host-rolegate-console", &own).await, 303);
    let stranger = world.get("/portal", Some(&format!("__Host-rolegate-portal={own}"))).await;
    assert_eq!(stranger.heading(), "Sign in");
    for path in ["/authz", "/authz?application=none", "/authz?application="] {
        assert_eq!(ask(path, AT, &own).await, 404, "{path}");
    }
    // A visit to one application ends at no other.
    let entrance = person.leave(&world, "wiki", "/").await;
    let entered = person.here.get(&world, &entrance.replace("/wiki?", "/vault?")).await;
    let mut there = Browser(vec![("__Host-rolegate-visit-vault".into(), person.there.value(VISIT))]);
    let code = entered.location.split_once("?code=").unwrap().1;
    let refused = there.get(&world, &format!("/authz/vault/arrive?code={code}")).await;
    assert_eq!((refused.status, refused.heading().as_str()), (400, "This sign-in did not start here"));
    let refused = person.there.get(&world, &format!("/authz/wiki/arrive?code={code}")).await;
    assert_eq!((refused.status, refused.heading().as_str()), (400, "This sign-in did not start here"));
    // What is said to the application is no token of ours.
    let known = world.get(ASK, Some(&format!("{AT}={own}"))).await;
    let token = known.headers["x-rolegate-identity"].to_str().unwrap();
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", token),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("client_id", "app"),
    ];
    assert_eq!(world.post("/oauth2/token", &form, &[]).await.status, 401);
    world.stop().await;
}

#[actix_web::test]
async fn a_visit_comes_back_to_the_application_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let person = Person::at_portal(&world, &ann(&world)).await;
    for (place, expected) in [
        ("/x?y=%0d%0aSet-Cookie", "/x?y=%0d%0aSet-Cookie"),
        ("//evil.example/", "//evil.example/"),
        ("@evil.example/", "/"),
        (".evil.example/", "/"),
        ("https://evil.example/", "/"),
        (":8443/", "/"),
        ("", "/"),
    ] {
        let mut person = Person { there: Browser::default(), here: person.here.clone() };
        let back = person.visit(&world, place).await;
        assert_eq!((back.status, back.location), (303, format!("{WIKI}{expected}")), "{place}");
    }
    let long = format!("/{}", "x".repeat(2048));
    let mut person = Person { there: Browser::default(), here: person.here };
    assert_eq!(person.visit(&world, &long).await.location, format!("{WIKI}/"));
    for path in [
        "/portal/application/none?visit=0123456789012345678901234567890123456789012",
        "/authz/none/start",
        "/authz/none/arrive?code=x",
        "/saml/corp/login?application=none&visit=0123456789012345678901234567890123456789012",
        "/saml/corp/login?application=wiki&visit=%22%3E",
        "/saml/corp/login?application=wiki",
    ] {
        assert_eq!(person.here.get(&world, path).await.status, 404, "{path}");
    }
    for path in ["/portal/application/wiki", "/portal/application/wiki?visit=x%26y=1"] {
        assert_eq!(person.here.get(&world, path).await.status, 400, "{path}");
    }
    world.stop().await;
}

#[actix_web::test]
async fn whoever_ends_the_sign_in_ends_the_visits() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut person = Person::at_portal(&world, &ann(&world)).await;
    let mut other = Person::at_portal(&world, &Said { index: Some("_s2"), ..ann(&world) }).await;
    for person in [&mut person, &mut other] {
        person.visit(&world, "/").await;
        assert_eq!(person.asks(&world).await, 200);
    }
    person.here.post(&world, "/federation", &[("Action", "logout")]).await;
    assert_eq!((person.asks(&world).await, other.asks(&world).await), (401, 200));
    // A browser that is ended from another takes its visits along.
    world.clock.advance(SECOND);
    let mut third = Person::at_portal(&world, &Said { index: Some("_s3"), ..ann(&world) }).await;
    third.visit(&world, "/").await;
    rolegate::store::Store::flushed(world.store.as_ref()).await.unwrap();
    let shown = third.here.get(&world, "/portal/sessions").await.body;
    let id = shown.split_once("name=\"end\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    third.here.post(&world, "/portal/sessions", &[("end", &id)]).await;
    assert_eq!((other.asks(&world).await, third.asks(&world).await), (401, 200));
    let out = third.there.get(&world, "/authz/wiki/sign-out").await;
    assert_eq!((out.status, out.location), (303, format!("{OURS}/portal")));
    assert_eq!(third.asks(&world).await, 401, "its cookie is gone");
    // And it is over by itself with its role.
    third.visit(&world, "/").await;
    world.clock.advance(3599 * SECOND);
    assert_eq!(third.asks(&world).await, 200);
    world.clock.advance(SECOND);
    assert_eq!(third.asks(&world).await, 401);
    assert_eq!(third.visit(&world, "/").await.status, 303, "who is at the portal still is let in again");
    world.stop().await;
}

/// Once: a provider that does not ask is not asked forever.
#[actix_web::test]
async fn an_application_may_want_a_fresh_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let said = Said { group: "admins", ..ann(&world) };
    let mut person = Person::at_portal(&world, &said).await;
    world.clock.advance(3 * 60 * SECOND);
    let now = world.clock.now();
    for (signed_in, status, heading) in [(noon(), 403, "This role wants a fresh sign-in"), (now, 303, "")] {
        let entrance = person.leave(&world, "vault", "/").await;
        let again = person.here.get(&world, &entrance).await;
        assert_eq!((again.status, again.heading().as_str()), (200, "Sign in again"));
        let (_, asked) = again.body.split_once("href=\"https://idp.example.com/sso?").unwrap();
        let asked = asked.split_once('"').unwrap().0.replace("&#38;", "&");
        let said = Said { signed_in, issued: now, ..said };
        let arrived = person.here.answer(&world, &asked, &said).await;
        if status == 403 {
            assert_eq!(
                (arrived.status, arrived.heading().as_str()),
                (403, heading),
                "and nobody is sent again"
            );
            continue;
        }
        assert_eq!(arrived.heading(), "You are signed in");
        let entered = person.here.get(&world, &entrance).await;
        assert!(arrived.body.contains(&format!("{entrance}\"")), "{}", arrived.body);
        assert_eq!((entered.status, entered.heading().as_str()), (status, heading));
    }
    world.stop().await;
}

/// Proxies that hand our answer on want a redirect; scripts can't follow one to a sign-in.
#[actix_web::test]
async fn a_browser_is_sent_to_sign_in_where_the_proxy_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let ask = "/authz?application=wiki&unauthenticated=redirect";
    let uri = ("x-forwarded-uri", "/page?a=1&b=2");
    for (headers, status) in [
        (&[uri][..], 302),
        (&[uri, ("sec-fetch-mode", "navigate"), ("x-forwarded-method", "GET")], 302),
        (&[uri, ("sec-fetch-mode", "cors")], 401),
        (&[uri, ("x-forwarded-method", "POST")], 401),
    ] {
        let answer = world.get_with(ask, headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        let to = format!("{WIKI}/.rolegate/start?return=/page?a=1&b=2");
        assert_eq!(answer.location, if status == 302 { to } else { String::new() });
    }
    assert_eq!(world.get_with(ASK, &[uri]).await.status, 401);
    assert_eq!(world.get_with("/authz/wiki/start", &[("sec-fetch-mode", "cors")]).await.status, 401);
    world.stop().await;
}

/// A browser is ended alone where it and the one that ends it come of one sign-in.
#[actix_web::test]
async fn a_browser_that_is_ended_takes_its_visits_along() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut copy = Person::at_portal(&world, &ann(&world)).await;
    copy.visit(&world, "/").await;
    world.clock.advance(SECOND);
    let mut mine = Person::at_portal(&world, &ann(&world)).await;
    mine.visit(&world, "/").await;
    rolegate::store::Store::flushed(world.store.as_ref()).await.unwrap();
    let shown = mine.here.get(&world, "/portal/sessions").await.body;
    let id = shown.split_once("name=\"end\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    mine.here.post(&world, "/portal/sessions", &[("end", &id)]).await;
    assert_eq!((copy.asks(&world).await, mine.asks(&world).await), (401, 200));
    world.stop().await;
}

/// What is configured now counts for who was let in before.
#[actix_web::test]
async fn a_role_that_may_no_longer_enter_is_out() {
    let folder = tempfile::tempdir().unwrap();
    let before = world(folder.path()).await;
    let mut person = Person::at_portal(&before, &ann(&before)).await;
    person.visit(&before, "/").await;
    assert_eq!(person.asks(&before).await, 200);
    before.stop().await;
    let both = "roles = [\"arn:aws:iam::111122223333:role/Admin\", \"arn:aws:iam::111122223333:role/Dev\"]";
    assert!(CONFIG.contains(both));
    let config = CONFIG.replace(both, "roles = [\"arn:aws:iam::111122223333:role/Admin\"]");
    let after = World::with(folder.path(), &config).await;
    assert_eq!(person.asks(&after).await, 401);
    after.stop().await;
}
