//! May the holder of this do that? What services ask about sessions of ours.
//!
//! The broker decides and stands in no request's way: whoever asks enforces the answer, and knows by
//! itself that its caller is the one who holds what it asks about.

use super::exchange::ExchangeRefusal;
use super::{Active, Failure, Refusal, RequestContext};
use crate::directory::Client;
use crate::identity::Holder;
use crate::policy::rights::{Access, AccessQuestion, PolicyReview};
use crate::{audit, telemetry};

/// An answer about a session that goes on.
pub struct Answered {
    /// What was asked about.
    pub active: Active,
    /// The answer.
    pub decided: AccessAnswer,
}

/// What is decided about somebody.
pub struct AccessAnswer {
    /// The answer.
    pub access: Access,
    /// What every policy says of it, where that was asked.
    pub reviews: Option<Vec<PolicyReview>>,
    /// Of a refusal, why, for whoever may know (`DecodeAuthorizationMessage`).
    pub encoded: Option<String>,
}

impl RequestContext<'_> {
    /// Whether what `token` stands for may do what is asked, if `client` may ask, and with `explain` what each
    /// policy says of it; `None` if the token is not ours, or no longer good.
    pub fn access(
        &self,
        client: &Client,
        token: &str,
        question: &AccessQuestion<'_>,
        explain: bool,
    ) -> Result<Option<Answered>, Failure> {
        if !client.may_authorize {
            return Err(ExchangeRefusal::Grant { grant: "authorization" }.into());
        }
        let Some(active) = self.active(token)? else { return Ok(None) };
        let holder = active.holder();
        let decided = self.decided(client, holder, question, explain)?;
        Ok(Some(Answered { active, decided }))
    }

    /// Whether `holder` may do what `client` asks, and with `explain` what each policy says.
    pub(super) fn decided(
        &self,
        client: &Client,
        holder: Holder<'_>,
        question: &AccessQuestion<'_>,
        explain: bool,
    ) -> Result<AccessAnswer, Failure> {
        let asked = self.snapshot.policies.ask(holder, question, self.at).map_err(Refusal::Question)?;
        let (access, reviews) = (asked.decide(), explain.then(|| asked.review()));
        telemetry::count_access(access.word());
        if let Some(reason) = access.because(question.action) {
            audit::AccessRefused {
                client: &client.id,
                session: &holder.arn(),
                action: question.action,
                resource: question.resource,
                reason: &reason,
            }
            .write();
        }
        let encoded = asked.message(&access).map(|message| self.encoded(holder, message)).transpose()?;
        Ok(AccessAnswer { access, reviews, encoded })
    }
}
