//! `rolegate diff`: who gains and who loses by a change, before it is live.
//!
//! Exit code 0: nothing changes for anybody who is described; 1: something does; 2: bad usage,
//! configuration or case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::BAD_CONFIGURATION;
use super::cases::{self, Case};
use crate::broker::rehearse::RehearsedRole;
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

/// What somebody is given, in words, by role.
type Given = BTreeMap<String, String>;

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
        let mut described = cases::read(&self.identities)?;
        // Callers of the STS API name their session: who is described without a name is not refused for it.
        described.iter_mut().for_each(|(_, case)| {
            case.session_name.get_or_insert_with(|| "caller".to_owned());
        });
        let mut changes = Vec::new();
        for (file, case) in &described {
            let given = |snapshot| given(case, snapshot);
            let (before, after) = match (given(&old), given(&new)) {
                (Err(problem), Err(_)) => {
                    return Err(format!("{}: {}: {problem}", file.display(), case.name));
                }
                (before, after) => (before.unwrap_or_default(), after.unwrap_or_default()),
            };
            let lines = lines(&before, &after);
            if !lines.is_empty() {
                changes.push(format!(
                    "{} ({} by {})\n{}",
                    case.name,
                    case.subject,
                    case.provider,
                    lines.join("\n")
                ));
            }
        }
        Ok((changes, described.len()))
    }
}

fn loaded(path: &Path) -> Result<Snapshot, String> {
    let loaded = config::load(path, SystemClock.now()).map_err(|faults| faults.to_string())?;
    Ok(loaded.snapshot)
}

/// What a configuration gives; an error where it does not know the provider, or none could say that.
fn given(case: &Case, snapshot: &Snapshot) -> Result<Given, String> {
    let roles = cases::rehearsed(case, snapshot)?.roles;
    Ok(roles.iter().map(|role| (role.role.to_string(), told(role))).collect())
}

fn told(role: &RehearsedRole) -> String {
    let mut words = match &role.session {
        Err((check, _)) => return format!("refused by {check}"),
        Ok((name, length)) => vec![format!("session {name}"), format!("{} s", length.as_secs())],
    };
    words.extend(role.source_identity.iter().map(|name| format!("source identity {name}")));
    words.extend(role.tags.iter().map(|tag| format!("tag {} = {:?}", tag.key, tag.value)));
    words.join(", ")
}

fn lines(before: &Given, after: &Given) -> Vec<String> {
    let mut lines = Vec::new();
    for (role, had) in before {
        match after.get(role) {
            None => lines.push(format!("  loses    {role}\n           {had}")),
            Some(has) if has != had => {
                lines.push(format!("  changes  {role}\n           from {had}\n           to   {has}"));
            }
            Some(_) => {}
        }
    }
    let gained = after.iter().filter(|(role, _)| !before.contains_key(*role));
    lines.extend(gained.map(|(role, has)| format!("  gains    {role}\n           {has}")));
    lines
}
