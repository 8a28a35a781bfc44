//! What a hostile response may cost: how much memory is held at one time before it is refused.
//! Bytes are the same in every run; `cargo bench` has the times.

use allocation_counter::measure;
use rolegate::identity::saml::unverified_issuer;

use super::fixture::{EXPECTED, PROVIDER, base64, honest, noon, swap};

/// Puts `content` into the honest response, posts it at both doors, and holds the most that is
/// allocated at one time against twice the document's size.
fn check(what: &str, content: &str, expected: &str) {
    let document = swap(&honest(), "<samlp:Status>", &format!("{content}<samlp:Status>"));
    let posted = base64(document.as_bytes());
    let mut seen = [""; 2];
    let held = measure(|| {
        seen = [
            PROVIDER.verify(&posted, EXPECTED, noon()).map_or_else(|fault| fault.check(), |_| "accepted"),
            unverified_issuer(&posted).map_or_else(|fault| fault.check(), |_| "accepted"),
        ];
    });
    assert_eq!(seen, [expected; 2], "{what}");
    let most = 2 * document.len() as u64;
    assert!(held.bytes_max <= most, "{what}: {} bytes held, at most {most} expected", held.bytes_max);
}

#[test]
fn a_hostile_response_holds_at_most_twice_its_size() {
    const TEN_MB: usize = 10_000_000;
    check("10 MB of text", &"x".repeat(TEN_MB), "saml.size");
    check("10 MB of elements", &"<a></a>".repeat(TEN_MB / 7), "saml.size");
    check("10 MB of one value", &format!("<a b=\"{}\"/>", "x".repeat(TEN_MB)), "saml.size");
    check("10,000 levels", &("<a>".repeat(10_000) + &"</a>".repeat(10_000)), "saml.xml.depth");
    check("40,000 attributes", &format!("<a{}/>", " b=\"\"".repeat(40_000)), "saml.xml.attributes");
    check("50,000 elements", &"<a/>".repeat(50_000), "saml.xml.nodes");
}
