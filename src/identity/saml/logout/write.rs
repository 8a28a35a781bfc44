//! Our own logout messages, in canonical form (`sign` says why).

use std::fmt::Write as _;
use std::time::Duration;

use crate::clock::Moment;
use crate::identity::saml::names::{ASSERTION, PROTOCOL, RESPONDER, SUCCESS};
use crate::identity::saml::sp::sign::{Canonical, attribute, text};
use crate::identity::{NameId, SamlSession};

/// How long a request of ours is good for (Core 3.7.1): as long as a browser may take to carry it.
const REQUEST_LIFE: Duration = Duration::from_secs(300);
/// Why: the person wants it (Core 3.7.3).
const BY_USER: &str = "urn:oasis:names:tc:SAML:2.0:logout:user";

/// A `LogoutRequest` for `destination`. The `NameID` is the one that the provider wrote, to the
/// letter: providers compare it so.
pub(super) fn request(
    id: &str,
    entity_id: &str,
    destination: &str,
    session: &SamlSession,
    at: Moment,
) -> Canonical {
    let head = format!(
        "<samlp:LogoutRequest xmlns:samlp=\"{PROTOCOL}\" Destination=\"{}\" ID=\"{id}\" IssueInstant=\"{at}\" \
         NotOnOrAfter=\"{}\" Reason=\"{BY_USER}\" Version=\"2.0\">{}",
        attribute(destination),
        at.plus(REQUEST_LIFE),
        issuer(entity_id),
    );
    let mut tail = name_id(&session.name_id);
    for index in &session.session_indexes {
        let _ = write!(tail, "<samlp:SessionIndex>{}</samlp:SessionIndex>", text(index));
    }
    tail.push_str("</samlp:LogoutRequest>");
    Canonical { id: id.to_owned(), head, tail }
}

/// A `LogoutResponse`.
pub(super) struct Answer<'a> {
    /// Its id.
    pub(super) id: &'a str,
    /// That of the request.
    pub(super) in_response_to: &'a str,
    /// Whether what was asked for was done.
    pub(super) done: bool,
    pub(super) at: Moment,
}

impl Answer<'_> {
    /// The message for `destination`.
    pub(super) fn content(&self, entity_id: &str, destination: &str) -> Canonical {
        let head = format!(
            "<samlp:LogoutResponse xmlns:samlp=\"{PROTOCOL}\" Destination=\"{}\" ID=\"{}\" InResponseTo=\"{}\" \
             IssueInstant=\"{}\" Version=\"2.0\">{}",
            attribute(destination),
            self.id,
            attribute(self.in_response_to),
            self.at,
            issuer(entity_id),
        );
        let status = if self.done { SUCCESS } else { RESPONDER };
        let tail = format!(
            "<samlp:Status><samlp:StatusCode Value=\"{status}\"></samlp:StatusCode></samlp:Status>\
             </samlp:LogoutResponse>"
        );
        Canonical { id: self.id.to_owned(), head, tail }
    }
}

fn issuer(entity_id: &str) -> String {
    format!("<saml:Issuer xmlns:saml=\"{ASSERTION}\">{}</saml:Issuer>", text(entity_id))
}

fn name_id(name: &NameId) -> String {
    let mut attributes = String::new();
    let qualified = [
        ("Format", &name.format),
        ("NameQualifier", &name.name_qualifier),
        ("SPNameQualifier", &name.sp_name_qualifier),
    ];
    for (key, value) in qualified {
        if let Some(value) = value {
            let _ = write!(attributes, " {key}=\"{}\"", attribute(value));
        }
    }
    format!("<saml:NameID xmlns:saml=\"{ASSERTION}\"{attributes}>{}</saml:NameID>", text(&name.value))
}
