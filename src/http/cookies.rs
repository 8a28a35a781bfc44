//! The two cookies: a login under way, and a console session. Both hold sealed values only.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};

/// Which cookie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Jar {
    /// A login that has not come back yet.
    Login,
    /// A console session.
    Console,
}

impl Jar {
    /// Over HTTPS the `__Host-` prefix keeps neighbours on the same domain from planting one
    /// (RFC 6265bis, 4.1.3.2).
    const fn name(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::Login, true) => "__Host-rolegate-login",
            (Self::Login, false) => "rolegate-login",
            (Self::Console, true) => "__Host-rolegate-console",
            (Self::Console, false) => "rolegate-console",
        }
    }

    /// A SAML answer is a POST from the identity provider's site, which brings along no cookie
    /// that is `Lax`; `None` is allowed together with `Secure` only.
    const fn same_site(self, https: bool) -> SameSite {
        match (self, https) {
            (Self::Login, true) => SameSite::None,
            _ => SameSite::Lax,
        }
    }

    /// What the browser sent.
    pub(super) fn read(self, request: &HttpRequest, https: bool) -> Option<String> {
        request.cookie(self.name(https)).map(|cookie| cookie.value().to_owned())
    }

    /// Sets it.
    pub(super) fn set(self, sealed: String, lasts: Duration, https: bool) -> Cookie<'static> {
        let seconds = i64::try_from(lasts.as_secs()).unwrap_or(0);
        self.cookie(sealed, CookieDuration::seconds(seconds), https)
    }

    /// Takes it away.
    pub(super) fn clear(self, https: bool) -> Cookie<'static> {
        self.cookie(String::new(), CookieDuration::ZERO, https)
    }

    fn cookie(self, value: String, lasts: CookieDuration, https: bool) -> Cookie<'static> {
        Cookie::build(self.name(https), value)
            .path("/")
            .http_only(true)
            .secure(https)
            .same_site(self.same_site(https))
            .max_age(lasts)
            .finish()
    }
}
