//! Whose signed request is this?

use super::{Failure, Refusal, RequestContext, RevocationSet};
use crate::arn::{UserArn, UserId};
use crate::clock::Moment;
use crate::config::Snapshot;
use crate::identity::sigv4::{self, OpenedCredential, SigV4Error, SignedRequest, SigningSecrets};
use crate::identity::{Holder, Principal, Session, UserSession};
use crate::issuer::IssuedSession;

impl RequestContext<'_> {
    /// The caller of a request signed for `service`.
    pub fn caller(&self, request: &SignedRequest<'_>, service: &str) -> Result<Principal, Failure> {
        self.knows_revocations()?;
        let secrets = self.live_only();
        Ok(sigv4::authenticate(request, service, &secrets, self.at).map_err(Refusal::Signature)?)
    }

    pub(super) fn live_only(&self) -> LiveOnly<'_> {
        LiveOnly {
            secrets: self.parts.secrets.as_ref(),
            snapshot: &self.snapshot,
            revoked: &self.parts.revoked,
        }
    }

    /// Whether what was given to `holder` still counts: nothing revoked it, and its role or user still
    /// exists under the same unique id. Whether its time is over is not looked at.
    pub(super) fn is_live(&self, holder: Holder<'_>) -> bool {
        self.live_only().check(holder).is_ok()
    }

    /// As [`RequestContext::is_live`], of credentials.
    pub(super) fn are_live(&self, issued: &IssuedSession) -> bool {
        self.live_only().check_credentials(issued.access_key_id.as_str(), (&issued.session).into()).is_ok()
    }
}

/// Opens users' access keys that are active, and temporary credentials that were not revoked and whose role or
/// user still exists under the same unique id; after the expiry, before the signature, as AWS orders it
/// (facts 1.2).
///
/// AWS has no code for a session that was ended. Here it is `ExpiredToken`: its end was moved, and
/// by that code, unlike `InvalidClientTokenId`, SDKs know to get new credentials (Go's
/// `credsExpiredCodes`).
pub(super) struct LiveOnly<'a> {
    secrets: &'a dyn SigningSecrets,
    snapshot: &'a Snapshot,
    revoked: &'a RevocationSet,
}

impl LiveOnly<'_> {
    pub(super) fn check(&self, holder: Holder<'_>) -> Result<(), SigV4Error> {
        if holder.issued().is_some_and(|issued| self.revoked.ends_holder(holder, issued)) {
            return Err(SigV4Error::Revoked);
        }
        let exists = match holder {
            Holder::Role(session) => {
                let role = self.snapshot.directory.role(&session.role);
                role.is_some_and(|role| role.id == session.role_id)
            }
            Holder::User(session) => self.knows(&session.user, &session.user_id),
            Holder::FederatedUser(session) => self.knows(&session.made_by, &session.user_id),
        };
        if exists { Ok(()) } else { Err(SigV4Error::InvalidClientTokenId) }
    }

    pub(super) fn check_credentials(&self, id: &str, holder: Holder<'_>) -> Result<(), SigV4Error> {
        if holder.issued().is_some_and(|issued| self.revoked.ends_credentials(id, issued)) {
            return Err(SigV4Error::Revoked);
        }
        self.check(holder)
    }

    fn knows(&self, user: &UserArn, id: &UserId) -> bool {
        self.snapshot.directory.user(user).is_some_and(|user| user.id == *id)
    }

    /// A user's own key. It goes with no session token.
    fn long_term(&self, id: &str, token: Option<&str>) -> Option<Result<OpenedCredential, SigV4Error>> {
        let (user, key) = self.snapshot.directory.access_key(id)?;
        if token.is_some() || !key.is_active {
            return Some(Err(SigV4Error::InvalidClientTokenId));
        }
        let (user, user_id) = (user.arn.clone(), user.id.clone());
        let session = Session::User(UserSession { user, user_id, lifetime: None, mfa: None });
        Some(Ok(OpenedCredential { secret_access_key: key.secret.clone(), session }))
    }
}

impl SigningSecrets for LiveOnly<'_> {
    fn open(&self, id: &str, token: Option<&str>, at: Moment) -> Result<OpenedCredential, SigV4Error> {
        if let Some(long_term) = self.long_term(id, token) {
            return long_term;
        }
        let opened = self.secrets.open(id, token, at)?;
        self.check_credentials(id, (&opened.session).into()).map(|()| opened)
    }
}
