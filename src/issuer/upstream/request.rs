//! What is asked of an STS: a session as it was decided, in the parameters of the Query protocol.

use url::form_urlencoded::Serializer;

use super::{By, UpstreamKind, UpstreamRole};
use crate::identity::oidc::AMAZON_PROVIDER_ID;
use crate::identity::{Presented, RoleSession};
use crate::issuer::Issuance;
use crate::policy::OfferedBy;

/// The shortest session that an STS gives, in seconds (facts 1.5).
const SHORTEST: u64 = 900;

/// A request, ready to be signed.
pub(super) struct Asked {
    pub(super) body: String,
    /// Whether it is signed. What carries somebody's word is not.
    pub(super) is_signed: bool,
    /// How long the session is to last, in seconds.
    pub(super) seconds: u64,
}

impl UpstreamRole {
    /// The request for the session, or why none can be made.
    pub(super) fn ask(&self, issuance: &Issuance<'_>) -> Result<Asked, &'static str> {
        let session = issuance.session.session();
        let seconds = session.expires.since(session.issued).as_secs();
        if seconds < SHORTEST {
            return Err("less than 15 minutes are left of the session at the identity provider");
        }
        let mut form = Serializer::new(String::new());
        form.append_pair("Version", "2011-06-15");
        form.append_pair("DurationSeconds", &seconds.to_string());
        form.append_pair("RoleArn", &self.role);
        self.narrow(session, &mut form)?;
        match &self.by {
            By::AssumeRole { external_id } => {
                self.describe(session, external_id.as_deref(), &mut form);
                Ok(Asked { body: form.finish(), is_signed: true, seconds })
            }
            By::PassThrough { saml_provider } => {
                pass(issuance, saml_provider.as_deref(), &mut form)?;
                Ok(Asked { body: form.finish(), is_signed: false, seconds })
            }
        }
    }

    fn describe(&self, session: &RoleSession, external_id: Option<&str>, form: &mut Serializer<'_, String>) {
        form.append_pair("Action", "AssumeRole");
        form.append_pair("RoleSessionName", &session.session_name);
        if let Some(external_id) = external_id {
            form.append_pair("ExternalId", external_id);
        }
        if let Some(source_identity) = &session.source_identity {
            form.append_pair("SourceIdentity", source_identity);
        }
        for (index, tag) in session.tags.iter().enumerate() {
            form.append_pair(&format!("Tags.member.{}.Key", index + 1), &tag.key);
            form.append_pair(&format!("Tags.member.{}.Value", index + 1), &tag.value);
        }
        for (index, tag) in session.tags.iter().filter(|tag| tag.transitive).enumerate() {
            form.append_pair(&format!("TransitiveTagKeys.member.{}", index + 1), &tag.key);
        }
    }

    /// What limits the session. It must arrive, or the session would be wider than was asked for.
    fn narrow(&self, session: &RoleSession, form: &mut Serializer<'_, String>) -> Result<(), &'static str> {
        let policies = &session.policies;
        if !policies.managed.is_empty() && self.sts.settings.kind == UpstreamKind::Minio {
            return Err("the session is limited by PolicyArns, and it does not take them");
        }
        if let Some(inline) = &policies.inline {
            form.append_pair("Policy", inline);
        }
        for (index, arn) in policies.managed.iter().enumerate() {
            form.append_pair(&format!("PolicyArns.member.{}.arn", index + 1), arn.as_str());
        }
        Ok(())
    }
}

/// The caller's own document. The other STS reads name, tags and source identity from it, so that what a rule
/// says of them would be lost.
fn pass(
    issuance: &Issuance<'_>,
    saml_provider: Option<&str>,
    form: &mut Serializer<'_, String>,
) -> Result<(), &'static str> {
    let session = issuance.session.session();
    let is_by_rule = matches!(issuance.session.offered_by(), OfferedBy::Rule(_));
    if is_by_rule && (!session.tags.is_empty() || session.source_identity.is_some()) {
        return Err(
            "a rule sets tags or a source identity, which a document that is passed on does not hold",
        );
    }
    match issuance.presented {
        Some(token @ (Presented::IdToken(text) | Presented::AmazonToken(text))) => {
            form.append_pair("Action", "AssumeRoleWithWebIdentity");
            if matches!(token, Presented::AmazonToken(_)) {
                form.append_pair("ProviderId", AMAZON_PROVIDER_ID);
            }
            form.append_pair("RoleSessionName", &session.session_name);
            form.append_pair("WebIdentityToken", text);
        }
        Some(Presented::SamlResponse(response)) => {
            let provider = saml_provider.ok_or("no saml_provider is set for the role's upstream")?;
            form.append_pair("Action", "AssumeRoleWithSAML");
            form.append_pair("PrincipalArn", provider);
            form.append_pair("SAMLAssertion", response);
        }
        None => return Err("the caller shows neither token nor assertion that could be passed on"),
    }
    Ok(())
}
