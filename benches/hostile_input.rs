//! What hostile responses cost until they are refused: CPU time, and bytes held at one time.
//!
//! A benchmark of its own because its allocator counts, which the hot paths should not pay for.
//! Each figure is the worse of the two doors that such a response comes in by.

#![allow(clippy::unwrap_used)] // A benchmark that can't run should stop.

mod report;

use std::hint::black_box;
use std::time::Duration;

use rolegate::cli::demo::idp::saml::SamlSigner;
use rolegate::clock::Moment;
use rolegate::identity::VerifyError;
use rolegate::identity::saml::{
    Accept, Answer, Expect, SamlProvider, SamlSettings, SpSettings, unverified_issuer,
};

use self::report::{Entry, cpu_micros, file, median};

const NOW: Moment = Moment::from_unix(1_800_000_000);
const ROUNDS: usize = 31;
const TEN_MB: usize = 10_000_000;

fn main() {
    let siblings = |one: &str, bytes: usize| within(&one.repeat(bytes / one.len()));
    let nested = |levels: usize| within(&("<a>".repeat(levels) + &"</a>".repeat(levels)));
    let attributes = |count: usize| within(&format!("<a{}/>", " b=\"\"".repeat(count)));
    let provider = provider();
    let cost =
        |name, document: &str| cost(name, &base64_simd::STANDARD.encode_to_string(document), &provider);
    file(vec![
        cost("saml_hostile_10mb_text_us", &within(&"x".repeat(TEN_MB))),
        cost("saml_hostile_10mb_elements_us", &siblings("<a></a>", TEN_MB)),
        cost("saml_hostile_10mb_value_us", &within(&format!("<a b=\"{}\"/>", "x".repeat(TEN_MB)))),
        cost("saml_hostile_deep_us", &nested(10_000)),
        cost("saml_hostile_attributes_us", &attributes(40_000)),
        cost("saml_hostile_elements_us", &siblings("<a/>", 250_000)),
        self::cost("saml_hostile_10mb_garbage_us", &"A".repeat(TEN_MB), &provider),
        self::cost("saml_hostile_10mb_blank_us", &" ".repeat(TEN_MB), &provider),
    ]);
}

/// A response around `content`.
fn within(content: &str) -> String {
    format!("<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\">{content}</samlp:Response>")
}

/// What it costs to refuse what was posted. Its size is that of the document, if it is base64.
fn cost(name: &'static str, posted: &str, provider: &SamlProvider) -> Entry {
    let expect = Expect { recipient: None, in_response_to: Answer::Any };
    let verify = || drop(refused(provider.verify(black_box(posted), expect, NOW)));
    let issuer = || drop(refused(unverified_issuer(black_box(posted))));
    let both: [&dyn Fn(); 2] = [&verify, &issuer];
    let micros = both.iter().map(|door| {
        let rounds = (0..ROUNDS).map(|_| {
            let started = cpu_micros();
            door();
            cpu_micros() - started
        });
        median(rounds.collect())
    });
    let held = both.iter().map(|door| allocation_counter::measure(door).bytes_max);
    let size = posted.len() / 4 * 3;
    Entry::refused(name, micros.fold(0.0, f64::max), size as u64, held.max().unwrap())
}

fn refused<T: std::fmt::Debug>(result: Result<T, VerifyError>) -> VerifyError {
    result.unwrap_err()
}

fn provider() -> SamlProvider {
    let signer =
        SamlSigner::generate("https://idp.example.com/metadata", "https://idp.example.com/sso").unwrap();
    let settings = SamlSettings {
        arn: "arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap(),
        name: "corp".into(),
        entity_id: "urn:broker".into(),
        audiences: vec!["urn:broker".into()],
        recipients: vec!["https://broker.example.com/saml/corp/acs".into()],
        clock_skew: Duration::from_secs(60),
        max_age: Duration::from_secs(300),
        authn_contexts: Vec::new(),
        must_be_encrypted: false,
        accept: Accept::default(),
        sp: SpSettings::default(),
    };
    SamlProvider::new(settings, signer.metadata().as_bytes(), NOW).unwrap()
}
