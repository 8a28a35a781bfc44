//! What is given for what.

use std::time::Duration;

use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use rolegate::clock::Clock;
use serde_json::{Value, json};

use super::fixture::{
    ACCESS_TOKEN, API, AWS_CREDENTIALS, DEV, Fields, JWT, PHOTOS, PUBLIC_URL, SAML2, SETTINGS,
    TOKEN_EXCHANGE, UPLOAD,
};
use super::world::World;
use crate::saml::fixture::honest;

/// Header and claims of a token that the key set verifies.
pub(super) fn opened(token: &str) -> (Value, Value) {
    let parts: Vec<_> = token.split('.').collect();
    let part =
        |index: usize| serde_json::from_slice(&URL_SAFE_NO_PAD.decode_to_vec(parts[index]).unwrap()).unwrap();
    (part(0), part(1))
}

/// A token of `app` for the API.
pub(super) async fn api_token(world: &World) -> String {
    world.token(&world.exchange()).await.access_token()
}

/// The form that exchanges `token` for one for `audience`.
pub(super) fn further(token: &str, audience: &str) -> Fields {
    Fields::of(&[
        ("grant_type", TOKEN_EXCHANGE),
        ("client_id", "app"),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", audience),
    ])
}

#[actix_web::test]
async fn an_id_token_becomes_a_token_for_a_service() {
    let world = World::start().await;
    let now = world.clock.now().unix();
    let answer = world.token(&world.exchange()).await;
    let given = answer.json();
    let shown = |name: &str| given[name].clone();
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        [shown("issued_token_type"), shown("token_type"), shown("expires_in")],
        [json!(ACCESS_TOKEN), json!("Bearer"), json!(3600)]
    );
    assert_eq!(given.as_object().unwrap().len(), 4);
    let token = answer.access_token();
    let (header, mut claims) = opened(&token);
    let keys = world.get("/.well-known/jwks.json", &[]).await.json();
    assert_eq!(header, json!({ "typ": "at+jwt", "alg": "ES256", "kid": keys["keys"][0]["kid"] }));
    let [sub, jti, grant] = [&claims["sub"], &claims["jti"], &claims["rolegate"]["grant"]].map(Value::clone);
    let (role_id, login) = (claims["rolegate"]["role_id"].take(), claims["rolegate"]["login"].take());
    assert_eq!(login.as_array().unwrap().len(), 3, "by which the provider ends it: {login}");
    assert!(role_id.as_str().unwrap().starts_with("AROA"));
    assert_eq!(
        claims,
        json!({
            "iss": PUBLIC_URL, "aud": API, "client_id": "app", "iat": now, "exp": now + 3600,
            "sub": sub, "jti": jti,
            "rolegate": {
                "role": UPLOAD, "role_id": null, "role_session_name": "cleo-phone", "subject": "cleo",
                "provider": "arn:aws:iam::111122223333:oidc-provider/accounts.example.com",
                "tags": { "plan": "premium" }, "login": null, "grant": grant, "granted_ms": now * 1000,
            },
        })
    );
    // A library that knows nothing of ours.
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(keys["keys"][0].clone()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    rules.set_audience(&[API]);
    rules.set_issuer(&[PUBLIC_URL]);
    rules.validate_exp = false; // The broker's clock stands still.
    assert!(jsonwebtoken::decode::<Value>(&token, &key, &rules).is_ok());

    let (_, again) = opened(&world.token(&world.exchange()).await.access_token());
    assert_eq!(again["sub"], sub, "the same person");
    assert_ne!(again["jti"], jti);
    let mut namesake = world.claims();
    namesake["iss"] = "https://other.example.com".into();
    let namesake = world.exchange().with("subject_token", &world.id_token_of(&namesake));
    let (_, namesake) = opened(&world.token(&namesake).await.access_token());
    assert!(namesake["sub"] != sub && namesake["rolegate"]["subject"] == "cleo", "another provider's cleo");
}

#[actix_web::test]
async fn an_id_token_becomes_credentials() {
    let world = World::start().await;
    let asked = world.exchange().without("audience").with("requested_token_type", AWS_CREDENTIALS);
    let given = world.token(&asked.with("duration_seconds", "900")).await.json();
    let credentials = &given["credentials"];
    let key = credentials["AccessKeyId"].as_str().unwrap();
    assert!(key.starts_with("ASIA") && credentials["SecretAccessKey"].as_str().unwrap().len() == 40);
    assert_eq!(
        given,
        json!({
            "access_token": credentials["SessionToken"], "issued_token_type": AWS_CREDENTIALS,
            "token_type": "N_A", "expires_in": 900,
            "credentials": {
                "Version": 1, "AccessKeyId": key, "SecretAccessKey": credentials["SecretAccessKey"],
                "SessionToken": credentials["SessionToken"], "Expiration": "2026-11-22T12:15:00Z",
            },
        })
    );
    assert_eq!(world.caller(credentials).await, "arn:aws:sts::111122223333:assumed-role/Upload/cleo-phone");
}

#[actix_web::test]
async fn a_saml_response_is_read_in_two_encodings() {
    let document = honest();
    let document = document.as_bytes();
    for (what, text, expected) in [
        ("base64url", URL_SAFE_NO_PAD.encode_to_string(document), "200"),
        ("base64", STANDARD.encode_to_string(document), "200"),
        ("both", format!("{}-=", STANDARD.encode_to_string(document)), "400 invalid_request"),
        ("neither", URL_SAFE_NO_PAD.encode_to_string(document)[1..].to_owned(), "400 invalid_request"),
        ("as it is", String::from_utf8(document.to_vec()).unwrap(), "400 invalid_request"),
    ] {
        let world = World::start().await;
        let asked = Fields::of(&[
            ("grant_type", TOKEN_EXCHANGE),
            ("client_id", "app"),
            ("subject_token", &text),
            ("subject_token_type", SAML2),
            ("role", DEV),
            ("resource", API),
        ]);
        let answer = world.token(&asked).await;
        if expected != "200" {
            assert_eq!(answer.refusal(), expected, "{what}");
            continue;
        }
        let (_, claims) = opened(&answer.access_token());
        let said = &claims["rolegate"];
        assert_eq!(
            [&claims["aud"], &said["subject"], &said["role_session_name"], &said["role"]],
            [API, "ann", "ann", DEV],
            "{what}"
        );
        assert_eq!(world.token(&asked).await.refusal(), "400 invalid_request", "{what}: used before");
    }
}

#[actix_web::test]
async fn a_token_of_ours_becomes_one_for_another_service_and_no_more() {
    let world = World::start().await;
    let token = api_token(&world).await;
    let (_, first) = opened(&token);
    world.clock.advance(Duration::from_secs(600));
    let answer = world.token(&further(&token, PHOTOS)).await;
    assert_eq!(answer.json()["expires_in"], 3000, "it ends with the first");
    let (_, second) = opened(&answer.access_token());
    assert_eq!(
        [&second["aud"], &second["exp"], &second["sub"]],
        [&json!(PHOTOS), &first["exp"], &first["sub"]]
    );
    assert_eq!(second["rolegate"], first["rolegate"]);
    assert!(second["jti"] != first["jti"] && second["iat"] != first["iat"]);
    let shorter = further(&token, PHOTOS).with("duration_seconds", "900");
    assert_eq!(world.token(&shorter).await.json()["expires_in"], 900);
    let longer = further(&token, PHOTOS).with("duration_seconds", "43200");
    assert_eq!(world.token(&longer).await.json()["expires_in"], 3000);
    let credentials =
        further(&token, PHOTOS).without("audience").with("requested_token_type", AWS_CREDENTIALS);
    for (what, asked, expected) in [
        ("for credentials", credentials, "400 invalid_request"),
        ("for another role", further(&token, PHOTOS).with("role", DEV), "400 invalid_request"),
        ("by another client", further(&token, API).by_server(), "400 invalid_request"),
        ("for a service of nobody", further(&token, "https://evil.example.com"), "400 invalid_target"),
        (
            "as an ID token",
            further(&token, PHOTOS).with("subject_token_type", JWT).with("role", UPLOAD),
            "400 invalid_request",
        ),
    ] {
        assert_eq!(world.token(&asked).await.refusal(), expected, "{what}");
    }
    world.clock.advance(Duration::from_secs(3000));
    assert_eq!(world.token(&further(&token, PHOTOS)).await.refusal(), "400 invalid_request", "it is over");
}

/// What a client may bring, it may bring again as long as it may.
#[actix_web::test]
async fn a_provider_that_is_the_clients_no_more_gives_nothing_more() {
    let world = World::start().await;
    let token = api_token(&world).await;
    assert_eq!(world.token(&further(&token, PHOTOS)).await.status, 200);
    let world = world.again(&SETTINGS.replace("id = \"app\"", "id = \"app\"\nproviders = [\"corp\"]")).await;
    let refused = "400 invalid_request: The subject_token is no token of this client, or no longer good.";
    assert_eq!(world.token(&further(&token, PHOTOS)).await.said(), refused);
}
