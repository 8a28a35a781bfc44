//! AWS Signature Version 4: a signed request becomes a [`Principal`](super::Principal).
//!
//! [`authenticate`] takes both forms, the `Authorization` header and the presigned query. Where
//! the secret comes from is the business of whoever implements [`SigningSecrets`] (the local
//! issuer opens its sealed session token). [`sign`] and [`presign`] are the other side.

mod authorization;
mod canonical;
mod error;
mod sign;
mod verify;

#[cfg(test)]
mod tests;

pub use self::authorization::is_signed;
pub use self::error::SigV4Error;
pub use self::sign::{SigningCredential, presign, sign};
pub use self::verify::authenticate;

use std::borrow::Cow;

use super::Session;
use crate::clock::Moment;
use crate::secret::Secret;

/// A request as it came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// `GET`, `POST` and so on.
    pub method: &'a str,
    /// The path, still encoded.
    pub path: &'a str,
    /// What followed the `?`, still encoded.
    pub query: &'a str,
    /// Names in any case, in wire order, repeated ones included.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body.
    pub payload: Payload<'a>,
}

/// The body of a request.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// All of it.
    Body(&'a [u8]),
    /// Its SHA-256, in lower-case hexadecimal, as whoever has the body computed it.
    Sha256(&'a str),
}

impl Payload<'_> {
    fn sha256(&self) -> Cow<'_, str> {
        match self {
            Self::Body(body) => Cow::Owned(canonical::sha256_hex(body)),
            Self::Sha256(hash) => Cow::Borrowed(hash),
        }
    }
}

/// Opens credentials by what a request shows of them.
pub trait SigningSecrets: Send + Sync {
    /// The secret and the session behind `access_key_id`. Refuses with
    /// [`SigV4Error::InvalidClientTokenId`] if there is none or `session_token` is not its own,
    /// and with [`SigV4Error::ExpiredToken`] if it is over at `at`.
    fn open(
        &self,
        access_key_id: &str,
        session_token: Option<&str>,
        at: Moment,
    ) -> Result<OpenedCredential, SigV4Error>;
}

/// A live credential. It proves nothing about a request until the signature is checked.
#[derive(Debug)]
pub struct OpenedCredential {
    /// What the caller signed with.
    pub secret_access_key: Secret<String>,
    /// Whose it is.
    pub session: Session,
}
