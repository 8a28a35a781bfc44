//! `rolegate test`: tests of rules.
//!
//! A case describes somebody and says which roles they are offered, with what. Each is decided by the code
//! that sign-ins go through. Exit code 0: all hold; 1: some don't; 2: bad usage, configuration or case.

mod compare;
mod junit;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::BAD_CONFIGURATION;
use super::cases;
use crate::arn::RoleArn;
use crate::broker::rehearse::{Case, Offer, rehearsed};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Snapshot};

/// Shown below the options.
const EXAMPLE: &str = "\
A case:
  [[case]]
  name = \"platform engineers deploy\"
  provider = \"corp\"
  subject = \"ann\"
  attributes = { groups = [\"platform\"], department = \"engineering\", email = \"ann@example.com\" }
  [[case.offers]]                     # every role that is offered, and no other
  role = \"arn:aws:iam::111122223333:role/eng/Deploy\"
  tags = { team = \"rocket\" }

docs/rules.md says more.

Exit codes: 0 every case holds, 1 some case does not, 2 bad usage, configuration or case.";

/// The options.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Test {
    /// The configuration to decide by
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Write what came of it as JUnit's XML, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Files with cases, or folders of such files (*.toml)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// What came of a case.
struct Outcome {
    file: PathBuf,
    name: String,
    /// None, and it holds.
    differences: Vec<String>,
}

/// What some case reached.
#[derive(Default)]
struct Reached {
    rules: BTreeSet<String>,
    statements: BTreeSet<(RoleArn, usize)>,
}

pub(super) fn run(asked: &Test) -> ExitCode {
    match asked.outcomes() {
        Ok((outcomes, snapshot, reached)) => {
            outcomes.iter().for_each(tell);
            tell_reached(&snapshot, &reached);
            let failed = outcomes.iter().filter(|outcome| !outcome.differences.is_empty()).count();
            println!("{} cases, {failed} failed", outcomes.len());
            if let Some(path) = &asked.junit
                && let Err(error) = fs::write(path, junit::document(&outcomes))
            {
                eprintln!("--junit: can't write {}: {error}", path.display());
                return ExitCode::FAILURE;
            }
            if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

impl Test {
    fn outcomes(&self) -> Result<(Vec<Outcome>, Snapshot, Reached), String> {
        let loaded = config::load(&self.config, SystemClock.now()).map_err(|faults| faults.to_string())?;
        let (mut outcomes, mut reached) = (Vec::new(), Reached::default());
        for (file, case) in cases::read(&self.paths)? {
            let problem = |problem: String| format!("{}: {}: {problem}", file.display(), case.name);
            let expected = expected(&case, &loaded.snapshot).map_err(problem)?;
            let rehearsed = rehearsed(&case, &loaded.snapshot).map_err(problem)?;
            let differences = compare::differences(expected, &rehearsed);
            reached.rules.extend(rehearsed.rules);
            reached.statements.extend(rehearsed.statements);
            outcomes.push(Outcome { file, name: case.name, differences });
        }
        Ok((outcomes, loaded.snapshot, reached))
    }
}

/// What a case expects, of roles that there are.
fn expected<'c>(case: &'c Case, snapshot: &Snapshot) -> Result<&'c [Offer], String> {
    let offers =
        case.offers.as_deref().ok_or("it does not say what is offered: write offers = [] for nothing")?;
    for offer in offers {
        let role = offer.role.parse::<RoleArn>().map_err(|error| error.to_string())?;
        if snapshot.directory.role(&role).is_none() {
            return Err(format!("there is no role {role}"));
        }
    }
    Ok(offers)
}

fn tell(outcome: &Outcome) {
    let (file, name) = (outcome.file.display(), &outcome.name);
    if outcome.differences.is_empty() {
        println!("ok    {file}: {name}");
        return;
    }
    println!("FAIL  {file}: {name}");
    outcome.differences.iter().flat_map(|it| it.lines()).for_each(|line| println!("      {line}"));
}

/// Rules that no case matches, and allowing or denying statements that none applies to.
fn tell_reached(snapshot: &Snapshot, reached: &Reached) {
    let rules = snapshot.policies.rules().all();
    let missed: Vec<_> = rules.iter().filter(|rule| !reached.rules.contains(rule.name())).collect();
    println!("\nrules that a case matches: {} of {}", rules.len() - missed.len(), rules.len());
    missed.iter().for_each(|rule| println!("      none matches  {}", rule.name()));
    let statements = snapshot.policies.trust_statements();
    let missed: Vec<_> = statements
        .iter()
        .filter(|(role, statement)| !reached.statements.contains(&(role.clone(), statement.index)))
        .collect();
    let (all, met) = (statements.len(), statements.len() - missed.len());
    println!("statements of trust policies that apply in a case: {met} of {all}");
    for (role, statement) in missed {
        let sid = statement.sid.as_deref().map(|sid| format!(" {sid}")).unwrap_or_default();
        println!("      none applies  {role} Statement[{}]{sid}", statement.index);
    }
}
