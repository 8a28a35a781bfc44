//! Unique ids: what tells an entity from a later one of the same name (facts 1.8).

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::{BASE32, RoleArn, UserArn};

/// A role's unique id: `AROA` and 17 characters of base32.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleId(String);

impl RoleId {
    /// The id of a role that is declared in the configuration. It follows from the ARN, so
    /// every node and every restart agrees on it.
    pub fn of_declared(role: &RoleArn) -> Self {
        Self(of_declared("AROA", role.as_str()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user's unique id: `AIDA` and 17 characters of base32.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserId(String);

impl UserId {
    /// The id of a user that is declared in the configuration, as [`RoleId::of_declared`].
    pub fn of_declared(user: &UserArn) -> Self {
        Self(of_declared("AIDA", user.as_str()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn of_declared(prefix: &str, arn: &str) -> String {
    let hash = digest::digest(&digest::SHA256, arn.as_bytes());
    let letters = hash.as_ref().iter().take(17).map(|byte| char::from(BASE32[usize::from(byte & 31)]));
    prefix.chars().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_ids_are_stable() {
        let role: RoleArn = "arn:aws:iam::111122223333:role/eng/Deploy".parse().unwrap();
        let id = RoleId::of_declared(&role);
        assert_eq!(id.as_str().len(), 21);
        assert_eq!(id, RoleId::of_declared(&role));
    }
}
