//! OpenID Connect at the demo provider: authorization code with PKCE (RFC 7636), and ID tokens.
//!
//! No HTTP here: `routes` reads the requests and writes the answers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::token::{KeyError, TokenKey};
use crate::cli::demo::people::Person;
use crate::clock::Moment;
use crate::entropy::{self, Entropy, NoEntropy};
use crate::secret::Secret;

/// How long a code waits to be redeemed (RFC 6749 section 4.1.2 allows ten minutes).
const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// How long an ID token lasts.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
/// Claims that the ID token of a sign-in leaves to userinfo.
pub(super) const OF_USERINFO: [&str; 3] = ["email", "email_verified", "name"];
/// Codes that may wait at once; the oldest are forgotten by their lifetime.
const MAX_CODES: usize = 1000;

/// An application that is registered at the provider.
pub(crate) struct Client {
    /// The `client_id`.
    pub(crate) id: &'static str,
    /// The secret; a public client has none.
    pub(crate) secret: Option<Secret<String>>,
    /// The one redirect URI, compared as text (RFC 9700 section 2.1). Without it the client
    /// can't use the browser.
    pub(crate) redirect_uri: Option<String>,
    /// Where it is told of logouts; without it, it is not.
    pub(crate) logout: Option<LogoutUris>,
}

/// Where an application takes part in logouts.
pub(crate) struct LogoutUris {
    /// Where logout tokens are posted (Back-Channel Logout 1.0, section 2.2).
    pub(crate) backchannel: String,
    /// Where a browser comes back to (RP-Initiated Logout 1.0, section 3).
    pub(crate) signed_out: String,
}

/// The provider.
pub(crate) struct OpenIdProvider {
    pub(super) issuer: String,
    pub(super) key: TokenKey,
    pub(super) clients: Vec<Client>,
    codes: Mutex<HashMap<String, Grant>>,
    pub(super) accesses: Mutex<HashMap<String, Access>>,
}

/// What an access token stands for: the holder may ask who this is.
pub(super) struct Access {
    pub(super) person: &'static Person,
    pub(super) until: Moment,
}

/// What a code was redeemed for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    /// Who it is, without what userinfo says.
    pub(crate) id_token: String,
    /// For userinfo.
    pub(crate) access_token: String,
}

/// What a code stands for.
struct Grant {
    client: &'static str,
    redirect_uri: String,
    challenge: String,
    nonce: Option<String>,
    person: &'static Person,
    /// The session that the sign-in opened.
    sid: String,
    access_token: String,
    until: Moment,
}

/// The query of `/authorize`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AuthorizeRequest {
    /// The application.
    pub(crate) client_id: String,
    /// Where the answer goes.
    pub(crate) redirect_uri: String,
    /// `code`.
    pub(crate) response_type: String,
    /// Contains `openid`.
    pub(crate) scope: String,
    /// Comes back untouched.
    pub(crate) state: Option<String>,
    /// Stands in the ID token.
    pub(crate) nonce: Option<String>,
    /// SHA-256 of the verifier.
    pub(crate) code_challenge: String,
    /// `S256`.
    pub(crate) code_challenge_method: String,
}

/// The form of `/token`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenRequest {
    /// `authorization_code`.
    pub(crate) grant_type: String,
    /// The code.
    pub(crate) code: String,
    /// As at `/authorize`.
    pub(crate) redirect_uri: String,
    /// What the challenge was made from.
    pub(crate) code_verifier: String,
    /// The application, unless it stands in the `Authorization` header.
    pub(crate) client_id: String,
    /// Its secret, likewise.
    pub(crate) client_secret: String,
}

/// A sign-in that will not happen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AuthorizeError {
    /// Client or redirect URI are not ours: the browser must not be sent there.
    Stay(&'static str),
    /// Anything else is reported to the client, at this address.
    Return(String),
    /// Ours.
    Fault,
}

/// The `error` of a token answer (RFC 6749 section 5.2).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// Not an authorization code grant.
    UnsupportedGrantType,
    /// Unknown client, or a wrong secret.
    InvalidClient,
    /// The code is unknown, used, too old, another client's, or its verifier is wrong.
    InvalidGrant,
    /// Ours.
    ServerError,
}

impl TokenError {
    /// The code on the wire.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::ServerError => "server_error",
        }
    }
}

impl From<NoEntropy> for AuthorizeError {
    fn from(_: NoEntropy) -> Self {
        Self::Fault
    }
}

impl OpenIdProvider {
    /// A provider that answers to `issuer`, a URL without a trailing slash.
    pub(crate) fn new(issuer: String, key: TokenKey, clients: Vec<Client>) -> Self {
        Self { issuer, key, clients, codes: Mutex::default(), accesses: Mutex::default() }
    }

    /// The discovery document (OpenID Connect Discovery 1.0 section 3).
    pub(crate) fn discovery(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks.json"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "end_session_endpoint": format!("{issuer}/end-session"),
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "profile", "email", "groups"],
            "claims_supported": ["iss", "sub", "aud", "iat", "exp", "nonce", "sid", "email", "name", "groups"],
        })
    }

    /// The published keys.
    pub(crate) fn jwks(&self) -> Value {
        self.key.jwks()
    }

    /// Whether a sign-in may be asked for like this.
    pub(crate) fn check(&self, request: &AuthorizeRequest) -> Result<&Client, AuthorizeError> {
        let client = self.client(&request.client_id).ok_or(AuthorizeError::Stay("no such client"))?;
        if client.redirect_uri.as_ref() != Some(&request.redirect_uri) {
            return Err(AuthorizeError::Stay("this redirect_uri is not registered for the client"));
        }
        let scopes = || request.scope.split_ascii_whitespace();
        let error = match request {
            r if r.response_type != "code" => "unsupported_response_type",
            _ if !scopes().any(|scope| scope == "openid") => "invalid_scope",
            r if r.code_challenge_method != "S256" || r.code_challenge.len() != 43 => "invalid_request",
            _ => return Ok(client),
        };
        Err(AuthorizeError::Return(self.answer(request, "error", error)?))
    }

    /// Signs `person` in; gives the address that carries the code.
    pub(crate) fn approve(
        &self,
        request: &AuthorizeRequest,
        person: &'static Person,
        at: Moment,
        entropy: &dyn Entropy,
    ) -> Result<String, AuthorizeError> {
        let client = self.check(request)?.id;
        let random = || Ok::<_, NoEntropy>(BASE64URL.encode_to_string(entropy::bytes::<32>(entropy)?));
        let code = random()?;
        let grant = Grant {
            client,
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.code_challenge.clone(),
            nonce: request.nonce.clone(),
            person,
            sid: random()?,
            access_token: random()?,
            until: at.plus(CODE_LIFETIME),
        };
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, waiting| waiting.until > at);
        if codes.len() >= MAX_CODES {
            return Err(AuthorizeError::Fault);
        }
        codes.insert(code.clone(), grant);
        self.answer(request, "code", &code)
    }

    /// Trades a code for tokens. Whatever comes of it, the code is gone.
    pub(crate) fn redeem(&self, request: &TokenRequest, at: Moment) -> Result<Granted, TokenError> {
        if request.grant_type != "authorization_code" {
            return Err(TokenError::UnsupportedGrantType);
        }
        let client = self.client(&request.client_id).ok_or(TokenError::InvalidClient)?;
        if let Some(secret) = &client.secret
            && !secret.same_as(request.client_secret.as_bytes())
        {
            return Err(TokenError::InvalidClient);
        }
        let grant = self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(&request.code);
        let grant = grant.ok_or(TokenError::InvalidGrant)?;
        let fits = grant.client == client.id
            && grant.redirect_uri == request.redirect_uri
            && grant.until > at
            && grant.challenge == challenge_of(&request.code_verifier);
        if !fits {
            return Err(TokenError::InvalidGrant);
        }
        let id_token = self.login_token(&grant, at).map_err(|_| TokenError::ServerError)?;
        let access = Access { person: grant.person, until: at.plus(TOKEN_LIFETIME) };
        let mut accesses = self.accesses.lock().unwrap_or_else(PoisonError::into_inner);
        accesses.retain(|_, access| access.until > at);
        accesses.insert(grant.access_token.clone(), access);
        Ok(Granted { id_token, access_token: grant.access_token })
    }

    /// The ID token of a sign-in. Name and address are left to userinfo, as many providers do where
    /// there is an access token (OpenID Connect Core 5.4).
    fn login_token(&self, grant: &Grant, at: Moment) -> Result<String, KeyError> {
        let mut claims = self.claims(grant.person, grant.client, at);
        for name in OF_USERINFO {
            claims.remove(name);
        }
        claims.insert("sid".into(), json!(grant.sid));
        if let Some(nonce) = &grant.nonce {
            claims.insert("nonce".into(), json!(nonce));
        }
        self.key.sign(&Value::Object(claims))
    }

    /// An ID token about `person` for the application `client`, issued `at`, of no session.
    pub(crate) fn id_token(&self, person: &Person, client: &str, at: Moment) -> Result<String, KeyError> {
        self.key.sign(&Value::Object(self.claims(person, client, at)))
    }

    fn claims(&self, person: &Person, client: &str, at: Moment) -> Map<String, Value> {
        let mut claims = person.claims();
        claims.insert("iss".into(), json!(self.issuer));
        claims.insert("sub".into(), json!(person.id));
        claims.insert("aud".into(), json!(client));
        claims.insert("iat".into(), json!(at.unix()));
        claims.insert("exp".into(), json!(at.plus(TOKEN_LIFETIME).unix()));
        claims
    }

    /// The application called `id`.
    pub(crate) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    fn answer(&self, request: &AuthorizeRequest, name: &str, value: &str) -> Result<String, AuthorizeError> {
        let mut url = Url::parse(&request.redirect_uri).map_err(|_| AuthorizeError::Fault)?;
        url.query_pairs_mut().append_pair(name, value).append_pair("iss", &self.issuer);
        if let Some(state) = &request.state {
            url.query_pairs_mut().append_pair("state", state);
        }
        Ok(url.into())
    }
}

/// `BASE64URL(SHA256(verifier))`, RFC 7636 section 4.6.
fn challenge_of(verifier: &str) -> String {
    BASE64URL.encode_to_string(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

#[cfg(test)]
#[path = "oidc_tests.rs"]
mod tests;
