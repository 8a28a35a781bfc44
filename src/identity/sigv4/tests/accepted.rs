//! What must be believed, however it is spelled.

use super::*;

#[test]
fn a_signed_call_is_believed() {
    assert_eq!(Request::sts().outcome(), accepted());
    assert!(Request::sts().with(is_signed));
}

#[test]
fn what_is_not_signed_is_ignored() {
    let request = Request::sts().add("User-Agent", "proxy").add("X-Forwarded-For", "192.0.2.1");
    assert_eq!(request.outcome(), accepted());
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let get = Request::new("GET", "/", &[("Host", "sts.example.com")], "").signed();
    assert_eq!(get.add("x-amz-content-sha256", empty).outcome(), accepted());
}

#[test]
fn spellings_that_mean_the_same_verify() {
    let good =
        Request::new("GET", "/x?b=2&a=%7e+x&a=1", &[("Host", "sts.example.com"), ("My", " a   b ")], "");
    let good = good.signed();
    assert_eq!(good.outcome(), accepted());
    let other = Request { query: String::from("a=1&a=~%20x&&b=2"), path: String::from("/y/..//./x"), ..good };
    assert_eq!(other.set("my", |_| String::from("a b")).outcome(), accepted());
}

#[test]
fn a_session_token_belongs_to_its_key() {
    let secret = Secret::new(SECRET.to_owned());
    let signer = SigningCredential { session_token: Some("token"), ..credential(&secret, "sts") };
    let mut request = Request::new("POST", "/", &[("Host", "sts.example.com")], "");
    let added = request.with(|request| sign(request, &signer, SIGNED));
    request.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let holder = One { token: Some("token"), ..ONE };
    assert!(request.with(|request| authenticate(request, "sts", &holder, SIGNED)).is_ok());
    let mut presigned = Request::new("GET", "/?Action=GetCallerIdentity", &[("Host", "sts.example.com")], "");
    presigned.query = presigned.with(|request| presign(request, &signer, Duration::from_secs(60), SIGNED));
    assert!(presigned.with(|request| authenticate(request, "sts", &holder, SIGNED)).is_ok());
}
