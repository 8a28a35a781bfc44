//! Who may ask: secrets, both ways of sending them, forms, and methods.

use base64_simd::STANDARD;
use reqwest::Method;

use super::fixture::{Fields, SERVER_SECRET};
use super::world::World;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode_to_string(format!("{id}:{secret}")))
}

#[actix_web::test]
async fn a_secret_is_sent_one_way() {
    let world = World::start().await;
    let bare = world.exchange().without("client_id");
    let server = world.exchange().with("client_id", "server");
    let encoded = SERVER_SECRET.replace('/', "%2F").replace('=', "%3D");
    let post = |fields: Fields, header: Option<String>| {
        let world = &world;
        async move {
            let headers: Vec<_> = header.iter().map(|header| ("authorization", header.as_str())).collect();
            let answer = world.post("/oauth2/token", &fields, &headers).await;
            if answer.status == 200 { "200".to_owned() } else { answer.refusal() }
        }
    };
    for (what, fields, header, expected) in [
        ("by Basic", bare.clone(), Some(basic("server", SERVER_SECRET)), "200"),
        ("by Basic, encoded as a form", bare.clone(), Some(basic("server", &encoded)), "200"),
        ("by Basic, and who in the form", server.clone(), Some(basic("server", SERVER_SECRET)), "200"),
        ("in the form", server.clone().by_server(), None, "200"),
        ("without", server.clone(), None, "401 invalid_client"),
        ("an empty one", server.clone().with("client_secret", ""), None, "401 invalid_client"),
        ("another", server.clone().with("client_secret", "another"), None, "401 invalid_client"),
        (
            "a beginning",
            server.clone().with("client_secret", &SERVER_SECRET[..20]),
            None,
            "401 invalid_client",
        ),
        ("another by Basic", bare.clone(), Some(basic("server", "another")), "401 invalid_client"),
        (
            "both ways",
            server.clone().by_server(),
            Some(basic("server", SERVER_SECRET)),
            "400 invalid_request",
        ),
        ("of another client", server.clone(), Some(basic("app", SERVER_SECRET)), "400 invalid_request"),
        ("no such client", server.clone().with("client_id", "nobody"), None, "401 invalid_client"),
        ("no client at all", bare.clone(), None, "401 invalid_client"),
        ("a public client", world.exchange(), None, "200"),
        (
            "a public client with a secret",
            world.exchange().with("client_secret", SERVER_SECRET),
            None,
            "401 invalid_client",
        ),
        ("a public client by Basic", bare.clone(), Some(basic("app", "")), "401 invalid_client"),
        ("another scheme", server.clone(), Some("Bearer x".into()), "401 invalid_client"),
        ("no base64", server.clone(), Some("Basic !".into()), "401 invalid_client"),
        ("no colon", server.clone(), Some("Basic YWJj".into()), "401 invalid_client"),
    ] {
        assert_eq!(post(fields, header).await, expected, "{what}");
    }
}

#[actix_web::test]
async fn each_parameter_stands_once_in_a_form_in_the_body() {
    let world = World::start().await;
    let good = world.exchange().encoded();
    let token = |headers: Vec<(&'static str, &'static str)>, body: String, path: &'static str| {
        let world = &world;
        async move { world.send(Method::POST, path, &headers, body).await }
    };
    assert_eq!(token(vec![FORM], good.clone(), "/oauth2/token").await.status, 200);
    let json = ("content-type", "application/json");
    for (what, headers, body, path) in [
        ("a parameter twice", vec![FORM], format!("{good}&role=x"), "/oauth2/token"),
        ("an unknown one twice", vec![FORM], format!("{good}&x=1&x=1"), "/oauth2/token"),
        ("a flood", vec![FORM], (0..65).map(|n| format!("p{n}=1&")).collect(), "/oauth2/token"),
        ("in the URL", vec![FORM], good.clone(), "/oauth2/token?client_id=app"),
        ("JSON", vec![json], "{}".into(), "/oauth2/token"),
        ("of no kind", vec![], good.clone(), "/oauth2/token"),
    ] {
        assert_eq!(token(headers, body, path).await.refusal(), "400 invalid_request", "{what}");
    }
    let large = format!("{good}&x={}", "x".repeat(384 * 1024));
    assert_eq!(token(vec![FORM], large, "/oauth2/token").await.status, 413);
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::HEAD] {
        let answer = world.send(method.clone(), "/oauth2/token", &[FORM], String::new()).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
    }
}

#[actix_web::test]
async fn a_client_does_what_it_may() {
    let world = World::start().await;
    let auditor =
        world.exchange().with("client_id", "auditor").with("client_secret", super::fixture::AUDITOR_SECRET);
    assert_eq!(world.token(&auditor).await.refusal(), "400 unauthorized_client");
    let photos = world.exchange().with("audience", super::fixture::PHOTOS);
    assert_eq!(world.token(&photos).await.status, 200);
    assert_eq!(world.token(&photos.by_server()).await.refusal(), "400 invalid_target");
    let slash = world.exchange().with("audience", "https://api.example.com/");
    assert_eq!(world.token(&slash).await.refusal(), "400 invalid_target");
    let mut claims = world.claims();
    claims["iss"] = "https://other.example.com".into();
    let other = world.exchange().with("subject_token", &world.id_token_of(&claims));
    assert_eq!(world.token(&other).await.status, 200);
    assert_eq!(world.token(&other.by_server()).await.refusal(), "400 unauthorized_client");
}
