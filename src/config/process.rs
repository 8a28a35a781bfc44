//! What the process needs, as opposed to what decides about requests.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::document::Item;
use super::fault::Faults;
use super::secrets::{exposed, named, read_secret};
use super::settings::{LogFormat, OutageStart, Settings};
use super::store::{StorePlace, store};
use crate::network::Network;
use crate::secret::Secret;
use crate::telemetry;

/// Fewer characters can be guessed.
const SHORTEST_ADMIN_TOKEN: usize = 32;

/// Addresses, files and the log.
#[derive(Debug, Clone)]
pub struct Process {
    /// The public listener.
    pub public: SocketAddr,
    /// The operations listener.
    pub operations: SocketAddr,
    /// Whose word about a client's address is taken.
    pub trusted_proxies: Vec<Network>,
    /// What those in charge show.
    pub admin_token: Option<Secret<String>>,
    /// HTTPS for the public listener.
    pub tls: Option<TlsFiles>,
    /// The store.
    pub store: StorePlace,
    /// Whether to serve though the store can't be asked what was revoked.
    pub starts_without_store: bool,
    /// How long credentials are believed while other nodes' revocations are not heard; nothing: as long as they last.
    pub unheard_for: Option<Duration>,
    /// The key ring.
    pub ring: PathBuf,
    /// The keys that sign tokens.
    pub signing_keys: PathBuf,
    /// The form of the log.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_level: String,
}

/// A certificate and key that fit together.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// What rustls serves.
    pub server: Arc<ServerConfig>,
}

impl Process {
    pub(super) fn check(main: &Item<Settings>, faults: &mut Faults) -> Option<Self> {
        let (settings, place) = (&main.value, &main.place);
        let mut address = |key: &str, text: &str| -> Option<SocketAddr> {
            let parsed = text.parse().ok();
            if parsed.is_none() {
                let message = format!("{text:?} is not an address to listen on");
                faults.error(
                    place.at(key),
                    message,
                    "write an IP address and a port, such as 127.0.0.1:8080",
                );
            }
            parsed
        };
        let public = address("listen.public", &settings.listen.public);
        let operations = address("listen.operations", &settings.listen.operations);
        let trusted_proxies = trusted_proxies(main, faults);
        if let Err(problem) = telemetry::parse_level(&settings.log.level) {
            let message = format!("{:?} is not a log level: {problem}", settings.log.level);
            faults.error(place.at("log.level"), message, "write info, debug, or warn,rolegate=debug");
        }
        let admin_token = admin_token(main, faults);
        let store = store(main, faults);
        let tls = load_tls(main, faults);
        if settings.tls.is_some() && tls.is_none() {
            return None;
        }
        Some(Self {
            public: public?,
            operations: operations?,
            trusted_proxies,
            admin_token,
            tls,
            store: store?,
            starts_without_store: settings.store.outage.start == OutageStart::Serve,
            unheard_for: settings.store.outage.unheard_for.map(|span| span.0),
            ring: place.resolve(&settings.sealing.ring),
            signing_keys: place.resolve(&settings.sealing.signing_keys()),
            log_format: settings.log.format,
            log_level: settings.log.level.clone(),
        })
    }
}

fn trusted_proxies(main: &Item<Settings>, faults: &mut Faults) -> Vec<Network> {
    let mut networks = Vec::new();
    for text in &main.value.listen.trusted_proxies {
        let network = Network::parse(text);
        if network.is_none() {
            let message = format!("{text:?} is no address and no network");
            faults.error(main.place.at("listen.trusted_proxies"), message, "write 127.0.0.1 or 10.0.0.0/8");
        }
        if text.ends_with("/0") {
            let message = format!("{text:?} is everybody: whoever calls could say where from");
            faults.error(main.place.at("listen.trusted_proxies"), message, "name the proxies' own addresses");
        }
        networks.extend(network);
    }
    networks
}

fn admin_token(main: &Item<Settings>, faults: &mut Faults) -> Option<Secret<String>> {
    let reference = main.value.admin.token.as_ref()?;
    let place = main.place.at("admin.token");
    let wanted = "make one by openssl rand -hex 32";
    if let Some(mode) = exposed(reference, &main.place) {
        let message = format!("others may read {} (mode {mode:o})", named(reference, &main.place));
        faults.warning(place.clone(), message, "make it 600: who has it may end anybody's sessions");
    }
    match read_secret(reference, &main.place) {
        Ok(token) if token.expose().len() < SHORTEST_ADMIN_TOKEN => {
            let length = token.expose().len();
            let message = format!("the token has {length} characters; it must have {SHORTEST_ADMIN_TOKEN}");
            faults.error(place, message, wanted);
            None
        }
        Ok(token) => Some(token),
        Err(problem) => {
            faults.error(place, problem, wanted);
            None
        }
    }
}

fn load_tls(main: &Item<Settings>, faults: &mut Faults) -> Option<TlsFiles> {
    let tls = main.value.tls.as_ref()?;
    let chain_path = main.place.resolve(&tls.certificate);
    let chain = CertificateDer::pem_file_iter(&chain_path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| format!("can't read certificates from {}: {error}", chain_path.display()));
    let chain = chain.and_then(|chain| {
        if chain.is_empty() {
            Err(format!("{} holds no certificate", chain_path.display()))
        } else {
            Ok(chain)
        }
    });
    let key_path = main.place.resolve(&tls.key);
    let key = PrivateKeyDer::from_pem_file(&key_path)
        .map_err(|error| format!("can't read a private key from {}: {error}", key_path.display()));
    match (chain, key) {
        (Ok(chain), Ok(key)) => match server_config(chain, key) {
            Ok(server) => return Some(TlsFiles { server: Arc::new(server) }),
            Err(error) => faults.error(
                main.place.at("tls"),
                format!("certificate and key can't be used: {error}"),
                "check that the key belongs to the first certificate of the chain",
            ),
        },
        (chain, key) => {
            for (key, problem) in [("tls.certificate", chain.err()), ("tls.key", key.err())] {
                if let Some(problem) = problem {
                    faults.error(main.place.at(key), problem, "name a readable PEM file");
                }
            }
        }
    }
    None
}

/// TLS 1.2 and 1.3 with rustls's own defaults, by aws-lc-rs.
fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, io::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    builder.with_no_client_auth().with_single_cert(chain, key).map_err(io::Error::other)
}
