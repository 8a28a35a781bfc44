//! Signatures that must hold, and every way in which one must not.

mod accepted;
mod refused;
mod vectors;

use std::time::Duration;

use super::*;
use crate::arn::RoleId;
use crate::identity::{Ancestry, Holder, RoleSession, SessionPolicies};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const KEY_ID: &str = "AKIDEXAMPLE";
const REFUSED: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/// 2015-08-30T12:36:00Z, the time of the vectors.
const SIGNED: Moment = Moment::from_unix(1_440_938_160);

/// One credential.
struct One {
    token: Option<&'static str>,
    expires: Moment,
}

const ONE: One = One { token: None, expires: Moment::from_unix(1_441_024_560) };

impl SigningSecrets for One {
    fn open(&self, id: &str, token: Option<&str>, _: Moment) -> Result<OpenedCredential, SigV4Error> {
        if id != KEY_ID || token != self.token {
            return Err(SigV4Error::InvalidClientTokenId);
        }
        let role = "arn:aws:iam::111122223333:role/eng/Deploy".parse().unwrap();
        let session = RoleSession {
            assumed_by: None,
            ancestry: Ancestry::default(),
            mfa: None,
            role_id: RoleId::of_declared(&role),
            role,
            session_name: String::from("ann"),
            provider: None,
            subject: None,
            source_identity: None,
            tags: Vec::new(),
            policies: SessionPolicies::default(),
            provider_session_ends: None,
            login: None,
            grant: None,
            issued: SIGNED,
            expires: self.expires,
        };
        Ok(OpenedCredential {
            secret_access_key: Secret::new(SECRET.to_owned()),
            session: Session::Role(Box::new(session)),
        })
    }
}

fn credential<'a>(secret: &'a Secret<String>, service: &'a str) -> SigningCredential<'a> {
    SigningCredential {
        access_key_id: KEY_ID,
        secret_access_key: secret,
        session_token: None,
        region: "us-east-1",
        service,
    }
}

/// A request that owns its parts, so that a test can spoil one.
#[derive(Clone)]
struct Request {
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    fn new(method: &'static str, target: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (path, query, body) = (path.to_owned(), query.to_owned(), body.to_owned());
        Self { method, path, query, headers: headers.collect(), body }
    }

    fn with<T>(&self, act: impl FnOnce(&SignedRequest<'_>) -> T) -> T {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        act(&SignedRequest {
            method: self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            payload: Payload::Body(self.body.as_bytes()),
        })
    }

    /// An STS call as botocore sends it, signed.
    fn sts() -> Self {
        let headers = [("Host", "sts.example.com"), ("Content-Type", "application/x-www-form-urlencoded")];
        Self::new("POST", "/", &headers, "Action=GetCallerIdentity&Version=2011-06-15").signed()
    }

    fn signed(mut self) -> Self {
        let secret = Secret::new(SECRET.to_owned());
        let added = self.with(|request| sign(request, &credential(&secret, "sts"), SIGNED));
        self.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self
    }

    fn presigned(mut self, lifetime: u64) -> Self {
        let secret = Secret::new(SECRET.to_owned());
        let lifetime = Duration::from_secs(lifetime);
        self.query = self.with(|request| presign(request, &credential(&secret, "sts"), lifetime, SIGNED));
        self
    }

    fn set(mut self, name: &str, change: impl FnOnce(&str) -> String) -> Self {
        let header = self.headers.iter_mut().find(|(sent, _)| sent.eq_ignore_ascii_case(name)).unwrap();
        header.1 = change(&header.1);
        self
    }

    fn add(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(sent, _)| !sent.eq_ignore_ascii_case(name));
        self
    }

    fn outcome(&self) -> Result<String, (&'static str, String)> {
        self.outcome_at(SIGNED)
    }

    fn outcome_at(&self, at: Moment) -> Result<String, (&'static str, String)> {
        self.with(|request| authenticate(request, "sts", &ONE, at))
            .map(|principal| Holder::from(principal.session()).arn())
            .map_err(|error| (error.code(), error.to_string()))
    }
}

fn accepted() -> Result<String, (&'static str, String)> {
    Ok(String::from("arn:aws:sts::111122223333:assumed-role/Deploy/ann"))
}

fn mismatch(message: &str) -> Result<String, (&'static str, String)> {
    Err(("SignatureDoesNotMatch", message.to_owned()))
}
