//! Ending what was given before its time, by somebody in charge.
//!
//! This node holds to it at once; only when the store has it too is it called done. What an upstream STS gave,
//! that STS must end; here it is not given again (`issuer::upstream`). People are not kept
//! out by it: who signs in again, is given again what the rules offer.

mod others;
mod set;
mod target;

use std::time::Duration;

pub use self::set::{Others, RevocationSet};
pub use self::target::Target;
pub(super) use self::target::{of_session, of_subject};
use super::RequestContext;
use crate::arn::{ProviderArn, RoleArn};
use crate::audit;
use crate::clock::Moment;
use crate::directory::Verifier;
use crate::identity::{FederatedIdentity, Holder};
use crate::issuer::upstream::EndThere;
use crate::store::{Revocation, StoreFault};
use crate::telemetry;

/// What is to be ended.
pub struct RevokeAsk<'a> {
    /// Of whom or what.
    pub target: &'a Target,
    /// What was given up to then; without it, up to now.
    pub issued_before: Option<Moment>,
    /// Why, for the audit.
    pub reason: Option<&'a str>,
}

/// What was ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// What was given up to then.
    pub issued_before: Moment,
    /// Until when that is remembered; nothing of it is good any more by then anyway.
    pub until: Moment,
    /// What ends what upstream STS gave of it. Where none of their conditions names just that, it ends every session
    /// of the role.
    pub upstream: Vec<EndThere>,
}

/// Why nothing was ended, or not for good.
#[derive(Debug, thiserror::Error)]
pub enum RevokeFault {
    /// There is no such thing, so nothing could be of it.
    #[error("there is no {what} {name}")]
    Unknown {
        /// Such as `role`.
        what: &'static str,
        /// What was named.
        name: String,
    },
    /// What is given from then on can't be ended now.
    #[error("{0} is yet to come")]
    Future(Moment),
    /// The store does not have it, so it is forgotten when this node ends.
    #[error(transparent)]
    NotKept(#[from] StoreFault),
}

impl RequestContext<'_> {
    /// Ends what `ask` names.
    pub async fn end(&self, ask: &RevokeAsk<'_>) -> Result<Ended, RevokeFault> {
        self.check_known(ask.target)?;
        let now = self.parts.clock.now().max(self.at);
        let issued_before = ask.issued_before.unwrap_or(now);
        if issued_before > now {
            return Err(RevokeFault::Future(issued_before));
        }
        let revocation = Revocation {
            id: ask.target.mark(),
            issued_before,
            asserted_before: issued_before.plus(self.skew_of(ask.target)),
            until: self.parts.revoked.keeps_until(now),
        };
        self.parts.revoked.add(revocation, now);
        telemetry::count_logout("revoked");
        audit::Revoked {
            kind: ask.target.kind(),
            target: &ask.target.to_string(),
            issued_before,
            reason: ask.reason,
        }
        .write();
        self.parts.store.revoke(revocation, self.at).await.inspect_err(|fault| {
            telemetry::count_fault("store");
            tracing::error!(%fault, "a revocation holds on this node only, and until it ends");
        })?;
        self.parts.revoked.saved(&revocation);
        let upstream = self.ends_there(ask.target, issued_before);
        Ok(Ended { issued_before, until: revocation.until, upstream })
    }

    /// What must be attached to roles of upstreams, whose credentials come from there.
    fn ends_there(&self, target: &Target, issued_before: Moment) -> Vec<EndThere> {
        let source_identity = match target {
            Target::SourceIdentity(name) => Some(name.as_str()),
            _ => None,
        };
        let is_exact = matches!(target, Target::Role(_) | Target::SourceIdentity(_));
        let concerns = |role: &RoleArn| !matches!(target, Target::Role(ended) if ended != role);
        let roles = self.snapshot.upstreams.roles().into_iter().filter(|(role, _)| concerns(role));
        roles.filter_map(|(_, there)| there.end(issued_before, source_identity, is_exact)).collect()
    }

    /// A name that is mistyped would end nothing.
    fn check_known(&self, target: &Target) -> Result<(), RevokeFault> {
        let directory = &self.snapshot.directory;
        let (what, name, is_known) = match target {
            Target::Role(role) => ("role", role.as_str(), directory.role(role).is_some()),
            Target::User(user) => ("user", user.as_str(), directory.user(user).is_some()),
            Target::Provider(provider) | Target::Subject { provider, .. } => {
                ("provider", provider.as_str(), directory.provider_by_arn(provider).is_some())
            }
            Target::Session(_) | Target::SourceIdentity(_) => return Ok(()),
        };
        if is_known { Ok(()) } else { Err(RevokeFault::Unknown { what, name: name.to_owned() }) }
    }

    /// How far ahead the clock may be by which its documents are dated.
    fn skew_of(&self, target: &Target) -> Duration {
        let (Target::Provider(provider) | Target::Subject { provider, .. }) = target else {
            return Duration::ZERO;
        };
        let provider = self.snapshot.directory.provider_by_arn(provider);
        match provider.map(|provider| &provider.verifier) {
            Some(Verifier::Oidc(oidc)) => oidc.settings().clock_skew,
            // An assertion is used up by what it opens.
            Some(Verifier::Saml(_)) | None => Duration::ZERO,
        }
    }
}

impl RevocationSet {
    /// Whether something ended what `holder` got at `begun`, by our clock.
    pub fn ends_holder(&self, holder: Holder<'_>, begun: Moment) -> bool {
        let of_login = match holder {
            Holder::Role(session) => {
                session.login.as_ref().is_some_and(|marks| self.ends_session(marks, begun))
                    || session.grant.is_some_and(|grant| self.ends(&grant, begun))
            }
            Holder::User(_) | Holder::FederatedUser(_) => false,
        };
        of_login || target::any_mark(holder, |mark| self.ends(mark, begun))
    }

    /// Whether the credentials `id` were ended that were given at `begun`.
    pub fn ends_credentials(&self, id: &str, begun: Moment) -> bool {
        self.ends(&target::of_session(id), begun)
    }

    /// Whether nothing more may come of a document about `identity` that was issued at `asserted`, by the
    /// provider's clock.
    pub(super) fn ends_documents(&self, identity: &FederatedIdentity, asserted: Moment) -> bool {
        let (provider, subject) = (identity.provider(), identity.subject());
        [target::of_provider(provider), target::of_subject(provider, subject)]
            .iter()
            .any(|mark| self.ends_asserted(mark, asserted))
    }

    /// Whether `identity` was ended as a whole, of what began at `begun` by our clock.
    pub(super) fn ends_identity(&self, identity: &FederatedIdentity, begun: Moment) -> bool {
        self.ends_person(identity.provider(), identity.subject(), begun)
    }

    /// As [`RevocationSet::ends_identity`], by who it is.
    pub(super) fn ends_person(&self, provider: &ProviderArn, subject: &str, begun: Moment) -> bool {
        self.ends(&target::of_provider(provider), begun)
            || self.ends(&target::of_subject(provider, subject), begun)
    }
}
