//! How long people wait for the broker: the portal's first view with 5,000 roles, and the POST of a sign-in up to the
//! redirect to the console.
//!
//! The broker is a process of its own; the client has one connection, as a browser's next request has, and waits for
//! each answer. The floor is the style sheet over the same connection: what HTTP alone takes. Times are those that the
//! client sees, so the client's own are in them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A benchmark that can't run should stop.

mod answer;
mod product;
mod report;

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64_simd::STANDARD;
use rolegate::cli::demo::idp::saml::{ResponseFacts, SamlSigner};
use rolegate::clock::{Clock as _, SystemClock};
use rolegate::entropy::SystemEntropy;
use serde_json::json;

use self::report::{file, median};

const ROLES: usize = 5_000;
const ROUNDS: usize = 300;
const IDP: &str = "https://idp.example.com";

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let signer = SamlSigner::generate(&format!("{IDP}/metadata"), &format!("{IDP}/sso")).unwrap();
    let broker = Broker::start(folder.path(), &signer);
    let mut browser = broker.browser();
    let portal = broker.sign_in(&signer, &mut browser);
    let first = browser.ask(&get("/portal", &portal));
    assert!(first.contains("Search 5000 roles"), "{first}");
    let floor = timed(|| drop(browser.ask(&get("/assets/rolegate.css", ""))));
    let view = timed(|| assert!(browser.ask(&get("/portal", &portal)).contains("Page 1 of 200")));
    let search = timed(|| drop(browser.ask(&get("/portal?q=service%204711", &portal))));
    let mut answers: Vec<_> = (0..ROUNDS).map(|_| post(&broker.response(&signer, None), "")).collect();
    let signed_in = timed(|| {
        let answer = browser.ask(&answers.pop().unwrap());
        assert!(answer.starts_with("HTTP/1.1 303") && answer.contains("/console\r\n"), "{answer}");
    });
    println!("the first view has {} bytes with its head", first.len());
    file(vec![
        entry("portal_first_view_ms", view, floor, 20.0),
        entry("portal_search_ms", search, floor, 20.0),
        entry("signin_post_ms", signed_in, floor, 5.0),
    ]);
}

/// Median milliseconds of a request.
fn timed(mut request: impl FnMut()) -> f64 {
    let mut each = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        request();
        each.push(began.elapsed().as_secs_f64() * 1e3);
    }
    median(each)
}

/// Prints a figure, and gives its entry.
fn entry(name: &'static str, ours: f64, floor: f64, most: f64) -> (&'static str, serde_json::Value) {
    let (goal, met) = (format!("<= {most} ms"), ours <= most);
    println!("{name:22} {ours:6.3} ms  (the style sheet {floor:.3} ms)  {goal}: {met}");
    let written = json!({"value": ours, "unit": "ms", "floor": floor, "ratio": ours / floor,
                         "goal": goal, "met": met, "command": product::command("portal")});
    (name, written)
}

fn get(path: &str, cookie: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: broker\r\ncookie: {cookie}\r\n\r\n")
}

fn post(form: &str, cookie: &str) -> String {
    format!(
        "POST /saml/corp/acs HTTP/1.1\r\nhost: broker\r\ncookie: {cookie}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    )
}

/// One connection.
struct Browser(TcpStream);

impl Browser {
    /// Head and body of the answer.
    fn ask(&mut self, request: &str) -> String {
        self.0.write_all(request.as_bytes()).unwrap();
        answer::read(&mut self.0)
    }
}

/// The broker that ships.
struct Broker {
    child: Child,
    address: SocketAddr,
}

impl Broker {
    fn start(folder: &Path, signer: &SamlSigner) -> Self {
        // Ports that were free a moment ago.
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (address, operations) = (free(), free());
        let save = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        // Our requests are not signed here.
        save("idp.xml", &signer.metadata().replace("WantAuthnRequestsSigned=\"true\" ", ""));
        let provider = "arn:aws:iam::111122223333:saml-provider/corp";
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRoleWithSAML", "Principal": {"Federated": provider}}]});
        save("trust.json", &trust.to_string());
        let mut text = format!(
            "public_url = \"http://{address}\"\n[listen]\npublic = \"{address}\"\noperations = \"{operations}\"\n\
             [store]\npath = \"store\"\n[sealing]\nring = \"ring\"\n[[account]]\nid = \"111122223333\"\n\
             [[provider]]\nkind = \"saml\"\nname = \"corp\"\naccount = \"111122223333\"\n\
             metadata = {{ file = \"idp.xml\" }}\nidp_initiated = true\n"
        );
        let arn = |number: usize| format!("arn:aws:iam::111122223333:role/teams/Service{number:04}Operator");
        for number in 0..ROLES {
            write!(
                text,
                "[[role]]\narn = \"{}\"\ndescription = \"Runs service number {number:04}\"\n\
                 trust_policy = \"trust.json\"\n",
                arn(number)
            )
            .unwrap();
        }
        let arns: Vec<_> = (0..ROLES).map(arn).collect();
        // By a session of one role, and at the portal by all of them.
        for (name, when, roles) in
            [("one", "'operators' in attr.groups", &arns[..1]), ("all", "'everything' in attr.groups", &arns)]
        {
            let when = when.replace('\'', "\"");
            write!(
                text,
                "[[rule]]\nname = \"{name}\"\nprovider = \"corp\"\nwhen = '{when}'\nroles = {roles:?}\n\
                 session_name = 'subject'\n"
            )
            .unwrap();
        }
        save("rolegate.toml", &text);
        let child = Command::new(product::path())
            .args(["serve", "--config"])
            .arg(folder.join("rolegate.toml"))
            .env_remove("RUST_LOG")
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "the broker does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, address }
    }

    fn browser(&self) -> Browser {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        Browser(stream)
    }

    /// A form with a response: to the request `to`, of somebody with every role, or of somebody with one.
    fn response(&self, signer: &SamlSigner, to: Option<&str>) -> String {
        let group = if to.is_some() { "everything" } else { "operators" };
        let attributes = [("groups", vec![group.to_owned()]), ("email", vec!["ann@example.com".to_owned()])];
        let facts = ResponseFacts {
            recipient: &format!("http://{}/saml/corp/acs", self.address),
            audience: &format!("http://{}/saml/corp/metadata", self.address),
            in_response_to: to,
            subject: "ann",
            attributes: &attributes,
            at: SystemClock.now(),
            lifetime: Duration::from_secs(300),
        };
        let response = signer.respond(&facts, &SystemEntropy::new()).unwrap();
        let fields = [("SAMLResponse", response)];
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
    }

    /// Signs in at the portal; gives its cookie.
    fn sign_in(&self, signer: &SamlSigner, browser: &mut Browser) -> String {
        let begun = browser.ask(&get("/saml/corp/login?next=portal", ""));
        let value = |answer: &str, name: &str| {
            let line = answer.lines().find(|line| line.to_lowercase().starts_with(name));
            line.unwrap_or_else(|| panic!("no {name} in {answer}")).split_once(": ").unwrap().1.to_owned()
        };
        let cookie = value(&begun, "set-cookie").split(';').next().unwrap().to_owned();
        let location = url::Url::parse(&value(&begun, "location")).unwrap();
        let field =
            |name: &str| location.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned();
        let deflated = STANDARD.decode_to_vec(field("SAMLRequest")).unwrap();
        let request = String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&deflated).unwrap()).unwrap();
        let id = request.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0;
        let form = format!("{}&RelayState={}", self.response(signer, Some(id)), field("RelayState"));
        let arrived = browser.ask(&post(&form, &cookie));
        let portal = arrived.lines().find(|line| line.contains("rolegate-portal="));
        let portal = portal.unwrap_or_else(|| panic!("no portal in {arrived}")).split_once(": ").unwrap().1;
        portal.split(';').next().unwrap().to_owned()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}
