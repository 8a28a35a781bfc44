//! What is said, word for word.

use super::world::{DEPLOY, LOOK, Told, World, ann, ann_with, fingerprint, signed_by};
use crate::saml::fixture::{ATTACKER, HONEST, swap};

const AUDIENCE: &str = "<saml:Audience>https://broker.example.com</saml:Audience>";
const OTHER_AUDIENCE: &str = "<saml:Audience>https://other.example.com</saml:Audience>";

/// Asserts which checks failed, with all that is said of them, and the answer.
#[track_caller]
fn refused(told: &Told, checks: &str, answer: &str) {
    assert_eq!(told.code, Some(3), "{}{}", told.out, told.err);
    assert_eq!(told.refusals(), checks.trim_start_matches('\n'), "{}", told.out);
    assert_eq!(told.section("Answer"), answer.trim_start_matches('\n'), "{}", told.out);
}

#[test]
fn granted() {
    let document = signed_by(&HONEST, &ann());
    let told = World::new().explain(&document, &[]);
    let expected = include_str!("granted.txt").replace("@SIZE@", &document.len().to_string());
    assert_eq!(told.out, expected.replace("@SHA256@", &fingerprint(&HONEST)));
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""));
}

#[test]
fn who_makes_the_credentials() {
    let role = "trust_policy = \"deploy.json\"\n";
    let upstream = "issuer = \"aws\"\nupstream = { role = \"arn:aws:iam::999988887777:role/Real\", pass_through = true }\n";
    let declared = "[[upstream]]\nname = \"aws\"\n\n[[role]]\narn = \"arn:aws:iam::111122223333:role/Look\"";
    let world = World::new().configured(role, &format!("{role}{upstream}"));
    let settings = world.read("rolegate.toml");
    world.write(
        "rolegate.toml",
        &swap(&settings, "[[role]]\narn = \"arn:aws:iam::111122223333:role/Look\"", declared),
    );
    let told = world.explain(&signed_by(&HONEST, &ann()), &[]);
    let line = "made by       upstream aws, as arn:aws:iam::999988887777:role/Real";
    assert!(told.section("Roles").contains(line), "{}{}", told.out, told.err);
}

#[test]
fn expired() {
    let document = signed_by(&HONEST, &ann());
    let told = World::new().explain(&document, &["--at", "2026-11-22T12:07:00Z"]);
    refused(
        &told,
        "
  REFUSED   saml.confirmation.expired
            saw       2026-11-22T12:05:00Z, 120.000 s ago
            expected  a time after 2026-11-22T12:06:00Z, with 60 s for the clocks
            next      Its time is over. For an old capture, ask with --at the time when it
                      arrived; if it was fresh, synchronize both clocks (NTP), or let the
                      provider grant more than seconds.
  REFUSED   saml.too-old
            saw       issued 2026-11-22T12:00:00Z, 420.000 s ago
            expected  an assertion 300 s old at most, with 60 s for the clocks
            next      It was used long after it was issued. For an old capture, ask with --at
                      the time when it arrived; if people are slow, raise max_assertion_age, 1h
                      at most.
",
        "
  REFUSED   by saml.confirmation.expired: expected a time after 2026-11-22T12:06:00Z, with 60 s
            for the clocks
  saw       2026-11-22T12:05:00Z, 120.000 s ago
  next      Its time is over. For an old capture, ask with --at the time when it arrived; if it
            was fresh, synchronize both clocks (NTP), or let the provider grant more than
            seconds.
  and       2 checks failed in all: see Checks.
",
    );
    let note = "  - It may have been good when it arrived: ask again with --at 2026-11-22T12:00:00Z.";
    assert!(told.section("Notes").contains(note), "{}", told.out);
    // What the signed part says is shown; that no rule saw it, too.
    assert!(told.out.contains("Identity (signed, but refused: no rule sees it)\n  subject        ann-7f3a"));
    assert!(!told.out.contains("\nRules\n") && !told.out.contains("\nRoles\n"), "{}", told.out);
}

#[test]
fn a_clock_that_is_ahead() {
    let told = World::new().explain(&signed_by(&HONEST, &ann()), &["--at", "2026-11-22T11:59:57Z"]);
    let meaning =
        "difference     the provider's clock is at least 3.000 s ahead: nothing is issued in the future";
    assert!(told.section("Time").ends_with(meaning), "{}", told.out);
    assert_eq!(told.code, Some(0));
}

#[test]
fn wrong_audience() {
    let told = World::new().explain(&ann_with(AUDIENCE, OTHER_AUDIENCE), &[]);
    refused(
        &told,
        "
  REFUSED   saml.audience
            saw       https://other.example.com
            expected  https://broker.example.com or urn:amazon:webservices
            next      At the provider, set audience (SP entity id) to what is expected; or, if
                      what was seen means us, add it to audiences of the [[provider]].
",
        "
  REFUSED   by saml.audience: expected https://broker.example.com or urn:amazon:webservices
  saw       https://other.example.com
  next      At the provider, set audience (SP entity id) to what is expected; or, if what was
            seen means us, add it to audiences of the [[provider]].
",
    );
}

#[test]
fn a_waived_check_is_no_refusal() {
    let metadata = "metadata = { file = \"corp.xml\" }";
    let lax = format!("{metadata}\naccept = [\"any-audience\"]");
    let told = World::new().configured(metadata, &lax).explain(&ann_with(AUDIENCE, OTHER_AUDIENCE), &[]);
    assert_eq!(told.code, Some(0), "{}", told.out);
    let waived = "
  waived    saml.audience
            saw       https://other.example.com
            expected  https://broker.example.com or urn:amazon:webservices
";
    assert!(told.out.contains(waived), "{}", told.out);
}

#[test]
fn changed_content() {
    let document = swap(&signed_by(&HONEST, &ann()), ">platform<", ">audit<");
    refused(
        &World::new().explain(&document, &[]),
        "
  REFUSED   saml.signature.digest
            saw       content that was changed after it was signed
            expected  the digest that was signed
            next      The document was changed after it was signed: by a proxy, by an editor
                      that reformats XML, or by an attacker. Capture it again as the browser
                      posts it.
",
        "
  REFUSED   by saml.signature.digest: expected the digest that was signed
  saw       content that was changed after it was signed
  next      The document was changed after it was signed: by a proxy, by an editor that
            reformats XML, or by an attacker. Capture it again as the browser posts it.
",
    );
}

#[test]
fn unknown_certificate() {
    let told = World::new().explain(&signed_by(&ATTACKER, &ann()), &[]);
    let seen = fingerprint(&ATTACKER);
    refused(
        &told,
        &format!(
            "
  REFUSED   saml.signature.value
            saw       one that names the certificate SHA-256
                      {seen}, which
                      the metadata does not have
            expected  a signature by a key of the provider's metadata
            next      The provider signs with a certificate that its metadata here does not
                      have: refresh the metadata. If the new metadata does not have it either,
                      somebody else signed this.
"
        ),
        &format!(
            "
  REFUSED   by saml.signature.value: expected a signature by a key of the provider's metadata
  saw       one that names the certificate SHA-256
            {seen}, which the metadata
            does not have
  next      The provider signs with a certificate that its metadata here does not have: refresh
            the metadata. If the new metadata does not have it either, somebody else signed
            this.
"
        ),
    );
    assert!(
        told.section("Document (what it says of itself)").contains(&format!("certificate    SHA-256 {seen}"))
    );
    assert!(told.section("Provider").ends_with("until 4096-01-01T00:00:00Z; signed nothing here"));
    assert!(!told.out.contains("Ann Keller"), "what no known key signed is not shown: {}", told.out);
}

/// The first is the answer that a request gets; the others would be the next.
#[test]
fn several_failures_are_shown_in_one_run() {
    let assertion = swap(&ann(), AUDIENCE, OTHER_AUDIENCE);
    let assertion = swap(&assertion, "Recipient=\"https://broker.", "Recipient=\"https://brokre.");
    let document = signed_by(&HONEST, &assertion);
    let told = World::new().explain(&document, &["--at", "2026-11-22T12:20:00Z"]);
    let checks = told.refusals();
    let names: Vec<_> = checks.lines().filter_map(|line| line.strip_prefix("  REFUSED   ")).collect();
    let expected =
        ["saml.expired", "saml.audience", "saml.confirmation.expired", "saml.recipient", "saml.too-old"];
    assert_eq!(names, expected, "{}", told.out);
    let answer = told.section("Answer");
    assert!(answer.starts_with("  REFUSED   by saml.expired: expected a time after 2026-11-22T12:19:00Z"));
    assert!(answer.ends_with("  and       5 checks failed in all: see Checks.\n"), "{answer}");
}

/// What was looked beyond stays the answer where something else ends it.
#[test]
fn the_first_refusal_is_the_answer() {
    let moved =
        swap(&signed_by(&ATTACKER, &ann()), "Destination=\"https://broker.", "Destination=\"https://brokre.");
    let told = World::new().explain(&moved, &[]);
    assert!(told.section("Answer").starts_with("  REFUSED   by saml.destination: "), "{}", told.out);
    assert!(told.refusals().contains("REFUSED   saml.signature.value"), "{}", told.out);
}

#[test]
fn no_rule_matches() {
    let told = World::new().explain(&ann_with(">platform<", ">support<"), &[]);
    refused(
        &told,
        "",
        "
  REFUSED   by rules.no-offer: no rule offers a role to this person of provider corp
  next      Compare the rules' conditions with the attributes that they saw: mend a rule, or
            what the provider sends.
",
    );
    let rule = "  no        platform deploys\n            when      \"platform\" in groups && ";
    assert!(told.section("Rules").starts_with(rule), "{}", told.out);
}

#[test]
fn a_role_that_no_rule_offers() {
    let world = World::new();
    let document = signed_by(&HONEST, &ann());
    let told = world.explain(&document, &["--role", LOOK]);
    refused(
        &told,
        "",
        "
  REFUSED   by rules.no-offer: no rule offers arn:aws:iam::111122223333:role/Look to this person
  next      Add the role to a rule that matches, or let the rule match; grant = \"trust-policy\"
            offers every role by its trust policy alone. What a rule denies, nothing offers.
",
    );
    assert!(!told.out.contains("has no role"), "{}", told.out);
    let told = world.explain(&document, &["--role", "arn:aws:iam::111122223333:role/Gone"]);
    let note = "  - The configuration has no role arn:aws:iam::111122223333:role/Gone.";
    assert!(told.section("Notes").contains(note), "{}", told.out);
    assert_eq!(told.code, Some(3));
}

#[test]
fn trust_condition_refused() {
    let world = World::new();
    let trust = r#"{"Version": "2012-10-17", "Statement": [
      {"Sid": "Others", "Effect": "Allow", "Action": "sts:*",
       "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/other"}},
      {"Effect": "Allow", "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
       "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/corp"},
       "Condition": {"StringLike": {"saml:aud": ["https://brokre.example.com/*", "urn:x"]},
                     "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}]}"#;
    world.write("deploy.json", trust);
    let document = signed_by(&HONEST, &ann());
    let told = world.explain(&document, &["--role", DEPLOY]);
    let role = "  REFUSED   arn:aws:iam::111122223333:role/eng/Deploy
            offered by    platform deploys
            session name  ann.keller@corp.example
            source id     ann-7f3a
            tag           team = rocket
            refused by    policy.denied
            because       not trusted: sts:AssumeRoleWithSAML: no statement of the trust policy
                          allows it
            next          Mend the element of the role's trust policy that does not fit, as
                          shown statement by statement, or what the provider sends.
            REFUSED   sts:AssumeRoleWithSAML
                      Statement[0] Others: Allow does not apply
                        its Principal is arn:aws:iam::111122223333:saml-provider/other
                      Statement[1]: Allow does not apply
                        Condition StringLike saml:aud
                          wanted  https://brokre.example.com/* or urn:x
                          saw     https://broker.example.com/saml/corp/acs
                        Condition IpAddress aws:SourceIp
                          wanted  192.0.2.0/24
                          saw     absent
            REFUSED   sts:TagSession\n";
    assert!(told.section("Roles").starts_with(role), "{}", told.out);
    let action = "            REFUSED   sts:SetSourceIdentity
                      Statement[0] Others: Allow does not apply
                        its Principal is arn:aws:iam::111122223333:saml-provider/other
                      Statement[1]: Allow does not apply
                        its Action is another\n";
    assert!(told.section("Roles").contains(action), "{}", told.out);
    refused(
        &told,
        "",
        "
  REFUSED   by policy.denied: not trusted: sts:AssumeRoleWithSAML: no statement of the trust
            policy allows it
  next      Mend the element of the role's trust policy that does not fit, as shown statement by
            statement, or what the provider sends.
",
    );
    // The caller's address meets its condition.
    let told = world.explain(&document, &["--source-ip", "192.0.2.7"]);
    assert!(!told.out.contains("aws:SourceIp"), "{}", told.out);
}

#[test]
fn a_deny_that_applies() {
    let world = World::new();
    let trust = r#"{"Statement": [
      {"Effect": "Allow", "Action": "sts:*",
       "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/corp"}},
      {"Sid": "NotAnn", "Effect": "Deny", "Action": "sts:*", "Principal": "*",
       "Condition": {"StringEquals": {"saml:sub": "ann-7f3a"}}}]}"#;
    world.write("deploy.json", trust);
    let told = world.explain(&signed_by(&HONEST, &ann()), &[]);
    let action = "            REFUSED   sts:AssumeRoleWithSAML
                      Statement[0]: Allow applies
                      Statement[1] NotAnn: Deny applies\n";
    assert!(told.section("Roles").contains(action), "{}", told.out);
    assert_eq!(told.code, Some(3));
}

#[test]
fn an_issuer_that_nobody_knows() {
    let document = swap(&signed_by(&HONEST, &ann()), "<saml:Issuer>https://idp.", "<saml:Issuer>https://id.");
    let told = World::new().explain(&document, &[]);
    refused_unknown(&told);
    assert!(told.section("Notes").contains("configured: https://idp.example.com/metadata."), "{}", told.out);
    assert!(told.section("Document (what it says of itself)").contains("digest sha256: unverified"));
    // Held against the provider that it should be of.
    let told = World::new().explain(&document, &["--provider", "corp"]);
    assert!(told.refusals().contains("saml.signature.digest"), "{}", told.out);
}

#[track_caller]
fn refused_unknown(told: &Told) {
    assert_eq!(told.code, Some(3), "{}", told.out);
    let answer = "  REFUSED   by provider.unknown: no identity provider is configured for this issuer
  saw       https://id.example.com/metadata
  next      No [[provider]] has this issuer, or metadata with this entity id: add one, or
            compare it with those that are configured, to the last slash.\n";
    assert_eq!(told.section("Answer"), answer, "{}", told.out);
}

/// Every limit is told where the caller asked, and which of them decides.
#[test]
fn how_long_a_session_would_last() {
    let told = |more: &[&str]| {
        let role = "trust_policy = \"deploy.json\"\n";
        let world = World::new().configured(role, &format!("{role}max_session_duration = \"4h\"\n"));
        world.explain(&signed_by(&HONEST, &ann()), &[&["--role", DEPLOY], more].concat())
    };
    let lasts = |told: &str| {
        let lines = told
            .lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with("lasts") || line.starts_with("the least"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let asked = told(&["--duration", "2h"]);
    assert_eq!(
        lasts(&asked.out),
        [
            "lasts         7200 s, until 2026-11-22T14:00:30Z, by the caller",
            "the least of  7200 s by the caller, 14400 s by the role's maximum, 28770 s by the",
        ],
        "{}",
        asked.out
    );
    assert_eq!(lasts(&told(&[]).out).len(), 1, "nobody asked");
    let over = told(&["--duration", "12h"]);
    let refused = "            refused by    policy.duration\n            because       43200s asked, the role's maximum is 14400s\n";
    assert!(over.out.contains(refused), "{}", over.out);
    for bad in ["14m", "13h", "2 h", "7200"] {
        let usage = told(&["--duration", bad]);
        assert!(usage.err.contains("write 15m to 12h"), "{bad}: {}", usage.err);
    }
}
