//! Tokens for services that speak JWT: signed by the broker, verified by anybody with its key set.
//!
//! [`keys`] holds what they are signed with.

mod keys;

pub use self::keys::{KeyFault, SigningKeys};
