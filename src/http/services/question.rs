//! What is asked, as JSON.

use std::borrow::Cow;
use std::fmt;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::arn::AccountId;
use crate::http::error::OAuthError;
use crate::policy::rights::AccessQuestion;

/// What is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question<'a> {
    /// Whose rights: at `/v1/verify` those of who signed the request.
    #[serde(default, borrow)]
    pub(super) token: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) action: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) resource: Cow<'a, str>,
    resource_account: Option<String>,
    /// A policy's JSON, as text.
    resource_policy: Option<String>,
    #[serde(default, deserialize_with = "named_values")]
    context: Vec<(String, Vec<String>)>,
    #[serde(default)]
    pub(super) explain: bool,
}

/// Reads a body, which holds what is `wanted`.
pub(super) fn read<'a, T: Deserialize<'a>>(
    request: &HttpRequest,
    body: &'a [u8],
    wanted: &str,
) -> Result<T, OAuthError> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(OAuthError::invalid_request("Send the question as a body of application/json."));
    }
    serde_json::from_slice(body).map_err(|error| {
        // Where it is wrong is told, and nothing of what stands there: it may be the token.
        let (line, column) = (error.line(), error.column());
        OAuthError::invalid_request(format!(
            "The body is not a JSON object of {wanted}, each once: see line {line}, column {column}."
        ))
    })
}

impl Question<'_> {
    /// As the policies are asked it.
    pub(super) fn question(&self) -> Result<AccessQuestion<'_>, OAuthError> {
        let account = self.resource_account.as_deref().map(str::parse::<AccountId>).transpose();
        let wanted = "resource_account must be an account id of 12 digits.";
        let context = self.context.iter();
        Ok(AccessQuestion {
            action: &self.action,
            resource: &self.resource,
            resource_account: account.map_err(|_| OAuthError::invalid_request(wanted))?,
            resource_policy: self.resource_policy.as_deref(),
            context: context
                .map(|(key, said)| (key.as_str(), said.iter().map(String::as_str).collect()))
                .collect(),
        })
    }
}

/// Names, each once in whatever case, with a value or a list of values.
pub(super) fn named_values<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, Vec<String>)>, D::Error> {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = Vec<(String, Vec<String>)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("names with their values")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut keys: Self::Value = Vec::new();
            while let Some((key, value)) = map.next_entry::<String, Value>()? {
                if keys.iter().any(|(other, _)| other.eq_ignore_ascii_case(&key)) {
                    return Err(de::Error::custom("a name twice"));
                }
                let values = texts(value).ok_or_else(|| de::Error::custom("a value that is none"))?;
                keys.push((key, values));
            }
            Ok(keys)
        }
    }
    deserializer.deserialize_map(Keys)
}

/// A text, number or boolean, or a list of them, as texts.
fn texts(value: Value) -> Option<Vec<String>> {
    let text = |value| match value {
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    match value {
        Value::Array(items) => items.into_iter().map(text).collect(),
        value => Some(vec![text(value)?]),
    }
}
