//! Who gains and who loses by a change of the configuration.

use std::collections::BTreeMap;

use super::{Case, RehearsedRole, rehearsed};
use crate::config::Snapshot;
use crate::directory::Role;

/// What somebody is given, in words, by role.
type Given = BTreeMap<String, String>;

/// What changes for whom `case` describes, in lines; nothing where nothing does. An error: neither configuration knows such
/// a person.
pub fn change(case: &Case, old: &Snapshot, new: &Snapshot) -> Result<Option<String>, String> {
    let (before, after) = match (given(case, old), given(case, new)) {
        (Err(problem), Err(_)) => return Err(problem),
        (before, after) => (before.unwrap_or_default(), after.unwrap_or_default()),
    };
    let lines = lines(&before, &after);
    let Case { name, subject, provider, .. } = case;
    Ok((!lines.is_empty()).then(|| format!("{name} ({subject} by {provider})\n{}", lines.join("\n"))))
}

/// Which rules, roles and trust policies differ, in the order of the configurations.
pub fn written_changes(old: &Snapshot, new: &Snapshot) -> Vec<String> {
    let rules = |snapshot: &Snapshot| -> Vec<(String, String)> {
        let all = snapshot.policies.rules().all().iter();
        all.map(|rule| (rule.name().to_owned(), format!("{rule:?}"))).collect()
    };
    let roles = |snapshot: &Snapshot| -> Vec<(String, String)> {
        let told = |role: &Role| {
            (role.arn.to_string(), format!("{role:?} {:?}", snapshot.policies.trust_of(&role.arn)))
        };
        let mut all: Vec<_> = snapshot.directory.roles().map(told).collect();
        all.sort();
        all
    };
    let mut changes = differences("rule", &rules(old), &rules(new));
    changes.extend(differences("role", &roles(old), &roles(new)));
    changes
}

fn differences(what: &str, old: &[(String, String)], new: &[(String, String)]) -> Vec<String> {
    let find = |all: &[(String, String)], name: &str| {
        all.iter().find(|(found, _)| found == name).map(|(_, written)| written.clone())
    };
    let gone = old.iter().filter(|(name, _)| find(new, name).is_none());
    let mut differences: Vec<_> = gone.map(|(name, _)| format!("The {what} {name} is gone.")).collect();
    for (name, written) in new {
        match find(old, name) {
            None => differences.push(format!("The {what} {name} is new.")),
            Some(before) if before != *written => {
                differences.push(format!("The {what} {name} is written otherwise."));
            }
            Some(_) => {}
        }
    }
    differences
}

/// What a configuration gives; an error where it does not know the provider, or none could say that.
fn given(case: &Case, snapshot: &Snapshot) -> Result<Given, String> {
    // Callers of the STS API name their session: who is described without a name is not refused for it.
    let mut case = case.clone();
    case.session_name.get_or_insert_with(|| "caller".to_owned());
    let roles = rehearsed(&case, snapshot)?.roles;
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
