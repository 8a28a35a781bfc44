//! Which attribute feeds which condition key: the table of facts 2.6, row by row.

use super::*;
use crate::identity::testing::IdentityBuilder;

const CORP: &str = "arn:aws:iam::111122223333:saml-provider/corp";

/// The vector of facts 1.5.
#[test]
fn name_qualifiers() {
    let provider = "arn:aws:iam::123456789012:saml-provider/MySAMLIdP".parse().unwrap();
    assert_eq!(name_qualifier("https://example.com/saml", &provider), "1uAJanUnBc2XeUkHURMht+xam2c=");
}

/// Asserts that attributes add exactly `expected` to what policies see of a person.
#[track_caller]
fn check(attributes: &[(&str, &[&str])], expected: impl Fn(&mut RequestContext<'_>)) {
    let person = || IdentityBuilder::saml(CORP, "corp", "ann");
    let with = |builder: IdentityBuilder, (name, values): &(&str, &[&str])| builder.attribute(name, values);
    let (identity, bare) = (attributes.iter().fold(person(), with).build(), person().build());
    let (mut seen, mut wanted) = (RequestContext::new(), RequestContext::new());
    saml(&identity, &mut seen);
    saml(&bare, &mut wanted);
    expected(&mut wanted);
    assert_eq!(seen, wanted, "{attributes:?}");
}

/// Names as facts 2.6 prints them, then as they are registered and sent. `true`: a list.
const ROWS: &[(&str, &str, bool)] = &[
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", "saml:eduPersonAffiliation", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.2", "saml:eduPersonNickname", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.3", "saml:eduPersonOrgDN", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.4", "saml:eduPersonOrgUnitDN", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.5", "saml:eduPersonPrimaryAffiliation", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "saml:eduPersonPrincipalName", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.7", "saml:eduPersonEntitlement", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.8", "saml:eduPersonPrimaryOrgUnitDN", false),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.9", "saml:eduPersonScopedAffiliation", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "saml:eduPersonTargetedID", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.11", "saml:eduPersonAssurance", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.2", "saml:eduOrgHomePageURI", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.3", "saml:eduOrgIdentityAuthNPolicyURI", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.4", "saml:eduOrgLegalName", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.5", "saml:eduOrgSuperiorURI", true),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.6", "saml:eduOrgWhitePagesURI", true),
    ("urn:oid:2.5.4.3", "saml:cn", true),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "saml:name", false),
    ("http://schemas.xmlsoap.org/claims/CommonName", "saml:commonName", false),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "saml:givenName", false),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "saml:surname", false),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "saml:mail", false),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid", "saml:uid", false),
    ("2.5.4.3", "saml:commonName", false),
    ("2.5.4.4", "saml:surname", false),
    ("2.4.5.42", "saml:givenName", false),
    ("2.5.4.45", "saml:x500UniqueIdentifier", false),
    ("0.9.2342.19200300100.1.1", "saml:uid", false),
    ("0.9.2342.19200300100.1.3", "saml:mail", false),
    ("0.9.2342.19200300.100.1.45", "saml:organizationStatus", false),
    ("2.5.4.42", "saml:givenName", false),
    ("0.9.2342.19200300100.1.45", "saml:organizationStatus", false),
    ("urn:oid:2.5.4.4", "saml:surname", false),
    ("urn:oid:2.5.4.42", "saml:givenName", false),
    ("urn:oid:2.5.4.45", "saml:x500UniqueIdentifier", false),
    ("urn:oid:0.9.2342.19200300100.1.1", "saml:uid", false),
    ("urn:oid:0.9.2342.19200300100.1.3", "saml:mail", false),
    ("urn:oid:0.9.2342.19200300100.1.45", "saml:organizationStatus", false),
];

#[test]
fn one_attribute_feeds_one_key() {
    for (name, key, list) in ROWS {
        let several = |context: &mut RequestContext<'_>, values: [&'static str; 2]| {
            if *list {
                context.set_all(*key, values);
            } else {
                context.set_undecided(*key);
            }
        };
        check(&[(name, &["a"])], |context| context.set(*key, "a"));
        check(&[(name, &["b", "a"])], |context| several(context, ["b", "a"]));
        check(&[(name, &[])], |_| {});
    }
    let fed = SAML_LISTS.len() + SAML_SINGLES.iter().map(|(_, sources)| sources.len()).sum::<usize>();
    assert_eq!(fed, ROWS.len());
}

/// Every pair of attributes that feed one key.
#[test]
fn attributes_that_disagree_decide_nothing() {
    let singles = || ROWS.iter().filter(|(.., list)| !list);
    let pairs = singles().flat_map(|one| singles().map(move |other| (one, other)));
    let mut shared = 0;
    for ((one, key, _), (other, ..)) in pairs.filter(|(one, other)| one.1 == other.1 && one.0 != other.0) {
        check(&[(one, &["a"]), (other, &["a"])], |context| context.set(*key, "a"));
        check(&[(one, &["a", "a"])], |context| context.set(*key, "a"));
        check(&[(one, &["a"]), (other, &[])], |context| context.set(*key, "a"));
        check(&[(one, &["a"]), (other, &["b"])], |context| context.set_undecided(*key));
        shared += 1;
    }
    assert_eq!(shared, 40);
}

#[test]
fn no_other_name_feeds_a_key() {
    for name in [
        "mail",
        "saml:mail",
        "eduPersonAffiliation",
        "1.3.6.1.4.1.5923.1.1.1.1",
        "urn:OID:1.3.6.1.4.1.5923.1.1.1.1",
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.12",
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.1 ",
        "urn:oid:2.4.5.42",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/EmailAddress",
        "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
    ] {
        check(&[(name, &["a"])], |_| {});
    }
}

/// Whoever is warned that no request has a key must be able to rely on it: everything that a call has
/// is known to `may_have`, of one protocol and not of the other.
#[test]
fn every_key_of_a_call_is_one_that_it_may_have() {
    let github = "https://token.actions.githubusercontent.com";
    let known = issuers::by_issuer(github).unwrap();
    let mut claims = serde_json::json!({"sub": "x", "aud": "sts", "azp": "a", "amr": ["pwd"], "email": "e"});
    known.claims.iter().for_each(|claim| claims[*claim] = "x".into());
    let token = IdentityBuilder::oidc(
        "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
        "github",
        github,
        claims,
    );
    let person = IdentityBuilder::saml(CORP, "corp", "ann");
    let person = ROWS.iter().fold(person, |person, (name, ..)| person.attribute(name, &["a"]));
    let role = "arn:aws:iam::111122223333:role/Deploy".parse().unwrap();
    let tags = [crate::identity::SessionTag { key: "Team".into(), value: "red".into(), transitive: true }];
    for (identity, issuer, other) in
        [(token.build(), Some(github), None), (person.build(), None, Some(github))]
    {
        let question = TrustQuestion {
            identity: &identity,
            role: &role,
            session_name: "ann",
            source_identity: Some("ann"),
            tags: &tags,
            duration: std::time::Duration::from_secs(3600),
            source_ip: Some("192.0.2.7".parse().unwrap()),
            at: crate::clock::Moment::from_unix(1_893_456_000),
        };
        let context = context(&question);
        let seen: Vec<_> = context.iter().map(|(key, _)| key.to_owned()).collect();
        assert!(seen.len() > 20, "{seen:?}");
        let unknown: Vec<_> = seen.iter().filter(|key| !may_have(issuer, key)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        // And nothing is known that no call has.
        let never: Vec<_> = (keys(issuer).iter().map(|key| key.to_lowercase()))
            .filter(|known| {
                !seen.iter().any(|key| key == known || known.ends_with('/') && key.starts_with(known))
            })
            .collect();
        assert!(never.is_empty(), "{never:?}");
        let both = seen.iter().filter(|key| may_have(other, key)).count();
        assert_eq!(both, CALL.len());
    }
}
