//! Who is trusted: principals, condition keys of both protocols, the three actions.

use super::*;
use crate::identity::testing::IdentityBuilder;

const CORP: &str = "arn:aws:iam::111122223333:saml-provider/corp";
const REALM: &str = "arn:aws:iam::111122223333:oidc-provider/idp.example.com/realms/r";
const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";

fn ann() -> FederatedIdentity {
    IdentityBuilder::saml(CORP, "corp", "ann")
        .issuer("https://example.com/saml")
        .attribute("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", &["staff", "member"])
        .attribute("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", &["t"])
        .attribute("http://schemas.xmlsoap.org/claims/CommonName", &["Ann"])
        .attribute("urn:oid:2.5.4.3", &["ann.cn"])
        .attribute("groups", &["platform"])
        .build()
}

fn workload() -> FederatedIdentity {
    let claims = serde_json::json!({
        "sub": "service-7", "aud": "client", "azp": "app", "email": "s7@example.com", "amr": ["pwd", "otp"],
        "repository": "org/app"
    });
    IdentityBuilder::oidc(REALM, "realm", "https://idp.example.com/realms/r", claims).build()
}

fn pipeline() -> FederatedIdentity {
    let claims =
        serde_json::json!({"sub": "repo:org/app", "aud": "sts", "repository": "org/app", "actor_id": 7});
    IdentityBuilder::oidc(GITHUB, "github", "https://token.actions.githubusercontent.com", claims).build()
}

fn document(identity: &FederatedIdentity, members: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"{}"}},{members}}}]}}"#,
        identity.provider()
    )
}

fn tag(key: &str, value: &str, transitive: bool) -> SessionTag {
    SessionTag { key: key.to_owned(), value: value.to_owned(), transitive }
}

/// Asks `document` about a session of `identity` with a tag and a source identity, or without.
fn ask(document: &str, identity: &FederatedIdentity, dressed: bool) -> Result<Vec<AllowedAction>, Untrusted> {
    let trust = TrustPolicy::parse(document).unwrap_or_else(|faults| panic!("{document}: {faults:?}"));
    let role = "arn:aws:iam::111122223333:role/Deploy".parse().unwrap();
    let tags = [tag("Team", "red", true), tag("cost", "7", false)];
    trust.ask(&TrustQuestion {
        identity,
        role: &role,
        session_name: "ann@example.com",
        source_identity: dressed.then_some("ann"),
        tags: if dressed { &tags } else { &[] },
        duration: Duration::from_secs(3600),
        source_ip: Some("192.0.2.7".parse().unwrap()),
        at: Moment::from_unix(1_893_456_000),
    })
}

fn allowed_if(identity: &FederatedIdentity, condition: &str) -> bool {
    let members = format!(r#""Action":"sts:*","Condition":{condition}"#);
    ask(&document(identity, &members), identity, true).is_ok()
}

#[test]
fn condition_keys_of_a_person() {
    for (condition, expected) in [
        (r#"{"StringEquals":{"saml:aud":"https://broker.example.com/saml"}}"#, true),
        (r#"{"StringEquals":{"SAML:AUD":"https://broker.example.com/"}}"#, false),
        (r#"{"StringEquals":{"saml:iss":"https://example.com/saml","saml:sub":"ann"}}"#, true),
        (r#"{"StringEquals":{"saml:sub":"bob"}}"#, false),
        (r#"{"StringEquals":{"saml:sub_type":"persistent","saml:doc":"111122223333/corp"}}"#, true),
        (r#"{"StringEquals":{"saml:namequalifier":"1uAJanUnBc2XeUkHURMht+xam2c="}}"#, false),
        (r#"{"ForAnyValue:StringEquals":{"saml:eduPersonAffiliation":"staff"}}"#, true),
        (r#"{"ForAllValues:StringEquals":{"saml:eduPersonAffiliation":"staff"}}"#, false),
        (
            r#"{"StringEquals":{"saml:eduPersonTargetedID":"t","saml:commonName":"Ann","saml:cn":"ann.cn"}}"#,
            true,
        ),
        (r#"{"StringEquals":{"saml:groups":"platform"}}"#, false),
        (r#"{"StringEquals":{"sts:RoleSessionName":"ann@example.com","sts:SourceIdentity":"ann"}}"#, true),
        (r#"{"StringEquals":{"aws:RequestTag/team":"red","aws:RequestTag/Cost":"7"}}"#, true),
        (r#"{"StringEquals":{"aws:RequestTag/team":"blue"}}"#, false),
        (
            r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["Team","cost"],"sts:TransitiveTagKeys":"Team"}}"#,
            true,
        ),
        (r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["Team"]}}"#, false),
        (r#"{"NumericLessThanEquals":{"sts:DurationSeconds":3600}}"#, true),
        (r#"{"NumericLessThan":{"sts:DurationSeconds":"3600"}}"#, false),
        (r#"{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#, true),
        (r#"{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#, false),
        (r#"{"DateEquals":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}"#, true),
        (r#"{"NumericEquals":{"aws:EpochTime":"1893456000"}}"#, true),
        (r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333","aws:PrincipalType":"User"}}"#, true),
        (r#"{"StringEquals":{"aws:userid":"arn:aws:iam::111122223333:saml-provider/corp"}}"#, true),
        (
            r#"{"Null":{"aws:PrincipalArn":"true","aws:username":"true","sts:RoleAuthorizedByIdp":"true"}}"#,
            true,
        ),
        (r#"{"StringEquals":{"sts:SourceIdentity":"${saml:sub}"}}"#, true),
        (r#"{"StringLike":{"sts:RoleSessionName":"${saml:sub}@*"}}"#, true),
    ] {
        assert_eq!(allowed_if(&ann(), condition), expected, "{condition}");
    }
}

#[test]
fn condition_keys_of_a_workload() {
    for (condition, expected) in [
        (r#"{"StringEquals":{"idp.example.com/realms/r:sub":"service-7"}}"#, true),
        (r#"{"StringEquals":{"idp.example.com:sub":"service-7"}}"#, false),
        (
            r#"{"StringEquals":{"idp.example.com/realms/r:aud":"app","idp.example.com/realms/r:oaud":"client"}}"#,
            true,
        ),
        (r#"{"StringEquals":{"idp.example.com/realms/r:aud":"client"}}"#, false),
        (
            r#"{"StringEquals":{"idp.example.com/realms/r:azp":"app","idp.example.com/realms/r:email":"s7@example.com"}}"#,
            true,
        ),
        (r#"{"ForAnyValue:StringEquals":{"idp.example.com/realms/r:amr":"otp"}}"#, true),
        (r#"{"StringEquals":{"idp.example.com/realms/r:repository":"org/app"}}"#, false),
        (r#"{"Bool":{"sts:RoleAuthorizedByIdp":false},"Null":{"saml:sub":"true"}}"#, true),
    ] {
        assert_eq!(allowed_if(&workload(), condition), expected, "{condition}");
    }
    let key = "token.actions.githubusercontent.com";
    assert!(allowed_if(
        &pipeline(),
        &format!(r#"{{"StringEquals":{{"{key}:repository":"org/app","{key}:actor_id":"7"}}}}"#)
    ));
    assert!(!allowed_if(&pipeline(), &format!(r#"{{"StringEquals":{{"{key}:repository":"org/app2"}}}}"#)));
}

#[test]
fn only_the_provider_itself_is_trusted() {
    let evil = IdentityBuilder::saml(&format!("{CORP}-evil"), "corp-evil", "ann").build();
    let shorter = IdentityBuilder::saml("arn:aws:iam::111122223333:saml-provider/cor", "cor", "ann").build();
    let trusting = document(&ann(), r#""Action":"sts:AssumeRoleWithSAML""#);
    assert!(ask(&trusting, &ann(), false).is_ok());
    for stranger in [evil, shorter, workload()] {
        let refused = ask(&trusting, &stranger, false).unwrap_err();
        assert_eq!(refused.reason, TrustRefusal::ImplicitDeny, "{}", stranger.provider());
    }
    let everyone =
        r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRoleWithSAML"}}"#;
    assert!(TrustPolicy::parse(everyone).is_err());
    let everyone = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["sts:AssumeRole","sts:AssumeRoleWithSAML"]}}"#;
    assert_eq!(ask(everyone, &ann(), false).unwrap_err().reason, TrustRefusal::ImplicitDeny);
}

#[test]
fn a_provider_of_another_account_is_not_trusted() {
    let foreign =
        IdentityBuilder::saml("arn:aws:iam::444455556666:saml-provider/corp", "corp", "ann").build();
    let trusting = document(&foreign, r#""Action":"sts:*""#);
    assert_eq!(ask(&trusting, &foreign, false).unwrap_err().reason, TrustRefusal::ForeignProvider);
}

#[test]
fn each_protocol_has_its_action() {
    for (identity, action, other) in [
        (ann(), "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"),
        (workload(), "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"),
    ] {
        assert!(ask(&document(&identity, &format!(r#""Action":"{action}""#)), &identity, false).is_ok());
        for wrong in [other, "sts:AssumeRole"] {
            let refused = ask(&document(&identity, &format!(r#""Action":"{wrong}""#)), &identity, false);
            assert_eq!(refused, Err(Untrusted { action, reason: TrustRefusal::ImplicitDeny }));
        }
    }
}

#[test]
fn tags_and_source_identity_need_their_own_permission() {
    let trusting = |actions: &str| document(&ann(), &format!(r#""Action":[{actions}]"#));
    let (assume, tag, name) =
        (r#""sts:AssumeRoleWithSAML""#, r#""sts:TagSession""#, r#""sts:SetSourceIdentity""#);
    for (actions, refused) in [
        (assume.to_owned(), Some("sts:TagSession")),
        (format!("{assume},{name}"), Some("sts:TagSession")),
        (format!("{assume},{tag}"), Some("sts:SetSourceIdentity")),
        (format!("{tag},{name}"), Some("sts:AssumeRoleWithSAML")),
        (format!("{assume},{tag},{name}"), None),
    ] {
        let answer = ask(&trusting(&actions), &ann(), true);
        assert_eq!(answer.err().map(|refusal| refusal.action), refused, "{actions}");
    }
    assert!(ask(&trusting(assume), &ann(), false).is_ok());
}

#[test]
fn answers_name_the_statements() {
    let deny = r#"{"Statement":[
        {"Sid":"in","Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/corp"},"Action":"sts:*"},
        {"Sid":"notBob","Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{"StringEquals":{"saml:sub":"bob"}}}]}"#;
    let allowed = ask(deny, &ann(), false).unwrap();
    assert_eq!(allowed[0].statements, [StatementRef { index: 0, sid: Some("in".to_owned()) }]);
    let bob = IdentityBuilder::saml(CORP, "corp", "bob").build();
    let refused = ask(deny, &bob, false).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "sts:AssumeRoleWithSAML: denied by the trust policy's statement 1 (notBob)"
    );
}
