//! What `check` says about the settings of a provider's claims, and what they change.

use std::fs;
use std::path::Path;

use rolegate::config;
use serde_json::json;

use super::world::{OPS, World};
use crate::saml::fixture::noon;

/// The faults of a provider with these settings.
fn faults(folder: &Path, settings: &str) -> String {
    let text = format!(
        "public_url = \"https://broker.example.com\"\n[[account]]\nid = \"111122223333\"\n[[provider]]\n\
         kind = \"oidc\"\nname = \"corp\"\naccount = \"111122223333\"\nissuer = \"https://idp.example.com\"\n\
         client_ids = [\"broker\"]\n{settings}\n"
    );
    let path = folder.join("rolegate.toml");
    fs::write(&path, text).unwrap();
    config::load(&path, noon()).err().map(|faults| faults.to_string()).unwrap_or_default()
}

#[test]
fn settings_are_judged() {
    let folder = tempfile::tempdir().unwrap();
    let login = "login = { client_id = \"broker\", userinfo = true }";
    let graph = |url: &str| format!("{login}\ngroup_overage = {{ graph = \"{url}\" }}");
    let many = (0..33).map(|number| format!("a{number} = \"b\"")).collect::<Vec<_>>().join(", ");
    for (settings, fault) in [
        (graph("https://graph.microsoft.com"), ""),
        (graph("https://graph.microsoft.us/"), ""),
        (graph("https://graph.example.com"), "is not an address of Microsoft Graph"),
        (graph("http://127.0.0.1:80"), "is not an address of Microsoft Graph"),
        ("group_overage = { graph = \"https://graph.microsoft.com\" }".into(), "there is no login"),
        ("group_overage = \"refuse\"".into(), ""),
        ("group_overage = \"ignore\"".into(), ""),
        ("group_overage = \"resolve\"".into(), "resolve"),
        ("attributes = { groups = \"realm_access.roles\" }".into(), ""),
        ("attributes = { groups = [\"https://example.com/x\", \"roles\"] }".into(), ""),
        ("attributes = { groups = \"a..b\" }".into(), "\"groups\" has no path of 1 to 8 members"),
        ("attributes = { groups = \"\" }".into(), "\"groups\" has no path"),
        ("attributes = { groups = [] }".into(), "\"groups\" has no path"),
        ("attributes = { groups = \"a.b.c.d.e.f.g.h.i\" }".into(), "\"groups\" has no path"),
        ("attributes = { \"\" = \"a\" }".into(), "\"\" has no path"),
        (format!("attributes = {{ {many} }}"), "33 attributes are more than 32"),
    ] {
        let found = faults(folder.path(), &settings);
        assert_eq!(found.is_empty(), fault.is_empty(), "{settings}: {found}");
        assert!(found.contains(fault), "{settings}: {found}");
    }
}

#[test]
fn a_laxity_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let warnings = |settings: &str| {
        assert_eq!(faults(folder.path(), settings), "");
        config::load(&folder.path().join("rolegate.toml"), noon()).ok().unwrap().warnings.to_string()
    };
    let ignored = warnings("group_overage = \"ignore\"");
    assert!(
        ignored.contains("provider corp: who is in too many groups counts as being in none"),
        "{ignored}"
    );
    assert!(warnings("group_overage = \"refuse\"").contains("0 warning(s)"));
}

/// Keycloak's roles, as a list, as a text, as nothing.
#[actix_web::test]
async fn nested_claims_are_attributes() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), "attributes = { groups = \"realm_access.roles\" }", "").await;
    for (claims, is_ops) in [
        (json!({"realm_access": {"roles": ["staff", "ops"]}}), true),
        (json!({"realm_access": {"roles": "ops"}}), true),
        (json!({"realm_access": {"roles": ["staff"]}}), false),
        (json!({"realm_access": {"roles": [7, "ops"]}}), false),
        (json!({"realm_access": {}}), false),
        (json!({"realm_access": ["ops"]}), false),
        (json!({}), false),
        (json!({"groups": ["ops"]}), false),
        (json!({"groups": ["staff"], "realm_access": {"roles": ["ops"]}}), true),
    ] {
        let answer = world.sign_in(&claims).await;
        assert_eq!(
            (answer.status, answer.body.contains(OPS)),
            (if is_ops { 200 } else { 303 }, is_ops),
            "{claims}"
        );
    }
    world.stop().await;
}

/// By userinfo, too.
#[actix_web::test]
async fn nested_claims_may_come_from_userinfo() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "attributes = { groups = [\"realm_access\", \"roles\"] }";
    let world = World::with(folder.path(), settings, "userinfo = true").await;
    world.issuer.serve("/userinfo", 200, &json!({"sub": "ann", "realm_access": {"roles": ["ops"]}}));
    assert_eq!(world.sign_in(&json!({})).await.status, 200);
    assert_eq!(
        world.sign_in(&json!({"realm_access": {"roles": []}})).await.status,
        303,
        "the token's own stands"
    );
    world.stop().await;
}
