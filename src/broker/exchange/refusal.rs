//! Why the token endpoint refuses what no other flow is asked.

/// The token endpoint does not do that, or not for this client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeRefusal {
    /// The client may not ask this way.
    #[error("the client may not use the grant {grant}")]
    Grant {
        /// As the configuration calls it.
        grant: &'static str,
    },
    /// The client may not ask for tokens for this service.
    #[error("the client may not ask for tokens for this service")]
    Target,
    /// The client may not bring the word of this provider.
    #[error("the client may not bring the word of provider {provider}")]
    Provider {
        /// The provider's name.
        provider: String,
    },
    /// A token of ours is exchanged for a token, and for nothing else.
    #[error("a token of this broker can be exchanged for a token only")]
    OnlyToken,
    /// The client must prove that it holds a key (RFC 9449), and did not.
    #[error("the client must send a DPoP proof")]
    NoProof,
    /// A DPoP proof was used before.
    #[error("the DPoP proof was used before")]
    ProofUsed,
    /// A refresh token is no good.
    #[error("the refresh token is no good: {0}")]
    RefreshToken(&'static str),
    /// A refresh token was used before. All that came of its exchange is over.
    #[error("the refresh token was used before: all that came of its exchange is revoked")]
    Reused,
    /// The provider of an identity that was remembered is gone, the client may no longer bring its word,
    /// or its word is no longer taken for the application that it was for.
    #[error("the identity's provider is gone, no longer the client's, or no longer taken at this word")]
    ProviderGone,
    /// The login that a remembered identity comes of was ended since.
    #[error("the login that it comes of was ended")]
    LoginEnded,
    /// A device code is no good.
    #[error("the device code is no good: {0}")]
    DeviceCode(&'static str),
    /// Nobody approved a device's request while it was good.
    #[error("nobody answered the device's request in time")]
    DeviceExpired,
    /// A person denied a device's request.
    #[error("the person denied the device's request")]
    DeviceDenied,
    /// A device asks more often than it was told to.
    #[error("the device asks too often")]
    DeviceTooFast,
    /// A token that is to be revoked was given to another client.
    #[error("the token was given to another client")]
    OfAnother,
    /// Credentials are not revoked by their session token.
    #[error("a session token can't be revoked by itself")]
    NotRevocable,
    /// A token of ours is no good.
    #[error("the token can't be exchanged: {0}")]
    SubjectToken(&'static str),
}

impl ExchangeRefusal {
    /// The stable name of what refused it.
    pub const fn check(&self) -> &'static str {
        match self {
            Self::Grant { .. } => "oauth.client.grant",
            Self::Target => "oauth.target",
            Self::Provider { .. } => "oauth.client.provider",
            Self::OnlyToken => "oauth.exchange.only-token",
            Self::NoProof => "oauth.proof.missing",
            Self::ProofUsed => "oauth.proof.used",
            Self::RefreshToken(_) => "oauth.refresh.token",
            Self::Reused => "oauth.refresh.reused",
            Self::ProviderGone => "oauth.provider-gone",
            Self::LoginEnded => "oauth.login-ended",
            Self::DeviceCode(_) => "oauth.device.code",
            Self::DeviceExpired => "oauth.device.expired",
            Self::DeviceDenied => "oauth.device.denied",
            Self::DeviceTooFast => "oauth.device.pace",
            Self::OfAnother => "oauth.revoke.client",
            Self::NotRevocable => "oauth.revoke.kind",
            Self::SubjectToken(_) => "oauth.exchange.token",
        }
    }
}
