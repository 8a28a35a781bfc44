//! What is asked about a session, with the policies that are configured for its role.

use std::time::Duration;

use super::*;
use crate::arn::RoleId;
use crate::identity::{Ancestry, RoleSession, SessionPolicies, SessionTag};
use crate::policy::{Rules, TrustPolicy};

const NOW: Moment = Moment::from_unix(1_893_456_000);
const DEPLOY: &str = "arn:aws:iam::111122223333:role/eng/Deploy";
const OBJECT: &str = "arn:aws:s3:::b/ann/k";

fn session(policy: Option<&str>) -> RoleSession {
    let role: RoleArn = DEPLOY.parse().unwrap();
    RoleSession {
        assumed_by: None,
        ancestry: Ancestry::default(),
        mfa: None,
        role_id: RoleId::of_declared(&role),
        role,
        session_name: "ann@example.com".into(),
        provider: Some("arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap()),
        subject: Some("ann".into()),
        source_identity: Some("ann".into()),
        tags: vec![SessionTag { key: "Team".into(), value: "platform".into(), transitive: false }],
        policies: SessionPolicies { inline: policy.map(str::to_owned), managed: Vec::new() },
        provider_session_ends: None,
        login: None,
        grant: None,
        issued: NOW.minus(Duration::from_secs(60)),
        expires: NOW.plus(Duration::from_secs(3600)),
    }
}

fn named(kind: PolicyKind, name: &str, text: &str) -> Arc<NamedPolicy> {
    let policy = Policy::parse(kind, text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
    Arc::new(NamedPolicy { name: name.to_owned(), policy })
}

/// A role that has `identity` as its policy, and trusts whom `trust` says.
fn policies(identity: &str, trust: &str) -> Policies {
    let role: RoleArn = DEPLOY.parse().unwrap();
    let identity = vec![named(PolicyKind::Identity, "deploy.json", identity)];
    let rights = Rights {
        roles: HashMap::from([(role.clone(), HolderRights { identity, boundary: None })]),
        ..Rights::default()
    };
    let trusts = HashMap::from([(role, TrustPolicy::parse(trust).unwrap())]);
    Policies::new(Rules::compile(Vec::new()).unwrap(), trusts, rights)
}

const NOBODY: &str =
    r#"{"Statement":{"Effect":"Deny","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"}}"#;

/// A policy that allows everything on one condition.
fn on(condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":
            {{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{{condition}}}}}}}"#
    )
}

fn question<'a>(action: &'a str, resource: &'a str) -> AccessQuestion<'a> {
    AccessQuestion { action, resource, ..AccessQuestion::default() }
}

#[test]
fn a_session_has_the_keys_that_calls_of_it_carry() {
    for (condition, holds) in [
        (r#""ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/eng/Deploy"}"#, true),
        (r#""StringLike":{"aws:userid":"AROA*:ann@example.com"}"#, true),
        (r#""StringEquals":{"aws:PrincipalType":"AssumedRole"}"#, true),
        (r#""StringEquals":{"aws:PrincipalAccount":"111122223333"}"#, true),
        (r#""StringEquals":{"aws:PrincipalTag/team":"platform"}"#, true),
        (r#""StringEquals":{"aws:PrincipalTag/team":"Platform"}"#, false),
        (r#""StringEquals":{"aws:SourceIdentity":"ann"}"#, true),
        (r#""StringEquals":{"aws:FederatedProvider":"arn:aws:iam::111122223333:saml-provider/corp"}"#, true),
        (r#""DateEquals":{"aws:TokenIssueTime":"2029-12-31T23:59:00Z"}"#, true),
        (r#""DateEquals":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}"#, true),
        (r#""NumericEquals":{"aws:EpochTime":"1893456000"}"#, true),
        (r#""Bool":{"aws:MultiFactorAuthPresent":"true"}"#, false),
        (r#""Bool":{"aws:MultiFactorAuthPresent":"false"}"#, true),
        (r#""StringEquals":{"saml:sub":"ann"}"#, true),
        (r#""StringNotEquals":{"saml:sub_type":"transient"}"#, false),
        (r#""Null":{"saml:namequalifier":"true"}"#, false),
        (r#""Null":{"aws:username":"true","aws:SourceIp":"true"}"#, true),
    ] {
        let policies = policies(&on(condition), NOBODY);
        let session = session(None);
        let asked = policies.ask((&session).into(), &question("s3:GetObject", OBJECT), NOW).unwrap();
        assert_eq!(asked.decide().is_allowed(), holds, "{condition}");
    }
}

#[test]
fn a_session_by_a_token_has_its_subject_and_nobody_can_tell_the_rest() {
    let mut session = session(None);
    let provider = "arn:aws:iam::111122223333:oidc-provider/accounts.example.com";
    session.provider = Some(provider.parse().unwrap());
    for (condition, holds) in [
        (r#""StringEquals":{"accounts.example.com:sub":"ann"}"#, true),
        (r#""StringEquals":{"accounts.example.com:sub":"bob"}"#, false),
        (r#""StringNotEquals":{"accounts.example.com:aud":"evil"}"#, false),
        (r#""Null":{"accounts.example.com:amr":"true"}"#, false),
        (r#""Null":{"accounts.example.com:email":"true"}"#, true),
    ] {
        let policies = policies(&on(condition), NOBODY);
        let asked = policies.ask((&session).into(), &question("s3:GetObject", OBJECT), NOW).unwrap();
        assert_eq!(asked.decide().is_allowed(), holds, "{condition}");
    }
    let policies = policies(&on(r#""Null":{"aws:username":"true"}"#), NOBODY);
    for key in ["accounts.example.com:sub", "Accounts.Example.com:email"] {
        let context = vec![(key, vec!["x"])];
        let asked = AccessQuestion { context, ..question("s3:GetObject", OBJECT) };
        assert_eq!(
            policies.ask((&session).into(), &asked, NOW).err(),
            Some(AskFault::OurKey(key.to_owned()))
        );
    }
}

#[test]
fn a_service_says_what_it_knows_and_nothing_else() {
    let policies = policies(&on(r#""IpAddress":{"aws:SourceIp":"192.0.2.0/24"}"#), NOBODY);
    let session = session(None);
    let ask = |key: &'static str, value: &'static str| {
        let context = vec![(key, vec![value])];
        policies.ask((&session).into(), &AccessQuestion { context, ..question("s3:GetObject", OBJECT) }, NOW)
    };
    assert!(ask("aws:SourceIp", "192.0.2.9").unwrap().decide().is_allowed());
    assert!(!ask("aws:SourceIp", "203.0.113.9").unwrap().decide().is_allowed());
    for key in [
        "aws:PrincipalTag/team",
        "AWS:principaltag/Team",
        "aws:PrincipalArn",
        "aws:userid",
        "aws:CurrentTime",
        "aws:MultiFactorAuthPresent",
        "aws:SourceIdentity",
        "saml:sub",
    ] {
        assert_eq!(ask(key, "x").err(), Some(AskFault::OurKey(key.to_owned())));
    }
}

#[test]
fn a_session_policy_narrows_and_an_unreadable_one_allows_nothing() {
    let policies = policies(r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#, NOBODY);
    let gets = r#"{"Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#;
    for (policy, action, expected) in [
        (None, "s3:PutObject", "allowed"),
        (Some(gets), "s3:GetObject", "allowed"),
        (Some(gets), "s3:PutObject", "because no session policy allows the s3:PutObject action"),
        (Some("{"), "s3:GetObject", "because no session policy allows the s3:GetObject action"),
        (None, "sqs:SendMessage", "because no identity-based policy allows the sqs:SendMessage action"),
    ] {
        let session = session(policy);
        let asked = policies.ask((&session).into(), &question(action, OBJECT), NOW).unwrap();
        let seen = asked.decide().because(action).unwrap_or_else(|| "allowed".to_owned());
        assert_eq!(seen, expected, "{policy:?}");
    }
}

/// Managed policies are read as they are now; what one denied that is gone, nobody knows.
#[test]
fn a_managed_policy_that_is_gone_leaves_nothing() {
    let mut policies = policies(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#, NOBODY);
    let arn = |name: &str| format!("arn:aws:iam::aws:policy/{name}").parse().unwrap();
    let s3 = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    let mut hold = |name: &str| {
        policies.rights.managed.insert(arn(name), named(PolicyKind::Managed, name, s3));
        let session = RoleSession {
            policies: SessionPolicies {
                inline: Some(s3.to_owned()),
                managed: vec![arn("Some"), arn("Others")],
            },
            ..session(None)
        };
        let asked = policies.ask((&session).into(), &question("s3:GetObject", OBJECT), NOW).unwrap();
        asked.decide()
    };
    assert_eq!(hold("Some"), Access::NotAllowed(Layer::Session));
    let grounds = hold("Others").grounds().iter().map(|ground| ground.policy.clone()).collect::<Vec<_>>();
    assert_eq!(grounds, ["deploy.json", "session policy", "Some", "Others"]);
}

#[test]
fn the_account_is_that_of_the_arn_or_what_the_service_says() {
    let policies = policies(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#, NOBODY);
    let session = session(None);
    let ask = |resource: &'static str, account: Option<&str>, policy: Option<&'static str>| {
        let resource_account = account.map(|id| id.parse().unwrap());
        let asked = AccessQuestion {
            resource_account,
            resource_policy: policy,
            ..question("s3:GetObject", resource)
        };
        policies.ask((&session).into(), &asked, NOW).map(|asked| asked.decide().is_allowed())
    };
    let grant =
        r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}}"#;
    assert_eq!(ask("*", None, None), Ok(true));
    assert_eq!(ask(OBJECT, None, None), Ok(true));
    assert_eq!(ask(OBJECT, Some("111122223333"), None), Ok(true));
    assert_eq!(ask(OBJECT, Some("444455556666"), None), Ok(false));
    assert_eq!(ask(OBJECT, Some("444455556666"), Some(grant)), Ok(true));
    assert_eq!(ask("arn:aws:sqs:eu-west-1:444455556666:q", None, None), Ok(false));
    assert_eq!(ask("arn:aws:sqs:eu-west-1:444455556666:q", None, Some(grant)), Ok(true));
    assert_eq!(
        ask("arn:aws:sqs:eu-west-1:444455556666:q", Some("111122223333"), None),
        Err(AskFault::Account("444455556666".parse().unwrap()))
    );
}

#[test]
fn a_role_is_assumed_by_its_own_trust_policy() {
    let may = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}"#;
    let trust = |who: &str| {
        format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"sts:AssumeRole"}}}}"#
        )
    };
    let session = session(None);
    for (who, expected) in [("111122223333", true), ("444455556666", false)] {
        let policies = policies(may, &trust(who));
        // What a service says of the role's policy counts for nothing: it is ours.
        let open = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
        let asked = AccessQuestion { resource_policy: Some(open), ..question("STS:AssumeRole", DEPLOY) };
        assert_eq!(
            policies.ask((&session).into(), &asked, NOW).unwrap().decide().is_allowed(),
            expected,
            "{who}"
        );
    }
}

#[test]
fn questions_that_are_none() {
    let policies = policies(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#, NOBODY);
    let session = session(None);
    let fault = |action: &'static str, resource: &'static str, policy: Option<&'static str>| {
        let asked = AccessQuestion { resource_policy: policy, ..question(action, resource) };
        policies.ask((&session).into(), &asked, NOW).err().map(|fault| fault.to_string())
    };
    assert_eq!(fault("s3:GetObject", OBJECT, None), None);
    for action in ["", "s3", "s3:", ":GetObject", "s3:Get*", "*", "s3:Get:Object"] {
        let expected = format!("{action:?} is not an action such as s3:GetObject");
        assert_eq!(fault(action, OBJECT, None), Some(expected));
    }
    for resource in ["", "b/k", "arn:aws:s3", "arn:aws:s3:::", "urn:aws:s3:::b", "arn:aws:sqs:r:12:q"] {
        assert_eq!(fault("s3:GetObject", resource, None), Some(format!("{resource:?} is not an ARN")));
    }
    let expected = "the resource's policy is not valid: Statement: it has no Principal";
    let nobody = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    assert_eq!(fault("s3:GetObject", OBJECT, Some(nobody)).as_deref(), Some(expected));
}
