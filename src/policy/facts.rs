//! What a trust policy may ask about: the condition keys of a federated call.
//!
//! SAML keys are those of facts 2.6, OIDC keys those of 3.6. Attributes and claims without a
//! key of their own are not visible to policies; rules see them. An attribute is known by its
//! `Name`, to the letter: a `FriendlyName` says nothing here.
//!
//! A SAML key of one value for which several arrive, by one attribute or by several that feed
//! the same key, is undecided ([`RequestContext::set_undecided`]); the same value twice is one.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use aws_lc_rs::digest;
use serde_json::Value as Json;

use super::iam::RequestContext;
use super::issuers;
use super::trust::TrustQuestion;
use crate::arn::ProviderArn;
use crate::identity::{FederatedIdentity, Protocol, SessionTag};

/// SAML attributes whose values all stand under a condition key.
const SAML_LISTS: &[(&str, &str)] = &[
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", "saml:edupersonaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.2", "saml:edupersonnickname"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.4", "saml:edupersonorgunitdn"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.7", "saml:edupersonentitlement"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.9", "saml:edupersonscopedaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "saml:edupersontargetedid"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.11", "saml:edupersonassurance"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.2", "saml:eduorghomepageuri"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.3", "saml:eduorgidentityauthnpolicyuri"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.4", "saml:eduorglegalname"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.5", "saml:eduorgsuperioruri"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.6", "saml:eduorgwhitepagesuri"),
    ("urn:oid:2.5.4.3", "saml:cn"),
];

/// Condition keys of one value, and the attributes that may feed them. X.500 names stand as AWS
/// prints them, as they are registered where the two differ, and with `urn:oid:` in front, as
/// providers send them; `urn:oid:2.5.4.3` is `saml:cn`.
const SAML_SINGLES: &[(&str, &[&str])] = &[
    ("saml:edupersonorgdn", &["urn:oid:1.3.6.1.4.1.5923.1.1.1.3"]),
    ("saml:edupersonprimaryaffiliation", &["urn:oid:1.3.6.1.4.1.5923.1.1.1.5"]),
    ("saml:edupersonprincipalname", &["urn:oid:1.3.6.1.4.1.5923.1.1.1.6"]),
    ("saml:edupersonprimaryorgunitdn", &["urn:oid:1.3.6.1.4.1.5923.1.1.1.8"]),
    ("saml:name", &["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"]),
    ("saml:commonname", &["http://schemas.xmlsoap.org/claims/CommonName", "2.5.4.3"]),
    (
        "saml:givenname",
        &[
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
            "2.4.5.42",
            "2.5.4.42",
            "urn:oid:2.5.4.42",
        ],
    ),
    (
        "saml:surname",
        &["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "2.5.4.4", "urn:oid:2.5.4.4"],
    ),
    (
        "saml:mail",
        &[
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
            "0.9.2342.19200300100.1.3",
            "urn:oid:0.9.2342.19200300100.1.3",
        ],
    ),
    (
        "saml:uid",
        &[
            "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid",
            "0.9.2342.19200300100.1.1",
            "urn:oid:0.9.2342.19200300100.1.1",
        ],
    ),
    ("saml:x500uniqueidentifier", &["2.5.4.45", "urn:oid:2.5.4.45"]),
    (
        "saml:organizationstatus",
        &["0.9.2342.19200300.100.1.45", "0.9.2342.19200300100.1.45", "urn:oid:0.9.2342.19200300100.1.45"],
    ),
];

/// Claims that every issuer's tokens show to policies, besides `sub`, `aud` and `oaud`; those of
/// well-known issuers stand in `issuers`.
const OIDC_CLAIMS: &[&str] = &["amr", "azp", "email"];

/// `Base64(SHA1(Issuer + AccountId + "/" + ProviderName))`: what AWS calls the name qualifier of
/// a SAML subject (facts 1.5). SHA-1 is no protection here, merely the name's definition.
pub fn name_qualifier(issuer: &str, provider: &ProviderArn) -> String {
    let text = format!("{issuer}{}/{}", provider.account(), provider.name());
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    base64_simd::STANDARD.encode_to_string(hash.as_ref())
}

/// Keys of every call; those that end with a slash go on with a tag's key.
const CALL: &[&str] = &[
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:PrincipalAccount",
    "aws:PrincipalType",
    "aws:RequestTag/",
    "aws:SourceIp",
    "aws:TagKeys",
    "aws:userid",
    "sts:DurationSeconds",
    "sts:RoleSessionName",
    "sts:SourceIdentity",
    "sts:TransitiveTagKeys",
];

/// Keys of every SAML call besides those of attributes.
const SAML: &[&str] =
    &["saml:aud", "saml:doc", "saml:iss", "saml:namequalifier", "saml:sub", "saml:sub_type"];

/// An issuer without its scheme, as ARNs and condition keys name it.
pub(super) fn host(issuer: &str) -> &str {
    issuer.split_once("://").map_or(issuer, |(_, rest)| rest)
}

/// The keys that a call can have: by a token of `issuer`, or without one by SAML.
pub(super) fn keys(issuer: Option<&str>) -> Vec<String> {
    let call = CALL.iter().map(|key| (*key).to_owned());
    match issuer {
        None => {
            let attributes =
                SAML_LISTS.iter().map(|(_, key)| key).chain(SAML_SINGLES.iter().map(|(key, _)| key));
            SAML.iter().chain(attributes).map(|key| (*key).to_owned()).chain(call).collect()
        }
        Some(issuer) => {
            let shared = issuers::by_issuer(issuer).map_or(&[][..], |known| known.claims);
            let claims = ["sub", "aud", "oaud"].iter().chain(OIDC_CLAIMS).chain(shared);
            let of_issuer = claims.map(|claim| format!("{}:{claim}", host(issuer)));
            of_issuer.chain([String::from("sts:RoleAuthorizedByIdp")]).chain(call).collect()
        }
    }
}

/// Whether a call can have `key`: by a token of `issuer`, or without one by SAML.
pub(super) fn may_have(issuer: Option<&str>, key: &str) -> bool {
    let key = key.to_lowercase();
    keys(issuer).iter().map(|known| known.to_lowercase()).any(|known| match known.strip_suffix('/') {
        Some(tags) => key.strip_prefix(tags).is_some_and(|rest| rest.starts_with('/')),
        None => known == key,
    })
}

/// Everything that a trust policy may ask about this call.
pub(super) fn context<'a>(question: &'a TrustQuestion<'a>) -> RequestContext<'a> {
    let mut context = RequestContext::new();
    call(question, &mut context);
    tags(question.tags, &mut context);
    match question.identity.protocol() {
        Protocol::Saml => saml(question.identity, &mut context),
        Protocol::Oidc => oidc(question, &mut context),
    }
    context
}

/// The call itself, and the principal as AWS shows it in unsigned calls (facts 2.6): no
/// `aws:PrincipalArn`, no `aws:username`.
fn call<'a>(question: &'a TrustQuestion<'a>, context: &mut RequestContext<'a>) {
    let provider = question.identity.provider();
    context.set("aws:principalaccount", provider.account().to_string());
    context.set("aws:principaltype", "User");
    context.set("aws:userid", provider.as_str());
    context.set("aws:currenttime", question.at.to_rfc3339());
    context.set("aws:epochtime", question.at.unix().to_string());
    context.set("sts:rolesessionname", question.session_name);
    context.set("sts:durationseconds", question.duration.as_secs().to_string());
    if let Some(source_identity) = question.source_identity {
        context.set("sts:sourceidentity", source_identity);
    }
    address(question.source_ip, context);
}

/// Where any call comes from.
pub(super) fn address(source_ip: Option<IpAddr>, context: &mut RequestContext<'_>) {
    if let Some(address) = source_ip {
        context.set("aws:sourceip", address.to_canonical().to_string());
    }
}

/// The session tags that any call sets.
pub(super) fn tags<'a>(tags: &'a [SessionTag], context: &mut RequestContext<'a>) {
    for tag in tags {
        context.set(["aws:requesttag/", &tag.key].concat(), tag.value.as_str());
    }
    context.set_all("aws:tagkeys", tags.iter().map(|tag| tag.key.as_str()));
    let transitive = tags.iter().filter(|tag| tag.transitive);
    context.set_all("sts:transitivetagkeys", transitive.map(|tag| tag.key.as_str()));
}

fn saml<'a>(identity: &'a FederatedIdentity, context: &mut RequestContext<'a>) {
    let provider = identity.provider();
    context.set("saml:aud", identity.audience());
    context.set("saml:iss", identity.issuer());
    context.set("saml:sub", identity.subject());
    context.set("saml:doc", format!("{}/{}", provider.account(), provider.name()));
    context.set("saml:namequalifier", name_qualifier(identity.issuer(), provider));
    if let Some(subject_type) = identity.subject_type() {
        context.set("saml:sub_type", subject_type);
    }
    for (attribute, key) in SAML_LISTS {
        if let Some(values) = identity.attributes().get(*attribute) {
            context.set_all(*key, values.iter().map(String::as_str));
        }
    }
    for (key, sources) in SAML_SINGLES {
        let values = sources.iter().filter_map(|source| identity.attributes().get(*source)).flatten();
        let values: BTreeSet<_> = values.map(String::as_str).collect();
        match values.first() {
            Some(value) if values.len() == 1 => context.set(*key, *value),
            Some(_) => context.set_undecided(*key),
            None => {}
        }
    }
}

fn oidc<'a>(question: &'a TrustQuestion<'a>, context: &mut RequestContext<'a>) {
    let identity = question.identity;
    let issuer = host(identity.issuer());
    let key = |claim: &str| [issuer, ":", claim].concat();
    context.set(key("sub"), identity.subject());
    context.set(key("aud"), identity.audience());
    let by_idp = question.identity.asserted().roles.iter().flatten();
    let named = by_idp.into_iter().any(|(role, _)| role == question.role.as_str());
    context.set("sts:roleauthorizedbyidp", if named { "true" } else { "false" });
    let Some(claims) = identity.claims() else { return };
    let shared = issuers::by_issuer(identity.issuer()).map_or(&[][..], |known| known.claims);
    for name in OIDC_CLAIMS.iter().chain(shared) {
        if let Some(claim) = claims.get(*name) {
            context.set_all(key(name), texts(claim));
        }
    }
    context.set_all(key("oaud"), claims.get("aud").map(texts).unwrap_or_default());
}

/// The text of a claim, or of each item of a list; objects have none.
fn texts(claim: &Json) -> Vec<Cow<'_, str>> {
    match claim {
        Json::String(text) => vec![Cow::Borrowed(text)],
        Json::Bool(_) | Json::Number(_) => vec![Cow::Owned(claim.to_string())],
        Json::Array(items) => items.iter().filter(|item| !item.is_array()).flat_map(texts).collect(),
        Json::Null | Json::Object(_) => Vec::new(),
    }
}

#[cfg(test)]
#[path = "facts_tests.rs"]
mod tests;
