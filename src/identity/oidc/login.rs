//! Signing in through the browser: authorization code with PKCE, state and nonce
//! (OpenID Connect Core 3.1, RFC 7636).
//!
//! `openidconnect` builds the URL and exchanges the code. The ID token that comes back is taken
//! as raw text and goes through the same verifier as every other one, with the nonce.

use std::borrow::Cow;
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreIdToken, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreResponseType, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AuthType, AuthUrl, AuthenticationFlow, AuthorizationCode, Client, ClientId, ClientSecret,
    CsrfToken, EmptyAdditionalClaims, EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest,
    HttpResponse, IssuerUrl, JsonWebKeySet, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardErrorResponse, StandardTokenResponse,
    TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};

use super::discovery::{LARGEST_DOCUMENT, Metadata, Publisher};
use super::{LoginSettings, OidcSettings};
use crate::entropy::{self, Entropy, NoEntropy};
use crate::fetch::{self, FetchError};
use crate::identity::VerifyError;
use crate::secret::Secret;

/// Random bytes of state, nonce and PKCE verifier: 256 bits each, which makes 43 characters,
/// the least that RFC 7636 section 4.1 wants.
const RANDOM_BYTES: usize = 32;

/// A login that was begun. State, nonce and verifier must come back with the callback of the
/// same browser: keep them sealed in its cookie.
#[derive(Debug)]
pub struct LoginStart {
    /// Where to send the browser.
    pub url: String,
    /// Must equal the callback's `state`.
    pub state: String,
    /// Must equal the ID token's `nonce`.
    pub nonce: String,
    /// Proves to the provider that the code is redeemed by whom it was made for.
    pub pkce_verifier: Secret<String>,
}

/// What a code was redeemed for.
#[derive(Debug)]
pub struct Redeemed {
    /// The raw ID token, unverified.
    pub id_token: Secret<String>,
    /// The access token, opaque to us: what [`super::FurtherClaims`] are asked with.
    pub access_token: Secret<String>,
}

/// Why a login can't be begun or finished.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The provider has no login settings.
    #[error("the provider is not set up for logins")]
    NotConfigured,
    /// The provider can't be asked, refuses the code, or answers with nonsense.
    #[error("the provider did not complete the login: {0}")]
    Provider(String),
    /// The ID token is not believed.
    #[error("the ID token was refused")]
    Verify(#[from] VerifyError),
    /// The redirect URI is not a URL.
    #[error("the redirect URI is not a URL")]
    RedirectUri(#[source] url::ParseError),
    /// No random bytes.
    #[error("no state can be made")]
    Entropy(#[from] NoEntropy),
}

/// The URL and secrets of a new login.
pub(super) fn begin(
    settings: &OidcSettings,
    login: &LoginSettings,
    metadata: &Metadata,
    redirect_uri: &str,
    within: Option<Duration>,
    entropy: &dyn Entropy,
) -> Result<LoginStart, LoginError> {
    let client = client(settings, login, metadata)?;
    let redirect = RedirectUrl::new(redirect_uri.to_owned()).map_err(LoginError::RedirectUri)?;
    let (state, nonce, verifier) = (random(entropy)?, random(entropy)?, random(entropy)?);
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.clone()));
    let (state_text, nonce_text) = (state.clone(), nonce.clone());
    let scopes = login.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new);
    let mut request = client
        .authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            move || CsrfToken::new(state_text),
            move || Nonce::new(nonce_text),
        )
        .add_scopes(scopes)
        .set_pkce_challenge(challenge)
        .set_redirect_uri(Cow::Owned(redirect));
    if let Some(within) = within {
        // With `max_age` the answer must say when (Core 2); `login` asks even who signed in a moment ago.
        request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(within);
    }
    let (url, _, _) = request.url();
    Ok(LoginStart { url: url.into(), state, nonce, pkce_verifier: Secret::new(verifier) })
}

/// Redeems `code`.
pub(super) async fn redeem(
    publisher: &Publisher,
    client: LoginClient,
    code: &str,
    redirect_uri: &str,
    pkce_verifier: &str,
) -> Result<Redeemed, LoginError> {
    let redirect = RedirectUrl::new(redirect_uri.to_owned()).map_err(LoginError::RedirectUri)?;
    let transport = |request: HttpRequest| exchange(publisher, request);
    let answer = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(pkce_verifier.to_owned()))
        .set_redirect_uri(Cow::Owned(redirect))
        .request_async(&transport)
        .await
        .map_err(|error| LoginError::Provider(refusal(error)))?;
    let id_token = answer.0.extra_fields().id_token.clone();
    let id_token = id_token.ok_or_else(|| LoginError::Provider("its answer has no ID token".into()))?;
    let access_token = Secret::new(answer.access_token().secret().clone());
    Ok(Redeemed { id_token: Secret::new(id_token), access_token })
}

/// The OAuth client of this login.
pub(super) fn client(
    settings: &OidcSettings,
    login: &LoginSettings,
    metadata: &Metadata,
) -> Result<LoginClient, LoginError> {
    let missing = |name| LoginError::Provider(format!("its discovery document has no {name}"));
    let authorize =
        metadata.authorization_endpoint.clone().ok_or_else(|| missing("authorization_endpoint"))?;
    let token = metadata.token_endpoint.clone().ok_or_else(|| missing("token_endpoint"))?;
    let issuer =
        IssuerUrl::new(settings.issuer.clone()).map_err(|error| LoginError::Provider(error.to_string()))?;
    let client = Client::new(ClientId::new(login.client_id.clone()), issuer, JsonWebKeySet::new(Vec::new()))
        .set_auth_uri(AuthUrl::from_url(authorize))
        .set_token_uri(TokenUrl::from_url(token))
        .set_auth_type(auth_type(metadata));
    Ok(match &login.client_secret {
        None => client,
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().clone())),
    })
}

fn auth_type(metadata: &Metadata) -> AuthType {
    match &metadata.token_endpoint_auth_methods_supported {
        Some(methods) if !methods.iter().any(|method| method == "client_secret_basic") => {
            AuthType::RequestBody
        }
        _ => AuthType::BasicAuth,
    }
}

/// A text that nobody guesses: state, nonce or verifier.
pub(super) fn random(entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let bytes = entropy::bytes::<RANDOM_BYTES>(entropy)?;
    Ok(base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes))
}

/// Carries a request of `openidconnect` over our own client and its limits.
async fn exchange(publisher: &Publisher, request: HttpRequest) -> Result<HttpResponse, FetchError> {
    let request = request.try_into()?;
    let response = fetch::send(&publisher.http, request, publisher.reach).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut answer = HttpResponse::new(fetch::body(response, LARGEST_DOCUMENT).await?);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}

/// What went wrong, without the body of the answer: it may hold tokens.
fn refusal(error: RequestTokenError<FetchError, StandardErrorResponse<CoreErrorResponseType>>) -> String {
    match error {
        RequestTokenError::ServerResponse(refused) => format!("it refused the code: {refused}"),
        RequestTokenError::Request(error) => format!("no usable answer from its token endpoint: {error}"),
        RequestTokenError::Parse(..) => String::from("its token endpoint's answer can't be read"),
        RequestTokenError::Other(text) => text,
    }
}

/// The client of `openidconnect`, with an answer whose ID token stays unread.
pub(super) type LoginClient = Client<
    EmptyAdditionalClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    RawTokenResponse,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
>;

/// A token response (RFC 6749 section 5.1) whose ID token is text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RawTokenResponse(StandardTokenResponse<RawIdToken, CoreTokenType>);

#[derive(Debug, Serialize, Deserialize)]
struct RawIdToken {
    id_token: Option<String>,
}

impl ExtraTokenFields for RawIdToken {}

impl OAuth2TokenResponse for RawTokenResponse {
    type TokenType = CoreTokenType;

    fn access_token(&self) -> &AccessToken {
        self.0.access_token()
    }

    fn token_type(&self) -> &CoreTokenType {
        self.0.token_type()
    }

    fn expires_in(&self) -> Option<Duration> {
        self.0.expires_in()
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.0.refresh_token()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.0.scopes()
    }
}

impl
    TokenResponse<
        EmptyAdditionalClaims,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    > for RawTokenResponse
{
    /// None: this crate's parser of ID tokens is not used.
    fn id_token(&self) -> Option<&CoreIdToken> {
        None
    }
}
