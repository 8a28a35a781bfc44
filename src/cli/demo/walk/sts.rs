//! The walk's STS client: three calls, the wire form of facts 1.1, and answers read by name.

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use url::Url;
use url::form_urlencoded;

use crate::clock::Moment;
use crate::identity::sigv4::{Payload, SignedRequest, SigningCredential, sign};
use crate::secret::Secret;

/// The media type of the query protocol.
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// The broker's STS endpoint.
pub(super) struct Sts {
    http: Client,
    endpoint: Url,
}

/// What it said.
pub(super) struct Answer {
    pub(super) status: u16,
    body: String,
}

/// Credentials out of an answer.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: Secret<String>,
    pub(super) session_token: Secret<String>,
    /// The ARN of the session.
    pub(super) arn: String,
}

impl Sts {
    /// A client of `endpoint`.
    pub(super) fn new(http: Client, endpoint: &str) -> Result<Self, String> {
        Ok(Self { http, endpoint: Url::parse(endpoint).map_err(|error| error.to_string())? })
    }

    /// `AssumeRoleWithSAML`.
    pub(super) async fn with_saml(
        &self,
        role: &str,
        provider: &str,
        response: &str,
    ) -> Result<Answer, String> {
        let parameters = [("RoleArn", role), ("PrincipalArn", provider), ("SAMLAssertion", response)];
        self.call("AssumeRoleWithSAML", &parameters, None).await
    }

    /// `AssumeRoleWithWebIdentity`.
    pub(super) async fn with_web_identity(
        &self,
        role: &str,
        session: &str,
        token: &str,
    ) -> Result<Answer, String> {
        let parameters = [("RoleArn", role), ("RoleSessionName", session), ("WebIdentityToken", token)];
        self.call("AssumeRoleWithWebIdentity", &parameters, None).await
    }

    /// `GetCallerIdentity`, signed `at`.
    pub(super) async fn caller(&self, credentials: &Credentials, at: Moment) -> Result<Answer, String> {
        self.call("GetCallerIdentity", &[], Some((credentials, at))).await
    }

    async fn call(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
        signer: Option<(&Credentials, Moment)>,
    ) -> Result<Answer, String> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("Action", action), ("Version", "2011-06-15")])
            .extend_pairs(parameters)
            .finish();
        let mut request = self.http.post(self.endpoint.clone()).header(CONTENT_TYPE, FORM);
        if let Some((credentials, at)) = signer {
            for (name, value) in signature(self.endpoint.authority(), &body, credentials, at) {
                request = request.header(name, value);
            }
        }
        let answer = request.body(body).send().await.map_err(|error| error.without_url().to_string())?;
        let status = answer.status().as_u16();
        Ok(Answer { status, body: answer.text().await.map_err(|error| error.to_string())? })
    }
}

impl Answer {
    /// The text of the first element called `name`. No value in these answers has markup.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(value, _)| value)
    }

    /// The credentials, if it was granted.
    pub(super) fn credentials(&self) -> Result<Credentials, String> {
        let wanted = |name| self.field(name).map(str::to_owned).ok_or_else(|| self.refusal());
        Ok(Credentials {
            access_key_id: wanted("AccessKeyId")?,
            secret_access_key: Secret::new(wanted("SecretAccessKey")?),
            session_token: Secret::new(wanted("SessionToken")?),
            arn: wanted("Arn")?,
        })
    }

    /// Status and code: `403 AccessDenied`.
    pub(super) fn refusal(&self) -> String {
        format!("{} {}", self.status, self.field("Code").unwrap_or("(no error code)"))
    }
}

impl Credentials {
    /// The `Session` parameter of `getSigninToken` (facts 4.2).
    pub(super) fn session(&self) -> Secret<String> {
        let session = json!({
            "sessionId": self.access_key_id,
            "sessionKey": self.secret_access_key.expose(),
            "sessionToken": self.session_token.expose(),
        });
        Secret::new(session.to_string())
    }
}

fn signature(host: &str, body: &str, credentials: &Credentials, at: Moment) -> Vec<(&'static str, String)> {
    let headers: [(&str, &[u8]); 2] = [("content-type", FORM.as_bytes()), ("host", host.as_bytes())];
    let request = SignedRequest {
        method: "POST",
        path: "/",
        query: "",
        headers: &headers,
        payload: Payload::Body(body.as_bytes()),
    };
    let credential = SigningCredential {
        access_key_id: &credentials.access_key_id,
        secret_access_key: &credentials.secret_access_key,
        session_token: Some(credentials.session_token.expose()),
        region: "us-east-1",
        service: "sts",
    };
    sign(&request, &credential, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_answers() {
        let body = "<E><Error><Type>Sender</Type><Code>AccessDenied</Code></Error></E>".to_owned();
        let answer = Answer { status: 403, body };
        assert_eq!(answer.refusal(), "403 AccessDenied");
        assert_eq!(answer.credentials().err(), Some("403 AccessDenied".into()));
    }
}
