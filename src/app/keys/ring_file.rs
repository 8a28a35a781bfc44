//! The file of the key ring: made at the first start, followed while the broker runs, changed by
//! `rolegate keys`.
//!
//! What is wrong with a changed file never takes away the keys that are in force.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::{LARGEST_FILE, kept, require_private, write_private};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::seal::{KeyRing, RingKey, RingKeys};
use crate::secret::Secret;
use crate::telemetry;
use crate::watched_file::{FILE_INTERVAL, WatchedFile};

/// A ring file.
pub struct RingFile {
    path: PathBuf,
}

impl RingFile {
    /// The ring file at `path`, which need not be there yet.
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its keys. A file that is not there is made, with one new key.
    pub(in crate::app) fn open(&self, clock: &dyn Clock, entropy: &dyn Entropy) -> Result<RingKeys, String> {
        let made = || {
            let key = RingKey::generate(entropy, clock.now()).map_err(|error| error.to_string())?;
            Ok(RingKeys::one(key).to_text())
        };
        let text = kept(&self.path, "a key ring was made", made)?;
        RingKeys::parse(text.expose()).map_err(|fault| fault.to_string())
    }

    /// Its keys.
    pub fn read(&self) -> Result<RingKeys, String> {
        require_private(&self.path)?;
        let bytes = fs::read(&self.path).map(Secret::new).map_err(|error| error.to_string())?;
        parse(&bytes)
    }

    /// Makes it with `keys`. It must not be there.
    pub fn create(&self, keys: &RingKeys) -> io::Result<()> {
        write_private(&self.path, keys.to_text().expose())
    }

    /// Replaces it by `keys`: whoever reads sees the one or the other, whole. Of two that do so at one time,
    /// one fails.
    pub fn rewrite(&self, keys: &RingKeys) -> io::Result<()> {
        let next = self.path.with_added_extension("next");
        write_private(&next, keys.to_text().expose()).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => io::Error::other(format!(
                "{} is there: another change is under way, or was broken off; remove it if none is",
                next.display()
            )),
            _ => error,
        })?;
        let renamed = fs::rename(&next, &self.path);
        if renamed.is_err() {
            let _ = fs::remove_file(&next);
        }
        renamed?;
        match self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => fs::File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

/// Follows the file into `ring`, and the time, for as long as the task runs.
pub(in crate::app) fn follow(file: &RingFile, ring: Arc<KeyRing>, clock: Arc<dyn Clock>) -> JoinHandle<()> {
    let watched = WatchedFile::new(file.path.clone());
    let path = file.path.clone();
    tokio::spawn(async move {
        loop {
            look(&watched, &path, &ring, clock.as_ref());
            tokio::time::sleep(FILE_INTERVAL).await;
        }
    })
}

/// Takes what is new, if anything is.
fn look(watched: &WatchedFile, path: &Path, ring: &KeyRing, clock: &dyn Clock) {
    let found = require_private(path).and_then(|()| watched.look(LARGEST_FILE));
    let read = found.and_then(|new| new.map(|bytes| parse(&Secret::new(bytes))).transpose());
    let sealing = ring.sealing();
    match read {
        Ok(Some(keys)) => {
            ring.replace(keys, clock.now());
            ring.note_trouble(None);
        }
        // A file that was bad and has not changed is as bad as it was.
        Ok(None) => {}
        Err(trouble) => {
            if ring.trouble().as_ref() != Some(&trouble) {
                tracing::error!(path = %path.display(), trouble, "the key ring can't be read again; its keys stay");
            }
            ring.note_trouble(Some(trouble));
        }
    }
    ring.turn(clock.now());
    let (key, since) = ring.sealing();
    telemetry::show_sealing_key(since.unix(), ring.trouble().is_none());
    if key != sealing.0 {
        tracing::info!(key, before = sealing.0, "another key of the ring seals");
    }
}

fn parse(bytes: &Secret<Vec<u8>>) -> Result<RingKeys, String> {
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| "it is not text".to_owned())?;
    RingKeys::parse(text).map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;
    use crate::clock::{ManualClock, Moment};
    use crate::entropy::SystemEntropy;
    use crate::seal::Purpose;

    const NOW: Moment = Moment::from_unix(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn key(number: u8, seals_from: Moment) -> RingKey {
        RingKey::new(Secret::new([number; 32]), seals_from)
    }

    #[test]
    fn a_ring_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = RingFile::at(folder.path().join("keys/ring"));
        let (clock, entropy) = (ManualClock::at(NOW), SystemEntropy::new());
        let made = file.open(&clock, &entropy).unwrap();
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(made.keys()[0].seals_from(), NOW);
        let again = [file.open(&clock, &entropy).unwrap(), file.read().unwrap()];
        for ring in again {
            assert_eq!((ring.keys().len(), ring.keys()[0].name()), (1, made.keys()[0].name()));
        }
        let exists = file.create(&made).unwrap_err();
        assert_eq!(exists.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_ring_that_is_no_ring_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = RingFile::at(folder.path().join("ring"));
        fs::write(file.path(), "").unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        let problem = || {
            let (clock, entropy) = (ManualClock::at(NOW), SystemEntropy::new());
            let problem = file.open(&clock, &entropy).unwrap_err();
            assert_eq!(file.read().unwrap_err(), problem);
            problem
        };
        assert_eq!(problem(), "others may read it (mode 644); make it 600");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(problem(), "it holds no key; remove it, and a new one is made");
        fs::write(file.path(), "not base64\n").unwrap();
        assert!(problem().starts_with("line 1 is not a time and 32 bytes of base64"), "{}", problem());
    }

    #[test]
    fn a_change_is_whole_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = RingFile::at(folder.path().join("ring"));
        file.create(&RingKeys::one(key(1, NOW))).unwrap();
        file.rewrite(&RingKeys::one(key(2, NOW))).unwrap();
        assert_eq!(file.read().unwrap().keys()[0].name(), key(2, NOW).name());
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(folder.path().join("ring.next"), "").unwrap();
        let error = file.rewrite(&RingKeys::one(key(3, NOW))).unwrap_err().to_string();
        assert!(error.ends_with("remove it if none is"), "{error}");
        assert_eq!(file.read().unwrap().keys()[0].name(), key(2, NOW).name());
    }

    #[test]
    fn a_running_ring_follows_its_file_and_the_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = RingFile::at(folder.path().join("ring"));
        let first = RingKeys::one(key(1, NOW));
        file.create(&first).unwrap();
        let (clock, entropy) = (ManualClock::at(NOW), SystemEntropy::new());
        let (ring, watched) = (KeyRing::new(first.clone(), NOW), WatchedFile::new(file.path.clone()));
        let look = || {
            look(&watched, &file.path, &ring, &clock);
            (ring.sealing().0, ring.trouble())
        };
        let (one, two) = (key(1, NOW).name(), key(2, NOW).name());
        assert_eq!(look(), (one.clone(), None));
        let sealed = ring.seal(Purpose::SessionToken, b"x", &entropy).unwrap();

        file.rewrite(&first.with(key(2, NOW.plus(HOUR)))).unwrap();
        assert_eq!(look(), (one.clone(), None));
        clock.advance(HOUR);
        assert_eq!(look(), (two.clone(), None));
        assert!(ring.open(Purpose::SessionToken, &sealed).is_ok());

        fs::write(&file.path, "scrambled\n").unwrap();
        let (key_in_force, trouble) = look();
        assert_eq!(key_in_force, two);
        assert!(trouble.is_some_and(|it| it.starts_with("line 1 ")));
        assert!(look().1.is_some(), "it is as bad as it was");
        fs::remove_file(&file.path).unwrap();
        let (key_in_force, trouble) = look();
        assert_eq!(key_in_force, two);
        assert!(trouble.is_some_and(|it| it.contains("No such file")));

        file.create(&RingKeys::one(key(2, NOW))).unwrap();
        assert_eq!(look(), (two, None));
        assert!(ring.open(Purpose::SessionToken, &sealed).is_err(), "its key was taken out");
    }
}
