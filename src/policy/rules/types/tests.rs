//! What is refused with which words, what passes, and that what was foretold comes.

use cel::{Context, Value};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::clock::Moment;
use crate::identity::FederatedIdentity;
use crate::identity::testing::IdentityBuilder;
use crate::policy::Circumstances;
use crate::policy::rules::expression::environment;
use crate::policy::rules::shape;
use crate::policy::rules::view::View;

const CI: &str = "arn:aws:iam::111122223333:oidc-provider/ci.example.com";

fn tree(source: &str) -> IdedExpr {
    let mut tree = environment().parser().parse(source).unwrap();
    shape::admit(&mut tree).unwrap_or_else(|fault| panic!("{source}: {fault}"));
    tree
}

fn kind(source: &str) -> Result<Kind, String> {
    of(&tree(source))
}

#[test]
fn what_can_never_be_meant_is_refused() {
    for (source, fault) in [
        (
            r#"attr.email == "a""#,
            r#"attr.email is a list of strings and "a" is a string, which are never equal; write attr.email[0], or "a" in attr.email"#,
        ),
        (
            r#""a" != groups"#,
            r#""a" is a string and groups is a list of strings, which are never equal; write groups[0], or "a" in groups"#,
        ),
        ("subject == 7", "subject is a string and 7 is a number, which are never equal"),
        ("subject == null", "subject is a string and null is null, which are never equal"),
        ("groups == [1]", "groups is a list of strings and [1] is a list of numbers, which are never equal"),
        (r#"groups.contains("a")"#, "groups is a list of strings, not a string; write … in groups"),
        (
            r#"attr.x.startsWith("a")"#,
            "attr.x is a list of strings, not a string; write attr.x[0], or attr.x.exists(x, x.startsWith(…))",
        ),
        (r#"attr.startsWith("a")"#, "attr is all attributes, not a string"),
        (r#""a" in subject"#, "subject is a string: only lists and maps have something in them"),
        ("7 in groups", "7 is a number and groups is a list of strings: it is never in there"),
        ("attr[1] == []", "attr is all attributes, which has no item by a number"),
        (r#"groups["a"] == "b""#, "groups is a list of strings, which has no item by a string"),
        ("subject[0] == \"a\"", "subject is a string, which has no item by a number"),
        ("subject.name == \"a\"", "subject is a string, which has no member \"name\""),
        ("attr.email.address == \"a\"", "attr.email is a list of strings, which has no member \"address\""),
        ("has(subject.name)", "subject is a string, which has no member \"name\""),
        ("subject && true", "subject is a string, not true or false"),
        ("true || groups", "groups is a list of strings, not true or false"),
        ("!time", "time is a number, not true or false"),
        ("time ? true : false", "time is a number, not true or false"),
        ("subject + 1 == subject", "subject is a string and 1 is a number: the two don't go together"),
        ("subject > 7", "subject is a string and 7 is a number: the two don't go together"),
        (
            "groups > groups",
            "groups is a list of strings and groups is a list of strings: the two don't go together",
        ),
        (
            "subject - subject == subject",
            "subject is a string and subject is a string: the two don't go together",
        ),
        ("-subject == 1", "subject is a string, not a number"),
        ("size(time) == 1", "time is a number, which has no size"),
        ("int(groups) == 1", "groups is a list of strings: int() makes nothing of it"),
        ("subject.startsWith(7)", "7 is a number, not a string"),
        ("subject.startsWith()", "startsWith takes 1 argument(s), not 0"),
        (r#"subject.trim("a") == subject"#, "trim takes nothing, not 1"),
        (r#"subject.split("a", 1, 2) == groups"#, "split takes 1 to 2 arguments, not 3"),
        (r#"startsWith(subject, "a")"#, "startsWith is not called like this"),
        ("subject.join() == \"a\"", "subject is a string, not a list of strings"),
        ("subject.exists(x, true)", "subject is a string: only lists and maps have items"),
        ("groups.exists(g, g == 7)", "g is a string and 7 is a number, which are never equal"),
        (
            "claim.list.exists(subject, subject == 7) && subject == 7",
            "subject is a string and 7 is a number, which are never equal",
        ),
        ("groups.all(g, g)", "g is a string, not true or false"),
    ] {
        assert_eq!(kind(source), Err(fault.to_owned()), "{source}");
    }
}

#[test]
fn what_can_be_meant_passes() {
    let texts = || List(Box::new(Text));
    for (source, expected) in [
        ("subject", Text),
        ("attr.email", texts()),
        (r#"attr["e"]"#, texts()),
        ("attr.email[0]", Text),
        ("claim", Map),
        ("claim.x", Any),
        ("claim.x.y[3].z", Any),
        ("claim.x == 7 && claim.x == \"a\" && claim.x in groups && claim.x > 3", Bool),
        ("claim.x + \"a\"", Text),
        ("time + 1", Int),
        ("claim.x + 1", Any),
        ("claim.x + [1]", List(Box::new(Any))),
        ("1 == 1.0 && 2u > 1", Bool),
        ("groups + [subject]", texts()),
        ("groups == []", Bool),
        ("{\"a\": groups}.a[0]", Any),
        ("[subject, 7]", List(Box::new(Any))),
        ("time > 7 ? subject : issuer", Text),
        ("time > 7 ? subject : 7", Any),
        (r#"attr.email[0].split("@")[1].upperAscii()"#, Text),
        (r#"groups.map(g, g + "!").join(",")"#, Text),
        ("groups.filter(g, size(g) > 2).size()", Int),
        ("groups.exists_one(g, g == \"a\")", Bool),
        ("attr.exists(name, name == \"a\")", Bool),
        ("has(attr.x) && has(claim.x) && \"x\" in attr && \"x\" in claim", Bool),
        ("string(time) + subject", Text),
        ("authn.methods", texts()),
        ("authn.context + source_ip", Text),
        ("authn.time + 1", Int),
        (r#"has(authn.time) || source_ip.within("10.0.0.0/8")"#, Bool),
    ] {
        assert_eq!(kind(source), Ok(expected), "{source}");
    }
}

/// What `shape` lets through is known here, or a rule could call what nothing is known of.
#[test]
fn every_function_has_its_kinds() {
    let calls = shape::FUNCTIONS.iter().map(|name| (name, [format!("claim.x.{name}"), (*name).to_owned()]));
    let arguments = ["()", "(claim.x)", "(claim.x, claim.x)", "(\"192.0.2.0/24\")"];
    for (name, forms) in calls {
        let mut called =
            forms.iter().flat_map(|form| arguments.map(|arguments| format!("{form}{arguments}")));
        assert!(called.any(|source| kind(&source).is_ok()), "{name}");
    }
}

/// Expressions of every kind, put together without a thought.
fn expression() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "subject",
        "time",
        "groups",
        "attr",
        "claim",
        "attr.team",
        "attr.none",
        "claim.text",
        "claim.number",
        "claim.list",
        "claim.flag",
        "authn",
        "authn.methods",
        "authn.context",
        "source_ip",
        "claim.none",
        "\"a\"",
        "7",
        "1.5",
        "2u",
        "true",
        "null",
        "[]",
        "[1]",
        "[\"a\"]",
        "{\"a\": 1}",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 16, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let operator = select(vec!["==", "!=", "<", ">=", "+", "-", "*", "/", "%", "&&", "||", "in"]);
        let method =
            select(vec!["contains", "startsWith", "charAt", "indexOf", "split", "substring", "join"]);
        let plain = select(vec!["size", "trim", "lowerAscii", "reverse", "join"]);
        let function = select(vec!["size", "int", "string", "double", "bool", "!", "-"]);
        let over = select(vec!["exists", "all", "map", "filter", "exists_one"]);
        prop_oneof![
            3 => (two.clone(), operator).prop_map(|((a, b), operator)| format!("({a} {operator} {b})")),
            1 => two.clone().prop_map(|(a, b)| format!("{a}[{b}]")),
            1 => (two.clone(), method).prop_map(|((a, b), method)| format!("{a}.{method}({b})")),
            1 => (inner.clone(), plain).prop_map(|(a, method)| format!("{a}.{method}()")),
            1 => (inner.clone(), function).prop_map(|(a, function)| format!("{function}({a})")),
            1 => (two.clone(), inner.clone()).prop_map(|((a, b), c)| format!("({a} ? {b} : {c})")),
            1 => (two, over).prop_map(|((a, b), over)| format!("{a}.{over}(x, {b} == x)")),
        ]
    })
}

fn somebody() -> FederatedIdentity {
    let claims = serde_json::json!({"text": "abc", "number": 7, "list": ["a", "b"], "flag": true});
    let builder = IdentityBuilder::oidc(CI, "ci", "https://ci.example.com", claims);
    builder.attribute("groups", &["a", "b"]).attribute("team", &["red"]).build()
}

/// Whether a value is of a kind.
fn is(value: &Value, kind: &Kind) -> bool {
    match (value, kind) {
        (_, Any)
        | (Value::Bool(_), Bool)
        | (Value::Int(_), Int)
        | (Value::UInt(_), UInt)
        | (Value::Float(_), Double)
        | (Value::String(_), Text)
        | (Value::Bytes(_), Bytes)
        | (Value::Null, Null)
        | (Value::Map(_), Map | Attributes | Authn) => true,
        (Value::List(items), List(item)) => items.iter().all(|value| is(value, item)),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_foretold_comes(source in expression()) {
        let env = environment();
        let Ok(mut tree) = env.parser().parse(&source) else { return Ok(()) };
        if shape::admit(&mut tree).is_err() {
            return Ok(());
        }
        let identity = somebody();
        let view = View::new(&identity, Circumstances::at(Moment::from_unix(1000)));
        let mut context = Context::with_env(env);
        context.set_variable_resolver(&view);
        let value = Value::resolve(&tree, &context);
        if let (Ok(kind), Ok(value)) = (of(&tree), value) {
            prop_assert!(is(&value, &kind), "{source} gives {value:?}, not {kind:?}");
        }
    }
}
