//! The store as operators meet it: its settings, its copies, and a process that is killed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rolegate::clock::{Clock, Moment, SystemClock};
use rolegate::store::dump::Entry;
use rolegate::store::embedded::EmbeddedStore;
use rolegate::store::{
    Claim, Claimed, Inventory, ReplayCache as _, Revocation, Revocations as _, Scope, SessionKey,
    SessionStore as _, Store as _, ValueStore as _,
};

use tokio::sync::mpsc;

use crate::command_line::{rolegate, text};
use crate::saml::fixture::noon;
use crate::saml::logout::world::World;

const HOUR: Duration = Duration::from_secs(3600);

fn claim(number: u32, until: Moment) -> Claim {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Claim { id, scope: Scope::Whole, until }
}

fn revocation(number: u32, until: Moment) -> Revocation {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Revocation { id, issued_before: until, asserted_before: until, until }
}

/// A configuration in `folder` whose store is `name` there.
fn with_store(folder: &Path, name: &str) -> String {
    let file = format!("{name}.toml");
    let config = format!("public_url = \"http://127.0.0.1:8080\"\n[store]\npath = \"{name}\"\n");
    fs::write(folder.join(&file), config).unwrap();
    file
}

#[tokio::test]
async fn what_is_kept_moves_to_another_store_and_to_a_file_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (now, until) = (SystemClock.now(), SystemClock.now().plus(HOUR));
    let key = SessionKey { holder: [1; 16], until, id: [1; 16] };
    let (one, two, three) =
        (with_store(folder, "one"), with_store(folder, "two"), with_store(folder, "three"));
    let store = EmbeddedStore::open(&folder.join("one")).unwrap();
    store.claim(claim(1, until), now).await.unwrap();
    store.keep([2; 32], b"kept".to_vec(), until, now).await.unwrap();
    store.put(key, b"sealed".to_vec(), now).unwrap();
    store.revoke(revocation(3, until), now).await.unwrap();
    let busy = rolegate(folder, &["store", "copy", "--from", &one, "--to", &two]);
    let said = text(&busy.stderr);
    assert_eq!(busy.status.code(), Some(1), "{said}");
    assert!(
        said.contains("one.toml: the store failed while opening its folder: another process has it; "),
        "{said}"
    );
    assert!(said.contains("a running broker gives a copy of its embedded store itself"), "{said}");
    drop(store);

    let said = |arguments: &[&str]| {
        let output = rolegate(folder, arguments);
        format!("{} {}", output.status.code().unwrap(), text(&output.stderr).trim_end())
    };
    let copied = said(&["store", "copy", "--from", &one, "--to", &two]);
    assert_eq!(copied, "0 4 entries were copied from embedded to embedded");
    let exported = said(&["store", "export", "--config", &two, "--out", "dump"]);
    let bytes = fs::metadata(folder.join("dump")).unwrap().len();
    assert_eq!(exported, format!("0 {bytes} bytes were exported from embedded"));
    assert_eq!(
        said(&["store", "export", "--config", &two, "--out", "dump"]),
        "1 rolegate: dump: File exists (os error 17)"
    );
    let dump = fs::read(folder.join("dump")).unwrap();
    fs::write(folder.join("cut"), &dump[..dump.len() - 1]).unwrap();
    assert_eq!(
        said(&["store", "import", "--config", &three, "--from", "cut"]),
        "1 rolegate: it is cut off after 4 entries; the 4 entries before that were taken in"
    );
    assert_eq!(
        said(&["store", "import", "--config", &three, "--from", &three]),
        "1 rolegate: it is no dump of a store, or one of another version"
    );
    for _ in 0..2 {
        let imported = said(&["store", "import", "--config", &three, "--from", "dump"]);
        assert_eq!(imported, "0 4 entries were taken in by embedded", "twice is as good as once");
    }
    for name in ["two", "three"] {
        let store = EmbeddedStore::open(&folder.join(name)).unwrap();
        assert_eq!(store.claim(claim(1, until), now).await.unwrap(), Claimed::AlreadyUsed);
        assert_eq!(store.kept([2; 32], now).await.unwrap(), Some(b"kept".to_vec()));
        assert_eq!(store.of_holder([1; 16], 9, now).await.unwrap(), [(key, b"sealed".to_vec())]);
        assert_eq!(store.revocations(now).await.unwrap(), [revocation(3, until)]);
    }
    fs::write(
        folder.join("none.toml"),
        "public_url = \"http://127.0.0.1:8080\"\n[store]\nkind = \"memory\"\n",
    )
    .unwrap();
    assert_eq!(
        said(&["store", "export", "--config", "none.toml"]),
        "1 rolegate: none.toml: a store in memory holds nothing beyond its process"
    );
}

/// How much is in a store.
async fn size(store: &dyn Inventory) -> usize {
    let (tell, mut told) = mpsc::channel::<Vec<Entry>>(1);
    let count = async {
        let mut count = 0;
        while let Some(entries) = told.recv().await {
            count += entries.len();
        }
        count
    };
    let (listed, count) = tokio::join!(store.list(noon(), tell), count);
    listed.unwrap();
    count
}

/// Whoever only begins logins, or sends answers that nobody signed, leaves nothing behind.
#[actix_web::test]
async fn strangers_fill_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path()).await;
    let before = size(world.store.as_ref()).await;
    for number in 0..500 {
        let begun = world.get("/saml/corp/login", None).await;
        assert_eq!((begun.status, begun.cookies.len()), (303, 1));
        let forged = world.response(&format!("somebody-{number}"), None, noon()).replace('A', "B");
        let refused = world.post("/saml/corp/acs", &[("SAMLResponse", &forged)], &[]).await;
        assert_eq!(refused.status / 100, 4, "{refused:?}");
    }
    assert_eq!(size(world.store.as_ref()).await, before);
    let good = world.response("ann", None, noon());
    assert_eq!(world.post("/saml/corp/acs", &[("SAMLResponse", &good)], &[]).await.status, 303);
    world.store.flushed().await.unwrap();
    assert!(size(world.store.as_ref()).await > before, "what is accepted is remembered");
}

/// Where the writer below writes; it does nothing without.
const WRITES_TO: &str = "ROLEGATE_TEST_WRITES_TO";

/// The process that is killed: it tells the number of whatever is acknowledged.
#[tokio::test]
async fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(WRITES_TO) else { return };
    let store = EmbeddedStore::open(Path::new(&folder)).unwrap();
    let (now, until) = (SystemClock.now(), Moment::from_unix(4_000_000_000));
    for number in 0.. {
        assert_eq!(store.claim(claim(number, until), now).await.unwrap(), Claimed::First);
        store.keep(claim(number, until).id, number.to_be_bytes().to_vec(), until, now).await.unwrap();
        store.revoke(revocation(number, until), now).await.unwrap();
        println!("acknowledged {number}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill() {
    let until = Moment::from_unix(4_000_000_000);
    let mut most = 0;
    for round in 0..15 {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::writes_until_it_is_killed", "--nocapture"])
            .env(WRITES_TO, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(writer.stdout.take().unwrap()).lines();
        let number = |line: String| line.strip_prefix("acknowledged ").map(|number| number.parse().unwrap());
        let mut last: u32 = said.by_ref().find_map(|line| number(line.unwrap())).unwrap();
        // Somewhere within a commit, at another place each time.
        std::thread::sleep(Duration::from_micros(1700 * round));
        writer.kill().unwrap();
        writer.wait().unwrap();
        last = said.filter_map(|line| number(line.unwrap())).last().unwrap_or(last);
        most = most.max(last);
        let (store, now) = (EmbeddedStore::open(folder.path()).unwrap(), SystemClock.now());
        let revoked = store.revocations(now).await.unwrap();
        for number in 0..=last {
            let claim = claim(number, until);
            assert_eq!(store.claim(claim, now).await.unwrap(), Claimed::AlreadyUsed, "{number} of {last}");
            assert_eq!(store.kept(claim.id, now).await.unwrap(), Some(number.to_be_bytes().to_vec()));
            assert!(revoked.contains(&revocation(number, until)), "{number} of {last}");
        }
        store.flushed().await.unwrap();
    }
    assert!(most > 3, "it was killed too early to say anything: {most}");
}

#[test]
fn check_names_what_is_wrong_with_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let said = |store: &str| {
        let config = format!("public_url = \"https://broker.example.com\"\n[store]\n{store}\n");
        fs::write(folder.path().join("rolegate.toml"), config).unwrap();
        let checked = rolegate(folder.path(), &["check", "--config", "rolegate.toml"]);
        let said = text(&checked.stderr);
        assert!(!said.contains("hunter2"), "{said}");
        let first =
            said.lines().find_map(|line| line.split_once("error: ")).map(|(_, fault)| fault.to_owned());
        first.unwrap_or_else(|| format!("exit {}", checked.status.code().unwrap()))
    };
    for (store, expected) in [
        ("kind = \"redis\"\nurl = \"redis://127.0.0.1:6379/2\"", "exit 0"),
        ("kind = \"redis\"\nurl = \"rediss://redis.example.com\"\nusername = \"rolegate\"", "exit 0"),
        ("kind = \"redis\"", "the Redis store has no url"),
        ("url = \"redis://127.0.0.1\"", "`url` is for kind = \"redis\""),
        (
            "kind = \"redis\"\nurl = \"redis://:hunter2@127.0.0.1\"",
            "neither user nor password can stand in the url",
        ),
        (
            "kind = \"redis\"\nurl = \"redis://:hunter2@no host\"",
            "neither user nor password can stand in the url",
        ),
        (
            "kind = \"redis\"\nurl = \"redis+unix:///socket?pass=hunter2\"",
            "neither user nor password can stand in the url",
        ),
        (
            "kind = \"redis\"\nurl = \"redis://127.0.0.1\"\npassword = { file = \"gone\" }",
            "can't read gone: No such file or directory (os error 2)",
        ),
        (
            "kind = \"redis\"\nmode = \"sentinel\"\nurl = [\"redis://a:26379\", \"redis://b:26379\"]\nmaster = \"m\"",
            "exit 0",
        ),
        ("kind = \"redis\"\nmode = \"cluster\"\nurl = [\"rediss://a\", \"rediss://b\"]", "exit 0"),
        ("mode = \"cluster\"", "`mode` is for kind = \"redis\""),
        ("kind = \"redis\"\nurl = [\"redis://a\", \"redis://b\"]", "2 urls make no single server"),
        (
            "kind = \"redis\"\nmode = \"sentinel\"\nurl = \"redis://a:26379\"",
            "it is not said which master to ask the Sentinels for",
        ),
        (
            "kind = \"redis\"\nmode = \"sentinel\"\nmaster = \"m\"\nurl = [\"redis://a\", \"rediss://b\"]",
            "some of the urls are for TLS, and some are not",
        ),
        ("kind = \"redis\"\nurl = \"redis://a\"\nmaster = \"m\"", "`master` is for mode = \"sentinel\""),
        (
            "kind = \"redis\"\nmode = \"cluster\"\nurl = \"redis://a\"\nreplicas = 1",
            "a cluster is not asked about replicas",
        ),
        ("outage = { start = \"serve\" }", "`outage` is for kind = \"redis\""),
        (
            "kind = \"redis\"\nurl = \"redis://a\"\noutage = { start = \"serve\", unheard_for = \"15m\" }",
            "exit 0",
        ),
        ("kind = \"redis\"\nurl = \"redis://a\"\ntimeout = \"10s\"", "a timeout of 10000 ms makes no sense"),
        (
            "kind = \"redis\"\nurl = \"redis://a\"\ntls = { authorities = \"ca.pem\" }",
            "`tls` is for rediss:// urls",
        ),
        (
            "kind = \"redis\"\nurl = \"rediss://a\"\ntls = { authorities = \"rolegate.toml\" }",
            "rolegate.toml holds no certificate",
        ),
        (
            "kind = \"redis\"\nurl = \"rediss://a\"\ntls = { key = { file = \"rolegate.toml\" } }",
            "certificate and key belong together",
        ),
    ] {
        assert_eq!(said(store), expected, "{store}");
    }
    let odd = said("kind = \"redis\"\nurl = \"http://127.0.0.1\"");
    assert!(odd.starts_with("\"http://127.0.0.1\" is no address of a Redis: "), "{odd}");
}
