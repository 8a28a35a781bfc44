//! What a verified assertion says: subject, attributes, and what AWS reads from them
//! (facts 2.1).
//!
//! Values stay as they were sent, white space included. Only where AWS's own attributes have no
//! place for it (`Role`, `RoleSessionName`, `SessionDuration`, `SourceIdentity`), what stands
//! around a value is taken off: some providers write their XML in lines. A tag may begin or end
//! with a blank, so tags and their keys are left alone.

use std::collections::BTreeMap;
use std::time::Duration;

use super::conditions::required;
use super::names::ASSERTION;
use super::xml::Element;
use super::{malformed, refused};
use crate::identity::{Asserted, LONGEST_SUBJECT, VerifyCode, VerifyError};

/// The prefix of every attribute that AWS defines.
const AWS: &str = "https://aws.amazon.com/SAML/Attributes/";
/// The one prefix that AWS takes off a `NameID` format (facts 1.5, `SubjectType`).
const FORMAT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:";
/// Names of attributes.
const MAX_ATTRIBUTES: usize = 256;
/// Values of all attributes together.
const MAX_VALUES: usize = 4096;
/// Session tags (facts 1.5).
const MAX_TAGS: usize = 50;
/// 15 minutes to 12 hours (facts 2.1).
const SESSION_SECONDS: std::ops::RangeInclusive<u64> = 900..=43200;

/// Attributes by name, in all their values.
pub(super) type Attributes = BTreeMap<String, Vec<String>>;

/// `NameID` and its format.
pub(super) fn subject(assertion: Element<'_, '_>) -> Result<(String, String), VerifyError> {
    let subject = required(assertion, "Subject", "saml.subject.missing")?;
    let is_known = |child: &Element<'_, '_>| {
        matches!(child.name().local, "NameID" | "SubjectConfirmation") && child.name().namespace == ASSERTION
    };
    let unknown = subject.children().find(|child| !is_known(child)).map(|child| child.name().local);
    if let Some(unknown) = unknown.or_else(|| subject.has_text().then_some("text")) {
        return Err(malformed("saml.subject.child", "NameID and SubjectConfirmation", unknown));
    }
    let mut found = subject.children_named(ASSERTION, "NameID");
    let (Some(name), None) = (found.next(), found.next()) else {
        return Err(malformed("saml.name-id", "one NameID", "none or several"));
    };
    let text = name.text().filter(|text| !text.trim_ascii().is_empty());
    let text = text.ok_or_else(|| malformed("saml.name-id", "text", "none"))?;
    if text.len() > LONGEST_SUBJECT {
        let expected = format!("at most {LONGEST_SUBJECT} bytes");
        return Err(malformed("saml.name-id.length", expected, text.len().to_string()));
    }
    let format = name.attribute("Format").filter(|format| !format.is_empty());
    let format = format.ok_or_else(|| malformed("saml.name-id.format", "a Format", "none"))?;
    Ok((text.to_owned(), format.strip_prefix(FORMAT).unwrap_or(format).to_owned()))
}

/// Every attribute of every statement. An attribute that is stated twice has all its values.
pub(super) fn attributes(assertion: Element<'_, '_>) -> Result<Attributes, VerifyError> {
    let mut attributes = Attributes::new();
    let mut count = 0;
    for statement in assertion.children_named(ASSERTION, "AttributeStatement") {
        for attribute in statement.children() {
            if !attribute.is(ASSERTION, "Attribute") {
                return Err(malformed("saml.attribute", "Attribute", attribute.name().local));
            }
            let name = attribute.attribute("Name").filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| malformed("saml.attribute.name", "a Name", "none"))?;
            let values = values(attribute)?;
            count += values.len();
            attributes.entry(name.to_owned()).or_default().extend(values);
            if attributes.len() > MAX_ATTRIBUTES || count > MAX_VALUES {
                let expected = format!("at most {MAX_ATTRIBUTES} attributes and {MAX_VALUES} values");
                return Err(refused(VerifyCode::Claim, "saml.attribute.count", expected, "more"));
            }
        }
    }
    Ok(attributes)
}

/// The limit on attributes, and what stands against it.
pub(super) fn counted(attributes: &Attributes) -> (String, String) {
    let values: usize = attributes.values().map(Vec::len).sum();
    let expected = format!("at most {MAX_ATTRIBUTES} attributes and {MAX_VALUES} values");
    (expected, format!("{} attributes and {values} values", attributes.len()))
}

/// What the provider asserts about the session itself.
pub(super) fn asserted(attributes: &Attributes, assertion: Element<'_, '_>) -> Result<Asserted, VerifyError> {
    let roles = match all(attributes, "Role") {
        Some(values) => Some(values.iter().map(|v| role(v)).collect::<Result<Vec<_>, _>>()?),
        None => None,
    };
    let session_duration = match single(attributes, "SessionDuration")? {
        Some(text) => Some(duration(text)?),
        None => None,
    };
    Ok(Asserted {
        roles,
        session_name: single(attributes, "RoleSessionName")?.map(trimmed),
        session_duration,
        tags: tags(attributes, assertion)?,
        transitive_tag_keys: all(attributes, "TransitiveTagKeys").unwrap_or_default().to_vec(),
        source_identity: single(attributes, "SourceIdentity")?.map(trimmed),
    })
}

fn values(attribute: Element<'_, '_>) -> Result<Vec<String>, VerifyError> {
    let mut values = Vec::new();
    for element in attribute.children() {
        if !element.is(ASSERTION, "AttributeValue") {
            return Err(malformed("saml.attribute", "AttributeValue", element.name().local));
        }
        // eduPersonTargetedID wraps its value in a NameID, whose qualifiers repeat who speaks to
        // whom. Its value is the text alone.
        let wrapped = || {
            let inner = element.child(ASSERTION, "NameID").filter(|_| element.children().count() == 1);
            inner.filter(|_| !element.has_text()).and_then(Element::text)
        };
        let text = element.text().or_else(wrapped);
        let text = text.ok_or_else(|| malformed("saml.attribute.value", "text or one NameID", "elements"))?;
        values.push(text.to_owned());
    }
    Ok(values)
}

fn all<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a [String]> {
    attributes.get(&format!("{AWS}{name}")).map(Vec::as_slice)
}

fn single<'a>(attributes: &'a Attributes, name: &str) -> Result<Option<&'a str>, VerifyError> {
    match all(attributes, name) {
        None => Ok(None),
        Some([only]) => Ok(Some(only)),
        Some(values) => Err(not_single(name, values.len())),
    }
}

fn trimmed(value: &str) -> String {
    value.trim_ascii().to_owned()
}

/// A role and a provider ARN, whichever comes first. Role names may hold commas and provider names
/// may not, so the comma that counts is the first behind a provider or the last before one.
fn role(value: &str) -> Result<(String, String), VerifyError> {
    let is_role = |arn: &str| arn.starts_with("arn:") && arn.contains(":role/");
    let is_provider = |arn: &str| arn.starts_with("arn:") && arn.contains(":saml-provider/");
    let (first, last) =
        (value.split_once(','), value.rsplit_once(',').map(|(role, provider)| (provider, role)));
    let pairs = [first, last].into_iter().flatten();
    let mut pairs = pairs.map(|(provider, role)| (role.trim_ascii(), provider.trim_ascii()));
    match pairs.find(|(role, provider)| is_role(role) && is_provider(provider)) {
        Some((role, provider)) => Ok((role.to_owned(), provider.to_owned())),
        None => {
            let expected = "a role ARN and a saml-provider ARN, joined by a comma";
            Err(refused(VerifyCode::Claim, "saml.attribute.role", expected, value))
        }
    }
}

fn duration(text: &str) -> Result<Duration, VerifyError> {
    let digits = text.trim_ascii();
    let seconds = digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
    match seconds.filter(|seconds| SESSION_SECONDS.contains(seconds)) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err(refused(VerifyCode::Claim, "saml.attribute.session-duration", "900 to 43200", text)),
    }
}

/// `PrincipalTag:{key}`, each of one value, in the order they were written.
fn tags(attributes: &Attributes, assertion: Element<'_, '_>) -> Result<Vec<(String, String)>, VerifyError> {
    let statements = assertion.children_named(ASSERTION, "AttributeStatement");
    let names = statements.flat_map(Element::children).filter_map(|a| a.attribute("Name"));
    let mut tags = Vec::new();
    for name in names {
        let Some(tag) = name.strip_prefix(AWS) else { continue };
        let Some(key) = tag.strip_prefix("PrincipalTag:") else { continue };
        let value = single(attributes, tag)?.unwrap_or_default();
        tags.push((key.to_owned(), value.to_owned()));
    }
    if tags.len() > MAX_TAGS {
        let expected = format!("at most {MAX_TAGS} tags");
        return Err(refused(VerifyCode::Claim, "saml.attribute.tags", expected, tags.len().to_string()));
    }
    Ok(tags)
}

fn not_single(name: &str, seen: usize) -> VerifyError {
    let expected = format!("one value of {name}");
    refused(VerifyCode::Claim, "saml.attribute.single-value", expected, seen.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_come_in_either_order() {
        let (role_arn, provider) =
            ("arn:aws:iam::111122223333:role/a/b,c", "arn:aws:iam::111122223333:saml-provider/corp");
        let pair = (role_arn.to_owned(), provider.to_owned());
        for value in [
            format!("{role_arn},{provider}"),
            format!("{provider},{role_arn}"),
            format!("  {provider} ,\n {role_arn} "),
        ] {
            assert_eq!(role(&value).unwrap(), pair, "{value}");
        }
        let blank = format!("\u{a0}{role_arn},{provider}");
        for value in ["", role_arn, provider, "a,b", &format!("{role_arn},{role_arn}"), &blank] {
            assert_eq!(role(value).unwrap_err().check(), "saml.attribute.role", "{value}");
        }
    }

    #[test]
    fn durations_are_whole_seconds_in_range() {
        for text in ["900", " 43200 "] {
            assert!(duration(text).is_ok(), "{text}");
        }
        for text in ["899", "43201", "", "+900", "900.0", "99999999999999999999999", "-900"] {
            assert_eq!(duration(text).unwrap_err().check(), "saml.attribute.session-duration", "{text}");
        }
    }
}
