//! The demo provider's logout against the broker's.

use super::super::testing::{NOON, broker_of, idp, key};
use super::*;
use crate::cli::demo::people::ANN;
use crate::entropy::SystemEntropy;
use crate::identity::saml::{Binding, LogoutMessage, LogoutStatus, Outbound, PresentedLogout, SamlProvider};
use crate::identity::{NameId, SamlSession};

/// The provider, and the broker that it knows.
fn both() -> (Idp, SamlProvider) {
    let (key, known) = key();
    let idp = idp(known);
    let broker = broker_of(key, Binding::Redirect, &idp.saml_metadata());
    (idp, broker)
}

fn query(url: &str, at: &str) -> String {
    url.strip_prefix(&format!("{at}?")).unwrap_or_else(|| panic!("{url}")).to_owned()
}

fn session() -> SamlSession {
    let value = ANN.email.to_owned();
    let name_id = NameId { value, format: None, name_qualifier: None, sp_name_qualifier: None };
    SamlSession { name_id, session_indexes: vec!["_1".into()] }
}

#[test]
fn the_broker_is_answered() {
    let (idp, broker) = both();
    let start = broker.logout_request(&session(), &SystemEntropy::new(), NOON).unwrap().unwrap();
    let Outbound::Redirect(url) = start.outbound else { panic!("a form") };
    let sent = query(&url, "http://127.0.0.1:8081/saml/slo");
    let Ok(Ended::Answer(url)) = idp.logged_out(&sent) else { panic!("{sent}") };
    let answer = query(&url, "http://127.0.0.1:8080/saml/corp/slo");
    let answer = broker.verify_logout(PresentedLogout::Redirect(&answer), Some(&start.id), NOON);
    assert!(matches!(answer, Ok(LogoutMessage::Response(LogoutStatus::Success))), "{answer:?}");
    for changed in [
        sent.split_once("&SigAlg").unwrap().0.to_owned(),
        sent.replace("Signature=", "Signature=AAAA"),
        sent.replace("SAMLRequest", "SAMLResponse"),
        String::new(),
    ] {
        assert!(idp.logged_out(&changed).is_err(), "{changed}");
    }
    let (stranger, _) = both();
    assert!(stranger.logged_out(&sent).is_err(), "signed by another broker");
}

#[test]
fn the_broker_is_told() {
    let (idp, broker) = both();
    let sent = query(&idp.logout(&ANN).unwrap(), "http://127.0.0.1:8080/saml/corp/slo");
    let request = broker.verify_logout(PresentedLogout::Redirect(&sent), None, NOON);
    let Ok(LogoutMessage::Request(request)) = request else { panic!("{request:?}") };
    assert_eq!(request.session().name_id.value, ANN.email);
    assert_eq!(request.marks().ended(), [request.marks().subject], "everything of hers");
    for (done, ended) in [(true, Ended::ByBroker), (false, Ended::Failed)] {
        let answer = broker.logout_response(&request, done, &SystemEntropy::new(), NOON).unwrap().unwrap();
        let Outbound::Redirect(url) = answer else { panic!("a form") };
        assert_eq!(idp.logged_out(&query(&url, "http://127.0.0.1:8081/saml/slo")), Ok(ended));
    }
}
