//! The claims by which a provider sets session tags, source identity and roles (facts 3.5).
//!
//! Read for their form only; whether they may be used is for `policy` to decide.

use serde_json::{Map, Value};

use super::token::strings;
use crate::identity::{Asserted, VerifyCode, VerifyError};

const TAGS: &str = "https://aws.amazon.com/tags";
const FLAT_PRINCIPAL_TAG: &str = "https://aws.amazon.com/tags/principal_tags/";
const FLAT_TRANSITIVE_KEYS: &str = "https://aws.amazon.com/tags/transitive_tag_keys";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";
const ROLES: &str = "https://aws.amazon.com/roles";

/// What `claims` assert about the session.
pub(super) fn read(claims: &Map<String, Value>) -> Result<Asserted, VerifyError> {
    let mut asserted = Asserted::default();
    if let Some(nested) = claims.get(TAGS) {
        nested_tags(nested, &mut asserted)?;
    }
    flattened_tags(claims, &mut asserted)?;
    asserted.source_identity = match claims.get(SOURCE_IDENTITY) {
        None => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => return Err(bad_form("oidc.claim.source_identity", "a string", other)),
    };
    asserted.roles = claims.get(ROLES).map(roles).transpose()?;
    Ok(asserted)
}

fn bad_form(check: &'static str, expected: &str, seen: &Value) -> VerifyError {
    VerifyError::new(VerifyCode::Claim, check, expected, seen.to_string())
}

/// `{"principal_tags": {"Key": ["Value"]}, "transitive_tag_keys": ["Key"]}`.
fn nested_tags(tags: &Value, asserted: &mut Asserted) -> Result<(), VerifyError> {
    let malformed =
        |seen| bad_form("oidc.claim.tags", "an object with `principal_tags` and `transitive_tag_keys`", seen);
    let members = tags.as_object().ok_or_else(|| malformed(tags))?;
    match members.get("principal_tags") {
        None => {}
        Some(Value::Object(pairs)) => {
            for (key, values) in pairs {
                asserted.tags.push((key.clone(), only_value(values)?));
            }
        }
        Some(other) => return Err(malformed(other)),
    }
    if let Some(keys) = members.get("transitive_tag_keys") {
        asserted.transitive_tag_keys.extend(key_list(keys)?);
    }
    Ok(())
}

/// The one element of a tag's list; AWS refuses a bare string here.
fn only_value(values: &Value) -> Result<String, VerifyError> {
    match values.as_array().map(Vec::as_slice) {
        Some([Value::String(value)]) => Ok(value.clone()),
        _ => Err(bad_form("oidc.claim.tags", "a list of one string for each principal tag", values)),
    }
}

fn flattened_tags(claims: &Map<String, Value>, asserted: &mut Asserted) -> Result<(), VerifyError> {
    for (name, value) in claims {
        let Some(key) = name.strip_prefix(FLAT_PRINCIPAL_TAG) else { continue };
        let value = value
            .as_str()
            .ok_or_else(|| bad_form("oidc.claim.tags", "a string for each flattened principal tag", value))?;
        asserted.tags.push((key.to_owned(), value.to_owned()));
    }
    if let Some(keys) = claims.get(FLAT_TRANSITIVE_KEYS) {
        asserted.transitive_tag_keys.extend(key_list(keys)?);
    }
    Ok(())
}

fn key_list(keys: &Value) -> Result<Vec<String>, VerifyError> {
    let list = keys.is_array().then(|| strings(keys)).flatten();
    list.ok_or_else(|| bad_form("oidc.claim.tags", "a list of strings as `transitive_tag_keys`", keys))
}

/// A string, a list, or one string with semicolons between the ARNs.
fn roles(claim: &Value) -> Result<Vec<(String, String)>, VerifyError> {
    let listed = strings(claim)
        .ok_or_else(|| bad_form("oidc.claim.roles", "role ARNs as a string or a list of strings", claim))?;
    let arns = listed.iter().flat_map(|text| text.split(';')).filter(|arn| !arn.is_empty());
    Ok(arns.map(|arn| (arn.to_owned(), String::new())).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(claims: Value) -> Result<Asserted, &'static str> {
        read(claims.as_object().unwrap()).map_err(|error| error.check())
    }

    #[test]
    fn nested_and_flattened_tags_say_the_same() {
        let nested =
            of(json!({TAGS: {"principal_tags": {"team": ["core"]}, "transitive_tag_keys": ["team"]}}));
        let flat = of(json!({format!("{TAGS}/principal_tags/team"): "core", FLAT_TRANSITIVE_KEYS: ["team"]}));
        let expected = Asserted {
            tags: vec![("team".into(), "core".into())],
            transitive_tag_keys: vec!["team".into()],
            ..Asserted::default()
        };
        assert_eq!(nested, Ok(expected.clone()));
        assert_eq!(flat, Ok(expected));
    }

    #[test]
    fn roles_come_in_three_forms() {
        let two = vec![("arn:a".to_owned(), String::new()), ("arn:b".to_owned(), String::new())];
        for form in [json!("arn:a;arn:b"), json!(["arn:a", "arn:b"]), json!("arn:a;arn:b;")] {
            assert_eq!(of(json!({ROLES: form})).unwrap().roles, Some(two.clone()));
        }
        assert_eq!(of(json!({})).unwrap().roles, None);
    }

    #[test]
    fn other_forms_are_refused() {
        for (claims, check) in [
            (json!({TAGS: {"principal_tags": {"team": "core"}}}), "oidc.claim.tags"),
            (json!({TAGS: {"principal_tags": {"team": ["a", "b"]}}}), "oidc.claim.tags"),
            (json!({TAGS: {"principal_tags": {"team": [1]}}}), "oidc.claim.tags"),
            (json!({TAGS: {"principal_tags": ["team"]}}), "oidc.claim.tags"),
            (json!({TAGS: "team"}), "oidc.claim.tags"),
            (json!({TAGS: {"transitive_tag_keys": "team"}}), "oidc.claim.tags"),
            (json!({format!("{TAGS}/principal_tags/team"): ["core"]}), "oidc.claim.tags"),
            (json!({SOURCE_IDENTITY: ["ann"]}), "oidc.claim.source_identity"),
            (json!({ROLES: {"arn": 1}}), "oidc.claim.roles"),
            (json!({ROLES: ["arn:a", 1]}), "oidc.claim.roles"),
        ] {
            assert_eq!(of(claims.clone()), Err(check), "{claims}");
        }
        assert_eq!(of(json!({SOURCE_IDENTITY: "ann"})).unwrap().source_identity.as_deref(), Some("ann"));
    }
}
