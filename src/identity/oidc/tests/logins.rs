//! The authorization code flow against a token endpoint on loopback.

use super::*;
use crate::entropy::SystemEntropy;

const REDIRECT: &str = "https://broker.example.com/oidc/corp/callback";

fn provider(server: &Server, client_secret: Option<&str>) -> OidcProvider {
    let login = LoginSettings {
        client_id: String::from("broker"),
        client_secret: client_secret.map(|secret| Secret::new(secret.to_owned())),
        scopes: vec![String::from("openid"), String::from("email")],
        userinfo: false,
    };
    let settings = OidcSettings { login: Some(login), ..settings(&server.issuer, KeySource::Discovery) };
    OidcProvider::new(settings, http_client(HERE).unwrap()).unwrap()
}

/// Lets the token endpoint give out an ID token for `aud` with `nonce`.
fn answer(server: &Server, aud: &str, nonce: &str) {
    let claims = claims(json!({"iss": server.issuer, "aud": aud, "nonce": nonce}));
    let id_token = token(&claims);
    let body = json!({"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": id_token});
    server.serve("/token", 200, &body.to_string());
}

/// What a callback does: redeems the code, then verifies the token with the login's nonce.
async fn redeem(
    provider: &OidcProvider,
    code: &str,
    nonce: &str,
    pkce_verifier: &str,
) -> Result<FederatedIdentity, LoginError> {
    let redeemed = provider.redeem_code(code, REDIRECT, pkce_verifier, NOW).await?;
    Ok(provider.verify(redeemed.id_token.expose(), Some(nonce), NOW).await?)
}

#[tokio::test]
async fn a_login_goes_there_and_back() {
    let server = Server::start(&[&EC.jwk]);
    let provider = provider(&server, Some("s3cret"));
    let start = provider.begin_login(REDIRECT, None, &SystemEntropy::new(), NOW).await.unwrap();
    let url = Url::parse(&start.url).unwrap();
    let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert!(start.url.starts_with(&format!("{}/authorize?", server.issuer)));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "broker"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid email"),
        ("code_challenge_method", "S256"),
        ("state", &start.state),
        ("nonce", &start.nonce),
    ] {
        assert_eq!(query[name], value, "{name}");
    }
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, start.pkce_verifier.expose().as_bytes());
    assert_eq!(query["code_challenge"], b64(hash.as_ref()));

    answer(&server, "broker", &start.nonce);
    let verifier = start.pkce_verifier.expose();
    let identity = redeem(&provider, "c0de", &start.nonce, verifier).await.unwrap();
    assert_eq!((identity.subject(), identity.audience()), ("ann", "broker"));
    let request = server.last_request();
    for part in ["code=c0de", "grant_type=authorization_code", &format!("code_verifier={verifier}")] {
        assert!(request.contains(part), "{part}: {request}");
    }
    let basic = base64_simd::STANDARD.encode_to_string("broker:s3cret");
    assert!(
        request.to_lowercase().contains(&format!("authorization: basic {basic}").to_lowercase()),
        "{request}"
    );
}

#[tokio::test]
async fn the_secret_goes_where_the_provider_wants_it() {
    let server = Server::start(&[&EC.jwk]);
    let endpoint = |path: &str| format!("{}{path}", server.issuer);
    let document = json!({
        "issuer": server.issuer, "jwks_uri": endpoint("/keys"),
        "authorization_endpoint": endpoint("/authorize"), "token_endpoint": endpoint("/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    });
    server.serve("/.well-known/openid-configuration", 200, &document.to_string());
    answer(&server, "broker", "n");
    let provider = provider(&server, Some("s3cret"));
    assert!(redeem(&provider, "c", "n", "v").await.is_ok());
    let request = server.last_request();
    assert!(request.contains("client_secret=s3cret") && !request.contains("authorization: "), "{request}");
}

/// Who signed in long ago is to do it again, and the answer must say when that was (Core 3.1.2.1).
#[tokio::test]
async fn a_login_may_have_to_be_fresh() {
    let server = Server::start(&[&EC.jwk]);
    let provider = provider(&server, None);
    let asked = async |within: Option<u64>| {
        let within = within.map(std::time::Duration::from_secs);
        let start = provider.begin_login(REDIRECT, within, &SystemEntropy::new(), NOW).await.unwrap();
        let query: HashMap<_, _> = Url::parse(&start.url).unwrap().query_pairs().into_owned().collect();
        (query.get("prompt").cloned(), query.get("max_age").cloned())
    };
    assert_eq!(asked(Some(900)).await, (Some("login".to_owned()), Some("900".to_owned())));
    assert_eq!(asked(None).await, (None, None));
}

#[tokio::test]
async fn two_logins_share_nothing() {
    let server = Server::start(&[&EC.jwk]);
    let provider = provider(&server, None);
    let entropy = SystemEntropy::new();
    let one = provider.begin_login(REDIRECT, None, &entropy, NOW).await.unwrap();
    let two = provider.begin_login(REDIRECT, None, &entropy, NOW).await.unwrap();
    let parts =
        |start: &LoginStart| [start.state.clone(), start.nonce.clone(), start.pkce_verifier.expose().clone()];
    let all: std::collections::HashSet<String> = parts(&one).into_iter().chain(parts(&two)).collect();
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(|text| text.len() == 43));
}

#[tokio::test]
async fn what_comes_back_is_verified_like_any_token() {
    let server = Server::start(&[&EC.jwk]);
    let provider = provider(&server, None);
    let finish = || async {
        match redeem(&provider, "c", "n", "v").await {
            Ok(_) => String::from("accepted"),
            Err(LoginError::Verify(error)) => error.check().to_owned(),
            Err(other) => other.to_string(),
        }
    };
    answer(&server, "broker", "n");
    assert_eq!(finish().await, "accepted");
    answer(&server, "broker", "replayed");
    assert_eq!(finish().await, "oidc.nonce");
    // A client of the bearer exchange is not this broker.
    answer(&server, "app", "n");
    assert_eq!(finish().await, "oidc.audience");
    // An authorized party alone does not make a token of another audience this login's.
    let elsewhere = claims(json!({"iss": server.issuer, "aud": "api", "azp": "broker", "nonce": "n"}));
    let body = json!({"access_token": "a", "token_type": "Bearer", "id_token": token(&elsewhere)});
    server.serve("/token", 200, &body.to_string());
    assert_eq!(finish().await, "oidc.audience");
    server.serve("/token", 200, r#"{"access_token":"a","token_type":"Bearer"}"#);
    assert!(finish().await.ends_with("its answer has no ID token"));
    server.serve("/token", 400, r#"{"error":"invalid_grant"}"#);
    assert!(finish().await.contains("it refused the code: invalid_grant"), "{}", finish().await);
    server.serve("/token", 302, "");
    assert!(finish().await.starts_with("the provider did not complete the login"));
    server.serve("/token", 200, "<html>secret</html>");
    assert!(!finish().await.contains("secret"));
}

#[tokio::test]
async fn providers_without_login_settings_have_no_login() {
    let server = Server::start(&[&EC.jwk]);
    let start = server.provider().begin_login(REDIRECT, None, &SystemEntropy::new(), NOW).await;
    assert!(matches!(start, Err(LoginError::NotConfigured)));
    let start = provider(&server, None).begin_login("not a url", None, &SystemEntropy::new(), NOW).await;
    assert!(matches!(start, Err(LoginError::RedirectUri(_))));
}
