//! What a verification is held to besides the provider's metadata: the operator's settings, and
//! what the place where a response arrived expects of it.

use std::time::Duration;

use super::sp::request::SpSettings;
use crate::arn::ProviderArn;
use crate::clock::Moment;

/// What we know about a provider that is not in its metadata.
#[derive(Debug, Clone)]
pub struct SamlSettings {
    /// The provider's ARN.
    pub arn: ProviderArn,
    /// Its name in the configuration.
    pub name: String,
    /// Our own entity id towards it.
    pub entity_id: String,
    /// Audiences that mean us, compared exactly.
    pub audiences: Vec<String>,
    /// Every assertion consumer URL of ours for this provider, compared exactly. The first is the
    /// one that our metadata recommends.
    pub recipients: Vec<String>,
    /// How far its clock and ours may differ.
    pub clock_skew: Duration,
    /// How old an assertion may be, by its `IssueInstant`, when it is used.
    pub max_age: Duration,
    /// Authentication context classes of which the assertion must state one, and which a login
    /// request asks for. Empty: any will do.
    pub authn_contexts: Vec<String>,
    /// Whether an assertion in clear is refused.
    pub must_be_encrypted: bool,
    /// What is borne beyond the strict profile.
    pub accept: Accept,
    /// Our side: keys, and how a login is asked for.
    pub sp: SpSettings,
}

/// What is borne of a provider beyond the strict profile, each at its own risk. Most of it is
/// what AWS was observed to accept (facts 2.2). The default is none of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accept {
    /// RSA signatures and digests with SHA-1, for which collisions can be bought.
    pub sha1: bool,
    /// A signed response around an assertion that has no signature of its own. The whole
    /// response is what is read then.
    pub signed_response: bool,
    /// Assertions that are meant for another audience, or for nobody in particular.
    pub any_audience: bool,
    /// Assertions that were to be delivered somewhere else.
    pub any_recipient: bool,
    /// A response whose `Issuer` is not the assertion's.
    pub any_response_issuer: bool,
    /// Assertions before their `NotBefore`.
    pub early: bool,
    /// AES-CBC, where the response around the ciphertext is signed.
    pub aes_cbc: bool,
}

/// What the place where a response arrived expects of it.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// Exactly this consumer URL, or with `None` any of [`SamlSettings::recipients`] (the STS
    /// API has no URL of its own).
    pub recipient: Option<&'a str>,
    /// The question that is answered.
    pub in_response_to: Answer<'a>,
}

/// Which `InResponseTo` is acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The request that we sent.
    To {
        /// Its `ID`.
        id: &'a str,
        /// When it was sent.
        sent: Moment,
    },
    /// None: nobody asked.
    Unsolicited,
    /// Not looked at: the STS API does not know who asked.
    Any,
}
