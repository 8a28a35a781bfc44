//! The calls that show somebody else's word: `AssumeRoleWithSAML`, `AssumeRoleWithWebIdentity`.

use super::parameters::{self, Parameters};
use super::xml::{self, Element};
use super::{invalid, results};
use crate::arn::{ProviderArn, RoleArn};
use crate::broker::{Arrival, Ask, Door, Failure, Refusal, RequestContext};
use crate::directory::Provider;
use crate::http::error::{Calling, StsError};
use crate::identity::oidc::AMAZON_PROVIDER_ID;
use crate::identity::{FederatedIdentity, Presented};
use crate::policy;

pub(super) async fn with_saml(
    context: &RequestContext<'_>,
    parameters: &Parameters<'_>,
) -> Result<String, StsError> {
    const ACTION: &str = "AssumeRoleWithSAML";
    let asked = parameters::saml(parameters)?;
    let failed = |failure: Failure| StsError::of(failure, Calling::WithSaml);
    let principal = asked.principal_arn.parse::<ProviderArn>().map_err(|_| invalid(asked.principal_arn))?;
    let provider = context.snapshot().directory.provider_by_arn(&principal);
    let provider = provider.ok_or_else(|| failed(unknown_provider(principal.as_str())))?;
    let role = asked.role_arn.parse::<RoleArn>().map_err(|_| invalid(asked.role_arn))?;
    let arrival =
        Arrival { presented: Presented::SamlResponse(asked.assertion), provider, door: Door::StsApi };
    let ask = Ask {
        action: ACTION,
        role: &role,
        session_name: None,
        duration: asked.duration,
        policies: &asked.policies,
    };
    let federated = context.federate(&arrival, &ask).await.map_err(failed)?;
    let identity = &federated.identity;
    let mut result = results::role_session(&federated.session, &federated.credentials);
    result.extend([
        Element::text("Subject", identity.subject()),
        Element::text("SubjectType", identity.subject_type().unwrap_or_default()),
        Element::text("Issuer", identity.issuer()),
        Element::text("Audience", identity.audience()),
        Element::text("NameQualifier", policy::name_qualifier(identity.issuer(), identity.provider())),
    ]);
    Ok(xml::result(ACTION, &result))
}

pub(super) async fn with_web_identity(
    context: &RequestContext<'_>,
    parameters: &Parameters<'_>,
) -> Result<String, StsError> {
    const ACTION: &str = "AssumeRoleWithWebIdentity";
    let asked = parameters::web_identity(parameters)?;
    let failed = |failure: Failure| StsError::of(failure, Calling::WithWebIdentity);
    let role = asked.role_arn.parse::<RoleArn>().map_err(|_| invalid(asked.role_arn))?;
    let provider = web_identity_provider(context, &role, asked.token).map_err(failed)?;
    let arrival = Arrival { presented: asked.token, provider, door: Door::StsApi };
    let ask = Ask {
        action: ACTION,
        role: &role,
        session_name: Some(asked.session_name),
        duration: asked.duration,
        policies: &asked.policies,
    };
    let federated = context.federate(&arrival, &ask).await.map_err(failed)?;
    let identity = &federated.identity;
    let mut result = results::role_session(&federated.session, &federated.credentials);
    result.extend([
        Element::text("SubjectFromWebIdentityToken", identity.subject()),
        Element::text("Audience", identity.audience()),
        Element::text("Provider", provider_element(asked.token, identity)),
    ]);
    Ok(xml::result(ACTION, &result))
}

/// `Provider` as AWS says it (facts 1.5).
fn provider_element<'a>(token: Presented<'_>, identity: &'a FederatedIdentity) -> &'a str {
    match token {
        Presented::AmazonToken(_) => AMAZON_PROVIDER_ID,
        Presented::IdToken(_) | Presented::SamlResponse(_) => identity.provider().as_str(),
    }
}

/// The provider that the token is said to come from. Verification then decides whether it does.
fn web_identity_provider<'a>(
    context: &'a RequestContext<'_>,
    role: &RoleArn,
    token: Presented<'_>,
) -> Result<&'a Provider, Failure> {
    let issuer = token.unverified_issuer()?;
    let provider = context.snapshot().directory.oidc_provider(role.account(), &issuer);
    provider.ok_or_else(|| unknown_provider(&issuer))
}

fn unknown_provider(seen: &str) -> Failure {
    Refusal::unknown_provider(seen).into()
}
