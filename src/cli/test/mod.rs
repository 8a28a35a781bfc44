//! `rolegate test`: tests of rules.
//!
//! A case describes somebody and says which roles they are offered, with what. Each is decided by the code
//! that sign-ins go through. Exit code 0: all hold; 1: some don't; 2: bad usage, configuration or case.

mod case;
mod compare;
mod junit;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use self::case::{Case, File};
use super::BAD_CONFIGURATION;
use crate::arn::RoleArn;
use crate::broker::rehearse::{Rehearsed, Supposed, rehearse};
use crate::clock::{Clock, Moment, SystemClock};
use crate::config::{self, Snapshot};

/// When a case happens that does not say: the beginning of 2030, so that it happens alike every day.
const USUAL: Moment = Moment::from_unix(1_893_456_000);
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
        for path in files(&self.paths)? {
            for case in cases(&path)? {
                let problem = |problem: String| format!("{}: {}: {problem}", path.display(), case.name);
                let rehearsed = rehearsed(&case, &loaded.snapshot).map_err(problem)?;
                let differences = compare::differences(&case, &rehearsed);
                reached.rules.extend(rehearsed.rules);
                reached.statements.extend(rehearsed.statements);
                outcomes.push(Outcome { file: path.clone(), name: case.name, differences });
            }
        }
        Ok((outcomes, loaded.snapshot, reached))
    }
}

/// What the configuration gives to whom a case describes, or what is wrong with the case.
fn rehearsed(case: &Case, snapshot: &Snapshot) -> Result<Rehearsed, String> {
    let provider = snapshot.directory.provider(&case.provider);
    let provider = provider.ok_or_else(|| format!("there is no provider called {:?}", case.provider))?;
    let is_saml = matches!(provider.verifier, crate::directory::Verifier::Saml(_));
    if is_saml && !case.claims.is_empty() || !is_saml && !case.attributes.is_empty() {
        return Err("a SAML provider says attributes, one of OpenID Connect says claims".to_owned());
    }
    for offer in &case.offers {
        let role = offer.role.parse::<RoleArn>().map_err(|error| error.to_string())?;
        if snapshot.directory.role(&role).is_none() {
            return Err(format!("there is no role {role}"));
        }
    }
    let at = case.at.as_deref().map(|text| {
        let wanted = || format!("{text:?} is no time with its zone, such as 2030-01-01T09:00:00Z");
        Moment::parse_rfc3339(text).ok_or_else(wanted)
    });
    let attributes = case.attributes.iter();
    let supposed = Supposed {
        provider,
        subject: &case.subject,
        attributes: &attributes.map(|(name, values)| (name.clone(), values.clone().into_list())).collect(),
        claims: &case.claims,
        session_name: case.session_name.as_deref(),
        source_ip: case.source_ip,
        at: at.transpose()?.unwrap_or(USUAL),
    };
    rehearse(snapshot, &supposed).map_err(|error| format!("nobody can be described so: {error}"))
}

/// The files that are named, and those in folders that are, in the order of their names.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        let shown = path.display();
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).map_err(|error| format!("can't list {shown}: {error}"))?;
        let mut found: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        found.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
        if found.is_empty() {
            return Err(format!("{shown} has no *.toml in it"));
        }
        found.sort();
        files.append(&mut found);
    }
    Ok(files)
}

fn cases(path: &Path) -> Result<Vec<Case>, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("can't read {shown}: {error}"))?;
    let file: File = toml::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
    if file.case.is_empty() { Err(format!("{shown} has no [[case]]")) } else { Ok(file.case) }
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
