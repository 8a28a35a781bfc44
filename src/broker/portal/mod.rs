//! The portal: a person who signed in, and every role that they may have.
//!
//! Who it is, the browser carries along, sealed; where that is too much for a cookie, the store keeps it, and the
//! browser its name. Rules and trust policies are asked at each visit, as of then, and a login that ended opens
//! nothing. `marked` has what a person marks among their roles, `why` tells why one is not there.

mod marked;
mod why;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::marked::Marked;
pub use self::why::{Verdict, WhyNot};
use super::login::hexadecimal;
use super::record::{Given, Kind, Recorded, holder_of_person, offered_by, record_id};
use super::signin::{SigninBy, browser_mark};
use super::{Arrival, Ask, Failure, LoginStart, Onward, Refusal, RequestContext, SignedIn};
use crate::arn::{ProviderArn, RoleArn};
use crate::audit;
use crate::clock::Moment;
use crate::console::{BrowserId, Origin};
use crate::directory::Provider;
use crate::entropy;
use crate::identity::{FederatedIdentity, LoginMarks, SessionPolicies, hash_of};
use crate::issuer::TemporaryCredentials;
use crate::policy::{AuthorizedSession, RoleOffer};
use crate::store::{RevocationId, SessionKey, ValueKey};

/// Longest text of an identity that a cookie carries, in characters: beside a console's and some of logins it fits into
/// what servers take as one header (8 KiB in nginx).
const LONGEST_COOKIE: usize = 2800;
/// The way in, for audit and metrics.
const ACTION: &str = "portal";
/// How a cookie begins that names what the store keeps.
const KEPT: char = '~';

/// Somebody who is signed in at the portal.
pub struct Person {
    identity: FederatedIdentity,
    stay: Stay,
    /// By what the store keeps them, if it does.
    name: Option<String>,
}

/// A stay at the portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stay {
    /// When the person signed in.
    pub(super) opened: Moment,
    /// When they were there last, as far as that was noted.
    pub(super) seen: Moment,
    /// When they must sign in again.
    pub(super) until: Moment,
    /// Which browser it is.
    pub(super) browser: BrowserId,
    /// Where from.
    pub(super) origin: Origin,
}

/// A person who is at the portal from now on.
pub struct AtPortal {
    /// What the cookie holds.
    pub cookie: String,
    /// How long it is good for.
    pub lasts: Duration,
    /// The console of the role that was chosen before.
    pub console: Option<SignedIn>,
    /// Where to from here.
    pub onward: Onward,
}

/// What becomes of a role that was chosen.
pub enum Opened {
    /// Its console.
    Console(SignedIn),
    /// The provider must ask the person again.
    SignInAgain(LoginStart),
}

impl Person {
    /// The provider's name for them.
    pub fn subject(&self) -> &str {
        self.identity.subject()
    }

    /// The provider whose word it is.
    pub const fn provider(&self) -> &ProviderArn {
        self.identity.provider()
    }

    /// When they must sign in again.
    pub const fn until(&self) -> Moment {
        self.stay.until
    }

    pub(super) const fn identity(&self) -> &FederatedIdentity {
        &self.identity
    }

    pub(super) const fn browser(&self) -> BrowserId {
        self.stay.browser
    }

    pub(super) fn marks(&self) -> Option<&LoginMarks> {
        self.identity.login().map(|login| &login.marks)
    }

    /// What their stay is revoked by, where that does not end a login.
    pub(super) fn mark(&self) -> RevocationId {
        browser_mark(self.who(), self.stay.browser)
    }

    /// Whose stay it is, in a mark.
    fn who(&self) -> [&str; 2] {
        [self.identity.provider().as_str(), self.subject()]
    }
}

impl RequestContext<'_> {
    /// Verified and claimed: the person is at the portal from now on, and at a page of the console of the role that was chosen
    /// before, if there is one.
    pub(super) async fn arrive_at_portal(
        &self,
        arrival: &Arrival<'_>,
        browser: Option<BrowserId>,
        onward: Onward,
    ) -> Result<AtPortal, Failure> {
        let (identity, _) = self.offers(arrival).await?;
        let entropy = self.parts.entropy.as_ref();
        let browser = browser.map_or_else(|| entropy::bytes(entropy), Ok)?;
        let ends = self.at.plus(self.snapshot.portal.lifetime);
        let until = identity.session_ends().map_or(ends, |end| end.min(ends));
        let stay = Stay { opened: self.at, seen: self.at, until, browser, origin: self.origin() };
        let mut person = Person { identity, stay, name: None };
        // Whether the role can be had, and the person be carried, is known before the document is used up.
        let authorized = self.authorize_onward(&person, arrival.provider, &onward)?;
        let text = self.sealed_person(&person)?;
        if text.len() > LONGEST_COOKIE {
            person.name = Some(hexadecimal(&entropy::bytes::<32>(entropy)?));
        }
        self.claim(&person.identity, arrival, None).await?;
        let cookie = self.carry_person(&person, text).await?;
        self.record_stay(&person)?;
        if let Some(most) = self.snapshot.console.most_sessions {
            let who = Some((person.identity.provider(), person.subject()));
            let holder = holder_of_person(Kind::Stay, person.identity.provider(), person.subject());
            self.end_surplus(holder, who, browser, most.get()).await?;
        }
        audit::PortalSignin {
            provider: person.identity.provider().as_str(),
            subject: person.subject(),
            source_ip: person.stay.origin.address,
            program: &person.stay.origin.program,
            until,
        }
        .write();
        let console = match (authorized, &onward) {
            (Some(authorized), Onward::Console { destination, .. }) => {
                Some(self.to_console(&person, &authorized, destination.as_deref()).await?)
            }
            _ => None,
        };
        Ok(AtPortal { cookie, lasts: until.since(self.at), console, onward })
    }

    /// Whether `person` may go `onward`: else it is known before they are led there, and from there to sign in again.
    fn authorize_onward(
        &self,
        person: &Person,
        provider: &Provider,
        onward: &Onward,
    ) -> Result<Option<AuthorizedSession>, Failure> {
        let directory = &self.snapshot.directory;
        let authorized = match onward {
            Onward::Nowhere => return Ok(None),
            Onward::Console { role, .. } => self.authorize_at_portal(person, provider, role),
            Onward::Admin => match &self.snapshot.admin_role {
                Some(role) => self.authorize_at_portal(person, provider, role),
                None => return Ok(None),
            },
            Onward::Application { name, .. } => match directory.application(name) {
                Some(application) => self.authorize_entry(application, person, provider),
                None => return Ok(None),
            },
        };
        authorized.map(Some)
    }

    /// Who is at the portal by a browser's `cookie`, unless that is over. A fault: the store has it, and does not answer.
    pub async fn person(&self, cookie: &str) -> Result<Option<Person>, Failure> {
        self.knows_revocations()?;
        let name = cookie.strip_prefix(KEPT).map(str::to_owned);
        let kept = match &name {
            Some(name) => self.parts.store.kept(value_key(name), self.at).await?.unwrap_or_default(),
            None => cookie.as_bytes().to_vec(),
        };
        let recalled = std::str::from_utf8(&kept)
            .ok()
            .and_then(|text| FederatedIdentity::recall_at_portal::<Stay>(text, &self.parts.ring));
        let person = recalled.map(|(identity, stay)| Person { identity, stay, name });
        Ok(person.filter(|person| self.is_at_portal(person)))
    }

    /// Whether nothing ended the stay of `person` before its time, and the browser is where it was.
    fn is_at_portal(&self, person: &Person) -> bool {
        let Person { identity, stay, .. } = person;
        let provider = self.snapshot.directory.provider_by_arn(identity.provider());
        self.snapshot.console.may_be_used(&stay.origin, &self.origin())
            && !self.snapshot.console.is_idle(stay.seen, self.at)
            && provider.is_some_and(|provider| provider.vouches_still_for(identity))
            && !self.parts.revoked.ends_person(identity.provider(), person.subject(), stay.opened)
            && self.goes_on(stay, person.marks(), person.who())
    }

    /// Whether what `record` tells of goes on.
    pub(super) fn is_stay_open(&self, record: &PortalRecord) -> bool {
        let (provider, subject) = (&record.provider, record.subject.as_str());
        self.snapshot.directory.provider_by_arn(provider).is_some()
            && !self.snapshot.console.is_idle(record.stay.seen, self.at)
            && !self.parts.revoked.ends_person(provider, subject, record.stay.opened)
            && self.goes_on(&record.stay, record.marks.as_ref(), record.who())
    }

    fn goes_on(&self, stay: &Stay, marks: Option<&LoginMarks>, who: [&str; 2]) -> bool {
        let revoked = &self.parts.revoked;
        stay.until > self.at
            && stay.opened.plus(self.snapshot.portal.lifetime) > self.at
            && !marks.is_some_and(|marks| revoked.ends_session(marks, stay.opened))
            && !self.is_browser_ended(who, stay.browser, stay.opened)
    }

    /// Every role that `person` may choose.
    pub fn roles_of(&self, person: &Person) -> Vec<RoleOffer> {
        let provider = self.snapshot.directory.provider_by_arn(person.identity.provider());
        provider.map_or_else(Vec::new, |provider| self.decide(provider).offers(&person.identity))
    }

    /// The console of `role`, at `wished` or the broker's own.
    pub async fn open_role(
        &self,
        person: &Person,
        role: &RoleArn,
        wished: Option<&str>,
    ) -> Result<Opened, Failure> {
        let provider = self.provider_of_person(person)?;
        let refused = match self.authorize_at_portal(person, provider, role) {
            Ok(authorized) => {
                return Ok(Opened::Console(self.to_console(person, &authorized, wished).await?));
            }
            Err(refused) => refused,
        };
        let landing = self.portal_at(Some(person.stay.browser), Some(role), wished)?;
        let again = self.send_again(provider, &refused, landing, Some(role)).await;
        again.map(Opened::SignInAgain).ok_or(refused)
    }

    /// Temporary credentials of `role`.
    pub async fn give_at_portal(
        &self,
        person: &Person,
        role: &RoleArn,
    ) -> Result<TemporaryCredentials, Failure> {
        let provider = self.provider_of_person(person)?;
        let session = self.authorize_at_portal(person, provider, role)?;
        let credentials = self.issue(&session, None).await?;
        self.record(&session, &Given::credentials(&credentials, ACTION))?;
        Ok(credentials)
    }

    pub(super) fn provider_of_person(&self, person: &Person) -> Result<&Provider, Failure> {
        let arn = person.identity.provider();
        let provider = self.snapshot.directory.provider_by_arn(arn);
        provider.ok_or_else(|| Refusal::unknown_provider(arn.as_str()).into())
    }

    pub(super) fn authorize_at_portal(
        &self,
        person: &Person,
        provider: &Provider,
        role: &RoleArn,
    ) -> Result<AuthorizedSession, Failure> {
        self.authorize(&person.identity, provider, &ask_for(role))
    }

    /// As [`RequestContext::authorize_at_portal`], without a word to the audit: for who looks, or tries one of several.
    pub(super) fn decide_at_portal(
        &self,
        person: &Person,
        provider: &Provider,
        role: &RoleArn,
    ) -> Result<AuthorizedSession, Refusal> {
        let (decide, identity) = (self.decide(provider), &person.identity);
        decide.authorize(identity, &decide.offer(identity, role)?, &ask_for(role))
    }

    async fn to_console(
        &self,
        person: &Person,
        authorized: &AuthorizedSession,
        wished: Option<&str>,
    ) -> Result<SignedIn, Failure> {
        let destination = self.land_on(Some(&authorized.session().role), wished)?;
        if let Some(there) = self.console_there(&authorized.session().role) {
            let ready = self.ready_there(there, authorized, None, (Some(&destination), None)).await?;
            return Ok(SignedIn::There(self.sign_in_there(ready, authorized, ACTION)?));
        }
        let console = self.console_of(&person.identity, authorized);
        let offered_by = Some(offered_by(authorized.offered_by()));
        let by = SigninBy { action: ACTION, offered_by, browser: Some(person.stay.browser) };
        self.sign_in(console, destination, by).await
    }

    /// What a browser's cookie is to hold from now on, and for how long, if it is to be noted that `person` was there.
    pub async fn noted_at_portal(&self, person: &Person) -> Result<Option<(String, Duration)>, Failure> {
        if !self.snapshot.console.is_to_be_noted(person.stay.seen, self.at) {
            return Ok(None);
        }
        let stay = Stay { seen: self.at, ..person.stay.clone() };
        let person = Person { identity: person.identity.clone(), stay, name: person.name.clone() };
        let text = self.sealed_person(&person)?;
        let cookie = self.carry_person(&person, text).await?;
        self.record_stay(&person)?;
        Ok(Some((cookie, person.stay.until.since(self.at))))
    }

    fn sealed_person(&self, person: &Person) -> Result<String, Failure> {
        let entropy = self.parts.entropy.as_ref();
        let text = person.identity.remember_at_portal(&person.stay, &self.parts.ring, entropy)?;
        Ok(text.ok_or(Refusal::TooLargeToRemember)?)
    }

    /// What the browser carries: `person` as the sealed `text`, or the name by which the store keeps it.
    async fn carry_person(&self, person: &Person, text: String) -> Result<String, Failure> {
        let Some(name) = &person.name else { return Ok(text) };
        let until = person.stay.until;
        self.parts.store.keep(value_key(name), text.into_bytes(), until, self.at).await?;
        Ok(format!("{KEPT}{name}"))
    }

    /// Records that a person is at the portal.
    fn record_stay(&self, person: &Person) -> Result<(), Failure> {
        let (identity, stay) = (&person.identity, person.stay.clone());
        let holder = holder_of_person(Kind::Stay, identity.provider(), identity.subject());
        let id = record_id("portal", &hexadecimal(&stay.browser));
        let key = SessionKey { holder, until: stay.until, id };
        let (provider, subject) = (identity.provider().clone(), identity.subject().to_owned());
        let record = PortalRecord { stay, provider, subject, marks: person.marks().cloned() };
        self.keep_record(key, &Recorded::Portal(Box::new(record)))
    }
}

/// What is recorded of a person at the portal.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PortalRecord {
    pub(super) stay: Stay,
    provider: ProviderArn,
    subject: String,
    /// Of the login that they came by.
    pub(super) marks: Option<LoginMarks>,
}

impl PortalRecord {
    /// Whose stay it is, in a mark.
    pub(super) fn who(&self) -> [&str; 2] {
        [self.provider.as_str(), &self.subject]
    }
}

/// What the portal asks for.
const fn ask_for(role: &RoleArn) -> Ask<'_> {
    let policies = SessionPolicies::NONE;
    Ask { action: ACTION, role, session_name: None, duration: None, policies }
}

/// Where the store keeps the person that a cookie names.
fn value_key(name: &str) -> ValueKey {
    hash_of(&["rolegate/portal", name])
}
