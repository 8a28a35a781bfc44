//! What credentials cost once a session is decided: making them, and finding out whose request they signed.
//!
//! `cargo bench --bench credentials` prints the figures and files them in `target/speed.json`. Times are
//! medians of rounds. A verification is the broker's whole answer: the signature over a body of 1 KB, the
//! sealed token, what was revoked, whether the role is there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A benchmark that can't run should stop.

mod cpu;
mod report;
mod rounds;

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use mimalloc::MiMalloc;
use rolegate::broker::{Broker, Parts, RevocationSet};
use rolegate::clock::{Clock, ManualClock, Moment};
use rolegate::config;
use rolegate::entropy::{Entropy, SystemEntropy};
use rolegate::identity::sigv4::{Payload, SignedRequest, SigningCredential, sign};
use rolegate::identity::{Holder, SessionPolicies, SessionTag};
use rolegate::issuer::jwt::SigningKeys;
use rolegate::issuer::local::LocalIssuer;
use rolegate::issuer::{CredentialIssuer, Issuance, TemporaryCredentials};
use rolegate::policy::{AssumeRequest, AuthorizedSession, Circumstances};
use rolegate::seal::KeyRing;
use rolegate::secret::Secret;
use rolegate::store::memory::MemoryStore;
use serde_json::{Value, json};

use self::report::file;
use self::rounds::alternate;

/// As in the product.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const NOW: Moment = Moment::from_unix(1_800_000_000);
const DEPLOY: &str = "arn:aws:iam::111122223333:role/eng/Deploy";
const BOT: (&str, &str) = ("AKIABOTBOTBOTBOTBOTB", "bot/bot/bot/bot/bot/bot/bot/bot/bot/bot+");
const SETTINGS: &str = r#"
public_url = "https://broker.example.com"
[[account]]
id = "111122223333"
[[role]]
arn = "arn:aws:iam::111122223333:role/eng/Deploy"
trust_policy = "trust.json"
[[user]]
arn = "arn:aws:iam::111122223333:user/ci/bot"
[[user.access_key]]
id = "AKIABOTBOTBOTBOTBOTB"
secret = { file = "secret" }
"#;
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:*",
    "Principal": {"AWS": "arn:aws:iam::111122223333:user/ci/bot"}}}"#;

fn main() {
    let world = World::new();
    let plain = world.session(&[], SessionPolicies::NONE);
    let tags: Vec<_> = (0..10)
        .map(|n| SessionTag { key: format!("tag-{n}"), value: "a usual value".into(), transitive: false })
        .collect();
    let policies = SessionPolicies { inline: Some(policy()), managed: Vec::new() };
    let large = world.session(&tags, &policies);
    let keys = world.issue(&plain);
    let headers = signed(&keys);
    let seal = || drop(black_box(world.issue(&plain)));
    let verify = || world.verify(&headers);
    let [seal_us, verify_us] = alternate([&seal, &verify]);
    let length = |session| world.issue(session).session_token().expose().len();
    file(vec![
        entry("seal_us", seal_us, "us", 10.0),
        entry("sigv4_verify_us", verify_us, "us", 15.0),
        entry("session_token_bytes", length(&plain) as f64, "bytes", 700.0),
        entry("session_token_bytes_large", length(&large) as f64, "bytes", 1638.0),
    ]);
}

fn entry(name: &'static str, value: f64, unit: &str, goal: f64) -> (&'static str, Value) {
    let met = value <= goal;
    println!("{name:26} {value:8.2} {unit:5}  <= {goal}: {met}");
    let written = json!({"value": value, "unit": unit, "goal": format!("<= {goal} {unit}"), "met": met,
                         "command": "cargo bench --bench credentials"});
    (name, written)
}

/// A session policy of 1 KB, as a service that keeps its users' files apart writes it.
fn policy() -> String {
    let of_user = json!({"StringLike": {"s3:prefix": ["home/ann/*", "shared/team-a/*"]},
                         "IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "198.51.100.0/24"]}});
    let items = json!({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ann@example.com"],
                       "dynamodb:Attributes": ["user", "title", "created", "state"]}});
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "ListOwnFolders", "Effect": "Allow", "Action": "s3:ListBucket",
         "Resource": "arn:aws:s3:::files-of-example", "Condition": of_user},
        {"Sid": "UseOwnFiles", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
         "Resource": ["arn:aws:s3:::files-of-example/home/ann/*", "arn:aws:s3:::files-of-example/shared/team-a/*"]},
        {"Sid": "ReadItems", "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"],
         "Resource": "arn:aws:dynamodb:eu-west-1:111122223333:table/Items", "Condition": items},
        {"Sid": "Decrypt", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
         "Resource": "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789"},
        {"Sid": "Speak", "Effect": "Allow", "Action": "polly:SynthesizeSpeech", "Resource": "*"}
    ]});
    let text = policy.to_string();
    assert!((1024..1100).contains(&text.len()), "{}", text.len());
    text
}

/// A broker with a user that may assume a role.
struct World {
    broker: Broker,
    issuer: Arc<LocalIssuer>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rolegate.toml");
        for (name, text) in [("rolegate.toml", SETTINGS), ("trust.json", TRUST), ("secret", BOT.1)] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let loaded = config::load(&path, NOW).unwrap_or_else(|faults| panic!("{faults}"));
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let ring = Arc::new(KeyRing::generate(entropy.as_ref()).unwrap());
        let issuer = Arc::new(LocalIssuer::new(Arc::clone(&ring), Arc::clone(&entropy)));
        let signing = SigningKeys::from_pem(SigningKeys::generate_pem().unwrap().expose()).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
        let parts = Parts {
            issuer: issuer.clone(),
            secrets: issuer.clone(),
            store: Arc::new(MemoryStore::default()),
            revoked: Arc::new(RevocationSet::new(Vec::new())),
            ring,
            signing: Arc::new(signing),
            entropy,
            unheard_for: None,
            clock,
        };
        Self { broker: Broker::new(loaded.snapshot, parts), issuer }
    }

    fn session(&self, tags: &[SessionTag], policies: &SessionPolicies) -> AuthorizedSession {
        let secret = Secret::new(BOT.1.to_owned());
        let credential = SigningCredential {
            access_key_id: BOT.0,
            secret_access_key: &secret,
            session_token: None,
            region: "us-east-1",
            service: "sts",
        };
        let headers = headers_by(&credential);
        let context = self.broker.request(NOW, None);
        let caller = context.caller(&request(&borrowed(&headers)), "sts").unwrap();
        let role = DEPLOY.parse().unwrap();
        let known =
            context.snapshot().directory.role(&role).map(|role| (&role.id, role.max_session_duration));
        let ask = AssumeRequest {
            caller: Holder::from(caller.session()),
            ancestry: caller.ancestry(),
            role: &role,
            known,
            signed_in_within: None,
            session_name: "ann@example.com",
            duration: Some(Duration::from_secs(3600)),
            policies,
            external_id: None,
            source_identity: Some("ann@example.com"),
            tags,
            mfa: None,
        };
        context.snapshot().policies.assume(&ask, Circumstances::at(NOW)).unwrap()
    }

    fn issue(&self, session: &AuthorizedSession) -> TemporaryCredentials {
        futures_util::FutureExt::now_or_never(self.issuer.issue(&Issuance {
            session,
            presented: None,
            at: NOW,
            is_ended: &|_| false,
        }))
        .unwrap()
        .unwrap()
    }

    fn verify(&self, headers: &[(String, String)]) {
        let context = self.broker.request(NOW, None);
        black_box(context.caller(&request(&borrowed(headers)), "sts").unwrap());
    }
}

const BODY: [u8; 1024] = [b'x'; 1024];

fn request<'r>(headers: &'r [(&'r str, &'r [u8])]) -> SignedRequest<'r> {
    SignedRequest { method: "POST", path: "/", query: "", headers, payload: Payload::Body(&BODY) }
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// The headers of a request that is signed with `keys`.
fn signed(keys: &TemporaryCredentials) -> Vec<(String, String)> {
    headers_by(&SigningCredential {
        access_key_id: keys.access_key_id(),
        secret_access_key: keys.secret_access_key(),
        session_token: Some(keys.session_token().expose()),
        region: "us-east-1",
        service: "sts",
    })
}

fn headers_by(credential: &SigningCredential<'_>) -> Vec<(String, String)> {
    let own: [(&str, &[u8]); 2] =
        [("host", b"sts.example.com"), ("content-type", b"application/x-www-form-urlencoded")];
    let added = sign(&request(&own), credential, NOW);
    let own =
        own.iter().map(|(name, value)| ((*name).to_owned(), String::from_utf8_lossy(value).into_owned()));
    own.chain(added.into_iter().map(|(name, value)| (name.to_owned(), value))).collect()
}
