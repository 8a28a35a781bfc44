//! Signatures of our own, and those on what comes by the Redirect binding.
//!
//! A message by POST, and metadata, carries an enveloped signature (SAML Core 5.4): it is written
//! in canonical form from the start, so what is digested is what is sent. A message by Redirect
//! is signed beside the message, over the query as its octets travel (SAML Bindings 3.4.4.1):
//! whoever decodes and encodes again signs or checks something else.

use aws_lc_rs::digest::{SHA256, digest};
use url::form_urlencoded;

use super::binding::Parameter;
use super::keys::{SigningFailed, SpKey};
use crate::identity::saml::keys::{self, Keys};
use crate::identity::saml::names::{DSIG, ENVELOPED, EXCLUSIVE_C14N, RSA_SHA256, SHA256 as SHA256_URI};
use crate::identity::saml::xml::chars::{self, escape_attribute, escape_text};
use crate::identity::saml::{malformed, refused};
use crate::identity::{VerifyCode, VerifyError};

/// The one encoding of the Redirect binding (SAML Bindings 3.4.4.1), which need not be named.
const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";
/// The parameters of the Redirect binding. Each may stand once.
const PARAMETERS: [&str; 6] =
    ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding"];
/// A query holds these and few others.
const MAX_PARAMETERS: usize = 64;

/// The query of a message by Redirect, signed where there is a key. `packed` is the base64 of the
/// deflated message.
pub(crate) fn query(
    parameter: Parameter,
    packed: &str,
    relay_state: Option<&str>,
    key: Option<&SpKey>,
) -> Result<String, SigningFailed> {
    let mut query = pair(parameter.name(), packed);
    if let Some(state) = relay_state {
        query = format!("{query}&{}", pair("RelayState", state));
    }
    let Some(key) = key else { return Ok(query) };
    query = format!("{query}&{}", pair("SigAlg", RSA_SHA256));
    let signature = base64(&key.sign(query.as_bytes())?);
    Ok(format!("{query}&{}", pair("Signature", &signature)))
}

/// A message that came by Redirect and that one of the provider's keys signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedQuery {
    /// Whether it asks or answers.
    pub(crate) parameter: Parameter,
    /// Base64 of the deflated message.
    pub(crate) packed: String,
    /// `RelayState`, which is signed along.
    pub(crate) relay_state: Option<String>,
}

/// Verifies the signature beside a message that came by Redirect. `raw_query` is the query as it
/// arrived, not decoded; `sha1` bears RSA with SHA-1. What is given back was decoded from the
/// octets that were verified.
pub(crate) fn verify_query(raw_query: &str, keys: &Keys, sha1: bool) -> Result<SignedQuery, VerifyError> {
    let sent = Sent::read(raw_query)?;
    let (parameter, message) = match (sent.raw("SAMLRequest"), sent.raw("SAMLResponse")) {
        (Some(request), None) => (Parameter::Request, request),
        (None, Some(response)) => (Parameter::Response, response),
        (seen, _) => {
            let seen = if seen.is_some() { "both" } else { "none" };
            return Err(malformed("saml.query.message", "one of SAMLRequest and SAMLResponse", seen));
        }
    };
    if let Some(other) = sent.value("SAMLEncoding").filter(|encoding| encoding != DEFLATE) {
        return Err(malformed("saml.query.encoding", DEFLATE, other));
    }
    let absent = |what: &str| refused(VerifyCode::Unsigned, "saml.signature.absent", what, "none");
    let signature = sent.value("Signature").ok_or_else(|| absent("Signature"))?;
    let signed_by = sent.raw("SigAlg").ok_or_else(|| absent("SigAlg"))?;
    let algorithm = decoded(signed_by);
    if !keys::allows(&algorithm, sha1) {
        let expected = "RSA or ECDSA with SHA-256 or better";
        return Err(refused(VerifyCode::Signature, "saml.signature.algorithm", expected, algorithm));
    }
    let relay_state = sent.raw("RelayState");
    let mut octets = format!("{}={message}", parameter.name());
    if let Some(state) = relay_state {
        octets = format!("{octets}&RelayState={state}");
    }
    octets = format!("{octets}&SigAlg={signed_by}");
    let value = chars::base64(&signature)
        .ok_or_else(|| refused(VerifyCode::Signature, "saml.signature.value", "base64", signature))?;
    keys.verify(&algorithm, octets.as_bytes(), &value)?;
    Ok(SignedQuery { parameter, packed: decoded(message), relay_state: relay_state.map(decoded) })
}

/// The SAML parameters of a query, their values still encoded.
struct Sent<'q>(Vec<(&'static str, &'q str)>);

impl<'q> Sent<'q> {
    /// Each parameter once, and its name in plain letters: two readers of one query must not be
    /// able to take two different values from it.
    fn read(raw_query: &'q str) -> Result<Self, VerifyError> {
        let mut found: Vec<(&'static str, &str)> = Vec::new();
        for (index, part) in raw_query.split('&').enumerate() {
            if index == MAX_PARAMETERS {
                let expected = format!("at most {MAX_PARAMETERS} parameters");
                return Err(malformed("saml.query.size", expected, "more"));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let plain = decoded(name);
            let Some(known) = PARAMETERS.into_iter().find(|known| *known == plain) else { continue };
            if name != known {
                return Err(malformed("saml.query.name", known, name));
            }
            if found.iter().any(|(name, _)| *name == known) {
                return Err(malformed("saml.query.repeated", format!("{known} once"), "more than once"));
            }
            found.push((known, value));
        }
        Ok(Self(found))
    }

    fn raw(&self, wanted: &str) -> Option<&'q str> {
        self.0.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value)
    }

    fn value(&self, wanted: &str) -> Option<String> {
        self.raw(wanted).map(decoded)
    }
}

/// An element in canonical form, as exclusive canonicalization without comments would write it
/// (no declaration but where it is used first, attributes in order, no empty-element tags), cut
/// where its signature belongs.
pub(crate) struct Canonical {
    /// Its `ID`.
    pub(crate) id: String,
    /// Up to where the signature goes.
    pub(crate) head: String,
    /// From there to the end.
    pub(crate) tail: String,
}

impl Canonical {
    /// The element without a signature.
    pub(crate) fn unsigned(self) -> String {
        self.head + &self.tail
    }

    /// The element with an enveloped signature in its place. `KeyInfo` holds the certificate: a
    /// hint, for the reader trusts metadata.
    pub(crate) fn signed(self, key: &SpKey) -> Result<String, SigningFailed> {
        let content = format!("{}{}", self.head, self.tail);
        let digest = base64(digest(&SHA256, content.as_bytes()).as_ref());
        let declaration = format!(" xmlns:ds=\"{DSIG}\"");
        // Canonical as an apex, it declares its prefix; within the signature that is in force.
        let value = base64(&key.sign(signed_info(&self.id, &digest, &declaration).as_bytes())?);
        Ok(format!(
            "{}<ds:Signature{declaration}>{}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo>\
             <ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>{}",
            self.head,
            signed_info(&self.id, &digest, ""),
            base64(key.certificate()),
            self.tail,
        ))
    }
}

fn signed_info(id: &str, digest: &str, declaration: &str) -> String {
    format!(
        "<ds:SignedInfo{declaration}>\
         <ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE_C14N}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"></ds:SignatureMethod>\
         <ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
         <ds:Transform Algorithm=\"{EXCLUSIVE_C14N}\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256_URI}\"></ds:DigestMethod>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
}

/// `name=value`, the value encoded. What it gives needs no further encoding in a query.
fn pair(name: &str, value: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    format!("{name}={encoded}")
}

/// The text that `raw`, a name or a value, stands for.
fn decoded(raw: &str) -> String {
    let unnamed = format!("={raw}");
    form_urlencoded::parse(unnamed.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

/// `value` as canonical XML writes it in an attribute.
pub(crate) fn attribute(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    escape_attribute(&mut out, value);
    out
}

/// `value` as canonical XML writes it between tags.
pub(crate) fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    escape_text(&mut out, value);
    out
}

fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
