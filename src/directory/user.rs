//! A user of an account, with keys of its own.

use crate::arn::{UserArn, UserId};
use crate::identity::TotpSecret;
use crate::secret::Secret;

/// A user.
#[derive(Debug)]
pub struct User {
    /// Its name.
    pub arn: UserArn,
    /// Its unique id.
    pub id: UserId,
    /// Its access keys, two at most.
    pub access_keys: Vec<AccessKey>,
    /// Its authenticator app, if it has one.
    pub mfa: Option<MfaDevice>,
}

/// A long-term access key.
#[derive(Debug)]
pub struct AccessKey {
    /// `AKIA` and 16 characters.
    pub id: String,
    /// What requests are signed with.
    pub secret: Secret<String>,
    /// Whether it may be used.
    pub is_active: bool,
}

/// An authenticator app.
#[derive(Debug)]
pub struct MfaDevice {
    /// What the user calls it by: an ARN.
    pub serial: String,
    /// What its codes are computed from.
    pub secret: TotpSecret,
}
