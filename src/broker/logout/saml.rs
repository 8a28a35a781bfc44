//! Single logout by SAML (Core 3.7, Profiles 4.4).

use super::{Away, scope};
use crate::audit;
use crate::broker::{Failure, Refusal, RequestContext};
use crate::directory::{Provider, SamlSide, Verifier};
use crate::identity::SamlSession;
use crate::identity::saml::{LogoutMessage, LogoutRequest, LogoutStatus, Outbound, PresentedLogout};

/// What a message at the single logout service came to.
pub enum LogoutOutcome {
    /// The provider ended a login.
    Ended {
        /// Our answer; `None` where the provider takes none.
        answer: Option<Outbound>,
        /// Why it could not be done for good, in which case the answer says that it was not.
        failure: Option<Failure>,
    },
    /// The provider answers a sign-out that began here.
    Answered(LogoutStatus),
}

impl RequestContext<'_> {
    /// A message that a browser brought to the single logout service of the provider called
    /// `name`. `cookie` is that of a logout under way.
    pub async fn saml_logout(
        &self,
        name: &str,
        presented: PresentedLogout<'_>,
        cookie: Option<&str>,
    ) -> Result<LogoutOutcome, Failure> {
        let (provider, saml) = self.logout_provider(name)?;
        let awaited = self.logout_state(cookie, name).map(|state| state.request_id);
        match saml.provider.verify_logout(presented, awaited.as_deref(), self.at)? {
            LogoutMessage::Request(request) => self.end_login(provider, saml, &request).await,
            LogoutMessage::Response(status) => {
                if let LogoutStatus::Failed(reason) = &status {
                    tracing::warn!(provider = name, reason, "the identity provider did not log out");
                }
                Ok(LogoutOutcome::Answered(status))
            }
        }
    }

    /// Claims, revokes, and answers. A request that was here before is refused; one that can't be
    /// carried out for good is answered so.
    async fn end_login(
        &self,
        provider: &Provider,
        saml: &SamlSide,
        request: &LogoutRequest,
    ) -> Result<LogoutOutcome, Failure> {
        let carried_out =
            self.claim_and_revoke(request.marks().ended(), request.one_time(), request.issued()).await;
        let failure = match carried_out {
            Ok(()) => {
                let ended = audit::Ended {
                    action: "saml-logout",
                    provider: provider.arn.as_str(),
                    subject: &request.session().name_id.value,
                    scope: scope(request.marks()),
                };
                self.tell_ended(&ended);
                None
            }
            Err(failure @ Failure::Fault(_)) => Some(failure),
            Err(refusal) => return Err(refusal),
        };
        let entropy = self.parts.entropy.as_ref();
        let answer = saml.provider.logout_response(request, failure.is_none(), entropy, self.at)?;
        Ok(LogoutOutcome::Ended { answer, failure })
    }

    /// A request that tells the provider; `None` where it takes none.
    pub(super) fn away_by_saml(
        &self,
        saml: &SamlSide,
        session: &SamlSession,
    ) -> Result<Option<Away>, Failure> {
        let start = saml.provider.logout_request(session, self.parts.entropy.as_ref(), self.at)?;
        Ok(start.map(|start| Away { outbound: start.outbound, request_id: start.id }))
    }

    fn logout_provider(&self, name: &str) -> Result<(&Provider, &SamlSide), Failure> {
        let unknown = || Refusal::unknown_provider(name);
        let provider = self.snapshot.directory.provider(name).ok_or_else(unknown)?;
        match &provider.verifier {
            Verifier::Saml(saml) if saml.provider.offers_logout() => Ok((provider, saml)),
            Verifier::Saml(_) => Err(Refusal::LogoutNotOffered { provider: name.to_owned() }.into()),
            Verifier::Oidc(_) => Err(unknown().into()),
        }
    }
}
