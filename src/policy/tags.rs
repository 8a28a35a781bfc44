//! Session tags: where they come from, and what they may be (facts 1.5, 1.7).

use crate::identity::{Asserted, SessionTag};

/// Most tags a session may have.
pub(super) const MAX_TAGS: usize = 50;
/// Longest key in characters.
const MAX_KEY: usize = 128;
/// Longest value in characters.
const MAX_VALUE: usize = 256;

/// What is wrong with the tags. The text of [`TagFault::Duplicate`],
/// [`TagFault::Inherited`] and [`TagFault::NotPassed`] is that of AWS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagFault {
    /// More than 50.
    #[error("{0} session tags are more than {MAX_TAGS}")]
    TooMany(usize),
    /// A key is empty, too long or has a character that tags may not have.
    #[error("{0:?} is no tag key: 1 to {MAX_KEY} letters, digits, blanks or any of _.:/=+-@")]
    Key(String),
    /// The value of this key is too long or has a character that tags may not have.
    #[error("the value of tag {0:?} is not up to {MAX_VALUE} letters, digits, blanks or any of _.:/=+-@")]
    Value(String),
    /// Keys that begin with `aws:` are reserved.
    #[error("tag {0:?} begins with aws:, which is reserved")]
    Reserved(String),
    /// Two keys differ in case at most.
    #[error("Duplicate tag keys found. Please note that Tag keys are case insensitive.")]
    Duplicate,
    /// A tag that goes along with the calling session already.
    #[error(
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."
    )]
    Inherited,
    /// A transitive key without its tag.
    #[error("The specified transitive tag key must be included in the requested tags.")]
    NotPassed,
}

/// The tags of a rule and those that the provider asserted. Where both set a key, the rule's
/// value stays. An asserted transitive key without its tag is a fault.
pub(super) fn merged(mut tags: Vec<SessionTag>, asserted: &Asserted) -> (Vec<SessionTag>, Option<TagFault>) {
    let keys = &asserted.transitive_tag_keys;
    let passed = |key: &String| asserted.tags.iter().any(|(tag, _)| same_key(tag, key));
    let fault = keys.iter().any(|key| !passed(key)).then_some(TagFault::NotPassed);
    let of_rule = tags.len();
    for (key, value) in &asserted.tags {
        if tags[..of_rule].iter().any(|tag| same_key(&tag.key, key)) {
            continue;
        }
        let transitive = keys.iter().any(|name| same_key(name, key));
        tags.push(SessionTag { key: key.clone(), value: value.clone(), transitive });
    }
    (tags, fault)
}

/// The tags that a caller passes, with those of its session that go along: it may not set those anew.
pub(super) fn inherited(passed: &[SessionTag], session: &[SessionTag]) -> Result<Vec<SessionTag>, TagFault> {
    let along = session.iter().filter(|tag| tag.transitive);
    if along.clone().any(|tag| passed.iter().any(|own| same_key(&own.key, &tag.key))) {
        return Err(TagFault::Inherited);
    }
    Ok(along.chain(passed).cloned().collect())
}

/// Checks number, keys and values.
pub(super) fn check(tags: &[SessionTag]) -> Result<(), TagFault> {
    if tags.len() > MAX_TAGS {
        return Err(TagFault::TooMany(tags.len()));
    }
    for (index, SessionTag { key, value, .. }) in tags.iter().enumerate() {
        check_key(key)?;
        if value.chars().count() > MAX_VALUE || !value.chars().all(is_tag_char) {
            return Err(TagFault::Value(key.clone()));
        }
        if tags[..index].iter().any(|tag| same_key(&tag.key, key)) {
            return Err(TagFault::Duplicate);
        }
    }
    Ok(())
}

/// Checks one key.
pub(super) fn check_key(key: &str) -> Result<(), TagFault> {
    if key.is_empty() || key.chars().count() > MAX_KEY || !key.chars().all(is_tag_char) {
        return Err(TagFault::Key(key.to_owned()));
    }
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return Err(TagFault::Reserved(key.to_owned()));
    }
    Ok(())
}

/// Whether two keys are the same tag.
pub(super) fn same_key(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`. Alphabetic marks count as letters, a little more than AWS's
/// pattern says; control characters never do.
fn is_tag_char(c: char) -> bool {
    let is_separator = matches!(
        c,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    );
    c.is_alphanumeric() || is_separator || "_.:/=+-@".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> SessionTag {
        SessionTag { key: key.to_owned(), value: value.to_owned(), transitive: false }
    }

    #[test]
    fn limits() {
        for (tags, expected) in [
            (vec![], Ok(())),
            (vec![tag("team", "")], Ok(())),
            (vec![tag("équipe 7", "a/b:c=d+e@f.g-h_i")], Ok(())),
            (vec![tag(&"k".repeat(128), &"v".repeat(256))], Ok(())),
            (vec![tag("", "v")], Err(TagFault::Key(String::new()))),
            (vec![tag(&"k".repeat(129), "v")], Err(TagFault::Key("k".repeat(129)))),
            (vec![tag("a*", "v")], Err(TagFault::Key("a*".to_owned()))),
            (vec![tag("k", &"v".repeat(257))], Err(TagFault::Value("k".to_owned()))),
            (vec![tag("k", "a\nb")], Err(TagFault::Value("k".to_owned()))),
            (vec![tag("k", "a,b")], Err(TagFault::Value("k".to_owned()))),
            (vec![tag("AWS:team", "v")], Err(TagFault::Reserved("AWS:team".to_owned()))),
            (vec![tag("Team", "a"), tag("team", "b")], Err(TagFault::Duplicate)),
            ((0..50).map(|n| tag(&format!("k{n}"), "v")).collect(), Ok(())),
            ((0..51).map(|n| tag(&format!("k{n}"), "v")).collect(), Err(TagFault::TooMany(51))),
        ] {
            assert_eq!(check(&tags), expected, "{tags:?}");
        }
    }

    #[test]
    fn a_rules_tag_outweighs_an_asserted_one() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let asserted = Asserted {
            tags: vec![pair("TEAM", "forged"), pair("cost", "7"), pair("Cost", "8")],
            transitive_tag_keys: vec!["COST".to_owned()],
            ..Asserted::default()
        };
        let (tags, fault) = merged(vec![tag("team", "red")], &asserted);
        let transitive = |key, value| SessionTag { transitive: true, ..tag(key, value) };
        assert_eq!(tags, [tag("team", "red"), transitive("cost", "7"), transitive("Cost", "8")]);
        assert_eq!((fault, check(&tags)), (None, Err(TagFault::Duplicate)));
        let alone = Asserted { transitive_tag_keys: vec!["x".to_owned()], ..Asserted::default() };
        assert_eq!(merged(vec![tag("x", "y")], &alone).1, Some(TagFault::NotPassed));
    }
}
