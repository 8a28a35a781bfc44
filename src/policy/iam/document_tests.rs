//! Documents that are refused, with the place and the reason, and documents that are not.

use super::*;

fn faults(kind: PolicyKind, text: &str) -> Vec<String> {
    Policy::parse(kind, text).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// Wraps statement members into a trust policy.
fn trust(members: &str) -> String {
    let rest = r#""Effect":"Allow","Action":"sts:AssumeRoleWithSAML""#;
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{rest},{members}}}]}}"#)
}

const PROVIDER: &str = r#""Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/corp"}"#;

#[test]
fn whole_documents() {
    for good in [
        trust(PROVIDER),
        trust(&format!(r#""Sid":"a1",{PROVIDER},"Condition":{{}}"#)),
        trust(&format!(
            r#"{PROVIDER},"Condition":{{"Bool":{{"aws:SecureTransport":true}},"NumericLessThan":{{"sts:DurationSeconds":[3600.5]}}}}"#
        )),
        r#"{"Id":"x","Statement":{"Effect":"Deny","Principal":"*","NotAction":"sts:Assume*"}}"#.to_owned(),
    ] {
        assert_eq!(faults(PolicyKind::Trust, &good), [""; 0], "{good}");
    }
    let identity =
        r#"{"Statement":{"Effect":"Allow","Action":["s3:Get*","*"],"NotResource":"arn:aws:s3:::b/${x"}}"#;
    assert_eq!(faults(PolicyKind::Identity, identity), [""; 0]);
    assert_eq!(faults(PolicyKind::Session, identity), [""; 0]);
}

#[test]
fn faults_of_a_trust_policy_say_where() {
    for (text, expected) in [
        ("", "line 1 column 0: EOF while parsing a value"),
        ("{\n \"Version\" 1}", "line 2 column 12: expected `:`"),
        ("[]", "document: it is an array, not an object"),
        ("{} x", "line 1 column 4: trailing characters"),
        (r#"{"Version":"2012-10-17"}"#, "document: it has no Statement"),
        (r#"{"Statement":[]}"#, "Statement: it is empty"),
        (
            &trust(&format!(r#"{PROVIDER},"Sid":"a b""#)),
            "Statement[0].Sid: \"a b\" has characters other than A-Z, a-z and 0-9",
        ),
        (
            &trust(&format!(r#"{PROVIDER},"Conditions":{{}}"#)),
            "Statement[0].Conditions: there is no such element",
        ),
        (
            &trust(&format!(r#"{PROVIDER},"Resource":"*""#)),
            "Statement[0].Resource: a trust policy speaks of its own role only",
        ),
        (&trust(r#""Sid":"x""#), "Statement[0]: it has no Principal"),
        (&trust(r#""Principal":{}"#), "Statement[0].Principal: it is empty"),
        (
            &trust(r#""Principal":{"Federated":"*"}"#),
            "Statement[0].Principal.Federated: Federated principals must be valid domain names or SAML metadata ARNs",
        ),
        (
            &trust(r#""Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/*"}"#),
            "Statement[0].Principal.Federated: Federated principals must be valid domain names or SAML metadata ARNs",
        ),
        (
            &trust(r#""Principal":"*""#),
            "Statement[0].Principal: AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\".",
        ),
        (
            &trust(r#""Principal":{"AWS":"ann"}"#),
            "Statement[0].Principal.AWS: Invalid principal in policy: \"AWS\":\"ann\"",
        ),
        (
            &trust(r#""Principal":{"User":"ann"}"#),
            "Statement[0].Principal.User: \"User\" is not one of AWS, Federated, Service",
        ),
        (
            &trust(&format!(r#"{PROVIDER},"Condition":{{"StringEqual":{{"a:b":"c"}}}}"#)),
            "Statement[0].Condition.StringEqual: \"StringEqual\" is not a condition operator",
        ),
        (
            &trust(&format!(r#"{PROVIDER},"Condition":{{"StringLike":{{"a:b":[]}}}}"#)),
            "Statement[0].Condition.StringLike.a:b: it is an array, not a value or a list of values",
        ),
        (
            &trust(&format!(r#"{PROVIDER},"Condition":{{"StringLike":{{"a:b":null}}}}"#)),
            "Statement[0].Condition.StringLike.a:b: it is null, not a value or a list of values",
        ),
        (
            &trust(&format!(r#"{PROVIDER},"Condition":{{"StringLike":"x"}}"#)),
            "Statement[0].Condition.StringLike: it is a string, not an object",
        ),
        (
            &trust(&format!(r#"{PROVIDER},"NotAction":"sts:*""#)),
            "Statement[0]: it has both Action and NotAction",
        ),
        (
            r#"{"Statement":{"Effect":"allow","Principal":"*","Action":"sts:AssumeRole"}}"#,
            "Statement.Effect: \"allow\" is neither Allow nor Deny",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*"}}"#,
            "Statement.Action: \"*\": a trust policy speaks of sts: actions only",
        ),
        (
            r#"{"Version":"2012","Statement":{"Effect":"Deny","Principal":"*","Action":"sts:*"}}"#,
            "Version: \"2012\" is neither 2012-10-17 nor 2008-10-17",
        ),
    ] {
        assert_eq!(faults(PolicyKind::Trust, text), [expected], "{text}");
    }
}

#[test]
fn a_repeated_key_is_a_fault() {
    let twice = trust(&format!(r#"{PROVIDER},"Effect":"Deny""#));
    let [fault] = &faults(PolicyKind::Trust, &twice)[..] else { panic!() };
    assert!(fault.ends_with(r#"duplicate key "Effect""#) && fault.starts_with("line 1 column"), "{fault}");
}

#[test]
fn all_faults_are_told_at_once() {
    let text =
        r#"{"Statement":[{"Effect":"Allow","Action":"s3"},{"Effect":"No","Action":[],"Resource":"b"}]}"#;
    assert_eq!(faults(PolicyKind::Identity, text).len(), 5, "{:?}", faults(PolicyKind::Identity, text));
    let principal = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#;
    assert_eq!(
        faults(PolicyKind::Session, principal),
        ["Statement.Principal: a Principal stands in trust and resource policies only"]
    );
}

#[test]
fn same_sid_twice() {
    let text = r#"{"Statement":[{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    assert_eq!(faults(PolicyKind::Identity, text), ["Statement: the Sid \"a\" is used twice"]);
}

#[test]
fn sizes() {
    let padded = |blanks: usize| format!("{}{}", trust(PROVIDER), " ".repeat(blanks));
    assert_eq!(faults(PolicyKind::Trust, &padded(20_000)), [""; 0]);
    let session = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
    let session = format!("{session}{}", " ".repeat(2048 - session.len()));
    assert_eq!(faults(PolicyKind::Session, &session), [""; 0]);
    assert_eq!(
        faults(PolicyKind::Session, &format!("{session} ")),
        ["document: the document is longer than 2048 characters"]
    );
}

#[test]
fn deep_nesting_is_refused_not_followed() {
    let deep = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
    assert!(faults(PolicyKind::Trust, &deep)[0].contains("recursion limit exceeded"));
}
