//! A television, a command line, and people with a browser.

use std::ops::Deref;
use std::time::Duration;

use serde_json::Value;

use super::super::fixture::DEVICE_CODE;
use crate::oidc::world::{Answer, Away, Credentials, World};

/// What a device asks for.
pub(super) const TOKEN_FOR_API: [(&str, &str); 1] = [("audience", "https://api.example.com")];
pub(super) const CREDENTIALS: (&str, &str) =
    ("requested_token_type", "urn:rolegate:params:oauth:token-type:aws-credentials");
/// Headings of pages.
pub(super) const APPROVED: &str = "The device is signed in";
pub(super) const DENIED: &str = "The device was denied";
pub(super) const GONE: &str = "No device waits for this code";
/// What a device code gives that gave something.
pub(super) const USED: &str = "400 invalid_grant";
/// How a browser says that a page of ours was left.
const FROM_HERE: (&str, &str) = ("sec-fetch-site", "same-origin");

/// `tv` may refresh, `cli` gets credentials, `kiosk` is for people of `other`, `wallet` proves a key;
/// `app` may do something else.
const CLIENTS: &str = r#"
[[client]]
id = "tv"
label = "Living room"
grants = ["device", "refresh"]
audiences = ["https://api.example.com"]
[[client]]
id = "cli"
grants = ["device"]
[[client]]
id = "kiosk"
grants = ["device"]
providers = ["other"]
[[client]]
id = "wallet"
grants = ["device"]
dpop = true
[[client]]
id = "app"
grants = ["token-exchange"]
"#;

/// The world, and the folder that it lives in.
pub(super) struct Living {
    world: World,
    folder: tempfile::TempDir,
}

impl Deref for Living {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Living {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { world: World::with(folder.path(), "", CLIENTS).await, folder }
    }

    pub(super) async fn restarted(self) -> Self {
        Self { world: self.world.restarted().await, folder: self.folder }
    }

    pub(super) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Begins a request.
    pub(super) async fn begin(&self, client: &str, asked: &[(&str, &str)]) -> Value {
        let fields = [&[("client_id", client)], asked].concat();
        let answer = self.post("/oauth2/device_authorization", &fields, &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Asks with the code of `begun`.
    pub(super) async fn ask(&self, client: &str, begun: &Value, headers: &[(&str, &str)]) -> Answer {
        let code = begun["device_code"].as_str().unwrap();
        let fields = [("grant_type", DEVICE_CODE), ("client_id", client), ("device_code", code)];
        self.post("/oauth2/token", &fields, headers).await
    }

    /// Status and error of that.
    pub(super) async fn poll(&self, client: &str, begun: &Value) -> String {
        let answer = self.ask(client, begun, &[]).await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        format!("{} {}", answer.status, body["error"].as_str().unwrap_or_default())
    }

    /// What is given for it.
    pub(super) async fn collect(&self, client: &str, begun: &Value) -> Value {
        let answer = self.ask(client, begun, &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Uses the refresh token of `given`.
    pub(super) async fn refresh(&self, client: &str, given: &Value) -> Value {
        let token = given["refresh_token"].as_str().unwrap();
        let fields = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
        serde_json::from_str(&self.post("/oauth2/token", &fields, &[]).await.body).unwrap()
    }

    /// Types a code on the page.
    pub(super) async fn type_code(&self, code: &str) -> Answer {
        self.post("/device", &[("user_code", code)], &[]).await
    }

    /// `GetCallerIdentity` with credentials as they were given.
    pub(super) async fn caller(&self, credentials: &Value) -> String {
        self.world.caller(&Credentials::of(credentials)).await
    }

    /// Signs in for a request with these claims, up to the page that asks.
    pub(super) async fn sign_in_for(&self, begun: &Value, claims: &Value) -> (Away, Answer) {
        let code = begun["user_code"].as_str().unwrap();
        let away = self.begin_at(&format!("/oidc/staff/login?user_code={code}")).await;
        self.grants(&away, claims);
        let page = self.back(&away).await;
        (away, page)
    }

    /// Signs in for the console with these claims, up to the picker.
    pub(super) async fn sign_in_for_console(&self, claims: &Value) -> (Away, Answer) {
        let away = World::begin(self).await;
        self.grants(&away, claims);
        let page = self.back(&away).await;
        (away, page)
    }

    /// Presses a button of that page.
    pub(super) async fn approve(&self, away: &Away, page: &Answer, role: &str) -> Answer {
        self.press(away, page, &[("device", "approve"), ("roleIndex", role)], &[FROM_HERE]).await
    }

    pub(super) async fn deny(&self, away: &Away, page: &Answer) -> Answer {
        self.press(away, page, &[("device", "deny")], &[FROM_HERE]).await
    }

    /// Posts the form of that page with `fields`.
    pub(super) async fn press(
        &self,
        away: &Away,
        page: &Answer,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let hidden = |name: &str| {
            let (_, rest) = page.body.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        let (choice, login) = (hidden("choice"), hidden("login"));
        let form = [&[("choice", choice.as_str()), ("login", login.as_str())], fields].concat();
        let headers = [&[("cookie", away.cookie.as_str())], headers].concat();
        self.post("/oidc/staff/callback", &form, &headers).await
    }
}
