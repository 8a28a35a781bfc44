//! What must be refused, with AWS's words.

use super::*;

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
fn a_signed_header_must_be_there_even_if_it_was_empty() {
    let request = Request::new("GET", "/", &[("Host", "sts.example.com"), ("X-Empty", "")], "").signed();
    assert_eq!(request.outcome(), accepted());
    assert_eq!(request.without("X-Empty").outcome(), mismatch(REFUSED));
}

#[test]
fn signed_headers_are_listed_in_one_way() {
    let scope = canonical::Scope { date: "20150830", region: "us-east-1", service: "sts" };
    let by = |names: &[&str]| {
        let request =
            Request::new("GET", "/", &[("Host", "sts.example.com"), ("X-Amz-Date", "20150830T123600Z")], "");
        let canonical = request.with(|request| canonical::request(request, names)).unwrap();
        let secret = Secret::new(SECRET.to_owned());
        let signature = canonical::signature(&secret, "20150830T123600Z", scope, &canonical);
        let (scope, names) = (scope.to_text(), names.join(";"));
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders={names}, Signature={signature}"
        );
        request.add("Authorization", &value).outcome()
    };
    assert_eq!(by(&["host", "x-amz-date"]), accepted());
    for other in [&["x-amz-date", "host"][..], &["host", "host", "x-amz-date"], &["Host", "x-amz-date"]] {
        assert_eq!(by(other), mismatch(REFUSED), "{other:?}");
    }
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
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.",
        ),
        (
            header("AWS4-HMAC-SHA256 Credential"),
            "'Credential' not a valid key=value pair (missing equal-sign) in Authorization header.",
        ),
        (header("AWS4-HMAC-SHA512 a=b"), "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'."),
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
