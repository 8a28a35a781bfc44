//! Keys in a file that somebody edits.

use std::fs;
use std::path::Path;

use super::*;

/// Writes the set to a new file in place of the old one, as careful editors do.
fn write(path: &Path, set: &str) {
    let new = path.with_extension("new");
    fs::write(&new, set).unwrap();
    fs::rename(new, path).unwrap();
}

fn set(keys: &[&Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn watched(path: &Path) -> OidcProvider {
    provider_of(|settings| settings.keys = KeySource::File(path.to_owned()))
}

#[tokio::test]
async fn a_key_that_is_taken_out_of_the_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    write(&path, &set(&[&RSA.jwk, &EC.jwk]));
    let provider = watched(&path);
    let token = token(&claims(json!({})));
    assert_eq!(check(&provider, &token).await, "accepted");
    write(&path, &set(&[&RSA.jwk]));
    assert_eq!(check(&provider, &token).await, "accepted");
    assert_eq!(provider.refresh(NOW).await, Some(true));
    assert_eq!(check(&provider, &token).await, "oidc.key.unknown");
    assert_eq!(provider.key_ids(NOW), ["rsa"]);
    write(&path, &set(&[&EC.jwk]));
    assert_eq!(provider.refresh(NOW).await, Some(true));
    assert_eq!(check(&provider, &token).await, "accepted");
}

#[tokio::test]
async fn a_file_that_is_no_key_set_takes_no_keys_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    write(&path, &set(&[&EC.jwk]));
    let provider = watched(&path);
    let token = token(&claims(json!({})));
    let later = |seconds| NOW.plus(Duration::from_secs(seconds));
    let stale = |seconds, reason: String| KeyState::Stale { age: Duration::from_secs(seconds), reason };

    write(&path, "{}");
    for _ in 0..2 {
        assert_eq!(provider.refresh(NOW).await, Some(false));
    }
    let reason = String::from("not a JSON object with a `keys` array");
    assert_eq!(provider.key_state(later(5)), stale(5, reason));
    assert_eq!(check(&provider, &token).await, "accepted");

    fs::remove_file(&path).unwrap();
    assert_eq!(provider.refresh(later(10)).await, Some(false));
    let reason = format!("can't read {}: No such file or directory (os error 2)", path.display());
    assert_eq!(provider.key_state(later(20)), stale(20, reason));
    assert_eq!(check(&provider, &token).await, "accepted");

    write(&path, &set(&[&EC.jwk]));
    assert_eq!(provider.refresh(later(30)).await, Some(true));
    assert_eq!(provider.key_state(later(40)), KeyState::Fresh { age: Duration::ZERO });
}

#[tokio::test]
async fn a_file_is_looked_at_every_ten_seconds_and_given_keys_never() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    write(&path, &set(&[&EC.jwk]));
    let entropy = crate::entropy::SystemEntropy::new();
    assert_eq!(watched(&path).refresh_in(NOW, &entropy), Some(Duration::from_secs(10)));
    assert_eq!(provider().refresh_in(NOW, &entropy), None);
    assert_eq!(provider().refresh(NOW).await, None);
}
