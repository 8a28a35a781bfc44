//! From what the browser brought to XML that one of the provider's keys signed.

use url::form_urlencoded;

use super::PresentedLogout;
use crate::identity::saml::names::DSIG;
use crate::identity::saml::signature::Trusted;
use crate::identity::saml::sp::binding::Parameter;
use crate::identity::saml::sp::sign;
use crate::identity::saml::xml::{Limits, RESPONSE, chars, parse, read, scan};
use crate::identity::saml::{malformed, refused, structure};
use crate::identity::{VerifyCode, VerifyError};

/// A logout message has some 4 KiB with an enveloped signature, and 16 sessions fit as well.
pub(super) const LIMITS: Limits = Limits { bytes: 64 * 1024, ..RESPONSE };
/// Longer base64 can't hold an acceptable message, white space included.
const MAX_BASE64: usize = LIMITS.bytes / 2 * 3;
/// What we hand back to the provider with our answer. The bindings allow 80 bytes (3.4.3); some
/// providers put an address there.
const MAX_RELAY_STATE: usize = 1024;

/// A message whose signature held.
pub(super) struct Verified {
    /// Whether it asks or answers, by the name that it travelled under.
    pub(super) parameter: Parameter,
    /// The message, without a signature: exactly the bytes that were signed.
    pub(super) xml: String,
    /// `RelayState`. By POST nobody signs it (Bindings 3.5.3).
    pub(super) relay_state: Option<String>,
}

/// Verifies the signature of a message, whichever way it came.
pub(super) fn verified(
    presented: PresentedLogout<'_>,
    trusted: Trusted<'_>,
) -> Result<Verified, VerifyError> {
    let verified = match presented {
        PresentedLogout::Redirect(query) => by_redirect(query, trusted)?,
        PresentedLogout::Post(form) => by_post(form, trusted)?,
    };
    match verified.relay_state.as_ref().map(String::len).filter(|length| *length > MAX_RELAY_STATE) {
        None => Ok(verified),
        Some(length) => {
            let expected = format!("at most {MAX_RELAY_STATE} bytes");
            Err(malformed("saml.logout.relay-state", expected, length.to_string()))
        }
    }
}

fn by_redirect(query: &str, trusted: Trusted<'_>) -> Result<Verified, VerifyError> {
    let sign::SignedQuery { parameter, packed, relay_state } =
        sign::verify_query(query, trusted.keys, trusted.sha1)?;
    let deflated = decode(&packed)?;
    let inflated = miniz_oxide::inflate::decompress_to_vec_with_limit(&deflated, LIMITS.bytes);
    let document = inflated.map_err(|fault| {
        let expected = format!("a deflate stream of at most {} bytes inflated", LIMITS.bytes);
        malformed("saml.logout.deflate", expected, fault.to_string())
    })?;
    let xml = scan::scan(&document, &LIMITS)?.to_owned();
    if parse(&xml, &LIMITS)?.root()?.child(DSIG, "Signature").is_some() {
        let expected = "a signature in the query alone";
        return Err(malformed("saml.logout.signature-place", expected, "one in the message as well"));
    }
    Ok(Verified { parameter, xml, relay_state })
}

fn by_post(form: &[u8], trusted: Trusted<'_>) -> Result<Verified, VerifyError> {
    let Form { parameter, packed, relay_state } = Form::read(form)?;
    let document = decode(&packed)?;
    let tree = read(&document, &LIMITS)?;
    structure::identified(&tree)?;
    let root = tree.root()?;
    if root.children_named(DSIG, "Signature").count() > 1 {
        return Err(malformed("saml.signature.count", "at most one Signature", "several"));
    }
    let signature = structure::signature(root, trusted.sha1)?.ok_or_else(|| {
        refused(VerifyCode::Unsigned, "saml.signature.absent", "a signed message", "no signature")
    })?;
    Ok(Verified { parameter, xml: trusted.verify(&signature)?, relay_state })
}

/// The SAML fields of a form.
struct Form {
    parameter: Parameter,
    packed: String,
    relay_state: Option<String>,
}

impl Form {
    /// Each field once: two readers of one form must not be able to take two values from it.
    fn read(form: &[u8]) -> Result<Self, VerifyError> {
        let (mut request, mut response, mut relay_state) = (None, None, None);
        for (name, value) in form_urlencoded::parse(form) {
            let slot = match name.as_ref() {
                "SAMLRequest" => &mut request,
                "SAMLResponse" => &mut response,
                "RelayState" => &mut relay_state,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(malformed("saml.logout.form", format!("{name} once"), "more than once"));
            }
        }
        let (parameter, packed) = match (request, response) {
            (Some(request), None) => (Parameter::Request, request),
            (None, Some(response)) => (Parameter::Response, response),
            (seen, _) => {
                let seen = if seen.is_some() { "both" } else { "none" };
                return Err(malformed("saml.logout.form", "one of SAMLRequest and SAMLResponse", seen));
            }
        };
        Ok(Self { parameter, packed, relay_state })
    }
}

fn decode(packed: &str) -> Result<Vec<u8>, VerifyError> {
    if packed.len() > MAX_BASE64 {
        let expected = format!("at most {MAX_BASE64} characters");
        return Err(malformed("saml.logout.size", expected, packed.len().to_string()));
    }
    chars::base64(packed).ok_or_else(|| malformed("saml.logout.base64", "base64", chars::no_base64(packed)))
}
