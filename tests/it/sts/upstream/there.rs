//! An STS of somebody else on loopback. It verifies signatures and answers what it is told to: what no real one does
//! on demand. How real ones take our calls, the interop suite shows. Beside it the federation endpoint of its console,
//! which nobody but AWS has: it does what facts 4 say of AWS's.

use std::collections::{BTreeMap, VecDeque};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use rolegate::arn::{UserArn, UserId};
use rolegate::clock::Moment;
use rolegate::identity::sigv4::{
    OpenedCredential, Payload, SigV4Error, SignedRequest, SigningSecrets, authenticate,
};
use rolegate::identity::{Session, UserSession};
use rolegate::secret::Secret;
use tokio::sync::Semaphore;

use crate::oauth::fixture::BOT_SECRET;
use crate::saml::fixture::noon;

pub(super) const KEY: &str = "AKIATHERETHERETHERE2";

/// See the module.
pub(crate) struct There {
    pub(crate) url: String,
    state: Arc<State>,
    server: ServerHandle,
}

struct State {
    replies: Mutex<VecDeque<Reply>>,
    seen: Mutex<Vec<Seen>>,
    gate: Semaphore,
    /// What it gave: id, secret, session token.
    given: Mutex<Vec<[String; 3]>>,
    /// What it was asked for at the federation endpoint, without the session.
    signins: Mutex<Vec<BTreeMap<String, String>>>,
}

/// What it says to one request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// This status and body.
    Is(u16, String),
    /// Credentials that last so much longer than was asked for.
    Longer(u64),
    /// Nothing, until the gate opens.
    Waits,
}

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) form: BTreeMap<String, String>,
    /// The key by which it is signed, if it is.
    pub(super) key: Option<String>,
}

impl Reply {
    pub(crate) fn refuses(status: u16, code: &str) -> Self {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>said there</Message></Error>\
             </ErrorResponse>"
        );
        Self::Is(status, body)
    }
}

impl There {
    pub(crate) fn start() -> Self {
        let state = Arc::new(State {
            replies: Mutex::default(),
            seen: Mutex::default(),
            gate: Semaphore::new(0),
            given: Mutex::default(),
            signins: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/federation", web::route().to(federation))
                .default_service(web::to(answer))
        });
        let server = server.workers(1).shutdown_timeout(0).listen(listener).unwrap().run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, state, server: handle }
    }

    /// What it says next, in this order; after that it gives.
    pub(crate) fn says(&self, replies: &[Reply]) {
        self.state.replies.lock().unwrap().extend(replies.iter().cloned());
    }

    /// Lets one who waits go on.
    pub(super) fn opens(&self) {
        self.state.gate.add_permits(1);
    }

    pub(crate) fn count(&self) -> usize {
        self.state.seen.lock().unwrap().len()
    }

    pub(super) fn last(&self) -> Seen {
        self.state.seen.lock().unwrap().last().cloned().unwrap()
    }

    /// What it was asked for at the federation endpoint last.
    pub(crate) fn last_signin(&self) -> BTreeMap<String, String> {
        self.state.signins.lock().unwrap().last().cloned().unwrap()
    }

    /// How often it was asked there.
    pub(crate) fn count_signins(&self) -> usize {
        self.state.signins.lock().unwrap().len()
    }

    pub(super) async fn stops(&self) {
        self.server.stop(false).await;
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, state: web::Data<State>) -> HttpResponse {
    let now = noon();
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let seconds: u64 = form["DurationSeconds"].parse().unwrap();
    let action = form["Action"].clone();
    let number = {
        let mut seen = state.seen.lock().unwrap();
        seen.push(Seen { form, key: signer(&request, &body, now) });
        seen.len()
    };
    let reply = state.replies.lock().unwrap().pop_front();
    let seconds = match reply {
        Some(Reply::Is(status, body)) => {
            return HttpResponse::build(status.try_into().unwrap()).content_type("text/xml").body(body);
        }
        Some(Reply::Longer(more)) => seconds + more,
        Some(Reply::Waits) => {
            state.gate.acquire().await.unwrap().forget();
            seconds
        }
        None => seconds,
    };
    let given = ["ASIATHERE", "secret+/", "token=="].map(|text| format!("{text}{number}"));
    state.given.lock().unwrap().push(given);
    HttpResponse::Ok().content_type("text/xml").body(format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><AssumedRoleUser>\
         <AssumedRoleId>AROATHERE:name</AssumedRoleId><Arn>arn:aws:sts::999988887777:assumed-role/Real/name</Arn>\
         </AssumedRoleUser><Credentials><AccessKeyId>ASIATHERE{number}</AccessKeyId>\
         <SecretAccessKey>secret+/{number}</SecretAccessKey><SessionToken>token=={number}</SessionToken>\
         <Expiration>{}</Expiration></Credentials></{action}Result></{action}Response>",
        now.plus(Duration::from_secs(seconds)).to_rfc3339()
    ))
}

/// `getSigninToken` by POST, for credentials that it gave, and `login`, which goes where it is told.
async fn federation(request: HttpRequest, body: web::Bytes, state: web::Data<State>) -> HttpResponse {
    let query = request.query_string().as_bytes();
    let fields = if body.is_empty() { query } else { &body };
    let mut form: BTreeMap<String, String> = url::form_urlencoded::parse(fields).into_owned().collect();
    let refused =
        || HttpResponse::BadRequest().content_type("text/html").body("Invalid Credentials Parameter");
    let session = form.remove("Session");
    state.signins.lock().unwrap().push(form.clone());
    if form["Action"] == "login" {
        return match form["SigninToken"].strip_prefix("signin+of/") {
            None => refused(),
            Some(id) => HttpResponse::Found()
                .insert_header(("location", form["Destination"].clone()))
                .insert_header(("set-cookie", format!("aws-creds={id}")))
                .finish(),
        };
    }
    if let Some(Reply::Is(status, body)) = state.replies.lock().unwrap().pop_front() {
        return HttpResponse::build(status.try_into().unwrap()).body(body);
    }
    assert!(query.is_empty(), "secrets in an address");
    let session: BTreeMap<String, String> = serde_json::from_str(&session.unwrap()).unwrap();
    let session = ["sessionId", "sessionKey", "sessionToken"].map(|name| session[name].clone());
    if !state.given.lock().unwrap().contains(&session) {
        return refused();
    }
    HttpResponse::Ok().json(serde_json::json!({ "SigninToken": format!("signin+of/{}", session[0]) }))
}

fn signer(request: &HttpRequest, body: &[u8], now: Moment) -> Option<String> {
    request.headers().get("authorization")?;
    let headers: Vec<_> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let signed = SignedRequest {
        method: request.method().as_str(),
        path: request.path(),
        query: request.query_string(),
        headers: &headers,
        payload: Payload::Body(body),
    };
    let scope = request.headers().get("authorization").unwrap().to_str().unwrap();
    assert!(scope.contains("/eu-central-1/sts/aws4_request"), "{scope}");
    let principal = authenticate(&signed, "sts", &OneKey, now).unwrap();
    Some(principal.access_key_id().to_owned())
}

/// The one key that it knows.
struct OneKey;

impl SigningSecrets for OneKey {
    fn open(&self, id: &str, token: Option<&str>, _: Moment) -> Result<OpenedCredential, SigV4Error> {
        if id != KEY || token.is_some() {
            return Err(SigV4Error::InvalidClientTokenId);
        }
        let user: UserArn = "arn:aws:iam::999988887777:user/broker".parse().unwrap();
        let session = UserSession { user_id: UserId::of_declared(&user), user, lifetime: None, mfa: None };
        Ok(OpenedCredential {
            secret_access_key: Secret::new(BOT_SECRET.to_owned()),
            session: Session::User(session),
        })
    }
}
