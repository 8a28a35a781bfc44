//! The demo provider over HTTP.

use actix_web::dev::ServiceResponse;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, test};
use url::Url;

use super::super::authn_request::RequestKey;
use super::super::testing;
use super::*;
use crate::entropy::SystemEntropy;
use crate::identity::saml::{Binding, Outbound, SamlProvider};

const BROKER: &str = "http://127.0.0.1:8080";
const CALLBACK: &str = "http://127.0.0.1:8080/oidc/staff/callback";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn idp() -> Data<Idp> {
    idp_for(testing::broker(Binding::Redirect).1)
}

/// The provider, to which that key is the broker's.
fn idp_for(requests: RequestKey) -> Data<Idp> {
    Data::new(testing::idp(requests))
}

async fn ask(idp: &Data<Idp>, request: TestRequest) -> ServiceResponse {
    let app = App::new().app_data(idp.clone()).wrap(headers(BROKER)).configure(routes);
    call_service(&init_service(app).await, request.to_request()).await.map_into_boxed_body()
}

async fn body(answer: ServiceResponse) -> String {
    String::from_utf8(read_body(answer).await.to_vec()).unwrap()
}

fn authorize(redirect_uri: &str) -> String {
    let query = [
        ("client_id", PORTAL_CLIENT),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let url = Url::parse_with_params("http://127.0.0.1:8081/authorize", query).unwrap();
    url[url::Position::BeforePath..].to_owned()
}

/// The broker's own request for an answer at `acs`.
fn asked(broker: &SamlProvider, acs: &str) -> Outbound {
    broker.login_request(acs, Some("<r>"), false, &SystemEntropy::new(), testing::NOON).unwrap().outbound
}

fn sso(broker: &SamlProvider, acs: &str) -> String {
    let Outbound::Redirect(url) = asked(broker, acs) else { panic!("a form") };
    Url::parse(&url).unwrap()[url::Position::BeforePath..].to_owned()
}

#[test]
async fn a_code_is_redeemed_by_basic_credentials() {
    let idp = idp();
    let page = ask(&idp, TestRequest::get().uri(&authorize(CALLBACK))).await;
    assert_eq!(page.status(), StatusCode::OK);
    let chosen = TestRequest::post().uri(&authorize(CALLBACK)).set_form([("person", "ann")]);
    let back = ask(&idp, chosen).await;
    assert_eq!(back.status(), StatusCode::SEE_OTHER);
    let location = Url::parse(back.headers().get(LOCATION).unwrap().to_str().unwrap()).unwrap();
    let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let basic = format!("Basic {}", BASE64.encode_to_string(format!("{PORTAL_CLIENT}:opensesame")));
    let request = || TestRequest::post().uri("/token").insert_header((AUTHORIZATION, basic.as_str()));
    let granted = ask(&idp, request().set_form(form)).await;
    assert_eq!(granted.status(), StatusCode::OK);
    assert!(body(granted).await.contains("\"id_token\""));
    let again = ask(&idp, request().set_form(form)).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    assert_eq!(body(again).await, r#"{"error":"invalid_grant"}"#);
}

#[test]
async fn nobody_is_sent_to_an_unknown_address() {
    let (broker, key) = testing::broker(Binding::Redirect);
    let idp = idp_for(key);
    let sso = |acs| sso(&broker, acs);
    for (method, uri) in [
        (TestRequest::get(), authorize("https://evil.example/")),
        (TestRequest::post().set_form([("person", "ann")]), authorize("https://evil.example/")),
        (TestRequest::get(), sso("https://evil.example/")),
        (TestRequest::post().set_form([("person", "ann")]), sso("https://evil.example/")),
    ] {
        let answer = ask(&idp, method.uri(&uri)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{uri}");
        assert!(answer.headers().get(LOCATION).is_none());
        assert!(!body(answer).await.contains("SAMLResponse"), "{uri}");
    }
}

#[test]
async fn a_chosen_person_is_carried_to_the_broker() {
    let (broker, key) = testing::broker(Binding::Redirect);
    let idp = idp_for(key);
    let uri = sso(&broker, testing::ACS);
    let page = body(ask(&idp, TestRequest::get().uri(&uri)).await).await;
    assert!(page.contains("Ann Keller") && page.contains("RelayState=%3Cr%3E"), "{page}");
    let request = TestRequest::post().uri(&uri).set_form([("person", "ann")]);
    carried(body(ask(&idp, request).await).await);
}

fn carried(page: String) {
    assert!(page.contains(r#"action="http://127.0.0.1:8080/saml/corp/acs""#), "{page}");
    assert!(page.contains(r#"name="RelayState" value="&#60;r&#62;""#), "{page}");
}

#[test]
async fn a_request_in_a_form_goes_along_with_the_choice() {
    let (broker, key) = testing::broker(Binding::Post);
    let idp = idp_for(key);
    let Outbound::Post(form) = asked(&broker, testing::ACS) else { panic!("a redirect") };
    let request = || TestRequest::post().uri("/saml/sso");
    let page = body(ask(&idp, request().set_form(&form.fields)).await).await;
    let packed = format!(r#"<input type="hidden" name="SAMLRequest" value="{}">"#, form.fields[0].1);
    assert!(page.contains("Ann Keller") && page.contains(&packed), "{page}");
    let chosen = [&form.fields[..], &[("person", "ann".into())]].concat();
    carried(body(ask(&idp, request().set_form(chosen)).await).await);
}

#[test]
async fn a_request_by_another_key_is_refused_on_a_page() {
    let (redirects, _) = testing::broker(Binding::Redirect);
    let (forms, _) = testing::broker(Binding::Post);
    let idp = idp();
    let Outbound::Post(form) = asked(&forms, testing::ACS) else { panic!("a redirect") };
    for request in [
        TestRequest::get().uri(&sso(&redirects, testing::ACS)),
        TestRequest::post().uri("/saml/sso").set_form(&form.fields),
    ] {
        let answer = ask(&idp, request).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let page = body(answer).await;
        assert!(page.contains("The message&#39;s signature is not one of the broker&#39;s."), "{page}");
    }
}

#[test]
async fn every_answer_is_framed_and_cached_by_nobody() {
    let idp = idp();
    for uri in ["/", "/token/cleo", "/.well-known/openid-configuration", "/jwks.json", "/nowhere"] {
        let answer = ask(&idp, TestRequest::get().uri(uri)).await;
        let policy = answer.headers().get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains(BROKER), "{uri}");
        assert_eq!(answer.headers().get(header::CACHE_CONTROL).unwrap(), "no-store");
    }
}
