//! The end of a login: what the provider tells us (OpenID Connect Back-Channel Logout 1.0), and
//! where a browser is sent that signs out here (RP-Initiated Logout 1.0).
//!
//! A logout token is verified by the same keys and algorithms as an ID token, and neither is ever
//! taken for the other. Whether it was here before is not looked at: the caller claims
//! [`LogoutToken::one_time`].

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Map, Value};
use url::Url;

use super::discovery::Metadata;
use super::jws::UnverifiedToken;
use super::session::Names;
use super::token::{bad_form, check_times, string, strings, subject, timestamp};
use super::{LoginError, OidcProvider};
use crate::clock::Moment;
use crate::entropy::Entropy;
use crate::fetch;
use crate::identity::{LoginMark, OidcSession, OneTime, VerifyCode, VerifyError, hash_of};

/// The event that a logout token reports (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How old a logout token may be. It comes straight from the provider, so its way takes seconds; a
/// claim on it is kept as long, and what it ends began before it in any case.
const LARGEST_AGE: Duration = Duration::from_secs(5 * 60);
/// Longest `jti` and `sid`, in bytes.
const LONGEST_ID: usize = 1024;

/// A logout token that the provider signed, for us and for now. Made here alone.
#[derive(Debug)]
pub struct LogoutToken {
    subject: Option<String>,
    names_session: bool,
    ended: Vec<LoginMark>,
    issued: Moment,
    one_time: OneTime,
}

impl LogoutToken {
    /// Whose login it ends, where it says so.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Whether it ends one session (`sid`), or everything of the person.
    pub const fn names_session(&self) -> bool {
        self.names_session
    }

    /// The marks of what it ends. A session that is named by `sid` alone leaves those of the
    /// person's logins that name none: nobody knows whose they would be.
    pub fn ended(&self) -> &[LoginMark] {
        &self.ended
    }

    /// When it was issued, by the provider's clock. ID tokens that are older are over, too.
    pub const fn issued(&self) -> Moment {
        self.issued
    }

    /// How it is claimed, so that a copy can't end what was opened later.
    pub const fn one_time(&self) -> OneTime {
        self.one_time
    }
}

/// A browser that is about to be sent to the provider to sign out there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndSession {
    /// Where to.
    pub url: String,
    /// Must equal what comes back as `state`.
    pub state: String,
}

impl OidcProvider {
    /// Verifies a logout token that was posted to us (section 2.6). It must be meant for a client that
    /// people sign in by, here or in an app whose tokens are taken: the provider ends what it began there.
    pub async fn verify_logout(&self, token: &str, at: Moment) -> Result<LogoutToken, VerifyError> {
        let token = UnverifiedToken::parse_logout(token)?;
        self.authenticate(&token, at).await?;
        self.read_logout(&token.claims, at)
    }

    /// Where a browser signs out at the provider and comes back to `return_to`; `None` where the
    /// provider has no such place.
    pub async fn end_session(
        &self,
        session: &OidcSession,
        return_to: &str,
        entropy: &dyn Entropy,
        at: Moment,
    ) -> Result<Option<EndSession>, LoginError> {
        let Some(login) = &self.settings.login else { return Ok(None) };
        let Some(mut url) = self.end_session_endpoint(&self.metadata(at).await?) else { return Ok(None) };
        let state = super::login::random(entropy)?;
        let mut query = url.query_pairs_mut();
        query.append_pair("client_id", &login.client_id);
        query.append_pair("post_logout_redirect_uri", return_to).append_pair("state", &state);
        if let Some(hint) = &session.logout_hint {
            query.append_pair("logout_hint", hint);
        }
        drop(query);
        Ok(Some(EndSession { url: url.into(), state }))
    }

    /// Scheme and authority of that place, as far as is known without waiting: the issuer's until
    /// the provider's discovery document is here.
    pub fn end_session_origin(&self, at: Moment) -> Option<String> {
        self.settings.login.as_ref()?;
        let endpoint = match self.metadata(at).now_or_never() {
            Some(Ok(metadata)) => self.end_session_endpoint(&metadata)?,
            Some(Err(_)) | None => Url::parse(&self.settings.issuer).ok()?,
        };
        Some(endpoint.origin().ascii_serialization())
    }

    fn end_session_endpoint(&self, metadata: &Metadata) -> Option<Url> {
        let url = Url::parse(metadata.end_session_endpoint.as_deref()?).ok()?;
        fetch::is_permitted(&url, self.settings.reach).then_some(url)
    }

    fn read_logout(&self, claims: &Map<String, Value>, at: Moment) -> Result<LogoutToken, VerifyError> {
        check_event(claims)?;
        if claims.contains_key("nonce") {
            return Err(refused("oidc.logout.nonce", "a logout token without `nonce`", "one"));
        }
        self.check_logout_audience(claims)?;
        let issued = timestamp(claims, "iat")?.map(Moment::from_unix).ok_or_else(|| missing("iat"))?;
        check_times(claims, &self.settings, at)?;
        let until = issued.plus(LARGEST_AGE + self.settings.clock_skew);
        if at >= until {
            let expected = format!("a logout token of the last {} s", LARGEST_AGE.as_secs());
            let seen = format!("one of {issued}");
            return Err(VerifyError::new(VerifyCode::Expired, "oidc.logout.too-old", expected, seen));
        }
        let id = text(claims, "jti")?.ok_or_else(|| missing("jti"))?;
        let subject = claims.get("sub").map(|_| subject(claims)).transpose()?;
        let session = text(claims, "sid")?;
        let names = Names { provider: &self.settings.arn, issuer: &self.settings.issuer };
        let person = subject.as_deref().map(|subject| names.person(subject));
        let ended = match (&session, person) {
            (Some(sid), person) => {
                let unnamed = person.map(|(_, unnamed)| unnamed);
                std::iter::once(names.session(sid)).chain(unnamed).collect()
            }
            (None, Some((everything, _))) => vec![everything],
            (None, None) => return Err(refused("oidc.logout.whose", "`sub` or `sid`", "neither")),
        };
        let id = hash_of(&["oidc/logout-token", &self.settings.issuer, &id]);
        let one_time = OneTime { id, until, only_once: true };
        Ok(LogoutToken { subject, names_session: session.is_some(), ended, issued, one_time })
    }

    fn check_logout_audience(&self, claims: &Map<String, Value>) -> Result<(), VerifyError> {
        let named = claims.get("aud").ok_or_else(|| missing("aud"))?;
        let audiences = strings(named).ok_or_else(|| bad_form("aud", named))?;
        if self.clients().any(|client| audiences.iter().any(|audience| audience == client)) {
            return Ok(());
        }
        let expected = format!("one of {:?}", self.clients().collect::<BTreeSet<_>>());
        let seen = audiences.join(", ");
        Err(VerifyError::new(VerifyCode::Audience, "oidc.logout.audience", expected, seen))
    }
}

/// A logout token is no ID token: where its provider writes neither `typ` nor leaves `exp` out, its
/// event is the only difference (section 2.4).
pub(super) fn refuse_logout_token(claims: &Map<String, Value>) -> Result<(), VerifyError> {
    match claims.get("events").and_then(Value::as_object) {
        Some(events) if events.contains_key(EVENT) => {
            Err(VerifyError::new(VerifyCode::Malformed, "oidc.logout-token", "an ID token", "a logout token"))
        }
        _ => Ok(()),
    }
}

/// The one event, and nothing else: what another one might ask for is not known here.
fn check_event(claims: &Map<String, Value>) -> Result<(), VerifyError> {
    let expected = "`events` with the member for back-channel logout alone, an object";
    let Some(events) = claims.get("events") else {
        return Err(refused("oidc.logout.events", expected, "no `events`"));
    };
    let only = events.as_object().filter(|events| events.len() == 1).and_then(|events| events.get(EVENT));
    if only.is_some_and(Value::is_object) {
        Ok(())
    } else {
        Err(refused("oidc.logout.events", expected, events.to_string()))
    }
}

/// A claim that may be absent, but not of another form.
fn text(claims: &Map<String, Value>, name: &str) -> Result<Option<String>, VerifyError> {
    if !claims.contains_key(name) {
        return Ok(None);
    }
    let text = string(claims, name)?;
    if text.len() > LONGEST_ID {
        let expected = format!("{name} of at most {LONGEST_ID} bytes");
        return Err(refused("oidc.logout.length", expected, text.len().to_string()));
    }
    Ok(Some(text))
}

fn missing(name: &str) -> VerifyError {
    VerifyError::new(VerifyCode::Claim, "oidc.claim.missing", name, "")
}

fn refused(check: &'static str, expected: impl Into<String>, seen: impl Into<String>) -> VerifyError {
    VerifyError::new(VerifyCode::Claim, check, expected, seen)
}
