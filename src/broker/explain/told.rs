//! What responses and tokens are told alike: checks, times, attributes of AWS.

use super::advice;
use super::report::{Asserted, AssertedRole, Check, CheckOutcome, Clock, Report, Tag};
use crate::arn::RoleArn;
use crate::clock::Moment;
use crate::directory::Provider;
use crate::identity::{self, Outcome, Step, VerifyCode, VerifyError};

/// Names that a note tells; more would bury it.
const NAMED: usize = 5;

/// Of the providers that `have` what the document names, the one to hold it against: that of the
/// role's account, else the first.
pub(super) fn chosen<'s>(
    found: &[&'s Provider],
    role: Option<&RoleArn>,
    have: &str,
    report: &mut Report,
) -> Option<&'s Provider> {
    let in_account = |role: &RoleArn| found.iter().find(|p| p.arn.account() == role.account());
    let chosen = role.and_then(in_account).or(found.first())?;
    if found.len() > 1 {
        let names: Vec<_> = found.iter().map(|provider| provider.name.as_str()).collect();
        let (names, name) = (names.join(", "), &chosen.name);
        report.note(format!("{names} have {have}; {name} was taken, choose by --provider."));
    }
    Some(chosen)
}

/// Tells the first few `names` that are configured, if there are any.
pub(super) fn note_configured(what: &str, mut names: Vec<&str>, report: &mut Report) {
    if !names.is_empty() {
        let more = if names.len() > NAMED { ", and more" } else { "" };
        names.truncate(NAMED);
        report.note(format!("The {what} that are configured: {}{more}.", names.join(", ")));
    }
}

/// Who looks at an old capture wonders what it was when it arrived. No other time makes an old
/// sign-in fresh.
pub(super) fn may_have_been_good(error: &VerifyError, issued: Option<Moment>, report: &mut Report) {
    let is_over = error.code() == VerifyCode::Expired && error.check() != "saml.authn-instant.old";
    if let Some(issued) = issued.filter(|_| is_over) {
        report.note(format!("It may have been good when it arrived: ask again with --at {issued}."));
    }
}

pub(super) fn failed(error: &VerifyError) -> Step {
    let (expected, seen) = (error.expected().to_owned(), error.seen().to_owned());
    Step { check: error.check(), outcome: Outcome::Failed, expected, seen }
}

pub(super) fn check(step: Step, is_unknown_certificate: bool) -> Check {
    let outcome = match step.outcome {
        Outcome::Passed => CheckOutcome::Passed,
        Outcome::Failed => CheckOutcome::Failed,
        Outcome::Waived => CheckOutcome::Waived,
    };
    let advice = (outcome == CheckOutcome::Failed)
        .then(|| advice::of_check(step.check, is_unknown_certificate).to_owned());
    Check { check: step.check.to_owned(), outcome, expected: step.expected, seen: step.seen, advice }
}

/// Nothing is issued in the future, so that what seems to be tells of a clock. An age does not.
pub(super) fn clock(issued: Moment, at: Moment) -> Clock {
    let milliseconds_ago = at.unix_millis().saturating_sub(issued.unix_millis());
    let seconds = format!("{}.{:03} s", milliseconds_ago.abs() / 1000, milliseconds_ago.abs() % 1000);
    let meaning = if milliseconds_ago < 0 {
        format!("the provider's clock is at least {seconds} ahead: nothing is issued in the future")
    } else {
        format!("{seconds} earlier: its way here and any difference of the clocks together")
    };
    Clock { issued: issued.to_rfc3339(), milliseconds_ago, meaning }
}

/// How a rule names the member `name` of `map`.
pub(super) fn name_as(map: &str, name: &str) -> String {
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_name { format!("{map}.{name}") } else { format!("{map}[{name:?}]") }
}

pub(super) fn understood(asserted: &identity::Asserted, counts: bool) -> Asserted {
    let pair =
        |(role, provider): &(String, String)| AssertedRole { role: role.clone(), provider: provider.clone() };
    let tag = |(key, value): &(String, String)| Tag {
        key: key.clone(),
        value: value.clone(),
        transitive: asserted.transitive_tag_keys.contains(key),
    };
    Asserted {
        counts,
        roles: asserted.roles.iter().flatten().map(pair).collect(),
        session_name: asserted.session_name.clone(),
        session_seconds: asserted.session_duration.map(|duration| duration.as_secs()),
        tags: asserted.tags.iter().map(tag).collect(),
        source_identity: asserted.source_identity.clone(),
    }
}
