//! Responses made by hand, so that a test can change any part before or after it is signed.
//!
//! The texts are canonical as they stand: signing needs no canonicalization here, and an
//! attacker with a key of his own can sign whatever he likes.

use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKey, PrivateDecryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::{
    self as aws, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
};
use rcgen::{CertificateParams, KeyPair, RsaKeySize};
use rolegate::clock::Moment;
use rolegate::identity::saml::{Accept, Answer, Expect, SamlProvider, SamlSettings, SpKey, SpSettings};
use rolegate::identity::{FederatedIdentity, VerifyCode, VerifyError};

pub(crate) const IDP: &str = "https://idp.example.com/metadata";
pub(crate) const OURS: &str = "https://broker.example.com";
pub(crate) const ACS: &str = "https://broker.example.com/saml/corp/acs";
pub(crate) const REQUEST: &str = "_request";
/// When it was sent: a minute before noon.
pub(crate) const SENT: Moment = Moment::from_unix(1_795_348_740);
pub(crate) const SKEW: Duration = Duration::from_secs(60);

/// The honest assertion, without a signature and in canonical form.
pub(crate) const ASSERTION: &str = concat!(
    "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\" ",
    "IssueInstant=\"2026-11-22T12:00:00Z\" Version=\"2.0\">",
    "<saml:Issuer>https://idp.example.com/metadata</saml:Issuer>",
    "<saml:Subject>",
    "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">ann</saml:NameID>",
    "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">",
    "<saml:SubjectConfirmationData InResponseTo=\"_request\" NotOnOrAfter=\"2026-11-22T12:05:00Z\" ",
    "Recipient=\"https://broker.example.com/saml/corp/acs\"></saml:SubjectConfirmationData>",
    "</saml:SubjectConfirmation></saml:Subject>",
    "<saml:Conditions NotBefore=\"2026-11-22T11:59:00Z\" NotOnOrAfter=\"2026-11-22T12:10:00Z\">",
    "<saml:AudienceRestriction><saml:Audience>https://broker.example.com</saml:Audience>",
    "</saml:AudienceRestriction></saml:Conditions>",
    "<saml:AuthnStatement AuthnInstant=\"2026-11-22T12:00:00Z\" ",
    "SessionNotOnOrAfter=\"2026-11-22T20:00:00Z\"></saml:AuthnStatement>",
    "<saml:AttributeStatement><saml:Attribute Name=\"groups\">",
    "<saml:AttributeValue>staff</saml:AttributeValue><saml:AttributeValue>platform</saml:AttributeValue>",
    "</saml:Attribute></saml:AttributeStatement></saml:Assertion>",
);

/// What goes around assertions: canonical too, so that it can be signed.
const RESPONSE: [&str; 2] = [
    concat!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ",
        "Destination=\"https://broker.example.com/saml/corp/acs\" ID=\"_r\" InResponseTo=\"_request\" ",
        "IssueInstant=\"2026-11-22T12:00:00Z\" Version=\"2.0\">",
        "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://idp.example.com/metadata</saml:Issuer>",
        "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>",
        "</samlp:Status>",
    ),
    "</samlp:Response>",
];

pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// A private key and its self-signed certificate.
pub(crate) struct Key {
    pkcs8: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
}

impl Key {
    pub(crate) fn rsa() -> Self {
        Self::of(KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap())
    }

    pub(crate) fn of(key: KeyPair) -> Self {
        let certificate = CertificateParams::default().self_signed(&key).unwrap().der().to_vec();
        Self { pkcs8: key.serialize_der(), certificate }
    }

    /// A key that can't sign, because only its certificate is here.
    pub(crate) fn of_certificate(base64: &str) -> Self {
        Self { pkcs8: Vec::new(), certificate: base64_simd::STANDARD.decode_to_vec(base64).unwrap() }
    }

    /// As one of ours.
    pub(crate) fn ours(&self) -> SpKey {
        SpKey::from_pem(&self.pem()).unwrap()
    }

    /// Its public half, to encrypt to.
    pub(crate) fn recipient(&self) -> PublicEncryptingKey {
        PrivateDecryptingKey::from_pkcs8(&self.pkcs8).unwrap().public_key()
    }

    /// Private key and certificate.
    pub(crate) fn pem(&self) -> String {
        let blocks = [("PRIVATE KEY", &self.pkcs8), ("CERTIFICATE", &self.certificate)];
        let pem = blocks
            .map(|(label, der)| format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64(der)));
        pem.concat()
    }

    /// Signs by the algorithm of this URI.
    #[allow(clippy::disallowed_methods)] // A test needs no recorded randomness.
    pub(crate) fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let elliptic = |curve| {
            let key = EcdsaKeyPair::from_pkcs8(curve, &self.pkcs8).unwrap();
            key.sign(&random, message).unwrap().as_ref().to_vec()
        };
        let name = algorithm.rsplit_once('#').map_or("", |(_, name)| name);
        let padding: &dyn aws::RsaEncoding = match name {
            "ecdsa-sha256" => return elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING),
            "ecdsa-sha384" => return elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING),
            "ecdsa-sha512" => return elliptic(&ECDSA_P521_SHA512_FIXED_SIGNING),
            "rsa-sha384" => &aws::RSA_PKCS1_SHA384,
            "rsa-sha512" => &aws::RSA_PKCS1_SHA512,
            "sha256-rsa-MGF1" => &aws::RSA_PSS_SHA256,
            "sha384-rsa-MGF1" => &aws::RSA_PSS_SHA384,
            "sha512-rsa-MGF1" => &aws::RSA_PSS_SHA512,
            _ => &aws::RSA_PKCS1_SHA256,
        };
        let key = RsaKey::from_pkcs8(&self.pkcs8).unwrap();
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(padding, &random, message, &mut signature).unwrap();
        signature
    }
}

/// The provider's key.
pub(crate) static HONEST: LazyLock<Key> = LazyLock::new(Key::rsa);
/// Somebody else's key.
pub(crate) static ATTACKER: LazyLock<Key> = LazyLock::new(Key::rsa);

/// A provider with the honest key.
pub(crate) static PROVIDER: LazyLock<SamlProvider> = LazyLock::new(|| provider_of(&[&HONEST]));

pub(crate) fn settings() -> SamlSettings {
    SamlSettings {
        arn: "arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap(),
        name: "corp".to_owned(),
        entity_id: OURS.to_owned(),
        audiences: vec![OURS.to_owned(), "urn:amazon:webservices".to_owned()],
        recipients: vec![ACS.to_owned(), "https://broker.example.com/saml".to_owned()],
        clock_skew: SKEW,
        max_age: Duration::from_secs(300),
        authn_contexts: Vec::new(),
        must_be_encrypted: false,
        accept: Accept::default(),
        sp: SpSettings::default(),
    }
}

/// The provider's metadata, in canonical form like all the others.
pub(crate) fn metadata(keys: &[&Key]) -> String {
    let descriptor = |key: &&Key| {
        format!(
            "<KeyDescriptor><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
             <ds:X509Certificate>\n{}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>",
            base64(&key.certificate)
        )
    };
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{IDP}\">\
         <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}\
         <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example.com/sso\"></SingleSignOnService></IDPSSODescriptor></EntityDescriptor>",
        keys.iter().map(descriptor).collect::<String>()
    )
}

/// When everything in this room happens.
pub(crate) fn noon() -> Moment {
    Moment::parse_rfc3339("2026-11-22T12:00:00Z").unwrap()
}

/// A provider that has these keys.
pub(crate) fn provider_of(keys: &[&Key]) -> SamlProvider {
    SamlProvider::new(settings(), metadata(keys).as_bytes(), noon()).unwrap()
}

/// What an assertion consumer expects.
pub(crate) const EXPECTED: Expect<'static> =
    Expect { recipient: Some(ACS), in_response_to: Answer::To { id: REQUEST, sent: SENT } };

pub(crate) fn verify(document: &str) -> Result<FederatedIdentity, VerifyError> {
    keep(document);
    PROVIDER.verify(&base64(document.as_bytes()), EXPECTED, noon())
}

/// Keeps a document as a seed for `fuzz/run`, if that asks for it.
fn keep(document: &str) {
    const LARGEST: usize = 16 * 1024;
    if let Some(folder) = std::env::var_os("SAML_DOCUMENTS").filter(|_| document.len() <= LARGEST) {
        let hash = digest::digest(&digest::SHA256, document.as_bytes());
        let name: String = hash.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(Path::new(&folder).join(name), document).unwrap();
    }
}

/// Asserts that a response is accepted.
#[track_caller]
pub(crate) fn accepted(what: &str, document: &str) -> FederatedIdentity {
    verify(document).unwrap_or_else(|fault| panic!("{what}: refused by {fault}"))
}

/// Asserts that exactly this check refuses a response.
#[track_caller]
pub(crate) fn refused(what: &str, document: &str, code: VerifyCode, check: &str) {
    match verify(document) {
        Ok(_) => panic!("{what}: accepted, though {check} should refuse it"),
        Err(fault) => assert_eq!((fault.check(), fault.code()), (check, code), "{what}: {fault}"),
    }
}

/// `text` with the one occurrence of `from` replaced.
#[track_caller]
pub(crate) fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} does not occur");
    text.replacen(from, to, 1)
}

/// Where the attributes of the first element with this name stand in `text`.
pub(crate) fn attributes_of(text: &str, element: &str) -> Range<usize> {
    let open = format!("<{element}");
    let mut ends = text.match_indices(&open).map(|(at, _)| at + open.len());
    let from = ends.find(|end| text[*end..].starts_with([' ', '>', '/']));
    let from = from.unwrap_or_else(|| panic!("<{element}> does not occur"));
    from..from + text[from..].find('>').unwrap()
}

/// `text` with more attributes or declarations for the first element with this name.
pub(crate) fn adorned(text: &str, element: &str, attributes: &str) -> String {
    let Range { start, .. } = attributes_of(text, element);
    format!("{} {attributes}{}", &text[..start], &text[start..])
}

/// How to sign. The default is what an honest provider does.
#[derive(Clone)]
pub(crate) struct Signing<'a> {
    pub(crate) key: &'a Key,
    pub(crate) uri: String,
    pub(crate) canonicalization: String,
    pub(crate) algorithm: &'a str,
    pub(crate) transforms: String,
    pub(crate) digest_algorithm: &'a str,
    pub(crate) second_reference: String,
}

impl Signing<'_> {
    /// An enveloped signature by the honest key, over the element with this ID.
    pub(crate) fn of(id: &str) -> Self {
        Self {
            key: &HONEST,
            uri: format!("#{id}"),
            canonicalization: element("CanonicalizationMethod", EXCLUSIVE),
            algorithm: RSA_SHA256,
            transforms: element("Transform", ENVELOPED) + &element("Transform", EXCLUSIVE),
            digest_algorithm: SHA256,
            second_reference: String::new(),
        }
    }

    /// The `ds:Signature` over `canonical`.
    pub(crate) fn sign(&self, canonical: &str) -> String {
        self.seal(&self.info(canonical))
    }

    /// The canonical `ds:SignedInfo` of a signature over `canonical`.
    pub(crate) fn info(&self, canonical: &str) -> String {
        let algorithm = match self.digest_algorithm.rsplit_once('#').map_or("", |(_, name)| name) {
            "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            "sha384" => &digest::SHA384,
            "sha512" => &digest::SHA512,
            _ => &digest::SHA256,
        };
        format!(
            "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{}{}\
             <ds:Reference URI=\"{}\"><ds:Transforms>{}</ds:Transforms>{}\
             <ds:DigestValue>{}</ds:DigestValue></ds:Reference>{}</ds:SignedInfo>",
            self.canonicalization,
            element("SignatureMethod", self.algorithm),
            self.uri,
            self.transforms,
            element("DigestMethod", self.digest_algorithm),
            base64(digest::digest(algorithm, canonical.as_bytes()).as_ref()),
            self.second_reference,
        )
    }

    /// The `ds:Signature` whose value is this key's over a canonical `ds:SignedInfo`.
    pub(crate) fn seal(&self, info: &str) -> String {
        signature_of(info, &base64(&self.key.sign(self.algorithm, info.as_bytes())))
    }
}

/// A `ds:Signature` of a canonical `ds:SignedInfo` and a value.
pub(crate) fn signature_of(info: &str, value: &str) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{}<ds:SignatureValue>{value}\
         </ds:SignatureValue></ds:Signature>",
        swap(info, " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"", ""),
    )
}

/// An element of XML-DSig with an algorithm.
pub(crate) fn element(name: &str, algorithm: &str) -> String {
    format!("<ds:{name} Algorithm=\"{algorithm}\"></ds:{name}>")
}

/// Puts a signature where it belongs: behind the first issuer.
pub(crate) fn enveloped(element: &str, signature: &str) -> String {
    swap(element, "</saml:Issuer>", &format!("</saml:Issuer>{signature}"))
}

/// The honest provider signs this assertion.
pub(crate) fn signed(assertion: &str) -> String {
    enveloped(assertion, &Signing::of("_a").sign(assertion))
}

/// The honest provider signs this response.
pub(crate) fn signed_whole(response: &str) -> String {
    enveloped(response, &Signing::of("_r").sign(response))
}

/// A response whose assertion was changed in one place before it was signed.
pub(crate) fn with(from: &str, to: &str) -> String {
    response(&signed(&swap(ASSERTION, from, to)))
}

/// A successful response around `content`.
pub(crate) fn response(content: &str) -> String {
    [RESPONSE[0], content, RESPONSE[1]].concat()
}

/// The response that everything else deviates from.
pub(crate) fn honest() -> String {
    response(&signed(ASSERTION))
}

/// The honest response, signed as a whole too.
pub(crate) fn honest_twice() -> String {
    signed_whole(&honest())
}

/// What the attacker would like to be: the honest assertion, of another person and with another
/// ID, unsigned.
pub(crate) fn evil() -> String {
    swap(&swap(ASSERTION, ">ann<", ">admin<"), "ID=\"_a\"", "ID=\"_evil\"")
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}
