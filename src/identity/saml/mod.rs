//! SAML 2.0 responses, verified by a profile that is strict on purpose (facts 2.2, and the
//! faults that broke others).
//!
//! The load-bearing rule: **claims are read only from the canonical bytes whose digest was
//! verified.** A response is scanned as bytes, parsed once, held against an allow-list, and
//! canonicalized; when the signature fits, the first parse is dropped and the canonical bytes
//! are parsed anew. A fault in parser or canonicalization can refuse a good document; it can't
//! make anybody read an unsigned one.
//!
//! The order of the files is the order of the work: `scan` → `parse` → `structure` → `c14n`
//! and `signature` by `keys` → `conditions` → `claims`. `metadata` and `request` are what the
//! two sides tell each other beforehand.

mod c14n;
mod chars;
mod claims;
mod conditions;
mod keys;
mod metadata;
mod names;
mod parse;
mod request;
mod scan;
mod session;
mod sign;
mod signature;
mod sp_keys;
mod structure;
mod tree;

use std::time::Duration;

pub(crate) use self::chars::{escape_attribute, escape_text};
use self::conditions::Rules;
use self::metadata::Metadata;
pub use self::metadata::MetadataError;
use self::names::{ASSERTION, PROTOCOL};
use self::parse::parse;
pub use self::request::LoginRequest;
pub use self::sp_keys::{SigningFailed, SpKey, SpKeyFault, SpKeys};
use super::{FederatedIdentity, Login, OneTime, Protocol, Verified, VerifyCode, VerifyError};
use crate::arn::ProviderArn;
use crate::clock::Moment;
use crate::entropy::{Entropy, NoEntropy};

/// Longer text can't decode to an acceptable response, white space included.
const MAX_BASE64: usize = scan::RESPONSE.bytes / 2 * 3;

/// What we know about a provider that is not in its metadata.
#[derive(Debug, Clone)]
pub struct SamlSettings {
    /// The provider's ARN.
    pub arn: ProviderArn,
    /// Its name in the configuration.
    pub name: String,
    /// Our own entity id towards it.
    pub entity_id: String,
    /// Audiences that mean us, compared exactly.
    pub audiences: Vec<String>,
    /// Every assertion consumer URL of ours for this provider, compared exactly.
    pub recipients: Vec<String>,
    /// How far its clock and ours may differ.
    pub clock_skew: Duration,
    /// How old an assertion may be, by its `IssueInstant`, when it is used.
    pub max_age: Duration,
}

/// What the place where a response arrived expects of it.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// Exactly this consumer URL, or with `None` any of [`SamlSettings::recipients`] (the STS
    /// API has no URL of its own).
    pub recipient: Option<&'a str>,
    /// The question that is answered.
    pub in_response_to: Answer<'a>,
}

/// Which `InResponseTo` is acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The id of the request that was sent.
    To(&'a str),
    /// None: nobody asked.
    Unsolicited,
    /// Not looked at: the STS API does not know who asked.
    Any,
}

/// The compiled verifier of one identity provider's responses.
#[derive(Debug)]
pub struct SamlProvider {
    settings: SamlSettings,
    metadata: Metadata,
}

impl SamlProvider {
    /// A provider from its metadata, which must be valid at `at`.
    pub fn new(settings: SamlSettings, metadata_xml: &[u8], at: Moment) -> Result<Self, MetadataError> {
        Ok(Self { settings, metadata: Metadata::read(metadata_xml, at)? })
    }

    /// The provider's entity id, as its assertions name it.
    pub fn issuer(&self) -> &str {
        &self.metadata.entity_id
    }

    /// What it was made with.
    pub const fn settings(&self) -> &SamlSettings {
        &self.settings
    }

    /// Until when its metadata may be used, if the metadata says so.
    pub const fn valid_until(&self) -> Option<Moment> {
        self.metadata.valid_until
    }

    /// Verifies the base64 of a whole `samlp:Response`. Replay is not looked at here: the
    /// caller claims [`FederatedIdentity::one_time`].
    pub fn verify(
        &self,
        response_base64: &str,
        expect: Expect<'_>,
        at: Moment,
    ) -> Result<FederatedIdentity, VerifyError> {
        if let Some(until) = self.valid_until().filter(|until| *until <= at) {
            let (code, check) = (VerifyCode::KeysUnavailable, "saml.metadata-expired");
            return Err(refused(code, check, format!("metadata valid at {at}"), until.to_string()));
        }
        let rules = Rules { settings: &self.settings, issuer: self.issuer(), expect, at };
        let assertion = self.authenticated(response_base64, &rules)?;
        let tree = parse(&assertion)?;
        let assertion = tree.root()?;
        let terms = rules.check_assertion(assertion)?;
        let (subject, subject_type) = claims::subject(assertion)?;
        let attributes = claims::attributes(assertion)?;
        let asserted = claims::asserted(&attributes, assertion)?;
        let id = assertion.attribute("ID").unwrap_or_default();
        let session = session::of_assertion(assertion)?;
        let marks = session.marks(&self.settings.arn, self.issuer(), &self.settings.entity_id);
        Ok(FederatedIdentity::new(Verified {
            protocol: Protocol::Saml,
            provider: self.settings.arn.clone(),
            provider_name: self.settings.name.clone(),
            issuer: self.issuer().to_owned(),
            subject,
            subject_type: Some(subject_type),
            audience: terms.recipient.to_owned(),
            attributes,
            claims: None,
            session_ends: terms.session_ends,
            one_time: Some(OneTime::new(self.issuer(), id, terms.until)),
            login: Some(Login { marks, session, asserted_at: terms.issued }),
            asserted,
        }))
    }

    /// A login request to the provider, unsigned, to be answered at `acs_url`.
    pub fn login_request(
        &self,
        acs_url: &str,
        relay_state: Option<&str>,
        entropy: &dyn Entropy,
        at: Moment,
    ) -> Result<LoginRequest, NoEntropy> {
        let login_url = &self.metadata.login_url;
        request::login(login_url, &self.settings.entity_id, acs_url, relay_state, (entropy, at))
    }

    /// Our metadata for the provider's administrator.
    pub fn sp_metadata(&self, acs_url: &str) -> String {
        request::sp_metadata(&self.settings.entity_id, acs_url)
    }

    /// The canonical bytes of the assertion, once every signature on them holds. Nothing else
    /// of the response leaves this function.
    fn authenticated(&self, response_base64: &str, rules: &Rules<'_>) -> Result<String, VerifyError> {
        let document = decode(response_base64)?;
        let tree = parse(scan::scan(&document, &scan::RESPONSE)?)?;
        let shape = structure::check(&tree)?;
        if let Some(signature) = &shape.response_signature {
            let response = signature::verify(signature, &self.metadata.keys)?;
            let response = parse(&response)?;
            structure::status(response.root()?)?;
            rules.check_response(response.root()?)?;
        } else {
            rules.check_response(shape.response)?;
        }
        signature::verify(&shape.assertion_signature, &self.metadata.keys)
    }
}

/// The issuer that a response names, to choose a provider by. Anybody can write it: what it
/// says is worth nothing until that provider's [`SamlProvider::verify`] agrees.
pub fn unverified_issuer(response_base64: &str) -> Result<String, VerifyError> {
    let document = decode(response_base64)?;
    let tree = parse(scan::scan(&document, &scan::RESPONSE)?)?;
    let response = tree.root()?;
    if !response.is(PROTOCOL, "Response") {
        return Err(malformed("saml.structure.root", "samlp:Response", response.name().local));
    }
    let assertion = response.child(ASSERTION, "Assertion").unwrap_or(response);
    let issuer = assertion.child(ASSERTION, "Issuer").and_then(tree::Element::text).map(str::trim_ascii);
    let issuer = issuer.filter(|issuer| !issuer.is_empty());
    issuer.map(str::to_owned).ok_or_else(|| malformed("saml.issuer.missing", "Issuer", "none"))
}

fn decode(response_base64: &str) -> Result<Vec<u8>, VerifyError> {
    if response_base64.len() > MAX_BASE64 {
        let (expected, seen) =
            (format!("at most {MAX_BASE64} characters"), response_base64.len().to_string());
        return Err(malformed("saml.size", expected, seen));
    }
    chars::base64(response_base64).ok_or_else(|| malformed("saml.base64", "base64", "something else"))
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
