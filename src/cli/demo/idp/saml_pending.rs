//! Stands in for the SAML signing side until it is merged.

use std::time::Duration;

use crate::clock::Moment;
use crate::entropy::Entropy;

pub(crate) struct SamlSigner;

#[derive(Debug, thiserror::Error)]
#[error("SAML signing is not built yet")]
pub(crate) struct SignError;

#[allow(dead_code)]
pub(crate) struct ResponseFacts<'a> {
    pub(crate) recipient: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) in_response_to: Option<&'a str>,
    pub(crate) subject: &'a str,
    pub(crate) attributes: &'a [(&'a str, Vec<String>)],
    pub(crate) at: Moment,
    pub(crate) lifetime: Duration,
}

impl SamlSigner {
    pub(crate) fn generate() -> Result<Self, SignError> {
        Ok(Self)
    }

    pub(crate) fn from_pem(_: &str) -> Result<Self, SignError> {
        Ok(Self)
    }

    pub(crate) fn to_pem(&self) -> String {
        String::new()
    }

    pub(crate) fn metadata(&self, entity_id: &str, _sso: &str) -> String {
        format!("<EntityDescriptor entityID=\"{entity_id}\"/>")
    }

    pub(crate) fn respond(&self, _: &ResponseFacts<'_>, _: &dyn Entropy) -> Result<String, SignError> {
        Err(SignError)
    }
}
