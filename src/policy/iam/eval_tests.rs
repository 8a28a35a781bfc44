//! Decisions: who is included, what outweighs what.

use proptest::prelude::*;

use super::super::document::PolicyKind;
use super::super::review::{Obstacle, StatementReview};
use super::*;

const CORP: &str = "arn:aws:iam::111122223333:saml-provider/corp";

fn decide(kind: PolicyKind, text: &str, caller: Caller<'_>, action: &str, resource: &str) -> Decision {
    let policy = Policy::parse(kind, text).unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut context = RequestContext::new();
    context.set("aws:userid", "ann");
    policy.decide(&Request { caller, action, resource: Some(resource), context: &context })
}

fn trust(statement: &str, caller: &str) -> Decision {
    let text =
        format!(r#"{{"Statement":{{{statement},"Action":["sts:AssumeRoleWithSAML","sts:AssumeRole"]}}}}"#);
    decide(PolicyKind::Trust, &text, Caller::Federated(caller), "STS:assumerolewithsaml", "")
}

#[test]
fn principals_are_compared_whole() {
    let allow = format!(r#""Effect":"Allow","Principal":{{"Federated":"{CORP}"}}"#);
    assert!(trust(&allow, CORP).is_allow());
    for other in
        [format!("{CORP}-evil"), CORP[..CORP.len() - 1].to_owned(), CORP.to_uppercase(), String::new()]
    {
        assert_eq!(trust(&allow, &other), Decision::ImplicitDeny, "{other}");
    }
}

#[test]
fn everybody_of_aws_is_not_the_federated() {
    for principal in [r#""*""#, r#"{"AWS":"*"}"#, r#"{"AWS":"111122223333"}"#] {
        let allow = format!(r#""Effect":"Allow","Principal":{principal}"#);
        assert_eq!(trust(&allow, CORP), Decision::ImplicitDeny, "{principal}");
    }
    let deny = trust(r#""Sid":"none","Effect":"Deny","Principal":"*""#, CORP);
    assert_eq!(deny, Decision::ExplicitDeny(vec![StatementRef { index: 0, sid: Some("none".into()) }]));
}

#[test]
fn actions_and_resources() {
    for (statement, action, resource, allowed) in [
        (r#""Action":"s3:Get*","Resource":"arn:aws:s3:::b/*""#, "S3:GETOBJECT", "arn:aws:s3:::b/k", true),
        (r#""Action":"s3:Get*","Resource":"arn:aws:s3:::b/*""#, "s3:PutObject", "arn:aws:s3:::b/k", false),
        (r#""Action":"s3:Get*","Resource":"arn:aws:s3:::b/*""#, "s3:GetObject", "arn:aws:s3:::B/k", false),
        (r#""NotAction":"iam:*","Resource":"*""#, "s3:GetObject", "arn:aws:s3:::b/k", true),
        (r#""NotAction":"iam:*","Resource":"*""#, "iam:GetUser", "arn:aws:s3:::b/k", false),
        (r#""Action":"*","NotResource":"arn:aws:s3:::b/*""#, "s3:GetObject", "arn:aws:s3:::b/k", false),
        (
            r#""Action":"*","Resource":"arn:aws:s3:::b/${aws:userid}/*""#,
            "s3:GetObject",
            "arn:aws:s3:::b/ann/k",
            true,
        ),
        (
            r#""Action":"*","Resource":"arn:aws:s3:::b/${aws:username}/*""#,
            "s3:GetObject",
            "arn:aws:s3:::b//k",
            false,
        ),
    ] {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{statement}}}}}"#);
        let decision = decide(PolicyKind::Identity, &text, Caller::Attached, action, resource);
        assert_eq!(decision.is_allow(), allowed, "{statement} {action} {resource}");
    }
}

/// Whatever is asked about a key whose value nobody can tell: an allow does not apply, a deny
/// does.
#[test]
fn what_is_undecided_helps_nobody() {
    let mut known = RequestContext::new();
    known.set("saml:mail", "ann@example.com");
    let mut undecided = RequestContext::new();
    undecided.set_undecided("SAML:Mail");
    let decide = |effect: &str, condition: &str, context: &RequestContext<'_>| {
        let text = format!(
            r#"{{"Statement":[{{"Effect":"Allow","Action":"sts:B","Resource":"*"}},
                {{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{condition}}}]}}"#
        );
        let policy = Policy::parse(PolicyKind::Identity, &text).unwrap_or_else(|f| panic!("{f:?}"));
        let action = if effect == "Deny" { "sts:B" } else { "sts:A" };
        policy.decide(&Request { caller: Caller::Attached, action, resource: None, context }).is_allow()
    };
    for (condition, holds) in [
        (r#"{"StringEquals":{"saml:mail":"ann@example.com"}}"#, true),
        (r#"{"StringNotEquals":{"saml:mail":"bob@example.com"}}"#, true),
        (r#"{"StringEqualsIfExists":{"saml:mail":"ann@example.com"}}"#, true),
        (r#"{"StringEquals":{"saml:mail":"bob@example.com"}}"#, false),
        (r#"{"ForAllValues:StringEquals":{"saml:mail":"ann@example.com"}}"#, true),
        (r#"{"ForAnyValue:StringEquals":{"saml:mail":"ann@example.com"}}"#, true),
        (r#"{"Null":{"saml:mail":"false"}}"#, true),
        (r#"{"Null":{"saml:mail":"true"}}"#, false),
    ] {
        assert_eq!(decide("Allow", condition, &known), holds, "{condition}");
        assert_eq!(decide("Deny", condition, &known), !holds, "{condition}");
        assert!(!decide("Allow", condition, &undecided), "{condition}");
        assert!(!decide("Deny", condition, &undecided), "{condition}");
    }
    let other = r#"{"Null":{"saml:sub":"true"}}"#;
    assert!(decide("Allow", other, &undecided) && !decide("Deny", other, &undecided));
}

/// A statement about few enough things that random ones often meet.
fn statement() -> impl Strategy<Value = String> {
    let effects = prop::sample::select(vec!["Allow", "Deny"]);
    let actions = prop::sample::select(vec!["s3:Get*", "s3:GetObject", "iam:*", "*"]);
    let conditions = prop::sample::select(vec![
        "{}",
        r#"{"StringEquals":{"aws:userid":"ann"}}"#,
        r#"{"StringNotEquals":{"aws:userid":"ann"}}"#,
        r#"{"Null":{"aws:username":"false"}}"#,
    ]);
    (effects, actions, conditions).prop_map(|(effect, action, condition)| {
        format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"*","Condition":{condition}}}"#)
    })
}

fn verdict(statements: &[String]) -> Decision {
    let text = format!(r#"{{"Statement":[{}]}}"#, statements.join(","));
    decide(PolicyKind::Identity, &text, Caller::Attached, "s3:GetObject", "arn:aws:s3:::b/k")
}

fn review(kind: PolicyKind, text: &str, caller: Caller<'_>, action: &str) -> Vec<StatementReview> {
    let policy = Policy::parse(kind, text).unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut context = RequestContext::new();
    context.set("aws:userid", "ann");
    policy.review(&Request { caller, action, resource: Some("arn:aws:s3:::b/k"), context: &context })
}

#[test]
fn a_review_names_everything_that_does_not_fit() {
    let text = r#"{"Statement":{"Sid":"s","Effect":"Allow","Action":"s3:Put*","Resource":"arn:aws:s3:::c/*",
        "Condition":{"StringEquals":{"aws:UserId":["bob","cleo"],"aws:username":"ann"},"Null":{"aws:userid":"false"}}}}"#;
    let condition = |key: &str, wanted: &[&str], actual: &[&str]| Obstacle::Condition {
        operator: "StringEquals".to_owned(),
        key: key.to_owned(),
        wanted: wanted.iter().map(|value| (*value).to_owned()).collect(),
        actual: actual.iter().map(|value| (*value).to_owned()).collect(),
        undecided: false,
    };
    let expected = StatementReview {
        statement: StatementRef { index: 0, sid: Some("s".to_owned()) },
        effect: Effect::Allow,
        obstacles: vec![
            Obstacle::Action,
            Obstacle::Resource,
            condition("aws:UserId", &["bob", "cleo"], &["ann"]),
            condition("aws:username", &["ann"], &[]),
        ],
    };
    assert_eq!(review(PolicyKind::Identity, text, Caller::Attached, "s3:GetObject"), [expected]);
    let other = format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{{"Federated":"{CORP}"}},"Action":"sts:*"}}}}"#
    );
    let reviews = review(PolicyKind::Trust, &other, Caller::Federated("arn:x"), "sts:AssumeRoleWithSAML");
    assert_eq!(reviews[0].obstacles, [Obstacle::Principal(vec![CORP.to_owned()])]);
}

proptest! {
    #[test]
    fn a_deny_never_widens(statements in prop::collection::vec(statement(), 1..6), more in statement()) {
        let before = verdict(&statements);
        let deny = more.replace("Allow", "Deny");
        let after = verdict(&[statements, vec![deny]].concat());
        prop_assert!(before.is_allow() || !after.is_allow());
    }

    #[test]
    fn a_review_says_what_the_decision_goes_by(statements in prop::collection::vec(statement(), 1..6)) {
        let text = format!(r#"{{"Statement":[{}]}}"#, statements.join(","));
        let reviews = review(PolicyKind::Identity, &text, Caller::Attached, "s3:GetObject");
        let of = |effect| -> Vec<_> {
            let applying = reviews.iter().filter(|r| r.effect == effect && r.obstacles.is_empty());
            applying.map(|review| review.statement.clone()).collect()
        };
        let expected = match (of(Effect::Deny), of(Effect::Allow)) {
            (denies, _) if !denies.is_empty() => Decision::ExplicitDeny(denies),
            (_, allows) if !allows.is_empty() => Decision::Allow(allows),
            _ => Decision::ImplicitDeny,
        };
        prop_assert_eq!(verdict(&statements), expected);
    }

    #[test]
    fn order_means_nothing(
        (statements, shuffled) in prop::collection::vec(statement(), 1..6)
            .prop_flat_map(|s| (Just(s.clone()), Just(s).prop_shuffle()))
    ) {
        let kind = |decision: Decision| std::mem::discriminant(&decision);
        prop_assert_eq!(kind(verdict(&statements)), kind(verdict(&shuffled)));
    }
}
