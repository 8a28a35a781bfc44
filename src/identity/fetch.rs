//! The one way out: bounded requests to an identity provider.
//!
//! Redirects are not followed and proxies of the environment not used, so the host that is
//! configured, or named by the provider over TLS, is the host that answers. `oidc` and the
//! metadata of `saml` are the callers.

use std::time::Duration;

use reqwest::{Client, Request, Response, StatusCode};
use url::{Host, Url};

/// A provider that does not even accept a connection in this time is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The whole exchange. Callers wait for it when a key is missing, so it is short.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a document could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{0} is not https")]
    Insecure(Url),
    #[error("no answer")]
    Transport(#[from] reqwest::Error),
    #[error("status {0}")]
    Status(StatusCode),
    #[error("more than {0} bytes")]
    TooLarge(usize),
}

/// The HTTP client can't be made, as a rule because the system's certificates can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client can't be made")]
pub struct NoClient(#[source] reqwest::Error);

/// The client for every outgoing request, with its limits: 2 s to connect, 5 s in all unless the
/// request says otherwise, no redirects, no proxy, TLS 1.2 or later.
pub fn http_client() -> Result<Client, NoClient> {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .user_agent(concat!("rolegate/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(NoClient)
}

/// Whether `url` may be asked: https, or http to this machine where the provider is set so.
pub(super) fn is_permitted(url: &Url, allow_loopback_http: bool) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => allow_loopback_http && is_loopback(url),
        _ => false,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Sends `request` if its URL is permitted.
pub(super) async fn send(
    http: &Client,
    request: Request,
    allow_loopback_http: bool,
) -> Result<Response, FetchError> {
    if !is_permitted(request.url(), allow_loopback_http) {
        return Err(FetchError::Insecure(request.url().clone()));
    }
    Ok(http.execute(request).await?)
}

/// The body, given up as soon as it has more than `largest` bytes.
pub(super) async fn body(mut response: Response, largest: usize) -> Result<Vec<u8>, FetchError> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > largest) {
        return Err(FetchError::TooLarge(largest));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > largest {
            return Err(FetchError::TooLarge(largest));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes, for an operator who sees one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_https_and_this_machine_are_asked() {
        for (url, in_production, in_tests) in [
            ("https://idp.example.com/", true, true),
            ("http://127.0.0.1:1/", false, true),
            ("http://[::1]:1/", false, true),
            ("http://localhost:1/", false, true),
            ("http://idp.example.com/", false, false),
            ("http://localhost.example.com/", false, false),
            ("http://127.0.0.1@192.0.2.1/", false, false),
            ("http://[::ffff:192.0.2.1]/", false, false),
            ("file:///etc/passwd", false, false),
        ] {
            let url: Url = url.parse().unwrap();
            assert_eq!(
                (is_permitted(&url, false), is_permitted(&url, true)),
                (in_production, in_tests),
                "{url}"
            );
            if !in_production && url.scheme() == "http" {
                let http = http_client().unwrap();
                let answer = send(&http, http.get(url.clone()).build().unwrap(), false).await;
                assert!(matches!(answer, Err(FetchError::Insecure(_))), "{url}");
            }
        }
    }
}
