//! Why a document is or would be believed and granted roles, or is not: the live path once more,
//! with everything noted on the way.
//!
//! [`explain`] verifies, maps and authorizes by the code that requests go through. It claims
//! nothing, issues nothing, and needs no store; a network only for the keys of a token whose provider has
//! them not in a file. What it gives is a [`Report`], plain data that proves
//! nothing; [`Report::redacted`] takes the person out of it.

mod advice;
mod decision;
mod input;
mod paper;
mod redact;
mod report;
mod saml;
pub mod text;
mod token;
mod told;

use std::net::IpAddr;
use std::time::Duration;

pub use self::input::{FIELD, response};
pub use self::paper::{Paper, is_deceptive};
pub use self::report::{
    Access, Action, Answer, Asserted, AssertedRole, Attribute, Certificate, Check, CheckOutcome, Clause,
    Clock, Document, Identity, Limit, Obstacle, Part, Policy, Provider, Read, Refused, Report, Role, Rule,
    RuleOutcome, Session, Signature, Statement, Tag, Token, VERSION,
};
use super::Refusal;
use super::decide::Decide;
use crate::arn::RoleArn;
use crate::clock::Moment;
use crate::config::Snapshot;
use crate::directory;
use crate::identity::FederatedIdentity;
use crate::policy::Circumstances;
use crate::policy::rights::AccessQuestion;

/// A document as it is sent.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    /// A SAML response.
    Saml {
        /// Base64 of a whole `samlp:Response`.
        response: &'a str,
        /// The consumer URL that it was posted to; without it, any of the provider's will do.
        recipient: Option<&'a str>,
    },
    /// A token of OpenID Connect.
    Token(&'a str),
}

/// What is asked.
#[derive(Clone)]
pub struct Question<'a> {
    /// What was, or would be, presented.
    pub document: Presented<'a>,
    /// The provider to hold it against; without it, the one that the document names.
    pub provider: Option<&'a directory::Provider>,
    /// The role that is wanted; without it, whatever is offered.
    pub role: Option<&'a RoleArn>,
    /// The session's name, where the caller says it.
    pub session_name: Option<&'a str>,
    /// The session's length, where the caller says it.
    pub duration: Option<Duration>,
    /// What a session of the role is to do.
    pub access: Option<AccessQuestion<'a>>,
    /// Where the call came from.
    pub source_ip: Option<IpAddr>,
    /// The moment to decide for.
    pub at: Moment,
}

/// Answers `question` by the configuration `snapshot`.
pub async fn explain(snapshot: &Snapshot, question: &Question<'_>) -> Report {
    let mut report = Report::new(question.at);
    if let Err(refusal) = answer(snapshot, question, &mut report).await {
        report.refuse(&refusal);
    }
    report
}

/// What every rule that is about `role` says to somebody who was believed, who is `identity`.
pub(super) fn rules_about(
    snapshot: &Snapshot,
    identity: &FederatedIdentity,
    when: Circumstances,
    role: &RoleArn,
) -> Vec<Rule> {
    decision::rules(snapshot, identity, when, Some(role))
}

async fn answer(snapshot: &Snapshot, question: &Question<'_>, report: &mut Report) -> Result<(), Refusal> {
    let (provider, identity) = match question.document {
        Presented::Saml { response, recipient } => {
            let provider = saml::provider(snapshot, question, response, report)?;
            (provider, saml::believe(provider, question, (response, recipient), report)?)
        }
        Presented::Token(token) => {
            let provider = token::provider(snapshot, question, token, report)?;
            (provider, token::believe(provider, question, token, report).await?)
        }
    };
    let when = Circumstances { at: question.at, source_ip: question.source_ip };
    report.rules = decision::rules(snapshot, &identity, when, None);
    let decide = Decide { snapshot, provider, when };
    decision::roles(&decide, &identity, question, report)
}

impl Report {
    fn new(at: Moment) -> Self {
        Self {
            version: VERSION,
            at: at.to_rfc3339(),
            answer: Answer { granted: false, roles: Vec::new(), may: None, refused: None },
            notes: Vec::new(),
            document: None,
            provider: None,
            clock: None,
            checks: Vec::new(),
            identity: None,
            rules: Vec::new(),
            roles: Vec::new(),
        }
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    fn refuse(&mut self, refusal: &Refusal) {
        self.answer.refused = Some(self.refused(refusal));
    }

    fn refused(&self, refusal: &Refusal) -> Refused {
        let (reason, seen) = advice::told(refusal);
        let advice = advice::of(refusal, self.has_unknown_certificate()).to_owned();
        Refused { by: refusal.check().to_owned(), reason, seen, advice }
    }

    fn has_unknown_certificate(&self) -> bool {
        self.document.as_ref().is_some_and(|document| document.unknown_certificate.is_some())
    }
}
