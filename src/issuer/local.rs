//! The broker's own credentials: sealed, and verified without a look-up.
//!
//! A session token is a sealed body (`seal` says how): the number of its format, then in the form of postcard
//! the access key id that it belongs to and the [`Session`]; docs/session-token.md lists every field. The secret
//! access key is derived by HMAC from a key of the ring, the token's own salt and the access key id, so it is stored
//! nowhere, and two credentials never share a secret even if their ids should coincide (`arn::AccessKeyId`).

use std::sync::Arc;

use base64_simd::STANDARD;

use super::{
    CredentialIssuer, Issuance, IssueFault, IssueFuture, IssuedSession, OwnIssuer, TemporaryCredentials,
};
use crate::arn::AccessKeyId;
use crate::clock::Moment;
use crate::entropy::{Entropy, NoEntropy};
use crate::identity::sigv4::{OpenedCredential, SigV4Error, SigningSecrets};
use crate::identity::{Holder, Session};
use crate::policy::AuthorizedUserSession;
use crate::seal::{KeyRing, NotGenuine, Purpose};
use crate::secret::Secret;

/// Longest session token that is looked at, in characters of base64. Ours stay below 4 KiB
/// (facts 1.8); this bounds the work that a stranger can cause.
const LONGEST_TOKEN: usize = 8192;

/// The format of what is sealed. A session that gains or loses a field takes the next number, and tokens of the
/// number before are read as long as one may live.
const FORMAT: u8 = 1;

/// See the module.
pub struct LocalIssuer {
    ring: Arc<KeyRing>,
    entropy: Arc<dyn Entropy>,
}

impl LocalIssuer {
    /// An issuer that seals with `ring`.
    pub const fn new(ring: Arc<KeyRing>, entropy: Arc<dyn Entropy>) -> Self {
        Self { ring, entropy }
    }

    fn make(&self, session: Holder<'_>, expires: Moment) -> Result<TemporaryCredentials, IssueFault> {
        let no_entropy = |error: NoEntropy| IssueFault::Own(error.to_string());
        let entropy = self.entropy.as_ref();
        let access_key_id = AccessKeyId::generate(session.account(), entropy).map_err(no_entropy)?;
        let body = body_of(access_key_id, session).map_err(|error| IssueFault::Own(error.to_string()))?;
        let sealed = self.ring.seal(Purpose::SessionToken, &body, entropy).map_err(no_entropy)?;
        let secret =
            self.secret_of(&sealed, access_key_id).map_err(|error| IssueFault::Own(error.to_string()))?;
        Ok(TemporaryCredentials {
            access_key_id: access_key_id.as_str().to_owned(),
            secret_access_key: secret,
            session_token: Secret::new(STANDARD.encode_to_string(&sealed)),
            sealed_session: Some(sealed),
            upstream: None,
            expires,
        })
    }

    fn secret_of(&self, sealed: &[u8], id: AccessKeyId) -> Result<Secret<String>, NotGenuine> {
        let bytes = self.ring.derive_secret(sealed, id.as_str().as_bytes())?;
        Ok(Secret::new(STANDARD.encode_to_string(bytes.expose())))
    }

    fn unseal(&self, access_key_id: &str, token: &str) -> Option<OpenedCredential> {
        let asked: AccessKeyId = access_key_id.parse().ok()?;
        let (sealed, issued) = self.opened(token)?;
        if issued.access_key_id != asked {
            return None;
        }
        let secret_access_key = self.secret_of(&sealed, asked).ok()?;
        Some(OpenedCredential { secret_access_key, session: issued.session })
    }

    /// The sealed bytes of a session token, and what they say.
    fn opened(&self, token: &str) -> Option<(Vec<u8>, IssuedSession)> {
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let sealed = STANDARD.decode_to_vec(token).ok()?;
        let body = self.ring.open(Purpose::SessionToken, &sealed).ok()?;
        Some((sealed, read_body(&body)?))
    }
}

/// What is sealed.
fn body_of(id: AccessKeyId, session: Holder<'_>) -> postcard::Result<Vec<u8>> {
    postcard::to_extend(&(id.as_str(), session), vec![FORMAT])
}

/// What was sealed.
fn read_body(body: &[u8]) -> Option<IssuedSession> {
    let (&FORMAT, body) = body.split_first()? else { return None };
    let ((sealed_for, session), []): ((&str, Session), &[u8]) = postcard::take_from_bytes(body).ok()? else {
        return None;
    };
    Some(IssuedSession { access_key_id: sealed_for.parse().ok()?, session })
}

impl CredentialIssuer for LocalIssuer {
    fn issue<'a>(&'a self, issuance: &'a Issuance<'a>) -> IssueFuture<'a> {
        let session = issuance.session.session();
        Box::pin(std::future::ready(self.make(session.into(), session.expires)))
    }
}

impl OwnIssuer for LocalIssuer {
    fn issue_to_user(&self, session: &AuthorizedUserSession) -> Result<TemporaryCredentials, IssueFault> {
        self.make(session.session().into(), session.lifetime().expires)
    }

    fn session_of(&self, session_token: &str) -> Option<IssuedSession> {
        self.opened(session_token).map(|(_, issued)| issued)
    }
}

impl SigningSecrets for LocalIssuer {
    /// The order is that of AWS (facts 1.2): the token is ours and belongs to the key, then it has
    /// not expired.
    fn open(&self, id: &str, token: Option<&str>, at: Moment) -> Result<OpenedCredential, SigV4Error> {
        let opened =
            token.and_then(|token| self.unseal(id, token)).ok_or(SigV4Error::InvalidClientTokenId)?;
        // Every session token has an end; one without would be nobody's.
        if Holder::from(&opened.session).expires().is_none_or(|end| end <= at) {
            return Err(SigV4Error::ExpiredToken);
        }
        Ok(opened)
    }
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
