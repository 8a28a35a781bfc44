//! Our own logout messages.

use rolegate::entropy::SystemEntropy;
use rolegate::identity::saml::{Outbound, PresentedLogout, SamlProvider};
use rolegate::identity::{NameId, SamlSession};
use url::Url;

use super::super::fixture::{HONEST, OURS, metadata, noon, settings};
use super::fixture::{
    BOTH, PROVIDER, REQUEST, RESPONSE, STATUS, parameter, provider, redirect, refused, requests,
};

#[test]
fn without_a_key_there_is_no_logout() {
    let keyless = SamlProvider::new(settings(), metadata(&[&HONEST]).as_bytes(), noon()).unwrap();
    assert!(!keyless.offers_logout() && PROVIDER.offers_logout());
    let query = redirect(REQUEST);
    let verified = keyless.verify_logout(PresentedLogout::Redirect(&query), None, noon());
    refused("no key", verified, "saml.logout.not-offered");
    let session = requests("honest", REQUEST)[0].session().clone();
    assert_eq!(keyless.logout_request(&session, &SystemEntropy::new(), noon()), Ok(None));
    let deaf = provider("");
    assert_eq!(deaf.logout_request(&session, &SystemEntropy::new(), noon()), Ok(None), "nobody to ask");
    let request = &requests("honest", REQUEST)[0];
    assert_eq!(deaf.logout_response(request, true, &SystemEntropy::new(), noon()), Ok(None));
    let scripted = BOTH.replace("https://idp.example.com/slo/done", "javascript:alert(1)");
    let start = provider(&scripted).logout_request(&session, &SystemEntropy::new(), noon()).unwrap().unwrap();
    assert!(matches!(start.outbound, Outbound::Post(_)), "what can't be answered is passed over");
}

fn inflated(url: &Url, name: &str) -> String {
    let packed = url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let deflated = base64_simd::STANDARD.decode_to_vec(packed).unwrap();
    String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&deflated).unwrap()).unwrap()
}

#[test]
fn our_request_repeats_the_name_to_the_letter() {
    let name_id = NameId {
        value: " a<n>&n ".into(),
        format: Some("urn:f".into()),
        name_qualifier: Some("\"q\"".into()),
        sp_name_qualifier: Some("s".into()),
    };
    let session = SamlSession { name_id, session_indexes: vec!["_1".into(), "<2>".into()] };
    let start = PROVIDER.logout_request(&session, &SystemEntropy::new(), noon()).unwrap().unwrap();
    let Outbound::Redirect(url) = start.outbound else { panic!("a form") };
    assert!(url.starts_with("https://idp.example.com/slo?t=1&SAMLRequest="), "{url}");
    let url = Url::parse(&url).unwrap();
    let names: Vec<_> = url.query_pairs().skip(1).map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["SAMLRequest", "SigAlg", "Signature"]);
    let expected = format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         Destination=\"https://idp.example.com/slo?t=1\" ID=\"{}\" IssueInstant=\"2026-11-22T12:00:00Z\" \
         NotOnOrAfter=\"2026-11-22T12:05:00Z\" Reason=\"urn:oasis:names:tc:SAML:2.0:logout:user\" Version=\"2.0\">\
         <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{OURS}</saml:Issuer>\
         <saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Format=\"urn:f\" \
         NameQualifier=\"&quot;q&quot;\" SPNameQualifier=\"s\"> a&lt;n&gt;&amp;n </saml:NameID>\
         <samlp:SessionIndex>_1</samlp:SessionIndex><samlp:SessionIndex>&lt;2&gt;</samlp:SessionIndex>\
         </samlp:LogoutRequest>",
        start.id
    );
    assert_eq!(inflated(&url, "SAMLRequest"), expected);
}

#[test]
fn our_response_goes_where_responses_go() {
    let request = &requests("honest", REQUEST)[0];
    let expected = |destination: &str, id: &str, status: &str| {
        format!(
            "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{destination}\" \
             ID=\"{id}\" InResponseTo=\"_l\" IssueInstant=\"2026-11-22T12:00:00Z\" Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{OURS}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"{STATUS}{status}\"></samlp:StatusCode></samlp:Status>\
             </samlp:LogoutResponse>"
        )
    };
    let id = |xml: &str| xml.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    for (done, status) in [(true, "Success"), (false, "Responder")] {
        let sent = PROVIDER.logout_response(request, done, &SystemEntropy::new(), noon()).unwrap().unwrap();
        let Outbound::Redirect(url) = sent else { panic!("a form") };
        let url = Url::parse(&url).unwrap();
        assert_eq!(url.path(), "/slo/done");
        assert_eq!(url.query_pairs().nth(1).unwrap(), ("RelayState".into(), "r s".into()));
        let xml = inflated(&url, "SAMLResponse");
        assert_eq!(xml, expected("https://idp.example.com/slo/done", &id(&xml), status));
    }
    let posting = provider(&BOTH[BOTH.rfind("<SingleLogout").unwrap()..]);
    let sent = posting.logout_response(request, true, &SystemEntropy::new(), noon()).unwrap().unwrap();
    let Outbound::Post(form) = sent else { panic!("a redirect") };
    assert_eq!(form.action, "https://idp.example.com/slo/post");
    assert_eq!(form.fields[0].0, parameter(RESPONSE));
    let xml = base64_simd::STANDARD.decode_to_vec(&form.fields[0].1).unwrap();
    assert!(String::from_utf8(xml).unwrap().contains("</saml:Issuer><ds:Signature "));
}
