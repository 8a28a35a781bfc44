//! `POST /admin/v1/revocations`: those in charge end what was given.

use std::time::Duration;

use rolegate::clock::Clock as _;
use serde_json::{Value, json};

use super::*;
use crate::oauth::fixture::{ADMIN_TOKEN, AWS_CREDENTIALS};

const REVOCATIONS: &str = "revocations";
const SECOND: Duration = Duration::from_secs(1);
const MOBILE: &str = "arn:aws:iam::111122223333:oidc-provider/accounts.example.com";
const UPLOADING: &str = "arn:aws:sts::111122223333:assumed-role/Upload/cleo-phone";
const ASSERTED_BEFORE: &str = "400 invalid_request: The subject_token has expired: get a new one.";
const OVER: &str = "403 ExpiredToken";

async fn in_charge() -> World {
    World::configured(&with_admin()).await
}

fn with_admin() -> String {
    format!("{}\n[admin]\ntoken = {{ file = \"admin-token\" }}\n", settings())
}

async fn send(world: &World, body: &Value) -> Answer {
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    world.admin(REVOCATIONS, &[("authorization", &bearer)], body.to_string()).await
}

/// Ends what `body` names, a second after all that was given so far.
async fn end(world: &World, body: Value) {
    world.clock.advance(SECOND);
    let answer = send(world, &body).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{body}: {answer:?}");
    world.clock.advance(SECOND);
}

/// Status and message of a refusal.
async fn refused(world: &World, body: &Value) -> String {
    let answer = send(world, body).await;
    let said = answer.json();
    format!("{} {}: {}", answer.status, text(&said["error"]["code"]), text(&said["error"]["message"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Whose credentials these are, or status and code.
async fn who(world: &World, keys: &Keys) -> String {
    let answer = world.signed(keys, &[("Action", "GetCallerIdentity")]).await;
    let code = || format!("{} {}", answer.status, answer.element("Code").unwrap_or_default());
    answer.element("Arn").unwrap_or_else(code)
}

/// Credentials of cleo by the token endpoint.
async fn cleos(world: &World) -> Keys {
    let asked = world.exchange().without("audience").with("requested_token_type", AWS_CREDENTIALS);
    let credentials = world.token(&asked).await.json()["credentials"].clone();
    let part = |name: &str| text(&credentials[name]).to_owned();
    Keys { id: part("AccessKeyId"), secret: part("SecretAccessKey"), token: Some(part("SessionToken")) }
}

async fn start(world: &World) -> Keys {
    assume(world, &bot(), START, &[("SourceIdentity", "ann")]).await.keys()
}

#[actix_web::test]
async fn a_session_ends_with_all_that_was_got_by_it() {
    let world = in_charge().await;
    let (ended, other) = (start(&world).await, start(&world).await);
    let next = assume(&world, &ended, NEXT, &[]).await.keys();
    let last = assume(&world, &next, START, &[]).await.keys();
    for keys in [&ended, &next, &last] {
        assert!(who(&world, keys).await.contains(":assumed-role/"));
    }
    end(&world, json!({ "session": ended.id })).await;
    for keys in [&ended, &next, &last] {
        assert_eq!(who(&world, keys).await, OVER);
        assert_eq!(assume(&world, keys, NEXT, &[]).await.status, 403);
    }
    assert!(who(&world, &other).await.ends_with("/night-run"), "another session of the same role");

    let next = assume(&world, &other, NEXT, &[]).await.keys();
    let last = assume(&world, &next, START, &[]).await.keys();
    end(&world, json!({ "session": next.id })).await;
    assert_eq!((who(&world, &next).await.as_str(), who(&world, &last).await.as_str()), (OVER, OVER));
    assert!(who(&world, &other).await.ends_with("/night-run"), "what it came of goes on");

    let user = world.signed(&ann(), &[("Action", "GetSessionToken")]).await.keys();
    let by_user = assume(&world, &user, START, &[]).await.keys();
    end(&world, json!({ "session": user.id })).await;
    assert_eq!((who(&world, &user).await.as_str(), who(&world, &by_user).await.as_str()), (OVER, OVER));
    assert!(who(&world, &ann()).await.ends_with(":user/ann"), "her own key goes on");
}

#[actix_web::test]
async fn a_role_ends_as_by_the_policy_of_aws() {
    let world = in_charge().await;
    let (older, next) = (start(&world).await, NEXT);
    let by_it = assume(&world, &older, next, &[]).await.keys();
    world.clock.advance(SECOND);
    let between = world.clock.now();
    world.clock.advance(SECOND);
    let newer = start(&world).await;
    end(&world, json!({ "role": START, "issued_before": between.to_rfc3339(), "reason": "case 7" })).await;
    assert_eq!(who(&world, &older).await, OVER);
    assert!(who(&world, &newer).await.ends_with("/Start/night-run"));
    assert!(who(&world, &by_it).await.ends_with("/Next/night-run"), "a role assumed by it goes on");
    end(&world, json!({ "role": START })).await;
    assert_eq!(who(&world, &newer).await, OVER);
    assert!(who(&world, &start(&world).await).await.ends_with("/Start/night-run"), "nobody is kept out");
}

#[actix_web::test]
async fn a_source_identity_ends_in_every_role() {
    let world = in_charge().await;
    let hers = start(&world).await;
    let next = assume(&world, &hers, NEXT, &[]).await.keys();
    let bens = assume(&world, &bot(), START, &[("SourceIdentity", "ben")]).await.keys();
    end(&world, json!({ "source_identity": "ann" })).await;
    assert_eq!((who(&world, &hers).await.as_str(), who(&world, &next).await.as_str()), (OVER, OVER));
    assert!(who(&world, &bens).await.ends_with("/night-run"));
}

#[actix_web::test]
async fn a_user_ends_with_what_it_made() {
    let world = in_charge().await;
    let hers = world.signed(&ann(), &[("Action", "GetSessionToken")]).await.keys();
    let role = assume(&world, &ann(), START, &[]).await.keys();
    let named = world.signed(&ann(), &[("Action", "GetFederationToken"), ("Name", "guest")]).await.keys();
    let bots = start(&world).await;
    end(&world, json!({ "user": "arn:aws:iam::111122223333:user/ann" })).await;
    for keys in [&hers, &role, &named] {
        assert_eq!(who(&world, keys).await, OVER);
    }
    assert!(who(&world, &bots).await.ends_with("/night-run"));
    assert!(who(&world, &ann()).await.ends_with(":user/ann"), "her own key goes on");
}

#[actix_web::test]
async fn a_person_and_a_provider_end_with_refresh_tokens_and_documents() {
    let world = in_charge().await;
    let given = async || {
        let phone = world.token(&world.exchange().with("client_id", "phone")).await;
        (cleos(&world).await, phone.access_token(), phone.refresh_token(), world.id_token())
    };
    for ended in [json!({ "provider": MOBILE, "subject": "cleo" }), json!({ "provider": MOBILE })] {
        let (keys, access, refresh, unused) = given().await;
        let mut claims = world.claims();
        claims["iat"] = json!(world.clock.now().unix() + 30);
        let ahead = world.id_token_of(&claims);
        assert_eq!(who(&world, &keys).await, UPLOADING);
        let other = json!({ "provider": MOBILE, "subject": "cleopatra" });
        end(&world, other).await;
        assert_eq!(who(&world, &keys).await, UPLOADING, "somebody else");
        let corp = "arn:aws:iam::111122223333:saml-provider/corp";
        end(&world, json!({ "provider": corp, "subject": "cleo" })).await;
        assert_eq!(who(&world, &keys).await, UPLOADING, "a namesake at another provider");

        end(&world, ended).await;
        assert_eq!(who(&world, &keys).await, OVER);
        assert_eq!(world.introspect(&access).await, json!({ "active": false }));
        let again = world.token(&world.refresh(&refresh)).await.said();
        assert!(again.ends_with("or their login was ended: sign in again."), "{again}");
        for unused in [unused, ahead] {
            let document = world.exchange().with("subject_token", &unused);
            assert_eq!(world.token(&document).await.said(), ASSERTED_BEFORE);
        }
        // By the provider's clock, which may be ahead of ours by so much.
        world.clock.advance(Duration::from_secs(120));
        assert_eq!(who(&world, &cleos(&world).await).await, UPLOADING, "nobody is kept out");
    }
}

#[actix_web::test]
async fn a_refresh_token_counts_from_its_exchange() {
    let world = in_charge().await;
    let phone = world.token(&world.exchange().with("client_id", "phone")).await;
    world.clock.advance(SECOND);
    let between = world.clock.now();
    world.clock.advance(SECOND);
    let renewed = world.token(&world.refresh(&phone.refresh_token())).await;
    assert_eq!(renewed.status, 200);
    let role = "arn:aws:iam::111122223333:role/app/Upload";
    end(&world, json!({ "role": role, "issued_before": between.to_rfc3339() })).await;
    assert_eq!(world.token(&world.refresh(&renewed.refresh_token())).await.status, 400);
}

#[actix_web::test]
async fn a_console_ends_with_the_credentials_that_opened_it() {
    let world = in_charge().await;
    let keys = start(&world).await;
    let session = json!({ "sessionId": keys.id, "sessionKey": keys.secret, "sessionToken": keys.token });
    let query: String = url::form_urlencoded::byte_serialize(session.to_string().as_bytes()).collect();
    let token = async || {
        let asked = world.get(&format!("/federation?Action=getSigninToken&Session={query}"), &[]).await;
        text(&asked.json()["SigninToken"]).to_owned()
    };
    let login = async |token: &str| {
        world.get(&format!("/federation?Action=login&Issuer=x&SigninToken={token}"), &[]).await
    };
    let (unused, entered) = (token().await, login(&token().await).await);
    let cookie = entered.header("set-cookie").split(';').next().unwrap().to_owned();
    let console = async || world.get("/console", &[("cookie", &cookie)]).await;
    assert!(console().await.body.contains("night-run"));
    end(&world, json!({ "session": keys.id })).await;
    assert!(!console().await.body.contains("night-run"));
    assert_eq!(login(&unused).await.status, 400, "a sign-in token that nobody used yet");
}

#[actix_web::test]
async fn it_survives_a_restart_and_is_not_called_done_before() {
    let world = in_charge().await;
    let keys = start(&world).await;
    world.clock.advance(SECOND);
    world.store.fail(true);
    let said = refused(&world, &json!({ "role": START })).await;
    let held = "503 store: It holds on this node, until that ends: ";
    assert!(said.starts_with(held) && said.ends_with(". Send it again."), "{said}");
    assert_eq!(who(&world, &keys).await, OVER);
    world.store.fail(false);
    let world = world.again(&with_admin()).await;
    assert!(who(&world, &keys).await.ends_with("/night-run"), "it was not kept");
    end(&world, json!({ "role": START })).await;
    let world = world.again(&with_admin()).await;
    assert_eq!(who(&world, &keys).await, OVER);
}

#[actix_web::test]
async fn what_can_not_be_ended_is_told() {
    let world = in_charge().await;
    let one = "400 invalid-request: name one of session, role, user, source_identity, or provider (perhaps with subject)";
    for (body, expected) in [
        (json!({}), one),
        (json!({ "role": START, "source_identity": "ann" }), one),
        (json!({ "subject": "cleo" }), one),
        (json!({ "role": START, "subject": "cleo" }), one),
        (
            json!({ "session": "AKIABOTBOTBOTBOTBOTB" }),
            "400 invalid-request: session is no access key id of temporary credentials: ASIA and 16 characters",
        ),
        (
            json!({ "role": "arn:aws:iam::111122223333:role/Gone" }),
            "404 unknown: there is no role arn:aws:iam::111122223333:role/Gone",
        ),
        (
            json!({ "user": "arn:aws:iam::111122223333:user/gone" }),
            "404 unknown: there is no user arn:aws:iam::111122223333:user/gone",
        ),
        (
            json!({ "provider": "arn:aws:iam::111122223333:saml-provider/gone", "subject": "x" }),
            "404 unknown: there is no provider arn:aws:iam::111122223333:saml-provider/gone",
        ),
        (
            json!({ "source_identity": "" }),
            "400 invalid-request: source_identity has 0 bytes; it must be 1 to 512",
        ),
        (
            json!({ "role": START, "issued_before": "yesterday" }),
            "400 invalid-request: issued_before is no time with its zone, such as 2030-01-01T09:00:00Z",
        ),
        (
            json!({ "role": START, "issued_before": "2999-01-01T00:00:00Z" }),
            "400 invalid-request: 2999-01-01T00:00:00Z is yet to come",
        ),
        (
            json!({ "role": START, "reason": "x".repeat(257) }),
            "400 invalid-request: reason has more than 256 characters",
        ),
    ] {
        assert_eq!(refused(&world, &body).await, expected, "{body}");
    }
    let unknown = refused(&world, &json!({ "roll": START })).await;
    assert!(unknown.starts_with("400 invalid-request: unknown field `roll`, expected one of"), "{unknown}");
    assert!(refused(&world, &json!({ "role": "Start" })).await.starts_with("400 invalid-request: role: "));
}

#[actix_web::test]
async fn only_those_in_charge_are_listened_to() {
    let world = in_charge().await;
    let body = || json!({ "role": START }).to_string();
    let asked = async |headers: &[(&str, &str)]| {
        let answer = world.admin(REVOCATIONS, headers, body()).await;
        (answer.status, answer.header("www-authenticate").to_owned())
    };
    let good = format!("bearer {ADMIN_TOKEN}");
    let stranger = (401, "Bearer".to_owned());
    assert_eq!(asked(&[]).await, stranger);
    for header in [&good[..good.len() - 1], ADMIN_TOKEN, &format!("Basic {ADMIN_TOKEN}"), "bearer "] {
        assert_eq!(asked(&[("authorization", header)]).await, stranger, "{header}");
    }
    assert_eq!(asked(&[("authorization", &good), ("authorization", &good)]).await, stranger);
    assert_eq!(asked(&[("authorization", &good)]).await, (200, String::new()));
    let headers = [("authorization", good.as_str())];
    let outside = world.send(reqwest::Method::POST, "/admin/v1/revocations", &headers, body()).await;
    assert_eq!(outside.status, 404, "the public listener knows no such thing");

    let off = super::world().await;
    let answer = off.admin(REVOCATIONS, &[("authorization", &good)], body()).await;
    let said =
        json!({ "error": { "code": "off", "message": "The admin API is off: set token in [admin]." } });
    assert_eq!((answer.status, answer.json()), (404, said));
}
