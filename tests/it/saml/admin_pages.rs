//! The pages of those in charge: who sees them, and what they show and end.

use std::fs;
use std::time::Duration;

use rolegate::clock::Clock;
use rolegate::store::Store as _;

use super::browser::{Browser, ann};
use super::logout::world::{Answer, Said, World};

const SECOND: Duration = Duration::from_secs(1);
const CONFIG: &str = r#"
[[role]]
arn = "arn:aws:iam::111122223333:role/Admin"
trust_policy = "trust.json"
signed_in_within = "2m"

[[rule]]
name = "admins"
provider = "corp"
when = '"admins" in attr.groups'
roles = ["arn:aws:iam::111122223333:role/Admin"]
session_name = 'subject'
"#;
const IN_CHARGE: &str = "\n[admin]\nrole = \"arn:aws:iam::111122223333:role/Admin\"\n";
const PAGES: [(&str, &str); 4] = [
    ("/portal/admin", "State of the broker"),
    ("/portal/admin/sessions", "Sessions of people"),
    ("/portal/admin/explain", "Explain a response or a token"),
    ("/portal/admin/rules", "What the file would change"),
];

fn root(world: &World) -> Said<'static> {
    Said { subject: "root", group: "admins", index: Some("_root"), ..ann(world) }
}

async fn world(folder: &std::path::Path) -> World {
    World::with(folder, &format!("{CONFIG}{IN_CHARGE}")).await
}

/// The text of the notice on a page.
fn notice(page: &Answer) -> String {
    let (_, rest) = page.body.split_once(" lines\" role=").unwrap_or_else(|| panic!("no notice: {page:?}"));
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split_once("</p>").unwrap().0.replace("&#34;", "\"").replace("&#39;", "'")
}

#[actix_web::test]
async fn only_those_in_charge_see_them() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut admin = Browser::sign_in(&world, &root(&world)).await;
    let mut other = Browser::sign_in(&world, &ann(&world)).await;
    let link = "<a href=\"/portal/admin\">Admin</a>";
    assert!(admin.get(&world, "/portal").await.body.contains(link));
    assert!(!other.get(&world, "/portal").await.body.contains(link));
    for (path, heading) in PAGES {
        let page = admin.get(&world, path).await;
        assert_eq!((page.status, page.heading().as_str()), (200, heading), "{path}");
        let refused = other.get(&world, path).await;
        assert_eq!((refused.status, refused.heading().as_str()), (403, "No role for you here"), "{path}");
        let stranger = world.get(path, None).await;
        assert_eq!((stranger.status, stranger.location.as_str()), (303, "/portal"), "{path}");
    }
    for path in
        ["/portal/admin/sessions", "/portal/admin/revoke", "/portal/admin/explain", "/portal/admin/rules"]
    {
        let form = [("kind", "role"), ("of", "arn:aws:iam::111122223333:role/Dev"), ("end", "all")];
        assert_eq!(other.post(&world, path, &form).await.status, 403, "{path}");
        let cookies = admin.header();
        let foreign = [("cookie", cookies.as_str()), ("origin", "https://evil.example")];
        assert_eq!(world.post(path, &form, &foreign).await.heading(), "Not from here", "{path}");
    }
    // A console of the role is none of it.
    let console =
        admin.post(&world, "/portal/open", &[("role", "arn:aws:iam::111122223333:role/Admin")]).await;
    let cookie = format!("__Host-rolegate-console={}", console.cookie("__Host-rolegate-console"));
    assert_eq!(world.get("/portal/admin", Some(&cookie)).await.location, "/portal");

    // Whoever signed in long ago is asked again, and comes back here.
    world.clock.advance(121 * SECOND);
    let again = admin.get(&world, "/portal/admin").await;
    assert_eq!((again.status, again.heading().as_str()), (200, "Sign in again"));
    let (_, asked) = again.body.split_once("href=\"https://idp.example.com/sso?").unwrap();
    let asked = asked.split_once('"').unwrap().0.replace("&#38;", "&");
    // A provider that does not ask: the person is told, and not sent around.
    let stale = Said { issued: world.clock.now(), ..root(&world) };
    let refused = admin.clone().answer(&world, &asked, &stale).await;
    assert_eq!((refused.status, refused.heading().as_str()), (403, "This role wants a fresh sign-in"));
    let said = Said { signed_in: world.clock.now(), issued: world.clock.now(), ..root(&world) };
    let back = admin.answer(&world, &asked, &said).await;
    assert_eq!((back.status, back.location.as_str()), (303, "/portal/admin"), "{back:?}");
    assert_eq!(admin.get(&world, "/portal/admin").await.heading(), "State of the broker");
    world.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), CONFIG).await;
    let mut admin = Browser::sign_in(&world, &root(&world)).await;
    assert_eq!(admin.get(&world, "/portal/admin").await.status, 404, "nobody is in charge");
    world.stop().await;
}

#[actix_web::test]
async fn how_it_does_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut admin = Browser::sign_in(&world, &root(&world)).await;
    let page = admin.get(&world, "/portal/admin").await.body;
    for part in [
        "<strong>provider corp</strong>",
        "<strong>key ring</strong>",
        "<h2>Certificates of identity providers</h2>",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    world.store.fail(true);
    let page = admin.get(&world, "/portal/admin").await.body;
    assert!(page.contains("<span class=\"badge odd\">failing</span>"), "{page}");
    world.stop().await;
}

#[actix_web::test]
async fn what_is_open_for_a_person_is_shown_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut admin = Browser::sign_in(&world, &root(&world)).await;
    let mut hers = Browser::sign_in(&world, &Said { index: Some("_s7"), ..ann(&world) }).await;
    let (one, two) = (world.credentials("ann", None).await, world.credentials("ann", None).await);
    let bobs = world.credentials("bob", None).await;
    world.store.flushed().await.unwrap();
    let path = "/portal/admin/sessions?provider=corp&subject=ann";
    let page = admin.get(&world, path).await.body;
    for id in [&one.access_key_id, &two.access_key_id] {
        assert!(page.contains(&format!("Credentials {id}")), "{id} in {page}");
    }
    assert!(page.contains("At the portal") && !page.contains(&bobs.access_key_id), "{page}");
    let (_, rest) = page.split_once(&format!("\">Credentials {}", one.access_key_id)).unwrap();
    let id = rest.split_once("name=\"end\" value=\"").unwrap().1.split_once('"').unwrap().0;
    let form = [("provider", "corp"), ("subject", "ann"), ("end", id)];
    assert_eq!(notice(&admin.post(&world, "/portal/admin/sessions", &form).await), "The session is ended.");
    assert_eq!(
        (world.caller(&one).await, world.caller(&two).await),
        ("403 ExpiredToken".into(), "200".into())
    );
    // Of nobody else by the same form.
    let form = [("provider", "corp"), ("subject", "bob"), ("end", id)];
    admin.post(&world, "/portal/admin/sessions", &form).await;
    assert_eq!(world.caller(&bobs).await, "200");

    let form = [("provider", "corp"), ("subject", "ann"), ("end", "all"), ("reason", "left")];
    let told = notice(&admin.post(&world, "/portal/admin/sessions", &form).await);
    assert!(
        told.starts_with(
            "Ended: what was given to ann of arn:aws:iam::111122223333:saml-provider/corp up to"
        ),
        "{told}"
    );
    assert_eq!(
        (world.caller(&two).await, world.caller(&bobs).await),
        ("403 ExpiredToken".into(), "200".into())
    );
    assert_eq!(hers.get(&world, "/portal").await.heading(), "Sign in");
    let page = admin.get(&world, path).await.body;
    assert!(page.contains("Nothing is open for this person"), "{page}");
    for path in ["/portal/admin/sessions?provider=none&subject=ann", "/portal/admin/sessions?subject=ann"] {
        assert_eq!(admin.get(&world, path).await.status, 404, "{path}");
    }
    world.stop().await;
}

#[actix_web::test]
async fn more_is_ended_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut admin = Browser::sign_in(&world, &root(&world)).await;
    let (one, two) = (world.credentials("ann", None).await, world.credentials("bob", None).await);
    let revoke = async |admin: &mut Browser, kind: &str, of: &str| {
        notice(
            &admin.post(&world, "/portal/admin/revoke", &[("kind", kind), ("of", of), ("reason", "x")]).await,
        )
    };
    for (kind, of, expected) in [
        ("session", "ASIA", "\"ASIA\" is no access key id of temporary credentials: ASIA and 16 characters"),
        ("role", "Dev", "\"Dev\" is not"),
        (
            "role",
            "arn:aws:iam::111122223333:role/None",
            "there is no role arn:aws:iam::111122223333:role/None",
        ),
        ("source-identity", "", "Write the source identity."),
        ("everything", "x", "Choose what is to end."),
        ("session", &one.access_key_id, "Ended: what was given to ASIA"),
    ] {
        let told = revoke(&mut admin, kind, of).await;
        assert!(told.starts_with(expected), "{kind} {of}: {told}");
    }
    assert_eq!(
        (world.caller(&one).await, world.caller(&two).await),
        ("403 ExpiredToken".into(), "200".into())
    );
    let told = revoke(&mut admin, "role", "arn:aws:iam::111122223333:role/Dev").await;
    assert!(told.starts_with("Ended: what was given to arn:aws:iam::111122223333:role/Dev up to"), "{told}");
    assert_eq!(world.caller(&two).await, "403 ExpiredToken");
    world.store.fail(true);
    let told = revoke(&mut admin, "role", "arn:aws:iam::111122223333:role/Dev").await;
    assert!(told.starts_with("It holds on this node, until that ends: "), "{told}");
    world.stop().await;
}

#[actix_web::test]
async fn a_pasted_response_is_explained_and_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut admin = Browser::sign_in(&world, &root(&world)).await;
    let response = world.response("ann", None, world.clock.now());
    let explain = async |admin: &mut Browser, document: &str, role: &str| {
        admin.post(&world, "/portal/admin/explain", &[("document", document), ("role", role)]).await
    };
    let page = explain(&mut admin, &response, "").await;
    for part in ["Checks", "saml.signature", "Rules", "granted", "arn:aws:iam::111122223333:role/Dev"] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    assert!(!page.body.contains(&response[..200]), "it is not shown again");
    assert!(world.assume(&response).await.is_ok(), "nor is it used up");
    let form = format!(
        "SAMLResponse={}&RelayState=x",
        url::form_urlencoded::byte_serialize(response.as_bytes()).collect::<String>()
    );
    assert!(explain(&mut admin, &form, "").await.body.contains("saml.signature"));
    let other = explain(&mut admin, &response, "arn:aws:iam::111122223333:role/Admin").await.body;
    assert!(other.contains("REFUSED   by rules.no-offer"), "{other}");
    for (document, role, expected) in [
        ("", "", "Paste a SAML response or an ID token."),
        (&*response, "Dev", "The role is not written as an ARN."),
    ] {
        assert_eq!(notice(&explain(&mut admin, document, role).await), expected);
    }
    let hostile = explain(&mut admin, "<script>alert(1)</script>", "\"><script>").await.body;
    assert!(!hostile.contains("<script>"), "{hostile}");
    world.stop().await;
}

#[actix_web::test]
async fn what_the_file_would_change_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut admin = Browser::sign_in(&world, &root(&world)).await;
    let same = admin.get(&world, "/portal/admin/rules").await;
    assert_eq!(notice(&same), "The file says what is in force.");
    let file = folder.path().join("rolegate.toml");
    let written = fs::read_to_string(&file).unwrap();
    let changed = written
        .replace("'\"admins\" in attr.groups'", "'\"chiefs\" in attr.groups'")
        .replace("name = \"all\"", "name = \"everybody\"");
    fs::write(&file, changed).unwrap();
    let cases = "[[case]]\nname = \"a chief\"\nprovider = \"corp\"\nsubject = \"eve\"\nattributes = { groups = [\"chiefs\"] }\n\
                 [[case]]\nname = \"staff\"\nprovider = \"corp\"\nsubject = \"ann\"\nattributes = { groups = [\"staff\"] }\n";
    let page = admin.post(&world, "/portal/admin/rules", &[("cases", cases)]).await.body;
    for part in [
        "The rule all is gone.",
        "The rule everybody is new.",
        "The rule admins is written otherwise.",
        "a chief (eve by corp)\n  gains    arn:aws:iam::111122223333:role/Admin",
        "staff: nothing changes",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("The role "), "{page}");
    assert_eq!(admin.get(&world, "/portal/admin").await.status, 200, "the one in force is in force still");
    for (text, expected) in
        [("[[case]]\nname = 7", "Those who are described: "), ("x = 1", "Those who are described: ")]
    {
        let page = admin.post(&world, "/portal/admin/rules", &[("cases", text)]).await;
        assert!(notice(&page).starts_with(expected), "{page:?}");
    }
    fs::write(&file, written.replace("'\"admins\" in attr.groups'", "'nonsense('")).unwrap();
    let told = notice(&admin.get(&world, "/portal/admin/rules").await);
    assert!(told.starts_with("The file is no configuration that would be taken:\n"), "{told}");
    world.stop().await;
}
