//! What is taken out of prose and reasons, and what stays.

use super::*;

#[test]
fn prose_is_redacted_where_a_value_stands_by_itself() {
    let mut redactor = Redactor::default();
    for value in ["ann", "ann keller", "7", "value", "ops", "10023456", "3600"] {
        redactor.placeholder(value);
    }
    for (prose, expected) in [
        ("ann, anna and hann", "‹value 1: 3 characters›, anna and hann"),
        ("'ann keller'", "'‹value 2: 10 characters›'"),
        ("7 s", "7 s"),
        ("value ops", "‹value 4: 5 characters› ‹value 5: 3 characters›"),
        ("subject == \"10023456\" for 3600 s", "subject == \"‹value 6: 8 characters›\" for 3600 s"),
        ("ops@corp.example", "‹value 8: 16 characters›"),
        ("write to it.desk+1@corp.example.", "write to ‹value 9: 22 characters›."),
        ("a@b, @, x@, @y.z", "a@b, @, x@, @y.z"),
        ("", ""),
    ] {
        let mut text = prose.to_owned();
        redactor.prose(&mut text);
        assert_eq!(text, expected);
    }
}

#[test]
fn reasons_keep_what_failed_and_lose_the_values() {
    for (reason, expected) in [
        ("it gives string, not true or false", "it gives string, not true or false"),
        ("Index out of bounds: Int(0)", "Index out of bounds: ‹value 1: 6 characters›"),
        ("String(\"ann\") can not be compared to Int(1)", "String‹value 1: 37 characters›"),
        ("Unable to use value 'String(\"ann\")' as a key", "Unable to use value ‹value 1: 24 characters›"),
    ] {
        let mut rule = Rule {
            rule: String::new(),
            provider: None,
            when: String::new(),
            outcome: crate::broker::explain::RuleOutcome::Failed,
            failed_in: Some("when"),
            reason: Some(reason.to_owned()),
            clauses: Vec::new(),
            roles: Vec::new(),
        };
        Redactor::default().rule(&mut rule);
        assert_eq!(rule.reason.unwrap(), expected);
    }
}

#[test]
fn arns_of_roles_are_nobodys() {
    let (role, provider) =
        ("arn:aws:iam::111122223333:role/Deploy", "arn:aws:iam::111122223333:saml-provider/corp");
    assert!(is_pair_of_arns(&format!("{provider}, {role}")));
    assert!(!is_pair_of_arns(&format!("{role},ann")) && !is_pair_of_arns(role) && !is_pair_of_arns("ann"));
}
