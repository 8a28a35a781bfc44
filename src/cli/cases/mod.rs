//! Cases: somebody signs in, and this comes of it.
//!
//! `rolegate test` compares what comes of it with what the case says, `rolegate diff` what comes of it by
//! two configurations.

mod case;

use std::fs;
use std::path::{Path, PathBuf};

use self::case::File;
pub(super) use self::case::{Case, Offer};
use crate::broker::rehearse::{Rehearsed, Supposed, rehearse};
use crate::clock::Moment;
use crate::config::Snapshot;
use crate::directory::Verifier;

/// When a case happens that does not say: the beginning of 2030, so that it happens alike every day.
const USUAL: Moment = Moment::from_unix(1_893_456_000);

/// Every case of these files and of the files in these folders, with its file.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Case)>, String> {
    let mut cases = Vec::new();
    for path in files(paths)? {
        cases.extend(in_file(&path)?.into_iter().map(|case| (path.clone(), case)));
    }
    Ok(cases)
}

/// What the configuration gives to whom a case describes, or what is wrong with the case.
pub(super) fn rehearsed(case: &Case, snapshot: &Snapshot) -> Result<Rehearsed, String> {
    let provider = snapshot.directory.provider(&case.provider);
    let provider = provider.ok_or_else(|| format!("there is no provider called {:?}", case.provider))?;
    let is_saml = matches!(provider.verifier, Verifier::Saml(_));
    if is_saml && !case.claims.is_empty() || !is_saml && !case.attributes.is_empty() {
        return Err("a SAML provider says attributes, one of OpenID Connect says claims".to_owned());
    }
    let attributes = case.attributes.iter();
    let supposed = Supposed {
        provider,
        subject: &case.subject,
        attributes: &attributes.map(|(name, values)| (name.clone(), values.clone().into_list())).collect(),
        claims: &case.claims,
        authn: (time(case.authn_time.as_deref())?, case.authn_context.as_deref()),
        session_name: case.session_name.as_deref(),
        source_ip: case.source_ip,
        at: time(case.at.as_deref())?.unwrap_or(USUAL),
    };
    rehearse(snapshot, &supposed).map_err(|error| format!("nobody can be described so: {error}"))
}

fn time(written: Option<&str>) -> Result<Option<Moment>, String> {
    let read = |text: &str| {
        let wanted = || format!("{text:?} is no time with its zone, such as 2030-01-01T09:00:00Z");
        Moment::parse_rfc3339(text).ok_or_else(wanted)
    };
    written.map(read).transpose()
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

fn in_file(path: &Path) -> Result<Vec<Case>, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("can't read {shown}: {error}"))?;
    let file: File = toml::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
    if file.case.is_empty() { Err(format!("{shown} has no [[case]]")) } else { Ok(file.case) }
}
