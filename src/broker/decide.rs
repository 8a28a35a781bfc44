//! What configuration alone decides about an identity: which roles it is offered, and which
//! session it gets. No store, no issuer: a request and its explanation come by here alike.

use super::{Ask, Refusal};
use crate::arn::RoleArn;
use crate::config::Snapshot;
use crate::directory::Provider;
use crate::identity::FederatedIdentity;
use crate::policy::iam::{Decision, Effect};
use crate::policy::{ActionReview, AuthorizedSession, Circumstances, Grant, RoleOffer, SessionRequest};

/// Characters of what a log line says of an unmet statement.
const LONGEST_UNMET: usize = 500;

/// One configuration, one provider, one moment and place.
#[derive(Clone, Copy)]
pub(super) struct Decide<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) provider: &'a Provider,
    pub(super) when: Circumstances,
}

impl Decide<'_> {
    /// Every role that is offered and exists.
    pub(super) fn offers(&self, identity: &FederatedIdentity) -> Vec<RoleOffer> {
        let mut offers = self.snapshot.policies.offers(identity, self.grant(), self.when);
        offers.retain(|offer| self.snapshot.directory.role(&offer.role).is_some());
        offers
    }

    /// The offer of one role that is asked for.
    pub(super) fn offer(&self, identity: &FederatedIdentity, role: &RoleArn) -> Result<RoleOffer, Refusal> {
        let offer = self.snapshot.policies.offer_for(identity, self.grant(), role, self.when);
        offer.ok_or_else(|| Refusal::NotOffered { role: role.clone() })
    }

    /// The session, if the role's trust policy allows it.
    pub(super) fn authorize(
        &self,
        identity: &FederatedIdentity,
        offer: &RoleOffer,
        ask: &Ask<'_>,
    ) -> Result<AuthorizedSession, Refusal> {
        let request = self.request(offer, ask)?;
        self.snapshot.policies.authorize(identity, &request, self.when).map_err(Refusal::Denied)
    }

    /// What every statement of the role's trust policy says; nothing where it is not asked.
    pub(super) fn review(
        &self,
        identity: &FederatedIdentity,
        offer: &RoleOffer,
        ask: &Ask<'_>,
    ) -> Vec<ActionReview> {
        let request = self.request(offer, ask);
        request.map_or_else(|_| Vec::new(), |it| self.snapshot.policies.review(identity, &it, self.when))
    }

    /// What the allowing statement of the role's trust policy that comes nearest wants and does not
    /// have, in one line; nothing where there is none, or a Deny refuses.
    pub(super) fn unmet(
        &self,
        identity: &FederatedIdentity,
        offer: &RoleOffer,
        ask: &Ask<'_>,
    ) -> Option<String> {
        let refused = self.review(identity, offer, ask).into_iter();
        let refused = refused.filter(|action| action.decision == Decision::ImplicitDeny);
        let statements = refused.flat_map(|action| action.statements);
        let allowing = statements.filter(|statement| statement.effect == Effect::Allow);
        let nearest = allowing.min_by_key(|statement| statement.obstacles.len())?;
        let obstacles: Vec<_> = nearest.obstacles.iter().map(ToString::to_string).collect();
        let line = format!("Statement[{}]: {}", nearest.statement.index, obstacles.join("; "));
        Some(line.chars().take(LONGEST_UNMET).collect())
    }

    fn request<'r>(&'r self, offer: &'r RoleOffer, ask: &'r Ask<'_>) -> Result<SessionRequest<'r>, Refusal> {
        let role = self.snapshot.directory.role(&offer.role);
        let role = role.ok_or_else(|| Refusal::NotOffered { role: offer.role.clone() })?;
        Ok(SessionRequest {
            offer,
            role_id: &role.id,
            max_session_duration: role.max_session_duration,
            signed_in_within: role.signed_in_within,
            session_name: ask.session_name,
            duration: ask.duration,
            policies: ask.policies,
        })
    }

    const fn grant(&self) -> Grant {
        Grant {
            asserted_roles: self.provider.asserts_roles,
            trust_policy: self.provider.grants_by_trust_policy,
        }
    }
}
