//! What the configuration would give to somebody who is described: for tests of rules.
//!
//! The identity goes the way of every other, up to where something would be given, and is let go of
//! here. Nothing of it leaves this room but plain data. `case` is how somebody is described in a file, `change` what two
//! configurations make of them.

mod case;
mod change;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value};

pub use self::case::{Case, CaseFile, Offer, Values, rehearsed};
pub use self::change::{change, written_changes};
use super::decide::Decide;
use super::{Ask, Refusal};
use crate::arn::RoleArn;
use crate::clock::Moment;
use crate::config::Snapshot;
use crate::directory::{Provider, Verifier};
use crate::identity::{FederatedIdentity, SessionPolicies, SessionTag, VerifyError};
use crate::policy::iam::StatementRef;
use crate::policy::{Circumstances, RoleOffer};

/// Somebody, as they are described.
#[derive(Debug, Clone)]
pub struct Supposed<'a> {
    /// Whose word it is.
    pub provider: &'a Provider,
    /// `NameID` or `sub`.
    pub subject: &'a str,
    /// Of an assertion, its attributes.
    pub attributes: &'a BTreeMap<String, Vec<String>>,
    /// Of a token, its claims.
    pub claims: &'a Map<String, Value>,
    /// When and in which context the person signed in at the provider.
    pub authn: (Option<Moment>, Option<&'a str>),
    /// What the caller sends as `RoleSessionName`.
    pub session_name: Option<&'a str>,
    /// Where the call comes from.
    pub source_ip: Option<IpAddr>,
    /// When.
    pub at: Moment,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rehearsed {
    /// Every role that is offered.
    pub roles: Vec<RehearsedRole>,
    /// The names of the rules that matched.
    pub rules: BTreeSet<String>,
    /// The statements of trust policies that applied, by role.
    pub statements: BTreeSet<(RoleArn, usize)>,
}

/// A role that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RehearsedRole {
    /// The role.
    pub role: RoleArn,
    /// Source identity and tags that the session has, or would have.
    pub source_identity: Option<String>,
    /// See there.
    pub tags: Vec<SessionTag>,
    /// Name and length of the session, or the stable name of what refuses it, and why.
    pub session: Result<(String, Duration), (&'static str, String)>,
}

/// Rehearses the sign-in of somebody who is described, or says why no provider could say such a thing.
pub fn rehearse(snapshot: &Snapshot, supposed: &Supposed<'_>) -> Result<Rehearsed, VerifyError> {
    let Supposed { provider, subject, attributes, claims, authn, at, source_ip, .. } = *supposed;
    let identity = match &provider.verifier {
        Verifier::Saml(side) => side.provider.suppose(subject, attributes, authn, &side.acs_url)?,
        Verifier::Oidc(oidc) => oidc.suppose(subject, claims, authn, at)?,
    };
    let when = Circumstances { at, source_ip };
    let decide = Decide { snapshot, provider, when };
    let mut rehearsed = Rehearsed::default();
    let rules = snapshot.policies.rules();
    let matching = rules.matching(&identity, None, when).into_iter().map(|(rule, _)| rule);
    let denying = rules.denying(&identity, when).into_iter().map(|(rule, _)| rule);
    rehearsed.rules.extend(matching.chain(denying).map(|rule| rule.name().to_owned()));
    for offer in decide.offers(&identity) {
        let role = one(&decide, &identity, &offer, supposed, &mut rehearsed.statements);
        rehearsed.roles.push(role);
    }
    Ok(rehearsed)
}

fn one(
    decide: &Decide<'_>,
    identity: &FederatedIdentity,
    offer: &RoleOffer,
    supposed: &Supposed<'_>,
    statements: &mut BTreeSet<(RoleArn, usize)>,
) -> RehearsedRole {
    let ask = Ask {
        action: "test",
        role: &offer.role,
        session_name: supposed.session_name,
        duration: None,
        policies: SessionPolicies::NONE,
    };
    for action in decide.review(identity, offer, &ask) {
        let applied = action.statements.into_iter().filter(|statement| statement.obstacles.is_empty());
        let applied = applied.map(|review| review.statement);
        statements.extend(applied.map(|StatementRef { index, .. }| (offer.role.clone(), index)));
    }
    let session = decide.authorize(identity, offer, &ask);
    RehearsedRole {
        role: offer.role.clone(),
        source_identity: offer.source_identity.clone(),
        tags: offer.tags.clone(),
        session: session
            .map(|it| (it.session().session_name.clone(), it.length().granted))
            .map_err(|refusal: Refusal| (refusal.check(), refusal.to_string())),
    }
}
