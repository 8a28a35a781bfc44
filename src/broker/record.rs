//! What must be known later of what was given: a sealed record, an audit event, a count.

use serde::{Deserialize, Serialize};

use super::portal::PortalRecord;
use super::{Failure, RequestContext};
use crate::arn::ProviderArn;
use crate::audit;
use crate::clock::Moment;
use crate::console::{ConsoleSession, Origin};
use crate::entropy::NoEntropy;
use crate::identity::{Holder, RoleSession, hash_of};
use crate::issuer::TemporaryCredentials;
use crate::policy::{AuthorizedSession, AuthorizedUserSession, OfferedBy};
use crate::seal::Purpose;
use crate::store::{HolderId, SessionKey};
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

/// What is recorded where it is not sealed already.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Recorded {
    /// A token of ours, which is known by its id.
    Token(Box<RoleSession>),
    /// A browser that is signed in.
    Browser(Box<ConsoleSession>),
    /// An app that may ask again.
    App(Box<AppRecord>),
    /// A browser at the portal.
    Portal(Box<PortalRecord>),
}

/// An app that may ask again, by refresh tokens.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AppRecord {
    /// What it may ask for, as it was given first.
    pub(super) session: RoleSession,
    /// The OAuth client.
    pub(super) client: String,
    /// When it asked last.
    pub(super) used: Moment,
    /// When it must have asked again.
    pub(super) until: Moment,
    /// Where it asked from.
    pub(super) origin: Origin,
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
        let key = record_key(facts.into(), given);
        match given.sealed {
            Some(sealed) => self.put(key, sealed.to_vec()),
            None => self.keep_record(key, &Recorded::Token(Box::new(facts.clone())))?,
        }
        tell_issued(facts, offered_by(session.offered_by()), given);
        Ok(())
    }

    /// Seals `recorded` and queues it.
    pub(super) fn keep_record(&self, key: SessionKey, recorded: &Recorded) -> Result<(), Failure> {
        let body = postcard::to_allocvec(recorded).map_err(|_| NoEntropy)?;
        let entropy = self.parts.entropy.as_ref();
        self.put(key, self.parts.ring.seal_at(&place(key), Purpose::StoredRecord, &body, entropy)?);
        Ok(())
    }

    /// Opens what [`RequestContext::keep_record`] sealed.
    pub(super) fn open_record(&self, key: SessionKey, sealed: &[u8]) -> Option<Recorded> {
        let body = self.parts.ring.open_at(&place(key), Purpose::StoredRecord, sealed).ok()?;
        postcard::from_bytes(&body).ok()
    }

    fn put(&self, key: SessionKey, sealed: Vec<u8>) {
        if let Err(fault) = self.parts.store.put(key, sealed, self.at) {
            telemetry::count_fault("record");
            tracing::warn!(fault = fault.to_string(), "the session was issued without a record");
        }
    }

    /// As [`RequestContext::record`], of what a user was given.
    pub(super) fn record_of_user(&self, session: &AuthorizedUserSession, given: &Given<'_>) {
        let holder = Holder::from(session.session());
        self.put(record_key(holder, given), given.sealed.unwrap_or_default().to_vec());
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

fn record_key(holder: Holder<'_>, given: &Given<'_>) -> SessionKey {
    SessionKey {
        holder: holder_id(Kind::Given, holder),
        until: given.expires,
        id: record_id("given", given.id),
    }
}

/// What is recorded apart from each other, so that much of one hides nothing of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Browsers that are signed in, and apps that may ask again.
    Stay,
    /// Credentials and tokens.
    Given,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Stay => "stay",
            Self::Given => "given",
        }
    }
}

/// Whose sessions those of `holder` are: of the person, or of the user who made them.
pub(super) fn holder_id(kind: Kind, holder: Holder<'_>) -> HolderId {
    let of = |names: &[&str]| half(hash_of(&[&["rolegate/holder", kind.name()], names].concat()));
    match holder {
        Holder::Role(session) => match (session.person(), &session.assumed_by) {
            (Some((provider, subject)), _) => holder_of_person(kind, provider, subject),
            (None, Some(caller)) => of(&["caller", caller]),
            (None, None) => of(&["role", &session.arn()]),
        },
        Holder::User(session) => of(&["caller", session.user.as_str()]),
        Holder::FederatedUser(session) => of(&["caller", session.made_by.as_str()]),
    }
}

/// As [`holder_id`], of a person.
pub(super) fn holder_of_person(kind: Kind, provider: &ProviderArn, subject: &str) -> HolderId {
    half(hash_of(&["rolegate/holder", kind.name(), "person", provider.as_str(), subject]))
}

/// By what a record is found among its holder's.
pub(super) fn record_id(kind: &str, id: &str) -> [u8; 16] {
    half(hash_of(&["rolegate/record", kind, id]))
}

fn half(hash: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

/// Where a record is kept.
fn place(key: SessionKey) -> Vec<u8> {
    [&key.holder[..], &key.until.unix_millis().to_be_bytes(), &key.id].concat()
}

pub(super) fn offered_by(by: &OfferedBy) -> &str {
    match by {
        OfferedBy::Rule(name) => name,
        OfferedBy::Asserted => "the provider's own Role attribute",
        OfferedBy::TrustPolicy => "the role's trust policy",
        OfferedBy::CallersPolicies => "the caller's policies",
    }
}
