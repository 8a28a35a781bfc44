//! Amazon resource names and the identifiers that go with them.
//!
//! Types that cannot hold a malformed value: [`AccountId`], [`RoleArn`], [`ProviderArn`],
//! [`AccessKeyId`], [`RoleId`]. Text forms are those of AWS (facts 1.5, 1.8).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::entropy::{Entropy, NoEntropy};

/// Alphabet of RFC 4648 base32, which AWS uses in key ids and unique ids.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A name that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {wanted}")]
pub struct Malformed {
    value: String,
    wanted: &'static str,
}

impl Malformed {
    fn new(value: &str, wanted: &'static str) -> Self {
        Self { value: value.to_owned(), wanted }
    }
}

/// A 12-digit account number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountId(u64);

impl AccountId {
    /// The number itself, below 10¹².
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl FromStr for AccountId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let wanted = "an account id of 12 digits";
        if text.len() != 12 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Malformed::new(text, wanted));
        }
        text.parse().map(Self).map_err(|_| Malformed::new(text, wanted))
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `arn:{partition}:iam::{account}:role/{path}{name}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleArn {
    text: Arc<str>,
    account: AccountId,
}

impl RoleArn {
    const WANTED: &'static str =
        "a role ARN such as arn:aws:iam::111122223333:role/path/Name (name 1-64 of [A-Za-z0-9_+=,.@-])";

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The account the role lives in.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// `aws`, `aws-cn` and so on.
    pub fn partition(&self) -> &str {
        self.text.split(':').nth(1).unwrap_or_default()
    }

    /// The role's name without its path.
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }

    /// The ARN of a session of this role. The role's path is dropped (facts 1.5).
    pub fn session_arn(&self, session_name: &str) -> String {
        let (partition, account, name) = (self.partition(), self.account, self.name());
        format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}")
    }
}

impl FromStr for RoleArn {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed::new(text, Self::WANTED);
        let (account, resource) = iam_parts(text).ok_or_else(malformed)?;
        let path_and_name = resource.strip_prefix("role/").ok_or_else(malformed)?;
        let (path, name) = path_and_name.rsplit_once('/').unwrap_or(("", path_and_name));
        let path_is_clean = path.bytes().all(|b| b.is_ascii_graphic()) && !path.starts_with('/');
        if !path_is_clean || name.is_empty() || name.len() > 64 || !name.bytes().all(is_name_byte) {
            return Err(malformed());
        }
        Ok(Self { text: text.into(), account })
    }
}

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

macro_rules! written_as_text {
    ($($name:ty),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <&str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text)
            }
        }
    )+};
}
written_as_text!(RoleArn, ProviderArn);

/// A role's unique id: `AROA` and 17 characters of base32.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleId(String);

impl RoleId {
    /// The id of a role that is declared in the configuration. It follows from the ARN, so
    /// every node and every restart agrees on it.
    pub fn of_declared(role: &RoleArn) -> Self {
        let hash = digest::digest(&digest::SHA256, role.as_str().as_bytes());
        let letters = hash.as_ref().iter().take(17).map(|byte| char::from(BASE32[usize::from(byte & 31)]));
        Self("AROA".chars().chain(letters).collect())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A temporary access key id: `ASIA` and 16 characters of base32 that carry the account.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccessKeyId([u8; 20]);

impl AccessKeyId {
    /// A new id. The account stands in bits 7 to 46 of the first six bytes (facts 1.8); the
    /// other 40 bits are random, so ids may repeat after about a million. Secrets therefore
    /// never depend on the id alone (`issuer::local`).
    pub fn generate(account: AccountId, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        const ACCOUNT_BITS: u64 = 0x7fff_ffff_ff80;
        let random: [u8; 10] = crate::entropy::bytes(entropy)?;
        let mut head = [0; 8];
        head[2..].copy_from_slice(&random[..6]);
        let head = (u64::from_be_bytes(head) & !ACCOUNT_BITS) | ((account.number() << 7) & ACCOUNT_BITS);
        let mut raw = [0; 16];
        raw[..6].copy_from_slice(&head.to_be_bytes()[2..]);
        raw[6..10].copy_from_slice(&random[6..]);
        let bits = u128::from_be_bytes(raw) >> 48;
        let mut text = *b"ASIA0000000000000000";
        for (index, letter) in text[4..].iter_mut().enumerate() {
            *letter = BASE32[((bits >> (75 - 5 * index)) & 31) as usize];
        }
        Ok(Self(text))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for AccessKeyId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed =
            || Malformed::new("(not shown)", "a temporary access key id: ASIA and 16 of [A-Z2-7]");
        let letters = text.strip_prefix("ASIA").ok_or_else(malformed)?;
        if !letters.bytes().all(|b| BASE32.contains(&b)) {
            return Err(malformed());
        }
        text.as_bytes().try_into().map(Self).map_err(|_| malformed())
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The characters of role and session names: `[\w+=,.@-]`, ASCII (facts 1.5).
pub const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-')
}

/// Account and resource of an IAM ARN; its region must be empty.
fn iam_parts(text: &str) -> Option<(AccountId, &str)> {
    let mut parts = text.splitn(6, ':');
    let head = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let ("arn", partition, "iam", "") = head else { return None };
    let known =
        partition.starts_with("aws") && partition.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if !known || text.len() > 2048 {
        return None;
    }
    Some((parts.next()?.parse().ok()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn role_arns() {
        let role: RoleArn = "arn:aws:iam::111122223333:role/eng/Deploy".parse().unwrap();
        assert_eq!(role.name(), "Deploy");
        assert_eq!(role.account().to_string(), "111122223333");
        assert_eq!(role.session_arn("ann"), "arn:aws:sts::111122223333:assumed-role/Deploy/ann");
        for bad in [
            "",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:user/ann",
            "arn:aws:iam::1111:role/Deploy",
            "arn:aws:iam:eu-west-1:111122223333:role/Deploy",
            "arn:gcp:iam::111122223333:role/Deploy",
            "arn:aws:iam::111122223333:role/De ploy",
            "arn:aws:iam::111122223333:role/a\nb/Deploy",
        ] {
            assert!(bad.parse::<RoleArn>().is_err(), "{bad}");
        }
    }

    #[test]
    fn provider_arns() {
        let account = "111122223333".parse().unwrap();
        let oidc = ProviderArn::oidc(account, "https://accounts.example.com/realms/r");
        assert_eq!(oidc.as_str(), "arn:aws:iam::111122223333:oidc-provider/accounts.example.com/realms/r");
        assert_eq!(oidc.as_str().parse::<ProviderArn>().unwrap(), oidc);
        assert_eq!(oidc.name(), "accounts.example.com/realms/r");
        assert!("arn:aws:iam::111122223333:role/x".parse::<ProviderArn>().is_err());
    }

    /// The decoding that AWS tooling applies (facts 1.8).
    fn account_in(key: &str) -> u64 {
        let mut bits: u128 = 0;
        for letter in key[4..].bytes() {
            bits = (bits << 5) | BASE32.iter().position(|b| *b == letter).unwrap() as u128;
        }
        let head = (bits >> 32) as u64;
        (head & 0x7fff_ffff_ff80) >> 7
    }

    #[test]
    fn access_key_ids_carry_the_account() {
        assert_eq!(account_in("ASIAQNZGKIQY56JQ7WML"), 29_608_264_753);
        for number in ["029608264753", "111122223333", "999999999999", "000000000000"] {
            let account: AccountId = number.parse().unwrap();
            let key = AccessKeyId::generate(account, &SystemEntropy::new()).unwrap();
            assert_eq!(account_in(key.as_str()), account.number(), "{key}");
            assert_eq!(key.as_str().parse::<AccessKeyId>().unwrap(), key);
        }
    }

    #[test]
    fn role_ids_are_stable() {
        let role: RoleArn = "arn:aws:iam::111122223333:role/eng/Deploy".parse().unwrap();
        let id = RoleId::of_declared(&role);
        assert_eq!(id.as_str().len(), 21);
        assert_eq!(id, RoleId::of_declared(&role));
    }
}
