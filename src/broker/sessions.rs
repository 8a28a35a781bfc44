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
use super::record::{AppRecord, Kind, Recorded, holder_id, record_id};
use super::revocation::of_session;
use super::signin::console_mark;
use super::{Failure, Refusal, RequestContext};
use crate::arn::{AccessKeyId, RoleArn};
use crate::audit;
use crate::clock::Moment;
use crate::console::{BrowserId, ConsoleSession, Origin};
use crate::identity::{GrantId, Holder, LoginMarks, RoleSession, Session};
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
    /// The role.
    pub role: RoleArn,
    /// The name of its session.
    pub session_name: String,
    /// When it was opened.
    pub since: Moment,
    /// When it ends.
    pub until: Moment,
}

/// What a person's session is.
pub enum OwnKind {
    /// A browser.
    Browser {
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

/// What a record says.
struct Found {
    key: SessionKey,
    what: FoundKind,
}

enum FoundKind {
    Browser(Box<ConsoleSession>),
    App(Box<AppRecord>),
    Credentials(IssuedSession),
    Token(Box<RoleSession>),
}

impl RequestContext<'_> {
    /// Everything that is open for the person of `console`: browsers first, then apps, credentials and tokens, of each kind
    /// those first that were there last. What an app got is not told beside it.
    pub async fn own_sessions(&self, console: &ConsoleSession) -> Result<Vec<OwnSession>, Failure> {
        let open = self.all_open((&console.session).into()).await?;
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
        let mut own: Vec<_> = open.filter_map(|found| found.shown(console.browser)).collect();
        own.sort_by_key(|own| std::cmp::Reverse(own.kind.rank(own.since)));
        Ok(own)
    }

    /// Ends what is called `id` among the sessions of the person of `console`; whether it was there. A browser is ended with
    /// the sign-in that it comes of, unless the browser that asks comes of that, too.
    pub async fn end_own(&self, console: &ConsoleSession, id: &str) -> Result<bool, Failure> {
        let holder = holder_id(Kind::Stay, (&console.session).into());
        let mut pace_key = [0; 32];
        pace_key[..16].copy_from_slice(&holder);
        if !self.ends_pace.takes(pace_key, self.at) {
            return Err(Refusal::TooMany { what: "sessions that were ended" }.into());
        }
        let open = self.all_open((&console.session).into()).await?;
        let Some(found) = open.iter().find(|found| found.id() == id) else { return Ok(false) };
        let Some(session) = found.session() else { return Ok(false) };
        let scope = match &found.what {
            FoundKind::Browser(browser) => {
                self.end_browser(browser).await?;
                let mine = console.session.login.as_ref();
                let is_mine = |mark| mine.is_some_and(|mine| mine.all().any(|own| own == mark));
                let marks = session.login.as_ref().map(LoginMarks::ended).unwrap_or_default();
                if !marks.iter().any(is_mine) {
                    self.revoke(marks, self.latest_assertion(session)).await?;
                }
                "browser"
            }
            FoundKind::App(_) | FoundKind::Token(_) => {
                let Some(grant) = session.grant else { return Ok(false) };
                self.end_grant(grant).await?;
                "grant"
            }
            FoundKind::Credentials(issued) => {
                self.revoke(&[of_session(issued.access_key_id.as_str())], self.at).await?;
                "credentials"
            }
        };
        self.tell_own_ended("end-session", session, scope);
        Ok(true)
    }

    /// Records that a browser is signed in, or was there.
    pub(super) fn record_browser(&self, console: &ConsoleSession) -> Result<(), Failure> {
        let id = record_id("browser", &hexadecimal(&console.browser));
        let holder = holder_id(Kind::Stay, (&console.session).into());
        let key = SessionKey { holder, until: console.until, id };
        self.keep_record(key, &Recorded::Browser(Box::new(console.clone())))
    }

    /// Ends the browser sessions of a person beyond as many as they may have: those that were opened first. `console` is the
    /// latest, and recorded.
    pub(super) async fn end_surplus(&self, console: &ConsoleSession, most: usize) -> Result<(), Failure> {
        self.parts.store.flushed().await?;
        let open = self.open_of(holder_id(Kind::Stay, (&console.session).into())).await?;
        let others = open.iter().filter_map(|found| match &found.what {
            FoundKind::Browser(other) if other.browser != console.browser => Some(other),
            _ => None,
        });
        for surplus in others.skip(most.saturating_sub(1)) {
            self.end_browser(surplus).await?;
            self.tell_own_ended("most-sessions", &surplus.session, "browser");
        }
        Ok(())
    }

    fn tell_own_ended(&self, action: &'static str, session: &RoleSession, scope: &'static str) {
        let (provider, subject) = session.person().map_or(("", ""), |(arn, name)| (arn.as_str(), name));
        self.tell_ended(&audit::Ended { action, provider, subject, scope });
    }

    /// Ends one browser's session, and none that was opened later.
    async fn end_browser(&self, console: &ConsoleSession) -> Result<(), Failure> {
        let until = self.parts.revoked.keeps_until(self.at);
        let asserted_before = Moment::from_unix(0); // No document has this name.
        let id = console_mark(console);
        let revocation = Revocation { id, issued_before: console.opened, asserted_before, until };
        self.parts.revoked.add(revocation, self.at);
        self.save(&[revocation]).await
    }

    /// Everything that is open for the person of `holder`.
    async fn all_open(&self, holder: Holder<'_>) -> Result<Vec<Found>, Failure> {
        let of = |kind| self.open_of(holder_id(kind, holder));
        let (mut stays, given) = try_join(of(Kind::Stay), of(Kind::Given)).await?;
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
            FoundKind::Browser(console) => Some(&console.session),
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
            _ => self.session().map_or(Moment::from_unix(0), |session| session.issued),
        }
    }

    fn shown(&self, this: BrowserId) -> Option<OwnSession> {
        let (kind, until) = match &self.what {
            FoundKind::Browser(console) => {
                let (origin, is_this) = (console.origin.clone(), console.browser == this);
                (OwnKind::Browser { origin, is_this, seen: console.seen }, console.until)
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
        let session = self.session()?;
        let (role, session_name) = (session.role.clone(), session.session_name.clone());
        Some(OwnSession { id: self.id(), kind, role, session_name, since: self.since(), until })
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
