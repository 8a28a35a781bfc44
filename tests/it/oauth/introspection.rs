//! What is told of tokens, and to whom.

use std::time::Duration;

use rolegate::clock::Clock;
use serde_json::json;

use super::fixture::{API, AUDITOR_SECRET, AWS_CREDENTIALS, Fields, PUBLIC_URL, SERVER_SECRET, UPLOAD};
use super::world::{World, changed};

const INTROSPECT: &str = "/oauth2/introspect";

#[actix_web::test]
async fn a_token_that_is_good_is_told_of() {
    let world = World::start().await;
    let now = world.clock.now().unix();
    let token = world.token(&world.exchange()).await.access_token();
    let told = world.introspect(&token).await;
    assert!(told["sub"].is_string() && told["jti"].is_string());
    let session = json!({
        "role": UPLOAD, "role_session_name": "cleo-phone", "subject": "cleo", "tags": { "plan": "premium" },
        "provider": "arn:aws:iam::111122223333:oidc-provider/accounts.example.com",
        "arn": "arn:aws:sts::111122223333:assumed-role/Upload/cleo-phone",
    });
    assert_eq!(
        told,
        json!({
            "active": true, "token_type": "Bearer", "iss": PUBLIC_URL, "sub": told["sub"], "aud": API,
            "client_id": "app", "iat": now, "exp": now + 3600, "jti": told["jti"], "rolegate": session,
        })
    );
    let asked = world.exchange().without("audience").with("requested_token_type", AWS_CREDENTIALS);
    let given = world.token(&asked).await.json();
    let mut session = session;
    session["access_key_id"] = given["credentials"]["AccessKeyId"].clone();
    assert_eq!(
        world.introspect(given["access_token"].as_str().unwrap()).await,
        json!({
            "active": true, "token_type": AWS_CREDENTIALS, "iss": PUBLIC_URL, "sub": told["sub"],
            "iat": now, "exp": now + 3600, "rolegate": session,
        })
    );
}

#[actix_web::test]
async fn of_everything_else_nothing_is_told() {
    let world = World::start().await;
    let token = world.token(&world.exchange()).await.access_token();
    let phone = world.token(&world.exchange().with("client_id", "phone")).await;
    let asked = world.exchange().without("audience").with("requested_token_type", AWS_CREDENTIALS);
    let given = world.token(&asked).await.json();
    let nothing = json!({ "active": false });
    for (what, token) in [
        ("an ID token", world.id_token()),
        ("a refresh token", phone.refresh_token()),
        ("a changed token", changed(&token, token.len() - 5)),
        ("an access key id", given["credentials"]["AccessKeyId"].as_str().unwrap().to_owned()),
        ("anything", "x".to_owned()),
    ] {
        assert_eq!(world.introspect(&token).await, nothing, "{what}");
    }
    let session_token = given["access_token"].as_str().unwrap();
    for (seconds, expected) in [(3599, true), (1, false)] {
        world.clock.advance(Duration::from_secs(seconds));
        assert_eq!(world.introspect(&token).await["active"], expected);
        assert_eq!(world.introspect(session_token).await["active"], expected);
    }
}

#[actix_web::test]
async fn only_who_may_is_told() {
    let world = World::start().await;
    let token = world.token(&world.exchange()).await.access_token();
    let by = |id: &str, secret: &str| {
        Fields::of(&[("client_id", id), ("client_secret", secret), ("token", &token)])
    };
    for (what, asked, expected) in [
        ("an auditor", by("auditor", AUDITOR_SECRET), "200"),
        ("an auditor without its secret", by("auditor", ""), "401 invalid_client"),
        ("an auditor with another", by("auditor", SERVER_SECRET), "401 invalid_client"),
        ("a server", by("server", SERVER_SECRET), "400 unauthorized_client"),
        ("an app", by("app", ""), "400 unauthorized_client"),
        ("an auditor about nothing", by("auditor", AUDITOR_SECRET).without("token"), "400 invalid_request"),
    ] {
        let answer = world.post(INTROSPECT, &asked, &[]).await;
        let seen = if answer.status == 200 { "200".to_owned() } else { answer.refusal() };
        assert_eq!(seen, expected, "{what}");
    }
    let answer = world.get(&format!("{INTROSPECT}?token={token}"), &[]).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
}
