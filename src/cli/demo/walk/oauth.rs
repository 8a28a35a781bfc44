//! The mobile app at the token endpoint: an ID token becomes credentials and a token, a service asks
//! what they are good for, a refresh token is used once.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::sts::Credentials;
use super::{PHOTO_UPLOADER, Walk, expect};
use crate::cli::demo::idp::MOBILE_CLIENT;
use crate::cli::demo::people::CLEO;
use crate::entropy::SystemEntropy;
use crate::secret::Secret;

/// The service that the app has tokens for.
const PHOTOS: &str = "https://photos.demo.example";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub(super) const AWS_CREDENTIALS: &str = "urn:rolegate:params:oauth:token-type:aws-credentials";
/// Cleo's session.
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/PhotoUploader/cleo-phone";

/// Exchanges, refreshes, and refreshes once too often.
pub(super) async fn exchanges(walk: &mut Walk<'_>) {
    let token = exchange(walk, &[("requested_token_type", ACCESS_TOKEN), ("audience", PHOTOS)]).await;
    let token = token.and_then(|given| expect(given["token_type"] == "Bearer", shown(&given["expires_in"])));
    walk.tell("token exchange: Cleo's ID token for a signed token", token.map(|life| format!("{life} s")));

    let given = exchange(walk, &[("requested_token_type", AWS_CREDENTIALS)]).await;
    let credentials = given.as_ref().map_err(Clone::clone).and_then(|given| credentials(given, SESSION));
    let key = credentials.as_ref().map(|made| made.access_key_id.clone()).map_err(Clone::clone);
    walk.tell("token exchange: the same for credentials", key);
    let (Ok(given), Ok(credentials)) = (given, credentials) else { return };
    let caller = walk.caller_of(&credentials, "assumed-role/PhotoUploader/cleo-phone").await;
    walk.tell("GetCallerIdentity with them", caller);

    authorize(walk, &credentials).await;

    let refreshed = refresh(walk, &given).await.and_then(|(_, given)| self::credentials(&given, SESSION));
    walk.tell("refresh: new credentials without Cleo", refreshed.map(|made| made.access_key_id));
    let again = refresh(walk, &given).await.and_then(|(status, answer)| {
        let seen = format!("{status} {}", shown(&answer["error"]));
        expect(seen == "400 invalid_grant", seen)
    });
    walk.tell("refused: the same refresh token again", again);
    let over = walk.sts.caller(&credentials, walk.now()).await.map(|answer| answer.refusal());
    let over = over.and_then(|seen| expect(seen == "403 ExpiredToken", seen));
    walk.tell("refused: all that came of that exchange", over);
}

/// The photo store asks what Cleo's credentials are good for.
async fn authorize(walk: &mut Walk<'_>, credentials: &Credentials) {
    for (what, action, wanted) in [
        ("authorize: Cleo may put a photo", "s3:PutObject", "allow"),
        ("refused: Cleo may not delete one", "s3:DeleteObject", "implicit-deny"),
    ] {
        let decision = asked_by_store(walk, credentials, action).await;
        walk.tell(what, decision.and_then(|decision| expect(decision == wanted, decision)));
    }
}

async fn asked_by_store(walk: &Walk<'_>, credentials: &Credentials, action: &str) -> Result<String, String> {
    let secret = walk.world.photo_store_secret(&SystemEntropy::new()).map_err(|error| error.to_string())?;
    let question = json!({
        "token": credentials.session_token.expose(),
        "action": action,
        "resource": "arn:aws:s3:::demo-photos/cat.jpg",
    });
    let request = walk.http.post(walk.at_broker("/v1/authorize"));
    let request = request.basic_auth("photo-store", Some(secret.expose()));
    let request = request.header("content-type", "application/json").body(question.to_string());
    let (status, answer) = answered(request).await?;
    if status == 200 {
        Ok(shown(&answer["decision"]))
    } else {
        Err(format!("{status} {}", shown(&answer["error"])))
    }
}

/// What Cleo's ID token is given for.
pub(super) async fn exchange(walk: &Walk<'_>, wanted: &[(&str, &str)]) -> Result<Value, String> {
    let token = walk.idp.id_token(&CLEO, MOBILE_CLIENT, walk.now()).map_err(|error| error.to_string())?;
    let mut form = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", MOBILE_CLIENT),
        ("subject_token", &token),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
        ("role", PHOTO_UPLOADER),
        ("role_session_name", "cleo-phone"),
    ];
    form.extend_from_slice(wanted);
    match ask(walk, &form).await? {
        (200, given) => Ok(given),
        (status, answer) => Err(format!("{status} {}", shown(&answer["error"]))),
    }
}

async fn refresh(walk: &Walk<'_>, given: &Value) -> Result<(u16, Value), String> {
    let token = given["refresh_token"].as_str().ok_or("no refresh token was given")?;
    let form = [("grant_type", "refresh_token"), ("client_id", MOBILE_CLIENT), ("refresh_token", token)];
    ask(walk, &form).await
}

pub(super) async fn ask(walk: &Walk<'_>, form: &[(&str, &str)]) -> Result<(u16, Value), String> {
    post(walk, "/oauth2/token", form).await
}

/// Status and body of an answer in JSON.
pub(super) async fn post(walk: &Walk<'_>, path: &str, form: &[(&str, &str)]) -> Result<(u16, Value), String> {
    answered(walk.http.post(walk.at_broker(path)).form(form)).await
}

async fn answered(request: RequestBuilder) -> Result<(u16, Value), String> {
    let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
    let status = answer.status().as_u16();
    let body = answer.text().await.map_err(|error| error.without_url().to_string())?;
    Ok((status, serde_json::from_str(&body).map_err(|error| error.to_string())?))
}

/// `arn` is the role session that they must be of.
pub(super) fn credentials(given: &Value, arn: &str) -> Result<Credentials, String> {
    let member = |name: &str| {
        let value = given["credentials"][name].as_str();
        value.map(str::to_owned).ok_or_else(|| format!("{name} is missing"))
    };
    Ok(Credentials {
        access_key_id: member("AccessKeyId")?,
        secret_access_key: Secret::new(member("SecretAccessKey")?),
        session_token: Secret::new(member("SessionToken")?),
        arn: arn.to_owned(),
    })
}

/// A member as it is shown: no token, no secret.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
