//! Asking again without the person.

use std::time::Duration;

use base64_simd::STANDARD;
use futures_util::future::join;

use super::exchange::opened;
use super::fixture::{API, AWS_CREDENTIALS, DEV, Fields, SAML2, SETTINGS, TOKEN_EXCHANGE};
use super::world::{World, changed};
use crate::saml::fixture::honest;

const DAY: Duration = Duration::from_secs(24 * 3600);
const PROVIDER_GONE: &str =
    "400 invalid_grant: The identity provider is gone, or its token is no longer taken: sign in again.";
const NO_GOOD: &str = "400 invalid_grant: The refresh_token is none of this client, or no longer good: exchange a new subject_token.";
const USED: &str =
    "400 invalid_grant: The refresh_token was used before. All that came of it is revoked: sign in again.";
const NOT_GRANTED: &str = "400 invalid_grant: The role is no longer granted to this person, or their login was ended: sign in again.";

/// The first refresh token of an exchange by `client` for a token for the API.
async fn first(world: &World, client: &str) -> String {
    world.token(&world.exchange().with("client_id", client)).await.refresh_token()
}

#[actix_web::test]
async fn each_refresh_gives_what_the_exchange_gave_and_a_successor() {
    let world = World::start().await;
    let asked = world.exchange().with("client_id", "phone").with("duration_seconds", "900");
    let given = world.token(&asked).await;
    let (_, before) = opened(&given.access_token());
    world.clock.advance(DAY);
    let again = world.token(&world.refresh(&given.refresh_token())).await;
    let (_, after) = opened(&again.access_token());
    assert_eq!((&again.json()["expires_in"], &again.json()["token_type"]), (&900.into(), &"Bearer".into()));
    for claim in ["sub", "aud", "client_id"] {
        assert_eq!(after[claim], before[claim], "{claim}");
    }
    for claim in ["role", "role_session_name", "tags", "grant"] {
        assert_eq!(after["rolegate"][claim], before["rolegate"][claim], "{claim}");
    }
    assert!(after["jti"] != before["jti"] && after["iat"].as_i64() > before["iat"].as_i64());
    assert_ne!(again.refresh_token(), given.refresh_token());
    assert_eq!(world.token(&world.refresh(&again.refresh_token())).await.status, 200, "the successor's too");

    let credentials = world.exchange().with("client_id", "phone").without("audience");
    let given = world.token(&credentials.with("requested_token_type", AWS_CREDENTIALS)).await;
    let again = world.token(&world.refresh(&given.refresh_token())).await.json();
    assert_ne!(again["credentials"]["AccessKeyId"], given.json()["credentials"]["AccessKeyId"]);
    assert!(world.caller(&again["credentials"]).await.ends_with("assumed-role/Upload/cleo-phone"));
    let app = world.token(&world.exchange()).await.json();
    assert!(app["refresh_token"].is_null(), "a client that may not");
}

#[actix_web::test]
async fn the_second_use_of_one_ends_all_of_them() {
    let world = World::start().await;
    let credentials = world.exchange().with("client_id", "phone").without("audience");
    let given = world.token(&credentials.with("requested_token_type", AWS_CREDENTIALS)).await;
    let (stolen, kept) = (given.refresh_token(), given.json()["credentials"].clone());
    let bystander = first(&world, "tablet").await;
    let thief = world.token(&world.refresh(&stolen)).await;
    assert!(world.caller(&thief.json()["credentials"]).await.ends_with("/cleo-phone"));
    assert_eq!(world.token(&world.refresh(&stolen)).await.said(), USED);
    for credentials in [&kept, &thief.json()["credentials"]] {
        assert_eq!(world.caller(credentials).await, "403 ExpiredToken");
    }
    assert_eq!(world.token(&world.refresh(&thief.refresh_token())).await.said(), NO_GOOD);
    assert_eq!(world.token(&world.refresh(&stolen)).await.said(), NO_GOOD);
    let bystander = world.refresh(&bystander).with("client_id", "tablet");
    assert_eq!(world.token(&bystander).await.status, 200, "another exchange goes on");
    world.clock.advance(Duration::from_millis(1));
    for _ in 0..8 {
        let new = first(&world, "phone").await;
        assert_eq!(world.token(&world.refresh(&new)).await.status, 200, "and so does a later one");
    }
}

#[actix_web::test]
async fn of_two_that_race_one_wins_and_keeps_nothing() {
    let world = World::start().await;
    for _ in 0..8 {
        world.clock.advance(Duration::from_millis(1));
        let asked = world.refresh(&first(&world, "phone").await);
        let (one, other) = join(world.token(&asked), world.token(&asked)).await;
        let (winner, loser) = if one.status == 200 { (one, other) } else { (other, one) };
        assert_eq!((winner.status, loser.said().as_str()), (200, USED));
        assert_eq!(world.introspect(&winner.access_token()).await["active"], false);
        assert_eq!(world.token(&world.refresh(&winner.refresh_token())).await.said(), NO_GOOD);
    }
}

/// What counts is who claims it first, not who arrived first.
#[actix_web::test]
async fn one_that_arrives_first_and_claims_second_is_the_second() {
    let world = World::start().await;
    let token = first(&world, "phone").await;
    let asked = world.refresh(&token);
    let (late, first) = {
        world.store.dawdle();
        let late = world.token(&asked);
        let meanwhile = async {
            world.store.is_waiting().await;
            let answer = world.token(&asked).await;
            world.store.go_on();
            answer
        };
        join(late, meanwhile).await
    };
    assert_eq!((first.status, late.said().as_str()), (200, USED));
    assert_eq!(world.introspect(&first.access_token()).await["active"], false);
}

#[actix_web::test]
async fn a_store_that_fails_refuses_and_uses_nothing_up() {
    let world = World::start().await;
    let token = first(&world, "phone").await;
    world.store.fail(true);
    assert_eq!(world.token(&world.refresh(&token)).await.refusal(), "503 temporarily_unavailable");
    world.store.fail(false);
    let next = world.token(&world.refresh(&token)).await;
    assert_eq!(next.status, 200);
    world.store.fail(true);
    assert_eq!(world.token(&world.refresh(&token)).await.refusal(), "503 temporarily_unavailable");
    world.store.fail(false);
    assert_eq!(world.token(&world.refresh(&token)).await.said(), USED);
    assert_eq!(world.token(&world.refresh(&next.refresh_token())).await.said(), NO_GOOD);
}

#[actix_web::test]
async fn it_is_its_clients_alone_and_changes_nothing() {
    let world = World::start().await;
    let token = first(&world, "phone").await;
    let access = world.token(&world.exchange().with("client_id", "phone")).await.access_token();
    let good = || world.refresh(&token);
    let kept = |name: &str| {
        format!("400 invalid_request: {name} stays what it was with a refresh_token: leave it out.")
    };
    for (what, asked, expected) in [
        ("another client", good().with("client_id", "tablet"), NO_GOOD.to_owned()),
        (
            "a client that may not",
            good().with("client_id", "app"),
            "400 unauthorized_client: This client may not do this: see its grants, introspection and authorization.".into(),
        ),
        (
            "a changed token",
            good().with("refresh_token", &changed(&token, 99)),
            NO_GOOD.into(),
        ),
        ("a cut token", good().with("refresh_token", &token[..token.len() - 1]), NO_GOOD.into()),
        ("a token of another kind", good().with("refresh_token", &access), NO_GOOD.into()),
        ("a very long one", good().with("refresh_token", &"A".repeat(70_000)), NO_GOOD.into()),
        (
            "none",
            good().without("refresh_token"),
            "400 invalid_request: refresh_token is missing: send it.".into(),
        ),
        ("another audience", good().with("audience", API), kept("audience")),
        ("another role", good().with("role", DEV), kept("role")),
        ("another kind", good().with("requested_token_type", AWS_CREDENTIALS), kept("requested_token_type")),
        ("another length", good().with("duration_seconds", "43200"), kept("duration_seconds")),
        (
            "a scope",
            good().with("scope", "all"),
            "400 invalid_scope: There are no scopes: send role, and audience or resource.".into(),
        ),
        ("as it is", good(), "200".into()),
    ] {
        assert_eq!(world.token(&asked).await.said(), expected, "{what}");
    }
}

#[actix_web::test]
async fn it_ends_with_its_time() {
    let world = World::start().await;
    let tablet = |token: &str| world.refresh(token).with("client_id", "tablet");
    let idle = first(&world, "phone").await;
    let mut busy = first(&world, "phone").await;
    let (mut steady, sleeper) = (first(&world, "tablet").await, first(&world, "tablet").await);
    for day in 1..=4 {
        world.clock.advance(7 * DAY - Duration::from_millis(1));
        busy = world.token(&world.refresh(&busy)).await.refresh_token();
        steady = world.token(&tablet(&steady)).await.refresh_token();
        let expected = if day == 1 { "200" } else { NO_GOOD };
        if day > 1 {
            assert_eq!(world.token(&world.refresh(&idle)).await.said(), expected, "idle for {day} weeks");
        }
    }
    world.clock.advance(2 * DAY);
    assert_eq!(world.token(&tablet(&sleeper)).await.status, 200, "four milliseconds before 30 days");
    world.clock.advance(Duration::from_millis(4));
    assert_eq!(world.token(&world.refresh(&busy)).await.said(), NO_GOOD);
    assert_eq!(world.token(&tablet(&steady)).await.said(), NO_GOOD);
}

/// As the provider said: at 20:00.
#[actix_web::test]
async fn it_ends_with_the_providers_session() {
    let world = World::start().await;
    let asked = Fields::of(&[
        ("grant_type", TOKEN_EXCHANGE),
        ("client_id", "tablet"),
        ("subject_token", &STANDARD.encode_to_string(honest())),
        ("subject_token_type", SAML2),
        ("role", DEV),
        ("audience", API),
    ]);
    let token = world.token(&asked).await.refresh_token();
    let tablet = |token: &str| world.refresh(token).with("client_id", "tablet");
    world.clock.advance(Duration::from_secs(8 * 3600 - 60));
    let last = world.token(&tablet(&token)).await;
    assert_eq!(last.json()["expires_in"], 60);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.token(&tablet(&last.refresh_token())).await.said(), NO_GOOD);
}

/// An identity that came by an access token goes with `accept_access_tokens`; one of an ID token stays.
#[actix_web::test]
async fn what_access_tokens_began_ends_with_them() {
    let taken =
        SETTINGS.replacen("jwks = \"jwks.json\"", "jwks = \"jwks.json\"\naccept_access_tokens = true", 1);
    let world = World::configured(&taken).await;
    let mut claims = world.claims();
    claims["gty"] = serde_json::json!("client-credentials");
    let exchange = |token: &str| world.exchange().with("client_id", "phone").with("subject_token", token);
    let by_access = world.token(&exchange(&world.id_token_of(&claims))).await.refresh_token();
    let by_id = world.token(&exchange(&world.id_token())).await.refresh_token();
    let world = world.again(SETTINGS).await;
    assert_eq!(world.token(&world.refresh(&by_access)).await.said(), PROVIDER_GONE);
    assert_eq!(world.token(&world.refresh(&by_id)).await.status, 200);
    let world = world.again(&taken).await;
    assert_eq!(world.token(&world.refresh(&by_access)).await.status, 200);
}

/// Each change is made by a restart, and undone by another: the token is good again, because it was
/// not used.
#[actix_web::test]
async fn what_the_configuration_takes_away_is_gone() {
    let mut world = World::start().await;
    let token = first(&world, "phone").await;
    let phone = "id = \"phone\"\n";
    for (what, from, to, expected) in [
        ("the rule", "\"premium\" in attr.plan", "\"gold\" in attr.plan", NOT_GRANTED),
        ("the trust", "trust_policy = \"upload.json\"", "trust_policy = \"dev.json\"", NOT_GRANTED),
        ("the role", "role/app/Upload", "role/app/Other", NOT_GRANTED),
        (
            "the provider",
            "name = \"mobile\"\naccount = \"111122223333\"",
            "name = \"mobile\"\naccount = \"444455556666\"",
            PROVIDER_GONE,
        ),
        ("the client's provider", phone, "id = \"phone\"\nproviders = [\"corp\"]\n", PROVIDER_GONE),
        ("the audience", "client_ids = [\"app\"]", "client_ids = [\"web\"]", PROVIDER_GONE),
        (
            "the client",
            phone,
            "id = \"watch\"\n",
            "401 invalid_client: There is no such client, or its secret is another one.",
        ),
        (
            "the grant",
            "grants = [\"token-exchange\", \"refresh\"]\naudiences = [\"https://api.example.com\"]\nrefresh_idle = \"7d\"",
            "grants = [\"token-exchange\"]\naudiences = [\"https://api.example.com\"]",
            "400 unauthorized_client: This client may not do this: see its grants, introspection and authorization.",
        ),
        (
            "the service",
            "audiences = [\"https://api.example.com\"]\nrefresh_idle",
            "audiences = [\"https://other.example.com\"]\nrefresh_idle",
            "400 invalid_target: This client may not ask for this audience or resource: it must be one of its audiences.",
        ),
    ] {
        assert!(SETTINGS.contains(from), "{what}");
        world = world.again(&SETTINGS.replace(from, to)).await;
        assert_eq!(world.token(&world.refresh(&token)).await.said(), expected, "{what}");
    }
    world = world.again(&SETTINGS.replace("refresh_idle = \"7d\"", "refresh_idle = \"1h\"")).await;
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(world.token(&world.refresh(&token)).await.said(), NO_GOOD, "a shorter time");
    world = world.again(SETTINGS).await;
    assert_eq!(world.token(&world.refresh(&token)).await.status, 200);
    world = world.again(SETTINGS).await;
    assert_eq!(world.token(&world.refresh(&token)).await.said(), USED, "a restart forgets no use");
}
