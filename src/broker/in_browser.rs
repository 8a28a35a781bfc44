//! Who is signed in in a browser: at the portal, in a console, or both.

use std::time::Duration;

use super::record::{Kind, holder_id, holder_of_person};
use super::signin::console_mark;
use super::{Failure, Person, RequestContext};
use crate::arn::ProviderArn;
use crate::console::{BrowserId, ConsoleSession};
use crate::identity::{LoginMarks, ProviderSession};
use crate::store::{HolderId, RevocationId};

/// What the cookies of all consoles may have together, in characters: with a portal's and some of logins they fit into what
/// servers take as one header (8 KiB in nginx).
const LONGEST_TOGETHER: usize = 4500;

/// What a browser's cookies hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct BrowserCookies<'a> {
    /// That of the console that was opened last.
    pub console: Option<&'a str>,
    /// Those of consoles that were opened before it, each with its place.
    pub earlier: &'a [(usize, String)],
    /// The portal's.
    pub portal: Option<&'a str>,
}

/// See the module. Who is at the portal counts before whose console is open.
#[derive(Default)]
pub struct InBrowser {
    /// Who is at the portal.
    pub person: Option<Person>,
    /// The console that was opened last, and is open.
    pub console: Option<ConsoleSession>,
    /// The others that are open, each with the place of its cookie.
    pub earlier: Vec<(usize, ConsoleSession)>,
}

impl RequestContext<'_> {
    /// Who is signed in by these `cookies`. A fault: the store has who it is, and does not answer.
    pub async fn in_browser(&self, cookies: BrowserCookies<'_>) -> Result<InBrowser, Failure> {
        let console = cookies.console.and_then(|cookie| self.console_session(cookie));
        let opened = |(place, cookie): &(usize, String)| Some((*place, self.console_session(cookie)?));
        let earlier = cookies.earlier.iter().filter_map(opened).collect();
        let person = match cookies.portal {
            Some(cookie) => self.person(cookie).await?,
            None => None,
        };
        Ok(InBrowser { person, console, earlier })
    }

    /// The cookies of the consoles that stay open beside one that is opened now with `opened`, with how long each is good
    /// for: those of the same person, as many as are configured and fit into what a browser sends, the latest first.
    pub fn side_by_side(&self, opened: &str, before: BrowserCookies<'_>) -> Vec<(String, Duration)> {
        let Some(latest) = self.console_session(opened) else { return Vec::new() };
        let holder = |console: &ConsoleSession| holder_id(Kind::Stay, console.holder());
        let mut kept: Vec<(String, Duration)> = Vec::new();
        let mut arns = vec![latest.holder().arn()];
        let mut room = LONGEST_TOGETHER.saturating_sub(opened.len());
        for cookie in
            before.console.into_iter().chain(before.earlier.iter().map(|(_, cookie)| cookie.as_str()))
        {
            let Some(console) = self.console_session(cookie) else { continue };
            let arn = console.holder().arn();
            let is_another = holder(&console) == holder(&latest) && !arns.contains(&arn);
            if !is_another || cookie.len() > room || arns.len() >= self.snapshot.console.side_by_side {
                continue;
            }
            room -= cookie.len();
            arns.push(arn);
            kept.push((cookie.to_owned(), console.until.since(self.at)));
        }
        kept
    }
}

impl InBrowser {
    /// Whether nobody is.
    pub const fn is_nobody(&self) -> bool {
        self.person.is_none() && self.console.is_none()
    }

    /// Every console that is open, the last one first.
    pub fn consoles(&self) -> impl Iterator<Item = &ConsoleSession> {
        self.console.iter().chain(self.earlier.iter().map(|(_, console)| console))
    }

    /// What people call themselves: the provider's name for them, else the session's.
    pub fn name(&self) -> &str {
        let console = self.console.as_ref();
        let subject = self.who().map(|(_, subject)| subject);
        subject.or_else(|| console.map(ConsoleSession::name)).unwrap_or_default()
    }

    /// The person, as their provider names them.
    pub fn who(&self) -> Option<(&ProviderArn, &str)> {
        let at_portal = self.person.as_ref().map(|person| (person.identity().provider(), person.subject()));
        at_portal.or_else(|| self.console.as_ref().and_then(ConsoleSession::person))
    }

    /// The login that they came by.
    pub(super) fn marks(&self) -> Option<&LoginMarks> {
        let at_portal = self.person.as_ref().and_then(Person::marks);
        at_portal.or_else(|| self.console.as_ref()?.role()?.login.as_ref())
    }

    /// How the provider names that login.
    pub(super) fn at_provider(&self) -> Option<(&ProviderArn, &ProviderSession)> {
        let person = self.person.as_ref().map(Person::identity);
        let at_portal = person.and_then(|identity| Some((identity.provider(), &identity.login()?.session)));
        at_portal.or_else(|| {
            let console = self.console.as_ref()?;
            Some((console.person()?.0, console.login.as_ref()?))
        })
    }

    /// What the browser is called.
    pub(super) fn browser(&self) -> Option<BrowserId> {
        let at_portal = self.person.as_ref().map(Person::browser);
        at_portal.or_else(|| self.console.as_ref().map(|console| console.browser))
    }

    /// Whose sessions of `kind` theirs are.
    pub(super) fn holder(&self, kind: Kind) -> Option<HolderId> {
        let at_portal = self.who().map(|(provider, subject)| holder_of_person(kind, provider, subject));
        at_portal.or_else(|| Some(holder_id(kind, self.console.as_ref()?.holder())))
    }

    /// By what their sign-out ends what is open in this browser.
    pub(super) fn ended(&self) -> Vec<RevocationId> {
        let mut ids = Vec::new();
        if let Some(person) = &self.person {
            match person.marks() {
                Some(marks) => ids.extend_from_slice(marks.ended()),
                None => ids.push(person.mark()),
            }
        }
        for console in self.consoles() {
            match console.role().and_then(|session| session.login.as_ref()) {
                Some(marks) => ids.extend_from_slice(marks.ended()),
                None => ids.push(console_mark(console)),
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
