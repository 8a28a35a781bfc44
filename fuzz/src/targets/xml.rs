//! XML: our parser and canonicalizer beside those of others.

use bergshamra_c14n::C14nMode;
use rolegate::identity::saml::fuzzing::canonical;

use crate::{reference, tree};

/// A document, or bytes to grow one from: what is accepted is well-formed, its canonical form is the
/// one that other parsers and canonicalizers come to, and canonical it stays.
pub fn xml(bytes: &[u8]) {
    match bytes.first() {
        Some(b'<' | 0xef) => document(bytes),
        Some(_) => document(tree::grown(bytes).as_bytes()),
        None => {}
    }
}

fn document(bytes: &[u8]) {
    let Some(ours) = canonical(bytes) else { return };
    assert_eq!(canonical(ours.as_bytes()).as_ref(), Some(&ours), "canonical once, and not twice");
    let document = std::str::from_utf8(bytes).expect("UTF-8, for it was accepted");
    let Some(reference) = reference::canonical(document) else {
        // Names beyond ASCII are let through here, because they equal no name that is looked for.
        assert!(!document.is_ascii(), "accepted, and not well-formed: {document:?}");
        return;
    };
    assert_eq!(ours, reference, "{document:?}");
    // bergshamra leaves white space in attribute values as it was typed, so it gets what is
    // canonical already.
    let third = bergshamra_c14n::canonicalize::<&str>(&ours, C14nMode::Exclusive, None, &[]);
    assert_eq!(third.ok().as_deref(), Some(ours.as_bytes()), "{document:?}");
}
