//! Roles' names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{AccountId, Malformed, iam_parts, path_and_name, written_as_text};

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
        let account = self.account.to_string();
        let (partition, name) = (self.partition(), self.name());
        ["arn:", partition, ":sts::", &account, ":assumed-role/", name, "/", session_name].concat()
    }
}

impl FromStr for RoleArn {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed::new(text, Self::WANTED);
        let (account, resource) = iam_parts(text).ok_or_else(malformed)?;
        path_and_name(resource, "role/").ok_or_else(malformed)?;
        Ok(Self { text: text.into(), account })
    }
}

written_as_text!(RoleArn);

#[cfg(test)]
mod tests {
    use super::*;

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
}
