//! Logout messages made by hand, and the two ways they travel.

use std::sync::LazyLock;

use rolegate::identity::saml::{
    LogoutMessage, LogoutRequest, LogoutStatus, PresentedLogout, SamlProvider, SamlSettings, SpKeys,
    SpSettings,
};
use rolegate::identity::{VerifyCode, VerifyError};
use url::form_urlencoded::Serializer;

use super::super::fixture::{
    HONEST, Key, RSA_SHA256, Signing, base64, enveloped, metadata, noon, settings, swap,
};

pub(crate) const SLO: &str = "https://broker.example.com/saml/corp/slo";
/// The logout that a response answers.
pub(crate) const ASKED: &str = "_logout";

/// What the codes of a status begin with.
pub(crate) const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

/// Our key.
pub(crate) static OUR_KEY: LazyLock<Key> = LazyLock::new(Key::rsa);

/// The honest request, in canonical form and without a signature.
pub(crate) const REQUEST: &str = concat!(
    "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ",
    "Destination=\"https://broker.example.com/saml/corp/slo\" ID=\"_l\" ",
    "IssueInstant=\"2026-11-22T12:00:00Z\" NotOnOrAfter=\"2026-11-22T12:04:00Z\" Version=\"2.0\">",
    "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://idp.example.com/metadata</saml:Issuer>",
    "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ",
    "Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">ann</saml:NameID>",
    "<samlp:SessionIndex>_s1</samlp:SessionIndex></samlp:LogoutRequest>",
);

/// The honest response, likewise.
pub(crate) const RESPONSE: &str = concat!(
    "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ",
    "Destination=\"https://broker.example.com/saml/corp/slo\" ID=\"_l\" InResponseTo=\"_logout\" ",
    "IssueInstant=\"2026-11-22T12:00:00Z\" Version=\"2.0\">",
    "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://idp.example.com/metadata</saml:Issuer>",
    "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>",
    "</samlp:Status></samlp:LogoutResponse>",
);

/// The services of a provider that takes everything.
pub(crate) const BOTH: &str = concat!(
    "<SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" ",
    "Location=\"https://idp.example.com/slo?t=1\" ResponseLocation=\"https://idp.example.com/slo/done\"/>",
    "<SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" ",
    "Location=\"https://idp.example.com/slo/post\"/>",
);

/// A provider with the honest key, these logout services, and our key towards it.
pub(crate) fn provider(services: &str) -> SamlProvider {
    let keys = SpKeys::new(vec![OUR_KEY.ours()]).unwrap();
    let sp = SpSettings { keys, slo_url: Some(SLO.to_owned()), ..SpSettings::default() };
    let xml = swap(&metadata(&[&HONEST]), "<SingleSignOn", &format!("{services}<SingleSignOn"));
    SamlProvider::new(SamlSettings { sp, ..settings() }, xml.as_bytes(), noon()).unwrap()
}

/// A provider that both sides can log out at.
pub(crate) static PROVIDER: LazyLock<SamlProvider> = LazyLock::new(|| provider(BOTH));

/// What a message is called.
pub(crate) fn parameter(xml: &str) -> &'static str {
    if xml.contains("LogoutResponse") { "SAMLResponse" } else { "SAMLRequest" }
}

pub(crate) fn deflated(xml: &str) -> String {
    base64(&miniz_oxide::deflate::compress_to_vec(xml.as_bytes(), 6))
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// These parameters and a signature by `key` over them.
pub(crate) fn signed_query(key: &Key, parameters: &[(&str, &str)]) -> String {
    let octets = encoded(&[parameters, &[("SigAlg", RSA_SHA256)]].concat());
    let signature = base64(&key.sign(RSA_SHA256, octets.as_bytes()));
    format!("{octets}&{}", encoded(&[("Signature", &signature)]))
}

/// The query by which the honest provider sends `xml`.
pub(crate) fn redirect(xml: &str) -> String {
    signed_query(&HONEST, &[(parameter(xml), &deflated(xml)), ("RelayState", "r s")])
}

/// A form that holds `xml` as it is.
pub(crate) fn form(xml: &str) -> String {
    encoded(&[(parameter(xml), &base64(xml.as_bytes())), ("RelayState", "r s")])
}

/// `xml` with an enveloped signature by the honest provider.
pub(crate) fn signed(xml: &str) -> String {
    enveloped(xml, &Signing::of("_l").sign(xml))
}

pub(crate) fn by_redirect(query: &str) -> Result<LogoutMessage, VerifyError> {
    PROVIDER.verify_logout(PresentedLogout::Redirect(query), Some(ASKED), noon())
}

pub(crate) fn by_post(form: &str) -> Result<LogoutMessage, VerifyError> {
    PROVIDER.verify_logout(PresentedLogout::Post(form.as_bytes()), Some(ASKED), noon())
}

/// `xml`, sent both ways by the honest provider, must be this request.
#[track_caller]
pub(crate) fn requests(what: &str, xml: &str) -> [LogoutRequest; 2] {
    [by_redirect(&redirect(xml)), by_post(&form(&signed(xml)))].map(|verified| match verified {
        Ok(LogoutMessage::Request(request)) => *request,
        other => panic!("{what}: {other:?}"),
    })
}

/// `xml`, sent both ways by the honest provider, must be this answer.
#[track_caller]
pub(crate) fn answers(what: &str, xml: &str) -> LogoutStatus {
    let both = [by_redirect(&redirect(xml)), by_post(&form(&signed(xml)))].map(|verified| match verified {
        Ok(LogoutMessage::Response(status)) => status,
        other => panic!("{what}: {other:?}"),
    });
    assert_eq!(both[0], both[1], "{what}");
    both[0].clone()
}

/// Asserts that exactly this check refuses a message.
#[track_caller]
pub(crate) fn refused(what: &str, verified: Result<LogoutMessage, VerifyError>, check: &str) -> VerifyCode {
    match verified {
        Ok(_) => panic!("{what}: accepted, though {check} should refuse it"),
        Err(fault) => {
            assert_eq!(fault.check(), check, "{what}: {fault}");
            fault.code()
        }
    }
}

/// Asserts that exactly this check refuses `xml`, whichever way the honest provider sends it.
#[track_caller]
pub(crate) fn refused_both_ways(what: &str, xml: &str, code: VerifyCode, check: &str) {
    assert_eq!(refused(what, by_redirect(&redirect(xml)), check), code, "{what}");
    assert_eq!(refused(what, by_post(&form(&signed(xml))), check), code, "{what}");
}
