//! Both ways out: the person signs out at the broker, or at the provider. What came of the login
//! is over then. It stands at the walk's end, because it takes Ann's credentials away.

use super::browser::{Browser, Page};
use super::console::{DEVELOPER, corp_as, login_url, on_console, signin_token, staff_as};
use super::sts::Credentials;
use super::{CORP, Outcome, Walk, expect};
use crate::cli::demo::idp::PORTAL_CLIENT;
use crate::cli::demo::people::{ANN, BEN};

/// Ben's.
const AUDITOR: &str = "arn:aws:iam::111122223333:role/audit/Auditor";
/// What AWS says of a session that is over (facts 1.2).
const OVER: &str = "403 ExpiredToken";

/// Ben signs out at the broker, which tells the provider; Ann at the provider, which tells the
/// broker.
pub(super) async fn both_ways(walk: &mut Walk<'_>, anns: &Credentials) {
    let (there, console) = match at_broker(walk).await {
        Ok((outcome, browser)) => (outcome, over(walk, browser).await),
        Err(error) => (Err(error.clone()), Err(error)),
    };
    walk.tell("sign-out at the broker: the provider is told", there);
    walk.tell("refused: the console session that was ended", console);
    let revoked = by_button(walk).await;
    walk.tell("refused: Ben's credentials after his sign-out", revoked);

    let told = at_provider(walk, "/saml/end").await.and_then(|landed| {
        let by_broker = landed.redirects.iter().any(|(_, url)| url.path() == "/saml/corp/slo");
        landed_on(&landed, "/saml/slo", by_broker)
    });
    walk.tell("sign-out at the provider: the broker is told", told);
    let revoked = refused(walk, anns).await;
    walk.tell("refused: Ann's credentials after it", revoked);
}

/// The same by OpenID Connect: Ann presses the button, and the provider posts a logout token.
pub(super) async fn by_openid_connect(walk: &mut Walk<'_>) {
    let (there, console) = match from_console(walk).await {
        Ok((outcome, browser)) => (outcome, over(walk, browser).await),
        Err(error) => (Err(error.clone()), Err(error)),
    };
    walk.tell("OpenID Connect sign-out at the broker, by the provider", there);
    walk.tell("refused: the console session that was ended", console);

    let mut browser = Browser::new(walk.http.clone());
    let console = match staff_as(walk, &mut browser, &ANN, Some(DEVELOPER)).await {
        Ok(page) => on_console(&page, &ANN, "Developer"),
        Err(error) => Err(error),
    };
    let told = match console {
        Ok(_) => at_provider(walk, "/oidc/end").await.and_then(|page| landed_on(&page, "/oidc/end", true)),
        Err(error) => Err(error),
    };
    walk.tell("OpenID Connect sign-out at the provider: a logout token", told);
    let console = over(walk, browser).await;
    walk.tell("refused: the console session that it ended", console);
    let forged = no_logout_token(walk).await;
    walk.tell("refused: an ID token as logout token", forged);
}

/// Signs in by OpenID Connect, presses the button, and must come back by way of the provider.
async fn from_console(walk: &Walk<'_>) -> Result<(Outcome, Browser), String> {
    let mut browser = Browser::new(walk.http.clone());
    let page = staff_as(walk, &mut browser, &ANN, Some(DEVELOPER)).await?;
    on_console(&page, &ANN, "Developer")?;
    let kept = browser.clone();
    let landed = browser.submit(&page, page.form()?, Some("logout")).await?;
    let by_provider = landed.redirects.iter().any(|(_, url)| url.path() == "/end-session");
    let both = landed.body.contains("You are signed out here and at your identity provider.");
    Ok((landed_on(&landed, "/oidc/staff/signed-out", by_provider && both), kept))
}

/// Whoever has an ID token must not sign its person out with it.
async fn no_logout_token(walk: &Walk<'_>) -> Outcome {
    let token = walk.idp.id_token(&ANN, PORTAL_CLIENT, walk.now()).map_err(|error| error.to_string())?;
    let request = walk.http.post(walk.at_broker("/oidc/staff/backchannel-logout"));
    let answer = request.form(&[("logout_token", token)]).send().await;
    let answer = answer.map_err(|error| error.without_url().to_string())?;
    expect(answer.status() == 400, answer.status().as_u16())
}

/// Signs in by SAML, presses the button, and must land on the page that says how it went.
async fn at_broker(walk: &Walk<'_>) -> Result<(Outcome, Browser), String> {
    let mut browser = Browser::new(walk.http.clone());
    let page = corp_as(walk, &mut browser, &BEN, None).await?;
    on_console(&page, &BEN, "Auditor")?;
    let kept = browser.clone();
    let landed = browser.submit(&page, page.form()?, Some("logout")).await?;
    let by_provider = landed.redirects.iter().any(|(_, url)| url.path() == "/saml/slo");
    let both = landed.body.contains("You are signed out here and at your identity provider.");
    Ok((landed_on(&landed, "/saml/corp/slo", by_provider && both), kept))
}

/// A browser that kept its cookie is not let in any more.
async fn over(walk: &Walk<'_>, mut browser: Browser) -> Outcome {
    let page = browser.get(&walk.at_broker("/console")).await?;
    expect(page.url.path() == "/portal", page.place())
}

/// Credentials become a console session; its button takes both away.
async fn by_button(walk: &Walk<'_>) -> Outcome {
    let response = walk.idp.saml_response(&BEN, None).map_err(|error| error.to_string())?;
    let credentials = walk.sts.with_saml(AUDITOR, CORP, &response).await?.credentials()?;
    let token = signin_token(walk, &credentials).await?;
    let mut browser = Browser::new(walk.http.clone());
    let page = browser.get(&login_url(walk, &token, &walk.at_broker("/console"))?).await?;
    browser.submit(&page, page.form()?, Some("logout")).await?;
    refused(walk, &credentials).await
}

/// Presses the button on the provider's own page whose form goes to `action`.
async fn at_provider(walk: &Walk<'_>, action: &str) -> Result<Page, String> {
    let mut browser = Browser::new(walk.http.clone());
    let page = browser.get(&walk.world.issuer()).await?;
    let form = page
        .forms()
        .into_iter()
        .find(|form| form.action == action && form.choices.iter().any(|(_, person)| person == ANN.id));
    let form = form.ok_or("the provider signs nobody out")?;
    browser.submit(&page, form, Some(ANN.id)).await
}

async fn refused(walk: &Walk<'_>, credentials: &Credentials) -> Outcome {
    let seen = walk.sts.caller(credentials, walk.now()).await?.refusal();
    expect(seen == OVER, seen)
}

fn landed_on(page: &Page, path: &str, as_expected: bool) -> Outcome {
    expect(page.status == 200 && page.url.path() == path && as_expected, page.place())
}
