//! Whose signed request is this?

use super::{Failure, Refusal, RequestContext};
use crate::clock::Moment;
use crate::config::Snapshot;
use crate::identity::Principal;
use crate::identity::sigv4::{self, OpenedCredential, SigV4Error, SignedRequest, SigningSecrets};

impl RequestContext<'_> {
    /// The caller of a request signed for `service`.
    pub fn caller(&self, request: &SignedRequest<'_>, service: &str) -> Result<Principal, Failure> {
        let secrets = self.live_roles_only();
        Ok(sigv4::authenticate(request, service, &secrets, self.at).map_err(Refusal::Signature)?)
    }

    pub(super) fn live_roles_only(&self) -> LiveRolesOnly<'_> {
        LiveRolesOnly { secrets: self.parts.secrets.as_ref(), snapshot: &self.snapshot }
    }
}

/// Opens credentials whose role still exists under the same unique id; after the expiry, before
/// the signature, as AWS orders it (facts 1.2).
pub(super) struct LiveRolesOnly<'a> {
    secrets: &'a dyn SigningSecrets,
    snapshot: &'a Snapshot,
}

impl SigningSecrets for LiveRolesOnly<'_> {
    fn open(&self, id: &str, token: Option<&str>, at: Moment) -> Result<OpenedCredential, SigV4Error> {
        let opened = self.secrets.open(id, token, at)?;
        let role = self.snapshot.directory.role(&opened.session.role);
        if role.is_some_and(|role| role.id == opened.session.role_id) {
            Ok(opened)
        } else {
            Err(SigV4Error::InvalidClientTokenId)
        }
    }
}
