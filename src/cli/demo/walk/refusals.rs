//! What the broker must refuse, each with the code that AWS gives (facts 2.2, 3.3, 1.2, 4.5).

use std::time::Duration;

use base64_simd::STANDARD as BASE64;
use reqwest::header::LOCATION;

use super::browser::Browser;
use super::console::{login_url, signin_token};
use super::sts::{Answer, Credentials};
use super::{CORP, DEPLOY, Outcome, PHOTO_UPLOADER, Walk, expect};
use crate::cli::demo::idp::saml::SamlSigner;
use crate::cli::demo::idp::{MOBILE_CLIENT, PORTAL_CLIENT, Terms};
use crate::cli::demo::people::{ANN, BEN, CLEO, Person};
use crate::secret::Secret;

/// Past every lifetime and every tolerated skew.
const LONG_AGO: Duration = Duration::from_secs(24 * 3600);

/// Assertions that must not be believed.
pub(super) async fn assertions(walk: &mut Walk<'_>) {
    let tampered = walk.idp.saml_response(&ANN, None).map_err(text).and_then(|good| tampered(&good));
    refuse_assertion(walk, "a changed SAML response", tampered, "400 InvalidIdentityToken").await;

    let old = Terms { at: walk.now().minus(LONG_AGO), ..walk.idp.terms() };
    let old = walk.idp.saml_response_on(&ANN, old).map_err(text);
    refuse_assertion(walk, "an expired SAML response", old, "400 ExpiredTokenException").await;

    let foreign = Terms { audience: "urn:demo:somebody-else", ..walk.idp.terms() };
    let foreign = walk.idp.saml_response_on(&ANN, foreign).map_err(text);
    refuse_assertion(walk, "a SAML response for somebody else", foreign, "400 InvalidIdentityToken").await;

    let forged = SamlSigner::generate(&walk.world.idp_entity_id(), "").map_err(text).and_then(|stranger| {
        walk.idp.saml_response_on(&ANN, Terms { signer: &stranger, ..walk.idp.terms() }).map_err(text)
    });
    refuse_assertion(walk, "a SAML response signed by another key", forged, "400 InvalidIdentityToken").await;

    let once = replay(walk).await;
    walk.tell("refused: a SAML response used twice", once);
}

/// ID tokens that must not be believed.
pub(super) async fn tokens(walk: &mut Walk<'_>) {
    let now = walk.now();
    let token = |client, at| walk.idp.id_token(&CLEO, client, at).map_err(text);
    let cases = [
        (
            "an ID token with a broken signature",
            token(MOBILE_CLIENT, now).map(|good| altered(&good)),
            "400 InvalidIdentityToken",
        ),
        ("an expired ID token", token(MOBILE_CLIENT, now.minus(LONG_AGO)), "400 ExpiredTokenException"),
        ("an ID token for another client", token(PORTAL_CLIENT, now), "400 InvalidIdentityToken"),
        ("an ID token that is none", Ok("no.such.token".into()), "400 InvalidIdentityToken"),
    ];
    for (what, token, code) in cases {
        let answer = match token {
            Ok(token) => walk.sts.with_web_identity(PHOTO_UPLOADER, "cleo-phone", &token).await,
            Err(error) => Err(error),
        };
        walk.tell(&format!("refused: {what}"), refused(answer, code));
    }
}

/// Login requests that the provider must not believe to be the broker's.
pub(super) async fn requests(walk: &mut Walk<'_>) {
    let bare = redirected(walk).await.map(|url| match url.split_once("&SigAlg=") {
        Some((bare, _)) => bare.to_owned(),
        None => url,
    });
    let outcome = at_provider(walk, bare).await;
    walk.tell("refused: a login request without a signature", outcome);
    let changed = redirected(walk).await.map(|url| url.replace("&RelayState=", "&RelayState=x"));
    let outcome = at_provider(walk, changed).await;
    walk.tell("refused: a login request with another RelayState", outcome);
    let outcome = changed_form(walk).await;
    walk.tell("refused: a login request in a form, changed", outcome);
}

/// Genuine people, roles that are not theirs.
pub(super) async fn roles(walk: &mut Walk<'_>) {
    for (what, person) in [("Ben asks for Deploy", &BEN), ("Cleo asks for Deploy", &CLEO)] {
        let response = walk.idp.saml_response(person, None).map_err(text);
        refuse_assertion(walk, what, response, "403 AccessDenied").await;
    }
    let outcome = web_role(walk, &BEN).await;
    walk.tell("refused: Ben asks for PhotoUploader", outcome);
}

/// Credentials and sign-in tokens that are not what they should be.
pub(super) async fn credentials(walk: &mut Walk<'_>, good: &Credentials) {
    let wrong = Secret::new(altered(good.secret_access_key.expose()));
    let answer = walk.sts.caller(&Credentials { secret_access_key: wrong, ..good.clone() }, walk.now()).await;
    walk.tell("refused: a request signed with another key", refused(answer, "403 SignatureDoesNotMatch"));

    let wrong = Secret::new(altered(good.session_token.expose()));
    let bad = Credentials { session_token: wrong, ..good.clone() };
    let answer = walk.sts.caller(&bad, walk.now()).await;
    walk.tell("refused: a changed session token", refused(answer, "403 InvalidClientTokenId"));

    let answer = signin_token(walk, &bad).await;
    let outcome = answer.map_or_else(|status| expect(status == "400", status), |_| Err("granted".into()));
    walk.tell("refused: a SigninToken for changed credentials", outcome);

    let (forged, astray) = match signin_token(walk, good).await {
        Ok(token) => (
            login(walk, &altered(&token), &walk.at_broker("/console")).await,
            login(walk, &token, "https://evil.example/console").await,
        ),
        Err(error) => (Err(error.clone()), Err(error)),
    };
    walk.tell("refused: a forged SigninToken", forged);
    walk.tell("refused: a sign-in that would land elsewhere", astray);
}

async fn refuse_assertion(walk: &mut Walk<'_>, what: &str, response: Result<String, String>, code: &str) {
    let answer = match response {
        Ok(response) => walk.sts.with_saml(DEPLOY, CORP, &response).await,
        Err(error) => Err(error),
    };
    walk.tell(&format!("refused: {what}"), refused(answer, code));
}

/// Where the broker sends a browser that signs in.
async fn redirected(walk: &Walk<'_>) -> Result<String, String> {
    let answer = walk.http.get(walk.at_broker("/saml/corp/login")).send().await.map_err(text)?;
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    location.map(str::to_owned).ok_or_else(|| format!("{} without a redirect", answer.status()))
}

/// A request that the provider must refuse, without asking who one is.
async fn at_provider(walk: &Walk<'_>, url: Result<String, String>) -> Outcome {
    let status = walk.status(&url?).await?;
    expect(status == 400, status)
}

async fn changed_form(walk: &Walk<'_>) -> Outcome {
    let mut browser = Browser::new(walk.http.clone());
    let carrier = browser.get(&walk.at_broker("/saml/sandbox/login")).await?;
    let mut form = carrier.form()?;
    let packed = form.hidden.iter_mut().find(|(name, _)| name == "SAMLRequest");
    let (_, packed) = packed.ok_or("the form has no SAMLRequest")?;
    let xml = String::from_utf8(BASE64.decode_to_vec(packed.as_bytes()).map_err(text)?).map_err(text)?;
    *packed = BASE64.encode_to_string(xml.replace(" IssueInstant=", " ForceAuthn=\"false\" IssueInstant="));
    let status = browser.submit(&carrier, form, None).await?.status;
    expect(status == 400, status)
}

/// The same response twice: granted, then refused.
async fn replay(walk: &Walk<'_>) -> Outcome {
    let response = walk.idp.saml_response(&ANN, None).map_err(text)?;
    walk.sts.with_saml(DEPLOY, CORP, &response).await?.credentials()?;
    refused(walk.sts.with_saml(DEPLOY, CORP, &response).await, "400 InvalidIdentityToken")
}

async fn web_role(walk: &Walk<'_>, person: &Person) -> Outcome {
    let token = walk.idp.id_token(person, MOBILE_CLIENT, walk.now()).map_err(text)?;
    refused(walk.sts.with_web_identity(PHOTO_UPLOADER, "ben-phone", &token).await, "403 AccessDenied")
}

/// A `login` that must give 400.
async fn login(walk: &Walk<'_>, token: &str, destination: &str) -> Outcome {
    let status = walk.status(&login_url(walk, token, destination)?).await?;
    expect(status == 400, status)
}

fn refused(answer: Result<Answer, String>, code: &str) -> Outcome {
    let seen = answer?.refusal();
    expect(seen == code, seen)
}

/// `response` about somebody else, under the old signature.
fn tampered(response: &str) -> Result<String, String> {
    let xml = BASE64.decode_to_vec(response).map_err(text)?;
    let xml = String::from_utf8(xml).map_err(text)?;
    if !xml.contains(ANN.email) {
        return Err("there is nothing to change in the response".into());
    }
    Ok(BASE64.encode_to_string(xml.replace(ANN.email, "eve@demo.example")))
}

/// `text` with one letter changed, near its end: a signature, a tag, a key's last bytes.
fn altered(text: &str) -> String {
    let place = text.len().saturating_sub(8);
    let change = |letter| if letter == 'A' { 'B' } else { 'A' };
    text.char_indices().map(|(index, letter)| if index == place { change(letter) } else { letter }).collect()
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alters_one_letter() {
        for text in ["header.payload.signature", "AAAAAAAAAAAAAAAA", "BBBBBBBBBBBB"] {
            let other = altered(text);
            let changed = text.chars().zip(other.chars()).filter(|(a, b)| a != b).count();
            assert_eq!((changed, other.len()), (1, text.len()), "{text}");
        }
    }
}
