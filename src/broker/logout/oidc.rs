//! Logout by OpenID Connect: the provider tells us behind the browser's back (Back-Channel Logout
//! 1.0), and a browser that signs out here goes there and comes back (RP-Initiated Logout 1.0).

use futures_util::future::join_all;
use subtle::ConstantTimeEq;

use super::Away;
use crate::audit;
use crate::broker::{Failure, Fault, Refusal, RequestContext};
use crate::directory::Verifier;
use crate::identity::oidc::{LoginError, OidcProvider};
use crate::identity::saml::Outbound;
use crate::identity::{OidcSession, VerifyCode, VerifyError};

impl RequestContext<'_> {
    /// A logout token that was posted for the provider called `name`. `Ok` once what it ends is
    /// over for good; with a fault this node holds to it all the same. An issuer that serves several
    /// accounts is a provider in each, and its session ends in all of them.
    pub async fn backchannel_logout(&self, name: &str, token: &str) -> Result<(), Failure> {
        let provider = self.snapshot.directory.provider(name);
        let provider = provider.ok_or_else(|| Refusal::unknown_provider(name))?;
        let Verifier::Oidc(oidc) = &provider.verifier else {
            return Err(Refusal::unknown_provider(name).into());
        };
        let logout = oidc.verify_logout(token, self.at).await?;
        let mut ended = logout.ended().to_vec();
        let siblings = self
            .siblings(oidc)
            .map(|sibling| async move { (sibling, sibling.verify_logout(token, self.at).await) });
        for (sibling, verified) in join_all(siblings).await {
            match verified {
                Ok(logout) => ended.extend_from_slice(logout.ended()),
                // For no client of its own, or by no key of its own: nothing of it ends.
                Err(error) if error.code() != VerifyCode::KeysUnavailable => {}
                Err(error) => {
                    let provider = sibling.settings().arn.as_str();
                    tracing::warn!(provider, %error, "a logout of the same issuer could not be verified here");
                }
            }
        }
        self.claim_and_revoke(&ended, logout.one_time(), logout.issued()).await?;
        self.tell_ended(&audit::Ended {
            action: "oidc-logout",
            provider: provider.arn.as_str(),
            subject: logout.subject().unwrap_or_default(),
            scope: if logout.names_session() { "session" } else { "person" },
        });
        Ok(())
    }

    /// The other providers of the same issuer.
    fn siblings<'a>(&'a self, oidc: &'a OidcProvider) -> impl Iterator<Item = &'a OidcProvider> {
        let own = oidc.settings();
        let providers = self.snapshot.directory.providers().iter();
        let others = providers.filter_map(|provider| match &provider.verifier {
            Verifier::Oidc(other) => Some(other.as_ref()),
            Verifier::Saml(_) => None,
        });
        others.filter(|other| other.settings().issuer == own.issuer && other.settings().arn != own.arn)
    }

    /// A browser's return from the provider called `name`, which it was sent to to sign out. `Ok` if
    /// it is this browser that was.
    pub fn signed_out_at_provider(
        &self,
        name: &str,
        state: Option<&str>,
        cookie: Option<&str>,
    ) -> Result<(), Failure> {
        let awaited = self.logout_state(cookie, name).map(|logout| logout.request_id);
        let same = |awaited: &String| {
            state.is_some_and(|state| bool::from(state.as_bytes().ct_eq(awaited.as_bytes())))
        };
        if awaited.as_ref().is_some_and(same) {
            return Ok(());
        }
        let (expected, seen) = ("the `state` of a sign-out of this browser", "another or none");
        Err(VerifyError::new(VerifyCode::Unsolicited, "oidc.logout.state", expected, seen).into())
    }

    /// The place at the provider; `None` where it has none.
    pub(super) async fn away_by_oidc(
        &self,
        name: &str,
        oidc: &OidcProvider,
        session: &OidcSession,
    ) -> Result<Option<Away>, Failure> {
        let return_to = format!("{}/oidc/{name}/signed-out", self.snapshot.public_url);
        let start = oidc.end_session(session, &return_to, self.parts.entropy.as_ref(), self.at).await;
        let start = start.map_err(|error| match error {
            LoginError::Verify(error) => error.into(),
            other => Failure::from(Fault::ProviderUnreachable(other.to_string())),
        })?;
        Ok(start.map(|start| Away { outbound: Outbound::Redirect(start.url), request_id: start.state }))
    }
}
