//! The federation endpoint: credentials to sign-in token, sign-in token to console (facts 4).

use std::time::Duration;

use super::federate::sha256;
use super::login::hexadecimal;
use super::record::{Kind, holder_id};
use super::{BrowserCookies, Failure, Refusal, RequestContext};
use crate::audit;
use crate::clock::Moment;
use crate::console::{BrowserId, ConsoleSession, SESSION_DURATION, SigninToken};
use crate::entropy;
use crate::identity::sigv4::{SigV4Error, SigningSecrets};
use crate::identity::{FederatedIdentity, Session, hash_of};
use crate::issuer::upstream::ShownCredentials;
use crate::policy::AuthorizedSession;
use crate::secret::Secret;
use crate::store::RevocationId;
use crate::telemetry;

/// Longest console session of a role that was assumed by another role's credentials, in seconds (facts 4.2).
const CHAINED: u64 = 3600;
/// How long after a console session its cookie leads back to where the person came from.
const LEADS_BACK: Duration = Duration::from_secs(12 * 3600);

/// A browser that may go to its console.
pub enum SignedIn {
    /// To the broker's own, or to one that counts on it.
    Here {
        /// Where to.
        destination: String,
        /// What its cookie holds, sealed.
        cookie: String,
        /// How long the cookie is good for.
        lasts: Duration,
    },
    /// To somebody else's.
    There(There),
}

/// A way into somebody else's console.
pub struct There {
    /// Opens it.
    pub url: Secret<String>,
    /// Whose it is, for people.
    pub host: String,
}

/// How a browser comes to its console.
pub(super) struct SigninBy<'a> {
    /// The way in, for audit and metrics.
    pub(super) action: &'static str,
    /// What offered the role, where it was chosen now.
    pub(super) offered_by: Option<&'a str>,
    /// What the browser was called before.
    pub(super) browser: Option<BrowserId>,
}

impl RequestContext<'_> {
    /// A sign-in token for the holder of these credentials. They prove themselves: the session
    /// token opens, belongs to the key id, and the secret is the right one.
    pub async fn signin_token(
        &self,
        access_key_id: &str,
        secret_access_key: &Secret<String>,
        session_token: &str,
        session_seconds: Option<u64>,
    ) -> Result<String, Failure> {
        if let Some(seconds) = session_seconds.filter(|seconds| !SESSION_DURATION.contains(seconds)) {
            let message = format!("SessionDuration is {seconds}; it must be 900 to 43200 seconds");
            return Err(Refusal::SigninRequest(message).into());
        }
        self.knows_revocations()?;
        let opened = match self.live_only().open(access_key_id, Some(session_token), self.at) {
            // A long-term key is nobody else's business, whatever token comes with it.
            Err(SigV4Error::InvalidClientTokenId) if access_key_id.starts_with("ASIA") => {
                let shown = ShownCredentials { access_key_id, secret_access_key, session_token };
                return self.foreign_signin_token(&shown, session_seconds).await;
            }
            opened => opened.map_err(Refusal::Signature)?,
        };
        if !opened.secret_access_key.same_as(secret_access_key.expose().as_bytes()) {
            return Err(Refusal::Signature(SigV4Error::InvalidClientTokenId).into());
        }
        check_kind(&opened.session, session_seconds).map_err(Refusal::SigninRequest)?;
        let asked = session_seconds.map(Duration::from_secs);
        let token = SigninToken::new(opened.session, access_key_id.parse().ok(), asked, self.at);
        Ok(token.seal(&self.parts.ring, self.parts.entropy.as_ref())?)
    }

    /// Uses a sign-in token: once, unless it is configured otherwise. `cookies` say who was signed in before, `issuer` where
    /// the person comes from.
    pub async fn redeem_signin_token(
        &self,
        token: &str,
        destination: Option<&str>,
        issuer: Option<&str>,
        cookies: BrowserCookies<'_>,
    ) -> Result<SignedIn, Failure> {
        if let Some(there) = self.redeem_foreign(token, destination, issuer).await? {
            return Ok(there);
        }
        let destination = self.snapshot.destinations.land_on(destination).map_err(Refusal::Destination)?;
        self.knows_revocations()?;
        let opened = SigninToken::open(&self.parts.ring, token, self.at);
        let opened =
            opened.ok_or(Refusal::SigninToken { reason: "it is forged, or older than 15 minutes" })?;
        if !self.is_given(&opened.console) {
            return Err(Refusal::SigninToken { reason: "the login that it comes of was ended" }.into());
        }
        let id = sha256(token.as_bytes());
        if !self.snapshot.console.reuses_signin_tokens {
            let used = Refusal::SigninToken { reason: "it was used before" };
            self.claim_or(id, opened.good_until, used).await?;
        }
        // Which browser it is matters little: who can't be recalled now is another.
        let browser = self.in_browser(cookies).await.unwrap_or_default().browser();
        let by = SigninBy { action: "signin-token", offered_by: None, browser };
        let issuer = issuer.and_then(|issuer| self.snapshot.destinations.lead_back(issuer));
        self.sign_in(ConsoleSession { issuer, ..opened.console }, destination, by).await
    }

    /// The console session of `identity`, as far as it was `authorized`.
    pub(super) fn console_of(
        &self,
        identity: &FederatedIdentity,
        authorized: &AuthorizedSession,
    ) -> ConsoleSession {
        let session = authorized.session().clone();
        let until = session.expires;
        let login = identity.login().map(|login| login.session.clone());
        ConsoleSession { login, ..ConsoleSession::new(Session::Role(Box::new(session)), self.at, until) }
    }

    /// Opens the console for `session`.
    pub(super) async fn sign_in(
        &self,
        console: ConsoleSession,
        destination: String,
        by: SigninBy<'_>,
    ) -> Result<SignedIn, Failure> {
        let (entropy, terms) = (self.parts.entropy.as_ref(), self.snapshot.console);
        let until = terms.end_of(&console, self.at);
        let browser = by.browser.map_or_else(|| entropy::bytes(entropy), Ok)?;
        let origin = self.origin();
        let console = ConsoleSession { opened: self.at, seen: self.at, until, browser, origin, ..console };
        let cookie = console.seal(&self.parts.ring, entropy)?;
        self.record_browser(&console)?;
        if let Some(most) = terms.most_sessions {
            let holder = holder_id(Kind::Stay, console.holder());
            self.end_surplus(holder, console.person(), browser, most.get()).await?;
        }
        telemetry::count_issued(by.action);
        audit::ConsoleSignin {
            action: by.action,
            provider: console.person().map(|(provider, _)| provider.as_str()).unwrap_or_default(),
            subject: console.person().map(|(_, subject)| subject).unwrap_or_default(),
            session: &console.holder().arn(),
            offered_by: by.offered_by,
            source_ip: console.origin.address,
            program: &console.origin.program,
            until: console.until,
        }
        .write();
        Ok(SignedIn::Here { destination, cookie, lasts: self.cookie_lasts(&console) })
    }

    /// What a browser's cookie is to hold from now on, and for how long, if it is to be noted that somebody was there.
    pub fn noted(&self, console: &ConsoleSession) -> Result<Option<(String, Duration)>, Failure> {
        if !self.snapshot.console.is_to_be_noted(console.seen, self.at) {
            return Ok(None);
        }
        let seen = ConsoleSession { seen: self.at, ..console.clone() };
        let cookie = seen.seal(&self.parts.ring, self.parts.entropy.as_ref())?;
        self.record_browser(&seen)?;
        Ok(Some((cookie, self.cookie_lasts(console))))
    }

    /// How long the cookie of `console` is good for: one that leads back somewhere does so for a while.
    fn cookie_lasts(&self, console: &ConsoleSession) -> Duration {
        let afterwards = console.issuer.as_ref().map_or(Duration::ZERO, |_| LEADS_BACK);
        console.until.since(self.at) + afterwards
    }

    /// Where a person is led back to whose console session is over, by the `cookie` of it.
    pub fn leads_back_to(&self, cookie: &str) -> Option<String> {
        let ended = ConsoleSession::open_ended(&self.parts.ring, cookie)?;
        self.snapshot.destinations.lead_back(&ended.issuer?)
    }

    /// The console session that a browser's cookie holds, unless it was ended.
    pub fn console_session(&self, cookie: &str) -> Option<ConsoleSession> {
        ConsoleSession::open(&self.parts.ring, cookie, self.at)
            .filter(|console| self.is_open(console))
            .filter(|console| self.snapshot.console.may_be_used(&console.origin, &self.origin()))
    }

    /// Whether the browser of `who` was ended, or signed out, since it was `opened`.
    pub(super) fn is_browser_ended(&self, who: [&str; 2], browser: BrowserId, opened: Moment) -> bool {
        let revoked = &self.parts.revoked;
        revoked.ends(&browser_mark(who, browser), opened) || revoked.ends(&own_mark(who, browser), opened)
    }

    /// Whether what `console` was opened by goes on: the session that it is of, and the credentials, where it was by some.
    fn is_given(&self, console: &ConsoleSession) -> bool {
        let live = self.live_only();
        match &console.credentials {
            Some(id) => live.check_credentials(id.as_str(), console.holder()).is_ok(),
            None => live.check(console.holder()).is_ok(),
        }
    }

    /// Whether nothing ended `console` before its time.
    pub(super) fn is_open(&self, console: &ConsoleSession) -> bool {
        self.is_given(console)
            && !self.snapshot.console.is_idle(console.seen, self.at)
            && !self.is_browser_ended(who_of(console), console.browser, console.opened)
    }
}

/// Whether a console may be opened by such credentials, for as long (facts 4.2); else why not.
fn check_kind(session: &Session, seconds: Option<u64>) -> Result<(), String> {
    let is_chained =
        |caller: &Option<String>| caller.as_ref().is_some_and(|arn| arn.contains(":assumed-role/"));
    match (session, seconds) {
        (Session::User(_), _) => {
            Err("credentials of a user open no console; those of AssumeRole* and GetFederationToken do"
                .into())
        }
        (Session::FederatedUser(_), Some(_)) => {
            Err("SessionDuration is not for credentials of GetFederationToken, whose DurationSeconds says it"
                .into())
        }
        (Session::Role(session), Some(seconds)) if seconds > CHAINED && is_chained(&session.assumed_by) => {
            Err(format!(
                "SessionDuration is {seconds}; it must be 900 to {CHAINED} seconds where one role assumed another"
            ))
        }
        (Session::FederatedUser(_) | Session::Role(_), _) => Ok(()),
    }
}

/// How many browsers of one person are told apart when one of them signs out.
const BROWSERS: u8 = 64;

/// What a browser's console session is revoked by, where that does not end a login.
///
/// Anybody with credentials may sign in and out as often as they like, so what they leave in the
/// store is bounded: some marks a person, shared by chance where the browsers are many. A person is
/// known by the provider's name for them; without a provider, by the name of the role session.
pub(super) fn console_mark(console: &ConsoleSession) -> RevocationId {
    browser_mark(who_of(console), console.browser)
}

/// Whose browser it is, in a mark.
pub(super) fn who_of(console: &ConsoleSession) -> [&str; 2] {
    match (console.person(), &console.session) {
        (Some((provider, subject)), _) => [provider.as_str(), subject],
        (None, Session::Role(session)) => [session.role.as_str(), &session.session_name],
        (None, Session::FederatedUser(session)) => [session.made_by.as_str(), &session.name],
        (None, Session::User(session)) => [session.user.as_str(), ""],
    }
}

/// What one browser is ended by from elsewhere, and no other. Nobody ends many: the person at a pace, the limit one for
/// each that signs in.
pub(super) fn own_mark(who: [&str; 2], browser: BrowserId) -> RevocationId {
    let mut mark = RevocationId::default();
    mark.copy_from_slice(&hash_of(&["rolegate/browser", who[0], who[1], &hexadecimal(&browser)])[..16]);
    mark
}

/// As [`console_mark`], by who it is and which browser.
pub(super) fn browser_mark(who: [&str; 2], browser: BrowserId) -> RevocationId {
    let browser = (browser[0] % BROWSERS).to_string();
    let mut mark = RevocationId::default();
    mark.copy_from_slice(&hash_of(&["rolegate/console", who[0], who[1], &browser])[..16]);
    mark
}
