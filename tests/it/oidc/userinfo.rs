//! Claims that the ID token lacks, from the userinfo endpoint.

use serde_json::{Value, json};

use super::world::{Answer, CONSOLE, DEV, OPS, World};

const NOT_ACCEPTED: &str = "The identity provider&#39;s answer was not accepted";
const NO_ANSWER: &str = "Your identity provider does not answer";

/// Signs Ann in at a provider that says `userinfo` about her.
async fn sign_in(world: &World, userinfo: &Value, token: &Value) -> Answer {
    world.issuer.serve("/userinfo", 200, userinfo);
    world.sign_in(token).await
}

/// Whether the picker offers the role of the group `ops`.
fn is_ops(answer: &Answer) -> bool {
    answer.status == 200 && answer.body.contains(DEV) && answer.body.contains(OPS)
}

#[actix_web::test]
async fn what_the_token_lacks_comes_from_userinfo() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), "", "userinfo = true").await;
    let ops = json!({"sub": "ann", "groups": ["ops"]});
    assert!(is_ops(&sign_in(&world, &ops, &json!({})).await));
    let asked = world.issuer.requests("/userinfo").remove(0).text;
    assert!(
        asked.starts_with("GET /userinfo ") && asked.contains("authorization: Bearer opaque-access\r\n"),
        "{asked}"
    );
    // The token's own word stands.
    let answer = sign_in(&world, &ops, &json!({"groups": []})).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let nothing = sign_in(&world, &json!({"sub": "ann"}), &json!({})).await;
    assert_eq!(nothing.status, 303, "{nothing:?}");
    world.stop().await;
}

/// It goes along to the choice of a role, and is asked for once.
#[actix_web::test]
async fn it_survives_the_picker() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), "", "userinfo = true").await;
    let others: Vec<String> = (0..1500).map(|number| format!("group-with-a-long-name-{number:06}")).collect();
    let groups: Vec<&str> = others.iter().map(String::as_str).chain(["ops"]).collect();
    world.issuer.serve("/userinfo", 200, &json!({"sub": "ann", "groups": groups}));
    let away = world.begin().await;
    world.grants(&away, &json!({"padding": "x".repeat(8_000)}));
    let picker = world.back(&away).await;
    assert!(is_ops(&picker));
    assert!(!picker.body.contains("group-with"), "sealed");
    world.issuer.serve("/userinfo", 500, &json!({}));
    let answer = world.choose(&away, &picker, OPS).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let page = world.get("/console", Some(&format!("{CONSOLE}={}", answer.cookie(CONSOLE)))).await;
    assert!(page.body.contains("role/Ops"), "{page:?}");
    assert_eq!(world.issuer.requests("/userinfo").len(), 1);
    world.stop().await;
}

/// Nobody asks where nobody was told to.
#[actix_web::test]
async fn it_is_asked_where_the_settings_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let answer = sign_in(&world, &json!({"sub": "ann", "groups": ["ops"]}), &json!({})).await;
    assert_eq!((answer.status, world.issuer.requests("/userinfo").len()), (303, 0));
    world.stop().await;
}

#[actix_web::test]
async fn a_sign_in_without_it_fails() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), "", "userinfo = true").await;
    let good = json!({"sub": "ann", "groups": ["ops"]});
    let as_type =
        |kind: &'static str, body: &str| world.issuer.serve_as("/userinfo", 200, kind, body.to_owned());
    let good_text = good.to_string();
    let long = json!({"sub": "ann", "x": "y".repeat(64 * 1024)}).to_string();
    let cases: [(&str, &dyn Fn(), &str); 13] = [
        ("another person", &|| world.issuer.serve("/userinfo", 200, &json!({"sub": "eve"})), NOT_ACCEPTED),
        ("nobody", &|| world.issuer.serve("/userinfo", 200, &json!({"groups": ["ops"]})), NOT_ACCEPTED),
        (
            "a list of people",
            &|| world.issuer.serve("/userinfo", 200, &json!({"sub": ["ann"]})),
            NOT_ACCEPTED,
        ),
        ("a signed answer", &|| as_type("application/jwt", "e30.e30.x"), NOT_ACCEPTED),
        ("JSON that says it is signed", &|| as_type("application/jwt", &good_text), NOT_ACCEPTED),
        ("a page", &|| as_type("text/html", &good_text), NOT_ACCEPTED),
        ("no object", &|| as_type("application/json", "[]"), NO_ANSWER),
        ("two subjects", &|| as_type("application/json", r#"{"sub":"eve","sub":"ann"}"#), NO_ANSWER),
        ("too much", &|| as_type("application/json", &long), NO_ANSWER),
        ("a redirect", &|| world.issuer.serve("/userinfo", 302, &good), NO_ANSWER),
        ("no content", &|| world.issuer.serve("/userinfo", 204, &json!({})), NO_ANSWER),
        ("no right", &|| world.issuer.serve("/userinfo", 401, &good), NO_ANSWER),
        ("a fault", &|| world.issuer.serve("/userinfo", 500, &good), NO_ANSWER),
    ];
    for (what, prepare, heading) in cases {
        prepare();
        let answer = world.sign_in(&json!({})).await;
        assert_eq!(answer.heading(), heading, "{what}");
        assert_eq!(answer.status, if heading == NO_ANSWER { 502 } else { 400 }, "{what}");
        assert!(!answer.body.contains("opaque-access"), "{what}");
        as_type("application/json; charset=utf-8", &good_text);
        assert!(is_ops(&world.sign_in(&json!({})).await), "after {what}");
    }
    world.stop().await;
}

#[actix_web::test]
async fn an_endpoint_must_be_there_and_safe() {
    for endpoint in
        [json!(null), json!("http://userinfo.example.com/"), json!("/userinfo"), json!("ftp://127.0.0.1/")]
    {
        let folder = tempfile::tempdir().unwrap();
        let world = World::with(folder.path(), "", "userinfo = true").await;
        world.issuer.discovery(&json!({ "userinfo_endpoint": endpoint }));
        let answer = sign_in(&world, &json!({"sub": "ann"}), &json!({})).await;
        assert_eq!((answer.status, answer.heading().as_str()), (502, NO_ANSWER), "{endpoint}");
        assert!(world.assume(&world.id_token(&json!({}))).await.is_ok(), "tokens need none");
        world.stop().await;
    }
}

/// A token that is not believed asks for nothing.
#[actix_web::test]
async fn the_token_is_verified_first() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), "", "userinfo = true").await;
    let answer = sign_in(&world, &json!({"sub": "ann"}), &json!({"aud": "app"})).await;
    let asked = world.issuer.requests("/userinfo").len();
    assert_eq!((answer.status, answer.heading().as_str(), asked), (400, NOT_ACCEPTED, 0));
    world.stop().await;
}
