//! A case as it is written: somebody signs in, and this comes of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Rehearsed, Supposed, rehearse};
use crate::clock::Moment;
use crate::config::Snapshot;
use crate::directory::Verifier;

/// When a case happens that does not say: the beginning of 2030, so that it happens alike every day.
const USUAL: Moment = Moment::from_unix(1_893_456_000);

/// A file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// Its cases.
    #[serde(default)]
    pub case: Vec<Case>,
}

/// Somebody signs in, and this comes of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// The name of the provider whose word it is.
    pub provider: String,
    /// `NameID` or `sub`.
    pub subject: String,
    /// Of a SAML provider: attributes, each a text or a list.
    #[serde(default)]
    pub attributes: BTreeMap<String, Values>,
    /// Of an OpenID Connect provider: claims.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// When the person signed in at the provider, RFC 3339.
    pub authn_time: Option<String>,
    /// In which context: `AuthnContextClassRef`, or `acr`.
    pub authn_context: Option<String>,
    /// What the caller sends as `RoleSessionName`.
    pub session_name: Option<String>,
    /// Where the call comes from.
    pub source_ip: Option<IpAddr>,
    /// When, RFC 3339; without it, at the beginning of 2030.
    pub at: Option<String>,
    /// Every role that is offered, and no other.
    pub offers: Option<Vec<Offer>>,
}

/// A role that is offered. What is not written is not looked at, but that the role is granted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Its ARN.
    pub role: String,
    /// The session's name.
    pub session_name: Option<String>,
    /// Its source identity.
    pub source_identity: Option<String>,
    /// All of its tags.
    pub tags: Option<BTreeMap<String, String>>,
    /// Its seconds.
    pub seconds: Option<u64>,
    /// The role is offered and not granted: by this check, such as `policy.denied`.
    pub refused: Option<String>,
}

/// A text, or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// One.
    One(String),
    /// Several, or none.
    Many(Vec<String>),
}

impl Values {
    /// All of them.
    pub fn into_list(self) -> Vec<String> {
        match self {
            Self::One(value) => vec![value],
            Self::Many(values) => values,
        }
    }
}

/// What the configuration gives to whom a case describes, or what is wrong with the case.
pub fn rehearsed(case: &Case, snapshot: &Snapshot) -> Result<Rehearsed, String> {
    let provider = snapshot.directory.provider(&case.provider);
    let provider = provider.ok_or_else(|| format!("there is no provider called {:?}", case.provider))?;
    let is_saml = matches!(provider.verifier, Verifier::Saml(_));
    if is_saml && !case.claims.is_empty() || !is_saml && !case.attributes.is_empty() {
        return Err("a SAML provider says attributes, one of OpenID Connect says claims".to_owned());
    }
    let attributes = case.attributes.iter();
    let supposed = Supposed {
        provider,
        subject: &case.subject,
        attributes: &attributes.map(|(name, values)| (name.clone(), values.clone().into_list())).collect(),
        claims: &case.claims,
        authn: (time(case.authn_time.as_deref())?, case.authn_context.as_deref()),
        session_name: case.session_name.as_deref(),
        source_ip: case.source_ip,
        at: time(case.at.as_deref())?.unwrap_or(USUAL),
    };
    rehearse(snapshot, &supposed).map_err(|error| format!("nobody can be described so: {error}"))
}

fn time(written: Option<&str>) -> Result<Option<Moment>, String> {
    let read = |text: &str| {
        let wanted = || format!("{text:?} is no time with its zone, such as 2030-01-01T09:00:00Z");
        Moment::parse_rfc3339(text).ok_or_else(wanted)
    };
    written.map(read).transpose()
}
