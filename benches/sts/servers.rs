//! The two servers: the broker, and the floor.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64_simd::URL_SAFE_NO_PAD;
use rolegate::clock::{Clock as _, SystemClock};
use rolegate::entropy::SystemEntropy;
use rolegate::seal::{KeyRing, Purpose};
use rolegate::store::embedded::EmbeddedStore;
use rolegate::store::{SessionKey, SessionStore as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::load::Load;
use super::product;

/// The argument by which this program serves the floor; the length of its answers follows.
pub(crate) const FLOOR: &str = "--serve-floor";
/// Bytes of a session token's body, before it is sealed.
const SESSION: usize = 400;
const ROLE: &str = "arn:aws:iam::111122223333:role/Upload";

/// A server process.
pub(crate) trait Served {
    fn child(&self) -> &Child;

    fn address(&self) -> SocketAddr;

    /// CPU time of all its threads so far.
    fn cpu_micros(&self) -> f64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child().id())).unwrap();
        let nanos = |task: fs::DirEntry| {
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap();
            text.split(' ').next().unwrap().parse::<f64>().unwrap()
        };
        tasks.map(|task| nanos(task.unwrap())).sum::<f64>() / 1e3
    }
}

/// How much is configured.
#[derive(Clone, Copy)]
pub(crate) struct World {
    /// The last of them issues the tokens.
    pub(crate) providers: usize,
    /// The last of them is about whoever sends the tokens.
    pub(crate) rules: usize,
    pub(crate) roles: usize,
    /// Live ones, in the store before it starts.
    pub(crate) sessions: usize,
}

impl World {
    /// One of each.
    pub(crate) const SMALL: Self = Self { providers: 1, rules: 1, roles: 1, sessions: 0 };
}

/// The broker that ships.
pub(crate) struct Broker {
    child: Child,
    address: SocketAddr,
    form: String,
    _folder: TempDir,
}

impl Broker {
    pub(crate) fn start(world: World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let issuer = Issuer::generate(world.providers - 1);
        let address = issuer.configure(folder.path(), world);
        remember(world.sessions, &folder.path().join("store"));
        let child = Command::new(product::path())
            .args(["serve", "--config"])
            .arg(folder.path().join("rolegate.toml"))
            .env_remove("RUST_LOG")
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let broker = Self { child, address, form: issuer.form(), _folder: folder };
        broker.wait_until_it_listens();
        broker
    }

    /// Its request.
    pub(crate) fn load(&self) -> Load {
        Load::new(self.address, &self.form)
    }

    /// Bytes of the body that it answers.
    pub(crate) fn answer_length(&self) -> usize {
        let answer = self.load().once(&mut TcpStream::connect(self.address).unwrap());
        assert!(answer.contains("<AssumeRoleWithWebIdentityResult>"), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.len()
    }

    fn wait_until_it_listens(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < deadline, "the broker does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Served for Broker {
    fn child(&self) -> &Child {
        &self.child
    }

    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// This program again, as the floor.
pub(crate) struct Floor {
    child: Child,
    address: SocketAddr,
}

impl Floor {
    /// Whose answers have so many bytes.
    pub(crate) fn start(answer_length: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([FLOOR, &answer_length.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().parse().unwrap() }
    }
}

impl Served for Floor {
    fn child(&self) -> &Child {
        &self.child
    }

    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// What the floor does for each request.
struct Work {
    public: ParsedPublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
    ring: KeyRing,
    entropy: SystemEntropy,
    answer: String,
}

/// Serves the floor until it is killed, after it said where.
pub(crate) fn serve_floor() {
    let answer_length: usize = std::env::args().next_back().unwrap().parse().unwrap();
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let message = vec![b'x'; 700];
    let work = web::Data::from(Arc::new(Work {
        public: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref()).unwrap(),
        signature: sign(&key, &message),
        message,
        ring: KeyRing::generate(&SystemEntropy::new()).unwrap(),
        entropy: SystemEntropy::new(),
        answer: "x".repeat(answer_length),
    }));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    let server =
        HttpServer::new(move || App::new().app_data(work.clone()).route("/", web::post().to(handle)));
    actix_web::rt::System::new().block_on(server.listen(listener).unwrap().run()).unwrap();
}

async fn handle(work: web::Data<Work>, body: web::Bytes) -> HttpResponse {
    std::hint::black_box(body);
    work.public.verify_sig(&work.message, &work.signature).unwrap();
    std::hint::black_box(work.ring.seal(Purpose::SessionToken, &[0x5a; SESSION], &work.entropy).unwrap());
    HttpResponse::Ok().content_type("text/xml").body(work.answer.clone())
}

/// Records so many sessions in the store of `folder`, which end within the next hour.
fn remember(sessions: usize, folder: &std::path::Path) {
    let (store, now, record) = (EmbeddedStore::open(folder).unwrap(), SystemClock.now(), [0x5a; SESSION / 2]);
    for number in 0..sessions as u64 {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        let until = now.plus(Duration::from_millis(900_000 + number % 2_700_000));
        // The queue is bounded, and a broker would not wait for it.
        while store.put(SessionKey { holder: id, until, id }, record.to_vec(), now).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Who signs the tokens: the provider of this number.
struct Issuer {
    key: RsaKeyPair,
    url: String,
}

impl Issuer {
    fn generate(number: usize) -> Self {
        Self { key: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(), url: url(number) }
    }

    /// Writes a configuration, and gives the address of its public listener.
    fn configure(&self, folder: &std::path::Path, world: World) -> SocketAddr {
        let World { providers, rules, roles, .. } = world;
        let save = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        // Ports that were free a moment ago.
        let (public, operations) = (free_address(), free_address());
        save("jwks.json", &self.jwks().to_string());
        let arn = self.url.trim_start_matches("https://");
        save(
            "trust.json",
            &json!({"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow",
                "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
                "Principal": {"Federated": format!("arn:aws:iam::111122223333:oidc-provider/{arn}")},
                "Condition": {
                    "StringEquals": {format!("{arn}:aud"): "app"},
                    "StringLike": {format!("{arn}:sub"): "1098*"},
                },
            }]})
            .to_string(),
        );
        let mut text = format!(
            "public_url = \"http://127.0.0.1:{}\"\n[listen]\npublic = \"{public}\"\noperations = \"{operations}\"\n\
             [store]\npath = \"store\"\n[sealing]\nring = \"ring\"\n[[account]]\nid = \"111122223333\"\n",
            public.port()
        );
        for number in 0..providers {
            text += &format!(
                "[[provider]]\nkind = \"oidc\"\nname = \"p{number}\"\naccount = \"111122223333\"\nissuer = \"{}\"\n\
                 client_ids = [\"app\"]\njwks = \"jwks.json\"\nalgorithms = [\"RS256\"]\n",
                url(number)
            );
        }
        let arn = |number: usize| if number == 0 { ROLE.to_owned() } else { format!("{ROLE}{number}") };
        for number in 0..roles {
            text += &format!("[[role]]\narn = \"{}\"\ntrust_policy = \"trust.json\"\n", arn(number));
        }
        for number in 1..rules {
            text += &format!(
                "[[rule]]\nname = \"rule {number}\"\nwhen = '\"team-{number}\" in groups && attr.level[0] == \"7\"'\n\
                 roles = [\"{}\"]\n",
                arn(number % roles)
            );
        }
        text += &format!(
            "[[rule]]\nname = \"uploaders\"\n\
             provider = \"p{}\"\nwhen = '\"uploaders\" in groups && attr.email[0].endsWith(\"@example.com\")'\n\
             roles = [\"{ROLE}\"]\ntags = {{ team = 'attr.team[0]' }}\n",
            providers - 1
        );
        save("rolegate.toml", &text);
        public
    }

    fn jwks(&self) -> Value {
        let public = self.key.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode_to_string(bytes);
        json!({"keys": [{
            "kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256",
            "n": number(public.modulus().big_endian_without_leading_zero()),
            "e": number(public.exponent().big_endian_without_leading_zero()),
        }]})
    }

    /// `AssumeRoleWithWebIdentity` with a token that is good for an hour.
    fn form(&self) -> String {
        let part = |value: Value| URL_SAFE_NO_PAD.encode_to_string(value.to_string());
        let now = SystemClock.now().unix();
        let header = part(json!({"alg": "RS256", "kid": "k", "typ": "JWT"}));
        let claims = part(json!({
            "iss": self.url, "sub": "109876543210", "aud": "app", "iat": now, "exp": now + 3600,
            "email": "ann@example.com", "email_verified": true, "team": "mobile", "groups": ["uploaders", "staff"],
        }));
        let signed = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode_to_string(sign(&self.key, signed.as_bytes()));
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "AssumeRoleWithWebIdentity")
            .append_pair("Version", "2011-06-15")
            .append_pair("RoleArn", ROLE)
            .append_pair("RoleSessionName", "phone")
            .append_pair("WebIdentityToken", &format!("{signed}.{signature}"))
            .finish()
    }
}

fn url(number: usize) -> String {
    format!("https://issuer-{number}.example.com")
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[allow(clippy::disallowed_methods)] // RSA PKCS#1 signatures take a generator and draw nothing from it.
fn sign(key: &RsaKeyPair, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}
