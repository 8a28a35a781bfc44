//! `[[group]]` and `[[user]]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::SecretRef;

/// `[[group]]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSettings {
    /// `arn:aws:iam::{account}:group/{path}{name}`.
    pub arn: String,
    /// JSON files with the policies of its members, relative to this file.
    #[serde(default)]
    pub policies: Vec<PathBuf>,
}

/// `[[user]]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserSettings {
    /// `arn:aws:iam::{account}:user/{path}{name}`.
    pub arn: String,
    /// JSON files with the policies of the user, relative to this file.
    #[serde(default)]
    pub policies: Vec<PathBuf>,
    /// The ARNs of the groups that it is in, ten at most.
    #[serde(default)]
    pub groups: Vec<String>,
    /// A JSON file with the most that its own policies and those of its groups may give, relative to this file.
    pub permissions_boundary: Option<PathBuf>,
    /// Its access keys: one, or two while one takes the other's place.
    #[serde(default, rename = "access_key")]
    pub access_keys: Vec<AccessKeySettings>,
    /// Its authenticator app.
    pub mfa: Option<MfaSettings>,
}

/// `[[user.access_key]]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessKeySettings {
    /// `AKIA` and 16 of `A` to `Z` and `2` to `7`.
    pub id: String,
    /// Where the secret access key stands.
    pub secret: SecretRef,
    /// Whether it may be used: `active` or `inactive`. Default `active`.
    #[serde(default)]
    pub status: AccessKeyStatus,
}

/// Whether an access key may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccessKeyStatus {
    /// It may.
    #[default]
    Active,
    /// It may not, and is kept for the case that somebody still needs it.
    Inactive,
}

/// `[user.mfa]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MfaSettings {
    /// What callers name it by, such as `arn:aws:iam::111122223333:mfa/ann`.
    pub serial: String,
    /// Where its secret stands, in base32 as the app was handed it.
    pub secret: SecretRef,
}
