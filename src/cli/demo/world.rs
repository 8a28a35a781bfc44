//! The world of the demo, as files that one can read: configuration, policies, keys.
//!
//! The texts stand in `world/`; `@NAME@` in them is replaced by what this start knows. They are
//! written anew at every start, because the ports may change. Keys are made once and kept.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;

use super::DemoError;
use super::idp::authn_request::RequestKey;
use super::idp::saml::{self, SamlSigner};
use super::idp::token::TokenKey;
use super::idp::{Broker, Keys, ServiceProvider};
use crate::entropy::{self, Entropy};
use crate::identity::saml::{SpKey, SpKeyFault};
use crate::secret::Secret;

/// The text of the configuration.
const SETTINGS: &str = include_str!("world/rolegate.toml");
/// Name and text of each policy.
const POLICIES: [(&str, &str); 10] = [
    ("admin.json", include_str!("world/policies/admin.json")),
    ("audit.json", include_str!("world/policies/audit.json")),
    ("corp-trust.json", include_str!("world/policies/corp-trust.json")),
    ("deploy.json", include_str!("world/policies/deploy.json")),
    ("deploy-trust.json", include_str!("world/policies/deploy-trust.json")),
    ("developer-trust.json", include_str!("world/policies/developer-trust.json")),
    ("mobile-trust.json", include_str!("world/policies/mobile-trust.json")),
    ("photo-uploader.json", include_str!("world/policies/photo-uploader.json")),
    ("read-only.json", include_str!("world/policies/read-only.json")),
    ("staff-trust.json", include_str!("world/policies/staff-trust.json")),
];

/// What stands where.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// The folder that everything is in.
    pub(crate) folder: PathBuf,
    /// The broker's public listener.
    pub(crate) public: SocketAddr,
    /// The identity provider.
    pub(crate) idp: SocketAddr,
    /// The broker's operations listener.
    pub(crate) operations: SocketAddr,
}

impl World {
    /// The broker's address for people and clients.
    pub(crate) fn public_url(&self) -> String {
        format!("http://{}", self.public)
    }

    /// The identity provider's address, which is its OpenID Connect issuer.
    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.idp)
    }

    /// What assertions are issued by.
    pub(crate) fn idp_entity_id(&self) -> String {
        format!("{}/saml/metadata", self.issuer())
    }

    /// The configuration file.
    pub(crate) fn settings(&self) -> PathBuf {
        self.folder.join("rolegate.toml")
    }

    /// What the identity provider must know about the broker.
    pub(crate) fn broker(&self) -> Broker {
        let origin = self.public_url();
        let known_as = |name: &str| ServiceProvider {
            entity_id: format!("{origin}/saml/{name}/metadata"),
            acs: format!("{origin}/saml/{name}/acs"),
            slo: format!("{origin}/saml/{name}/slo"),
        };
        Broker {
            corp: known_as("corp"),
            sandbox: known_as("sandbox"),
            callback: format!("{origin}/oidc/staff/callback"),
            backchannel: format!("{origin}/oidc/staff/backchannel-logout"),
            signed_out: format!("{origin}/oidc/staff/signed-out"),
            origin,
        }
    }

    /// The provider's keys and the broker's: those of the last start, or new ones.
    pub(crate) fn keys(&self, entropy: &dyn Entropy) -> Result<Keys, DemoError> {
        let folder = self.folder.join("idp");
        let (entity_id, sso) = (self.idp_entity_id(), format!("{}/saml/sso", self.issuer()));
        let signer =
            kept(&folder.join("saml-key.pem"), || Ok(SamlSigner::generate(&entity_id, &sso)?.to_pem()))?;
        let token = kept(&folder.join("token-key.pem"), || Ok(TokenKey::generate()?.to_pem()))?;
        self.photo_store_secret(entropy)?;
        let portal_secret = secret(&folder.join("portal-secret"), entropy)?;
        let ours = kept(&self.folder.join("certs/sp.pem"), || Ok(saml::new_key_pem()?))?;
        let ours = SpKey::from_pem(ours.expose())?;
        Ok(Keys {
            requests: RequestKey::of(ours.certificate()).ok_or(SpKeyFault::Mismatch)?,
            saml: SamlSigner::from_pem(&entity_id, &sso, signer.expose())?
                .with_logout_at(&format!("{}/saml/slo", self.issuer())),
            token: TokenKey::from_pem(token.expose())?,
            portal_secret,
        })
    }

    /// The secret of the service that keeps the photos: that of the last start, or a new one.
    pub(crate) fn photo_store_secret(&self, entropy: &dyn Entropy) -> Result<Secret<String>, DemoError> {
        secret(&self.folder.join("keys/photo-store-secret"), entropy)
    }

    /// Keeps other demos out of the folder until the file is dropped.
    pub(crate) fn lock(&self) -> Result<File, DemoError> {
        let path = self.folder.join("lock");
        let failed = |source| DemoError::File { path: path.clone(), source };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let file = File::create(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(DemoError::Taken(self.folder.clone())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Writes configuration, policies and the provider's metadata.
    pub(crate) fn write(&self, metadata: &str) -> Result<(), DemoError> {
        let policies = self.folder.join("policies");
        fs::create_dir_all(&policies).map_err(|source| DemoError::File { path: policies.clone(), source })?;
        save(&self.settings(), &self.filled(SETTINGS))?;
        for (name, text) in POLICIES {
            save(&policies.join(name), &self.filled(text))?;
        }
        save(&self.folder.join("idp/metadata.xml"), metadata)
    }

    fn filled(&self, text: &str) -> String {
        text.replace("@FOLDER@", &self.folder.display().to_string())
            .replace("@PUBLIC_URL@", &self.public_url())
            .replace("@PUBLIC@", &self.public.to_string())
            .replace("@OPERATIONS@", &self.operations.to_string())
            .replace("@ACS@", &self.broker().corp.acs)
            .replace("@SANDBOX_ACS@", &self.broker().sandbox.acs)
            .replace("@ISSUER_HOST@", &self.idp.to_string())
            .replace("@ISSUER@", &self.issuer())
    }
}

/// The secret in `path`, made first if there is none.
fn secret(path: &Path, entropy: &dyn Entropy) -> Result<Secret<String>, DemoError> {
    kept(path, || Ok(Secret::new(BASE64URL.encode_to_string(entropy::bytes::<24>(entropy)?))))
}

/// The content of `path`, made and written first if there is none. Only its owner may read it.
fn kept(
    path: &Path,
    make: impl FnOnce() -> Result<Secret<String>, DemoError>,
) -> Result<Secret<String>, DemoError> {
    let failed = |source| DemoError::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    match fs::read_to_string(path) {
        Ok(content) => return Ok(Secret::new(content)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let content = make()?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(content.expose().as_bytes()).map_err(failed)?;
    Ok(content)
}

fn save(path: &Path, text: &str) -> Result<(), DemoError> {
    fs::write(path, text).map_err(|source| DemoError::File { path: path.to_owned(), source })
}

#[cfg(test)]
#[path = "world_tests.rs"]
mod tests;
