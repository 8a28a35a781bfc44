//! What the token says.

use super::*;

/// Refusals as check, what was expected and what was seen.
async fn refusal(claims: &Value) -> Option<(VerifyCode, &'static str, String, String)> {
    let error = provider().verify(&token(claims), None, NOW).await.err()?;
    Some((error.code(), error.check(), error.expected().to_owned(), error.seen().to_owned()))
}

#[tokio::test]
async fn missing_claims_are_named_in_awss_order() {
    let all = ["iss", "sub", "aud", "iat", "exp"];
    for (index, first) in all.iter().enumerate() {
        let mut changes = json!({});
        all[index..].iter().for_each(|name| changes[*name] = Value::Null);
        let expected = (VerifyCode::Claim, "oidc.claim.missing", (*first).to_owned(), String::new());
        assert_eq!(refusal(&claims(changes)).await, Some(expected));
    }
    assert_eq!(refusal(&claims(json!({}))).await, None);
    let mut null_subject = claims(json!({}));
    null_subject["sub"] = Value::Null;
    assert_eq!(refusal(&null_subject).await.unwrap().2, "sub");
}

#[tokio::test]
async fn claims_of_the_wrong_form_or_meaning() {
    let now = NOW.unix();
    let provider = provider();
    for (changes, expected) in [
        (json!({}), "accepted"),
        (json!({"iss": ["https://idp.example.com/r"]}), "oidc.claim.form"),
        (json!({"iss": "https://idp.example.com/r/"}), "oidc.issuer"),
        (json!({"iss": "https://IDP.example.com/r"}), "oidc.issuer"),
        (json!({"sub": ""}), "oidc.claim.form"),
        (json!({"sub": 7}), "oidc.claim.form"),
        (json!({"aud": "ios"}), "accepted"),
        (json!({"aud": ["app"]}), "accepted"),
        (json!({"aud": "other"}), "oidc.audience"),
        (json!({"aud": "App"}), "oidc.audience"),
        (json!({"aud": []}), "oidc.claim.form"),
        (json!({"aud": [""]}), "oidc.claim.form"),
        (json!({"aud": ["app", 1]}), "oidc.claim.form"),
        (json!({"aud": {"app": 1}}), "oidc.claim.form"),
        (json!({"aud": ["app", "ios"]}), "oidc.audience.several"),
        (json!({"aud": ["app", "other"], "azp": "app"}), "accepted"),
        (json!({"aud": "other", "azp": "app"}), "accepted"),
        (json!({"sub": "s".repeat(1024)}), "accepted"),
        (json!({"sub": "s".repeat(1025)}), "oidc.sub.length"),
        (json!({"aud": "app", "azp": "other"}), "oidc.audience"),
        (json!({"aud": "app", "azp": ["app"]}), "oidc.claim.form"),
        (json!({"exp": now + 1}), "accepted"),
        (json!({"exp": now - 59}), "accepted"),
        (json!({"exp": now - 60}), "oidc.expired"),
        (json!({"exp": (now + 300).to_string()}), "accepted"),
        (json!({"exp": format!("{now}.5")}), "oidc.claim.timestamp"),
        (json!({"exp": ""}), "oidc.claim.timestamp"),
        (json!({"exp": format!("+{}", now + 300)}), "oidc.claim.timestamp"),
        (json!({"exp": now as f64 + 300.0}), "oidc.claim.timestamp"),
        (json!({"exp": u64::MAX}), "oidc.claim.timestamp"),
        (json!({"exp": i64::MAX}), "accepted"),
        (json!({"exp": i64::MIN}), "oidc.expired"),
        (json!({"exp": true}), "oidc.claim.timestamp"),
        (json!({"iat": now + 60}), "accepted"),
        (json!({"iat": now + 61}), "oidc.iat"),
        (json!({"iat": "soon"}), "oidc.claim.timestamp"),
        (json!({"nbf": now + 60}), "accepted"),
        (json!({"nbf": now + 61}), "oidc.nbf"),
        (json!({"nbf": []}), "oidc.claim.timestamp"),
        (json!({"https://aws.amazon.com/tags": []}), "oidc.claim.tags"),
    ] {
        assert_eq!(check(&provider, &token(&claims(changes.clone()))).await, expected, "{changes}");
    }
}

#[tokio::test]
async fn duplicate_claims_are_no_claims() {
    let text = claims(json!({})).to_string();
    let header = r#"{"alg":"ES256","kid":"ec"}"#;
    for (twice, expected) in [
        (text.clone(), "accepted"),
        (text.replacen('{', r#"{"sub":"root","#, 1), "oidc.jwt"),
        (text.replacen('{', r#"{"\u0073ub":"root","#, 1), "oidc.jwt"),
    ] {
        assert_eq!(check(&provider(), &signed(&EC, header, &twice)).await, expected, "{twice}");
    }
}

#[tokio::test]
async fn an_expired_token_tells_both_times() {
    let expired = refusal(&claims(json!({"exp": NOW.unix() - 3600}))).await;
    let (now, exp) = (NOW.to_string(), NOW.minus(Duration::from_secs(3600)).to_string());
    assert_eq!(expired, Some((VerifyCode::Expired, "oidc.expired", now, exp)));
}

#[tokio::test]
async fn the_nonce_must_be_that_of_the_login() {
    let provider = provider();
    for (nonce, expected, outcome) in [
        (json!("n"), Some("n"), Ok("ann")),
        (json!("n"), None, Ok("ann")),
        (json!("m"), Some("n"), Err((VerifyCode::Unsolicited, "oidc.nonce"))),
        (json!(["n"]), Some("n"), Err((VerifyCode::Unsolicited, "oidc.nonce"))),
        (Value::Null, Some("n"), Err((VerifyCode::Unsolicited, "oidc.nonce"))),
    ] {
        let token = token(&claims(json!({"nonce": nonce})));
        let answer = provider.verify(&token, expected, NOW).await;
        let answer = answer.map(|identity| identity.subject().to_owned());
        assert_eq!(answer.map_err(|error| (error.code(), error.check())), outcome.map(str::to_owned));
    }
}

#[tokio::test]
async fn an_identity_holds_what_was_said() {
    let said = claims(json!({
        "aud": ["api", "web"], "azp": "ios", "groups": ["a", "b"], "email": "ann@example.com",
        "email_verified": true, "mixed": ["a", 1], "https://aws.amazon.com/source_identity": "ann",
    }));
    let identity = provider().verify(&token(&said), None, NOW).await.unwrap();
    assert_eq!(identity.provider().as_str(), "arn:aws:iam::111122223333:oidc-provider/idp.example.com/r");
    assert_eq!((identity.provider_name(), identity.issuer()), ("corp", "https://idp.example.com/r"));
    assert_eq!((identity.subject(), identity.audience()), ("ann", "ios"));
    assert_eq!(identity.attributes()["groups"], ["a", "b"]);
    assert_eq!(identity.attributes()["email"], ["ann@example.com"]);
    assert!(
        !identity.attributes().contains_key("mixed") && !identity.attributes().contains_key("email_verified")
    );
    assert_eq!(identity.claims(), said.as_object());
    assert_eq!(identity.asserted().source_identity.as_deref(), Some("ann"));
    assert_eq!((identity.one_time(), identity.session_ends()), (None, None));
}

#[test]
fn the_issuer_can_be_read_before_anything_is_believed() {
    assert_eq!(unverified_issuer(&token(&claims(json!({})))).unwrap(), "https://idp.example.com/r");
    for (changes, expected) in [
        (json!({"iss": Value::Null}), "oidc.claim.missing"),
        (json!({"iss": ["https://idp.example.com/r"]}), "oidc.claim.form"),
    ] {
        assert_eq!(unverified_issuer(&token(&claims(changes))).unwrap_err().check(), expected);
    }
    let whole = token(&claims(json!({})));
    assert_eq!(unverified_issuer(&whole).as_deref(), Ok("https://idp.example.com/r"));
    let (two, _) = whole.rsplit_once('.').unwrap();
    for (text, parts) in
        [("SAML", "1"), (two, "2"), (&format!("{whole}.e30"), "4"), (&format!("{whole}.."), "5")]
    {
        let refusal = unverified_issuer(text).unwrap_err();
        assert_eq!((refusal.check(), refusal.expected(), refusal.seen()), ("oidc.jwt", "three parts", parts));
    }
}

/// Tokens of the same issuer, by the same key, that do not say who somebody is.
#[tokio::test]
async fn other_tokens_are_no_id_tokens() {
    let strict = provider();
    let lax = provider_of(|settings| settings.access_tokens = true);
    for (what, changes, seen) in [
        ("Cognito", json!({"token_use": "access", "client_id": "app"}), "a token_use other than id"),
        ("Keycloak", json!({"typ": "Bearer", "azp": "app"}), "the claim typ Bearer or DPoP"),
        ("Keycloak's bound", json!({"typ": "DPoP", "azp": "app"}), "the claim typ Bearer or DPoP"),
        ("RFC 9068", json!({"scope": "a b", "client_id": "app"}), "scopes for a client"),
        ("Auth0", json!({"scope": "a b", "azp": "app"}), "scopes for a client"),
        ("Okta", json!({"scp": ["a"], "cid": "app"}), "scopes for a client"),
        ("Entra ID", json!({"scp": "a", "appid": "app"}), "scopes for a client"),
        ("Auth0's machines", json!({"gty": "client-credentials", "azp": "app"}), "the claim gty"),
        ("Entra ID's machines", json!({"idtyp": "app"}), "the claim idtyp"),
        ("Entra ID without scopes", json!({"azpacr": "1", "azp": "app"}), "the claim azpacr"),
        ("Entra ID 1.0", json!({"appidacr": "1", "appid": "app"}), "the claim appidacr"),
    ] {
        let refused = strict.verify(&token(&claims(changes.clone())), None, NOW).await.unwrap_err();
        assert_eq!((refused.code(), refused.check()), (VerifyCode::Malformed, "oidc.kind"), "{what}");
        assert_eq!(refused.seen(), format!("a token with {seen}"), "{what}");
        assert_eq!(check(&lax, &token(&claims(changes))).await, "accepted", "{what}");
    }
    for (what, changes) in [
        ("Keycloak", json!({"typ": "ID", "azp": "app"})),
        ("Cognito", json!({"token_use": "id"})),
        ("a workload that says what it is", json!({"scope": "owner:acme:project:site"})),
        ("another event", json!({"events": {"https://schemas.example.com/login": {}}})),
    ] {
        assert_eq!(check(&strict, &token(&claims(changes))).await, "accepted", "{what}");
    }
    let header = r#"{"alg":"ES256","kid":"ec","typ":"at+jwt"}"#;
    let plain = signed(&EC, header, &claims(json!({"nonce": "n"})).to_string());
    assert_eq!((check(&strict, &plain).await, check(&lax, &plain).await), ("oidc.kind", "accepted"));
    let login = lax.verify(&plain, Some("n"), NOW).await.unwrap_err();
    assert_eq!(login.check(), "oidc.kind", "no login ends in an access token");
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_is_no_bearer_token() {
    for access_tokens in [false, true] {
        let provider = provider_of(|settings| settings.access_tokens = access_tokens);
        let bound = json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}});
        assert_eq!(check(&provider, &token(&claims(bound))).await, "oidc.cnf");
        assert_eq!(check(&provider, &token(&claims(json!({"cnf": Value::Null})))).await, "accepted");
    }
}

#[tokio::test]
async fn a_token_that_is_good_once_has_an_id() {
    let once = provider_of(|settings| settings.one_time = true);
    for (id, expected) in [
        (Value::Null, "oidc.claim.form"),
        (json!(""), "oidc.claim.form"),
        (json!(7), "oidc.claim.form"),
        (json!("x".repeat(1025)), "oidc.claim.form"),
        (json!("x".repeat(1024)), "accepted"),
    ] {
        assert_eq!(check(&once, &token(&claims(json!({"jti": id})))).await, expected, "{id}");
    }
    let one_time = async |id: &str, changes: Value| {
        let mut said = claims(changes);
        said["jti"] = json!(id);
        once.verify(&token(&said), None, NOW).await.unwrap().one_time().unwrap()
    };
    let (first, again) = (one_time("1", json!({})).await, one_time("1", json!({"sub": "bob"})).await);
    assert_eq!(first.id, again.id);
    assert_ne!(first.id, one_time("2", json!({})).await.id);
    assert_eq!(first.until, NOW.plus(Duration::from_secs(300 + 60)), "as long as it is accepted");
    assert_eq!(check(&provider(), &token(&claims(json!({"jti": 7})))).await, "accepted", "nobody asks");
}
