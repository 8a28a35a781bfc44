//! Managed policies' names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{AccountId, Malformed, named, owner_and_resource, written_as_text};

/// `arn:{partition}:iam::{account}:policy/{path}{name}`, where the account is `aws` for the policies that
/// AWS manages.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyArn {
    text: Arc<str>,
    account: Option<AccountId>,
}

impl PolicyArn {
    const WANTED: &'static str = "a policy ARN such as arn:aws:iam::111122223333:policy/path/Name or \
         arn:aws:iam::aws:policy/Name (name 1-128 of [A-Za-z0-9_+=,.@-])";

    /// The account that it belongs to; `None`: it is one of AWS's own.
    pub const fn account(&self) -> Option<AccountId> {
        self.account
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for PolicyArn {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed::new(text, Self::WANTED);
        let (owner, resource) = owner_and_resource(text).ok_or_else(malformed)?;
        named(resource, "policy/", 128).ok_or_else(malformed)?;
        let account = match owner {
            "aws" => None,
            account => Some(account.parse().map_err(|_| malformed())?),
        };
        Ok(Self { text: text.into(), account })
    }
}

written_as_text!(PolicyArn);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_arns() {
        let account = |text: &str| text.parse::<PolicyArn>().map(|arn| arn.account());
        let named = account("arn:aws:iam::111122223333:policy/photos/ReadOnly").unwrap();
        assert_eq!(named.unwrap().to_string(), "111122223333");
        assert_eq!(account("arn:aws:iam::aws:policy/ReadOnlyAccess"), Ok(None));
        let longest = format!("arn:aws:iam::aws:policy/{}", "n".repeat(128));
        assert!(account(&longest).is_ok() && account(&format!("{longest}n")).is_err());
        for bad in [
            "arn:aws:iam::amazon:policy/ReadOnlyAccess",
            "arn:aws:iam::111122223333:policy/",
            "arn:aws:iam:eu-west-1:111122223333:policy/ReadOnly",
            "arn:aws:iam::111122223333:role/ReadOnly",
            "ReadOnlyAccess",
        ] {
            assert!(account(bad).is_err(), "{bad}");
        }
    }
}
