//! Metadata that heals itself: fetched, looked at again, kept, and never made worse.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use rolegate::clock::Moment;
use rolegate::entropy::{Entropy, NoEntropy};
use rolegate::fetch::{Reach, http_client};
use rolegate::identity::VerifyCode;
use rolegate::identity::saml::{
    MetadataError, MetadataTerms, MetadataUrl, Refreshed, RequestFault, SamlProvider,
};

use super::fixture::{
    ASSERTION, ATTACKER, EXPECTED, HONEST, IDP, Key, Signing, base64, enveloped, metadata, noon, response,
    settings, swap,
};
use super::publisher::{Answer, Server};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

const HERE: Reach = Reach { private: true, loopback: true };

/// No chance at all.
struct Punctual;

impl Entropy for Punctual {
    fn fill(&self, out: &mut [u8]) -> Result<(), NoEntropy> {
        out.fill(0);
        Ok(())
    }
}

fn from(url: &str, copies: &Path) -> MetadataUrl {
    MetadataUrl {
        url: url.parse().unwrap(),
        refresh: 6 * HOUR,
        patience: MINUTE,
        allow_loopback_http: true,
        copies: copies.to_owned(),
    }
}

fn provider(url: &str, copies: &Path, terms: MetadataTerms) -> SamlProvider {
    SamlProvider::from_url(settings(), from(url, copies), terms, http_client(HERE).unwrap()).unwrap()
}

/// The check that refuses a response by `key` at noon, or nothing.
fn refusal(provider: &SamlProvider, key: &Key) -> &'static str {
    let signing = Signing { key, ..Signing::of("_a") };
    let document = response(&enveloped(ASSERTION, &signing.sign(ASSERTION)));
    provider.verify(&base64(document.as_bytes()), EXPECTED, noon()).map_or_else(|fault| fault.check(), |_| "")
}

fn fingerprints(provider: &SamlProvider, at: Moment) -> Vec<String> {
    provider.metadata_state(at).certificates.into_iter().map(|one| one.fingerprint).collect()
}

#[tokio::test]
async fn new_keys_are_taken_over_and_old_ones_dropped() {
    let copies = tempfile::tempdir().unwrap();
    let server = Server::publishing(&metadata(&[&HONEST]));
    let provider = provider(&server.url, copies.path(), MetadataTerms::default());
    assert_eq!((provider.issuer(), refusal(&provider, &HONEST)), (None, "saml.metadata-missing"));
    assert_eq!(provider.refresh(noon()).await, Refreshed::Renewed { gone: vec![] });
    assert_eq!(provider.issuer(), Some(IDP));
    assert_eq!((refusal(&provider, &HONEST), refusal(&provider, &ATTACKER)), ("", "saml.signature.value"));
    let before = fingerprints(&provider, noon());

    server.says(Answer::Document("\"2\"", metadata(&[&HONEST, &ATTACKER])));
    assert_eq!(provider.refresh(noon()).await, Refreshed::Renewed { gone: vec![] });
    assert_eq!((refusal(&provider, &HONEST), refusal(&provider, &ATTACKER)), ("", ""), "both, meanwhile");

    server.says(Answer::Document("\"3\"", metadata(&[&ATTACKER])));
    assert_eq!(provider.refresh(noon()).await, Refreshed::Renewed { gone: before });
    assert_eq!((refusal(&provider, &HONEST), refusal(&provider, &ATTACKER)), ("saml.signature.value", ""));
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let copies = tempfile::tempdir().unwrap();
    let until = swap(&metadata(&[&HONEST]), "entityID", "validUntil=\"2026-11-22T18:00:00Z\" entityID");
    let server = Server::publishing(&until);
    let provider = provider(&server.url, copies.path(), MetadataTerms::default());
    provider.refresh(noon()).await;
    assert!(!server.last_request().contains("if-none-match"));
    let later = noon().plus(HOUR);
    assert_eq!(provider.refresh(later).await, Refreshed::Unchanged);
    assert!(server.last_request().contains("\r\nif-none-match: \"1\"\r\n"), "{}", server.last_request());
    assert!(server.last_request().contains("\r\naccept: application/samlmetadata+xml"));
    assert_eq!(provider.metadata_state(later).confirmed, Some(later));
    // What is over does not come alive by being confirmed, and is asked for whole from then on.
    let over = noon().plus(7 * HOUR);
    assert_eq!(provider.refresh(over).await, Refreshed::Failed);
    assert_eq!(provider.refresh(over).await, Refreshed::Failed);
    assert!(!server.last_request().contains("if-none-match"));
}

#[tokio::test]
async fn what_is_no_good_keeps_the_old_copy() {
    let document = |text: String| Answer::Document("\"bad\"", text);
    let taken_over = metadata(&[&ATTACKER]).replace(IDP, "https://evil.example.com");
    let evil = |from: &str, to: &str| document(swap(&metadata(&[&ATTACKER]), from, to));
    for (answer, reason) in [
        (document("<html>".to_owned()), "can't be read"),
        (document(String::new()), "can't be read"),
        (document(taken_over), "that of \"https://evil.example.com\", and not of \"https://idp.example.com"),
        (document(metadata(&[])), "no signing certificate"),
        (
            evil("entityID", "validUntil=\"2026-11-22T12:00:00Z\" entityID"),
            "valid until 2026-11-22T12:00:00Z",
        ),
        (document(metadata(&[&ATTACKER]) + &" ".repeat(10_000_000)), "more than 10000000 bytes"),
        (Answer::Truncated(metadata(&[&ATTACKER])), "no answer"),
        (Answer::Status(404), "status 404"),
        (Answer::Status(302), "redirects are not followed"),
    ] {
        let copies = tempfile::tempdir().unwrap();
        let server = Server::publishing(&metadata(&[&HONEST]));
        let provider = provider(&server.url, copies.path(), MetadataTerms::default());
        provider.refresh(noon()).await;
        server.says(answer);
        for minutes in [1, 2] {
            assert_eq!(provider.refresh(noon().plus(minutes * MINUTE)).await, Refreshed::Failed, "{reason}");
        }
        assert_eq!(
            (refusal(&provider, &HONEST), refusal(&provider, &ATTACKER)),
            ("", "saml.signature.value")
        );
        let state = provider.metadata_state(noon().plus(2 * MINUTE));
        assert_eq!((state.is_usable, state.confirmed), (true, Some(noon())), "{reason}");
        let [trouble] = &state.troubles[..] else { panic!("{:?}", state.troubles) };
        assert!(trouble.starts_with("not renewed since 2026-11-22T12:01:00Z: "), "{trouble}");
        assert!(trouble.contains(reason), "{reason}: {trouble}");

        server.says(Answer::Document("\"1\"", metadata(&[&HONEST])));
        assert_eq!(provider.refresh(noon().plus(3 * MINUTE)).await, Refreshed::Unchanged, "{reason}");
        assert_eq!(provider.metadata_state(noon()).troubles, [""; 0], "{reason}");
    }
}

#[tokio::test]
async fn an_answer_without_metadata_is_none() {
    for (answer, reason) in [(Answer::Status(304), "status 304"), (Answer::Silence, "timed out")] {
        let copies = tempfile::tempdir().unwrap();
        let server = Server::publishing("");
        server.says(answer);
        let from = MetadataUrl { patience: Duration::from_millis(300), ..from(&server.url, copies.path()) };
        let http = http_client(HERE).unwrap();
        let provider = SamlProvider::from_url(settings(), from, MetadataTerms::default(), http).unwrap();
        assert_eq!(provider.metadata_state(noon()).troubles, ["not fetched yet"]);
        assert_eq!(provider.refresh(noon()).await, Refreshed::Failed);
        let state = provider.metadata_state(noon());
        assert!(!state.is_usable && state.troubles[0].contains(reason), "{:?}", state.troubles);
        let response = base64(b"<samlp:Response/>");
        let refused = provider.verify(&response, EXPECTED, noon()).unwrap_err();
        assert_eq!((refused.code(), refused.check()), (VerifyCode::KeysUnavailable, "saml.metadata-missing"));
        let login = provider.login_request("https://broker.example.com/acs", None, false, &Punctual, noon());
        assert!(matches!(login, Err(RequestFault::NoMetadata(_))), "{login:?}");
    }
}

#[tokio::test]
async fn a_start_without_the_provider_uses_the_copy_that_was_kept() {
    let copies = tempfile::tempdir().unwrap();
    let published = Server::publishing(&metadata(&[&HONEST]));
    // After the other, which may get a port that was just let go.
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/metadata", listener.local_addr().unwrap())
    };
    let first = provider(&published.url, copies.path(), MetadataTerms::default());
    assert_eq!(first.take_copy(noon()), Ok(false), "nothing was kept yet");
    first.refresh(noon()).await;
    let kept = fs::read_dir(copies.path()).unwrap().next().unwrap().unwrap().path();
    published.says(Answer::Status(503));

    let later = noon().plus(HOUR);
    let second = provider(&published.url, copies.path(), MetadataTerms::default());
    assert_eq!(second.take_copy(later), Ok(true));
    assert_eq!((second.issuer(), refusal(&second, &HONEST)), (Some(IDP), ""));
    assert_eq!(second.refresh(later).await, Refreshed::Failed);
    assert_eq!(refusal(&second, &HONEST), "");
    assert_eq!(second.metadata_state(later).confirmed, Some(noon()), "as old as it is");
    published.says(Answer::Document("\"2\"", metadata(&[&ATTACKER]).replace(IDP, "urn:other")));
    assert_eq!(second.refresh(later).await, Refreshed::Failed, "another entity than the copy's");

    let elsewhere = provider(&gone, copies.path(), MetadataTerms::default());
    assert_eq!(elsewhere.take_copy(later), Ok(false), "another address is another copy");
    assert_eq!(elsewhere.refresh(later).await, Refreshed::Failed);

    let pinned = || MetadataTerms::default().signed_by(&[&HONEST.certificate]).unwrap();
    let strict = provider(&published.url, copies.path(), pinned());
    assert_eq!(strict.take_copy(later), Err(MetadataError::Unsigned), "a copy is checked like a document");
    fs::write(&kept, "half a do").unwrap();
    let broken = provider(&published.url, copies.path(), MetadataTerms::default());
    assert!(matches!(broken.take_copy(later), Err(MetadataError::Unreadable(_))));
    assert_eq!(refusal(&broken, &HONEST), "saml.metadata-missing");
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("corp.xml");
    // A file's time has grains: each text has its own length.
    let write = |text: &str| fs::write(&file, text).unwrap();
    write(&metadata(&[&HONEST]));
    let provider =
        SamlProvider::from_file(settings(), file.clone(), MetadataTerms::default(), noon()).unwrap();
    assert_eq!(provider.refresh(noon()).await, Refreshed::Unchanged);
    assert_eq!(provider.refresh_in(noon(), &Punctual), Some(Duration::from_secs(10)));
    write(&metadata(&[&HONEST, &ATTACKER]));
    assert_eq!(provider.refresh(noon()).await, Refreshed::Renewed { gone: vec![] });
    assert_eq!(refusal(&provider, &ATTACKER), "");
    write("<EntityDescriptor");
    assert_eq!(provider.refresh(noon()).await, Refreshed::Failed);
    assert_eq!(provider.refresh(noon()).await, Refreshed::Unchanged, "it is not read again");
    assert!(provider.metadata_state(noon()).troubles[0].contains("can't be read"));
    assert_eq!(refusal(&provider, &ATTACKER), "");
    let away = folder.path().join("away.xml");
    fs::rename(&file, &away).unwrap();
    assert_eq!(provider.refresh(noon()).await, Refreshed::Failed);
    assert!(provider.metadata_state(noon()).troubles[0].contains("corp.xml"));
    fs::write(&away, metadata(&[&ATTACKER])).unwrap();
    fs::rename(&away, &file).unwrap();
    assert!(matches!(provider.refresh(noon()).await, Refreshed::Renewed { .. }));
    assert_eq!((refusal(&provider, &HONEST), refusal(&provider, &ATTACKER)), ("saml.signature.value", ""));
    fs::rename(&file, &away).unwrap();
    assert_eq!(provider.refresh(noon()).await, Refreshed::Failed);
    fs::rename(&away, &file).unwrap();
    assert!(matches!(provider.refresh(noon()).await, Refreshed::Renewed { .. }), "back as it was");
    assert_eq!(provider.metadata_state(noon()).troubles, [""; 0]);
}

#[tokio::test]
async fn the_document_and_its_failures_set_the_pace() {
    let minutes =
        |provider: &SamlProvider, at| provider.refresh_in(at, &Punctual).unwrap().as_secs_f64() / 60.0;
    for (attributes, expected) in [
        ("", 360.0),
        ("cacheDuration=\"PT1H\"", 60.0),
        ("cacheDuration=\"P30D\"", 360.0),
        ("cacheDuration=\"PT0S\"", 0.5),
        ("validUntil=\"2026-11-22T16:00:00Z\"", 60.0),
        ("validUntil=\"2026-11-22T16:00:00Z\" cacheDuration=\"PT30M\"", 30.0),
        ("validUntil=\"2026-11-22T12:00:01Z\"", 0.5),
    ] {
        let copies = tempfile::tempdir().unwrap();
        let server =
            Server::publishing(&swap(&metadata(&[&HONEST]), "entityID", &format!("{attributes} entityID")));
        let provider = provider(&server.url, copies.path(), MetadataTerms::default());
        provider.refresh(noon()).await;
        assert_eq!(minutes(&provider, noon()), expected, "{attributes}");
    }
    let copies = tempfile::tempdir().unwrap();
    let server = Server::publishing("");
    let provider = provider(&server.url, copies.path(), MetadataTerms::default());
    for expected in [0.5, 1.0, 2.0, 4.0, 5.0, 5.0] {
        provider.refresh(noon()).await;
        assert_eq!(minutes(&provider, noon()), expected, "nothing to verify with");
    }
    server.says(Answer::Document("\"2\"", metadata(&[&HONEST])));
    provider.refresh(noon()).await;
    assert_eq!(minutes(&provider, noon()), 360.0);
    server.says(Answer::Status(503));
    for expected in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 360.0, 360.0] {
        provider.refresh(noon()).await;
        assert_eq!(minutes(&provider, noon()), expected, "with the last good copy");
    }
    let early = provider.refresh_in(noon(), &rolegate::entropy::SystemEntropy::new()).unwrap();
    assert!(early > 324 * MINUTE && early <= 360 * MINUTE, "{early:?}");
}

#[tokio::test]
async fn what_comes_to_an_end_is_told_in_time() {
    let copies = tempfile::tempdir().unwrap();
    let until = |day: &str| {
        swap(&metadata(&[&HONEST]), "entityID", &format!("validUntil=\"2026-{day}T12:00:00Z\" entityID"))
    };
    let file = copies.path().join("corp.xml");
    fs::write(&file, until("12-22")).unwrap();
    let written = SamlProvider::from_file(settings(), file, MetadataTerms::default(), noon()).unwrap();
    let troubles =
        |provider: &SamlProvider, days: u32| provider.metadata_state(noon().plus(days * DAY)).troubles;
    assert_eq!(troubles(&written, 16), [""; 0]);
    assert_eq!(troubles(&written, 17), ["it is valid until 2026-12-22T12:00:00Z only"]);
    assert_eq!(troubles(&written, 30), ["it was valid until 2026-12-22T12:00:00Z"]);
    assert!(!written.metadata_state(noon().plus(30 * DAY)).is_usable);

    // Ten days from a publisher that renews every day are no trouble; five of them are.
    let server = Server::publishing(&until("12-02"));
    let fetched = provider(&server.url, copies.path(), MetadataTerms::default());
    fetched.refresh(noon()).await;
    assert_eq!(troubles(&fetched, 5), [""; 0]);
    assert_eq!(troubles(&fetched, 6), ["it is valid until 2026-12-02T12:00:00Z only"]);
    server.says(Answer::Document("\"2\"", until("12-08")));
    fetched.refresh(noon().plus(6 * DAY)).await;
    assert_eq!(troubles(&fetched, 6), [""; 0]);
}

#[test]
fn addresses_that_must_not_be_asked() {
    let folder = Path::new("/nonexistent");
    for (url, allow_loopback_http, may) in [
        ("https://idp.example.com/metadata?app=1", false, true),
        ("http://127.0.0.1:8080/metadata", true, true),
        ("http://127.0.0.1:8080/metadata", false, false),
        ("http://idp.example.com/metadata", true, false),
        ("https://user:secret@idp.example.com/metadata", true, false),
        ("https://idp.example.com/metadata#part", true, false),
        ("file:///etc/passwd", true, false),
    ] {
        let from = MetadataUrl { allow_loopback_http, ..from(url, folder) };
        let made =
            SamlProvider::from_url(settings(), from, MetadataTerms::default(), http_client(HERE).unwrap());
        assert_eq!(made.is_ok(), may, "{url}");
        assert!(!made.err().is_some_and(|fault| fault.to_string().contains("secret")));
    }
}
