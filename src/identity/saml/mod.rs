//! SAML 2.0 responses, verified by a profile that is strict on purpose (facts 2.2, and the
//! faults that broke others).
//!
//! The load-bearing rule: **claims are read only from the canonical bytes whose digest was
//! verified.** A response is scanned as bytes, parsed once, held against an allow-list, and
//! canonicalized; when the signature fits, the first parse is dropped and the canonical bytes
//! are parsed anew. A fault in parser or canonicalization can refuse a good document; it can't
//! make anybody read an unsigned one. (Where a provider's `accept` bears it, what was decrypted
//! from a ciphertext that stands in such bytes is believed like the bytes.)
//!
//! The order of the files is the order of the work: `scan` → `parse` → `structure` → `c14n`
//! and `signature` by `keys` → `conditions` → `claims`; `trace` and `facts` take notes for `explain`.
//! `encryption` opens an assertion that is encrypted, which then takes the way from `scan` on.
//! `metadata` and `sp_metadata` are what the two sides tell each other beforehand.
//!
//! What we send ourselves begins in `request`, is signed in `sign` with a key of `sp_keys`, and
//! leaves by `binding`.

mod aliases;
#[allow(dead_code)] // Until logout answers.
mod binding;
mod c14n;
mod chars;
mod claims;
mod conditions;
mod encryption;
mod facts;
mod keys;
mod logout;
mod metadata;
mod names;
mod parse;
mod request;
mod scan;
mod session;
mod settings;
mod sign;
mod signature;
mod sp_keys;
mod sp_metadata;
mod structure;
mod trace;
mod tree;

use std::sync::Arc;

pub use self::binding::{Binding, Form, Outbound};
pub(crate) use self::chars::{escape_attribute, escape_text};
use self::conditions::Rules;
use self::encryption::Recipient;
pub use self::facts::{ClaimedSignature, Claims, Facts, Part, VerifiedSignature, unverified_facts};
pub use self::keys::Certificate;
pub use self::logout::{LogoutMessage, LogoutRequest, LogoutStart, LogoutStatus, PresentedLogout};
use self::metadata::{Live, Metadata, Source};
pub use self::metadata::{MetadataError, MetadataState, MetadataTerms, MetadataUrl, Refreshed};
use self::names::{ASSERTION, PROTOCOL};
use self::parse::parse;
use self::request::Question;
pub use self::request::{LoginRequest, RequestFault, SpSettings};
use self::scan::RESPONSE;
pub use self::settings::{Accept, Answer, Expect, SamlSettings};
use self::signature::Trusted;
pub use self::sp_keys::{SigningFailed, SpKey, SpKeyFault, SpKeys};
use self::structure::Shape;
use self::trace::Trace;
pub use self::trace::{Explanation, Outcome, Step};
use self::tree::{Element, Tree};
use super::{FederatedIdentity, Login, OneTime, Protocol, Verified, VerifyCode, VerifyError};
use crate::clock::Moment;
use crate::entropy::Entropy;

/// Longer text can't decode to an acceptable response, white space included.
const MAX_BASE64: usize = RESPONSE.bytes / 2 * 3;

/// The compiled verifier of one identity provider's responses.
#[derive(Debug)]
pub struct SamlProvider {
    settings: SamlSettings,
    metadata: Arc<Live>,
    source: Arc<Source>,
}

impl SamlProvider {
    /// A provider from its metadata, which must be valid at `at` and does not change.
    pub fn new(settings: SamlSettings, metadata_xml: &[u8], at: Moment) -> Result<Self, MetadataError> {
        let metadata = Live::given(metadata_xml, at)?;
        Ok(Self { settings, metadata: Arc::new(metadata), source: Arc::new(Source::Given) })
    }

    /// The provider's entity id, as its assertions name it. Unknown until metadata was fetched,
    /// where the configuration does not name it; then it never changes.
    pub fn issuer(&self) -> Option<&str> {
        self.metadata.entity_id()
    }

    /// What it was made with.
    pub const fn settings(&self) -> &SamlSettings {
        &self.settings
    }

    /// Until when its metadata may be used, if the metadata says so.
    pub fn valid_until(&self) -> Option<Moment> {
        self.metadata.current()?.valid_until
    }

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
            attributes,
            aliases,
            claims: None,
            session_ends: terms.session_ends,
            one_time: Some(OneTime::new(issuer, id, terms.until).only_once(terms.only_once)),
            login: Some(Login { marks, session, asserted_at: terms.issued }),
            asserted,
        }))
    }

    /// A login request to the provider, to be answered at `acs_url`; signed where the settings say
    /// so. `relay_state` comes back with the answer, and has at most 80 bytes.
    pub fn login_request(
        &self,
        acs_url: &str,
        relay_state: Option<&str>,
        entropy: &dyn Entropy,
        at: Moment,
    ) -> Result<LoginRequest, RequestFault> {
        let metadata = self.metadata.usable(at);
        let metadata = metadata.map_err(|error| RequestFault::NoMetadata(Box::new(error)))?;
        let question = Question { settings: &self.settings, acs_url, relay_state };
        question.ask(&metadata, entropy, at)
    }

    /// Whether the provider takes login requests as the settings want to send them, as far as its
    /// metadata is known.
    pub fn offers_login(&self) -> Result<(), RequestFault> {
        let Some(metadata) = self.metadata.current() else { return Ok(()) };
        request::chosen(&metadata, self.settings.sp.request_binding).map(|_| ())
    }

    /// Whether the provider is known to want login requests signed.
    pub fn wants_signed_requests(&self) -> bool {
        self.metadata.current().is_some_and(|metadata| metadata.want_authn_requests_signed)
    }

    /// Our metadata for the provider's administrator.
    pub fn sp_metadata(&self) -> String {
        sp_metadata::plain(&self.settings)
    }

    /// Our metadata with a signature by our first key, good for two weeks from the day of `at`;
    /// `None` without a key.
    pub fn signed_sp_metadata(&self, at: Moment) -> Result<Option<String>, SigningFailed> {
        let key = self.settings.sp.keys.signer();
        key.map(|key| sp_metadata::signed(&self.settings, key, at)).transpose()
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
        let tree = parse(scan::scan(&document, &RESPONSE)?, &RESPONSE)?;
        rules.trace.passed("saml.xml", || scan::passed(document.len()));
        rules.trace.see(|facts| facts.of_response(&tree));
        let shape = structure::response(&tree, accept)?;
        rules.trace.passed("saml.structure", || shape.told());
        let signed = shape.signature.as_ref().map(|signature| trusted.verify(signature)).transpose()?;
        let decrypted = self.open(&shape, signed.as_deref(), rules)?;
        let is_vouched_for = signed.is_some() && accept.signed_response;
        if let Some(plaintext) = decrypted {
            let tree = parse(scan::scan(plaintext.as_bytes(), &RESPONSE)?, &RESPONSE)?;
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
        rules.trace.passed("saml.status", || (names::SUCCESS.to_owned(), names::SUCCESS.to_owned()));
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
    let tree = parse(scan::scan(&document, &RESPONSE)?, &RESPONSE)?;
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

/// Inner parts, opened for `fuzz/` alone.
#[cfg(fuzzing)]
pub mod fuzzing {
    use super::{RESPONSE, c14n, parse, scan};

    /// The exclusive canonical form of a document's root, if the document is accepted.
    pub fn canonical(document: &[u8]) -> Option<String> {
        let tree = parse(scan::scan(document, &RESPONSE).ok()?, &RESPONSE).ok()?;
        c14n::canonicalize(tree.root().ok()?, None, &[]).ok()
    }
}

fn decode(response_base64: &str) -> Result<Vec<u8>, VerifyError> {
    if response_base64.len() > MAX_BASE64 {
        let (expected, seen) =
            (format!("at most {MAX_BASE64} characters"), response_base64.len().to_string());
        return Err(malformed("saml.size", expected, seen));
    }
    chars::base64(response_base64).ok_or_else(|| malformed("saml.base64", "base64", "something else"))
}

fn unsigned(response_is_signed: bool) -> VerifyError {
    let seen = if response_is_signed { "a signed Response only" } else { "no signature" };
    refused(VerifyCode::Unsigned, "saml.signature.absent", "a signed assertion", seen)
}

fn malformed(check: &'static str, expected: impl Into<String>, seen: impl Into<String>) -> VerifyError {
    VerifyError::new(VerifyCode::Malformed, check, expected, seen)
}

fn refused(
    code: VerifyCode,
    check: &'static str,
    expected: impl Into<String>,
    seen: impl Into<String>,
) -> VerifyError {
    VerifyError::new(code, check, expected, seen)
}
