//! `POST /v1/verify`: a service asks whose request it got.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::Method;
use rolegate::clock::Clock as _;
use rolegate::identity::sigv4::{Payload, SignedRequest, SigningCredential, presign, sign};
use rolegate::secret::Secret;
use serde_json::{Value, json};

use super::*;
use crate::oauth::fixture::{AUDITOR_SECRET, SERVER_SECRET};

const BODY: &[u8] = b"a photo";
const HOST: (&str, &[u8]) = ("host", b"photos.example.com");

async fn photos() -> World {
    let settings =
        settings().replacen("introspection = true", "introspection = true\nauthorization = true", 1);
    World::configured(&settings).await
}

/// A PUT to the photo service that `keys` signed for `service`, as the service sees it.
fn put(world: &World, keys: &Keys, service: &str) -> Value {
    let headers = [HOST, ("content-type", b"image/jpeg")];
    let payload = Payload::Body(BODY);
    let request = SignedRequest {
        method: "PUT",
        path: "/cats/1%201.jpg",
        query: "size=b&kind=a",
        headers: &headers,
        payload,
    };
    let secret = Secret::new(keys.secret.clone());
    let signed = sign(&request, &credential(keys, &secret, service), world.clock.now());
    let mut headers =
        json!({ "Host": "photos.example.com", "Content-Type": "image/jpeg", "User-Agent": "x" });
    for (name, value) in signed {
        headers[name] = json!(value);
    }
    json!({ "service": "photos", "method": "PUT", "path": "/cats/1%201.jpg", "query": "size=b&kind=a",
            "headers": headers, "body_sha256": hash(BODY) })
}

fn credential<'k>(keys: &'k Keys, secret: &'k Secret<String>, service: &'k str) -> SigningCredential<'k> {
    SigningCredential {
        access_key_id: &keys.id,
        secret_access_key: secret,
        session_token: keys.token.as_deref(),
        region: "eu-central-1",
        service,
    }
}

fn hash(body: &[u8]) -> String {
    digest(&SHA256, body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn ask_as(world: &World, client: &str, secret: &str, asked: &str) -> Answer {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = base64_simd::STANDARD.encode_to_string(format!("{client}:{}", encode(secret)));
    let headers = [("content-type", "application/json"), ("authorization", &format!("Basic {basic}"))];
    world.send(Method::POST, "/v1/verify", &headers, asked.to_owned()).await
}

async fn ask(world: &World, asked: &Value) -> Value {
    let answer = ask_as(world, "auditor", AUDITOR_SECRET, &asked.to_string()).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{answer:?}");
    answer.json()
}

/// Validity, or status and code.
async fn said(world: &World, asked: &Value) -> String {
    let answer = ask(world, asked).await;
    if answer["valid"] == json!(true) {
        "valid".into()
    } else {
        format!("{} {}", answer["status"], answer["code"].as_str().unwrap())
    }
}

#[actix_web::test]
async fn a_service_learns_whose_request_it_got() {
    let world = photos().await;
    let tags = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "red"), ("SourceIdentity", "ann")];
    let session = assume(&world, &bot(), START, &tags).await.keys();
    let mut seen = ask(&world, &put(&world, &session, "photos")).await;
    let user_id = seen["principal"].as_object_mut().unwrap().remove("user_id").unwrap();
    assert!(user_id.as_str().unwrap().ends_with(":night-run"), "{user_id}");
    let now = world.clock.now();
    let expected = json!({
        "valid": true,
        "principal": {
            "arn": "arn:aws:sts::111122223333:assumed-role/Start/night-run", "account": "111122223333",
            "role": START, "source_identity": "ann",
        },
        "session": {
            "name": "night-run", "assumed_by": "arn:aws:iam::111122223333:user/ci/bot", "tags": { "team": "red" },
            "issued": now.to_rfc3339(), "expires": now.plus(Duration::from_secs(3600)).to_rfc3339(),
        },
    });
    assert_eq!(seen, expected);
    let by_key = ask(&world, &put(&world, &bot(), "photos")).await;
    assert_eq!(by_key["principal"]["arn"], "arn:aws:iam::111122223333:user/ci/bot");
    assert_eq!(by_key["session"], json!({ "tags": {} }), "a long-term key has no session");
}

#[actix_web::test]
async fn one_question_may_ask_for_rights_too() {
    let world = photos().await;
    let session = assume(&world, &bot(), START, &[]).await.keys();
    for (action, allowed) in [("sts:AssumeRole", true), ("photos:Put", false)] {
        let mut asked = put(&world, &session, "photos");
        asked["access"] =
            json!({ "action": action, "resource": NEXT.replace("Next", "Other"), "explain": true });
        let answer = ask(&world, &asked).await;
        let access = &answer["access"];
        assert_eq!((&access["allowed"], access["policies"].is_array()), (&json!(allowed), true), "{answer}");
        assert_eq!(access["message"].is_string(), !allowed);
    }
    let mut asked = put(&world, &session, "photos");
    asked["access"] = json!({ "action": "photos:Put", "resource": "*", "token": "x" });
    let refused = ask_as(&world, "auditor", AUDITOR_SECRET, &asked.to_string()).await.said();
    assert_eq!(refused, "400 invalid_request: access has no token: it is about whoever signed the request.");
    asked["access"] = json!({ "action": "photos", "resource": "*" });
    let refused = ask_as(&world, "auditor", AUDITOR_SECRET, &asked.to_string()).await.said();
    assert!(refused.starts_with("400 invalid_request: 'photos' is not an action"), "{refused}");
}

/// Why it was refused, who may decode it learns, and nobody of another account.
#[actix_web::test]
async fn a_refusal_is_decoded_by_who_may_know() {
    let settings = settings()
        .replacen("introspection = true", "introspection = true\nauthorization = true", 1)
        .replacen("role/Decoder\"\n", "role/Decoder\"\npolicies = [\"DECODING\"]\n", 1)
        .replacen("role/Partner\"\n", "role/Partner\"\npolicies = [\"DECODING\"]\n", 1)
        .replace("DECODING", policy_file("decoding.json", DECODING).to_str().unwrap());
    let world = World::configured(&settings).await;
    let session = assume(&world, &bot(), START, &[]).await.keys();
    let mut asked = put(&world, &session, "photos");
    asked["access"] = json!({ "action": "photos:Put", "resource": "arn:aws:s3:::photos/1",
                              "context": { "aws:SourceIp": "192.0.2.7" } });
    let answer = ask(&world, &asked).await;
    let encoded = answer["access"]["encoded_message"].as_str().unwrap().to_owned();
    assert!(encoded.len() <= 10_240 && !encoded.contains("photos"));
    let decode = async |by: &Keys, text: &str| {
        world.signed(by, &[("Action", "DecodeAuthorizationMessage"), ("EncodedMessage", text)]).await
    };
    let next = assume(&world, &bot(), "arn:aws:iam::111122223333:role/Decoder", &[]).await.keys();
    let decoded = decode(&next, &encoded).await;
    let text = decoded.element("DecodedMessage").unwrap().replace("&quot;", "\"");
    let mut said: Value = serde_json::from_str(&text).unwrap();
    let conditions = said["context"]["conditions"]["items"].take();
    let id = said["context"]["principal"]["id"].take();
    assert!(id.as_str().unwrap().ends_with(":night-run"));
    assert_eq!(
        said,
        json!({
            "allowed": false, "explicitDeny": false, "matchedStatements": { "items": [] },
            "failures": { "items": ["because no identity-based policy allows the photos:Put action"] },
            "context": {
                "principal": {
                    "id": null, "name": "night-run", "arn": "arn:aws:sts::111122223333:assumed-role/Start/night-run",
                },
                "action": "photos:Put", "resource": "arn:aws:s3:::photos/1", "conditions": { "items": null },
            },
        })
    );
    let address = json!({ "key": "aws:sourceip", "values": { "items": [{ "value": "192.0.2.7" }] } });
    assert!(conditions.as_array().unwrap().contains(&address), "{conditions}");
    let invalid = "400 InvalidAuthorizationMessageException: The message is none that this broker encoded for your account.";
    let partner = assume(&world, &bot(), PARTNER, &[("ExternalId", "contract-7")]).await.keys();
    assert_eq!(decode(&partner, &encoded).await.sts_refusal(), invalid, "of another account");
    assert_eq!(decode(&next, &encoded[4..]).await.sts_refusal(), invalid);
    assert_eq!(
        decode(&next, next.token.as_deref().unwrap()).await.sts_refusal(),
        invalid,
        "sealed for something else"
    );
    let start = decode(&session, &encoded).await.sts_refusal();
    let expected = "403 AccessDenied: User: arn:aws:sts::111122223333:assumed-role/Start/night-run is not authorized to \
                    perform: sts:DecodeAuthorizationMessage on resource: *";
    assert_eq!(start, expected);
}

const DECODING: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:DecodeAuthorizationMessage", "Resource": "*"}]}"#;

/// Each is good but for one thing.
#[actix_web::test]
async fn what_is_not_as_it_was_signed_is_nobodys() {
    let world = photos().await;
    let session = assume(&world, &bot(), START, &[]).await.keys();
    let good = put(&world, &session, "photos");
    assert_eq!(said(&world, &good).await, "valid");
    let with = |key: &str, value: Value| {
        let mut asked = good.clone();
        asked[key] = value;
        asked
    };
    let header = |name: &str, value: Value| {
        let mut asked = good.clone();
        asked["headers"][name] = value;
        asked
    };
    let wrong = "403 SignatureDoesNotMatch";
    for (asked, expected) in [
        (with("method", json!("GET")), wrong),
        (with("path", json!("/cats/2.jpg")), wrong),
        (with("query", json!("size=b")), wrong),
        (with("query", json!("kind=a&size=b")), "valid"),
        (with("body_sha256", json!(hash(b"another photo"))), wrong),
        (with("body_sha256", Value::Null), wrong),
        (header("Host", json!("other.example.com")), wrong),
        (header("Content-Type", json!(["image/jpeg", "text/html"])), wrong),
        (header("User-Agent", json!("not signed")), "valid"),
        (header("x-amz-content-sha256", json!(hash(BODY))), "valid"),
        (header("x-amz-content-sha256", json!("UNSIGNED-PAYLOAD")), wrong),
        (header("x-amz-security-token", json!("AAAA")), "403 InvalidClientTokenId"),
        (header("authorization", json!("Bearer x")), "403 MissingAuthenticationToken"),
        (header("authorization", json!("AWS4-HMAC-SHA256 x=y")), "400 IncompleteSignature"),
        (put(&world, &session, "videos"), wrong),
        (put(&world, &Keys { secret: bot().secret, ..session.clone() }, "photos"), wrong),
    ] {
        assert_eq!(said(&world, &asked).await, expected, "{asked}");
    }
    world.clock.advance(Duration::from_secs(301));
    assert_eq!(said(&world, &good).await, wrong, "five minutes later");
    world.clock.advance(Duration::from_secs(3600));
    let late = put(&world, &session, "photos");
    assert_eq!(said(&world, &late).await, "403 ExpiredToken");
}

#[actix_web::test]
async fn links_that_were_presigned() {
    let world = photos().await;
    let session = assume(&world, &bot(), START, &[]).await.keys();
    let secret = Secret::new(session.secret.clone());
    let request = SignedRequest {
        method: "GET",
        path: "/cats",
        query: "a=b",
        headers: &[HOST],
        payload: Payload::Body(b""),
    };
    let query = presign(
        &request,
        &credential(&session, &secret, "photos"),
        Duration::from_secs(60),
        world.clock.now(),
    );
    let asked = json!({ "service": "photos", "method": "GET", "path": "/cats", "query": query,
                        "headers": { "host": "photos.example.com" } });
    assert_eq!(said(&world, &asked).await, "valid");
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(said(&world, &asked).await, "403 SignatureDoesNotMatch");
}

#[actix_web::test]
async fn not_everybody_may_ask_and_not_everything_is_a_question() {
    let world = photos().await;
    let good = put(&world, &bot(), "photos");
    let text = good.to_string();
    assert_eq!(ask_as(&world, "auditor", "wrong", &text).await.refusal(), "401 invalid_client");
    let refused = ask_as(&world, "server", SERVER_SECRET, &text).await.refusal();
    assert_eq!(refused, "400 unauthorized_client", "it may not");
    let shape = "400 invalid_request: The body is not a JSON object of service, method, path, headers and, if need be, \
                 query, body_sha256 and access (action, resource and so on), each once: see line 1, column ";
    for broken in [
        text.replace("\"Host\"", "\"Host\":\"a\",\"host\""),
        text.replace("\"service\"", "\"servant\""),
        text.replace("\"method\"", "\"method\":\"PUT\",\"method\""),
        "[]".to_owned(),
    ] {
        let said = ask_as(&world, "auditor", AUDITOR_SECRET, &broken).await.said();
        assert!(said.starts_with(shape), "{said}");
        assert!(!said.contains("Signature"), "nothing of the request is repeated: {said}");
    }
    for hash in ["", "E3B0", &hash(BODY).to_uppercase()] {
        let mut asked = good.clone();
        asked["body_sha256"] = json!(hash);
        let said = ask_as(&world, "auditor", AUDITOR_SECRET, &asked.to_string()).await.said();
        assert!(said.starts_with("400 invalid_request: body_sha256 must be 64 digits"), "{said}");
    }
}
