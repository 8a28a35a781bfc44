//! Errors become answers here, and nowhere else.
//!
//! [`StsError`] is the AWS form, [`OAuthError`] that of RFC 6749, [`PageError`] the one for people,
//! [`of_logout_token`] the one for providers that log out, [`AdminError`] that for those in charge. They say what the caller may know; the exact
//! check, with expected and seen values, goes to the log under the same request id. No answer repeats a
//! token, an assertion or a secret.

mod admin;
mod logout_token;
mod oauth;
mod page;
mod sts;

pub(super) use self::admin::AdminError;
pub(super) use self::logout_token::{no_logout_token, of_logout_token};
pub(super) use self::oauth::{OAuthError, uncached};
pub(super) use self::page::PageError;
pub(super) use self::sts::{Calling, StsError, status_of};
use crate::broker::{Failure, Fault, Refusal};
use crate::issuer::IssueFault;
use crate::telemetry;

/// Longest text of a caller that one log field holds, in characters.
const LONGEST_LOGGED: usize = 300;

/// Tells the log the whole story of what was `answered`.
pub(super) fn log(failure: &Failure, answered: &str) {
    match failure {
        Failure::Refusal(Refusal::NotBelieved(error)) => {
            telemetry::count_refusal(error.check());
            let (check, expected, seen) = (error.check(), error.expected(), error.seen());
            tracing::info!(target: "audit", event = "refused", answered, check, expected, seen);
        }
        Failure::Refusal(refusal) => {
            let (check, reason) = (refusal.check(), cut(&refusal.to_string()));
            telemetry::count_refusal(check);
            tracing::info!(target: "audit", event = "refused", answered, check, reason);
        }
        Failure::Fault(fault) => {
            telemetry::count_fault(match fault {
                Fault::Store(_) => "store",
                Fault::Issue(IssueFault::Own(_)) => "issue",
                Fault::Issue(IssueFault::Upstream(_)) => "upstream",
                Fault::Entropy(_) => "entropy",
                Fault::Request(_) => "request",
                Fault::ProviderUnreachable(_) => "provider",
            });
            let fault = cut(&fault.to_string());
            tracing::error!(answered, fault, "failed");
        }
    }
}

/// What strangers sent, cut to what a log line bears. It is logged as a string value, never with
/// `%` or as `message`: those print line breaks and escapes as they are.
fn cut(text: &str) -> String {
    text.chars().take(LONGEST_LOGGED).collect()
}
