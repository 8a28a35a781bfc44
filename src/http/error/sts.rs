//! Errors of the STS API, in AWS's codes and words (facts 1.2 to 1.4, 2.2, 3.4).

use actix_web::http::StatusCode;

use super::{cut, log};
use crate::broker::{CallerRefusal, Failure, Fault, Refusal};
use crate::clock::Moment;
use crate::identity::sigv4::SigV4Error;
use crate::identity::{VerifyCode, VerifyError};
use crate::issuer::IssueFault;
use crate::issuer::upstream::UpstreamFault;
use crate::policy::{CallerDenial, Denial, SessionNameFault, TagFault};
use crate::telemetry;

/// The blanks of both are AWS's.
const WRONG_CODE: &str = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
const NO_SUCH_DEVICE: &str = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your \
                              MFA serial number is valid and associated with this user.";
const NOT_A_JWT: &str =
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
const TOKEN_NOT_VALIDATED: &str = "The web identity token provided could not be validated. See the \
                                   AssumeRoleWithWebIdentity documentation for requirements.";
/// The two blanks are AWS's.
const NO_VERIFICATION_KEY: &str = "Couldn't retrieve verification key from your identity provider,  please \
                                   reference AssumeRoleWithWebIdentity documentation for requirements";

/// How a caller says who it is.
#[derive(Clone, Copy)]
pub(in crate::http) enum Calling {
    /// `AssumeRoleWithSAML`.
    WithSaml,
    /// `AssumeRoleWithWebIdentity`.
    WithWebIdentity,
    /// By a signature.
    Signed,
}

impl Calling {
    /// The operation that is refused where the caller is told nothing more.
    const fn action(self) -> &'static str {
        match self {
            Self::WithSaml => "AssumeRoleWithSAML",
            Self::WithWebIdentity => "AssumeRoleWithWebIdentity",
            Self::Signed => "AssumeRole",
        }
    }
}

/// An error of the STS API.
#[derive(Debug)]
pub(in crate::http) struct StsError {
    status: StatusCode,
    code: &'static str,
    message: Option<String>,
    cause: Option<Failure>,
}

impl StsError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: Some(message.into()), cause: None }
    }

    fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// A parameter breaks a constraint.
    pub(in crate::http) fn validation(message: String) -> Self {
        Self::bad("ValidationError", message)
    }

    /// A parameter does not go with the others.
    pub(in crate::http) fn parameter(message: String) -> Self {
        Self::bad("InvalidParameterValue", message)
    }

    /// A parameter can't be read at all.
    pub(in crate::http) fn malformed(message: Option<&str>) -> Self {
        let message = message.map(str::to_owned);
        Self { status: StatusCode::BAD_REQUEST, code: "MalformedInput", message, cause: None }
    }

    /// No operation of this name in this version.
    pub(in crate::http) fn unknown_action(action: &str, version: Option<&str>) -> Self {
        let action: String = action.chars().take(100).collect();
        let version: String = version.unwrap_or("NO_VERSION_SPECIFIED").chars().take(100).collect();
        Self::bad("InvalidAction", format!("Could not find operation {action} for version {version}"))
    }

    /// An operation of AWS that this broker does not offer.
    pub(in crate::http) fn not_supported(action: &str) -> Self {
        Self::bad(
            "InvalidAction",
            format!(
                "The operation {action} is not supported by this broker. Supported are AssumeRole, \
                 AssumeRoleWithSAML, AssumeRoleWithWebIdentity, DecodeAuthorizationMessage, GetAccessKeyInfo, \
                 GetCallerIdentity, GetFederationToken and GetSessionToken"
            ),
        )
    }

    /// The role is not to be had, for a reason that the caller is not told.
    pub(in crate::http) fn access_denied(action: &str) -> Self {
        Self::forbidden(format!("Not authorized to perform sts:{action}"))
    }

    /// Another token with the `ProviderId` of Login with Amazon.
    pub(in crate::http) fn not_amazons() -> Self {
        Self::bad("InvalidIdentityToken", "Provided Token is not a Login With Amazon token")
    }

    fn forbidden(message: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    /// The answer to `failure` of a call.
    pub(in crate::http) fn of(failure: Failure, calling: Calling) -> Self {
        let mut error = match &failure {
            Failure::Refusal(refusal) => refused(refusal, calling),
            Failure::Fault(Fault::Store(_)) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                "The broker's store does not answer. Try again.",
            ),
            Failure::Fault(Fault::Issue(IssueFault::Upstream(fault))) => of_upstream(fault, calling),
            Failure::Fault(_) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalFailure",
                "The broker could not process the request. Its log has the request id.",
            ),
        };
        error.cause = Some(failure);
        error
    }

    pub(in crate::http) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(in crate::http) const fn code(&self) -> &'static str {
        self.code
    }

    pub(in crate::http) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    pub(in crate::http) fn is_unknown_action(&self) -> bool {
        self.code == "InvalidAction"
    }

    /// Tells the log the whole story.
    pub(in crate::http) fn log(&self) {
        match &self.cause {
            Some(failure) => log(failure, self.code),
            None => {
                let (check, answered, reason) = ("sts.request", self.code, self.message().map(cut));
                telemetry::count_refusal(check);
                tracing::info!(target: "audit", event = "refused", answered, check, reason);
            }
        }
    }
}

fn refused(refusal: &Refusal, calling: Calling) -> StsError {
    let action = calling.action();
    match refusal {
        Refusal::NotBelieved(error) => match calling {
            Calling::WithSaml => saml_refused(error),
            Calling::WithWebIdentity | Calling::Signed => oidc_refused(error),
        },
        Refusal::UnknownProvider { seen } => invalid_token(match calling {
            Calling::WithSaml => "Specified provider doesn't exist.".into(),
            Calling::WithWebIdentity | Calling::Signed => {
                format!("No OpenIDConnect provider found in your account for {seen}")
            }
        }),
        Refusal::Caller(refusal) => caller_refused(refusal),
        Refusal::Upstream(fault) => of_upstream(fault, calling),
        Refusal::TooMany { .. } => StsError::bad("Throttling", "Rate exceeded"),
        Refusal::AlreadyUsed => invalid_token("Response has already been used".into()),
        Refusal::Denied(denial) => denied(denial, action),
        Refusal::Signature(error) => StsError::new(status_of(error), error.code(), error.to_string()),
        Refusal::NotOffered { .. }
        | Refusal::NoRoles { .. }
        | Refusal::NoSuchLogin { .. }
        | Refusal::LoginFailed { .. }
        | Refusal::LogoutNotOffered { .. }
        | Refusal::SigninToken { .. }
        | Refusal::SigninRequest(_)
        | Refusal::Destination(_)
        | Refusal::DeviceCode
        | Refusal::TooLargeToRemember
        | Refusal::Exchange(_)
        | Refusal::Question(_) => StsError::access_denied(action),
    }
}

/// The STS behind a role gave nothing. What its caller can mend is told in its own words; anything else is
/// between the broker and it, and stands in the log.
fn of_upstream(fault: &UpstreamFault, calling: Calling) -> StsError {
    match fault {
        UpstreamFault::Refused { code, message, .. } => {
            let known = TOLD.iter().find(|(told, _)| told == code);
            let told = known.map(|(code, status)| StsError::new(*status, code, message.clone()));
            told.unwrap_or_else(|| {
                let action = calling.action();
                StsError::forbidden(format!(
                    "Not authorized to perform sts:{action}: the STS that this role's credentials come from refuses. \
                     The broker's log says why."
                ))
            })
        }
        UpstreamFault::Unfit { reason, .. } => StsError::validation(format!(
            "The STS that this role's credentials come from can't be asked for this session: {reason}"
        )),
        UpstreamFault::Throttled { .. } => StsError::bad("Throttling", "Rate exceeded"),
        UpstreamFault::Unavailable { .. } => StsError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "The STS that this role's credentials come from does not answer. Try again.",
        ),
    }
}

/// Codes of another STS that are about what its caller sent, with their status (facts 1.2).
const TOLD: [(&str, StatusCode); 7] = [
    ("ExpiredTokenException", StatusCode::BAD_REQUEST),
    ("IDPRejectedClaim", StatusCode::FORBIDDEN),
    ("InvalidIdentityToken", StatusCode::BAD_REQUEST),
    ("MalformedPolicyDocument", StatusCode::BAD_REQUEST),
    ("PackedPolicyTooLarge", StatusCode::BAD_REQUEST),
    ("RegionDisabledException", StatusCode::FORBIDDEN),
    ("ValidationError", StatusCode::BAD_REQUEST),
];

/// The status of a request whose signature is not good (facts 1.2).
pub(in crate::http) const fn status_of(error: &SigV4Error) -> StatusCode {
    match error {
        SigV4Error::IncompleteSignature(_) => StatusCode::BAD_REQUEST,
        SigV4Error::Fault(_) => StatusCode::INTERNAL_SERVER_ERROR,
        SigV4Error::MissingAuthenticationToken
        | SigV4Error::InvalidClientTokenId
        | SigV4Error::ExpiredToken
        | SigV4Error::Revoked
        | SigV4Error::SignatureDoesNotMatch(_) => StatusCode::FORBIDDEN,
    }
}

/// How AWS tells a time here.
fn unix_seconds(time: &str) -> String {
    Moment::parse_rfc3339(time).map_or_else(|| time.to_owned(), |moment| moment.unix().to_string())
}

fn invalid_token(message: String) -> StsError {
    StsError::bad("InvalidIdentityToken", message)
}

/// Facts 2.2.
fn saml_refused(error: &VerifyError) -> StsError {
    let message = match error.code() {
        VerifyCode::Expired if error.check() == "saml.too-old" => {
            let message = "Token must be redeemed within 5 minutes of issuance";
            return StsError::bad("ExpiredTokenException", message);
        }
        VerifyCode::Expired => return StsError::bad("ExpiredTokenException", "Response has expired"),
        VerifyCode::ProviderRefused => {
            let message = "The identity provider reported that it did not authenticate the user";
            return StsError::new(StatusCode::FORBIDDEN, "IDPRejectedClaim", message);
        }
        VerifyCode::Malformed => "Invalid base64 SAMLResponse",
        VerifyCode::Unsigned => {
            "Response (with optional signature) must contain an assertion with a mandatory signature"
        }
        VerifyCode::Signature | VerifyCode::KeysUnavailable => "Response signature invalid",
        VerifyCode::Issuer => "Issuer not present in specified provider",
        VerifyCode::Audience => "Response does not contain the required audience.",
        VerifyCode::NotYetValid => "Response is not yet valid",
        VerifyCode::Unsolicited => "Response does not answer a request of this service provider",
        VerifyCode::Claim => {
            return invalid_token(format!("The assertion is not acceptable ({})", error.check()));
        }
    };
    invalid_token(message.into())
}

/// Facts 3.3 and 3.4.
fn oidc_refused(error: &VerifyError) -> StsError {
    match error.code() {
        VerifyCode::Expired if error.check() == "oidc.session-ended" => {
            StsError::bad("ExpiredTokenException", "Token expired: the login that it comes of was ended")
        }
        VerifyCode::Expired => StsError::bad(
            "ExpiredTokenException",
            format!(
                "Token expired: current date/time {} must be before the expiration date/time {}",
                unix_seconds(error.expected()),
                unix_seconds(error.seen())
            ),
        ),
        VerifyCode::KeysUnavailable => StsError::bad("IDPCommunicationError", NO_VERIFICATION_KEY),
        VerifyCode::ProviderRefused => {
            StsError::new(StatusCode::FORBIDDEN, "IDPRejectedClaim", TOKEN_NOT_VALIDATED)
        }
        VerifyCode::Malformed => invalid_token(NOT_A_JWT.into()),
        VerifyCode::Claim => invalid_token(match error.check() {
            "oidc.claim.missing" => format!("Missing a required claim: {}", error.expected()),
            "oidc.claim.timestamp" => "Invalid timestamp in token claims.".into(),
            "oidc.groups.overage" => {
                "The token leaves its groups out because they are too many. Let the identity provider send only \
                 the groups that are assigned to the application, or set group_overage for the provider."
                    .into()
            }
            "oidc.claim.tags" => "principal_tags passed in claim is not in correct format.".into(),
            _ => TOKEN_NOT_VALIDATED.into(),
        }),
        VerifyCode::Audience if error.check() == "oidc.audience.several" => invalid_token(
            "Token audience contains more than one audience while authorized party is not present".into(),
        ),
        VerifyCode::Unsigned
        | VerifyCode::Signature
        | VerifyCode::Issuer
        | VerifyCode::Audience
        | VerifyCode::NotYetValid
        | VerifyCode::Unsolicited => invalid_token(TOKEN_NOT_VALIDATED.into()),
    }
}

/// Facts 1.3, 1.7 and 2.2.
fn denied(denial: &Denial, action: &str) -> StsError {
    match denial {
        Denial::NotTrusted(_) => StsError::access_denied(action),
        Denial::Caller(denial) => caller_denied(denial),
        Denial::RoleNotInToken => invalid_token(
            "The target role ARN is not present in the roles claim of the identity token".into(),
        ),
        Denial::SessionName(SessionNameFault::Missing) => {
            invalid_token("RoleSessionName is required in AuthnResponse".into())
        }
        Denial::SessionName(SessionNameFault::Malformed { .. }) => {
            invalid_token("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}".into())
        }
        Denial::SourceIdentity(_) => invalid_token(
            "Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\"".into(),
        ),
        Denial::Tags(fault @ (TagFault::Duplicate | TagFault::Inherited | TagFault::NotPassed)) => {
            StsError::bad("InvalidParameterValue", fault.to_string())
        }
        Denial::Tags(fault) => StsError::validation(fault.to_string()),
        Denial::DurationOverRoleMaximum { .. } => StsError::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".into(),
        ),
        Denial::TooLarge { percent } => StsError::bad(
            "PackedPolicyTooLarge",
            format!("Packed policy consumes {percent}% of allotted space, please use smaller policy."),
        ),
        Denial::SessionPolicy(fault) => StsError::bad("MalformedPolicyDocument", fault.to_string()),
        Denial::NoSuchPolicy(arn) => StsError::bad(
            "MalformedPolicyDocument",
            format!("Policy {arn} does not exist or is not attachable."),
        ),
        Denial::SignInTooOld { within, .. } => StsError::forbidden(format!(
            "The role wants a sign-in of the last {} minutes: sign in at the identity provider again",
            within.as_secs() / 60
        )),
        Denial::SessionOver => StsError::bad("ExpiredTokenException", "Response has expired"),
    }
}

/// Facts 1.3, 1.4 and 1.7.
fn caller_denied(denial: &CallerDenial) -> StsError {
    match denial {
        CallerDenial::NotAllowed { caller, action, resource, .. } => StsError::forbidden(format!(
            "User: {caller} is not authorized to perform: {action} on resource: {resource}"
        )),
        CallerDenial::SourceIdentitySet(_) => {
            StsError::validation("The source identity is already set for this assume role session".into())
        }
        CallerDenial::DurationOverChainLimit { .. } => StsError::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
                .into(),
        ),
    }
}

fn caller_refused(refusal: &CallerRefusal) -> StsError {
    match refusal {
        CallerRefusal::Temporary { action } => {
            StsError::forbidden(format!("Cannot call {action} with session credentials"))
        }
        CallerRefusal::MfaDevice { .. } => StsError::forbidden(NO_SUCH_DEVICE.into()),
        CallerRefusal::MfaCode { .. } => StsError::forbidden(WRONG_CODE.into()),
        CallerRefusal::Message => StsError::bad(
            "InvalidAuthorizationMessageException",
            "The message is none that this broker encoded for your account.",
        ),
    }
}
