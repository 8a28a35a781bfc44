//! What a verified logout message says, and whether it is from whom, for whom and for when it
//! must be.

use super::unpack::{LIMITS, Verified};
use super::{LogoutMessage, LogoutRequest, LogoutStatus};
use crate::clock::Moment;
use crate::identity::saml::encryption::Recipient;
use crate::identity::saml::facts::Trace;
use crate::identity::saml::names::{ASSERTION, DSIG, PARTIAL_LOGOUT, PROTOCOL, SUCCESS};
use crate::identity::saml::sp::binding::Parameter;
use crate::identity::saml::sp::keys::SpKey;
use crate::identity::saml::structure::{REPEATED, ordered};
use crate::identity::saml::xml::tree::{Element, Name};
use crate::identity::saml::xml::{chars, parse, read};
use crate::identity::saml::{SamlSettings, malformed, refused, session};
use crate::identity::{NameId, OneTime, SamlSession, VerifyCode, VerifyError, shortened};

/// What to hold a message against.
pub(super) struct Rules<'a> {
    pub(super) settings: &'a SamlSettings,
    /// The provider's entity id.
    pub(super) issuer: &'a str,
    /// Our single logout service.
    pub(super) destination: &'a str,
    pub(super) at: Moment,
}

/// When a message was issued, and when it is refused at the latest, skew included.
struct Times {
    issued: Moment,
    until: Moment,
}

impl Rules<'_> {
    /// Reads a message; a response must answer the request `awaited`.
    pub(super) fn read(
        &self,
        verified: Verified,
        awaited: Option<&str>,
    ) -> Result<LogoutMessage, VerifyError> {
        let tree = parse(&verified.xml, &LIMITS)?;
        let root = tree.root()?;
        match verified.parameter {
            Parameter::Request => {
                named(root, "LogoutRequest")?;
                ordered(root, request_child)?;
                Ok(LogoutMessage::Request(Box::new(self.request(root, verified.relay_state)?)))
            }
            Parameter::Response => {
                named(root, "LogoutResponse")?;
                ordered(root, response_child)?;
                self.response(root, awaited).map(LogoutMessage::Response)
            }
        }
    }

    fn request(
        &self,
        root: Element<'_, '_>,
        relay_state: Option<String>,
    ) -> Result<LogoutRequest, VerifyError> {
        let times = self.check_envelope(root)?;
        let id = root.attribute("ID").filter(|id| chars::is_ncname(id));
        let id = id.ok_or_else(|| malformed("saml.logout.id", "an ID", "none"))?;
        let session = self.session(root)?;
        let marks = session.marks_of_logout(&self.settings.arn, self.issuer, &self.settings.entity_id);
        Ok(LogoutRequest {
            id: id.to_owned(),
            issued: times.issued,
            session,
            marks,
            one_time: OneTime::new(self.issuer, id, times.until),
            relay_state,
        })
    }

    /// Whose login a request ends.
    fn session(&self, root: Element<'_, '_>) -> Result<SamlSession, VerifyError> {
        let mut indexes = Vec::new();
        for index in root.children_named(PROTOCOL, "SessionIndex") {
            // An index that can't be read must not turn one session's logout into everybody's.
            let text = index.text().filter(|text| !text.trim_ascii().is_empty());
            indexes.push(text.ok_or_else(|| malformed("saml.logout.session-index", "text", "none"))?);
        }
        Ok(SamlSession { name_id: self.name_id(root)?, session_indexes: session::session_indexes(indexes)? })
    }

    /// Who: in clear, or encrypted to us. The provider's signature covers the ciphertext, so what
    /// comes out of it is the provider's word.
    fn name_id(&self, root: Element<'_, '_>) -> Result<NameId, VerifyError> {
        if let Some(name) = root.child(ASSERTION, "NameID") {
            return session::name_id(name);
        }
        let encrypted = root.child(ASSERTION, "EncryptedID");
        let encrypted = encrypted.ok_or_else(|| malformed("saml.logout.name-id", "a NameID", "none"))?;
        let keys: Vec<_> = self.settings.sp.keys.iter().map(SpKey::decryption).collect();
        let (cbc, trace) = (self.settings.accept.aes_cbc, Trace::off());
        let us = Recipient { keys: &keys, cbc, authenticated: true, trace: &trace };
        let plaintext = us.decrypt(encrypted)?;
        let tree = read(plaintext.as_bytes(), &LIMITS)?;
        let name = tree.root()?;
        if !name.is(ASSERTION, "NameID") {
            return Err(malformed("saml.logout.encrypted-id", "an encrypted NameID", name.name().local));
        }
        session::name_id(name)
    }

    fn response(&self, root: Element<'_, '_>, awaited: Option<&str>) -> Result<LogoutStatus, VerifyError> {
        self.check_envelope(root)?;
        let answers = root.attribute("InResponseTo");
        if answers.is_none() || answers != awaited {
            let (expected, seen) =
                (awaited.unwrap_or("no response: no logout of this browser waits for one"), answers);
            let seen = seen.unwrap_or("no InResponseTo");
            return Err(refused(VerifyCode::Unsolicited, "saml.logout.in-response-to", expected, seen));
        }
        status(root)
    }

    /// What both messages have in common: version, issuer, destination and times (Core 3.2).
    fn check_envelope(&self, root: Element<'_, '_>) -> Result<Times, VerifyError> {
        match root.attribute("Version") {
            Some("2.0") => {}
            other => return Err(malformed("saml.logout.version", "2.0", other.unwrap_or("none"))),
        }
        let issuer = root.child(ASSERTION, "Issuer").and_then(Element::text).unwrap_or_default();
        if issuer.trim_ascii() != self.issuer {
            return Err(refused(VerifyCode::Issuer, "saml.logout.issuer", self.issuer, issuer));
        }
        // A signed message must say where it goes (Bindings 3.4.5.2, 3.5.5.2).
        let destination = root.attribute("Destination").unwrap_or("none");
        if destination != self.destination {
            let (check, expected) = ("saml.logout.destination", self.destination);
            return Err(refused(VerifyCode::Audience, check, expected, destination));
        }
        self.check_times(root)
    }

    fn check_times(&self, root: Element<'_, '_>) -> Result<Times, VerifyError> {
        let (at, skew) = (self.at, self.settings.clock_skew);
        let issued = root.attribute("IssueInstant").unwrap_or_default();
        let issued = moment(issued, "saml.logout.issue-instant")?;
        if at.plus(skew) < issued {
            let (check, expected) = ("saml.logout.not-yet-issued", format!("a time up to {at}"));
            return Err(refused(VerifyCode::NotYetValid, check, expected, issued.to_string()));
        }
        let mut until = issued.plus(self.settings.max_age);
        let over = |check, end: Moment| {
            refused(VerifyCode::Expired, check, format!("a time after {at}"), end.to_string())
        };
        if at >= until.plus(skew) {
            return Err(over("saml.logout.too-old", until));
        }
        if let Some(end) = root.attribute("NotOnOrAfter") {
            let end = moment(end, "saml.logout.not-on-or-after")?;
            if at >= end.plus(skew) {
                return Err(over("saml.logout.expired", end));
            }
            until = until.min(end);
        }
        Ok(Times { issued, until: until.plus(skew) })
    }
}

/// Where a child of a request stands in its schema (Core 3.7.1). Of extensions none is known, and
/// none can be critical.
fn request_child(child: Name<'_>) -> Option<u8> {
    match (child.namespace, child.local) {
        (ASSERTION, "NameID" | "BaseID" | "EncryptedID") => Some(4),
        (PROTOCOL, "SessionIndex") => Some(REPEATED),
        _ => message_child(child),
    }
}

/// Where a child of a response stands in its schema (Core 3.7.2).
fn response_child(child: Name<'_>) -> Option<u8> {
    match (child.namespace, child.local) {
        (PROTOCOL, "Status") => Some(4),
        _ => message_child(child),
    }
}

fn message_child(child: Name<'_>) -> Option<u8> {
    match (child.namespace, child.local) {
        (ASSERTION, "Issuer") => Some(1),
        (DSIG, "Signature") => Some(2),
        (PROTOCOL, "Extensions") => Some(3),
        _ => None,
    }
}

fn named(root: Element<'_, '_>, wanted: &'static str) -> Result<(), VerifyError> {
    if root.is(PROTOCOL, wanted) {
        return Ok(());
    }
    Err(malformed("saml.logout.root", format!("samlp:{wanted}"), root.name().local))
}

/// How the provider says that it went. `PartialLogout` stands below another code (Core 3.2.2.2).
fn status(root: Element<'_, '_>) -> Result<LogoutStatus, VerifyError> {
    let status = root.child(PROTOCOL, "Status");
    let code = status.and_then(|status| status.child(PROTOCOL, "StatusCode"));
    let value = code.and_then(|code| code.attribute("Value"));
    let value = value.ok_or_else(|| malformed("saml.logout.status", "a StatusCode with a Value", "none"))?;
    let detail = code.and_then(|code| code.child(PROTOCOL, "StatusCode")?.attribute("Value"));
    let message = status.and_then(|status| status.child(PROTOCOL, "StatusMessage")?.text());
    Ok(match (value, detail) {
        (_, Some(PARTIAL_LOGOUT)) => LogoutStatus::Partial,
        (SUCCESS, _) => LogoutStatus::Success,
        _ => {
            let said = [Some(value), detail, message].into_iter().flatten().collect::<Vec<_>>();
            LogoutStatus::Failed(shortened(said.join(" ")))
        }
    })
}

fn moment(text: &str, check: &'static str) -> Result<Moment, VerifyError> {
    Moment::parse_rfc3339(text.trim_ascii()).ok_or_else(|| malformed(check, "a time with its zone", text))
}
