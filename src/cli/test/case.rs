//! A test of rules as it is written.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Its cases.
    #[serde(default)]
    pub(super) case: Vec<Case>,
}

/// Somebody signs in, and this comes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// What it is called.
    pub(super) name: String,
    /// The name of the provider whose word it is.
    pub(super) provider: String,
    /// `NameID` or `sub`.
    pub(super) subject: String,
    /// Of a SAML provider: attributes, each a text or a list.
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, Values>,
    /// Of an OpenID Connect provider: claims.
    #[serde(default)]
    pub(super) claims: Map<String, Value>,
    /// What the caller sends as `RoleSessionName`.
    pub(super) session_name: Option<String>,
    /// Where the call comes from.
    pub(super) source_ip: Option<IpAddr>,
    /// When, RFC 3339; without it, at the beginning of 2030.
    pub(super) at: Option<String>,
    /// Every role that is offered, and no other.
    pub(super) offers: Vec<Offer>,
}

/// A role that is offered. What is not written is not looked at, but that the role is granted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Offer {
    /// Its ARN.
    pub(super) role: String,
    /// The session's name.
    pub(super) session_name: Option<String>,
    /// Its source identity.
    pub(super) source_identity: Option<String>,
    /// All of its tags.
    pub(super) tags: Option<BTreeMap<String, String>>,
    /// Its seconds.
    pub(super) seconds: Option<u64>,
    /// The role is offered and not granted: by this check, such as `policy.denied`.
    pub(super) refused: Option<String>,
}

/// A text, or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Values {
    /// One.
    One(String),
    /// Several, or none.
    Many(Vec<String>),
}

impl Values {
    pub(super) fn into_list(self) -> Vec<String> {
        match self {
            Self::One(value) => vec![value],
            Self::Many(values) => values,
        }
    }
}
