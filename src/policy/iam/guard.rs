//! Whether a trust policy asks who somebody is, or lets everybody in whom a provider vouches for.
//!
//! An allowing statement asks if one of its conditions names one of the keys in question by
//! `StringEquals`, `StringEqualsIgnoreCase` or `StringLike`, and each of its values has a form that
//! tells somebody: not all of them, not `…IfExists`, which is met by who has no such claim (facts
//! 3.6). A value of another form tells nothing: where a subject can be customised, as GitHub's can,
//! whoever writes it can make it begin with anything that the issuer doesn't keep for somebody.

use std::fmt;

use super::caller::Caller;
use super::condition::Condition;
use super::context::folded;
use super::document::{Effect, Policy, Statement};
use super::eval::StatementRef;
use super::operator::{Comparison, Operator, Quantifier};

/// A form of a claim's values that tells somebody from everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// The claim, as it stands behind the issuer and a colon.
    pub key: &'static str,
    /// What every value begins with, before something of its own.
    pub beyond: &'static str,
    /// A character that must follow that before the first wildcard; without one, there may be none.
    pub until: Option<char>,
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
            let asks = |condition: &Condition| asks_for_somebody(condition, issuer, guards);
            speaks_of_it && !statement.conditions.iter().any(asks)
        };
        let open = self.statements.iter().enumerate().filter(|(_, statement)| is_open(statement));
        open.map(|(index, statement)| StatementRef { index, sid: statement.sid.clone() }).collect()
    }
}

fn asks_for_somebody(condition: &Condition, issuer: &str, guards: &[Guard]) -> bool {
    let written = condition.written();
    let Some(operator) = Operator::parse(&written.operator) else { return false };
    let Operator { quantifier, comparison, negated, if_exists } = operator;
    let has_wildcards = match comparison {
        Comparison::StringEquals | Comparison::StringEqualsIgnoreCase => false,
        Comparison::StringLike => true,
        _ => return false,
    };
    let key = folded(written.key.as_str().into());
    let of_key = |guard: &&Guard| folded(format!("{issuer}:{}", guard.key).into()) == key;
    let forms: Vec<_> = guards.iter().filter(of_key).collect();
    let is_somebody = |value: &String| forms.iter().any(|form| form.tells(value, has_wildcards));
    let asks = !negated && !if_exists && quantifier != Quantifier::ForAllValues;
    asks && written.values.iter().all(is_somebody)
}

impl Guard {
    /// Whether a value stands for less than everybody.
    fn tells(&self, value: &str, has_wildcards: bool) -> bool {
        // A variable is as good as a wildcard: nobody knows here what it will be.
        let wildcard = has_wildcards.then(|| value.find(['*', '?'])).flatten();
        let open = [wildcard, value.find("${")].into_iter().flatten().min();
        let Some(own) = value[..open.unwrap_or(value.len())].strip_prefix(self.beyond) else { return false };
        match (open, self.until) {
            (None, _) => !own.is_empty(),
            (Some(_), None) => false,
            (Some(_), Some(end)) => own.find(end).is_some_and(|length| length > 0),
        }
    }
}

impl fmt::Display for Guard {
    /// Like `sub = "repo:…/*"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, beyond, until } = self;
        match until {
            Some(end) => write!(f, "{key} = \"{beyond}…{end}*\""),
            None => write!(f, "{key} = \"{beyond}…\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::PolicyKind;
    use super::*;

    const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/ci.example.com";
    const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
    const GUARDS: [Guard; 3] = [
        Guard { key: "sub", beyond: "repo:", until: Some('/') },
        Guard { key: "sub", beyond: "owner:", until: Some(':') },
        Guard { key: "owner_id", beyond: "", until: None },
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
            ("StringLike", "sub", r#"["repo:acme/*", "owner:acme:*"]"#),
            ("StringLike", "sub", r#""owner:acme""#),
            ("StringEquals", "sub", r#""owner:acme""#),
            ("StringEquals", "owner_id", r#""77""#),
            ("StringLike", "owner_id", r#""77""#),
            ("ForAnyValue:StringLike", "sub", r#""repo:acme/*""#),
            ("StringEquals", "sub", r#""repo:*""#),
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
            ("StringLike", "sub", r#""owner:*""#),
            ("StringLike", "sub", r#""owner:acme*""#),
            ("StringLike", "sub", r#""own*""#),
            ("StringLike", "sub", r#""environment:*""#),
            ("StringLike", "sub", r#""environment:production""#),
            ("StringLike", "sub", r#"["repo:acme/*", "environment:production"]"#),
            ("StringEquals", "sub", r#""environment:production""#),
            ("StringEquals", "sub", r#""repo:""#),
            ("StringEquals", "sub", r#""*""#),
            ("StringEquals", "owner_id", r#""""#),
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
