//! Refusals that only those may read who may know: sealed for whoever is refused, opened by
//! `DecodeAuthorizationMessage` for callers of the same account that are allowed to.

use base64_simd::STANDARD;
use serde::{Deserialize, Serialize};

use super::{CallerRefusal, Failure, RequestContext};
use crate::arn::AccountId;
use crate::entropy::NoEntropy;
use crate::identity::{Holder, Principal};
use crate::policy::rights::AuthorizationMessage;
use crate::seal::Purpose;

/// Longest encoded message, in characters (facts 1.5).
const LONGEST: usize = 10_240;
/// Bytes of a message that fit into one, sealed and in base64.
const ROOM: usize = 7_500;

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    account: AccountId,
    json: &'a str,
}

impl RequestContext<'_> {
    /// `message` about `holder`, sealed. Where there is no room for it, what was known of the request is left out.
    pub(super) fn encoded(
        &self,
        holder: Holder<'_>,
        message: AuthorizationMessage,
    ) -> Result<String, Failure> {
        let written = |message: &AuthorizationMessage| serde_json::to_string(message).map_err(|_| NoEntropy);
        let mut json = written(&message)?;
        if json.len() > ROOM {
            json = written(&message.without_conditions())?;
        }
        let sealed = Sealed { account: holder.account(), json: &json };
        let body = postcard::to_allocvec(&sealed).map_err(|_| NoEntropy)?;
        let entropy = self.parts.entropy.as_ref();
        Ok(STANDARD.encode_to_string(self.parts.ring.seal(Purpose::AuthorizationMessage, &body, entropy)?))
    }

    /// What an encoded message says, if `caller` may know.
    pub fn decoded_message(&self, caller: &Principal, encoded: &str) -> Result<String, Failure> {
        let holder = Holder::from(caller.session());
        self.may_call(holder, "sts:DecodeAuthorizationMessage")?;
        self.opened_message(holder.account(), encoded).ok_or_else(|| CallerRefusal::Message.into())
    }

    fn opened_message(&self, account: AccountId, encoded: &str) -> Option<String> {
        if encoded.len() > LONGEST {
            return None;
        }
        let sealed = STANDARD.decode_to_vec(encoded).ok()?;
        let body = self.parts.ring.open(Purpose::AuthorizationMessage, &sealed).ok()?;
        let opened: Sealed<'_> = postcard::from_bytes(&body).ok()?;
        (opened.account == account).then(|| opened.json.to_owned())
    }
}
