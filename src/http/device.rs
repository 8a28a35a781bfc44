//! `/device`: where a person types the code that a device shows (RFC 8628 section 3.3).
//!
//! The page says who asks for what and leads to the identity providers; whoever comes back from one
//! decides. An address that brings the code along fills it in, and skips nothing.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::browser::sign_in_button;
use super::page::{self, ApprovePage, DevicePage, DeviceSignInPage, Picker, PickerAccount, SignInButton};
use super::{Surface, body, get_or_head};
use crate::broker::{Approving, Failure, Refusal, RequestContext};

/// Where it is.
pub(super) const PATH: &str = "/device";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource(PATH).route(get_or_head().to(ask)).route(web::post().to(typed)));
}

async fn ask(request: HttpRequest) -> HttpResponse {
    let user_code = user_code(request.query_string().as_bytes());
    page::device(&request, StatusCode::OK, &DevicePage { user_code, is_wrong: false })
}

async fn typed(request: HttpRequest, surface: web::Data<Surface>, payload: web::Payload) -> HttpResponse {
    let body = match body::read(payload, body::SMALL).await {
        Ok(body) => body,
        Err(unread) => return unread.answer(),
    };
    let user_code = user_code(&body);
    let context = surface.context(&request);
    match context.device_request(&user_code).await {
        Ok(asked) => {
            let buttons = buttons(&context, &asked.client_id, &asked.user_code);
            page::device_sign_in(&request, &DeviceSignInPage { asked, buttons })
        }
        Err(Failure::Refusal(refusal @ Refusal::DeviceCode)) => {
            super::error::log(&refusal.into(), "device page");
            page::device(&request, StatusCode::BAD_REQUEST, &DevicePage { user_code, is_wrong: true })
        }
        Err(failure) => page::failure(&request, &failure),
    }
}

/// What a person who signed in decides about.
pub(super) fn approval(
    request: &HttpRequest,
    approving: &Approving,
    picker: Picker,
    accounts: Vec<PickerAccount>,
) -> HttpResponse {
    let (subject, asked) = (approving.identity.subject().to_owned(), approving.request.clone());
    page::approve(request, &ApprovePage { picker, subject, asked, accounts })
}

/// The ways to sign in whose word the client may bring.
fn buttons(context: &RequestContext<'_>, client_id: &str, user_code: &str) -> Vec<SignInButton> {
    let directory = &context.snapshot().directory;
    let client = directory.client(client_id);
    let usable =
        directory.providers().iter().filter(|it| client.is_some_and(|client| client.may_use(&it.name)));
    let with_code = |button: SignInButton| {
        let href = format!("{}?user_code={user_code}", button.href);
        SignInButton { href, ..button }
    };
    usable.filter_map(sign_in_button).map(with_code).collect()
}

/// Cut to what a field shows.
fn user_code(form: &[u8]) -> String {
    let mut fields = url::form_urlencoded::parse(form);
    let typed = fields.find(|(name, _)| name == "user_code").map(|(_, value)| value);
    typed.unwrap_or_default().chars().take(64).collect()
}
