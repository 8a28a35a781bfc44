//! The fixed world: who verifies, whom he trusts, and what honest responses say.

use std::sync::LazyLock;

use rolegate::clock::Moment;
use rolegate::identity::FederatedIdentity;
use rolegate::identity::saml::{Answer, Expect, SamlProvider};

use crate::fixture::{self, ACS, REQUEST};

/// Signed responses of every shape that the fixture can write, each for another subject.
pub(crate) const DOCUMENTS: [&str; 7] = [
    include_str!("../honest/plain.xml"),
    include_str!("../honest/both.xml"),
    include_str!("../honest/prefixes.xml"),
    include_str!("../honest/unprefixed.xml"),
    include_str!("../honest/elliptic.xml"),
    include_str!("../honest/aws.xml"),
    include_str!("../honest/indented.xml"),
];

/// Who is trusted: the two keys that signed them.
pub(crate) const METADATA: &str = include_str!("../honest/metadata.xml");

/// Trusts the keys of the honest documents.
pub(crate) static PROVIDER: LazyLock<SamlProvider> = LazyLock::new(|| {
    SamlProvider::new(fixture::settings(), METADATA.as_bytes(), now()).expect("honest metadata")
});

/// The same provider with a key that signed nothing.
pub(crate) static STRANGER: LazyLock<SamlProvider> = LazyLock::new(|| {
    let metadata = fixture::metadata(&[&fixture::Key::rsa()]);
    SamlProvider::new(fixture::settings(), metadata.as_bytes(), now()).expect("honest metadata")
});

/// Everything that each honest document says, in its order.
pub(crate) static IDENTITIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let verified = |document: &&str| {
        let identity = PROVIDER.verify(&fixture::base64(document.as_bytes()), ASKED, now());
        everything(&identity.expect("an honest document: make them anew by the example `honest`"))
    };
    DOCUMENTS.iter().map(verified).collect()
});

/// What the honest documents answer to.
pub(crate) const ASKED: Expect<'static> =
    Expect { recipient: Some(ACS), in_response_to: Answer::To(REQUEST) };
/// What the STS API expects: less.
pub(crate) const ANY: Expect<'static> = Expect { recipient: None, in_response_to: Answer::Any };
/// What no honest document fits: other requests, other places.
pub(crate) const NEVER: [Expect<'static>; 3] = [
    Expect { recipient: Some(ACS), in_response_to: Answer::To("_other") },
    Expect { recipient: Some(ACS), in_response_to: Answer::Unsolicited },
    Expect { recipient: Some("https://other.example.com/acs"), in_response_to: Answer::Any },
];

/// When everything happens.
pub(crate) fn now() -> Moment {
    fixture::noon()
}

/// Every part of an identity, to be compared.
pub(crate) fn everything(identity: &FederatedIdentity) -> String {
    format!("{identity:?}")
}
