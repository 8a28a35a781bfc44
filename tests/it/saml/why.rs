//! Why a person does not see a role.

use std::time::Duration;

use super::browser::{Browser, ann};
use super::logout::world::{Answer, Said, World};

const CONFIG: &str = r#"
[[role]]
arn = "arn:aws:iam::111122223333:role/Admin"
alias = "prod-admin"
trust_policy = "trust.json"
policies = ["nothing.json"]
signed_in_within = "2m"

[[role]]
arn = "arn:aws:iam::111122223333:role/Shut"
trust_policy = "nobody.json"

[[rule]]
name = "secret project"
provider = "corp"
when = '"admins" in attr.groups && subject != "bob"'
roles = ["arn:aws:iam::111122223333:role/Admin"]
session_name = 'subject'

[[rule]]
name = "the door is shut"
provider = "corp"
when = 'true'
roles = ["arn:aws:iam::111122223333:role/Shut"]
session_name = 'subject'

[[role]]
arn = "arn:aws:iam::111122223333:role/Nameless"
trust_policy = "trust.json"

[[rule]]
name = "says no session name"
provider = "corp"
when = 'true'
roles = ["arn:aws:iam::111122223333:role/Nameless"]

[[rule]]
name = "of the others"
provider = "other"
when = 'true'
roles = ["arn:aws:iam::111122223333:role/Admin"]
"#;
const NOBODY: &str =
    r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sts:*", "Principal": "*"}]}"#;
const NONE: &str = "No rule offers you a role of this name, or there is none.";

async fn world(folder: &std::path::Path, more: &str) -> World {
    std::fs::write(folder.join("nobody.json"), NOBODY).unwrap();
    World::with(folder, &format!("{CONFIG}{more}")).await
}

async fn ask(browser: &mut Browser, world: &World, role: &str) -> Answer {
    let page = browser.get(world, &format!("/portal/why?role={role}")).await;
    assert_eq!((page.status, page.heading().as_str()), (200, "Why do I not see a role?"), "{page:?}");
    page
}

/// Without a word of the configuration, nobody learns which roles and rules there are.
#[actix_web::test]
async fn what_is_told_gives_no_rule_away() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "").await;
    assert_eq!(world.get("/portal/why", None).await.location, "/portal");
    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    let page = ask(&mut browser, &world, "").await;
    for part in ["<dt>groups</dt><dd><div>staff</div><div>platform</div></dd>", "<strong>ann</strong>"] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    assert!(!page.body.contains("role=\"status\""), "{}", page.body);
    let without = |page: &Answer, role: &str| page.body.replace(role, "ROLE");
    let unknown = ask(&mut browser, &world, "NoSuchRole").await;
    assert!(unknown.body.contains(NONE), "{}", unknown.body);
    for role in ["Admin", "prod-admin", "arn:aws:iam::111122223333:role/Admin"] {
        let page = ask(&mut browser, &world, role).await;
        assert_eq!(without(&page, role), without(&unknown, "NoSuchRole"), "{role}");
        assert!(!page.body.contains("secret project"), "{}", page.body);
    }
    for (role, said) in [
        ("dev", "Dev in 111122223333 is yours."),
        ("Shut", "A rule offers you Shut in 111122223333, but the role itself does not let you have it."),
        (
            "Nameless",
            "A rule offers you Nameless in 111122223333, but with a session name, tags or a duration that it can",
        ),
        ("%3Cscript%3E", "value=\"&#60;script&#62;\""),
    ] {
        let page = ask(&mut browser, &world, role).await;
        assert!(page.body.contains(said), "{said} in {}", page.body);
    }
    world.stop().await;
}

#[actix_web::test]
async fn rules_are_shown_where_they_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "\n[portal]\nshows_rules = true\n").await;
    let mut browser = Browser::sign_in(&world, &ann(&world)).await;
    for role in ["admin", "prod-admin", "arn:aws:iam::111122223333:role/Admin"] {
        let page = ask(&mut browser, &world, role).await;
        for part in [
            NONE,
            "<strong>secret project</strong>",
            "Its condition does not hold for you.",
            "Does not hold</span> <code class=\"name\">&#34;admins&#34; in attr.groups</code>",
            "<p class=\"hint\">attr.groups is <span class=\"name\">staff, platform</span></p>",
            "Holds</span> <code class=\"name\">subject != &#34;bob&#34;</code>",
            "<strong>of the others</strong>",
            "It is for people of another identity provider.",
        ] {
            assert!(page.body.contains(part), "{role}: {part} in {}", page.body);
        }
        assert!(!page.body.contains("the door is shut"), "{}", page.body);
    }
    let mut admin = Browser::sign_in(&world, &Said { group: "admins", ..ann(&world) }).await;
    let said = async |browser: &mut Browser| ask(browser, &world, "Admin").await.body;
    assert!(said(&mut admin).await.contains("Admin in 111122223333 is yours. You find it"));
    world.clock.advance(Duration::from_secs(180));
    assert!(said(&mut admin).await.contains("Admin in 111122223333 is yours once you sign in again"));
    world.stop().await;
}
