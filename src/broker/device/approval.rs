//! What a person says to a device's request (RFC 8628 section 3.3), after signing in for it.

use super::{Answer, DeviceRecord, DeviceRequest, DeviceTicket};
use crate::arn::RoleArn;
use crate::audit;
use crate::broker::exchange::DeviceGrant;
use crate::broker::{Arrival, Ask, Failure, Refusal, RequestContext};
use crate::directory::Provider;
use crate::identity::{FederatedIdentity, SessionPolicies, hash_of};
use crate::policy::RoleOffer;

/// What is asked for; nothing is given yet, so no audit event bears this name.
const ACTION: &str = "device-approval";

/// What the person chose.
#[derive(Debug, Clone, Copy)]
pub enum Decision<'a> {
    /// The device is to have this role.
    Approve(&'a RoleArn),
    /// It is to have nothing.
    Deny,
}

/// A person who is to decide.
pub struct Approving {
    /// Who it is.
    pub identity: Box<FederatedIdentity>,
    /// The roles that the device may be given.
    pub offers: Vec<RoleOffer>,
    /// What the device asks for.
    pub request: DeviceRequest,
    /// OIDC only: what the form must bring back.
    pub choice: Option<String>,
}

/// A decision that took hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// The device gets what it asked for.
    Approved,
    /// The device is told that it gets nothing.
    Denied,
}

impl RequestContext<'_> {
    /// The ticket of the request whose code was typed, if people of `provider` may answer it.
    pub(in crate::broker) async fn device_ticket(
        &self,
        typed: &str,
        provider: &Provider,
    ) -> Result<DeviceTicket, Failure> {
        let (ticket, record) = self.typed_device(typed).await?;
        self.check_device_provider(&record, provider)?;
        Ok(ticket)
    }

    /// Who signed in, and what there is to decide. Claims nothing.
    pub(in crate::broker) async fn ask_about_device(
        &self,
        arrival: &Arrival<'_>,
        ticket: &DeviceTicket,
    ) -> Result<Approving, Failure> {
        let record = self.waiting_device(ticket).await?;
        self.check_device_provider(&record, arrival.provider)?;
        let (identity, mut offers) = self.offers(arrival).await?;
        if let Some(role) = &record.role {
            offers.retain(|offer| offer.role == *role);
            if offers.is_empty() {
                return Err(Refusal::NotOffered { role: role.clone() }.into());
            }
        }
        let request = self.shown_device(ticket, &record);
        Ok(Approving { identity: Box::new(identity), offers, request, choice: None })
    }

    /// Takes the decision of who signed in, once.
    pub(in crate::broker) async fn decide_device(
        &self,
        arrival: &Arrival<'_>,
        ticket: &DeviceTicket,
        decision: Decision<'_>,
    ) -> Result<Decided, Failure> {
        let record = self.waiting_device(ticket).await?;
        self.check_device_provider(&record, arrival.provider)?;
        let (identity, answer) = match decision {
            Decision::Deny => (self.offers(arrival).await?.0, Answer::Denied),
            Decision::Approve(role) => {
                if record.role.as_ref().is_some_and(|asked| asked != role) {
                    return Err(Refusal::NotOffered { role: role.clone() }.into());
                }
                let duration = record.duration;
                let ask = Ask {
                    action: ACTION,
                    role,
                    session_name: None,
                    duration,
                    policies: SessionPolicies::NONE,
                };
                let (identity, _) = self.admit(arrival, &ask).await?;
                let grant = DeviceGrant { request: record.id, role: role.clone(), at: self.at };
                let entropy = self.parts.entropy.as_ref();
                let remembered = identity.remember(&grant, &self.parts.ring, entropy)?;
                let remembered = remembered.ok_or(Refusal::TooLargeToRemember)?;
                (identity, Answer::Approved { identity: remembered })
            }
        };
        let once = hash_of(&["rolegate/device-answer", &base64_simd::STANDARD.encode_to_string(record.id)]);
        self.claim_or(once, record.collected_by(), Refusal::DeviceCode).await?;
        let record = DeviceRecord { answer, ..record };
        self.keep_device(ticket, &record).await?;
        let (decided, decision, role) = match decision {
            Decision::Approve(role) => (Decided::Approved, "approved", Some(role.as_str())),
            Decision::Deny => (Decided::Denied, "denied", None),
        };
        let (client, source_ip) = (record.client_id.as_str(), record.source_ip);
        let (provider, subject) = (identity.provider().as_str(), identity.subject());
        audit::DeviceDecided { decision, client, source_ip, provider, subject, role }.write();
        Ok(decided)
    }

    /// People of another provider can't answer for a client that may not bring its word.
    fn check_device_provider(&self, record: &DeviceRecord, provider: &Provider) -> Result<(), Failure> {
        let may = self.device_client(record).is_some_and(|client| client.may_use(&provider.name));
        if may { Ok(()) } else { Err(Refusal::unknown_provider(&provider.name).into()) }
    }
}
