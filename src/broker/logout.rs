//! The end of a login before its time: the identity provider ends it, or the person does.
//!
//! Whatever came of the login is revoked: its credentials, its console sessions, its sign-in
//! tokens, and assertions about it that nobody has used yet. This node holds to that at once; only
//! when the store has it too is it called done, because only then does it survive a restart.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::signin::console_mark;
use super::{Failure, Refusal, RequestContext};
use crate::audit;
use crate::clock::Moment;
use crate::console::{self, ConsoleSession};
use crate::directory::{Provider, SamlSide, Verifier};
use crate::identity::LoginMarks;
use crate::identity::saml::{
    LogoutMessage, LogoutRequest, LogoutStart, LogoutStatus, Outbound, PresentedLogout,
};
use crate::seal::Purpose;
use crate::store::{Revocation, RevocationId, Scope};
use crate::telemetry;

/// The longest that anything lives which a login gave: credentials (facts 1.6), and a console
/// session, which may begin with their last moment before the logout (facts 4.2).
const LONGEST_LIFE: Duration = Duration::from_secs(12 * 3600);
/// How long the identity provider may take to sign somebody out everywhere.
const LOGOUT_LIFE: Duration = Duration::from_secs(15 * 60);

/// What a message at the single logout service came to.
pub enum LogoutOutcome {
    /// The provider ended a login.
    Ended {
        /// Our answer; `None` where the provider takes none.
        answer: Option<Outbound>,
        /// Why it could not be done for good, in which case the answer says that it was not.
        failure: Option<Failure>,
    },
    /// The provider answers a sign-out that began here.
    Answered(LogoutStatus),
}

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
    request_id: String,
    good_until: Moment,
}

impl RequestContext<'_> {
    /// A message that a browser brought to the single logout service of the provider called
    /// `name`. `cookie` is that of a logout under way.
    pub async fn saml_logout(
        &self,
        name: &str,
        presented: PresentedLogout<'_>,
        cookie: Option<&str>,
    ) -> Result<LogoutOutcome, Failure> {
        let (provider, saml) = self.logout_provider(name)?;
        let awaited = self.logout_state(cookie, name).map(|state| state.request_id);
        match saml.provider.verify_logout(presented, awaited.as_deref(), self.at)? {
            LogoutMessage::Request(request) => self.end_login(provider, saml, &request).await,
            LogoutMessage::Response(status) => {
                if let LogoutStatus::Failed(reason) = &status {
                    tracing::warn!(provider = name, reason, "the identity provider did not log out");
                }
                Ok(LogoutOutcome::Answered(status))
            }
        }
    }

    /// Ends the console session of `cookie`, and the login that it comes of: here, and then at the
    /// provider, if it takes part in logouts.
    pub async fn sign_out(&self, cookie: &str) -> Result<SignedOut, Failure> {
        let Some(console) = self.console_session(cookie) else { return Ok(SignedOut::Here) };
        let session = &console.session;
        let login = session.login.as_ref().map(|marks| marks.ended().to_vec());
        let ids = login.unwrap_or_else(|| vec![console_mark(session, cookie)]);
        self.revoke(&ids, self.at).await?;
        let ended = audit::Ended {
            action: "sign-out",
            provider: session.provider.as_ref().map(|provider| provider.as_str()).unwrap_or_default(),
            subject: session.subject.as_deref().unwrap_or_default(),
            scope: session.login.as_ref().map_or("console", scope),
        };
        self.tell_ended(&ended);
        match self.at_provider(&console) {
            Ok(signed_out) => Ok(signed_out),
            Err(failure) => {
                telemetry::count_fault("logout-request");
                tracing::error!(fault = failure.to_string(), "the provider is not told of a sign-out");
                Ok(SignedOut::Here)
            }
        }
    }

    /// Where a sign-out of `console` leads: scheme and authority of its provider's logout service.
    pub fn sign_out_leads_to(&self, console: &ConsoleSession) -> Option<String> {
        let (_, saml) = self.told_of(console)?;
        saml.provider.logout_origin(self.at)
    }

    /// Claims, revokes, and answers. A request that was here before is refused; one that can't be
    /// carried out for good is answered so.
    async fn end_login(
        &self,
        provider: &Provider,
        saml: &SamlSide,
        request: &LogoutRequest,
    ) -> Result<LogoutOutcome, Failure> {
        let failure = match self.claim_and_revoke(request).await {
            Ok(()) => {
                let ended = audit::Ended {
                    action: "saml-logout",
                    provider: provider.arn.as_str(),
                    subject: &request.session().name_id.value,
                    scope: scope(request.marks()),
                };
                self.tell_ended(&ended);
                None
            }
            Err(failure @ Failure::Fault(_)) => Some(failure),
            Err(refusal) => return Err(refusal),
        };
        let entropy = self.parts.entropy.as_ref();
        let answer = saml.provider.logout_response(request, failure.is_none(), entropy, self.at)?;
        Ok(LogoutOutcome::Ended { answer, failure })
    }

    /// A fault leaves open whether the request was here before. It is genuine all the same, so this
    /// node holds to it.
    async fn claim_and_revoke(&self, request: &LogoutRequest) -> Result<(), Failure> {
        let (ids, one_time) = (request.marks().ended(), request.one_time());
        match self.claim_once(one_time.id, Scope::Whole, one_time.until).await {
            Ok(()) => self.revoke(ids, request.issued()).await,
            Err(failure) => {
                if matches!(failure, Failure::Fault(_)) {
                    self.hold(ids, request.issued());
                }
                Err(failure)
            }
        }
    }

    /// Holds here at once, and for good when this is `Ok`.
    async fn revoke(&self, ids: &[RevocationId], asserted_before: Moment) -> Result<(), Failure> {
        for revocation in self.hold(ids, asserted_before) {
            self.parts.store.revoke(revocation, self.at).await?;
        }
        Ok(())
    }

    /// Ends everything that was issued up to now. That is later than the request: whatever was issued
    /// while it waited for its claim could not know yet that it is over.
    fn hold(&self, ids: &[RevocationId], asserted_before: Moment) -> Vec<Revocation> {
        let now = self.parts.clock.now().max(self.at);
        // A refresh token is asked about by the same marks as long as it lives.
        let until = now.plus(LONGEST_LIFE.max(self.snapshot.directory.longest_refresh()));
        let revocation =
            |id: &RevocationId| Revocation { id: *id, issued_before: now, asserted_before, until };
        let revocations: Vec<_> = ids.iter().map(revocation).collect();
        revocations.iter().for_each(|revocation| self.parts.revoked.add(*revocation, now));
        revocations
    }

    fn tell_ended(&self, ended: &audit::Ended<'_>) {
        telemetry::count_logout(ended.action);
        ended.write();
    }

    /// Sends the browser on to the provider, where there is one to be told.
    fn at_provider(&self, console: &ConsoleSession) -> Result<SignedOut, Failure> {
        let (Some((provider, saml)), Some(login)) = (self.told_of(console), &console.login) else {
            return Ok(SignedOut::Here);
        };
        let entropy = self.parts.entropy.as_ref();
        let start = saml.provider.logout_request(login, entropy, self.at)?;
        let Some(LogoutStart { id, outbound }) = start else { return Ok(SignedOut::Here) };
        let good_until = self.at.plus(LOGOUT_LIFE);
        let state = LogoutState { provider: provider.name.clone(), request_id: id, good_until };
        let cookie = console::seal(&self.parts.ring, Purpose::LogoutState, &state, entropy)?;
        Ok(SignedOut::AtProvider { outbound, cookie, lasts: LOGOUT_LIFE })
    }

    fn told_of(&self, console: &ConsoleSession) -> Option<(&Provider, &SamlSide)> {
        console.login.as_ref()?;
        let provider = self.snapshot.directory.provider_by_arn(console.session.provider.as_ref()?)?;
        match &provider.verifier {
            Verifier::Saml(saml) => Some((provider, saml)),
            Verifier::Oidc(_) => None,
        }
    }

    fn logout_provider(&self, name: &str) -> Result<(&Provider, &SamlSide), Failure> {
        let unknown = || Refusal::unknown_provider(name);
        let provider = self.snapshot.directory.provider(name).ok_or_else(unknown)?;
        match &provider.verifier {
            Verifier::Saml(saml) if saml.provider.offers_logout() => Ok((provider, saml)),
            Verifier::Saml(_) => Err(Refusal::LogoutNotOffered { provider: name.to_owned() }.into()),
            Verifier::Oidc(_) => Err(unknown().into()),
        }
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
