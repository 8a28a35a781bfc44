//! What services are told about the rights of those who call them.

use reqwest::Method;
use serde_json::{Value, json};

use super::fixture::{AUDITOR_SECRET, AWS_CREDENTIALS, SERVER_SECRET};
use super::world::{Answer, World, changed};

const AUTHORIZE: &str = "/v1/authorize";
const CLEO: &str = "arn:aws:sts::111122223333:assumed-role/Upload/cleo-phone";

/// The role `Upload` may read and write photos of its plan up to its boundary, and nobody of the account
/// may do anything outside of photos.
const RIGHTS: &str = r#"
[[account]]
id = "111122223333"
service_control_policies = [["photos-only.json"]]
"#;

async fn world() -> World {
    let settings = super::fixture::SETTINGS
        .replacen("[[account]]\nid = \"111122223333\"\n", RIGHTS, 1)
        .replacen(
            "trust_policy = \"upload.json\"\n",
            "trust_policy = \"upload.json\"\npolicies = [\"photos.json\"]\npermissions_boundary = \"reading.json\"\n",
            1,
        )
        .replacen("introspection = true", "introspection = true\nauthorization = true", 1);
    World::configured(&settings).await
}

/// Asks as `auditor`, who may.
async fn ask(world: &World, question: &Value) -> Answer {
    ask_as(world, "auditor", AUDITOR_SECRET, &question.to_string()).await
}

async fn ask_as(world: &World, client: &str, secret: &str, question: &str) -> Answer {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = base64_simd::STANDARD.encode_to_string(format!("{client}:{}", encode(secret)));
    let headers = [("content-type", "application/json"), ("authorization", &format!("Basic {basic}"))];
    world.send(Method::POST, AUTHORIZE, &headers, question.to_owned()).await
}

/// The session token of Cleo's credentials.
async fn session_token(world: &World) -> String {
    let asked = world.exchange().without("audience").with("requested_token_type", AWS_CREDENTIALS);
    world.token(&asked).await.access_token()
}

fn question(token: &str, action: &str, resource: &str) -> Value {
    json!({ "token": token, "action": action, "resource": resource })
}

const PREMIUM: &str = "arn:aws:s3:::photos/premium/1";

#[actix_web::test]
async fn what_is_allowed_names_who_and_by_which_statements() {
    let world = world().await;
    let ground = |kind: &str, policy: &str, sid: &str| json!({ "kind": kind, "policy": policy, "statement": 0, "sid": sid });
    let expected = json!({
        "allowed": true, "decision": "allow", "active": true,
        "principal": {
            "arn": CLEO, "account": "111122223333", "role": "arn:aws:iam::111122223333:role/app/Upload",
        },
        "grounds": [
            ground("service control policy", "photos-only.json", "Photos"),
            ground("identity-based policy", "photos.json", "OfThePlan"),
            ground("permissions boundary", "reading.json", "Read"),
        ],
    });
    // Credentials and a token of ours are as good as each other.
    let signed = world.token(&world.exchange()).await.access_token();
    for token in [session_token(&world).await, signed] {
        let answer = ask(&world, &question(&token, "s3:GetObject", PREMIUM)).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
        let mut seen = answer.json();
        let user_id = seen["principal"].as_object_mut().unwrap().remove("user_id").unwrap();
        assert!(user_id.as_str().unwrap().ends_with(":cleo-phone"), "{user_id}");
        assert_eq!(seen, expected);
    }
}

#[actix_web::test]
async fn what_is_refused_says_so_in_the_words_of_aws() {
    let world = world().await;
    let token = session_token(&world).await;
    let refused = |action: &str, to: &str, reason: &str| {
        format!("User: {CLEO} is not authorized to perform: {action} on resource: {to} {reason}")
    };
    let free = "arn:aws:s3:::photos/free/1";
    let queue = "arn:aws:sqs:eu-west-1:111122223333:q";
    for (action, to, decision, reason) in [
        (
            "s3:GetObject",
            free,
            "implicit-deny",
            "because no identity-based policy allows the s3:GetObject action",
        ),
        (
            "s3:PutObject",
            PREMIUM,
            "implicit-deny",
            "because no permissions boundary allows the s3:PutObject action",
        ),
        ("s3:DeleteObject", PREMIUM, "explicit-deny", "with an explicit deny in an identity-based policy"),
        (
            "sqs:SendMessage",
            queue,
            "implicit-deny",
            "because no service control policy allows the sqs:SendMessage action",
        ),
    ] {
        let answer = ask(&world, &question(&token, action, to)).await.json();
        assert_eq!((&answer["allowed"], &answer["decision"]), (&json!(false), &json!(decision)), "{action}");
        assert_eq!(answer["message"], refused(action, to, reason));
    }
}

#[actix_web::test]
async fn a_service_brings_its_own_policy_and_what_it_knows() {
    let world = world().await;
    let token = session_token(&world).await;
    let grant = |who: &str| {
        json!({ "Statement": {
            "Effect": "Allow", "Principal": { "AWS": who }, "Action": "s3:PutObject", "Resource": "*",
            "Condition": { "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } },
        } })
        .to_string()
    };
    let with = |policy: String, address: &str| {
        let mut asked = question(&token, "s3:PutObject", PREMIUM);
        asked["resource_policy"] = json!(policy);
        asked["context"] = json!({ "aws:SourceIp": address, "s3:versions": [1, true, "x"] });
        asked
    };
    // By its own ARN no boundary counts; by its role's it does.
    for (who, address, allowed) in [
        (CLEO, "192.0.2.1", true),
        (CLEO, "203.0.113.1", false),
        ("arn:aws:iam::111122223333:role/app/Upload", "192.0.2.1", false),
    ] {
        let answer = ask(&world, &with(grant(who), address)).await.json();
        assert_eq!(answer["allowed"], allowed, "{who} {address}: {answer}");
    }
    let mut abroad = question(&token, "s3:GetObject", PREMIUM);
    abroad["resource_account"] = json!("444455556666");
    let message = ask(&world, &abroad).await.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.ends_with("because no resource-based policy allows the s3:GetObject action"),
        "{message}"
    );
}

#[actix_web::test]
async fn an_explanation_shows_every_statement() {
    let world = world().await;
    let token = session_token(&world).await;
    let mut asked = question(&token, "s3:GetObject", "arn:aws:s3:::photos/free/1");
    asked["explain"] = json!(true);
    let policies = ask(&world, &asked).await.json()["policies"].clone();
    let statement = |index: usize, sid: &str, effect: &str, obstacles: &[&str]| {
        let applies = obstacles.is_empty();
        json!({
            "statement": index, "sid": sid, "effect": effect, "applies": applies, "obstacles": obstacles,
        })
    };
    let expected = json!([
        {
            "kind": "service control policy", "policy": "photos-only.json",
            "statements": [statement(0, "Photos", "Allow", &[])],
        },
        {
            "kind": "identity-based policy", "policy": "photos.json",
            "statements": [
                statement(0, "OfThePlan", "Allow", &["it speaks of another resource"]),
                statement(1, "Keep", "Deny", &["it speaks of another action"]),
            ],
        },
        {
            "kind": "permissions boundary", "policy": "reading.json",
            "statements": [statement(0, "Read", "Allow", &[])],
        },
    ]);
    assert_eq!(policies, expected);
}

#[actix_web::test]
async fn about_what_is_no_token_of_ours_the_answer_is_no() {
    let world = world().await;
    let token = session_token(&world).await;
    let given = world.id_token();
    let changed = changed(&token, 40);
    for other in ["x", &given, &changed] {
        let answer = ask(&world, &question(other, "s3:GetObject", PREMIUM)).await;
        let expected = json!({
            "allowed": false, "decision": "implicit-deny", "active": false, "grounds": [],
            "message": "The token is not one of this broker, is over, or was revoked.",
        });
        assert_eq!((answer.status, answer.json()), (200, expected));
    }
    let allowed = |answer: Answer| answer.json()["allowed"] == true;
    assert!(allowed(ask(&world, &question(&token, "s3:GetObject", PREMIUM)).await));
    world.clock.advance(std::time::Duration::from_secs(3600));
    assert!(!allowed(ask(&world, &question(&token, "s3:GetObject", PREMIUM)).await));
}

#[actix_web::test]
async fn nobody_asks_who_may_not() {
    let world = world().await;
    let token = session_token(&world).await;
    let asked = question(&token, "s3:GetObject", PREMIUM).to_string();
    let unknown = "401 invalid_client: There is no such client, or its secret is another one.";
    for (client, secret, expected) in [
        ("auditor", AUDITOR_SECRET, "200"),
        ("auditor", SERVER_SECRET, unknown),
        ("nobody", SERVER_SECRET, unknown),
        ("app", "", unknown),
        (
            "server",
            SERVER_SECRET,
            "400 unauthorized_client: This client may not do this: see its grants, introspection and authorization.",
        ),
    ] {
        assert_eq!(ask_as(&world, client, secret, &asked).await.said(), expected, "{client}");
    }
    let json = [("content-type", "application/json")];
    let answer = world.send(Method::POST, AUTHORIZE, &json, asked).await;
    assert_eq!(answer.said(), "401 invalid_client: Say which client asks, by HTTP Basic.");
    assert_eq!(world.get(AUTHORIZE, &[]).await.status, 405);
}

#[actix_web::test]
async fn questions_that_are_none_say_what_is_wrong() {
    let world = world().await;
    let token = session_token(&world).await;
    let asked = question(&token, "s3:GetObject", PREMIUM);
    let with = |name: &str, value: Value| {
        let mut asked = asked.clone();
        asked[name] = value;
        asked.to_string()
    };
    let fields = "The body is not a JSON object of token, action, resource and, if need be, resource_account, \
                  resource_policy, context and explain, each once: see line 1, column ";
    let twice = asked.to_string().replacen('{', r#"{"action":"s3:GetObject","#, 1);
    let two_keys = with("context", json!({ "aws:SourceIp": "192.0.2.1", "AWS:sourceip": "192.0.2.2" }));
    for (what, body, expected) in [
        ("a member more", with("verbose", json!(true)), fields),
        ("a member twice", twice, fields),
        ("a condition key twice", two_keys, fields),
        ("a value that is none", with("context", json!({ "aws:SourceIp": {} })), fields),
        ("no object", "[]".to_owned(), fields),
        (
            "an action with a wildcard",
            with("action", json!("s3:*")),
            "'s3:*' is not an action such as s3:GetObject",
        ),
        ("no resource", with("resource", json!("photos")), "'photos' is not an ARN"),
        (
            "the session's own key",
            with("context", json!({ "aws:PrincipalTag/plan": "gold" })),
            "the condition key 'aws:PrincipalTag/plan' is known from the session: leave it out",
        ),
        (
            "no account",
            with("resource_account", json!("1")),
            "resource_account must be an account id of 12 digits.",
        ),
        (
            "no policy",
            with("resource_policy", json!("{}")),
            "the resource's policy is not valid: document: it has no Statement",
        ),
    ] {
        let said = ask_as(&world, "auditor", AUDITOR_SECRET, &body).await.said();
        assert!(said.starts_with(&format!("400 invalid_request: {expected}")), "{what}: {said}");
        assert!(!said.contains(&token), "{what}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(world.send(Method::POST, AUTHORIZE, &form, "token=x".into()).await.status, 401);
}
