//! Genuine documents of other parties: another identity provider, another tenant of this one,
//! another service of the same provider.

use rolegate::identity::saml::{Accept, SamlProvider};

use super::fixture::{
    ASSERTION, ATTACKER, HONEST, IDP, Signing, enveloped, honest, honest_twice, metadata, noon, provider_of,
    response, settings, signed, signed_whole, swap, with,
};
use super::suite::{Table, hold};

#[test]
fn are_not_taken() {
    hold(&tables());
}

const ISSUER: &str = "saml.issuer";
const ENVELOPE: &str = "saml.response-issuer";
const VALUE: &str = "saml.signature.value";

pub(super) fn tables() -> Vec<Table> {
    let mut tables =
        vec![issuers(), issuers_of_the_response(), where_any_response_issuer_is_borne(), other_services()];
    tables.extend(other_keys());
    tables.push(other_tenant());
    tables
}

/// Issued by somebody else, by the same key: the tenants of one service often share it.
fn issuers() -> Table {
    let by = |issuer: &str| with(&format!("<saml:Issuer>{IDP}"), &format!("<saml:Issuer>{issuer}"));
    let format = |attributes: &str| with("<saml:Issuer>", &format!("<saml:Issuer {attributes}>"));
    let unnamed = swap(ASSERTION, &format!("<saml:Issuer>{IDP}</saml:Issuer>"), "");
    let signature = Signing::of("_a").sign(&unnamed);
    let unnamed = swap(&unnamed, "<saml:Subject>", &format!("{signature}<saml:Subject>"));
    Table::new("issuers")
        .twin("ours", by(IDP))
        .twin("ours, with white space", by(&format!("\n  {IDP}")))
        .twin("ours, with its format", format("Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\""))
        .attacks([
            ("another", by("https://other.example.com/metadata"), ISSUER),
            ("an empty one", by(""), ISSUER),
            ("longer", by(&format!("{IDP}/")), ISSUER),
            ("shorter", by(&IDP[..IDP.len() - 1]), ISSUER),
            ("another tenant", by("https://idp.example.com/metadata?tenant=2"), ISSUER),
            ("HTTP", by(&IDP.replace("https", "http")), ISSUER),
            ("another case", by(&IDP.replace("idp", "IDP")), ISSUER),
            ("percent-encoded", by(&IDP.replace("idp", "%69dp")), ISSUER),
            ("a Cyrillic letter", by(&IDP.replace("example", "ex\u{430}mple")), ISSUER),
            ("two in one", by(&format!("https://other.example.com {IDP}")), ISSUER),
            ("none", response(&unnamed), "saml.issuer.missing"),
            ("us", by("https://broker.example.com"), ISSUER),
        ])
}

fn issuers_of_the_response() -> Table {
    let by = |issuer: &str| swap(&honest(), &format!("assertion\">{IDP}"), &format!("assertion\">{issuer}"));
    let signed = |issuer: &str| signed_whole(&by(issuer));
    let other = "https://other.example.com/metadata";
    Table::new("issuers of the response").twin("ours", by(IDP)).twin("ours, signed", honest_twice()).attacks(
        [
            ("another", by(other), ENVELOPE),
            ("an empty one", by(""), ENVELOPE),
            ("longer", by(&format!("{IDP}/")), ENVELOPE),
            ("another, signed", signed(other), ENVELOPE),
            ("an empty one, signed", signed(""), ENVELOPE),
        ],
    )
}

fn where_any_response_issuer_is_borne() -> Table {
    let by = |issuer: &str| swap(&honest(), &format!("assertion\">{IDP}"), &format!("assertion\">{issuer}"));
    Table::new("where any issuer of the response is borne")
        .accepting(Accept { any_response_issuer: true, ..Accept::default() })
        .twin("another of the response", by("https://other.example.com"))
        .attacks([
            (
                "another of the assertion",
                with("<saml:Issuer>https://idp", "<saml:Issuer>https://other"),
                ISSUER,
            ),
            (
                "another of both",
                with("<saml:Issuer>https://idp", "<saml:Issuer>https://other")
                    .replace(">https://idp", ">https://other"),
                ISSUER,
            ),
        ])
}

/// What the provider wrote for another of its services.
fn other_services() -> Table {
    let for_other =
        |assertion: &str| assertion.replace("https://broker.example.com", "https://other.example.com");
    let all = for_other(&response(ASSERTION));
    let all = swap(&all, &for_other(ASSERTION), &signed(&for_other(ASSERTION)));
    let sent_on = response(&signed(&for_other(ASSERTION)));
    let audience = with("<saml:Audience>https://broker", "<saml:Audience>https://other");
    let recipient = with("Recipient=\"https://broker", "Recipient=\"https://other");
    Table::new("what was for another service").twin("for us", honest()).attacks([
        ("as it was", all.clone(), "saml.destination"),
        ("as it was, signed", signed_whole(&all), "saml.destination"),
        ("in an envelope of ours", sent_on, "saml.audience"),
        ("the audience alone", audience, "saml.audience"),
        ("the recipient alone", recipient, "saml.recipient"),
        (
            "the envelope's address mended",
            swap(&signed_whole(&all), "Destination=\"https://other", "Destination=\"https://broker"),
            "saml.signature.digest",
        ),
    ])
}

/// The same entity id with another key, and the same key with another entity id.
fn other_keys() -> [Table; 2] {
    let theirs =
        response(&enveloped(ASSERTION, &Signing { key: &ATTACKER, ..Signing::of("_a") }.sign(ASSERTION)));
    let both =
        response(&enveloped(ASSERTION, &Signing { key: &ATTACKER, ..Signing::of("_a") }.sign(ASSERTION)));
    [
        Table::new("a provider of our name with another key").twin("our key", honest()).attacks([
            ("the assertion", theirs.clone(), VALUE),
            ("both", enveloped(&both, &Signing { key: &ATTACKER, ..Signing::of("_r") }.sign(&both)), VALUE),
            ("our response around it", signed_whole(&theirs), VALUE),
        ]),
        Table::new("the other way round")
            .at(provider_of(&[&ATTACKER]))
            .twin("their key", theirs)
            .attacks([("our assertion", honest(), VALUE), ("our response", honest_twice(), VALUE)]),
    ]
}

/// Two tenants of one service, one key: each takes its own.
fn other_tenant() -> Table {
    let tenant = "https://idp.example.com/tenant";
    let xml = metadata(&[&HONEST]).replace(IDP, tenant);
    let own = response(&signed(&ASSERTION.replace(IDP, tenant))).replace(IDP, tenant);
    Table::new("another tenant")
        .at(SamlProvider::new(settings(), xml.as_bytes(), noon()).unwrap())
        .twin("its own", own.clone())
        .attacks([
            ("ours", honest(), ENVELOPE),
            ("our assertion in its envelope", swap(&honest(), &format!("assertion\">{IDP}"), &format!("assertion\">{tenant}")), ISSUER),
            ("our assertion without an envelope's word", swap(&honest(), &format!("<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{IDP}</saml:Issuer>"), ""), ISSUER),
            ("our assertion, renamed", swap(&honest().replacen(IDP, tenant, 1), &format!("<saml:Issuer>{IDP}"), &format!("<saml:Issuer>{tenant}")), "saml.signature.digest"),
        ])
}
