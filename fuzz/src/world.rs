//! The fixed world: who verifies, whom he trusts, and what honest responses say.

use std::sync::LazyLock;

use rolegate::clock::Moment;
use rolegate::identity::FederatedIdentity;
use rolegate::identity::saml::{Accept, Answer, Expect, SamlProvider, SamlSettings, SpKeys};

use crate::fixture::{self, ACS, Key, REQUEST, SENT, Signing};
use crate::reference::canonical;

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
pub(crate) static PROVIDER: LazyLock<SamlProvider> = LazyLock::new(|| trusting(fixture::settings()));

/// The same, with every laxity that can be configured.
pub(crate) static LAX: LazyLock<SamlProvider> = LazyLock::new(|| {
    let accept = Accept {
        sha1: true,
        signed_response: true,
        any_audience: true,
        any_recipient: true,
        any_response_issuer: true,
        early: true,
        aes_cbc: true,
    };
    trusting(SamlSettings { accept, ..fixture::settings() })
});

/// A key to encrypt to, and the provider whose assertions it opens.
pub(crate) static DECRYPTING: LazyLock<(Key, SamlProvider)> = LazyLock::new(|| {
    let key = Key::rsa();
    let mut settings = SamlSettings { must_be_encrypted: true, ..fixture::settings() };
    settings.sp.keys = SpKeys::new(vec![key.ours()]).expect("one key");
    (key, trusting(settings))
});

/// The same provider with a key that signed nothing.
pub(crate) static STRANGER: LazyLock<SamlProvider> = LazyLock::new(|| {
    let metadata = fixture::metadata(&[&Key::rsa()]);
    SamlProvider::new(fixture::settings(), metadata.as_bytes(), now()).expect("honest metadata")
});

fn trusting(settings: SamlSettings) -> SamlProvider {
    SamlProvider::new(settings, METADATA.as_bytes(), now()).expect("honest metadata")
}

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
    Expect { recipient: Some(ACS), in_response_to: Answer::To { id: REQUEST, sent: SENT } };
/// What the STS API expects: less.
pub(crate) const ANY: Expect<'static> = Expect { recipient: None, in_response_to: Answer::Any };
/// What no honest document fits: other requests, other places.
pub(crate) const NEVER: [Expect<'static>; 3] = [
    Expect { recipient: Some(ACS), in_response_to: Answer::To { id: "_other", sent: SENT } },
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

/// The signed assertion of each honest document.
pub(crate) static ASSERTIONS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let within = |document: &&'static str| {
        let name = if document.contains("</Assertion>") { "Assertion" } else { "saml:Assertion" };
        let (start, end) = (format!("<{name} "), format!("</{name}>"));
        let (from, to) = (document.find(&start), document.find(&end));
        &document[from.expect("a start tag")..(to.expect("an end tag") + end.len())]
    };
    DOCUMENTS.iter().map(within).collect()
});

/// Metadata that the federation signed: of the honest provider alone, and in a group with others.
pub(crate) static PUBLISHED: LazyLock<[String; 2]> = LazyLock::new(|| {
    let xmlns = " xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\"";
    let signed = |xml: String| {
        let (root, rest) = xml.split_once('>').expect("a root");
        format!("{root}>{}{rest}", Signing::of("_m").sign(&canonical(&xml).expect("well-formed")))
    };
    let alone = METADATA.replacen(" entityID", " ID=\"_m\" entityID", 1);
    let honest = METADATA.replacen(xmlns, "", 1);
    let other =
        fixture::metadata(&[&fixture::ATTACKER]).replacen(xmlns, "", 1).replace(fixture::IDP, "urn:other");
    let group = format!("<EntitiesDescriptor{xmlns} ID=\"_m\">{other}{honest}{other}</EntitiesDescriptor>");
    [signed(alone), signed(group)]
});
