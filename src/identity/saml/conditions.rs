//! Whether a genuine assertion is from whom, for whom and for when it must be: issuer,
//! destination, conditions, bearer confirmation, session end. Missing what AWS demands
//! (facts 2.2) is a refusal, and so is what AWS leaves to the implementer's care ("SEC").

use std::time::Duration;

use super::facts::Trace;
use super::names::{ASSERTION, BEARER};
use super::xml::Element;
use super::{Answer, Expect, SamlSettings, malformed, refused};
use crate::clock::Moment;
use crate::identity::authentication::AuthnStatements;
use crate::identity::{VerifyCode, VerifyError};

/// The classes of all authentication statements.
fn stated_contexts<'t>(assertion: Element<'t, '_>) -> impl Iterator<Item = &'t str> {
    let statements = assertion.children_named(ASSERTION, "AuthnStatement");
    let contexts = statements.filter_map(|statement| statement.child(ASSERTION, "AuthnContext"));
    let classes = contexts.filter_map(|context| context.child(ASSERTION, "AuthnContextClassRef"));
    classes.filter_map(Element::text).map(str::trim_ascii)
}

/// Between our request and the answer to it. The broker's logins live as long.
const LONGEST_LOGIN: Duration = Duration::from_secs(15 * 60);

/// What to hold an assertion against.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) settings: &'a SamlSettings,
    /// The provider's entity id.
    pub(super) issuer: &'a str,
    pub(super) expect: Expect<'a>,
    pub(super) at: Moment,
    pub(super) trace: &'a Trace,
}

/// What the conditions leave behind for the session.
pub(super) struct Terms<'t> {
    /// The `Recipient`, which AWS calls audience.
    pub(super) recipient: &'t str,
    /// The `IssueInstant`.
    pub(super) issued: Moment,
    /// The earliest time from which the assertion is refused, skew included.
    pub(super) until: Moment,
    /// The earliest `SessionNotOnOrAfter`.
    pub(super) session_ends: Option<Moment>,
    /// How and when the person signed in.
    pub(super) authn: AuthnStatements,
    /// Whether the provider said `OneTimeUse` (SAML Core 2.5.1.5).
    pub(super) only_once: bool,
}

/// What `Conditions` says.
struct Conditions {
    end: Option<Moment>,
    only_once: bool,
}

impl Rules<'_> {
    /// Checks the envelope. Without a signature of its own it is anybody's word, so it can make
    /// a refusal and nothing else.
    pub(super) fn check_response(&self, response: Element<'_, '_>) -> Result<(), VerifyError> {
        if let Some(issuer) = response.child(ASSERTION, "Issuer") {
            let waived = self.settings.accept.any_response_issuer;
            self.check_issuer(issuer, "saml.response-issuer", waived)?;
        }
        if let Some(destination) = response.attribute("Destination") {
            self.check_address(destination, "saml.destination")?;
        }
        match response.attribute("InResponseTo") {
            // What the envelope leaves out, the confirmation must say.
            None if matches!(self.expect.in_response_to, Answer::To { .. }) => Ok(()),
            answers => self.check_answer(answers),
        }
    }

    /// Checks everything about an assertion that is not its signature or its attributes.
    pub(super) fn check_assertion<'t>(&self, assertion: Element<'t, '_>) -> Result<Terms<'t>, VerifyError> {
        let issuer = required(assertion, "Issuer", "saml.issuer.missing")?;
        self.check_issuer(issuer, "saml.issuer", false)?;
        let issued = assertion.attribute("IssueInstant").unwrap_or_default();
        let issued = moment(issued, "saml.issue-instant")?;
        self.check_begun(issued, "saml.not-yet-issued", false)?;
        let conditions = required(assertion, "Conditions", "saml.conditions.missing")?;
        let conditions = self.check_conditions(conditions)?;
        let (recipient, confirmation_ends) = self.check_confirmation(assertion)?;
        let (session_ends, authn) = self.check_session(assertion, issued)?;
        let stale = self.check_age(issued)?;
        let ends = conditions.end.map_or(confirmation_ends, |end| end.min(confirmation_ends)).min(stale);
        let until = ends.plus(self.settings.clock_skew);
        Ok(Terms { recipient, issued, until, session_ends, authn, only_once: conditions.only_once })
    }

    /// The one way to decide: notes what holds, and refuses what does not, unless it is waived.
    /// `said` gives what is expected and what is seen.
    fn hold(
        &self,
        holds: bool,
        waived: bool,
        (code, check): (VerifyCode, &'static str),
        said: impl FnOnce() -> (String, String),
    ) -> Result<(), VerifyError> {
        if holds {
            self.trace.passed(check, said);
        } else if waived {
            self.trace.waived(check, said);
        } else {
            let (expected, seen) = said();
            return self.trace.refused(refused(code, check, expected, seen));
        }
        Ok(())
    }

    fn check_issuer(
        &self,
        issuer: Element<'_, '_>,
        check: &'static str,
        waived: bool,
    ) -> Result<(), VerifyError> {
        let seen = issuer.text().unwrap_or_default().trim_ascii();
        let said = || (self.issuer.to_owned(), seen.to_owned());
        self.hold(seen == self.issuer, waived, (VerifyCode::Issuer, check), said)
    }

    fn check_address(&self, seen: &str, check: &'static str) -> Result<(), VerifyError> {
        let recipients = &self.settings.recipients;
        let holds = match self.expect.recipient {
            Some(only) => seen == only,
            None => recipients.iter().any(|known| known == seen),
        };
        let expected = || self.expect.recipient.map_or_else(|| recipients.join(" or "), str::to_owned);
        let waived = self.settings.accept.any_recipient;
        self.hold(holds, waived, (VerifyCode::Audience, check), || (expected(), seen.to_owned()))
    }

    fn check_conditions(&self, conditions: Element<'_, '_>) -> Result<Conditions, VerifyError> {
        if let Some(begin) = conditions.attribute("NotBefore") {
            let begin = moment(begin, "saml.conditions.not-before")?;
            self.check_begun(begin, "saml.not-yet-valid", self.settings.accept.early)?;
        }
        let end = match conditions.attribute("NotOnOrAfter") {
            Some(end) => Some(moment(end, "saml.conditions.not-on-or-after")?),
            None => None,
        };
        if let Some(end) = end {
            self.check_not_over(end, "saml.expired")?;
        }
        let (mut restrictions, mut only_once) = (0, false);
        for condition in conditions.children() {
            match (condition.name().namespace, condition.name().local) {
                (ASSERTION, "AudienceRestriction") => {
                    restrictions += 1;
                    self.check_audience(condition)?;
                }
                (ASSERTION, "OneTimeUse") => only_once = true,
                // It limits assertions that are made from this one; we make none.
                (ASSERTION, "ProxyRestriction") => {}
                (_, unknown) => {
                    return Err(malformed("saml.condition", "conditions that are known", unknown));
                }
            }
        }
        if restrictions == 0 {
            let said = || (self.settings.audiences.join(" or "), "no restriction".to_owned());
            let waived = self.settings.accept.any_audience;
            self.hold(false, waived, (VerifyCode::Audience, "saml.audience.missing"), said)?;
        }
        Ok(Conditions { end, only_once })
    }

    /// One of the audiences within a restriction must be ours; every restriction is checked
    /// (SAML Core 2.5.1.4).
    fn check_audience(&self, restriction: Element<'_, '_>) -> Result<(), VerifyError> {
        let named = || restriction.children_named(ASSERTION, "Audience").filter_map(Element::text);
        let ours = |name: &str| self.settings.audiences.iter().any(|audience| audience == name.trim_ascii());
        let said = || (self.settings.audiences.join(" or "), named().collect::<Vec<_>>().join(", "));
        let waived = self.settings.accept.any_audience;
        self.hold(named().any(ours), waived, (VerifyCode::Audience, "saml.audience"), said)
    }

    /// Exactly one confirmation, by bearer. Gives its recipient and its end.
    fn check_confirmation<'t>(&self, assertion: Element<'t, '_>) -> Result<(&'t str, Moment), VerifyError> {
        let data = bearer(assertion)?;
        if let Some(begin) = data.attribute("NotBefore") {
            let begin = moment(begin, "saml.confirmation.not-before")?;
            self.check_begun(begin, "saml.confirmation.not-yet-valid", self.settings.accept.early)?;
        }
        let end = data.attribute("NotOnOrAfter").unwrap_or_default();
        let end = moment(end, "saml.confirmation.not-on-or-after")?;
        self.check_not_over(end, "saml.confirmation.expired")?;
        let recipient = data.attribute("Recipient").filter(|recipient| !recipient.is_empty());
        let recipient =
            recipient.ok_or_else(|| malformed("saml.recipient.missing", "a Recipient", "none"))?;
        self.check_address(recipient, "saml.recipient")?;
        self.check_answer(data.attribute("InResponseTo"))?;
        Ok((recipient, end))
    }

    fn check_answer(&self, answers: Option<&str>) -> Result<(), VerifyError> {
        let (holds, expected) = match self.expect.in_response_to {
            Answer::To { id, .. } => (answers == Some(id), id),
            Answer::Unsolicited => (answers.is_none(), "no InResponseTo"),
            Answer::Any => return Ok(()),
        };
        let said = || (expected.to_owned(), answers.unwrap_or("no InResponseTo").to_owned());
        self.hold(holds, false, (VerifyCode::Unsolicited, "saml.in-response-to"), said)
    }

    /// Gives the earliest session end of all authentication statements, and what they say of the sign-in.
    fn check_session(
        &self,
        assertion: Element<'_, '_>,
        issued: Moment,
    ) -> Result<(Option<Moment>, AuthnStatements), VerifyError> {
        required(assertion, "AuthnStatement", "saml.authn-statement.missing")?;
        let (mut earliest, mut at) = (None, None);
        for statement in assertion.children_named(ASSERTION, "AuthnStatement") {
            let authenticated = statement.attribute("AuthnInstant").unwrap_or_default();
            let authenticated = moment(authenticated, "saml.authn-instant")?;
            self.check_fresh(authenticated, issued)?;
            at = Some(at.map_or(authenticated, |other: Moment| other.min(authenticated)));
            let Some(end) = statement.attribute("SessionNotOnOrAfter") else { continue };
            let end = moment(end, "saml.session-not-on-or-after")?;
            self.check_not_over(end, "saml.session-expired")?;
            earliest = Some(earliest.map_or(end, |other: Moment| other.min(end)));
        }
        self.check_context(assertion)?;
        let mut classes = stated_contexts(assertion);
        let context = classes.next().filter(|first| classes.all(|other| other == *first));
        Ok((earliest, AuthnStatements { at, context: context.map(str::to_owned) }))
    }

    /// A provider that was told to ask the person again must not answer by an earlier sign-in. Where
    /// nobody knows when it was told, as at the STS API, it cannot be longer ago than a login lasts.
    fn check_fresh(&self, authenticated: Moment, issued: Moment) -> Result<(), VerifyError> {
        if !self.settings.sp.force_authn {
            return Ok(());
        }
        let asked = match self.expect.in_response_to {
            Answer::To { sent, .. } => sent,
            Answer::Unsolicited | Answer::Any => issued.minus(LONGEST_LOGIN),
        };
        let oldest = asked.minus(self.settings.clock_skew);
        let said = || (format!("a sign-in after {oldest}"), authenticated.to_string());
        self.hold(authenticated >= oldest, false, (VerifyCode::Expired, "saml.authn-instant.old"), said)
    }

    /// One of the ways in which the person proved who they are must be one that is asked for.
    fn check_context(&self, assertion: Element<'_, '_>) -> Result<(), VerifyError> {
        let wanted = &self.settings.authn_contexts;
        if wanted.is_empty() {
            return Ok(());
        }
        let holds = stated_contexts(assertion).any(|class| wanted.iter().any(|known| known == class));
        let said = || (wanted.join(" or "), stated_contexts(assertion).collect::<Vec<_>>().join(", "));
        self.hold(holds, false, (VerifyCode::Claim, "saml.authn-context"), said)
    }

    fn check_begun(&self, begin: Moment, check: &'static str, waived: bool) -> Result<(), VerifyError> {
        let latest = self.at.plus(self.settings.clock_skew);
        let said = || (format!("a time up to {latest}, {}", self.skew()), self.beside(begin));
        self.hold(latest >= begin, waived, (VerifyCode::NotYetValid, check), said)
    }

    fn check_not_over(&self, end: Moment, check: &'static str) -> Result<(), VerifyError> {
        let holds = self.at < end.plus(self.settings.clock_skew);
        let earliest = || self.at.minus(self.settings.clock_skew);
        let said = || (format!("a time after {}, {}", earliest(), self.skew()), self.beside(end));
        self.hold(holds, false, (VerifyCode::Expired, check), said)
    }

    /// Gives the moment from which an assertion that was `issued` then is too old.
    fn check_age(&self, issued: Moment) -> Result<Moment, VerifyError> {
        let (stale, skew) = (issued.plus(self.settings.max_age), self.settings.clock_skew);
        let said = || {
            let allowed = format!("{} s old at most, {}", self.settings.max_age.as_secs(), self.skew());
            (format!("an assertion {allowed}"), format!("issued {}", self.beside(issued)))
        };
        self.hold(self.at < stale.plus(skew), false, (VerifyCode::Expired, "saml.too-old"), said)?;
        Ok(stale)
    }

    fn skew(&self) -> String {
        format!("with {} s for the clocks", self.settings.clock_skew.as_secs())
    }

    /// A time, and how far it is from now.
    fn beside(&self, time: Moment) -> String {
        let seconds = |span: Duration| format!("{}.{:03} s", span.as_secs(), span.subsec_millis());
        if time <= self.at {
            format!("{time}, {} ago", seconds(self.at.since(time)))
        } else {
            format!("{time}, in {}", seconds(time.since(self.at)))
        }
    }
}

/// The data of the one confirmation, which must be by bearer (SAML Profiles 4.1.4.2).
fn bearer<'t, 'x>(assertion: Element<'t, 'x>) -> Result<Element<'t, 'x>, VerifyError> {
    let subject = required(assertion, "Subject", "saml.subject.missing")?;
    let mut found = subject.children_named(ASSERTION, "SubjectConfirmation");
    let (Some(confirmation), None) = (found.next(), found.next()) else {
        let expected = "one SubjectConfirmation";
        return Err(malformed("saml.confirmation.count", expected, "none or several"));
    };
    let method = confirmation.attribute("Method").unwrap_or_default();
    if method != BEARER {
        return Err(malformed("saml.confirmation.method", BEARER, method));
    }
    let data = required(confirmation, "SubjectConfirmationData", "saml.confirmation.data")?;
    if confirmation.children().count() != 1 || data.children().next().is_some() {
        let expected = "SubjectConfirmationData alone";
        return Err(malformed("saml.confirmation.data", expected, "other elements"));
    }
    Ok(data)
}

/// The first child of this name in the assertion namespace.
pub(super) fn required<'t, 'x>(
    parent: Element<'t, 'x>,
    local: &str,
    check: &'static str,
) -> Result<Element<'t, 'x>, VerifyError> {
    parent.child(ASSERTION, local).ok_or_else(|| malformed(check, local, "none"))
}

fn moment(text: &str, check: &'static str) -> Result<Moment, VerifyError> {
    Moment::parse_rfc3339(text.trim_ascii()).ok_or_else(|| malformed(check, "a time with its zone", text))
}
