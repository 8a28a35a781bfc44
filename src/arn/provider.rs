//! Identity providers' names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{AccountId, Malformed, iam_parts, written_as_text};

/// `arn:{partition}:iam::{account}:saml-provider/{name}` or `…:oidc-provider/{host and path}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderArn {
    text: Arc<str>,
    account: AccountId,
}

impl ProviderArn {
    /// The ARN of the SAML provider called `name` (facts 2.4).
    pub fn saml(account: AccountId, name: &str) -> Self {
        Self { text: format!("arn:aws:iam::{account}:saml-provider/{name}").into(), account }
    }

    /// The ARN of the OIDC provider for `issuer`, a URL whose scheme is left out (facts 3.1).
    pub fn oidc(account: AccountId, issuer: &str) -> Self {
        let host_and_path = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
        Self { text: format!("arn:aws:iam::{account}:oidc-provider/{host_and_path}").into(), account }
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The account that the provider is registered in.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Which protocol it speaks.
    pub fn kind(&self) -> ProviderKind {
        let resource = self.text.splitn(6, ':').nth(5).unwrap_or_default();
        if resource.starts_with("saml-provider/") { ProviderKind::Saml } else { ProviderKind::Oidc }
    }

    /// What follows `saml-provider/` or `oidc-provider/`.
    pub fn name(&self) -> &str {
        self.text.split_once('/').map_or("", |(_, name)| name)
    }
}

/// What a provider's ARN says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// `saml-provider/`
    Saml,
    /// `oidc-provider/`
    Oidc,
}

impl FromStr for ProviderArn {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let wanted = "a provider ARN such as arn:aws:iam::111122223333:saml-provider/corp";
        let malformed = || Malformed::new(text, wanted);
        let (account, resource) = iam_parts(text).ok_or_else(malformed)?;
        match resource.split_once('/') {
            Some(("saml-provider" | "oidc-provider", name)) if !name.is_empty() => {
                Ok(Self { text: text.into(), account })
            }
            _ => Err(malformed()),
        }
    }
}

written_as_text!(ProviderArn);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_arns() {
        let account = "111122223333".parse().unwrap();
        let oidc = ProviderArn::oidc(account, "https://accounts.example.com/realms/r");
        assert_eq!(oidc.as_str(), "arn:aws:iam::111122223333:oidc-provider/accounts.example.com/realms/r");
        assert_eq!(oidc.as_str().parse::<ProviderArn>().unwrap(), oidc);
        assert_eq!(oidc.name(), "accounts.example.com/realms/r");
        assert!("arn:aws:iam::111122223333:role/x".parse::<ProviderArn>().is_err());
    }
}
