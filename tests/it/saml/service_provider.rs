//! Our side of the conversation: login requests and our own metadata.

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rolegate::clock::Moment;
use rolegate::entropy::SystemEntropy;
use rolegate::identity::saml::{
    Binding, LoginRequest, Outbound, RequestFault, SamlProvider, SamlSettings, SigningFailed, SpKeys,
    SpSettings,
};
use url::Url;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::fixture::{ACS, HONEST, Key, OURS, base64, metadata, noon, settings, swap};

/// Our keys: the one in use, and the next.
static FIRST: LazyLock<Key> = LazyLock::new(Key::rsa);
static SECOND: LazyLock<Key> = LazyLock::new(Key::rsa);

const BOTH: [&str; 2] = [
    "HTTP-Redirect\" Location=\"https://idp.example.com/r",
    "HTTP-POST\" Location=\"https://idp.example.com/p",
];

fn keys() -> SpKeys {
    SpKeys::new(vec![FIRST.ours(), SECOND.ours()]).unwrap()
}

fn signing() -> SpSettings {
    SpSettings { keys: keys(), sign_requests: true, ..SpSettings::default() }
}

/// A provider with these sign-on services, and our side of it.
fn provider(services: &[&str], sp: SpSettings) -> SamlProvider {
    provider_with(services, SamlSettings { sp, ..settings() })
}

fn provider_with(services: &[&str], settings: SamlSettings) -> SamlProvider {
    let services = services.iter().map(|service| {
        format!("<SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{service}\"/>")
    });
    let plain = metadata(&[&HONEST]);
    let (before, _) = plain.split_once("<SingleSignOnService").unwrap();
    let xml = format!("{before}{}</IDPSSODescriptor></EntityDescriptor>", services.collect::<String>());
    SamlProvider::new(settings, xml.as_bytes(), noon()).unwrap()
}

fn ask(provider: &SamlProvider) -> Result<LoginRequest, RequestFault> {
    provider.login_request(ACS, Some("0123abcd"), false, &SystemEntropy::new(), noon())
}

fn redirect(provider: &SamlProvider) -> (String, Url) {
    let request = ask(provider).unwrap();
    let Outbound::Redirect(url) = request.outbound else { panic!("a form") };
    (request.id, Url::parse(&url).unwrap())
}

fn form(provider: &SamlProvider) -> (String, String) {
    let request = ask(provider).unwrap();
    let Outbound::Post(form) = request.outbound else { panic!("a redirect") };
    assert_eq!(
        (form.action.as_str(), form.origin.as_str()),
        ("https://idp.example.com/p", "https://idp.example.com")
    );
    let [("SAMLRequest", packed), ("RelayState", state)] = &form.fields[..] else {
        panic!("{:?}", form.fields)
    };
    assert_eq!(state, "0123abcd");
    (request.id, String::from_utf8(base64_simd::STANDARD.decode_to_vec(packed).unwrap()).unwrap())
}

fn inflated(url: &Url) -> String {
    let packed = url.query_pairs().find(|(name, _)| name == "SAMLRequest").unwrap().1.into_owned();
    let deflated = base64_simd::STANDARD.decode_to_vec(packed).unwrap();
    String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&deflated).unwrap()).unwrap()
}

fn is_signed_by(key: &Key, message: &[u8], signature: &str) -> bool {
    let (_, certificate) = X509Certificate::from_der(&key.certificate).unwrap();
    let key = UnparsedPublicKey::new(
        &RSA_PKCS1_2048_8192_SHA256,
        &certificate.public_key().subject_public_key.data,
    );
    key.verify(message, &base64_simd::STANDARD.decode_to_vec(signature).unwrap()).is_ok()
}

/// The document without its signature, and the parts of that.
fn opened(xml: &str) -> (String, String, String) {
    let (before, rest) = xml.split_once("<ds:Signature ").unwrap();
    let (signature, after) = rest.split_once("</ds:Signature>").unwrap();
    let between = |from: &str, to: &str| signature.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let info = between("<ds:SignedInfo>", "</ds:SignedInfo>");
    let info =
        format!("<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}</ds:SignedInfo>");
    (format!("{before}{after}"), info, between("<ds:SignatureValue>", "</ds:SignatureValue>").to_owned())
}

#[test]
fn a_login_request_says_where_to_answer() {
    let provider = provider(
        &["HTTP-Redirect\" Location=\"https://idp.example.com:443/sso?a=b&amp;c=%20"],
        SpSettings::default(),
    );
    let (id, url) = redirect(&provider);
    assert!(url.as_str().starts_with("https://idp.example.com/sso?a=b&c=%20&SAMLRequest="), "{url}");
    let pairs: Vec<_> = url.query_pairs().skip(3).collect();
    assert_eq!(pairs, [("RelayState".into(), "0123abcd".into())], "and no signature");
    let expected = format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" AssertionConsumerServiceURL=\"{ACS}\" \
         Destination=\"https://idp.example.com:443/sso?a=b&amp;c=%20\" ID=\"{id}\" IssueInstant=\"2026-11-22T12:00:00Z\" \
         ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Version=\"2.0\">\
         <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{OURS}</saml:Issuer></samlp:AuthnRequest>"
    );
    assert_eq!(inflated(&url), expected);
    assert_eq!((id.len(), &id[..1]), (33, "_"));
    let again = provider.login_request(ACS, None, false, &SystemEntropy::new(), noon()).unwrap();
    assert_ne!(again.id, id);
    let Outbound::Redirect(again) = again.outbound else { panic!("a form") };
    assert!(!again.contains("RelayState"), "{again}");
}

#[test]
fn a_redirect_is_signed_over_its_query() {
    let (_, url) = redirect(&provider(&BOTH, signing()));
    let query = url.query().unwrap();
    let (octets, signature) = query.split_once("&Signature=").unwrap();
    let names: Vec<_> = octets.split('&').map(|part| part.split_once('=').unwrap().0).collect();
    assert_eq!(names, ["SAMLRequest", "RelayState", "SigAlg"]);
    assert!(octets.ends_with("&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256"));
    let signature =
        url::form_urlencoded::parse(format!("={signature}").as_bytes()).next().unwrap().1.into_owned();
    assert!(is_signed_by(&FIRST, octets.as_bytes(), &signature));
    assert!(!is_signed_by(&SECOND, octets.as_bytes(), &signature));
    assert!(!inflated(&url).contains("Signature"), "not twice");
}

#[test]
fn without_a_key_nothing_that_should_be_signed_leaves() {
    let keyless = SpSettings { keys: SpKeys::default(), ..signing() };
    assert_eq!(ask(&provider(&BOTH, keyless)), Err(RequestFault::Unsigned(SigningFailed)));
    assert!(ask(&provider(&BOTH, signing())).is_ok());
}

#[test]
fn a_form_holds_a_signed_request() {
    let sp = SpSettings { request_binding: Some(Binding::Post), ..signing() };
    let (id, xml) = form(&provider(&BOTH, sp));
    assert!(xml.contains("</saml:Issuer><ds:Signature "), "{xml}");
    let (content, info, value) = opened(&xml);
    assert!(is_signed_by(&FIRST, info.as_bytes(), &value));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content.as_bytes());
    assert!(info.contains(&format!("<ds:DigestValue>{}</ds:DigestValue>", base64(digest.as_ref()))), "{xml}");
    assert!(info.contains(&format!("URI=\"#{id}\"")) && content.contains(&format!("ID=\"{id}\"")), "{xml}");
    assert!(content.contains("Destination=\"https://idp.example.com/p\""), "{content}");
    let unsigned = SpSettings { sign_requests: false, request_binding: Some(Binding::Post), ..signing() };
    assert!(!form(&provider(&BOTH, unsigned)).1.contains("Signature"));
}

#[test]
fn the_binding_is_one_that_is_offered() {
    let [by_redirect, by_post] = BOTH;
    let with = |services: &[&str], binding| {
        let provider = provider(services, SpSettings { request_binding: binding, ..SpSettings::default() });
        let asked = ask(&provider).map(|request| matches!(request.outbound, Outbound::Post(_)));
        assert_eq!(asked.clone().map(|_| ()), provider.offers_login());
        asked
    };
    let (redirect, post) = (Some(Binding::Redirect), Some(Binding::Post));
    assert_eq!(with(&[by_post, by_redirect], None), Ok(false), "redirect first");
    assert_eq!(with(&[by_post], None), Ok(true));
    assert_eq!(with(&BOTH, post), Ok(true));
    assert_eq!(with(&BOTH, redirect), Ok(false));
    assert_eq!(with(&[by_redirect], post), Err(RequestFault::NotOffered(Binding::Post)));
    assert_eq!(with(&[by_post], redirect), Err(RequestFault::NotOffered(Binding::Redirect)));
}

#[test]
fn asks_for_what_is_configured() {
    let persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    let authn_contexts = vec!["urn:a".into(), "urn:b&<\"".into()];
    let sp = SpSettings {
        force_authn: true,
        name_id_format: Some(persistent.into()),
        request_binding: Some(Binding::Post),
        ..signing()
    };
    let (_, xml) = form(&provider_with(&BOTH, SamlSettings { sp: sp.clone(), authn_contexts, ..settings() }));
    let ending = format!(
        "</ds:Signature><samlp:NameIDPolicy AllowCreate=\"true\" Format=\"{persistent}\"></samlp:NameIDPolicy>\
         <samlp:RequestedAuthnContext Comparison=\"exact\">\
         <saml:AuthnContextClassRef xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">urn:a</saml:AuthnContextClassRef>\
         <saml:AuthnContextClassRef xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">urn:b&amp;&lt;\"</saml:AuthnContextClassRef>\
         </samlp:RequestedAuthnContext></samlp:AuthnRequest>"
    );
    assert!(xml.ends_with(&ending), "{xml}");
    assert!(xml.contains(" ForceAuthn=\"true\" ID="), "{xml}");
    let transient = persistent.replace("persistent", "transient");
    let (_, xml) = form(&provider(&BOTH, SpSettings { name_id_format: Some(transient.clone()), ..sp }));
    assert!(xml.contains(&format!("<samlp:NameIDPolicy Format=\"{transient}\">")), "{xml}");
}

#[test]
fn knows_whether_the_provider_wants_signatures() {
    for (wish, wants) in [("true", true), ("1", true), ("false", false), ("0", false), ("", false)] {
        let xml = swap(
            &metadata(&[&HONEST]),
            "protocolS",
            &format!("WantAuthnRequestsSigned=\"{wish}\" protocolS"),
        );
        let provider = SamlProvider::new(settings(), xml.as_bytes(), noon()).unwrap();
        assert_eq!(provider.wants_signed_requests(), wants, "{wish}");
    }
}

#[test]
fn our_metadata_names_us_and_our_consumers() {
    let mut settings = settings();
    settings.recipients = vec!["https://broker.example.com/saml/a\"&b/acs".into(), format!("{OURS}/saml")];
    settings.sp.slo_url = Some("https://broker.example.com/saml/corp/slo".into());
    let provider = SamlProvider::new(settings, metadata(&[&HONEST]).as_bytes(), noon()).unwrap();
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" cacheDuration="P1D" entityID="https://broker.example.com">
  <md:SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
    <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://broker.example.com/saml/a&quot;&amp;b/acs" index="0" isDefault="true"></md:AssertionConsumerService>
    <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://broker.example.com/saml" index="1"></md:AssertionConsumerService>
  </md:SPSSODescriptor>
</md:EntityDescriptor>
"#;
    assert_eq!(provider.sp_metadata(), expected);
    assert_eq!(provider.signed_sp_metadata(noon()), Ok(None), "there is no key");
}

#[test]
fn our_metadata_publishes_both_keys_for_both_uses() {
    let sp = SpSettings { slo_url: Some("https://broker.example.com/saml/corp/slo".into()), ..signing() };
    let xml = provider(&BOTH, sp).sp_metadata();
    assert!(xml.contains("AuthnRequestsSigned=\"true\""), "{xml}");
    let uses = |used: &str, key: &Key| {
        let start = format!("<md:KeyDescriptor use=\"{used}\">");
        let held = format!("<ds:X509Certificate>{}</ds:X509Certificate>", base64(&key.certificate));
        xml.split(&start)
            .skip(1)
            .position(|descriptor| descriptor.split("</md:KeyD").next().unwrap().contains(&held))
    };
    for used in ["signing", "encryption"] {
        assert_eq!((uses(used, &FIRST), uses(used, &SECOND)), (Some(0), Some(1)), "{used}: {xml}");
    }
    assert_eq!(xml.matches("<md:KeyDescriptor ").count(), 4);
    // A hash that is left open is one that the provider may mix with another.
    for method in [
        "xmlenc11#aes128-gcm\"></md:",
        "xmlenc11#aes256-gcm\"></md:",
        "xmlenc11#rsa-oaep\"><ds:DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
         <xenc11:MGF xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" \
         Algorithm=\"http://www.w3.org/2009/xmlenc11#mgf1sha256\"></xenc11:MGF></md:",
        "xmlenc#rsa-oaep-mgf1p\"><ds:DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
         Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"></ds:DigestMethod></md:",
    ] {
        assert_eq!(xml.matches(method).count(), 2, "{method}: {xml}");
    }
    for binding in ["HTTP-Redirect", "HTTP-POST"] {
        let service = format!(
            "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" \
             Location=\"https://broker.example.com/saml/corp/slo\">"
        );
        assert_eq!(xml.matches(&service).count(), 1, "{xml}");
    }
    assert!(!xml.contains("validUntil"), "saved once, it is good for ever: {xml}");
}

#[test]
fn our_metadata_is_signed_on_request_for_a_while() {
    let provider = provider(&BOTH, signing());
    let signed = |at: Moment| provider.signed_sp_metadata(at).unwrap().unwrap();
    let xml = signed(noon());
    assert!(xml.contains(" validUntil=\"2026-12-06T00:00:00Z\"><ds:Signature "), "{xml}");
    let (content, info, value) = opened(&xml);
    assert!(is_signed_by(&FIRST, info.as_bytes(), &value));
    let root = content.trim_end().split_once("?>\n").unwrap().1;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, root.as_bytes());
    assert!(info.contains(&format!("<ds:DigestValue>{}</ds:DigestValue>", base64(digest.as_ref()))), "{xml}");
    let id = root.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0;
    assert!(info.contains(&format!("URI=\"#{id}\"")), "{xml}");
    assert_eq!(signed(noon().plus(Duration::from_secs(11 * 3600))), xml, "the same all day");
    assert_ne!(signed(noon().plus(Duration::from_secs(12 * 3600))), xml);
}
