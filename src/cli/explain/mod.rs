//! `rolegate explain`: why a document is or would be granted roles, or is not.
//!
//! Without a trace: it reads the configuration and the document, asks a token's issuer for its keys
//! unless they stand in a file, and prints what the broker would decide, and by what. Exit code 0: granted; 3: refused.

mod input;

use std::io::{self, IsTerminal, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{BAD_CONFIGURATION, REFUSED};
use crate::arn::RoleArn;
use crate::broker::explain::{self, Paper, Presented, Question, Report, is_deceptive, text};
use crate::clock::{Clock, Moment, SystemClock};
use crate::config::{self, Snapshot, Span};
use crate::directory::Provider;
use crate::policy::rights::AccessQuestion;

/// Seconds that a caller may ask for.
const DURATION: std::ops::RangeInclusive<u64> = 900..=43_200;

/// Shown below the options.
const EXAMPLES: &str = "\
Where to get FILE: in the browser's developer tools, the POST to /saml/…/acs; its form field
SAMLResponse, or the whole form. Of an app or a pipeline, the token that it sends. Both are secrets
while they are fresh, and about people always: what --redact prints can be passed on. A token's issuer
is asked for its keys, unless the provider has them in a file (jwks).

Examples:
  rolegate explain --config rolegate.toml --saml response.txt
  pbpaste | rolegate explain --config rolegate.toml --saml - --role arn:aws:iam::111122223333:role/eng/Deploy
  rolegate explain --config rolegate.toml --saml response.txt --at 2030-01-01T09:00:00Z --redact
  rolegate explain --config rolegate.toml --token /var/run/secrets/token
  rolegate explain --config rolegate.toml --saml response.txt --action s3:GetObject --resource arn:aws:s3:::photos/1

Exit codes: 0 granted, and --action allowed; 2 bad usage or configuration; 3 refused.";

/// The options.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Explain {
    /// The configuration to decide by
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A SAML response: base64, XML, or the form that a browser posts. `-` reads standard input
    #[arg(long, value_name = "FILE", required_unless_present = "token")]
    saml: Option<PathBuf>,
    /// An ID token, or whatever else is given to the STS API as WebIdentityToken. `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["saml", "recipient"])]
    token: Option<PathBuf>,
    /// Ask about this role; without it, about every role that is offered
    #[arg(long, value_name = "ARN")]
    role: Option<RoleArn>,
    /// Decide as of this time, for an old capture; without it, now
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    at: Option<Moment>,
    /// Hold it against this provider; without it, the one that it names as issuer
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// The address that the response was posted to; without it, any of the provider's will do
    #[arg(long, value_name = "URL")]
    recipient: Option<String>,
    /// What the caller sends as RoleSessionName, where no rule and no assertion names the session
    #[arg(long, value_name = "NAME")]
    session_name: Option<String>,
    /// What the caller sends as DurationSeconds, written as 900s, 15m or 4h
    #[arg(long, value_name = "SPAN", value_parser = span)]
    duration: Option<Duration>,
    /// What a session of the role is to do, such as s3:GetObject: whether its policies allow it
    #[arg(long, value_name = "SERVICE:NAME", requires = "resource")]
    action: Option<String>,
    /// To what, as an ARN, or * for an action that is about none
    #[arg(long, value_name = "ARN", requires = "action")]
    resource: Option<String>,
    /// What the service knows that is asked, such as aws:SourceIp=192.0.2.1; may be given several times,
    /// for one key, too
    #[arg(long, value_name = "KEY=VALUE", requires = "action", value_parser = context_key)]
    context: Vec<(String, String)>,
    /// The caller's address, where a trust policy asks for aws:SourceIp
    #[arg(long, value_name = "ADDRESS")]
    source_ip: Option<IpAddr>,
    /// Replace what is about the person by placeholders: the same for the same value
    #[arg(long)]
    redact: bool,
    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What was read.
enum Document {
    Response(String),
    Token(String),
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) async fn run(asked: &Explain) -> ExitCode {
    match asked.report().await {
        Ok(report) => {
            let printed = asked.print(&report);
            match (printed, report.answer.granted && report.answer.may != Some(false)) {
                (Err(error), _) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
                (_, true) => ExitCode::SUCCESS,
                (_, false) => ExitCode::from(REFUSED),
            }
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

impl Explain {
    async fn report(&self) -> Result<Report, String> {
        let at = self.at.unwrap_or_else(|| SystemClock.now());
        let loaded = config::load(&self.config, at).map_err(|faults| faults.to_string())?;
        let access = self.access();
        let problem = access.as_ref().and_then(|question| question.check().err());
        problem.map_or(Ok(()), |fault| Err(fault.to_string()))?;
        let document = self.document()?;
        let question = Question {
            document: match &document {
                Document::Response(response) => {
                    Presented::Saml { response, recipient: self.recipient.as_deref() }
                }
                Document::Token(token) => Presented::Token(token),
            },
            provider: self.chosen(&loaded.snapshot)?,
            role: self.role.as_ref(),
            session_name: self.session_name.as_deref(),
            duration: self.duration,
            access,
            source_ip: self.source_ip,
            at,
        };
        let report = explain::explain(&loaded.snapshot, &question).await;
        Ok(if self.redact { report.redacted() } else { report })
    }

    fn access(&self) -> Option<AccessQuestion<'_>> {
        let mut context: Vec<(&str, Vec<&str>)> = Vec::new();
        for (key, value) in &self.context {
            match context.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(key)) {
                Some((_, values)) => values.push(value),
                None => context.push((key, vec![value])),
            }
        }
        let (action, resource) = (self.action.as_deref()?, self.resource.as_deref()?);
        Some(AccessQuestion { action, resource, context, ..AccessQuestion::default() })
    }

    fn document(&self) -> Result<Document, String> {
        match (&self.saml, &self.token) {
            (Some(file), _) => input::response_in(file)
                .map(Document::Response)
                .map_err(|problem| format!("--saml: {problem}")),
            (None, Some(file)) => {
                input::token_in(file).map(Document::Token).map_err(|problem| format!("--token: {problem}"))
            }
            (None, None) => Err("give --saml FILE or --token FILE".to_owned()),
        }
    }

    fn chosen<'s>(&self, snapshot: &'s Snapshot) -> Result<Option<&'s Provider>, String> {
        let Some(name) = &self.provider else { return Ok(None) };
        let found = snapshot.directory.provider(name);
        found.map(Some).ok_or_else(|| format!("--provider: there is no provider called {name:?}"))
    }

    fn print(&self, report: &Report) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let text = match self.format {
            Format::Text => {
                let colours = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
                text::render(report, Paper::new(colours))
            }
            Format::Json => json(report)?,
        };
        out.write_all(text.as_bytes())
    }
}

/// JSON, in which no character acts on a terminal: what JSON itself leaves as it is stands as an
/// escape.
fn json(report: &Report) -> io::Result<String> {
    let plain = serde_json::to_string_pretty(report)? + "\n";
    let mut safe = String::with_capacity(plain.len());
    for c in plain.chars() {
        if c != '\n' && is_deceptive(c) {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    Ok(safe)
}

fn context_key(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let wanted = "write a condition key and its value, such as aws:SourceIp=192.0.2.1";
    pair.map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| wanted.to_owned())
}

/// In the range that the STS API takes (facts 1.5).
fn span(text: &str) -> Result<Duration, String> {
    let span = text.parse::<Span>().map(|span| span.0);
    span.ok().filter(|span| DURATION.contains(&span.as_secs())).ok_or_else(|| "write 15m to 12h".to_owned())
}

fn moment(text: &str) -> Result<Moment, String> {
    let wanted = "write a time with its zone, such as 2030-01-01T09:00:00Z";
    Moment::parse_rfc3339(text).ok_or_else(|| wanted.to_owned())
}
