//! Whether a trust policy asks who somebody is, or lets everybody in whom a provider vouches for.
//!
//! An allowing statement asks if one of its conditions names one of the keys in question by
//! `StringEquals`, `StringEqualsIgnoreCase` or `StringLike`, and each of its values is somebody:
//! not all of them, not `…IfExists`, which is met by who has no such claim (facts 3.6).

use super::condition::Condition;
use super::context::folded;
use super::document::{Effect, Policy, Statement};
use super::eval::{Caller, StatementRef};
use super::operator::{Comparison, Operator, Quantifier};

/// A condition that tells somebody from everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// The claim, as it stands behind the issuer and a colon.
    pub key: &'static str,
    /// What every value begins with.
    pub beyond: &'static str,
    /// A character that must follow before the first wildcard.
    pub until: Option<char>,
    /// Whether there may be no wildcard.
    pub exact: bool,
}

impl Policy {
    /// The statements that allow `action` to everybody whom the provider with this ARN vouches for,
    /// whose issuer is `issuer` (without its scheme), as far as `guards` can tell.
    pub fn unguarded(
        &self,
        provider: &str,
        action: &str,
        issuer: &str,
        guards: &[Guard],
    ) -> Vec<StatementRef> {
        let is_open = |statement: &Statement| {
            let caller = Caller::Federated(provider);
            let speaks_of_it = statement.effect == Effect::Allow
                && statement.principals.as_ref().is_some_and(|who| who.include(caller, Effect::Allow))
                && statement.actions.include(action);
            let asks = |condition: &Condition| guards.iter().any(|guard| guard.is_met_by(condition, issuer));
            speaks_of_it && !statement.conditions.iter().any(asks)
        };
        let open = self.statements.iter().enumerate().filter(|(_, statement)| is_open(statement));
        open.map(|(index, statement)| StatementRef { index, sid: statement.sid.clone() }).collect()
    }
}

impl Guard {
    fn is_met_by(&self, condition: &Condition, issuer: &str) -> bool {
        let written = condition.written();
        let key = format!("{issuer}:{}", self.key);
        let same_key = folded(written.key.as_str().into()) == folded(key.as_str().into());
        let Some(operator) = Operator::parse(&written.operator) else { return false };
        let Operator { quantifier, comparison, negated, if_exists } = operator;
        let asks = !negated && !if_exists && quantifier != Quantifier::ForAllValues;
        let narrows = |value: &String| match comparison {
            Comparison::StringEquals | Comparison::StringEqualsIgnoreCase => {
                !value.is_empty() && !value.contains("${")
            }
            Comparison::StringLike => self.is_somebody(value),
            _ => false,
        };
        same_key && asks && written.values.iter().all(narrows)
    }

    /// Whether a pattern stands for less than everybody.
    fn is_somebody(&self, pattern: &str) -> bool {
        // A variable is as good as a wildcard: nobody knows here what it will be.
        let wildcard = [pattern.find(['*', '?']), pattern.find("${")].into_iter().flatten().min();
        let Some(end) = wildcard else { return !pattern.is_empty() };
        let Some(chosen) = pattern[..end].strip_prefix(self.beyond) else {
            // Either it can't match, or the wildcard comes so early that it matches everybody.
            return !self.beyond.starts_with(&pattern[..end]);
        };
        match self.until {
            _ if self.exact => false,
            Some(end) => chosen.find(end).is_some_and(|length| length > 0),
            None => !chosen.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::PolicyKind;
    use super::*;

    const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/ci.example.com";
    const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
    const GUARDS: [Guard; 2] = [
        Guard { key: "sub", beyond: "repo:", until: Some('/'), exact: false },
        Guard { key: "owner_id", beyond: "", until: None, exact: true },
    ];

    /// Whether a statement with this condition block, for this action, is open.
    fn is_open(action: &str, condition: &str) -> bool {
        let text = format!(
            r#"{{"Statement": [
                {{"Effect": "Deny", "Action": "sts:*", "Principal": {{"Federated": "{PROVIDER}"}}}},
                {{"Effect": "Allow", "Action": "{action}", "Principal": {{"Federated": "{PROVIDER}"}} {condition}}}
            ]}}"#
        );
        let policy = Policy::parse(PolicyKind::Trust, &text).unwrap_or_else(|faults| panic!("{faults:?}"));
        let open = policy.unguarded(PROVIDER, ACTION, "ci.example.com", &GUARDS);
        assert!(open.iter().all(|statement| statement.index == 1));
        !open.is_empty()
    }

    fn asking(operator: &str, key: &str, values: &str) -> String {
        format!(r#", "Condition": {{"{operator}": {{"ci.example.com:{key}": {values}}}}}"#)
    }

    #[test]
    fn what_asks_for_somebody_is_no_open_door() {
        for (operator, key, values) in [
            ("StringEquals", "sub", r#""repo:acme/app:ref:refs/heads/main""#),
            ("StringEqualsIgnoreCase", "sub", r#""repo:acme/app""#),
            ("StringLike", "sub", r#""repo:acme/*""#),
            ("StringLike", "SUB", r#""repo:acme/app:*""#),
            ("StringLike", "sub", r#"["repo:acme/*", "repo:acme-labs/x"]"#),
            ("StringLike", "sub", r#""nobody:*""#),
            ("StringEquals", "owner_id", r#""77""#),
            ("StringLike", "owner_id", r#""77""#),
            ("ForAnyValue:StringLike", "sub", r#""repo:acme/*""#),
            ("StringEquals", "sub", r#""*""#),
        ] {
            assert!(!is_open(ACTION, &asking(operator, key, values)), "{operator} {key} {values}");
        }
        assert!(!is_open("sts:TagSession", ""), "another action lets nobody in");
        let both = r#", "Condition": {"StringLike": {"ci.example.com:sub": "repo:acme/*"}, "Bool": {"aws:x": "true"}}"#;
        assert!(!is_open("sts:*", both));
    }

    #[test]
    fn what_everybody_meets_is_one() {
        for (operator, key, values) in [
            ("StringLike", "sub", r#""*""#),
            ("StringLike", "sub", r#""repo:*""#),
            ("StringLike", "sub", r#""re*""#),
            ("StringLike", "sub", r#""*:ref:refs/heads/main""#),
            ("StringLike", "sub", r#""repo:acme*""#),
            ("StringLike", "sub", r#""repo:?cme/app""#),
            ("StringLike", "sub", r#""repo:*/app""#),
            ("StringLike", "sub", r#""repo:/*""#),
            ("StringLike", "sub", r#"["repo:acme/*", "*"]"#),
            ("StringLike", "sub", r#""${aws:userid}""#),
            ("StringEquals", "sub", r#""""#),
            ("StringEquals", "sub", r#""${aws:userid}""#),
            ("StringLikeIfExists", "sub", r#""repo:acme/*""#),
            ("StringEqualsIfExists", "sub", r#""repo:acme/app""#),
            ("ForAllValues:StringEquals", "sub", r#""repo:acme/app""#),
            ("StringNotEquals", "sub", r#""repo:evil/app""#),
            ("StringNotLike", "sub", r#""repo:evil/*""#),
            ("Null", "sub", r#""false""#),
            ("StringEquals", "aud", r#""sts.amazonaws.com""#),
            ("StringEquals", "actor", r#""ann""#),
            ("StringLike", "owner_id", r#""7*""#),
        ] {
            assert!(is_open(ACTION, &asking(operator, key, values)), "{operator} {key} {values}");
        }
        assert!(is_open(ACTION, "") && is_open("sts:*", ""));
        let of_another = r#", "Condition": {"StringEquals": {"other.example.com:sub": "repo:acme/app"}}"#;
        assert!(is_open(ACTION, of_another));
    }
}
