//! Signatures that are absent, broken, or not what they seem.

use rolegate::identity::VerifyCode::{self, Malformed, Signature, Unsigned};

use super::fixture::{
    ASSERTION, ATTACKER, ENVELOPED, EXCLUSIVE, Signing, accepted, element, enveloped, honest, refused,
    response, signed, swap,
};

/// An assertion that the honest key signed in another way.
fn signed_by(change: impl FnOnce(&mut Signing<'_>)) -> String {
    let mut signing = Signing::of("_a");
    change(&mut signing);
    response(&enveloped(ASSERTION, &signing.sign(ASSERTION)))
}

fn check_all(cases: &[(&str, String, VerifyCode, &str)]) {
    for (what, document, code, check) in cases {
        refused(what, document, *code, check);
    }
}

#[test]
fn absent() {
    let unsigned = response(ASSERTION);
    let whole = Signing::of("_r").sign(&unsigned);
    let honest = honest();
    let bad_whole = Signing { key: &ATTACKER, ..Signing::of("_r") }.sign(&honest);
    accepted("the twin of the last", &enveloped(&honest, &Signing::of("_r").sign(&honest)));
    check_all(&[
        ("no signature", unsigned.clone(), Unsigned, "saml.signature.absent"),
        ("a signed response only", enveloped(&unsigned, &whole), Unsigned, "saml.signature.absent"),
        (
            "a foreign response signature in addition",
            enveloped(&honest, &bad_whole),
            Signature,
            "saml.signature.value",
        ),
    ]);
}

#[test]
fn broken() {
    let honest = honest();
    accepted("the twin of all", &honest);
    let both = enveloped(&honest, &Signing::of("_r").sign(&honest));
    let first_of = |name: &str| {
        let at = honest.find(name).unwrap() + name.len();
        let other = if &honest[at..=at] == "A" { "B" } else { "A" };
        [&honest[..at], other, &honest[at + 1..]].concat()
    };
    check_all(&[
        ("the subject changed", swap(&honest, ">ann<", ">bob<"), Signature, "saml.signature.digest"),
        (
            "an attribute value changed",
            swap(&honest, ">staff<", ">admin<"),
            Signature,
            "saml.signature.digest",
        ),
        (
            "a value added",
            swap(
                &honest,
                "</saml:Attribute>",
                "<saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>",
            ),
            Signature,
            "saml.signature.digest",
        ),
        (
            "white space added",
            swap(&honest, "<saml:Subject>", " <saml:Subject>"),
            Signature,
            "saml.signature.digest",
        ),
        (
            "a prefix changed",
            swap(
                &honest,
                "<saml:Audience>",
                "<x:Audience xmlns:x=\"urn:oasis:names:tc:SAML:2.0:assertion\">",
            )
            .replacen("</saml:Audience>", "</x:Audience>", 1),
            Signature,
            "saml.signature.digest",
        ),
        (
            "the envelope of a signed response changed",
            swap(&both, "IssueInstant=\"2026-11-22T12:00:00Z\"", "IssueInstant=\"2026-11-22T12:00:01Z\""),
            Signature,
            "saml.signature.digest",
        ),
        ("another digest", first_of("<ds:DigestValue>"), Signature, "saml.signature.value"),
        ("another signature", first_of("<ds:SignatureValue>"), Signature, "saml.signature.value"),
        (
            "no signature value",
            swap(&honest, "<ds:SignatureValue>", "<ds:SignatureValue>*"),
            Signature,
            "saml.signature.value",
        ),
        (
            "an element as signature value",
            swap(&honest, "<ds:SignatureValue>", "<ds:SignatureValue><x/>"),
            Malformed,
            "saml.signature.structure",
        ),
        (
            "an unreadable digest",
            swap(&honest, "<ds:DigestValue>", "<ds:DigestValue>*"),
            Malformed,
            "saml.signature.structure",
        ),
        (
            "an Object",
            swap(&honest, "</ds:Signature>", "<ds:Object></ds:Object></ds:Signature>"),
            Malformed,
            "saml.signature.structure",
        ),
        (
            "two values",
            swap(
                &honest,
                "</ds:SignatureValue>",
                "</ds:SignatureValue><ds:SignatureValue></ds:SignatureValue>",
            ),
            Malformed,
            "saml.signature.structure",
        ),
        (
            "two SignedInfo",
            swap(&honest, "<ds:SignedInfo>", "<ds:SignedInfo></ds:SignedInfo><ds:SignedInfo>"),
            Malformed,
            "saml.signature.structure",
        ),
        (
            "text in SignedInfo",
            swap(&honest, "<ds:SignedInfo>", "<ds:SignedInfo>x"),
            Malformed,
            "saml.signature.structure",
        ),
    ]);
}

#[test]
fn refused_algorithms() {
    accepted("the twin of all", &signed_by(|_| {}));
    let by = |algorithm: &'static str| signed_by(move |s| s.algorithm = algorithm);
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let commented = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
    let method = |uri: &str| element("CanonicalizationMethod", uri);
    let parameter = swap(
        &honest(),
        "</ds:SignatureMethod>",
        "<ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>",
    );
    check_all(&[
        (
            "RSA with SHA-1",
            by("http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
            Signature,
            "saml.signature.algorithm",
        ),
        (
            "RSA with MD5",
            by("http://www.w3.org/2001/04/xmldsig-more#rsa-md5"),
            Signature,
            "saml.signature.algorithm",
        ),
        (
            "HMAC",
            by("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
            Signature,
            "saml.signature.algorithm",
        ),
        ("none", by("http://example.com/#none"), Signature, "saml.signature.algorithm"),
        ("a parameter", parameter, Malformed, "saml.signature.structure"),
        (
            "a SHA-1 digest",
            signed_by(|s| s.digest_algorithm = sha1),
            Signature,
            "saml.signature.digest-algorithm",
        ),
        (
            "inclusive canonicalization",
            signed_by(|s| s.canonicalization = method(inclusive)),
            Malformed,
            "saml.signature.canonicalization",
        ),
        (
            "canonicalization with comments",
            signed_by(|s| s.canonicalization = method(commented)),
            Malformed,
            "saml.signature.canonicalization",
        ),
    ]);
}

#[test]
fn refused_references() {
    let to = |uri: &str| signed_by(|s| s.uri = uri.to_owned());
    accepted("the twin of all", &to("#_a"));
    let mut second = Signing::of("_a");
    second.second_reference = "<ds:Reference URI=\"#_r\"></ds:Reference>".to_owned();
    let second = response(&enveloped(ASSERTION, &second.sign(ASSERTION)));
    let without = swap(&honest(), " URI=\"#_a\"", "");
    check_all(&[
        ("the whole document", to(""), Malformed, "saml.signature.reference-uri"),
        ("no URI", without, Malformed, "saml.signature.reference-uri"),
        ("the response", to("#_r"), Malformed, "saml.signature.reference-uri"),
        ("nothing", to("#"), Malformed, "saml.signature.reference-uri"),
        ("an xpointer", to("#xpointer(id('_a'))"), Malformed, "saml.signature.reference-uri"),
        ("a file", to("file:///dev/zero"), Malformed, "saml.signature.reference-uri"),
        ("a URL", to("http://example.com/#_a"), Malformed, "saml.signature.reference-uri"),
        ("two references", second, Malformed, "saml.signature.reference-count"),
    ]);
}

#[test]
fn refused_transforms() {
    let transform = |uri: &str| element("Transform", uri);
    let by = |transforms: String| signed_by(|s| s.transforms = transforms);
    let (enveloping, exclusive) = (transform(ENVELOPED), transform(EXCLUSIVE));
    accepted("the twin of all", &by(format!("{enveloping}{exclusive}")));
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>1</ds:XPath></ds:Transform>";
    let xslt = transform("http://www.w3.org/TR/1999/REC-xslt-19991116");
    let base64 = transform("http://www.w3.org/2000/09/xmldsig#base64");
    let inclusive = transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315");
    let stuffed = swap(&exclusive, "></ds:Transform>", "><x></x></ds:Transform>");
    let many = (0..17).map(|n| format!("p{n} ")).collect::<String>();
    let long = format!(
        "><ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{many}\"></ec:InclusiveNamespaces></ds:Transform>"
    );
    let long = swap(&exclusive, "></ds:Transform>", &long);
    for (what, transforms) in [
        ("none", String::new()),
        ("one", enveloping.clone()),
        ("the other", exclusive.clone()),
        ("the wrong way round", format!("{exclusive}{enveloping}")),
        ("XPath in addition", format!("{enveloping}{xpath}{exclusive}")),
        ("XPath instead", format!("{xpath}{exclusive}")),
        ("XSLT instead", format!("{xslt}{exclusive}")),
        ("base64 instead", format!("{base64}{exclusive}")),
        ("XSLT", format!("{enveloping}{xslt}")),
        ("base64", format!("{enveloping}{base64}")),
        ("inclusive canonicalization", format!("{enveloping}{inclusive}")),
        ("an unknown parameter", format!("{enveloping}{stuffed}")),
        ("too long a list", format!("{enveloping}{long}")),
    ] {
        refused(what, &by(transforms), Malformed, "saml.signature.transforms");
    }
}

#[test]
fn a_signature_belongs_to_its_parent() {
    let other = swap(ASSERTION, "ID=\"_a\"", "ID=\"_b\"");
    accepted("the twin", &response(&signed(ASSERTION)));
    let moved = response(&enveloped(&other, &Signing::of("_a").sign(ASSERTION)));
    refused("moved to another", &moved, Malformed, "saml.signature.reference-uri");
}
