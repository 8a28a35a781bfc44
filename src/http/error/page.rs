//! Error pages: what happened, in words for the person, and one thing to do next.

use actix_web::http::StatusCode;

use super::log;
use crate::broker::{Failure, Fault, Refusal};
use crate::identity::{VerifyCode, VerifyError};
use crate::policy::Denial;

/// An error page: what happened, in words for the person, and one thing to do next.
#[derive(Debug)]
pub(in crate::http) struct PageError {
    pub(in crate::http) status: StatusCode,
    pub(in crate::http) title: &'static str,
    pub(in crate::http) text: String,
    pub(in crate::http) next: &'static str,
}

impl PageError {
    /// The page for `failure`; the log gets the rest.
    pub(in crate::http) fn of(failure: &Failure) -> Self {
        let error = Self::describe(failure);
        log(failure, error.title);
        error
    }

    /// The page for a sign-out that failed; the log gets the rest.
    pub(in crate::http) fn of_logout(failure: &Failure) -> Self {
        let error = match failure {
            Failure::Fault(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "You are not signed out everywhere",
                "This browser is signed out, but the broker could not make it last: credentials that came of \
                 this sign-in may work again until they expire.",
                "Wait a minute, then sign in and out again, or tell your administrator.",
            ),
            Failure::Refusal(Refusal::AlreadyUsed) => Self::new(
                StatusCode::BAD_REQUEST,
                "This sign-out was done already",
                "Each sign-out of the identity provider counts once. Going back or reloading can't repeat it.",
                "If you are still signed in somewhere, sign out there.",
            ),
            Failure::Refusal(Refusal::NotBelieved(error)) => not_signed_out(error),
            other => Self::describe(other),
        };
        log(failure, error.title);
        error
    }

    /// The page for a list of sessions that can't be shown, or one that could not be ended; the log gets the rest.
    pub(in crate::http) fn of_sessions(failure: &Failure) -> Self {
        let error = match failure {
            Failure::Fault(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Your sessions are out of reach at the moment",
                "The broker can't read or end them now. What you ended may work again until it expires.",
                "Wait a minute, then look again.",
            ),
            Failure::Refusal(Refusal::TooMany { .. }) => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many sessions were ended",
                "You ended more sessions at once than the broker takes.",
                "Wait a minute, or end all of your sessions by one button.",
            ),
            other => Self::describe(other),
        };
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
            Refusal::Denied(Denial::SignInTooOld { seen: Some(_), .. }) => Self::new(
                StatusCode::FORBIDDEN,
                "This role wants a fresh sign-in",
                "Your identity provider says that you signed in longer ago than the role allows.",
                "Sign out, here and at your identity provider, then sign in again.",
            ),
            Refusal::Denied(Denial::SignInTooOld { seen: None, .. }) => Self::new(
                StatusCode::FORBIDDEN,
                "This role wants a fresh sign-in",
                "Your identity provider does not say when you signed in.",
                "Ask your administrator, and give them the request id below.",
            ),
            Refusal::NoRoles { .. } | Refusal::NotOffered { .. } | Refusal::Denied(_) => Self::new(
                StatusCode::FORBIDDEN,
                "No role for you here",
                "You are signed in at your identity provider, but no role is granted to you here.",
                "Ask your administrator, and give them the request id below.",
            ),
            Refusal::NoSuchLogin { .. } => not_started_here(),
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
            Refusal::LogoutNotOffered { .. } => Self::new(
                StatusCode::NOT_FOUND,
                "Single logout is not set up",
                "Your identity provider can't sign you out here, because the broker has no key to answer it with.",
                "Sign out with the button on the console page.",
            ),
            Refusal::SigninToken { .. } => Self::new(
                StatusCode::BAD_REQUEST,
                "This sign-in link is no longer good",
                "A sign-in link opens one session, within 15 minutes.",
                "Go back to where you got it, and get a new one.",
            ),
            Refusal::DeviceCode => Self::new(
                StatusCode::BAD_REQUEST,
                "No device waits for this code",
                "The code was answered already, or its ten minutes are over.",
                "Start again on your device, and type the new code.",
            ),
            Refusal::TooLargeToRemember => Self::new(
                StatusCode::FORBIDDEN,
                "Your identity provider says too much",
                "It says more about you than can be remembered for a device or the portal. Nothing was given.",
                "Ask your administrator, and give them the request id below.",
            ),
            Refusal::TooMany { .. } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many wrong codes",
                "Too many codes that no device waits for were typed in your network.",
                "Wait ten minutes, then type the code that your device shows.",
            ),
            Refusal::Destination(refused) => Self::sentence("This place is not allowed", refused.to_string()),
            Refusal::SigninRequest(text) => Self::sentence("The request can't be processed", text.clone()),
            Refusal::Exchange(refusal) => {
                Self::sentence("The request can't be processed", refusal.to_string())
            }
            Refusal::Question(fault) => Self::sentence("The request can't be processed", fault.to_string()),
            Refusal::Upstream(_) => Self::new(
                StatusCode::BAD_GATEWAY,
                "The role's credentials can't be had here",
                "They come from another service, which refuses, or can't be asked for them this way.",
                "Ask your administrator, and give them the request id below.",
            ),
            Refusal::Signature(_) | Refusal::Caller(_) => {
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

fn not_started_here() -> PageError {
    PageError::new(
        StatusCode::BAD_REQUEST,
        "This sign-in did not start here",
        "The answer belongs to no sign-in of this browser, or to one that a later sign-in replaced, or it took \
         longer than 15 minutes.",
        "Sign in again, in this browser, with cookies allowed.",
    )
}

fn not_signed_out(error: &VerifyError) -> PageError {
    match error.code() {
        VerifyCode::Unsolicited => PageError::new(
            StatusCode::BAD_REQUEST,
            "This sign-out did not start here",
            "The identity provider answers a sign-out that this browser did not ask for, or too late.",
            "If you are still signed in here, sign out with the button on the console page.",
        ),
        VerifyCode::Expired => PageError::new(
            StatusCode::BAD_REQUEST,
            "This sign-out has expired",
            "The identity provider's message came too late to be used.",
            "Sign out again.",
        ),
        _ => PageError::new(
            StatusCode::BAD_REQUEST,
            "The sign-out was not accepted",
            "The identity provider's message is not addressed to this service, not properly signed, or incomplete.",
            "Sign out with the button on the console page. Your administrator finds the reason in the log, by \
             the request id below.",
        ),
    }
}

fn not_believed(error: &VerifyError) -> PageError {
    match error.code() {
        VerifyCode::Claim if error.check() == "oidc.groups.overage" => PageError::new(
            StatusCode::FORBIDDEN,
            "You are in too many groups",
            "Your identity provider left your groups out because they are too many for its answer, so nobody can \
             tell which roles are yours.",
            "Ask your administrator to let the provider send only the groups that are assigned to this \
             application, or to set group_overage for it here.",
        ),
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
        VerifyCode::Unsolicited => not_started_here(),
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
