//! Why a person does not see a role: what their provider says of them, and what came of it.
//!
//! Whether a role that is nobody's exists, and what it takes to have one, is told only where the configuration says so.
//! Without that the answer about a role that rules withhold is the answer about one that is not there.

use super::{Person, RequestContext};
use crate::arn::RoleArn;
use crate::broker::Refusal;
use crate::broker::explain::{self, Rule};
use crate::directory::Provider;
use crate::policy::{Denial, RoleOffer};

/// Claims that are about the token and not about the person.
const OF_THE_TOKEN: [&str; 16] = [
    "iss",
    "aud",
    "exp",
    "iat",
    "nbf",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "jti",
    "sid",
    "azp",
    "auth_time",
    "rh",
    "uti",
    "ver",
];
/// Rules that an answer shows at most.
const MOST_RULES: usize = 20;

/// The answer about a role.
pub struct WhyNot {
    /// What becomes of it.
    pub verdict: Verdict,
    /// What each rule that is about the role says, where that may be told.
    pub rules: Vec<Rule>,
    /// Whether there are more of them.
    pub has_more_rules: bool,
}

/// What becomes of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is theirs.
    Theirs(RoleArn),
    /// It is theirs after a sign-in that is not so long ago.
    AfterSignIn(RoleArn),
    /// A rule offers it, and the role itself does not let them.
    NotTrusted(RoleArn),
    /// A rule offers it with what no session can have, such as a tag that is too long, or without a session name.
    Unfit(RoleArn),
    /// No rule offers it, or there is none.
    NotOffered,
}

impl Person {
    /// What their provider says of them, by name.
    pub fn attributes(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        let is_token = self.identity.claims().is_some();
        let attributes = self.identity.attributes().iter();
        attributes.filter(move |(name, _)| !is_token || !OF_THE_TOKEN.contains(&name.as_str()))
    }
}

impl RequestContext<'_> {
    /// Why `person` does not see the role that they mean by its ARN, its name or its link.
    pub fn why_not(&self, person: &Person, meant: &str) -> WhyNot {
        let Some((provider, offer)) = self.offer_meant(person, meant) else {
            let hidden = self.snapshot.portal.shows_rules.then(|| self.hidden_role(meant)).flatten();
            let mut rules = hidden.map_or_else(Vec::new, |role| self.rules_about(person, &role));
            let has_more_rules = rules.len() > MOST_RULES;
            rules.truncate(MOST_RULES);
            return WhyNot { verdict: Verdict::NotOffered, rules, has_more_rules };
        };
        let role = offer.role;
        let verdict = match self.decide_at_portal(person, provider, &role) {
            Ok(_) => Verdict::Theirs(role),
            Err(Refusal::Denied(Denial::SignInTooOld { .. })) => Verdict::AfterSignIn(role),
            Err(Refusal::Denied(Denial::NotTrusted(_))) => Verdict::NotTrusted(role),
            Err(_) => Verdict::Unfit(role),
        };
        WhyNot { verdict, rules: Vec::new(), has_more_rules: false }
    }

    /// The role among those of `person` that they mean.
    fn offer_meant(&self, person: &Person, meant: &str) -> Option<(&Provider, RoleOffer)> {
        let provider = self.snapshot.directory.provider_by_arn(person.provider())?;
        let offers = self.decide(provider).offers(person.identity());
        Some((provider, offers.into_iter().find(|offer| self.is_meant(&offer.role, meant))?))
    }

    fn is_meant(&self, role: &RoleArn, meant: &str) -> bool {
        let alias = self.snapshot.directory.role(role).and_then(|role| role.alias.as_deref());
        role.as_str() == meant || role.name().eq_ignore_ascii_case(meant) || alias == Some(meant)
    }

    /// A role that is not the person's: by its ARN or its link, or by its name if no other has it.
    fn hidden_role(&self, meant: &str) -> Option<RoleArn> {
        let directory = &self.snapshot.directory;
        let exact = meant.parse().ok().and_then(|arn| directory.role(&arn));
        let exact = exact.or_else(|| directory.role_by_alias(meant));
        if let Some(role) = exact {
            return Some(role.arn.clone());
        }
        let mut named = directory.roles().filter(|role| role.arn.name().eq_ignore_ascii_case(meant));
        let only = named.next()?;
        named.next().is_none().then(|| only.arn.clone())
    }

    fn rules_about(&self, person: &Person, role: &RoleArn) -> Vec<Rule> {
        explain::rules_about(&self.snapshot, person.identity(), self.circumstances(), role)
    }
}
