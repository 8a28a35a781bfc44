//! Who may assume which role, with what of their session going along.

use std::collections::HashMap;
use std::sync::Arc;

use super::*;
use crate::identity::{Ancestry, LoginMarks, SessionPolicies, UserSession};
use crate::policy::iam::{Policy, PolicyKind};
use crate::policy::rights::{HolderRights, NamedPolicy, Rights};
use crate::policy::tags::TagFault;
use crate::policy::{CallerDenial, Rules, TrustPolicy};

const NOW: Moment = Moment::from_unix(1_800_000_000);
const WHEN: Circumstances = Circumstances::at(NOW);
const HOUR: Duration = Duration::from_secs(3600);

fn role(account: &str, name: &str) -> RoleArn {
    format!("arn:aws:iam::{account}:role/{name}").parse().unwrap()
}

/// `Start` of the first account, whose policies are these, and `Next` of an account, which trusts so.
struct World {
    policies: Policies,
    next: RoleArn,
    next_id: RoleId,
    start: RoleSession,
    user: UserSession,
}

impl World {
    fn new(account: &str, trust: &str, caller_policies: &[&str]) -> Self {
        let (start, next) = (role("111122223333", "Start"), role(account, "Next"));
        let user: crate::arn::UserArn = "arn:aws:iam::111122223333:user/ci/bot".parse().unwrap();
        let named = |text: &&str| {
            let policy =
                Policy::parse(PolicyKind::Identity, text).unwrap_or_else(|faults| panic!("{faults:?}"));
            Arc::new(NamedPolicy { name: "policy".into(), policy })
        };
        let of_caller =
            || HolderRights { identity: caller_policies.iter().map(named).collect(), boundary: None };
        let rights = Rights {
            roles: HashMap::from([(start.clone(), of_caller())]),
            users: HashMap::from([(user.clone(), of_caller())]),
            ..Rights::default()
        };
        let trust = TrustPolicy::parse(trust).unwrap_or_else(|faults| panic!("{faults:?}"));
        let trusts = HashMap::from([(next.clone(), trust)]);
        Self {
            policies: Policies::new(Rules::compile(Vec::new()).unwrap(), trusts, rights),
            next_id: RoleId::of_declared(&next),
            next,
            start: RoleSession {
                role_id: RoleId::of_declared(&start),
                role: start,
                session_name: "ann".into(),
                provider: Some("arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap()),
                subject: Some("ann-7".into()),
                assumed_by: None,
                ancestry: Ancestry::default(),
                mfa: None,
                source_identity: None,
                tags: Vec::new(),
                policies: SessionPolicies::default(),
                provider_session_ends: None,
                login: Some(LoginMarks { subject: [1; 16], sessions: Vec::new(), unnamed: None }),
                grant: Some([2; 16]),
                issued: NOW,
                expires: NOW.plus(HOUR),
            },
            user: UserSession {
                user_id: crate::arn::UserId::of_declared(&user),
                user,
                lifetime: None,
                mfa: None,
            },
        }
    }

    fn ask<'a>(&'a self, caller: Holder<'a>) -> AssumeRequest<'a> {
        AssumeRequest {
            ancestry: Ancestry::default(),
            caller,
            role: &self.next,
            known: Some((&self.next_id, HOUR * 4)),
            signed_in_within: None,
            session_name: "next",
            duration: None,
            policies: SessionPolicies::NONE,
            external_id: None,
            source_identity: None,
            tags: &[],
            mfa: None,
        }
    }

    fn by_role(&self, change: impl FnOnce(&mut RoleSession)) -> RoleSession {
        let mut session = self.start.clone();
        change(&mut session);
        session
    }
}

/// A trust policy that allows this principal `sts:*` on this condition.
fn trusts(principal: &str, condition: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "sts:*",
            "Principal": {{"AWS": "{principal}"}}, "Condition": {{{condition}}}}}]}}"#
    )
}

const MAY_ASSUME: &str = r#"{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}"#;
const MAY_ALL: &str = r#"{"Statement": {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}}"#;
const MAY_NOT: &str = r#"{"Statement": {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}}"#;
const START: &str = "arn:aws:iam::111122223333:role/Start";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Start/ann";
const USER: &str = "arn:aws:iam::111122223333:user/ci/bot";
const ACCOUNT: &str = "111122223333";
const OTHER: &str = "444455556666";

/// The action that is refused, and why.
fn refused(result: Result<AuthorizedSession, Denial>) -> Option<(&'static str, String)> {
    match result {
        Ok(_) => None,
        Err(Denial::Caller(denial)) => match *denial {
            CallerDenial::NotAllowed { action, reason, .. } => Some((action, reason)),
            other => panic!("{other:?}"),
        },
        Err(other) => panic!("{other:?}"),
    }
}

/// Facts 5.4: in one account the trust policy is enough where it names the caller itself or its role; across
/// accounts both must allow.
#[test]
fn both_sides_are_asked() {
    let no = |reason: &str| Some(("sts:AssumeRole", reason.to_owned()));
    let no_identity = no("because no identity-based policy allows the sts:AssumeRole action");
    let no_trust = no("because no role trust policy allows the sts:AssumeRole action");
    for (account, principal, policies, of_role, of_user) in [
        (ACCOUNT, START, &[][..], None, no_trust.clone()),
        (ACCOUNT, SESSION, &[], None, no_trust.clone()),
        (ACCOUNT, USER, &[], no_trust.clone(), None),
        (ACCOUNT, "*", &[], None, None),
        (ACCOUNT, ACCOUNT, &[], no_identity.clone(), no_identity.clone()),
        (ACCOUNT, ACCOUNT, &[MAY_ASSUME], None, None),
        (ACCOUNT, "arn:aws:iam::111122223333:root", &[MAY_ASSUME], None, None),
        (ACCOUNT, OTHER, &[MAY_ASSUME], no_trust.clone(), no_trust.clone()),
        (OTHER, START, &[], no_identity.clone(), no_trust.clone()),
        (OTHER, START, &[MAY_ASSUME], None, no_trust.clone()),
        (OTHER, USER, &[MAY_ASSUME], no_trust, None),
        (OTHER, "*", &[], no_identity.clone(), no_identity),
        (OTHER, ACCOUNT, &[MAY_ASSUME], None, None),
        (
            ACCOUNT,
            "*",
            &[MAY_NOT],
            no("with an explicit deny in an identity-based policy"),
            no("with an explicit deny in an identity-based policy"),
        ),
    ] {
        let world = World::new(account, &trusts(principal, ""), policies);
        let by = |holder| refused(world.policies.assume(&world.ask(holder), WHEN));
        let shown = format!("{account} {principal} {policies:?}");
        assert_eq!(by((&world.start).into()), of_role, "role: {shown}");
        assert_eq!(by(Holder::User(&world.user)), of_user, "user: {shown}");
    }
}

#[test]
fn a_role_that_is_not_there_is_refused_as_one_that_may_not_be_had() {
    let world = World::new(ACCOUNT, &trusts("*", ""), &[]);
    let gone = role(ACCOUNT, "Gone");
    let ask = AssumeRequest { role: &gone, known: None, ..world.ask((&world.start).into()) };
    assert_eq!(
        refused(world.policies.assume(&ask, WHEN)),
        Some(("sts:AssumeRole", "there is no such role".into()))
    );
    let unknown = AssumeRequest { known: None, ..world.ask((&world.start).into()) };
    assert_eq!(
        refused(world.policies.assume(&unknown, WHEN)),
        Some(("sts:AssumeRole", "there is no such role".into()))
    );
}

/// What a call says beside role and name.
enum Says {
    Nothing,
    ExternalId(&'static str),
    SourceIdentity(&'static str),
    Code,
    Tag,
    Duration(Duration),
}

#[test]
fn conditions_see_the_call_and_the_caller() {
    use Says::{Code, ExternalId, Nothing, SourceIdentity, Tag};
    let tag = [SessionTag { key: "Team".into(), value: "red".into(), transitive: true }];
    for (condition, says, granted) in [
        (r#""StringEquals": {"sts:ExternalId": "x-1"}"#, ExternalId("x-1"), true),
        (r#""StringEquals": {"sts:ExternalId": "x-1"}"#, ExternalId("x-2"), false),
        (r#""StringEquals": {"sts:ExternalId": "x-1"}"#, Nothing, false),
        (r#""Bool": {"aws:MultiFactorAuthPresent": "true"}"#, Code, true),
        (r#""Bool": {"aws:MultiFactorAuthPresent": "true"}"#, Nothing, false),
        (r#""NumericLessThan": {"aws:MultiFactorAuthAge": "60"}"#, Code, true),
        (r#""NumericLessThan": {"aws:MultiFactorAuthAge": "60"}"#, Nothing, false),
        (r#""StringEquals": {"sts:RoleSessionName": "next"}"#, Nothing, true),
        (r#""StringEquals": {"sts:SourceIdentity": "ann"}"#, SourceIdentity("ann"), true),
        (r#""StringEquals": {"sts:SourceIdentity": "ann"}"#, SourceIdentity("ben"), false),
        (r#""StringEquals": {"aws:RequestTag/team": "red", "aws:TagKeys": "Team"}"#, Tag, true),
        (r#""StringEquals": {"aws:RequestTag/team": "red"}"#, Nothing, false),
        (r#""StringEquals": {"sts:TransitiveTagKeys": "Team"}"#, Tag, true),
        (r#""NumericEquals": {"sts:DurationSeconds": "3600"}"#, Nothing, true),
        (r#""NumericEquals": {"sts:DurationSeconds": "900"}"#, Says::Duration(HOUR / 4), true),
        (r#""StringEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/Start"}"#, Nothing, true),
        (r#""StringLike": {"aws:userid": "*:ann"}"#, Nothing, true),
        (r#""IpAddress": {"aws:SourceIp": "192.0.2.0/24"}"#, Nothing, true),
        (r#""IpAddress": {"aws:SourceIp": "198.51.100.0/24"}"#, Nothing, false),
    ] {
        let world = World::new(ACCOUNT, &trusts("*", condition), &[]);
        let mut ask = world.ask((&world.start).into());
        match says {
            Nothing => {}
            ExternalId(id) => ask.external_id = Some(id),
            SourceIdentity(name) => ask.source_identity = Some(name),
            Code => ask.mfa = Some(NOW),
            Tag => ask.tags = &tag,
            Says::Duration(duration) => ask.duration = Some(duration),
        }
        let when = Circumstances { source_ip: "192.0.2.7".parse().ok(), ..WHEN };
        assert_eq!(world.policies.assume(&ask, when).is_ok(), granted, "{condition}");
    }
}

/// Facts 1.7: what is tagged, or names whom it is about, needs an action of its own.
#[test]
fn tags_and_source_identity_must_be_allowed() {
    let only_assume = trusts("*", "").replace("sts:*", "sts:AssumeRole");
    let world = World::new(ACCOUNT, &only_assume, &[MAY_ALL]);
    let tags = [SessionTag { key: "team".into(), value: "red".into(), transitive: false }];
    let action =
        |ask: &AssumeRequest<'_>| refused(world.policies.assume(ask, WHEN)).map(|(action, _)| action);
    let plain = world.ask((&world.start).into());
    assert_eq!(action(&plain), None);
    assert_eq!(action(&AssumeRequest { tags: &tags, ..plain.clone() }), Some("sts:TagSession"));
    assert_eq!(
        action(&AssumeRequest { source_identity: Some("ann"), ..plain }),
        Some("sts:SetSourceIdentity")
    );
    let named = world.by_role(|session| session.source_identity = Some("ann".into()));
    assert_eq!(action(&world.ask((&named).into())), Some("sts:SetSourceIdentity"), "it goes along");
    let tagged =
        world.by_role(|session| session.tags = vec![SessionTag { transitive: true, ..tags[0].clone() }]);
    assert_eq!(action(&world.ask((&tagged).into())), Some("sts:TagSession"), "it goes along");
}

#[test]
fn what_a_session_carries_goes_along() {
    let world = World::new(ACCOUNT, &trusts("*", ""), &[]);
    let tag = |key: &str, transitive| SessionTag { key: key.into(), value: "v".into(), transitive };
    let caller = world.by_role(|session| {
        session.tags = vec![tag("stays", false), tag("goes", true)];
        session.source_identity = Some("ann".into());
        session.provider_session_ends = Some(NOW.plus(HOUR / 2));
    });
    let passed = [tag("new", false), tag("stays", false)];
    let ask = AssumeRequest { tags: &passed, source_identity: Some("ann"), ..world.ask((&caller).into()) };
    let granted = world.policies.assume(&ask, WHEN).unwrap();
    let session = granted.session();
    assert_eq!(session.tags, [tag("goes", true), tag("new", false), tag("stays", false)]);
    assert_eq!(session.source_identity.as_deref(), Some("ann"));
    assert_eq!((&session.login, session.grant), (&caller.login, caller.grant), "it ends with them");
    assert_eq!((&session.provider, &session.subject), (&caller.provider, &caller.subject));
    assert_eq!(session.assumed_by.as_deref(), Some(SESSION));
    assert_eq!(session.expires, NOW.plus(HOUR / 2), "the provider's session");
    let again = [tag("GOES", false)];
    let ask = AssumeRequest { tags: &again, ..world.ask((&caller).into()) };
    assert_eq!(world.policies.assume(&ask, WHEN).unwrap_err(), Denial::Tags(TagFault::Inherited));
    let ask = AssumeRequest { source_identity: Some("ben"), ..world.ask((&caller).into()) };
    let set = CallerDenial::SourceIdentitySet("ann".into());
    assert_eq!(world.policies.assume(&ask, WHEN).unwrap_err(), set.into());
}

/// Facts 1.6: a role that a role assumes lasts an hour; one that a user assumes as long as it allows.
#[test]
fn a_chain_lasts_an_hour() {
    let world = World::new(ACCOUNT, &trusts("*", ""), &[]);
    let lasts = |holder, duration| {
        let ask = AssumeRequest { duration, ..world.ask(holder) };
        world.policies.assume(&ask, WHEN).map(|granted| granted.length().granted)
    };
    let (of_role, of_user) = (Holder::Role(&world.start), Holder::User(&world.user));
    assert_eq!(lasts(of_role, None), Ok(HOUR));
    assert_eq!(lasts(of_role, Some(HOUR)), Ok(HOUR));
    let requested = HOUR + Duration::from_secs(1);
    assert_eq!(
        lasts(of_role, Some(requested)),
        Err(CallerDenial::DurationOverChainLimit { requested }.into())
    );
    assert_eq!(lasts(of_user, Some(HOUR * 4)), Ok(HOUR * 4));
    let (requested, maximum) = (HOUR * 5, HOUR * 4);
    let over = Denial::DurationOverRoleMaximum { requested, maximum };
    assert_eq!(lasts(of_user, Some(requested)), Err(over.clone()));
    assert_eq!(lasts(of_role, Some(requested)), Err(over), "the role's maximum comes first");
}

/// Whoever was assumed into a role by credentials has no provider's word behind it any more.
#[test]
fn a_chained_session_is_not_a_federated_one() {
    let condition =
        r#""StringEquals": {"aws:FederatedProvider": "arn:aws:iam::111122223333:saml-provider/corp"}"#;
    let world = World::new(ACCOUNT, &trusts("*", condition), &[]);
    assert!(world.policies.assume(&world.ask((&world.start).into()), WHEN).is_ok());
    let chained = world.by_role(|session| session.assumed_by = Some(USER.into()));
    assert!(world.policies.assume(&world.ask((&chained).into()), WHEN).is_err());
}

/// Nobody knows any more when a person signed in, so a second factor counts.
#[test]
fn a_role_that_wants_a_fresh_sign_in_wants_a_second_factor() {
    let world = World::new(ACCOUNT, &trusts("*", ""), &[]);
    let within = Some(Duration::from_secs(900));
    let outcome = |mfa: Option<u64>, now: bool| {
        let session = world.by_role(|session| {
            session.mfa = mfa.map(|seconds| NOW.minus(Duration::from_secs(seconds)));
        });
        let mfa = now.then_some(NOW);
        let ask = AssumeRequest { signed_in_within: within, mfa, ..world.ask((&session).into()) };
        world.policies.assume(&ask, WHEN).map(|_| ())
    };
    let too_old = |seconds: Option<u64>| {
        let seen = seconds.map(|seconds| NOW.minus(Duration::from_secs(seconds)));
        Err(Denial::SignInTooOld { within: Duration::from_secs(900), seen })
    };
    assert_eq!(outcome(None, false), too_old(None));
    assert_eq!(outcome(Some(900), false), Ok(()));
    assert_eq!(outcome(Some(901), false), too_old(Some(901)));
    assert_eq!(outcome(Some(901), true), Ok(()));
}
