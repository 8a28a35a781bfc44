//! Why something did not happen: the caller's side ([`Refusal`]) or ours ([`Fault`]).
//!
//! `http::error` is the one place that turns these into answers; the log gets the whole story
//! under the same request id.

use super::{CallerRefusal, ExchangeRefusal};
use crate::arn::RoleArn;
use crate::console::DestinationRefused;
use crate::entropy::NoEntropy;
use crate::identity::VerifyError;
use crate::identity::saml::RequestFault;
use crate::identity::sigv4::SigV4Error;
use crate::issuer::IssueFault;
use crate::issuer::upstream::UpstreamFault;
use crate::policy::Denial;
use crate::policy::rights::AskFault;
use crate::store::StoreFault;

/// A flow's way to end without an answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The caller's side.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// Our side.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The request is refused, and would be again.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The identity was not believed.
    #[error(transparent)]
    NotBelieved(#[from] VerifyError),
    /// No provider of this name, ARN or issuer is configured.
    #[error("no identity provider is configured for {seen:?}")]
    UnknownProvider {
        /// What was asked for.
        seen: String,
    },
    /// The document was used before.
    #[error("the document was used before")]
    AlreadyUsed,
    /// No such role, or no rule offers it to this identity. Callers can't tell which.
    #[error("no rule offers {role} to this identity, or there is no such role")]
    NotOffered {
        /// The role that was asked for.
        role: RoleArn,
    },
    /// The rules offer no role at all.
    #[error("no rule offers a role to {subject:?} of provider {provider}")]
    NoRoles {
        /// Who asked.
        subject: String,
        /// By whose word.
        provider: String,
    },
    /// The role is offered, but not to be had this way.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// A signed request was not genuine.
    #[error(transparent)]
    Signature(#[from] SigV4Error),
    /// The answer belongs to no login of this browser, or came too late.
    #[error("no login of this browser is waiting for this answer: {reason}")]
    NoSuchLogin {
        /// What did not fit.
        reason: &'static str,
    },
    /// The identity provider answered a login with an error.
    #[error("the identity provider answered {code:?}: {description:?}")]
    LoginFailed {
        /// Its `error`.
        code: String,
        /// Its `error_description`.
        description: String,
    },
    /// Nobody can log out there: logout messages must be signed, and there is no key.
    #[error("single logout is not set up for provider {provider}: it has no `keys`")]
    LogoutNotOffered {
        /// The provider's name.
        provider: String,
    },
    /// A sign-in token that is forged, stale or used.
    #[error("the sign-in token is not good: {reason}")]
    SigninToken {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `getSigninToken` was asked something it does not do.
    #[error("{0}")]
    SigninRequest(String),
    /// A place that a sign-in may not land on.
    #[error(transparent)]
    Destination(#[from] DestinationRefused),
    /// The caller's credentials are not for that, or its second factor is not proved.
    #[error(transparent)]
    Caller(CallerRefusal),
    /// No device waits for the code that was typed: there is no such code, it is over, or it was answered.
    #[error("no device waits for this code")]
    DeviceCode,
    /// An identity that is to be remembered is too large for it.
    #[error("the identity is too large to be remembered")]
    TooLargeToRemember,
    /// More of it than anybody does who means well.
    #[error("too many {what}: come again in a while")]
    TooMany {
        /// Of what.
        what: &'static str,
    },
    /// What is asked about somebody's rights can't be answered.
    #[error(transparent)]
    Question(#[from] AskFault),
    /// The STS that the role's credentials come from refuses, or can't be asked for such a session.
    #[error(transparent)]
    Upstream(Box<UpstreamFault>),
    /// The token endpoint does not do that, or not for this client.
    #[error(transparent)]
    Exchange(#[from] ExchangeRefusal),
}

impl Refusal {
    /// The stable name of what refused it, for the log, the metrics and explanations.
    pub const fn check(&self) -> &'static str {
        match self {
            Self::NotBelieved(error) => error.check(),
            Self::UnknownProvider { .. } => "provider.unknown",
            Self::AlreadyUsed => "replay",
            Self::Question(_) => "access.question",
            Self::NotOffered { .. } | Self::NoRoles { .. } => "rules.no-offer",
            Self::Denied(denial) => denial.check(),
            Self::Signature(SigV4Error::Revoked) => "session.revoked",
            Self::Signature(_) => "sigv4",
            Self::NoSuchLogin { .. } => "login.unknown",
            Self::LoginFailed { .. } => "login.failed",
            Self::LogoutNotOffered { .. } => "logout.not-offered",
            Self::SigninToken { .. } | Self::SigninRequest(_) => "signin",
            Self::Destination(_) => "signin.destination",
            Self::Caller(CallerRefusal::Temporary { .. }) => "caller.temporary",
            Self::Caller(CallerRefusal::Message) => "caller.message",
            Self::Caller(CallerRefusal::MfaDevice { .. }) => "caller.mfa-device",
            Self::Caller(CallerRefusal::MfaCode { .. }) => "caller.mfa-code",
            Self::DeviceCode => "device.user-code",
            Self::TooLargeToRemember => "identity.too-large",
            Self::TooMany { .. } => "pace",
            Self::Upstream(fault) => match **fault {
                UpstreamFault::Unfit { .. } => "upstream.unfit",
                _ => "upstream.refused",
            },
            Self::Exchange(refusal) => refusal.check(),
        }
    }

    /// [`Refusal::UnknownProvider`], with what a stranger sent cut to what a log line bears.
    pub fn unknown_provider(seen: &str) -> Self {
        Self::UnknownProvider { seen: seen.chars().take(200).collect() }
    }
}

/// The broker itself could not do it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// No credentials could be made.
    #[error(transparent)]
    Issue(#[from] IssueFault),
    /// There was no randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// No login request could be made.
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// The identity provider can't be reached or does not answer as it should.
    #[error("the identity provider could not be asked: {0}")]
    ProviderUnreachable(String),
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        Self::Refusal(error.into())
    }
}

impl From<ExchangeRefusal> for Failure {
    fn from(refusal: ExchangeRefusal) -> Self {
        Self::Refusal(refusal.into())
    }
}

impl From<IssueFault> for Failure {
    fn from(fault: IssueFault) -> Self {
        match fault {
            IssueFault::Upstream(fault)
                if matches!(*fault, UpstreamFault::Refused { .. } | UpstreamFault::Unfit { .. }) =>
            {
                Self::Refusal(Refusal::Upstream(fault))
            }
            fault => Self::Fault(Fault::Issue(fault)),
        }
    }
}

impl From<StoreFault> for Failure {
    fn from(fault: StoreFault) -> Self {
        Self::Fault(fault.into())
    }
}

impl From<NoEntropy> for Failure {
    fn from(fault: NoEntropy) -> Self {
        Self::Fault(fault.into())
    }
}

impl From<RequestFault> for Failure {
    fn from(fault: RequestFault) -> Self {
        match fault {
            RequestFault::NoMetadata(error) => (*error).into(),
            other => Self::Fault(other.into()),
        }
    }
}
