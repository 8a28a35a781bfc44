//! Consoles of roles whose credentials somebody else makes: their own console, where they have one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::federate::sha256;
use super::record::{Given, offered_by};
use super::{Arrival, Failure, Refusal, RequestContext, SignedIn, There};
use crate::arn::RoleArn;
use crate::audit;
use crate::clock::Moment;
use crate::console::{self, DestinationRefused, SIGNIN_TOKEN_LIFE};
use crate::identity::sigv4::SigV4Error;
use crate::identity::{FederatedIdentity, Presented};
use crate::issuer::IssueFault;
use crate::issuer::TemporaryCredentials;
use crate::issuer::upstream::{ShownCredentials, SigninTerms, UpstreamConsole, UpstreamFault, UpstreamRole};
use crate::policy::AuthorizedSession;
use crate::seal::Purpose;
use crate::secret::Secret;
use crate::telemetry;

/// A way into somebody else's console that was made, and is not given yet.
pub(super) struct ThereReady {
    credentials: TemporaryCredentials,
    url: Secret<String>,
    host: String,
}

/// A sign-in token of somebody else's federation endpoint, as it leaves us.
#[derive(Serialize, Deserialize)]
struct ForeignToken {
    /// The name of the upstream.
    upstream: String,
    token: String,
    good_until: Moment,
}

impl RequestContext<'_> {
    /// A sign-in token for credentials that nobody here made, if somebody else's federation endpoint takes them.
    pub(super) async fn foreign_signin_token(
        &self,
        shown: &ShownCredentials<'_>,
        seconds: Option<u64>,
    ) -> Result<String, Failure> {
        let refused = || Failure::from(Refusal::Signature(SigV4Error::InvalidClientTokenId));
        let (sts, console) = self.snapshot.upstreams.of_foreign().ok_or_else(refused)?;
        let token = sts.foreign_signin_token(console, shown, seconds.map(Duration::from_secs)).await;
        let token = token.map_err(|fault| match fault {
            // Whose they are, and why it refuses them, is between the caller and the other side.
            UpstreamFault::Refused { .. } => refused(),
            fault => IssueFault::from(fault).into(),
        })?;
        telemetry::count_issued("foreign-signin-token");
        audit::ForeignSignin { upstream: sts.name(), access_key_id: shown.access_key_id }.write();
        let (upstream, good_until) = (sts.name().to_owned(), self.at.plus(SIGNIN_TOKEN_LIFE));
        let foreign = ForeignToken { upstream, token: token.expose().clone(), good_until };
        let entropy = self.parts.entropy.as_ref();
        Ok(console::seal(&self.parts.ring, Purpose::ForeignSigninToken, &foreign, entropy)?)
    }

    /// Uses such a token; nothing if it is none.
    pub(super) async fn redeem_foreign(
        &self,
        token: &str,
        wished: Option<&str>,
        issuer: Option<&str>,
    ) -> Result<Option<SignedIn>, Failure> {
        let opened: Option<ForeignToken> =
            console::open(&self.parts.ring, Purpose::ForeignSigninToken, token);
        let Some(opened) = opened else { return Ok(None) };
        let stale = || Failure::from(Refusal::SigninToken { reason: "it is older than 15 minutes" });
        if opened.good_until <= self.at {
            return Err(stale());
        }
        let there = self.snapshot.upstreams.of_foreign().filter(|(sts, _)| sts.name() == opened.upstream);
        let (_, console) = there.ok_or_else(stale)?;
        let destination = console.land_on(wished);
        let destination = destination.ok_or_else(|| refused_there(console, wished.unwrap_or_default()))?;
        if !self.snapshot.console.reuses_signin_tokens {
            let used = Refusal::SigninToken { reason: "it was used before" };
            self.claim_or(sha256(token.as_bytes()), opened.good_until, used).await?;
        }
        let own = format!("{}/portal", self.snapshot.public_url);
        let issuer = issuer.and_then(|issuer| self.snapshot.destinations.lead_back(issuer)).unwrap_or(own);
        let url = console.signin_url(&opened.token, &destination, &issuer);
        Ok(Some(SignedIn::There(There { url, host: console.host().to_owned() })))
    }

    /// The page of the console of `role` that `wished` means; without a role, of the broker's own.
    pub fn land_on(&self, role: Option<&RoleArn>, wished: Option<&str>) -> Result<String, Refusal> {
        let there = role.and_then(|role| self.console_there(role));
        let landed = there.and_then(|(_, console)| console.land_on(wished));
        landed.map_or_else(|| self.snapshot.destinations.land_on(wished).map_err(Refusal::Destination), Ok)
    }

    /// Whose console `role` opens, if it is not the broker's own.
    pub(super) fn console_there(&self, role: &RoleArn) -> Option<(&UpstreamRole, &UpstreamConsole)> {
        let upstream = self.snapshot.upstreams.of(role)?;
        Some((upstream, upstream.sts.console()?))
    }

    /// Has the credentials made, and a way into the console there by them: everything that can fail, before a document is
    /// used up. The session there lasts for the `duration`, or as it is configured.
    pub(super) async fn ready_there(
        &self,
        (upstream, console): (&UpstreamRole, &UpstreamConsole),
        authorized: &AuthorizedSession,
        presented: Option<Presented<'_>>,
        (wished, duration): (Option<&str>, Option<Duration>),
    ) -> Result<ThereReady, Failure> {
        // A place of ours, which a login has without a wish, is none there.
        let destination = console.land_on(wished).unwrap_or_else(|| console.home.to_string());
        let credentials = self.issue(authorized, presented).await?;
        let issuer = format!("{}/portal", self.snapshot.public_url);
        let terms = SigninTerms { destination: &destination, issuer: &issuer, duration };
        let url = upstream.signin_url(console, &credentials, &terms).await;
        let url = url.map_err(IssueFault::from)?;
        Ok(ThereReady { credentials, url, host: console.host().to_owned() })
    }

    /// Gives it.
    pub(super) fn sign_in_there(
        &self,
        ready: ThereReady,
        authorized: &AuthorizedSession,
        action: &'static str,
    ) -> Result<There, Failure> {
        let ThereReady { credentials, url, host } = ready;
        self.record(authorized, &Given::credentials(&credentials, action))?;
        let (session, origin) = (authorized.session(), self.origin());
        audit::ConsoleSignin {
            action,
            provider: session.person().map(|(provider, _)| provider.as_str()).unwrap_or_default(),
            subject: session.person().map(|(_, subject)| subject).unwrap_or_default(),
            session: &session.arn(),
            offered_by: Some(offered_by(authorized.offered_by())),
            source_ip: origin.address,
            program: &origin.program,
            until: credentials.expires(),
        }
        .write();
        Ok(There { url, host })
    }

    /// As [`RequestContext::admit`], to somebody else's console.
    pub(super) async fn admit_there(
        &self,
        arrival: &Arrival<'_>,
        (identity, authorized): (&FederatedIdentity, &AuthorizedSession),
        there: (&UpstreamRole, &UpstreamConsole),
        wished: Option<&str>,
        action: &'static str,
    ) -> Result<SignedIn, Failure> {
        let ready = self.ready_there(there, authorized, Some(arrival.presented), (wished, None)).await?;
        self.claim(identity, arrival, Some(&authorized.session().role)).await?;
        Ok(SignedIn::There(self.sign_in_there(ready, authorized, action)?))
    }
}

fn refused_there(console: &UpstreamConsole, wished: &str) -> Refusal {
    let allowed = format!("pages of {} and of hosts below it", console.host());
    Refusal::Destination(DestinationRefused::new(wished, allowed))
}
