//! The last good copy of fetched metadata, on disk: what a start falls back on while the provider
//! can't be reached. It is the document as it was fetched, so that reading it makes every check
//! anew. The file's time is when the provider last confirmed it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use url::Url;

use crate::clock::Moment;
use crate::watched_file::whole;

/// Where the copy of `name`'s metadata from `url` is kept. Another address is another copy: what was
/// fetched from elsewhere must not vouch for it.
pub(super) fn path(folder: &Path, name: &str, url: &Url) -> PathBuf {
    let digest = digest(&SHA256, url.as_str().as_bytes());
    let tag: String = digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    folder.join(format!("{name}-{tag}.xml"))
}

/// The copy and when it was confirmed, if there is one.
pub(super) fn read(path: &Path, largest: usize) -> io::Result<Option<(Vec<u8>, Moment)>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let confirmed = moment(file.metadata()?.modified()?);
    Ok(Some((whole(file, largest)?, confirmed)))
}

/// Puts `xml` in place of the copy before, all at once. Only the broker's user may read it.
pub(super) fn write(path: &Path, xml: &[u8], at: Moment) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(xml)?;
    file.set_modified(system_time(at))?;
    file.sync_all()?;
    fs::rename(&new, path)
}

/// Notes that the provider has confirmed the copy.
pub(super) fn confirm(path: &Path, at: Moment) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.set_modified(system_time(at))
}

fn moment(time: SystemTime) -> Moment {
    let millis = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Moment::from_unix_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

fn system_time(at: Moment) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(at.unix_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_copy_is_replaced_whole_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/corp.xml");
        assert_eq!(read(&path, 10).unwrap(), None);
        let (at, later) = (Moment::from_unix(1_800_000_000), Moment::from_unix(1_800_000_060));
        write(&path, b"one", at).unwrap();
        assert_eq!(read(&path, 10).unwrap(), Some((b"one".to_vec(), at)));
        fs::write(path.with_extension("new"), "left behind by a crash").unwrap();
        write(&path, b"another", later).unwrap();
        assert_eq!(read(&path, 10).unwrap(), Some((b"another".to_vec(), later)));
        confirm(&path, at).unwrap();
        assert_eq!(read(&path, 10).unwrap(), Some((b"another".to_vec(), at)));
        assert!(read(&path, 6).unwrap_err().to_string().contains("more than 6 bytes"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
