//! `[[policy]]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// `[[policy]]`: what callers may name by its ARN to limit a session (`PolicyArns`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicySettings {
    /// `arn:aws:iam::{account}:policy/{path}{name}`, for the sessions of that account; or
    /// `arn:aws:iam::aws:policy/{path}{name}`, for those of every account.
    pub arn: String,
    /// A JSON file with the policy, relative to this file.
    pub document: PathBuf,
}
