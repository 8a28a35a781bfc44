//! Origins as browsers send them (RFC 6454 section 6.2), which are compared and not parsed.

use url::Url;

use super::snapshot::is_loopback;

/// What to write instead of `text`, of whom `example` is one; nothing where it is such an origin.
pub(super) fn instead_of(text: &str, example: &str) -> Option<String> {
    let url = Url::parse(text).ok();
    let is_web = |url: &&Url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
    // A pattern would be taken for a name, and match nobody.
    let exact = url.as_ref().filter(is_web).map(|url| url.origin().ascii_serialization());
    match exact.filter(|exact| !exact.contains('*')) {
        Some(exact) if exact == text => None,
        Some(exact) => Some(format!("write {exact:?}")),
        None => {
            Some(format!("write scheme and host, such as {example}; http is for loopback addresses only"))
        }
    }
}
