//! Questions about tokens of ours (RFC 7662), and their end (RFC 7009).

use super::ExchangeRefusal;
use crate::broker::{Failure, RequestContext};
use crate::directory::Client;
use crate::identity::Holder;
use crate::issuer::IssuedSession;
use crate::issuer::jwt::VerifiedToken;

/// The audit's word for a revocation by a client.
const ACTION: &str = "token-revocation";

/// A token of ours that is still good.
pub enum Active {
    /// A signed token.
    Token(Box<VerifiedToken>),
    /// The session token of credentials.
    Credentials(Box<IssuedSession>),
}

impl Active {
    /// Who holds it.
    pub fn holder(&self) -> Holder<'_> {
        match self {
            Self::Token(token) => token.session().into(),
            Self::Credentials(issued) => (&issued.session).into(),
        }
    }
}

impl RequestContext<'_> {
    /// What `token` stands for, if `client` may ask; `None` if it is not ours, or no longer good.
    pub fn introspect(&self, client: &Client, token: &str) -> Result<Option<Active>, Failure> {
        if !client.may_introspect {
            return Err(ExchangeRefusal::Grant { grant: "introspection" }.into());
        }
        self.active(token)
    }

    /// What `token` stands for; `None` if it is not ours, or no longer good.
    pub(in crate::broker) fn active(&self, token: &str) -> Result<Option<Active>, Failure> {
        self.knows_revocations()?;
        let signed = self.parts.signing.open(token, &self.snapshot.public_url, self.at).ok();
        let active = signed.map(|token| Active::Token(Box::new(token))).or_else(|| {
            let issued = self.parts.issuer.session_of(token)?;
            let goes_on = Holder::from(&issued.session).expires().is_some_and(|end| end > self.at);
            goes_on.then(|| Active::Credentials(Box::new(issued)))
        });
        Ok(active.filter(|active| match active {
            Active::Token(token) => self.is_live(token.session().into()),
            Active::Credentials(issued) => self.are_live(issued),
        }))
    }

    /// Ends all that came of the exchange that `token` comes of, if it was given to `client`: a refresh
    /// token and its successors, tokens and credentials (RFC 7009 section 2.1). What is no token of
    /// ours needs no end.
    pub async fn revoke_token(&self, client: &Client, token: &str) -> Result<(), Failure> {
        let foreign = || Failure::from(ExchangeRefusal::OfAnother);
        if let Some((identity, lineage)) = self.recalled(token) {
            if !lineage.is_of(client) {
                return Err(foreign());
            }
            self.end_grant(lineage.grant).await?;
            self.tell_grant_ended(ACTION, identity.provider().as_str(), identity.subject());
            return Ok(());
        }
        // One that is over, too: its refresh tokens may go on.
        let Some(token) = self.parts.signing.recognise(token, &self.snapshot.public_url) else {
            let is_session = self.parts.issuer.session_of(token).is_some();
            return if is_session { Err(ExchangeRefusal::NotRevocable.into()) } else { Ok(()) };
        };
        if token.client_id() != client.id {
            return Err(foreign());
        }
        let session = token.session();
        if let Some(grant) = session.grant {
            self.end_grant(grant).await?;
        }
        let provider = session.provider.as_ref().map(crate::arn::ProviderArn::as_str).unwrap_or_default();
        self.tell_grant_ended(ACTION, provider, session.subject.as_deref().unwrap_or_default());
        Ok(())
    }
}
