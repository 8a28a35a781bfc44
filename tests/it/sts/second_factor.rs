//! Codes of an authenticator app, which are good once and can't be guessed.

use std::time::Duration;

use aws_lc_rs::hmac;
use rolegate::clock::Clock as _;

use super::*;

const SERIAL: &str = "arn:aws:iam::111122223333:mfa/ann";
const WRONG: &str =
    "403 AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code. ";
const NOT_THEIRS: &str = "403 AccessDenied: MultiFactorAuthentication failed, unable to validate MFA code.  Please \
                          verify your MFA serial number is valid and associated with this user.";

/// What ann's app shows, as RFC 6238 has it.
fn code(world: &World) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"12345678901234567890");
    let tag = hmac::sign(&key, &(world.clock.now().unix() / 30).to_be_bytes());
    let hash = tag.as_ref();
    let at = usize::from(hash[19] & 15);
    let word = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

async fn with(world: &World, by: &Keys, serial: &str, code: &str) -> Answer {
    assume(world, by, VAULT, &[("SerialNumber", serial), ("TokenCode", code)]).await
}

#[actix_web::test]
async fn a_code_opens_what_asks_for_one_and_once() {
    let world = world().await;
    let now = code(&world);
    let too_long = [("SerialNumber", SERIAL), ("TokenCode", &now), ("DurationSeconds", "7200")];
    let refused = assume(&world, &ann(), VAULT, &too_long).await.sts_refusal();
    assert!(refused.starts_with("400 ValidationError: The requested DurationSeconds exceeds"), "{refused}");
    assert_eq!(with(&world, &ann(), SERIAL, &now).await.status, 200, "what is refused uses up none");
    assert_eq!(with(&world, &ann(), SERIAL, &now).await.sts_refusal(), WRONG, "it was used");
    world.clock.advance(Duration::from_secs(30));
    let session = world
        .signed(
            &ann(),
            &[("Action", "GetSessionToken"), ("SerialNumber", SERIAL), ("TokenCode", &code(&world))],
        )
        .await
        .keys();
    assert_eq!(assume(&world, &session, VAULT, &[]).await.status, 200, "the session knows of it");
    let plain = world.signed(&ann(), &[("Action", "GetSessionToken")]).await.keys();
    assert_eq!(assume(&world, &plain, VAULT, &[]).await.status, 403, "its twin does not");
    assert_eq!(assume(&world, &ann(), VAULT, &[]).await.status, 403, "nor the key itself");
}

#[actix_web::test]
async fn codes_of_others_and_of_nobody() {
    let world = world().await;
    let now = code(&world);
    let start = assume(&world, &ann(), START, &[]).await.keys();
    for (by, serial) in [(&bot(), SERIAL), (&ann(), "arn:aws:iam::111122223333:mfa/ben"), (&start, SERIAL)] {
        assert_eq!(with(&world, by, serial, &now).await.sts_refusal(), NOT_THEIRS, "{serial}");
    }
    let alone = assume(&world, &ann(), VAULT, &[("TokenCode", &now)]).await.sts_refusal();
    assert_eq!(alone, NOT_THEIRS);
    let alone = assume(&world, &ann(), VAULT, &[("SerialNumber", SERIAL)]).await.sts_refusal();
    assert_eq!(alone, WRONG);
    assert_eq!(with(&world, &ann(), SERIAL, &now).await.status, 200, "none of these used it up");
}

/// Ten wrong codes, then one a minute: a million take years.
#[actix_web::test]
async fn guessing_is_slow() {
    let world = world().await;
    let now = code(&world);
    let wrong = if now == "000000" { "000001" } else { "000000" };
    for _ in 0..10 {
        assert_eq!(with(&world, &ann(), SERIAL, wrong).await.sts_refusal(), WRONG);
    }
    let slow = "400 Throttling: Rate exceeded";
    assert_eq!(with(&world, &ann(), SERIAL, &now).await.sts_refusal(), slow, "even the right one");
    world.clock.advance(Duration::from_secs(60));
    let later = code(&world);
    assert_eq!(with(&world, &ann(), SERIAL, &later).await.status, 200);
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(with(&world, &ann(), SERIAL, &code(&world)).await.status, 200, "right ones cost nothing");
}
