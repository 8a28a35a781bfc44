//! What we sign is what others verify, octet by octet.

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

use super::super::c14n::canonicalize;
use super::super::parse::parse;
use super::*;

fn key() -> SpKey {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    SpKey::from_pem(&format!("{}{}", key.serialize_pem(), certificate.pem())).unwrap()
}

fn known(key: &SpKey) -> Keys {
    let mut keys = Keys::default();
    keys.add(key.certificate()).unwrap();
    keys
}

/// A query with `octets`, signed over them by `key`, as a provider would write it.
fn by_hand(key: &SpKey, octets: &str) -> String {
    format!("{octets}&{}", pair("Signature", &base64(&key.sign(octets.as_bytes()).unwrap())))
}

#[test]
fn a_signed_query_says_what_was_signed() {
    let key = key();
    let sent = query(Parameter::Request, "a+/=", Some("r s&t=ü"), Some(&key)).unwrap();
    let octets = "SAMLRequest=a%2B%2F%3D&RelayState=r+s%26t%3D%C3%BC&\
                  SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256";
    assert!(sent.starts_with(&format!("{octets}&Signature=")), "{sent}");
    let read = SignedQuery {
        parameter: Parameter::Request,
        packed: "a+/=".into(),
        relay_state: Some("r s&t=ü".into()),
    };
    assert_eq!(verify_query(&sent, &known(&key)), Ok(read.clone()));
    assert_eq!(verify_query(&by_hand(&key, octets), &known(&key)), Ok(read));
    let unsigned = query(Parameter::Response, "a", None, None).unwrap();
    assert_eq!(unsigned, "SAMLResponse=a");
    assert_eq!(verify_query(&unsigned, &known(&key)).unwrap_err().check(), "saml.signature.absent");
}

#[test]
fn a_query_is_verified_as_it_arrived() {
    let key = key();
    let keys = known(&key);
    let algorithm = "SigAlg=http%3a%2f%2fwww.w3.org%2f2001%2f04%2fxmldsig-more%23rsa-sha256";
    // Lower-case escapes, escapes that are not needed, and an empty RelayState are the signer's choice.
    for octets in [
        format!("SAMLResponse=%61b&{algorithm}"),
        format!("SAMLResponse=ab&RelayState=&{algorithm}"),
        format!("SAMLResponse=ab==&RelayState=%7e~&{algorithm}"),
    ] {
        let sent = by_hand(&key, &octets);
        assert!(verify_query(&sent, &keys).is_ok(), "{sent}");
        let recoded = sent.replace("%61", "a").replace("%3a", "%3A").replace("%7e", "%7E");
        assert_eq!(verify_query(&recoded, &keys).unwrap_err().check(), "saml.signature.value", "{recoded}");
    }
    // The order of the parameters is not; what is not SAML's is not looked at.
    let sent = by_hand(&key, &format!("SAMLRequest=ab&RelayState=s&{algorithm}"));
    let turned: Vec<&str> = sent.split('&').rev().collect();
    let turned = format!("tenant=1&{}&samlrequest=x", turned.join("&"));
    assert_eq!(verify_query(&turned, &keys).unwrap().relay_state.as_deref(), Some("s"));
    let encoding = pair("SAMLEncoding", DEFLATE);
    assert!(verify_query(&format!("{sent}&{encoding}"), &keys).is_ok());
}

#[test]
fn refuses_every_other_query() {
    let key = key();
    let keys = known(&key);
    let good = query(Parameter::Request, "abc", Some("state"), Some(&key)).unwrap();
    assert!(verify_query(&good, &keys).is_ok());
    let stranger = query(Parameter::Request, "abc", Some("state"), Some(&self::key())).unwrap();
    let of = |algorithm: &str| by_hand(&key, &format!("SAMLRequest=abc&{}", pair("SigAlg", algorithm)));
    let cut = |name: &str| {
        let kept = good.split('&').filter(|part| !part.starts_with(name));
        kept.collect::<Vec<_>>().join("&")
    };
    for (sent, check) in [
        (good.replace("abc", "abd"), "saml.signature.value"),
        (good.replace("state", "other"), "saml.signature.value"),
        (cut("RelayState"), "saml.signature.value"),
        (good.replace("SAMLRequest", "SAMLResponse"), "saml.signature.value"),
        (format!("{}&Signature=*", cut("Signature")), "saml.signature.value"),
        (stranger, "saml.signature.value"),
        (cut("Signature"), "saml.signature.absent"),
        (cut("SigAlg"), "saml.signature.absent"),
        (cut("SAMLRequest"), "saml.query.message"),
        (String::new(), "saml.query.message"),
        (format!("{good}&SAMLResponse=abc"), "saml.query.message"),
        (format!("{good}&SAMLRequest=abc"), "saml.query.repeated"),
        (format!("RelayState=evil&{good}"), "saml.query.repeated"),
        (format!("{good}&Signature"), "saml.query.repeated"),
        (format!("RelayStat%65=evil&{good}"), "saml.query.name"),
        (good.replace("SAMLRequest", "%53AMLRequest"), "saml.query.name"),
        (good.replace("SigAlg", "sigalg"), "saml.signature.absent"),
        (format!("{good}&SAMLEncoding=urn%3Anone"), "saml.query.encoding"),
        (format!("{good}{}", "&a=b".repeat(MAX_PARAMETERS)), "saml.query.size"),
        (of("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), "saml.signature.algorithm"),
        (of("http://www.w3.org/2000/09/xmldsig#hmac-sha1"), "saml.signature.algorithm"),
        (of(""), "saml.signature.algorithm"),
        (of("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"), "saml.signature.key"),
    ] {
        assert_eq!(verify_query(&sent, &keys).unwrap_err().check(), check, "{sent}");
    }
    assert!(verify_query(&of(RSA_SHA256), &keys).is_ok());
}

#[test]
fn an_enveloped_signature_covers_what_is_sent() {
    let key = key();
    let canonical = || Canonical {
        id: "_1".into(),
        head: "<p:a xmlns:p=\"urn:p\" ID=\"_1\" a=\"&lt;&quot;\"><b>&amp;</b>".into(),
        tail: "<q:c xmlns:q=\"urn:q\"></q:c></p:a>".into(),
    };
    let signed = canonical().signed(&key).unwrap();
    let tree = parse(&signed).unwrap();
    let root = tree.root().unwrap();
    let signature = root.child(DSIG, "Signature");
    assert_eq!(canonicalize(root, signature, &[]), canonical().unsigned());
    assert_eq!(canonicalize(root, None, &[]), signed, "nothing of it changes on its way");
    assert_eq!(root.children().position(|child| child.is(DSIG, "Signature")), Some(1));
    let text = |names: &[&str]| {
        let found = names.iter().try_fold(signature.unwrap(), |element, name| element.child(DSIG, name));
        found.unwrap().text().unwrap()
    };
    let digest = text(&["SignedInfo", "Reference", "DigestValue"]);
    assert_eq!(digest, base64(super::digest(&SHA256, canonical().unsigned().as_bytes()).as_ref()));
    assert_eq!(text(&["KeyInfo", "X509Data", "X509Certificate"]), base64(key.certificate()));
    let info = canonicalize(signature.unwrap().child(DSIG, "SignedInfo").unwrap(), None, &[]);
    assert!(info.contains("URI=\"#_1\""), "{info}");
    let value = chars::base64(text(&["SignatureValue"])).unwrap();
    assert_eq!(known(&key).verify(RSA_SHA256, info.as_bytes(), &value), Ok(()));
}
