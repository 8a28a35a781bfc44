//! `POST /admin/v1/revocations`: ends what was given to somebody, or by something.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::posted;
use crate::arn::{AccessKeyId, ProviderArn, RoleArn, UserArn};
use crate::broker::{RequestContext, RevokeAsk, Target};
use crate::clock::Moment;
use crate::http::Surface;
use crate::http::error::AdminError;
use crate::issuer::upstream::EndThere;

/// Longest subject and longest source identity, in bytes, that a session can have.
const LONGEST_NAME: usize = 512;
/// Longest reason, in characters.
const LONGEST_REASON: usize = 256;

/// One of session, role, user, source_identity, or provider, perhaps with a subject.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    session: Option<String>,
    role: Option<String>,
    user: Option<String>,
    source_identity: Option<String>,
    provider: Option<String>,
    subject: Option<String>,
    issued_before: Option<String>,
    reason: Option<String>,
}

/// What was ended.
#[derive(Serialize)]
struct Told<'a> {
    kind: &'a str,
    ended: String,
    issued_before: String,
    remembered_until: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    upstream: Vec<There>,
}

/// What ends what an upstream gave, once it is attached to the role there.
#[derive(Serialize)]
struct There {
    name: String,
    role: String,
    ends: &'static str,
    policy: Value,
}

pub(super) async fn answer(
    request: HttpRequest,
    surface: web::Data<Surface>,
    payload: web::Payload,
) -> HttpResponse {
    posted(&request, &surface, payload, async |context, body| revoke(context, body).await).await
}

async fn revoke(context: &RequestContext<'_>, body: &[u8]) -> Result<Value, AdminError> {
    let asked: Asked =
        serde_json::from_slice(body).map_err(|error| AdminError::invalid(error.to_string()))?;
    let target = asked.target()?;
    let wrong = "issued_before is no time with its zone, such as 2030-01-01T09:00:00Z";
    let issued_before = asked.issued_before.as_deref().map(|text| Moment::parse_rfc3339(text).ok_or(wrong));
    let ask = RevokeAsk {
        target: &target,
        issued_before: issued_before.transpose().map_err(AdminError::invalid)?,
        reason: asked.reason()?,
    };
    let ended = context.end(&ask).await?;
    Ok(json!(Told {
        kind: target.kind(),
        ended: target.to_string(),
        issued_before: ended.issued_before.to_rfc3339(),
        remembered_until: ended.until.to_rfc3339(),
        upstream: ended.upstream.into_iter().map(There::from).collect(),
    }))
}

impl From<EndThere> for There {
    fn from(EndThere { upstream: name, role, is_exact, policy }: EndThere) -> Self {
        let ends = if is_exact { "what was named" } else { "every older session of the role" };
        Self { name, role, ends, policy }
    }
}

impl Asked {
    /// What it names, if that is one thing.
    fn target(&self) -> Result<Target, AdminError> {
        let Self { session, role, user, source_identity, provider, subject, .. } = self;
        let named = [session, role, user, source_identity, provider].into_iter().flatten().count();
        if named != 1 || (subject.is_some() && provider.is_none()) {
            let wanted =
                "name one of session, role, user, source_identity, or provider (perhaps with subject)";
            return Err(AdminError::invalid(wanted));
        }
        if let Some(id) = session {
            let wanted = "session is no access key id of temporary credentials: ASIA and 16 characters";
            return id.parse::<AccessKeyId>().map(Target::Session).map_err(|_| AdminError::invalid(wanted));
        }
        if let Some(role) = role {
            return parsed::<RoleArn>("role", role).map(Target::Role);
        }
        if let Some(user) = user {
            return parsed::<UserArn>("user", user).map(Target::User);
        }
        if let Some(name) = source_identity {
            return short("source_identity", name).map(Target::SourceIdentity);
        }
        let provider = parsed::<ProviderArn>("provider", provider.as_deref().unwrap_or_default())?;
        match subject {
            Some(subject) => Ok(Target::Subject { provider, subject: short("subject", subject)? }),
            None => Ok(Target::Provider(provider)),
        }
    }

    fn reason(&self) -> Result<Option<&str>, AdminError> {
        let reason = self.reason.as_deref();
        if reason.is_some_and(|text| text.chars().count() > LONGEST_REASON) {
            return Err(AdminError::invalid(format!("reason has more than {LONGEST_REASON} characters")));
        }
        Ok(reason)
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> Result<T, AdminError> {
    text.parse().map_err(|error| AdminError::invalid(format!("{name}: {error}")))
}

fn short(name: &str, text: &str) -> Result<String, AdminError> {
    if text.is_empty() || text.len() > LONGEST_NAME {
        return Err(AdminError::invalid(format!(
            "{name} has {} bytes; it must be 1 to {LONGEST_NAME}",
            text.len()
        )));
    }
    Ok(text.to_owned())
}
