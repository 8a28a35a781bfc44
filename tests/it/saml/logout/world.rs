//! A whole broker whose clock stands still, with people who sign in and out.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use reqwest::header::{COOKIE, HOST, HeaderMap, LOCATION, SET_COOKIE, USER_AGENT};
use reqwest::{RequestBuilder, Response, redirect};
use rolegate::arn::{RoleArn, RoleId};
use rolegate::broker::{Broker, Parts, RevocationSet};
use rolegate::clock::{Clock, ManualClock, Moment};
use rolegate::config;
use rolegate::console::ConsoleSession;
use rolegate::entropy::{Entropy, SystemEntropy};
use rolegate::http::{Surface, serve_public};
use rolegate::identity::sigv4::{Payload, SignedRequest, SigningCredential, sign};
use rolegate::identity::{Ancestry, RoleSession, Session, SessionPolicies};
use rolegate::issuer::jwt::SigningKeys;
use rolegate::issuer::local::LocalIssuer;
use rolegate::seal::KeyRing;
use rolegate::secret::Secret;
use rolegate::store::Store;

use super::super::fixture::{
    ASSERTION, ATTACKER, HONEST, Key, OURS, Signing, base64, enveloped, metadata, noon, response, swap,
};
use super::fixture::{BOTH, OUR_KEY};
use super::flaky::Flaky;

const ROLE: &str = "arn:aws:iam::111122223333:role/Dev";
const PROVIDER: &str = "arn:aws:iam::111122223333:saml-provider/corp";
/// Assertions that were made; each has an id of its own.
static ASSERTIONS: AtomicU32 = AtomicU32::new(0);
/// The console's cookie where the public address is HTTPS.
pub(crate) const CONSOLE: &str = "__Host-rolegate-console";
/// The cookie of a sign-out under way.
pub(crate) const LOGOUT: &str = "__Host-rolegate-logout";

/// The broker, between a store that can be made to fail and a port.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<Flaky>,
    url: String,
    http: reqwest::Client,
    server: ServerHandle,
}

/// What a response says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    pub(crate) subject: &'a str,
    pub(crate) index: Option<&'a str>,
    pub(crate) issued: Moment,
    pub(crate) signed_in: Moment,
    /// The request that it answers.
    pub(crate) to: Option<&'a str>,
    /// One of the groups.
    pub(crate) group: &'a str,
}

impl Default for Said<'_> {
    fn default() -> Self {
        Self { subject: "ann", index: None, issued: noon(), signed_in: noon(), to: None, group: "staff" }
    }
}

/// Credentials of an answer.
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    secret_access_key: Secret<String>,
    session_token: String,
}

impl Credentials {
    /// As the token endpoint writes them.
    pub(crate) fn of(json: &serde_json::Value) -> Self {
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        Self {
            access_key_id: text("AccessKeyId"),
            secret_access_key: Secret::new(text("SecretAccessKey")),
            session_token: text("SessionToken"),
        }
    }
}

/// What an answer was, as far as these tests look.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) cookies: Vec<String>,
    pub(crate) policy: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl World {
    /// A broker on a new store in `folder`, or on the one that another left there.
    pub(crate) async fn start(folder: &Path) -> Self {
        Self::serve(folder, &settings(folder)).await
    }

    /// The same, with `more` in its configuration.
    pub(crate) async fn with(folder: &Path, more: &str) -> Self {
        let settings = settings(folder);
        let text = fs::read_to_string(&settings).unwrap();
        fs::write(&settings, format!("{text}{more}")).unwrap();
        Self::serve(folder, &settings).await
    }

    /// The same with a configuration that is written already.
    pub(crate) async fn serve(folder: &Path, settings: &Path) -> Self {
        let clock = Arc::new(ManualClock::at(noon()));
        let store = Arc::new(Flaky::new(folder));
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let ring = Arc::new(ring());
        let issuer = Arc::new(LocalIssuer::new(Arc::clone(&ring), Arc::clone(&entropy)));
        let loaded = config::load(settings, noon()).unwrap_or_else(|faults| panic!("{faults}"));
        let longest_refresh = loaded.snapshot.directory.longest_refresh();
        let revoked = RevocationSet::load(store.as_ref(), longest_refresh, clock.now()).await.unwrap();
        let revoked = Arc::new(revoked);
        let kept: Arc<dyn Store> = store.clone();
        let parts = Parts {
            issuer: issuer.clone(),
            secrets: issuer,
            store: kept,
            revoked,
            ring,
            signing: Arc::new(SigningKeys::from_pem(SigningKeys::generate_pem().unwrap().expose()).unwrap()),
            entropy: Arc::clone(&entropy),
            unheard_for: None,
            clock: clock.clone(),
        };
        let broker = Arc::new(Broker::new(loaded.snapshot, parts));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = serve_public(
            Surface {
                settings: Some(settings.into()),
                broker,
                clock: clock.clone(),
                entropy,
                trusted_proxies: Arc::new([]),
                admin_token: None,
            },
            listener,
            None,
        )
        .unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
        Self { clock, store, url, http, server: handle }
    }

    /// Ends it, and lets go of the store.
    pub(crate) async fn stop(self) {
        self.server.stop(false).await;
        while Arc::strong_count(&self.store) > 1 {
            tokio::task::yield_now().await;
        }
    }

    /// The base64 of a response about `subject` that was issued at `issued` in the session `index`, and asked for by nobody.
    pub(crate) fn response(&self, subject: &str, index: Option<&str>, issued: Moment) -> String {
        self.say(&Said { subject, index, issued, ..Said::default() })
    }

    /// The same about somebody who signed in at `signed_in`, to the request `to`.
    pub(crate) fn answer(
        &self,
        subject: &str,
        index: Option<&str>,
        issued: Moment,
        signed_in: Moment,
        to: Option<&str>,
    ) -> String {
        self.say(&Said { subject, index, issued, signed_in, to, ..Said::default() })
    }

    /// The base64 of a response that says so.
    pub(crate) fn say(&self, said: &Said<'_>) -> String {
        let Said { subject, index, issued, signed_in, to, group } = *said;
        let id = format!("_a{}", ASSERTIONS.fetch_add(1, Ordering::Relaxed));
        let index = index.map_or_else(String::new, |index| format!(" SessionIndex=\"{index}\""));
        let assertion = swap(ASSERTION, "\"_a\"", &format!("\"{id}\""));
        let assertion = swap(&assertion, ">ann<", &format!(">{subject}<"));
        let assertion =
            swap(&assertion, "T12:00:00Z\" Version", &format!("T{}\" Version", &issued.to_rfc3339()[11..]));
        let instant = |at: Moment| format!("AuthnInstant=\"{at}\"");
        let assertion = swap(&assertion, &instant(noon()), &instant(signed_in));
        let to = to.map_or_else(String::new, |to| format!(" InResponseTo=\"{to}\""));
        let assertion = swap(&assertion, " InResponseTo=\"_request\"", &to);
        let assertion = swap(&assertion, " SessionNotOnOrAfter", &format!("{index} SessionNotOnOrAfter"));
        let assertion = swap(&assertion, ">staff<", &format!(">{group}<"));
        let signature = Signing::of(&id).sign(&assertion);
        let document = swap(&response(&enveloped(&assertion, &signature)), " InResponseTo=\"_request\"", &to);
        base64(document.as_bytes())
    }

    /// `AssumeRoleWithSAML`; the error's status and code if there is one.
    pub(crate) async fn assume(&self, response: &str) -> Result<Credentials, String> {
        let form = [
            ("Action", "AssumeRoleWithSAML"),
            ("Version", "2011-06-15"),
            ("RoleArn", ROLE),
            ("PrincipalArn", PROVIDER),
            ("SAMLAssertion", response),
        ];
        self.assume_by(&form).await
    }

    /// Any call that gives credentials.
    pub(crate) async fn assume_by(&self, form: &[(&str, &str)]) -> Result<Credentials, String> {
        let answer = Answer::of(self.http.post(&self.url).form(form)).await;
        let field = |name| answer.field(name).ok_or_else(|| answer.refusal());
        Ok(Credentials {
            access_key_id: field("AccessKeyId")?,
            secret_access_key: Secret::new(field("SecretAccessKey")?),
            session_token: field("SessionToken")?,
        })
    }

    /// New credentials of `subject`, by an assertion that is issued now.
    pub(crate) async fn credentials(&self, subject: &str, index: Option<&str>) -> Credentials {
        self.assume(&self.response(subject, index, self.clock.now())).await.unwrap()
    }

    /// `GetCallerIdentity`: `200`, or status and code.
    pub(crate) async fn caller(&self, credentials: &Credentials) -> String {
        let host = self.url.trim_start_matches("http://");
        let query = "Action=GetCallerIdentity&Version=2011-06-15";
        let headers: [(&str, &[u8]); 1] = [("host", host.as_bytes())];
        let request =
            SignedRequest { method: "GET", path: "/", query, headers: &headers, payload: Payload::Body(b"") };
        let credential = SigningCredential {
            access_key_id: &credentials.access_key_id,
            secret_access_key: &credentials.secret_access_key,
            session_token: Some(&credentials.session_token),
            region: "us-east-1",
            service: "sts",
        };
        let mut sent = self.http.get(format!("{}/?{query}", self.url)).header(HOST, host);
        for (name, value) in sign(&request, &credential, self.clock.now()) {
            sent = sent.header(name, value);
        }
        let answer = Answer::of(sent).await;
        if answer.status == 200 { "200".to_owned() } else { answer.refusal() }
    }

    /// `getSigninToken` with `credentials`, if they are good.
    pub(crate) async fn signin_token(&self, credentials: &Credentials) -> Option<String> {
        let session = serde_json::json!({
            "sessionId": credentials.access_key_id,
            "sessionKey": credentials.secret_access_key.expose(),
            "sessionToken": credentials.session_token,
        });
        let form = [("Action", "getSigninToken"), ("Session", &session.to_string())];
        let answer = self.post("/federation", &form, &[]).await;
        let answer: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
        answer["SigninToken"].as_str().map(str::to_owned)
    }

    /// Opens a sign-in URL.
    pub(crate) async fn login(&self, token: &str) -> Answer {
        self.get(&format!("/federation?Action=login&SigninToken={token}"), None).await
    }

    /// Signs in by the browser; gives the value of the console's cookie.
    pub(crate) async fn console_of(&self, subject: &str, index: Option<&str>) -> String {
        let response = self.response(subject, index, self.clock.now());
        let answer = self.post("/saml/corp/acs", &[("SAMLResponse", &response)], &[]).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        answer.cookie(CONSOLE)
    }

    /// The value of a cookie of the console that `subject` opens now, by no login that can be ended.
    pub(crate) fn console_without_login(&self, subject: &str) -> String {
        let role: RoleArn = ROLE.parse().unwrap();
        let session = RoleSession {
            assumed_by: None,
            ancestry: Ancestry::default(),
            mfa: None,
            role_id: RoleId::of_declared(&role),
            role,
            session_name: "session".into(),
            provider: Some(PROVIDER.parse().unwrap()),
            subject: Some(subject.into()),
            source_identity: None,
            tags: Vec::new(),
            policies: SessionPolicies::default(),
            provider_session_ends: None,
            login: None,
            grant: None,
            issued: noon(),
            expires: noon().plus(Duration::from_secs(3600)),
        };
        let until = session.expires;
        let entropy = SystemEntropy::new();
        let browser = rolegate::entropy::bytes(&entropy).unwrap();
        let console = ConsoleSession::new(Session::Role(Box::new(session)), self.clock.now(), until);
        ConsoleSession { browser, ..console }.seal(&ring(), &entropy).unwrap()
    }

    /// The status of the console page.
    pub(crate) async fn console(&self, cookie: &str) -> u16 {
        self.get("/console", Some(&format!("{CONSOLE}={cookie}"))).await.status
    }

    pub(crate) async fn get(&self, path: &str, cookie: Option<&str>) -> Answer {
        let request = self.http.get(format!("{}{path}", self.url));
        Answer::of(cookie.into_iter().fold(request, |request, cookie| request.header(COOKIE, cookie))).await
    }

    /// With these headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.http.get(format!("{}{path}", self.url));
        Answer::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    /// As a program asks that calls itself `user_agent`.
    pub(crate) async fn get_as(&self, user_agent: &str, path: &str, cookie: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.url)).header(COOKIE, cookie);
        Answer::of(request.header(USER_AGENT, user_agent)).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let request = self.http.post(format!("{}{path}", self.url)).form(form);
        Answer::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }
}

/// Every world seals with the same key.
fn ring() -> KeyRing {
    KeyRing::of(Secret::new([7; 32]))
}

impl Answer {
    async fn of(request: RequestBuilder) -> Self {
        let answer: Response = request.send().await.unwrap();
        let all =
            |name| answer.headers().get_all(name).iter().map(|value| value.to_str().unwrap().to_owned());
        Self {
            status: answer.status().as_u16(),
            location: all(LOCATION.as_str()).collect(),
            cookies: all(SET_COOKIE.as_str()).collect(),
            policy: all("content-security-policy").collect(),
            headers: answer.headers().clone(),
            body: answer.text().await.unwrap(),
        }
    }

    /// The text of the first element called `name`.
    fn field(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(value, _)| value.to_owned())
    }

    fn refusal(&self) -> String {
        format!("{} {}", self.status, self.field("Code").unwrap_or_default())
    }

    /// The heading of a page.
    pub(crate) fn heading(&self) -> String {
        self.field("h1").unwrap_or_default()
    }

    /// The value that is set for the cookie called `name`; empty if it is taken away.
    #[track_caller]
    pub(crate) fn cookie(&self, name: &str) -> String {
        let set = self.cookies.iter().find_map(|cookie| cookie.strip_prefix(&format!("{name}=")));
        set.unwrap_or_else(|| panic!("{name} is not set: {self:?}")).split(';').next().unwrap().to_owned()
    }
}

/// Writes a configuration with three providers: `corp`, `other` with a key of its own, and
/// `keyless`, towards which we have none.
pub(crate) fn settings(folder: &Path) -> std::path::PathBuf {
    let save = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let idp = |key: &Key| swap(&metadata(&[key]), "<SingleSignOn", &format!("{BOTH}<SingleSignOn"));
    save("corp.xml", &idp(&HONEST));
    save(
        "other.xml",
        &swap(&idp(&ATTACKER), "https://idp.example.com/metadata", "https://idp.other.example/metadata"),
    );
    save("sp.pem", &OUR_KEY.pem());
    save(
        "nothing.json",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
    );
    save(
        "trust.json",
        &format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRoleWithSAML\",\
             \"Principal\":{{\"Federated\":\"{PROVIDER}\"}}}}]}}"
        ),
    );
    let provider = |name: &str, xml: &str, more: &str| {
        format!(
            "[[provider]]\nkind = \"saml\"\nname = \"{name}\"\naccount = \"111122223333\"\n\
             metadata = {{ file = \"{xml}\" }}\nentity_id = \"{OURS}\"\nidp_initiated = true\n{more}\n"
        )
    };
    let keys = "keys = [{ file = \"sp.pem\" }]";
    let text: [&str; 7] = [
        &format!("public_url = \"{OURS}\"\n[[account]]\nid = \"111122223333\"\n"),
        &provider("corp", "corp.xml", keys),
        &provider("other", "other.xml", keys),
        &provider("keyless", "corp.xml", ""),
        &format!(
            "[[role]]\narn = \"{ROLE}\"\ntrust_policy = \"trust.json\"\npolicies = [\"nothing.json\"]\n"
        ),
        "[[rule]]\nname = \"all\"\nprovider = \"corp\"\nwhen = 'true'\n",
        &format!("roles = [\"{ROLE}\"]\nsession_name = '\"session\"'\n"),
    ];
    save("rolegate.toml", &text.concat());
    folder.join("rolegate.toml")
}
