//! The token endpoint's flow: somebody's word, or a token of ours, becomes credentials or a token
//! (RFC 8693).
//!
//! The word of a provider goes the way of every other ([`RequestContext::federate`]) up to where
//! something is given. A token of ours went it before: it may become one for another service that ends
//! with it at the latest, and nothing else, so that no exchange can make more of it.
//!
//! Everything of one exchange is under one grant, a name by which all of it can be ended.
//! `refresh` asks again without the person, `device` when a person approved it elsewhere, `tokens` tells of
//! tokens and ends them, `console` gives a link to a console instead.

mod console;
mod device;
mod nonce;
mod refresh;
mod refusal;
mod tokens;

use std::time::Duration;

pub use self::console::{ConsoleAsk, ConsoleUrl};
pub(in crate::broker) use self::device::DeviceGrant;
pub use self::device::Polled;
use self::refresh::Kept;
pub use self::refusal::ExchangeRefusal;
pub use self::tokens::Active;
use super::record::{Given, tell_issued};
use super::{Arrival, Ask, Door, Failure, Refusal, RequestContext};
use crate::arn::{AccountId, ProviderArn, RoleArn};
use crate::clock::Moment;
use crate::directory::{Client, Provider};
use crate::entropy;
use crate::identity::dpop::{self, Proof};
use crate::identity::{
    FederatedIdentity, GrantId, OneTime, Presented, SessionPolicies, VerifyError, hash_of,
};
use crate::issuer::TemporaryCredentials;
use crate::issuer::jwt::{NoToken, SignedToken, TokenTerms, VerifiedToken};
use crate::policy::AuthorizedSession;
use crate::secret::Secret;

/// The way in, for audit and metrics.
const ACTION: &str = "token-exchange";

/// An exchange that a client asks for.
pub struct Exchange<'a> {
    /// Who asks. It has proved to be that.
    pub client: &'a Client,
    /// What it brings.
    pub subject: SubjectToken<'a>,
    /// What it wants for it.
    pub wanted: Wanted<'a>,
    /// The session's length; without it one hour, or as long as the token that is brought.
    pub duration: Option<Duration>,
    /// The key that the client proved to hold. What is given is bound to it, but for credentials, which
    /// prove themselves.
    pub proof: Option<&'a Proof>,
}

/// What is exchanged.
#[derive(Clone, Copy)]
pub enum SubjectToken<'a> {
    /// The word of a provider.
    Presented {
        /// An ID token or a SAML response.
        presented: Presented<'a>,
        /// The role that it is to give.
        role: &'a RoleArn,
        /// The session's name, where the protocol lets the caller choose it.
        session_name: Option<&'a str>,
    },
    /// A token of ours.
    Ours(&'a str),
}

/// What is wanted.
#[derive(Clone, Copy)]
pub enum Wanted<'a> {
    /// Temporary credentials.
    Credentials,
    /// A signed token for a service.
    Token {
        /// The service's name, as the client's configuration writes it.
        audience: &'a str,
    },
}

impl<'a> Wanted<'a> {
    /// A token for `audience`; credentials if there is none.
    pub(super) fn of(audience: Option<&'a str>) -> Self {
        audience.map_or(Self::Credentials, |audience| Self::Token { audience })
    }

    /// The service that a token is for.
    pub(super) const fn audience(self) -> Option<&'a str> {
        match self {
            Self::Credentials => None,
            Self::Token { audience } => Some(audience),
        }
    }
}

/// What was made, and is not given yet.
struct Begun {
    grant: GrantId,
    session: AuthorizedSession,
    granted: Granted,
}

/// What is given.
pub enum Granted {
    /// Temporary credentials.
    Credentials(TemporaryCredentials),
    /// A signed token.
    Token(SignedToken),
}

/// The end of an exchange.
pub struct Exchanged {
    /// What is given.
    pub granted: Granted,
    /// What it can be asked for again with, once.
    pub refresh: Option<Secret<String>>,
}

impl RequestContext<'_> {
    /// Exchanges what a client brings.
    pub async fn exchange(&self, asked: &Exchange<'_>) -> Result<Exchanged, Failure> {
        let client = asked.client;
        if !client.may_exchange {
            return Err(ExchangeRefusal::Grant { grant: "token-exchange" }.into());
        }
        may_ask_for(client, asked.wanted)?;
        let key = bound_to(client, asked.proof)?;
        let (presented, role, session_name) = match asked.subject {
            SubjectToken::Presented { presented, role, session_name } => (presented, role, session_name),
            SubjectToken::Ours(token) => return self.exchange_ours(asked, token).await,
        };
        let provider = self.provider_of(client, presented, role.account())?;
        let arrival = Arrival { presented, provider, door: Door::StsApi };
        let ask = Ask {
            action: ACTION,
            role,
            session_name,
            duration: asked.duration,
            policies: SessionPolicies::NONE,
        };
        let identity = self.verify(&arrival).await?;
        let session = self.authorize(&identity, provider, &ask)?;
        let kept = Kept { role, session_name, duration: asked.duration, wanted: asked.wanted, key };
        let begun = self.begin(client, &identity, session, &kept, Some(presented)).await?;
        self.claim(&identity, &arrival, Some(role)).await?;
        self.use_up(asked.proof).await?;
        self.give(client, &identity, begun, &kept, ACTION)
    }

    /// Verifies a proof about a request to `path` by `POST`. It is used up where something is given for
    /// it: before that, whoever makes keys and proofs could fill the store with them.
    pub fn prove(&self, proof: &str, path: &str) -> Result<Proof, VerifyError> {
        let url = format!("{}{path}", self.snapshot.public_url);
        dpop::verify(proof, "POST", &url, self.at)
    }

    /// Uses a proof up.
    async fn use_up(&self, proof: Option<&Proof>) -> Result<(), Failure> {
        let Some(OneTime { id, until, .. }) = proof.map(Proof::one_time) else { return Ok(()) };
        self.claim_or(id, until, ExchangeRefusal::ProofUsed).await
    }

    /// Begins a grant: makes what is wanted. Nothing is given yet, and nothing used up.
    async fn begin(
        &self,
        client: &Client,
        identity: &FederatedIdentity,
        session: AuthorizedSession,
        kept: &Kept<'_>,
        presented: Option<Presented<'_>>,
    ) -> Result<Begun, Failure> {
        let [slot] = entropy::bytes(self.parts.entropy.as_ref())?;
        let grant = grant_of(identity, client, slot);
        let session = session.under_grant(grant);
        let granted = self.make(client, kept, &session, presented).await?;
        Ok(Begun { grant, session, granted })
    }

    /// Gives what was made, and what it can be asked for again with.
    fn give(
        &self,
        client: &Client,
        identity: &FederatedIdentity,
        begun: Begun,
        kept: &Kept<'_>,
        action: &'static str,
    ) -> Result<Exchanged, Failure> {
        let Begun { grant, session, granted } = begun;
        self.record_granted(client, kept, &session, &granted, action)?;
        let refresh = self.first_refresh(client, identity, &session, grant, kept)?;
        Ok(Exchanged { granted, refresh })
    }

    /// What rules and trust policy say now to an identity that was remembered at `since`, by our clock, if
    /// its login goes on and the client may still bring its provider's word and ask for this.
    fn authorize_again(
        &self,
        client: &Client,
        identity: &FederatedIdentity,
        since: Moment,
        kept: &Kept<'_>,
        action: &'static str,
    ) -> Result<AuthorizedSession, Failure> {
        self.check_login_goes_on(identity, &Door::StsApi)?;
        if identity.login().is_some_and(|login| self.parts.revoked.ends_session(&login.marks, since)) {
            return Err(ExchangeRefusal::LoginEnded.into());
        }
        let provider = self.provider_again(client, Some(identity.provider()))?;
        if !provider.vouches_still_for(identity) {
            return Err(ExchangeRefusal::ProviderGone.into());
        }
        may_ask_for(client, kept.wanted)?;
        let Kept { role, session_name, duration, .. } = *kept;
        let ask = Ask { action, role, session_name, duration, policies: SessionPolicies::NONE };
        let session = self.authorize(identity, provider, &ask)?;
        if self.parts.revoked.ends_holder(session.session().into(), since) {
            return Err(ExchangeRefusal::LoginEnded.into());
        }
        Ok(session)
    }

    /// The provider that somebody's word came from, if the client may still bring it.
    fn provider_again(
        &self,
        client: &Client,
        provider: Option<&ProviderArn>,
    ) -> Result<&Provider, ExchangeRefusal> {
        let provider = provider.and_then(|arn| self.snapshot.directory.provider_by_arn(arn));
        let usable = provider.filter(|provider| client.may_use(&provider.name));
        usable.ok_or(ExchangeRefusal::ProviderGone)
    }

    /// Makes what is wanted.
    async fn make(
        &self,
        client: &Client,
        kept: &Kept<'_>,
        session: &AuthorizedSession,
        presented: Option<Presented<'_>>,
    ) -> Result<Granted, Failure> {
        let Wanted::Token { audience } = kept.wanted else {
            return Ok(Granted::Credentials(self.issue(session, presented).await?));
        };
        let (issuer, client_id) = (&self.snapshot.public_url, client.id.as_str());
        let terms = TokenTerms { issuer, client_id, audience, key: kept.key };
        Ok(Granted::Token(self.parts.signing.issue(session, &terms, self.parts.entropy.as_ref())?))
    }

    /// Records what was made.
    fn record_granted(
        &self,
        client: &Client,
        kept: &Kept<'_>,
        session: &AuthorizedSession,
        granted: &Granted,
        action: &'static str,
    ) -> Result<(), Failure> {
        let given = match granted {
            Granted::Credentials(made) => Given::credentials(made, action),
            Granted::Token(made) => {
                let audience = kept.wanted.audience();
                Given { audience, ..Given::token(&made.id, made.expires, action) }
            }
        };
        self.record(session, &Given { client: Some(client.id.as_str()), ..given })
    }

    /// A token of ours becomes one for another service. The client must be the one that it was given
    /// to: a service that was shown a token can't take it any further.
    async fn exchange_ours(&self, asked: &Exchange<'_>, token: &str) -> Result<Exchanged, Failure> {
        let Wanted::Token { audience } = asked.wanted else {
            return Err(ExchangeRefusal::OnlyToken.into());
        };
        let client_id = asked.client.id.as_str();
        self.knows_revocations()?;
        let token = self.open_token(token)?;
        if token.client_id() != client_id {
            return Err(ExchangeRefusal::SubjectToken("it was given to another client").into());
        }
        let gone = |_| ExchangeRefusal::SubjectToken("its provider is gone, or no longer the client's");
        self.provider_again(asked.client, token.session().provider.as_ref()).map_err(gone)?;
        let key = bound_to(asked.client, asked.proof)?;
        if token.key().is_some_and(|bound| Some(bound) != key) {
            return Err(ExchangeRefusal::SubjectToken("it is bound to another key").into());
        }
        self.use_up(asked.proof).await?;
        let terms = TokenTerms { issuer: &self.snapshot.public_url, client_id, audience, key };
        let until = asked.duration.map_or(token.expires(), |duration| self.at.plus(duration));
        let entropy = self.parts.entropy.as_ref();
        let made = self.parts.signing.exchange(&token, &terms, until, self.at, entropy);
        let made = made?;
        let given = Given::token(&made.id, made.expires, ACTION);
        let given = Given { client: Some(client_id), audience: Some(audience), ..given };
        tell_issued(token.session(), "a token of ours", &given);
        Ok(Exchanged { granted: Granted::Token(made), refresh: None })
    }

    /// A token of ours that nothing ended yet.
    fn open_token(&self, token: &str) -> Result<VerifiedToken, ExchangeRefusal> {
        let opened = self.parts.signing.open(token, &self.snapshot.public_url, self.at);
        let opened = opened.map_err(|fault| match fault {
            NoToken::NotOurs => ExchangeRefusal::SubjectToken("it is none that this broker made"),
            NoToken::Expired => ExchangeRefusal::SubjectToken("its time is over"),
        })?;
        if self.is_live(opened.session().into()) {
            Ok(opened)
        } else {
            Err(ExchangeRefusal::SubjectToken("it was revoked, or its role is gone"))
        }
    }

    /// The provider that the word says it comes from, in the account of the role that is asked for:
    /// no other can be trusted by it. Verification then decides whether it does.
    fn provider_of(
        &self,
        client: &Client,
        presented: Presented<'_>,
        account: AccountId,
    ) -> Result<&Provider, Failure> {
        let directory = &self.snapshot.directory;
        let issuer = presented.unverified_issuer()?;
        let found: Vec<&Provider> = match presented {
            Presented::IdToken(_) | Presented::AmazonToken(_) => {
                directory.oidc_provider(account, &issuer).into_iter().collect()
            }
            Presented::SamlResponse(_) => {
                let of_account = |provider: &&Provider| provider.arn.account() == account;
                directory.saml_providers(&issuer).filter(of_account).collect()
            }
        };
        let Some(first) = found.first() else { return Err(Refusal::unknown_provider(&issuer).into()) };
        let allowed = found.iter().find(|provider| client.may_use(&provider.name));
        let refused = || ExchangeRefusal::Provider { provider: first.name.clone() };
        Ok(allowed.ok_or_else(refused)?)
    }
}

/// The name of an exchange.
///
/// Whoever may exchange may revoke, as often as they like, so what they leave in the store is bounded:
/// a person has 256 grants by each client, and by chance two exchanges share one. Then they end together;
/// one that comes after that end is not touched by it.
fn grant_of(identity: &FederatedIdentity, client: &Client, slot: u8) -> GrantId {
    let slot = slot.to_string();
    let parts = ["rolegate/grant", identity.provider().as_str(), identity.subject(), &client.id, &slot];
    let mut grant = GrantId::default();
    grant.copy_from_slice(&hash_of(&parts)[..16]);
    grant
}

/// The thumbprint of the key that was proved, if `client` need not prove one or did.
fn bound_to<'p>(client: &Client, proof: Option<&'p Proof>) -> Result<Option<&'p str>, ExchangeRefusal> {
    match proof {
        None if client.must_prove_key => Err(ExchangeRefusal::NoProof),
        proof => Ok(proof.map(Proof::thumbprint)),
    }
}

/// Whether `client` may ask for that.
pub(super) fn may_ask_for(client: &Client, wanted: Wanted<'_>) -> Result<(), ExchangeRefusal> {
    match wanted {
        Wanted::Token { audience } if !client.may_ask_for(audience) => Err(ExchangeRefusal::Target),
        Wanted::Token { .. } | Wanted::Credentials => Ok(()),
    }
}
