//! The condition keys of a request by somebody who holds a session (facts 5.3, 5.5).
//!
//! What the broker knows of the session it says itself; the service that was asked says the rest, such
//! as `aws:SourceIp`. It may not say what the broker knows: a service that is led to hand on what its
//! caller sent would else let the caller choose its own tags.

use super::AskFault;
use crate::arn::{ProviderArn, ProviderKind};
use crate::clock::Moment;
use crate::identity::{Holder, SessionTag};
use crate::policy::iam::RequestContext;

/// Keys that the broker alone says; those that end with a slash or a colon go on.
const OURS: &[&str] = &[
    "aws:currenttime",
    "aws:epochtime",
    "aws:federatedprovider",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:principaltag/",
    "aws:principaltype",
    "aws:sourceidentity",
    "aws:tokenissuetime",
    "aws:userid",
    "aws:username",
    "saml:",
];

/// What is known of a request by `holder` at `at`, of which a service says `said`.
pub(super) fn context<'a>(
    holder: Holder<'a>,
    said: &[(&'a str, Vec<&'a str>)],
    at: Moment,
) -> Result<RequestContext<'a>, AskFault> {
    check_keys(said)?;
    let mut context = RequestContext::new();
    for (key, values) in said {
        if provider_of(holder).is_some_and(|(provider, _)| is_of_provider(key, provider)) {
            return Err(AskFault::OurKey((*key).to_owned()));
        }
        context.set_all(*key, values.iter().copied());
    }
    of_holder(holder, at, &mut context);
    Ok(context)
}

/// What is known of `holder` itself (facts 5.3, 5.5).
pub(in crate::policy) fn of_holder<'a>(holder: Holder<'a>, at: Moment, context: &mut RequestContext<'a>) {
    context.set("aws:currenttime", at.to_rfc3339());
    context.set("aws:epochtime", at.unix().to_string());
    context.set("aws:principalaccount", holder.account().to_string());
    context.set("aws:userid", holder.user_id());
    if let Some(issued) = holder.issued() {
        context.set("aws:tokenissuetime", issued.to_rfc3339());
    }
    let (tags, mfa): (&[SessionTag], _) = match holder {
        Holder::Role(session) => {
            context.set("aws:principalarn", session.role.as_str());
            context.set("aws:principaltype", "AssumedRole");
            if let Some(source_identity) = &session.source_identity {
                context.set("aws:sourceidentity", source_identity.as_str());
            }
            (&session.tags, session.mfa)
        }
        Holder::User(session) => {
            context.set("aws:principalarn", session.user.as_str());
            context.set("aws:principaltype", "User");
            context.set("aws:username", session.user.name());
            (&[], session.mfa)
        }
        Holder::FederatedUser(session) => {
            context.set("aws:principalarn", holder.arn());
            context.set("aws:principaltype", "FederatedUser");
            (&session.tags, None)
        }
    };
    // By no provider's word is it known here. Long-term keys never say.
    if mfa.is_some() || holder.issued().is_some() {
        context.set("aws:multifactorauthpresent", if mfa.is_some() { "true" } else { "false" });
    }
    if let Some(proved) = mfa {
        context.set("aws:multifactorauthage", at.since(proved).as_secs().to_string());
    }
    if let Some((provider, subject)) = provider_of(holder) {
        context.set("aws:federatedprovider", provider.as_str());
        of_provider(provider, subject, context);
    }
    for tag in tags {
        context.set(format!("aws:principaltag/{}", tag.key), tag.value.as_str());
    }
}

/// By whose word the session itself was opened, not one before it in a chain.
fn provider_of(holder: Holder<'_>) -> Option<(&ProviderArn, Option<&str>)> {
    match holder {
        Holder::Role(session) if session.assumed_by.is_none() => {
            Some((session.provider.as_ref()?, session.subject.as_deref()))
        }
        Holder::Role(_) | Holder::User(_) | Holder::FederatedUser(_) => None,
    }
}

/// What stays of the provider's word after the call that opened the session (facts 2.6, 3.6). Of it the
/// session carries the subject alone; whatever else a policy asks, nobody can tell.
fn of_provider<'a>(provider: &'a ProviderArn, subject: Option<&'a str>, context: &mut RequestContext<'a>) {
    let (prefix, others): (_, &[_]) = match provider.kind() {
        ProviderKind::Saml => ("saml", &["namequalifier", "sub_type"]),
        ProviderKind::Oidc => (provider.name(), &["amr", "aud"]),
    };
    match subject {
        Some(subject) => context.set(format!("{prefix}:sub"), subject),
        None => context.set_undecided(format!("{prefix}:sub")),
    }
    others.iter().for_each(|key| context.set_undecided(format!("{prefix}:{key}")));
}

/// Whether it is a key of the claims of an OpenID Connect provider.
fn is_of_provider(key: &str, provider: &ProviderArn) -> bool {
    let claim = key.get(..provider.name().len()).zip(key.get(provider.name().len()..));
    claim.is_some_and(|(name, rest)| name.eq_ignore_ascii_case(provider.name()) && rest.starts_with(':'))
}

/// Whether a service may say all of these.
pub(super) fn check_keys(said: &[(&str, Vec<&str>)]) -> Result<(), AskFault> {
    let ours = said.iter().find(|(key, _)| is_ours(key));
    ours.map_or(Ok(()), |(key, _)| Err(AskFault::OurKey((*key).to_owned())))
}

fn is_ours(key: &str) -> bool {
    let key = key.to_lowercase();
    OURS.iter().any(|ours| if ours.ends_with(['/', ':']) { key.starts_with(ours) } else { key == *ours })
}
