//! Which part of a rule did not hold.

use super::world::{World, ann_with};

/// Ann of another department.
const SALES: (&str, &str) = (">engineering<", ">sales<");

#[test]
fn the_part_that_does_not_hold_is_named_with_what_it_saw() {
    let told = World::new().explain(&ann_with(SALES.0, SALES.1), &[]);
    let expected = "  no        platform deploys
            when      \"platform\" in groups && attr.department[0] == \"engineering\"
            true      \"platform\" in groups
                        groups: staff, platform
            FALSE     attr.department[0] == \"engineering\"
                        attr.department: sales
";
    assert!(told.section("Rules").starts_with(expected), "{}", told.out);
    assert_eq!(told.code, Some(3));
}

#[test]
fn a_rule_that_denies_is_shown_with_what_it_denies() {
    let first = "[[rule]]\nname = \"platform deploys\"";
    let deny = |when: &str, roles: &str| {
        format!("[[rule]]\nname = \"no rockets\"\neffect = \"deny\"\nwhen = '{when}'\n{roles}{first}")
    };
    let of_deploy = "roles = [\"arn:aws:iam::111122223333:role/eng/Deploy\"]\n";
    for (rule, shown) in [
        (
            deny(r#""rocket" in attr.team"#, of_deploy),
            "            when      \"rocket\" in attr.team\n            denies    \
             arn:aws:iam::111122223333:role/eng/Deploy\n",
        ),
        (
            deny(r#""rocket" in attr.team"#, ""),
            "            when      \"rocket\" in attr.team\n            denies    every role\n",
        ),
        (
            deny(r#"attr.desk[0] == "7""#, ""),
            "            when      attr.desk[0] == \"7\"\n            failed in when: Index out of bounds: Int(0)\n            \
             saw       attr.desk: nothing\n            denies    every role\n",
        ),
    ] {
        let told = World::new().configured(first, &rule).explain(&ann_with(">staff<", ">staff<"), &[]);
        assert!(
            told.section("Rules").starts_with(&format!("  DENIES    no rockets\n{shown}")),
            "{}",
            told.out
        );
        assert_eq!(told.code, Some(3), "{}", told.out);
    }
}

#[test]
fn what_it_saw_is_redacted() {
    let told = World::new().explain(&ann_with(SALES.0, SALES.1), &["--redact"]);
    let rules = told.section("Rules");
    assert!(!rules.contains("sales") && rules.contains("attr.department: ‹value "), "{rules}");
}

#[test]
fn what_a_rule_sees_of_the_sign_in_and_what_came_first_is_shown() {
    let first = "[[rule]]\nname = \"platform deploys\"";
    let told = |seconds: u8| {
        let rule = format!(
            "[[section]]\nname = \"s\"\noffers = \"first\"\n[[rule]]\nname = \"early\"\nsection = \"s\"\n\
             provider = \"corp\"\nwhen = 'time - authn.time > {seconds} && authn.time < time'\n\
             roles = [\"arn:aws:iam::111122223333:role/Look\"]\nsession_name = 'subject'\n{first}\nsection = \"s\""
        );
        World::new().configured(first, &rule).explain(&ann_with(">staff<", ">staff<"), &[])
    };
    let seen = "  no        early
            when      time - authn.time > 60 && authn.time < time
            FALSE     time - authn.time > 60
                        time: 1795348830
                        authn.time: 1795348800
            true      authn.time < time
";
    let late = told(60);
    assert!(late.section("Rules").starts_with(seen), "{}", late.out);
    let early = told(29);
    let rules = early.section("Rules");
    assert!(rules.starts_with("  matched   early\n"), "{}", early.out);
    let passed = "  too late  platform deploys
            when      \"platform\" in groups && attr.department[0] == \"engineering\"
            after     early, which came first and counts
";
    assert!(rules.contains(passed), "{}", early.out);
}
