//! Somebody who is described, for tests of rules.
//!
//! The description goes through everything that reads a token's claims. Nobody signed it: what comes of
//! it must never be given anything (`broker::rehearse` alone may suppose).

use serde_json::{Map, Value, json};

use super::OidcProvider;
use super::facts::Trace;
use super::jws::Kind;
use super::token;
use crate::clock::Moment;
use crate::identity::{FederatedIdentity, VerifyError};

/// Seconds that a described token is good for.
const LIFETIME: i64 = 300;

impl OidcProvider {
    /// The identity that a token with these claims would make at `at` of somebody who signed in at this time
    /// and in this context. Of the claims that each token has,
    /// those that are not described are made up: the issuer, its first client, a time that fits.
    pub fn suppose(
        &self,
        subject: &str,
        claims: &Map<String, Value>,
        (authn_time, authn_context): (Option<Moment>, Option<&str>),
        at: Moment,
    ) -> Result<FederatedIdentity, VerifyError> {
        let audience = self.settings.client_ids.first();
        let usual = [
            ("iss", json!(self.settings.issuer)),
            ("sub", json!(subject)),
            ("aud", json!(audience)),
            ("iat", json!(at.unix())),
            ("exp", json!(at.unix() + LIFETIME)),
        ];
        let mut all: Map<_, _> = usual.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        all.extend(authn_time.map(|time| ("auth_time".to_owned(), json!(time.unix()))));
        all.extend(authn_context.map(|context| ("acr".to_owned(), json!(context))));
        all.extend(claims.clone());
        let checked =
            token::check(&all, Kind::Plain, &self.settings, &self.expected(None, at), &Trace::off())?;
        token::identity(all, checked, &self.settings, None)
    }
}
