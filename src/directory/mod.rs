//! What exists: accounts, roles, users, identity providers, OAuth clients and web applications, and how they are found.
//!
//! Filled by `config`; it does not know where it was read from. Every look-up is by hash, so a
//! request costs the same with one entry and with ten thousand; but for SAML providers whose entity
//! id is known from fetched metadata alone (name it by `entity`, and it is by hash again).

mod application;
mod client;
mod user;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::application::Application;
pub use self::client::{Client, RefreshTerms};
pub use self::user::{AccessKey, MfaDevice, User};
use crate::arn::{AccountId, ProviderArn, RoleArn, RoleId, UserArn};
use crate::identity::FederatedIdentity;
use crate::identity::oidc::OidcProvider;
use crate::identity::saml::SamlProvider;

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its twelve digits.
    pub id: AccountId,
    /// A name for people.
    pub alias: Option<String>,
}

/// A role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its name.
    pub arn: RoleArn,
    /// Its unique id.
    pub id: RoleId,
    /// What people see beside the name.
    pub description: Option<String>,
    /// By what links name it.
    pub alias: Option<String>,
    /// The longest session, one to twelve hours (facts 1.6).
    pub max_session_duration: Duration,
    /// How long ago its people may have signed in; nothing: any time.
    pub signed_in_within: Option<Duration>,
}

/// An identity provider.
#[derive(Debug)]
pub struct Provider {
    /// Its name in the configuration and in URLs.
    pub name: String,
    /// Its ARN.
    pub arn: ProviderArn,
    /// What its sign-in button says.
    pub label: String,
    /// The mail domains of those who are shown that button, in small letters; none: everybody is.
    pub mail_domains: Vec<String>,
    /// Whether it may name the roles itself.
    pub asserts_roles: bool,
    /// Whether a role asked for by its ARN needs no rule.
    pub grants_by_trust_policy: bool,
    /// How its word is verified.
    pub verifier: Verifier,
}

/// How a provider's word is verified.
#[derive(Debug)]
pub enum Verifier {
    /// By SAML 2.0.
    Saml(Box<SamlSide>),
    /// By OpenID Connect.
    Oidc(Box<OidcProvider>),
}

/// The SAML side of a provider.
#[derive(Debug)]
pub struct SamlSide {
    /// The verifier.
    pub provider: SamlProvider,
    /// Our assertion consumer service for it: `{public_url}/saml/{name}/acs`.
    pub acs_url: String,
    /// Whether the browser's ACS accepts what nobody asked for.
    pub idp_initiated: bool,
    /// How often one of its assertions may be used at the STS API.
    pub replay: Replay,
}

/// How often an assertion may be used at the STS API, until it expires. At the browser's consumer
/// service it is always used once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Replay {
    /// Once a role: command-line tools take several roles with one assertion. Once in all where
    /// the provider itself says `OneTimeUse`.
    #[default]
    OncePerRole,
    /// Once in all.
    Once,
    /// As often as one likes, as AWS does it.
    Reuse,
}

impl Provider {
    /// Whether it is still the one that vouched for `identity`, who is remembered, and its settings
    /// still take what it said.
    pub fn vouches_still_for(&self, identity: &FederatedIdentity) -> bool {
        match &self.verifier {
            Verifier::Saml(side) => side.provider.issuer().is_none_or(|issuer| issuer == identity.issuer()),
            Verifier::Oidc(provider) => provider.takes_still(identity),
        }
    }

    /// Whether people sign in with it in a browser.
    pub fn signs_in_by_browser(&self) -> bool {
        match &self.verifier {
            Verifier::Saml(_) => true,
            Verifier::Oidc(oidc) => oidc.settings().login.is_some(),
        }
    }
}

/// Everything that exists.
#[derive(Debug, Default)]
pub struct Directory {
    accounts: HashMap<AccountId, Account>,
    roles: HashMap<RoleArn, Role>,
    roles_by_alias: HashMap<String, RoleArn>,
    users: HashMap<UserArn, User>,
    /// Whose each access key is.
    access_keys: HashMap<String, UserArn>,
    providers: Vec<Provider>,
    providers_by_name: HashMap<String, usize>,
    providers_by_arn: HashMap<ProviderArn, usize>,
    oidc_by_issuer: HashMap<(AccountId, String), usize>,
    saml_by_issuer: HashMap<String, Vec<usize>>,
    /// SAML providers that only metadata yet to be fetched will name.
    saml_unnamed: Vec<usize>,
    clients: HashMap<String, Client>,
    origins: HashSet<String>,
    applications: HashMap<String, Application>,
    longest_refresh: Duration,
}

/// The name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken;

impl Directory {
    /// Adds an account.
    pub fn add_account(&mut self, account: Account) -> Result<(), Taken> {
        vacant(self.accounts.entry(account.id), account)
    }

    /// Adds a role.
    pub fn add_role(&mut self, role: Role) -> Result<(), Taken> {
        if let Some(alias) = &role.alias {
            vacant(self.roles_by_alias.entry(alias.clone()), role.arn.clone())?;
        }
        vacant(self.roles.entry(role.arn.clone()), role)
    }

    /// Adds a user; its name and its access keys must be free. The error says which is not.
    pub fn add_user(&mut self, user: User) -> Result<(), String> {
        let arn = user.arn.clone();
        let keys: Vec<_> = user.access_keys.iter().map(|key| key.id.clone()).collect();
        for (index, id) in keys.iter().enumerate() {
            if self.access_keys.contains_key(id) || keys[..index].contains(id) {
                return Err(format!("access key {id}"));
            }
        }
        vacant(self.users.entry(arn.clone()), user).map_err(|Taken| format!("user {arn}"))?;
        self.access_keys.extend(keys.into_iter().map(|id| (id, arn.clone())));
        Ok(())
    }

    /// Adds a provider; its name and its ARN must be free.
    pub fn add_provider(&mut self, provider: Provider) -> Result<(), Taken> {
        let index = self.providers.len();
        if self.providers_by_arn.contains_key(&provider.arn) {
            return Err(Taken);
        }
        vacant(self.providers_by_name.entry(provider.name.clone()), index)?;
        self.providers_by_arn.insert(provider.arn.clone(), index);
        match &provider.verifier {
            Verifier::Saml(saml) => match saml.provider.issuer() {
                Some(issuer) => self.saml_by_issuer.entry(issuer.to_owned()).or_default().push(index),
                None => self.saml_unnamed.push(index),
            },
            Verifier::Oidc(oidc) => {
                let key = (provider.arn.account(), oidc.settings().issuer.clone());
                self.oidc_by_issuer.insert(key, index);
            }
        }
        self.providers.push(provider);
        Ok(())
    }

    /// Adds a client.
    pub fn add_client(&mut self, client: Client) -> Result<(), Taken> {
        let (origins, refresh) = (client.origins.clone(), client.refresh);
        vacant(self.clients.entry(client.id.clone()), client)?;
        self.origins.extend(origins);
        self.longest_refresh =
            refresh.map_or(self.longest_refresh, |it| it.lifetime.max(self.longest_refresh));
        Ok(())
    }

    /// Adds a web application.
    pub fn add_application(&mut self, application: Application) -> Result<(), Taken> {
        vacant(self.applications.entry(application.name.clone()), application)
    }

    /// The web application called `name`.
    pub fn application(&self, name: &str) -> Option<&Application> {
        self.applications.get(name)
    }

    /// How long a client may go on refreshing; zero where none may.
    pub const fn longest_refresh(&self) -> Duration {
        self.longest_refresh
    }

    /// Whether pages of `origin` belong to some client.
    pub fn has_origin(&self, origin: &str) -> bool {
        self.origins.contains(origin)
    }

    /// The client with this id.
    pub fn client(&self, id: &str) -> Option<&Client> {
        self.clients.get(id)
    }

    /// Every client.
    pub fn clients(&self) -> impl Iterator<Item = &Client> {
        self.clients.values()
    }

    /// The account with this id.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// The role with this ARN.
    pub fn role(&self, arn: &RoleArn) -> Option<&Role> {
        self.roles.get(arn)
    }

    /// The role that links call `alias`.
    pub fn role_by_alias(&self, alias: &str) -> Option<&Role> {
        self.roles.get(self.roles_by_alias.get(alias)?)
    }

    /// Every role.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    /// The user with this ARN.
    pub fn user(&self, arn: &UserArn) -> Option<&User> {
        self.users.get(arn)
    }

    /// The access key with this id, and whose it is.
    pub fn access_key(&self, id: &str) -> Option<(&User, &AccessKey)> {
        let user = self.users.get(self.access_keys.get(id)?)?;
        Some((user, user.access_keys.iter().find(|key| key.id == id)?))
    }

    /// The provider called `name`.
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers_by_name.get(name).map(|index| &self.providers[*index])
    }

    /// The provider with this ARN.
    pub fn provider_by_arn(&self, arn: &ProviderArn) -> Option<&Provider> {
        self.providers_by_arn.get(arn).map(|index| &self.providers[*index])
    }

    /// The OIDC provider of `account` for `issuer`.
    pub fn oidc_provider(&self, account: AccountId, issuer: &str) -> Option<&Provider> {
        self.oidc_by_issuer.get(&(account, issuer.to_owned())).map(|index| &self.providers[*index])
    }

    /// The SAML providers whose metadata names `issuer`, in the order of the configuration. Those
    /// that were not known by their entity id when they were added are asked one by one.
    pub fn saml_providers(&self, issuer: &str) -> impl Iterator<Item = &Provider> {
        let is_named = |index: &&usize| self.saml_issuer(**index) == Some(issuer);
        let named_since = self.saml_unnamed.iter().filter(is_named);
        let known = self.saml_by_issuer.get(issuer).into_iter().flatten();
        let mut found: Vec<usize> = known.chain(named_since).copied().collect();
        found.sort_unstable();
        found.into_iter().map(|index| &self.providers[index])
    }

    fn saml_issuer(&self, index: usize) -> Option<&str> {
        match &self.providers[index].verifier {
            Verifier::Saml(saml) => saml.provider.issuer(),
            Verifier::Oidc(_) => None,
        }
    }

    /// Every provider, in the order of the configuration.
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }
}

fn vacant<K, V>(entry: Entry<'_, K, V>, value: V) -> Result<(), Taken> {
    match entry {
        Entry::Vacant(free) => {
            free.insert(value);
            Ok(())
        }
        Entry::Occupied(_) => Err(Taken),
    }
}
