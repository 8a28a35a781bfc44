//! Roles whose credentials come from somebody else's STS.

mod settings;
pub(crate) mod there;

use std::time::Duration;

use base64_simd::STANDARD;
use serde_json::{Value, json};

use self::there::{KEY, Reply, There};
use super::*;
use crate::oauth::fixture::{ADMIN_TOKEN, AWS_CREDENTIALS, Fields, SAML2, TOKEN_EXCHANGE};
use crate::saml::fixture::honest;

const REAL: &str = "arn:aws:iam::111122223333:role/Real";
const PLAIN: &str = "arn:aws:iam::111122223333:role/Plain";
const PASSED: &str = "arn:aws:iam::111122223333:role/Passed";
const SAML_PASSED: &str = "arn:aws:iam::111122223333:role/SamlPassed";
const TAGGED: &str = "arn:aws:iam::111122223333:role/TaggedPassed";
const THERE: &str = "arn:aws:iam::999988887777:role/Real";

const ROLES: &str = r#"
[admin]
token = { file = "admin-token" }
[[upstream]]
name = "there"
region = "eu-central-1"
endpoint = "ENDPOINT"
access_key = { id = "AKIATHERETHERETHERE2", secret = { file = "bot-secret" } }
[[upstream]]
name = "minio"
kind = "minio"
region = "eu-central-1"
endpoint = "ENDPOINT"
reuse = false
access_key = { id = "AKIATHERETHERETHERE2", secret = { file = "bot-secret" } }

[[role]]
arn = "arn:aws:iam::111122223333:role/Real"
trust_policy = "real-trust.json"
max_session_duration = "4h"
issuer = "there"
upstream = { role = "arn:aws:iam::999988887777:role/Real", external_id = "contract-9" }
[[role]]
arn = "arn:aws:iam::111122223333:role/Passed"
trust_policy = "real-trust.json"
issuer = "there"
upstream = { role = "arn:aws:iam::999988887777:role/Real", pass_through = true }
[[role]]
arn = "arn:aws:iam::111122223333:role/SamlPassed"
trust_policy = "real-trust.json"
issuer = "there"
[role.upstream]
role = "arn:aws:iam::999988887777:role/Real"
pass_through = true
saml_provider = "arn:aws:iam::999988887777:saml-provider/corp"
[[role]]
arn = "arn:aws:iam::111122223333:role/TaggedPassed"
trust_policy = "real-trust.json"
issuer = "there"
upstream = { pass_through = true }
[[role]]
arn = "arn:aws:iam::111122223333:role/Minio"
trust_policy = "real-trust.json"
issuer = "minio"

[[rule]]
name = "real"
provider = "mobile"
when = 'true'
roles = ["arn:aws:iam::111122223333:role/Real", "arn:aws:iam::111122223333:role/TaggedPassed"]
source_identity = 'subject'
tags = { plan = 'claim.plan' }
[[role]]
arn = "arn:aws:iam::111122223333:role/Plain"
trust_policy = "real-trust.json"
issuer = "there"

[[rule]]
name = "plain"
provider = "mobile"
when = 'true'
roles = ["arn:aws:iam::111122223333:role/Plain"]
[[rule]]
name = "passed"
provider = "mobile"
when = 'true'
roles = ["arn:aws:iam::111122223333:role/Passed"]
[[rule]]
name = "corp passed"
provider = "corp"
when = 'true'
session_name = 'subject'
roles = ["arn:aws:iam::111122223333:role/SamlPassed"]
"#;

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": "111122223333"}},
    {"Effect": "Allow", "Action": "sts:*", "Principal": {"Federated": [
        "arn:aws:iam::111122223333:oidc-provider/accounts.example.com",
        "arn:aws:iam::111122223333:saml-provider/corp"]}}]}"#;

/// A broker, and the STS behind some of its roles.
async fn worlds() -> (World, There) {
    let there = There::start();
    let trust = policy_file("real-trust.json", TRUST);
    let roles = ROLES.replace("ENDPOINT", &there.url).replace("real-trust.json", trust.to_str().unwrap());
    (World::configured(&format!("{}{roles}", super::settings())).await, there)
}

/// `AssumeRoleWithWebIdentity` by cleo's token, with these parameters beside.
async fn by_token(world: &World, role: &str, more: &[(&str, &str)]) -> Answer {
    by_token_of(world, "cleo", role, more).await
}

async fn by_token_of(world: &World, subject: &str, role: &str, more: &[(&str, &str)]) -> Answer {
    let mut claims = world.claims();
    claims["sub"] = json!(subject);
    let token = world.id_token_of(&claims);
    let call = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("RoleArn", role),
        ("RoleSessionName", "cleo-phone"),
        ("WebIdentityToken", token.as_str()),
    ];
    unsigned(world, &[&call, more].concat()).await
}

async fn unsigned(world: &World, parameters: &[(&str, &str)]) -> Answer {
    let all = [&[("Version", "2011-06-15")], parameters].concat();
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    world.send(reqwest::Method::POST, "/", &form, body).await
}

fn given(answer: &Answer) -> [String; 4] {
    ["AccessKeyId", "SecretAccessKey", "SessionToken", "Arn"]
        .map(|name| answer.element(name).unwrap_or_default())
}

/// The parameters of the last request there but version and action.
fn asked(there: &There) -> Vec<(String, String)> {
    let mut form = there.last().form;
    assert_eq!(form.remove("Version").as_deref(), Some("2011-06-15"));
    form.into_iter().collect()
}

#[actix_web::test]
async fn the_session_that_was_decided_is_asked_for_there() {
    let (world, there) = worlds().await;
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let more = [
        ("DurationSeconds", "7200"),
        ("Policy", policy),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"),
    ];
    let answer = by_token(&world, REAL, &more).await;
    let arn = "arn:aws:sts::999988887777:assumed-role/Real/name";
    assert_eq!(given(&answer), ["ASIATHERE1", "secret+/1", "token==1", arn]);
    assert_eq!(answer.element("AssumedRoleId").as_deref(), Some("AROATHERE:name"));
    assert_eq!(answer.element("Expiration").as_deref(), Some("2026-11-22T14:00:00Z"));
    assert_eq!(answer.element("SourceIdentity").as_deref(), Some("cleo"));
    assert_eq!(there.last().key.as_deref(), Some(KEY), "signed by our key there");
    let expected = [
        ("Action", "AssumeRole"),
        ("DurationSeconds", "7200"),
        ("ExternalId", "contract-9"),
        ("Policy", policy),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"),
        ("RoleArn", THERE),
        ("RoleSessionName", "cleo-phone"),
        ("SourceIdentity", "cleo"),
        ("Tags.member.1.Key", "plan"),
        ("Tags.member.1.Value", "premium"),
    ];
    assert_eq!(asked(&there), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(
        who(&world, &answer.keys()).await,
        "403 InvalidClientTokenId: The security token included in the request is invalid.",
        "they are not ours"
    );
}

#[actix_web::test]
async fn a_chain_and_the_token_endpoint_come_there_too() {
    let (world, there) = worlds().await;
    let tags = [
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "red"),
        ("Tags.member.2.Key", "cost"),
        ("Tags.member.2.Value", "7"),
        ("TransitiveTagKeys.member.1", "cost"),
    ];
    let start = assume(&world, &bot(), START, &tags).await.keys();
    let answer = assume(&world, &start, REAL, &[]).await;
    assert_eq!(given(&answer)[0], "ASIATHERE1", "{answer:?}");
    let form = there.last().form;
    let sent = |name: &str| form.get(name).map_or("", String::as_str);
    assert_eq!(
        [sent("Tags.member.1.Key"), sent("Tags.member.1.Value"), sent("Tags.member.2.Key")],
        ["cost", "7", ""]
    );
    assert_eq!(sent("TransitiveTagKeys.member.1"), "cost", "it goes on from there");
    let exchange =
        world.exchange().without("audience").with("requested_token_type", AWS_CREDENTIALS).with("role", REAL);
    let answer = world.token(&exchange).await;
    assert_eq!(answer.json()["credentials"]["AccessKeyId"], "ASIATHERE2", "{answer:?}");
}

#[actix_web::test]
async fn a_document_is_passed_on_unsigned() {
    let (world, there) = worlds().await;
    let answer = by_token(&world, PASSED, &[]).await;
    assert_eq!(given(&answer)[0], "ASIATHERE1", "{answer:?}");
    assert_eq!(there.last().key, None);
    let expected = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("DurationSeconds", "3600"),
        ("RoleArn", THERE),
        ("RoleSessionName", "cleo-phone"),
        ("WebIdentityToken", &world.id_token()),
    ];
    let seen = asked(&there);
    assert_eq!(
        seen[..4],
        expected[..4].iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>()
    );
    assert_eq!(seen[4].1.split('.').count(), 3, "the token itself");
    let unfit = |reason: &str| {
        format!(
            "400 ValidationError: The STS that this role's credentials come from can't be asked for this session: {reason}"
        )
    };
    let tagged = by_token(&world, TAGGED, &[]).await.sts_refusal();
    let lost = "a rule sets tags or a source identity, which a document that is passed on does not hold";
    assert_eq!(tagged, unfit(lost));
    let signed = assume(&world, &bot(), PASSED, &[]).await.sts_refusal();
    assert_eq!(signed, unfit("the caller shows neither token nor assertion that could be passed on"));
    assert_eq!(there.count(), 1);
}

/// What those in charge are answered when they end something.
async fn end(world: &World, body: Value) -> Value {
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let ended = world.admin("revocations", &[("authorization", &bearer)], body.to_string()).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    world.clock.advance(Duration::from_secs(1));
    ended.json()
}

#[actix_web::test]
async fn what_was_asked_for_is_given_again_until_it_is_ended() {
    let (world, there) = worlds().await;
    let id = async |more: &[(&str, &str)]| given(&by_token(&world, REAL, more).await)[0].clone();
    assert_eq!(id(&[]).await, "ASIATHERE1");
    assert_eq!(id(&[]).await, "ASIATHERE1", "the same, though by another token");
    assert_eq!(id(&[("DurationSeconds", "900")]).await, "ASIATHERE2", "that is another session");
    let minio = "arn:aws:iam::111122223333:role/Minio";
    assert_eq!(given(&assume(&world, &bot(), minio, &[]).await)[0], "ASIATHERE3");
    assert_eq!(given(&assume(&world, &bot(), minio, &[]).await)[0], "ASIATHERE4", "it is told not to");
    end(&world, json!({"source_identity": "somebody"})).await;
    assert_eq!(id(&[]).await, "ASIATHERE1", "that was somebody else");
    for (what, expected) in [
        (json!({"source_identity": "cleo"}), "ASIATHERE5"),
        (json!({"role": REAL}), "ASIATHERE6"),
        (json!({"role": PASSED}), "ASIATHERE6"),
    ] {
        end(&world, what).await;
        assert_eq!(id(&[]).await, expected);
        assert_eq!(id(&[]).await, expected);
    }
    assert_eq!(there.count(), 6);
}

#[actix_web::test]
async fn what_ends_it_there_is_told() {
    let (world, _there) = worlds().await;
    let policy = |condition: Value| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}]})
    };
    let until = |time: &str| json!({"aws:TokenIssueTime": time});
    let ended = end(&world, json!({"source_identity": "cleo"})).await;
    assert_eq!(ended["upstream"].as_array().map(Vec::len), Some(5), "not at MinIO: {ended}");
    let named = json!({"DateLessThanEquals": until("2026-11-22T12:00:00Z"),
                       "StringEquals": {"aws:SourceIdentity": "cleo"}});
    let first = json!({"name": "there", "role": THERE, "ends": "what was named", "policy": policy(named)});
    assert_eq!(ended["upstream"][2], first);
    let ended = end(&world, json!({"role": REAL})).await;
    let of_role = policy(json!({"DateLessThanEquals": until("2026-11-22T12:00:01Z")}));
    let there = json!([{"name": "there", "role": THERE, "ends": "what was named", "policy": of_role}]);
    assert_eq!(ended["upstream"], there);
    let ended = end(&world, json!({"user": "arn:aws:iam::111122223333:user/ci/bot"})).await;
    assert_eq!(ended["upstream"][2]["ends"], "every older session of the role", "AWS knows no better");
}

/// Whatever they call themselves.
#[actix_web::test]
async fn nobody_is_given_what_was_made_for_somebody_else() {
    let (world, there) = worlds().await;
    let id = async |subject| given(&by_token_of(&world, subject, PLAIN, &[]).await)[0].clone();
    assert_eq!(id("cleo").await, "ASIATHERE1");
    let first = there.last().form;
    assert_eq!(id("dora").await, "ASIATHERE2");
    assert_eq!(there.last().form, first, "there, they can't be told apart");
    assert_eq!(id("cleo").await, "ASIATHERE1");
    for (keys, expected) in [(bot(), "ASIATHERE3"), (ann(), "ASIATHERE4"), (bot(), "ASIATHERE3")] {
        assert_eq!(given(&assume(&world, &keys, PLAIN, &[]).await)[0], expected);
    }
}

/// A session that would be wider there than it was decided is not asked for.
#[actix_web::test]
async fn what_would_be_lost_is_refused() {
    let (world, there) = worlds().await;
    let minio = "arn:aws:iam::111122223333:role/Minio";
    let arns = [("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")];
    let refused = assume(&world, &bot(), minio, &arns).await.sts_refusal();
    assert_eq!(
        refused,
        "400 ValidationError: The STS that this role's credentials come from can't be asked for this session: the session is limited by PolicyArns, and it does not take them"
    );
    assert_eq!(there.count(), 0);
    there.says(&[Reply::Longer(301), Reply::Longer(301), Reply::Longer(301)]);
    let longer = by_token(&world, REAL, &[]).await.sts_refusal();
    assert_eq!(longer, DOWN);
    there.says(&[Reply::Longer(300)]);
    assert_eq!(by_token(&world, REAL, &[]).await.sts_refusal(), "200", "its clock may be ahead");
}

const DOWN: &str =
    "503 ServiceUnavailable: The STS that this role's credentials come from does not answer. Try again.";

#[actix_web::test]
async fn refusals_are_told_as_far_as_the_caller_can_mend_them() {
    let (world, there) = worlds().await;
    let hidden = "403 AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity: the STS that this role's \
                  credentials come from refuses. The broker's log says why.";
    for (status, code, expected) in [
        (403, "AccessDenied", hidden),
        (403, "InvalidClientTokenId", hidden),
        (400, "ValidationError", "400 ValidationError: said there"),
        (400, "PackedPolicyTooLarge", "400 PackedPolicyTooLarge: said there"),
        (400, "ExpiredTokenException", "400 ExpiredTokenException: said there"),
        (403, "IDPRejectedClaim", "403 IDPRejectedClaim: said there"),
    ] {
        there.says(&[Reply::refuses(status, code)]);
        assert_eq!(by_token(&world, REAL, &[]).await.sts_refusal(), expected);
    }
    assert_eq!(there.count(), 6, "a refusal is not tried again");
    there.says(&[Reply::refuses(403, "AccessDenied")]);
    let exchange =
        world.exchange().without("audience").with("requested_token_type", AWS_CREDENTIALS).with("role", REAL);
    let refused = world.token(&exchange).await.said();
    assert_eq!(
        refused,
        "400 invalid_request: The role is not granted to this subject_token: ask your administrator."
    );
}

#[actix_web::test]
async fn a_hiccup_is_not_noticed_and_an_outage_is_told() {
    let (world, there) = worlds().await;
    let html = Reply::Is(502, "<html>bad gateway</html>".into());
    there.says(&[html.clone(), Reply::refuses(400, "Throttling")]);
    assert_eq!(given(&by_token(&world, REAL, &[]).await)[0], "ASIATHERE3");
    let other = [("DurationSeconds", "1000")];
    there.says(&[html.clone(), html.clone(), html.clone()]);
    assert_eq!(by_token(&world, REAL, &other).await.sts_refusal(), DOWN);
    assert_eq!(there.count(), 6, "three attempts");
    there.says(&[1, 2, 3].map(|_| Reply::refuses(400, "Throttling")));
    assert_eq!(by_token(&world, REAL, &other).await.sts_refusal(), "400 Throttling: Rate exceeded");
    let ready = async || {
        let answer = world.operations("readyz").await.json();
        let all = answer["dependencies"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["name"] == "upstream there").unwrap()
    };
    let trouble = ready().await;
    assert_eq!(
        (trouble["state"].as_str(), trouble["detail"].as_str()),
        (Some("degraded"), Some("the upstream there is too busy: Throttling"))
    );
    assert_eq!(by_token(&world, REAL, &other).await.sts_refusal(), "200");
    assert_eq!(ready().await["state"], "ok");
    there.stops().await;
    assert_eq!(
        given(&by_token(&world, REAL, &[]).await)[0],
        "ASIATHERE3",
        "what was given before is still good"
    );
    let down = by_token(&world, REAL, &[("DurationSeconds", "2000")]).await;
    assert_eq!((down.sts_refusal().as_str(), down.header("retry-after")), (DOWN, "1"));
    let exchange = world
        .exchange()
        .without("audience")
        .with("requested_token_type", AWS_CREDENTIALS)
        .with("role", REAL)
        .with("duration_seconds", "3000");
    assert_eq!(world.token(&exchange).await.refusal(), "503 temporarily_unavailable");
}

/// Where retries can't be afforded any more, each call is one attempt.
#[actix_web::test]
async fn an_outage_is_not_made_worse() {
    let (world, there) = worlds().await;
    there.says(&vec![Reply::refuses(503, "ServiceUnavailable"); 200]);
    for number in 0..30 {
        let seconds = (1000 + number).to_string();
        assert_eq!(by_token(&world, REAL, &[("DurationSeconds", &seconds)]).await.sts_refusal(), DOWN);
    }
    assert_eq!(there.count(), 30 + 12, "ten retries at the start, and one for ten calls");
}

#[actix_web::test]
async fn whoever_asks_at_once_waits_for_one_answer() {
    let (world, there) = worlds().await;
    there.says(&[Reply::Waits]);
    let ask = || by_token(&world, REAL, &[]);
    let (one, two, three, ()) = tokio::join!(ask(), ask(), ask(), async {
        while there.count() == 0 {
            tokio::task::yield_now().await;
        }
        there.opens();
    });
    assert_eq!([one, two, three].map(|answer| given(&answer)[0].clone()), ["ASIATHERE1"; 3]);
    assert_eq!(there.count(), 1);
}

/// An assertion that may be used once is not used up by an upstream that does not answer.
#[actix_web::test]
async fn what_failed_there_can_be_sent_again() {
    let assertion = STANDARD.encode_to_string(honest());
    let down = || vec![Reply::refuses(503, "ServiceUnavailable"); 3];
    let (world, there) = worlds().await;
    there.says(&down());
    let exchange = Fields::of(&[
        ("grant_type", TOKEN_EXCHANGE),
        ("client_id", "app"),
        ("subject_token", &assertion),
        ("subject_token_type", SAML2),
        ("requested_token_type", AWS_CREDENTIALS),
        ("role", SAML_PASSED),
    ]);
    assert_eq!(world.token(&exchange).await.refusal(), "503 temporarily_unavailable");
    let answer = world.token(&exchange).await;
    assert_eq!(answer.json()["credentials"]["AccessKeyId"], "ASIATHERE4", "{answer:?}");
    let form = there.last().form;
    assert_eq!(form["PrincipalArn"], "arn:aws:iam::999988887777:saml-provider/corp");
    assert_eq!((form["Action"].as_str(), &form["SAMLAssertion"]), ("AssumeRoleWithSAML", &assertion));
    let used = "400 invalid_request: The subject_token was used before: get a new one.";
    assert_eq!(world.token(&exchange).await.said(), used);

    let (world, there) = worlds().await;
    there.says(&down());
    let call = [
        ("Action", "AssumeRoleWithSAML"),
        ("RoleArn", SAML_PASSED),
        ("PrincipalArn", "arn:aws:iam::111122223333:saml-provider/corp"),
        ("SAMLAssertion", &assertion),
    ];
    assert_eq!(unsigned(&world, &call).await.sts_refusal(), DOWN);
    assert_eq!(given(&unsigned(&world, &call).await)[0], "ASIATHERE4");
    let used = "400 InvalidIdentityToken: Response has already been used";
    assert_eq!(unsigned(&world, &call).await.sts_refusal(), used);
}
