//! The broker's own credentials: sealed, and verified without a look-up.
//!
//! The session token is the sealed [`Session`] (`seal` says how) after the access key id that
//! it belongs to. The secret access key is derived by HMAC from a key of the ring, the token's own
//! salt and the access key id, so it is stored nowhere, and two credentials never share a secret
//! even if their ids should coincide (`arn::AccessKeyId`).

use std::sync::Arc;

use base64_simd::STANDARD;

use super::{CredentialIssuer, IssueFault, IssueFuture, IssuedSession, TemporaryCredentials};
use crate::arn::AccessKeyId;
use crate::clock::Moment;
use crate::entropy::{Entropy, NoEntropy};
use crate::identity::sigv4::{OpenedCredential, SigV4Error, SigningSecrets};
use crate::identity::{Holder, Session};
use crate::policy::{AuthorizedSession, AuthorizedUserSession};
use crate::seal::{KeyRing, NotGenuine, Purpose};
use crate::secret::Secret;

/// Longest session token that is looked at, in characters of base64. Ours stay below 4 KiB
/// (facts 1.8); this bounds the work that a stranger can cause.
const LONGEST_TOKEN: usize = 8192;

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
        let no_entropy = |error: NoEntropy| IssueFault(error.to_string());
        let entropy = self.entropy.as_ref();
        let access_key_id = AccessKeyId::generate(session.account(), entropy).map_err(no_entropy)?;
        let body = postcard::to_allocvec(&(access_key_id.as_str(), session))
            .map_err(|error| IssueFault(error.to_string()))?;
        let sealed = self.ring.seal(Purpose::SessionToken, &body, entropy).map_err(no_entropy)?;
        let secret = self.secret_of(&sealed, access_key_id).map_err(|error| IssueFault(error.to_string()))?;
        Ok(TemporaryCredentials {
            access_key_id,
            secret_access_key: secret,
            session_token: Secret::new(STANDARD.encode_to_string(&sealed)),
            sealed_session: sealed,
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
        let (sealed_for, session): (&str, Session) = postcard::from_bytes(&body).ok()?;
        Some((sealed, IssuedSession { access_key_id: sealed_for.parse().ok()?, session }))
    }
}

impl CredentialIssuer for LocalIssuer {
    fn issue<'a>(&'a self, session: &'a AuthorizedSession, _at: Moment) -> IssueFuture<'a> {
        let session = session.session();
        Box::pin(std::future::ready(self.make(session.into(), session.expires)))
    }

    fn issue_to_user<'a>(&'a self, session: &'a AuthorizedUserSession) -> IssueFuture<'a> {
        Box::pin(std::future::ready(self.make(session.session().into(), session.lifetime().expires)))
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
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::arn::{RoleArn, RoleId};
    use crate::entropy::SystemEntropy;
    use crate::identity::{Ancestry, LoginMarks, RoleSession, SessionTag};

    const NOW: Moment = Moment::from_unix(1_800_000_000);

    fn session() -> RoleSession {
        let role: RoleArn = "arn:aws:iam::111122223333:role/eng/Deploy".parse().unwrap();
        RoleSession {
            role_id: RoleId::of_declared(&role),
            role,
            session_name: "ann@example.com".into(),
            provider: Some("arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap()),
            subject: Some("ann".into()),
            assumed_by: None,
            ancestry: Ancestry::default(),
            mfa: None,
            source_identity: Some("ann".into()),
            tags: vec![SessionTag { key: "team".into(), value: "platform".into(), transitive: true }],
            session_policy: None,
            provider_session_ends: None,
            login: Some(LoginMarks { subject: [1; 16], sessions: vec![[2; 16]], unnamed: None }),
            grant: None,
            issued: NOW,
            expires: NOW.plus(Duration::from_secs(3600)),
        }
    }

    fn issuer() -> LocalIssuer {
        let entropy = SystemEntropy::new();
        LocalIssuer::new(Arc::new(KeyRing::generate(&entropy).unwrap()), Arc::new(entropy))
    }

    fn open(
        issuer: &LocalIssuer,
        made: &TemporaryCredentials,
        at: Moment,
    ) -> Result<RoleSession, SigV4Error> {
        let token = made.session_token.expose();
        let opened = issuer.open(made.access_key_id.as_str(), Some(token), at)?;
        assert!(opened.secret_access_key.same_as(made.secret_access_key.expose().as_bytes()));
        match opened.session {
            Session::Role(session) => Ok(*session),
            other => panic!("{other:?}"),
        }
    }

    fn made_by(issuer: &LocalIssuer) -> TemporaryCredentials {
        let session = session();
        issuer.make((&session).into(), session.expires).unwrap()
    }

    #[test]
    fn what_is_issued_opens_to_the_same_session() {
        let issuer = issuer();
        let made = made_by(&issuer);
        assert_eq!(open(&issuer, &made, NOW).unwrap(), session());
        assert_eq!(made.secret_access_key.expose().len(), 40);
        assert!(made.session_token.expose().len() <= 700, "{}", made.session_token.expose().len());
    }

    #[test]
    fn it_ends_with_its_time() {
        let issuer = issuer();
        let made = made_by(&issuer);
        let end = session().expires;
        assert!(open(&issuer, &made, end.minus(Duration::from_millis(1))).is_ok());
        assert!(matches!(open(&issuer, &made, end), Err(SigV4Error::ExpiredToken)));
    }

    #[test]
    fn a_token_belongs_to_one_key_and_one_ring() {
        let issuer = issuer();
        let (one, two) = (made_by(&issuer), made_by(&issuer));
        let token = two.session_token.expose().as_str();
        for (id, token) in
            [(one.access_key_id.as_str(), Some(token)), (one.access_key_id.as_str(), None), ("", Some(token))]
        {
            assert!(matches!(issuer.open(id, token, NOW), Err(SigV4Error::InvalidClientTokenId)), "{id}");
        }
        let stranger = self::issuer();
        assert!(matches!(open(&stranger, &one, NOW), Err(SigV4Error::InvalidClientTokenId)));
        assert!(!one.secret_access_key.same_as(two.secret_access_key.expose().as_bytes()));
    }
}
