//! From a SAML response to an identity, or the refusal: what the verifier noted, put in order.

use super::report::{Attribute, Certificate, Document, Identity, Part, Provider, Report, Signature};
use super::told::{check, clock, failed, may_have_been_good, name_as, understood};
use super::{Question, told};
use crate::broker::Refusal;
use crate::broker::federate::wrong_protocol;
use crate::clock::Moment;
use crate::config::Snapshot;
use crate::directory::{self, SamlSide, Verifier};
use crate::identity::FederatedIdentity;
use crate::identity::saml::{self, Answer, Claims, Expect, Facts};

/// The provider that is asked about, or that the document names.
pub(super) fn provider<'s>(
    snapshot: &'s Snapshot,
    question: &Question<'s>,
    response: &str,
    report: &mut Report,
) -> Result<&'s directory::Provider, Refusal> {
    if let Some(provider) = question.provider {
        return Ok(provider);
    }
    let issuer = saml::unverified_issuer(response).inspect_err(|error| {
        report.checks.push(check(failed(error), false));
    })?;
    let found: Vec<_> = snapshot.directory.saml_providers(&issuer).collect();
    let Some(chosen) = told::chosen(&found, question.role, "this entity id", report) else {
        report.document = Some(document(&saml::unverified_facts(response)));
        note_issuers(snapshot, report);
        return Err(Refusal::unknown_provider(&issuer));
    };
    Ok(chosen)
}

/// Verifies as a request would, and notes what there is to know.
pub(super) fn believe(
    provider: &directory::Provider,
    question: &Question<'_>,
    (response, recipient): (&str, Option<&str>),
    report: &mut Report,
) -> Result<FederatedIdentity, Refusal> {
    let Verifier::Saml(side) = &provider.verifier else {
        return Err(wrong_protocol("a token", "a SAML response").into());
    };
    let expect = Expect { recipient, in_response_to: Answer::Any };
    let explained = side.provider.explain(response, expect, question.at);
    let facts = &explained.facts;
    report.document = Some(document(facts));
    report.provider = Some(told(provider, side, facts, question.at));
    report.clock = issued(facts).map(|issued| clock(issued, question.at));
    let is_unknown = facts.unknown_certificate.is_some();
    report.checks = explained.steps.into_iter().map(|step| check(step, is_unknown)).collect();
    let believed = explained.identity.is_ok();
    report.identity =
        explained.facts.claims.as_ref().map(|claims| person(claims, believed, provider.asserts_roles));
    notes(provider, side, &explained.facts, recipient.is_none(), report);
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
    told::note_configured("entity ids", issuers, report);
    if !unnamed.is_empty() {
        report.note(format!("Without metadata yet, choose by --provider: {}.", unnamed.join(", ")));
    }
}

/// What an explanation can't know.
fn notes(
    provider: &directory::Provider,
    side: &SamlSide,
    facts: &Facts,
    any_recipient: bool,
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
    if any_recipient {
        report.note("Any address of ours was taken for the recipient; choose one by --recipient.");
    }
    report.note("Whether it was used before, or its login ended since, was not looked at.");
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
        token: None,
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
        keys: Vec::new(),
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

fn person(claims: &Claims, believed: bool, counts: bool) -> Identity {
    let attribute = |(name, values): (&String, &Vec<String>)| {
        let aliases = claims.aliases.iter().filter(|(_, meant)| meant.as_ref() == Some(name));
        let names = std::iter::once(name).chain(aliases.map(|(alias, _)| alias));
        let expressions = names.map(|name| name_as("attr", name)).collect();
        Attribute { name: name.clone(), expressions, values: values.clone() }
    };
    let ambiguous = claims.aliases.iter().filter(|(_, meant)| meant.is_none());
    Identity {
        believed,
        subject: claims.subject.clone(),
        subject_type: claims.subject_type.clone(),
        attributes: claims.attributes.iter().map(attribute).collect(),
        ambiguous: ambiguous.map(|(alias, _)| name_as("attr", alias)).collect(),
        asserted: claims.asserted.as_ref().map(|asserted| understood(asserted, counts)),
    }
}
