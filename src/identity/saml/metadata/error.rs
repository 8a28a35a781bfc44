//! What can be wrong with metadata, each with the way out.

use crate::clock::Moment;
use crate::identity::VerifyError;

/// Metadata that is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It isn't XML of the kind that is accepted.
    #[error("the metadata can't be read")]
    Unreadable(#[source] VerifyError),
    /// Its root is something else.
    #[error(
        "the metadata's root is <{0}>: give an <EntityDescriptor>, or an <EntitiesDescriptor> and `entity`"
    )]
    NotMetadata(String),
    /// It is larger than the metadata of one entity may be.
    #[error("the metadata of one entity has {0} bytes; at most 10000000 are read")]
    TooLarge(usize),
    /// It describes several entities, and nobody said which.
    #[error(
        "the metadata is an aggregate of {count} entities, of which {providers} are identity providers: \
         say which is meant, such as entity = {example:?}"
    )]
    Aggregate {
        /// How many entities it has.
        count: usize,
        /// How many of them have an `IDPSSODescriptor`.
        providers: usize,
        /// The entity id of the first of these.
        example: String,
    },
    /// It does not have the entity that is wanted.
    #[error("none of the aggregate's {count} entities is {entity:?}")]
    NoSuchEntity {
        /// Which is wanted.
        entity: String,
        /// How many entities there are.
        count: usize,
    },
    /// It has the entity that is wanted more than once.
    #[error("the aggregate describes {0:?} more than once: its publisher must say which one counts")]
    EntityTwice(String),
    /// It is the metadata of another entity.
    #[error(
        "the metadata is that of {seen:?}, and not of {expected:?}; if the provider was renamed, write its new \
         name as `entity`"
    )]
    OtherEntity {
        /// The entity that is configured, or that it was before.
        expected: String,
        /// The entity that it describes.
        seen: String,
    },
    /// It has no entity id, or one that is longer than the standard allows (SAML Metadata 2.2.1).
    #[error(
        "the metadata has no entityID of at most 1024 characters: without it no response can be matched to the provider"
    )]
    NoEntityId,
    /// It describes no SAML 2.0 identity provider.
    #[error("the metadata has no IDPSSODescriptor for SAML 2.0: is it the metadata of a service provider?")]
    NoIdentityProvider,
    /// It takes no login requests.
    #[error(
        "the metadata has no SingleSignOnService for HTTP-Redirect or HTTP-POST with an http or https URL"
    )]
    NoLoginUrl,
    /// It has no signing key.
    #[error("the metadata has no signing certificate: without one every response would be refused")]
    NoKeys,
    /// None of its signing keys can be used.
    #[error(
        "none of the metadata's signing certificates can be used: {0}; RSA of 2048 to 8192 bits, and ECDSA on \
         P-256, P-384 or P-521 can"
    )]
    NoUsableKey(String),
    /// It has more keys than a provider may have.
    #[error("the metadata has more than 10 signing keys: remove those that are out of use")]
    TooManyKeys,
    /// A time can't be read.
    #[error("validUntil {0:?} of the metadata is not a time with its zone")]
    BadTime(String),
    /// It was valid once.
    #[error("the metadata was valid until {0}: fetch it again from the identity provider")]
    Expired(Moment),
    /// Its time ends before that of the signed copy in force.
    #[error(
        "the metadata is {}, and the signed copy in force until {in_force}: it may be an old one, played back; \
         if its publisher means it, remove the saved copy and start again",
        seen.map_or_else(|| "without validUntil".to_owned(), |seen| format!("valid until {seen}"))
    )]
    Older {
        /// The end of its time, if it has one.
        seen: Option<Moment>,
        /// The end of the copy in force.
        in_force: Moment,
    },
    /// It must be signed and is not.
    #[error("the metadata's root has no signature, and signed_by wants one")]
    Unsigned,
    /// It is signed in a way that is not supported.
    #[error(
        "the metadata is signed over inclusive canonicalization ({0}): ask its publisher for exclusive \
         canonicalization, which signatures in SAML should use (Core 5.4.3)"
    )]
    InclusiveC14n(String),
    /// It is not signed as it must be.
    #[error("the metadata is not signed by a key of signed_by")]
    Signature(#[source] VerifyError),
    /// A pinned certificate can't be used.
    #[error(
        "certificate {number} is {reason}: use RSA of 2048 to 8192 bits, or ECDSA on P-256, P-384 or P-521"
    )]
    UnusableSigner {
        /// Which one, counted from 1.
        number: usize,
        /// What it is instead.
        reason: String,
    },
    /// Nothing is pinned.
    #[error("there is no certificate in it")]
    NoSigner,
    /// The address must not be asked.
    #[error("{0} can't be asked for metadata: wanted https, without a user name or a fragment")]
    Address(String),
    /// It can't be had.
    #[error("the metadata can't be had: {0}")]
    Unavailable(String),
}

impl MetadataError {
    /// The thread that read it ended before its time.
    pub(super) fn interrupted() -> Self {
        Self::Unavailable("reading it was interrupted".to_owned())
    }
}
