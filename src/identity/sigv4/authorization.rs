//! What a request says about its own signature, in the `Authorization` header or in the query.
//!
//! Only taken apart here, with AWS's words for what is absent; `verify` decides.

use std::collections::HashMap;
use std::time::Duration;

use super::SignedRequest;
use super::canonical::{ALGORITHM, SIGNATURE_PARAMETER, parameters};
use super::error::SigV4Error;
use crate::clock::Moment;

/// Headers that one signature may cover: more than any SDK sends, few enough to look up.
const MOST_SIGNED_HEADERS: usize = 64;

/// How the names of all AWS signature algorithms begin. One that is not ours is refused by name,
/// instead of being taken for another kind of `Authorization`.
const ALGORITHM_FAMILY: &[u8] = b"AWS4-";

/// Seconds that `X-Amz-Expires` may name: a week.
const LONGEST_EXPIRES: u64 = 604_800;

/// A signature and the parameters it was made with, unverified.
#[derive(Debug)]
pub(super) struct Authorization {
    pub(super) access_key_id: String,
    pub(super) date: String,
    pub(super) region: String,
    pub(super) service: String,
    pub(super) terminator: String,
    /// Lower-case names, strictly ascending.
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: String,
    pub(super) amz_date: String,
    pub(super) signed_at: Moment,
    pub(super) session_token: Option<String>,
    /// Presigned requests only: how long they are meant to be good.
    pub(super) expires: Option<Duration>,
}

/// Whether `request` carries a SigV4 signature, good or bad.
pub fn is_signed(request: &SignedRequest<'_>) -> bool {
    in_header(request) || in_query(request)
}

impl Authorization {
    pub(super) fn read(request: &SignedRequest<'_>) -> Result<Self, SigV4Error> {
        match (in_header(request), in_query(request)) {
            (false, false) => Err(SigV4Error::MissingAuthenticationToken),
            (true, false) => from_header(request),
            (false, true) => from_query(request),
            // Which of the two would be verified, and which acted on?
            (true, true) => Err(SigV4Error::IncompleteSignature(String::from(
                "Only one authentication mechanism is allowed: the Authorization header or the query string.",
            ))),
        }
    }
}

fn in_header(request: &SignedRequest<'_>) -> bool {
    values(request, "authorization").any(|value| value.trim_ascii_start().starts_with(ALGORITHM_FAMILY))
}

fn in_query(request: &SignedRequest<'_>) -> bool {
    let ours = |name: &[u8]| name == b"X-Amz-Algorithm" || name == SIGNATURE_PARAMETER.as_bytes();
    parameters(request.query).any(|(name, _)| ours(&name))
}

fn from_header(request: &SignedRequest<'_>) -> Result<Authorization, SigV4Error> {
    let whole = only(request, "authorization")?.unwrap_or_default();
    let (algorithm, rest) = whole.split_once([' ', '\t']).unwrap_or((&whole, ""));
    check_algorithm(algorithm)?;
    let parameters = header_parameters(rest)?;
    let amz_date = match only(request, "x-amz-date")? {
        Some(date) => Some(date),
        None => only(request, "date")?,
    };
    let faults = missing(
        ["Credential", "Signature", "SignedHeaders"].map(|name| (name, parameters.contains_key(name))),
    );
    let mut faults: Vec<String> =
        faults.map(|name| format!("Authorization header requires '{name}' parameter.")).collect();
    if amz_date.is_none() {
        faults.push(String::from(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ));
    }
    if !faults.is_empty() {
        return Err(SigV4Error::IncompleteSignature(faults.join(" ")));
    }
    let parameter = |name| parameters.get(name).copied().unwrap_or_default();
    build(Parts {
        credential: parameter("Credential"),
        signature: parameter("Signature"),
        signed_headers: parameter("SignedHeaders"),
        amz_date: &amz_date.unwrap_or_default(),
        session_token: only(request, "x-amz-security-token")?,
        expires: None,
    })
}

fn check_algorithm(name: &str) -> Result<(), SigV4Error> {
    if name == ALGORITHM {
        return Ok(());
    }
    Err(SigV4Error::IncompleteSignature(format!("Unsupported AWS 'algorithm': '{name}'.")))
}

/// The parameters by name. AWS repeats the whole header in its refusals; here it would put a
/// signature into the log.
fn header_parameters(rest: &str) -> Result<HashMap<&str, &str>, SigV4Error> {
    let mut parameters = HashMap::new();
    for pair in rest.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            let pair: String = pair.chars().take(40).collect();
            SigV4Error::IncompleteSignature(format!(
                "'{pair}' not a valid key=value pair (missing equal-sign) in Authorization header."
            ))
        })?;
        if parameters.insert(name, value).is_some() {
            return Err(repeated(name));
        }
    }
    Ok(parameters)
}

fn from_query(request: &SignedRequest<'_>) -> Result<Authorization, SigV4Error> {
    const REQUIRED: [&str; 5] =
        ["X-Amz-Algorithm", "X-Amz-Credential", SIGNATURE_PARAMETER, "X-Amz-SignedHeaders", "X-Amz-Date"];
    let parameters = query_parameters(request)?;
    let faults: Vec<String> = missing(REQUIRED.map(|name| (name, parameters.contains_key(name))))
        .map(|name| format!("AWS query-string parameters must include '{name}'."))
        .collect();
    if !faults.is_empty() {
        return Err(SigV4Error::IncompleteSignature(format!(
            "{} Re-examine the query-string parameters.",
            faults.join(" ")
        )));
    }
    let parameter = |name| parameters.get(name).map(String::as_str).unwrap_or_default();
    check_algorithm(parameter("X-Amz-Algorithm"))?;
    build(Parts {
        credential: parameter("X-Amz-Credential"),
        signature: parameter(SIGNATURE_PARAMETER),
        signed_headers: parameter("X-Amz-SignedHeaders"),
        amz_date: parameter("X-Amz-Date"),
        session_token: parameters.get("X-Amz-Security-Token").cloned(),
        expires: parameters.get("X-Amz-Expires").map(|text| expires(text)).transpose()?,
    })
}

fn query_parameters(request: &SignedRequest<'_>) -> Result<HashMap<String, String>, SigV4Error> {
    let mut found = HashMap::new();
    for (name, value) in parameters(request.query) {
        let Ok(name) = String::from_utf8(name) else { continue };
        if !name.starts_with("X-Amz-") {
            continue;
        }
        let value = String::from_utf8(value).map_err(|_| repeated(&name))?;
        if found.contains_key(&name) {
            return Err(repeated(&name));
        }
        found.insert(name, value);
    }
    Ok(found)
}

fn expires(text: &str) -> Result<Duration, SigV4Error> {
    let seconds = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let seconds = seconds.and_then(|text| text.parse().ok()).filter(|s| (1..=LONGEST_EXPIRES).contains(s));
    seconds.map(Duration::from_secs).ok_or_else(|| {
        SigV4Error::IncompleteSignature(format!("X-Amz-Expires must be 1 to {LONGEST_EXPIRES} seconds."))
    })
}

/// The parameters of either form, as text.
struct Parts<'a> {
    credential: &'a str,
    signature: &'a str,
    signed_headers: &'a str,
    amz_date: &'a str,
    session_token: Option<String>,
    expires: Option<Duration>,
}

fn build(parts: Parts<'_>) -> Result<Authorization, SigV4Error> {
    let fields: Vec<&str> = parts.credential.split('/').collect();
    let &[access_key_id, date, region, service, terminator] = fields.as_slice() else {
        return Err(SigV4Error::bad_credential(parts.credential));
    };
    let signed_at = basic_date(parts.amz_date).ok_or_else(|| SigV4Error::bad_date(parts.amz_date))?;
    let signed_headers: Vec<String> = parts.signed_headers.split(';').map(str::to_owned).collect();
    // Canonical requests list the names so; two orders of one list would be two signatures.
    let ascending = signed_headers.is_sorted_by(|earlier, later| earlier < later);
    let lower_case = !parts.signed_headers.bytes().any(|byte| byte.is_ascii_uppercase());
    if !ascending || !lower_case || signed_headers.len() > MOST_SIGNED_HEADERS {
        return Err(SigV4Error::wrong_signature());
    }
    Ok(Authorization {
        access_key_id: access_key_id.to_owned(),
        date: date.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        terminator: terminator.to_owned(),
        signed_headers,
        signature: parts.signature.to_owned(),
        amz_date: parts.amz_date.to_owned(),
        signed_at,
        session_token: parts.session_token,
        expires: parts.expires,
    })
}

/// `20300101T000000Z` and nothing else.
fn basic_date(text: &str) -> Option<Moment> {
    let shaped = text.len() == 16
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    if !shaped {
        return None;
    }
    let part = |range| text.get(range).unwrap_or_default();
    let (year, month, day) = (part(0..4), part(4..6), part(6..8));
    let (hour, minute, second) = (part(9..11), part(11..13), part(13..15));
    Moment::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

/// The names of what is not there.
fn missing<const N: usize>(present: [(&'static str, bool); N]) -> impl Iterator<Item = &'static str> {
    present.into_iter().filter(|(_, present)| !present).map(|(name, _)| name)
}

fn repeated(name: &str) -> SigV4Error {
    SigV4Error::IncompleteSignature(format!("'{name}' must appear once."))
}

fn values<'a>(request: &'a SignedRequest<'_>, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    request.headers.iter().filter(move |(sent, _)| sent.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// The one value of a header that means something to the signature itself.
pub(super) fn only(request: &SignedRequest<'_>, name: &'static str) -> Result<Option<String>, SigV4Error> {
    let mut values = values(request, name);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(repeated(name));
    }
    let text = std::str::from_utf8(value).map_err(|_| repeated(name))?;
    Ok(Some(text.trim().to_owned()))
}
