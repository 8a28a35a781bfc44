//! Whose signed request is this?

use super::{Failure, Refusal, RequestContext, RevocationSet};
use crate::clock::Moment;
use crate::config::Snapshot;
use crate::identity::sigv4::{self, OpenedCredential, SigV4Error, SignedRequest, SigningSecrets};
use crate::identity::{Principal, RoleSession};

impl RequestContext<'_> {
    /// The caller of a request signed for `service`.
    pub fn caller(&self, request: &SignedRequest<'_>, service: &str) -> Result<Principal, Failure> {
        let secrets = self.live_roles_only();
        Ok(sigv4::authenticate(request, service, &secrets, self.at).map_err(Refusal::Signature)?)
    }

    pub(super) fn live_roles_only(&self) -> LiveRolesOnly<'_> {
        LiveRolesOnly {
            secrets: self.parts.secrets.as_ref(),
            snapshot: &self.snapshot,
            revoked: &self.parts.revoked,
        }
    }

    /// Whether what was given for `session` still counts: nothing revoked it, and its role still
    /// exists under the same unique id. Whether its time is over is not looked at.
    pub(super) fn is_live(&self, session: &RoleSession) -> bool {
        let role = self.snapshot.directory.role(&session.role);
        !self.is_revoked(session) && role.is_some_and(|role| role.id == session.role_id)
    }

    /// Whether the login or the grant that `session` comes of was ended.
    pub(super) fn is_revoked(&self, session: &RoleSession) -> bool {
        is_revoked(&self.parts.revoked, session)
    }
}

/// Opens credentials that were not revoked and whose role still exists under the same unique id;
/// after the expiry, before the signature, as AWS orders it (facts 1.2).
///
/// AWS has no code for a session that was ended. Here it is `ExpiredToken`: its end was moved, and
/// by that code, unlike `InvalidClientTokenId`, SDKs know to get new credentials (Go's
/// `credsExpiredCodes`).
pub(super) struct LiveRolesOnly<'a> {
    secrets: &'a dyn SigningSecrets,
    snapshot: &'a Snapshot,
    revoked: &'a RevocationSet,
}

impl SigningSecrets for LiveRolesOnly<'_> {
    fn open(&self, id: &str, token: Option<&str>, at: Moment) -> Result<OpenedCredential, SigV4Error> {
        let opened = self.secrets.open(id, token, at)?;
        if is_revoked(self.revoked, &opened.session) {
            return Err(SigV4Error::Revoked);
        }
        let role = self.snapshot.directory.role(&opened.session.role);
        if role.is_some_and(|role| role.id == opened.session.role_id) {
            Ok(opened)
        } else {
            Err(SigV4Error::InvalidClientTokenId)
        }
    }
}

fn is_revoked(revoked: &RevocationSet, session: &RoleSession) -> bool {
    let (login, grant) = (session.login.as_ref(), session.grant.as_ref());
    login.is_some_and(|marks| revoked.ends_session(marks, session.issued))
        || grant.is_some_and(|grant| revoked.ends(grant, session.issued))
}
