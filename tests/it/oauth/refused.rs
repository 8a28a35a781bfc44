//! What gives nothing, each beside what does.

use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use rolegate::clock::Clock;
use serde_json::{Value, json};

use super::exchange::{api_token, further, opened};
use super::fixture::{API, AWS_CREDENTIALS, DEV, Fields, JWT, PHOTOS, SAML2, TOKEN_EXCHANGE};
use super::world::World;
use crate::saml::fixture::honest;

#[actix_web::test]
async fn what_is_not_believed_gives_nothing() {
    let world = World::start().await;
    let claims = |name: &str, value: Value| {
        let mut claims = world.claims();
        claims[name] = value;
        world.id_token_of(&claims)
    };
    let now = world.clock.now().unix();
    let forged = |header: Value| super::fixture::TokenKey::new("mobile").sign(&header, &world.claims());
    for (what, token, expected) in [
        ("an expired token", claims("exp", json!(now - 61)), "The subject_token has expired: get a new one."),
        (
            "a token of tomorrow",
            claims("iat", json!(now + 86_400)),
            "The subject_token is not yet valid: compare the clocks.",
        ),
        (
            "a token for another client",
            claims("aud", json!("web")),
            "The subject_token is meant for somebody else.",
        ),
        (
            "a token of nobody's issuer",
            claims("iss", json!("https://evil.example.com")),
            "No identity provider of the role's account issues this subject_token.",
        ),
        (
            "a token by another key",
            forged(json!({ "alg": "ES256", "kid": "mobile" })),
            "The subject_token is not accepted: the broker's log says which check failed.",
        ),
        (
            "a token by no key",
            forged(json!({ "alg": "none" })),
            "The subject_token is not accepted: the broker's log says which check failed.",
        ),
        (
            "an access token",
            world
                .issuer_key
                .sign(&json!({ "alg": "ES256", "kid": "mobile", "typ": "at+jwt" }), &world.claims()),
            "The subject_token is not of the subject_token_type, or not readable.",
        ),
        ("no token", "x".to_owned(), "The subject_token is not of the subject_token_type, or not readable."),
        (
            "an assertion",
            STANDARD.encode_to_string(honest()),
            "The subject_token is not of the subject_token_type, or not readable.",
        ),
        (
            "our own token",
            api_token(&world).await,
            "No identity provider of the role's account issues this subject_token.",
        ),
        (
            "somebody who does not pay",
            claims("plan", json!("free")),
            "The role is not granted to this subject_token: ask your administrator.",
        ),
    ] {
        let asked = world.exchange().with("subject_token", &token);
        assert_eq!(world.token(&asked).await.said(), format!("400 invalid_request: {expected}"), "{what}");
    }
    let good = || world.exchange();
    for (what, asked, expected) in [
        ("as it is", good(), "200"),
        ("the type jwt", good().with("subject_token_type", JWT), "200"),
        (
            "a role that trusts others",
            good().with("role", "arn:aws:iam::111122223333:role/Untrusting"),
            "The role is not granted to this subject_token: ask your administrator.",
        ),
        (
            "a role that nobody offers",
            good().with("role", DEV),
            "The role is not granted to this subject_token: ask your administrator.",
        ),
        (
            "a role that does not exist",
            good().with("role", "arn:aws:iam::111122223333:role/Gone"),
            "The role is not granted to this subject_token: ask your administrator.",
        ),
        (
            "a role of another account",
            good().with("role", "arn:aws:iam::444455556666:role/Upload"),
            "No identity provider of the role's account issues this subject_token.",
        ),
        ("a role that is none", good().with("role", "Upload"), "role is not the ARN of a role."),
        ("no role", good().without("role"), "role is missing: send the role's ARN."),
        (
            "no session name",
            good().without("role_session_name"),
            "No rule and no assertion names the session: send role_session_name.",
        ),
        (
            "a bad session name",
            good().with("role_session_name", "a b"),
            "The session's name must be 2 to 64 of letters, digits and _+=,.@-",
        ),
        ("the longest duration", good().with("duration_seconds", "7200"), "200"),
        (
            "more than the role's",
            good().with("duration_seconds", "7201"),
            "duration_seconds is more than the role's max_session_duration.",
        ),
        (
            "more than anybody's",
            good().with("duration_seconds", "43201"),
            "duration_seconds is not a number from 900 to 43200.",
        ),
        (
            "less than a quarter",
            good().with("duration_seconds", "899"),
            "duration_seconds is not a number from 900 to 43200.",
        ),
        (
            "no number",
            good().with("duration_seconds", "+900"),
            "duration_seconds is not a number from 900 to 43200.",
        ),
        (
            "a grant of others",
            good().with("grant_type", "password"),
            "400 unsupported_grant_type: Send one of urn:ietf:params:oauth:grant-type:token-exchange, refresh_token, urn:ietf:params:oauth:grant-type:device_code as grant_type.",
        ),
        ("no grant", good().without("grant_type"), "grant_type is missing: send it."),
        ("no token", good().with("subject_token", ""), "subject_token is missing: send it."),
        ("no type", good().without("subject_token_type"), "subject_token_type is missing: send it."),
        (
            "an unknown type",
            good().with("subject_token_type", "jwt"),
            "Send one of urn:ietf:params:oauth:token-type:id_token, urn:ietf:params:oauth:token-type:jwt, urn:ietf:params:oauth:token-type:saml2, urn:ietf:params:oauth:token-type:access_token as subject_token_type.",
        ),
        (
            "another type",
            good().with("subject_token_type", SAML2),
            "The subject_token is not of the subject_token_type, or not readable.",
        ),
        (
            "an unknown wish",
            good().with("requested_token_type", SAML2),
            "Send one of urn:rolegate:params:oauth:token-type:aws-credentials, urn:ietf:params:oauth:token-type:access_token, urn:ietf:params:oauth:token-type:jwt as requested_token_type.",
        ),
        ("no audience", good().without("audience"), "A token is for one service: send audience or resource."),
        ("audience and resource", good().with("resource", API), "Send audience or resource, not both."),
        (
            "credentials for an audience",
            good().with("requested_token_type", AWS_CREDENTIALS),
            "Credentials are for no audience and no resource: leave both out.",
        ),
        (
            "a scope",
            good().with("scope", "read"),
            "400 invalid_scope: There are no scopes: send role, and audience or resource.",
        ),
        ("an actor", good().with("actor_token", "x"), "actor_token is not supported: leave it out."),
        ("a policy", good().with("policy", "{}"), "policy is not supported: leave it out."),
    ] {
        let seen = world.token(&asked).await.said();
        assert_eq!(seen.trim_start_matches("400 invalid_request: "), expected, "{what}");
    }
}

/// Whoever holds the issuer's key, or our public one, can't make a token of ours.
#[actix_web::test]
async fn a_forged_token_of_ours_is_none() {
    let world = World::start().await;
    let token = api_token(&world).await;
    let (header, claims) = opened(&token);
    assert_eq!(world.token(&further(&token, PHOTOS)).await.status, 200);
    let parts: Vec<_> = token.split('.').collect();
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode_to_string(value.to_string());
    let mut wider = claims.clone();
    wider["rolegate"]["role"] = json!(DEV);
    let hs = {
        let header = encoded(&json!({ "typ": "at+jwt", "alg": "HS256", "kid": header["kid"] }));
        let public = world.get("/.well-known/jwks.json", &[]).await.body;
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public.as_bytes());
        let signed = format!("{header}.{}", parts[1]);
        let tag = URL_SAFE_NO_PAD.encode_to_string(aws_lc_rs::hmac::sign(&key, signed.as_bytes()).as_ref());
        format!("{signed}.{tag}")
    };
    let none = encoded(&json!({ "typ": "at+jwt", "alg": "none" }));
    for (what, forged) in [
        ("other claims", format!("{}.{}.{}", parts[0], encoded(&wider), parts[2])),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("the algorithm none", format!("{none}.{}.", parts[1])),
        ("HMAC with our key set", hs),
        ("the issuer's key", world.issuer_key.sign(&header, &claims)),
        ("a key in the header", {
            let jwk = json!({ "kty": "EC", "crv": "P-256" });
            world.issuer_key.sign(&json!({ "typ": "at+jwt", "alg": "ES256", "jwk": jwk }), &claims)
        }),
        ("the issuer's ID token", world.id_token()),
        ("a session token", STANDARD.encode_to_string([1; 200])),
    ] {
        assert_eq!(world.token(&further(&forged, PHOTOS)).await.refusal(), "400 invalid_request", "{what}");
    }
}

/// What our side can't do is our side's fault, and may be tried again.
#[actix_web::test]
async fn a_store_that_fails_gives_nothing() {
    let world = World::start().await;
    let asked = Fields::of(&[
        ("grant_type", TOKEN_EXCHANGE),
        ("client_id", "app"),
        ("subject_token", &STANDARD.encode_to_string(honest())),
        ("subject_token_type", SAML2),
        ("role", DEV),
        ("audience", API),
    ]);
    world.store.fail(true);
    assert_eq!(world.token(&asked).await.refusal(), "503 temporarily_unavailable");
    world.store.fail(false);
    assert_eq!(world.token(&asked).await.status, 200);
}
