//! Honest documents: one of each shape that identity providers write.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};

use crate::fixture::{self, ASSERTION, Key, Signing, enveloped, response, swap};
use crate::reference::canonical;

const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

/// An assertion with everything that AWS defines, and with text that must be escaped.
pub(crate) const AWS_ASSERTION: &str = concat!(
    "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\" ",
    "IssueInstant=\"2026-11-22T12:00:00Z\" Version=\"2.0\">",
    "<saml:Issuer>https://idp.example.com/metadata</saml:Issuer>",
    "<saml:Subject><saml:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">",
    "fay &amp; &lt;co&gt;@example.com</saml:NameID>",
    "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">",
    "<saml:SubjectConfirmationData InResponseTo=\"_request\" NotOnOrAfter=\"2026-11-22T12:05:00.5Z\" ",
    "Recipient=\"https://broker.example.com/saml/corp/acs\"/></saml:SubjectConfirmation></saml:Subject>",
    "<saml:Conditions NotBefore=\"2026-11-22T11:59:00Z\" NotOnOrAfter=\"2026-11-22T12:10:00Z\">",
    "<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience>",
    "<saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction>",
    "<saml:OneTimeUse/></saml:Conditions>",
    "<saml:AuthnStatement AuthnInstant=\"2026-11-22T12:00:00Z\" SessionIndex=\"_s\"><saml:AuthnContext>",
    "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>",
    "</saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>",
    "<saml:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/Role\"><saml:AttributeValue>",
    "arn:aws:iam::111122223333:role/Dev,arn:aws:iam::111122223333:saml-provider/corp",
    "</saml:AttributeValue></saml:Attribute>",
    "<saml:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/RoleSessionName\">",
    "<saml:AttributeValue>fay</saml:AttributeValue></saml:Attribute>",
    "<saml:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/SessionDuration\">",
    "<saml:AttributeValue>1800</saml:AttributeValue></saml:Attribute>",
    "<saml:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/PrincipalTag:team\">",
    "<saml:AttributeValue>blue</saml:AttributeValue></saml:Attribute>",
    "<saml:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/TransitiveTagKeys\">",
    "<saml:AttributeValue>team</saml:AttributeValue></saml:Attribute>",
    "<saml:Attribute Name=\"note\"><saml:AttributeValue>\u{e9}&#13;\n\"'</saml:AttributeValue>",
    "<saml:AttributeValue/></saml:Attribute></saml:AttributeStatement></saml:Assertion>",
);

/// A new key on P-256, which signs fast enough to do it for every input.
pub(crate) fn elliptic() -> Key {
    Key::of(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key"))
}

/// The assertion as it stands, with a signature by a key on P-256 behind its issuer, if it is
/// well-formed and has one.
pub(crate) fn signed_by(key: &Key, assertion: &str) -> Option<String> {
    let signing = Signing { key, algorithm: ECDSA_SHA256, ..Signing::of("_a") };
    let canonical = canonical(assertion)?;
    assertion.contains("</saml:Issuer>").then(|| enveloped(assertion, &signing.sign(&canonical)))
}

/// Every file of `honest/`: its name and what belongs into it.
pub fn files() -> Vec<(&'static str, String)> {
    let (key, elliptic) = (&*fixture::HONEST, elliptic());
    let named = |name: &str| swap(ASSERTION, ">ann<", &format!(">{name}<"));
    let signed = |assertion: &str| {
        let canonical = canonical(assertion).expect("well-formed");
        response(&enveloped(assertion, &Signing::of("_a").sign(&canonical)))
    };
    let both = {
        let document = signed(&named("bob"));
        enveloped(&document, &Signing::of("_r").sign(&canonical(&document).expect("well-formed")))
    };
    let typed = swap(
        &swap(
            &named("cho"),
            "<saml:AttributeValue>staff",
            "<saml:AttributeValue xsi:type=\"xs:string\">staff",
        ),
        "xmlns:saml=",
        "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:saml=",
    );
    let unprefixed = named("dan").replace("xmlns:saml", "xmlns").replace("saml:", "");
    let unprefixed_signature = Signing::of("_a").sign(&canonical(&unprefixed).expect("well-formed"));
    let unprefixed = swap(&unprefixed, "</Issuer>", &format!("</Issuer>{unprefixed_signature}"));
    vec![
        ("plain.xml", signed(&named("ann"))),
        ("both.xml", both),
        ("prefixes.xml", prefixes(&typed)),
        ("unprefixed.xml", response(&unprefixed)),
        ("elliptic.xml", response(&signed_by(&elliptic, &named("eli")).expect("well-formed"))),
        ("aws.xml", signed(AWS_ASSERTION)),
        ("indented.xml", indented(&signed(&named("gus").replace("><saml:", ">\n    <saml:")))),
        ("metadata.xml", fixture::metadata(&[key, &elliptic])),
    ]
}

/// Signed with a `PrefixList`: the listed declaration is rendered although nothing visible uses it.
fn prefixes(typed: &str) -> String {
    let canonical = canonical(typed).expect("well-formed");
    let listed = "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let schema = "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"";
    let canonical = swap(&canonical, listed, &format!("{listed} {schema}"));
    let mut signing = Signing::of("_a");
    let list = "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" \
                PrefixList=\"xs\"></ec:InclusiveNamespaces></ds:Transform>";
    let end = signing.transforms.rfind("</ds:Transform>").expect("a transform");
    signing.transforms.replace_range(end.., list);
    response(&enveloped(typed, &signing.sign(&canonical)))
}

/// A declaration, white space around, and a certificate that nobody looks at.
fn indented(document: &str) -> String {
    let key_info = "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>bm90IG91cnM=\
                    </ds:X509Certificate></ds:X509Data></ds:KeyInfo>";
    let document = swap(document, "</ds:SignatureValue>", key_info);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n{document}\r\n")
}
