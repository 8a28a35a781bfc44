//! `[[application]]`

use schemars::JsonSchema;
use serde::Deserialize;

/// `[[application]]`: a web application behind a proxy that asks `/authz` about each request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationSettings {
    /// What the proxy calls it: `/authz?application=wiki`. 1 to 64 of a-z, 0-9 and -.
    pub name: String,
    /// The origin at which people use it, exactly as browsers send it, such as `https://wiki.example.com`. `https`, or
    /// `http` on loopback.
    pub origin: String,
    /// The roles that may enter, by ARN, the one with the most rights first: a person enters as the first that they may have.
    pub roles: Vec<String>,
}
