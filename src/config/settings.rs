//! The configuration as it is written: TOML, one type a section, every key described.
//!
//! These types say what may be written, not whether it makes sense: [`super::Snapshot`] is the
//! configuration as it is valid. `rolegate schema` prints this file as JSON Schema, so a doc
//! comment here is what an editor shows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::span::Span;
use crate::directory::Replay;

/// Rolegate's configuration.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address that people and clients use, without a trailing slash, such as
    /// `https://broker.example.com`. ACS, callback and metadata URLs are made from it. `http` is
    /// accepted for loopback addresses only.
    pub public_url: String,

    /// Further files to read, relative to this one; `*` may stand in the last part. They may hold
    /// `[[account]]`, `[[provider]]`, `[[role]]` and `[[rule]]`.
    #[serde(default)]
    pub include: Vec<String>,

    /// Where to listen.
    #[serde(default)]
    pub listen: ListenSettings,

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

    /// The attribute rules: who is offered which role.
    #[serde(default)]
    pub rule: Vec<RuleSettings>,
}

/// `[listen]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListenSettings {
    /// The public listener: STS, sign-in, console. Default `127.0.0.1:8080`.
    pub public: String,
    /// The operations listener: health and metrics. Keep it off the internet. Default
    /// `127.0.0.1:9090`.
    pub operations: String,
}

impl Default for ListenSettings {
    fn default() -> Self {
        Self { public: "127.0.0.1:8080".into(), operations: "127.0.0.1:9090".into() }
    }
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

/// `[store]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// `embedded` keeps everything in one file below `path` and survives a restart; `memory`
    /// forgets everything with the process, one-time claims included.
    pub kind: StoreKind,
    /// The folder of the embedded store, relative to this file. Default `var/rolegate`.
    pub path: PathBuf,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { kind: StoreKind::Embedded, path: "var/rolegate".into() }
    }
}

/// The kinds of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// One durable file.
    Embedded,
    /// The process's memory.
    Memory,
}

/// `[sealing]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SealingSettings {
    /// The key ring: one base64 key of 32 bytes a line, the newest first. Made at the first start
    /// if it does not exist, readable by its owner only. Default `var/keys/ring`.
    pub ring: PathBuf,
}

impl Default for SealingSettings {
    fn default() -> Self {
        Self { ring: "var/keys/ring".into() }
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

/// `[console]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConsoleSettings {
    /// Origins besides `public_url` that a sign-in may land on, such as
    /// `https://console.example.com`. Anything else is refused, so that the sign-in URL is no open
    /// redirect.
    pub destinations: Vec<String>,
}

/// `[saml]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SamlSharedSettings {
    /// The folder, relative to this file, where the last good copy of metadata from a URL is kept
    /// for a start while that can't be reached. Default `var/metadata`.
    pub metadata_cache: PathBuf,
}

impl Default for SamlSharedSettings {
    fn default() -> Self {
        Self { metadata_cache: "var/metadata".into() }
    }
}

/// `[[account]]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountSettings {
    /// Twelve digits.
    pub id: String,
    /// A name for people.
    pub alias: Option<String>,
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

/// A provider with `kind = "saml"`; its ARN is `arn:aws:iam::{account}:saml-provider/{name}`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SamlProviderSettings {
    /// 1 to 128 letters, digits, `.`, `_` or `-`. Part of its URLs: `/saml/{name}/acs`.
    pub name: String,
    /// The account that it is registered in: only roles of this account can trust it.
    pub account: String,
    /// What the button on the sign-in page says. Default: the name.
    pub label: Option<String>,
    /// The identity provider's metadata: `{ file = … }` or `{ url = … }`. A new copy is taken over
    /// when it is good; otherwise the last good one stays in force, and the log, `/readyz` and the
    /// metrics say why.
    pub metadata: MetadataSource,
    /// Our entity id. Default `{public_url}/saml/{name}/metadata`.
    pub entity_id: Option<String>,
    /// Audiences to accept instead of our entity id, such as `urn:amazon:webservices` for a
    /// provider that was set up for AWS.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Accept responses that nobody asked for at the browser's ACS. Default `false`: they let a
    /// stranger sign a browser in as somebody else.
    #[serde(default)]
    pub idp_initiated: bool,
    /// Accept an `http` address on loopback for the metadata. For tests and demonstrations.
    #[serde(default)]
    pub allow_loopback_http: bool,
    /// Our RSA keys towards the provider, at most two: the first signs login requests and logout
    /// messages, every one stands in our metadata and may be encrypted to. Each is a PEM text that
    /// holds a private key of 2048 to 8192 bits (PKCS #8 or PKCS #1, no passphrase) and its
    /// certificate. To change keys, add the new one as the second, wait until the provider knows
    /// it, then turn the two around. Default: none, and without a key there is no single logout.
    #[serde(default)]
    pub keys: Vec<SecretRef>,
    /// Sign login requests with the first key. Default: `true` where there are keys.
    pub sign_requests: Option<bool>,
    /// How login requests leave: `redirect` or `post`. Default: as the provider's metadata
    /// offers, by redirect if it can.
    pub request_binding: Option<RequestBinding>,
    /// Ask the provider to authenticate the person anew, whatever session they have there.
    /// Default `false`.
    #[serde(default)]
    pub force_authn: bool,
    /// The `NameID` format to ask for, by its URI. Default: the provider chooses, for many
    /// refuse a request for one that they do not know.
    pub name_id_format: Option<String>,
    /// How far the two clocks may differ. Default `60s`, at most `5m`.
    #[serde(default = "default_saml_skew")]
    pub clock_skew: Span,
    /// How old an assertion may be when it is used, choosing a role included. Default `5m`, as on
    /// AWS; at most `1h`.
    #[serde(default = "default_max_age")]
    pub max_assertion_age: Span,
    /// Authentication context classes that login requests ask for, and of which an assertion must
    /// state one, such as `urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken`. Default: any
    /// will do.
    #[serde(default)]
    pub authn_contexts: Vec<String>,
    /// Whether assertions must be encrypted. Default `allowed`.
    #[serde(default)]
    pub encryption: Encryption,
    /// How often an assertion may be used at the STS API. At the browser's ACS it is always used
    /// once. Default `once-per-role`.
    #[serde(default)]
    pub replay: Replay,
    /// What is borne of this provider beyond the strict profile. Default: none of it; `check`
    /// warns of each.
    #[serde(default)]
    pub accept: Vec<Laxity>,
    /// What a role may be granted by.
    #[serde(default)]
    pub grant: GrantBy,
    /// Also offer the roles that the assertion's own `Role` attribute names, and take session
    /// name, tags and source identity from its AWS attributes. Default `false`.
    #[serde(default)]
    pub assert_roles: bool,
}

/// The ways for a login request through the browser (SAML Bindings 3.4, 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RequestBinding {
    /// In the query of a redirect.
    Redirect,
    /// In a form.
    Post,
}

/// A provider with `kind = "oidc"`; its ARN is `arn:aws:iam::{account}:oidc-provider/{issuer
/// without scheme}`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcProviderSettings {
    /// 1 to 128 letters, digits, `.`, `_` or `-`. Part of its URLs: `/oidc/{name}/login`.
    pub name: String,
    /// The account that it is registered in: only roles of this account can trust it.
    pub account: String,
    /// What the button on the sign-in page says. Default: the name.
    pub label: Option<String>,
    /// The issuer, exactly as tokens state it in `iss`. `https`, or `http` on loopback together
    /// with `allow_loopback_http`.
    pub issuer: String,
    /// The client ids (`aud`, or `azp` where present) that tokens may be meant for.
    pub client_ids: Vec<String>,
    /// Signature algorithms to accept. Default RS256, RS384, RS512, ES256, ES384.
    #[serde(default)]
    pub algorithms: Vec<String>,
    /// A JWKS file, relative to this one, to use instead of the issuer's discovery document, for machines without a way
    /// out.
    pub jwks: Option<PathBuf>,
    /// How far the two clocks may differ. Default `60s`, at most `5m`.
    #[serde(default = "default_oidc_skew")]
    pub clock_skew: Span,
    /// Browser sign-in by authorization code with PKCE. Without it the provider's tokens are
    /// accepted at the STS endpoint only.
    pub login: Option<OidcLoginSettings>,
    /// Accept an `http` issuer on a loopback address. For tests and demonstrations.
    #[serde(default)]
    pub allow_loopback_http: bool,
    /// What a role may be granted by.
    #[serde(default)]
    pub grant: GrantBy,
    /// Also offer the roles that the token's `https://aws.amazon.com/roles` claim names, and take
    /// tags and source identity from its AWS claims. Default `false`.
    #[serde(default)]
    pub assert_roles: bool,
}

/// Browser sign-in at an OIDC provider. Its redirect URI is `{public_url}/oidc/{name}/callback`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcLoginSettings {
    /// Our client id at the provider. It must be one of `client_ids`.
    pub client_id: String,
    /// Our client secret, if the provider gave one.
    pub client_secret: Option<SecretRef>,
    /// Scopes besides `openid`, such as `["profile", "groups"]`.
    #[serde(default)]
    pub scopes: Vec<String>,
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

/// Where a SAML provider's metadata stands, and what it must be. Either `file` or `url`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetadataSource {
    /// A file, relative to this one. It is read again when it changes.
    pub file: Option<PathBuf>,
    /// An address that is asked again and again. `https`, or `http` on loopback together with
    /// `allow_loopback_http`; redirects are not followed.
    pub url: Option<String>,
    /// How often the URL is asked, `5m` to `7d`; more often where the document's `cacheDuration` or
    /// `validUntil` wants it. Default `6h`.
    pub refresh: Option<Span>,
    /// A PEM file, relative to this one, with one or several certificates: the root of the document
    /// must be signed by the key of one of them. Their dates do not matter. Without it a signature
    /// is not looked at, and what vouches for the document is TLS, or whoever may write the file.
    pub signed_by: Option<PathBuf>,
    /// The entityID that the document must be of. It picks one entity of an aggregate (a
    /// federation's `EntitiesDescriptor`).
    pub entity: Option<String>,
}

/// Whether assertions must be encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// An assertion may come in clear.
    #[default]
    Allowed,
    /// An assertion in clear is refused.
    Required,
}

/// Something that is borne of a provider beyond the strict profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Laxity {
    /// RSA signatures and digests with SHA-1.
    Sha1,
    /// A signed response around an assertion without a signature of its own.
    SignedResponse,
    /// Assertions for another audience, or for nobody in particular, as AWS accepts them.
    AnyAudience,
    /// Assertions that were to be delivered to another address, as AWS accepts them.
    AnyRecipient,
    /// A response whose `Issuer` is not the assertion's, as AWS accepts it.
    AnyResponseIssuer,
    /// Assertions before their `NotBefore`, as AWS accepts them.
    Early,
    /// AES-CBC encryption, where the response around it is signed.
    AesCbc,
}

impl Laxity {
    /// What is accepted by it, and at which risk.
    pub const fn risk(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1, for which collisions can be bought: a forger may sign with one",
            Self::SignedResponse => "assertions without a signature of their own within signed responses",
            Self::AnyAudience => {
                "assertions for other service providers: each of those can sign in here as its visitors"
            }
            Self::AnyRecipient => {
                "assertions for other addresses: whoever receives one there can use it here"
            }
            Self::AnyResponseIssuer => "responses whose issuer is not the assertion's",
            Self::Early => "assertions before their NotBefore",
            Self::AesCbc => "AES-CBC, which protects a secret only while the response around it is signed",
        }
    }
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
    /// JSON file with the trust policy, relative to this file.
    pub trust_policy: PathBuf,
    /// JSON files with the policies of the role, relative to this file. They are checked; the
    /// broker itself does not enforce them.
    #[serde(default)]
    pub policies: Vec<PathBuf>,
    /// The longest session, `1h` to `12h`. Default `1h`, as on AWS.
    #[serde(default = "default_max_session")]
    pub max_session_duration: Span,
    /// Who makes the credentials: `local`, the broker itself. Default `local`.
    #[serde(default = "default_issuer")]
    pub issuer: String,
}

/// `[[rule]]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// What the rule is called in logs and explanations.
    pub name: String,
    /// The provider whose identities it looks at. Default: every provider.
    pub provider: Option<String>,
    /// A CEL expression over the identity: `subject`, `issuer`, `provider`, `protocol`, `attr`,
    /// `claim`, `groups`, `time`. The rule matches where it is `true`.
    pub when: String,
    /// The roles that are offered where it matches.
    pub roles: Vec<String>,
    /// A CEL expression for the session's name: 2 to 64 letters, digits or `_+=,.@-`.
    pub session_name: Option<String>,
    /// A CEL expression for the source identity.
    pub source_identity: Option<String>,
    /// Session tags: name to CEL expression.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Names of those tags that go along when the session assumes another role.
    #[serde(default)]
    pub transitive_tags: Vec<String>,
    /// The session's length unless the caller asks for another. Default `1h`.
    pub duration: Option<Span>,
}

fn default_saml_skew() -> Span {
    Span(Duration::from_secs(60))
}

fn default_max_age() -> Span {
    Span(Duration::from_secs(300))
}

fn default_oidc_skew() -> Span {
    Span(Duration::from_secs(60))
}

fn default_max_session() -> Span {
    Span(Duration::from_secs(3600))
}

fn default_issuer() -> String {
    "local".into()
}
