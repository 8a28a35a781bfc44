//! The files of secrets that the broker makes for itself: the key ring, and the signing keys.
//!
//! Both are made at the first start, readable by their owner only, and refused where others may
//! read them.

mod ring_file;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

pub use self::ring_file::RingFile;
pub(super) use self::ring_file::follow;
use super::StartError;
use crate::issuer::jwt::{KeyFault, SigningKeys};
use crate::secret::Secret;

/// Larger files are a wrong file.
const LARGEST_FILE: usize = 64 * 1024;

/// Reads the keys that sign our tokens, or makes one.
pub(super) fn open_signing_keys(path: &Path) -> Result<SigningKeys, StartError> {
    let failed = |problem: String| StartError::SigningKeys { path: path.to_owned(), problem };
    let made = || SigningKeys::generate_pem().map_err(|fault: KeyFault| fault.to_string());
    let pem = kept(path, "a signing key was made", made).map_err(failed)?;
    SigningKeys::from_pem(pem.expose()).map_err(|fault| failed(fault.to_string()))
}

/// The content of `path`, made and written first if there is no such file.
fn kept(
    path: &Path,
    news: &'static str,
    make: impl FnOnce() -> Result<Secret<String>, String>,
) -> Result<Secret<String>, String> {
    let said = |error: io::Error| error.to_string();
    match fs::metadata(path) {
        Ok(_) => {
            require_private(path)?;
            fs::read_to_string(path).map(Secret::new).map_err(said)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = make()?;
            write_private(path, text.expose()).map_err(said)?;
            tracing::info!(path = %path.display(), "{news}");
            Ok(text)
        }
        Err(error) => Err(said(error)),
    }
}

/// Refuses a file that others may read, and one that is too large for what it should be.
fn require_private(path: &Path) -> Result<(), String> {
    let found = fs::metadata(path).map_err(|error| error.to_string())?;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("others may read it (mode {mode:o}); make it 600"));
    }
    if found.len() > LARGEST_FILE as u64 {
        return Err(format!("it has {} bytes; at most {LARGEST_FILE} are read", found.len()));
    }
    Ok(())
}

/// Writes a file that its owner alone can read, and that did not exist before.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_signing_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/signing.pem");
        let made = open_signing_keys(&path).unwrap().jwks().to_owned();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(open_signing_keys(&path).unwrap().jwks(), made);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(
            open_signing_keys(&path).unwrap_err().to_string(),
            format!(
                "the signing keys {} can't be used: others may read it (mode 640); make it 600",
                path.display()
            )
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "").unwrap();
        let empty = open_signing_keys(&path).unwrap_err().to_string();
        assert!(empty.ends_with("it holds no private key; remove it, and a new one is made"), "{empty}");
    }
}
