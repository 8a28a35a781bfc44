//! What is wrong with a configuration: all faults of one run, each with its place.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// A file of the configuration, kept so that a fault can show its line.
#[derive(Debug)]
pub struct SourceFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
    /// The hashes of what was read because it names it, in that order.
    pub(super) beside: Mutex<Vec<[u8; 32]>>,
}

/// A stretch of a source file.
#[derive(Debug, Clone)]
pub struct Spot {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Byte range in its text.
    pub range: Range<usize>,
}

impl Spot {
    /// Line and column, both from 1; the column counts characters.
    pub fn line_and_column(&self) -> (usize, usize) {
        let before = self.file.text.get(..self.range.start).unwrap_or(&self.file.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// Whether a fault keeps the broker from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// It is accepted, and somebody should look at it.
    Warning,
}

/// One thing that is wrong, and what to do about it.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Whether it keeps the broker from starting.
    pub severity: Severity,
    /// Where it stands; `None` for the configuration as a whole.
    pub spot: Option<Spot>,
    /// What was seen and what was expected.
    pub message: String,
    /// What to do; further lines list what may be written.
    pub help: String,
}

impl fmt::Display for Fault {
    /// `file:line:column: error: message`, the line with a caret, and the way out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        if let Some(spot) = &self.spot {
            let (line, column) = spot.line_and_column();
            writeln!(f, "{}:{line}:{column}: {kind}: {}", spot.file.path.display(), self.message)?;
            if let Some(text) = spot.file.text.lines().nth(line - 1) {
                let margin = " ".repeat(line.to_string().len());
                writeln!(f, "{margin} |\n{line} | {text}\n{margin} | {}^", " ".repeat(column - 1))?;
            }
        } else {
            writeln!(f, "{kind}: {}", self.message)?;
        }
        if !self.help.is_empty() {
            writeln!(f, "  help: {}", self.help.replace('\n', "\n        "))?;
        }
        Ok(())
    }
}

/// Every fault that was found, in the order of the files.
#[derive(Debug, Clone, Default)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Adds an error at `spot`.
    pub fn error(&mut self, spot: Option<Spot>, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Error, spot, message.into(), help.into());
    }

    /// Adds a warning at `spot`.
    pub fn warning(&mut self, spot: Option<Spot>, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Warning, spot, message.into(), help.into());
    }

    /// Sorts them as one reads the files; what has no place comes last.
    pub fn in_reading_order(&mut self) {
        self.0.sort_by_key(|fault| {
            let spot = fault.spot.as_ref();
            (spot.is_none(), spot.map(|spot| (spot.file.path.clone(), spot.range.start)))
        });
    }

    /// Whether any of them keeps the broker from starting.
    pub fn any_error(&self) -> bool {
        self.0.iter().any(|fault| fault.severity == Severity::Error)
    }

    fn push(&mut self, severity: Severity, spot: Option<Spot>, message: String, help: String) {
        self.0.push(Fault { severity, spot, message, help });
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.0 {
            writeln!(f, "{fault}")?;
        }
        let errors = self.0.iter().filter(|fault| fault.severity == Severity::Error).count();
        write!(f, "{errors} error(s), {} warning(s)", self.0.len() - errors)
    }
}

impl std::error::Error for Faults {}
