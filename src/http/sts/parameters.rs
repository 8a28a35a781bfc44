//! The parameters of a call: read once, checked against the API's own constraints, all faults
//! named together (facts 1.3, 1.5).

use std::borrow::Cow;
use std::time::Duration;

use super::seconds;
use crate::arn::is_name_byte;
use crate::http::error::StsError;
use crate::http::form::fields;

/// Fifty tags of two parameters, fifty transitive keys, ten policies and the rest fit well.
const MOST_PARAMETERS: usize = 512;

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

    fn any_with_prefix(&self, prefix: &str) -> bool {
        self.0.iter().any(|(key, value)| key.starts_with(prefix) && !value.is_empty())
    }
}

/// `AssumeRoleWithSAML`.
pub(super) struct SamlParameters<'a> {
    pub(super) role_arn: &'a str,
    pub(super) principal_arn: &'a str,
    pub(super) assertion: &'a str,
    pub(super) duration: Option<Duration>,
    pub(super) policy: Option<&'a str>,
}

/// `AssumeRoleWithWebIdentity`.
pub(super) struct WebIdentityParameters<'a> {
    pub(super) role_arn: &'a str,
    pub(super) session_name: &'a str,
    pub(super) token: &'a str,
    pub(super) duration: Option<Duration>,
    pub(super) policy: Option<&'a str>,
}

pub(super) fn saml<'a>(parameters: &'a Parameters<'_>) -> Result<SamlParameters<'a>, StsError> {
    let mut check = Check::default();
    let role_arn = check.required(parameters, "RoleArn", "roleArn", 20..=2048);
    let principal_arn = check.required(parameters, "PrincipalArn", "principalArn", 20..=2048);
    let assertion = check.hidden(parameters, "SAMLAssertion", "sAMLAssertion", 4..=100_000);
    let (duration, policy) = check.session(parameters)?;
    check.finish()?;
    Ok(SamlParameters { role_arn, principal_arn, assertion, duration, policy })
}

pub(super) fn web_identity<'a>(
    parameters: &'a Parameters<'_>,
) -> Result<WebIdentityParameters<'a>, StsError> {
    let mut check = Check::default();
    let role_arn = check.required(parameters, "RoleArn", "roleArn", 20..=2048);
    let session_name = check.required(parameters, "RoleSessionName", "roleSessionName", 2..=64);
    if !session_name.bytes().all(is_name_byte) {
        check.fault("roleSessionName", session_name, "satisfy regular expression pattern: [\\w+=,.@-]*");
    }
    let token = check.hidden(parameters, "WebIdentityToken", "webIdentityToken", 4..=20_000);
    let (duration, policy) = check.session(parameters)?;
    check.finish()?;
    if parameters.get("ProviderId").is_some_and(|id| !id.is_empty()) {
        return Err(StsError::access_denied("AssumeRoleWithWebIdentity"));
    }
    Ok(WebIdentityParameters { role_arn, session_name, token, duration, policy })
}

/// Gathers the faults of one call.
#[derive(Default)]
struct Check(Vec<String>);

impl Check {
    /// A parameter whose length, counted in Unicode scalar values, lies in `length`. Nothing to
    /// go on with where it is absent, but the call is refused then.
    fn required<'a>(
        &mut self,
        parameters: &'a Parameters<'_>,
        name: &str,
        path: &str,
        length: std::ops::RangeInclusive<usize>,
    ) -> &'a str {
        let Some(value) = parameters.get(name) else {
            self.0.push(format!(
                "Value null at '{path}' failed to satisfy constraint: Member must not be null"
            ));
            return "";
        };
        self.length(path, value, value, length);
        value
    }

    /// As [`Check::required`], for a value that no answer repeats.
    fn hidden<'a>(
        &mut self,
        parameters: &'a Parameters<'_>,
        name: &str,
        path: &str,
        length: std::ops::RangeInclusive<usize>,
    ) -> &'a str {
        match parameters.get(name) {
            Some(value) => {
                self.length(path, value, "(not shown)", length);
                value
            }
            None => self.required(parameters, name, path, length),
        }
    }

    fn length(&mut self, path: &str, value: &str, shown: &str, length: std::ops::RangeInclusive<usize>) {
        let count = value.chars().count();
        if count < *length.start() {
            self.fault(path, shown, &format!("have length greater than or equal to {}", length.start()));
        } else if count > *length.end() {
            self.fault(path, shown, &format!("have length less than or equal to {}", length.end()));
        }
    }

    /// `DurationSeconds` and the session policy.
    fn session<'a>(
        &mut self,
        parameters: &'a Parameters<'_>,
    ) -> Result<(Option<Duration>, Option<&'a str>), StsError> {
        if parameters.any_with_prefix("PolicyArns.member.") {
            return Err(StsError::validation(
                "PolicyArns is not supported by this broker: pass an inline Policy instead".into(),
            ));
        }
        let duration = parameters.get("DurationSeconds").map(integer).transpose()?;
        if let Some(asked) = duration {
            if asked < 900 {
                self.fault("durationSeconds", &asked.to_string(), "have value greater than or equal to 900");
            } else if asked > 43_200 {
                self.fault("durationSeconds", &asked.to_string(), "have value less than or equal to 43200");
            }
        }
        let policy = parameters.get("Policy");
        if let Some(policy) = policy {
            self.length("policy", policy, policy, 1..=2048);
            let allowed = |c: char| matches!(c, '\u{9}' | '\u{a}' | '\u{d}' | '\u{20}'..='\u{ff}');
            if !policy.chars().all(allowed) {
                let wanted = "satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";
                self.fault("policy", policy, wanted);
            }
        }
        Ok((duration.map(seconds), policy))
    }

    fn fault(&mut self, path: &str, value: &str, must: &str) {
        let shown: String = value.chars().take(200).collect();
        self.0.push(format!("Value '{shown}' at '{path}' failed to satisfy constraint: Member must {must}"));
    }

    fn finish(self) -> Result<(), StsError> {
        match self.0.len() {
            0 => Ok(()),
            1 => Err(StsError::validation(format!("1 validation error detected: {}", self.0.concat()))),
            count => Err(StsError::validation(format!(
                "{count} validation errors detected: {}",
                self.0.join("; ")
            ))),
        }
    }
}

/// A signed 32-bit number as AWS reads it: `+900` and `0900` are good, `900.0` and ` 900` are not.
fn integer(text: &str) -> Result<i32, StsError> {
    if text.is_empty() {
        return Err(StsError::malformed(Some("missing value for decimal type")));
    }
    text.parse().map_err(|_| StsError::malformed(None))
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
        assert_eq!(refusal(&form).0, "ValidationError");
    }
}
