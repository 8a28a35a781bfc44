//! `/portal/admin/sessions`: what is open for a person, and ending that or more.

use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse, web};

use super::{PATH, by_those_in_charge};
use crate::arn::ProviderArn;
use crate::broker::{RequestContext, RevokeFault, Target};
use crate::http::page::{self, AdminSessionsPage, Notice, OptionView};
use crate::http::{Surface, body, form, get_or_head, sessions};

/// Longest text of a field that is looked at, in bytes.
const LONGEST: usize = 2048;
/// Longest reason, in characters.
const LONGEST_REASON: usize = 200;
/// What can be ended beside a person's sessions, and what names it.
const KINDS: [(&str, &str); 5] = [
    ("session", "credentials, by access key id"),
    ("role", "all sessions of a role, by ARN"),
    ("user", "everything of a user, by ARN"),
    ("source-identity", "everything under a source identity"),
    ("provider", "everything of an identity provider, by ARN"),
];

pub(super) fn routes(config: &mut web::ServiceConfig) {
    let page = web::resource(format!("{PATH}/sessions"));
    config.service(page.route(get_or_head().to(list)).route(web::post().to(end)));
    config.route(&format!("{PATH}/revoke"), web::post().to(revoke));
}

/// Who is asked about.
struct Asked {
    provider: String,
    subject: String,
}

impl Asked {
    fn read(fields: &[u8]) -> Self {
        let field = |name| text(fields, name).unwrap_or_default().into_owned();
        Self { provider: field("provider"), subject: field("subject") }
    }
}

fn text<'f>(fields: &'f [u8], name: &str) -> Option<Cow<'f, str>> {
    let found = form::fields(fields).find(|(found, _)| found == name);
    found.map(|(_, value)| value).filter(|value| value.len() <= LONGEST)
}

async fn list(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    by_those_in_charge(&request, &surface, false, async |context, by| {
        let asked = Asked::read(request.query_string().as_bytes());
        let mut view = page_of(context, &asked, None);
        if !asked.subject.is_empty() {
            let found = match context.provider_called(&asked.provider) {
                Ok(provider) => context.sessions_of_person(by, provider, &asked.subject).await,
                Err(failure) => Err(failure),
            };
            match found {
                Ok(open) => {
                    view.sessions = Some(open.into_iter().map(|own| sessions::shown(context, own)).collect());
                }
                Err(failure) => return page::sessions_failure(&request, &failure),
            }
        }
        page::admin_sessions(&request, &view)
    })
    .await
}

/// One of a person's, or all of them.
async fn end(request: HttpRequest, surface: web::Data<Surface>, payload: web::Payload) -> HttpResponse {
    by_those_in_charge(&request, &surface, true, async |context, by| {
        let body = match body::read(payload, body::SMALL).await {
            Ok(body) => body,
            Err(unread) => return unread.answer(),
        };
        let asked = Asked::read(&body);
        let provider = match context.provider_called(&asked.provider) {
            Ok(provider) => provider,
            Err(failure) => return page::failure(&request, &failure),
        };
        let Some(id) = text(&body, "end") else {
            return page::incomplete(&request, "The form does not say which session is to end.");
        };
        if id == "all" {
            let (provider, subject) = (provider.clone(), asked.subject.clone());
            let target = Target::Subject { provider, subject };
            let told = told(context.end_by(by, &target, &reason(&body)).await, &target);
            return page::admin_sessions(&request, &page_of(context, &asked, Some(told)));
        }
        match context.end_of_person(by, (provider, &asked.subject), &id).await {
            Ok(_was_there) => {
                let told = Notice::good("The session is ended.".to_owned());
                page::admin_sessions(&request, &page_of(context, &asked, Some(told)))
            }
            Err(failure) => page::sessions_failure(&request, &failure),
        }
    })
    .await
}

async fn revoke(request: HttpRequest, surface: web::Data<Surface>, payload: web::Payload) -> HttpResponse {
    by_those_in_charge(&request, &surface, true, async |context, by| {
        let body = match body::read(payload, body::SMALL).await {
            Ok(body) => body,
            Err(unread) => return unread.answer(),
        };
        let named = text(&body, "of").unwrap_or_default();
        let told = match target(&text(&body, "kind").unwrap_or_default(), named.trim()) {
            Ok(target) => told(context.end_by(by, &target, &reason(&body)).await, &target),
            Err(problem) => Notice::bad(problem),
        };
        page::admin_sessions(&request, &page_of(context, &Asked::read(&[]), Some(told)))
    })
    .await
}

fn page_of(context: &RequestContext<'_>, asked: &Asked, notice: Option<Notice>) -> AdminSessionsPage {
    let providers = context.snapshot().directory.providers().iter();
    let options = providers.map(|provider| OptionView {
        value: provider.name.clone(),
        text: provider.name.clone(),
        is_chosen: provider.name == asked.provider,
    });
    let kinds =
        KINDS.map(|(value, text)| OptionView { value: value.into(), text: text.into(), is_chosen: false });
    AdminSessionsPage {
        providers: options.collect(),
        kinds: kinds.into(),
        subject: asked.subject.clone(),
        provider: asked.provider.clone(),
        sessions: None,
        notice,
    }
}

fn reason(body: &[u8]) -> String {
    text(body, "reason").unwrap_or_default().trim().chars().take(LONGEST_REASON).collect()
}

/// What is to be ended, or what is wrong with its name.
fn target(kind: &str, named: &str) -> Result<Target, String> {
    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
        text.parse().map_err(|error: T::Err| error.to_string())
    }
    match kind {
        "session" => {
            let wanted =
                format!("{named:?} is no access key id of temporary credentials: ASIA and 16 characters");
            named.parse().map(Target::Session).map_err(|_| wanted)
        }
        "role" => parsed(named).map(Target::Role),
        "user" => parsed(named).map(Target::User),
        "provider" => parsed::<ProviderArn>(named).map(Target::Provider),
        "source-identity" if !named.is_empty() => Ok(Target::SourceIdentity(named.to_owned())),
        "source-identity" => Err("Write the source identity.".to_owned()),
        _ => Err("Choose what is to end.".to_owned()),
    }
}

/// What came of it.
fn told(ended: Result<crate::broker::Ended, RevokeFault>, target: &Target) -> Notice {
    match ended {
        Ok(ended) => {
            let mut text = format!(
                "Ended: what was given to {target} up to {}. It is remembered until {}.",
                ended.issued_before.for_people(),
                ended.until.for_people()
            );
            for there in ended.upstream {
                text.push_str(&format!(
                    " What {} gave goes on until this policy is attached to {} there: {}",
                    there.upstream, there.role, there.policy
                ));
            }
            Notice::good(text)
        }
        Err(RevokeFault::NotKept(cause)) => {
            Notice::bad(format!("It holds on this node, until that ends: {cause}. Send it again."))
        }
        Err(fault) => Notice::bad(fault.to_string()),
    }
}
