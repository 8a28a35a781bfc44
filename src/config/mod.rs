//! Configuration: [`Settings`] as it is written becomes a [`Snapshot`] as it is valid.
//!
//! Parse, don't validate: whatever holds a `Snapshot` need not check it again. All faults of one
//! run are reported together, each with its file and line. [`load`] reads everything that can be
//! read offline (policies, metadata, certificates); it opens no connection and no store.

mod applications;
mod claims;
mod clients;
mod document;
mod fault;
mod issuers;
mod mail_domains;
mod metadata;
mod names;
mod origins;
mod policies;
mod process;
mod providers;
mod revision;
mod rights;
mod rules;
mod secrets;
mod service_provider;
mod settings;
mod snapshot;
mod span;
mod store;
mod upstreams;
mod users;

use std::path::{Path, PathBuf};

pub use self::fault::{Fault, Faults, Severity, SourceFile, Spot};
pub use self::process::{Process, TlsFiles};
pub use self::revision::Revision;
pub use self::settings::{LogFormat, Settings};
pub use self::snapshot::Snapshot;
pub use self::span::Span;
pub use self::store::StorePlace;
use crate::clock::Moment;

/// A configuration that can be run.
pub struct Loaded {
    /// The file that it was read from.
    pub path: PathBuf,
    /// What decides about requests.
    pub snapshot: Snapshot,
    /// What the process itself needs: addresses, files, log.
    pub process: Process,
    /// What somebody should look at.
    pub warnings: Faults,
}

/// Reads the configuration at `path`. Certificates and metadata are judged as of `at`.
pub fn load(path: &Path, at: Moment) -> Result<Loaded, Faults> {
    let mut faults = Faults::default();
    let Some(written) = document::read(path, &mut faults) else { return Err(faults) };
    let process = Process::check(&written.main, &mut faults);
    let snapshot = Snapshot::build(&written, at, &mut faults);
    faults.in_reading_order();
    match (snapshot, process) {
        (Some(snapshot), Some(process)) if !faults.any_error() => {
            Ok(Loaded { path: path.to_owned(), snapshot, process, warnings: faults })
        }
        _ => Err(faults),
    }
}

/// The JSON Schema of the configuration.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Settings).to_value()
}
