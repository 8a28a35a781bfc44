//! One response, from base64 to a [`FederatedIdentity`]: the stages in their order.

use super::conditions::Rules;
use super::encryption::Recipient;
use super::facts::Claims;
use super::facts::{Explanation, Trace};
use super::metadata::Metadata;
use super::names::{ASSERTION, PROTOCOL, SUCCESS};
use super::signature::Trusted;
use super::sp::keys::SpKey;
use super::structure::Shape;
use super::xml::{Element, RESPONSE, Tree, chars, parse, read, scan};
use super::{Expect, SamlProvider, aliases, claims, malformed, refused, session, structure};
use crate::clock::Moment;
use crate::identity::{
    FederatedIdentity, Login, OneTime, Protocol, ProviderSession, Verified, VerifyCode, VerifyError,
};

/// Longer text can't decode to an acceptable response, white space included.
const MAX_BASE64: usize = RESPONSE.bytes / 2 * 3;

impl SamlProvider {
    /// Verifies the base64 of a whole `samlp:Response`. Replay is not looked at here: the
    /// caller claims [`FederatedIdentity::one_time`].
    pub fn verify(
        &self,
        response_base64: &str,
        expect: Expect<'_>,
        at: Moment,
    ) -> Result<FederatedIdentity, VerifyError> {
        self.examine(response_base64, expect, at, &Trace::off())
    }

    /// Does what [`SamlProvider::verify`] does, and tells every check on the way. It looks beyond
    /// refusals that do not decide what may be read, and its answer is the first of them.
    pub fn explain(&self, response_base64: &str, expect: Expect<'_>, at: Moment) -> Explanation {
        let trace = Trace::on();
        let ended = self.examine(response_base64, expect, at, &trace);
        let first = trace.verdict();
        let (steps, facts) = trace.told(ended.as_ref().err());
        Explanation { steps, facts, identity: first.and(ended) }
    }

    fn examine(
        &self,
        response_base64: &str,
        expect: Expect<'_>,
        at: Moment,
        trace: &Trace,
    ) -> Result<FederatedIdentity, VerifyError> {
        // One copy from here to the end, whatever a refresh brings meanwhile.
        let metadata = self.metadata.usable(at)?;
        let issuer = metadata.entity_id.as_str();
        let rules = Rules { settings: &self.settings, issuer, expect, at, trace };
        let authentic = self.authenticated(response_base64, &metadata, &rules)?;
        let tree = parse(authentic.bytes(), &RESPONSE)?;
        let assertion = authentic.assertion(&tree)?;
        let terms = rules.check_assertion(assertion)?;
        let (subject, subject_type) = claims::subject(assertion)?;
        trace.passed("saml.name-id", || ("one NameID with its Format".to_owned(), subject_type.clone()));
        let attributes = claims::attributes(assertion)?;
        let aliases = aliases::of(assertion, &attributes);
        trace.see(|facts| {
            let (subject, subject_type) = (subject.clone(), subject_type.clone());
            let (attributes, aliases) = (attributes.clone(), aliases.clone());
            facts.claims = Some(Claims { subject, subject_type, attributes, aliases, asserted: None });
        });
        let asserted = claims::asserted(&attributes, assertion)?;
        trace.passed("saml.attribute", || claims::counted(&attributes));
        trace.see(|facts| facts.asserted(&asserted));
        let id = assertion.attribute("ID").unwrap_or_default();
        let session = session::of_assertion(assertion)?;
        let marks = session.marks(&self.settings.arn, issuer, &self.settings.entity_id);
        trace.verdict()?;
        Ok(FederatedIdentity::new(Verified {
            protocol: Protocol::Saml,
            provider: self.settings.arn.clone(),
            provider_name: self.settings.name.clone(),
            issuer: issuer.to_owned(),
            subject,
            subject_type: Some(subject_type),
            audience: terms.recipient.to_owned(),
            by_access_token: false,
            attributes,
            aliases,
            claims: None,
            authn: terms.authn,
            session_ends: terms.session_ends,
            one_time: Some(OneTime::new(issuer, id, terms.until).only_once(terms.only_once)),
            login: Some(Login { marks, session: ProviderSession::Saml(session), asserted_at: terms.issued }),
            asserted,
        }))
    }

    /// What may be read, once every signature holds. Nothing else of the response leaves this
    /// function.
    fn authenticated(
        &self,
        response_base64: &str,
        metadata: &Metadata,
        rules: &Rules<'_>,
    ) -> Result<Authentic, VerifyError> {
        let accept = self.settings.accept;
        let trusted = Trusted { keys: &metadata.keys, sha1: accept.sha1, trace: rules.trace };
        let document = decode(response_base64)?;
        rules.trace.see(|facts| facts.bytes = Some(document.len()));
        let tree = read(&document, &RESPONSE)?;
        rules.trace.passed("saml.xml", || scan::passed(document.len()));
        rules.trace.see(|facts| facts.of_response(&tree));
        let shape = structure::response(&tree, accept)?;
        rules.trace.passed("saml.structure", || shape.told());
        let signed = shape.signature.as_ref().map(|signature| trusted.verify(signature)).transpose()?;
        let decrypted = self.open(&shape, signed.as_deref(), rules)?;
        let is_vouched_for = signed.is_some() && accept.signed_response;
        if let Some(plaintext) = decrypted {
            let tree = read(plaintext.as_bytes(), &RESPONSE)?;
            rules.trace.see(|facts| facts.of_assertion(&tree));
            return match structure::assertion(&tree, accept)?.signature {
                Some(signature) => trusted.verify(&signature).map(Authentic::Assertion),
                None if is_vouched_for => Ok(Authentic::Assertion(plaintext)),
                None => Err(unsigned(signed.is_some())),
            };
        }
        match (shape.assertion.and_then(|assertion| assertion.signature), signed) {
            (Some(signature), _) => trusted.verify(&signature).map(Authentic::Assertion),
            (None, Some(response)) if is_vouched_for => Ok(Authentic::Response(response)),
            (None, signed) => Err(unsigned(signed.is_some())),
        }
    }

    /// Checks the envelope, and decrypts the assertion if it is encrypted; both by the signed
    /// bytes where the response is signed.
    fn open(
        &self,
        shape: &Shape<'_, '_>,
        signed: Option<&str>,
        rules: &Rules<'_>,
    ) -> Result<Option<String>, VerifyError> {
        let tree = signed.map(|canonical| parse(canonical, &RESPONSE)).transpose()?;
        let response = tree.as_ref().map_or(Ok(shape.response), |tree| tree.root())?;
        structure::status(response)?;
        rules.trace.passed("saml.status", || (SUCCESS.to_owned(), SUCCESS.to_owned()));
        rules.check_response(response)?;
        if shape.assertion.is_none() {
            let (cbc, trace) = (self.settings.accept.aes_cbc, rules.trace);
            let keys: Vec<_> = self.settings.sp.keys.iter().map(SpKey::decryption).collect();
            let us = Recipient { keys: &keys, cbc, authenticated: signed.is_some(), trace };
            return us.decrypt(structure::only_body(response)?).map(Some);
        }
        if self.settings.must_be_encrypted {
            return Err(malformed("saml.encryption.required", "an encrypted assertion", "one in clear"));
        }
        Ok(None)
    }
}

/// Bytes that the provider vouches for.
enum Authentic {
    /// Of an assertion.
    Assertion(String),
    /// Of a response around an assertion.
    Response(String),
}

impl Authentic {
    fn bytes(&self) -> &str {
        match self {
            Self::Assertion(bytes) | Self::Response(bytes) => bytes,
        }
    }

    /// The assertion in the tree of these bytes.
    fn assertion<'t, 'x>(&self, tree: &'t Tree<'x>) -> Result<Element<'t, 'x>, VerifyError> {
        match self {
            Self::Assertion(_) => tree.root(),
            Self::Response(_) => structure::only_body(tree.root()?),
        }
    }
}

/// The issuer that a response names, to choose a provider by. Anybody can write it: what it
/// says is worth nothing until that provider's [`SamlProvider::verify`] agrees.
pub fn unverified_issuer(response_base64: &str) -> Result<String, VerifyError> {
    let document = decode(response_base64)?;
    let tree = read(&document, &RESPONSE)?;
    let response = tree.root()?;
    if !response.is(PROTOCOL, "Response") {
        return Err(malformed("saml.structure.root", "samlp:Response", response.name().local));
    }
    // Where the assertion is encrypted, the response's own issuer is all there is.
    let assertion = response.child(ASSERTION, "Assertion").unwrap_or(response);
    let issuer = assertion.child(ASSERTION, "Issuer").and_then(Element::text).map(str::trim_ascii);
    let issuer = issuer.filter(|issuer| !issuer.is_empty());
    issuer.map(str::to_owned).ok_or_else(|| malformed("saml.issuer.missing", "Issuer", "none"))
}

pub(super) fn decode(response_base64: &str) -> Result<Vec<u8>, VerifyError> {
    if response_base64.len() > MAX_BASE64 {
        let (expected, seen) =
            (format!("at most {MAX_BASE64} characters"), response_base64.len().to_string());
        return Err(malformed("saml.size", expected, seen));
    }
    chars::base64(response_base64)
        .ok_or_else(|| malformed("saml.base64", "base64", chars::no_base64(response_base64)))
}

fn unsigned(response_is_signed: bool) -> VerifyError {
    let seen = if response_is_signed { "a signed Response only" } else { "no signature" };
    refused(VerifyCode::Unsigned, "saml.signature.absent", "a signed assertion", seen)
}
