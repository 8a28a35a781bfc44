//! Which layers must allow, for whom, and what a deny does.

use proptest::prelude::*;

use super::*;
use crate::policy::iam::StatementRef;

const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";
const ROLE: &str = "arn:aws:iam::111122223333:role/eng/Deploy";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Deploy/ann";
const ACTION: &str = "s3:GetObject";
const OBJECT: &str = "arn:aws:s3:::b/k";

fn policy(kind: PolicyKind, text: &str) -> Policy {
    Policy::parse(kind, text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

fn attached(kind: PolicyKind, effect: &str) -> Policy {
    let text = format!(r#"{{"Statement":{{"Effect":"{effect}","Action":"s3:*","Resource":"*"}}}}"#);
    policy(kind, &text)
}

/// A resource's policy about `who`: a member such as `"Principal":"*"`.
fn resource(effect: &str, who: &str) -> Policy {
    let text = format!(r#"{{"Statement":{{"Effect":"{effect}",{who},"Action":"s3:*","Resource":"*"}}}}"#);
    policy(PolicyKind::Resource, &text)
}

fn aws(who: &str) -> String {
    format!(r#""Principal":{{"AWS":"{who}"}}"#)
}

fn named(name: &str, policy: Policy) -> Arc<NamedPolicy> {
    Arc::new(NamedPolicy { name: name.to_owned(), policy })
}

/// All that can speak of a request, each as an effect; `None` is a policy that is not there, and an
/// effect of `None` within one is a policy that speaks of something else.
#[derive(Debug, Clone, Default)]
struct World {
    control: Vec<Vec<Policy>>,
    identity: Vec<Policy>,
    boundary: Option<Policy>,
    session: Option<Vec<Policy>>,
    resource: Option<Policy>,
    foreign: bool,
}

impl World {
    fn decide(&self) -> Access {
        self.decide_on(ACTION, OBJECT)
    }

    fn decide_on(&self, action: &str, to: &str) -> Access {
        let attach = |policies: &[Policy]| policies.iter().map(|it| named("p", it.clone())).collect();
        let control: Vec<Vec<_>> = self.control.iter().map(|level| attach(level)).collect();
        let identity: Vec<_> = attach(&self.identity);
        let session: Option<Vec<_>> = self.session.as_deref().map(attach);
        let boundary = self.boundary.clone().map(|policy| named("boundary", policy));
        let applicable = Applicable {
            service_control: &control,
            identity: &identity,
            boundary: boundary.as_deref(),
            session: session.as_deref().map_or(SessionLimit::Whole, SessionLimit::To),
            resource: self.resource.as_ref(),
            resource_account: if self.foreign { OTHER } else { OWN }.parse().unwrap(),
        };
        let has_boundary = self.boundary.is_some();
        let caller =
            AwsCaller { account: OWN.parse().unwrap(), arn: SESSION, role: Some(ROLE), has_boundary };
        let context = &RequestContext::new();
        applicable.decide(&SignedCall { caller, action, resource: to, context })
    }
}

fn said(access: &Access) -> String {
    let list = |word: &str, grounds: &[Ground]| {
        let layers: Vec<_> = grounds.iter().map(|ground| ground.layer.name()).collect();
        format!("{word} by {}", layers.join(", "))
    };
    match access {
        Access::Allowed(grounds) => list("allowed", grounds),
        Access::Denied(grounds) => list("denied", grounds),
        Access::NotAllowed(layer) => format!("no {layer} allows it"),
    }
}

fn allow(kind: PolicyKind) -> Policy {
    attached(kind, "Allow")
}

/// Something, but not this.
fn silent(kind: PolicyKind) -> Policy {
    policy(kind, r#"{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}"#)
}

#[test]
fn what_is_attached_must_all_allow() {
    let whole = World {
        control: vec![vec![allow(PolicyKind::ServiceControl)]; 2],
        identity: vec![silent(PolicyKind::Identity), allow(PolicyKind::Identity)],
        boundary: Some(allow(PolicyKind::Boundary)),
        session: Some(vec![silent(PolicyKind::Session), allow(PolicyKind::Session)]),
        ..World::default()
    };
    let control = "service control policy, service control policy";
    let expected =
        format!("allowed by {control}, identity-based policy, permissions boundary, session policy");
    assert_eq!(said(&whole.decide()), expected);
    for (change, expected) in [
        (World { identity: vec![], ..whole.clone() }, "no identity-based policy allows it"),
        (
            World { identity: vec![silent(PolicyKind::Identity)], ..whole.clone() },
            "no identity-based policy allows it",
        ),
        (
            World { boundary: Some(silent(PolicyKind::Boundary)), ..whole.clone() },
            "no permissions boundary allows it",
        ),
        (World { session: Some(vec![]), ..whole.clone() }, "no session policy allows it"),
        (
            World { session: Some(vec![silent(PolicyKind::Session)]), ..whole.clone() },
            "no session policy allows it",
        ),
        (
            World {
                control: vec![
                    vec![allow(PolicyKind::ServiceControl)],
                    vec![silent(PolicyKind::ServiceControl)],
                ],
                ..whole.clone()
            },
            "no service control policy allows it",
        ),
    ] {
        assert_eq!(said(&change.decide()), expected);
    }
    let alone = World { identity: vec![allow(PolicyKind::Identity)], ..World::default() };
    assert_eq!(said(&alone.decide()), "allowed by identity-based policy");
    assert_eq!(said(&World::default().decide()), "no identity-based policy allows it");
}

#[test]
fn a_deny_anywhere_decides() {
    let open = World {
        identity: vec![allow(PolicyKind::Identity)],
        resource: Some(resource("Allow", &aws(SESSION))),
        ..World::default()
    };
    let deny = |kind| attached(kind, "Deny");
    for (change, layer) in [
        (
            World { control: vec![vec![deny(PolicyKind::ServiceControl)]], ..open.clone() },
            "service control policy",
        ),
        (
            World { identity: vec![allow(PolicyKind::Identity), deny(PolicyKind::Identity)], ..open.clone() },
            "identity-based policy",
        ),
        (World { boundary: Some(deny(PolicyKind::Boundary)), ..open.clone() }, "permissions boundary"),
        (World { session: Some(vec![deny(PolicyKind::Session)]), ..open.clone() }, "session policy"),
        (
            World { resource: Some(resource("Deny", r#""Principal":"*""#)), ..open.clone() },
            "resource-based policy",
        ),
    ] {
        assert_eq!(said(&change.decide()), format!("denied by {layer}"));
    }
    assert!(open.decide().is_allowed());
}

/// Facts 5.4, the table of the module.
#[test]
fn what_a_resource_policy_is_worth_depends_on_how_it_names_the_caller() {
    let (by_session, by_role) = (aws(SESSION), aws(ROLE));
    let (anyone, account) = (aws("*"), aws(OWN));
    let root = aws("arn:aws:iam::111122223333:root");
    let no_identity = "no identity-based policy allows it";
    let no_boundary = "no permissions boundary allows it";
    let no_session = "no session policy allows it";
    let by_resource = "allowed by resource-based policy";
    for (who, nothing_else, shut_boundary, shut_session) in [
        (&by_session, by_resource, by_resource, by_resource),
        (&by_role, by_resource, no_boundary, no_session),
        (&anyone, by_resource, no_boundary, no_session),
        (&account, no_identity, no_identity, no_identity),
        (&root, no_identity, no_identity, no_identity),
        (&aws("arn:aws-cn:iam::111122223333:root"), no_identity, no_identity, no_identity),
    ] {
        let world = World { resource: Some(resource("Allow", who)), ..World::default() };
        let shut = World { boundary: Some(silent(PolicyKind::Boundary)), ..world.clone() };
        let narrow = World { session: Some(vec![silent(PolicyKind::Session)]), ..world.clone() };
        let seen = [said(&world.decide()), said(&shut.decide()), said(&narrow.decide())];
        assert_eq!(seen, [nothing_else, shut_boundary, shut_session], "{who}");
    }
}

#[test]
fn from_another_account_both_must_allow() {
    let both = "allowed by resource-based policy, identity-based policy";
    for (who, expected) in [
        (aws(SESSION), both),
        (aws(ROLE), both),
        (aws("*"), both),
        (aws(OWN), both),
        (aws("arn:aws-cn:iam::111122223333:root"), "no resource-based policy allows it"),
        (aws(OTHER), "no resource-based policy allows it"),
        (aws("arn:aws:iam::111122223333:role/Deploy"), "no resource-based policy allows it"),
    ] {
        let open = World {
            resource: Some(resource("Allow", &who)),
            identity: vec![allow(PolicyKind::Identity)],
            foreign: true,
            ..World::default()
        };
        assert_eq!(said(&open.decide()), expected, "{who}");
        for shut in [
            World { identity: vec![], ..open.clone() },
            World { boundary: Some(silent(PolicyKind::Boundary)), ..open.clone() },
            World { session: Some(vec![]), ..open.clone() },
            World { resource: None, ..open.clone() },
        ] {
            assert!(!shut.decide().is_allowed(), "{who}");
        }
    }
}

/// A trust policy must allow in any case, though the role be of the same account and trust nobody but
/// by name (facts 5.4).
#[test]
fn nobody_assumes_a_role_without_its_trust() {
    let trust = |who: &str| {
        let text = format!(r#"{{"Statement":{{"Effect":"Allow",{who},"Action":"sts:AssumeRole"}}}}"#);
        Some(policy(PolicyKind::Trust, &text))
    };
    let may_assume = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}"#;
    let identity = vec![policy(PolicyKind::Identity, may_assume)];
    for (who, own, may, expected) in [
        (aws(SESSION), false, false, "allowed by role trust policy"),
        (aws(ROLE), false, false, "allowed by role trust policy"),
        (aws("*"), false, false, "allowed by role trust policy"),
        (aws(OWN), false, false, "no identity-based policy allows it"),
        (aws(OWN), false, true, "allowed by role trust policy, identity-based policy"),
        (aws(OTHER), false, true, "no role trust policy allows it"),
        (aws(ROLE), true, false, "no identity-based policy allows it"),
        (aws(ROLE), true, true, "allowed by role trust policy, identity-based policy"),
        (
            r#""Principal":{"Service":"ec2.amazonaws.com"}"#.to_owned(),
            false,
            true,
            "no role trust policy allows it",
        ),
    ] {
        let world = World {
            identity: if may { identity.clone() } else { vec![] },
            resource: trust(&who),
            foreign: own,
            ..World::default()
        };
        let seen = said(&world.decide_on("sts:AssumeRole", "arn:aws:iam::111122223333:role/Next"));
        assert_eq!(seen, expected, "{who}");
    }
}

#[test]
fn not_principal_spares_who_is_listed_by_every_name() {
    let identity = vec![allow(PolicyKind::Identity)];
    let account = "arn:aws:iam::111122223333:root";
    for (spared, expected) in [
        (format!(r#"["{SESSION}","{ROLE}","{account}"]"#), "allowed by identity-based policy"),
        (format!(r#"["{SESSION}","{ROLE}","{OWN}"]"#), "allowed by identity-based policy"),
        (format!(r#"["{SESSION}","{ROLE}"]"#), "denied by resource-based policy"),
        (format!(r#"["{ROLE}","{account}"]"#), "denied by resource-based policy"),
        (format!(r#"["{SESSION}","{account}"]"#), "denied by resource-based policy"),
        (format!(r#"["{OTHER}"]"#), "denied by resource-based policy"),
    ] {
        let who = format!(r#""NotPrincipal":{{"AWS":{spared}}}"#);
        let world =
            World { resource: Some(resource("Deny", &who)), identity: identity.clone(), ..World::default() };
        assert_eq!(said(&world.decide()), expected, "{spared}");
        // Nobody with a boundary is spared, though it allow everything (IAM User Guide, NotPrincipal).
        let bounded = World { boundary: Some(allow(PolicyKind::Boundary)), ..world };
        assert_eq!(said(&bounded.decide()), "denied by resource-based policy", "{spared}");
    }
}

#[test]
fn grounds_name_policy_and_statement() {
    let text = r#"{"Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"},
        {"Sid":"read","Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
    let world = World { identity: vec![policy(PolicyKind::Identity, text)], ..World::default() };
    let statement = StatementRef { index: 1, sid: Some("read".to_owned()) };
    let ground = Ground { layer: Layer::Identity, policy: "p".to_owned(), statement };
    assert_eq!(world.decide(), Access::Allowed(vec![ground]));
}

/// A policy of random statements, of which any may be silent.
fn any_policy(kind: PolicyKind) -> impl Strategy<Value = Policy> {
    let statement = (prop::sample::select(vec!["Allow", "Deny", "Allow", "Allow"]), 0..3_u8);
    prop::collection::vec(statement, 1..4).prop_map(move |statements| {
        let texts = statements.iter().map(|(effect, which)| {
            let action = ["s3:*", "sqs:*", "s3:GetObject"][usize::from(*which)];
            format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"*"}}"#)
        });
        policy(kind, &format!(r#"{{"Statement":[{}]}}"#, texts.collect::<Vec<_>>().join(",")))
    })
}

fn any_resource() -> impl Strategy<Value = Policy> {
    let names = vec![aws(SESSION), aws(ROLE), aws("*"), aws(OWN), aws(OTHER)];
    let effect = prop::sample::select(vec!["Allow", "Allow", "Allow", "Deny"]);
    (effect, prop::sample::select(names)).prop_map(|(effect, who)| resource(effect, &who))
}

fn any_world() -> impl Strategy<Value = World> {
    let some = |kind, most| prop::collection::vec(any_policy(kind), 0..most);
    (
        prop::collection::vec(prop::collection::vec(any_policy(PolicyKind::ServiceControl), 1..3), 0..3),
        some(PolicyKind::Identity, 3),
        prop::option::of(any_policy(PolicyKind::Boundary)),
        prop::option::of(some(PolicyKind::Session, 3)),
        prop::option::of(any_resource()),
        any::<bool>(),
    )
        .prop_map(|(control, identity, boundary, session, resource, foreign)| World {
            control,
            identity,
            boundary,
            session,
            resource,
            foreign,
        })
}

proptest! {
    #[test]
    fn what_limits_never_widens(
        world in any_world(),
        level in any_policy(PolicyKind::ServiceControl),
        boundary in any_policy(PolicyKind::Boundary),
        session in prop::collection::vec(any_policy(PolicyKind::Session), 0..3),
    ) {
        let before = world.decide().is_allowed();
        let mut levels = world.control.clone();
        levels.push(vec![level]);
        let limited = World { control: levels, ..world.clone() };
        prop_assert!(before || !limited.decide().is_allowed());
        let free = World { boundary: None, ..world.clone() };
        let bounded = World { boundary: Some(boundary), ..world.clone() };
        prop_assert!(free.decide().is_allowed() || !bounded.decide().is_allowed());
        let whole = World { session: None, ..world.clone() };
        let narrowed = World { session: Some(session), ..world.clone() };
        prop_assert!(whole.decide().is_allowed() || !narrowed.decide().is_allowed());
        let at_home = World { foreign: false, ..world.clone() };
        let abroad = World { foreign: true, ..world };
        prop_assert!(at_home.decide().is_allowed() || !abroad.decide().is_allowed());
    }

    #[test]
    fn a_deny_never_widens(world in any_world(), place in 0..5_u8) {
        let before = world.decide().is_allowed();
        let deny = |kind| attached(kind, "Deny");
        let mut after = world;
        match place {
            0 => after.control.push(vec![deny(PolicyKind::ServiceControl)]),
            1 => after.identity.push(deny(PolicyKind::Identity)),
            2 => after.boundary = Some(deny(PolicyKind::Boundary)),
            3 => after.session.get_or_insert_default().push(deny(PolicyKind::Session)),
            _ => after.resource = Some(resource("Deny", &aws(ROLE))),
        }
        prop_assert!(!after.decide().is_allowed());
        prop_assert!(before || !after.decide().is_allowed());
    }

    #[test]
    fn order_never_matters(world in any_world()) {
        let mut turned = world.clone();
        turned.control.reverse();
        turned.control.iter_mut().for_each(|level| level.reverse());
        turned.identity.reverse();
        turned.session.iter_mut().for_each(|session| session.reverse());
        prop_assert_eq!(world.decide().is_allowed(), turned.decide().is_allowed());
    }
}
