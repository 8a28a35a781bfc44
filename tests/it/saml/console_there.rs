//! Roles whose credentials somebody else makes open that one's console.

use std::fs;

use rolegate::clock::Clock;

use super::browser::{Browser, ann};
use super::fixture::OURS;
use super::logout::world::{Answer, Credentials, Said, World};
use crate::oauth::fixture::BOT_SECRET;
use crate::sts::upstream::there::{Reply, There};

const REAL: &str = "arn:aws:iam::111122223333:role/Real";
const CONFIG: &str = r#"
[[upstream]]
name = "there"
region = "eu-central-1"
endpoint = "ENDPOINT"
access_key = { id = "AKIATHERETHERETHERE2", secret = { file = "there-secret" } }
[upstream.console]
federation = "ENDPOINT/federation"
home = "ENDPOINT/console"

[[role]]
arn = "arn:aws:iam::111122223333:role/Real"
alias = "real"
trust_policy = "trust.json"
issuer = "there"
upstream = { role = "arn:aws:iam::999988887777:role/Real" }

[[rule]]
name = "real"
provider = "corp"
when = '"admins" in attr.groups'
roles = ["arn:aws:iam::111122223333:role/Real"]
session_name = 'subject'
"#;

/// A broker, and whose console it opens.
async fn worlds(folder: &std::path::Path, of_role: &str) -> (World, There) {
    let there = There::start();
    fs::write(folder.join("there-secret"), BOT_SECRET).unwrap();
    let config = CONFIG.replace("ENDPOINT", &there.url);
    let config = config.replace("upstream = { ", &format!("upstream = {{ {of_role}"));
    (World::with(folder, &config).await, there)
}

fn admin(world: &World) -> Said<'static> {
    Said { group: "admins", ..ann(world) }
}

/// Where the page leads: to the end of that link, and what is set there.
async fn follow(there: &There, page: &Answer) -> (String, String) {
    assert_eq!((page.status, page.heading().as_str()), (200, "Opening the console"), "{page:?}");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert_eq!(page.headers["cache-control"], "no-store");
    let link = page.body.split_once("class=\"button\" href=\"").unwrap().1.split_once('"').unwrap().0;
    assert!(page.body.contains(&format!("content=\"0;url={link}\"")), "{}", page.body);
    open(there, &link.replace("&#38;", "&")).await
}

/// Where a link leads, and what is set there.
async fn open(there: &There, link: &str) -> (String, String) {
    assert!(link.starts_with(&format!("{}/federation?Action=login&", there.url)), "{link}");
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    let opened = client.build().unwrap().get(link).send().await.unwrap();
    assert_eq!(opened.status(), 302);
    let of = |name: &str| opened.headers()[name].to_str().unwrap().to_owned();
    (of("location"), of("set-cookie"))
}

#[actix_web::test]
async fn the_portal_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let (world, there) = worlds(folder.path(), "").await;
    let mut browser = Browser::sign_in(&world, &admin(&world)).await;
    let page = browser.post(&world, "/portal/open", &[("role", REAL)]).await;
    assert!(page.cookies.is_empty(), "no console of ours: {page:?}");
    let expected = (format!("{}/console", there.url), "aws-creds=ASIATHERE1".to_owned());
    assert_eq!(follow(&there, &page).await, expected);
    let asked = there.last_signin();
    assert_eq!(asked["Issuer"], format!("{OURS}/portal"));
    // The same credentials are given again, and a page of the console is where one wants to go.
    let place = format!("{}/s3/home?region=eu-west-1", there.url);
    let wish: String = url::form_urlencoded::byte_serialize(place.as_bytes()).collect();
    let link = browser.get(&world, &format!("/go/real?destination={wish}")).await;
    assert_eq!(link.status, 303, "no form before it: {link:?}");
    assert_eq!(open(&there, &link.location).await, (place, "aws-creds=ASIATHERE1".to_owned()));
    assert_eq!(there.count(), 1);
    for elsewhere in ["https://evil.example/", "http://127.0.0.1:1/console", "https://127.0.0.1/"] {
        let form = [("role", REAL), ("destination", elsewhere)];
        assert_eq!(browser.post(&world, "/portal/open", &form).await.status, 400, "{elsewhere}");
        let refused = browser.get(&world, &format!("/go/real?destination={elsewhere}")).await;
        assert_eq!((refused.status, refused.heading().as_str()), (400, "This place is not allowed"));
    }
    let recent = browser.get(&world, "/portal").await;
    assert!(recent.body.contains("<h2>Recent</h2>"), "{}", recent.body);
    world.stop().await;
}

#[actix_web::test]
async fn a_console_may_last_longer_than_its_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let (world, there) = worlds(folder.path(), "console_duration = \"8h\", ").await;
    let mut browser = Browser::sign_in(&world, &admin(&world)).await;
    let page = browser.post(&world, "/portal/open", &[("role", REAL)]).await;
    assert_eq!(
        (page.heading().as_str(), &*there.last_signin()["SessionDuration"]),
        ("Opening the console", "28800")
    );
    world.stop().await;
}

/// What fails there uses nothing up here.
#[actix_web::test]
async fn a_response_of_the_provider_opens_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let (world, there) = worlds(folder.path(), "").await;
    let response = world.say(&Said { issued: world.clock.now(), ..admin(&world) });
    let choice = [("SAMLResponse", response.as_str()), ("roleIndex", REAL)];
    let post = async || world.post("/saml/corp/acs", &choice, &[]).await;
    let html = || "<html>Invalid Credentials Parameter</html>".to_owned();
    let denied = (502, "The role&#39;s credentials can&#39;t be had here");
    for (replies, expected) in [
        (&[Reply::refuses(403, "AccessDenied")][..], denied),
        // The STS gives once; its credentials are reused, and the rest is said by the federation endpoint.
        (&[Reply::Longer(0), Reply::Is(503, String::new())], (503, "Sign-in is not possible at the moment")),
        (&[Reply::Is(400, html())], denied),
        (&[Reply::Is(200, html())], (503, "Sign-in is not possible at the moment")),
        (&[Reply::Is(200, "{\"SigninToken\":7}".into())], (503, "Sign-in is not possible at the moment")),
    ] {
        there.says(replies);
        let failed = post().await;
        assert_eq!((failed.status, failed.heading().as_str()), expected, "{replies:?}");
        assert!(!failed.body.contains("Invalid Credentials"), "{failed:?}");
    }
    let page = post().await;
    follow(&there, &page).await;
    let again = post().await;
    assert_eq!((again.status, again.heading().as_str()), (400, "This sign-in was used already"));
    world.stop().await;
}

/// Credentials that the other side made open the console there at our address, too, where that is configured.
#[actix_web::test]
async fn foreign_credentials_open_the_console_there() {
    let folder = tempfile::tempdir().unwrap();
    let there = There::start();
    fs::write(folder.path().join("there-secret"), BOT_SECRET).unwrap();
    let config = CONFIG.replace("ENDPOINT", &there.url);
    let forwarding = config.replace("home = ", "forward = true\nhome = ");
    let world = World::with(folder.path(), &forwarding).await;
    let admin = admin(&world);
    let own = world.credentials("ann", None).await;
    let call = |response: &str| {
        [
            ("Action", "AssumeRoleWithSAML".to_owned()),
            ("Version", "2011-06-15".to_owned()),
            ("RoleArn", REAL.to_owned()),
            ("PrincipalArn", "arn:aws:iam::111122223333:saml-provider/corp".to_owned()),
            ("SAMLAssertion", response.to_owned()),
        ]
    };
    let form = call(&world.say(&Said { issued: world.clock.now(), ..admin }));
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let given = world.assume_by(&form).await.unwrap();
    assert_eq!(given.access_key_id, "ASIATHERE1");
    let token = world.signin_token(&given).await.unwrap();
    assert!(!token.contains("signin"), "nobody sees whose it is: {token}");
    let login = async |token: &str, more: &str| {
        world.get(&format!("/federation?Action=login&SigninToken={token}{more}"), None).await
    };
    let elsewhere = login(&token, "&Destination=https://evil.example/").await;
    assert_eq!((elsewhere.status, elsewhere.heading().as_str()), (400, "This place is not allowed"));
    let opened = login(&token, "&Issuer=https://evil.example/").await;
    assert_eq!(opened.status, 302, "{opened:?}");
    assert!(opened.cookies.is_empty(), "{opened:?}");
    let expected = (format!("{}/console", there.url), "aws-creds=ASIATHERE1".to_owned());
    assert_eq!(open(&there, &opened.location).await, expected);
    assert_eq!(there.last_signin()["Issuer"], format!("{OURS}/portal"));
    assert_eq!(login(&token, "").await.status, 400, "once");
    let late = world.signin_token(&given).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(15 * 60));
    assert_eq!(login(&late, "").await.status, 400, "too late");
    // Our own credentials stay here, be they good or not, and what nobody made is refused.
    let asked = there.count_signins();
    assert!(world.signin_token(&own).await.is_some());
    assert_eq!(there.count_signins(), asked);
    let forged = |id: &str, token: &str| {
        Credentials::of(
            &serde_json::json!({ "AccessKeyId": id, "SecretAccessKey": "x", "SessionToken": token }),
        )
    };
    assert!(world.signin_token(&forged(&own.access_key_id, "x")).await.is_none());
    assert_eq!(there.count_signins(), asked + 1, "and refused there");
    assert!(world.signin_token(&forged("AKIABOTBOTBOTBOTBOTB", "x")).await.is_none());
    assert_eq!(there.count_signins(), asked + 1, "a long-term key goes nowhere");
    world.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let (world, there) = worlds(folder.path(), "").await;
    assert!(world.signin_token(&forged("ASIATHERE1", "token==1")).await.is_none());
    assert_eq!(there.count_signins(), 0, "where it is not configured, nobody is asked");
    world.stop().await;
}
