//! Our side of a SAML provider over HTTP: the way out to it, and our metadata.

use std::fs;
use std::net::TcpListener;

use reqwest::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, LOCATION,
    SET_COOKIE,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use rolegate::app::{self, Listeners, Running};
use rolegate::config;

use super::fixture::{HONEST, metadata, noon, swap};

/// A broker with a provider that has keys and takes forms, and one that has neither.
struct Served {
    running: Running,
    client: Client,
    base: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let plain = metadata(&[&HONEST]);
        fs::write(file("redirect.xml"), &plain).unwrap();
        fs::write(file("post.xml"), swap(&plain, "HTTP-Redirect", "HTTP-POST")).unwrap();
        fs::write(file("sp.pem"), HONEST.pem()).unwrap();
        let provider = |name: &str, more: &str| {
            format!(
                "[[provider]]\nkind = \"saml\"\nname = \"{name}\"\naccount = \"111122223333\"\n\
                 metadata = {{ file = \"{name}.xml\" }}\n{more}\n"
            )
        };
        let text = format!(
            "public_url = \"http://127.0.0.1:8080\"\n[store]\nkind = \"memory\"\n\
             [[account]]\nid = \"111122223333\"\n{}{}",
            provider("redirect", ""),
            provider("post", "keys = [{ file = \"sp.pem\" }]"),
        );
        fs::write(file("rolegate.toml"), text).unwrap();
        let loaded = config::load(&file("rolegate.toml"), noon()).unwrap_or_else(|faults| panic!("{faults}"));
        let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
        let (public, operations) = (bind(), bind());
        let base = format!("http://{}", public.local_addr().unwrap());
        let running = app::start(loaded, Listeners { public, operations }).await.unwrap();
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { running, client, base }
    }

    async fn ask(&self, method: Method, path: &str, known: Option<&str>) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let answer = known.map_or(request.try_clone().unwrap(), |tag| request.header(IF_NONE_MATCH, tag));
        let answer = answer.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        Answer { status, headers, body: answer.text().await.unwrap() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }
}

impl Answer {
    fn header(&self, name: reqwest::header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

#[actix_web::test]
async fn a_login_leaves_by_redirect_or_in_a_form() {
    let served = Served::start().await;
    let redirect = served.get("/saml/redirect/login").await;
    assert_eq!(redirect.status, StatusCode::SEE_OTHER);
    assert!(redirect.header(LOCATION).starts_with("https://idp.example.com/sso?SAMLRequest="));
    assert!(redirect.header(SET_COOKIE).starts_with("rolegate-login-"));

    let form = served.get("/saml/post/login").await;
    assert_eq!((form.status, form.header(LOCATION)), (StatusCode::OK, ""));
    assert_eq!(form.header(CACHE_CONTROL), "no-store");
    let policy = form.header(CONTENT_SECURITY_POLICY);
    assert!(policy.contains("; form-action 'self' https://idp.example.com https:; "), "{policy}");
    assert!(form.body.contains("action=\"https://idp.example.com/sso\" method=\"post\""), "{}", form.body);
    let tag = form.header(SET_COOKIE).strip_prefix("rolegate-login-").unwrap().split_once('=').unwrap().0;
    let state = format!("name=\"RelayState\" value=\"{tag}\"");
    assert!(form.body.contains(&state), "the answer finds this browser's login: {}", form.body);
    served.running.stop().await;
}

/// Somebody opens the address again that the response was posted to.
#[actix_web::test]
async fn a_consumer_takes_posts_only_and_says_so() {
    let served = Served::start().await;
    for path in ["/saml/redirect/acs", "/saml"] {
        let opened = served.get(path).await;
        assert_eq!((opened.status, opened.header(ALLOW)), (StatusCode::METHOD_NOT_ALLOWED, "POST"), "{path}");
        assert!(opened.body.contains("<h1>Nothing was sent</h1>"), "{}", opened.body);
        assert!(opened.body.contains("href=\"/portal\""), "{}", opened.body);
        let posted = served.ask(Method::POST, path, None).await;
        assert_eq!(posted.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(posted.body.contains("The form has no SAMLResponse."), "{}", posted.body);
    }
    served.running.stop().await;
}

#[actix_web::test]
async fn metadata_is_served_plain_or_signed() {
    let served = Served::start().await;
    let (plain, signed) = ("/saml/post/metadata", "/saml/post/metadata?signed=true");
    for (path, is_signed) in [(plain, false), (signed, true), ("/saml/post/metadata?signed=false", false)] {
        let answer = served.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header(CONTENT_TYPE), "application/samlmetadata+xml");
        assert!(
            answer.body.contains("entityID=\"http://127.0.0.1:8080/saml/post/metadata\""),
            "{}",
            answer.body
        );
        assert_eq!(answer.body.contains("<ds:SignatureValue>"), is_signed, "{path}");
        assert!(served.ask(Method::HEAD, path, None).await.body.is_empty());
    }
    let without_key = served.get("/saml/redirect/metadata?signed=true").await;
    assert_eq!(without_key.status, StatusCode::BAD_REQUEST);
    assert!(without_key.body.contains("There is no key that could sign"), "{}", without_key.body);
    assert_eq!(served.get("/saml/redirect/metadata").await.status, StatusCode::OK);
    assert_eq!(served.get("/saml/nobody/metadata").await.status, StatusCode::NOT_FOUND);
    served.running.stop().await;
}

#[actix_web::test]
async fn metadata_that_is_known_is_not_sent_again() {
    let served = Served::start().await;
    let path = "/saml/post/metadata";
    let first = served.get(path).await;
    let tag = first.header(ETAG).to_owned();
    assert!(tag.starts_with('"'), "{tag}");
    for known in [tag.as_str(), "*", &format!("W/{tag}"), &format!("\"other\", {tag}")] {
        let again = served.ask(Method::GET, path, Some(known)).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{known}");
        assert_eq!(again.header(ETAG), tag);
    }
    for unknown in ["\"other\"", "rubbish"] {
        let again = served.ask(Method::GET, path, Some(unknown)).await;
        assert_eq!((again.status, again.body == first.body), (StatusCode::OK, true), "{unknown}");
    }
    assert_ne!(served.get("/saml/post/metadata?signed=true").await.header(ETAG), tag);
    served.running.stop().await;
}
