//! `POST /oauth2/introspect` (RFC 7662) and `POST /oauth2/revoke` (RFC 7009).

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::form::Form;
use super::token::AWS_CREDENTIALS;
use super::{authentication, posted};
use crate::broker::{Active, RequestContext};
use crate::clock::Moment;
use crate::http::error::OAuthError;
use crate::http::{Surface, body};
use crate::identity::{Holder, SessionTag};
use crate::issuer::jwt::subject_of;

pub(super) async fn introspect(
    request: HttpRequest,
    surface: web::Data<Surface>,
    payload: web::Payload,
) -> HttpResponse {
    posted(&request, &surface, payload, body::SMALL, async |context, request, body| {
        known(context, request, body)
    })
    .await
}

pub(super) async fn revoke(
    request: HttpRequest,
    surface: web::Data<Surface>,
    payload: web::Payload,
) -> HttpResponse {
    posted(&request, &surface, payload, body::SMALL, revoked).await
}

/// `token_type_hint` saves nothing here, so it is not looked at.
async fn revoked(
    context: &RequestContext<'_>,
    request: &HttpRequest,
    body: &[u8],
) -> Result<Value, OAuthError> {
    let form = Form::read(request, body)?;
    let client = authentication::client(request, &form, &context.snapshot().directory)?;
    context.revoke_token(client, form.required("token")?).await.map_err(OAuthError::of)?;
    Ok(Value::Null)
}

fn known(context: &RequestContext<'_>, request: &HttpRequest, body: &[u8]) -> Result<Value, OAuthError> {
    let form = Form::read(request, body)?;
    let client = authentication::client(request, &form, &context.snapshot().directory)?;
    let active = context.introspect(client, form.required("token")?).map_err(OAuthError::of)?;
    Ok(active.map_or_else(|| json!({ "active": false }), |active| told(&active, context)))
}

/// RFC 7662 section 2.2, and who holds it as in a token of ours.
fn told(active: &Active, context: &RequestContext<'_>) -> Value {
    let issuer = context.snapshot().public_url.as_str();
    match active {
        Active::Token(token) => {
            let mut answer = json!({
                "active": true,
                "token_type": if token.key().is_some() { "DPoP" } else { "Bearer" },
                "iss": issuer,
                "sub": token.subject(),
                "aud": token.audience(),
                "client_id": token.client_id(),
                "iat": token.issued().unix(),
                "exp": token.expires().unix(),
                "jti": token.id(),
                "rolegate": about(token.session().into()),
            });
            if let Some(key) = token.key() {
                answer["cnf"] = json!({ "jkt": key });
            }
            answer
        }
        Active::Credentials(issued) => {
            let holder = Holder::from(&issued.session);
            let mut said = about(holder);
            said.insert("access_key_id".into(), json!(issued.access_key_id.as_str()));
            let mut answer = json!({
                "active": true,
                "token_type": AWS_CREDENTIALS,
                "iss": issuer,
                "iat": holder.issued().map(Moment::unix),
                "exp": holder.expires().map(Moment::unix),
                "rolegate": said,
            });
            let subject = match holder {
                Holder::Role(session) => subject_of(session),
                Holder::User(_) | Holder::FederatedUser(_) => Some(holder.arn()),
            };
            if let Some(subject) = subject {
                answer["sub"] = json!(subject);
            }
            answer
        }
    }
}

fn about(holder: Holder<'_>) -> Map<String, Value> {
    let tags: &[SessionTag] = match holder {
        Holder::Role(session) => &session.tags,
        Holder::User(_) => &[],
        Holder::FederatedUser(session) => &session.tags,
    };
    let tags: Map<_, _> = tags.iter().map(|tag| (tag.key.clone(), json!(tag.value))).collect();
    let mut said =
        Map::from_iter([("arn".to_owned(), json!(holder.arn())), ("tags".to_owned(), Value::Object(tags))]);
    let Holder::Role(session) = holder else { return said };
    said.insert("role".into(), json!(session.role.as_str()));
    said.insert("role_session_name".into(), json!(session.session_name));
    let optional = [
        ("provider", session.provider.as_ref().map(|provider| provider.as_str())),
        ("subject", session.subject.as_deref()),
        ("source_identity", session.source_identity.as_deref()),
    ];
    said.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
    said
}
