//! The flows: federate, login, call, sign in to the console, exchange tokens, say what a session may do,
//! log out, revoke.
//!
//! Every way in is one sentence, and [`RequestContext::federate`] is that sentence. This room
//! knows no HTTP and no adapter: `http` calls it with what was presented, `app` gives it a store
//! and an issuer.

mod access;
mod admin;
mod application;
mod assume;
mod caller;
mod decide;
mod device;
mod exchange;
pub mod explain;
mod federate;
mod in_browser;
mod login;
mod logout;
mod nodes;
mod pace;
mod portal;
mod record;
mod refusal;
mod refused_access;
pub mod rehearse;
mod revocation;
mod sessions;
mod signin;
mod upstream_console;
mod verify;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

pub use self::access::{AccessAnswer, Answered};
pub use self::admin::{InCharge, NotInCharge};
pub use self::application::{AtApplication, Entered, VisitStart, Visitor};
pub use self::assume::{AssumeAsk, CallerRefusal, FederationAsk, MfaCode};
pub use self::device::{Approving, Decided, Decision, DeviceAsk, DeviceAuthorization, DeviceRequest};
pub use self::exchange::{
    Active, ConsoleAsk, ConsoleUrl, Exchange, ExchangeRefusal, Exchanged, Granted, Polled, SubjectToken,
    Wanted,
};
pub use self::federate::{Arrival, Ask, Door, Federated};
pub use self::in_browser::{BrowserCookies, InBrowser};
pub use self::login::{Arrived, Choice, LoginStart, OidcAnswer, Onward, SamlAnswer, Toward, login_tag};
pub use self::logout::{LogoutOutcome, SignedOut};
pub use self::nodes::OtherNodes;
use self::pace::Pace;
pub use self::portal::{AtPortal, Marked, Opened, Person, Verdict, WhyNot};
pub use self::refusal::{Failure, Fault, Refusal};
pub use self::revocation::{Ended, Others, RevocationSet, RevokeAsk, RevokeFault, Target};
pub use self::sessions::{OwnKind, OwnSession};
pub use self::signin::{SignedIn, There};
pub use self::verify::{Verified, VerifyAsk};
use crate::audit;
use crate::clock::{Clock, Moment};
use crate::config::Snapshot;
use crate::console::Origin;
use crate::entropy::Entropy;
use crate::identity::sigv4::SigningSecrets;
use crate::issuer::OwnIssuer;
use crate::issuer::jwt::SigningKeys;
use crate::seal::KeyRing;
use crate::store::dump::{Pieces, dump};
use crate::store::{Claim, Scope, Store, StoreFault};

/// Everything that the flows need. One a process.
pub struct Broker {
    snapshot: Arc<Snapshot>,
    parts: Parts,
    device_paces: device::Paces,
    /// Wrong codes of one authenticator app.
    mfa_pace: Pace,
    /// Sessions that one person ends.
    ends_pace: Pace,
    other_nodes: ArcSwapOption<OtherNodes>,
}

/// What `app` picked.
pub struct Parts {
    /// Makes the broker's own credentials.
    pub issuer: Arc<dyn OwnIssuer>,
    /// Opens the credentials that callers sign with.
    pub secrets: Arc<dyn SigningSecrets>,
    /// Remembers claims, sessions and revocations.
    pub store: Arc<dyn Store>,
    /// The revocations that are live.
    pub revoked: Arc<RevocationSet>,
    /// Seals cookies, sign-in tokens and records.
    pub ring: Arc<KeyRing>,
    /// Signs tokens for services that speak JWT.
    pub signing: Arc<SigningKeys>,
    /// Fills what must not be guessed.
    pub entropy: Arc<dyn Entropy>,
    /// How long credentials are believed while it is not known what other nodes revoke; nothing: as long as they last.
    pub unheard_for: Option<Duration>,
    /// Tells when a logout takes hold, which may be long after its request arrived. Whatever else a
    /// request decides, it decides as of the moment of its [`RequestContext`].
    pub clock: Arc<dyn Clock>,
}

/// How the key ring does.
pub struct RingState {
    /// The name of the key that seals.
    pub sealing: String,
    /// Since when.
    pub since: Moment,
    /// What keeps newer keys from being read.
    pub trouble: Option<String>,
}

impl Broker {
    /// A broker that decides by `snapshot`.
    pub fn new(snapshot: Snapshot, parts: Parts) -> Self {
        let mfa_pace = Pace::new(10, Duration::from_secs(60));
        let (device_paces, other_nodes) = (device::Paces::default(), ArcSwapOption::empty());
        let ends_pace = Pace::new(sessions::ENDS.0, sessions::ENDS.1);
        Self { snapshot: Arc::new(snapshot), parts, device_paces, mfa_pace, ends_pace, other_nodes }
    }

    /// The configuration in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot)
    }

    /// The kind of store, for `/readyz`.
    pub fn store_kind(&self) -> &'static str {
        self.parts.store.describe()
    }

    /// Whether what other nodes revoke is heard, for `/readyz`; nothing where there are none.
    pub fn others(&self) -> Option<Others> {
        self.parts.revoked.others()
    }

    /// How long credentials are believed while it is not.
    pub fn unheard_for(&self) -> Option<Duration> {
        self.parts.unheard_for
    }

    /// The ring that seals what leaves and comes back, for `/readyz`.
    pub fn ring(&self) -> RingState {
        let (sealing, since) = self.parts.ring.sealing();
        RingState { sealing, since, trouble: self.parts.ring.trouble() }
    }

    /// The public keys that our tokens are signed with, as a JWK Set.
    pub fn jwks(&self) -> &str {
        self.parts.signing.jwks()
    }

    /// What one request sees from its start to its end: one configuration, one moment.
    pub fn request(&self, at: Moment, source_ip: Option<IpAddr>) -> RequestContext<'_> {
        RequestContext {
            parts: &self.parts,
            device_paces: &self.device_paces,
            mfa_pace: &self.mfa_pace,
            ends_pace: &self.ends_pace,
            snapshot: self.snapshot(),
            at,
            source_ip,
            user_agent: None,
        }
    }
}

/// A request's fixed surroundings.
pub struct RequestContext<'b> {
    parts: &'b Parts,
    device_paces: &'b device::Paces,
    mfa_pace: &'b Pace,
    ends_pace: &'b Pace,
    snapshot: Arc<Snapshot>,
    at: Moment,
    source_ip: Option<IpAddr>,
    user_agent: Option<&'b str>,
}

impl<'b> RequestContext<'b> {
    /// As a program asks that calls itself `user_agent`.
    #[must_use]
    pub fn by(self, user_agent: Option<&'b str>) -> Self {
        Self { user_agent, ..self }
    }
}

impl RequestContext<'_> {
    /// Where the request comes from.
    fn origin(&self) -> Origin {
        Origin::of(self.source_ip, self.user_agent)
    }

    /// The configuration that this request is decided by.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// When this request arrived.
    pub const fn at(&self) -> Moment {
        self.at
    }

    /// A copy of all that the store holds, for those in charge.
    pub fn copy_store(&self) -> Pieces {
        audit::store_copied();
        dump(Arc::clone(&self.parts.store), self.at)
    }

    /// Whether the store writes: it is asked to take a claim whose time is over, so that there is
    /// something to write and nothing to keep. That also brings a store back whose disk has recovered.
    pub async fn store_answers(&self) -> Result<(), StoreFault> {
        let over = Claim { id: [0; 32], scope: Scope::Whole, until: self.at };
        self.parts.store.claim(over, self.at).await.map(|_| ())
    }
}
