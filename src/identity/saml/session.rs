//! How an assertion, and the `LogoutRequest` that ends what it opened, name a login (SAML Core
//! 2.7.2, 3.7.1).

use super::conditions::required;
use super::malformed;
use super::names::ASSERTION;
use super::xml::Element;
use crate::identity::{LONGEST_SUBJECT, NameId, SamlSession, VerifyError};

/// Sessions that one message names. Providers write one an assertion, and as many in a logout as
/// the person has with us.
const MAX_INDEXES: usize = 16;
/// Longest `SessionIndex`, in bytes. Providers write some 80.
const LONGEST_INDEX: usize = 1024;

/// The session that a verified assertion opens.
pub(super) fn of_assertion(assertion: Element<'_, '_>) -> Result<SamlSession, VerifyError> {
    let subject = required(assertion, "Subject", "saml.subject.missing")?;
    let statements = assertion.children_named(ASSERTION, "AuthnStatement");
    let indexes = statements.filter_map(|statement| statement.attribute("SessionIndex"));
    Ok(SamlSession {
        name_id: name_id(required(subject, "NameID", "saml.name-id")?)?,
        session_indexes: session_indexes(indexes)?,
    })
}

/// Each index once. White space alone is no index.
pub(super) fn session_indexes<'t>(
    written: impl IntoIterator<Item = &'t str>,
) -> Result<Vec<String>, VerifyError> {
    let mut indexes: Vec<String> = Vec::new();
    for index in written.into_iter().map(str::trim_ascii).filter(|index| !index.is_empty()) {
        if index.len() > LONGEST_INDEX {
            let expected = format!("at most {LONGEST_INDEX} bytes");
            return Err(malformed("saml.session-index.length", expected, index.len().to_string()));
        }
        if !indexes.iter().any(|known| known == index) {
            indexes.push(index.to_owned());
        }
        if indexes.len() > MAX_INDEXES {
            let expected = format!("at most {MAX_INDEXES} sessions");
            return Err(malformed("saml.session-index.count", expected, "more"));
        }
    }
    Ok(indexes)
}

/// A `NameID` with everything that qualifies it.
pub(super) fn name_id(element: Element<'_, '_>) -> Result<NameId, VerifyError> {
    let value = element.text().filter(|text| !text.trim_ascii().is_empty());
    let value = value.ok_or_else(|| malformed("saml.name-id", "text", "none"))?;
    let attribute = |name| element.attribute(name).filter(|value| !value.is_empty());
    let (format, name_qualifier) = (attribute("Format"), attribute("NameQualifier"));
    let sp_name_qualifier = attribute("SPNameQualifier");
    let parts = [Some(value), format, name_qualifier, sp_name_qualifier];
    if let Some(long) = parts.into_iter().flatten().find(|part| part.len() > LONGEST_SUBJECT) {
        let expected = format!("at most {LONGEST_SUBJECT} bytes");
        return Err(malformed("saml.name-id.length", expected, long.len().to_string()));
    }
    Ok(NameId {
        value: value.to_owned(),
        format: format.map(str::to_owned),
        name_qualifier: name_qualifier.map(str::to_owned),
        sp_name_qualifier: sp_name_qualifier.map(str::to_owned),
    })
}
