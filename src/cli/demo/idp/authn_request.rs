//! Reads the two facts the demo provider wants from an `AuthnRequest` of the HTTP-Redirect
//! binding (SAML Bindings 3.4): its id, and where the answer is wanted.
//!
//! Loose on purpose: nothing is trusted. The answer only ever goes to the broker's own ACS, and
//! a request that wants another one is refused.

use base64_simd::STANDARD as BASE64;
use quick_xml::Reader;
use quick_xml::events::Event;

/// Inflated size that a request may have.
const MAX_BYTES: usize = 64 * 1024;

/// What was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AuthnRequest {
    /// Its id, which the answer repeats as `InResponseTo`.
    pub(crate) id: String,
    /// Where the answer is wanted, if it says so.
    pub(crate) acs: Option<String>,
}

impl AuthnRequest {
    /// Reads the `SAMLRequest` parameter, already URL-decoded: base64 of a raw deflate stream.
    pub(crate) fn parse(parameter: &str) -> Option<Self> {
        let deflated = BASE64.decode_to_vec(parameter).ok()?;
        let xml = miniz_oxide::inflate::decompress_to_vec_with_limit(&deflated, MAX_BYTES).ok()?;
        let mut reader = Reader::from_str(std::str::from_utf8(&xml).ok()?);
        loop {
            match reader.read_event().ok()? {
                Event::Start(element) | Event::Empty(element) => {
                    let attribute = |name: &str| {
                        let found = element.try_get_attribute(name).ok()??;
                        String::from_utf8(found.value.into_owned()).ok()
                    };
                    let named = element.local_name().as_ref() == b"AuthnRequest";
                    let id = attribute("ID").filter(|id| is_id(id))?;
                    return named.then(|| Self { id, acs: attribute("AssertionConsumerServiceURL") });
                }
                Event::Eof | Event::DocType(_) => return None,
                _ => {}
            }
        }
    }
}

/// An `xs:ID` of ASCII characters, short enough to send back.
fn is_id(text: &str) -> bool {
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts_well && text.len() <= 200 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(xml: &str) -> Option<AuthnRequest> {
        let deflated = miniz_oxide::deflate::compress_to_vec(xml.as_bytes(), 6);
        AuthnRequest::parse(&BASE64.encode_to_string(deflated))
    }

    #[test]
    fn finds_the_id_and_the_address() {
        let xml = r#"<?xml version="1.0"?><samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
            ID="_1f" AssertionConsumerServiceURL="http://127.0.0.1:8080/saml/corp/acs"/>"#;
        let acs = Some("http://127.0.0.1:8080/saml/corp/acs".into());
        assert_eq!(parse(xml), Some(AuthnRequest { id: "_1f".into(), acs }));
    }

    #[test]
    fn refuses_what_is_no_request() {
        for bad in [
            "",
            "hello",
            "<AuthnRequest/>",
            r#"<LogoutRequest ID="_1"/>"#,
            r#"<AuthnRequest ID="a&quot;b"/>"#,
            r#"<!DOCTYPE x><AuthnRequest ID="_1"/>"#,
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(AuthnRequest::parse("%%%"), None);
    }
}
