//! From a token to an identity, or the refusal: what the verifier noted, put in order.

use serde_json::Value;

use super::report::{Attribute, Document, Identity, Provider, Report, Token};
use super::told::{check, clock, failed, may_have_been_good, name_as, understood};
use super::{Question, told};
use crate::broker::Refusal;
use crate::broker::federate::wrong_protocol;
use crate::clock::Moment;
use crate::config::Snapshot;
use crate::directory::{self, Verifier};
use crate::identity::FederatedIdentity;
use crate::identity::oidc::{self, OidcProvider, TokenClaims, TokenFacts};

/// The provider that is asked about, or whose issuer the token names.
pub(super) fn provider<'s>(
    snapshot: &'s Snapshot,
    question: &Question<'s>,
    token: &str,
    report: &mut Report,
) -> Result<&'s directory::Provider, Refusal> {
    if let Some(provider) = question.provider {
        return Ok(provider);
    }
    let issuer = oidc::unverified_issuer(token).inspect_err(|error| {
        report.checks.push(check(failed(error), false));
    })?;
    let of_issuer = |provider: &&directory::Provider| match &provider.verifier {
        Verifier::Oidc(oidc) => oidc.settings().issuer == issuer,
        Verifier::Saml(_) => false,
    };
    let mut found: Vec<_> = snapshot.directory.providers().iter().filter(of_issuer).collect();
    let facts = oidc::unverified_facts(token);
    // An issuer may be several providers here, for its several clients.
    found.sort_by_key(|provider| !takes(provider, &facts));
    let Some(chosen) = told::chosen(&found, question.role, "this issuer", report) else {
        report.document = (facts.length > 0).then(|| document(&facts));
        note_issuers(snapshot, report);
        return Err(Refusal::unknown_provider(&issuer));
    };
    Ok(chosen)
}

fn takes(provider: &directory::Provider, facts: &TokenFacts) -> bool {
    match &provider.verifier {
        Verifier::Oidc(oidc) => oidc.settings().client_ids.iter().any(|client| facts.is_for(client)),
        Verifier::Saml(_) => false,
    }
}

/// Verifies as a request would, and notes what there is to know.
pub(super) async fn believe(
    provider: &directory::Provider,
    question: &Question<'_>,
    token: &str,
    report: &mut Report,
) -> Result<FederatedIdentity, Refusal> {
    let Verifier::Oidc(oidc) = &provider.verifier else {
        return Err(wrong_protocol("a SAML response", "a token").into());
    };
    let explained = oidc.explain(token, question.at).await;
    let facts = &explained.facts;
    report.document = (facts.length > 0).then(|| document(facts));
    report.provider = Some(told(provider, oidc, question.at));
    report.clock = facts.issued.map(|issued| clock(issued, question.at));
    report.checks = explained.steps.into_iter().map(|step| check(step, false)).collect();
    let believed = explained.identity.is_ok();
    report.identity = facts.claims.as_ref().map(|claims| person(claims, believed, provider.asserts_roles));
    report.note("Whether it was used before, or its login ended since, was not looked at.");
    if oidc.settings().login.is_some() {
        report.note(
            "It was taken for a token at the STS API: what a browser sign-in learns besides is missing.",
        );
    }
    if let Err(error) = &explained.identity {
        may_have_been_good(error, facts.issued, report);
    }
    Ok(explained.identity?)
}

/// Who looks for a slip in an issuer wants to see the others.
fn note_issuers(snapshot: &Snapshot, report: &mut Report) {
    let issuers = snapshot.directory.providers().iter().filter_map(|provider| match &provider.verifier {
        Verifier::Oidc(oidc) => Some(oidc.settings().issuer.as_str()),
        Verifier::Saml(_) => None,
    });
    told::note_configured("issuers", issuers.collect(), report);
}

fn document(facts: &TokenFacts) -> Document {
    Document {
        protocol: "oidc",
        bytes: Some(facts.length),
        token: Some(Token {
            algorithm: facts.algorithm.clone(),
            key_id: facts.key_id.clone(),
            signed: facts.claims.is_some(),
            issuer: facts.issuer.clone(),
            audiences: facts.audiences.clone(),
            authorized_party: facts.authorized_party.clone(),
            issued: facts.issued.map(Moment::to_rfc3339),
            expires: facts.expires.map(Moment::to_rfc3339),
        }),
        response: None,
        encrypted: false,
        assertion: None,
        unknown_certificate: None,
    }
}

fn told(provider: &directory::Provider, oidc: &OidcProvider, at: Moment) -> Provider {
    Provider {
        name: provider.name.clone(),
        arn: provider.arn.to_string(),
        issuer: Some(oidc.settings().issuer.clone()),
        keys: oidc.key_ids(at),
        metadata_confirmed: None,
        metadata_valid_until: None,
        metadata_troubles: Vec::new(),
        certificates: Vec::new(),
    }
}

/// Attributes first by `attr`, then what only `claim` has.
fn person(claims: &TokenClaims, believed: bool, counts: bool) -> Identity {
    let attributes = claims.attributes.iter().map(|(name, values)| Attribute {
        name: name.clone(),
        expressions: vec![name_as("attr", name)],
        values: values.clone(),
    });
    let deeper = claims.claims.iter().filter(|(name, _)| !claims.attributes.contains_key(*name));
    let deeper = deeper.map(|(name, value): (&String, &Value)| Attribute {
        name: name.clone(),
        expressions: vec![name_as("claim", name)],
        values: vec![value.to_string()],
    });
    Identity {
        believed,
        subject: claims.subject.clone(),
        subject_type: "sub".to_owned(),
        attributes: attributes.chain(deeper).collect(),
        ambiguous: Vec::new(),
        asserted: claims.asserted.as_ref().map(|asserted| understood(asserted, counts)),
    }
}
