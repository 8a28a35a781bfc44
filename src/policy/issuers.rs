//! Well-known issuers of OpenID Connect: what they are, and what a trust policy must ask of their
//! tokens (facts 3.6).
//!
//! Some issuers vouch for everybody: any account of theirs gets a token with any audience, so a
//! trust policy that names such an issuer and asks nothing lets the whole world in. AWS refuses it,
//! and so is it refused here, down to wildcards that stand for everybody.

use super::iam::Guard;
use crate::arn::{AccountId, ProviderArn};
use crate::identity::oidc::{AMAZON_ISSUER, AMAZON_PROVIDER_ID};

/// A well-known issuer, or a kind of issuers.
#[derive(Debug)]
pub struct KnownIssuer {
    /// What the configuration calls it.
    pub preset: &'static str,
    /// Its `iss`.
    pub address: Address,
    /// What its tokens are meant for, unless somebody says otherwise.
    pub client_ids: &'static [&'static str],
    /// What it signs with, as `alg` says it.
    pub algorithms: &'static [&'static str],
    /// Claims that its tokens show to policies besides those of every issuer.
    pub claims: &'static [&'static str],
    /// Whether its tokens are a pipeline's or a machine's, and leak as such do.
    pub workloads: bool,
    /// What an allowing statement must ask, one of it; nothing where the issuer is somebody's own.
    pub guards: &'static [Guard],
}

/// How the `iss` of a well-known issuer is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// There is one.
    Fixed(&'static str),
    /// Each customer has one, which looks like this; `{}` stands for what differs.
    Like(&'static str),
    /// Each installation has one, which looks like anything.
    Own,
}

/// No wildcard.
const fn exact(key: &'static str) -> Guard {
    Guard { key, beyond: "", until: None }
}

/// Beyond `prefix`, the text before the first wildcard must have an `end`: without it, `acme*` is
/// whoever takes a name that begins so.
const fn within(key: &'static str, prefix: &'static str, end: char) -> Guard {
    Guard { key, beyond: prefix, until: Some(end) }
}

/// An app's own users: one of them, or everybody who may get a token for it.
const APP: &[Guard] = &[exact("aud"), exact("oaud"), exact("azp"), exact("sub")];

const RS256: &[&str] = &["RS256"];

/// All that are known.
pub static KNOWN_ISSUERS: &[KnownIssuer] = &[
    KnownIssuer {
        preset: "google",
        address: Address::Fixed("https://accounts.google.com"),
        client_ids: &[],
        algorithms: RS256,
        claims: &[],
        workloads: false,
        guards: APP,
    },
    KnownIssuer {
        preset: "apple",
        address: Address::Fixed("https://appleid.apple.com"),
        client_ids: &[],
        algorithms: RS256,
        claims: &[],
        workloads: false,
        guards: APP,
    },
    KnownIssuer {
        preset: "facebook",
        address: Address::Fixed("https://www.facebook.com"),
        client_ids: &[],
        algorithms: RS256,
        claims: &[],
        workloads: false,
        guards: APP,
    },
    KnownIssuer {
        preset: "login-with-amazon",
        address: Address::Fixed(AMAZON_ISSUER),
        client_ids: &[],
        algorithms: &[],
        claims: &["app_id", "user_id"],
        workloads: false,
        guards: &[exact("app_id"), exact("user_id"), exact("aud"), exact("sub")],
    },
    KnownIssuer {
        preset: "microsoft",
        address: Address::Like("https://login.microsoftonline.com/{}/v2.0"),
        client_ids: &[],
        algorithms: RS256,
        claims: &[],
        workloads: false,
        guards: &[],
    },
    KnownIssuer {
        // The tenant of everybody's own accounts, which is nobody's company.
        preset: "microsoft-personal",
        address: Address::Fixed(
            "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        ),
        client_ids: &[],
        algorithms: RS256,
        claims: &[],
        workloads: false,
        guards: APP,
    },
    KnownIssuer {
        preset: "cognito-user-pool",
        address: Address::Like("https://cognito-idp.{}.amazonaws.com/{}"),
        client_ids: &[],
        algorithms: RS256,
        claims: &[],
        workloads: false,
        guards: &[],
    },
    KnownIssuer {
        preset: "cognito-identity",
        address: Address::Fixed("https://cognito-identity.amazonaws.com"),
        client_ids: &[],
        algorithms: &["RS512"],
        claims: &[],
        workloads: false,
        guards: &[exact("aud"), exact("sub")],
    },
    KnownIssuer {
        preset: "github-actions",
        address: Address::Fixed("https://token.actions.githubusercontent.com"),
        client_ids: &["sts.amazonaws.com"],
        algorithms: RS256,
        claims: &[
            "actor",
            "actor_id",
            "job_workflow_ref",
            "repository",
            "repository_id",
            "repository_owner_id",
            "workflow",
            "ref",
            "environment",
            "enterprise_id",
        ],
        workloads: true,
        guards: &[
            // Subjects can be customised: what comes first in one must name the owner, as an
            // environment or a branch does not. Nor does `job_workflow_ref`: a public workflow
            // is called by everybody.
            within("sub", "repo:", '/'),
            within("sub", "repository:", '/'),
            within("sub", "repository_id:", ':'),
            within("sub", "repository_owner:", ':'),
            within("sub", "repository_owner_id:", ':'),
            within("sub", "enterprise:", ':'),
            within("sub", "enterprise_id:", ':'),
            within("repository", "", '/'),
            exact("repository_id"),
            exact("repository_owner_id"),
            exact("enterprise_id"),
        ],
    },
    KnownIssuer {
        preset: "gitlab",
        address: Address::Fixed("https://gitlab.com"),
        client_ids: &[],
        algorithms: RS256,
        claims: &[
            "namespace_id",
            "project_id",
            "user_id",
            "user_login",
            "user_email",
            "user_access_level",
            "ref_protected",
            "pipeline_source",
            "runner_environment",
        ],
        workloads: true,
        guards: &[
            within("sub", "project_path:", '/'),
            exact("namespace_id"),
            exact("project_id"),
            exact("user_id"),
        ],
    },
    KnownIssuer {
        preset: "buildkite",
        address: Address::Fixed("https://agent.buildkite.com"),
        client_ids: &["sts.amazonaws.com"],
        algorithms: RS256,
        claims: &[
            "organization_slug",
            "organization_id",
            "pipeline_slug",
            "pipeline_id",
            "cluster_name",
            "cluster_id",
            "build_branch",
        ],
        workloads: true,
        guards: &[
            within("sub", "organization:", ':'),
            exact("organization_slug"),
            exact("organization_id"),
            exact("pipeline_id"),
            exact("cluster_id"),
        ],
    },
    KnownIssuer {
        preset: "hcp-terraform",
        address: Address::Fixed("https://app.terraform.io"),
        client_ids: &["aws.workload.identity"],
        algorithms: RS256,
        claims: &[],
        workloads: true,
        guards: &[within("sub", "organization:", ':')],
    },
    KnownIssuer {
        preset: "kubernetes",
        address: Address::Own,
        client_ids: &["sts.amazonaws.com"],
        algorithms: &["RS256", "ES256", "ES384"],
        claims: &[],
        workloads: true,
        guards: &[within("sub", "system:serviceaccount:", ':')],
    },
    KnownIssuer {
        preset: "spiffe",
        address: Address::Own,
        client_ids: &[],
        algorithms: &["RS256", "RS384", "RS512", "ES256", "ES384"],
        claims: &[],
        workloads: true,
        guards: &[within("sub", "spiffe://", '/')],
    },
];

/// Issuers that a trust policy may name by their host alone (facts 3.6).
const NAMED_BY_HOST: [&str; 3] =
    ["accounts.google.com", "cognito-identity.amazonaws.com", AMAZON_PROVIDER_ID];

/// The provider in `account` that a trust policy names by a well-known host.
pub(super) fn by_host(host: &str, account: AccountId) -> Option<ProviderArn> {
    NAMED_BY_HOST.contains(&host).then(|| ProviderArn::oidc(account, host))
}

/// The one that the configuration calls `preset`.
pub fn by_preset(preset: &str) -> Option<&'static KnownIssuer> {
    KNOWN_ISSUERS.iter().find(|known| known.preset == preset)
}

/// The one whose `iss` is `issuer` and nobody else's.
pub fn by_issuer(issuer: &str) -> Option<&'static KnownIssuer> {
    KNOWN_ISSUERS.iter().find(|known| matches!(known.address, Address::Fixed(only) if only == issuer))
}

impl Address {
    /// Whether `issuer` can be it.
    pub fn fits(self, issuer: &str) -> bool {
        match self {
            Self::Fixed(only) => only == issuer,
            Self::Own => true,
            Self::Like(form) => {
                // Each gap is a word without a slash, and not empty.
                let mut rest = issuer;
                let mut parts = form.split("{}");
                let Some(start) = parts.next().and_then(|first| rest.strip_prefix(first)) else {
                    return false;
                };
                rest = start;
                for part in parts {
                    let word = if part.is_empty() { Some(rest.len()) } else { rest.find(part) };
                    match word {
                        Some(length) if length > 0 && !rest[..length].contains('/') => {
                            rest = &rest[length + part.len()..];
                        }
                        _ => return false,
                    }
                }
                rest.is_empty()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_fit() {
        let microsoft = by_preset("microsoft").unwrap().address;
        let pool = by_preset("cognito-user-pool").unwrap().address;
        for (address, issuer, fits) in [
            (microsoft, "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", true),
            (microsoft, "https://login.microsoftonline.com//v2.0", false),
            (microsoft, "https://login.microsoftonline.com/a/b/v2.0", false),
            (microsoft, "https://login.microsoftonline.com/a/v2.0/x", false),
            (microsoft, "https://sts.windows.net/a/", false),
            (pool, "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aBc", true),
            (pool, "https://cognito-idp.eu-west-1.amazonaws.com/", false),
            (Address::Fixed("https://gitlab.com"), "https://gitlab.com", true),
            (Address::Fixed("https://gitlab.com"), "https://gitlab.com/", false),
            (Address::Own, "https://10.0.0.1", true),
        ] {
            assert_eq!(address.fits(issuer), fits, "{issuer}");
        }
    }

    #[test]
    fn presets_and_issuers_name_one_each() {
        for known in KNOWN_ISSUERS {
            assert!(std::ptr::eq(by_preset(known.preset).unwrap(), known), "{}", known.preset);
            if let Address::Fixed(issuer) = known.address {
                assert!(std::ptr::eq(by_issuer(issuer).unwrap(), known), "{issuer}");
            }
        }
        assert!(by_preset("okta").is_none() && by_issuer("https://gitlab.example.com").is_none());
    }
}
