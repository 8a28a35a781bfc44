//! What a web application behind a proxy is told about who asks: a signed token that says it for a minute.
//!
//! It is no access token (`typ` tells them apart, RFC 8725 section 3.11), and nothing of ours takes it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::keys::SigningKeys;
use super::token::subject_of;
use crate::clock::Moment;
use crate::issuer::{Admission, IssueFault};
use crate::secret::Secret;

/// How long it is good for, in seconds: it is made anew for each request.
const LIFE: i64 = 60;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: String,
    aud: &'a str,
    iat: i64,
    exp: i64,
    rolegate: RoleClaims<'a>,
}

/// The role session, as the claim `rolegate`.
#[derive(Serialize)]
struct RoleClaims<'a> {
    role: &'a str,
    role_session_name: &'a str,
    provider: &'a str,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<&'a str>,
    tags: BTreeMap<&'a str, &'a str>,
}

impl SigningKeys {
    /// Says to the application at the origin `audience` who `admission` lets in, by the word of `issuer`, which is us.
    pub fn introduce(
        &self,
        admission: &Admission,
        issuer: &str,
        audience: &str,
        at: Moment,
    ) -> Result<Secret<String>, IssueFault> {
        let session = admission.session();
        let nobody = || IssueFault::Own("a session of nobody's".into());
        let (provider, subject) = session.person().ok_or_else(nobody)?;
        let claims = Claims {
            iss: issuer,
            sub: subject_of(session).ok_or_else(nobody)?,
            aud: audience,
            iat: at.unix(),
            exp: session.expires.unix().min(at.unix() + LIFE),
            rolegate: RoleClaims {
                role: session.role.as_str(),
                role_session_name: &session.session_name,
                provider: provider.as_str(),
                subject,
                source_identity: session.source_identity.as_deref(),
                tags: session.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect(),
            },
        };
        let json = serde_json::to_string(&claims).map_err(|error| IssueFault::Own(error.to_string()))?;
        let text = self.sign_introduction(&json);
        text.map(Secret::new).ok_or_else(|| IssueFault::Own("the signature failed".into()))
    }
}
