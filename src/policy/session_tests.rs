//! Offers and sessions: what is granted, by what, and the exact refusal.

use std::collections::HashMap;

use super::super::rights::Rights;
use super::super::{Grant, Policies, RuleEffect, RuleSource, Rules, TagFault};
use super::*;
use crate::identity::testing::IdentityBuilder;
use crate::identity::{Asserted, SessionPolicies};

const CORP: &str = "arn:aws:iam::111122223333:saml-provider/corp";
const MOBILE: &str = "arn:aws:iam::111122223333:oidc-provider/accounts.example.com";
const NOW: Moment = Moment::from_unix(1_893_456_000);
const WHEN: Circumstances = Circumstances::at(NOW);
const RULES_ONLY: Grant = Grant { asserted_roles: false, trust_policy: false };
const ASSERTED: Grant = Grant { asserted_roles: true, trust_policy: false };
const BY_TRUST: Grant = Grant { asserted_roles: false, trust_policy: true };

fn role(name: &str) -> RoleArn {
    format!("arn:aws:iam::111122223333:role/{name}").parse().unwrap()
}

fn rule(name: &str, roles: &[&str]) -> RuleSource {
    let roles = roles.iter().map(|name| role(name)).collect();
    RuleSource { name: name.to_owned(), when: "true".to_owned(), roles, ..RuleSource::default() }
}

/// Roles A, B, C and Shut; the last trusts nobody.
fn policies(rules: Vec<RuleSource>) -> Policies {
    let trust = |effect: &str| {
        let both = format!(r#"{{"Federated":["{CORP}","{MOBILE}"]}}"#);
        let text = format!(r#"{{"Statement":{{"Effect":"{effect}","Principal":{both},"Action":"sts:*"}}}}"#);
        TrustPolicy::parse(&text).unwrap()
    };
    let trusts = [("A", "Allow"), ("B", "Allow"), ("C", "Allow"), ("Shut", "Deny")];
    let trusts: HashMap<_, _> = trusts.map(|(name, effect)| (role(name), trust(effect))).into();
    Policies::new(Rules::compile(rules).unwrap(), trusts, Rights::default())
}

fn pair(one: &str, other: &str) -> (String, String) {
    (one.to_owned(), other.to_owned())
}

fn named(name: &str) -> Asserted {
    Asserted { session_name: Some(name.to_owned()), ..Asserted::default() }
}

fn ann(asserted: Asserted) -> FederatedIdentity {
    IdentityBuilder::saml(CORP, "corp", "ann").attribute("name", &["Ann Lee"]).asserted(asserted).build()
}

fn workload(roles: Option<&[&str]>) -> FederatedIdentity {
    let claims = serde_json::json!({"sub": "service-7", "aud": "client"});
    let roles = roles.map(|roles| roles.iter().map(|name| pair(role(name).as_str(), "")).collect());
    IdentityBuilder::oidc(MOBILE, "mobile", "https://accounts.example.com", claims)
        .asserted(Asserted { roles, ..Asserted::default() })
        .build()
}

/// Everything about a request that tests vary.
#[derive(Clone, Copy, Default)]
struct Ask<'a> {
    name: Option<&'a str>,
    seconds: Option<u64>,
    policy: Option<&'a str>,
    signed_in_within: Option<Duration>,
}

fn session(
    policies: &Policies,
    identity: &FederatedIdentity,
    grant: Grant,
    name: &str,
    ask: Ask<'_>,
) -> Option<Result<AuthorizedSession, Denial>> {
    let offer = policies.offer_for(identity, grant, &role(name), WHEN)?;
    let policies_of_session = SessionPolicies { inline: ask.policy.map(str::to_owned), managed: Vec::new() };
    let request = SessionRequest {
        offer: &offer,
        role_id: &RoleId::of_declared(&offer.role),
        max_session_duration: Duration::from_secs(7200),
        signed_in_within: ask.signed_in_within,
        session_name: ask.name,
        duration: ask.seconds.map(Duration::from_secs),
        policies: &policies_of_session,
    };
    Some(policies.authorize(identity, &request, WHEN))
}

fn denial(
    policies: &Policies,
    identity: &FederatedIdentity,
    grant: Grant,
    name: &str,
    ask: Ask<'_>,
) -> Denial {
    session(policies, identity, grant, name, ask).unwrap().unwrap_err()
}

fn offered(policies: &Policies, identity: &FederatedIdentity, grant: Grant) -> Vec<(String, OfferedBy)> {
    let offers = policies.offers(identity, grant, WHEN);
    offers.into_iter().map(|offer| (offer.role.name().to_owned(), offer.by)).collect()
}

#[test]
fn offers_come_from_rules_then_from_the_assertion() {
    let policies = policies(vec![rule("one", &["A"]), rule("two", &["A", "Shut"])]);
    let (a, b) = (role("A"), role("B"));
    let roles = Some(vec![
        pair(a.as_str(), CORP),
        pair(&format!(" {CORP}"), &format!("{b} ")),
        pair(role("Gone").as_str(), CORP),
        pair(role("C").as_str(), &format!("{CORP}-evil")),
        pair(&CORP[..CORP.len() - 1], role("C").as_str()),
        pair("nonsense", CORP),
    ]);
    let identity = ann(Asserted { roles, ..named("ann") });
    let by_rule = |name: &str| OfferedBy::Rule(name.to_owned());
    let rules = vec![("A".to_owned(), by_rule("one")), ("Shut".to_owned(), by_rule("two"))];
    assert_eq!(offered(&policies, &identity, RULES_ONLY), rules);
    assert_eq!(offered(&policies, &identity, BY_TRUST), rules);
    let all = [rules, vec![("B".to_owned(), OfferedBy::Asserted)]].concat();
    assert_eq!(offered(&policies, &identity, ASSERTED), all);
}

/// A rule that denies these roles, or every one.
fn deny(when: &str, roles: &[&str]) -> RuleSource {
    RuleSource { effect: RuleEffect::Deny, when: when.to_owned(), ..rule("no", roles) }
}

#[test]
fn what_a_rule_denies_nothing_offers() {
    let everywhere = Some(vec![pair(role("A").as_str(), CORP), pair(role("B").as_str(), CORP)]);
    let identity = ann(Asserted { roles: everywhere, ..named("ann") });
    let of_ann = r#""Ann Lee" in attr.name"#;
    for (denies, expected) in [
        (deny(of_ann, &["A"]), &["B"][..]),
        (deny(of_ann, &["A", "C"]), &["B"]),
        (deny(of_ann, &["B"]), &["A"]),
        (deny(of_ann, &[]), &[]),
        (deny(r#""Bob" in attr.name"#, &[]), &["A", "B"]),
        // It can't be evaluated, and so it denies.
        (deny(r#"attr.absent[0] == "x""#, &["A"]), &["B"]),
        (RuleSource { provider: Some("other".into()), ..deny("true", &[]) }, &["A", "B"]),
        (RuleSource { provider: Some("corp".into()), ..deny("true", &["A"]) }, &["B"]),
    ] {
        for rules in [vec![denies.clone(), rule("one", &["A"])], vec![rule("one", &["A"]), denies.clone()]] {
            let policies = policies(rules);
            let seen: Vec<_> =
                offered(&policies, &identity, ASSERTED).into_iter().map(|(name, _)| name).collect();
            assert_eq!(seen, expected, "{denies:?}");
            for name in ["A", "B"] {
                for grant in [ASSERTED, Grant { trust_policy: true, ..ASSERTED }] {
                    let offer = policies.offer_for(&identity, grant, &role(name), WHEN);
                    assert_eq!(offer.is_some(), expected.contains(&name), "{name} {denies:?}");
                }
            }
        }
    }
}

#[test]
fn a_rule_that_denies_sets_nothing() {
    let whole = RuleSource {
        session_name: Some("subject".into()),
        source_identity: Some("subject".into()),
        tags: vec![("team".into(), "subject".into())],
        duration: Some(Duration::from_secs(3600)),
        ..deny("true", &[])
    };
    let faults = Rules::compile(vec![whole]).err().unwrap();
    let seen: Vec<_> = faults.iter().map(|fault| (fault.field, fault.message.as_str())).collect();
    let message = "a rule that denies sets nothing: leave it out";
    assert_eq!(seen, ["session_name", "source_identity", "tags", "duration"].map(|field| (field, message)));
    assert!(Rules::compile(vec![deny("true", &[])]).is_ok());
}

#[test]
fn what_is_not_offered_can_not_be_asked_for() {
    let policies = policies(vec![rule("one", &["A"])]);
    let identity = ann(Asserted { roles: Some(vec![pair(role("B").as_str(), CORP)]), ..named("ann") });
    assert!(session(&policies, &identity, RULES_ONLY, "B", Ask::default()).is_none());
    let by = |grant| {
        session(&policies, &identity, grant, "B", Ask::default()).unwrap().unwrap().offered_by().clone()
    };
    assert_eq!(by(ASSERTED), OfferedBy::Asserted);
    assert_eq!(by(BY_TRUST), OfferedBy::TrustPolicy);
}

#[test]
fn an_offer_is_not_a_grant() {
    let policies = policies(vec![rule("one", &["Shut", "Gone"])]);
    let refused = denial(&policies, &ann(named("ann")), RULES_ONLY, "Shut", Ask::default());
    let Denial::NotTrusted(Untrusted { reason: TrustRefusal::ExplicitDeny(_), .. }) = refused else {
        panic!("{refused}");
    };
    let refused = denial(&policies, &ann(named("ann")), RULES_ONLY, "Gone", Ask::default());
    let reason = TrustRefusal::NoSuchRole;
    assert_eq!(refused, Denial::NotTrusted(Untrusted { action: "sts:AssumeRoleWithSAML", reason }));
}

#[test]
fn a_granted_session_carries_what_was_decided() {
    let source = RuleSource {
        session_name: Some(r#"subject + "@corp""#.to_owned()),
        source_identity: Some("subject".to_owned()),
        tags: vec![("team".to_owned(), "'red'".to_owned())],
        duration: Some(Duration::from_secs(1800)),
        ..rule("one", &["A"])
    };
    let policy = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    let ask = Ask { policy: Some(policy), ..Ask::default() };
    let granted =
        session(&policies(vec![source]), &ann(named("other")), RULES_ONLY, "A", ask).unwrap().unwrap();
    let session = granted.session();
    assert_eq!(session.session_name, "ann@corp");
    assert_eq!(session.source_identity.as_deref(), Some("ann"));
    assert_eq!(session.tags, [tag("team", "red")]);
    assert_eq!(session.policies.inline.as_deref(), Some(policy));
    assert_eq!((session.issued, session.expires), (NOW, NOW.plus(Duration::from_secs(1800))));
    assert_eq!(session.provider.as_ref().map(ToString::to_string).as_deref(), Some(CORP));
    assert_eq!(session.subject.as_deref(), Some("ann"));
    let actions: Vec<_> = granted.allowed().iter().map(|allowed| allowed.action).collect();
    assert_eq!(actions, ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"]);
    assert_eq!(granted.offered_by(), &OfferedBy::Rule("one".to_owned()));
}

fn tag(key: &str, value: &str) -> crate::identity::SessionTag {
    crate::identity::SessionTag { key: key.to_owned(), value: value.to_owned(), transitive: false }
}

#[test]
fn session_names() {
    let plain = policies(vec![rule("one", &["A"])]);
    let naming = |expression: &str| {
        policies(vec![RuleSource { session_name: Some(expression.to_owned()), ..rule("one", &["A"]) }])
    };
    let asked = Ask { name: Some("asked"), ..Ask::default() };
    let name = |policies: &Policies, identity: &FederatedIdentity| {
        let granted = session(policies, identity, RULES_ONLY, "A", asked).unwrap();
        granted.map(|granted| granted.session().session_name.clone())
    };
    let missing = Err(Denial::SessionName(SessionNameFault::Missing));
    let malformed = |name: &str, source_of_name| {
        Err(Denial::SessionName(SessionNameFault::Malformed { name: name.to_owned(), source_of_name }))
    };
    assert_eq!(name(&plain, &ann(named("asserted"))), Ok("asserted".to_owned()));
    assert_eq!(name(&plain, &ann(Asserted::default())), missing, "SAML callers can't choose");
    assert_eq!(name(&plain, &workload(None)), Ok("asked".to_owned()));
    assert_eq!(name(&naming("subject"), &ann(named("asserted"))), Ok("ann".to_owned()));
    assert_eq!(name(&naming("subject"), &workload(None)), Ok("service-7".to_owned()));
    assert_eq!(name(&naming("attr.name[0]"), &ann(named("ok"))), malformed("Ann Lee", NameSource::Rule));
    assert_eq!(name(&plain, &ann(named("a/b"))), malformed("a/b", NameSource::Assertion));
    for bad in ["", "a", "a b", "é-é", "a\nb", &"x".repeat(65)] {
        assert_eq!(name(&plain, &ann(named(bad))), malformed(bad, NameSource::Assertion));
    }
    assert!(session(&plain, &workload(None), RULES_ONLY, "A", Ask::default()).unwrap().is_err());
}

#[test]
fn asserted_tags_and_source_identity_need_a_provider_that_may_assert() {
    let asserted =
        Asserted { tags: vec![pair("team", "red")], source_identity: Some("ann".to_owned()), ..named("ann") };
    let policies = policies(vec![rule("one", &["A"])]);
    let dressed = |grant| {
        let granted =
            session(&policies, &ann(asserted.clone()), grant, "A", Ask::default()).unwrap().unwrap();
        (granted.session().tags.len(), granted.session().source_identity.clone())
    };
    assert_eq!(dressed(RULES_ONLY), (0, None));
    assert_eq!(dressed(ASSERTED), (1, Some("ann".to_owned())));
}

#[test]
fn malformed_assertions_are_refused_for_what_they_are() {
    let policies = policies(vec![rule("one", &["A"])]);
    let refuse = |asserted: Asserted| denial(&policies, &ann(asserted), ASSERTED, "A", Ask::default());
    for bad in ["a", "aws:ann", "a b", &"x".repeat(65)] {
        let source_identity = Some(bad.to_owned());
        assert_eq!(
            refuse(Asserted { source_identity, ..named("ann") }),
            Denial::SourceIdentity(bad.to_owned())
        );
    }
    let tags = vec![pair("Team", "a"), pair("team", "b")];
    assert_eq!(refuse(Asserted { tags, ..named("ann") }), Denial::Tags(TagFault::Duplicate));
    let transitive_tag_keys = vec!["team".to_owned()];
    assert_eq!(refuse(Asserted { transitive_tag_keys, ..named("ann") }), Denial::Tags(TagFault::NotPassed));
}

#[test]
fn a_roles_claim_narrows_the_token() {
    let policies = policies(vec![rule("one", &["A"])]);
    let ask = Ask { name: Some("s7"), ..Ask::default() };
    assert!(session(&policies, &workload(Some(&["A"])), RULES_ONLY, "A", ask).unwrap().is_ok());
    assert_eq!(denial(&policies, &workload(Some(&["B"])), RULES_ONLY, "A", ask), Denial::RoleNotInToken);
    let only_b = vec![("B".to_owned(), OfferedBy::Asserted)];
    assert_eq!(offered(&policies, &workload(Some(&["B"])), ASSERTED), only_b);
}

#[test]
fn durations() {
    let policies = policies(vec![rule("one", &["A", "Shut"])]);
    let ask = Ask { seconds: Some(7201), ..Ask::default() };
    let (requested, maximum) = (Duration::from_secs(7201), Duration::from_secs(7200));
    let over = Denial::DurationOverRoleMaximum { requested, maximum };
    assert_eq!(denial(&policies, &ann(named("ann")), RULES_ONLY, "A", ask), over);
    let untrusted = denial(&policies, &ann(named("ann")), RULES_ONLY, "Shut", ask);
    assert!(matches!(untrusted, Denial::NotTrusted(_)), "the maximum tells that a role exists");
    let ends = |millis| {
        let identity = IdentityBuilder::saml(CORP, "corp", "ann").asserted(named("ann"));
        identity.session_ends(Moment::from_unix_millis(NOW.unix_millis() + millis)).build()
    };
    let granted = session(&policies, &ends(600_500), RULES_ONLY, "A", Ask::default()).unwrap().unwrap();
    assert_eq!(granted.length().granted, Duration::from_secs(600));
    assert_eq!(denial(&policies, &ends(0), RULES_ONLY, "A", Ask::default()), Denial::SessionOver);
}

#[test]
fn session_policies_must_be_readable() {
    let policies = policies(vec![rule("one", &["A"])]);
    for (policy, place) in
        [("{", "line 1 column 1"), (r#"{"Statement":{}}"#, "Statement"), (&" ".repeat(2049), "document")]
    {
        let ask = Ask { policy: Some(policy), ..Ask::default() };
        let refused = denial(&policies, &ann(named("ann")), RULES_ONLY, "A", ask);
        let Denial::SessionPolicy(fault) = refused else { panic!("{refused}") };
        assert_eq!(fault.at(), place);
    }
}

/// Nobody is believed to have signed in lately of whom nobody says so; and only those are told whom the role trusts.
#[test]
fn a_role_may_want_a_fresh_sign_in() {
    let policies = policies(vec![rule("one", &["A", "Shut"])]);
    let within = Duration::from_secs(900);
    let ask = Ask { signed_in_within: Some(within), ..Ask::default() };
    let ago = |seconds: u64| NOW.minus(Duration::from_secs(seconds));
    let signed_in = |at: Moment| {
        IdentityBuilder::saml(CORP, "corp", "ann").asserted(named("ann")).authenticated(at, "").build()
    };
    let outcome = |identity: &FederatedIdentity, name: &str| {
        session(&policies, identity, RULES_ONLY, name, ask).unwrap().map(|_| ())
    };
    let too_old = |seen| Err(Denial::SignInTooOld { within, seen });
    assert_eq!(outcome(&signed_in(ago(900)), "A"), Ok(()));
    assert_eq!(outcome(&signed_in(ago(901)), "A"), too_old(Some(ago(901))));
    assert_eq!(outcome(&ann(named("ann")), "A"), too_old(None));
    assert!(matches!(outcome(&signed_in(ago(901)), "Shut"), Err(Denial::NotTrusted(_))));
    let said = too_old(Some(ago(901))).unwrap_err().to_string();
    assert_eq!(said, "the role wants a sign-in of the last 900 s; this one was at 2029-12-31T23:44:59Z");
    let said = too_old(None).unwrap_err().to_string();
    assert_eq!(said, "the role wants a sign-in of the last 900 s; nobody says when this one was");
}
