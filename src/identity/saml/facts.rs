//! What a response says of itself, noted for `explain`. Nobody decides anything by it: until its
//! signature holds it is anybody's word. The one exception is [`Claims`], which are read from
//! verified bytes alone.

use std::collections::BTreeMap;

use super::names::{ASSERTION, DSIG};
use super::verify::decode;

use super::xml::{Element, RESPONSE, Tree, read};
use crate::clock::Moment;
use crate::identity::Asserted;

/// What an explanation of a response notes.
pub(super) type Trace = crate::identity::trace::Trace<Facts>;
/// What an explanation of a response found.
pub(super) type Explanation = crate::identity::Explanation<Facts>;

/// What a response says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Bytes of the decoded document.
    pub bytes: Option<usize>,
    /// The envelope.
    pub response: Option<Part>,
    /// The assertion; where it is encrypted, what came out of it, if that could be had.
    pub assertion: Option<Part>,
    /// Whether the assertion came encrypted.
    pub is_encrypted: bool,
    /// The signatures that hold, in the order they were verified.
    pub verified: Vec<VerifiedSignature>,
    /// SHA-256 of the certificate that a signature by none of the provider's keys names, if the
    /// metadata does not have it.
    pub unknown_certificate: Option<String>,
    /// What the signed bytes say of the person, also where a check refuses the document.
    pub claims: Option<Claims>,
}

/// A response or an assertion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// `ID`
    pub id: Option<String>,
    /// `Issuer`
    pub issuer: Option<String>,
    /// `IssueInstant`, if it can be read.
    pub issued: Option<Moment>,
    /// `InResponseTo`; an assertion has it in its subject confirmation.
    pub in_response_to: Option<String>,
    /// The signature that stands in it.
    pub signature: Option<ClaimedSignature>,
}

/// What a signature says of itself: URIs of algorithms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimedSignature {
    /// Of the signature.
    pub algorithm: Option<String>,
    /// Of the digest.
    pub digest: Option<String>,
}

/// A signature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// What it signs: `Response` or `Assertion`.
    pub signed: String,
    /// SHA-256 of the certificate of the key that made it.
    pub fingerprint: String,
}

/// What the signed bytes say of the person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The `NameID`.
    pub subject: String,
    /// Its format as AWS reports it.
    pub subject_type: String,
    /// Every attribute with all its values.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// Their short names, as `FederatedIdentity::aliases` has them.
    pub aliases: BTreeMap<String, Option<String>>,
    /// Those that AWS defines, as they are understood; `None` where one is malformed.
    pub asserted: Option<Asserted>,
}

/// What a response says of itself, whoever may have written it; as far as it can be read.
pub fn unverified_facts(response_base64: &str) -> Facts {
    let mut facts = Facts::default();
    let Ok(document) = decode(response_base64) else { return facts };
    facts.bytes = Some(document.len());
    if let Ok(tree) = read(&document, &RESPONSE) {
        facts.of_response(&tree);
    }
    facts
}

impl Facts {
    /// Looks at the whole document as it arrived.
    pub(super) fn of_response(&mut self, tree: &Tree<'_>) {
        let Ok(response) = tree.root() else { return };
        let answers = response.attribute("InResponseTo");
        self.response = Some(part(response, answers));
        self.is_encrypted = response.child(ASSERTION, "EncryptedAssertion").is_some();
        self.assertion = response.child(ASSERTION, "Assertion").map(assertion);
    }

    /// Notes what was understood of the attributes that AWS defines.
    pub(super) fn asserted(&mut self, asserted: &Asserted) {
        if let Some(claims) = &mut self.claims {
            claims.asserted = Some(asserted.clone());
        }
    }

    /// Looks at an assertion that was decrypted.
    pub(super) fn of_assertion(&mut self, tree: &Tree<'_>) {
        self.assertion = tree.root().ok().map(assertion);
    }
}

fn assertion(element: Element<'_, '_>) -> Part {
    let confirmation = element.child(ASSERTION, "Subject").and_then(|subject| {
        subject.child(ASSERTION, "SubjectConfirmation")?.child(ASSERTION, "SubjectConfirmationData")
    });
    part(element, confirmation.and_then(|data| data.attribute("InResponseTo")))
}

fn part(element: Element<'_, '_>, answers: Option<&str>) -> Part {
    let issuer = element.child(ASSERTION, "Issuer").and_then(Element::text);
    Part {
        id: element.attribute("ID").map(str::to_owned),
        issuer: issuer.map(|issuer| issuer.trim_ascii().to_owned()),
        issued: element.attribute("IssueInstant").and_then(Moment::parse_rfc3339),
        in_response_to: answers.map(str::to_owned),
        signature: element.child(DSIG, "Signature").map(signature),
    }
}

fn signature(element: Element<'_, '_>) -> ClaimedSignature {
    let algorithm = |method: Element<'_, '_>| method.attribute("Algorithm").map(str::to_owned);
    let info = element.child(DSIG, "SignedInfo");
    let reference = info.and_then(|info| info.child(DSIG, "Reference"));
    ClaimedSignature {
        algorithm: info.and_then(|info| info.child(DSIG, "SignatureMethod")).and_then(algorithm),
        digest: reference.and_then(|reference| reference.child(DSIG, "DigestMethod")).and_then(algorithm),
    }
}
