//! The pages by which a person signs a device in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Allowed, NOTHING, Picker, PickerAccount, SignInButton, render, saying_where_from};
use crate::broker::{Decided, DeviceRequest};

/// Asks for the code.
#[derive(Template)]
#[template(path = "device.html")]
pub(in crate::http) struct DevicePage {
    /// What was typed, or what the address brought.
    pub(in crate::http) user_code: String,
    /// Whether no device waits for it.
    pub(in crate::http) is_wrong: bool,
}

/// Says what the device asks for, and leads to the identity providers.
#[derive(Template)]
#[template(path = "device_sign_in.html")]
pub(in crate::http) struct DeviceSignInPage {
    pub(in crate::http) asked: DeviceRequest,
    pub(in crate::http) buttons: Vec<SignInButton>,
}

/// Asks the person who signed in.
#[derive(Template)]
#[template(path = "device_approve.html")]
pub(in crate::http) struct ApprovePage {
    pub(in crate::http) picker: Picker,
    pub(in crate::http) subject: String,
    pub(in crate::http) asked: DeviceRequest,
    pub(in crate::http) accounts: Vec<PickerAccount>,
}

#[derive(Template)]
#[template(path = "device_decided.html")]
struct DecidedPage {
    is_approved: bool,
}

pub(in crate::http) fn device(request: &HttpRequest, status: StatusCode, view: &DevicePage) -> HttpResponse {
    render(request, status, view, &NOTHING)
}

pub(in crate::http) fn device_sign_in(request: &HttpRequest, view: &DeviceSignInPage) -> HttpResponse {
    render(request, StatusCode::OK, view, &NOTHING)
}

/// The page says by which page its buttons were pressed: no other one may press them.
pub(in crate::http) fn approve(request: &HttpRequest, view: &ApprovePage) -> HttpResponse {
    saying_where_from(render(
        request,
        StatusCode::OK,
        view,
        &Allowed { forms: "", script: "", connects: false },
    ))
}

pub(in crate::http) fn decided(request: &HttpRequest, decided: Decided) -> HttpResponse {
    render(request, StatusCode::OK, &DecidedPage { is_approved: decided == Decided::Approved }, &NOTHING)
}
