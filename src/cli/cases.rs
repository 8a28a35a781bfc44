//! Files of cases: `rolegate test` compares what comes of one with what it says, `rolegate diff` what comes of it by two
//! configurations.

use std::fs;
use std::path::{Path, PathBuf};

use crate::broker::rehearse::{Case, CaseFile};

/// Every case of these files and of the files in these folders, with its file.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Case)>, String> {
    let mut cases = Vec::new();
    for path in files(paths)? {
        cases.extend(in_file(&path)?.into_iter().map(|case| (path.clone(), case)));
    }
    Ok(cases)
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
    let file: CaseFile = toml::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
    if file.case.is_empty() { Err(format!("{shown} has no [[case]]")) } else { Ok(file.case) }
}
