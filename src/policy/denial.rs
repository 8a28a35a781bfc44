//! Why a session is refused.
//!
//! Each variant carries what `http` needs for the exact message of AWS, and says in `Display`
//! what the log wants to know.

use std::time::Duration;

use super::iam::PolicyFault;
use super::tags::TagFault;
use super::trust::Untrusted;
use crate::arn::PolicyArn;
use crate::clock::Moment;

/// Why a session is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The trust policy refuses, or there is no such role. A caller can't tell one from the
    /// other: `Not authorized to perform sts:AssumeRoleWith…` (facts 1.4).
    #[error("not trusted: {0}")]
    NotTrusted(Untrusted),
    /// A caller by credentials of its own may not.
    #[error(transparent)]
    Caller(Box<CallerDenial>),
    /// The token has a roles claim, and the role is not in it (facts 3.5): `The target role ARN
    /// is not present in the roles claim of the identity token`.
    #[error("the token's roles claim does not name the role")]
    RoleNotInToken,
    /// No session name, or one that is not of the form.
    #[error(transparent)]
    SessionName(SessionNameFault),
    /// `Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`
    /// (facts 2.2).
    #[error("source identity {0:?} is not 2 to 64 of [a-zA-Z_0-9+=,.@-], or begins with aws:")]
    SourceIdentity(String),
    /// The session tags are not what they may be (facts 1.7).
    #[error(transparent)]
    Tags(TagFault),
    /// `The requested DurationSeconds exceeds the MaxSessionDuration set for this role.`
    /// (facts 1.3). Said only after the trust policy allowed the call, since it tells that the
    /// role exists.
    #[error("{requested:?} asked, the role's maximum is {maximum:?}")]
    DurationOverRoleMaximum {
        /// What was asked.
        requested: Duration,
        /// What the role allows.
        maximum: Duration,
    },
    /// `PackedPolicyTooLarge` (facts 1.7): tags and session policy don't fit into a session.
    #[error("tags and session policy take {percent}% of the room they have")]
    TooLarge {
        /// How much they would take.
        percent: usize,
    },
    /// `MalformedPolicyDocument` (facts 1.7): the first fault of the session policy.
    #[error("session policy: {0}")]
    SessionPolicy(PolicyFault),
    /// `MalformedPolicyDocument`: no `[[policy]]` of the session's account has this ARN.
    #[error("session policy: there is no policy {0} here for sessions of this account")]
    NoSuchPolicy(PolicyArn),
    /// The role wants a sign-in that is not so long ago, or nobody says how long ago it was. Said only after the trust policy
    /// allowed the call.
    #[error("the role wants a sign-in of the last {} s; {}", within.as_secs(), SignedIn(*seen))]
    SignInTooOld {
        /// How long ago it may be.
        within: Duration,
        /// When it was, if anybody says so.
        seen: Option<Moment>,
    },
    /// The assertion says that the session is over already: `Response has expired` (facts 2.2).
    #[error("the assertion's session has ended")]
    SessionOver,
}

impl CallerDenial {
    /// The stable name of what refuses it.
    pub const fn check(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } => "policy.denied",
            Self::SourceIdentitySet(_) => "policy.source-identity-set",
            Self::DurationOverChainLimit { .. } => "policy.chain-duration",
        }
    }
}

impl From<CallerDenial> for Denial {
    fn from(denial: CallerDenial) -> Self {
        Self::Caller(Box::new(denial))
    }
}

impl Denial {
    /// The stable name of what refuses it.
    pub const fn check(&self) -> &'static str {
        match self {
            Self::NotTrusted(_) => "policy.denied",
            Self::Caller(denial) => denial.check(),
            Self::RoleNotInToken => "policy.role-not-in-token",
            Self::SessionName(_) => "policy.session-name",
            Self::SourceIdentity(_) => "policy.source-identity",
            Self::Tags(_) => "policy.tags",
            Self::DurationOverRoleMaximum { .. } => "policy.duration",
            Self::TooLarge { .. } => "policy.size",
            Self::SessionPolicy(_) | Self::NoSuchPolicy(_) => "policy.session-policy",
            Self::SignInTooOld { .. } => "policy.sign-in-age",
            Self::SessionOver => "policy.session-over",
        }
    }
}

/// When somebody signed in, in words.
struct SignedIn(Option<Moment>);

impl std::fmt::Display for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(seen) => write!(f, "this one was at {seen}"),
            None => f.write_str("nobody says when this one was"),
        }
    }
}

/// Why a caller gets nothing by credentials of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallerDenial {
    /// The policies of the caller and of what it calls do not allow it; or there is no such role, which a caller
    /// can't tell from it: `User: … is not authorized to perform: …` (facts 1.4).
    #[error("{caller} may not {action} {resource}: {reason}")]
    NotAllowed {
        /// The caller's ARN.
        caller: String,
        /// Such as `sts:AssumeRole`.
        action: &'static str,
        /// The ARN of the role, or of who is made.
        resource: String,
        /// Which policy, for the log.
        reason: String,
    },
    /// Another source identity than that of the calling session (facts 1.7).
    #[error("the calling session has the source identity {0:?}, which can't be changed")]
    SourceIdentitySet(String),
    /// `The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.`
    /// (facts 1.3)
    #[error("{requested:?} asked, a role that a role's session assumes lasts an hour at most")]
    DurationOverChainLimit {
        /// What was asked.
        requested: Duration,
    },
}

/// What is wrong with a session name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionNameFault {
    /// Nobody gave one. SAML: `RoleSessionName is required in AuthnResponse` (facts 2.2).
    #[error("there is no session name")]
    Missing,
    /// Not 2 to 64 characters of `[\w+=,.@-]`. It is never changed silently: two people would
    /// share a name.
    #[error("session name {name:?}, from {source_of_name}, is not 2 to 64 of [a-zA-Z_0-9+=,.@-]")]
    Malformed {
        /// The name.
        name: String,
        /// Who gave it.
        source_of_name: NameSource,
    },
}

/// Who gave a session name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameSource {
    /// A rule's expression.
    Rule,
    /// The assertion's `RoleSessionName`.
    Assertion,
    /// The caller's `RoleSessionName` parameter.
    Caller,
}

impl std::fmt::Display for NameSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rule => "the rule",
            Self::Assertion => "the assertion",
            Self::Caller => "the caller",
        })
    }
}
