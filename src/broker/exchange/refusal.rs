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
            Self::SubjectToken(_) => "oauth.exchange.token",
        }
    }
}
