//! `[[provider]]` with `kind = "oidc"`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{GrantBy, SecretRef};
use crate::config::span::Span;

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
    /// The domains of the mail addresses of its people, such as `example.com`. On the sign-in page its button is then shown to
    /// those alone who type such an address; the pages of links and of devices' codes show it all the same. Default: none, and its
    /// button is there for all.
    #[serde(default)]
    pub mail_domains: Vec<String>,
    /// A well-known issuer, whose settings stand in for those that are left out: `google`, `apple`,
    /// `facebook`, `login-with-amazon`, `microsoft`, `microsoft-personal`, `cognito-user-pool`, `cognito-identity`,
    /// `github-actions`, `gitlab`, `buildkite`, `hcp-terraform`, `kubernetes`, `spiffe`.
    pub preset: Option<String>,
    /// The issuer, exactly as tokens state it in `iss`. `https`, or `http` on loopback together
    /// with `allow_loopback_http`. It may be left out where the preset has one for all.
    pub issuer: Option<String>,
    /// The client ids (`aud`, or `azp` where present) that tokens may be meant for. Default: what is
    /// usual at the preset; else there must be one.
    #[serde(default)]
    pub client_ids: Vec<String>,
    /// Signature algorithms to accept. Default: those of the preset, else RS256, RS384, RS512, ES256,
    /// ES384, ES512. PS256, PS384, PS512 and EdDSA are known, too.
    #[serde(default)]
    pub algorithms: Vec<String>,
    /// A JWKS file, relative to this one, to use instead of the issuer's discovery document, for
    /// machines without a way out. Every key in it needs a `kid`. It is read again when it changes: a
    /// key that was taken out of it is refused within ten seconds.
    pub jwks: Option<PathBuf>,
    /// With `preset = "login-with-amazon"`: where Amazon is asked whose an access token is. Default
    /// `https://api.amazon.com/auth/o2/tokeninfo`.
    pub token_info: Option<String>,
    /// How far the two clocks may differ. Default `60s`, at most `5m`.
    #[serde(default = "default_oidc_skew")]
    pub clock_skew: Span,
    /// Browser sign-in by authorization code with PKCE. Without it the provider's tokens are
    /// accepted at the STS endpoint only.
    pub login: Option<OidcLoginSettings>,
    /// How often the issuer's keys are fetched anew, unless they stand in a file, `1m` to `1d`: so soon a
    /// withdrawn key is no longer accepted, while the issuer can be reached. Default `5m`.
    pub keys_refresh: Option<Span>,
    /// How old keys may become while the issuer can't be reached, `keys_refresh` to `7d`. Default
    /// `24h`.
    pub keys_max_age: Option<Span>,
    /// How often one token may be used at the STS endpoint.
    #[serde(default)]
    pub replay: TokenReplay,
    /// Also accept access tokens in JWT form at the STS endpoint. Some workload platforms have no ID
    /// tokens; but an access token is also in the hands of every service that it was shown to.
    /// Default `false`.
    #[serde(default)]
    pub accept_access_tokens: bool,
    /// Let the issuer, and what its discovery document names, be at addresses that are not of the
    /// public Internet (RFC 6890). Default `false`: a document of somebody else must not lead the
    /// broker into your own network.
    #[serde(default)]
    pub allow_private_addresses: bool,
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
    /// What to do where Entra ID leaves a person's groups out of the token because they are more than
    /// some 200: `refuse` it (the default), because a rule that asks who is *not* in a group would
    /// misjudge; `ignore` that they are missing; or ask Microsoft Graph, `{ graph =
    /// "https://graph.microsoft.com" }`, with the access token of a browser sign-in, whose scopes must
    /// allow it (`User.Read`). At the STS endpoint, where there is no access token, such a token is
    /// refused then. The address in the token itself is never asked.
    #[serde(default)]
    pub group_overage: GroupOverageSetting,
    /// Attributes that stand deeper in a token: the name that rules use, and the path to it, such as
    /// `{ groups = "realm_access.roles" }`, or a list where a member's own name has dots:
    /// `["resource_access", "my.app", "roles"]`. What is there is a text or a list of texts; anything
    /// else is as good as absent, also where the token has a claim under the name itself.
    #[serde(default)]
    pub attributes: BTreeMap<String, ClaimPath>,
}

/// How often a token may be used at the STS endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenReplay {
    /// Until it expires, as on AWS.
    #[default]
    Reuse,
    /// Once. It must have a `jti`.
    Once,
}

/// What to do with a token whose groups were left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum GroupOverageSetting {
    /// Refuse it.
    #[default]
    Refuse,
    /// Take it for one without groups.
    Ignore,
    /// Ask Microsoft Graph at this address: `https://graph.microsoft.com`, or that of a national
    /// cloud.
    Graph(String),
}

/// The way to a nested claim.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ClaimPath {
    /// Members with dots between them.
    Dotted(String),
    /// Members, each as it is.
    Members(Vec<String>),
}

/// Browser sign-in at an OIDC provider. Register there, for this client: the redirect URI
/// `{public_url}/oidc/{name}/callback`, the post-logout redirect URI `{public_url}/oidc/{name}/signed-out`
/// and the back-channel logout URI `{public_url}/oidc/{name}/backchannel-logout`.
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
    /// Also ask the provider's userinfo endpoint, for claims that the ID token lacks. A sign-in fails
    /// where it does not answer with JSON about the same person. Default `false`.
    #[serde(default)]
    pub userinfo: bool,
}

fn default_oidc_skew() -> Span {
    Span(Duration::from_secs(60))
}
