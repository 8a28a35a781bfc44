//! Whose answer a browser brings (RFC 9207).

use serde_json::{Value, json};

use super::world::World;

const NOT_ACCEPTED: &str = "The identity provider&#39;s answer was not accepted";

/// A browser that comes back with `iss` in its answer, or without.
async fn back(world: &World, issuer: Option<&str>) -> (u16, String, usize) {
    let away = world.begin().await;
    world.grants(&away, &json!({}));
    let before = world.issuer.requests("/token").len();
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let issuer = issuer.map_or_else(String::new, |issuer| format!("&iss={}", encoded(issuer)));
    let path = format!("/oidc/staff/callback?code=c&state={}{issuer}", away.state);
    let answer = world.get(&path, Some(&away.cookie)).await;
    let heading = if answer.status == 303 { String::new() } else { answer.heading() };
    (answer.status, heading, world.issuer.requests("/token").len() - before)
}

#[actix_web::test]
async fn an_answer_of_another_provider_is_shown_to_nobody() {
    for (announced, without) in [(Value::Null, 303), (json!(false), 303), (json!(true), 400)] {
        let folder = tempfile::tempdir().unwrap();
        let world = World::start(folder.path()).await;
        world.issuer.discovery(&json!({ "authorization_response_iss_parameter_supported": announced }));
        let ours = world.issuer.url.clone();
        assert_eq!(back(&world, Some(&ours)).await, (303, String::new(), 1), "{announced}");
        for foreign in [&world.other.url, &format!("{ours}/"), "", "https://idp.example.com"] {
            let refused = back(&world, Some(foreign)).await;
            assert_eq!(refused, (400, NOT_ACCEPTED.to_owned(), 0), "{foreign} {announced}");
        }
        assert_eq!(back(&world, None).await.0, without, "{announced}");
        world.stop().await;
    }
}
