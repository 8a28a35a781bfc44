//! `[[upstream]]`, and what a role says of its own.

use schemars::JsonSchema;
use serde::Deserialize;

use super::SecretRef;
use crate::config::span::Span;

/// `[[upstream]]`: somebody else's STS, which makes the credentials of the roles that name it as their `issuer`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamSettings {
    /// What roles name it by. Not `local`.
    pub name: String,
    /// Whose it is: `aws`, or another that understands what AWS does; or `minio`. Default `aws`.
    #[serde(default)]
    pub kind: UpstreamKind,
    /// The region, of which signatures speak. Default `us-east-1`.
    pub region: Option<String>,
    /// Where it is: `https`, or `http` on this machine. Default: the STS of AWS in `region`.
    pub endpoint: Option<String>,
    /// The access key by which `AssumeRole` is called there. Roles with `pass_through` need none.
    pub access_key: Option<UpstreamKeySettings>,
    /// Whether somebody who asks for exactly the same session again gets the same credentials, until a quarter of
    /// their time is left. Default `true`.
    #[serde(default = "default_reuse")]
    pub reuse: bool,
    /// Where browsers are sent that open one of its roles. Default: AWS's console, if the STS is AWS's own; the broker's own
    /// page elsewhere.
    pub console: Option<UpstreamConsoleSettings>,
}

/// `[upstream.console]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamConsoleSettings {
    /// The federation endpoint, such as `https://signin.aws.amazon.com/federation`.
    pub federation: Option<String>,
    /// The console's first page, such as `https://console.aws.amazon.com/`. Links may lead to pages of this host, and of
    /// those below it.
    pub home: Option<String>,
    /// Whether a browser leaves the session that it has there already, first. Not needed where people have turned on sessions
    /// side by side. Default `false`.
    pub leave_first: bool,
    /// Whether `/federation` hands credentials that are not the broker's own to this federation endpoint, and opens the console
    /// there with what it gets: then tools and portals make links for both at one address. Of one upstream only. Default
    /// `false`.
    pub forward: bool,
}

/// Whose an STS is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamKind {
    /// AWS, or one that understands what AWS does.
    #[default]
    Aws,
    /// MinIO: it does not understand `PolicyArns`, so sessions that are limited by them are not asked for there.
    Minio,
}

/// `[upstream.access_key]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamKeySettings {
    /// Its id.
    pub id: String,
    /// Where its secret stands.
    pub secret: SecretRef,
    /// Where the session token of a temporary key stands.
    pub session_token: Option<SecretRef>,
}

/// `[role.upstream]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoleUpstreamSettings {
    /// The ARN of the role there. Default: that of this role.
    pub role: Option<String>,
    /// The `ExternalId` that the role there asks for.
    pub external_id: Option<String>,
    /// Whether the caller's own token or assertion is passed on, instead of asking by a key of the broker.
    pub pass_through: bool,
    /// How long a session of the console there lasts, `15m` to `12h`, whatever its credentials do. Default: as long as they.
    pub console_duration: Option<Span>,
    /// With `pass_through`: the ARN of the SAML provider there, for assertions.
    pub saml_provider: Option<String>,
}

const fn default_reuse() -> bool {
    true
}
