//! The checks, in AWS's order (facts 1.2): scope, credential and its expiry, then host, time
//! and signature. Only a caller who holds a live credential learns about the latter.

use std::time::Duration;

use subtle::ConstantTimeEq;

use super::authorization::{Authorization, only};
use super::canonical::{self, Scope, TERMINATOR};
use super::error::SigV4Error;
use super::{SignedRequest, SigningSecrets};
use crate::clock::Moment;
use crate::identity::{Holder, Principal};

/// How far a signature's time may be from now, either way (facts 1.2: STS says 5 minutes).
const WINDOW: Duration = Duration::from_secs(5 * 60);

/// How long a presigned request lives at most, whatever its `X-Amz-Expires`. It is a bearer
/// credential; AWS's own consumers of presigned `GetCallerIdentity` take 15 minutes.
const LONGEST_PRESIGNED: Duration = Duration::from_secs(15 * 60);

/// Verifies that `request` was signed for `service` with a credential that `secrets` knows, and
/// says whose it is.
///
/// Headers that are not signed are ignored, except that `Host` must be signed: for HTTP/2 the
/// caller passes `:authority` as `host`. The body's hash is computed on this side, so
/// `X-Amz-Content-Sha256` may confirm it but never replaces it; `UNSIGNED-PAYLOAD` is refused.
pub fn authenticate(
    request: &SignedRequest<'_>,
    service: &str,
    secrets: &dyn SigningSecrets,
    at: Moment,
) -> Result<Principal, SigV4Error> {
    let authorization = Authorization::read(request)?;
    check_scope(&authorization, service)?;
    let token = authorization.session_token.as_deref();
    let credential = secrets.open(&authorization.access_key_id, token, at)?;
    if Holder::from(&credential.session).expires().is_some_and(|end| at >= end) {
        return Err(SigV4Error::ExpiredToken);
    }
    if !authorization.signed_headers.iter().any(|name| name == "host") {
        return Err(SigV4Error::host_not_signed());
    }
    check_time(&authorization, at)?;
    check_body_hash(request)?;
    let names: Vec<&str> = authorization.signed_headers.iter().map(String::as_str).collect();
    let canonical = canonical::request(request, &names).ok_or_else(SigV4Error::wrong_signature)?;
    let scope = Scope { date: &authorization.date, region: &authorization.region, service };
    let expected =
        canonical::signature(&credential.secret_access_key, &authorization.amz_date, scope, &canonical);
    if !bool::from(expected.as_bytes().ct_eq(authorization.signature.as_bytes())) {
        return Err(SigV4Error::wrong_signature());
    }
    Ok(Principal::new(authorization.access_key_id, credential.session))
}

/// All that is wrong with the scope, in one message as AWS gives it. Any region will do, if it
/// can be one.
fn check_scope(authorization: &Authorization, service: &str) -> Result<(), SigV4Error> {
    let mut faults = String::new();
    let region = &authorization.region;
    let plausible = region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if region.is_empty() || region.len() > 64 || !plausible {
        faults.push_str("Credential should be scoped to a valid region. ");
    }
    if authorization.service != service {
        faults.push_str(&format!("Credential should be scoped to correct service: '{service}'. "));
    }
    let day = authorization.amz_date.get(..8).unwrap_or_default();
    if authorization.date != day {
        faults.push_str(&format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{day}', from '{}'. ",
            authorization.date, authorization.amz_date
        ));
    }
    if authorization.terminator != TERMINATOR {
        let seen = &authorization.terminator;
        faults.push_str(&format!(
            "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{seen}'. "
        ));
    }
    if faults.is_empty() { Ok(()) } else { Err(SigV4Error::SignatureDoesNotMatch(faults)) }
}

fn check_time(authorization: &Authorization, at: Moment) -> Result<(), SigV4Error> {
    let signed = authorization.signed_at;
    let lifetime = authorization.expires.map_or(WINDOW, |asked| asked.min(LONGEST_PRESIGNED));
    let earliest = at.minus(lifetime);
    if signed < earliest {
        return Err(SigV4Error::expired(signed, earliest, at, &in_words(lifetime)));
    }
    let latest = at.plus(WINDOW);
    if signed > latest {
        return Err(SigV4Error::not_yet_current(signed, latest, at, &in_words(WINDOW)));
    }
    Ok(())
}

fn in_words(span: Duration) -> String {
    match span.as_secs() {
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} sec"),
    }
}

fn check_body_hash(request: &SignedRequest<'_>) -> Result<(), SigV4Error> {
    match only(request, "x-amz-content-sha256")? {
        Some(claimed) if claimed != request.payload.sha256() => Err(SigV4Error::wrong_signature()),
        _ => Ok(()),
    }
}
