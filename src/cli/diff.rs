//! `rolegate diff`: who gains and who loses by a change, before it is live.
//!
//! Exit code 0: nothing changes for anybody who is described; 1: something does; 2: bad usage,
//! configuration or case.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::BAD_CONFIGURATION;
use super::cases;
use crate::broker::rehearse::change;
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Snapshot};

/// The options.
#[derive(Args)]
#[command(after_help = "\
Those who are described are written as for `rolegate test`; what their cases expect is not looked at.

Exit codes: 0 nothing changes for them, 1 something does, 2 bad usage, configuration or case.")]
pub(super) struct Diff {
    /// The configuration in force
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The configuration that is to be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// A file with cases, or a folder of such files; may be given several times
    #[arg(long, required = true, value_name = "PATH")]
    identities: Vec<PathBuf>,
}

pub(super) fn run(asked: &Diff) -> ExitCode {
    match asked.changes() {
        Ok((changes, people)) => {
            changes.iter().for_each(|change| println!("{change}"));
            let changed = changes.len();
            println!("{people} described, {changed} with another outcome");
            if changed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

impl Diff {
    /// What changes for each for whom something does, and of how many people.
    fn changes(&self) -> Result<(Vec<String>, usize), String> {
        let (old, new) = (loaded(&self.old)?, loaded(&self.new)?);
        let described = cases::read(&self.identities)?;
        let mut changes = Vec::new();
        for (file, case) in &described {
            let change = change(case, &old, &new);
            let change = change.map_err(|problem| format!("{}: {}: {problem}", file.display(), case.name))?;
            changes.extend(change);
        }
        Ok((changes, described.len()))
    }
}

fn loaded(path: &Path) -> Result<Snapshot, String> {
    let loaded = config::load(path, SystemClock.now()).map_err(|faults| faults.to_string())?;
    Ok(loaded.snapshot)
}
