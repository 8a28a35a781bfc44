//! Names that look alike: the right local name in another namespace, prefixes bound anew between
//! signing and reading, namespaces that nearly are SAML's, letters of other alphabets.

use rolegate::identity::saml::Accept;

use super::fixture::{
    ASSERTION, Signing, adorned, attributes_of, enveloped, honest, response, signed, signed_whole, swap, with,
};
use super::suite::{Table, hold};

#[test]
fn are_told_apart() {
    hold(&tables());
}

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

pub(super) fn tables() -> Vec<Table> {
    vec![
        other_namespaces(),
        other_namespaces_in_the_signature(),
        near_misses(),
        bound_anew(),
        default_namespaces(),
        homographs(),
        bad_declarations(),
    ]
}

/// The first element `name` of `text` in the namespace `urn:x`.
fn foreign(text: &str, name: &str) -> String {
    let local = name.split_once(':').unwrap().1;
    let start = attributes_of(text, name).start;
    let rest = text[start..].replacen(&format!("</{name}>"), &format!("</x:{local}>"), 1);
    format!("{}<x:{local} xmlns:x=\"urn:x\"{rest}", &text[..start - name.len() - 1])
}

fn other_namespaces() -> Table {
    let of = |name: &str| response(&signed(&foreign(ASSERTION, name)));
    let unnamed = foreign(ASSERTION, "saml:Issuer");
    let signature = Signing::of("_a").sign(&unnamed);
    let unnamed = swap(&unnamed, "<saml:Subject>", &format!("{signature}<saml:Subject>"));
    let prefixed = swap(ASSERTION, "<saml:NameID", &format!("<x:NameID xmlns:x=\"{SAML}\""));
    let child = "saml.structure.child";
    let status = "saml.structure.status";
    Table::new("the right name in another namespace")
        .twin("in the right one", honest())
        .twin("with another prefix", response(&signed(&prefixed.replace("</saml:NameID", "</x:NameID"))))
        .attacks([
            ("Response", foreign(&honest(), "samlp:Response"), "saml.structure.root"),
            ("Status", foreign(&honest(), "samlp:Status"), status),
            ("StatusCode", foreign(&honest(), "samlp:StatusCode"), status),
            ("the response's Issuer", foreign(&honest(), "saml:Issuer"), child),
            ("Assertion", foreign(&honest(), "saml:Assertion"), "saml.signature.place"),
            (
                "Assertion, unsigned",
                response(&foreign(ASSERTION, "saml:Assertion")),
                "saml.structure.assertion-count",
            ),
            ("the assertion's Issuer", response(&unnamed), child),
            ("Subject", of("saml:Subject"), child),
            ("NameID", of("saml:NameID"), "saml.subject.child"),
            ("SubjectConfirmation", of("saml:SubjectConfirmation"), "saml.confirmation.count"),
            ("SubjectConfirmationData", of("saml:SubjectConfirmationData"), "saml.confirmation.data"),
            ("Conditions", of("saml:Conditions"), child),
            ("AudienceRestriction", of("saml:AudienceRestriction"), "saml.condition"),
            ("Audience", of("saml:Audience"), "saml.audience"),
            ("AuthnStatement", of("saml:AuthnStatement"), child),
            ("AttributeStatement", of("saml:AttributeStatement"), child),
            ("Attribute", of("saml:Attribute"), "saml.attribute"),
            ("AttributeValue", of("saml:AttributeValue"), "saml.attribute"),
        ])
}

fn other_namespaces_in_the_signature() -> Table {
    let info = Signing::of("_a").info(ASSERTION);
    let sealed = |name: &str| response(&enveloped(ASSERTION, &Signing::of("_a").seal(&foreign(&info, name))));
    let document = honest();
    let shape = "saml.structure.child";
    let structure = "saml.signature.structure";
    Table::new("the right name of XML-DSig in another namespace").twin("in the right one", &document).attacks(
        [
            ("Signature", foreign(&document, "ds:Signature"), shape),
            ("SignedInfo", foreign(&document, "ds:SignedInfo"), structure),
            ("SignatureValue", foreign(&document, "ds:SignatureValue"), structure),
            ("CanonicalizationMethod", sealed("ds:CanonicalizationMethod"), structure),
            ("SignatureMethod", sealed("ds:SignatureMethod"), structure),
            ("Reference", sealed("ds:Reference"), "saml.signature.reference-count"),
            ("Transforms", sealed("ds:Transforms"), structure),
            ("Transform", sealed("ds:Transform"), "saml.signature.transforms"),
            ("DigestMethod", sealed("ds:DigestMethod"), structure),
            ("DigestValue", sealed("ds:DigestValue"), structure),
        ],
    )
}

fn near_misses() -> Table {
    let assertion = |namespace: &str| signed_whole(&response(&ASSERTION.replace(SAML, namespace)));
    let protocol = |namespace: &str| honest().replace(PROTOCOL, namespace);
    let dsig = |namespace: &str| honest().replace(&format!("\"{DSIG}\""), &format!("\"{namespace}\""));
    let (count, root, child) =
        ("saml.structure.assertion-count", "saml.structure.root", "saml.structure.child");
    Table::new("namespaces that nearly are SAML's")
        .accepting(Accept { signed_response: true, ..Accept::default() })
        .twins([("SAML's", honest()), ("the response signed", assertion(SAML))])
        .attacks([
            ("another case", assertion(&SAML.to_uppercase()), count),
            ("an end more", assertion(&format!("{SAML}#")), count),
            ("SAML 1.1", assertion("urn:oasis:names:tc:SAML:1.1:assertion"), count),
            ("SAML 1.0", assertion("urn:oasis:names:tc:SAML:1.0:assertion"), count),
            ("the protocol's", assertion(PROTOCOL), count),
            ("an escaped colon", assertion(&SAML.replacen("2.0:", "2.0%3A", 1)), count),
            ("a Cyrillic letter", assertion(&SAML.replace("names", "n\u{430}mes")), count),
            ("a blank that is none", assertion(&format!("{SAML}\u{a0}")), count),
            ("a joiner of no width", assertion(&format!("{SAML}\u{200d}")), count),
            ("a blank", assertion(&format!("{SAML} ")), "saml.xml.namespace"),
            ("an entity", assertion(&SAML.replace(":2.0", "&#58;2.0")), "saml.xml.namespace"),
            ("a protocol of another case", protocol(&PROTOCOL.to_uppercase()), root),
            ("the assertion's protocol", protocol(SAML), root),
            ("SAML 1.1's protocol", protocol("urn:oasis:names:tc:SAML:1.0:protocol"), root),
            ("a protocol with a slash", protocol(&format!("{PROTOCOL}/")), root),
            ("XML-DSig without #", dsig("http://www.w3.org/2000/09/xmldsig"), child),
            ("XML-DSig by HTTPS", dsig("https://www.w3.org/2000/09/xmldsig#"), child),
            ("XML-DSig 1.1", dsig("http://www.w3.org/2009/xmldsig11#"), child),
        ])
}

/// After signing, something is declared again or otherwise.
fn bound_anew() -> Table {
    let document = honest();
    let put = |element: &str, declaration: &str| adorned(&document, element, declaration);
    let respelt = |text: &str, from: &str, to: &str| {
        let text = text.replace(&format!("<{from}:"), &format!("<{to}:"));
        let text = text.replace(&format!("</{from}:"), &format!("</{to}:"));
        text.replace(&format!("xmlns:{from}="), &format!("xmlns:{to}="))
    };
    let name_id = swap(&document, "<saml:NameID", &format!("<x:NameID xmlns:x=\"{SAML}\""));
    let signed_info = swap(&document, "<ds:SignedInfo>", &format!("<x:SignedInfo xmlns:x=\"{DSIG}\">"));
    let digest = "saml.signature.digest";
    Table::new("prefixes bound anew")
        .twin("one that nobody uses", put("saml:Subject", "xmlns:x=\"urn:x\""))
        .twin("the same once more", put("saml:Subject", &format!("xmlns:saml=\"{SAML}\"")))
        .twin("a default that nobody uses", put("saml:Subject", "xmlns=\"urn:x\""))
        .twin("no default where there was none", put("saml:Subject", "xmlns=\"\""))
        .attacks([
            ("in Subject", put("saml:Subject", "xmlns:saml=\"urn:x\""), "saml.structure.child"),
            ("in NameID", put("saml:NameID", "xmlns:saml=\"urn:x\""), digest),
            ("in AudienceRestriction", put("saml:AudienceRestriction", "xmlns:saml=\"urn:x\""), digest),
            ("in AttributeValue", put("saml:AttributeValue", "xmlns:saml=\"urn:x\""), digest),
            ("in SignedInfo", put("ds:SignedInfo", "xmlns:ds=\"urn:x\""), "saml.signature.structure"),
            ("in Reference", put("ds:Reference", "xmlns:ds=\"urn:x\""), "saml.signature.reference-count"),
            ("in Status", put("samlp:Status", "xmlns:samlp=\"urn:x\""), "saml.structure.status"),
            ("another prefix for NameID", name_id.replace("</saml:NameID", "</x:NameID"), digest),
            ("another prefix for all", response(&respelt(&signed(ASSERTION), "saml", "x")), digest),
            (
                "another prefix for SignedInfo",
                signed_info.replace("</ds:SignedInfo", "</x:SignedInfo"),
                "saml.signature.value",
            ),
            (
                "another prefix for all of the signature",
                response(&respelt(&signed(ASSERTION), "ds", "x")),
                "saml.signature.value",
            ),
        ])
}

/// The same assertion without prefixes.
fn default_namespaces() -> Table {
    let plain = ASSERTION.replace("xmlns:saml=", "xmlns=").replace("<saml:", "<").replace("</saml:", "</");
    let signature = Signing::of("_a").sign(&plain);
    let document = response(&swap(&plain, "</Issuer>", &format!("</Issuer>{signature}")));
    let put = |element: &str, declaration: &str| adorned(&document, element, declaration);
    let apex = |declaration: &str| swap(&document, &format!("<Assertion xmlns=\"{SAML}\""), declaration);
    let (digest, child) = ("saml.signature.digest", "saml.structure.child");
    let place = "saml.signature.place";
    Table::new("default namespaces")
        .twin("without prefixes", &document)
        .twin("the default once more", put("Subject", &format!("xmlns=\"{SAML}\"")))
        .attacks([
            ("undeclared in NameID", put("NameID", "xmlns=\"\""), digest),
            ("undeclared in Audience", put("Audience", "xmlns=\"\""), digest),
            ("undeclared in AttributeValue", put("AttributeValue", "xmlns=\"\""), digest),
            ("undeclared in Subject", put("Subject", "xmlns=\"\""), child),
            ("undeclared in Conditions", put("Conditions", "xmlns=\"\""), child),
            ("another in NameID", put("NameID", "xmlns=\"urn:x\""), digest),
            ("another in Conditions", put("Conditions", "xmlns=\"urn:x\""), child),
            ("another in the assertion", apex("<Assertion xmlns=\"urn:x\""), place),
            ("none in the assertion", apex("<Assertion"), place),
        ])
}

/// Letters that look like others. What has such a name has no name that anybody knows.
fn homographs() -> Table {
    let spelt = |name: &str, other: &str| {
        let respelt = ASSERTION.replace(&format!("<saml:{name}"), &format!("<saml:{other}"));
        respelt.replace(&format!("</saml:{name}"), &format!("</saml:{other}"))
    };
    let renamed = |name: &str, other: &str| response(&signed(&spelt(name, other)));
    let lower = spelt("Attribute ", "attribute ").replace("</saml:Attribute>", "</saml:attribute>");
    let attribute = |name: &str, other: &str| with(&format!(" {name}=\""), &format!(" {other}=\""));
    let child = "saml.structure.child";
    Table::new("homographs").twin("plain letters", honest()).attacks([
        ("a Cyrillic Subject", renamed("Subject>", "Subje\u{441}t>"), child),
        ("a Conditions of full width", renamed("Conditions", "\u{ff23}onditions"), child),
        ("a NameID with a joiner", renamed("NameID", "Name\u{200d}ID"), "saml.subject.child"),
        ("an accent in Audience", renamed("Audience>", "Audience\u{301}>"), "saml.audience"),
        ("an attribute in lower case", response(&signed(&lower)), "saml.attribute"),
        ("a Greek Recipient", attribute("Recipient", "Recipient\u{3bf}"), "saml.recipient.missing"),
        ("a Cyrillic Name", attribute("Name", "N\u{430}me"), "saml.attribute.name"),
        ("a Cyrillic Method", attribute("Method", "M\u{435}thod"), "saml.confirmation.method"),
        ("a Format in lower case", attribute("Format", "format"), "saml.name-id.format"),
        (
            "a status of full width",
            honest().replace("StatusCode", "StatusC\u{ff4f}de"),
            "saml.structure.status",
        ),
    ])
}

/// Declarations that XML forbids, or for which canonicalization is not defined.
fn bad_declarations() -> Table {
    let document = honest();
    let put = |declaration: &str| swap(&document, "xmlns:samlp=", &format!("{declaration} xmlns:samlp="));
    let xml = "http://www.w3.org/XML/1998/namespace";
    let namespace = "saml.xml.namespace";
    let twice = "saml.xml.duplicate-attribute";
    Table::new("bad declarations")
        .twin("a good one", put("xmlns:x=\"urn:x\""))
        .twin("a language", swap(&document, "<samlp:Status>", "<samlp:Status xml:lang=\"en\">"))
        .attacks([
            ("a relative name", put("xmlns:x=\"y\""), namespace),
            ("a relative path", put("xmlns:x=\"./y\""), namespace),
            ("a relative path with a colon", put("xmlns:x=\"../a:b\""), namespace),
            ("a path without a scheme", put("xmlns:x=\"//host:80/\""), namespace),
            ("a colon alone", put("xmlns:x=\":\""), namespace),
            ("a scheme that begins with a digit", put("xmlns:x=\"1a:b\""), namespace),
            ("a scheme of another alphabet", put("xmlns:x=\"\u{fc}rn:b\""), namespace),
            ("a fragment", put("xmlns:x=\"#a:b\""), namespace),
            ("a query", put("xmlns:x=\"?a:b\""), namespace),
            ("a relative default", put("xmlns=\"y\""), namespace),
            ("an empty name", put("xmlns:x=\"\""), namespace),
            ("a blank name", put("xmlns:x=\" \""), namespace),
            ("a blank within", put("xmlns:x=\"urn: x\""), namespace),
            ("a line end within", put("xmlns:x=\"urn:\nx\""), namespace),
            ("a reference within", put("xmlns:x=\"urn:&amp;\""), namespace),
            ("a < within", put("xmlns:x=\"urn:<\""), namespace),
            ("a quote within", put("xmlns:x='urn:\"'"), namespace),
            ("xml to something else", put("xmlns:xml=\"urn:x\""), namespace),
            ("xml once more", put(&format!("xmlns:xml=\"{xml}\"")), namespace),
            ("something else to xml's", put(&format!("xmlns:x=\"{xml}\"")), namespace),
            ("xml's as the default", put(&format!("xmlns=\"{xml}\"")), namespace),
            ("xmlns", put("xmlns:xmlns=\"urn:x\""), namespace),
            ("something to xmlns's", put("xmlns:x=\"http://www.w3.org/2000/xmlns/\""), namespace),
            ("no prefix", put("xmlns:=\"urn:x\""), "saml.xml.markup"),
            ("two colons", put("xmlns:x:y=\"urn:x\""), "saml.xml.markup"),
            ("one prefix twice", put("xmlns:x=\"urn:x\" xmlns:x=\"urn:y\""), twice),
            ("two defaults", put("xmlns=\"urn:x\" xmlns=\"urn:y\""), twice),
            ("an undeclared prefix", swap(&document, "<samlp:Status>", "<x:y/><samlp:Status>"), namespace),
            (
                "an undeclared prefix of an attribute",
                swap(&document, "<samlp:Status>", "<samlp:Status x:y=\"\">"),
                namespace,
            ),
            (
                "a prefix of another branch",
                swap(&document, "<samlp:Status>", "<ds:y/><samlp:Status>"),
                namespace,
            ),
            ("an element of xmlns", swap(&document, "<samlp:Status>", "<xmlns:y/><samlp:Status>"), namespace),
        ])
}
