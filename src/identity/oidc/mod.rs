//! OpenID Connect: an ID token becomes a [`FederatedIdentity`].
//!
//! [`OidcProvider::verify`] is the one verifier, for tokens that a workload sends and for those
//! that a browser login brings. The cheap refusals come first (shape, issuer, algorithm, key
//! id), so that garbage costs no signature check, and nothing that only the issuer could know is
//! told before the signature holds.
//!
//! - `jws` takes a token apart, `members` refuses ambiguous JSON
//! - `keys`, `discovery` and `cache` know the provider's keys, `pinned` those in a file, `source` which
//!   of the two it is; `token_info` asks about tokens that nobody else can read
//! - `facts` takes notes for `explain`
//! - `token` and `asserted` read the claims, `session` those that name a login
//! - `login` is the authorization code flow, `logout` its end
//! - `further` is what a login learns beside its token: `userinfo`, and `groups` of Entra ID; `paths`
//!   lifts nested claims

mod algorithm;
mod asserted;
mod cache;
mod discovery;
mod facts;
mod further;
mod groups;
mod jws;
mod keys;
mod login;
mod logout;
mod members;
mod paths;
mod pinned;
mod session;
mod source;
mod supposed;
mod token;
mod token_info;
mod userinfo;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::ParsedPublicKey;
use serde_json::{Map, Value};
use url::Url;

pub use self::algorithm::{Algorithm, NoAlgorithm};
pub use self::cache::{KeyAges, KeyState};
pub use self::facts::{TokenClaims, TokenFacts, unverified_facts};
pub use self::further::FurtherClaims;
pub use self::groups::{GraphUrl, GroupOverage};
pub use self::jws::unverified_issuer;
pub use self::login::{LoginError, LoginStart, Redeemed};
pub use self::logout::{EndSession, LogoutToken};
pub use self::paths::AttributePaths;
pub use self::token_info::{AMAZON_ISSUER, AMAZON_PROVIDER_ID, AMAZON_TOKEN_INFO};

use self::cache::{KeyCache, unknown_key};
use self::discovery::{Metadata, Publisher};
use self::facts::Trace;
use self::jws::{Kind, UnverifiedToken, refused_algorithm};
use self::pinned::PinnedKeys;
use self::source::Keys;
use self::token::Expected;
use self::token_info::TokenInfo;
use super::{Explanation, FederatedIdentity, VerifyCode, VerifyError};
use crate::arn::ProviderArn;
use crate::clock::Moment;
use crate::entropy::Entropy;
use crate::fetch::{self, Reach};
use crate::secret::Secret;

/// A provider, as the configuration describes it (facts 3.1).
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// The provider's ARN.
    pub arn: ProviderArn,
    /// Its name in the configuration.
    pub name: String,
    /// Its `iss`, compared character by character.
    pub issuer: String,
    /// Clients that its tokens may be meant for.
    pub client_ids: Vec<String>,
    /// Signature algorithms that are accepted. AWS's are those of RSA PKCS #1 and of ECDSA.
    pub algorithms: Vec<Algorithm>,
    /// Leeway for `exp`, `iat` and `nbf`. AWS's is five minutes.
    pub clock_skew: Duration,
    /// Where its keys come from.
    pub keys: KeySource,
    /// How old fetched keys may become.
    pub key_ages: KeyAges,
    /// Whether each token names its own `jti` and is good once.
    pub one_time: bool,
    /// Whether access tokens are as good as ID tokens, but for a login.
    pub access_tokens: bool,
    /// Which addresses it may be asked at. The client must be the one for the same reach.
    pub reach: Reach,
    /// How people sign in through it, if they do.
    pub login: Option<LoginSettings>,
    /// How its claims are read.
    pub claims: ClaimSettings,
}

/// How the claims of a provider are read, beyond what they say themselves.
#[derive(Debug, Clone, Default)]
pub struct ClaimSettings {
    /// What to do where groups were left out.
    pub group_overage: GroupOverage,
    /// Attributes that stand deeper.
    pub attributes: AttributePaths,
}

/// Where a provider's keys come from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// The discovery document under the issuer.
    Discovery,
    /// A file that holds a JWK set, for providers that can't be reached. It is watched.
    File(PathBuf),
    /// A JWK set, as JSON. It stays as it is.
    Given(String),
    /// There are none: the issuer is asked at this address whose a token is.
    TokenInfo(Url),
}

/// This broker as a client of the provider.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// The client id that is registered with the provider.
    pub client_id: String,
    /// The client's secret; none for a public client.
    pub client_secret: Option<Secret<String>>,
    /// Scopes to ask for beside `openid`.
    pub scopes: Vec<String>,
    /// Whether userinfo is asked for claims that the ID token lacks.
    pub userinfo: bool,
}

/// Why a provider can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum OidcFault {
    /// The issuer is not a URL that OpenID Connect accepts.
    #[error("{0:?} is not an issuer: wanted an https URL without query and fragment")]
    Issuer(String),
    /// The allow-list of algorithms is empty.
    #[error("there must be at least one algorithm")]
    Algorithms,
    /// The configured key set is of no use.
    #[error("the key set can't be used: {0}")]
    Keys(String),
}

/// One OpenID Connect provider.
pub struct OidcProvider {
    settings: OidcSettings,
    publisher: Publisher,
    keys: Keys,
}

impl fmt::Debug for OidcProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcProvider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl OidcProvider {
    /// Sets a provider up. Nothing is fetched yet.
    pub fn new(settings: OidcSettings, http: reqwest::Client) -> Result<Self, OidcFault> {
        check_issuer_url(&settings)?;
        if settings.algorithms.is_empty() {
            return Err(OidcFault::Algorithms);
        }
        let publisher = Publisher { issuer: settings.issuer.clone(), reach: settings.reach, http };
        let cache = || KeyCache::new(publisher.clone(), settings.key_ages);
        let pinned = |keys: Result<PinnedKeys, String>| keys.map(Arc::new).map_err(OidcFault::Keys);
        let keys = match &settings.keys {
            KeySource::Discovery => Keys::Published(cache()),
            KeySource::File(path) => Keys::Pinned(pinned(PinnedKeys::in_file(path.clone()))?, cache()),
            KeySource::Given(json) => Keys::Pinned(pinned(PinnedKeys::given(json.as_bytes()))?, cache()),
            KeySource::TokenInfo(url) => Keys::Asked(TokenInfo::at(url.clone())),
        };
        Ok(Self { settings, publisher, keys })
    }

    /// What it was set up with.
    pub const fn settings(&self) -> &OidcSettings {
        &self.settings
    }

    /// Verifies an ID token that is meant for one of the configured clients; with `nonce`, one
    /// that a login here asked for, which must be meant for this broker's own client.
    pub async fn verify(
        &self,
        token: &str,
        nonce: Option<&str>,
        at: Moment,
    ) -> Result<FederatedIdentity, VerifyError> {
        self.verify_as(token, &self.expected(nonce, at), None, &Trace::off()).await
    }

    /// Verifies a token as [`Self::verify`] does, without a login, and notes everything on the way. Where
    /// there are no keys yet, they are fetched.
    pub async fn explain(&self, token: &str, at: Moment) -> Explanation<TokenFacts> {
        let trace = Trace::on();
        let identity = self.verify_as(token, &self.expected(None, at), None, &trace).await;
        let (steps, facts) = trace.told(identity.as_ref().err());
        Explanation { steps, facts, identity }
    }

    /// Verifies the ID token of a login here, which got `further` claims beside it
    /// ([`OidcProvider::further_claims`]).
    pub async fn verify_login(
        &self,
        token: &str,
        nonce: &str,
        further: &FurtherClaims,
        at: Moment,
    ) -> Result<FederatedIdentity, VerifyError> {
        self.verify_as(token, &self.expected(Some(nonce), at), Some(further), &Trace::off()).await
    }

    /// Whether its settings still take the token that `identity`, who is remembered, once came by.
    pub fn takes_still(&self, identity: &FederatedIdentity) -> bool {
        let is_for_us = self.clients().any(|client| client == identity.audience());
        is_for_us && (self.settings.access_tokens || !identity.verified.by_access_token)
    }

    /// The clients whose tokens are taken.
    fn clients(&self) -> impl Iterator<Item = &str> {
        let OidcSettings { client_ids, login, .. } = &self.settings;
        let login = login.iter().map(|login| &login.client_id);
        client_ids.iter().chain(login).map(String::as_str)
    }

    fn expected<'a>(&'a self, nonce: Option<&'a str>, at: Moment) -> Expected<'a> {
        let client_ids = match (&self.settings.login, nonce) {
            (Some(login), Some(_)) => std::slice::from_ref(&login.client_id),
            _ => &self.settings.client_ids,
        };
        Expected { client_ids, nonce, at }
    }

    /// Begins a login that will come back to `redirect_uri`. Whoever signed in longer ago than `within` is to be asked
    /// again.
    pub async fn begin_login(
        &self,
        redirect_uri: &str,
        within: Option<Duration>,
        entropy: &dyn Entropy,
        at: Moment,
    ) -> Result<LoginStart, LoginError> {
        let settings = self.settings.login.as_ref().ok_or(LoginError::NotConfigured)?;
        let metadata = self.metadata(at).await?;
        login::begin(&self.settings, settings, &metadata, redirect_uri, within, entropy)
    }

    /// Checks `iss` of the answer to a login: whoever says it must be this provider, and one that
    /// announces to say it must (RFC 9207 section 2.4). A code that another provider made for a login
    /// here would else be shown to this one, or the other way round.
    pub async fn check_answer(&self, issuer: Option<&str>, at: Moment) -> Result<(), LoginError> {
        let seen = match issuer {
            Some(seen) if seen == self.settings.issuer => return Ok(()),
            Some(seen) => seen,
            None if self.metadata(at).await?.authorization_response_iss_parameter_supported => "no `iss`",
            None => return Ok(()),
        };
        let expected = self.settings.issuer.as_str();
        Err(VerifyError::new(VerifyCode::Issuer, "oidc.answer.issuer", expected, seen).into())
    }

    /// Redeems the `code` of a login for its tokens, which are yet to be verified. The caller has
    /// compared `state` already.
    pub async fn redeem_code(
        &self,
        code: &str,
        redirect_uri: &str,
        pkce_verifier: &str,
        at: Moment,
    ) -> Result<Redeemed, LoginError> {
        let settings = self.settings.login.as_ref().ok_or(LoginError::NotConfigured)?;
        let client = login::client(&self.settings, settings, &self.metadata(at).await?)?;
        login::redeem(&self.publisher, client, code, redirect_uri, pkce_verifier).await
    }

    async fn verify_as(
        &self,
        token: &str,
        expected: &Expected<'_>,
        further: Option<&FurtherClaims>,
        trace: &Trace,
    ) -> Result<FederatedIdentity, VerifyError> {
        if let Keys::Asked(asked) = &self.keys {
            let claims = asked.claims(token, &self.publisher, expected.at).await?;
            return self.vouched_for(claims, expected);
        }
        let length = token.len();
        let token = UnverifiedToken::parse(token)?;
        trace.see(|facts| *facts = TokenFacts::of(&token, length));
        self.authenticate(&token, expected.at).await?;
        self.note_signed(&token, trace);
        let checked = token::check(&token.claims, token.kind, &self.settings, expected, trace)?;
        trace.looked("oidc.groups.overage", self.check_groups(&token.claims, further), (), |()| {
            ("the person's groups, or none".to_owned(), "not left out".to_owned())
        })?;
        let identity = token::identity(token.claims, checked, &self.settings, further);
        trace.verdict()?;
        identity
    }

    /// As a token is read that the issuer signed, of claims that it told us.
    fn vouched_for(
        &self,
        claims: Map<String, Value>,
        expected: &Expected<'_>,
    ) -> Result<FederatedIdentity, VerifyError> {
        self.check_issuer(claims.get("iss").and_then(Value::as_str).unwrap_or_default())?;
        let checked = token::check(&claims, Kind::Plain, &self.settings, expected, &Trace::off())?;
        token::identity(claims, checked, &self.settings, None)
    }

    fn note_signed(&self, token: &UnverifiedToken<'_>, trace: &Trace) {
        let same = |text: &str| (text.to_owned(), text.to_owned());
        trace.passed("oidc.issuer", || same(&self.settings.issuer));
        trace.passed("oidc.algorithm", || {
            (format!("one of {:?}", self.settings.algorithms), format!("{:?}", token.algorithm))
        });
        trace.passed("oidc.signature", || {
            let key_id = token.key_id.as_deref().unwrap_or("which it does not name");
            ("a signature by a key of the provider".to_owned(), format!("one by the key {key_id}"))
        });
        trace.see(|facts| facts.signed(&token.claims, &self.settings.claims.attributes));
    }

    /// Issuer, algorithm and signature: from here on the claims are the provider's word.
    async fn authenticate(&self, token: &UnverifiedToken<'_>, at: Moment) -> Result<(), VerifyError> {
        self.check_issuer(token.issuer()?)?;
        if !self.settings.algorithms.contains(&token.algorithm) {
            let allowed = format!("one of {:?}", self.settings.algorithms);
            return Err(refused_algorithm(allowed, format!("{:?}", token.algorithm)));
        }
        self.check_signature(token, at).await
    }

    /// To the letter: no case folding, no slash added or removed (facts 3.1).
    fn check_issuer(&self, issuer: &str) -> Result<(), VerifyError> {
        if issuer == self.settings.issuer {
            return Ok(());
        }
        Err(VerifyError::new(VerifyCode::Issuer, "oidc.issuer", &self.settings.issuer, issuer))
    }

    async fn check_signature(&self, token: &UnverifiedToken<'_>, at: Moment) -> Result<(), VerifyError> {
        let (key_id, algorithm) = (token.key_id.as_deref(), token.algorithm);
        let verify = |key: &ParsedPublicKey| key.verify_sig(token.signed, &token.signature);
        let verified = match &self.keys {
            Keys::Pinned(pinned, _) => {
                let keys = pinned.keys();
                keys.find(key_id, algorithm).map(verify).ok_or_else(|| unknown_key(key_id, &keys))?
            }
            Keys::Published(cache) => cache.with_key(key_id, algorithm, at, verify).await?,
            Keys::Asked(_) => {
                let (expected, seen) = ("a key of the provider", "none: it signs no tokens");
                return Err(VerifyError::new(VerifyCode::Signature, "oidc.key.unknown", expected, seen));
            }
        };
        verified.map_err(|_| {
            let seen = key_id.unwrap_or("no key id");
            VerifyError::new(VerifyCode::Signature, "oidc.signature", "a signature by the key", seen)
        })
    }

    async fn metadata(&self, at: Moment) -> Result<Metadata, LoginError> {
        match &self.keys {
            Keys::Published(cache) | Keys::Pinned(_, cache) => Ok(cache.metadata(at).await?),
            Keys::Asked(_) => Err(LoginError::NotConfigured),
        }
    }
}

/// OpenID Connect Core 2 and facts 3.1: https, no query, no fragment.
fn check_issuer_url(settings: &OidcSettings) -> Result<(), OidcFault> {
    let url = Url::parse(&settings.issuer).ok().filter(|url| {
        fetch::is_permitted(url, settings.reach)
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    });
    url.map(|_| ()).ok_or_else(|| OidcFault::Issuer(settings.issuer.clone()))
}
