//! Pages that ask: those of a client's origins, and no others.

use reqwest::Method;

use super::world::{Answer, World};

const OURS: &str = "https://app.example.com";
const TOKEN: &str = "/oauth2/token";
const REVOKE: &str = "/oauth2/revoke";
const KEYS: &str = "/.well-known/jwks.json";
const METADATA: &str = "/.well-known/oauth-authorization-server";

async fn preflight(world: &World, path: &str, origin: &str, method: &str) -> Answer {
    let headers = [("origin", origin), ("access-control-request-method", method)];
    world.send(Method::OPTIONS, path, &headers, String::new()).await
}

/// What an answer says to a browser: origin, methods, headers. Never that cookies may come along.
fn granted(answer: &Answer) -> [&str; 3] {
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    assert_eq!(answer.header("vary"), "origin", "{answer:?}");
    ["origin", "methods", "headers"].map(|what| answer.header(&format!("access-control-allow-{what}")))
}

#[actix_web::test]
async fn a_preflight_is_granted_to_a_clients_origin() {
    let world = World::start().await;
    for (path, method) in [(TOKEN, "POST"), (REVOKE, "POST"), (KEYS, "GET"), (METADATA, "GET")] {
        let answer = preflight(&world, path, OURS, method).await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(granted(&answer), [OURS, method, "authorization, content-type, dpop"], "{path}");
        assert_eq!(answer.header("access-control-max-age"), "600");
        for origin in [
            "https://evil.example.com",
            "https://app.example.com.evil.example",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://APP.example.com",
            "https://app.example.com/",
            "null",
            "*",
            "",
        ] {
            let answer = preflight(&world, path, origin, method).await;
            assert_eq!((answer.status, granted(&answer)), (403, ["", "", ""]), "{path} from {origin:?}");
        }
        let answer = preflight(&world, path, OURS, "PUT").await;
        assert_eq!((answer.status, granted(&answer)), (403, [OURS, "", ""]), "{path} by PUT");
    }
    for path in ["/", "/federation", "/saml/corp/acs", "/oauth2/introspect"] {
        let answer = preflight(&world, path, OURS, "POST").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
}

#[actix_web::test]
async fn an_answer_is_readable_by_a_clients_pages() {
    let world = World::start().await;
    let from = |origin| [("origin", origin)];
    let answer = world.post(TOKEN, &world.exchange(), &from(OURS)).await;
    assert_eq!((answer.status, granted(&answer)), (200, [OURS, "", ""]));
    assert_eq!(answer.header("access-control-expose-headers"), "dpop-nonce");
    let answer = world.post(TOKEN, &world.exchange().without("role"), &from(OURS)).await;
    assert_eq!((answer.refusal().as_str(), granted(&answer)), ("400 invalid_request", [OURS, "", ""]));
    let answer = world.token(&world.exchange()).await;
    assert_eq!((answer.status, granted(&answer)), (200, ["", "", ""]), "no page");
    assert_eq!(answer.header("access-control-expose-headers"), "");
    for path in [KEYS, METADATA] {
        for (origin, granted_to) in [(OURS, OURS), ("https://evil.example.com", "")] {
            let answer = world.get(path, &from(origin)).await;
            assert_eq!(
                (answer.status, granted(&answer)),
                (200, [granted_to, "", ""]),
                "{path} from {origin}"
            );
        }
    }
}

/// A form that any page may send is refused too, so that none uses up what it can't read.
#[actix_web::test]
async fn a_foreign_page_is_given_nothing() {
    let world = World::start().await;
    for origin in ["https://evil.example.com", "null"] {
        let answer = world.post(TOKEN, &world.exchange(), &[("origin", origin)]).await;
        assert_eq!(
            (answer.refusal().as_str(), granted(&answer)),
            ("400 unauthorized_client", ["", "", ""]),
            "{origin}"
        );
    }
    let of_another = world.post(TOKEN, &world.exchange().by_server(), &[("origin", OURS)]).await;
    assert_eq!(of_another.refusal(), "400 unauthorized_client", "the origin of another client");
}
