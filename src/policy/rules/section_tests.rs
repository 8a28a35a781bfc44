//! Sections, roles that are derived, and what a mistake in either must not give.

use super::*;
use crate::clock::Moment;
use crate::identity::testing::IdentityBuilder;

const CORP: &str = "arn:aws:iam::111122223333:saml-provider/corp";
const AT: Circumstances = Circumstances::at(Moment::from_unix(1000));

fn role(name: &str) -> RoleArn {
    format!("arn:aws:iam::111122223333:role/{name}").parse().unwrap()
}

/// A rule that offers the role of its own name.
fn rule(section: Option<&str>, name: &str, when: &str) -> RuleSource {
    let (section, roles) = (section.map(str::to_owned), vec![role(name)]);
    RuleSource { name: name.into(), when: when.into(), section, roles, ..RuleSource::default() }
}

fn section(name: &str, offers: SectionOffers, goes_on: bool) -> SectionSource {
    SectionSource { name: name.into(), offers, goes_on }
}

fn ann(groups: &[&str]) -> FederatedIdentity {
    IdentityBuilder::saml(CORP, "corp", "ann").attribute("groups", groups).build()
}

/// The rules that match somebody of these groups, and that they do so whichever role is asked for.
fn matching(rules: &Rules, groups: &[&str]) -> Vec<String> {
    let ann = ann(groups);
    let names = |role: Option<&RoleArn>| -> Vec<String> {
        rules.matching(&ann, role, AT).into_iter().map(|(rule, _)| rule.name().to_owned()).collect()
    };
    let all = names(None);
    let all_told: Vec<_> = (rules.evaluate_all(&ann, AT).into_iter())
        .filter(|(_, outcome)| matches!(outcome, Outcome::Matches(_)))
        .map(|(rule, _)| rule.name().to_owned())
        .collect();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(all_told), sorted(all.clone()), "as explained");
    for asked in rules.all() {
        let expected: Vec<_> = all.iter().filter(|name| *name == asked.name()).cloned().collect();
        assert_eq!(names(Some(&role(asked.name()))), expected, "asked for by ARN");
    }
    all
}

fn compiled(sections: &[SectionSource], sources: Vec<RuleSource>) -> Rules {
    Rules::compile_in(sections, sources).unwrap_or_else(|faults| panic!("{faults:?}"))
}

#[test]
fn of_a_section_that_takes_the_first_no_other_counts() {
    let sections = [section("kind", SectionOffers::First, true)];
    let rules = compiled(
        &sections,
        vec![
            rule(None, "everybody", "true"),
            rule(Some("kind"), "contractor", r#""contractors" in groups"#),
            rule(Some("kind"), "lead", r#""leads" in groups"#),
            rule(Some("kind"), "staff", r#""staff" in groups"#),
        ],
    );
    assert_eq!(matching(&rules, &["staff"]), ["staff", "everybody"]);
    assert_eq!(matching(&rules, &["staff", "contractors"]), ["contractor", "everybody"]);
    assert_eq!(matching(&rules, &["staff", "leads"]), ["lead", "everybody"]);
    assert_eq!(matching(&rules, &[]), ["everybody"]);
    let told = rules.evaluate_all(&ann(&["staff", "contractors"]), AT);
    let staff = told.iter().find(|(rule, _)| rule.name() == "staff").map(|(_, outcome)| outcome);
    assert_eq!(staff, Some(&Outcome::PassedOver { by: "contractor".into() }));
}

#[test]
fn a_section_that_stops_keeps_those_behind_it_from_being_asked() {
    let sections = [section("glass", SectionOffers::All, false), section("usual", SectionOffers::All, true)];
    let rules = compiled(
        &sections,
        vec![
            rule(Some("usual"), "staff", r#""staff" in groups"#),
            rule(Some("glass"), "breaker", r#""on-call" in groups"#),
            rule(Some("glass"), "helper", r#""helpers" in groups"#),
            rule(None, "everybody", "true"),
        ],
    );
    assert_eq!(matching(&rules, &["staff"]), ["staff", "everybody"]);
    assert_eq!(matching(&rules, &["staff", "on-call"]), ["breaker"]);
    assert_eq!(matching(&rules, &["staff", "helpers", "on-call"]), ["breaker", "helper"]);
    let told = rules.evaluate_all(&ann(&["staff", "on-call"]), AT);
    let by = |name: &str| told.iter().find(|(rule, _)| rule.name() == name).map(|(_, it)| it.clone());
    assert_eq!(by("staff"), Some(Outcome::PassedOver { by: "breaker".into() }));
    assert_eq!(by("everybody"), Some(Outcome::PassedOver { by: "breaker".into() }));
}

/// Somebody without a kind must not fall through to what is for everybody else.
#[test]
fn a_rule_that_fails_ends_what_it_would_have_ended() {
    let narrow = r#"attr.kind[0] == "contractor""#;
    for (offers, goes_on) in [(SectionOffers::First, true), (SectionOffers::First, false)] {
        let sections = [section("kind", offers, goes_on)];
        let sources = vec![
            rule(Some("kind"), "contractor", narrow),
            rule(Some("kind"), "wide", r#""staff" in groups"#),
        ];
        assert_eq!(matching(&compiled(&sections, sources), &["staff"]), [""; 0], "{offers:?} {goes_on}");
    }
    let sections = [section("kind", SectionOffers::All, false)];
    let sources = vec![rule(Some("kind"), "contractor", narrow), rule(None, "wide", r#""staff" in groups"#)];
    assert_eq!(matching(&compiled(&sections, sources.clone()), &["staff"]), [""; 0], "a section that stops");
    let sections = [section("kind", SectionOffers::All, true)];
    assert_eq!(matching(&compiled(&sections, sources), &["staff"]), ["wide"], "its twin goes on");
}

#[test]
fn rules_of_other_providers_end_nothing() {
    let sections = [section("kind", SectionOffers::First, false)];
    let mut other = rule(Some("kind"), "other", "true");
    other.provider = Some("mobile".into());
    let rules = compiled(&sections, vec![other, rule(Some("kind"), "staff", "true")]);
    assert_eq!(matching(&rules, &[]), ["staff"]);
}

#[test]
fn what_cant_be_in_a_section() {
    let sections = [section("kind", SectionOffers::First, true)];
    let deny = RuleSource { effect: RuleEffect::Deny, ..rule(Some("kind"), "d", "true") };
    let faults = Rules::compile_in(&sections, vec![deny, rule(Some("kin"), "r", "true")]).unwrap_err();
    let shown: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "section: a rule that denies does so whatever section offers: leave it out",
            r#"section: there is no section called "kin""#,
        ]
    );
}

fn derived(when: &str, roles: &[RoleArn]) -> RuleSource {
    let known = [role("Deploy"), role("Audit"), role("Admin")];
    let roles_from = RolesFrom::new("groups", "AWS-{account}-{role}", &known).ok();
    RuleSource {
        name: "by-group".into(),
        when: when.into(),
        roles_from,
        roles: roles.to_vec(),
        ..RuleSource::default()
    }
}

#[test]
fn derived_roles_are_offered_to_those_who_have_them() {
    let rules = Rules::compile(vec![derived(r#""staff" in groups"#, &[role("Base")])]).unwrap();
    let offered = |groups: &[&str], asked: Option<&str>| -> Vec<String> {
        let (ann, asked) = (ann(groups), asked.map(role));
        let matching = rules.matching(&ann, asked.as_ref(), AT).into_iter();
        matching
            .flat_map(|(rule, _)| rule.offered_to(&ann).map(|it| it.name().to_owned()).collect::<Vec<_>>())
            .collect()
    };
    assert_eq!(offered(&["staff", "AWS-111122223333-Deploy"], None), ["Base", "Deploy"]);
    assert_eq!(offered(&["staff", "AWS-111122223333-Deploy"], Some("Deploy")), ["Base", "Deploy"]);
    assert_eq!(offered(&["staff", "AWS-111122223333-Deploy"], Some("Audit")), [""; 0]);
    assert_eq!(offered(&["staff"], Some("Base")), ["Base"]);
    assert_eq!(offered(&["AWS-111122223333-Deploy"], None), [""; 0], "the condition holds for nobody else");
    assert_eq!(offered(&["AWS-111122223333-Deploy"], Some("Deploy")), [""; 0]);
}

#[test]
fn who_is_offered_nothing_is_not_matched() {
    let mut source = derived("true", &[]);
    source.section = Some("first".into());
    let sections = [section("first", SectionOffers::First, true)];
    let rules = compiled(&sections, vec![source, rule(Some("first"), "fallback", "true")]);
    let ann = ann(&["AWS-111122223333-Nobody"]);
    let told = rules.evaluate_all(&ann, AT);
    assert_eq!(told[0].1, Outcome::Declines);
    assert_eq!(matching(&rules, &["AWS-111122223333-Nobody"]), ["fallback"]);
    let clauses = rules.clauses(&rules.all()[0], &ann, AT);
    let last = clauses.last().unwrap();
    assert_eq!((last.source.as_str(), &last.holds), (r#""AWS-{account}-{role}" in groups"#, &Ok(false)));
    assert_eq!(last.reads[0].values, ["AWS-111122223333-Nobody"]);
}
