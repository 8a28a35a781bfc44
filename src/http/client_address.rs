//! Where a request comes from.
//!
//! That is whoever opened the connection, unless it is a proxy that is trusted (`listen.trusted_proxies`): then
//! the last address in `X-Forwarded-For` that is not one of those proxies. What stands before it, the client
//! itself may have written. Where a trusted proxy says nothing, or something that is no address, nobody knows:
//! a rule or policy that asks for an address does not apply then.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;

use crate::network::Network;

/// Where each proxy adds who spoke to it.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address, if anybody knows it.
pub(super) fn of(request: &HttpRequest, trusted: &[Network]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    if !is_among(trusted, peer) {
        return Some(peer);
    }
    let lines: Vec<_> = request.headers().get_all(FORWARDED_FOR).collect();
    let mut furthest = None;
    for line in lines.into_iter().rev() {
        for entry in line.to_str().ok()?.rsplit(',') {
            let address = address(entry.trim())?;
            if !is_among(trusted, address) {
                return Some(address);
            }
            furthest = Some(address);
        }
    }
    furthest
}

/// An address as proxies write it, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse().ok();
    bare.or_else(|| text.parse::<SocketAddr>().ok().map(|it| it.ip())).map(|it: IpAddr| it.to_canonical())
}

fn is_among(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(peer: &str, lines: &[&str]) -> Option<String> {
        let trusted = ["127.0.0.0/8", "10.0.0.0/8"].map(|text| Network::parse(text).unwrap());
        let mut request = TestRequest::get().peer_addr(SocketAddr::new(peer.parse().unwrap(), 7));
        for line in lines {
            request = request.append_header((FORWARDED_FOR, *line));
        }
        of(&request.to_http_request(), &trusted).map(|address| address.to_string())
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, lines, expected) in [
            ("192.0.2.7", &[][..], Some("192.0.2.7")),
            ("192.0.2.7", &["198.51.100.1"], Some("192.0.2.7")),
            ("127.0.0.1", &["198.51.100.1"], Some("198.51.100.1")),
            ("127.0.0.1", &["198.51.100.1:4711"], Some("198.51.100.1")),
            ("127.0.0.1", &["[2001:db8::1]:4711"], Some("2001:db8::1")),
            ("127.0.0.1", &["::ffff:198.51.100.1"], Some("198.51.100.1")),
            ("::ffff:127.0.0.1", &["2001:db8::1"], Some("2001:db8::1")),
            // What the client wrote itself stands first.
            ("127.0.0.1", &["203.0.113.9, 198.51.100.1"], Some("198.51.100.1")),
            ("127.0.0.1", &["203.0.113.9", "198.51.100.1"], Some("198.51.100.1")),
            ("127.0.0.1", &["203.0.113.9,198.51.100.1, 10.0.0.5"], Some("198.51.100.1")),
            ("127.0.0.1", &["nonsense, 198.51.100.1"], Some("198.51.100.1")),
            ("127.0.0.1", &["10.0.0.9, 10.0.0.5"], Some("10.0.0.9")),
        ] {
            assert_eq!(seen(peer, lines).as_deref(), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_proxy_that_says_nothing_sensible_leaves_it_unknown() {
        for lines in
            [&[][..], &[""], &["198.51.100.1, unknown"], &["198.51.100.1,"], &["198.51.100.1, 10.0.0.5:x"]]
        {
            assert_eq!(seen("127.0.0.1", lines), None, "{lines:?}");
        }
    }
}
