//! Tokens for services that speak JWT: signed by the broker, verified by anybody with its key set.
//!
//! `keys` holds what they are signed with, `token` what access tokens say, `introduction` what a web application behind a
//! proxy is told.

mod introduction;
mod keys;
mod token;

pub use self::keys::{KeyFault, SigningKeys};
pub use self::token::{NoToken, SignedToken, TokenTerms, VerifiedToken, subject_of};
