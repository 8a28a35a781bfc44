//! A browser with cookies, and somebody who signs in by it.

use rolegate::clock::Clock;

use super::fixture::OURS;
use super::logout::world::{Answer, Said, World};

/// A browser's cookies, by name.
#[derive(Default, Clone)]
pub(crate) struct Browser(pub(crate) Vec<(String, String)>);

impl Browser {
    pub(crate) fn header(&self) -> String {
        let all: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        all.join("; ")
    }

    pub(crate) fn keep(&mut self, answer: &Answer) {
        for cookie in &answer.cookies {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.0.retain(|(kept, _)| kept != name);
            if !value.is_empty() {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    pub(crate) fn value(&self, name: &str) -> String {
        self.0.iter().find(|(kept, _)| kept == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    pub(crate) async fn get(&mut self, world: &World, path: &str) -> Answer {
        let answer = world.get(path, Some(&self.header())).await;
        self.keep(&answer);
        answer
    }

    pub(crate) async fn post(&mut self, world: &World, path: &str, form: &[(&str, &str)]) -> Answer {
        let cookies = self.header();
        let headers = [("cookie", cookies.as_str()), ("origin", OURS), ("sec-fetch-site", "same-origin")];
        let answer = world.post(path, form, &headers).await;
        self.keep(&answer);
        answer
    }

    /// Answers the login that `query` begins at the provider.
    pub(crate) async fn answer(&mut self, world: &World, query: &str, said: &Said<'_>) -> Answer {
        let fields: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let field = |name: &str| fields.iter().find(|(found, _)| found == name).unwrap().1.clone();
        let deflated = base64_simd::STANDARD.decode_to_vec(field("SAMLRequest")).unwrap();
        let request = String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&deflated).unwrap()).unwrap();
        let id = request.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0;
        let response = world.say(&Said { to: Some(id), ..*said });
        let form = [("SAMLResponse", response.as_str()), ("RelayState", &field("RelayState"))];
        let cookies = self.header();
        let answer = world.post("/saml/corp/acs", &form, &[("cookie", cookies.as_str())]).await;
        self.keep(&answer);
        answer
    }

    /// Signs in at the portal.
    pub(crate) async fn sign_in(world: &World, said: &Said<'_>) -> Self {
        let mut browser = Self::default();
        let begun = browser.get(world, "/saml/corp/login?next=portal").await;
        let (_, query) = begun.location.split_once('?').unwrap();
        let arrived = browser.answer(world, query, said).await;
        assert_eq!((arrived.status, arrived.location.as_str()), (303, "/portal"), "{arrived:?}");
        assert_eq!(browser.0.len(), 1, "the login's cookie is gone");
        browser
    }
}

/// A person who signed in when the world began.
pub(crate) fn ann(world: &World) -> Said<'static> {
    Said { index: Some("_s1"), issued: world.clock.now(), ..Said::default() }
}
