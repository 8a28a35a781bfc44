//! Logs and metrics: how they are set up, and every metric's name in one table.

mod lines;
mod text;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, IsTerminal, Stderr};
use std::sync::OnceLock;

use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use self::lines::Lines;
use self::text::Text;

/// Requests by surface and status: `rolegate_requests_total{surface,status}`.
pub const REQUESTS: &str = "rolegate_requests_total";
/// Seconds from request to answer: `rolegate_request_seconds{surface}`.
pub const REQUEST_SECONDS: &str = "rolegate_request_seconds";
/// Credentials and signed tokens issued, by the way in: `rolegate_credentials_issued_total{action}`.
pub const ISSUED: &str = "rolegate_credentials_issued_total";
/// Refusals by the check that failed: `rolegate_refusals_total{check}`.
pub const REFUSED: &str = "rolegate_refusals_total";
/// Answers about what sessions may do, `allow`, `explicit-deny` or `implicit-deny`:
/// `rolegate_access_decisions_total{decision}`.
pub const ACCESS: &str = "rolegate_access_decisions_total";
/// Requests that services asked about, `valid` or by AWS's code for why not:
/// `rolegate_verified_requests_total{outcome}`.
pub const VERIFIED: &str = "rolegate_verified_requests_total";
/// Calls of an upstream STS by how they went, `given`, `refused`, `throttled` or `failed`:
/// `rolegate_upstream_calls_total{upstream,outcome}`.
pub const UPSTREAM: &str = "rolegate_upstream_calls_total";
/// Our own faults: `rolegate_faults_total{kind}`.
pub const FAULTS: &str = "rolegate_faults_total";
/// Logins ended before their time, by the way: `rolegate_logouts_total{action}`.
pub const LOGOUTS: &str = "rolegate_logouts_total";
/// Revocations that this node holds: `rolegate_revocations`.
pub const REVOCATIONS: &str = "rolegate_revocations";
/// Since when the key of the ring seals that does, Unix seconds:
/// `rolegate_sealing_key_since_timestamp_seconds`.
pub const SEALING_KEY_SINCE: &str = "rolegate_sealing_key_since_timestamp_seconds";
/// 1 while the ring's file can be followed, else 0: `rolegate_key_ring_followed`.
pub const RING_FOLLOWED: &str = "rolegate_key_ring_followed";
/// Other nodes on the same store.
pub const OTHER_NODES: &str = "rolegate_other_nodes";
/// What is not the same at them.
pub const NODE_DIFFERENCES: &str = "rolegate_node_differences";
/// Looks at SAML metadata by what they brought, `renewed`, `unchanged` or `failed`:
/// `rolegate_saml_metadata_looks_total{provider,outcome}`.
pub const METADATA_LOOKS: &str = "rolegate_saml_metadata_looks_total";
/// Renewals of an OpenID Connect provider's keys by how they went, `renewed` or `failed`:
/// `rolegate_oidc_key_looks_total{provider,outcome}`.
pub const KEY_LOOKS: &str = "rolegate_oidc_key_looks_total";
/// The keys that its tokens are verified with, 0 while they are refused: `rolegate_oidc_keys{provider}`.
pub const KEYS: &str = "rolegate_oidc_keys";
/// Seconds since they were fetched: `rolegate_oidc_keys_age_seconds{provider}`.
pub const KEYS_AGE: &str = "rolegate_oidc_keys_age_seconds";
/// 1 while a SAML provider's responses can be verified, else 0: `rolegate_saml_metadata_usable{provider}`.
pub const METADATA_USABLE: &str = "rolegate_saml_metadata_usable";
/// Seconds since the metadata's source was last seen to have what is in force:
/// `rolegate_saml_metadata_age_seconds{provider}`.
pub const METADATA_AGE: &str = "rolegate_saml_metadata_age_seconds";
/// Its `validUntil`, Unix seconds: `rolegate_saml_metadata_valid_until_timestamp_seconds{provider}`.
pub const METADATA_VALID_UNTIL: &str = "rolegate_saml_metadata_valid_until_timestamp_seconds";
/// The earliest `notAfter` of its signing certificates, Unix seconds:
/// `rolegate_saml_certificates_not_after_timestamp_seconds{provider}`.
pub const CERTIFICATES_NOT_AFTER: &str = "rolegate_saml_certificates_not_after_timestamp_seconds";
/// The `notAfter` of each, Unix seconds, or NaN once it is gone:
/// `rolegate_saml_certificate_not_after_timestamp_seconds{provider,fingerprint}`.
pub const CERTIFICATE_NOT_AFTER: &str = "rolegate_saml_certificate_not_after_timestamp_seconds";

/// Bounds of the latency histogram, seconds.
const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0];

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Whether `level` can be read as a log filter; the error says why not.
pub fn parse_level(level: &str) -> Result<(), String> {
    EnvFilter::try_new(level).map(|_| ()).map_err(|error| error.to_string())
}

static LOG: OnceLock<Lines<Stderr>> = OnceLock::new();

/// Starts logging to standard error. `RUST_LOG` overrides `level`. A second call changes nothing. Lines that
/// come fast are written together: whoever ends the process calls [`flush_log`] before.
pub fn start_logging(format: Format, level: &str) -> io::Result<()> {
    let lines = Lines::new(io::stderr())?;
    let lines = LOG.get_or_init(|| lines);
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new(level)).unwrap_or_default();
    // Colours are for people at a terminal: in a file or a journal they are noise between the words.
    let colours = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours);
    let builder = builder.with_writer(|| lines.clone());
    let _ = match format {
        Format::Text if colours => builder.try_init(),
        Format::Text => builder.event_format(Text).fmt_fields(Text).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// Returns when every line of the log is written.
pub fn flush_log() {
    if let Some(lines) = LOG.get() {
        lines.flush_all();
    }
}

/// The process's metrics, as Prometheus text. `None` where another recorder was installed first.
pub fn metrics() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let handle = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Full(REQUEST_SECONDS.into()), &BUCKETS)
                .ok()?
                .install_recorder()
                .ok()?;
            describe_counter!(REQUESTS, "Requests by surface and HTTP status.");
            describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "Seconds from request to answer.");
            describe_counter!(ISSUED, "Temporary credentials and signed tokens issued, by the way in.");
            describe_counter!(REFUSED, "Refusals, by the check that failed.");
            describe_counter!(ACCESS, "Answers about what sessions may do, by what they were.");
            describe_counter!(VERIFIED, "Signed requests that services asked about, by the answer.");
            describe_counter!(UPSTREAM, "Calls of an upstream STS, by how they went.");
            describe_counter!(FAULTS, "Faults of the broker itself, by kind.");
            describe_counter!(LOGOUTS, "Logins ended before their time, by the way it came about.");
            describe_gauge!(REVOCATIONS, "Revocations that this node holds in memory.");
            describe_gauge!(
                SEALING_KEY_SINCE,
                Unit::Seconds,
                "Since when the key seals that does, Unix time."
            );
            describe_gauge!(RING_FOLLOWED, "Whether the key ring's file can be followed.");
            describe_gauge!(OTHER_NODES, "Other nodes that share the store.");
            describe_gauge!(NODE_DIFFERENCES, "Keys, configurations and clocks of theirs that differ.");
            describe_metadata();
            describe_keys();
            Some(handle)
        })
        .as_ref()
}

/// How the key ring does.
pub fn show_sealing_key(since: i64, is_followed: bool) {
    #[allow(clippy::cast_precision_loss)] // Exact for the next hundred million years.
    gauge!(SEALING_KEY_SINCE).set(since as f64);
    gauge!(RING_FOLLOWED).set(f64::from(u8::from(is_followed)));
}

fn describe_keys() {
    describe_counter!(KEY_LOOKS, "Renewals of an OpenID Connect provider's keys, by how they went.");
    describe_gauge!(KEYS, "Keys that the provider's tokens are verified with.");
    describe_gauge!(KEYS_AGE, Unit::Seconds, "Since the provider's keys were fetched.");
}

fn describe_metadata() {
    describe_counter!(METADATA_LOOKS, "Looks at SAML metadata, by what they brought.");
    describe_gauge!(METADATA_USABLE, "Whether the provider's responses can be verified.");
    describe_gauge!(METADATA_AGE, Unit::Seconds, "Since the source was last seen to have what is in force.");
    describe_gauge!(METADATA_VALID_UNTIL, Unit::Seconds, "validUntil of the metadata, Unix time.");
    describe_gauge!(CERTIFICATES_NOT_AFTER, Unit::Seconds, "Earliest notAfter of signing certificates.");
    describe_gauge!(CERTIFICATE_NOT_AFTER, Unit::Seconds, "notAfter of each signing certificate.");
}

/// Counters by their labels. The recorder finds one by a hash of its name and labels, which costs more than to
/// count; so each thread keeps those of every request.
type Kept<Labels, Counters> = RefCell<HashMap<Labels, Counters>>;

thread_local! {
    static REQUEST_COUNTERS: Kept<(&'static str, u16), (Counter, Histogram)> = RefCell::default();
    static ISSUED_COUNTERS: Kept<&'static str, Counter> = RefCell::default();
}

/// Counts a request.
pub fn count_request(surface: &'static str, status: u16, seconds: f64) {
    let register = || {
        let requests = counter!(REQUESTS, "surface" => surface, "status" => status.to_string());
        (requests, histogram!(REQUEST_SECONDS, "surface" => surface))
    };
    REQUEST_COUNTERS.with_borrow_mut(|counters| {
        let (requests, duration) = counters.entry((surface, status)).or_insert_with(register);
        requests.increment(1);
        duration.record(seconds);
    });
}

/// Counts issued credentials, or a token.
pub fn count_issued(action: &'static str) {
    ISSUED_COUNTERS.with_borrow_mut(|counters| {
        counters.entry(action).or_insert_with(|| counter!(ISSUED, "action" => action)).increment(1);
    });
}

/// Counts a refusal.
pub fn count_refusal(check: &'static str) {
    counter!(REFUSED, "check" => check).increment(1);
}

/// Counts an answer about what a session may do.
pub fn count_access(decision: &'static str) {
    counter!(ACCESS, "decision" => decision).increment(1);
}

/// Counts an answer about a signed request.
pub fn count_verified(outcome: &'static str) {
    counter!(VERIFIED, "outcome" => outcome).increment(1);
}

/// Counts a call of an upstream STS.
pub fn count_upstream(upstream: &str, outcome: &'static str) {
    counter!(UPSTREAM, "upstream" => upstream.to_owned(), "outcome" => outcome).increment(1);
}

/// Counts a fault.
pub fn count_fault(kind: &'static str) {
    counter!(FAULTS, "kind" => kind).increment(1);
}

/// Counts a logout.
pub fn count_logout(action: &'static str) {
    counter!(LOGOUTS, "action" => action).increment(1);
}

/// Says how many revocations are held.
#[allow(clippy::cast_precision_loss)] // Beyond 2⁵³ of them, precision is not what is lost.
pub fn count_live_revocations(held: usize) {
    gauge!(REVOCATIONS).set(held as f64);
}

/// Says how many other nodes there are, and how much differs at them.
#[allow(clippy::cast_precision_loss)] // As above.
pub fn show_nodes(count: usize, differences: usize) {
    gauge!(OTHER_NODES).set(count as f64);
    gauge!(NODE_DIFFERENCES).set(differences as f64);
}

/// Counts a look at a provider's metadata.
pub fn count_metadata_look(provider: &str, outcome: &'static str) {
    counter!(METADATA_LOOKS, "provider" => provider.to_owned(), "outcome" => outcome).increment(1);
}

/// Counts a renewal of a provider's keys.
pub fn count_key_look(provider: &str, outcome: &'static str) {
    counter!(KEY_LOOKS, "provider" => provider.to_owned(), "outcome" => outcome).increment(1);
}

/// Says how many keys a provider has, and how old they are; without any, the age is NaN.
#[allow(clippy::cast_precision_loss)] // A set has a hundred at most.
pub fn show_keys(provider: &str, keys: usize, age: Option<f64>) {
    gauge!(KEYS, "provider" => provider.to_owned()).set(keys as f64);
    gauge!(KEYS_AGE, "provider" => provider.to_owned()).set(age.unwrap_or(f64::NAN));
}

/// How a SAML provider's metadata is doing.
#[derive(Debug, Clone, Copy)]
pub struct MetadataGauges<'a> {
    /// The provider's name.
    pub provider: &'a str,
    /// Whether its responses can be verified.
    pub is_usable: bool,
    /// Seconds since the source was last seen to have it.
    pub age: Option<f64>,
    /// `validUntil`, Unix seconds.
    pub valid_until: Option<i64>,
    /// Fingerprint and `notAfter` (Unix seconds) of each signing certificate.
    pub certificates: &'a [(&'a str, i64)],
}

/// Sets a provider's gauges. What it does not have is NaN, which no alert's comparison matches.
#[allow(clippy::cast_precision_loss)] // Dates have room in 52 bits.
pub fn show_metadata(shown: &MetadataGauges<'_>) {
    let provider = shown.provider;
    let set = |name: &'static str, value: f64| gauge!(name, "provider" => provider.to_owned()).set(value);
    let moment = |seconds: Option<i64>| seconds.map_or(f64::NAN, |seconds| seconds as f64);
    set(METADATA_USABLE, f64::from(u8::from(shown.is_usable)));
    set(METADATA_AGE, shown.age.unwrap_or(f64::NAN));
    set(METADATA_VALID_UNTIL, moment(shown.valid_until));
    set(CERTIFICATES_NOT_AFTER, moment(shown.certificates.iter().map(|(_, not_after)| *not_after).min()));
    for (fingerprint, not_after) in shown.certificates {
        certificate(provider, fingerprint, moment(Some(*not_after)));
    }
}

/// A certificate is no longer in the metadata.
pub fn forget_certificate(provider: &str, fingerprint: &str) {
    certificate(provider, fingerprint, f64::NAN);
}

fn certificate(provider: &str, fingerprint: &str, not_after: f64) {
    let labels = [("provider", provider.to_owned()), ("fingerprint", fingerprint.to_owned())];
    gauge!(CERTIFICATE_NOT_AFTER, &labels).set(not_after);
}
