//! `rolegate console-url`: a link that opens a console, made with temporary credentials.

use std::collections::HashMap;
use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, io};

use clap::Args;
use reqwest::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::{BAD_CONFIGURATION, REFUSED, span};
use crate::fetch::{self, Reach, with_causes};
use crate::secret::Secret;

/// How long the broker may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A broker is where its owner put it.
const REACH: Reach = Reach { private: true, loopback: true };
/// Bytes of an answer that are read.
const LARGEST_ANSWER: usize = 256 * 1024;

/// Which link.
#[derive(Args)]
pub(super) struct ConsoleUrl {
    /// The broker's address, such as <https://broker.example.com>; http is for this machine alone
    #[arg(long, value_name = "URL")]
    broker: Url,
    /// Temporary credentials as JSON, as `aws sts assume-role` or a credential_process prints them; `-` reads stdin.
    /// Default: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// The page to land on; the broker's console without it
    #[arg(long, value_name = "URL")]
    destination: Option<String>,
    /// Where people are led back to who come too late
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// How long the console's session lasts, 15m to 12h. Default: as long as the credentials
    #[arg(long, value_name = "SPAN", value_parser = span)]
    duration: Option<Duration>,
}

/// Why there is no link.
enum NoLink {
    /// The credentials can't be read.
    Usage(String),
    /// The broker refuses them.
    Refused(String),
    /// It can't be asked.
    Failed(String),
}

/// Prints the link, and nothing else, to standard output.
pub(super) async fn run(asked: &ConsoleUrl) -> ExitCode {
    let (problem, code) = match link(asked).await {
        Ok(url) => {
            println!("{}", url.expose());
            return ExitCode::SUCCESS;
        }
        Err(NoLink::Usage(problem)) => (problem, ExitCode::from(BAD_CONFIGURATION)),
        Err(NoLink::Refused(problem)) => (problem, ExitCode::from(REFUSED)),
        Err(NoLink::Failed(problem)) => (problem, ExitCode::FAILURE),
    };
    eprintln!("{problem}");
    code
}

async fn link(asked: &ConsoleUrl) -> Result<Secret<String>, NoLink> {
    let session = session(asked.credentials.as_deref()).map_err(NoLink::Usage)?;
    let mut endpoint = asked.broker.clone();
    endpoint.set_path("/federation");
    let mut form = HashMap::from([("Action", "getSigninToken".to_owned()), ("Session", session)]);
    if let Some(duration) = asked.duration {
        form.insert("SessionDuration", duration.as_secs().to_string());
    }
    // The credentials go to this address and to no other: in the clear to this machine alone, and after no redirect.
    let failed = |error: &dyn Error| NoLink::Failed(format!("{}: {}", asked.broker, with_causes(error)));
    let client = fetch::http_client(REACH).map_err(|error| failed(&error))?;
    let request = client.post(endpoint.clone()).timeout(PATIENCE).form(&form).build();
    let request = request.map_err(|error| failed(&error))?;
    let answer = fetch::send(&client, request, REACH).await.map_err(|error| failed(&error))?;
    let status = answer.status();
    let body = fetch::body(answer, LARGEST_ANSWER).await.map_err(|error| failed(&error))?;
    let body = String::from_utf8_lossy(&body);
    let token = serde_json::from_str::<Value>(&body).ok();
    let token = token.as_ref().and_then(|answer| answer["SigninToken"].as_str());
    let Some(token) = token.filter(|_| status.is_success()) else {
        let said = format!("{} answers {status}: {}", asked.broker, text_of(&body));
        let is_refusal = matches!(status, StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN);
        return Err(if is_refusal { NoLink::Refused(said) } else { NoLink::Failed(said) });
    };
    let mut url = endpoint;
    let mut query = url.query_pairs_mut();
    query.append_pair("Action", "login");
    query.extend_pairs(asked.issuer.as_ref().map(|issuer| ("Issuer", issuer)));
    query.extend_pairs(asked.destination.as_ref().map(|destination| ("Destination", destination)));
    query.append_pair("SigninToken", token);
    drop(query);
    Ok(Secret::new(url.into()))
}

/// What the endpoint's `Session` holds.
fn session(file: Option<&Path>) -> Result<String, String> {
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    let Some(file) = file else {
        let values = names.map(env::var);
        let [Ok(id), Ok(key), Ok(token)] = values else {
            return Err(format!("{} are not all set; set them, or name --credentials", names.join(", ")));
        };
        return Ok(json!({ "sessionId": id, "sessionKey": key, "sessionToken": token }).to_string());
    };
    let shown = file.display();
    let text = if file == Path::new("-") { stdin() } else { fs::read_to_string(file) };
    let text = text.map_err(|error| format!("can't read {shown}: {error}"))?;
    let whole: Value =
        serde_json::from_str(&text).map_err(|error| format!("{shown} is not JSON: {error}"))?;
    let found = if whole["Credentials"].is_object() { &whole["Credentials"] } else { &whole };
    let member = |name: &str| found[name].as_str().map(str::to_owned);
    let values = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(member);
    let [Some(id), Some(key), Some(token)] = values else {
        return Err(format!("{shown} has no AccessKeyId, SecretAccessKey and SessionToken"));
    };
    Ok(json!({ "sessionId": id, "sessionKey": key, "sessionToken": token }).to_string())
}

fn stdin() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map(|_| text)
}

/// What a page of the broker says, without its tags.
fn text_of(page: &str) -> String {
    let paragraph = page.split("<p>").nth(1).and_then(|rest| rest.split("</p>").next());
    paragraph.unwrap_or("no reason is given").replace("&#39;", "'").replace("&#34;", "\"")
}
