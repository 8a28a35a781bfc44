//! Whether a genuine assertion is from whom, for whom and for when it must be: issuer,
//! destination, conditions, bearer confirmation, session end. Missing what AWS demands
//! (facts 2.2) is a refusal, and so is what AWS leaves to the implementer's care ("SEC").

use super::names::{ASSERTION, BEARER};
use super::tree::Element;
use super::{Answer, Expect, SamlSettings, malformed, refused};
use crate::clock::Moment;
use crate::identity::{VerifyCode, VerifyError};

/// What to hold an assertion against.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) settings: &'a SamlSettings,
    /// The provider's entity id.
    pub(super) issuer: &'a str,
    pub(super) expect: Expect<'a>,
    pub(super) at: Moment,
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
}

impl Rules<'_> {
    /// Checks the envelope. Without a signature of its own it is anybody's word, so it can make
    /// a refusal and nothing else.
    pub(super) fn check_response(&self, response: Element<'_, '_>) -> Result<(), VerifyError> {
        if let Some(issuer) = response.child(ASSERTION, "Issuer") {
            self.check_issuer(issuer, "saml.response-issuer")?;
        }
        if let Some(destination) = response.attribute("Destination") {
            self.check_address(destination, "saml.destination")?;
        }
        let answers = response.attribute("InResponseTo");
        match self.expect.in_response_to {
            Answer::To(asked) if answers.is_some_and(|id| id != asked) => Err(unasked(asked, answers)),
            Answer::Unsolicited if answers.is_some() => Err(unasked("no InResponseTo", answers)),
            Answer::To(_) | Answer::Unsolicited | Answer::Any => Ok(()),
        }
    }

    /// Checks everything about an assertion that is not its signature or its attributes.
    pub(super) fn check_assertion<'t>(&self, assertion: Element<'t, '_>) -> Result<Terms<'t>, VerifyError> {
        let issuer = required(assertion, "Issuer", "saml.issuer.missing")?;
        self.check_issuer(issuer, "saml.issuer")?;
        let issued = assertion.attribute("IssueInstant").unwrap_or_default();
        let issued = moment(issued, "saml.issue-instant")?;
        self.check_begun(issued, "saml.not-yet-issued")?;
        let conditions = required(assertion, "Conditions", "saml.conditions.missing")?;
        let conditions_end = self.check_conditions(conditions)?;
        let (recipient, confirmation_ends) = self.check_confirmation(assertion)?;
        let session_ends = self.check_session(assertion)?;
        let stale = issued.plus(self.settings.max_age);
        self.check_not_over(stale, "saml.too-old")?;
        let ends = conditions_end.map_or(confirmation_ends, |end| end.min(confirmation_ends)).min(stale);
        Ok(Terms { recipient, issued, until: ends.plus(self.settings.clock_skew), session_ends })
    }

    fn check_issuer(&self, issuer: Element<'_, '_>, check: &'static str) -> Result<(), VerifyError> {
        let seen = issuer.text().unwrap_or_default().trim_ascii();
        if seen == self.issuer { Ok(()) } else { Err(refused(VerifyCode::Issuer, check, self.issuer, seen)) }
    }

    fn check_address(&self, seen: &str, check: &'static str) -> Result<(), VerifyError> {
        let accepted = match self.expect.recipient {
            Some(only) => seen == only,
            None => self.settings.recipients.iter().any(|known| known == seen),
        };
        if accepted {
            return Ok(());
        }
        let expected =
            self.expect.recipient.map_or_else(|| self.settings.recipients.join(" or "), str::to_owned);
        Err(refused(VerifyCode::Audience, check, expected, seen))
    }

    /// Gives the end of the conditions, if they have one.
    fn check_conditions(&self, conditions: Element<'_, '_>) -> Result<Option<Moment>, VerifyError> {
        if let Some(begin) = conditions.attribute("NotBefore") {
            self.check_begun(moment(begin, "saml.conditions.not-before")?, "saml.not-yet-valid")?;
        }
        let end = match conditions.attribute("NotOnOrAfter") {
            Some(end) => Some(moment(end, "saml.conditions.not-on-or-after")?),
            None => None,
        };
        if let Some(end) = end {
            self.check_not_over(end, "saml.expired")?;
        }
        let mut restrictions = 0;
        for condition in conditions.children() {
            match (condition.name().namespace, condition.name().local) {
                (ASSERTION, "AudienceRestriction") => {
                    restrictions += 1;
                    self.check_audience(condition)?;
                }
                // One use is what every assertion is held to; the other limits further assertions.
                (ASSERTION, "OneTimeUse" | "ProxyRestriction") => {}
                (_, unknown) => {
                    return Err(malformed("saml.condition", "conditions that are known", unknown));
                }
            }
        }
        if restrictions == 0 {
            let expected = self.settings.audiences.join(" or ");
            return Err(refused(VerifyCode::Audience, "saml.audience.missing", expected, "no restriction"));
        }
        Ok(end)
    }

    /// One of the audiences within a restriction must be ours; every restriction is checked
    /// (SAML Core 2.5.1.4).
    fn check_audience(&self, restriction: Element<'_, '_>) -> Result<(), VerifyError> {
        let named = || restriction.children_named(ASSERTION, "Audience").filter_map(Element::text);
        let ours = |name: &str| self.settings.audiences.iter().any(|audience| audience == name.trim_ascii());
        if named().any(ours) {
            return Ok(());
        }
        let (expected, seen) = (self.settings.audiences.join(" or "), named().collect::<Vec<_>>().join(", "));
        Err(refused(VerifyCode::Audience, "saml.audience", expected, seen))
    }

    /// Exactly one confirmation, by bearer. Gives its recipient and its end.
    fn check_confirmation<'t>(&self, assertion: Element<'t, '_>) -> Result<(&'t str, Moment), VerifyError> {
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
            return Err(malformed(
                "saml.confirmation.data",
                "SubjectConfirmationData alone",
                "other elements",
            ));
        }
        if let Some(begin) = data.attribute("NotBefore") {
            self.check_begun(
                moment(begin, "saml.confirmation.not-before")?,
                "saml.confirmation.not-yet-valid",
            )?;
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
        match self.expect.in_response_to {
            Answer::To(asked) if answers != Some(asked) => Err(unasked(asked, answers)),
            Answer::Unsolicited if answers.is_some() => Err(unasked("no InResponseTo", answers)),
            Answer::To(_) | Answer::Unsolicited | Answer::Any => Ok(()),
        }
    }

    /// Gives the earliest session end of all authentication statements.
    fn check_session(&self, assertion: Element<'_, '_>) -> Result<Option<Moment>, VerifyError> {
        required(assertion, "AuthnStatement", "saml.authn-statement.missing")?;
        let mut earliest = None;
        for statement in assertion.children_named(ASSERTION, "AuthnStatement") {
            moment(statement.attribute("AuthnInstant").unwrap_or_default(), "saml.authn-instant")?;
            let Some(end) = statement.attribute("SessionNotOnOrAfter") else { continue };
            let end = moment(end, "saml.session-not-on-or-after")?;
            self.check_not_over(end, "saml.session-expired")?;
            earliest = Some(earliest.map_or(end, |other: Moment| other.min(end)));
        }
        Ok(earliest)
    }

    fn check_begun(&self, begin: Moment, check: &'static str) -> Result<(), VerifyError> {
        if self.at.plus(self.settings.clock_skew) >= begin {
            return Ok(());
        }
        Err(refused(VerifyCode::NotYetValid, check, format!("a time up to {}", self.at), begin.to_string()))
    }

    fn check_not_over(&self, end: Moment, check: &'static str) -> Result<(), VerifyError> {
        if self.at < end.plus(self.settings.clock_skew) {
            return Ok(());
        }
        Err(refused(VerifyCode::Expired, check, format!("a time after {}", self.at), end.to_string()))
    }
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

fn unasked(expected: &str, seen: Option<&str>) -> VerifyError {
    let seen = seen.unwrap_or("no InResponseTo");
    refused(VerifyCode::Unsolicited, "saml.in-response-to", expected, seen)
}
