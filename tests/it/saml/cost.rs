//! What a hostile response may cost: how much memory is held at one time before it is refused.
//! Bytes are the same in every run; `cargo bench` has the times.

use allocation_counter::measure;
use rolegate::identity::saml::unverified_issuer;

use super::fixture::{EXPECTED, PROVIDER, base64, honest, noon, swap};

/// The most that is allocated at one time while `content`, in the honest response, meets with
/// `expected` at each of both doors; and the size of the document.
#[track_caller]
fn held(what: &str, content: &str, expected: [&str; 2]) -> (u64, u64) {
    let document = swap(&honest(), "<samlp:Status>", &format!("{content}<samlp:Status>"));
    let posted = base64(document.as_bytes());
    let mut seen = [""; 2];
    let held = measure(|| {
        seen = [
            PROVIDER.verify(&posted, EXPECTED, noon()).map_or_else(|fault| fault.check(), |_| "accepted"),
            unverified_issuer(&posted).map_or_else(|fault| fault.check(), |_| "accepted"),
        ];
    });
    assert_eq!(seen, expected, "{what}");
    (held.bytes_max, document.len() as u64)
}

#[test]
fn a_hostile_response_holds_at_most_twice_its_size() {
    const TEN_MB: usize = 10_000_000;
    for (what, content, expected) in [
        ("10 MB of text", "x".repeat(TEN_MB), "saml.size"),
        ("10 MB of elements", "<a></a>".repeat(TEN_MB / 7), "saml.size"),
        ("10 MB of one value", format!("<a b=\"{}\"/>", "x".repeat(TEN_MB)), "saml.size"),
        ("10,000 levels", "<a>".repeat(10_000) + &"</a>".repeat(10_000), "saml.xml.depth"),
        ("40,000 attributes", format!("<a{}/>", " b=\"\"".repeat(40_000)), "saml.xml.attributes"),
    ] {
        let (held, size) = held(what, &content, [expected; 2]);
        assert!(held <= 2 * size, "{what}: {held} bytes held for {size}");
    }
}

/// What fits the limits is parsed to the end, and a small tag makes a larger node. It is a few
/// megabytes at most, whatever is sent.
#[test]
fn a_response_within_the_limits_holds_at_most_five_megabytes() {
    let attributes: String = (0..40).map(|n| format!(" b{n}=\"\"")).collect();
    for (what, content) in [
        ("8,000 elements", "<a/>".repeat(8_000)),
        ("16,000 attributes", format!("<a{attributes}/>").repeat(400)),
    ] {
        let (held, _) = held(what, &content, ["saml.structure.child", "accepted"]);
        assert!(held <= 5_000_000, "{what}: {held} bytes held");
    }
}
