//! Credentials from somebody else's STS: AWS, MinIO, or another that speaks AWS's Query protocol.
//!
//! The decision is ours, and what is asked for is exactly what was decided: [`UpstreamRole`] turns an
//! [`AuthorizedSession`](crate::policy::AuthorizedSession) into `AssumeRole` by a key of ours (`request`), or passes
//! the caller's own token or assertion on. What can't be asked for so that the session is no wider is not asked for
//! at all. `exchange` sends it and tries again where that helps (`budget`), `answer` reads what comes, `reuse` gives it
//! again to whoever asks for the same. `console` opens the console there.

mod answer;
mod budget;
mod console;
mod end;
mod exchange;
mod fault;
mod request;
mod reuse;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use reqwest::Client;
use tokio::sync::Semaphore;
use url::{Position, Url};

use self::budget::RetryBudget;
pub use self::console::{ShownCredentials, SigninTerms, UpstreamConsole};
pub use self::end::EndThere;
pub use self::fault::UpstreamFault;
use self::reuse::Reuse;
use super::{CredentialIssuer, Issuance, IssueFault, IssueFuture};
use crate::arn::RoleArn;
use crate::fetch::{self, NoClient, Reach};
use crate::identity::hash_of;
use crate::secret::Secret;

/// An STS is where its operator put it, and plain HTTP is for this machine alone.
const REACH: Reach = Reach { private: true, loopback: true };

/// Requests that are under way to one STS at most; others wait for their turn.
const MOST_AT_ONCE: usize = 64;

/// Credentials that nobody here made, and are tried there at a time; more are told to come again.
const MOST_FOREIGN: usize = 8;

/// What is configured of an STS.
#[derive(Debug)]
pub struct UpstreamSettings {
    /// Its name in the configuration.
    pub name: String,
    /// Where it is: `https`, or `http` on this machine.
    pub endpoint: Url,
    /// The region of signatures.
    pub region: String,
    /// By which `AssumeRole` is called.
    pub access_key: Option<UpstreamKey>,
    /// Whose it is, and so what it understands.
    pub kind: UpstreamKind,
    /// Whether credentials are given again to whoever asks for the same.
    pub reuse: bool,
    /// Its console, if it has one.
    pub console: Option<UpstreamConsole>,
}

/// Whose an STS is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamKind {
    /// AWS, or one that understands what AWS does.
    Aws,
    /// MinIO: it has no roles, no managed policies to limit a session by, no tags and no source identity.
    Minio,
}

/// An access key at an STS.
#[derive(Debug)]
pub struct UpstreamKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: Secret<String>,
    /// Of a temporary one.
    pub session_token: Option<Secret<String>>,
}

/// An STS of somebody else.
#[derive(Debug)]
pub struct UpstreamSts {
    settings: UpstreamSettings,
    host: String,
    http: Client,
    turns: Semaphore,
    /// For what strangers can cause.
    foreign_turns: Semaphore,
    budget: RetryBudget,
    reuse: Arc<Reuse>,
    trouble: ArcSwapOption<String>,
}

impl UpstreamSts {
    /// One that was not asked yet. Errors: the HTTP client can't be made.
    pub fn new(settings: UpstreamSettings) -> Result<Self, NoClient> {
        let host = &settings.endpoint[Position::BeforeHost..Position::AfterPort];
        Ok(Self {
            host: host.to_owned(),
            http: fetch::http_client(REACH)?,
            turns: Semaphore::new(MOST_AT_ONCE),
            foreign_turns: Semaphore::new(MOST_FOREIGN),
            budget: RetryBudget::full(),
            reuse: Arc::new(Reuse::default()),
            trouble: ArcSwapOption::empty(),
            settings,
        })
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Whether there is a key to assume roles by.
    pub const fn has_key(&self) -> bool {
        self.settings.access_key.is_some()
    }

    /// Its console, if it has one.
    pub const fn console(&self) -> Option<&UpstreamConsole> {
        self.settings.console.as_ref()
    }

    /// What was wrong with it when it was asked last.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.load().as_deref().cloned()
    }

    /// Whether its endpoint may be asked.
    pub fn is_permitted(endpoint: &Url) -> bool {
        fetch::is_permitted(endpoint, REACH)
    }
}

/// How an STS is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// By `AssumeRole`, with a key of ours.
    AssumeRole {
        /// What the role's owner gave us.
        external_id: Option<String>,
    },
    /// By the caller's own token or assertion.
    PassThrough {
        /// The ARN of the SAML provider there.
        saml_provider: Option<String>,
    },
}

/// A role of ours whose credentials come from an STS.
#[derive(Debug)]
pub struct UpstreamRole {
    /// The STS.
    pub sts: Arc<UpstreamSts>,
    /// The ARN of the role there.
    pub role: String,
    /// How it is asked.
    pub by: By,
    /// How long a session of the console there lasts; nothing: as long as the credentials.
    pub console_duration: Option<Duration>,
}

/// Every STS of others, and the roles that they make credentials for.
#[derive(Debug, Default)]
pub struct Upstreams {
    all: Vec<Arc<UpstreamSts>>,
    roles: HashMap<RoleArn, UpstreamRole>,
}

impl Upstreams {
    /// All of them.
    pub fn new(mut all: Vec<Arc<UpstreamSts>>, roles: HashMap<RoleArn, UpstreamRole>) -> Self {
        all.sort_by(|one, other| one.name().cmp(other.name()));
        Self { all, roles }
    }

    /// In the order of their names.
    pub fn all(&self) -> &[Arc<UpstreamSts>] {
        &self.all
    }

    /// Who makes the credentials of `role`, if not this broker.
    pub fn of(&self, role: &RoleArn) -> Option<&UpstreamRole> {
        self.roles.get(role)
    }

    /// The one whose console opens with credentials that nobody here made, if there is one.
    pub fn of_foreign(&self) -> Option<(&UpstreamSts, &UpstreamConsole)> {
        let consoles = self.all.iter().filter_map(|sts| Some((sts.as_ref(), sts.console()?)));
        consoles.into_iter().find(|(_, console)| console.takes_foreign)
    }

    /// Each role, and who makes its credentials, in the order of the roles.
    pub fn roles(&self) -> Vec<(&RoleArn, &UpstreamRole)> {
        let mut roles: Vec<_> = self.roles.iter().collect();
        roles.sort_by_key(|(role, _)| *role);
        roles
    }
}

impl CredentialIssuer for UpstreamRole {
    fn issue<'a>(&'a self, issuance: &'a Issuance<'a>) -> IssueFuture<'a> {
        Box::pin(async move {
            let name = &self.sts.settings.name;
            let unfit = |reason| UpstreamFault::Unfit { upstream: name.clone(), reason };
            let asked = self.ask(issuance).map_err(unfit)?;
            let session = issuance.session.session();
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            let provider = session.provider.as_ref().map(ToString::to_string).unwrap_or_default();
            let key = hash_of(&[&asked.body, &provider, &part(&session.subject), &part(&session.assumed_by)]);
            let (sts, at) = (Arc::clone(&self.sts), issuance.at);
            let ask = async move { sts.exchange(&asked, at).await };
            let given = if self.sts.settings.reuse {
                self.sts.reuse.given_or(key, at, issuance.is_ended, ask).await
            } else {
                ask.await
            };
            given.map_err(IssueFault::from)
        })
    }
}
