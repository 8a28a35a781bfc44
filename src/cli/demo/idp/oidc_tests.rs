//! The OpenID Connect side of the demo provider: PKCE, one-time codes, exact redirect URIs.

use super::*;
use crate::cli::demo::people::{ANN, Person};
use crate::entropy::SystemEntropy;

const BACK: &str = "http://127.0.0.1:8080/oidc/staff/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const NOW: Moment = Moment::from_unix(1_800_000_000);

fn provider() -> OpenIdProvider {
    let secret = Some(Secret::new(String::from("opensesame")));
    let web = Client { id: "web", secret, redirect_uri: Some(BACK.into()) };
    let app = Client { id: "app", secret: None, redirect_uri: None };
    OpenIdProvider::new("http://127.0.0.1:8081".into(), TokenKey::generate().unwrap(), vec![web, app])
}

fn request() -> AuthorizeRequest {
    AuthorizeRequest {
        client_id: "web".into(),
        redirect_uri: BACK.into(),
        response_type: "code".into(),
        scope: "openid groups".into(),
        state: Some("s&1".into()),
        nonce: Some("n-1".into()),
        code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(),
        code_challenge_method: "S256".into(),
    }
}

fn redemption(location: &str) -> TokenRequest {
    let url = Url::parse(location).unwrap();
    let code = url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    TokenRequest {
        grant_type: "authorization_code".into(),
        code,
        redirect_uri: BACK.into(),
        code_verifier: VERIFIER.into(),
        client_id: "web".into(),
        client_secret: "opensesame".into(),
    }
}

fn approved(provider: &OpenIdProvider) -> TokenRequest {
    let ann = Person::find(ANN.id).unwrap();
    redemption(&provider.approve(&request(), ann, NOW, &SystemEntropy::new()).unwrap())
}

#[test]
fn a_code_is_good_for_one_token() {
    let provider = provider();
    let redemption = approved(&provider);
    let token = provider.redeem(&redemption, NOW).unwrap();
    let claims = BASE64URL.decode_to_vec(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["sub"], "ann");
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["groups"], json!(["platform", "on-call"]));
    assert_eq!(claims["department"], "engineering");
    assert_eq!(provider.redeem(&redemption, NOW), Err(TokenError::InvalidGrant));
}

#[test]
fn a_code_needs_its_verifier_client_address_and_time() {
    type Change = fn(&mut TokenRequest);
    let cases: [(&str, Change, TokenError); 6] = [
        ("verifier", |r| r.code_verifier.push('x'), TokenError::InvalidGrant),
        ("no verifier", |r| r.code_verifier.clear(), TokenError::InvalidGrant),
        ("redirect_uri", |r| r.redirect_uri.push('/'), TokenError::InvalidGrant),
        ("secret", |r| r.client_secret.clear(), TokenError::InvalidClient),
        ("client", |r| r.client_id = "app".into(), TokenError::InvalidGrant),
        ("grant", |r| r.grant_type = "password".into(), TokenError::UnsupportedGrantType),
    ];
    let provider = provider();
    for (what, change, refusal) in cases {
        let mut redemption = approved(&provider);
        change(&mut redemption);
        assert_eq!(provider.redeem(&redemption, NOW), Err(refusal), "{what}");
    }
    let late = NOW.plus(CODE_LIFETIME);
    assert_eq!(provider.redeem(&approved(&provider), late), Err(TokenError::InvalidGrant));
}

#[test]
fn a_wrong_verifier_burns_the_code() {
    let provider = provider();
    let good = approved(&provider);
    let bad = TokenRequest { code_verifier: "guess".into(), ..good.clone() };
    assert_eq!(provider.redeem(&bad, NOW), Err(TokenError::InvalidGrant));
    assert_eq!(provider.redeem(&good, NOW), Err(TokenError::InvalidGrant));
}

#[test]
fn an_unregistered_address_is_never_redirected_to() {
    let provider = provider();
    for (client_id, redirect_uri) in [
        ("web", "http://127.0.0.1:8080/oidc/staff/callback/"),
        ("web", "https://evil.example/"),
        ("web", ""),
        ("app", ""),
        ("nobody", BACK),
    ] {
        let request =
            AuthorizeRequest { client_id: client_id.into(), redirect_uri: redirect_uri.into(), ..request() };
        let answer = provider.check(&request).map(|client| client.id);
        assert!(matches!(answer, Err(AuthorizeError::Stay(_))), "{client_id} {redirect_uri}");
    }
}

#[test]
fn a_request_without_pkce_goes_back_with_the_reason() {
    let provider = provider();
    for method in ["", "plain"] {
        let request = AuthorizeRequest { code_challenge_method: method.into(), ..request() };
        let Err(AuthorizeError::Return(location)) = provider.check(&request).map(|client| client.id) else {
            panic!("{method:?} was accepted");
        };
        assert!(location.starts_with(BACK) && location.contains("error=invalid_request"), "{location}");
        assert!(location.ends_with("state=s%261"), "{location}");
    }
}

#[test]
fn a_key_survives_its_file() {
    let key = TokenKey::generate().unwrap();
    let again = TokenKey::from_pem(key.to_pem().expose()).unwrap();
    assert_eq!(key.jwks(), again.jwks());
}
