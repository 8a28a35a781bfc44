//! What happened, for those who answer for it.
//!
//! An audit event is a log event with the target `audit`: who was given what, by whose word, and
//! what was refused. It holds no secret and no token; key ids, subjects and role ARNs it does.

use std::net::IpAddr;

use crate::clock::Moment;

/// Credentials or a token were issued.
#[derive(Debug)]
pub struct Issued<'a> {
    /// The way in: `AssumeRoleWithSAML`, `saml-login` and so on.
    pub action: &'a str,
    /// The provider's ARN.
    pub provider: &'a str,
    /// Who the provider says it is.
    pub subject: &'a str,
    /// The ARN of whom they are for.
    pub session: &'a str,
    /// The ARN of who asked for them by credentials of ours.
    pub caller: Option<&'a str>,
    /// Of a role, the rule or what else offered it.
    pub offered_by: Option<&'a str>,
    /// Of credentials, the access key id.
    pub access_key_id: Option<&'a str>,
    /// Of a token, its `jti`.
    pub token_id: Option<&'a str>,
    /// When they end.
    pub expires: Moment,
    /// Of credentials, the STS of somebody else that they come from.
    pub upstream: Option<&'a str>,
    /// The OAuth client that they were given to.
    pub client: Option<&'a str>,
    /// The service that a token is for.
    pub audience: Option<&'a str>,
}

impl Issued<'_> {
    /// Writes the event.
    pub fn write(&self) {
        tracing::info!(
            target: "audit",
            event = "issued",
            action = self.action,
            provider = self.provider,
            subject = self.subject,
            session = self.session,
            caller = self.caller,
            offered_by = self.offered_by,
            access_key_id = self.access_key_id,
            token_id = self.token_id,
            expires = %self.expires,
            upstream = self.upstream,
            client = self.client,
            audience = self.audience,
        );
    }
}

/// Somebody who was believed is not granted what they asked for. Why stands in the line about the refusal.
#[derive(Debug)]
pub struct NotGranted<'a> {
    /// The way in, as for [`Issued`].
    pub action: &'a str,
    /// The provider's ARN.
    pub provider: &'a str,
    /// Who the provider says it is.
    pub subject: &'a str,
    /// The role that they asked for.
    pub role: &'a str,
    /// What the trust policy's nearest statement wants and does not have.
    pub unmet: Option<&'a str>,
}

impl NotGranted<'_> {
    /// Writes the event.
    pub fn write(&self) {
        tracing::info!(
            target: "audit",
            event = "not-granted",
            action = self.action,
            provider = self.provider,
            subject = self.subject,
            role = self.role,
            unmet = self.unmet,
        );
    }
}

/// A service asked whether a session may do something, and it may not. What may be done is counted alone.
#[derive(Debug)]
pub struct AccessRefused<'a> {
    /// The OAuth client that asked.
    pub client: &'a str,
    /// The role session's ARN.
    pub session: &'a str,
    /// Such as `s3:GetObject`.
    pub action: &'a str,
    /// The resource's ARN.
    pub resource: &'a str,
    /// The kind of policy that denies or does not allow it, in AWS's words.
    pub reason: &'a str,
}

impl AccessRefused<'_> {
    /// Writes the event.
    pub fn write(&self) {
        tracing::info!(
            target: "audit",
            event = "access-refused",
            client = self.client,
            session = self.session,
            action = self.action,
            resource = self.resource,
            reason = self.reason,
        );
    }
}

/// A login was ended before its time: what came of it is revoked.
#[derive(Debug)]
pub struct Ended<'a> {
    /// The way it came about: `saml-logout` and `oidc-logout` by the provider, `sign-out` by
    /// the person.
    pub action: &'static str,
    /// The provider's ARN.
    pub provider: &'a str,
    /// Who the provider says it is; empty where its logout names a session alone.
    pub subject: &'a str,
    /// What ended: `session`, those that the provider named; `person`, all of theirs at the
    /// provider; `console`, this one alone.
    pub scope: &'static str,
}

impl Ended<'_> {
    /// Writes the event.
    pub fn write(&self) {
        tracing::info!(
            target: "audit",
            event = "ended",
            action = self.action,
            provider = self.provider,
            subject = self.subject,
            scope = self.scope,
        );
    }
}

/// Somebody in charge ended what was given.
#[derive(Debug)]
pub struct Revoked<'a> {
    /// `session`, `subject`, `provider`, `source-identity`, `role` or `user`.
    pub kind: &'static str,
    /// Of whom or what.
    pub target: &'a str,
    /// What was given up to then.
    pub issued_before: Moment,
    /// Why.
    pub reason: Option<&'a str>,
}

impl Revoked<'_> {
    /// Writes the event.
    pub fn write(&self) {
        tracing::info!(
            target: "audit",
            event = "revoked",
            kind = self.kind,
            what = self.target,
            issued_before = %self.issued_before,
            reason = self.reason,
        );
    }
}

/// Somebody said yes or no to a device that asked to be signed in.
#[derive(Debug)]
pub struct DeviceDecided<'a> {
    /// `approved` or `denied`.
    pub decision: &'static str,
    /// The OAuth client that asked.
    pub client: &'a str,
    /// Where it asked from.
    pub source_ip: Option<IpAddr>,
    /// The ARN of the provider by whose word the person is who they are.
    pub provider: &'a str,
    /// Who the provider says it is.
    pub subject: &'a str,
    /// The role that the device is to have.
    pub role: Option<&'a str>,
}

impl DeviceDecided<'_> {
    /// Writes the event.
    pub fn write(&self) {
        tracing::info!(
            target: "audit",
            event = "device",
            decision = self.decision,
            client = self.client,
            device_ip = self.source_ip.map(tracing::field::display),
            provider = self.provider,
            subject = self.subject,
            role = self.role,
        );
    }
}

/// Somebody signed in to the console by a browser.
pub struct ConsoleSignin<'a> {
    /// The way in: `saml-login`, `oidc-login`, `signin-token`.
    pub action: &'static str,
    /// The ARN of the provider by whose word the person is who they are.
    pub provider: &'a str,
    /// Who the provider says it is.
    pub subject: &'a str,
    /// The session's ARN.
    pub session: &'a str,
    /// What offered the role, where it was chosen now.
    pub offered_by: Option<&'a str>,
    /// The client's address, if anybody knows it.
    pub source_ip: Option<IpAddr>,
    /// The kind of program.
    pub program: &'a str,
    /// When the browser must sign in again.
    pub until: Moment,
}

/// A link to a console was made for somebody. Who opens it is told by [`ConsoleSignin`].
pub struct ConsoleLink<'a> {
    /// The OAuth client that asked for it.
    pub client: &'a str,
    /// The ARN of the provider by whose word the person is who they are.
    pub provider: &'a str,
    /// Who the provider says it is.
    pub subject: &'a str,
    /// The session's ARN.
    pub session: &'a str,
    /// What offered the role.
    pub offered_by: &'a str,
    /// When the browser must sign in again.
    pub until: Moment,
}

impl ConsoleLink<'_> {
    /// Writes the event.
    pub fn write(&self) {
        tracing::info!(
            target: "audit",
            event = "console-link",
            client = self.client,
            provider = self.provider,
            subject = self.subject,
            session = self.session,
            offered_by = self.offered_by,
            until = %self.until,
        );
    }
}

/// Somebody else's federation endpoint took credentials that nobody here made.
pub struct ForeignSignin<'a> {
    /// Whose endpoint.
    pub upstream: &'a str,
    /// The id of the credentials there.
    pub access_key_id: &'a str,
}

impl ForeignSignin<'_> {
    /// Writes the event.
    pub fn write(&self) {
        let Self { upstream, access_key_id } = self;
        tracing::info!(target: "audit", event = "foreign-signin", upstream, access_key_id);
    }
}

/// Somebody in charge looked at what is open for a person, or ended one of it.
pub struct Looked<'a> {
    /// Who did.
    pub by: &'a str,
    /// The ARN of the provider by whose word the person is who they are.
    pub provider: &'a str,
    /// Who the provider says it is.
    pub subject: &'a str,
}

impl Looked<'_> {
    /// Writes the event.
    pub fn write(&self) {
        tracing::info!(
            target: "audit",
            event = "sessions-looked-at",
            by = self.by,
            provider = self.provider,
            subject = self.subject,
        );
    }
}

/// Somebody was let into a web application by a browser.
pub struct ApplicationEntered<'a> {
    /// What the proxy calls it.
    pub application: &'a str,
    /// The ARN of the provider by whose word the person is who they are.
    pub provider: &'a str,
    /// Who the provider says it is.
    pub subject: &'a str,
    /// The ARN of the session as which they are there.
    pub session: &'a str,
    /// What offered the role.
    pub offered_by: &'a str,
    /// The client's address, if anybody knows it.
    pub source_ip: Option<IpAddr>,
    /// The kind of program.
    pub program: &'a str,
    /// When they must come by again.
    pub until: Moment,
}

impl ApplicationEntered<'_> {
    /// Writes the event.
    pub fn write(&self) {
        tracing::info!(
            target: "audit",
            event = "application-entered",
            application = self.application,
            provider = self.provider,
            subject = self.subject,
            session = self.session,
            offered_by = self.offered_by,
            source_ip = self.source_ip.map(tracing::field::display),
            program = self.program,
            until = %self.until,
        );
    }
}

/// Somebody signed in at the portal by a browser.
pub struct PortalSignin<'a> {
    /// The ARN of the provider by whose word the person is who they are.
    pub provider: &'a str,
    /// Who the provider says it is.
    pub subject: &'a str,
    /// The client's address, if anybody knows it.
    pub source_ip: Option<IpAddr>,
    /// The kind of program.
    pub program: &'a str,
    /// When they must sign in again.
    pub until: Moment,
}

impl PortalSignin<'_> {
    /// Writes the event.
    pub fn write(&self) {
        tracing::info!(
            target: "audit",
            event = "portal-signin",
            provider = self.provider,
            subject = self.subject,
            source_ip = self.source_ip.map(tracing::field::display),
            program = self.program,
            until = %self.until,
        );
    }
}

impl ConsoleSignin<'_> {
    /// Writes the event.
    pub fn write(&self) {
        tracing::info!(
            target: "audit",
            event = "console-signin",
            action = self.action,
            provider = self.provider,
            subject = self.subject,
            session = self.session,
            offered_by = self.offered_by,
            source_ip = self.source_ip.map(tracing::field::display),
            program = self.program,
            until = %self.until,
        );
    }
}

/// Somebody in charge was given a copy of the store.
pub fn store_copied() {
    tracing::info!(target: "audit", event = "store-copied");
}
