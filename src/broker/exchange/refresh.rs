//! Refresh tokens (RFC 6749 section 6), each good once (RFC 9700 section 4.14.2).
//!
//! A refresh token is the identity that was exchanged, sealed with what it was exchanged for. Using it
//! asks rules and trust policy again, as of now, and hands out its successor. The second use of one
//! means that two have it, of whom one is a thief: then all that came of the exchange is over.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ExchangeRefusal, Exchanged, Wanted, bound_to};
use crate::arn::RoleArn;
use crate::audit;
use crate::broker::login::hexadecimal;
use crate::broker::record::{AppRecord, Kind, Recorded, holder_id, record_id};
use crate::broker::{Failure, Refusal, RequestContext};
use crate::clock::Moment;
use crate::directory::{Client, RefreshTerms};
use crate::entropy;
use crate::identity::dpop::Proof;
use crate::identity::{FederatedIdentity, GrantId, RoleSession};
use crate::policy::AuthorizedSession;
use crate::secret::Secret;
use crate::store::{Revocation, Scope, SessionKey};
use crate::telemetry;

/// The way in, for audit and metrics.
const ACTION: &str = "token-refresh";

/// What an identity is remembered for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Lineage {
    /// This token's own name, by which it is claimed.
    id: [u8; 32],
    /// The exchange that it comes of, by which it is revoked.
    pub(super) grant: GrantId,
    client_id: String,
    role: RoleArn,
    session_name: Option<String>,
    duration: Option<Duration>,
    /// The service; `None` for credentials.
    audience: Option<String>,
    /// The thumbprint of the key that whoever uses it must hold (RFC 9449 section 5).
    key: Option<String>,
    /// When the exchange was.
    began: Moment,
    /// When this token was given.
    given: Moment,
    /// The last moment of all, as it was said when the exchange was.
    ends: Moment,
}

/// What is asked for again with each refresh.
pub(super) struct Kept<'a> {
    pub(super) role: &'a RoleArn,
    pub(super) session_name: Option<&'a str>,
    pub(super) duration: Option<Duration>,
    pub(super) wanted: Wanted<'a>,
    pub(super) key: Option<&'a str>,
}

impl Lineage {
    fn kept<'k>(&'k self, key: Option<&'k str>) -> Kept<'k> {
        let wanted = Wanted::of(self.audience.as_deref());
        let session_name = self.session_name.as_deref();
        Kept { role: &self.role, session_name, duration: self.duration, wanted, key }
    }

    /// The last moment of this token. Terms that were shortened since hold.
    fn until(&self, terms: RefreshTerms) -> Moment {
        let ends = self.ends.min(self.began.plus(terms.lifetime));
        terms.idle.map_or(ends, |idle| ends.min(self.given.plus(idle)))
    }
}

impl RequestContext<'_> {
    /// The first refresh token of an exchange, if `client` may refresh. An identity that is too large to
    /// be remembered gets none.
    pub(super) fn first_refresh(
        &self,
        client: &Client,
        identity: &FederatedIdentity,
        session: &AuthorizedSession,
        grant: GrantId,
        kept: &Kept<'_>,
    ) -> Result<Option<Secret<String>>, Failure> {
        let Some(terms) = client.refresh else { return Ok(None) };
        let ends = self.at.plus(terms.lifetime);
        let lineage = Lineage {
            id: entropy::bytes(self.parts.entropy.as_ref())?,
            grant,
            client_id: client.id.clone(),
            role: kept.role.clone(),
            session_name: kept.session_name.map(str::to_owned),
            duration: kept.duration,
            audience: kept.wanted.audience().map(str::to_owned),
            key: kept.key.map(str::to_owned),
            began: self.at,
            given: self.at,
            ends: identity.session_ends().map_or(ends, |end| end.min(ends)),
        };
        self.remembered(identity, &lineage, terms, session.session())
    }

    /// Uses a refresh token, once. One that is bound to a key stays so; `proof` binds one that is not.
    pub async fn refresh(
        &self,
        client: &Client,
        token: &str,
        proof: Option<&Proof>,
    ) -> Result<Exchanged, Failure> {
        let terms = client.refresh.ok_or(ExchangeRefusal::Grant { grant: "refresh" })?;
        let refused = |reason| ExchangeRefusal::RefreshToken(reason);
        let (identity, lineage) = self.recalled(token).ok_or(refused("it is none that this broker made"))?;
        if lineage.client_id != client.id {
            return Err(refused("it was given to another client").into());
        }
        let key = bound_to(client, proof)?;
        if lineage.key.as_deref().is_some_and(|bound| Some(bound) != key) {
            return Err(refused("it is bound to another key").into());
        }
        if lineage.until(terms) <= self.at {
            return Err(refused("its time is over").into());
        }
        if self.parts.revoked.ends(&lineage.grant, lineage.given) {
            return Err(refused("it was revoked").into());
        }
        let kept = lineage.kept(key);
        let session =
            self.authorize_again(client, &identity, lineage.began, &kept, ACTION)?.under_grant(lineage.grant);
        let granted = self.make(client, &kept, &session, None).await?;
        self.use_up(proof).await?;
        self.claim_refresh(&identity, &lineage).await?;
        self.record_granted(client, &kept, &session, &granted, ACTION)?;
        let id = entropy::bytes(self.parts.entropy.as_ref())?;
        let next = Lineage { id, given: self.at, key: key.map(str::to_owned), ..lineage };
        let refresh = self.remembered(&identity, &next, terms, session.session())?;
        Ok(Exchanged { granted, refresh })
    }

    /// The first use passes; any other ends all that came of the exchange.
    async fn claim_refresh(&self, identity: &FederatedIdentity, lineage: &Lineage) -> Result<(), Failure> {
        match self.claim_once(lineage.id, Scope::Whole, lineage.ends).await {
            Err(Failure::Refusal(Refusal::AlreadyUsed)) => {
                self.end_grant(lineage.grant).await?;
                self.tell_grant_ended("refresh-reuse", identity.provider().as_str(), identity.subject());
                Err(ExchangeRefusal::Reused.into())
            }
            claimed => claimed,
        }
    }

    /// Ends all that came of the exchange `grant`, and what a request under way is giving of it: here at
    /// once, and for good when this is `Ok`.
    pub(in crate::broker) async fn end_grant(&self, grant: GrantId) -> Result<(), Failure> {
        let now = self.parts.clock.now().max(self.at);
        let until = self.parts.revoked.keeps_until(now);
        let asserted_before = Moment::from_unix(0); // No document has this name.
        let revocation = Revocation { id: grant, issued_before: now, asserted_before, until };
        self.parts.revoked.add(revocation, now);
        Ok(self.parts.store.revoke(revocation, self.at).await?)
    }

    pub(super) fn tell_grant_ended(&self, action: &'static str, provider: &str, subject: &str) {
        telemetry::count_logout(action);
        audit::Ended { action, provider, subject, scope: "grant" }.write();
    }

    /// What a refresh token of ours holds, whether or not it is still good.
    pub(super) fn recalled(&self, token: &str) -> Option<(FederatedIdentity, Lineage)> {
        FederatedIdentity::recall(token, &self.parts.ring)
    }

    fn remembered(
        &self,
        identity: &FederatedIdentity,
        lineage: &Lineage,
        terms: RefreshTerms,
        session: &RoleSession,
    ) -> Result<Option<Secret<String>>, Failure> {
        let text = identity.remember(lineage, &self.parts.ring, self.parts.entropy.as_ref())?;
        if text.is_none() {
            let (client, provider) = (lineage.client_id.as_str(), identity.provider_name());
            tracing::warn!(client, provider, "an identity is too large for a refresh token: none was given");
            return Ok(None);
        }
        self.record_app(lineage, terms, session)?;
        Ok(text.map(Secret::new))
    }

    /// Records that an app may ask again for what `session` is.
    fn record_app(
        &self,
        lineage: &Lineage,
        terms: RefreshTerms,
        session: &RoleSession,
    ) -> Result<(), Failure> {
        let (until, client) = (lineage.until(terms), lineage.client_id.clone());
        let session = RoleSession { issued: lineage.began, ..session.clone() };
        let id = record_id("app", &hexadecimal(&lineage.grant));
        let key = SessionKey { holder: holder_id(Kind::Stay, (&session).into()), until: lineage.ends, id };
        let app = AppRecord { session, client, used: self.at, until, origin: self.origin() };
        self.keep_record(key, &Recorded::App(Box::new(app)))
    }
}

impl Lineage {
    /// Whether it was given to `client`.
    pub(super) fn is_of(&self, client: &Client) -> bool {
        self.client_id == client.id
    }
}
