//! Which login requests the demo provider believes.

use super::super::testing::{ACS, ENTITY_ID, NOON, broker};
use super::*;
use crate::entropy::SystemEntropy;
use crate::identity::saml::{Binding, Outbound, SamlProvider};

fn request(broker: &SamlProvider) -> (AuthnRequest, Outbound) {
    let request = broker.login_request(ACS, Some("<r>"), false, &SystemEntropy::new(), NOON).unwrap();
    (AuthnRequest { id: request.id, issuer: ENTITY_ID.into(), acs: Some(ACS.into()) }, request.outbound)
}

#[test]
fn a_redirect_of_the_brokers_is_believed() {
    let (broker, key) = broker(Binding::Redirect);
    let (expected, Outbound::Redirect(url)) = request(&broker) else { panic!("a form") };
    let query = url.split_once('?').unwrap().1;
    assert_eq!(AuthnRequest::by_redirect(query, &key), Ok((expected, Some("<r>".into()))));
    let (_, stranger) = self::broker(Binding::Redirect);
    assert_eq!(AuthnRequest::by_redirect(query, &stranger), Err(FORGED));
    for (changed, reason) in [
        (query.split_once("&SigAlg").unwrap().0.to_owned(), UNSIGNED),
        (query.replace("RelayState=", "RelayState=x"), FORGED),
        (query.replace("rsa-sha256", "rsa-sha1"), FORGED),
        (format!("{query}&RelayState=evil"), FORGED),
        (format!("{query}&SAMLRequest=evil"), FORGED),
        (query.replace("SAMLRequest", "SAMLRequests"), UNREADABLE),
        (String::new(), UNREADABLE),
    ] {
        assert_eq!(AuthnRequest::by_redirect(&changed, &key), Err(reason), "{changed}");
    }
}

#[test]
fn a_form_of_the_brokers_is_believed() {
    let (broker, key) = broker(Binding::Post);
    let (expected, Outbound::Post(form)) = request(&broker) else { panic!("a redirect") };
    let packed = &form.fields[0].1;
    assert_eq!(AuthnRequest::by_post(packed, &key).as_ref(), Ok(&expected));
    let (_, stranger) = self::broker(Binding::Post);
    assert_eq!(AuthnRequest::by_post(packed, &stranger), Err(FORGED));
    let xml = String::from_utf8(BASE64.decode_to_vec(packed).unwrap()).unwrap();
    let (head, rest) = xml.split_once("<ds:Signature ").unwrap();
    let (signature, tail) = rest.split_once("</ds:Signature>").unwrap();
    let signature = format!("<ds:Signature {signature}</ds:Signature>");
    for (changed, reason) in [
        (format!("{head}{tail}"), UNSIGNED),
        (xml.replace(ENTITY_ID, "urn:other"), FORGED),
        (xml.replace(" Version=", " ForceAuthn=\"false\" Version="), FORGED),
        (xml.replace(&expected.id, "_other"), FORGED),
        (format!("{head}{signature}{signature}{tail}"), FORGED),
        (
            format!("{head}{}{signature}</samlp:AuthnRequest>", tail.replace("</samlp:AuthnRequest>", " ")),
            FORGED,
        ),
        (format!("<!DOCTYPE x>{xml}"), UNREADABLE),
        (xml.replace("AuthnRequest", "LogoutRequest"), UNREADABLE),
        (xml.replace(&expected.id, "a&quot;b"), UNREADABLE),
        (String::new(), UNREADABLE),
    ] {
        assert_eq!(AuthnRequest::by_post(&BASE64.encode_to_string(&changed), &key), Err(reason), "{changed}");
    }
    assert_eq!(AuthnRequest::by_post("%%%", &key), Err(UNREADABLE));
}
