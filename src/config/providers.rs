//! `[[provider]]` becomes a verifier in the directory.

use std::ops::RangeInclusive;
use std::time::Duration;

use url::Url;

use super::claims;
use super::document::{Item, Place, Written};
use super::fault::Faults;
use super::issuers::{self, Issuer};
use super::mail_domains;
use super::metadata;
use super::secrets::read_secret;
use super::service_provider;
use super::settings::{
    Encryption, GrantBy, Laxity, OidcLoginSettings, OidcProviderSettings, ProviderSettings,
    SamlProviderSettings, TokenReplay,
};
use super::span::Span;
use crate::arn::{AccountId, ProviderArn};
use crate::clock::Moment;
use crate::directory::{Directory, Provider, Replay, SamlSide, Verifier};
use crate::fetch::{NoClient, Reach, http_client};
use crate::identity::oidc::{
    Algorithm, KeyAges, LoginSettings, NoAlgorithm, OidcFault, OidcProvider, OidcSettings,
};
use crate::identity::saml::{Accept, SamlSettings};

/// Those that AWS takes.
const USUAL_ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::ES512,
];
/// More tolerance than this would keep expired documents alive (AWS's own leeway, facts 3.3).
const LARGEST_SKEW: Duration = Duration::from_secs(300);

/// More often is a burden on the issuer; more seldom keeps withdrawn keys alive.
const KEYS_REFRESH: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(24 * 3600);
/// An issuer that can't be reached for longer may no longer be who it was.
const LARGEST_KEYS_AGE: Duration = Duration::from_secs(7 * 24 * 3600);

/// A stolen assertion is good for as long.
const LARGEST_AGE: Duration = Duration::from_secs(3600);

/// Adds every provider that can be built.
pub(super) fn fill(
    written: &Written,
    public: &Url,
    at: Moment,
    directory: &mut Directory,
    faults: &mut Faults,
) {
    if written.providers.is_empty() {
        return;
    }
    let clients = match Clients::new() {
        Ok(clients) => clients,
        Err(error) => {
            faults.error(None, error.to_string(), "install the system's certificates");
            return;
        }
    };
    let copies = written.main.place.resolve(&written.main.value.saml.metadata_cache);
    for Item { value, place } in &written.providers {
        let built = match value {
            ProviderSettings::Saml(saml) => {
                let metadata = metadata::Written {
                    provider: saml,
                    place,
                    copies: &copies,
                    http: clients.within(EVERYWHERE),
                    at,
                };
                saml_provider(&metadata, public, directory, faults)
            }
            ProviderSettings::Oidc(oidc) => oidc_provider(oidc, place, &clients, directory, faults),
        };
        let mail_domains = mail_domains::checked(value, place, faults);
        let Some(provider) = built.map(|built| Provider { mail_domains, ..built }) else { continue };
        let (name, arn) = (provider.name.clone(), provider.arn.clone());
        if directory.add_provider(provider).is_err() {
            let message = format!("there is another provider with the name {name:?} or the ARN {arn}");
            faults.error(
                place.at("name"),
                message,
                "give each provider its own name; an issuer stands once an account",
            );
        }
    }
}

/// Where an operator wrote the address, it may be anywhere.
const EVERYWHERE: Reach = Reach { private: true, loopback: true };

/// One client for each reach that providers may have: names are looked up within it.
struct Clients([(Reach, reqwest::Client); 3]);

impl Clients {
    fn new() -> Result<Self, NoClient> {
        let client = |private, loopback| {
            let reach = Reach { private, loopback };
            Ok((reach, http_client(reach)?))
        };
        Ok(Self([client(false, false)?, client(false, true)?, client(true, true)?]))
    }

    /// The client whose reach is the narrowest that has all of `reach`.
    fn within(&self, reach: Reach) -> &reqwest::Client {
        let [nowhere, here, everywhere] = &self.0;
        match reach {
            Reach { private: true, .. } => &everywhere.1,
            Reach { loopback: true, .. } => &here.1,
            _ => &nowhere.1,
        }
    }
}

fn saml_provider(
    metadata: &metadata::Written<'_>,
    public: &Url,
    directory: &Directory,
    faults: &mut Faults,
) -> Option<Provider> {
    let (written, place) = (metadata.provider, metadata.place);
    let account = common(&written.name, &written.account, written.clock_skew, place, directory, faults);
    if written.max_assertion_age.0 > LARGEST_AGE {
        let message = format!("{} s is more than 1h", written.max_assertion_age.0.as_secs());
        faults.error(place.at("max_assertion_age"), message, "write 5m, and 1h at most");
    }
    warn_of_laxities(written, place, faults);
    let base = public.as_str().trim_end_matches('/');
    let acs_url = format!("{base}/saml/{}/acs", written.name);
    let entity_id =
        written.entity_id.clone().unwrap_or_else(|| format!("{base}/saml/{}/metadata", written.name));
    let audiences =
        if written.audiences.is_empty() { vec![entity_id.clone()] } else { written.audiences.clone() };
    let sp = service_provider::settings(written, base, metadata.at, place, faults);
    let arn = ProviderArn::saml(account?, &written.name);
    let settings = SamlSettings {
        arn: arn.clone(),
        name: written.name.clone(),
        entity_id,
        audiences,
        recipients: vec![acs_url.clone(), format!("{base}/saml")],
        clock_skew: written.clock_skew.0,
        max_age: written.max_assertion_age.0,
        authn_contexts: written.authn_contexts.clone(),
        must_be_encrypted: written.encryption == Encryption::Required,
        accept: accept(&written.accept),
        sp: sp?,
    };
    let provider = metadata.verifier(settings, faults)?;
    service_provider::check(&provider, place, faults);
    let (idp_initiated, replay) = (written.idp_initiated, written.replay);
    Some(Provider {
        name: written.name.clone(),
        arn,
        label: label(written.label.as_ref(), &written.name),
        mail_domains: Vec::new(),
        asserts_roles: written.assert_roles,
        grants_by_trust_policy: written.grant == GrantBy::TrustPolicy,
        verifier: Verifier::Saml(Box::new(SamlSide { provider, acs_url, idp_initiated, replay })),
    })
}

fn accept(laxities: &[Laxity]) -> Accept {
    let names = |laxity| laxities.contains(&laxity);
    Accept {
        sha1: names(Laxity::Sha1),
        signed_response: names(Laxity::SignedResponse),
        any_audience: names(Laxity::AnyAudience),
        any_recipient: names(Laxity::AnyRecipient),
        any_response_issuer: names(Laxity::AnyResponseIssuer),
        early: names(Laxity::Early),
        aes_cbc: names(Laxity::AesCbc),
    }
}

fn warn_of_laxities(written: &SamlProviderSettings, place: &Place, faults: &mut Faults) {
    for laxity in &written.accept {
        let message = format!("provider {} accepts {}", written.name, laxity.risk());
        faults.warning(
            place.at("accept"),
            message,
            "leave it only where the identity provider can't be mended",
        );
    }
    if written.replay == Replay::Reuse {
        let message = format!("provider {}: an assertion may be used again until it expires", written.name);
        faults.warning(place.at("replay"), message, "leave it only where a tool needs AWS's own behaviour");
    }
}

fn oidc_provider(
    written: &OidcProviderSettings,
    place: &Place,
    clients: &Clients,
    directory: &Directory,
    faults: &mut Faults,
) -> Option<Provider> {
    let account = common(&written.name, &written.account, written.clock_skew, place, directory, faults);
    let Issuer { issuer, client_ids, algorithms } = issuers::resolve(written, place, faults)?;
    if client_ids.is_empty() {
        faults.error(
            place.at("client_ids"),
            "there is no client id: every token would be refused",
            "list the client ids that tokens of this issuer may be meant for",
        );
    }
    let algorithms = self::algorithms(&algorithms, place, faults)?;
    let login = match &written.login {
        Some(login) => Some(login_settings(login, &client_ids, place, faults)?),
        None => None,
    };
    let claims = claims::settings(written, place, faults)?;
    let keys = issuers::key_source(written, &issuer, place, faults)?;
    let key_ages = key_ages(written, place, faults);
    let reach = Reach { private: written.allow_private_addresses, loopback: written.allow_loopback_http };
    let arn = ProviderArn::oidc(account?, &issuer);
    let settings = OidcSettings {
        arn: arn.clone(),
        name: written.name.clone(),
        issuer,
        client_ids,
        algorithms,
        clock_skew: written.clock_skew.0,
        keys,
        key_ages,
        one_time: written.replay == TokenReplay::Once,
        access_tokens: written.accept_access_tokens,
        reach,
        login,
        claims,
    };
    let provider = OidcProvider::new(settings, clients.within(reach).clone());
    let told = |error: &OidcFault| {
        let (key, help) = match error {
            OidcFault::Keys(_) => ("jwks", "save the issuer's JWKS there, with a `kid` for every key"),
            _ => ("issuer", "write the issuer exactly as its tokens do"),
        };
        faults.error(place.at(key), with_causes(error), help);
    };
    let provider = provider.inspect_err(told).ok()?;
    for unusable in provider.unusable_keys() {
        let message = format!("a key that is not used: {unusable}");
        faults.warning(
            place.at("jwks"),
            message,
            "tokens that it signs are refused; mend it, or take it out",
        );
    }
    Some(Provider {
        name: written.name.clone(),
        arn,
        label: label(written.label.as_ref(), &written.name),
        mail_domains: Vec::new(),
        asserts_roles: written.assert_roles,
        grants_by_trust_policy: written.grant == GrantBy::TrustPolicy,
        verifier: Verifier::Oidc(Box::new(provider)),
    })
}

fn key_ages(written: &OidcProviderSettings, place: &Place, faults: &mut Faults) -> KeyAges {
    let usual = KeyAges::default();
    let refresh = written.keys_refresh.map_or(usual.refresh, |span| span.0);
    let max = written.keys_max_age.map_or(usual.max, |span| span.0);
    let ages = [("keys_refresh", written.keys_refresh), ("keys_max_age", written.keys_max_age)];
    for (key, _) in ages.iter().filter(|(_, age)| age.is_some() && written.jwks.is_some()) {
        let message = format!("{key} is for keys that are fetched");
        faults.error(place.at(key), message, "leave it out: the file is read again when it changes");
    }
    if !KEYS_REFRESH.contains(&refresh) {
        let message = format!("{} s is not between 1m and 1d", refresh.as_secs());
        faults.error(place.at("keys_refresh"), message, "write 5m, or leave it out");
    } else if max < refresh || max > LARGEST_KEYS_AGE {
        let message = format!("{} s is not between keys_refresh and 7d", max.as_secs());
        faults.error(place.at("keys_max_age"), message, "write 24h, or leave it out");
    }
    KeyAges { refresh, max }
}

/// What both kinds have: a name that can stand in a URL, a declared account, a bounded skew.
fn common(
    name: &str,
    account: &str,
    skew: Span,
    place: &Place,
    directory: &Directory,
    faults: &mut Faults,
) -> Option<AccountId> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > 128 || !name.bytes().all(fits) || name.starts_with('.') {
        let message = format!("{name:?} can't be a provider's name");
        faults.error(place.at("name"), message, "use 1 to 128 letters, digits, `.`, `_` or `-`");
    }
    if skew.0 > LARGEST_SKEW {
        let message = format!("a clock skew of {} s is more than 5 minutes", skew.0.as_secs());
        faults.error(place.at("clock_skew"), message, "synchronize the clocks instead");
    }
    declared_account(account, "account", place, directory, faults)
}

/// An account id that an `[[account]]` declares.
pub(super) fn declared_account(
    text: &str,
    key: &str,
    place: &Place,
    directory: &Directory,
    faults: &mut Faults,
) -> Option<AccountId> {
    let id = text.parse::<AccountId>();
    match id {
        Ok(id) if directory.account(id).is_some() => Some(id),
        Ok(id) => {
            let help = format!("add [[account]] with id = \"{id}\"");
            faults.error(place.at(key), format!("account {id} is not declared"), help);
            None
        }
        Err(error) => {
            faults.error(place.at(key), error.to_string(), "write twelve digits in quotes");
            None
        }
    }
}

fn algorithms(written: &[String], place: &Place, faults: &mut Faults) -> Option<Vec<Algorithm>> {
    if written.is_empty() {
        return Some(USUAL_ALGORITHMS.to_vec());
    }
    let mut accepted = Vec::new();
    for name in written {
        match name.parse() {
            Ok(algorithm) => accepted.push(algorithm),
            Err(NoAlgorithm) => faults.error(
                place.at("algorithms"),
                format!("{name:?} is not an algorithm that can be accepted"),
                format!("choose among {:?}", Algorithm::ALL),
            ),
        }
    }
    (accepted.len() == written.len()).then_some(accepted)
}

fn login_settings(
    login: &OidcLoginSettings,
    client_ids: &[String],
    place: &Place,
    faults: &mut Faults,
) -> Option<LoginSettings> {
    if !client_ids.contains(&login.client_id) {
        faults.error(
            place.at("login.client_id"),
            format!("{:?} is not one of client_ids, so its tokens would be refused", login.client_id),
            "add it to client_ids",
        );
    }
    let client_secret = match &login.client_secret {
        None => None,
        Some(reference) => match read_secret(reference, place) {
            Ok(secret) => Some(secret),
            Err(problem) => {
                faults.error(
                    place.at("login.client_secret"),
                    problem,
                    "name a file or variable that holds it",
                );
                return None;
            }
        },
    };
    Some(LoginSettings {
        client_id: login.client_id.clone(),
        client_secret,
        scopes: login.scopes.clone(),
        userinfo: login.userinfo,
    })
}

fn label(written: Option<&String>, name: &str) -> String {
    written.cloned().unwrap_or_else(|| name.to_owned())
}

/// An error and what caused it, in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
