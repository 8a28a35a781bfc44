//! Credentials for credentials: `AssumeRole`, `GetSessionToken`, `GetFederationToken`.

use super::parameters::{self, Parameters};
use super::xml::{self, Element};
use super::{invalid, results};
use crate::arn::RoleArn;
use crate::broker::{AssumeAsk, Failure, FederationAsk, RequestContext};
use crate::http::error::{Calling, StsError};
use crate::identity::{Holder, Principal};

pub(super) async fn assume_role(
    context: &RequestContext<'_>,
    caller: &Principal,
    parameters: &Parameters<'_>,
) -> Result<String, StsError> {
    let asked = parameters::assume_role(parameters)?;
    let role = asked.role_arn.parse::<RoleArn>().map_err(|_| invalid(asked.role_arn))?;
    let ask = AssumeAsk {
        role: &role,
        session_name: asked.session_name,
        duration: asked.duration,
        policies: &asked.policies,
        external_id: asked.external_id,
        source_identity: asked.source_identity,
        tags: &asked.tags,
        mfa: asked.mfa,
    };
    let (session, credentials) = context.assume_role(caller, &ask).await.map_err(failed)?;
    Ok(xml::result("AssumeRole", &results::role_session(&session, &credentials)))
}

pub(super) async fn session_token(
    context: &RequestContext<'_>,
    caller: &Principal,
    parameters: &Parameters<'_>,
) -> Result<String, StsError> {
    let asked = parameters::session_token(parameters)?;
    let credentials = context.session_token(caller, asked.duration, asked.mfa).await.map_err(failed)?;
    Ok(xml::result("GetSessionToken", &[results::credentials(&credentials)]))
}

pub(super) async fn federation_token(
    context: &RequestContext<'_>,
    caller: &Principal,
    parameters: &Parameters<'_>,
) -> Result<String, StsError> {
    let asked = parameters::federation_token(parameters)?;
    let ask = FederationAsk {
        name: asked.name,
        duration: asked.duration,
        policies: &asked.policies,
        tags: &asked.tags,
    };
    let (session, credentials) = context.federation_token(caller, &ask).await.map_err(failed)?;
    let holder = Holder::from(session.session());
    let result = [
        results::credentials(&credentials),
        Element::group(
            "FederatedUser",
            vec![Element::text("FederatedUserId", holder.user_id()), Element::text("Arn", holder.arn())],
        ),
        results::packed_size(&asked.tags, &asked.policies),
    ];
    Ok(xml::result("GetFederationToken", &result))
}

fn failed(failure: Failure) -> StsError {
    StsError::of(failure, Calling::Signed)
}
