//! The end of a login before its time: the identity provider ends it, or the person does.
//!
//! Whatever came of the login is revoked: its credentials, its console sessions, its sign-in
//! tokens, and assertions and tokens about it that nobody has used yet. This node holds to that at
//! once; only when the store has it too is it called done, because only then does it survive a
//! restart. `saml` and `oidc` are how the provider says it, and how it is told.

mod oidc;
mod saml;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::saml::LogoutOutcome;
use super::revocation::of_subject;
use super::{Failure, InBrowser, Refusal, RequestContext};
use crate::arn::ProviderArn;
use crate::audit;
use crate::clock::Moment;
use crate::console;
use crate::directory::{Provider, Verifier};
use crate::identity::saml::Outbound;
use crate::identity::{LoginMarks, OneTime, ProviderSession};
use crate::seal::Purpose;
use crate::store::{Revocation, RevocationId, Scope};
use crate::telemetry;

/// How long the identity provider may take to sign somebody out everywhere.
const LOGOUT_LIFE: Duration = Duration::from_secs(15 * 60);

/// A person who signed out here.
pub enum SignedOut {
    /// Nobody else is to be told.
    Here,
    /// The identity provider is to be told.
    AtProvider {
        /// What the browser must do.
        outbound: Outbound,
        /// What the logout's cookie holds, sealed.
        cookie: String,
        /// How long the cookie is good for.
        lasts: Duration,
    },
}

/// A sign-out that waits for the identity provider's answer.
#[derive(Serialize, Deserialize)]
struct LogoutState {
    provider: String,
    /// The id of our request by SAML, the `state` by OpenID Connect.
    request_id: String,
    good_until: Moment,
}

/// A browser that is about to be sent to its identity provider.
struct Away {
    outbound: Outbound,
    request_id: String,
}

impl RequestContext<'_> {
    /// Ends what is open in a browser, and the login that it comes of: here, and then at the
    /// provider, if it takes part in logouts. `everywhere`: all else that the person was given as well, in other browsers,
    /// on devices, as credentials.
    pub async fn sign_out(&self, here: &InBrowser, everywhere: bool) -> Result<SignedOut, Failure> {
        if here.is_nobody() {
            return Ok(SignedOut::Here);
        }
        let (mut ids, who) = (here.ended(), here.who());
        let person = who.filter(|_| everywhere);
        ids.extend(person.map(|(provider, subject)| of_subject(provider, subject)));
        self.revoke(&ids, self.latest_assertion(who.map(|(provider, _)| provider))).await?;
        let ended = audit::Ended {
            action: "sign-out",
            provider: who.map(|(provider, _)| provider.as_str()).unwrap_or_default(),
            subject: who.map(|(_, subject)| subject).unwrap_or_default(),
            scope: match person {
                Some(_) => "person",
                None => here.marks().map_or("console", scope),
            },
        };
        self.tell_ended(&ended);
        match self.at_provider(here).await {
            Ok(signed_out) => Ok(signed_out),
            Err(failure) => {
                telemetry::count_fault("logout-request");
                tracing::error!(fault = failure.to_string(), "the provider is not told of a sign-out");
                Ok(SignedOut::Here)
            }
        }
    }

    /// The latest that `provider` may have asserted by its clock what was asserted before
    /// now. An ID token is good as often as one likes, so one of a clock that is ahead must not outlive the
    /// sign-out; assertions are used up.
    pub(super) fn latest_assertion(&self, provider: Option<&ProviderArn>) -> Moment {
        let provider = provider.and_then(|arn| self.snapshot.directory.provider_by_arn(arn));
        match provider.map(|provider| &provider.verifier) {
            Some(Verifier::Oidc(oidc)) => self.at.plus(oidc.settings().clock_skew),
            Some(Verifier::Saml(_)) | None => self.at,
        }
    }

    /// Where a sign-out leads: scheme and authority of the provider's logout service.
    pub fn sign_out_leads_to(&self, here: &InBrowser) -> Option<String> {
        let (provider, session) = self.told_of(here)?;
        match (&provider.verifier, session) {
            (Verifier::Saml(saml), ProviderSession::Saml(_)) => saml.provider.logout_origin(self.at),
            (Verifier::Oidc(oidc), ProviderSession::Oidc(_)) => oidc.end_session_origin(self.at),
            _ => None,
        }
    }

    /// Carries out a message of the provider that was issued at `issued`, once. A fault leaves open
    /// whether it was here before. It is genuine all the same, so this node holds to it. One that
    /// comes again because it could not be made to last ends nothing more, but is made to last.
    async fn claim_and_revoke(
        &self,
        ids: &[RevocationId],
        one_time: OneTime,
        issued: Moment,
    ) -> Result<(), Failure> {
        match self.claim_once(one_time.id, Scope::Whole, one_time.until).await {
            Ok(()) => self.revoke(ids, issued).await,
            Err(Failure::Refusal(Refusal::AlreadyUsed)) => {
                let unsaved = self.parts.revoked.unsaved_of(ids);
                if unsaved.is_empty() { Err(Refusal::AlreadyUsed.into()) } else { self.save(&unsaved).await }
            }
            Err(failure) => {
                if matches!(failure, Failure::Fault(_)) {
                    self.hold(ids, issued);
                }
                Err(failure)
            }
        }
    }

    /// Holds here at once, and for good when this is `Ok`.
    pub(super) async fn revoke(&self, ids: &[RevocationId], asserted_before: Moment) -> Result<(), Failure> {
        let revocations = self.hold(ids, asserted_before);
        self.save(&revocations).await
    }

    pub(super) async fn save(&self, revocations: &[Revocation]) -> Result<(), Failure> {
        for revocation in revocations {
            self.parts.store.revoke(*revocation, self.at).await?;
            self.parts.revoked.saved(revocation);
        }
        Ok(())
    }

    /// Ends everything that was issued up to now. That is later than the request: whatever was issued
    /// while it waited for its claim could not know yet that it is over.
    fn hold(&self, ids: &[RevocationId], asserted_before: Moment) -> Vec<Revocation> {
        let now = self.parts.clock.now().max(self.at);
        let until = self.parts.revoked.keeps_until(now);
        let revocation =
            |id: &RevocationId| Revocation { id: *id, issued_before: now, asserted_before, until };
        let revocations: Vec<_> = ids.iter().map(revocation).collect();
        revocations.iter().for_each(|revocation| self.parts.revoked.add(*revocation, now));
        revocations
    }

    pub(super) fn tell_ended(&self, ended: &audit::Ended<'_>) {
        telemetry::count_logout(ended.action);
        ended.write();
    }

    /// Sends the browser on to the provider, where there is one to be told.
    async fn at_provider(&self, here: &InBrowser) -> Result<SignedOut, Failure> {
        let Some((provider, session)) = self.told_of(here) else { return Ok(SignedOut::Here) };
        let away = match (&provider.verifier, session) {
            (Verifier::Saml(saml), ProviderSession::Saml(session)) => self.away_by_saml(saml, session)?,
            (Verifier::Oidc(oidc), ProviderSession::Oidc(session)) => {
                self.away_by_oidc(&provider.name, oidc, session).await?
            }
            _ => None,
        };
        let Some(Away { outbound, request_id }) = away else { return Ok(SignedOut::Here) };
        let good_until = self.at.plus(LOGOUT_LIFE);
        let state = LogoutState { provider: provider.name.clone(), request_id, good_until };
        let entropy = self.parts.entropy.as_ref();
        let cookie = console::seal(&self.parts.ring, Purpose::LogoutState, &state, entropy)?;
        Ok(SignedOut::AtProvider { outbound, cookie, lasts: LOGOUT_LIFE })
    }

    /// The provider that the sign-in comes of, and how it names the login.
    fn told_of<'c>(&self, here: &'c InBrowser) -> Option<(&Provider, &'c ProviderSession)> {
        let (provider, session) = here.at_provider()?;
        Some((self.snapshot.directory.provider_by_arn(provider)?, session))
    }

    fn logout_state(&self, cookie: Option<&str>, provider: &str) -> Option<LogoutState> {
        let state: LogoutState = console::open(&self.parts.ring, Purpose::LogoutState, cookie?)?;
        (state.provider == provider && state.good_until > self.at).then_some(state)
    }
}

/// What [`LoginMarks::ended`] ends, for the audit.
const fn scope(marks: &LoginMarks) -> &'static str {
    if marks.sessions.is_empty() { "person" } else { "session" }
}
