//! What answers have in common, in AWS's order (facts 1.5).

use super::xml::Element;
use crate::issuer::TemporaryCredentials;
use crate::policy::AuthorizedSession;

/// The limit of an inline session policy (facts 1.7): 100 % of `PackedPolicySize`.
const LARGEST_POLICY: usize = 2048;

/// A role's session and its credentials.
pub(super) fn role_session<'a>(
    authorized: &'a AuthorizedSession,
    made: &'a TemporaryCredentials,
) -> Vec<Element<'a>> {
    let session = authorized.session();
    let mut result = vec![
        Element::group(
            "AssumedRoleUser",
            vec![Element::text("AssumedRoleId", session.user_id()), Element::text("Arn", session.arn())],
        ),
        credentials(made),
    ];
    if let Some(source_identity) = &session.source_identity {
        result.push(Element::text("SourceIdentity", source_identity.as_str()));
    }
    result.extend(session.session_policy.as_deref().map(packed_size));
    result
}

pub(super) fn credentials(made: &TemporaryCredentials) -> Element<'_> {
    Element::group(
        "Credentials",
        vec![
            Element::text("AccessKeyId", made.access_key_id().as_str()),
            Element::text("SecretAccessKey", made.secret_access_key().expose().as_str()),
            Element::text("SessionToken", made.session_token().expose().as_str()),
            Element::text("Expiration", made.expires().to_rfc3339()),
        ],
    )
}

/// `PackedPolicySize`: how much of the limit a session policy takes, in percent.
pub(super) fn packed_size(policy: &str) -> Element<'static> {
    let percent = (policy.chars().count() * 100).div_ceil(LARGEST_POLICY).min(100);
    Element::text("PackedPolicySize", percent.to_string())
}
