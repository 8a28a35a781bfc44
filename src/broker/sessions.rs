//! A person's own sessions: the browsers, apps and credentials that were opened for them and are still good, and ending
//! one of them.
//!
//! What is listed is what was recorded, so it may lag a moment behind. Whether it is still good is asked as for every
//! request, so that what is shown is what works.

use std::collections::HashSet;
use std::time::Duration;

use base64_simd::STANDARD;
use futures_util::future::try_join;

use super::login::hexadecimal;
use super::portal::{PortalRecord, Stay};
use super::record::{AppRecord, Kind, Recorded, holder_id, holder_of_person, record_id};
use super::revocation::of_session;
use super::signin::{own_mark, who_of};
use super::{Failure, InBrowser, Refusal, RequestContext};
use crate::arn::{AccessKeyId, ProviderArn, RoleArn};
use crate::audit;
use crate::clock::Moment;
use crate::console::{BrowserId, ConsoleSession, Origin};
use crate::identity::{GrantId, LoginMarks, RoleSession, Session};
use crate::issuer::IssuedSession;
use crate::store::{HolderId, Revocation, SessionKey};

/// Records of one kind and person that are looked at.
const MOST: usize = 300;
/// How many a person may end at once, and how often one more: each is remembered.
pub(super) const ENDS: (u32, Duration) = (30, Duration::from_secs(10));

/// Something that was opened for a person.
pub struct OwnSession {
    /// Names it among the person's.
    pub id: String,
    /// What it is.
    pub kind: OwnKind,
    /// The role, and the name of its session; nothing of a browser at the portal.
    pub role: Option<(RoleArn, String)>,
    /// When it was opened.
    pub since: Moment,
    /// When it ends.
    pub until: Moment,
}

/// What a person's session is.
pub enum OwnKind {
    /// A browser.
    Browser {
        /// Whether it is at the portal; else in a console.
        is_portal: bool,
        /// Where it was opened from.
        origin: Origin,
        /// Whether it is the one that asks.
        is_this: bool,
        /// When it was there last, as far as that was noted.
        seen: Moment,
    },
    /// An app or a device that may ask again.
    App {
        /// The OAuth client.
        client: String,
        /// Where it asked from last.
        origin: Origin,
        /// When it asked last.
        used: Moment,
    },
    /// Temporary credentials.
    Credentials {
        /// Their access key id.
        access_key_id: AccessKeyId,
    },
    /// A token for a service.
    Token,
}

/// Whose sessions.
pub(super) struct Whose<'a> {
    stays: Option<HolderId>,
    given: Option<HolderId>,
    who: Option<(&'a ProviderArn, &'a str)>,
    /// The browser that asks.
    browser: Option<BrowserId>,
    /// The login that it came by.
    marks: Option<&'a LoginMarks>,
}

impl<'a> Whose<'a> {
    /// Of the person who asks.
    fn of(here: &'a InBrowser) -> Self {
        let (stays, given) = (here.holder(Kind::Stay), here.holder(Kind::Given));
        Self { stays, given, who: here.who(), browser: here.browser(), marks: here.marks() }
    }

    /// Of a person, for somebody else.
    pub(super) fn person(provider: &'a ProviderArn, subject: &'a str) -> Self {
        let holder = |kind| Some(holder_of_person(kind, provider, subject));
        let (stays, given) = (holder(Kind::Stay), holder(Kind::Given));
        Self { stays, given, who: Some((provider, subject)), browser: None, marks: None }
    }
}

/// What a record says.
struct Found {
    key: SessionKey,
    what: FoundKind,
}

enum FoundKind {
    Browser(Box<ConsoleSession>),
    Portal(Box<PortalRecord>),
    App(Box<AppRecord>),
    Credentials(IssuedSession),
    Token(Box<RoleSession>),
}

impl RequestContext<'_> {
    /// Everything that is open for the person of `here`: browsers first, then apps, credentials and tokens, of each kind
    /// those first that were there last. What an app got is not told beside it.
    pub async fn own_sessions(&self, here: &InBrowser) -> Result<Vec<OwnSession>, Failure> {
        self.sessions_of(&Whose::of(here)).await
    }

    /// As [`RequestContext::own_sessions`], of anybody.
    pub(super) async fn sessions_of(&self, whose: &Whose<'_>) -> Result<Vec<OwnSession>, Failure> {
        let open = self.all_open(whose).await?;
        let app_of = |found: &Found| match &found.what {
            FoundKind::App(app) => app.session.grant,
            _ => None,
        };
        let apps: HashSet<GrantId> = open.iter().filter_map(app_of).collect();
        let is_of_app = |found: &Found| {
            let grant = found.session().and_then(|session| session.grant);
            !matches!(found.what, FoundKind::App(_)) && grant.is_some_and(|grant| apps.contains(&grant))
        };
        let open = open.iter().filter(|found| !is_of_app(found));
        let mut own: Vec<_> = open.map(|found| found.shown(whose.browser)).collect();
        own.sort_by_key(|own| std::cmp::Reverse(own.kind.rank(own.since)));
        Ok(own)
    }

    /// Ends what is called `id` among the sessions of the person of `here`; whether it was there. A browser is ended with
    /// the sign-in that it comes of, unless the browser that asks comes of that, too.
    pub async fn end_own(&self, here: &InBrowser, id: &str) -> Result<bool, Failure> {
        let Some(holder) = here.holder(Kind::Stay) else { return Ok(false) };
        let mut pace_key = [0; 32];
        pace_key[..16].copy_from_slice(&holder);
        if !self.ends_pace.takes(pace_key, self.at) {
            return Err(Refusal::TooMany { what: "sessions that were ended" }.into());
        }
        self.end_of(&Whose::of(here), id, "end-session").await
    }

    /// As [`RequestContext::end_own`], of anybody; `action` says to the audit who does it.
    pub(super) async fn end_of(
        &self,
        whose: &Whose<'_>,
        id: &str,
        action: &'static str,
    ) -> Result<bool, Failure> {
        let open = self.all_open(whose).await?;
        let Some(found) = open.iter().find(|found| found.id() == id) else { return Ok(false) };
        let scope = match (&found.what, found.session()) {
            (FoundKind::Browser(_) | FoundKind::Portal(_), _) => {
                self.end_browser(found).await?;
                let is_mine = |mark| whose.marks.is_some_and(|mine| mine.all().any(|own| own == mark));
                let marks = found.marks().map(LoginMarks::ended).unwrap_or_default();
                if !marks.iter().any(is_mine) {
                    let provider = whose.who.map(|(provider, _)| provider);
                    self.revoke(marks, self.latest_assertion(provider)).await?;
                }
                "browser"
            }
            (FoundKind::App(_) | FoundKind::Token(_), session) => {
                let Some(grant) = session.and_then(|session| session.grant) else { return Ok(false) };
                self.end_grant(grant).await?;
                "grant"
            }
            (FoundKind::Credentials(issued), _) => {
                self.revoke(&[of_session(issued.access_key_id.as_str())], self.at).await?;
                "credentials"
            }
        };
        self.tell_own_ended(action, whose.who, scope);
        Ok(true)
    }

    /// Records that a browser is signed in, or was there.
    pub(super) fn record_browser(&self, console: &ConsoleSession) -> Result<(), Failure> {
        let id = record_id("browser", &hexadecimal(&console.browser));
        let holder = holder_id(Kind::Stay, console.holder());
        let key = SessionKey { holder, until: console.until, id };
        self.keep_record(key, &Recorded::Browser(Box::new(console.clone())))
    }

    /// Ends the browsers of `holder`, who is `who`, beyond as many as they may have: those that were opened first. `latest` is
    /// the one that was opened now, and recorded.
    pub(super) async fn end_surplus(
        &self,
        holder: HolderId,
        who: Option<(&ProviderArn, &str)>,
        latest: BrowserId,
        most: usize,
    ) -> Result<(), Failure> {
        self.parts.store.flushed().await?;
        let open = self.open_of(holder).await?;
        let mut kept = vec![latest];
        for found in &open {
            let Some(browser) = found.browser().filter(|browser| !kept.contains(browser)) else { continue };
            if kept.len() < most {
                kept.push(browser);
            } else {
                self.end_browser(found).await?;
                self.tell_own_ended("most-sessions", who, "browser");
            }
        }
        Ok(())
    }

    fn tell_own_ended(&self, action: &'static str, who: Option<(&ProviderArn, &str)>, scope: &'static str) {
        let (provider, subject) = who.map_or(("", ""), |(arn, name)| (arn.as_str(), name));
        self.tell_ended(&audit::Ended { action, provider, subject, scope });
    }

    /// Ends what is open in the browser of `found`, and nothing that was opened later.
    async fn end_browser(&self, found: &Found) -> Result<(), Failure> {
        let id = match &found.what {
            FoundKind::Browser(console) => own_mark(who_of(console), console.browser),
            FoundKind::Portal(record) => own_mark(record.who(), record.stay.browser),
            FoundKind::App(_) | FoundKind::Credentials(_) | FoundKind::Token(_) => return Ok(()),
        };
        let until = self.parts.revoked.keeps_until(self.at);
        let asserted_before = Moment::from_unix(0); // No document has this name.
        let revocation = Revocation { id, issued_before: found.since(), asserted_before, until };
        self.parts.revoked.add(revocation, self.at);
        self.save(&[revocation]).await
    }

    /// Everything that is open for somebody.
    async fn all_open(&self, whose: &Whose<'_>) -> Result<Vec<Found>, Failure> {
        let of = async |holder: Option<HolderId>| match holder {
            Some(holder) => self.open_of(holder).await,
            None => Ok(Vec::new()),
        };
        let (mut stays, given) = try_join(of(whose.stays), of(whose.given)).await?;
        stays.extend(given);
        Ok(stays)
    }

    /// What is open under `holder`, the latest first.
    async fn open_of(&self, holder: HolderId) -> Result<Vec<Found>, Failure> {
        let records = self.parts.store.of_holder(holder, MOST, self.at).await?;
        let mut found: Vec<_> =
            records.into_iter().filter_map(|(key, sealed)| self.found(key, &sealed)).collect();
        found.sort_by_key(|found| std::cmp::Reverse(found.since()));
        // A browser that signed in again has a record of each time, of which the last counts.
        let mut seen = HashSet::new();
        found.retain(|found| seen.insert(found.key.id) && self.is_still_good(found));
        Ok(found)
    }

    /// What a record says; nothing if it is not where it was put.
    fn found(&self, key: SessionKey, sealed: &[u8]) -> Option<Found> {
        let what = match self.open_record(key, sealed) {
            Some(Recorded::Browser(console)) => FoundKind::Browser(console),
            Some(Recorded::Portal(record)) => FoundKind::Portal(record),
            Some(Recorded::App(app)) => FoundKind::App(app),
            Some(Recorded::Token(session)) => FoundKind::Token(session),
            None => {
                let issued = self.parts.issuer.session_of(&STANDARD.encode_to_string(sealed))?;
                let is_in_place = record_id("given", issued.access_key_id.as_str()) == key.id
                    && holder_id(Kind::Given, (&issued.session).into()) == key.holder;
                is_in_place.then_some(FoundKind::Credentials(issued))?
            }
        };
        Some(Found { key, what })
    }

    fn is_still_good(&self, found: &Found) -> bool {
        match &found.what {
            FoundKind::Browser(console) => self.is_open(console),
            FoundKind::Portal(record) => self.is_stay_open(record),
            FoundKind::App(app) => app.until > self.at && self.is_live((&app.session).into()),
            FoundKind::Credentials(issued) => self.are_live(issued),
            FoundKind::Token(session) => self.is_live(session.as_ref().into()),
        }
    }
}

impl Found {
    fn id(&self) -> String {
        hexadecimal(&self.key.id)
    }

    /// The role session that it is of, if it is of a role.
    fn session(&self) -> Option<&RoleSession> {
        match &self.what {
            FoundKind::Browser(console) => console.role(),
            FoundKind::Portal(_) => None,
            FoundKind::App(app) => Some(&app.session),
            FoundKind::Token(session) => Some(session),
            FoundKind::Credentials(issued) => match &issued.session {
                Session::Role(session) => Some(session),
                Session::User(_) | Session::FederatedUser(_) => None,
            },
        }
    }

    fn since(&self) -> Moment {
        match &self.what {
            FoundKind::Browser(console) => console.opened,
            FoundKind::Portal(record) => record.stay.opened,
            _ => self.session().map_or(Moment::from_unix(0), |session| session.issued),
        }
    }

    /// The login that a browser came by.
    fn marks(&self) -> Option<&LoginMarks> {
        match &self.what {
            FoundKind::Portal(record) => record.marks.as_ref(),
            _ => self.session().and_then(|session| session.login.as_ref()),
        }
    }

    /// The browser that it is in, if it is in one.
    fn browser(&self) -> Option<BrowserId> {
        match &self.what {
            FoundKind::Browser(console) => Some(console.browser),
            FoundKind::Portal(record) => Some(record.stay.browser),
            FoundKind::App(_) | FoundKind::Credentials(_) | FoundKind::Token(_) => None,
        }
    }

    fn shown(&self, this: Option<BrowserId>) -> OwnSession {
        let (kind, until) = match &self.what {
            FoundKind::Browser(console) => {
                let (origin, is_this) = (console.origin.clone(), Some(console.browser) == this);
                let seen = console.seen;
                (OwnKind::Browser { is_portal: false, origin, is_this, seen }, console.until)
            }
            FoundKind::Portal(record) => {
                let Stay { seen, until, browser, origin, .. } = record.stay.clone();
                (OwnKind::Browser { is_portal: true, origin, is_this: Some(browser) == this, seen }, until)
            }
            FoundKind::App(app) => {
                let (client, origin) = (app.client.clone(), app.origin.clone());
                (OwnKind::App { client, origin, used: app.used }, app.until)
            }
            FoundKind::Credentials(issued) => {
                (OwnKind::Credentials { access_key_id: issued.access_key_id }, self.key.until)
            }
            FoundKind::Token(_) => (OwnKind::Token, self.key.until),
        };
        let role = self.session().map(|session| (session.role.clone(), session.session_name.clone()));
        OwnSession { id: self.id(), kind, role, since: self.since(), until }
    }
}

impl OwnKind {
    /// The highest comes first.
    fn rank(&self, since: Moment) -> (u8, bool, Moment) {
        match self {
            Self::Browser { is_this, seen, .. } => (3, *is_this, *seen),
            Self::App { used, .. } => (2, false, *used),
            Self::Credentials { .. } => (1, false, since),
            Self::Token => (0, false, since),
        }
    }
}
