//! What browsers share: starting a login, arriving from one, the portal, the console.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::cookie::Cookie;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::cookies::{self, Jar, MOST_EARLIER};
use super::page::{self, OfferedRole, Picker, PickerAccount, PickerPage, SignInButton};
use super::{Surface, admin_pages, application, device, portal};
use crate::arn::RoleArn;
use crate::broker::{
    Arrived, BrowserCookies, Choice, Decision, Failure, InBrowser, LoginStart, Onward, Refusal,
    RequestContext, SignedIn, There, Toward,
};
use crate::directory::{Provider, Verifier};
use crate::identity::saml::Outbound;
use crate::policy::RoleOffer;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/assets/rolegate.css", web::get().to(page::stylesheet));
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
    let fits = |provider: &Provider| provider.signs_in_by_browser() && is_right_kind(&provider.verifier);
    if !provider.is_some_and(fits) {
        return page::failure(request, &Refusal::unknown_provider(name).into());
    }
    let asked = |name| {
        let mut query = url::form_urlencoded::parse(request.query_string().as_bytes());
        query.find(|(field, _)| field == name).map(|(_, value)| value)
    };
    let (destination, user_code) = (asked("destination"), asked("user_code"));
    let directory = &context.snapshot().directory;
    let role = match asked("role").map(|alias| directory.role_by_alias(&alias)) {
        Some(None) => return page::not_found(request),
        Some(Some(role)) => Some(&role.arn),
        None => None,
    };
    let (wanted, visit) = (asked("application"), asked("visit").unwrap_or_default());
    let is_unknown = |name: &Cow<'_, str>| directory.application(name).is_none();
    if wanted.as_ref().is_some_and(|name| is_unknown(name) || !application::is_visit(&visit)) {
        return page::not_found(request);
    }
    let toward = match (&user_code, &wanted) {
        (Some(user_code), _) => Toward::Device(user_code),
        (None, Some(name)) => Toward::Application { name, visit: &visit },
        (None, None) if asked("next").as_deref() == Some("portal") => {
            Toward::Portal { role, destination: destination.as_deref() }
        }
        (None, None) => Toward::Console(destination.as_deref()),
    };
    let https = context.snapshot().is_https;
    let jars = Jars::read(request, https);
    match context.begin_login(name, toward, jars.cookies()).await {
        Ok(start) => {
            let response = leave(request, "Signing you in", &start.outbound);
            remembering(request, response, start, https)
        }
        Err(failure) => page::failure(request, &failure),
    }
}

/// `response` sends the browser on a login, which its cookie is to hold.
pub(super) fn remembering(
    request: &HttpRequest,
    mut response: HttpResponse,
    start: LoginStart,
    https: bool,
) -> HttpResponse {
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

/// Sends the browser elsewhere with a message: by redirect, or by a form called `title`.
pub(super) fn leave(request: &HttpRequest, title: &'static str, outbound: &Outbound) -> HttpResponse {
    match outbound {
        Outbound::Redirect(url) => {
            HttpResponse::SeeOther().insert_header((header::LOCATION, url.as_str())).finish()
        }
        Outbound::Post(form) => page::carry(request, title, form),
    }
}

/// Whether a page of ours sent this. Browsers say so in either header; whoever sends neither is no
/// browser, and has no cookie that could be abused.
pub(super) fn is_from_here(request: &HttpRequest, public_url: &str) -> bool {
    let said = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let same_site = said("sec-fetch-site").is_none_or(|site| site == "same-origin");
    same_site && said(header::ORIGIN.as_str()).is_none_or(|origin| origin == public_url)
}

/// Why a posted form chose nothing that counts.
pub(super) enum NotChosen {
    /// It is about a device, and not ours.
    Foreign,
    /// It says of a device what can't be.
    Unclear,
}

impl NotChosen {
    pub(super) fn answer(&self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::Foreign => page::foreign(request, "Start again with the code that your device shows."),
            Self::Unclear => page::incomplete(request, "The form neither approves a role nor denies."),
        }
    }
}

/// What a posted form chose: the role, and what its buttons say of a device.
pub(super) fn chosen<'a>(
    request: &HttpRequest,
    context: &RequestContext<'_>,
    role: Option<&'a RoleArn>,
    device: Option<&str>,
) -> Result<Choice<'a>, NotChosen> {
    if device.is_some() && !is_from_here(request, &context.snapshot().public_url) {
        return Err(NotChosen::Foreign);
    }
    match (device, role) {
        (None, None) => Ok(Choice::None),
        (None, Some(role)) => Ok(Choice::Role(role)),
        (Some("approve"), Some(role)) => Ok(Choice::Device(Decision::Approve(role))),
        (Some("deny"), _) => Ok(Choice::Device(Decision::Deny)),
        (Some(_), _) => Err(NotChosen::Unclear),
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
            let mut response = signed_in(request, context, &opened, StatusCode::SEE_OTHER);
            forget_login(&mut response, context, login);
            response
        }
        Ok(Arrived::AtPortal(arrived)) => {
            let https = context.snapshot().is_https;
            let mut response = match (&arrived.console, &arrived.onward) {
                (Some(opened), _) => signed_in(request, context, opened, StatusCode::SEE_OTHER),
                (None, Onward::Application { name, visit }) => {
                    page::onward(request, &application::entrance(name, visit))
                }
                (None, Onward::Admin) => portal::see_other(admin_pages::PATH),
                (None, _) => portal::see_other(portal::PATH),
            };
            cookies::with_cookies(&mut response, [Jar::Portal.set(arrived.cookie, arrived.lasts, https)]);
            forget_login(&mut response, context, login);
            response
        }
        Ok(Arrived::SignInAgain(start)) => {
            let response = page::again(request, &start.outbound);
            let mut response = remembering(request, response, start, context.snapshot().is_https);
            forget_login(&mut response, context, login);
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
        Ok(Arrived::Decide(asked)) => {
            if let Some(choice) = &asked.choice {
                picker.hidden.push(("choice", choice.clone()));
            }
            let accounts = by_account(context, &asked.offers);
            device::approval(request, &asked, picker, accounts)
        }
        Ok(Arrived::Decided(decided)) => {
            let mut response = page::decided(request, decided);
            forget_login(&mut response, context, login);
            response
        }
        Err(failure) => page::failure(request, &failure),
    }
}

fn forget_login(response: &mut HttpResponse, context: &RequestContext<'_>, login: Option<&str>) {
    let gone = login.map(|tag| Jar::Login(tag).clear(context.snapshot().is_https));
    cookies::with_cookies(response, gone);
}

/// The console session goes into its cookie, the browser to its destination: by `303` after a
/// POST, which makes a GET of it, by `302` after a GET, as AWS does (facts 4.3).
///
/// After a form to somebody else's console by a page that leads there: a redirect after a form would have to be allowed by the page with
/// the form, for wherever that console redirects to.
pub(super) fn signed_in(
    request: &HttpRequest,
    context: &RequestContext<'_>,
    opened: &SignedIn,
    status: StatusCode,
) -> HttpResponse {
    match opened {
        SignedIn::Here { destination, cookie, lasts } => {
            let https = context.snapshot().is_https;
            let before = Jars::read(request, https);
            let kept = context.side_by_side(cookie, before.cookies());
            let mut cookies = cookies::without_consoles(request, https);
            cookies[0] = Jar::Console.set(cookie.clone(), *lasts, https);
            for (place, (cookie, lasts)) in kept.into_iter().enumerate() {
                let earlier = Jar::Earlier(place + 1).set(cookie, lasts, https);
                cookies.retain(|cleared| cleared.name() != earlier.name());
                cookies.push(earlier);
            }
            let mut response = HttpResponse::build(status);
            response.insert_header((header::LOCATION, destination.as_str()));
            let mut response = response.finish();
            cookies::with_cookies(&mut response, cookies);
            response
        }
        SignedIn::There(There { url, .. }) if request.method() == Method::GET => {
            HttpResponse::build(status).insert_header((header::LOCATION, url.expose().as_str())).finish()
        }
        SignedIn::There(There { url, host }) => page::elsewhere(request, url, host),
    }
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
        account.roles.push(OfferedRole {
            arn: offer.role.to_string(),
            name: offer.role.name().to_owned(),
            description: directory.role(&offer.role).and_then(|role| role.description.clone()),
            is_only: offers.len() == 1,
        });
    }
    accounts.into_values().collect()
}

/// The button by which people sign in with `provider`, if they can.
pub(super) fn sign_in_button(provider: &Provider) -> Option<SignInButton> {
    let kind = match &provider.verifier {
        Verifier::Saml(_) => "saml",
        Verifier::Oidc(_) => "oidc",
    };
    let href = format!("/{kind}/{}/login", provider.name);
    provider.signs_in_by_browser().then(|| SignInButton { label: provider.label.clone(), href })
}

/// The cookies that are to note that somebody was there.
pub(super) async fn noted(context: &RequestContext<'_>, here: &InBrowser) -> Vec<Cookie<'static>> {
    let https = context.snapshot().is_https;
    let mut noted = Vec::new();
    if let Some(console) = &here.console {
        noted.push((Jar::Console, context.noted(console)));
    }
    for (place, console) in &here.earlier {
        noted.push((Jar::Earlier(*place), context.noted(console)));
    }
    if let Some(person) = &here.person {
        noted.push((Jar::Portal, context.noted_at_portal(person).await));
    }
    let set = |(jar, noted): (Jar<'_>, Result<Option<(String, Duration)>, Failure>)| {
        let noted = noted.inspect_err(|failure| {
            tracing::error!(?failure, "it could not be noted that somebody was there");
        });
        let (cookie, lasts) = noted.ok().flatten()?;
        Some(jar.set(cookie, lasts, https))
    };
    noted.into_iter().filter_map(set).collect()
}

/// What the browser's cookies hold.
pub(super) struct Jars {
    pub(super) console: Option<String>,
    earlier: Vec<(usize, String)>,
    portal: Option<String>,
}

impl Jars {
    pub(super) fn read(request: &HttpRequest, https: bool) -> Self {
        let earlier =
            (1..=MOST_EARLIER).filter_map(|place| Some((place, Jar::Earlier(place).read(request, https)?)));
        Self {
            console: Jar::Console.read(request, https),
            earlier: earlier.collect(),
            portal: Jar::Portal.read(request, https),
        }
    }

    pub(super) fn cookies(&self) -> BrowserCookies<'_> {
        BrowserCookies {
            console: self.console.as_deref(),
            earlier: &self.earlier,
            portal: self.portal.as_deref(),
        }
    }
}

/// Who is signed in in the browser that asks.
pub(super) async fn in_browser(
    request: &HttpRequest,
    context: &RequestContext<'_>,
) -> Result<InBrowser, Failure> {
    context.in_browser(Jars::read(request, context.snapshot().is_https).cookies()).await
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
