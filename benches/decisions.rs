//! What it costs to decide: from an identity to the roles that it may have, and whether one is given,
//! with one rule and with ten thousand; and what it costs to load as many.
//!
//! `cargo bench --bench decisions` prints the figures and files them in `target/speed.json`. Each is the
//! median of rounds that alternate between the two sides.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A benchmark that can't run should stop.

mod cpu;
mod provider;
mod report;
mod rounds;

use std::collections::HashMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64_simd::URL_SAFE_NO_PAD;
use mimalloc::MiMalloc;
use rolegate::arn::{RoleArn, RoleId};
use rolegate::clock::Moment;
use rolegate::identity::oidc::Algorithm;
use rolegate::identity::{FederatedIdentity, SessionPolicies};
use rolegate::policy::rights::Rights;
use rolegate::policy::{Circumstances, Grant, Policies, RuleSource, Rules, SessionRequest, TrustPolicy};
use serde_json::{Value, json};

use self::provider::{ARN, ISSUER, provider};
use self::report::{file, median};
use self::rounds::alternate;

/// As in the product.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const NOW: Moment = Moment::from_unix(1_800_000_000);
const WHEN: Circumstances =
    Circumstances { at: NOW, source_ip: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))) };
/// A company's: many rules over fewer roles.
const RULES: usize = 10_000;
const ROLES: usize = 1_000;

fn main() {
    let identity = identity();
    let (few, many) = (policies(1), policies(RULES));
    let map = |policies: &Policies| {
        let offers = policies.offers(&identity, Grant::default(), WHEN);
        assert_eq!(offers.len(), 1);
        black_box(offers);
    };
    let [many_us, few_us] = alternate([&|| map(&many), &|| map(&few)]);
    let trust_us = {
        let offer = many.offers(&identity, Grant::default(), WHEN).remove(0);
        let role_id = RoleId::of_declared(&offer.role);
        let ask = SessionRequest {
            offer: &offer,
            role_id: &role_id,
            max_session_duration: Duration::from_secs(3600),
            signed_in_within: None,
            session_name: Some("ann"),
            duration: None,
            policies: SessionPolicies::NONE,
        };
        let decide = || drop(black_box(many.authorize(&identity, &ask, WHEN).unwrap()));
        let [trust_us] = alternate([&decide]);
        trust_us
    };
    let load_seconds = median((0..3).map(|_| load().as_secs_f64()).collect());
    file(vec![
        entry("map_10k_rules_us", many_us, "us", Some(few_us), 20.0, "<= 20 us; floor: one rule"),
        entry("trust_decision_us", trust_us, "us", None, 5.0, "<= 5 us"),
        entry("load_10k_rules_s", load_seconds, "s", None, 1.0, "<= 1 s on two cores"),
    ]);
}

/// Prints a figure, and gives its entry.
fn entry(
    name: &'static str,
    value: f64,
    unit: &str,
    floor: Option<f64>,
    most: f64,
    goal: &str,
) -> (&'static str, Value) {
    let (ratio, met) = (floor.map(|floor| value / floor), value <= most);
    let against = floor.map(|floor| format!("  (floor {floor:.2} {unit})")).unwrap_or_default();
    println!("{name:18} {value:6.2} {unit:2}{against}  {goal}: {met}");
    let written = json!({"value": value, "unit": unit, "floor": floor, "ratio": ratio, "goal": goal, "met": met,
                         "command": "cargo bench --bench decisions"});
    (name, written)
}

fn role(number: usize) -> RoleArn {
    format!("arn:aws:iam::111122223333:role/team/Role{}", number % ROLES).parse().unwrap()
}

/// As they are written: most ask for a group, some for a subject or a beginning of it, each with more to it.
fn sources(count: usize) -> Vec<RuleSource> {
    let when = |number: usize| match number % 10 {
        0 => format!("\"team-{number}\" in groups && attr.department[0] == \"engineering\""),
        1 => format!("subject == \"user-{number}\""),
        2 => format!("subject.startsWith(\"repo:team-{number}/\") && claim.ref == \"refs/heads/main\""),
        3 => format!("groups.exists(g, g == \"team-{number}\" || g == \"lead-{number}\")"),
        _ => format!("\"team-{number}\" in groups && !(\"contractors\" in groups)"),
    };
    let source = |number: usize| RuleSource {
        name: format!("rule {number}"),
        provider: number.is_multiple_of(3).then(|| "mobile".to_owned()),
        when: when(number),
        roles: vec![role(number)],
        session_name: Some("attr.email[0]".to_owned()),
        tags: vec![("team".to_owned(), format!("\"team-{number}\""))],
        ..RuleSource::default()
    };
    (0..count).map(source).collect()
}

fn policies(count: usize) -> Policies {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        "Principal": {"Federated": ARN},
        "Condition": {
            "StringEquals": {"accounts.example.com:aud": "app"},
            "StringLike": {"accounts.example.com:sub": ["user-*", "1098*"]},
        },
    }]})
    .to_string();
    let trusts: HashMap<_, _> =
        (0..ROLES).map(|number| (role(number), TrustPolicy::parse(&trust).unwrap())).collect();
    Policies::new(Rules::compile(sources(count)).unwrap(), trusts, Rights::default())
}

/// How long it takes until as many rules are ready.
fn load() -> Duration {
    let sources = sources(RULES);
    let started = Instant::now();
    black_box(Rules::compile(sources).unwrap());
    started.elapsed()
}

/// Ann, of twelve groups, whom one rule knows.
fn identity() -> FederatedIdentity {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode_to_string(bytes);
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": encoded(x), "y": encoded(y)});
    let groups: Vec<String> =
        (0..11).map(|number| format!("all-{number}")).chain(["team-0".to_owned()]).collect();
    let claims = json!({
        "iss": ISSUER, "sub": "109876543210", "aud": "app", "iat": NOW.unix(),
        "exp": NOW.unix() + 300, "email": "ann@example.com", "department": "engineering", "groups": groups,
    });
    let header = json!({"alg": "ES256", "kid": "k"});
    let signed = [header, claims].map(|part| encoded(part.to_string().as_bytes())).join(".");
    let signature = encoded(signature(&key, signed.as_bytes()).as_slice());
    let provider = provider(Algorithm::ES256, &jwk);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(provider.verify(&format!("{signed}.{signature}"), None, NOW)).unwrap()
}

fn signature(key: &EcdsaKeyPair, message: &[u8]) -> Vec<u8> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message);
    key.sign_digest(&digest).unwrap().as_ref().to_vec()
}
