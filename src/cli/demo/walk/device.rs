//! A command line without a browser: it shows a code, Ann types it in hers, signs in and approves; what Ben
//! denies gives nothing.

use std::time::Duration;

use serde_json::Value;

use super::browser::{Browser, Page};
use super::oauth::{AWS_CREDENTIALS, ask, credentials, post, shown};
use super::{DEPLOY, Walk, expect};
use crate::cli::demo::people::{ANN, BEN, Person};

/// The client of `rolegate.toml`.
const CLIENT: &str = "demo-cli";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Ann's session.
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/Deploy/ann@demo.example";

/// Approves, and denies.
pub(super) async fn sign_in(walk: &mut Walk<'_>) {
    let begun = begin(walk).await;
    let code = begun.as_ref().map(|begun| shown(&begun["user_code"])).map_err(Clone::clone);
    walk.tell("device: a command line asks, and shows a code", code);
    let Ok(begun) = begun else { return };
    let pending = collect(walk, &begun).await.and_then(|(status, answer)| refusal(status, &answer));
    let pending = pending.and_then(|seen| expect(seen == "400 authorization_pending", seen));
    walk.tell("device: it asks before anybody answered", pending);
    let approved = answer(walk, &begun, &ANN, &[DEPLOY, "approve"]).await;
    let approved =
        approved.and_then(|page| expect(page.body.contains("The device is signed in"), page.status));
    walk.tell("device: Ann types the code, signs in, approves Deploy", approved);

    let refused = begin(walk).await;
    let denied = match &refused {
        Ok(refused) => answer(walk, refused, &BEN, &["deny"]).await,
        Err(error) => Err(error.clone()),
    };
    let denied = denied.and_then(|page| expect(page.body.contains("The device was denied"), page.status));
    walk.tell("device: Ben denies another one", denied);
    if let Ok(refused) = &refused {
        let seen = collect(walk, refused).await.and_then(|(status, answer)| refusal(status, &answer));
        walk.tell(
            "refused: what Ben denied",
            seen.and_then(|seen| expect(seen == "400 access_denied", seen)),
        );
    }

    // A device that asks again at once is told to slow down, which is an answer too.
    let hurried = collect(walk, &begun).await.and_then(|(status, answer)| refusal(status, &answer));
    let hurried = hurried.and_then(|seen| expect(seen == "400 slow_down", seen));
    walk.tell("refused: the command line asks again at once", hurried);
    tokio::time::sleep(Duration::from_secs(begun["interval"].as_u64().unwrap_or(5))).await;
    let given = collect(walk, &begun).await.and_then(|(status, given)| match status {
        200 => credentials(&given, SESSION),
        _ => Err(format!("{status} {}", shown(&given["error"]))),
    });
    let Some(given) = walk.told("device: the command line gets its credentials", given) else { return };
    let caller = walk.caller_of(&given, "assumed-role/Deploy/ann@demo.example").await;
    walk.tell("GetCallerIdentity with them", caller);
}

async fn begin(walk: &Walk<'_>) -> Result<Value, String> {
    let form = [("client_id", CLIENT), ("requested_token_type", AWS_CREDENTIALS)];
    match post(walk, "/oauth2/device_authorization", &form).await? {
        (200, begun) => Ok(begun),
        (status, answer) => refusal(status, &answer).and_then(Err),
    }
}

async fn collect(walk: &Walk<'_>, begun: &Value) -> Result<(u16, Value), String> {
    let code = begun["device_code"].as_str().ok_or("no device code was given")?;
    ask(walk, &[("grant_type", DEVICE_CODE), ("client_id", CLIENT), ("device_code", code)]).await
}

fn refusal(status: u16, answer: &Value) -> Result<String, String> {
    Ok(format!("{status} {}", shown(&answer["error"])))
}

/// The page that the device names, the code typed, a sign-in by SAML, and these buttons.
async fn answer(walk: &Walk<'_>, begun: &Value, person: &Person, pressed: &[&str]) -> Result<Page, String> {
    let mut browser = Browser::new(walk.http.clone());
    let page = begun["verification_uri_complete"].as_str().ok_or("no address was given")?;
    let page = browser.get(page).await?;
    let mut typed = page.form()?;
    typed.hidden.push(("user_code".into(), shown(&begun["user_code"])));
    let asked = browser.submit(&page, typed, None).await?;
    let corp = format!("href=\"/saml/corp/login?user_code={}\"", shown(&begun["user_code"]));
    if !asked.body.contains(&corp) {
        return Err(format!("no way to sign in at {} ({})", asked.place(), asked.status));
    }
    let login = format!("/saml/corp/login?user_code={}", shown(&begun["user_code"]));
    let chooser = browser.get(&walk.at_broker(&login)).await?;
    let carrier = browser.submit(&chooser, chooser.form()?, Some(person.id)).await?;
    let decide = browser.submit(&carrier, carrier.form()?, None).await?;
    browser.submit(&decide, decide.form()?, pressed.iter().copied()).await
}
