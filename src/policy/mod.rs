//! Which roles are offered to an identity, and which session it gets.
//!
//! Pure and synchronous: no I/O, no clock, nothing but `identity`'s values. A role is granted
//! only where something *offers* it (an attribute rule, the assertion's own `Role` attribute
//! where the provider may assert roles, or a trust policy alone where the provider may grant by
//! it) and its trust policy *allows* it. [`AuthorizedSession`] is the proof of both.
//!
//! What an offer carries: session tags and source identity come from the rule first; what the
//! assertion says of them is used only when the provider may assert roles, tag by tag.

mod assume;
mod denial;
mod doubts;
mod facts;
pub mod iam;
pub mod issuers;
mod length;
pub mod rights;
pub mod rules;
mod session;
mod tags;
mod trust;
mod user_session;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

pub use self::assume::AssumeRequest;
pub use self::denial::{CallerDenial, Denial, NameSource, SessionNameFault};
pub use self::doubts::{Doubt, Vouching};
pub use self::facts::name_qualifier;
use self::iam::StatementRef;
pub use self::length::{LONGEST_SESSION, LengthLimit, SessionLength};
use self::rights::Rights;
pub use self::rules::{RuleEffect, RuleFault, RuleSource, Rules};
pub use self::session::{AuthorizedSession, SessionRequest, packed_percent};
pub use self::tags::TagFault;
pub use self::trust::{ActionReview, AllowedAction, TrustPolicy, TrustRefusal, TrustStatement, Untrusted};
pub use self::user_session::{AuthorizedUserSession, FederationRequest};
use crate::arn::RoleArn;
use crate::clock::Moment;
use crate::identity::{Asserted, FederatedIdentity, Protocol, SessionTag};

/// All that decides about roles and what they may do, compiled.
#[derive(Debug)]
pub struct Policies {
    rules: Rules,
    trusts: HashMap<RoleArn, TrustPolicy>,
    rights: Rights,
}

/// When and where from somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// When.
    pub at: Moment,
    /// Where the call comes from; `None`: nobody knows.
    pub source_ip: Option<IpAddr>,
}

impl Circumstances {
    /// At a time, from nobody knows where.
    pub const fn at(at: Moment) -> Self {
        Self { at, source_ip: None }
    }
}

/// What a provider may grant roles by. Its rules always may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grant {
    /// The assertion's own `Role` attribute or roles claim offers roles, and what it asserts of
    /// tags and source identity is used.
    pub asserted_roles: bool,
    /// A role that is asked for by ARN needs no offer but its trust policy: AWS's own way.
    pub trust_policy: bool,
}

/// A role that an identity may ask for. Only this room makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleOffer {
    /// The role.
    pub role: RoleArn,
    /// What offers it.
    pub by: OfferedBy,
    /// The session name that the rule sets; then no other is used.
    pub session_name: Option<String>,
    /// Source identity.
    pub source_identity: Option<String>,
    /// Session tags.
    pub tags: Vec<SessionTag>,
    /// How long the rule wants sessions to last.
    pub duration: Option<Duration>,
    /// What was wrong with the asserted tags; authorization says it.
    tag_fault: Option<TagFault>,
}

/// What offers a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferedBy {
    /// The attribute rule of this name.
    Rule(String),
    /// The provider, in the assertion or token itself.
    Asserted,
    /// Nothing but the role's trust policy.
    TrustPolicy,
    /// The policies of a caller that assumes it by credentials of its own.
    CallersPolicies,
}

impl Policies {
    /// Joins compiled rules with the trust policies of all roles that exist, and with what their sessions
    /// may do.
    pub const fn new(rules: Rules, trusts: HashMap<RoleArn, TrustPolicy>, rights: Rights) -> Self {
        Self { rules, trusts, rights }
    }

    /// The rules, for whoever wants to know what each said (`Rules::evaluate`).
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Every statement of every trust policy, in the order of the roles.
    pub fn trust_statements(&self) -> Vec<(RoleArn, StatementRef)> {
        let of_role = |(role, trust): (&RoleArn, &TrustPolicy)| -> Vec<_> {
            trust.parts().map(|parts| (role.clone(), parts.statement)).collect()
        };
        let mut statements: Vec<_> = self.trusts.iter().flat_map(of_role).collect();
        statements.sort_by(|one, other| (&one.0, one.1.index).cmp(&(&other.0, other.1.index)));
        statements
    }

    /// The statements of a role's trust policy, as written.
    pub fn trust_of(&self, role: &RoleArn) -> Vec<TrustStatement> {
        self.trusts.get(role).map(TrustPolicy::statements).unwrap_or_default()
    }

    /// The roles that rules offer, in the order written, then those that the assertion names
    /// itself. A role appears once, with what the first rule sets. Left out is what could
    /// not be granted anyway: an asserted role that does not exist here, a role that a token's roles claim
    /// does not name, and what a rule denies, whatever offers it.
    pub fn offers(&self, identity: &FederatedIdentity, grant: Grant, when: Circumstances) -> Vec<RoleOffer> {
        let asserted = grant.asserted_roles.then(|| identity.asserted());
        let denying = self.rules.denying(identity, when);
        let mut seen = HashSet::new();
        let mut offers = Vec::new();
        for (rule, mapping) in self.rules.matching(identity, None, when) {
            let named = rule.offered_to(identity).filter(|role| session::named_by_token(identity, role));
            for role in named.filter(|role| seen.insert((*role).clone())) {
                offers.push(RoleOffer::by_rule(rule, mapping.clone(), role, asserted));
            }
        }
        if asserted.is_some() {
            let roles = asserted_roles(identity).filter(|role| self.trusts.contains_key(role));
            for role in roles.collect::<Vec<_>>() {
                if seen.insert(role.clone()) {
                    offers.push(RoleOffer::without_rule(role, OfferedBy::Asserted, asserted));
                }
            }
        }
        offers.retain(|offer| !denying.iter().any(|(rule, _)| rule.denies(&offer.role)));
        offers
    }

    /// The offer of one role that is asked for by ARN; `None` if it is not offered, or a rule denies it.
    pub fn offer_for(
        &self,
        identity: &FederatedIdentity,
        grant: Grant,
        role: &RoleArn,
        when: Circumstances,
    ) -> Option<RoleOffer> {
        if self.rules.denying(identity, when).iter().any(|(rule, _)| rule.denies(role)) {
            return None;
        }
        let asserted = grant.asserted_roles.then(|| identity.asserted());
        if let Some((rule, mapping)) = self.rules.matching(identity, Some(role), when).into_iter().next() {
            return Some(RoleOffer::by_rule(rule, mapping, role, asserted));
        }
        let by = if asserted.is_some() && asserted_roles(identity).any(|named| named == *role) {
            OfferedBy::Asserted
        } else if grant.trust_policy {
            OfferedBy::TrustPolicy
        } else {
            return None;
        };
        Some(RoleOffer::without_rule(role.clone(), by, asserted))
    }

    /// Grants the session that `ask` describes, if the role's trust policy allows it to
    /// `identity`, with these tags and this source identity.
    pub fn authorize(
        &self,
        identity: &FederatedIdentity,
        ask: &SessionRequest<'_>,
        when: Circumstances,
    ) -> Result<AuthorizedSession, Denial> {
        session::authorize(identity, ask, self.trusts.get(&ask.offer.role), &self.rights, when)
    }

    /// What every statement of the role's trust policy says to `ask`, for explanations: what
    /// [`Policies::authorize`] goes by, and decides alone.
    pub fn review(
        &self,
        identity: &FederatedIdentity,
        ask: &SessionRequest<'_>,
        when: Circumstances,
    ) -> Vec<ActionReview> {
        session::review(identity, ask, self.trusts.get(&ask.offer.role), when)
    }
}

impl RoleOffer {
    fn by_rule(
        rule: &rules::Rule,
        mapping: rules::Mapping,
        role: &RoleArn,
        asserted: Option<&Asserted>,
    ) -> Self {
        let mut offer = Self::without_rule(role.clone(), OfferedBy::Rule(rule.name().to_owned()), None);
        offer.session_name = mapping.session_name;
        offer.source_identity = mapping.source_identity;
        offer.tags = mapping.tags;
        offer.duration = rule.duration();
        offer.with_asserted(asserted)
    }

    fn without_rule(role: RoleArn, by: OfferedBy, asserted: Option<&Asserted>) -> Self {
        let offer = Self {
            role,
            by,
            session_name: None,
            source_identity: None,
            tags: Vec::new(),
            duration: None,
            tag_fault: None,
        };
        offer.with_asserted(asserted)
    }

    /// Fills in what the rule left open, from an assertion that may say it.
    fn with_asserted(mut self, asserted: Option<&Asserted>) -> Self {
        if let Some(asserted) = asserted {
            self.source_identity = self.source_identity.or_else(|| asserted.source_identity.clone());
            (self.tags, self.tag_fault) = tags::merged(self.tags, asserted);
        }
        self
    }
}

/// The roles that the assertion or token names for its own provider. SAML pairs a role with a
/// provider, in either order (facts 2.1); a role paired with another provider does not count.
fn asserted_roles(identity: &FederatedIdentity) -> impl Iterator<Item = RoleArn> {
    let provider = identity.provider().as_str();
    identity.asserted().roles.iter().flatten().filter_map(move |(one, other)| {
        let (one, other) = (one.trim(), other.trim());
        let role = match identity.protocol() {
            Protocol::Oidc => one,
            Protocol::Saml if other == provider => one,
            Protocol::Saml if one == provider => other,
            Protocol::Saml => return None,
        };
        role.parse().ok()
    })
}
