//! The calls that show somebody else's word: `AssumeRoleWithSAML`, `AssumeRoleWithWebIdentity`.

use super::parameters::{self, AMAZON, Parameters};
use super::xml::{self, Element};
use super::{invalid, results};
use crate::arn::{ProviderArn, RoleArn};
use crate::broker::{Arrival, Ask, Door, Failure, Refusal, RequestContext};
use crate::directory::Provider;
use crate::http::error::{Calling, StsError};
use crate::identity::{Presented, oidc};
use crate::policy;
use crate::policy::issuers::LOGIN_WITH_AMAZON;

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
    let issuer = if asked.is_amazons {
        Ok(LOGIN_WITH_AMAZON.to_owned())
    } else {
        oidc::unverified_issuer(asked.token).map_err(Failure::from)
    };
    let provider =
        issuer.and_then(|issuer| web_identity_provider(context, &role, &issuer)).map_err(failed)?;
    let arrival = Arrival { presented: Presented::IdToken(asked.token), provider, door: Door::StsApi };
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
        // As AWS says it (facts 1.5).
        Element::text("Provider", if asked.is_amazons { AMAZON } else { identity.provider().as_str() }),
    ]);
    Ok(xml::result(ACTION, &result))
}

/// The provider that the token is said to come from. Verification then decides whether it does.
fn web_identity_provider<'a>(
    context: &'a RequestContext<'_>,
    role: &RoleArn,
    issuer: &str,
) -> Result<&'a Provider, Failure> {
    let provider = context.snapshot().directory.oidc_provider(role.account(), issuer);
    provider.ok_or_else(|| unknown_provider(issuer))
}

fn unknown_provider(seen: &str) -> Failure {
    Refusal::unknown_provider(seen).into()
}
