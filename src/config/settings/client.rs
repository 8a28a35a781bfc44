//! What may be written about OAuth clients: `[[client]]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::SecretRef;
use crate::config::span::Span;

/// `[[client]]`: an application that asks at `/oauth2/token`, or a service that asks about tokens.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    /// Its `client_id`: 1 to 128 letters, digits, `.`, `_` or `-`.
    pub id: String,
    /// What people are shown who approve a device of it, 1 to 64 characters. Default: its id.
    pub label: Option<String>,
    /// Its secret: at least 20 visible ASCII characters, neither `+` nor `%`, which clients disagree about
    /// how to send. Without one it is a public client, as an app on a phone or in a browser is.
    pub secret: Option<SecretRef>,
    /// The origins of its pages, exactly as browsers send them, such as `https://app.example.com`:
    /// scripts of these pages, and of no others, may ask. `https`, or `http` on loopback.
    #[serde(default)]
    pub origins: Vec<String>,
    /// What it may ask for tokens with.
    #[serde(default)]
    pub grants: Vec<ClientGrant>,
    /// The services that it may ask JSON Web Tokens for, by `audience` or `resource`, each written as
    /// the service knows itself. Without any it gets AWS-style credentials only.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// The providers whose word it may bring, by name. Default: every provider.
    pub providers: Option<Vec<String>>,
    /// Whether it may ask `/oauth2/introspect` about tokens. It must have a secret.
    #[serde(default)]
    pub introspection: bool,
    /// Whether it may ask `/v1/authorize` what sessions may do. It must have a secret.
    #[serde(default)]
    pub authorization: bool,
    /// Whether each of its requests for tokens must prove that it holds a key (DPoP, RFC 9449, with
    /// ES256). Tokens and refresh tokens are bound to that key; so they are where the client proves one
    /// without having to.
    #[serde(default)]
    pub dpop: bool,
    /// Whether each proof must also hold a nonce that the broker gave the client within five minutes (RFC 9449,
    /// section 8), so that proofs can't be made for later by whoever has the key for a while. Then `dpop` need not be
    /// written.
    #[serde(default)]
    pub dpop_nonces: bool,
    /// How long refresh tokens of one exchange may follow each other, `1h` to `90d`. Default `30d`.
    pub refresh_lifetime: Option<Span>,
    /// The longest time between two refreshes. Default: none, but for `refresh_lifetime`.
    pub refresh_idle: Option<Span>,
}

/// What a client may ask for tokens with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientGrant {
    /// The word of an identity provider, or a token of ours (RFC 8693).
    TokenExchange,
    /// The approval of a person who signs in elsewhere (RFC 8628): for command lines and televisions.
    Device,
    /// A refresh token, which it then gets with each exchange and each approval.
    Refresh,
}

/// What [`ClientSettings::refresh_lifetime`] is without being written.
pub(in crate::config) const DEFAULT_REFRESH_LIFETIME: Span = Span(Duration::from_secs(30 * 24 * 3600));
