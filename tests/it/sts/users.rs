//! Users: who they are, and the temporary credentials that they get and make.

use rolegate::clock::Clock as _;

use super::*;

const BOT: &str = "arn:aws:iam::111122223333:user/ci/bot";
const INVALID: &str = "403 InvalidClientTokenId: The security token included in the request is invalid.";

#[actix_web::test]
async fn a_user_is_known_by_its_active_keys() {
    let world = world().await;
    let answer = world.signed(&bot(), &[("Action", "GetCallerIdentity")]).await;
    let said = ["Arn", "Account"].map(|name| answer.element(name).unwrap());
    assert_eq!(said, [BOT, "111122223333"]);
    let id = answer.element("UserId").unwrap();
    assert!(id.len() == 21 && id.starts_with("AIDA"), "{id}");
    let inactive = Keys { id: "AKIABOTBOTBOTBOTOLDB".into(), ..bot() };
    let unknown = Keys { id: "AKIABOTBOTBOTBOTBOTC".into(), ..bot() };
    let with_token = Keys { token: Some("dG9rZW4=".into()), ..bot() };
    for keys in [inactive, unknown, with_token] {
        assert_eq!(who(&world, &keys).await, INVALID, "{keys:?}");
    }
    let wrong = who(&world, &Keys { secret: ann().secret, ..bot() }).await;
    assert!(wrong.starts_with("403 SignatureDoesNotMatch: The request signature we calculated"), "{wrong}");
}

#[actix_web::test]
async fn a_session_token_stands_for_its_user() {
    let world = world().await;
    let answer = world.signed(&bot(), &[("Action", "GetSessionToken")]).await;
    let expires = answer.element("Expiration").unwrap();
    let half_a_day = world.clock.now().plus(std::time::Duration::from_secs(43_200));
    assert_eq!(expires, half_a_day.to_rfc3339());
    let session = answer.keys();
    assert!(session.id.starts_with("ASIA"));
    assert_eq!(who(&world, &session).await, BOT);
    assert_eq!(assume(&world, &session, START, &[]).await.status, 200, "it may assume roles");
    for (action, more) in [("GetSessionToken", &[][..]), ("GetFederationToken", &[("Name", "cleo")])] {
        let call = [&[("Action", action)], more].concat();
        let expected = format!("403 AccessDenied: Cannot call {action} with session credentials");
        assert_eq!(world.signed(&session, &call).await.sts_refusal(), expected);
        let by_role = assume(&world, &bot(), START, &[]).await.keys();
        assert_eq!(world.signed(&by_role, &call).await.sts_refusal(), expected, "a role's session");
    }
    let info = [("Action", "GetAccessKeyInfo"), ("AccessKeyId", "AKIABOTBOTBOTBOTBOTB")];
    let expected = format!(
        "403 AccessDenied: User: {BOT} is not authorized to perform: sts:GetAccessKeyInfo on resource: *"
    );
    assert_eq!(world.signed(&session, &info).await.sts_refusal(), expected);
    for (seconds, fault) in
        [("899", "greater than or equal to 900"), ("129601", "less than or equal to 129600")]
    {
        let answer =
            world.signed(&bot(), &[("Action", "GetSessionToken"), ("DurationSeconds", seconds)]).await;
        let expected = format!(
            "400 ValidationError: 1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy \
             constraint: Member must have value {fault}"
        );
        assert_eq!(answer.sts_refusal(), expected);
    }
    world.clock.advance(std::time::Duration::from_secs(43_200));
    let over = "403 ExpiredToken: The security token included in the request is expired";
    assert_eq!(who(&world, &session).await, over);
}

#[actix_web::test]
async fn a_user_makes_credentials_for_somebody() {
    let world = world().await;
    let call = [("Action", "GetFederationToken"), ("Name", "cleo"), ("DurationSeconds", "900")];
    let answer = world.signed(&bot(), &call).await;
    let said = ["FederatedUserId", "Arn", "PackedPolicySize"].map(|name| answer.element(name).unwrap());
    let arn = "arn:aws:sts::111122223333:federated-user/cleo";
    assert_eq!(said, ["111122223333:cleo", arn, "0"]);
    let cleo = answer.keys();
    assert_eq!(who(&world, &cleo).await, arn);
    let refused = assume(&world, &cleo, START, &[]).await.sts_refusal();
    let expected = format!(
        "403 AccessDenied: User: {arn} is not authorized to perform: sts:AssumeRole on resource: {START}"
    );
    assert_eq!(refused, expected);
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let may_all = world.signed(&bot(), &[&call[..], &[("Policy", all)]].concat()).await.keys();
    assert_eq!(
        assume(&world, &may_all, START, &[]).await.sts_refusal(),
        expected,
        "whatever its policy says"
    );
    let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, " ".repeat(1000));
    let malformed = world.signed(&bot(), &[&call[..], &[("Policy", &policy)]].concat()).await;
    assert!(malformed.sts_refusal().starts_with("400 MalformedPolicyDocument: "), "{malformed:?}");
    let unnamed =
        world.signed(&bot(), &[("Action", "GetFederationToken"), ("Name", "c")]).await.sts_refusal();
    assert!(
        unnamed.ends_with(
            "at 'name' failed to satisfy constraint: Member must have length greater than or equal to 2"
        ),
        "{unnamed}"
    );
}

#[actix_web::test]
async fn a_key_id_tells_its_account() {
    let world = world().await;
    let session = assume(&world, &bot(), START, &[]).await.keys();
    for (id, account) in [
        ("AKIABOTBOTBOTBOTBOTB", "111122223333"),
        ("ASIAQNZGKIQY56JQ7WML", "029608264753"),
        (&session.id, "111122223333"),
    ] {
        let call = [("Action", "GetAccessKeyInfo"), ("AccessKeyId", id)];
        for by in [&bot(), &session] {
            assert_eq!(world.signed(by, &call).await.element("Account").as_deref(), Some(account), "{id}");
        }
    }
    let call = |id: &'static str| [("Action", "GetAccessKeyInfo"), ("AccessKeyId", id)];
    let none = world.signed(&bot(), &call("AROAQNZGKIQY56JQ7WML")).await.sts_refusal();
    assert_eq!(none, "400 ValidationError: AROAQNZGKIQY56JQ7WML is invalid");
    let odd = world.signed(&bot(), &call("ASIA-NZGKIQY56JQ7WML")).await.sts_refusal();
    assert!(odd.ends_with("at 'accessKeyId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w]*"), "{odd}");
}

/// A user that is taken out takes its credentials along; a role that it assumed stays assumed, as on AWS.
#[actix_web::test]
async fn what_a_user_got_ends_with_the_user() {
    let world = world().await;
    let session = world.signed(&bot(), &[("Action", "GetSessionToken")]).await.keys();
    let cleo = world.signed(&bot(), &[("Action", "GetFederationToken"), ("Name", "cleo")]).await.keys();
    let role = assume(&world, &bot(), START, &[]).await.keys();
    let world = world.again(&settings()).await;
    assert_eq!(who(&world, &session).await, BOT, "a restart ends nothing");
    let without = settings().replace("user/ci/bot\"", "user/ci/robot\"");
    let world = world.again(&without).await;
    assert_eq!(who(&world, &session).await, INVALID);
    assert_eq!(who(&world, &cleo).await, INVALID);
    assert_eq!(who(&world, &role).await, "arn:aws:sts::111122223333:assumed-role/Start/night-run");
}

/// What a group may do, its members may, and nobody else.
#[actix_web::test]
async fn a_member_may_do_what_its_group_may() {
    let world = world().await;
    assert_eq!(assume(&world, &ann(), START, &[]).await.status, 200);
    let without = settings().replace("groups = [\"arn:aws:iam::111122223333:group/people/engineers\"]\n", "");
    let world = world.again(&without).await;
    let refused = assume(&world, &ann(), START, &[]).await.sts_refusal();
    let expected = format!(
        "403 AccessDenied: User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sts:AssumeRole on \
         resource: {START}"
    );
    assert_eq!(refused, expected);
}

/// The API takes both methods.
#[actix_web::test]
async fn every_signed_operation_goes_by_get_too() {
    let world = world().await;
    let policy = r#"{"Version": "2012-10-17", "Statement": []}"#;
    let role = [("RoleArn", START), ("RoleSessionName", "night+run")];
    let call = async |action: &str, more: &[(&str, &str)]| {
        let all = [&[("Action", action)], more].concat();
        world.signed_get(&bot(), &all).await
    };
    let session = call("AssumeRole", &role).await;
    assert_eq!(who(&world, &session.keys()).await, "arn:aws:sts::111122223333:assumed-role/Start/night+run");
    let malformed = call("AssumeRole", &[&role[..], &[("Policy", policy)]].concat()).await.sts_refusal();
    assert!(malformed.starts_with("400 MalformedPolicyDocument: "), "the blanks arrive: {malformed}");
    assert_eq!(who(&world, &call("GetSessionToken", &[]).await.keys()).await, BOT);
    let cleo = call("GetFederationToken", &[("Name", "cleo")]).await.keys();
    assert_eq!(who(&world, &cleo).await, "arn:aws:sts::111122223333:federated-user/cleo");
    let info = call("GetAccessKeyInfo", &[("AccessKeyId", &cleo.id)]).await;
    assert_eq!(info.element("Account").as_deref(), Some("111122223333"));
    assert_eq!(call("GetCallerIdentity", &[]).await.element("Arn").as_deref(), Some(BOT));
    let none = call("DecodeAuthorizationMessage", &[("EncodedMessage", "none")]).await.sts_refusal();
    assert!(
        none.ends_with("is not authorized to perform: sts:DecodeAuthorizationMessage on resource: *"),
        "{none}"
    );
    let unsigned = world.get("/?Action=AssumeRole&Version=2011-06-15", &[]).await.sts_refusal();
    assert_eq!(unsigned, "403 MissingAuthenticationToken: Request is missing Authentication Token");
}
