//! The outside of an ID token: a compact JWS (RFC 7515 section 7.1), taken apart but not believed.
//!
//! [`UnverifiedToken`] is everything that may be known before the signature is checked: the
//! algorithm and key id that the header names, and the claimed issuer, which picks the provider.
//! Nothing in the header can bring a key along: `jwk`, `jku`, `x5c` and `x5u` are never read.

use memchr::memchr_iter;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Algorithm;
use super::members::unique_members;
use crate::identity::{VerifyCode, VerifyError};

/// Characters of a token that STS takes (facts 3.3).
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 4..=20_000;

/// Encoded characters of a header. One with an algorithm, a type and a generous key id needs 300.
const HEADER_LENGTH: usize = 2_048;

/// Members of a header; RFC 7515 registers eleven.
const HEADER_MEMBERS: usize = 16;

/// Bytes of a key id. It is compared with every key of the set and written to the log.
const KEY_ID_LENGTH: usize = 256;

/// What a token's `typ` may be, and says of it.
type KindOf = fn(Option<&Value>) -> Result<Kind, VerifyError>;

/// A token of the right shape that nobody vouches for yet.
pub(super) struct UnverifiedToken<'a> {
    /// The algorithm that the header names. Whether it is allowed is for the provider to say.
    pub(super) algorithm: Algorithm,
    /// The key that the header names.
    pub(super) key_id: Option<String>,
    /// What kind of token the header says it is.
    pub(super) kind: Kind,
    /// What was signed: header, dot, claims, as sent.
    pub(super) signed: &'a [u8],
    /// The signature.
    pub(super) signature: Vec<u8>,
    /// The claims, unverified.
    pub(super) claims: Map<String, Value>,
}

/// What a token's `typ` says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, or that it is a JWT.
    Plain,
    /// An access token (RFC 9068, 2.1).
    AccessToken,
}

impl<'a> UnverifiedToken<'a> {
    /// Takes `token` apart and refuses every shape that is not an ID token's.
    pub(super) fn parse(token: &'a str) -> Result<Self, VerifyError> {
        Self::parse_typed(token, kind)
    }

    /// Takes the logout token `token` apart.
    pub(super) fn parse_logout(token: &'a str) -> Result<Self, VerifyError> {
        Self::parse_typed(token, logout_kind)
    }

    fn parse_typed(token: &'a str, kind_of: KindOf) -> Result<Self, VerifyError> {
        let (header, claims, signature) = parts(token)?;
        if header.len() > HEADER_LENGTH {
            return Err(malformed("a short header", format!("{} characters", header.len())));
        }
        let members = object(header)?;
        let (algorithm, kind) = read_header(&members, kind_of)?;
        Ok(Self {
            algorithm,
            kind,
            key_id: key_id(&members)?,
            signed: &token.as_bytes()[..header.len() + 1 + claims.len()],
            signature: canonical(signature)?,
            claims: object(claims)?,
        })
    }

    /// The claimed issuer.
    pub(super) fn issuer(&self) -> Result<&str, VerifyError> {
        issuer(self.claims.get("iss"))
    }
}

/// The issuer that `token` claims, before anything is verified: good for picking the provider
/// that will verify it, and for nothing else. Of the other claims only the syntax is looked at.
pub fn unverified_issuer(token: &str) -> Result<String, VerifyError> {
    #[derive(Deserialize)]
    struct Claims {
        iss: Option<Value>,
    }
    let (_, claims, _) = parts(token)?;
    let claims: Claims = serde_json::from_slice(&canonical(claims)?).map_err(|error| no_object(&error))?;
    issuer(claims.iss.as_ref()).map(str::to_owned)
}

/// A refusal of something that is not a readable ID token (facts 3.4, "Not a JWT").
fn malformed(expected: &str, seen: impl Into<String>) -> VerifyError {
    VerifyError::new(VerifyCode::Malformed, "oidc.jwt", expected, seen)
}

fn parts(token: &str) -> Result<(&str, &str, &str), VerifyError> {
    if !TOKEN_LENGTH.contains(&token.len()) {
        return Err(malformed("4 to 20000 characters", token.len().to_string()));
    }
    let mut dots = memchr_iter(b'.', token.as_bytes());
    match (dots.next(), dots.next(), dots.next()) {
        (Some(first), Some(second), None) => {
            Ok((&token[..first], &token[first + 1..second], &token[second + 1..]))
        }
        _ => Err(malformed("three parts", token.split('.').count().to_string())),
    }
}

/// Decodes unpadded base64url of which exactly one spelling is accepted: were there two, one
/// token would have two texts, and a list of revoked or used ones would know only one.
fn canonical(part: &str) -> Result<Vec<u8>, VerifyError> {
    base64_simd::URL_SAFE_NO_PAD
        .decode_to_vec(part)
        .map_err(|_| malformed("canonical unpadded base64url", "other characters or trailing bits"))
}

fn object(part: &str) -> Result<Map<String, Value>, VerifyError> {
    unique_members(&canonical(part)?).map_err(|error| no_object(&error))
}

fn no_object(error: &serde_json::Error) -> VerifyError {
    malformed("a JSON object without duplicate members", error.to_string())
}

/// Checks everything a header may say, and gives its algorithm and the token's kind.
fn read_header(members: &Map<String, Value>, kind_of: KindOf) -> Result<(Algorithm, Kind), VerifyError> {
    if members.len() > HEADER_MEMBERS {
        return Err(malformed("at most 16 header members", members.len().to_string()));
    }
    // No extension is understood here, so a critical one is fatal (RFC 7515 section 4.1.11);
    // `b64` changes what is signed (RFC 7797).
    for name in ["crit", "b64"] {
        if members.contains_key(name) {
            return Err(malformed("no `crit` and no `b64` in the header", name));
        }
    }
    let kind = kind_of(members.get("typ"))?;
    Ok((algorithm(members.get("alg"))?, kind))
}

/// A token that is explicitly of a kind that is not known is refused (RFC 8725 section 3.11): logout
/// tokens (`logout+jwt`) and whatever comes next; `JOSE` says no more than `JWT` (JWT-SVID section
/// 2.2). Whether an access token will do is for the provider to say.
fn kind(typ: Option<&Value>) -> Result<Kind, VerifyError> {
    let wanted = "`typ` absent, `JWT` or `JOSE`";
    let Some(typ) = typ else { return Ok(Kind::Plain) };
    let text = typ.as_str().map(str::to_ascii_lowercase);
    match text.as_deref().map(|text| text.strip_prefix("application/").unwrap_or(text)) {
        Some("at+jwt") => Ok(Kind::AccessToken),
        Some("jwt" | "jose") => Ok(Kind::Plain),
        _ => Err(malformed(wanted, typ.to_string())),
    }
}

/// A logout token says what it is, or, as older providers do, nothing more than `JWT` (Back-Channel
/// Logout 1.0, section 2.4).
fn logout_kind(typ: Option<&Value>) -> Result<Kind, VerifyError> {
    let known = ["logout+jwt", "application/logout+jwt", "jwt"];
    match typ {
        None => Ok(Kind::Plain),
        Some(Value::String(typ)) if known.iter().any(|known| typ.eq_ignore_ascii_case(known)) => {
            Ok(Kind::Plain)
        }
        Some(other) => Err(malformed("`typ` absent, `logout+jwt` or `JWT`", other.to_string())),
    }
}

fn algorithm(alg: Option<&Value>) -> Result<Algorithm, VerifyError> {
    let Some(Value::String(name)) = alg else {
        return Err(malformed("`alg` as a string", alg.map_or_else(String::new, Value::to_string)));
    };
    name.parse().map_err(|_| refused_algorithm("a known signature algorithm", name.as_str()))
}

/// A refusal of the algorithm `seen`.
pub(super) fn refused_algorithm(expected: impl Into<String>, seen: impl Into<String>) -> VerifyError {
    VerifyError::new(VerifyCode::Signature, "oidc.algorithm", expected, seen)
}

fn key_id(members: &Map<String, Value>) -> Result<Option<String>, VerifyError> {
    match members.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) if !kid.is_empty() && kid.len() <= KEY_ID_LENGTH => Ok(Some(kid.clone())),
        Some(other) => Err(malformed("`kid` as a string of 1 to 256 bytes", other.to_string())),
    }
}

fn issuer(claimed: Option<&Value>) -> Result<&str, VerifyError> {
    let refused = |check, seen: String| VerifyError::new(VerifyCode::Claim, check, "iss", seen);
    match claimed {
        None | Some(Value::Null) => Err(refused("oidc.claim.missing", String::new())),
        Some(Value::String(issuer)) => Ok(issuer),
        Some(other) => Err(refused("oidc.claim.form", other.to_string())),
    }
}
