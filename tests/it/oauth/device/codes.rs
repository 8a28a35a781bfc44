//! How often codes may be asked for, guessed and asked with.

use futures_util::future::join_all;

use super::world::{CREDENTIALS, GONE, Living, TOKEN_FOR_API};

#[actix_web::test]
async fn a_device_that_hurries_is_told_so() {
    let living = Living::start().await;
    let (one, other) = (living.begin("tv", &TOKEN_FOR_API).await, living.begin("tv", &TOKEN_FOR_API).await);
    assert_eq!(living.poll("tv", &one).await, "400 authorization_pending");
    assert_eq!(living.poll("tv", &one).await, "400 slow_down");
    assert_eq!(living.poll("tv", &other).await, "400 authorization_pending", "it is another's pace");
    living.wait(3);
    assert_eq!(living.poll("tv", &one).await, "400 slow_down");
    living.wait(1);
    assert_eq!(living.poll("tv", &one).await, "400 authorization_pending", "a second early is near enough");
}

#[actix_web::test]
async fn who_guesses_codes_is_told_nothing_more() {
    let living = Living::start().await;
    let begun = living.begin("tv", &TOKEN_FOR_API).await;
    let code = begun["user_code"].as_str().unwrap();
    for wrong in 0..100 {
        let page = living.type_code("BCDF-GHJK").await;
        assert_eq!((page.status, page.heading().as_str()), (400, "Sign in a device"), "{wrong}");
        assert!(page.body.contains("role=\"alert\"") && page.body.contains("value=\"BCDF-GHJK\""));
    }
    let refused = "Too many wrong codes";
    assert_eq!(living.type_code("BCDF-GHJK").await.heading(), refused);
    let right = living.type_code(code).await;
    assert_eq!((right.status, right.heading().as_str()), (429, refused), "a right code looks the same");
    let login = living.get(&format!("/oidc/staff/login?user_code={code}"), None).await;
    assert_eq!((login.status, login.heading().as_str()), (429, refused), "at the login too");
    living.wait(6);
    assert_eq!(living.type_code(code).await.status, 200);
    let guess = living.get("/oidc/staff/login?user_code=BCDF-GHJK", None).await;
    assert_eq!((guess.status, guess.heading().as_str()), (400, GONE), "the login counts");
    assert_eq!(living.type_code(code).await.heading(), refused);
}

#[actix_web::test]
async fn guesses_at_once_are_counted_one_by_one() {
    let living = Living::start().await;
    let guesses = join_all((0..150).map(|_| living.type_code("BCDF-GHJK"))).await;
    let refused = guesses.iter().filter(|page| page.status == 429).count();
    let looked_up = guesses.iter().filter(|page| page.status == 400).count();
    assert_eq!((looked_up, refused), (100, 50));
}

#[actix_web::test]
async fn one_network_asks_for_so_many_codes() {
    let living = Living::start().await;
    for _ in 0..100 {
        living.begin("cli", &[CREDENTIALS]).await;
    }
    let refused =
        living.post("/oauth2/device_authorization", &[("client_id", "cli"), CREDENTIALS], &[]).await;
    assert_eq!((refused.status, refused.headers["retry-after"].to_str().unwrap()), (503, "1"));
    assert!(refused.body.contains("temporarily_unavailable"), "{}", refused.body);
    living.wait(6);
    living.begin("cli", &[CREDENTIALS]).await;
}
