//! What we sign is what others verify, octet by octet.

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

use super::*;
use crate::identity::saml::xml::canonicalize;
use crate::identity::saml::xml::{RESPONSE, parse};

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
    assert_eq!(verify_query(&sent, &known(&key), false), Ok(read.clone()));
    assert_eq!(verify_query(&by_hand(&key, octets), &known(&key), false), Ok(read));
    let unsigned = query(Parameter::Response, "a", None, None).unwrap();
    assert_eq!(unsigned, "SAMLResponse=a");
    assert_eq!(verify_query(&unsigned, &known(&key), false).unwrap_err().check(), "saml.signature.absent");
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
        assert!(verify_query(&sent, &keys, false).is_ok(), "{sent}");
        let recoded = sent.replace("%61", "a").replace("%3a", "%3A").replace("%7e", "%7E");
        assert_eq!(
            verify_query(&recoded, &keys, false).unwrap_err().check(),
            "saml.signature.value",
            "{recoded}"
        );
    }
    // The order of the parameters is not; what is not SAML's is not looked at.
    let sent = by_hand(&key, &format!("SAMLRequest=ab&RelayState=s&{algorithm}"));
    let turned: Vec<&str> = sent.split('&').rev().collect();
    let turned = format!("tenant=1&{}&samlrequest=x", turned.join("&"));
    assert_eq!(verify_query(&turned, &keys, false).unwrap().relay_state.as_deref(), Some("s"));
    let encoding = pair("SAMLEncoding", DEFLATE);
    assert!(verify_query(&format!("{sent}&{encoding}"), &keys, false).is_ok());
}

#[test]
fn refuses_every_other_query() {
    let key = key();
    let keys = known(&key);
    let good = query(Parameter::Request, "abc", Some("state"), Some(&key)).unwrap();
    assert!(verify_query(&good, &keys, false).is_ok());
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
        assert_eq!(verify_query(&sent, &keys, false).unwrap_err().check(), check, "{sent}");
    }
    assert!(verify_query(&of(RSA_SHA256), &keys, false).is_ok());
}

#[test]
fn sha1_is_borne_where_it_is_accepted() {
    let mut keys = Keys::default();
    keys.add(&chars::base64(LEGACY_CERTIFICATE).unwrap()).unwrap();
    let octets = "SAMLRequest=abc&SigAlg=http%3A%2F%2Fwww.w3.org%2F2000%2F09%2Fxmldsig%23rsa-sha1";
    let sent = format!("{octets}&{}", pair("Signature", LEGACY_SIGNATURE));
    assert_eq!(verify_query(&sent, &keys, true).unwrap().packed, "abc");
    assert_eq!(verify_query(&sent, &keys, false).unwrap_err().check(), "saml.signature.algorithm");
    let changed = sent.replace("abc", "abd");
    assert_eq!(verify_query(&changed, &keys, true).unwrap_err().check(), "saml.signature.value");
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
    let tree = parse(&signed, &RESPONSE).unwrap();
    let root = tree.root().unwrap();
    let signature = root.child(DSIG, "Signature");
    assert_eq!(canonicalize(root, signature, &[]), Ok(canonical().unsigned()));
    assert_eq!(canonicalize(root, None, &[]).unwrap(), signed, "nothing of it changes on its way");
    assert_eq!(root.children().position(|child| child.is(DSIG, "Signature")), Some(1));
    let text = |names: &[&str]| {
        let found = names.iter().try_fold(signature.unwrap(), |element, name| element.child(DSIG, name));
        found.unwrap().text().unwrap()
    };
    let digest = text(&["SignedInfo", "Reference", "DigestValue"]);
    assert_eq!(digest, base64(super::digest(&SHA256, canonical().unsigned().as_bytes()).as_ref()));
    assert_eq!(text(&["KeyInfo", "X509Data", "X509Certificate"]), base64(key.certificate()));
    let info = canonicalize(signature.unwrap().child(DSIG, "SignedInfo").unwrap(), None, &[]).unwrap();
    assert!(info.contains("URI=\"#_1\""), "{info}");
    let value = chars::base64(text(&["SignatureValue"])).unwrap();
    assert!(known(&key).verify(RSA_SHA256, info.as_bytes(), &value).is_ok());
}

/// The certificate of a key that signed with SHA-1.
const LEGACY_CERTIFICATE: &str = concat!(
    "MIIC+zCCAeOgAwIBAgIUTBp9moaVA2147prk34BvqDlvfqEwDQYJKoZIhvcNAQELBQAwDDEKMAgGA1UEAwwBeDAg",
    "Fw0yNjExMjMxODEwMjRaGA8yMTI2MTAzMDE4MTAyNFowDDEKMAgGA1UEAwwBeDCCASIwDQYJKoZIhvcNAQEBBQAD",
    "ggEPADCCAQoCggEBANW6UhbYIZwCGkU9pOAkre3KxdVjAzQU+wZ0l7mUHtDeTSwR//6oI01VS6/OLO7P54KPUS1W",
    "hBluQtY70ukQxabFevuG9xRmltdFGEf7K+bz0oabPpWqyojByrC0BUvpqmqdz+V+DLxTb2VEyYQcFOw0VUF1I78v",
    "uRxzyigFqZTAUktnbigfpA2eDXxV7ZxAYR/M3tqlTITa/uixwPI3aD0H3UiJtQj7JvrC2t4vk7K/b5yG26kB3nVH",
    "T6svTB2yYer3xPQbvjj3E65w8G8eTOxd05aVEfaMs3g4TdWIo8oU0rxc1pXpGhjPWVNJXJ5M/oYcN7DxyhAQKZXp",
    "B/CzEccCAwEAAaNTMFEwHQYDVR0OBBYEFM340l3WREhPouS5wc1KcKbCId1lMB8GA1UdIwQYMBaAFM340l3WREhP",
    "ouS5wc1KcKbCId1lMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAF39vNmfRB4aqR8460K1aQGb",
    "RSmnMHVL8Gp2Swgc0FoBEnjI0ZbSWYWSyUVAIKEbB6GH1HcOR0egsHmX2XdIjLXm+tnwtA10EYxjTJeTrb5uvCQu",
    "skzefTyF6r6itOsIO2HaXflpRt3pNa0JNH0Fj+SJyFb7XjfElw3eURhH+vv5PziJI6AHzuAVJcNqc1u8+Ml3BEEx",
    "j5OlsfUm5IvHn5fjC0LLlzGp5yN9PzE/IhACS8Kcxd4B0Knz75UIRo9dlDxihry7/T3mM22Ufd1O7NyBxgCtv95i",
    "EKyzGx5kZvilvVTUOOXmFdatNzzPKdCYc+o8ypJluSYOPQfiyKe9keY=",
);

/// What it signed.
const LEGACY_SIGNATURE: &str = concat!(
    "WaRSzrqQ8Fv8KMWtumSX0Y9LzDi+hRqPq9PBKTpCrVVAVqBkmunaKKqS+NU+4Ews7p7ZpIMmx6Tqb+gI9TwuFzkz",
    "Z/CJXn2quGAuWD2Qb65g538tAGr1RowPcmgDgKdgf3V+hMGk12nexVTv3mfYYGNv5O1vHlgKbGyFKzKoMCDhl8Nd",
    "dHk3vEs6EYQ7GzsqGTfZSwCv138hWIDXTULn02WmWrnSKO4jBABsP5lDXSznhdrv6aFYoaQBMAmjNRsmcxVxOG6D",
    "D4JE0ylBd96PrmopwkTUt/27vOHb5cXQpPcF22TL7jXFk0jGpXIFDb6I5Yq9bcePGQkvaaGJm1zb9g==",
);
