//! Roles that are derived from what an identity says, such as a group called `AWS-111122223333-Deploy`.
//!
//! Nothing is read out of a group's name. The name that each role that exists would have is made from the
//! pattern when rules are loaded, and looked up whole: so a name can't mean a role that was not declared,
//! nor two of them, however it is written.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::needs::{Need, Place, Text};
use crate::arn::RoleArn;
use crate::identity::FederatedIdentity;

/// What stands for the role's account, twelve digits.
const ACCOUNT: &str = "{account}";
/// What stands for the role's name, without its path.
const ROLE: &str = "{role}";

/// Finds roles by the values of an attribute.
#[derive(Debug, Clone)]
pub struct RolesFrom {
    attribute: String,
    pattern: String,
    by_value: HashMap<String, RoleArn>,
}

/// Why roles can't be found so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RolesFromFault {
    /// Every role would go by the same name.
    #[error("{0:?} does not say {ROLE}, so it can't tell roles apart")]
    NoRole(String),
    /// Something in brackets that stands for nothing.
    #[error("{0:?} has {1:?} in it; {ACCOUNT} and {ROLE} are what can stand there")]
    Unknown(String, String),
    /// Two roles go by one name.
    #[error("{value:?} would be both {one} and {other}")]
    Ambiguous {
        /// The name.
        value: String,
        /// A role.
        one: RoleArn,
        /// Another.
        other: RoleArn,
    },
}

impl RolesFrom {
    /// Finds those of `roles` whose name by `pattern` is among the values of `attribute`.
    pub fn new<'r>(
        attribute: &str,
        pattern: &str,
        roles: impl IntoIterator<Item = &'r RoleArn>,
    ) -> Result<Self, RolesFromFault> {
        if let Some(unknown) = placeholders(pattern).find(|found| ![ACCOUNT, ROLE].contains(found)) {
            return Err(RolesFromFault::Unknown(pattern.to_owned(), unknown.to_owned()));
        }
        if !pattern.contains(ROLE) {
            return Err(RolesFromFault::NoRole(pattern.to_owned()));
        }
        let mut by_value = HashMap::new();
        for role in roles {
            // No name of a role has a bracket in it, so what is put in is not read again.
            let value = pattern.replace(ACCOUNT, &role.account().to_string()).replace(ROLE, role.name());
            match by_value.entry(value) {
                Entry::Vacant(entry) => drop(entry.insert(role.clone())),
                Entry::Occupied(entry) => {
                    let (value, one) = entry.remove_entry();
                    return Err(RolesFromFault::Ambiguous { value, one, other: role.clone() });
                }
            }
        }
        Ok(Self { attribute: attribute.to_owned(), pattern: pattern.to_owned(), by_value })
    }

    /// The attribute whose values it reads.
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// The pattern as written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The roles that `identity` says it has, in the order in which it says so.
    pub fn found_in<'r>(&'r self, identity: &'r FederatedIdentity) -> impl Iterator<Item = &'r RoleArn> {
        self.values(identity).iter().filter_map(|value| self.by_value.get(value))
    }

    /// What `identity` has of the attribute. A short name that could mean several has nothing.
    pub(super) fn values<'r>(&self, identity: &'r FederatedIdentity) -> &'r [String] {
        let attributes = identity.attributes();
        let meant = || attributes.get(identity.aliases().get(&self.attribute)?.as_ref()?);
        attributes.get(&self.attribute).or_else(meant).map_or(&[], Vec::as_slice)
    }

    /// Every role that it can find.
    pub fn roles(&self) -> impl Iterator<Item = &RoleArn> {
        self.by_value.values()
    }

    /// The value that stands for `role`.
    pub fn value_of(&self, role: &RoleArn) -> Option<&str> {
        self.by_value.iter().find(|(_, known)| *known == role).map(|(value, _)| value.as_str())
    }

    /// Every role that it can find, and what an identity must have for it.
    pub(super) fn needs(&self) -> impl Iterator<Item = (&RoleArn, Need)> {
        self.by_value.iter().map(|(value, role)| {
            let place = Place::Attribute(self.attribute.clone());
            (role, Need { place, text: Text::Is(value.clone()) })
        })
    }
}

/// What stands in brackets, with them.
fn placeholders(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.match_indices('{').map(|(at, _)| {
        let rest = &pattern[at..];
        rest.find('}').map_or(rest, |end| &rest[..=end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::testing::IdentityBuilder;

    const CORP: &str = "arn:aws:iam::111122223333:saml-provider/corp";

    fn roles() -> Vec<RoleArn> {
        let arns = ["111122223333:role/eng/Deploy", "111122223333:role/a-b", "444455556666:role/Deploy"];
        arns.map(|arn| format!("arn:aws:iam::{arn}").parse().unwrap()).to_vec()
    }

    fn found(pattern: &str, groups: &[&str]) -> Vec<String> {
        let from = RolesFrom::new("groups", pattern, &roles()).unwrap();
        let ann = IdentityBuilder::saml(CORP, "corp", "ann").attribute("groups", groups).build();
        from.found_in(&ann).map(ToString::to_string).collect()
    }

    #[test]
    fn only_the_whole_name_of_a_role_that_exists_is_one() {
        let pattern = "AWS-{account}-{role}";
        assert_eq!(
            found(pattern, &["AWS-111122223333-Deploy"]),
            ["arn:aws:iam::111122223333:role/eng/Deploy"]
        );
        assert_eq!(
            found(pattern, &["AWS-444455556666-Deploy", "x", "AWS-111122223333-a-b"]),
            ["arn:aws:iam::444455556666:role/Deploy", "arn:aws:iam::111122223333:role/a-b"],
            "in the order of the groups"
        );
        for nothing in [
            "",
            "AWS-111122223333-Nobody",
            "AWS-999999999999-Deploy",
            "AWS-111122223333-eng/Deploy",
            "AWS-111122223333-Deploy ",
            " AWS-111122223333-Deploy",
            "aws-111122223333-Deploy",
            "AWS-111122223333-deploy",
            "XAWS-111122223333-Deploy",
            "AWS-111122223333-Deploy-2",
            "AWS-{account}-{role}",
            "AWS-111122223333-*",
            "arn:aws:iam::111122223333:role/eng/Deploy",
        ] {
            assert!(found(pattern, &[nothing]).is_empty(), "{nothing:?}");
        }
        let named = "CN={role}_{account},OU=AWS";
        assert_eq!(found(named, &["CN=a-b_111122223333,OU=AWS"]), ["arn:aws:iam::111122223333:role/a-b"]);
    }

    #[test]
    fn short_names_of_attributes_are_known_unless_they_could_mean_several() {
        let from = RolesFrom::new("groups", "AWS-{account}-{role}", &roles()).unwrap();
        let long = "http://schemas.example.com/Group";
        let ann = || IdentityBuilder::saml(CORP, "corp", "ann").attribute(long, &["AWS-111122223333-a-b"]);
        let clear = ann().alias("groups", Some(long)).build();
        assert_eq!(from.found_in(&clear).collect::<Vec<_>>(), [&roles()[1]]);
        assert_eq!(from.found_in(&ann().alias("groups", None).build()).count(), 0);
        assert_eq!(from.found_in(&ann().build()).count(), 0);
    }

    #[test]
    fn patterns_that_tell_no_roles_apart_are_refused() {
        let fault = |pattern: &str| RolesFrom::new("groups", pattern, &roles()).unwrap_err().to_string();
        assert_eq!(
            fault("AWS-{account}"),
            r#""AWS-{account}" does not say {role}, so it can't tell roles apart"#
        );
        for (pattern, unknown) in
            [("{role}-{env}", "{env}"), ("{role}{", "{"), ("{ACCOUNT}{role}", "{ACCOUNT}")]
        {
            let expected = format!(
                "{pattern:?} has {unknown:?} in it; {{account}} and {{role}} are what can stand there"
            );
            assert_eq!(fault(pattern), expected);
        }
        assert_eq!(
            fault("aws-{role}"),
            r#""aws-Deploy" would be both arn:aws:iam::111122223333:role/eng/Deploy and arn:aws:iam::444455556666:role/Deploy"#
        );
    }
}
