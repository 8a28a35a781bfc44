//! Web applications behind a proxy: who asks, and how they come in.
//!
//! The proxy asks about each request, and is answered by what the application's own cookie holds: an [`Admission`], which
//! opens nothing anywhere else. A browser without one goes on a visit:
//!
//! 1. at the application's origin it is given a secret, and leaves with the hash of it;
//! 2. at ours, the person signs in at the portal, or is there already; rules and trust policies are asked, and the store
//!    keeps the admission under a code, for a minute;
//! 3. back at the application's origin, the code is worth the admission, once, to who has the secret.
//!
//! So a stolen code is worth nothing, and nobody is signed in as somebody else by a link.

use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::federate::sha256;
use super::login::{Landing, Onward};
use super::record::offered_by;
use super::{Failure, LoginStart, Person, Refusal, RequestContext};
use crate::arn::{ProviderArn, RoleArn};
use crate::audit;
use crate::clock::Moment;
use crate::console;
use crate::directory::{Application, Provider};
use crate::entropy;
use crate::identity::hash_of;
use crate::issuer::Admission;
use crate::policy::{AuthorizedSession, Denial};
use crate::seal::Purpose;
use crate::secret::Secret;
use crate::store::ValueKey;
use crate::telemetry;

/// How long a person may take to sign in.
const VISIT_LIFE: Duration = Duration::from_secs(15 * 60);
/// How long a code is good for.
const CODE_LIFE: Duration = Duration::from_secs(60);
/// Longest place that a visit comes back to.
const LONGEST_PLACE: usize = 2048;
/// The way in, for audit and metrics.
const ACTION: &str = "application";

/// A browser that leaves an application to sign in.
pub struct VisitStart {
    /// The hash of the visit's secret, which the browser takes along.
    pub visit: String,
    /// What its cookie holds, sealed.
    pub cookie: String,
    /// How long the cookie is good for.
    pub lasts: Duration,
}

/// What a browser on a visit remembers.
#[derive(Serialize, Deserialize)]
struct VisitState {
    application: String,
    secret: [u8; 32],
    /// Where at the application it comes back to: a path, with what may follow it.
    place: String,
    good_until: Moment,
}

/// What becomes of a person who wants to be at an application.
pub enum Entered {
    /// They may, by this code.
    By(String),
    /// The provider must ask the person again.
    SignInAgain(LoginStart),
}

/// A browser that is at an application from now on.
pub struct AtApplication {
    /// Where to: a path, with what may follow it.
    pub place: String,
    /// What its cookie holds, sealed.
    pub cookie: String,
    /// How long the cookie is good for.
    pub lasts: Duration,
}

/// Who asks, as an application is told.
pub struct Visitor {
    /// Who may be there.
    pub admission: Admission,
    /// The same, signed.
    pub introduction: Secret<String>,
}

impl RequestContext<'_> {
    /// Begins a visit that comes back to `place`, or to the first page where that is no place at the application.
    pub fn begin_visit(&self, application: &Application, place: &str) -> Result<VisitStart, Failure> {
        let entropy = self.parts.entropy.as_ref();
        let secret = entropy::bytes::<32>(entropy)?;
        let state = VisitState {
            application: application.name.clone(),
            secret,
            place: if is_place(place) { place } else { "/" }.to_owned(),
            good_until: self.at.plus(VISIT_LIFE),
        };
        let cookie = console::seal(&self.parts.ring, Purpose::VisitState, &state, entropy)?;
        Ok(VisitStart { visit: name_of(&secret), cookie, lasts: VISIT_LIFE })
    }

    /// Lets `person` into `application`, on the visit called `visit`, as the first of its roles that they may have.
    pub async fn enter(
        &self,
        application: &Application,
        person: &Person,
        visit: &str,
    ) -> Result<Entered, Failure> {
        let provider = self.provider_of_person(person)?;
        let refused = match self.authorize_entry(application, person, provider) {
            Ok(authorized) => {
                return Ok(Entered::By(self.admit_by_code(application, person, &authorized, visit).await?));
            }
            Err(refused) => refused,
        };
        let onward = Onward::Application { name: application.name.clone(), visit: visit.to_owned() };
        let landing = Landing::Portal { browser: Some(person.browser()), onward };
        let again = self.send_again(provider, &refused, landing, None).await;
        again.map(Entered::SignInAgain).ok_or(refused)
    }

    /// The first of the application's roles that `person` may have; else why not: that a role wants a fresh sign-in, if one
    /// does, because that can be mended. The audit hears of that one alone.
    pub(super) fn authorize_entry(
        &self,
        application: &Application,
        person: &Person,
        provider: &Provider,
    ) -> Result<AuthorizedSession, Failure> {
        let mut nearest: Option<(&RoleArn, bool)> = None;
        for role in &application.roles {
            match self.decide_at_portal(person, provider, role) {
                Ok(authorized) => return Ok(authorized),
                Err(refusal) => {
                    let is_too_old = matches!(refusal, Refusal::Denied(Denial::SignInTooOld { .. }));
                    if is_too_old || nearest.is_none_or(|(_, is_too_old)| !is_too_old) {
                        nearest = Some((role, is_too_old));
                    }
                }
            }
        }
        match nearest {
            Some((role, _)) => self.authorize_at_portal(person, provider, role),
            None => {
                let (subject, provider) = (person.subject().to_owned(), provider.name.clone());
                Err(Refusal::NoRoles { subject, provider }.into())
            }
        }
    }

    async fn admit_by_code(
        &self,
        application: &Application,
        person: &Person,
        authorized: &AuthorizedSession,
        visit: &str,
    ) -> Result<String, Failure> {
        let entropy = self.parts.entropy.as_ref();
        let admission = Admission::new(&application.name, authorized, person.browser());
        let sealed = admission.seal(&self.parts.ring, entropy)?.ok_or(Refusal::TooLargeToRemember)?;
        let code = URL_SAFE_NO_PAD.encode_to_string(entropy::bytes::<32>(entropy)?);
        let kept = format!("{visit}.{sealed}").into_bytes();
        self.parts.store.keep(value_key(&code), kept, self.at.plus(CODE_LIFE), self.at).await?;
        telemetry::count_issued(ACTION);
        let origin = self.origin();
        audit::ApplicationEntered {
            application: &application.name,
            provider: person.identity().provider().as_str(),
            subject: person.subject(),
            session: &admission.session().arn(),
            offered_by: offered_by(authorized.offered_by()),
            source_ip: origin.address,
            program: &origin.program,
            until: admission.session().expires,
        }
        .write();
        Ok(code)
    }

    /// Ends a visit: `code` is what the person was let in by, `cookie` what the browser remembers.
    pub async fn arrive_at_application(
        &self,
        application: &Application,
        code: &str,
        cookie: Option<&str>,
    ) -> Result<AtApplication, Failure> {
        let no_visit = |reason| Failure::from(Refusal::NoSuchLogin { reason });
        let open = |cookie| console::open::<VisitState>(&self.parts.ring, Purpose::VisitState, cookie);
        let begun = cookie.and_then(open).filter(|begun| begun.application == application.name);
        let begun = begun.filter(|begun| begun.good_until > self.at);
        let begun = begun.ok_or_else(|| no_visit("the visit's cookie is missing, or too old"))?;
        let kept = self.parts.store.kept(value_key(code), self.at).await?;
        let kept = kept.and_then(|kept| String::from_utf8(kept).ok());
        let (visit, sealed) = kept
            .as_deref()
            .and_then(|kept| kept.split_once('.'))
            .ok_or_else(|| no_visit("its code is none, or older than a minute"))?;
        if !bool::from(visit.as_bytes().ct_eq(name_of(&begun.secret).as_bytes())) {
            return Err(no_visit("its code belongs to another visit"));
        }
        let admitted = self.opened(application, sealed)?;
        let admitted = admitted.ok_or_else(|| no_visit("what it was for was ended"))?;
        let used = Refusal::NoSuchLogin { reason: "its code was used before" };
        self.claim_or(sha256(code.as_bytes()), self.at.plus(CODE_LIFE), used).await?;
        let lasts = admitted.session().remaining(self.at);
        Ok(AtApplication { place: begun.place, cookie: sealed.to_owned(), lasts })
    }

    /// Who may be at `application` by its `cookie`; nobody where that is over.
    pub fn visitor(&self, application: &Application, cookie: &str) -> Result<Option<Visitor>, Failure> {
        let Some(admission) = self.opened(application, cookie)? else { return Ok(None) };
        let signing = &self.parts.signing;
        let introduction =
            signing.introduce(&admission, &self.snapshot.public_url, &application.origin, self.at)?;
        Ok(Some(Visitor { admission, introduction }))
    }

    /// What `sealed` holds, as long as nothing ended it before its time.
    fn opened(&self, application: &Application, sealed: &str) -> Result<Option<Admission>, Failure> {
        self.knows_revocations()?;
        let admission = Admission::open(&self.parts.ring, sealed, &application.name, self.at);
        Ok(admission.filter(|admission| {
            let session = admission.session();
            let who = session.person().map(|(provider, subject)| [ProviderArn::as_str(provider), subject]);
            application.roles.contains(&session.role)
                && self.is_live(session.into())
                && who.is_some_and(|who| !self.is_browser_ended(who, admission.browser(), session.issued))
        }))
    }
}

/// Whether `place`, put behind an origin, is a place there: a path, and nothing that could end the origin or a header.
fn is_place(place: &str) -> bool {
    place.starts_with('/')
        && place.len() <= LONGEST_PLACE
        && place.bytes().all(|byte| byte.is_ascii_graphic())
}

/// By what a visit with this secret is known.
fn name_of(secret: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(sha256(secret))
}

/// Where the store keeps what a code is worth.
fn value_key(code: &str) -> ValueKey {
    hash_of(&["rolegate/visit", code])
}
