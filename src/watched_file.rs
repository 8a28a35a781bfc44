//! A file that is read again whenever it has changed.
//!
//! What was read once, good or not, is not read again until the file changes; one that could not be
//! read is tried at every look.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often a file is looked at; a look is cheap.
pub const FILE_INTERVAL: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug)]
pub struct WatchedFile {
    path: PathBuf,
    /// The file as it was when it was last read.
    seen: Mutex<Option<Stamp>>,
}

/// What changes when a file does.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    length: u64,
    inode: u64,
}

impl WatchedFile {
    /// A file that was not looked at yet.
    pub const fn new(path: PathBuf) -> Self {
        Self { path, seen: Mutex::new(None) }
    }

    /// Its content, which must not have more than `largest` bytes, unless it was read before.
    pub fn look(&self, largest: usize) -> Result<Option<Vec<u8>>, String> {
        let failed = |error| format!("can't read {}: {error}", self.path.display());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.take();
        let stamp = Stamp::of(&self.path).map_err(failed)?;
        let is_known = before.as_ref() == Some(&stamp);
        let content = match is_known {
            true => None,
            false => Some(File::open(&self.path).and_then(|file| whole(file, largest)).map_err(failed)?),
        };
        *seen = Some(stamp);
        Ok(content)
    }
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        Ok(Self { modified: (file.mtime(), file.mtime_nsec()), length: file.len(), inode: file.ino() })
    }
}

/// Everything in `file`, which must not have more than `largest` bytes.
pub fn whole(file: File, largest: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(largest as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > largest {
        return Err(io::Error::other(format!("more than {largest} bytes")));
    }
    Ok(bytes)
}
