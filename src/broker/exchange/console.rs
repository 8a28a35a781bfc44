//! A provider's word becomes a link that opens the console of a role: for in-house portals that have somebody's token.

use std::time::Duration;

use url::form_urlencoded::Serializer;

use super::{ACTION, Exchange, SubjectToken, bound_to};
use crate::broker::record::offered_by;
use crate::broker::{Arrival, Ask, Door, ExchangeRefusal, Failure, RequestContext};
use crate::console::{SIGNIN_TOKEN_LIFE, SigninToken};
use crate::identity::{Session, SessionPolicies};
use crate::secret::Secret;
use crate::{audit, telemetry};

/// Where a link is to lead.
#[derive(Clone, Copy)]
pub struct ConsoleAsk<'a> {
    /// The page of the console; its first page without it.
    pub destination: Option<&'a str>,
    /// Where the person is led back to who comes too late.
    pub issuer: Option<&'a str>,
    /// How long the console's session lasts; as long as credentials of the role without it.
    pub duration: Option<Duration>,
}

/// A link, good for 15 minutes.
pub struct ConsoleUrl {
    /// Whoever opens it is signed in by it.
    pub url: Secret<String>,
    /// How long it is good for.
    pub lasts: Duration,
}

impl RequestContext<'_> {
    /// The link for what a client brings. It is used up by that, as by any exchange.
    pub async fn console_url(
        &self,
        asked: &Exchange<'_>,
        console: &ConsoleAsk<'_>,
    ) -> Result<ConsoleUrl, Failure> {
        let client = asked.client;
        if !client.may_exchange {
            return Err(ExchangeRefusal::Grant { grant: "token-exchange" }.into());
        }
        bound_to(client, asked.proof)?;
        let SubjectToken::Presented { presented, role, session_name } = asked.subject else {
            return Err(ExchangeRefusal::OnlyToken.into());
        };
        let provider = self.provider_of(client, presented, role.account())?;
        let arrival = Arrival { presented, provider, door: Door::StsApi };
        let policies = SessionPolicies::NONE;
        let ask = Ask { action: ACTION, role, session_name, duration: None, policies };
        let identity = self.verify(&arrival).await?;
        let authorized = self.authorize(&identity, provider, &ask)?;
        let destination = self.land_on(Some(role), console.destination)?;
        if let Some(there) = self.console_there(role) {
            let wished = (Some(destination.as_str()), console.duration);
            let ready = self.ready_there(there, &authorized, Some(presented), wished).await?;
            self.claim(&identity, &arrival, Some(role)).await?;
            self.use_up(asked.proof).await?;
            let url = self.sign_in_there(ready, &authorized, ACTION)?.url;
            return Ok(ConsoleUrl { url, lasts: SIGNIN_TOKEN_LIFE });
        }
        let session = Session::Role(Box::new(authorized.session().clone()));
        let mut token = SigninToken::new(session, None, console.duration, self.at);
        token.console.login = identity.login().map(|login| login.session.clone());
        let until = token.console.until;
        let sealed = token.seal(&self.parts.ring, self.parts.entropy.as_ref())?;
        self.claim(&identity, &arrival, Some(role)).await?;
        self.use_up(asked.proof).await?;
        telemetry::count_issued("console-url");
        audit::ConsoleLink {
            client: &client.id,
            provider: provider.arn.as_str(),
            subject: identity.subject(),
            session: &authorized.session().arn(),
            offered_by: offered_by(authorized.offered_by()),
            until,
        }
        .write();
        let mut query = Serializer::new(String::new());
        query.append_pair("Action", "login");
        query.extend_pairs(console.issuer.map(|issuer| ("Issuer", issuer)));
        query.append_pair("Destination", &destination).append_pair("SigninToken", &sealed);
        let url = Secret::new(format!("{}/federation?{}", self.snapshot.public_url, query.finish()));
        Ok(ConsoleUrl { url, lasts: SIGNIN_TOKEN_LIFE })
    }
}
