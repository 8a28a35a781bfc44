//! How long a browser's session lasts when nobody is there, and in any case.

use std::time::Duration;

use super::world::{CONSOLE, World};

const MINUTE: Duration = Duration::from_secs(60);

/// A broker whose console has these terms.
async fn with_terms(folder: &std::path::Path, terms: &str) -> World {
    World::with(folder, &format!("[console]\n{terms}\n")).await
}

#[actix_web::test]
async fn who_comes_back_in_time_stays_signed_in() {
    let folder = tempfile::tempdir().unwrap();
    let world = with_terms(folder.path(), "idle = \"20m\"").await;
    let mut cookie = world.console_of("ann", Some("_s1")).await;
    let first = cookie.clone();
    for page in ["/console", "/portal"] {
        world.clock.advance(MINUTE);
        let soon = world.get(page, Some(&format!("{CONSOLE}={cookie}"))).await;
        assert_eq!((soon.status, soon.cookies.len()), (200, 0), "it was noted a minute ago");
        world.clock.advance(18 * MINUTE);
        let late = world.get(page, Some(&format!("{CONSOLE}={cookie}"))).await;
        assert_eq!(late.status, 200);
        let noted = late.cookie(CONSOLE);
        assert_ne!(noted, cookie);
        cookie = noted;
    }
    assert_eq!(world.console(&first).await, 303, "38 minutes ago");
    assert_eq!(world.console(&cookie).await, 200);
    world.clock.advance(20 * MINUTE - Duration::from_millis(1));
    assert_eq!(world.console(&cookie).await, 200);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.console(&cookie).await, 303);
    world.stop().await;
}

/// However often somebody comes back, and whatever the sign-in URL asked for.
#[actix_web::test]
async fn a_lifetime_is_not_made_longer() {
    let folder = tempfile::tempdir().unwrap();
    let world = with_terms(folder.path(), "idle = \"20m\"\nlifetime = \"30m\"").await;
    let credentials = world.credentials("ann", Some("_s1")).await;
    let token = world.signin_token(&credentials).await.unwrap();
    let opened = world.login(&token).await;
    assert!(opened.cookies.iter().any(|cookie| cookie.contains("Max-Age=1800")), "{:?}", opened.cookies);
    let cookie = opened.cookie(CONSOLE);
    world.clock.advance(15 * MINUTE);
    let noted = world.get("/console", Some(&format!("{CONSOLE}={cookie}"))).await;
    assert!(noted.cookies.iter().any(|cookie| cookie.contains("Max-Age=900")), "{:?}", noted.cookies);
    let cookie = noted.cookie(CONSOLE);
    world.clock.advance(15 * MINUTE - Duration::from_millis(1));
    assert_eq!(world.console(&cookie).await, 200);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.console(&cookie).await, 303);
    world.stop().await;
}

/// A cookie that noted a later visit is the same browser's: signing out ends the earlier one, too.
#[actix_web::test]
async fn signing_out_ends_every_cookie_of_the_browser() {
    let folder = tempfile::tempdir().unwrap();
    let world = with_terms(folder.path(), "idle = \"20m\"").await;
    let first = world.console_without_login("ann");
    world.clock.advance(5 * MINUTE);
    let noted = world.get("/console", Some(&format!("{CONSOLE}={first}"))).await.cookie(CONSOLE);
    assert_eq!((world.console(&first).await, world.console(&noted).await), (200, 200));
    let form = [("Action", "logout")];
    let out = world.post("/federation", &form, &[("cookie", &format!("{CONSOLE}={noted}"))]).await;
    assert_eq!(out.status, 200);
    assert_eq!((world.console(&first).await, world.console(&noted).await), (303, 303));
    world.stop().await;
}
