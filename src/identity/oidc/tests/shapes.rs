//! Headers, encodings and keys.

use aws_lc_rs::signature;

use super::*;
use crate::identity::oidc::keys::KeySet;

const HEADER: &str = r#"{"alg":"ES256","kid":"ec"}"#;

fn good_claims() -> String {
    claims(json!({})).to_string()
}

#[tokio::test]
async fn both_key_families_verify() {
    let provider = provider();
    assert_eq!(check(&provider, &token(&claims(json!({})))).await, "accepted");
    let rsa = signed(&RSA, r#"{"alg":"RS256","kid":"rsa"}"#, &good_claims());
    assert_eq!(check(&provider, &rsa).await, "accepted");
    let pss =
        TestKey { private: RSA.private.clone(), jwk: Value::Null, algorithm: jsonwebtoken::Algorithm::PS256 };
    assert_eq!(
        check(&provider, &signed(&pss, r#"{"alg":"PS256","kid":"rsa"}"#, &good_claims())).await,
        "accepted"
    );
}

/// A token by each algorithm, made by the library below ours, and verified by the one key only that is
/// for it.
#[tokio::test]
async fn every_algorithm_verifies() {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let number = |bytes: &[u8]| b64(bytes);
    let public = rsa.public_key();
    let modulus = number(public.modulus().big_endian_without_leading_zero());
    let exponent = number(public.exponent().big_endian_without_leading_zero());
    let rsa_jwk = json!({"kty": "RSA", "kid": "r", "n": modulus, "e": exponent});
    let curves = [
        ("ES256", "P-256", &signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        ("ES384", "P-384", &signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        ("ES512", "P-521", &signature::ECDSA_P521_SHA512_FIXED_SIGNING),
    ];
    let curves = curves.map(|(name, curve, how)| (name, curve, EcdsaKeyPair::generate(how).unwrap()));
    let mut keys = vec![rsa_jwk];
    for (name, curve, pair) in &curves {
        let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
        keys.push(json!({"kty": "EC", "crv": curve, "kid": name, "x": b64(x), "y": b64(y)}));
    }
    let edwards = signature::Ed25519KeyPair::generate().unwrap();
    let x = b64(edwards.public_key().as_ref());
    keys.push(json!({"kty": "OKP", "crv": "Ed25519", "kid": "EdDSA", "x": x}));
    let set = KeySource::Given(json!({ "keys": keys }).to_string());
    let every = settings("https://idp.example.com/r", set);
    let every = OidcSettings { algorithms: Algorithm::ALL.to_vec(), ..every };
    let provider = OidcProvider::new(every, http_client(HERE).unwrap()).unwrap();

    #[allow(clippy::disallowed_methods)] // Signatures take a generator.
    let random = aws_lc_rs::rand::SystemRandom::new();
    let by_rsa = |padding: &'static dyn signature::RsaEncoding, message: &[u8]| {
        let mut out = vec![0; rsa.public_modulus_len()];
        rsa.sign(padding, &random, message, &mut out).unwrap();
        out
    };
    let paddings: [(&str, &'static dyn signature::RsaEncoding); 6] = [
        ("RS256", &signature::RSA_PKCS1_SHA256),
        ("RS384", &signature::RSA_PKCS1_SHA384),
        ("RS512", &signature::RSA_PKCS1_SHA512),
        ("PS256", &signature::RSA_PSS_SHA256),
        ("PS384", &signature::RSA_PSS_SHA384),
        ("PS512", &signature::RSA_PSS_SHA512),
    ];
    let message = |name: &str, kid: &str| {
        let header = json!({"alg": name, "kid": kid}).to_string();
        format!("{}.{}", b64(header.as_bytes()), b64(good_claims().as_bytes()))
    };
    let mut tokens = Vec::new();
    for (name, padding) in paddings {
        let signed = message(name, "r");
        tokens.push((name, format!("{signed}.{}", b64(&by_rsa(padding, signed.as_bytes())))));
    }
    for (name, _, pair) in &curves {
        let signed = message(name, name);
        let signature = pair.sign(&random, signed.as_bytes()).unwrap();
        tokens.push((name, format!("{signed}.{}", b64(signature.as_ref()))));
    }
    let signed = message("EdDSA", "EdDSA");
    tokens.push(("EdDSA", format!("{signed}.{}", b64(edwards.sign(signed.as_bytes()).as_ref()))));
    assert_eq!(tokens.len(), Algorithm::ALL.len());
    for (name, token) in &tokens {
        assert_eq!(check(&provider, token).await, "accepted", "{name}");
        let (signed, _) = token.rsplit_once('.').unwrap();
        let (_, others) = tokens.iter().find(|(other, _)| other != name).unwrap();
        let (_, signature) = others.rsplit_once('.').unwrap();
        assert_eq!(check(&provider, &format!("{signed}.{signature}")).await, "oidc.signature", "{name}");
    }
}

#[tokio::test]
async fn headers_that_ask_for_trouble() {
    let provider = provider();
    let nested = r#"{"kty":"EC"}"#;
    let key = &EC.jwk;
    let cases = [
        (HEADER.to_owned(), "accepted"),
        (r#"{"alg":"ES256","kid":"ec","typ":"jwt"}"#.to_owned(), "accepted"),
        (r#"{"alg":"ES256","kid":"ec","typ":"JOSE"}"#.to_owned(), "accepted"),
        (r#"{"alg":"ES256","kid":"ec","typ":"application/jwt"}"#.to_owned(), "accepted"),
        (r#"{"alg":"ES256","kid":"ec","typ":"at"}"#.to_owned(), "oidc.jwt"),
        (r#"{"alg":"ES256","kid":"ec","typ":""}"#.to_owned(), "oidc.jwt"),
        (r#"{"alg":"none","kid":"ec"}"#.to_owned(), "oidc.algorithm"),
        (r#"{"alg":"None","kid":"ec"}"#.to_owned(), "oidc.algorithm"),
        (r#"{"alg":"HS256","kid":"ec"}"#.to_owned(), "oidc.algorithm"),
        (r#"{"alg":"ES384","kid":"ec"}"#.to_owned(), "oidc.algorithm"),
        (r#"{"alg":["ES256"],"kid":"ec"}"#.to_owned(), "oidc.jwt"),
        (r#"{"kid":"ec"}"#.to_owned(), "oidc.jwt"),
        // The key is of another type than the algorithm.
        (r#"{"alg":"RS256","kid":"ec"}"#.to_owned(), "oidc.key.unknown"),
        (r#"{"alg":"ES256","kid":"rsa"}"#.to_owned(), "oidc.key.unknown"),
        (r#"{"alg":"ES256","kid":"EC"}"#.to_owned(), "oidc.key.unknown"),
        (r#"{"alg":"ES256","kid":"../ec"}"#.to_owned(), "oidc.key.unknown"),
        (r#"{"alg":"ES256","kid":""}"#.to_owned(), "oidc.jwt"),
        (r#"{"alg":"ES256","kid":1}"#.to_owned(), "oidc.jwt"),
        (json!({"alg": "ES256", "kid": "k".repeat(257)}).to_string(), "oidc.jwt"),
        (r#"{"alg":"ES256","kid":"ec","crit":["exp"],"exp":1}"#.to_owned(), "oidc.jwt"),
        (r#"{"alg":"ES256","kid":"ec","crit":[]}"#.to_owned(), "oidc.jwt"),
        (r#"{"alg":"ES256","kid":"ec","b64":true}"#.to_owned(), "oidc.jwt"),
        (r#"{"alg":"ES256","kid":"ec","typ":"at+jwt"}"#.to_owned(), "oidc.kind"),
        (r#"{"alg":"ES256","kid":"ec","typ":"application/AT+JWT"}"#.to_owned(), "oidc.kind"),
        (r#"{"alg":"ES256","kid":"ec","typ":"logout+jwt"}"#.to_owned(), "oidc.jwt"),
        (r#"{"alg":"ES256","alg":"ES256","kid":"ec"}"#.to_owned(), "oidc.jwt"),
        (r#"{"alg":"ES256","kid":"rsa","\u006bid":"ec"}"#.to_owned(), "oidc.jwt"),
        (format!(r#"{{"alg":"ES256","kid":"ec","x":"{}"}}"#, "x".repeat(2048)), "oidc.jwt"),
        (format!("{HEADER}{HEADER}"), "oidc.jwt"),
        ("[]".to_owned(), "oidc.jwt"),
        // A key that the token brings along is not looked at, good or bad.
        (format!(r#"{{"alg":"ES256","kid":"new","jwk":{key}}}"#), "oidc.key.unknown"),
        (format!(r#"{{"alg":"ES256","kid":"ec","jwk":{nested},"jku":"http://127.0.0.1:1/"}}"#), "accepted"),
    ];
    for (header, expected) in cases {
        let token = signed(&EC, &header, &good_claims());
        assert_eq!(check(&provider, &token).await, expected, "{header}");
    }
}

#[tokio::test]
async fn the_public_key_is_no_hmac_secret() {
    let secret = EncodingKey::from_secret(EC.jwk.to_string().as_bytes());
    let forger = TestKey { private: secret, jwk: Value::Null, algorithm: jsonwebtoken::Algorithm::HS256 };
    let forged = signed(&forger, r#"{"alg":"HS256","kid":"ec"}"#, &good_claims());
    assert_eq!(check(&provider(), &forged).await, "oidc.algorithm");
    let disguised = signed(&forger, HEADER, &good_claims());
    assert_eq!(check(&provider(), &disguised).await, "oidc.signature");
}

#[tokio::test]
async fn what_is_signed_may_not_change() {
    let provider = provider();
    let good = token(&claims(json!({})));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let other = b64(claims(json!({"sub": "root"})).to_string().as_bytes());
    let stranger = signed(&ec_key("ec"), HEADER, &good_claims());
    let zero = b64(&[0; 64]);
    for (token, expected) in [
        (good.clone(), "accepted"),
        (format!("{header}.{other}.{signature}"), "oidc.signature"),
        (format!("{message}."), "oidc.signature"),
        (format!("{message}.{zero}"), "oidc.signature"),
        (stranger, "oidc.signature"),
    ] {
        assert_eq!(check(&provider, &token).await, expected, "{token}");
    }
}

#[tokio::test]
async fn a_token_has_one_spelling() {
    let provider = provider();
    let good = token(&claims(json!({})));
    assert_eq!(check(&provider, &good).await, "accepted");
    // The last of the 86 characters of 64 bytes carries four unused bits.
    let last = good.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    let message = &good[..good.len() - 1];
    for other in [
        format!("{message}{next}"),
        format!("{good}="),
        format!("{good}=="),
        format!("{good}."),
        format!("{good}.x.y"),
        format!(" {good}"),
        format!("{good}\n"),
        good.replacen('.', "", 1),
        good.replace('.', "+"),
        String::from("a.b"),
        String::from("..."),
        String::new(),
        "x".repeat(20_001),
    ] {
        assert_eq!(check(&provider, &other).await, "oidc.jwt", "{other}");
    }
}

#[tokio::test]
async fn tokens_without_a_key_id_need_a_single_fitting_key() {
    let anonymous = signed(&EC, r#"{"alg":"ES256"}"#, &good_claims());
    assert_eq!(check(&provider(), &anonymous).await, "accepted");
    let two = provider_with(vec![EC.jwk.clone(), ec_key("other").jwk]);
    assert_eq!(check(&two, &anonymous).await, "oidc.key.unknown");
}

fn with(jwk: &Value, name: &str, value: Value) -> Value {
    let mut jwk = jwk.clone();
    jwk[name] = value;
    jwk
}

#[test]
fn keys_that_may_not_verify_are_left_out_with_a_reason() {
    let cases = [
        (with(&EC.jwk, "use", json!("enc")), "`use` is not `sig`"),
        (with(&EC.jwk, "key_ops", json!(["sign"])), "`key_ops` does not list `verify`"),
        (with(&EC.jwk, "kid", json!("")), "no `kid`"),
        (with(&EC.jwk, "alg", json!("ES384")), "`alg` is not a signature algorithm of this key type"),
        (with(&RSA.jwk, "alg", json!("RSA-OAEP")), "`alg` is not a signature algorithm of this key type"),
        (with(&EC.jwk, "crv", json!("secp256k1")), "curve \"secp256k1\" is not supported"),
        (with(&EC.jwk, "crv", json!("P-521")), "coordinates must be 66 bytes long"),
        (with(&EC.jwk, "x", json!("AAAA")), "coordinates must be 32 bytes long"),
        (
            with(&RSA.jwk, "n", json!(b64(&[0xff; 128]))),
            "an RSA modulus of 1024 bits; 2048 to 8192 are accepted",
        ),
        (
            with(&RSA.jwk, "n", json!(b64(&[0xff; 1025]))),
            "an RSA modulus of 8200 bits; 2048 to 8192 are accepted",
        ),
        (with(&RSA.jwk, "e", json!("AQ")), "an RSA exponent that is even, 1 or too long"),
        (json!({"kty": "oct", "kid": "k", "k": "AAAA"}), "key type \"oct\" is not a public signature key"),
        (
            json!({"kty": "OKP", "crv": "X25519", "kid": "k", "x": "AAAA"}),
            "curve \"X25519\" is not supported",
        ),
        (json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "AAAA"}), "`x` must be 32 bytes long"),
        (json!("key"), "not an object"),
    ];
    for (jwk, reason) in cases {
        let set = json!({"keys": [jwk, with(&EC.jwk, "kid", json!("good"))]}).to_string();
        let set = KeySet::parse(set.as_bytes()).unwrap();
        assert_eq!(set.len(), 1, "{jwk}");
        assert_eq!(set.skipped()[0].reason, reason, "{jwk}");
        let alone = KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes());
        assert!(alone.is_err_and(|error| error.to_string().starts_with("no usable key")), "{jwk}");
    }
    let off_the_curve = with(&EC.jwk, "y", EC.jwk["x"].clone());
    assert!(KeySet::parse(json!({"keys": [off_the_curve]}).to_string().as_bytes()).is_err());
}

#[test]
fn key_sets_are_bounded_and_the_last_of_one_id_counts() {
    let many = |count| json!({"keys": vec![EC.jwk.clone(); count]}).to_string();
    assert_eq!(KeySet::parse(many(100).as_bytes()).unwrap().len(), 1);
    let refused = |json: &str| KeySet::parse(json.as_bytes()).err().unwrap().to_string();
    assert_eq!(refused(&many(101)), "101 keys, more than 100");
    assert_eq!(refused(r#"{"keys":[]}"#), "no usable key (the set is empty)");
    assert_eq!(refused("[]"), "not a JSON object with a `keys` array");
}

#[test]
fn an_ed25519_key_is_usable() {
    // RFC 8037 appendix A.2.
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": x}]}).to_string();
    assert!(KeySet::parse(set.as_bytes()).unwrap().find(Some("ed"), Algorithm::EDDSA).is_some());
}

#[test]
fn settings_that_would_weaken_the_check_are_refused() {
    let keys = KeySource::Given(json!({"keys": [EC.jwk]}).to_string());
    let good = settings("https://idp.example.com/r", keys);
    let make = |settings| OidcProvider::new(settings, http_client(HERE).unwrap()).map(|_| ());
    assert!(make(good.clone()).is_ok());
    let none = OidcSettings { algorithms: vec![], ..good.clone() };
    assert!(matches!(make(none), Err(OidcFault::Algorithms)));
    for issuer in [
        "http://idp.example.com",
        "https://idp.example.com?x",
        "https://idp.example.com/#x",
        "idp",
        "http://127.0.0.1.evil.com",
    ] {
        let refused = make(OidcSettings { issuer: issuer.to_owned(), ..good.clone() });
        assert!(matches!(refused, Err(OidcFault::Issuer(_))), "{issuer}");
    }
    let local = OidcSettings { issuer: String::from("http://127.0.0.1:9"), ..good.clone() };
    assert!(make(local.clone()).is_ok());
    assert!(matches!(make(OidcSettings { reach: Reach::default(), ..local }), Err(OidcFault::Issuer(_))));
    let keys = KeySource::Given(String::from("{}"));
    assert!(matches!(make(OidcSettings { keys, ..good }), Err(OidcFault::Keys(_))));
}
