//! Sealing: authenticated encryption with a ring of keys.
//!
//! What leaves the process and comes back (session tokens, cookies, sign-in tokens, stored
//! records) is sealed here and read only after it was opened: a forged, spliced, truncated or
//! re-labelled value yields nothing. The newest key seals, every key of the ring opens.
//!
//! Layout: version (1) ‖ key id (4) ‖ salt (16) ‖ AES-256-GCM ciphertext and tag. Key and
//! nonce of each value come from HKDF-SHA256 over the ring's key, the salt and the purpose, so
//! no nonce is ever used twice under one key; header and purpose are authenticated.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, hmac};
use zeroize::Zeroize;

use crate::entropy::{self, Entropy, NoEntropy};
use crate::secret::Secret;

/// The layout above. A change of layout takes the next number.
const VERSION: u8 = 1;
/// Version, key id and salt.
const HEADER: usize = 1 + 4 + 16;
/// The tag of AES-GCM.
const TAG: usize = 16;
/// Bytes of a ring key.
pub const KEY_BYTES: usize = 32;

/// What a sealed value is for. A value sealed for one purpose does not open for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A session token of temporary credentials.
    SessionToken,
    /// The state of a login that has not come back yet, in a cookie.
    LoginState,
    /// The state of a logout that has not come back yet, in a cookie.
    LogoutState,
    /// A verified identity that has not chosen a role yet, in the picker's form.
    RoleChoice,
    /// The console session of a browser, in a cookie.
    ConsoleSession,
    /// A `SigninToken` of the federation endpoint.
    SigninToken,
    /// A record in the store of what is not sealed itself.
    StoredRecord,
    /// What a device asks by whether it was approved.
    DeviceCode,
    /// A device's request, and what a person said to it, in the store.
    DeviceRequest,
    /// Why something was refused, for whoever may know.
    AuthorizationMessage,
    /// A verified identity that is to be asked about again, in a refresh token. `identity::remembered`
    /// alone seals and opens it.
    RememberedIdentity,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::SessionToken => b"rolegate/session-token/2",
            Self::LoginState => b"rolegate/login-state",
            Self::LogoutState => b"rolegate/logout-state",
            Self::RoleChoice => b"rolegate/role-choice",
            Self::ConsoleSession => b"rolegate/console-session/2",
            Self::SigninToken => b"rolegate/signin-token/2",
            Self::StoredRecord => b"rolegate/stored-record",
            Self::DeviceCode => b"rolegate/device-code",
            Self::DeviceRequest => b"rolegate/device-request",
            Self::AuthorizationMessage => b"rolegate/authorization-message",
            Self::RememberedIdentity => b"rolegate/remembered-identity/2",
        }
    }
}

/// A sealed value did not open: not ours, for another purpose, changed, or its key is gone.
/// Which of these is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value is not genuine")]
pub struct NotGenuine;

/// The keys that seal and open. Never empty.
#[derive(Debug)]
pub struct KeyRing {
    newest: RingKey,
    older: Vec<RingKey>,
}

#[derive(Debug)]
struct RingKey {
    id: [u8; 4],
    key: Secret<[u8; KEY_BYTES]>,
}

impl RingKey {
    fn new(key: Secret<[u8; KEY_BYTES]>) -> Self {
        let hash = digest::digest(&digest::SHA256, &[b"rolegate/key-id", key.expose().as_slice()].concat());
        let mut id = [0; 4];
        id.copy_from_slice(&hash.as_ref()[..4]);
        Self { id, key }
    }
}

impl KeyRing {
    /// A ring whose `newest` key seals; `older` ones still open.
    pub fn new(newest: Secret<[u8; KEY_BYTES]>, older: Vec<Secret<[u8; KEY_BYTES]>>) -> Self {
        Self { newest: RingKey::new(newest), older: older.into_iter().map(RingKey::new).collect() }
    }

    /// A ring of one new random key.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        Ok(Self::new(Secret::new(entropy::bytes(entropy)?), Vec::new()))
    }

    /// Seals `plain` for `purpose`.
    pub fn seal(&self, purpose: Purpose, plain: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, NoEntropy> {
        let mut sealed = Vec::with_capacity(HEADER + plain.len() + TAG);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.newest.id);
        sealed.extend_from_slice(&entropy::bytes::<16>(entropy)?);
        let (key, nonce) = value_key(&self.newest, purpose, &sealed).ok_or(NoEntropy)?;
        let mut body = plain.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::from(&sealed), &mut body).map_err(|_| NoEntropy)?;
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Opens what [`KeyRing::seal`] made for the same purpose.
    pub fn open(&self, purpose: Purpose, sealed: &[u8]) -> Result<Vec<u8>, NotGenuine> {
        let (header, body) = sealed.split_at_checked(HEADER).ok_or(NotGenuine)?;
        let key = self.key_for(header)?;
        let (key, nonce) = value_key(key, purpose, header).ok_or(NotGenuine)?;
        let mut body = body.to_vec();
        let plain = key.open_in_place(nonce, Aad::from(header), &mut body).map_err(|_| NotGenuine)?;
        let length = plain.len();
        body.truncate(length);
        Ok(body)
    }

    /// A secret of 30 bytes that belongs to one sealed value and one `label`: HMAC over the
    /// value's header, so that two values never share a secret even if labels repeat.
    pub fn derive_secret(&self, sealed: &[u8], label: &[u8]) -> Result<Secret<[u8; 30]>, NotGenuine> {
        let header = sealed.get(..HEADER).ok_or(NotGenuine)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key_for(header)?.key.expose());
        let mut context = hmac::Context::with_key(&key);
        context.update(b"rolegate/derived-secret");
        context.update(header);
        context.update(label);
        let mut out = [0; 30];
        out.copy_from_slice(&context.sign().as_ref()[..30]);
        Ok(Secret::new(out))
    }

    fn key_for(&self, header: &[u8]) -> Result<&RingKey, NotGenuine> {
        let (version, id) = (header[0], &header[1..5]);
        if version != VERSION {
            return Err(NotGenuine);
        }
        std::iter::once(&self.newest).chain(&self.older).find(|key| key.id == id).ok_or(NotGenuine)
    }
}

/// AES key and nonce of the one value that `header` begins.
fn value_key(ring_key: &RingKey, purpose: Purpose, header: &[u8]) -> Option<(LessSafeKey, Nonce)> {
    struct Output;
    impl hkdf::KeyType for Output {
        fn len(&self) -> usize {
            32 + 12
        }
    }
    let mut bytes = [0; 44];
    hkdf::Salt::new(hkdf::HKDF_SHA256, &header[5..])
        .extract(ring_key.key.expose())
        .expand(&[purpose.label()], Output)
        .ok()?
        .fill(&mut bytes)
        .ok()?;
    let key = UnboundKey::new(&AES_256_GCM, &bytes[..32]).ok().map(LessSafeKey::new);
    let nonce = Nonce::try_assume_unique_for_key(&bytes[32..]).ok();
    bytes.zeroize();
    Some((key?, nonce?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    fn sealed_by(ring: &KeyRing, purpose: Purpose) -> Vec<u8> {
        ring.seal(purpose, b"who and until when", &SystemEntropy::new()).unwrap()
    }

    #[test]
    fn opens_what_it_sealed() {
        let ring = KeyRing::generate(&SystemEntropy::new()).unwrap();
        let sealed = sealed_by(&ring, Purpose::SessionToken);
        assert_eq!(ring.open(Purpose::SessionToken, &sealed).unwrap(), b"who and until when");
    }

    #[test]
    fn refuses_every_flipped_bit_and_every_truncation() {
        let ring = KeyRing::generate(&SystemEntropy::new()).unwrap();
        let sealed = sealed_by(&ring, Purpose::SessionToken);
        for index in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[index] ^= 1;
            assert_eq!(ring.open(Purpose::SessionToken, &forged), Err(NotGenuine), "byte {index}");
            assert_eq!(ring.open(Purpose::SessionToken, &sealed[..index]), Err(NotGenuine), "length {index}");
        }
    }

    #[test]
    fn refuses_another_purpose_and_another_ring() {
        let ring = KeyRing::generate(&SystemEntropy::new()).unwrap();
        let other = KeyRing::generate(&SystemEntropy::new()).unwrap();
        let sealed = sealed_by(&ring, Purpose::LoginState);
        assert_eq!(ring.open(Purpose::ConsoleSession, &sealed), Err(NotGenuine));
        assert_eq!(other.open(Purpose::LoginState, &sealed), Err(NotGenuine));
    }

    #[test]
    fn an_older_key_still_opens() {
        let old = KeyRing::new(Secret::new([1; 32]), vec![]);
        let sealed = sealed_by(&old, Purpose::SessionToken);
        let rotated = KeyRing::new(Secret::new([2; 32]), vec![Secret::new([1; 32])]);
        assert!(rotated.open(Purpose::SessionToken, &sealed).is_ok());
        assert!(old.open(Purpose::SessionToken, &sealed_by(&rotated, Purpose::SessionToken)).is_err());
    }

    #[test]
    fn derived_secrets_differ_by_value_and_label() {
        let ring = KeyRing::generate(&SystemEntropy::new()).unwrap();
        let (one, two) = (sealed_by(&ring, Purpose::SessionToken), sealed_by(&ring, Purpose::SessionToken));
        let secret = |sealed: &[u8], label: &[u8]| *ring.derive_secret(sealed, label).unwrap().expose();
        assert_eq!(secret(&one, b"a"), secret(&one, b"a"));
        assert_ne!(secret(&one, b"a"), secret(&two, b"a"));
        assert_ne!(secret(&one, b"a"), secret(&one, b"b"));
    }
}
