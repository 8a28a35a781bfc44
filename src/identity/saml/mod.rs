//! SAML 2.0 responses, verified by a profile that is strict on purpose (facts 2.2, and the
//! faults that broke others).
//!
//! The load-bearing rule: **claims are read only from the canonical bytes whose digest was
//! verified.** A response is scanned as bytes, parsed once, held against an allow-list, and
//! canonicalized; when the signature fits, the first parse is dropped and the canonical bytes
//! are parsed anew. A fault in parser or canonicalization can refuse a good document; it can't
//! make anybody read an unsigned one. (Where a provider's `accept` bears it, what was decrypted
//! from a ciphertext that stands in such bytes is believed like the bytes.)
//!
//! The order of the files is the order of the work, which `verify` does: `xml` (`scan`, `parse`) →
//! `structure` → `signature` (over `xml::c14n`) by `keys` → `conditions` → `claims`; `trace` and
//! `facts` take notes for `explain`. `encryption` opens an assertion that is encrypted, which then
//! takes the way from `xml` on. `metadata` is what the provider tells us beforehand; `sp` is our
//! side of the conversation, and `logout` its end.

mod aliases;
mod claims;
mod conditions;
mod encryption;
mod facts;
mod keys;
mod logout;
mod metadata;
mod names;
mod session;
mod settings;
mod signature;
mod sp;
mod structure;
mod supposed;
mod verify;
mod xml;

use std::sync::Arc;

pub use self::facts::{ClaimedSignature, Claims, Facts, Part, VerifiedSignature, unverified_facts};
pub use self::keys::Certificate;
pub use self::logout::{LogoutMessage, LogoutRequest, LogoutStart, LogoutStatus, PresentedLogout};
use self::metadata::{Live, Source};
pub use self::metadata::{MetadataError, MetadataState, MetadataTerms, MetadataUrl, Refreshed};
pub use self::settings::{Accept, Answer, Expect, SamlSettings};
pub use self::sp::binding::{Binding, Form, Outbound};
pub use self::sp::keys::{SigningFailed, SpKey, SpKeyFault, SpKeys};
use self::sp::request::{self, Question};
pub use self::sp::request::{LoginRequest, RequestFault, SpSettings};
pub use self::verify::unverified_issuer;
pub(crate) use self::xml::chars::{escape_attribute, escape_text};
use super::{VerifyCode, VerifyError};
use crate::clock::Moment;
use crate::entropy::Entropy;

/// The compiled verifier of one identity provider's responses.
#[derive(Debug)]
pub struct SamlProvider {
    settings: SamlSettings,
    metadata: Arc<Live>,
    source: Arc<Source>,
}

impl SamlProvider {
    /// A provider from its metadata, which must be valid at `at` and does not change.
    pub fn new(settings: SamlSettings, metadata_xml: &[u8], at: Moment) -> Result<Self, MetadataError> {
        let metadata = Live::given(metadata_xml, at)?;
        Ok(Self { settings, metadata: Arc::new(metadata), source: Arc::new(Source::Given) })
    }

    /// The provider's entity id, as its assertions name it. Unknown until metadata was fetched,
    /// where the configuration does not name it; then it never changes.
    pub fn issuer(&self) -> Option<&str> {
        self.metadata.entity_id()
    }

    /// What it was made with.
    pub const fn settings(&self) -> &SamlSettings {
        &self.settings
    }

    /// Until when its metadata may be used, if the metadata says so.
    pub fn valid_until(&self) -> Option<Moment> {
        self.metadata.current()?.valid_until
    }

    /// A login request to the provider, to be answered at `acs_url`; signed where the settings say
    /// so. `relay_state` comes back with the answer, and has at most 80 bytes. With `afresh`, the provider is to ask the person
    /// again, whatever session they have.
    pub fn login_request(
        &self,
        acs_url: &str,
        relay_state: Option<&str>,
        afresh: bool,
        entropy: &dyn Entropy,
        at: Moment,
    ) -> Result<LoginRequest, RequestFault> {
        let metadata = self.metadata.usable(at);
        let metadata = metadata.map_err(|error| RequestFault::NoMetadata(Box::new(error)))?;
        let question = Question { settings: &self.settings, acs_url, relay_state, afresh };
        question.ask(&metadata, entropy, at)
    }

    /// Whether the provider takes login requests as the settings want to send them, as far as its
    /// metadata is known.
    pub fn offers_login(&self) -> Result<(), RequestFault> {
        let Some(metadata) = self.metadata.current() else { return Ok(()) };
        request::chosen(&metadata, self.settings.sp.request_binding).map(|_| ())
    }

    /// Whether the provider is known to want login requests signed.
    pub fn wants_signed_requests(&self) -> bool {
        self.metadata.current().is_some_and(|metadata| metadata.want_authn_requests_signed)
    }

    /// Our metadata for the provider's administrator.
    pub fn sp_metadata(&self) -> String {
        sp::metadata::plain(&self.settings)
    }

    /// Our metadata with a signature by our first key, good for two weeks from the day of `at`;
    /// `None` without a key.
    pub fn signed_sp_metadata(&self, at: Moment) -> Result<Option<String>, SigningFailed> {
        let key = self.settings.sp.keys.signer();
        key.map(|key| sp::metadata::signed(&self.settings, key, at)).transpose()
    }
}

/// Inner parts, opened for `fuzz/` alone.
#[cfg(fuzzing)]
pub mod fuzzing {
    use super::xml::{RESPONSE, canonicalize, read};

    /// The exclusive canonical form of a document's root, if the document is accepted.
    pub fn canonical(document: &[u8]) -> Option<String> {
        let tree = read(document, &RESPONSE).ok()?;
        canonicalize(tree.root().ok()?, None, &[]).ok()
    }
}

fn malformed(check: &'static str, expected: impl Into<String>, seen: impl Into<String>) -> VerifyError {
    VerifyError::new(VerifyCode::Malformed, check, expected, seen)
}

fn refused(
    code: VerifyCode,
    check: &'static str,
    expected: impl Into<String>,
    seen: impl Into<String>,
) -> VerifyError {
    VerifyError::new(code, check, expected, seen)
}
