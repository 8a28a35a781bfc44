//! Why a signed request is refused, in AWS's codes and words (facts 1.2).

use crate::clock::Moment;

const WRONG_SIGNATURE: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/// Why a request's signature is not accepted. The text is what the caller is told.
#[derive(Debug, thiserror::Error)]
pub enum SigV4Error {
    /// The request is not signed at all.
    #[error("Request is missing Authentication Token")]
    MissingAuthenticationToken,
    /// The signature's parameters are absent or unreadable.
    #[error("{0}")]
    IncompleteSignature(String),
    /// No such access key, or a session token that does not belong to it.
    #[error("The security token included in the request is invalid.")]
    InvalidClientTokenId,
    /// The session is over.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// The session was ended before its time, which the caller is told as if it were over.
    #[error("The security token included in the request is expired")]
    Revoked,
    /// Wrong scope, wrong time, or wrong signature.
    #[error("{0}")]
    SignatureDoesNotMatch(String),
    /// This side failed; the source says how, and is not for the caller.
    #[error("An internal error occurred.")]
    Fault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl SigV4Error {
    /// The wire code (facts 1.2, common errors).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::IncompleteSignature(_) => "IncompleteSignature",
            Self::InvalidClientTokenId => "InvalidClientTokenId",
            Self::ExpiredToken | Self::Revoked => "ExpiredToken",
            Self::SignatureDoesNotMatch(_) => "SignatureDoesNotMatch",
            Self::Fault(_) => "InternalFailure",
        }
    }

    pub(super) fn wrong_signature() -> Self {
        Self::SignatureDoesNotMatch(WRONG_SIGNATURE.to_owned())
    }

    pub(super) fn host_not_signed() -> Self {
        Self::SignatureDoesNotMatch(String::from(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ))
    }

    pub(super) fn expired(signed: Moment, limit: Moment, now: Moment, window: &str) -> Self {
        let (signed, limit, now) = (signed.to_amz_date(), limit.to_amz_date(), now.to_amz_date());
        Self::SignatureDoesNotMatch(format!(
            "Signature expired: {signed} is now earlier than {limit} ({now} - {window}.)"
        ))
    }

    pub(super) fn not_yet_current(signed: Moment, limit: Moment, now: Moment, window: &str) -> Self {
        let (signed, limit, now) = (signed.to_amz_date(), limit.to_amz_date(), now.to_amz_date());
        Self::SignatureDoesNotMatch(format!(
            "Signature not yet current: {signed} is still later than {limit} ({now} + {window}.)"
        ))
    }

    pub(super) fn bad_date(value: &str) -> Self {
        Self::IncompleteSignature(format!(
            "Date must be in ISO-8601 'basic format'. Got '{value}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    }

    pub(super) fn bad_credential(value: &str) -> Self {
        Self::IncompleteSignature(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{value}'"
        ))
    }
}
