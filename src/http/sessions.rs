//! `/portal/sessions`: what is open for a person, and the buttons that end it.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::browser::{is_from_here, noted, session_of};
use super::page::{self, OwnSessionView, SessionsPage};
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
    let Some(console) = session_of(&request, &context) else { return see_other("/portal") };
    let own = match context.own_sessions(&console).await {
        Ok(own) => own,
        Err(failure) => return page::sessions_failure(&request, &failure),
    };
    let person = console.session.subject.clone().unwrap_or_else(|| console.session.session_name.clone());
    let sessions = own.into_iter().map(|own| shown(&context, own)).collect();
    let is_person = console.session.person().is_some();
    let leads_to = context.sign_out_leads_to(&console);
    let view = SessionsPage { person, sessions, is_person };
    let mut response = page::sessions(&request, &view, leads_to.as_deref());
    cookies::with_cookies(&mut response, noted(&context, &console));
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
    let Some(console) = session_of(&request, &context) else { return see_other("/portal") };
    let Some((_, id)) = form::fields(&body).find(|(name, _)| name == "end") else {
        return page::incomplete(&request, "The form does not say which session is to end.");
    };
    match context.end_own(&console, &id).await {
        // One that was over already is as it should be.
        Ok(_was_there) => see_other(PATH),
        Err(failure) => page::sessions_failure(&request, &failure),
    }
}

fn see_other(path: &'static str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}

fn shown(context: &RequestContext<'_>, own: OwnSession) -> OwnSessionView {
    let account = own.role.account();
    let alias = context.snapshot().directory.account(account).and_then(|account| account.alias.clone());
    let named = |program: &str, otherwise: &str| {
        if program.is_empty() { otherwise.to_owned() } else { program.to_owned() }
    };
    let from = |origin: &Origin| origin.address.map(|address| address.to_string());
    let (what, from, last, is_this) = match &own.kind {
        OwnKind::Browser { origin, is_this, seen } => {
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
        role: own.role.name().to_owned(),
        account: alias.unwrap_or_else(|| account.to_string()),
        session_name: own.session_name,
        from,
        since: own.since.for_people(),
        since_machine: own.since.to_rfc3339(),
        last: last.map(|last| (last.to_rfc3339(), last.for_people())),
        until: own.until.for_people(),
        until_machine: own.until.to_rfc3339(),
    }
}
