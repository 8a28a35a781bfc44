//! What a provider publishes about itself: the discovery document (OpenID Connect Discovery 1.0
//! section 4) and, through it, the keys.

use reqwest::header::ACCEPT;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use url::Url;

use super::keys::{KeySet, KeySetError};
use crate::fetch::{self, FetchError, Reach, with_causes};

/// Bytes of a discovery document, key set or token response. A hundred keys with certificates
/// fit; what is larger is a mistake or an attack on memory.
pub(super) const LARGEST_DOCUMENT: usize = 256 * 1024;

/// The members of a discovery document that are used here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) jwks_uri: Url,
    pub(super) authorization_endpoint: Option<Url>,
    pub(super) token_endpoint: Option<Url>,
    /// Absent means `client_secret_basic` (section 3).
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// These as text: whether they are of use is found out when they are used, because most logins do
    /// not depend on them.
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) end_session_endpoint: Option<String>,
    /// Whether its answers to logins name it (RFC 9207 section 3).
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// Where one provider is asked, and how.
#[derive(Debug, Clone)]
pub(super) struct Publisher {
    pub(super) issuer: String,
    pub(super) reach: Reach,
    pub(super) http: Client,
}

/// Why the provider's own words can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiscoveryError {
    #[error("the discovery document can't be fetched: {}", with_causes(.0))]
    Document(#[source] FetchError),
    #[error("the discovery document can't be read: {0}")]
    Form(#[source] serde_json::Error),
    #[error("the discovery document is that of {0:?}")]
    Issuer(String),
    #[error("the discovery document names an endpoint without https: {0}")]
    Insecure(Url),
    #[error("the key set can't be fetched: {}", with_causes(.0))]
    Keys(#[source] FetchError),
    #[error("the key set can't be used: {0}")]
    KeySet(#[source] KeySetError),
}

impl Publisher {
    /// Fetches the discovery document. Its issuer must be the configured one to the letter:
    /// otherwise one provider could answer for another (section 4.3).
    pub(super) async fn metadata(&self) -> Result<Metadata, DiscoveryError> {
        let bytes = self.document(&self.document_url()?).await.map_err(DiscoveryError::Document)?;
        let metadata: Metadata = serde_json::from_slice(&bytes).map_err(DiscoveryError::Form)?;
        if metadata.issuer != self.issuer {
            return Err(DiscoveryError::Issuer(metadata.issuer));
        }
        let endpoints = [&metadata.authorization_endpoint, &metadata.token_endpoint];
        for url in endpoints.into_iter().flatten().chain([&metadata.jwks_uri]) {
            if !fetch::is_permitted(url, self.reach) {
                return Err(DiscoveryError::Insecure(url.clone()));
            }
        }
        Ok(metadata)
    }

    /// Fetches the key set that `metadata` points at.
    pub(super) async fn keys(&self, metadata: &Metadata) -> Result<KeySet, DiscoveryError> {
        let bytes = self.document(&metadata.jwks_uri).await.map_err(DiscoveryError::Keys)?;
        KeySet::parse(&bytes).map_err(DiscoveryError::KeySet)
    }

    /// The JSON document at `url`, as bytes.
    async fn document(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let request = self.http.get(url.clone()).header(ACCEPT, "application/json").build()?;
        let response = fetch::send(&self.http, request, self.reach).await?;
        match response.status() {
            StatusCode::OK => fetch::body(response, LARGEST_DOCUMENT).await,
            other => Err(FetchError::Status(other)),
        }
    }

    /// The issuer, less a trailing slash, plus the well-known path (section 4.1).
    fn document_url(&self) -> Result<Url, DiscoveryError> {
        let base = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
        let url = Url::parse(&format!("{base}/.well-known/openid-configuration"));
        url.map_err(|_| DiscoveryError::Issuer(self.issuer.clone()))
    }
}
