//! Consoles of roles whose credentials somebody else makes: their own console, where they have one.

use std::time::Duration;

use super::record::{Given, offered_by};
use super::{Arrival, Failure, Refusal, RequestContext, SignedIn};
use crate::arn::RoleArn;
use crate::audit;
use crate::identity::{FederatedIdentity, Presented};
use crate::issuer::TemporaryCredentials;
use crate::issuer::upstream::{SigninTerms, UpstreamConsole, UpstreamRole};
use crate::policy::AuthorizedSession;
use crate::secret::Secret;

/// A way into somebody else's console that was made, and is not given yet.
pub(super) struct ThereReady {
    credentials: TemporaryCredentials,
    url: Secret<String>,
    host: String,
}

impl RequestContext<'_> {
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
        let url = url.map_err(crate::issuer::IssueFault::from)?;
        Ok(ThereReady { credentials, url, host: console.host().to_owned() })
    }

    /// Gives it.
    pub(super) fn sign_in_there(
        &self,
        ready: ThereReady,
        authorized: &AuthorizedSession,
        action: &'static str,
    ) -> Result<SignedIn, Failure> {
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
        Ok(SignedIn::There { url, host })
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
        self.sign_in_there(ready, authorized, action)
    }
}
