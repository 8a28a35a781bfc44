//! What is accepted, and what is read from it.

use std::time::Duration;

use rolegate::cli::demo::idp::saml::{ResponseFacts, SamlSigner};
use rolegate::clock::Moment;
use rolegate::entropy::SystemEntropy;
use rolegate::identity::Protocol;
use rolegate::identity::saml::{Answer, Expect, SamlProvider, unverified_issuer};

use super::fixture::{
    ACS, ASSERTION, IDP, OURS, PROVIDER, SKEW, Signing, accepted, base64, enveloped, honest, noon, response,
    settings, signed, swap,
};

#[test]
fn says_what_the_assertion_says() {
    let identity = accepted("honest", &honest());
    assert_eq!(identity.protocol(), Protocol::Saml);
    assert_eq!(identity.provider().as_str(), "arn:aws:iam::111122223333:saml-provider/corp");
    assert_eq!(identity.provider_name(), "corp");
    assert_eq!(identity.issuer(), IDP);
    assert_eq!(identity.subject(), "ann");
    assert_eq!(identity.subject_type(), Some("persistent"));
    assert_eq!(identity.audience(), ACS);
    assert_eq!(identity.attributes()["groups"], ["staff", "platform"]);
    assert_eq!(identity.session_ends(), Moment::parse_rfc3339("2026-11-22T20:00:00Z"));
    assert_eq!(identity.asserted(), &rolegate::identity::Asserted::default());
    assert!(identity.claims().is_none());
}

#[test]
fn may_be_claimed_until_it_is_refused_anyhow() {
    let one_time = accepted("honest", &honest()).one_time().unwrap();
    let deadline = Moment::parse_rfc3339("2026-11-22T12:05:00Z").unwrap();
    assert_eq!(one_time.until, deadline.plus(SKEW));
    let again = accepted("again", &honest()).one_time().unwrap();
    assert_eq!(again.id, one_time.id);
    let other = swap(ASSERTION, "ID=\"_a\"", "ID=\"_b\"");
    let other = response(&enveloped(&other, &Signing::of("_b").sign(&other)));
    assert_ne!(accepted("other", &other).one_time().unwrap().id, one_time.id);
    let at = |moment| PROVIDER.verify(&base64(honest().as_bytes()), super::fixture::EXPECTED, moment);
    assert!(at(one_time.until.minus(Duration::from_millis(1))).is_ok());
    assert_eq!(at(one_time.until).unwrap_err().check(), "saml.confirmation.expired");
}

#[test]
fn bears_what_honest_providers_write() {
    let document = honest();
    let inner = |from: &str, to: &str| response(&signed(&swap(ASSERTION, from, to)));
    let key_info = "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>bm90IG91cnM=\
                    </ds:X509Certificate></ds:X509Data></ds:KeyInfo>";
    for (what, document) in [
        ("an XML declaration", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{document}\n")),
        ("a byte order mark", format!("\u{feff}{document}")),
        ("an empty element tag", swap(&document, "></samlp:StatusCode>", "/>")),
        ("white space within tags", swap(&document, "<saml:Assertion ", "<saml:Assertion\n  ")),
        ("single quotes", swap(&document, "ID=\"_a\"", "ID='_a'")),
        (
            "attributes in another order",
            swap(&document, "ID=\"_r\" ", "").replacen("Destination", "ID=\"_r\" Destination", 1),
        ),
        ("indented children", swap(&document, "<samlp:Status>", "\n  <samlp:Status>")),
        ("no Destination", swap(&document, &format!(" Destination=\"{ACS}\""), "")),
        ("KeyInfo, which is ignored", swap(&document, "</ds:SignatureValue>", key_info)),
        ("a value broken into lines", swap(&document, "<ds:SignatureValue>", "<ds:SignatureValue>\n")),
        ("a fraction of a second", inner("12:05:00Z", "12:05:00.123Z")),
        ("another time zone", inner("12:05:00Z", "13:05:00+01:00")),
        ("no Conditions/@NotOnOrAfter", inner(" NotOnOrAfter=\"2026-11-22T12:10:00Z\"", "")),
        ("no Conditions/@NotBefore", inner("NotBefore=\"2026-11-22T11:59:00Z\" ", "")),
        ("OneTimeUse", inner("</saml:Conditions>", "<saml:OneTimeUse></saml:OneTimeUse></saml:Conditions>")),
        ("white space around an audience", inner("<saml:Audience>", "<saml:Audience>\n  ")),
        (
            "one audience of several",
            inner("<saml:Audience>", "<saml:Audience>urn:other</saml:Audience><saml:Audience>"),
        ),
        ("no session end", inner(" SessionNotOnOrAfter=\"2026-11-22T20:00:00Z\"", "")),
    ] {
        assert_eq!(accepted(what, &document).subject(), "ann", "{what}");
    }
}

#[test]
fn a_signed_response_around_a_signed_assertion_is_accepted() {
    let document = honest();
    let signature = Signing::of("_r").sign(&document);
    accepted("both signed", &enveloped(&document, &signature));
}

#[test]
fn keeps_what_was_escaped() {
    let subject = swap(ASSERTION, ">ann<", ">a&amp;b &lt;c&gt; é&#xD;<");
    assert_eq!(accepted("escapes", &response(&signed(&subject))).subject(), "a&b <c> é\r");
}

#[test]
fn renders_listed_prefixes_as_the_signer_did() {
    let xs = "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"";
    let assertion = swap(ASSERTION, "xmlns:saml=", &format!("{xs} xmlns:saml="));
    let canonical = swap(ASSERTION, "assertion\" ID", &format!("assertion\" {xs} ID"));
    let list = "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" \
                PrefixList=\"xs\"></ec:InclusiveNamespaces></ds:Transform>";
    let mut signing = Signing::of("_a");
    let end = signing.transforms.rfind("</ds:Transform>").unwrap();
    signing.transforms.replace_range(end.., list);
    accepted("PrefixList", &response(&enveloped(&assertion, &signing.sign(&canonical))));
    let hoisted = response(&enveloped(ASSERTION, &signing.sign(&canonical)));
    let hoisted = swap(&hoisted, "xmlns:samlp=", &format!("{xs} xmlns:samlp="));
    accepted("PrefixList from around", &hoisted);
}

#[test]
fn reads_what_aws_defines() {
    let aws = |name: &str, values: &[&str]| {
        let values: String =
            values.iter().map(|v| format!("<saml:AttributeValue>{v}</saml:AttributeValue>")).collect();
        format!(
            "<saml:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/{name}\">{values}</saml:Attribute>"
        )
    };
    let (role, provider) =
        ("arn:aws:iam::111122223333:role/Dev", "arn:aws:iam::111122223333:saml-provider/corp");
    let attributes = [
        aws("Role", &[&format!("{role},{provider}"), &format!("{provider}, {role}2")]),
        aws("RoleSessionName", &["ann@example.com"]),
        aws("SessionDuration", &["1800"]),
        aws("PrincipalTag:team", &["blue"]),
        aws("PrincipalTag:cost", &[""]),
        aws("TransitiveTagKeys", &["team", "cost"]),
        aws("SourceIdentity", &["ann"]),
    ]
    .concat();
    let end = "</saml:AttributeStatement>";
    let assertion = swap(ASSERTION, end, &format!("{attributes}{end}"));
    let identity = accepted("AWS attributes", &response(&signed(&assertion)));
    let asserted = identity.asserted();
    let pair = |role: &str| (role.to_owned(), provider.to_owned());
    assert_eq!(asserted.roles, Some(vec![pair(role), pair(&format!("{role}2"))]));
    assert_eq!(asserted.session_name.as_deref(), Some("ann@example.com"));
    assert_eq!(asserted.session_duration, Some(Duration::from_secs(1800)));
    assert_eq!(asserted.tags, [("team".into(), "blue".into()), ("cost".into(), String::new())]);
    assert_eq!(asserted.transitive_tag_keys, ["team", "cost"]);
    assert_eq!(asserted.source_identity.as_deref(), Some("ann"));
}

#[test]
fn only_the_two_point_zero_prefix_is_taken_off() {
    let old = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    let assertion = swap(ASSERTION, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", old);
    assert_eq!(accepted("1.1", &response(&signed(&assertion))).subject_type(), Some(old));
}

#[test]
fn the_demo_provider_is_believed() {
    let signer = SamlSigner::generate(IDP, "https://idp.example.com/sso?tenant=1&x=\"<").unwrap();
    let kept = signer.to_pem();
    let signer = SamlSigner::from_pem(IDP, "https://idp.example.com/sso", kept.expose()).unwrap();
    let provider = SamlProvider::new(settings(), signer.metadata().as_bytes(), noon()).unwrap();
    let facts = ResponseFacts {
        recipient: ACS,
        audience: OURS,
        in_response_to: None,
        subject: "ann & <bob> \"\r\n\t",
        attributes: &[("mail", vec!["a&b@example.com".to_owned(), "<>\"'\r".to_owned()])],
        at: noon(),
        lifetime: Duration::from_secs(300),
    };
    let response = signer.respond(&facts, &SystemEntropy::new()).unwrap();
    let expect = Expect { recipient: None, in_response_to: Answer::Unsolicited };
    let identity = provider.verify(&response, expect, noon()).unwrap();
    assert_eq!(identity.subject(), "ann & <bob> \"\r\n\t");
    assert_eq!(identity.attributes()["mail"], ["a&b@example.com", "<>\"'\r"]);
    assert_eq!(unverified_issuer(&response).unwrap(), IDP);
    let facts = ResponseFacts { in_response_to: Some("_x"), attributes: &[], ..facts };
    let response = signer.respond(&facts, &SystemEntropy::new()).unwrap();
    let expect = Expect { recipient: Some(ACS), in_response_to: Answer::To { id: "_x", sent: noon() } };
    assert!(provider.verify(&response, expect, noon()).is_ok());
}
