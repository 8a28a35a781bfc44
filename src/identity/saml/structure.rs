//! The shape that a response must have before any cryptography looks at it: an allow-list.
//!
//! Signature wrapping needs a second element where the verifier or the reader might look. Here
//! is one assertion, one place for each signature, one reference from it to its own parent, and
//! every id once; whatever is known by its name must stand where it belongs.

use super::names::{ASSERTION, DSIG, PROTOCOL, SUCCESS};
use super::signature::SignedInfo;
use super::xml::chars;
use super::xml::tree::{Element, Name, Tree};
use super::{Accept, malformed, refused};
use crate::identity::{VerifyCode, VerifyError};

/// The parts of a well-shaped response.
pub(super) struct Shape<'t, 'x> {
    /// `samlp:Response`.
    pub(super) response: Element<'t, 'x>,
    /// How the response is signed, if it is.
    pub(super) signature: Option<Signature<'t, 'x>>,
    /// Its one assertion; `None` where it is encrypted.
    pub(super) assertion: Option<Assertion<'t, 'x>>,
}

impl Shape<'_, '_> {
    /// What was wanted of the structure, and what stands where.
    pub(super) fn told(&self) -> (String, String) {
        let said = |is_signed| if is_signed { "signed" } else { "not signed" };
        let assertion = self.assertion.as_ref();
        let assertion = assertion.map_or("encrypted", |assertion| said(assertion.signature.is_some()));
        let seen = format!("Response {}, Assertion {assertion}", said(self.signature.is_some()));
        ("one assertion, every signature and ID in its place".to_owned(), seen)
    }
}

/// A well-shaped assertion.
pub(super) struct Assertion<'t, 'x> {
    /// How it is signed itself, if it is.
    pub(super) signature: Option<Signature<'t, 'x>>,
}

/// A signature in its place, with algorithms that are allowed.
pub(super) struct Signature<'t, 'x> {
    /// What it signs: its parent.
    pub(super) signed: Element<'t, 'x>,
    /// `ds:Signature`.
    pub(super) element: Element<'t, 'x>,
    /// `ds:SignedInfo`.
    pub(super) info: Element<'t, 'x>,
    /// What it says, which is worth nothing until the signature over it holds.
    pub(super) claimed: SignedInfo<'t>,
    /// The text of `ds:SignatureValue`.
    pub(super) value: &'t str,
    /// `ds:KeyInfo`: what the signer says of its key, which nobody believes.
    pub(super) key_info: Option<Element<'t, 'x>>,
}

/// Checks a whole response.
pub(super) fn response<'t, 'x>(tree: &'t Tree<'x>, accept: Accept) -> Result<Shape<'t, 'x>, VerifyError> {
    let response = tree.root()?;
    if !response.is(PROTOCOL, "Response") {
        return Err(malformed("saml.structure.root", "samlp:Response", response.name().local));
    }
    versioned(response)?;
    status(response)?;
    census(tree)?;
    let body = only_body(response)?;
    identified(tree)?;
    ordered(response, response_child)?;
    let signature = signature(response, accept.sha1)?;
    let is_clear = body.is(ASSERTION, "Assertion");
    let assertion = is_clear.then(|| well_shaped(body, accept)).transpose()?;
    Ok(Shape { response, signature, assertion })
}

/// Checks an assertion that is a document of its own: what came out of an encrypted one.
pub(super) fn assertion<'t, 'x>(
    tree: &'t Tree<'x>,
    accept: Accept,
) -> Result<Assertion<'t, 'x>, VerifyError> {
    let assertion = tree.root()?;
    if !assertion.is(ASSERTION, "Assertion") {
        return Err(malformed("saml.encryption.content", "saml:Assertion", assertion.name().local));
    }
    census(tree)?;
    identified(tree)?;
    well_shaped(assertion, accept)
}

/// The one assertion, in clear or encrypted, of a response.
pub(super) fn only_body<'t, 'x>(response: Element<'t, 'x>) -> Result<Element<'t, 'x>, VerifyError> {
    let is_body = |child: &Element<'_, '_>| {
        matches!(child.name().local, "Assertion" | "EncryptedAssertion")
            && child.name().namespace == ASSERTION
    };
    let mut found = response.children().filter(is_body);
    match (found.next(), found.next()) {
        (Some(body), None) => Ok(body),
        (None, _) => Err(malformed("saml.structure.assertion-count", "one Assertion", "none")),
        _ => Err(malformed("saml.structure.assertion-count", "one Assertion", "several")),
    }
}

fn well_shaped<'t, 'x>(assertion: Element<'t, 'x>, accept: Accept) -> Result<Assertion<'t, 'x>, VerifyError> {
    versioned(assertion)?;
    id(assertion)?;
    ordered(assertion, assertion_child)?;
    Ok(Assertion { signature: signature(assertion, accept.sha1)? })
}

/// Where a child of the response stands in its schema. Extensions are not known.
fn response_child(child: Name<'_>) -> Option<u8> {
    match (child.namespace, child.local) {
        (ASSERTION, "Issuer") => Some(1),
        (DSIG, "Signature") => Some(2),
        (PROTOCOL, "Status") => Some(3),
        (ASSERTION, "Assertion" | "EncryptedAssertion") => Some(4),
        _ => None,
    }
}

/// Where a child of the assertion stands in its schema.
fn assertion_child(child: Name<'_>) -> Option<u8> {
    match (child.namespace, child.local) {
        (ASSERTION, "Issuer") => Some(1),
        (DSIG, "Signature") => Some(2),
        (ASSERTION, "Subject") => Some(3),
        (ASSERTION, "Conditions") => Some(4),
        (ASSERTION, "Advice") => Some(5),
        (ASSERTION, "AuthnStatement" | "AttributeStatement") => Some(REPEATED),
        _ => None,
    }
}

/// The rank of those children of which there may be several.
pub(super) const REPEATED: u8 = 6;

fn versioned(element: Element<'_, '_>) -> Result<(), VerifyError> {
    match element.attribute("Version") {
        Some("2.0") => Ok(()),
        other => Err(malformed("saml.structure.version", "2.0", other.unwrap_or("none"))),
    }
}

/// Whether the provider reports success. A response that reports a failure has no assertion, so
/// this comes before looking for one.
pub(super) fn status(response: Element<'_, '_>) -> Result<(), VerifyError> {
    let mut found = response.children_named(PROTOCOL, "Status");
    let (Some(status), None) = (found.next(), found.next()) else {
        return Err(malformed("saml.structure.status", "one Status", "none or several"));
    };
    let mut codes = status.children_named(PROTOCOL, "StatusCode");
    let (code, None) = (codes.next(), codes.next()) else {
        return Err(malformed("saml.structure.status", "one StatusCode", "several"));
    };
    let value = |code: Option<Element<'_, '_>>| code?.attribute("Value").map(str::to_owned);
    match value(code) {
        Some(code) if code == SUCCESS => Ok(()),
        Some(main) => {
            let detail = value(code.and_then(|code| code.child(PROTOCOL, "StatusCode"))).unwrap_or_default();
            let message = status.child(PROTOCOL, "StatusMessage").and_then(Element::text).unwrap_or_default();
            let seen = format!("{main} {detail} {message}");
            Err(refused(VerifyCode::ProviderRefused, "saml.status", SUCCESS, seen.trim_end()))
        }
        None => Err(malformed("saml.structure.status", "a StatusCode with a Value", "none")),
    }
}

/// Looks at every element: what is known by its name may stand in its place only. An assertion
/// is the root or stands in the root response; a signature stands in one of these two.
fn census(tree: &Tree<'_>) -> Result<(), VerifyError> {
    for element in tree.elements() {
        let name = element.name();
        match name.local {
            "Assertion" | "EncryptedAssertion" if name.namespace == ASSERTION => {
                let around = element.parent();
                if around.is_some_and(|around| around.parent().is_some() || !around.is(PROTOCOL, "Response"))
                {
                    return Err(malformed("saml.structure.assertion-place", "in the Response", "elsewhere"));
                }
            }
            "Response" if name.namespace == PROTOCOL && element.parent().is_some() => {
                return Err(malformed("saml.structure.response-place", "the root", "elsewhere"));
            }
            "Signature" if name.namespace == DSIG => {
                let may_be_signed = |around: Element<'_, '_>| {
                    around.is(PROTOCOL, "Response") || around.is(ASSERTION, "Assertion")
                };
                if !element.parent().is_some_and(may_be_signed) {
                    return Err(malformed("saml.signature.place", "in Response or Assertion", "elsewhere"));
                }
            }
            "EncryptedID" | "EncryptedAttribute" if name.namespace == ASSERTION => {
                let expected = "a subject and attributes in clear, or the whole assertion encrypted";
                return Err(malformed("saml.encrypted", expected, name.local));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The ID of what is signed or claimed by it: a name without a colon.
pub(super) fn id<'t>(element: Element<'t, '_>) -> Result<&'t str, VerifyError> {
    let id = element.attribute("ID").filter(|id| chars::is_ncname(id));
    id.ok_or_else(|| malformed("saml.structure.id", "an ID", element.name().local))
}

/// Ids are un-namespaced and unique over the whole document, whoever's attribute it is.
pub(super) fn identified(tree: &Tree<'_>) -> Result<(), VerifyError> {
    let mut ids = Vec::new();
    for attribute in tree.elements().flat_map(Element::attributes) {
        if !attribute.name.local.eq_ignore_ascii_case("id") {
            continue;
        }
        if !attribute.name.prefix.is_empty() {
            return Err(malformed("saml.structure.id-namespace", "ID without prefix", attribute.name.prefix));
        }
        ids.push(attribute.value.as_ref());
    }
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twins) => Err(malformed("saml.structure.id-unique", "every ID once", twins[0])),
        None => Ok(()),
    }
}

/// A name as it is said to people: one that looks known may be of another namespace.
fn whole(name: Name<'_>) -> String {
    let Name { namespace, local, .. } = name;
    if namespace.is_empty() { format!("{local} of no namespace") } else { format!("{local} of {namespace}") }
}

/// Children in the order of their schema, each once unless its rank is [`REPEATED`], and no text.
pub(super) fn ordered(parent: Element<'_, '_>, rank: fn(Name<'_>) -> Option<u8>) -> Result<(), VerifyError> {
    if parent.has_text() {
        return Err(malformed("saml.structure.text", "no text between elements", parent.name().local));
    }
    let mut last = 0;
    for child in parent.children() {
        let name = child.name();
        let Some(this) = rank(name) else {
            return Err(malformed("saml.structure.child", "elements that are known", whole(name)));
        };
        if this == last && name.namespace == DSIG {
            return Err(malformed("saml.signature.count", "at most one Signature", "several"));
        }
        if this < last || (this == last && this != REPEATED) {
            return Err(malformed("saml.structure.order", "children in order, each once", name.local));
        }
        last = this;
    }
    Ok(())
}

/// The signature that is a child of `parent` and refers to it, if there is one.
pub(super) fn signature<'t, 'x>(
    parent: Element<'t, 'x>,
    sha1: bool,
) -> Result<Option<Signature<'t, 'x>>, VerifyError> {
    let Some(element) = parent.child(DSIG, "Signature") else { return Ok(None) };
    let mut children = element.children();
    let (info, value, key) = (children.next(), children.next(), children.next());
    let (Some(info), Some(value)) = (info, value) else { return Err(misshapen(element)) };
    let in_order = info.is(DSIG, "SignedInfo")
        && value.is(DSIG, "SignatureValue")
        && key.is_none_or(|key| key.is(DSIG, "KeyInfo"));
    if !in_order || children.next().is_some() || element.has_text() {
        return Err(misshapen(element));
    }
    let value = value.text().ok_or_else(|| misshapen(value))?;
    let claimed = SignedInfo::read(info, sha1)?;
    claimed.refers_to(parent)?;
    Ok(Some(Signature { signed: parent, element, info, claimed, value, key_info: key }))
}

fn misshapen(element: Element<'_, '_>) -> VerifyError {
    let expected = "SignedInfo, SignatureValue and perhaps KeyInfo";
    malformed("saml.signature.structure", expected, element.name().local)
}
