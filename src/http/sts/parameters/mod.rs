//! The parameters of a call: read once, checked against the API's own constraints, all faults
//! named together (facts 1.3, 1.5).

mod check;
mod signed;

use std::borrow::Cow;
use std::time::Duration;

use self::check::Check;
pub(super) use self::signed::{access_key_id, assume_role, encoded_message, federation_token, session_token};
use crate::http::error::StsError;
use crate::http::form::fields;
use crate::identity::oidc::AMAZON_PROVIDER_ID;
use crate::identity::{Presented, SessionPolicies};

/// Fifty tags of two parameters, fifty transitive keys, ten policies and the rest fit well.
const MOST_PARAMETERS: usize = 512;

/// How long a role's session may last, in seconds, whatever the role says (facts 1.5).
const ROLE_SECONDS: std::ops::RangeInclusive<i32> = 900..=43_200;

/// The parameters of a request, in wire order. The first of a name wins, unknown ones are
/// ignored (facts 1.1).
pub(super) struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    /// `None`: there are more parameters than any operation has.
    pub(super) fn parse(form: &'a [u8]) -> Option<Self> {
        let parameters: Vec<_> = fields(form).take(MOST_PARAMETERS + 1).collect();
        (parameters.len() <= MOST_PARAMETERS).then_some(Self(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// The names that begin with `prefix`, of those with a value: an empty list is sent without one.
    fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = &str> {
        let given = self.0.iter().filter(move |(key, value)| key.starts_with(prefix) && !value.is_empty());
        given.map(|(key, _)| key.as_ref())
    }
}

/// `AssumeRoleWithSAML`.
pub(super) struct SamlParameters<'a> {
    pub(super) role_arn: &'a str,
    pub(super) principal_arn: &'a str,
    pub(super) assertion: &'a str,
    pub(super) duration: Option<Duration>,
    pub(super) policies: SessionPolicies,
}

/// `AssumeRoleWithWebIdentity`.
pub(super) struct WebIdentityParameters<'a> {
    pub(super) role_arn: &'a str,
    pub(super) session_name: &'a str,
    pub(super) token: Presented<'a>,
    pub(super) duration: Option<Duration>,
    pub(super) policies: SessionPolicies,
}

pub(super) fn saml<'a>(parameters: &'a Parameters<'_>) -> Result<SamlParameters<'a>, StsError> {
    let mut check = Check::default();
    let role_arn = check.required(parameters, "RoleArn", "roleArn", 20..=2048);
    let principal_arn = check.required(parameters, "PrincipalArn", "principalArn", 20..=2048);
    let assertion = check.hidden(parameters, "SAMLAssertion", "sAMLAssertion", 4..=100_000);
    let duration = check.duration(parameters, ROLE_SECONDS)?;
    let policies = check.policies(parameters)?;
    check.finish()?;
    Ok(SamlParameters { role_arn, principal_arn, assertion, duration, policies })
}

pub(super) fn web_identity<'a>(
    parameters: &'a Parameters<'_>,
) -> Result<WebIdentityParameters<'a>, StsError> {
    let mut check = Check::default();
    let role_arn = check.required(parameters, "RoleArn", "roleArn", 20..=2048);
    let session_name = check.required(parameters, "RoleSessionName", "roleSessionName", 2..=64);
    check.name("roleSessionName", session_name);
    let token = check.hidden(parameters, "WebIdentityToken", "webIdentityToken", 4..=20_000);
    let duration = check.duration(parameters, ROLE_SECONDS)?;
    let policies = check.policies(parameters)?;
    check.finish()?;
    let token = match parameters.get("ProviderId").unwrap_or_default() {
        "" => Presented::IdToken(token),
        AMAZON_PROVIDER_ID if token.starts_with("eyJ") => return Err(StsError::not_amazons()),
        AMAZON_PROVIDER_ID => Presented::AmazonToken(token),
        _ => return Err(StsError::access_denied("AssumeRoleWithWebIdentity")),
    };
    Ok(WebIdentityParameters { role_arn, session_name, token, duration, policies })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2FDeploy";

    fn refusal(form: &str) -> (String, String) {
        let parameters = Parameters::parse(form.as_bytes()).unwrap();
        let error = web_identity(&parameters).err().expect("refused");
        (error.code().to_owned(), error.message().unwrap_or_default().to_owned())
    }

    #[test]
    fn reads_what_is_right() {
        let form =
            format!("{ROLE}&RoleSessionName=ann&WebIdentityToken=abcd&DurationSeconds=%2B0900&RoleArn=x");
        let parameters = Parameters::parse(form.as_bytes()).unwrap();
        let read = web_identity(&parameters).unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(read.role_arn, "arn:aws:iam::111122223333:role/Deploy");
        assert_eq!(read.duration, Some(Duration::from_secs(900)));
    }

    #[test]
    fn says_what_is_wrong_in_awss_words() {
        let (code, message) = refusal(&format!("{ROLE}&WebIdentityToken=abcd&RoleSessionName=x+y"));
        assert_eq!(code, "ValidationError");
        assert_eq!(
            message,
            "1 validation error detected: Value 'x y' at 'roleSessionName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\w+=,.@-]*"
        );
        let (_, message) = refusal("RoleSessionName=a&WebIdentityToken=tok&DurationSeconds=60");
        assert_eq!(
            message,
            "4 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must \
             not be null; Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have length \
             greater than or equal to 2; Value '(not shown)' at 'webIdentityToken' failed to satisfy \
             constraint: Member must have length greater than or equal to 4; Value '60' at 'durationSeconds' \
             failed to satisfy constraint: Member must have value greater than or equal to 900"
        );
    }

    #[test]
    fn numbers_are_read_as_aws_reads_them() {
        for (text, code) in [
            ("900.0", "MalformedInput"),
            ("9e2", "MalformedInput"),
            ("%20900", "MalformedInput"),
            ("99999999999", "MalformedInput"),
            ("", "MalformedInput"),
            ("43201", "ValidationError"),
            ("-900", "ValidationError"),
        ] {
            let form = format!("{ROLE}&RoleSessionName=ann&WebIdentityToken=abcd&DurationSeconds={text}");
            assert_eq!(refusal(&form).0, code, "{text}");
        }
    }

    #[test]
    fn a_flood_of_parameters_is_not_kept() {
        assert!(Parameters::parse("a&".repeat(MOST_PARAMETERS).as_bytes()).is_some());
        assert!(Parameters::parse("a&".repeat(MOST_PARAMETERS + 1).as_bytes()).is_none());
    }

    #[test]
    fn what_would_narrow_rights_is_never_ignored() {
        let form = format!("{ROLE}&RoleSessionName=ann&WebIdentityToken=abcd&PolicyArns.member.1.arn=x");
        assert_eq!(refusal(&form), ("ValidationError".into(), "x is invalid".into()));
    }
}
