//! What an assertion says: one subject, attributes of text, AWS's own attributes well formed.
//! Each document is signed after the change.

use super::fixture::{honest, with};
use super::suite::{Table, hold};

#[test]
fn are_well_formed() {
    hold(&tables());
}

const NAME_ID: &str = "saml.name-id";
const VALUE: &str = "saml.attribute.value";
const ATTRIBUTE: &str = "saml.attribute";
const SINGLE: &str = "saml.attribute.single-value";
const ROLE: &str = "saml.attribute.role";
const DURATION: &str = "saml.attribute.session-duration";
const AWS: &str = "https://aws.amazon.com/SAML/Attributes/";

pub(super) fn tables() -> Vec<Table> {
    vec![subjects(), attributes(), roles(), durations(), single_values(), numbers()]
}

/// An attribute of these values.
fn attribute(name: &str, values: &[&str]) -> String {
    let values: String =
        values.iter().map(|v| format!("<saml:AttributeValue>{v}</saml:AttributeValue>")).collect();
    format!("<saml:Attribute Name=\"{name}\">{values}</saml:Attribute>")
}

/// With more in the attribute statement.
fn stated(more: &str) -> String {
    with("</saml:AttributeStatement>", &format!("{more}</saml:AttributeStatement>"))
}

fn aws(name: &str, values: &[&str]) -> String {
    stated(&attribute(&format!("{AWS}{name}"), values))
}

fn subjects() -> Table {
    let format = " Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\"";
    let one = format!("<saml:NameID{format}>ann</saml:NameID>");
    let subject = |content: &str| with(&one, content);
    let name = |text: &str| with(">ann<", &format!(">{text}<"));
    let base = "<saml:BaseID></saml:BaseID>";
    let from = super::fixture::ASSERTION.find("<saml:Subject>").unwrap();
    let to = super::fixture::ASSERTION.find("<saml:Conditions").unwrap();
    Table::new("subjects")
        .twin("one name", subject(&one))
        .twin("qualified", with(format, &format!("{format} SPNameQualifier=\"urn:sp\"")))
        .twin("1,024 bytes", name(&"a".repeat(1024)))
        .attacks([
            ("no subject", with(&super::fixture::ASSERTION[from..to], ""), "saml.subject.missing"),
            ("no name", subject(""), NAME_ID),
            ("two names", subject(&one.repeat(2)), NAME_ID),
            (
                "two names, the second behind",
                with("</saml:Subject>", &format!("{one}</saml:Subject>")),
                NAME_ID,
            ),
            ("an empty name", name(""), NAME_ID),
            ("a blank name", name(" \n "), NAME_ID),
            ("1,025 bytes", name(&"a".repeat(1025)), "saml.name-id.length"),
            ("513 characters of two bytes", name(&"\u{e9}".repeat(513)), "saml.name-id.length"),
            ("no format", with(format, ""), "saml.name-id.format"),
            ("an empty format", with(format, " Format=\"\""), "saml.name-id.format"),
            ("a BaseID", subject(base), "saml.subject.child"),
            ("a BaseID beside the name", subject(&format!("{base}{one}")), "saml.subject.child"),
            ("a BaseID behind the name", subject(&format!("{one}{base}")), "saml.subject.child"),
            ("something unknown", subject(&format!("<x></x>{one}")), "saml.subject.child"),
            (
                "a name of another namespace beside",
                subject(&format!("{one}<x:NameID xmlns:x=\"urn:x\">admin</x:NameID>")),
                "saml.subject.child",
            ),
            (
                "an Identifier of SAML 1.1",
                subject(&one.replace("NameID", "NameIdentifier")),
                "saml.subject.child",
            ),
            ("text", with("<saml:Subject>", "<saml:Subject>admin"), "saml.subject.child"),
            ("an encrypted name", subject("<saml:EncryptedID></saml:EncryptedID>"), "saml.encrypted"),
            (
                "an encrypted name beside",
                subject(&format!("{one}<saml:EncryptedID></saml:EncryptedID>")),
                "saml.encrypted",
            ),
        ])
}

fn attributes() -> Table {
    let in_value = |content: &str| with(">staff<", &format!(">{content}<"));
    let encrypted = "<saml:EncryptedAttribute></saml:EncryptedAttribute>";
    let nil = "<saml:Attribute Name=\"a\"><saml:AttributeValue xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"></saml:AttributeValue></saml:Attribute>";
    Table::new("attributes")
        .twins([
            ("no value", stated(&attribute("a", &[]))),
            ("an empty value", stated(&attribute("a", &[""]))),
            ("no value of XML Schema", stated(nil)),
            ("one name twice", stated(&attribute("groups", &["more"]))),
        ])
        .attacks([
            ("no name", with(" Name=\"groups\"", ""), "saml.attribute.name"),
            ("an empty name", with("\"groups\"", "\"\""), "saml.attribute.name"),
            (
                "a friendly name only",
                with("Name=\"groups\"", "FriendlyName=\"groups\""),
                "saml.attribute.name",
            ),
            ("an element for a value", in_value("<x></x>"), VALUE),
            ("an element beside the value", in_value("staff<x></x>"), VALUE),
            ("a value within a value", in_value("<saml:AttributeValue>staff</saml:AttributeValue>"), VALUE),
            (
                "something unknown beside the values",
                with("</saml:Attribute>", "<x></x></saml:Attribute>"),
                ATTRIBUTE,
            ),
            (
                "an attribute within an attribute",
                with("</saml:Attribute>", &format!("{}</saml:Attribute>", attribute("a", &["b"]))),
                ATTRIBUTE,
            ),
            ("something unknown beside the attributes", stated("<x></x>"), ATTRIBUTE),
            (
                "a value beside the attributes",
                stated("<saml:AttributeValue>x</saml:AttributeValue>"),
                ATTRIBUTE,
            ),
            ("an encrypted attribute", stated(encrypted), "saml.encrypted"),
            ("an encrypted attribute in a value", in_value(encrypted), "saml.encrypted"),
            (
                "a statement within a statement",
                stated(&format!(
                    "<saml:AttributeStatement>{}</saml:AttributeStatement>",
                    attribute("a", &["b"])
                )),
                ATTRIBUTE,
            ),
        ])
}

fn roles() -> Table {
    let (role, provider) = ("arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:saml-provider/b");
    let of = |values: &[&str]| aws("Role", values);
    let pair = format!("{role},{provider}");
    let commas = "arn:,".repeat(40_000);
    Table::new("roles")
        .twins([("a pair", of(&[&pair])), ("the other way round", of(&[&format!("{provider},{role}")]))])
        .twin("a comma in the role's name", of(&[&format!("{role},x,{provider}")]))
        .attacks([
            ("a name", of(&["admin"]), ROLE),
            ("a role alone", of(&[role]), ROLE),
            ("a provider alone", of(&[provider]), ROLE),
            ("nothing", of(&[""]), ROLE),
            ("two roles", of(&[&format!("{role},{role}")]), ROLE),
            ("two providers", of(&[&format!("{provider},{provider}")]), ROLE),
            ("a semicolon", of(&[&format!("{role};{provider}")]), ROLE),
            ("a blank", of(&[&format!("{role} {provider}")]), ROLE),
            ("no ARN", of(&[&format!("role/a,{provider}")]), ROLE),
            ("a user", of(&[&pair.replace(":role/", ":user/")]), ROLE),
            ("an OIDC provider", of(&[&pair.replace("saml-provider", "oidc-provider")]), ROLE),
            ("a good one and a bad one", of(&[&pair, "admin"]), ROLE),
            ("40,000 commas", of(&[&commas]), ROLE),
        ])
}

fn durations() -> Table {
    let of = |text: &str| aws("SessionDuration", &[text]);
    let bad = [
        ("a second too few", "899"),
        ("a second too many", "43201"),
        ("zero", "0"),
        ("nothing", ""),
        ("less than nothing", "-3600"),
        ("a sign", "+3600"),
        ("a unit", "3600s"),
        ("an hour", "1h"),
        ("a fraction", "3600.0"),
        ("an exponent", "36e2"),
        ("hexadecimal", "0xE10"),
        ("two numbers", "3600 7200"),
        ("a separator", "3,600"),
        ("digits of another script", "\u{663}\u{666}\u{660}\u{660}"),
        ("overflow", "18446744073709555216"),
        ("a duration of XML Schema", "PT1H"),
    ];
    Table::new("durations")
        .twins([("the shortest", of("900")), ("the longest", of("43200")), ("white space", of(" 3600\n"))])
        .attacks(bad.map(|(what, text)| (what, of(text), DURATION)))
}

fn single_values() -> Table {
    let names = ["RoleSessionName", "SessionDuration", "SourceIdentity", "PrincipalTag:team"];
    let twins = names.map(|name| (name, aws(name, &["1000"])));
    let two = names.map(|name| (format!("two of {name}"), aws(name, &["1000", "1000"]), SINGLE));
    let none = names.map(|name| (format!("none of {name}"), aws(name, &[]), SINGLE));
    let apart = names.map(|name| {
        let one = attribute(&format!("{AWS}{name}"), &["1000"]);
        (format!("two of {name}, apart"), stated(&one.repeat(2)), SINGLE)
    });
    let statements = names.map(|name| {
        let one = attribute(&format!("{AWS}{name}"), &["1000"]);
        let between = format!("{one}</saml:AttributeStatement><saml:AttributeStatement>{one}");
        (format!("two of {name}, in two statements"), stated(&between), SINGLE)
    });
    Table::new("single values").twins(twins).attacks(two).attacks(none).attacks(apart).attacks(statements)
}

fn numbers() -> Table {
    let tags = |count: usize| {
        let tag = |n| attribute(&format!("{AWS}PrincipalTag:k{n}"), &["v"]);
        stated(&(0..count).map(tag).collect::<String>())
    };
    let names =
        |count: usize| stated(&(0..count).map(|n| attribute(&format!("n{n}"), &["v"])).collect::<String>());
    let between = "/saml:AttributeValue><saml:AttributeValue>s<";
    let values = |count: usize| with(">staff<", &format!(">s<{}", between.repeat(count)));
    let count = "saml.attribute.count";
    Table::new("numbers")
        .twins([("50 tags", tags(50)), ("256 attributes", names(255)), ("4,096 values", values(4094))])
        .twin("none", honest())
        .attacks([
            ("51 tags", tags(51), "saml.attribute.tags"),
            ("257 attributes", names(256), count),
            ("4,097 values", values(4095), count),
        ])
}
