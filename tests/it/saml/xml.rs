//! Bytes that are refused before anybody asks what they mean.

use rolegate::identity::VerifyCode;
use rolegate::identity::saml::unverified_issuer;

use super::fixture::{
    ASSERTION, EXPECTED, PROVIDER, accepted, base64, honest, noon, refused, response, signed, swap,
};

#[test]
fn hostile_xml() {
    let document = honest();
    accepted("the twin of all", &document);
    let doctype = "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    let deep = "<x>".repeat(10_000) + &"</x>".repeat(10_000);
    let wide = format!("<x {}/>", (0..40_000).map(|n| format!("a{n}='' ")).collect::<String>());
    let long = "y".repeat(260 * 1024);
    let twice = "ID=\"_r\" ID=\"_r\"";
    for (what, document, check) in [
        ("a document type", format!("{doctype}{document}"), "saml.xml.doctype"),
        (
            "an entity declaration",
            swap(&document, "<samlp:Status>", "<!ENTITY x 'y'><samlp:Status>"),
            "saml.xml.doctype",
        ),
        ("an entity", swap(&document, ">ann<", ">&x;<"), "saml.xml.entity"),
        ("a comment in the NameID", swap(&document, ">ann<", ">ann<!-- -->.evil<"), "saml.xml.comment"),
        ("CDATA in the NameID", swap(&document, ">ann<", "><![CDATA[ann]]><"), "saml.xml.cdata"),
        (
            "an instruction",
            swap(&document, "<samlp:Status>", "<?x y?><samlp:Status>"),
            "saml.xml.processing-instruction",
        ),
        ("an instruction first", format!("<?x y?>{document}"), "saml.xml.processing-instruction"),
        ("XML 1.1", format!("<?xml version=\"1.1\"?>{document}"), "saml.xml.version"),
        (
            "a declared UTF-16",
            format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{document}"),
            "saml.xml.encoding",
        ),
        ("10,000 levels", swap(&document, "<samlp:Status>", &deep), "saml.xml.depth"),
        ("40,000 attributes", wide.chars().take(200_000).collect(), "saml.xml.attributes"),
        ("too many bytes", swap(&document, "<samlp:Status>", &long), "saml.xml.size"),
        ("two roots", format!("{document}{document}"), "saml.xml.root"),
        ("text behind the root", format!("{document}x"), "saml.xml.root"),
        ("an attribute twice", swap(&document, "ID=\"_r\"", twice), "saml.xml.duplicate-attribute"),
        (
            "an undeclared prefix",
            swap(&document, "<samlp:Status>", "<x:y/><samlp:Status>"),
            "saml.xml.namespace",
        ),
        (
            "a relative namespace",
            swap(&document, "xmlns:samlp=", "xmlns:x=\"y\" xmlns:samlp="),
            "saml.xml.namespace",
        ),
        ("an end too many", format!("{document}</x>"), "saml.xml.markup"),
        ("no end", document.replace("</samlp:Response>", ""), "saml.xml.markup"),
        ("nothing", String::new(), "saml.xml.root"),
    ] {
        refused(what, &document, VerifyCode::Malformed, check);
    }
}

#[test]
fn hostile_encodings() {
    let honest = honest();
    let utf16: Vec<u8> = honest.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xff, 0xfe], &utf16[..]].concat();
    let huge = "A".repeat(10_000_000);
    for (what, text, check) in [
        ("UTF-16", base64(&utf16), "saml.xml.character"),
        ("UTF-16 with a mark", base64(&marked), "saml.xml.encoding"),
        (
            "Latin-1",
            base64(
                &honest
                    .replace("ann", "\u{1}")
                    .into_bytes()
                    .iter()
                    .map(|b| if *b == 1 { 0xe9 } else { *b })
                    .collect::<Vec<_>>(),
            ),
            "saml.xml.encoding",
        ),
        ("10 MB", huge, "saml.size"),
        ("not base64", "<samlp:Response/>".to_owned(), "saml.base64"),
        ("no padding", base64(b"<a/>").trim_end_matches('=').to_owned(), "saml.base64"),
        ("the URL alphabet", "-_-_".to_owned(), "saml.base64"),
        ("nothing", String::new(), "saml.xml.root"),
    ] {
        let seen = PROVIDER.verify(&text, EXPECTED, noon()).map_or_else(|f| f.check(), |_| "accepted");
        assert_eq!(seen, check, "{what}");
        assert_eq!(unverified_issuer(&text).map_or_else(|f| f.check(), |_| "read"), check, "{what}");
    }
    let broken_into_lines: String = base64(honest.as_bytes())
        .as_bytes()
        .chunks(76)
        .map(|l| format!("{}\r\n", str::from_utf8(l).unwrap()))
        .collect();
    assert!(PROVIDER.verify(&broken_into_lines, EXPECTED, noon()).is_ok());
}

/// No prefix, and no document with a byte changed, does anything worse than be refused; and
/// nothing but the envelope may change without being noticed.
#[test]
fn every_broken_document_is_refused_or_says_the_same() {
    let document = response(&signed(ASSERTION));
    for end in 0..document.len() {
        assert!(super::fixture::verify(&document[..end]).is_err(), "cut at {end}");
    }
    for at in 0..document.len() {
        for byte in [b'<', b'x'] {
            let mut bytes = document.clone().into_bytes();
            bytes[at] = byte;
            if let Ok(identity) = PROVIDER.verify(&base64(&bytes), EXPECTED, noon()) {
                assert_eq!(identity.subject(), "ann");
                assert_eq!(identity.attributes()["groups"], ["staff", "platform"]);
            }
        }
    }
}
