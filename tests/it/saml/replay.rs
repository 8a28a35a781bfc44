//! Replays at two brokers on one store: a document is good once, or as often as its provider's
//! settings say, wherever it arrives and however it is wrapped.

use std::fs;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use rolegate::arn::RoleArn;
use rolegate::broker::{Arrival, Ask, Broker, Door, Failure, Parts, Refusal, RevocationSet};
use rolegate::clock::{ManualClock, Moment};
use rolegate::config;
use rolegate::entropy::SystemEntropy;
use rolegate::identity::{Presented, SessionPolicies};
use rolegate::issuer::jwt::SigningKeys;
use rolegate::issuer::local::LocalIssuer;
use rolegate::seal::KeyRing;
use rolegate::store::Store;
use rolegate::store::embedded::EmbeddedStore;
use rolegate::store::memory::MemoryStore;
use tempfile::TempDir;

use super::fixture::{
    ACS, ASSERTION, EXPECTED, HONEST, Signing, base64, enveloped, honest, honest_twice, metadata, noon,
    response, signed, swap, with,
};

const COMMON: &str = "https://broker.example.com/saml";
const OK: &str = "";
const USED: &str = "used";

/// Two brokers of one configuration, one store and one key ring.
struct Nodes {
    brokers: [Broker; 2],
    _folder: TempDir,
}

/// Where a document arrives: at the API for a role, or at the browser's consumer service.
#[derive(Clone, Copy)]
enum At {
    Api(&'static str),
    Browser,
}

impl Nodes {
    fn start(replay: &str, store: &dyn Fn(&TempDir) -> Arc<dyn Store>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let trust = "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRoleWithSAML\",\
                     \"Principal\":{\"Federated\":[\"arn:aws:iam::111122223333:saml-provider/corp\",\
                     \"arn:aws:iam::111122223333:saml-provider/again\"]}}}";
        fs::write(file("trust.json"), trust).unwrap();
        fs::write(file("idp.xml"), metadata(&[&HONEST])).unwrap();
        let provider = |name: &str| {
            format!(
                "[[provider]]\nkind = \"saml\"\nname = \"{name}\"\naccount = \"111122223333\"\n\
                 metadata = {{ file = \"idp.xml\" }}\naudiences = [\"https://broker.example.com\"]\n\
                 replay = \"{replay}\"\n"
            )
        };
        let role = |name: &str| {
            format!(
                "[[role]]\narn = \"arn:aws:iam::111122223333:role/{name}\"\ntrust_policy = \"trust.json\"\n\
                 [[rule]]\nname = \"everybody has {name}\"\nwhen = \"true\"\nsession_name = \"subject\"\n\
                 roles = [\"arn:aws:iam::111122223333:role/{name}\"]\n"
            )
        };
        let parts = [provider("corp"), provider("again"), role("A"), role("B")].concat();
        let text = format!(
            "public_url = \"https://broker.example.com\"\n[[account]]\nid = \"111122223333\"\n{parts}"
        );
        fs::write(file("rolegate.toml"), text).unwrap();
        let entropy = Arc::new(SystemEntropy::new());
        let ring = Arc::new(KeyRing::generate(entropy.as_ref()).unwrap());
        let store = store(&folder);
        let signing = SigningKeys::from_pem(SigningKeys::generate_pem().unwrap().expose());
        let signing = Arc::new(signing.unwrap());
        let brokers = [(); 2].map(|()| {
            let loaded =
                config::load(&file("rolegate.toml"), noon()).unwrap_or_else(|faults| panic!("{faults}"));
            let issuer = Arc::new(LocalIssuer::new(ring.clone(), entropy.clone()));
            let parts = Parts {
                issuer: issuer.clone(),
                secrets: issuer,
                store: store.clone(),
                revoked: Arc::new(RevocationSet::new(Vec::new())),
                ring: ring.clone(),
                signing: signing.clone(),
                entropy: entropy.clone(),
                unheard_for: None,
                clock: Arc::new(ManualClock::at(noon())),
            };
            Broker::new(loaded.snapshot, parts)
        });
        Self { brokers, _folder: folder }
    }

    /// What becomes of a document, by the provider of this name.
    async fn answer(&self, node: usize, provider: &str, at: At, document: &str, now: Moment) -> String {
        let context = self.brokers[node].request(now, None);
        let posted = base64(document.as_bytes());
        let (door, role) = match at {
            At::Api(role) => (Door::StsApi, role),
            At::Browser => (Door::SamlPost { recipient: ACS, answer: EXPECTED.in_response_to }, "A"),
        };
        let role: RoleArn = format!("arn:aws:iam::111122223333:role/{role}").parse().unwrap();
        let ask = Ask {
            action: "test",
            role: &role,
            session_name: None,
            duration: None,
            policies: SessionPolicies::NONE,
        };
        let provider = context.snapshot().directory.provider(provider).unwrap();
        let arrival = Arrival { presented: Presented::SamlResponse(&posted), provider, door };
        match context.federate(&arrival, &ask).await {
            Ok(_) => OK.to_owned(),
            Err(Failure::Refusal(Refusal::AlreadyUsed)) => USED.to_owned(),
            Err(Failure::Refusal(Refusal::NotBelieved(fault))) => fault.check().to_owned(),
            Err(other) => other.to_string(),
        }
    }
}

fn in_memory(_: &TempDir) -> Arc<dyn Store> {
    Arc::new(MemoryStore::default())
}

fn on_disk(folder: &TempDir) -> Arc<dyn Store> {
    Arc::new(EmbeddedStore::open(&folder.path().join("store")).unwrap())
}

/// On which node, by which way, and what comes of it.
type Use<'a> = (usize, At, &'a str);

#[actix_web::test]
async fn a_document_is_used_as_often_as_the_settings_say() {
    use At::{Api, Browser};
    let one_use = with("</saml:Conditions>", "<saml:OneTimeUse></saml:OneTimeUse></saml:Conditions>");
    let (plain, one_use) = (honest(), one_use.as_str());
    let plain = plain.as_str();
    let strictly = [(0, Api("A"), OK), (1, Api("A"), USED), (1, Api("B"), USED), (0, Browser, USED)];
    let cases: [(&str, &str, &str, &[Use<'_>]); 9] = [
        (
            "once a role",
            "once-per-role",
            plain,
            &[
                (0, Api("A"), OK),
                (1, Api("A"), USED),
                (1, Api("B"), OK),
                (0, Api("B"), USED),
                (0, Browser, USED),
            ],
        ),
        (
            "once a role, the browser first",
            "once-per-role",
            plain,
            &[(0, Browser, OK), (1, Browser, USED), (1, Api("A"), USED), (0, Api("B"), USED)],
        ),
        ("once a role, and the provider says once", "once-per-role", one_use, &strictly),
        ("once", "once", plain, &strictly),
        ("once, and the provider says so", "once", one_use, &strictly),
        (
            "once, the browser first",
            "once",
            plain,
            &[(1, Browser, OK), (0, Api("A"), USED), (0, Browser, USED)],
        ),
        (
            "again and again",
            "reuse",
            plain,
            &[(0, Api("A"), OK), (1, Api("A"), OK), (0, Api("B"), OK), (0, Browser, OK), (1, Api("A"), OK)],
        ),
        (
            "again and again, but for the browser",
            "reuse",
            plain,
            &[(0, Browser, OK), (1, Browser, USED), (1, Api("A"), OK)],
        ),
        (
            "again and again, though the provider says once",
            "reuse",
            one_use,
            &[(0, Api("A"), OK), (1, Api("A"), OK), (0, Browser, OK), (1, Browser, USED)],
        ),
    ];
    for (what, replay, document, steps) in cases {
        for store in [&in_memory as &dyn Fn(&TempDir) -> Arc<dyn Store>, &on_disk] {
            let nodes = Nodes::start(replay, store);
            for (step, (node, at, expected)) in steps.iter().enumerate() {
                let seen = nodes.answer(*node, "corp", *at, document, noon()).await;
                assert_eq!(seen, *expected, "{what}: step {step}");
            }
        }
    }
}

/// What was signed is the same, whatever stands around it.
#[actix_web::test]
async fn another_envelope_is_no_other_document() {
    let to_common =
        |text: &str| text.replace(&format!("Recipient=\"{ACS}\""), &format!("Recipient=\"{COMMON}\""));
    let assertion = signed(&to_common(ASSERTION));
    let document = response(&assertion).replace(&format!(" Destination=\"{ACS}\""), "");
    let by_pss =
        Signing { algorithm: "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", ..Signing::of("_a") };
    let signed_anew = response(&enveloped(&to_common(ASSERTION), &by_pss.sign(&to_common(ASSERTION))));
    let signed_anew = signed_anew.replace(&format!(" Destination=\"{ACS}\""), "");
    let other = swap(&to_common(ASSERTION), "ID=\"_a\"", "ID=\"_b\"");
    let other = response(&enveloped(&other, &Signing::of("_b").sign(&other)));
    let other = other.replace(&format!(" Destination=\"{ACS}\""), "");
    let nodes = Nodes::start("once-per-role", &in_memory);
    let cases = [
        ("as it was", "corp", document.clone(), OK),
        ("with another ID of the response", "corp", swap(&document, "ID=\"_r\"", "ID=\"_other\""), USED),
        ("with white space", "corp", format!("\n{document}\n"), USED),
        ("with a declaration", "corp", format!("<?xml version=\"1.0\"?>{document}"), USED),
        ("with another time of the response", "corp", swap(&document, "12:00:00Z", "12:00:01Z"), USED),
        ("without its issuer's word", "corp", swap(&document, "<samlp:Status>", "<samlp:Status >"), USED),
        ("signed anew", "corp", signed_anew, USED),
        ("by the same provider's other entry", "again", document, USED),
        ("another document", "again", other, OK),
    ];
    for (step, (what, provider, document, expected)) in cases.into_iter().enumerate() {
        assert_eq!(
            nodes.answer(step % 2, provider, At::Api("A"), &document, noon()).await,
            expected,
            "{what}"
        );
    }
}

/// A claim is kept until the document is refused for its age anyhow.
#[actix_web::test]
async fn a_used_document_is_never_fresh_again() {
    let nodes = Nodes::start("once-per-role", &on_disk);
    let document = honest_twice();
    let end = noon().plus(Duration::from_secs(300 + 60));
    for (at, expected) in [
        (noon(), OK),
        (noon().plus(Duration::from_secs(1)), USED),
        (end.minus(Duration::from_millis(1)), USED),
        (end, "saml.confirmation.expired"),
        // A clock that is set back finds the claim still there.
        (noon(), USED),
    ] {
        assert_eq!(nodes.answer(1, "corp", At::Api("A"), &document, at).await, expected, "{at}");
    }
}

#[test]
fn of_many_at_once_one_gets_in() {
    for store in [&in_memory as &dyn Fn(&TempDir) -> Arc<dyn Store>, &on_disk] {
        let nodes = Nodes::start("once-per-role", store);
        for round in 0..4 {
            let id = format!("_round{round}");
            let assertion = swap(ASSERTION, "ID=\"_a\"", &format!("ID=\"{id}\""));
            let document = response(&enveloped(&assertion, &Signing::of(&id).sign(&assertion)));
            let start = Barrier::new(16);
            let attempt = &|number: usize| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                start.wait();
                let at = if number % 4 == 3 { At::Browser } else { At::Api("A") };
                runtime.block_on(nodes.answer(number % 2, "corp", at, &document, noon()))
            };
            let mut seen: Vec<String> = thread::scope(|scope| {
                let attempts: Vec<_> = (0..16).map(|number| scope.spawn(move || attempt(number))).collect();
                attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
            });
            seen.sort_unstable();
            assert_eq!((seen[0].as_str(), seen[1].as_str(), seen[15].as_str()), (OK, USED, USED), "{seen:?}");
        }
    }
}
