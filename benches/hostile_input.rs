//! What hostile responses cost until they are refused: CPU time, and bytes held at one time.
//!
//! A benchmark of its own because its allocator counts, which the hot paths should not pay for.
//! Each figure is the worse of the two doors that such a response comes in by. What is far too
//! large or too deep may hold twice its size.

#![allow(clippy::unwrap_used)] // A benchmark that can't run should stop.

mod cpu;
mod report;

use std::hint::black_box;
use std::time::Duration;

use rolegate::cli::demo::idp::saml::SamlSigner;
use rolegate::clock::Moment;
use rolegate::identity::saml::{
    Accept, Answer, Expect, SamlProvider, SamlSettings, SpSettings, unverified_issuer,
};
use serde_json::{Value, json};

use self::cpu::cpu_micros;
use self::report::{file, median};

const NOW: Moment = Moment::from_unix(1_800_000_000);
const ROUNDS: usize = 31;
const TEN_MB: usize = 10_000_000;
const MOST_MICROS: f64 = 5000.0;

/// What fits the limits is parsed to the end: it may hold this, however small it is.
const MOST_WITHIN_LIMITS: usize = 5_000_000;

fn main() {
    let provider = provider();
    let posted = |content: &str| base64_simd::STANDARD.encode_to_string(within(content));
    let hostile = |name, posted: &str| cost(name, posted, posted.len() / 4 * 3 * 2, &provider);
    let largest = |name, content: &str| cost(name, &posted(content), MOST_WITHIN_LIMITS, &provider);
    let attributes: String = (0..40).map(|n| format!(" b{n}=\"\"")).collect();
    file(vec![
        hostile("saml_hostile_10mb_text_us", &posted(&"x".repeat(TEN_MB))),
        hostile("saml_hostile_10mb_elements_us", &posted(&"<a></a>".repeat(TEN_MB / 7))),
        hostile("saml_hostile_10mb_value_us", &posted(&format!("<a b=\"{}\"/>", "x".repeat(TEN_MB)))),
        hostile("saml_hostile_10mb_garbage_us", &"A".repeat(TEN_MB)),
        hostile("saml_hostile_10mb_blank_us", &" ".repeat(TEN_MB)),
        hostile("saml_hostile_deep_us", &posted(&("<a>".repeat(10_000) + &"</a>".repeat(10_000)))),
        hostile("saml_hostile_attributes_us", &posted(&format!("<a{}/>", " b=\"\"".repeat(40_000)))),
        largest("saml_hostile_many_elements_us", &"<a/>".repeat(8_000)),
        largest("saml_hostile_many_attributes_us", &format!("<a{attributes}/>").repeat(400)),
        largest("saml_hostile_references_us", &format!("<a>{}</a>", "&#13;".repeat(50_000))),
    ]);
}

/// A response around `content`.
fn within(content: &str) -> String {
    format!("<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\">{content}</samlp:Response>")
}

/// What it costs to look at what was posted, and not to believe it.
fn cost(name: &'static str, posted: &str, most: usize, provider: &SamlProvider) -> (&'static str, Value) {
    let expect = Expect { recipient: None, in_response_to: Answer::Any };
    let verify = || drop(provider.verify(black_box(posted), expect, NOW).unwrap_err());
    let issuer = || drop(unverified_issuer(black_box(posted)).unwrap_err());
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
    let (micros, held) = (micros.fold(0.0, f64::max), held.max().unwrap());
    let met = micros <= MOST_MICROS && held <= most as u64;
    let wanted = format!("<= {MOST_MICROS} us, <= {most} bytes held");
    println!("{name:32} {micros:8.2} us  ({held} bytes held)  {wanted}: {met}");
    let written = json!({"value": micros, "unit": "us", "floor": null, "ratio": null, "held": held,
                         "goal": wanted, "met": met, "command": "cargo bench"});
    (name, written)
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
