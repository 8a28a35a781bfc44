//! A federated identity becomes temporary credentials.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use super::decide::Decide;
use super::record::Given;
use super::{Failure, Refusal, RequestContext};
use crate::arn::RoleArn;
use crate::audit;
use crate::clock::Moment;
use crate::directory::{Provider, Replay, Verifier};
use crate::identity::oidc::FurtherClaims;
use crate::identity::saml::{Answer, Expect};
use crate::identity::{
    FederatedIdentity, OneTime, Presented, Protocol, SessionPolicies, VerifyCode, VerifyError,
};
use crate::issuer::{CredentialIssuer as _, Issuance, TemporaryCredentials};
use crate::policy::rules::Outcome;
use crate::policy::{AuthorizedSession, Circumstances, Denial, RoleOffer};
use crate::store::{Claim, Claimed, Scope};

/// What arrived, and where.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// What was sent.
    pub presented: Presented<'a>,
    /// The provider that it is said to come from.
    pub provider: &'a Provider,
    /// The way it came.
    pub door: Door<'a>,
}

/// The way in.
#[derive(Clone, Copy)]
pub enum Door<'a> {
    /// The STS API. A one-time document may be used once a role, because command-line tools
    /// assume one role after the other with one assertion.
    StsApi,
    /// A browser's POST to an assertion consumer service. A one-time document is used up whole.
    SamlPost {
        /// The URL that was posted to.
        recipient: &'a str,
        /// The request that it must answer.
        answer: Answer<'a>,
    },
    /// A browser's return from an OIDC provider.
    OidcLogin {
        /// The nonce that the token must repeat.
        nonce: &'a str,
        /// What the login learned beside the token.
        further: &'a FurtherClaims,
        /// The login itself, which opens one session.
        login: OneTime,
        /// When it was begun here: the provider's answer is younger.
        begun: Moment,
    },
}

/// Which session is wanted.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The way in, for audit and metrics.
    pub action: &'static str,
    /// The role.
    pub role: &'a RoleArn,
    /// The session's name, where the protocol lets the caller choose it.
    pub session_name: Option<&'a str>,
    /// The session's length; without it, one hour.
    pub duration: Option<Duration>,
    /// What is to limit it.
    pub policies: &'a SessionPolicies,
}

/// The end of the sentence.
pub struct Federated {
    /// Who it is.
    pub identity: FederatedIdentity,
    /// What was allowed.
    pub session: AuthorizedSession,
    /// The credentials.
    pub credentials: TemporaryCredentials,
}

impl RequestContext<'_> {
    /// The sentence: verify, map, authorize, issue, claim, record.
    ///
    /// Claiming comes last before anything is given, so that a request that is refused for a
    /// mendable reason (a duration too long, an upstream that does not answer) does not use the document up.
    pub async fn federate(&self, arrival: &Arrival<'_>, ask: &Ask<'_>) -> Result<Federated, Failure> {
        let identity = self.verify(arrival).await?;
        let session = self.authorize(&identity, arrival.provider, ask)?;
        let credentials = self.issue(&session, Some(arrival.presented)).await?;
        self.claim(&identity, arrival, Some(ask.role)).await?;
        self.record(&session, &Given::credentials(&credentials, ask.action))?;
        Ok(Federated { identity, session, credentials })
    }

    /// The sentence up to where something is given: verify, map, authorize, claim.
    pub(super) async fn admit(
        &self,
        arrival: &Arrival<'_>,
        ask: &Ask<'_>,
    ) -> Result<(FederatedIdentity, AuthorizedSession), Failure> {
        let identity = self.verify(arrival).await?;
        let session = self.authorize(&identity, arrival.provider, ask)?;
        self.claim(&identity, arrival, Some(ask.role)).await?;
        Ok((identity, session))
    }

    /// What configuration says to an identity that was verified: map, authorize.
    pub(super) fn authorize(
        &self,
        identity: &FederatedIdentity,
        provider: &Provider,
        ask: &Ask<'_>,
    ) -> Result<AuthorizedSession, Failure> {
        let decide = self.decide(provider);
        let offer = decide.offer(identity, ask.role).inspect_err(|_| {
            self.tell_failing_rules(identity, Some(ask.role));
            tell_not_granted(identity, ask, None);
        })?;
        Ok(decide.authorize(identity, &offer, ask).inspect_err(|refusal| {
            let unmet = matches!(refusal, Refusal::Denied(Denial::NotTrusted(_)))
                .then(|| decide.unmet(identity, &offer, ask))
                .flatten();
            tell_not_granted(identity, ask, unmet.as_deref());
        })?)
    }

    /// Who it is and which roles are offered, for a person to choose from. Claims nothing.
    pub async fn offers(
        &self,
        arrival: &Arrival<'_>,
    ) -> Result<(FederatedIdentity, Vec<RoleOffer>), Failure> {
        let identity = self.verify(arrival).await?;
        let offers = self.decide(arrival.provider).offers(&identity);
        if offers.is_empty() {
            self.tell_failing_rules(&identity, None);
            let (subject, provider) = (identity.subject().to_owned(), arrival.provider.name.clone());
            return Err(Refusal::NoRoles { subject, provider }.into());
        }
        Ok((identity, offers))
    }

    pub(super) async fn verify(&self, arrival: &Arrival<'_>) -> Result<FederatedIdentity, Failure> {
        let verified = match (&arrival.provider.verifier, arrival.presented) {
            (Verifier::Saml(saml), Presented::SamlResponse(response)) => {
                saml.provider.verify(response, expectation(&arrival.door), self.at)
            }
            (Verifier::Oidc(oidc), Presented::IdToken(token) | Presented::AmazonToken(token)) => {
                match arrival.door {
                    Door::OidcLogin { nonce, further, .. } => {
                        oidc.verify_login(token, nonce, further, self.at).await
                    }
                    Door::StsApi | Door::SamlPost { .. } => oidc.verify(token, None, self.at).await,
                }
            }
            (Verifier::Saml(_), Presented::IdToken(_) | Presented::AmazonToken(_)) => {
                Err(wrong_protocol("a SAML response", "a token"))
            }
            (Verifier::Oidc(_), Presented::SamlResponse(_)) => {
                Err(wrong_protocol("a token", "a SAML response"))
            }
        };
        let identity = verified?;
        self.check_login_goes_on(&identity, &arrival.door)?;
        Ok(identity)
    }

    /// A logout holds for assertions that come after it, too (SAML Core 3.7.3.1): what was
    /// asserted before opens nothing more. What repeats the nonce of a login that was begun after it
    /// was asserted after it, whatever the provider's clock says.
    pub(super) fn check_login_goes_on(
        &self,
        identity: &FederatedIdentity,
        door: &Door<'_>,
    ) -> Result<(), VerifyError> {
        let Some(login) = identity.login() else { return Ok(()) };
        let (revoked, marks) = (&self.parts.revoked, &login.marks);
        let is_new = match door {
            Door::OidcLogin { begun, .. } => {
                !revoked.ends_session(marks, *begun) && !revoked.ends_identity(identity, *begun)
            }
            Door::StsApi | Door::SamlPost { .. } => false,
        };
        let asserted = login.asserted_at;
        let is_ended = revoked.ends_assertion(marks, asserted) || revoked.ends_documents(identity, asserted);
        if is_new || !is_ended {
            return Ok(());
        }
        let check = match identity.protocol() {
            Protocol::Saml => "saml.session-ended",
            Protocol::Oidc => "oidc.session-ended",
        };
        let (expected, seen) =
            ("a login that goes on", format!("one of {} that was ended", login.asserted_at));
        Err(VerifyError::new(VerifyCode::Expired, check, expected, seen))
    }

    /// What configuration alone decides about an identity of `provider`.
    pub(super) fn decide<'a>(&'a self, provider: &'a Provider) -> Decide<'a> {
        Decide { snapshot: &self.snapshot, provider, when: self.circumstances() }
    }

    /// When and where from the request comes.
    pub(super) const fn circumstances(&self) -> Circumstances {
        Circumstances { at: self.at, source_ip: self.source_ip }
    }

    /// A rule that can't be evaluated offers nothing, and one that denies is why somebody gets nothing.
    /// Whoever wonders must find it in the log.
    fn tell_failing_rules(&self, identity: &FederatedIdentity, role: Option<&RoleArn>) {
        for (rule, outcome) in self.snapshot.policies.rules().evaluate(identity, role, self.circumstances()) {
            if let Outcome::Fails { field, reason } = outcome {
                tracing::warn!(rule = rule.name(), field, reason, "a rule failed, and offers nothing");
            }
        }
        for (rule, outcome) in self.snapshot.policies.rules().denying(identity, self.circumstances()) {
            if role.is_some_and(|role| !rule.denies(role)) {
                continue;
            }
            match outcome {
                Outcome::Fails { field, reason } => {
                    tracing::warn!(
                        rule = rule.name(),
                        field,
                        reason,
                        "a rule that denies failed, and denies"
                    );
                }
                _ => tracing::info!(rule = rule.name(), "a rule denies"),
            }
        }
    }

    /// Uses up what `identity` was verified by: for `role`, where it may be used for others, too; without one, all of it.
    pub(super) async fn claim(
        &self,
        identity: &FederatedIdentity,
        arrival: &Arrival<'_>,
        role: Option<&RoleArn>,
    ) -> Result<(), Failure> {
        let part = || role.map_or(Scope::Whole, |role| Scope::Part(sha256(role.as_str().as_bytes())));
        let (one_time, scope) = match &arrival.door {
            Door::StsApi => (identity.one_time(), part()),
            Door::SamlPost { .. } => (identity.one_time(), Scope::Whole),
            Door::OidcLogin { login, .. } => (Some(*login), Scope::Whole),
        };
        let Some(OneTime { id, until, only_once }) = one_time else { return Ok(()) };
        let scope = match (replay(arrival), only_once) {
            (Replay::Reuse, _) => return Ok(()),
            (Replay::Once, _) | (Replay::OncePerRole, true) => Scope::Whole,
            (Replay::OncePerRole, false) => scope,
        };
        self.claim_once(id, scope, until).await
    }

    pub(super) async fn claim_once(&self, id: [u8; 32], scope: Scope, until: Moment) -> Result<(), Failure> {
        match self.parts.store.claim(Claim { id, scope, until }, self.at).await? {
            Claimed::First => Ok(()),
            Claimed::AlreadyUsed => Err(Refusal::AlreadyUsed.into()),
        }
    }

    /// Claims all of `id`; whoever comes second gets `used`.
    pub(super) async fn claim_or(
        &self,
        id: [u8; 32],
        until: Moment,
        used: impl Into<Failure>,
    ) -> Result<(), Failure> {
        match self.claim_once(id, Scope::Whole, until).await {
            Err(Failure::Refusal(Refusal::AlreadyUsed)) => Err(used.into()),
            claimed => claimed,
        }
    }

    /// Has credentials made by whoever makes those of the role; `presented` is what the session was verified by.
    pub(super) async fn issue(
        &self,
        session: &AuthorizedSession,
        presented: Option<Presented<'_>>,
    ) -> Result<TemporaryCredentials, Failure> {
        let is_ended = |begun| self.parts.revoked.ends_holder(session.session().into(), begun);
        let issuance = Issuance { session, presented, at: self.at, is_ended: &is_ended };
        match self.snapshot.upstreams.of(&session.session().role) {
            Some(upstream) => Ok(upstream.issue(&issuance).await?),
            None => Ok(self.parts.issuer.issue(&issuance).await?),
        }
    }
}

fn expectation<'a>(door: &Door<'a>) -> Expect<'a> {
    match *door {
        Door::SamlPost { recipient, answer } => Expect { recipient: Some(recipient), in_response_to: answer },
        Door::StsApi | Door::OidcLogin { .. } => Expect { recipient: None, in_response_to: Answer::Any },
    }
}

/// What the provider's settings say about using a document again. They say it of the STS API:
/// what opens a browser session is used once.
const fn replay(arrival: &Arrival<'_>) -> Replay {
    match (&arrival.provider.verifier, &arrival.door) {
        (Verifier::Saml(saml), Door::StsApi) => saml.replay,
        _ => Replay::Once,
    }
}

pub(super) fn wrong_protocol(expected: &str, seen: &str) -> VerifyError {
    VerifyError::new(VerifyCode::Malformed, "provider.protocol", expected, seen)
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// Whoever asks why somebody got nothing must find who it was, and what was missing.
fn tell_not_granted(identity: &FederatedIdentity, ask: &Ask<'_>, unmet: Option<&str>) {
    audit::NotGranted {
        action: ask.action,
        provider: identity.provider().as_str(),
        subject: identity.subject(),
        role: ask.role.as_str(),
        unmet,
    }
    .write();
}
