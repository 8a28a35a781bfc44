//! Transforms: exactly two, the enveloped signature and exclusive canonicalization, in that
//! order. Anything else is a program of the attacker's choice. The honest key signed them all.

use super::fixture::{ASSERTION, ENVELOPED, EXCLUSIVE, Signing, element, enveloped, response, swap};
use super::suite::{Table, hold};

#[test]
fn are_these_two() {
    hold(&tables());
}

const CHECK: &str = "saml.signature.transforms";

pub(super) fn tables() -> Vec<Table> {
    vec![numbers_and_order(), programs(), shapes()]
}

fn by(transforms: &str) -> String {
    let signing = Signing { transforms: transforms.to_owned(), ..Signing::of("_a") };
    response(&enveloped(ASSERTION, &signing.sign(ASSERTION)))
}

fn transform(uri: &str) -> String {
    element("Transform", uri)
}

/// A transform with something in it.
fn holding(uri: &str, content: &str) -> String {
    swap(&transform(uri), "></ds:Transform>", &format!(">{content}</ds:Transform>"))
}

fn numbers_and_order() -> Table {
    let (enveloping, exclusive) = (transform(ENVELOPED), transform(EXCLUSIVE));
    let (e, x) = (enveloping.as_str(), exclusive.as_str());
    let inclusive = transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315");
    let commented = transform(&format!("{EXCLUSIVE}WithComments"));
    let inclusive_11 = transform("http://www.w3.org/2006/12/xml-c14n11");
    Table::new("number and order").twin("the two", by(&[e, x].concat())).attacks([
        ("none", by(""), CHECK),
        ("the first", by(e), CHECK),
        ("the second", by(x), CHECK),
        ("the wrong way round", by(&[x, e].concat()), CHECK),
        ("the first twice", by(&[e, e].concat()), CHECK),
        ("the second twice", by(&[x, x].concat()), CHECK),
        ("the first once more", by(&[e, e, x].concat()), CHECK),
        ("the second once more", by(&[e, x, x].concat()), CHECK),
        ("both twice", by(&[e, x, e, x].concat()), CHECK),
        ("1,000 of them", by(&[e, x].concat().repeat(500)), CHECK),
        ("inclusive canonicalization", by(&[e, &inclusive].concat()), CHECK),
        ("inclusive canonicalization 1.1", by(&[e, &inclusive_11].concat()), CHECK),
        ("inclusive canonicalization before", by(&[e, &inclusive, x].concat()), CHECK),
        ("canonicalization with comments", by(&[e, &commented].concat()), CHECK),
    ])
}

fn programs() -> Table {
    let both = transform(ENVELOPED) + &transform(EXCLUSIVE);
    let xpath = holding(
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "<ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath>",
    );
    let filter = holding(
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "<f:XPath xmlns:f=\"http://www.w3.org/2002/06/xmldsig-filter2\" Filter=\"subtract\">//saml:NameID</f:XPath>",
    );
    let costly = holding(
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        &format!("<ds:XPath>{}</ds:XPath>", "count(//.|".repeat(700) + &")".repeat(700)),
    );
    let xslt = holding(
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "<xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"><xsl:template match=\"/\">x</xsl:template></xsl:stylesheet>",
    );
    let pointer = holding("http://www.w3.org/2001/04/xmldsig-more#xptr", "<x></x>");
    let programs = [
        ("XPath", xpath),
        ("an XPath filter", filter),
        ("a costly XPath", costly),
        ("XSLT", xslt),
        ("base64", transform("http://www.w3.org/2000/09/xmldsig#base64")),
        ("decryption", transform("http://www.w3.org/2002/07/decrypt#XML")),
        ("an XPointer", pointer),
        ("XInclude", transform("http://www.w3.org/2001/XInclude")),
        (
            "a token of WS-Security",
            transform(
                "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform",
            ),
        ),
        (
            "an attachment",
            transform(
                "http://docs.oasis-open.org/wss/oasis-wss-SwAProfile-1.1#Attachment-Content-Signature-Transform",
            ),
        ),
        ("something unknown", transform("urn:x")),
        ("nothing", transform("")),
    ];
    let mut rows = Vec::new();
    for (what, program) in programs {
        let added = transform(ENVELOPED) + &program + &transform(EXCLUSIVE);
        rows.push((format!("{what} in addition"), by(&added), CHECK));
        rows.push((
            format!("{what} instead of the first"),
            by(&(program.clone() + &transform(EXCLUSIVE))),
            CHECK,
        ));
        rows.push((format!("{what} instead of the second"), by(&(transform(ENVELOPED) + &program)), CHECK));
    }
    Table::new("programs").twin("none", by(&both)).attacks(rows)
}

fn shapes() -> Table {
    let (enveloping, exclusive) = (transform(ENVELOPED), transform(EXCLUSIVE));
    let both = format!("{enveloping}{exclusive}");
    let info = Signing::of("_a").info(ASSERTION);
    let sealed = |from: &str, to: &str| {
        response(&enveloped(ASSERTION, &Signing::of("_a").seal(&swap(&info, from, to))))
    };
    let all = format!("<ds:Transforms>{both}</ds:Transforms>");
    let structure = "saml.signature.structure";
    Table::new("shapes").twin("the two", sealed("", "")).attacks([
        ("no Transforms", sealed(&all, ""), structure),
        ("Transforms twice", sealed(&all, &all.repeat(2)), structure),
        (
            "Transforms behind the digest",
            sealed(&all, "").replacen("</ds:Reference>", &format!("{all}</ds:Reference>"), 1),
            structure,
        ),
        (
            "Transforms within Transforms",
            sealed(&all, &format!("<ds:Transforms>{all}</ds:Transforms>")),
            CHECK,
        ),
        ("something in the first", by(&format!("{}{exclusive}", holding(ENVELOPED, "<x></x>"))), CHECK),
        ("text in the first", by(&format!("{}{exclusive}", holding(ENVELOPED, "x"))), CHECK),
        ("something in the second", by(&format!("{enveloping}{}", holding(EXCLUSIVE, "<x></x>"))), CHECK),
        ("text in the second", by(&format!("{enveloping}{}", holding(EXCLUSIVE, "x"))), CHECK),
        ("text between", by(&format!("{enveloping}x{exclusive}")), CHECK),
        ("another element between", by(&format!("{enveloping}<x></x>{exclusive}")), CHECK),
        ("no Algorithm", by(&both.replacen(&format!(" Algorithm=\"{ENVELOPED}\""), "", 1)), CHECK),
        ("Algorithm in lower case", by(&both.replacen("Algorithm", "algorithm", 1)), CHECK),
        ("another case", by(&both.replacen("enveloped-signature", "Enveloped-Signature", 1)), CHECK),
        ("a blank", by(&both.replacen("enveloped-signature", "enveloped-signature ", 1)), CHECK),
    ])
}
