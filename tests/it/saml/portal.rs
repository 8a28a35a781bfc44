//! The portal: one sign-in, and every role that it gives.

use std::time::Duration;

use rolegate::clock::Clock;
use rolegate::store::{Revocations, Store};

use super::browser::{Browser, ann};
use super::fixture::{OURS, noon};
use super::logout::world::{Answer, CONSOLE, Credentials, Said, World};

const PORTAL: &str = "__Host-rolegate-portal";
const ADMIN: &str = "arn:aws:iam::111122223333:role/Admin";
const DEV: &str = "arn:aws:iam::111122223333:role/Dev";
const OPS: &str = "arn:aws:iam::444455556666:role/Ops";
const SECOND: Duration = Duration::from_secs(1);

/// One more role for everybody, which wants a sign-in of the last two minutes.
const CONFIG: &str = r#"
[[role]]
arn = "arn:aws:iam::111122223333:role/Admin"
description = "Everything, for a short time"
alias = "admin"
trust_policy = "trust.json"
policies = ["nothing.json"]
signed_in_within = "2m"

[[rule]]
name = "admins"
provider = "corp"
when = 'true'
roles = ["arn:aws:iam::111122223333:role/Admin"]
session_name = '"session"'
"#;

/// What the page lists: heading, role.
fn listed(page: &Answer) -> Vec<(String, String)> {
    assert_eq!((page.status, page.heading().as_str()), (200, "Your roles"), "{page:?}");
    let mut all = Vec::new();
    for part in page.body.split("<h2>").skip(1) {
        let (heading, rest) = part.split_once("</h2>").unwrap();
        for row in rest.split("<strong>").skip(1) {
            all.push((heading.to_owned(), row.split_once("</strong>").unwrap().0.to_owned()));
        }
    }
    all
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(heading, role)| ((*heading).to_owned(), (*role).to_owned())).collect()
}

#[actix_web::test]
async fn one_sign_in_opens_every_role() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), CONFIG).await;
    let page = world.get("/portal", None).await;
    assert!(page.body.contains("href=\"/saml/corp/login?next=portal\""), "{}", page.body);
    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    let page = browser.get(&world, "/portal").await;
    assert_eq!(listed(&page), pairs(&[("All roles", "Admin"), ("All roles", "Dev")]));
    for part in ["<strong>ann</strong>", "Everything, for a short time", "Asks you to sign in again"] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    for (role, heading) in [(DEV, "Dev"), (ADMIN, "Admin")] {
        let opened = browser.post(&world, "/portal/open", &[("role", role)]).await;
        assert_eq!((opened.status, opened.location), (303, format!("{OURS}/console")));
        assert_eq!(browser.get(&world, "/console").await.heading(), heading);
    }
    let page = browser.get(&world, "/portal").await;
    let recent = [("Recent", "Admin"), ("Recent", "Dev"), ("All roles", "Admin"), ("All roles", "Dev")];
    assert_eq!(listed(&page), pairs(&recent));
    assert!(page.body.contains("<a href=\"/console\">The console of Admin</a> is open."), "{}", page.body);
    for (role, status) in [(OPS, 403), ("arn:aws:iam::111122223333:role/None", 403), ("Dev", 400)] {
        let refused = browser.post(&world, "/portal/open", &[("role", role)]).await;
        assert_eq!(refused.status, status, "{role}");
    }
    let elsewhere = [("role", DEV), ("destination", "https://evil.example/")];
    assert_eq!(browser.post(&world, "/portal/open", &elsewhere).await.status, 400);
    world.stop().await;
}

#[actix_web::test]
async fn credentials_are_given_as_each_shell_wants_them_and_work() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), CONFIG).await;
    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    assert_eq!(browser.get(&world, "/portal/credentials").await.status, 404, "nothing is given to a link");
    let page = browser.post(&world, "/portal/credentials", &[("role", DEV)]).await;
    assert_eq!((page.status, page.heading().as_str()), (200, "Credentials of Dev"));
    assert_eq!(page.headers["cache-control"], "no-store");
    let text = page.body.replace("&#39;", "'");
    let value = |name: &str| {
        let (_, rest) = text.split_once(&format!("export {name}='")).unwrap();
        rest.split_once('\'').unwrap().0.to_owned()
    };
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    let values = names.map(value);
    for (name, value) in names.iter().zip(&values) {
        let lines = [
            format!("set -gx {name} '{value}'"),
            format!("$Env:{name} = '{value}'"),
            format!("{} = {value}", name.to_lowercase()),
        ];
        lines.iter().for_each(|line| assert!(text.contains(line), "{line} in {text}"));
    }
    assert!(text.contains("[111122223333-Dev]\naws_access_key_id = "), "{text}");
    let [access_key_id, secret, token] = values;
    let given = Credentials::of(&serde_json::json!({
        "AccessKeyId": access_key_id, "SecretAccessKey": secret, "SessionToken": token,
    }));
    assert_eq!(world.caller(&given).await, "200");
    world.store.flushed().await.unwrap();
    let sessions = browser.get(&world, "/portal/sessions").await.body;
    assert!(sessions.contains(&format!("Credentials {access_key_id}")), "{sessions}");
    assert!(sessions.contains("At the portal"), "{sessions}");
    world.stop().await;
}

#[actix_web::test]
async fn roles_are_found_and_marked() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), CONFIG).await;
    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    for (search, found) in [
        ("dev", &[("Found", "Dev")][..]),
        ("1111%20SHORT", &[("Found", "Admin")]),
        ("dev%20short", &[]),
        ("%3Cscript%3E", &[]),
    ] {
        let page = browser.get(&world, &format!("/portal?q={search}")).await;
        assert_eq!(listed(&page), pairs(found), "{search}");
        assert!(!page.body.contains("value=\"<script>"), "{}", page.body);
    }
    let form = [("role", DEV), ("q", "dev"), ("page", "0")];
    let marked = browser.post(&world, "/portal/favourite", &form).await;
    assert_eq!((marked.status, marked.location.as_str()), (303, "/portal?q=dev"));
    let all = [("Favourites", "Dev"), ("All roles", "Admin"), ("All roles", "Dev")];
    assert_eq!(listed(&browser.get(&world, "/portal").await), pairs(&all));
    let mut other = Browser::sign_in(&world, &ann(&world)).await;
    assert_eq!(listed(&other.get(&world, "/portal").await), pairs(&all), "in another browser, too");
    let mut bob = Browser::sign_in(&world, &Said { subject: "bob", ..ann(&world) }).await;
    assert_eq!(listed(&bob.get(&world, "/portal").await), pairs(&all[1..]));
    other.post(&world, "/portal/favourite", &[("role", DEV)]).await;
    assert_eq!(listed(&browser.get(&world, "/portal").await), pairs(&all[1..]));
    world.stop().await;
}

#[actix_web::test]
async fn a_role_that_wants_a_fresh_sign_in_is_opened_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), CONFIG).await;
    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    world.clock.advance(3 * 60 * SECOND);
    let refused = browser.post(&world, "/portal/credentials", &[("role", ADMIN)]).await;
    assert_eq!((refused.status, refused.heading().as_str()), (403, "This role wants a fresh sign-in"));
    let again = browser.post(&world, "/portal/open", &[("role", ADMIN)]).await;
    assert_eq!((again.status, again.heading().as_str()), (200, "Sign in again"));
    let (_, link) = again.body.split_once("href=\"https://idp.example.com/").unwrap();
    let link = link.split_once('"').unwrap().0.replace("&#38;", "&");
    let said = Said { signed_in: world.clock.now(), ..ann(&world) };
    let opened = browser.answer(&world, link.split_once('?').unwrap().1, &said).await;
    assert_eq!((opened.status, opened.location), (303, format!("{OURS}/console")));
    assert_eq!(browser.get(&world, "/console").await.heading(), "Admin");
    let given = browser.post(&world, "/portal/credentials", &[("role", ADMIN)]).await;
    assert_eq!(given.heading(), "Credentials of Admin", "the fresh sign-in counts at the portal");
    world.stop().await;
}

/// Who is a customer's is nobody's business: their button is shown to their people.
#[actix_web::test]
async fn a_mail_address_finds_the_way_in() {
    let folder = tempfile::tempdir().unwrap();
    let settings = super::logout::world::settings(folder.path());
    let text = std::fs::read_to_string(&settings).unwrap();
    let of_other = "name = \"other\"\nmail_domains = [\"Other.example\", \"sub.other.example\"]\n";
    std::fs::write(&settings, text.replace("name = \"other\"\n", of_other)).unwrap();
    let world = World::serve(folder.path(), &settings).await;
    let links = async |mail: &str| {
        let page = world.get(&format!("/portal{mail}"), None).await;
        let links = page.body.split("href=\"/saml/").skip(1);
        let links: Vec<_> = links.map(|link| link.split_once('/').unwrap().0.to_owned()).collect();
        (links, page.body.contains("No sign-in is set up for this address."))
    };
    let all = ["corp".to_owned(), "keyless".to_owned()];
    for (mail, expected) in [
        ("", (&all[..], false)),
        ("?mail=", (&all, false)),
        ("?mail=ann%40other.example", (&["other".to_owned()], false)),
        ("?mail=%20Ann%40SUB.OTHER.EXAMPLE%20", (&["other".to_owned()], false)),
        ("?mail=ann%40not.other.example", (&all, true)),
        ("?mail=other.example", (&all, true)),
        ("?mail=%3Cb%3E%40other.example.evil", (&all, true)),
    ] {
        let (links, is_unknown) = links(mail).await;
        assert_eq!((&links[..], is_unknown), expected, "{mail}");
    }
    world.stop().await;
}

/// There at once for who is at the portal, else by way of a sign-in; the page of the console is kept on the way.
#[actix_web::test]
async fn a_link_leads_to_the_console_of_a_role() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), CONFIG).await;
    let place = format!("{OURS}/console?page=s3");
    let link = "/go/admin?destination=https%3A%2F%2Fbroker.example.com%2Fconsole%3Fpage%3Ds3";
    let mut browser = Browser::default();
    let ways = browser.get(&world, link).await;
    assert_eq!((ways.status, ways.heading().as_str()), (200, "Sign in"));
    let (_, way) = ways.body.split_once("href=\"/saml/corp/login?").unwrap();
    let way = format!("/saml/corp/login?{}", way.split_once('"').unwrap().0.replace("&#38;", "&"));
    let begun = browser.get(&world, &way).await;
    let opened = browser.answer(&world, begun.location.split_once('?').unwrap().1, &ann(&world)).await;
    assert_eq!((opened.status, &opened.location), (303, &place));
    assert_eq!(browser.get(&world, "/console").await.heading(), "Admin");
    assert_eq!(browser.get(&world, "/portal").await.heading(), "Your roles");

    let again = browser.get(&world, link).await;
    assert_eq!((again.status, &again.location), (303, &place));
    world.clock.advance(3 * 60 * SECOND);
    let old = browser.get(&world, link).await;
    assert_eq!((old.status, old.heading().as_str()), (200, "Sign in again"));
    let (_, asked) = old.body.split_once("href=\"https://idp.example.com/").unwrap();
    let asked = asked.split_once('"').unwrap().0.replace("&#38;", "&");
    let said = Said { signed_in: world.clock.now(), ..ann(&world) };
    let opened = browser.answer(&world, asked.split_once('?').unwrap().1, &said).await;
    assert_eq!((opened.status, &opened.location), (303, &place));

    for (path, status) in [
        ("/go/none", 404),
        ("/go/Admin", 404),
        ("/saml/corp/login?next=portal&role=none", 404),
        ("/go/admin?destination=https://evil.example/", 400),
        ("/saml/corp/login?next=portal&role=admin&destination=//evil.example", 400),
    ] {
        assert_eq!(browser.get(&world, path).await.status, status, "{path}");
    }
    world.stop().await;
}

#[actix_web::test]
async fn whoever_ends_the_sign_in_ends_the_stay() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), CONFIG).await;
    let heading = async |browser: &Browser| browser.clone().get(&world, "/portal").await.heading();

    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    let thief = browser.clone();
    assert_eq!(heading(&thief).await, "Your roles");
    let out = browser.post(&world, "/federation", &[("Action", "logout")]).await;
    assert!(out.location.starts_with("https://idp.example.com/slo?"), "the provider is told: {out:?}");
    assert_eq!(browser.value(PORTAL), "");
    assert_eq!(heading(&thief).await, "Sign in", "the cookie is good no more");

    world.clock.advance(SECOND);
    let mine = Browser::sign_in(&world, &ann(&world)).await;
    let mut other = Browser::sign_in(&world, &Said { index: Some("_s2"), ..ann(&world) }).await;
    world.store.flushed().await.unwrap();
    let shown = other.get(&world, "/portal/sessions").await.body;
    let id = shown.split_once("name=\"end\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    let ended = other.post(&world, "/portal/sessions", &[("end", &id)]).await;
    assert_eq!(ended.status, 303);
    assert_eq!((heading(&mine).await.as_str(), heading(&other).await.as_str()), ("Sign in", "Your roles"));

    let everywhere = other.clone().post(&world, "/federation", &[("Action", "logout-everywhere")]).await;
    assert_eq!(everywhere.status, 303);
    assert_eq!(heading(&other).await, "Sign in");

    world.clock.advance(SECOND);
    let last = Browser::sign_in(&world, &ann(&world)).await;
    world.clock.advance(8 * 3600 * SECOND - 2 * SECOND);
    assert_eq!(heading(&last).await, "Sign in", "as the provider said: until 20:00");
    world.stop().await;
}

/// Being at the portal is being there: whoever comes back in time stays, also where the store keeps them.
#[actix_web::test]
async fn who_comes_back_in_time_stays() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), &format!("{CONFIG}[console]\nidle = \"10m\"\n")).await;
    let group = "x".repeat(4000);
    let mut large = Browser::sign_in(&world, &Said { group: &group, ..ann(&world) }).await;
    let mut small = Browser::sign_in(&world, &ann(&world)).await;
    let first = small.clone();
    for _ in 0..3 {
        world.clock.advance(9 * 60 * SECOND);
        for browser in [&mut large, &mut small] {
            assert_eq!(browser.get(&world, "/portal").await.heading(), "Your roles");
        }
    }
    assert_eq!(first.clone().get(&world, "/portal").await.heading(), "Sign in", "27 minutes ago");
    world.clock.advance(10 * 60 * SECOND);
    for browser in [&mut large, &mut small] {
        assert_eq!(browser.get(&world, "/portal").await.heading(), "Sign in");
    }
    world.stop().await;
}

#[actix_web::test]
async fn a_stay_ends_after_its_lifetime() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), &format!("{CONFIG}[portal]\nlifetime = \"5m\"\n")).await;
    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    let millisecond = Duration::from_millis(1);
    world.clock.advance(300 * SECOND - millisecond);
    assert_eq!(browser.get(&world, "/portal").await.heading(), "Your roles");
    world.clock.advance(millisecond);
    assert_eq!(browser.get(&world, "/portal").await.heading(), "Sign in");
    let refused = browser.post(&world, "/portal/open", &[("role", DEV)]).await;
    assert_eq!((refused.status, refused.location.as_str()), (303, "/portal"));
    world.stop().await;
}

/// Nobody is signed out by a cookie that is full, nor by a store that does not answer for a while.
#[actix_web::test]
async fn what_a_cookie_cannot_hold_the_store_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), CONFIG).await;
    let group = "x".repeat(4000);
    let mut large = Browser::sign_in(&world, &Said { group: &group, ..ann(&world) }).await;
    let mut small = Browser::sign_in(&world, &ann(&world)).await;
    assert_eq!((large.value(PORTAL).len(), large.value(PORTAL).starts_with('~')), (65, true));
    assert!(small.value(PORTAL).len() <= 2800);
    assert_eq!(listed(&large.get(&world, "/portal").await).len(), 2);
    let forged =
        Browser(vec![(PORTAL.to_owned(), format!("~{}", "0".repeat(64)))]).get(&world, "/portal").await;
    assert_eq!(forged.heading(), "Sign in");
    world.store.fail(true);
    assert_eq!(listed(&small.get(&world, "/portal").await).len(), 2, "without favourites");
    let away = large.get(&world, "/portal").await;
    assert_eq!((away.status, away.cookies.len()), (503, 0));
    world.store.fail(false);
    assert_eq!(listed(&large.get(&world, "/portal").await).len(), 2);
    assert_eq!(world.store.revocations(noon()).await.unwrap(), []);
    world.stop().await;
}

/// Buttons of other sites do nothing, and a cookie of one kind is none of another.
#[actix_web::test]
async fn foreign_forms_and_cookies_do_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), CONFIG).await;
    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    browser.post(&world, "/portal/open", &[("role", DEV)]).await;
    let cookies = browser.header();
    for path in ["/portal/open", "/portal/credentials", "/portal/favourite"] {
        for foreign in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
            let headers = [("cookie", cookies.as_str()), foreign];
            let refused = world.post(path, &[("role", DEV)], &headers).await;
            assert_eq!((refused.status, refused.heading().as_str()), (403, "Not from here"), "{path}");
        }
    }
    let swapped = Browser(vec![
        (PORTAL.to_owned(), browser.value(CONSOLE)),
        (CONSOLE.to_owned(), browser.value(PORTAL)),
    ]);
    assert_eq!(swapped.clone().get(&world, "/portal").await.heading(), "Sign in");
    assert_eq!(swapped.clone().get(&world, "/console").await.status, 303);
    world.stop().await;
}

/// Of two browsers that may be one, the portal counts like a console.
#[actix_web::test]
async fn the_portal_counts_among_the_browsers() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), &format!("{CONFIG}[console]\nmost_sessions = 1\n")).await;
    let mut first = Browser::sign_in(&world, &ann(&world)).await;
    first.post(&world, "/portal/open", &[("role", DEV)]).await;
    assert_eq!(first.get(&world, "/console").await.status, 200);
    assert_eq!(first.get(&world, "/portal").await.heading(), "Your roles", "one browser");
    world.clock.advance(SECOND);
    let mut second = Browser::sign_in(&world, &Said { index: Some("_s2"), ..ann(&world) }).await;
    assert_eq!(first.get(&world, "/console").await.status, 303);
    assert_eq!(first.get(&world, "/portal").await.heading(), "Sign in");
    assert_eq!(second.get(&world, "/portal").await.heading(), "Your roles");
    world.stop().await;
}

/// However many roles there are, a page shows some of them, and weighs as much.
#[actix_web::test]
async fn the_first_view_of_thousands_is_small() {
    use std::fmt::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let (mut config, mut arns) = (CONFIG.to_owned(), Vec::new());
    for number in 0..4998 {
        let arn = format!("arn:aws:iam::111122223333:role/teams/some-team/Service{number:04}Operator");
        write!(
            config,
            "[[role]]\narn = \"{arn}\"\ndescription = \"Runs service number {number:04} of some team\"\n\
             trust_policy = \"trust.json\"\npolicies = [\"nothing.json\"]\n"
        )
        .unwrap();
        arns.push(format!("\"{arn}\""));
    }
    let roles = arns.join(", ");
    write!(
        config,
        "[[rule]]\nname = \"services\"\nprovider = \"corp\"\nwhen = 'true'\nroles = [{roles}]\nsession_name = '\"session\"'\n"
    )
    .unwrap();
    let world = World::with(folder.path(), &config).await;
    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    let first = browser.get(&world, "/portal").await;
    assert_eq!(listed(&first).len(), 25);
    assert!(
        first.body.contains("Search 5000 roles") && first.body.contains("Page 1 of 200"),
        "{}",
        first.body
    );
    assert!(first.body.len() <= 40_000, "{} bytes", first.body.len());
    let next = browser.get(&world, "/portal?q=service&page=1").await;
    assert!(next.body.contains("Page 2 of 200"), "{}", next.body);
    assert_eq!(listed(&next)[0], ("Found".to_owned(), "Service0025Operator".to_owned()));
    let last = browser.get(&world, "/portal?page=999999").await;
    assert_eq!(listed(&last).len(), 25);
    assert!(last.body.contains("Page 200 of 200") && !last.body.contains("rel=\"next\""), "{}", last.body);
    world.stop().await;
}
