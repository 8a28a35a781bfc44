//! A SAML response as people have it at hand: base64 with or without line breaks, the form that a browser posts, or the XML
//! itself.

use base64_simd::STANDARD;
use url::form_urlencoded;

/// The form field that holds a response (SAML Bindings 3.5.4).
pub const FIELD: &str = "SAMLResponse";

/// The base64 of the response in what somebody has at hand; `None` if there is none in it.
pub fn response(bytes: &[u8]) -> Option<String> {
    let content = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    if content.starts_with(b"<") {
        return Some(STANDARD.encode_to_string(content));
    }
    // As developer tools show a field of a form.
    let shown = content.strip_prefix(FIELD.as_bytes()).and_then(|rest| rest.strip_prefix(b":"));
    let content = shown.map_or(content, <[u8]>::trim_ascii);
    if content.windows(FIELD.len()).any(|at| at == FIELD.as_bytes()) {
        let mut fields = form_urlencoded::parse(content);
        return fields.find(|(name, _)| name == FIELD).map(|(_, value)| value.into_owned());
    }
    let text = String::from_utf8_lossy(content);
    // Copied out of a form as it travels: base64 itself has no percent sign.
    let text = if text.contains('%') { decoded(&text) } else { text.into_owned() };
    (!text.is_empty()).then_some(text)
}

/// The value of a form field, where `+` stands for itself if nobody wrote it as `%2B`.
fn decoded(value: &str) -> String {
    let field = format!("v={}", value.replace('+', "%2B"));
    form_urlencoded::parse(field.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_response_is_read() {
        for (given, expected) in [
            ("PGE+\n", Some("PGE+")),
            ("PG\r\nE+", Some("PG\r\nE+")),
            ("PGE%2B%3D", Some("PGE+=")),
            ("PGE+%3D", Some("PGE+=")),
            ("SAMLResponse=PGE%2B&RelayState=x", Some("PGE+")),
            ("RelayState=x&SAMLResponse=PGE%2B%0D%0A", Some("PGE+\r\n")),
            ("<a/>", Some("PGEvPg==")),
            ("\u{feff}\n<a/>\n", Some("PGEvPg==")),
            ("SAMLResponse: PGE+\n", Some("PGE+")),
            ("", None),
            (" \n", None),
            ("RelayState=SAMLResponse", None),
        ] {
            assert_eq!(response(given.as_bytes()).as_deref(), expected, "{given:?}");
        }
    }
}
