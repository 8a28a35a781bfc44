//! What browsers share: starting a login, arriving from one, the portal, the console.

use std::collections::BTreeMap;

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::cookies::{self, Jar};
use super::page::{self, Choice, ConsolePage, Picker, PickerAccount, PickerPage, PortalPage, SignInButton};
use super::{Surface, get_or_head};
use crate::broker::{Arrived, Failure, Refusal, RequestContext, SignedIn};
use crate::console::ConsoleSession;
use crate::directory::Verifier;
use crate::identity::saml::Outbound;
use crate::policy::RoleOffer;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/portal", get_or_head().to(portal))
        .route("/console", get_or_head().to(console))
        .route("/assets/rolegate.css", web::get().to(page::stylesheet));
}

/// Sends the browser to the provider, if it is of the kind that this path is for.
pub(super) async fn begin_login(
    request: &HttpRequest,
    surface: &Surface,
    name: &str,
    is_right_kind: impl Fn(&Verifier) -> bool,
) -> HttpResponse {
    let context = surface.context(request);
    let provider = context.snapshot().directory.provider(name);
    if !provider.is_some_and(|provider| is_right_kind(&provider.verifier)) {
        return page::failure(request, &Refusal::unknown_provider(name).into());
    }
    let destination = url::form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(name, _)| name == "destination")
        .map(|(_, value)| value.into_owned());
    match context.begin_login(name, destination.as_deref()).await {
        Ok(start) => {
            let https = context.snapshot().is_https;
            let mut response = leave(request, "Signing you in", &start.outbound);
            let mut cookies = cookies::crowded_out(request, https);
            cookies.push(Jar::Login(&start.tag).set(start.cookie, start.lasts, https));
            for cookie in &cookies {
                if let Err(error) = response.add_cookie(cookie) {
                    tracing::error!(%error, "a login cookie could not be set");
                    return HttpResponse::InternalServerError().finish();
                }
            }
            response
        }
        Err(failure) => page::failure(request, &failure),
    }
}

/// Sends the browser elsewhere with a message: by redirect, or by a form called `title`.
pub(super) fn leave(request: &HttpRequest, title: &'static str, outbound: &Outbound) -> HttpResponse {
    match outbound {
        Outbound::Redirect(url) => {
            HttpResponse::SeeOther().insert_header((header::LOCATION, url.as_str())).finish()
        }
        Outbound::Post(form) => page::carry(request, title, form),
    }
}

/// Off to the console, or to the picker, or a page that says why not.
pub(super) fn arrived(
    request: &HttpRequest,
    context: &RequestContext<'_>,
    outcome: Result<Arrived, Failure>,
    login: Option<&str>,
    mut picker: Picker,
) -> HttpResponse {
    match outcome {
        Ok(Arrived::SignedIn(opened)) => {
            let mut response = signed_in(context, &opened, StatusCode::SEE_OTHER);
            let gone = login.map(|tag| Jar::Login(tag).clear(context.snapshot().is_https));
            if let Some(Err(error)) = gone.map(|gone| response.add_cookie(&gone)) {
                tracing::warn!(%error, "the login cookie stays until it expires");
            }
            response
        }
        Ok(Arrived::Choose { identity, offers, choice }) => {
            if let Some(choice) = choice {
                picker.hidden.push(("choice", choice));
            }
            let accounts = by_account(context, &offers);
            let origins = context.snapshot().destinations.origins();
            page::picker(
                request,
                &PickerPage { picker, subject: identity.subject().to_owned(), accounts },
                &origins,
            )
        }
        Err(failure) => page::failure(request, &failure),
    }
}

/// The console session goes into its cookie, the browser to its destination: by `303` after a
/// POST, which makes a GET of it, by `302` after a GET, as AWS does (facts 4.3).
pub(super) fn signed_in(context: &RequestContext<'_>, opened: &SignedIn, status: StatusCode) -> HttpResponse {
    HttpResponse::build(status)
        .cookie(Jar::Console.set(opened.cookie.clone(), opened.lasts, context.snapshot().is_https))
        .insert_header((header::LOCATION, opened.destination.as_str()))
        .finish()
}

fn by_account(context: &RequestContext<'_>, offers: &[RoleOffer]) -> Vec<PickerAccount> {
    let directory = &context.snapshot().directory;
    let mut accounts: BTreeMap<String, PickerAccount> = BTreeMap::new();
    for offer in offers {
        let id = offer.role.account();
        let account = accounts.entry(id.to_string()).or_insert_with(|| PickerAccount {
            heading: match directory.account(id).and_then(|account| account.alias.as_deref()) {
                Some(alias) => format!("Account: {alias} ({id})"),
                None => format!("Account: {id}"),
            },
            roles: Vec::new(),
        });
        account.roles.push(Choice {
            arn: offer.role.to_string(),
            name: offer.role.name().to_owned(),
            description: directory.role(&offer.role).and_then(|role| role.description.clone()),
        });
    }
    accounts.into_values().collect()
}

async fn portal(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let buttons = context.snapshot().directory.providers().iter().filter_map(|provider| {
        let kind = match &provider.verifier {
            Verifier::Saml(_) => "saml",
            Verifier::Oidc(oidc) if oidc.settings().login.is_some() => "oidc",
            Verifier::Oidc(_) => return None,
        };
        Some(SignInButton { label: provider.label.clone(), href: format!("/{kind}/{}/login", provider.name) })
    });
    let console = session_of(&request, &context);
    let leads_to = console.as_ref().and_then(|console| context.sign_out_leads_to(console));
    let session = console.map(|console| console.session.session_name);
    page::portal(&request, &PortalPage { buttons: buttons.collect(), session }, leads_to.as_deref())
}

async fn console(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let Some(console) = session_of(&request, &context) else {
        return HttpResponse::SeeOther().insert_header((header::LOCATION, "/portal")).finish();
    };
    let leads_to = context.sign_out_leads_to(&console);
    let ConsoleSession { session, until, .. } = console;
    let account = session.role.account();
    let alias = context.snapshot().directory.account(account).and_then(|account| account.alias.clone());
    let minutes = until.since(context.at()).as_secs().div_ceil(60);
    let view = ConsolePage {
        arn: session.role.session_arn(&session.session_name),
        role: session.role.name().to_owned(),
        role_arn: session.role.to_string(),
        account: alias.map_or_else(|| account.to_string(), |alias| format!("{alias} ({account})")),
        session_name: session.session_name,
        subject: session.subject.unwrap_or_default(),
        provider: session.provider.map(|provider| provider.to_string()).unwrap_or_default(),
        tags: session.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        until: until.to_rfc3339(),
        until_for_people: until.for_people(),
        remaining: format!("{} h {:02} min", minutes / 60, minutes % 60),
    };
    page::console(&request, &view, leads_to.as_deref())
}

fn session_of(request: &HttpRequest, context: &RequestContext<'_>) -> Option<ConsoleSession> {
    context.console_session(&Jar::Console.read(request, context.snapshot().is_https)?)
}

/// No such path. A client that posts gets what AWS answers (facts 1.1), a person a page.
pub(super) async fn nothing_here(request: HttpRequest) -> HttpResponse {
    if request.method() == Method::GET {
        page::not_found(&request)
    } else {
        HttpResponse::NotFound()
            .insert_header((header::CONTENT_TYPE, "text/xml"))
            .body("<UnknownOperationException/>\n")
    }
}
