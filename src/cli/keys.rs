//! `rolegate keys`: makes, turns and lists the key ring that seals everything.
//!
//! A running broker follows the ring's file, so nothing is restarted. Keys themselves are never printed.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{BAD_CONFIGURATION, span};
use crate::app::RingFile;
use crate::clock::{Clock, Moment, SystemClock};
use crate::config::{self, Loaded};
use crate::entropy::SystemEntropy;
use crate::policy::LONGEST_SESSION;
use crate::seal::{RingKey, RingKeys};

/// What is done with the ring.
#[derive(Subcommand)]
pub(super) enum Keys {
    /// Make the ring, with one new key
    ///
    /// `serve` does so at its first start; a fleet makes it once, and gives every node the file.
    Generate(Ring),
    /// Add a new key, which soon seals, and take out keys that nothing good was sealed with
    ///
    /// Running brokers see the new file within 10 seconds. What earlier keys sealed stays good until its
    /// own end.
    Rotate(Rotate),
    /// List the keys: which seals, which still open, and until when they must
    List(Ring),
}

/// Which ring.
#[derive(Args)]
pub(super) struct Ring {
    /// The configuration, which names the ring
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// How it turns.
#[derive(Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    ring: Ring,
    /// When the new key begins to seal, from now: longer than the file takes to reach every node
    #[arg(long, value_name = "SPAN", default_value = "10m", value_parser = span)]
    seals_in: Duration,
    /// An earlier key is known to somebody: take out all of them, and seal with the new one at once. Every
    /// credential, login and refresh token that was given up to now is over.
    #[arg(long, conflicts_with = "seals_in")]
    compromised: bool,
}

pub(super) fn run(asked: &Keys) -> ExitCode {
    let (Keys::Generate(ring) | Keys::Rotate(Rotate { ring, .. }) | Keys::List(ring)) = asked;
    let now = SystemClock.now();
    let loaded = match config::load(&ring.config, now) {
        Ok(loaded) => loaded,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let file = RingFile::at(loaded.process.ring.clone());
    let longest = longest_life(&loaded);
    let done = match asked {
        Keys::Generate(_) => generate(&file, now),
        Keys::Rotate(how) => rotate(&file, how, longest, now),
        Keys::List(_) => read(&file).map(|keys| listed(&keys, longest, now)),
    };
    match done {
        Ok(said) => {
            print!("{said}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("rolegate: the key ring {}: {problem}", file.path().display());
            ExitCode::FAILURE
        }
    }
}

/// The longest that anything lives which is sealed with the ring: a session of a user, or a refresh token.
fn longest_life(loaded: &Loaded) -> Duration {
    LONGEST_SESSION.max(loaded.snapshot.directory.longest_refresh())
}

fn generate(file: &RingFile, now: Moment) -> Result<String, String> {
    let keys = RingKeys::one(new_key(now)?);
    file.create(&keys).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => "it is there already; `rolegate keys rotate` adds a key".to_owned(),
        _ => error.to_string(),
    })?;
    Ok(format!("{} was made; key {} seals\n", file.path().display(), keys.keys()[0].name()))
}

fn rotate(file: &RingFile, how: &Rotate, longest: Duration, now: Moment) -> Result<String, String> {
    let mut keys = read(file)?;
    let seals_from = if how.compromised { now } else { now.plus(how.seals_in) };
    let key = new_key(seals_from)?;
    let name = key.name();
    let gone = if how.compromised {
        std::mem::replace(&mut keys, RingKeys::one(key)).keys().to_vec()
    } else {
        let gone = keys.take_over(longest, now);
        keys = keys.with(key);
        gone
    };
    file.rewrite(&keys).map_err(|error| error.to_string())?;
    let mut said = format!("key {name} was added; it seals from {seals_from}\n");
    for key in gone {
        let why = if how.compromised { "nothing that it sealed is good" } else { "what it sealed is over" };
        said += &format!("key {} was taken out: {why}\n", key.name());
    }
    said += "running brokers see it within 10 seconds; give every other node this file";
    said += if how.compromised { " at once\n" } else { " before the key seals\n" };
    Ok(said)
}

fn listed(keys: &RingKeys, longest: Duration, now: Moment) -> String {
    let mut lines = String::from("KEY       SEALS FROM            NOW\n");
    let sealing = keys.sealing(now).name();
    for (index, key) in keys.keys().iter().enumerate() {
        let state = match keys.over(index, longest) {
            _ if key.name() == sealing => "seals".to_owned(),
            _ if key.seals_from() > now => "opens, and waits for its time".to_owned(),
            Some(end) if end > now => format!("opens what it sealed, until {end} at most"),
            _ => "of no use; the next rotation takes it out".to_owned(),
        };
        lines += &format!("{}  {}  {state}\n", key.name(), key.seals_from());
    }
    lines
}

fn read(file: &RingFile) -> Result<RingKeys, String> {
    match file.path().try_exists() {
        Ok(false) => Err("it is not there; `rolegate keys generate` makes it".to_owned()),
        _ => file.read(),
    }
}

fn new_key(seals_from: Moment) -> Result<RingKey, String> {
    RingKey::generate(&SystemEntropy::new(), seals_from).map_err(|error| error.to_string())
}
