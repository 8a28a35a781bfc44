//! Links to consoles, for in-house portals that have somebody's token.

use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::json;

use super::fixture::{AWS_CREDENTIALS, DEV, Fields, PUBLIC_URL, SAML2, SETTINGS, TOKEN_EXCHANGE, UPLOAD};
use super::world::{Answer, World};
use crate::saml::fixture::honest;

const CONSOLE_URL: &str = "urn:rolegate:params:oauth:token-type:console-url";
const PORTAL: &str = "https://intranet.example.com/";

/// A server that has somebody's token asks for a link.
fn asked(world: &World) -> Fields {
    Fields::of(&[
        ("grant_type", TOKEN_EXCHANGE),
        ("client_id", "app"),
        ("subject_token", &world.id_token()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
        ("requested_token_type", CONSOLE_URL),
        ("role", UPLOAD),
        ("role_session_name", "cleo"),
    ])
}

/// What follows the broker's address in the link.
fn path(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let given = answer.json();
    let kinds = [&given["issued_token_type"], &given["token_type"], &given["expires_in"]];
    assert_eq!(kinds, [&json!(CONSOLE_URL), &json!("N_A"), &json!(900)]);
    assert_eq!(given.as_object().unwrap().len(), 4, "no credentials beside it");
    given["access_token"].as_str().unwrap().strip_prefix(PUBLIC_URL).unwrap().to_owned()
}

#[actix_web::test]
async fn a_token_becomes_a_link() {
    let settings = format!("{SETTINGS}\n[console]\nissuers = [\"{PORTAL}\"]\n");
    let world = World::configured(&settings).await;
    let place = format!("{PUBLIC_URL}/console?page=s3");
    let wish =
        asked(&world).with("destination", &place).with("duration_seconds", "43200").with("issuer", PORTAL);
    let path = path(&world.token(&wish).await);
    assert!(path.starts_with("/federation?Action=login&Issuer="), "{path}");
    let opened = world.get(&path, &[]).await;
    assert_eq!((opened.status, opened.header("location")), (302, place.as_str()));
    let cookie = opened.header("set-cookie").split(';').next().unwrap().to_owned();
    let page = world.get("/console", &[("cookie", &cookie)]).await.body;
    for part in ["<h1>Upload</h1>", "assumed-role/Upload/cleo", "(12 h 00 min left)", "<dd>premium</dd>"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let again = world.get(&path, &[]).await;
    assert_eq!(again.status, 400);
    assert!(again.body.contains(&format!("href=\"{PORTAL}\">Get a new link")), "{again:?}");
}

#[actix_web::test]
async fn an_assertion_is_used_up_by_a_link() {
    let world = World::start().await;
    let response = URL_SAFE_NO_PAD.encode_to_string(honest());
    let wish = Fields::of(&[
        ("grant_type", TOKEN_EXCHANGE),
        ("client_id", "app"),
        ("subject_token", &response),
        ("subject_token_type", SAML2),
        ("requested_token_type", CONSOLE_URL),
        ("role", DEV),
    ]);
    let elsewhere = wish.clone().with("destination", "https://evil.example/");
    let refused = world.token(&elsewhere).await;
    let expected = "400 invalid_request: the destination 'https://evil.example/' is not allowed; allowed are https://broker.example.com";
    assert_eq!(refused.said(), expected);
    let made = path(&world.token(&wish).await);
    assert_eq!(world.token(&wish).await.status, 400, "again");
    world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(world.get(&made, &[]).await.status, 400, "too late");
}

#[actix_web::test]
async fn what_is_no_wish_for_a_link_is_refused() {
    let world = World::start().await;
    let of_link =
        |name: &str| format!("400 invalid_request: {name} is for a link to a console: leave it out.");
    let not_of_link =
        |name: &str| format!("400 invalid_request: {name} is not for a link to a console: leave it out.");
    let plain =
        || asked(&world).without("requested_token_type").with("requested_token_type", AWS_CREDENTIALS);
    for (wish, expected) in [
        (asked(&world).with("audience", "https://api.example.com"), not_of_link("audience")),
        (plain().with("destination", "https://broker.example.com/console"), of_link("destination")),
        (plain().with("issuer", PORTAL), of_link("issuer")),
        (
            asked(&world).with("duration_seconds", "899"),
            "400 invalid_request: duration_seconds is not a number from 900 to 43200.".to_owned(),
        ),
    ] {
        assert_eq!(world.token(&wish).await.said(), expected);
    }
    let denied = asked(&world).without("role").with("role", "arn:aws:iam::111122223333:role/Untrusting");
    let expected =
        "400 invalid_request: The role is not granted to this subject_token: ask your administrator.";
    assert_eq!(world.token(&denied).await.said(), expected);
}
