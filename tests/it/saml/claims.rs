//! The attributes that AWS defines, well and badly formed.

use rolegate::identity::VerifyCode::Claim;

use super::fixture::{accepted, refused, with};

#[test]
fn what_aws_defines_is_well_formed() {
    let with_attribute = |name: &str, values: &[&str]| {
        let values: String =
            values.iter().map(|v| format!("<saml:AttributeValue>{v}</saml:AttributeValue>")).collect();
        let name = format!("https://aws.amazon.com/SAML/Attributes/{name}");
        let attribute =
            format!("<saml:Attribute Name=\"{name}\">{values}</saml:Attribute></saml:AttributeStatement>");
        with("</saml:AttributeStatement>", &attribute)
    };
    for (name, good, bad, check) in [
        ("SessionDuration", "900", "899", "saml.attribute.session-duration"),
        ("SessionDuration", "43200", "43201", "saml.attribute.session-duration"),
        ("SessionDuration", "3600", "1h", "saml.attribute.session-duration"),
        (
            "Role",
            "arn:aws:iam::111122223333:role/a,arn:aws:iam::111122223333:saml-provider/b",
            "admin",
            "saml.attribute.role",
        ),
    ] {
        accepted(name, &with_attribute(name, &[good]));
        refused(name, &with_attribute(name, &[bad]), Claim, check);
    }
    for name in ["RoleSessionName", "SessionDuration", "SourceIdentity", "PrincipalTag:team"] {
        accepted(name, &with_attribute(name, &["1000"]));
        refused(name, &with_attribute(name, &["1000", "1000"]), Claim, "saml.attribute.single-value");
        refused(name, &with_attribute(name, &[]), Claim, "saml.attribute.single-value");
    }
    let tags = |count: usize| {
        let tag = |n| {
            format!(
                "<saml:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/PrincipalTag:k{n}\"><saml:AttributeValue>v</saml:AttributeValue></saml:Attribute>"
            )
        };
        with(
            "</saml:AttributeStatement>",
            &((0..count).map(tag).collect::<String>() + "</saml:AttributeStatement>"),
        )
    };
    accepted("50 tags", &tags(50));
    refused("51 tags", &tags(51), Claim, "saml.attribute.tags");
    let values = |count: usize| {
        with(">staff<", &format!(">s<{}", "/saml:AttributeValue><saml:AttributeValue>s<".repeat(count)))
    };
    accepted("4096 values", &values(4094));
    refused("4097 values", &values(4095), Claim, "saml.attribute.count");
}
