//! What the hot paths cost, as ratios within one run: ours against the bare signature check.
//!
//! `cargo bench` prints them and files them in `target/speed.json`. Each figure is the median of rounds
//! that alternate between the two sides, so that a machine that drifts drifts for both.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A benchmark that can't run should stop.

mod cpu;
mod provider;
mod report;
mod rounds;
mod samael;

use std::hint::black_box;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64_simd::URL_SAFE_NO_PAD;
use mimalloc::MiMalloc;
use rolegate::cli::demo::idp::saml::{ResponseFacts, SamlSigner};
use rolegate::clock::{Clock as _, Moment, SystemClock};
use rolegate::entropy::SystemEntropy;
use rolegate::identity::oidc::{Algorithm, OidcProvider};
use rolegate::identity::saml::{Accept, Answer, Expect, SamlProvider, SamlSettings, SpSettings};
use serde_json::{Value, json};

use self::cpu::cpu_micros;
use self::provider::{ISSUER, provider};
use self::report::{file, median};
use self::rounds::{EACH, ROUNDS, alternate};
use self::samael::Samael;

/// As in the product.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const NOW: Moment = Moment::from_unix(1_800_000_000);

fn main() {
    let rsa = Rsa::generate();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (token, provider) = (rsa.id_token(), rsa.provider());
    let jwt = compare(
        || drop(black_box(runtime.block_on(provider.verify(&token, None, NOW)).unwrap())),
        || rsa.check(),
    );
    let saml = Saml::fresh();
    let assertion = compare(|| saml.verify(), || rsa.check());
    println!("SAML response of {} bytes of base64", saml.response.len());
    let mut entries = vec![
        entry("jwt_verify_vs_rsa", jwt, &Goal::Ratio(1.3)),
        entry("saml_verify_vs_rsa", assertion, &Goal::Ratio(3.0)),
    ];
    if let Some(figure) = saml.against_samael() {
        entries.push(entry("saml_verify_vs_samael", figure, &Goal::TimesLess(8.0)));
    }
    file(entries);
}

/// Median microseconds of ours, and of the floor or of another's same work.
#[derive(Clone, Copy)]
struct Figure {
    ours: f64,
    floor: f64,
}

/// What a figure should be.
enum Goal {
    /// At most so many times the bare RSA check.
    Ratio(f64),
    /// At least so many times less than samael.
    TimesLess(f64),
}

/// Prints a figure, and gives its entry.
fn entry(name: &'static str, Figure { ours, floor }: Figure, goal: &Goal) -> (&'static str, Value) {
    let (value, unit, wanted, met) = match goal {
        Goal::Ratio(most) => {
            (ours / floor, "x", format!("<= {most} x the bare RSA check"), ours / floor <= *most)
        }
        Goal::TimesLess(least) => {
            (floor / ours, "x", format!(">= {least} x less CPU than samael"), floor / ours >= *least)
        }
    };
    println!("{name:24} {value:7.2} {unit:2}  ({ours:.1} us; floor {floor:.1} us)  {wanted}: {met}");
    let written = json!({"value": value, "unit": unit, "floor": floor, "ratio": ours / floor,
                         "goal": wanted, "met": met, "command": "cargo bench"});
    (name, written)
}

/// Microseconds of both sides.
fn compare(ours: impl Fn(), floor: impl Fn()) -> Figure {
    let [ours, floor] = alternate([&ours, &floor]);
    Figure { ours, floor }
}

/// An RSA-2048 key and a message that it signed: the floor.
struct Rsa {
    key: RsaKeyPair,
    public: ParsedPublicKey,
    signature: Vec<u8>,
}

impl Rsa {
    const MESSAGE: [u8; 400] = [b'x'; 400];

    fn generate() -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref()).unwrap();
        let signature = sign(&key, &Self::MESSAGE);
        Self { key, public, signature }
    }

    fn check(&self) {
        self.public.verify_sig(black_box(&Self::MESSAGE), &self.signature).unwrap();
    }

    fn id_token(&self) -> String {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode_to_string(value.to_string());
        let header = part(json!({"alg": "RS256", "kid": "k", "typ": "JWT"}));
        let claims = part(json!({
            "iss": ISSUER, "sub": "109876543210", "aud": "app",
            "iat": NOW.unix(), "exp": NOW.unix() + 300, "email": "ann@example.com",
            "groups": ["platform", "engineering"],
        }));
        let signed = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode_to_string(sign(&self.key, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn provider(&self) -> OidcProvider {
        let public = self.key.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode_to_string(bytes);
        let modulus = public.modulus().big_endian_without_leading_zero();
        let exponent = public.exponent().big_endian_without_leading_zero();
        let jwk = json!({"kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256",
                         "n": number(modulus), "e": number(exponent)});
        provider(Algorithm::RS256, &jwk)
    }
}

#[allow(clippy::disallowed_methods)] // RSA PKCS#1 signatures take a generator and draw nothing from it.
fn sign(key: &RsaKeyPair, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

/// A response of about 9 KB, as a person in a hundred groups has it, and who verifies it. Made
/// now, because samael looks at the machine's clock.
struct Saml {
    at: Moment,
    response: String,
    metadata: String,
    provider: SamlProvider,
}

impl Saml {
    const ENTITY_ID: &str = "urn:broker";
    const ACS: &str = "https://broker.example.com/saml/corp/acs";

    fn fresh() -> Self {
        let issuer = "https://idp.example.com/metadata";
        let signer = SamlSigner::generate(issuer, "https://idp.example.com/sso").unwrap();
        let groups = (0..100).map(|n| format!("department-{n:03}-engineering")).collect();
        let attributes = [("groups", groups), ("email", vec!["ann@example.com".to_owned()])];
        let at = SystemClock.now();
        let facts = ResponseFacts {
            recipient: Self::ACS,
            audience: Self::ENTITY_ID,
            in_response_to: None,
            subject: "ann",
            attributes: &attributes,
            at,
            lifetime: Duration::from_secs(300),
        };
        let response = signer.respond(&facts, &SystemEntropy::new()).unwrap();
        let settings = SamlSettings {
            arn: "arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap(),
            name: "corp".into(),
            entity_id: Self::ENTITY_ID.into(),
            audiences: vec![Self::ENTITY_ID.into()],
            recipients: vec![Self::ACS.into()],
            clock_skew: Duration::from_secs(60),
            max_age: Duration::from_secs(300),
            authn_contexts: Vec::new(),
            must_be_encrypted: false,
            accept: Accept::default(),
            sp: SpSettings::default(),
        };
        let metadata = signer.metadata();
        let provider = SamlProvider::new(settings, metadata.as_bytes(), at).unwrap();
        Self { at, response, metadata, provider }
    }

    fn verify(&self) {
        let expect = Expect { recipient: None, in_response_to: Answer::Any };
        drop(black_box(self.provider.verify(&self.response, expect, self.at).unwrap()));
    }

    /// Both verify the same response, in turns. Held against samael's faster mode.
    fn against_samael(&self) -> Option<Figure> {
        const EACH_OF_SAMAEL: u32 = 20;
        let mut samael = Samael::accepting(&self.response, &self.metadata, Self::ENTITY_ID, Self::ACS)?;
        let (mut ours, mut strictest, mut default) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let started = cpu_micros();
            (0..EACH).for_each(|_| self.verify());
            ours.push((cpu_micros() - started) / f64::from(EACH));
            let (one, other) = samael.micros(EACH_OF_SAMAEL);
            strictest.push(one);
            default.push(other);
        }
        let (floor, default) = (median(strictest), median(default));
        println!("samael: {floor:.1} us by PreDigest, {default:.1} us by its default mode");
        Some(Figure { ours: median(ours), floor: floor.min(default) })
    }
}
