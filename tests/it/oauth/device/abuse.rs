//! What strangers try with the codes of others (RFC 8628 section 5).

use rolegate::clock::Clock;
use serde_json::{Value, json};

use super::super::fixture::{DEVICE_CODE, PUBLIC_URL, TokenKey};
use super::world::{APPROVED, CREDENTIALS, GONE, Living, TOKEN_FOR_API};
use crate::oidc::world::{Answer, DEV};

const STRANGE: &str = "This sign-in did not start here";

/// Status and error of a refusal.
fn error(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    format!("{} {}", answer.status, body["error"].as_str().unwrap())
}

/// A page elsewhere can neither read our form nor press its button, and a login that was begun for the
/// console approves nothing.
#[actix_web::test]
async fn only_the_page_that_asks_is_answered() {
    let living = Living::start().await;
    let begun = living.begin("tv", &TOKEN_FOR_API).await;
    let (away, decide) = living.sign_in_for(&begun, &json!({})).await;
    let yes = [("device", "approve"), ("roleIndex", DEV)];
    for header in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        for fields in [&yes[..], &[("device", "deny")]] {
            let refused = living.press(&away, &decide, fields, &[header]).await;
            assert_eq!((refused.status, refused.heading().as_str()), (403, "Not from here"), "{header:?}");
        }
    }
    for unclear in [&[("device", "approve")][..], &[("device", "yes"), ("roleIndex", DEV)]] {
        let refused = living.press(&away, &decide, unclear, &[]).await;
        assert_eq!((refused.status, refused.heading().as_str()), (400, "The request is incomplete"));
    }
    let asked_again = living.press(&away, &decide, &[("roleIndex", DEV)], &[]).await;
    assert_eq!(asked_again.heading(), "Approve the device?", "a role alone approves nothing");

    let console = living.sign_in_for_console(&json!({"groups": ["ops"], "jti": "2"})).await;
    let refused = living.press(&console.0, &console.1, &yes, &[]).await;
    assert_eq!((refused.status, refused.heading().as_str()), (400, STRANGE));
    let other = living.begin("tv", &TOKEN_FOR_API).await;
    let (others, _) = living.sign_in_for(&other, &json!({"jti": "3"})).await;
    let mixed = living.press(&others, &decide, &yes, &[]).await;
    assert_eq!((mixed.status, mixed.heading().as_str()), (400, STRANGE), "another login's cookie");

    assert_eq!(living.poll("tv", &begun).await, "400 authorization_pending");
    assert_eq!(living.press(&away, &decide, &yes, &[]).await.heading(), APPROVED);
}

/// Who can write to the store can't let one code stand for another's request.
#[actix_web::test]
async fn requests_that_change_places_are_nobodys() {
    let living = Living::start().await;
    let (one, other) = (living.begin("tv", &TOKEN_FOR_API).await, living.begin("tv", &TOKEN_FOR_API).await);
    let typed = async |begun: &Value| living.type_code(begun["user_code"].as_str().unwrap()).await.status;
    assert_eq!((typed(&one).await, typed(&other).await), (200, 200));
    let swap = async || living.store.swap_values(living.clock.now()).await;
    swap().await;
    assert_eq!((typed(&one).await, typed(&other).await), (400, 400));
    assert_eq!(living.poll("tv", &one).await, "400 expired_token");
    swap().await;
    assert_eq!((typed(&one).await, typed(&other).await), (200, 200));
}

/// The address that brings the code along saves typing, and nothing else.
#[actix_web::test]
async fn a_link_approves_nothing() {
    let living = Living::start().await;
    let begun = living.begin("tv", &TOKEN_FOR_API).await;
    let page = living.get(&format!("/device?user_code={}", begun["user_code"].as_str().unwrap()), None).await;
    assert_eq!((page.status, page.heading().as_str()), (200, "Sign in a device"));
    assert!(page.body.contains(begun["user_code"].as_str().unwrap()), "{}", page.body);
    assert_eq!(page.cookies, Vec::<String>::new());
    let markup = living.get("/device?user_code=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", None).await;
    assert!(markup.body.contains("value=\"&#34;&#62;&#60;script&#62;alert(1)"), "{}", markup.body);
    assert_eq!(living.poll("tv", &begun).await, "400 authorization_pending");
}

#[actix_web::test]
async fn people_of_another_provider_do_not_answer() {
    let living = Living::start().await;
    let begun = living.begin("kiosk", &[CREDENTIALS]).await;
    let code = begun["user_code"].as_str().unwrap();
    let page = living.type_code(code).await;
    assert!(page.body.contains("/oidc/other/login?user_code="), "{}", page.body);
    assert!(!page.body.contains("/oidc/staff/login"), "{}", page.body);
    let refused = living.get(&format!("/oidc/staff/login?user_code={code}"), None).await;
    assert_eq!((refused.status, refused.heading().as_str()), (404, "No such identity provider"));
    let machines = living.get(&format!("/oidc/machines/login?user_code={code}"), None).await;
    assert_eq!((machines.status, machines.heading().as_str()), (404, "No such identity provider"));
}

#[actix_web::test]
async fn a_device_code_is_its_clients_and_nobody_elses() {
    let living = Living::start().await;
    let begun = living.begin("tv", &TOKEN_FOR_API).await;
    assert_eq!(living.poll("cli", &begun).await, "400 invalid_grant");
    assert_eq!(living.poll("app", &begun).await, "400 unauthorized_client");
    for forged in [
        "",
        "x",
        begun["user_code"].as_str().unwrap(),
        &format!("{}A", begun["device_code"].as_str().unwrap()),
    ] {
        let said = living.poll("tv", &json!({ "device_code": forged })).await;
        assert_eq!(
            said,
            if forged.is_empty() { "400 invalid_request" } else { "400 invalid_grant" },
            "{forged}"
        );
    }
    let unknown = living.get(&format!("/oidc/staff/login?user_code={}", "BCDF-GHJK"), None).await;
    assert_eq!((unknown.status, unknown.heading().as_str()), (400, GONE));
    for (client, asked, expected) in [
        ("app", &[CREDENTIALS][..], "400 unauthorized_client"),
        ("nobody", &[CREDENTIALS], "401 invalid_client"),
        ("cli", &TOKEN_FOR_API, "400 invalid_target"),
        ("tv", &[], "400 invalid_request"),
        ("tv", &[CREDENTIALS, TOKEN_FOR_API[0]], "400 invalid_request"),
        ("cli", &[CREDENTIALS, ("scope", "openid")], "400 invalid_scope"),
        ("cli", &[CREDENTIALS, ("role", "Dev")], "400 invalid_request"),
        ("cli", &[CREDENTIALS, ("duration_seconds", "1")], "400 invalid_request"),
    ] {
        let fields = [&[("client_id", client)], asked].concat();
        let refused = living.post("/oauth2/device_authorization", &fields, &[]).await;
        assert_eq!(error(&refused), expected, "{client} {asked:?}");
    }
    let code = begun["device_code"].as_str().unwrap();
    for more in [("role", DEV), ("audience", "https://api.example.com"), ("duration_seconds", "900")] {
        let fields = [("grant_type", DEVICE_CODE), ("client_id", "tv"), ("device_code", code), more];
        assert_eq!(
            error(&living.post("/oauth2/token", &fields, &[]).await),
            "400 invalid_request",
            "{more:?}"
        );
    }
}

#[actix_web::test]
async fn who_must_prove_a_key_proves_it_when_collecting() {
    let living = Living::start().await;
    let begun = living.begin("wallet", &[CREDENTIALS]).await;
    let (away, decide) = living.sign_in_for(&begun, &json!({})).await;
    assert_eq!(living.approve(&away, &decide, DEV).await.heading(), APPROVED);
    assert_eq!(living.poll("wallet", &begun).await, "400 invalid_dpop_proof");
    let proof = TokenKey::new("ours").prove(&format!("{PUBLIC_URL}/oauth2/token"), living.clock.now());
    let with_proof = async || living.ask("wallet", &begun, &[("dpop", &proof)]).await;
    living.wait(5);
    assert_eq!(with_proof().await.status, 200);
    living.wait(5);
    assert_eq!(error(&with_proof().await), "400 invalid_dpop_proof", "it was used");
}
