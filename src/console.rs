//! Console sign-in: sign-in tokens, console sessions, and where they may land.
//!
//! A [`SigninToken`] is what `getSigninToken` gives for credentials and `login` takes back within
//! 15 minutes (facts 4). A [`ConsoleSession`] is what a browser then carries in a cookie. Both are
//! sealed, so neither needs a look-up. [`Destinations`] is the guard against open redirects.

mod destination;
mod origin;

use std::num::NonZeroUsize;
use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

pub use self::destination::{DestinationRefused, Destinations};
pub use self::origin::Origin;
use crate::arn::{AccessKeyId, ProviderArn};
use crate::clock::Moment;
use crate::entropy::{Entropy, NoEntropy};
use crate::identity::{Holder, ProviderSession, RoleSession, Session, SessionPolicies, SessionTag};
use crate::seal::{KeyRing, Purpose};

/// How long a sign-in URL is good for (facts 4.3).
pub const SIGNIN_TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);
/// Shortest and longest `SessionDuration` (facts 4.2).
pub const SESSION_DURATION: std::ops::RangeInclusive<u64> = 900..=43_200;
/// Longest sealed value that is looked at: a picker's form carries an ID token of up to 20,000
/// characters, and up to 80 KiB that the login learned beside it.
const LONGEST_SEALED: usize = 140 * 1024;
/// Bytes of tags that a cookie takes along; browsers drop cookies of more than 4 KiB.
const LARGEST_TAGS: usize = 1024;
/// Longest sealed console session, in characters: with its name and its attributes a cookie has at
/// most 4096 bytes (RFC 6265, 6.1).
const LONGEST_COOKIE: usize = 3900;

/// Tells a browser from a person's others, as long as it is signed in.
pub type BrowserId = [u8; 8];

/// A browser's session in a console: who, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleSession {
    /// What was signed in with: a session of a role, or of somebody whom a user made credentials for.
    pub session: Session,
    /// The credentials that it was opened by, where it was: it ends with them.
    pub credentials: Option<AccessKeyId>,
    /// When the browser signed in.
    pub opened: Moment,
    /// When it was there last, as far as that was noted.
    pub seen: Moment,
    /// When the browser must sign in again.
    pub until: Moment,
    /// Which browser it is.
    pub browser: BrowserId,
    /// Where it was opened from.
    pub origin: Origin,
    /// How the identity provider names the login, for a logout there.
    pub login: Option<ProviderSession>,
    /// Where the person is led back to once it is over (`Issuer`, facts 4.3).
    pub issuer: Option<String>,
}

impl ConsoleSession {
    /// A browser's session for `session`. What a cookie can't hold is left out: the session
    /// policies, and tags that are too large. Both are there to be shown only.
    pub fn new(mut session: Session, opened: Moment, until: Moment) -> Self {
        let lighten = |policies: &mut SessionPolicies, tags: &mut Vec<SessionTag>| {
            *policies = SessionPolicies::default();
            let size: usize = tags.iter().map(|tag| tag.key.len() + tag.value.len()).sum();
            if size > LARGEST_TAGS {
                tags.clear();
            }
        };
        match &mut session {
            Session::Role(session) => lighten(&mut session.policies, &mut session.tags),
            Session::FederatedUser(session) => lighten(&mut session.policies, &mut session.tags),
            Session::User(_) => {}
        }
        Self {
            session,
            credentials: None,
            issuer: None,
            opened,
            seen: opened,
            until,
            browser: BrowserId::default(),
            origin: Origin::default(),
            login: None,
        }
    }

    /// Whose it is.
    pub fn holder(&self) -> Holder<'_> {
        (&self.session).into()
    }

    /// The session of a role, if it is of one.
    pub fn role(&self) -> Option<&RoleSession> {
        match &self.session {
            Session::Role(session) => Some(session),
            Session::User(_) | Session::FederatedUser(_) => None,
        }
    }

    /// The person, as their provider names them.
    pub fn person(&self) -> Option<(&ProviderArn, &str)> {
        self.role().and_then(RoleSession::person)
    }

    /// What people see that they are called: the name of the session.
    pub fn name(&self) -> &str {
        match &self.session {
            Session::Role(session) => &session.session_name,
            Session::FederatedUser(session) => &session.name,
            Session::User(session) => session.user.name(),
        }
    }

    /// Seals it for a cookie. Where a cookie can't hold it all, the page that it leads back to is left out, then the
    /// provider's name for the login: signing out then ends it here only.
    pub fn seal(&self, ring: &KeyRing, entropy: &dyn Entropy) -> Result<String, NoEntropy> {
        let sealed = seal(ring, Purpose::ConsoleSession, self, entropy)?;
        if sealed.len() <= LONGEST_COOKIE {
            return Ok(sealed);
        }
        let lighter = match (&self.issuer, &self.login) {
            (Some(_), _) => Self { issuer: None, ..self.clone() },
            (None, Some(_)) => Self { login: None, ..self.clone() },
            (None, None) => return Ok(sealed),
        };
        lighter.seal(ring, entropy)
    }

    /// Opens a cookie's value; `None` if it is not genuine or over at `at`.
    pub fn open(ring: &KeyRing, sealed: &str, at: Moment) -> Option<Self> {
        Self::open_ended(ring, sealed).filter(|session| session.until > at)
    }

    /// The same, of one that may be over.
    pub fn open_ended(ring: &KeyRing, sealed: &str) -> Option<Self> {
        open(ring, Purpose::ConsoleSession, sealed)
    }
}

/// How long a browser's session may last, whatever its credentials could.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConsoleTerms {
    /// How long nobody may be there.
    pub idle: Option<Duration>,
    /// How long it may last in all.
    pub lifetime: Option<Duration>,
    /// How many browsers of one person may be signed in at once.
    pub most_sessions: Option<NonZeroUsize>,
    /// Whether it ends where the kind of program is another than at first.
    pub bound_to_program: bool,
    /// Whether it ends where the client's address is another than at first.
    pub bound_to_address: bool,
    /// How many consoles of one person a browser has open at once.
    pub side_by_side: usize,
    /// Whether a sign-in token opens as many as one likes, while it is good.
    pub reuses_signin_tokens: bool,
}

impl ConsoleTerms {
    /// When `session`, which is opened at `at`, is over at the latest.
    pub fn end_of(&self, session: &ConsoleSession, at: Moment) -> Moment {
        self.lifetime.map_or(session.until, |lifetime| session.until.min(at.plus(lifetime)))
    }

    /// Whether nobody was there for too long at `at`, who was `seen` then.
    pub fn is_idle(&self, seen: Moment, at: Moment) -> bool {
        self.idle.is_some_and(|idle| at.since(seen) >= idle)
    }

    /// Whether what was opened from one `origin` may be used `from` another.
    pub fn may_be_used(&self, origin: &Origin, from: &Origin) -> bool {
        (!self.bound_to_program || origin.program == from.program)
            && (!self.bound_to_address || origin.address == from.address)
    }

    /// Whether it is to be noted that somebody is there at `at`, who was `seen` then.
    pub fn is_to_be_noted(&self, seen: Moment, at: Moment) -> bool {
        self.idle.is_some_and(|idle| at.since(seen) >= idle / 10)
    }
}

/// Permission to open a console session, good for 15 minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigninToken {
    /// The session that it opens, as of when the token was made.
    pub console: ConsoleSession,
    /// When the token itself ends.
    pub good_until: Moment,
}

impl SigninToken {
    /// A token for `session`, by these `credentials`. `asked` is the console session's length, which may go beyond the
    /// credentials' (facts 4.2) but not beyond the provider's own session; without it, the
    /// session lasts as long as its credentials, and twelve hours at most.
    pub fn new(
        session: Session,
        credentials: Option<AccessKeyId>,
        asked: Option<Duration>,
        at: Moment,
    ) -> Self {
        let longest = at.plus(Duration::from_secs(*SESSION_DURATION.end()));
        let expires = Holder::from(&session).expires().unwrap_or(at).min(longest);
        let wished = asked.map_or(expires, |length| at.plus(length));
        let until = match &session {
            Session::Role(session) => session.provider_session_ends.map_or(wished, |end| end.min(wished)),
            Session::User(_) | Session::FederatedUser(_) => wished,
        };
        let console = ConsoleSession { credentials, ..ConsoleSession::new(session, at, until) };
        Self { console, good_until: at.plus(SIGNIN_TOKEN_LIFE) }
    }

    /// Seals it for a URL.
    pub fn seal(&self, ring: &KeyRing, entropy: &dyn Entropy) -> Result<String, NoEntropy> {
        seal(ring, Purpose::SigninToken, self, entropy)
    }

    /// Opens what a URL carried; `None` if it is not genuine or stale at `at`.
    pub fn open(ring: &KeyRing, sealed: &str, at: Moment) -> Option<Self> {
        open::<Self>(ring, Purpose::SigninToken, sealed)
            .filter(|token| token.good_until > at && token.console.until > at)
    }
}

/// Seals any small value for a URL, a form or a cookie: base64url.
pub fn seal<T: Serialize>(
    ring: &KeyRing,
    purpose: Purpose,
    value: &T,
    entropy: &dyn Entropy,
) -> Result<String, NoEntropy> {
    let body = postcard::to_allocvec(value).map_err(|_| NoEntropy)?;
    Ok(URL_SAFE_NO_PAD.encode_to_string(ring.seal(purpose, &body, entropy)?))
}

/// Opens what [`seal`] made for the same purpose.
pub fn open<T: for<'de> Deserialize<'de>>(ring: &KeyRing, purpose: Purpose, sealed: &str) -> Option<T> {
    if sealed.len() > LONGEST_SEALED {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode_to_vec(sealed).ok()?;
    postcard::from_bytes(&ring.open(purpose, &sealed).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::secret::Secret;

    const AT: Moment = Moment::from_unix(1_800_000_000);

    fn hours(count: u64) -> Moment {
        AT.plus(Duration::from_secs(3600 * count))
    }

    /// Of a provider whose own session ends at `ends`.
    fn session(ends: Option<Moment>) -> Session {
        let role: crate::arn::RoleArn = "arn:aws:iam::111122223333:role/Deploy".parse().unwrap();
        Session::Role(Box::new(RoleSession {
            assumed_by: None,
            ancestry: crate::identity::Ancestry::default(),
            mfa: None,
            role_id: crate::arn::RoleId::of_declared(&role),
            role,
            session_name: "ann".into(),
            provider: None,
            subject: None,
            source_identity: None,
            tags: Vec::new(),
            policies: SessionPolicies::default(),
            provider_session_ends: ends,
            login: None,
            grant: None,
            issued: AT,
            expires: hours(1),
        }))
    }

    #[test]
    fn a_console_session_never_outlives_the_providers() {
        let twelve = Some(Duration::from_secs(12 * 3600));
        let until = |ends, asked| SigninToken::new(session(ends), None, asked, AT).console.until;
        assert_eq!(until(None, None), hours(1));
        assert_eq!(until(None, twelve), hours(12));
        assert_eq!(until(Some(hours(2)), twelve), hours(2));
        assert_eq!(until(Some(hours(2)), None), hours(1));
    }

    /// What is too much for a cookie is left out, least needed first.
    #[test]
    fn a_cookie_holds_what_it_can() {
        let (ring, entropy) = (KeyRing::of(Secret::new([1; 32])), SystemEntropy::new());
        let console = ConsoleSession::new(session(None), AT, hours(1));
        let of = |length: usize| Some("x".repeat(length));
        for (length, is_left) in [(2000, true), (3500, false)] {
            let console = ConsoleSession { issuer: of(length), ..console.clone() };
            let sealed = console.seal(&ring, &entropy).unwrap();
            assert!(sealed.len() <= LONGEST_COOKIE, "{length}: {}", sealed.len());
            let opened = ConsoleSession::open(&ring, &sealed, AT).unwrap();
            assert_eq!(opened.issuer.is_some(), is_left, "{length}");
        }
    }

    #[test]
    fn a_console_session_stays_where_it_is_bound_to() {
        let here = Origin::of(Some([192, 0, 2, 7].into()), Some("Firefox/1"));
        let console =
            ConsoleSession { origin: here.clone(), ..ConsoleSession::new(session(None), AT, hours(1)) };
        let elsewhere = Origin { address: None, ..here.clone() };
        let another = Origin { program: "curl".into(), ..here.clone() };
        for (bound_to_program, bound_to_address) in
            [(false, false), (true, false), (false, true), (true, true)]
        {
            let terms = ConsoleTerms { bound_to_program, bound_to_address, ..ConsoleTerms::default() };
            assert!(terms.may_be_used(&console.origin, &here));
            assert_eq!(terms.may_be_used(&console.origin, &elsewhere), !bound_to_address);
            assert_eq!(terms.may_be_used(&console.origin, &another), !bound_to_program);
        }
    }
}
