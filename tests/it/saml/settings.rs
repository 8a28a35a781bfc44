//! What a provider's settings change, each beside what is said without it.

use rolegate::identity::Outcome;
use rolegate::identity::saml::{Accept, Answer, Expect, SamlProvider, SamlSettings};

use super::fixture::{
    ACS, ASSERTION, ATTACKER, EXPECTED, HONEST, SHA256, Signing, accepted, base64, enveloped, honest,
    metadata, noon, response, settings, signed, swap, with,
};

fn provider(change: impl FnOnce(&mut SamlSettings)) -> SamlProvider {
    let mut settings = settings();
    change(&mut settings);
    SamlProvider::new(settings, metadata(&[&HONEST]).as_bytes(), noon()).unwrap()
}

fn lax(accept: impl FnOnce(&mut Accept)) -> SamlProvider {
    provider(|settings| accept(&mut settings.accept))
}

/// The check that refuses `document`, or nothing.
fn check(provider: &SamlProvider, document: &str) -> &'static str {
    provider.verify(&base64(document.as_bytes()), EXPECTED, noon()).map_or_else(|fault| fault.check(), |_| "")
}

/// A signed response around an assertion as it is given.
fn signed_response(assertion: &str) -> String {
    let canonical = response(assertion);
    enveloped(&canonical, &Signing::of("_r").sign(&canonical))
}

#[test]
fn each_laxity_bears_one_thing() {
    let restriction = "<saml:AudienceRestriction><saml:Audience>https://broker.example.com</saml:Audience></saml:AudienceRestriction>";
    let other_response = honest().replace(
        "protocol\" Destination=\"https://broker.example.com/saml/corp/acs\"",
        "protocol\" Destination=\"https://other.example.com\"",
    );
    type Switch = fn(&mut Accept);
    let cases: [(Switch, String, &str); 9] = [
        (|a| a.signed_response = true, signed_response(ASSERTION), "saml.signature.absent"),
        (
            |a| a.any_audience = true,
            with("Audience>https://broker.", "Audience>https://other."),
            "saml.audience",
        ),
        (|a| a.any_audience = true, with(restriction, ""), "saml.audience.missing"),
        (|a| a.any_recipient = true, with("Recipient=\"https://broker.", "Recipient=\"x"), "saml.recipient"),
        (|a| a.any_recipient = true, other_response, "saml.destination"),
        (
            |a| a.any_response_issuer = true,
            swap(&honest(), ">https://idp.example.com/metadata", ">https://other.example.com"),
            "saml.response-issuer",
        ),
        (
            |a| a.early = true,
            with("NotBefore=\"2026-11-22T11", "NotBefore=\"2026-11-23T11"),
            "saml.not-yet-valid",
        ),
        (
            |a| a.early = true,
            with(
                "InResponseTo=\"_request\" NotOnOrAfter",
                "InResponseTo=\"_request\" NotBefore=\"2026-11-22T13:00:00Z\" NotOnOrAfter",
            ),
            "saml.confirmation.not-yet-valid",
        ),
        (
            |a| a.early = true,
            with("IssueInstant=\"2026-11-22T12", "IssueInstant=\"2026-11-22T13"),
            "saml.not-yet-issued",
        ),
    ];
    let strict = provider(|_| {});
    for (switch, document, expected) in cases {
        assert_eq!(check(&strict, &document), expected);
        // To come before one's own IssueInstant is nobody's laxity.
        let borne = expected != "saml.not-yet-issued";
        assert_eq!(check(&lax(switch), &document), if borne { "" } else { expected });
        let all_others = lax(|accept| {
            *accept = Accept {
                signed_response: true,
                any_audience: true,
                any_recipient: true,
                any_response_issuer: true,
                early: true,
                sha1: true,
                aes_cbc: true,
            };
            let mut this = Accept::default();
            switch(&mut this);
            accept.signed_response &= !this.signed_response;
            accept.any_audience &= !this.any_audience;
            accept.any_recipient &= !this.any_recipient;
            accept.any_response_issuer &= !this.any_response_issuer;
            accept.early &= !this.early;
        });
        assert_eq!(check(&all_others, &document), expected, "borne by another switch");
    }
}

/// That a genuine signature passes is seen in `algorithms` and in `tests/interop`, that the
/// algorithm is let through is seen here.
#[test]
fn sha1_needs_its_switch_in_both_places() {
    let (signature, digest) =
        ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1");
    let rsa_sha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    for (algorithm, digest_algorithm, strict, lax_says) in [
        (rsa_sha256, digest, "saml.signature.digest-algorithm", ""),
        (signature, SHA256, "saml.signature.algorithm", "saml.signature.value"),
    ] {
        let signing = Signing { algorithm, digest_algorithm, ..Signing::of("_a") };
        let document = response(&enveloped(ASSERTION, &signing.sign(ASSERTION)));
        assert_eq!(check(&provider(|_| {}), &document), strict);
        assert_eq!(check(&lax(|accept| accept.sha1 = true), &document), lax_says);
    }
}

/// Where the response's signature is all there is, everything is read from what it signs.
#[test]
fn a_signed_response_vouches_for_what_it_holds_and_no_more() {
    let lax = lax(|accept| accept.signed_response = true);
    assert_eq!(check(&lax, &signed_response(ASSERTION)), "");
    assert_eq!(check(&lax, &response(ASSERTION)), "saml.signature.absent");
    let changed = swap(&signed_response(ASSERTION), ">ann<", ">eve<");
    assert_eq!(check(&lax, &changed), "saml.signature.digest");
    let by_attacker = {
        let canonical = response(ASSERTION);
        let signing = Signing { key: &ATTACKER, ..Signing::of("_r") };
        enveloped(&canonical, &signing.sign(&canonical))
    };
    assert_eq!(check(&lax, &by_attacker), "saml.signature.value");
    // A signature on the assertion is not waived by one on the response.
    let forged = swap(&signed(ASSERTION), ">ann<", ">eve<");
    let canonical = response(&forged);
    let both = enveloped(&canonical, &Signing::of("_r").sign(&canonical));
    assert_eq!(check(&lax, &both), "saml.signature.digest");
}

#[test]
fn a_context_may_be_required() {
    let class = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken";
    let stated = format!(
        "<saml:AuthnContext><saml:AuthnContextClassRef>{class}</saml:AuthnContextClassRef></saml:AuthnContext>"
    );
    let with_context = with("</saml:AuthnStatement>", &format!("{stated}</saml:AuthnStatement>"));
    let wants =
        |class: &str| provider(|settings| settings.authn_contexts = vec!["urn:x".into(), class.into()]);
    accepted("any will do", &with_context);
    assert_eq!(check(&wants(class), &with_context), "");
    assert_eq!(check(&wants("urn:other"), &with_context), "saml.authn-context");
    assert_eq!(check(&wants(class), &honest()), "saml.authn-context");
}

#[test]
fn a_provider_that_was_to_ask_again_may_not_answer_by_an_earlier_sign_in() {
    let forced = provider(|settings| settings.sp.force_authn = true);
    let at = |time: &str| with("AuthnInstant=\"2026-11-22T12:00:00Z\"", &format!("AuthnInstant=\"{time}\""));
    assert_eq!(check(&forced, &honest()), "");
    assert_eq!(
        check(&forced, &at("2026-11-22T11:58:00Z")),
        "",
        "asked a minute ago; so much may clocks differ"
    );
    assert_eq!(check(&forced, &at("2026-11-22T11:57:59Z")), "saml.authn-instant.old");
    assert_eq!(check(&provider(|_| {}), &at("2026-11-22T11:57:59Z")), "");
    let at_sts = |time: &str| {
        let document = base64(at(time).as_bytes());
        let expect = Expect { recipient: None, in_response_to: Answer::Any };
        forced.verify(&document, expect, noon()).map_or_else(|fault| fault.check(), |_| "")
    };
    assert_eq!(at_sts("2026-11-22T11:44:00Z"), "", "nobody knows when it was asked");
    assert_eq!(at_sts("2026-11-22T11:43:59Z"), "saml.authn-instant.old");
}

#[test]
fn encryption_may_be_required() {
    let wants = provider(|settings| settings.must_be_encrypted = true);
    assert_eq!(check(&wants, &honest()), "saml.encryption.required");
    assert_eq!(check(&provider(|_| {}), &honest()), "");
}

/// An explanation looks beyond a refusal, and believes nothing that a verification would not.
#[test]
fn an_explanation_tells_every_refusal_and_waiver() {
    let document = with("<saml:Audience>https://broker.", "<saml:Audience>https://other.")
        .replace("Destination=\"https://broker.", "Destination=\"https://other.");
    let explained = |provider: &SamlProvider, document: &str| {
        let expect = Expect { recipient: Some(ACS), in_response_to: EXPECTED.in_response_to };
        let explanation = provider.explain(&base64(document.as_bytes()), expect, noon());
        let of = |wanted: Outcome| {
            let steps = explanation.steps.iter().filter(move |step| step.outcome == wanted);
            steps.map(|step| step.check).collect::<Vec<_>>()
        };
        let (failed, waived) = (of(Outcome::Failed), of(Outcome::Waived));
        (failed, waived, explanation.identity.map_or_else(|fault| fault.check(), |_| ""))
    };
    let strict = provider(|_| {});
    assert_eq!(explained(&strict, &honest()), (vec![], vec![], ""));
    let refusals = vec!["saml.destination", "saml.audience"];
    assert_eq!(explained(&strict, &document), (refusals, vec![], "saml.destination"));
    assert_eq!(check(&strict, &document), "saml.destination");
    let lax = lax(|accept| accept.any_audience = true);
    let (refusal, waiver) = (vec!["saml.destination"], vec!["saml.audience"]);
    assert_eq!(explained(&lax, &document), (refusal, waiver, "saml.destination"));
    let forged = swap(&honest(), ">ann<", ">eve<");
    let refusal = vec!["saml.signature.digest"];
    assert_eq!(explained(&strict, &forged), (refusal, vec![], "saml.signature.digest"));
    let both = forged.replace("Destination=\"https://broker.", "Destination=\"https://other.");
    let refusals = vec!["saml.destination", "saml.signature.digest"];
    assert_eq!(explained(&strict, &both), (refusals, vec![], "saml.destination"));
    assert_eq!(check(&strict, &both), "saml.destination");
}
