//! The kinds of cookie: logins under way, one a tab, the console sessions, who is at the portal, a logout under way, and
//! at the origins of web applications who may be there and who left to sign in. All hold sealed values only.

use std::time::Duration;

use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse};

/// Logins that a browser may have under way. A further one makes it forget them all, before their
/// cookies outgrow what servers take as a header.
const MOST_LOGINS: usize = 8;

/// Which cookie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Jar<'a> {
    /// A login that has not come back yet, by its tag.
    Login(&'a str),
    /// The console session that was opened last.
    Console,
    /// One that was opened before it, and is open still: 1 is the latest of them.
    Earlier(usize),
    /// Who is at the portal.
    Portal,
    /// A logout that has not come back yet: there is one session to end, so there is one.
    Logout,
    /// Who may be at a web application, by its name.
    Application(&'a str),
    /// A visit that has not come back to a web application yet.
    Visit(&'a str),
}

impl Jar<'_> {
    /// Over HTTPS the `__Host-` prefix keeps neighbours on the same domain from planting one
    /// (RFC 6265bis, 4.1.3.2).
    fn name(self, https: bool) -> String {
        let prefix = if https { "__Host-" } else { "" };
        match self {
            Self::Login(tag) => format!("{prefix}rolegate-login-{tag}"),
            Self::Console => format!("{prefix}rolegate-console"),
            Self::Earlier(place) => format!("{prefix}rolegate-console-{place}"),
            Self::Portal => format!("{prefix}rolegate-portal"),
            Self::Logout => format!("{prefix}rolegate-logout"),
            Self::Application(name) => format!("{prefix}rolegate-at-{name}"),
            Self::Visit(name) => format!("{prefix}rolegate-visit-{name}"),
        }
    }

    /// A SAML answer is a POST from the identity provider's site, which brings along no cookie
    /// that is `Lax`; `None` is allowed together with `Secure` only.
    const fn same_site(self, https: bool) -> SameSite {
        match (self, https) {
            (Self::Login(_) | Self::Logout, true) => SameSite::None,
            _ => SameSite::Lax,
        }
    }

    /// What the browser sent.
    pub(super) fn read(self, request: &HttpRequest, https: bool) -> Option<String> {
        request.cookie(&self.name(https)).map(|cookie| cookie.value().to_owned())
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

/// Consoles that a browser may have open beside the last.
pub(super) const MOST_EARLIER: usize = 4;

/// Takes all consoles away.
pub(super) fn without_consoles(request: &HttpRequest, https: bool) -> Vec<Cookie<'static>> {
    let earlier = (1..=MOST_EARLIER).map(Jar::Earlier);
    let earlier = earlier.filter(|jar| jar.read(request, https).is_some());
    std::iter::once(Jar::Console).chain(earlier).map(|jar| jar.clear(https)).collect()
}

/// Adds cookies to an answer that is otherwise complete.
pub(super) fn with_cookies(response: &mut HttpResponse, cookies: impl IntoIterator<Item = Cookie<'static>>) {
    for cookie in cookies {
        if let Err(error) = response.add_cookie(&cookie) {
            tracing::error!(%error, name = cookie.name(), "a cookie could not be set");
        }
    }
}

/// The tags of the logins that the browser has under way.
pub(super) fn login_tags(request: &HttpRequest, https: bool) -> Vec<String> {
    let prefix = Jar::Login("").name(https);
    let Ok(cookies) = request.cookies() else { return Vec::new() };
    let tags = cookies.iter().filter_map(|cookie| cookie.name().strip_prefix(&prefix));
    tags.filter(|tag| is_tag(tag)).map(str::to_owned).collect()
}

/// The login that an answer with this `RelayState` belongs to. A provider that does not hand
/// `RelayState` back leaves no doubt as long as there is one login only.
pub(super) fn login_of(request: &HttpRequest, relay_state: Option<&str>, https: bool) -> Option<String> {
    if let Some(tag) = relay_state.filter(|state| is_tag(state)) {
        return Some(tag.to_owned());
    }
    let mut tags = login_tags(request, https);
    if tags.len() == 1 { tags.pop() } else { None }
}

/// The logins to forget because there are too many.
pub(super) fn crowded_out(request: &HttpRequest, https: bool) -> Vec<Cookie<'static>> {
    let tags = login_tags(request, https);
    if tags.len() < MOST_LOGINS {
        return Vec::new();
    }
    tags.iter().map(|tag| Jar::Login(tag).clear(https)).collect()
}

fn is_tag(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn with(names: &[&str]) -> HttpRequest {
        let request = TestRequest::default();
        names.iter().fold(request, |request, name| request.cookie(Cookie::new(*name, "x"))).to_http_request()
    }

    #[test]
    fn each_tab_finds_its_own_login() {
        let two = with(&["rolegate-login-0123abcd", "rolegate-login-4567cdef", "rolegate-login-x", "other"]);
        assert_eq!(login_of(&two, Some("4567cdef"), false).as_deref(), Some("4567cdef"));
        assert_eq!(login_of(&two, Some("https://console.example.com/"), false), None);
        assert_eq!(login_of(&two, None, false), None);
        let one = with(&["rolegate-login-0123abcd"]);
        assert_eq!(login_of(&one, None, false).as_deref(), Some("0123abcd"));
        assert_eq!(login_of(&one, None, true), None, "over HTTPS the prefix counts");
    }

    #[test]
    fn logins_do_not_pile_up() {
        let names: Vec<String> = (0..8).map(|tab| format!("rolegate-login-0000000{tab}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(crowded_out(&with(&names[..7]), false).len(), 0);
        assert_eq!(crowded_out(&with(&names), false).len(), 8);
    }
}
