//! The canonical form of a request and its signature (SigV4, "Create a signed AWS API request").
//!
//! Used alike by `verify` and `sign`. Two requests that a service would read differently must
//! differ here, or one signature would serve for both.

use aws_lc_rs::{digest, hmac};
use zeroize::Zeroizing;

use super::SignedRequest;
use crate::secret::Secret;

/// The only algorithm.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What ends every credential scope.
pub(super) const TERMINATOR: &str = "aws4_request";

/// Carries the signature of a presigned request, which can't sign itself.
pub(super) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// `{date}/{region}/{service}/aws4_request`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) date: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

impl Scope<'_> {
    pub(super) fn to_text(self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.date, self.region, self.service)
    }
}

/// The signature, in hexadecimal, of the request whose canonical form is `canonical`.
pub(super) fn signature(
    secret_access_key: &Secret<String>,
    amz_date: &str,
    scope: Scope<'_>,
    canonical: &[u8],
) -> String {
    let hash = sha256_hex(canonical);
    let string_to_sign = format!("{ALGORITHM}\n{amz_date}\n{}\n{hash}", scope.to_text());
    let seed = Zeroizing::new(format!("AWS4{}", secret_access_key.expose()));
    let key = [scope.date, scope.region, scope.service, TERMINATOR]
        .into_iter()
        .fold(hmac::Key::new(hmac::HMAC_SHA256, seed.as_bytes()), |key, part| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
        });
    hex(hmac::sign(&key, string_to_sign.as_bytes()).as_ref())
}

/// The canonical request. `signed_headers` are lower-case names in the order of the signature;
/// `None` if one of them was not sent.
pub(super) fn request(request: &SignedRequest<'_>, signed_headers: &[&str]) -> Option<Vec<u8>> {
    let head = format!("{}\n{}\n{}\n", request.method, path(request.path), query(request.query));
    let mut canonical = head.into_bytes();
    for name in signed_headers {
        canonical.extend_from_slice(name.as_bytes());
        canonical.push(b':');
        push_header(&mut canonical, request, name)?;
        canonical.push(b'\n');
    }
    canonical.push(b'\n');
    canonical.extend_from_slice(signed_headers.join(";").as_bytes());
    canonical.push(b'\n');
    canonical.extend_from_slice(request.payload.sha256().as_bytes());
    Some(canonical)
}

/// The path without empty and dot segments, each byte then encoded as it came: what was encoded
/// once is encoded twice, as every service but S3 wants it.
fn path(raw: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    let mut canonical = String::with_capacity(raw.len() + 1);
    for segment in &segments {
        canonical.push('/');
        encode_into(&mut canonical, segment.as_bytes());
    }
    let is_directory = ["/", "/.", "/.."].iter().any(|end| raw.ends_with(end));
    if segments.is_empty() || is_directory {
        canonical.push('/');
    }
    canonical
}

/// Every parameter but the signature, decoded, encoded again and sorted by name and value.
fn query(raw: &str) -> String {
    let mut pairs: Vec<(String, String)> = parameters(raw)
        .filter(|(name, _)| name != SIGNATURE_PARAMETER.as_bytes())
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// The parameters of a raw query string. `+` is a blank, as in the form parser that reads the
/// request afterwards; were it a plus sign here, it could be smuggled in for a signed `%2B`.
pub(super) fn parameters(raw: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
    raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// The values of one header: trimmed, inner white space as one blank, several joined by commas.
fn push_header(canonical: &mut Vec<u8>, request: &SignedRequest<'_>, name: &str) -> Option<()> {
    let sent = request.headers.iter().filter(|(sent, _)| sent.eq_ignore_ascii_case(name));
    for (index, (_, value)) in sent.clone().enumerate() {
        if index > 0 {
            canonical.push(b',');
        }
        let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                canonical.push(b' ');
            }
            canonical.extend_from_slice(word);
        }
    }
    sent.count().checked_sub(1).map(|_| ())
}

/// `text` with its `%XX` undone; a `%` that begins none stays.
fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let escaped = (*byte == b'%').then(|| escape_at(bytes, index)).flatten();
        decoded.push(escaped.unwrap_or(if *byte == b'+' { b' ' } else { *byte }));
        index += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

fn escape_at(bytes: &[u8], index: usize) -> Option<u8> {
    let digit = |offset| char::from(*bytes.get(index + offset)?).to_digit(16);
    u8::try_from(digit(1)? * 16 + digit(2)?).ok()
}

/// RFC 3986: everything but unreserved characters as `%XX`, in upper case.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    encode_into(&mut encoded, bytes);
    encoded
}

fn encode_into(encoded: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
            encoded.extend(['%', char::from(DIGITS[high]), char::from(DIGITS[low])]);
        }
    }
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
