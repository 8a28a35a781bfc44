//! Somebody who is described, for tests of rules.
//!
//! The description is written as an assertion and read by the code that reads those of providers, so
//! that short names, AWS's attributes and limits are what they are in earnest. Nobody signed it: what
//! comes of it must never be given anything (`broker::rehearse` alone may suppose).

use std::collections::BTreeMap;

use super::names::{ASSERTION, PERSISTENT};
use super::xml::chars::{escape_attribute, escape_text};
use super::xml::{RESPONSE, read};
use super::{SamlProvider, aliases, claims};
use crate::clock::Moment;
use crate::identity::authentication::AuthnStatements;
use crate::identity::{FederatedIdentity, Protocol, Verified, VerifyError};

impl SamlProvider {
    /// The identity that an assertion with this subject and these attributes would make of somebody who
    /// signed in at this time and in this context, posted to `recipient`.
    pub fn suppose(
        &self,
        subject: &str,
        attributes: &BTreeMap<String, Vec<String>>,
        (at, context): (Option<Moment>, Option<&str>),
        recipient: &str,
    ) -> Result<FederatedIdentity, VerifyError> {
        let document = assertion(subject, attributes);
        let tree = read(document.as_bytes(), &RESPONSE)?;
        let assertion = tree.root()?;
        let (subject, subject_type) = claims::subject(assertion)?;
        let attributes = claims::attributes(assertion)?;
        Ok(FederatedIdentity::new(Verified {
            protocol: Protocol::Saml,
            provider: self.settings.arn.clone(),
            provider_name: self.settings.name.clone(),
            issuer: self.issuer().unwrap_or("https://idp.invalid").to_owned(),
            subject,
            subject_type: Some(subject_type),
            audience: recipient.to_owned(),
            by_access_token: false,
            aliases: aliases::of(assertion, &attributes),
            asserted: claims::asserted(&attributes, assertion)?,
            attributes,
            claims: None,
            authn: AuthnStatements { at, context: context.map(str::to_owned) },
            session_ends: None,
            one_time: None,
            login: None,
        }))
    }
}

fn assertion(subject: &str, attributes: &BTreeMap<String, Vec<String>>) -> String {
    let mut out = format!("<Assertion xmlns=\"{ASSERTION}\"><Subject><NameID Format=\"{PERSISTENT}\">");
    escape_text(&mut out, subject);
    out.push_str("</NameID></Subject><AttributeStatement>");
    for (name, values) in attributes {
        out.push_str("<Attribute Name=\"");
        escape_attribute(&mut out, name);
        out.push_str("\">");
        for value in values {
            out.push_str("<AttributeValue>");
            escape_text(&mut out, value);
            out.push_str("</AttributeValue>");
        }
        out.push_str("</Attribute>");
    }
    out.push_str("</AttributeStatement></Assertion>");
    out
}
