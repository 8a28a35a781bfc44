//! The shape of an encrypted element (XML-Enc 1.1, 3): an allow-list, like `structure`'s.
//!
//! There is one `EncryptedData`, and its key is wrapped within its `KeyInfo`, beside it, or
//! beside it and pointed at. Whom a key is for, and which key of ours unwraps it, is not read:
//! all are tried. `EncryptionProperties` are refused because nobody sends them and nothing that
//! they may say can be heeded.

use aws_lc_rs::rsa::OaepAlgorithm;

use super::MAX_CIPHERTEXT;
use super::algorithms::{self, Cipher};
use crate::identity::VerifyError;
use crate::identity::saml::malformed;
use crate::identity::saml::names::{DSIG, XMLENC, XMLENC11};
use crate::identity::saml::xml::chars;
use crate::identity::saml::xml::tree::{Element, is_blank};

/// An `EncryptedData` stands for an element.
const ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
/// A `RetrievalMethod` leads to an `EncryptedKey`.
const ENCRYPTED_KEY: &str = "http://www.w3.org/2001/04/xmlenc#EncryptedKey";
/// Wrapped keys: one for each of the keys that we may have. Anybody may send them, and each costs an
/// RSA operation for each key of ours.
const MAX_KEYS: usize = 2;

/// What an encrypted element is made of.
pub(super) struct Parts {
    pub(super) cipher: Cipher,
    pub(super) ciphertext: Vec<u8>,
    /// At least one.
    pub(super) keys: Vec<WrappedKey>,
}

/// A content key, encrypted to somebody.
pub(super) struct WrappedKey {
    pub(super) oaep: &'static OaepAlgorithm,
    pub(super) ciphertext: Vec<u8>,
}

/// The children of `EncryptedData` or `EncryptedKey` that are read.
struct Encrypted<'t, 'x> {
    method: Element<'t, 'x>,
    key_info: Option<Element<'t, 'x>>,
    cipher_data: Element<'t, 'x>,
}

/// Reads what stands in `EncryptedAssertion` or its like.
pub(super) fn read(encrypted: Element<'_, '_>) -> Result<Parts, VerifyError> {
    census(encrypted, encrypted)?;
    let mut children = encrypted.children();
    let Some(data) = children.next().filter(|first| first.is(XMLENC, "EncryptedData")) else {
        return Err(misshapen(encrypted));
    };
    let beside: Vec<_> = children.collect();
    if encrypted.has_text() || !beside.iter().all(|key| key.is(XMLENC, "EncryptedKey")) {
        return Err(misshapen(encrypted));
    }
    represents(data, ELEMENT)?;
    let parts = Encrypted::of(data, &[])?;
    let cipher = cipher(parts.method)?;
    let ciphertext = cipher_value(parts.cipher_data)?;
    if !cipher.admits(ciphertext.len()) {
        let seen = format!("{} bytes", ciphertext.len());
        return Err(malformed("saml.encryption.length", "a whole ciphertext", seen));
    }
    let keys = wrapped_keys(parts.key_info, beside)?;
    Ok(Parts { cipher, ciphertext, keys })
}

/// Looks at every element within, read or not: what is known by its name may stand in its place
/// only, and there is one `EncryptedData`. Goes no deeper than `scan` let the document be.
fn census(encrypted: Element<'_, '_>, parent: Element<'_, '_>) -> Result<(), VerifyError> {
    let at_top = parent.same_as(encrypted);
    if at_top && parent.children_named(XMLENC, "EncryptedData").count() > 1 {
        return Err(malformed("saml.encryption.data-count", "one EncryptedData", "several"));
    }
    let of_data = parent.parent().is_some_and(|around| around.is(XMLENC, "EncryptedData"));
    let holds_keys = at_top || (of_data && parent.is(DSIG, "KeyInfo"));
    for child in parent.children() {
        match (child.name().namespace, child.name().local) {
            (XMLENC, "EncryptedData") if !at_top => {
                return Err(malformed("saml.encryption.place", "EncryptedData in its place", "elsewhere"));
            }
            (XMLENC, "EncryptedKey") if !holds_keys => {
                return Err(malformed("saml.encryption.place", "EncryptedKey in its place", "elsewhere"));
            }
            (XMLENC, "CipherReference") => {
                let seen = child.attribute("URI").unwrap_or_default();
                return Err(malformed("saml.encryption.reference", "CipherValue", seen));
            }
            _ => census(encrypted, child)?,
        }
    }
    Ok(())
}

impl<'t, 'x> Encrypted<'t, 'x> {
    /// Behind the parts `unread` ones may follow, each once and in this order.
    fn of(element: Element<'t, 'x>, unread: &[&str]) -> Result<Self, VerifyError> {
        let mut children = element.children().peekable();
        let method = children.next_if(|child| child.is(XMLENC, "EncryptionMethod"));
        let key_info = children.next_if(|child| child.is(DSIG, "KeyInfo"));
        let cipher_data = children.next_if(|child| child.is(XMLENC, "CipherData"));
        for hint in unread {
            children.next_if(|child| child.is(XMLENC, hint));
        }
        let (Some(method), Some(cipher_data), None) = (method, cipher_data, children.next()) else {
            return Err(misshapen(element));
        };
        if element.has_text() {
            return Err(misshapen(element));
        }
        Ok(Self { method, key_info, cipher_data })
    }
}

/// The attributes: the plaintext must be `kind`, as XML, and not encoded further. One that is
/// not known might say otherwise.
fn represents(element: Element<'_, '_>, kind: &str) -> Result<(), VerifyError> {
    for attribute in element.attributes() {
        let value = attribute.value.as_ref();
        let (check, expected) = match (attribute.name.prefix, attribute.name.local) {
            ("", "Id" | "Recipient") => continue,
            ("", "Type") if value == kind => continue,
            ("", "MimeType") if matches!(value, "text/xml" | "application/xml") => continue,
            ("", "Type") => ("saml.encryption.type", kind),
            ("", "MimeType") => ("saml.encryption.mime-type", "text/xml, or none"),
            ("", "Encoding") => ("saml.encryption.encoding", "none"),
            (_, unknown) => {
                return Err(malformed("saml.encryption.attribute", "attributes that are known", unknown));
            }
        };
        return Err(malformed(check, expected, value));
    }
    Ok(())
}

/// How data is encrypted. A `KeySize` may say once more what the algorithm says.
fn cipher(method: Element<'_, '_>) -> Result<Cipher, VerifyError> {
    let uri = method.attribute("Algorithm").unwrap_or_default();
    let cipher = Cipher::named(uri);
    let cipher = cipher.ok_or_else(|| malformed("saml.encryption.algorithm", "AES-GCM or AES-CBC", uri))?;
    let mut children = method.children();
    if let Some(size) = children.next() {
        let bits = (cipher.key_length() * 8).to_string();
        let seen = size.text().filter(|_| size.is(XMLENC, "KeySize"));
        let seen = seen.ok_or_else(|| misshapen(method))?.trim_ascii();
        if seen != bits {
            return Err(malformed("saml.encryption.key-size", bits, seen));
        }
    }
    if children.next().is_some() || method.has_text() {
        return Err(misshapen(method));
    }
    Ok(cipher)
}

/// The octets of a `CipherData`.
fn cipher_value(data: Element<'_, '_>) -> Result<Vec<u8>, VerifyError> {
    let mut children = data.children();
    let value = children.next().filter(|value| value.is(XMLENC, "CipherValue"));
    let (Some(value), None, false) = (value, children.next(), data.has_text()) else {
        return Err(misshapen(data));
    };
    let text = value.text().ok_or_else(|| misshapen(value))?;
    if text.len() > MAX_CIPHERTEXT {
        let (expected, seen) =
            (format!("at most {MAX_CIPHERTEXT} characters"), format!("{} characters", text.len()));
        return Err(malformed("saml.encryption.size", expected, seen));
    }
    chars::base64(text).ok_or_else(|| malformed("saml.encryption.base64", "base64", "something else"))
}

/// Every key that is wrapped within `key_info` or stands `beside` the data. Where one fits
/// nothing that is allowed, none is used: whoever encrypts to several recipients may be expected
/// to do it in one way.
fn wrapped_keys(
    key_info: Option<Element<'_, '_>>,
    beside: Vec<Element<'_, '_>>,
) -> Result<Vec<WrappedKey>, VerifyError> {
    let mut found = Vec::new();
    for child in key_info.into_iter().flat_map(Element::children) {
        match (child.name().namespace, child.name().local) {
            (XMLENC, "EncryptedKey") => found.push(child),
            (DSIG, "RetrievalMethod") => leads_to(child, &beside)?,
            // They name a key, and bring none.
            (DSIG, "KeyName" | "X509Data") => {}
            (_, other) => {
                return Err(malformed("saml.encryption.key-info", "EncryptedKey or RetrievalMethod", other));
            }
        }
    }
    if key_info.is_some_and(Element::has_text) {
        return Err(malformed("saml.encryption.key-info", "no text between elements", "text"));
    }
    found.extend(beside);
    if found.is_empty() {
        return Err(malformed("saml.encryption.key-missing", "an EncryptedKey", "none"));
    }
    if found.len() > MAX_KEYS {
        let (expected, seen) = (format!("at most {MAX_KEYS} EncryptedKeys"), found.len().to_string());
        return Err(malformed("saml.encryption.key-count", expected, seen));
    }
    found.into_iter().map(wrapped_key).collect()
}

/// Whether a `RetrievalMethod` is to a key of this very assertion. Nothing is looked up by it.
fn leads_to(method: Element<'_, '_>, beside: &[Element<'_, '_>]) -> Result<(), VerifyError> {
    let uri = method.attribute("URI").unwrap_or_default();
    let here = uri
        .strip_prefix('#')
        .is_some_and(|id| chars::is_ncname(id) && beside.iter().any(|key| key.attribute("Id") == Some(id)));
    let kind = method.attribute("Type").is_none_or(|kind| kind == ENCRYPTED_KEY);
    if here && kind && method.text().is_some_and(is_blank) {
        return Ok(());
    }
    Err(malformed("saml.encryption.key-reference", "an EncryptedKey beside the data", uri))
}

fn wrapped_key(element: Element<'_, '_>) -> Result<WrappedKey, VerifyError> {
    represents(element, ENCRYPTED_KEY)?;
    let parts = Encrypted::of(element, &["ReferenceList", "CarriedKeyName"])?;
    let oaep = key_transport(parts.method)?;
    Ok(WrappedKey { oaep, ciphertext: cipher_value(parts.cipher_data)? })
}

/// How a content key is wrapped.
fn key_transport(method: Element<'_, '_>) -> Result<&'static OaepAlgorithm, VerifyError> {
    let (mut digest, mut mask, mut label) = (None, None, None);
    for child in method.children() {
        let (place, value) = match (child.name().namespace, child.name().local) {
            (DSIG, "DigestMethod") => (&mut digest, child.attribute("Algorithm")),
            (XMLENC11, "MGF") => (&mut mask, child.attribute("Algorithm")),
            (XMLENC, "OAEPparams") => (&mut label, child.text()),
            _ => return Err(misshapen(method)),
        };
        let parameterless = child.name().local == "OAEPparams" || child.text().is_some_and(is_blank);
        if !parameterless || value.is_none() || place.is_some() {
            return Err(misshapen(method));
        }
        *place = value;
    }
    if method.has_text() {
        return Err(misshapen(method));
    }
    let oaep = algorithms::oaep(method.attribute("Algorithm").unwrap_or_default(), digest, mask)?;
    match label.filter(|label| !is_blank(label)) {
        Some(label) => Err(malformed("saml.encryption.oaep-params", "no OAEPparams", label)),
        None => Ok(oaep),
    }
}

fn misshapen(element: Element<'_, '_>) -> VerifyError {
    malformed("saml.encryption.structure", "the elements of XML-Enc, each once", element.name().local)
}
