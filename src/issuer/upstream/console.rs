//! The console of somebody else: where people land whose credentials were made there (facts 4).
//!
//! The credentials go to the federation endpoint in a POST, never in an address, and come back as a URL that opens the
//! console within 15 minutes. The URL is as good as the session: it goes to the browser and nowhere else.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::json;
use url::Url;
use url::form_urlencoded::Serializer;

use super::{REACH, UpstreamFault, UpstreamRole, UpstreamSts};
use crate::fetch::{self, with_causes};
use crate::issuer::TemporaryCredentials;
use crate::secret::Secret;

/// How long the endpoint may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// Bytes of an answer that are read.
const LARGEST_ANSWER: usize = 64 * 1024;
/// Longest destination that is looked at.
const LONGEST_DESTINATION: usize = 2048;

/// Where an STS has its console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamConsole {
    /// Its federation endpoint.
    pub federation: Url,
    /// The console's first page.
    pub home: Url,
    /// Whether a browser leaves the session there that it has already, first.
    pub leaves_first: bool,
    /// Whether credentials that nobody here made are tried there.
    pub takes_foreign: bool,
}

/// How the console there is to be opened.
#[derive(Debug, Clone, Copy)]
pub struct SigninTerms<'a> {
    /// The page.
    pub destination: &'a str,
    /// Where whoever comes too late is led to.
    pub issuer: &'a str,
    /// How long the session lasts, if not as it is configured.
    pub duration: Option<Duration>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "SigninToken")]
    signin_token: String,
}

impl UpstreamConsole {
    /// AWS's own in a region, by the partition that the region is of (facts 4.1).
    pub fn of_aws(region: &str) -> Option<Self> {
        let (federation, home) = match region.split('-').next() {
            Some("cn") => ("signin.amazonaws.cn", "console.amazonaws.cn"),
            Some("eusc") => ("signin.amazonaws-eusc.eu", "console.amazonaws-eusc.eu"),
            Some("us") if region.starts_with("us-gov-") => {
                ("signin.amazonaws-us-gov.com", "console.amazonaws-us-gov.com")
            }
            _ => ("signin.aws.amazon.com", "console.aws.amazon.com"),
        };
        let federation = Url::parse(&format!("https://{federation}/federation")).ok()?;
        let home = Url::parse(&format!("https://{home}/")).ok()?;
        Some(Self { federation, home, leaves_first: false, takes_foreign: false })
    }

    /// The page that `wished` means, if it is one of this console, or of a host below its own; the first page without a wish.
    pub fn land_on(&self, wished: Option<&str>) -> Option<String> {
        let Some(wished) = wished.filter(|wished| !wished.is_empty()) else {
            return Some(self.home.to_string());
        };
        let url = Some(wished).filter(|wished| wished.len() <= LONGEST_DESTINATION).map(Url::parse)?.ok()?;
        let (host, own) = (url.host_str()?, self.home.host_str()?);
        let is_below = host.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let is_plain = url.username().is_empty() && url.password().is_none();
        let is_alike = url.scheme() == self.home.scheme() && url.port() == self.home.port();
        (is_below && is_plain && is_alike).then(|| url.to_string())
    }

    /// Its host, for people.
    pub fn host(&self) -> &str {
        self.home.host_str().unwrap_or_default()
    }

    /// The address that opens `destination` by a sign-in token; whoever comes too late is led to `issuer`.
    pub fn signin_url(&self, token: &str, destination: &str, issuer: &str) -> Secret<String> {
        let mut url = self.federation.clone();
        url.query_pairs_mut()
            .append_pair("Action", "login")
            .append_pair("Issuer", issuer)
            .append_pair("Destination", destination)
            .append_pair("SigninToken", token);
        if !self.leaves_first {
            return Secret::new(url.into());
        }
        // Facts 4.4.
        let mut leaving = self.federation.clone();
        leaving.set_path("/oauth");
        leaving.query_pairs_mut().append_pair("Action", "logout").append_pair("redirect_uri", url.as_str());
        Secret::new(leaving.into())
    }
}

impl UpstreamRole {
    /// The address that opens the console there with these `credentials`.
    pub async fn signin_url(
        &self,
        console: &UpstreamConsole,
        credentials: &TemporaryCredentials,
        terms: &SigninTerms<'_>,
    ) -> Result<Secret<String>, UpstreamFault> {
        let shown = ShownCredentials {
            access_key_id: credentials.access_key_id(),
            secret_access_key: credentials.secret_access_key(),
            session_token: credentials.session_token().expose(),
        };
        let duration = terms.duration.or(self.console_duration);
        let token = self.sts.signin_token(console, &shown, duration).await?;
        Ok(console.signin_url(token.expose(), terms.destination, terms.issuer))
    }
}

/// Credentials as somebody shows them.
pub struct ShownCredentials<'a> {
    /// The access key id.
    pub access_key_id: &'a str,
    /// The secret access key.
    pub secret_access_key: &'a Secret<String>,
    /// The session token.
    pub session_token: &'a str,
}

impl UpstreamSts {
    /// As [`UpstreamSts::signin_token`], for credentials of anybody. Whoever sends some causes a request, so those under way
    /// are bounded, and take nobody else's turn.
    pub async fn foreign_signin_token(
        &self,
        console: &UpstreamConsole,
        credentials: &ShownCredentials<'_>,
        duration: Option<Duration>,
    ) -> Result<Secret<String>, UpstreamFault> {
        let Ok(_turn) = self.foreign_turns.try_acquire() else {
            let problem = "too many credentials are being tried there".to_owned();
            return Err(UpstreamFault::Unavailable { upstream: self.settings.name.clone(), problem });
        };
        self.signin_token(console, credentials, duration).await
    }

    /// A sign-in token of the federation endpoint there, for credentials that its STS made.
    pub async fn signin_token(
        &self,
        console: &UpstreamConsole,
        credentials: &ShownCredentials<'_>,
        duration: Option<Duration>,
    ) -> Result<Secret<String>, UpstreamFault> {
        let upstream = || self.settings.name.clone();
        let unavailable = |problem: String| UpstreamFault::Unavailable {
            upstream: upstream(),
            problem: format!("its federation endpoint: {problem}"),
        };
        let session = json!({
            "sessionId": credentials.access_key_id,
            "sessionKey": credentials.secret_access_key.expose(),
            "sessionToken": credentials.session_token,
        });
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", "getSigninToken").append_pair("Session", &session.to_string());
        form.extend_pairs(duration.map(|duration| ("SessionDuration", duration.as_secs().to_string())));
        let request = self.http.post(console.federation.clone()).timeout(PATIENCE);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.finish());
        let request = request.build().map_err(|error| unavailable(with_causes(&error)))?;
        let response = fetch::send(&self.http, request, REACH).await;
        let response = response.map_err(|error| unavailable(with_causes(&error)))?;
        let status = response.status();
        if status.is_client_error() {
            let message = format!("its federation endpoint answers {status}");
            return Err(UpstreamFault::Refused {
                upstream: upstream(),
                code: "getSigninToken".into(),
                message,
            });
        }
        if !status.is_success() {
            return Err(unavailable(format!("status {status}")));
        }
        let body = fetch::body(response, LARGEST_ANSWER).await;
        let body = body.map_err(|error| unavailable(with_causes(&error)))?;
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|_| unavailable("no SigninToken in the answer".into()))?;
        Ok(Secret::new(answer.signin_token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own_console() {
        for (region, federation, home) in [
            ("us-east-1", "https://signin.aws.amazon.com/federation", "https://console.aws.amazon.com/"),
            ("eu-west-1", "https://signin.aws.amazon.com/federation", "https://console.aws.amazon.com/"),
            ("cn-north-1", "https://signin.amazonaws.cn/federation", "https://console.amazonaws.cn/"),
            (
                "us-gov-west-1",
                "https://signin.amazonaws-us-gov.com/federation",
                "https://console.amazonaws-us-gov.com/",
            ),
            (
                "eusc-de-east-1",
                "https://signin.amazonaws-eusc.eu/federation",
                "https://console.amazonaws-eusc.eu/",
            ),
        ] {
            let console = UpstreamConsole::of_aws(region).unwrap();
            assert_eq!((console.federation.as_str(), console.home.as_str()), (federation, home), "{region}");
        }
    }

    #[test]
    fn lands_on_pages_of_the_console_only() {
        let console = UpstreamConsole::of_aws("eu-west-1").unwrap();
        let home = Some("https://console.aws.amazon.com/".to_owned());
        assert_eq!((console.land_on(None), console.land_on(Some(""))), (home.clone(), home));
        for good in [
            "https://console.aws.amazon.com/s3/home?region=eu-west-1#x",
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home",
        ] {
            assert_eq!(console.land_on(Some(good)).as_deref(), Some(good));
        }
        for bad in [
            "http://console.aws.amazon.com/",
            "https://console.aws.amazon.com:8443/",
            "https://evilconsole.aws.amazon.com/",
            "https://console.aws.amazon.com.evil.example/",
            "https://ann@console.aws.amazon.com/",
            "https://aws.amazon.com/",
            "//console.aws.amazon.com/",
            "javascript:alert(1)//console.aws.amazon.com",
        ] {
            assert_eq!(console.land_on(Some(bad)), None, "{bad}");
        }
    }

    #[test]
    fn a_browser_may_leave_first() {
        let console = UpstreamConsole::of_aws("eu-west-1").unwrap();
        let url =
            console.signin_url("a+b", "https://console.aws.amazon.com/s3", "https://broker.example/portal");
        let expected = "https://signin.aws.amazon.com/federation?Action=login&Issuer=https%3A%2F%2Fbroker.example%2Fportal\
                        &Destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fs3&SigninToken=a%2Bb";
        assert_eq!(url.expose(), expected);
        let leaving = UpstreamConsole { leaves_first: true, ..console }.signin_url(
            "a+b",
            "https://console.aws.amazon.com/s3",
            "https://broker.example/portal",
        );
        let leaving = Url::parse(leaving.expose()).unwrap();
        assert_eq!(leaving.path(), "/oauth");
        let query: Vec<_> = leaving.query_pairs().into_owned().collect();
        assert_eq!(query[0], ("Action".to_owned(), "logout".to_owned()));
        assert_eq!(query[1], ("redirect_uri".to_owned(), expected.to_owned()));
    }
}
