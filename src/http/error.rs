//! Errors become answers here, and nowhere else.
//!
//! [`StsError`] is the AWS form (facts 1.2 to 1.4, 2.2, 3.4), [`PageError`] the one for people.
//! Both say what the caller may know; the exact check, with expected and seen values, goes to the
//! log under the same request id. No answer repeats a token, an assertion or a secret.

use actix_web::http::StatusCode;

use crate::broker::{Failure, Fault, Refusal};
use crate::identity::{Protocol, VerifyCode, VerifyError};
use crate::policy::{Denial, SessionNameFault, TagFault};
use crate::telemetry;

const NOT_A_JWT: &str =
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";
const TOKEN_NOT_VALIDATED: &str = "The web identity token provided could not be validated. See the \
                                   AssumeRoleWithWebIdentity documentation for requirements.";
/// The two blanks are AWS's.
const NO_VERIFICATION_KEY: &str = "Couldn't retrieve verification key from your identity provider,  please \
                                   reference AssumeRoleWithWebIdentity documentation for requirements";

/// An error of the STS API.
#[derive(Debug)]
pub(super) struct StsError {
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
    pub(super) fn validation(message: String) -> Self {
        Self::bad("ValidationError", message)
    }

    /// A parameter can't be read at all.
    pub(super) fn malformed(message: Option<&str>) -> Self {
        let message = message.map(str::to_owned);
        Self { status: StatusCode::BAD_REQUEST, code: "MalformedInput", message, cause: None }
    }

    /// No operation of this name in this version.
    pub(super) fn unknown_action(action: &str, version: Option<&str>) -> Self {
        let action: String = action.chars().take(100).collect();
        let version: String = version.unwrap_or("NO_VERSION_SPECIFIED").chars().take(100).collect();
        Self::bad("InvalidAction", format!("Could not find operation {action} for version {version}"))
    }

    /// An operation of AWS that this broker does not offer.
    pub(super) fn not_supported(action: &str) -> Self {
        Self::bad(
            "InvalidAction",
            format!(
                "The operation {action} is not supported by this broker. Supported are AssumeRoleWithSAML, \
                 AssumeRoleWithWebIdentity and GetCallerIdentity"
            ),
        )
    }

    /// The role is not to be had, for a reason that the caller is not told.
    pub(super) fn access_denied(action: &str) -> Self {
        let message = format!("Not authorized to perform sts:{action}");
        Self::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    /// The answer to `failure` of a call that presented an identity of `protocol`.
    pub(super) fn of(failure: Failure, protocol: Protocol) -> Self {
        let mut error = match &failure {
            Failure::Refusal(refusal) => refused(refusal, protocol),
            Failure::Fault(Fault::Store(_)) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                "The broker's store does not answer. Try again.",
            ),
            Failure::Fault(_) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalFailure",
                "The broker could not process the request. Its log has the request id.",
            ),
        };
        error.cause = Some(failure);
        error
    }

    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) const fn code(&self) -> &'static str {
        self.code
    }

    pub(super) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    pub(super) fn is_unknown_action(&self) -> bool {
        self.code == "InvalidAction"
    }

    /// Tells the log the whole story.
    pub(super) fn log(&self) {
        match &self.cause {
            Some(failure) => log(failure, self.code),
            None => {
                telemetry::count_refusal("sts.request");
                tracing::info!(code = self.code, message = self.message(), "refused");
            }
        }
    }
}

fn refused(refusal: &Refusal, protocol: Protocol) -> StsError {
    let action = match protocol {
        Protocol::Saml => "AssumeRoleWithSAML",
        Protocol::Oidc => "AssumeRoleWithWebIdentity",
    };
    match refusal {
        Refusal::NotBelieved(error) => match protocol {
            Protocol::Saml => saml_refused(error),
            Protocol::Oidc => oidc_refused(error),
        },
        Refusal::UnknownProvider { seen } => invalid_token(match protocol {
            Protocol::Saml => "Specified provider doesn't exist.".into(),
            Protocol::Oidc => format!("No OpenIDConnect provider found in your account for {seen}"),
        }),
        Refusal::AlreadyUsed => invalid_token("Response has already been used".into()),
        Refusal::Denied(denial) => denied(denial, action),
        Refusal::Signature(error) => {
            let status = if error.code() == "IncompleteSignature" {
                StatusCode::BAD_REQUEST
            } else if error.code() == "InternalFailure" {
                StatusCode::INTERNAL_SERVER_ERROR
            } else {
                StatusCode::FORBIDDEN
            };
            StsError::new(status, error.code(), error.to_string())
        }
        Refusal::NotOffered { .. }
        | Refusal::NoRoles { .. }
        | Refusal::NoSuchLogin { .. }
        | Refusal::LoginFailed { .. }
        | Refusal::SigninToken { .. }
        | Refusal::SigninRequest(_)
        | Refusal::Destination(_) => StsError::access_denied(action),
    }
}

fn invalid_token(message: String) -> StsError {
    StsError::bad("InvalidIdentityToken", message)
}

/// Facts 2.2.
fn saml_refused(error: &VerifyError) -> StsError {
    let message = match error.code() {
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
        VerifyCode::Expired => StsError::bad(
            "ExpiredTokenException",
            format!(
                "Token expired: current date/time {} must be before the expiration date/time {}",
                error.expected(),
                error.seen()
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
        Denial::Tags(fault @ (TagFault::Duplicate | TagFault::NotPassed)) => {
            StsError::bad("InvalidParameterValue", fault.to_string())
        }
        Denial::Tags(fault) => StsError::validation(fault.to_string()),
        Denial::DurationOverRoleMaximum { .. } => StsError::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".into(),
        ),
        Denial::SessionPolicy(fault) => StsError::bad("MalformedPolicyDocument", fault.to_string()),
        Denial::SessionOver => StsError::bad("ExpiredTokenException", "Response has expired"),
    }
}

/// An error page: what happened, in words for the person, and one thing to do next.
#[derive(Debug)]
pub(super) struct PageError {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) text: String,
    pub(super) next: &'static str,
}

impl PageError {
    /// The page for `failure`; the log gets the rest.
    pub(super) fn of(failure: &Failure) -> Self {
        let error = Self::describe(failure);
        log(failure, error.title);
        error
    }

    fn describe(failure: &Failure) -> Self {
        let refusal = match failure {
            Failure::Refusal(refusal) => refusal,
            Failure::Fault(Fault::ProviderUnreachable(_)) => {
                return Self::new(
                    StatusCode::BAD_GATEWAY,
                    "Your identity provider does not answer",
                    "The sign-in could not be completed because the identity provider did not answer as expected.",
                    "Wait a minute, then sign in again.",
                );
            }
            Failure::Fault(_) => {
                return Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Sign-in is not possible at the moment",
                    "The broker has a problem of its own. Nothing was used up.",
                    "Wait a minute, then try again.",
                );
            }
        };
        match refusal {
            Refusal::NotBelieved(error) => not_believed(error),
            Refusal::AlreadyUsed => Self::new(
                StatusCode::BAD_REQUEST,
                "This sign-in was used already",
                "Each answer of the identity provider opens one session. Going back or reloading can't reuse it.",
                "Sign in again.",
            ),
            Refusal::NoRoles { .. } | Refusal::NotOffered { .. } | Refusal::Denied(_) => Self::new(
                StatusCode::FORBIDDEN,
                "No role for you here",
                "You are signed in at your identity provider, but no role is granted to you here.",
                "Ask your administrator, and give them the request id below.",
            ),
            Refusal::NoSuchLogin { .. } => Self::new(
                StatusCode::BAD_REQUEST,
                "This sign-in did not start here",
                "The answer belongs to no sign-in of this browser, or it took longer than 15 minutes.",
                "Sign in again, in this browser, with cookies allowed.",
            ),
            Refusal::LoginFailed { .. } => Self::new(
                StatusCode::FORBIDDEN,
                "Your identity provider refused the sign-in",
                "It reported an error instead of who you are.",
                "Sign in again, or ask your administrator.",
            ),
            Refusal::UnknownProvider { .. } => Self::new(
                StatusCode::NOT_FOUND,
                "No such identity provider",
                "No identity provider of this name is set up for this kind of sign-in.",
                "Choose one on the sign-in page.",
            ),
            Refusal::SigninToken { .. } => Self::new(
                StatusCode::BAD_REQUEST,
                "This sign-in link is no longer good",
                "A sign-in link opens one session, within 15 minutes.",
                "Go back to where you got it, and get a new one.",
            ),
            Refusal::Destination(refused) => Self::sentence("This place is not allowed", refused.to_string()),
            Refusal::SigninRequest(text) => Self::sentence("The request can't be processed", text.clone()),
            Refusal::Signature(_) => {
                Self::sentence("The credentials are not good", "Invalid Credentials Parameter".into())
            }
        }
    }

    fn new(status: StatusCode, title: &'static str, text: &str, next: &'static str) -> Self {
        Self { status, title, text: text.into(), next }
    }

    fn sentence(title: &'static str, text: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, title, text, next: "Mend the request, then try again." }
    }
}

fn not_believed(error: &VerifyError) -> PageError {
    match error.code() {
        VerifyCode::Expired => PageError::new(
            StatusCode::BAD_REQUEST,
            "This sign-in has expired",
            "The identity provider's answer came too late to be used.",
            "Sign in again.",
        ),
        VerifyCode::NotYetValid => PageError::new(
            StatusCode::BAD_REQUEST,
            "The clocks do not agree",
            "The identity provider's answer is valid in the future only.",
            "Ask your administrator to compare the clocks, and give them the request id below.",
        ),
        VerifyCode::ProviderRefused => PageError::new(
            StatusCode::FORBIDDEN,
            "Your identity provider refused the sign-in",
            "It reported that it did not authenticate you.",
            "Sign in again, or ask your administrator.",
        ),
        VerifyCode::KeysUnavailable => PageError::new(
            StatusCode::BAD_GATEWAY,
            "Your identity provider does not answer",
            "Its keys could not be fetched, so its word could not be checked.",
            "Wait a minute, then sign in again.",
        ),
        _ => PageError::new(
            StatusCode::BAD_REQUEST,
            "The identity provider's answer was not accepted",
            "It is not addressed to this service, not properly signed, or incomplete.",
            "Ask your administrator, and give them the request id below: the log says which check failed.",
        ),
    }
}

fn log(failure: &Failure, answered: &str) {
    match failure {
        Failure::Refusal(Refusal::NotBelieved(error)) => {
            telemetry::count_refusal(error.check());
            let (check, expected, seen) = (error.check(), error.expected(), error.seen());
            tracing::info!(target: "audit", event = "refused", answered, check, expected, seen);
        }
        Failure::Refusal(refusal) => {
            telemetry::count_refusal(check_name(refusal));
            tracing::info!(target: "audit", event = "refused", answered, reason = %refusal);
        }
        Failure::Fault(fault) => {
            telemetry::count_fault(match fault {
                Fault::Store(_) => "store",
                Fault::Issue(_) => "issue",
                Fault::Entropy(_) => "entropy",
                Fault::ProviderUnreachable(_) => "provider",
            });
            tracing::error!(answered, %fault, "failed");
        }
    }
}

/// The metric's label for a refusal that is no [`VerifyError`].
fn check_name(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NotBelieved(error) => error.check(),
        Refusal::UnknownProvider { .. } => "provider.unknown",
        Refusal::AlreadyUsed => "replay",
        Refusal::NotOffered { .. } | Refusal::NoRoles { .. } => "rules.no-offer",
        Refusal::Denied(_) => "policy.denied",
        Refusal::Signature(_) => "sigv4",
        Refusal::NoSuchLogin { .. } => "login.unknown",
        Refusal::LoginFailed { .. } => "login.failed",
        Refusal::SigninToken { .. } | Refusal::SigninRequest(_) => "signin",
        Refusal::Destination(_) => "signin.destination",
    }
}
