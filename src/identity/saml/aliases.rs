//! Short names for attributes, so that a rule may say `attr.mail` where the provider sends
//! `urn:oid:0.9.2342.19200300100.1.3`.
//!
//! An attribute is what its `Name` says. Besides, it goes by its usual short name, from the
//! table below, and by the `FriendlyName` that it came with. A `FriendlyName` is no more than a
//! courtesy of whoever wrote it (SAML Core 2.7.3.1), and a provider may pass on what others
//! wrote, so it gives way:
//!
//! - What is an attribute's `Name` in the assertion means that attribute alone.
//! - A short name of the table means the attributes that the table gives it to, whether they
//!   are there or not; no `FriendlyName` takes it.
//! - What could be a full `Name`, a URI or an OID, is no short name: a rule that spells a `Name`
//!   out is never answered by a `FriendlyName`.
//! - What several attributes could go by means none of them, and asking for it is an error.
//!   Their values are never put together.
//!
//! Only rules see these names: roles, tags and condition keys are read by `Name`.

use std::collections::BTreeMap;

use super::claims::Attributes;
use super::names::ASSERTION;
use super::xml::Element;

/// Short names by `Name`, X.500 ones without `urn:oid:`. A short name is LDAP's where LDAP has
/// one, so that a rule fits directories and Microsoft's services alike.
const SHORT_NAMES: &[(&str, &str)] = &[
    // RFC 4519, RFC 4524, RFC 2798.
    ("0.9.2342.19200300100.1.1", "uid"),
    ("0.9.2342.19200300100.1.3", "mail"),
    ("2.5.4.3", "cn"),
    ("2.5.4.4", "sn"),
    ("2.5.4.10", "o"),
    ("2.5.4.11", "ou"),
    ("2.5.4.12", "title"),
    ("2.5.4.20", "telephoneNumber"),
    ("2.5.4.42", "givenName"),
    ("2.16.840.1.113730.3.1.2", "departmentNumber"),
    ("2.16.840.1.113730.3.1.3", "employeeNumber"),
    ("2.16.840.1.113730.3.1.4", "employeeType"),
    ("2.16.840.1.113730.3.1.39", "preferredLanguage"),
    ("2.16.840.1.113730.3.1.241", "displayName"),
    // eduPerson 202208, eduMember, SCHAC, SAML subject identifiers.
    ("1.3.6.1.4.1.5923.1.1.1.1", "eduPersonAffiliation"),
    ("1.3.6.1.4.1.5923.1.1.1.2", "eduPersonNickname"),
    ("1.3.6.1.4.1.5923.1.1.1.3", "eduPersonOrgDN"),
    ("1.3.6.1.4.1.5923.1.1.1.4", "eduPersonOrgUnitDN"),
    ("1.3.6.1.4.1.5923.1.1.1.5", "eduPersonPrimaryAffiliation"),
    ("1.3.6.1.4.1.5923.1.1.1.6", "eduPersonPrincipalName"),
    ("1.3.6.1.4.1.5923.1.1.1.7", "eduPersonEntitlement"),
    ("1.3.6.1.4.1.5923.1.1.1.8", "eduPersonPrimaryOrgUnitDN"),
    ("1.3.6.1.4.1.5923.1.1.1.9", "eduPersonScopedAffiliation"),
    ("1.3.6.1.4.1.5923.1.1.1.10", "eduPersonTargetedID"),
    ("1.3.6.1.4.1.5923.1.1.1.11", "eduPersonAssurance"),
    ("1.3.6.1.4.1.5923.1.1.1.13", "eduPersonUniqueId"),
    ("1.3.6.1.4.1.5923.1.1.1.16", "eduPersonOrcid"),
    ("1.3.6.1.4.1.5923.1.5.1.1", "isMemberOf"),
    ("1.3.6.1.4.1.25178.1.2.9", "schacHomeOrganization"),
    ("urn:oasis:names:tc:SAML:attribute:subject-id", "subject-id"),
    ("urn:oasis:names:tc:SAML:attribute:pairwise-id", "pairwise-id"),
    // AD FS and Entra ID.
    ("http://schemas.xmlsoap.org/claims/CommonName", "cn"),
    ("http://schemas.xmlsoap.org/claims/Group", "groups"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "mail"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "givenName"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "name"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "sn"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", "upn"),
    ("http://schemas.microsoft.com/identity/claims/displayname", "displayName"),
    ("http://schemas.microsoft.com/identity/claims/objectidentifier", "objectidentifier"),
    ("http://schemas.microsoft.com/identity/claims/tenantid", "tenantid"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", "groups"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "role"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname", "windowsaccountname"),
];

/// The short names that the attributes of a verified assertion go by, each with the `Name` that
/// it means; `None` where it could mean several. At most two for each `Attribute` element.
pub(super) fn of(assertion: Element<'_, '_>, attributes: &Attributes) -> BTreeMap<String, Option<String>> {
    let statements = assertion.children_named(ASSERTION, "AttributeStatement");
    let friendly = statements.flat_map(Element::children).filter_map(|attribute| {
        let (name, friendly) = (attribute.attribute("Name")?, attribute.attribute("FriendlyName")?);
        let is_taken = SHORT_NAMES.iter().any(|(_, short)| *short == friendly);
        (is_short(friendly) && !is_taken).then_some((friendly, name))
    });
    let usual = attributes.keys().filter_map(|name| Some((short_name(name)?, name.as_str())));
    let mut aliases = BTreeMap::new();
    for (alias, name) in usual.chain(friendly).filter(|(alias, _)| !attributes.contains_key(*alias)) {
        let means: &mut Option<String> =
            aliases.entry(alias.to_owned()).or_insert_with(|| Some(name.to_owned()));
        if means.as_deref() != Some(name) {
            *means = None;
        }
    }
    aliases
}

fn is_short(friendly: &str) -> bool {
    !friendly.contains(':') && friendly.starts_with(|first: char| !first.is_ascii_digit())
}

/// The usual short name of an attribute.
fn short_name(name: &str) -> Option<&'static str> {
    let oid = name.strip_prefix("urn:oid:").filter(|oid| oid.starts_with(|c: char| c.is_ascii_digit()));
    let bare = oid.unwrap_or(name);
    SHORT_NAMES.iter().find(|(known, _)| *known == bare).map(|(_, short)| *short)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::claims;
    use super::super::xml::{RESPONSE, parse};
    use super::*;

    const MAIL: &str = "urn:oid:0.9.2342.19200300100.1.3";
    const ENTRA_MAIL: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";

    /// The aliases of attributes with these names and friendly names.
    fn aliases(attributes: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
        let attribute = |(name, friendly): &(&str, &str)| {
            let friendly =
                if friendly.is_empty() { String::new() } else { format!(" FriendlyName='{friendly}'") };
            format!("<Attribute Name='{name}'{friendly}><AttributeValue>v</AttributeValue></Attribute>")
        };
        let attributes: String = attributes.iter().map(attribute).collect();
        let document = format!(
            "<Assertion xmlns='{ASSERTION}'><AttributeStatement>{attributes}</AttributeStatement></Assertion>"
        );
        let tree = parse(&document, &RESPONSE).unwrap();
        let assertion = tree.root().unwrap();
        of(assertion, &claims::attributes(assertion).unwrap()).into_iter().collect()
    }

    /// Each line: attributes, and the aliases that come of them (`?` could be several).
    #[test]
    fn an_alias_gives_way() {
        for (what, attributes, expected) in [
            ("the usual name", &[(MAIL, "")][..], &[("mail", MAIL)][..]),
            ("without its prefix", &[("2.5.4.42", "")], &[("givenName", "2.5.4.42")]),
            ("no number", &[("urn:oid:http://schemas.xmlsoap.org/claims/Group", "")], &[]),
            ("a friendly name", &[("urn:x:1", "team")], &[("team", "urn:x:1")]),
            ("both", &[(MAIL, "E-Mail")], &[("E-Mail", MAIL), ("mail", MAIL)]),
            ("its usual name is its friendly one", &[(MAIL, "mail")], &[("mail", MAIL)]),
            ("its own name", &[("team", "team")], &[]),
            ("the name of another", &[("urn:x:1", "team"), ("team", "")], &[]),
            ("the name of another that came first", &[("team", ""), ("urn:x:1", "team")], &[]),
            ("the usual name is one's name", &[(MAIL, ""), ("mail", "")], &[]),
            ("the usual name of one that is there", &[(MAIL, ""), ("urn:x:1", "mail")], &[("mail", MAIL)]),
            ("the usual name of one that is not there", &[("urn:x:1", "mail")], &[]),
            ("the usual name of groups", &[("urn:x:1", "groups")], &[]),
            ("one friendly name for two", &[("urn:x:1", "team"), ("urn:x:2", "team")], &[("team", "?")]),
            (
                "one friendly name for two, again",
                &[("urn:x:1", "team"), ("urn:x:2", "team"), ("urn:x:1", "team")],
                &[("team", "?")],
            ),
            ("one usual name for two", &[(MAIL, ""), (ENTRA_MAIL, "")], &[("mail", "?")]),
            ("one in two pieces", &[("urn:x:1", "team"), ("urn:x:1", "team")], &[("team", "urn:x:1")]),
            (
                "two friendly names for one",
                &[("urn:x:1", "team"), ("urn:x:1", "crew")],
                &[("crew", "urn:x:1"), ("team", "urn:x:1")],
            ),
            ("a full name", &[("urn:x:1", "urn:x:2"), ("urn:x:3", "2.5.4.3"), ("urn:x:4", "https://x")], &[]),
            ("the case counts", &[("urn:x:1", "Mail")], &[("Mail", "urn:x:1")]),
        ] {
            let known = |(alias, name): &(&str, &str)| {
                ((*alias).to_owned(), Some((*name).to_owned()).filter(|name| name != "?"))
            };
            assert_eq!(aliases(attributes), expected.iter().map(known).collect::<Vec<_>>(), "{what}");
        }
    }

    #[test]
    fn the_table_names_everything_once() {
        let names: BTreeSet<_> = SHORT_NAMES.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), SHORT_NAMES.len());
        for (name, short) in SHORT_NAMES {
            assert_eq!(short_name(name), Some(*short));
            let is_oid = name.starts_with(|c: char| c.is_ascii_digit());
            assert_eq!(short_name(&format!("urn:oid:{name}")), is_oid.then_some(*short), "{name}");
            assert_eq!(short_name(short), None, "{short} is a Name");
        }
    }
}
