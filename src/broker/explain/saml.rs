//! From a SAML response to an identity, or the refusal: what the verifier noted, put in order.

use super::report::{
    Asserted, AssertedRole, Attribute, Certificate, Check, CheckOutcome, Clock, Document, Identity, Part,
    Provider, Report, Signature, Tag,
};
use super::{Question, advice};
use crate::broker::Refusal;
use crate::broker::federate::wrong_protocol;
use crate::clock::Moment;
use crate::config::Snapshot;
use crate::directory::{self, SamlSide, Verifier};
use crate::identity::saml::{self, Answer, Claims, Expect, Facts};
use crate::identity::{self, FederatedIdentity, Outcome, Step, VerifyCode, VerifyError};

/// Entity ids that a note names; more would bury it.
const NAMED: usize = 5;

/// The provider that is asked about, or that the document names.
pub(super) fn provider<'s>(
    snapshot: &'s Snapshot,
    question: &Question<'s>,
    report: &mut Report,
) -> Result<&'s directory::Provider, Refusal> {
    if let Some(provider) = question.provider {
        return Ok(provider);
    }
    let issuer = saml::unverified_issuer(question.response).inspect_err(|error| {
        report.checks.push(check(failed(error), false));
    })?;
    let found: Vec<_> = snapshot.directory.saml_providers(&issuer).collect();
    let in_account = |role: &crate::arn::RoleArn| found.iter().find(|p| p.arn.account() == role.account());
    let Some(chosen) = question.role.and_then(in_account).or(found.first()) else {
        report.document = Some(document(&saml::unverified_facts(question.response)));
        note_issuers(snapshot, report);
        return Err(Refusal::unknown_provider(&issuer));
    };
    if found.len() > 1 {
        let names: Vec<_> = found.iter().map(|provider| provider.name.as_str()).collect();
        let (names, chosen) = (names.join(", "), &chosen.name);
        report.note(format!("{names} have this entity id; {chosen} was taken, choose by --provider."));
    }
    Ok(chosen)
}

/// Verifies as a request would, and notes what there is to know.
pub(super) fn believe(
    provider: &directory::Provider,
    question: &Question<'_>,
    report: &mut Report,
) -> Result<FederatedIdentity, Refusal> {
    let Verifier::Saml(side) = &provider.verifier else {
        return Err(wrong_protocol("a token", "a SAML response").into());
    };
    let expect = Expect { recipient: question.recipient, in_response_to: Answer::Any };
    let explained = side.provider.explain(question.response, expect, question.at);
    let facts = &explained.facts;
    report.document = Some(document(facts));
    report.provider = Some(told(provider, side, facts, question.at));
    report.clock = issued(facts).map(|issued| clock(issued, question.at));
    let is_unknown = facts.unknown_certificate.is_some();
    report.checks = explained.steps.into_iter().map(|step| check(step, is_unknown)).collect();
    let believed = explained.identity.is_ok();
    report.identity =
        explained.facts.claims.as_ref().map(|claims| person(claims, believed, provider.asserts_roles));
    notes(provider, side, &explained.facts, question, report);
    if let Err(error) = &explained.identity {
        may_have_been_good(error, issued(&explained.facts), report);
    }
    Ok(explained.identity?)
}

/// Who looks for a slip in an entity id wants to see the others.
fn note_issuers(snapshot: &Snapshot, report: &mut Report) {
    let (mut issuers, mut unnamed) = (Vec::new(), Vec::new());
    for provider in snapshot.directory.providers() {
        let Verifier::Saml(side) = &provider.verifier else { continue };
        match side.provider.issuer() {
            Some(issuer) => issuers.push(issuer),
            None => unnamed.push(provider.name.as_str()),
        }
    }
    if !issuers.is_empty() {
        let more = if issuers.len() > NAMED { ", and more" } else { "" };
        issuers.truncate(NAMED);
        report.note(format!("The entity ids that are configured: {}{more}.", issuers.join(", ")));
    }
    if !unnamed.is_empty() {
        report.note(format!("Without metadata yet, choose by --provider: {}.", unnamed.join(", ")));
    }
}

/// What an explanation can't know.
fn notes(
    provider: &directory::Provider,
    side: &SamlSide,
    facts: &Facts,
    question: &Question<'_>,
    report: &mut Report,
) {
    let parts = [&facts.response, &facts.assertion];
    let answers = parts.into_iter().flatten().any(|part| part.in_response_to.is_some());
    let name = &provider.name;
    report.note(match (answers, side.idp_initiated) {
        (true, _) => {
            "Which login it answers was not looked at: only the browser that asked knows.".to_owned()
        }
        (false, true) => format!("It answers no login of ours, which {name} may do (idp_initiated)."),
        (false, false) => format!(
            "It answers no login of ours: the STS API takes that, the browser's address does not unless \
             idp_initiated is set for {name}."
        ),
    });
    if question.recipient.is_none() {
        report.note("Any address of ours was taken for the recipient; choose one by --recipient.");
    }
    report.note("Whether it was used before, or its login ended since, was not looked at.");
}

/// Who looks at an old capture wonders what it was when it arrived. No other time makes an old
/// sign-in fresh.
fn may_have_been_good(error: &VerifyError, issued: Option<Moment>, report: &mut Report) {
    let is_over = error.code() == VerifyCode::Expired && error.check() != "saml.authn-instant.old";
    if let Some(issued) = issued.filter(|_| is_over) {
        report.note(format!("It may have been good when it arrived: ask again with --at {issued}."));
    }
}

fn failed(error: &VerifyError) -> Step {
    let (expected, seen) = (error.expected().to_owned(), error.seen().to_owned());
    Step { check: error.check(), outcome: Outcome::Failed, expected, seen }
}

fn check(step: Step, is_unknown_certificate: bool) -> Check {
    let outcome = match step.outcome {
        Outcome::Passed => CheckOutcome::Passed,
        Outcome::Failed => CheckOutcome::Failed,
        Outcome::Waived => CheckOutcome::Waived,
    };
    let advice = (outcome == CheckOutcome::Failed)
        .then(|| advice::of_check(step.check, is_unknown_certificate).to_owned());
    Check { check: step.check.to_owned(), outcome, expected: step.expected, seen: step.seen, advice }
}

fn document(facts: &Facts) -> Document {
    let part = |part: &saml::Part, name: &str| Part {
        id: part.id.clone(),
        issuer: part.issuer.clone(),
        issued: part.issued.map(Moment::to_rfc3339),
        in_response_to: part.in_response_to.clone(),
        signature: part.signature.as_ref().map(|claimed| Signature {
            algorithm: claimed.algorithm.clone(),
            digest: claimed.digest.clone(),
            verified_by: facts.verified.iter().find(|v| v.signed == name).map(|v| v.fingerprint.clone()),
        }),
    };
    Document {
        protocol: "saml",
        bytes: facts.bytes,
        response: facts.response.as_ref().map(|response| part(response, "Response")),
        encrypted: facts.is_encrypted,
        assertion: facts.assertion.as_ref().map(|assertion| part(assertion, "Assertion")),
        unknown_certificate: facts.unknown_certificate.clone(),
    }
}

fn told(provider: &directory::Provider, side: &SamlSide, facts: &Facts, at: Moment) -> Provider {
    let certificate = |certificate: saml::Certificate| Certificate {
        expired: certificate.not_after < at,
        not_after: certificate.not_after.to_rfc3339(),
        signed: (facts.verified.iter().filter(|v| v.fingerprint == certificate.fingerprint))
            .map(|v| v.signed.clone())
            .collect(),
        subject: certificate.subject,
        fingerprint: certificate.fingerprint,
    };
    let metadata = side.provider.metadata_state(at);
    Provider {
        name: provider.name.clone(),
        arn: provider.arn.to_string(),
        issuer: side.provider.issuer().map(str::to_owned),
        // A file is read as of the moment that is asked about, which tells nothing.
        metadata_confirmed: metadata.confirmed.filter(|seen| *seen != at).map(Moment::to_rfc3339),
        metadata_valid_until: metadata.valid_until.map(Moment::to_rfc3339),
        metadata_troubles: metadata.troubles,
        certificates: metadata.certificates.into_iter().map(certificate).collect(),
    }
}

fn issued(facts: &Facts) -> Option<Moment> {
    let issued = |part: &Option<saml::Part>| part.as_ref().and_then(|part| part.issued);
    issued(&facts.assertion).or_else(|| issued(&facts.response))
}

/// Nothing is issued in the future, so that what seems to be tells of a clock. An age does not.
fn clock(issued: Moment, at: Moment) -> Clock {
    let milliseconds_ago = at.unix_millis().saturating_sub(issued.unix_millis());
    let seconds = format!("{}.{:03} s", milliseconds_ago.abs() / 1000, milliseconds_ago.abs() % 1000);
    let meaning = if milliseconds_ago < 0 {
        format!("the provider's clock is at least {seconds} ahead: nothing is issued in the future")
    } else {
        format!("{seconds} earlier: its way here and any difference of the clocks together")
    };
    Clock { issued: issued.to_rfc3339(), milliseconds_ago, meaning }
}

fn person(claims: &Claims, believed: bool, counts: bool) -> Identity {
    let attribute = |(name, values): (&String, &Vec<String>)| {
        let aliases = claims.aliases.iter().filter(|(_, meant)| meant.as_ref() == Some(name));
        let names = std::iter::once(name).chain(aliases.map(|(alias, _)| alias));
        let expressions = names.map(|name| expression(name)).collect();
        Attribute { name: name.clone(), expressions, values: values.clone() }
    };
    let ambiguous = claims.aliases.iter().filter(|(_, meant)| meant.is_none());
    Identity {
        believed,
        subject: claims.subject.clone(),
        subject_type: claims.subject_type.clone(),
        attributes: claims.attributes.iter().map(attribute).collect(),
        ambiguous: ambiguous.map(|(alias, _)| expression(alias)).collect(),
        asserted: claims.asserted.as_ref().map(|asserted| understood(asserted, counts)),
    }
}

/// How a rule names the attribute.
fn expression(name: &str) -> String {
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_name { format!("attr.{name}") } else { format!("attr[{name:?}]") }
}

fn understood(asserted: &identity::Asserted, counts: bool) -> Asserted {
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
