//! Confirmation: one, by bearer, delivered here, in answer to what was asked. Each document is
//! signed after the change.

use rolegate::identity::saml::{Accept, Answer, Expect};

use super::fixture::{
    ACS, ASSERTION, EXPECTED, honest, honest_twice, response, signed, signed_whole, swap, with,
};
use super::suite::{Table, hold};

#[test]
fn is_by_bearer_and_for_us() {
    hold(&tables());
}

const RECIPIENT: &str = "saml.recipient";
const DESTINATION: &str = "saml.destination";
const ANSWER: &str = "saml.in-response-to";
const METHOD: &str = "saml.confirmation.method";
const COUNT: &str = "saml.confirmation.count";
const DATA: &str = "saml.confirmation.data";

pub(super) fn tables() -> Vec<Table> {
    vec![
        methods(),
        numbers(),
        recipients(),
        destinations(),
        at_the_sts_api(),
        where_any_recipient_is_borne(),
        answers(),
        answers_that_nobody_asked_for(),
    ]
}

/// The honest confirmation.
fn confirmation() -> &'static str {
    let end = "</saml:SubjectConfirmation>";
    &ASSERTION
        [ASSERTION.find("<saml:SubjectConfirmation ").unwrap()..ASSERTION.find(end).unwrap() + end.len()]
}

fn methods() -> Table {
    let bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
    let by = |method: &str| with(bearer, method);
    Table::new("methods").twin("bearer", by(bearer)).attacks([
        ("holder of key", by(&bearer.replace("bearer", "holder-of-key")), METHOD),
        ("sender vouches", by(&bearer.replace("bearer", "sender-vouches")), METHOD),
        ("bearer of SAML 1.1", by("urn:oasis:names:tc:SAML:1.0:cm:bearer"), METHOD),
        ("an artifact", by("urn:oasis:names:tc:SAML:1.0:cm:artifact"), METHOD),
        ("an empty one", by(""), METHOD),
        ("none", with(&format!(" Method=\"{bearer}\""), ""), METHOD),
        ("more than bearer", by(&format!("{bearer}2")), METHOD),
        ("bearer in capitals", by(&bearer.replace("bearer", "Bearer")), METHOD),
        ("bearer with a blank", by(&format!("{bearer} ")), METHOD),
    ])
}

fn numbers() -> Table {
    let put = |before: &str, text: &str| with(before, &format!("{text}{before}"));
    let subject = "</saml:Subject>";
    let end = "</saml:SubjectConfirmation>";
    let one = confirmation();
    let foreign = one.replace(ACS, "urn:other");
    let key = one.replace("cm:bearer", "cm:holder-of-key");
    let data = &one[one.find("<saml:SubjectConfirmationData").unwrap()..one.find(end).unwrap()];
    let name = "<saml:NameID Format=\"x:y\">bob</saml:NameID>";
    let in_data = "</saml:SubjectConfirmationData>";
    Table::new("numbers").twin("one", with(one, one)).attacks([
        ("none", with(one, ""), COUNT),
        ("two alike", put(subject, one), COUNT),
        ("ours, then another's", put(subject, &foreign), COUNT),
        ("another's, then ours", with(one, &[foreign.as_str(), one].concat()), COUNT),
        ("bearer, then holder of key", put(subject, &key), COUNT),
        ("holder of key, then bearer", with(one, &[key.as_str(), one].concat()), COUNT),
        ("ten", put(subject, &one.repeat(9)), COUNT),
        ("one within another", with(end, &format!("{one}{end}")), DATA),
        ("no data", with(data, ""), DATA),
        ("data twice", put(end, data), DATA),
        ("a name of its own", with(data, &format!("{name}{data}")), DATA),
        ("a name of its own behind", put(end, name), DATA),
        (
            "a key in the data",
            put(in_data, "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:KeyInfo>"),
            DATA,
        ),
        ("something in the data", put(in_data, "<x></x>"), DATA),
        (
            "beside the subject",
            with(&format!("{one}{subject}"), &format!("{subject}{one}")),
            "saml.structure.child",
        ),
    ])
}

/// Addresses that nearly are ours.
const OTHERS: [(&str, &str); 16] = [
    ("another's", "https://other.example.com/saml/corp/acs"),
    ("longer", "https://broker.example.com/saml/corp/acs/"),
    ("shorter", "https://broker.example.com/saml/corp/ac"),
    ("a query", "https://broker.example.com/saml/corp/acs?"),
    ("a fragment", "https://broker.example.com/saml/corp/acs#"),
    ("HTTP", "http://broker.example.com/saml/corp/acs"),
    ("a port", "https://broker.example.com:443/saml/corp/acs"),
    ("another case", "https://broker.example.com/saml/corp/ACS"),
    ("a path that leads there", "https://broker.example.com/saml/x/../corp/acs"),
    ("two slashes", "https://broker.example.com//saml/corp/acs"),
    ("percent-encoded", "https://broker.example.com/saml/corp/%61cs"),
    ("a user", "https://a@broker.example.com/saml/corp/acs"),
    ("a blank before", " https://broker.example.com/saml/corp/acs"),
    ("a blank behind", "https://broker.example.com/saml/corp/acs "),
    ("another provider's", "https://broker.example.com/saml/other/acs"),
    ("another of ours", "https://broker.example.com/saml"),
];

fn recipients() -> Table {
    let to = |recipient: &str| with(&format!("Recipient=\"{ACS}\""), &format!("Recipient=\"{recipient}\""));
    Table::new("recipients")
        .twin("ours", to(ACS))
        .attacks(OTHERS.map(|(what, recipient)| (what, to(recipient), RECIPIENT)))
        .attacks([
            ("an empty one", to(""), "saml.recipient.missing"),
            ("none", with(&format!(" Recipient=\"{ACS}\""), ""), "saml.recipient.missing"),
            ("in lower case", with("Recipient=", "recipient="), "saml.recipient.missing"),
        ])
}

fn destinations() -> Table {
    let to = |destination: &str| {
        swap(&honest(), &format!("Destination=\"{ACS}\""), &format!("Destination=\"{destination}\""))
    };
    let signed = |destination: &str| signed_whole(&to(destination));
    Table::new("destinations")
        .twins([("ours", to(ACS)), ("ours, signed", honest_twice())])
        .twin("none", swap(&honest(), &format!(" Destination=\"{ACS}\""), ""))
        .attacks(OTHERS.map(|(what, destination)| (what, to(destination), DESTINATION)))
        .attacks(
            OTHERS.map(|(what, destination)| (format!("{what}, signed"), signed(destination), DESTINATION)),
        )
        .attacks([("an empty one", to(""), DESTINATION)])
}

/// The STS API has no address of its own: any of ours will do, and no other.
fn at_the_sts_api() -> Table {
    let to = |recipient: &str| with(&format!("Recipient=\"{ACS}\""), &format!("Recipient=\"{recipient}\""));
    let common = "https://broker.example.com/saml";
    let rows = OTHERS.iter().filter(|(_, address)| *address != common);
    let rows: Vec<_> = rows.map(|(what, address)| (*what, to(address), RECIPIENT)).collect();
    let destination = swap(&honest(), "Destination=\"https://broker", "Destination=\"https://other");
    Table::new("at the STS API")
        .expecting(Expect { recipient: None, in_response_to: Answer::Any })
        .twins([("one of ours", to(ACS)), ("another of ours", to(common))])
        .twin("an answer to another", with("InResponseTo=\"_request\"", "InResponseTo=\"_other\""))
        .attacks(rows)
        .attacks([("another destination", destination, DESTINATION)])
}

fn where_any_recipient_is_borne() -> Table {
    let other = with("Recipient=\"https://broker", "Recipient=\"https://other");
    Table::new("where any recipient is borne")
        .accepting(Accept { any_recipient: true, ..Accept::default() })
        .twin("another's", &other)
        .twin(
            "another destination",
            swap(&honest(), "Destination=\"https://broker", "Destination=\"https://other"),
        )
        .attacks([
            ("none", with(&format!(" Recipient=\"{ACS}\""), ""), "saml.recipient.missing"),
            (
                "another audience",
                with("<saml:Audience>https://broker", "<saml:Audience>https://other"),
                "saml.audience",
            ),
            ("another answer", with("InResponseTo=\"_request\"", "InResponseTo=\"_other\""), ANSWER),
            (
                "changed",
                swap(&other, "Recipient=\"https://other", "Recipient=\"https://broker"),
                "saml.signature.digest",
            ),
        ])
}

/// `InResponseTo` of the envelope, which nobody signed, and of the assertion.
fn answering(envelope: Option<&str>, assertion: Option<&str>) -> String {
    let said = |to: Option<&str>| to.map(|id| format!(" InResponseTo=\"{id}\"")).unwrap_or_default();
    let honest = " InResponseTo=\"_request\"";
    let document = response(&signed(&swap(ASSERTION, honest, &said(assertion))));
    let at = document.find(honest).unwrap_or_else(|| panic!("the envelope answers"));
    [&document[..at], &said(envelope), &document[at + honest.len()..]].concat()
}

fn answers() -> Table {
    let (asked, other) = (Some("_request"), Some("_other"));
    Table::new("answers")
        .twin("to what was asked", answering(asked, asked))
        .twin("the envelope silent", answering(None, asked))
        .attacks([
            ("to another", answering(other, other), ANSWER),
            ("to another in the assertion", answering(asked, other), ANSWER),
            ("to another in the envelope", answering(other, asked), ANSWER),
            ("that only the envelope gives", answering(asked, None), ANSWER),
            ("to nobody", answering(None, None), ANSWER),
            ("an empty one", answering(Some(""), Some("")), ANSWER),
            ("an empty one in the assertion", answering(asked, Some("")), ANSWER),
            ("longer", answering(asked, Some("_request2")), ANSWER),
            ("with a blank", answering(asked, Some("_request ")), ANSWER),
            ("in capitals", answering(asked, Some("_REQUEST")), ANSWER),
            ("to two", answering(asked, Some("_request _other")), ANSWER),
        ])
}

fn answers_that_nobody_asked_for() -> Table {
    let asked = Some("_request");
    Table::new("answers that nobody asked for")
        .expecting(Expect { in_response_to: Answer::Unsolicited, ..EXPECTED })
        .twin("to nobody", answering(None, None))
        .attacks([
            ("to somebody", answering(asked, asked), ANSWER),
            ("to somebody in the envelope", answering(asked, None), ANSWER),
            ("to somebody in the assertion", answering(None, asked), ANSWER),
            ("an empty one", answering(None, Some("")), ANSWER),
            ("an empty one in the envelope", answering(Some(""), None), ANSWER),
        ])
}
