//! What is large, deep or costly: refused by a limit, before anything is done with it.

use super::fixture::{ASSERTION, Signing, adorned, base64, enveloped, honest, response, signed, swap};
use super::suite::{Table, hold};

#[test]
fn are_held() {
    hold(&tables());
}

const SIZE: &str = "saml.xml.size";
const DEPTH: &str = "saml.xml.depth";
const NODES: &str = "saml.xml.nodes";
const ATTRIBUTES: &str = "saml.xml.attributes";
const NAMESPACE: &str = "saml.xml.namespace";

pub(super) fn tables() -> Vec<Table> {
    vec![size(), depth(), elements(), attributes(), namespaces(), numbers_of_everything()]
}

/// The honest response with something in a place where anything may stand.
fn detailed(content: &str) -> String {
    let detail = format!("<samlp:StatusDetail>{content}</samlp:StatusDetail></samlp:Status>");
    swap(&honest(), "</samlp:Status>", &detail)
}

fn size() -> Table {
    let fill = |bytes: usize| {
        let document = detailed("");
        swap(
            &document,
            "<samlp:StatusDetail>",
            &format!("<samlp:StatusDetail>{}", "y".repeat(bytes - document.len())),
        )
    };
    let limit = 256 * 1024;
    let ten = 10_000_000;
    Table::new("size")
        .twin("256 KiB", fill(limit))
        .attacks([
            ("a byte more", fill(limit + 1), SIZE),
            ("white space", format!("{}{}", honest(), " ".repeat(limit)), SIZE),
            (
                "an attribute",
                adorned(&honest(), "samlp:Response", &format!("Consent=\"{}\"", "y".repeat(limit))),
                SIZE,
            ),
        ])
        .posts([
            ("10 MB of text", base64(&vec![b'y'; ten]), "saml.size"),
            ("10 MB of markup", base64("<a/>".repeat(ten / 4).as_bytes()), "saml.size"),
            (
                "10 MB of honest documents",
                base64(honest().repeat(ten / honest().len()).as_bytes()),
                "saml.size",
            ),
            ("10 MB of one letter", "A".repeat(ten), "saml.size"),
            ("10 MB of blanks", " ".repeat(ten), "saml.size"),
            ("10 MB of padding", "=".repeat(ten), "saml.size"),
        ])
}

fn depth() -> Table {
    let nested = |levels: usize| "<x>".repeat(levels) + &"</x>".repeat(levels);
    let open = |levels: usize| "<x>".repeat(levels);
    let in_subject = |levels: usize| {
        response(&swap(&signed(ASSERTION), "<saml:Subject>", &format!("<saml:Subject>{}", nested(levels))))
    };
    Table::new("depth")
        // Response, Status and StatusDetail are three of the 48 levels.
        .twin("48 levels", detailed(&nested(45)))
        .attacks([
            ("49 levels", detailed(&nested(46)), DEPTH),
            ("10,000 levels", detailed(&nested(10_000)), DEPTH),
            ("30,000 levels that do not end", detailed(&open(30_000)), DEPTH),
            ("10,000 levels for a root", nested(10_000), DEPTH),
            ("80,000 levels that do not end", open(80_000), DEPTH),
            ("10,000 levels in what is signed", in_subject(10_000), DEPTH),
            (
                "3,000 levels of assertions",
                detailed(
                    &"<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">".repeat(3000),
                ),
                DEPTH,
            ),
        ])
}

fn elements() -> Table {
    let known = honest().matches('<').count() - honest().matches("</").count();
    let room = 8192 - known - 1;
    Table::new("elements").twin("8,192", detailed(&"<x/>".repeat(room))).attacks([
        ("one more", detailed(&"<x/>".repeat(room + 1)), NODES),
        ("60,000", detailed(&"<x/>".repeat(60_000)), NODES),
        ("20,000 in rows", detailed(&"<x><y/><y/><y/></x>".repeat(5000)), NODES),
        (
            "3,000 signatures",
            detailed(&"<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/>".repeat(3000)),
            "saml.signature.place",
        ),
    ])
}

fn attributes() -> Table {
    let many = |count: usize| (0..count).map(|n| format!("a{n}='' ")).collect::<String>();
    let one = |count: usize| format!("<x {}/>", many(count));
    let declarations = |count: usize| {
        let all = (0..count).map(|n| format!("xmlns:a{n}='urn:{n}' "));
        format!("<x {}/>", all.collect::<String>())
    };
    let root = |count: usize| adorned(&honest(), "samlp:Response", &many(count));
    Table::new("attributes of a tag")
        .twin("48", detailed(&one(48)))
        .twin("16,000 of 1,000 tags", detailed(&one(16).repeat(1000)))
        .attacks([
            ("49", detailed(&one(49)), ATTRIBUTES),
            ("20,000", detailed(&one(20_000)), ATTRIBUTES),
            ("32,000 of 1,000 tags", detailed(&one(32).repeat(1000)), ATTRIBUTES),
            (
                "17,000 of both",
                detailed(&declarations(10).replace("/>", &format!("{}/>", many(7))).repeat(1000)),
                ATTRIBUTES,
            ),
            ("40,000", one(40_000).chars().take(250_000).collect(), ATTRIBUTES),
            ("20,000 of the root", root(20_000), ATTRIBUTES),
            ("49 declarations", detailed(&declarations(49)), ATTRIBUTES),
            ("8,000 declarations", detailed(&declarations(8000)), ATTRIBUTES),
            (
                "24 declarations and 25 attributes",
                detailed(&declarations(24).replace("/>", &format!("{}/>", many(25)))),
                ATTRIBUTES,
            ),
            ("40,000 of one name", detailed(&format!("<x {}/>", "a='' ".repeat(40_000))), ATTRIBUTES),
            ("49 of the assertion", adorned(&honest(), "saml:Assertion", &many(45)), ATTRIBUTES),
            ("49 of SignedInfo", adorned(&honest(), "ds:SignedInfo", &many(49)), ATTRIBUTES),
        ])
}

fn namespaces() -> Table {
    let nested = |levels: usize, each: usize| {
        let declarations = |level: usize| {
            (0..each).map(|n| format!("xmlns:p{level}-{n}='urn:x'")).collect::<Vec<_>>().join(" ")
        };
        let open: String = (0..levels).map(|level| format!("<x {}>", declarations(level))).collect();
        open + &"</x>".repeat(levels)
    };
    Table::new("namespaces in scope")
        // Besides xml and samlp.
        .twin("64", detailed(&nested(2, 31)))
        .twin("many, one after the other", detailed(&nested(1, 40).repeat(50)))
        .attacks([
            ("65", detailed(&nested(3, 21)), NAMESPACE),
            ("40 levels of 40", detailed(&nested(40, 40)), NAMESPACE),
            (
                "one prefix on 40 levels twice",
                detailed(&"<x xmlns:p='urn:x' xmlns:q='urn:x'>".repeat(40)),
                NAMESPACE,
            ),
        ])
}

/// What a reader would have to walk, with a signature that is replayed.
fn numbers_of_everything() -> Table {
    let put = |before: &str, text: &str| swap(&honest(), before, &format!("{text}{before}"));
    let digest = "saml.signature.digest";
    let value = "<saml:AttributeValue>x</saml:AttributeValue>";
    let attribute = "<saml:Attribute Name=\"a\"></saml:Attribute>";
    let references =
        Signing { second_reference: "<ds:Reference></ds:Reference>".repeat(4000), ..Signing::of("_a") };
    Table::new("numbers of everything").twin("the genuine", honest()).attacks([
        ("4,000 values", put("</saml:Attribute>", &value.repeat(4000)), digest),
        ("4,000 attributes", put("</saml:AttributeStatement>", &attribute.repeat(4000)), digest),
        ("4,000 audiences", put("<saml:Audience>", &"<saml:Audience>x</saml:Audience>".repeat(4000)), digest),
        ("4,000 conditions", put("</saml:Conditions>", &"<saml:OneTimeUse/>".repeat(4000)), digest),
        ("4,000 confirmations", put("</saml:Subject>", &"<saml:SubjectConfirmation/>".repeat(4000)), digest),
        ("200 kB of a name", put("</saml:NameID>", &"x".repeat(200_000)), digest),
        ("40,000 references to characters", put("</saml:NameID>", &"&#120;".repeat(40_000)), digest),
        ("200,000 characters that grow", put("</saml:NameID>", &">".repeat(200_000)), digest),
        (
            "4,000 References",
            response(&enveloped(ASSERTION, &references.sign(ASSERTION))),
            "saml.signature.reference-count",
        ),
        (
            "3,000 status codes",
            put("</samlp:Status>", &"<samlp:StatusCode Value=''/>".repeat(3000)),
            "saml.structure.status",
        ),
        ("5,000 IDs alike", detailed(&"<x ID='_x'/>".repeat(5000)), "saml.structure.id-unique"),
    ])
}
