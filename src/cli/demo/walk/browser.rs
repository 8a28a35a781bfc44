//! Just enough of a browser: cookies, redirects, forms without JavaScript.
//!
//! As in a real one, cookies belong to the host whatever the port, and a redirect after a form
//! is followed by GET.

use std::collections::BTreeMap;

use quick_xml::escape::unescape;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Method};
use url::Url;

/// Redirects that are followed before something must be wrong.
const MAX_REDIRECTS: usize = 10;

/// A browser window.
#[derive(Clone)]
pub(super) struct Browser {
    http: Client,
    cookies: BTreeMap<String, String>,
}

/// Where a journey ended.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) url: Url,
    pub(super) status: u16,
    pub(super) body: String,
    /// The redirects on the way: status and where to.
    pub(super) redirects: Vec<(u16, Url)>,
}

/// A form of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HtmlForm {
    /// Its `id`, or nothing.
    pub(super) id: String,
    /// Its `action` as written.
    pub(super) action: String,
    /// Hidden inputs: name and value.
    pub(super) hidden: Vec<(String, String)>,
    /// What one can choose: radio inputs and buttons with a name.
    pub(super) choices: Vec<(String, String)>,
}

impl Browser {
    /// A window without cookies.
    pub(super) fn new(http: Client) -> Self {
        Self { http, cookies: BTreeMap::new() }
    }

    /// Goes to `url`.
    pub(super) async fn get(&mut self, url: &str) -> Result<Page, String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        self.travel(Method::GET, url, Vec::new()).await
    }

    /// Sends `form` of `page`, with the choice of each of `values` among its radios and buttons.
    pub(super) async fn submit<'v>(
        &mut self,
        page: &Page,
        form: HtmlForm,
        values: impl IntoIterator<Item = &'v str>,
    ) -> Result<Page, String> {
        let action = page.url.join(&form.action).map_err(|error| error.to_string())?;
        let mut fields = form.hidden;
        for value in values {
            let choice = form.choices.iter().find(|(_, offered)| offered == value);
            let choice = choice.ok_or_else(|| format!("{value} is not offered at {}", page.place()))?;
            fields.push(choice.clone());
        }
        self.travel(Method::POST, action, fields).await
    }

    async fn travel(
        &mut self,
        mut method: Method,
        mut url: Url,
        fields: Vec<(String, String)>,
    ) -> Result<Page, String> {
        let mut redirects = Vec::new();
        while redirects.len() <= MAX_REDIRECTS {
            let mut request = self.http.request(method.clone(), url.clone());
            if method == Method::POST {
                request = request.form(&fields);
            }
            if !self.cookies.is_empty() {
                let pairs: Vec<_> =
                    self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request = request.header(COOKIE, pairs.join("; "));
            }
            let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
            self.keep_cookies(&answer);
            let status = answer.status();
            let Some(location) = answer.headers().get(LOCATION).filter(|_| status.is_redirection()) else {
                let body = answer.text().await.map_err(|error| error.without_url().to_string())?;
                return Ok(Page { url, status: status.as_u16(), body, redirects });
            };
            let location = location.to_str().map_err(|error| error.to_string())?;
            url = url.join(location).map_err(|error| error.to_string())?;
            redirects.push((status.as_u16(), url.clone()));
            method = Method::GET;
        }
        Err("redirected in circles".into())
    }

    fn keep_cookies(&mut self, answer: &reqwest::Response) {
        for header in answer.headers().get_all(SET_COOKIE) {
            let Ok(text) = header.to_str() else { continue };
            let mut parts = text.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            if value.is_empty() || parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Page {
    /// The address without its query, which may hold a secret.
    pub(super) fn place(&self) -> String {
        format!("{}{}", self.url.origin().ascii_serialization(), self.url.path())
    }

    /// Every form, in order.
    pub(super) fn forms(&self) -> Vec<HtmlForm> {
        forms(&self.body)
    }

    /// The first form.
    pub(super) fn form(&self) -> Result<HtmlForm, String> {
        let none = || format!("no form at {} ({})", self.place(), self.status);
        self.forms().into_iter().next().ok_or_else(none)
    }
}

/// The forms of `html`, which the demo and the broker wrote themselves: well-behaved tags, all
/// values quoted, no `<` in them.
fn forms(html: &str) -> Vec<HtmlForm> {
    let mut forms: Vec<HtmlForm> = Vec::new();
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag)) {
        let name = tag.split(|c: char| c.is_ascii_whitespace() || c == '/').next().unwrap_or_default();
        let value = |attribute| attribute_of(tag, attribute).unwrap_or_default();
        if name == "form" {
            let (id, action) = (value("id"), value("action"));
            forms.push(HtmlForm { id, action, hidden: Vec::new(), choices: Vec::new() });
        }
        let Some(form) = forms.last_mut() else { continue };
        let field = (value("name"), value("value"));
        match (name, value("type").as_str()) {
            ("input", "hidden") => form.hidden.push(field),
            ("input", "radio") | ("button", _) if !field.0.is_empty() => form.choices.push(field),
            _ => {}
        }
    }
    forms
}

/// The value of `name="…"` in `tag`.
fn attribute_of(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let (before, after) = rest.split_once("=\"")?;
        let (value, next) = after.split_once('"')?;
        if before.rsplit(|c: char| c.is_ascii_whitespace()).next() == Some(name) {
            return unescape(value).ok().map(|value| value.into_owned());
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_forms() {
        let html = r#"<a href="/x">x</a><form id="saml_form" method="post" action="/a?b&#38;c=1">
            <input type="hidden" name="RelayState" value="a &amp; &#34;b&#34;">
            <input type="radio" name="roleIndex" class="saml-radio" id="arn:1" value="arn:1">
            <button name="person" value="ann">Ann</button><button>Go</button></form>"#;
        let form = HtmlForm {
            id: "saml_form".into(),
            action: "/a?b&c=1".into(),
            hidden: vec![("RelayState".into(), "a & \"b\"".into())],
            choices: vec![("roleIndex".into(), "arn:1".into()), ("person".into(), "ann".into())],
        };
        assert_eq!(forms(html), [form]);
        assert_eq!(forms("<p>nothing</p>"), []);
    }
}
