//! What comes with a request for a session limits it: `Policy`, `PolicyArns`.

use super::*;

const ASSUMING: &str = "arn:aws:iam::111122223333:policy/limits/Assuming";
const READING: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
const INLINE_READING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
const INLINE_ASSUMING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;

/// What the session that comes with `policies` gets when it assumes the next role.
async fn next(world: &World, policies: &[(&str, &str)]) -> String {
    let start = assume(world, &bot(), START, policies).await;
    assert_eq!(start.status, 200, "{start:?}");
    assume(world, &start.keys(), NEXT, &[]).await.sts_refusal()
}

#[actix_web::test]
async fn each_may_allow_and_none_allows_more_than_the_role_may() {
    let world = world().await;
    let refused = format!(
        "403 AccessDenied: User: arn:aws:sts::111122223333:assumed-role/Start/night-run is not authorized to perform: \
         sts:AssumeRole on resource: {NEXT}"
    );
    let (first, second) = ("PolicyArns.member.1.arn", "PolicyArns.member.2.arn");
    for (policies, expected) in [
        (&[("Policy", INLINE_READING)][..], &*refused),
        (&[("Policy", INLINE_ASSUMING)], "200"),
        (&[(first, READING)], &refused),
        (&[(first, ASSUMING)], "200"),
        (&[(first, READING), (second, ASSUMING)], "200"),
        (&[(first, READING), ("Policy", INLINE_ASSUMING)], "200"),
        (&[(first, READING), ("Policy", INLINE_READING)], &refused),
        (&[("PolicyArns", "")], "200"),
    ] {
        assert_eq!(next(&world, policies).await, expected, "{policies:?}");
    }
}

#[actix_web::test]
async fn a_user_makes_credentials_for_somebody_with_policies_of_its_account() {
    let world = world().await;
    let call = async |arn| {
        let parameters =
            [("Action", "GetFederationToken"), ("Name", "cleo"), ("PolicyArns.member.1.arn", arn)];
        world.signed(&bot(), &parameters).await
    };
    assert_eq!(call(ASSUMING).await.element("PackedPolicySize").as_deref(), Some("2"));
    let foreign = "arn:aws:iam::444455556666:policy/Assuming";
    assert_eq!(call(foreign).await.sts_refusal(), missing(foreign));
}

fn missing(arn: &str) -> String {
    format!("400 MalformedPolicyDocument: Policy {arn} does not exist or is not attachable.")
}

/// A policy that can't be had would have narrowed the session: it is never left out.
#[actix_web::test]
async fn what_can_not_be_had_is_refused() {
    let world = world().await;
    let refusal =
        async |parameters: &[(&str, &str)]| assume(&world, &bot(), START, parameters).await.sts_refusal();
    let named = "PolicyArns.member.1.arn";
    for arn in [
        "arn:aws:iam::111122223333:policy/limits/assuming",
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "arn:aws:iam::444455556666:policy/Assuming",
    ] {
        assert_eq!(refusal(&[(named, arn)]).await, missing(arn));
        assert_eq!(refusal(&[(named, ASSUMING), ("PolicyArns.member.2.arn", arn)]).await, missing(arn));
    }
    assert_eq!(refusal(&[(named, "Assuming")]).await, "400 ValidationError: Assuming is invalid");
    for unread in
        ["PolicyArns.member.2.arn", "PolicyArns.member.1.Arn", "PolicyArns.member.1", "PolicyArns.1.arn"]
    {
        let expected =
            format!("400 ValidationError: {unread} is not PolicyArns.member.N.arn, where N counts from 1");
        assert_eq!(refusal(&[(unread, ASSUMING)]).await, expected);
    }
    let names: Vec<_> = (1..=11).map(|n| format!("PolicyArns.member.{n}.arn")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), ASSUMING)).collect();
    assert_eq!(refusal(&many[..10]).await, "200");
    let refused = refusal(&many).await;
    assert!(
        refused.starts_with(
            "400 ValidationError: 1 validation error detected: Value 'arn:aws:iam::111122223333:policy/"
        ) && refused.ends_with(
            "at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10"
        ),
        "{refused}"
    );
}

/// Tags and policies share their room in the session token, which `PackedPolicySize` tells.
#[actix_web::test]
async fn what_does_not_fit_is_refused() {
    let world = world().await;
    let packed = |answer: &Answer| answer.element("PackedPolicySize");
    let start = assume(&world, &bot(), START, &[("Policy", INLINE_READING)]).await;
    assert_eq!(packed(&start).as_deref(), Some("4"));
    let (value, mut tags) = ("v".repeat(192), Vec::new());
    for number in 1..=13 {
        tags.push((format!("Tags.member.{number}.Key"), format!("t{number:04}")));
        tags.push((format!("Tags.member.{number}.Value"), value.clone()));
    }
    let tags: Vec<_> = tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let fits = assume(&world, &bot(), START, &tags[..24]).await;
    assert_eq!(packed(&fits).as_deref(), Some("94"));
    assert!((3300..4096).contains(&fits.keys().token.unwrap().len()));
    let both = [&tags[..24], &[("Policy", INLINE_READING)]].concat();
    assert_eq!(packed(&assume(&world, &bot(), START, &both).await).as_deref(), Some("98"));
    let refused = assume(&world, &bot(), START, &tags).await.sts_refusal();
    let expected =
        "400 PackedPolicyTooLarge: Packed policy consumes 102% of allotted space, please use smaller policy.";
    assert_eq!(refused, expected);
}
