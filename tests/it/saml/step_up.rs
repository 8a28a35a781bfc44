//! A role that wants people who signed in lately: the browser is sent back to the provider, once.

use std::time::Duration;

use rolegate::clock::{Clock, Moment};

use super::fixture::noon;
use super::logout::world::{Answer, CONSOLE, World};

const MINUTE: Duration = Duration::from_secs(60);
const ADMIN: &str = "arn:aws:iam::111122223333:role/Admin";
const DEV: &str = "arn:aws:iam::111122223333:role/Dev";

/// A second role for everybody, which wants a sign-in of the last two minutes.
const CONFIG: &str = "[[role]]\narn = \"arn:aws:iam::111122223333:role/Admin\"\ntrust_policy = \"trust.json\"\n\
    policies = [\"nothing.json\"]\nsigned_in_within = \"2m\"\n\
    [[rule]]\nname = \"admins\"\nprovider = \"corp\"\nwhen = 'true'\n\
    roles = [\"arn:aws:iam::111122223333:role/Admin\"]\nsession_name = '\"session\"'\n";

/// Three minutes after everybody signed in.
async fn late(folder: &std::path::Path) -> World {
    let world = World::with(folder, CONFIG).await;
    world.clock.advance(3 * MINUTE);
    world
}

/// Posts a response, with the role that was chosen and the login that the browser has under way.
async fn post(world: &World, response: &str, role: Option<&str>, login: Option<(&str, &str)>) -> Answer {
    let mut form = vec![("SAMLResponse", response)];
    form.extend(role.map(|role| ("roleIndex", role)));
    let cookie = login.map(|(tag, cookie)| format!("__Host-rolegate-login-{tag}={cookie}"));
    form.extend(login.map(|(tag, _)| ("RelayState", tag)));
    let headers: Vec<_> = cookie.iter().map(|cookie| ("cookie", cookie.as_str())).collect();
    world.post("/saml/corp/acs", &form, &headers).await
}

/// The request that a page leads to the provider with, and the login's tag and cookie.
fn sent_again(answer: &Answer) -> (String, String, String) {
    assert_eq!((answer.status, answer.heading().as_str()), (200, "Sign in again"), "{answer:?}");
    let (_, rest) = answer.body.split_once("href=\"https://idp.example.com/").unwrap();
    let link = rest.split_once('"').unwrap().0.replace("&#38;", "&");
    let refresh = format!("content=\"0;url=https://idp.example.com/{}\"", link.replace('&', "&#38;"));
    assert!(answer.body.contains(&refresh), "{}", answer.body);
    let (_, query) = link.split_once('?').unwrap();
    let fields: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(found, _)| found == name).unwrap().1.clone();
    let deflated = base64_simd::STANDARD.decode_to_vec(field("SAMLRequest")).unwrap();
    let request = String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&deflated).unwrap()).unwrap();
    let tag = field("RelayState");
    let cookie = answer.cookie(&format!("__Host-rolegate-login-{tag}"));
    (request, tag, cookie)
}

fn id(request: &str) -> &str {
    request.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0
}

/// The role that a console is of.
async fn role_of(world: &World, answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    let cookie = format!("{CONSOLE}={}", answer.cookie(CONSOLE));
    world.get("/console", Some(&cookie)).await.heading()
}

#[actix_web::test]
async fn who_signed_in_long_ago_does_it_again_and_gets_the_role_that_was_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let world = late(folder.path()).await;
    let early = world.response("ann", Some("_s1"), world.clock.now());
    assert_eq!(post(&world, &early, None, None).await.heading(), "Choose a role");
    let (request, tag, cookie) = sent_again(&post(&world, &early, Some(ADMIN), None).await);
    assert!(request.contains(" ForceAuthn=\"true\" ID="), "{request}");

    let now = world.clock.now();
    let fresh = world.answer("ann", Some("_s1"), now, now, Some(id(&request)));
    let opened = post(&world, &fresh, None, Some((&tag, &cookie))).await;
    assert_eq!(role_of(&world, &opened).await, "Admin");
    let other = post(&world, &early, Some(DEV), None).await;
    assert_eq!(role_of(&world, &other).await, "Dev", "the first response was not used up");
    world.stop().await;
}

#[actix_web::test]
async fn who_signed_in_lately_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(folder.path(), CONFIG).await;
    world.clock.advance(2 * MINUTE);
    let response = world.response("ann", Some("_s1"), world.clock.now());
    assert_eq!(role_of(&world, &post(&world, &response, Some(ADMIN), None).await).await, "Admin");
    world.clock.advance(Duration::from_millis(1));
    let response = world.response("ann", Some("_s1"), world.clock.now());
    sent_again(&post(&world, &response, Some(ADMIN), None).await);
    assert_eq!(role_of(&world, &post(&world, &response, Some(DEV), None).await).await, "Dev");
    world.stop().await;
}

/// It is not asked for ever, and gives nothing by it.
#[actix_web::test]
async fn a_provider_that_does_not_ask_again_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let world = late(folder.path()).await;
    let early = world.response("ann", Some("_s1"), world.clock.now());
    let (request, tag, cookie) = sent_again(&post(&world, &early, Some(ADMIN), None).await);
    let again = |signed_in: Moment| {
        world.answer("ann", Some("_s1"), world.clock.now(), signed_in, Some(id(&request)))
    };
    let refused = post(&world, &again(noon()), None, Some((&tag, &cookie))).await;
    assert_eq!((refused.status, refused.heading().as_str()), (403, "This role wants a fresh sign-in"));
    assert!(refused.cookies.is_empty(), "{:?}", refused.cookies);
    let fresh = again(world.clock.now());
    let opened = post(&world, &fresh, None, Some((&tag, &cookie))).await;
    assert_eq!(role_of(&world, &opened).await, "Admin", "the login goes on, with the role");
    world.stop().await;
}

/// Where no browser is, it is refused by name.
#[actix_web::test]
async fn at_the_api_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let world = late(folder.path()).await;
    let ask = async |signed_in: Moment| {
        let response = world.answer("ann", Some("_s1"), world.clock.now(), signed_in, None);
        let form = [
            ("Action", "AssumeRoleWithSAML"),
            ("Version", "2011-06-15"),
            ("RoleArn", ADMIN),
            ("PrincipalArn", "arn:aws:iam::111122223333:saml-provider/corp"),
            ("SAMLAssertion", &response),
        ];
        world.post("/", &form, &[]).await
    };
    let refused = ask(noon()).await;
    assert_eq!((refused.status, refused.body.contains("<Code>AccessDenied</Code>")), (403, true));
    let said = "<Message>The role wants a sign-in of the last 2 minutes: sign in at the identity provider again</Message>";
    assert!(refused.body.contains(said), "{}", refused.body);
    assert_eq!(ask(world.clock.now()).await.status, 200);
    world.stop().await;
}

/// An app gets the role, and gets it again, as long as the sign-in is fresh.
#[actix_web::test]
async fn an_app_is_told_to_sign_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let client =
        "[[client]]\nid = \"app\"\ngrants = [\"token-exchange\", \"refresh\"]\nproviders = [\"corp\"]\n";
    let world = World::with(folder.path(), &format!("{CONFIG}{client}")).await;
    let exchange = async || {
        let response = world.response("ann", Some("_s1"), world.clock.now());
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("client_id", "app"),
            ("subject_token", &response),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:saml2"),
            ("role", ADMIN),
            ("requested_token_type", "urn:rolegate:params:oauth:token-type:aws-credentials"),
        ];
        world.post("/oauth2/token", &form, &[]).await
    };
    let json = |answer: &Answer| serde_json::from_str::<serde_json::Value>(&answer.body).unwrap();
    let given = exchange().await;
    assert_eq!(given.status, 200, "{given:?}");
    let token = json(&given)["refresh_token"].as_str().unwrap().to_owned();
    world.clock.advance(3 * MINUTE);
    let form = [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", &token)];
    let again = world.post("/oauth2/token", &form, &[]).await;
    let fresh = "The role wants a sign-in that is not so long ago: sign in again.";
    let granted = "The role is no longer granted to this person, or their login was ended: sign in again.";
    for (refused, said) in [(exchange().await, fresh), (again, granted)] {
        let refused = (refused.status, json(&refused));
        assert_eq!((refused.0, refused.1["error"].as_str()), (400, Some("invalid_grant")));
        assert_eq!(refused.1["error_description"], said);
    }
    world.stop().await;
}
