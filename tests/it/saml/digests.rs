//! Digests and signature values: two where one must be, something beside or within them, values
//! that are no values, and content that was changed.

use super::fixture::{
    ASSERTION, HONEST, Signing, adorned, base64, element, enveloped, evil, honest, honest_twice, response,
    signature_of, swap,
};
use super::suite::{Table, hold};

#[test]
fn are_not_confused() {
    hold(&tables());
}

const DIGEST: &str = "saml.signature.digest";
const VALUE: &str = "saml.signature.value";
const SHAPE: &str = "saml.signature.structure";

pub(super) fn tables() -> Vec<Table> {
    vec![changed(), digest_values(), signature_values(), signed_infos(), replayed_infos()]
}

/// Genuine documents that were changed afterwards.
fn changed() -> Table {
    let (honest, both) = (honest(), honest_twice());
    let put = |from: &str, to: &str| swap(&honest, from, to);
    let envelope = |from: &str, to: &str| swap(&both, from, to);
    let value = "<saml:AttributeValue>staff</saml:AttributeValue>";
    let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    Table::new("changed after signing")
        .twins([("the assertion signed", &honest), ("both signed", &both)])
        .twin("what canonical form drops", put("<saml:Subject>", "<saml:Subject\n >"))
        .attacks([
            ("the subject", put(">ann<", ">bob<"), DIGEST),
            ("the subject's format", put(format, &format.replace("persistent", "transient")), DIGEST),
            ("the subject's qualifier", adorned(&honest, "saml:NameID", "SPNameQualifier=\"urn:x\""), DIGEST),
            ("a value", put(">staff<", ">admin<"), DIGEST),
            ("a value more", put(value, &value.repeat(2)), DIGEST),
            ("a value less", put(value, ""), DIGEST),
            (
                "values in another order",
                put(">staff<", ">x<").replacen(">platform<", ">staff<", 1).replacen(">x<", ">platform<", 1),
                DIGEST,
            ),
            ("an attribute's name", put("\"groups\"", "\"roles\""), DIGEST),
            (
                "the audience",
                put("<saml:Audience>https://broker.example.com", "<saml:Audience>urn:amazon:webservices"),
                DIGEST,
            ),
            (
                "an audience more",
                put("<saml:Audience>", "<saml:Audience>urn:other</saml:Audience><saml:Audience>"),
                DIGEST,
            ),
            ("the recipient", put("/saml/corp/acs\"></saml", "/saml\"></saml"), DIGEST),
            ("the end", put("12:10:00Z", "13:10:00Z"), DIGEST),
            ("the same end, written otherwise", put("12:10:00Z", "12:10:00.0Z"), DIGEST),
            ("the session's end", put("20:00:00Z", "23:00:00Z"), DIGEST),
            ("a condition more", put("</saml:Conditions>", "<saml:OneTimeUse/></saml:Conditions>"), DIGEST),
            ("white space", put("<saml:Subject>", " <saml:Subject>"), DIGEST),
            ("white space at the end", put("</saml:Assertion>", "\n</saml:Assertion>"), DIGEST),
            ("a return", put("<saml:Subject>", "&#13;<saml:Subject>"), DIGEST),
            (
                "the status",
                envelope("</samlp:Status>", "<samlp:StatusMessage>x</samlp:StatusMessage></samlp:Status>"),
                DIGEST,
            ),
            (
                "the response's time",
                envelope("IssueInstant=\"2026-11-22T12:00:00Z\"", "IssueInstant=\"2026-11-22T12:00:01Z\""),
                DIGEST,
            ),
            (
                "the response's Destination taken away",
                envelope(" Destination=\"https://broker.example.com/saml/corp/acs\"", ""),
                DIGEST,
            ),
            ("the response's Consent", adorned(&both, "samlp:Response", "Consent=\"urn:x\""), DIGEST),
            ("the assertion's signature taken from a signed response", signed_away(&both), DIGEST),
        ])
}

/// A doubly signed response without the assertion's own signature.
fn signed_away(both: &str) -> String {
    let from = both.rfind("<ds:Signature ").unwrap();
    let to = both.rfind("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    [&both[..from], &both[to..]].concat()
}

/// The honest signature with `SignedInfo` changed before it was signed.
fn sealed(from: &str, to: &str) -> String {
    let info = swap(&Signing::of("_a").info(ASSERTION), from, to);
    response(&enveloped(ASSERTION, &Signing::of("_a").seal(&info)))
}

fn digest_values() -> Table {
    let info = Signing::of("_a").info(ASSERTION);
    let at = info.find("<ds:DigestValue>").unwrap() + "<ds:DigestValue>".len();
    let good = &info[at..info.find("</ds:DigestValue>").unwrap()];
    let wrong = base64(&[7; 32]);
    let value = |text: &str| sealed(&format!("<ds:DigestValue>{good}"), &format!("<ds:DigestValue>{text}"));
    let two = |first: &str, second: &str| value(&format!("{first}</ds:DigestValue><ds:DigestValue>{second}"));
    let longer = base64(&[&base64_simd::STANDARD.decode_to_vec(good).unwrap()[..], &[0]].concat());
    let hexadecimal: String =
        base64_simd::STANDARD.decode_to_vec(good).unwrap().iter().map(|b| format!("{b:02x}")).collect();
    let method = element("DigestMethod", super::fixture::SHA256);
    Table::new("digest values")
        .twin("one", value(good))
        .twin("one in two lines", value(&format!("\n{}\n{}", &good[..20], &good[20..])))
        .attacks([
            ("two, the good one first", two(good, &wrong), SHAPE),
            ("two, the good one last", two(&wrong, good), SHAPE),
            ("two good ones", two(good, good), SHAPE),
            ("an element before it", value(&format!("<x></x>{good}")), SHAPE),
            ("an element behind it", value(&format!("{good}<x></x>")), SHAPE),
            (
                "another digest within it",
                value(&format!("{good}<ds:DigestValue>{wrong}</ds:DigestValue>")),
                SHAPE,
            ),
            ("none", sealed(&format!("<ds:DigestValue>{good}</ds:DigestValue>"), ""), SHAPE),
            ("an empty one", value(""), DIGEST),
            ("another", value(&wrong), DIGEST),
            ("its beginning", value(&good[..40]), DIGEST),
            ("a byte more", value(&longer), DIGEST),
            ("in hexadecimal", value(&hexadecimal), DIGEST),
            ("not in base64", value("*"), SHAPE),
            ("without padding", value(good.trim_end_matches('=')), SHAPE),
            ("with a blank of Unicode", value(&format!("\u{a0}{good}")), SHAPE),
            ("text beside it", sealed("</ds:DigestValue>", "</ds:DigestValue>x"), SHAPE),
            (
                "its method behind it",
                sealed(&method, "").replacen("</ds:DigestValue>", &format!("</ds:DigestValue>{method}"), 1),
                SHAPE,
            ),
            ("two methods", sealed(&method, &method.repeat(2)), SHAPE),
            ("no method", sealed(&method, ""), SHAPE),
        ])
}

fn signature_values() -> Table {
    let info = Signing::of("_a").info(ASSERTION);
    let good = base64(&HONEST.sign(super::fixture::RSA_SHA256, info.as_bytes()));
    let value = |text: &str| response(&enveloped(ASSERTION, &signature_of(&info, text)));
    let two =
        |first: &str, second: &str| value(&format!("{first}</ds:SignatureValue><ds:SignatureValue>{second}"));
    let bytes = base64_simd::STANDARD.decode_to_vec(&good).unwrap();
    let (zeros, ones) = (base64(&[0; 256]), base64(&[0xff; 256]));
    Table::new("signature values")
        .twin("one", value(&good))
        .twin("one in lines", value(&format!("\n{}\r\n\t{}\n", &good[..76], &good[76..])))
        .attacks([
            ("two, the good one first", two(&good, &zeros), SHAPE),
            ("two, the good one last", two(&zeros, &good), SHAPE),
            ("an element in it", value(&format!("{good}<x></x>")), SHAPE),
            (
                "another value in it",
                value(&format!("{good}<ds:SignatureValue>{zeros}</ds:SignatureValue>")),
                SHAPE,
            ),
            ("an empty one", value(""), VALUE),
            ("one byte", value("AA=="), VALUE),
            ("zeros", value(&zeros), VALUE),
            ("ones", value(&ones), VALUE),
            ("the number one", value(&base64(&[&[0; 255][..], &[1]].concat())), VALUE),
            ("a byte less", value(&base64(&bytes[..255])), VALUE),
            ("a byte more", value(&base64(&[&bytes[..], &[0]].concat())), VALUE),
            ("a zero before it", value(&base64(&[&[0], &bytes[..]].concat())), VALUE),
            ("one bit changed", value(&base64(&[&[bytes[0] ^ 1], &bytes[1..]].concat())), VALUE),
            ("backwards", value(&base64(&bytes.iter().rev().copied().collect::<Vec<_>>())), VALUE),
            ("not base64", value("*"), VALUE),
            ("without padding", value(good.trim_end_matches('=')), VALUE),
            ("the URL alphabet", value(&format!("{}-_", &good[..good.len() - 2])), VALUE),
            ("of something else", value(&base64(&HONEST.sign(super::fixture::RSA_SHA256, b"x"))), VALUE),
            (
                "of the assertion itself",
                value(&base64(&HONEST.sign(super::fixture::RSA_SHA256, ASSERTION.as_bytes()))),
                VALUE,
            ),
            ("100 kB", value(&"A".repeat(100_000)), VALUE),
        ])
}

fn signed_infos() -> Table {
    let document = honest();
    let info =
        Signing::of("_a").info(ASSERTION).replacen(" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"", "", 1);
    let put = |from: &str, to: &str| swap(&document, from, to);
    let good = info.split("DigestValue>").nth(1).unwrap();
    let evil_info = swap(&info, good, &format!("{}</ds:", base64(&[7; 32])));
    let behind = |what: &str| put("</ds:SignatureValue>", &format!("</ds:SignatureValue>{what}"));
    Table::new("SignedInfo").twin("one", &document).attacks([
        ("two, the good one first", put("</ds:SignedInfo>", &format!("</ds:SignedInfo>{evil_info}")), SHAPE),
        ("two, the good one last", put("<ds:SignedInfo>", &format!("{evil_info}<ds:SignedInfo>")), SHAPE),
        ("one behind the value", behind(&info), SHAPE),
        (
            "one in KeyInfo",
            swap(&behind(&format!("<ds:KeyInfo>{info}</ds:KeyInfo>")), &info, &evil_info),
            VALUE,
        ),
        ("one in an Object", behind(&format!("<ds:Object>{info}</ds:Object>")), SHAPE),
        ("one within itself", put("</ds:SignedInfo>", &format!("{info}</ds:SignedInfo>")), SHAPE),
        ("none", put(&info, ""), SHAPE),
        ("an empty one", put(&info, "<ds:SignedInfo></ds:SignedInfo>"), "saml.signature.reference-count"),
        (
            "the value first",
            swap(&put(&info, ""), "</ds:SignatureValue>", &format!("</ds:SignatureValue>{info}")),
            SHAPE,
        ),
        ("text in it", put("<ds:SignedInfo>", "<ds:SignedInfo>x"), SHAPE),
        ("text beside it", put("<ds:SignedInfo>", "x<ds:SignedInfo>"), SHAPE),
        ("an unknown child", put("</ds:SignedInfo>", "<ds:x/></ds:SignedInfo>"), SHAPE),
        ("a changed digest", put("<ds:DigestValue>", "<ds:DigestValue>AAAA"), VALUE),
        ("a blank in the digest", put("<ds:DigestValue>", "<ds:DigestValue> "), VALUE),
        ("a blank in it", put("<ds:SignedInfo>", "<ds:SignedInfo> "), VALUE),
        ("an Id of it", adorned(&document, "ds:SignedInfo", "Id=\"_i\""), VALUE),
        (
            "a type of the reference",
            adorned(&document, "ds:Reference", "Type=\"http://www.w3.org/2000/09/xmldsig#Object\""),
            VALUE,
        ),
        ("the methods swapped", put(&info, &swapped(&info)), SHAPE),
    ])
}

/// `SignedInfo` with its first two children in the wrong order.
fn swapped(info: &str) -> String {
    let canonical = element("CanonicalizationMethod", super::fixture::EXCLUSIVE);
    let method = element("SignatureMethod", super::fixture::RSA_SHA256);
    info.replacen(&format!("{canonical}{method}"), &format!("{method}{canonical}"), 1)
}

/// A genuine `SignedInfo` and its value, over something that the provider did not say.
fn replayed_infos() -> Table {
    let as_genuine = swap(&evil(), "\"_evil\"", "\"_a\"");
    let signature = Signing::of("_a").sign(ASSERTION);
    let other = swap(ASSERTION, "ID=\"_a\"", "ID=\"_b\"");
    let earlier = swap(ASSERTION, "2026-11-22T12:10:00Z", "2026-11-22T12:11:00Z");
    let both = enveloped(&honest(), &Signing::of("_r").sign(&response(ASSERTION)));
    let uri = "saml.signature.reference-uri";
    Table::new("replayed signatures")
        .twin("over its own", response(&enveloped(ASSERTION, &signature)))
        .attacks([
            ("over evil", response(&enveloped(&as_genuine, &signature)), DIGEST),
            ("over another of its ID", response(&enveloped(&earlier, &signature)), DIGEST),
            ("over one of another ID", response(&enveloped(&other, &signature)), uri),
            (
                "of another of its ID",
                response(&enveloped(ASSERTION, &Signing::of("_a").sign(&earlier))),
                DIGEST,
            ),
            ("of one of another ID", response(&enveloped(ASSERTION, &Signing::of("_b").sign(&other))), uri),
            ("on the response", enveloped(&response(ASSERTION), &signature), uri),
            (
                "of the response on the assertion",
                response(&enveloped(ASSERTION, &Signing::of("_r").sign(&response(ASSERTION)))),
                uri,
            ),
            ("of the response before the assertion was signed", both, DIGEST),
        ])
}
