//! What must be known later of what was given: a sealed record, an audit event, a count.

use super::federate::sha256;
use super::{Failure, RequestContext};
use crate::arn::ProviderArn;
use crate::audit;
use crate::clock::Moment;
use crate::entropy::NoEntropy;
use crate::identity::{Holder, RoleSession};
use crate::issuer::TemporaryCredentials;
use crate::policy::{AuthorizedSession, AuthorizedUserSession, OfferedBy};
use crate::seal::Purpose;
use crate::store::SessionKey;
use crate::telemetry;

/// What was given, as it is recorded.
pub(super) struct Given<'a> {
    /// The way in.
    pub(super) action: &'static str,
    /// The access key id, or a token's `jti`.
    pub(super) id: &'a str,
    /// When it ends.
    pub(super) expires: Moment,
    /// Whether it is a token, which is signed, or credentials.
    pub(super) is_token: bool,
    /// Id and session, if what was given holds them sealed.
    pub(super) sealed: Option<&'a [u8]>,
    /// The upstream that it comes from.
    pub(super) upstream: Option<&'a str>,
    /// The OAuth client that it was given to.
    pub(super) client: Option<&'a str>,
    /// The service that a token is for.
    pub(super) audience: Option<&'a str>,
}

impl<'a> Given<'a> {
    pub(super) fn credentials(made: &'a TemporaryCredentials, action: &'static str) -> Self {
        let (sealed, upstream) = (made.sealed_session(), made.upstream());
        let given = Self::token(made.access_key_id(), made.expires(), action);
        Self { is_token: false, sealed, upstream, ..given }
    }

    pub(super) const fn token(id: &'a str, expires: Moment, action: &'static str) -> Self {
        let (sealed, upstream, client, audience) = (None, None, None, None);
        Self { action, id, expires, is_token: true, sealed, upstream, client, audience }
    }
}

/// Tells the audit and the metrics.
pub(super) fn tell_issued(facts: &RoleSession, offered_by: &str, given: &Given<'_>) {
    telemetry::count_issued(given.action);
    audit::Issued {
        action: given.action,
        provider: facts.provider.as_ref().map(ProviderArn::as_str).unwrap_or_default(),
        subject: facts.subject.as_deref().unwrap_or_default(),
        session: &facts.arn(),
        caller: facts.assumed_by.as_deref(),
        offered_by: Some(offered_by),
        access_key_id: (!given.is_token).then_some(given.id),
        token_id: given.is_token.then_some(given.id),
        expires: given.expires,
        upstream: given.upstream,
        client: given.client,
        audience: given.audience,
    }
    .write();
}

impl RequestContext<'_> {
    /// What must be known later. The record is queued: what was given is good without it, and
    /// where the store can't take it, the log says so. Credentials are recorded as they are sealed
    /// already, which names them; everything else is sealed for the record.
    pub(super) fn record(&self, session: &AuthorizedSession, given: &Given<'_>) -> Result<(), Failure> {
        let facts = session.session();
        let sealed = match given.sealed {
            Some(sealed) => sealed.to_vec(),
            None => {
                let body = postcard::to_allocvec(&(given.id, facts)).map_err(|_| NoEntropy)?;
                let (place, entropy) = (record_key(given).id, self.parts.entropy.as_ref());
                self.parts.ring.seal_at(&place, Purpose::StoredRecord, &body, entropy)?
            }
        };
        self.put(sealed, given);
        tell_issued(facts, offered_by(session.offered_by()), given);
        Ok(())
    }

    fn put(&self, sealed: Vec<u8>, given: &Given<'_>) {
        if let Err(fault) = self.parts.store.put(record_key(given), sealed, self.at) {
            telemetry::count_fault("record");
            tracing::warn!(fault = fault.to_string(), "the session was issued without a record");
        }
    }

    /// As [`RequestContext::record`], of what a user was given.
    pub(super) fn record_of_user(&self, session: &AuthorizedUserSession, given: &Given<'_>) {
        self.put(given.sealed.unwrap_or_default().to_vec(), given);
        let holder = Holder::from(session.session());
        let user = match holder {
            Holder::User(of) => &of.user,
            Holder::FederatedUser(of) => &of.made_by,
            Holder::Role(_) => return,
        };
        telemetry::count_issued(given.action);
        audit::Issued {
            action: given.action,
            provider: "",
            subject: "",
            session: &holder.arn(),
            caller: Some(user.as_str()),
            offered_by: None,
            access_key_id: Some(given.id),
            token_id: None,
            expires: given.expires,
            upstream: None,
            client: None,
            audience: None,
        }
        .write();
    }
}

/// Whoever has what was given knows both of it.
fn record_key(given: &Given<'_>) -> SessionKey {
    SessionKey { until: given.expires, id: sha256(given.id.as_bytes()) }
}

pub(super) fn offered_by(by: &OfferedBy) -> &str {
    match by {
        OfferedBy::Rule(name) => name,
        OfferedBy::Asserted => "the provider's own Role attribute",
        OfferedBy::TrustPolicy => "the role's trust policy",
        OfferedBy::CallersPolicies => "the caller's policies",
    }
}
