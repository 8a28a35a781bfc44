//! `/portal/sessions`: what is open for a person, and the buttons that end it.

use actix_web::{HttpRequest, HttpResponse, web};

use super::browser::{in_browser, is_from_here, noted};
use super::page::{self, OwnSessionView, SessionsPage};
use super::portal::{self, see_other};
use super::{Surface, body, cookies, form, get_or_head};
use crate::broker::{OwnKind, OwnSession, RequestContext};
use crate::console::Origin;

/// Where it is.
const PATH: &str = "/portal/sessions";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource(PATH).route(get_or_head().to(list)).route(web::post().to(end)));
}

async fn list(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let here = match in_browser(&request, &context).await {
        Ok(here) if here.is_nobody() => return see_other(portal::PATH),
        Ok(here) => here,
        Err(failure) => return page::sessions_failure(&request, &failure),
    };
    let own = match context.own_sessions(&here).await {
        Ok(own) => own,
        Err(failure) => return page::sessions_failure(&request, &failure),
    };
    let sessions = own.into_iter().map(|own| shown(&context, own)).collect();
    let (person, is_person) = (here.name().to_owned(), here.who().is_some());
    let leads_to = context.sign_out_leads_to(&here);
    let view = SessionsPage { person, sessions, is_person };
    let mut response = page::sessions(&request, &view, leads_to.as_deref());
    cookies::with_cookies(&mut response, noted(&context, &here).await);
    response
}

/// Ends one, by a button of our own page.
async fn end(request: HttpRequest, surface: web::Data<Surface>, payload: web::Payload) -> HttpResponse {
    let context = surface.context(&request);
    if !is_from_here(&request, &context.snapshot().public_url) {
        return page::foreign(&request, "Use the buttons on the page of your sessions.");
    }
    let body = match body::read(payload, body::SMALL).await {
        Ok(body) => body,
        Err(unread) => return unread.answer(),
    };
    let here = match in_browser(&request, &context).await {
        Ok(here) if here.is_nobody() => return see_other(portal::PATH),
        Ok(here) => here,
        Err(failure) => return page::sessions_failure(&request, &failure),
    };
    let Some((_, id)) = form::fields(&body).find(|(name, _)| name == "end") else {
        return page::incomplete(&request, "The form does not say which session is to end.");
    };
    match context.end_own(&here, &id).await {
        // One that was over already is as it should be.
        Ok(_was_there) => see_other(PATH),
        Err(failure) => page::sessions_failure(&request, &failure),
    }
}

pub(super) fn shown(context: &RequestContext<'_>, own: OwnSession) -> OwnSessionView {
    let role = own.role.map(|(role, session_name)| {
        let account = context.snapshot().directory.account(role.account());
        let alias = account.and_then(|account| account.alias.clone());
        let account = alias.unwrap_or_else(|| role.account().to_string());
        format!("{} in {account}, as {session_name}", role.name())
    });
    let named = |program: &str, otherwise: &str| {
        if program.is_empty() { otherwise.to_owned() } else { program.to_owned() }
    };
    let from = |origin: &Origin| origin.address.map(|address| address.to_string());
    let (what, from, last, is_this) = match &own.kind {
        OwnKind::Browser { origin, is_this, seen, .. } => {
            let last = (*seen > own.since).then_some(*seen);
            (named(&origin.program, "A browser"), from(origin), last, *is_this)
        }
        OwnKind::App { client, origin, used } => (client.clone(), from(origin), Some(*used), false),
        OwnKind::Credentials { access_key_id } => (format!("Credentials {access_key_id}"), None, None, false),
        OwnKind::Token => ("A token for a service".to_owned(), None, None, false),
    };
    OwnSessionView {
        id: own.id,
        what,
        is_this,
        role: role.unwrap_or_else(|| "At the portal".to_owned()),
        from,
        since: own.since.for_people(),
        since_machine: own.since.to_rfc3339(),
        last: last.map(|last| (last.to_rfc3339(), last.for_people())),
        until: own.until.for_people(),
        until_machine: own.until.to_rfc3339(),
    }
}
