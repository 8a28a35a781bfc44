//! A device collects what a person approved (RFC 8628 section 3.4).

use serde::{Deserialize, Serialize};

use super::refresh::Kept;
use super::{ExchangeRefusal, Exchanged, Wanted, bound_to};
use crate::arn::RoleArn;
use crate::broker::device::{Answer, DeviceCode};
use crate::broker::{Failure, RequestContext};
use crate::clock::Moment;
use crate::console;
use crate::directory::Client;
use crate::identity::FederatedIdentity;
use crate::identity::dpop::Proof;
use crate::seal::Purpose;

/// The way in, for audit and metrics.
const ACTION: &str = "device-code";

/// What an identity is remembered for when a person approves a request.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::broker) struct DeviceGrant {
    /// The request.
    pub(in crate::broker) request: [u8; 32],
    /// The role that the person chose for it.
    pub(in crate::broker) role: RoleArn,
    /// When.
    pub(in crate::broker) at: Moment,
}

/// The answer to a device that asked.
pub enum Polled {
    /// Somebody approved.
    Given(Exchanged),
    /// Nobody said anything yet.
    Pending,
}

impl RequestContext<'_> {
    /// Gives a device what was approved for it, once. Rules and trust policy are asked as of now, and
    /// a login that ended since opens nothing.
    pub async fn collect_device(
        &self,
        client: &Client,
        code: &str,
        proof: Option<&Proof>,
    ) -> Result<Polled, Failure> {
        if !client.may_use_devices {
            return Err(ExchangeRefusal::Grant { grant: "device" }.into());
        }
        let refused = |reason| Failure::from(ExchangeRefusal::DeviceCode(reason));
        let code: Option<DeviceCode> = console::open(&self.parts.ring, Purpose::DeviceCode, code);
        let code = code.ok_or_else(|| refused("it is none that this broker made"))?;
        if code.client_id != client.id {
            return Err(refused("it was given to another client"));
        }
        if !self.paces_device(&code.ticket) {
            return Err(ExchangeRefusal::DeviceTooFast.into());
        }
        let key = bound_to(client, proof)?;
        let record = self.device_record(&code.ticket).await?;
        let record =
            record.filter(|record| code.ticket.names(record)).ok_or(ExchangeRefusal::DeviceExpired)?;
        let remembered = match &record.answer {
            Answer::None if record.ends() <= self.at => return Err(ExchangeRefusal::DeviceExpired.into()),
            Answer::None => return Ok(Polled::Pending),
            Answer::Denied => return Err(ExchangeRefusal::DeviceDenied.into()),
            Answer::Approved { identity } => identity,
        };
        let recalled = FederatedIdentity::recall::<DeviceGrant>(remembered, &self.parts.ring);
        let recalled = recalled.filter(|(_, grant)| grant.request == record.id);
        let (identity, grant) = recalled.ok_or_else(|| refused("what was approved does not open"))?;
        let (wanted, duration) = (Wanted::of(record.audience.as_deref()), record.duration);
        let kept = Kept { role: &grant.role, session_name: None, duration, wanted, key };
        let session = self.authorize_again(client, &identity, grant.at, &kept, ACTION)?;
        let begun = self.begin(client, &identity, session, &kept, None).await?;
        self.use_up(proof).await?;
        let used = ExchangeRefusal::DeviceCode("it was used before");
        self.claim_or(record.id, record.collected_by(), used).await?;
        self.give(client, &identity, begun, &kept, ACTION).map(Polled::Given)
    }
}
