//! XML signatures, in the one profile that SAML needs (SAML Core 5.4): enveloped, one
//! reference to the parent's ID, exclusive canonicalization.
//!
//! What is digested, and how, is taken from the canonical `SignedInfo` whose signature was
//! verified, not from the element that was parsed first.

use aws_lc_rs::digest;

use super::facts::Trace;
use super::facts::VerifiedSignature;
use super::keys::Keys;
use super::names::{DSIG, ENVELOPED, EXCLUSIVE_C14N};
use super::structure::{self, Signature};
use super::xml::tree::is_blank;
use super::xml::{Element, RESPONSE, canonicalize, chars, parse};
use super::{keys, malformed, refused};
use crate::identity::{VerifyCode, VerifyError, shortened};

/// A real list names one or two prefixes.
const MAX_LISTED_PREFIXES: usize = 16;

/// Whose signatures count.
#[derive(Clone, Copy)]
pub(super) struct Trusted<'a> {
    /// The keys of the provider's metadata.
    pub(super) keys: &'a Keys,
    /// Whether SHA-1 is borne.
    pub(super) sha1: bool,
    /// Where it is noted which certificate matched.
    pub(super) trace: &'a Trace,
}

impl Trusted<'_> {
    /// Verifies a signature and gives the canonical bytes of the element that it signs, without
    /// the signature itself. These bytes are all that anybody may read.
    pub(super) fn verify(self, signature: &Signature<'_, '_>) -> Result<String, VerifyError> {
        let claimed = &signature.claimed;
        let canonical = canonicalize(signature.info, None, &claimed.own_prefixes)?;
        let value = chars::base64(signature.value).ok_or_else(|| {
            refused(VerifyCode::Signature, "saml.signature.value", "base64", "something else")
        })?;
        let certificate = self
            .keys
            .verify(claimed.algorithm, canonical.as_bytes(), &value)
            .map_err(|refusal| self.hint(signature, refusal))?;

        let tree = parse(&canonical, &RESPONSE)?;
        let info = SignedInfo::read(tree.root()?, self.sha1)?;
        info.refers_to(signature.signed)?;
        let signed = canonicalize(signature.signed, Some(signature.element), &info.prefixes)?;
        if digest::digest(info.digest, signed.as_bytes()).as_ref() != info.digest_value {
            let (expected, seen) =
                ("the digest that was signed", "content that was changed after it was signed");
            return Err(refused(VerifyCode::Signature, "saml.signature.digest", expected, seen));
        }
        self.trace.passed("saml.signature", || {
            let signed = signature.signed.name().local;
            let algorithm = info.algorithm.rsplit_once('#').map_or(info.algorithm, |(_, name)| name);
            let by = format!("{} (SHA-256 {})", certificate.subject, certificate.fingerprint);
            (format!("{signed} signed by a key of the metadata"), format!("{algorithm} by {by}"))
        });
        self.trace.see(|facts| {
            let signed = signature.signed.name().local.to_owned();
            let fingerprint = certificate.fingerprint.clone();
            facts.verified.push(VerifiedSignature { signed, fingerprint });
        });
        Ok(signed)
    }

    /// Says of a signature by none of our keys which certificate it brought along: that it is
    /// unknown is the usual cause, and that it is known means that the bytes were changed.
    fn hint(self, signature: &Signature<'_, '_>, refusal: VerifyError) -> VerifyError {
        let data = signature.key_info.and_then(|info| info.child(DSIG, "X509Data"));
        let certificate = data.and_then(|data| data.child(DSIG, "X509Certificate"));
        let der = certificate.and_then(Element::text).and_then(chars::base64);
        let Some(der) = der.filter(|_| refusal.check() == "saml.signature.value") else { return refusal };
        let fingerprint = keys::fingerprint(&der);
        let is_known = self.keys.certificates().iter().any(|known| known.fingerprint == fingerprint);
        if !is_known {
            self.trace.see(|facts| facts.unknown_certificate = Some(fingerprint.clone()));
        }
        let seen = if is_known {
            format!("a wrong signature that names the known certificate SHA-256 {fingerprint}")
        } else {
            format!("one that names the certificate SHA-256 {fingerprint}, which the metadata does not have")
        };
        refused(refusal.code(), refusal.check(), refusal.expected(), seen)
    }
}

/// What a `ds:SignedInfo` says. Reading it is checking it: nothing that is not allowed fits in.
pub(super) struct SignedInfo<'t> {
    own_prefixes: Vec<&'t str>,
    algorithm: &'t str,
    uri: &'t str,
    prefixes: Vec<&'t str>,
    digest: &'static digest::Algorithm,
    digest_value: Vec<u8>,
}

impl<'t> SignedInfo<'t> {
    /// Reads a `ds:SignedInfo` by allow-list.
    pub(super) fn read(info: Element<'t, '_>, sha1: bool) -> Result<Self, VerifyError> {
        let references = info.children_named(DSIG, "Reference").count();
        if references != 1 {
            let seen = references.to_string();
            return Err(malformed("saml.signature.reference-count", "one Reference", seen));
        }
        let [method, algorithm, reference] =
            exactly(info, ["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
        let own_prefixes = canonicalization(method, "saml.signature.canonicalization")?;
        let algorithm = algorithm_of(algorithm)?;
        if !keys::allows(algorithm, sha1) {
            let expected = "RSA or ECDSA with SHA-256 or better";
            return Err(refused(VerifyCode::Signature, "saml.signature.algorithm", expected, algorithm));
        }
        let [transforms, digest, value] = exactly(reference, ["Transforms", "DigestMethod", "DigestValue"])?;
        let prefixes = read_transforms(transforms)?;
        let digest = algorithm_of(digest)?;
        let digest = keys::digest_of(digest, sha1).ok_or_else(|| {
            refused(VerifyCode::Signature, "saml.signature.digest-algorithm", "SHA-256 or better", digest)
        })?;
        let digest_value = value.text().and_then(chars::base64).ok_or_else(|| misshapen(value))?;
        let uri = reference.attribute("URI").unwrap_or_default();
        Ok(Self { own_prefixes, algorithm, uri, prefixes, digest, digest_value })
    }

    /// Whether the reference is to `parent`, by its ID.
    pub(super) fn refers_to(&self, parent: Element<'_, '_>) -> Result<(), VerifyError> {
        let id = structure::id(parent)?;
        if self.uri.strip_prefix('#') == Some(id) {
            return Ok(());
        }
        Err(malformed("saml.signature.reference-uri", shortened(format!("#{id}")), self.uri))
    }
}

/// The children of `parent`, which must be these of XML-DSig, in this order, and no text.
fn exactly<'t, 'x, const N: usize>(
    parent: Element<'t, 'x>,
    wanted: [&str; N],
) -> Result<[Element<'t, 'x>; N], VerifyError> {
    let found: Vec<_> = parent.children().collect();
    let fits = found.len() == N && found.iter().zip(wanted).all(|(child, name)| child.is(DSIG, name));
    if !fits || parent.has_text() {
        return Err(misshapen(parent));
    }
    found.try_into().map_err(|_| misshapen(parent))
}

/// The algorithm of a method that takes no parameters.
fn algorithm_of<'t>(method: Element<'t, '_>) -> Result<&'t str, VerifyError> {
    match (method.attribute("Algorithm"), method.text()) {
        (Some(algorithm), Some(text)) if text.trim_ascii().is_empty() => Ok(algorithm),
        _ => Err(misshapen(method)),
    }
}

/// Exactly two: leave the signature out, then canonicalize. Gives the `PrefixList`.
fn read_transforms<'t>(transforms: Element<'t, '_>) -> Result<Vec<&'t str>, VerifyError> {
    const CHECK: &str = "saml.signature.transforms";
    let found: Vec<_> = transforms.children().collect();
    let [enveloped, canonical] = found[..] else {
        return Err(malformed(CHECK, "two transforms", found.len().to_string()));
    };
    let known = [enveloped, canonical].iter().all(|transform| transform.is(DSIG, "Transform"));
    let algorithm = enveloped.attribute("Algorithm").unwrap_or_default();
    if !known || transforms.has_text() || algorithm != ENVELOPED || enveloped.text() != Some("") {
        return Err(malformed(CHECK, ENVELOPED, algorithm));
    }
    canonicalization(canonical, CHECK)
}

/// The `PrefixList` of a method or transform that must be exclusive canonicalization.
fn canonicalization<'t>(method: Element<'t, '_>, check: &'static str) -> Result<Vec<&'t str>, VerifyError> {
    let algorithm = method.attribute("Algorithm").unwrap_or_default();
    if algorithm != EXCLUSIVE_C14N || method.has_text() {
        return Err(malformed(check, EXCLUSIVE_C14N, algorithm));
    }
    let mut children = method.children();
    let is_list = |only: Element<'_, '_>| {
        only.is(EXCLUSIVE_C14N, "InclusiveNamespaces") && only.text().is_some_and(is_blank)
    };
    let list = match (children.next(), children.next()) {
        (None, _) => return Ok(Vec::new()),
        (Some(only), None) if is_list(only) => only.attribute("PrefixList"),
        _ => return Err(malformed(check, "at most InclusiveNamespaces", "other parameters")),
    };
    let listed = list.unwrap_or_default().split_ascii_whitespace();
    let prefixes: Vec<_> = listed.map(|prefix| if prefix == "#default" { "" } else { prefix }).collect();
    if prefixes.len() > MAX_LISTED_PREFIXES {
        return Err(malformed(check, format!("at most {MAX_LISTED_PREFIXES} prefixes"), "more"));
    }
    Ok(prefixes)
}

fn misshapen(element: Element<'_, '_>) -> VerifyError {
    malformed("saml.signature.structure", "the elements of XML-DSig, each once", element.name().local)
}
