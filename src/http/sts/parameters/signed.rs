//! The parameters of calls that are signed.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::check::Check;
use super::{Parameters, ROLE_SECONDS};
use crate::broker::MfaCode;
use crate::http::error::StsError;
use crate::identity::{SessionPolicies, SessionTag};

/// How long credentials of users may last, in seconds (facts 1.5).
const USER_SECONDS: RangeInclusive<i32> = 900..=129_600;
/// How long they last where nobody says.
const USER_DEFAULT: Duration = Duration::from_secs(43_200);
/// More tags than a session may have are not read: what was read is refused.
const MOST_TAGS: usize = 51;

/// `AssumeRole`.
pub(in crate::http::sts) struct AssumeRoleParameters<'a> {
    pub(in crate::http::sts) role_arn: &'a str,
    pub(in crate::http::sts) session_name: &'a str,
    pub(in crate::http::sts) duration: Option<Duration>,
    pub(in crate::http::sts) policies: SessionPolicies,
    pub(in crate::http::sts) external_id: Option<&'a str>,
    pub(in crate::http::sts) source_identity: Option<&'a str>,
    pub(in crate::http::sts) tags: Vec<SessionTag>,
    pub(in crate::http::sts) mfa: Option<MfaCode<'a>>,
}

/// `GetSessionToken`.
pub(in crate::http::sts) struct SessionTokenParameters<'a> {
    pub(in crate::http::sts) duration: Duration,
    pub(in crate::http::sts) mfa: Option<MfaCode<'a>>,
}

/// `GetFederationToken`.
pub(in crate::http::sts) struct FederationTokenParameters<'a> {
    pub(in crate::http::sts) name: &'a str,
    pub(in crate::http::sts) duration: Duration,
    pub(in crate::http::sts) policies: SessionPolicies,
    pub(in crate::http::sts) tags: Vec<SessionTag>,
}

pub(in crate::http::sts) fn assume_role<'a>(
    parameters: &'a Parameters<'_>,
) -> Result<AssumeRoleParameters<'a>, StsError> {
    if parameters.with_prefix("ProvidedContexts.member.").next().is_some() {
        let message = "ProvidedContexts is not supported by this broker".to_owned();
        return Err(StsError::validation(message));
    }
    let mut check = Check::default();
    let role_arn = check.required(parameters, "RoleArn", "roleArn", 20..=2048);
    let session_name = check.required(parameters, "RoleSessionName", "roleSessionName", 2..=64);
    check.name("roleSessionName", session_name);
    let duration = check.duration(parameters, ROLE_SECONDS)?;
    let policies = check.policies(parameters)?;
    let external_id = check.optional(parameters, "ExternalId", "externalId", 2..=1224);
    if let Some(external_id) = external_id {
        check.pattern("externalId", external_id, b"_+=,.@:/-", "[\\w+=,.@:\\/-]*");
    }
    let source_identity = check.optional(parameters, "SourceIdentity", "sourceIdentity", 2..=64);
    if let Some(source_identity) = source_identity {
        check.name("sourceIdentity", source_identity);
    }
    let mfa = mfa(&mut check, parameters);
    let tags = tags(&mut check, parameters)?;
    check.finish()?;
    Ok(AssumeRoleParameters {
        role_arn,
        session_name,
        duration,
        policies,
        external_id,
        source_identity,
        tags,
        mfa,
    })
}

pub(in crate::http::sts) fn session_token<'a>(
    parameters: &'a Parameters<'_>,
) -> Result<SessionTokenParameters<'a>, StsError> {
    let mut check = Check::default();
    let duration = check.duration(parameters, USER_SECONDS)?;
    let mfa = mfa(&mut check, parameters);
    check.finish()?;
    Ok(SessionTokenParameters { duration: duration.unwrap_or(USER_DEFAULT), mfa })
}

pub(in crate::http::sts) fn federation_token<'a>(
    parameters: &'a Parameters<'_>,
) -> Result<FederationTokenParameters<'a>, StsError> {
    let mut check = Check::default();
    let name = check.required(parameters, "Name", "name", 2..=32);
    check.name("name", name);
    let duration = check.duration(parameters, USER_SECONDS)?;
    let policies = check.policies(parameters)?;
    let tags = tags(&mut check, parameters)?;
    check.finish()?;
    Ok(FederationTokenParameters { name, duration: duration.unwrap_or(USER_DEFAULT), policies, tags })
}

pub(in crate::http::sts) fn access_key_id<'a>(parameters: &'a Parameters<'_>) -> Result<&'a str, StsError> {
    let mut check = Check::default();
    let id = check.required(parameters, "AccessKeyId", "accessKeyId", 16..=128);
    check.pattern("accessKeyId", id, b"_", "[\\w]*");
    check.finish()?;
    Ok(id)
}

pub(in crate::http::sts) fn encoded_message<'a>(parameters: &'a Parameters<'_>) -> Result<&'a str, StsError> {
    let mut check = Check::default();
    let encoded = check.hidden(parameters, "EncodedMessage", "encodedMessage", 1..=10_240);
    check.finish()?;
    Ok(encoded)
}

/// `SerialNumber` and `TokenCode`, which go together.
fn mfa<'a>(check: &mut Check, parameters: &'a Parameters<'_>) -> Option<MfaCode<'a>> {
    let serial = check.optional(parameters, "SerialNumber", "serialNumber", 9..=256);
    let code = parameters.get("TokenCode");
    if let Some(serial) = serial {
        check.pattern("serialNumber", serial, b"_+=/:,.@-", "[\\w+=/:,.@-]*");
    }
    if let Some(code) = code {
        check.length("tokenCode", code, "(not shown)", 6..=6);
        if !code.bytes().all(|byte| byte.is_ascii_digit()) {
            check.fault("tokenCode", "(not shown)", "satisfy regular expression pattern: [\\d]*");
        }
    }
    match (serial, code) {
        (None, None) => None,
        // Whoever leaves one out gets what an unknown device or a wrong code gets.
        (serial, code) => {
            Some(MfaCode { serial: serial.unwrap_or_default(), code: code.unwrap_or_default() })
        }
    }
}

/// `Tags` and `TransitiveTagKeys`. Their form is looked at where they are authorized.
fn tags(check: &mut Check, parameters: &Parameters<'_>) -> Result<Vec<SessionTag>, StsError> {
    let numbers = 1..=MOST_TAGS;
    let transitive = |number: usize| parameters.get(&format!("TransitiveTagKeys.member.{number}"));
    let transitive: Vec<_> = numbers.clone().map_while(transitive).collect();
    let mut tags = Vec::new();
    for number in numbers {
        let key = parameters.get(&format!("Tags.member.{number}.Key"));
        let value = parameters.get(&format!("Tags.member.{number}.Value"));
        let (Some(key), Some(value)) = (key, value) else {
            let missing = if key.is_some() { "value" } else { "key" };
            if key.or(value).is_some() {
                check.missing(&format!("tags.{number}.member.{missing}"));
            }
            break;
        };
        let is_it = |other: &&str| other.to_lowercase() == key.to_lowercase();
        let transitive = transitive.iter().any(is_it);
        tags.push(SessionTag { key: key.to_owned(), value: value.to_owned(), transitive });
    }
    let is_passed = |key: &&str| tags.iter().any(|tag| tag.key.to_lowercase() == key.to_lowercase());
    if !transitive.iter().all(is_passed) {
        return Err(StsError::parameter(NOT_PASSED.to_owned()));
    }
    Ok(tags)
}

/// In AWS's words (facts 1.7).
const NOT_PASSED: &str = "The specified transitive tag key must be included in the requested tags.";
