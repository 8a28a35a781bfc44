//! Sealing: authenticated encryption with a ring of keys.
//!
//! What leaves the process and comes back (session tokens, cookies, sign-in tokens, stored
//! records) is sealed here and read only after it was opened: a forged, spliced, truncated or
//! re-labelled value yields nothing. One key of the [ring](RingKeys) seals, every key opens.
//!
//! Layout: version (1) ‖ key id (4) ‖ salt (16) ‖ AES-256-GCM ciphertext and tag. Key and
//! nonce of each value come from HKDF-SHA256 over the ring's key, the salt and the purpose, so
//! no nonce is ever used twice under one key; header and purpose are authenticated.

mod ring;

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroize;

pub use self::ring::{KEY_BYTES, RingFault, RingKey, RingKeys};
use crate::clock::Moment;
use crate::entropy::{self, Entropy, NoEntropy};
use crate::secret::Secret;

/// The layout above. A change of layout takes the next number.
const VERSION: u8 = 1;
/// Version, key id and salt.
const HEADER: usize = 1 + 4 + 16;
/// The tag of AES-GCM.
const TAG: usize = 16;

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
    /// A sign-in token of somebody else's federation endpoint.
    ForeignSigninToken,
    /// A record in the store of what is not sealed itself.
    StoredRecord,
    /// What a device asks by whether it was approved.
    DeviceCode,
    /// A device's request, and what a person said to it, in the store.
    DeviceRequest,
    /// What a node says of itself, in the store.
    NodeNote,
    /// Why something was refused, for whoever may know.
    AuthorizationMessage,
    /// A verified identity that is to be asked about again, in a refresh token. `identity::remembered`
    /// alone seals and opens it.
    RememberedIdentity,
    /// That somebody may be at a web application, in a cookie there and on the way to it.
    Admission,
    /// What a browser that left a web application to sign in must remember, in a cookie there.
    VisitState,
    /// A nonce for proofs of a client's key.
    ProofNonce,
    /// A verified identity at the portal, in a cookie or the store. `identity::remembered` alone seals and opens it.
    PortalIdentity,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::SessionToken => b"rolegate/session-token",
            Self::LoginState => b"rolegate/login-state/3",
            Self::LogoutState => b"rolegate/logout-state",
            Self::RoleChoice => b"rolegate/role-choice",
            Self::ConsoleSession => b"rolegate/console-session/6",
            Self::SigninToken => b"rolegate/signin-token/6",
            Self::ForeignSigninToken => b"rolegate/foreign-signin-token",
            Self::StoredRecord => b"rolegate/stored-record/3",
            Self::DeviceCode => b"rolegate/device-code",
            Self::DeviceRequest => b"rolegate/device-request",
            Self::Admission => b"rolegate/admission",
            Self::VisitState => b"rolegate/visit-state",
            Self::NodeNote => b"rolegate/node-note",
            Self::AuthorizationMessage => b"rolegate/authorization-message",
            Self::ProofNonce => b"rolegate/proof-nonce",
            Self::PortalIdentity => b"rolegate/portal-identity",
            Self::RememberedIdentity => b"rolegate/remembered-identity/2",
        }
    }
}

/// A sealed value did not open: not ours, for another purpose, changed, or its key is gone.
/// Which of these is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value is not genuine")]
pub struct NotGenuine;

/// The keys that seal and open. They may be replaced while others seal and open.
pub struct KeyRing {
    in_force: ArcSwap<InForce>,
    trouble: ArcSwapOption<String>,
}

struct InForce {
    keys: RingKeys,
    /// The index of the key that seals.
    sealing: usize,
}

impl InForce {
    fn sealing(&self) -> &RingKey {
        &self.keys.keys()[self.sealing]
    }

    /// The key that a sealed value's `header` names.
    fn key_for(&self, header: &[u8]) -> Result<&RingKey, NotGenuine> {
        let (version, id) = (header[0], &header[1..5]);
        if version != VERSION {
            return Err(NotGenuine);
        }
        self.keys.keys().iter().find(|key| key.id == id).ok_or(NotGenuine)
    }
}

impl KeyRing {
    /// A ring of `keys` as of `at`.
    pub fn new(keys: RingKeys, at: Moment) -> Self {
        let sealing = keys.sealing_index(at);
        let in_force = ArcSwap::new(Arc::new(InForce { keys, sealing }));
        Self { in_force, trouble: ArcSwapOption::empty() }
    }

    /// A ring of one `key`.
    pub fn of(key: Secret<[u8; KEY_BYTES]>) -> Self {
        let always = Moment::from_unix(0);
        Self::new(RingKeys::one(RingKey::new(key, always)), always)
    }

    /// A ring of one new random key.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        Ok(Self::of(Secret::new(entropy::bytes(entropy)?)))
    }

    /// From now on, `keys` as of `at`.
    pub fn replace(&self, keys: RingKeys, at: Moment) {
        let sealing = keys.sealing_index(at);
        self.in_force.store(Arc::new(InForce { keys, sealing }));
    }

    /// Lets the key seal whose time has come at `at`. Whether that is another than before.
    pub fn turn(&self, at: Moment) -> bool {
        let held = self.in_force.load();
        let turned = held.keys.sealing_index(at) != held.sealing;
        if turned {
            self.replace(held.keys.clone(), at);
        }
        turned
    }

    /// The key that seals: its name, and since when.
    pub fn sealing(&self) -> (String, Moment) {
        let held = self.in_force.load();
        (held.sealing().name(), held.sealing().seals_from())
    }

    /// The names of all keys, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.in_force.load().keys.keys().iter().map(RingKey::name).collect();
        names.sort();
        names
    }

    /// Notes what keeps newer keys from being read, or that nothing does.
    pub fn note_trouble(&self, trouble: Option<String>) {
        self.trouble.store(trouble.map(Arc::new));
    }

    /// What keeps newer keys from being read.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.load().as_deref().cloned()
    }

    /// Seals `plain` for `purpose`.
    pub fn seal(&self, purpose: Purpose, plain: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, NoEntropy> {
        self.seal_at(b"", purpose, plain, entropy)
    }

    /// As [`KeyRing::seal`], of what is kept under a key, its `place`: elsewhere it does not open.
    pub fn seal_at(
        &self,
        place: &[u8],
        purpose: Purpose,
        plain: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, NoEntropy> {
        let held = self.in_force.load();
        let mut sealed = Vec::with_capacity(HEADER + plain.len() + TAG);
        sealed.push(VERSION);
        sealed.extend_from_slice(&held.sealing().id);
        sealed.extend_from_slice(&entropy::bytes::<16>(entropy)?);
        let (key, nonce) = value_key(held.sealing(), purpose, &sealed).ok_or(NoEntropy)?;
        let mut body = plain.to_vec();
        let aad = Aad::from([&sealed, place].concat());
        key.seal_in_place_append_tag(nonce, aad, &mut body).map_err(|_| NoEntropy)?;
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Opens what [`KeyRing::seal`] made for the same purpose.
    pub fn open(&self, purpose: Purpose, sealed: &[u8]) -> Result<Vec<u8>, NotGenuine> {
        self.open_at(b"", purpose, sealed)
    }

    /// Opens what [`KeyRing::seal_at`] made for the same place and purpose.
    pub fn open_at(&self, place: &[u8], purpose: Purpose, sealed: &[u8]) -> Result<Vec<u8>, NotGenuine> {
        let (header, body) = sealed.split_at_checked(HEADER).ok_or(NotGenuine)?;
        let held = self.in_force.load();
        let (key, nonce) = value_key(held.key_for(header)?, purpose, header).ok_or(NotGenuine)?;
        let mut body = body.to_vec();
        let aad = Aad::from([header, place].concat());
        let plain = key.open_in_place(nonce, aad, &mut body).map_err(|_| NotGenuine)?;
        let length = plain.len();
        body.truncate(length);
        Ok(body)
    }

    /// A secret of 30 bytes that belongs to one sealed value and one `label`: HMAC over the
    /// value's header, so that two values never share a secret even if labels repeat.
    pub fn derive_secret(&self, sealed: &[u8], label: &[u8]) -> Result<Secret<[u8; 30]>, NotGenuine> {
        let header = sealed.get(..HEADER).ok_or(NotGenuine)?;
        let held = self.in_force.load();
        let key = hmac::Key::new(hmac::HMAC_SHA256, held.key_for(header)?.key.expose());
        let mut context = hmac::Context::with_key(&key);
        context.update(b"rolegate/derived-secret");
        context.update(header);
        context.update(label);
        let mut out = [0; 30];
        out.copy_from_slice(&context.sign().as_ref()[..30]);
        Ok(Secret::new(out))
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
    use std::time::Duration;

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
    fn what_is_kept_in_one_place_does_not_open_in_another() {
        let (ring, entropy) = (KeyRing::generate(&SystemEntropy::new()).unwrap(), SystemEntropy::new());
        let sealed = ring.seal_at(b"here", Purpose::StoredRecord, b"who", &entropy).unwrap();
        assert_eq!(ring.open_at(b"here", Purpose::StoredRecord, &sealed).unwrap(), b"who");
        assert_eq!(ring.open_at(b"there", Purpose::StoredRecord, &sealed), Err(NotGenuine));
        assert_eq!(ring.open(Purpose::StoredRecord, &sealed), Err(NotGenuine));
    }

    #[test]
    fn a_ring_turns_while_it_is_used() {
        let (start, hour) = (Moment::from_unix(1_800_000_000), Duration::from_secs(3600));
        let old = RingKeys::one(RingKey::new(Secret::new([1; KEY_BYTES]), start));
        let both = old.clone().with(RingKey::new(Secret::new([2; KEY_BYTES]), start.plus(hour)));
        let (turning, behind) = (KeyRing::new(both, start), KeyRing::new(old, start));
        let before = sealed_by(&turning, Purpose::SessionToken);
        assert!(behind.open(Purpose::SessionToken, &before).is_ok(), "the new key waits for its time");
        assert!(!turning.turn(start.plus(hour).minus(Duration::from_millis(1))));
        assert!(turning.turn(start.plus(hour)) && !turning.turn(start.plus(hour)));
        let after = sealed_by(&turning, Purpose::SessionToken);
        assert_eq!(behind.open(Purpose::SessionToken, &after), Err(NotGenuine));
        assert!(turning.open(Purpose::SessionToken, &before).is_ok(), "the older key still opens");
        let secret = |sealed: &[u8]| turning.derive_secret(sealed, b"a").map(|secret| *secret.expose());
        assert!(secret(&before).is_ok() && secret(&before) != secret(&after));
        turning.replace(RingKeys::one(RingKey::new(Secret::new([2; KEY_BYTES]), start)), start);
        assert_eq!(turning.open(Purpose::SessionToken, &before), Err(NotGenuine), "its key is gone");
        assert_eq!(secret(&before), Err(NotGenuine));
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
