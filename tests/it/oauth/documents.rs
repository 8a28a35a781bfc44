//! The key set and the metadata.

use serde_json::{Value, json};

use super::fixture::{DEVICE_CODE, PUBLIC_URL, TOKEN_EXCHANGE};
use super::world::World;

#[actix_web::test]
async fn the_key_set_names_the_key_that_signs() {
    let world = World::start().await;
    let answer = world.get("/.well-known/jwks.json", &[]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("cache-control"), "public, max-age=3600");
    let keys = answer.json()["keys"].clone();
    let [Value::Object(key)] = keys.as_array().unwrap().as_slice() else { panic!("{keys}") };
    let members: Vec<_> = key.keys().map(String::as_str).collect();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(
        json!([key["alg"], key["crv"], key["kty"], key["use"]]),
        json!(["ES256", "P-256", "EC", "sig"])
    );
}

#[actix_web::test]
async fn the_metadata_lists_what_works() {
    let methods = json!(["client_secret_basic", "client_secret_post", "none"]);
    let none = format!("public_url = \"{PUBLIC_URL}\"\n");
    let devices = format!("{none}[[client]]\nid = \"tv\"\ngrants = [\"device\"]\n");
    let device_endpoint = json!(format!("{PUBLIC_URL}/oauth2/device_authorization"));
    for (world, grants, device_endpoint) in [
        (World::start().await, json!([TOKEN_EXCHANGE, "refresh_token"]), None),
        (World::configured(&devices).await, json!([DEVICE_CODE]), Some(device_endpoint)),
        (World::configured(&none).await, json!([]), None),
    ] {
        let answer = world.get("/.well-known/oauth-authorization-server", &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        assert_eq!(answer.header("cache-control"), "public, max-age=3600");
        let mut said = answer.json();
        assert_eq!(said.as_object_mut().unwrap().remove("device_authorization_endpoint"), device_endpoint);
        assert_eq!(
            said,
            json!({
                "issuer": PUBLIC_URL,
                "token_endpoint": format!("{PUBLIC_URL}/oauth2/token"),
                "revocation_endpoint": format!("{PUBLIC_URL}/oauth2/revoke"),
                "introspection_endpoint": format!("{PUBLIC_URL}/oauth2/introspect"),
                "jwks_uri": format!("{PUBLIC_URL}/.well-known/jwks.json"),
                "response_types_supported": [],
                "grant_types_supported": grants,
                "token_endpoint_auth_methods_supported": methods,
                "revocation_endpoint_auth_methods_supported": methods,
                "dpop_signing_alg_values_supported": ["ES256"],
                "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            })
        );
    }
}
