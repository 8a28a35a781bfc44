//! What AWS was recorded to answer, asked of the broker. The recordings are LocalStack's, made against AWS itself:
//! `tests/aws/services/sts/test_sts.snapshot.json` in its repository; each case names the test and the day.

use super::*;

/// What `AssumeRole` with these parameters was refused with.
struct Recorded {
    /// Test, key and day.
    source: &'static str,
    changes: &'static [(&'static str, &'static str)],
    refusal: &'static str,
}

const REFUSED: &[Recorded] = &[
    Recorded {
        source: "test_sts_invalid_parameters, malformed-arn, 2025-07-21",
        changes: &[("RoleArn", "nothing-valid-in-here")],
        refusal: "400 ValidationError: nothing-valid-in-here is invalid",
    },
    Recorded {
        source: "test_sts_invalid_parameters, no-partition, 2025-07-21",
        changes: &[("RoleArn", "arn::b:::something/test-role")],
        refusal: "400 ValidationError: arn::b:::something/test-role is invalid",
    },
    Recorded {
        source: "test_sts_invalid_parameters, no-service, 2025-07-21",
        changes: &[("RoleArn", "arn:a::::something/test-role")],
        refusal: "400 ValidationError: arn:a::::something/test-role is invalid",
    },
    Recorded {
        source: "test_sts_invalid_parameters, not-enough-colons, 2025-07-21",
        changes: &[("RoleArn", "arn:a:::something/test-role")],
        refusal: "400 ValidationError: arn:a:::something/test-role is invalid",
    },
    Recorded {
        source: "test_sts_invalid_parameters, no-resource, 2025-07-21",
        changes: &[("RoleArn", "arn:a:a::aaaaaaaaaa:")],
        refusal: "400 ValidationError: arn:a:a::aaaaaaaaaa: is invalid",
    },
    Recorded {
        source: "test_sts_invalid_parameters, invalid-session-name, 2025-07-21",
        changes: &[("RoleSessionName", "Session1:2")],
        refusal: "400 ValidationError: 1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to \
                  satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
    },
    Recorded {
        source: "test_assume_role_session_name_too_long, 2026-02-09",
        changes: &[("RoleSessionName", "sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss")],
        refusal: "400 ValidationError: 1 validation error detected: Value \
                  'sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss' at 'roleSessionName' failed to satisfy \
                  constraint: Member must have length less than or equal to 64",
    },
    Recorded {
        source: "test_assume_role_tag_validation, invalid-transitive-tag-keys, 2025-04-10",
        changes: &[
            ("Tags.member.1.Key", "SessionTag1"),
            ("Tags.member.1.Value", "SessionValue1"),
            ("TransitiveTagKeys.member.1", "InvalidKey"),
        ],
        refusal: "400 InvalidParameterValue: The specified transitive tag key must be included in the requested tags.",
    },
    Recorded {
        source: "test_assume_role_tag_validation, duplicate-tag-keys-different-casing, 2025-04-10",
        changes: &[
            ("Tags.member.1.Key", "SessionTag1"),
            ("Tags.member.1.Value", "SessionValue1"),
            ("Tags.member.2.Key", "sessiontag1"),
            ("Tags.member.2.Value", "SessionValue2"),
        ],
        refusal: "400 InvalidParameterValue: Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    },
];

/// As the recorded parameters say, which take the place of good ones.
async fn assume_changed(world: &World, by: &Keys, role: &str, changes: &[(&str, &str)]) -> Answer {
    let mut call = vec![("Action", "AssumeRole"), ("RoleArn", role), ("RoleSessionName", "session")];
    call.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    call.extend(changes);
    world.signed(by, &call).await
}

#[actix_web::test]
async fn refusals() {
    let world = world().await;
    for Recorded { source, changes, refusal } in REFUSED {
        assert_eq!(assume_changed(&world, &bot(), START, changes).await.sts_refusal(), *refusal, "{source}");
    }
    assert_eq!(assume_changed(&world, &bot(), START, &[]).await.sts_refusal(), "200");
}

/// `test_iam_role_chaining_override_transitive_tags`, 2025-04-10.
#[actix_web::test]
async fn a_transitive_tag_can_not_be_overridden() {
    let world = world().await;
    let tags = [
        ("Tags.member.1.Key", "SessionTag1"),
        ("Tags.member.1.Value", "SessionValue1"),
        ("TransitiveTagKeys.member.1", "SessionTag1"),
    ];
    let start = assume_changed(&world, &bot(), START, &tags).await.keys();
    for key in ["SessionTag1", "sessiontag1"] {
        let tags = [("Tags.member.1.Key", key), ("Tags.member.1.Value", "SessionValue2")];
        assert_eq!(
            assume_changed(&world, &start, NEXT, &tags).await.sts_refusal(),
            "400 InvalidParameterValue: One of the specified transitive tag keys can't be set because it conflicts with \
             a transitive tag key from the calling session."
        );
    }
}

/// The elements of a result, each below those that it stands in, without those that every answer has.
fn elements(answer: &Answer) -> Vec<String> {
    let (_, result) = answer.body.split_once("Result>").unwrap();
    let (result, _) = result.split_once("<ResponseMetadata>").unwrap();
    let mut open: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for tag in result.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
        if tag.starts_with('/') {
            open.pop();
        } else {
            open.push(tag);
            found.push(open.join("."));
        }
    }
    found.sort_unstable();
    found
}

const CREDENTIALS: [&str; 5] = [
    "Credentials",
    "Credentials.AccessKeyId",
    "Credentials.Expiration",
    "Credentials.SecretAccessKey",
    "Credentials.SessionToken",
];

#[actix_web::test]
async fn answers_have_the_recorded_members() {
    let world = world().await;
    let with = |more: &[&'static str]| {
        let mut all = [&CREDENTIALS[..], more].concat();
        all.sort_unstable();
        all
    };
    let role = ["AssumedRoleUser", "AssumedRoleUser.Arn", "AssumedRoleUser.AssumedRoleId"];
    let plain = assume(&world, &bot(), START, &[]).await;
    assert_eq!(elements(&plain), with(&role), "test_assume_role, 2024-06-05");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let limited = assume(&world, &bot(), START, &[("Policy", policy)]).await;
    let more = [&role[..], &["PackedPolicySize"]].concat();
    assert_eq!(elements(&limited), with(&more), "test_assume_role_with_policy, 2026-02-09");
    let federation = world.signed(&bot(), &[("Action", "GetFederationToken"), ("Name", "TestName")]).await;
    let user = ["FederatedUser", "FederatedUser.Arn", "FederatedUser.FederatedUserId", "PackedPolicySize"];
    assert_eq!(elements(&federation), with(&user), "test_get_federation_token, 2024-06-05");
    assert_eq!(federation.element("PackedPolicySize").as_deref(), Some("0"));
    for keys in [bot(), plain.keys()] {
        let caller = world.signed(&keys, &[("Action", "GetCallerIdentity")]).await;
        assert_eq!(elements(&caller), ["Account", "Arn", "UserId"], "TestSTSCallerIdentity, 2026-02-09");
    }
}
