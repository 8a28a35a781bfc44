//! What a session may do, as it is explained.

use super::world::{DEPLOY, Told, World, ann, signed_by};
use crate::saml::fixture::{HONEST, base64};

/// What a session may do with the photos of its team.
const RIGHTS: &str = r#"{"Version": "2012-10-17", "Statement": [
  {"Sid": "Team", "Effect": "Allow", "Action": "s3:Get*",
   "Resource": "arn:aws:s3:::photos/${aws:PrincipalTag/team}/*",
   "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
  {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::photos/rocket/secret"}]}"#;

/// `explain` with an action on a resource, by somebody at `address`.
fn may(action: &str, resource: &str, address: &str) -> Told {
    let trust = "trust_policy = \"deploy.json\"\n";
    let world = World::new().configured(trust, &format!("{trust}policies = [\"rights.json\"]\n"));
    world.write("rights.json", RIGHTS);
    let context = format!("aws:SourceIp={address}");
    let asked = ["--action", action, "--resource", resource, "--context", &context];
    world.run("-", &base64(signed_by(&HONEST, &ann()).as_bytes()), &asked)
}

#[test]
fn what_a_session_may_do_is_shown_statement_by_statement() {
    let told = may("s3:GetObject", "arn:aws:s3:::photos/rocket/1", "192.0.2.7");
    let expected = "            may       s3:GetObject on arn:aws:s3:::photos/rocket/1
                      rights.json (identity-based policy)
                      Statement[0] Team: Allow applies
                      Statement[1]: Deny does not apply
                        its Resource is another
";
    assert!(told.section("Roles").ends_with(expected.trim_end()), "{}", told.out);
    assert_eq!(told.section("Answer"), format!("  GRANTED   {DEPLOY}\n"));
    assert_eq!(told.code, Some(0));
}

#[test]
fn what_a_session_may_not_do_says_why_and_is_exit_code_3() {
    let told = may("s3:GetObject", "arn:aws:s3:::photos/rocket/1", "203.0.113.7");
    let expected = "            MAY NOT   s3:GetObject on arn:aws:s3:::photos/rocket/1
                      because no identity-based policy allows the s3:GetObject action
                      rights.json (identity-based policy)
                      Statement[0] Team: Allow does not apply
                        Condition IpAddress aws:SourceIp
                          wanted  192.0.2.0/24
                          saw     203.0.113.7
                      Statement[1]: Deny does not apply
                        its Resource is another
";
    assert!(told.section("Roles").ends_with(expected.trim_end()), "{}", told.out);
    let refused = "  REFUSED   but what was asked by --action, which no session of it may do: see Roles\n";
    assert_eq!(told.section("Answer"), format!("  GRANTED   {DEPLOY}\n{refused}"));
    assert_eq!(told.code, Some(3));
    let denied = may("s3:GetObject", "arn:aws:s3:::photos/rocket/secret", "192.0.2.7");
    assert!(denied.out.contains("with an explicit deny in an identity-based policy"), "{}", denied.out);
    assert_eq!(denied.code, Some(3));
}

#[test]
fn an_action_that_is_none_is_exit_code_2() {
    for (action, resource, problem) in [
        ("s3:Get*", "*", "\"s3:Get*\" is not an action such as s3:GetObject"),
        ("s3:GetObject", "photos", "\"photos\" is not an ARN"),
    ] {
        let told = may(action, resource, "192.0.2.7");
        assert_eq!((told.code, told.out.as_str()), (Some(2), ""));
        assert_eq!(told.err, format!("{problem}\n"));
    }
}
