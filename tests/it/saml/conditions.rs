//! Genuine assertions that are from, for or at something else. Each is signed after the change.

use std::time::Duration;

use rolegate::identity::VerifyCode::{
    Audience, Expired, Issuer, Malformed, NotYetValid, ProviderRefused, Unsolicited,
};
use rolegate::identity::saml::{Answer, Expect};

use super::fixture::{
    ACS, ASSERTION, EXPECTED, PROVIDER, REQUEST, SKEW, accepted, base64, honest, noon, refused, response,
    signed, swap, with,
};

/// The assertion without one element.
fn without(name: &str) -> String {
    let (from, end) = (format!("<saml:{name}"), format!("</saml:{name}>"));
    let (from, to) = (ASSERTION.find(&from).unwrap(), ASSERTION.find(&end).unwrap() + end.len());
    response(&signed(&[&ASSERTION[..from], &ASSERTION[to..]].concat()))
}

#[test]
fn for_somebody_else() {
    accepted("the twin of all", &honest());
    let other =
        "<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience></saml:AudienceRestriction>";
    let also = |restriction: &str| with("</saml:Conditions>", &format!("{restriction}</saml:Conditions>"));
    accepted(
        "two restrictions that both name us",
        &also(&other.replace("urn:other", "urn:amazon:webservices")),
    );
    for (what, document, check) in [
        (
            "another audience",
            with("<saml:Audience>https://broker.", "<saml:Audience>https://other."),
            "saml.audience",
        ),
        (
            "a longer audience",
            with("<saml:Audience>https://broker.example.com", "<saml:Audience>https://broker.example.com/x"),
            "saml.audience",
        ),
        (
            "an empty restriction",
            with("<saml:Audience>https://broker.example.com</saml:Audience>", ""),
            "saml.audience",
        ),
        ("a second restriction", also(other), "saml.audience"),
        ("no restriction", without("AudienceRestriction"), "saml.audience.missing"),
        (
            "another recipient",
            with("Recipient=\"https://broker.", "Recipient=\"https://other."),
            "saml.recipient",
        ),
        ("a longer recipient", with("/acs\"", "/acs/\""), "saml.recipient"),
        (
            "another of our recipients",
            with(&format!("Recipient=\"{ACS}\""), "Recipient=\"https://broker.example.com/saml\""),
            "saml.recipient",
        ),
        (
            "another destination",
            swap(&honest(), "Destination=\"https://broker.", "Destination=\"https://other."),
            "saml.destination",
        ),
        (
            "an empty destination",
            swap(&honest(), &format!("Destination=\"{ACS}\""), "Destination=\"\""),
            "saml.destination",
        ),
    ] {
        refused(what, &document, Audience, check);
    }
}

#[test]
fn the_sts_api_takes_any_of_our_recipients() {
    let api = Expect { recipient: None, in_response_to: Answer::Any };
    let verify = |document: &str| {
        PROVIDER.verify(&base64(document.as_bytes()), api, noon()).map_or_else(|fault| fault.check(), |_| "")
    };
    assert_eq!(verify(&honest()), "");
    assert_eq!(
        verify(&with(&format!("Recipient=\"{ACS}\""), "Recipient=\"https://broker.example.com/saml\"")),
        ""
    );
    assert_eq!(verify(&with("Recipient=\"https://broker.", "Recipient=\"https://other.")), "saml.recipient");
    assert_eq!(
        verify(&swap(&honest(), "Destination=\"https://broker.", "Destination=\"https://other.")),
        "saml.destination"
    );
}

/// A subject stands in every session token, so it has a length.
#[test]
fn a_subject_has_a_length() {
    let named = |length: usize| with(">ann</saml:NameID>", &format!(">{}</saml:NameID>", "a".repeat(length)));
    accepted("1024 bytes", &named(1024));
    refused("1025 bytes", &named(1025), Malformed, "saml.name-id.length");
}

#[test]
fn from_somebody_else() {
    accepted("the twin of all", &honest());
    let assertion = with("<saml:Issuer>https://idp", "<saml:Issuer>https://other");
    refused("another issuer", &assertion, Issuer, "saml.issuer");
    let unnamed = with("<saml:Issuer>https://idp.example.com/metadata<", "<saml:Issuer><");
    refused("an empty issuer", &unnamed, Issuer, "saml.issuer");
    let envelope = swap(&honest(), ">https://idp", ">https://other");
    refused("another issuer of the response", &envelope, Issuer, "saml.response-issuer");
    accepted(
        "no issuer of the response",
        &swap(
            &honest(),
            "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://idp.example.com/metadata</saml:Issuer>",
            "",
        ),
    );
}

#[test]
fn at_another_time() {
    let ends = |at: &str| with("2026-11-22T20:00:00Z", at);
    let conditions_end = |at: &str| with("2026-11-22T12:10:00Z", at);
    let confirmation_ends = |at: &str| with("2026-11-22T12:05:00Z", at);
    let begins = |at: &str| with("2026-11-22T11:59:00Z", at);
    let confirmation_begins = |at: &str| {
        with(
            "NotOnOrAfter=\"2026-11-22T12:05",
            &format!("NotBefore=\"{at}\" NotOnOrAfter=\"2026-11-22T12:05"),
        )
    };
    let issued = |at: &str| with("IssueInstant=\"2026-11-22T12:00:00Z\"", &format!("IssueInstant=\"{at}\""));
    // One skew away from noon is the first second that is refused, or the last that is not.
    for (what, good, bad, code, check) in [
        (
            "conditions",
            conditions_end("2026-11-22T11:59:01Z"),
            conditions_end("2026-11-22T11:59:00Z"),
            Expired,
            "saml.expired",
        ),
        (
            "confirmation",
            confirmation_ends("2026-11-22T11:59:01Z"),
            confirmation_ends("2026-11-22T11:59:00Z"),
            Expired,
            "saml.confirmation.expired",
        ),
        (
            "session",
            ends("2026-11-22T11:59:01Z"),
            ends("2026-11-22T11:59:00Z"),
            Expired,
            "saml.session-expired",
        ),
        ("age", issued("2026-11-22T11:54:01Z"), issued("2026-11-22T11:54:00Z"), Expired, "saml.too-old"),
        (
            "begin",
            begins("2026-11-22T12:01:00Z"),
            begins("2026-11-22T12:01:01Z"),
            NotYetValid,
            "saml.not-yet-valid",
        ),
        (
            "confirmation begin",
            confirmation_begins("2026-11-22T12:01:00Z"),
            confirmation_begins("2026-11-22T12:01:01Z"),
            NotYetValid,
            "saml.confirmation.not-yet-valid",
        ),
        (
            "issued",
            issued("2026-11-22T12:01:00Z"),
            issued("2026-11-22T12:01:01Z"),
            NotYetValid,
            "saml.not-yet-issued",
        ),
    ] {
        accepted(what, &good);
        refused(what, &bad, code, check);
    }
    let late = |span: u64| {
        PROVIDER.verify(&base64(honest().as_bytes()), EXPECTED, noon().plus(Duration::from_secs(span)))
    };
    assert!(late(300 + SKEW.as_secs() - 1).is_ok());
    assert_eq!(late(300 + SKEW.as_secs()).unwrap_err().code(), Expired);
}

#[test]
fn to_another_question() {
    let unsolicited = with(" InResponseTo=\"_request\"", "");
    let unsolicited = swap(&unsolicited, " InResponseTo=\"_request\"", "");
    let half = swap(&honest(), " InResponseTo=\"_request\"", "");
    let signed_half = with(" InResponseTo=\"_request\"", "");
    let other = with("InResponseTo=\"_request\"", "InResponseTo=\"_other\"");
    let envelope = swap(&honest(), "InResponseTo=\"_request\"", "InResponseTo=\"_other\"");
    let to = Answer::To(REQUEST);
    for (what, document, answer, good) in [
        ("the answer", honest(), to, true),
        ("the answer, the envelope silent", half.clone(), to, true),
        ("another answer", other.clone(), to, false),
        ("another answer in the envelope", envelope.clone(), to, false),
        ("an answer that only the envelope gives", signed_half.clone(), to, false),
        ("no answer", unsolicited.clone(), to, false),
        ("nobody asked", unsolicited.clone(), Answer::Unsolicited, true),
        ("somebody asked", honest(), Answer::Unsolicited, false),
        ("the envelope was asked", signed_half.clone(), Answer::Unsolicited, false),
        ("the assertion was asked", half, Answer::Unsolicited, false),
        ("any answer", honest(), Answer::Any, true),
        ("any other answer", other, Answer::Any, true),
        ("any answer at all", unsolicited, Answer::Any, true),
    ] {
        let expect = Expect { in_response_to: answer, ..EXPECTED };
        let seen = PROVIDER.verify(&base64(document.as_bytes()), expect, noon());
        let seen = seen.map(|_| ()).map_err(|fault| (fault.code(), fault.check()));
        let expected = if good { Ok(()) } else { Err((Unsolicited, "saml.in-response-to")) };
        assert_eq!(seen, expected, "{what}");
    }
}

#[test]
fn a_failure_is_the_providers_word() {
    let failed = |document: String| swap(&document, "status:Success", "status:Responder");
    refused("a failure", &failed(response("")), ProviderRefused, "saml.status");
    refused("a failure with an assertion", &failed(honest()), ProviderRefused, "saml.status");
    refused(
        "something like success",
        &swap(&honest(), "status:Success", "status:Success2"),
        ProviderRefused,
        "saml.status",
    );
}

#[test]
fn what_aws_demands_is_there() {
    accepted("the twin of all", &honest());
    let confirmation = "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"></saml:SubjectConfirmation></saml:Subject>";
    let format = " Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\"";
    let unknown = "<saml:Condition></saml:Condition></saml:Conditions>";
    let name = "<saml:NameID Format=\"x:y\">bob</saml:NameID></saml:Subject>";
    for (what, document, check) in [
        ("no subject", without("Subject"), "saml.subject.missing"),
        ("no NameID", without("NameID"), "saml.name-id"),
        ("an empty NameID", with(">ann<", "><"), "saml.name-id"),
        ("an element in the NameID", with(">ann<", ">ann<x></x><"), "saml.name-id"),
        ("two NameIDs", with("</saml:Subject>", name), "saml.name-id"),
        ("no Format", with(format, ""), "saml.name-id.format"),
        (
            "an encrypted NameID",
            with("</saml:Subject>", "<saml:EncryptedID></saml:EncryptedID></saml:Subject>"),
            "saml.encrypted",
        ),
        ("no confirmation", without("SubjectConfirmation"), "saml.confirmation.count"),
        ("two confirmations", with("</saml:Subject>", confirmation), "saml.confirmation.count"),
        ("holder of key", with("cm:bearer", "cm:holder-of-key"), "saml.confirmation.method"),
        ("no confirmation data", without("SubjectConfirmationData"), "saml.confirmation.data"),
        (
            "a key in the confirmation",
            with("</saml:SubjectConfirmationData>", "<x></x></saml:SubjectConfirmationData>"),
            "saml.confirmation.data",
        ),
        ("no Recipient", with(&format!(" Recipient=\"{ACS}\""), ""), "saml.recipient.missing"),
        (
            "no subject NotOnOrAfter",
            with(" NotOnOrAfter=\"2026-11-22T12:05:00Z\"", ""),
            "saml.confirmation.not-on-or-after",
        ),
        ("no Conditions", without("Conditions"), "saml.conditions.missing"),
        ("an unknown condition", with("</saml:Conditions>", unknown), "saml.condition"),
        ("an unreadable begin", with("2026-11-22T11:59:00Z", "soon"), "saml.conditions.not-before"),
        (
            "a begin without zone",
            with("2026-11-22T11:59:00Z", "2026-11-22T11:59:00"),
            "saml.conditions.not-before",
        ),
        ("an unreadable end", with("2026-11-22T12:10:00Z", "late"), "saml.conditions.not-on-or-after"),
        ("no AuthnStatement", without("AuthnStatement"), "saml.authn-statement.missing"),
        ("no AuthnInstant", with("AuthnInstant=\"2026-11-22T12:00:00Z\" ", ""), "saml.authn-instant"),
        (
            "an unreadable session end",
            with("2026-11-22T20:00:00Z", "tonight"),
            "saml.session-not-on-or-after",
        ),
        ("no IssueInstant", with("IssueInstant=\"2026-11-22T12:00:00Z\" ", ""), "saml.issue-instant"),
        ("an attribute without a name", with(" Name=\"groups\"", ""), "saml.attribute.name"),
        ("a value of elements", with(">staff<", "><x></x><"), "saml.attribute.value"),
        (
            "an encrypted attribute",
            with(
                "</saml:AttributeStatement>",
                "<saml:EncryptedAttribute></saml:EncryptedAttribute></saml:AttributeStatement>",
            ),
            "saml.encrypted",
        ),
    ] {
        refused(what, &document, Malformed, check);
    }
}
