//! Attributes as they are read: white space, friendly names, wrapped values.

use rolegate::identity::VerifyCode::Malformed;

use super::fixture::{accepted, refused, with};

/// An attribute statement's end, with these attributes before it.
fn with_attributes(attributes: &[(&str, &str, &str)]) -> String {
    let attribute = |(name, friendly, value): &(&str, &str, &str)| {
        format!(
            "<saml:Attribute FriendlyName=\"{friendly}\" Name=\"{name}\">\
             <saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>"
        )
    };
    let attributes: String = attributes.iter().map(attribute).collect();
    with("</saml:AttributeStatement>", &format!("{attributes}</saml:AttributeStatement>"))
}

#[test]
fn white_space_around_what_has_none_comes_off() {
    const AWS: &str = "https://aws.amazon.com/SAML/Attributes/";
    let role = "arn:aws:iam::111122223333:role/a";
    let provider = "arn:aws:iam::111122223333:saml-provider/b";
    let names = ["RoleSessionName", "SourceIdentity", "SessionDuration", "Role", "PrincipalTag:team"];
    let names = names.map(|name| format!("{AWS}{name}"));
    let lines = format!("\n {provider} ,\t{role}\n");
    let values = ["\n  ann\n", " root ", "\n 900 \n", &lines, " red "];
    let attributes: Vec<_> =
        names.iter().zip(values).map(|(name, value)| (name.as_str(), "", value)).collect();
    let identity = accepted("in lines", &with_attributes(&attributes));
    let asserted = identity.asserted();
    assert_eq!(asserted.session_name.as_deref(), Some("ann"));
    assert_eq!(asserted.source_identity.as_deref(), Some("root"));
    assert_eq!(asserted.session_duration.map(|duration| duration.as_secs()), Some(900));
    assert_eq!(asserted.roles.as_deref(), Some(&[(role.to_owned(), provider.to_owned())][..]));
    assert_eq!(asserted.tags, [("team".to_owned(), " red ".to_owned())]);
    assert_eq!(identity.attributes()[&names[0]], ["\n  ann\n"]);
}

#[test]
fn a_friendly_name_is_a_courtesy() {
    let aws = "https://aws.amazon.com/SAML/Attributes/RoleSessionName";
    let identity = accepted(
        "friendly names",
        &with_attributes(&[
            ("urn:oid:0.9.2342.19200300100.1.3", "mail", "ann@example.com"),
            ("urn:x:team", "team", "red"),
            // What somebody would like to be taken for: a Name, a name of the table, AWS's.
            ("urn:x:1", "groups", "admin"),
            ("urn:x:2", "eduPersonAffiliation", "admin"),
            ("urn:x:3", aws, "admin"),
            ("urn:x:4", "role", "admin"),
        ]),
    );
    let aliases = [("mail", "urn:oid:0.9.2342.19200300100.1.3"), ("team", "urn:x:team")];
    let expected = aliases.map(|(alias, name)| (alias.to_owned(), Some(name.to_owned())));
    assert_eq!(identity.aliases().clone().into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(identity.attributes()["groups"], ["staff", "platform"]);
    assert!(!identity.attributes().contains_key("mail") && !identity.attributes().contains_key(aws));
    assert_eq!(identity.asserted().session_name, None);
}

#[test]
fn a_targeted_id_is_the_text_of_its_name_id() {
    let name = "urn:oid:1.3.6.1.4.1.5923.1.1.1.10";
    let id = |text: &str| {
        format!(
            "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\" \
             NameQualifier=\"https://idp.example.com/metadata\">{text}</saml:NameID>"
        )
    };
    for value in [id("s7"), format!("\n  {}\n", id("s7"))] {
        let identity = accepted(&value, &with_attributes(&[(name, "", &value)]));
        assert_eq!(identity.attributes()[name], ["s7"]);
    }
    for value in [
        id("s7").repeat(2),
        format!("x{}", id("s7")),
        id(&id("s7")),
        "<saml:Issuer>s7</saml:Issuer>".to_owned(),
    ] {
        refused(&value, &with_attributes(&[(name, "", &value)]), Malformed, "saml.attribute.value");
    }
}
