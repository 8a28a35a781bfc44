//! That somebody may be at a web application behind a proxy, as a session of a role.
//!
//! It is made of an [`AuthorizedSession`] alone, leaves sealed and comes back sealed, so that each request to the application
//! is answered without a look-up. What it is shown as to the application, `jwt::introduction` says.

use base64_simd::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::entropy::{Entropy, NoEntropy};
use crate::identity::{RoleSession, SessionPolicies};
use crate::policy::AuthorizedSession;
use crate::seal::{KeyRing, Purpose};

/// Longest sealed one, in characters: with its name and its attributes a cookie has at most 4096 bytes (RFC 6265, 6.1).
const LONGEST: usize = 3900;

/// See the module.
#[derive(Debug)]
pub struct Admission(Facts);

#[derive(Debug, Serialize, Deserialize)]
struct Facts {
    application: String,
    session: RoleSession,
    browser: [u8; 8],
}

impl Admission {
    /// To the web application called so, for a person in this `browser`.
    pub fn new(application: &str, authorized: &AuthorizedSession, browser: [u8; 8]) -> Self {
        let session = RoleSession { policies: SessionPolicies::default(), ..authorized.session().clone() };
        Self(Facts { application: application.to_owned(), session, browser })
    }

    /// The session as which the person is there.
    pub const fn session(&self) -> &RoleSession {
        &self.0.session
    }

    /// Which browser it is.
    pub const fn browser(&self) -> [u8; 8] {
        self.0.browser
    }

    /// Seals it for a cookie; `None` if a cookie can't hold it.
    pub fn seal(&self, ring: &KeyRing, entropy: &dyn Entropy) -> Result<Option<String>, NoEntropy> {
        let body = postcard::to_allocvec(&self.0).map_err(|_| NoEntropy)?;
        let sealed = URL_SAFE_NO_PAD.encode_to_string(ring.seal(Purpose::Admission, &body, entropy)?);
        Ok(Some(sealed).filter(|sealed| sealed.len() <= LONGEST))
    }

    /// Opens what was sealed; `None` if it is not genuine, over at `at`, or to another application.
    pub fn open(ring: &KeyRing, sealed: &str, application: &str, at: Moment) -> Option<Self> {
        let sealed = Some(sealed).filter(|sealed| sealed.len() <= LONGEST)?;
        let sealed = URL_SAFE_NO_PAD.decode_to_vec(sealed).ok()?;
        let facts: Facts = postcard::from_bytes(&ring.open(Purpose::Admission, &sealed).ok()?).ok()?;
        (facts.application == application && facts.session.expires > at).then_some(Self(facts))
    }
}
