//! `/console`: the consoles that are open in a browser, the last one first.

use actix_web::{HttpRequest, HttpResponse, web};

use super::browser::{Jars, noted};
use super::page::{self, ConsolePage};
use super::{Surface, cookies, form, get_or_head, portal};
use crate::broker::BrowserCookies;
use crate::console::ConsoleSession;
use crate::identity::{Session, hash_of};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/console", get_or_head().to(console));
}

async fn console(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let jars = Jars::read(&request, context.snapshot().is_https);
    let mut here = context.in_browser(jars.cookies()).await;
    if here.is_err() {
        // Where the store does not say who is at the portal, the consoles are there all the same.
        here = context.in_browser(BrowserCookies { portal: None, ..jars.cookies() }).await;
    }
    let here = here.unwrap_or_default();
    let Some(last) = here.consoles().next() else {
        let leads_back = jars.console.as_deref().and_then(|cookie| context.leads_back_to(cookie));
        return portal::see_other(leads_back.as_deref().unwrap_or(portal::PATH));
    };
    let leads_to = context.sign_out_leads_to(&here);
    let noted = noted(&context, &here).await;
    let mut query = form::fields(request.query_string().as_bytes());
    let of = query.find(|(name, _)| name == "of").map(|(_, tag)| tag);
    let is_meant = |console: &&ConsoleSession| of.as_ref().is_some_and(|tag| *tag == tag_of(console));
    let console = here.consoles().find(is_meant).unwrap_or(last);
    let others = here.consoles().filter(|other| tag_of(other) != tag_of(console));
    let others =
        others.map(|other| (tag_of(other), title_of(other).to_owned(), other.holder().account().to_string()));
    let others = others.collect();
    let account = console.holder().account();
    let alias = context.snapshot().directory.account(account).and_then(|account| account.alias.clone());
    let minutes = console.until.since(context.at()).as_secs().div_ceil(60);
    let tags = match &console.session {
        Session::Role(session) => &session.tags[..],
        Session::FederatedUser(session) => &session.tags,
        Session::User(_) => &[],
    };
    let view = ConsolePage {
        others,
        arn: console.holder().arn(),
        title: title_of(console).to_owned(),
        role_arn: console.role().map(|session| session.role.to_string()),
        account: alias.map_or_else(|| account.to_string(), |alias| format!("{alias} ({account})")),
        session_name: console.name().to_owned(),
        person: console.person().map(|(provider, subject)| (subject.to_owned(), provider.to_string())),
        tags: tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
        until: console.until.to_rfc3339(),
        until_for_people: console.until.for_people(),
        remaining: format!("{} h {:02} min", minutes / 60, minutes % 60),
    };
    let mut response = page::console(&request, &view, leads_to.as_deref());
    cookies::with_cookies(&mut response, noted);
    response
}

/// What tells a console from the others of its browser, in a link.
fn tag_of(console: &ConsoleSession) -> String {
    let [first, second, third, fourth, ..] = hash_of(&["rolegate/console-tag", &console.holder().arn()]);
    format!("{:08x}", u32::from_be_bytes([first, second, third, fourth]))
}

/// What a console is called: the role, or whom a user made it for.
pub(super) fn title_of(console: &ConsoleSession) -> &str {
    console.role().map_or_else(|| console.name(), |session| session.role.name())
}
