//! What a token says of itself, noted for `explain`. Nobody decides anything by it: until its signature
//! holds it is anybody's word. The one exception is [`TokenClaims`], which are read from verified
//! tokens alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::jws::UnverifiedToken;
use super::token::{attributes, strings, timestamp};
use super::{AttributePaths, asserted};
use crate::clock::Moment;
use crate::identity::Asserted;

/// What an explanation of a token notes.
pub(super) type Trace = crate::identity::trace::Trace<TokenFacts>;

/// What a token says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenFacts {
    /// Its characters.
    pub length: usize,
    /// `alg`
    pub algorithm: Option<String>,
    /// `kid`
    pub key_id: Option<String>,
    /// `iss`
    pub issuer: Option<String>,
    /// `aud`
    pub audiences: Vec<String>,
    /// `azp`
    pub authorized_party: Option<String>,
    /// `iat`, if it can be read.
    pub issued: Option<Moment>,
    /// `exp`, if it can be read.
    pub expires: Option<Moment>,
    /// What it says of the person, where a key of the provider's signed it, also where a check refuses it.
    pub claims: Option<TokenClaims>,
}

/// What a signed token says of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenClaims {
    /// `sub`
    pub subject: String,
    /// Every claim.
    pub claims: Map<String, Value>,
    /// Those that are a text or a list of texts, and those that stand deeper.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// Those that AWS defines; `None` where one is malformed.
    pub asserted: Option<Asserted>,
}

/// What `token` says of itself, as far as it can be read: for explanations.
pub fn unverified_facts(token: &str) -> TokenFacts {
    UnverifiedToken::parse(token).map(|parsed| TokenFacts::of(&parsed, token.len())).unwrap_or_default()
}

impl TokenFacts {
    /// The client that it says it is for: `azp`, or an audience.
    pub fn is_for(&self, client: &str) -> bool {
        match &self.authorized_party {
            Some(party) => party == client,
            None => self.audiences.iter().any(|audience| audience == client),
        }
    }

    pub(super) fn of(token: &UnverifiedToken<'_>, length: usize) -> Self {
        let text = |name: &str| token.claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let time = |name: &str| timestamp(&token.claims, name).ok().flatten().map(Moment::from_unix);
        Self {
            length,
            algorithm: Some(format!("{:?}", token.algorithm)),
            key_id: token.key_id.clone(),
            issuer: text("iss"),
            audiences: token.claims.get("aud").and_then(strings).unwrap_or_default(),
            authorized_party: text("azp"),
            issued: time("iat"),
            expires: time("exp"),
            claims: None,
        }
    }

    /// Notes that the provider signed `claims`.
    pub(super) fn signed(&mut self, claims: &Map<String, Value>, paths: &AttributePaths) {
        let mut attributes = attributes(claims);
        paths.lift(claims, &mut attributes);
        self.claims = Some(TokenClaims {
            subject: claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned(),
            claims: claims.clone(),
            attributes,
            asserted: asserted::read(claims).ok(),
        });
    }
}
