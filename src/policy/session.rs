//! From an offer to an authorized session.

use std::time::Duration;

use super::denial::{Denial, NameSource, SessionNameFault};
use super::iam::{Policy, PolicyKind};
use super::length::{LengthInputs, SessionLength};
use super::rights::Rights;
use super::trust::{ActionReview, AllowedAction, TrustPolicy, TrustQuestion, TrustRefusal, Untrusted};
use super::{Circumstances, OfferedBy, RoleOffer, tags};
use crate::arn::{AccountId, PolicyArn, RoleArn, RoleId, is_name_byte};
use crate::clock::Moment;
use crate::identity::{
    Ancestry, FederatedIdentity, GrantId, Protocol, RoleSession, SessionPolicies, SessionTag,
};

/// Bytes that tags and session policies may take together in a session token, as they are packed there: so many
/// that the token stays below 4 KiB but for names of unusual length.
const PACKED_LIMIT: usize = 2560;

/// A session that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct SessionRequest<'a> {
    /// The offer that is taken up.
    pub offer: &'a RoleOffer,
    /// The role's unique id.
    pub role_id: &'a RoleId,
    /// The longest session that the role allows.
    pub max_session_duration: Duration,
    /// How long ago the person may have signed in at the provider; nothing: any time.
    pub signed_in_within: Option<Duration>,
    /// The caller's `RoleSessionName`, which OIDC callers give.
    pub session_name: Option<&'a str>,
    /// The caller's `DurationSeconds`, in the range that the wire allows.
    pub duration: Option<Duration>,
    /// The caller's `Policy` and `PolicyArns`.
    pub policies: &'a SessionPolicies,
}

/// The proof that authorization happened: made by [`super::Policies::authorize`] alone, and
/// never deserialized.
#[derive(Debug, Clone)]
pub struct AuthorizedSession {
    session: RoleSession,
    offered_by: OfferedBy,
    allowed: Vec<AllowedAction>,
    length: SessionLength,
}

impl AuthorizedSession {
    /// The session.
    pub const fn session(&self) -> &RoleSession {
        &self.session
    }

    /// The same session, which also ends when `grant` is revoked.
    #[must_use]
    pub fn under_grant(mut self, grant: GrantId) -> Self {
        self.session.grant = Some(grant);
        self
    }

    /// What the policies of a caller and of the role allow.
    pub(super) const fn of_caller(
        session: RoleSession,
        allowed: Vec<AllowedAction>,
        length: SessionLength,
    ) -> Self {
        Self { session, offered_by: OfferedBy::CallersPolicies, allowed, length }
    }

    /// What offered the role.
    pub const fn offered_by(&self) -> &OfferedBy {
        &self.offered_by
    }

    /// The trust policy's answers: each action in question, and the statements that allow it.
    pub fn allowed(&self) -> &[AllowedAction] {
        &self.allowed
    }

    /// How its length came about.
    pub const fn length(&self) -> &SessionLength {
        &self.length
    }
}

/// Checks everything about `ask` but the trust policy, then that. What the role itself wants is looked
/// at last: before, it would tell strangers which roles exist.
pub(super) fn authorize(
    identity: &FederatedIdentity,
    ask: &SessionRequest<'_>,
    trust: Option<&TrustPolicy>,
    rights: &Rights,
    when: Circumstances,
) -> Result<AuthorizedSession, Denial> {
    let session_name = session_name(identity, ask)?;
    well_formed(identity, ask, rights)?;
    let inputs = inputs(identity, ask, when.at);
    let question = question(identity, ask, session_name, when);
    let action = question.action();
    let allowed = trust
        .ok_or(Untrusted { action, reason: TrustRefusal::NoSuchRole })
        .and_then(|trust| trust.ask(&question))
        .map_err(Denial::NotTrusted)?;
    signed_in(identity.authentication().at, ask.signed_in_within, when.at)?;
    let length = inputs.length()?;
    let session = session(identity, ask, session_name, when.at, length.granted);
    Ok(AuthorizedSession { session, offered_by: ask.offer.by.clone(), allowed, length })
}

/// Whether somebody signed in lately enough, or proved a second factor. When nobody knows, they did not.
pub(super) fn signed_in(seen: Option<Moment>, within: Option<Duration>, at: Moment) -> Result<(), Denial> {
    let Some(within) = within else { return Ok(()) };
    let is_fresh = seen.is_some_and(|seen| at.since(seen) <= within);
    if is_fresh { Ok(()) } else { Err(Denial::SignInTooOld { within, seen }) }
}

/// What every statement of the trust policy says to `ask`. Nothing where it can't be asked: there
/// is no such role, or no session name.
pub(super) fn review(
    identity: &FederatedIdentity,
    ask: &SessionRequest<'_>,
    trust: Option<&TrustPolicy>,
    when: Circumstances,
) -> Vec<ActionReview> {
    match (trust, session_name(identity, ask)) {
        (Some(trust), Ok(session_name)) => trust.review(&question(identity, ask, session_name, when)),
        _ => Vec::new(),
    }
}

fn inputs<'a>(identity: &'a FederatedIdentity, ask: &SessionRequest<'_>, at: Moment) -> LengthInputs<'a> {
    LengthInputs {
        asked: ask.duration,
        rule: ask.offer.duration,
        role_maximum: ask.max_session_duration,
        asserted: identity.asserted(),
        session_ends: identity.session_ends(),
        at,
    }
}

fn question<'a>(
    identity: &'a FederatedIdentity,
    ask: &SessionRequest<'a>,
    session_name: &'a str,
    when: Circumstances,
) -> TrustQuestion<'a> {
    TrustQuestion {
        identity,
        role: &ask.offer.role,
        session_name,
        source_identity: ask.offer.source_identity.as_deref(),
        tags: &ask.offer.tags,
        duration: inputs(identity, ask, when.at).requested().1,
        source_ip: when.source_ip,
        at: when.at,
    }
}

fn session(
    identity: &FederatedIdentity,
    ask: &SessionRequest<'_>,
    session_name: &str,
    at: Moment,
    length: Duration,
) -> RoleSession {
    RoleSession {
        role: ask.offer.role.clone(),
        role_id: ask.role_id.clone(),
        session_name: session_name.to_owned(),
        provider: Some(identity.provider().clone()),
        subject: Some(identity.subject().to_owned()),
        assumed_by: None,
        ancestry: Ancestry::default(),
        mfa: None,
        source_identity: ask.offer.source_identity.clone(),
        tags: ask.offer.tags.clone(),
        policies: ask.policies.clone(),
        provider_session_ends: identity.session_ends(),
        login: identity.login().map(|login| login.marks.clone()),
        grant: None,
        issued: at,
        expires: at.plus(length),
    }
}

/// What does not depend on the role: whether it is the token's to have, and the form of the
/// source identity, the tags and the session policy.
fn well_formed(
    identity: &FederatedIdentity,
    ask: &SessionRequest<'_>,
    rights: &Rights,
) -> Result<(), Denial> {
    let offer = ask.offer;
    if !named_by_token(identity, &offer.role) {
        return Err(Denial::RoleNotInToken);
    }
    source_identity(offer)?;
    if let Some(fault) = &offer.tag_fault {
        return Err(Denial::Tags(fault.clone()));
    }
    tags::check(&offer.tags).map_err(Denial::Tags)?;
    packed(&offer.tags, ask.policies)?;
    session_policies(ask.policies, offer.role.account(), rights)
}

/// How much of the room for tags and session policies in a session token they take, in percent (facts 1.5,
/// `PackedPolicySize`).
pub fn packed_percent(tags: &[SessionTag], policies: &SessionPolicies) -> usize {
    let tags: usize = tags.iter().map(|tag| tag.key.len() + tag.value.len() + 3).sum();
    ((tags + policies.packed_size()) * 100).div_ceil(PACKED_LIMIT)
}

/// Whether they fit.
pub(super) fn packed(tags: &[SessionTag], policies: &SessionPolicies) -> Result<(), Denial> {
    let percent = packed_percent(tags, policies);
    if percent <= 100 { Ok(()) } else { Err(Denial::TooLarge { percent }) }
}

/// A roles claim in a token narrows what the token is good for, whatever rules say (facts 3.5).
pub(super) fn named_by_token(identity: &FederatedIdentity, role: &RoleArn) -> bool {
    match (&identity.asserted().roles, identity.protocol()) {
        (Some(roles), Protocol::Oidc) => roles.iter().any(|(named, _)| named == role.as_str()),
        _ => true,
    }
}

/// The rule's name, else the assertion's (SAML), else the caller's (OIDC). A rule wins over the
/// caller so that nobody can take a session name that is somebody else's.
fn session_name<'a>(identity: &'a FederatedIdentity, ask: &SessionRequest<'a>) -> Result<&'a str, Denial> {
    let from_rule = ask.offer.session_name.as_deref().map(|name| (name, NameSource::Rule));
    let otherwise = || match identity.protocol() {
        Protocol::Saml => {
            identity.asserted().session_name.as_deref().map(|name| (name, NameSource::Assertion))
        }
        Protocol::Oidc => ask.session_name.map(|name| (name, NameSource::Caller)),
    };
    match from_rule.or_else(otherwise) {
        Some((name, _)) if is_session_text(name) => Ok(name),
        Some((name, source_of_name)) => {
            let name = name.to_owned();
            Err(Denial::SessionName(SessionNameFault::Malformed { name, source_of_name }))
        }
        None => Err(Denial::SessionName(SessionNameFault::Missing)),
    }
}

fn source_identity(offer: &RoleOffer) -> Result<(), Denial> {
    let bad = |text: &&String| !is_session_text(text) || text.starts_with("aws:");
    offer
        .source_identity
        .as_ref()
        .filter(bad)
        .map_or(Ok(()), |text| Err(Denial::SourceIdentity(text.clone())))
}

/// Whether it is 2 to 64 of `[\w+=,.@-]` (facts 1.5).
fn is_session_text(text: &str) -> bool {
    (2..=64).contains(&text.len()) && text.bytes().all(is_name_byte)
}

/// What an inline policy says goes into the session as sent, so that whoever enforces it can read it; a
/// malformed one would be found out too late. Managed ones must be there, and belong to the session's
/// `account` or to AWS.
pub(super) fn session_policies(
    policies: &SessionPolicies,
    account: AccountId,
    rights: &Rights,
) -> Result<(), Denial> {
    let inline = policies.inline.as_deref().map(|text| Policy::parse(PolicyKind::Session, text));
    let faults = inline.and_then(Result::err).into_iter().flatten();
    if let Some(first) = faults.into_iter().next() {
        return Err(Denial::SessionPolicy(first));
    }
    let is_there = |arn: &PolicyArn| {
        arn.account().is_none_or(|owner| owner == account) && rights.managed.contains_key(arn)
    };
    match policies.managed.iter().find(|arn| !is_there(arn)) {
        Some(missing) => Err(Denial::NoSuchPolicy(missing.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
