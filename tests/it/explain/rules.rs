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
fn what_it_saw_is_redacted() {
    let told = World::new().explain(&ann_with(SALES.0, SALES.1), &["--redact"]);
    let rules = told.section("Rules");
    assert!(!rules.contains("sales") && rules.contains("attr.department: ‹value "), "{rules}");
}
