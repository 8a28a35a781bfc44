//! Signatures that must hold, and every way in which one must not.

use std::time::Duration;

use super::*;
use crate::arn::RoleId;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const KEY_ID: &str = "AKIDEXAMPLE";
const REFUSED: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/// 2015-08-30T12:36:00Z, the time of the vectors.
const SIGNED: Moment = Moment::from_unix(1_440_938_160);

/// One credential.
struct One {
    token: Option<&'static str>,
    expires: Moment,
}

const ONE: One = One { token: None, expires: Moment::from_unix(1_441_024_560) };

impl SigningSecrets for One {
    fn open(&self, id: &str, token: Option<&str>, _: Moment) -> Result<OpenedCredential, SigV4Error> {
        if id != KEY_ID || token != self.token {
            return Err(SigV4Error::InvalidClientTokenId);
        }
        let role = "arn:aws:iam::111122223333:role/eng/Deploy".parse().unwrap();
        let session = RoleSession {
            role_id: RoleId::of_declared(&role),
            role,
            session_name: String::from("ann"),
            provider: None,
            subject: None,
            source_identity: None,
            tags: Vec::new(),
            session_policy: None,
            issued: SIGNED,
            expires: self.expires,
        };
        Ok(OpenedCredential { secret_access_key: Secret::new(SECRET.to_owned()), session })
    }
}

fn credential<'a>(secret: &'a Secret<String>, service: &'a str) -> SigningCredential<'a> {
    SigningCredential {
        access_key_id: KEY_ID,
        secret_access_key: secret,
        session_token: None,
        region: "us-east-1",
        service,
    }
}

/// A request that owns its parts, so that a test can spoil one.
#[derive(Clone)]
struct Request {
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    fn new(method: &'static str, target: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (path, query, body) = (path.to_owned(), query.to_owned(), body.to_owned());
        Self { method, path, query, headers: headers.collect(), body }
    }

    fn with<T>(&self, act: impl FnOnce(&SignedRequest<'_>) -> T) -> T {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        act(&SignedRequest {
            method: self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body: self.body.as_bytes(),
        })
    }

    /// An STS call as botocore sends it, signed.
    fn sts() -> Self {
        let headers = [("Host", "sts.example.com"), ("Content-Type", "application/x-www-form-urlencoded")];
        Self::new("POST", "/", &headers, "Action=GetCallerIdentity&Version=2011-06-15").signed()
    }

    fn signed(mut self) -> Self {
        let secret = Secret::new(SECRET.to_owned());
        let added = self.with(|request| sign(request, &credential(&secret, "sts"), SIGNED));
        self.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self
    }

    fn presigned(mut self, lifetime: u64) -> Self {
        let secret = Secret::new(SECRET.to_owned());
        let lifetime = Duration::from_secs(lifetime);
        self.query = self.with(|request| presign(request, &credential(&secret, "sts"), lifetime, SIGNED));
        self
    }

    fn set(mut self, name: &str, change: impl FnOnce(&str) -> String) -> Self {
        let header = self.headers.iter_mut().find(|(sent, _)| sent.eq_ignore_ascii_case(name)).unwrap();
        header.1 = change(&header.1);
        self
    }

    fn add(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(sent, _)| !sent.eq_ignore_ascii_case(name));
        self
    }

    fn outcome(&self) -> Result<String, (&'static str, String)> {
        self.outcome_at(SIGNED)
    }

    fn outcome_at(&self, at: Moment) -> Result<String, (&'static str, String)> {
        self.with(|request| authenticate(request, "sts", &ONE, at))
            .map(|principal| principal.arn())
            .map_err(|error| (error.code(), error.to_string()))
    }
}

fn accepted() -> Result<String, (&'static str, String)> {
    Ok(String::from("arn:aws:sts::111122223333:assumed-role/Deploy/ann"))
}

fn mismatch(message: &str) -> Result<String, (&'static str, String)> {
    Err(("SignatureDoesNotMatch", message.to_owned()))
}

/// Requests with the signatures that the public SigV4 test suite gives for them: key
/// `AKIDEXAMPLE`, region `us-east-1`, service `service`, 2015-08-30T12:36:00Z.
#[test]
fn known_signatures_hold() {
    const HOST: (&str, &str) = ("Host", "example.amazonaws.com");
    const DATE: (&str, &str) = ("X-Amz-Date", "20150830T123600Z");
    let cases: &[(&str, &str, &[(&str, &str)], &str, &str)] = &[
        ("GET", "/", &[], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "GET",
            "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
            &[],
            "",
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ),
        (
            "GET",
            "/?Param1=value1",
            &[],
            "",
            "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        ),
        ("GET", "/?ሴ=bar", &[], "", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        (
            "GET",
            "/",
            &[("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")],
            "",
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
        (
            "GET",
            "/",
            &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
            "",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "GET",
            "/",
            &[
                ("My-Header1", "value4"),
                ("My-Header1", "value1"),
                ("My-Header1", "value3"),
                ("My-Header1", "value2"),
            ],
            "",
            "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        ),
        (
            "GET",
            "/example1/example2/../..",
            &[],
            "",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        ("GET", "/./example", &[], "", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
        ("GET", "//example//", &[], "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
        (
            "GET",
            "/example space/",
            &[],
            "",
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
        ),
        ("GET", "/ሴ", &[], "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        (
            "POST",
            "/",
            &[
                ("Content-Type", "application/x-www-form-urlencoded"),
                ("Content-Length", "13"),
                ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
            ],
            "Param1=value1",
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
        ),
    ];
    for (method, target, headers, body, signature) in cases {
        let method = if *method == "GET" { "GET" } else { "POST" };
        let mut names: Vec<String> =
            [HOST, DATE].iter().chain(*headers).map(|(n, _)| n.to_lowercase()).collect();
        names.sort();
        names.dedup();
        let scope = format!("{KEY_ID}/20150830/us-east-1/service/aws4_request");
        let names = names.join(";");
        let value =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}");
        let request = Request::new(method, target, &[HOST, DATE], body);
        let request = headers.iter().fold(request, |request, (name, value)| request.add(name, value));
        let request = request.add("Authorization", &value);
        let answer = request.with(|request| authenticate(request, "service", &ONE, SIGNED));
        assert!(answer.is_ok(), "{method} {target} {headers:?}: {answer:?}");
    }
}

#[test]
fn a_signed_call_is_believed() {
    assert_eq!(Request::sts().outcome(), accepted());
    assert!(Request::sts().with(is_signed));
}

#[test]
fn what_is_not_signed_is_missing_its_authentication() {
    let plain = Request::new("POST", "/", &[("Host", "sts.example.com"), ("Authorization", "Bearer x")], "");
    assert!(!plain.with(is_signed));
    let missing = ("MissingAuthenticationToken", String::from("Request is missing Authentication Token"));
    assert_eq!(plain.outcome(), Err(missing));
}

#[test]
fn nothing_that_is_signed_may_change() {
    let get = || Request::new("GET", "/?a=1&b=%2B&c=2", &[("Host", "sts.example.com"), ("X-Two", "1")], "");
    let good = get().add("X-Two", "2").signed();
    assert_eq!(good.outcome(), accepted());
    let mut spoiled: Vec<Request> = vec![
        good.clone().set("Host", |_| String::from("evil.example.com")),
        good.clone().set("X-Two", |_| String::from("3")),
        good.clone().add("x-two", "3"),
        good.clone().without("X-Two"),
        good.clone().set("X-Amz-Date", |_| String::from("20150830T123601Z")),
        good.clone().set("Authorization", |value| value.replace("us-east-1", "us-east-2")),
        good.clone().set("Authorization", |value| value.replace("x-two", "X-Two")),
        good.clone().set("Authorization", |value| value.replace("host;", "host;host;")),
        good.clone().set("Authorization", |value| value[..value.len() - 1].to_owned()),
        good.clone().add("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"),
    ];
    for (path, query) in
        [("/a", "a=1&b=%2B&c=2"), ("/", "a=1&b=+&c=2"), ("/", "a=1&b=%2B"), ("/", "a=1&b=%2B&c=2&c=3")]
    {
        spoiled.push(Request { path: path.to_owned(), query: query.to_owned(), ..good.clone() });
    }
    spoiled.push(Request { body: String::from("x"), ..good.clone() });
    spoiled.push(Request { method: "PUT", ..good.clone() });
    for (index, request) in spoiled.iter().enumerate() {
        assert_eq!(request.outcome(), mismatch(REFUSED), "{index}");
    }
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
fn the_scope_is_checked_first_and_all_at_once() {
    let change = |from: &'static str, to: &'static str| {
        Request::sts().set("Authorization", move |value| value.replace(from, to)).outcome()
    };
    assert_eq!(change("us-east-1", "eu-west-1"), mismatch(REFUSED));
    assert_eq!(change("us-east-1", "US"), mismatch("Credential should be scoped to a valid region. "));
    assert_eq!(change("/sts/", "/s3/"), mismatch("Credential should be scoped to correct service: 'sts'. "));
    assert_eq!(
        change("us-east-1/sts", "/s3"),
        mismatch(
            "Credential should be scoped to a valid region. Credential should be scoped to correct service: 'sts'. "
        )
    );
    assert_eq!(
        change("/20150830/", "/20150829/"),
        mismatch(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830', from '20150830T123600Z'. "
        )
    );
    assert_eq!(
        change("aws4_request", "aws5_request"),
        mismatch("Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. ")
    );
    // Before the credential is looked at:
    assert_eq!(
        change("AKIDEXAMPLE/20150830/us-east-1/sts", "NOBODY/20150830/us-east-1/s3"),
        mismatch("Credential should be scoped to correct service: 'sts'. ")
    );
}

#[test]
fn the_credential_is_checked_before_the_signature() {
    let invalid = "The security token included in the request is invalid.";
    let stranger = Request::sts().set("Authorization", |value| value.replace("AKIDEXAMPLE", "NOBODY"));
    assert_eq!(stranger.outcome(), Err(("InvalidClientTokenId", invalid.to_owned())));
    let foreign_token = Request::sts().add("X-Amz-Security-Token", "another's");
    assert_eq!(foreign_token.outcome(), Err(("InvalidClientTokenId", invalid.to_owned())));
    let over = One { token: None, expires: SIGNED };
    let bad_signature =
        Request::sts().set("Authorization", |value| value.replace("Signature=", "Signature=0"));
    let error = bad_signature.with(|request| authenticate(request, "sts", &over, SIGNED)).unwrap_err();
    assert_eq!(error.code(), "ExpiredToken");
    assert_eq!(error.to_string(), "The security token included in the request is expired");
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

#[test]
fn signatures_hold_for_five_minutes_either_way() {
    let request = Request::sts();
    let five = Duration::from_secs(300);
    let second = Duration::from_secs(1);
    assert_eq!(request.outcome_at(SIGNED.plus(five)), accepted());
    assert_eq!(request.outcome_at(SIGNED.minus(five)), accepted());
    assert_eq!(
        request.outcome_at(SIGNED.plus(five).plus(second)),
        mismatch(
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"
        )
    );
    assert_eq!(
        request.outcome_at(SIGNED.minus(five).minus(second)),
        mismatch(
            "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)"
        )
    );
}

#[test]
fn the_host_must_be_signed() {
    let request = Request::new("POST", "/", &[("Content-Type", "text/plain")], "").signed();
    let wanted = mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    assert_eq!(request.add("Host", "sts.example.com").outcome(), wanted);
}

#[test]
fn presigned_requests_live_as_long_as_they_say_up_to_fifteen_minutes() {
    let get = |lifetime| {
        let headers = [("Host", "sts.example.com")];
        Request::new("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", &headers, "").presigned(lifetime)
    };
    let after = |seconds| SIGNED.plus(Duration::from_secs(seconds));
    assert!(get(60).with(is_signed));
    assert_eq!(get(60).outcome_at(after(60)), accepted());
    assert_eq!(
        get(60).outcome_at(after(61)),
        mismatch(
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T123701Z - 1 min.)"
        )
    );
    assert_eq!(get(86_400).outcome_at(after(900)), accepted());
    assert_eq!(
        get(86_400).outcome_at(after(901)),
        mismatch(
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)"
        )
    );
    let mut longer = get(60);
    longer.query = longer.query.replace("X-Amz-Expires=60", "X-Amz-Expires=600");
    assert_eq!(longer.outcome(), mismatch(REFUSED));
    let mut another = get(60);
    another.query = another.query.replace("GetCallerIdentity", "AssumeRole");
    assert_eq!(another.outcome(), mismatch(REFUSED));
}

#[test]
fn incomplete_signatures_say_what_they_lack() {
    let header = |value: &str| Request::sts().set("Authorization", |_| value.to_owned()).outcome();
    let presigned = |from: &str, to: &str| {
        let mut request = Request::new("GET", "/", &[("Host", "sts.example.com")], "").presigned(60);
        assert_eq!(request.outcome(), accepted());
        request.query = request.query.replace(from, to);
        request.outcome()
    };
    let scope = "Credential=AKIDEXAMPLE/20150830/us-east-1/sts/aws4_request";
    for (outcome, start) in [
        (
            header("AWS4-HMAC-SHA256 x=y"),
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed",
        ),
        (
            header("AWS4-HMAC-SHA256 Credential"),
            "A parameter of the Authorization header is not a valid key=value pair",
        ),
        (header("AWS4-HMAC-SHA512 a=b"), "Unsupported AWS 'algorithm'."),
        (
            header("AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=0"),
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c'",
        ),
        (
            header(&format!("AWS4-HMAC-SHA256 {scope}, {scope}, SignedHeaders=host, Signature=0")),
            "'Credential' must appear once.",
        ),
        (Request::sts().add("Authorization", "Bearer x").outcome(), "'authorization' must appear once."),
        (Request::sts().add("X-Amz-Date", "20150830T123600Z").outcome(), "'x-amz-date' must appear once."),
        (
            Request::sts().without("X-Amz-Date").outcome(),
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ),
        (
            Request::sts().set("X-Amz-Date", |_| String::from("2015-08-30T12:36:00Z")).outcome(),
            "Date must be in ISO-8601 'basic format'. Got '2015-08-30T12:36:00Z'.",
        ),
        (
            Request::sts().set("X-Amz-Date", |_| String::from("20151330T123600Z")).outcome(),
            "Date must be in ISO-8601 'basic format'. Got '20151330T123600Z'.",
        ),
        (Request::sts().presigned(60).outcome(), "Only one authentication mechanism"),
        (
            presigned("X-Amz-Date", "X-Other"),
            "AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.",
        ),
        (presigned("HMAC-SHA256", "HMAC-SHA1"), "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'."),
        (presigned("Expires=60", "Expires=0"), "X-Amz-Expires must be 1 to 604800 seconds."),
        (presigned("Expires=60", "Expires=%2B60"), "X-Amz-Expires must be 1 to 604800 seconds."),
        (
            presigned("&X-Amz-Expires", "&X-Amz-Date=20150830T123600Z&X-Amz-Expires"),
            "'X-Amz-Date' must appear once.",
        ),
    ] {
        let (code, message) = outcome.unwrap_err();
        assert_eq!(code, "IncompleteSignature", "{message}");
        assert!(message.contains(start), "{message}");
    }
}
