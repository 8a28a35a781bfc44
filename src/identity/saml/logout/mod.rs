//! Single logout (SAML Core 3.7, Profiles 4.4): the messages by which either side ends a login,
//! through the browser, by Redirect or by POST (Bindings 3.4, 3.5).
//!
//! Every message is signed, theirs and ours: an unsigned `LogoutRequest` would let anybody sign
//! anybody out. As with responses, **what is read is read from the bytes that were verified**: by
//! Redirect the octets of the query, by POST the canonical bytes of the message. Whether a request
//! was here before is not looked at: the caller claims [`LogoutRequest::one_time`].
//!
//! `unpack` is from what the browser brought to verified XML, `check` from there to what it says,
//! `write` is our own messages.

mod check;
mod unpack;
mod write;

use std::sync::Arc;

use super::facts::Trace;
use super::metadata::{Metadata, ResponseLocation};
use super::signature::Trusted;
use super::{SamlProvider, VerifyCode, VerifyError, refused};
use crate::clock::Moment;
use crate::entropy::Entropy;
use crate::identity::saml::sp::binding::{Message, Outbound, Parameter};
use crate::identity::saml::sp::keys::SpKey;
use crate::identity::saml::sp::request::{RequestFault, fresh_id};
use crate::identity::{LoginMarks, OneTime, SamlSession};

/// A logout message as the browser brought it.
#[derive(Debug, Clone, Copy)]
pub enum PresentedLogout<'a> {
    /// By HTTP-Redirect: the query as it arrived, not decoded.
    Redirect(&'a str),
    /// By HTTP-POST: the form as it arrived, not decoded.
    Post(&'a [u8]),
}

/// A logout message that the provider signed, for us and for now.
#[derive(Debug)]
pub enum LogoutMessage {
    /// The provider ends a login.
    Request(Box<LogoutRequest>),
    /// The provider says how the logout went that we asked for.
    Response(LogoutStatus),
}

/// A verified `LogoutRequest`. Made here alone.
#[derive(Debug)]
pub struct LogoutRequest {
    id: String,
    issued: Moment,
    session: SamlSession,
    marks: LoginMarks,
    one_time: OneTime,
    relay_state: Option<String>,
}

impl LogoutRequest {
    /// Whose login it ends, as the provider names it.
    pub const fn session(&self) -> &SamlSession {
        &self.session
    }

    /// The same as marks: [`LoginMarks::ended`] are those that it ends.
    pub const fn marks(&self) -> &LoginMarks {
        &self.marks
    }

    /// When it was issued, by the provider's clock. Assertions that are older are over, too (Core
    /// 3.7.3.1).
    pub const fn issued(&self) -> Moment {
        self.issued
    }

    /// How it is claimed, so that a copy can't end what was opened later.
    pub const fn one_time(&self) -> OneTime {
        self.one_time
    }
}

/// How a logout went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoutStatus {
    /// Everywhere.
    Success,
    /// Not everywhere: some other service provider could not be reached or refused (Core 3.2.2.2,
    /// `PartialLogout`).
    Partial,
    /// It did not; what the provider says about it, cut to what a log line bears.
    Failed(String),
}

/// A `LogoutRequest` of ours that a browser is about to be sent on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutStart {
    /// What the response must answer.
    pub id: String,
    /// What the browser must do.
    pub outbound: Outbound,
}

impl SamlProvider {
    /// Whether logouts are possible: every message must be signed, so only with a key of ours.
    pub fn offers_logout(&self) -> bool {
        self.settings.sp.slo_url.is_some() && !self.settings.sp.keys.is_empty()
    }

    /// Scheme and authority of where requests of ours go, if there is such a place.
    pub fn logout_origin(&self, at: Moment) -> Option<String> {
        let (_, metadata) = self.logout_means(at)?;
        Some(service(&metadata)?.requests.origin())
    }

    /// Verifies a message that arrived at our single logout service. `awaited` is the id of the
    /// request that this browser was sent on with, which a response must answer.
    pub fn verify_logout(
        &self,
        presented: PresentedLogout<'_>,
        awaited: Option<&str>,
        at: Moment,
    ) -> Result<LogoutMessage, VerifyError> {
        let Some(destination) = self.settings.sp.slo_url.as_deref().filter(|_| self.offers_logout()) else {
            let expected = "a provider with keys of ours";
            return Err(refused(VerifyCode::Audience, "saml.logout.not-offered", expected, "none"));
        };
        let metadata = self.metadata.usable(at)?;
        let trace = Trace::off();
        let trusted = Trusted { keys: &metadata.keys, sha1: self.settings.accept.sha1, trace: &trace };
        let verified = unpack::verified(presented, trusted)?;
        check::Rules { settings: &self.settings, issuer: &metadata.entity_id, destination, at }
            .read(verified, awaited)
    }

    /// A request to end `session` at the provider; `None` where it has no service for it, or we
    /// have no key to sign with.
    pub fn logout_request(
        &self,
        session: &SamlSession,
        entropy: &dyn Entropy,
        at: Moment,
    ) -> Result<Option<LogoutStart>, RequestFault> {
        let Some((signer, metadata)) = self.logout_means(at) else { return Ok(None) };
        let Some(service) = service(&metadata) else { return Ok(None) };
        let id = fresh_id(entropy)?;
        let entity_id = &self.settings.entity_id;
        let content = write::request(&id, entity_id, service.requests.location(), session, at);
        let message =
            Message { parameter: Parameter::Request, content, relay_state: None, key: Some(signer) };
        Ok(Some(LogoutStart { outbound: message.send(service.binding, &service.requests)?, id }))
    }

    /// Our answer to `request`; `None` where the provider has no service that takes it.
    pub fn logout_response(
        &self,
        request: &LogoutRequest,
        done: bool,
        entropy: &dyn Entropy,
        at: Moment,
    ) -> Result<Option<Outbound>, RequestFault> {
        let Some((signer, metadata)) = self.logout_means(at) else { return Ok(None) };
        let Some(service) = service(&metadata) else { return Ok(None) };
        let id = fresh_id(entropy)?;
        let answer = write::Answer { id: &id, in_response_to: &request.id, done, at };
        let content = answer.content(&self.settings.entity_id, service.responses.location());
        let relay_state = request.relay_state.as_deref();
        let message = Message { parameter: Parameter::Response, content, relay_state, key: Some(signer) };
        Ok(Some(message.send(service.binding, &service.responses)?))
    }

    /// What it takes: a key of ours to sign with, and metadata that says where to.
    fn logout_means(&self, at: Moment) -> Option<(&SpKey, Arc<Metadata>)> {
        let signer = self.settings.sp.keys.signer().filter(|_| self.offers_logout())?;
        Some((signer, self.metadata.usable(at).ok()?))
    }
}

/// By redirect where there is a choice: providers log out in frames, which show no form of ours.
fn service(metadata: &Metadata) -> Option<&ResponseLocation> {
    metadata.slo_redirect.as_ref().or(metadata.slo_post.as_ref())
}
