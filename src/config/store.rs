//! Where what must be remembered is kept.

use std::path::PathBuf;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::document::{Item, Place, read_text};
use super::fault::Faults;
use super::secrets::private_secret;
use super::settings::{
    OutageSettings, Settings, StoreKind, StoreMode, StoreSettings, StoreTlsSettings, StoreUrls,
};
use crate::secret::Secret;
use crate::store::redis::{RedisAccount, RedisSettings, RedisTls, Servers};

/// Larger files of certificates are wrong ones.
const LARGEST_PEM: u64 = 1024 * 1024;
/// How long a request may wait for Redis.
const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(5);
const URL_HELP: &str = "write redis://host:6379, or rediss://host:6379 for TLS";

/// Where what must be remembered is kept.
#[derive(Debug, Clone)]
pub enum StorePlace {
    /// In files below this folder.
    Embedded(PathBuf),
    /// In this Redis.
    Redis(Box<RedisSettings>),
    /// Nowhere.
    Memory,
}

pub(super) fn store(main: &Item<Settings>, faults: &mut Faults) -> Option<StorePlace> {
    let (written, place) = (&main.value.store, &main.place);
    if written.kind != StoreKind::Redis {
        refuse(&of_redis(written), "kind = \"redis\"", place, faults);
    }
    match written.kind {
        StoreKind::Embedded => Some(StorePlace::Embedded(place.resolve(&written.path))),
        StoreKind::Memory => Some(StorePlace::Memory),
        StoreKind::Redis => {
            redis(written, place, faults).map(|settings| StorePlace::Redis(Box::new(settings)))
        }
    }
}

/// Which keys are set that mean something for Redis only.
fn of_redis(written: &StoreSettings) -> [(&'static str, bool); 10] {
    [
        ("mode", written.mode != StoreMode::Standalone),
        ("url", written.url.is_some()),
        ("master", written.master.is_some()),
        ("username", written.username.is_some()),
        ("password", written.password.is_some()),
        ("sentinel_username", written.sentinel_username.is_some()),
        ("sentinel_password", written.sentinel_password.is_some()),
        ("replicas", written.replicas != 0),
        ("tls", written.tls.is_some()),
        ("outage", written.outage != OutageSettings::default()),
    ]
}

/// Keys that are set and can't be.
fn refuse(keys: &[(&str, bool)], only: &str, place: &Place, faults: &mut Faults) {
    for (key, _) in keys.iter().filter(|(_, is_set)| *is_set) {
        let message = format!("`{key}` is for {only}");
        faults.error(place.at(&format!("store.{key}")), message, "set that, or take it out");
    }
}

fn redis(written: &StoreSettings, place: &Place, faults: &mut Faults) -> Option<RedisSettings> {
    let urls = urls(written, place, faults)?;
    let servers = servers(written, urls, place, faults);
    let account = account(&written.username, written.password.as_ref(), "password", place, faults);
    let tls = match &written.tls {
        Some(tls) => self::tls(tls, place, faults),
        None => Some(RedisTls::default()),
    };
    let patience = written.timeout.0;
    if !TIMEOUTS.contains(&patience) {
        let message = format!("a timeout of {} ms makes no sense", patience.as_millis());
        faults.error(place.at("store.timeout"), message, "write 50ms to 5s");
        return None;
    }
    let (servers, account, tls) = (servers?, account?, tls?);
    let settings = RedisSettings { servers, account, tls, replicas: written.replicas, patience };
    match settings.check() {
        Ok(()) => Some(settings),
        Err(problem) => {
            faults.error(place.at("store.url"), problem, URL_HELP);
            None
        }
    }
}

fn urls(written: &StoreSettings, place: &Place, faults: &mut Faults) -> Option<Vec<String>> {
    let urls = match &written.url {
        Some(StoreUrls::One(url)) => vec![url.clone()],
        Some(StoreUrls::Several(urls)) => urls.clone(),
        None => Vec::new(),
    };
    if urls.is_empty() {
        faults.error(place.at("store"), "the Redis store has no url", URL_HELP);
        return None;
    }
    // Whether or not the rest of it is a URL.
    if urls.iter().any(|url| url.contains('@') || url.contains("pass=")) {
        // Not at the URL itself, which would be shown.
        let message = "neither user nor password can stand in the url";
        let help = "write username and password = { file = \"…\" }, and change what was written here";
        faults.error(place.at("store"), message, help);
        return None;
    }
    if written.tls.is_some() && !urls.iter().all(|url| url.starts_with("rediss://")) {
        faults.error(place.at("store.tls"), "`tls` is for rediss:// urls", "change the url, or take it out");
        return None;
    }
    Some(urls)
}

fn servers(
    written: &StoreSettings,
    mut urls: Vec<String>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Servers> {
    if written.mode != StoreMode::Sentinel {
        let keys =
            of_redis(written).into_iter().filter(|(key, _)| key.starts_with("sentinel") || *key == "master");
        refuse(&keys.collect::<Vec<_>>(), "mode = \"sentinel\"", place, faults);
    }
    match written.mode {
        StoreMode::Standalone if urls.len() > 1 => {
            let message = format!("{} urls make no single server", urls.len());
            faults.error(place.at("store.url"), message, "set mode to sentinel or cluster, or name one");
            None
        }
        StoreMode::Standalone => urls.pop().map(Servers::Standalone),
        StoreMode::Sentinel => {
            let Some(master) = written.master.clone() else {
                let help = "write master = \"…\": the name in `sentinel monitor NAME …`";
                faults.error(place.at("store"), "it is not said which master to ask the Sentinels for", help);
                return None;
            };
            let password = written.sentinel_password.as_ref();
            let account = account(&written.sentinel_username, password, "sentinel_password", place, faults)?;
            Some(Servers::Sentinel { urls, master, account })
        }
        StoreMode::Cluster => {
            if written.replicas != 0 {
                let help = "take it out; docs/several-nodes.md says what a cluster can promise";
                faults.error(place.at("store.replicas"), "a cluster is not asked about replicas", help);
                return None;
            }
            Some(Servers::Cluster(urls))
        }
    }
}

fn account(
    username: &Option<String>,
    password: Option<&super::settings::SecretRef>,
    key: &str,
    place: &Place,
    faults: &mut Faults,
) -> Option<RedisAccount> {
    let username = username.clone();
    let Some(password) = password else { return Some(RedisAccount { username, password: None }) };
    let key = format!("store.{key}");
    let password = private_secret(password, "the store's password", &key, place, faults)?;
    Some(RedisAccount { username, password: Some(password) })
}

fn tls(written: &StoreTlsSettings, place: &Place, faults: &mut Faults) -> Option<RedisTls> {
    let mut certificates = |path: &PathBuf, key: &str| {
        let path = place.resolve(path);
        let read = read_text(&path, LARGEST_PEM).and_then(|text| {
            let parsed = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>();
            let is_some = parsed.is_ok_and(|parsed| !parsed.is_empty());
            is_some
                .then_some(text.into_bytes())
                .ok_or_else(|| format!("{} holds no certificate", path.display()))
        });
        read.map_err(|problem| faults.error(place.at(key), problem, "name a readable PEM file")).ok()
    };
    let authorities = match &written.authorities {
        Some(path) => Some(certificates(path, "store.tls.authorities")?),
        None => None,
    };
    let client = match (&written.certificate, &written.key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            let certificate = certificates(certificate, "store.tls.certificate")?;
            let what = "the key of the store's certificate";
            let key = private_secret(key, what, "store.tls.key", place, faults)?;
            if PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).is_err() {
                faults.error(place.at("store.tls.key"), "it holds no private key", "name one in PEM");
                return None;
            }
            Some((certificate, Secret::new(key.expose().clone().into_bytes())))
        }
        _ => {
            let message = "certificate and key belong together";
            faults.error(place.at("store.tls"), message, "name both, or neither");
            return None;
        }
    };
    Some(RedisTls { authorities, client })
}
