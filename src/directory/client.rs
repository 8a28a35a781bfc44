//! OAuth clients.

use std::time::Duration;

use crate::secret::Secret;

/// An application that asks at the token endpoint.
#[derive(Debug)]
pub struct Client {
    /// Its `client_id`.
    pub id: String,
    /// What people are shown; `None`: its id.
    pub label: Option<String>,
    /// Its secret; `None` for a public client.
    pub secret: Option<Secret<String>>,
    /// The origins of its pages, as browsers send them.
    pub origins: Vec<String>,
    /// Whether it may exchange tokens (RFC 8693).
    pub may_exchange: bool,
    /// Whether it may have people approve it elsewhere (RFC 8628).
    pub may_use_devices: bool,
    /// How it may refresh, if it may.
    pub refresh: Option<RefreshTerms>,
    /// The services that it may ask tokens for.
    pub audiences: Vec<String>,
    /// The names of the providers whose word it may bring; `None`: every one's.
    pub providers: Option<Vec<String>>,
    /// Whether it may ask about tokens (RFC 7662). Then it has a secret.
    pub may_introspect: bool,
    /// Whether it may ask what sessions may do. Then it has a secret.
    pub may_authorize: bool,
    /// Whether it must prove that it holds a key (RFC 9449).
    pub must_prove_key: bool,
    /// Whether a proof must hold a nonce of ours.
    pub proves_with_nonce: bool,
}

/// How a client may refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshTerms {
    /// How long after the exchange the last refresh may be.
    pub lifetime: Duration,
    /// The longest time between two.
    pub idle: Option<Duration>,
}

impl Client {
    /// Whether it may bring the word of the provider called `name`.
    pub fn may_use(&self, name: &str) -> bool {
        self.providers.as_ref().is_none_or(|names| names.iter().any(|one| one == name))
    }

    /// Whether it may ask for a token for `audience`, compared character by character.
    pub fn may_ask_for(&self, audience: &str) -> bool {
        self.audiences.iter().any(|one| one == audience)
    }

    /// Whether scripts of the pages of `origin` may ask in its name.
    pub fn is_at(&self, origin: &str) -> bool {
        self.origins.iter().any(|one| one == origin)
    }
}
