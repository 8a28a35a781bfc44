//! ID tokens and key sets. `jsonwebtoken` is the second opinion: whatever is believed here must be
//! a token there, and say the same.

use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64_simd::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rolegate::clock::Moment;
use rolegate::fetch::{Reach, http_client};
use rolegate::identity::oidc::{
    ClaimSettings, KeyAges, KeySource, OidcProvider, OidcSettings, unverified_issuer,
};
use rolegate::identity::{FederatedIdentity, VerifyError};
use serde_json::{Map, Value};

use crate::mutate;

const ISSUER: &str = "https://idp.example.com/r";
const HEADER: &str = r#"{"alg":"ES256","typ":"JWT","kid":"ec"}"#;
const NOW: Moment = Moment::from_unix(1_795_000_000);
/// The key of RFC 7515, A.3, so that an input that was found means the same in every run.
const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const D: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";

static KEY: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode_to_vec(text).expect("base64url");
    let point = [vec![4], bytes(X), bytes(Y)].concat();
    EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &bytes(D), &point)
        .expect("the key of the RFC")
});

static PROVIDER: LazyLock<OidcProvider> = LazyLock::new(|| {
    let keys = format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"ec","x":"{X}","y":"{Y}"}}]}}"#);
    provider(&keys).expect("its keys")
});

static HONEST: LazyLock<String> = LazyLock::new(|| {
    let (issued, expires) = (NOW.unix() - 10, NOW.unix() + 300);
    let claims = format!(
        r#"{{"iss":"{ISSUER}","sub":"ann","aud":["app","api"],"azp":"app","iat":{issued},"exp":{expires},"nbf":{issued},"email":"ann@example.com","groups":["platform","ops"],"https://aws.amazon.com/tags":{{"principal_tags":{{"team":["core"]}},"transitive_tag_keys":["team"]}},"https://aws.amazon.com/roles":"arn:a;arn:b"}}"#
    );
    token(HEADER.as_bytes(), claims.as_bytes())
});

/// Any header and any claims, signed: what is believed is a token of this issuer, for this client, of
/// this hour, by the algorithm of the key, and nothing is believed that it does not say.
pub fn token_content(bytes: &[u8]) {
    let Ok((header, claims)) = content(&mut Unstructured::new(bytes)) else { return };
    let token = token(&header, &claims);
    let _ = unverified_issuer(&token);
    let Ok(identity) = verify(&PROVIDER, &token) else { return };
    agrees(&token, &identity);
}

/// An honest token, edited: what is believed says what was signed.
pub fn token_mutations(bytes: &[u8]) {
    let Ok(edited) = mutate::document(&[HONEST.as_str()], &mut Unstructured::new(bytes)) else { return };
    let Ok(edited) = std::str::from_utf8(&edited) else { return };
    let Ok(identity) = verify(&PROVIDER, edited) else { return };
    assert_eq!(edited, *HONEST, "one token has one text");
    agrees(edited, &identity);
}

/// Any key set: no panic, and the honest token is believed only where its key stands in the set.
pub fn key_set(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(provider) = provider(text) else { return };
    if verify(&provider, &HONEST).is_ok() {
        let set: Value = serde_json::from_str(text).expect("JSON, for it was taken");
        let is_it = |key: &Value| key["x"] == X && key["y"] == Y && key["kty"] == "EC" && key["kid"] == "ec";
        assert!(set["keys"].as_array().is_some_and(|keys| keys.iter().any(is_it)), "{text}");
    }
}

/// A header and claims: those of the honest token with members replaced, or any text.
fn content(input: &mut Unstructured<'_>) -> Result<(Vec<u8>, Vec<u8>)> {
    let part = |input: &mut Unstructured<'_>, honest: &[u8]| {
        if input.ratio(3, 4)? {
            return members(honest, input);
        }
        let length = input.arbitrary_len::<u8>()?;
        Ok(input.bytes(length)?.to_vec())
    };
    let honest: Vec<_> = HONEST.split('.').map(|part| URL_SAFE_NO_PAD.decode_to_vec(part)).collect();
    let claims = honest[1].as_ref().expect("base64url");
    let header = if input.ratio(1, 2)? { HEADER.into() } else { part(input, HEADER.as_bytes())? };
    Ok((header, part(input, claims)?))
}

/// A JSON object with some members given other values, doubled, or taken away.
fn members(honest: &[u8], input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    const NAMES: [&str; 22] = [
        "iss",
        "sub",
        "aud",
        "azp",
        "exp",
        "iat",
        "nbf",
        "nonce",
        "jti",
        "typ",
        "alg",
        "kid",
        "crit",
        "b64",
        "scope",
        "client_id",
        "token_use",
        "events",
        "email",
        "groups",
        "https://aws.amazon.com/tags",
        "https://aws.amazon.com/source_identity",
    ];
    const VALUES: [&str; 20] = [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e400",
        "1795000100",
        "\"1795000100\"",
        "\"\"",
        "\"app\"",
        "[\"app\"]",
        "[]",
        "{}",
        "[null]",
        "\"https://idp.example.com/r\"",
        "\"https://idp.example.com/r/\"",
        "\"ES256\"",
        "\"none\"",
        "\"ec\"",
        "{\"http://schemas.openid.net/event/backchannel-logout\":{}}",
    ];
    let object: Map<String, Value> = serde_json::from_slice(honest).expect("an object");
    let mut members: Vec<(String, String)> =
        object.into_iter().map(|(name, value)| (name, value.to_string())).collect();
    for _ in 0..input.int_in_range(1..=3)? {
        let (name, value) = (*input.choose(&NAMES)?, *input.choose(&VALUES)?);
        match input.int_in_range(0..=3)? {
            0 => members.push((name.to_owned(), value.to_owned())),
            1 => members.retain(|(known, _)| known != name),
            _ => {
                members.retain(|(known, _)| known != name);
                members.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    let written: Vec<_> = members.iter().map(|(name, value)| format!("{:?}:{value}", name)).collect();
    Ok(format!("{{{}}}", written.join(",")).into_bytes())
}

fn agrees(token: &str, identity: &FederatedIdentity) {
    let header = token.split('.').next().map(|header| URL_SAFE_NO_PAD.decode_to_vec(header));
    let header: Value = serde_json::from_slice(&header.expect("a part").expect("base64url")).expect("JSON");
    assert_eq!((&header["alg"], header.get("kid").unwrap_or(&"ec".into())), (&"ES256".into(), &"ec".into()));
    if jsonwebtoken::decode_header(token).is_err() {
        // It bears members that nobody knows only where they are text.
        return;
    }
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false; // It asks the machine's clock.
    validation.validate_aud = false; // It knows no `azp`.
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["iss", "sub"]); // It takes no time in quotes.
    let key = DecodingKey::from_ec_components(X, Y).expect("the key");
    let theirs = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation).expect(token).claims;
    assert_eq!(identity.claims(), Some(&theirs));
    assert_eq!((identity.issuer(), Some(identity.subject())), (ISSUER, theirs["sub"].as_str()));
    let seconds = |name: &str| match &theirs[name] {
        Value::String(text) => text.parse().expect("digits"),
        number => number.as_i64().expect("a whole number"),
    };
    assert!(seconds("exp") + 60 > NOW.unix() && seconds("iat") - 60 <= NOW.unix(), "{theirs:?}");
    let azp = theirs.get("azp").filter(|azp| !azp.is_null());
    let audience = azp.or_else(|| theirs["aud"].get(0)).unwrap_or(&theirs["aud"]);
    assert_eq!((audience.as_str(), identity.audience()), (Some("app"), "app"));
    let logout = "http://schemas.openid.net/event/backchannel-logout";
    assert!(theirs.get("events").is_none_or(|events| events.get(logout).is_none()), "{theirs:?}");
    let names: HashSet<_> = identity.attributes().keys().collect();
    assert!(names.iter().all(|name| theirs.contains_key(*name)), "{names:?}");
}

#[allow(clippy::disallowed_methods)] // An ECDSA signature takes a generator.
fn token(header: &[u8], claims: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode_to_string(bytes);
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = KEY.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
    format!("{signed}.{}", part(signature.as_ref()))
}

fn provider(keys: &str) -> Option<OidcProvider> {
    let settings = OidcSettings {
        arn: "arn:aws:iam::111122223333:oidc-provider/idp.example.com/r".parse().expect("an ARN"),
        name: "corp".into(),
        issuer: ISSUER.into(),
        client_ids: vec!["app".into()],
        algorithms: vec![rolegate::identity::oidc::Algorithm::ES256],
        clock_skew: Duration::from_secs(60),
        keys: KeySource::Given(keys.to_owned()),
        key_ages: KeyAges::default(),
        one_time: false,
        access_tokens: false,
        reach: Reach::default(),
        login: None,
        claims: ClaimSettings::default(),
    };
    static HTTP: LazyLock<reqwest::Client> =
        LazyLock::new(|| http_client(Reach::default()).expect("a client"));
    OidcProvider::new(settings, HTTP.clone()).ok()
}

/// Keys that are pinned are waited for by nobody.
fn verify(provider: &OidcProvider, token: &str) -> std::result::Result<FederatedIdentity, VerifyError> {
    let verifying = pin!(provider.verify(token, None, NOW));
    match verifying.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(verified) => verified,
        Poll::Pending => panic!("it waits"),
    }
}
