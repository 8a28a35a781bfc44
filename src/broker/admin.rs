//! Those in charge at the portal: people who may have one role, which need not be opened for that.
//!
//! Whether somebody is, is asked with each request as it is asked whether they may have the role: rules, trust policy, and
//! how long ago they signed in. What they do is what those with the admin token do, and the audit says who it was.

use super::login::{Landing, Onward};
use super::sessions::Whose;
use super::{
    Ended, Failure, LoginStart, OwnSession, Person, Refusal, RequestContext, RevokeAsk, RevokeFault, Target,
};
use crate::arn::ProviderArn;
use crate::audit;

/// Somebody in charge. Made by [`RequestContext::in_charge`] alone.
pub struct InCharge<'p> {
    person: &'p Person,
}

/// Why somebody is not in charge.
pub enum NotInCharge {
    /// Nobody is, at this portal.
    Off,
    /// They are once they sign in again.
    SignInAgain(LoginStart),
    /// They are not.
    Refused(Failure),
}

impl InCharge<'_> {
    /// Who it is, for the audit.
    fn name(&self) -> String {
        format!("{} of {}", self.person.subject(), self.person.provider())
    }
}

impl RequestContext<'_> {
    /// Whether `person` is in charge.
    pub async fn in_charge<'p>(&self, person: &'p Person) -> Result<InCharge<'p>, NotInCharge> {
        let Some(role) = &self.snapshot.admin_role else { return Err(NotInCharge::Off) };
        let provider = self.provider_of_person(person).map_err(NotInCharge::Refused)?;
        let refused = match self.authorize_at_portal(person, provider, role) {
            Ok(_) => return Ok(InCharge { person }),
            Err(refused) => refused,
        };
        let landing = Landing::Portal { browser: Some(person.browser()), onward: Onward::Admin };
        let again = self.send_again(provider, &refused, landing, None).await;
        Err(again.map_or(NotInCharge::Refused(refused), NotInCharge::SignInAgain))
    }

    /// Everything that is open for a person.
    pub async fn sessions_of_person(
        &self,
        by: &InCharge<'_>,
        provider: &ProviderArn,
        subject: &str,
    ) -> Result<Vec<OwnSession>, Failure> {
        audit::Looked { by: &by.name(), provider: provider.as_str(), subject }.write();
        self.sessions_of(&Whose::person(provider, subject)).await
    }

    /// Ends one of them; whether it was there.
    pub async fn end_of_person(
        &self,
        by: &InCharge<'_>,
        (provider, subject): (&ProviderArn, &str),
        id: &str,
    ) -> Result<bool, Failure> {
        let was_there = self.end_of(&Whose::person(provider, subject), id, "end-session-by-admin").await?;
        audit::Looked { by: &by.name(), provider: provider.as_str(), subject }.write();
        Ok(was_there)
    }

    /// Ends what was given to `target`.
    pub async fn end_by(
        &self,
        by: &InCharge<'_>,
        target: &Target,
        reason: &str,
    ) -> Result<Ended, RevokeFault> {
        let name = by.name();
        let reason = if reason.is_empty() { format!("by {name}") } else { format!("{reason} (by {name})") };
        self.end(&RevokeAsk { target, issued_before: None, reason: Some(&reason) }).await
    }

    /// The provider that `name` means, by which those in charge find people.
    pub fn provider_called(&self, name: &str) -> Result<&ProviderArn, Failure> {
        let provider = self.snapshot.directory.provider(name);
        provider.map(|provider| &provider.arn).ok_or_else(|| Refusal::unknown_provider(name).into())
    }
}
