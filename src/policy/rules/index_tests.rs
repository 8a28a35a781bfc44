//! Which rules are asked, and that none is passed over that matches.

use proptest::prelude::*;
use proptest::sample::select;

use super::needs::{Need, Place, Text};
use super::*;
use crate::clock::Moment;
use crate::identity::testing::IdentityBuilder;

const CORP: &str = "arn:aws:iam::111122223333:saml-provider/corp";
const CI: &str = "arn:aws:iam::111122223333:oidc-provider/ci.example.com";
const AT: Circumstances = Circumstances::at(Moment::from_unix(1000));

fn role(name: &str) -> RoleArn {
    format!("arn:aws:iam::111122223333:role/{name}").parse().unwrap()
}

fn rule(name: &str, when: &str, roles: &[&str]) -> RuleSource {
    let roles = roles.iter().map(|name| role(name)).collect();
    RuleSource { name: name.to_owned(), when: when.to_owned(), roles, ..RuleSource::default() }
}

/// What a condition needs, as text: `place is text` or `place begins text`.
fn needs(when: &str) -> Option<Vec<String>> {
    let rules = Rules::compile(vec![rule("r", when, &["a"])]).unwrap_or_else(|faults| panic!("{faults:?}"));
    let shown = |Need { place, text }: Need| {
        let place = match place {
            Place::Subject => "subject".to_owned(),
            Place::Issuer => "issuer".to_owned(),
            Place::Attribute(name) => format!("attr {name}"),
            Place::Claim(name) => format!("claim {name}"),
        };
        match text {
            Text::Is(text) => format!("{place} is {text}"),
            Text::Begins(text) => format!("{place} begins {text}"),
        }
    };
    Some(rules.all()[0].when.needs()?.into_iter().map(shown).collect())
}

#[test]
fn what_a_condition_needs_is_read_off_it() {
    for (when, expected) in [
        (r#""ops" in groups"#, &["attr groups is ops"][..]),
        (r#""ops" in attr.groups"#, &["attr groups is ops"]),
        (r#""ops" in attr["urn:x"]"#, &["attr urn:x is ops"]),
        (r#""ops" in claim.roles"#, &["claim roles is ops"]),
        (r#"attr.team[0] == "red""#, &["attr team is red"]),
        (r#""red" == attr.team[1]"#, &["attr team is red"]),
        (r#"subject == "ann""#, &["subject is ann"]),
        (r#"issuer == "https://a""#, &["issuer is https://a"]),
        (r#"claim.ref == "main""#, &["claim ref is main"]),
        (r#"claim["ref"] == "main""#, &["claim ref is main"]),
        (r#"subject.startsWith("repo:acme/")"#, &["subject begins repo:acme/"]),
        (r#"claim.ref.startsWith("refs/heads/")"#, &["claim ref begins refs/heads/"]),
        (r#"subject in ["ann", "bob"]"#, &["subject is ann", "subject is bob"]),
        (r#"groups.exists(g, g == "ops")"#, &["attr groups is ops"]),
        (r#"groups.exists(g, g.startsWith("aws-"))"#, &["attr groups begins aws-"]),
        (r#"groups.exists(g, g in ["a", "b"] && size(g) > 0)"#, &["attr groups is a", "attr groups is b"]),
        (r#"time > 7 && "ops" in groups"#, &["attr groups is ops"]),
        (r#"subject.startsWith("a") && "ops" in groups && time > 7"#, &["attr groups is ops"]),
        (r#""a" in groups || subject == "ann""#, &["attr groups is a", "subject is ann"]),
        (r#"("a" in groups || "b" in groups) && subject == "ann""#, &["subject is ann"]),
        ("subject in []", &[]),
    ] {
        assert_eq!(
            needs(when).as_deref().map(|all| all.iter().map(String::as_str).collect::<Vec<_>>()).as_deref(),
            Some(expected),
            "{when}"
        );
    }
}

#[test]
fn what_is_not_understood_needs_nothing() {
    for when in [
        "true",
        r#"!("ops" in groups)"#,
        r#"subject != "ann""#,
        r#""ops" in groups || time > 7"#,
        r#""ops" in groups ? true : false"#,
        r#"subject.endsWith("x")"#,
        r#"subject.startsWith("")"#,
        r#"subject.lowerAscii() == "ann""#,
        r#"groups.all(g, g == "ops")"#,
        r#"groups.exists_one(g, g == "ops")"#,
        r#"groups.filter(g, g != "x").exists(g, g == "ops")"#,
        r#"["ann"].exists(groups, groups == "ann")"#,
        r#"groups.exists(subject, "ops" in attr.team || subject.endsWith("s"))"#,
        r#"claim.realm.roles == "x""#,
        r#"claim["a"]["b"] == "x""#,
        r#"attr.team == ["red"]"#,
        r#"subject in ["ann", provider]"#,
        r#"subject in groups"#,
        r#"has(attr.team)"#,
        r#"claim.ok"#,
        r#"provider == "corp""#,
    ] {
        assert_eq!(needs(when), None, "{when}");
    }
    let of = |count| format!("subject in [{}]", vec![r#""a""#; count].join(","));
    let two = |one, other| needs(&format!("{} || {}", of(one), of(other))).map(|needs| needs.len());
    assert_eq!(needs(&of(64)).map(|needs| needs.len()), Some(64));
    assert_eq!(needs(&of(65)), None);
    assert_eq!((two(32, 32), two(33, 32)), (Some(64), None));
}

/// A variable of a comprehension hides what else goes by its name.
#[test]
fn what_a_comprehension_binds_is_its_own() {
    let when = r#"groups.exists(subject, subject == "ops")"#;
    assert_eq!(needs(when).unwrap(), ["attr groups is ops"]);
    assert_eq!(needs(r#"claim.list.exists(claim, claim.x == "ops")"#), None);
    assert_eq!(needs(r#"claim.list.exists(groups, "ops" in groups)"#), None);
}

#[test]
fn only_rules_that_can_match_are_asked_and_in_order() {
    let of = |provider: &str, source: RuleSource| RuleSource { provider: Some(provider.into()), ..source };
    let rules = Rules::compile(vec![
        rule("z", r#""ops" in groups && time > 0"#, &["a"]),
        rule("y", "true", &["a", "b"]),
        of("corp", rule("x", r#""ops" in groups || "dev" in groups"#, &["b"])),
        of("ci", rule("w", r#""ops" in groups"#, &["a"])),
        rule("v", r#""admin" in groups"#, &["a"]),
        rule("u", r#"subject.startsWith("an") || subject.startsWith("a")"#, &["b", "b"]),
    ])
    .unwrap();
    let ann = IdentityBuilder::saml(CORP, "corp", "ann").attribute("groups", &["dev", "ops"]).build();
    let asked = |role: Option<&RoleArn>| {
        let asked = rules.evaluate(&ann, role, AT).into_iter();
        asked.map(|(rule, _)| rule.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(asked(None), ["z", "y", "x", "u"]);
    assert_eq!(asked(Some(&role("a"))), ["z", "y"]);
    assert_eq!(asked(Some(&role("b"))), ["y", "x", "u"]);
    assert_eq!(asked(Some(&role("c"))), [""; 0]);
    assert_eq!(rules.evaluate_all(&ann, AT).len(), 5, "all but those of another provider");
}

/// Words that identities have and rules ask for.
const WORDS: [&str; 6] = ["a", "ab", "abc", "b", "é", ""];

fn word() -> impl Strategy<Value = &'static str> {
    select(WORDS.to_vec())
}

/// Conditions of every form that is read off, among others that are not.
fn condition() -> impl Strategy<Value = String> {
    let list = select(vec![
        "groups",
        "attr.team",
        r#"attr["long"]"#,
        "attr.short",
        "attr.unclear",
        "claim.list",
        "claim.map",
        "claim.text",
    ]);
    let single = select(vec![
        "subject",
        "issuer",
        "claim.text",
        "claim.list",
        "groups[0]",
        "attr.team[1]",
        "attr.short[0]",
        "claim.list[0]",
        "claim.number",
    ]);
    let leaf = prop_oneof![
        (word(), list.clone()).prop_map(|(word, list)| format!("{word:?} in {list}")),
        (single.clone(), word()).prop_map(|(single, word)| format!("{single} == {word:?}")),
        (single.clone(), word()).prop_map(|(single, word)| format!("{single}.startsWith({word:?})")),
        (single.clone(), word(), word()).prop_map(|(single, a, b)| format!("{single} in [{a:?}, {b:?}]")),
        (list.clone(), word()).prop_map(|(list, word)| format!("{list}.exists(x, x == {word:?})")),
        (list.clone(), word()).prop_map(|(list, word)| format!("{list}.exists(x, x.startsWith({word:?}))")),
        (list.clone(), word())
            .prop_map(|(list, word)| format!("{list}.exists(subject, subject == {word:?})")),
        (list, word()).prop_map(|(list, word)| format!("{list}.all(x, x != {word:?})")),
        Just("has(attr.team)".to_owned()),
        Just("claim.number > 3".to_owned()),
        Just("true".to_owned()),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} && {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} || {other})")),
            inner.clone().prop_map(|inner| format!("!({inner})")),
            (inner.clone(), inner).prop_map(|(one, other)| format!("({one} ? {other} : true)")),
        ]
    })
}

fn identity() -> impl Strategy<Value = FederatedIdentity> {
    let words = || proptest::collection::vec(word(), 0..3);
    (any::<bool>(), word(), words(), words(), words(), word()).prop_map(
        |(saml, subject, groups, team, list, text)| {
            let members: serde_json::Map<_, _> =
                list.iter().map(|word| ((*word).to_owned(), 1.into())).collect();
            let claims =
                serde_json::json!({"sub": subject, "list": list, "map": members, "text": text, "number": 7});
            let builder = if saml {
                IdentityBuilder::saml(CORP, "corp", subject)
            } else {
                IdentityBuilder::oidc(CI, "ci", text, claims)
            };
            let builder = builder.attribute("groups", &groups).attribute("long", &list);
            let builder =
                builder.alias("short", Some("long")).alias("unclear", None).alias("groups", Some("long"));
            if team.is_empty() { builder.build() } else { builder.attribute("team", &team).build() }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// The rules that match are the same, whether all are asked or only those that can.
    #[test]
    fn no_rule_is_passed_over_that_matches(
        conditions in proptest::collection::vec(condition(), 1..6),
        identity in identity(),
    ) {
        let named = |(position, when): (usize, &String)| rule(&position.to_string(), when, &["a"]);
        let rules = Rules::compile(conditions.iter().enumerate().map(named).collect()).unwrap();
        let matching = |outcomes: Vec<(&Rule, Outcome)>| {
            let matching = outcomes.into_iter().filter(|(_, outcome)| matches!(outcome, Outcome::Matches(_)));
            matching.map(|(rule, _)| rule.when().to_owned()).collect::<Vec<_>>()
        };
        let all = matching(rules.evaluate_all(&identity, AT));
        prop_assert_eq!(&matching(rules.evaluate(&identity, None, AT)), &all);
        prop_assert_eq!(&matching(rules.evaluate(&identity, Some(&role("a")), AT)), &all);
    }
}
