//! The portal: two consoles by one sign-in, a link to one by an app's token, and who is in charge.

use super::browser::{Browser, Page};
use super::console::{corp_at_portal, on_console};
use super::oauth::{exchange, shown};
use super::{DEPLOY, Outcome, Walk, expect};
use crate::cli::demo::people::{ANN, BEN, CLEO, Person};

const READ_ONLY: &str = "arn:aws:iam::111122223333:role/eng/ReadOnly";
const CONSOLE_URL: &str = "urn:rolegate:params:oauth:token-type:console-url";

/// Every step.
pub(super) async fn visits(walk: &mut Walk<'_>) {
    let both = side_by_side(walk).await;
    walk.tell("portal: one sign-in, two consoles side by side", both);
    let why = why(walk).await;
    walk.tell("portal: why Ann is no auditor", why);
    let link = link(walk).await;
    walk.tell("token exchange: Cleo's ID token for a console link", link);
    let state = admin(walk, &BEN).await.and_then(|page| expect(page.status == 200, page.url.path()));
    walk.tell("portal: Ben is in charge", state);
    let refused = admin(walk, &ANN).await.and_then(|page| expect(page.status == 403, page.status));
    walk.tell("refused: Ann is not", refused);
}

async fn side_by_side(walk: &Walk<'_>) -> Outcome {
    let mut browser = Browser::new(walk.http.clone());
    let mut page = corp_at_portal(walk, &mut browser, &ANN).await?;
    for (role, name) in [(DEPLOY, "Deploy"), (READ_ONLY, "ReadOnly")] {
        let open = page.forms().into_iter().find(|form| form.action == "/portal/open");
        let opened = browser.submit(&page, open.ok_or("no role to open")?, Some(role)).await?;
        on_console(&opened, &ANN, name)?;
        page = browser.get(&walk.at_broker("/portal")).await?;
    }
    let console = browser.get(&walk.at_broker("/console")).await?;
    expect(
        console.body.contains("ReadOnly") && console.body.contains(">Deploy</a>"),
        "ReadOnly, and Deploy beside it",
    )
}

async fn why(walk: &Walk<'_>) -> Outcome {
    let mut browser = Browser::new(walk.http.clone());
    corp_at_portal(walk, &mut browser, &ANN).await?;
    let page = browser.get(&walk.at_broker("/portal/why?role=Auditor")).await?;
    let told =
        page.body.contains("auditors audit") && page.body.contains("Its condition does not hold for you.");
    expect(told, if told { "the rule, and what does not hold".to_owned() } else { page.place() })
}

async fn link(walk: &Walk<'_>) -> Outcome {
    let given = exchange(walk, &[("requested_token_type", CONSOLE_URL)]).await?;
    let page = Browser::new(walk.http.clone()).get(&shown(&given["access_token"])).await?;
    let there = page.status == 200 && page.url.path() == "/console" && page.body.contains("PhotoUploader");
    let seen = format!("{}: {} of {}", page.url.path(), "PhotoUploader", CLEO.name);
    expect(there, if there { seen } else { format!("{} at {}", page.status, page.place()) })
}

async fn admin(walk: &Walk<'_>, person: &Person) -> Result<Page, String> {
    let mut browser = Browser::new(walk.http.clone());
    corp_at_portal(walk, &mut browser, person).await?;
    browser.get(&walk.at_broker("/portal/admin")).await
}
