//! `rolegate who-can`: by which rules, providers and statements a role can be had.
//!
//! What is told follows from the configuration alone: whether a condition is met, only an identity can
//! say (`rolegate explain`, `rolegate test`).

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::BAD_CONFIGURATION;
use crate::arn::RoleArn;
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Snapshot};
use crate::directory::Provider;
use crate::policy::TrustStatement;
use crate::policy::iam::Effect;
use crate::policy::rules::Rule;

/// The options.
#[derive(Args)]
pub(super) struct WhoCan {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The role
    #[arg(value_name = "ROLE")]
    role: RoleArn,
}

pub(super) fn run(asked: &WhoCan) -> ExitCode {
    let loaded = match config::load(&asked.config, SystemClock.now()) {
        Ok(loaded) => loaded,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    if loaded.snapshot.directory.role(&asked.role).is_none() {
        eprintln!("there is no role {}", asked.role);
        return ExitCode::from(BAD_CONFIGURATION);
    }
    print!("{}", told(&loaded.snapshot, &asked.role));
    ExitCode::SUCCESS
}

fn told(snapshot: &Snapshot, role: &RoleArn) -> String {
    let statements = snapshot.policies.trust_of(role);
    let providers = snapshot.directory.providers().iter();
    let trusted: Vec<_> = providers
        .filter(|provider| provider.arn.account() == role.account())
        .map(|provider| {
            (provider, statements.iter().filter(|it| speaks_of(it, provider)).collect::<Vec<_>>())
        })
        .collect();
    let mut lines = vec![role.to_string()];
    for (provider, statements) in &trusted {
        let allows = statements.iter().any(|statement| statement.effect == Effect::Allow);
        let ways = ways(snapshot, role, provider);
        if !allows || ways.is_empty() {
            continue;
        }
        lines.push(format!("\nby provider {}", provider.name));
        lines.extend(ways);
        lines.extend(statements.iter().flat_map(|statement| shown(statement)));
    }
    let of_callers: Vec<_> = statements.iter().filter(|it| !it.callers.is_empty()).collect();
    if of_callers.iter().any(|statement| statement.effect == Effect::Allow) {
        lines.push("\nby credentials (AssumeRole)".to_owned());
        for statement in of_callers {
            lines.extend(statement.callers.iter().map(|caller| format!("  caller     {caller}")));
            lines.extend(shown(statement));
        }
    }
    if lines.len() == 1 {
        lines.push("\nnobody: no provider that its trust policy allows offers it".to_owned());
    }
    lines.join("\n") + "\n"
}

fn speaks_of(statement: &TrustStatement, provider: &Provider) -> bool {
    statement.anyone || statement.federated.iter().any(|named| named == provider.arn.as_str())
}

/// What offers the role to people of a provider.
fn ways(snapshot: &Snapshot, role: &RoleArn, provider: &Provider) -> Vec<String> {
    let rules = snapshot.policies.rules().all().iter();
    let is_for = |rule: &&Rule| rule.provider().is_none_or(|name| name == provider.name);
    let offering = rules.filter(is_for).filter(|rule| rule.can_offer(role));
    let mut ways: Vec<_> = offering.map(|rule| offered(snapshot, rule, role)).collect();
    if provider.asserts_roles {
        ways.push("  asserted   whoever the provider itself names the role for (assert_roles)".to_owned());
    }
    if provider.grants_by_trust_policy {
        ways.push("  by ARN     whoever asks for it (grant = \"trust-policy\")".to_owned());
    }
    if !ways.is_empty() {
        let denying = snapshot.policies.rules().all().iter().filter(is_for).filter(|rule| rule.denies(role));
        ways.extend(
            denying.map(|rule| format!("  but not    {}\n    when     {}", rule.name(), rule.when())),
        );
    }
    ways
}

fn offered(snapshot: &Snapshot, rule: &Rule, role: &RoleArn) -> String {
    let mut lines = vec![format!("  rule       {}", rule.name()), format!("    when     {}", rule.when())];
    let from = rule.roles_from().filter(|_| !rule.roles().contains(role));
    lines.extend(from.and_then(|from| {
        Some(format!("    and      {:?} is among attribute {:?}", from.value_of(role)?, from.attribute()))
    }));
    let sections = snapshot.policies.rules().sections_before(rule);
    lines.extend(sections.map(|name| format!("    unless   an earlier rule of section {name:?} matches")));
    lines.join("\n")
}

fn shown(statement: &TrustStatement) -> Vec<String> {
    let effect = match statement.effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    };
    let sid = statement.statement.sid.as_deref().map(|sid| format!(" {sid}")).unwrap_or_default();
    let index = statement.statement.index;
    let mut lines = vec![format!("  Statement[{index}]{sid}: {effect} {}", statement.actions.join(", "))];
    lines.extend(statement.conditions.iter().map(|condition| format!("    {condition}")));
    lines
}
