//! Canonicalization: other methods, prefix lists that carry in what stands outside, forms that
//! are empty, forms that grow.

use super::fixture::{
    ASSERTION, ENVELOPED, EXCLUSIVE, Signing, adorned, element, enveloped, honest, response, signature_of,
    signed, signed_whole, swap,
};
use super::suite::{Table, hold};

#[test]
fn is_one_and_no_other() {
    hold(&tables());
}

const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const DIGEST: &str = "saml.signature.digest";
const METHOD: &str = "saml.signature.canonicalization";
const TRANSFORMS: &str = "saml.signature.transforms";

pub(super) fn tables() -> Vec<Table> {
    vec![methods(), lists(), hoisted(), void(), grown()]
}

/// The honest assertion, signed in another way.
fn signed_by(change: impl FnOnce(&mut Signing<'_>)) -> String {
    let mut signing = Signing::of("_a");
    change(&mut signing);
    response(&enveloped(ASSERTION, &signing.sign(ASSERTION)))
}

/// Exclusive canonicalization with parameters, in an element of XML-DSig.
fn with_parameters(name: &str, parameters: &str) -> String {
    let end = format!("></ds:{name}>");
    swap(&element(name, EXCLUSIVE), &end, &format!(">{parameters}</ds:{name}>"))
}

fn list(prefixes: &str) -> String {
    format!(
        "<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{prefixes}\"></ec:InclusiveNamespaces>"
    )
}

fn methods() -> Table {
    let uri = |uri: &str| signed_by(|s| s.canonicalization = element("CanonicalizationMethod", uri));
    let parameters =
        |text: &str| signed_by(|s| s.canonicalization = with_parameters("CanonicalizationMethod", text));
    let none =
        signed_by(|s| s.canonicalization = "<ds:CanonicalizationMethod></ds:CanonicalizationMethod>".into());
    Table::new("methods for SignedInfo")
        .twin("the one", uri(EXCLUSIVE))
        .twin("with a list", parameters(&list("xs")))
        .attacks([
            ("inclusive", uri(INCLUSIVE), METHOD),
            ("inclusive, with comments", uri(&format!("{INCLUSIVE}#WithComments")), METHOD),
            ("inclusive 1.1", uri("http://www.w3.org/2006/12/xml-c14n11"), METHOD),
            ("2.0", uri("http://www.w3.org/2010/xml-c14n2"), METHOD),
            ("with comments", uri(&format!("{EXCLUSIVE}WithComments")), METHOD),
            ("without its #", uri(EXCLUSIVE.trim_end_matches('#')), METHOD),
            ("by HTTPS", uri(&EXCLUSIVE.replace("http:", "https:")), METHOD),
            ("in upper case", uri(&EXCLUSIVE.to_uppercase()), METHOD),
            ("with a blank", uri(&format!("{EXCLUSIVE} ")), METHOD),
            ("minimal", uri("http://www.w3.org/2000/09/xmldsig#minimal"), METHOD),
            ("an empty one", uri(""), METHOD),
            ("none", none, METHOD),
            ("an XSLT", uri("http://www.w3.org/TR/1999/REC-xslt-19991116"), METHOD),
            ("text in it", parameters("x"), METHOD),
            ("an unknown parameter", parameters("<x></x>"), METHOD),
            ("two lists", parameters(&list("saml").repeat(2)), METHOD),
        ])
}

fn lists() -> Table {
    let by = |parameters: &str| {
        let canonical = with_parameters("Transform", parameters);
        signed_by(|s| s.transforms = element("Transform", ENVELOPED) + &canonical)
    };
    let enveloping = with_parameters("Transform", &list("saml")).replacen(EXCLUSIVE, ENVELOPED, 1);
    let on_the_first = signed_by(|s| s.transforms = enveloping + &element("Transform", EXCLUSIVE));
    let many = |count: usize| (0..count).map(|n| format!("p{n} ")).collect::<String>();
    let foreign = list("saml").replacen(EXCLUSIVE, "urn:x", 1);
    Table::new("lists of prefixes")
        .twin("one prefix", by(&list("saml")))
        .twin("one that is not in scope", by(&list("nobody")))
        .twin("one twice", by(&list("saml saml")))
        .twin("nothing", by(&list("")))
        .twin("16 prefixes", by(&list(&many(16))))
        .attacks([
            ("17 prefixes", by(&list(&many(17))), TRANSFORMS),
            ("10,000 prefixes", by(&list(&many(10_000))), TRANSFORMS),
            ("two lists", by(&list("saml").repeat(2)), TRANSFORMS),
            ("a list and something else", by(&format!("{}<x></x>", list("saml"))), TRANSFORMS),
            ("text", by("saml"), TRANSFORMS),
            ("a list in another namespace", by(&foreign), TRANSFORMS),
            (
                "a list of XML-DSig",
                by("<ds:InclusiveNamespaces PrefixList=\"saml\"></ds:InclusiveNamespaces>"),
                TRANSFORMS,
            ),
            ("a list in lower case", by(&list("saml").replace("InclusiveN", "inclusiveN")), TRANSFORMS),
            ("something in the list", by(&list("saml").replace("></ec", "><x></x></ec")), TRANSFORMS),
            ("a list of the first transform", on_the_first, TRANSFORMS),
        ])
}

/// A listed prefix is rendered as it is bound around the assertion, where nobody signed.
fn hoisted() -> Table {
    let xs = "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"";
    let listing = |prefixes: &str, canonical: &str| {
        let exclusive = with_parameters("Transform", &list(prefixes));
        let transforms = element("Transform", ENVELOPED) + &exclusive;
        enveloped(ASSERTION, &Signing { transforms, ..Signing::of("_a") }.sign(canonical))
    };
    let bound = |text: &str, declaration: &str| adorned(&response(text), "samlp:Response", declaration);
    let one = listing("xs", &swap(ASSERTION, "assertion\" ID", &format!("assertion\" {xs} ID")));
    let default = listing("#default", &swap(ASSERTION, "xmlns:saml", "xmlns=\"urn:d\" xmlns:saml"));
    let own = Signing {
        canonicalization: with_parameters("CanonicalizationMethod", &list("xs")),
        ..Signing::of("_a")
    };
    let info = own.info(ASSERTION);
    let sealed = own.seal(&info.replacen("xmldsig#\">", &format!("xmldsig#\" {xs}>"), 1));
    let sealed = enveloped(ASSERTION, &sealed.replacen(&format!(" {xs}"), "", 1));
    let evil = "xmlns:xs=\"urn:evil\"";
    Table::new("what a list carries in")
        .twin("a prefix of the response", bound(&one, xs))
        .twin("a default of the response", bound(&default, "xmlns=\"urn:d\""))
        .twin("a prefix of the response for SignedInfo", bound(&sealed, xs))
        .attacks([
            ("bound to something else", bound(&one, evil), DIGEST),
            ("not bound", response(&one), DIGEST),
            ("bound anew in the assertion", adorned(&bound(&one, xs), "saml:Assertion", evil), DIGEST),
            ("bound anew within", adorned(&bound(&one, xs), "saml:NameID", evil), DIGEST),
            ("another default", bound(&default, "xmlns=\"urn:e\""), DIGEST),
            ("no default", response(&default), DIGEST),
            (
                "the default undeclared within",
                adorned(&bound(&default, "xmlns=\"urn:d\""), "saml:NameID", "xmlns=\"\""),
                DIGEST,
            ),
            ("bound to something else for SignedInfo", bound(&sealed, evil), "saml.signature.value"),
            ("not bound for SignedInfo", response(&sealed), "saml.signature.value"),
        ])
}

/// Canonicalization that fails elsewhere gives nothing, and nothing has a digest, too ("The
/// Fragile Lock", 2025). The honest key signs these digests.
fn void() -> Table {
    let over = |octets: &str| response(&enveloped(ASSERTION, &Signing::of("_a").sign(octets)));
    let info = Signing::of("_a").info(ASSERTION);
    let empty = info.replace(
        &info[info.find("<ds:DigestValue>").unwrap()..info.find("</ds:Reference>").unwrap()],
        "<ds:DigestValue></ds:DigestValue>",
    );
    let relative = swap(&over(""), "<saml:Subject>", "<saml:Subject xmlns:x=\"y\">");
    Table::new("void forms").twin("the assertion", over(ASSERTION)).attacks([
        ("nothing", over(""), DIGEST),
        ("nothing, with a namespace that makes it void", relative, "saml.xml.namespace"),
        ("a line end", over("\n"), DIGEST),
        ("the ID", over("_a"), DIGEST),
        ("the ID with #", over("#_a"), DIGEST),
        ("an empty element", over("<saml:Assertion></saml:Assertion>"), DIGEST),
        ("the response", over(&response(ASSERTION)), DIGEST),
        (
            "the text alone",
            over("https://idp.example.com/metadataannhttps://broker.example.comstaffplatform"),
            DIGEST,
        ),
        ("the assertion with a signature in it", over(&signed(ASSERTION)), DIGEST),
        (
            "the subject",
            over(
                &ASSERTION
                    [ASSERTION.find("<saml:Subject>").unwrap()..ASSERTION.find("<saml:Conditions").unwrap()],
            ),
            DIGEST,
        ),
        ("an empty digest", response(&enveloped(ASSERTION, &Signing::of("_a").seal(&empty))), DIGEST),
        (
            "an empty digest without a signature",
            response(&enveloped(ASSERTION, &signature_of(&empty, ""))),
            "saml.signature.value",
        ),
    ])
}

/// A namespace is declared wherever it is first used: a long one with many users makes a form
/// that is larger than the document by far. A replayed `SignedInfo` gets as far as this.
fn grown() -> Table {
    let advice = |users: usize| {
        let advice = format!("<saml:Advice>{}</saml:Advice><saml:AuthnStatement", "<p:b/>".repeat(users));
        let document = swap(&honest(), "<saml:AuthnStatement", &advice);
        adorned(&document, "samlp:Response", &format!("xmlns:p=\"u:{}\"", "x".repeat(2000)))
    };
    let attributes = |users: usize| {
        let user = "<b p:a=\"\" q:a=\"\" r:a=\"\" s:a=\"\"/>";
        let advice = format!("<saml:Advice>{}</saml:Advice><saml:AuthnStatement", user.repeat(users));
        let long = |prefix: &str| format!("xmlns:{prefix}=\"u:{}{prefix}\"", "x".repeat(1000));
        let document = swap(&honest(), "<saml:AuthnStatement", &advice);
        adorned(&document, "samlp:Response", &["p", "q", "r", "s"].map(long).join(" "))
    };
    let status = |users: usize| {
        let detail =
            format!("<samlp:StatusDetail>{}</samlp:StatusDetail></samlp:Status>", "<p:b/>".repeat(users));
        let document = swap(&signed_whole(&honest()), "</samlp:Status>", &detail);
        adorned(&document, "samlp:Response", &format!("xmlns:p=\"u:{}\"", "x".repeat(2000)))
    };
    let size = "saml.signature.canonical-size";
    Table::new("grown forms").twin("the genuine", honest()).attacks([
        ("a few users", advice(3), DIGEST),
        ("300 users of a long name", advice(300), size),
        ("8,000 users of a long name", advice(8000), size),
        ("2,000 users of four long names", attributes(2000), size),
        ("300 users in a signed response", status(300), size),
    ])
}
