//! Groups' names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{AccountId, Malformed, iam_parts, path_and_name, written_as_text};

/// `arn:{partition}:iam::{account}:group/{path}{name}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupArn {
    text: Arc<str>,
    account: AccountId,
}

impl GroupArn {
    const WANTED: &'static str =
        "a group ARN such as arn:aws:iam::111122223333:group/path/name (name 1-64 of [A-Za-z0-9_+=,.@-])";

    /// The account the group lives in.
    pub const fn account(&self) -> AccountId {
        self.account
    }
}

impl FromStr for GroupArn {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed::new(text, Self::WANTED);
        let (account, resource) = iam_parts(text).ok_or_else(malformed)?;
        path_and_name(resource, "group/").ok_or_else(malformed)?;
        Ok(Self { text: text.into(), account })
    }
}

written_as_text!(GroupArn);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_arns() {
        let group: GroupArn = "arn:aws:iam::111122223333:group/eng/devs".parse().unwrap();
        assert_eq!(group.account().to_string(), "111122223333");
        for bad in ["arn:aws:iam::111122223333:group/", "arn:aws:iam::111122223333:user/devs", "devs"] {
            assert!(bad.parse::<GroupArn>().is_err(), "{bad}");
        }
    }
}
