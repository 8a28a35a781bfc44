//! Reads and verifies an `AuthnRequest` of the broker: by the HTTP-Redirect binding with a
//! signature beside it, or by HTTP-POST with one inside it (SAML Bindings 3.4, 3.5).
//!
//! It shares nothing with `identity::saml`, so each is a check of the other. It knows what a
//! canonical message with one signature looks like and takes no other, which is enough for the
//! one service provider that it serves.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64_simd::STANDARD as BASE64;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use url::form_urlencoded;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::saml::signed_info;

/// Size that a request may have.
const MAX_BYTES: usize = 64 * 1024;
/// The one signature algorithm.
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

const UNREADABLE: &str = "This is not a readable SAML message.";
const UNSIGNED: &str = "The message is not signed. This provider takes signed ones only.";
const FORGED: &str = "The message's signature is not one of the broker's.";

/// What was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AuthnRequest {
    /// Its id, which the answer repeats as `InResponseTo`.
    pub(crate) id: String,
    /// Who asks, by entity id.
    pub(crate) issuer: String,
    /// Where the answer is wanted, if it says so.
    pub(crate) acs: Option<String>,
}

/// The key that signs the broker's requests.
pub(crate) struct RequestKey(UnparsedPublicKey<Vec<u8>>);

impl RequestKey {
    /// The key of a DER certificate.
    pub(crate) fn of(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let key = certificate.public_key().subject_public_key.data.to_vec();
        Some(Self(UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)))
    }

    fn made(&self, signature: &str, message: &str) -> bool {
        let signature = BASE64.decode_to_vec(signature);
        signature.is_ok_and(|signature| self.0.verify(message.as_bytes(), &signature).is_ok())
    }
}

impl AuthnRequest {
    /// From a query as it arrived. Gives `RelayState` along.
    pub(crate) fn by_redirect(query: &str, key: &RequestKey) -> Result<(Self, Option<String>), &'static str> {
        let (xml, relay_state) = redirected(query, "SAMLRequest", key)?;
        Ok((Self::read(&xml).ok_or(UNREADABLE)?, relay_state))
    }

    /// From the field `SAMLRequest` of a form. The rest of the message is canonical as it stands,
    /// so its digest is that of the text without the signature.
    pub(crate) fn by_post(packed: &str, key: &RequestKey) -> Result<Self, &'static str> {
        let xml = Some(packed).filter(|packed| packed.len() <= MAX_BYTES);
        let xml = xml.and_then(|packed| BASE64.decode_to_vec(packed).ok());
        let xml = xml.and_then(|xml| String::from_utf8(xml).ok()).ok_or(UNREADABLE)?;
        let request = Self::read(&xml).ok_or(UNREADABLE)?;
        let (head, rest) = xml.split_once("<ds:Signature ").ok_or(UNSIGNED)?;
        let (signature, tail) = rest.split_once("</ds:Signature>").ok_or(UNREADABLE)?;
        let content = format!("{head}{tail}");
        let value = signature.split_once("<ds:SignatureValue>").and_then(|(_, rest)| rest.split_once('<'));
        let (value, _) = value.ok_or(UNREADABLE)?;
        let info = signed_info(&request.id, digest(&SHA256, content.as_bytes()).as_ref());
        if content.contains("<ds:") || !head.ends_with("</saml:Issuer>") || !key.made(value, &info) {
            return Err(FORGED);
        }
        Self::read(&content).filter(|signed| *signed == request).ok_or(FORGED)
    }

    /// The first element's attributes and its first child's text.
    fn read(xml: &str) -> Option<Self> {
        let mut reader = Reader::from_str(xml);
        let (id, acs) = loop {
            match reader.read_event().ok()? {
                Event::Start(root) if root.local_name().as_ref() == b"AuthnRequest" => {
                    break (attribute(&root, "ID")?, attribute(&root, "AssertionConsumerServiceURL"));
                }
                Event::Decl(_) => {}
                _ => return None,
            }
        };
        let Event::Start(issuer) = reader.read_event().ok()? else { return None };
        let Event::Text(text) = reader.read_event().ok()? else { return None };
        let issuer = (issuer.local_name().as_ref() == b"Issuer").then(|| text.decode().ok())??;
        Some(Self { id: Some(id).filter(|id| is_id(id))?, issuer: issuer.into_owned(), acs })
    }
}

/// The text of the message called `parameter` in a query as it arrived, and `RelayState`. The
/// signature is over the query's octets (SAML Bindings 3.4.4.1), which the broker sends in the
/// order that is signed.
pub(super) fn redirected(
    query: &str,
    parameter: &str,
    key: &RequestKey,
) -> Result<(String, Option<String>), &'static str> {
    let value = |name: &str| {
        let found = form_urlencoded::parse(query.as_bytes()).find(|(found, _)| found == name);
        found.map(|(_, value)| value.into_owned())
    };
    let packed = value(parameter).ok_or(UNREADABLE)?;
    let (signed, _) = query.split_once("&Signature=").ok_or(UNSIGNED)?;
    let signature = value("Signature").ok_or(UNSIGNED)?;
    let alone = [parameter, "RelayState", "SigAlg", "Signature"]
        .iter()
        .all(|name| form_urlencoded::parse(query.as_bytes()).filter(|(found, _)| found == name).count() <= 1);
    if !alone || value("SigAlg").as_deref() != Some(RSA_SHA256) || !key.made(&signature, signed) {
        return Err(FORGED);
    }
    let deflated = BASE64.decode_to_vec(packed).map_err(|_| UNREADABLE)?;
    let xml = miniz_oxide::inflate::decompress_to_vec_with_limit(&deflated, MAX_BYTES);
    let xml = xml.ok().and_then(|xml| String::from_utf8(xml).ok()).ok_or(UNREADABLE)?;
    let relay_state = form_urlencoded::parse(signed.as_bytes()).find(|(name, _)| name == "RelayState");
    Ok((xml, relay_state.map(|(_, state)| state.into_owned())))
}

pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.try_get_attribute(name).ok()??;
    String::from_utf8(found.value.into_owned()).ok()
}

/// An `xs:ID` of ASCII characters, short enough to send back.
pub(super) fn is_id(text: &str) -> bool {
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts_well && text.len() <= 200 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

#[cfg(test)]
#[path = "authn_request_tests.rs"]
mod tests;
