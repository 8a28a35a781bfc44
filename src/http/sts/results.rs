//! What answers have in common, in AWS's order (facts 1.5).

use super::xml::Element;
use crate::identity::{SessionPolicies, SessionTag};
use crate::issuer::TemporaryCredentials;
use crate::policy::{self, AuthorizedSession};

/// A role's session and its credentials.
pub(super) fn role_session<'a>(
    authorized: &'a AuthorizedSession,
    made: &'a TemporaryCredentials,
) -> Vec<Element<'a>> {
    let session = authorized.session();
    let known_there = made.assumed().map(|(id, arn)| (id.to_owned(), arn.to_owned()));
    let (id, arn) = known_there.unwrap_or_else(|| (session.user_id(), session.arn()));
    let mut result = vec![
        Element::group(
            "AssumedRoleUser",
            vec![Element::text("AssumedRoleId", id), Element::text("Arn", arn)],
        ),
        credentials(made),
    ];
    if let Some(source_identity) = &session.source_identity {
        result.push(Element::text("SourceIdentity", source_identity.as_str()));
    }
    if !session.policies.is_empty() || !session.tags.is_empty() {
        result.push(packed_size(&session.tags, &session.policies));
    }
    result
}

pub(super) fn credentials(made: &TemporaryCredentials) -> Element<'_> {
    Element::group(
        "Credentials",
        vec![
            Element::text("AccessKeyId", made.access_key_id()),
            Element::text("SecretAccessKey", made.secret_access_key().expose().as_str()),
            Element::text("SessionToken", made.session_token().expose().as_str()),
            Element::text("Expiration", made.expires().to_rfc3339()),
        ],
    )
}

/// `PackedPolicySize`, in percent.
pub(super) fn packed_size(tags: &[SessionTag], policies: &SessionPolicies) -> Element<'static> {
    Element::text("PackedPolicySize", policy::packed_percent(tags, policies).to_string())
}
