//! Keys: those of the metadata count, for what the metadata says. What a signature says of its
//! own key counts for nothing.

use rcgen::{CertificateParams, Issuer, KeyPair};
use rolegate::identity::saml::{Accept, SamlProvider};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::fixture::{
    ASSERTION, ATTACKER, HONEST, Key, Signing, base64, enveloped, evil, honest, metadata, noon, provider_of,
    response, settings, signed_whole, swap,
};
use super::suite::{Table, hold};

#[test]
fn are_those_of_the_metadata() {
    hold(&tables());
}

const VALUE: &str = "saml.signature.value";

pub(super) fn tables() -> Vec<Table> {
    let mut tables = vec![brought_along(), issued(), on_the_response()];
    tables.extend(for_something_else());
    tables
}

/// `signature` with something said about its key.
fn said(signature: &str, key_info: &str) -> String {
    let value = "</ds:SignatureValue>";
    match key_info {
        "" => signature.to_owned(),
        said => swap(signature, value, &format!("{value}<ds:KeyInfo>{said}</ds:KeyInfo>")),
    }
}

/// Evil, signed by this key, with something said about the key.
fn evil_by(key: &Key, key_info: &str) -> String {
    let signature = Signing { key, ..Signing::of("_evil") }.sign(&evil());
    response(&enveloped(&evil(), &said(&signature, key_info)))
}

fn x509(certificate: &[u8]) -> String {
    format!("<ds:X509Certificate>{}</ds:X509Certificate>", base64(certificate))
}

fn x509_data(content: &str) -> String {
    format!("<ds:X509Data>{content}</ds:X509Data>")
}

/// What an attacker may say of a key that is not the provider's.
fn brought_along() -> Table {
    let (ours, theirs) = (HONEST.certificate.as_slice(), ATTACKER.certificate.as_slice());
    let (_, parsed) = X509Certificate::from_der(theirs).unwrap();
    let PublicKey::RSA(rsa) = parsed.public_key().parsed().unwrap() else { panic!("not RSA") };
    let rsa = format!(
        "<ds:RSAKeyValue><ds:Modulus>{}</ds:Modulus><ds:Exponent>{}</ds:Exponent></ds:RSAKeyValue>",
        base64(rsa.modulus),
        base64(rsa.exponent)
    );
    let der = format!(
        "<e:DEREncodedKeyValue xmlns:e=\"http://www.w3.org/2009/xmldsig11#\">{}</e:DEREncodedKeyValue>",
        base64(parsed.public_key().raw)
    );
    let retrieval = |uri: &str| {
        format!(
            "<ds:RetrievalMethod Type=\"http://www.w3.org/2000/09/xmldsig#rawX509Certificate\" URI=\"{uri}\"></ds:RetrievalMethod>"
        )
    };
    let encrypted =
        "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"></xenc:EncryptedKey>";
    let token = "<wsse:SecurityTokenReference xmlns:wsse=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\"></wsse:SecurityTokenReference>";
    let by = |key_info: &str| evil_by(&ATTACKER, key_info);
    let serial = "<ds:X509IssuerSerial><ds:X509IssuerName>CN=rcgen self signed cert</ds:X509IssuerName><ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial>";
    Table::new("keys that are brought along")
        .twin("the honest key, unsaid", evil_by(&HONEST, ""))
        .twin("the honest key, called another's", evil_by(&HONEST, &x509_data(&x509(theirs))))
        .twin(
            "the honest key, with a key value",
            evil_by(&HONEST, &format!("<ds:KeyValue>{rsa}</ds:KeyValue>")),
        )
        .attacks([
            ("nothing said", by(""), VALUE),
            ("a certificate", by(&x509_data(&x509(theirs))), VALUE),
            ("the honest certificate", by(&x509_data(&x509(ours))), VALUE),
            ("both certificates", by(&x509_data(&[x509(ours), x509(theirs)].concat())), VALUE),
            ("both, the other way round", by(&x509_data(&[x509(theirs), x509(ours)].concat())), VALUE),
            ("no certificate", by(&x509_data(&x509(b"not a certificate"))), VALUE),
            ("an empty certificate", by(&x509_data(&x509(b""))), VALUE),
            ("a subject's name", by(&x509_data("<ds:X509SubjectName>CN=idp</ds:X509SubjectName>")), VALUE),
            ("a serial number", by(&x509_data(serial)), VALUE),
            ("a key identifier", by(&x509_data("<ds:X509SKI>AAAA</ds:X509SKI>")), VALUE),
            ("a revocation list", by(&x509_data("<ds:X509CRL>AAAA</ds:X509CRL>")), VALUE),
            ("a key value", by(&format!("<ds:KeyValue>{rsa}</ds:KeyValue>")), VALUE),
            ("a key value in DER", by(&der), VALUE),
            ("a key's name", by("<ds:KeyName>idp</ds:KeyName>"), VALUE),
            ("a retrieval by HTTP", by(&retrieval("http://example.com/cert")), VALUE),
            ("a retrieval from a file", by(&retrieval("file:///dev/zero")), VALUE),
            ("a retrieval from here", by(&retrieval("#_evil")), VALUE),
            ("PGP", by("<ds:PGPData><ds:PGPKeyID>AAAA</ds:PGPKeyID></ds:PGPData>"), VALUE),
            ("SPKI", by("<ds:SPKIData><ds:SPKISexp>AAAA</ds:SPKISexp></ds:SPKIData>"), VALUE),
            ("management data", by("<ds:MgmtData>x</ds:MgmtData>"), VALUE),
            ("an encrypted key", by(encrypted), VALUE),
            ("a security token", by(token), VALUE),
            ("1,000 certificates", by(&x509_data(&x509(&[0; 30]).repeat(1000))), VALUE),
            ("a certificate of 100 kB", by(&x509_data(&x509(&[0x30; 100_000]))), VALUE),
        ])
}

/// The metadata names a certificate as a key, not as an authority.
fn issued() -> Table {
    let again = |pair: &KeyPair| KeyPair::try_from(pair.serialize_der()).unwrap();
    let authority = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let issuer = Issuer::new(CertificateParams::default(), again(&authority));
    let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = CertificateParams::default().signed_by(&pair, &issuer).unwrap().der().to_vec();
    let authority = Key::of(authority);
    let chain = x509_data(&[x509(&certificate), x509(&authority.certificate)].concat());
    let by = |key: &Key, key_info: &str| {
        let algorithm = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
        let signature = Signing { key, algorithm, ..Signing::of("_a") }.sign(ASSERTION);
        response(&enveloped(ASSERTION, &said(&signature, key_info)))
    };
    let child = Key::of(pair);
    Table::new("keys that a key of the metadata issued")
        .at(provider_of(&[&authority]))
        .twin("that key", by(&authority, &chain))
        .attacks([
            ("with its chain", by(&child, &chain), VALUE),
            ("with its certificate", by(&child, &x509_data(&x509(&certificate))), VALUE),
            ("with nothing", by(&child, ""), VALUE),
        ])
}

/// Keys that stand in the metadata, and are for something else.
fn for_something_else() -> Vec<Table> {
    let good = metadata(&[&HONEST]);
    let their = metadata(&[&ATTACKER]);
    let descriptor = &their[their.find("<KeyDescriptor>").unwrap()..their.find("<SingleSign").unwrap()];
    let put = |before: &str, text: &str| swap(&good, before, &format!("{text}{before}"));
    let used =
        |purpose: &str| descriptor.replace("<KeyDescriptor>", &format!("<KeyDescriptor use=\"{purpose}\">"));
    let role = |name: &str, protocol: &str| {
        let supports = format!("protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:{protocol}:protocol\"");
        put("</EntityDescriptor>", &format!("<{name} {supports}>{descriptor}</{name}>"))
    };
    let inside = "<SingleSignOnService";
    let key_value = descriptor.replace("X509Data", "PGPData");
    let foreign = descriptor.replacen("<KeyDescriptor>", "<KeyDescriptor xmlns=\"urn:x\">", 1);
    [
        ("a key for encryption", put(inside, &used("encryption"))),
        ("a key for something unknown", put(inside, &used("Signing"))),
        ("a key of a service provider", role("SPSSODescriptor", "2.0")),
        ("a key of an attribute authority", role("AttributeAuthorityDescriptor", "2.0")),
        ("a key for SAML 1.1", role("IDPSSODescriptor", "1.1")),
        ("a key of the entity itself", put("</EntityDescriptor>", descriptor)),
        ("a key in Extensions", put("<IDPSSODescriptor", &format!("<Extensions>{descriptor}</Extensions>"))),
        ("a key that is no certificate", put(inside, &key_value)),
        ("a key in another namespace", put(inside, &foreign)),
    ]
    .map(|(what, xml)| {
        let provider = SamlProvider::new(settings(), xml.as_bytes(), noon()).unwrap();
        let by_attacker = Signing { key: &ATTACKER, ..Signing::of("_a") }.sign(ASSERTION);
        let document = response(&enveloped(ASSERTION, &by_attacker));
        Table::new(what).at(provider).twin("the honest key", honest()).attacks([(
            "a signature",
            document,
            VALUE,
        )])
    })
    .into()
}

fn on_the_response() -> Table {
    let by = |key: &Key, document: &str, key_info: &str| {
        let signature = Signing { key, ..Signing::of("_r") }.sign(document);
        enveloped(document, &said(&signature, key_info))
    };
    let (evil_whole, theirs) = (response(&evil()), x509_data(&x509(&ATTACKER.certificate)));
    Table::new("on a response whose signature counts")
        .accepting(Accept { signed_response: true, ..Accept::default() })
        .twin("the honest key", signed_whole(&response(ASSERTION)))
        .twin("the honest key over evil", by(&HONEST, &evil_whole, &theirs))
        .attacks([
            ("another key", by(&ATTACKER, &evil_whole, ""), VALUE),
            ("another key with its certificate", by(&ATTACKER, &evil_whole, &theirs), VALUE),
            ("another key over a genuine assertion", by(&ATTACKER, &honest(), &theirs), VALUE),
            ("another key over an unsigned one", by(&ATTACKER, &response(ASSERTION), &theirs), VALUE),
        ])
}
