//! `/portal/admin/explain`: why a document is refused, or what it gives. `/portal/admin/rules`: what the configuration's
//! file would change.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{PATH, by_those_in_charge};
use crate::arn::RoleArn;
use crate::broker::RequestContext;
use crate::broker::explain::{self, Paper, Presented, Question};
use crate::broker::rehearse::{CaseFile, change, written_changes};
use crate::config;
use crate::http::page::{self, ExplainPage, Notice, RulesPage};
use crate::http::{Surface, body, form, get_or_head};

/// Cases of one comparison at most.
const MOST_CASES: usize = 200;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    let page = web::resource(format!("{PATH}/explain"));
    config.service(page.route(get_or_head().to(explain_form)).route(web::post().to(explain)));
    let page = web::resource(format!("{PATH}/rules"));
    config.service(page.route(get_or_head().to(rules_form)).route(web::post().to(rules)));
}

async fn explain_form(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    by_those_in_charge(&request, &surface, false, async |_, _| {
        page::admin_explain(&request, &ExplainPage { role: String::new(), notice: None, report: None })
    })
    .await
}

async fn explain(request: HttpRequest, surface: web::Data<Surface>, payload: web::Payload) -> HttpResponse {
    by_those_in_charge(&request, &surface, true, async |context, _| {
        let body = match body::read(payload, body::ACS).await {
            Ok(body) => body,
            Err(unread) => return unread.answer(),
        };
        let field = |name| form::fields(&body).find(|(found, _)| found == name).map(|(_, value)| value);
        let role = field("role").unwrap_or_default().trim().to_owned();
        let mut view = ExplainPage { role, notice: None, report: None };
        match report(context, &field("document").unwrap_or_default(), &view.role).await {
            Ok(report) => view.report = Some(report),
            Err(problem) => view.notice = Some(Notice::bad(problem.to_owned())),
        }
        page::admin_explain(&request, &view)
    })
    .await
}

async fn report(context: &RequestContext<'_>, document: &str, role: &str) -> Result<String, &'static str> {
    let role = (!role.is_empty()).then(|| role.parse::<RoleArn>()).transpose();
    let role = role.map_err(|_| "The role is not written as an ARN.")?;
    let document = document.trim();
    let is_token = document.starts_with("eyJ") && document.matches('.').count() >= 2;
    let response = if is_token { None } else { explain::response(document.as_bytes()) };
    let presented = match &response {
        Some(response) => Presented::Saml { response, recipient: None },
        None if is_token => Presented::Token(document),
        None => return Err("Paste a SAML response or an ID token."),
    };
    let question = Question {
        document: presented,
        provider: None,
        role: role.as_ref(),
        session_name: None,
        duration: None,
        access: None,
        source_ip: None,
        at: context.at(),
    };
    let report = explain::explain(context.snapshot(), &question).await;
    Ok(explain::text::render(&report, Paper::new(false)))
}

async fn rules_form(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    by_those_in_charge(&request, &surface, false, async |context, _| {
        compared(&request, &surface, context, String::new()).await
    })
    .await
}

async fn rules(request: HttpRequest, surface: web::Data<Surface>, payload: web::Payload) -> HttpResponse {
    by_those_in_charge(&request, &surface, true, async |context, _| {
        let body = match body::read(payload, body::SMALL).await {
            Ok(body) => body,
            Err(unread) => return unread.answer(),
        };
        let cases = form::fields(&body).find(|(name, _)| name == "cases").map(|(_, value)| value);
        compared(&request, &surface, context, cases.unwrap_or_default().replace('\r', "")).await
    })
    .await
}

async fn compared(
    request: &HttpRequest,
    surface: &Surface,
    context: &RequestContext<'_>,
    cases: String,
) -> HttpResponse {
    let revision = context.snapshot().revision.short();
    let mut view = RulesPage { revision, cases, notice: None, changes: Vec::new(), people: Vec::new() };
    let Some(path) = surface.settings.clone() else {
        view.notice = Some(Notice::bad("This broker was not started from a file.".to_owned()));
        return page::admin_rules(request, &view);
    };
    let at = context.at();
    let loaded = web::block(move || config::load(&path, at)).await;
    let Ok(Ok(loaded)) = loaded else {
        let faults = match loaded {
            Ok(Err(faults)) => faults.to_string(),
            _ => "It could not be read.".to_owned(),
        };
        view.notice =
            Some(Notice::bad(format!("The file is no configuration that would be taken:\n{faults}")));
        return page::admin_rules(request, &view);
    };
    let (old, new) = (context.snapshot(), &loaded.snapshot);
    view.changes = written_changes(old, new);
    if view.changes.is_empty() {
        let text = if old.revision == new.revision {
            "The file says what is in force."
        } else {
            "Rules, roles and trust policies of the file are those in force; something else is written otherwise."
        };
        view.notice = Some(Notice::good(text.to_owned()));
    }
    if !view.cases.trim().is_empty() {
        match toml::from_str::<CaseFile>(&view.cases) {
            Ok(file) if file.case.len() > MOST_CASES => {
                view.notice = Some(Notice::bad(format!("At most {MOST_CASES} people are compared at once.")));
            }
            Ok(file) => {
                let told = |case| match change(case, old, new) {
                    Ok(Some(change)) => change,
                    Ok(None) => format!("{}: nothing changes", case.name),
                    Err(problem) => format!("{}: {problem}", case.name),
                };
                view.people = file.case.iter().map(told).collect();
            }
            Err(error) => view.notice = Some(Notice::bad(format!("Those who are described: {error}"))),
        }
    }
    page::admin_rules(request, &view)
}
