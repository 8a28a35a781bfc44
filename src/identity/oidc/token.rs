//! What an ID token must say (OpenID Connect Core 3.1.3.7, with AWS's rules where they differ:
//! facts 3.3), and what a [`FederatedIdentity`] is then made of.
//!
//! [`check`], then [`identity`], are called with claims of the provider's issuer whose signature was
//! verified, and nowhere else. Missing claims are reported in AWS's order, before anything else is.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::facts::Trace;
use super::further::FurtherClaims;
use super::jws::Kind;
use super::session::Names;
use super::{OidcSettings, asserted, logout};
use crate::clock::Moment;
use crate::identity::authentication::AuthnStatements;
use crate::identity::{
    FederatedIdentity, LONGEST_SUBJECT, OneTime, Protocol, Verified, VerifyCode, VerifyError,
};

/// Claims without which a token is refused, in the order in which AWS reports them (facts 3.3).
const REQUIRED: [&str; 5] = ["iss", "sub", "aud", "iat", "exp"];

/// What is expected of one token beyond the provider's settings.
pub(super) struct Expected<'a> {
    /// The clients that the token may be meant for.
    pub(super) client_ids: &'a [String],
    /// The nonce of the login that asked for it.
    pub(super) nonce: Option<&'a str>,
    /// Now.
    pub(super) at: Moment,
}

/// Bytes of a `jti`.
const LONGEST_ID: usize = 1024;

/// Who and for whom, of a token that passed every check.
pub(super) struct Checked {
    /// `sub`
    pub(super) subject: String,
    /// `azp`, or the only `aud`.
    pub(super) audience: String,
    /// Whether it is an access token.
    pub(super) by_access_token: bool,
    /// `iat`
    pub(super) issued: Moment,
    /// How it is claimed, where the provider's tokens are good once.
    pub(super) one_time: Option<OneTime>,
}

/// Names the check that authenticated `claims` of a token of this `kind` fail.
pub(super) fn check(
    claims: &Map<String, Value>,
    kind: Kind,
    settings: &OidcSettings,
    expected: &Expected<'_>,
    trace: &Trace,
) -> Result<Checked, VerifyError> {
    logout::refuse_logout_token(claims)?;
    check_present(claims)?;
    let takes_access = settings.access_tokens && expected.nonce.is_none();
    let by_access_token =
        trace.looked("oidc.kind", check_kind(claims, kind, takes_access), true, |is_access| {
            let wanted = if takes_access { "an ID token or access token" } else { "an ID token" };
            let seen = if *is_access { "an access token" } else { "nothing that shows another" };
            (wanted.to_owned(), seen.to_owned())
        })?;
    trace.looked("oidc.cnf", refuse_bound(claims), (), |()| said("a bearer token", "no `cnf`"))?;
    let subject = subject(claims)?;
    let audience =
        trace.looked("oidc.audience", audience_among(claims, expected), String::new(), |audience| {
            (expected.client_ids.join(", "), audience.clone())
        })?;
    check_for_this_login(claims, expected)?;
    check_nonce(claims, expected.nonce)?;
    let times = check_times(claims, settings, expected.at);
    let expires = trace.looked("oidc.expired", times, None, |until| {
        let until =
            until.map_or_else(|| "always".to_owned(), |until| format!("good until {until}, with the skew"));
        (format!("good at {}", expected.at), until)
    })?;
    let one_time = if settings.one_time { Some(one_time(claims, settings, expires)?) } else { None };
    let issued = timestamp(claims, "iat")?.map_or(expected.at, Moment::from_unix);
    Ok(Checked { subject, audience, by_access_token, issued, one_time })
}

fn said(expected: &str, seen: &str) -> (String, String) {
    (expected.to_owned(), seen.to_owned())
}

/// The audience, which must be one of the clients that are expected.
fn audience_among(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<String, VerifyError> {
    let audience = audience(claims)?;
    if expected.client_ids.contains(&audience) {
        return Ok(audience);
    }
    let clients = expected.client_ids.join(", ");
    Err(VerifyError::new(VerifyCode::Audience, "oidc.audience", clients, audience))
}

/// Turns `claims` that were checked into an identity, with what a login got besides.
pub(super) fn identity(
    claims: Map<String, Value>,
    checked: Checked,
    settings: &OidcSettings,
    further: Option<&FurtherClaims>,
) -> Result<FederatedIdentity, VerifyError> {
    let names = Names { provider: &settings.arn, issuer: &settings.issuer };
    let login = names.login(&claims, &checked.subject, checked.issued);
    let asserted = asserted::read(&claims)?;
    let claims = match further {
        Some(further) => further.join(claims),
        None => claims,
    };
    let mut attributes = attributes(&claims);
    settings.claims.attributes.lift(&claims, &mut attributes);
    Ok(FederatedIdentity::new(Verified {
        protocol: Protocol::Oidc,
        provider: settings.arn.clone(),
        provider_name: settings.name.clone(),
        issuer: settings.issuer.clone(),
        subject: checked.subject,
        subject_type: None,
        audience: checked.audience,
        by_access_token: checked.by_access_token,
        authn: AuthnStatements::default(),
        attributes,
        aliases: BTreeMap::new(),
        asserted,
        claims: Some(claims),
        session_ends: None,
        one_time: checked.one_time,
        login: Some(login),
    }))
}

/// The `sub`.
pub(super) fn subject(claims: &Map<String, Value>) -> Result<String, VerifyError> {
    let subject = string(claims, "sub")?;
    if subject.len() > LONGEST_SUBJECT {
        let expected = format!("a sub of at most {LONGEST_SUBJECT} bytes");
        let seen = subject.len().to_string();
        return Err(VerifyError::new(VerifyCode::Claim, "oidc.sub.length", expected, seen));
    }
    Ok(subject)
}

fn check_present(claims: &Map<String, Value>) -> Result<(), VerifyError> {
    for name in REQUIRED {
        if claims.get(name).is_none_or(Value::is_null) {
            return Err(VerifyError::new(VerifyCode::Claim, "oidc.claim.missing", name, ""));
        }
    }
    Ok(())
}

/// An ID token says who somebody is; other tokens of the same issuer, signed by the same key, say
/// what somebody may do. Few say in `typ` what they are. Tells whether it is an access token.
fn check_kind(claims: &Map<String, Value>, kind: Kind, access_tokens: bool) -> Result<bool, VerifyError> {
    let refused = |seen: &str| {
        Err(VerifyError::new(
            VerifyCode::Malformed,
            "oidc.kind",
            "an ID token",
            format!("a token with {seen}"),
        ))
    };
    match access_token(claims, kind) {
        Some(sign) if !access_tokens => refused(sign),
        sign => Ok(sign.is_some()),
    }
}

/// Claims that providers write into access tokens only.
const OF_ACCESS: [(&str, &str); 4] = [
    ("gty", "the claim gty"),           // Auth0
    ("idtyp", "the claim idtyp"),       // Entra ID
    ("azpacr", "the claim azpacr"),     // Entra ID, 2.0
    ("appidacr", "the claim appidacr"), // Entra ID, 1.0
];

/// What shows that it is an access token: what RFC 9068 says, and what providers do that are older
/// than it. Scopes alone don't, for workload tokens have claims of that name; scopes for a client do.
fn access_token(claims: &Map<String, Value>, kind: Kind) -> Option<&'static str> {
    let says = |name: &str, value: &str| claims.get(name).is_some_and(|seen| seen == value);
    let any = |names: &[&str]| names.iter().any(|name| claims.contains_key(*name));
    if kind == Kind::AccessToken {
        Some("typ at+jwt")
    } else if claims.contains_key("token_use") && !says("token_use", "id") {
        Some("a token_use other than id") // Cognito
    } else if says("typ", "Bearer") || says("typ", "DPoP") {
        Some("the claim typ Bearer or DPoP") // Keycloak
    } else if any(&["scope", "scp"]) && any(&["client_id", "azp", "cid", "appid"]) {
        Some("scopes for a client") // Auth0, Okta, Entra ID, Ping
    } else {
        OF_ACCESS.iter().find(|(name, _)| claims.contains_key(*name)).map(|(_, sign)| *sign)
    }
}

/// A token that is bound to a key (RFC 7800) is worth nothing without it, and nobody proves it here.
fn refuse_bound(claims: &Map<String, Value>) -> Result<(), VerifyError> {
    match claims.get("cnf") {
        None | Some(Value::Null) => Ok(()),
        Some(_) => {
            let seen = "one that is bound to a key by `cnf`";
            Err(VerifyError::new(VerifyCode::Claim, "oidc.cnf", "a bearer token", seen))
        }
    }
}

/// Names the token, for a provider whose tokens are good once.
fn one_time(
    claims: &Map<String, Value>,
    settings: &OidcSettings,
    expires: Option<Moment>,
) -> Result<OneTime, VerifyError> {
    let expires = expires.ok_or_else(|| bad_form("exp", &Value::Null))?;
    let id = claims.get("jti").unwrap_or(&Value::Null);
    match id.as_str() {
        Some(id) if !id.is_empty() && id.len() <= LONGEST_ID => {
            Ok(OneTime::new(&settings.issuer, id, expires))
        }
        _ => Err(bad_form("jti", id)),
    }
}

/// A refusal of the claim `name` for its form.
pub(super) fn bad_form(name: &str, seen: &Value) -> VerifyError {
    VerifyError::new(VerifyCode::Claim, "oidc.claim.form", name, seen.to_string())
}

/// The claim `name`, which must be a text that is not empty.
pub(super) fn string(claims: &Map<String, Value>, name: &str) -> Result<String, VerifyError> {
    match claims.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        other => Err(bad_form(name, other.unwrap_or(&Value::Null))),
    }
}

/// Who the token is meant for: `azp` if present, else the only `aud` (facts 3.3).
fn audience(claims: &Map<String, Value>) -> Result<String, VerifyError> {
    let named = claims.get("aud").unwrap_or(&Value::Null);
    let audiences = strings(named).filter(|list| !list.is_empty() && list.iter().all(|one| !one.is_empty()));
    let audiences = audiences.ok_or_else(|| bad_form("aud", named))?;
    if claims.get("azp").is_some_and(|azp| !azp.is_null()) {
        return string(claims, "azp");
    }
    match audiences.as_slice() {
        [only] => Ok(only.clone()),
        several => Err(VerifyError::new(
            VerifyCode::Audience,
            "oidc.audience.several",
            "one audience, or an authorized party",
            several.join(", "),
        )),
    }
}

/// A token that a login asked for must name this client in `aud` as well, whatever `azp` says
/// (OpenID Connect Core 3.1.3.7).
fn check_for_this_login(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), VerifyError> {
    if expected.nonce.is_none() {
        return Ok(());
    }
    let named = claims.get("aud").and_then(strings).unwrap_or_default();
    if named.iter().any(|name| expected.client_ids.contains(name)) {
        return Ok(());
    }
    let clients = expected.client_ids.join(", ");
    Err(VerifyError::new(VerifyCode::Audience, "oidc.audience", clients, named.join(", ")))
}

fn check_nonce(claims: &Map<String, Value>, expected: Option<&str>) -> Result<(), VerifyError> {
    let Some(expected) = expected else { return Ok(()) };
    match claims.get("nonce") {
        Some(Value::String(nonce)) if nonce == expected => Ok(()),
        _ => Err(VerifyError::new(
            VerifyCode::Unsolicited,
            "oidc.nonce",
            "the nonce of this login",
            "another or none",
        )),
    }
}

/// `exp`, `iat` and `nbf`, each with the provider's clock skew in the token's favour. Gives the
/// moment from which the token is refused, if it has one.
pub(super) fn check_times(
    claims: &Map<String, Value>,
    settings: &OidcSettings,
    at: Moment,
) -> Result<Option<Moment>, VerifyError> {
    let expires = timestamp(claims, "exp")?;
    let issued = timestamp(claims, "iat")?;
    let begins = timestamp(claims, "nbf")?;
    let until = expires.map(|expires| Moment::from_unix(expires).plus(settings.clock_skew));
    if until.is_some_and(|until| at >= until) {
        let seen = Moment::from_unix(expires.unwrap_or_default()).to_string();
        return Err(VerifyError::new(VerifyCode::Expired, "oidc.expired", at.to_string(), seen));
    }
    for (check, begin) in [("oidc.iat", issued), ("oidc.nbf", begins)] {
        if let Some(begin) = begin
            && at < Moment::from_unix(begin).minus(settings.clock_skew)
        {
            let seen = Moment::from_unix(begin).to_string();
            return Err(VerifyError::new(VerifyCode::NotYetValid, check, at.to_string(), seen));
        }
    }
    Ok(until)
}

/// Whole seconds as an integer or a string of digits; AWS refuses fractions (facts 3.3).
pub(super) fn timestamp(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, VerifyError> {
    let value = match claims.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let seconds = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    };
    let refused = || VerifyError::new(VerifyCode::Claim, "oidc.claim.timestamp", name, value.to_string());
    seconds.map(Some).ok_or_else(refused)
}

/// Claims that are a string or a list of strings, as lists.
pub(super) fn attributes(claims: &Map<String, Value>) -> BTreeMap<String, Vec<String>> {
    claims.iter().filter_map(|(name, value)| Some((name.clone(), strings(value)?))).collect()
}

/// A string, or a list of nothing but strings, as a list.
pub(super) fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}
