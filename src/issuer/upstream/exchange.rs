//! Asking an STS over HTTPS: signed, bounded, and again where that helps.

use std::time::Duration;

use reqwest::Request;
use reqwest::header::CONTENT_TYPE;
use tokio::time::{sleep, timeout};

use super::answer::{self, Given};
use super::request::Asked;
use super::{REACH, UpstreamFault, UpstreamSts};
use crate::clock::Moment;
use crate::fetch::{self, with_causes};
use crate::identity::hash_of;
use crate::identity::sigv4::{Payload, SignedRequest, SigningCredential, sign};
use crate::issuer::{FromUpstream, TemporaryCredentials};
use crate::telemetry;

/// One attempt.
const ATTEMPT: Duration = Duration::from_secs(4);
/// All attempts together, and the pauses between.
const ALL_ATTEMPTS: Duration = Duration::from_secs(10);
/// Attempts of one call at most.
const MOST_ATTEMPTS: u32 = 3;
/// The pause before the second attempt, at most; before the third twice as much.
const PAUSE: Duration = Duration::from_millis(200);
/// Bytes of an answer that are read.
const LARGEST_ANSWER: usize = 64 * 1024;
/// How much later than asked for credentials may end: a clock may be ahead.
const CLOCK_SKEW: Duration = Duration::from_secs(300);
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// Codes by which an STS says that it has too much to do (facts 1.2).
const BUSY: [&str; 6] = [
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "RequestThrottled",
    "SlowDown",
];

impl UpstreamSts {
    /// Asks for credentials.
    pub(super) async fn exchange(
        &self,
        asked: &Asked,
        at: Moment,
    ) -> Result<TemporaryCredentials, UpstreamFault> {
        let late = |_| self.unavailable(format!("no answer within {} s", ALL_ATTEMPTS.as_secs()));
        let outcome = timeout(ALL_ATTEMPTS, self.attempts(asked, at)).await.map_err(late);
        let outcome = outcome.flatten();
        self.note(outcome.as_ref().err());
        outcome
    }

    async fn attempts(&self, asked: &Asked, at: Moment) -> Result<TemporaryCredentials, UpstreamFault> {
        // Nobody acquires after the semaphore is closed, which it never is.
        let _turn = self.turns.acquire().await.map_err(|error| self.unavailable(error.to_string()))?;
        self.budget.called();
        let mut attempt = 1;
        loop {
            let fault = match self.attempt(asked, at).await {
                Ok(made) => return Ok(made),
                Err(fault) => fault,
            };
            let helps = matches!(fault, UpstreamFault::Throttled { .. } | UpstreamFault::Unavailable { .. });
            if !helps || attempt == MOST_ATTEMPTS || !self.budget.retries() {
                return Err(fault);
            }
            sleep(pause(asked, attempt, at)).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, asked: &Asked, at: Moment) -> Result<TemporaryCredentials, UpstreamFault> {
        let request = self.request(asked, at).map_err(|error| self.unavailable(with_causes(&error)))?;
        let response = fetch::send(&self.http, request, REACH).await;
        let response = response.map_err(|error| self.unavailable(with_causes(&error)))?;
        let status = response.status();
        let body = fetch::body(response, LARGEST_ANSWER).await;
        let body = body.map_err(|error| self.unavailable(with_causes(&error)))?;
        if status.is_success() {
            let given = answer::given(&body).map_err(|problem| self.unavailable(problem.into()))?;
            return self.take(given, asked, at);
        }
        let upstream = self.settings.name.clone();
        match answer::refused(&body) {
            Some(refused) if BUSY.contains(&refused.code.as_str()) => {
                Err(UpstreamFault::Throttled { upstream, code: refused.code })
            }
            Some(refused) if status.is_client_error() => {
                Err(UpstreamFault::Refused { upstream, code: refused.code, message: refused.message })
            }
            Some(refused) => Err(self.unavailable(format!("status {status}: {}", refused.code))),
            None => Err(self.unavailable(format!("status {status}"))),
        }
    }

    /// What is given must end by the time that was decided.
    fn take(&self, given: Given, asked: &Asked, at: Moment) -> Result<TemporaryCredentials, UpstreamFault> {
        let latest = at.plus(Duration::from_secs(asked.seconds)).plus(CLOCK_SKEW);
        if given.expires <= at {
            return Err(self.unavailable(format!("it gave credentials that ended at {}", given.expires)));
        }
        if given.expires > latest {
            return Err(self.unavailable(format!(
                "it gave credentials until {}, which is longer than the {} s that were asked for",
                given.expires, asked.seconds
            )));
        }
        Ok(TemporaryCredentials {
            access_key_id: given.access_key_id,
            secret_access_key: given.secret_access_key,
            session_token: given.session_token,
            sealed_session: None,
            upstream: Some(FromUpstream { name: self.settings.name.clone(), assumed: given.assumed }),
            expires: given.expires,
        })
    }

    fn request(&self, asked: &Asked, at: Moment) -> Result<Request, reqwest::Error> {
        let endpoint = &self.settings.endpoint;
        let mut request = self.http.post(endpoint.clone()).timeout(ATTEMPT).header(CONTENT_TYPE, FORM);
        if let Some(key) = self.settings.access_key.as_ref().filter(|_| asked.is_signed) {
            let headers: [(&str, &[u8]); 2] =
                [("host", self.host.as_bytes()), ("content-type", FORM.as_bytes())];
            let signed = SignedRequest {
                method: "POST",
                path: endpoint.path(),
                query: "",
                headers: &headers,
                payload: Payload::Body(asked.body.as_bytes()),
            };
            let credential = SigningCredential {
                access_key_id: &key.id,
                secret_access_key: &key.secret,
                session_token: key.session_token.as_ref().map(|token| token.expose().as_str()),
                region: &self.settings.region,
                service: "sts",
            };
            for (name, value) in sign(&signed, &credential, at) {
                request = request.header(name, value);
            }
        }
        request.body(asked.body.clone()).build()
    }

    fn unavailable(&self, problem: String) -> UpstreamFault {
        UpstreamFault::Unavailable { upstream: self.settings.name.clone(), problem }
    }

    /// Counts, and keeps the trouble in mind until it is over.
    fn note(&self, fault: Option<&UpstreamFault>) {
        let outcome = match fault {
            None => "given",
            Some(UpstreamFault::Refused { .. }) => "refused",
            Some(UpstreamFault::Throttled { .. }) => "throttled",
            Some(UpstreamFault::Unavailable { .. } | UpstreamFault::Unfit { .. }) => "failed",
        };
        telemetry::count_upstream(&self.settings.name, outcome);
        let trouble = match fault {
            Some(fault @ (UpstreamFault::Throttled { .. } | UpstreamFault::Unavailable { .. })) => {
                Some(std::sync::Arc::new(fault.to_string()))
            }
            _ => None,
        };
        self.trouble.store(trouble);
    }
}

/// The pause after this attempt, spread by what is asked and when: many who fail together don't come back together.
fn pause(asked: &Asked, attempt: u32, at: Moment) -> Duration {
    let [chance, ..] = hash_of(&[&asked.body, &at.to_rfc3339(), &attempt.to_string()]);
    PAUSE * attempt * u32::from(chance) / 255
}
