//! Users' names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{AccountId, Malformed, iam_parts, path_and_name, written_as_text};

/// `arn:{partition}:iam::{account}:user/{path}{name}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserArn {
    text: Arc<str>,
    account: AccountId,
}

impl UserArn {
    const WANTED: &'static str =
        "a user ARN such as arn:aws:iam::111122223333:user/path/name (name 1-64 of [A-Za-z0-9_+=,.@-])";

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The account the user lives in.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// The user's name without its path.
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }

    /// The ARN of a federated user that this user made (facts 1.5).
    pub fn federated_arn(&self, name: &str) -> String {
        let partition = self.text.split(':').nth(1).unwrap_or_default();
        format!("arn:{partition}:sts::{}:federated-user/{name}", self.account)
    }
}

impl FromStr for UserArn {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed::new(text, Self::WANTED);
        let (account, resource) = iam_parts(text).ok_or_else(malformed)?;
        path_and_name(resource, "user/").ok_or_else(malformed)?;
        Ok(Self { text: text.into(), account })
    }
}

written_as_text!(UserArn);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_arns() {
        let user: UserArn = "arn:aws:iam::111122223333:user/ci/deployer".parse().unwrap();
        assert_eq!((user.name(), user.account().to_string().as_str()), ("deployer", "111122223333"));
        assert_eq!(user.federated_arn("bob"), "arn:aws:sts::111122223333:federated-user/bob");
        for bad in [
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam::111122223333:user",
            "arn:aws:iam::111122223333:role/ann",
            "arn:aws:iam::111122223333:user//ann",
            "arn:aws:iam::111122223333:user/a b",
            "arn:aws:sts::111122223333:user/ann",
        ] {
            assert!(bad.parse::<UserArn>().is_err(), "{bad}");
        }
    }
}
