//! The SAML side of the demo identity provider: a key, metadata, and responses whose assertion
//! is signed.
//!
//! It writes XML that is canonical from the start and signs it as it stands. It shares no
//! canonicalization with `identity::saml`, so each is a check of the other.

use std::fmt::Write as _;
use std::time::Duration;

use aws_lc_rs::digest;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize, SigningKey};
use url::form_urlencoded;
use x509_parser::pem::Pem;

use crate::clock::Moment;
use crate::entropy::{self, Entropy, NoEntropy};
use crate::identity::saml::{escape_attribute, escape_text};
use crate::secret::Secret;

/// An RSA key of 2048 bits, its self-signed certificate, and the provider they speak for.
pub struct SamlSigner {
    entity_id: String,
    sso_url: String,
    slo_url: Option<String>,
    key: KeyPair,
    certificate: Vec<u8>,
}

/// What a response is to say.
#[derive(Debug, Clone, Copy)]
pub struct ResponseFacts<'a> {
    /// The consumer URL that it is posted to.
    pub recipient: &'a str,
    /// The entity id that it is meant for.
    pub audience: &'a str,
    /// The request that it answers, if there was one.
    pub in_response_to: Option<&'a str>,
    /// The `NameID`, of the persistent format.
    pub subject: &'a str,
    /// Attributes and their values.
    pub attributes: &'a [(&'a str, Vec<String>)],
    /// When it is issued.
    pub at: Moment,
    /// How long it is good for.
    pub lifetime: Duration,
}

/// The signer can't be made, or can't sign.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The key can't be made, read or used.
    #[error("the demo provider's key can't be used")]
    Key(#[from] rcgen::Error),
    /// What was kept is not a key and a certificate.
    #[error("the demo provider's key file is not a private key followed by a certificate, both PEM")]
    NotAKeyFile,
    /// There is no randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

impl SamlSigner {
    /// A signer with a new key.
    pub fn generate(entity_id: &str, sso_url: &str) -> Result<Self, SignerError> {
        let (key, certificate) = new_key()?;
        Ok(Self::of(entity_id, sso_url, key, certificate))
    }

    /// A signer with the key and certificate that [`SamlSigner::to_pem`] wrote.
    pub fn from_pem(entity_id: &str, sso_url: &str, pem: &str) -> Result<Self, SignerError> {
        let blocks: Vec<_> = Pem::iter_from_buffer(pem.as_bytes()).filter_map(Result::ok).collect();
        let [_, certificate] = &blocks[..] else { return Err(SignerError::NotAKeyFile) };
        let key = KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_RSA_SHA256)?;
        let certificate = certificate.contents.clone();
        Ok(Self::of(entity_id, sso_url, key, certificate))
    }

    fn of(entity_id: &str, sso_url: &str, key: KeyPair, certificate: Vec<u8>) -> Self {
        Self { entity_id: entity_id.to_owned(), sso_url: sso_url.to_owned(), slo_url: None, key, certificate }
    }

    /// The same, and its metadata offers single logout at `slo_url`.
    pub fn with_logout_at(self, slo_url: &str) -> Self {
        Self { slo_url: Some(slo_url.to_owned()), ..self }
    }

    /// The provider that it signs for.
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// Private key and certificate, to be kept in a file that nobody else can read.
    pub fn to_pem(&self) -> Secret<String> {
        to_pem(&self.key, &self.certificate)
    }

    /// The provider's metadata.
    pub fn metadata(&self) -> String {
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{}\">\
             <md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
             <md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
             <ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\
             {slo}<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{sso}\"/>\
             <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{sso}\"/>\
             </md:IDPSSODescriptor></md:EntityDescriptor>",
            attribute(&self.entity_id),
            base64(&self.certificate),
            slo = self.slo_url.as_deref().map_or_else(String::new, logout_service),
            sso = attribute(&self.sso_url),
        )
    }

    /// The base64 of a successful response with one signed assertion.
    pub fn respond(&self, facts: &ResponseFacts<'_>, entropy: &dyn Entropy) -> Result<String, SignerError> {
        let (response_id, assertion_id) = (fresh_id(entropy)?, fresh_id(entropy)?);
        let (head, tail) = self.assertion(facts, &assertion_id);
        let signature = self.signature(&assertion_id, &[&head, &tail])?;
        let xml = format!(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{}\" ID=\"{response_id}\"{} \
             IssueInstant=\"{}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}\
             </saml:Issuer><samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>\
             </samlp:Status>{head}{signature}{tail}</samlp:Response>",
            attribute(facts.recipient),
            in_response_to(facts),
            facts.at,
            text(&self.entity_id),
        );
        Ok(base64(xml.as_bytes()))
    }

    /// The assertion in canonical form, up to where its signature goes and from there.
    fn assertion(&self, facts: &ResponseFacts<'_>, id: &str) -> (String, String) {
        let (at, until) = (facts.at, facts.at.plus(facts.lifetime));
        let head = format!(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" IssueInstant=\"{}\" \
             Version=\"2.0\"><saml:Issuer>{}</saml:Issuer>",
            instant(at),
            text(&self.entity_id),
        );
        let mut tail = format!(
            "<saml:Subject><saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">{}</saml:NameID>\
             <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
             <saml:SubjectConfirmationData{} NotOnOrAfter=\"{until}\" Recipient=\"{}\"></saml:SubjectConfirmationData>\
             </saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore=\"{at}\" NotOnOrAfter=\"{until}\">\
             <saml:AudienceRestriction><saml:Audience>{}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
             <saml:AuthnStatement AuthnInstant=\"{at}\" SessionIndex=\"{id}\"><saml:AuthnContext><saml:AuthnContextClassRef>\
             urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>\
             </saml:AuthnContext></saml:AuthnStatement>",
            text(facts.subject),
            in_response_to(facts),
            attribute(facts.recipient),
            text(facts.audience),
        );
        if !facts.attributes.is_empty() {
            tail.push_str(&attribute_statement(facts.attributes));
        }
        tail.push_str("</saml:Assertion>");
        (head, tail)
    }

    /// The query that takes `xml` along by redirect, signed (SAML Bindings 3.4.4.1).
    pub fn query(&self, parameter: &str, xml: &str, state: Option<&str>) -> Result<String, SignerError> {
        let packed = base64(&miniz_oxide::deflate::compress_to_vec(xml.as_bytes(), 6));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(parameter, &packed);
        query.extend_pairs(state.map(|state| ("RelayState", state)));
        query.append_pair("SigAlg", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
        let octets = query.finish();
        let signature = base64(&self.key.sign(octets.as_bytes())?);
        Ok(form_urlencoded::Serializer::new(octets).append_pair("Signature", &signature).finish())
    }

    /// An enveloped signature over `parts`, which together are the canonical element `id`.
    fn signature(&self, id: &str, parts: &[&str]) -> Result<String, SignerError> {
        let mut hash = digest::Context::new(&digest::SHA256);
        parts.iter().for_each(|part| hash.update(part.as_bytes()));
        let info = signed_info(id, hash.finish().as_ref());
        let value = base64(&self.key.sign(info.as_bytes())?);
        Ok(format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}\
             <ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>"
        ))
    }
}

/// A new RSA key of 2048 bits and its self-signed certificate, both PEM.
pub(crate) fn new_key_pem() -> Result<Secret<String>, SignerError> {
    let (key, certificate) = new_key()?;
    Ok(to_pem(&key, &certificate))
}

fn new_key() -> Result<(KeyPair, Vec<u8>), SignerError> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let certificate = CertificateParams::default().self_signed(&key)?.der().to_vec();
    Ok((key, certificate))
}

fn to_pem(key: &KeyPair, certificate: &[u8]) -> Secret<String> {
    let mut pem = key.serialize_pem();
    pem.push_str("-----BEGIN CERTIFICATE-----\n");
    for line in base64(certificate).as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    Secret::new(pem)
}

/// The canonical `SignedInfo` of an enveloped signature over the element `id` with this SHA-256.
pub(super) fn signed_info(id: &str, digest: &[u8]) -> String {
    format!(
        "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:CanonicalizationMethod \
         Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod><ds:SignatureMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod>\
         <ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>\
         <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
         <ds:DigestValue>{}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        base64(digest),
    )
}

fn logout_service(url: &str) -> String {
    let binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    format!("<md:SingleLogoutService Binding=\"{binding}\" Location=\"{}\"/>", attribute(url))
}

fn attribute_statement(attributes: &[(&str, Vec<String>)]) -> String {
    let mut out = String::from("<saml:AttributeStatement>");
    for (name, values) in attributes {
        let _ = write!(out, "<saml:Attribute Name=\"{}\">", attribute(name));
        for value in values {
            let _ = write!(out, "<saml:AttributeValue>{}</saml:AttributeValue>", text(value));
        }
        out.push_str("</saml:Attribute>");
    }
    out.push_str("</saml:AttributeStatement>");
    out
}

fn in_response_to(facts: &ResponseFacts<'_>) -> String {
    facts.in_response_to.map_or_else(String::new, |id| format!(" InResponseTo=\"{}\"", attribute(id)))
}

/// A time with its milliseconds, so that a login right after a logout is seen to be later.
pub(super) fn instant(at: Moment) -> String {
    let seconds = at.to_rfc3339();
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), at.unix_millis().rem_euclid(1000))
}

pub(super) fn fresh_id(entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let random = entropy::bytes::<16>(entropy)?;
    Ok(format!("_{:032x}", u128::from_be_bytes(random)))
}

pub(super) fn text(value: &str) -> String {
    let mut out = String::new();
    escape_text(&mut out, value);
    out
}

pub(super) fn attribute(value: &str) -> String {
    let mut out = String::new();
    escape_attribute(&mut out, value);
    out
}

fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}
