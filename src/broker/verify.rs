//! Whose request is this? What services ask about requests that were signed for them.

use super::exchange::ExchangeRefusal;
use super::{AccessAnswer, Failure, Refusal, RequestContext};
use crate::directory::Client;
use crate::identity::sigv4::{SigV4Error, SignedRequest};
use crate::identity::{Holder, Principal};
use crate::policy::rights::AccessQuestion;
use crate::telemetry;

/// Who signed a request, and whether they may do what was asked about.
pub struct Verified {
    /// Who signed it.
    pub caller: Principal,
    /// The answer, where that was asked.
    pub access: Option<AccessAnswer>,
}

/// What is asked about a request.
pub struct VerifyAsk<'a> {
    /// The request, as the service got it.
    pub request: SignedRequest<'a>,
    /// The name that the service has in the scope of signatures.
    pub service: &'a str,
    /// What the request would do.
    pub question: Option<AccessQuestion<'a>>,
    /// Whether each policy is to say what it says.
    pub explain: bool,
}

impl RequestContext<'_> {
    /// Who signed the request that `client` got, if `client` may ask; and why nobody did.
    pub fn verified(
        &self,
        client: &Client,
        ask: &VerifyAsk<'_>,
    ) -> Result<Result<Verified, SigV4Error>, Failure> {
        if !client.may_authorize {
            return Err(ExchangeRefusal::Grant { grant: "authorization" }.into());
        }
        if let Some(question) = &ask.question {
            question.check().map_err(Refusal::Question)?;
        }
        let caller = match self.caller(&ask.request, ask.service) {
            Ok(caller) => caller,
            Err(Failure::Refusal(Refusal::Signature(error @ SigV4Error::Fault(_)))) => {
                return Err(Refusal::Signature(error).into());
            }
            Err(Failure::Refusal(Refusal::Signature(error))) => {
                telemetry::count_verified(error.code());
                return Ok(Err(error));
            }
            Err(failure) => return Err(failure),
        };
        telemetry::count_verified("valid");
        let holder = Holder::from(caller.session());
        let access =
            ask.question.as_ref().map(|question| self.decided(client, holder, question, ask.explain));
        let access = access.transpose()?;
        Ok(Ok(Verified { caller, access }))
    }
}
