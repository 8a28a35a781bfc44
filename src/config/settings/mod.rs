//! The configuration as it is written: TOML, one type a section, every key described.
//!
//! These types say what may be written, not whether it makes sense: [`super::Snapshot`] is the
//! configuration as it is valid. `rolegate schema` prints this folder as JSON Schema, so a doc
//! comment here is what an editor shows.

mod application;
mod client;
mod console;
mod oidc;
mod policy;
mod rule;
mod saml;
mod store;
mod upstream;
mod user;

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) use self::application::ApplicationSettings;
pub(super) use self::client::{ClientGrant, ClientSettings, DEFAULT_REFRESH_LIFETIME};
pub(super) use self::console::{Binding, ConsoleSettings, PortalSettings};
pub(super) use self::oidc::{
    ClaimPath, GroupOverageSetting, OidcLoginSettings, OidcProviderSettings, TokenReplay,
};
pub(super) use self::policy::PolicySettings;
pub(super) use self::rule::{
    RuleEffectSetting, RuleSettings, SectionMatch, SectionOffersSetting, SectionSettings,
};
pub(super) use self::saml::{Encryption, Laxity, RequestBinding, SamlProviderSettings, SamlSharedSettings};
pub(super) use self::store::{
    OutageSettings, OutageStart, StoreKind, StoreMode, StoreSettings, StoreTlsSettings, StoreUrls,
};
pub(super) use self::upstream::{
    RoleUpstreamSettings, UpstreamConsoleSettings, UpstreamKeySettings, UpstreamKind, UpstreamSettings,
};
pub(super) use self::user::{AccessKeySettings, AccessKeyStatus, GroupSettings, MfaSettings, UserSettings};
use super::span::Span;

/// Rolegate's configuration.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address that people and clients use, without a trailing slash, such as
    /// `https://broker.example.com`. ACS, callback and metadata URLs are made from it. `http` is
    /// accepted for loopback addresses only.
    pub public_url: String,

    /// Further files to read, relative to this one; `*` may stand in the last part. They may hold
    /// `[[account]]`, `[[provider]]`, `[[role]]`, `[[upstream]]`, `[[policy]]`, `[[group]]`,
    /// `[[user]]`, `[[section]]`, `[[rule]]`, `[[client]]` and `[[application]]`.
    #[serde(default)]
    pub include: Vec<String>,

    /// Where to listen.
    #[serde(default)]
    pub listen: ListenSettings,

    /// Who may ask at `/admin/v1` of the operations listener.
    #[serde(default)]
    pub admin: AdminSettings,

    /// HTTPS for the public listener. Without it the listener speaks plain HTTP, for a proxy on
    /// the same machine or for loopback.
    pub tls: Option<TlsSettings>,

    /// Where sessions and one-time claims are kept.
    #[serde(default)]
    pub store: StoreSettings,

    /// The key ring that seals session tokens, cookies and stored records.
    #[serde(default)]
    pub sealing: SealingSettings,

    /// The log.
    #[serde(default)]
    pub log: LogSettings,

    /// The console sign-in endpoint.
    #[serde(default)]
    pub console: ConsoleSettings,

    /// The page where people see their roles.
    #[serde(default)]
    pub portal: PortalSettings,

    /// What the SAML providers share.
    #[serde(default)]
    pub saml: SamlSharedSettings,

    /// The accounts that roles and providers belong to.
    #[serde(default)]
    pub account: Vec<AccountSettings>,

    /// The identity providers that are trusted.
    #[serde(default)]
    pub provider: Vec<ProviderSettings>,

    /// The roles that can be assumed.
    #[serde(default)]
    pub role: Vec<RoleSettings>,

    /// The STS of others that make the credentials of some roles.
    #[serde(default)]
    pub upstream: Vec<UpstreamSettings>,

    /// The policies that callers may name to limit a session.
    #[serde(default)]
    pub policy: Vec<PolicySettings>,

    /// The groups that users are in.
    #[serde(default)]
    pub group: Vec<GroupSettings>,

    /// The users that have access keys of their own.
    #[serde(default)]
    pub user: Vec<UserSettings>,

    /// Sections of rules, in the order in which they are asked. A rule that names none is in the last.
    #[serde(default)]
    pub section: Vec<SectionSettings>,

    /// The attribute rules: who is offered which role.
    #[serde(default)]
    pub rule: Vec<RuleSettings>,

    /// The applications that may ask at the OAuth 2.0 endpoints.
    #[serde(default)]
    pub client: Vec<ClientSettings>,

    /// The web applications whose proxies ask who somebody is.
    #[serde(default)]
    pub application: Vec<ApplicationSettings>,
}

/// `[listen]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListenSettings {
    /// The public listener: STS, sign-in, console. Default `127.0.0.1:8080`.
    pub public: String,
    /// The operations listener: health, metrics and admin API. Keep it off the internet. Default
    /// `127.0.0.1:9090`.
    pub operations: String,
    /// The proxies in front of the broker, as addresses or networks such as `10.0.0.0/8`: where a request comes
    /// from, they say in `X-Forwarded-For`. Default: none, so whoever opens the connection is the client.
    pub trusted_proxies: Vec<String>,
}

impl Default for ListenSettings {
    fn default() -> Self {
        Self {
            public: "127.0.0.1:8080".into(),
            operations: "127.0.0.1:9090".into(),
            trusted_proxies: Vec::new(),
        }
    }
}

/// `[admin]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdminSettings {
    /// The token that those in charge send as `Authorization: Bearer`, of 32 characters or more. Default:
    /// none, and the admin API is off.
    pub token: Option<SecretRef>,
    /// The role whose people see the pages of those in charge at `/portal/admin`, by its ARN: providers and when their keys
    /// end, anybody's sessions with buttons that end them, why a document is refused, what a changed configuration would
    /// do. They need not open the role. Default: none, and there are no such pages.
    pub role: Option<String>,
}

/// `[tls]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// PEM file with the certificate chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// PEM file with the private key (PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
}

/// `[sealing]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SealingSettings {
    /// The key ring, which `rolegate keys` changes while the broker runs. Made at the first start if it
    /// does not exist, readable by its owner only. Nodes that share their sessions share this file.
    /// Default `var/keys/ring`.
    pub ring: PathBuf,
    /// The keys that sign JSON Web Tokens: PEM with private keys on P-256, the first signs, all are
    /// published at `/.well-known/jwks.json`. To change the key, add the next one as the second, turn
    /// the two around once every service has read the key set again (it may be cached for an hour), and
    /// drop the old one when its last token is over, after twelve hours at most. Made at the first
    /// start if it does not exist, readable by its owner only. Default `signing.pem` beside the ring.
    pub signing_keys: Option<PathBuf>,
}

impl Default for SealingSettings {
    fn default() -> Self {
        Self { ring: "var/keys/ring".into(), signing_keys: None }
    }
}

impl SealingSettings {
    /// The file of signing keys.
    pub(super) fn signing_keys(&self) -> PathBuf {
        self.signing_keys.clone().unwrap_or_else(|| self.ring.with_file_name("signing.pem"))
    }
}

/// `[log]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// `text` for people, `json` for machines. Default `text`.
    pub format: LogFormat,
    /// What to log, in the syntax of `RUST_LOG`: `info`, or `warn,rolegate=debug`. Default `info`.
    pub level: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".into() }
    }
}

/// The forms of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One readable line an event.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[[account]]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountSettings {
    /// Twelve digits.
    pub id: String,
    /// A name for people.
    pub alias: Option<String>,
    /// JSON files with service control policies, relative to this file: a list for each level of the
    /// organization, from its root down to the account. The sessions of the account's roles may do no
    /// more than each level allows. Without any, nothing is limited so.
    #[serde(default)]
    pub service_control_policies: Vec<Vec<PathBuf>>,
}

/// `[[provider]]`: `kind = "saml"` or `kind = "oidc"`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ProviderSettings {
    /// A SAML 2.0 identity provider.
    Saml(SamlProviderSettings),
    /// An OpenID Connect issuer.
    Oidc(OidcProviderSettings),
}

/// Where a secret stands. Secrets are never written inline.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum SecretRef {
    /// A file, relative to this one. Trailing line ends are cut.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

/// What a role may be granted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GrantBy {
    /// A rule must offer the role, and its trust policy must allow it.
    #[default]
    Rules,
    /// A role that is asked for by its ARN needs its trust policy alone, as on AWS. Rules still
    /// decide what the sign-in page offers.
    TrustPolicy,
}

/// `[[role]]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleSettings {
    /// `arn:aws:iam::{account}:role/{path}{name}`.
    pub arn: String,
    /// What people see beside the name.
    pub description: Option<String>,
    /// By what links name it, such as `prod-deploy`: `/go/prod-deploy` leads to its console. 1 to 64 of a-z, 0-9 and -.
    pub alias: Option<String>,
    /// JSON file with the trust policy, relative to this file.
    pub trust_policy: PathBuf,
    /// JSON files with the policies of the role, relative to this file: what its sessions may do.
    /// `/v1/authorize` and `rolegate explain` answer by them; it is for the service that asks to
    /// enforce the answer.
    #[serde(default)]
    pub policies: Vec<PathBuf>,
    /// A JSON file with the most that `policies` may give, relative to this file.
    pub permissions_boundary: Option<PathBuf>,
    /// The longest session, `1h` to `12h`. Default `1h`, as on AWS.
    #[serde(default = "default_max_session")]
    pub max_session_duration: Span,
    /// How long ago a person may have signed in at their provider to get the role, such as `15m`. In a browser, whoever signed in
    /// earlier is asked to do it again; elsewhere they are refused. Default: any time.
    pub signed_in_within: Option<Span>,
    /// Who makes the credentials: `local`, the broker itself, or an `[[upstream]]` by its name. Default `local`.
    #[serde(default = "default_issuer")]
    pub issuer: String,
    /// What that one is asked for.
    pub upstream: Option<RoleUpstreamSettings>,
}

fn default_max_session() -> Span {
    Span(Duration::from_secs(3600))
}

fn default_issuer() -> String {
    "local".into()
}
