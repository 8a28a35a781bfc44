//! Tokens that are bound to a key of the client (RFC 9449). What a proof itself must be is tested where
//! it is verified.

use std::time::Duration;

use rolegate::clock::Clock;
use serde_json::json;

use super::exchange::{further, opened};
use super::fixture::{AWS_CREDENTIALS, DEV, Fields, PHOTOS, PUBLIC_URL, TokenKey};
use super::world::{Answer, World, changed};

const TOKEN: &str = "/oauth2/token";
const NO_PROOF: &str = "400 invalid_dpop_proof: This client must prove its key: send a DPoP header.";
const USED: &str = "400 invalid_dpop_proof: The DPoP proof was used before: make one for each request.";
const BAD: &str = "400 invalid_dpop_proof: The DPoP proof is not one by ES256 about this request of now: the broker's log says why.";
const ANOTHER_KEY: &str = "400 invalid_grant: The refresh_token is none of this client, or no longer good: exchange a new subject_token.";

/// A proof of `key` about a request to `path` now.
fn proof(world: &World, key: &TokenKey, path: &str) -> String {
    key.prove(&format!("{PUBLIC_URL}{path}"), world.clock.now())
}

async fn with_key(world: &World, fields: &Fields, key: &TokenKey) -> Answer {
    world.post(TOKEN, fields, &[("dpop", &proof(world, key, TOKEN))]).await
}

#[actix_web::test]
async fn what_is_given_is_bound_to_the_key() {
    let world = World::start().await;
    let (ours, thiefs) = (TokenKey::new("ours"), TokenKey::new("thief's"));
    for client in ["wallet", "phone"] {
        let refresh = |token: &str| world.refresh(token).with("client_id", client);
        let given = with_key(&world, &world.exchange().with("client_id", client), &ours).await;
        assert_eq!(given.json()["token_type"], "DPoP", "{client}");
        let (_, claims) = opened(&given.access_token());
        assert_eq!(claims["cnf"], json!({ "jkt": ours.thumbprint() }));
        let told = world.introspect(&given.access_token()).await;
        assert_eq!((&told["token_type"], &told["cnf"]), (&json!("DPoP"), &claims["cnf"]));
        let token = given.refresh_token();
        let without = world.token(&refresh(&token)).await.said();
        assert_eq!(without, if client == "wallet" { NO_PROOF } else { ANOTHER_KEY });
        assert_eq!(with_key(&world, &refresh(&token), &thiefs).await.said(), ANOTHER_KEY);
        let again = with_key(&world, &refresh(&token), &ours).await;
        assert_eq!(opened(&again.access_token()).1["cnf"], claims["cnf"], "{client}");
        let next = refresh(&again.refresh_token());
        assert_eq!(with_key(&world, &next, &thiefs).await.said(), ANOTHER_KEY, "the successor is bound too");
        assert_eq!(with_key(&world, &next, &ours).await.status, 200);
    }
    let plain = world.token(&world.exchange()).await;
    assert_eq!(plain.json()["token_type"], "Bearer");
    assert_eq!(opened(&plain.access_token()).1["cnf"], json!(null));
    assert_eq!(world.introspect(&plain.access_token()).await["cnf"], json!(null));
}

#[actix_web::test]
async fn credentials_prove_themselves_and_their_refresh_token_is_bound() {
    let world = World::start().await;
    let key = TokenKey::new("ours");
    let asked = world.exchange().with("client_id", "wallet").without("audience");
    let asked = asked.with("requested_token_type", AWS_CREDENTIALS);
    assert_eq!(world.token(&asked).await.said(), NO_PROOF);
    let given = with_key(&world, &asked, &key).await;
    assert_eq!(given.json()["token_type"], "N_A");
    assert!(world.caller(&given.json()["credentials"]).await.ends_with("/cleo-phone"));
    let refresh = world.refresh(&given.refresh_token()).with("client_id", "wallet");
    assert_eq!(world.token(&refresh).await.said(), NO_PROOF);
    assert_eq!(with_key(&world, &refresh, &key).await.status, 200);
}

#[actix_web::test]
async fn a_proof_is_about_one_request() {
    let world = World::start().await;
    let key = TokenKey::new("ours");
    let asked = world.exchange().with("client_id", "wallet");
    let good = proof(&world, &key, TOKEN);
    let other = proof(&world, &key, "/oauth2/revoke");
    for (what, headers, expected) in [
        ("none", vec![], NO_PROOF),
        ("about another address", vec![("dpop", other.as_str())], BAD),
        ("no proof", vec![("dpop", "x")], BAD),
        ("an ID token", vec![("dpop", world.id_token().as_str())], BAD),
        (
            "two",
            vec![("dpop", good.as_str()), ("dpop", other.as_str())],
            "400 invalid_dpop_proof: Send one DPoP header with one proof.",
        ),
        ("one", vec![("dpop", good.as_str())], "200"),
        ("the same again", vec![("dpop", good.as_str())], USED),
    ] {
        assert_eq!(world.post(TOKEN, &asked, &headers).await.said(), expected, "{what}");
    }
    let stale = proof(&world, &key, TOKEN);
    let late = proof(&world, &key, TOKEN);
    world.clock.advance(Duration::from_secs(119));
    assert_eq!(world.post(TOKEN, &asked, &[("dpop", &late)]).await.status, 200);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.post(TOKEN, &asked, &[("dpop", &stale)]).await.said(), BAD);
    world.store.fail(true);
    assert_eq!(with_key(&world, &asked, &key).await.refusal(), "503 temporarily_unavailable");
    world.store.fail(false);
    assert_eq!(with_key(&world, &asked, &key).await.status, 200);
}

/// It is used up with what is given for it, whatever that is, and by nothing that is refused.
#[actix_web::test]
async fn a_proof_is_used_up_by_what_it_gets() {
    let world = World::start().await;
    let key = TokenKey::new("ours");
    let given = with_key(&world, &world.exchange().with("client_id", "phone"), &key).await;
    let token = with_key(&world, &world.exchange(), &key).await.access_token();
    for (what, asked) in [
        ("an exchange", world.exchange()),
        ("an exchange of a token of ours", further(&token, PHOTOS)),
        ("a refresh", world.refresh(&given.refresh_token())),
    ] {
        let once = proof(&world, &key, TOKEN);
        let send = async |fields: &Fields| world.post(TOKEN, fields, &[("dpop", &once)]).await;
        assert_eq!(send(&world.refresh("x")).await.refusal(), "400 invalid_grant", "{what}");
        assert_eq!(send(&world.exchange().with("role", DEV)).await.status, 400, "{what}");
        assert_eq!(send(&asked).await.status, 200, "{what}");
        assert_eq!(send(&asked).await.said(), USED, "{what}");
    }
}

#[actix_web::test]
async fn a_bound_token_is_exchanged_by_its_key_alone() {
    let world = World::start().await;
    let (ours, thiefs) = (TokenKey::new("ours"), TokenKey::new("thief's"));
    let token = with_key(&world, &world.exchange(), &ours).await.access_token();
    let asked = further(&token, PHOTOS);
    assert_eq!(world.token(&asked).await.refusal(), "400 invalid_request");
    assert_eq!(with_key(&world, &asked, &thiefs).await.refusal(), "400 invalid_request");
    let next = with_key(&world, &asked, &ours).await.access_token();
    assert_eq!(opened(&next).1["cnf"], json!({ "jkt": ours.thumbprint() }));
    let plain = world.token(&world.exchange()).await.access_token();
    let bound = with_key(&world, &further(&plain, PHOTOS), &ours).await.access_token();
    assert_eq!(opened(&bound).1["cnf"], json!({ "jkt": ours.thumbprint() }), "narrower, never wider");
}

#[actix_web::test]
async fn a_refresh_token_may_be_bound_later() {
    let world = World::start().await;
    let key = TokenKey::new("ours");
    let token = world.token(&world.exchange().with("client_id", "phone")).await.refresh_token();
    let bound = with_key(&world, &world.refresh(&token), &key).await;
    assert_eq!(opened(&bound.access_token()).1["cnf"], json!({ "jkt": key.thumbprint() }));
    let next = world.refresh(&bound.refresh_token());
    assert_eq!(world.token(&next).await.said(), ANOTHER_KEY);
    assert_eq!(with_key(&world, &next, &key).await.status, 200);
}

const NONCE: &str = "dpop-nonce";
const WANTED: &str =
    "400 use_dpop_nonce: Make another DPoP proof, with the nonce of this answer's DPoP-Nonce header.";

/// Where a client must show that it has its key now.
#[actix_web::test]
async fn a_nonce_is_of_this_client_and_of_the_last_minutes() {
    let world = World::start().await;
    let key = TokenKey::new("ours");
    let by = |client: &str| world.exchange().with("client_id", client);
    let send = async |fields: &Fields, nonce: &str| {
        let claims = if nonce.is_empty() { json!({}) } else { json!({ "nonce": nonce }) };
        let proof = key.prove_with(&claims, &format!("{PUBLIC_URL}{TOKEN}"), world.clock.now());
        world.post(TOKEN, fields, &[("dpop", &proof)]).await
    };
    assert_eq!(world.token(&by("bank")).await.said(), NO_PROOF);
    let first = send(&by("bank"), "").await;
    assert_eq!(first.said(), WANTED);
    let nonce = first.header(NONCE);
    let given = send(&by("bank"), nonce).await;
    assert_eq!((given.said().as_str(), &given.json()["token_type"]), ("200", &json!("DPoP")));
    assert!(
        !given.header(NONCE).is_empty() && given.header(NONCE) != nonce,
        "the next one, without an error"
    );
    assert_eq!(send(&by("bank"), nonce).await.status, 200, "it is no one-time number: the proof's jti is");
    for (what, nonce) in [
        ("somebody else's", send(&by("broker"), "").await.header(NONCE).to_owned()),
        ("changed", changed(nonce, 30)),
        ("cut", nonce[..40].to_owned()),
        ("made up", "nonce".to_owned()),
    ] {
        let answer = send(&by("bank"), &nonce).await;
        assert_eq!((answer.said().as_str(), answer.header(NONCE).is_empty()), (WANTED, false), "{what}");
    }
    let refresh = world.refresh(&given.refresh_token()).with("client_id", "bank");
    world.clock.advance(Duration::from_secs(299));
    assert_eq!(send(&refresh, "").await.said(), WANTED);
    let again = send(&refresh, nonce).await;
    assert_eq!(again.said(), "200");
    world.clock.advance(Duration::from_secs(1));
    let refresh = world.refresh(&again.refresh_token()).with("client_id", "bank");
    assert_eq!(send(&refresh, nonce).await.said(), WANTED);
    let refused = send(&by("bank").with("role", DEV), again.header(NONCE)).await;
    assert_eq!((refused.status, refused.header(NONCE).is_empty()), (400, false), "whatever is answered");
    let wallet = send(&by("wallet"), "").await;
    assert_eq!((wallet.said().as_str(), wallet.header(NONCE)), ("200", ""), "nobody else needs one");
}
