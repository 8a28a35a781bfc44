//! Whether a caller may assume a role by credentials of its own (`AssumeRole`; facts 1.4, 1.6, 1.7, 5.4).
//!
//! Both sides are asked: the role's trust policy, and where that names the caller's account only, or
//! belongs to another account, the caller's policies, too. What the caller's session carries along it can't
//! shake off: transitive tags, its source identity, the end of the provider's session, and the login or grant
//! by which it may be ended.

use std::time::Duration;

use super::denial::{CallerDenial, Denial};
use super::facts;
use super::iam::RequestContext;
use super::length::{self, LengthInputs};
use super::rights::{self, Access, SignedCall, Standing};
use super::session::{self, AuthorizedSession};
use super::tags;
use super::{AllowedAction, Circumstances, Policies};
use crate::arn::{RoleArn, RoleId};
use crate::clock::Moment;
use crate::identity::{Ancestry, Asserted, Holder, RoleSession, SessionPolicies, SessionTag};

/// The longest session of a role that a role's session assumes (facts 1.6).
const LONGEST_CHAINED: Duration = Duration::from_secs(3600);

/// A role that a caller asks for.
#[derive(Debug, Clone)]
pub struct AssumeRequest<'a> {
    /// Who asks.
    pub caller: Holder<'a>,
    /// The temporary credentials that the session is got by.
    pub ancestry: Ancestry,
    /// The role.
    pub role: &'a RoleArn,
    /// Its unique id and the longest session it allows; nothing where there is no such role.
    pub known: Option<(&'a RoleId, Duration)>,
    /// How long ago the caller may have proved a second factor, where the role wants people who signed in lately.
    pub signed_in_within: Option<Duration>,
    /// `RoleSessionName`.
    pub session_name: &'a str,
    /// `DurationSeconds`, in the range that the wire allows.
    pub duration: Option<Duration>,
    /// `Policy` and `PolicyArns`.
    pub policies: &'a SessionPolicies,
    /// `ExternalId`.
    pub external_id: Option<&'a str>,
    /// `SourceIdentity`.
    pub source_identity: Option<&'a str>,
    /// `Tags`, of which those of `TransitiveTagKeys` are transitive.
    pub tags: &'a [SessionTag],
    /// When the caller proved a second factor with this very call.
    pub mfa: Option<Moment>,
}

impl Policies {
    /// Grants the session that `ask` describes, if the caller may have it.
    pub fn assume(&self, ask: &AssumeRequest<'_>, when: Circumstances) -> Result<AuthorizedSession, Denial> {
        tags::check(ask.tags).map_err(Denial::Tags)?;
        let before = match ask.caller {
            Holder::Role(session) => Some(session),
            Holder::User(_) | Holder::FederatedUser(_) => None,
        };
        let tags = tags::inherited(ask.tags, before.map_or(&[], |session| &session.tags));
        let tags = tags.map_err(Denial::Tags)?;
        tags::check(&tags).map_err(Denial::Tags)?;
        let source_identity = source_identity(ask, before)?;
        session::packed(&tags, ask.policies)?;
        session::session_policies(ask.policies, ask.role.account(), &self.rights)?;
        let allowed = self.allowed(ask, &tags, source_identity, when)?;
        let Some((role_id, role_maximum)) = ask.known else {
            return Err(ask.refused("there is no such role"));
        };
        session::signed_in(ask.mfa.or(ask.caller.mfa()), ask.signed_in_within, when.at)?;
        let length = LengthInputs {
            asked: ask.duration,
            rule: None,
            role_maximum,
            asserted: &Asserted::default(),
            session_ends: before.and_then(|session| session.provider_session_ends),
            at: when.at,
        };
        let length = length.length()?;
        if let Some(requested) = ask.duration.filter(|asked| before.is_some() && *asked > LONGEST_CHAINED) {
            return Err(CallerDenial::DurationOverChainLimit { requested }.into());
        }
        let expires = when.at.plus(length.granted);
        let session = RoleSession {
            role: ask.role.clone(),
            role_id: role_id.clone(),
            session_name: ask.session_name.to_owned(),
            provider: before.and_then(|session| session.provider.clone()),
            subject: before.and_then(|session| session.subject.clone()),
            assumed_by: Some(ask.caller.arn()),
            ancestry: ask.ancestry.clone(),
            mfa: ask.mfa,
            source_identity: source_identity.map(str::to_owned),
            tags,
            policies: ask.policies.clone(),
            provider_session_ends: before.and_then(|session| session.provider_session_ends),
            login: before.and_then(|session| session.login.clone()),
            grant: before.and_then(|session| session.grant),
            issued: when.at,
            expires,
        };
        Ok(AuthorizedSession::of_caller(session, allowed, length))
    }

    /// Every action that must be allowed, and by which statements of the trust policy.
    fn allowed(
        &self,
        ask: &AssumeRequest<'_>,
        tags: &[SessionTag],
        source_identity: Option<&str>,
        when: Circumstances,
    ) -> Result<Vec<AllowedAction>, Denial> {
        let trust = self.trusts.get(ask.role).ok_or_else(|| ask.refused("there is no such role"))?;
        let standing = Standing::of(&self.rights, ask.caller);
        let context = context(ask, tags, source_identity, when);
        let applicable = standing.applicable(Some(trust.policy()), ask.role.account());
        let tagged = (!tags.is_empty()).then_some("sts:TagSession");
        let named = source_identity.map(|_| "sts:SetSourceIdentity");
        let actions = [Some("sts:AssumeRole"), tagged, named].into_iter().flatten();
        let decide = |action: &'static str| {
            let caller = standing.caller();
            let call = SignedCall { caller, action, resource: ask.role.as_str(), context: &context };
            match applicable.decide(&call) {
                Access::Allowed(grounds) => {
                    let of_trust = grounds.into_iter().filter(|ground| ground.layer == rights::Layer::Trust);
                    Ok(AllowedAction {
                        action,
                        statements: of_trust.map(|ground| ground.statement).collect(),
                    })
                }
                refused => Err(CallerDenial::NotAllowed {
                    caller: ask.caller.arn(),
                    action,
                    resource: ask.role.to_string(),
                    reason: refused.because(action).unwrap_or_default(),
                }
                .into()),
            }
        };
        actions.map(decide).collect()
    }
}

impl AssumeRequest<'_> {
    fn refused(&self, reason: &str) -> Denial {
        let (caller, resource) = (self.caller.arn(), self.role.to_string());
        CallerDenial::NotAllowed { caller, action: "sts:AssumeRole", resource, reason: reason.to_owned() }
            .into()
    }
}

/// That of the calling session stays; the same may be said again (facts 1.7).
fn source_identity<'a>(
    ask: &AssumeRequest<'a>,
    before: Option<&'a RoleSession>,
) -> Result<Option<&'a str>, Denial> {
    match (before.and_then(|session| session.source_identity.as_deref()), ask.source_identity) {
        (Some(set), Some(asked)) if set != asked => {
            Err(CallerDenial::SourceIdentitySet(set.to_owned()).into())
        }
        (Some(set), _) => Ok(Some(set)),
        (None, asked) => Ok(asked),
    }
}

/// The condition keys of the call (facts 5.5).
fn context<'a>(
    ask: &AssumeRequest<'a>,
    tags: &'a [SessionTag],
    source_identity: Option<&'a str>,
    when: Circumstances,
) -> RequestContext<'a> {
    let mut context = RequestContext::new();
    rights::of_holder(ask.caller, when.at, &mut context);
    if ask.mfa.is_some() {
        context.set("aws:multifactorauthpresent", "true");
        context.set("aws:multifactorauthage", "0");
    }
    facts::address(when.source_ip, &mut context);
    facts::tags(tags, &mut context);
    context.set("sts:rolesessionname", ask.session_name);
    let seconds = ask.duration.unwrap_or(length::DEFAULT).as_secs();
    context.set("sts:durationseconds", seconds.to_string());
    if let Some(external_id) = ask.external_id {
        context.set("sts:externalid", external_id);
    }
    if let Some(source_identity) = source_identity {
        context.set("sts:sourceidentity", source_identity);
    }
    context
}

#[cfg(test)]
#[path = "assume_tests.rs"]
mod tests;
