//! The files of secrets that the broker makes for itself: the key ring, and the signing keys.
//!
//! Both are made at the first start, readable by their owner only, and refused where others may
//! read them.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64_simd::STANDARD;

use super::StartError;
use crate::entropy::{self, Entropy};
use crate::issuer::jwt::{KeyFault, SigningKeys};
use crate::seal::{KEY_BYTES, KeyRing};
use crate::secret::Secret;

/// Larger files are a wrong file.
const LARGEST_FILE: u64 = 64 * 1024;

/// Reads the ring, or makes one of a single new key.
pub(super) fn open_ring(path: &Path, entropy: &dyn Entropy) -> Result<KeyRing, StartError> {
    let failed = |problem: String| StartError::Ring { path: path.to_owned(), problem };
    let made = || {
        let key = entropy::bytes::<KEY_BYTES>(entropy).map(Secret::new).map_err(|error| error.to_string())?;
        Ok(Secret::new(format!("{}\n", STANDARD.encode_to_string(key.expose()))))
    };
    let text = kept(path, "a key ring was made", made).map_err(failed)?;
    let mut keys = Vec::new();
    for (number, line) in text.expose().lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let key =
            STANDARD.decode_to_vec(line.trim()).ok().and_then(|key| <[u8; KEY_BYTES]>::try_from(key).ok());
        let key =
            key.ok_or_else(|| failed(format!("line {} is not {KEY_BYTES} bytes of base64", number + 1)))?;
        keys.push(Secret::new(key));
    }
    if keys.is_empty() {
        return Err(failed("it holds no key; remove it, and a new one is made".into()));
    }
    let newest = keys.remove(0);
    Ok(KeyRing::new(newest, keys))
}

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
        Ok(found) => {
            let mode = found.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(format!("others may read it (mode {mode:o}); make it 600"));
            }
            if found.len() > LARGEST_FILE {
                return Err(format!("it has {} bytes; at most {LARGEST_FILE} are read", found.len()));
            }
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
    use crate::entropy::SystemEntropy;
    use crate::seal::Purpose;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_ring_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/ring");
        let entropy = SystemEntropy::new();
        let sealed = open_ring(&path, &entropy).unwrap().seal(Purpose::SessionToken, b"x", &entropy).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(open_ring(&path, &entropy).unwrap().open(Purpose::SessionToken, &sealed).unwrap(), b"x");
    }

    #[test]
    fn a_ring_that_is_no_ring_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let open_to_all = open_ring(&path, &SystemEntropy::new()).unwrap_err().to_string();
        assert!(open_to_all.contains("mode 644"), "{open_to_all}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for (text, problem) in [("", "no key"), ("c2hvcnQ=\n", "line 1"), ("not base64\n", "line 1")] {
            fs::write(&path, text).unwrap();
            let error = open_ring(&path, &SystemEntropy::new()).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
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
