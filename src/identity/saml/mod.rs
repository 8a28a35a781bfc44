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
//! and `signature` by `keys` → `conditions` → `claims`. `metadata` and `sp_metadata` are what
//! the two sides tell each other beforehand.
//!
//! What we send ourselves begins in `request`, is signed in `sign` with a key of `sp_keys`, and
//! leaves by `binding`.

#[allow(dead_code)] // Until logout answers.
mod binding;
mod c14n;
mod chars;
mod claims;
mod conditions;
mod keys;
mod logout;
mod metadata;
mod names;
mod parse;
mod request;
mod scan;
mod session;
mod sign;
mod signature;
#[allow(dead_code)] // Until something is decrypted.
mod sp_keys;
mod sp_metadata;
mod structure;
mod tree;

use std::time::Duration;

pub use self::binding::{Binding, Form, Outbound};
pub(crate) use self::chars::{escape_attribute, escape_text};
use self::conditions::Rules;
pub use self::logout::{LogoutMessage, LogoutRequest, LogoutStart, LogoutStatus, PresentedLogout};
use self::metadata::Metadata;
pub use self::metadata::MetadataError;
use self::names::{ASSERTION, PROTOCOL};
use self::parse::parse;
use self::request::Question;
pub use self::request::{LoginRequest, RequestFault, SpSettings};
pub use self::sp_keys::{SigningFailed, SpKey, SpKeyFault, SpKeys};
use super::{FederatedIdentity, Login, OneTime, Protocol, Verified, VerifyCode, VerifyError};
use crate::arn::ProviderArn;
use crate::clock::Moment;
use crate::entropy::Entropy;

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
    /// Every assertion consumer URL of ours for this provider, compared exactly. The first is the
    /// one that our metadata recommends.
    pub recipients: Vec<String>,
    /// How far its clock and ours may differ.
    pub clock_skew: Duration,
    /// How old an assertion may be, by its `IssueInstant`, when it is used.
    pub max_age: Duration,
    /// Our side: keys, and how a login is asked for.
    pub sp: SpSettings,
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
        self.check_metadata(at)?;
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

    /// A login request to the provider, to be answered at `acs_url`; signed where the settings say
    /// so. `relay_state` comes back with the answer, and has at most 80 bytes.
    pub fn login_request(
        &self,
        acs_url: &str,
        relay_state: Option<&str>,
        entropy: &dyn Entropy,
        at: Moment,
    ) -> Result<LoginRequest, RequestFault> {
        let settings = &self.settings.sp;
        let question = Question { entity_id: &self.settings.entity_id, acs_url, relay_state, settings };
        question.ask(&self.metadata, entropy, at)
    }

    /// Whether the provider takes login requests as the settings want to send them.
    pub fn offers_login(&self) -> Result<(), RequestFault> {
        request::chosen(&self.metadata, self.settings.sp.request_binding).map(|_| ())
    }

    /// Whether the provider says that it wants login requests signed.
    pub const fn wants_signed_requests(&self) -> bool {
        self.metadata.want_authn_requests_signed
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

    /// Whether the keys of the metadata still count.
    fn check_metadata(&self, at: Moment) -> Result<(), VerifyError> {
        let Some(until) = self.valid_until().filter(|until| *until <= at) else { return Ok(()) };
        let (code, check) = (VerifyCode::KeysUnavailable, "saml.metadata-expired");
        Err(refused(code, check, format!("metadata valid at {at}"), until.to_string()))
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
