//! The command line: what each command does, and its exit code.
//!
//! 0 done · 1 failed at run time · 2 bad usage or configuration · 3 refused by policy.

mod cases;
mod console_url;
pub mod demo;
mod diff;
mod explain;
mod keys;
mod serve;
mod store;
mod test;
mod who_can;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::clock::{Clock, SystemClock};
use crate::config::{self, Span};

/// Turns who your company, your phone or your pipeline says you are into what you may do here,
/// for the next hour.
#[derive(Parser)]
#[command(name = "rolegate", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the broker beside a demo identity provider (SAML and OIDC), on loopback
    ///
    /// Prints what to try. Everything it makes is in ./var/demo, or ./var/demo-once with --once.
    Demo {
        /// Where the broker listens; the identity provider takes the next port, operations the one
        /// after. Port 0 takes three free ones.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// Walk through every flow once, print each step and its result, and exit: 0 only if all worked
        #[arg(long)]
        once: bool,
    },
    /// Run the broker
    ///
    /// Stops gracefully on SIGTERM and Ctrl-C.
    Serve {
        /// The configuration; `rolegate check` tells what is wrong with it
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Check a configuration without running it
    ///
    /// Reports all faults in one run, each with its file, line and what to do. Exit code 2 if there
    /// is any.
    Check {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Tell why a SAML response is accepted or refused, and which roles it gives
    ///
    /// Replays the response by this configuration: every check with what it expected and saw, every
    /// rule, every statement of the trust policies, and the answer. It asks nobody, claims nothing and
    /// issues nothing.
    Explain(Box<explain::Explain>),
    /// Test the rules: identities in, roles, tags and refusals out
    ///
    /// Each case describes somebody and says which roles they are offered, with what; each is decided as a
    /// sign-in of theirs would be. Tells which rules and which statements of trust policies no case reached.
    Test(test::Test),
    /// Tell who would gain or lose roles by a change of the configuration
    ///
    /// Decides what somebody who is described is given, as `test` does, by both configurations.
    Diff(diff::Diff),
    /// Tell by which rules and statements a role can be had
    WhoCan(who_can::WhoCan),
    /// Make a link that opens a console, with temporary credentials
    ///
    /// The link is good once, for 15 minutes; whoever has it is signed in by it. Exit code 3 if the broker refuses the
    /// credentials.
    ConsoleUrl(console_url::ConsoleUrl),
    /// Make, turn and list the key ring, which seals all that the broker gives and takes back
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Move what is kept to another store, or to a file and back
    #[command(subcommand)]
    Store(store::Store),
    /// Print the JSON Schema of the configuration
    Schema,
}

/// The exit code of bad usage and of a bad configuration.
const BAD_CONFIGURATION: u8 = 2;
/// The exit code of an answer that is no.
const REFUSED: u8 = 3;

/// Runs the command that the arguments name.
pub async fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Demo { listen, once } => demo::run(listen, once).await,
        Command::Serve { config } => serve::run(&config).await,
        Command::Check { config } => check(&config),
        Command::Explain(asked) => explain::run(&asked).await,
        Command::Test(asked) => test::run(&asked),
        Command::Diff(asked) => diff::run(&asked),
        Command::WhoCan(asked) => who_can::run(&asked),
        Command::ConsoleUrl(asked) => console_url::run(&asked).await,
        Command::Keys(asked) => keys::run(&asked),
        Command::Store(asked) => store::run(&asked).await,
        Command::Schema => schema(),
    }
}

/// Ends with SIGTERM or Ctrl-C.
async fn asked_to_stop() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// A length of time, as the configuration writes it.
fn span(text: &str) -> Result<Duration, String> {
    text.parse::<Span>().map(|span| span.0).map_err(|_| "write 30s, 10m or 2h".to_owned())
}

fn check(path: &Path) -> ExitCode {
    match config::load(path, SystemClock.now()) {
        Ok(loaded) => {
            if !loaded.warnings.0.is_empty() {
                eprintln!("{}", loaded.warnings);
            }
            println!("{}: the configuration is valid", path.display());
            ExitCode::SUCCESS
        }
        Err(faults) => {
            eprintln!("{faults}");
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

fn schema() -> ExitCode {
    // A reader that has seen enough closes the pipe: no reason to panic.
    match writeln!(io::stdout(), "{:#}", config::schema()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
