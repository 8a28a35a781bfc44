//! A second opinion on SAML responses: samael over libxml2, xmlsec1 and OpenSSL, which shares no
//! line with the product.
//!
//! One command a line on standard input, one answer a line on standard output; `b64` is standard
//! base64 without line breaks:
//!
//! | command | answer |
//! |---|---|
//! | `provider <metadata b64> <our entity id> <our consumer URL>` | `ok`, or `refused <why>` |
//! | `verify <response b64> <request id, or ->` | `ok <NameID b64>`, or `refused <why>` |
//! | `bench <n>` | `ok <µs> <µs>` |
//!
//! `verify` reduces the document by `PreDigest`, samael's strictest mode, with an allow-list of
//! algorithms; `-` admits responses that nobody asked for. `bench` verifies the last response that
//! was accepted another `n` times and gives the CPU microseconds of one, first by `PreDigest`, then
//! by the mode that `parse_base64_response` uses by itself. Times are held against the machine's
//! clock. samael fetches what a `Reference` names and can be kept busy for minutes: show it
//! nothing that comes from outside.

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use rustix::time::{ClockId, clock_gettime};
use samael::crypto::{AllowedSignatureAlgorithm as Allowed, ReduceMode};
use samael::metadata::EntityDescriptor;
use samael::service_provider::{ServiceProvider, ServiceProviderBuilder};

/// What Rolegate allows too, as far as samael can say it: it has no name for RSA-PSS.
const ALLOWED: [Allowed; 5] =
    [Allowed::RsaSha256, Allowed::RsaSha384, Allowed::RsaSha512, Allowed::EcdsaSha256, Allowed::EcdsaSha384];

/// How much the clocks may differ, in seconds: Rolegate's default.
const SKEW: i64 = 60;
/// How old a response may be, in seconds: Rolegate's default and its skew.
const OLDEST: i64 = 300 + SKEW;

fn main() -> ExitCode {
    // A panic is an answer like another, and the answer says so.
    std::panic::set_hook(Box::new(|_| {}));
    let mut oracle = Oracle { provider: None, last: None };
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return ExitCode::FAILURE };
        let answer = catch_unwind(AssertUnwindSafe(|| oracle.answer(&line)));
        let answer = match answer.unwrap_or_else(|_| Err("by a panic".to_owned())) {
            Ok(told) => format!("ok {told}"),
            Err(why) => format!("refused {}", why.replace(['\r', '\n'], " ")),
        };
        if writeln!(out, "{}", answer.trim_end()).and_then(|()| out.flush()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

struct Oracle {
    provider: Option<ServiceProvider>,
    last: Option<Question>,
}

/// A response, and the request that it must answer.
struct Question {
    response: String,
    request: Option<String>,
}

impl Oracle {
    fn answer(&mut self, line: &str) -> Result<String, String> {
        match *line.split(' ').collect::<Vec<_>>() {
            ["provider", metadata, entity_id, consumer] => {
                self.provider = Some(provider(metadata, entity_id, consumer)?);
                Ok(String::new())
            }
            ["verify", response, request] => {
                let request = Some(request).filter(|id| *id != "-").map(str::to_owned);
                let question = Question { response: response.to_owned(), request };
                let provider = self.provider.as_mut().ok_or("there is no provider yet")?;
                provider.allow_idp_initiated = question.request.is_none();
                let name = ask(provider, &question, ReduceMode::PreDigest)?;
                self.last = Some(question);
                Ok(STANDARD.encode(name))
            }
            ["bench", times] => {
                let times: u32 = times.parse().map_err(|_| "bench takes a number")?;
                Ok(format!(
                    "{:.2} {:.2}",
                    self.cost(times, ReduceMode::PreDigest)?,
                    self.cost(times, ReduceMode::default())?
                ))
            }
            _ => Err("provider, verify or bench was expected".to_owned()),
        }
    }

    /// CPU microseconds of one look at the last response.
    fn cost(&self, times: u32, mode: ReduceMode) -> Result<f64, String> {
        let (Some(provider), Some(question)) = (&self.provider, &self.last) else {
            return Err("no response was accepted yet".to_owned());
        };
        let before = cpu_micros();
        for _ in 0..times {
            ask(provider, question, mode)?;
        }
        Ok((cpu_micros() - before) / f64::from(times.max(1)))
    }
}

/// The `NameID` of a response that is accepted.
fn ask(provider: &ServiceProvider, question: &Question, mode: ReduceMode) -> Result<String, String> {
    let request = question.request.as_deref();
    let assertion = provider
        .parse_base64_response_with_mode(&question.response, request.as_ref().map(std::slice::from_ref), mode)
        .map_err(|refusal| refusal.to_string())?;
    let name = assertion.subject.and_then(|subject| subject.name_id);
    Ok(name.ok_or("the assertion has no NameID")?.value)
}

fn provider(metadata: &str, entity_id: &str, consumer: &str) -> Result<ServiceProvider, String> {
    let metadata = STANDARD.decode(metadata).map_err(|fault| fault.to_string())?;
    let metadata = String::from_utf8(metadata).map_err(|fault| fault.to_string())?;
    let metadata: EntityDescriptor = metadata.parse().map_err(|fault| format!("{fault:?}"))?;
    ServiceProviderBuilder::default()
        .entity_id(entity_id.to_owned())
        .acs_url(consumer.to_owned())
        .idp_metadata(metadata)
        .max_clock_skew(TimeDelta::seconds(SKEW))
        .max_issue_delay(TimeDelta::seconds(OLDEST))
        .allowed_signature_algorithms(ALLOWED.to_vec())
        .build()
        .map_err(|fault| fault.to_string())
}

/// CPU time of this process so far.
fn cpu_micros() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    spent.tv_sec as f64 * 1e6 + spent.tv_nsec as f64 / 1e3
}
