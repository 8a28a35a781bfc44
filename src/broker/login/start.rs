//! Out to the identity provider, and what must be remembered until the browser is back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{hexadecimal, login_failure, login_tag};
use crate::arn::RoleArn;
use crate::broker::device::DeviceTicket;
use crate::broker::{BrowserCookies, Failure, Refusal, RequestContext};
use crate::clock::Moment;
use crate::console::{self, BrowserId};
use crate::directory::{Provider, Verifier};
use crate::entropy;
use crate::identity::saml::Outbound;
use crate::policy::Denial;
use crate::seal::Purpose;

/// How long a person may take at the identity provider and the picker together.
const LOGIN_LIFE: Duration = Duration::from_secs(15 * 60);

/// What a login is for.
#[derive(Debug, Clone, Copy)]
pub enum Toward<'a> {
    /// A console: this page, or the broker's own.
    Console(Option<&'a str>),
    /// The portal, and from there the console of a role.
    Portal {
        /// The role.
        role: Option<&'a RoleArn>,
        /// The page of its console; the broker's own without it.
        destination: Option<&'a str>,
    },
    /// The portal, and from there a web application.
    Application {
        /// What it is called.
        name: &'a str,
        /// What the visit is called.
        visit: &'a str,
    },
    /// To answer a device's request, by the code that was typed.
    Device(&'a str),
}

/// A browser on its way to the identity provider.
pub struct LoginStart {
    /// Where to, and what with.
    pub outbound: Outbound,
    /// Tells this login's cookie from those of other tabs; it comes back as `RelayState`, or
    /// follows from `state` ([`login_tag`]). Eight hexadecimal digits, and no secret.
    pub tag: String,
    /// What its login cookie holds, sealed.
    pub cookie: String,
    /// How long the cookie is good for.
    pub lasts: Duration,
}

/// A login under way.
#[derive(Serialize, Deserialize)]
pub(super) struct LoginState {
    pub(super) provider: String,
    pub(super) awaited: Awaited,
    pub(super) landing: Landing,
    /// Whether the provider was told to ask the person again.
    pub(super) is_afresh: bool,
    pub(super) good_until: Moment,
}

impl LoginState {
    pub(super) fn begun(&self) -> Moment {
        self.good_until.minus(LOGIN_LIFE)
    }
}

/// Where a login ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::broker) enum Landing {
    Console {
        destination: String,
        /// What the browser was called before.
        browser: Option<BrowserId>,
        /// The role that was chosen already.
        role: Option<RoleArn>,
    },
    Device(DeviceTicket),
    Portal {
        browser: Option<BrowserId>,
        onward: Onward,
    },
}

/// Where to from the portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Onward {
    /// Nowhere: the person chooses.
    Nowhere,
    /// The console of a role.
    Console {
        /// The role.
        role: RoleArn,
        /// The page of that console; the broker's own without it.
        destination: Option<String>,
    },
    /// The pages of those in charge.
    Admin,
    /// A web application.
    Application {
        /// What it is called.
        name: String,
        /// What the visit is called.
        visit: String,
    },
}

impl Onward {
    /// The same by way of a further sign-in, for the role `chosen`.
    fn afresh(self, chosen: Option<RoleArn>) -> Self {
        match (self, chosen) {
            (Self::Console { destination, .. }, Some(role)) => Self::Console { role, destination },
            (Self::Nowhere, Some(role)) => Self::Console { role, destination: None },
            (onward, _) => onward,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) enum Awaited {
    Saml { request_id: String },
    Oidc { state: String, nonce: String, pkce_verifier: String },
}

impl RequestContext<'_> {
    /// Sends a browser to the provider called `name`. `cookies` say who is signed in already.
    pub async fn begin_login(
        &self,
        name: &str,
        toward: Toward<'_>,
        cookies: BrowserCookies<'_>,
    ) -> Result<LoginStart, Failure> {
        let provider = self.provider(name)?;
        let landing = match toward {
            Toward::Console(wished) => {
                let before = self.in_browser(cookies).await.unwrap_or_default();
                self.console_at(wished, before.browser())?
            }
            Toward::Portal { role, destination } => {
                let browser = self.in_browser(cookies).await.unwrap_or_default().browser();
                self.portal_at(browser, role, destination)?
            }
            Toward::Application { name, visit } => {
                let browser = self.in_browser(cookies).await.unwrap_or_default().browser();
                let (name, visit) = (name.to_owned(), visit.to_owned());
                Landing::Portal { browser, onward: Onward::Application { name, visit } }
            }
            Toward::Device(user_code) => Landing::Device(self.device_ticket(user_code, provider).await?),
        };
        self.send_to(provider, landing, None).await
    }

    /// Sends a browser back to `provider` for a role that wants people who signed in lately, which `refused` says; nothing where
    /// that is not why. `landing` says where it was to end, with the role `chosen`.
    pub(in crate::broker) async fn send_again(
        &self,
        provider: &Provider,
        refused: &Failure,
        landing: Landing,
        chosen: Option<&RoleArn>,
    ) -> Option<LoginStart> {
        let Failure::Refusal(Refusal::Denied(Denial::SignInTooOld { within, .. })) = refused else {
            return None;
        };
        if !provider.signs_in_by_browser() {
            return None;
        }
        let landing = match landing {
            Landing::Console { destination, browser, role } => {
                Landing::Console { destination, browser, role: chosen.cloned().or(role) }
            }
            Landing::Device(ticket) => Landing::Device(ticket),
            Landing::Portal { browser, onward } => {
                Landing::Portal { browser, onward: onward.afresh(chosen.cloned()) }
            }
        };
        let started = self.send_to(provider, landing, Some(*within)).await;
        let failed = |failure: &Failure| {
            tracing::warn!(%failure, provider = provider.name, "nobody can be asked to sign in again");
        };
        started.inspect_err(failed).ok()
    }

    /// Sends a browser to `provider`; whoever signed in there longer ago than `within` is to do it again.
    async fn send_to(
        &self,
        provider: &Provider,
        landing: Landing,
        within: Option<Duration>,
    ) -> Result<LoginStart, Failure> {
        let (entropy, is_afresh) = (self.parts.entropy.as_ref(), within.is_some());
        let (outbound, tag, awaited) = match &provider.verifier {
            Verifier::Saml(saml) => {
                let tag = hexadecimal(&entropy::bytes::<4>(entropy)?);
                let request =
                    saml.provider.login_request(&saml.acs_url, Some(&tag), is_afresh, entropy, self.at)?;
                (request.outbound, tag, Awaited::Saml { request_id: request.id })
            }
            Verifier::Oidc(oidc) => {
                let callback = self.callback_url(&provider.name);
                let started = oidc.begin_login(&callback, within, entropy, self.at).await;
                let started = started.map_err(login_failure)?;
                let pkce_verifier = started.pkce_verifier.expose().clone();
                let tag = login_tag(&started.state);
                let awaited = Awaited::Oidc { state: started.state, nonce: started.nonce, pkce_verifier };
                (Outbound::Redirect(started.url), tag, awaited)
            }
        };
        let good_until = self.at.plus(LOGIN_LIFE);
        let state = LoginState { provider: provider.name.clone(), awaited, landing, is_afresh, good_until };
        let cookie = console::seal(&self.parts.ring, Purpose::LoginState, &state, entropy)?;
        Ok(LoginStart { outbound, tag, cookie, lasts: LOGIN_LIFE })
    }

    /// The login that a browser's `cookie` holds.
    pub(super) fn login_state(&self, cookie: Option<&str>, provider: &str) -> Option<LoginState> {
        let state: LoginState = console::open(&self.parts.ring, Purpose::LoginState, cookie?)?;
        (state.provider == provider && state.good_until > self.at).then_some(state)
    }

    /// A console, where that is a place to land on.
    pub(super) fn console_at(
        &self,
        wished: Option<&str>,
        browser: Option<BrowserId>,
    ) -> Result<Landing, Failure> {
        let destination = self.snapshot.destinations.land_on(wished).map_err(Refusal::Destination)?;
        Ok(Landing::Console { destination, browser, role: None })
    }

    /// The portal, and a console where that is a place to land on.
    pub(in crate::broker) fn portal_at(
        &self,
        browser: Option<BrowserId>,
        role: Option<&RoleArn>,
        wished: Option<&str>,
    ) -> Result<Landing, Failure> {
        let land = |wished| self.land_on(role, Some(wished));
        let destination = wished.map(land).transpose()?;
        let console = |role: &RoleArn| Onward::Console { role: role.clone(), destination };
        Ok(Landing::Portal { browser, onward: role.map_or(Onward::Nowhere, console) })
    }

    pub(super) fn callback_url(&self, name: &str) -> String {
        format!("{}/oidc/{name}/callback", self.snapshot.public_url)
    }
}
