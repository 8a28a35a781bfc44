//! Browser sign-in: out to the identity provider, back with its answer, a role chosen, a console
//! opened or a device approved.
//!
//! What a login must remember stands sealed in the browser's own cookie, so that starting one
//! costs the store nothing and an answer is good in the browser that asked only. Until a role is
//! chosen the answer itself stands in the picker's form and is verified again with the choice.

mod start;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use self::start::Awaited;
pub(super) use self::start::Landing;
pub use self::start::{LoginStart, Onward, Toward};
use super::device::{Approving, Decided, Decision};
use super::federate::sha256;
use super::portal::AtPortal;
use super::record::offered_by;
use super::signin::SigninBy;
use super::{Arrival, Ask, Door, Failure, Fault, Refusal, RequestContext, SignedIn};
use crate::arn::RoleArn;
use crate::console::{self, BrowserId};
use crate::directory::{Provider, SamlSide, Verifier};
use crate::identity::oidc::{FurtherClaims, LoginError};
use crate::identity::saml::Answer;
use crate::identity::{FederatedIdentity, OneTime, Presented, SessionPolicies, VerifyCode};
use crate::policy::RoleOffer;
use crate::seal::Purpose;

/// A browser that came back.
pub enum Arrived {
    /// One role, or one chosen: off to the console.
    SignedIn(SignedIn),
    /// At the portal, where the person chooses.
    AtPortal(AtPortal),
    /// The provider must ask the person again.
    SignInAgain(LoginStart),
    /// Several roles: the person chooses.
    Choose {
        /// Who it is.
        identity: Box<FederatedIdentity>,
        /// What there is to choose from.
        offers: Vec<RoleOffer>,
        /// OIDC only: what the picker's form must bring back.
        choice: Option<String>,
    },
    /// The person decides about a device.
    Decide(Approving),
    /// The person decided.
    Decided(Decided),
}

/// What a person chose in the form that brings the answer again.
#[derive(Debug, Clone, Copy)]
pub enum Choice<'a> {
    /// Nothing yet.
    None,
    /// A role for a console.
    Role(&'a RoleArn),
    /// What a device is to be told.
    Device(Decision<'a>),
}

/// A SAML response that a browser posted.
#[derive(Clone, Copy)]
pub struct SamlAnswer<'a> {
    /// The provider's name; `None` at the common address, where the response's issuer decides.
    pub provider: Option<&'a str>,
    /// Base64, as posted.
    pub response: &'a str,
    /// As posted.
    pub relay_state: Option<&'a str>,
    /// The login cookie.
    pub cookie: Option<&'a str>,
    /// What was chosen.
    pub chosen: Choice<'a>,
}

/// A browser's return from an OIDC provider.
#[derive(Clone, Copy)]
pub enum OidcAnswer<'a> {
    /// With an authorization code.
    Code {
        /// `code`
        code: &'a str,
        /// `state`
        state: &'a str,
        /// `iss`, if there is one (RFC 9207).
        issuer: Option<&'a str>,
    },
    /// From the picker.
    Choice {
        /// What the form carried.
        carried: &'a str,
        /// What was chosen.
        chosen: Choice<'a>,
    },
}

#[derive(Serialize, Deserialize)]
struct RoleChoice {
    state: String,
    id_token: String,
    further: FurtherClaims,
}

/// Where a login was to end.
struct End {
    landing: Landing,
    /// Whether the provider was told to ask the person again.
    is_afresh: bool,
}

impl RequestContext<'_> {
    /// A SAML response that came by a browser's POST.
    pub async fn saml_answer(&self, posted: &SamlAnswer<'_>) -> Result<Arrived, Failure> {
        let (provider, saml) = self.saml_provider(posted)?;
        let login = self.login_state(posted.cookie, &provider.name);
        let answer = login.as_ref().and_then(|login| match &login.awaited {
            Awaited::Saml { request_id } => {
                let end = End { landing: login.landing.clone(), is_afresh: login.is_afresh };
                Some((Answer::To { id: request_id, sent: login.begun() }, end))
            }
            Awaited::Oidc { .. } => None,
        });
        let common = self.snapshot.common_acs_url.as_str();
        let recipient = if posted.provider.is_some() { saml.acs_url.as_str() } else { common };
        let arrival = |answer| Arrival {
            presented: Presented::SamlResponse(posted.response),
            provider,
            door: Door::SamlPost { recipient, answer },
        };
        let Some((answer, end)) = answer else {
            if !saml.idp_initiated {
                let reason = "no login was started here, and the provider may not start one itself";
                return Err(Refusal::NoSuchLogin { reason }.into());
            }
            let end = self.unsolicited_end(posted)?;
            return self.arrive(&arrival(Answer::Unsolicited), posted.chosen, end).await;
        };
        match self.arrive(&arrival(answer), posted.chosen, end).await {
            Err(failure) if saml.idp_initiated && is_unsolicited(&failure) => {
                let end = self.unsolicited_end(posted)?;
                self.arrive(&arrival(Answer::Unsolicited), posted.chosen, end).await
            }
            arrived => arrived,
        }
    }

    /// A browser's return to `/oidc/{name}/callback`.
    pub async fn oidc_answer(
        &self,
        name: &str,
        answer: OidcAnswer<'_>,
        cookie: Option<&str>,
    ) -> Result<Arrived, Failure> {
        let provider = self.provider(name)?;
        let Verifier::Oidc(oidc) = &provider.verifier else { return Err(unknown(name)) };
        let no_login = |reason| Failure::from(Refusal::NoSuchLogin { reason });
        let login = self.login_state(cookie, name).ok_or_else(|| no_login("the login cookie is missing"))?;
        let Awaited::Oidc { state, nonce, pkce_verifier } = &login.awaited else {
            return Err(no_login("the login is of another protocol"));
        };
        let (answered, chosen) = match answer {
            OidcAnswer::Code { code, state: returned, issuer } => {
                if !same(returned, state) {
                    return Err(no_login("`state` is not the one that was sent"));
                }
                oidc.check_answer(issuer, self.at).await.map_err(login_failure)?;
                let redeemed = oidc.redeem_code(code, &self.callback_url(name), pkce_verifier, self.at).await;
                let redeemed = redeemed.map_err(login_failure)?;
                let further = oidc.further_claims(&redeemed, nonce, self.at).await.map_err(login_failure)?;
                let id_token = redeemed.id_token.expose().clone();
                (RoleChoice { state: returned.to_owned(), id_token, further }, Choice::None)
            }
            OidcAnswer::Choice { carried, chosen } => {
                let opened: Option<RoleChoice> =
                    console::open(&self.parts.ring, Purpose::RoleChoice, carried);
                (opened.ok_or_else(|| no_login("the choice is not genuine"))?, chosen)
            }
        };
        if !same(&answered.state, state) {
            return Err(no_login("the choice belongs to another login"));
        }
        let once = OneTime { id: sha256(state.as_bytes()), until: login.good_until, only_once: true };
        let further = &answered.further;
        let door = Door::OidcLogin { nonce, further, login: once, begun: login.begun() };
        let arrival = Arrival { presented: Presented::IdToken(&answered.id_token), provider, door };
        let end = End { landing: login.landing.clone(), is_afresh: login.is_afresh };
        let arrived = self.arrive(&arrival, chosen, end).await?;
        self.carry(arrived, &answered)
    }

    /// To where the login was to end; or back to the provider, once, if the role wants a sign-in that is not so long ago.
    async fn arrive(&self, arrival: &Arrival<'_>, chosen: Choice<'_>, end: End) -> Result<Arrived, Failure> {
        let End { landing, is_afresh } = end;
        let arrived = self.land(arrival, chosen, landing.clone()).await;
        let role = match chosen {
            Choice::Role(role) => Some(role),
            Choice::None | Choice::Device(_) => None,
        };
        match arrived {
            Err(refused) if !is_afresh => {
                let again = self.send_again(arrival.provider, &refused, landing, role).await;
                again.map(Arrived::SignInAgain).ok_or(refused)
            }
            arrived => arrived,
        }
    }

    /// Verified: to where the login was to end, as far as nothing is left to choose.
    async fn land(
        &self,
        arrival: &Arrival<'_>,
        chosen: Choice<'_>,
        landing: Landing,
    ) -> Result<Arrived, Failure> {
        match (landing, chosen) {
            (Landing::Console { destination, browser, role }, Choice::None) => {
                self.arrive_at_console(arrival, role.as_ref(), destination, browser).await
            }
            (Landing::Console { destination, browser, .. }, Choice::Role(role)) => {
                self.arrive_at_console(arrival, Some(role), destination, browser).await
            }
            (Landing::Portal { browser, onward }, Choice::None | Choice::Role(_)) => {
                Ok(Arrived::AtPortal(self.arrive_at_portal(arrival, browser, onward).await?))
            }
            (Landing::Console { .. } | Landing::Portal { .. }, Choice::Device(_)) => {
                Err(Refusal::NoSuchLogin { reason: "the login was not begun for a device" }.into())
            }
            (Landing::Device(ticket), Choice::Device(decision)) => {
                Ok(Arrived::Decided(self.decide_device(arrival, &ticket, decision).await?))
            }
            (Landing::Device(ticket), Choice::None | Choice::Role(_)) => {
                Ok(Arrived::Decide(self.ask_about_device(arrival, &ticket).await?))
            }
        }
    }

    /// To the console where the role is clear, else to the picker.
    async fn arrive_at_console(
        &self,
        arrival: &Arrival<'_>,
        chosen: Option<&RoleArn>,
        destination: String,
        browser: Option<BrowserId>,
    ) -> Result<Arrived, Failure> {
        let role = if let Some(role) = chosen {
            role.clone()
        } else {
            let (identity, mut offers) = self.offers(arrival).await?;
            if offers.len() > 1 {
                return Ok(Arrived::Choose { identity: Box::new(identity), offers, choice: None });
            }
            offers.remove(0).role
        };
        let action = match arrival.door {
            Door::OidcLogin { .. } => "oidc-login",
            Door::SamlPost { .. } | Door::StsApi => "saml-login",
        };
        let ask =
            Ask { action, role: &role, session_name: None, duration: None, policies: SessionPolicies::NONE };
        if let Some(there) = self.console_there(&role) {
            let identity = self.verify(arrival).await?;
            let authorized = self.authorize(&identity, arrival.provider, &ask)?;
            let believed = (&identity, &authorized);
            let opened = self.admit_there(arrival, believed, there, Some(&destination), action).await?;
            return Ok(Arrived::SignedIn(opened));
        }
        let (identity, authorized) = self.admit(arrival, &ask).await?;
        let by = SigninBy { action, offered_by: Some(offered_by(authorized.offered_by())), browser };
        let console = self.console_of(&identity, &authorized);
        Ok(Arrived::SignedIn(self.sign_in(console, destination, by).await?))
    }

    /// Until something is chosen, the form carries the token and what was learned beside it.
    fn carry(&self, mut arrived: Arrived, answered: &RoleChoice) -> Result<Arrived, Failure> {
        if let Arrived::Choose { choice, .. } | Arrived::Decide(Approving { choice, .. }) = &mut arrived {
            let entropy = self.parts.entropy.as_ref();
            *choice = Some(console::seal(&self.parts.ring, Purpose::RoleChoice, answered, entropy)?);
        }
        Ok(arrived)
    }

    fn provider(&self, name: &str) -> Result<&Provider, Failure> {
        self.snapshot.directory.provider(name).ok_or_else(|| unknown(name))
    }

    fn saml_provider(&self, posted: &SamlAnswer<'_>) -> Result<(&Provider, &SamlSide), Failure> {
        let provider = match posted.provider {
            Some(name) => self.provider(name)?,
            None => {
                let issuer = crate::identity::saml::unverified_issuer(posted.response)?;
                self.snapshot.directory.saml_providers(&issuer).next().ok_or_else(|| unknown(&issuer))?
            }
        };
        match &provider.verifier {
            Verifier::Saml(saml) => Ok((provider, saml)),
            Verifier::Oidc(_) => Err(unknown(&provider.name)),
        }
    }

    /// Where a login lands that the provider started: its `RelayState` where that is a place to
    /// land on (facts 2.5), else the console.
    fn unsolicited_end(&self, posted: &SamlAnswer<'_>) -> Result<End, Failure> {
        let landing = self.console_at(posted.relay_state, None).or_else(|_| self.console_at(None, None))?;
        Ok(End { landing, is_afresh: false })
    }
}

/// The tag of the login that `state` belongs to.
pub fn login_tag(state: &str) -> String {
    hexadecimal(&sha256(state.as_bytes())[..4])
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn unknown(seen: &str) -> Failure {
    Refusal::unknown_provider(seen).into()
}

fn is_unsolicited(failure: &Failure) -> bool {
    matches!(failure, Failure::Refusal(Refusal::NotBelieved(error)) if error.code() == VerifyCode::Unsolicited)
}

fn login_failure(error: LoginError) -> Failure {
    match error {
        LoginError::Verify(error) => error.into(),
        other => Fault::ProviderUnreachable(other.to_string()).into(),
    }
}
