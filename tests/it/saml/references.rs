//! References: exactly one, to the parent's own ID, by its bare name. The honest key signed
//! whatever stands here.

use super::fixture::{ASSERTION, Signing, adorned, enveloped, honest, response, signed_whole, swap};
use super::suite::{Table, hold};

#[test]
fn are_to_the_parent_alone() {
    hold(&tables());
}

const URI: &str = "saml.signature.reference-uri";
const COUNT: &str = "saml.signature.reference-count";

pub(super) fn tables() -> Vec<Table> {
    vec![forms(), several(), forms_of_the_response()]
}

fn to(uri: &str) -> String {
    response(&enveloped(ASSERTION, &Signing { uri: uri.to_owned(), ..Signing::of("_a") }.sign(ASSERTION)))
}

fn sealed(from: &str, to: &str) -> String {
    let info = swap(&Signing::of("_a").info(ASSERTION), from, to);
    response(&enveloped(ASSERTION, &Signing::of("_a").seal(&info)))
}

fn forms() -> Table {
    let long = swap(&honest(), "ID=\"_a\" ", "");
    Table::new("forms of the URI")
        .twin("the parent's ID", to("#_a"))
        .twin("by a character reference", swap(&to("#_a"), "URI=\"#_a\"", "URI=\"&#35;_a\""))
        .attacks([
            ("the whole document", to(""), URI),
            ("none", sealed(" URI=\"#_a\"", ""), URI),
            ("in lower case", sealed("URI=", "uri="), URI),
            ("nothing", to("#"), URI),
            ("without #", to("_a"), URI),
            ("two #", to("##_a"), URI),
            ("a # behind", to("#_a#"), URI),
            ("the response", to("#_r"), URI),
            ("nobody", to("#_z"), URI),
            ("a beginning", to("#_"), URI),
            ("more than the ID", to("#_ab"), URI),
            ("another case", to("#_A"), URI),
            ("a blank before", to(" #_a"), URI),
            ("a blank within", to("# _a"), URI),
            ("a blank behind", to("#_a "), URI),
            ("two IDs", to("#_a #_r"), URI),
            ("percent-encoded", to("#%5Fa"), URI),
            ("the # percent-encoded", to("%23_a"), URI),
            ("an XPointer by ID", to("#xpointer(id('_a'))"), URI),
            ("an XPointer to all", to("#xpointer(/)"), URI),
            ("an XPointer by path", to("#xpointer(//saml:Assertion)"), URI),
            ("an element scheme", to("#element(_a)"), URI),
            ("a file", to("file:///dev/zero"), URI),
            ("a file with the ID", to("file:///etc/passwd#_a"), URI),
            ("a path", to("../metadata.xml#_a"), URI),
            ("a long URI", to(&format!("#{}", "a".repeat(100_000))), URI),
            (
                "another ID than a long one",
                adorned(&long, "saml:Assertion", &format!("ID=\"_{}\"", "a".repeat(100_000))),
                URI,
            ),
            ("HTTP", to("http://example.com/#_a"), URI),
            ("HTTPS", to("https://idp.example.com/metadata"), URI),
            ("HTTP inside", to("http://169.254.169.254/latest/meta-data/"), URI),
            ("FTP", to("ftp://example.com/x"), URI),
            ("data", to("data:,#_a"), URI),
            ("a content id", to("cid:x#_a"), URI),
            ("a query", to("?x#_a"), URI),
            ("our own address", to("https://broker.example.com/saml/corp/acs#_a"), URI),
        ])
}

fn several() -> Table {
    let with = |second: &str| {
        let signing = Signing { second_reference: second.to_owned(), ..Signing::of("_a") };
        response(&enveloped(ASSERTION, &signing.sign(ASSERTION)))
    };
    let info = Signing::of("_a").info(ASSERTION);
    let reference = &info[info.find("<ds:Reference").unwrap()..info.find("</ds:SignedInfo>").unwrap()];
    let manifest =
        swap(reference, "URI=\"#_a\"", "Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\" URI=\"#_m\"");
    let before = sealed("<ds:Reference ", &format!("{}<ds:Reference ", reference.replace("#_a", "#_r")));
    Table::new("several").twin("one", sealed("", "")).attacks([
        ("none", sealed(reference, ""), COUNT),
        ("the same twice", with(reference), COUNT),
        ("to the response, too", with(&reference.replace("#_a", "#_r")), COUNT),
        ("to the response before", before, COUNT),
        ("to the whole document, too", with(&reference.replace("#_a", "")), COUNT),
        ("to a file, too", with(&reference.replace("#_a", "file:///dev/zero")), COUNT),
        ("to a manifest, too", with(&manifest), COUNT),
        ("to a manifest only", sealed(reference, &manifest), URI),
        ("an empty one, too", with("<ds:Reference></ds:Reference>"), COUNT),
        ("201", with(&reference.repeat(200)), COUNT),
        (
            "one within another",
            sealed("</ds:Reference>", &format!("{reference}</ds:Reference>")),
            "saml.signature.structure",
        ),
    ])
}

fn forms_of_the_response() -> Table {
    let document = honest();
    let to = |uri: &str| {
        enveloped(&document, &Signing { uri: uri.to_owned(), ..Signing::of("_r") }.sign(&document))
    };
    Table::new("of the response's signature").twin("to the response", signed_whole(&document)).attacks([
        ("the whole document", to(""), URI),
        ("the assertion", to("#_a"), URI),
        ("an XPointer", to("#xpointer(id('_r'))"), URI),
        ("a URL", to("http://example.com/#_r"), URI),
        ("no ID", swap(&signed_whole(&document), " ID=\"_r\"", ""), "saml.structure.id"),
        ("another ID", swap(&signed_whole(&document), " ID=\"_r\"", " ID=\"_s\""), URI),
    ])
}
