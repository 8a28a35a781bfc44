//! The walk's browser half: the console by `SigninToken`, by SAML, and by OpenID Connect.

use serde_json::Value;
use url::Url;

use super::browser::{Browser, Page};
use super::sts::Credentials;
use super::{DEPLOY, Outcome, Walk, expect};
use crate::cli::demo::people::{ANN, BEN, CLEO, Person};

/// The role that Ann picks in the sandbox.
pub(super) const DEVELOPER: &str = "arn:aws:iam::444455556666:role/eng/Developer";

/// `getSigninToken`, then `login`, with `credentials` of Ann's.
pub(super) async fn sign_in(walk: &mut Walk<'_>, credentials: &Credentials) {
    let token = signin_token(walk, credentials).await;
    let shown = token.as_ref().map(|token| format!("{} characters", token.len())).map_err(Clone::clone);
    walk.tell("getSigninToken with Ann's credentials", shown);
    let Ok(token) = token else { return };
    let (landed, again) = match login_url(walk, &token, &walk.at_broker("/console")) {
        Ok(url) => (land(walk, &url, &ANN, "Deploy").await, walk.status(&url).await),
        Err(error) => (Err(error.clone()), Err(error)),
    };
    walk.tell("login with it lands on the console", landed);
    let again = again.and_then(|status| expect(status == 400, status));
    walk.tell("refused: the same SigninToken again", again);
}

/// Every way through a browser.
pub(super) async fn browsers(walk: &mut Walk<'_>) {
    let picked = corp(walk, &ANN, Some(DEPLOY)).await.and_then(|page| on_console(&page, &ANN, "Deploy"));
    walk.tell("SAML in the browser, by signed redirect: Ann picks Deploy", picked);
    let by_form = sandbox(walk, &ANN).await.and_then(|page| on_console(&page, &ANN, "Developer"));
    walk.tell("SAML in the browser, by signed form: Ann", by_form);
    let straight = corp(walk, &BEN, None).await.and_then(|page| on_console(&page, &BEN, "Auditor"));
    walk.tell("SAML in the browser: Ben has one role, no picker", straight);
    let unasked = from_provider(walk, &BEN).await.and_then(|page| on_console(&page, &BEN, "Auditor"));
    walk.tell("SAML started at the provider: Ben", unasked);
    let refused = corp(walk, &CLEO, None).await.and_then(|page| turned_away(&page));
    walk.tell("SAML in the browser: Cleo is turned away", refused);
    let code = staff(walk, &ANN, Some(DEVELOPER)).await.and_then(|page| on_console(&page, &ANN, "Developer"));
    walk.tell("OpenID Connect in the browser: Ann picks Developer", code);
    let refused = staff(walk, &BEN, None).await.and_then(|page| turned_away(&page));
    walk.tell("OpenID Connect in the browser: Ben is turned away", refused);
}

/// A `SigninToken` for `credentials` (facts 4.2).
pub(super) async fn signin_token(walk: &Walk<'_>, credentials: &Credentials) -> Result<String, String> {
    let session = credentials.session();
    let query = [("Action", "getSigninToken"), ("Session", session.expose().as_str())];
    let url = federation(walk, &query)?;
    let answer = walk.http.get(url).send().await.map_err(|error| error.without_url().to_string())?;
    let status = answer.status().as_u16();
    let body = answer.text().await.map_err(|error| error.without_url().to_string())?;
    let token = serde_json::from_str::<Value>(&body)
        .ok()
        .and_then(|answer| answer.get("SigninToken").and_then(Value::as_str).map(str::to_owned));
    token.filter(|_| status == 200).ok_or_else(|| status.to_string())
}

/// The sign-in URL (facts 4.3).
pub(super) fn login_url(walk: &Walk<'_>, token: &str, destination: &str) -> Result<String, String> {
    let issuer = walk.at_broker("/portal");
    let query =
        [("Action", "login"), ("Issuer", &issuer), ("Destination", destination), ("SigninToken", token)];
    federation(walk, &query).map(String::from)
}

fn federation(walk: &Walk<'_>, query: &[(&str, &str)]) -> Result<Url, String> {
    Url::parse_with_params(&walk.at_broker("/federation"), query).map_err(|error| error.to_string())
}

/// Opens a sign-in URL: it must redirect to the console, which must know who came.
async fn land(walk: &Walk<'_>, url: &str, person: &Person, role: &str) -> Outcome {
    let page = Browser::new(walk.http.clone()).get(url).await?;
    let console = walk.at_broker("/console");
    match page.redirects.first() {
        Some((302, destination)) if destination.as_str() == console => on_console(&page, person, role),
        _ => Err(format!("{} at {} without a redirect to the console", page.status, page.place())),
    }
}

async fn corp(walk: &Walk<'_>, person: &Person, role: Option<&str>) -> Result<Page, String> {
    corp_as(walk, &mut Browser::new(walk.http.clone()), person, role).await
}

/// Starts at the broker, signs in at the company's provider, and picks `role` if asked.
pub(super) async fn corp_as(
    walk: &Walk<'_>,
    browser: &mut Browser,
    person: &Person,
    role: Option<&str>,
) -> Result<Page, String> {
    let chooser = browser.get(&walk.at_broker("/saml/corp/login")).await?;
    let carrier = browser.submit(&chooser, chooser.form()?, Some(person.id)).await?;
    let answer = browser.submit(&carrier, carrier.form()?, None).await?;
    pick(browser, answer, role).await
}

/// Signs in at the portal by the company's provider.
pub(super) async fn corp_at_portal(
    walk: &Walk<'_>,
    browser: &mut Browser,
    person: &Person,
) -> Result<Page, String> {
    let chooser = browser.get(&walk.at_broker("/saml/corp/login?next=portal")).await?;
    let carrier = browser.submit(&chooser, chooser.form()?, Some(person.id)).await?;
    let portal = browser.submit(&carrier, carrier.form()?, None).await?;
    let is_there = portal.status == 200 && portal.url.path() == "/portal";
    is_there.then_some(portal).ok_or_else(|| "the portal was not reached".to_owned())
}

/// Starts at the broker, whose request goes to the company's provider in a form.
async fn sandbox(walk: &Walk<'_>, person: &Person) -> Result<Page, String> {
    let mut browser = Browser::new(walk.http.clone());
    let carrier = browser.get(&walk.at_broker("/saml/sandbox/login")).await?;
    let chooser = browser.submit(&carrier, carrier.form()?, None).await?;
    let carrier = browser.submit(&chooser, chooser.form()?, Some(person.id)).await?;
    browser.submit(&carrier, carrier.form()?, None).await
}

/// Starts at the provider's own page.
async fn from_provider(walk: &Walk<'_>, person: &Person) -> Result<Page, String> {
    let mut browser = Browser::new(walk.http.clone());
    let landing = browser.get(&walk.world.issuer()).await?;
    let start = landing.forms().into_iter().find(|form| form.choices.iter().any(|(_, id)| id == person.id));
    let start = start.ok_or_else(|| format!("{} is not offered", person.id))?;
    let carrier = browser.submit(&landing, start, Some(person.id)).await?;
    browser.submit(&carrier, carrier.form()?, None).await
}

/// Starts at the broker, signs in by authorization code, and picks `role` if asked.
async fn staff(walk: &Walk<'_>, person: &Person, role: Option<&str>) -> Result<Page, String> {
    staff_as(walk, &mut Browser::new(walk.http.clone()), person, role).await
}

/// The same in a browser that goes on.
pub(super) async fn staff_as(
    walk: &Walk<'_>,
    browser: &mut Browser,
    person: &Person,
    role: Option<&str>,
) -> Result<Page, String> {
    let chooser = browser.get(&walk.at_broker("/oidc/staff/login")).await?;
    let answer = browser.submit(&chooser, chooser.form()?, Some(person.id)).await?;
    pick(browser, answer, role).await
}

/// Chooses `role` in the role picker (facts 2.5).
async fn pick(browser: &mut Browser, page: Page, role: Option<&str>) -> Result<Page, String> {
    let Some(role) = role else { return Ok(page) };
    let form = page.form()?;
    let offered = form.choices.iter().filter(|(name, _)| name == "roleIndex").count();
    if offered < 2 {
        return Err(format!("{offered} roles to pick from at {} ({})", page.place(), page.status));
    }
    browser.submit(&page, form, Some(role)).await
}

/// The console page must say who one is, as what, and until when.
pub(super) fn on_console(page: &Page, person: &Person, role: &str) -> Outcome {
    let says = |text: &str| page.body.contains(text);
    let there = page.status == 200 && page.url.path() == "/console";
    if there && says(person.email) && says(role) && says("until") {
        return Ok(format!("/console: {role}/{}", person.email));
    }
    Err(format!("{} at {}", page.status, page.place()))
}

fn turned_away(page: &Page) -> Outcome {
    expect((400..500).contains(&page.status) && page.url.path() != "/console", page.status)
}
