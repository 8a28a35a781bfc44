//! Credentials of ours become other credentials: `AssumeRole`, `GetSessionToken`, `GetFederationToken`.
//!
//! What credentials may be used for (facts 1.5): a user's own keys and role sessions may assume roles, so may what
//! `GetSessionToken` gave; what `GetFederationToken` gave may ask who it is and nothing more. Only a user's
//! own keys get a user credentials.

use std::time::Duration;

use super::pace::PaceKey;
use super::record::Given;
use super::{Failure, Refusal, RequestContext};
use crate::arn::{AccountId, RoleArn, account_of_key};
use crate::identity::{
    Holder, Principal, Session, SessionPolicies, SessionTag, TotpSecret, UserSession, hash_of,
};
use crate::issuer::TemporaryCredentials;
use crate::policy::rights::AccessQuestion;
use crate::policy::{
    AssumeRequest, AuthorizedSession, AuthorizedUserSession, CallerDenial, FederationRequest,
};

/// A role that is asked for by a signed request.
pub struct AssumeAsk<'a> {
    /// The role.
    pub role: &'a RoleArn,
    /// Its session's name.
    pub session_name: &'a str,
    /// Its session's length; without it one hour.
    pub duration: Option<Duration>,
    /// What is to limit it.
    pub policies: &'a SessionPolicies,
    /// What the role's owner gave the caller, to tell it from others who call in its name.
    pub external_id: Option<&'a str>,
    /// Who it is about, in the end.
    pub source_identity: Option<&'a str>,
    /// Session tags.
    pub tags: &'a [SessionTag],
    /// A code of the user's authenticator app.
    pub mfa: Option<MfaCode<'a>>,
}

/// A code of an authenticator app.
#[derive(Clone, Copy)]
pub struct MfaCode<'a> {
    /// The app's serial number.
    pub serial: &'a str,
    /// Six digits.
    pub code: &'a str,
}

/// Somebody whom a user makes credentials for.
pub struct FederationAsk<'a> {
    /// What the user calls them.
    pub name: &'a str,
    /// How long.
    pub duration: Duration,
    /// What is to limit it.
    pub policies: &'a SessionPolicies,
    /// Session tags.
    pub tags: &'a [SessionTag],
}

/// Why a caller gets no credentials, beside what policies say.
#[derive(Debug, thiserror::Error)]
pub enum CallerRefusal {
    /// The operation is for users' own keys.
    #[error("{action} was called by temporary credentials")]
    Temporary {
        /// Such as `GetSessionToken`.
        action: &'static str,
    },
    /// The text is none that was encoded here, for this account.
    #[error("no authorization message of the caller's account")]
    Message,
    /// The caller has no such device.
    #[error("the caller has no device {serial:?}")]
    MfaDevice {
        /// What was named.
        serial: String,
    },
    /// The code is not the device's at this time, or was used before.
    #[error("the code is not one of {serial:?} at this time, or was used before")]
    MfaCode {
        /// The device.
        serial: String,
    },
}

impl RequestContext<'_> {
    /// A session of the role that `caller` asks for: authorize, issue, record.
    pub async fn assume_role(
        &self,
        caller: &Principal,
        ask: &AssumeAsk<'_>,
    ) -> Result<(AuthorizedSession, TemporaryCredentials), Failure> {
        const ACTION: &str = "AssumeRole";
        let holder = Holder::from(caller.session());
        if let Holder::FederatedUser(_) = holder {
            return Err(not_by_these(holder, "sts:AssumeRole", ask.role.as_str()).into());
        }
        let code = self.check_mfa(caller, ask.mfa)?;
        let role = self.snapshot.directory.role(ask.role);
        let request = AssumeRequest {
            caller: holder,
            ancestry: caller.ancestry(),
            role: ask.role,
            known: role.map(|role| (&role.id, role.max_session_duration)),
            signed_in_within: role.and_then(|role| role.signed_in_within),
            session_name: ask.session_name,
            duration: ask.duration,
            policies: ask.policies,
            external_id: ask.external_id,
            source_identity: ask.source_identity,
            tags: ask.tags,
            mfa: code.as_ref().map(|_| self.at),
        };
        let session = self.snapshot.policies.assume(&request, self.circumstances());
        let session = session.map_err(Refusal::Denied)?;
        let credentials = self.issue(&session, None).await?;
        self.use_code(code).await?;
        self.record(&session, &Given::credentials(&credentials, ACTION))?;
        Ok((session, credentials))
    }

    /// Temporary credentials of the user that calls.
    pub async fn session_token(
        &self,
        caller: &Principal,
        duration: Duration,
        mfa: Option<MfaCode<'_>>,
    ) -> Result<TemporaryCredentials, Failure> {
        const ACTION: &str = "GetSessionToken";
        let user = by_its_own_key(caller, ACTION)?;
        let code = self.check_mfa(caller, mfa)?;
        let proved = code.as_ref().map(|_| self.at);
        self.use_code(code).await?;
        let session = self.snapshot.policies.session_of_user(user, proved, duration, self.at);
        self.issue_to_user(&session, ACTION).await
    }

    /// Credentials of somebody whom the user that calls names.
    pub async fn federation_token(
        &self,
        caller: &Principal,
        ask: &FederationAsk<'_>,
    ) -> Result<(AuthorizedUserSession, TemporaryCredentials), Failure> {
        const ACTION: &str = "GetFederationToken";
        let user = by_its_own_key(caller, ACTION)?;
        let FederationAsk { name, duration, policies, tags } = *ask;
        let request = FederationRequest { user, name, duration, policies, tags };
        let session = self.snapshot.policies.federate_user(&request, self.circumstances());
        let session = session.map_err(Refusal::Denied)?;
        let credentials = self.issue_to_user(&session, ACTION).await?;
        Ok((session, credentials))
    }

    /// The account of an access key, whether or not there is such a key, if `caller` may ask; nothing where it
    /// can't be one.
    pub fn account_of_key(&self, caller: &Principal, id: &str) -> Result<Option<AccountId>, Failure> {
        self.may_call(caller.session().into(), "sts:GetAccessKeyInfo")?;
        let declared = self.snapshot.directory.access_key(id).map(|(user, _)| user.arn.account());
        Ok(declared.or_else(|| account_of_key(id)))
    }

    /// Whether `holder` may call an operation that is about no resource.
    pub(super) fn may_call(&self, holder: Holder<'_>, action: &'static str) -> Result<(), Failure> {
        let is_limited = match holder {
            Holder::Role(_) => false,
            Holder::User(session) => session.lifetime.is_some(),
            Holder::FederatedUser(_) => true,
        };
        if is_limited {
            return Err(not_by_these(holder, action, "*").into());
        }
        let question = AccessQuestion { action, resource: "*", ..AccessQuestion::default() };
        let asked = self.snapshot.policies.ask(holder, &question, self.at).map_err(Refusal::Question)?;
        if let Some(reason) = asked.decide().because(action) {
            let (caller, resource) = (holder.arn(), "*".to_owned());
            return Err(Refusal::Denied(
                CallerDenial::NotAllowed { caller, action, resource, reason }.into(),
            )
            .into());
        }
        Ok(())
    }

    async fn issue_to_user(
        &self,
        session: &AuthorizedUserSession,
        action: &'static str,
    ) -> Result<TemporaryCredentials, Failure> {
        let credentials = self.parts.issuer.issue_to_user(session)?;
        self.record_of_user(session, &Given::credentials(&credentials, action));
        Ok(credentials)
    }

    /// The code by which the caller proves its second factor; nothing where it does not try. Guessing is slow.
    fn check_mfa(&self, caller: &Principal, mfa: Option<MfaCode<'_>>) -> Result<Option<RightCode>, Failure> {
        let Some(MfaCode { serial, code }) = mfa else { return Ok(None) };
        let user = match caller.session() {
            Session::User(session) => self.snapshot.directory.user(&session.user),
            Session::Role(_) | Session::FederatedUser(_) => None,
        };
        let device = user.and_then(|user| user.mfa.as_ref()).filter(|device| device.serial == serial);
        let device = device.ok_or_else(|| CallerRefusal::MfaDevice { serial: serial.to_owned() })?;
        let key = hash_of(&["rolegate/mfa", serial]);
        if !self.mfa_pace.takes(key, self.at) {
            return Err(Refusal::TooMany { what: "wrong codes of an authenticator app" }.into());
        }
        let serial = serial.to_owned();
        let Some(step) = device.secret.step_of(code, self.at) else {
            return Err(CallerRefusal::MfaCode { serial }.into());
        };
        Ok(Some(RightCode { serial, step, pace: key }))
    }

    /// Takes a code, once (RFC 6238 section 5.2): last before something is given for it, so that a request that
    /// is refused for something else can be mended and sent again.
    async fn use_code(&self, code: Option<RightCode>) -> Result<(), Failure> {
        let Some(RightCode { serial, step, pace }) = code else { return Ok(()) };
        let id = hash_of(&["rolegate/mfa-code", &serial, &step.to_string()]);
        self.claim_or(id, TotpSecret::step_ends(step), CallerRefusal::MfaCode { serial }).await?;
        self.mfa_pace.gives_back(pace);
        Ok(())
    }
}

/// A code that is right at this time, and may have been used.
struct RightCode {
    serial: String,
    step: i64,
    pace: PaceKey,
}

/// The user whose long-term key the request was signed by.
fn by_its_own_key<'p>(caller: &'p Principal, action: &'static str) -> Result<&'p UserSession, Failure> {
    match caller.session() {
        Session::User(session) if session.lifetime.is_none() => Ok(session),
        _ => Err(CallerRefusal::Temporary { action }.into()),
    }
}

fn not_by_these(holder: Holder<'_>, action: &'static str, resource: &str) -> Refusal {
    let (caller, resource) = (holder.arn(), resource.to_owned());
    let reason = "because these credentials are not for that".to_owned();
    Refusal::Denied(CallerDenial::NotAllowed { caller, action, resource, reason }.into())
}

impl From<CallerRefusal> for Failure {
    fn from(refusal: CallerRefusal) -> Self {
        Self::Refusal(Refusal::Caller(refusal))
    }
}
