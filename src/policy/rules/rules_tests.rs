//! What rules see, what they may be, and that a mistake in one never grants.

use super::*;
use crate::clock::Moment;
use crate::identity::SessionTag;
use crate::identity::testing::IdentityBuilder;

const CORP: &str = "arn:aws:iam::111122223333:saml-provider/corp";
const MOBILE: &str = "arn:aws:iam::111122223333:oidc-provider/accounts.example.com";

fn ann() -> FederatedIdentity {
    IdentityBuilder::saml(CORP, "corp", "ann")
        .attribute("groups", &["platform", "staff"])
        .attribute("email", &["ann@example.com"])
        .attribute("department", &["engineering"])
        .attribute("http://schemas.example.com/claims/Group", &["ops"])
        .build()
}

/// Somebody whose attributes have long names.
fn registered() -> FederatedIdentity {
    IdentityBuilder::saml(CORP, "corp", "eva")
        .attribute("urn:oid:0.9.2342.19200300100.1.3", &["eva@example.com", "e@example.com"])
        .attribute("http://schemas.example.com/claims/Group", &["ops"])
        .attribute("team", &["red"])
        .alias("mail", Some("urn:oid:0.9.2342.19200300100.1.3"))
        .alias("groups", Some("http://schemas.example.com/claims/Group"))
        .alias("cn", None)
        // Nobody makes such an alias; if somebody did, the name would win.
        .alias("team", Some("http://schemas.example.com/claims/Group"))
        .build()
}

fn workload() -> FederatedIdentity {
    let claims = serde_json::json!({
        "sub": "repo:org/app", "aud": "sts", "ref": "refs/heads/main", "run": 7, "ok": true,
        "nested": {"list": [1, 2.5, null, "x"]}
    });
    IdentityBuilder::oidc(MOBILE, "mobile", "https://accounts.example.com", claims).build()
}

fn role(name: &str) -> RoleArn {
    format!("arn:aws:iam::111122223333:role/{name}").parse().unwrap()
}

fn rule(name: &str, when: &str) -> RuleSource {
    RuleSource {
        name: name.to_owned(),
        when: when.to_owned(),
        roles: vec![role(name)],
        ..RuleSource::default()
    }
}

/// What one rule with this condition says about `identity` at second 1000.
fn outcome(when: &str, identity: &FederatedIdentity) -> Outcome {
    let rules = Rules::compile(vec![rule("r", when)]).unwrap_or_else(|faults| panic!("{when}: {faults:?}"));
    let at = Circumstances::at(Moment::from_unix(1000));
    let outcome = rules.evaluate_all(identity, at).remove(0).1;
    // Whoever passes rules over must not pass one over that matches.
    let found = rules.evaluate(identity, None, at).pop();
    let is_match = matches!(outcome, Outcome::Matches(_));
    assert!(found.map_or(!is_match, |(_, found)| found == outcome), "{when}");
    outcome
}

fn matches(when: &str, identity: &FederatedIdentity) -> bool {
    matches!(outcome(when, identity), Outcome::Matches(_))
}

fn refusal(when: &str) -> String {
    match Rules::compile(vec![rule("r", when)]) {
        Ok(_) => panic!("{when} was accepted"),
        Err(faults) => faults[0].to_string(),
    }
}

#[test]
fn a_short_name_is_as_good_as_the_name() {
    for when in [
        r#"attr.mail == attr["urn:oid:0.9.2342.19200300100.1.3"] && size(attr.mail) == 2"#,
        r#"attr.mail[0] == "eva@example.com" && "e@example.com" in attr["mail"]"#,
        r#"has(attr.mail) && "mail" in attr && !has(attr.uid) && size(attr.uid) == 0"#,
        r#""ops" in groups && "ops" in attr.groups"#,
        r#"attr.team[0] == "red" && size(attr) == 3"#,
    ] {
        assert!(matches(when, &registered()), "{when}: {:?}", outcome(when, &registered()));
    }
}

/// Not even by what is missing.
#[test]
fn a_short_name_for_several_grants_nothing() {
    for when in [
        r#""x" in attr.cn"#,
        r#"!("x" in attr.cn)"#,
        r#"size(attr["cn"]) == 0"#,
        r#"!has(attr.cn)"#,
        r#"!("cn" in attr)"#,
        r#"attr.cn == attr.uid"#,
    ] {
        let Outcome::Fails { reason, .. } = outcome(when, &registered()) else { panic!("{when}") };
        assert!(reason.contains("\"cn\" could be several attributes"), "{when}: {reason}");
    }
    let torn = IdentityBuilder::saml(CORP, "corp", "eva").alias("groups", None).build();
    assert!(!matches(r#""x" in groups"#, &torn) && !matches(r#"!("x" in groups)"#, &torn));
}

#[test]
fn what_a_rule_sees_of_a_person() {
    for when in [
        r#""platform" in attr.groups && attr.department[0] == "engineering""#,
        r#""staff" in groups"#,
        r#"subject == "ann" && provider == "corp" && protocol == "saml""#,
        r#"issuer.startsWith("https://idp.example.com/")"#,
        r#""ops" in attr["http://schemas.example.com/claims/Group"]"#,
        r#"attr.email[0].split("@")[1] == "example.com""#,
        r#"attr.email[0].lowerAscii().endsWith("@example.com")"#,
        r#"groups.exists(g, g.startsWith("plat")) && groups.all(g, size(g) > 2)"#,
        r#"groups.filter(g, g != "staff").exists(g, g == "platform")"#,
        r#"groups.map(g, g + "!").join(",") == "platform!,staff!""#,
        "time == 1000 && size(groups) == 2 && size(claim) == 0",
        r#"has(attr.email) && !has(attr.team) && "email" in attr && !("team" in attr)"#,
        r#"size(attr.team) == 0 && !("x" in attr.team)"#,
        r#"[subject, "bob"].exists(s, s == "ann") ? true : false"#,
        r#"{"a": groups}.a[0] == "platform""#,
    ] {
        assert!(matches(when, &ann()), "{when}: {:?}", outcome(when, &ann()));
    }
}

#[test]
fn what_a_rule_sees_of_a_workload() {
    for when in [
        r#"protocol == "oidc" && claim.ref == "refs/heads/main""#,
        r#"claim.run == 7 && claim.ok && claim.nested.list[1] == 2.5 && claim.nested.list[3] == "x""#,
        "has(claim.ref) && !has(claim.environment) && groups == []",
    ] {
        assert!(matches(when, &workload()), "{when}: {:?}", outcome(when, &workload()));
    }
}

#[test]
fn what_is_missing_never_grants() {
    for when in [
        r#""admin" in attr.roles"#,
        r#"attr.roles[0] == "admin""#,
        r#"attr.roles[0] != "contractor""#,
        r#"attr.roles.exists(r, r == "admin")"#,
        r#"has(attr.roles)"#,
        r#"claim.admin == true"#,
        r#"claim.admin"#,
        r#"attr.groups[9] == "x""#,
        "1 / 0 == 0",
        "9223372036854775807 + 1 > 0",
        r#"int(subject) > 0"#,
    ] {
        assert!(!matches(when, &ann()), "{when}");
    }
}

#[test]
fn a_failing_mapping_is_a_failing_rule() {
    let text = |source: &str| Some(source.to_owned());
    let tags = vec![("team".to_owned(), "attr.team[0]".to_owned())];
    for (field, source) in [
        ("session_name", RuleSource { session_name: text("attr.nick[0]"), ..rule("r", "true") }),
        ("source_identity", RuleSource { source_identity: text("claim.sub"), ..rule("r", "true") }),
        ("tags", RuleSource { tags, ..rule("r", "true") }),
    ] {
        let rules = Rules::compile(vec![source]).unwrap();
        let outcomes = rules.evaluate(&ann(), None, Circumstances::at(Moment::from_unix(0)));
        assert!(matches!(&outcomes[0].1, Outcome::Fails { field: at, .. } if *at == field), "{outcomes:?}");
        assert!(rules.matching(&ann(), None, Circumstances::at(Moment::from_unix(0))).is_empty());
    }
}

#[test]
fn a_match_carries_its_mapping() {
    let source = RuleSource {
        session_name: Some("attr.email[0]".to_owned()),
        source_identity: Some("subject".to_owned()),
        tags: vec![("Team".to_owned(), "groups[0]".to_owned()), ("who".to_owned(), "subject".to_owned())],
        transitive_tags: vec!["team".to_owned()],
        ..rule("r", "true")
    };
    let tag =
        |key: &str, value: &str, transitive| SessionTag { key: key.into(), value: value.into(), transitive };
    let rules = Rules::compile(vec![source]).unwrap();
    let (matched, mapping) =
        rules.matching(&ann(), Some(&role("r")), Circumstances::at(Moment::from_unix(0))).remove(0);
    assert_eq!(matched.name(), "r");
    assert_eq!(mapping.session_name.as_deref(), Some("ann@example.com"));
    assert_eq!(mapping.source_identity.as_deref(), Some("ann"));
    assert_eq!(mapping.tags, [tag("Team", "platform", true), tag("who", "ann", false)]);
    assert!(rules.matching(&ann(), Some(&role("other")), Circumstances::at(Moment::from_unix(0))).is_empty());
}

#[test]
fn only_rules_of_the_provider_are_evaluated_and_in_order() {
    let of = |name: &str, provider: Option<&str>| RuleSource {
        provider: provider.map(str::to_owned),
        ..rule(name, "true")
    };
    let rules =
        Rules::compile(vec![of("a", Some("mobile")), of("b", None), of("c", Some("corp")), of("d", None)])
            .unwrap();
    let names = |identity: &FederatedIdentity| {
        let matching = rules.matching(identity, None, Circumstances::at(Moment::from_unix(0)));
        matching.into_iter().map(|(rule, _)| rule.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&ann()), ["b", "c", "d"]);
    assert_eq!(names(&workload()), ["a", "b", "d"]);
    let stranger = IdentityBuilder::saml(CORP, "other", "x").build();
    assert_eq!(names(&stranger), ["b", "d"]);
}

#[test]
fn faults_are_told_all_at_once() {
    let mut bad = rule("r", "nobody == 1");
    bad.roles.clear();
    bad.tags = vec![("a".to_owned(), "(".to_owned()), ("b".to_owned(), "now()".to_owned())];
    bad.transitive_tags = vec!["c".to_owned()];
    bad.session_name = Some("groups".to_owned());
    let faults = Rules::compile(vec![rule("r", "true"), bad]).err().unwrap();
    let fields: Vec<_> = faults.iter().map(|fault| (fault.rule, fault.field)).collect();
    let expected = ["name", "roles", "transitive_tags", "when", "session_name", "tags", "tags"];
    assert_eq!(fields, expected.map(|field| (1, field)));
    assert_eq!(
        faults[3].message,
        "there is no \"nobody\"; a rule may name subject, issuer, provider, protocol, attr, claim, groups, authn, source_ip, time"
    );
    assert_eq!(faults[4].message, "it gives a list of strings, not a string");
    assert_eq!(faults[6].message, "there is no function \"now\"");
}

#[test]
fn tag_keys_are_checked_at_load() {
    for (keys, expected) in [
        (&["aws:team"][..], "tag \"aws:team\" begins with aws:, which is reserved"),
        (&["te*m"], "\"te*m\" is no tag key: 1 to 128 letters, digits, blanks or any of _.:/=+-@"),
        (
            &["Team", "team"],
            "\"team\": Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
    ] {
        let tags = keys.iter().map(|key| ((*key).to_owned(), "subject".to_owned())).collect();
        let faults = Rules::compile(vec![RuleSource { tags, ..rule("r", "true") }]).err().unwrap();
        assert_eq!(faults[0].message, expected);
    }
}

#[test]
fn hostile_sources_are_refused() {
    for (when, expected) in [
        (format!("true{}", " || true".repeat(2000)), "longer than 1024 bytes"),
        (format!("0{} == 0", "+1".repeat(500)), "more than 256 operators"),
        ("!".repeat(1000) + "true", "more than 256 operators"),
        ("-".repeat(1000) + "1 == 1", "more than 256 operators"),
        (format!("attr{} == 1", ".a".repeat(500)), "more than 256 operators"),
        (format!("{}true{}", "(".repeat(500), ")".repeat(500)), "more than 256 operators"),
        (format!("{}true{}", "(".repeat(100), ")".repeat(100)), "nests brackets"),
        (format!("{}1{} == []", "[".repeat(17), "]".repeat(17)), "nests brackets"),
        (format!("0{} == 0", "+1".repeat(250)), "levels deep"),
        (format!("{}true", "!-".repeat(100)), "column"),
        (format!("{}true", "true ? false : ".repeat(60)), "levels deep"),
        (format!("attr{} == 1", ".a".repeat(250)), "levels deep"),
        (format!("subject{} == ''", ".trim()".repeat(100)), "levels deep"),
        ("groups.all(a, groups.all(b, a == b))".to_owned(), "comprehension within"),
        ("groups.map(a, groups.map(b, a + b)) == []".to_owned(), "comprehension within"),
        ("groups.exists(a, [a].filter(b, true).size() > 0)".to_owned(), "comprehension within"),
        (r#"subject.matches("a")"#.to_owned(), "no function \"matches\""),
        (r#""%9999999d".format([1]) == """#.to_owned(), "no function \"format\""),
        ("groups.all(g, h == g)".to_owned(), "there is no \"h\""),
        ("groups.all(g, true) && g == 1".to_owned(), "there is no \"g\""),
        ("attr.?x == 1".to_owned(), "unsupported syntax"),
        ("Foo{a: 1} == 1".to_owned(), "makes a message"),
        ("subject".to_owned(), "it gives a string, not true or false"),
        (r#"attr.email != "eve""#.to_owned(), "which are never equal"),
        (format!("0{} == 0", " in [1]".repeat(100)), "levels deep"),
        (String::new(), "column"),
        ("true true".to_owned(), "column"),
        ("\u{0}".to_owned(), "column"),
    ] {
        let message = refusal(&when);
        assert!(message.contains(expected), "{when}: {message}");
    }
}

/// The largest sources that pass the measuring; what is compiled is evaluated as well, on the
/// stack that a thread gets by default.
#[test]
fn the_worst_that_is_parsed_does_not_overflow() {
    let worst = [
        format!("0{} == 0", "+1".repeat(254)),
        format!("{}true", "!".repeat(256)),
        format!("{}1 == 1", "-".repeat(254)),
        format!("attr{}", ".a".repeat(256)),
        format!("{}true", "0?0:".repeat(127)),
        format!("{}1{} == 1", "[".repeat(16), "]".repeat(16)),
        format!("{}1{}", "(-".repeat(16), ")".repeat(16)),
        format!("true{}", "||true".repeat(170)),
        format!("true{}", "&&true".repeat(170)),
        format!("0{}", "<1".repeat(255)),
        format!("0{}", " in 1".repeat(200)),
        format!("{}1{} == 1", "size(".repeat(16), ")".repeat(16)),
        format!("{}1{} == 1", "{1:".repeat(16), "}".repeat(16)),
        format!("{}1{} == 1", "groups.all(g,".repeat(16), ")".repeat(16)),
        format!("subject{}", "[0]".repeat(250)),
        format!("0{} == 0", "+1".repeat(17)),
        format!("{}0{} == 0", "[".repeat(16), "]".repeat(16)),
    ];
    for source in worst {
        if let Ok(rules) = Rules::compile(vec![rule("r", &source)]) {
            let outcomes = rules.evaluate_all(&ann(), Circumstances::at(Moment::from_unix(0)));
            assert_eq!(outcomes.len(), 1, "{source}");
        }
    }
}

/// More groups than fit into the largest assertion (facts 1.5).
#[test]
fn many_groups_are_no_trouble() {
    let names: Vec<String> = (0..5000).map(|n| format!("group-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let identity = IdentityBuilder::saml(CORP, "corp", "ann").attribute("groups", &names).build();
    for when in [
        r#""group-4999" in groups"#,
        r#"groups.map(g, g.upperAscii()).exists(g, g == "GROUP-4999")"#,
        r#"groups.filter(g, g.endsWith("9")).all(g, g != "x")"#,
    ] {
        assert!(matches(when, &identity), "{when}");
    }
}

/// Keycloak's roles where they are, and where they are not: a rule that reads past what is absent
/// fails, which grants nothing; one that asks first is merely false.
#[test]
fn nested_claims_may_be_absent() {
    let keycloak = |claims: serde_json::Value| {
        IdentityBuilder::oidc(MOBILE, "mobile", "https://accounts.example.com", claims).build()
    };
    let plain = r#""ops" in claim.realm_access.roles"#;
    let careful =
        r#"has(claim.realm_access) && has(claim.realm_access.roles) && "ops" in claim.realm_access.roles"#;
    let with = keycloak(serde_json::json!({"sub": "ann", "realm_access": {"roles": ["staff", "ops"]}}));
    assert!(matches(plain, &with) && matches(careful, &with));
    for without in [
        serde_json::json!({"sub": "ann"}),
        serde_json::json!({"sub": "ann", "realm_access": {}}),
        serde_json::json!({"sub": "ann", "realm_access": null}),
        serde_json::json!({"sub": "ann", "realm_access": "ops"}),
    ] {
        let identity = keycloak(without.clone());
        for when in [plain, r#"!("ops" in claim.realm_access.roles)"#] {
            assert!(matches!(outcome(when, &identity), Outcome::Fails { .. }), "{when} on {without}");
        }
        assert!(!matches(careful, &identity), "{without}");
    }
}

#[test]
fn who_compares_by_one_sign_is_told_of_two() {
    let told = |when: &str| Rules::compile(vec![rule("r", when)]).err().unwrap()[0].message.clone();
    let hint = "; write == to compare";
    assert!(told("subject = 'ann'").ends_with(hint), "{}", told("subject = 'ann'"));
    assert!(!told("subject == 'a = b' &&").ends_with(hint));
}

/// What is known of the sign-in, and where the call comes from. Whoever says nothing of it is offered
/// nothing, whichever way a rule asks.
#[test]
fn how_and_from_where_somebody_signs_in() {
    let from =
        |ip: &str| Circumstances { source_ip: ip.parse().ok(), ..Circumstances::at(Moment::from_unix(1000)) };
    let matches = |when: &str, identity: &FederatedIdentity, circumstances| {
        let rules =
            Rules::compile(vec![rule("r", when)]).unwrap_or_else(|faults| panic!("{when}: {faults:?}"));
        !rules.matching(identity, None, circumstances).is_empty()
    };
    let known =
        IdentityBuilder::saml(CORP, "corp", "ann").authenticated(Moment::from_unix(900), "urn:x").build();
    let claims = serde_json::json!({ "sub": "ann", "auth_time": 900, "acr": "urn:x", "amr": ["pwd", "otp"] });
    let token = IdentityBuilder::oidc(MOBILE, "mobile", "https://accounts.example.com", claims).build();
    for (when, of_assertion, of_token, of_stranger) in [
        ("time - authn.time < 600", true, true, false),
        ("!(time - authn.time > 600)", true, true, false),
        ("time - authn.time > 600", false, false, false),
        (r#"authn.context == "urn:x""#, true, true, false),
        (r#"authn.context != "urn:y""#, true, true, false),
        (r#""otp" in authn.methods"#, false, true, false),
        (r#"!("sms" in authn.methods)"#, true, true, true),
        ("has(authn.time) && has(authn.context)", true, true, false),
    ] {
        let stranger = ann();
        let said = [&known, &token, &stranger].map(|identity| matches(when, identity, from("192.0.2.7")));
        assert_eq!(said, [of_assertion, of_token, of_stranger], "{when}");
    }
    for (when, inside, outside, unknown) in [
        (r#"source_ip.within("192.0.2.0/24")"#, true, false, false),
        (r#"!source_ip.within("198.51.100.0/24")"#, true, false, false),
        (r#"source_ip.within("::ffff:0:0/96")"#, false, false, false),
        (r#"source_ip == "192.0.2.7""#, true, false, false),
        (r#"source_ip.within("192.0.2.0/24") || source_ip.within("198.51.100.7")"#, true, true, false),
    ] {
        let said = ["::ffff:192.0.2.7", "198.51.100.7", "nowhere"].map(|ip| matches(when, &ann(), from(ip)));
        assert_eq!(said, [inside, outside, unknown], "{when}");
    }
    let fault = |when| refusal(when);
    assert!(
        fault(r#"source_ip.within("192.0.2.0/33")"#)
            .ends_with(r#"within takes a network, such as "10.0.0.0/8", written out"#)
    );
    assert!(fault("source_ip.within(subject)").ends_with("written out"));
    assert!(
        fault(r#"authn.level == "1""#)
            .ends_with("there is no authn.level; write authn.methods, authn.context or authn.time")
    );
    assert!(fault("authn.time == subject").contains("authn.time is a number and subject is a string"));
}
