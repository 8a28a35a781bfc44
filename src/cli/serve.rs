//! `rolegate serve`: the daemon.

use std::path::Path;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::{BAD_CONFIGURATION, asked_to_stop};
use crate::app::{self, Listeners};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, LogFormat};
use crate::telemetry::{self, Format};

pub(super) async fn run(path: &Path) -> ExitCode {
    let loaded = match config::load(path, SystemClock.now()) {
        Ok(loaded) => loaded,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let format = match loaded.process.log_format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    // A core dump would hold the key ring (and every live token) in the clear.
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, no_core) {
        eprintln!("rolegate: core dumps can't be switched off: {error}");
    }
    if let Err(error) = telemetry::start_logging(format, &loaded.process.log_level) {
        eprintln!("rolegate: the log can't be started: {error}");
        return ExitCode::FAILURE;
    }
    for fault in &loaded.warnings.0 {
        tracing::warn!("{fault}");
    }
    let (public, operations, tls) =
        (loaded.process.public, loaded.process.operations, loaded.process.tls.is_some());
    let started = match Listeners::bind(&loaded.process) {
        Ok(listeners) => app::start(loaded, listeners).await,
        Err(error) => Err(error),
    };
    let running = match started {
        Ok(running) => running,
        Err(error) => {
            eprintln!("rolegate: {error}");
            return ExitCode::FAILURE;
        }
    };
    tracing::info!(%public, %operations, tls, version = env!("CARGO_PKG_VERSION"), "serving");
    if let Err(error) = asked_to_stop().await {
        tracing::error!(%error, "signals can't be heard; stopping");
    }
    tracing::info!("stopping: requests under way may finish");
    running.stop().await;
    ExitCode::SUCCESS
}
