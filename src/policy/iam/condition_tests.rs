//! Every operator: a row that holds, one that does not, and one whose key is absent.

use super::*;

fn written(key: &str, values: Vec<String>) -> Written {
    Written { operator: String::new(), key: key.to_owned(), values }
}

/// Judges `operator` on the key `t:k` with these request values.
fn check(operator: &str, policy: &[&str], request: &[&str]) -> bool {
    let values: Vec<String> = policy.iter().map(|v| (*v).to_owned()).collect();
    let parsed = Operator::parse(operator).unwrap_or_else(|| panic!("{operator}"));
    let condition = Condition::compile(written("T:K", values), parsed, true).unwrap();
    let mut context = RequestContext::new();
    context.set_all("t:k", request.iter().copied());
    context.set("aws:userid", "ann*");
    condition.holds(&context).unwrap()
}

/// Operator, policy value, request value that makes it hold, one that does not.
const ROWS: &[(&str, &str, &str, &str)] = &[
    ("StringEquals", "Red", "Red", "red"),
    ("StringEquals", "R*", "R*", "Red"),
    ("StringNotEquals", "Red", "red", "Red"),
    ("StringEqualsIgnoreCase", "Red", "rED", "reds"),
    ("StringNotEqualsIgnoreCase", "Red", "blue", "RED"),
    ("StringLike", "R?d*", "Redder", "reed"),
    ("StringNotLike", "R?d*", "reed", "Red"),
    ("StringLike", "${aws:userid}-*", "ann*-7", "anna-7"),
    ("StringEquals", "${aws:userid}", "ann*", "anna"),
    ("NumericEquals", "10.0", "10", "10.01"),
    ("NumericNotEquals", "10", "11", "10.00"),
    ("NumericLessThan", "10", "9", "10"),
    ("NumericLessThanEquals", "10", "10", "10.1"),
    ("NumericGreaterThan", "10", "10.1", "10"),
    ("NumericGreaterThanEquals", "10", "10", "9"),
    ("NumericEquals", "10", "10", "ten"),
    ("DateEquals", "2030-01-01", "2030-01-01T00:00:00Z", "2030-01-01T00:00:01Z"),
    ("DateNotEquals", "2030-01-01", "2030-01-02", "2030-01-01"),
    ("DateLessThan", "2030-01-01", "2029-12-31T23:59:59Z", "2030-01-01"),
    ("DateLessThanEquals", "2030-01-01", "2030-01-01", "2030-01-01T00:00:01Z"),
    ("DateGreaterThan", "1893456000", "2030-01-01T00:00:01Z", "2030-01-01"),
    ("DateGreaterThanEquals", "1893456000", "2030-01-01", "2029-12-31"),
    ("Bool", "true", "True", "false"),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", "QmluYXJ6"),
    ("IpAddress", "192.0.2.0/24", "192.0.2.9", "192.0.3.9"),
    ("NotIpAddress", "192.0.2.0/24", "192.0.3.9", "192.0.2.9"),
    ("ArnEquals", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/a/b", "arn:aws:iam::2:role/a"),
    ("ArnLike", "arn:aws:*:*:1:x?", "arn:aws:sts::1:xy", "arn:aws:sts::1:1:xy"),
    ("ArnNotEquals", "arn:aws:iam::1:role/*", "arn:aws:iam::2:role/a", "arn:aws:iam::1:role/a"),
    ("ArnNotLike", "arn:aws:iam::1:role/*", "not an arn", "arn:aws:iam::1:role/a"),
    ("ArnLike", "*", "arn:aws:iam::1:role/a", "not an arn"),
];

#[test]
fn one_value() {
    for (operator, policy, yes, no) in ROWS {
        assert!(check(operator, &[policy], &[yes]), "{operator} {policy} on {yes}");
        assert!(check(&format!("{operator}IfExists"), &[policy], &[yes]), "{operator}IfExists {yes}");
        assert!(!check(operator, &[policy], &[no]), "{operator} {policy} on {no}");
        assert!(!check(&format!("{operator}IfExists"), &[policy], &[no]), "{operator}IfExists {no}");
    }
}

#[test]
fn absent_keys() {
    for (operator, policy, yes, _) in ROWS {
        let negated = operator.contains("Not");
        assert_eq!(check(operator, &[policy], &[]), negated, "{operator} without a key, {yes}");
        assert!(check(&format!("{operator}IfExists"), &[policy], &[]), "{operator}IfExists");
        assert!(check(&format!("ForAllValues:{operator}"), &[policy], &[]), "ForAllValues:{operator}");
        assert!(!check(&format!("ForAnyValue:{operator}"), &[policy], &[]), "ForAnyValue:{operator}");
        assert!(check(&format!("ForAnyValue:{operator}IfExists"), &[policy], &[]));
    }
}

#[test]
fn several_values() {
    for (operator, policy, request, expected) in [
        ("StringEquals", &["a", "b"][..], &["b"][..], true),
        ("StringNotEquals", &["a", "b"], &["b"], false),
        ("StringNotEquals", &["a", "b"], &["c"], true),
        ("ForAllValues:StringEquals", &["a", "b"], &["a", "b"], true),
        ("ForAllValues:StringEquals", &["a", "b"], &["a", "c"], false),
        ("ForAllValues:StringNotEquals", &["a"], &["b", "c"], true),
        ("ForAllValues:StringNotEquals", &["a"], &["a", "c"], false),
        ("ForAnyValue:StringEquals", &["a", "b"], &["x", "b"], true),
        ("ForAnyValue:StringEquals", &["a", "b"], &["x", "y"], false),
        ("ForAnyValue:StringNotEquals", &["a"], &["a", "b"], true),
        ("ForAnyValue:StringNotEquals", &["a"], &["a"], false),
        ("StringEquals", &["a"], &["a", "b"], true),
        ("StringNotEquals", &["a"], &["a", "b"], false),
        ("NumericNotEquals", &["1"], &["one"], true),
        ("StringEquals", &["${aws:username}"], &["a"], false),
        ("StringNotEquals", &["${aws:username}"], &["a"], true),
        ("StringLike", &["${aws:username, 'a'}"], &["a"], true),
    ] {
        assert_eq!(check(operator, policy, request), expected, "{operator} {policy:?} on {request:?}");
    }
}

#[test]
fn null_asks_for_presence() {
    assert!(check("Null", &["true"], &[]));
    assert!(!check("Null", &["true"], &["x"]));
    assert!(check("Null", &["false"], &["x"]));
    assert!(!check("Null", &["false"], &[]));
}

#[test]
fn names_that_are_no_operators() {
    for bad in [
        "",
        "stringequals",
        "StringEqualsIfexists",
        "StringEqualsIfExistsIfExists",
        "ForSomeValues:StringEquals",
        "ForAllValues:ForAnyValue:StringEquals",
        "NullIfExists",
        "ForAllValues:Null",
        "NumericLike",
        "DateLessThen",
        "BinaryNotEquals",
    ] {
        assert_eq!(Operator::parse(bad), None, "{bad}");
    }
}

#[test]
fn policy_values_of_the_wrong_type_are_faults() {
    for (operator, bad) in [
        ("NumericEquals", "ten"),
        ("DateLessThan", "tomorrow"),
        ("Bool", "yes"),
        ("Null", "maybe"),
        ("BinaryEquals", "!"),
        ("IpAddress", "192.0.2.0/40"),
        ("ArnLike", "role/a"),
        ("ArnLike", "arn:aws:iam::*"),
        ("StringLike", "${aws:userid"),
    ] {
        let operator = Operator::parse(operator).unwrap();
        let line = written("t:k", vec![bad.to_owned()]);
        assert!(Condition::compile(line, operator, true).is_err(), "{bad}");
    }
}
