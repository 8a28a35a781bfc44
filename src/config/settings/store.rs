//! `[store]`: where what must be remembered is kept.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::SecretRef;
use crate::config::span::Span;

/// `[store]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// `embedded` keeps everything in files below `path` and survives a restart, for one node; `redis` keeps it
    /// in a Redis that all nodes share; `memory` forgets everything with the process, one-time claims included.
    pub kind: StoreKind,
    /// The folder of the embedded store, relative to this file. Default `var/rolegate`.
    pub path: PathBuf,
    /// With `redis`: whether it is one server, one of several behind Sentinels, or a cluster. Default `standalone`.
    pub mode: StoreMode,
    /// With `redis`: where it is, `redis://host:6379`, or `rediss://host:6379` for TLS; a database's number may follow
    /// after a slash. With `sentinel`, the Sentinels; with `cluster`, some of its nodes.
    pub url: Option<StoreUrls>,
    /// With `sentinel`: what the Sentinels call the master.
    pub master: Option<String>,
    /// With `redis`: the ACL user. Default: Redis's own `default`.
    pub username: Option<String>,
    /// With `redis`: where the password stands.
    pub password: Option<SecretRef>,
    /// With `sentinel`: the ACL user at the Sentinels, where they have any.
    pub sentinel_username: Option<String>,
    /// With `sentinel`: where the password for the Sentinels stands, where they want one.
    pub sentinel_password: Option<SecretRef>,
    /// With `standalone` or `sentinel`: how many replicas must have a claim before a document is accepted. What they
    /// all have, no failover forgets; while fewer of them answer, documents that may be used once are refused.
    /// Default 0: the master's word is enough.
    pub replicas: u16,
    /// With `redis`: how long a request waits for an answer, `50ms` to `5s`. Default `500ms`.
    pub timeout: Span,
    /// With `rediss://`: certificates.
    pub tls: Option<StoreTlsSettings>,
    /// With `redis`: what is done while it does not answer, where there is a choice.
    #[serde(default)]
    pub outage: OutageSettings,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            kind: StoreKind::Embedded,
            path: "var/rolegate".into(),
            mode: StoreMode::Standalone,
            url: None,
            master: None,
            username: None,
            password: None,
            sentinel_username: None,
            sentinel_password: None,
            replicas: 0,
            timeout: Span(Duration::from_millis(500)),
            tls: None,
            outage: OutageSettings::default(),
        }
    }
}

/// The kinds of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// Durable files.
    Embedded,
    /// Redis.
    Redis,
    /// The process's memory.
    Memory,
}

/// How several Redis servers belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreMode {
    /// There is one.
    Standalone,
    /// One is the master, as the Sentinels say.
    Sentinel,
    /// They share the keys out among themselves.
    Cluster,
}

/// One URL, or a list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StoreUrls {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// `[store.outage]`. What may be taken once is refused while the store does not answer: there is no choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutageSettings {
    /// Whether a node starts that can't ask what was revoked: `refuse` (the default), or `serve`, and load it when the
    /// store answers.
    pub start: OutageStart,
    /// How long credentials are believed while it is not known what other nodes revoke, such as `15m`; after that they
    /// are refused with 503. Default: as long as they last.
    pub unheard_for: Option<Span>,
}

/// What a node does that can't ask what was revoked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutageStart {
    /// It does not start.
    #[default]
    Refuse,
    /// It serves what it can.
    Serve,
}

/// `[store.tls]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreTlsSettings {
    /// PEM file of the authorities that vouch for the servers. Default: those of the system.
    pub authorities: Option<PathBuf>,
    /// PEM file of the broker's own certificate, where the servers ask for one, and what leads up to an authority.
    pub certificate: Option<PathBuf>,
    /// Where its key stands, as PEM.
    pub key: Option<SecretRef>,
}
