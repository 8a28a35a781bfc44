//! `AssumeRole`: by users, by sessions of roles, and how it is refused.

use super::*;

const NIGHT: &str = "arn:aws:sts::111122223333:assumed-role/Start/night-run";

#[actix_web::test]
async fn a_user_assumes_a_role_and_that_another() {
    let world = world().await;
    let answer =
        assume(&world, &bot(), START, &[("DurationSeconds", "14400"), ("SourceIdentity", "ann")]).await;
    assert_eq!(answer.element("Arn").as_deref(), Some(NIGHT));
    assert_eq!(answer.element("SourceIdentity").as_deref(), Some("ann"));
    assert_eq!(answer.element("PackedPolicySize"), None, "there is no policy");
    assert!(answer.element("AssumedRoleId").unwrap().ends_with(":night-run"), "{answer:?}");
    let start = answer.keys();
    assert_eq!(who(&world, &start).await, NIGHT);
    let next =
        assume(&world, &start, NEXT, &[("Policy", r#"{"Version":"2012-10-17","Statement":[]}"#)]).await;
    assert!(next.sts_refusal().starts_with("400 MalformedPolicyDocument"), "{next:?}");
    let next = assume(&world, &start, NEXT, &[]).await;
    assert_eq!(next.element("SourceIdentity").as_deref(), Some("ann"), "it stays");
    assert_eq!(who(&world, &next.keys()).await, "arn:aws:sts::111122223333:assumed-role/Next/night-run");
    for (more, expected) in [
        (
            ("DurationSeconds", "3601"),
            "400 ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
             role chaining.",
        ),
        (
            ("DurationSeconds", "14401"),
            "400 ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ),
        (
            ("SourceIdentity", "ben"),
            "400 ValidationError: The source identity is already set for this assume role session",
        ),
    ] {
        assert_eq!(assume(&world, &start, NEXT, &[more]).await.sts_refusal(), expected);
    }
}

#[actix_web::test]
async fn tags_go_along_and_can_not_be_set_anew() {
    let world = world().await;
    let tags = [
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "red"),
        ("Tags.member.2.Key", "Cost"),
        ("Tags.member.2.Value", "7"),
        ("TransitiveTagKeys.member.1", "TEAM"),
    ];
    let start = assume(&world, &bot(), START, &tags).await.keys();
    let again = [("Tags.member.1.Key", "Team"), ("Tags.member.1.Value", "blue")];
    let inherited = "400 InvalidParameterValue: One of the specified transitive tag keys can't be set because it \
                     conflicts with a transitive tag key from the calling session.";
    assert_eq!(assume(&world, &start, NEXT, &again).await.sts_refusal(), inherited);
    let other = [("Tags.member.1.Key", "cost"), ("Tags.member.1.Value", "8")];
    assert_eq!(assume(&world, &start, NEXT, &other).await.sts_refusal(), "200", "that does not go along");
    let no_key = [("Tags.member.1.Value", "red")];
    let no_value = [("Tags.member.1.Key", "team")];
    let twice = [&tags[..2], &[("Tags.member.2.Key", "TEAM"), ("Tags.member.2.Value", "x")]].concat();
    let alone = [("TransitiveTagKeys.member.1", "team")];
    let empty = [("Tags", "")];
    for (parameters, expected) in [
        (
            &no_key[..],
            "400 ValidationError: 1 validation error detected: Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null",
        ),
        (
            &no_value,
            "400 ValidationError: 1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null",
        ),
        (
            &twice,
            "400 InvalidParameterValue: Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        (
            &alone,
            "400 InvalidParameterValue: The specified transitive tag key must be included in the requested tags.",
        ),
        (&empty, "200"),
    ] {
        assert_eq!(assume(&world, &bot(), START, parameters).await.sts_refusal(), expected);
    }
    let many: Vec<_> = (1..=51)
        .map(|n| (format!("Tags.member.{n}.Key"), format!("Tags.member.{n}.Value"), n.to_string()))
        .collect();
    let many: Vec<_> =
        many.iter().flat_map(|(key, value, n)| [(key.as_str(), n.as_str()), (value.as_str(), "x")]).collect();
    let refused = assume(&world, &bot(), START, &many).await.sts_refusal();
    assert_eq!(refused, "400 ValidationError: 51 session tags are more than 50");
    assert_eq!(assume(&world, &bot(), START, &many[..100]).await.sts_refusal(), "200");
}

/// A caller can't tell a role that is not there from one that it may not have (facts 1.4).
#[actix_web::test]
async fn what_is_refused_is_refused_alike() {
    let world = world().await;
    let gone = "arn:aws:iam::111122223333:role/Gone";
    let expected = |who: &str, role: &str| {
        format!(
            "403 AccessDenied: User: {who} is not authorized to perform: sts:AssumeRole on resource: {role}"
        )
    };
    let bots = "arn:aws:iam::111122223333:user/ci/bot";
    for (role, more) in
        [(gone, &[][..]), (VAULT, &[]), (PARTNER, &[]), (PARTNER, &[("ExternalId", "contract-8")])]
    {
        assert_eq!(assume(&world, &bot(), role, more).await.sts_refusal(), expected(bots, role));
    }
    let partner = assume(&world, &bot(), PARTNER, &[("ExternalId", "contract-7")]).await;
    assert_eq!(
        partner.element("Arn").as_deref(),
        Some("arn:aws:sts::444455556666:assumed-role/Partner/night-run")
    );
    let start = assume(&world, &bot(), START, &[]).await.keys();
    let refused = assume(&world, &start, PARTNER, &[("ExternalId", "contract-7")]).await.sts_refusal();
    assert_eq!(refused, expected(NIGHT, PARTNER), "the user is trusted, not what it assumed");
}

#[actix_web::test]
async fn what_is_not_signed_or_not_written_rightly() {
    let world = world().await;
    let body = format!("Action=AssumeRole&Version=2011-06-15&RoleArn={START}&RoleSessionName=x");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let unsigned = world.send(reqwest::Method::POST, "/", &form, body).await;
    assert_eq!(
        unsigned.sts_refusal(),
        "403 MissingAuthenticationToken: Request is missing Authentication Token"
    );
    let call =
        [("Action", "AssumeRole"), ("RoleArn", "not-an-arn-but-long-enough"), ("RoleSessionName", "ok")];
    let odd = world.signed(&bot(), &call).await.sts_refusal();
    assert_eq!(odd, "400 ValidationError: not-an-arn-but-long-enough is invalid");
    let faults = [
        ("ExternalId", "a b"),
        ("SourceIdentity", "x"),
        ("TokenCode", "12345"),
        ("DurationSeconds", "43201"),
    ];
    let refused = assume(&world, &bot(), START, &faults).await.sts_refusal();
    assert_eq!(
        refused,
        "400 ValidationError: 4 validation errors detected: Value '43201' at 'durationSeconds' failed to satisfy \
         constraint: Member must have value less than or equal to 43200; Value 'a b' at 'externalId' failed to \
         satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@:\\/-]*; Value 'x' at \
         'sourceIdentity' failed to satisfy constraint: Member must have length greater than or equal to 2; Value \
         '(not shown)' at 'tokenCode' failed to satisfy constraint: Member must have length greater than or equal to 6"
    );
    let provided = [("ProvidedContexts.member.1.ProviderArn", "x")];
    let refused = assume(&world, &bot(), START, &provided).await.sts_refusal();
    assert_eq!(refused, "400 ValidationError: ProvidedContexts is not supported by this broker");
}
