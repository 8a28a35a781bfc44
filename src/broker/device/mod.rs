//! Sign-in for devices that have no browser (RFC 8628).
//!
//! A device asks, and is given two codes. It shows the short one to a person, who types it in a browser
//! elsewhere, signs in there, sees which application asks for what, and approves or denies. By the long
//! one the device asks until somebody did (`exchange::device`).
//!
//! A request stands in the store for ten minutes, under a hash of the short code; the long code is its
//! name, sealed. What a person approves is the identity that was verified, remembered under the request:
//! rules and trust policy are asked again when the device comes. Whoever shows people codes can try to
//! get them approved by the wrong ones (section 5.4), so nothing is approved without a sign-in that was
//! begun for it and a page that says what will be given to whom, and where from it was asked.

mod approval;
mod user_code;

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::approval::{Approving, Decided, Decision};
use self::user_code::UserCode;
use super::exchange::{ExchangeRefusal, Wanted};
use super::pace::{Pace, PaceKey, key_of};
use super::{Failure, Refusal, RequestContext};
use crate::arn::RoleArn;
use crate::clock::Moment;
use crate::console;
use crate::directory::Client;
use crate::entropy;
use crate::identity::hash_of;
use crate::seal::Purpose;
use crate::secret::Secret;
use crate::store::ValueKey;

/// How long a person has.
const LIFE: Duration = Duration::from_secs(600);
/// How long an approved request waits for its device beyond that.
const COLLECTING: Duration = Duration::from_secs(60);
/// How long a device waits between two questions.
const INTERVAL: Duration = Duration::from_secs(5);

/// How often devices and people may ask.
#[derive(Debug)]
pub(super) struct Paces {
    /// Requests from one network.
    requests: Pace,
    /// Requests in all.
    all_requests: Pace,
    /// Wrong codes typed in one network. Ten thousand codes may be good among 20⁸.
    wrong_codes: Pace,
    /// Questions of one device, with a second's grace.
    polls: Pace,
}

impl Default for Paces {
    fn default() -> Self {
        Self {
            requests: Pace::new(100, Duration::from_secs(6)),
            all_requests: Pace::new(10_000, Duration::from_millis(60)),
            wrong_codes: Pace::new(100, Duration::from_secs(6)),
            polls: Pace::new(1, INTERVAL - Duration::from_secs(1)),
        }
    }
}

/// What a device asks for.
pub struct DeviceAsk<'a> {
    /// Who asks. It has proved to be that.
    pub client: &'a Client,
    /// What it wants.
    pub wanted: Wanted<'a>,
    /// The role, unless the person is to choose.
    pub role: Option<&'a RoleArn>,
    /// The session's length; without it one hour.
    pub duration: Option<Duration>,
}

/// What a device is answered (RFC 8628 section 3.2).
pub struct DeviceAuthorization {
    /// What it asks by.
    pub device_code: Secret<String>,
    /// What it shows.
    pub user_code: String,
    /// How long both are good.
    pub lasts: Duration,
    /// How long it waits between two questions.
    pub interval: Duration,
}

/// A request as the person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRequest {
    /// What the person typed, as the device shows it.
    pub user_code: String,
    /// The client's `client_id`.
    pub client_id: String,
    /// What the configuration calls the client.
    pub client_label: Option<String>,
    /// The service that a token is for; `None` for credentials.
    pub audience: Option<String>,
    /// The role that it asks for.
    pub role: Option<RoleArn>,
    /// How long it can be asked for again, in days or hours for people; `None`: not at all.
    pub renewable_for: Option<String>,
    /// Where it was asked from.
    pub source_ip: Option<IpAddr>,
    /// When.
    pub begun: Moment,
}

/// The name of a request: where it stands, and which one it was there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DeviceTicket {
    user_code: UserCode,
    id: [u8; 32],
}

/// What a device code holds.
#[derive(Serialize, Deserialize)]
pub(super) struct DeviceCode {
    pub(super) ticket: DeviceTicket,
    pub(super) client_id: String,
}

/// What stands in the store.
#[derive(Serialize, Deserialize)]
pub(super) struct DeviceRecord {
    pub(super) id: [u8; 32],
    pub(super) client_id: String,
    pub(super) audience: Option<String>,
    pub(super) role: Option<RoleArn>,
    pub(super) duration: Option<Duration>,
    source_ip: Option<IpAddr>,
    begun: Moment,
    pub(super) answer: Answer,
}

/// What a person said to a request.
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    /// Nothing yet.
    None,
    /// No.
    Denied,
    /// Yes.
    Approved {
        /// The identity, remembered for the role that was chosen.
        identity: String,
    },
}

impl DeviceRecord {
    /// When it is too late to answer it.
    pub(super) fn ends(&self) -> Moment {
        self.begun.plus(LIFE)
    }

    /// When it is too late for the device to collect the answer.
    pub(super) fn collected_by(&self) -> Moment {
        self.ends().plus(COLLECTING)
    }
}

impl DeviceTicket {
    fn key(&self) -> ValueKey {
        hash_of(&["rolegate/device", self.user_code.as_str()])
    }

    /// Whether what stands there is the request that this was the ticket of.
    pub(super) fn names(&self, record: &DeviceRecord) -> bool {
        record.id == self.id
    }
}

impl RequestContext<'_> {
    /// Begins a request (RFC 8628 section 3.1).
    pub async fn authorize_device(&self, ask: &DeviceAsk<'_>) -> Result<DeviceAuthorization, Failure> {
        let client = ask.client;
        if !client.may_use_devices {
            return Err(ExchangeRefusal::Grant { grant: "device" }.into());
        }
        super::exchange::may_ask_for(client, ask.wanted)?;
        let paces = self.device_paces;
        if !paces.requests.takes(key_of(self.source_ip), self.at)
            || !paces.all_requests.takes(PaceKey::default(), self.at)
        {
            return Err(Refusal::TooMany { what: "device authorization requests" }.into());
        }
        let entropy = self.parts.entropy.as_ref();
        let user_code = UserCode::draw(entropy)?;
        let shown = user_code.shown();
        let id = entropy::bytes(entropy)?;
        let ticket = DeviceTicket { user_code, id };
        let record = DeviceRecord {
            id,
            client_id: client.id.clone(),
            audience: ask.wanted.audience().map(str::to_owned),
            role: ask.role.cloned(),
            duration: ask.duration,
            source_ip: self.source_ip,
            begun: self.at,
            answer: Answer::None,
        };
        self.keep_device(&ticket, &record).await?;
        let code = DeviceCode { ticket, client_id: client.id.clone() };
        let device_code = console::seal(&self.parts.ring, Purpose::DeviceCode, &code, entropy)?;
        let device_code = Secret::new(device_code);
        Ok(DeviceAuthorization { device_code, user_code: shown, lasts: LIFE, interval: INTERVAL })
    }

    /// The request whose code somebody typed.
    pub async fn device_request(&self, typed: &str) -> Result<DeviceRequest, Failure> {
        let (ticket, record) = self.typed_device(typed).await?;
        Ok(self.shown_device(&ticket, &record))
    }

    /// The request that `typed` is the code of, if it waits for an answer. Wrong codes are counted: who
    /// types too many is told no more about right ones.
    async fn typed_device(&self, typed: &str) -> Result<(DeviceTicket, DeviceRecord), Failure> {
        let (pace, network) = (&self.device_paces.wrong_codes, key_of(self.source_ip));
        // Before the code is looked up: of many guesses at once none is free.
        if !pace.takes(network, self.at) {
            return Err(Refusal::TooMany { what: "wrong codes" }.into());
        }
        let found = match UserCode::typed(typed) {
            None => None,
            Some(user_code) => {
                let ticket = DeviceTicket { user_code, id: [0; 32] };
                let record = self.device_record(&ticket).await?;
                record.map(|record| (DeviceTicket { id: record.id, ..ticket }, record))
            }
        };
        let waiting = found.filter(|(_, record)| self.waits(record)).ok_or(Refusal::DeviceCode)?;
        pace.gives_back(network);
        Ok(waiting)
    }

    /// The request of `ticket`, if it still waits for an answer.
    async fn waiting_device(&self, ticket: &DeviceTicket) -> Result<DeviceRecord, Failure> {
        let record = self.device_record(ticket).await?;
        let waiting = record.filter(|record| ticket.names(record) && self.waits(record));
        Ok(waiting.ok_or(Refusal::DeviceCode)?)
    }

    fn waits(&self, record: &DeviceRecord) -> bool {
        matches!(record.answer, Answer::None)
            && record.ends() > self.at
            && self.device_client(record).is_some()
    }

    /// The client that began a request, if it may still.
    fn device_client(&self, record: &DeviceRecord) -> Option<&Client> {
        self.snapshot.directory.client(&record.client_id).filter(|client| client.may_use_devices)
    }

    fn shown_device(&self, ticket: &DeviceTicket, record: &DeviceRecord) -> DeviceRequest {
        let client = self.device_client(record);
        let renewable = client.and_then(|client| client.refresh);
        DeviceRequest {
            user_code: ticket.user_code.shown(),
            client_id: record.client_id.clone(),
            client_label: client.and_then(|client| client.label.clone()),
            renewable_for: renewable.map(|terms| for_people(terms.lifetime)),
            audience: record.audience.clone(),
            role: record.role.clone(),
            source_ip: record.source_ip,
            begun: record.begun,
        }
    }

    /// What stands where `ticket` says.
    pub(super) async fn device_record(&self, ticket: &DeviceTicket) -> Result<Option<DeviceRecord>, Failure> {
        let place = ticket.key();
        let Some(sealed) = self.parts.store.kept(place, self.at).await? else { return Ok(None) };
        let body = self.parts.ring.open_at(&place, Purpose::DeviceRequest, &sealed).ok();
        let record = body.and_then(|body| postcard::from_bytes(&body).ok());
        if record.is_none() {
            tracing::warn!(
                "a device's request does not open where it is kept: was the key ring or the store changed?"
            );
        }
        Ok(record)
    }

    async fn keep_device(&self, ticket: &DeviceTicket, record: &DeviceRecord) -> Result<(), Failure> {
        let body = postcard::to_allocvec(record).map_err(|_| entropy::NoEntropy)?;
        let (place, entropy) = (ticket.key(), self.parts.entropy.as_ref());
        let sealed = self.parts.ring.seal_at(&place, Purpose::DeviceRequest, &body, entropy)?;
        Ok(self.parts.store.keep(place, sealed, record.collected_by(), self.at).await?)
    }

    /// Whether the device may ask now.
    pub(super) fn paces_device(&self, ticket: &DeviceTicket) -> bool {
        self.device_paces.polls.takes(ticket.id, self.at)
    }
}

fn for_people(span: Duration) -> String {
    let hours = span.as_secs() / 3600;
    if hours >= 48 { format!("{} days", hours / 24) } else { format!("{hours} hours") }
}
