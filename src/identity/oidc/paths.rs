//! Attributes that stand deeper in a token than rules look: Keycloak's `realm_access.roles`, say,
//! becomes `attr.roles`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::token::strings;

/// Attributes by name, each with the members that lead to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttributePaths(Vec<(String, Vec<String>)>);

impl AttributePaths {
    /// `paths`: name, and members from the outside in, each at least one.
    pub const fn new(paths: Vec<(String, Vec<String>)>) -> Self {
        Self(paths)
    }

    /// Puts each into `attributes`. Such a name means what is at its path and nothing else: where
    /// that is no text and no list of texts, the attribute is absent, whatever the token has under
    /// the name itself.
    pub(super) fn lift(&self, claims: &Map<String, Value>, attributes: &mut BTreeMap<String, Vec<String>>) {
        for (name, path) in &self.0 {
            match find(claims, path).and_then(strings) {
                Some(values) => attributes.insert(name.clone(), values),
                None => attributes.remove(name),
            };
        }
    }
}

fn find<'c>(claims: &'c Map<String, Value>, path: &[String]) -> Option<&'c Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(claims.get(first)?, |value, member| value.as_object()?.get(member))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lifted(path: &[&str], claims: Value) -> Option<Vec<String>> {
        let path = path.iter().map(|member| (*member).to_owned()).collect();
        let paths = AttributePaths::new(vec![("roles".into(), path)]);
        let mut attributes = BTreeMap::from([("roles".into(), vec!["own".into()])]);
        paths.lift(claims.as_object().unwrap(), &mut attributes);
        attributes.remove("roles")
    }

    #[test]
    fn a_path_leads_to_a_text_or_a_list_of_texts() {
        let keycloak =
            json!({"realm_access": {"roles": ["a", "b"]}, "resource_access": {"x.y": {"roles": "c"}}});
        assert_eq!(lifted(&["realm_access", "roles"], keycloak.clone()), Some(vec!["a".into(), "b".into()]));
        assert_eq!(lifted(&["resource_access", "x.y", "roles"], keycloak.clone()), Some(vec!["c".into()]));
        assert_eq!(
            lifted(&["realm_access.roles"], json!({"realm_access.roles": "d"})),
            Some(vec!["d".into()])
        );
        for nowhere in [&["realm_access"][..], &["roles"], &["realm_access", "roles", "a"], &["a", "b"], &[]]
        {
            assert_eq!(lifted(nowhere, keycloak.clone()), None, "{nowhere:?}");
        }
        for other in [json!(7), json!(["a", 7]), json!({"a": "b"}), json!(null), json!(true)] {
            assert_eq!(lifted(&["realm_access", "roles"], json!({"realm_access": {"roles": other}})), None);
        }
        assert_eq!(
            lifted(&["realm_access", "roles"], json!({"realm_access": {"roles": []}})),
            Some(Vec::new())
        );
    }
}
