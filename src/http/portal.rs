//! `/portal`: sign in, or see one's roles, search them, open a console, copy credentials. `/go/{alias}`: a link to one of
//! them.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::browser::{in_browser, is_from_here, noted, remembering, sign_in_button, signed_in};
use super::console::title_of;
use super::cookies;
use super::page::{self, CredentialsPage, PortalPage, RoleRow, RolesPage, SignInButton};
use super::{Surface, body, form, get_or_head};
use crate::arn::{AccountId, RoleArn};
use crate::broker::{InBrowser, Marked, Opened, Person, RequestContext};
use crate::directory::Provider;

/// Where it is.
pub(super) const PATH: &str = "/portal";
/// Roles that a page shows.
const ROWS: usize = 25;
/// Longest search that is looked at, in characters.
pub(super) const LONGEST_SEARCH: usize = 200;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(PATH, get_or_head().to(portal))
        .route("/go/{alias}", web::get().to(go))
        .route("/portal/open", web::post().to(open))
        .route("/portal/credentials", web::post().to(credentials))
        .route("/portal/favourite", web::post().to(favourite));
}

async fn portal(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let context = surface.context(&request);
    let here = match in_browser(&request, &context).await {
        Ok(here) => here,
        Err(failure) => return page::failure(&request, &failure),
    };
    let leads_to = context.sign_out_leads_to(&here);
    let mut response = match &here.person {
        Some(person) => {
            let view =
                roles_page(&context, person, &here, &Asked::read(request.query_string().as_bytes())).await;
            let origins = context.snapshot().destinations.origins();
            page::roles(&request, &view, &origins, leads_to.as_deref())
        }
        None => {
            let session = here.console.as_ref().map(|console| console.name().to_owned());
            page::portal(&request, &sign_in_page(&request, &context, session), leads_to.as_deref())
        }
    };
    cookies::with_cookies(&mut response, noted(&context, &here).await);
    response
}

/// The ways to sign in: those for everybody, or those for the mail address that was typed.
fn sign_in_page(request: &HttpRequest, context: &RequestContext<'_>, session: Option<String>) -> PortalPage {
    let query = request.query_string().as_bytes();
    let typed = form::fields(query).find(|(name, _)| name == "mail").map(|(_, mail)| mail);
    let mail: String = typed.unwrap_or_default().trim().chars().take(LONGEST_SEARCH).collect();
    let domain = mail.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
    let providers = || context.snapshot().directory.providers().iter();
    let is_theirs =
        |provider: &&Provider| domain.as_ref().is_some_and(|domain| provider.mail_domains.contains(domain));
    let is_known = providers().any(|provider| is_theirs(&provider));
    let shown = |provider: &&Provider| {
        if is_known { is_theirs(provider) } else { provider.mail_domains.is_empty() }
    };
    let buttons = providers().filter(shown).filter_map(sign_in_button);
    let buttons = buttons.map(|button| SignInButton { href: button.href + "?next=portal", ..button });
    let asks_for_mail = providers().any(|provider| !provider.mail_domains.is_empty());
    let is_unknown = !mail.is_empty() && !is_known;
    PortalPage { buttons: buttons.collect(), session, asks_for_mail, mail, is_unknown }
}

/// What a visit asks for.
struct Asked {
    search: String,
    page: usize,
}

impl Asked {
    fn read(fields: &[u8]) -> Self {
        let field = |name| form::fields(fields).find(|(found, _)| found == name).map(|(_, value)| value);
        Self {
            search: field("q").unwrap_or_default().chars().take(LONGEST_SEARCH).collect(),
            page: field("page").and_then(|page| page.parse().ok()).unwrap_or(0),
        }
    }

    fn link(&self, page: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.search.is_empty() {
            query.append_pair("q", &self.search);
        }
        if page > 0 {
            query.append_pair("page", &page.to_string());
        }
        match query.finish() {
            query if query.is_empty() => PATH.to_owned(),
            query => format!("{PATH}?{query}"),
        }
    }
}

async fn roles_page(
    context: &RequestContext<'_>,
    person: &Person,
    here: &InBrowser,
    asked: &Asked,
) -> RolesPage {
    let marked = context.marked(person).await;
    let mut roles: Vec<RoleArn> = context.roles_of(person).into_iter().map(|offer| offer.role).collect();
    roles.sort_by_cached_key(|role| (account_of(context, role), role.name().to_lowercase()));
    let total = roles.len();
    let row = |role: &RoleArn| row(context, &marked, role);
    let offered = |marked: &[RoleArn]| -> Vec<RoleRow> {
        marked.iter().filter(|role| roles.contains(role)).map(row).collect()
    };
    let (favourites, recent) = match (asked.search.is_empty(), asked.page) {
        (true, 0) => (offered(&marked.favourites), offered(&marked.recent)),
        _ => (Vec::new(), Vec::new()),
    };
    let words: Vec<String> = asked.search.split_whitespace().map(str::to_lowercase).collect();
    let found: Vec<&RoleArn> = roles.iter().filter(|role| matches(context, role, &words)).collect();
    let pages = found.len().div_ceil(ROWS);
    let page = asked.page.min(pages.saturating_sub(1));
    let rows = found.iter().skip(page * ROWS).take(ROWS).map(|role| row(role)).collect();
    RolesPage {
        person: person.subject().to_owned(),
        search: asked.search.clone(),
        page,
        found: found.len(),
        total,
        favourites,
        recent,
        rows,
        place: (pages > 1).then(|| format!("Page {} of {pages}", page + 1)),
        previous: (page > 0).then(|| asked.link(page - 1)),
        next: (page + 1 < pages).then(|| asked.link(page + 1)),
        console: here.console.as_ref().map(|console| title_of(console).to_owned()),
        is_in_charge: context.snapshot().admin_role.as_ref().is_some_and(|role| roles.contains(role)),
        until: person.until().for_people(),
        until_machine: person.until().to_rfc3339(),
    }
}

/// The account as people know it.
pub(super) fn account_of(context: &RequestContext<'_>, role: &RoleArn) -> String {
    let account = role.account();
    let declared = context.snapshot().directory.account(account);
    declared.and_then(|account| account.alias.clone()).unwrap_or_else(|| account.to_string())
}

/// Whether each of `words` is in what the row of `role` shows.
fn matches(context: &RequestContext<'_>, role: &RoleArn, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let description = context.snapshot().directory.role(role).and_then(|role| role.description.as_deref());
    let (account, id) = (account_of(context, role), role.account().to_string());
    let shown = [&account, &id, role.name(), description.unwrap_or_default()].join(" ").to_lowercase();
    words.iter().all(|word| shown.contains(word.as_str()))
}

fn row(context: &RequestContext<'_>, marked: &Marked, role: &RoleArn) -> RoleRow {
    let declared = context.snapshot().directory.role(role);
    let (account, id) = (account_of(context, role), role.account().to_string());
    RoleRow {
        arn: role.to_string(),
        name: role.name().to_owned(),
        account: if account == id { account } else { format!("{account} ({id})") },
        description: declared.and_then(|role| role.description.clone()),
        is_favourite: marked.favourites.contains(role),
        wants_fresh: declared.is_some_and(|role| role.signed_in_within.is_some()),
    }
}

/// What a form of the portal was sent for.
struct Chosen {
    here: InBrowser,
    role: RoleArn,
    destination: Option<String>,
    /// Where in the list it was sent from.
    asked: Asked,
}

/// Reads a form of the portal's own page; else the answer to it.
async fn chosen(
    request: &HttpRequest,
    context: &RequestContext<'_>,
    payload: web::Payload,
) -> Result<Chosen, HttpResponse> {
    if !is_from_here(request, &context.snapshot().public_url) {
        return Err(page::foreign(request, "Use the buttons of the portal."));
    }
    let body = body::read(payload, body::SMALL).await.map_err(body::Unread::answer)?;
    let field = |name| form::fields(&body).find(|(found, _)| found == name).map(|(_, value)| value);
    let role = field("role").and_then(|role| role.parse::<RoleArn>().ok());
    let destination = field("destination").map(std::borrow::Cow::into_owned);
    let Some(role) = role else {
        return Err(page::incomplete(request, "The form does not name a role by its ARN."));
    };
    let here = in_browser(request, context).await;
    let here = here.map_err(|failure| page::failure(request, &failure))?;
    if here.person.is_none() {
        return Err(see_other(PATH));
    }
    Ok(Chosen { here, role, destination, asked: Asked::read(&body) })
}

async fn open(request: HttpRequest, surface: web::Data<Surface>, payload: web::Payload) -> HttpResponse {
    let context = surface.context(&request);
    let Chosen { here, role, destination, .. } = match chosen(&request, &context, payload).await {
        Ok(chosen) => chosen,
        Err(answer) => return answer,
    };
    let Some(person) = &here.person else { return see_other(PATH) };
    open_console(&request, &context, person, &role, destination.as_deref()).await
}

/// To the console of `role`, or to the provider first.
async fn open_console(
    request: &HttpRequest,
    context: &RequestContext<'_>,
    person: &Person,
    role: &RoleArn,
    destination: Option<&str>,
) -> HttpResponse {
    match context.open_role(person, role, destination).await {
        Ok(Opened::Console(opened)) => {
            context.remember_choice(person, role).await;
            signed_in(request, context, &opened, StatusCode::SEE_OTHER)
        }
        Ok(Opened::SignInAgain(start)) => {
            let response = page::again(request, &start.outbound);
            remembering(request, response, start, context.snapshot().is_https)
        }
        Err(failure) => page::failure(request, &failure),
    }
}

/// A link to the console of a role: there at once, or by way of a sign-in.
async fn go(request: HttpRequest, surface: web::Data<Surface>, alias: web::Path<String>) -> HttpResponse {
    let context = surface.context(&request);
    let directory = &context.snapshot().directory;
    let Some(role) = directory.role_by_alias(&alias) else { return page::not_found(&request) };
    let query = request.query_string().as_bytes();
    let destination = form::fields(query).find(|(name, _)| name == "destination").map(|(_, value)| value);
    if let Err(refused) = context.land_on(Some(&role.arn), destination.as_deref()) {
        return page::failure(&request, &refused.into());
    }
    let here = match in_browser(&request, &context).await {
        Ok(here) => here,
        Err(failure) => return page::failure(&request, &failure),
    };
    if let Some(person) = &here.person {
        return open_console(&request, &context, person, &role.arn, destination.as_deref()).await;
    }
    let mut wish = vec![("next", "portal"), ("role", &alias)];
    wish.extend(destination.as_deref().map(|destination| ("destination", destination)));
    let buttons = providers_of(&context, &[role.arn.account()], &wish);
    match &buttons[..] {
        [only] => see_other(&only.href),
        _ => page::portal(&request, &PortalPage::of(buttons), None),
    }
}

/// The ways to sign in for roles of `accounts`, which trust providers of their own account only, with what is wished then.
pub(super) fn providers_of(
    context: &RequestContext<'_>,
    accounts: &[AccountId],
    wish: &[(&str, &str)],
) -> Vec<SignInButton> {
    let wish = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(wish).finish();
    let of_accounts = |provider: &&Provider| accounts.contains(&provider.arn.account());
    let buttons = context.snapshot().directory.providers().iter().filter(of_accounts);
    let buttons = buttons.filter_map(sign_in_button);
    buttons.map(|button| SignInButton { href: format!("{}?{wish}", button.href), ..button }).collect()
}

async fn credentials(
    request: HttpRequest,
    surface: web::Data<Surface>,
    payload: web::Payload,
) -> HttpResponse {
    let context = surface.context(&request);
    let Chosen { here, role, .. } = match chosen(&request, &context, payload).await {
        Ok(chosen) => chosen,
        Err(answer) => return answer,
    };
    let Some(person) = &here.person else { return see_other(PATH) };
    let given = match context.give_at_portal(person, &role).await {
        Ok(given) => given,
        Err(failure) => return page::failure(&request, &failure),
    };
    context.remember_choice(person, &role).await;
    let account = account_of(&context, &role);
    let view = CredentialsPage::new(&given, &role, account, context.at());
    page::credentials(&request, &view, context.sign_out_leads_to(&here).as_deref())
}

async fn favourite(request: HttpRequest, surface: web::Data<Surface>, payload: web::Payload) -> HttpResponse {
    let context = surface.context(&request);
    let Chosen { here, role, asked, .. } = match chosen(&request, &context, payload).await {
        Ok(chosen) => chosen,
        Err(answer) => return answer,
    };
    let Some(person) = &here.person else { return see_other(PATH) };
    match context.toggle_favourite(person, &role).await {
        Ok(()) => see_other(&asked.link(asked.page)),
        Err(failure) => page::failure(&request, &failure),
    }
}

pub(super) fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}
