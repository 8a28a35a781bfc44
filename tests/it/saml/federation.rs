//! Metadata that somebody signs, and metadata of many.

use rolegate::identity::VerifyCode;
use rolegate::identity::saml::{MetadataError, MetadataTerms, Refreshed, SamlProvider};

use super::fixture::{
    ATTACKER, ENVELOPED, EXCLUSIVE, EXPECTED, HONEST, IDP, Key, SHA256, Signing, base64, element, honest,
    metadata, noon, settings, swap,
};

const XMLNS: &str = " xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\"";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";

/// Reads `xml` as a provider's file would be.
fn read(xml: &str, terms: MetadataTerms) -> Result<SamlProvider, MetadataError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metadata.xml");
    std::fs::write(&file, xml).unwrap();
    SamlProvider::from_file(settings(), file, terms, noon())
}

/// Metadata must be signed by one of these keys.
fn pinned(keys: &[&Key]) -> MetadataTerms {
    let certificates: Vec<_> = keys.iter().map(|key| &key.certificate).collect();
    MetadataTerms::default().signed_by(&certificates).unwrap()
}

fn of(entity: &str) -> MetadataTerms {
    MetadataTerms::new(Some(entity.to_owned()))
}

/// What is wrong with `xml`: the check of a refused signature, else the kind of error.
fn refusal(xml: &str, terms: MetadataTerms) -> String {
    match read(xml, terms) {
        Ok(_) => "accepted".to_owned(),
        Err(MetadataError::Signature(fault)) => fault.check().to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

/// The honest provider's metadata with the ID `_m`, unsigned.
fn entity() -> String {
    swap(&metadata(&[&HONEST]), " entityID", " ID=\"_m\" entityID")
}

/// An entity as it stands in a group.
fn member(entity_id: &str) -> String {
    swap(&metadata(&[&HONEST]), XMLNS, "").replace(IDP, entity_id)
}

/// A group with the ID `_m`.
fn group(content: &str) -> String {
    format!("<EntitiesDescriptor{XMLNS} ID=\"_m\">{content}</EntitiesDescriptor>")
}

/// `xml` with the signature as the first child of its root.
fn with_signature(xml: &str, signature: &str) -> String {
    let (root, rest) = xml.split_once('>').unwrap();
    format!("{root}>{signature}{rest}")
}

fn signed(xml: &str) -> String {
    with_signature(xml, &Signing::of("_m").sign(xml))
}

fn accepts(provider: &SamlProvider) -> bool {
    provider.verify(&base64(honest().as_bytes()), EXPECTED, noon()).is_ok()
}

#[test]
fn a_pinned_key_vouches_for_the_whole_document() {
    let good = signed(&entity());
    let provider = read(&good, pinned(&[&HONEST])).unwrap();
    assert!(accepts(&provider));
    assert_eq!(provider.issuer(), Some(IDP));
    assert!(read(&good, pinned(&[&ATTACKER, &HONEST])).is_ok(), "any of several");
    let commented = swap(&good, "<KeyDescriptor>", "<!-- not signed, and not read --><KeyDescriptor>");
    assert!(accepts(&read(&commented, pinned(&[&HONEST])).unwrap()));
    let aggregate = signed(&group(&member(IDP)));
    assert!(accepts(&read(&aggregate, of(IDP).signed_by(&[&HONEST.certificate]).unwrap()).unwrap()));
}

/// Who stands between us and the publisher has yesterday's document, with its genuine signature and
/// a key that was withdrawn since.
#[tokio::test]
async fn a_signed_document_is_not_replaced_by_an_older_one() {
    let until = |day: &str| format!(" validUntil=\"2026-12-{day}T12:00:00Z\"");
    let of_day = |keys: &[&Key], until: &str| {
        let xml = swap(&metadata(keys), " entityID", " ID=\"_m\" entityID");
        signed(&swap(&xml, &format!("\"{IDP}\""), &format!("\"{IDP}\"{until}")))
    };
    let yesterday = of_day(&[&HONEST, &ATTACKER], &until("15"));
    let today = of_day(&[&HONEST], &until("16"));
    let trouble = |seen: &str| {
        format!("the metadata is {seen}, and the signed copy in force until 2026-12-16T12:00:00Z: it may be")
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metadata.xml");
    for (what, terms, next, outcome, expected) in [
        ("newer", pinned(&[&HONEST]), of_day(&[&ATTACKER], &until("17")), "renewed", String::new()),
        ("as old", pinned(&[&HONEST]), of_day(&[&ATTACKER], &until("16")), "renewed", String::new()),
        (
            "older",
            pinned(&[&HONEST]),
            yesterday.clone(),
            "failed",
            trouble("valid until 2026-12-15T12:00:00Z"),
        ),
        ("no end", pinned(&[&HONEST]), of_day(&[&ATTACKER], ""), "failed", trouble("without validUntil")),
        ("older, and nobody vouches", MetadataTerms::default(), yesterday, "renewed", String::new()),
    ] {
        std::fs::write(&file, &today).unwrap();
        let provider = SamlProvider::from_file(settings(), file.clone(), terms, noon()).unwrap();
        let before = provider.metadata_state(noon()).certificates.len();
        assert_eq!(before, 1);
        std::fs::remove_file(&file).unwrap();
        provider.refresh(noon()).await;
        std::fs::write(&file, next).unwrap();
        let refreshed = match provider.refresh(noon()).await {
            Refreshed::Renewed { .. } => "renewed",
            Refreshed::Failed => "failed",
            other => panic!("{what}: {other:?}"),
        };
        assert_eq!(refreshed, outcome, "{what}");
        let troubles = provider.metadata_state(noon()).troubles;
        assert!(troubles.concat().contains(&expected), "{what}: {troubles:?}");
        assert_eq!(troubles.is_empty(), expected.is_empty(), "{what}: {troubles:?}");
        assert_eq!(accepts(&provider), !expected.is_empty() || what.starts_with("older"), "{what}");
    }
}

#[test]
fn what_no_pinned_key_signed_is_refused() {
    let (plain, good) = (entity(), signed(&entity()));
    let evil = |xml: &str| swap(xml, &base64(&HONEST.certificate), &base64(&ATTACKER.certificate));
    let signature = Signing::of("_m").sign(&plain);
    let by_attacker = Signing { key: &ATTACKER, ..Signing::of("_m") }.sign(&evil(&plain));
    let inside = |root: &str, inner: &str| {
        swap(root, "<IDPSSODescriptor", &format!("<Extensions>{inner}</Extensions><IDPSSODescriptor"))
    };
    let renamed = swap(&evil(&plain), "\"_m\"", "\"_evil\"");
    for (what, xml, expected) in [
        ("the twin of all", good.clone(), "accepted"),
        ("no signature", plain.clone(), "Unsigned"),
        ("another key", with_signature(&evil(&plain), &by_attacker), "saml.signature.value"),
        ("another certificate in it", evil(&good), "saml.signature.digest"),
        (
            "an attribute more",
            swap(&good, " entityID", " validUntil=\"2027-01-01T00:00:00Z\" entityID"),
            "saml.signature.digest",
        ),
        ("the good one in an extension", inside(&evil(&plain), &good), "Unsigned"),
        (
            "its signature around it",
            with_signature(&inside(&renamed, &plain), &signature),
            "saml.signature.reference-uri",
        ),
        (
            "its ID twice",
            with_signature(&inside(&evil(&plain), &plain), &signature),
            "saml.structure.id-unique",
        ),
        ("two signatures", with_signature(&good, &signature), "saml.signature.count"),
        (
            "one at the end",
            swap(&plain, "</EntityDescriptor>", &format!("{signature}</EntityDescriptor>")),
            "saml.signature.place",
        ),
        (
            "one in a role only",
            swap(&plain, "<KeyDescriptor>", &format!("{signature}<KeyDescriptor>")),
            "Unsigned",
        ),
        ("no ID", swap(&good, " ID=\"_m\"", ""), "saml.structure.id"),
    ] {
        let seen = refusal(&xml, pinned(&[&HONEST]));
        assert_eq!(seen, expected, "{what}");
    }
    let aggregate = group(&swap(&signed(&entity()), XMLNS, ""));
    let terms = |entity| of(entity).signed_by(&[&HONEST.certificate]).unwrap();
    assert_eq!(refusal(&aggregate, terms(IDP)), "Unsigned", "a signed child of an unsigned group");
    let smuggled = format!("<ds:KeyInfo>{}</ds:KeyInfo></ds:Signature>", member("urn:evil"));
    let aggregate = swap(&signed(&group(&member(IDP))), "</ds:Signature>", &smuggled);
    assert_eq!(refusal(&aggregate, terms(IDP)), "accepted");
    let absent = "NoSuchEntity { entity: \"urn:evil\", count: 1 }";
    assert_eq!(refusal(&aggregate, terms("urn:evil")), absent, "an entity within the signature");
}

#[test]
fn signatures_of_another_profile_are_refused() {
    let transforms = |last: &str| element("Transform", ENVELOPED) + &element("Transform", last);
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    let rsa_sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    for (what, signing, expected) in [
        ("the twin of all", Signing { digest_algorithm: SHA256, ..Signing::of("_m") }, "accepted"),
        ("an empty URI", Signing { uri: String::new(), ..Signing::of("_m") }, "saml.signature.reference-uri"),
        ("SHA-1", Signing { algorithm: rsa_sha1, ..Signing::of("_m") }, "saml.signature.algorithm"),
        (
            "a SHA-1 digest",
            Signing { digest_algorithm: sha1, ..Signing::of("_m") },
            "saml.signature.digest-algorithm",
        ),
        (
            "a third transform",
            Signing {
                transforms: transforms(EXCLUSIVE) + &element("Transform", EXCLUSIVE),
                ..Signing::of("_m")
            },
            "saml.signature.transforms",
        ),
        (
            "inclusive content",
            Signing { transforms: transforms(INCLUSIVE), ..Signing::of("_m") },
            "InclusiveC14n(\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\")",
        ),
        (
            "an inclusive SignedInfo",
            Signing { canonicalization: element("CanonicalizationMethod", INCLUSIVE), ..Signing::of("_m") },
            "InclusiveC14n(\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\")",
        ),
    ] {
        let xml = with_signature(&entity(), &signing.sign(&entity()));
        assert_eq!(refusal(&xml, pinned(&[&HONEST])), expected, "{what}");
    }
}

/// A key that comes with the document proves nothing, so without a pinned one a signature is not
/// even looked at.
#[test]
fn without_a_pinned_key_a_signature_is_ignored() {
    let changed = swap(&signed(&entity()), "https://idp.example.com/sso", "https://idp.example.com/login");
    assert!(accepts(&read(&changed, MetadataTerms::default()).unwrap()));
    assert_eq!(refusal(&changed, pinned(&[&HONEST])), "saml.signature.digest");
}

#[test]
fn pins_that_pin_nothing_are_refused() {
    let none: [&[u8]; 0] = [];
    assert_eq!(MetadataTerms::default().signed_by(&none).unwrap_err(), MetadataError::NoSigner);
    let half = MetadataTerms::default().signed_by(&[HONEST.certificate.as_slice(), b"x"]).unwrap_err();
    assert!(matches!(half, MetadataError::UnusableSigner { number: 2, .. }), "{half:?}");
}

#[test]
fn an_aggregate_needs_a_name_and_has_it_once() {
    let other = member("https://other.example.com");
    let service = other.replace("IDPSSODescriptor", "SPSSODescriptor").replace("other.", "sp.");
    let nested = format!("{service}{other}<EntitiesDescriptor>{}</EntitiesDescriptor>", member(IDP));
    let all = group(&nested);
    assert!(accepts(&read(&all, of(IDP)).unwrap()), "nested");
    let provider = read(&all, of("https://other.example.com")).unwrap();
    assert_eq!(provider.issuer(), Some("https://other.example.com"));
    let refused = provider.verify(&base64(honest().as_bytes()), EXPECTED, noon()).unwrap_err();
    assert_eq!((refused.code(), refused.check()), (VerifyCode::Issuer, "saml.response-issuer"));
    let hidden = format!("<Extensions>{}</Extensions>{other}", member(IDP));
    let example = "https://other.example.com".to_owned();
    for (xml, terms, expected) in [
        (&all, MetadataTerms::default(), MetadataError::Aggregate { count: 3, providers: 2, example }),
        (&all, of("urn:absent"), MetadataError::NoSuchEntity { entity: "urn:absent".to_owned(), count: 3 }),
        (&all, of("https://sp.example.com"), MetadataError::NoIdentityProvider),
        (&group(&hidden), of(IDP), MetadataError::NoSuchEntity { entity: IDP.to_owned(), count: 1 }),
        (&group(&(nested + &member(IDP))), of(IDP), MetadataError::EntityTwice(IDP.to_owned())),
        (
            &entity(),
            of("urn:x"),
            MetadataError::OtherEntity { expected: "urn:x".to_owned(), seen: IDP.to_owned() },
        ),
    ] {
        assert_eq!(read(xml, terms).unwrap_err(), expected);
    }
    assert!(read(&entity(), of(IDP)).is_ok(), "a name for what is no aggregate");
}

#[test]
fn the_earliest_end_of_all_around_counts() {
    let until = |day: u8| format!(" validUntil=\"2026-11-{day}T12:00:00Z\"");
    let nested = |days: [u8; 4]| {
        let entity = swap(&member(IDP), " entityID", &format!("{} entityID", until(days[2])));
        let entity = swap(&entity, " protocolS", &format!("{} protocolS", until(days[3])));
        let inner = format!("<EntitiesDescriptor{}>{entity}</EntitiesDescriptor>", until(days[1]));
        swap(&group(&inner), " ID", &format!("{} ID", until(days[0])))
    };
    for days in [[23, 24, 25, 26], [24, 23, 25, 26], [24, 25, 23, 26], [24, 25, 26, 23]] {
        let provider = read(&nested(days), of(IDP)).unwrap();
        assert_eq!(provider.valid_until().unwrap().to_string(), "2026-11-23T12:00:00Z", "{days:?}");
        let over = days.map(|day| if day == 23 { 22 } else { day });
        assert_eq!(read(&nested(over), of(IDP)).unwrap_err(), MetadataError::Expired(noon()), "{over:?}");
    }
}

/// The metadata of one entity has its limit even where an aggregate would be read.
#[test]
fn one_entity_is_not_as_large_as_a_federation() {
    let room = |bytes: usize| format!("<Extensions><a>{}</a></Extensions><IDPSSO", "x".repeat(bytes));
    let large = swap(&entity(), "<IDPSSO", &room(10_000_000));
    assert_eq!(read(&large, of(IDP)).unwrap_err(), MetadataError::TooLarge(large.len()));
    assert!(matches!(read(&large, MetadataTerms::default()), Err(MetadataError::Unavailable(_))));
    let federation = group(&swap(&member(IDP), "<IDPSSO", &room(10_000_000)));
    assert!(accepts(&read(&federation, of(IDP)).unwrap()));
}
