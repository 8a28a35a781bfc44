//! Devices that have no browser, and the people who sign them in (RFC 8628).

mod abuse;
mod codes;
mod world;

use std::time::Duration;

use futures_util::future::join;
use rolegate::clock::Clock;
use serde_json::json;

use self::world::{APPROVED, CREDENTIALS, DENIED, GONE, Living, TOKEN_FOR_API, USED};
use super::exchange::opened;
use crate::oidc::world::{DEV, OPS};

#[actix_web::test]
async fn a_person_approves_and_the_device_gets_a_token() {
    let living = Living::start().await;
    let begun = living.begin("tv", &TOKEN_FOR_API).await;
    let page = "https://broker.example.com/device";
    assert_eq!(
        (&begun["verification_uri"], &begun["verification_uri_complete"]),
        (&json!(page), &json!(format!("{page}?user_code={}", begun["user_code"].as_str().unwrap())))
    );
    assert_eq!((&begun["expires_in"], &begun["interval"]), (&json!(600), &json!(5)));
    assert_eq!(living.poll("tv", &begun).await, "400 authorization_pending");

    let asked = living.type_code(&begun["user_code"].as_str().unwrap().to_lowercase()).await;
    assert_eq!((asked.status, asked.heading().as_str()), (200, "A device asks to be signed in"));
    let shown = [
        "<strong>Living room</strong>",
        "a token for <span class=\"name\">https://api.example.com</span>, which it can renew for up to 30 days",
        "<dd class=\"name\">127.0.0.1</dd>",
        begun["user_code"].as_str().unwrap(),
        "href=\"/oidc/staff/login?user_code=",
        "href=\"/oidc/other/login?user_code=",
    ];
    for part in shown {
        assert!(asked.body.contains(part), "{part}: {}", asked.body);
    }
    assert!(!asked.body.contains("/oidc/machines/"), "nobody signs in with it by browser");

    let (away, decide) = living.sign_in_for(&begun, &json!({"groups": ["ops"]})).await;
    assert_eq!((decide.status, decide.heading().as_str()), (200, "Approve the device?"));
    assert_eq!(decide.headers["referrer-policy"], "same-origin");
    assert!(
        decide.policy.contains("form-action 'self' ;") && decide.policy.contains("frame-ancestors 'none'")
    );
    for part in shown[..4].iter().chain(&[DEV, OPS, "You are <strong>ann</strong>"]) {
        assert!(decide.body.contains(part), "{part}: {}", decide.body);
    }
    living.wait(5);
    assert_eq!(living.poll("tv", &begun).await, "400 authorization_pending", "nobody has approved yet");

    let approved = living.approve(&away, &decide, OPS).await;
    assert_eq!((approved.status, approved.heading().as_str()), (200, APPROVED));
    living.wait(5);
    let given = living.collect("tv", &begun).await;
    assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let claims = opened(given["access_token"].as_str().unwrap()).1;
    assert_eq!((&claims["aud"], &claims["client_id"]), (&json!("https://api.example.com"), &json!("tv")));
    assert_eq!(claims["rolegate"]["role"], OPS);
    living.wait(5);
    assert_eq!(living.poll("tv", &begun).await, USED);

    let again = living.refresh("tv", &given).await;
    assert_eq!(again["token_type"], "Bearer", "{again}");
    assert_eq!(living.refresh("tv", &given).await["error"], "invalid_grant", "a refresh token is good once");
    assert_eq!(living.refresh("tv", &again).await["error"], "invalid_grant", "all of the grant is over");
}

#[actix_web::test]
async fn a_command_line_gets_credentials_in_the_role_that_it_asks_for() {
    let living = Living::start().await;
    let begun = living.begin("cli", &[CREDENTIALS, ("role", OPS), ("duration_seconds", "1800")]).await;
    let asked = living.type_code(begun["user_code"].as_str().unwrap()).await;
    let dd = format!("<dt>Role</dt><dd class=\"name\">{OPS}</dd>");
    assert!(asked.body.contains(&dd) && asked.body.contains("<dd>credentials</dd>"), "{}", asked.body);
    assert!(asked.body.contains("<strong>cli</strong>"), "without a label its id is shown");
    let (away, decide) = living.sign_in_for(&begun, &json!({"groups": ["ops"]})).await;
    assert!(!decide.body.contains(DEV) && decide.body.contains("checked"), "{}", decide.body);
    assert_eq!(living.approve(&away, &decide, DEV).await.heading(), "No role for you here");
    assert_eq!(living.approve(&away, &decide, OPS).await.heading(), APPROVED);
    let given = living.collect("cli", &begun).await;
    assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("N_A"), &json!(1800)));
    assert_eq!(given.get("refresh_token"), None, "the client may not refresh");
    let credentials = &given["credentials"];
    assert_eq!(credentials["Version"], 1);
    assert_eq!(living.caller(credentials).await, "200");
}

#[actix_web::test]
async fn a_role_that_the_person_has_not_is_not_offered() {
    let living = Living::start().await;
    let begun = living.begin("cli", &[CREDENTIALS, ("role", OPS)]).await;
    let (_, decide) = living.sign_in_for(&begun, &json!({})).await;
    assert_eq!((decide.status, decide.heading().as_str()), (403, "No role for you here"));
    assert_eq!(living.poll("cli", &begun).await, "400 authorization_pending");
}

#[actix_web::test]
async fn a_person_denies() {
    let living = Living::start().await;
    let begun = living.begin("tv", &TOKEN_FOR_API).await;
    let (away, decide) = living.sign_in_for(&begun, &json!({})).await;
    assert_eq!(living.deny(&away, &decide).await.heading(), DENIED);
    assert_eq!(living.poll("tv", &begun).await, "400 access_denied");
    assert_eq!(living.type_code(begun["user_code"].as_str().unwrap()).await.status, 400, "it is answered");
}

#[actix_web::test]
async fn the_first_answer_holds() {
    let living = Living::start().await;
    for first in ["approve", "deny"] {
        let begun = living.begin("tv", &TOKEN_FOR_API).await;
        let (anns, hers) = living.sign_in_for(&begun, &json!({})).await;
        let (bens, his) = living.sign_in_for(&begun, &json!({"sub": "ben", "jti": first})).await;
        let said = match first {
            "approve" => living.approve(&anns, &hers, DEV).await,
            _ => living.deny(&anns, &hers).await,
        };
        assert_eq!(said.status, 200);
        let approved = living.approve(&bens, &his, DEV).await;
        assert_eq!((approved.status, approved.heading().as_str()), (400, GONE), "{first}");
        let denied = living.deny(&bens, &his).await;
        assert_eq!((denied.status, denied.heading().as_str()), (400, GONE), "{first}");
        match first {
            "approve" => {
                let given = living.collect("tv", &begun).await;
                let claims = opened(given["access_token"].as_str().unwrap()).1;
                assert_eq!(claims["rolegate"]["subject"], "ann");
            }
            _ => assert_eq!(living.poll("tv", &begun).await, "400 access_denied"),
        }
    }
}

/// Neither has seen the other's answer when both press a button.
#[actix_web::test]
async fn of_two_answers_at_once_one_holds() {
    let living = Living::start().await;
    for round in 0..20 {
        let begun = living.begin("tv", &TOKEN_FOR_API).await;
        let claims = |sub| json!({"sub": sub, "jti": format!("{sub} {round}")});
        let (anns, hers) = living.sign_in_for(&begun, &claims("ann")).await;
        let (bens, his) = living.sign_in_for(&begun, &claims("ben")).await;
        let both = join(living.approve(&anns, &hers, DEV), living.approve(&bens, &his, DEV)).await;
        let (mut said, mut winner) = ([both.0.status, both.1.status], "ann");
        if said[0] != 200 {
            (said, winner) = ([said[1], said[0]], "ben");
        }
        assert_eq!(said, [200, 400], "{round}");
        let given = living.collect("tv", &begun).await;
        let claims = opened(given["access_token"].as_str().unwrap()).1;
        assert_eq!(claims["rolegate"]["subject"], winner, "{round}");
    }
}

#[actix_web::test]
async fn a_person_has_ten_minutes_and_the_device_a_minute_more() {
    let living = Living::start().await;
    let (late, early) = (living.begin("tv", &TOKEN_FOR_API).await, living.begin("tv", &TOKEN_FOR_API).await);
    let (away, decide) = living.sign_in_for(&late, &json!({})).await;
    let (other, in_time) = living.sign_in_for(&early, &json!({"jti": "2"})).await;
    living.wait(599);
    assert_eq!(living.poll("tv", &late).await, "400 authorization_pending");
    assert_eq!(living.approve(&other, &in_time, DEV).await.heading(), APPROVED);
    living.wait(1);
    let said = living.approve(&away, &decide, DEV).await;
    assert_eq!((said.status, said.heading().as_str()), (400, GONE));
    living.wait(5);
    assert_eq!(living.poll("tv", &late).await, "400 expired_token");
    living.wait(54);
    assert_eq!(living.poll("tv", &late).await, "400 expired_token");
    assert!(living.collect("tv", &early).await["access_token"].is_string(), "59 s after the end");

    let missed = living.begin("tv", &TOKEN_FOR_API).await;
    let (away, decide) = living.sign_in_for(&missed, &json!({"jti": "3"})).await;
    living.wait(590);
    assert_eq!(living.approve(&away, &decide, DEV).await.heading(), APPROVED);
    living.wait(70);
    assert_eq!(living.poll("tv", &missed).await, "400 expired_token", "nobody collected it");
}

#[actix_web::test]
async fn what_ended_since_is_not_given() {
    let living = Living::start().await;
    let begun = living.begin("tv", &TOKEN_FOR_API).await;
    let (away, decide) = living.sign_in_for(&begun, &json!({"sid": "session"})).await;
    assert_eq!(living.approve(&away, &decide, DEV).await.heading(), APPROVED);
    living.wait(5);
    living.end("logout", &json!({"sub": "ann", "sid": "session"})).await;
    assert_eq!(living.poll("tv", &begun).await, "400 invalid_grant");
}

/// Refresh tokens of before a logout are over, though the provider's clock was ahead when it signed the
/// person in, and right when it signed them out.
#[actix_web::test]
async fn a_logout_ends_what_refreshes() {
    let living = Living::start().await;
    let ahead = living.clock.now().unix() + 50;
    let begun = living.begin("tv", &TOKEN_FOR_API).await;
    let (away, decide) = living.sign_in_for(&begun, &json!({"sid": "s1", "iat": ahead})).await;
    assert_eq!(living.approve(&away, &decide, DEV).await.heading(), APPROVED);
    let given = living.collect("tv", &begun).await;
    let again = living.refresh("tv", &given).await;
    assert_eq!(again["token_type"], "Bearer", "{again}");
    living.wait(1);
    living.end("logout", &json!({"sid": "s1"})).await;
    let refused = living.refresh("tv", &again).await;
    assert_eq!(refused["error"], "invalid_grant", "{refused}");
    let description = refused["error_description"].as_str().unwrap();
    assert!(description.contains("their login was ended"), "and not because it was used: {description}");
}

#[actix_web::test]
async fn requests_and_answers_outlast_a_restart() {
    let living = Living::start().await;
    let (waiting, approved) =
        (living.begin("tv", &TOKEN_FOR_API).await, living.begin("tv", &TOKEN_FOR_API).await);
    let (away, decide) = living.sign_in_for(&approved, &json!({})).await;
    assert_eq!(living.approve(&away, &decide, DEV).await.heading(), APPROVED);
    let living = living.restarted().await;
    assert_eq!(living.type_code(waiting["user_code"].as_str().unwrap()).await.status, 200);
    assert_eq!(living.poll("tv", &waiting).await, "400 authorization_pending");
    assert!(living.collect("tv", &approved).await["access_token"].is_string());
}

#[actix_web::test]
async fn a_store_that_fails_gives_nothing_and_loses_nothing() {
    let living = Living::start().await;
    let begun = living.begin("tv", &TOKEN_FOR_API).await;
    let (away, decide) = living.sign_in_for(&begun, &json!({})).await;
    living.store.fail(true);
    let fields = [("client_id", "tv"), TOKEN_FOR_API[0]];
    let refused = living.post("/oauth2/device_authorization", &fields, &[]).await;
    assert_eq!((refused.status, refused.headers["retry-after"].to_str().unwrap()), (503, "1"));
    assert_eq!(living.type_code(begun["user_code"].as_str().unwrap()).await.status, 503);
    assert_eq!(living.approve(&away, &decide, DEV).await.status, 503);
    assert_eq!(living.poll("tv", &begun).await, "503 temporarily_unavailable");
    living.store.fail(false);
    living.wait(5);
    assert_eq!(living.approve(&away, &decide, DEV).await.heading(), APPROVED);
    assert!(living.collect("tv", &begun).await["access_token"].is_string());
    assert_eq!(living.clock.now().since(crate::saml::fixture::noon()), Duration::from_secs(5));
}
