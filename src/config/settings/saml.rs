//! What may be written about SAML: `[saml]`, and a provider with `kind = "saml"`.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{GrantBy, SecretRef};
use crate::config::span::Span;
use crate::directory::Replay;

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
    /// The domains of the mail addresses of its people, such as `example.com`. On the sign-in page its button is then shown to
    /// those alone who type such an address; the pages of links and of devices' codes show it all the same. Default: none, and its
    /// button is there for all.
    #[serde(default)]
    pub mail_domains: Vec<String>,
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

/// Where a SAML provider's metadata stands, and what it must be. Either `file` or `url`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "{ file = \"…\" } or { url = \"…\" }")]
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

fn default_saml_skew() -> Span {
    Span(Duration::from_secs(60))
}

fn default_max_age() -> Span {
    Span(Duration::from_secs(300))
}
