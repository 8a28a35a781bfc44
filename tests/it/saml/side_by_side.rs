//! Several consoles of one person in one browser.

use std::path::Path;
use std::time::Duration;

use super::browser::{Browser, ann};
use super::logout::world::{Answer, CONSOLE, Said, World};

/// Six more roles for everybody.
fn config(more: &str) -> String {
    let role = |number: usize| {
        format!(
            "[[role]]\narn = \"arn:aws:iam::111122223333:role/R{number}\"\ntrust_policy = \"trust.json\"\n\
             [[rule]]\nname = \"r{number}\"\nprovider = \"corp\"\nwhen = 'true'\nsession_name = 'subject'\n\
             roles = [\"arn:aws:iam::111122223333:role/R{number}\"]\n"
        )
    };
    let roles: String = (1..=6).map(role).collect();
    format!("\n{roles}{more}")
}

async fn world(folder: &Path, more: &str) -> World {
    World::with(folder, &config(more)).await
}

async fn open(browser: &mut Browser, world: &World, number: usize) {
    let role = format!("arn:aws:iam::111122223333:role/R{number}");
    let opened = browser.post(world, "/portal/open", &[("role", &role)]).await;
    assert_eq!(opened.status, 303, "{opened:?}");
}

/// The console that a page shows, and those beside it.
fn shown(page: &Answer) -> (String, Vec<String>) {
    let links = page.body.split("<a href=\"/console?of=").skip(1);
    let titles = links.map(|link| link.split_once('>').unwrap().1.split_once('<').unwrap().0.to_owned());
    (page.heading(), titles.collect())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[actix_web::test]
async fn a_console_does_not_take_the_place_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "").await;
    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    for number in [1, 2, 3, 2] {
        open(&mut browser, &world, number).await;
    }
    let page = browser.get(&world, "/console").await;
    assert_eq!(shown(&page), ("R2".into(), names(&["R3", "R1"])), "each once, the last one first");
    let links: Vec<_> = page.body.split("href=\"/console?of=").skip(1).collect();
    let tag = links[1].split_once('"').unwrap().0;
    let other = browser.get(&world, &format!("/console?of={tag}")).await;
    assert_eq!(shown(&other), ("R1".into(), names(&["R2", "R3"])));
    for unknown in ["/console?of=00000000", "/console?of=", "/console?of=%3Cscript%3E"] {
        assert_eq!(browser.get(&world, unknown).await.heading(), "R2", "{unknown}");
    }
    // Five at once: the one that was opened first goes.
    for number in [4, 5, 6] {
        open(&mut browser, &world, number).await;
    }
    assert_eq!(
        shown(&browser.get(&world, "/console").await),
        ("R6".into(), names(&["R5", "R4", "R2", "R3"]))
    );
    assert!(browser.header().len() < 8192 - 2048, "{}", browser.header().len());

    let thief = browser.clone();
    let out = browser.post(&world, "/federation", &[("Action", "logout")]).await;
    assert!(out.location.starts_with("https://idp.example.com/slo"), "{out:?}");
    assert_eq!(browser.0.iter().filter(|(name, _)| name.starts_with(CONSOLE)).count(), 0, "{:?}", browser.0);
    for (name, value) in thief.0.iter().filter(|(name, _)| name.starts_with(CONSOLE)) {
        assert_eq!(world.console(value).await, 303, "{name}");
    }
    world.stop().await;
}

#[actix_web::test]
async fn one_at_a_time_where_it_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "\n[console]\nside_by_side = 1\n").await;
    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    open(&mut browser, &world, 1).await;
    open(&mut browser, &world, 2).await;
    assert_eq!(shown(&browser.get(&world, "/console").await), ("R2".into(), Vec::new()));
    world.stop().await;
}

/// Who signs in after somebody else does not find their consoles, and what is over is gone.
#[actix_web::test]
async fn they_are_those_of_one_person() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "").await;
    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    open(&mut browser, &world, 1).await;
    open(&mut browser, &world, 2).await;
    let begun = browser.get(&world, "/saml/corp/login?next=portal").await;
    let bob = Said { subject: "bob", index: Some("_bob"), ..ann(&world) };
    browser.answer(&world, begun.location.split_once('?').unwrap().1, &bob).await;
    open(&mut browser, &world, 3).await;
    assert_eq!(shown(&browser.get(&world, "/console").await), ("R3".into(), Vec::new()));
    assert!(!browser.header().contains("rolegate-console-1"), "{}", browser.header());
    world.clock.advance(Duration::from_secs(1800));
    open(&mut browser, &world, 4).await;
    assert_eq!(shown(&browser.get(&world, "/console").await), ("R4".into(), names(&["R3"])));
    world.clock.advance(Duration::from_secs(1800));
    assert_eq!(shown(&browser.get(&world, "/console").await), ("R4".into(), Vec::new()));
    // Where the last one is over and another is not, that is shown.
    open(&mut browser, &world, 5).await;
    let earlier = format!("{CONSOLE}-1={}", browser.value(&format!("{CONSOLE}-1")));
    let page = world.get("/console", Some(&format!("{CONSOLE}=over; {earlier}"))).await;
    assert_eq!(shown(&page), ("R4".into(), Vec::new()));
    let forgotten = world.get("/federation?Action=logout", Some(&browser.header())).await;
    let cleared =
        |name: &str| forgotten.cookies.iter().any(|cookie| cookie.starts_with(&format!("{name}=;")));
    assert!(cleared(CONSOLE) && cleared(&format!("{CONSOLE}-1")), "{forgotten:?}");
    world.stop().await;
}
