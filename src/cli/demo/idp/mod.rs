//! The demo identity provider: SAML 2.0 and OpenID Connect for three invented people.
//!
//! It has no passwords, so it listens on loopback only and is reachable from `cli::demo` alone;
//! `serve` does not know it. Its keys are made at the first start and kept below `var/`.

pub(crate) mod authn_request;
mod logout;
pub(crate) mod oidc;
mod oidc_session;
mod pages;
mod routes;
pub mod saml;
#[cfg(test)]
mod testing;
pub(crate) mod token;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use actix_web::{App, HttpServer};

use self::authn_request::{AuthnRequest, RequestKey};
use self::oidc::{Client, LogoutUris, OpenIdProvider};
use self::saml::{ResponseFacts, SamlSigner, SignerError};
use self::token::{KeyError, TokenKey};
use super::people::Person;
use crate::clock::{Clock, Moment};
use crate::entropy::Entropy;
use crate::fetch::{Reach, http_client};
use crate::secret::Secret;

/// The client of the imagined mobile app: public, no browser, tokens go to the STS endpoint.
pub(crate) const MOBILE_CLIENT: &str = "mobile-app";
/// The client of the broker's own sign-in page.
pub(crate) const PORTAL_CLIENT: &str = "rolegate-portal";
/// How long a response may travel.
const RESPONSE_LIFETIME: Duration = Duration::from_secs(300);

/// The provider's keys and secrets, as [`super::world`] keeps them.
pub(crate) struct Keys {
    /// Signs assertions.
    pub(crate) saml: SamlSigner,
    /// Signs ID tokens.
    pub(crate) token: TokenKey,
    /// The secret of [`PORTAL_CLIENT`].
    pub(crate) portal_secret: Secret<String>,
    /// Verifies the broker's login requests.
    pub(crate) requests: RequestKey,
}

/// What the provider knows about the broker.
#[derive(Debug, Clone)]
pub(crate) struct Broker {
    /// Scheme and authority, without a trailing slash.
    pub(crate) origin: String,
    /// What it is called in its production account.
    pub(crate) corp: ServiceProvider,
    /// What it is called in its sandbox account.
    pub(crate) sandbox: ServiceProvider,
    /// Where authorization codes go.
    pub(crate) callback: String,
    /// Where the logouts of OpenID Connect go.
    pub(crate) backchannel: String,
    /// Where browsers go back to that signed out by OpenID Connect.
    pub(crate) signed_out: String,
}

/// One of the broker's names as a SAML service provider.
#[derive(Debug, Clone)]
pub(crate) struct ServiceProvider {
    /// The issuer of its requests, and the audience of assertions.
    pub(crate) entity_id: String,
    /// Where SAML responses go.
    pub(crate) acs: String,
    /// Where logout messages go.
    pub(crate) slo: String,
}

/// The provider.
pub(crate) struct Idp {
    broker: Broker,
    saml: SamlSigner,
    requests: RequestKey,
    oidc: OpenIdProvider,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Idp {
    /// The provider at `origin`, which serves `broker` alone.
    pub(crate) fn new(
        origin: String,
        broker: Broker,
        keys: Keys,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let mobile = Client { id: MOBILE_CLIENT, secret: None, redirect_uri: None, logout: None };
        let portal = Client {
            id: PORTAL_CLIENT,
            secret: Some(keys.portal_secret),
            redirect_uri: Some(broker.callback.clone()),
            logout: Some(LogoutUris {
                backchannel: broker.backchannel.clone(),
                signed_out: broker.signed_out.clone(),
            }),
        };
        let oidc = OpenIdProvider::new(origin, keys.token, vec![mobile, portal]);
        Self { broker, saml: keys.saml, requests: keys.requests, oidc, clock, entropy }
    }

    /// The metadata that the broker is configured with.
    pub(crate) fn saml_metadata(&self) -> String {
        self.saml.metadata()
    }

    /// The service provider that asks, if its answer may go where it wants it.
    fn asking(&self, request: &AuthnRequest) -> Result<&ServiceProvider, &'static str> {
        let known = self.known(&request.issuer)?;
        match &request.acs {
            Some(acs) if *acs != known.acs => Err("The request wants its answer at an unknown address."),
            _ => Ok(known),
        }
    }

    /// The service provider of this name.
    fn known(&self, entity_id: &str) -> Result<&ServiceProvider, &'static str> {
        let mut known = [&self.broker.corp, &self.broker.sandbox].into_iter();
        known.find(|known| known.entity_id == entity_id).ok_or("The message is from somebody unknown.")
    }

    /// A response about `person` for the broker, base64, issued now.
    pub(crate) fn saml_response(
        &self,
        person: &Person,
        in_response_to: Option<&str>,
    ) -> Result<String, SignerError> {
        self.saml_response_on(person, Terms { in_response_to, ..self.terms() })
    }

    /// The terms of an unasked response, issued now.
    pub(crate) fn terms(&self) -> Terms<'_> {
        Terms {
            signer: &self.saml,
            recipient: &self.broker.corp.acs,
            audience: &self.broker.corp.entity_id,
            in_response_to: None,
            at: self.clock.now(),
        }
    }

    /// A response on other terms than usual, for the walk's refusals.
    pub(crate) fn saml_response_on(&self, person: &Person, terms: Terms<'_>) -> Result<String, SignerError> {
        let facts = ResponseFacts {
            recipient: terms.recipient,
            audience: terms.audience,
            in_response_to: terms.in_response_to,
            subject: person.email,
            attributes: &person.saml_attributes(),
            at: terms.at,
            lifetime: RESPONSE_LIFETIME,
        };
        terms.signer.respond(&facts, self.entropy.as_ref())
    }

    /// Tells the broker to end everything that came of sign-ins of `person` by OpenID Connect; says
    /// whether it did.
    async fn log_out(&self, person: &Person) -> bool {
        let tokens = self.oidc.logout_tokens(person, self.clock.now(), self.entropy.as_ref());
        let (Some(tokens), Ok(http)) = (tokens, http_client(Reach { private: false, loopback: true })) else {
            return false;
        };
        for (uri, token) in tokens {
            let answer = http.post(uri).form(&[("logout_token", token)]).send().await;
            if !answer.is_ok_and(|answer| answer.status().is_success()) {
                return false;
            }
        }
        true
    }

    /// An ID token about `person` for `client`, issued `at`.
    pub(crate) fn id_token(&self, person: &Person, client: &str, at: Moment) -> Result<String, KeyError> {
        self.oidc.id_token(person, client, at)
    }
}

/// What may differ between one response and the next.
pub(crate) struct Terms<'a> {
    /// Whose key.
    pub(crate) signer: &'a SamlSigner,
    /// Where to.
    pub(crate) recipient: &'a str,
    /// For whom.
    pub(crate) audience: &'a str,
    /// The request that it answers.
    pub(crate) in_response_to: Option<&'a str>,
    /// When it is issued.
    pub(crate) at: Moment,
}

/// Serves `idp` on `listener` until the handle is told to stop.
pub(crate) fn serve(idp: Arc<Idp>, listener: TcpListener) -> std::io::Result<ServerHandle> {
    let data = Data::from(idp);
    let server = HttpServer::new(move || {
        App::new().app_data(data.clone()).wrap(routes::headers(&data.broker.origin)).configure(routes::routes)
    })
    .workers(1)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}
