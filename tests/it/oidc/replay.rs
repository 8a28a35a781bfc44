//! Tokens that are good once, where the provider's settings say so.

use serde_json::{Value, json};

use super::world::{OPS, World};

const ONCE: &str = "replay = \"once\"";
const USED: &str = "400 InvalidIdentityToken";

/// `AssumeRoleWithWebIdentity` for the role of few.
async fn ops(world: &World, token: &str) -> Result<(), String> {
    let form = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", OPS),
        ("RoleSessionName", "session"),
        ("WebIdentityToken", token),
    ];
    world.assume_by(&form).await.map(|_| ())
}

#[actix_web::test]
async fn a_token_is_good_once() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), ONCE, "").await;
    let token = |id: Value| world.id_token(&json!({ "jti": id, "groups": ["ops"] }));
    let (first, second) = (token(json!("1")), token(json!("2")));
    assert!(world.assume(&first).await.is_ok());
    assert_eq!(world.assume(&first).await.err().as_deref(), Some(USED));
    assert_eq!(ops(&world, &first).await.err().as_deref(), Some(USED), "for another role");
    assert_eq!(world.assume(&token(json!("1"))).await.err().as_deref(), Some(USED), "written anew");
    assert_eq!(world.assume(&token(Value::Null)).await.err().as_deref(), Some(USED), "without a name");
    let stranger = world.id_token(&json!({ "jti": "3" }));
    assert_eq!(ops(&world, &stranger).await.err().as_deref(), Some("403 AccessDenied"));
    assert!(world.assume(&stranger).await.is_ok(), "what gave nothing was not used up");
    let world = world.restarted().await;
    assert_eq!(world.assume(&first).await.err().as_deref(), Some(USED), "after a restart");
    assert!(world.assume(&second).await.is_ok());
    world.stop().await;
}

#[actix_web::test]
async fn of_many_at_once_one_is_first() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), ONCE, "").await;
    let token = world.id_token(&json!({ "jti": "1" }));
    let answers = futures_util::future::join_all((0..20).map(|_| world.assume(&token))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().filter_map(|answer| answer.as_ref().err()).all(|refusal| refusal == USED));
    world.stop().await;
}

/// Nothing is given that might have been given before.
#[actix_web::test]
async fn a_store_that_fails_refuses_and_uses_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), ONCE, "").await;
    let token = world.id_token(&json!({ "jti": "1" }));
    world.store.fail(true);
    assert_eq!(world.assume(&token).await.err().as_deref(), Some("503 ServiceUnavailable"));
    world.store.fail(false);
    assert!(world.assume(&token).await.is_ok());
    world.stop().await;
}

/// As on AWS, unless somebody says otherwise.
#[actix_web::test]
async fn a_token_may_be_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let token = world.id_token(&json!({ "jti": "1" }));
    for _ in 0..3 {
        assert!(world.assume(&token).await.is_ok());
    }
    world.stop().await;
}
