//! The constraints of the API, and the faults of one call together (facts 1.3).

use std::time::Duration;

use super::Parameters;
use crate::arn::{PolicyArn, is_name_byte};
use crate::http::error::StsError;
use crate::http::sts::{invalid, seconds};
use crate::identity::SessionPolicies;

/// Managed policies of a session (facts 1.5).
const MOST_POLICIES: usize = 10;

/// Gathers the faults of one call.
#[derive(Default)]
pub(super) struct Check(Vec<String>);

impl Check {
    /// A parameter whose length, counted in Unicode scalar values, lies in `length`. Nothing to
    /// go on with where it is absent, but the call is refused then.
    pub(super) fn required<'a>(
        &mut self,
        parameters: &'a Parameters<'_>,
        name: &str,
        path: &str,
        length: std::ops::RangeInclusive<usize>,
    ) -> &'a str {
        let Some(value) = parameters.get(name) else {
            self.missing(path);
            return "";
        };
        self.length(path, value, value, length);
        value
    }

    /// A parameter that must be there is not.
    pub(super) fn missing(&mut self, path: &str) {
        self.0.push(format!("Value null at '{path}' failed to satisfy constraint: Member must not be null"));
    }

    /// As [`Check::required`], for a value that no answer repeats.
    pub(super) fn hidden<'a>(
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

    pub(super) fn length(
        &mut self,
        path: &str,
        value: &str,
        shown: &str,
        length: std::ops::RangeInclusive<usize>,
    ) {
        let count = value.chars().count();
        if count < *length.start() {
            self.fault(path, shown, &format!("have length greater than or equal to {}", length.start()));
        } else if count > *length.end() {
            self.fault(path, shown, &format!("have length less than or equal to {}", length.end()));
        }
    }

    /// A name as roles and sessions have it.
    pub(super) fn name(&mut self, path: &str, name: &str) {
        if !name.bytes().all(is_name_byte) {
            self.fault(path, name, "satisfy regular expression pattern: [\\w+=,.@-]*");
        }
    }

    /// `DurationSeconds`.
    pub(super) fn duration(
        &mut self,
        parameters: &Parameters<'_>,
        range: std::ops::RangeInclusive<i32>,
    ) -> Result<Option<Duration>, StsError> {
        let duration = parameters.get("DurationSeconds").map(integer).transpose()?;
        if let Some(asked) = duration {
            let (least, most) = (range.start(), range.end());
            if asked < *least {
                let must = format!("have value greater than or equal to {least}");
                self.fault("durationSeconds", &asked.to_string(), &must);
            } else if asked > *most {
                let must = format!("have value less than or equal to {most}");
                self.fault("durationSeconds", &asked.to_string(), &must);
            }
        }
        Ok(duration.map(seconds))
    }

    /// `Policy` and `PolicyArns`.
    pub(super) fn policies(&mut self, parameters: &Parameters<'_>) -> Result<SessionPolicies, StsError> {
        let inline = parameters.get("Policy");
        if let Some(policy) = inline {
            self.length("policy", policy, policy, 1..=2048);
            let allowed = |c: char| matches!(c, '\u{9}' | '\u{a}' | '\u{d}' | '\u{20}'..='\u{ff}');
            if !policy.chars().all(allowed) {
                let wanted = "satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";
                self.fault("policy", policy, wanted);
            }
        }
        Ok(SessionPolicies { inline: inline.map(str::to_owned), managed: self.managed(parameters)? })
    }

    /// `PolicyArns`. What is not understood of it would have narrowed the session, so it is never ignored.
    fn managed(&mut self, parameters: &Parameters<'_>) -> Result<Vec<PolicyArn>, StsError> {
        let name = |number: usize| format!("PolicyArns.member.{number}.arn");
        let named: Vec<_> =
            (1..=MOST_POLICIES + 1).map_while(|number| parameters.get(&name(number))).collect();
        if named.len() > MOST_POLICIES {
            let must = format!("have length less than or equal to {MOST_POLICIES}");
            self.fault("policyArns", &named.join(", "), &must);
            return Ok(Vec::new());
        }
        let understood: Vec<_> = (1..=named.len()).map(name).collect();
        let mut all = parameters.with_prefix("PolicyArns");
        if let Some(other) = all.find(|key| !understood.iter().any(|known| known == key)) {
            let shown: String = other.chars().take(200).collect();
            let message = format!("{shown} is not PolicyArns.member.N.arn, where N counts from 1");
            return Err(StsError::validation(message));
        }
        named.into_iter().map(|arn| arn.parse().map_err(|_| invalid(arn))).collect()
    }

    /// A parameter that may be left out.
    pub(super) fn optional<'a>(
        &mut self,
        parameters: &'a Parameters<'_>,
        name: &str,
        path: &str,
        length: std::ops::RangeInclusive<usize>,
    ) -> Option<&'a str> {
        let value = parameters.get(name)?;
        self.length(path, value, value, length);
        Some(value)
    }

    /// A value of these characters and letters and digits, or the pattern that it does not meet.
    pub(super) fn pattern(&mut self, path: &str, value: &str, others: &[u8], pattern: &str) {
        if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte)) {
            self.fault(path, value, &format!("satisfy regular expression pattern: {pattern}"));
        }
    }

    pub(super) fn fault(&mut self, path: &str, value: &str, must: &str) {
        let shown: String = value.chars().take(200).collect();
        self.0.push(format!("Value '{shown}' at '{path}' failed to satisfy constraint: Member must {must}"));
    }

    pub(super) fn finish(self) -> Result<(), StsError> {
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
