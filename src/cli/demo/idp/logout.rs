//! Single logout at the demo provider, by the HTTP-Redirect binding (SAML Profiles 4.4).
//!
//! It keeps no sessions, so there is nothing to end here: it verifies and answers the broker's
//! requests, and asks the broker to end everything that it has of a person.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::authn_request::{RequestKey, attribute, is_id, redirected};
use super::saml::{SignerError, attribute as quoted, fresh_id, instant, text};
use super::{Idp, ServiceProvider};
use crate::cli::demo::people::Person;

/// The one status that ends well (SAML Core 3.2.2.2).
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const UNREADABLE: &str = "This is not a readable SAML logout message.";

/// What a message of the broker's comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The browser goes back with this provider's answer.
    Answer(String),
    /// The broker did what it was asked.
    ByBroker,
    /// It did not.
    Failed,
}

/// What counts of a message.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    id: String,
    issuer: String,
    /// The status of a response.
    status: Option<String>,
}

impl Idp {
    /// Where a browser takes the request to end everything of `person` in the production account.
    pub(crate) fn logout(&self, person: &Person) -> Result<String, SignerError> {
        let to = &self.broker.corp;
        let xml = format!(
            "{}<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
             Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">{}</saml:NameID></samlp:LogoutRequest>",
            self.begun("LogoutRequest", "", to)?,
            text(person.email),
        );
        Ok(format!("{}?{}", to.slo, self.saml.query("SAMLRequest", &xml, None)?))
    }

    /// A message of the broker's, in a query as it arrived.
    pub(crate) fn logged_out(&self, query: &str) -> Result<Ended, &'static str> {
        if query.starts_with("SAMLResponse=") {
            let (message, _) = Message::verified(query, "SAMLResponse", "LogoutResponse", &self.requests)?;
            self.known(&message.issuer)?;
            let well = message.status.as_deref() == Some(SUCCESS);
            return Ok(if well { Ended::ByBroker } else { Ended::Failed });
        }
        let (message, state) = Message::verified(query, "SAMLRequest", "LogoutRequest", &self.requests)?;
        let to = self.known(&message.issuer)?;
        let answer = self.answer(&message.id, to, state.as_deref());
        Ok(Ended::Answer(answer.map_err(|_| "The answer could not be signed.")?))
    }

    fn answer(&self, id: &str, to: &ServiceProvider, state: Option<&str>) -> Result<String, SignerError> {
        let xml = format!(
            "{}<samlp:Status><samlp:StatusCode Value=\"{SUCCESS}\"/></samlp:Status></samlp:LogoutResponse>",
            self.begun("LogoutResponse", &format!(" InResponseTo=\"{id}\""), to)?,
        );
        Ok(format!("{}?{}", to.slo, self.saml.query("SAMLResponse", &xml, state)?))
    }

    /// The start tag of a message, and who sends it.
    fn begun(&self, name: &str, more: &str, to: &ServiceProvider) -> Result<String, SignerError> {
        Ok(format!(
            "<samlp:{name} xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{}\" ID=\"{}\"{more} \
             IssueInstant=\"{}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}\
             </saml:Issuer>",
            quoted(&to.slo),
            fresh_id(self.entropy.as_ref())?,
            instant(self.clock.now()),
            text(self.saml.entity_id()),
        ))
    }
}

impl Message {
    fn verified(
        query: &str,
        parameter: &str,
        name: &str,
        key: &RequestKey,
    ) -> Result<(Self, Option<String>), &'static str> {
        let (xml, state) = redirected(query, parameter, key)?;
        Ok((Self::read(&xml, name).ok_or(UNREADABLE)?, state))
    }

    /// The root called `name`, its first child's text, and the first status code there is.
    fn read(xml: &str, name: &str) -> Option<Self> {
        let mut reader = Reader::from_str(xml);
        let Event::Start(root) = reader.read_event().ok()? else { return None };
        let id = attribute(&root, "ID").filter(|id| is_id(id))?;
        let Event::Start(issuer) = reader.read_event().ok()? else { return None };
        let Event::Text(content) = reader.read_event().ok()? else { return None };
        let fits = root.local_name().as_ref() == name.as_bytes() && issuer.local_name().as_ref() == b"Issuer";
        let issuer = content.decode().ok().filter(|_| fits)?.into_owned();
        let status = loop {
            match reader.read_event().ok()? {
                Event::Start(code) | Event::Empty(code) if code.local_name().as_ref() == b"StatusCode" => {
                    break attribute(&code, "Value");
                }
                Event::Eof => break None,
                _ => {}
            }
        };
        Some(Self { id, issuer, status })
    }
}

#[cfg(test)]
#[path = "logout_tests.rs"]
mod tests;
