//! What is said of tokens.

use serde_json::{Value, json};

use super::world::{FRESH, LOOK, Told, World};
use crate::oauth::fixture::TokenKey;

const PROVIDER: &str = r#"[[provider]]
kind = "oidc"
name = "ci"
account = "111122223333"
issuer = "https://ci.example.com"
client_ids = ["deployer", "tester"]
jwks = "jwks.json"
attributes = { teams = "org.teams" }

[[role]]
arn = "arn:aws:iam::111122223333:role/Build"
trust_policy = "build.json"

[[rule]]
name = "builders build"
provider = "ci"
when = '"core" in attr.teams && claim.org.size > 2'
roles = ["arn:aws:iam::111122223333:role/Build"]
session_name = 'subject'
"#;

const BUILD: &str = r#"{"Version": "2012-10-17", "Statement": [
  {"Sid": "Main", "Effect": "Allow",
   "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/ci.example.com"},
   "Action": "sts:AssumeRoleWithWebIdentity",
   "Condition": {"StringLike": {"ci.example.com:sub": "main.*"}}}]}"#;

/// 2026-11-22T12:00:00Z, half a minute before [`FRESH`].
const ISSUED: i64 = 1_795_348_800;

struct Issuer {
    world: World,
    key: TokenKey,
}

impl Issuer {
    fn new() -> Self {
        let (world, key) = (World::new(), TokenKey::new("k1"));
        world.write("jwks.json", &key.jwks());
        world.write("build.json", BUILD);
        let world = world.configured(
            "[[role]]\narn = \"arn:aws:iam::111122223333:role/Look\"",
            &format!("{PROVIDER}\n[[role]]\narn = \"{LOOK}\""),
        );
        Self { world, key }
    }

    /// What is said of a token with these claims changed.
    fn explain(&self, changes: Value, arguments: &[&str]) -> Told {
        let mut claims = json!({
            "iss": "https://ci.example.com", "sub": "main.7", "aud": "deployer",
            "iat": ISSUED, "exp": ISSUED + 300, "org": {"teams": ["core", "docs"], "size": 3},
        });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let token = self.key.sign(&json!({"alg": "ES256", "kid": "k1"}), &claims);
        self.world.run_on("--token", "-", &format!("{token}\n"), arguments)
    }
}

#[test]
fn a_token_that_is_granted_a_role_is_told_whole() {
    let told = Issuer::new().explain(json!({}), &[]);
    let bytes = told.section("Document (what it says of itself)").lines().next().unwrap();
    let expected = format!(
        "Document (what it says of itself)
{bytes}
  issuer         https://ci.example.com
  audience       deployer
  valid          2026-11-22T12:00:00Z to 2026-11-22T12:05:00Z
  signed         by the key k1, ES256: and the signature holds

Provider
  ci             arn:aws:iam::111122223333:oidc-provider/ci.example.com
  issuer         https://ci.example.com
  keys           k1

Time
  decided for    2026-11-22T12:00:30Z
  issued         2026-11-22T12:00:00Z
  difference     30.000 s earlier: its way here and any difference of the clocks together
"
    );
    assert!(told.out.starts_with(&expected), "{}", told.out);
    let identity = "  subject        main.7 (sub)
  attr.aud                deployer
  attr.iss                https://ci.example.com
  attr.sub                main.7
  attr.teams              core
                          docs
  claim.exp               1795349100
  claim.iat               1795348800
  claim.org               {\"size\":3,\"teams\":[\"core\",\"docs\"]}";
    assert_eq!(told.section("Identity (what the rules see)"), identity, "{}", told.out);
    assert_eq!(told.section("Answer"), "  GRANTED   arn:aws:iam::111122223333:role/Build\n");
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""));
    let checks: Vec<_> = told.section("Checks").lines().filter(|line| line.starts_with("  ok")).collect();
    let names: Vec<_> = checks.iter().filter_map(|line| line.split_whitespace().nth(1)).collect();
    let expected = [
        "oidc.issuer",
        "oidc.algorithm",
        "oidc.signature",
        "oidc.kind",
        "oidc.cnf",
        "oidc.audience",
        "oidc.expired",
        "oidc.groups.overage",
    ];
    assert_eq!(names, expected);
}

/// One run tells everything that is wrong, and the answer is the first of it.
#[test]
fn every_claim_that_is_wrong_is_told_at_once() {
    let told = Issuer::new().explain(json!({"aud": "other", "exp": ISSUED - 60, "cnf": {"jkt": "x"}}), &[]);
    let refusals = "  REFUSED   oidc.cnf
            saw       one that is bound to a key by `cnf`
            expected  a bearer token
            next      Let the app ask the issuer for a token without cnf: one that is bound to a
                      key can't be proved here.
  REFUSED   oidc.audience
            saw       other
            expected  deployer, tester
            next      Let the app ask the issuer for a token for one of the clients that are
                      expected; or, if what was seen is an app of yours, add it to client_ids.
                      Where there is an azp, it is that which counts.
  REFUSED   oidc.expired
            saw       2026-11-22T11:59:00Z
            expected  2026-11-22T12:00:30Z
            next      Its time is over: get a fresh one. For an old capture, ask with --at the
                      time when it arrived; if it was fresh, synchronize the clocks (NTP).
";
    assert_eq!(told.refusals(), refusals, "{}", told.out);
    assert!(told.section("Answer").starts_with("  REFUSED   by oidc.cnf: "), "{}", told.out);
    assert_eq!(told.code, Some(3));
    assert!(told.out.contains("Identity (signed, but refused: no rule sees it)\n"), "{}", told.out);
    assert!(!told.out.contains("\nRules\n"), "{}", told.out);
}

#[test]
fn what_is_not_signed_says_nothing_of_anybody() {
    let issuer = Issuer::new();
    issuer.world.write("jwks.json", &TokenKey::new("k1").jwks());
    let told = issuer.explain(json!({}), &[]);
    assert!(told.refusals().starts_with("  REFUSED   oidc.signature\n"), "{}", told.out);
    assert!(told.out.contains("  signed         by the key k1, ES256: unverified\n"), "{}", told.out);
    assert!(!told.out.contains("Identity"), "{}", told.out);
    issuer.world.write("jwks.json", &TokenKey::new("k2").jwks());
    let told = issuer.explain(json!({}), &[]);
    assert!(told.refusals().starts_with("  REFUSED   oidc.key.unknown\n"), "{}", told.out);
}

#[test]
fn rules_and_trust_policy_are_told_as_for_responses() {
    let issuer = Issuer::new();
    let told = issuer.explain(json!({"sub": "feature.7"}), &[]);
    let role = told.section("Roles");
    let obstacle = "                      Statement[0] Main: Allow does not apply
                        Condition StringLike ci.example.com:sub
                          wanted  main.*
                          saw     feature.7";
    assert!(role.ends_with(obstacle), "{}", told.out);
    assert_eq!(told.code, Some(3));
    let told = issuer.explain(json!({"org": {"teams": ["core"], "size": 2}}), &[]);
    assert!(told.section("Rules").contains("  no        builders build\n"), "{}", told.out);
    assert!(told.section("Answer").starts_with("  REFUSED   by rules.no-offer: "), "{}", told.out);
}

#[test]
fn an_issuer_that_nobody_configured_is_told_with_those_that_are() {
    let told = Issuer::new().explain(json!({"iss": "https://ci.example.com/"}), &[]);
    let notes = "  - The issuers that are configured: https://accounts.example.com, https://ci.example.com.";
    assert_eq!(told.section("Notes"), notes, "{}", told.out);
    assert!(told.section("Answer").contains("saw       https://ci.example.com/\n"), "{}", told.out);
    let told = Issuer::new().explain(json!({}), &["--provider", "corp"]);
    assert!(told.section("Answer").starts_with("  REFUSED   by provider.protocol: "), "{}", told.out);
}

/// One issuer may be several providers: without a word about which, it is the one for the token's client.
#[test]
fn the_provider_is_the_one_for_the_tokens_client() {
    let issuer = Issuer::new();
    let second = "account = \"111122223333\"\nissuer = \"https://ci.example.com\"\n";
    let Issuer { world, key } = issuer;
    let text = world.read("rolegate.toml").replace(
        "[[provider]]\nkind = \"oidc\"\nname = \"mobile\"\naccount = \"111122223333\"\nissuer = \"https://accounts.example.com\"\n",
        &format!("[[account]]\nid = \"444455556666\"\n[[provider]]\nkind = \"oidc\"\nname = \"mobile\"\n{}jwks = \"jwks.json\"\n", second.replace("111122223333", "444455556666")),
    );
    world.write("rolegate.toml", &text);
    let issuer = Issuer { world, key };
    for (audience, name) in [("tester", "ci"), ("app", "mobile"), ("nobody", "mobile")] {
        let told = issuer.explain(json!({"aud": audience}), &[]);
        let note = format!("have this issuer; {name} was taken, choose by --provider.");
        assert!(told.section("Notes").contains(&note), "{audience}: {}", told.out);
    }
}

#[test]
fn a_person_is_taken_out_of_it() {
    let told = Issuer::new().explain(
        json!({"sub": "main.ann", "email": "ann@corp.example", "org": {"teams": ["core"], "size": 9}}),
        &["--redact"],
    );
    assert_eq!(told.code, Some(0), "{}", told.out);
    assert!(!told.out.contains("ann"), "{}", told.out);
    for line in ["  attr.email              ‹value ", "  attr.aud                deployer\n"] {
        assert!(told.out.contains(line), "{}", told.out);
    }
}

#[test]
fn one_document_is_explained_at_a_time() {
    let issuer = Issuer::new();
    let told = issuer.world.run_on("--token", "-", " \n", &[]);
    assert_eq!((told.code, told.err.as_str()), (Some(2), "--token: - is empty\n"));
    for (arguments, problem) in [
        (&["--saml", "-"][..], "the argument '--token <FILE>' cannot be used with '--saml <FILE>'"),
        (&["--recipient", "https://x.example"], "the argument '--token <FILE>' cannot be used with"),
    ] {
        let told = issuer.world.run_on("--token", "-", "x", arguments);
        assert_eq!(told.code, Some(2));
        assert!(told.err.contains(problem), "{}", told.err);
    }
    let told = issuer.world.run_on("--token", "-", "x.y", &["--at", FRESH]);
    assert!(told.refusals().starts_with("  REFUSED   oidc.jwt\n"), "{}", told.out);
}

/// Without a file the issuer is asked, and what came of that is told.
#[test]
fn keys_are_asked_for_where_they_are_in_no_file() {
    let issuer = Issuer::new();
    let settings = "issuer = \"http://127.0.0.1:9\"\nallow_loopback_http = true\n";
    let world = Issuer::new().world.configured("issuer = \"https://accounts.example.com\"\n", settings);
    let claims =
        json!({"iss": "http://127.0.0.1:9", "sub": "x", "aud": "app", "iat": ISSUED, "exp": ISSUED + 9});
    let token = issuer.key.sign(&json!({"alg": "ES256", "kid": "k1"}), &claims);
    let told = world.run_on("--token", "-", &token, &[]);
    assert!(told.refusals().starts_with("  REFUSED   oidc.keys\n"), "{}", told.out);
    assert!(told.refusals().contains("the discovery document can't be fetched"), "{}", told.out);
    assert_eq!(told.code, Some(3));
}
