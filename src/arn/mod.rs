//! Amazon resource names and the identifiers that go with them.
//!
//! Types that cannot hold a malformed value. Text forms are those of AWS (facts 1.5, 1.8, 6.2).

mod access_key;
mod group;
mod policy;
mod provider;
mod role;
mod unique_id;
mod user;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::access_key::{AccessKeyId, account_of_key, is_long_term_key};
pub use self::group::GroupArn;
pub use self::policy::PolicyArn;
pub use self::provider::{ProviderArn, ProviderKind};
pub use self::role::RoleArn;
pub use self::unique_id::{RoleId, UserId};
pub use self::user::UserArn;

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

/// The characters of role and session names: `[\w+=,.@-]`, ASCII (facts 1.5).
pub const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-')
}

/// Account and resource of an IAM ARN; its region must be empty.
fn iam_parts(text: &str) -> Option<(AccountId, &str)> {
    let (owner, resource) = owner_and_resource(text)?;
    Some((owner.parse().ok()?, resource))
}

/// As [`iam_parts`], where the owner need not be an account.
fn owner_and_resource(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.splitn(6, ':');
    let head = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let ("arn", partition, "iam", "") = head else { return None };
    let known =
        partition.starts_with("aws") && partition.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if !known || text.len() > 2048 {
        return None;
    }
    Some((parts.next()?, parts.next()?))
}

/// Path and name of a resource such as `role/path/Name`, whose name has at most 64 characters (facts 6.2).
fn path_and_name<'a>(resource: &'a str, kind: &str) -> Option<(&'a str, &'a str)> {
    named(resource, kind, 64)
}

/// As [`path_and_name`], of a name of at most `longest` characters.
fn named<'a>(resource: &'a str, kind: &str, longest: usize) -> Option<(&'a str, &'a str)> {
    let path_and_name = resource.strip_prefix(kind)?;
    let (path, name) = path_and_name.rsplit_once('/').unwrap_or(("", path_and_name));
    let path_is_clean = path.bytes().all(|b| b.is_ascii_graphic()) && !path_and_name.starts_with('/');
    let name_is_clean = (1..=longest).contains(&name.len()) && name.bytes().all(is_name_byte);
    (path_is_clean && name_is_clean).then_some((path, name))
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
use written_as_text;
