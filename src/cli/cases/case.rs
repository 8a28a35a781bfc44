//! A case as it is written.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct File {
    /// Its cases.
    #[serde(default)]
    pub(in crate::cli) case: Vec<Case>,
}

/// Somebody signs in, and this comes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Case {
    /// What it is called.
    pub(in crate::cli) name: String,
    /// The name of the provider whose word it is.
    pub(in crate::cli) provider: String,
    /// `NameID` or `sub`.
    pub(in crate::cli) subject: String,
    /// Of a SAML provider: attributes, each a text or a list.
    #[serde(default)]
    pub(in crate::cli) attributes: BTreeMap<String, Values>,
    /// Of an OpenID Connect provider: claims.
    #[serde(default)]
    pub(in crate::cli) claims: Map<String, Value>,
    /// When the person signed in at the provider, RFC 3339.
    pub(in crate::cli) authn_time: Option<String>,
    /// In which context: `AuthnContextClassRef`, or `acr`.
    pub(in crate::cli) authn_context: Option<String>,
    /// What the caller sends as `RoleSessionName`.
    pub(in crate::cli) session_name: Option<String>,
    /// Where the call comes from.
    pub(in crate::cli) source_ip: Option<IpAddr>,
    /// When, RFC 3339; without it, at the beginning of 2030.
    pub(in crate::cli) at: Option<String>,
    /// Every role that is offered, and no other.
    pub(in crate::cli) offers: Option<Vec<Offer>>,
}

/// A role that is offered. What is not written is not looked at, but that the role is granted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Offer {
    /// Its ARN.
    pub(in crate::cli) role: String,
    /// The session's name.
    pub(in crate::cli) session_name: Option<String>,
    /// Its source identity.
    pub(in crate::cli) source_identity: Option<String>,
    /// All of its tags.
    pub(in crate::cli) tags: Option<BTreeMap<String, String>>,
    /// Its seconds.
    pub(in crate::cli) seconds: Option<u64>,
    /// The role is offered and not granted: by this check, such as `policy.denied`.
    pub(in crate::cli) refused: Option<String>,
}

/// A text, or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(in crate::cli) enum Values {
    /// One.
    One(String),
    /// Several, or none.
    Many(Vec<String>),
}

impl Values {
    pub(in crate::cli) fn into_list(self) -> Vec<String> {
        match self {
            Self::One(value) => vec![value],
            Self::Many(values) => values,
        }
    }
}
