//! XML beyond what an assertion needs: document types, entities, expansion, inclusion, and text
//! that is not well-formed.

use super::fixture::{
    ASSERTION, EXPECTED, PROVIDER, adorned, base64, honest, noon, response, signed, swap, with,
};
use super::suite::{Table, hold};

#[test]
fn is_refused() {
    hold(&tables());
}

const DOCTYPE: &str = "saml.xml.doctype";
const ENTITY: &str = "saml.xml.entity";
const MARKUP: &str = "saml.xml.markup";
const ROOT: &str = "saml.xml.root";

pub(super) fn tables() -> Vec<Table> {
    vec![document_types(), entities(), inclusions(), ill_formed()]
}

fn document_types() -> Table {
    let document = honest();
    let before = |text: &str| format!("{text}{document}");
    let declared = |declarations: &str| before(&format!("<!DOCTYPE samlp:Response [{declarations}]>"));
    let lol = (1..10)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect::<String>();
    let quadratic = format!("<!ENTITY a \"{}\">", "a".repeat(50_000));
    Table::new("document types")
        .twin("none", &document)
        .twin("a declaration", before("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"))
        .attacks([
            ("a bare one", before("<!DOCTYPE samlp:Response>"), DOCTYPE),
            ("in lower case", before("<!doctype html>"), DOCTYPE),
            ("from a file", before("<!DOCTYPE r SYSTEM \"file:///etc/passwd\">"), DOCTYPE),
            ("by HTTP", before("<!DOCTYPE r SYSTEM \"http://169.254.169.254/\">"), DOCTYPE),
            ("a public one", before("<!DOCTYPE r PUBLIC \"-//x\" \"http://example.com/x.dtd\">"), DOCTYPE),
            ("an entity", declared("<!ENTITY x \"admin\">"), DOCTYPE),
            ("an entity from a file", declared("<!ENTITY x SYSTEM \"file:///etc/passwd\">"), DOCTYPE),
            ("an entity by HTTP", declared("<!ENTITY x SYSTEM \"http://example.com/\">"), DOCTYPE),
            (
                "an entity by a wrapper",
                declared(
                    "<!ENTITY x SYSTEM \"php://filter/read=convert.base64-encode/resource=/etc/passwd\">",
                ),
                DOCTYPE,
            ),
            ("a parameter entity", declared("<!ENTITY % x SYSTEM \"http://example.com/\"> %x;"), DOCTYPE),
            ("a billion laughs", declared(&format!("<!ENTITY l0 \"lol\">{lol}")), DOCTYPE),
            ("a quadratic expansion", declared(&quadratic), DOCTYPE),
            ("an entity of itself", declared("<!ENTITY x \"&x;\">"), DOCTYPE),
            ("a predefined entity anew", declared("<!ENTITY lt \"x\">"), DOCTYPE),
            ("an attribute's default", declared("<!ATTLIST saml:Assertion ID CDATA \"_a\">"), DOCTYPE),
            ("an attribute of type ID", declared("<!ATTLIST saml:NameID Format ID #IMPLIED>"), DOCTYPE),
            ("an element's content", declared("<!ELEMENT saml:Subject ANY>"), DOCTYPE),
            ("a notation", declared("<!NOTATION x SYSTEM \"x\">"), DOCTYPE),
            ("behind the declaration", before("<?xml version=\"1.0\"?><!DOCTYPE r>"), DOCTYPE),
            ("behind the root", format!("{document}<!DOCTYPE r>"), DOCTYPE),
            ("within", swap(&document, "<samlp:Status>", "<!DOCTYPE r><samlp:Status>"), DOCTYPE),
            ("an entity within", swap(&document, "<samlp:Status>", "<!ENTITY x 'y'><samlp:Status>"), DOCTYPE),
            ("behind white space", before(" \n<!DOCTYPE r>"), DOCTYPE),
            ("one that does not end", before("<!DOCTYPE r ["), DOCTYPE),
            (
                "of deep groups",
                declared(&format!("<!ELEMENT a {}b{}>", "(".repeat(10_000), ")".repeat(10_000))),
                DOCTYPE,
            ),
        ])
}

/// Nobody declared these.
fn entities() -> Table {
    let document = honest();
    let text = |reference: &str| swap(&document, ">ann<", &format!(">{reference}<"));
    let value = |reference: &str| swap(&document, "Destination=\"", &format!("Destination=\"{reference}"));
    Table::new("entities")
        .twin(
            "the predefined",
            response(&signed(&swap(ASSERTION, ">ann<", ">&lt;&amp;&gt;<"))).replace("&gt;<", "&#62;<"),
        )
        .attacks([
            ("in text", text("&xxe;"), ENTITY),
            ("in an attribute", value("&xxe;"), ENTITY),
            ("of HTML", text("&eacute;"), ENTITY),
            ("a parameter entity", text("&%x;"), ENTITY),
            ("in upper case", text("&LT;"), ENTITY),
            ("without a name", text("&;"), ENTITY),
            ("without an end", text("&lt"), ENTITY),
            ("a very long name", text(&format!("&{};", "x".repeat(100_000))), ENTITY),
            ("a very long number", text(&format!("&#{}97;", "0".repeat(100_000))), ENTITY),
            ("100,000 ampersands", text(&"&".repeat(100_000)), ENTITY),
        ])
}

/// Processors that know XInclude or schema locations would fetch these.
fn inclusions() -> Table {
    let document = honest();
    let xi = "http://www.w3.org/2001/XInclude";
    let include =
        |href: &str| format!("<xi:include xmlns:xi=\"{xi}\" href=\"{href}\" parse=\"text\"></xi:include>");
    let put = |before: &str, text: &str| swap(&document, before, &format!("{text}{before}"));
    let signed = |from: &str, text: &str| with(from, text);
    let location = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"urn:x http://example.com/x.xsd\"";
    Table::new("inclusions")
        .twin("a schema's location, which nobody fetches", adorned(&document, "samlp:Response", location))
        .twin(
            "a base, which nobody uses",
            adorned(&document, "samlp:Response", "xml:base=\"http://example.com/\""),
        )
        .attacks([
            (
                "in the response",
                put("<samlp:Status>", &include("file:///etc/passwd")),
                "saml.structure.child",
            ),
            (
                "in the NameID",
                signed(">ann<", &format!(">{}<", include("file:///etc/passwd"))),
                "saml.name-id",
            ),
            (
                "in a value",
                signed(">staff<", &format!(">{}<", include("http://example.com/"))),
                "saml.attribute.value",
            ),
            (
                "in the assertion",
                signed("<saml:Subject>", &format!("{}<saml:Subject>", include("#_a"))),
                "saml.structure.child",
            ),
            (
                "in the signature",
                put("</ds:Signature>", &include("file:///dev/zero")),
                "saml.signature.structure",
            ),
            (
                "in SignedInfo",
                put("</ds:SignedInfo>", &include("file:///dev/zero")),
                "saml.signature.structure",
            ),
            (
                "in the conditions",
                signed("</saml:Conditions>", &format!("{}</saml:Conditions>", include("x"))),
                "saml.condition",
            ),
        ])
}

fn ill_formed() -> Table {
    let document = honest();
    let put = |from: &str, to: &str| swap(&document, from, to);
    let status = "<samlp:Status>";
    Table::new("not well-formed")
        .twin("well-formed", &document)
        .twin("white space around", format!("\n{document}\r\n\t "))
        .attacks([
            ("nothing", String::new(), ROOT),
            ("white space", " \n".to_owned(), ROOT),
            ("text", "samlp:Response".to_owned(), ROOT),
            ("text before", format!("x{document}"), ROOT),
            ("text behind", format!("{document}x"), ROOT),
            ("a reference behind", format!("{document}&#32;"), ROOT),
            ("NUL behind", format!("{document}\0"), "saml.xml.character"),
            ("two roots", format!("{document}{document}"), ROOT),
            ("an end too many", format!("{document}</x>"), MARKUP),
            ("no end", document.replace("</samlp:Response>", ""), MARKUP),
            ("half an end", document.replace("</samlp:Response>", "</samlp:Resp"), MARKUP),
            (
                "ends crossed",
                put("</saml:NameID><saml:SubjectConfirmation ", "<saml:SubjectConfirmation </saml:NameID>"),
                MARKUP,
            ),
            ("another end", document.replacen("</saml:NameID>", "</saml:NameId>", 1), MARKUP),
            ("an end with another prefix", document.replacen("</saml:NameID>", "</x:NameID>", 1), MARKUP),
            (
                "an end with an attribute",
                document.replacen("</saml:NameID>", "</saml:NameID x=\"\">", 1),
                MARKUP,
            ),
            ("an empty end", document.replacen("</saml:NameID>", "</>", 1), MARKUP),
            ("a start within a start", put(status, "<x <y/>><samlp:Status>"), MARKUP),
            ("a < in text", put(">ann<", ">a < b<"), MARKUP),
            ("an attribute without a value", put(status, "<samlp:Status x>"), MARKUP),
            ("an attribute without quotes", put(status, "<samlp:Status x=y>"), MARKUP),
            ("an attribute that does not end", put(status, "<samlp:Status x=\">"), MARKUP),
            ("attributes without a blank", put("ID=\"_a\" ", "ID=\"_a\""), MARKUP),
            ("typographic quotes", put("ID=\"_a\"", "ID=\u{201c}_a\u{201d}"), MARKUP),
            ("an attribute between solidus and end", put(status, "<x / y=''><samlp:Status>"), MARKUP),
            ("a name that begins with a digit", put(status, "<1/><samlp:Status>"), MARKUP),
            ("a name that begins with a colon", put(status, "<:x/><samlp:Status>"), MARKUP),
            ("a name of two colons", put(status, "<samlp:x:y/><samlp:Status>"), MARKUP),
            ("no name", put(status, "< /><samlp:Status>"), MARKUP),
            ("a byte order mark within", put(status, "\u{feff}<samlp:Status>"), "saml.structure.text"),
            ("two byte order marks", format!("\u{feff}\u{feff}{document}"), ROOT),
        ])
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
