//! Text that one reader cuts short and another does not: comments, CDATA sections and processing
//! instructions, which a canonical form drops or resolves so that the signature still fits
//! (2018), and elements within text.

use super::fixture::{ASSERTION, Signing, enveloped, honest, response, signed, swap, with};
use super::suite::{Table, hold};

#[test]
fn is_refused() {
    hold(&tables());
}

pub(super) fn tables() -> Vec<Table> {
    vec![comments(), cdata(), instructions(), unfinished_comments(), elements(), characters()]
}

/// Somebody may really be called like this, and would rather be called `ann`.
const LONG: &str = "ann.evil.example";

/// Genuine, about somebody with a long name.
fn long_named() -> String {
    let key_info = "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>bm90IG91cnM=\
                    </ds:X509Certificate></ds:X509Data></ds:KeyInfo>";
    swap(&with(">ann<", &format!(">{LONG}<")), "</ds:SignatureValue>", key_info)
}

/// Where something can be put, and what stands there.
const SEAMS: [(&str, &str, &str); 18] = [
    ("in the NameID", ">ann", ".evil"),
    ("at the start of the NameID", "persistent\">", "ann"),
    ("at the end of the NameID", ".example", "</saml:NameID>"),
    ("in the Audience", "<saml:Audience>https://broker", ".example.com"),
    ("at the end of the Audience", "broker.example.com", "</saml:Audience>"),
    ("in the assertion's Issuer", "<saml:Issuer>https://idp", ".example.com"),
    ("in the response's Issuer", "assertion\">https://idp", ".example.com"),
    ("in an AttributeValue", ">sta", "ff<"),
    ("between elements", "</saml:Subject>", "<saml:Conditions"),
    ("between the response's children", "</samlp:Status>", "<saml:Assertion"),
    ("in SignedInfo", "<ds:SignedInfo>", "<ds:Canon"),
    ("in DigestValue", "<ds:DigestValue>", ""),
    ("at the end of DigestValue", "=", "</ds:DigestValue>"),
    ("in SignatureValue", "<ds:SignatureValue>", ""),
    ("at the end of SignatureValue", "", "</ds:SignatureValue>"),
    ("in the certificate", "<ds:X509Certificate>bm90", "IG91cnM="),
    ("before the root", "", "<samlp:Response"),
    ("behind the root", "</samlp:Response>", ""),
];

/// The long-named document with `inserted` at every seam.
fn at_every_seam(inserted: &str, check: &'static str) -> Vec<(String, String, &'static str)> {
    let document = long_named();
    let put = |(what, before, behind): (&str, &str, &str)| {
        let text = swap(&document, &format!("{before}{behind}"), &format!("{before}{inserted}{behind}"));
        (what.to_owned(), text, check)
    };
    SEAMS.map(put).into()
}

fn comments() -> Table {
    let document = long_named();
    let more = |inserted: &str| swap(&document, ">ann.evil", &format!(">ann{inserted}.evil"));
    Table::new("comments")
        .twin("the long name", &document)
        .twin("a character by its number", swap(&document, ">ann.evil", ">&#x61;nn&#46;evil"))
        .attacks(at_every_seam("<!-- -->", "saml.xml.comment"))
        .attacks([
            ("an empty one", more("<!---->"), "saml.xml.comment"),
            ("two", more("<!--1--><!--2-->"), "saml.xml.comment"),
            ("one with markup", more("<!-- </saml:NameID> -->"), "saml.xml.comment"),
            ("instead of the whole name", swap(&document, LONG, "<!--ann-->"), "saml.xml.comment"),
        ])
}

fn cdata() -> Table {
    let document = long_named();
    let section = |text: &str, section: &str| swap(&document, text, section);
    Table::new("CDATA sections")
        .twin("the long name", &document)
        .attacks(at_every_seam("<![CDATA[]]>", "saml.xml.cdata"))
        .attacks([
            ("the whole name", section(LONG, &format!("<![CDATA[{LONG}]]>")), "saml.xml.cdata"),
            ("its head", section(LONG, "<![CDATA[ann]]>.evil.example"), "saml.xml.cdata"),
            ("its tail", section(LONG, "ann<![CDATA[.evil.example]]>"), "saml.xml.cdata"),
            ("a comment in it", section(LONG, "<![CDATA[ann<!-- -->.evil.example]]>"), "saml.xml.cdata"),
            ("an end without it", section(LONG, "ann]]>.evil.example"), "saml.xml.markup"),
        ])
}

fn instructions() -> Table {
    let document = long_named();
    let check = "saml.xml.processing-instruction";
    let put = |inserted: &str| swap(&document, ">ann.evil", &format!(">ann{inserted}.evil"));
    let sheet = "<?xml-stylesheet type=\"text/xsl\" href=\"#_a\"?>";
    Table::new("processing instructions")
        .twin("the long name", &document)
        .twin("a declaration", format!("<?xml version=\"1.0\"?>{document}"))
        .attacks(at_every_seam("<?x y?>", check))
        .attacks([
            ("a style sheet", format!("{sheet}{document}"), check),
            (
                "a second declaration",
                format!("<?xml version=\"1.0\"?><?xml version=\"1.0\"?>{document}"),
                check,
            ),
            ("a declaration within", put("<?xml version=\"1.0\"?>"), check),
            ("a declaration behind a blank", format!(" <?xml version=\"1.0\"?>{document}"), check),
            ("PHP", put("<?php echo 'admin' ?>"), check),
            ("one that does not end", put("<?x "), check),
        ])
}

fn unfinished_comments() -> Table {
    let document = long_named();
    let put = |inserted: &str| swap(&document, ">ann.evil", &format!(">ann{inserted}.evil"));
    let in_attribute = swap(&document, "Recipient=\"https", "Recipient=\"<!-- -->https");
    Table::new("almost comments").twin("the long name", &document).attacks([
        ("without an end", put("<!--"), "saml.xml.comment"),
        ("closed at once", put("<!-->"), "saml.xml.comment"),
        ("closed too soon", put("<!--->"), "saml.xml.comment"),
        ("closed as in HTML", put("<!-- --!>"), "saml.xml.comment"),
        ("one dash", put("<!- ->"), "saml.xml.doctype"),
        ("a bang", put("<!>"), "saml.xml.doctype"),
        ("a conditional section", put("<![IGNORE[x]]>"), "saml.xml.doctype"),
        ("cdata in lower case", put("<![cdata[x]]>"), "saml.xml.doctype"),
        ("in an attribute", in_attribute, "saml.xml.markup"),
        ("in a tag", swap(&document, "<saml:NameID ", "<saml:NameID <!-- --> "), "saml.xml.markup"),
    ])
}

/// Elements that split text. The provider signed them, so only a reader can be fooled.
fn elements() -> Table {
    let value = |content: &str| with(">staff<", &format!(">{content}<"));
    let name = |content: &str| with(">ann<", &format!(">{content}<"));
    let named = "<saml:NameID>ann</saml:NameID>";
    Table::new("elements within text")
        .twin("text", honest())
        .twin("one NameID as a value", value(named))
        .attacks([
            ("behind the name", name("ann<x></x>"), "saml.name-id"),
            ("before the name", name("<x></x>ann"), "saml.name-id"),
            ("within the name", name("ann<x></x>.evil"), "saml.name-id"),
            ("around the name", name("<x>ann</x>"), "saml.name-id"),
            ("a name within the name", name(named), "saml.name-id"),
            (
                "in the issuer",
                with("<saml:Issuer>https://idp.example.com/metadata", "<saml:Issuer>https://idp.example.com/metadata<x></x>"),
                "saml.issuer",
            ),
            (
                "around the issuer",
                with("https://idp.example.com/metadata<", "<x>https://idp.example.com/metadata</x><"),
                "saml.issuer",
            ),
            (
                "in the issuer of the response",
                swap(&honest(), "assertion\">https://idp.", "assertion\"><x/>https://idp."),
                "saml.response-issuer",
            ),
            (
                "in the audience",
                with("broker.example.com</saml:Audience>", "broker.example.com<x></x></saml:Audience>"),
                "saml.audience",
            ),
            (
                "an audience within the audience",
                with("<saml:Audience>https://broker.example.com</saml:Audience>", "<saml:Audience><saml:Audience>https://broker.example.com</saml:Audience></saml:Audience>"),
                "saml.audience",
            ),
            ("behind a value", value("staff<x></x>"), "saml.attribute.value"),
            ("within a value", value("sta<x></x>ff"), "saml.attribute.value"),
            ("a name and text as a value", value(&format!("staff{named}")), "saml.attribute.value"),
            ("two names as a value", value(&named.repeat(2)), "saml.attribute.value"),
            ("a name with an element as a value", value("<saml:NameID>ann<x></x></saml:NameID>"), "saml.attribute.value"),
        ])
}

/// Characters that end a string elsewhere, or that nobody sees.
fn characters() -> Table {
    let document = honest();
    let raw = |text: &str| swap(&document, ">ann<", &format!(">{text}<"));
    let signed_as = |written: &str, canonical: &str| {
        let assertion = swap(ASSERTION, ">ann<", &format!(">{canonical}<"));
        let document = response(&enveloped(&assertion, &Signing::of("_a").sign(&assertion)));
        swap(&document, &format!(">{canonical}<"), &format!(">{written}<"))
    };
    let entity = "saml.xml.entity";
    Table::new("characters that are none")
        .twin("a tab, a line end and a return", signed_as("a&#9;&#10;&#13;b", "a\t\n&#xD;b"))
        .twin("the last one of XML", signed_as("&#x10FFFF;", "\u{10ffff}"))
        .twin(
            "a quote by its name",
            response(&signed(&swap(ASSERTION, ">ann<", ">a\"b'c<"))).replace("a\"b'c", "a&quot;b&apos;c"),
        )
        .attacks([
            ("NUL", raw("ann\0.evil"), "saml.xml.character"),
            ("NUL by number", raw("ann&#0;.evil"), entity),
            ("NUL by hexadecimal number", raw("ann&#x0;.evil"), entity),
            ("an escape character", raw("ann\u{1b}.evil"), "saml.xml.character"),
            ("a backspace by number", raw("ann.evil&#8;&#8;"), entity),
            ("a vertical tab by number", raw("ann&#11;"), entity),
            ("half a surrogate pair", raw("&#xD800;ann"), entity),
            ("a surrogate pair by numbers", raw("&#xD83D;&#xDE00;"), entity),
            ("no character", raw("ann&#xFFFE;"), entity),
            ("no character, raw", raw("ann\u{ffff}"), "saml.xml.character"),
            ("beyond Unicode", raw("ann&#x110000;"), entity),
            ("a number that overflows", raw("ann&#4294967393;"), entity),
            ("a negative number", raw("ann&#-1;"), entity),
            ("a number with a sign", raw("ann&#+97;"), entity),
            ("no number", raw("ann&#;"), entity),
            ("a hexadecimal number in upper case", raw("&#X61;nn"), entity),
            ("a reference without an end", raw("&#97nn"), entity),
            ("an entity of HTML", raw("ann&nbsp;"), entity),
            ("an ampersand", raw("ann&evil"), entity),
        ])
}
