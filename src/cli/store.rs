//! `rolegate store`: moves what is kept from one store to another, and to a file and back.
//!
//! What was sealed stays sealed, so the ring has to be where the records go.

use std::fs::OpenOptions;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use tokio::sync::mpsc;

use super::BAD_CONFIGURATION;
use crate::app::open_store;
use crate::clock::{Clock, Moment, SystemClock};
use crate::config::{self, Faults, StorePlace};
use crate::entropy::SystemEntropy;
use crate::store::Store as AnyStore;
use crate::store::dump::{Decoder, Entry, dump, take_in};

/// Entries that are taken in at a time.
const SOME: usize = 512;
/// After how many it is said how far it went.
const TOLD_EVERY: u64 = 100_000;

/// What is done with the store.
#[derive(Subcommand)]
pub(super) enum Store {
    /// Copy everything from one store to another, such as from the embedded one to Redis, or back
    ///
    /// What the other holds already stays. Stop the broker, copy, and start it on the other: what comes in meanwhile may
    /// be missing.
    Copy(Copy),
    /// Write everything that the store holds to a file
    ///
    /// While a broker runs on an embedded store, ask it instead: GET /admin/v1/store.
    Export(Export),
    /// Take in what was exported, beside what the store holds
    Import(Import),
}

/// From where to where.
#[derive(Args)]
pub(super) struct Copy {
    /// The configuration whose store is read
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The configuration whose store is written
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// From where.
#[derive(Args)]
pub(super) struct Export {
    /// The configuration, which names the store
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The file to make, readable by its owner only; without it, standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// To where.
#[derive(Args)]
pub(super) struct Import {
    /// The configuration, which names the store
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What was exported; without it, standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

/// Why it did not work out.
enum Problem {
    Configuration(Faults),
    Other(String),
}

impl<T: std::error::Error> From<T> for Problem {
    fn from(error: T) -> Self {
        Self::Other(error.to_string())
    }
}

pub(super) async fn run(asked: &Store) -> ExitCode {
    let done = match asked {
        Store::Copy(asked) => copy(asked).await,
        Store::Export(asked) => export(asked).await,
        Store::Import(asked) => import(asked).await,
    };
    match done {
        Ok(said) => {
            eprintln!("{said}");
            ExitCode::SUCCESS
        }
        Err(Problem::Configuration(faults)) => {
            eprintln!("{faults}");
            ExitCode::from(BAD_CONFIGURATION)
        }
        Err(Problem::Other(problem)) => {
            eprintln!("rolegate: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn copy(asked: &Copy) -> Result<String, Problem> {
    let at = SystemClock.now();
    let (from, to) = (open(&asked.from, at)?, open(&asked.to, at)?);
    let (tell, mut told) = mpsc::channel::<Vec<Entry>>(1);
    let mut progress = Progress::default();
    let taking = async {
        while let Some(entries) = told.recv().await {
            progress.went_on(entries.len());
            take_in(to.as_ref(), entries, at).await?;
        }
        Ok(())
    };
    let (listed, taken) = tokio::join!(from.list(at, tell), taking);
    taken.and(listed)?;
    Ok(format!("{} entries were copied from {} to {}", progress.count, from.describe(), to.describe()))
}

async fn export(asked: &Export) -> Result<String, Problem> {
    let at = SystemClock.now();
    let store = open(&asked.config, at)?;
    let mut pieces = dump(Arc::clone(&store), at);
    let mut out: Box<dyn Write> = match &asked.out {
        Some(path) => {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            Box::new(file.map_err(|error| Problem::Other(format!("{}: {error}", path.display())))?)
        }
        None => Box::new(io::stdout()),
    };
    let mut bytes = 0;
    while let Some(piece) = pieces.recv().await {
        let piece = piece?;
        bytes += piece.len();
        out.write_all(&piece)?;
    }
    out.flush()?;
    Ok(format!("{bytes} bytes were exported from {}", store.describe()))
}

async fn import(asked: &Import) -> Result<String, Problem> {
    let at = SystemClock.now();
    let store = open(&asked.config, at)?;
    let from: Box<dyn Read> = match &asked.from {
        Some(path) => {
            let file = std::fs::File::open(path);
            Box::new(file.map_err(|error| Problem::Other(format!("{}: {error}", path.display())))?)
        }
        None => Box::new(io::stdin()),
    };
    let mut entries = Decoder::begin(BufReader::new(from))?;
    let mut progress = Progress::default();
    loop {
        let (mut some, mut fault) = (Vec::with_capacity(SOME), None);
        for entry in entries.by_ref().take(SOME) {
            match entry {
                Ok(entry) => some.push(entry),
                Err(error) => fault = Some(error),
            }
        }
        let is_last = some.len() < SOME;
        progress.went_on(some.len());
        take_in(store.as_ref(), some, at).await?;
        if let Some(fault) = fault {
            let count = progress.count;
            return Err(Problem::Other(format!("{fault}; the {count} entries before that were taken in")));
        }
        if is_last {
            return Ok(format!("{} entries were taken in by {}", progress.count, store.describe()));
        }
    }
}

/// The store of the configuration at `path`.
fn open(path: &Path, at: Moment) -> Result<Arc<dyn AnyStore>, Problem> {
    let place = config::load(path, at).map_err(Problem::Configuration)?.process.store;
    if matches!(place, StorePlace::Memory) {
        let path = path.display();
        return Err(Problem::Other(format!("{path}: a store in memory holds nothing beyond its process")));
    }
    open_store(&place, &SystemEntropy::new()).map_err(|fault| {
        let help = "a running broker gives a copy of its embedded store itself: GET /admin/v1/store";
        let fault = fault.to_string();
        Problem::Other(format!("{}: {}; {help}", path.display(), fault.trim_end_matches('.')))
    })
}

#[derive(Default)]
struct Progress {
    count: u64,
}

impl Progress {
    fn went_on(&mut self, entries: usize) {
        let before = self.count / TOLD_EVERY;
        self.count += entries as u64;
        if self.count / TOLD_EVERY > before {
            eprintln!("{} entries", self.count);
        }
    }
}
