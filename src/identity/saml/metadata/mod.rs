//! A provider's metadata (SAML Metadata 2.0): who it is, where it takes requests, and which keys
//! are its own.
//!
//! Whoever configures a provider vouches for its metadata; it passes the same scan and parser as
//! a response all the same. With `signed_by` the publisher's signature vouches instead, and then
//! **metadata is read only from the canonical bytes whose digest was verified**. Without it a
//! signature is not looked at: a key that comes with the document proves nothing.
//!
//! - `read` is from bytes to the one entity that is meant, `entity` from there to [`Metadata`]
//! - `live` holds the copy in force, and exchanges it for a good new one only
//! - `source` and `copy` fetch it and keep the last good one, `refresh` says when, `state` how it
//!   is doing

mod copy;
mod duration;
mod entity;
mod error;
mod live;
mod read;
mod refresh;
mod source;
mod state;

use std::time::Duration;

pub use self::error::MetadataError;
pub(super) use self::live::Live;
pub use self::refresh::Refreshed;
pub use self::source::MetadataUrl;
pub(super) use self::source::Source;
pub use self::state::MetadataState;
use super::keys::{Certificate, Keys};
use crate::clock::Moment;
use crate::identity::saml::sp::binding::{Binding, Endpoint};
use crate::identity::saml::xml::{Limits, scan};

/// What is used of a provider's metadata.
#[derive(Debug)]
pub(super) struct Metadata {
    /// Who it is, and the `Issuer` of all that it says.
    pub(super) entity_id: String,
    /// What it signs with.
    pub(super) keys: Keys,
    /// Where it takes login requests by HTTP-Redirect. This or the next is there.
    pub(super) sso_redirect: Option<Endpoint>,
    /// Where it takes login requests by HTTP-POST.
    pub(super) sso_post: Option<Endpoint>,
    /// Where it takes part in a logout by HTTP-Redirect.
    pub(super) slo_redirect: Option<ResponseLocation>,
    /// Where it takes part in a logout by HTTP-POST.
    pub(super) slo_post: Option<ResponseLocation>,
    /// Whether it refuses login requests without a signature.
    pub(super) want_authn_requests_signed: bool,
    /// The earliest `validUntil` of the entity, its role and everything around them.
    pub(super) valid_until: Option<Moment>,
    /// The shortest `cacheDuration` of the same.
    pub(super) cache_duration: Option<Duration>,
    /// What is in the document and could not be used.
    pub(super) warnings: Vec<String>,
}

/// A `SingleLogoutService` (SAML Metadata 2.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResponseLocation {
    /// How messages come there.
    pub(super) binding: Binding,
    /// `Location`: where requests go.
    pub(super) requests: Endpoint,
    /// `ResponseLocation`, or where there is none, `Location`: where responses go.
    pub(super) responses: Endpoint,
}

/// What a document must be to be believed.
#[derive(Debug, Default)]
pub struct MetadataTerms {
    entity: Option<String>,
    signers: Option<Keys>,
}

impl MetadataTerms {
    /// The document must be, or hold, the metadata of `entity`; with `None`, be that of one
    /// entity, whichever.
    pub const fn new(entity: Option<String>) -> Self {
        Self { entity, signers: None }
    }

    /// The document's root must be signed by the key of one of these DER certificates. Their dates
    /// do not matter: whoever pins a certificate pins its key. None, or one that can't be used, is
    /// an error.
    pub fn signed_by<T: AsRef<[u8]>>(mut self, certificates: &[T]) -> Result<Self, MetadataError> {
        let mut keys = Keys::default();
        for (index, certificate) in certificates.iter().enumerate() {
            let unusable = |reason| MetadataError::UnusableSigner { number: index + 1, reason };
            keys.add(certificate.as_ref()).map_err(|fault| unusable(fault.0))?;
        }
        if keys.len() == 0 {
            return Err(MetadataError::NoSigner);
        }
        self.signers = Some(keys);
        Ok(self)
    }

    /// What a document may cost: only who names an entity can want an aggregate.
    pub(super) const fn limits(&self) -> &'static Limits {
        if self.entity.is_some() { &scan::AGGREGATE } else { &scan::METADATA }
    }
}
