//! Logout tokens one by one: what is refused, by which check, and what is not.

use std::time::Duration;

use rolegate::clock::Clock;
use serde_json::{Value, json};

use super::issuer::{ATTACKER, HONEST, b64, changed};
use super::world::{BACKCHANNEL, Credentials, EVENT, World, description};

const SECONDS: i64 = 1;
const MINUTES: i64 = 60;

/// The refusal by `check`, as the provider sees it.
fn by(check: &str) -> (u16, String) {
    (400, format!("the logout token was refused by the check {check}"))
}

fn done() -> (u16, String) {
    (200, String::new())
}

async fn goes_on(world: &World, credentials: &Credentials) -> bool {
    world.caller(credentials).await == "200"
}

/// `changes` with times for what are seconds from now.
fn at(world: &World, changes: &Value) -> Value {
    let now = world.clock.now().unix();
    let mut changes = changes.clone();
    for name in ["iat", "exp", "nbf"] {
        match changes[name].as_f64() {
            Some(seconds) if seconds.fract() == 0.0 => changes[name] = json!(now + seconds as i64),
            Some(seconds) => changes[name] = json!(now as f64 + seconds),
            None => {}
        }
    }
    changes
}

/// Each change of the honest claims, and the check that refuses it; none where it is accepted.
#[actix_web::test]
async fn every_claim_counts() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let ann = |changes: Value| {
        let mut all = json!({"sub": "ann", "sid": "s1"});
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        all
    };
    let event = |events: Value| ann(json!({ "events": events }));
    let long = "i".repeat(1025);
    let cases = [
        ("another issuer", ann(json!({"iss": world.other.url})), "oidc.issuer"),
        ("a slash more", ann(json!({"iss": format!("{}/", world.issuer.url)})), "oidc.issuer"),
        ("no issuer", ann(json!({"iss": null})), "oidc.claim.missing"),
        ("the client of an app", ann(json!({"aud": "app"})), ""),
        ("somebody else's client", ann(json!({"aud": ["other"]})), "oidc.logout.audience"),
        ("our client as azp alone", ann(json!({"aud": "x", "azp": "broker"})), "oidc.logout.audience"),
        ("no audience", ann(json!({"aud": null})), "oidc.claim.missing"),
        ("a number as audience", ann(json!({"aud": 7})), "oidc.claim.form"),
        ("with a nonce", ann(json!({"nonce": "n"})), "oidc.logout.nonce"),
        ("with an empty nonce", ann(json!({"nonce": ""})), "oidc.logout.nonce"),
        ("no events", event(Value::Null), "oidc.logout.events"),
        ("events as a list", event(json!([EVENT])), "oidc.logout.events"),
        ("events as text", event(json!(EVENT)), "oidc.logout.events"),
        ("no event", event(json!({})), "oidc.logout.events"),
        ("another event", event(json!({"http://schemas.openid.net/event/other": {}})), "oidc.logout.events"),
        ("one event too many", event(json!({EVENT: {}, "urn:other": {}})), "oidc.logout.events"),
        ("the event as text", event(json!({EVENT: ""})), "oidc.logout.events"),
        ("the event as null", event(json!({EVENT: null})), "oidc.logout.events"),
        ("nobody", ann(json!({"sub": null, "sid": null})), "oidc.logout.whose"),
        ("a number as sub", ann(json!({"sub": 7})), "oidc.claim.form"),
        ("an empty sub", ann(json!({"sub": ""})), "oidc.claim.form"),
        ("a list as sid", ann(json!({"sid": ["s1"]})), "oidc.claim.form"),
        ("an empty sid", ann(json!({"sid": ""})), "oidc.claim.form"),
        ("a long sid", ann(json!({"sid": long})), "oidc.logout.length"),
        ("a long sub", ann(json!({"sub": long})), "oidc.sub.length"),
        ("no jti", ann(json!({"jti": null})), "oidc.claim.missing"),
        ("an empty jti", ann(json!({"jti": ""})), "oidc.claim.form"),
        ("a long jti", ann(json!({"jti": long})), "oidc.logout.length"),
        ("no iat", ann(json!({"iat": null})), "oidc.claim.missing"),
        ("an iat with a fraction", ann(json!({"iat": 0.5})), "oidc.claim.timestamp"),
        ("the last second of its age", ann(json!({"iat": -6 * MINUTES + SECONDS, "exp": null})), ""),
        ("too old", ann(json!({"iat": -6 * MINUTES, "exp": null})), "oidc.logout.too-old"),
        ("a clock that is ahead", ann(json!({"iat": MINUTES})), ""),
        ("from the future", ann(json!({"iat": MINUTES + SECONDS})), "oidc.iat"),
        ("expired within the skew", ann(json!({"exp": -MINUTES + SECONDS})), ""),
        ("expired", ann(json!({"exp": -MINUTES})), "oidc.expired"),
        ("not yet", ann(json!({"nbf": MINUTES + SECONDS})), "oidc.nbf"),
        ("without exp", ann(json!({"exp": null})), ""),
        ("several audiences", ann(json!({"aud": ["x", "broker"]})), ""),
        ("an event that says more", event(json!({EVENT: {"reason": "x"}})), ""),
        ("a person alone", ann(json!({"sid": null})), ""),
        ("a session alone", ann(json!({"sub": null})), ""),
        ("as it should be", ann(json!({})), ""),
    ];
    for (number, (what, changes, check)) in cases.iter().enumerate() {
        let credentials = world.credentials(json!({"sid": "s1"})).await;
        world.clock.advance(Duration::from_millis(1));
        let claims = changed(world.logout_claims(&format!("j{number}"), &json!({})), &at(&world, changes));
        let token = HONEST.sign(&json!({"alg": "ES256", "kid": "k", "typ": "logout+jwt"}), &claims);
        let (expected, over) = if check.is_empty() { (done(), true) } else { (by(check), false) };
        assert_eq!(world.log_out(&token).await, expected, "{what}");
        assert_eq!(goes_on(&world, &credentials).await, !over, "{what}");
        // What comes next is asserted after it.
        world.clock.advance(Duration::from_secs(2 * 60));
    }
    world.stop().await;
}

/// The outside of the token: its header, its signature, its form.
#[actix_web::test]
async fn nobody_else_signs_and_nothing_else_is_signed() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let credentials = world.credentials(json!({"sid": "s1"})).await;
    let claims = |jti: &str| world.logout_claims(jti, &json!({"sub": "ann", "sid": "s1"}));
    let header = |changes: Value| changed(json!({"alg": "ES256", "kid": "k", "typ": "logout+jwt"}), &changes);
    let signed = |jti: &str, changes: Value| HONEST.sign(&header(changes), &claims(jti));
    let unsigned = |header: Value| {
        format!("{}.{}.", b64(header.to_string().as_bytes()), b64(claims("u").to_string().as_bytes()))
    };
    let hmac = {
        let header = jsonwebtoken::Header { kid: Some("k".into()), ..Default::default() };
        let public = b64(b"the public key");
        let key = jsonwebtoken::EncodingKey::from_secret(public.as_bytes());
        jsonwebtoken::encode(&header, &claims("h"), &key).unwrap()
    };
    let whole = signed("t", json!({}));
    let (start, signature) = whole.rsplit_once('.').unwrap();
    let other_claims = b64(claims("x").to_string().as_bytes());
    let grafted = format!("{}.{other_claims}.{signature}", start.split('.').next().unwrap());
    let cases = [
        ("another provider's key", ATTACKER.sign(&header(json!({})), &claims("a")), "oidc.signature"),
        ("a key that nobody knows", signed("b", json!({"kid": "z"})), "oidc.key.unknown"),
        ("alg none", unsigned(json!({"alg": "none", "kid": "k"})), "oidc.algorithm"),
        ("alg None", unsigned(json!({"alg": "None", "kid": "k"})), "oidc.algorithm"),
        ("no signature", unsigned(header(json!({}))), "oidc.signature"),
        ("HMAC", hmac, "oidc.algorithm"),
        ("an algorithm that is not allowed", signed("c", json!({"alg": "PS256"})), "oidc.algorithm"),
        ("an algorithm of another key", signed("c", json!({"alg": "RS256"})), "oidc.key.unknown"),
        ("no algorithm", signed("d", json!({"alg": null})), "oidc.jwt"),
        ("an access token", signed("e", json!({"typ": "at+jwt"})), "oidc.jwt"),
        ("a security event of another kind", signed("f", json!({"typ": "secevent+jwt"})), "oidc.jwt"),
        ("a type that is no text", signed("g", json!({"typ": 1})), "oidc.jwt"),
        ("a critical extension", signed("h", json!({"crit": ["b64"], "b64": false})), "oidc.jwt"),
        ("claims of another token", grafted, "oidc.signature"),
        ("padding", format!("{whole}="), "oidc.jwt"),
        ("no token at all", "x".repeat(100), "oidc.jwt"),
        ("too long", "x".repeat(20_001), "oidc.jwt"),
        (
            "an ID token",
            world.id_token(&json!({"sid": "s1", "nonce": "n", "jti": "i"})),
            "oidc.logout.events",
        ),
    ];
    for (what, token, check) in &cases {
        assert_eq!(world.log_out(token).await, by(check), "{what}");
        assert!(goes_on(&world, &credentials).await, "{what}");
    }
    let types = [
        json!("logout+jwt"),
        json!("LOGOUT+JWT"),
        json!("application/logout+jwt"),
        json!("JWT"),
        json!(null),
    ];
    for (number, typ) in types.into_iter().enumerate() {
        let token = signed(&format!("typ{number}"), json!({ "typ": typ }));
        assert_eq!(world.log_out(&token).await, done(), "{typ}");
    }
    assert!(!goes_on(&world, &credentials).await);
    world.stop().await;
}

/// What was here before ends nothing more.
#[actix_web::test]
async fn a_copy_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let token = world.logout_token("once", &json!({"sub": "ann"}));
    let before = world.credentials(json!({})).await;
    assert_eq!(world.log_out(&token).await, done());
    assert!(!goes_on(&world, &before).await);
    world.clock.advance(Duration::from_secs(1));
    let after = world.credentials(json!({})).await;
    assert_eq!(world.log_out(&token).await, by("replay"));
    let same_id = world.logout_token("once", &json!({"sub": "ann", "sid": "s1"}));
    assert_eq!(world.log_out(&same_id).await, by("replay"), "its id counts, not its text");
    assert!(goes_on(&world, &after).await);
    // Once its age is over its claim may be forgotten.
    world.clock.advance(Duration::from_secs(6 * 60 - 1));
    assert_eq!(world.log_out(&token).await, by("oidc.expired"));
    world.stop().await;
}

/// The two kinds of token are never taken for each other.
#[actix_web::test]
async fn a_logout_token_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let claims = world.logout_claims("i", &json!({"sub": "ann"}));
    for header in [json!({"alg": "ES256", "kid": "k"}), json!({"alg": "ES256", "kid": "k", "typ": "JWT"})] {
        let refused = world.assume(&HONEST.sign(&header, &claims)).await.err();
        assert_eq!(refused.as_deref(), Some("400 InvalidIdentityToken"), "{header}");
    }
    let typed = json!({"alg": "ES256", "kid": "k", "typ": "logout+jwt"});
    let refused = world.assume(&HONEST.sign(&typed, &claims)).await.err();
    assert_eq!(refused.as_deref(), Some("400 InvalidIdentityToken"));
    // Nor in a login, where it would have to carry the nonce.
    let away = world.begin().await;
    world.grants(&away, &json!({"events": {EVENT: {}}}));
    let answer = world.back(&away).await;
    let shown = (answer.status, answer.heading());
    assert_eq!(shown, (400, "The identity provider&#39;s answer was not accepted".to_owned()));
    for harmless in [json!(["logout"]), json!({"urn:other": {}}), json!("x")] {
        let token = world.id_token(&json!({ "events": harmless }));
        assert!(world.assume(&token).await.is_ok(), "{harmless}");
    }
    world.stop().await;
}

/// The request around the token.
#[actix_web::test]
async fn exactly_one_token_for_the_provider_that_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let credentials = world.credentials(json!({})).await;
    let token = world.logout_token("one", &json!({"sub": "ann"}));
    let one = ("logout_token", token.as_str());
    let form = "the form must have exactly one logout_token";
    for fields in [&[][..], &[("logout_token", "")][..0], &[one, one], &[("token", token.as_str())]] {
        let answer = world.post(BACKCHANNEL, fields, &[]).await;
        assert_eq!((answer.status, description(&answer).as_str()), (400, form), "{fields:?}");
    }
    let nowhere = "no OpenID provider of this name is set up here";
    let foreign = by("oidc.issuer").1;
    for (name, status, said) in
        [("nobody", 404, nowhere), ("machines", 400, &foreign), ("other", 400, &foreign)]
    {
        let answer = world.post(&format!("/oidc/{name}/backchannel-logout"), &[one], &[]).await;
        assert_eq!((answer.status, description(&answer).as_str()), (status, said), "{name}");
    }
    assert_eq!(world.get(BACKCHANNEL, None).await.status, 404, "by POST only");
    assert!(goes_on(&world, &credentials).await);

    let answer = world.post(BACKCHANNEL, &[one, ("more", "x")], &[]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!goes_on(&world, &credentials).await);
    let again = world.post(BACKCHANNEL, &[one], &[]).await;
    assert_eq!(again.headers["cache-control"], "no-store");
    assert_eq!(again.headers["content-type"], "application/json");
    assert!(again.body.contains("\"error\":\"invalid_request\""), "{again:?}");
    world.stop().await;
}
