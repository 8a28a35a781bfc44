//! What holds for every policy.

use proptest::prelude::*;
use rolegate::policy::iam::{Caller, Policy, PolicyKind, Request, RequestContext};
use serde_json::{Value, json};

fn decide(statements: &[Value], keys: &[(String, Vec<String>)]) -> Option<bool> {
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let policy = Policy::parse(PolicyKind::Identity, &text).ok()?;
    let mut context = RequestContext::new();
    keys.iter().for_each(|(key, values)| context.set_all(key.as_str(), values.iter().map(String::as_str)));
    let (action, resource) = ("s3:GetObject", Some("arn:aws:s3:::b/ann/k"));
    Some(policy.decide(&Request { caller: Caller::Attached, action, resource, context: &context }).is_allow())
}

/// Few enough names and values that random ones often meet.
fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["k:a", "K:a", "k:b", "aws:PrincipalTag/x"]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = String> {
    let values = OPERATORS.iter().flat_map(|(_, values)| values.iter().copied()).collect::<Vec<_>>();
    prop::sample::select(values).prop_map(str::to_owned)
}

const TEXTS: &[&str] = &["ann", "a*", "?nn", "${k:a}", "${k:b, 'ann'}", "${*}", ""];
const NUMBERS: &[&str] = &["1", "2.5", "-1"];
const ADDRESSES: &[&str] = &["192.0.2.0/24", "192.0.2.1", "2001:db8::/32"];
const ARNS: &[&str] = &["arn:aws:s3:::b/ann/k", "arn:aws:s3:::b/*", "arn:aws:s3:::${k:a}"];

/// Operators, and values that they can be written with.
const OPERATORS: &[(&str, &[&str])] = &[
    ("StringEquals", TEXTS),
    ("StringNotEquals", TEXTS),
    ("StringLike", TEXTS),
    ("StringNotLike", TEXTS),
    ("StringEqualsIgnoreCase", TEXTS),
    ("NumericLessThan", NUMBERS),
    ("NumericNotEquals", NUMBERS),
    ("DateGreaterThan", &["2030-01-01T00:00:00Z", "0"]),
    ("Bool", &["true", "false"]),
    ("BinaryEquals", &["AAE="]),
    ("IpAddress", ADDRESSES),
    ("NotIpAddress", ADDRESSES),
    ("ArnLike", ARNS),
    ("ArnNotEquals", ARNS),
];

fn condition() -> impl Strategy<Value = (String, String, Vec<String>)> {
    let prefix = prop::sample::select(vec!["", "", "ForAnyValue:", "ForAllValues:"]);
    let suffix = prop::sample::select(vec!["", "", "IfExists"]);
    let written = (prefix, prop::sample::select(OPERATORS), suffix).prop_flat_map(
        |(prefix, (base, values), suffix)| {
            let values = prop::collection::vec(prop::sample::select(values).prop_map(str::to_owned), 1..3);
            (Just(format!("{prefix}{base}{suffix}")), key(), values)
        },
    );
    let null = (Just("Null".to_owned()), key(), Just(vec!["true".to_owned()]));
    prop_oneof![8 => written, 1 => null]
}

fn with_condition(statement: &Value, (operator, key, values): &(String, String, Vec<String>)) -> Value {
    let mut more = statement.clone();
    more["Condition"][operator][key] = json!(values);
    more
}

fn statement() -> impl Strategy<Value = Value> {
    let effects = prop::sample::select(vec!["Allow", "Allow", "Deny"]);
    let actions = prop::sample::select(vec!["s3:Get*", "s3:GetObject", "*", "sqs:*"]);
    let negated = prop::sample::select(vec!["Action", "Action", "Action", "NotAction"]);
    let resources =
        prop::sample::select(vec!["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/${k:a}/*", "arn:aws:s3:::c"]);
    (effects, negated, actions, resources, prop::collection::vec(condition(), 0..3)).prop_map(
        |(effect, element, action, resource, conditions)| {
            let bare = json!({ "Effect": effect, element: action, "Resource": resource, "Condition": {} });
            conditions.iter().fold(bare, |statement, condition| with_condition(&statement, condition))
        },
    )
}

fn keys() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
    prop::collection::vec((key(), prop::collection::vec(value(), 0..3)), 0..4)
}

fn statements() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(statement(), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_deny_never_widens(statements in statements(), mut deny in statement(), keys in keys()) {
        deny["Effect"] = json!("Deny");
        let before = decide(&statements, &keys);
        let after = decide(&[statements, vec![deny]].concat(), &keys);
        prop_assume!(before.is_some() && after.is_some());
        prop_assert!(before >= after);
    }

    #[test]
    fn an_allow_never_narrows(statements in statements(), mut allow in statement(), keys in keys()) {
        allow["Effect"] = json!("Allow");
        let before = decide(&statements, &keys);
        let after = decide(&[statements, vec![allow]].concat(), &keys);
        prop_assume!(before.is_some() && after.is_some());
        prop_assert!(before <= after);
    }

    #[test]
    fn order_never_matters(
        (statements, shuffled) in statements().prop_flat_map(|s| (Just(s.clone()), Just(s).prop_shuffle())),
        keys in keys(),
    ) {
        prop_assert_eq!(decide(&statements, &keys), decide(&shuffled, &keys));
    }

    #[test]
    fn a_condition_more_never_widens_an_allow_nor_a_deny(
        statements in statements(),
        more in condition(),
        keys in keys(),
    ) {
        let narrowed = with_condition(&statements[0], &more);
        // The same key twice under one operator replaces the condition that was there.
        prop_assume!(statements[0]["Condition"][&more.0][&more.1].is_null());
        let mut after = statements.clone();
        after[0] = narrowed;
        let is_allow = statements[0]["Effect"] == "Allow";
        let (before, after) = (decide(&statements, &keys), decide(&after, &keys));
        prop_assume!(before.is_some() && after.is_some());
        let holds = if is_allow { before >= after } else { before <= after };
        prop_assert!(holds);
    }

    #[test]
    fn nothing_panics(text in "[{}\\[\\]\":,a-zA-Z0-9$*?' ]{0,80}") {
        for kind in [PolicyKind::Trust, PolicyKind::Identity, PolicyKind::Resource] {
            let _ = Policy::parse(kind, &text);
        }
    }
}
