//! A server that speaks TLS only, wants a certificate of whoever asks, and gives a user no more rights than the
//! documentation says.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rolegate::secret::Secret;
use rolegate::store::redis::{RedisAccount, RedisSettings, RedisStore, RedisTls, Servers};
use rolegate::store::{Claimed, ReplayCache as _};

use super::server::{Server, free_ports, open, settings};
use super::{NOW, claim};

const PASSWORD: &str = "password-of-the-store";

/// The server, and what it takes to be let in.
pub(super) struct Guarded {
    _server: Server,
    settings: RedisSettings,
}

impl Guarded {
    pub(super) fn start() -> Self {
        let (folder, [port]) = (tempfile::tempdir().unwrap(), free_ports());
        let authority = Authority::new("the authority");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (certificate, key) = authority.vouch_for(&["localhost", "127.0.0.1"]);
        let (certificate, key) = (write("server.pem", &certificate), write("server.key", &key));
        let authorities = write("ca.pem", &authority.pem());
        let (tls_port, rights) = (port.to_string(), rights());
        let password = format!(">{PASSWORD}");
        let mut arguments = vec!["--port", "0", "--tls-port", &tls_port, "--bind", "127.0.0.1"];
        arguments.extend(["--tls-cert-file", &certificate, "--tls-key-file", &key]);
        arguments.extend(["--tls-ca-cert-file", &authorities, "--tls-auth-clients", "yes"]);
        arguments.extend(["--user", "rolegate", "on", &password]);
        arguments.extend(rights.iter().map(String::as_str));
        let server = Server::with(&arguments);
        let (certificate, key) = authority.vouch_for(&["node"]);
        let client = Some((certificate.into_bytes(), Secret::new(key.into_bytes())));
        let tls = RedisTls { authorities: Some(authority.pem().into_bytes()), client };
        let account =
            RedisAccount { username: Some("rolegate".into()), password: Some(Secret::new(PASSWORD.into())) };
        let servers = Servers::Standalone(format!("rediss://localhost:{port}"));
        Self { _server: server, settings: RedisSettings { account, tls, ..settings(servers) } }
    }

    pub(super) fn store(&self) -> RedisStore {
        open(&self.settings)
    }
}

/// The rights that `docs/several-nodes.md` says a user needs.
fn rights() -> Vec<String> {
    let text = fs::read_to_string("docs/several-nodes.md").unwrap();
    let (_, rights) = text.split_once("needs `").unwrap();
    let (keys, rights) = rights.split_once("` and the commands `").unwrap();
    let (commands, _) = rights.split_once('`').unwrap();
    let commands = commands.split_whitespace().map(|command| format!("+{}", command.to_lowercase()));
    keys.split_whitespace().map(str::to_owned).chain(commands).collect()
}

/// Who vouches for servers and nodes.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap() }
    }

    fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for `names`, and its key.
    fn vouch_for(&self, names: &[&str]) -> (String, String) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

#[tokio::test]
async fn both_sides_must_be_vouched_for() {
    let guarded = Guarded::start();
    assert_eq!(guarded.store().claim(claim(1), NOW).await.unwrap(), Claimed::First);
    let refused = async |tls: RedisTls| {
        let store = open(&RedisSettings { tls, ..guarded.settings.clone() });
        store.claim(claim(2), NOW).await.unwrap_err().to_string()
    };
    let good = &guarded.settings.tls;
    let nobody = refused(RedisTls { client: None, ..good.clone() }).await;
    assert!(nobody.contains("CertificateRequired"), "{nobody}");
    let stranger = Authority::new("somebody else");
    let authorities = Some(stranger.pem().into_bytes());
    let unknown = refused(RedisTls { authorities, ..good.clone() }).await;
    assert!(unknown.contains("UnknownIssuer"), "{unknown}");
    let unknown = refused(RedisTls { authorities: None, ..good.clone() }).await;
    assert!(unknown.contains("UnknownIssuer"), "the system does not know it: {unknown}");
}
