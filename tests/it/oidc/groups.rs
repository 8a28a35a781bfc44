//! Entra ID leaves groups out of a token that are too many.

use serde_json::{Value, json};

use super::issuer::{HONEST, Issuer};
use super::world::{Answer, OPS, World};

const TOO_MANY: &str = "You are in too many groups";
const NO_ANSWER: &str = "Your identity provider does not answer";
const GRAPH: &str = "/v1.0/me/getMemberObjects";

/// What Entra ID writes. The address is a trap.
fn overage(trap: &Issuer) -> Value {
    json!({
        "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": format!("{}/trap", trap.url)}},
    })
}

fn is_ops(answer: &Answer) -> bool {
    answer.status == 200 && answer.body.contains(OPS)
}

#[actix_web::test]
async fn such_a_token_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let claims = overage(&world.other);
    for claims in [claims.clone(), json!({"hasgroups": true})] {
        let answer = world.sign_in(&claims).await;
        assert_eq!((answer.status, answer.heading().as_str()), (403, TOO_MANY), "{claims}");
        assert!(answer.body.contains("group_overage"), "{answer:?}");
        let refused = world.assume(&world.id_token(&claims)).await.err();
        assert_eq!(refused.as_deref(), Some("400 InvalidIdentityToken"));
    }
    let elsewhere = json!({"_claim_names": {"address": "src1"}, "groups": ["ops"]});
    assert!(is_ops(&world.sign_in(&elsewhere).await), "other claims may be elsewhere");
    assert!(world.other.requests("/trap").is_empty());
    world.stop().await;
}

#[actix_web::test]
async fn or_taken_for_one_without_groups() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), "group_overage = \"ignore\"", "").await;
    let claims = overage(&world.other);
    assert_eq!(world.sign_in(&claims).await.status, 303);
    assert!(world.assume(&world.id_token(&claims)).await.is_ok());
    assert!(world.other.requests("/trap").is_empty());
    world.stop().await;
}

#[actix_web::test]
async fn or_microsoft_graph_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let graph = Issuer::start(&HONEST);
    let world =
        World::with(folder.path(), &format!("group_overage = {{ graph = \"{}\" }}", graph.url), "").await;
    let claims = overage(&world.other);
    graph.serve(GRAPH, 200, &json!({"value": ["6f1c", "ops"]}));
    let away = world.begin().await;
    world.grants(&away, &claims);
    let picker = world.back(&away).await;
    assert!(is_ops(&picker), "{picker:?}");
    assert_eq!(world.choose(&away, &picker, OPS).await.status, 303, "they survive the picker");
    let asked = graph.requests(GRAPH);
    assert_eq!(asked.len(), 1);
    for part in
        ["POST /v1.0/me/", "authorization: Bearer opaque-access\r\n", r#"{"securityEnabledOnly":true}"#]
    {
        assert!(asked[0].text.contains(part), "{part}: {}", asked[0].text);
    }
    graph.serve(GRAPH, 200, &json!({"value": ["6f1c"]}));
    assert_eq!(world.sign_in(&claims).await.status, 303, "not in it");
    let asked = graph.requests(GRAPH).len();
    assert!(is_ops(&world.sign_in(&json!({"groups": ["ops"]})).await));
    assert_eq!(graph.requests(GRAPH).len(), asked, "a token with its groups asks nobody");
    // At the STS API there is nothing to ask with.
    let refused = world.assume(&world.id_token(&claims)).await.err();
    assert_eq!(refused.as_deref(), Some("400 InvalidIdentityToken"));
    assert!(world.other.requests("/trap").is_empty());
    world.stop().await;
}

#[actix_web::test]
async fn an_answer_that_is_not_all_groups_fails_the_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let graph = Issuer::start(&HONEST);
    let world =
        World::with(folder.path(), &format!("group_overage = {{ graph = \"{}\" }}", graph.url), "").await;
    let claims = overage(&world.other);
    let good = json!({"value": ["ops"]});
    let pages = json!({"value": ["ops"], "@odata.nextLink": format!("{}/trap", world.other.url)});
    let many = json!({"value": vec!["g"; 2_001]});
    for (status, body, expected) in [
        (403, &good, 502),
        (401, &good, 502),
        (302, &good, 502),
        (500, &good, 502),
        (200, &json!([]), 502),
        (200, &json!({"value": "ops"}), 400),
        (200, &pages, 400),
        (200, &many, 400),
    ] {
        graph.serve(GRAPH, status, body);
        let answer = world.sign_in(&claims).await;
        assert_eq!(answer.status, expected, "{status} {body}");
        if expected == 502 {
            assert_eq!(answer.heading(), NO_ANSWER);
        }
        graph.serve(GRAPH, 200, &good);
        assert!(is_ops(&world.sign_in(&claims).await), "after {status} {body}");
    }
    assert!(world.other.requests("/trap").is_empty());
    world.stop().await;
}
