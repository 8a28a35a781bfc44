//! Conditions: audiences, one and all of them, and what nobody knows. Each document is signed
//! after the change.

use rolegate::identity::saml::Accept;

use super::fixture::{ASSERTION, ATTACKER, Signing, enveloped, honest, response, signed, swap, with};
use super::suite::{Table, hold};

#[test]
fn are_met() {
    hold(&tables());
}

const AUDIENCE: &str = "saml.audience";
const MISSING: &str = "saml.audience.missing";
const OURS: &str = "https://broker.example.com";

pub(super) fn tables() -> Vec<Table> {
    vec![
        audiences(),
        restrictions(),
        others(),
        contexts(),
        where_any_audience_is_borne(),
        where_early_is_borne(),
        several_faults(),
    ]
}

fn restriction(audiences: &[&str]) -> String {
    let all: String = audiences.iter().map(|name| format!("<saml:Audience>{name}</saml:Audience>")).collect();
    format!("<saml:AudienceRestriction>{all}</saml:AudienceRestriction>")
}

/// With these restrictions instead of the honest one.
fn restricted(restrictions: &str) -> String {
    with(&restriction(&[OURS]), restrictions)
}

fn audiences() -> Table {
    let of = |audiences: &[&str]| restricted(&restriction(audiences));
    Table::new("audiences")
        .twins([
            ("ours", of(&[OURS])),
            ("ours by another name", of(&["urn:amazon:webservices"])),
            ("ours among others", of(&["urn:other", OURS, "urn:another"])),
            ("white space around", of(&[&format!("\n  {OURS}\t")])),
        ])
        .attacks([
            ("another's", of(&["https://other.example.com"]), AUDIENCE),
            ("none", of(&[]), AUDIENCE),
            ("an empty one", of(&[""]), AUDIENCE),
            ("several others", of(&["urn:a", "urn:b"]), AUDIENCE),
            ("longer", of(&[&format!("{OURS}/x")]), AUDIENCE),
            ("with a slash", of(&[&format!("{OURS}/")]), AUDIENCE),
            ("shorter", of(&["https://broker.example"]), AUDIENCE),
            ("a host below", of(&["https://broker.example.com.evil.example"]), AUDIENCE),
            ("a user before", of(&["https://broker.example.com@evil.example"]), AUDIENCE),
            ("a port", of(&[&format!("{OURS}:443")]), AUDIENCE),
            ("a final dot", of(&[&format!("{OURS}.")]), AUDIENCE),
            ("a query", of(&[&format!("{OURS}?")]), AUDIENCE),
            ("a fragment", of(&[&format!("{OURS}#")]), AUDIENCE),
            ("HTTP", of(&["http://broker.example.com"]), AUDIENCE),
            ("another case", of(&["https://BROKER.example.com"]), AUDIENCE),
            ("percent-encoded", of(&["https://%62roker.example.com"]), AUDIENCE),
            ("a Cyrillic letter", of(&["https://br\u{43e}ker.example.com"]), AUDIENCE),
            ("a joiner of no width", of(&["https://bro\u{200b}ker.example.com"]), AUDIENCE),
            ("two in one", of(&[&format!("{OURS} urn:other")]), AUDIENCE),
            ("two in one, by a line end", of(&[&format!("urn:other\n{OURS}")]), AUDIENCE),
            ("a wildcard", of(&["*"]), AUDIENCE),
            ("a wildcard of hosts", of(&["https://*.example.com"]), AUDIENCE),
            ("a consumer of ours", of(&["https://broker.example.com/saml/corp/acs"]), AUDIENCE),
            ("the provider itself", of(&["https://idp.example.com/metadata"]), AUDIENCE),
        ])
}

fn restrictions() -> Table {
    let (ours, other) = (restriction(&[OURS]), restriction(&["urn:other"]));
    let without = |text: &str| response(&signed(&swap(ASSERTION, text, "")));
    let from = ASSERTION.find("<saml:Conditions").unwrap();
    let to = ASSERTION.find("</saml:Conditions>").unwrap() + "</saml:Conditions>".len();
    Table::new("restrictions").twin("two that both name us", restricted(&ours.repeat(2))).attacks([
        ("a second one for another", restricted(&[ours.as_str(), &other].concat()), AUDIENCE),
        ("a first one for another", restricted(&[other.as_str(), &ours].concat()), AUDIENCE),
        ("a second one that is empty", restricted(&[ours.as_str(), &restriction(&[])].concat()), AUDIENCE),
        ("the last of ten for another", restricted(&[ours.repeat(9), other.clone()].concat()), AUDIENCE),
        ("none", restricted(""), MISSING),
        (
            "no audience of its own",
            restricted(&format!("<saml:Audience>{OURS}</saml:Audience>")),
            "saml.condition",
        ),
        (
            "within another",
            restricted(&format!("<saml:AudienceRestriction>{ours}</saml:AudienceRestriction>")),
            AUDIENCE,
        ),
        (
            "in other conditions",
            restricted(&format!("<saml:Conditions>{ours}</saml:Conditions>")),
            "saml.condition",
        ),
        ("no conditions", without(&ASSERTION[from..to]), "saml.conditions.missing"),
        (
            "empty conditions",
            response(&signed(&swap(ASSERTION, &ASSERTION[from..to], "<saml:Conditions></saml:Conditions>"))),
            MISSING,
        ),
        (
            "a proxy's audience only",
            restricted(&format!(
                "<saml:ProxyRestriction><saml:Audience>{OURS}</saml:Audience></saml:ProxyRestriction>"
            )),
            MISSING,
        ),
    ])
}

fn others() -> Table {
    let and = |condition: &str| with("</saml:Conditions>", &format!("{condition}</saml:Conditions>"));
    let check = "saml.condition";
    Table::new("other conditions")
        .twin("one use", and("<saml:OneTimeUse></saml:OneTimeUse>"))
        .twin("no proxies", and("<saml:ProxyRestriction Count=\"0\"></saml:ProxyRestriction>"))
        .attacks([
            ("an unknown one", and("<saml:Condition></saml:Condition>"), check),
            ("one of another namespace", and("<x:OneTimeUse xmlns:x=\"urn:x\"></x:OneTimeUse>"), check),
            ("one with a type", and("<saml:Condition xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"x\"></saml:Condition>"), check),
            ("a delegation", and("<del:Delegate xmlns:del=\"urn:oasis:names:tc:SAML:2.0:conditions:delegation\"></del:Delegate>"), check),
            ("SAML 1.1's do not cache", and("<saml:DoNotCacheCondition></saml:DoNotCacheCondition>"), check),
            ("a name", and("<saml:NameID></saml:NameID>"), check),
        ])
}

/// A way of proving who one is that the operator asks for.
fn contexts() -> Table {
    let wanted = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken";
    let end = "</saml:AuthnStatement>";
    let stated = |context: &str| with(end, &format!("<saml:AuthnContext>{context}</saml:AuthnContext>{end}"));
    let class = |class: &str| format!("<saml:AuthnContextClassRef>{class}</saml:AuthnContextClassRef>");
    let check = "saml.authn-context";
    Table::new("contexts of authentication")
        .with(|settings| settings.authn_contexts = vec![wanted.to_owned()])
        .twin("the one that is wanted", stated(&class(wanted)))
        .attacks([
            ("none", honest(), check),
            ("an empty one", stated(""), check),
            ("a password", stated(&class("urn:oasis:names:tc:SAML:2.0:ac:classes:Password")), check),
            ("more than the one", stated(&class(&format!("{wanted}2"))), check),
            ("less than the one", stated(&class(&wanted[..wanted.len() - 1])), check),
            ("another case", stated(&class(&wanted.to_uppercase())), check),
            ("two in one", stated(&class(&format!("urn:x {wanted}"))), check),
            (
                "a declaration of it",
                stated(&format!("<saml:AuthnContextDeclRef>{wanted}</saml:AuthnContextDeclRef>")),
                check,
            ),
            (
                "an authority of it",
                stated(&format!("<saml:AuthenticatingAuthority>{wanted}</saml:AuthenticatingAuthority>")),
                check,
            ),
            (
                "deeper",
                stated(&format!("<saml:AuthnContextDecl>{}</saml:AuthnContextDecl>", class(wanted))),
                check,
            ),
            ("without its context", with(end, &format!("{}{end}", class(wanted))), check),
            ("of an element", stated(&class(&format!("{wanted}<x></x>"))), check),
            ("in an attribute", with(">staff<", &format!(">{wanted}<")), check),
        ])
}

/// What is borne is borne, and nothing beside it.
fn where_any_audience_is_borne() -> Table {
    let other = restricted(&restriction(&["urn:other"]));
    Table::new("where any audience is borne")
        .accepting(Accept { any_audience: true, ..Accept::default() })
        .twins([("another's", other.clone()), ("nobody's", restricted(""))])
        .attacks([
            (
                "another recipient",
                with("Recipient=\"https://broker", "Recipient=\"https://other"),
                "saml.recipient",
            ),
            ("another issuer", with("<saml:Issuer>https://idp", "<saml:Issuer>https://other"), "saml.issuer"),
            (
                "no conditions",
                response(&signed(&swap(
                    ASSERTION,
                    &ASSERTION[ASSERTION.find("<saml:Conditions").unwrap()
                        ..ASSERTION.find("<saml:AuthnStatement").unwrap()],
                    "",
                ))),
                "saml.conditions.missing",
            ),
            (
                "an unknown condition",
                with("</saml:Conditions>", "<saml:Condition></saml:Condition></saml:Conditions>"),
                "saml.condition",
            ),
            ("changed", swap(&other, "urn:other", OURS), "saml.signature.digest"),
        ])
}

fn where_early_is_borne() -> Table {
    let early = with("2026-11-22T11:59:00Z", "2026-11-22T13:00:00Z");
    Table::new("where early ones are borne")
        .accepting(Accept { early: true, ..Accept::default() })
        .twin("early", &early)
        .attacks([
            ("over", with("2026-11-22T12:10:00Z", "2026-11-22T11:00:00Z"), "saml.expired"),
            (
                "issued in the future",
                with("IssueInstant=\"2026-11-22T12:00", "IssueInstant=\"2026-11-22T13:00"),
                "saml.not-yet-issued",
            ),
            ("unreadable", with("2026-11-22T11:59:00Z", "x"), "saml.conditions.not-before"),
        ])
}

/// The first fault is the answer, for an explanation too, which looks at what comes behind it.
fn several_faults() -> Table {
    let both = |from: &str, to: &str, other: &str, to_other: &str| {
        response(&signed(&swap(&swap(ASSERTION, from, to), other, to_other)))
    };
    let audience = "<saml:Audience>https://broker";
    let foreign = "<saml:Audience>https://other";
    let elsewhere =
        |document: &str| swap(document, "Destination=\"https://broker", "Destination=\"https://other");
    let by_attacker = Signing { key: &ATTACKER, ..Signing::of("_a") }.sign(ASSERTION);
    Table::new("several faults").twin("none", honest()).attacks([
        (
            "an audience, then a condition",
            both(
                audience,
                foreign,
                "</saml:Conditions>",
                "<saml:Condition></saml:Condition></saml:Conditions>",
            ),
            AUDIENCE,
        ),
        ("an audience, then a method", both(audience, foreign, "cm:bearer", "cm:other"), AUDIENCE),
        ("an audience, then no name", both(audience, foreign, ">ann<", "><"), AUDIENCE),
        ("an audience, then a value", both(audience, foreign, ">staff<", "><x></x><"), AUDIENCE),
        (
            "an end, then an audience",
            both("2026-11-22T12:10", "2026-11-22T11:10", audience, foreign),
            "saml.expired",
        ),
        (
            "an address, then a signature",
            elsewhere(&response(&enveloped(ASSERTION, &by_attacker))),
            "saml.destination",
        ),
        ("an address, then no signature", elsewhere(&response(ASSERTION)), "saml.destination"),
        ("an address, then a digest", elsewhere(&swap(&honest(), ">ann<", ">bob<")), "saml.destination"),
        ("an address, then an audience", elsewhere(&with(audience, foreign)), "saml.destination"),
    ])
}
