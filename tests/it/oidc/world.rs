//! A broker whose clock stands still, with an OpenID provider beside it.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use rolegate::clock::Clock;
use serde_json::{Value, json};
use url::Url;

use super::issuer::{ATTACKER, HONEST, Issuer, changed};
use crate::saml::fixture::noon;
use crate::saml::logout::world::World as Broker;
pub(crate) use crate::saml::logout::world::{Answer, CONSOLE, Credentials, LOGOUT};

/// The role that everybody gets.
pub(crate) const DEV: &str = "arn:aws:iam::111122223333:role/Dev";
/// The role of those in the group `ops`.
pub(crate) const OPS: &str = "arn:aws:iam::111122223333:role/Ops";
/// Where logout tokens go.
pub(crate) const BACKCHANNEL: &str = "/oidc/staff/backchannel-logout";
/// The event of a logout token.
pub(crate) const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
pub(crate) const OURS: &str = "https://broker.example.com";

/// The broker and its providers: `staff`, whom people sign in by, and `other`, with a key of its own.
pub(crate) struct World {
    broker: Broker,
    pub(crate) issuer: Issuer,
    pub(crate) other: Issuer,
    folder: PathBuf,
}

impl Deref for World {
    type Target = Broker;

    fn deref(&self) -> &Broker {
        &self.broker
    }
}

/// A browser on its way to the provider.
pub(crate) struct Away {
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) cookie: String,
}

impl World {
    /// A world in `folder`.
    pub(crate) async fn start(folder: &Path) -> Self {
        Self::with(folder, "", "").await
    }

    /// A world whose provider `staff` has `settings` besides, and `login` in its login.
    pub(crate) async fn with(folder: &Path, settings: &str, login: &str) -> Self {
        let (issuer, other) = (Issuer::start(&HONEST), Issuer::start(&ATTACKER));
        let path = write(folder, &issuer, &other, settings, login);
        Self { broker: Broker::serve(folder, &path).await, issuer, other, folder: folder.to_owned() }
    }

    /// Another broker on the same store, after this one has ended.
    pub(crate) async fn restarted(self) -> Self {
        let Self { broker, issuer, other, folder } = self;
        let passed = broker.clock.now().since(noon());
        broker.stop().await;
        let broker = Broker::serve(&folder, &folder.join("rolegate.toml")).await;
        broker.clock.advance(passed);
        Self { broker, issuer, other, folder }
    }

    /// Ends it.
    pub(crate) async fn stop(self) {
        self.broker.stop().await;
    }

    /// Claims of an ID token for the client that people sign in by, issued now.
    pub(crate) fn claims(&self, changes: &Value) -> Value {
        let now = self.clock.now().unix();
        let claims =
            json!({"iss": self.issuer.url, "sub": "ann", "aud": "broker", "iat": now, "exp": now + 3600});
        changed(claims, changes)
    }

    /// Such a token.
    pub(crate) fn id_token(&self, changes: &Value) -> String {
        HONEST.sign(&json!({"alg": "ES256", "kid": "k"}), &self.claims(changes))
    }

    /// Claims of a logout token, issued now. Each has the `jti` that it is given.
    pub(crate) fn logout_claims(&self, jti: &str, changes: &Value) -> Value {
        let now = self.clock.now().unix();
        let claims = json!({
            "iss": self.issuer.url, "aud": "broker", "iat": now, "exp": now + 120, "jti": jti,
            "events": {EVENT: {}},
        });
        changed(claims, changes)
    }

    /// Such a token.
    pub(crate) fn logout_token(&self, jti: &str, changes: &Value) -> String {
        let header = json!({"alg": "ES256", "kid": "k", "typ": "logout+jwt"});
        HONEST.sign(&header, &self.logout_claims(jti, changes))
    }

    /// Posts a logout token: the status, and the description of the error if there is one.
    pub(crate) async fn log_out(&self, token: &str) -> (u16, String) {
        let answer = self.post(BACKCHANNEL, &[("logout_token", token)], &[]).await;
        (answer.status, description(&answer))
    }

    /// Ends what `whose` names, which must succeed.
    pub(crate) async fn end(&self, jti: &str, whose: &Value) {
        let answer = self.log_out(&self.logout_token(jti, whose)).await;
        assert_eq!(answer, (200, String::new()), "{whose}");
    }

    /// `AssumeRoleWithWebIdentity`; the error's status and code if there is one.
    pub(crate) async fn assume(&self, token: &str) -> Result<Credentials, String> {
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", DEV),
            ("RoleSessionName", "session"),
            ("WebIdentityToken", token),
        ];
        self.assume_by(&form).await
    }

    /// Credentials for an ID token with these claims, issued now.
    pub(crate) async fn credentials(&self, changes: Value) -> Credentials {
        self.assume(&self.id_token(&changes)).await.unwrap()
    }

    /// Begins a login.
    pub(crate) async fn begin(&self) -> Away {
        self.begin_at("/oidc/staff/login").await
    }

    /// Begins one at another address.
    pub(crate) async fn begin_at(&self, path: &str) -> Away {
        let answer = self.get(path, None).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let url = Url::parse(&answer.location).unwrap();
        let of = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        let (cookie, _) = answer.cookies[0].split_once(';').unwrap();
        Away { state: of("state"), nonce: of("nonce"), cookie: cookie.to_owned() }
    }

    /// Lets the provider give out an ID token for `away` with these claims.
    pub(crate) fn grants(&self, away: &Away, changes: &Value) {
        let id_token = self.id_token(&changed(changes.clone(), &json!({"nonce": away.nonce})));
        let body = json!({"access_token": "opaque-access", "token_type": "Bearer", "id_token": id_token});
        self.issuer.serve("/token", 200, &body);
    }

    /// Comes back with a code.
    pub(crate) async fn back(&self, away: &Away) -> Answer {
        let path = format!("/oidc/staff/callback?code=c&state={}", away.state);
        self.get(&path, Some(&away.cookie)).await
    }

    /// Chooses a role on the picker's page.
    pub(crate) async fn choose(&self, away: &Away, picker: &Answer, role: &str) -> Answer {
        let hidden = |name: &str| {
            let (_, rest) = picker.body.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        let (choice, login) = (hidden("choice"), hidden("login"));
        let form = [("choice", choice.as_str()), ("login", login.as_str()), ("roleIndex", role)];
        self.post("/oidc/staff/callback", &form, &[("cookie", away.cookie.as_str())]).await
    }

    /// Signs in by the browser with these claims; what the callback says.
    pub(crate) async fn sign_in(&self, changes: &Value) -> Answer {
        let away = self.begin().await;
        self.grants(&away, changes);
        self.back(&away).await
    }

    /// The value of the console's cookie of somebody who signs in so.
    pub(crate) async fn console_of(&self, changes: Value) -> String {
        let answer = self.sign_in(&changes).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        answer.cookie(CONSOLE)
    }

    /// Presses the button.
    pub(crate) async fn sign_out(&self, console: &str) -> Answer {
        let cookie = format!("{CONSOLE}={console}");
        self.post("/federation", &[("Action", "logout")], &[("cookie", cookie.as_str())]).await
    }
}

/// The description of an error in JSON.
pub(crate) fn description(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    body["error_description"].as_str().unwrap_or_default().to_owned()
}

/// Writes the configuration.
fn write(folder: &Path, issuer: &Issuer, other: &Issuer, settings: &str, login: &str) -> PathBuf {
    let save = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let host = |issuer: &Issuer| issuer.url.trim_start_matches("http://").to_owned();
    let arn = |issuer: &Issuer| format!("arn:aws:iam::111122223333:oidc-provider/{}", host(issuer));
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": [arn(issuer), arn(other)]},
    }]});
    save("trust.json", &trust.to_string());
    let provider = |name: &str, issuer: &Issuer, more: &str, login: &str| {
        format!(
            "[[provider]]\nkind = \"oidc\"\nname = \"{name}\"\naccount = \"111122223333\"\nissuer = \"{}\"\n\
             client_ids = [\"broker\", \"app\"]\nallow_loopback_http = true\n{more}\n\
             [provider.login]\nclient_id = \"broker\"\n{login}\n",
            issuer.url
        )
    };
    let role = |arn: &str| format!("[[role]]\narn = \"{arn}\"\ntrust_policy = \"trust.json\"\n");
    let text = [
        format!("public_url = \"{OURS}\"\n[[account]]\nid = \"111122223333\"\n"),
        provider("staff", issuer, settings, login),
        provider("other", other, "", ""),
        "[[provider]]\nkind = \"oidc\"\nname = \"machines\"\naccount = \"111122223333\"\n\
         issuer = \"http://127.0.0.1:1\"\nclient_ids = [\"broker\"]\nallow_loopback_http = true\n"
            .to_owned(),
        role(DEV),
        role(OPS),
        format!(
            "[[rule]]\nname = \"all\"\nwhen = 'true'\nroles = [\"{DEV}\"]\nsession_name = '\"session\"'\n"
        ),
        format!(
            "[[rule]]\nname = \"ops\"\nwhen = '\"ops\" in attr.groups'\nroles = [\"{OPS}\"]\n\
             session_name = '\"session\"'\n"
        ),
    ];
    save("rolegate.toml", &text.concat());
    folder.join("rolegate.toml")
}
