//! What a token of ours says (RFC 9068), and the two ways to one: from an [`AuthorizedSession`], or
//! from a token that came of one and is still good.

use std::collections::BTreeMap;

use base64_simd::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::keys::SigningKeys;
use crate::arn::RoleId;
use crate::clock::Moment;
use crate::entropy::{self, Entropy};
use crate::identity::{
    Ancestry, GrantId, LoginMark, LoginMarks, RoleSession, SessionPolicies, SessionTag, hash_of,
};
use crate::issuer::IssueFault;
use crate::policy::AuthorizedSession;
use crate::secret::Secret;

/// Longest token that is looked at. What tags and names may take together (facts 1.7) fits in.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Whom a token is from, to and for.
#[derive(Debug, Clone, Copy)]
pub struct TokenTerms<'a> {
    /// `iss`: the broker's public address.
    pub issuer: &'a str,
    /// The client that asked.
    pub client_id: &'a str,
    /// `aud`: the service that it is for.
    pub audience: &'a str,
    /// The thumbprint of the key that whoever shows it must hold (RFC 9449 section 6), if any.
    pub key: Option<&'a str>,
}

/// A token that was made.
#[derive(Debug)]
pub struct SignedToken {
    /// The compact JWS.
    pub text: Secret<String>,
    /// Its `jti`.
    pub id: String,
    /// When it ends: whole seconds.
    pub expires: Moment,
}

/// A token of ours that was verified: signature, issuer and time. Made by [`SigningKeys::open`] alone.
/// It says nothing about what was revoked since.
#[derive(Debug, Clone)]
pub struct VerifiedToken {
    session: RoleSession,
    claims: Claims,
}

/// Why a token is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoToken {
    /// Nothing that we signed.
    NotOurs,
    /// Its time is over.
    Expired,
}

/// RFC 9068 section 2.2, with one claim of our own.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    client_id: String,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    rolegate: RoleClaims,
}

/// RFC 9449 section 6.1.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Confirmation {
    jkt: String,
}

/// The role session, as the claim `rolegate`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct RoleClaims {
    role: String,
    role_id: RoleId,
    role_session_name: String,
    provider: String,
    subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    transitive_tag_keys: Vec<String>,
    /// What ends it before its time, and as of when: for us, and opaque to everybody else.
    grant: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    login: Vec<String>,
    granted_ms: i64,
}

impl VerifiedToken {
    /// The role session that it stands for. Its `issued` is when the grant was given, however often
    /// the token was exchanged since.
    pub const fn session(&self) -> &RoleSession {
        &self.session
    }

    /// The client that it was given to.
    pub fn client_id(&self) -> &str {
        &self.claims.client_id
    }

    /// The service that it is for.
    pub fn audience(&self) -> &str {
        &self.claims.aud
    }

    /// The thumbprint of the key that whoever shows it must hold.
    pub fn key(&self) -> Option<&str> {
        self.claims.cnf.as_ref().map(|cnf| cnf.jkt.as_str())
    }

    /// Its `sub`.
    pub fn subject(&self) -> &str {
        &self.claims.sub
    }

    /// Its `jti`.
    pub fn id(&self) -> &str {
        &self.claims.jti
    }

    /// Its `iat`.
    pub const fn issued(&self) -> Moment {
        Moment::from_unix(self.claims.iat)
    }

    /// Its `exp`.
    pub const fn expires(&self) -> Moment {
        Moment::from_unix(self.claims.exp)
    }
}

impl SigningKeys {
    /// Makes a token of `session`, which must be under a grant and come from a provider.
    pub fn issue(
        &self,
        session: &AuthorizedSession,
        terms: &TokenTerms<'_>,
        entropy: &dyn Entropy,
    ) -> Result<SignedToken, IssueFault> {
        let facts = session.session();
        let rolegate =
            RoleClaims::of(facts).ok_or_else(|| IssueFault::Own("a session without a grant".into()))?;
        self.token(terms, rolegate, facts.issued, facts.expires, entropy)
    }

    /// Makes another token of the session of `token`, for another service, that ends at `expires` or
    /// with it, whichever is earlier.
    pub fn exchange(
        &self,
        token: &VerifiedToken,
        terms: &TokenTerms<'_>,
        expires: Moment,
        at: Moment,
        entropy: &dyn Entropy,
    ) -> Result<SignedToken, IssueFault> {
        self.token(terms, token.claims.rolegate.clone(), at, token.expires().min(expires), entropy)
    }

    fn token(
        &self,
        terms: &TokenTerms<'_>,
        rolegate: RoleClaims,
        issued: Moment,
        expires: Moment,
        entropy: &dyn Entropy,
    ) -> Result<SignedToken, IssueFault> {
        let failed = |why: &dyn std::fmt::Display| IssueFault::Own(why.to_string());
        let id = entropy::bytes::<16>(entropy).map_err(|error| failed(&error))?;
        let claims = Claims {
            iss: terms.issuer.to_owned(),
            sub: person(&rolegate.provider, &rolegate.subject),
            aud: terms.audience.to_owned(),
            client_id: terms.client_id.to_owned(),
            iat: issued.unix(),
            exp: expires.unix(),
            jti: URL_SAFE_NO_PAD.encode_to_string(id),
            cnf: terms.key.map(|key| Confirmation { jkt: key.to_owned() }),
            rolegate,
        };
        let json = serde_json::to_string(&claims).map_err(|error| failed(&error))?;
        let text = self.sign(&json).ok_or_else(|| failed(&"the signature failed"))?;
        Ok(SignedToken { text: Secret::new(text), id: claims.jti, expires: Moment::from_unix(claims.exp) })
    }

    /// Verifies a token that `issuer`, which is us, made with one of these keys. Whom it is for is the
    /// caller's to check.
    pub fn open(&self, token: &str, issuer: &str, at: Moment) -> Result<VerifiedToken, NoToken> {
        let token = self.recognise(token, issuer).ok_or(NoToken::NotOurs)?;
        if token.session.expires <= at { Err(NoToken::Expired) } else { Ok(token) }
    }

    /// The same for whoever is to end what it came of: its own time may be over.
    pub fn recognise(&self, token: &str, issuer: &str) -> Option<VerifiedToken> {
        let claims = Some(token).filter(|token| token.len() <= LONGEST_TOKEN);
        let claims = claims.and_then(|token| self.verified(token))?;
        let claims: Claims = serde_json::from_slice(&claims).ok().filter(|it: &Claims| it.iss == issuer)?;
        Some(VerifiedToken { session: claims.session()?, claims })
    }
}

/// The `sub` of tokens of `session`; `None` where it comes from no provider.
pub fn subject_of(session: &RoleSession) -> Option<String> {
    Some(person(session.provider.as_ref()?.as_str(), session.subject.as_deref()?))
}

/// `sub`: the same for one person at one provider, whatever the role, and never that of somebody of
/// the same name at another one (RFC 9068 section 5).
fn person(provider: &str, subject: &str) -> String {
    URL_SAFE_NO_PAD.encode_to_string(hash_of(&["rolegate/sub", provider, subject]))
}

impl RoleClaims {
    fn of(session: &RoleSession) -> Option<Self> {
        let transitive = session.tags.iter().filter(|tag| tag.transitive).map(|tag| tag.key.clone());
        let marks = session.login.iter().flat_map(LoginMarks::all);
        Some(Self {
            role: session.role.as_str().to_owned(),
            role_id: session.role_id.clone(),
            role_session_name: session.session_name.clone(),
            provider: session.provider.as_ref()?.as_str().to_owned(),
            subject: session.subject.clone()?,
            source_identity: session.source_identity.clone(),
            tags: session.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
            transitive_tag_keys: transitive.collect(),
            grant: URL_SAFE_NO_PAD.encode_to_string(session.grant?),
            login: marks.map(|mark| URL_SAFE_NO_PAD.encode_to_string(mark)).collect(),
            granted_ms: session.issued.unix_millis(),
        })
    }
}

impl Claims {
    fn session(&self) -> Option<RoleSession> {
        let said = &self.rolegate;
        let tag = |(key, value): (&String, &String)| SessionTag {
            key: key.clone(),
            value: value.clone(),
            transitive: said.transitive_tag_keys.contains(key),
        };
        let marks = said.login.iter().map(|mark| mark_of(mark)).collect::<Option<Vec<LoginMark>>>()?;
        let login = marks
            .split_first()
            // Whether one of them is that of unnamed sessions is lost: each ends the token all the same.
            .map(|(subject, marks)| LoginMarks {
                subject: *subject,
                sessions: marks.to_vec(),
                unnamed: None,
            });
        Some(RoleSession {
            role: said.role.parse().ok()?,
            role_id: said.role_id.clone(),
            session_name: said.role_session_name.clone(),
            provider: Some(said.provider.parse().ok()?),
            subject: Some(said.subject.clone()),
            assumed_by: None,
            ancestry: Ancestry::default(),
            mfa: None,
            source_identity: said.source_identity.clone(),
            tags: said.tags.iter().map(tag).collect(),
            policies: SessionPolicies::default(),
            provider_session_ends: None,
            login,
            grant: Some(mark_of(&said.grant)?),
            issued: Moment::from_unix_millis(said.granted_ms),
            expires: Moment::from_unix(self.exp),
        })
    }
}

fn mark_of(text: &str) -> Option<GrantId> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()?.try_into().ok()
}
