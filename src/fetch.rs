//! The one way out: bounded requests to identity providers and to the STS of others.
//!
//! Redirects are not followed and proxies of the environment not used, so the host that is
//! configured, or named by the provider over TLS, is the host that answers. What a provider names
//! must not lead into our own network either: [`Reach`] says which addresses may be asked, and it
//! is held to the address that is connected to, so that no name can change its meaning in between.
//! `identity` and `issuer` are the callers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Request, Response, StatusCode};
use url::{Host, Url};

use crate::entropy::{self, Entropy};

/// A provider that does not even accept a connection in this time is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The whole exchange. Callers wait for it when a key is missing, so it is short.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Which addresses may be asked beside those of the public Internet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Those of private networks, this machine among them.
    pub private: bool,
    /// Those of this machine, and there by `http` too: for the demo and for tests.
    pub loopback: bool,
}

/// Why a document could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Plain HTTP, and not to this machine.
    #[error("{0} is not https")]
    Insecure(Url),
    /// An address that is out of reach.
    #[error(transparent)]
    Private(#[from] PrivateAddress),
    /// No connection, or no whole answer in time.
    #[error("no answer")]
    Transport(#[from] reqwest::Error),
    /// A status that brings no document.
    #[error("status {0}")]
    Status(StatusCode),
    /// More than may be read.
    #[error("more than {0} bytes")]
    TooLarge(usize),
}

/// A host that may not be asked, because of where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is at {address}, which is no public address: set allow_private_addresses if the provider is really there"
)]
pub struct PrivateAddress {
    host: String,
    address: IpAddr,
}

/// The HTTP client can't be made, as a rule because the system's certificates can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client can't be made")]
pub struct NoClient(#[source] reqwest::Error);

/// A client for outgoing requests within `reach`, with its limits: 2 s to connect, 5 s in all
/// unless the request says otherwise, no redirects, no proxy, TLS 1.2 or later.
pub fn http_client(reach: Reach) -> Result<Client, NoClient> {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Within(reach))
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .user_agent(concat!("rolegate/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(NoClient)
}

impl Reach {
    fn includes(self, address: IpAddr) -> bool {
        is_public(address) || self.private || (self.loopback && address.is_loopback())
    }

    fn check(self, host: &str, address: IpAddr) -> Result<(), PrivateAddress> {
        if self.includes(address) { Ok(()) } else { Err(PrivateAddress { host: host.to_owned(), address }) }
    }
}

/// Looks names up, and gives only addresses within reach.
struct Within(Reach);

impl Resolve for Within {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let within: Vec<_> = found.iter().copied().filter(|one| reach.includes(one.ip())).collect();
            if let (true, Some(first)) = (within.is_empty(), found.first()) {
                reach.check(name.as_str(), first.ip())?;
            }
            Ok(Box::new(within.into_iter()) as Addrs)
        })
    }
}

/// Whether `url` may be asked, as far as its text tells: https, or within reach http to this
/// machine. Where its host is a name, the address is checked when it is looked up.
pub fn is_permitted(url: &Url, reach: Reach) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => reach.loopback && is_loopback(url),
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

/// Sends `request` if its URL is permitted. `http` must be the client for the same reach.
pub async fn send(http: &Client, request: Request, reach: Reach) -> Result<Response, FetchError> {
    let url = request.url();
    if !is_permitted(url, reach) {
        return Err(FetchError::Insecure(url.clone()));
    }
    // No name, no look-up.
    match url.host() {
        Some(Host::Ipv4(address)) => reach.check(&address.to_string(), address.into())?,
        Some(Host::Ipv6(address)) => reach.check(&address.to_string(), address.into())?,
        Some(Host::Domain(_)) | None => {}
    }
    Ok(http.execute(request).await?)
}

/// The body, given up as soon as it has more than `largest` bytes.
pub async fn body(mut response: Response, largest: usize) -> Result<Vec<u8>, FetchError> {
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

/// `interval`, or up to a tenth less, so that many who do the same don't do it at once.
pub fn earlier_by_chance(interval: Duration, entropy: &dyn Entropy) -> Duration {
    // Without randomness there is no harm in being punctual.
    let chance = entropy::bytes::<2>(entropy).map_or(0, u16::from_be_bytes);
    interval - interval / 10 * u32::from(chance) / (u32::from(u16::MAX) + 1)
}

/// An error with its causes, for an operator who sees one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Whether the address is of the public Internet: not among the special-purpose ones of the IANA
/// registries (RFC 6890 and its successors), nor one that leads to such an IPv4 address.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = matches!(
        address.octets(),
        [0 | 10 | 127 | 224.., ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        // Global unicast (RFC 4291, 2.4) is 2000::/3, less what is set apart of it.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        [0x2000..=0x3fff, ..] => true,
        // IPv4 by another name: mapped, and translated (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(embedded(high, low))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: Reach = Reach { private: false, loopback: false };
    const HERE: Reach = Reach { private: false, loopback: true };
    const ANYWHERE: Reach = Reach { private: true, loopback: false };

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
                (is_permitted(&url, ANYWHERE), is_permitted(&url, HERE)),
                (in_production, in_tests),
                "{url}"
            );
            if !in_production && url.scheme() == "http" {
                let http = http_client(ANYWHERE).unwrap();
                let answer = send(&http, http.get(url.clone()).build().unwrap(), ANYWHERE).await;
                assert!(matches!(answer, Err(FetchError::Insecure(_))), "{url}");
            }
        }
    }

    #[test]
    fn public_addresses_are_those_of_the_registries() {
        for public in ["1.1.1.1", "172.32.0.1", "192.0.1.1", "100.128.0.1", "2606:4700::1", "2002:101:101::1"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for special in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::1",
            "100::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
        assert!(
            is_public("::ffff:1.1.1.1".parse().unwrap()) && is_public("64:ff9b::101:101".parse().unwrap())
        );
    }

    /// The address decides, whether it is written down or what a name leads to.
    #[tokio::test]
    async fn what_is_out_of_reach_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let ask = async |url: String, reach| {
            let http = http_client(reach).unwrap();
            let answer = send(&http, http.get(url).build().unwrap(), reach).await;
            with_causes(&answer.map(|_| ()).unwrap_err())
        };
        for host in ["127.0.0.1", "localhost", "[::1]", "10.255.255.1", "[::ffff:127.0.0.1]"] {
            let told = ask(format!("https://{host}:{port}/"), NOWHERE).await;
            assert!(
                told.contains("which is no public address: set allow_private_addresses"),
                "{host}: {told}"
            );
        }
        assert!(tokio::time::timeout(Duration::from_millis(1), listener.accept()).await.is_err());
        // Its twin: the connection is made, and closed before TLS is spoken.
        for (host, reach) in [("127.0.0.1", ANYWHERE), ("localhost", ANYWHERE), ("localhost", HERE)] {
            let (told, accepted) = tokio::join!(ask(format!("https://{host}:{port}/"), reach), async {
                drop(listener.accept().await.unwrap());
            });
            assert_eq!(accepted, ());
            assert!(told.starts_with("no answer") && !told.contains("public"), "{host}: {told}");
        }
    }
}
