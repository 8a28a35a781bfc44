//! The OpenID Connect side of the demo provider: PKCE, one-time codes, exact redirect URIs.

use super::*;
use crate::cli::demo::idp::oidc_session::EndSessionRequest;
use crate::cli::demo::people::{ANN, Person};
use crate::entropy::SystemEntropy;

const BACK: &str = "http://127.0.0.1:8080/oidc/staff/callback";
const TOLD: &str = "http://127.0.0.1:8080/oidc/staff/backchannel-logout";
const SIGNED_OUT: &str = "http://127.0.0.1:8080/oidc/staff/signed-out";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const NOW: Moment = Moment::from_unix(1_800_000_000);

fn provider() -> OpenIdProvider {
    let secret = Some(Secret::new(String::from("opensesame")));
    let uris = LogoutUris { backchannel: TOLD.into(), signed_out: SIGNED_OUT.into() };
    let web = Client { id: "web", secret, redirect_uri: Some(BACK.into()), logout: Some(uris) };
    let app = Client { id: "app", secret: None, redirect_uri: None, logout: None };
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

/// Header or claims of a token.
fn part(token: &str, number: usize) -> Value {
    let json = BASE64URL.decode_to_vec(token.split('.').nth(number).unwrap()).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// What the ID token of a sign-in leaves out, userinfo says to the holder of the access token.
#[test]
fn userinfo_says_the_rest() {
    let provider = provider();
    let granted = provider.redeem(&approved(&provider), NOW).unwrap();
    let claims = part(&granted.id_token, 1);
    assert!(claims["email"].is_null() && claims["sid"].as_str().is_some_and(|sid| sid.len() == 43));
    let userinfo = provider.userinfo(&granted.access_token, NOW).unwrap();
    assert_eq!(
        userinfo,
        json!({"sub": "ann", "email": "ann@demo.example", "email_verified": true, "name": ANN.name})
    );
    assert_eq!(provider.userinfo("guess", NOW), None);
    assert_eq!(provider.userinfo(&granted.access_token, NOW.plus(TOKEN_LIFETIME)), None);
}

#[test]
fn a_logout_token_is_one_by_its_type_and_its_event() {
    let tokens = provider();
    let tokens = tokens.logout_tokens(&ANN, NOW, &SystemEntropy::new()).unwrap();
    assert_eq!(tokens.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [TOLD], "the app takes none");
    let (header, claims) = (part(&tokens[0].1, 0), part(&tokens[0].1, 1));
    assert_eq!(header["typ"], "logout+jwt");
    assert_eq!(
        (&claims["sub"], &claims["aud"], &claims["nonce"]),
        (&json!("ann"), &json!("web"), &Value::Null)
    );
    assert_eq!(claims["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
}

#[test]
fn who_signed_out_goes_back_to_a_registered_address_only() {
    let provider = provider();
    let to = |client: &str, uri: &str| {
        let state = Some("s&1".into());
        let (client_id, post_logout_redirect_uri) = (client.into(), uri.into());
        provider.end_session(&EndSessionRequest { client_id, post_logout_redirect_uri, state })
    };
    assert_eq!(to("web", SIGNED_OUT), Some(format!("{SIGNED_OUT}?state=s%261")));
    for (client, uri) in [("web", BACK), ("web", ""), ("web", "https://evil.example/"), ("app", SIGNED_OUT)] {
        assert_eq!(to(client, uri), None, "{client} {uri}");
    }
}

#[test]
fn a_code_is_good_for_one_token() {
    let provider = provider();
    let redemption = approved(&provider);
    let claims = part(&provider.redeem(&redemption, NOW).unwrap().id_token, 1);
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
